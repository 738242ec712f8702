"""Operations on complex matrices, and the eigenvalues of general real ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gradjit.ir import OPS, Builder, Value, interleaved as c
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
        lu, pivots = b.complex_lu(a)
        return b.complex_solve(a, lu, pivots, x, adjoint=adjoint, checked=True)

    return body


def determinant(log: bool) -> Callable[..., Any]:
    def body(b: Builder, a: Value) -> Value:
        from gradjit.ir.core import Op
        lu, pivots = b.complex_lu(a)
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


def projections(b: Builder, v: c.Pair) -> Value:
    """Of eigenvectors what does not depend on their directions in the plane."""
    n = v[0].type.rank
    first = tuple(b.slice(p, starts=(0,) * n, sizes=(*p.shape[:-1], 1), steps=(1,) * n) for p in v)
    return c.joined(b, c.product(b, (first[0], first[1]), c.adjoint(b, (first[0], first[1]))))


def hermitian(lower: bool) -> Callable[..., Any]:
    def body(b: Builder, a: Value) -> tuple[Value, ...]:
        w, v = b.complex_eigh(a, lower=lower)
        return w, projections(b, c.parts(b, v))

    return body


def of_numpy(lower: bool) -> Callable[..., Any]:
    def rule(a: np.ndarray) -> Any:
        w, v = np.linalg.eigh(complex_of(a), "L" if lower else "U")
        return w, parts_of(v[..., :1] @ v[..., :1].conj().swapaxes(-1, -2))

    return rule


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


SQUARE, STACK = apart(3, 3, 2), apart(2, 2, 2, 2)
CASES = [
    Case("complex_lu", (SQUARE,), {}, None, lambda b, a: b.complex_lu(a)[0], smooth=False,
         varied=scaled),
    Case("complex_solve", (SQUARE, normal(3, 2, 2)), {}, of_parts(np.linalg.solve), solution(False), varied=scaled),
    Case("complex_solve", (STACK, normal(2, 2, 1, 2)), {},
         of_parts(lambda a, x: np.linalg.solve(a.conj().swapaxes(-1, -2), x)), solution(True), varied=scaled,
         note="adjoint"),
    Case("complex_solve", (np.zeros((0, 0, 2)), np.zeros((0, 1, 2))), {}, lambda a, x: x, solution(False),
         note="empty"),
    Case("complex_det", (SQUARE,), {}, of_parts(np.linalg.det), determinant(False), varied=scaled),
    Case("complex_det", (STACK,), {}, of_parts(logarithm), determinant(True), varied=scaled, note="logarithm"),
    Case("complex_eigh", (SQUARE,), {}, of_numpy(True), hermitian(True), rtol=1e-6, varied=scaled),
    Case("complex_eigh", (STACK,), {}, of_numpy(False), hermitian(False), rtol=1e-6, varied=scaled, note="upper"),
    Case("eigenvectors", (STACK,), {}, of_parts(lambda a: tuple(np.linalg.eig(a))), eigen, rtol=1e-6, varied=scaled),
    Case("eigenvectors", (np.diag([1.0, 3.0]) + normal(2, 2) / 9,), {}, real_reference, of_real, rtol=1e-6,
         varied=scaled),
]
COVERED = {case.op for case in CASES} | {"eigenvalues", "eig", "complex_eig"}  # with `eigenvectors`


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id, marks=[pytest.mark.slow] if case.note in (
    "logarithm", "upper") else []) for case in CASES])
def test_operation(case: Case) -> None:
    check(case)


def test_every_operation_has_a_case() -> None:
    assert {name for name, s in OPS.items() if s.family == "complex_matrices"} == COVERED
