"""Arrays that come out of calls which the tracer does not see: new ones at each call, or hidden inputs read at each."""

import array
import collections
import copy
import operator
import types
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

import gradjit as gj
from gradjit.errors import UnsupportedError

K = np.arange(3.0)

BORN: dict[str, Callable[[], Any]] = {
    "ndarray": lambda: np.ndarray((3,)),
    "ndarray on a new bytearray": lambda: np.ndarray((3,), float, bytearray(24)),
    "frombuffer": lambda: np.frombuffer(bytearray(24)),
    "frombuffer of a memoryview": lambda: np.frombuffer(memoryview(bytearray(24))),
    "mgrid": lambda: np.mgrid[0:3.0],
    "ogrid": lambda: np.ogrid[0:3.0],
    "r_": lambda: np.r_[0.0, 0.0, 0.0],
    "a row of c_": lambda: np.c_[np.zeros(3), np.zeros(3)].T[1],
    "s_ of zeros": lambda: np.zeros(5)[np.s_[1:4]],
    "next of map": lambda: next(map(np.zeros, [3])),
    "partial": lambda: partial(np.zeros, 3)(),
    "method of a library's object": lambda: np.polynomial.Polynomial([0.0, 1.0, 2.0]).linspace(3)[1],
    "copy.copy": lambda: copy.copy(K),
    "copy.deepcopy of a dict": lambda: copy.deepcopy({"a": K})["a"],
    "inverse": lambda: np.linalg.inv(np.eye(3))[0],
    "loadtxt": lambda: np.loadtxt(["0 0 0"]),
    "reduce": lambda: operator.add(np.zeros(3), np.zeros(3)),
    "methodcaller": lambda: operator.methodcaller("copy")(K),
    "a default dict's": lambda: collections.defaultdict(partial(np.zeros, 3))["a"],
    "fromiter": lambda: np.fromiter(iter([0.0, 0.0, 0.0]), float),
    "getattr": lambda: getattr(np, "full")(3, 0.0),  # noqa: B009
    "namespace": lambda: types.SimpleNamespace(w=np.ndarray(3)).w,
}


@pytest.mark.parametrize("build", BORN.values(), ids=BORN)
def test_a_new_array_at_each_call(build: Callable[[], Any]) -> None:
    def f(x: Any) -> Any:
        out = build()
        for i in range(3):
            out[i] = x[i] * (i + 1)
        return out

    g = gj.jit(f)
    first = g(np.ones(3))
    kept = first.copy()
    second = g(np.full(3, 5.0))
    np.testing.assert_array_equal(first, kept)
    np.testing.assert_array_equal(second, f(np.full(3, 5.0)))
    slope = gj.grad(lambda x: np.sum(f(x) * x))(np.ones(3))
    np.testing.assert_allclose(slope, [2.0, 4.0, 6.0])
    np.testing.assert_array_equal(K, np.arange(3.0))


class Holder:
    """An object that lends its array in many ways."""

    def __init__(self) -> None:
        self.w = np.arange(1.0, 4.0)
        self.items = {"w": self.w}
        self.raw = array.array("d", [1.0, 2.0, 3.0])

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return self.w


LENT: dict[str, Callable[[Holder], Any]] = {
    "getattr": lambda o: getattr(o, "w"),  # noqa: B009
    "getattr with a default": lambda o: getattr(o, "w", None),
    "dict.get": lambda o: o.items.get("w"),
    "dict.values": lambda o: next(iter(o.items.values())),
    "np.asarray": lambda o: np.asarray(o.w),
    "np.asarray of an object": lambda o: np.asarray(o),
    "next of an iterator": lambda o: next(iter([o.w])),
    "attrgetter": lambda o: operator.attrgetter("w")(o),
    "itemgetter": lambda o: operator.itemgetter("w")(o.items),
    "vars": lambda o: vars(o)["w"],
    "a view": lambda o: operator.attrgetter("w")(o)[::1],
    "frombuffer": lambda o: np.frombuffer(o.raw),
    "a method": lambda o: operator.attrgetter("w")(o).view(),
}


@pytest.mark.parametrize("borrow", LENT.values(), ids=LENT)
def test_a_lent_array_is_read_at_each_call(borrow: Callable[[Holder], Any]) -> None:
    """What stands in an object from outside is no constant."""
    holder = Holder()
    f = gj.jit(lambda x: x * borrow(holder))
    slope = gj.grad(lambda x: np.sum(x * borrow(holder)))
    x = np.ones(3)
    for number in (5.0, 7.0):
        np.testing.assert_array_equal(f(x), borrow(holder))
        np.testing.assert_array_equal(slope(x), borrow(holder))
        np.asarray(borrow(holder))[1] = number
    np.testing.assert_array_equal(f(x), borrow(holder))


def test_one_new_array_by_two_names_is_one() -> None:
    def f(x: Any) -> Any:
        o = types.SimpleNamespace(w=next(map(np.zeros, [3])))
        a, b = o.w, o.w
        a[0] = x[0]
        return b * 2

    np.testing.assert_array_equal(gj.jit(f)(np.full(3, 4.0)), [8.0, 0.0, 0.0])


def test_new_arrays_in_a_loop() -> None:
    def f(x: Any) -> Any:
        total = np.zeros(2)
        for i in range(20):
            out = next(map(np.zeros, [2]))
            out[i % 2] = x[i]
            total += out
        return total

    x = np.arange(20.0)
    np.testing.assert_array_equal(gj.jit(f)(x), f(x))


@pytest.mark.parametrize("made", [
    lambda: np.ma.zeros(3).data, lambda: np.rec.array([(0.0,), (0.0,), (0.0,)], dtype=[("a", float)]).a,
])
def test_what_special_arrays_hold_is_new_at_each_call(made):
    def f(x):
        b = made()
        b[1] = x
        return b

    compiled = gj.jit(f)
    first = compiled(1.0)
    np.testing.assert_array_equal(compiled(2.0), [0.0, 2.0, 0.0])
    np.testing.assert_array_equal(first, [0.0, 1.0, 0.0])


def test_traced_values_in_arrays_of_other_kinds_are_refused():
    def f(x):
        m = np.ma.zeros(3)
        m[0] = x
        return m.data

    with pytest.raises(UnsupportedError, match=r"MaskedArray[^$]*ordinary array[^$]*test_fresh_arrays"):
        gj.jit(f)(1.0)


def test_the_class_of_an_array_is_numpys():
    assert gj.jit(lambda x: (x.__class__ is np.ndarray, x[0].__class__ is np.float64))(np.ones(2)) == (True, True)
