"""Rules for computed indices: indices that are known and evenly spaced become windows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...ir import I64, Op, Value
from ...records import dataclass
from ..fold import splat_of
from ..patterns import is_zero, made_by, without
from ..rewriter import Args, Attrs, Rewriter, Rule


@dataclass(frozen=True)
class Progression:
    """The indices start, start + step, ..., along the axis `along` of an index array, or one index (along None)."""

    start: int
    step: int
    size: int
    along: int | None

    def within(self, extent: object) -> bool:
        last = self.start + (self.size - 1) * self.step
        return type(extent) is int and 0 <= self.start < extent and 0 <= last < extent


def progression(v: Value, depth: int = 4) -> Progression | None:
    """The indices that v holds, where they are known to be evenly spaced along one axis."""
    op = v.owner
    if type(op) is not Op or not v.type.is_static or 0 in v.shape or not depth:
        return None
    if op.name == "const":
        return _of_literal(op.attrs["value"], v.shape)
    if op.name == "iota" and len(v.shape) == 1:
        return Progression(0, 1, v.shape[0], 0)
    scaled = SCALED.get(op.name)
    return scaled(op.operands, depth - 1) if scaled else None


def _affine(p: Progression | None, factor: Any, shift: Any) -> Progression | None:
    """p * factor + shift; None where one of them is not known."""
    if p is None or factor is None or shift is None:
        return None
    return Progression(p.start * int(factor) + int(shift), p.step * int(factor), p.size, p.along)


SCALED: dict[str, Callable[[Args, int], Progression | None]] = {
    "add": lambda args, depth: _affine(progression(args[0], depth), 1, splat_of(args[1])),
    "sub": lambda args, depth: _affine(progression(args[1], depth), -1, splat_of(args[0])),
    "mul": lambda args, depth: _affine(progression(args[0], depth), splat_of(args[1]), 0),
    "neg": lambda args, depth: _affine(progression(args[0], depth), -1, 0),
}
"""What keeps indices evenly spaced. A constant stands behind, but for `c - x`; what wraps around is out of range."""


def _of_literal(value: np.ndarray, shape: tuple[int, ...]) -> Progression | None:
    if value.ndim == 0:
        return Progression(int(value), 1, 1, None) if all(e == 1 for e in shape) else None
    if value.ndim != 1:
        return None
    steps = np.diff(value)
    if not steps.size or steps[0] == 0 or np.any(steps != steps[0]):
        return None
    return Progression(int(value[0]), int(steps[0]), value.size, 0)


@dataclass(frozen=True)
class IndexedWindow:
    """The window of an array that index arrays select, and the axis of the indices along which it runs, if any."""

    starts: tuple[int, ...]
    sizes: tuple[int, ...]
    steps: tuple[int, ...]
    runs: int | None


def window_of(x: Value, indices: Args, axes: tuple[int, ...]) -> IndexedWindow | None:
    """The window that `gather` reads or `scatter` writes: known single indices, and at most one evenly spaced row."""
    if not x.type.is_static:
        return None
    starts, sizes, steps = [0] * len(x.shape), list(x.shape), [1] * len(x.shape)
    runs = None
    for v, a in zip(indices, axes, strict=True):
        p = progression(v)
        if p is None or not p.within(x.shape[a]) or (p.along is not None and runs is not None):
            return None
        runs = a if p.along is not None else runs
        starts[a], sizes[a], steps[a] = p.start, p.size, p.step
    return IndexedWindow(tuple(starts), tuple(sizes), tuple(steps), runs)


def _front(x_rank: int, w: IndexedWindow) -> tuple[int, ...]:
    """The permutation that brings the axis of the indices to the front, as gather's result has it."""
    return () if w.runs is None else (w.runs, *(k for k in range(x_rank) if k != w.runs))


def gather_window(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """gather(x, known evenly spaced indices) --> reshape(transpose(slice x))"""
    x, *indices = args
    w = window_of(x, tuple(indices), attrs["axes"])
    if w is None:
        return None
    found = rw.slice(x, w.starts, w.sizes, w.steps)
    if w.runs is not None:
        found = rw.transpose(found, _front(len(x.shape), w))
    return rw.reshape(found, indices[0].shape + without(x.shape, attrs["axes"]))


def _spread(rw: Rewriter, x: Value, v: Value, w: IndexedWindow) -> Value:
    """What is written, in the shape of the window: the inverse of what gather_window does."""
    perm = _front(len(x.shape), w)
    if not perm:
        return rw.reshape(v, w.sizes)
    back = tuple(perm.index(k) for k in range(len(perm)))
    return rw.transpose(rw.reshape(v, tuple(w.sizes[p] for p in perm)), back)


def scatter_window(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """scatter(x, known evenly spaced indices, v) --> update(x, v)"""
    x, *indices, v = args
    w = window_of(x, tuple(indices), attrs["axes"])
    return rw.make("update", x, _spread(rw, x, v, w), starts=w.starts, steps=w.steps) if w else None


def scatter_add_window(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """scatter_add(x, known evenly spaced indices, v) --> update(x, slice x + v);  --> pad v where x is 0"""
    x, *indices, v = args
    w = window_of(x, tuple(indices), attrs["axes"])
    if w is None:
        return None
    added = _spread(rw, x, v, w)
    zero = splat_of(x)
    if is_zero(zero) and all(step > 0 for step in w.steps):
        ends = (s + (n - 1) * k + 1 for s, n, k in zip(w.starts, w.sizes, w.steps, strict=True))
        return rw.make("pad", rw.make("add", added, rw.splat(x, added.shape)), rw.splat(x, ()), lows=w.starts,
                       highs=tuple(e - end for e, end in zip(x.shape, ends, strict=True)),
                       interiors=tuple(k - 1 for k in w.steps))
    old = rw.slice(x, w.starts, w.sizes, w.steps)
    return rw.make("update", x, rw.make("add", old, added), starts=w.starts, steps=w.steps)


def scatter_nothing(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """scatter(x, no indices, v) --> x"""
    return args[0] if 0 in args[-1].shape else None


def sort_sort(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """sort(sort x) --> sort x along the same axis;  sort x --> x along an axis of one element"""
    x, axis = args[0], attrs["axis"]
    inner = made_by(x, "sort")
    return x if x.shape[axis] == 1 or (inner and inner.attrs["axis"] == axis) else None


def argsort_one(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """argsort x --> 0 along an axis of one element"""
    x, axis = args[0], attrs["axis"]
    return rw.const(0, I64, x.shape) if x.shape[axis] == 1 else None


def bounded_known(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """bounded i [n] --> i, where 0 <= i < n is proven"""
    (i,), (extent,) = args, attrs["extent"]
    known = not i.type.rank and rw.ranges.is_nonnegative(i) and rw.ranges.is_less(i, extent)
    return i if known else None


RULES: dict[str, tuple[Rule, ...]] = {
    "bounded": (bounded_known,),
    "gather": (gather_window,),
    "scatter": (scatter_nothing, scatter_window),
    "scatter_add": (scatter_nothing, scatter_add_window),
    "sort": (sort_sort,),
    "argsort": (argsort_one,),
}
