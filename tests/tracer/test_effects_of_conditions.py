"""What is done under a traced condition inside of an expression: a name of another function that is bound anew, items
of any() and all() that do more than compute. As Python does it, or refused."""

from __future__ import annotations

import numpy as np
import pytest

import gradjit as gj
from gradjit.errors import TraceError


class Counted:
    """A function that counts its calls in a name of the function around."""

    @staticmethod
    def by_statement(s):
        n = 0

        def f(v):
            nonlocal n
            n += 1
            return v

        if f(s) > 1:
            m = f(s)
        else:
            m = f(2 * s) + f(s)
        return m * n

    @staticmethod
    def in_a_comprehension(s):
        n = 0

        def f(v):
            nonlocal n
            n += 1
            return v

        return sum([f(k * s) for k in range(40)]) * n

    @staticmethod
    def in_a_loop_of_another(s):
        n = 0

        def f(v):
            nonlocal n
            n += 1
            return v

        def g(v):
            t = 0.0
            for k in range(30):
                t += f(v * k)
            return t

        return g(s) * n

    @staticmethod
    def made_inside(s):
        def outer(v):
            n = 0

            def f(x):
                nonlocal n
                n += 1
                return x

            f(v)
            return f(v) * n

        return outer(s) if s > 1 else outer(2 * s)

    @staticmethod
    def by_choice(s):
        n = 0

        def f(v):
            nonlocal n
            n += 1
            return v

        return (f(s) if s > 1 else f(2 * s) + f(s)) * n

    @staticmethod
    def by_and(s):
        n = 0

        def f(v):
            nonlocal n
            n += 1
            return v > 0

        return (2.0 if s > 1 and f(s) else 1.0) * n * s

    @staticmethod
    def by_a_branch_of_another(s):
        n = 0

        def f(v):
            nonlocal n
            n += 1
            return v

        def g(v):
            if v > 1:
                return f(v)
            return 0.0

        return g(s) + n * s


@pytest.mark.parametrize("f", [Counted.by_statement, Counted.in_a_comprehension, Counted.in_a_loop_of_another,
                               Counted.made_inside])
def test_counted_as_python_does(f):
    for s in (0.8, 1.4):
        assert gj.jit(f)(s) == pytest.approx(f(s))


@pytest.mark.parametrize("f", [Counted.by_choice, Counted.by_and, Counted.by_a_branch_of_another])
def test_counted_in_an_expression(f):
    with pytest.raises(TraceError, match="the name n of a function around is bound anew by a function that is called"):
        gj.jit(f)(0.8)


# any and all ----------------------------------------------------------------------------------------------------------
def scratch(v):
    kept, room = [], np.zeros(2)
    kept.append(v)
    room[0] = kept[0]
    return room[0] > 3


def test_items_that_only_compute():
    f = lambda s: (1.0 if any(scratch(k * s) for k in range(6)) else 2.0) * s
    g = lambda s: (1.0 if all(abs(k * s) < 3 for k in range(6)) else 2.0) * s
    for s in (0.3, 0.8):
        assert gj.jit(f)(s) == f(s)
        assert gj.jit(g)(s) == g(s)


def seen(s):
    found = []

    def look(v):
        found.append(v)
        return v > 2

    any(look(k * s) for k in range(6))
    return sum(found)


def hit(s):
    return hit if any((hit := k * s) > 2 for k in range(6)) else 0.0


def counted(s):
    n = {"calls": 0}

    def look(v):
        n["calls"] += 1
        return v < 2

    return (2.0 if all(map(look, [k * s for k in range(6)])) else 1.0) * n["calls"]


@pytest.mark.parametrize("f", [seen, hit, counted])
def test_items_that_do_something(f):
    with pytest.raises(TraceError, match=r"stops at the first item that decides, .* write a for loop with an if"):
        gj.jit(f)(0.8)
