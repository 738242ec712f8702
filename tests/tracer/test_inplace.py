"""Methods and functions that work in place, and those with out=: results, identity, and what is left in the arguments.

NumPy is the judge of each program: of its value, of whether the result is None, the output or something new, and of
the error where this NumPy has no such method.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gradjit.errors import ArgumentError, GradjitError, UnsupportedError

from .compare import assert_same, run

X = np.array([0.31, -0.42, 0.73, 1.21, -0.95])
A = np.arange(9.0).reshape(3, 3) / 7 + np.eye(3)
I = np.array([7, -3, 5, 0])
B = np.array([True, False, True])

METHODS: dict[str, tuple[np.ndarray, Callable[[Any], Any]]] = {
    # on a copy c of the array: what the method gives
    "partition": (X, lambda c: c.partition(2)),
    "sort": (X, lambda c: c.sort()),
    "sort, axis": (A, lambda c: c[:, ::-1].sort(axis=0)),
    "fill": (A, lambda c: c.T[0].fill(3.0)),
    "put": (A, lambda c: c.put([0, 2, -1], [1.0, 2.0])),
    "put, clip": (A, lambda c: c.put([0, 200], 5.0, mode="clip")),
    "resize": (X, lambda c: c.resize(7, refcheck=False)),
    "resize, smaller": (A, lambda c: c.resize((2, 2), refcheck=False)),
    "np.put": (A, lambda c: np.put(c, [1, 1], [2.0, 4.0])),
    "np.place": (X, lambda c: np.place(c, np.array([1, 0, 1, 0, 1], bool), [1.0, 2.0])),
    "np.putmask": (X, lambda c: np.putmask(c, c > 0, -c)),
    "np.copyto": (X, lambda c: np.copyto(c, 9.0, where=c < 0)),
    "np.fill_diagonal": (A, lambda c: np.fill_diagonal(c, 3.0)),
    "np.put_along_axis": (A, lambda c: np.put_along_axis(c, np.array([[0], [1], [2]]), 9.0, axis=1)),
    "add.at": (I, lambda c: np.add.at(c, [0, 1, 0], -1.5)),
    "add.at, small": (I, lambda c: np.add.at(c, np.array([0, 0]), 0.75)),
    "add.at, bool": (B, lambda c: np.add.at(c, [1, 1], True)),
    "add.at, uint8": (np.array([250, 3], np.uint8), lambda c: np.add.at(c, [0, 0], 300)),
    "add.at, mask": (I, lambda c: np.add.at(c, c > 1, 2)),
    "multiply.at, mask of rows": (A, lambda c: np.multiply.at(c, c[:, 0] > 0, 1.5)),
    "negative.at, mask": (A, lambda c: np.negative.at(c, c > 0)),
    "maximum.at, mask and values": (A, lambda c: np.maximum.at(c, c > 0.5, np.arange(6.0) - 1)),
    "add.at, mask that does not fit": (A, lambda c: np.add.at(c, c.T > 0, 1.0)),
    "subtract.at": (I, lambda c: np.subtract.at(c, [0, 1], 2.5)),
    "subtract.at, bool": (B, lambda c: np.subtract.at(c, [1], True)),
    "multiply.at": (X, lambda c: np.multiply.at(c, [0, 0, 2], 3.0)),
    "multiply.at, rows": (A, lambda c: np.multiply.at(c, [0, 2, 0], c[1] * 2.0)),
    "multiply.at, two axes": (A, lambda c: np.multiply.at(c, ([0, 1, 0], [1, 1, 1]), [2.0, 3.0, 4.0])),
    "multiply.at, a slice": (X, lambda c: np.multiply.at(c, slice(1, 3), 2.0)),
    "divide.at": (X, lambda c: np.divide.at(c, [0, 0, -1], 2.0)),
    "divide.at, int": (I, lambda c: np.divide.at(c, [0, 0], 2.0)),
    "maximum.at": (X, lambda c: np.maximum.at(c, [0, 1, 1], [0.5, 0.1, 0.2])),
    "minimum.at": (X, lambda c: np.minimum.at(c, [0, 1], 0.0)),
    "negative.at": (X, lambda c: np.negative.at(c, [0, 1, 1, 2, 2, 2])),
    "power.at": (X, lambda c: np.power.at(c, [2, 3, 3], 2.0)),
    "logical_or.at": (B, lambda c: np.logical_or.at(c, [1], True)),
    "left_shift.at": (I, lambda c: np.left_shift.at(c, [0, 0], 2)),
    "at through a view": (A, lambda c: np.multiply.at(c.T[1:], [0, 0], 2.0)),
    "shape": (A, lambda c: setattr(c, "shape", (9,))),
    "shape, -1": (A, lambda c: setattr(c, "shape", (3, -1, 1))),
    "shape that does not fit": (A, lambda c: setattr(c, "shape", (2, 2))),
    "flat": (A, lambda c: setattr(c, "flat", 0.5)),
    "flat, repeated": (A, lambda c: setattr(c.T, "flat", [1.0, 2.0])),
    "flat, a place": (A, lambda c: c.T.flat.__setitem__(1, 8.0)),
    "einsum's diagonal": (A, lambda c: np.einsum("ii->i", c).__setitem__(slice(None), 5.0)),
    "einsum's transposed": (A, lambda c: np.einsum("ij->ji", c).__setitem__((0, 2), 5.0)),
    "bits": (X, lambda c: c.view("i8").__iadd__(1)[0]),
    "bits, of a part": (X, lambda c: c[1:3].view(np.uint64).fill(0)),
    # what this NumPy has not
    "ptp": (X, lambda c: c.ptp()),
    "itemset": (X, lambda c: c.itemset(0, 1.0)),
    "newbyteorder": (X, lambda c: c.newbyteorder()),
    "tostring": (X, lambda c: c.tostring()),
    "of a scalar": (X, lambda c: c[0].partition(0)),
    "append": (X, lambda c: c.append(1.0)),
    # not in place
    "compress": (X, lambda c: c.compress([True, False, True])),
    "compress, axis": (A, lambda c: c.compress([True, False, True], axis=0)),
    "compress, method of a mask": (A, lambda c: c.compress([False, True], axis=1)),
    "clip": (X, lambda c: c.clip(-0.5, 0.5)),
    "choose": (I, lambda c: (c > 0).choose([c, c * 2])),
    "view": (X, lambda c: c.view()),
    "view as integers": (X, lambda c: c.view(np.int64) & np.int64(255)),
    "view as floats": (I, lambda c: c.view(np.float64)),
}


@pytest.mark.parametrize(("x", "method"), METHODS.values(), ids=METHODS)
def test_in_place(x: np.ndarray, method: Callable[[Any], Any]) -> None:
    def f(x: Any) -> Any:
        c = x.copy()
        r = method(c)
        return r if r is None or type(r) is tuple else r + 0, c

    check_or_raise(f, x)


OUT: dict[str, tuple[np.ndarray, Callable[[Any, Any], Any], Any]] = {
    # x, call(x, out), an output
    "exp": (X, lambda x, out: np.exp(x, out), np.empty(5)),
    "exp, named": (X, lambda x, out: np.exp(x, out=out), np.empty(5)),
    "exp, a tuple": (X, lambda x, out: np.exp(x, out=(out,)), np.empty(5)),
    "add": (X, lambda x, out: np.add(x, x, out), np.empty(5)),
    "add, broadcast": (X, lambda x, out: np.add(x, 1.0, out), np.empty((2, 5))),
    "add, where": (X, lambda x, out: np.add(x, 1.0, out, where=x > 0), np.full(5, 7.0)),
    "add, another dtype": (X, lambda x, out: np.add(x, 1.0, out), np.empty(5, np.float32)),
    "add, casting": (X, lambda x, out: np.add(x, 1.5, out, casting="unsafe"), np.empty(5, int)),
    "add, no such cast": (X, lambda x, out: np.add(x, 1.5, out), np.empty(5, int)),
    "add, a wrong shape": (X, lambda x, out: np.add(x, 1.5, out), np.empty(4)),
    "add, itself": (X, lambda x, out: np.add(out, out[::-1], out), np.arange(5.0)),
    "clip": (X, lambda x, out: np.clip(x, -0.5, 0.5, out), np.empty(5)),
    "clip method": (X, lambda x, out: x.clip(-0.5, 0.5, out=out), np.empty(5)),
    "round": (X, lambda x, out: x.round(1, out), np.empty(5)),
    "sum": (A, lambda x, out: x.sum(0, None, out), np.empty(3)),
    "mean": (A, lambda x, out: np.mean(x, 1, out=out), np.empty(3)),
    "max": (A, lambda x, out: np.max(x, 1, out), np.empty(3)),
    "argmax": (A, lambda x, out: np.argmax(x, 1, out), np.empty(3, int)),
    "all": (A, lambda x, out: np.all(x > 0.5, 1, out), np.empty(3, bool)),
    "std": (A, lambda x, out: np.std(x, axis=0, out=out), np.empty(3)),
    "var": (A, lambda x, out: x.var(0, out=out), np.empty(3)),
    "median": (A, lambda x, out: np.median(x, 0, out), np.empty(3)),
    "nanmedian": (A, lambda x, out: np.nanmedian(x, 0, out), np.empty(3)),
    "cumsum": (X, lambda x, out: x.cumsum(0, out=out), np.empty(5)),
    "take": (A, lambda x, out: x.take([2, 0], axis=0, out=out), np.empty((2, 3))),
    "compress": (X, lambda x, out: x.compress([False, True, True], out=out), np.empty(2)),
    "dot": (A, lambda x, out: np.dot(x, x, out), np.empty((3, 3))),
    "matmul": (A, lambda x, out: np.matmul(x, x, out), np.empty((3, 3))),
    "concatenate": (X, lambda x, out: np.concatenate([x, x], 0, out), np.empty(10)),
    "stack": (X, lambda x, out: np.stack([x, x], 0, out), np.empty((2, 5))),
    "einsum": (A, lambda x, out: np.einsum("ij->i", x, out=out), np.empty(3)),
    "trace": (A, lambda x, out: x.trace(out=out), np.empty(())),
    "choose": (B, lambda x, out: x.choose([out * 1.0, out * 2.0], out=out), np.arange(3.0)),
    "add.reduce": (A, lambda x, out: np.add.reduce(x, 0, None, out), np.empty(3)),
    "outer": (X, lambda x, out: np.outer(x, x, out), np.empty((5, 5))),
    "fix": (X, lambda x, out: np.fix(x, out), np.empty(5)),
    "nan_to_num": (X, lambda x, out: np.nan_to_num(out, copy=False), np.array([np.nan, 1.0])),
    "isposinf": (X, lambda x, out: np.isposinf(x, out), np.empty(5, bool)),
}


@pytest.mark.parametrize(("x", "call", "out"), OUT.values(), ids=OUT)
def test_out(x: np.ndarray, call: Callable[[Any, Any], Any], out: np.ndarray) -> None:
    """The result is the output itself."""
    def f(x: Any, out: Any) -> Any:
        c = out.copy()
        r = call(x, c)
        return r is c, c

    check_or_raise(f, x, out)


def test_two_outputs() -> None:
    def f(x: Any) -> Any:
        a, b = np.empty(5), np.empty(5)
        r = np.modf(x, a, b)
        s = np.divmod(x, 0.3, out=(None, b))
        return a, b, r[0] is a, s[1] is b, s[0]

    check_or_raise(f, X)


def test_indices_that_are_not_known() -> None:
    """One after the other, in a loop."""
    def f(x: Any, i: Any) -> Any:
        c = x * 1.0
        np.multiply.at(c, i, x[i] + 1.0)
        np.negative.at(c, i[:2])
        m = np.ones((2, 5))
        np.maximum.at(m, (slice(None), i), np.arange(2.0)[:, None] * x[i])
        return c, m

    check_or_raise(f, X, np.array([0, 3, 0, 0, -1, 2, 2]))


def test_shape_of_what_others_look_at_is_refused() -> None:
    def viewed(a: Any) -> Any:
        c = a.copy()
        row = c[0]
        c.shape = (9,)
        return row

    def argument(a: Any) -> Any:
        a.shape = (9,)
        return a

    for f in (viewed, argument):
        with pytest.raises(UnsupportedError, match="reshape"):
            run(f, A)

    def a_view(a: Any) -> Any:
        c = a.copy()
        v = c[1:]
        v.shape = (6,)
        v[0] = 9.0
        return c, v * 1.0

    check_or_raise(a_view, A)

    def incompatible(a: Any) -> Any:
        t = a.copy().T
        t.shape = (9,)

    check_or_raise(incompatible, A)


def test_negative_powers_of_integers() -> None:
    for f in (lambda x, y: x**y, lambda x, y: np.power(x, y), lambda x, y: x[0] ** y[0]):
        check_or_raise(f, np.array([2, 3]), np.array([1, 2]))
        with pytest.raises(ArgumentError, match="negative integer powers"):
            run(f, np.array([2, 3]), np.array([-1, 2]))


def check_or_raise(f: Callable[..., Any], *args: Any) -> None:
    try:
        with np.errstate(all="ignore"):
            expected = f(*args)
    except Exception as e:
        with pytest.raises((type(e), GradjitError)):
            run(f, *args)
        return
    with np.errstate(all="ignore"):
        got = run(f, *args)[1]
    assert_same(got, expected, exact=False)
