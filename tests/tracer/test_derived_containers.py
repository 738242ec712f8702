"""Containers of the user's own classes: derived from collections.UserList and UserDict, from list, from the abstract
classes."""

from __future__ import annotations

import collections
import collections.abc

import numpy as np
import pytest

import gradjit as gj


class Stack(collections.UserList):
    def push(self, v):
        self.append(v)

    def mean(self):
        return sum(self) / len(self)


class Named(collections.UserDict):
    def total(self):
        return sum(self.values())


class Doubled(collections.abc.Sequence):
    def __init__(self, x):
        self.x = x

    def __getitem__(self, i):
        return self.x[i] * 2

    def __len__(self):
        return len(self.x)


class Path(list):
    def mean(self):
        return sum(self) / len(self)


def grows(x):
    s = Stack()
    for v in x:
        s.push(v * 2)
    return s.mean() + s[-1] + max(v * k for k, v in enumerate(s))


def grows_under_a_condition(x):
    s = Stack()
    for v in x:
        if v > 1:
            s.push(v)
    return s.mean() + len(s) * x[0]


def arithmetic(x):
    s = Stack(x) + [1.0, 2.0]
    t = s[3:10]
    t += [x[0]]
    t[0] = x[9]
    return t.mean() + s.pop() + len(t) + sum(a * b for a, b in zip(s, reversed(s), strict=True))


def by_names(x):
    d = Named(a=x[0], b=x[1])
    for _ in range(20):
        d["a"] = d["a"] * 0.9 + d["b"]
        d.update(b=d["b"] * 1.1)
    return d.total() + d.get("c", 2.0) * x[0] + ("a" in d)


def by_index(x):
    g = Doubled(x)
    return sum(v * v for v in g) + g[3] + len(g) + sum(v * k for k, v in enumerate(reversed(g)))


def derived_from_list(x):
    s = Path()
    for v in x:
        s.append(v)
    return s.mean() ** 2


@pytest.mark.parametrize("f", [grows, grows_under_a_condition, arithmetic, by_names, by_index, derived_from_list],
                         ids=lambda f: f.__name__)
def test_value_and_gradient(f):
    x = np.linspace(0.5, 2.0, 30)
    assert np.isclose(gj.jit(f)(x), f(x))
    gj.check_grads(f, x)


def test_what_is_derived_from_list_has_one_length():
    def f(x):
        s = Path()
        for v in x:
            if v > 1:
                s.append(v)
        return s.mean()

    with pytest.raises(gj.TraceError, match="list of a class of its own, grows .*; derive .* collections.UserList"):
        gj.jit(f)(np.linspace(0.5, 2.0, 30))


# objects that keep what they are given in their __dict__ --------------------------------------------------------------
class Module:
    def __init__(self):
        self._parameters = collections.OrderedDict()

    def __setattr__(self, name, value):
        if not name.startswith("_"):
            self.__dict__["_parameters"][name] = value
        object.__setattr__(self, name, value)

    def tag(self, name, value):
        vars(self).setdefault("_tags", {})[name] = value


def of_modules(x):
    m = Module()
    m.w, m.b = x * 2, x[0]
    m.tag("first", x[1])
    for _ in range(20):
        m.__dict__["b"] = m.__dict__["b"] * 0.9 + m._tags["first"]
    if x[0] > 0:
        m.__dict__["w"] = m.w ** 2
    return sum(np.sum(p) for p in m._parameters.values()) + m.b + np.sum(m.w)


def test_attributes_by_dict():
    x = np.linspace(0.5, 2.0, 5)
    assert np.isclose(gj.jit(of_modules)(x), of_modules(x))
    gj.check_grads(of_modules, x)
