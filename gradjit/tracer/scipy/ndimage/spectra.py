"""scipy.ndimage's filters of spectra, which multiply: by what SciPy's own function makes of ones."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from ...numpy.common import array, static
from ...operands import static_int, unsupported
from ..written_loops import Rule

NAMES = {"fourier_gaussian": "sigma", "fourier_uniform": "size", "fourier_ellipsoid": "size", "fourier_shift": "shift"}


def _multiplied(name: str, parameter: str) -> Rule:
    def rule(input: Any, how: Any, n: Any = -1, axis: Any = -1, output: Any = None) -> Any:
        if output is not None:
            unsupported(f"scipy.ndimage.{name}", "output=; use what it gives")
        x = array(input)
        x = x if x.ir_dtype.is_inexact else x.astype(np.float64)
        factors = getattr(importlib.import_module("scipy.ndimage"), name)(
            np.ones(x.shape, x.dtype), static(how, parameter), static_int(n, "n"), static_int(axis, "axis"))
        return x * factors

    return lambda input, *args, **given: rule(
        input, *args, **{"how" if k == parameter else k: v for k, v in given.items()})


RULES: dict[tuple[str, str], Rule] = {
    ("scipy.ndimage._fourier", name): _multiplied(name, parameter) for name, parameter in NAMES.items()}
