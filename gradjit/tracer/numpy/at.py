"""`ufunc.at(x, indices, values)`: unbuffered, so that an index that occurs several times counts as often."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import DtypeError, ShapeError, UnsupportedError
from .. import operands as o
from ..hooks import Hooks
from ..lift import lifted
from ..locations import fail
from ..operands import TracedArray, cast, emit
from ..subscripts import Key, add_at, aligned, fitted, indexed, parse, placement
from ..ufuncs import compute
from .common import array, call, reshape, take_known, transpose

ROUNDS = 16
"""Known indices that occur at most so often are written in so many rounds; others one after the other, in a loop."""


def at(ufunc, a, indices, b=None):
    """`ufunc.at`; sums and differences of numbers are one operation. DtypeError where NumPy could not cast back."""
    if not isinstance(a, TracedArray):
        fail(UnsupportedError, f"np.{ufunc.__name__}.at changes an array from outside of the traced function; copy it "
                               f"inside first")
    v = None if b is None else array(b)
    check_cast(ufunc, a, v)
    if isinstance(indices, TracedArray) and indices.ir_dtype.is_bool and indices.ndim and not indices.is_known:
        return masked(ufunc, a, indices, v)
    k = parse(a, indices)
    target = indexed(a, k)
    if v is not None and v.ndim > places_rank(target, k):
        fail(ShapeError, f"array is not broadcastable to correct shape: values of shape {o.shape_text(v.extents)} for "
                         f"places of shape {o.shape_text(target.extents)}")
    if ufunc in (np.add, np.subtract) and v is not None and exact(a, v):
        v = cast(v, a.dtype)
        return add_at(a, indices, v if ufunc is np.add else call(np.negative, v))
    if not k.arrays:
        part = v if v is None else fitted(v, target.extents)
        return target.write(applied(ufunc, target, part))
    return target.write(one_by_one(ufunc, target, k, v))


def places_rank(target: TracedArray, k: Key) -> int:
    """How many axes the places have that an index names."""
    if not k.arrays:
        return target.ndim
    axes, indices = aligned(k)
    return target.ndim - len(axes) + indices[0].ndim


def check_cast(ufunc: np.ufunc, x: TracedArray, v: TracedArray | None) -> None:
    """NumPy itself is asked, with numbers of the same dtypes."""
    try:
        ufunc.at(np.ones(1, x.dtype), [0], *(() if v is None else (np.ones((), v.dtype),)))
    except (TypeError, ValueError) as e:
        fail(DtypeError, str(e))


def exact(x: TracedArray, v: TracedArray) -> bool:
    """Whether a sum does not depend on when the values are converted to x's dtype."""
    return x.ir_dtype.is_inexact or (x.ir_dtype.is_integer and np.result_type(x.dtype, v.dtype).kind in "iu")


def applied(ufunc: np.ufunc, x: TracedArray, v: TracedArray | None) -> TracedArray:
    """x, or a part of it, once changed."""
    return cast(compute(ufunc, [x] if v is None else [x, v]), x.dtype)


def masked(ufunc: np.ufunc, x: TracedArray, mask: TracedArray, v: TracedArray | None) -> None:
    """The same of what a mask chooses, which names no element twice."""
    if (v is not None and v.ndim) or mask.extents != x.extents[:mask.ndim]:
        chosen = x[mask]
        x[mask] = ufunc(chosen, *(() if v is None else (v,))).astype(x.dtype)
    else:
        along = reshape(mask, (*mask.extents, *(1 for _ in x.extents[mask.ndim:])))
        x.write(emit("select", o.broadcast_to(along, x.extents), applied(ufunc, x, v), x))


def one_by_one(ufunc: np.ufunc, x: TracedArray, k: Key, v: TracedArray | None) -> TracedArray:
    """x with each element that the index arrays name changed as often as they name it."""
    axes, indices = aligned(k)
    rank = indices[0].ndim
    rest = tuple(e for a, e in enumerate(x.extents) if a not in axes)
    count = o.elements(indices[0])
    if v is not None:
        perm = placement(x, k, axes, rank)
        shape = (*indices[0].extents, *rest)
        v = transpose(fitted(v, tuple(shape[p] for p in perm)), sorted(range(len(perm)), key=perm.__getitem__))
        v = reshape(v, (count, *rest))
    flat = [reshape(i, (count,)) for i in indices]
    known = [i.known for i in flat]
    if all(i is not None for i in known):
        nth = occurrences(known)  # type: ignore[arg-type]
        if nth.max(initial=0) < ROUNDS:
            return in_rounds(ufunc, x, axes, known, v, nth)
    out = o.as_array(x)
    by_axis = dict(zip(axes, flat, strict=True))
    in_turn: Any = lifted(_in_turn, Hooks)  # type: ignore[arg-type]
    in_turn(ufunc, out, [by_axis.get(a) for a in range(x.ndim)], v, count)
    return out


def occurrences(indices: list[np.ndarray]) -> np.ndarray:
    """For each place how often the same index stands before it."""
    seen: dict[Any, int] = {}
    out = np.zeros(len(indices[0]), np.int64)
    for n, key in enumerate(zip(*(i.tolist() for i in indices), strict=True)):
        out[n] = seen[key] = seen.get(key, -1) + 1
    return out


def in_rounds(ufunc: np.ufunc, x: TracedArray, axes: tuple[int, ...], indices: list[Any], v: TracedArray | None,
              nth: np.ndarray) -> TracedArray:
    """All first occurrences at once, then all second ones, ..."""
    for r in range(int(nth.max(initial=-1)) + 1):
        places = np.flatnonzero(nth == r)
        chosen = [o.constant(i[places]) for i in indices]
        old = emit("gather", x, *chosen, axes=axes)
        new = applied(ufunc, old, None if v is None else take_known(v, 0, places))
        x = emit("scatter", x, *chosen, new, axes=axes)
    return x


def _in_turn(ufunc: Any, x: Any, indices: Any, v: Any, count: Any) -> None:
    """Plain Python, which is lifted: a loop over the occurrences."""
    for n in range(count):
        place = tuple([slice(None) if i is None else i[n] for i in indices])
        if v is None:
            x[place] = ufunc(x[place])
        else:
            x[place] = ufunc(x[place], v[n])
