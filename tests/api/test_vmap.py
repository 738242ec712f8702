"""`gj.vmap`: as the function of each example, the results stacked."""

from __future__ import annotations

import pickle
from dataclasses import dataclass

import numpy as np
import pytest

import gradjit as gj

from ..control.case import along, mapped, same
from ..control.programs import PROGRAMS

RNG = np.random.default_rng(5)
X = RNG.normal(size=(5, 3))
W = RNG.normal(size=3)
TABLE = RNG.normal(size=(3, 3))


def at(tree, axes, n):
    """The arguments of example n."""
    return [x if a is None else mapped(lambda leaf, a=a: np.take(leaf, n, a), x)
            for x, a in zip(tree, axes, strict=True)]


def stacked(f, axes, *args, count=5, **kwargs):
    """The same, by a loop."""
    each = [f(*at(args, axes, n), **kwargs) for n in range(count)]
    return mapped(lambda *xs: np.stack(xs), *each)


def weighted(x, w):
    s = 0.0
    for i in range(3):
        s = s + x[i] * w[i]
    if s > 0:
        s = s * 2.0
    return s * x


def until(x):
    n = 0
    while np.sum(x * x) < 50.0:
        x = x * 1.5
        n += 1
    return n, x


def early(x):
    for k in range(30):
        if np.sum(x) > 3.0 + k:
            return x * 3.0
        x = x + 0.4 * np.abs(x)
    return -x


def counts(x, n):
    total = 0.0
    for i in range(n):
        total += x[i] ** 2
        x[i] = total
    return x


def sorts(x):
    return np.sort(x)[::-1] @ TABLE, np.argmax(x), x[np.argsort(x)]


def containers(p, x):
    return {"y": p["a"] * x + p["b"], "s": [np.sum(x), p["b"]]}


CASES = {
    "branch": (weighted, (0, None), (X, W)),
    "both": (weighted, (0, 0), (X, X[::-1])),
    "last axis": (weighted, (1, None), (X.T, W)),
    "negative axis": (weighted, (-1, None), (X.T, W)),
    "while": (until, (0,), (X,)),
    "early": (early, (0,), (X,)),
    "trip count": (counts, (0, 0), (X, np.array([0, 3, 1, 2, 3]))),
    "sort": (sorts, (0,), (X,)),
    "containers": (containers, (0, 0), ({"a": np.arange(5.0), "b": np.ones(5)}, X)),
    "gradient": (gj.grad(lambda x, w: np.sum(weighted(x, w) ** 2), argnums=(0, 1)), (0, None), (X, W)),
    "gradient of while": (gj.grad(lambda x: np.sum(until(x)[1] ** 3)), (0,), (X,)),
    "hessian": (gj.hessian(lambda x: np.sum(np.sin(x) * x[0])), (0,), (X,)),
    "jacobian": (gj.jacobian(lambda x, w: np.tanh(x) * w), (0, None), (X, W)),
    "jvp": (lambda x, v: gj.jvp(np.sin, (x,), (v,)), (0, None), (X, W)),
    "vjp": (lambda x: gj.vjp(lambda y: y * y[0], x)[1](x)[0], (0,), (X,)),
    "vmap": (gj.vmap(lambda a, b: a * b, in_axes=(None, 0)), (0, None), (W, np.arange(4.0))),
    "integers": (lambda k: k * 2 + 1, (0,), (np.arange(5),)),
    "float32": (lambda x: x * 2, (0,), (X.astype(np.float32),)),
}


@pytest.mark.parametrize("name", CASES)
def test_as_a_loop(name):
    f, axes, args = CASES[name]
    count = 3 if name == "vmap" else 5
    same(gj.vmap(f, in_axes=axes)(*mapped(np.copy, args)), stacked(f, axes, *mapped(np.copy, args), count=count))


@pytest.mark.parametrize("case", PROGRAMS[::12], ids=lambda c: c.name)
def test_programs(case):
    (direction,) = case.directions(1)
    examples = [case.moved(direction, h) for h in (0.0, 1e-3, -2e-3)]
    args = list(case.copied())
    for k in case.wrt:
        args[k] = mapped(lambda *xs: np.stack(xs), *[e[k] for e in examples])
    axes = tuple(0 if k in case.wrt else None for k in range(len(args)))
    got = gj.vmap(case.f, in_axes=axes)(*args)
    same(got, mapped(lambda *xs: np.stack(xs), *[case.plain(e) for e in examples]), rtol=1e-9)


def loss(w, xs):
    return np.sum(gj.vmap(weighted, in_axes=(0, None))(xs, w) ** 2)


def loss_by_loop(w, xs):
    return np.sum(np.stack([weighted(x, w) for x in xs]) ** 2)


@pytest.mark.parametrize("transform", [gj.grad, gj.hessian, gj.jacobian, lambda f: lambda w, xs: gj.hvp(f)(w, w, xs)])
def test_inside_derivatives(transform):
    np.testing.assert_allclose(transform(loss)(W, X), transform(loss_by_loop)(W, X), rtol=1e-10)


def test_gradient_of_examples_with_loops_of_their_own():
    def total(xs):
        return np.sum(gj.vmap(lambda x: until(x)[1])(xs) ** 2)

    g = gj.grad(total)(X)
    d = RNG.normal(size=X.shape)
    slope = (total(along(X, d, 1e-6)) - total(along(X, d, -1e-6))) / 2e-6
    assert np.sum(g * d) == pytest.approx(slope, rel=1e-6)


def test_keywords_take_the_axis_of_their_parameter():
    expected = stacked(weighted, (0, None), X, W)
    same(gj.vmap(weighted, in_axes=(0, None))(X, w=W), expected)
    same(gj.vmap(weighted, in_axes={"x": 0})(w=W, x=X), expected)
    same(gj.vmap(weighted, in_axes={"x": 1, "w": None})(X.T, W), expected)

    def scaled(x, *, by):
        return x * by

    same(gj.vmap(scaled)(X, by=np.arange(5.0)), stacked(lambda x, b: x * b, (0, 0), X, np.arange(5.0)))
    same(gj.vmap(scaled, in_axes={"x": 0})(X, by=2.0), X * 2.0)


def test_axes_of_results():
    assert gj.vmap(weighted, in_axes=(0, None), out_axes=1)(X, W).shape == (3, 5)
    assert gj.vmap(weighted, in_axes=(0, None), out_axes=-1)(X, W).shape == (3, 5)
    a, b, c = gj.vmap(lambda x: (x, np.outer(x, x), np.sum(W)), out_axes=(1, -2, None))(X)
    assert (a.shape, b.shape, np.shape(c)) == ((3, 5), (3, 5, 3), ())
    np.testing.assert_array_equal(b[:, 2], np.outer(X[2], X[2]))


def test_what_does_not_differ_is_repeated():
    got = gj.vmap(lambda x: (1, 2.5, None, "text", W, np.sum(x)), out_axes=(0, None, 0, 0, 0, 0))(X)
    np.testing.assert_array_equal(got[0], np.ones(5, int))
    assert got[1:4] == (2.5, None, "text")
    np.testing.assert_array_equal(got[4], np.stack([W] * 5))


@dataclass
class Pair:
    a: np.ndarray
    b: np.ndarray


def test_entries_are_containers_down_to_the_leaves():
    p = Pair(X, W)
    expected = np.stack([x * W for x in X])
    np.testing.assert_array_equal(gj.vmap(lambda q: q.a * q.b, in_axes=(Pair(0, None),))(p), expected)
    got = gj.vmap(lambda q: q[0]["u"] * q[1], in_axes=([{"u": 0}, None],))([{"u": X}, W])
    np.testing.assert_array_equal(got, expected)


def test_writes_reach_the_rows_of_the_caller():
    def shift(x, by):
        x[1:] += by
        return np.sum(x)

    for axis in (0, 1):
        xs, ys = (np.moveaxis(X, 0, axis).copy() for _ in range(2))
        got = gj.vmap(shift, in_axes=(axis, 0))(xs, np.arange(5.0))
        expected = [shift(np.moveaxis(ys, axis, 0)[n], n) for n in range(5)]
        np.testing.assert_allclose(got, expected)
        np.testing.assert_allclose(xs, ys)


def test_no_examples_and_one():
    assert gj.vmap(weighted, in_axes=(0, None))(X[:0], W).shape == (0, 3)
    same(gj.vmap(weighted, in_axes=(0, None))(X[:1], W), stacked(weighted, (0, None), X, W, count=1))


def test_captured_arrays_are_read_at_each_call():
    table = np.ones(3)
    f = gj.vmap(lambda x: x * table)
    f(X)
    table[:] = 2.0
    np.testing.assert_array_equal(f(X), X * 2.0)


def test_as_decorator_and_pickled():
    @gj.vmap(in_axes=(0, None), backend="interpreter")
    def f(x, w):
        return x @ w

    np.testing.assert_allclose(f(X, W), X @ W)
    again = pickle.loads(pickle.dumps(gj.vmap(weighted, in_axes=(0, None), out_axes=1)))
    assert again(X, W).shape == (3, 5)


ERRORS = [
    (lambda: gj.vmap(weighted)(X, W), gj.ShapeError,
     r"weighted: the arguments have different numbers of examples: x has 5 \(axis 0 of f64\[5,3\]\), w has 3 \(axis 0 "
     r"of f64\[3\]\)"),
    (lambda: gj.vmap(weighted)(X, 2.0), gj.AxisError, r"in_axes has 0 for w, which is f64\[\] and has no axes"),
    (lambda: gj.vmap(weighted, in_axes=(0, 1))(X, W), gj.AxisError, r"has 1 for w, which is f64\[3\] and has 1 axis;"),
    (lambda: gj.vmap(counts)(X, 2), gj.AxisError, r"n is 2, which has no axis of examples.* None in in_axes"),
    (lambda: gj.vmap(weighted, in_axes=(0,))(X, W), gj.ArgumentError, r"has 1 entries.* called with 2 positional"),
    (lambda: gj.vmap(weighted, in_axes={"y": 0})(X, W), gj.ArgumentError, r"names 'y', which is no argument.* x, w"),
    (lambda: gj.vmap(weighted, in_axes=(0, {"a": 0}))(X, W), gj.ArgumentError, r"\{'a': 0\} for w, which has another"),
    (lambda: gj.vmap(weighted, in_axes=(0, "a"))(X, W), gj.ArgumentError, r"'a' for w; it must be an int, None"),
    (lambda: gj.vmap(weighted, in_axes=None)(X, W), gj.ArgumentError, r"maps none of its arguments"),
    (lambda: gj.vmap(weighted, in_axes=(0, None), out_axes=None)(X, W), gj.ArgumentError, r"None for the result, which "
     r"differs from example to example"),
    (lambda: gj.vmap(weighted, in_axes=(0, None), out_axes=2)(X, W), gj.AxisError, r"out_axes has 2"),
    (lambda: gj.vmap(lambda x, n: x[:n] * 2, in_axes=(0, 0))(X, np.arange(5)), gj.UnsupportedError, r"test_vmap.py"),
    (lambda: gj.vmap(counts, in_axes=(None, 0))(X[0], np.arange(3)), gj.TraceError, r"counts writes to the argument x, "
     r"which all examples of gj.vmap share"),
]


@pytest.mark.parametrize("k", range(len(ERRORS)))
def test_errors(k):
    call, kind, message = ERRORS[k]
    with pytest.raises(kind, match=r"(?s)" + message):
        call()


@pytest.mark.parametrize("axes", [True, 1.5, "x"])
def test_axes_that_are_none(axes):
    with pytest.raises(TypeError, match="in_axes"):
        gj.vmap(weighted, in_axes=axes)


def test_examples_with_arrays_of_other_sizes_are_refused_in_words_of_the_program() -> None:
    for f in (lambda x: x[x > 0], lambda x: np.nonzero(x)[0].sum(), lambda x: np.unique(x)):
        with pytest.raises(gj.UnsupportedError, match=r"arrays of different sizes.*np\.where\(mask, x, 0\.0\)"):
            gj.vmap(f)(np.array([[1.0, -2.0, 0.0], [3.0, 1.0, 2.0]]))
