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
from .. import grown, operands as o, structures
from ..array import ARRAY, TracedArray, root
from ..depth import FRAMES
from ..locations import fail, here
from ..parts import cell_content
from ..recorder import Recorder, recorders
from .frames import BRANCH, LOOP, TRIAL, Frame, Retry
from .may_alias import alias_items
from .states import Spec, described, is_same, join, numeric, spec_of

DEEP = 3
"""How often a function has come back to itself when that is taken for no end."""
UNROLLED = 500
"""How many calls of a function by itself run as ordinary Python where they cannot be a loop."""
BRANCHING = 40
"""So many calls with lists of traced lengths are written out, or three times as many as they are deep."""
ATTEMPTS = 12
"""How often a body is run to learn the types of its arguments and results."""
CALLS = 64
"""How often a body may call its function."""


class Endless(Signal):
    """A function comes back to itself under traced conditions."""

    def __init__(self, first: Activation, calls: list[Activation]):
        super().__init__("a recursion is to be compiled as a loop")
        self.first, self.calls = first, calls


class Learnt(Signal):
    """The body must be run again, knowing more."""


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


@dataclass(eq=False)
class Arguments:
    """The arguments of all calls: what is the same in each, and what a row of the stack holds."""

    structure: structures.Structure
    leaves: list[Any]
    specs: dict[int, Spec] = field(default_factory=dict)
    """Of the leaves that differ from call to call, by position."""

    @classmethod
    def of(cls, first: Activation) -> Arguments:
        leaves, structure = structures.flatten(list(first.given.values()))
        return cls(structure, leaves)

    def meet(self, given: dict[str, Any]) -> list[Any] | None:
        """Learn from the arguments of another call; its leaves. None where they differ in more than numbers."""
        leaves, structure = structures.flatten(list(given.values()))
        if structure != self.structure:
            return None
        specs = dict(self.specs)
        for k, (a, b) in enumerate(zip(self.leaves, leaves, strict=True)):
            if a is b or (k not in specs and not isinstance(a, TracedArray) and is_same(a, b)):
                continue
            x, y = numeric(a), numeric(b)
            both = None if x is None or y is None else join(specs.get(k) or spec_of(x), spec_of(y))
            if both is None:
                return None
            specs[k] = both
        learnt, self.specs = specs != self.specs, specs
        if learnt:
            raise Learnt
        return leaves

    def varying(self, leaves: Sequence[Any]) -> list[TracedArray]:
        """What a row of the stack holds of a call."""
        return [handle(leaves[k], spec) for k, spec in self.specs.items()]

    def filled(self, row: Sequence[Any]) -> list[Any]:
        """The arguments of the call that a row holds."""
        leaves = list(self.leaves)
        for (k, spec), x in zip(self.specs.items(), row, strict=True):
            leaves[k] = handle(x, spec)
        made: list[Any] = structures.unflatten(self.structure, leaves)
        return made


@dataclass(eq=False)
class Result:
    """What all calls give."""

    structure: structures.Structure
    leaves: list[Any]
    specs: dict[int, Spec]
    calls: int = 1
    """How many results of its own calls a body may read."""
    may_be_given: bool = False
    """Whether it may be, or hold, an array, list or object that the call was given."""

    @classmethod
    def of(cls, x: Any) -> Result:
        leaves, structure = structures.flatten(x)
        found = {k: h for k, leaf in enumerate(leaves) if (h := numeric(leaf)) is not None}
        return cls(structure.bare(), leaves, {k: spec_of(h) for k, h in found.items()})

    def meet(self, x: Any, made_in: Frame) -> list[TracedArray]:
        """The leaves of another result, which a body has given, in the types of all."""
        leaves, structure = structures.flatten(x)
        if not self.may_be_given and holds_given(leaves, structure, made_in):
            self.may_be_given = True
            raise Learnt
        if structure != self.structure:
            raise TraceError("it gives results of different structure")
        specs = dict(self.specs)
        for k, (a, b) in enumerate(zip(self.leaves, leaves, strict=True)):
            y = numeric(b) if k in specs else None
            both = join(specs[k], spec_of(y)) if y is not None else None
            if both is not None:
                specs[k] = both
            elif k in specs or not is_same(a, b):
                raise TraceError(f"it gives {described(a)} in one call and {described(b)} in another")
        learnt, self.specs = specs != self.specs, specs
        if learnt:
            raise Learnt
        return [handle(leaves[k], spec) for k, spec in specs.items()]

    def filled(self, row: Sequence[Any], given: Any, name: str) -> Any:
        """The result in a row, of a call of the function of that name with these arguments."""
        leaves = list(self.leaves)
        for (k, spec), x in zip(self.specs.items(), row, strict=True):
            h = handle(x, spec)
            leaves[k] = root(h.content, h.home, spec.kind)  # the row itself is written anew
        found = structures.unflatten(self.structure, leaves)
        if self.may_be_given:
            part_of_both(found, given, name)
        return found


def holds_given(leaves: Sequence[Any], structure: structures.Structure, made_in: Frame) -> bool:
    """Whether the result of a body, which ran in this frame, may share arrays, lists or objects with others."""
    return any(not made_in.is_fresh(n.given) or id(n.given) in made_in.frozen for n in structure.nodes()) or any(
        isinstance(x, TracedArray) and x.kind == ARRAY and any(h.made.depth < made_in.depth for h in x.maybe())
        for x in leaves)


def part_of_both(found: Any, given: Any, name: str) -> None:
    """A result may hold arrays, lists or objects of the arguments: whoever changes one must not lose that."""
    (leaves, structure), (theirs, arguments) = structures.flatten(found), structures.flatten(given)
    for n in (*structure.nodes(), *arguments.nodes()):
        structures.freeze(n.given, f"{name}, which calls itself, may give what it was given")
    arrays = [x for x in theirs if isinstance(x, TracedArray) and x.kind == ARRAY]
    alias_items([x for x in leaves if isinstance(x, TracedArray) and x.kind == ARRAY], arrays,
                recorders()[-1].frame.depth, f"what {name} gives")


def handle(x: Any, spec: Spec) -> TracedArray:
    """A number or array as one of the type."""
    h = o.cast(o.as_traced(x), spec.dtype)
    return h if h.kind == spec.kind == ARRAY else root(h.content, h.home, spec.kind)


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
            self.result.calls *= 2
            raise Learnt
        leaves = self.arguments.meet(given)
        if leaves is None:
            fail(TraceError, "its calls of itself differ in more than numbers, or in shapes")
        recorders()[-1].frame.before_change(self.asked)
        number, *others = self.asked
        row = self.arguments.varying(leaves)
        chosen = [np.where(number == self.count, x, y) for x, y in zip(row, others, strict=True)]
        self.asked[:] = [number + 1, *chosen]
        return self.result.filled([a[number] for a in self.answers], list(given.values()), self.f.__name__)


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
    this = Activation(f, given, r.frame, here())
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
    if first.failed is not None:
        if first.count > UNROLLED:
            refuse(this, first.failed)
        return
    if first.count > max(BRANCHING, 3 * len(same)) and any(
            grown.is_grown(x) and not grown.is_static(x) for x in this.given.values()):
        refuse(this, TraceError("it calls itself several times, with lists whose lengths depend on traced values, so "
                                "that its calls multiply (np.sort, np.argsort and np.partition sort without it)"))
    chain = [*same, this][-DEEP - 1:]
    if len(chain) <= DEEP or not all(under_condition(a, b) for a, b in pairwise(chain)):
        return
    known = Arguments.of(chain[0])
    for a in chain[1:]:
        try:
            if known.meet(a.given) is None:
                return
        except Learnt:
            pass
    if known.specs:
        raise Endless(first, [*same, this])


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
        calls = e.calls
    finally:
        r.activations.remove(this)
    try:
        if irreversible:
            raise TraceError(irreversible)
        return CallStack(this, calls, lifted, r).run()
    except TraceError as e:
        this.failed = e
    if not ends_by_number(calls):
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

    def __init__(self, first: Activation, calls: Sequence[Activation], lifted: Callable[..., Any], recorder: Recorder):
        self.first, self.f, self.lifted, self.recorder = first, first.f, lifted, recorder
        self.arguments = Arguments.of(first)
        for c in calls:
            try:
                self.arguments.meet(c.given)
            except Learnt:
                continue
        self.result: Result | None = None

    def run(self) -> Any:
        r = self.recorder
        outermost = r.outermost
        known, outermost.learned = outermost.learned, {}
        frame = r.frame
        try:
            self.result = self.first_result()
            for _ in range(ATTEMPTS):
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
        return spread(self.f, dict(zip(names, self.arguments.filled(row), strict=True)))

    def body(self, asking: Asking, args: list[Any], kwargs: dict[str, Any]) -> Any:
        self.recorder.asking.append(asking)
        try:
            return self.lifted(*args, **kwargs)
        finally:
            self.recorder.asking.remove(asking)

    def first_result(self) -> Result:
        """What a call without calls of its own gives."""
        r, carry = self.recorder, set[int]()
        around = r.frame
        while True:
            frame = r.frame = Frame(LOOP, r, around, here())  # nothing is known of its parameters
            frame.carry |= carry
            row = [root(frame.parameter(spec.type, ""), r, spec.kind) for spec in self.arguments.specs.values()]
            try:
                return Result.of(self.body(Asking(self.f, self.arguments, None, (), 0, frame), *self.given(row)))
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
        trial = r.frame = Frame(TRIAL, r, r.frame, here())
        asking = Asking(self.f, self.arguments, self.result, answers, count, trial)
        asking.asked = [0, *(o.filled(0, s.shape, s.dtype.np) for s in self.arguments.specs.values())]
        trial.fresh[id(asking.asked)] = asking.asked
        value = self.result.meet(self.body(asking, *given), trial)
        if trial.log or any(True for _ in trial.changed()):
            raise TraceError("it changes arrays, lists or objects that it does not make itself (return what is new)")
        done = Block()
        done.ops = trial.block.ops[trial.start:]
        if any(OPS[op.name].effect and not can_fail(op) for op in walk(done)):
            raise TraceError("it prints")
        trial.commit()
        number, *wanted = asking.asked
        return number > count, wanted, value

    def looped(self) -> Any:
        from ..scipy.written_loops import looped
        assert self.result is not None
        height = sys.getrecursionlimit()
        usual = min(usual_limit(), height)
        columns = [column((usual,), s) for s in self.arguments.specs.values()]
        answers = [column((usual, self.result.calls), s) for s in self.result.specs.values()]
        for c, x in zip(columns, self.arguments.varying(self.arguments.leaves), strict=True):
            c[1] = x
        counts = memory((usual,), np.int64)
        found = looped(_calls)(self.step, columns, answers, counts, usual)
        return self.result.filled(found, list(self.first.given.values()), self.f.__name__)


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
