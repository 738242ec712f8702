"""Differences, integrals, interpolation, convolution, polynomials."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from ...errors import ArgumentError, DtypeError, TraceError
from ...ir.sizes import is_open
from .. import operands as o
from ..extents import form
from ..locations import fail
from ..operands import TracedArray, as_traced, cast, emit, static_int
from ..subscripts import bounds
from ..ufuncs import operate
from .common import (
    NO_VALUE,
    array,
    axis_of,
    call,
    common,
    concat,
    fixed,
    flatten,
    full,
    full_like,
    iota,
    pad_axis,
    pick,
    reshape,
    reverse,
    slice_axis,
    where,
)
from .complex_numbers import conjugate, joined
from .indexing import taken
from .joining import concatenate
from .reduction import sum_
from .search import places_in

Rule = Callable[..., Any]


def along(x: TracedArray, axis: int, start: int, stop: int | None, step: int = 1) -> TracedArray:
    """x[start:stop:step] along an axis."""
    return slice_axis(x, axis, *bounds(slice(start, stop, step), form(x.extents[axis])))


# differences --------------------------------------------------------------------------------------------------------
def diff(a, n=1, axis=-1, prepend=NO_VALUE, append=NO_VALUE):
    """The n-th differences along an axis."""
    n = static_int(n, "n")
    if n == 0:
        return a
    if n < 0:
        fail(ArgumentError, f"order must be non-negative but got {n}")
    x = array(a)
    if x.ndim == 0:
        fail(ArgumentError, "diff requires input that is at least one dimensional")
    k = axis_of(axis, x)
    ends = [_end(x, v, k) for v in (prepend, append)]
    if any(e is not None for e in ends):
        x = concatenate([v for v in (ends[0], x, ends[1]) if v is not None], k)
    for _ in range(n):
        later, earlier = along(x, k, 1, None), along(x, k, 0, -1)
        x = call(np.not_equal if x.ir_dtype.is_bool else np.subtract, later, earlier)
    return x


def _end(x: TracedArray, value: Any, axis: int) -> TracedArray | None:
    """What is put before or behind; a number stands for one slice of it."""
    if value is NO_VALUE:
        return None
    v = array(value)
    return v if v.ndim else o.broadcast_to(v, (*x.extents[:axis], 1, *x.extents[axis + 1:]))


def ediff1d(ary, to_end=None, to_begin=None):
    x = flatten(array(ary))
    first, last = (_joined_to(x, v, name) for v, name in ((to_begin, "to_begin"), (to_end, "to_end")))
    middle = call(np.subtract, along(x, 0, 1, None), along(x, 0, 0, -1))
    return concat([v for v in (first, middle, last) if v is not None], 0)


def _joined_to(x: TracedArray, value: Any, name: str) -> TracedArray | None:
    """What np.ediff1d puts before or behind, in the dtype of the array."""
    if value is None:
        return None
    v = array(value)
    if not np.can_cast(v.dtype, x.dtype, "same_kind"):
        fail(DtypeError, f"dtype of `{name}` must be compatible with input `ary` under the `same_kind` rule: it is "
                         f"{v.dtype}, and `ary` {x.dtype}; write ary.astype({v.dtype})")
    return cast(flatten(v), x.dtype)


def gradient(f, *varargs, axis=None, edge_order=1):
    """Central differences inside, one-sided ones of first or second order at the ends; equal or given spacing."""
    x = array(f)
    axes = [o.normal_axis(k, x.ndim) for k in (axis if isinstance(axis, (tuple, list)) else
                                               range(x.ndim) if axis is None else (axis,))]
    if edge_order not in (1, 2):
        fail(ArgumentError, "'edge_order' greater than 2 not supported")
    if len(varargs) not in (0, 1, len(axes)):
        fail(TraceError, "invalid number of arguments")
    spacings = [1.0] * len(axes) if not varargs else list(varargs) * (len(axes) if len(varargs) == 1 else 1)
    if x.ir_dtype.is_bool:
        fail(DtypeError, "np.gradient of booleans: numpy boolean subtract, the `-` operator, is not supported; write "
                         "x.astype(float)")
    x = x if x.ir_dtype.is_inexact else cast(x, np.float64)
    out = [_gradient_along(x, k, array(s) if as_traced(s).ndim else s, edge_order)
           for k, s in zip(axes, spacings, strict=True)]
    return out[0] if len(out) == 1 else tuple(out)


def _gradient_along(x: TracedArray, k: int, spacing: Any, edge_order: int) -> TracedArray:
    n = fixed(x, np.gradient)[k]
    if n < edge_order + 1:
        fail(ArgumentError, "Shape of array too small to calculate a numerical gradient, at least (edge_order + 1) "
                            "elements are required.")
    if isinstance(spacing, TracedArray) and spacing.ndim:
        if spacing.ndim != 1:
            fail(ArgumentError, "distances must be either scalars or 1d")
        if prod(spacing.extents) != n:
            fail(ArgumentError, "when 1d, distances must match the length of the corresponding dimension")
        steps = diff(cast(spacing, np.float64) if spacing.ir_dtype.is_integer else spacing)
        return _uneven(x, k, steps, edge_order)
    return _even(x, k, spacing, edge_order)


def _even(x: TracedArray, k: int, h: Any, edge_order: int) -> TracedArray:
    inner = call(np.true_divide, call(np.subtract, along(x, k, 2, None), along(x, k, 0, -2)), call(np.multiply, 2.0, h))
    if edge_order == 1:
        first = call(np.true_divide, call(np.subtract, along(x, k, 1, 2), along(x, k, 0, 1)), h)
        last = call(np.true_divide, call(np.subtract, along(x, k, -1, None), along(x, k, -2, -1)), h)
    else:
        first = _combined(x, k, (0, 1, 2), [call(np.true_divide, c, h) for c in (-1.5, 2.0, -0.5)])
        n = x.extents[k]
        last = _combined(x, k, (n - 3, n - 2, n - 1), [call(np.true_divide, c, h) for c in (0.5, -2.0, 1.5)])
    return _joined(first, inner, last, k, x.dtype)


def _joined(first: TracedArray, inner: TracedArray, last: TracedArray, k: int, dtype: np.dtype) -> TracedArray:
    """The ends around the inner part, in the array's dtype."""
    return concat([cast(v, dtype) for v in (first, inner, last)], k)


def _combined(x: TracedArray, k: int, places: Sequence[int], weights: Sequence[Any]) -> TracedArray:
    """The weighted sum of three slices."""
    terms = [call(np.multiply, w, along(x, k, p, p + 1)) for p, w in zip(places, weights, strict=True)]
    return call(np.add, call(np.add, terms[0], terms[1]), terms[2])


def _uneven(x: TracedArray, k: int, steps: TracedArray, edge_order: int) -> TracedArray:
    """Second-order differences on points of distances `steps`: the parabola through three neighbours."""
    n = x.extents[k]
    h, g = along(steps, 0, 0, -1), along(steps, 0, 1, None)
    both = call(np.add, h, g)
    a = call(np.negative, call(np.true_divide, g, call(np.multiply, h, both)))
    b = call(np.true_divide, call(np.subtract, g, h), call(np.multiply, h, g))
    c = call(np.true_divide, h, call(np.multiply, g, both))

    def over(w: TracedArray) -> TracedArray:
        return reshape(w, [prod(w.extents) if j == k else 1 for j in range(x.ndim)])

    terms = [call(np.multiply, over(w), along(x, k, p, n - 2 + p)) for p, w in enumerate((a, b, c))]
    inner = call(np.add, call(np.add, terms[0], terms[1]), terms[2])
    if edge_order == 1:
        first = call(np.true_divide, call(np.subtract, along(x, k, 1, 2), along(x, k, 0, 1)), pick(steps, 0, 0))
        last = call(np.true_divide, call(np.subtract, along(x, k, -1, None), along(x, k, -2, -1)), pick(steps, 0, -1))
        return _joined(first, inner, last, k, x.dtype)
    first = _combined(x, k, (0, 1, 2), _end_weights(pick(steps, 0, 0), pick(steps, 0, 1)))
    weights = _end_weights(pick(steps, 0, -1), pick(steps, 0, -2))
    last = _combined(x, k, (n - 3, n - 2, n - 1), [call(np.negative, w) for w in reversed(weights)])
    return _joined(first, inner, last, k, x.dtype)


def _end_weights(near: TracedArray, far: TracedArray) -> list[TracedArray]:
    """The derivative at the first of three points, `near` and `far` the distances between them."""
    both = call(np.add, near, far)
    a = call(np.negative, call(np.true_divide, call(np.add, both, near), call(np.multiply, near, both)))
    b = call(np.true_divide, both, call(np.multiply, near, far))
    c = call(np.negative, call(np.true_divide, near, call(np.multiply, far, both)))
    return [a, b, c]


def trapezoid(y, x=None, dx=1.0, axis=-1):
    """The integral by trapezoids, along an axis."""
    v = array(y)
    k = axis_of(axis, v)
    if x is None:
        width: Any = dx
    else:
        points = array(x)
        width = diff(points, axis=0 if points.ndim == 1 else k)
        if points.ndim == 1 < v.ndim:
            width = reshape(width, [width.extents[0] if j == k else 1 for j in range(v.ndim)])
    heights = call(np.add, along(v, k, 1, None), along(v, k, 0, -1))
    return sum_(call(np.true_divide, call(np.multiply, width, heights), 2.0), k)


def unwrap(p, discont=None, axis=-1, *, period=2 * np.pi):
    """Jumps of more than half a period (or `discont`) taken out by multiples of the period."""
    x = array(p)
    k = axis_of(axis, x)
    step = diff(x, axis=k)
    half = operate(np.true_divide, period, 2)
    discont = half if discont is None else call(np.maximum, discont, half)
    if o.result_type(step, as_traced(period)).kind in "iu":
        high, ambiguous = operate(np.floor_divide, period, 2), call(np.equal, operate(np.remainder, period, 2), 0)
    else:
        high, ambiguous = half, as_traced(True)
    low = operate(np.negative, high)
    moved = call(np.add, call(np.remainder, call(np.subtract, step, low), period), low)
    edge = call(np.logical_and, ambiguous, call(np.logical_and, call(np.equal, moved, low), call(np.greater, step, 0)))
    moved = where(edge, high, moved)
    correction = where(call(np.less, call(np.absolute, step), discont), 0, call(np.subtract, moved, step))
    shift = emit("cumsum", correction, axis=k, reverse=False)
    rest = call(np.add, along(x, k, 1, None), shift)
    return concat([cast(along(x, k, 0, 1), rest.dtype), rest], k)


# interpolation ------------------------------------------------------------------------------------------------------
def interp(x, xp, fp, left=None, right=None, period=None):
    """Piecewise linear interpolation in a table with rising xp; beyond it `left` and `right`, or the table's ends."""
    if any(v is not None and as_traced(v).ir_dtype.is_complex for v in (fp, left, right)):
        lower, upper = (None if v is None else cast(as_traced(v), np.complex128) for v in (left, right))
        table = cast(array(fp), np.complex128)
        return joined(*(interp(x, xp, emit(p, table), None if lower is None else emit(p, lower),
                               None if upper is None else emit(p, upper), period) for p in ("real", "imag")))
    at = cast(as_traced(x), np.float64)
    xs, ys = cast(array(xp), np.float64), cast(array(fp), np.float64)
    if xs.ndim != 1 or ys.ndim != 1:
        fail(ArgumentError, "Data points must be 1-D sequences")
    if not o.may_agree(xs.extents[0], ys.extents[0]):
        fail(ArgumentError, "fp and xp are not of the same length.")
    if not fixed(xs, np.interp)[0]:
        fail(ArgumentError, "array of sample points is empty")
    if period is not None:
        at, xs, ys = _periodic(at, xs, ys, period)
        left = right = None
    n = xs.extents[0]
    first, last = pick(ys, 0, 0), pick(ys, 0, -1)
    low_end = first if left is None else cast(as_traced(left), np.float64)
    high_end = last if right is None else cast(as_traced(right), np.float64)
    y = o.broadcast_to(last, at.extents) if n == 1 else _on_segments(at, xs, ys)
    y = where(call(np.less, at, pick(xs, 0, 0)), low_end, y)
    y = where(call(np.greater, at, pick(xs, 0, -1)), high_end, y)
    return y if n == 1 else emit("select", emit("isnan", at), at, y)


def _on_segments(at: TracedArray, xs: TracedArray, ys: TracedArray) -> TracedArray:
    """The line through the two points around each place; exact at the points themselves."""
    n = xs.extents[0]
    j = call(np.subtract, places_in(xs, at, "right"), 1)
    exact = call(np.equal, j, n - 1)
    j = emit("minimum", emit("maximum", j, full_like(0, j)), full_like(n - 2, j))
    k = call(np.add, j, 1)
    x0, x1, y0, y1 = (emit("gather", t, i, axes=(0,)) for t, i in ((xs, j), (xs, k), (ys, j), (ys, k)))
    slope = emit("div", emit("sub", y1, y0), emit("sub", x1, x0))
    y = emit("add", emit("mul", slope, emit("sub", at, x0)), y0)
    return where(exact, pick(ys, 0, -1), y)


def _periodic(at: TracedArray, xs: TracedArray, ys: TracedArray, period: Any) -> tuple[TracedArray, ...]:
    """Everything folded into one period, the table sorted and continued by one point at both ends."""
    length = as_traced(period)
    if length.known is not None and not np.all(length.known):
        fail(ArgumentError, "period must be a non-zero value")
    length = cast(call(np.absolute, length), np.float64)
    at, xs = call(np.remainder, at, length), call(np.remainder, xs, length)
    order = emit("argsort", xs, axis=0)
    xs, ys = taken(xs, order, 0), taken(ys, order, 0)
    xs = concat([call(np.subtract, along(xs, 0, -1, None), length), xs, call(np.add, along(xs, 0, 0, 1), length)], 0)
    ys = concat([along(ys, 0, -1, None), ys, along(ys, 0, 0, 1)], 0)
    return at, xs, ys


# convolution --------------------------------------------------------------------------------------------------------
TAPS_LIMIT = 16
"""A shorter operand of at most so many elements is written out as a sum of shifted slices, which fuses; with a longer
one the windows are gathered and contracted."""


def convolve(a, v, mode="full"):
    """The discrete convolution of two vectors."""
    x, w = (_vector(u) for u in (a, v))
    if prod(w.extents) > prod(x.extents):
        x, w = w, x
    _not_empty(x, w)
    return _slid(x, reverse(w, 0), mode)


def correlate(a, v, mode="valid"):
    """The cross-correlation of two vectors."""
    if not as_traced(a).ndim or not as_traced(v).ndim:
        fail(ArgumentError, "object of too small depth for desired array")
    x, w = (_vector(u) for u in (a, v))
    _not_empty(x, w)
    w = conjugate(w) if w.ir_dtype.is_complex else w
    if prod(w.extents) > prod(x.extents):
        return reverse(_slid(w, x, mode), 0)
    return _slid(x, w, mode)


def _vector(u: Any) -> TracedArray:
    x = array(u)
    if x.ndim > 1:
        fail(ArgumentError, "object too deep for desired array")
    return reshape(x, (1,)) if x.ndim == 0 else x


def _not_empty(x: TracedArray, w: TracedArray) -> None:
    for name, u in (("a", x), ("v", w)):
        if fixed(u, np.convolve) == (0,):
            fail(ArgumentError, f"{name} cannot be empty")


def _slid(x: TracedArray, w: TracedArray, mode: str) -> TracedArray:
    """out[k] = sum_j x[k + j - shift] w[j]: w, the shorter one, slides along x."""
    n, m = prod(x.extents), prod(w.extents)
    if mode not in ("full", "same", "valid"):
        fail(ArgumentError, f"mode must be one of 'valid', 'same', or 'full' (got {mode!r})")
    x, w = o.promote(x, w)
    boolean = x.ir_dtype.is_bool
    x, w = (cast(x, np.int64), cast(w, np.int64)) if boolean else (x, w)
    left = {"full": m - 1, "same": m // 2, "valid": 0}[mode]
    size = {"full": n + m - 1, "same": n, "valid": n - m + 1}[mode]
    whole = n - m + 1
    inner = _sum_of_taps(x, w, whole) if not is_open(m) and m <= TAPS_LIMIT else _windows(x, w, whole)
    ends = [_at_an_end(x, w, start, count) for start, count in ((-left, left), (whole, size - left - whole))]
    y = concat([part for part in (ends[0], inner, ends[1]) if prod(part.extents)], 0)
    return cast(y, np.bool_) if boolean else y


def _at_an_end(x: TracedArray, w: TracedArray, start: int, count: int) -> TracedArray:
    """The sums from x[start] on, where w stands out over an end of x: what stands there takes no part (it is no
    product with 0, which is nan for an infinite w)."""
    n, m = prod(x.extents), prod(w.extents)
    places = call(np.add, call(np.add, iota((count, m), 0), iota((count, m), 1)), start)
    inside = call(np.logical_and, call(np.greater_equal, places, 0), call(np.less, places, n))
    places = call(np.minimum, call(np.maximum, places, 0), n - 1)
    terms = emit("mul", emit("gather", x, places, axes=(0,)), o.broadcast_to(w, (count, m)))
    return emit("sum", emit("select", inside, terms, full_like(0, terms)), axes=(1,))


def _sum_of_taps(x: TracedArray, w: TracedArray, size: int) -> TracedArray:
    y: Any = None
    for j in range(prod(w.extents)):
        term = emit("mul", slice_axis(x, 0, j, size), o.broadcast_to(slice_axis(w, 0, j, 1), (size,)))
        y = term if y is None else emit("add", y, term)
    return y


def _windows(x: TracedArray, w: TracedArray, size: int) -> TracedArray:
    places = emit("add", iota((size, prod(w.extents)), 0), iota((size, prod(w.extents)), 1))
    windows = emit("gather", x, places, axes=(0,))
    return emit("contract", windows, w, xbatch=(), ybatch=(), xsum=(1,), ysum=(0,))


# polynomials by their coefficients, highest first -------------------------------------------------------------------
def polyval(p, x):
    """By Horner's rule."""
    coefficients = array(p)
    at = array(x)
    y: Any = full_like(0, at)
    for k in range(fixed(coefficients, np.polyval)[0]):
        y = call(np.add, call(np.multiply, y, at), pick(coefficients, 0, k))
    return y


def _aligned(a1: Any, a2: Any) -> tuple[TracedArray, TracedArray]:
    x, y = (_vector(a) for a in (a1, a2))
    n = max(prod(x.extents), prod(y.extents))
    return pad_axis(x, 0, n - prod(x.extents), 0), pad_axis(y, 0, n - prod(y.extents), 0)


def polyadd(a1, a2):
    return call(np.add, *_aligned(a1, a2))


def polysub(a1, a2):
    return call(np.subtract, *_aligned(a1, a2))


def polymul(a1, a2):
    return convolve(*map(without_leading_zeros, (a1, a2)))


def without_leading_zeros(p):
    """Coefficients as np.poly1d keeps them: of traced ones the first is none of the zeros that it leaves out."""
    x = _vector(p)
    if x.is_known:
        return o.constant(np.trim_zeros(np.asarray(x.known), "f") if np.any(x.known) else np.asarray(x.known)[-1:])
    if x.extents[0] != 1:
        o.require(o.as_traced(call(np.not_equal, o.emit("slice", x, starts=(0,), sizes=(1,), steps=(1,)), 0)),
                  "the first coefficient of a polynomial is 0: how many coefficients np.polymul gives would depend on "
                  "the elements; leave it out, or write np.convolve(a, b)")
    return x


def polyder(p, m=1):
    m = static_int(m, "m")
    if m < 0:
        fail(ArgumentError, "Order of derivative must be positive (see polyint)")
    y = _vector(p)
    for _ in range(m):
        n = prod(y.extents) - 1
        y = call(np.multiply, along(y, 0, 0, -1), o.constant(np.arange(n, 0, -1)))
    return y


def polyint(p, m=1, k=None):
    m = static_int(m, "m")
    if m < 0:
        fail(ArgumentError, "Order of integral must be positive (see polyder)")
    y = _vector(p)
    constants = flatten(array(0.0 if k is None else k))
    if prod(constants.extents) != 1 and prod(constants.extents) < m:
        fail(ArgumentError, "k must be a scalar or a rank-1 array of length 1 or >m.")
    for i in range(m):
        y = call(np.true_divide, y, o.constant(np.arange(prod(y.extents), 0, -1)))
        c = slice_axis(constants, 0, min(i, prod(constants.extents) - 1), 1)
        dtype = common(y, c)
        y = concat([cast(y, dtype), cast(c, dtype)], 0)
    return y


def fitted(rows: Any, y: Any, rcond: Any, w: Any, full: Any) -> Any:
    """The coefficients of columns that come nearest to y, each measured in its own length, and what lstsq tells."""
    x, right = rows, y + 0.0
    if right.ndim not in (1, 2) or right.shape[0] != x.shape[0]:
        fail(ArgumentError, "expected x and y to have same length")
    if w is not None:
        weights: Any = w + 0.0
        if weights.shape != (x.shape[0],):
            fail(ArgumentError, "expected x and w to have same length")
        x, right = x * weights[:, np.newaxis], right * (weights if right.ndim == 1 else weights[:, np.newaxis])
    lengths = np.sqrt(np.sum(np.real(x) ** 2 + np.imag(x) ** 2 if np.iscomplexobj(x) else x * x, axis=0))
    lengths = np.where(lengths == 0, 1, lengths)
    least = x.shape[0] * np.finfo(x.dtype).eps if rcond is None else rcond
    c, left, rank, s = np.linalg.lstsq(x / lengths, right, least)
    c = np.transpose(np.transpose(c) / lengths)
    return (c, [left, rank, s, least]) if full else c


def polyfit(x, y, deg, rcond=None, full=False, w=None, cov=False):
    """By least squares; with cov the matrix by which the coefficients vary."""
    n = static_int(deg, "deg") + 1
    at: Any = array(x)
    if at.ndim != 1 or n < 1:
        fail(ArgumentError, "expected 1D vector for x" if n > 0 else "expected deg >= 0")
    if at.extents[0] == 0:
        fail(DtypeError, "expected non-empty vector for x")
    rows: Any = np.vander(at + 0.0, n)
    found = fitted(rows, array(y), rcond, None if w is None else array(w), True)
    c, (left, rank, s, least) = found
    if full:
        return c, left, rank, s, least
    if not cov:
        return c
    weighted = rows if w is None else rows * np.reshape(array(w), (-1, 1))
    lengths = np.sqrt(np.sum(weighted * weighted, axis=0))
    scaled = weighted / lengths
    base = np.linalg.inv(np.transpose(scaled) @ scaled) / np.outer(lengths, lengths)
    base = base if c.ndim == 1 else base[:, :, np.newaxis]
    if isinstance(cov, str) and cov == "unscaled":
        return c, base
    count = fixed(rows, np.polyfit)[0]
    if count <= n:
        fail(ArgumentError, "the number of data points must exceed order to scale the covariance matrix")
    return c, base * (left / (count - n))


def poly(seq_of_zeros):
    """The polynomial with these roots."""
    roots = array(seq_of_zeros)
    if roots.ndim != 1:
        o.unsupported(np.poly, "of a matrix, which takes its eigenvalues")
    roots = roots if roots.ir_dtype.is_inexact else cast(roots, np.float64)
    y = full(1, (1,), roots.dtype)
    for k in range(fixed(roots, np.poly)[0]):
        factor = concat([full(1, (1,), roots.dtype), call(np.negative, slice_axis(roots, 0, k, 1))], 0)
        y = convolve(y, factor)
    return y


RULES: dict[Callable[..., Any], Rule] = {
    np.diff: diff, np.ediff1d: ediff1d, np.gradient: gradient, np.trapezoid: trapezoid, np.unwrap: unwrap,
    np.interp: interp, np.convolve: convolve, np.correlate: correlate,
    np.polyval: polyval, np.polyadd: polyadd, np.polysub: polysub, np.polymul: polymul, np.polyder: polyder,
    np.polyint: polyint, np.poly: poly, np.polyfit: polyfit,
}

