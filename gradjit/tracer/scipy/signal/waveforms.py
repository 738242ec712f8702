"""scipy.signal's waveforms, and windows that decide by their parameter."""

from __future__ import annotations

import importlib
import math
from typing import Any

import numpy as np

from ...calls import call
from ...numpy.common import array, static
from ...operands import require
from ..special import ufunc
from ..written_loops import Rule, doubles, invalid

TAU = 2 * math.pi


def demand(condition: Any, message: str) -> None:
    require(array(condition), message)


def sawtooth(t, width=1):
    x, w = np.broadcast_arrays(doubles(t), doubles(width))
    turn: Any = np.mod(x, TAU)
    rises = turn < w * TAU
    up = turn / (math.pi * np.where(rises, w, 1.0)) - 1
    down = (math.pi * (w + 1) - turn) / (math.pi * np.where(rises, 1.0, 1 - w))
    return np.where((w > 1) | (w < 0), np.nan, np.where(rises, up, down))


def square(t, duty=0.5):
    x, w = np.broadcast_arrays(doubles(t), doubles(duty))
    return np.where((w > 1) | (w < 0), np.nan, np.where(np.mod(x, TAU) < w * TAU, 1.0, -1.0))


def gausspulse(t, fc=1000, bw=0.5, bwr=-6, tpr=-60, retquad=False, retenv=False):
    demand(array(fc) >= 0, "Center frequency must be >=0.")
    demand(array(bw) > 0, "Fractional bandwidth must be > 0.")
    narrow = (math.pi * fc * bw) ** 2 / (-4.0 * math.log(10.0 ** (static(bwr, "bwr")[()] / 20.0)))
    if isinstance(t, str):
        return np.sqrt(-math.log(10.0 ** (static(tpr, "tpr")[()] / 20.0)) / narrow)
    x = doubles(t)
    around = np.exp(-narrow * x * x)
    found = [around * np.cos(TAU * fc * x)] + [around * np.sin(TAU * fc * x)] * bool(retquad) + [around] * bool(retenv)
    return found[0] if len(found) == 1 else tuple(found)


def chirp(t, f0, t1, f1, method="linear", phi=0, vertex_zero=True, *, complex=False):
    phase = chirp_phase(doubles(t), f0, t1, f1, method, vertex_zero) + np.deg2rad(phi)
    return np.exp(1j * phase) if complex else np.cos(phase)


def chirp_phase(t: Any, f0: Any, t1: Any, f1: Any, method: str, vertex_zero: bool) -> Any:
    if method in ("linear", "lin", "li"):
        return TAU * (f0 * t + 0.5 * ((f1 - f0) / t1) * t * t)
    if method in ("quadratic", "quad", "q"):
        beta = (f1 - f0) / t1**2
        return TAU * (f0 * t + beta * t**3 / 3 if vertex_zero else f1 * t + beta * ((t1 - t) ** 3 - t1**3) / 3)
    if method not in ("logarithmic", "log", "lo", "hyperbolic", "hyp"):
        invalid(f"method must be 'linear', 'quadratic', 'logarithmic', or 'hyperbolic', but a value of {method!r} was "
                f"given.")
    same = array(f0) == f1
    other = np.where(same, 2.0 * array(f0), f1)
    if method.startswith("hyp"):
        demand((array(f0) != 0) & (array(f1) != 0), "For a hyperbolic chirp, f0 and f1 must be nonzero.")
        pole = -other * t1 / (f0 - other)
        return np.where(same, TAU * f0 * t, TAU * (-pole * f0) * np.log(np.abs(1 - t / pole)))
    demand(array(f0) * f1 > 0, "For a logarithmic chirp, f0 and f1 must be nonzero and have the same sign.")
    beta = t1 / np.log(other / f0)
    return np.where(same, TAU * f0 * t, TAU * beta * f0 * ((other / f0) ** (t / t1) - 1.0))


# windows --------------------------------------------------------------------------------------------------------------
def samples(M: Any, sym: bool) -> tuple[Any, int]:
    """The places of a window, and how many of a symmetric one."""
    count = int(static(M, "M"))
    if count < 0:
        invalid("Window length M must be a non-negative integer")
    return np.arange(count, dtype=float), count if sym or count < 2 else count + 1


def kaiser(M, beta, sym=True):
    n, count = samples(M, sym)
    if count < 2:
        return np.ones(len(n))
    half = (count - 1) / 2.0
    return ufunc("i0", beta * np.sqrt(np.maximum(1 - ((n - half) / half) ** 2, 0.0))) / ufunc("i0", beta)


def tukey(M, alpha=0.5, sym=True):
    n, count = samples(M, sym)
    if count < 2:
        return np.ones(len(n))
    share = np.clip(array(alpha) * 1.0, 0.0, 1.0)
    reach = share * (count - 1) / 2.0
    from_end = np.minimum(n, count - 1 - n)
    edge = 0.5 * (1 + np.cos(math.pi * (-1 + from_end / np.where(reach > 0, reach, 1.0))))
    return np.where((from_end <= np.floor(reach)) & (reach > 0), edge, 1.0)


def get_window(window, Nx, fftbins=True):
    """By the window's own function, where its parameters are traced."""
    module = importlib.import_module("scipy.signal.windows._windows")
    if not isinstance(window, tuple):
        return kaiser(Nx, window, not fftbins)
    name, *parameters = window
    sym = name.endswith("_symmetric") or not (fftbins or name.endswith("_periodic"))
    name = name.removesuffix("_symmetric").removesuffix("_periodic")
    if name not in module._WIN_FUNCS:
        invalid(f"Invalid window name '{name}' in parameter window!")
    return call(module._WIN_FUNCS[name][0], Nx, *parameters, sym=sym)


RULES: dict[tuple[str, str], Rule] = {
    **{("scipy.signal._waveforms", f.__name__): f for f in (sawtooth, square, gausspulse, chirp)},
    **{("scipy.signal.windows._windows", f.__name__): f for f in (kaiser, tukey, get_window)},
}
