"""Attributes, items, lists and names outside of a function that it changes at each call."""

from __future__ import annotations

import collections
import copy
import math
import types
from collections.abc import Callable

import numpy as np
import pytest

import gradjit as gj

X = np.array([0.5, -1.0, 2.0])
COUNT, TOTAL = 0, 0.0


class Filter:
    def __init__(self):
        self.mean, self.n, self.last, self.cov, self.log = 0.0, 0, None, np.eye(2), []
        self.table = {"sum": 0.0, "all": []}

    def step(self, z):
        self.mean = 0.75 * self.mean + 0.25 * z
        self.n += 1
        self.cov = self.cov * 0.5 + z
        self.last = z if self.last is None else self.last + z
        self.log.append(self.mean)
        self.table["sum"] += z
        self.table["all"].extend((z, self.mean))
        return self.mean * self.n

    def run(self, zs):
        for z in zs:
            self.step(z)
        return self.mean

    def reset(self, z):
        self.mean = z
        self.fresh = z * 2.0
        return self.fresh


def same(a, b):
    if isinstance(a, dict):
        assert a.keys() == b.keys()
        for k in a:
            same(a[k], b[k])
    elif isinstance(a, list):
        assert len(a) == len(b)
        for x, y in zip(a, b, strict=True):
            same(x, y)
    elif a is None:
        assert b is None
    else:
        assert type(a) is type(b) or {type(a), type(b)} <= {float, np.float64}, (a, b)
        np.testing.assert_allclose(a, b, rtol=1e-12)


def test_an_object_is_stepped():
    plain, compiled = Filter(), Filter()
    step = gj.jit(compiled.step)
    for z in (1.0, 2.0, -3.0, 0.5):
        same(plain.step(z), step(z))
        same(vars(plain), vars(compiled))
    compiled.mean = plain.mean = 100.0
    same(plain.step(1.0), step(1.0))
    same(vars(plain), vars(compiled))
    assert gj.jit(compiled.reset)(2.0) == plain.reset(2.0)
    same(vars(plain), vars(compiled))


def test_an_object_is_stepped_in_a_loop():
    plain, compiled = Filter(), Filter()
    plain.last = compiled.last = 0.0
    run = gj.jit(compiled.run)
    for _ in range(2):
        same(plain.run(np.arange(20.0)), run(np.arange(20.0)))
        same(vars(plain), vars(compiled))


class Counted:
    made = 0

    def __init__(self, x):
        if x <= 0:
            raise ValueError("not positive")
        self.x = x
        type(self).made += 1


def test_numbers_that_are_counted_under_a_condition():
    def root(x):
        try:
            return np.sqrt(Counted(x).x)
        except ValueError:
            return -x

    step, before = gj.jit(root), Counted.made
    assert [step(x) for x in (4.0, -1.0, 9.0)] == [2.0, 1.0, 3.0]
    assert Counted.made == before + 2 and type(Counted.made) is int
    assert gj.grad(root)(4.0) == 0.25 and Counted.made == before + 2


def test_derivatives_leave_no_trace():
    f = Filter()
    before = copy.deepcopy(vars(f))
    g = gj.value_and_grad(f.step)
    for _ in range(2):
        value, slope = g(2.0)
        assert (value, slope) == (0.5, 0.25)
        same(vars(f), before)
    f.mean = 4.0
    assert g(2.0)[0] == 3.5
    assert gj.grad(gj.grad(lambda z: f.step(z) ** 2))(2.0) == 2 * 0.25**2
    assert f.mean == 4.0 and f.n == 0 and f.log == []


LOG: list = []


def test_derivatives_say_so_where_a_list_of_its_own_name_would_stay_empty():
    """An object's history is a part of the object; a list that only somebody outside looks at is not."""
    log: list = []

    def in_cell(x):
        log.append(x * 2.0)
        return np.sum(x)

    def in_globals(x):
        LOG.extend([x, 1.0])
        return np.sum(x)

    for f, name in ((in_cell, "log"), (in_globals, "LOG")):
        with pytest.raises(gj.TraceError, match=rf"(?s)the list {name}, outside of.*has_aux=.*test_state.py\", line"):
            gj.grad(f)(X)
        assert gj.jit(f)(X) == np.sum(X)
    assert len(log) == 1 and len(LOG) == 2
    LOG.clear()


def make_counter() -> tuple[Callable, Callable]:
    state = {"n": 0}
    log: list = []
    last, calls = 1.0, 0

    def f(x):
        nonlocal last, calls
        state["n"] += 1
        calls += 1
        last = last * x
        log.append(x)
        log.extend((last, 1.0))
        state.update(last=last, pair=(x, state["n"]))
        state.setdefault("first", x)
        return x * state["n"] + calls * last

    return f, lambda: [state, log, last, calls]


def test_cells_dicts_and_lists():
    (plain, held), (f, now) = make_counter(), make_counter()
    g = gj.jit(f)
    for x in (2.0, 0.5, 3.0):
        same(plain(x), g(x))
        assert list(now()[0]) == list(held()[0])
        same(now(), held())


def with_globals(x):
    global COUNT, TOTAL
    COUNT = COUNT + 1
    TOTAL = TOTAL + x
    return TOTAL * COUNT


def test_globals():
    global COUNT, TOTAL
    g = gj.jit(with_globals)
    assert [float(g(x)) for x in (1.0, 2.0, 3.0)] == [1.0, 6.0, 18.0]
    assert (COUNT, TOTAL) == (3, 6.0)
    COUNT, TOTAL = 0, 0.0
    assert gj.grad(with_globals)(5.0) == 1.0 and (COUNT, TOTAL) == (0, 0.0)


def summed(x):
    global TOTAL
    TOTAL = 0.0
    for v in x:
        TOTAL += v * v
    return TOTAL


def test_a_global_in_a_loop():
    global TOTAL
    TOTAL = 7.0
    assert np.array_equal(gj.grad(summed)(X), 2 * X) and TOTAL == 7.0
    assert gj.jit(summed)(X) == TOTAL == 5.25
    assert np.array_equal(gj.grad(summed)(np.ones(20)), np.full(20, 2.0)) and TOTAL == 5.25
    TOTAL = 0.0


def test_what_was_appended_before_is_not_read():
    log = [1.0]

    def f(x):
        log.append(x)
        return len(log) * x

    with pytest.raises(gj.TraceError, match="a list from outside that the function appends to is read, too"):
        gj.jit(f)(2.0)
    assert log == [1.0]


def test_errors_leave_things_as_they_were():
    o = Filter()

    def f(x):
        o.n = 5
        o.mean = x
        o.table["sum"] = 3.0
        return np.linalg.no_such_function(x)

    with pytest.raises(AttributeError):
        gj.jit(f)(2.0)
    with pytest.raises(gj.TraceError):
        gj.jit(lambda x: (f, setattr(o, "n", 7), o.step(x), np.packbits(X * x)))(2.0)


class Tank:
    def __init__(self, level):
        self._level = level

    @property
    def level(self):
        return self._level

    @level.setter
    def level(self, new):
        self._level = new * 0.5 if new > 1.0 else new


class Limited:
    def __set_name__(self, owner, name):
        self.name = "_" + name

    def __get__(self, owner, cls):
        return getattr(owner, self.name)

    def __set__(self, owner, value):
        setattr(owner, self.name, min(max(value, -1.0), 1.0))


class Motor:
    torque = Limited()

    def __init__(self, torque):
        self.torque = torque

    def __setattr__(self, name, value):
        object.__setattr__(self, name, value * 1.0)


@pytest.mark.parametrize("x", [0.2, 0.9, 3.0])
def test_setters_are_lifted(x):
    def tank(x):
        t = Tank(x)
        t.level = t.level + x
        t.level += 0.25
        return t.level**2

    def motor(x):
        m = Motor(x * 2.0)
        m.torque = m.torque + x
        return m.torque * x

    for f in (tank, motor):
        value, slope = gj.value_and_grad(f)(x)
        assert np.isclose(value, f(x)) and np.isclose(slope, (f(x + 1e-6) - f(x - 1e-6)) / 2e-6)


# captured arrays that a function which is differentiated writes to ---------------------------------------------------
CHART = np.zeros((2, 4))


def best(score):
    for k in range(1, 4):
        CHART[1, k] = CHART[1, k - 1] + np.tanh(score[k] * score[k - 1])
    return CHART[1, -1] ** 2


def test_scratch_arrays():
    score = np.array([0.3, 0.2, 0.9, -0.4])
    g = gj.value_and_grad(best)
    for _ in range(2):
        value, slope = g(score)
        assert not CHART.any()
        want = best(score)
        by_differences = [(best(score + e) - best(score - e)) / 2e-6 for e in 1e-6 * np.eye(4)]
        CHART[:] = 0.0
        assert np.isclose(value, want) and np.allclose(slope, by_differences)
    buffer = np.zeros(3)

    def outer(x):
        buffer[0] = x
        return gj.grad(lambda y: y * buffer[0] * buffer[1])(2.0) + buffer[0]

    buffer[1] = 3.0
    assert gj.jit(outer)(5.0) == 20.0 and np.array_equal(buffer, [5.0, 3.0, 0.0])


def test_a_scratch_array_that_is_an_argument():
    x = np.ones(4)

    def f(a):
        x[0] = 10.0
        return np.sum(x * a)

    g = gj.grad(f)
    assert np.array_equal(g(np.arange(4.0)), [10.0, 1.0, 1.0, 1.0]) and np.array_equal(x, np.ones(4))
    for h in (g, gj.grad(f)):
        with pytest.raises(gj.ArgumentError, match="writes to the captured array x, which is the same array as"):
            h(x)


class Settings:
    scale = 1.0


class Special(Settings):
    pass


SPACE = types.SimpleNamespace(scale=1.0)
PLACES: dict[str, tuple[object, Callable[[float], float]]] = {}


def place(owner: object) -> Callable[[Callable[[float], float]], None]:
    def note(f: Callable[[float], float]) -> None:
        PLACES[f.__name__] = owner, f

    return note


@place(Settings)
def of_a_class(x):
    Settings.scale = x * 2
    return Settings.scale * x


@place(Settings)
def by_setattr(x):
    setattr(Settings, "scale", Settings.scale + x)  # noqa: B010
    return Settings.scale**2


@place(Special)
def inherited(x):
    Special.scale = x * 2
    return Special.scale * x


@place(Settings)
def one_that_was_not_there(x):
    Settings.more = x * 3
    return Settings.more * x


@place(Settings)
def in_a_loop(x):
    for _ in range(20):
        Settings.scale = Settings.scale * 0.5 + x
    return Settings.scale


@place(Settings)
def in_a_branch(x):
    if x > 0:
        Settings.scale = x
    return Settings.scale * x


@place(math)
def of_a_module(x):
    math.more = x * 2
    return math.more * x


@place(SPACE)
def of_a_namespace(x):
    SPACE.scale = x * 2
    return SPACE.scale * x


@place(globals())
def of_the_global_names(x):
    globals()["MORE"] = x * 2
    return MORE * x  # noqa: F821


@pytest.mark.parametrize("name", PLACES)
def test_attributes_of_classes_and_modules(name):
    """gj.jit writes them as Python does, derivatives read them back within the call and leave no trace."""
    owner, f = PLACES[name]
    names = owner if isinstance(owner, dict) else vars(owner)
    before = dict(names)

    def reset():
        for k in [k for k in names if k not in before]:
            names.pop(k) if isinstance(owner, dict) else delattr(owner, k)
        if "scale" in before:
            owner.scale = 1.0

    try:
        slope = gj.grad(f)(1.5)
        assert dict(names) == before
        high, _, low = f(1.5 + 1e-6), reset(), f(1.5 - 1e-6)
        assert slope == pytest.approx((high - low) / 2e-6)
        reset()
        value, held, _ = f(1.5), dict(names), reset()
        assert gj.jit(f)(1.5) == value
        assert dict(names) == held
    finally:
        reset()


def test_an_inherited_attribute_of_an_object():
    class Walker(Settings):
        def step(self, x):
            self.scale = 0.5 * self.scale + x
            return self.scale * x

    walker = Walker()
    assert gj.grad(walker.step)(2.0) == 4.5
    assert vars(walker) == {}
    gj.jit(walker.step)(2.0)
    assert vars(walker) == {"scale": 2.5}


def test_classes_made_inside_are_the_functions_own():
    def f(x):
        class Own:
            scale = 1.0

        made = type("Made", (Own,), {})
        pair = collections.namedtuple("pair", "a b")  # noqa: PYI024
        Own.scale, made.shift, pair.more = x, x * 2, x * 3
        return made.scale * made().shift * pair(x, x).more

    assert gj.jit(f)(2.0) == f(2.0) == 48.0
    assert gj.grad(f)(2.0) == 72.0
