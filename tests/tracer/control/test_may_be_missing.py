"""Names, attributes and values of which the running program decides whether they are there: the value and the gradient
where they are, Python's exception where they are not."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gradjit as gj
from gradjit.records import dataclass


@dataclass
class Hit:
    t: float
    normal: np.ndarray


class Model:
    tolerance = 1e-3

    def __init__(self, most):
        self.most = most

    def fit(self, x):
        before = np.inf
        for self.steps in range(self.most):  # noqa: B020 (an attribute, and not self)
            x = 0.5 * (x + 2 / x)
            if abs(x - before) < 1e-6:
                self.converged = True
                self.x = x
                break
            before = x
        else:
            self.converged = False
        if x > 1.5:
            self.tolerance = 5.0
        return self


def sphere(o, d, c, r):
    b, q = np.dot(o - c, d), np.dot(o - c, o - c) - r * r
    if b * b < q:
        return None
    t = -b - np.sqrt(b * b - q)
    if t < 1e-6:
        return None
    return Hit(t, (o + t * d - c) / r)


AHEAD = np.array([0.0, 0.0, 1.0])


# names ----------------------------------------------------------------------------------------------------------------
def name_behind_break(x):
    q = x
    for _ in range(30):
        e = q * q - 2.0
        if abs(e) < 1e-4:
            break
        slope = 2 * q
        q = q - e / slope
    return slope * q


def name_of_while(x):
    while x > 1.0:
        last = x
        x = x / 2
    return last + x


def name_in_one_branch(x):
    for _ in range(20):
        if x > 3.0:
            y = x * 2
        x = x + 0.1
    else:
        z = y + x
    return y + z


def names_unpacked(x, n):
    for i in range(n):
        a, (b, *c) = x, (x * i, x, 1.0)
        x = x * 1.1
        if x > 5:
            continue
        d = x
    return a + b + sum(c) + d


def name_of_containers(x):
    while x < 10:
        x = x * 2
        if x > 4:
            found = {"x": x, "l": [x, 2 * x]}
    return found["l"][1] + found["x"]


def name_in_with_and_inner_loop(x, n):
    for _ in range(n):
        for k in range(12):
            if x > 2 + k:
                best = x * k
        x = x + 0.3
        if x > 6:
            del best
            break
    return best * x


# None -----------------------------------------------------------------------------------------------------------------
def hit(c, r):
    h = sphere(np.zeros(3), AHEAD, c, r)
    if h is None:
        return 0.0
    return h.t + h.normal[2]


def nearest_of_three(c, r):
    best = None
    for k in range(3):
        h = sphere(np.array([0.1 * k, 0, 0]), AHEAD, c + 0.2 * k, r)
        if h is not None and (best is None or h.t < best.t):
            best = h
    return best.t if best is not None else -1.0


def nearest_in_a_loop(c, r):
    best, total = None, 0.0
    for k in range(30):
        h = sphere(np.array([0.1 * k, 0, 0]), AHEAD, c + 0.02 * k, r)
        if not h:
            continue
        total += h.t
        if best is None or h.t < best.t:
            best = h
    if best:
        total += best.t
    return total


def number_or_none(x):
    def root(a):
        if a < 0:
            return None
        return math.sqrt(a)

    return root(x) * 2


def argument_of_numpy(x):
    y = None
    if x > 0:
        y = x
    return np.sin(y)


def set_by_while(x):
    y = None
    while x < 10:
        x = x * 1.5
        if x > 5 and y is None:
            y = x * 2
    return x if y is None else y + x


def pairs_in_a_list(x):
    def solve(a):
        d = a * a - 2
        if d < 0:
            return None
        return -a - math.sqrt(d), -a + math.sqrt(d)

    found = []
    for a in (x, x + 1, x + 2):
        both = solve(a)
        if both is None:
            continue
        low, high = both
        found.append(high - low)
    return sum(found)


def previous(x):
    before, s = None, 0.0
    for v in x:
        if v < 0:
            continue
        if before is not None:
            s += abs(v - before)
        before = v
    return s if before is None else s + before


def default_by_or(x):
    a = None if x < 0 else x
    return a or 3.0


def item_of_a_dict(x):
    d = {"best": None}
    for k in range(20):
        x = x * 1.1
        if x > 3 and (d["best"] is None or x < d["best"][0]):
            d["best"] = x, k
    t, k = d["best"]
    return t + k


def handed_on(x):
    def bounded(v):
        return v if v is None or v < 10 else None

    def root(v):
        return None if v < 0 else np.sqrt(v)

    pair = [bounded(root(x)), bounded(root(x * 100))]
    return sum(v for v in pair if v is not None)


def raised_before(x):
    y = None if x < 0 else x * 2
    if y is None:
        raise ValueError(f"{x:.1f} is negative")
    try:
        return y**2
    except TypeError:
        return 0.0


def equal_to_none(x):
    y = x * 3 if x > 1 else None
    return 1.0 if y == None else x * y  # noqa: E711


# attributes -----------------------------------------------------------------------------------------------------------
def attribute_read(x):
    m = Model(12).fit(x)
    return m.x + m.tolerance + m.steps


def attribute_of_both_ways(x):
    m = Model(4).fit(x)
    return m.x if m.converged else -x


def attribute_asked_for(x):
    m = Model(4).fit(x)
    return (m.x if hasattr(m, "x") else 7.0) * x


def attribute_of_an_object(x):
    m = Model(3)
    if x > 2:
        m.best = x
    if x > 3:
        m.best = 2 * x
    return m.best * 1.0


C, WAVES = np.array([0.0, 0.1, 5.0]), np.sin(np.arange(20.0))
CASES: list[tuple[Callable[..., Any], list[tuple[Any, ...]]]] = [
    (name_behind_break, [(1.0,), (1.9,), (np.sqrt(2.0),)]), (name_of_while, [(9.0,), (0.5,)]),
    (name_in_one_branch, [(1.55,), (0.1,)]),
    (names_unpacked, [(1.0, np.int64(4)), (1.0, np.int64(0)),
                      (6.0, np.int64(3))]),
    (name_of_containers, [(1.1,), (11.0,)]),
    (name_in_with_and_inner_loop, [(3.1, np.int64(3)), (0.5, np.int64(2)), (5.1, np.int64(40))]),
    (hit, [(C, 1.0), (C + 3, 1.0), (-C, 1.0)]), (nearest_of_three, [(C, 1.0), (C + 3, 1.0)]),
    (nearest_in_a_loop, [(C, 1.0), (C + 30, 1.0)]), (number_or_none, [(2.0,), (-2.0,)]),
    (argument_of_numpy, [(1.0,), (-1.0,)]), (set_by_while, [(1.0,), (11.0,), (7.0,)]),
    (pairs_in_a_list, [(0.0,), (2.0,), (-5.0,)]), (previous, [(WAVES[1:],), (-np.ones(20),)]),
    (default_by_or, [(1.0,), (-1.0,)]), (item_of_a_dict, [(1.0,), (0.2,)]),
    (handed_on, [(0.5,), (-1.0,), (2.0,), (500.0,)]), (raised_before, [(2.0,), (-2.0,)]),
    (equal_to_none, [(2.0,), (-2.0,)]),
    (attribute_read, [(1.1,), (1.5,)]), (attribute_of_both_ways, [(1.5,), (9.0,)]),
    (attribute_asked_for, [(1.5,), (9.0,)]), (attribute_of_an_object, [(4.0,), (2.5,), (1.0,)]),
]


def outcome(f: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    try:
        return f(*args)
    except (UnboundLocalError, TypeError, AttributeError, ValueError) as e:
        assert not isinstance(e, gj.GradjitError), e
        return type(e)


def slope(f: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    x, rest = np.asarray(args[0]), args[1:]
    steps = 1e-6 * np.eye(x.size).reshape(x.size, *x.shape)
    at = (lambda v: f(float(v), *rest)) if not x.ndim else lambda v: f(v, *rest)
    return np.reshape([(at(x + h) - at(x - h)) / 2e-6 for h in steps], x.shape)


@pytest.mark.parametrize("f, sets", [pytest.param(*c, id=c[0].__name__) for c in CASES])
def test_there_or_missing(f, sets):
    compiled, gradient, forward = gj.jit(f), gj.grad(f), gj.jit(lambda x, d, *rest: gj.jvp(
        lambda y: f(y, *rest), (x,), (d,))[1])
    for args in sets:
        expected = outcome(f, args)
        assert outcome(gj.jit(f, tier="interpret"), args) == pytest.approx(expected) if not isinstance(
            expected, type) else expected
        if isinstance(expected, type):
            assert outcome(compiled, args) is expected and outcome(gradient, args) is expected
            continue
        assert compiled(*args) == pytest.approx(expected, rel=1e-12)
        wanted, got = slope(f, args), gradient(*args)
        np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-5)
        d = np.cos(np.arange(np.size(args[0]))).reshape(np.shape(args[0])) if np.ndim(args[0]) else 1.0
        np.testing.assert_allclose(forward(args[0], d, *args[1:]), np.sum(got * d), rtol=1e-9, atol=1e-9)


def refused(f: Callable[..., Any], x: Any, words: str) -> None:
    with pytest.raises(gj.GradjitError, match=words):
        gj.jit(f)(x)


def test_what_stays_refused():
    def clipped(x):
        return np.clip(x, None, None if x < 0 else x / 2)

    def caught(x):
        y = None if x < 0 else x
        try:
            return y + 1
        except TypeError:
            return 0.0

    def kept(x):
        m = Model(3)
        if x > 2:
            m.best = x
        return m

    refused(clipped, 1.0, "ask whether it is None before it is used")
    refused(caught, 1.0, "the expression is None in one branch")
    refused(kept, 1.0, "holds a traced value")


class Latch:
    """Its attributes are the class's until they are set."""
    level, mode = 0.5, "idle"

    def step(self, v):
        if v > 0.3:
            self.level = v
        if v > 0.6:
            self.mode = "run"
        return v * self.level + (1.0 if self.mode == "run" else 0.0)


def latched_in_a_loop(x, n):
    a, s = Latch(), 0.0
    for k in range(int(n)):
        s += a.step(np.sin(x * k))
    return s + a.level


def latched_by_a_branch(x, n):
    a = Latch()
    if x > n:
        a.level = x * x
    return a.level * getattr(a, "level", 7.0) + (1.0 if hasattr(a, "level") else 0.0)


@pytest.mark.parametrize(("f", "args"), [
    (latched_in_a_loop, [(0.3, 0.0), (0.3, 1.0), (0.2, 9.0), (1.1, 30.0)]),
    (latched_by_a_branch, [(1.0, 0.0), (1.0, 2.0)]),
], ids=["loop", "branch"])
def test_attributes_of_the_class_stand_where_an_object_has_none(f, args):
    value, gradient = gj.jit(f), gj.grad(f)
    for x, n in args:
        assert value(x, n) == pytest.approx(f(x, n), rel=1e-13)
        slope = (f(x + 1e-6, n) - f(x - 1e-6, n)) / 2e-6
        assert gradient(x, n) == pytest.approx(slope, rel=1e-6, abs=1e-7)
