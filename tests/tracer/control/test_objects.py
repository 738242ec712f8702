"""Lists, dicts and objects of the user's own classes as what branches merge, loops carry and lists hold."""

from __future__ import annotations

import array
import collections
import io
import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

import gradjit as gj


class Vector:
    __slots__ = ("x", "y")

    def __init__(self, x: Any, y: Any):
        self.x, self.y = x, y

    def __add__(self, other: Vector) -> Vector:
        return Vector(self.x + other.x, self.y + other.y)

    def __mul__(self, k: Any) -> Vector:
        return Vector(self.x * k, self.y * k)

    def __neg__(self) -> Vector:
        return self * -1.0

    def __iadd__(self, other: Vector) -> Vector:
        self.x += other.x
        self.y += other.y
        return self

    def __abs__(self) -> Any:
        return math.sqrt(self.x * self.x + self.y * self.y)


class Matrix:
    def __init__(self, rows: Any):
        self.rows = [list(r) for r in rows]

    def __matmul__(self, other: Matrix) -> Matrix:
        return Matrix([[sum(a * b for a, b in zip(r, c, strict=True)) for c in zip(*other.rows, strict=True)]
                       for r in self.rows])


@dataclass(frozen=True)
class State:
    x: float
    v: float

    def step(self, k: Any) -> State:
        return replace(self, x=self.x + 0.05 * self.v, v=self.v - 0.05 * k * self.x)


def bound_anew_in_a_loop(x):
    r, v = Vector(1.0, 0.0), Vector(0.0, x)
    for _ in range(50):
        v = v + -r * (0.02 / abs(r) ** 3)
        r = r + v * 0.02
    return r.x + 2 * r.y * abs(v)


def bound_anew_in_a_while(x):
    r, t = Vector(1.0, x), 0.0
    while t < x - 0.005:
        r = r + Vector(r.y, -r.x) * 0.01
        t += 0.01
    return r.x * r.y


def frozen_dataclass(x):
    s, steps = State(1.0, 0.0), 0
    while s.x > 0:
        s, steps = s.step(x), steps + 1
    return s.v * x + steps


def rows_within(x):
    m, r = Matrix([[x, 0.3], [0.1, 0.2]]), Matrix([[1.0, 0.0], [0.0, 1.0]])
    for _ in range(12):
        r = r @ m
    return r.rows[0][0] + r.rows[1][0]


def in_a_branch(x):
    p = Vector(x, x * x)
    q = p * 2.0 if x > 0 else -p
    return abs(q) + q.y


def two_names_on_both_sides(x):
    if x > 0:
        a = [x]
        b = a
    else:
        a = [2.0]
        b = a
    a[0] = 7.0
    return b[0] * x


def two_names_behind_a_loop(x):
    now = [x, 1.0]
    for _ in range(20):
        now = [now[0] * 1.01, now[1] + x]
        last = now
    last[0] = 3.0
    return now[0] * now[1] + last[1]


def the_one_before(x):
    now = last = Vector(x, 0.0)
    for _ in range(20):
        last = now
        now = now * 1.01 + Vector(0.0, x)
    now.x = 3.0
    last.y += 1.0
    return now.x * now.y + last.y * last.x


def in_place_and_anew(x):
    v = Vector(x, 0.0)
    begin = v
    for _ in range(20):
        v += Vector(0.1, x)
        v = v * 0.99
    return v.x + v.y + begin.y


def list_within_a_tuple(x):
    inner = [x, 1.0]
    state = (inner, 0.0)
    for _ in range(20):
        values, total = state
        values[0] += 1.0
        state = (values, total + values[0])
    return inner[0] * state[1]


def swapped(x):
    a, b = Vector(x, 1.0), Vector(1.0, x)
    for _ in range(21):
        a, b = b, a * 0.9
    return a.x + 3 * b.y


def best_of(x):
    best = Vector(x, 0.0)
    for p in [Vector(x * k - 1, x) for k in range(5)]:
        if p.x > best.x:
            best = p
    return best.x * best.y


def by_key(x):
    found = [Vector(x * k, (k - 3.0) ** 2 * x) for k in range(6)]
    least = min(found, key=lambda p: p.y)
    return least.x + max(found, key=abs).x


def particles_made_anew(x):
    points = [State(x * k, 1.0) for k in range(20)]
    total = 0.0
    for _ in range(30):
        points = [State(p.x * 0.9 + 0.1 * x, p.v) for p in points]
        total = total + points[3].x
    return total + points[-1].x


def appended_objects(x):
    path, v = [], Vector(x, 0.0)
    for _ in range(30):
        v = v * 0.9 + Vector(0.0, x)
        path.append(v)
    return sum(p.y for p in path) + path[-1].x


def appended_and_changed_behind(x):
    path, v = [], Vector(x, 0.0)
    for _ in range(30):
        v = v * 0.9
        path.append(v)
    v.x = 7.0
    return path[-1].x * x


def one_object_appended_again_and_again(x):
    path, v = [], Vector(x, 0.0)
    for _ in range(20):
        v.x += 1.0
        path.append(v)
    return path[0].x * x


def one_list_appended_again_and_again(x):
    path, v = [], [x, 0.0]
    for _ in range(20):
        v[0] += 1.0
        path.append(v)
    return path[0][0] * x


def table_of_lists(x):
    grid = [[x] * 5 for _ in range(40)]
    grid[2][3] = x * x
    return grid[2][3] + grid[3][3]


def list_of_dicts(x):
    rows = []
    for k in range(10):
        rows.append({"a": x * k})
    rows[2]["a"] = x * x
    return rows[2]["a"] + rows[3]["a"]


def objects_changed_in_a_loop_over_them(x):
    points = [Vector(x * k, 0.0) for k in range(40)]
    points[3].x = x * x
    for p in points:
        p.y += p.x
    return sum(p.y for p in points)


def is_one_of_many(x):
    points = [State(x * k, 1.0 + k) for k in range(12)]
    total = 0.0
    for a in points:
        for b in points:
            if a is b:
                continue
            total += a.v * b.x
    return total


def multiplied_list(x):
    r = [0.0] * 7
    for (i, a), (j, b) in itertools.product(enumerate([x, 1.0, x * x, 2.0]), enumerate([1.0, x, x, x])):
        r[i + j] += a * b
    return r[2] + r[3]


def groups(x):
    values = [x * k for k in range(7)]
    sums = [sum(values[i] for i in g) for _, g in itertools.groupby(range(7), key=lambda i: i // 3)]
    return sums[0] + sums[1] * sums[2]


def deleted(x):
    d, queue, total = {"a": x, "b": x * x}, [x * k for k in range(5)], 0.0
    for k in range(20):
        d["t"] = x * k
        d["b"] += d["t"]
        del d["t"]
    while queue:
        total += queue[0] ** 2
        del queue[0]
    return d["b"] + total + len(d)


RIGHT: list[Callable[..., Any]] = [
    bound_anew_in_a_loop, bound_anew_in_a_while, frozen_dataclass, rows_within, in_a_branch, two_names_on_both_sides,
    two_names_behind_a_loop, the_one_before, in_place_and_anew, list_within_a_tuple, swapped, best_of, by_key,
    particles_made_anew, appended_objects, appended_and_changed_behind, one_object_appended_again_and_again,
    one_list_appended_again_and_again, table_of_lists, list_of_dicts, objects_changed_in_a_loop_over_them,
    is_one_of_many, multiplied_list, groups, deleted]


@pytest.mark.thinned
@pytest.mark.parametrize("f", RIGHT, ids=lambda f: f.__name__)
def test_right(f):
    value, slope = gj.value_and_grad(f)(0.7)
    h = 1e-6
    np.testing.assert_allclose(value, f(0.7), rtol=1e-12)
    np.testing.assert_allclose(slope, (f(0.7 + h) - f(0.7 - h)) / (2 * h), rtol=1e-6, atol=1e-8)


def compiled_as_loops(f):
    g = gj.jit(f)
    g(0.7)
    return "a loop" in str(g.stats()) and "unrolled" not in str(g.stats())


@pytest.mark.parametrize("f", [bound_anew_in_a_loop, bound_anew_in_a_while, frozen_dataclass, rows_within],
                         ids=lambda f: f.__name__)
def test_objects_are_carried(f):
    """No iteration is unrolled."""
    assert compiled_as_loops(f)


# what may be one or another may not be changed ------------------------------------------------------------------------
def one_of_two_lists(x):
    a, b = [x, 1.0], [2.0, x]
    c = a if x > 0 else b
    c[0] = 5.0
    return a[0]


def one_of_many_objects(x):
    points = [Vector(x * k - 1, x) for k in range(5)]
    best = points[0]
    for p in points:
        if p.x > best.x:
            best = p
    points[-1].x = 100.0
    return best.x


def all_but_the_best(x):
    points = [Vector(x * k - 1, x) for k in range(5)]
    best = points[0]
    for p in points:
        if p.x > best.x:
            best = p
    return sum(p.x for p in points if p is not best)


def appended_in_a_while(x):
    v, path = {"a": x}, []
    while v["a"] < 10:
        v["a"] += 1.0
        path.append(v)
    return path[0]["a"]


def anew_and_in_place_in_a_while(x):
    v = Vector(x, 0.0)
    while v.x < 10:
        v += Vector(1.0, x)
        v = v * 0.99
    return v.y


def deleted_under_a_condition(x):
    d = {"a": x, "b": 2.0}
    if x > 0:
        del d["a"]
    return sum(d.values())


def added_under_a_condition(x):
    seen = {1, 2}
    if x > 0:
        seen.add(3)
    return len(seen) * x


REFUSED = [
    (one_of_two_lists, "a list is changed that may have another name.*copy"),
    (one_of_many_objects, "a Vector is changed that may have another name: best is one or another.*copy"),
    (all_but_the_best, "whether a Vector is one object or another"),
    (appended_in_a_while, "what is appended to a list is changed in place in the body.*append a copy"),
    (anew_and_in_place_in_a_while, "v is changed in place in the body, and bound anew"),
    (deleted_under_a_condition, r"the dict d gets other keys \('a'\) under a condition.*give it these keys before"),
    (added_under_a_condition, r"the set seen gets other members under a condition.*keep flags in an array"),
]


@pytest.mark.parametrize("f, words", REFUSED, ids=[f.__name__ for f, _ in REFUSED])
def test_refused(f, words):
    with pytest.raises(gj.TraceError, match=words) as e:
        gj.jit(f)(0.7)
    assert 'test_objects.py", line' in str(e.value)


@dataclass
class Bag:
    first: Any
    items: list[Any] = field(default_factory=list)
    inner: Any = field(default_factory=lambda: {"k": [1.0]})

    def __post_init__(self) -> None:
        self.items.append(self.first)
        self.inner["k"].append(self.first * 2.0)


def test_what_a_dataclass_makes_for_its_fields() -> None:
    def f(x: Any) -> Any:
        a = Bag(x[0])
        b = replace(a, first=x[1])
        b.items.append(x[2])
        return sum(a.items) * sum(Bag(x[2]).items) + sum(b.inner["k"])

    value_and_grad = gj.value_and_grad(f)
    for x in (np.array([1.0, 2.0, 3.0]), np.array([0.5, -1.0, 2.0])):
        value, gradient = value_and_grad(x)
        assert np.isclose(value, f(x))
        steps = np.eye(3) * 1e-6
        np.testing.assert_allclose(gradient, [(f(x + e) - f(x - e)) / 2e-6 for e in steps], atol=1e-6)


SPACE: dict = {}
exec("def raised(o, by):\n    o.n = o.n + by\n    return o.n\n", SPACE)  # without source
raised = SPACE["raised"]


class Counted:
    def __init__(self, n):
        self.n = n


def counted_in_a_loop(x, n):
    o, s = Counted(0), 0.0
    for _ in range(n[0]):
        s += raised(o, 1) * x
    return s + o.n


def raised_in_a_branch(x, n):
    o = Counted(x)
    if x > 0:
        raised(o, x * 2)
    for k in range(n[0]):
        if x * k > 1:
            raised([o][0], x)
    return raised(o, 1.0) * o.n


@pytest.mark.parametrize("f", [counted_in_a_loop, raised_in_a_branch], ids=lambda f: f.__name__)
def test_changed_by_functions_without_source(f):
    for x in (0.7, -0.7):
        n = np.array([4])
        assert np.isclose(gj.jit(f, backend="interpreter")(x, n), f(x, n), rtol=1e-14)
        slope = (f(x + 1e-6, n) - f(x - 1e-6, n)) / 2e-6
        assert np.isclose(gj.grad(f, backend="interpreter")(x, n), slope, rtol=1e-6)


def items_of_a_librarys_object(x, n):
    held, table = collections.UserList([x, 1.0]), collections.UserDict(a=1.0)
    for _ in range(n[0]):
        held[0] = held[0] * 1.5
        table["a"] = table["a"] * 2
        if held[0] > 2:
            held[1] += x
            del table.data["a"]
            table["a"] = 0.5
    return held[0] + held[1] * table["a"]


@pytest.mark.parametrize("n", [0, 3])
def test_changed_by_a_librarys_code(n):
    f, count = items_of_a_librarys_object, np.array([n])
    assert np.isclose(gj.jit(f, backend="interpreter")(0.9, count), f(0.9, count), rtol=1e-14)
    slope = (f(0.9 + 1e-6, count) - f(0.9 - 1e-6, count)) / 2e-6
    assert np.isclose(gj.grad(f, backend="interpreter")(0.9, count), slope, rtol=1e-6)


def bytes_of_an_array(x, n):
    held = array.array("d", [1.0])
    for _ in range(n[0]):
        held[0] *= 2
    return held[0] * x


def text_in_memory(x, n):
    out = io.StringIO()
    for _ in range(n[0]):
        out.write("a")
    return len(out.getvalue()) * x


@pytest.mark.parametrize("f, words", [(bytes_of_an_array, "is changed in the body"),
                                      (text_in_memory, "may change where the _io.StringIO")],
                         ids=["array", "StringIO"])
def test_what_cannot_be_carried_is_refused(f, words):
    with pytest.raises(gj.TraceError, match=words):
        gj.jit(f)(0.9, np.array([3]))


class Circle:
    def __init__(self, r):
        self.area = 3 * r * r


class Square:
    def __init__(self, s):
        self.area = s * s


def test_objects_of_two_classes_are_not_chosen_from():
    def largest(x):
        return max([Circle(x), Square(2 * x)], key=lambda s: s.area).area

    def largest_area(x):
        return max(s.area for s in [Circle(x), Square(2 * x)])

    with pytest.raises(gj.TraceError, match=r"a Square in one branch and a Circle.*as max\(f\(x\) for x in items\)"):
        gj.grad(largest)(3.0)
    assert gj.value_and_grad(largest_area)(3.0) == (36.0, 24.0)
