"""Which derivatives may be infinite: where a zero is not as good as an absent cotangent (passes/activity.py)."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import scipy.linalg

import gradjit as gj
from gradjit.ir import F64, OPS, ArrayType, Builder, Func, Slope, Value, interpret, type_of
from gradjit.ir.builder import build
from gradjit.passes.partials import elementwise, special
from gradjit.passes.vjp import LOCAL, gradient, reverse

POINTS = (0.0, 1.0, -1.0, 2.0, -3.0, 0.5, 1e4, -1e4)
SMOOTH = sorted(set(elementwise.PARTIALS) | set(special.PARTIALS))


def slopes(op: str) -> list[tuple[float, float]]:
    """The results at finite points with the derivatives there, with regard to each operand."""
    spec = OPS[op]
    attrs = {"order": 1} if op == "polygamma" else {}
    assert spec.arity is not None

    def body(b: Builder, *params: Value) -> list[Value]:
        return [b.emit(op, *params, **attrs)]  # type: ignore[list-item]

    f = gradient(build(op, [ArrayType(F64)] * spec.arity, body), range(spec.arity))
    with np.errstate(all="ignore"):
        found = [interpret(f, [np.asarray(v) for v in at]) for at in itertools.product(POINTS, repeat=spec.arity)]
    return [(float(y), float(g)) for y, *gradient in found for g in gradient]


@pytest.mark.parametrize("op", SMOOTH)
def test_the_slopes_of_pointwise_operations(op: str) -> None:
    infinite = [y for y, g in slopes(op) if not np.isfinite(g)]
    assert bool(infinite) == (OPS[op].slope is not Slope.FINITE), f"{op}: slope"
    assert any(map(np.isfinite, infinite)) == (OPS[op].slope is Slope.STEEP), f"{op}: slope"


# matrices -------------------------------------------------------------------------------------------------------------
EYE, PIVOTS = np.eye(2), np.array([1, 2], np.int32)


def interleaved(a: np.ndarray) -> np.ndarray:
    return np.stack([a, np.zeros_like(a)], -1)


WITH_TWINS: dict[str, tuple[dict[str, Any], tuple[np.ndarray, ...]]] = {
    "cholesky": ({}, (EYE,)),
    "triangular_solve": ({"lower": True, "trans": False, "unit": False, "checked": False}, (EYE, EYE)),
    "lu": ({}, (EYE,)),
    "lu_solve": ({"trans": False, "checked": False}, (EYE, EYE, PIVOTS, EYE)),
    "det": ({"log": True}, (np.array(1.0), EYE, EYE, PIVOTS)),
    "eigh": ({"lower": True}, (EYE,)),
    "svd": ({"full": False, "wide": True}, (EYE,)),
    "qr": ({"full": False, "wide": True}, (EYE,)),
    "pinv": ({}, (EYE, EYE)), "sqrtm": ({}, (EYE, EYE)), "sylvester": ({}, (EYE, EYE, EYE)),
}
"""Operations on real matrices that complex ones have as well."""
MATRICES: dict[str, tuple[dict[str, Any], tuple[np.ndarray, ...]]] = {
    **WITH_TWINS,
    **{f"complex_{name}": ({"adjoint" if k == "trans" else k: v for k, v in attrs.items()},
                           tuple(interleaved(a) if a.dtype == float else a for a in args))
       for name, (attrs, args) in {**WITH_TWINS, "solve": WITH_TWINS["lu_solve"]}.items() if name != "lu_solve"},
    "cholesky_cotangent": ({}, (EYE, EYE)),
    "eigenvalues": ({}, (np.ones((2, 2)), EYE, interleaved(EYE))),
    "eigenvectors": ({}, (interleaved(EYE), EYE, np.ones((2, 2)))),
}
"""Attributes and operands, for each operation on matrices that has a derivative."""


def is_regular(func: Func, args: Sequence[np.ndarray]) -> bool:
    try:
        return all(np.all(np.isfinite(r)) for r in interpret(func, args))
    except np.linalg.LinAlgError:
        return False


def derivatives_are_finite(op: str) -> bool:
    """Where the operation does not fail: at zeros, ones, twos, which have rank 1, and unit matrices."""
    attrs, args = MATRICES[op]
    func = build(op, [type_of(a) for a in args], lambda b, *params: b.append(op, params, attrs).results)
    wrt = [k for k, a in enumerate(args) if a.dtype == float]
    for value in (0.0, 1.0, 2.0, None):
        at = [a if value is None or a.dtype != float else np.full_like(a, value) for a in args]
        try:
            results = interpret(func, at)
        except np.linalg.LinAlgError:
            continue
        cts = [np.ones(r.shape) for r in results if r.dtype == float]
        with np.errstate(all="ignore"):
            if not is_regular(func_of_gradients(func, wrt), [*at, *cts]):
                return False
    return True


def func_of_gradients(func: Func, wrt: Sequence[int]) -> Func:
    """The cotangents alone."""
    back = reverse(func, wrt)
    back.body.results = back.results[-len(wrt):]
    return back


@pytest.mark.parametrize("op", sorted(MATRICES))
def test_the_slopes_of_operations_on_matrices(op: str) -> None:
    assert derivatives_are_finite(op) == (OPS[op].slope is Slope.FINITE), f"{op}: slope"


def test_all_operations_are_tried() -> None:
    """The others' derivatives move elements, or multiply by operands."""
    others = {op for op in LOCAL if not OPS[op].pointwise and not OPS[op].matrix}
    assert all(OPS[op].slope is Slope.FINITE for op in others)
    assert {op for op in LOCAL if OPS[op].matrix} == set(MATRICES)
    assert {op for op in LOCAL if OPS[op].pointwise} <= {*SMOOTH, "select", "cast", "special_call"}


@pytest.mark.parametrize("scale", [1.0, 1.0 + 0.5j])
@pytest.mark.parametrize("factored", [lambda a: scipy.linalg.lu_factor(a)[0], lambda a: np.linalg.qr(a)[1]],
                         ids=["lu", "qr"])
def test_what_does_not_flow_meets_no_infinite_derivative_of_a_matrix(factored: Any, scale: complex) -> None:
    """Of several results, too, and where it would be an error; matrix by matrix of a stack."""
    def f(x):
        factors = factored(x * scale)
        return np.sum(x) + np.sum(np.where(np.array([[[False]], [[True]]]), np.abs(factors) ** 2, 0.0))

    regular = np.array([[3.0, 1.0], [1.0, 2.0]])
    x = np.stack([np.zeros((2, 2)), regular])
    found = gj.grad(f)(x)
    alone = gj.grad(lambda y: f(np.stack([regular, y])))(regular)
    np.testing.assert_allclose(found, [np.ones((2, 2)), alone], rtol=1e-12)

    def branch(x):
        return np.sum(np.abs(factored(x * scale)) ** 2) if x[0, 0] > 0.5 else np.sum(x)

    np.testing.assert_array_equal(gj.grad(lambda x: np.sum(x) + branch(x))(np.zeros((2, 2))), np.full((2, 2), 2.0))
