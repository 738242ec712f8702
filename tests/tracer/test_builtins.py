"""Python's builtins and `math` on traced values."""

from __future__ import annotations

import functools
import math
import numbers

import numpy as np
import pytest
from scipy.special import logsumexp

from gradjit.errors import TraceError, UnsupportedError
from gradjit.ir import interpret
from gradjit.tracer.math_functions import RULES as MATH
from gradjit.tracer.trace import trace

from .compare import check

X = np.array([0.25, -1.5, 3.0])

UNARY = ["sin", "cos", "tan", "asin", "atan", "sinh", "cosh", "tanh", "asinh", "exp", "exp2", "expm1", "log2", "log10",
         "log1p", "sqrt", "cbrt", "fabs", "erf", "erfc", "lgamma", "gamma", "degrees", "radians", "floor", "ceil",
         "trunc", "isnan", "isinf", "isfinite", "log"]


@pytest.mark.parametrize("name", UNARY)
def test_math_of_one(name):
    if not hasattr(math, name):
        pytest.skip("newer Python")
    f = getattr(math, name)
    for value in (0.3, 0.9):
        check(lambda t: f(t), value, exact=False)
    check(lambda x: f(x[0]), X, exact=False)
    if name != "trunc":  # which NumPy's float32 does not have
        check(lambda t: f(t), np.float32(0.3), exact=False)


def test_gamma_of_negative_numbers():
    for value in (-0.5, -1.5, -2.5, -3.3):
        check(lambda t: math.gamma(t), value, exact=False)


def test_math_of_several():
    check(lambda a, b: (math.atan2(a, b), math.hypot(a, b), math.hypot(a, b, 2.0), math.pow(a, b), math.fmod(a, b),
                        math.copysign(a, -b), math.log(a, b), math.log(8.0, a), math.dist([a, b], [b, 1.0]),
                        math.fsum([a, b, 1]), math.prod([a, b], start=2), math.isclose(a, b), math.acosh(b),
                        math.atanh(a), math.acos(a)), 0.25, 1.75, exact=False)


def test_math_on_plain_numbers_is_pythons():
    check(lambda x: x * math.factorial(3) + math.gcd(4, 6) + math.sqrt(4) + math.comb(4, 2), X)


def test_math_of_arrays_and_what_is_not_supported():
    with pytest.raises(TraceError, match=r"math.sin takes one real number[^$]*np\.sin[^$]*test_builtins"):
        trace(lambda x: math.sin(x), (X,), {})
    with pytest.raises(UnsupportedError, match=r"math.factorial[^$]*test_builtins"):
        trace(lambda t: math.factorial(t), (3.0,), {})
    assert set(MATH) >= {f for f in vars(math).values() if callable(f)}


def test_types():
    def f(x, t, s):
        assert isinstance(x, np.ndarray)
        assert not isinstance(x, (list, float))
        assert isinstance(t, float)
        assert isinstance(t, numbers.Real)
        assert isinstance(s, (np.floating, int))
        assert isinstance(x.sum(), np.float64)
        assert not isinstance(x.sum(), np.ndarray)
        assert type(x) is np.ndarray
        assert type(t) is float
        assert type(s) is np.float32
        assert isinstance(3, int)
        assert callable(f)
        return x * t * s

    trace(f, (X, 2.0, np.float32(1)), {})


def test_conversions():
    check(lambda x, t: (float(x[0]) * 2, float(t), float(x[:1].sum()), int(x[2] * 1.7), int(-t), round(t), round(x[1])),
          X, 2.5)
    check(lambda x: (np.float32(x), np.float64(x[0]), np.int64(x[2]), np.bool_(x)), X)

    def same_array(x):
        np.square(x, out=np.float64(x))
        np.float32(x)[:] = 0
        return x * 1

    check(same_array, X)
    check(lambda n: float(n) * 2, np.int64(3))
    check(lambda x: complex(x[0]), X)
    with pytest.raises(TypeError, match="only 0-dimensional"):
        trace(lambda x: float(x), (X,), {})
    check(lambda x: float("1.5") * x + int("3") + int("ff", 16), X)


def test_round_to_digits():
    with pytest.raises(TypeError, match="__round__"):
        trace(lambda x: round(x), (X,), {})
    check(lambda t, x: (round(t, 2), round(x[0], 1), round(x[1], 1)), 2.3456, X)


def test_min_max_sum_any_all():
    check(lambda x, t: (max(t, 0.5), min(t, 0.5), max(x[0], x[1], x[2]), min([x[0], x[1]]), max(x), min(x)), X, 0.3)
    check(lambda t: max(t, 3), 5.0)
    check(lambda x: (sum(x), sum(x, 1.0), sum(x.reshape(3, 1)), sum(v * v for v in x), sum([1, 2])), X, exact=False)
    check(lambda x: (any(x > 1), all(x > 1)), X)
    check(lambda a, b: (max(a, b), min(a, b), max(b, a), min(b, a)), float("nan"), 1.0)
    with pytest.raises(TraceError, match=r"np\.maximum[^$]*test_builtins"):
        trace(lambda x: max(x, x * 2), (X,), {})
    check(lambda x: (max(x[0], x[1], key=abs), min(x, key=lambda v: v * v), min([], default=1.0)), X)


def test_sums_of_small_numbers_wrap_as_python_adds_them():
    small = np.array([200, 100, 7], np.uint8)
    check(lambda x: (sum(x), sum(x, 5), sum(v for v in x), sum([x[0], x[1]])), small)
    check(lambda x: (sum(x > 7), sum(v > 7 for v in x)), small)
    check(lambda x: (max(x[0], 300), min(x[0], 300), max(-1, x[0]), min(x[0], -1), max(x[0], 3)), small)


def test_booleans_of_python_numbers_are_integers():
    check(lambda a, b: ((a > b) + (a > b), (a > b) - (a < b), -(a > b), ~(a > b), (a > b) / 2, (a > b) << 2, +(a > b),
                        abs(a > b), (a > b) & (a < b), sum([a > b, a > b]), (a > b) * 2.5), 3.0, 2.0)
    check(lambda x: (bool(x[0]) + bool(x[1]), x.item(0) + x.item(1), x[0] + x[1]), np.array([True, True]))


def test_abs_pow_divmod():
    check(lambda x, t: (abs(x), abs(t), pow(x, 2), pow(t, 2.0), divmod(x, 2.0), divmod(7.0, t), x // 2, x % 2), X, 1.5)


def test_iteration_builtins():
    check(lambda x: [i * v for i, v in enumerate(x)] + [a * b for a, b in zip(x, reversed(list(x)), strict=True)], X)
    check(lambda x: list(map(lambda v: v + 1, x)) + list(filter(lambda v: True, x)), X)
    check(lambda x: [x[k] for k in sorted([2, 0, 1], key=lambda k: -k)], X)
    check(lambda x: next(iter(x)) + len(x) + range(len(x))[1], X)


def test_print_prints_when_the_function_runs(capsys):
    t = trace(lambda x: print(x, f"{x}"), (X,), {})
    assert capsys.readouterr().out == ""
    interpret(t.func, [X])
    assert capsys.readouterr().out == f"{X} {X}\n"


def test_what_sorted_gives_is_the_function_s_own():
    def f(x):
        items = sorted([x[0], 0.5])
        items[-1] = items[-1] * x[1]
        return items[0] + items[1]

    check(f, X)


def test_sorted():
    check(lambda x: (sorted(x), sorted(x, reverse=True), sorted([v * v for v in x], key=lambda v: -v)), X)
    with pytest.raises(TraceError, match="several arrays has no order"):
        trace(lambda x: sorted([x, x * 2]), (X,), {})


def test_known_texts_are_results():
    t = trace(lambda x: (x, f"{np.zeros(2)[0]:.1f}"), (X,), {})
    assert t.result[1].value == "0.0"


M = np.arange(12.0).reshape(3, 4) / 7 + 0.1


@pytest.mark.parametrize("f", [
    lambda m: sum(map(np.prod, zip(*m, strict=True))), lambda m: np.array(list(map(np.mean, zip(*m, strict=True)))),
    lambda m: np.array([*map(np.ndarray.sum, m)]), lambda m: np.ndarray.dot(m, m.T), lambda m: np.array([*map(len, m)]),
    lambda m: functools.reduce(np.add, m), lambda m: sum(map(logsumexp, zip(*m, strict=True))),
    lambda m: np.array([*map(functools.partial(np.clip, a_min=0.2, a_max=0.9), m[0])]),
    lambda m: np.array(list(filter(None, [0.0, 2.0]))) * m[0, 0],
], ids=["sum", "means", "method", "dot", "len", "reduce", "logsumexp", "partial", "filter"])
def test_what_builtins_call_may_be_of_a_library(f):
    check(f, M, exact=False)
