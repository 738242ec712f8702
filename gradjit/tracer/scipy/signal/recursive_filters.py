"""scipy.signal's recursive filters. A filter of an array runs along one axis for all the others side by side."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...numpy.common import array, elements_if_known
from ...operands import cast, require, unsupported
from ..written_loops import Rule, along, axis_of, back, floats, invalid, looped, rows_of, slid, zeros

ORDER_LIMIT = 12
"""A filter of at most so high an order has its delays in variables of their own, which stay in registers."""


def coefficients(b: Any, what: str) -> Any:
    v = np.atleast_1d(array(b))
    if v.ndim != 1 or not v.shape[0]:
        invalid(f"Parameter {what} is not a non-empty 1d array, since {what}.shape={v.shape}!")
    return v


def common(*xs: Any) -> np.dtype:
    dtype = np.result_type(*(x.dtype for x in xs))
    return dtype if np.issubdtype(dtype, np.inexact) else np.dtype(np.float64)


def padded_to(v: Any, n: int) -> Any:
    return v if v.shape[0] == n else np.concatenate([v, zeros(n - v.shape[0], v.dtype)])


# one filter -----------------------------------------------------------------------------------------------------------
def lfilter(b, a, x, axis=-1, zi=None):
    num, den, v = coefficients(b, "b"), coefficients(a, "a"), array(x)
    delays = None if zi is None else array(zi)
    dtype = common(num, den, v, *([] if delays is None else [delays]))
    v = cast(v, dtype)
    axis = axis_of(axis, v.ndim)
    order = max(num.shape[0], den.shape[0]) - 1
    if delays is not None:
        delays = cast(shaped(delays, v, axis, order), dtype)
    require(array(den[0] != 0), "a[0], the first coefficient of the denominator, must not be zero")
    rows, rest = rows_of(v, axis)
    z = zeros((order, rows.shape[1]), dtype) if delays is None else rows_of(delays, axis)[0]
    num, den = cast(num, dtype) / den[0], cast(den, dtype) / den[0]
    y, z = filtered(num, den, rows, z)
    y = back(y, rest, axis)
    return y if zi is None else (y, back(z, rest, axis))


def shaped(zi: Any, x: Any, axis: int, order: int) -> Any:
    """The delays at the beginning, for each row."""
    expected = (*x.shape[:axis], order, *x.shape[axis + 1:])
    if zi.ndim != x.ndim or any(n not in (1, e) or (k == axis and n != e) for k, (n, e) in
                                enumerate(zip(zi.shape, expected, strict=True))):
        invalid(f"Unexpected shape for parameter zi: expected {expected}, found {tuple(zi.shape)}.")
    return np.broadcast_to(zi, expected)


def filtered(b: Any, a: Any, x: Any, z: Any) -> tuple[Any, Any]:
    """Along the first axis of x (n, rows), with delays z (order, rows) at the beginning: the output and last delays."""
    if a.shape[0] == 1:
        return _without_feedback(b, x, z)
    order = z.shape[0]
    b, a = padded_to(b, order + 1), padded_to(a, order + 1)
    y = np.zeros_like(x)
    if order > ORDER_LIMIT:
        return looped(_recursion)(b, a, x, z.copy(), y)
    single = x.shape[1] == 1
    taps = [(b[k], a[k]) for k in range(order + 1)]
    if single:
        y, z = looped(_delays)(taps, x[:, 0], tuple([z[k, 0] for k in range(order)]), y[:, 0].copy())
        return y[:, np.newaxis], np.stack(z)[:, np.newaxis]
    y, z = looped(_delays)(taps, x, tuple([z[k].copy() for k in range(order)]), y)
    return y, np.stack(z)


def _without_feedback(b: Any, x: Any, z: Any) -> tuple[Any, Any]:
    """A moving sum."""
    n, k = x.shape[0], b.shape[0]
    around = np.pad(x, ((k - 1, k - 1), (0, 0)))
    full = slid(around, b[::-1, np.newaxis], (n + k - 1, x.shape[1]))
    full = full + np.pad(z, ((0, n), (0, 0)))
    return full[:n], full[n:]


def _delays(taps: Any, x: Any, z: Any, y: Any) -> Any:
    order = len(z)
    for i in range(x.shape[0]):
        now = x[i]
        out = taps[0][0] * now + z[0]
        y[i] = out
        z = tuple([taps[k + 1][0] * now - taps[k + 1][1] * out + z[k + 1] for k in range(order - 1)] +
                  [taps[order][0] * now - taps[order][1] * out])
    return y, z


def _recursion(b: Any, a: Any, x: Any, z: Any, y: Any) -> Any:
    for i in range(x.shape[0]):
        now = x[i]
        out = b[0] * now + z[0]
        y[i] = out
        later = b[1:, np.newaxis] * now - a[1:, np.newaxis] * out
        later[:-1] += z[1:]
        z = later
    return y, z


def lfilter_zi(b, a):
    """The delays of a filter that has always had ones as its input."""
    num, den = coefficients(b, "b"), coefficients(a, "a")
    require(array(den[0] != 0), "a[0], the first coefficient of the denominator, must not be zero")
    dtype = common(num, den)
    n = max(num.shape[0], den.shape[0])
    num, den = padded_to(cast(num, dtype) / den[0], n), padded_to(cast(den, dtype) / den[0], n)
    first = np.sum(num[1:] - den[1:] * num[0]) / np.sum(den)
    if n == 1:
        return zeros(0, dtype)
    later = np.cumsum(den[:-1])[1:] * first - np.cumsum(num[1:-1] - den[1:-1] * num[0])
    return np.concatenate([np.reshape(first, (1,)), later])


# forward and backward -------------------------------------------------------------------------------------------------
PADS = ("even", "odd", "constant", None)


def extended(x: Any, axis: int, padtype: Any, padlen: Any, taps: int) -> tuple[Any, int]:
    """x with some samples more at both ends."""
    if padtype not in PADS:
        invalid(f"Unknown value '{padtype}' given to padtype. padtype must be 'even', 'odd', 'constant', or None.")
    edge = 0 if padtype is None else 3 * taps if padlen is None else int(padlen)
    if x.shape[axis] <= edge:
        invalid(f"The length of the input vector x must be greater than padlen, which is {edge}.")
    if not edge:
        return x, 0
    def at(index: Any) -> Any:
        return x[along(axis, x.ndim, index)]

    first, last = at(slice(0, 1)), at(slice(-1, None))
    if padtype == "constant":
        before, behind = (np.repeat(end, edge, axis=axis) for end in (first, last))
    else:
        before, behind = at(slice(edge, 0, -1)), at(slice(-2, -(edge + 2), -1))
    if padtype == "odd":
        before, behind = 2 * first - before, 2 * last - behind
    return np.concatenate([before, x, behind], axis=axis), edge


def both_ways(f: Any, x: Any, zi: Any, axis: int, edge: int) -> Any:
    """A filter with its delays (f(x, zi) -> y, last delays), forward and then backward."""
    def at(v: Any, index: Any) -> Any:
        return v[along(axis, v.ndim, index)]

    y, _ = f(x, zi * at(x, slice(0, 1)))
    y, _ = f(at(y, slice(None, None, -1)), zi * at(y, slice(-1, None)))
    y = at(y, slice(None, None, -1))
    return at(y, slice(edge, -edge)) if edge else y


def filtfilt(b, a, x, axis=-1, padtype="odd", padlen=None, method="pad", irlen=None):
    if method != "pad":
        if method != "gust":
            invalid("method must be 'pad' or 'gust'.")
        unsupported("scipy.signal.filtfilt", "method='gust'; method='pad' is")
    num, den, v = coefficients(b, "b"), coefficients(a, "a"), floats(x)
    axis = axis_of(axis, v.ndim)
    v, edge = extended(v, axis, padtype, padlen, max(num.shape[0], den.shape[0]))
    zi = lfilter_zi(num, den)
    zi = np.reshape(zi, [zi.shape[0] if k == axis else 1 for k in range(v.ndim)])
    return both_ways(lambda u, z: lfilter(num, den, u, axis, z), v, zi, axis, edge)


# sections -------------------------------------------------------------------------------------------------------------
def sections(sos: Any) -> Any:
    s = np.atleast_2d(array(sos))
    if s.ndim != 2:
        invalid("sos array must be 2D")
    if s.shape[1] != 6:
        invalid("sos array must be shape (n_sections, 6)")
    require(array(np.all(s[:, 3] == 1)), "sos[:, 3] should be all ones")
    return s


def sosfilt(sos, x, axis=-1, zi=None):
    s, y = sections(sos), array(x)
    if not y.ndim:
        invalid("x must be at least 1-D")
    axis = axis_of(axis, y.ndim)
    dtype = common(s, y, *([] if zi is None else [array(zi)]))
    y = cast(y, dtype)
    expected = (s.shape[0], *y.shape[:axis], 2, *y.shape[axis + 1:])
    if zi is not None and tuple(array(zi).shape) != expected:
        invalid(f"Invalid zi shape. With axis={axis!r}, an input with shape {tuple(y.shape)}, and an sos array with "
                f"{s.shape[0]} sections, zi must have shape {expected}, got {tuple(array(zi).shape)}.")
    delays = zeros(expected, dtype) if zi is None else array(zi)
    last = []
    for k in range(s.shape[0]):
        y, z = lfilter(s[k, :3], s[k, 3:], y, axis, delays[k])
        last.append(z)
    return y if zi is None else (y, np.stack(last))


def sosfilt_zi(sos):
    s = sections(sos)
    found, scale = [], 1.0
    for k in range(s.shape[0]):
        found.append(scale * lfilter_zi(s[k, :3], s[k, 3:]))
        scale = scale * np.sum(s[k, :3]) / np.sum(s[k, 3:])
    return np.stack(found)


def sosfiltfilt(sos, x, axis=-1, padtype="odd", padlen=None):
    s, v = sections(sos), floats(x)
    axis = axis_of(axis, v.ndim)
    known = elements_if_known(s)
    if known is None and padlen is None and padtype is not None:
        unsupported("scipy.signal.sosfiltfilt", "of coefficients that are not known while tracing, without padlen=, "
                                                "which depends on how many of them are zero; write padlen=")
    missing = 0 if known is None else int(min((known[:, 2] == 0).sum(), (known[:, 5] == 0).sum()))
    v, edge = extended(v, axis, padtype, padlen, 2 * s.shape[0] + 1 - missing)
    zi = sosfilt_zi(s)
    zi = np.reshape(zi, (s.shape[0], *(2 if k == axis else 1 for k in range(v.ndim))))

    def run(u: Any, z: Any) -> Any:
        return sosfilt(s, u, axis, np.broadcast_to(z, (s.shape[0], *u.shape[:axis], 2, *u.shape[axis + 1:])))

    def at(v: Any, index: Any) -> Any:
        return v[along(axis, v.ndim, index)]

    y, _ = run(v, zi * at(v, slice(0, 1))[np.newaxis])
    y, _ = run(at(y, slice(None, None, -1)), zi * at(y, slice(-1, None))[np.newaxis])
    y = at(y, slice(None, None, -1))
    return at(y, slice(edge, -edge)) if edge else y


def deconvolve(signal, divisor):
    """The quotient and the remainder of polynomials."""
    from .sums_of_products import convolve
    num, den = np.atleast_1d(array(signal)), np.atleast_1d(array(divisor))
    for name, v in (("signal", num), ("divisor", den)):
        if v.ndim != 1 or not v.shape[0]:
            invalid(f"Parameter {name} must be non-empty 1d array, but its shape is {tuple(v.shape)}!")
    n, d = num.shape[0], den.shape[0]
    if d > n:
        return [], num
    impulse = zeros(n - d + 1)
    impulse[0] = 1.0
    quotient = lfilter(num, den, impulse)
    return quotient, num - convolve(den, quotient)


RULES: dict[tuple[str, str], Rule] = {
    ("scipy.signal._signaltools", f.__name__): f for f in (
        lfilter, lfilter_zi, filtfilt, sosfilt, sosfilt_zi, sosfiltfilt, deconvolve)}
