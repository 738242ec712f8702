"""Signals, images, sequences: filters, transforms, sorting networks, recurrent cells, stencils."""

import math

import numpy as np

from ..case import Case

RNG = np.random.default_rng(7)


def iir_filter(b, a, x):
    y = np.zeros_like(x)
    for n in range(len(x)):
        y[n] = b[0] * x[n]
        for k in range(1, len(b)):
            if n - k >= 0:
                y[n] += b[k] * x[n - k] - a[k] * y[n - k]
    return np.sum(y ** 2)


def exponential_average(alpha, x):
    s, out = x[0], []
    for v in x[1:]:
        s = alpha * v + (1 - alpha) * s
    out.append(s)
    return out[0]


def fft_recursive(re, im):
    """Radix two on pairs of reals, by recursion over the length."""
    n = len(re)
    if n == 1:
        return re, im
    er, ei = fft_recursive(re[::2], im[::2])
    odd_r, odd_i = fft_recursive(re[1::2], im[1::2])
    angle = -2 * np.pi * np.arange(n // 2) / n
    c, s = np.cos(angle), np.sin(angle)
    tr, ti = c * odd_r - s * odd_i, c * odd_i + s * odd_r
    return np.concatenate([er + tr, er - tr]), np.concatenate([ei + ti, ei - ti])


def spectrum_energy(x, w):
    re, im = fft_recursive(x, np.zeros_like(x))
    return np.sum(w * np.sqrt(re ** 2 + im ** 2 + 0.1))


def fft_in_place(x):
    """Bit reversal by swaps, then butterflies: three nested loops, two of them with growing steps."""
    n = len(x)
    re, im = x.copy(), np.zeros(n)
    j = 0
    for i in range(1, n):
        bit = n >> 1
        while j & bit:
            j ^= bit
            bit >>= 1
        j ^= bit
        if i < j:
            re[i], re[j] = re[j], re[i]
    length = 2
    while length <= n:
        angle = -2 * math.pi / length
        for start in range(0, n, length):
            for k in range(length // 2):
                c, s = math.cos(angle * k), math.sin(angle * k)
                a, b = start + k, start + k + length // 2
                tr, ti = c * re[b] - s * im[b], c * im[b] + s * re[b]
                re[b], im[b] = re[a] - tr, im[a] - ti
                re[a], im[a] = re[a] + tr, im[a] + ti
        length *= 2
    return np.sum(np.arange(n) * (re ** 2 + im ** 2))


def haar_wavelet(x):
    """The signal halves at each level, in place in its front."""
    y, n = x.copy(), len(x)
    while n > 1:
        half = n // 2
        low, high = (y[:n:2] + y[1:n:2]) / 2, (y[:n:2] - y[1:n:2]) / 2
        y[:half] = low
        y[half:n] = high
        n = half
    return np.sum(np.abs(y) ** 1.5)


def convolution_by_hand(image, kernel):
    h, w = image.shape
    k = kernel.shape[0]
    out = np.zeros((h - k + 1, w - k + 1))
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[i, j] = np.sum(image[i:i + k, j:j + k] * kernel)
    return np.sum(np.tanh(out))


def median_filter(image):
    """Medians of nine by a sorting network of exchanges."""
    pairs = ((1, 2), (4, 5), (7, 8), (0, 1), (3, 4), (6, 7), (1, 2), (4, 5), (7, 8), (0, 3), (5, 8), (4, 7), (3, 6),
             (1, 4), (2, 5), (4, 7), (4, 2), (6, 4), (4, 2))
    h, w = image.shape
    out = image.copy()
    for i in range(1, h - 1):
        for j in range(1, w - 1):
            p = image[i - 1:i + 2, j - 1:j + 2].flatten()
            for a, b in pairs:
                p[a], p[b] = min(p[a], p[b]), max(p[a], p[b])
            out[i, j] = p[4]
    return np.sum(out ** 2)


def anisotropic_diffusion(image, kappa, steps=9):
    """Perona and Malik, slices as views."""
    u = image.copy()
    inner = u[1:-1, 1:-1]
    for _ in range(steps):
        north, south = u[:-2, 1:-1] - inner, u[2:, 1:-1] - inner
        west, east = u[1:-1, :-2] - inner, u[1:-1, 2:] - inner
        change = np.zeros_like(inner)
        for d in (north, south, west, east):
            change += np.exp(-(d / kappa) ** 2) * d
        inner += 0.2 * change
    return np.sum(u[2] * u[3])


def integral_image(image):
    """Sums of rectangles by one pass, used with computed corners."""
    h, w = image.shape
    s = np.zeros((h + 1, w + 1))
    for i in range(h):
        row = 0.0
        for j in range(w):
            row += image[i, j]
            s[i + 1, j + 1] = s[i, j + 1] + row
    total = 0.0
    for i in range(2, h - 1):
        r = 1 + i % 2
        total += (s[i + r, 5] - s[i - r, 5] - s[i + r, 2] + s[i - r, 2]) ** 2
    return total


def lstm(w, b, xs):
    n = len(b) // 4
    h, c = np.zeros(n), np.zeros(n)
    for x in xs:
        z = w @ np.concatenate([x, h]) + b
        i, f, o = (1 / (1 + np.exp(-z[k * n:(k + 1) * n])) for k in range(3))
        g = np.tanh(z[3 * n:])
        c = f * c + i * g
        h = o * np.tanh(c)
    return np.sum(h ** 2)


def attention_over_past(q, k, v):
    """Causal attention; each row sees the rows before it."""
    n, d = q.shape
    out = np.zeros_like(v)
    for i in range(n):
        scores = k[:i + 1] @ q[i] / np.sqrt(d)
        weights = np.exp(scores - scores.max())
        out[i] = (weights / weights.sum()) @ v[:i + 1]
    return np.sum(out ** 2)


def bubble_sort(x, w):
    x = x.copy()
    n = len(x)
    for i in range(n):
        swapped = False
        for j in range(n - 1 - i):
            if x[j] > x[j + 1]:
                x[j], x[j + 1] = x[j + 1], x[j]
                swapped = True
        if not swapped:
            break
    return x @ w


def insertion_sort(x, w):
    a = x.copy()
    for i in range(1, len(a)):
        key = a[i]
        j = i - 1
        while j >= 0 and a[j] > key:
            a[j + 1] = a[j]
            j -= 1
        a[j + 1] = key
    return np.dot(a, w)


def odd_even_network(x, w):
    """Exchanges through two views of one array that do not meet."""
    x = x.copy()
    n = len(x)
    for step in range(n):
        start = step % 2
        a = x[start:n - 1:2]
        b = x[start + 1:n:2]
        low, high = np.minimum(a, b), np.maximum(a, b)
        a[:] = low
        b[:] = high
    return x @ w


def dithering(image, gain):
    """Errors diffused to neighbours; the threshold is a branch, the quantum a parameter."""
    u = image.copy()
    h, w = u.shape
    for y in range(h):
        for x in range(w):
            new = gain if u[y, x] > 0.5 else 0.0
            err = u[y, x] - new
            u[y, x] = new + 0.1 * err
            if x + 1 < w:
                u[y, x + 1] += err * 7 / 16
            if y + 1 < h:
                if x > 0:
                    u[y + 1, x - 1] += err * 3 / 16
                u[y + 1, x] += err * 5 / 16
    return np.sum(u ** 2)


def run_lengths(x):
    """Runs above a level; an early end when the signal dies."""
    best = run = energy = 0.0
    for v in x:
        if v > 0.2:
            run += v
            continue
        if v < -2.5:
            break
        energy += v * v
        best = max(best, run)
        run = 0.0
    else:
        best = max(best, run) + 1.0
    return best + 0.5 * energy


def cubic_spline(y, x):
    """Natural spline on integer knots: a tridiagonal solve, then a look-up by the integer part."""
    n = len(y)
    m, c = np.zeros(n), np.zeros(n)
    for i in range(1, n - 1):
        p = 4.0 - c[i - 1]
        c[i] = 1.0 / p
        m[i] = (6 * (y[i - 1] - 2 * y[i] + y[i + 1]) - m[i - 1]) / p
    for i in range(n - 2, 0, -1):
        m[i] -= c[i] * m[i + 1]
    total = 0.0
    for v in x:
        k = int(v)
        t = v - k
        total += ((1 - t) * y[k] + t * y[k + 1]
                  + ((1 - t) ** 3 - (1 - t)) * m[k] / 6 + (t ** 3 - t) * m[k + 1] / 6)
    return total


CASES = (
    Case(iir_filter, (RNG.normal(size=3), RNG.normal(size=3) / 3, RNG.normal(size=14)), (0, 1, 2)),
    Case(exponential_average, (0.3, RNG.normal(size=15)), (0, 1)),
    Case(spectrum_energy, (RNG.normal(size=16), RNG.normal(size=16)), (0, 1)),
    Case(fft_in_place, (RNG.normal(size=16),)),
    Case(haar_wavelet, (RNG.normal(size=16),)),
    Case(convolution_by_hand, (RNG.normal(size=(12, 13)), RNG.normal(size=(3, 3))), (0, 1)),
    Case(median_filter, (RNG.normal(size=(11, 12)),)),
    Case(anisotropic_diffusion, (RNG.normal(size=(9, 10)), 1.2), (0, 1)),
    Case(integral_image, (RNG.normal(size=(14, 9)),)),
    Case(lstm, (RNG.normal(size=(16, 7)) / 2, RNG.normal(size=16), RNG.normal(size=(12, 3))), (0, 1, 2)),
    Case(attention_over_past, tuple(RNG.normal(size=(3, 10, 4))), (0, 1, 2)),
    Case(bubble_sort, (RNG.normal(size=11), RNG.normal(size=11)), (0, 1)),
    Case(insertion_sort, (RNG.normal(size=11), RNG.normal(size=11)), (0, 1)),
    Case(odd_even_network, (RNG.normal(size=11), RNG.normal(size=11)), (0, 1)),
    Case(dithering, (RNG.uniform(0, 1, (9, 10)), 1.0), (0, 1), step=1e-6, rtol=1e-6),
    Case(run_lengths, (RNG.normal(size=20),)),
    Case(cubic_spline, (RNG.normal(size=12), RNG.uniform(0.05, 10.9, 10)), (0, 1)),
)
