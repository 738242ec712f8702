"""The same programs as a good user of JAX writes them, so that reverse mode works and runs fast.

Every loop has static bounds: `while_loop` has no reverse mode, so iterations to a tolerance run a fixed number of times
for all data at once, with masks, and branches are `where`. Where the program is worth taking apart, or tuning, there is
a second formulation with a row of its own.
"""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from .in_numpy import COURANT, DIFFUSION, LIMIT, OBSERVED, SOFTENING, START, TIME_STEP

Array = Any

# time stepping -------------------------------------------------------------------------------------------------------


def lotka_volterra(rates: Array, steps: int) -> Array:
    birth, hunt, feed, death = rates

    def change(u: Array) -> Array:
        x, y = u
        return jnp.array([birth * x - hunt * x * y, feed * x * y - death * y])

    def step(u: Array, _: None) -> tuple[Array, None]:
        k1 = change(u)
        k2 = change(u + TIME_STEP / 2 * k1)
        k3 = change(u + TIME_STEP / 2 * k2)
        k4 = change(u + TIME_STEP * k3)
        return u + TIME_STEP / 6 * (k1 + 2 * k2 + 2 * k3 + k4), None

    u, _ = lax.scan(step, jnp.array(START), None, length=steps)
    return jnp.sum((u - jnp.array(OBSERVED)) ** 2)


def lotka_volterra_scalars(rates: Array, steps: int) -> Array:
    birth, hunt, feed, death = rates
    h = TIME_STEP

    def change(x: Array, y: Array) -> tuple[Array, Array]:
        return birth * x - hunt * x * y, feed * x * y - death * y

    def step(u: Array, _: None) -> tuple[Array, None]:
        x, y = u
        p1, q1 = change(x, y)
        p2, q2 = change(x + h / 2 * p1, y + h / 2 * q1)
        p3, q3 = change(x + h / 2 * p2, y + h / 2 * q2)
        p4, q4 = change(x + h * p3, y + h * q3)
        return (x + h / 6 * (p1 + 2 * p2 + 2 * p3 + p4), y + h / 6 * (q1 + 2 * q2 + 2 * q3 + q4)), None

    (x, y), _ = lax.scan(step, START, None, length=steps)
    return (x - OBSERVED[0]) ** 2 + (y - OBSERVED[1]) ** 2


def bodies(positions: Array, velocities: Array, masses: Array, steps: int) -> Array:
    def accelerations(x: Array) -> Array:
        away = x[None, :, :] - x[:, None, :]
        squares = jnp.sum(away**2, axis=2) + SOFTENING**2
        return jnp.einsum("ij,ijk->ik", masses / (squares * jnp.sqrt(squares)), away)

    def step(state: Array, _: None) -> tuple[Array, None]:
        x, v, a = state
        v = v + TIME_STEP / 2 * a
        x = x + TIME_STEP * v
        a = accelerations(x)
        return (x, v + TIME_STEP / 2 * a, a), None

    (x, _, _), _ = lax.scan(step, (positions, velocities, accelerations(positions)), None, length=steps)
    return jnp.sum(x**2)


bodies_by_pairs = bodies

# fields --------------------------------------------------------------------------------------------------------------


def gauss_seidel(source: Array, sweeps: int) -> Array:
    n, m = source.shape

    def element(k: Array, u: Array) -> Array:
        i, j = k // (m - 2) % (n - 2) + 1, k % (m - 2) + 1
        return u.at[i, j].set(0.25 * (u[i - 1, j] + u[i + 1, j] + u[i, j - 1] + u[i, j + 1] + source[i, j]))

    return jnp.sum(lax.fori_loop(0, sweeps * (n - 2) * (m - 2), element, jnp.zeros((n, m))) ** 2)


def gauss_seidel_rows(source: Array, sweeps: int) -> Array:
    """Taken apart: a scan over the rows, in which all but the chain along the row is done for the row at once."""

    def element(left: Array, others: Array) -> tuple[Array, Array]:
        new = others + 0.25 * left
        return new, new

    def row(above: Array, here: Array) -> tuple[Array, Array]:
        old, below, fed = here
        others = 0.25 * (above[1:-1] + below[1:-1] + old[2:] + fed[1:-1])
        _, inner = lax.scan(element, old[0], others)
        new = jnp.concatenate([old[:1], inner, old[-1:]])
        return new, new

    def sweep(_: Array, u: Array) -> Array:
        _, inner = lax.scan(row, u[0], (u[1:-1], u[2:], source[1:-1]))
        return jnp.concatenate([u[:1], inner, u[-1:]])

    return jnp.sum(lax.fori_loop(0, sweeps, sweep, jnp.zeros_like(source)) ** 2)


def heat(initial: Array, steps: int) -> Array:
    def step(_: Array, u: Array) -> Array:
        return u.at[1:-1].add(DIFFUSION * (u[2:] - 2 * u[1:-1] + u[:-2]))

    return jnp.sum(lax.fori_loop(0, steps, step, initial) ** 2)


def oscillators(x: Array, steps: int) -> Array:
    def slope(x: Array) -> Array:
        return jnp.sin(x) - x * jnp.mean(x)

    def step(_: Array, x: Array) -> Array:
        a = slope(x)
        b = slope(x + TIME_STEP / 2 * a)
        c = slope(x + TIME_STEP / 2 * b)
        return x + TIME_STEP / 6 * (a + 2 * b + 2 * c + slope(x + TIME_STEP * c))

    return jnp.sum(lax.fori_loop(0, steps, step, x) ** 2)


def wave(permittivity: Array, steps: int) -> Array:
    n, m = permittivity.shape
    factor = COURANT / permittivity[1:-1, 1:-1]
    pulse = jnp.exp(-(((jnp.arange(steps) - 20) / 6) ** 2))

    def step(fields: Array, source: Array) -> tuple[Array, Array]:
        electric, across, along = fields
        across = across.at[:, :-1].add(-COURANT * (electric[:, 1:] - electric[:, :-1]))
        along = along.at[:-1, :].add(COURANT * (electric[1:, :] - electric[:-1, :]))
        curl = along[1:-1, 1:-1] - along[:-2, 1:-1] - across[1:-1, 1:-1] + across[1:-1, :-2]
        electric = electric.at[1:-1, 1:-1].add(factor * curl)
        electric = electric.at[n // 2, m // 3].add(source)
        return (electric, across, along), electric[n // 2, 2 * m // 3]

    zeros = jnp.zeros((n, m))
    _, received = lax.scan(step, (zeros, zeros, zeros), pulse)
    return jnp.sum(received**2)


# sequences -----------------------------------------------------------------------------------------------------------

def lstm(from_input: Array, from_hidden: Array, bias: Array, inputs: Array) -> Array:
    n = len(bias) // 4

    def cell(state: Array, fed: Array) -> tuple[Array, Array]:
        h, c = state
        z = fed + from_hidden @ h
        c = jax.nn.sigmoid(z[n:2 * n]) * c + jax.nn.sigmoid(z[:n]) * jnp.tanh(z[2 * n:3 * n])
        h = jax.nn.sigmoid(z[3 * n:]) * jnp.tanh(c)
        return (h, c), h

    _, hidden = lax.scan(cell, (jnp.zeros(n), jnp.zeros(n)), inputs @ from_input.T + bias)
    return jnp.sum(hidden**2) / len(inputs)


def recursive_filter(a: float, b: float, x: Array, unroll: int = 1) -> Array:
    def step(last: Array, fed: Array) -> tuple[Array, Array]:
        y = a * last + fed
        return y, y

    _, y = lax.scan(step, jnp.zeros(()), b * x, unroll=unroll)
    return 0.5 * jnp.mean(y**2)


def recursive_filter_unrolled(a: float, b: float, x: Array) -> Array:
    """Four steps a turn: fewer and more are slower, and so is `associative_scan`."""
    return recursive_filter(a, b, x, unroll=4)


# linear algebra ------------------------------------------------------------------------------------------------------

def cholesky(A: Array) -> Array:
    """By columns: n steps of one matrix-vector product each. What stands beyond the column is zero: nothing is cut."""
    places = jnp.arange(len(A))

    def column(j: Array, L: Array) -> Array:
        v = A[:, j] - L @ L[j]
        return L.at[:, j].set(jnp.where(places >= j, v / jnp.sqrt(v[j]), 0.0))

    return 2 * jnp.sum(jnp.log(jnp.diag(lax.fori_loop(0, len(A), column, jnp.zeros_like(A)))))


def lu(A: Array) -> Array:
    """By outer products over the whole matrix, masked below and right of the pivot."""
    places = jnp.arange(len(A))

    def eliminate(k: Array, W: Array) -> Array:
        below = jnp.where(places > k, W[:, k] / W[k, k], 0.0)
        right = jnp.where(places > k, W[k], 0.0)
        W = W - jnp.outer(below, right)
        return W.at[:, k].set(jnp.where(places > k, below, W[:, k]))

    W = lax.fori_loop(0, len(A) - 1, eliminate, A)
    return jnp.sum(jnp.log(jnp.abs(jnp.diag(W))))


def triangular_solve(L: Array, b: Array) -> Array:
    def row(i: Array, x: Array) -> Array:
        return x.at[i].set((b[i] - L[i] @ x) / L[i, i])

    return jnp.sum(lax.fori_loop(0, len(b), row, jnp.zeros_like(b)) ** 2)


def determinant(A: Array) -> Array:
    n = len(A)
    if n == 1:
        return A[0, 0]
    total = 0.0
    for j in range(n):
        total += (-1) ** j * A[0, j] * determinant(jnp.concatenate([A[1:, :j], A[1:, j + 1:]], axis=1))
    return total


# conditions ----------------------------------------------------------------------------------------------------------

def kepler(eccentricity: float, anomalies: Array) -> Array:
    def newton(_: Array, angle: Array) -> Array:
        wrong = angle - eccentricity * jnp.sin(angle) - anomalies
        return angle - wrong / (1 - eccentricity * jnp.cos(angle))

    return jnp.sum(jnp.cos(lax.fori_loop(0, 10, newton, anomalies)))


def bisection(p: Array, q: Array) -> Array:
    halvings = math.ceil(math.log2(20 / 1e-10))

    def halve(_: Array, bounds: Array) -> Array:
        low, high = bounds
        middle = 0.5 * (low + high)
        above = middle**3 + p * middle > q
        return jnp.where(above, low, middle), jnp.where(above, middle, high)

    low, high = lax.fori_loop(0, halvings, halve, (jnp.full_like(p, -10.0), jnp.full_like(p, 10.0)))
    x = 0.5 * (low + high)
    return jnp.sum(x - (x**3 + p * x - q) / (3 * x**2 + p))


def escape(real: Array, imaginary: Array) -> Array:
    def step(n: Array, state: Array) -> Array:
        x, y, count, square = state
        inside = square <= 64.0
        u, v = x * x - y * y + real, 2 * x * y + imaginary
        return (jnp.where(inside, u, x), jnp.where(inside, v, y), jnp.where(inside, n + 1.0, count),
                jnp.where(inside, u * u + v * v, square))

    zero = jnp.zeros_like(real)
    _, _, count, square = lax.fori_loop(0, LIMIT, step, (zero, zero, zero, zero))
    escaped = square > 64.0
    smooth = count - jnp.log(jnp.log(jnp.where(escaped, square, 65.0)) / 2) / math.log(2)
    return jnp.sum(jnp.where(escaped, smooth, 0.0))


def look_up(places: Array, values: Array, x: Array) -> Array:
    k = jnp.clip(jnp.searchsorted(places, x) - 1, 0, len(places) - 2)
    part = jnp.clip((x - places[k]) / (places[k + 1] - places[k]), 0.0, 1.0)
    return jnp.sum(((1 - part) * values[k] + part * values[k + 1]) ** 2)


def kalman_filter(noise: Array, seen: Array) -> Array:
    drift, blur = jnp.exp(noise)
    move = jnp.eye(4) + 0.1 * jnp.eye(4, k=2)
    look = jnp.eye(2, 4)
    shaken = drift * jnp.diag(jnp.array([0.0025, 0.0025, 0.1, 0.1]))

    def step(carried: Array, z: Array) -> Array:
        state, spread, total = carried
        state = move @ state
        spread = move @ spread @ move.T + shaken
        apart = z - look @ state
        expected = look @ spread @ look.T + blur * jnp.eye(2)
        gain = jnp.linalg.solve(expected, look @ spread).T
        total += 0.5 * apart @ jnp.linalg.inv(expected) @ apart + 0.5 * jnp.linalg.slogdet(expected)[1]
        return (state + gain @ apart, spread - gain @ expected @ gain.T, total), None

    (_, _, total), _ = lax.scan(step, (jnp.zeros(4), jnp.eye(4), 0.0), seen)
    return total
