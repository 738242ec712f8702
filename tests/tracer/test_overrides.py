"""Operands with arithmetic of their own are asked exactly as Python and NumPy ask them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gradjit as gj


class Prior:
    """An older class, which NumPy leaves the work to for its priority."""

    __array_priority__ = 100.0
    w = 2.0

    def __mul__(self, other: Any) -> Any:
        return other - self.w

    def __rmul__(self, other: Any) -> Any:
        return other + self.w

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return np.full(3, 9.0)


class NoUfuncs(Prior):
    __array_priority__ = -5.0
    __array_ufunc__ = None

    def __radd__(self, other: Any) -> Any:
        return other * 8.0

    def __gt__(self, other: Any) -> Any:
        return other * 5.0


class Ufuncs:
    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        plain = [3.0 if isinstance(i, Ufuncs) else i for i in inputs]
        return getattr(ufunc, method)(*plain, **kwargs) * 10.0


class Refuses:
    def __array_ufunc__(self, *_: Any, **__: Any) -> Any:
        return NotImplemented


class Functions:
    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return 42.0


class Array:
    """Only an array of its own, which every operation takes."""

    def __init__(self) -> None:
        self.w = np.arange(3.0)

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return self.w * 2.0


class Reflected:
    def __mul__(self, other: Any) -> Any:
        return other * 4.0

    def __rmul__(self, other: Any) -> Any:
        return other * 3.0


P, N, U, R, F, A, S = Prior(), NoUfuncs(), Ufuncs(), Refuses(), Functions(), Array(), Reflected()


def in_place(x: Any, own: Any) -> Any:
    y = x.copy()
    y *= own
    return y


class Low(Prior):
    __array_priority__ = -1.0


class Float(float):
    def __rmul__(self, other: Any) -> Any:
        return other + 100.0

    def __mul__(self, other: Any) -> Any:
        return other + 200.0


LOW, FLOAT = Low(), Float(2.0)

PROGRAMS: dict[str, Callable[[Any], Any]] = {
    "priority": lambda x: x * P,
    "priority, first": lambda x: P * x,
    "priority and a ufunc": lambda x: np.multiply(x, P),
    "priority, no such operator": lambda x: x + P,
    "priority, in place": lambda x: in_place(x, P),
    "no ufuncs": lambda x: x * N,
    "no ufuncs, sum": lambda x: x + N,
    "no ufuncs, called": lambda x: np.add(x, N),
    "no ufuncs, no such operator": lambda x: x - N,
    "no ufuncs, in place": lambda x: in_place(x, N),
    "no ufuncs, compared": lambda x: x < N,
    "ufuncs": lambda x: x * U,
    "ufuncs, first": lambda x: U.__array_ufunc__(np.multiply, "__call__", U, x),
    "ufuncs, called": lambda x: np.add(U, np.sin(x)),
    "ufuncs, of a scalar": lambda x: x[0] * U,
    "ufuncs, in place": lambda x: in_place(x, U),
    "a ufunc that is refused": lambda x: x * R,
    "functions": lambda x: np.concatenate([x, F]),
    "functions, alone": lambda x: x + np.mean(F),
    "an array": lambda x: x * A,
    "an array in a function": lambda x: np.dot(x, A),
    "an array, asked for": lambda x: x + np.asarray(A),
    "reflected, of a NumPy scalar": lambda x: x[0] * S,
    "reflected, of a Python number": lambda x: float(x[0]) * S,
    "reflected, first": lambda x: S * x,
    "low priority, of a NumPy scalar": lambda x: x[0] * LOW,
    "a subclass of float": lambda x: float(x[0]) * FLOAT,
    "a subclass of float, first": lambda x: FLOAT * float(x[0]),
    "a subclass of float, of an array": lambda x: x * FLOAT,
    "no ufuncs, as a bound": lambda x: np.clip(x, 0, N),
}


def outcome(f: Callable[[Any], Any], x: Any) -> Any:
    try:
        return np.asarray(f(x), float)
    except TypeError as e:
        return TypeError(str(e))


@pytest.mark.parametrize("f", PROGRAMS.values(), ids=PROGRAMS)
def test_as_numpy_asks(f: Callable[[Any], Any]) -> None:
    x = np.array([1.0, 2.5, 4.0])
    got, expected = outcome(gj.jit(f), x), outcome(f, x)
    assert isinstance(got, TypeError) == isinstance(expected, TypeError), (got, expected)
    if not isinstance(expected, TypeError):
        np.testing.assert_allclose(got, expected)


def test_what_an_array_of_its_own_reads_is_watched() -> None:
    own = Array()
    f = gj.jit(lambda x: x * own)
    x = np.ones(3)
    for change in (lambda: None, lambda: own.w.fill(5.0), lambda: setattr(own, "w", np.ones(3))):
        change()
        np.testing.assert_array_equal(f(x), x * own)


def test_what_is_asked_in_place_is_watched() -> None:
    own = Prior()
    f = gj.jit(lambda x: in_place(x, own))
    for w in (2.0, 5.0):
        own.w = w
        np.testing.assert_array_equal(f(np.ones(3)), in_place(np.ones(3), own))


def test_what_numpy_would_make_objects_of_is_refused() -> None:
    with pytest.raises(gj.GradjitError, match="Reflected"):
        gj.jit(lambda x: x * S)(np.ones(3))
