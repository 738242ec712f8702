"""Numbers that cannot be what they are asked to be: where Python and NumPy raise, the compiled function does, with the
line; elsewhere it gives what they give."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gradjit as gj


def stored(a, x):
    a[1] = x
    return a


def stored_everywhere(a, x):
    a[:] = x
    return a


def stored_at(a, x):
    a[[0, 1]] = x
    return a


def filled(a, x):
    a.fill(x)
    return a


def put(a, x):
    np.put(a, [0], x)
    return a


def placed(a, x):
    np.place(a, a > 1, [x])
    return a


def put_where(a, x):
    np.putmask(a, a > 1, x)
    return a


def copied(a, x):
    np.copyto(a, x, casting="unsafe")
    return a


STORES: list[Callable[..., Any]] = [
    stored, stored_everywhere, stored_at, filled, put, placed, put_where, copied, lambda a, x: np.full_like(a, x),
    lambda a, x: np.full(3, x, dtype=int), lambda a, x: np.array([x, 1.0], dtype=np.int64), lambda a, x: np.int64(x),
    lambda a, x: stored(a, int(x)), lambda a, x: np.full_like(a, int(x)), lambda a, x: np.uint8(int(x)),
]
FLOATS = (math.nan, math.inf, -math.inf, 3.7, -1.5, 300.7, 3e9, 1e19, 1e30)
DTYPES = (np.int8, np.uint8, np.int32, np.int64, np.bool_, np.float32)

WHOLE: list[Callable[..., Any]] = [
    lambda a, x: int(x), lambda a, x: math.floor(x), lambda a, x: math.ceil(x), lambda a, x: math.trunc(x),
    lambda a, x: round(x), lambda a, x: int(np.array([x, 1.0])[0]), lambda a, x: round(x, 2),
]
"""Whole numbers beyond 64 bits, which Python has, are refused."""

OPERANDS: list[Callable[..., Any]] = [
    lambda a, x: a + int(x), lambda a, x: a // int(x), lambda a, x: a & int(x), lambda a, x: a * int(x),
    lambda a, x: np.divmod(a, int(x)), lambda a, x: a[0] * int(x), lambda a, x: a << int(x),
    lambda a, x: np.maximum(a, int(x)), lambda a, x: a < int(x), lambda a, x: int(x) <= a, lambda a, x: a == int(x),
    lambda a, x: a[0] != int(x), lambda a, x: a[1] > int(x), lambda a, x: np.clip(a, 0, int(x)),
    lambda a, x: np.clip(a, int(x), 100), lambda a, x: np.where(a > 3, a, int(x)),
    lambda a, x: np.searchsorted(a, int(x)),
    lambda a, x: np.add(a, int(x), dtype=np.int64), lambda a, x: np.where(a > 3, a, 44),
]


def outcome(f: Callable[..., Any], *args: Any) -> Any:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            return f(*(np.array(a) if isinstance(a, np.ndarray) else a for a in args))
        except Exception as e:
            return e


def compare(f: Callable[..., Any], compiled: Callable[..., Any], *args: Any) -> None:
    expected, got = outcome(f, *args), outcome(compiled, *args)
    if isinstance(expected, Exception):
        kind = next(k for k in (ZeroDivisionError, OverflowError, IndexError, ValueError) if isinstance(expected, k))
        assert isinstance(got, kind), (args, expected, got)
        assert "test_conversion.py" in str(got) or str(got) == str(expected), got
    elif isinstance(got, gj.errors.ConversionError):
        assert abs(args[1]) >= 2**63, (args, expected, got)
    else:
        assert not isinstance(got, Exception), (args, expected, got)
        for a, b in zip(*((x if isinstance(x, tuple) else (x,)) for x in (expected, got)), strict=True):
            np.testing.assert_array_equal(a, b, str(args))


@pytest.mark.thinned
@pytest.mark.parametrize("k", range(len(STORES)))
def test_stored_in_integers(k: int) -> None:
    compiled = gj.jit(STORES[k], backend="interpreter")
    for dtype in DTYPES:
        for x in FLOATS:
            for number in (x, np.float64(x)):
                compare(STORES[k], compiled, np.arange(4).astype(dtype), number)


@pytest.mark.parametrize("k", range(len(WHOLE)))
def test_whole_numbers(k: int) -> None:
    compiled = gj.jit(WHOLE[k], backend="interpreter")
    for x in FLOATS:
        compare(WHOLE[k], compiled, np.arange(4), x)


@pytest.mark.parametrize("k", range(len(OPERANDS)))
def test_python_integers_beside_small_ones(k: int) -> None:
    """A Python integer does not widen the dtype of an array; out of its range it compares, and does nothing else."""
    compiled = gj.jit(OPERANDS[k], backend="interpreter")
    for dtype in (np.uint8, np.int8, np.uint64, np.int64):
        for x in (300.0, -1.0, 44.0):
            compare(OPERANDS[k], compiled, np.array([0, 44, 100]).astype(dtype), x)


VALUES: list[tuple[Callable[..., Any], list[tuple[Any, ...]]]] = [
    (lambda x: np.histogram(x, bins=4)[0], [(np.array([1.0, v, 2.0]),) for v in (math.nan, math.inf, 1.5)]),
    (lambda x: np.histogram_bin_edges(x, bins=3), [(np.array([1.0, v, 2.0]),) for v in (math.nan, 1.5)]),
    (lambda x, b: np.histogram(x, bins=b)[0], [(np.arange(3.0), np.array(b)) for b in ([1.0, 3, 2], [1.0, 2, 2])]),
    (lambda x, b: np.histogram(x, 3, (b, 2.0))[0], [(np.arange(3.0), b) for b in (3.0, math.nan, -math.inf, 1.0)]),
    (lambda x, w: np.average(x, weights=w), [(np.ones(3), np.array(w)) for w in ([1.0, -1, 0], [1.0, 2, 3])]),
    (lambda x, w: np.average(x, axis=1, weights=w), [(np.ones((2, 2)), np.array([[1.0, -1], [1, 1]])),
                                                     (np.ones((2, 2)), np.array([[1.0, 2], [1, 1]]))]),
    (lambda x, q: np.quantile(x, q), [(np.arange(4.0), q) for q in (1.5, -0.1, math.nan, 0.3)]),
    (lambda x, q: np.percentile(x, q), [(np.arange(4.0), np.array([50.0, q])) for q in (101.0, -1.0, 30.0)]),
    (lambda x, q: np.nanquantile(x, q), [(np.arange(4.0), q) for q in (1.5, 0.3)]),
    (lambda a, b: np.geomspace(a, b, 4), [(0.0, 1.0), (1.0, 0.0), (-1.0, 1.0), (-1.0, -8.0), (1.0, 8.0)]),
    (lambda x: np.max(x[x > 2.0]), [(np.arange(3.0),), (np.arange(5.0),)]),
    (lambda x: x[x[:, 0] > 2.0].min(axis=0), [(np.ones((2, 3)),), (np.arange(6.0).reshape(2, 3),)]),
    (lambda x: np.max(x[x > 2.0], initial=-1.0), [(np.arange(3.0),)]),
    (lambda x: np.average(x[x > 0.0], weights=x[x > 0.0] - 1.0), [(np.array([-1.0, 1.0]),), (np.arange(4.0),)]),
    (lambda x: np.nanargmax(x), [(np.full(3, math.nan),), (np.array([math.nan, 1, 2]),)]),
    (lambda x: np.nanargmin(x, axis=1), [(np.array([[math.nan, v], [1, math.nan]]),) for v in (math.nan, 1.0)]),
]


@pytest.mark.parametrize("k", range(len(VALUES)))
@pytest.mark.parametrize("backend", ["interpreter", "native"])
def test_values_that_a_function_does_not_take(k: int, backend: str) -> None:
    f, calls = VALUES[k]
    compiled = gj.jit(f, backend=backend)
    for args in calls:
        expected, got = outcome(f, *args), outcome(compiled, *args)
        if isinstance(expected, Exception):
            kind = ZeroDivisionError if isinstance(expected, ZeroDivisionError) else ValueError
            assert isinstance(got, kind) and "test_conversion.py" in str(got), (args, expected, got)
        else:
            np.testing.assert_allclose(got, expected, rtol=1e-12, err_msg=str(args))


def indexed(x, table):
    total = 0.0
    for k in range(len(x)):
        total += table[int(x[k] * 3.0)] * x[k]
    return total


@pytest.mark.parametrize("f", [indexed, lambda x, table: table[math.floor(x[0] * 3.0)] * x[1]])
def test_in_machine_code_and_derivatives(f: Callable[..., Any]) -> None:
    x, table = np.linspace(0.1, 0.9, 20), np.array([1.0, 2.0, 4.0])
    value, gradient = gj.value_and_grad(f)(x, table)
    assert value == pytest.approx(f(x, table))
    for k in range(2):
        step = np.where(np.arange(20) == k, 1e-6, 0)
        assert gradient[k] == pytest.approx((f(x + step, table) - f(x - step, table)) / 2e-6, rel=1e-6)
    x[0] = math.nan
    for compiled in (gj.jit(f), gj.grad(f), gj.jit(lambda x, t: gj.grad(f)(x, t) * 2.0)):
        with pytest.raises(gj.errors.ConversionError, match="test_conversion.py"):
            compiled(x, table)
