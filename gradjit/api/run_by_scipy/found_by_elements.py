"""SciPy's functions that decide by elements, and whose results have known shapes: they run while the program runs, and
no derivative flows through them. Of data from outside alone they run while it is compiled (tracer/opaque.py)."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

from ...errors import UnsupportedError
from ...tracer import libraries, trees
from ...tracer.array import TracedArray
from ...tracer.locations import fail
from ...tracer.opaque import on_data
from ...tracer.operands import as_traced, emit, is_traced
from ...tracer.scipy.stats.sample_tests import Tested
from ..primitive import primitive

Function = Callable[..., Any]
Shape = tuple[Any, ...]


def found(module: str, name: str, out: Callable[[Shape], Any]) -> Function:
    """A rule: SciPy's function, whose result is as `out` makes it of the shape of its first argument."""

    def rule(x: Any, *args: Any, **kwargs: Any) -> Any:
        f = getattr(importlib.import_module(module), name)
        if (known := on_data(f, (x, *args), kwargs)) is not None:
            return known
        x = as_traced(x)
        shape = x.extents
        run = primitive(functools.partial(cast, f, kwargs, out(shape)), out=lambda *_: out(shape))
        return run(*without_derivative(x, *args))

    return rule


def of_ranks(name: str) -> Function:
    """A rule: a test of scipy.stats' that looks at the order of samples alone, so that what it tells has no derivative
    but where two elements are equal."""

    def rule(*samples: Any, **options: Any) -> Any:
        f = getattr(importlib.import_module("scipy.stats"), name)
        if (known := on_data(f, samples, options)) is not None:
            return known
        given = [as_traced(x) if is_traced(x) or isinstance(x, (list, np.ndarray)) else x for x in samples]
        axis = options.get("axis", 0)
        if is_traced(list(options.values())) or axis not in (0, -1, None) or any(
                isinstance(x, TracedArray) and x.ndim != 1 for x in given):
            fail(UnsupportedError, f"scipy.stats.{name} of traced samples takes vectors, and options that are known; "
                                   f"call it once for each row")

        def run(*samples: Any) -> Any:
            found = f(*samples, **options)
            return np.float64(found.statistic), np.float64(found.pvalue)

        return Tested(*primitive(run, out=lambda *_: (np.float64(0.0), np.float64(0.0)))(*without_derivative(*given)))

    return rule


def without_derivative(*given: Any) -> list[Any]:
    """Arguments with arrays through which no derivative flows."""
    leaves, tree = trees.flatten(list(given))
    still: list[Any] = trees.unflatten(tree, [
        emit("stop_gradient", x) if isinstance(x, TracedArray) and x.ir_dtype.is_inexact else x for x in leaves])
    return still


def cast(f: Function, kwargs: dict[str, Any], like: Any, *args: Any) -> Any:
    """The function's results in the types that are declared."""
    result = f(*args, **kwargs)
    if isinstance(like, tuple):
        return tuple(np.asarray(r, b.dtype)[()] for r, b in zip(result, like, strict=True))
    return np.asarray(result, like.dtype)


def same(dtype: Any) -> Callable[[Shape], Any]:
    return lambda shape: np.zeros(shape, dtype)


def labels(shape: Shape) -> Any:
    return np.zeros(shape, np.int32), np.int64(0)


BINARY = ("binary_dilation", "binary_erosion", "binary_opening", "binary_closing", "binary_fill_holes",
          "binary_propagation", "binary_hit_or_miss")
DISTANCES = {"distance_transform_edt": np.float64, "distance_transform_cdt": np.int32, "distance_transform_bf":
             np.float64}
MODULE = "scipy.ndimage"
RANKED = {"mannwhitneyu": "_mannwhitneyu", "wilcoxon": "_morestats", "mood": "_morestats", "ansari": "_morestats",
          **dict.fromkeys(("kruskal", "kendalltau", "ks_2samp", "brunnermunzel"), "_stats_py")}
"""Tests by the order of samples, and the files where they stand."""
RULES: libraries.Rules = {
    **{("scipy.ndimage._morphology", name): found(MODULE, name, same(np.bool_)) for name in BINARY},
    **{("scipy.ndimage._morphology", name): found(MODULE, name, same(d)) for name, d in DISTANCES.items()},
    **{(f"scipy.stats.{file}", name): of_ranks(name) for name, file in RANKED.items()},
    ("scipy.ndimage._measurements", "label"): found(MODULE, "label", labels),
}
