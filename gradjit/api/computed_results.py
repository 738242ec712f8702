"""Results with computed extents: the kernel fills arrays as large as they can be, and tells how much of them counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import UnsupportedError
from ..ir import Builder, Func, Value
from ..ir.greatest_extents import upper_bound, upper_bounds
from ..ir.ranges import Ranges, owners_of
from ..records import dataclass
from ..tracer.locations import fail


@dataclass(frozen=True)
class FrontPart:
    """Makes the result of an array and of the extents that count along some of its axes."""

    axes: tuple[int, ...]

    def __call__(self, whole: np.ndarray, *counts: Any) -> np.ndarray:
        window = [slice(None)] * whole.ndim
        for k, n in zip(self.axes, counts, strict=True):
            window[k] = slice(int(n))
        part = whole[tuple(window)]
        return whole if part.shape == whole.shape else part.copy()


def in_full_size(func: Func, results: Sequence[Value]) -> tuple[list[Value], list[list[tuple[int, Value]]]]:
    """The results as arrays of known extents, and for each the computed ones by axis. UnsupportedError where nothing
    says how large one can be."""
    if all(v.type.is_static for v in results):
        return list(results), [[] for _ in results]
    ranges = Ranges(owners_of(func))
    bounds = upper_bounds(func, ranges)
    wide: dict[Value, Value] = {}
    for v in results:
        if v in wide:
            continue
        b = Builder(func.body, v.op.loc if v.op else None)
        shape = tuple(most(e, bounds, ranges, v) if isinstance(e, Value) else e for e in v.shape)
        at = {"starts": (0,) * v.type.rank, "steps": (1,) * v.type.rank}
        wide[v] = v if v.type.is_static else b.update(b.const(0, v.dtype, shape), v, **at)
    counts = [[(k, e) for k, e in enumerate(v.shape) if isinstance(e, Value)] for v in results]
    return [wide[v] for v in results], counts


def most(e: Value, bounds: dict[Value, int | None], ranges: Ranges, v: Value) -> int:
    """The greatest number that an extent of a result can be."""
    known = bounds[e] if e in bounds else upper_bound(e, ranges)
    if known is None:
        fail(UnsupportedError, f"the function returns {v.type}, and nothing says how large its computed extent can be; "
                               f"return it written into an array of known shape, as out[:n] = result",
             v.op.loc if v.op else None)
    return known
