"""scipy.signal's linear systems of traced coefficients: simulated as SciPy does, by matrix exponentials and a step for
each sample."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from ...errors import ArgumentError, UnsupportedError
from ...tracer import libraries
from ...tracer.calls import call
from ...tracer.locations import fail
from ...tracer.opaque import on_data
from ...tracer.operands import as_traced
from ...tracer.outside import outside
from ...tracer.recorder import current
from ..structured import scan

Matrices = tuple[Any, Any, Any, Any]


def numbers(x: Any) -> Any:
    return as_traced(x) * 1.0


def matrices_of(system: Any, name: str) -> Matrices:
    """A, B, C and D of a system in space of states, or as a quotient of polynomials (SciPy's companion form)."""
    if hasattr(system, "to_ss"):
        outside(current()).watch(system, f"scipy.signal.{name}")
        ss = system.to_ss()
        system = ss.A, ss.B, ss.C, ss.D
    if not isinstance(system, (tuple, list)) or len(system) not in (2, 4, 5):
        fail(UnsupportedError, f"scipy.signal.{name} of traced numbers takes (numerator, denominator) or (A, B, C, D), "
                               f"got {type(system).__name__} of {len(system) if hasattr(system, '__len__') else 1}")
    if len(system) > 2:
        a, b, c, d = (np.atleast_2d(numbers(m)) for m in system[:4])
        return a, b, c, d
    numerator, denominator = (np.atleast_1d(numbers(p)) for p in system)
    if numerator.ndim > 1 or denominator.ndim > 1 or numerator.shape[0] > denominator.shape[0]:
        fail(ArgumentError, f"scipy.signal.{name}: the numerator is of a higher order than the denominator, or one is "
                            f"no vector")
    numerator, denominator = numerator / denominator[0], denominator / denominator[0]
    n = denominator.shape[0] - 1
    numerator = np.concatenate([np.zeros(n + 1 - numerator.shape[0]), numerator])
    first = np.reshape(numerator[:1], (1, 1))
    if n == 0:
        return np.zeros((1, 1)), np.zeros((1, 1)), np.zeros((1, 1)), first
    a = np.concatenate([-np.reshape(denominator[1:], (1, n)), np.eye(n - 1, n)])
    return a, np.eye(n, 1), np.reshape(numerator[1:] - numerator[0] * denominator[1:], (1, n)), first


def exponential(m: Any) -> Any:
    return call(importlib.import_module("scipy.linalg").expm, m)


def lsim(system: Any, U: Any, T: Any, X0: Any = None, interp: bool = True) -> Any:
    """The response to an input at equal steps, between which it is a line, or held."""
    a, b, c, d = matrices_of(system, "lsim")
    t, n, inputs = numbers(T), a.shape[0], b.shape[1]
    start = np.zeros(n) if X0 is None else numbers(X0)
    u = np.zeros((t.shape[0], inputs)) if U is None else np.reshape(numbers(U), (t.shape[0], inputs))
    dt = t[1] - t[0]
    zeros = np.zeros
    if interp:
        rows = [np.concatenate([a * dt, b * dt, zeros((n, inputs))], axis=1),
                np.concatenate([zeros((inputs, n + inputs)), np.eye(inputs)], axis=1), zeros((inputs, n + 2 * inputs))]
    else:
        rows = [np.concatenate([a * dt, b * dt], axis=1), zeros((inputs, n + inputs))]
    whole = exponential(np.concatenate(rows))
    ad, now = whole[:n, :n], whole[:n, n:n + inputs]
    later = whole[:n, n + inputs:] if interp else zeros((n, inputs))

    def step(x: Any, pair: Any) -> Any:
        before, behind = pair
        new = ad @ x + (now - later) @ before + later @ behind
        return new, new

    _, rest = scan(step, start * np.ones(n), (u[:-1], u[1:]))
    x = np.concatenate([np.reshape(start * np.ones(n), (1, n)), rest])
    y = x @ np.transpose(c) + u @ np.transpose(d)
    return t, y[:, 0] if y.shape[1] == 1 else y, x


def times(T: Any, name: str) -> Any:
    if T is None:
        fail(UnsupportedError, f"scipy.signal.{name} of a traced system wants T=: SciPy chooses times by the poles")
    return T


def step(system: Any, X0: Any = None, T: Any = None, N: Any = None) -> Any:
    t = times(T, "step")
    t, y, _ = lsim(system, np.ones(len(t)), t, X0, interp=False)
    return t, y


def impulse(system: Any, X0: Any = None, T: Any = None, N: Any = None) -> Any:
    a, b, c, d = matrices_of(system, "impulse")
    start = b[:, 0] if X0 is None else b[:, 0] + numbers(X0)
    t, y, _ = lsim((a, b, c, d), None, times(T, "impulse"), start, interp=False)
    return t, y


def cont2discrete(system: Any, dt: Any, method: str = "zoh", alpha: Any = None) -> Any:
    """Of a system in space of states, its input held between the samples, or by the trapezoidal rule."""
    if len(system) < 4 or method not in ("zoh", "bilinear", "tustin"):
        fail(UnsupportedError, "scipy.signal.cont2discrete of traced numbers takes (A, B, C, D), and method='zoh' or "
                               "'bilinear'")
    a, b, c, d = matrices_of(system, "cont2discrete")
    n, inputs = a.shape[0], b.shape[1]
    if method == "zoh":
        whole = exponential(np.concatenate([np.concatenate([a * dt, b * dt], axis=1), np.zeros((inputs, n + inputs))]))
        return whole[:n, :n], whole[:n, n:], c, d, dt
    left = np.eye(n) - 0.5 * dt * a
    ad, bd = np.linalg.solve(left, np.eye(n) + 0.5 * dt * a), np.linalg.solve(left, dt * b)
    cd = np.transpose(np.linalg.solve(np.transpose(left), np.transpose(c)))
    return ad, bd, cd, d + 0.5 * c @ bd, dt


def dlsim(system: Any, u: Any, t: Any = None, x0: Any = None) -> Any:
    if t is not None:
        fail(UnsupportedError, "scipy.signal.dlsim of traced numbers does not take t=; leave it away")
    a, b, c, d = matrices_of(system[:-1], "dlsim")
    dt, n = system[-1], a.shape[0]
    given = numbers(u)
    given = given[:, np.newaxis] if given.ndim == 1 else given
    start = np.zeros(n) if x0 is None else numbers(x0) * np.ones(n)

    def step(x: Any, now: Any) -> Any:
        return a @ x + b @ now, x

    _, x = scan(step, start, given)
    return np.arange(given.shape[0]) * dt, x @ np.transpose(c) + given @ np.transpose(d), x


def freqs(b: Any, a: Any, worN: Any = 200, plot: Any = None) -> Any:
    if np.ndim(worN) == 0:
        fail(UnsupportedError, "scipy.signal.freqs of traced coefficients wants frequencies as worN=: SciPy chooses "
                               "them by the poles")
    w = numbers(worN)
    s = 1j * w
    return w, np.polyval(np.atleast_1d(numbers(b)), s) / np.polyval(np.atleast_1d(numbers(a)), s)


def or_of_data(f: Any) -> Any:
    """The rule, where not all is data from outside."""
    def rule(*args: Any, **kwargs: Any) -> Any:
        known = on_data(getattr(importlib.import_module("scipy.signal"), f.__name__), args, kwargs)
        return f(*args, **kwargs) if known is None else known

    return rule


RULES: libraries.Rules = {
    **{("scipy.signal._ltisys", f.__name__): or_of_data(f) for f in (lsim, step, impulse, dlsim)},
    ("scipy.signal._lti_conversion", "cont2discrete"): or_of_data(cont2discrete),
    ("scipy.signal._filter_design", "freqs"): or_of_data(freqs),
}
