"""Lists that a compiled loop has made longer are handed on as they are: who has one sees what is done to it."""

from __future__ import annotations

import collections
import copy
import functools
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest

import gradjit as gj


def path(x):
    found = [x[0]]
    for _ in range(50):
        found.append(found[-1] * 0.9 + x[1])
    return found


class Holder:
    def __init__(self, items):
        self.items = items


class Child(Holder):
    def __init__(self, items, k):
        super().__init__(items)
        self.k = k


@dataclass
class Record:
    items: list


class Named(collections.namedtuple("Named", "items k")):  # noqa: PYI024 (it is what people write)
    __slots__ = ()


class WithNew:
    def __new__(cls, items):
        made = super().__new__(cls)
        made.items = items
        return made


class Raised(Exception):
    def __init__(self, items):
        super().__init__(items)
        self.items = items


class Called:
    def __call__(self, items):
        self.items = items
        return self


def by_partial(items):
    def kept(items):
        return Holder(items)

    return functools.partial(kept, items)()


HOLDERS = [Holder, lambda p: Child(p, k=2), Record, lambda p: Named(p, 1), WithNew, Raised, lambda p: Called()(p),
           by_partial, lambda p: SimpleNamespace(items=p)]


@pytest.mark.parametrize("holder", HOLDERS, ids=range(len(HOLDERS)))
def test_what_holds_a_list(holder):
    def f(x):
        p = path(x)
        h = holder(p)
        p.append(x[2] * 5)
        h.items.append(x[2])
        return sum(h.items) + len(h.items) + 2 * sum(p)

    x = np.array([3.0, 1.0, 2.0])
    value, gradient = gj.value_and_grad(f)(x)
    assert np.isclose(value, f(x), rtol=1e-12)
    assert np.isclose(gradient[2], 18.0)


def test_a_list_of_traced_length():
    def f(x):
        p = [v for v in path(x) if v > 5.0]
        return sum(Holder(p).items) + len(Record(p).items)

    x = np.array([3.0, 1.0, 2.0])
    assert np.isclose(gj.jit(f)(x), f(x), rtol=1e-12)


def test_copies_are_copies():
    def f(x):
        p = path(x)
        others = [copy.copy(p), p.copy(), list(p), p[:], collections.deque(p)]
        for k, other in enumerate(others):
            other.append(k * x[0])
        p.append(x[2])
        return sum(w * sum(other) for w, other in enumerate([p, *others]))

    x = np.array([3.0, 1.0, 2.0])
    assert np.isclose(gj.jit(f)(x), f(x), rtol=1e-12)


class Survival:
    def __init__(self, a):
        self.a = a

    def risk(self, k):
        return np.exp(-self.a * k)

    @functools.lru_cache(maxsize=512)  # noqa: B019
    def until(self, k):
        return 1.0 if k == 0 else self.until(k - 1) * (1 - 0.1 * self.risk(k))

    @functools.cache  # noqa: B019
    def fibonacci(self, n):
        return self.a if n < 2 else self.fibonacci(n - 1) + self.fibonacci(n - 2)


@pytest.mark.parametrize("f", [
    lambda x: sum(Survival(x).until(k) for k in range(20)),
    lambda x: Survival(x).fibonacci(40) / 1e8,
    lambda x: (lambda s: sum(s.until(3) * k for k in range(40)) + s.until(3))(Survival(x)),
])
def test_caches_of_methods(f):
    value, gradient = gj.value_and_grad(f)(0.3)
    assert np.isclose(value, f(0.3), rtol=1e-12)
    assert np.isclose(gradient, (f(0.3 + 1e-6) - f(0.3 - 1e-6)) / 2e-6, rtol=1e-6)
