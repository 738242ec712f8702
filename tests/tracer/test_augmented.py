"""`owner[key] op= other` and `owner.name op= other`: what is read, changed in place and stored again, as Python does
it, whether reading gives the object that is held, or a copy."""

from __future__ import annotations

from collections import OrderedDict, UserList, deque
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gradjit as gj

X = np.array([0.5, 2.0, 3.0])


class CopyingItems:
    def __init__(self, values):
        self.values = values

    def __getitem__(self, key):
        return self.values[key].copy()

    def __setitem__(self, key, value):
        self.values[key] = value


class CopyingList(list):
    def __getitem__(self, key):
        return super().__getitem__(key) * 1.0


class CopyingProperty:
    def __init__(self, values):
        self._values = values

    @property
    def values(self):
        return self._values.copy()

    @values.setter
    def values(self, new):
        self._values = new * 10.0


class Descriptor:
    def __get__(self, owner, cls):
        return owner.hidden.copy()

    def __set__(self, owner, value):
        owner.hidden = value


class Described:
    values = Descriptor()


class Counting:
    def __init__(self, values):
        self.values, self.count = values, 0

    def __setattr__(self, name, value):
        object.__setattr__(self, name, value)
        object.__setattr__(self, "count", getattr(self, "count", 0) + 1)


class Slots:
    __slots__ = ("values",)


def items_that_are_copies(x):
    box = CopyingItems(x * 1.0)
    box[0:2] -= 1.0
    return box.values.sum()


def a_list_that_gives_copies(x):
    items = CopyingList([x * 1.0])
    items[0] -= 1.0
    return items[0].sum()


def a_property(x):
    p = CopyingProperty(x * 1.0)
    p.values -= 1.0
    return p._values.sum()


def a_property_without_a_setter(x):
    values = x * 1.0

    class Owner:
        @property
        def values(self):
            return values

    try:
        Owner().values -= 1.0
    except AttributeError:
        return values.sum() * 10.0
    return values.sum()


def a_descriptor(x):
    d = Described()
    d.hidden = x * 1.0
    d.values *= 3.0
    return d.hidden.sum()


def a_class_that_sees_what_is_set(x):
    c = Counting(x * 1.0)
    c.values -= 1.0
    return c.values.sum() * c.count


def slots(x):
    s = Slots()
    s.values = x * 1.0
    s.values -= 1.0
    return s.values.sum()


def a_tuple(x):
    t = (x * 1.0,)
    try:
        t[0] -= 1.0  # is changed, and then cannot be stored
    except TypeError:
        return t[0].sum() * 10.0
    return t[0].sum()


def containers(x):
    y = x * 1.0
    items, table, ordered, queue, wrapped = [y], {"a": x * 2.0}, OrderedDict(a=x * 3.0), deque([x * 4.0]), UserList([y])
    items[0] += 1.0
    table["a"] -= y
    ordered["a"] *= 2.0
    queue[0] /= 4.0
    wrapped[0] += 0.5
    return np.sum(y) + np.sum(table["a"]) + np.sum(ordered["a"]) + np.sum(queue[0])


def chosen_elements(x):
    v = x[x > 1]
    v[np.array([0])] *= 3.0
    v[[1]] += 1.0
    v[np.arange(1)] -= x[0]
    return np.sum(v * v)


def elements_by_places(x):
    v = np.unique(x)
    v[np.array([1])] -= 2.0
    w = x[np.nonzero(x > 1)[0]]
    w[np.arange(2)] *= np.array([2.0, 3.0])
    return np.sum(v) + w[1] - w[0]


PROGRAMS: list[Callable[..., Any]] = [
    items_that_are_copies, a_list_that_gives_copies, a_property, a_property_without_a_setter, a_descriptor,
    a_class_that_sees_what_is_set, slots, a_tuple, containers, chosen_elements, elements_by_places,
]


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_it_is_stored_as_python_does(f):
    np.testing.assert_allclose(gj.jit(f)(X), f(X.copy()), rtol=1e-15)
    slope = gj.grad(f)(X)
    for k in range(len(X)):
        step = 1e-6 * np.eye(len(X))[k]
        np.testing.assert_allclose(slope[k], (f(X + step) - f(X - step)) / 2e-6, rtol=1e-6, atol=1e-7)
