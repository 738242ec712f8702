"""scipy.sparse.linalg.LinearOperator inside compiled functions: iterative solvers without a matrix, and gradients."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse.linalg as sla

import gradjit as gj

B = np.array([1.0, 2.0, 3.0])
OUTSIDE = sla.LinearOperator((3, 3), matvec=lambda v: 2 * v + np.roll(v, 1) * 0.3)


def symmetric(k):
    a = sla.LinearOperator((3, 3), matvec=lambda v: k * v + np.roll(v, 1) * 0.3 + np.roll(v, -1) * 0.3)
    return sla.cg(a, B * k**2, rtol=1e-12)[0]


def skew(k):
    a = sla.LinearOperator((3, 3), matvec=lambda v: k * v + np.roll(v, 1) * 0.3 * B + np.roll(v, -1) * 0.2, dtype=float)
    return sla.gmres(a, B, rtol=1e-12)[0]


def of_a_matrix(k):
    a = sla.aslinearoperator(k * np.diag(B) + 0.1)
    x, info = sla.bicgstab(a, B, rtol=1e-12)
    return x + info


def from_outside(k):
    return sla.gmres(OUTSIDE, B * k**2, rtol=1e-12)[0]


def preconditioned(k):
    a = sla.LinearOperator((3, 3), matvec=lambda v: k * v + np.roll(v, 1) * 0.3 + np.roll(v, -1) * 0.3,
                           rmatvec=lambda v: k * v + np.roll(v, -1) * 0.3 + np.roll(v, 1) * 0.3)
    return sla.cg(a, B, rtol=1e-12, M=np.diag([0.5, 0.4, 0.5]))[0]


def products(k):
    a = sla.LinearOperator((3, 3), matvec=lambda v: k * v + np.roll(v, 1) * 0.3,
                           rmatvec=lambda v: k * v + np.roll(v, -1) * 0.3)
    columns = a.matmat(B[:, None])[:, 0]
    return a @ B + 2 * a.matvec(B) + 3 * a.rmatvec(B) + a.T @ B + (2 * a + a) @ B + (a @ a) @ B + columns


@pytest.mark.parametrize("f", [symmetric, skew, of_a_matrix, from_outside, preconditioned, products])
def test_values_and_derivatives(f):
    total = lambda k: np.sum(f(k) * B)
    np.testing.assert_allclose(gj.jit(f)(2.0), f(2.0), rtol=1e-12)
    slope = gj.grad(total)
    assert slope(2.0) == pytest.approx((total(2 + 1e-5) - total(2 - 1e-5)) / 2e-5, rel=1e-6, abs=1e-8)
    assert gj.grad(slope)(2.0) == pytest.approx((slope(2 + 1e-5) - slope(2 - 1e-5)) / 2e-5, rel=1e-6, abs=1e-8)
    assert gj.jvp(total, (2.0,), (1.0,))[1] == pytest.approx(slope(2.0), rel=1e-9)


def test_a_batch_and_the_transposed_product():
    batch = gj.vmap(symmetric)(np.array([2.0, 3.0]))
    np.testing.assert_allclose(batch, [symmetric(2.0), symmetric(3.0)], rtol=1e-9)
    turned = gj.jit(lambda k: sla.LinearOperator((3, 3), matvec=lambda v: k * np.roll(v, 1)).rmatvec(B))(2.0)
    np.testing.assert_array_equal(turned, 2 * np.roll(B, -1))


@pytest.mark.parametrize("f, kind, match", [
    (lambda k: sla.cg(sla.LinearOperator((3, 3), matvec=lambda v: k * v), B[:2])[0], gj.ShapeError, "an operator of"),
    (lambda k: sla.LinearOperator((3, 3), matvec=lambda v: k * v, dtype=complex) @ B, gj.UnsupportedError, "complex"),
    (lambda k: sla.LinearOperator((3, 3), matvec=lambda v: k * v) @ B[:2], gj.ShapeError, "of 3 columns"),
])
def test_what_is_refused(f, kind, match):
    with pytest.raises(kind, match=match):
        gj.jit(f)(2.0)
