"""scipy.ndimage's morphology of grey images: the least and greatest of windows, with a structure taken off or added.

Where several elements of a window are the least one the derivative is that of np.min.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...numpy.common import array, static
from ...operands import as_traced, cast
from ..written_loops import Rule, invalid, sequence
from .boundaries import output_dtype, stored
from .filters import axes_of
from .ranks import RULES as EXTREMES, mask_of, windows

Parameters = dict[str, Any]


def extreme(name: str, x: Any, of: Parameters, dtype: Any, is_least: bool) -> Any:
    """The least or greatest of each window, of its elements less or plus the structure."""
    structure, rest = of["structure"], {k: v for k, v in of.items() if k != "structure"}
    if structure is None:
        flat = EXTREMES["scipy.ndimage._filters", "minimum_filter" if is_least else "maximum_filter"]
        return stored(flat(x, **rest), dtype)
    chosen = axes_of(rest["axes"], x.ndim)
    if structure.ndim != len(chosen):
        invalid("structure array has incorrect shape")
    footprint = np.ones(structure.shape, bool) if rest["footprint"] is None else rest["footprint"]
    mask, origins = mask_of(x, None, footprint, rest["origin"], rest["axes"])
    heights: Any = np.reshape(np.transpose(structure, np.argsort(chosen).tolist()), mask.shape)[np.nonzero(mask)]
    if not x.ir_dtype.is_inexact:  # SciPy adds whole numbers, but to the first element of a window
        x, heights = cast(x, np.float64), np.concatenate([heights[:1], np.trunc(heights[1:])])
    seen = windows(x, mask, origins, rest["mode"], rest["cval"])
    heights = cast(array(np.reshape(heights, (-1,) + (1,) * x.ndim)), x.dtype)
    return stored(np.min(seen - heights, axis=0) if is_least else np.max(seen + heights, axis=0), dtype)


def mirrored(of: Parameters, axes: int) -> Parameters:
    """The window of a dilation is that of the erosion, turned round."""
    back = (slice(None, None, -1),) * axes
    footprint, structure = (None if of[k] is None else of[k][back] for k in ("footprint", "structure"))
    given = footprint if footprint is not None else structure
    sizes = given.shape if given is not None else sequence(of["size"], axes, "size")
    origins = [-int(o) - (1 - int(n) % 2) for o, n in zip(sequence(of["origin"], axes, "origin"), sizes, strict=True)]
    return {**of, "footprint": footprint, "structure": structure, "origin": origins}


def eroded(name: str, x: Any, of: Parameters, dtype: Any = None) -> Any:
    return extreme(name, x, of, dtype or x.dtype, True)


def dilated(name: str, x: Any, of: Parameters, dtype: Any = None) -> Any:
    return extreme(name, x, mirrored(of, len(axes_of(of["axes"], x.ndim))), dtype or x.dtype, False)


def without(a: Any, b: Any) -> Any:
    """a - b, which of truth values says where they differ."""
    return a ^ b if a.dtype == b.dtype == np.bool_ else a - b


COMPUTED: dict[str, Rule] = {
    "grey_erosion": eroded,
    "grey_dilation": dilated,
    "grey_opening": lambda name, x, of, dtype: dilated(name, eroded(name, x, of), of, dtype),
    "grey_closing": lambda name, x, of, dtype: eroded(name, dilated(name, x, of), of, dtype),
    "white_tophat": lambda name, x, of, dtype: without(x, dilated(name, eroded(name, x, of), of, dtype)),
    "black_tophat": lambda name, x, of, dtype: without(eroded(name, dilated(name, x, of), of, dtype), x),
    "morphological_gradient": lambda name, x, of, dtype: dilated(name, x, of) - eroded(name, x, of),
    "morphological_laplace": lambda name, x, of, dtype: dilated(name, x, of) + eroded(name, x, of) - x - x,
}


def named(name: str) -> Rule:
    def rule(input, size=None, footprint=None, structure=None, output=None, mode="reflect", cval=0.0, origin=0, *,
             axes=None):
        x = array(input)
        if size is None and footprint is None and structure is None:
            invalid("size, footprint, or structure must be specified")
        of = {"size": size, "footprint": None if footprint is None else np.asarray(static(footprint, "footprint")),
              "structure": None if structure is None else as_traced(structure) * 1.0,
              "mode": mode, "cval": cval, "origin": origin, "axes": axes}
        return COMPUTED[name](name, x, of, output_dtype(name, output, x))

    return rule


RULES: dict[tuple[str, str], Rule] = {("scipy.ndimage._morphology", name): named(name) for name in COMPUTED}
