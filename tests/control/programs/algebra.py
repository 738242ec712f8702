"""Numerical linear algebra written out."""

import numpy as np

from ..case import Case

RNG = np.random.default_rng(5)


def cholesky(a):
    n = a.shape[0]
    low = np.zeros_like(a)
    for j in range(n):
        low[j, j] = np.sqrt(a[j, j] - low[j, :j] @ low[j, :j])
        for i in range(j + 1, n):
            low[i, j] = (a[i, j] - low[i, :j] @ low[j, :j]) / low[j, j]
    return np.sum(np.log(np.diag(low))) + low[n - 1, 0]


def cholesky_by_columns(a):
    """In place, right-looking, whole columns and the trailing block."""
    a = a.copy()
    n = len(a)
    for k in range(n):
        a[k, k] = np.sqrt(a[k, k])
        a[k + 1:, k] /= a[k, k]
        for j in range(k + 1, n):
            a[j:, j] -= a[j:, k] * a[j, k]
    return np.sum(np.tril(a))


def lu_solve(a, b):
    """Doolittle's factors in one array, without pivots, then both triangular solves."""
    lu, n = a.copy(), len(a)
    for k in range(n - 1):
        for i in range(k + 1, n):
            lu[i, k] /= lu[k, k]
            lu[i, k + 1:] -= lu[i, k] * lu[k, k + 1:]
    y = np.zeros(n)
    for i in range(n):
        y[i] = b[i] - lu[i, :i] @ y[:i]
    x = np.zeros(n)
    for i in range(n - 1, -1, -1):
        x[i] = (y[i] - lu[i, i + 1:] @ x[i + 1:]) / lu[i, i]
    return np.sum(x ** 2)


def gauss_with_pivots(a, b):
    """The pivot's row is found by argmax and swapped by fancy indices."""
    m = np.column_stack([a, b])
    n = len(b)
    for k in range(n):
        p = k + np.argmax(np.abs(m[k:, k]))
        if p != k:
            m[[k, p]] = m[[p, k]]
        m[k] /= m[k, k]
        for i in range(n):
            if i != k:
                m[i] -= m[i, k] * m[k]
    return m[:, n] @ np.arange(1.0, n + 1)


def gram_schmidt(a):
    """Modified, column by column, views of columns written in place."""
    q = a.copy()
    n = q.shape[1]
    r = np.zeros((n, n))
    for j in range(n):
        v = q[:, j]
        for i in range(j):
            r[i, j] = q[:, i] @ v
            v -= r[i, j] * q[:, i]
        r[j, j] = np.sqrt(v @ v)
        v /= r[j, j]
    return np.sum(np.log(np.diag(r))) + np.sum(q[0])


def householder(a):
    a = a.copy()
    m, n = a.shape
    for k in range(n):
        x = a[k:, k].copy()
        sign = 1.0 if x[0] >= 0 else -1.0
        x[0] += sign * np.sqrt(np.sum(x ** 2))
        x /= np.sqrt(np.sum(x ** 2))
        a[k:, k:] -= 2.0 * np.outer(x, x @ a[k:, k:])
    return np.sum(np.abs(np.diag(a[:n])))


def power_iteration(a, steps=40):
    v = np.ones(len(a))
    for _ in range(steps):
        v = a @ v
        v /= np.linalg.norm(v)
    return v @ a @ v


def jacobi_eigenvalues(a, sweeps=2):
    """Rotations of every pair, rows and columns changed together."""
    a = a.copy()
    n = len(a)
    for _ in range(sweeps):
        for p in range(n - 1):
            for q in range(p + 1, n):
                theta = 0.5 * np.arctan2(2 * a[p, q], a[q, q] - a[p, p] + 5.0)
                c, s = np.cos(theta), np.sin(theta)
                for k in range(n):
                    a[k, p], a[k, q] = c * a[k, p] - s * a[k, q], s * a[k, p] + c * a[k, q]
                for k in range(n):
                    a[p, k], a[q, k] = c * a[p, k] - s * a[q, k], s * a[p, k] + c * a[q, k]
    return np.diag(a) @ np.arange(1.0, n + 1)


def determinant_by_minors(a):
    """Recursion whose depth is the order."""
    n = len(a)
    if n == 1:
        return a[0, 0]
    total = 0.0
    for j in range(n):
        minor = np.delete(np.delete(a, 0, 0), j, 1)
        total += (-1) ** j * a[0, j] * determinant_by_minors(minor)
    return total


def thomas(lower, diag, upper, rhs):
    n = len(rhs)
    c, d = upper.copy(), rhs.copy()
    c[0] /= diag[0]
    d[0] /= diag[0]
    for i in range(1, n):
        m = 1.0 / (diag[i] - lower[i] * c[i - 1])
        c[i] *= m
        d[i] = (d[i] - lower[i] * d[i - 1]) * m
    for i in range(n - 2, -1, -1):
        d[i] -= c[i] * d[i + 1]
    return np.sum(d ** 2)


def matrix_power(a, exponent):
    """By squaring, the bits of the exponent known."""
    result, base = np.eye(len(a)), a
    while exponent > 0:
        if exponent % 2 == 1:
            result = result @ base
        base = base @ base
        exponent //= 2
    return np.trace(result)


def matmul_by_hand(a, b):
    n, k = a.shape
    m = b.shape[1]
    c = np.zeros((n, m))
    for i in range(n):
        for j in range(m):
            total = 0.0
            for p in range(k):
                total += a[i, p] * b[p, j]
            c[i, j] = total
    return np.sum(np.sin(c))


def sparse_matvec(values, columns, starts, x, rounds=3):
    """Compressed rows: the inner loop's bounds are read from an array."""
    n = len(starts) - 1
    y = x.copy()
    for _ in range(rounds):
        z = np.zeros(n)
        for i in range(n):
            for p in range(starts[i], starts[i + 1]):
                z[i] += values[p] * y[columns[p]]
        y = np.tanh(z) + 0.1 * y
    return np.sum(y ** 2)


def lanczos(a, v0, steps=9):
    n = len(v0)
    basis = np.zeros((steps + 1, n))
    basis[0] = v0 / np.sqrt(v0 @ v0)
    alpha, beta = np.zeros(steps), np.zeros(steps)
    for j in range(steps):
        w = a @ basis[j]
        if j > 0:
            w -= beta[j - 1] * basis[j - 1]
        alpha[j] = w @ basis[j]
        w -= alpha[j] * basis[j]
        beta[j] = np.sqrt(w @ w)
        basis[j + 1] = w / beta[j]
    return alpha @ np.arange(steps) + beta[:3].sum()


def toeplitz_levinson(t, y):
    """Levinson's recursion: vectors that grow by one element an iteration, reversed slices."""
    n = len(y)
    f, b, x = np.zeros(n), np.zeros(n), np.zeros(n)
    f[0] = b[0] = 1.0 / t[0]
    x[0] = y[0] / t[0]
    for k in range(1, n):
        ef = t[1:k + 1][::-1] @ f[:k]
        eb = t[1:k + 1] @ b[:k]
        scale = 1.0 / (1.0 - ef * eb)
        old_f, old_b = f[:k + 1].copy(), np.zeros(n)
        old_b[1:k + 1] = b[:k]
        f[:k + 1] = scale * (old_f - ef * old_b[:k + 1])
        b[:k + 1] = scale * (old_b[:k + 1] - eb * old_f)
        ex = t[1:k + 1][::-1] @ x[:k]
        x[:k + 1] += (y[k] - ex) * b[:k + 1]
    return x @ np.cos(np.arange(n))


G = RNG.normal(size=(10, 10))
SPD = G @ G.T / 10 + np.eye(10)
DOMINANT = G / 4 + 3 * np.eye(10)
STARTS = np.array([0, 2, 2, 5, 6, 9, 11, 12, 15, 17, 18])
CASES = (
    Case(cholesky, (SPD,)),
    Case(cholesky_by_columns, (SPD,)),
    Case(lu_solve, (DOMINANT, RNG.normal(size=10)), (0, 1)),
    Case(gauss_with_pivots, (G + np.eye(10), RNG.normal(size=10)), (0, 1), rtol=1e-6, step=1e-5),
    Case(gram_schmidt, (RNG.normal(size=(12, 9)),)),
    Case(householder, (RNG.normal(size=(12, 9)),)),
    Case(power_iteration, (SPD,)),
    Case(jacobi_eigenvalues, (SPD,)),
    Case(determinant_by_minors, (G[:4, :4],)),
    Case(thomas, (RNG.normal(size=11) / 3, RNG.uniform(2, 3, 11), RNG.normal(size=11) / 3, RNG.normal(size=11)),
         (0, 1, 2, 3)),
    Case(matrix_power, (G[:4, :4] / 4, 13)),
    Case(matmul_by_hand, (RNG.normal(size=(9, 10)), RNG.normal(size=(10, 11))), (0, 1)),
    Case(sparse_matvec, (RNG.normal(size=18), RNG.integers(0, 10, 18), STARTS, RNG.normal(size=10)), (0, 3)),
    Case(lanczos, (SPD + np.diag(np.arange(10.0)), RNG.normal(size=10)), (0, 1), rtol=1e-5, step=1e-5),
    Case(toeplitz_levinson, (np.concatenate([[4.0], RNG.normal(size=9) / 3]), RNG.normal(size=10)), (0, 1)),
)
