"""An open trace: the function under construction, the stack of them, and how values cross from one to another.

Recorders nest: `gj.grad(g)(x)` inside a traced `f` opens a second one for `g`. A value belongs to the recorder that
made it; an inner recorder that reads an outer value *adopts* it, as an extra parameter of its function. Arrays that the
user's code captures are parameters of the outermost function, one for each array object.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn
from weakref import WeakValueDictionary

import numpy as np

from ..errors import GradjitError, LeakError, TraceError
from ..ir import ArrayType, Block, Builder, Func, Loc, Op, Value, dtype_of
from ..ir.clone import inline
from ..ir.core import map_type
from ..ir.sizes import deciding, is_deciding
from ..processes import Lock
from ..records import dataclass
from . import patience
from .control.frames import ROOT, Frame
from .locations import fail, here, with_place
from .outside import Outside

LITERAL_LIMIT = 1024
"""A known array of more elements becomes a hidden input, so that the IR stays readable."""

Content = np.ndarray | Value
"""What a handle holds: a known array (never changed in place) or a value of the IR."""


@dataclass(eq=False)
class HiddenInput:
    """A hidden input: the array as it was when traced, where to read it at each call (None: this very object)."""

    array: np.ndarray
    source: Any
    value: Value
    handle: Any = None


class _Stack(threading.local):
    def __init__(self) -> None:
        self.recorders: list[Recorder] = []


_stack = _Stack()


tracing = ctypes.c_uint64(0)
"""How many threads have a trace open. While one has, no compiled function is run by machine code at once (it reads this
word): what a library, or code without source, calls in the course of a trace must become part of the trace."""
_counting = Lock()


def _count(more: int) -> None:
    with _counting:
        tracing.value += more


def _in_child() -> None:
    """Of the threads only the one that has forked is left."""
    tracing.value = bool(_stack.recorders)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)


def recorders() -> list[Recorder]:
    """The open recorders of this thread, outermost first."""
    return _stack.recorders


def running_recorders() -> list[Recorder]:
    """The same where code begins that may be the first behind a Ctrl-C: that may end a trace between the lines that
    open and close it, and none of its frames runs any more then."""
    while _stack.recorders and not is_running(_stack.recorders[-1].runner):
        _stack.recorders[-1].end()
    return _stack.recorders


@contextmanager
def innermost(recorder: Recorder) -> Iterator[None]:
    """What is computed in the block belongs to this recorder, though functions inside of its own are being traced."""
    opened = _stack.recorders
    _stack.recorders = opened[:opened.index(recorder) + 1]
    try:
        yield
    finally:
        _stack.recorders = opened


def is_running(wanted: FrameType | None) -> bool:
    """Whether a frame is among those that run in this thread now."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame is not wanted:
        frame = frame.f_back
    return frame is not None


def current() -> Recorder:
    """The innermost open recorder. LeakError where this thread traces nothing."""
    if not _stack.recorders:
        fail(LeakError, "a traced value is used after the function that made it has been traced: it stands for no "
                        "number. Return it from the function instead of keeping it in a global, an attribute or a "
                        "container")
    return _stack.recorders[-1]


MOST_OPERATIONS = 100_000
"""In a row: to compile so many takes minutes."""


def refuse_length() -> NoReturn:
    fail(TraceError, f"the function has come to {MOST_OPERATIONS:,} operations in a row: loops that run as ordinary "
                     f"Python are written out, and a program of this length takes minutes to compile; write the loop "
                     f"so that it is compiled as one (docs/control-flow.md; a function whose source is not known has "
                     f"none), or work on arrays")


class Recorder:
    """Collects the operations of one function. A context manager: open while the user's function runs."""

    def __init__(self, name: str):
        self.name = name
        self.block = Block()
        self.integers: Any = None  # what is known of traced integers (extents.py)
        self.unanswered: GradjitError | None = None  # raised where Python asked for the truth of a traced value
        self.asked: tuple[GradjitError, Loc | None] | None = None  # raised where Python asked for a number, and where
        self.frame = Frame(ROOT, self, None, block=self.block)
        self.root_frame, self.root_builder = self.frame, self.frame.builder
        self.alive = False
        self.outer: Recorder | None = None
        self.adopted: dict[Value, Value] = {}
        self.captured: dict[Any, HiddenInput] = {}
        self.world = Outside()
        self.stages: dict[str, Func] = {}
        self.checking = False  # whether assertions on traced values are carried out
        self.loops: dict[Loc | None, str] = {}
        """Loops that were compiled as loops (""), or unrolled and why; of the outermost recorder."""
        self.as_python = False
        """Whether loops of known length run as ordinary Python: a number was needed that they compute."""
        self.unrolled_at: frozenset[Loc] = frozenset()
        """Loops of known length that run as ordinary Python: what they make is changed behind them."""
        self.flagged: frozenset[str] = frozenset()
        """Names for which the program notes whether they are bound; of the outermost recorder."""
        self.told_by: dict[Any, tuple[Any, Any, Any]] = {}
        """By their values, conditions that tell whether something is there: by what that is known otherwise, and what a
        true and a false answer says of it (control/states.py)."""
        self.options: dict[Any, int] = {}
        """The numbers of strings and other options that traced conditions choose from (control/states.py)."""
        self.is_needed = False
        """Whether a number was needed that is not known."""
        self.foreign: dict[int, tuple[Any, frozenset[Any]]] = {}
        """Arguments that NumPy would copy at times (foreign.py), by id; of the outermost recorder."""
        self.iterations_around = 1
        """Of the unrolled loops that are running, multiplied."""
        self.unrolled = 0
        """Iterations of loops that could not be regions."""
        self.learned: dict[Any, Any] = {}
        """Of loops that were tried: what the next attempt should know."""
        self.outer_reads: dict[int, Any] = {}
        """Arrays of the traces around this one that it reads, by id."""
        self.touched: dict[int, tuple[Any, Loc | None]] = {}
        """Arrays that a function which is differentiated inside writes to, on elements of its own; by id."""
        self.may_be_aliased: WeakValueDictionary[int, Any] = WeakValueDictionary()
        """Arrays that may be others (control/may_alias.py), by id."""
        self.overlays = 0
        """How often elements of arrays that may be others were brought in (control/may_alias.py); of the outermost."""
        self.grown: dict[int, list[Any]] = {}
        """Lists that compiled loops have made longer (grown.py), by id."""
        self.scratch: dict[int, tuple[Any, Any]] = {}
        """Of a function that is differentiated: captured arrays by id, with what stands for them in it."""
        self.written: list[Any] = []
        """What was changed outside in the course of the trace, with what stood there."""
        self.called_by = ""
        """Why how often the function is called is no matter of the program, in words; "" where it is."""
        self.runner: FrameType | None = None
        """The frame that it is open for."""
        self.is_counted = False
        self.runs_user_code = False
        """Whether code of the user's has been called, so that what is traced within stands inside of a program."""
        self.states: Sequence[Any] = ()
        """What stands outside and is carried from call to call (state.py)."""
        self.thrown: dict[int, BaseException] = {}
        """Exceptions that `raise` statements of the program have raised, by id."""
        self.trying: list[Any] = []
        """What may catch an exception, innermost last (raising.py)."""
        self.activations: list[Any] = []
        """Calls under way of functions that call themselves (control/recursion.py)."""
        self.asking: list[Any] = []
        """Of such that are compiled as loops, the runs of their bodies that are under way."""
        self.repeated: Any = None
        """Calls that others may repeat (repeated_calls.py), if any are remembered."""
        self._literals: dict[int, tuple[np.ndarray, Value]] = {}

    def refuse_state(self, what: str) -> None:
        """TraceError where a function changes what is around it, and how often it is called is not the program's."""
        if self.called_by:
            fail(TraceError, f"{what} by {self.name}, {self.called_by}")

    def __enter__(self) -> Recorder:
        stack = running_recorders()
        self.outer = stack[-1] if stack else None
        self.alive = True
        frame = sys._getframe(1)
        while frame.f_code.co_name == "__enter__" and frame.f_back is not None:
            frame = frame.f_back
        self.runner = frame
        stack.append(self)
        if self.outer is None:
            self.world.fresh_arrays.open()
            _count(1)
            self.is_counted = True
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """Close it, as far as that has not been done."""
        self.alive = False
        if self.outer is None:
            self.world.fresh_arrays.close()
            if self.is_counted:
                self.is_counted = False
                _count(-1)
        self.runner = None
        _stack.recorders.remove(self)

    @property
    def outermost(self) -> Recorder:
        """The recorder of the whole program: it holds captured arrays and guards."""
        r = self
        while r.outer is not None:
            r = r.outer
        return r

    @property
    def builder(self) -> Builder:
        """Appends to the innermost region under construction."""
        return self.frame.builder

    @property
    def frames(self) -> list[Frame]:
        """The regions under construction, outermost first; without the function itself."""
        found = []
        f: Frame | None = self.frame
        while f is not None and f.parent is not None:
            found.append(f)
            f = f.parent
        return found[::-1]

    def func(self) -> Func:
        return Func(self.name, self.block)

    # values ---------------------------------------------------------------------------------------------------------
    def parameter(self, t: ArrayType, name: str = "") -> Value:
        """A new last parameter of the function."""
        v = Value(t, self.block, len(self.block.params), name)
        self.block.params += (v,)
        return v

    def append(self, name: str, operands: tuple[Value, ...], attrs: dict[str, Any],
               results: Sequence[ArrayType] = ()) -> tuple[Value, ...]:
        """Append an operation at the user's line; its results. `results`: their types, where these are stated."""
        builder = self.frame.builder
        builder.loc = loc = here()
        patience.look(1)
        if len(builder.block.ops) >= MOST_OPERATIONS:
            refuse_length()
        try:
            if is_deciding():
                with deciding(False):  # the rules on types hold for all sizes
                    return builder.append(name, operands, attrs, results=results).results
            return builder.append(name, operands, attrs, results=results).results
        except GradjitError as e:
            raise type(e)(with_place(str(e), loc)) from None

    def adopt(self, v: Value, home: Recorder) -> Value:
        """The value of an outer recorder as a parameter of this function."""
        if home is self:
            return v
        if self.outer is None or not home.alive:
            fail(LeakError, "a traced value of another trace (or another thread) is used here")
        outer = self.outer.adopt(v, home)
        found = self.adopted.get(outer)
        if found is None:
            around = self.outer
            t = map_type(outer.type, lambda extent: self.adopt(extent, around))
            found = self.adopted[outer] = self.parameter(t, outer.name)
        return found

    def capture(self, array: np.ndarray, source: Any = None, name: str = "") -> HiddenInput:
        """The hidden input of this outermost function for an array from outside: one for each source or object."""
        key = id(array) if source is None else source
        entry = self.captured.get(key)
        if entry is None:
            v = self.parameter(ArrayType(dtype_of(array.dtype), array.shape), name)
            entry = self.captured[key] = HiddenInput(array, source, v)
        return entry

    def inline(self, func: Func, operands: Sequence[Value]) -> tuple[Value, ...]:
        """Append the body of a function; what it returns."""
        return inline(self.builder, func, operands)

    # known arrays ---------------------------------------------------------------------------------------------------
    def literal(self, array: np.ndarray) -> Value:
        """A known array as a value: a repeated number, a counter, a literal, or (when large) a hidden input.

        It stands in the function's own block, before the regions under construction, so that all of them may use it.
        """
        entry = self._literals.get(id(array))
        if entry is None:
            entry = self._literals[id(array)] = (array, self._literal(array))
        return entry[1]

    def forget(self, ops: Sequence[Op]) -> None:
        """Operations of the function's own block are taken back: literals among them are made anew."""
        gone = set(ops)
        self._literals = {k: e for k, e in self._literals.items() if e[1].owner not in gone}

    def _literal(self, array: np.ndarray) -> Value:
        b = self.root_builder
        b.loc = here()
        core, dims = compact(array)
        if core.ndim and is_uniform(core):
            core, dims = core[(0,) * core.ndim], ()
        if core.ndim == 0:
            return b.const(core, dtype_of(array.dtype), array.shape)
        if core.size > LITERAL_LIMIT:
            v = self._counter(core) or self.adopt(self.outermost.capture(core, name="table").value, self.outermost)
        else:
            v = b.const(core, dtype_of(core.dtype))
        return v if core.shape == array.shape else b.broadcast(v, shape=array.shape, dims=dims)

    def _counter(self, a: np.ndarray) -> Value | None:
        """`start + step * iota` for a long arithmetic progression that arithmetic meets exactly, fused or not.

        That is so for integers, and for floats that are multiples of 1/256 with room left in the mantissa.
        """
        if a.ndim != 1 or a.dtype.kind not in "iuf" or not np.isfinite(a).all():
            return None
        start, step = a[0], a[1] - a[0]
        if a.dtype.kind == "f" and (np.abs(a).max() * 256 >= 0.5 / np.finfo(a.dtype).eps
                                    or start * 256 != np.trunc(start * 256) or step * 256 != np.trunc(step * 256)):
            return None
        if not np.array_equal(start + step * np.arange(a.size).astype(a.dtype), a):
            return None
        b, dtype = self.root_builder, dtype_of(a.dtype)
        v = b.iota(shape=a.shape, axis=0, dtype=dtype)
        v = v if step == 1 else b.mul(v, b.like(step, v))
        return v if start == 0 else b.add(v, b.like(start, v))


def compact(array: np.ndarray) -> tuple[np.ndarray, tuple[int, ...]]:
    """The array without the axes along which it merely repeats (stride 0), and the axes that are left.

    An array of one element, repeated or not, comes out 0-d.
    """
    if array.size == 0:
        return np.zeros((), array.dtype), ()
    kept = tuple(k for k in range(array.ndim) if array.strides[k] != 0 or array.shape[k] == 1)
    if all(array.shape[k] == 1 for k in kept):
        kept = ()
    return array[tuple(slice(None) if k in kept else 0 for k in range(array.ndim))], kept


def is_uniform(a: np.ndarray) -> bool:
    """Whether all elements are the same to the bit."""
    rows = np.ascontiguousarray(a).view(np.uint8).reshape(-1, a.dtype.itemsize)
    return bool((rows == rows[0]).all())


def repeated(number: Any, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """A known array of one number, stored once."""
    return np.broadcast_to(np.asarray(number, dtype), shape)

