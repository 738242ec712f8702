"""What transformed functions give within compiled functions: under the names, in the layouts and of the kinds that they
give outside."""

from __future__ import annotations

import numpy as np
import pytest

import gradjit as gj


def identity(x):
    return x


def reversed_rows(x):
    return x[::-1]


def turned(x):
    return np.sin(x).T


def twice(x):
    y = x * 2.0
    return y, y, y[1:]


def with_rule(f):
    g = gj.custom_vjp(f)
    g.defvjp(lambda x: (f(x), None), lambda r, c: (c,))
    return g


def with_tangent(f):
    g = gj.custom_jvp(f)
    g.defjvp(lambda p, t: (f(p[0]), f(t[0])))
    return g


def opaque(f, **rules):
    return gj.primitive(f, out=lambda x: np.empty_like(f(x)), **rules)


WRAPPED = {
    "checkpoint": gj.checkpoint, "custom_vjp": with_rule, "custom_jvp": with_tangent, "primitive": opaque,
    "primitive with a rule": lambda f: opaque(f, vjp=lambda c, r, x: c),
    "implicit": lambda f: gj.implicit(lambda y, x: y - f(x), f),
}
ORDERS = {"C": np.copy, "F": lambda a: np.array(a, order="F"), "apart": lambda a: np.repeat(a, 2, 1)[:, ::2],
          "backwards": lambda a: a[::-1].copy()[::-1]}
MATRIX = np.arange(12.0).reshape(3, 4) / 10 + 0.1


def agree(f, make):
    """The compiled function's results, and what it leaves in its argument, are the plain one's."""
    x, y = make(), make()
    expected, got = f(x), gj.jit(f)(y)
    for a, b in zip((*expected, x), (*got, y), strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-14)


@pytest.mark.parametrize("f", [identity, reversed_rows, turned], ids=lambda f: f.__name__)
@pytest.mark.parametrize("name", WRAPPED)
@pytest.mark.parametrize("order", ORDERS)
def test_written_to_under_each_name(name, f, order):
    wrapped = WRAPPED[name](f)

    def written(x):
        r = wrapped(x)
        r[1] += 10.0
        before = x.copy()
        x[2] += 100.0
        return r + 0.0, before, x + 0.0

    agree(written, lambda: ORDERS[order](MATRIX))


@pytest.mark.parametrize("f", [identity, turned], ids=lambda f: f.__name__)
@pytest.mark.parametrize("name", WRAPPED)
@pytest.mark.parametrize("order", ORDERS)
def test_reshaped_to_a_view_or_a_copy(name, f, order):
    wrapped = WRAPPED[name](f)

    def reshaped(x):
        r = wrapped(x * 1.0)
        r.reshape(-1)[1:] += 100.0
        return r, r.ravel(order="K")

    agree(reshaped, lambda: ORDERS[order](MATRIX))


@pytest.mark.parametrize("name", ["checkpoint", "custom_vjp"])
def test_several_results_of_one_array(name):
    def split(x):
        y = x * 2.0
        return y, y[1:], y

    wrapped = gj.checkpoint(split) if name == "checkpoint" else split

    def f(x):
        a, b, c = wrapped(x)
        a[1] = 50.0
        b[1] = 60.0
        return a + 0.0, b + 0.0, c + 0.0

    agree(f, lambda: np.arange(4.0))


def test_results_that_may_share_are_not_written_to():
    wrapped = gj.checkpoint(lambda x: (lambda y: (y[1:], y[:-1]))(x * 2.0))

    def f(x):
        a, b = wrapped(x)
        a[0] = 50.0
        return a, b

    with pytest.raises(gj.TraceError, match="copy"):
        gj.jit(f)(np.arange(4.0))


def test_one_array_or_another_is_not_written_to():
    wrapped = gj.checkpoint(lambda x: x if x[0] > 0 else x * 2.0)

    def f(x):
        a = wrapped(x)
        a[0] = 50.0
        return a + x

    with pytest.raises(gj.TraceError, match="copy"):
        gj.jit(f)(np.arange(4.0))


def test_of_what_a_closure_reads():
    def f(x):
        y = x * 2.0
        z = gj.checkpoint(lambda t: y)(x)
        z[0] = 7.0
        return y, z is y

    agree(f, lambda: np.arange(4.0))


def test_a_rule_holds_for_an_argument_that_is_returned():
    clipped = gj.custom_vjp(identity)
    clipped.defvjp(lambda x: (x, None), lambda r, c: (np.clip(c, -1.0, 1.0),))

    def f(x):
        y = clipped(x)
        y[0] = 3.0 * x[1]
        return np.sum(x**2)

    x = np.array([5.0, 0.1, 0.3])
    np.testing.assert_allclose(gj.grad(f)(x), [0.0, 2.0, 0.6], rtol=1e-12)
    np.testing.assert_allclose(gj.grad(lambda x: np.sum(clipped(x)**2))(x), [1.0, 0.2, 0.6], rtol=1e-12)


def scalar(x):
    return np.sum(x**3)


DERIVED = {
    "grad": gj.grad(scalar), "hessian": gj.hessian(scalar), "jacobian": gj.jacobian(np.sin),
    "jacfwd": gj.jacfwd(turned), "jacrev": gj.jacrev(turned), "hvp": lambda x: gj.hvp(scalar)(x, x),
    "jvp": lambda x: gj.jvp(turned, (x,), (x,))[1], "value of jvp": lambda x: gj.jvp(turned, (x,), (x,))[0],
    "linearize": lambda x: gj.linearize(turned, x)[1](x), "vmap": gj.vmap(np.sin),
    "vmap of columns": gj.vmap(np.sin, 1, 1), "vmap, behind": gj.vmap(np.sin, 0, -1),
    "vmap of what is captured": lambda x: gj.vmap(lambda t: x, 0, None)(x),
    "stop_gradient": gj.stop_gradient,
}


@pytest.mark.parametrize("name", DERIVED)
@pytest.mark.parametrize("order", ORDERS)
def test_derivatives_and_batches_are_new_arrays(name, order):
    g = DERIVED[name]

    def f(x):
        r = g(x)
        r.reshape(-1)[1:] += 100.0
        return r, r.ravel(order="K")

    agree(f, lambda: ORDERS[order](MATRIX))


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("axis", [0, 1])
def test_examples_lie_as_the_rows_do(order, axis):
    a = ORDERS[order](np.arange(24.0).reshape(2, 3, 4).transpose(0, 2, 1).reshape(2, 12))
    stack = np.stack([a, a + 1.0]).transpose(1, 0, 2)

    def f(t):
        r = t.reshape(-1)
        r[1] = 50.0
        return t + 0.0

    rows = [row for row in np.moveaxis(stack.copy("K"), axis, 0)]
    expected = np.stack([f(row) for row in rows])
    np.testing.assert_array_equal(gj.vmap(f, axis)(stack.copy("K")), expected)


@pytest.mark.parametrize("order", ["C", "F"])
def test_stopped_is_a_copy(order):
    def f(x):
        known = np.zeros(3)
        a, b = gj.stop_gradient(x), gj.stop_gradient(known)
        x[0] += 1.0
        known[0] = 1.0
        return a, b, x + 0.0

    agree(f, lambda: ORDERS[order](MATRIX))


@pytest.mark.parametrize("out", [lambda w: 0.0, "float", lambda w: np.float64(0), "f64[]", lambda w: np.zeros(())])
@pytest.mark.parametrize("given", [float, np.float64, np.array], ids=lambda g: g.__name__)
def test_a_number_is_of_the_declared_kind(out, given):
    plain = gj.primitive(lambda w: given(np.sum(w)), out=out)
    ruled = gj.primitive(lambda w: given(np.sum(w)), out=out, vjp=lambda c, r, w: c + 0.0 * w)
    small = np.ones(2, np.float32)

    def f(x):
        return [v for s in (plain(x), ruled(x)) for v in (~(s >= 0.1), s * small, s)]

    for a, b in zip(f(MATRIX), gj.jit(f)(MATRIX), strict=True):
        assert np.asarray(a).dtype == np.asarray(b).dtype
        np.testing.assert_array_equal(a, b)


def test_what_is_not_declared_is_refused_outside_too():
    for found, out in ((np.zeros(2), "f64[3]"), (1j, "float"), ((1.0, 2.0), "float")):
        with pytest.raises((gj.ShapeError, gj.DtypeError)):
            gj.primitive(lambda x, found=found: found, out=out)(np.ones(3))
