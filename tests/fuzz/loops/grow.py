"""Programs grow statement by statement from a seed, with the type of every name known: integers with the interval that
they stay in, arrays with their extents. So indices are in range and loops end by construction; what NumPy refuses all
the same, or what grows out of bounds, is grown again.

Every variable whose value the program returns is bound at its beginning; a name that is bound further in is read only
within its block. Names may be any text that can be assigned to: `s1`, `box.s`, `state["v"]`, `parts[0]`.
"""
from __future__ import annotations

import itertools
import linecache
import random
import warnings
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .names import Bool, Float, Helper, Int, Mat, Type, Vec
from .statements import Statements

LARGEST = 50.0
"""Of the numbers that a program computes."""


@dataclass(frozen=True)
class Program:
    """A function `f` that returns `loss, (all of its variables)`."""

    source: str
    arguments: tuple[Any, ...]
    seed: int = -1

    def compiled(self) -> Callable[..., Any]:
        """The function, with its source where lifting and tracebacks look for it."""
        filename = f"<program {zlib.crc32(self.source.encode()):x}>"
        linecache.cache[filename] = (len(self.source), None, self.source.splitlines(keepends=True), filename)
        scope: dict[str, Any] = {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)  # of what an edit may make
            exec(compile(self.source, filename, "exec"), scope)
        return scope["f"]

    @property
    def varied(self) -> tuple[int, ...]:
        """The positions of the arguments that are differentiated."""
        return tuple(k for k, a in enumerate(self.arguments) if np.asarray(a).dtype.kind == "f")

    def __str__(self) -> str:
        shown = ", ".join(f"{a.dtype}{list(a.shape)}" if isinstance(a, np.ndarray) else repr(a) for a in self.arguments)
        return f"# seed {self.seed}: {shown}\n{self.source}"


PRELUDE = '''\
import math

import numpy as np


class Box:
    def __init__(self, s, v):
        self.s, self.v, self.k = s, v, 0

    def push(self, value):
        self.v[self.k] = value
        self.k = (self.k + 1) % len(self.v)
        self.s += 0.1 * value


'''


def helper(rng: random.Random, k: int, n: int, m: int) -> tuple[Helper, list[str]]:
    """A function at module level, with loops and early returns of its own."""
    g = Statements(rng)
    takes = g.pick((Vec(n), Vec(m), Mat(n, m)))
    g.scope.bind("a", takes)
    g.scope.bind("r", Float())
    g.scope.bind("k", Int(0, 2))
    g.returned = "np.tanh(r)"
    g.turns = 20
    g.emit("k = 0")
    g.emit(f"r = {g.pick(('0.5 * b', 'b', '0.1'))}")
    g.scope.bind("b", Float())
    g.statements(rng.randint(1, 4), 1)
    g.emit("return r")
    name = f"h{k}"
    return Helper(name, takes), [f"def {name}(a, b):", *g.lines, "", ""]


def draft(rng: random.Random) -> Program:
    """A program that may fail or overflow."""
    n, m = rng.choice((3, 4, 5, 9, 10)), rng.choice((3, 4, 10))
    lines: list[str] = []
    helpers = []
    for k in range(rng.choice((0, 0, 1, 2))):
        h, text = helper(rng, k, n, m)
        helpers.append(h)
        lines += text
    g = Statements(rng, helpers)
    variables = declare(g, n, m)
    g.returned = result(g, variables)
    g.statements(rng.randint(2, 7), rng.choice((1, 2, 2, 3)))
    g.emit(f"return {g.returned}")
    numbers = np.random.default_rng(rng.randrange(2 ** 32))
    arguments = (0.7 * numbers.normal(size=n), 0.7 * numbers.normal(size=(n, m)),
                 rng.choice((float, np.float64))(numbers.normal()), numbers.integers(0, 3, 4))
    return Program(PRELUDE + "\n".join([*lines, "def f(x, y, z, idx):", *g.lines]) + "\n", arguments)


def declare(g: Statements, n: int, m: int) -> dict[str, Type]:
    """The variables that the program returns: from the arguments, constants, containers."""
    returned: dict[str, Type] = {}

    def variable(text: str, name: str, t: Type) -> None:
        g.emit(f"{name} = {text}")
        g.scope.bind(name, t)
        returned[name] = t

    variable("z", "s0", Float())
    variable(g.pick(("0.5", "x[0] * z", "np.sum(y) * 0.1")), "s1", Float())
    variable(g.pick(("x.copy()", "x * z", "np.zeros_like(x)")), "v0", Vec(n))
    variable(g.pick((f"np.zeros({n})", f"np.ones({n}) * z", "y[:, 0] + x")), "v1", Vec(n))
    variable(g.pick(("y.copy()", "np.sin(y)", "0.5 * y")), "m0", Mat(n, m))
    if g.chance(0.3):
        variable(f"np.zeros(({n}, {m}))", "m1", Mat(n, m))
    if g.chance(0.5):
        variable(g.pick(("0", "2", "idx[0]")), "k0", Int(0, 4))
    if g.chance(0.4):
        variable(g.pick(("True", "False", "z > 0.1")), "b0", Bool())
    g.scope.bind("x" if g.chance(0.2) else "v0", Vec(n))
    for k in range(2):
        if g.chance(0.3):
            g.scope.bind(f"idx[{k}]", Int(0, 2, fixed=True))
    container = g.rng.randint(0, 5)
    if container == 0:
        g.emit(f"box = Box(0.2 * z, {g.pick(('x * 0.5', f'np.zeros({n})'))})")
        names = {"box.s": Float(), "box.v": Vec(n)}
    elif container == 1:
        g.emit(f"state = {{'s': 0.3, 'v': {g.pick(('x + 1', 'v1'))}}}")
        names = {"state['s']": Float(), "state['v']": Vec(n)}
    elif container == 2:
        g.emit(f"parts = [y[0] * 1.0, {g.pick(('z', '0.1'))}]")
        names = {"parts[0]": Vec(m), "parts[1]": Float()}
    else:
        names = {}
    for name, t in names.items():
        g.scope.bind(name, t)
        returned[name] = t
    return returned


def result(g: Statements, variables: dict[str, Type]) -> str:
    terms = []
    for k, (name, t) in enumerate(variables.items()):
        if isinstance(t, Float):
            terms.append(f"{k + 1}.5 * {name}")
        elif isinstance(t, Vec | Mat):
            term = g.pick(("np.sum({}) * 1.1", "np.sum(np.sin({}))", "0.5 * np.sum({} ** 2)"))
            terms.append(term.format(name))
    return f"{' + '.join(terms)}, ({', '.join(variables)})"


def program(seed: int) -> Program:
    """The program of a seed: the first draft that NumPy runs, with numbers that stay within bounds."""
    for attempt in itertools.count():
        rng = random.Random(f"{seed}/{attempt}")
        p = draft(rng)
        if runs(p):
            return Program(p.source, p.arguments, seed)
    raise AssertionError("unreachable")


def runs(p: Program) -> bool:
    """Whether NumPy runs a program, and near its arguments too, without a warning, with numbers of ordinary size."""
    try:
        f = p.compiled()
        for shift in (0.0, 1e-3):
            args = [a + shift if np.asarray(a).dtype.kind == "f" else a for a in map(np.copy, p.arguments)]
            with np.errstate(all="raise"):
                loss, variables = f(*(a if a.ndim else a.item() for a in args))
            leaves = [loss, *variables]
            if not all(np.all(np.abs(np.asarray(v, float)) < LARGEST) for v in leaves):
                return False
    except Exception:  # a draft or an edit may do anything
        return False
    return True
