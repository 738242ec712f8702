"""scipy.ndimage's filters that pick one element of a window: minimum, maximum, median, percentiles."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...numpy.common import array, static
from ..written_loops import Rule, axis_of, invalid, looped, sequence, window
from .boundaries import extended, output_dtype, spread, stored, window_reach
from .filters import axes_of

WRITTEN_OUT = 32


def extreme_along(x: Any, size: int, axis: int, mode: Any, cval: Any, origin: int, f: Any) -> Any:
    """The least or greatest of each window along one axis."""
    if size < 1:
        invalid("incorrect filter size")
    around = extended(x, axis, *window_reach(size, origin), mode, cval)

    def at(j: Any) -> Any:
        return around[window([j if k == axis else 0 for k in range(x.ndim)], x.shape)]

    y = at(0)
    if size > WRITTEN_OUT:
        return looped(_extreme)(f, at, size, y.copy())
    for j in range(1, size):
        y = f(y, at(j))
    return y


def _extreme(f: Any, at: Any, size: Any, y: Any) -> Any:
    for j in range(1, size):
        y = f(y, at(j))
    return y


def _extreme1d(name: str, f: Any) -> Rule:
    def rule(input, size, axis=-1, output=None, mode="reflect", cval=0.0, origin=0):
        x = array(input)
        dtype = output_dtype(name, output, x)
        return stored(extreme_along(x, size, axis_of(axis, x.ndim), mode, cval, origin, f), dtype)

    return rule


def windows(x: Any, footprint: Any, origins: Any, mode: Any, cval: Any) -> Any:
    """The elements of each window, on a new first axis."""
    around = spread(x, footprint.shape, origins, [mode] * x.ndim, cval)
    return np.stack([around[window([int(k) for k in at], x.shape)] for at in np.argwhere(footprint)])


def mask_of(x: Any, size: Any, footprint: Any, origin: Any, axes: Any) -> tuple[Any, list[int]]:
    """The footprint over all axes, and the origins."""
    chosen = axes_of(axes, x.ndim)
    if footprint is None:
        if size is None:
            invalid("no footprint or filter size provided")
        mask = np.ones([int(n) for n in sequence(size, len(chosen), "size")], bool)
    else:
        mask = np.asarray(static(footprint, "footprint")).astype(bool)
        if not mask.any():
            invalid("All-zero footprint is not supported.")
    if mask.ndim != len(chosen):
        invalid(f"footprint.ndim ({mask.ndim}) must match len(axes) ({len(chosen)})")
    origins = dict(zip(chosen, sequence(origin, len(chosen), "origin"), strict=True))
    mask = np.transpose(mask, np.argsort(chosen))
    sizes = dict(zip(sorted(chosen), mask.shape, strict=True))
    return (mask.reshape([sizes.get(k, 1) for k in range(x.ndim)]), [int(origins.get(k, 0)) for k in range(x.ndim)])


def _extreme_filter(name: str, f: Any, reduction: Any) -> Rule:
    def rule(input, size=None, footprint=None, output=None, mode="reflect", cval=0.0, origin=0, *, axes=None):
        x = array(input)
        dtype = output_dtype(name, output, x)
        mask, origins = mask_of(x, size, footprint, origin, axes)
        if not mask.all():
            return stored(reduction(windows(x, mask, origins, mode, cval), axis=0), dtype)
        chosen = axes_of(axes, x.ndim)
        modes = dict(zip(chosen, sequence(mode, len(chosen), "mode"), strict=True))
        for k in range(x.ndim):
            if mask.shape[k] > 1:
                x = extreme_along(x, mask.shape[k], k, modes[k], cval, origins[k], f)
        return stored(x, dtype)

    return rule


def ranked(name: str, input: Any, size: Any, footprint: Any, output: Any, mode: Any, cval: Any, origin: Any, axes: Any,
           rank_of: Any) -> Any:
    x = array(input)
    dtype = output_dtype(name, output, x)
    mask, origins = mask_of(x, size, footprint, origin, axes)
    if not isinstance(mode, str):
        invalid("A sequence of modes is not supported by non-separable rank filters")
    count = int(mask.sum())
    rank = rank_of(count)
    rank = rank + count if rank < 0 else rank
    if not 0 <= rank < count:
        invalid("rank not within filter footprint size")
    return stored(np.sort(windows(x, mask, origins, mode, cval), axis=0)[rank], dtype)


def rank_filter(input, rank, size=None, footprint=None, output=None, mode="reflect", cval=0.0, origin=0, *, axes=None):
    return ranked("rank_filter", input, size, footprint, output, mode, cval, origin, axes, lambda n: int(rank))


def median_filter(input, size=None, footprint=None, output=None, mode="reflect", cval=0.0, origin=0, *, axes=None):
    return ranked("median_filter", input, size, footprint, output, mode, cval, origin, axes, lambda n: n // 2)


def percentile_filter(input, percentile, size=None, footprint=None, output=None, mode="reflect", cval=0.0, origin=0, *,
                      axes=None):
    level = percentile + 100.0 if percentile < 0 else percentile
    if not 0 <= level <= 100:
        invalid("invalid percentile")
    return ranked("percentile_filter", input, size, footprint, output, mode, cval, origin, axes,
                  lambda n: n - 1 if level == 100 else int(float(n) * level / 100.0))


_FILE = "scipy.ndimage._filters"
RULES: dict[tuple[str, str], Rule] = {
    **{(_FILE, f.__name__): f for f in (rank_filter, median_filter, percentile_filter)},
    (_FILE, "maximum_filter1d"): _extreme1d("maximum_filter1d", np.maximum),
    (_FILE, "minimum_filter1d"): _extreme1d("minimum_filter1d", np.minimum),
    (_FILE, "maximum_filter"): _extreme_filter("maximum_filter", np.maximum, np.max),
    (_FILE, "minimum_filter"): _extreme_filter("minimum_filter", np.minimum, np.min),
}
