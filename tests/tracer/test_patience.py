"""Plain Python runs, however long it takes; what takes long says so."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import gradjit as gj
from gradjit.tracer import patience


def with_dict(x):
    seen = {}
    for i in range(5000):
        seen[i % 77] = seen.get(i % 77, 0) + i
    return x * seen[5]


def with_numbers(x):
    k, n = 0, 0
    while n < 5000:
        k = (k * 31 + n) % 1009
        n += 1
    return x * k


def with_set(x):
    seen = set()
    for i in range(5000):
        seen.add(i * i % 101)
    return x * len(seen)


@pytest.mark.parametrize("f", [with_dict, with_numbers, with_set])
def test_loops_of_plain_python_are_not_refused(f):
    assert gj.value_and_grad(f)(1.5) == (f(1.5), f(1.0))


def test_long_loops_of_traced_values_are():
    def f(x):
        named = {}
        for i in range(5000):
            named[i] = x * i
        return named[7]

    with pytest.raises(gj.TraceError, match="has 5000 iterations, too many to unroll"):
        gj.jit(f)(1.5)


def split(x, n):
    return x if n == 0 else split(x * 0.5, n - 1) + split(x * 0.25, n - 1)


def walk(x):
    n = 0
    while n < 3000:
        n += 1
    return x * n


class Clock:
    def __init__(self, looks):
        self.now, self.step = 0.0, patience.SECONDS / looks

    def monotonic(self):
        self.now += self.step
        return self.now


@pytest.mark.parametrize("f, looks, words", [
    (lambda x: split(x, 6), 90, "split calls itself, . calls deep"),
    (walk, 1300, "has run 1,... iterations as ordinary Python"),
])
def test_what_takes_long_says_so(f, looks, words, monkeypatch):
    monkeypatch.setattr(patience, "time", Clock(looks))
    with pytest.warns(RuntimeWarning, match=f"tracing has taken 10 seconds so far, and goes on: .*{words}") as found:
        gj.jit(f)(1.5)
    assert found[0].filename == __file__


def test_a_warning_comes_once(monkeypatch):
    monkeypatch.setattr(patience, "SECONDS", 0.0)
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        gj.jit(lambda x: np.sin(x) + np.cos(x))(1.5)
    assert len(found) == 1
