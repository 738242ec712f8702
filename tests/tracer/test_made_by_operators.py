"""Containers that an operator makes within a function are its own, whatever kind of dict or list they are."""

from __future__ import annotations

import collections
from collections import Counter, OrderedDict, defaultdict, deque

import numpy as np
import pytest

import gradjit as gj

MADE = {
    "ordered, and a dict": lambda x: OrderedDict(a=1.0) | {"b": 2.0},
    "a dict, and ordered": lambda x: {"b": 2.0} | OrderedDict(a=1.0),
    "ordered, of traced numbers": lambda x: OrderedDict(a=x) | {"b": 2.0},
    "with a default": lambda x: defaultdict(float, a=1.0) | {"b": 2.0},
    "a dict, and one with a default": lambda x: {"b": 2.0} | defaultdict(float, a=1.0),
    "counters": lambda x: Counter(a=1) + Counter(a=2),
    "dicts": lambda x: {"a": 1.0} | {"b": x},
}
LISTS = {
    "deques": lambda x: deque([1.0]) + deque([2.0]), "a deque, repeated": lambda x: deque([1.0]) * 2,
    "lists": lambda x: [1.0] + [x], "a list, repeated": lambda x: [1.0] * 3,
}


def of_a_dict(make):
    def f(x, n):
        total = 0.0
        for k in range(n):
            d = make(x)
            d["a"] = x * k
            d["z"] = d["a"] * x
            total = total + d["z"]
        return total

    return f


def of_a_list(make):
    def f(x, n):
        total = 0.0
        for k in range(n):
            d = make(x)
            d[0] = x * k
            total = total + d[0] * x
        return total

    return f


@pytest.mark.parametrize("f", [*map(of_a_dict, MADE.values()), *map(of_a_list, LISTS.values())],
                         ids=[*MADE, *LISTS])
@pytest.mark.parametrize("n", [1, 30])
def test_changed_where_they_are_made(f, n):
    assert gj.jit(f)(1.5, n) == pytest.approx(f(1.5, n), rel=1e-14)
    assert gj.grad(f)(1.5, n) == pytest.approx(2 * f(1.5, n) / 1.5, rel=1e-12)


def test_in_place_it_is_the_same():
    kept = collections.OrderedDict(a=np.float64(1.0))

    def f(x):
        kept.__ior__({"a": x})
        return kept["a"] * x

    with pytest.raises(gj.GradjitError):
        gj.grad(f)(2.0)
