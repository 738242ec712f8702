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
import scipy.sparse

import gradjit as gj
from gradjit.errors import TraceError, UnsupportedError

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
        m = np.asmatrix(np.zeros((2, 2)).tolist())
        m[0, 0] = x
        return m.A

    with pytest.raises(UnsupportedError, match=r"matrix[^$]*ordinary array[^$]*test_fresh_arrays"):
        gj.jit(f)(1.0)


def test_the_class_of_an_array_is_numpys():
    assert gj.jit(lambda x: (x.__class__ is np.ndarray, x[0].__class__ is np.float64))(np.ones(2)) == (True, True)


OTHERS: dict[str, tuple[Callable[[], Any], Callable[[Any], Any], Callable[[Any], Any]]] = {
    "a record array": (lambda: np.rec.array([(0.0, 1.0), (2.0, 3.0)], dtype=[("a", float), ("b", float)]),
                       lambda r: r.a, lambda r: operator.setitem(r, 0, (7.0, 8.0))),
    "a matrix": (lambda: np.asmatrix([[1.0, 2.0], [3.0, 4.0]]), lambda r: r.A[0],
                 lambda r: operator.setitem(r, (0, 0), 7.0)),
    "a matrix, transposed": (lambda: np.asmatrix([[1.0, 2.0], [3.0, 4.0]]), lambda r: r.T.A[1],
                             lambda r: operator.setitem(r, (0, 0), 7.0)),
    "a sparse matrix": (lambda: scipy.sparse.csr_matrix(np.ones((2, 2))), lambda r: r.data,
                        lambda r: operator.setitem(r.data, 0, 7.0)),
    "bytes": (lambda: bytearray(24), np.frombuffer, lambda r: operator.setitem(r, 3, 7)),
    "an array of Python's": (lambda: array.array("d", [1.0, 2.0]), np.frombuffer,
                             lambda r: operator.setitem(r, 0, 7.0)),
    "a polynomial": (lambda: np.poly1d([1.0, 2.0, 3.0]), lambda r: r.coeffs, lambda r: operator.setitem(r, 2, 7.0)),
}


def by_both(made, look, change, x):
    r = made()
    b = look(r)
    b[0] = x
    return look(r)[0] * x


def changed_behind(made, look, change, x):
    r = made()
    b = look(r)
    y = b * x
    change(r)
    return y + 0.0, b * x


def at_each_call(made, look, change, x):
    b = look(made())
    b[0] += x
    return b * 1.0


@pytest.mark.parametrize("program", [by_both, changed_behind, at_each_call])
@pytest.mark.parametrize("name", OTHERS)
def test_elements_that_other_objects_have_too(name, program):
    """The value, or an error: never what stood there before."""
    f = partial(program, *OTHERS[name])
    compiled = gj.jit(lambda x: f(x), backend="interpreter")
    for _ in range(2):
        try:
            got = compiled(2.5)
        except TraceError as e:
            assert "gradjit does not follow" in str(e) or "whose order is SciPy's own affair" in str(e)
            assert program is not at_each_call or name == "a sparse matrix"
            return
        for g, w in zip(np.atleast_1d(got), np.atleast_1d(f(2.5)), strict=True):
            np.testing.assert_array_equal(g, w)


@pytest.mark.parametrize("use", [
    np.linalg.det, lambda r: r * 2, lambda r: r[0, 1], lambda r: r.sum(), lambda r: r.tolist()])
def test_an_object_is_not_read_behind_a_write_to_its_elements(use):
    def f(x):
        r = np.asmatrix([[1.0, 2.0], [3.0, 4.0]])
        b = r.A
        b[0, 1] = x
        return use(r) * x

    with pytest.raises(UnsupportedError, match=r"matrix is read.*gradjit does not follow"):
        gj.jit(f)(1.0)
