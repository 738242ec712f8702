"""One compiled function, called with arrays of all layouts: what is a view of an argument, and what a copy, is as NumPy
has it for the caller's array, whether compiled code takes that or a packed copy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gradjit as gj

A = np.arange(12.0).reshape(3, 4) / 7


def within(rows: slice, columns: slice) -> Callable[[], np.ndarray]:
    """An array that is a part of a larger one."""
    def made() -> np.ndarray:
        x = np.zeros((9, 12))[rows, columns]
        x[...] = A
        return x

    return made


LAYOUTS: dict[str, Callable[[], np.ndarray]] = {
    "C": A.copy,
    "every other column": within(slice(0, 3), slice(0, 8, 2)),
    "evenly spaced": lambda: np.repeat(A, 2, axis=1)[:, ::2],
    "backwards": lambda: A[::-1, ::-1].copy()[::-1, ::-1],
    "rows backwards": lambda: A[::-1].copy()[::-1],
    "rows of a wider one": within(slice(0, 3), slice(2, 6)),
    "every third row": within(slice(0, 9, 3), slice(0, 4)),
    "F": lambda: np.asfortranarray(A),
    "F, every other row": lambda: np.asfortranarray(np.repeat(A, 2, axis=0))[::2],
    "C again": A.copy,
    "other byte order": lambda: A.astype(">f8"),
    "other byte order, spaced": lambda: np.repeat(A, 2, axis=1)[:, ::2].astype(">f8", order="K"),
}
TAKES: dict[str, Callable[[Any], Any]] = {
    "ravel": lambda x: x.ravel(),
    "ravel F": lambda x: x.ravel("F"),
    "ravel K": lambda x: x.ravel("K"),
    "ravel of a row": lambda x: x[0].ravel(),
    "ravel of a column": lambda x: x[:, 1].ravel(),
    "reshape": lambda x: x.reshape(-1),
    "reshape F": lambda x: x.reshape((4, 3), order="F"),
    "asarray C": lambda x: np.asarray(x, order="C"),
    "asfortranarray": np.asfortranarray,
    "ascontiguousarray of the transposed": lambda x: np.ascontiguousarray(x.T),
    "astype A": lambda x: x.astype(float, order="A", copy=False),
    "itself": lambda x: x,
}


@pytest.mark.thinned
@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("take", TAKES.values(), ids=TAKES)
def test_views_and_copies(take: Callable[[Any], Any], backwards: bool) -> None:
    """In both orders of calls: a compilation for one layout serves no other that it is not right for."""
    def f(x: Any) -> Any:
        v = take(x)
        v[0] = 9.0
        return x * 1.0, v * 1.0

    def total(x: Any) -> Any:
        take(x)[0] = 9.0
        return np.sum(x)

    compiled, value = gj.jit(f, backend="interpreter"), gj.value_and_grad(total, backend="interpreter")
    for name in reversed(LAYOUTS) if backwards else LAYOUTS:
        x, y, z = (LAYOUTS[name]() for _ in range(3))
        for a, b in zip(compiled(x), f(y), strict=True):
            np.testing.assert_array_equal(a, b, name)
        np.testing.assert_array_equal(x, y, name)
        got, gradient = value(z)
        assert got == pytest.approx(float(np.sum(y))), name
        np.testing.assert_array_equal(gradient, np.where(y == 9.0, 0.0, 1.0), name)


def test_the_layout_of_an_argument_passed_twice() -> None:
    def f(x: Any, y: Any) -> Any:
        x.ravel()[0] = 5.0
        x[0, 1] = 7.0
        return y * 1.0

    compiled = gj.jit(f)
    for make in LAYOUTS.values():
        x, y = make(), make()
        np.testing.assert_array_equal(compiled(x, x), f(y, y))
        np.testing.assert_array_equal(x, y)


# what is foreign: another byte order, not aligned ---------------------------------------------------------------------
def misaligned() -> np.ndarray:
    x = np.zeros(A.nbytes + 1, np.uint8)[1:].view(float).reshape(A.shape)
    x[...] = A
    return x


FOREIGN: dict[str, Callable[[], np.ndarray]] = {
    "native": A.copy, "other byte order": lambda: A.astype(">f8"), "misaligned": misaligned,
    "misaligned, of other byte order": lambda: misaligned().byteswap().view(">f8"),
    "other byte order, F": lambda: np.asfortranarray(A.astype(">f8")),
}
CONVERTED: dict[str, Callable[[Any], Any]] = {
    "astype": lambda x: x.astype(float, copy=False), "np.astype": lambda x: np.astype(x, np.float64, copy=False),
    "asarray": lambda x: np.asarray(x, float), "asarray of a view": lambda x: np.asarray(x[::2], dtype="f8"),
    "asarray without a dtype": np.asarray, "array": lambda x: np.array(x, np.float64, copy=None),
    "asfortranarray": lambda x: np.asfortranarray(x, float),
    "ascontiguousarray": lambda x: np.ascontiguousarray(x, float),
    "asanyarray": lambda x: np.asanyarray(x, "d"), "require": lambda x: np.require(x, float, "C"),
    "require aligned": lambda x: np.require(x, None, "A"), "a copy": lambda x: x.copy().astype(float),
    "transposed": lambda x: np.asarray(x.T, float),
}


@pytest.mark.parametrize("convert", CONVERTED.values(), ids=CONVERTED)
def test_what_is_copied_for_its_bytes(convert: Callable[[Any], Any]) -> None:
    def f(x: Any) -> Any:
        v = convert(x)
        v[0] = 9.0
        return x * 1.0, v * 1.0

    compiled = gj.jit(f, backend="interpreter")
    for name, make in FOREIGN.items():
        x, y = make(), make()
        for a, b in zip(compiled(x), f(y), strict=True):
            np.testing.assert_array_equal(a, b, name)
        np.testing.assert_array_equal(x, y, name)

    def nested(x: Any) -> Any:
        return gj.value_and_grad(lambda z: np.sum(f(z)[0]))(x * 1.0 if x.ndim == 3 else x)

    for name, make in FOREIGN.items():
        value, gradient = gj.jit(nested, backend="interpreter")(make())
        y = make()
        assert value == pytest.approx(float(np.sum(f(y)[0]))), name
        np.testing.assert_array_equal(gradient, np.where(y == 9.0, 0.0, 1.0), name)


REFUSED: dict[str, Callable[[Any], Any]] = {
    "of a copy": lambda x: x.copy().astype(float, copy=False),
    "of its own dtype": lambda x: x.astype(x.dtype, copy=False),
    "to another byte order": lambda x: np.asarray(x, ">f8"), "like it": lambda x: np.asarray(np.zeros_like(x), float),
    "bits": lambda x: x.view(np.int64),
}


@pytest.mark.parametrize("convert", REFUSED.values(), ids=REFUSED)
def test_what_is_not_known_is_refused(convert: Callable[[Any], Any]) -> None:
    def f(x: Any) -> Any:
        y = convert(x)
        y[0] = 9
        return x * 1.0

    with pytest.raises(gj.errors.UnsupportedError, match="byte order"):
        gj.jit(f, backend="interpreter")(A.astype(">f8"))


def test_what_is_not_known_may_be_read() -> None:
    def f(x: Any) -> Any:
        return np.sum(x.copy().astype(float, copy=False) ** 2 + np.asarray(x, x.dtype) - np.asarray(x * 2, ">f8"))

    x = A.astype(">f8")
    np.testing.assert_allclose(gj.jit(f, backend="interpreter")(x), f(x))
