"""scipy.integrate's method Radau for stiff systems: the implicit Runge-Kutta method of order 5 with SciPy's own control
of the steps (Hairer and Wanner, Solving Ordinary Differential Equations II, IV.8).

What a step finds by iteration is held; then Newton's iteration takes `POLISHING` more steps, through which derivatives
flow. With a matrix that is the Jacobian to half of the digits each of these adds as many digits to the derivatives of
what solves the step's equations, those of an order from the step on after which the order before has them. Between the
steps goes a row of numbers: how long the next one may be and what that depends on, the Jacobian, and the polynomial
of the step before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..numpy.common import array
from ..operands import as_traced, emit, emit_all
from .ode import EPS, FAILED, InitialValueProblem, RungeKutta, held, norm
from .written_loops import Rule, doubles, looped, zeros

ROOT = 6**0.5
NODES = np.array([(4 - ROOT) / 10, (4 + ROOT) / 10, 1.0])
INVERSE = np.linalg.inv(np.array([
    [(88 - 7 * ROOT) / 360, (296 - 169 * ROOT) / 1800, (-2 + 3 * ROOT) / 225],
    [(296 + 169 * ROOT) / 1800, (88 + 7 * ROOT) / 360, (-2 - 3 * ROOT) / 225],
    [(16 - ROOT) / 36, (16 + ROOT) / 36, 1 / 9]]))
"""Of the matrix of the method's coefficients."""
ERRORS = np.array([-13 - 7 * ROOT, -13 + 7 * ROOT, -1]) / 3
REAL_EIGENVALUE = 3 + 3 ** (2 / 3) - 3 ** (1 / 3)
SEEN = np.array([
    [4.17871859155190428, 0.32768282076106237, 0.52337644549944951],
    [-4.17871859155190428, -0.32768282076106237, 0.47662355450055044],
    [0.50287263494578682, -2.57192694985560522, 0.59603920482822492]])
"""In these coordinates SciPy looks how far the iteration has come."""
POWERS = np.array([
    [13 / 3 + 7 * ROOT / 3, -23 / 3 - 22 * ROOT / 3, 10 / 3 + 5 * ROOT],
    [13 / 3 - 7 * ROOT / 3, -23 / 3 + 22 * ROOT / 3, 10 / 3 - 5 * ROOT],
    [1 / 3, -8 / 3, 10 / 3]])
"""What the polynomial between the ends of a step takes of the stages, power by power."""
ITERATIONS, POLISHING = 6, 3
METHOD = RungeKutta("Radau", (), (), (), (), tuple(map(tuple, POWERS.T.tolist())), 3)


class StiffProblem(InitialValueProblem):
    """A system, and its Jacobian if the user has given that: a function of t and y, or a matrix."""

    def __init__(self, fun: Rule, rtol: Any, atol: Any, limits: tuple[Any, Any], sign: Any, longest: float, n: int,
                 jac: Any):
        super().__init__(fun, METHOD, rtol, atol, limits, sign, longest)
        self.n, self.jac = n, jac
        self.step, self.differences = looped(_step), looped(_differences)
        self.iterated = looped(_iterated)
        self.tolerance = held(np.maximum(10 * EPS / rtol, np.minimum(0.03, rtol**0.5)))

    def control(self, first: Any, t: Any, y: Any, f: Any) -> Any:
        """The row of numbers before the first step: the length of the step, that of the step before and its error (0:
        there was none), over which length the polynomial goes, whether the Jacobian is that of this point."""
        numbers = [np.reshape(doubles(held(first)), (1,)), zeros(2), zeros(1) + 1.0, zeros(1) + 1.0]
        return np.concatenate([*numbers, np.ravel(self.jacobian(held(t), held(y), held(f))), zeros(3 * self.n)])

    def jacobian(self, t: Any, y: Any, f: Any) -> Any:
        if self.jac is None:
            return held(self.differences(self, t, y, f, zeros((self.n, self.n))))
        found = self.jac(t, y) if callable(self.jac) else self.jac
        return held(np.reshape(doubles(found), (self.n, self.n)))

    def slopes(self, t: Any, y: Any, h: Any, z: Any) -> Any:
        return np.stack([self.fun(t + c * h, y + z[i]) for i, c in enumerate(NODES.tolist())])

    def residual(self, t: Any, y: Any, h: Any, z: Any) -> Any:
        """What the equations of a step leave, in one column."""
        return np.reshape(self.slopes(t, y, h, z) - INVERSE @ z / h, (3 * self.n, 1))

    def guess(self, q: Any, ratio: Any) -> Any:
        """The stages by the polynomial of the step before, where that has been."""
        rows = []
        for c in NODES.tolist():
            x = 1.0 + c * ratio
            rows.append(q[0] * (x - 1.0) + q[1] * (x * x - 1.0) + q[2] * (x * x * x - 1.0))
        return np.stack(rows)

    def polished(self, t: Any, y: Any, h: Any, z: Any) -> Any:
        """The stages with their derivatives."""
        still, rows = held(h), []
        for i, c in enumerate(NODES.tolist()):
            at, there = held(t) + c * still, held(y) + z[i]
            jac = self.jacobian(at, there, held(self.fun(at, there)))
            row = [INVERSE[i, j] / still * np.eye(self.n) - (jac if i == j else 0.0) for j in range(3)]
            rows.append(np.concatenate(row, axis=1))
        factors = HeldFactors(np.concatenate(rows, axis=0))
        for _ in range(POLISHING):
            z = z + np.reshape(factors.solve(self.residual(t, y, h, z)), (3, self.n))
        return z

    def polynomial(self, t: Any, y: Any, h: Any, k: Any, new: Any, f: Any) -> list[Any]:
        return [POWERS[0, i] * k[0] + POWERS[1, i] * k[1] + POWERS[2, i] * k[2] for i in range(3)]


class HeldFactors:
    """The factors of a matrix, through which no derivative flows: of a singular one what comes is infinite."""

    def __init__(self, a: Any):
        self.a = as_traced(held(a))
        self.lu, self.pivots, _ = emit_all("lu", self.a)

    def solve(self, b: Any) -> Any:
        return emit("lu_solve", self.a, self.lu, self.pivots, as_traced(b), trans=False, checked=False)


def _differences(p: Any, t: Any, y: Any, f: Any, out: Any) -> Any:
    """The Jacobian by forward differences, column by column."""
    size = np.maximum(np.maximum(np.abs(y), p.atol), 1e-100)
    for j in range(len(y)):
        there = y.copy()
        there[j] = y[j] + EPS**0.5 * size[j]
        out[:, j] = (p.fun(t, there) - f) / (there[j] - y[j])
    return out


def _iterated(p: Any, factors: Any, t: Any, y: Any, h: Any, z: Any, scale: Any) -> Any:
    """Newton's iteration with a Jacobian that stays: the stages, whether it has converged, in how many iterations and
    at which rate."""
    converged, running, count, rate, before = 0.0, 1.0, 0.0, 0.0, 0.0
    while running == 1.0:
        change = np.reshape(factors.solve(held(p.residual(t, y, h, z))), (3, p.n))
        size = norm(SEEN @ change / scale)
        rate = size / before if before > 0.0 else 0.0
        hopeless = rate ** (ITERATIONS - count) / (1 - rate) * size > p.tolerance
        if not np.isfinite(size) or (before > 0.0 and (rate >= 1.0 or hopeless)):
            running = 0.0
        else:
            z = z + change
            if size == 0.0 or (before > 0.0 and rate / (1 - rate) * size < p.tolerance):
                converged, running = 1.0, 0.0
            before = size
        count += 1.0
        if count >= ITERATIONS:
            running = 0.0
    return z, converged, count, rate


def _step(p: Any, t: Any, y: Any, f: Any, control: Any) -> Any:
    """One step that is good enough."""
    n = p.n
    t0, y0, f0 = held(t), held(y), held(f)
    planned, before, error_before, length, current = control[0], control[1], control[2], control[3], control[4]
    jac, q = np.reshape(control[5:5 + n * n], (n, n)), np.reshape(control[5 + n * n:], (3, n))
    least = 10 * EPS * np.abs(t0) + 1e-300
    h_abs = np.maximum(np.minimum(planned, p.longest), least)
    error_before = np.where(h_abs == planned, error_before, 0.0)
    done, refused, factor, count, rate, error = 0.0, 0.0, 1.0, 0.0, 0.0, 0.0
    z = zeros((3, n))
    while done == 0.0:
        if not h_abs >= least:
            raise RuntimeError(FAILED)
        ahead = t0 + h_abs * p.sign
        h = np.where(p.sign * (ahead - p.end) > 0, held(p.end) * 1.0, ahead) - t0
        h_abs = np.abs(h)
        scale = p.atol + np.abs(y0) * p.rtol
        factors = HeldFactors(np.kron(INVERSE / h, np.eye(n)) - np.kron(np.eye(3), jac))
        z, converged, count, rate = p.iterated(p, factors, t0, y0, h, p.guess(q, h_abs / length), scale)
        if converged == 0.0:
            if current == 1.0:
                h_abs = 0.5 * h_abs
            else:
                jac, current = p.jacobian(t0, y0, f0), 1.0
        else:
            estimate = HeldFactors(REAL_EIGENVALUE / h * np.eye(n) - jac)
            further = (ERRORS[0] * z[0] + ERRORS[1] * z[1] + ERRORS[2] * z[2]) / h
            scale = p.atol + np.maximum(np.abs(y0), np.abs(y0 + z[2])) * p.rtol
            off = estimate.solve(np.reshape(f0 + further, (n, 1)))[:, 0]
            error = norm(off / scale)
            if refused == 1.0 and error > 1.0:
                off = estimate.solve(np.reshape(held(p.fun(t0, y0 + off)) + further, (n, 1)))[:, 0]
                error = norm(off / scale)
            largest = np.maximum(error, 1e-300)
            ratio = np.where((error_before > 0) & (before > 0), h_abs / np.where(before > 0, before, 1.0) *
                             (error_before / largest) ** 0.25, 1.0)
            safety = 0.9 * (2 * ITERATIONS + 1) / (2 * ITERATIONS + count)
            factor = safety * np.minimum(1.0, ratio) * largest ** -0.25
            if error > 1.0:
                h_abs, refused = h_abs * np.maximum(0.2, factor), 1.0
            else:
                done = 1.0
    ahead = np.where(p.sign * (t0 + h_abs * p.sign - p.end) >= 0, p.end, t + h_abs * p.sign)
    h = ahead - t
    z = p.polished(t, y, h, z)
    new = y + z[2]
    slope = p.fun(ahead, new)
    anew = (count > 2.0) & (rate > 1e-3)
    factor = np.minimum(10.0, factor)
    factor = np.where(np.logical_not(anew) & (factor < 1.2), 1.0, factor)  # type: ignore[assignment]  # begins as 1.0
    if anew:
        jac = p.jacobian(held(ahead), held(new), held(slope))
    still = held(z)
    powers = [POWERS[0, i] * still[0] + POWERS[1, i] * still[1] + POWERS[2, i] * still[2] for i in range(3)]
    numbers = np.stack([h_abs * factor, planned, error, h_abs, np.where(anew, 1.0, 0.0)])
    return ahead, h, z, new, slope, np.concatenate([numbers, np.ravel(jac), *powers])


def prepared(fun: Rule, limits: tuple[Any, Any], sign: Any, y0: Any, rtol: Any, atol: Any, longest: float, first: Any,
             jac: Callable[[Any, Any], Any] | Any) -> tuple[Any, ...]:
    """What the loops of `ode` take."""
    p = StiffProblem(fun, rtol, atol, limits, sign, longest, y0.shape[0], jac)
    f = fun(limits[0], y0)
    h = p.first_step(limits[0], y0, f) if first is None else held(doubles(first)[()])
    return p, limits[0], y0, f, p.control(array(h), limits[0], y0, f)


__all__ = ["StiffProblem", "prepared"]
