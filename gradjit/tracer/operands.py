"""What the rules of NumPy's functions are made of: operands, promotion, broadcasting, axes, and `emit`."""

from __future__ import annotations

import contextlib
import operator
import warnings
from collections.abc import Callable, Sequence
from functools import reduce
from math import prod
from typing import Any, NoReturn

import numpy as np

from ..errors import (
    AxisError,
    BoundsError,
    ConversionError,
    DtypeError,
    ShapeError,
    TraceError,
    UnsupportedDtypeError,
    UnsupportedError,
)
from ..ir import I64, OPS, U32, DType, Value, dtype_of
from ..ir.attrs import frozen
from ..ir.ops.effects import ERRORS
from ..ir.sizes import agree, guess, is_known, is_open, same as same_extent
from ..ir.types import type_of
from ..probe import is_array_like
from . import extents as ext
from .array import ARRAY, PYTHON, SCALAR, TracedArray, root
from .foreign import born, note_dtype
from .fresh_arrays import owner_of
from .grown import Tail, as_array as as_array_of, is_grown
from .guards import Guard, Source
from .layout import Strides, copied, is_contiguous, is_row_major, of_array
from .locations import fail, here, with_place
from .outside import is_data_array, outside
from .recorder import current, recorders, repeated
from .unsupported import as_primitive as as_primitive, name_of as name_of, unsupported as unsupported
from .views import extents, forms

__all__ = [
    "ARRAY", "PYTHON", "SCALAR", "TracedArray", "as_array", "as_traced", "broadcast", "broadcast_to", "cast",
    "constant", "emit", "is_traced", "known", "normal_axes", "normal_axis", "promote", "result_type", "static_int",
    "static_shape", "unsupported",
]

Scalar = (bool, int, float, complex)
BEYOND = "integer beyond 64 bits"
"""The origin of a Python integer that no dtype has: it stands for its float, and meets no integers."""


# from the user's arguments ------------------------------------------------------------------------------------------
def is_traced(x: Any) -> bool:
    """Whether x is, or a list or tuple holds at any depth, a traced array."""
    if isinstance(x, (TracedArray, Tail)) or is_open(x):
        return True
    return isinstance(x, (list, tuple)) and any(map(is_traced, x))


def as_traced(x: Any, dtype: Any = None) -> TracedArray:
    """Any operand that NumPy takes, as a handle: traced arrays themselves, ndarrays from outside as captured inputs,
    numbers as known values (Python's stay weak), nested lists as `np.array` would stack them."""
    if isinstance(x, TracedArray):
        return x
    if is_open(x):
        handle: TracedArray = ext.handle(x)
        return handle
    if isinstance(x, np.ndarray):
        return captured(x)
    if type(x) is int and not -2 ** 63 <= x < 2 ** 64:
        return beyond(x)
    if isinstance(x, np.generic):  # before Python's numbers: np.float64 is a float, too, and not weak
        return root(np.asarray(x), None, SCALAR)
    if isinstance(x, Scalar):
        return root(np.asarray(x), None, PYTHON if type(x) is not bool else SCALAR)
    if is_grown(x):
        return as_array_of(x)
    if isinstance(x, (list, tuple, range)):
        return stack_nested(x)
    if x is None or isinstance(x, (str, bytes, dict, set)) or not is_array_like(x):
        fail(DtypeError, f"{x!r:.80} (of type {type(x).__name__}) is no array and no number")
    return as_traced(converted_by_itself(x))


def converted_by_itself(x: Any) -> Any:
    """The array that an object's `__array__` gives. That of the user's class is traced, so that what it reads is
    watched."""
    from .calls import call
    from .masked_selection import elements_of
    from .recognised import is_liftable
    if (elements := elements_of(x)) is not x:
        return elements
    method = getattr(type(x), "__array__", None)
    return call(method, x) if is_liftable(method) else np.asarray(x)


def captured(array: np.ndarray, source: Source | None = None) -> TracedArray:
    """The handle of an array from outside: a hidden input of the function, one for each source (or array object)."""
    outermost = current().outermost
    if type(array) is np.memmap:  # machine code reads exact ndarrays: a view of the map, tied to it by identity
        if source is not None:
            outside(outermost).guards.setdefault(source, Guard(source, array, False))
        return captured(outside(outermost).plain(array))
    if source is None and (place := outside(outermost).places.get(id(array))):
        source = place[1]
    if is_data_array(array) and is_born(array):
        return born(array)
    if not is_data_array(array):
        fail(UnsupportedDtypeError if type(array) is np.ndarray else UnsupportedError,
             f"{type(array).__module__}.{type(array).__name__} of dtype {array.dtype} cannot be compiled; convert to a "
             f"plain array of numbers outside of the function")
    if not (array.flags.aligned and array.dtype.isnative):
        fail(UnsupportedError, "an array from outside is not aligned, or not of native byte order; copy it outside, "
                               "as by np.array(a, a.dtype.newbyteorder('='))")
    try:
        c = outermost.capture(array, source, source.name if source else "")
    except DtypeError as e:
        fail(type(e), str(e))
    if c.handle is None:
        c.handle = root(c.value, outermost, ARRAY, "captured array")
        c.handle.owner, c.handle.made, c.handle.where = outermost, outermost.root_frame, outermost.root_frame
        c.handle.strides_in_elements = of_array(array)
    return c.handle if current() is outermost else own(c.handle)


def own(h: TracedArray) -> TracedArray:
    """A captured array as a function that is differentiated has it: it may write to it, which nobody sees outside."""
    r = current()
    found = r.scratch.get(id(h))
    if found is None or found[0].version != h.version:
        made = root(h.content, h.home, ARRAY, "captured array")
        made.owner, made.made, made.where = r, r.root_frame, r.root_frame
        made.strides_in_elements = h.strides_in_elements
        found = r.scratch[id(h)] = h, made
    return found[1]


def is_born(array: np.ndarray) -> bool:
    """Whether an array is the traced function's own: made by a call that the tracer did not see."""
    if outside(current()).fresh_arrays.has(array):
        return True
    owner = owner_of(array)
    return isinstance(owner, bytes) or any(f.is_fresh(owner) for r in recorders() for f in (r.root_frame, *r.frames))


def brought(result: Any) -> Any:
    """What a call has given that the tracer did not see, its arrays as handles: new ones, or hidden inputs."""
    if is_data_array(result):
        return captured(result)
    if type(result) in (list, tuple) and _holds_arrays(result):
        return type(result)(map(brought, result))
    return result


def stack_nested(items: Sequence[Any]) -> TracedArray:
    """`np.array` of a nested list that may hold traced values; Python's numbers have int64 and float64 in there."""
    if not is_traced(items) and not _holds_arrays(items):
        try:
            a = np.array(items)
        except ValueError as e:
            fail(ShapeError, str(e))
        if a.dtype.kind not in "biufc":
            fail(DtypeError, f"a list of {a.dtype} is no array of numbers")
        return root(a, None, ARRAY)
    handles = list(map(as_traced, items))
    for h in handles:
        refuse_beyond(h, "a number of an array")
    parts = promote(*(root(h.content, h.home, SCALAR) if h.weak else h for h in handles))
    if any(p.extents != parts[0].extents for p in parts):
        fail(ShapeError, f"a list of arrays of different shapes: {', '.join(str(p.extents) for p in parts)}")
    return emit("concat", *(emit("reshape", p, shape=(1, *p.extents)) for p in parts), axis=0)


def _holds_arrays(items: Sequence[Any]) -> bool:
    return any(isinstance(i, np.ndarray) or (isinstance(i, (list, tuple)) and _holds_arrays(i)) for i in items)


def constant(array: Any, dtype: Any = None) -> TracedArray:
    """A known array."""
    return root(np.asarray(array, dtype), None, ARRAY)


def filled(number: Any, shape: Sequence[Any], dtype: Any) -> TracedArray:
    """One number, stored once, over a shape; known where the shape is. A scalar where that is ()."""
    shape = tuple(shape)
    if is_open(number):
        return broadcast_to(cast(ext.handle(number), dtype), shape)
    if any(map(is_open, shape)):
        attrs = {"value": frozen(np.asarray(number, dtype)), "shape": shape}
        return root(current().append("const", (), attrs)[0], current())
    if all(isinstance(n, int) for n in shape):
        return root(repeated(number, shape, dtype), None)
    return broadcast_to(root(np.asarray(number, dtype), None, SCALAR), shape)


def as_array(x: TracedArray) -> TracedArray:
    """A new handle on the same elements that is an array even where it is 0-d (as np.where and np.array give)."""
    return laid(root(x.content, x.home, ARRAY), copied(x.extents, x.strides_in_elements, "K"))


def laid(x: TracedArray, strides: Strides) -> TracedArray:
    """The handle itself, made just now, of an array that has these strides in NumPy."""
    x.strides_in_elements = strides
    return x


def known(x: Any) -> np.ndarray | None:
    """The elements as an ndarray, where they are known while tracing; not to be written to."""
    if isinstance(x, TracedArray):
        return x.known
    if isinstance(x, np.ndarray):
        return None
    return np.asarray(x)


# emitting -----------------------------------------------------------------------------------------------------------
def emit(name: str, *operands: TracedArray, kind: str | None = None, **attrs: Any) -> TracedArray:
    """Append the operation and give its result; evaluated at once where all operands are known.

    Operands have equal shapes and dtypes where the operation asks for it: nothing is broadcast or cast here. Errors of
    the type rule come with the user's line. A 0-d result is a NumPy scalar unless `kind` says otherwise.
    """
    results = emit_all(name, *operands, kind=kind, **attrs)
    return results[0]


def emit_all(name: str, *operands: TracedArray, kind: str | None = None, **attrs: Any) -> list[TracedArray]:
    """The same for an operation of any number of results."""
    row_major = name != "transpose" and all(is_row_major(o.extents, o.strides_in_elements) for o in operands)
    if operands and all(o.is_known for o in operands) and not is_symbolic(attrs):
        with contextlib.suppress(np.linalg.LinAlgError):  # where the program may never come to it
            folded = fold(name, [o.known for o in operands], attrs)  # type: ignore[misc]
            return [root(a, None, kind, row_major=row_major) for a in folded]
    recorder = current()
    if "starts" in attrs and any(map(is_open, operands[0].extents)):
        check_window(operands[0], attrs["sizes"] if "sizes" in attrs else operands[1].extents, **attrs)
    values = recorder.append(name, tuple(o.value for o in operands), attrs)
    return [root(v, recorder, kind, row_major=row_major) for v in values]


def check_window(x: TracedArray, extents: Sequence[Any], starts: Sequence[Any], steps: Sequence[int], **_: Any) -> None:
    """That a window lies within an array of open extents, where that is not surely so, is a condition on them."""
    for axis, (n, start, size, step) in enumerate(zip(x.extents, starts, extents, steps, strict=True)):
        if not is_open(n) or not isinstance(start, int) or not isinstance(size, int) or not is_known(size, ">", 0):
            continue
        last = start + (size - 1) * step
        for place in (start, last):
            if not (is_known(place, "<", n) or place < n) or not (is_known(place, ">=", 0) or place >= 0):
                fail(BoundsError, f"index {place} is out of bounds for axis {axis} with size {n}")


def is_symbolic(attrs: dict[str, Any]) -> bool:
    """Whether attributes hold extents or places that are not known."""
    return any(isinstance(v, Value) or is_open(v) for a in attrs.values() if isinstance(a, tuple) for v in a)


def fold(name: str, arrays: list[np.ndarray], attrs: dict[str, Any]) -> list[np.ndarray]:
    """An operation on known arrays, through its reference meaning; a repeated number stays stored once."""
    spec = OPS[name]
    try:
        types = spec.infer(*map(type_of, arrays), **attrs)
    except (ShapeError, DtypeError) as e:
        fail(type(e), str(e))
    with np.errstate(all="ignore"):
        if spec.pointwise and arrays and arrays[0].size and all(not any(a.strides) for a in arrays):
            one = spec.evaluate(*(a[(0,) * a.ndim] for a in arrays), **attrs)  # type: ignore[misc]
            return [repeated(one, types[0].extents, types[0].dtype.np)]
        out = spec.evaluate(*arrays, **attrs)  # type: ignore[misc]
    outs = out if isinstance(out, tuple) else (out,)
    return [np.asarray(o, t.dtype.np) for o, t in zip(outs, types, strict=True)]


def cast(x: TracedArray, dtype: Any) -> TracedArray:
    """x in another dtype (a NumPy dtype or what stands for one); x itself where it has it already."""
    t = dtype if isinstance(dtype, DType) else ir_dtype(dtype)
    if x.ir_dtype == t:
        return x
    if t.is_bool:
        return emit("ne", x, _number_like(0, x), kind=x.kind)
    if x.ir_dtype.is_complex and not t.is_complex:
        fail(UnsupportedDtypeError, f"a complex number cannot be used as {t.np} here; write x.real or np.abs(x)")
    if x.ir_dtype.is_float and t == U32:
        return _cast_to_u32(x)
    return emit("cast", x, dtype=t, kind=x.kind)


def as_asked(x: TracedArray, dtype: Any) -> TracedArray:
    """`cast` where the user says the dtype: of complex numbers the real parts, with NumPy's warning."""
    t = ir_dtype(dtype)
    if not x.ir_dtype.is_complex or t.is_complex or t.is_bool:
        return cast(x, t)
    loc = here()
    text = "Casting complex values to real discards the imaginary part"
    if loc is None:
        warnings.warn(text, np.exceptions.ComplexWarning, stacklevel=2)
    else:
        warnings.warn_explicit(text, np.exceptions.ComplexWarning, loc.file, loc.line)
    return cast(emit("real", x, kind=x.kind), t)


def _cast_to_u32(x: TracedArray) -> TracedArray:
    """NumPy's loop converts four adjacent floats at a time, and what is left one by one by way of int64: out of range
    the two differ."""
    by_int64 = emit("cast", emit("cast", x, dtype=I64, kind=x.kind), dtype=U32, kind=x.kind)
    n = prod(x.extents) if x.type.is_static else None
    if x.kind != ARRAY or (n is not None and n < 4) or is_contiguous(x.extents, x.strides_in_elements) is False:
        return by_int64
    fours = emit("cast", x, dtype=U32, kind=x.kind)
    if n is None or n % 4 == 0:
        return fours
    among_fours = emit("lt", emit("iota", shape=(n,), axis=0, dtype=I64), filled(n - n % 4, (n,), np.int64))
    return emit("select", emit("reshape", among_fours, shape=x.extents), fours, by_int64)


def _number_like(number: Any, x: TracedArray) -> TracedArray:
    y = filled(number, x.extents, x.dtype)
    return root(y.content, y.home, x.kind)


def ir_dtype(dtype: Any) -> DType:
    """The IR's dtype for what the user wrote as one; DtypeError with the user's line."""
    try:
        t = dtype_of(dtype)
        note_dtype(dtype)
        return t
    except (DtypeError, TypeError) as e:
        fail(type(e) if isinstance(e, DtypeError) else DtypeError, str(e))


def require(condition: TracedArray, message: str, error: str = "ArgumentError") -> None:
    """Where the condition (bool, for all elements) does not hold the program ends with NumPy's error."""
    c = condition if not condition.ndim else emit("all", condition, axes=tuple(range(condition.ndim)))
    if c.known is not None:
        if not c.known:
            raise ERRORS[error](with_place(message, here()))
        return
    current().append("assert", (c.value,), {"message": message, "error": error})


# integers beyond 64 bits ---------------------------------------------------------------------------------------------
def beyond(n: int) -> TracedArray:
    """The handle of an integer beyond 64 bits."""
    try:
        return root(np.asarray(float(n)), None, PYTHON, BEYOND)
    except OverflowError:
        fail(ConversionError, f"int too large to convert to float: an integer of {n.bit_length()} bits beside traced "
                              f"values")


def is_beyond(x: TracedArray) -> bool:
    return x.kind == PYTHON and x.origin == BEYOND


def weak_kind(x: TracedArray) -> str:
    """What a Python number counts as in promotion."""
    return "i" if is_beyond(x) else x.ir_dtype.kind


def refuse_beyond(x: TracedArray, other: str) -> None:
    """NumPy's OverflowError for such an integer beside integers."""
    if is_beyond(x):
        fail(ConversionError, f"Python integer {x.known:.6g} is out of the range of 64 bits, and cannot be used "
                              f"as {other}; write a float")


# promotion and broadcasting -----------------------------------------------------------------------------------------
def result_type(*xs: TracedArray) -> np.dtype:
    """NumPy's promotion (NEP 50): Python numbers do not widen."""
    strong = [x.dtype for x in xs if not x.weak]
    if not strong:
        return np.result_type(*(x.dtype for x in xs))
    weak = [_WEAK[weak_kind(x)] for x in xs if x.weak]
    return np.result_type(*strong, *weak)


_WEAK: dict[str, Any] = {"i": 0, "u": 0, "f": 0.0, "c": 0j, "b": np.dtype(bool)}
_WEAK_TYPES: dict[str, Any] = {"i": int, "u": int, "f": float, "c": complex, "b": np.dtype(bool)}


def dtype_for_ufunc(x: TracedArray) -> Any:
    """What `ufunc.resolve_dtypes` takes for it: a dtype, or a Python type for a Python number."""
    return _WEAK_TYPES[weak_kind(x)] if x.weak else x.dtype


def promote(*xs: TracedArray, dtype: Any = None) -> list[TracedArray]:
    """All in their common dtype, or in the one given."""
    t = result_type(*xs) if dtype is None else np.dtype(dtype)
    return [convert(x, t) for x in xs]


def convert(x: TracedArray, dtype: Any) -> TracedArray:
    """`cast` for operands: a Python integer must fit into the integers that it is used with (NumPy's OverflowError)."""
    if np.dtype(dtype).kind in "biu":
        refuse_beyond(x, str(np.dtype(dtype)))
    if x.weak and np.dtype(dtype).kind in "iu" and x.ir_dtype.is_integer:
        if (a := x.known) is not None:
            return root(np.asarray(int(a), dtype), None, SCALAR)
        from .conversion import check
        check(x, ir_dtype(dtype))
    return cast(x, dtype)


def broadcast_shape(*shapes: tuple[Any, ...]) -> tuple[Any, ...]:
    """NumPy's common shape; ShapeError where there is none."""
    rank = max(map(len, shapes), default=0)
    out: list[Any] = []
    for k in range(rank):
        axis = [s[len(s) - rank + k] for s in shapes if len(s) - rank + k >= 0]
        wide = [e for e in axis if not is_one(e)]
        if any(not may_agree(e, wide[0]) for e in wide):
            fail(ShapeError, f"operands could not be broadcast together with shapes "
                             f"{' '.join(map(shape_text, shapes))}")
        out.append(reduce(agreed, wide) if wide else 1)
    return tuple(out)


def may_agree(a: Any, b: Any) -> bool:
    """Whether two extents are the same, or could be in a run."""
    if isinstance(a, int) and isinstance(b, int):
        one = next((e for e in (a, b) if is_open(e) and guess(e) == 1), None)
        return agree(a, b) if one is None or guess(a) == guess(b) else agree(one, 1)
    return same(a, b) or ext.may_agree(*forms((a, b)))


def agreed(a: Any, b: Any) -> Any:
    """The extent that both are. Where that is not proven a run checks it."""
    return a if same(a, b) else ext.extent(ext.agreed(*forms((a, b))))


def is_one(extent: Any) -> bool:
    return isinstance(extent, int) and same_extent(extent, 1)


def same(a: Any, b: Any) -> bool:
    """Whether two extents surely are the same number."""
    if a is b or (isinstance(a, int) and isinstance(b, int)):
        return a is b or same_extent(a, b)
    return same_extent(forms((a,)), forms((b,)))


def shape_text(shape: Sequence[Any]) -> str:
    """A shape as NumPy's messages have it; extents that are not known by their form."""
    return f"({','.join(map(told, shape))}{',' if len(shape) == 1 else ''})"


def told(extent: Any) -> str:
    """An extent in an error's text."""
    (n,) = forms((extent,))
    return str(n) if isinstance(n, int) else ext.described(n)


def shown(shape: Sequence[Any]) -> str:
    """A shape in an error's text."""
    return str(tuple(shape)) if all(isinstance(e, int) for e in shape) else shape_text(shape)


def fits(shape: tuple[Any, ...], into: tuple[Any, ...]) -> bool:
    """Whether something of one shape can be broadcast to the other."""
    shape = (1,) * (len(into) - len(shape)) + shape
    return len(shape) == len(into) and all(is_one(a) or may_agree(a, b) for a, b in zip(shape, into, strict=True))


def broadcast_to(x: TracedArray, shape: Sequence[Any]) -> TracedArray:
    """x repeated to `shape` as NumPy aligns axes, at the end; x itself where nothing changes."""
    shape = tuple(shape)
    if same_extent(x.extents, shape):
        return x
    if not fits(x.extents, shape):
        fail(ShapeError, f"could not broadcast input array from shape {shape_text(x.extents)} into shape "
                         f"{shape_text(shape)}")
    dims = tuple(range(len(shape) - x.ndim, len(shape)))
    x = retyped(x, tuple(1 if is_one(e) else shape[d] for e, d in zip(x.extents, dims, strict=True)))
    return x if same_extent(x.extents, shape) else emit("broadcast", x, shape=shape, dims=dims)


def retyped(x: TracedArray, shape: tuple[Any, ...]) -> TracedArray:
    """x with extents that are the same numbers, or are as far as a run has checked: it is cut to these, to be safe."""
    if same_extent(x.extents, shape):
        return x
    old, new = forms(x.extents), forms(shape)
    common = tuple(a if a == b or ext.stands_for(a, b) else b if ext.stands_for(b, a) else ext.agreed(a, b)
                   for a, b in zip(old, new, strict=True))
    if common != old:
        x = emit("slice", x, starts=(0,) * x.ndim, sizes=extents(common), steps=(1,) * x.ndim, kind=x.kind)
    if common != new:  # as long as is known, it might be longer
        x = emit("update", filled(0, shape, x.dtype), x, starts=(0,) * x.ndim, steps=(1,) * x.ndim, kind=x.kind)
    return x if same_extent(x.extents, shape) else emit("reshape", x, shape=shape, kind=x.kind)


def broadcast(*xs: TracedArray) -> list[TracedArray]:
    """All in their common shape."""
    shape = broadcast_shape(*(x.extents for x in xs))
    return [broadcast_to(x, shape) for x in xs]


# arguments that must be known ---------------------------------------------------------------------------------------
def static_int(x: Any, what: str) -> int:
    """An integer that is known, or an open extent; `what` names the argument in the error."""
    if isinstance(x, TracedArray) and is_open(n := ext.size(x)):
        return n
    try:
        return operator.index(x)
    except TraceError:
        raise
    except TypeError:
        fail(TraceError, f"{what} must be an integer, got {x!r:.80}")


def items_of(x: Any) -> Sequence[Any]:
    """An argument that is an int or a sequence of ints, such as a shape or axes, as a sequence."""
    if isinstance(x, (list, tuple, range)):
        return x
    if isinstance(x, (np.ndarray, TracedArray)) and x.ndim == 1 and isinstance(n := x.shape[0], int):
        from .known_elements import known_elements
        known = known_elements(as_traced(x))
        return [x[k] for k in range(n)] if known is None else known.tolist()
    return (x,)


def shape_of(shape: Any) -> tuple[int | Value, ...]:
    """A shape argument for the IR: its numbers may be traced, where it is known how large they can be."""
    items = items_of(shape)
    if not any(isinstance(n, TracedArray) and n.ndim == 0 and not n.is_known for n in items):
        return static_shape(shape)
    return tuple(ext.as_extent(n, "a shape") if isinstance(n, TracedArray) and not n.is_known
                 else static_int(n, "a shape") for n in items)


def elements(x: TracedArray) -> int | Value:
    """The number of x's elements as an extent."""
    return ext.extent(ext.product(forms(x.extents)))


def is_single(x: TracedArray) -> bool:
    """Whether x surely has one element."""
    return all(is_one(e) for e in x.extents)


def static_shape(shape: Any) -> tuple[int, ...]:
    """A shape argument: an int or a sequence of ints."""
    return tuple(static_int(n, "a shape") for n in items_of(shape))


def normal_axis(axis: Any, rank: int, what: str = "axis") -> int:
    """A non-negative axis; AxisError where there is none such."""
    a = static_int(axis, what)
    if not -rank <= a < rank:
        fail(AxisError, f"{what} {a} is out of bounds for array of dimension {rank}")
    return a % rank if rank else a


def normal_axes(axis: Any, rank: int) -> tuple[int, ...]:
    """`axis=None`, an int or a tuple, as sorted, distinct, non-negative axes (all of them for None)."""
    if axis is None:
        return tuple(range(rank))
    found = [normal_axis(a, rank) for a in items_of(axis)]
    if len(set(found)) != len(found):
        fail(ShapeError, "duplicate value in 'axis'")
    return tuple(sorted(found))


def refuse_shape(func: Callable[..., Any] | str, x: TracedArray) -> NoReturn:
    """UnsupportedError for a function that needs extents which are not known."""
    unsupported(func, f"of an array of shape {shape_text(x.extents)}, which is not known while tracing; write it with "
                      f"slices, elementwise functions, reductions and products, as a loop over the elements, or on an "
                      f"array of the full size")
