"""Arrays with computed extents: what `np.nonzero` gives, `x[mask]`, `x[:k]`.

Such an extent is a value, with the greatest number that it can be. What has no code for it (sorting, joining) works on
an array that is as large as it can be, filled up behind with elements that end there: a sort leaves them behind, a sum
does not see them. The result is the part in front.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from ...errors import DtypeError
from ...ir.linear import Form
from ...ir.ranges import elements as elements_between
from .. import extents as ext
from ..array import PYTHON, root
from ..locations import fail
from ..operands import TracedArray, as_array, broadcast_to, cast, constant, emit, filled, require, unsupported
from ..recorder import current
from ..structures import unrolled_for
from ..views import extents, forms


def greatest_extent(e: Any) -> int:
    """The greatest number that an extent can be: itself where it is known or open. TraceError where nothing tells."""
    if isinstance(e, int):
        return e
    ext.checked(n := ext.linear(e), "an extent")
    unrolled_for(n.atoms, "an array of computed extent")
    top = ext.greatest(n)
    assert top is not None
    return top


def widened(x: TracedArray, number: Any = 0) -> TracedArray:
    """x in front of an array as large as it can be, the rest of which is a number (or what that gives by a dtype)."""
    if x.type.is_static:
        return x
    shape = tuple(map(greatest_extent, x.extents))
    room = filled(number(x.dtype) if callable(number) else number, shape, x.dtype)
    return emit("update", room, x, starts=(0,) * x.ndim, steps=(1,) * x.ndim)


def narrowed(y: TracedArray, shape: Sequence[Any]) -> TracedArray:
    """The part in front that has this shape."""
    if y.extents == tuple(shape):
        return y
    return emit("slice", y, starts=(0,) * y.ndim, sizes=tuple(shape), steps=(1,) * y.ndim)


def sorts_last(dtype: np.dtype) -> Any:
    """An element that no other of the dtype sorts behind."""
    return {"f": np.nan, "b": True}[dtype.kind] if dtype.kind in "fb" else np.iinfo(dtype).max


def joined(xs: Sequence[TracedArray], axis: int) -> TracedArray:
    """One after the other: each is written behind those before it, into an array that has room for all."""
    total: Form = 0
    starts: list[Form] = []
    for x in xs:
        starts.append(total)
        total = ext.form(ext.linear(total) + ext.linear(ext.form(x.extents[axis])))
    room = sum(greatest_extent(x.extents[axis]) for x in xs)
    shape = (*xs[0].extents[:axis], room, *xs[0].extents[axis + 1:])
    y = broadcast_to(constant(0, xs[0].dtype), shape)
    for x, start in zip(xs, starts, strict=True):
        places: list[Form] = [0] * x.ndim
        places[axis] = start
        y = emit("update", y, x, starts=extents(places), steps=(1,) * x.ndim)
    sizes = list(forms(shape))
    sizes[axis] = total
    return narrowed(y, extents(sizes))


def count(number: TracedArray, most: int) -> Any:
    """An extent: a number that is between 0 and `most`, as a run checks where it is not proven."""
    return ext.extent(ext.bounded(ext.form(root(number.content, number.home, PYTHON)), most + 1))


def places(x: TracedArray) -> tuple[TracedArray, ...]:
    """Where the elements are not 0: for each axis as many indices as there are, which the run tells."""
    mask = widened(cast(x, np.bool_), False)
    shape, size = mask.extents, prod(mask.extents)
    mask = emit("reshape", mask, shape=(size,))
    chosen = cast(mask, np.int64)
    before = emit("sub", emit("cumsum", chosen, axis=0, reverse=False), chosen)
    # each index is written where it stands among those chosen; what is not chosen goes to one place behind all
    to = emit("select", mask, before, filled(size, (size,), np.int64))
    order = emit("scatter", filled(0, (size + 1,), np.int64), to, numbered(size), axes=(0,))
    flat = narrowed(order, (count(emit("sum", chosen, axes=(0,)), size),))
    found: list[TracedArray] = []
    for k in range(len(shape) - 1, -1, -1):
        n = filled(shape[k], flat.extents, np.int64) if k else flat
        found.append(as_array(emit("mod", flat, n) if k else flat))
        flat = emit("floordiv", flat, n) if k else flat
    return tuple(reversed(found))


def numbered(n: Any) -> TracedArray:
    """0, 1, 2, ... as many as an extent says."""
    recorder = current()
    attrs = {"shape": (n,), "axis": 0, "dtype": constant(0, np.int64).ir_dtype}
    return root(recorder.append("iota", (), attrs)[0], recorder)


def repeated(x: TracedArray, counts: TracedArray, axis: int) -> TracedArray:
    """np.repeat, each element as often as a traced number says: the result is as long as they are together."""
    n = x.extents[axis]
    if not (counts.ir_dtype.is_integer or counts.ir_dtype.is_bool):
        fail(DtypeError, f"Cannot cast array data from {counts.dtype!r} to dtype('int64') according to the rule 'safe'")
    counts = broadcast_to(cast(counts, np.int64), (n,))
    most = elements_between(counts.value)[1]
    if most is None or (isinstance(n, int) and n * most > ext.SAYS_NOTHING):
        unsupported(np.repeat, "by traced counts of which nothing says how large they can be: no memory can be set "
                               "aside; write np.repeat(x, np.minimum(counts, most))")
    room = n * max(most, 0)
    zero = filled(0, (n,), np.int64)
    require(emit("all", emit("ge", counts, zero), axes=(0,)), "repeats may not contain negative values.")
    ends = emit("cumsum", counts, axis=0, reverse=False)
    # an element of the result is a copy of as many elements further on as end before it
    marks = emit("scatter_add", filled(0, (room + 1,), np.int64), ends, filled(1, (n,), np.int64), axes=(0,))
    passed = emit("cumsum", marks, axis=0, reverse=False)
    index = narrowed(passed, (count(emit("sum", counts, axes=(0,)), room),))
    order = list(range(1, axis + 1)) + [0] + list(range(axis + 1, x.ndim))
    return emit("transpose", emit("gather", x, index, axes=(axis,)), perm=tuple(order))
