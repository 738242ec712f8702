"""Where NumPy is strict about dtypes: `out=` of products, ends of differences, weights, numbers out of range."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gradjit as gj

A = np.arange(9.0).reshape(3, 3)
INTO: list[Callable[[Any, Any], Any]] = [
    lambda a, out: np.dot(a, a, out=out), lambda a, out: np.linalg.multi_dot([a, a, a], out=out),
    lambda a, out: a.dot(a, out), lambda a, out: np.einsum("ij,jk->ik", a, a, out=out),
    lambda a, out: np.compress([True] * 3, a, axis=0, out=out), lambda a, out: np.argmax([a, a], axis=0, out=out),
]


@pytest.mark.parametrize("into", INTO)
@pytest.mark.parametrize("dtype", ["f4", "f8", "c16", "i8", "i1"])
def test_into_arrays_of_other_dtypes(into: Any, dtype: str) -> None:
    """What NumPy refuses is refused; what both take holds the same."""
    def f(a: Any) -> Any:
        out = np.zeros((3, 3), dtype)
        into(a, out)
        return out

    try:
        expected = f(A)
    except (TypeError, ValueError) as e:
        with pytest.raises(type(e), match=r"np\.[a-z_.]+"):
            gj.jit(f)(A)
    else:
        try:
            got = gj.jit(f)(A)
        except TypeError as e:
            assert into is INTO[4]  # np.compress takes what loses nothing on the way out alone
            assert "same_kind" in str(e)
        else:
            assert got.dtype == expected.dtype
            np.testing.assert_array_equal(got, expected)


def test_products_into_columns() -> None:
    def f(a: Any, out: Any) -> Any:
        return np.dot(a, a[0], out=out[:, 0])

    for g in (f, gj.jit(f)):
        with pytest.raises(ValueError, match="not acceptable"):
            g(A, np.zeros((3, 3)))


@pytest.mark.parametrize("dtype", ["i1", "i8", "f4", "f8"])
@pytest.mark.parametrize("end", [1.5, 1, np.int64(3), [1.5, 2.0], np.float32(2.0)])
def test_ends_of_differences(dtype: str, end: Any) -> None:
    x = np.array([1, 2, 4], dtype)
    for f in (lambda a: np.ediff1d(a, to_end=end), lambda a: np.ediff1d(a, to_begin=end)):
        try:
            expected = f(x)
        except TypeError:
            with pytest.raises(TypeError, match="must be compatible with input `ary`"):
                gj.jit(f)(x)
        else:
            got = gj.jit(f)(x)
            assert got.dtype == expected.dtype
            np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("dtype", ["f4", "f8", "i4", "c8"])
@pytest.mark.parametrize("weights", ["f4", "f8", "i8", "i1", "u1", "?"])
def test_average(dtype: str, weights: str) -> None:
    a, w = np.array([1, 2, 4], dtype), np.array([1, 2, 1], weights)

    def f(a: Any, w: Any) -> Any:
        return np.average(a, weights=w, returned=True)

    for got, expected in zip(gj.jit(f)(a, w), f(a, w), strict=True):
        assert got.dtype == expected.dtype
        np.testing.assert_allclose(got, expected, rtol=1e-6)


@pytest.mark.parametrize("function", [
    lambda v: v + 200, lambda v: v * v, lambda v: -v, lambda v: v / 3, lambda v: v // 3 + (1 if v > 2 else 0)])
@pytest.mark.parametrize("dtype", ["u1", "i1", "f4", "f8"])
def test_vectorize_computes_with_numbers_of_python(function: Any, dtype: str) -> None:
    def f(a: Any) -> Any:
        return np.vectorize(function)(a)

    for numbers in ([1, 2, 3], [1, 100, 127]):
        a = np.array(numbers, dtype)
        try:
            with np.errstate(over="ignore"):
                expected = f(a)
        except OverflowError:
            with pytest.raises(OverflowError, match="out of"):
                gj.jit(f)(a)
        else:
            got = gj.jit(f)(a)
            assert got.dtype == expected.dtype
            np.testing.assert_array_equal(got, expected)


def test_vectorize_of_no_elements() -> None:
    def f(a: Any) -> Any:
        return np.vectorize(lambda v: v * 2.0, otypes=[float])(a)

    assert gj.jit(f)(np.zeros(0)).shape == (0,)
    assert gj.jit(f)(np.ones((2, 1))).tolist() == [[2.0], [2.0]]


def test_integers_of_python_that_become_arrays() -> None:
    def f(x: Any) -> Any:
        return np.asarray(int(x[0]), dtype=np.int8)

    assert gj.jit(f)(np.array([100.5])) == 100
    with pytest.raises(OverflowError, match="out of the range of int8"):
        gj.jit(f)(np.array([300.5]))
