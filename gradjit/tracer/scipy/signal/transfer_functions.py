"""scipy.signal's forms of a filter that is given by two polynomials, and its delay."""

from __future__ import annotations

from math import comb
from typing import Any

import numpy as np

from ...numpy.common import array
from ...operands import static_int, unsupported
from ..written_loops import Rule, doubles, floats, invalid
from .filter_design import zpk2sos


def polynomials(b: Any, a: Any) -> tuple[Any, Any]:
    """Both, over the first coefficient of the second. SciPy drops leading zeros; here those of traced coefficients
    count as they stand."""
    up, down = (np.atleast_1d(doubles(c)) for c in (b, a))
    if up.ndim != 1 or down.ndim != 1:
        unsupported("scipy.signal", "filters of several outputs; convert them one by one")
    return up / down[0], down / down[0]


def tf2zpk(b, a) -> tuple[Any, Any, Any]:
    up, down = polynomials(b, a)
    gain = up[0]
    return np.roots(up / gain), np.roots(down), gain


def tf2sos(b, a, pairing=None, *, analog=False) -> Any:
    return zpk2sos(*tf2zpk(b, a), pairing, analog=analog)


def tf2ss(num, den) -> tuple[Any, Any, Any, Any]:
    """The controller's canonical form."""
    up, down = polynomials(num, den)
    order, more = down.shape[0] - 1, down.shape[0] - up.shape[0]
    if more < 0:
        invalid("Improper transfer function. `num` is longer than `den`.")
    up = np.concatenate([np.zeros(more), up])
    if not order:
        nothing = array(np.zeros((1, 1)))
        return nothing, nothing, nothing, np.reshape(up[0], (1, 1))
    companion = np.concatenate([-down[np.newaxis, 1:], np.eye(order - 1, order)])
    row = up[1:] - up[0] * down[1:]
    return companion, array(np.eye(order, 1)), row[np.newaxis], np.reshape(up[0], (1, 1))


def bilinear(b, a, fs=1.0) -> tuple[Any, Any]:
    """s = 2 fs (z - 1) / (z + 1), and both polynomials times a power of z + 1."""
    up, down = (np.atleast_1d(doubles(c)) for c in (b, a))
    if up.ndim != 1 or down.ndim != 1:
        invalid("Parameters `b` and `a` must be 1-D")
    degree = max(up.shape[0], down.shape[0]) - 1
    moved = [sum(c[c.shape[0] - 1 - k] * (2.0 * fs) ** k * turned(k, degree) for k in range(c.shape[0]))
             for c in (up, down)]
    return moved[0] / moved[1][0], moved[1] / moved[1][0]


def turned(k: int, degree: int) -> np.ndarray:
    """The coefficients of (z - 1)**k (z + 1)**(degree - k)."""
    minus = [comb(k, j) * (-1.0) ** j for j in range(k + 1)]
    return np.convolve(minus, [float(comb(degree - k, j)) for j in range(degree - k + 1)])


def group_delay(system, w=512, whole=False, fs=2 * np.pi) -> tuple[Any, Any]:
    """From the derivative of the phase; 0 where the response is."""
    b, a = (np.atleast_1d(floats(c)) for c in system)
    w = 512 if w is None else w
    if isinstance(w, (int, np.integer)):
        at: Any = np.linspace(0, 2 * np.pi if whole else np.pi, static_int(w, "w"), endpoint=False)
    else:
        at = np.atleast_1d(floats(w)) * (2 * np.pi / fs)
    c = np.convolve(b, np.conj(a[::-1]))
    unit = np.exp(-1j * array(at))
    down = np.polyval(c[::-1], unit)
    is_zero = down == 0
    up = np.polyval((c * np.arange(c.shape[0]))[::-1], unit)
    delay = np.real(up / np.where(is_zero, 1.0, down)) - a.shape[0] + 1
    return array(at * (fs / (2 * np.pi))), np.where(is_zero, 0.0, delay)


RULES: dict[tuple[str, str], Rule] = {
    **{("scipy.signal._filter_design", f.__name__): f for f in (tf2zpk, tf2sos, bilinear, group_delay)},
    ("scipy.signal._lti_conversion", "tf2ss"): tf2ss,
}
