"""scipy.fft: NumPy's transforms under SciPy's names, and those of real numbers by cosines and sines.

A cosine or sine transform of n elements is a Fourier transform of a line twice as long that they continue evenly or
oddly, of which only a half is computed.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

from ...errors import ArgumentError
from .. import operands as o
from ..locations import fail
from ..numpy import fourier as nf
from ..numpy.common import array, concat, full_like, iota, slice_axis, static
from ..numpy.complex_numbers import by_parts, values
from ..operands import TracedArray, cast, emit

Rule = Callable[..., Any]


# cosines and sines --------------------------------------------------------------------------------------------------
def turned(re: TracedArray, im: TracedArray, k: TracedArray, step: float) -> tuple[TracedArray, TracedArray]:
    """Complex numbers times exp(i step k), k along the last axis."""
    angle = emit("mul", cast(k, re.dtype), full_like(step, cast(k, re.dtype)))
    c, s = (o.broadcast_to(emit(f, angle), re.extents) for f in ("cos", "sin"))
    return (emit("sub", emit("mul", re, c), emit("mul", im, s)), emit("add", emit("mul", re, s), emit("mul", im, c)))


def counted(n: int, first: int = 0) -> TracedArray:
    k = iota((n,), 0)
    return emit("add", k, full_like(first, k)) if first else k


def doubled(x: TracedArray) -> TracedArray:
    return emit("add", x, x)


def by_cosines(x: TracedArray, n: int, type: int) -> TracedArray:
    """The cosine transform along the last axis, not normalised."""
    axis = x.ndim - 1
    if type == 1:
        return slice_axis(emit("irfft", nf.parted(x), n=2 * (n - 1)), axis, 0, n)
    if type == 2:
        re, im = values(nf.whole(emit("rfft", nf.fitted(x, axis, 2 * n))))
        re, im = (slice_axis(p, axis, 0, n) for p in (re, im))
        return doubled(turned(re, im, counted(n), -np.pi / (2 * n))[0])
    if type == 3:
        re, im = turned(x, full_like(0, x), counted(n), np.pi / (2 * n))
        return back(re, im, n)
    return doubled(quarter(x, n)[0])


def by_sines(x: TracedArray, n: int, type: int) -> TracedArray:
    """The sine transform along the last axis, not normalised."""
    axis = x.ndim - 1
    none = full_like(0, slice_axis(x, axis, 0, 1))
    if type == 1:
        im = concat([none, emit("neg", x), none], axis)
        line = emit("irfft", nf.parted(o.emit("complex", full_like(0, im), im)), n=2 * (n + 1))
        return slice_axis(line, axis, 1, n)
    if type == 2:
        re, im = values(nf.whole(emit("rfft", nf.fitted(x, axis, 2 * n))))
        re, im = (slice_axis(p, axis, 1, n) for p in (re, im))
        return emit("neg", doubled(turned(re, im, counted(n, 1), -np.pi / (2 * n))[1]))
    if type == 3:  # -i x exp(i pi m / 2n), m from 1
        re, im = turned(full_like(0, x), emit("neg", x), counted(n, 1), np.pi / (2 * n))
        last = slice_axis(x, axis, n - 1, 1)
        re = concat([none, slice_axis(re, axis, 0, n - 1), last], axis)
        im = concat([none, slice_axis(im, axis, 0, n - 1), none], axis)
        line = emit("irfft", nf.parted(o.emit("complex", re, im)), n=2 * n)
        return slice_axis(line, axis, 0, n)
    return emit("neg", doubled(quarter(x, n)[1]))


def back(re: TracedArray, im: TracedArray, n: int) -> TracedArray:
    """The first n elements of the real line whose transform begins with n numbers, and goes on with zeros."""
    axis = re.ndim - 1
    line = nf.fitted(o.emit("complex", re, im), axis, n + 1)
    return slice_axis(emit("irfft", nf.parted(line), n=2 * n), axis, 0, n)


def quarter(x: TracedArray, n: int) -> tuple[TracedArray, TracedArray]:
    """sum over j of x_j exp(-i pi (2k + 1)(2j + 1) / 4n)."""
    axis = x.ndim - 1
    re, im = turned(x, full_like(0, x), counted(n), -np.pi / (2 * n))
    line = emit("fft", nf.parted(nf.fitted(o.emit("complex", re, im), axis, 2 * n)), inverse=False)
    re, im = (slice_axis(p, axis, 0, n) for p in values(nf.whole(line)))
    odd = counted(n)
    return turned(re, im, emit("add", emit("add", odd, odd), full_like(1, odd)), -np.pi / (4 * n))


INVERSE = {1: 1, 2: 3, 3: 2, 4: 4}


def real_transform(x: TracedArray, type: Any, n: Any, axis: int, norm: Any, orthogonalize: Any, sines: bool,
                   inverse: bool) -> TracedArray:
    """One axis. With norm="ortho" the elements at the ends of types 1 to 3 are weighted, so that it is orthogonal."""
    if type not in INVERSE:
        fail(ArgumentError, f"invalid type ({type}) of the transform; there are 1, 2, 3 and 4")
    kind = INVERSE[type] if inverse else type
    m = nf.asked(n, nf.length_of(x, axis))
    if kind == 1 and not sines and m < 2:
        fail(ArgumentError, "DCT-I is not defined for size < 2")
    period = 2 * (m + (1 if sines else -1)) if kind == 1 else 2 * m
    weighs = norm == "ortho" if orthogonalize is None else orthogonalize
    factor = nf.factor_of(norm, period, inverse)

    def transform(y: TracedArray) -> TracedArray:
        y = nf.fitted(y, y.ndim - 1, m)
        if weighs:
            y = weighted(y, m, kind, sines, np.sqrt(2), (1, 3))
        y = (by_sines if sines else by_cosines)(y, m, kind)
        if weighs:
            y = weighted(y, m, kind, sines, 1 / np.sqrt(2), (1, 2))
        return nf.scaled(y, factor)

    if x.ir_dtype.is_complex:
        return by_parts(lambda p: nf.along(p, axis, transform), x)
    return nf.along(nf.inexact(x), axis, transform)


def weighted(x: TracedArray, n: int, kind: int, sines: bool, by: float, kinds: tuple[int, ...]) -> TracedArray:
    """The elements at the ends multiplied, where the type is one of those."""
    if kind not in kinds or (sines and kind == 1):
        return x
    weights = np.ones(n, x.dtype)
    weights[-1 if sines else 0] *= by
    if kind == 1:
        weights[-1] *= by
    return emit("mul", x, o.broadcast_to(o.constant(weights), x.extents))


def _one(sines: bool, inverse: bool) -> Rule:
    def rule(x, type=2, n=None, axis=-1, norm=None, overwrite_x=False, workers=None, orthogonalize=None):
        v, k = nf.lines(x, axis)
        return real_transform(v, type, n, k, norm, orthogonalize, sines, inverse)

    return rule


def _each(sines: bool, inverse: bool) -> Rule:
    def rule(x, type=2, s=None, axes=None, norm=None, overwrite_x=False, workers=None, *, orthogonalize=None):
        v = array(x)
        lengths, places = nf.shape_and_axes(v, *numbers(s, axes))
        for n, k in zip(lengths, places, strict=True):
            v = real_transform(v, type, n, k, norm, orthogonalize, sines, inverse)
        return v

    return rule


def numbers(s: Any, axes: Any) -> tuple[Any, Any]:
    """SciPy also takes single numbers for shapes and axes."""
    return tuple([x] if isinstance(x, (int, np.integer)) else x for x in (s, axes))  # type: ignore[return-value]


# NumPy's under SciPy's names ----------------------------------------------------------------------------------------
def _line(rule: Rule) -> Rule:
    def of_line(x, n=None, axis=-1, norm=None, overwrite_x=False, workers=None, *, plan=None):
        return rule(x, n, axis, norm)

    return of_line


def _several(rule: Rule, axes: Any, *more: Any) -> Rule:
    default = axes

    def of_axes(x, s=None, axes=default, norm=None, overwrite_x=False, workers=None, *, plan=None):
        return rule(x, *numbers(s, axes), norm, *more)

    return of_axes


_BASIC, _REAL = "scipy.fft._basic", "scipy.fft._realtransforms"
# Hankel -------------------------------------------------------------------------------------------------------------
def _hankel(inverse: bool) -> Rule:
    """Of samples at logarithms that stand evenly, by the coefficients that SciPy gives for the kernel."""
    def rule(a: Any, dln: Any, mu: Any, offset: Any = 0.0, bias: Any = 0.0) -> Any:
        x: Any = cast(array(a), np.float64)
        step, order, first, tilt = (float(static(v, what)) for v, what in (
            (dln, "dln"), (mu, "mu"), (offset, "offset"), (bias, "bias")))
        n = int(x.shape[-1])
        kernel = importlib.import_module("scipy.fft._fftlog_backend").fhtcoeff(n, step, order, first, tilt, inverse)
        places = (np.arange(n) - (n - 1) / 2) * step
        sign, shift = (1.0, first) if inverse else (-1.0, 0.0)
        spectrum = np.fft.rfft(x * np.exp(sign * tilt * (places + shift)))
        spectrum = spectrum / np.conj(kernel) if inverse else spectrum * kernel
        found = np.fft.irfft(spectrum, n)[..., ::-1]
        return found * np.exp(sign * tilt * (places + (first - shift)))

    return rule


RULES: dict[tuple[str, str], Rule] = {
    **{("scipy.fft._fftlog", name): _hankel(name == "ifht") for name in ("fht", "ifht")},
    **{(_BASIC, f.__name__): _line(f) for f in (nf.fft, nf.ifft, nf.rfft, nf.irfft, nf.hfft, nf.ihfft)},
    **{(_BASIC, f"fft{d}"): _several(nf.over_axes, a, False) for d, a in (("n", None), ("2", (-2, -1)))},
    **{(_BASIC, f"ifft{d}"): _several(nf.over_axes, a, True) for d, a in (("n", None), ("2", (-2, -1)))},
    **{(_BASIC, f"rfft{d}"): _several(nf.half_over_axes, a) for d, a in (("n", None), ("2", (-2, -1)))},
    **{(_BASIC, f"irfft{d}"): _several(nf.real_over_axes, a) for d, a in (("n", None), ("2", (-2, -1)))},
    (_REAL, "dct"): _one(False, False), (_REAL, "idct"): _one(False, True),
    (_REAL, "dst"): _one(True, False), (_REAL, "idst"): _one(True, True),
    (_REAL, "dctn"): _each(False, False), (_REAL, "idctn"): _each(False, True),
    (_REAL, "dstn"): _each(True, False), (_REAL, "idstn"): _each(True, True),
    ("scipy.fft._helper", "fftshift"): lambda x, axes=None: np.fft.fftshift(x, axes),
    ("scipy.fft._helper", "ifftshift"): lambda x, axes=None: np.fft.ifftshift(x, axes),
}
