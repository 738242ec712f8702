"""Sparse matrices of traced values: against SciPy, and their derivatives against finite differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.sparse as ss
import scipy.sparse.linalg as sla

import gradjit as gj

RNG = np.random.default_rng(0)
N = 6
ROW = np.array([0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5, 1, 0])
COL = np.array([0, 1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 0, 0, 0])  # one place twice
DATA = RNG.normal(size=14) + np.where(ROW == COL, 4, 0)
V, M = RNG.normal(size=N), RNG.normal(size=(N, 2))
OUTSIDE = ss.csr_matrix((np.arange(1.0, 15.0), (ROW, COL)), shape=(N, N))
COLUMNS = ss.csc_matrix(OUTSIDE + 50 * ss.eye(N))
INDPTR, INDICES = OUTSIDE.indptr.copy(), OUTSIDE.indices.copy()
BAND = ss.diags_array([np.arange(1.0, N), np.arange(2.0, N + 2)], offsets=[-1, 0])


def csr(d: Any) -> Any:
    return ss.csr_matrix((d, (ROW, COL)), shape=(N, N))


def of_diagonals(d: Any) -> Any:
    return (ss.diags(d[:N]) @ V, ss.diags([d[:N], d[1:N], d[2:N + 1]], [0, 1, -1]).toarray(),
            ss.diags_array([d[:N], d[:N - 2]], offsets=[0, 2]).sum(axis=0),
            ss.diags([d[0], d[1]], [0, 2], shape=(N, N)).toarray())


def least_squares(d: Any) -> Any:
    a = csr(d)
    return sla.spsolve((a.T @ a).tocsc(), a.T @ V)


def stiffness(d: Any) -> Any:
    """Springs in a row, assembled as finite elements are."""
    left = np.arange(N - 1)
    i = np.concatenate([left, left, left + 1, left + 1])
    j = np.concatenate([left, left + 1, left, left + 1])
    k = d[:N - 1] ** 2
    a = ss.coo_matrix((np.concatenate([k, -k, -k, k]), (i, j)), shape=(N, N)).tocsr() + ss.diags(np.full(N, 0.1))
    return sla.spsolve(a, V)


def steps(d: Any) -> Any:
    lu, x = sla.splu(csr(d).tocsc()), V
    for _ in range(3):
        x = lu.solve(x)
    return x, lu.solve(V, "T"), sla.factorized(csr(d).tocsc())(V)


FUNCTIONS: dict[str, Any] = {
    "products": lambda d: (csr(d) @ V, csr(d) @ M, V @ csr(d), M.T @ csr(d), csr(d).dot(V), csr(d).T @ V, csr(d) * V),
    "compressed": lambda d: (ss.csr_matrix((d[:13], INDICES, INDPTR)) @ V,
                             ss.csc_matrix((d[:13], INDICES, INDPTR), shape=(N, N)) @ M),
    "dense": lambda d: (ss.coo_array((d, (ROW, COL))).toarray(), ss.csr_matrix(np.outer(d[:3], d[3:6])) @ d[:3]),
    "sums": lambda d: (csr(d).sum(), csr(d).sum(axis=0), csr(d).sum(axis=1), csr(d).diagonal(), csr(d).diagonal(1),
                       csr(d).trace()),
    "arithmetic": lambda d: (2 * csr(d) + csr(d).T / 3 - OUTSIDE).toarray(),
    "sparse products": lambda d: ((csr(d).T @ csr(d)).toarray(), csr(d) @ OUTSIDE @ V, (OUTSIDE @ csr(d)) @ V),
    "formats": lambda d: (csr(d).data, csr(d).tocsc().data, csr(d).tocoo().data, csr(d).multiply(V).toarray()),
    "parts": lambda d: (csr(d)[[4, 1, 2]][:, [4, 1, 2]].toarray(), csr(d)[1:4].toarray(), csr(d)[::-1, 1:].toarray(),
                        csr(d)[:, V > 0].toarray()),
    "made inside": lambda d: ((csr(d) + 2 * ss.eye(N)).toarray(), (ss.eye(N) - csr(d)).toarray(),
                              csr(d) @ ss.eye(N, k=1) @ V, (ss.eye(N, k=1) @ csr(d)) @ V,
                              sla.spsolve(ss.diags(np.arange(1.0, N + 1)).tocsc(), d[:N])),
    "diagonals from outside": lambda d: (BAND @ d[:N], (BAND.T @ csr(d)).toarray(), (csr(d) + BAND).toarray(),
                                         ss.kron(csr(d), ss.eye(2)).toarray(), BAND.toarray() * d[0]),
    "diagonals": of_diagonals, "least squares": least_squares, "stiffness": stiffness, "steps": steps,
    "solve": lambda d: (sla.spsolve(csr(d), V), sla.spsolve(csr(d), M), sla.spsolve(COLUMNS, d[:N])),
    "iterative": lambda d: (sla.cg(csr(d).T @ csr(d), V, rtol=1e-13)[0], sla.gmres(csr(d), V, rtol=1e-13)[0],
                            sla.bicgstab(csr(d), d[:N], rtol=1e-13)[0]),
}


@pytest.mark.thinned
@pytest.mark.parametrize("f", [pytest.param(f, id=name) for name, f in FUNCTIONS.items()])
def test_values_and_gradients(f: Any) -> None:
    expected, found = f(DATA), gj.jit(f)(DATA)
    for a, b in zip(*((r if isinstance(r, tuple) else (r,)) for r in (expected, found)), strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-9, atol=1e-9)
        assert np.shape(a) == np.shape(b)

    def loss(d: Any) -> Any:
        total, made = 0.0, f(d)
        for x in made if isinstance(made, tuple) else (made,):
            total = total + np.sum(np.sin(x))
        return total

    gj.check_grads(loss, DATA)


@pytest.mark.slow
def test_second_order_and_complex_values() -> None:
    gj.check_grads(lambda d: np.sum(stiffness(d) ** 3), DATA, order=2)
    z = DATA + 1j * RNG.normal(size=14)
    f = gj.jit(lambda z: sla.spsolve(csr(z), V))
    np.testing.assert_allclose(f(z), sla.spsolve(csr(z), V))
    gj.check_grads(lambda d: np.sum(np.abs(sla.spsolve(csr(d + 1j * z.imag), V)) ** 2), DATA)


def test_new_values_at_each_call() -> None:
    f = gj.grad(lambda d: np.sum(sla.spsolve(csr(d), V)))
    for k in range(3):
        d = DATA + k
        with_steps = [(np.sum(sla.spsolve(csr(d + e), V)) - np.sum(sla.spsolve(csr(d - e), V))) / 2e-6
                      for e in 1e-6 * np.eye(14)]
        np.testing.assert_allclose(f(d), with_steps, rtol=1e-5, atol=1e-8)


def test_what_is_refused() -> None:
    with pytest.raises(gj.GradjitError, match="must be known"):
        gj.jit(lambda d: ss.csr_matrix((d, (d.astype(int), COL)), shape=(N, N)) @ V)(DATA)
    with pytest.raises(gj.UnsupportedError, match="toarray"):
        gj.jit(lambda d: csr(d)[0, 1])(DATA)
    with pytest.raises(gj.UnsupportedError, match="data of a result"):
        gj.jit(lambda d: (csr(d).T @ csr(d)).data)(DATA)
    with pytest.raises(RuntimeError, match="singular"):
        gj.jit(lambda d: sla.splu(csr(0 * d).tocsc()).solve(V))(DATA)


# from outside, and assembled ------------------------------------------------------------------------------------------
BAND = ss.diags([-1.0, 2.1, -1.0], [-1, 0, 1], shape=(N, N), format="csr")


def springs(s: Any, make: Any = ss.lil_matrix, count: int = 12) -> Any:
    K = make((count, count))
    for i in range(count - 1):
        K[i, i] += s
        K[i + 1, i + 1] += s * s
        K[i, i + 1] -= s
        K[i + 1, i] -= s
    K[0, 0] += 1
    return np.sum(sla.spsolve(K.tocsc(), np.ones(count)))


ASSEMBLED = {
    "a multiple": lambda s: np.sum(sla.spsolve((BAND * s).tocsc(), V)),
    "sums": lambda s: np.sum(((BAND + s * ss.eye(N)) @ V) ** 2) + (BAND.multiply(s) - BAND).sum(),
    "powers": lambda s: sla.norm(BAND * s) + (BAND * s).power(2).sum() + (BAND * s).multiply(BAND).sum(),
    "blocks": lambda s: np.sum(ss.vstack([BAND * s, BAND]) @ V) + np.sum(ss.kron(ss.eye(2), BAND * s) @ np.ones(2 * N)),
    "block matrix": lambda s: np.sum((ss.bmat([[BAND * s, None], [BAND, ss.eye(N)]]) @ np.arange(2.0 * N)) ** 2),
    "entry by entry": springs,
    "by a dictionary": lambda s: springs(s, ss.dok_matrix, 5),
    "eigenvalues": lambda s: np.sum(sla.eigsh(BAND * s + ss.diags(np.arange(N) * 1.0), k=2, which="SA",
                                              return_eigenvectors=False)),
    "eigenvectors": lambda s: np.sum(sla.eigsh(BAND * s + ss.diags(np.arange(N) * 1.0), k=2, sigma=1.1)[1] ** 4),
    "singular values": lambda s: np.sum(sla.svds(OUTSIDE * s, k=2, return_singular_vectors=False)),
    "exponential": lambda s: np.sum(sla.expm_multiply(BAND * (-0.1 * s), V)),
}


@pytest.mark.thinned
@pytest.mark.parametrize("name", ASSEMBLED)
def test_assembled(name: str) -> None:
    f, h = ASSEMBLED[name], 1e-5
    value, slope = gj.value_and_grad(f)(0.83)
    assert value == pytest.approx(f(0.83), rel=1e-8)
    assert slope == pytest.approx((f(0.83 + h) - f(0.83 - h)) / (2 * h), rel=1e-5, abs=1e-6)


def test_what_is_too_large_to_be_assembled() -> None:
    with pytest.raises(gj.UnsupportedError, match=r"lil_matrix of shape \(2000, 2000\) is assembled as a dense array"):
        gj.jit(lambda s: ss.lil_matrix((2000, 2000))[0, 0] + s)(1.0)


def test_a_system_of_many_equations():
    """Whose places are too many to stand in the code."""
    def chain(k, n=3000):
        a = ss.diags([2 * k * np.ones(n) + 0.1, -k * np.ones(n - 1), -k * np.ones(n - 1)], [0, 1, -1], format="csc")
        return np.sum(sla.spsolve(a, np.ones(n)))

    value, slope = gj.value_and_grad(chain)(1.3)
    assert value == pytest.approx(chain(1.3), rel=1e-10)
    assert slope == pytest.approx((chain(1.3 + 1e-4) - chain(1.3 - 1e-4)) / 2e-4, rel=1e-6)
    assert gj.jvp(chain, (1.3,), (1.0,))[1] == pytest.approx(slope, rel=1e-9)


def test_iterative_solvers_of_matrices_made_inside():
    def ridge(w):
        d = ss.diags([np.ones(N), -np.ones(N - 1)], [0, 1])
        a = ss.eye(N) + w * d.T @ d
        return sla.cg(a.tocsr(), V, rtol=1e-12)[0] @ V + sla.gmres(a.tocsr(), V, rtol=1e-12)[0][0]

    value, slope = gj.value_and_grad(ridge)(1.3)
    assert value == pytest.approx(ridge(1.3), rel=1e-9)
    assert slope == pytest.approx((ridge(1.3 + 1e-5) - ridge(1.3 - 1e-5)) / 2e-5, rel=1e-6)


# from outside, in the other formats -----------------------------------------------------------------------------------
OTHERS = ["lil_matrix", "dok_matrix", "dia_matrix", "bsr_matrix", "lil_array", "dok_array", "dia_array", "bsr_array"]


@pytest.mark.parametrize("name", OTHERS)
def test_other_formats_from_outside(name: str) -> None:
    """They are the rows that they have; a call looks whether they still have them."""
    a, x = getattr(ss, name)(np.array([[1.0, 0.0, 2.0], [0.0, 3.0, 0.0], [4.0, 0.0, 5.0]])), np.array([1.0, 2.0, 3.0])

    def f(x: Any) -> Any:
        return np.sum((a.T @ x) * (a @ x)) + np.sum(a.toarray() * x) + np.sum((a * 2).dot(x) + a.diagonal() * x)

    value_and_grad, compiled = gj.value_and_grad(f), gj.jit(f)
    for _ in range(2):
        dense = a.toarray()
        value, gradient = value_and_grad(x)
        assert np.isclose(value, f(x))
        assert np.isclose(compiled(x), f(x))
        symmetric = dense @ dense + dense.T @ dense.T
        np.testing.assert_allclose(gradient, symmetric @ x + 3 * dense.sum(0) + dense.diagonal())
        if hasattr(a, "data") and name[:3] in ("dia", "bsr"):
            a.data *= 2
        else:
            a[1, 1], a[0, 1] = 7.0, -1.0


def test_a_sparse_array_of_one_axis_from_outside() -> None:
    a = ss.coo_array(np.array([1.0, 0.0, 2.0]))
    with pytest.raises(gj.UnsupportedError, match=r"single axis of a coo_array[^$]*A.toarray\(\)"):
        gj.jit(lambda x: a @ x)(np.ones(3))
