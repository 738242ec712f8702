"""Tables as lists: option trees, maps of a population, recursions in place, alignments of texts, steps that fail."""

import math

import numpy as np

from ..case import Case


def tree(p):
    S, K, sigma, r, T, n = 100.0 * p[0], 80.0, 0.3 * p[1], 0.03 * p[2], 1.0, 12
    dt = T / n
    u = math.exp(sigma * math.sqrt(dt))
    d = 1 / u
    q = (math.exp(r * dt) - d) / (u - d)
    values = [max(K - S * u ** j * d ** (n - j), 0.0) for j in range(n + 1)]
    for step in range(n - 1, -1, -1):
        for j in range(step + 1):
            hold = math.exp(-r * dt) * (q * values[j + 1] + (1 - q) * values[j])
            values[j] = max(hold, K - S * u ** j * d ** (step - j))
    return values[0]


def dispersal(p):
    n = 9
    grid = [[p[0] if (i, j) == (4, 5) else 0.0 for j in range(n)] for i in range(n)]
    totals = []
    for _ in range(3):
        new = [[0.0] * n for _ in range(n)]
        for i in range(n):
            for j in range(n):
                pop = grid[i][j] * (1 + p[1] * (1 - grid[i][j]))
                stay = pop * (1 - 0.2 * p[2])
                new[i][j] += stay
                move = pop * 0.2 * p[2] / 4
                for di, dj in ((0, 1), (1, 0), (0, -1), (-1, 0)):
                    a, b = i + di, j + dj
                    if 0 <= a < n and 0 <= b < n:
                        new[a][b] += move
        grid = new
        totals.append(sum(map(sum, grid)))
    return totals[-1] + max(totals) + grid[0][0]


def levinson(p):
    x = [math.sin(0.3 * i * p[0]) + 0.3 * math.cos(0.7 * i) * p[1] for i in range(24)]
    r = [sum(x[i] * x[i + k] for i in range(len(x) - k)) for k in range(11)]
    a, e = [1.0] + [0.0] * 10, r[0] + 0.01 * p[2]
    for i in range(1, 11):
        k = -(r[i] + sum(a[j] * r[i - j] for j in range(1, i))) / e
        new = a[:]
        for j in range(1, i):
            new[j] = a[j] + k * a[i - j]
        new[i] = k
        a, e = new, e * (1 - k * k)
    return e + sum(a)


class StepFailed(Exception):
    pass


def newton_step(y, h, k):
    z = y
    for _ in range(10):
        r = z - y + h * k * z * z
        dz = r / (1 + 2 * h * k * z)
        z = z - dz
        if abs(dz) < 1e-12:
            return z
        if abs(z) > 1e3:
            raise StepFailed("diverged")
    raise StepFailed("no convergence")


def implicit(p):
    t, y, h, path = 0.0, p[0] * 3, 0.5 * p[1], []
    failed = 0
    while t < 4.0:
        try:
            new = newton_step(y, h, p[2])
        except StepFailed:
            failed += 1
            h = h * 0.5
            continue
        t, y = t + h, new
        path.append(y)
    return y + 0.1 * sum(path)


def aligned(p, a="GGTTGACTAACGTACGGT", b="TGTTACGGACCGTAGG"):
    match, mismatch, gap = p
    score = {(x, y): 1.0 if x == y else -0.5 for x in "ACGT" for y in "ACGT"}
    H = [[0.0 for _ in range(len(b) + 1)] for _ in range(len(a) + 1)]
    best = 0.0
    for i, x in enumerate(a, 1):
        for j, y in enumerate(b, 1):
            s = match * score[x, y] - mismatch
            H[i][j] = max(0.0, H[i - 1][j - 1] + s, H[i - 1][j] - gap, H[i][j - 1] - gap)
            if H[i][j] > best:
                best = H[i][j]
    return best


AT = (np.array([0.7, 1.3, 0.9]),)
CASES = [
    Case(tree, AT, rtol=1e-6, step=1e-6, second=False), Case(dispersal, AT, rtol=1e-6), Case(levinson, AT, rtol=1e-6),
    Case(implicit, AT, rtol=1e-6, second=False), Case(aligned, (np.array([2.0, 0.3, 1.1]),), second=False),
]
