"""Programs from several fields, written for NumPy, against NumPy and finite differences."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import gammaln, logsumexp

import gradjit as gj

RNG = np.random.default_rng(7)


def agree(f, *args, order=1, **kwargs):
    """Compiled and plain give the same, and the derivatives are right."""
    got, expected = gj.jit(f)(*args, **kwargs), f(*args, **kwargs)
    np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-12)
    gj.check_grads(f, *args, order=order, **kwargs)


def test_gaussian_mixture_with_triangular_factors():
    d, k = 3, 4

    def loglikelihood(alphas, means, icf, x):
        parts = []
        for j in range(k):
            q = np.zeros((d, d))
            q[np.tril_indices(d, -1)] = icf[j, d:]
            q[np.diag_indices(d)] = np.exp(icf[j, :d])
            z = (x - means[j]) @ q.T
            parts.append(alphas[j] + icf[j, :d].sum() - 0.5 * np.sum(z * z, axis=1))
        return np.sum(logsumexp(np.stack(parts, axis=1), axis=1)) - len(x) * logsumexp(alphas)

    agree(loglikelihood, RNG.normal(size=k), RNG.normal(size=(k, d)), RNG.normal(size=(k, d + d * (d - 1) // 2)) / 2,
          RNG.normal(size=(11, d)))


class Kalman:
    """State in attributes, parameters as the argument."""

    def __init__(self):
        self.a = np.array([[1.0, 0.1], [0.0, 1.0]])
        self.q = np.eye(2) * 0.01
        self.h = np.array([[1.0, 0.0]])

    def loglikelihood(self, theta, ys):
        x, p, total = np.zeros(2), np.eye(2) * theta[0], 0.0
        for y in ys:
            x = self.a @ x
            p = self.a @ p @ self.a.T + self.q * theta[1]
            s = (self.h @ p @ self.h.T)[0, 0] + 0.1
            gain = (p @ self.h.T)[:, 0] / s
            r = y - (self.h @ x)[0]
            x = x + gain * r
            p -= np.outer(gain, gain) * s
            total -= 0.5 * (math.log(2 * math.pi * s) + r * r / s)
        return total


def test_kalman_filter():
    agree(Kalman().loglikelihood, np.array([1.0, 2.0]), RNG.normal(size=5))


def test_lstm():
    def loss(p, xs):
        def sigmoid(z):
            return 1 / (1 + np.exp(-z))

        h, c = np.zeros(4), np.zeros(4)
        for x in xs:
            i, f, o, g = np.split(np.concatenate([x, h]) @ p["w"] + p["b"], 4)
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(c)
        return np.mean(h ** 2)

    agree(loss, {"w": RNG.normal(size=(7, 16)) * 0.3, "b": np.zeros(16)}, RNG.normal(size=(3, 3)))


def test_hidden_markov_model():
    observed = (0, 1, 1, 0)

    def loglikelihood(transition, initial, emission):
        a = initial + np.log(emission[:, observed[0]])
        for o in observed[1:]:
            a = logsumexp(a[:, None] + transition, axis=0) + np.log(emission[:, o])
        return logsumexp(a)

    agree(loglikelihood, np.log([[0.9, 0.1], [0.3, 0.7]]), np.log([0.5, 0.5]), np.array([[0.7, 0.3], [0.2, 0.8]]))


def test_cholesky_by_element():
    def cholesky(a):
        n = a.shape[0]
        low = np.zeros_like(a)
        for j in range(n):
            low[j, j] = np.sqrt(a[j, j] - low[j, :j] @ low[j, :j])
            for i in range(j + 1, n):
                low[i, j] = (a[i, j] - low[i, :j] @ low[j, :j]) / low[j, j]
        return low

    b = RNG.normal(size=(4, 4))
    agree(cholesky, b @ b.T + np.eye(4))


def test_determinant_by_minors():
    def det(a):
        if len(a) == 1:
            return a[0, 0]
        minors = (np.delete(np.delete(a, 0, 0), j, 1) for j in range(len(a)))
        return sum((-1) ** j * a[0, j] * det(m) for j, m in enumerate(minors))

    a = RNG.normal(size=(4, 4))
    np.testing.assert_allclose(gj.grad(det)(a), np.linalg.det(a) * np.linalg.inv(a).T)


def test_polynomials():
    def horner(coefficients, x):
        r = 0.0
        for c in coefficients[::-1]:
            r = r * x + c
        return r

    def chebyshev(x, n):
        t = [np.ones_like(x), x]
        while len(t) < n:
            t.append(2 * x * t[-1] - t[-2])
        return np.array(t)

    agree(horner, np.array([1.0, 2.0, 3.0]), 0.7, order=2)
    agree(chebyshev, np.linspace(-0.9, 0.9, 4), 5)


def test_runge_kutta_on_dataclass_like_state():
    def rhs(u, p):
        a, b, c, d = p
        return np.array([a * u[0] - b * u[0] * u[1], c * u[0] * u[1] - d * u[1]])

    def end(p, u, steps=3, h=0.1):
        for _ in range(steps):
            k1 = rhs(u, p)
            k2 = rhs(u + h / 2 * k1, p)
            k3 = rhs(u + h / 2 * k2, p)
            k4 = rhs(u + h * k3, p)
            u = u + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        return u

    agree(end, np.array([1.1, 0.4, 0.1, 0.4]), np.array([10.0, 5.0]))


def test_heat_equation_in_place():
    def heat(u0, k):
        u = u0.copy()
        for _ in range(6):
            u[1:-1] += k * (u[2:] - 2 * u[1:-1] + u[:-2])
        return np.sum(u ** 2)

    agree(heat, RNG.normal(size=12), 0.2)


def test_poisson_and_negative_binomial_regression():
    x, y = RNG.normal(size=(20, 3)), RNG.poisson(2.0, size=20)

    def poisson(beta):
        eta = x @ beta
        return np.sum(y * eta - np.exp(eta) - gammaln(y + 1.0))

    def negative_binomial(beta, size):
        mu = np.exp(x @ beta)
        return np.sum(gammaln(y + size) - gammaln(size) - gammaln(y + 1.0) + size * np.log(size / (size + mu))
                      + y * np.log(mu / (size + mu)))

    agree(poisson, RNG.normal(size=3) * 0.1, order=2)
    agree(negative_binomial, RNG.normal(size=3) * 0.1, 1.5)


def test_optimiser_inside():
    def fitted(target):
        w = np.zeros(3)
        for _ in range(5):
            w = w - 0.3 * gj.grad(lambda w: np.sum((w - target) ** 2) + 0.1 * np.sum(w ** 4))(w)
        return w

    gj.check_grads(fitted, np.array([0.5, -0.2, 1.0]))


@pytest.mark.parametrize("method", ["Newton-CG", "trust-ncg", "L-BFGS-B"])
def test_as_scipy_calls_it(method):
    from scipy.optimize import minimize

    def rosenbrock(x, a):
        return np.sum(a * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)

    more = {} if method == "L-BFGS-B" else {"hessp": gj.hvp(rosenbrock)}
    r = minimize(gj.value_and_grad(rosenbrock), np.zeros(4), args=(5.0,), jac=True, method=method, **more)
    np.testing.assert_allclose(r.x, np.ones(4), atol=1e-3)
