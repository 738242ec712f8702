"""Programs that mix what the other files test one by one."""

from __future__ import annotations

from collections import deque

import numpy as np
import pytest

from tests.tracer.compare import alike

X = np.linspace(0.1, 2, 20)


def flag_and_place(x):
    found, k = False, -1
    for i in range(20):
        if x[i] > 1.0 and not found:
            k, found = i, True
    return k, found


def helper_on_a_captured_array(x):
    a = x.copy()

    def bump(i, by=0.5):
        a[i] += by
        if a[i] > 1:
            a[i] -= 1
        return a[i]

    total = 0.0
    for i in range(20):
        if bump(i) > 0.3:
            total += bump((i + 3) % 20, by=0.1)
    return a, total


def list_of_weights(x):
    class Net:
        def __init__(self, sizes):
            self.w = [np.ones((a, b)) * 0.1 for a, b in zip(sizes[:-1], sizes[1:], strict=True)]

        def __call__(self, v):
            for w in self.w:
                v = np.tanh(v @ w)
            return v

    net = Net([20, 5, 3])
    for _ in range(15):
        for k in range(len(net.w)):
            net.w[k] = net.w[k] - 0.01 * net.w[k] ** 2
    return net(x)


def runge_kutta(x):
    def step(f, y, t, h):
        k1 = f(y, t)
        k2 = f(y + h / 2 * k1, t + h / 2)
        k3 = f(y + h / 2 * k2, t + h / 2)
        k4 = f(y + h * k3, t + h)
        return y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)

    t, y = 0.0, x[:2]
    path = np.zeros((50, 2))
    for i in range(50):
        y = step(lambda y, t: np.array([y[1], -y[0] + 0.1 * t]), y, t, 0.1)
        t += 0.1
        path[i] = y
    return path, t


def merging(x):
    i = j = k = 0
    out, y = np.zeros(40), x + 0.05
    while i < 20 and j < 20:
        if x[i] <= y[j]:
            out[k] = x[i]
            i += 1
        else:
            out[k] = y[j]
            j += 1
        k += 1
    while i < 20:
        out[k] = x[i]
        i, k = i + 1, k + 1
    while j < 20:
        out[k] = y[j]
        j, k = j + 1, k + 1
    return out


def jacobi_with_a_break(x):
    a, b = x.copy(), np.zeros_like(x)
    for i in range(12):  # noqa: B007 (it is returned)
        for j in range(1, 19):
            b[j] = (a[j - 1] + a[j + 1]) / 2
        a, b = b, a
        if np.max(np.abs(a - b)) < 1e-3:
            break
    return a, b, i


def insertion_sort(x):
    xs = x[::-1].copy()
    for i in range(1, 20):
        key, j = xs[i], i - 1
        while j >= 0 and xs[j] > key:
            xs[j + 1] = xs[j]
            j -= 1
        xs[j + 1] = key
    return xs


def ring_buffer(x):
    last = deque([x[0]] * 3)
    for i in range(12):
        last[0] = last[1] + x[i]
        last[1] = last[2]
        last[2] = last[0]
    return sum(last)


def pivoted_elimination(x):
    a = np.cos(np.outer(x[:12], x[:12]) * 9)
    for k in range(11):
        p = k + np.argmax(np.abs(a[k:, k]))
        if p != k:
            a[[k, p]] = a[[p, k]]
        for i in range(k + 1, 12):
            a[i, k] /= a[k, k]
            a[i, k + 1:] -= a[i, k] * a[k, k + 1:]
    return a


def truths_and_small_types(x):
    s, n, m, q = np.float32(0), 0, True, False
    y = x.astype(np.float32)
    for i in range(20):
        s += y[i]
        n += int(x[i] > 1)
        m = m and x[i] > 0
        q |= bool(x[i] > 1.9)
    return s, n, m, q


@pytest.mark.parametrize("f", [
    flag_and_place, helper_on_a_captured_array, list_of_weights, runge_kutta, merging, jacobi_with_a_break,
    insertion_sort, ring_buffer, pivoted_elimination, truths_and_small_types])
def test_program(f):
    operations = len(alike(f, X).func.ops)
    assert operations < 120  # loops are loops
