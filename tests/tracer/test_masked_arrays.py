"""Masked arrays that a function makes: their data and masks are seen through every name, as in NumPy, or refused."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gradjit as gj
from gradjit.errors import GradjitError, UnsupportedError

A = np.array([1.0, 2.0, 0.5])
MADE: dict[str, Callable[[Any, Any], Any]] = {
    "of a list": lambda x, a: np.ma.array([1.0, 2.0, 3.0], mask=[0, 0, 1]),
    "without a mask": lambda x, a: np.ma.array([1.0, 2.0, 3.0]),
    "zeros": lambda x, a: np.ma.zeros(3),
    "by the class": lambda x, a: np.ma.MaskedArray([1.0, 2.0, 3.0], [True, False, False]),
    "transposed": lambda x, a: np.ma.ones((3, 1)).T[0],
    "a window": lambda x, a: np.ma.array([0.0, 1.0, 2.0, 3.0], mask=[1, 0, 0, 1])[1:],
    "of an argument": lambda x, a: np.ma.array(a, mask=[0, 1, 0]),
    "of an argument, without a mask": lambda x, a: np.ma.array(a),
    "of a copy": lambda x, a: np.ma.array(a, mask=[0, 1, 0], copy=True),
    "of what is computed": lambda x, a: np.ma.array(x * a, mask=[0, 1, 0]),
    "by a condition": lambda x, a: np.ma.masked_where([True, False, False], [1.0, 2.0, 3.0]),
    "of integers": lambda x, a: np.ma.array([1, 2, 3], mask=[0, 0, 1]),
}


def by_data(m, x): m.data[0] = x
def by_transposed_data(m, x): m.T.data[1] = x
def by_mask(m, x): m.mask[2] = False
def by_all_of_the_mask(m, x): m.mask = [0, 1, 1]
def by_an_element(m, x): m[0] = x
def by_masked(m, x): m[1] = np.ma.masked
def by_all_masked(m, x): m[:] = np.ma.masked
def by_a_window(m, x): m[1:][0] = x
def by_the_mask_of_a_window(m, x): m[1:][0] = np.ma.masked
def by_a_shape(m, x): m.reshape(3, 1)[0, 0] = x
def by_adding(m, x): m += x
def by_scaling(m, x): m *= 2
def by_a_condition(m, x): m[m > 1.5] = x
def by_getdata(m, x): np.ma.getdata(m)[0] = x
def by_another_of_it(m, x): np.ma.array(m)[0] = x
def in_a_copy(m, x): m.copy()[0] = x
def by_fill(m, x): m.fill(2.0)
def by_sorting(m, x): m.sort()


WRITTEN = (by_data, by_transposed_data, by_mask, by_all_of_the_mask, by_an_element, by_masked, by_all_masked,
           by_a_window, by_the_mask_of_a_window, by_a_shape, by_adding, by_scaling, by_a_condition, by_getdata,
           by_another_of_it, in_a_copy, by_fill, by_sorting)
READ: tuple[Callable[[Any, Any, Any], Any], ...] = (
    lambda m, x, a: (m.filled(0.0), m.sum(), a + 0.0), lambda m, x, a: ((m + x).filled(-1.0), np.ma.getmaskarray(m)),
    lambda m, x, a: (m.data * 1, m.max(), m.mean(), m.std()), lambda m, x, a: np.ma.median(m))
MAY_REFUSE = ("sort", "fill", "median", "BoundsError", "ordinary array", "mask")


@pytest.mark.parametrize("write", WRITTEN)
@pytest.mark.parametrize("name", MADE)
def test_writes_are_seen(name, write):
    for read in READ:
        def f(x, a):
            m = MADE[name](x, a)
            write(m, x)
            return read(m, x, a)

        mine, theirs = A.copy(), A.copy()
        try:
            want = f(1.5, theirs)
        except TypeError as e:
            with pytest.raises((GradjitError, type(e))):
                gj.jit(f, backend="interpreter")(1.5, mine)
            continue
        try:
            got = gj.jit(f, backend="interpreter")(1.5, mine)
        except GradjitError as e:
            assert any(word in f"{type(e).__name__}: {e}" for word in MAY_REFUSE), e
            continue
        for g, w in zip(*((v if isinstance(v, tuple) else (v,)) for v in (got, want)), strict=True):
            assert (g is np.ma.masked) == (w is np.ma.masked)
            np.testing.assert_allclose(np.asarray(g), np.asarray(w), rtol=1e-12)
        np.testing.assert_array_equal(mine, theirs)


def test_gradients_flow_through_what_was_written():
    def f(x, a):
        m = np.ma.array(a * 1.0, mask=[0, 1, 0])
        b, mask = m.data, m.mask
        b[0] = x * x
        mask[2] = True
        return m.sum()

    assert gj.grad(f)(3.0, A) == 6.0
    np.testing.assert_array_equal(gj.grad(f, argnums=1)(3.0, A), [0.0, 0.0, 0.0])


def test_an_array_is_a_new_one_at_each_call():
    def f(x):
        b = np.ma.ones((3, 2)).T.data
        b[0, 0] += x
        return b.copy()

    compiled = gj.jit(f)
    for _ in range(3):
        np.testing.assert_array_equal(compiled(1.0), f(1.0))


@pytest.mark.parametrize("f", [
    lambda x: np.ma.array([1.0, x], mask=[0, 1]).harden_mask(), lambda x: np.ma.array([x, x], fill_value=3.0),
    lambda x: setattr(np.ma.array([x, x]), "fill_value", 3.0), lambda x: np.ma.array([x, x]).set_fill_value(2.0)])
def test_what_is_not_followed_is_refused(f):
    with pytest.raises(UnsupportedError):
        gj.jit(f)(1.0)


def test_what_an_array_is_filled_with():
    def f(x):
        m = np.ma.masked_equal([1.0, 2.0, x], 2.0) if False else np.ma.array([1.0, 2.0], mask=[0, 1], fill_value=7.0)
        return m.filled() * x, m[1:].filled(), m.copy().filled()

    for g, w in zip(gj.jit(f)(2.0), f(2.0), strict=True):
        np.testing.assert_array_equal(g, w)


def test_shapes_and_kinds_stay():
    for made, read in itertools.product(MADE.values(), (lambda m: m.count(), len, lambda m: str(m.dtype))):
        def f(x, a):
            return x * 1.0, read(made(x, a))

        assert gj.jit(f, backend="interpreter")(1.5, copy.copy(A)) == f(1.5, A)


# from outside ---------------------------------------------------------------------------------------------------------
USED: dict[str, Callable[[Any, Any], Any]] = {
    "times": lambda m, x: (m * x).sum(), "by the array": lambda m, x: (x - m).sum(),
    "ufunc": lambda m, x: np.multiply(x, m).sum(), "ufunc, first": lambda m, x: np.subtract(m, x).mean(),
    "loss": lambda m, x: ((m - x**2) ** 2).mean(), "deviation": lambda m, x: (m - x).std() + (m * x).var(),
    "divided": lambda m, x: (x / m).sum(), "function": lambda m, x: (np.sin(m) * x).sum(),
    "of np.ma": lambda m, x: np.ma.sqrt(m * x).sum(), "average": lambda m, x: np.ma.average(m * x),
    "weights": lambda m, x: np.ma.average(m * x, weights=[1.0, 2.0, 3.0, 4.0]), "dot": lambda m, x: np.ma.dot(m, x),
    "anomalies": lambda m, x: ((m * x).anom() ** 2).sum(), "compared": lambda m, x: (x * (m > x).filled(True)).sum(),
}
OUTSIDE: dict[str, Callable[[], Any]] = {
    "masked": lambda: np.ma.array([1.5, 2.0, 3.0, 4.0], mask=[0, 1, 0, 0]),
    "no mask": lambda: np.ma.array([1.5, 2.0, 3.0, 4.0]),
    "integers": lambda: np.ma.array([1, 2, 3, 4], mask=[1, 0, 0, 0]),
    "nan under the mask": lambda: np.ma.masked_invalid([1.5, np.nan, 3.0, 4.0]),
}
POINT = np.array([1.3, 0.7, 1.9, 0.4])


@pytest.mark.parametrize("made", OUTSIDE)
@pytest.mark.parametrize("used", USED)
def test_one_from_outside(used, made):
    m = OUTSIDE[made]()
    value, slope = gj.value_and_grad(lambda x: USED[used](m, x))(POINT)
    np.testing.assert_allclose(value, USED[used](m, POINT), rtol=1e-12)
    difference = [(USED[used](m, POINT + h) - USED[used](m, POINT - h)) / 2e-6 for h in 1e-6 * np.eye(4)]
    np.testing.assert_allclose(slope, difference, rtol=1e-5, atol=1e-7)


CHANGES: dict[str, Callable[[Any], None]] = {
    "element": lambda m: m.__setitem__(0, 7.0), "masked": lambda m: m.__setitem__(0, np.ma.masked),
    "shown": lambda m: m.__setitem__(1, 7.0), "data": lambda m: m.data.__setitem__(2, 7.0),
    "mask": lambda m: setattr(m, "mask", [0, 0, 1, 0]), "scaled": lambda m: m.__imul__(2),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("made", ["masked", "no mask"])
def test_what_changes_outside_is_seen(made, change):
    m = OUTSIDE[made]()
    f = gj.jit(lambda x: ((m - x) ** 2).sum(), backend="interpreter")
    for _ in range(2):
        np.testing.assert_allclose(f(POINT), ((m - POINT) ** 2).sum(), rtol=1e-12)
        CHANGES[change](m)


def test_no_arguments():
    words = r"the argument m is a numpy.ma.MaskedArray.*np.ma.array\(data, mask=mask\)"
    with pytest.raises(gj.DtypeError, match=words):
        gj.jit(lambda m: m.sum())(np.ma.array([1.0]))
