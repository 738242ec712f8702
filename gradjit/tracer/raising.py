"""The program's own exceptions under traced conditions: they are raised when the compiled function runs.

    if test: raise NoConvergence(f"after {n} steps")   -->   if %test { raise %n error="NoConvergence#1" message="" } {}

A `raise` statement notes its exception (`thrown`). The branch on the traced condition that it leaves by
(control/branches.py) records the operation in its place, and the function goes on with the other side. A handler around
the branch would have caught it, which a compiled function cannot: that is refused.
"""

from __future__ import annotations

import ast
import functools
import types
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import GradjitError, LeakError, TraceError
from ..ir import Block, Builder, Loc
from ..ir.ops.effects import MAKERS, builtin_error
from ..probe import code_of, peek
from . import decided_results, trees
from .array import ARRAY, PYTHON, TracedArray
from .calls import call
from .control.raises_behind import BEHIND
from .control.recursion import answered
from .control.states import NeedsFlag
from .decided_results import Decided, put_together
from .locations import fail, raised_at, with_place
from .operands import as_traced, captured
from .outside import is_data_array
from .perhaps import OneOf, Undecided
from .recorder import current, recorders
from .source import definition
from .syntax import walk
from .texts import Text
from .ufuncs import compute


def thrown(x: Any) -> Any:
    """What a `raise` statement raises."""
    if not recorders():
        return x
    if isinstance(x, type) and issubclass(x, BaseException):
        x = call(x)
    if isinstance(x, Exception) and not isinstance(x, GradjitError):
        recorders()[-1].outermost.thrown[id(x)] = x
    return x


def is_thrown(e: BaseException | None) -> bool:
    """Whether a `raise` statement of the program has raised it."""
    return bool(recorders()) and recorders()[-1].outermost.thrown.get(id(e)) is e is not None


# handlers around ------------------------------------------------------------------------------------------------------
class Trying:
    """The body of a `try` with handlers. kinds: what they catch, each as a function that tells; None catches all."""

    def __init__(self, line: int, kinds: Sequence[Callable[[], Any] | None]):
        self.line, self.kinds = line, kinds

    def __enter__(self) -> None:
        if recorders():
            recorders()[-1].outermost.trying.append(self)

    def __exit__(self, *_: object) -> None:
        if recorders() and recorders()[-1].outermost.trying[-1:] == [self]:
            recorders()[-1].outermost.trying.pop()

    def catches(self, e: BaseException) -> bool:
        """Whether a handler is one for the exception."""
        return any(kind is None or isinstance(e, kind()) for kind in self.kinds)

    @property
    def may_catch(self) -> bool:
        """Whether there is any exception that it may catch."""
        return True

    @property
    def name(self) -> str:
        return f"the try in line {self.line} would catch it"

    @property
    def acts(self) -> bool:
        """Whether something is done when an exception passes that it does not catch."""
        return False

    def takes(self, frame: Any) -> bool:
        """Whether a side of a branch can be put aside that has ended by an exception which it catches."""
        return False


class Acting(Trying):
    """The body of a `try` with `finally`."""

    def __init__(self, line: int):
        super().__init__(line, ())

    @property
    def may_catch(self) -> bool:
        return False

    @property
    def acts(self) -> bool:
        return True


class Managed(Trying):
    """The body of a `with`, whose manager may swallow exceptions."""

    def __init__(self, line: int, manager: Any):
        super().__init__(line, ())
        self.manager = manager

    def catches(self, e: BaseException) -> bool:
        return may_swallow(self.manager)

    @property
    def may_catch(self) -> bool:
        return may_swallow(self.manager)

    @property
    def acts(self) -> bool:
        return type(self.manager).__name__ not in HARMLESS

    @property
    def name(self) -> str:
        return f"the {type(self.manager).__name__} of the with statement in line {self.line} may swallow it"


HARMLESS = frozenset({"errstate", "nullcontext", "catch_warnings", "redirect_stdout", "redirect_stderr", "lock",
                      "RLock", "TextIOWrapper", "localcontext", "closing"})
"""Context managers of the libraries that let exceptions pass, by the names of their classes."""


def may_swallow(manager: Any) -> bool:
    """Whether a context manager may keep an exception from going on, as far as its code tells."""
    cls = type(manager)
    if cls.__name__ in HARMLESS:
        return False
    generator = peek(manager, "gen")
    if cls.__name__ == "_GeneratorContextManager" and isinstance(generator, types.GeneratorType):
        node = definition(generator.gi_code)
        return node is None or any(isinstance(n, ast.ExceptHandler) for n in walk(node))
    code = code_of(peek(cls, "__exit__"))
    node = definition(code) if code is not None else None
    if node is None or isinstance(node, ast.Lambda):
        return True
    returned = [n.value for n in walk(node) if isinstance(n, ast.Return)]
    return any(not (v is None or (isinstance(v, ast.Constant) and not v.value)) for v in returned)


# the operation --------------------------------------------------------------------------------------------------------
def record(e: Exception) -> None:
    """Raise the exception when the compiled function runs, where it stands."""
    if (around := catching(e)) is not None:
        loc = raised_at(e)
        flag = f"{BEHIND}{0 if loc is None else loc.line}"
        if flag not in current().outermost.flagged:
            raise NeedsFlag(flag)
        refused(e, around.name)
    cls, args = type(e), e.args
    if builtin_error(cls.__name__) is cls and not e.__dict__ and e.__cause__ is None and (
            not args or (len(args) == 1 and (isinstance(args[0], Text) or (isinstance(args[0], str) and args[0])))):
        told = Text(args)
        if any(isinstance(p, Undecided) for p in told.pieces):
            return append_made(e)
        append(told.values, cls.__name__, told.form, raised_at(e))
        return
    append_made(e)


def append_made(e: Exception) -> None:
    """One that is made by its class."""
    cls, args = type(e), e.args
    parts, tree = trees.flatten((args, dict(e.__dict__)))
    maker = Maker(cls, tree, [part(x) for x in parts], e.__cause__, e.__suppress_context__)
    append([h for x in parts for h in held(x)], named(maker), "", raised_at(e))


def append(values: Sequence[TracedArray], error: str, message: str, loc: Loc | None) -> None:
    builder = current().builder
    operands = [v.value for v in values]
    test = answered()
    condition = None if test is None else test.value
    builder.loc = loc
    if condition is None:
        builder.append("raise", operands, {"error": error, "message": message})
        return
    block = Block()
    Builder(block, loc).append("raise", operands, {"error": error, "message": message})
    builder.append("if", (condition,), {}, (block, Block()), ())


def is_refusal(e: BaseException | None) -> bool:
    """Whether it is gradjit that does not go on, where NumPy or Python would have answered. What a program does that
    catches this is not its result."""
    return isinstance(e, (TraceError, LeakError))


def caught(e: BaseException | None) -> None:
    """A handler or a context manager of the program's has caught an exception: a refusal is raised all the same."""
    if e is not None and is_refusal(e) and recorders():
        recorders()[-1].outermost.unanswered = e  # type: ignore[assignment]


def may_be_caught(e: Exception) -> bool:
    """Whether a handler around would catch it."""
    return catching(e) is not None


def catching(e: Exception) -> Trying | None:
    """The innermost handler around that would catch it."""
    return next((t for t in reversed(recorders()[-1].outermost.trying) if t.catches(e)), None)


def arithmetic(numbers: Sequence[TracedArray], result: TracedArray, *errors: type[Exception]) -> None:
    """Python's numbers raise where NumPy's give inf or nan. Where a handler around would catch that, a run in which it
    happens ends: finite numbers of which something infinite, or nan, was made."""
    if not recorders() or not (around := recorders()[-1].outermost.trying):
        return
    for error in errors:
        if (t := next((t for t in reversed(around) if t.catches(error())), None)) is not None:
            break
    else:
        return
    tests = [compute(np.isfinite, [x]) for x in numbers] + [compute(np.logical_not, [compute(np.isfinite, [result])])]
    test = functools.reduce(lambda a, b: compute(np.logical_and, [a, b]), tests)
    if test.known is not None and not test.known.any():
        return
    block, builder = Block(), current().builder
    message = (f"Python raises {error.__name__} for these numbers, and {t.name}, which a compiled function cannot do; "
               f"test for them with an if")
    Builder(block, builder.loc).append("raise", (), {"error": error.__name__, "message": with_place(message)})
    builder.append("if", (test.value,), {}, (block, Block()), ())


def refused(e: Exception, why: str) -> None:
    """A handler of the function's own cannot do anything at run time."""
    try:
        fail(TraceError, f"the program raises {type(e).__name__} under a condition on traced values, and {why}, which "
                         f"a compiled function cannot do; write what the handler does into the branch, or catch it "
                         f"around the call of the compiled function")
    except TraceError as error:
        recorders()[-1].outermost.unanswered = error  # a handler for all exceptions must not catch this one
        raise


class Maker:
    """Makes the exception again, with the numbers that came."""

    def __init__(self, cls: type[Exception], tree: trees.Tree, parts: list[tuple[str, Any]],
                 cause: BaseException | None, alone: bool):
        self.cls, self.tree, self.parts, self.cause, self.alone = cls, tree, parts, cause, alone

    def __call__(self, values: Sequence[np.ndarray]) -> BaseException:
        rest = list(values)
        leaves = []
        for kind, what in self.parts:
            if kind == DECIDED:
                plan, count = what
                taken, rest = rest[:count], rest[count:]
                leaves.append(put_together(plan, taken))
            else:
                leaves.append(what if kind == "object" else number(kind, rest.pop(0)))
        args, attributes = trees.unflatten(self.tree, leaves)
        base: Any = next(c for c in self.cls.__mro__ if c.__module__ == "builtins")
        made: BaseException = base.__new__(self.cls, *args)
        made.args = args
        made.__dict__.update(attributes)
        made.__cause__, made.__suppress_context__ = self.cause, self.alone
        return made

    def described(self) -> tuple[str, str]:
        """The name of Python's own exception that it is one of, and a text without the numbers."""
        base = next(c for c in self.cls.__mro__ if c.__module__ == "builtins")
        args, _ = trees.unflatten(self.tree, [what if kind == "object" else "..." for kind, what in self.parts])
        text = ", ".join(map(str, args))
        name = "" if base is self.cls else self.cls.__name__
        return base.__name__, ": ".join(x for x in (name, text) if x)


def number(kind: str, x: np.ndarray) -> Any:
    return np.array(x) if kind == ARRAY else x[()].item() if kind == PYTHON else x[()]


DECIDED = "decided"


def part(x: Any) -> tuple[str, Any]:
    """How an argument or attribute is made: by its kind."""
    if isinstance(x, (Text, OneOf)):
        node = decided(x)
        return DECIDED, (node.plan, len(node.children))
    if isinstance(x, Undecided):
        x.refuse()
    if isinstance(x, TracedArray):
        return x.kind, None
    return (ARRAY, None) if is_data_array(x) else ("object", x)


def decided(x: Any) -> Decided:
    node = decided_results.held(x)
    if not isinstance(node, Decided):
        fail(TraceError, "the text of an exception holds what may be None, as a traced condition decides; ask whether "
                         "it is None before")
    return node


def held(x: Any) -> list[TracedArray]:
    if isinstance(x, (Text, OneOf)):
        return [as_traced(n.number) for n in decided(x).children]
    return [x] if isinstance(x, TracedArray) else [captured(x)] if is_data_array(x) else []


_known: dict[Any, str] = {}


def named(maker: Maker) -> str:
    """The name of a maker among MAKERS; that of an equal one, if there is one."""
    key: Any = maker.cls, maker.tree, tuple(maker.parts), maker.cause, maker.alone
    try:
        found = _known.get(key)
    except TypeError:  # it holds what cannot be hashed
        key, found = object(), None
    if found is None:
        found = _known[key] = f"{maker.cls.__name__}#{len(MAKERS) + 1}"
        MAKERS[found] = maker
    return found
