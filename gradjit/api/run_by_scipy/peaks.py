"""scipy.signal's peaks inside traced functions: which samples are peaks, and where their bases are, SciPy says while
the program runs; heights, prominences and widths are computed of the samples there, with derivatives."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from ...errors import UnsupportedError
from ...tracer import libraries
from ...tracer.calls import call
from ...tracer.locations import fail
from ...tracer.opaque import on_data
from ...tracer.operands import as_traced
from ..primitive import primitive
from .found_by_elements import without_derivative


def signal(name: str) -> Any:
    return getattr(importlib.import_module("scipy.signal"), name)


def find_peaks(x: Any, height: Any = None, threshold: Any = None, distance: Any = None, prominence: Any = None,
               width: Any = None, wlen: Any = None, rel_height: Any = 0.5, plateau_size: Any = None) -> Any:
    conditions = {"height": height, "threshold": threshold, "distance": distance, "prominence": prominence,
                  "width": width, "wlen": wlen, "rel_height": rel_height}
    known = on_data(signal("find_peaks"), (x,), {**conditions, "plateau_size": plateau_size})
    if known is not None:
        return known
    if plateau_size is not None:
        fail(UnsupportedError, "scipy.signal.find_peaks of traced samples does not take plateau_size=; leave it away")
    x = as_traced(x) * 1.0
    n = x.extents[0]
    has_bases = prominence is not None or width is not None

    def run(x: Any, given: Any) -> Any:
        peaks, about = signal("find_peaks")(x, **given)
        ends = np.zeros((4, n), np.int64)
        if has_bases:
            ends[0, peaks], ends[1, peaks] = about["left_bases"], about["right_bases"]
        if width is not None:
            ends[2, peaks], ends[3, peaks] = np.floor(about["left_ips"]), np.ceil(about["right_ips"])
        return np.isin(np.arange(n), peaks), ends

    is_peak, ends = primitive(run, out=lambda *_: (np.zeros(n, bool), np.zeros((4, n), np.int64)))(
        *without_derivative(x, conditions))
    peaks = np.nonzero(is_peak)[0]
    about: dict[str, Any] = {}
    if height is not None:
        about["peak_heights"] = x[peaks]
    if threshold is not None:
        about |= {"left_thresholds": x[peaks] - x[peaks - 1], "right_thresholds": x[peaks] - x[peaks + 1]}
    if has_bases:
        left, right = ends[0][peaks], ends[1][peaks]
        about |= {"prominences": above(x, peaks, left, right), "left_bases": left, "right_bases": right}
    if width is not None:
        names = ("widths", "width_heights", "left_ips", "right_ips")
        about |= zip(names, wide(x, peaks, about["prominences"], rel_height, ends[2][peaks], ends[3][peaks]),
                     strict=True)
    return peaks, about


def above(x: Any, peaks: Any, left: Any, right: Any) -> Any:
    """How far peaks stand out above the higher one of their bases."""
    return x[peaks] - np.maximum(x[left], x[right])


def wide(x: Any, peaks: Any, prominences: Any, rel_height: Any, left: Any, right: Any) -> tuple[Any, ...]:
    """Widths at a part of the height, between the samples on both sides at which the signal is that low."""
    level = x[peaks] - prominences * rel_height
    ends = []
    for at, step in ((left, 1), (right, -1)):
        is_below = x[at] < level
        rise = np.where(is_below, x[at + step] - x[at], 1.0)
        ends.append(at + step * np.where(is_below, (level - x[at]) / rise, 0.0))
    return ends[1] - ends[0], level, ends[0], ends[1]


def peak_prominences(x: Any, peaks: Any, wlen: Any = None) -> Any:
    known = on_data(signal("peak_prominences"), (x, peaks), {"wlen": wlen})
    if known is not None:
        return known
    x, peaks = as_traced(x) * 1.0, as_traced(peaks)
    shape = peaks.extents

    def run(x: Any, peaks: Any) -> Any:
        _, left, right = signal("peak_prominences")(x, peaks, wlen)
        return np.stack([left, right]).astype(np.int64)

    left, right = primitive(run, out=lambda *_: np.zeros((2, *shape), np.int64))(*without_derivative(x, peaks))
    return above(x, peaks, left, right), left, right


def peak_widths(x: Any, peaks: Any, rel_height: Any = 0.5, prominence_data: Any = None, wlen: Any = None) -> Any:
    known = on_data(signal("peak_widths"), (x, peaks), {"rel_height": rel_height, "wlen": wlen,
                                                        "prominence_data": prominence_data})
    if known is not None:
        return known
    x, peaks = as_traced(x) * 1.0, as_traced(peaks)
    shape = peaks.extents
    prominences, *bases = peak_prominences(x, peaks, wlen) if prominence_data is None else prominence_data

    def run(x: Any, peaks: Any, prominences: Any, left: Any, right: Any, rel_height: Any) -> Any:
        _, _, low, high = signal("peak_widths")(x, peaks, rel_height, (prominences, left, right))
        return np.stack([np.floor(low), np.ceil(high)]).astype(np.int64)

    left, right = primitive(run, out=lambda *_: np.zeros((2, *shape), np.int64))(
        *without_derivative(x, peaks, prominences, *bases, rel_height))
    return wide(x, peaks, prominences, rel_height, left, right)


def argrelextrema(data: Any, comparator: Any, axis: int = 0, order: int = 1, mode: str = "clip") -> Any:
    """Where samples are above, or below, their neighbours."""
    if mode not in ("clip", "wrap") or order < 1:
        fail(UnsupportedError, f"scipy.signal.argrelextrema of traced samples: mode='clip' or 'wrap' and an order "
                               f"of at least 1, got {mode!r} and {order}")
    data = as_traced(data)
    n = data.extents[axis]
    places, found = np.arange(n), np.ones(data.extents, bool)
    for shift in range(1, order + 1):
        for step in (shift, -shift):
            at = (places + step) % n if mode == "wrap" else np.clip(places + step, 0, n - 1)
            found = found & call(comparator, data, np.take(data, at, axis=axis))
    return np.nonzero(found)


def argrelmax(data: Any, axis: int = 0, order: int = 1, mode: str = "clip") -> Any:
    return argrelextrema(data, np.greater, axis, order, mode)


def argrelmin(data: Any, axis: int = 0, order: int = 1, mode: str = "clip") -> Any:
    return argrelextrema(data, np.less, axis, order, mode)


RULES: libraries.Rules = {("scipy.signal._peak_finding", f.__name__): f for f in (
    find_peaks, peak_prominences, peak_widths, argrelextrema, argrelmax, argrelmin)}
