"""`is` between arrays that a name may stand for."""

from __future__ import annotations

import numpy as np
import pytest

import gradjit as gj


def chosen(x):
    y = x if x[0] > 0 else -x
    return (1.0 if y is x else 2.0), (1.0 if y is not x else 2.0), (x is y) + 0.0


def replaced(x):
    y = x
    if x[0] > 0:
        y = x * 2.0
    return 1.0 if y is x else 2.0


def in_a_list(x):
    items = [x]
    if x[0] > 0:
        items = [x.copy()]
    return any(v is x for v in items) + 0.0


def behind_a_loop(x):
    y = x
    for i in range(20):
        if x[i % 3] > 5:
            y = -x
    return 1.0 if y is x else 2.0


def within_a_loop(x):
    y, s = x, 0.0
    for i in range(20):
        if y is x:
            s += 1.0
        if x[i % 3] > 2:
            y = x * 2
    return s


def exchanged(x):
    a, b = x, x * 2
    for i in range(20):
        a, b = b, a
        if x[0] > i:
            a = b
    return (1.0 if a is b else 0.0) + (10.0 if a is x else 0.0)


def made_in_the_loop(x):
    y, s = x, 0.0
    for _ in range(20):
        z = y * 1.0
        s += 1.0 if z is y else 0.5
        y = z
    return s


@pytest.mark.parametrize("f", [chosen, replaced, in_a_list, behind_a_loop, within_a_loop, exchanged, made_in_the_loop],
                         ids=lambda f: f.__name__)
def test_as_python_has_it(f):
    compiled = gj.jit(f)
    for x in (np.array([1.0, 2, 3]), np.array([-1.0, 2, 3]), np.array([7.0, 2, 3])):
        np.testing.assert_array_equal(compiled(x.copy()), f(x.copy()))


def unknown(x, n):
    y = x
    i = 0
    while i < n:
        if x[i % 3] > 5:
            y = -x
        i += 1
    return 1.0 if y is x else 2.0


def within(x, n):
    y, s, i = x, 0.0, 0
    while i < n:
        if y is x:
            s += 1.0
        y = y * 2.0
        i += 1
    return s


@pytest.mark.parametrize("f", [unknown, within], ids=lambda f: f.__name__)
def test_what_only_a_run_could_tell_is_refused(f):
    with pytest.raises(gj.TraceError, match="while gradjit compiles"):
        gj.jit(f)(np.ones(3), np.int64(5))
