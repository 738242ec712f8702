"""`gj.custom_vjp` and `gj.custom_jvp`: rules are used, everywhere a derivative is, and what they return is checked."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gradjit as gj
from gradjit.ir import parse, print_func, verify
from gradjit.passes import optimize

X = np.array([0.3, 1.2, -0.7])
SCALES = np.array([1.0, 2.0, 3.0])


# right rules: what plain differentiation gives ------------------------------------------------------------------------
@gj.custom_jvp
def wave(x):
    return np.sin(x) * x


@wave.defjvp
def wave_rule(primals, tangents):
    (x,), (t,) = primals, tangents
    return wave(x), (np.cos(x) * x + np.sin(x)) * t


@gj.custom_vjp
def weight(x, k):
    return np.sum(np.exp(x) * k)


def weight_fwd(x, k):
    e = np.exp(x)
    return np.sum(e * k), {"e": e, "k": k}


def weight_bwd(res, ct):
    return ct * res["e"] * res["k"], ct * np.sum(res["e"])


weight.defvjp(weight_fwd, weight_bwd)


def plain_wave(x):
    return np.sin(x) * x


def plain_weight(x, k):
    return np.sum(np.exp(x) * k)


def program(wave, weight):
    def loss(x):
        s = 0.0
        for _ in range(4):
            x = wave(x) * 0.9
            if s < 3:
                s = s + weight(x, 2.0 + x[0])
        return s + np.sum(wave(x) ** 2)

    return loss


TRANSFORMS = {
    "jit": gj.jit, "grad": gj.grad, "hessian": gj.hessian, "jacfwd": gj.jacfwd, "jacrev": gj.jacrev,
    "forward twice": lambda h: gj.jacfwd(gj.jacfwd(h)), "reverse twice": lambda h: gj.jacrev(gj.grad(h)),
    "hvp": lambda h: lambda x: gj.hvp(h)(x, x), "checkpoint": lambda h: gj.grad(gj.checkpoint(h)),
    "vmap of grad": lambda h: lambda x: gj.vmap(gj.grad(h))(np.stack([x, 2 * x])),
    "vmap of hessian": lambda h: lambda x: gj.vmap(gj.hessian(h))(np.stack([x, 0.5 * x])),
    "grad of vmap": lambda h: gj.grad(lambda x: np.sum(gj.vmap(h)(np.stack([x, 2 * x, -x])) ** 2)),
    "linearize": lambda h: lambda x: gj.linearize(h, x)[1](x + 1.0),
    "interpreted": lambda h: gj.grad(h, backend="interpreter"),
}


@pytest.mark.thinned
@pytest.mark.parametrize("name", TRANSFORMS)
def test_as_without_rules(name):
    got, expected = (TRANSFORMS[name](program(*pair))(X) for pair in ((wave, weight), (plain_wave, plain_weight)))
    np.testing.assert_allclose(got, expected, rtol=1e-9)


def test_what_examples_share_gets_the_sum():
    xs = np.stack([X, 2 * X])

    def total(weight):
        return lambda k: np.sum(gj.vmap(weight, in_axes=(0, None))(xs, k) ** 2)

    assert gj.grad(total(weight))(1.3) == pytest.approx(gj.grad(total(plain_weight))(1.3), rel=1e-12)
    assert gj.jacfwd(total(weight))(1.3) == pytest.approx(gj.grad(total(plain_weight))(1.3), rel=1e-12)


def test_outside_of_compiled_functions_it_is_the_function():
    assert type(weight(X, 2.0)) is np.float64
    np.testing.assert_array_equal(wave(X), plain_wave(X))


# rules that differ from the derivative: they are what is used ---------------------------------------------------------
def clipped(limit):
    same = gj.custom_vjp(lambda x: x * 1.0)
    same.defvjp(lambda x: (x * 1.0, None), lambda res, ct: (np.clip(ct, -limit, limit),))
    return same


def test_the_rule_is_used_in_every_mode():
    same = clipped(0.5)
    np.testing.assert_array_equal(gj.grad(lambda x: np.sum(same(x) * SCALES))(X), [0.5, 0.5, 0.5])
    triple = gj.custom_jvp(lambda x: x * 1.0, rule=lambda p, t: (p[0], 3.0 * t[0]))
    np.testing.assert_array_equal(gj.grad(lambda x: np.sum(triple(x)))(X), [3.0] * 3)
    np.testing.assert_array_equal(gj.jvp(triple, (X,), (X,))[1], 3.0 * X)
    backwards = gj.custom_vjp(lambda x: x * 1.0, fwd=lambda x: (x * 1.0, ()), bwd=lambda res, ct: ct * 5.0)
    np.testing.assert_array_equal(gj.jvp(backwards, (X,), (X,))[1], 5.0 * X)
    np.testing.assert_array_equal(gj.jacfwd(backwards)(X), 5.0 * np.eye(3))


def test_a_rule_that_reads_an_array_from_outside_is_refused():
    table = np.ones(3)
    f = gj.custom_jvp(lambda x: x * 1.0, rule=lambda p, t: (p[0], table * t[0]))
    np.testing.assert_array_equal(gj.jit(f)(X), X)
    with pytest.raises(gj.UnsupportedError, match="reads an array from outside, .*nondiff_argnums"):
        gj.grad(lambda x: np.sum(f(x)))(X)


def test_of_a_solver_only_the_fixed_point_is_differentiated():
    @gj.custom_vjp
    def root(a):
        x = 1.0 + 0.0 * a
        while np.abs(x * x - a) > 1e-13:
            x = 0.5 * (x + a / x)
        return x

    root.defvjp(lambda a: (root(a), root(a)), lambda x, ct: (ct / (2.0 * x),))
    g = gj.grad(lambda a: root(a) * 3.0)
    assert g(2.0) == pytest.approx(1.5 / np.sqrt(2.0), rel=1e-12)
    assert g.stats().specialisations[0].kept_bytes in (0, None)
    assert gj.grad(gj.grad(root))(2.0) == pytest.approx(-0.25 * 2.0 ** -1.5, rel=1e-10)


# arguments and results ------------------------------------------------------------------------------------------------
def test_static_arguments_and_those_that_are_not_differentiated():
    @gj.custom_vjp(nondiff_argnums=(0, 2))
    def power(n, x, table):
        return x ** n * table

    def bwd(n, table, x, ct):
        assert type(n) is int
        return (10.0 * n * ct * x ** (n - 1) * table,)

    power.defvjp(lambda n, x, table: (power(n, x, table), x), bwd)
    got = gj.grad(lambda x, table: np.sum(power(3, x, table)))(X, SCALES)
    np.testing.assert_allclose(got, 30.0 * X ** 2 * SCALES)
    with pytest.raises(gj.DifferentiationError, match=r"(?s)power with respect to table.*nondiff_argnums"):
        gj.grad(lambda x, table: np.sum(power(3, x, table)), argnums=1)(X, SCALES)


def test_containers_integers_and_repeated_results():
    @gj.custom_vjp
    def f(p, k):
        y = p["a"] * p["b"]
        return {"y": y, "again": y, "k": k + 1, "n": 3}

    def bwd(p, ct):
        total = ct["y"] + ct["again"]
        return {"a": total * p["b"], "b": np.sum(total * p["a"])}, None

    f.defvjp(lambda p, k: (f(p, k), p), bwd)

    def loss(p, k):
        r = f(p, k)
        return np.sum(r["y"] ** 2) + np.sum(r["again"] * SCALES) + r["n"]

    p = {"a": X, "b": 2.0}
    got = gj.grad(loss)(p, np.arange(3))
    expected = gj.grad(lambda p, k: np.sum((p["a"] * p["b"]) ** 2) + np.sum(p["a"] * p["b"] * SCALES))(p, 0)
    np.testing.assert_allclose(got["a"], expected["a"])
    np.testing.assert_allclose(got["b"], expected["b"])


def test_float32():
    half = gj.custom_jvp(lambda x: x * 1, rule=lambda p, t: (p[0], t[0] / 2))
    g = gj.grad(lambda x: np.sum(half(x)))(X.astype(np.float32))
    assert g.dtype == np.float32 and (g == 0.5).all()


def test_in_the_ir_it_is_an_operation_that_dissolves():
    func = gj.trace(program(wave, weight), X)
    verify(func)
    text = print_func(func)
    assert " = custom " in text and "wave_rule" in text
    (again,) = parse(text).funcs.values()
    assert print_func(again) == text
    assert " = custom " not in print_func(optimize(func, verify=True))


# errors ---------------------------------------------------------------------------------------------------------------
def vjp_of(bwd, fwd=lambda x, y: (x * y, (x, y))):
    return gj.custom_vjp(lambda x, y: x * y, fwd=fwd, bwd=bwd)


def bad_shape(res, ct):
    return np.sum(ct), ct


def bad_dtype(res, ct):
    return ct.astype(np.float32), ct


def too_few(res, ct):
    return (ct,)


def no_pair(x, y):
    return x * y


def other_result(x, y):
    return np.sum(x * y), ()


def bad_tangent(primals, tangents):
    return primals[0] * primals[1], tangents[0][:2]


ERRORS = [
    (vjp_of(bad_shape), r"bad_shape, the rule of <lambda>, returned f64\[\] as the cotangent of x, which is f64\[3\]"),
    (vjp_of(bad_dtype), r"bad_dtype.*returned f32\[3\] as the cotangent of x, which is f64\[3\]; convert"),
    (vjp_of(too_few), r"too_few.*a cotangent for each of 2 arguments, and returned 1"),
    (vjp_of(bad_shape, no_pair), r"no_pair of <lambda> must return \(result, residuals\)"),
    (vjp_of(bad_shape, other_result), r"other_result of <lambda> gives f64\[\] as result, <lambda> gives f64\[3\]"),
    (gj.custom_jvp(lambda x, y: x * y, rule=bad_tangent), r"bad_tangent.*f64\[2\] as the tangent of the result"),
    (gj.custom_vjp(no_pair), r"no_pair is a gj.custom_vjp without a rule; define it by no_pair.defvjp\(fwd, bwd\)"),
]


@pytest.mark.parametrize("k", range(len(ERRORS)))
def test_errors_name_the_rule_and_its_line(k):
    f, message = ERRORS[k]
    with pytest.raises(gj.DifferentiationError, match=r"(?s)" + message + r".*test_custom_rules.py\", line \d+"):
        gj.grad(lambda x: np.sum(f(x, X)))(X)


def test_a_value_from_outside_that_is_differentiated_is_refused():
    def loss(x):
        s = np.sum(x)
        f = gj.custom_jvp(lambda y: y * s, rule=lambda p, t: (p[0], t[0]))
        return np.sum(f(x))

    with pytest.raises(gj.DifferentiationError, match="reads from outside a value"):
        gj.grad(loss)(X)


def test_writes_are_refused():
    def shift(x):
        x[0] = 1.0
        return x

    with pytest.raises(gj.UnsupportedError, match="writes to the argument x"):
        gj.jit(gj.custom_jvp(shift, rule=lambda p, t: (p[0], t[0])))(X.copy())


@pytest.mark.parametrize("call", [
    lambda: gj.custom_vjp(plain_wave, fwd=weight_fwd), lambda: gj.custom_vjp(3), lambda: wave.defjvp(1),
    lambda: gj.custom_jvp(plain_wave, nondiff_argnums=("x",)), lambda: weight.defvjp(weight_fwd),
])
def test_wrong_definitions(call):
    with pytest.raises(TypeError, match=r"gj\.custom|takes|nondiff"):
        call()


def test_a_rule_that_is_given_anew_counts_from_then_on() -> None:
    @gj.custom_vjp
    def pulled(x: Any) -> Any:
        return np.sin(x)

    @gj.custom_jvp
    def pushed(x: Any) -> Any:
        return np.sin(x)

    pulled.defvjp(lambda x: (np.sin(x), None), lambda r, ct: (ct * 10.0,))
    pushed.defjvp(lambda p, t: (np.sin(p[0]), t[0] * 3.0))
    slope = gj.grad(lambda x: pulled(x) + pushed(x))
    inner = gj.jit(lambda x: slope(x) * 2.0)
    assert (slope(1.0), inner(1.0)) == (13.0, 26.0)
    pulled.defvjp(lambda x: (np.sin(x), None), lambda r, ct: (ct * 20.0,))
    assert (slope(1.0), inner(1.0)) == (23.0, 46.0)
    pushed.defjvp(lambda p, t: (np.sin(p[0]), t[0] * 5.0))
    assert (slope(1.0), inner(1.0)) == (25.0, 50.0)
