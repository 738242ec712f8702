"""Value and gradient of some of the programs, the adjoint written by hand and compiled by Numba: the limit.

Each takes the program's arguments and gives `(value, gradient)`, the gradient a tuple where several arguments are
differentiated. What the reverse sweep reads is kept, and nothing else; sums are arranged so that a chain from element
to element is one multiply-add long, and stay so: multiplications and additions may fuse everywhere (`compiled`), but
only where no such chain runs may sums be taken in another order (`reordered`).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from .in_numpy import COURANT, DIFFUSION, OBSERVED, START, TIME_STEP

Array = Any
compiled = njit(error_model="numpy", fastmath={"contract"})
reordered = njit(error_model="numpy", fastmath={"contract", "reassoc", "nsz"})

HALF, SIXTH = TIME_STEP / 2, TIME_STEP / 6

# time stepping -------------------------------------------------------------------------------------------------------


@reordered
def _change(x, y, a, b, c, d):  # type: ignore[no-untyped-def]
    return a * x - b * x * y, c * x * y - d * y


@reordered
def _pull(p, q, x, y, a, b, c, d):  # type: ignore[no-untyped-def]
    """Cotangents of state and rates from those of the change, (p, q)."""
    xy = x * y
    return p * (a - b * y) + q * c * y, q * (c * x - d) - p * b * x, p * x, -p * xy, q * xy, -q * y


@reordered
def lotka_volterra(rates, steps):  # type: ignore[no-untyped-def]
    a, b, c, d = rates[0], rates[1], rates[2], rates[3]
    kept = np.empty((steps, 2))
    x, y = START
    for t in range(steps):
        kept[t, 0], kept[t, 1] = x, y
        p1, q1 = _change(x, y, a, b, c, d)
        p2, q2 = _change(x + HALF * p1, y + HALF * q1, a, b, c, d)
        p3, q3 = _change(x + HALF * p2, y + HALF * q2, a, b, c, d)
        p4, q4 = _change(x + TIME_STEP * p3, y + TIME_STEP * q3, a, b, c, d)
        x += SIXTH * (p1 + 2 * (p2 + p3) + p4)
        y += SIXTH * (q1 + 2 * (q2 + q3) + q4)
    value = (x - OBSERVED[0]) ** 2 + (y - OBSERVED[1]) ** 2
    dx, dy = 2 * (x - OBSERVED[0]), 2 * (y - OBSERVED[1])
    da = db = dc = dd = 0.0
    for t in range(steps - 1, -1, -1):
        x, y = kept[t, 0], kept[t, 1]
        p1, q1 = _change(x, y, a, b, c, d)
        x2, y2 = x + HALF * p1, y + HALF * q1
        p2, q2 = _change(x2, y2, a, b, c, d)
        x3, y3 = x + HALF * p2, y + HALF * q2
        p3, q3 = _change(x3, y3, a, b, c, d)
        x4, y4 = x + TIME_STEP * p3, y + TIME_STEP * q3
        u, v = SIXTH * dx, SIXTH * dy
        u4, v4, a4, b4, c4, d4 = _pull(u, v, x4, y4, a, b, c, d)
        u3, v3, a3, b3, c3, d3 = _pull(2 * u + TIME_STEP * u4, 2 * v + TIME_STEP * v4, x3, y3, a, b, c, d)
        u2, v2, a2, b2, c2, d2 = _pull(2 * u + HALF * u3, 2 * v + HALF * v3, x2, y2, a, b, c, d)
        u1, v1, a1, b1, c1, d1 = _pull(u + HALF * u2, v + HALF * v2, x, y, a, b, c, d)
        dx += (u1 + u2) + (u3 + u4)
        dy += (v1 + v2) + (v3 + v4)
        da += (a1 + a2) + (a3 + a4)
        db += (b1 + b2) + (b3 + b4)
        dc += (c1 + c2) + (c3 + c4)
        dd += (d1 + d2) + (d3 + d4)
    return value, np.array([da, db, dc, dd])


lotka_volterra_scalars = lotka_volterra

# fields --------------------------------------------------------------------------------------------------------------


@compiled
def gauss_seidel(source, sweeps):  # type: ignore[no-untyped-def]
    """The adjoint of a sweep is a sweep from the other end, of the cotangents; it keeps nothing.

    What an element's left (right) neighbour gives travels in a register, for it is what the chain waits for.
    """
    n, m = source.shape
    u = np.zeros((n, m))
    for _ in range(sweeps):
        for i in range(1, n - 1):
            left = u[i, 0]
            for j in range(1, m - 1):
                others = 0.25 * ((u[i - 1, j] + u[i + 1, j]) + (u[i, j + 1] + source[i, j]))
                left = others + 0.25 * left
                u[i, j] = left
    value = 0.0
    for i in range(n):
        for j in range(m):
            value += u[i, j] * u[i, j]
    pulled = np.zeros((n, m))
    total = np.zeros((n, m))
    for s in range(sweeps):
        seed = 0.5 if s == 0 else 0.0
        for i in range(n - 2, 0, -1):
            right = pulled[i, m - 1]
            for j in range(m - 2, 0, -1):
                others = 0.25 * ((pulled[i - 1, j] + pulled[i + 1, j]) + pulled[i, j - 1]) + seed * u[i, j]
                right = others + 0.25 * right
                pulled[i, j] = right
                total[i, j] += right
    return value, total


gauss_seidel_rows = gauss_seidel


@compiled
def heat(initial, steps):  # type: ignore[no-untyped-def]
    """Linear, so nothing is kept. Inside, the adjoint's step is the step itself; two arrays take turns."""
    n = len(initial)
    u, v = initial.copy(), initial.copy()
    for _ in range(steps):
        for i in range(1, n - 1):
            v[i] = u[i] + DIFFUSION * (u[i + 1] - 2 * u[i] + u[i - 1])
        u, v = v, u
    value = 0.0
    for i in range(n):
        value += u[i] * u[i]
        u[i] *= 2
    # The ends take part as sources only: their cotangents gather what the elements beside them give.
    first, last = u[0], u[n - 1]
    u[0] = u[n - 1] = v[0] = v[n - 1] = 0.0
    for _ in range(steps):
        first += DIFFUSION * u[1]
        last += DIFFUSION * u[n - 2]
        for i in range(1, n - 1):
            v[i] = u[i] + DIFFUSION * (u[i + 1] - 2 * u[i] + u[i - 1])
        u, v = v, u
    u[0], u[n - 1] = first, last
    return value, u


@reordered
def wave(permittivity, steps):  # type: ignore[no-untyped-def]
    """Keeps the curl of each step. The electric field's edge stays zero, so only what reaches inside is computed."""
    n, m = permittivity.shape
    electric, across, along = np.zeros((n, m)), np.zeros((n, m)), np.zeros((n, m))
    factor = COURANT / permittivity
    curls = np.empty((steps, n, m))
    heard = np.empty(steps)
    value = 0.0
    for t in range(steps):
        curl = curls[t]
        for i in range(n - 1):
            for j in range(m - 1):
                across[i, j] -= COURANT * (electric[i, j + 1] - electric[i, j])
                along[i, j] += COURANT * (electric[i + 1, j] - electric[i, j])
        for i in range(1, n - 1):
            for j in range(1, m - 1):
                c = along[i, j] - along[i - 1, j] - across[i, j] + across[i, j - 1]
                curl[i, j] = c
                electric[i, j] += factor[i, j] * c
        electric[n // 2, m // 3] += math.exp(-(((t - 20) / 6) ** 2))
        heard[t] = electric[n // 2, 2 * m // 3]
        value += heard[t] * heard[t]
    d_electric, d_across, d_along = np.zeros((n, m)), np.zeros((n, m)), np.zeros((n, m))
    d_factor, pulled = np.zeros((n, m)), np.zeros((n, m))
    for t in range(steps - 1, -1, -1):
        curl = curls[t]
        d_electric[n // 2, 2 * m // 3] += 2 * heard[t]
        for i in range(1, n - 1):
            for j in range(1, m - 1):
                d_factor[i, j] += d_electric[i, j] * curl[i, j]
                pulled[i, j] = d_electric[i, j] * factor[i, j]
        for i in range(n - 1):
            for j in range(m - 1):
                d_along[i, j] += pulled[i, j] - pulled[i + 1, j]
                d_across[i, j] += pulled[i, j + 1] - pulled[i, j]
        for i in range(1, n - 1):
            for j in range(1, m - 1):
                around = d_along[i - 1, j] - d_along[i, j] + d_across[i, j] - d_across[i, j - 1]
                d_electric[i, j] += COURANT * around
    return value, -d_factor * factor / permittivity


# sequences -----------------------------------------------------------------------------------------------------------


@reordered
def _product(matrix, x, y):  # type: ignore[no-untyped-def]
    """y = matrix x. So small a product is done before BLAS has looked at its arguments."""
    for i in range(matrix.shape[0]):
        row = matrix[i]
        total = 0.0
        for j in range(len(x)):
            total += row[j] * x[j]
        y[i] = total


@reordered
def _sigmoid(x):  # type: ignore[no-untyped-def]
    return 1 / (1 + np.exp(-x))


@reordered
def lstm(from_input, from_hidden, bias, inputs):  # type: ignore[no-untyped-def]
    """Three products over the whole sequence, and a matrix-vector product a step each way."""
    steps = len(inputs)
    n = len(bias) // 4
    gates = np.dot(inputs, from_input.T)
    hidden = np.zeros((steps + 1, n))
    cells = np.zeros((steps + 1, n))
    squashed = np.empty((steps, n))
    product = np.empty(4 * n)
    value = 0.0
    for t in range(steps):
        _product(from_hidden, hidden[t], product)
        g = gates[t]
        for k in range(4 * n):
            g[k] += product[k] + bias[k]
        for k in range(2 * n):
            g[k] = _sigmoid(g[k])
        for k in range(2 * n, 3 * n):
            g[k] = np.tanh(g[k])
        for k in range(3 * n, 4 * n):
            g[k] = _sigmoid(g[k])
        for k in range(n):
            cells[t + 1, k] = g[n + k] * cells[t, k] + g[k] * g[2 * n + k]
        for k in range(n):
            squashed[t, k] = np.tanh(cells[t + 1, k])
        for k in range(n):
            h = g[3 * n + k] * squashed[t, k]
            hidden[t + 1, k] = h
            value += h * h
    d_hidden, d_cell = np.zeros(n), np.zeros(n)
    back = np.ascontiguousarray(from_hidden.T)
    for t in range(steps - 1, -1, -1):
        g = gates[t]
        for k in range(n):
            i, f, c, o, s = g[k], g[n + k], g[2 * n + k], g[3 * n + k], squashed[t, k]
            dh = d_hidden[k] + 2 * hidden[t + 1, k] / steps
            dc = d_cell[k] + dh * o * (1 - s * s)
            d_cell[k] = dc * f
            g[k] = dc * c * i * (1 - i)
            g[n + k] = dc * cells[t, k] * f * (1 - f)
            g[2 * n + k] = dc * i * (1 - c * c)
            g[3 * n + k] = dh * s * o * (1 - o)
        _product(back, g, d_hidden)
    d_bias = np.zeros(4 * n)
    for t in range(steps):
        for k in range(4 * n):
            d_bias[k] += gates[t, k]
    return value / steps, (np.dot(gates.T, inputs), np.dot(gates.T, hidden[:steps]), d_bias)


@compiled
def recursive_filter(a, b, x):  # type: ignore[no-untyped-def]
    """One array: where the output was read for the last time the gradient is written."""
    n = len(x)
    y = np.empty(n)
    last = 0.0
    value = 0.0
    for k in range(n):
        last = a * last + b * x[k]
        y[k] = last
        value += last * last
    da = db = pulled = 0.0
    scale = 1.0 / n
    for k in range(n - 1, 0, -1):
        pulled = scale * y[k] + a * pulled
        da += pulled * y[k - 1]
        db += pulled * x[k]
        y[k] = b * pulled
    pulled = scale * y[0] + a * pulled
    db += pulled * x[0]
    y[0] = b * pulled
    return 0.5 * value / n, (da, db, y)


recursive_filter_unrolled = recursive_filter

# linear algebra ------------------------------------------------------------------------------------------------------


@reordered
def cholesky(A):  # type: ignore[no-untyped-def]
    """The factor is all that the adjoint reads."""
    n = len(A)
    L = np.zeros((n, n))
    value = 0.0
    for i in range(n):
        for j in range(i):
            total = A[i, j]
            for k in range(j):
                total -= L[i, k] * L[j, k]
            L[i, j] = total / L[j, j]
        total = A[i, i]
        for k in range(i):
            total -= L[i, k] * L[i, k]
        L[i, i] = np.sqrt(total)
        value += 2 * np.log(L[i, i])
    d = np.zeros((n, n))
    for i in range(n):
        d[i, i] = 2 / L[i, i]
    for i in range(n - 1, -1, -1):
        d[i, i] /= 2 * L[i, i]
        for k in range(i):
            d[i, k] -= 2 * d[i, i] * L[i, k]
        for j in range(i - 1, -1, -1):
            pulled = d[i, j] / L[j, j]
            d[i, j] = pulled
            d[j, j] -= pulled * L[i, j]
            for k in range(j):
                d[i, k] -= pulled * L[j, k]
                d[j, k] -= pulled * L[i, k]
    return value, d


@reordered
def lu(A):  # type: ignore[no-untyped-def]
    """The factors are all that the adjoint reads: a row is final when it is subtracted."""
    n = len(A)
    W = A.copy()
    for k in range(n - 1):
        for i in range(k + 1, n):
            part = W[i, k] / W[k, k]
            W[i, k] = part
            for j in range(k + 1, n):
                W[i, j] -= part * W[k, j]
    value = 0.0
    d = np.zeros((n, n))
    for k in range(n):
        value += np.log(np.abs(W[k, k]))
        d[k, k] = 1 / W[k, k]
    for k in range(n - 2, -1, -1):
        for i in range(n - 1, k, -1):
            part = W[i, k]
            pulled = d[i, k]
            for j in range(k + 1, n):
                pulled -= d[i, j] * W[k, j]
                d[k, j] -= part * d[i, j]
            d[i, k] = pulled / W[k, k]
            d[k, k] -= d[i, k] * part
    return value, d


@reordered
def triangular_solve(L, b):  # type: ignore[no-untyped-def]
    n = len(b)
    x = np.empty(n)
    value = 0.0
    for i in range(n):
        total = b[i]
        for k in range(i):
            total -= L[i, k] * x[k]
        x[i] = total / L[i, i]
        value += x[i] * x[i]
    dx, dL = 2 * x, np.zeros((n, n))
    for i in range(n - 1, -1, -1):
        pulled = dx[i] / L[i, i]
        dx[i] = pulled
        for k in range(i):
            dx[k] -= pulled * L[i, k]
            dL[i, k] = -pulled * x[k]
        dL[i, i] = -pulled * x[i]
    return value, (dL, dx)
