"""From a Python function and its arguments to an IR function.

Arrays, NumPy scalars, and Python's float and complex numbers are traced; every other leaf of the arguments (int, bool,
str, functions, ...) is static: part of what is compiled. Containers are pytrees.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..errors import DtypeError, GradjitError, LeakError, TraceError
from ..ir import ArrayType, Func, Loc, Value, dtype_of, walk
from ..ir.element_reads import read_elements_directly
from ..ir.fold_ranges import fold_ranges
from ..ir.sizes import deciding
from ..probe import code_of, is_array_like, parameters_of, peek, text, unwrapped
from ..records import dataclass
from . import left_outside, patience, process_settings, trees
from .ambient import check_told
from .array import ARRAY, PYTHON, SCALAR, TracedArray, root
from .calls import call
from .containers import ContainerContents, ItemPath, items_of
from .control.branches import raised_in_branch
from .control.frames import BRANCH
from .control.may_alias import are_one
from .control.states import NeedsFlag, Undefined
from .decided_results import Deciding, in_result
from .depth import deeper
from .foreign import Foreign, foreignness, note
from .grown import Tail, returned
from .guards import Condition, all_hold
from .layout import Strides, contiguous, is_contiguous, of_array
from .lift import admit, is_user_code
from .locations import fail, raised_at
from .masked_selection import Selection
from .operands import captured
from .outside import Outside, described, is_data_array
from .perhaps import Fixed, Undecided
from .raising import is_thrown
from .recognised import is_compiled
from .recorder import HiddenInput, Recorder, recorders
from .repeated_calls import RepeatedCalls
from .state import State, restored
from .structures import Unroll
from .unlifted import check_copies

STATIC = "static"
"""The kind of a leaf that is part of the specialisation; the others are the kinds of handles."""


@dataclass(frozen=True)
class ArgumentLeaf:
    """A leaf of the arguments. `kind` is STATIC (then `type` is None), or the kind of handle that the function sees."""

    name: str
    kind: str
    type: ArrayType | None
    value: Any = None
    """The value of a static leaf."""
    strides: Strides = None
    """The memory order of an array, which is part of the specialisation."""
    foreign: frozenset[Foreign] = frozenset()
    """How the caller's array differs from what compiled code sees."""
    same_as: int | None = None
    """The position of an earlier leaf that is the very same array, and seen as such by the function."""

    @property
    def is_traced(self) -> bool:
        """Whether it is a parameter of its own."""
        return self.kind != STATIC and self.same_as is None


@dataclass(frozen=True)
class ResultLeaf:
    """A leaf of the result: result `index` of the function, in the given kind; or with index None the object `value`.

    `argument` (its position among the leaves) and `captured` tell that it is that very object, perhaps written to.
    """

    index: int | None
    kind: str = STATIC
    value: Any = None
    argument: int | None = None
    captured: HiddenInput | None = None
    decides: str | None = None
    """Where it is no result of its own, but tells what another one is: why that is no number (decided_results.py)."""


@dataclass(frozen=True)
class Write:
    """An array from outside that the function has changed: a leaf of the arguments, or a captured one."""

    what: str
    loc: Loc | None
    value: Value | None
    """What it is to hold in the end; None where nobody asks."""
    argument: int | None = None
    captured: HiddenInput | None = None


@dataclass
class Trace:
    """A traced function. Its parameters are the traced leaves of the arguments, in order, then the captured arrays,
    then the values of an enclosing trace that it uses."""

    func: Func
    leaves: list[ArgumentLeaf]
    tree: trees.Tree
    captured: list[HiddenInput]
    observed: list[HiddenInput]
    """Arrays from outside of which nothing but the type was asked for: shape, dtype, layout."""
    guards: list[Condition]
    result: list[ResultLeaf]
    result_tree: trees.Tree
    writes: list[Write]
    touched: list[Write]
    """Arguments that a function which is differentiated inside writes to, on elements of its own: nothing is to be
    written to the caller's, but they must share no memory with other arrays, which would have to see the change."""
    rebindings: list[ItemPath]
    """Where the function has put other values into containers among the arguments, if it was asked for: the values
    are then the last parts of the result, which is a tuple `(result, value...)`."""
    outer_reads: list[TracedArray]
    """Arrays of the enclosing traces that the function reads, other than by its arguments."""
    adopted: list[Value]
    """Values of the enclosing trace's function that the last parameters stand for."""
    loc: Loc | None
    """Where the function is defined."""
    loops: dict[Loc | None, str]
    """By their lines, loops that were compiled as loops (""), or unrolled and why. Short ones are not listed."""
    stages: dict[str, Func]
    """The function on its way, by the name of the stage: "traced", before it was differentiated."""
    moved: list[tuple[State, int]]
    """States that go on when the function is called inside of another trace, and which of the IR's results they are."""
    arguments: list[Any]
    """Of a function that is traced inside of another: what it got for the leaves of its arguments."""
    returned: list[TracedArray | None]
    """The same for the leaves of its result, where they are traced: which arrays, or views of which, it returns."""

    @property
    def traced(self) -> list[int]:
        """The positions among the leaves of those that are parameters."""
        return [i for i, leaf in enumerate(self.leaves) if leaf.is_traced]

    def holds(self) -> bool:
        """Whether all guards hold."""
        return all_hold(self.guards)


def leaf_of(x: Any, name: str) -> ArgumentLeaf:
    """How an argument's leaf is traced. DtypeError for arrays that cannot be compiled."""
    if isinstance(x, TracedArray):
        return ArgumentLeaf(name, x.kind, x.type, strides=x.strides_in_elements, foreign=foreignness(x))
    if isinstance(x, (np.ndarray, np.generic)):
        if type(x) not in (np.ndarray, np.memmap, x.dtype.type):
            from .masked_arrays import is_class
            remedy = ("pass its data and its mask, and make np.ma.array(data, mask=mask) of them inside"
                      if is_class(type(x)) else "pass np.asarray(...) of it")
            fail(DtypeError, f"the argument {name} is a {type(x).__module__}.{type(x).__name__}; {remedy}")
        try:
            t = ArrayType(dtype_of(x.dtype), x.shape)
        except DtypeError as e:
            fail(DtypeError, f"the argument {name}: {e}")
        if isinstance(x, np.ndarray):
            return ArgumentLeaf(name, ARRAY, t, strides=of_array(x), foreign=foreignness(x))
        return ArgumentLeaf(name, SCALAR, t)
    if type(x) in (float, complex):
        return ArgumentLeaf(name, PYTHON, ArrayType(dtype_of(type(x))))
    if is_array_like(x):
        fail(DtypeError, f"the argument {name} is a {type(x).__module__}.{type(x).__name__}, which is no NumPy array; "
                         f"pass np.asarray(...) of it")
    if is_buffer(x):
        fail(DtypeError, f"the argument {name} is a {type(x).__module__}.{type(x).__name__}, whose numbers may change "
                         f"unseen; pass np.asarray(...) of it, which shares its memory")
    return ArgumentLeaf(name, STATIC, None, x)


def opened(leaf: ArgumentLeaf, shape: tuple[int, ...]) -> ArgumentLeaf:
    """A leaf that is an array, with open extents. The strides of one that is not contiguous are what calls share."""
    assert leaf.type is not None
    order = next((o for o in "CF" if is_contiguous(leaf.type.shape, leaf.strides, o)), None)
    strides = leaf.strides if order is None else contiguous(shape, order)
    return replace(leaf, type=leaf.type.with_shape(shape), strides=strides)


def is_buffer(x: Any) -> bool:
    """Whether it holds memory of its own that may change: an array.array, a memoryview, an array of ctypes."""
    if isinstance(x, (int, str, bytes, type(None))):
        return False
    try:
        with memoryview(x):
            return True
    except (TypeError, BufferError, ValueError):
        return False


def parameter_names(f: Callable[..., Any], count: int) -> list[str]:
    """The names of the first `count` positional parameters."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    parameters = parameters_of(f)
    if parameters is None:
        return []
    names = [p.name for p in parameters if p.kind in kinds][:count]
    star = next((p.name for p in parameters if p.kind is inspect.Parameter.VAR_POSITIONAL), "arg")
    return names + [f"{star}_{k}" for k in range(count - len(names))]


def definition_of(f: Any) -> Loc | None:
    """Where a function is defined."""
    f = unwrapped(behind(f))
    code = code_of(f) or code_of(getattr(type(f), "__call__", None))  # noqa: B004 (it is asked for its code)
    return Loc(code.co_filename, code.co_firstlineno, code.co_name) if code else None


def behind(f: Any) -> Any:
    """The function that the user has written, behind partial applications and compiled functions."""
    while isinstance(f, functools.partial) or is_compiled(f):
        f = f.func if isinstance(f, functools.partial) else f.like
    return f


def name_of(f: Any) -> str:
    f = behind(f)
    return text(f, "__name__", type(f).__name__)


def trace(f: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any], like: Any = None, *,
          sharing: bool = False, rebinding: bool = False, writing: bool = False, checking: bool | None = None,
          shapes: Mapping[int, tuple[int, ...]] | None = None, called_by: str = "") -> Trace:
    """Run `f` on stand-ins for its arguments and record what it computes.

    Raises TraceError (and its kinds) for what cannot be compiled, with the user's line; exceptions that the function
    itself raises pass through. The arguments are not changed.

    like: the user's function, where `f` only calls that: it gives the names.
    sharing: an array that is passed twice is one array for the function, so that a write to it is seen in both.
    rebinding: the result tells what the function has put into containers among its arguments, and into arrays.
    writing: the latter alone.
    shapes: of leaves of the arguments, by their positions, what stands for their shapes, in which extents may be open.
    checking: whether assertions on traced values are carried out; None: as in the trace around this one.
    called_by: why how often it is called is no matter of the program; then it may change nothing around it.
    """
    options: dict[str, Any] = {"like": f if like is None else like, "sharing": sharing, "rebinding": rebinding,
                               "writing": writing or rebinding,
                               "checking": checking, "shapes": shapes or {}, "called_by": called_by,
                               "flagged": frozenset()}
    return patience.watched(functools.partial(attempts, f, args, kwargs, options))


def attempts(f: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any], options: dict[str, Any]) -> Trace:
    """`trace`, as often as it takes to learn how loops are to be run."""
    unrolled_at: frozenset[Loc] = frozenset()
    error: TraceError | None = None
    """Of the attempt with loops, where the next one is without."""
    while True:
        try:
            return attempt(f, args, kwargs, as_python=error is not None, unrolled_at=unrolled_at, **options)
        except NeedsFlag as e:
            if recorders():
                raise
            options["flagged"] |= {e.name}
        except UnrolledAttempt as e:
            error = e.error
        except TraceError as e:
            if error is not None:
                raise error from error.__cause__
            if not isinstance(e, Unroll) or e.loc in unrolled_at or recorders():
                raise
            unrolled_at |= {e.loc}


class UnrolledAttempt(Exception):
    """A number was needed that a loop of known length computes: its iterations should run one by one."""

    def __init__(self, error: TraceError):
        super().__init__(str(error))
        self.error = error


def attempt(f: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any], like: Any, *, sharing: bool,
            rebinding: bool, writing: bool, checking: bool | None, shapes: Mapping[int, tuple[int, ...]],
            called_by: str, flagged: frozenset[str], as_python: bool = False,
            unrolled_at: frozenset[Loc] = frozenset()) -> Trace:
    """`trace`, with loops of known length as regions, or (all as_python, some turn_by_turn) as ordinary Python where
    they are not too long."""
    found, tree = trees.flatten((tuple(args), dict(kwargs)))
    names = trees.leaf_names(tree, parameter_names(like, len(args)))
    leaves = [leaf_of(x, n) for x, n in zip(found, names, strict=True)]
    for k, shape in shapes.items():
        leaves[k] = opened(leaves[k], shape)
    if sharing:
        leaves = shared(leaves, found)
    refuse_long_lists(leaves, like)
    with Recorder(name_of(like)) as recorder:
        recorder.repeated, recorder.called_by = RepeatedCalls(recorder), called_by
        recorder.checking = recorder.outer is not None and recorder.outer.checking if checking is None else checking
        handles = bind(recorder, leaves)
        note_same_arrays(handles, leaves, found)
        inner_args, inner_kwargs = trees.unflatten(tree, handles)
        static = {id(leaf.value) for leaf in leaves if leaf.kind == STATIC}
        made_for(recorder.outermost.world, (*inner_args, *inner_kwargs.values()), static)
        before = ContainerContents(inner_args, inner_kwargs) if rebinding else None
        for static in (f, *(leaf.value for leaf in leaves if not leaf.is_traced)):
            world_of(recorder, static)
        recorder.as_python, recorder.unrolled_at, recorder.flagged = as_python, unrolled_at, flagged
        try:
            states = recorder.outermost.states if recorder.outer is not None else ()
            with deciding(True), restored(states):
                out = run(f, inner_args, inner_kwargs)
                moved = [(s, s.read()) for s in states if s.moves_on]
                ends = [(s, h.value) for s, h in moved if isinstance(h, TracedArray) and h.home is recorder]
            if recorder.unanswered is not None:
                raise recorder.unanswered
            for contents, _ in recorder.root_frame.changed():
                recorder.refuse_state(f"{described(contents.owner)} is changed")
            changes = before.changes(name_of(like), definition_of(like)) if before else []
            if changes:
                out = (out, *(value for _, value in changes))
            result, result_tree, values, returned = collect(recorder, handles, out, definition_of(like))
            if recorder.outer is None:
                left_outside.check(recorder, definition_of(like))
                left_outside.check_effects(recorder.world)
                process_settings.guard(recorder.world)
                check_told(recorder.world)
                for told in recorder.world.at_end:
                    told(recorder)
            hidden = list(recorder.captured.values())
            writes = written(handles, leaves, hidden, writing)
        except NeedsFlag:
            left_outside.take_back(recorder)
            raise
        except (TraceError, LeakError) as e:
            left_outside.take_back(recorder)
            is_final = isinstance(e, Unroll) or as_python or recorder.outer is not None
            if isinstance(e, LeakError) or is_final or not recorder.is_needed or "" not in recorder.loops.values():
                raise
            raise UnrolledAttempt(e) from e
        check_copies(recorder.outermost.world, name_of(like))
        recorder.outermost.world.check_lent()
        touched = [Write(f"the argument {leaf.name}", recorder.touched[id(h)][1], None, argument=k)
                   for k, (h, leaf) in enumerate(zip(handles, leaves, strict=True))
                   if id(h) in recorder.touched and leaf.is_traced]
        touched += [Write(captured_name(c), recorder.touched[id(c.handle)][1], None, captured=c) for c in hidden
                    if id(c.handle) in recorder.touched]
        for h, made in recorder.scratch.values():
            if is_changed(made):
                h.owner.touched[id(h)] = h, made.written_at
    recorder.block.results = (*values, *(v for _, v in ends))
    observed = prune(recorder, hidden, writes)
    guards = list(recorder.world.guards.values())
    func = recorder.func()
    fold_ranges(func)
    read_elements_directly(func)
    return Trace(func, leaves, tree, hidden, observed, guards, result, result_tree, writes, touched,
                 [place for place, _ in changes], list(recorder.outer_reads.values()), list(recorder.adopted),
                 definition_of(like), recorder.loops, recorder.stages,
                 [(s, len(values) + k) for k, (s, _) in enumerate(ends)],
                 *([handles, returned] if recorder.outer is not None else [[], []]))


MAX_NUMBERS = 1024


def refuse_long_lists(leaves: list[ArgumentLeaf], f: Any) -> None:
    """Each Python number among the arguments is an input of its own, which is no way to pass thousands."""
    numbers = [leaf for leaf in leaves if leaf.kind == PYTHON]
    if len(numbers) > MAX_NUMBERS:
        fail(TraceError, f"{name_of(f)} is called with {len(numbers)} Python numbers in containers ({numbers[0].name}, "
                         f"...), each of which would be an input; pass arrays, as by np.array(list)")


def made_for(world: Outside, containers: Iterable[Any], static: set[int]) -> None:
    """The containers that the function gets are made anew for each trace: they stand for the caller's. (Those that no
    pytree are, such as those of a subclass of list, are the caller's own.)"""
    for x in containers:
        items = items_of(x) if id(x) not in static else None
        if items is not None:
            world.made(x)
            world.passed[id(x)] = x
            made_for(world, items.values(), static)


def world_of(recorder: Recorder, static: Any) -> None:
    """Static arguments, and the object behind a method, are containers from outside: what they hold is guarded."""
    admit(peek(static, "__func__", static))
    recorder.outermost.world.look_into(static)


def shared(leaves: list[ArgumentLeaf], found: list[Any]) -> list[ArgumentLeaf]:
    """The leaves, with those marked that are the very array of an earlier one."""
    first: dict[int, int] = {}
    marked = []
    for k, (leaf, x) in enumerate(zip(leaves, found, strict=True)):
        earlier = first.setdefault(id(x), k) if leaf.kind == ARRAY else k
        marked.append(leaf if earlier == k else replace(leaf, same_as=earlier))
    return marked


def bind(recorder: Recorder, leaves: list[ArgumentLeaf]) -> list[Any]:
    """A parameter for each traced leaf: the handles (or static values) that the function gets."""
    handles: list[Any] = []
    for leaf in leaves:
        if leaf.same_as is not None:
            handles.append(handles[leaf.same_as])
        else:
            handles.append(argument(recorder, leaf) if leaf.is_traced else leaf.value)
    return handles


def note_same_arrays(handles: list[Any], leaves: list[ArgumentLeaf], found: list[Any]) -> None:
    """Arguments of their own that are one array in the trace around this one know each other."""
    arrays = [(h, x) for h, leaf, x in zip(handles, leaves, found, strict=True)
              if isinstance(x, TracedArray) and leaf.kind == ARRAY and leaf.same_as is None]
    for h, x in arrays:
        h.same_arrays = tuple(other for other, y in arrays if other is not h and are_one(x, y))


def argument(recorder: Recorder, leaf: ArgumentLeaf) -> TracedArray:
    assert leaf.type is not None
    h = root(recorder.parameter(leaf.type, leaf.name), recorder, leaf.kind, "argument")
    h.strides_in_elements = leaf.strides
    note(h, leaf.foreign)
    return h


def run(f: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """The call, with recursion without end named."""
    try:
        with deeper():
            return call(f, *args, **kwargs)
    except RecursionError as e:
        fail(TraceError, f"{name_of(f)} calls itself without end, as far as tracing can tell: a recursion must stop at "
                         f"a "
                         f"condition on values that are known while tracing (ints, shapes), not on traced ones",
             deepest(e))
    except Exception as e:
        if recorders()[-1].frame.kind == BRANCH and not isinstance(e, GradjitError):
            raise raised_in_branch(e) from e
        if is_thrown(e) and any(op.name == "raise" for op in walk(recorders()[-1].block)):
            fail(TraceError, f"{name_of(f)} raises an exception whichever way it takes, so that it computes nothing; "
                             f"the last is {type(e).__name__}: {e!r:.80}", raised_at(e))
        asked = recorders()[-1].outermost.asked
        if asked and isinstance(e, TypeError) and not isinstance(e, GradjitError) and asked[1] == raised_at(e):
            raise asked[0] from e  # Python has put a TypeError of its own in its place, as `"%d" % x` does
        raise


def deepest(e: BaseException) -> Loc | None:
    """The user's line that the recursion kept coming back to."""
    counts: dict[Loc, int] = {}
    tb = e.__traceback__
    while tb is not None:
        code = tb.tb_frame.f_code
        if is_user_code(code):
            loc = Loc(code.co_filename, tb.tb_lineno, code.co_name)
            counts[loc] = counts.get(loc, 0) + 1
        tb = tb.tb_next
    return max(counts, key=counts.__getitem__, default=None)


def collect(recorder: Recorder, handles: list[Any], out: Any,
            loc: Loc | None) -> tuple[list[ResultLeaf], trees.Tree, list[Value], list[TracedArray | None]]:
    """The leaves of the result, and the values that the function returns for them; and the leaves that are traced."""
    leaves, tree = trees.flatten(in_result(returned(out) if recorder.outermost.grown else out))
    values: dict[int, tuple[int, TracedArray, Value]] = {}
    result = []
    traced: list[TracedArray | None] = []
    for x in leaves:
        if is_data_array(x):
            x = captured(x)
        if isinstance(x, Selection):
            x = x.elements
        if isinstance(x, Tail):
            x.refuse()
        if isinstance(x, Fixed):
            x.refuse("the letters")
        if isinstance(x, Undefined):
            x.fail()
        why = None
        if isinstance(x, Deciding):
            x, why = x.number, x.why
        if isinstance(x, (Iterator, Awaitable, AsyncIterator)):
            fail(TraceError, f"the function returns a {type(x).__name__}, whose code would run only after tracing; "
                             f"return a list or an array", loc)
        if not isinstance(x, TracedArray):
            if recorder.outer is None and any(isinstance(h, (TracedArray, Undecided)) for h in left_outside.reachable(
                    x, recorder.world)):
                fail(LeakError, f"the function returns {described(x)} that holds a traced value, which stands for no "
                                f"number when the function has ended; return the numbers, in tuples, lists, dicts or "
                                f"dataclasses", loc)
            result.append(ResultLeaf(None, value=x))
            traced.append(None)
            continue
        traced.append(x)
        index, _, _ = values.setdefault(id(x), (len(values), x, x.value))
        own = next((c for c in recorder.captured.values() if c.handle is x), None)
        result.append(ResultLeaf(index, x.kind, argument=place(x, handles), captured=own, decides=why))
    return result, tree, [v for _, _, v in values.values()], traced


def place(x: TracedArray, handles: list[Any]) -> int | None:
    """The position of this very handle."""
    return next((i for i, h in enumerate(handles) if h is x), None)


def written(handles: list[Any], leaves: list[ArgumentLeaf], hidden: list[HiddenInput], carried_out: bool
            ) -> list[Write]:
    """What the function has changed of its arguments and of captured arrays.

    carried_out: the caller's arrays will be changed so; TraceError where it cannot be told how.
    """
    writes = [Write(f"the argument {leaf.name}", h.written_at, held(h, carried_out), argument=k)
              for k, (h, leaf) in enumerate(zip(handles, leaves, strict=True)) if leaf.is_traced and is_changed(h)]
    return writes + [Write(captured_name(c), c.handle.written_at, held(c.handle, carried_out), captured=c)
                     for c in hidden if c.handle is not None and is_changed(c.handle)]


def is_changed(h: TracedArray) -> bool:
    """Whether an array from outside has been written to, under its own name or another one."""
    return bool(h.version or (h.aliases is not None and h.aliases.alias_writes))


def held(h: TracedArray, asked: bool) -> Value | None:
    """What the array holds in the end, where that is asked for."""
    return h.value if asked else None


def captured_name(c: HiddenInput) -> str:
    name = c.source.name or c.source.label if c.source is not None else ""
    return f"the captured array {name}" if name else "a captured array"


def prune(recorder: Recorder, hidden: list[HiddenInput], writes: list[Write]) -> list[HiddenInput]:
    """Drop captured arrays that nothing reads or writes, in place. (Those that are returned are results.) Gives them:
    their shapes may have been asked for."""
    used = {*recorder.block.results, *(w.value for w in writes), *(w.captured.value for w in writes if w.captured)}
    for op in walk(recorder.block):
        used.update(op.uses())
        for r in op.regions:
            used.update(r.results)
    observed = [c for c in hidden if c.value not in used]
    hidden[:] = [c for c in hidden if c.value in used]
    kept = {c.value for c in hidden}
    dropped = {c.value for c in recorder.captured.values()} - kept
    recorder.block.params = tuple(p for p in recorder.block.params if p not in dropped)
    for k, p in enumerate(recorder.block.params):
        p.index = k
    return observed
