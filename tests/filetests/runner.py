"""Reads and runs file tests.

A file is a header, functions in the IR's text form, and the expected output:

    ; run: gradient wrt=0 simplify dce        the passes, in order, each with its settings behind it
    ; args: {1.0,nan} 3                       arguments of a call, as literals (for `interpret` and `compile`)
    func @f(...) ... { ... }
    ; expect:
    func @f(...) ...                          everything from here on is compared

Runs:
    verify      nothing more than what every run does: parse, verify, print, parse again
    interpret   calls the function with each `args` line; expected are the results, as literals
    compile     the same, and every compiled backend must agree with the interpreter
    others      a pass by name; after each one the verifier runs, and for a pass that keeps the meaning the interpreter
                compares before and after on random arguments

Files named `.loops` hold a kernel of the loop IR: see `loops`. Files named `.buffers` are about memory: see `buffers`.

An invalid program has `; error: message` behind each line at fault in place of an expected text, and a run that refuses
the program behind the run line. `bless` writes expected texts and error comments anew.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from gradjit.errors import GradjitError, IRError
from gradjit.ir import Func, Module, Value, interpret, parse, print_module, type_of, verify, walk
from gradjit.ir.attrs import read_literal, show_literal
from gradjit.ir.parser import Cursor
from gradjit.ir.verifier import errors_of
from gradjit.passes import PASSES
from tests.filetests import buffers, loops
from tests.fuzz.inputs import arguments, same
from tests.ops.backends import COMPILED

ROOT = Path(__file__).parent
EXPECT = "; expect:\n"
ERROR = re.compile(r"[ \t]*; error: .*")
BLESS = "python -m tests.filetests --bless"
REORDERS = {"sum", "prod", "contract", "pow", "cumsum", "cumprod", "scatter_add"}

Settings = dict[str, str]


@dataclass(frozen=True)
class Case:
    """A file taken apart."""

    path: Path
    source: str
    runs: tuple[tuple[str, Settings], ...]
    calls: tuple[str, ...]
    expected: str = field(repr=False)

    @property
    def is_invalid(self) -> bool:
        return bool(ERROR.search(self.source))


def read(path: Path) -> Case:
    """Raises ValueError for a file without a run line."""
    source, _, expected = path.read_text(encoding="utf-8").partition(EXPECT)
    runs = re.findall(r"^; run:(.*)$", ERROR.sub("", source), re.MULTILINE)
    if len(runs) != 1:
        raise ValueError(f"{path}: {len(runs)} run lines, expected one")
    calls = re.findall(r"^; args:(.*)$", source, re.MULTILINE)
    return Case(path, source, split_runs(runs[0]), tuple(calls), expected)


def split_runs(line: str) -> tuple[tuple[str, Settings], ...]:
    """`gradient wrt=0 dce` -> (("gradient", {"wrt": "0"}), ("dce", {}))"""
    found: list[tuple[str, Settings]] = []
    for word in line.split():
        name, equals, value = word.partition("=")
        if equals:
            found[-1][1][name] = value
        else:
            found.append((name, {}))
    return tuple(found)


# passes ---------------------------------------------------------------------------------------------------------------
def _ints(text: str) -> tuple[int, ...]:
    return tuple(int(n) for n in text.split(",") if n)


def _gradient(f: Func, s: Settings) -> Func:
    from gradjit.passes.vjp import gradient
    return gradient(f, _ints(s["wrt"]), int(s.get("of", "0")))


def _reverse(f: Func, s: Settings) -> Func:
    from gradjit.passes.vjp import reverse
    return reverse(f, _ints(s["wrt"]))


def _jvp(f: Func, s: Settings) -> Func:
    from gradjit.passes.jvp import jvp
    return jvp(f, _ints(s["wrt"]))


def _batch(f: Func, s: Settings) -> Func:
    from gradjit.passes.batching import batch
    return batch(f, [b == "1" for b in s["over"].split(",")], int(s["size"]))


DERIVING: dict[str, Callable[[Func, Settings], Func]] = {
    "gradient": _gradient, "reverse": _reverse, "jvp": _jvp, "batch": _batch,
}
"""Passes whose result is another function: `gradient wrt=0,1 of=0`, `reverse wrt=0`, `jvp wrt=0`,
`batch over=1,0 size=4`."""


def apply(f: Func, name: str, settings: Settings) -> Func:
    """One pass, then the checks that follow every pass."""
    if name in DERIVING:
        after = DERIVING[name](f, settings)
    else:
        after = PASSES[name].run(f)
        verify(after)
        check_meaning(f, after)
    verify(after)
    check_text(Module({after.name: after}))
    return after


def check_meaning(before: Func, after: Func) -> None:
    """Both give the same on random arguments, bit by bit where no terms may change their order."""
    exact = not any(op.name in REORDERS for op in walk(before.body))
    for seed in range(3):
        args = arguments(before, np.random.default_rng(seed), special=exact)
        try:
            expected = interpret(before, args)
        except (IndexError, ValueError):  # random numbers are no good indices or exponents here
            continue
        wrong = same(interpret(after, args), expected, exact)
        assert not wrong, f"the pass changed the meaning: {wrong}"


def check_text(m: Module) -> None:
    text = print_module(m)
    assert print_module(parse(text)) == text, "print, parse, print is not the identity"


# calls ----------------------------------------------------------------------------------------------------------------
def read_arguments(f: Func, line: str) -> list[np.ndarray]:
    """The literals of an `args` line; an array parameter of one repeated number may be written as that number."""
    c = Cursor(line)
    found: dict[Value, np.ndarray] = {}
    for p in f.params:
        shape = tuple(e if isinstance(e, int) else int(found[e]) for e in p.shape)
        found[p] = np.broadcast_to(read_literal(c, p.type.with_shape(shape)), shape)
    return list(found.values())


def call(f: Func, line: str, backends: Sequence[str]) -> str:
    """The results as text. Every backend must agree."""
    args = read_arguments(f, line)
    results = interpret(f, args)
    for name in backends:
        wrong = same(COMPILED[name](f, args), results, exact=False)
        assert not wrong, f"{name} differs from the interpreter: {wrong}"
    return "".join(f"{type_of(a)} {show_literal(a)}\n" for a in results)


# files ----------------------------------------------------------------------------------------------------------------
def outcome(case: Case) -> str:
    """The output of a file's runs."""
    if case.path.suffix == ".loops":
        return loops.outcome(case.source, case.path.name, case.runs, case.calls)
    if case.path.suffix == ".buffers":
        return buffers.outcome(case.source, case.path.name, case.runs, case.calls)
    m = parse(case.source, case.path.name)
    verify(m)
    check_text(m)
    calls = ""
    for name, settings in case.runs:
        if name in ("interpret", "compile"):
            backends = list(COMPILED) if name == "compile" else []
            calls += "\n".join(call(f, line, backends) for line in case.calls for f in m.funcs.values())
        elif name != "verify":
            m = Module({g.name: g for g in (apply(f, name, settings) for f in m.funcs.values())})
    return calls or print_module(m)


def errors(case: Case) -> dict[int, str]:
    """The messages about an invalid program by line."""
    if case.path.suffix == ".loops":
        return loops.errors(case.source, case.path.name)
    if case.path.suffix == ".buffers":
        return buffers.errors(case.source, case.path.name)
    try:
        m = parse(case.source, case.path.name, locate=True)
    except IRError as e:
        line, message = re.match(r"[^:]*:(\d+): (.*)", str(e)).groups()  # type: ignore[union-attr]
        return {int(line): message}
    found: dict[int, str] = {}
    for f in m.funcs.values():
        for op, message in errors_of(f):
            at = op.loc.line if op is not None and op.loc is not None else line_of(case, f"func @{f.name}(")
            found.setdefault(at, message)
    return found or refusal(case)


def line_of(case: Case, start: str) -> int:
    return next(k for k, text in enumerate(case.source.splitlines(), 1) if text.startswith(start))


def refusal(case: Case) -> dict[int, str]:
    """The first line of what a pass says of a program that it cannot take, by the run line."""
    try:
        outcome(case)
    except GradjitError as e:
        return {line_of(case, "; run:"): f"{type(e).__name__}: {str(e).splitlines()[0]}"}
    return {}


def with_errors(source: str, found: dict[int, str]) -> str:
    """The source with an error comment behind each line at fault."""
    lines = [ERROR.sub("", text) for text in source.splitlines()]
    for line, message in found.items():
        lines[line - 1] += f"  ; error: {message}"
    return "\n".join(lines) + "\n"


def bless(case: Case) -> bool:
    """Write what comes out as what is expected; whether the file changed."""
    found = errors(case)
    text = with_errors(case.source, found) + ("" if found else EXPECT + outcome(case))
    changed = text != case.path.read_text(encoding="utf-8")
    case.path.write_text(text, encoding="utf-8")
    return changed


def check(case: Case) -> None:
    """Raise AssertionError with a diff, and how to accept it, where the output differs from what the file expects."""
    if case.is_invalid:
        found, expected = with_errors(case.source, errors(case)), case.source
    else:
        found, expected = outcome(case), case.expected
    if found != expected:
        diff = difflib.unified_diff(expected.splitlines(), found.splitlines(), "expected", "found", lineterm="", n=4)
        name = case.path.relative_to(ROOT)
        raise AssertionError("\n".join([f"{name} gives another text; accept it with: {BLESS} {name}", *diff]))


def paths(names: Sequence[str] = ()) -> list[Path]:
    """All files, or those under the named files and directories."""
    roots = [ROOT / n if (ROOT / n).exists() else Path(n) for n in names] or [ROOT]
    kinds = ("*.ir", "*.buffers", "*.loops")
    return sorted(p for r in roots for p in ([r] if r.is_file() else [q for kind in kinds for q in r.rglob(kind)]))
