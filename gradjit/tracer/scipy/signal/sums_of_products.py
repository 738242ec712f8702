"""scipy.signal's convolutions and correlations, of any number of axes: sums of products, whatever `method` says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...numpy.common import array, static
from ...operands import as_traced, unsupported
from ..written_loops import Rule, floats, invalid, slid, zeros

MODES = ("full", "same", "valid")
BOUNDARIES = {"fill": "constant", "pad": "constant", "wrap": "wrap", "circular": "wrap", "symm": "symmetric",
              "symmetric": "symmetric"}


def checked(x: Any, w: Any, mode: Any) -> None:
    if x.ndim != w.ndim:
        invalid(f"in1 and in2 should have the same dimensionality; they have {x.ndim} and {w.ndim} axes")
    if mode not in MODES:
        invalid(f"mode={mode!r}; acceptable are {', '.join(map(repr, MODES))}")


def of_one_dtype(x: Any, w: Any) -> tuple[Any, Any]:
    """Both in the dtype that holds them; what is boolean counts."""
    dtype = np.result_type(x.dtype, w.dtype)
    dtype = np.dtype(np.int64) if dtype.kind == "b" else dtype
    return x.astype(dtype), w.astype(dtype)


def must_swap(mode: str, x: Any, w: Any) -> bool:
    """For 'valid' one must be at least as large as the other along every axis."""
    if mode != "valid" or all(n >= k for n, k in zip(x.shape, w.shape, strict=True)):
        return False
    if not all(k >= n for n, k in zip(x.shape, w.shape, strict=True)):
        invalid(f"For 'valid' mode, one must be at least as large as the other in every dimension; the shapes are "
                f"{x.shape} and {w.shape}")
    return True


def flipped(w: Any) -> Any:
    return w[(slice(None, None, -1),) * w.ndim]


def padded(x: Any, w: Any, boundary: str, fill: Any) -> Any:
    """x with as much around it as the other one reaches out."""
    widths = [(k - 1, k - 1) for k in w.shape]
    pad: Rule = np.pad
    return pad(x, widths, constant_values=fill) if boundary == "constant" else pad(x, widths, mode=boundary)


def part(mode: str, x: Any, w: Any, before: Sequence[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Where the result begins in the full one, and its shape; 'same' leaves away so much before."""
    if mode == "full":
        return (0,) * x.ndim, tuple(n + k - 1 for n, k in zip(x.shape, w.shape, strict=True))
    if mode == "same":
        return tuple(before), tuple(x.shape)
    return tuple(k - 1 for k in w.shape), tuple(n - k + 1 for n, k in zip(x.shape, w.shape, strict=True))


def convolved(x: Any, w: Any, mode: str, boundary: str = "constant", fill: Any = 0) -> Any:
    """The convolution. `same` is the middle part of in1's shape."""
    if must_swap(mode, x, w):
        x, w = w, x
    starts, shape = part(mode, x, w, [(k - 1) // 2 for k in w.shape])
    if boundary == "constant" and fill == 0 and mode == "full" and w.size > x.size:
        x, w = w, x
    if 0 in (x.size, w.size):
        return zeros(shape, x.dtype)
    if mode == "valid":
        return slid(x, flipped(w), shape)
    around = padded(x, w, boundary, fill)[tuple([slice(k, None) for k in starts])]
    return slid(around, flipped(w), shape)


def correlated(x: Any, w: Any, mode: str, before: Sequence[int], boundary: str = "constant", fill: Any = 0) -> Any:
    swapped = must_swap(mode, x, w)
    if swapped:
        x, w = w, x
    starts, shape = part(mode, x, w, before)
    if 0 in (x.size, w.size):
        return zeros(shape, x.dtype)
    around = padded(x, w, boundary, fill)[tuple([slice(k, None) for k in starts])]
    y = slid(around, w, shape)
    return flipped(y) if swapped else y


def real(name: str, *xs: Any) -> None:
    if any(x.ir_dtype.is_complex for x in xs):
        unsupported(f"scipy.signal.{name}", "of complex numbers; split them into real and imaginary parts")


# of any number of axes ------------------------------------------------------------------------------------------------
def convolve(in1, in2, mode="full", method="auto"):
    x, w = array(in1), array(in2)
    checked(x, w, mode)
    if method not in ("auto", "direct", "fft"):
        invalid("Acceptable method flags are 'auto', 'direct', or 'fft'.")
    if not x.ndim:
        return in1 * in2
    if x.ndim == 1 and 0 in (x.size, w.size):
        return of_nothing(x, w, mode)
    return convolved(*of_one_dtype(x, w), mode)


def correlate(in1, in2, mode="full", method="auto"):
    x, w = array(in1), array(in2)
    checked(x, w, mode)
    if method not in ("auto", "direct", "fft"):
        invalid("Acceptable method flags are 'auto', 'direct', or 'fft'.")
    real("correlate", x, w)
    if not x.ndim:
        return in1 * in2
    if x.ndim == 1 and 0 in (x.size, w.size):
        return of_nothing(x, w, mode)
    return correlated(*of_one_dtype(x, w), mode, [(k - 1) // 2 for k in w.shape])


def of_nothing(x: Any, w: Any, mode: str) -> Any:
    """What SciPy gives where one of two vectors is empty: it leaves them to NumPy, which refuses them, unless it has
    chosen the transform."""
    if mode == "same" and w.size:
        return array(np.array([]))
    invalid(f"{'v' if x.size else 'a'} cannot be empty")


def _by_transform(name: str) -> Rule:
    """fftconvolve and oaconvolve: floats, and along some axes only where asked."""
    def rule(in1, in2, mode="full", axes=None):
        x, w = floats(in1), floats(in2)
        checked(x, w, mode)
        if not x.ndim:
            return x * w
        if 0 in (x.size, w.size):
            return array(np.array([]))
        chosen = range(x.ndim) if axes is None else sorted(int(a) % x.ndim for a in np.atleast_1d(axes))
        rest = [a for a in range(x.ndim) if a not in chosen]
        if not rest:
            return convolved(*of_one_dtype(x, w), mode)
        if any(x.shape[a] != w.shape[a] and 1 not in (x.shape[a], w.shape[a]) for a in rest):
            invalid(f"incompatible shapes for in1 and in2: {x.shape} and {w.shape}")
        if any(1 in (x.shape[a], w.shape[a]) and x.shape[a] != w.shape[a] for a in rest):
            unsupported(f"scipy.signal.{name}", "with axes=, of arrays that are broadcast along the others; write "
                                                "np.broadcast_to first")
        return _along(x, w, mode, list(chosen), rest)

    rule.__name__ = name
    return rule


def _along(x: Any, w: Any, mode: str, chosen: list[int], rest: list[int]) -> Any:
    """Each pair of parts by itself."""
    x, w = of_one_dtype(x, w)
    x, w = (np.transpose(v, (*rest, *chosen)) for v in (x, w))
    parts = [convolved(x[k], w[k], mode) for k in np.ndindex(*x.shape[:len(rest)])]
    y = np.reshape(np.stack(parts), (*x.shape[:len(rest)], *parts[0].shape))
    return np.transpose(y, tuple(int(k) for k in np.argsort((*rest, *chosen))))


# of two axes, with boundaries -----------------------------------------------------------------------------------------
def _of_images(name: str, correlating: bool) -> Rule:
    def rule(in1, in2, mode="full", boundary="fill", fillvalue=0):
        x, w = array(in1), array(in2)
        if not x.ndim == w.ndim == 2:
            invalid(f"{name} inputs must both be 2-D arrays")
        checked(x, w, mode)
        if boundary not in BOUNDARIES:
            invalid("Acceptable boundary flags are 'fill', 'circular' (or 'wrap'), and 'symmetric' (or 'symm').")
        x, w = of_one_dtype(x, w)
        fill = fillvalue
        if as_traced(fill).known is None:
            fill = static(fill, "fillvalue")[()]
        if correlating:
            real(name, x, w)
            return correlated(x, w, mode, [k // 2 for k in w.shape], BOUNDARIES[boundary], fill)
        return convolved(x, w, mode, BOUNDARIES[boundary], fill)

    rule.__name__ = name
    return rule


RULES: dict[tuple[str, str], Rule] = {
    ("scipy.signal._signaltools", f.__name__): f for f in (
        convolve, correlate, _by_transform("fftconvolve"), _by_transform("oaconvolve"),
        _of_images("convolve2d", correlating=False), _of_images("correlate2d", correlating=True))}
