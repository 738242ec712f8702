"""Views of arrays whose elements are known when a loop begins, which the loop reads before it writes to the array: they
show what the iterations before have written."""

from __future__ import annotations

import numpy as np
import pytest

import gradjit as gj

X = np.linspace(0.2, 1, 9)


def an_item(x):
    u, shown = np.zeros(9), 0.0
    v = u[2:]
    for _ in range(11):
        shown = 1.0 * v
        u[3] = x[0]
    return np.sum(shown)


def in_place(x):
    u = np.zeros(9)
    inner = u[1:-1]
    for _ in range(20):
        inner += 0.1 * (x[1:-1] - u[2:])
    return np.sum(u**2)


def a_row(x):
    u, s = np.zeros((3, 3)), 0.0
    row = u[1]
    for k in range(20):
        s = np.sum(row)
        u[1, k % 3] = s * 0.5 + x[0]
    return np.sum(u) + s


def reshaped(x):
    u, t = np.ones(9), 0.0
    v = u.reshape(3, 3)
    for _ in range(20):
        t = t + v[0, 1]
        u[1] = u[1] * 0.5
    return t * x[0]


def two_rows(x):
    u = np.zeros((4, 9))
    now, then = u[0], u[1]
    for _ in range(15):
        then[:] = now * 0.5 + x
        now[:] = then
    return np.sum(u)


def split(x):
    u, t = np.zeros(9), 0.0
    parts = np.split(u, 3)
    for k in range(20):
        t = t + np.sum(parts[1])
        u[k % 9] = x[0] * k
    return t


def a_row_in_a_dict(x):
    held, t = {"u": np.eye(3)}, 0.0
    held["row"] = held["u"][1]
    for _ in range(20):
        t = t + np.sum(held["row"])
        held["u"][1, 1] = held["u"][1, 1] * 0.9 + x[1]
    return t


def broadcast(x):
    u, t = np.zeros(9), 0.0
    v = np.broadcast_to(u, (2, 9))
    for k in range(20):
        t = t + v[1, 0]
        u[0] = x[1] * k
    return t


def summed_by_python(x):
    u, t = np.zeros(9), 0.0
    v = u[1:4]
    for _ in range(20):
        t = t + sum(v)
        u += 0.1 * x
    return t


def in_a_history(x):
    u, out = np.zeros(9), []
    v = u[1:4]
    for _ in range(20):
        out.append(v.copy())
        u[2] = u[2] + x[0]
    return np.sum(np.array(out))


def parts_of_complex_numbers(x):
    z, t = np.zeros(9, complex), 0.0
    re = z.real
    for _ in range(20):
        t = t + re[2] + z.imag[2]
        z[2] = z[2] + x[0] * (1 + 1j)
    return t


def windows(x):
    u, t = np.zeros(9), 0.0
    v = np.lib.stride_tricks.sliding_window_view(u, 3)
    for _ in range(20):
        t = t + v[1, 1]
        u[2] = u[2] + x[0]
    return t


def diagonal(x):
    u, t = np.zeros((3, 3)), 0.0
    d = np.diagonal(u)
    for _ in range(20):
        t = t + d[1]
        u[1, 1] = u[1, 1] + x[0]
    return t


def read_by_a_compiled_function(x):
    u, t = np.zeros(9), 0.0
    v = u[1:]
    weighted = gj.jit(lambda a: np.sum(a * v))
    for _ in range(20):
        t = t + weighted(x[:8])
        u[2] = u[2] + x[0]
    return t


def as_an_index(x):
    places, t = np.zeros(3, int), 0.0
    v = places[1:]
    for _ in range(20):
        t = t + x[v[0]]
        places[1] = (places[1] + 1) % 9
    return t


def while_it_is_small(x):
    u, t = np.full(9, 2.0), 0.0
    v = u[2:][1:]
    while t < 9:
        t = t + v[1]
        u[4] = u[4] * 0.5 + x[1]
    return t


def in_loops_within(x):
    u, t = np.zeros(9), 0.0
    v = u[2:5]
    for _ in range(5):
        for _ in range(12):
            t = t + v[1]
            u[3] = u[3] + x[1]
    return t


PROGRAMS = [an_item, in_place, a_row, reshaped, two_rows, split, a_row_in_a_dict, broadcast, summed_by_python,
            in_a_history, parts_of_complex_numbers, windows, diagonal, read_by_a_compiled_function, as_an_index,
            while_it_is_small, in_loops_within]


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_what_iterations_before_have_written(f):
    assert np.isclose(gj.jit(f)(X), f(X), rtol=1e-12)
    gj.check_grads(f, X)
