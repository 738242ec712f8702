"""Operations on complex matrices, and the eigenvalues of general real ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.linalg as sl

from gradjit.ir import OPS, Builder, Value, interleaved as c, matrices as m
from gradjit.ir.ops.complex_matrices import complex_of, parts_of
from tests.ops.harness import Case, check

RNG = np.random.default_rng(5)


def normal(*shape: int) -> np.ndarray:
    return np.asarray(RNG.standard_normal(shape))


def scaled(a: np.ndarray, by: int) -> np.ndarray:
    """Other data of the same kind."""
    return a * (1 + by)


def apart(*shape: int) -> np.ndarray:
    """Complex matrices whose eigenvalues are far from each other and from 0."""
    n = shape[-2]
    return normal(*shape) / 3 + np.diag(np.arange(1.0, n + 1))[..., np.newaxis]


def of_parts(f: Callable[..., Any]) -> Callable[..., Any]:
    def rule(*arrays: np.ndarray) -> Any:
        found = f(*map(complex_of, arrays))
        return tuple(map(parts_of, found)) if isinstance(found, tuple) else parts_of(found)

    return rule


def solution(adjoint: bool) -> Callable[..., Any]:
    def body(b: Builder, a: Value, x: Value) -> Value:
        lu, pivots, _ = b.complex_lu(a)
        return b.complex_solve(a, lu, pivots, x, adjoint=adjoint, checked=True)

    return body


def determinant(log: bool) -> Callable[..., Any]:
    def body(b: Builder, a: Value) -> Value:
        from gradjit.ir.core import Op
        lu, pivots, _ = b.complex_lu(a)
        zero = b.zeros(c.column_sums(b, c.column_sums(b, a)).type)
        fake = Op("complex_det", (zero, a, lu, pivots), {"log": False}, (zero.type,))
        _, d = c.regular(b, fake)
        size = b.hypot(*d)
        axes = (size.type.rank - 1,)
        length, angle = b.prod(size, axes=axes), b.sum(b.arctan2(d[1], d[0]), axes=axes)
        made = (b.log(length), angle) if log else (b.mul(length, b.cos(angle)), b.mul(length, b.sin(angle)))
        return b.complex_det(c.joined(b, made), a, lu, pivots, log=log)

    return body


def logarithm(a: np.ndarray) -> np.ndarray:
    sign, log = np.linalg.slogdet(a)
    return np.asarray(log + 1j * np.angle(sign))


def of_numpy(lower: bool) -> Callable[..., Any]:
    def rule(a: np.ndarray) -> Any:
        w, v = np.linalg.eigh(complex_of(a), "L" if lower else "U")
        return w, parts_of(v)

    return rule


def of_svd(full: bool) -> Callable[..., Any]:
    def rule(a: np.ndarray) -> Any:
        u, s, vt = np.linalg.svd(complex_of(a), full)
        return parts_of(u), s, parts_of(vt)

    return rule


def of_qr(mode: Any) -> Callable[..., Any]:
    return of_parts(lambda a: tuple(np.linalg.qr(a, mode)))


def projections(b: Builder, a: Value, name: str, wide: bool) -> tuple[Value, ...]:
    """Of full factors what does not depend on which other columns were chosen: the projection on these."""
    found = b.append(name, (a,), {"full": True, "wide": wide}).results
    z = c.parts(b, found[0]) if name == "complex_qr" or not wide else c.adjoint(b, c.parts(b, found[2]))
    few = min(a.shape[-3:-1])
    rest = c.each(m.window, b, z, -1, few, z[0].shape[-1] - few)
    return (c.joined(b, c.product(b, rest, c.adjoint(b, rest))),)


def projection(a: np.ndarray) -> np.ndarray:
    """On all that stands at right angles to the columns of a tall matrix, or to the rows of a wide one."""
    z = complex_of(a)
    tall = z if z.shape[-2] > z.shape[-1] else z.conj().swapaxes(-1, -2)
    return parts_of(np.eye(tall.shape[-2]) - tall @ np.linalg.pinv(tall))


def pseudo_inverse(b: Builder, a: Value) -> Value:
    """By the singular values, whose own derivatives are left out."""
    wide = a.shape[-3] <= a.shape[-2]
    u, s, vt = (b.stop_gradient(x) for x in b.append("complex_svd", (a,), {"full": False, "wide": wide}).results)
    v, back = c.adjoint(b, c.parts(b, vt)), c.adjoint(b, c.parts(b, u))
    over = m.rows_of(b, b.div(b.like(1, s), s), v[0])
    return b.complex_pinv(c.joined(b, c.product(b, c.scale(b, v, over), back)), a)


def eigen(b: Builder, a: Value) -> tuple[Value, ...]:
    w, v = b.complex_eig(a)
    vectors = b.eigenvectors(v, a, w)
    return b.eigenvalues(w, a, vectors), vectors


def of_real(b: Builder, a: Value) -> tuple[Value, ...]:
    """Of a real matrix whose eigenvalues are real."""
    re, im, v = b.eig(a)
    w, packed = c.joined(b, (re, im)), c.joined(b, c.real(b, v))
    vectors = b.eigenvectors(packed, a, w)
    return b.eigenvalues(w, a, vectors), vectors


def real_reference(a: np.ndarray) -> Any:
    return tuple(parts_of(z + 0j) for z in np.linalg.eig(a))


def positive(*shape: int) -> np.ndarray:
    """Hermitian matrices with positive eigenvalues."""
    z = complex_of(normal(*shape))
    return parts_of(z @ z.conj().swapaxes(-1, -2) + np.eye(shape[-2]))


SQUARE, STACK = apart(3, 3, 2), apart(2, 2, 2, 2)
TALL, WIDE = normal(4, 2, 2), normal(2, 3, 2)
REDUCED, FULL = {"full": False, "wide": False}, {"full": True, "wide": False}
TRIANGLE = {"lower": True, "adjoint": False, "unit": False, "checked": True}
CASES = [
    Case("complex_cholesky", (positive(3, 3, 2),), {}, of_parts(np.linalg.cholesky), varied=scaled),
    Case("complex_cholesky", (positive(2, 1, 1, 2),), {}, of_parts(np.linalg.cholesky), varied=scaled),
    Case("complex_cholesky", (positive(5, 5, 2),), {}, of_parts(np.linalg.cholesky), varied=scaled, second=False),
    Case("complex_triangular_solve", (SQUARE, normal(3, 2, 2)), TRIANGLE,
         of_parts(lambda a, x: np.linalg.solve(np.tril(a), x)), varied=scaled),
    Case("complex_triangular_solve", (STACK, normal(2, 2, 1, 2)), {**TRIANGLE, "lower": False, "adjoint": True},
         of_parts(lambda a, x: np.linalg.solve(np.triu(a).conj().swapaxes(-1, -2), x)), varied=scaled, note="adjoint"),
    Case("complex_triangular_solve", (SQUARE, normal(3, 1, 2)), {**TRIANGLE, "unit": True},
         of_parts(lambda a, x: np.linalg.solve(np.tril(a, -1) + np.eye(3), x)), varied=scaled, note="unit"),
    Case("complex_qr", (SQUARE,), REDUCED, of_qr("reduced"), rtol=1e-6, varied=scaled),
    Case("complex_qr", (TALL,), REDUCED, of_qr("reduced"), rtol=1e-6, varied=scaled),
    Case("complex_qr", (normal(2, 2, 3, 2),), {"full": False, "wide": True}, of_qr("reduced"), rtol=1e-6,
         varied=scaled, note="wide"),
    Case("complex_qr", (normal(3, 2, 2),), {}, projection, lambda b, a: projections(b, a, "complex_qr", False),
         rtol=1e-6, varied=scaled, second=False, note="full"),
    Case("complex_svd", (SQUARE,), REDUCED, of_svd(False), rtol=1e-6, varied=scaled),
    Case("complex_svd", (TALL,), REDUCED, of_svd(False), rtol=1e-6, varied=scaled, second=False),
    Case("complex_svd", (normal(2, 2, 3, 2),), {"full": False, "wide": True}, of_svd(False), rtol=1e-6, varied=scaled,
         note="wide"),
    Case("complex_svd", (normal(1, 1, 2),), REDUCED, of_svd(False), varied=scaled),
    Case("complex_svd", (normal(3, 2, 2),), {}, projection, lambda b, a: projections(b, a, "complex_svd", False),
         rtol=1e-6, varied=scaled, second=False, note="full"),
    Case("complex_svd", (WIDE,), {}, projection, lambda b, a: projections(b, a, "complex_svd", True),
         rtol=1e-6, varied=scaled, second=False, note="full"),
    Case("complex_pinv", (TALL,), {}, of_parts(np.linalg.pinv), pseudo_inverse, rtol=1e-6, varied=scaled),
    Case("complex_pinv", (normal(2, 2, 3, 2),), {}, of_parts(np.linalg.pinv), pseudo_inverse, rtol=1e-6,
         varied=scaled, second=False),
    Case("complex_sylvester", (SQUARE, apart(2, 2, 2), normal(3, 2, 2)), {}, of_parts(sl.solve_sylvester),
         varied=scaled, second=False),
    Case("complex_lu", (SQUARE,), {}, None, lambda b, a: b.complex_lu(a)[0], varied=scaled),
    Case("complex_lu", (STACK[..., ::-1, :],), {}, None, lambda b, a: b.complex_lu(a)[0], varied=scaled, second=False),
    Case("complex_solve", (SQUARE, normal(3, 2, 2)), {}, of_parts(np.linalg.solve), solution(False), varied=scaled),
    Case("complex_solve", (STACK, normal(2, 2, 1, 2)), {},
         of_parts(lambda a, x: np.linalg.solve(a.conj().swapaxes(-1, -2), x)), solution(True), varied=scaled,
         note="adjoint"),
    Case("complex_solve", (np.zeros((0, 0, 2)), np.zeros((0, 1, 2))), {}, lambda a, x: x, solution(False),
         note="empty"),
    Case("complex_det", (SQUARE,), {}, of_parts(np.linalg.det), determinant(False), varied=scaled),
    Case("complex_det", (STACK,), {}, of_parts(logarithm), determinant(True), varied=scaled, note="logarithm"),
    Case("complex_eigh", (SQUARE,), {"lower": True}, of_numpy(True), rtol=1e-6, varied=scaled),
    Case("complex_eigh", (STACK,), {"lower": False}, of_numpy(False), rtol=1e-6, varied=scaled, note="upper"),
    Case("eigenvectors", (STACK,), {}, of_parts(lambda a: tuple(np.linalg.eig(a))), eigen, rtol=1e-6, varied=scaled),
    Case("eigenvectors", (np.diag([1.0, 3.0]) + normal(2, 2) / 9,), {}, real_reference, of_real, rtol=1e-6,
         varied=scaled),
]
COVERED = {case.op for case in CASES} | {"eigenvalues", "eig", "complex_eig"}  # with `eigenvectors`
COVERED.add("complex_sqrtm")  # scipy.linalg.sqrtm


@pytest.mark.thinned
@pytest.mark.parametrize("case", [pytest.param(case, id=case.id, marks=[pytest.mark.slow] if case.note in (
    "logarithm",) else []) for case in CASES])
def test_operation(case: Case) -> None:
    check(case)


def test_every_operation_has_a_case() -> None:
    assert {name for name, s in OPS.items() if s.family == "complex_matrices"} == COVERED
