"""Programs with loops, branches and mutation in plain NumPy, as their textbooks write them.

They know nothing of any library that differentiates them. Sizes come from the arguments, counts of steps are ints.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

Array = Any

# time stepping -------------------------------------------------------------------------------------------------------

TIME_STEP = 0.01
START = (10.0, 5.0)
OBSERVED = (4.0, 8.0)


def lotka_volterra(rates: Array, steps: int) -> Array:
    """Squared distance of prey and predators from what was observed, after `steps` of Runge-Kutta. rates: (4,)."""

    def change(u: Array) -> Array:
        x, y = u
        birth, hunt, feed, death = rates
        return np.array([birth * x - hunt * x * y, feed * x * y - death * y])

    u = np.array(START)
    for _ in range(steps):
        k1 = change(u)
        k2 = change(u + TIME_STEP / 2 * k1)
        k3 = change(u + TIME_STEP / 2 * k2)
        k4 = change(u + TIME_STEP * k3)
        u = u + TIME_STEP / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return np.sum((u - np.array(OBSERVED)) ** 2)


def lotka_volterra_scalars(rates: Array, steps: int) -> Array:
    """The same with two numbers for the state."""

    def change(x: Array, y: Array) -> tuple[Array, Array]:
        return birth * x - hunt * x * y, feed * x * y - death * y

    birth, hunt, feed, death = rates
    x, y = START
    h = TIME_STEP
    for _ in range(steps):
        p1, q1 = change(x, y)
        p2, q2 = change(x + h / 2 * p1, y + h / 2 * q1)
        p3, q3 = change(x + h / 2 * p2, y + h / 2 * q2)
        p4, q4 = change(x + h * p3, y + h * q3)
        x += h / 6 * (p1 + 2 * p2 + 2 * p3 + p4)
        y += h / 6 * (q1 + 2 * q2 + 2 * q3 + q4)
    return (x - OBSERVED[0]) ** 2 + (y - OBSERVED[1]) ** 2


SOFTENING = 0.1


def bodies(positions: Array, velocities: Array, masses: Array, steps: int) -> Array:
    """Spread of n bodies after `steps` of the leapfrog: the sum of squared positions. positions, velocities: (n, 3)."""

    def accelerations(x: Array) -> Array:
        found = np.zeros_like(x)
        for i in range(len(x)):
            away = x - x[i]
            distances = np.sqrt(np.sum(away**2, axis=1) + SOFTENING**2)
            found[i] = (masses / distances**3) @ away
        return found

    x, v = positions.copy(), velocities.copy()
    a = accelerations(x)
    for _ in range(steps):
        v += TIME_STEP / 2 * a
        x += TIME_STEP * v
        a = accelerations(x)
        v += TIME_STEP / 2 * a
    return np.sum(x**2)


def bodies_by_pairs(positions: Array, velocities: Array, masses: Array, steps: int) -> Array:
    """The same with a loop over the pairs of bodies."""

    def accelerations(x: Array) -> Array:
        found = np.zeros_like(x)
        for i in range(len(x)):
            for j in range(i):
                away = x[j] - x[i]
                cube = (away @ away + SOFTENING**2) ** 1.5
                found[i] += masses[j] / cube * away
                found[j] -= masses[i] / cube * away
        return found

    x, v = positions.copy(), velocities.copy()
    a = accelerations(x)
    for _ in range(steps):
        v += TIME_STEP / 2 * a
        x += TIME_STEP * v
        a = accelerations(x)
        v += TIME_STEP / 2 * a
    return np.sum(x**2)


# fields --------------------------------------------------------------------------------------------------------------

def gauss_seidel(source: Array, sweeps: int) -> Array:
    """Energy of the field after `sweeps` over a square grid, element by element. source: (n, n), scaled by h²."""
    n, m = source.shape
    u = np.zeros((n, m))
    for _ in range(sweeps):
        for i in range(1, n - 1):
            for j in range(1, m - 1):
                u[i, j] = 0.25 * (u[i - 1, j] + u[i + 1, j] + u[i, j - 1] + u[i, j + 1] + source[i, j])
    return np.sum(u**2)


gauss_seidel_rows = gauss_seidel
DIFFUSION = 0.25


def heat(initial: Array, steps: int) -> Array:
    """Energy of a rod's temperature after `steps`, updated in place. initial: (n,)."""
    u = initial.copy()
    for _ in range(steps):
        u[1:-1] += DIFFUSION * (u[2:] - 2 * u[1:-1] + u[:-2])
    return np.sum(u**2)


def oscillators(x: Array, steps: int) -> Array:
    """Energy of coupled oscillators after `steps` of Runge-Kutta. x: (n,)."""

    def slope(x: Array) -> Array:
        return np.sin(x) - x * np.mean(x)

    for _ in range(steps):
        a = slope(x)
        b = slope(x + TIME_STEP / 2 * a)
        c = slope(x + TIME_STEP / 2 * b)
        x = x + TIME_STEP / 6 * (a + 2 * b + 2 * c + slope(x + TIME_STEP * c))
    return np.sum(x**2)


COURANT = 0.5


def wave(permittivity: Array, steps: int) -> Array:
    """Energy that a receiver takes from an electromagnetic wave in the plane (Yee's scheme). permittivity: (n, m)."""
    n, m = permittivity.shape
    electric, across, along = np.zeros((n, m)), np.zeros((n, m)), np.zeros((n, m))
    received = 0.0
    for t in range(steps):
        across[:, :-1] -= COURANT * (electric[:, 1:] - electric[:, :-1])
        along[:-1, :] += COURANT * (electric[1:, :] - electric[:-1, :])
        curl = along[1:-1, 1:-1] - along[:-2, 1:-1] - across[1:-1, 1:-1] + across[1:-1, :-2]
        electric[1:-1, 1:-1] += COURANT * curl / permittivity[1:-1, 1:-1]
        electric[n // 2, m // 3] += math.exp(-(((t - 20) / 6) ** 2))
        received += electric[n // 2, 2 * m // 3] ** 2
    return received


# sequences -----------------------------------------------------------------------------------------------------------

def lstm(from_input: Array, from_hidden: Array, bias: Array, inputs: Array) -> Array:
    """Mean square of the hidden state over a sequence. from_input: (4h, k), from_hidden: (4h, h), inputs: (t, k)."""

    def sigmoid(x: Array) -> Array:
        return 1 / (1 + np.exp(-x))

    n = len(bias) // 4
    h, c = np.zeros(n), np.zeros(n)
    total = 0.0
    for x in inputs:
        z = from_input @ x + from_hidden @ h + bias
        c = sigmoid(z[n:2 * n]) * c + sigmoid(z[:n]) * np.tanh(z[2 * n:3 * n])
        h = sigmoid(z[3 * n:]) * np.tanh(c)
        total += np.sum(h**2)
    return total / len(inputs)


def recursive_filter(a: float, b: float, x: Array) -> Array:
    """Half the mean power of a signal behind y[n] = a·y[n-1] + b·x[n]. x: (n,)."""
    y = np.zeros(len(x))
    y[0] = b * x[0]
    for n in range(1, len(x)):
        y[n] = a * y[n - 1] + b * x[n]
    return 0.5 * np.mean(y**2)


recursive_filter_unrolled = recursive_filter

# linear algebra ------------------------------------------------------------------------------------------------------

def cholesky(A: Array) -> Array:
    """Logarithm of the determinant of a positive definite matrix (n, n), of which the lower triangle is read."""
    n = len(A)
    L = np.zeros((n, n))
    for i in range(n):
        for j in range(i):
            L[i, j] = (A[i, j] - L[i, :j] @ L[j, :j]) / L[j, j]
        L[i, i] = np.sqrt(A[i, i] - L[i, :i] @ L[i, :i])
    return 2 * np.sum(np.log(np.diag(L)))


def lu(A: Array) -> Array:
    """Logarithm of the absolute determinant of a matrix (n, n) that needs no pivots: elimination by rows, in place."""
    n = len(A)
    W = A.copy()
    for k in range(n - 1):
        for i in range(k + 1, n):
            W[i, k] /= W[k, k]
            W[i, k + 1:] -= W[i, k] * W[k, k + 1:]
    return np.sum(np.log(np.abs(np.diag(W))))


def triangular_solve(L: Array, b: Array) -> Array:
    """Squared length of the solution of L x = b. L: (n, n) with zeros above the diagonal, b: (n,)."""
    n = len(b)
    x = np.zeros(n)
    for i in range(n):
        x[i] = (b[i] - L[i, :i] @ x[:i]) / L[i, i]
    return np.sum(x**2)


def determinant(A: Array) -> Array:
    """The determinant by expansion along the first row, minors by recursion. A: (n, n)."""
    n = len(A)
    if n == 1:
        return A[0, 0]
    total = 0.0
    for j in range(n):
        minor = np.concatenate([A[1:, :j], A[1:, j + 1:]], axis=1)
        total += (-1) ** j * A[0, j] * determinant(minor)
    return total


# conditions ----------------------------------------------------------------------------------------------------------

def kepler(eccentricity: float, anomalies: Array) -> Array:
    """Sum of the cosines of the eccentric anomalies, each by Newton's iteration to a tolerance. anomalies: (n,)."""
    total = 0.0
    for mean in anomalies:
        angle = mean
        step = 1.0
        while abs(step) > 1e-12:
            step = (angle - eccentricity * np.sin(angle) - mean) / (1 - eccentricity * np.cos(angle))
            angle = angle - step
        total += np.cos(angle)
    return total


def bisection(p: Array, q: Array) -> Array:
    """Sum of the real roots of x³ + p x = q, p > 0: halving to a tolerance, then one step of Newton's. p, q: (n,)."""
    total = 0.0
    for k in range(len(p)):
        low, high = -10.0, 10.0
        while high - low > 1e-10:
            middle = 0.5 * (low + high)
            if middle**3 + p[k] * middle > q[k]:
                high = middle
            else:
                low = middle
        x = 0.5 * (low + high)
        total += x - (x**3 + p[k] * x - q[k]) / (3 * x**2 + p[k])
    return total


LIMIT = 25


def escape(real: Array, imaginary: Array) -> Array:
    """Sum of the smoothed counts of steps after which z → z² + c leaves the circle of radius 8. Both: (n,)."""
    total = 0.0
    for k in range(len(real)):
        x, y = 0.0, 0.0
        for n in range(LIMIT):
            x, y = x * x - y * y + real[k], 2 * x * y + imaginary[k]
            square = x * x + y * y
            if square > 64.0:
                total += n + 1 - np.log(np.log(square) / 2) / math.log(2)
                break
    return total


def look_up(places: Array, values: Array, x: Array) -> Array:
    """Sum of squares of a table at x: linear between places, constant outside. places, values: (m,); x: (n,)."""
    total = 0.0
    for i in range(len(x)):
        if x[i] <= places[0]:
            y = values[0]
        elif x[i] >= places[-1]:
            y = values[-1]
        else:
            k = 0
            while places[k + 1] < x[i]:
                k += 1
            part = (x[i] - places[k]) / (places[k + 1] - places[k])
            y = (1 - part) * values[k] + part * values[k + 1]
        total += y**2
    return total


# linear algebra of libraries ----------------------------------------------------------------------------------------


def kalman_filter(noise: Array, seen: Array) -> Array:
    """Negative log-likelihood of places seen of something that moves in a plane. noise: (2,), the logarithms of the
    variances of acceleration and of places; seen: (steps, 2). The state: two places, two speeds."""
    drift, blur = np.exp(noise)
    move = np.eye(4) + 0.1 * np.eye(4, k=2)
    look = np.eye(2, 4)
    shaken = drift * np.diag(np.array([0.0025, 0.0025, 0.1, 0.1]))
    state, spread, total = np.zeros(4), np.eye(4), 0.0
    for z in seen:
        state = move @ state
        spread = move @ spread @ move.T + shaken
        apart = z - look @ state
        expected = look @ spread @ look.T + blur * np.eye(2)
        gain = np.linalg.solve(expected, look @ spread).T
        total += 0.5 * apart @ np.linalg.inv(expected) @ apart + 0.5 * np.linalg.slogdet(expected)[1]
        state = state + gain @ apart
        spread = spread - gain @ expected @ gain.T
    return total
