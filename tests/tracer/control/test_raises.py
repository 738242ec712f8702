"""The program's own exceptions under traced conditions: compiled functions raise what Python does, and where."""

from __future__ import annotations

import contextlib
import math
import traceback

import numpy as np
import pytest

import gradjit as gj
from gradjit.ir import interpret
from gradjit.passes.batching import batch
from gradjit.tracer.trace import trace


class NoConvergence(Exception):
    def __init__(self, steps, change):
        super().__init__(f"after {steps} steps the change is {change:.3f}")
        self.steps, self.change = steps, change

    def __str__(self):
        return f"<{super().__str__()}>"


def in_then(x):
    if x < 0:
        raise ValueError("negative: %.2f" % x)  # noqa: UP031
    return np.sqrt(x)


def in_else(x):
    y = 1.0
    if x >= 0:
        y = y + np.sqrt(x)
        z = x * 2
    else:
        raise ValueError(f"negative: {x:8.2f}|")
    return y * z


def deep(x):
    def check(v, name):
        if v < 0:
            raise KeyError(name, v)
        return v

    return check(x, "x") * check(4.0 - x, "4 - x")


def behind_a_loop(x):
    y = x
    for k in range(30):  # noqa: B007
        new = 0.5 * (y + x / y)
        if abs(new - y) < 1e-12:
            break
        y = new
    else:
        raise NoConvergence(k + 1, new - y)
    return new


def in_a_loop(x):
    total = 0.0
    for k in range(40):
        total = total + x * k
        if total > 50:
            raise OverflowError("turn {}: {:.3f}".format(k, total))  # noqa: UP032
    return total


def in_a_while(x):
    n = 0
    while True:
        x = x * 0.5
        n += 1
        if abs(x) < 1e-3:
            return x * n
        if n > 12:
            raise RuntimeError("too long")


def by_class(x):
    if x < 0:
        raise NotImplementedError
    return x


def in_an_expression(x):
    def fail():
        raise ZeroDivisionError("no root")

    return np.sqrt(x) if x >= 0 else fail()


def several(x):
    if x < -1:
        raise ValueError("low")
    elif x > 10:
        raise ArithmeticError("high")
    elif x > 9:
        raise AssertionError("nearly")
    a = np.array([x, 2.0])
    if x > 5:
        a[0] = 1.0
        raise LookupError(a.sum(), "five")
    return a[0] * x


def tried_inside(x):
    if x < 0:
        try:
            raise ValueError("negative")
        except ValueError:
            x = -x
    with np.errstate(all="ignore"):
        if x > 100:
            raise ValueError("large") from None
    return x * x


def finally_around(x):
    scale = 1.0
    try:
        if x < 0:
            raise ValueError("negative")
        scale = 2.0
    finally:
        x = x * 3.0
    return x * scale


PROGRAMS = [in_then, in_else, deep, behind_a_loop, in_a_loop, in_a_while, by_class, in_an_expression, several,
            tried_inside, finally_around]
POINTS = [2.0, 0.5, -0.5, -7.0, 7.0, 9.5, 1e9, np.nan]


def outcome(f, *args):
    with np.errstate(all="ignore"):
        try:
            return f(*args)
        except Exception as e:
            return e


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_raises_what_python_does(f):
    value, slope, forward = gj.jit(f), gj.value_and_grad(f), gj.jit(lambda x: gj.jvp(f, (x,), (1.0,)))
    for x in POINTS:
        want = outcome(f, x)
        for g in (value, slope, forward):
            got = outcome(g, x)
            if not isinstance(want, Exception):
                np.testing.assert_allclose(got if g is value else got[0], want, rtol=1e-12)
                continue
            assert type(got) is type(want) and str(got) == str(want)
            assert got.args == want.args
            np.testing.assert_equal(vars(got), vars(want))


def test_tracebacks_end_in_the_users_line():
    got = outcome(gj.jit(in_then), -1.0)
    last = traceback.extract_tb(got.__traceback__)[-1]
    assert (last.filename, last.lineno, last.name) == (__file__, in_then.__code__.co_firstlineno + 2, "in_then")
    assert last.line == 'raise ValueError("negative: %.2f" % x)  # noqa: UP031'


def test_arguments_are_as_before():
    def f(x):
        x[0] = 5.0
        if x[1] < 0:
            raise ValueError("negative")
        return x.sum()

    x, g = np.array([1.0, -1.0]), gj.jit(f)
    with pytest.raises(ValueError, match="^negative$"):
        g(x)
    assert x[0] == 1.0
    assert g(-x) == 6.0


def test_batches_raise_for_the_first_lane():
    def f(x):
        for k in range(3):
            if x[k] < 0:
                if x[k] < -4:
                    raise ValueError(f"negative: {x[k]:.1f}")
                x[k] = 0.1
        return np.sqrt(x)

    func = trace(f, (np.ones(3),), {}).func
    batched = batch(func, [True], 4)
    lanes = np.arange(1.0, 13.0).reshape(4, 3)
    np.testing.assert_allclose(interpret(batched, [lanes])[0], np.sqrt(lanes))
    lanes[3, 1], lanes[1, 2], lanes[2, 1] = -7.0, -6.0, -5.0
    with pytest.raises(ValueError, match=r"^negative: -5\.0$"):
        interpret(batched, [lanes])


def caught_around(x):
    def less(y):
        if y < 1:
            raise ValueError("negative")
        return y - 1

    y = x
    try:
        for _ in range(30):
            y = less(y)
    except ValueError:
        y = 0.0 * x
    return y


def caught_by_all(x):
    try:
        try:
            if x < 0:
                raise KeyError("negative")
        finally:
            y = x * 2
    except Exception:
        return 0.0
    return y


def suppressed(x):
    with contextlib.suppress(ValueError):
        if x < 0:
            raise ValueError("negative")
    return x


class Swallows:
    def __enter__(self):
        return self

    def __exit__(self, *error):
        return True


def swallowed(x):
    with Swallows():
        if x < 0:
            raise ValueError("negative")
    return x


def always(x):
    if x > 0:
        raise ValueError("positive")
    raise ValueError("not positive")


@pytest.mark.parametrize("f, words", [
    (caught_around, "raises ValueError under a condition .*the try in line .*would catch it.*catch it around the call"),
    (caught_by_all, "raises KeyError under a condition .*the try in line"),
    (suppressed, "the suppress of the with statement in line .*may swallow it"),
    (swallowed, "the Swallows of the with statement"),
    (always, "always raises an exception whichever way it takes"),
], ids=lambda x: getattr(x, "__name__", None))
def test_refused(f, words):
    with pytest.raises(gj.TraceError, match=words):
        gj.jit(f)(2.0)


def divided(x):
    try:
        return 1.0 / x
    except ZeroDivisionError:
        return 7.0


def logarithm(x):
    s = 0.0
    for k in range(12):
        try:
            s += math.log(x - k * 1e-3) + math.sqrt(x)
        except ValueError:
            s += 1.0
    return s


def raised(x):
    try:
        return math.exp(x * 1000) + (x - 1.0) ** -2.0
    except ArithmeticError:
        return 0.0


@pytest.mark.parametrize(("f", "bad", "error"), [
    (divided, 0.0, ZeroDivisionError), (logarithm, 0.0, ValueError), (raised, 2.0, OverflowError),
    (raised, 1.0, ArithmeticError),
])
def test_what_a_handler_would_catch_of_pythons_arithmetic_ends_the_call(f, bad, error):
    compiled = gj.jit(f)
    assert compiled(0.5) == pytest.approx(f(0.5), rel=1e-14)
    with pytest.raises(error, match=r"would catch it[^$]*an if[^$]*test_raises"):
        compiled(bad)
