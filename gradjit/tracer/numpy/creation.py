"""Making arrays: from numbers, from shapes, from nested lists that may hold traced values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...errors import ArgumentError, DtypeError
from ...ir.sizes import is_open
from .. import extents as ext, foreign, operands as o, shaping
from ..conversion import look_at
from ..layout import contiguous, copied
from ..locations import fail
from ..operands import TracedArray, as_traced, cast, constant, emit, is_traced, static_int
from ..views import ReadOnly, plain
from . import common
from .common import (
    array as as_array,
    call,
    concat,
    full as full_of,
    given,
    iota,
    move_axis,
    reshape,
    static,
    where,
)
from .computed_extents import places

Rule = Callable[..., Any]


# of one number ------------------------------------------------------------------------------------------------------
def _filled(number: Any) -> Rule:
    """np.zeros, np.ones, and np.empty, whose unset elements are zeros here."""
    return lambda shape, dtype=float, order="C", *, device=None, like=None: new(full_of(
        number, o.shape_of(shape), _dtype(dtype, float)), order)


def new(x: TracedArray, order: str) -> TracedArray:
    """A new array with these elements, row-major or (order="F") column-major."""
    return o.laid(o.as_array(x), contiguous(x.extents, "F" if order in ("F", "f") else "C"))


def _dtype(dtype: Any, default: Any) -> np.dtype:
    """The dtype asked for, as the IR can hold it."""
    return o.ir_dtype(default if dtype is None else dtype).np


def _filled_like(number: Any) -> Rule:
    def rule(a, dtype=None, order="K", subok=True, shape=None, *, device=None):
        return full_like(a, number, dtype, order, subok, shape)

    return rule


def full(shape, fill_value, dtype=None, order="C", *, device=None, like=None):
    """The number, known or traced, over the whole shape."""
    v = as_traced(fill_value)
    v = o.convert(v, _dtype(dtype, None)) if given(dtype) else v
    return new(o.broadcast_to(as_array(v), o.shape_of(shape)), order)


def full_like(a, fill_value, dtype=None, order="K", subok=True, shape=None, *, device=None):
    x = as_traced(a)
    v = o.convert(as_traced(fill_value), x.dtype if dtype is None else _dtype(dtype, None))
    y = o.as_array(o.broadcast_to(v, x.extents if shape is None else o.shape_of(shape)))
    return o.laid(y, copied(x.extents, x.strides_in_elements, order, y.extents))


# from elements ------------------------------------------------------------------------------------------------------
def array(object, dtype=None, *, copy=True, order="K", subok=False, ndmin=0, like=None):
    """A new array of what is given: traced or known, nested in lists to any depth."""
    y = asarray(object, dtype, order, copy=copy)
    return shaping.regrouped(y, (1,) * (ndmin - y.ndim) + y.extents) if y.ndim < ndmin else y


def asarray(a, dtype=None, order=None, *, device=None, copy=None, like=None):
    """The array itself where it has the dtype and the order already."""
    if given(dtype) and (isinstance(a, (list, tuple)) or (isinstance(a, TracedArray) and a.weak)):
        look_at(a, o.ir_dtype(dtype))
    x = as_array(a)
    y = converted(x, dtype, "K" if order is None else order, copy)
    if copy is False and (y is not x or not isinstance(a, (TracedArray, np.ndarray))):
        fail(ArgumentError, "Unable to avoid copy while creating an array as requested.")
    return y


def asarray_chkfinite(a, dtype=None, order=None):
    x = asarray(a, dtype, order)
    if x.ir_dtype.is_inexact:
        o.require(call(np.isfinite, x), "array must not contain infs or NaNs")
    return x


def converted(x: TracedArray, dtype: Any, order: str, copy: Any = None) -> TracedArray:
    """x in a dtype and order: itself where it has both and no copy is asked for, else a new array."""
    order = order.upper()
    if order not in ("C", "F", "A", "K"):
        fail(ArgumentError, f"order must be one of 'C', 'F', 'A', or 'K' (got '{order}')")
    y = o.as_asked(x, dtype) if given(dtype) else x
    is_copied = y is x and given(dtype) and foreign.is_copied_for(dtype, x)
    if copy or y is not x or x.kind != o.ARRAY or is_copied:
        return o.laid(o.as_array(y), copied(x.extents, x.strides_in_elements, order))
    y = shaping.contiguous(x, order, "np.asarray") if order in ("C", "F") else x
    return y if is_copied is False else foreign.perhaps_copied(y, "np.asarray or x.astype")


def copy(a, order="K", subok=False):
    return converted(as_array(a), None, order, True)


def ascontiguousarray(a, dtype=None, *, like=None):
    x = asarray(a, dtype, "C")
    return shaping.regrouped(x, (1,)) if x.ndim == 0 else x


def asfortranarray(a, dtype=None, *, like=None):
    x = asarray(a, dtype, "F")
    return shaping.regrouped(x, (1,)) if x.ndim == 0 else x


def require(a, dtype=None, requirements=None, *, like=None):
    """np.asarray in the order asked for; "O" (of its own) and "W" (writable) copy what is a view or read-only."""
    names = {"C": "C", "C_CONTIGUOUS": "C", "CONTIGUOUS": "C", "F": "F", "F_CONTIGUOUS": "F", "FORTRAN": "F",
             "A": "A", "ALIGNED": "A", "W": "W", "WRITEABLE": "W", "O": "O", "OWNDATA": "O", "E": "E",
             "ENSUREARRAY": "E"}
    wanted = {names[r.upper()] for r in requirements or ()}
    if {"C", "F"} <= wanted:
        fail(ArgumentError, 'Cannot specify both "C" and "F" order')
    y = asarray(a, dtype, next(iter(wanted & {"C", "F"}), "A"))
    if "A" in wanted and (is_copied := foreign.is_copied_for_alignment(y)) is not False:
        return shaping.copied(y, "A") if is_copied else foreign.perhaps_copied(y, "np.require")
    lent = y.parent is not None or y.origin != ""
    if ("O" in wanted and lent) or ("W" in wanted and isinstance(y._view, ReadOnly)):
        if y.parent is None:
            o.unsupported(np.require, '"O": whether an array from outside owns its memory is not known; write .copy()')
        return shaping.copied(y, "A")
    return y


def astype(x, dtype, /, *, copy=True, device=None):
    return converted(as_traced(x), dtype, "K", copy)


# ranges -------------------------------------------------------------------------------------------------------------
def arange(*args, start=None, stop=None, step=None, dtype=None, device=None, like=None):
    """A range whose number of elements is known."""
    named = {k: v for k, v in (("start", start), ("stop", stop), ("step", step)) if v is not None}
    if any(o.is_traced(v) and common.elements_if_known(v) is None for v in (*args, *named.values())):
        first, last, by = _range(*args, **named)
        if dtype is None and any(type(v) in FLOATS for v in (first, last, by)):
            dtype = np.float64
        return _counted(_whole(first), _whole(last), _whole(by), None if dtype is None else _dtype(dtype, None))
    bounds = [_bound(v) for v in args], {k: _bound(v) for k, v in named.items()}
    make: Any = np.arange
    return constant(make(*bounds[0], **bounds[1], dtype=None if dtype is None else _dtype(dtype, None)))


FLOATS = (float, np.float64)
"""Of bounds, those that give a range of float64."""
EXACT = 2.0**53
"""Up to here whole numbers are floats, and sums of them are exact."""


def _whole(v: Any) -> Any:
    """A bound as an int, where it is a whole number: the elements are the same then."""
    return int(v) if type(v) in FLOATS and abs(v) < EXACT and v == int(v) else v


def _range(first: Any = None, second: Any = None, third: Any = None, *, start: Any = None, stop: Any = None,
           step: Any = None) -> tuple[Any, Any, Any]:
    """Start, stop and step as np.arange's arguments name them."""
    if stop is None:
        first, stop = (start if second is None else first), (first if second is None else second)
    start = first if start is None else start
    step = third if step is None else step
    return (0 if start is None else start), stop, (1 if step is None else step)


def _counted(start: Any, stop: Any, step: Any, dtype: Any) -> TracedArray:
    """np.arange of integers that are not known, but bounded: a counter of the extent that follows from them."""
    step = static_int(step, "the step of np.arange")
    if step == 0 or not all(as_traced(v).ir_dtype.is_integer and not as_traced(v).ndim for v in (start, stop)):
        static(stop if as_traced(start).is_known else start,
               "the bounds of np.arange (the number of its elements; write start + step * np.arange(n))")
    lo, hi = ext.form(as_traced(start)), ext.form(as_traced(stop))
    distance = ext.larger(plain(hi - lo if step > 0 else lo - hi), 0)
    n = ext.checked(ext.quotient(plain(distance + (abs(step) - 1)), abs(step)), "the number of elements of np.arange")
    y = iota((n,), 0)
    y = y if step == 1 else emit("mul", y, full_of(step, (n,), np.int64))
    y = y if lo == 0 else emit("add", y, o.broadcast_to(cast(as_traced(ext.handle(lo)), np.int64), (n,)))
    return y if dtype is None else cast(y, dtype)


def _bound(v: Any) -> Any:
    """A known bound; a Python number stays one, for it does not widen the range's dtype."""
    a = static(v, "the bounds of np.arange (the number of its elements; write start + step * np.arange(n))")
    return a.item() if as_traced(v).weak else a[()]


def linspace(start, stop, num=50, endpoint=True, retstep=False, dtype=None, axis=0, *, device=None):
    """`start + step * i`, the last element exactly `stop`; start and stop may be traced."""
    if is_unknown(num):
        return _counted_linspace(start, stop, num, endpoint, retstep, dtype)
    n = static_int(num, "num")
    if n < 0:
        fail(ArgumentError, f"Number of samples, {n}, must be non-negative.")
    first, last = as_traced(start), as_traced(stop)
    working = _inexact(o.result_type(first, last))
    first, last = o.broadcast(cast(first, working), cast(last, working))
    parts = n - 1 if endpoint else n
    delta = emit("sub", last, first)
    step: Any = call(np.divide, delta, parts if is_open(parts) else float(parts)) if parts > 0 else np.nan
    shape = (n, *first.extents)
    count = iota(shape, 0)
    steps = o.broadcast_to(step if parts > 0 else delta, shape)
    y = emit("add", emit("mul", cast(count, working), steps), o.broadcast_to(first, shape))
    if endpoint and n > 1:
        y = where(call(np.equal, count, n - 1), o.broadcast_to(last, shape), y)
    y = move_axis(y, 0, o.normal_axis(axis, y.ndim))
    if given(dtype):
        y = emit("floor", y) if np.issubdtype(dtype, np.integer) and y.ir_dtype.is_float else y
        y = cast(y, dtype)
    return (y, step) if retstep else y


def _counted_linspace(start: Any, stop: Any, num: Any, endpoint: Any, retstep: Any, dtype: Any) -> Any:
    """The same for as many numbers as a traced integer says, from one number to another."""
    (n,) = o.shape_of((num,))
    first, last = as_traced(start), as_traced(stop)
    if first.ndim or last.ndim:
        o.unsupported(np.linspace, "between arrays, with a traced number of samples")
    working = _inexact(o.result_type(first, last))
    first, last = cast(first, working), cast(last, working)
    index = iota((n,), 0)
    parts = call(np.subtract, num, 1) if endpoint else num
    step = call(np.divide, emit("sub", last, first), cast(as_traced(parts), working))
    y = call(np.add, call(np.multiply, cast(index, working), step), first)
    if endpoint:
        is_end = call(np.logical_and, call(np.equal, index, parts), call(np.greater, parts, 0))
        y = where(is_end, o.broadcast_to(last, y.extents), where(call(np.equal, index, 0), first, y))
    if given(dtype):
        y = emit("floor", y) if np.issubdtype(dtype, np.integer) and y.ir_dtype.is_float else y
        y = cast(y, dtype)
    return (y, step) if retstep else y


def _inexact(dtype: np.dtype) -> np.dtype:
    return dtype if dtype.kind in "fc" else np.dtype(np.float64)


def logspace(start, stop, num=50, endpoint=True, base=10.0, dtype=None, axis=0):
    b = as_traced(base)
    if b.ndim:
        o.unsupported(np.logspace, "an array as base")
    y = call(np.power, b, linspace(start, stop, num, endpoint, axis=axis))
    return cast(y, dtype) if given(dtype) else y


def geomspace(start, stop, num=50, endpoint=True, dtype=None, axis=0):
    """Equal ratios between real ends of one sign; both ends are met exactly."""
    n = static_int(num, "num")
    first, last = o.broadcast(as_array(start), as_array(stop))
    working = _inexact(np.result_type(first.dtype, last.dtype))
    first, last = cast(first, working), cast(last, working)
    for v in (first, last):
        o.require(call(np.not_equal, v, 0), "Geometric sequence cannot include zero")
    sign = call(np.sign, first)
    end = call(np.multiply, last, sign)  # below zero where the ends have two signs: then there is nothing between them
    ends = [call(np.log10, v) for v in (call(np.absolute, first), end)]
    y = logspace(ends[0], ends[1], n, endpoint)
    if n > 0:
        count = iota(y.extents, 0)
        y = where(call(np.equal, count, 0), o.broadcast_to(call(np.absolute, first), y.extents), y)
        if endpoint and n > 1:
            y = where(call(np.equal, count, n - 1), o.broadcast_to(end, y.extents), y)
    y = move_axis(call(np.multiply, y, sign), 0, o.normal_axis(axis, y.ndim))
    return cast(y, dtype) if given(dtype) else y


def meshgrid(*xi, copy=True, sparse=False, indexing="xy"):
    if indexing not in ("xy", "ij"):
        fail(ArgumentError, "Valid values for `indexing` are 'xy' and 'ij'.")
    rank = len(xi)
    xs = [as_array(x) for x in xi]
    order = [1, 0, *range(2, rank)] if indexing == "xy" and rank > 1 else list(range(rank))
    grids = []
    for k, x in enumerate(xs):
        own: list[Any] = [1] * rank
        own[order[k]] = o.elements(x)
        grids.append(reshape(x, own))
    if not copy:
        grids = [shaping.regrouped(x, g.extents) for x, g in zip(xs, grids, strict=True)]
        shape = o.broadcast_shape(*(g.extents for g in grids))
        return tuple(g if sparse or g.extents == shape else shaping.spread(g, shape) for g in grids)
    if not sparse and grids:
        grids = o.broadcast(*grids)
    return tuple(new(g, "C") for g in grids)


def vander(x, N=None, increasing=False):
    """Powers as columns, each the one before times x."""
    x = as_array(x)
    if x.ndim != 1:
        fail(ArgumentError, "x must be a one-dimensional array or sequence.")
    n = x.size if N is None else static_int(N, "N")
    x = cast(x, np.promote_types(x.dtype, int))
    columns, power = [], full_of(1, x.extents, x.dtype)
    for k in range(n):
        columns.append(reshape(power, (x.size, 1)))
        power = (x if k == 0 else emit("mul", power, x)) if k + 1 < n else power
    if not columns:
        return full_of(0, (x.size, 0), x.dtype)
    return concat(columns if increasing else columns[::-1], 1)


# diagonals ----------------------------------------------------------------------------------------------------------
def eye(N, M=None, k=0, dtype=float, order="C", *, device=None, like=None):
    return compared(np.equal, N, M, k, dtype, order) if is_unknown(N, M) else _known(np.eye)(N, M, k, dtype, order)


def identity(n, dtype=None, *, like=None):
    return eye(n, dtype=float if dtype is None else dtype)


def tri(N, M=None, k=0, dtype=float, *, like=None):
    return compared(np.less_equal, N, M, k, dtype, "C") if is_unknown(N, M) else _known(np.tri)(N, M, k, dtype)


def is_unknown(*extents: Any) -> bool:
    """Whether some extent is a number that is not known."""
    return any(isinstance(e, TracedArray) and e.known is None for e in extents)


def compared(how: np.ufunc, rows: Any, columns: Any, k: Any, dtype: Any, order: str) -> TracedArray:
    """1 where the column, less k, stands so to the row, and 0 elsewhere."""
    shape = o.shape_of((rows, rows if columns is None else columns))
    beside = common.call(np.subtract, iota(shape, 1), static_int(k, "k"))
    return new(cast(common.call(how, beside, iota(shape, 0)), o.ir_dtype(dtype).np), order)


# indices of parts ---------------------------------------------------------------------------------------------------
def _triangle(func: Callable[..., Any], is_upper: bool) -> Rule:
    """The indices of a triangle of an n x m matrix."""
    def rule(n, k=0, m=None):
        if not is_unknown(n, m):
            return _known(func)(n, k, m)
        lower = tri(n, m, static_int(k, "k") - is_upper, bool)
        return places(common.call(np.logical_not, lower) if is_upper else lower)

    return rule


tril_indices, triu_indices = _triangle(np.tril_indices, False), _triangle(np.triu_indices, True)


def diag_indices(n, ndim=2):
    return (arange(n),) * static_int(ndim, "ndim") if is_unknown(n) else _known(np.diag_indices)(n, ndim)


def indices(dimensions, dtype=int, sparse=False):
    if not is_unknown(*dimensions):
        return _known(np.indices)(dimensions, dtype, sparse)
    grids = meshgrid(*(arange(n, dtype=dtype) for n in dimensions), sparse=sparse, indexing="ij")
    return grids if sparse else concat([shaping.regrouped(g, (1, *g.extents)) for g in grids], 0)


def _from(func: Callable[..., Any], of: Rule, is_square: bool = False) -> Rule:
    """The same for the shape of an array."""
    def rule(arr, *args, **kwargs):
        x = as_traced(arr)
        if all(type(e) is int for e in x.extents):
            try:
                return tuple(constant(i) for i in func(np.broadcast_to(0, x.extents), *args, **kwargs))
            except ValueError as e:
                fail(ArgumentError, str(e))
        if x.ndim < 2 or (x.ndim != 2 and not is_square):
            fail(ArgumentError, "input array must be at least 2-d" if is_square else "input array must be 2-d")
        if is_square:
            if any(n != x.shape[0] for n in x.shape[1:]):
                fail(ArgumentError, "All dimensions of input must be of equal length")
            return of(x.shape[0], x.ndim)
        return of(x.shape[0], *args, m=x.shape[1], **kwargs)

    return rule


def ix_(*args):
    """Index arrays for the open mesh."""
    out = []
    for k, a in enumerate(args):
        x = as_array(a)
        if x.ndim != 1:
            fail(ArgumentError, "Cross index must be 1 dimensional")
        if x.ir_dtype.is_bool:
            x = constant(mask.nonzero()[0]) if (mask := common.elements_if_known(x)) is not None else places(x)[0]
        out.append(shaping.regrouped(cast(x, np.int64) if 0 in x.extents else x,
                           [o.elements(x) if j == k else 1 for j in range(len(args))]))
    return tuple(out)


def _known(func: Callable[..., Any]) -> Rule:
    """A function of known arguments alone: NumPy computes it now, and its result is a known array."""

    def rule(*args, **kwargs):
        plain = [_plain(a) for a in args]
        result = func(*plain, **{k: _plain(v) for k, v in kwargs.items()})
        return tuple(map(constant, result)) if isinstance(result, tuple) else constant(result)

    return rule


def kaiser(M, beta):
    """Kaiser's window; its shape may be traced."""
    shape = as_traced(beta)
    if shape.known is not None:
        return _known(np.kaiser)(M, shape.known)
    n = static_int(M, "M")
    half = max((n - 1) / 2.0, 0.5)
    place = np.sqrt(1 - ((np.arange(n) - (n - 1) / 2.0) / half) ** 2.0)
    i0: Rule = np.i0
    shape = cast(shape, np.float64)
    return i0(shape * place) / i0(shape)


def _frequencies(func: Callable[..., Any]) -> Rule:
    """`fftfreq(n, d)` and its half: integers times `1 / (n * d)`, where the spacing or the number may be traced."""
    def rule(n, d=1.0, device=None):
        if is_unknown(n):
            integers = arange(n // 2 + 1) if func is np.fft.rfftfreq else concat([arange((n + 1) // 2),
                                                                                  arange(-(n // 2), 0)], 0)
        else:
            n = static_int(n, "n")
            if as_traced(d).is_known:
                return constant(func(n, _plain(d)))
            integers = constant(np.rint(func(n) * n))
        return common.call(np.multiply, integers, common.call(np.true_divide, 1.0, common.call(np.multiply, n, d)))

    return rule


def _window(func: Callable[..., Any], of_angle: Callable[[Any], Any]) -> Rule:
    """A window of M points, from `n / (M - 1)` for n = 1 - M, 3 - M, ..., M - 1."""
    def rule(M):
        if not is_unknown(M):
            return _known(func)(M)
        if M < 1:
            return full_of(0, (0,), np.dtype(np.float64))
        if M == 1:
            return full_of(1, (1,), np.dtype(np.float64))
        return of_angle(arange(1 - M, M, 2) / (M - 1))

    return rule


def _bartlett(t):
    return 1 - common.call(np.abs, t)


def _cosines(*factors: float) -> Callable[[Any], Any]:
    """Sum over k of factor k times cos(k pi t)."""
    def of_angle(t):
        terms = [f * common.call(np.cos, k * np.pi * t) for k, f in enumerate(factors) if k]
        return sum(terms, factors[0])

    return of_angle


def _plain(a: Any) -> Any:
    """A handle's known elements; any other argument itself."""
    if isinstance(a, TracedArray):
        elements = static(a, "the argument of a creation function")
        return elements if elements.ndim else elements[()]
    if isinstance(a, (list, tuple)) and is_traced(a):
        return type(a)(map(_plain, a))
    return a


# what dtypes say ----------------------------------------------------------------------------------------------------
def result_type(*arrays_and_dtypes):
    items = [x if isinstance(x, (np.dtype, type, str)) else as_traced(x) for x in arrays_and_dtypes]
    return np.result_type(*(o.dtype_for_ufunc(x)() if isinstance(x, TracedArray) and x.weak and not x.ir_dtype.is_bool
                            else x.dtype if isinstance(x, TracedArray) else x for x in items))


def can_cast(from_, to, casting="safe"):
    return np.can_cast(from_.dtype if isinstance(from_, TracedArray) else from_, to, casting)


def common_type(*arrays):
    types = [as_traced(a).dtype for a in arrays]
    if any(t.kind == "b" for t in types):
        fail(DtypeError, "can't get common type for non-numeric array")
    return np.common_type(*(np.zeros(0, t) for t in types))


def isscalar(element):
    return as_traced(element).kind != o.ARRAY


def iterable(y):
    return as_traced(y).ndim > 0


def text(a, *args, **kwargs):
    """The text of an array that is not known yet: its type."""
    return repr(a) if a.known is None else np.array2string(a.known)


RULES: dict[Callable[..., Any], Rule] = {
    np.zeros: _filled(0), np.ones: _filled(1), np.empty: _filled(0), np.full: full,
    np.zeros_like: _filled_like(0), np.ones_like: _filled_like(1), np.empty_like: _filled_like(0),
    np.full_like: full_like,
    np.array: array, np.asarray: asarray, np.asanyarray: asarray, np.asarray_chkfinite: asarray_chkfinite,
    np.copy: copy,
    np.ascontiguousarray: ascontiguousarray,
    np.asfortranarray: asfortranarray, np.require: require, np.astype: astype,
    np.arange: arange, np.linspace: linspace, np.logspace: logspace, np.geomspace: geomspace,
    np.meshgrid: meshgrid, np.vander: vander, np.ix_: ix_,
    np.eye: eye, np.identity: identity, np.tri: tri,
    np.indices: indices, np.diag_indices: diag_indices, np.kaiser: kaiser,
    np.tril_indices: tril_indices, np.triu_indices: triu_indices,
    np.bartlett: _window(np.bartlett, _bartlett), np.hanning: _window(np.hanning, _cosines(0.5, 0.5)),
    np.hamming: _window(np.hamming, _cosines(0.54, 0.46)),
    np.blackman: _window(np.blackman, _cosines(0.42, 0.5, 0.08)),
    np.fft.fftfreq: _frequencies(np.fft.fftfreq), np.fft.rfftfreq: _frequencies(np.fft.rfftfreq),
    np.diag_indices_from: _from(np.diag_indices_from, diag_indices, True),
    np.tril_indices_from: _from(np.tril_indices_from, tril_indices),
    np.triu_indices_from: _from(np.triu_indices_from, triu_indices),
    np.result_type: result_type, np.can_cast: can_cast, np.common_type: common_type,
    np.isscalar: isscalar, np.iterable: iterable,
    np.array2string: text, np.array_repr: text, np.array_str: text,
}


