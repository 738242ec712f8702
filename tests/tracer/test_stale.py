"""What the trace has read, and where it has read it, is watched: after a change a compiled function gives what Python
gives then, or it refuses, and says so. The cases stand in stale_table.py."""

from __future__ import annotations

import linecache
import math

import numpy as np
import pytest

import gradjit as gj
from gradjit.errors import GradjitError

from .stale_table import CASES, FEW, HOLDERS

X = np.arange(1.0, 4.0)
IMPORTS = ("import abc, array, collections, contextvars, copy, dataclasses, enum, functools, math, operator, os, sys\n"
           "import types, weakref\n"
           "import numpy as np\n")


def module(text, name):
    """A namespace that the text was run in, as if it stood in a file."""
    file = f"/stale/{name}.py"
    linecache.cache[file] = len(text), None, text.splitlines(True), file
    space = {"__name__": __name__, "__builtins__": __builtins__}
    exec(compile(text, file, "exec"), space)
    return space


def story(made, read, change, way, name, backend):
    """What two calls give before the change, and two after it: the numbers, or the exceptions."""
    lines = (read if "\n" in read or read.startswith(("k,", "from", "import")) else f"k = {read}").replace("\n.", "\n ")
    body = "".join(f"    {line}\n" for line in lines.splitlines())
    space = module(f"{IMPORTS}{made}\ndef f(x):\n{body}    return x * k\ndef nested(x): return np.sum(f(x) ** 2)\n"
                   f"def change():\n" + "".join(f"    {s}\n" for s in change.splitlines()), name)
    f = {"plain": space["f"], "jit": None, "grad": None, "slope": None}[way]
    if way == "jit":
        f = gj.jit(space["f"], backend=backend)
    elif way == "grad":
        f = gj.grad(space["nested"], backend=backend)
    elif way == "slope":
        f = lambda x: 2 * x * (space["f"](1.0)) ** 2
    found: list = []
    for k in range(4):
        if k == 2:
            space["change"]()
        try:
            found.append(np.asarray(f(X), dtype=float))
        except GradjitError:
            return "refused"
        except Exception as e:
            found.append(type(e))
    math.pi, np.sinc = PI, SINC
    return found


BACKEND = "interpreter"
REFUSED = {("weakref", "r().k"), ("weakref", "2.0 if r() is None else 3.0")}
"""Holders and ways of reading that are refused."""
WAYS = (("plain", "jit"), ("slope", "grad"))
PI, SINC = math.pi, np.sinc


def agree(case, number, ways=WAYS, backend=BACKEND):
    """What is wrong, or None. By `grad` the function is called by another one, as an ordinary helper."""
    name, made, read, change = case
    for plain, way in ways:
        expected = story(made, read, change, plain, f"{number}plain", backend)
        got = story(made, read, change, way, f"{number}{way}{backend}", backend)
        if got == "refused":
            if (name, read) not in REFUSED:
                return f"{name}: {read!r} is refused by {way}"
            continue
        for e, g in zip(expected, got, strict=True):
            if (e != g) if isinstance(e, type) or isinstance(g, type) else not np.allclose(e, g, equal_nan=True):
                return f"{name}: {read!r}, {change!r}, by {way}: {got}, Python gives {expected}"
    return None


@pytest.mark.thinned
@pytest.mark.parametrize("name", HOLDERS)
def test_changes_are_seen(name):
    failures = [agree(case, k, WAYS[k % 2:][:1]) for k, case in enumerate(FEW) if case[0] == name]
    assert failures, "no cases"
    assert not any(failures), "\n".join(filter(None, failures))


@pytest.mark.slow
@pytest.mark.parametrize("name", HOLDERS)
def test_all_changes_are_seen(name):
    failures = [agree(case, k) for k, case in enumerate(CASES) if case[0] == name]
    assert not any(failures), "\n".join(filter(None, failures))


NATIVE = ("list", "dict", "instance", "slots", "instance by its class", "method", "defaults", "global", "forms", "set",
          "library function")
"""A holder for each kind of guard that machine code has."""


def test_changes_are_seen_by_machine_code():
    chosen = [case for case in FEW if case[0] in NATIVE][::9]
    failures = [agree(case, k, WAYS[k % 2:][:1], "native") for k, case in enumerate(chosen)]
    assert not any(failures), "\n".join(filter(None, failures))


def test_there_are_many():
    assert len(FEW) >= 300
    assert {case[0] for case in FEW} == set(HOLDERS)


def test_arguments_of_a_captured_exception() -> None:
    error = ValueError(3.0)
    f = gj.jit(lambda x: x * error.args[0])
    assert f(1.0) == 3.0
    error.args = (4.0,)
    assert f(1.0) == 4.0
