"""Functions that call themselves until a traced condition ends it, compiled as a loop over a stack.

    def f(x): return x if x < 1 else f(x / 2) * 1.5

A row of the stack holds the arguments of a call, the results of the calls that it has made so far, and their number.
An iteration of the loop runs the body for the uppermost row: its calls of itself get the results that are there, and
the first that has none asks for it, which puts a row on top; a body that asks for nothing gives its result to the next
row. So a body runs once more for each call in it. The stack is as high as Python's own.

Recursion whose end is known while tracing (on shapes, trees, ints) runs as ordinary Python. It is taken for one without
end where a function has come back to itself some times, under conditions on traced values, with arguments that differ
in numbers alone.
"""

from __future__ import annotations

import inspect
import sys
import types
from collections.abc import Callable, Iterator, Sequence
from dataclasses import field
from itertools import pairwise
from typing import Any, NoReturn

import numpy as np

from ...errors import Signal, TraceError
from ...ir import OPS, Block, Loc, can_fail, walk
from ...records import dataclass
from .. import grown, operands as o, patience, structures
from ..array import ARRAY, NUMBERS, TracedArray, root
from ..depth import FRAMES
from ..locations import fail, here
from ..parts import cell_content
from ..recorder import Recorder, recorders
from .call_records import DIFFER, Arguments, Learnt, Path, Result
from .frames import BRANCH, LOOP, TRIAL, Frame, Retry
from .states import Spec

DEEP = 3
"""How often a function has come back to itself when that is taken for no end."""
UNROLLED = 500
"""How many calls of a function by itself run as ordinary Python where they cannot be a loop."""
BRANCHING = 40
"""So many calls with lists of traced lengths are written out, or three times as many as they are deep."""
MANY = 5
"""From so many calls on a recursion that lengths of lists end is tried as a loop,"""
MUCH = 200
"""if its calls have recorded so many operations."""
ATTEMPTS = 12
"""How often a body is run to learn the types of its arguments and results."""
CALLS = 64
"""How often a body may call its function."""


class Endless(Signal):
    """A function comes back to itself under traced conditions; or so often that a loop is less code, though the lengths
    of lists, which are known, end that (`ends`)."""

    def __init__(self, first: Activation, calls: list[Activation], ends: bool = False):
        super().__init__("a recursion is to be compiled as a loop")
        self.first, self.calls, self.ends = first, calls, ends


class Unasked(Exception):
    """A call whose result nobody knows yet: its side of the branch gives none."""


@dataclass(eq=False)
class Activation:
    """A call of a function that calls itself."""

    f: types.FunctionType
    given: dict[str, Any]
    frame: Frame
    """What was under construction when it was called."""
    loc: Loc | None
    count: int = 0
    """Of the first: the calls of it by itself."""
    failed: TraceError | None = None
    """Of the first: why they are no loop."""
    began: int = 0
    """How many operations had been recorded before it."""


@dataclass(eq=False)
class Asking:
    """A run of the body for a row of the stack: who answers its calls of itself."""

    f: types.FunctionType
    arguments: Arguments
    result: Result | None
    """None in the first run, which shows what a call without calls gives."""
    answers: Sequence[TracedArray]
    """By call."""
    count: Any
    """How many calls have an answer."""
    frame: Frame
    made: int = 0
    """How many calls there are in the text of the run, in whichever branch."""
    asked: list[Any] = field(default_factory=list)
    """The calls so far, and the arguments of the one without an answer."""

    def call(self, given: dict[str, Any]) -> Any:
        if self.result is None:
            from ..raising import thrown
            raise thrown(Unasked())
        self.made += 1
        if self.made > CALLS or any(f.kind == LOOP for f in frames_within(self.frame)):
            fail(TraceError, "it calls itself in a loop")
        if self.made > self.result.calls:
            self.result.calls, self.result.is_learning = 2 * self.result.calls, True
        leaves = self.arguments.meet(given)
        if leaves is None:
            fail(TraceError, DIFFER)
        recorders()[-1].frame.before_change(self.asked)
        number, *others = self.asked
        row = self.arguments.row(leaves)
        chosen = [np.where(number == self.count, x, y) for x, y in zip(row, others, strict=True)]
        self.asked[:] = [number + 1, *chosen]
        return self.result.filled([a[number] for a in self.answers], list(given.values()))


def answered() -> TracedArray | None:
    """Whether all calls so far have an answer, where a run of a body may go on without: what raises an exception there,
    or runs until something is small enough, must not. None where that is sure."""
    asking = recorders()[-1].asking[-1] if recorders() and recorders()[-1].asking else None
    if asking is None or not asking.made:
        return None
    found = o.as_traced(asking.asked[0] <= asking.count)
    return None if found.known is not None and found.known else found


def frames_within(around: Frame) -> list[Frame]:
    """The regions under construction that were opened within this one."""
    return [f for f in recorders()[-1].frames if f.depth > around.depth]


# calls ----------------------------------------------------------------------------------------------------------------
def is_of_itself(f: types.FunctionType) -> bool:
    """Whether the text of a function names the function, or another that names it."""
    code = f.__code__
    if f.__name__ in code.co_names or f.__name__ in code.co_freevars:
        return True
    return any(g is f or (isinstance(g, types.FunctionType) and any(h is f for h in named(g))) for g in named(f))


def named(f: types.FunctionType) -> Iterator[Any]:
    """What the names of a function stand for, as far as they are global or of a function around it."""
    for name in f.__code__.co_names:
        if name in f.__globals__:
            yield f.__globals__[name]
    for cell in f.__closure__ or ():
        if (value := cell_content(cell)) is not None:
            yield value


def is_one(f: types.FunctionType, g: types.FunctionType) -> bool:
    return f is g or (f.__code__ is g.__code__ and f.__closure__ == g.__closure__)


def run(f: types.FunctionType, lifted: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """`lifted(*args, **kwargs)`, where f is the function as it was, which may call itself."""
    given = bound(f, args, kwargs)
    if given is None:
        return lifted(*args, **kwargs)
    r = recorders()[-1]
    asking = next((a for a in reversed(r.asking) if is_one(a.f, f)), None)
    if asking is not None:
        return asking.call(given)
    this = Activation(f, given, r.frame, here(), began=patience.recorded())
    same = [a for a in r.activations if is_one(a.f, f)]
    if not same:
        return outermost(this, r, lambda: lifted(*args, **kwargs), lifted)
    check(this, same)
    r.activations.append(this)
    try:
        return lifted(*args, **kwargs)
    finally:
        r.activations.remove(this)


def bound(f: types.FunctionType, args: Any, kwargs: Any) -> dict[str, Any] | None:
    """The arguments by their names; None where they do not fit."""
    try:
        found = inspect.signature(f, follow_wrapped=False).bind(*args, **kwargs)
    except (TypeError, ValueError):
        return None
    found.apply_defaults()
    return dict(found.arguments)


def check(this: Activation, same: list[Activation]) -> None:
    """`Endless` where the calls that a call stands in differ in numbers alone, with traced conditions between them."""
    first = same[0]
    first.count += 1
    multiplies = first.count > max(BRANCHING, 3 * len(same)) and any(
        grown.is_grown(x) and not grown.is_static(x) for x in this.given.values())
    if first.failed is not None:
        if multiplies or first.count > UNROLLED:
            refuse(this, first.failed)
        return
    if multiplies:
        refuse(this, TraceError("it calls itself several times, with lists whose lengths depend on traced values, so "
                                "that its calls multiply (np.sort, np.argsort and np.partition sort without it)"))
    if first.count >= MANY and patience.recorded() - first.began > MUCH:
        known = learnt_from([*same, this], any_length=True)
        if known is not None and known.open:
            raise Endless(first, [*same, this], ends=True)
        first.began = patience.recorded()  # not asked at each call
    chain = [*same, this][-DEEP - 1:]
    if len(chain) <= DEEP or not all(under_condition(a, b) for a, b in pairwise(chain)):
        return
    known = learnt_from(chain)
    if known is not None and known.parts:
        raise Endless(first, [*same, this])


def learnt_from(calls: Sequence[Activation], any_length: bool = False) -> Arguments | None:
    """The arguments of these calls; None where they differ in more than numbers. any_length: or in lengths of lists."""
    found = Arguments(calls[0].given, calls[0].f.__name__, any_length)
    for _ in range(ATTEMPTS):
        try:
            return found if all(found.meet(c.given) is not None for c in calls[1:]) else None
        except Learnt:
            continue
    return None


def under_condition(a: Activation, b: Activation) -> bool:
    f: Frame | None = b.frame
    while f is not None and f is not a.frame:
        if f.kind == BRANCH:
            return True
        f = f.parent
    return False


def outermost(this: Activation, r: Recorder, plain: Callable[[], Any], lifted: Callable[..., Any]) -> Any:
    """The first call: as ordinary Python; as a loop where that has no end."""
    around, iterations_around = r.frame, r.iterations_around
    trial = r.frame = Frame(TRIAL, r, around, here())
    r.activations.append(this)
    try:
        result = plain()
        trial.commit()
        return result
    except Endless as e:
        if e.first is not this:
            raise
        irreversible = trial.irreversible
        trial.abandon()
        r.iterations_around = iterations_around
        calls, ends = e.calls, e.ends
    finally:
        r.activations.remove(this)
    try:
        if irreversible:
            raise TraceError(irreversible)
        return CallStack(this, calls, lifted, r, ends).run()
    except TraceError as e:
        this.failed = e
    if not ends and not ends_by_number(calls):
        refuse(calls[-1], this.failed)
    r.activations.append(this)
    try:
        return plain()
    finally:
        r.activations.remove(this)


def ends_by_number(calls: Sequence[Activation]) -> bool:
    """Whether an int that is known while tracing differs from call to call, so that it may end the recursion."""
    found = [[leaf for leaf in structures.flatten(list(a.given.values()))[0] if isinstance(leaf, (int, np.integer))]
             for a in calls]
    return any(any(x != y for x, y in zip(a, b, strict=False)) for a, b in pairwise(found))


def refuse(call: Activation, why: TraceError) -> NoReturn:
    reason = str(why).partition("\n")[0]
    fail(TraceError, f"{call.f.__name__} calls itself until a condition on traced values ends it, which cannot be "
                     f"compiled as a loop: {reason}; write a loop, or end it by a number that is known while tracing "
                     f"(an int, a shape)", call.loc)


# the loop -------------------------------------------------------------------------------------------------------------
class CallStack:
    """The calls of one function by itself, as a loop."""

    def __init__(self, first: Activation, calls: Sequence[Activation], lifted: Callable[..., Any], recorder: Recorder,
                 any_length: bool = False):
        self.first, self.f, self.lifted, self.recorder = first, first.f, lifted, recorder
        arguments = learnt_from(calls, any_length)
        if arguments is None:
            raise TraceError(DIFFER)
        self.arguments = arguments
        self.result: Result | None = None

    def run(self) -> Any:
        r = self.recorder
        outermost = r.outermost
        known, outermost.learned = outermost.learned, {}
        frame = r.frame
        try:
            self.result = self.first_result(set())
            for _ in range(ATTEMPTS):
                if self.result.is_stale:
                    self.result = self.first_result(self.result.open)
                trial = r.frame = Frame(TRIAL, r, frame, here())
                outermost.learned = {}
                try:
                    result = self.looped()
                    trial.commit()
                    return result
                except Learnt:
                    trial.abandon()
                except BaseException:
                    trial.abandon()
                    raise
            raise TraceError("the types of its arguments and results do not settle")
        finally:
            outermost.learned = known

    def given(self, row: Sequence[Any]) -> tuple[list[Any], dict[str, Any]]:
        """The arguments that a row holds, as a call passes them."""
        names = inspect.signature(self.f, follow_wrapped=False).parameters
        return spread(self.f, dict(zip(names, self.arguments.made(row), strict=True)))

    def body(self, asking: Asking, args: list[Any], kwargs: dict[str, Any]) -> Any:
        self.recorder.asking.append(asking)
        try:
            return self.lifted(*args, **kwargs)
        finally:
            self.recorder.asking.remove(asking)

    def first_result(self, open: set[Path]) -> Result:
        """What a call without calls of its own gives, where these lists in it are known to be open."""
        r, carry = self.recorder, set[int]()
        around = r.frame
        while True:
            frame = r.frame = Frame(LOOP, r, around, here())  # nothing is known of its parameters
            frame.carry |= carry
            row = [root(frame.parameter(c.type, ""), r, c.kind) for c in self.arguments.columns]
            try:
                found = self.body(Asking(self.f, self.arguments, None, (), 0, frame), *self.given(row))
                return Result(found, self.f.__name__, self.arguments, open)
            except Unasked:
                raise TraceError("it calls itself whichever way it takes") from None
            except Retry as e:
                if e.frame is not frame:
                    raise
                carry |= frame.carry
            finally:
                frame.abandon()

    def step(self, row: Sequence[Any], answers: Sequence[Any], count: Any) -> Any:
        """An iteration: whether a call is asked for, its arguments, and the result, if none is."""
        assert self.result is not None
        r = self.recorder
        given = self.given(row)  # the trial is told what is changed of it: no other call would see that
        trial, began = Frame(TRIAL, r, r.frame, here()), next(NUMBERS)
        r.frame = trial
        asking = Asking(self.f, self.arguments, self.result, answers, count, trial)
        asking.asked = [0, *(o.filled(0, s.shape, s.dtype.np) for s in self.arguments.columns)]
        trial.fresh[id(asking.asked)] = asking.asked
        value = self.result.meet(self.body(asking, *given), trial, began)
        if any(w.handle.number < began for w in trial.log.values()) or any(True for _ in trial.changed()):
            raise TraceError("it changes arrays, lists or objects that it does not make itself (return what is new)")
        done = Block()
        done.ops = trial.block.ops[trial.start:]
        if any(OPS[op.name].effect and not can_fail(op) for op in walk(done)):
            raise TraceError("it prints")
        trial.commit()
        number, *wanted = asking.asked
        return number > count, wanted, value

    def looped(self) -> Any:
        from ..hooks import Hooks
        from ..lift import lifted
        assert self.result is not None
        height = sys.getrecursionlimit()
        usual = min(usual_limit(), height)
        columns = [column((usual,), c) for c in self.arguments.columns]
        answers = [column((usual, self.result.calls), c) for c in self.result.columns]
        for c, x in zip(columns, self.arguments.row(self.arguments.leaves), strict=True):
            c[1] = x
        counts = memory((usual,), np.int64)
        loop = lifted(_calls, Hooks)  # type: ignore[arg-type]
        found = loop(self.step, columns, answers, counts, usual)
        return self.result.filled(found, list(self.first.given.values()))


def usual_limit() -> int:
    """Python's limit of recursion, which is higher while a function is traced."""
    return sys.getrecursionlimit() // FRAMES


def column(shape: tuple[int, ...], spec: Spec) -> TracedArray:
    return memory((*shape, *spec.shape), spec.dtype.np)


def memory(shape: tuple[Any, ...], dtype: Any) -> TracedArray:
    """An array of which no element is known, so that nothing is decided by what stands in it at first."""
    return root(o.filled(0, shape, dtype).value, recorders()[-1], ARRAY)


def spread(f: types.FunctionType, given: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """The arguments as a call passes them."""
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    for name, p in inspect.signature(f, follow_wrapped=False).parameters.items():
        if p.kind is p.VAR_POSITIONAL:
            args += given[name]
        elif p.kind is p.VAR_KEYWORD:
            kwargs.update(given[name])
        elif p.kind is p.KEYWORD_ONLY:
            kwargs[name] = given[name]
        else:
            args.append(given[name])
    return args, kwargs


def _calls(step: Any, columns: Any, answers: Any, counts: Any, height: int) -> Any:
    top = 1
    while top > 0:
        is_asked, args, value = step([c[top] for c in columns], [a[top] for a in answers], counts[top])
        if is_asked:
            if top + 1 == height:
                raise RecursionError("maximum recursion depth exceeded")
            top = top + 1
            for c, x in zip(columns, args):  # noqa: B905 (compiled as the user's own)
                c[top] = x
            counts[top] = 0
        else:
            top = top - 1
            for a, x in zip(answers, value):  # noqa: B905
                a[top, counts[top]] = x
            counts[top] = counts[top] + 1
    return [a[0, 0] for a in answers]
