"""np.fft: transforms of one axis and of several. The shifts stand in movement.py, the frequencies in creation.py."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...errors import ArgumentError, DtypeError
from ...ir.sizes import is_open
from .. import extents as ext, operands as o
from ..layout import copied
from ..locations import fail
from ..operands import TracedArray, cast, emit, static_int
from .common import array, concat, expand, full_like, move_axis, pad_axis, pick, slice_axis, stored
from .complex_numbers import conjugate, joined, values

Rule = Callable[..., Any]

SWAPPED = {None: "forward", "backward": "forward", "ortho": "ortho", "forward": "backward"}
"""The norm of the other direction."""


def length_of(x: TracedArray, axis: int) -> int:
    """The extent of an axis: a number, or open."""
    return asked_int(x.shape[axis], "the extent of a Fourier transform")


def asked_int(n: Any, what: str) -> int:
    found = n if is_open(n) else ext.size(n) if isinstance(n, TracedArray) else None
    return static_int(n, what) if found is None else found


def factor_of(norm: Any, n: int, inverse: bool) -> Any:
    """What a transform of n elements is multiplied by."""
    if norm not in SWAPPED:
        fail(ArgumentError, f'Invalid norm value {norm}; should be "backward", "ortho" or "forward".')
    if norm == "ortho":
        return 1 / np.sqrt(ext.handle(n)) if is_open(n) else float(1 / np.sqrt(n))
    return 1 / ext.handle(n) if (norm == "forward") != inverse else 1.0


def scaled(x: TracedArray, factor: Any) -> TracedArray:
    if isinstance(factor, TracedArray):
        return emit("mul", x, o.broadcast_to(cast(factor, x.dtype), x.extents))
    return x if factor == 1 else emit("mul", x, full_like(factor, x))


def asked(n: Any, otherwise: int) -> int:
    m = otherwise if n is None else asked_int(n, "n")
    if m < 1:
        fail(ArgumentError, f"Invalid number of FFT data points ({m}) specified.")
    return m


def fitted(x: TracedArray, axis: int, n: int) -> TracedArray:
    """The first n elements along an axis, with zeros behind those that there are."""
    have = length_of(x, axis)
    return slice_axis(x, axis, 0, n) if n < have else pad_axis(x, axis, 0, n - have)


def inexact(x: TracedArray) -> TracedArray:
    return x if x.ir_dtype.is_inexact else cast(x, np.float64)


def parted(z: TracedArray) -> TracedArray:
    """A complex array as reals, with one more axis for the two parts."""
    re, im = values(z) if z.ir_dtype.is_complex else (z, full_like(0, z))
    return concat([expand(p, [p.ndim]) for p in (re, im)], re.ndim)


def whole(x: TracedArray, factor: Any = 1.0) -> TracedArray:
    """The complex array of such reals, times a number."""
    return joined(*(scaled(pick(x, x.ndim - 1, which), factor) for which in (0, 1)))


def along(x: TracedArray, axis: int, transform: Rule) -> TracedArray:
    """A transform of the last axis on another one."""
    return as_numpys(x, move_axis(transform(move_axis(x, axis, x.ndim - 1)), x.ndim - 1, axis))


def as_numpys(x: TracedArray, y: TracedArray) -> TracedArray:
    """The transform of an array, laid out in memory as NumPy's."""
    return o.laid(o.root(y.content, y.home, o.ARRAY), copied(y.extents, x.strides_in_elements, "K"))


# one axis -----------------------------------------------------------------------------------------------------------
def complex_lines(x: TracedArray, axis: int, n: int, inverse: bool, factor: Any) -> TracedArray:
    """Complex numbers from numbers."""
    y = parted(fitted(inexact(x), axis, n))
    return as_numpys(x, whole(emit("fft", y, inverse=inverse, behind=x.ndim - 1 - axis), factor))


def half_lines(x: TracedArray, axis: int, n: int, factor: Any) -> TracedArray:
    """The first half of the transform of real numbers."""
    if x.ir_dtype.is_complex:
        fail(DtypeError, "the Fourier transform of real numbers (rfft, ihfft) takes no complex ones; write np.fft.fft")
    return along(inexact(x), axis,
                 lambda y: whole(emit("rfft", fitted(y, y.ndim - 1, n)), factor))


def real_lines(x: TracedArray, axis: int, n: int, factor: Any) -> TracedArray:
    """Real numbers from the first half of their transform."""
    return along(inexact(x), axis,
                 lambda y: scaled(emit("irfft", parted(fitted(y, y.ndim - 1, n // 2 + 1)), n=n), factor))


def lines(a: Any, axis: Any) -> tuple[TracedArray, int]:
    x = array(a)
    return x, o.normal_axis(axis, x.ndim)


def fft(a, n=None, axis=-1, norm=None, out=None):
    return stored(np.fft.fft, _complex(a, n, axis, norm, False), out)


def ifft(a, n=None, axis=-1, norm=None, out=None):
    return stored(np.fft.ifft, _complex(a, n, axis, norm, True), out)


def _complex(a: Any, n: Any, axis: Any, norm: Any, inverse: bool) -> TracedArray:
    x, k = lines(a, axis)
    m = asked(n, length_of(x, k))
    return complex_lines(x, k, m, inverse, factor_of(norm, m, inverse))


def rfft(a, n=None, axis=-1, norm=None, out=None):
    x, k = lines(a, axis)
    m = asked(n, length_of(x, k))
    return stored(np.fft.rfft, half_lines(x, k, m, factor_of(norm, m, False)), out)


def irfft(a, n=None, axis=-1, norm=None, out=None):
    x, k = lines(a, axis)
    m = asked(n, 2 * (length_of(x, k) - 1))
    return stored(np.fft.irfft, real_lines(x, k, m, factor_of(norm, m, True)), out)


def hfft(a, n=None, axis=-1, norm=None, out=None):
    """Real numbers from the first half of a line that is the conjugate of its reverse."""
    x, k = lines(a, axis)
    m = asked(n, 2 * (length_of(x, k) - 1))
    z = conjugate(x) if x.ir_dtype.is_complex else x
    return stored(np.fft.hfft, real_lines(z, k, m, factor_of(norm, m, False)), out)


def ihfft(a, n=None, axis=-1, norm=None, out=None):
    x, k = lines(a, axis)
    m = asked(n, length_of(x, k))
    z = half_lines(x, k, m, factor_of(norm, m, True))
    return stored(np.fft.ihfft, o.laid(conjugate(z), z.strides_in_elements), out)


# several axes -------------------------------------------------------------------------------------------------------
def shape_and_axes(x: TracedArray, s: Any, axes: Any, halved: bool = False) -> tuple[list[int], list[int]]:
    """The lengths and the axes of a transform of several axes. halved: the last one is given by its first half."""
    if axes is None:
        places = list(range(x.ndim)) if s is None else list(range(x.ndim - len(s), x.ndim))
    else:
        places = [o.normal_axis(a, x.ndim, "axes") for a in axes]
    lengths = [None] * len(places) if s is None else list(s)
    if len(lengths) != len(places):
        fail(ArgumentError, "Shape and axes have different lengths.")
    own = [length_of(x, k) for k in places]
    if halved and s is None and own:
        own[-1] = 2 * (own[-1] - 1)
    return [e if n is None or n == -1 else asked(n, e) for n, e in zip(lengths, own, strict=True)], places


def over_axes(a: Any, s: Any, axes: Any, norm: Any, inverse: bool) -> TracedArray:
    x = array(a)
    lengths, places = shape_and_axes(x, s, axes)
    for n, k in reversed(list(zip(lengths, places, strict=True))):
        x = complex_lines(x, k, asked(n, n), inverse, factor_of(norm, n, inverse))
    return x


def half_over_axes(a: Any, s: Any, axes: Any, norm: Any) -> TracedArray:
    x = array(a)
    lengths, places = shape_and_axes(x, s, axes)
    if not places:
        fail(ArgumentError, "at least 1 axis must be transformed")
    x = half_lines(x, places[-1], asked(lengths[-1], 1), factor_of(norm, lengths[-1], False))
    for n, k in reversed(list(zip(lengths[:-1], places[:-1], strict=True))):
        x = complex_lines(x, k, asked(n, n), False, factor_of(norm, n, False))
    return x


def real_over_axes(a: Any, s: Any, axes: Any, norm: Any) -> TracedArray:
    x = array(a)
    lengths, places = shape_and_axes(x, s, axes, halved=True)
    if not places:
        fail(ArgumentError, "at least 1 axis must be transformed")
    for n, k in zip(lengths[:-1], places[:-1], strict=True):
        x = complex_lines(x, k, asked(n, n), True, factor_of(norm, n, True))
    return real_lines(x, places[-1], asked(lengths[-1], 1), factor_of(norm, lengths[-1], True))


def _several(func: Rule, transform: Rule, axes: Sequence[int] | None, *more: Any) -> Rule:
    default = axes

    def rule(a, s=None, axes=default, norm=None, out=None):
        return stored(func, transform(a, s, axes, norm, *more), out)

    return rule


RULES: dict[Callable[..., Any], Rule] = {
    np.fft.fft: fft, np.fft.ifft: ifft, np.fft.rfft: rfft, np.fft.irfft: irfft, np.fft.hfft: hfft, np.fft.ihfft: ihfft,
    np.fft.fftn: _several(np.fft.fftn, over_axes, None, False),
    np.fft.ifftn: _several(np.fft.ifftn, over_axes, None, True),
    np.fft.fft2: _several(np.fft.fft2, over_axes, (-2, -1), False),
    np.fft.ifft2: _several(np.fft.ifft2, over_axes, (-2, -1), True),
    np.fft.rfftn: _several(np.fft.rfftn, half_over_axes, None), np.fft.rfft2: _several(
        np.fft.rfft2, half_over_axes, (-2, -1)),
    np.fft.irfftn: _several(np.fft.irfftn, real_over_axes, None), np.fft.irfft2: _several(
        np.fft.irfft2, real_over_axes, (-2, -1)),
}
