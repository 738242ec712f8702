"""Schur's and Hessenberg's form, L D L^T, QR with pivots: values against SciPy, derivatives against differences and
each other."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg as sl

import gradjit as gj

RNG = np.random.default_rng(0)
A, MOVE, W = (RNG.normal(size=(4, 4)) for _ in range(3))
Z, TALL = A + 1j * RNG.normal(size=(4, 4)), RNG.normal(size=(5, 3))
REAL = np.diag([1.0, 2, 3.5, 5]) + 0.2 * A
SYMMETRIC, POSITIVE, BOTH = A + A.T, A @ A.T + np.eye(4), 0.1 * (MOVE + MOVE.T)
BLOCKS = np.array([[0, 1.0, 0.2, 0.1], [1, 0, 0.3, 0.2], [0.2, 0.3, 0, 2], [0.1, 0.2, 2, 0.1]])


def weighed(parts):
    """Parts of a factorisation as a number, of complex ones what their phases do not change."""
    return sum(np.sum((np.abs(p) if np.iscomplexobj(p) else p) * (np.abs(W) + 0.1)[:p.shape[0], :p.shape[1]])
               for p in parts)


CASES = {
    "schur": lambda s: weighed(sl.schur(REAL + 0.1 * s * MOVE)),
    "schur, complex output": lambda s: weighed(sl.schur(A * s + MOVE, output="complex")),
    "schur, complex": lambda s: weighed(sl.schur(Z * s + MOVE)),
    "schur, two rows": lambda s: weighed(sl.schur(REAL[:2, :2] * s + np.diag([1.0, 3]))),
    "hessenberg": lambda s: weighed(sl.hessenberg(A + s * MOVE, calc_q=True)),
    "hessenberg, two rows": lambda s: weighed([sl.hessenberg(A[:2, :2] * s)]),
    "ldl": lambda s: weighed(sl.ldl(POSITIVE + s * BOTH)[:2]),
    "ldl, indefinite": lambda s: weighed(sl.ldl(SYMMETRIC * s + BOTH)[:2]),
    "ldl, blocks": lambda s: weighed(sl.ldl(BLOCKS * s + 0.3 * BOTH)[:2]),
    "ldl, upper": lambda s: weighed(sl.ldl(SYMMETRIC * s + BOTH, lower=False)[:2]),
    "ldl, complex": lambda s: weighed(sl.ldl(Z @ Z.conj().T * s + np.eye(4))[:2]),
    "qr, pivots": lambda s: weighed(sl.qr(A + s * MOVE, pivoting=True)[:2]) + sl.qr(A, pivoting=True)[2][0] * s,
    "qr, pivots, economic": lambda s: weighed(sl.qr(TALL[:4] * [1, s, 2], pivoting=True, mode="economic")[:2]),
    "qr, pivots, r": lambda s: weighed(sl.qr(Z * s + MOVE, pivoting=True, mode="r")[:1]),
}


@pytest.mark.thinned
@pytest.mark.parametrize("name", CASES)
def test_case(name):
    f, h = CASES[name], 1e-6
    value, slope = gj.value_and_grad(f)(0.83)
    assert value == pytest.approx(f(0.83))
    assert slope == pytest.approx((f(0.83 + h) - f(0.83 - h)) / (2 * h), rel=1e-5, abs=1e-7)
    assert gj.jvp(f, (0.83,), (1.0,))[1] == pytest.approx(slope, rel=1e-9)


@pytest.mark.parametrize("name", ["schur", "hessenberg", "ldl, indefinite"])
def test_second_order(name):
    f, h = CASES[name], 1e-4
    slope = gj.grad(f)
    assert gj.grad(slope)(0.83) == pytest.approx((slope(0.83 + h) - slope(0.83 - h)) / (2 * h), rel=1e-5)


def test_what_is_refused():
    turning = np.array([[0.0, -1.0], [1.0, 0.0]])
    assert weighed(gj.jit(lambda a: sl.schur(a))(turning)) == pytest.approx(weighed(sl.schur(turning)))
    with pytest.raises(ValueError, match="complex eigenvalues has no derivative here; write schur"):
        gj.grad(lambda s: np.sum(sl.schur(turning * s)[0]))(1.0)
    with pytest.raises(gj.UnsupportedError, match="schur of a traced matrix does not take sort="):
        gj.jit(lambda a: sl.schur(a, sort="lhp")[0])(A)
