"""Optimisers and root finders inside the function, differentiated through."""

import math

import numpy as np

import gradjit as gj

from ..case import Case

RNG = np.random.default_rng(3)


def descent_on_ridge(lam, x, y, steps=30, rate=0.02):
    """The loss on held-out rows of weights fitted by gradient descent: a hypergradient."""
    w = np.zeros(x.shape[1])
    for _ in range(steps):
        w -= rate * (x[:8].T @ (x[:8] @ w - y[:8]) + lam * w)
    return np.mean((x[8:] @ w - y[8:]) ** 2)


def bumpy(w, curvature):
    return np.sum(curvature * w ** 2) + np.sum(np.cos(w))


SLOPE = gj.grad(bumpy)


def momentum_with_inner_gradient(start, curvature, steps=20):
    """The inner gradient comes from gradjit itself."""
    w, v = start, np.zeros_like(start)
    for _ in range(steps):
        v = 0.8 * v - 0.05 * SLOPE(w, curvature)
        w = w + v
    return np.sum(w ** 2)


def adam(rate, start, steps=25):
    w = start.copy()
    m, v = np.zeros_like(w), np.zeros_like(w)
    for t in range(1, steps + 1):
        g = 4 * w ** 3 - 2 * w + 0.1
        m = 0.9 * m + 0.1 * g
        v = 0.99 * v + 0.01 * g ** 2
        w -= rate * (m / (1 - 0.9 ** t)) / (np.sqrt(v / (1 - 0.99 ** t)) + 1e-3)
    return np.sum(w ** 4)


def newton_root(a, b):
    """x**5 + a x = b, to tolerance."""
    x = 1.0
    while True:
        step = (x ** 5 + a * x - b) / (5 * x ** 4 + a)
        x -= step
        if abs(step) < 1e-13:
            break
    return x


def newton_with_limit(a):
    x = a
    for _ in range(50):
        new = 0.5 * (x + a / x)
        if abs(new - x) <= 1e-14 * abs(new):
            return new
        x = new
    return math.nan


def bisection_then_newton(c):
    """Bisection is piecewise constant in c; one Newton step at the end gives the derivative."""
    def f(x):
        return x ** 3 - x - c

    lo, hi = 1.0, 3.0
    while hi - lo > 1e-9:
        mid = 0.5 * (lo + hi)
        if f(lo) * f(mid) <= 0:
            hi = mid
        else:
            lo = mid
    x = 0.5 * (lo + hi)
    return x - f(x) / (3 * x ** 2 - 1)


def armijo_descent(start, scale):
    """Backtracking line search: the accepted step depends on the values."""
    def f(x):
        return scale * (x[0] - 1) ** 2 + (x[1] - x[0] ** 2) ** 2

    x = start.copy()
    for _ in range(10):
        g = np.array([2 * scale * (x[0] - 1) - 4 * x[0] * (x[1] - x[0] ** 2), 2 * (x[1] - x[0] ** 2)])
        t = 1.0
        while f(x - t * g) > f(x) - 0.3 * t * (g @ g):
            t *= 0.5
        x = x - t * g
    return f(x) + x[0]


def conjugate_gradients(a, b):
    """Hestenes and Stiefel, to tolerance."""
    x = np.zeros_like(b)
    r = b - a @ x
    p = r.copy()
    rs = r @ r
    k = 0
    while rs > 1e-9 and k < len(b):
        ap = a @ p
        alpha = rs / (p @ ap)
        x += alpha * p
        r -= alpha * ap
        new = r @ r
        p = r + (new / rs) * p
        rs = new
        k += 1
    return np.sum(x ** 2)


def coordinate_descent_lasso(x, y, lam=0.4, sweeps=10):
    """Soft thresholds with if, elif and else."""
    n, d = x.shape
    w = np.zeros(d)
    residual = y.copy()
    for _ in range(sweeps):
        for j in range(d):
            rho = x[:, j] @ residual + w[j] * (x[:, j] @ x[:, j])
            if rho > lam:
                new = (rho - lam) / (x[:, j] @ x[:, j])
            elif rho < -lam:
                new = (rho + lam) / (x[:, j] @ x[:, j])
            else:
                new = 0.0
            residual += x[:, j] * (w[j] - new)
            w[j] = new
    return residual @ residual + lam * np.sum(np.abs(w))


def fixed_point_with_aitken(a):
    """Steffensen's method; stops early by return."""
    x = 0.5
    for _ in range(30):
        y = np.cos(a * x)
        z = np.cos(a * y)
        bottom = z - 2 * y + x
        if np.abs(bottom) < 1e-12:
            return z
        new = x - (y - x) ** 2 / bottom
        if np.abs(new - x) < 1e-13:
            return new
        x = new
    return x


def golden_section(p):
    """The least value of a convex function: the place moves with p, the value smoothly."""
    def f(x):
        return (x - p) ** 2 + 0.1 * x ** 4

    ratio = (math.sqrt(5) - 1) / 2
    a, b = 0.0, 3.0
    c, d = b - ratio * (b - a), a + ratio * (b - a)
    fc, fd = f(c), f(d)
    while b - a > 1e-7:
        if fc < fd:
            b, d, fd = d, c, fc
            c = b - ratio * (b - a)
            fc = f(c)
        else:
            a, c, fc = c, d, fd
            d = a + ratio * (b - a)
            fd = f(d)
    return f(0.5 * (a + b))


def sinkhorn(cost, eps, iterations=25):
    """Entropic transport between uniform weights."""
    n, m = cost.shape
    kernel = np.exp(-cost / eps)
    u, v = np.ones(n), np.ones(m)
    for _ in range(iterations):
        u = (1.0 / n) / (kernel @ v)
        v = (1.0 / m) / (kernel.T @ u)
    plan = u[:, None] * kernel * v[None, :]
    return np.sum(plan * cost)


def kmeans_with_soft_assignments(centres, points, rounds=9):
    c = np.array(centres)
    for _ in range(rounds):
        weights = np.zeros((len(points), len(c)))
        for i, p in enumerate(points):
            for j, q in enumerate(c):
                weights[i, j] = np.exp(-2 * np.sum((p - q) ** 2))
            weights[i] /= weights[i].sum()
        for j in range(len(c)):
            c[j] = weights[:, j] @ points / weights[:, j].sum()
    return np.sum(c ** 2)


X = RNG.normal(size=(12, 4))
B = RNG.normal(size=(9, 9))
CASES = (
    Case(descent_on_ridge, (0.3, X, RNG.normal(size=12)), (0, 1, 2)),
    Case(momentum_with_inner_gradient, (RNG.normal(size=4), np.array([1.0, 0.5, 2.0, 1.5])), (0, 1)),
    Case(adam, (0.05, np.array([1.5, -1.2, 0.3])), (0, 1)),
    Case(newton_root, (1.3, 2.0), (0, 1)),
    Case(newton_with_limit, (7.0,)),
    Case(bisection_then_newton, (2.3,), step=1e-6, rtol=1e-6, second=False),
    Case(armijo_descent, (np.array([-0.7, 0.6]), 1.3), (0, 1)),
    Case(conjugate_gradients, (B @ B.T / 9 + 2 * np.eye(9), RNG.normal(size=9)), (0, 1), rtol=1e-5),
    Case(coordinate_descent_lasso, (X, RNG.normal(size=12)), (0, 1)),
    Case(fixed_point_with_aitken, (0.9,)),
    Case(golden_section, (1.4,), step=1e-3, rtol=1e-5, second=False),
    Case(sinkhorn, (RNG.uniform(0, 1, (6, 7)), 0.2), (0, 1)),
    Case(kmeans_with_soft_assignments, (RNG.normal(size=(3, 2)), RNG.normal(size=(10, 2))), (0, 1)),
)
