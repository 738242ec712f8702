"""Templates of statements that change arrays in place: methods, `out=`, `ufunc.at`, and functions that write."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .grow import Grower

EVERY = "fiub"

METHODS = (
    "{0}.sort()", "{0}.sort(axis={1})", "{0}.sort({1}, 'stable')", "({0}.partition(1), {0}[..., 2:].sort())",
    "{0}.fill({2})",
    "{0}.put([0, -1], {2})",
    "{0}.put([0, 1], [2, 1], mode='wrap')", "{0}.clip(-1, 1, out={0})", "{0}.clip(-1, 1, {0})",
    "{0}.cumsum(axis={1}, out={0})",
    "{0}.round(1, out={0})", "{0}.flat[0] = {2}", "{0}.flat[1:] = 1", "{0}.flat = 1", "{0}.T[...] = 0", "{0}.T[0] += 1",
    "{0}.ravel()[0] = 2", "{0}.reshape(-1)[1:] += 1", "{0}.swapaxes(0, -1)[0] = {2}", "{0}.__setitem__(0, {2})",
    "{0}.__iadd__({2})", "{0}.cumprod(axis={1}, out={0})", "{0}.take([0] * {3}, {1}, out={0})",
)
FUNCTIONS = (
    "np.copyto({0}, {2})", "np.copyto({0}, {0}[::-1])", "np.copyto({0}, {2}, where={0} > 0)",
    "np.put({0}, [0, -1], {2})",
    "np.putmask({0}, {0} > 0, {2})", "np.fill_diagonal({0}, {2})",
    "np.put_along_axis({0}, np.zeros({0}.shape, int)[:1], {2}, axis=0)", "np.nan_to_num({0}, copy=False)",
    "np.clip({0}, -1, 1, out={0})", "np.clip({0}, -1, 1, {0})", "np.round({0}, 1, out={0})",
    "np.cumsum({0}, axis={1}, out={0})",
    "np.sort({0}[::-1]).sort()", "np.take({0}, [0] * {3}, {1}, out={0})",
)
OUTS = (
    "np.add({0}, {2}, out={0})", "np.add({0}, {2}, {0})", "np.multiply({0}, 2, out={0})",
    "np.subtract({0}, {0}[::-1], out={0})",
    "np.negative({0}, {0})", "np.square({0}, out={0})", "np.maximum({0}, 0, out=({0},))",
    "np.add({0}[1:], {0}[:-1], out={0}[1:])",
    "np.add({0}, 1, out={0}, where={0} > 0)", "np.minimum({0}, {2}, out={0}, casting='unsafe')",
    "np.abs({0}, out={0}[::-1])",
    "np.multiply({0}, {2}, out={0}, casting='unsafe')", "np.add({0}, 0.7, out={0}, casting='unsafe')",
    "np.multiply({0}[:1], 3, out={0}[-1:])", "np.sum({0}, axis=0, out={0}[0])", "np.max({0}, 0, {0}[-1])",
)
SMOOTH_OUTS = ("np.sin({0}, out={0})", "np.tanh({0}, {0})", "np.exp(-np.abs({0}), out={0})",
               "np.cos({0}[::-1], out={0})",
               "np.where({0} > 0, {0}, 0.5).sort()", "np.divide({0}, 3, out={0})", "np.hypot({0}, 1, {0})",
               "np.sqrt(np.abs({0}), out={0}, where={0} > 0.2)", "np.arctan2({0}, 2.0, out={0})")
AT = ("np.add.at({0}, [0, 0, -1], {2})", "np.subtract.at({0}, 0, {2})", "np.multiply.at({0}, [0, 0], 2)",
      "np.maximum.at({0}, [0, -1], 1)", "np.negative.at({0}, [0])", "np.minimum.at({0}, (0,), {2})",
      "np.add.at({0}, {0} > 0, 1)", "np.add.at({0}, slice(1, None), {2})", "np.add.at({0}, [[0], [-1]], 1)")
AUGMENTED = ("{0} += {2}", "{0} *= 2", "{0} -= {0}[::-1]", "{0} //= 2", "{0} %= 3", "{0} **= 2", "{0} >>= 1",
             "{0} |= 1", "{0} &= 5",
             "{0}[::-1] += {0}", "{0}[1:] = {0}[:-1]", "{0}[:-1] = {0}[1:]", "{0}[0] = {0}[-1]", "{0}[{0} > 0] = {2}",
             "{0}[...] = {0}.T if {0}.ndim == 1 else 1", "{0}[0], {0}[-1] = {0}[-1].copy(), {0}[0].copy()",
             "{0}[[0, -1]] += {2}")


def among(texts: tuple[str, ...], kinds: str) -> Callable[[Grower], str | None]:
    """A template that picks one of these texts, for arrays of these kinds."""
    def template(g: Grower) -> str | None:
        a = g.array(kinds)
        if a is None:
            return None
        integral = np.asarray(g.env[a]).dtype.kind != "f"
        value = g.pick(("2", "-3", "1.5", "300", "True") if integral else ("0.5", "-1.5", "2", "np.float64(0.3)"))
        return g.pick(texts).format(a, g.axis(a), value, g.shape(a)[0])

    return template


INPLACE: dict[Callable[[Grower], str | None], int] = {
    among(METHODS, EVERY): 2, among(FUNCTIONS, EVERY): 2, among(OUTS, EVERY): 2, among(SMOOTH_OUTS, "f"): 1,
    among(AT, EVERY): 2, among(AUGMENTED, EVERY): 2,
}
"""Statements that change arrays, and how often they come."""
