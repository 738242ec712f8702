"""`x[mask]` with a traced mask against NumPy: elementwise functions, reductions, writes, and what
needs the elements side by side."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gradjit as gj
from gradjit.errors import ShapeError
from gradjit.tracer.trace import trace
from tests.tracer.numpy.arrays import SOME_NANS, A, F, T, V, W
from tests.tracer.numpy.harness import Case, by_function, case, check_all

IDIOMS: dict[str, Any] = {
    "sum": lambda x: np.sum(x[x > 0]),
    "method": lambda x: x[x > 0].sum(),
    "mean": lambda x: x[x > 0].mean() + np.mean(x[x < 0]),
    "variance": lambda x: np.var(x[x > -1], ddof=1) + x[x > -1].std(),
    "product": lambda x: np.prod(x[np.abs(x) > 0.5]),
    "extremes": lambda x: (np.max(x[x < 1]), x[x < 1].min(), np.ptp(x[x < 1])),
    "any, all": lambda x: (np.any(x[x > 0] > 1), np.all(x[x > 0] > 1)),
    "count": lambda x: (np.count_nonzero(x[x > 0] > 0.5), np.size(x[x > 0]) * 1.0, x[x > 0].shape[0] + 0.5),
    "length": lambda x: x[x > 0].sum() / len(x[x > 0]),
    "size": lambda x: x[x > 0].sum() / x[x > 0].size,
    "elementwise": lambda x: np.sum(np.log(x[x > 0]) * 2 + np.sqrt(x[x > 0]) / (1 + x[x > 0])),
    "reflected": lambda x: np.sum(2.0 ** x[x > 0] - 1 / x[x > 0]),
    "scalar of the array": lambda x: np.sum(x[0] * x[x > 0] + x[x > 0] * x[1]),
    "one mask": lambda x: (lambda m: np.sum(x[m] * (x**2)[m]))(x > 0),
    "function": lambda x: np.sum(np.clip(x[x > 0], 0.2, 0.6)) + np.sum(np.where(x[x > 0] > 0.5, x[x > 0], 1.0)),
    "comparison": lambda x: np.mean(x[x > 0] > 0.5),
    "dot": lambda x: x[x > 0] @ x[x > 0] + np.dot(x[x > 0], np.exp(x[x > 0])),
    "norm": lambda x: np.linalg.norm(x[x > 0]),
    "average": lambda x: np.average(x[x > 0], weights=np.exp(x[x > 0])),
    "in place": lambda x: _in_place(x[x > 0]),
    "copy": lambda x: _later_write(x),
    "unary": lambda x: np.sum(-x[x < 0]) + np.sum(abs(x[x < 0])) + np.sum(~(x[x < 0] < -1)),
    "ufunc reduce": lambda x: np.add.reduce(x[x > 0]) + np.maximum.reduce(x[x > 0]),
    "several results": lambda x: sum(np.sum(v) for v in np.modf(x[x > 0])),
    "astype": lambda x: x[x > 0].astype("f").sum(),
    "like": lambda x: np.sum(np.ones_like(x[x > 0])) + np.zeros_like(x[x > 0]).sum(),
    "whole": lambda x: x[x > 0][:].sum() + x[x > 0].ravel().copy().sum(),
    "nothing selected": lambda x: x[x > 1e9].sum() + x[x > 1e9].size + np.prod(x[x > 1e9]),
    "nan": lambda x: np.nansum(np.log(x[x > -1])) + np.sum(x[~np.isnan(x)]),
}

MATRIX_IDIOMS: dict[str, Any] = {
    "whole matrix": lambda a: a[a > 0].sum(),
    "rows": lambda a: a[a[:, 0] > 0].sum(axis=0),
    "rows, all": lambda a: (a[a[:, 0] > 0].sum(), a[a[:, 0] > 0].mean()),
    "rows, inner axis": lambda a: np.sum(np.max(a[a[:, 0] > 0], axis=1)),
    "rows with a vector": lambda a: np.sum(a[a[:, 0] > 0] * np.arange(4.0), axis=0),
    "mean of rows": lambda a: a[a[:, 0] > 0].mean(axis=0),
    "extreme of rows": lambda a: np.max(a[a[:, 0] > 0], axis=0),
}

WRITES: dict[str, Any] = {
    "selection": lambda x: _write(x, lambda y: y.__setitem__(y > 0, np.sqrt(y[y > 0]))),
    "another array": lambda x: _write(x, lambda y: y.__setitem__(x > 0, (x * x)[x > 0])),
    "number": lambda x: _write(x, lambda y: y.__setitem__(y > 0, 1.5)),
}


def _in_place(s: Any) -> Any:
    t = s
    s += 1.0
    s *= s
    return np.sum(t)


def _later_write(x: Any) -> Any:
    y = x.copy()
    s = y[y > 0]
    y[:] = 0.0
    return np.sum(s)


def _write(x: Any, change: Any) -> Any:
    y = x.copy()
    change(y)
    return y


def in_place(x: Any) -> Any:
    y = x.copy()
    y[x > 0] *= 2.0
    y[x > 0] += np.abs(x[x > 0])
    y[x < 0] -= 1
    return y


def rows(a: Any) -> Any:
    b = a.copy()
    b[a[:, 0] > 0] = 7.0
    b[a[:, 1] > 0] = np.arange(4.0)
    b[a[:, 2] > 0] = np.exp(a[a[:, 2] > 0])
    return b


CASES = [
    *(case(f, x, _kinds=False) for f in IDIOMS.values() for x in (V, F[0], np.array([0.5, 1.5, 0.75]))),
    *(case(f, a, _kinds=False) for f in MATRIX_IDIOMS.values() for a in (A, F)),
    case(lambda t: np.sum(t[t[:, :, 0] > 0], axis=0), T),
    *(case(f, x) for f in (*WRITES.values(), in_place) for x in (V, W)), case(rows, A),
    case(lambda a: np.mean(a[~np.isnan(a)]), SOME_NANS),
]


@pytest.mark.thinned
@pytest.mark.parametrize("cases", by_function(CASES))
def test_selection(cases: list[Case]) -> None:
    check_all(cases)


def doubled(x: Any) -> Any:
    y = x[x > 0]
    y[0] = 7.0
    y *= 2
    return np.sum(y), y


def sorted_in_place(x: Any) -> Any:
    y = x.copy()
    y[y > 0] = np.sort(y[y > 0])[::-1]
    return y


def walked(x: Any) -> Any:
    total = 0.0
    for k, v in enumerate(x[x > 0]):
        total = total + k * v
    return total


SIDE_BY_SIDE: dict[str, Any] = {
    "sort": lambda x: np.sort(x[x > 0]),
    "join": lambda x: np.concatenate([x[x > 0], x, x[x < 0]]),
    "stack": lambda x: np.stack([x[x > 0], 2 * x[x > 0]], axis=1),
    "median": lambda x: np.median(x[x > 0]), "quantile": lambda x: np.quantile(x[x > 0], 0.3),
    "index": lambda x: (x[x > 0][0], x[x > 0][-1], x[x > 0][::-1], x[x > 0][np.array([0, 0, 0])]),
    "return": lambda x: (x[x > 0], len(x[x > 0])),
    "another mask": lambda x: (x[x > 0][x[x > 0] > 0.5], x[x > 0][x[x > 0] > 100]),
    "write from another mask": lambda x: _write(x, lambda y: y.__setitem__(x > 0, np.sqrt(y[x > 0])[::-1])),
    "attribute": lambda x: x[x > 0].argsort(), "matrix product": lambda x: x[x > 0] @ np.sort(x[x > 0]),
    "scan": lambda x: (np.cumsum(x[x > 0]), np.cumprod(x[x > 0]), np.prod(x[x > 0])),
    "where=": lambda x: np.sum(x[x > 0], where=x[x > 0] > 0.5),
    "outer": lambda x: np.outer(x[x > 0], x[x < 0]),
    "repeat": lambda x: (np.repeat(x[x > 0], 2), np.tile(x[x > 0], 2), np.roll(x[x > 0], 1), np.pad(x[x > 0], 1)),
    "count": lambda x: (np.bincount(np.digitize(x, [-1.0, 0.0, 0.5])), np.repeat(x, np.digitize(x, [0.0, 0.5]))),
    "mesh": lambda x: np.outer(x, x)[np.ix_(x > 0, x < 0.5)], "linspace": lambda x: np.linspace(0, 1, len(x[x > 0])),
    "delete": lambda x: (np.delete(x, np.argmax(x)), np.delete(x, np.flatnonzero(x > 0)), np.delete(x, x > 0)),
}


@pytest.mark.parametrize("cases", by_function([
    *(case(f, x, _kinds=False) for x in (V, F[0])
      for f in (*SIDE_BY_SIDE.values(), doubled, sorted_in_place, walked))]))
def test_side_by_side(cases: list[Case]) -> None:
    """What needs the selected elements as an array of their own."""
    check_all(cases)


@pytest.mark.filterwarnings("ignore")
def test_none_is_selected() -> None:
    nothing = np.array([-1.0, -2.0])
    for f in (lambda x: np.sort(x[x > 0]), lambda x: np.cumsum(x[x > 0]), lambda x: np.unique(x[x > 0]),
              lambda x: np.concatenate([x[x > 0], x[x > 0]]), lambda x: np.median(x[x > 0])):
        assert np.array_equal(gj.jit(f)(nothing), f(nothing), equal_nan=True)
    for f in (lambda x: np.max(np.sort(x[x > 0])), lambda x: np.argmax(x[x > 0]), lambda x: np.sort(x[x > 0])[0]):
        with pytest.raises((ValueError, IndexError)):
            gj.jit(f)(nothing)


def test_derivatives_of_elements() -> None:
    weights = np.arange(1.0, 8.0)
    functions: list[Any] = [
        lambda x: np.sum(np.sort(x[x > 0]) ** 3), lambda x: np.sum(np.cumprod(x[x > 0])),
        lambda x: np.sum(np.concatenate([x[x > 0], x])[1:] * np.concatenate([x[x > 0], x])[:-1]),
        lambda x: np.sum(np.unique(x) ** 3), lambda x: np.median(x[x > 0]) ** 2 + np.quantile(x[x > 0], 0.3),
        lambda x: np.sum(np.repeat(x, x > 0) ** 2), lambda x: sorted_in_place(x) @ weights ** 2,
        lambda x: np.linalg.norm(np.outer(x[x > 0], x[x < 0])), walked]
    for f in functions:
        gj.check_grads(f, V)


def test_array_of_computed_length_as_result() -> None:
    def f(x: Any) -> Any:
        return np.sort(x[x > 0]) ** 2

    t = np.linspace(-1, 2, V.size)
    value, tangent = gj.jvp(f, (V,), (t,))
    assert np.array_equal(value, f(V)) and np.allclose(tangent, (f(V + 1e-6 * t) - f(V - 1e-6 * t)) / 2e-6)
    value, pullback = gj.vjp(f, V)
    assert np.isclose(pullback(np.arange(1.0, value.size + 1))[0] @ t, np.arange(1.0, value.size + 1) @ tangent)
    with pytest.raises(gj.DifferentiationError, match="Jacobian"):
        gj.jacobian(f)(V)
    for n in (7, 6, 4, 3):
        assert np.array_equal(gj.jit(f, sizes="any")(V[:n]), f(V[:n]))
    (_, rest), _ = gj.value_and_grad(lambda x: (np.sum(x), x[x > 0]), has_aux=True)(V)
    assert np.array_equal(rest, V[V > 0])


def test_index_beyond_a_computed_extent() -> None:
    """What is read lies in memory as large as the array may be: an index is checked against how large it is."""
    many = np.array([0, 1] * 10)
    for f in (lambda x: x[x > 2][many], lambda x: x[np.flatnonzero(x > 2)][np.argsort(x)]):
        with pytest.raises(IndexError, match="out of bounds"):
            gj.jit(f)(np.array([1.0, 3.0, 0.5]))


REFUSED: dict[str, Any] = {
    "truth": lambda x: 1 if x[x > 0] else 2,
    "unbounded": lambda x: np.bincount(np.asarray(x, int)),
}


@pytest.mark.parametrize("f", [pytest.param(f, id=name) for name, f in REFUSED.items()])
def test_refused(f: Any) -> None:
    with pytest.raises(gj.GradjitError, match=r"line"):
        trace(f, (V,), {})


def test_wrong_shapes() -> None:
    def f(a: Any) -> Any:
        b = a.copy()
        b[a[:, 0] > 0] = a[:, 1][a[:, 0] > 0]
        return b

    with pytest.raises(ShapeError, match="broadcast"):
        trace(f, (A,), {})
