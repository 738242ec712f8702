"""Cotangents of parts of an array: kept as parts until all have arrived, then put together in one go.

A parameter vector that is cut into weights, or a vector read element by element, gets many of them. Each as an array of
zeros with one part filled in would cost the whole array per part; windows that do not overlap become one concatenation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import reduce
from typing import Any

from ...ir import BOOL, I64, ArrayType, Builder, Op, Value
from ...ir.sizes import is_open
from ...records import dataclass
from ..fold import splat_of
from ..masks import Cotangent, Flow, Masked, Signed, absent, both, repeated, signed


@dataclass(frozen=True)
class WindowCotangent:
    """`value` in the window of an array of `type` that starts at `starts` and goes in `steps`; zeros elsewhere.

    mask: the truth that says whether it flows, if it need not, or one for each element; its zeros are in place.
    signed: `value` has its mask in its signs, as what is around it has.
    """

    value: Value
    type: ArrayType
    starts: tuple[Any, ...]
    steps: tuple[int, ...]
    mask: Value | None = None
    signed: bool = False

    @property
    def around(self) -> float:
        """The zero that stands elsewhere."""
        return -0.0 if self.signed else 0.0

    @property
    def sizes(self) -> tuple[Any, ...]:
        return self.value.shape

    @property
    def is_static(self) -> bool:
        return self.type.is_static and self.value.type.is_static and all(isinstance(s, int) for s in self.starts)

    @property
    def place(self) -> tuple[Any, ...]:
        """What two windows on the same elements, in the same order, have in common."""
        return self.starts, self.sizes, self.steps


@dataclass(frozen=True)
class ScatterCotangent:
    """`value` added where index arrays say, to zeros of `type`.

    mask: as of a window.
    counts: of each element of `value`, whether it flows (not 0), if not all do.
    """

    value: Value
    type: ArrayType
    indices: tuple[Value, ...]
    axes: tuple[int, ...]
    mask: Value | None = None
    counts: Value | None = None


def window(value: Value, t: ArrayType, starts: tuple[Any, ...], steps: tuple[int, ...]) -> WindowCotangent | None:
    """The window; None if it is empty."""
    return None if any(e == 0 for e in value.shape) else WindowCotangent(value, t, starts, steps)


def total(b: Builder, values: Iterable[Value], windows: Sequence[WindowCotangent], scattered: Iterable[ScatterCotangent]
          ) -> Value | None:
    """The sum of arrays and parts of arrays; None where there are none."""
    found: Value | None = None
    for v in (*values, *(filled(b, w) for w in joined(b, windows))):
        found = v if found is None else b.add(found, v)
    for s in scattered:
        # Added to what there is already: one array of zeros for all, or none.
        found = b.scatter_add(b.zeros(s.type) if found is None else found, *s.indices, s.value, axes=s.axes)
    return found


def accumulated(b: Builder, values: Iterable[Value], windows: Sequence[WindowCotangent],
                scattered: Iterable[ScatterCotangent]) -> Value | None:
    """The same sum where the first of the arrays may be changed in place: windows are added to it one by one.

    Each costs the window so, not the array; those that make up half of the array, together, are put together first.
    """
    found: Value | None = None
    for v in values:
        found = v if found is None else b.add(found, v)
    for w in joined(b, windows):
        if found is None or is_large(w):
            found = filled(b, w) if found is None else b.add(found, filled(b, w))
        else:
            found = added(b, found, w)
    return found if found is None and not scattered else total(b, [] if found is None else [found], (), scattered)


def sum_signed(b: Builder, flows: Sequence[Cotangent], windows: Sequence[WindowCotangent],
               scattered: Sequence[ScatterCotangent]) -> Signed:
    """The sum of flows and parts: the array that is signed already, if there is one, with the others added in place."""
    values = [signed(b, f).value for f in sorted(flows, key=lambda f: not isinstance(f, Signed))]
    if not values and not windows:
        values = [absent(b, scattered[0].type)]
    found = accumulated(b, values, [of_signed(b, w) for w in windows], [scatter_of_signed(b, s) for s in scattered])
    assert found is not None
    return Signed(found)


def of_signed(b: Builder, w: WindowCotangent) -> WindowCotangent:
    """The window with its mask, and what is around it, in its signs."""
    return w if w.signed else replace(w, value=signed(b, with_own_mask(w.value, w.mask)).value, mask=None, signed=True)


def scatter_of_signed(b: Builder, s: ScatterCotangent) -> ScatterCotangent:
    mask = s.mask
    if s.counts is not None:
        some = b.ne(s.counts, b.like(0, s.counts))
        mask = some if mask is None else both(b, some, mask)
    return replace(s, value=signed(b, with_own_mask(s.value, mask)).value, mask=None, counts=None)


def with_own_mask(value: Value, mask: Value | None) -> Flow:
    return value if mask is None else Masked(value, mask, clean=True)


def outside_absent(b: Builder, windows: Sequence[WindowCotangent], scattered: Sequence[ScatterCotangent]) -> Flow:
    """The sum of parts, whose elements outside of all parts are absent."""
    found = total(b, (), windows, scattered)
    assert found is not None
    inside = [replace(w, value=flowing(b, w)) for w in windows]
    masks = [filled(b, w) for w in joined(b, inside, b.or_)] + [reached(b, s) for s in scattered]
    return found if any(splat_of(m) for m in masks) else Masked(found, reduce(b.or_, masks), clean=True)


def flowing(b: Builder, part: WindowCotangent | ScatterCotangent) -> Value:
    """A truth for each element of a part that flows as a whole, or does not."""
    shape = part.value.shape
    return b.const(True, BOOL, shape) if part.mask is None else repeated(b, part.mask, shape)


def reached(b: Builder, s: ScatterCotangent) -> Value:
    """Where something flows into an array by index arrays."""
    if s.counts is None and s.mask is None:
        return b.scatter(b.zeros(s.type.with_dtype(BOOL)), *s.indices, flowing(b, s), axes=s.axes)
    counts = b.cast_to(flowing(b, s), I64) if s.counts is None else s.counts
    n = b.scatter_add(b.zeros(s.type.with_dtype(I64)), *s.indices, counts, axes=s.axes)
    return b.ne(n, b.like(0, n))


def added(b: Builder, array: Value, w: WindowCotangent) -> Value:
    """The array with the window added to what stands there. Where that has just been cleared, written in its place; and
    where what was cleared is what is added (as the adjoint of `x[i] += v` has it) the array is as it was before."""
    cleared, read = array.op, w.value.op
    if cleared is not None and is_clearing(cleared) and place_of(cleared, cleared.operands[1]) == w.place:
        before = cleared.operands[0]
        is_same = read is not None and read.name == "slice" and read.operands[0] is before
        if is_same and read is not None and place_of(read, w.value) == w.place:
            return before
        return b.update(before, w.value, starts=w.starts, steps=w.steps)
    there = b.slice(array, starts=w.starts, sizes=w.sizes, steps=w.steps)
    return b.update(array, b.add(there, w.value), starts=w.starts, steps=w.steps)


def is_clearing(op: Op) -> bool:
    return op.name == "update" and splat_of(op.operands[1]) == 0


def place_of(op: Op, value: Value) -> tuple[Any, ...]:
    """Where a slice reads its value, or an update writes it: comparable to a window's place."""
    return op.attrs["starts"], value.shape, op.attrs["steps"]


def is_large(w: WindowCotangent) -> bool:
    """Whether adding the window to an array takes not much less than adding an array."""
    return w.is_static and 2 * w.value.type.size >= w.type.size


def filled(b: Builder, w: WindowCotangent) -> Value:
    """The window as a whole array: a pad, which fuses with the work around it; an update where extents are symbolic."""
    if not w.is_static:
        around = b.const(w.around, w.value.dtype, w.type.shape)
        return b.update(around, w.value, starts=w.starts, steps=w.steps)
    if any(is_open(n) and abs(d) != 1 and n < 1 for n, d in zip(w.sizes, w.steps, strict=True)):
        return b.const(w.around, w.value.dtype, w.type.shape)  # gaps are between elements
    w = forwards(b, w)
    if w.sizes == w.type.shape:
        return w.value
    gaps = tuple(d - 1 for d in w.steps)
    highs = tuple(e - s - 1 - (n - 1) * (gap + 1)
                  for e, s, n, gap in zip(w.type.extents, w.starts, w.sizes, gaps, strict=True))
    made = b.pad(w.value, b.const(w.around, w.value.dtype, ()), lows=w.starts, highs=highs, interiors=gaps)
    assert made.shape == w.type.shape, f"a window of {w.type} becomes {made.type}"
    return made


def forwards(b: Builder, w: WindowCotangent) -> WindowCotangent:
    """The same window with positive steps, 1 where there is one element: axes that run backwards are turned round."""
    steps = tuple(d if is_open(n) or n > 1 else 1 for n, d in zip(w.sizes, w.steps, strict=True))
    back = tuple(d < 0 for d in steps)
    if not any(back):
        return replace(w, steps=steps)
    turned = b.slice(w.value, starts=tuple(n - 1 if r else 0 for r, n in zip(back, w.sizes, strict=True)),
                     sizes=w.sizes, steps=tuple(-1 if r else 1 for r in back))
    starts = tuple(s + (n - 1) * d if r else s for s, n, d, r in zip(w.starts, w.sizes, steps, back, strict=True))
    return replace(w, value=turned, starts=starts, steps=tuple(abs(d) for d in steps))


def joined(b: Builder, windows: Sequence[WindowCotangent], add: Callable[[Value, Value], Value] | None = None
           ) -> list[WindowCotangent]:
    """Fewer windows of the same sum: equal places added, then neighbours along each axis concatenated."""
    add = add or b.add
    if len(windows) <= 1:
        return list(windows)
    places: dict[Any, WindowCotangent] = {}
    for w in windows:
        known = places.get(w.place)
        places[w.place] = w if known is None else replace(known, value=add(known.value, w.value))
    fixed = [w for w in places.values() if not w.is_static]
    free = [forwards(b, w) for w in places.values() if w.is_static]
    for axis in reversed(range(windows[0].type.rank)):
        free = joined_along(b, free, axis)
    return fixed + free


def joined_along(b: Builder, windows: Sequence[WindowCotangent], axis: int) -> list[WindowCotangent]:
    """Windows that are dense along an axis and alike in all others: each layer of them without overlap becomes one."""
    out: list[WindowCotangent] = []
    groups: dict[Any, list[WindowCotangent]] = {}
    for w in windows:
        if w.steps[axis] == 1:
            others = tuple((w.starts[k], w.sizes[k], w.steps[k]) for k in range(w.type.rank) if k != axis)
            groups.setdefault(others, []).append(w)
        else:
            out.append(w)
    for group in groups.values():
        out += [concatenated(b, layer, axis) for layer in layers(group, axis)]
    return out


def layers(windows: Sequence[WindowCotangent], axis: int) -> list[list[WindowCotangent]]:
    """The windows dealt out, in order, into as few lists without overlap as there can be."""
    found: list[list[WindowCotangent]] = []
    for w in sorted(windows, key=lambda w: w.starts[axis]):
        free = (layer for layer in found if layer[-1].starts[axis] + layer[-1].sizes[axis] <= w.starts[axis])
        layer = next(free, None)
        if layer is None:
            found.append([w])
        else:
            layer.append(w)
    return found


def concatenated(b: Builder, layer: Sequence[WindowCotangent], axis: int) -> WindowCotangent:
    """One window from the first's start to the last's end, zeros in between."""
    first = layer[0]
    if len(layer) == 1:
        return first
    parts, at = [], first.starts[axis]
    for w in layer:
        if w.starts[axis] > at:
            shape = tuple(w.starts[axis] - at if k == axis else n for k, n in enumerate(w.sizes))
            parts.append(b.const(w.around, w.value.dtype, shape))
        parts.append(w.value)
        at = w.starts[axis] + w.sizes[axis]
    steps = tuple(1 if k == axis else d for k, d in enumerate(first.steps))
    return replace(first, value=b.concat(*parts, axis=axis), steps=steps)
