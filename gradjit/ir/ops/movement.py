"""Operations that move elements and compute nothing."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...errors import BoundsError, DtypeError, ShapeError
from .. import attrs as kinds
from ..sizes import is_known
from ..types import ArrayType, dtype_of
from .spec import Fails, Memory, OpSpec, Sign, table

Ints = tuple[Any, ...]


def _infer_broadcast(x: ArrayType, shape: Ints, dims: Ints) -> tuple[ArrayType, ...]:
    ok = len(dims) == x.rank and list(dims) == sorted(set(dims)) and all(0 <= d < len(shape) for d in dims)
    if not ok or any(x.shape[k] != 1 and x.shape[k] != shape[d] for k, d in enumerate(dims)):
        raise ShapeError(f"broadcast: {x} to {shape} along {dims}")
    return (x.with_shape(shape),)


def _broadcast(x: np.ndarray, shape: Ints, dims: Ints) -> np.ndarray:
    aligned = [1] * len(shape)
    for k, d in enumerate(dims):
        aligned[d] = x.shape[k]
    x = x.reshape(aligned)
    if x.shape == shape:
        return x
    if math.prod(shape) > FEW:
        return np.broadcast_to(x, shape)
    out = np.empty(shape, x.dtype)
    out[...] = x
    return out


FEW = 64
"""So many elements are copied in less time than np.broadcast_to takes to make a view."""


def _infer_reshape(x: ArrayType, shape: Ints) -> tuple[ArrayType, ...]:
    t = x.with_shape(shape)
    if x.is_static and t.is_static and is_known(x.size, "!=", t.size):
        raise ShapeError(f"reshape: {x} has {x.size} elements, the shape {shape} {t.size}")
    return (t,)


def _infer_transpose(x: ArrayType, perm: Ints) -> tuple[ArrayType, ...]:
    if sorted(perm) != list(range(x.rank)):
        raise ShapeError(f"transpose: {perm} is no permutation of the axes of {x}")
    return (x.with_shape(tuple(x.shape[p] for p in perm)),)


def _inside(name: str, x: ArrayType, starts: Ints, sizes: Ints, steps: Ints) -> None:
    if not len(starts) == len(sizes) == len(steps) == x.rank:
        raise ShapeError(f"{name}: {len(starts)} bounds for {x}")
    extents: Ints = x.shape
    for axis, (extent, start, size, step) in enumerate(zip(extents, starts, sizes, steps, strict=True)):
        if step == 0:
            raise ShapeError(f"{name}: step 0 along axis {axis}")
        if all(isinstance(n, int) for n in (extent, start, size)) and is_known(size, ">", 0):
            last = start + (size - 1) * step
            if any(is_known(a, "<", 0) or is_known(a, ">=", extent) for a in (start, last)):
                raise ShapeError(f"{name}: elements {start} to {last} of axis {axis}, which has {extent}")


def _infer_slice(x: ArrayType, starts: Ints, sizes: Ints, steps: Ints) -> tuple[ArrayType, ...]:
    _inside("slice", x, starts, sizes, steps)
    return (x.with_shape(sizes),)


def window(name: str, extents: Ints, starts: Ints, sizes: Ints, steps: Ints) -> tuple[slice, ...]:
    """The Python slices that take `sizes` elements from `starts` at `steps`. BoundsError where they are not there."""
    for axis, (extent, start, size, step) in enumerate(zip(extents, starts, sizes, steps, strict=True)):
        if size < 0:
            raise BoundsError(f"{name}: {size} elements along axis {axis}")
        last = start + (size - 1) * step
        if size and not (0 <= start < extent and 0 <= last < extent):
            raise BoundsError(f"{name}: elements {start} to {last} of axis {axis}, which has {extent}")

    def one(start: Any, size: Any, step: int) -> slice:
        stop = int(start) + int(size) * step
        return slice(int(start), None if stop < 0 else stop, step) if size > 0 else slice(0, 0)
    return tuple(one(*b) for b in zip(starts, sizes, steps, strict=True))


def _slice(x: np.ndarray, starts: Ints, sizes: Ints, steps: Ints) -> np.ndarray:
    return x[window("slice", x.shape, starts, sizes, steps)]


def _infer_update(x: ArrayType, v: ArrayType, starts: Ints, steps: Ints) -> tuple[ArrayType, ...]:
    if x.dtype != v.dtype:
        raise DtypeError(f"update: {v} into {x}")
    if v.rank != x.rank:
        raise ShapeError(f"update: {v} into {x}")
    _inside("update", x, starts, v.shape, steps)
    return (x,)


def _update(x: np.ndarray, v: np.ndarray, starts: Ints, steps: Ints) -> np.ndarray:
    out = np.array(x)
    out[window("update", x.shape, starts, v.shape, steps)] = v
    return out


def _infer_pad(x: ArrayType, value: ArrayType, lows: Ints, highs: Ints, interiors: Ints) -> tuple[ArrayType, ...]:
    if value != ArrayType(x.dtype, ()):
        raise DtypeError(f"pad: the value is {value}, the array {x}")
    negative = any(is_known(n, "<", 0) for n in (*lows, *highs, *interiors))
    if not len(lows) == len(highs) == len(interiors) == x.rank or negative:
        raise ShapeError(f"pad: {lows}, {highs}, {interiors} for {x}")
    grown: list[Any] = []
    for e, lo, hi, i in zip(x.shape, lows, highs, interiors, strict=True):
        if not isinstance(e, int) and (lo or hi or i):
            raise ShapeError(f"pad: an axis of {x} whose extent is not known is padded by {lows}, {highs}, {interiors}")
        grown.append(lo + hi + e + (max(e - 1, 0) * i if i else 0) if isinstance(e, int) else e)
    return (x.with_shape(tuple(grown)),)


def _pad(x: np.ndarray, value: np.ndarray, lows: Ints, highs: Ints, interiors: Ints) -> np.ndarray:
    t, = _infer_pad(ArrayType(*_type(x)), ArrayType(_type(value)[0]), lows, highs, interiors)
    out = np.full(t.extents, value, dtype=x.dtype)
    out[window("pad", out.shape, lows, x.shape, tuple(i + 1 for i in interiors))] = x
    return out


def _type(x: np.ndarray) -> tuple[Any, Any]:
    return dtype_of(x.dtype), x.shape


def _infer_concat(*xs: ArrayType, axis: int) -> tuple[ArrayType, ...]:
    if not xs or not 0 <= axis < xs[0].rank:
        raise ShapeError(f"concat: axis {axis} of {list(xs)}")
    rest = [x.shape[:axis] + x.shape[axis + 1:] for x in xs]
    if any(r != rest[0] for r in rest):
        raise ShapeError(f"concat: shapes {', '.join(map(str, xs))} differ outside axis {axis}")
    if any(x.dtype != xs[0].dtype for x in xs):
        raise DtypeError(f"concat: dtypes of {', '.join(map(str, xs))} differ")
    joined: list[Any] = [x.shape[axis] for x in xs]
    if not all(isinstance(e, int) for e in joined):
        raise ShapeError(f"concat: extents along axis {axis} of {', '.join(map(str, xs))} are not known")
    total = sum(joined)
    return (xs[0].with_shape(xs[0].shape[:axis] + (total,) + xs[0].shape[axis + 1:]),)


VIEW: dict[str, Any] = {"memory": Memory.VIEW, "cost": 0.0, "open_extents": True, "selects": True, "sign": Sign.KEPT,
                        "by_planes": True}
PUT: dict[str, Any] = {"memory": Memory.COPY, "cost": 0.15, "open_extents": False, "by_planes": True}

OPS = table(
    # Operand axis k becomes result axis dims[k]; extents of 1 are stretched, the other axes are new.
    OpSpec("broadcast", "movement", 1, _infer_broadcast, _broadcast, Fails.COMPUTED,
           {"shape": kinds.EXTENTS, "dims": kinds.INTS}, **VIEW),
    OpSpec("reshape", "movement", 1, _infer_reshape, lambda x, shape: x.reshape(shape), Fails.COMPUTED,
           {"shape": kinds.EXTENTS}, **VIEW),
    # Result axis k is operand axis perm[k].
    OpSpec("transpose", "movement", 1, _infer_transpose, lambda x, perm: x.transpose(perm), Fails.NEVER,
           {"perm": kinds.INTS}, **VIEW),
    # Along each axis `size` elements, the first at `start`, `step` apart (negative: backwards).
    OpSpec("slice", "movement", 1, _infer_slice, _slice, Fails.COMPUTED,
           {"starts": kinds.EXTENTS, "sizes": kinds.EXTENTS, "steps": kinds.INTS}, **VIEW),
    # The first operand with such a window replaced by the second.
    OpSpec("update", "movement", 2, _infer_update, _update, Fails.COMPUTED,
           {"starts": kinds.EXTENTS, "steps": kinds.INTS}, memory=Memory.WINDOW, cost=0.0, open_extents=True,
           by_planes=True),
    # lows and highs elements of `value` around, interiors between neighbours.
    OpSpec("pad", "movement", 2, _infer_pad, _pad, Fails.NEVER,
           {"lows": kinds.INTS, "highs": kinds.INTS, "interiors": kinds.INTS}, **PUT),
    OpSpec("concat", "movement", None, _infer_concat, lambda *xs, axis: np.concatenate(xs, axis=axis), Fails.NEVER,
           {"axis": kinds.INT}, **PUT),
)
