"""np.linalg's functions of complex matrices, eigenvalues of general ones, roots of polynomials: values against NumPy,
gradients against differences and forward mode, second order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.linalg as sl

import gradjit as gj

RNG = np.random.default_rng(2)
L = np.linalg


def normal(*shape: int) -> Any:
    return RNG.normal(size=shape) + 1j * RNG.normal(size=shape)


Z, S, B = normal(4, 4) + 2 * np.eye(4), RNG.normal(size=(4, 4)), normal(4, 3)
STACK, H, C = normal(2, 4, 4), Z + Z.conj().T, RNG.normal(size=5)
Call = Callable[..., Any]


def first_projection(v: Any) -> Any:
    return v[..., :1] @ np.conj(np.swapaxes(v[..., :1], -1, -2))


CALLS: dict[str, tuple[Call, tuple[Any, ...]]] = {
    "solve": (lambda a, b: L.solve(a, b), (Z, B)), "real right-hand side": (lambda a, b: L.solve(a, b.real), (Z, B)),
    "vector": (lambda a, b: L.solve(a, b[:, 0]), (Z, B)), "real matrix": (lambda a, b: L.solve(a, b), (S, B)),
    "inv": (lambda a: L.inv(a), (STACK,)), "det": (lambda a: L.det(a), (STACK,)), "small": (lambda a: L.det(a[:3, :3]),
                                                                                             (Z,)),
    "direction": (lambda a: L.slogdet(a)[0], (Z,)), "logarithm": (lambda a: L.slogdet(a)[1], (STACK,)),
    "power": (lambda a: L.matrix_power(a, -2), (Z,)), "tensorinv": (lambda a: L.tensorinv(a.reshape(2, 2, 4), 2), (Z,)),
    "eigh": (lambda a: L.eigh(a)[0], (H,)), "eigvalsh": (lambda a: L.eigvalsh(a, "U"), (Z,)),
    "projection": (lambda a: first_projection(L.eigh(a)[1]), (H,)),
    "eigenvalues of a real one": (lambda a: L.eigvals(a), (S,)), "eigenvectors": (lambda a: L.eig(a)[1], (S,)),
    "a stack of real ones": (lambda a: np.abs(L.eig(a)[1]), (np.stack([S, S.T]),)),
    "complex": (lambda a: L.eig(a)[1], (Z,)),
    "complex eigenvalues": (lambda a: L.eig(a)[0], (STACK,)), "roots": (lambda c: np.roots(c), (C,)),
    "complex roots": (lambda c: np.roots(c), (B[0],)),
    "polyroots": (lambda c: np.polynomial.Polynomial(c).roots(), (C,)),
    "scipy": (lambda a, b: sl.solve(a, b), (Z, B)), "scipy eigvals": (lambda a: sl.eigvals(a, S), (Z,)),
    "scipy eigh": (lambda a: sl.eigh(a, eigvals_only=True), (H,)), "scipy det": (lambda a: sl.det(a), (STACK,)),
    "scipy eig": (lambda a: sl.eig(a)[1], (S.T,)),
}
ONCE = {"solve", "det", "projection", "complex"}
"""Whose derivatives are tried each time; those of the others where there is time."""


def test_values() -> None:
    """All in one kernel."""
    found = gj.jit(lambda: [g(*a) for g, a in CALLS.values()])()
    for (name, (f, args)), got in zip(CALLS.items(), found, strict=True):
        want = np.asarray(f(*args))
        assert np.shape(got) == want.shape, name
        assert np.asarray(got).dtype == want.dtype, name
        np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-10, err_msg=name)


def directions(args: Any) -> list[Any]:
    return [RNG.normal(size=a.shape) + (1j * RNG.normal(size=a.shape) if np.iscomplexobj(a) else 0) for a in args]


@pytest.mark.thinned
@pytest.mark.parametrize("name", [pytest.param(n, marks=[] if n in ONCE else [pytest.mark.slow]) for n in CALLS])
def test_derivatives(name: str) -> None:
    f, args = CALLS[name]
    w, t, h = normal(*np.shape(f(*args))), directions(args), 1e-5
    wrt = tuple(range(len(args)))

    def loss(*a: Any) -> Any:
        return np.sum(np.real(np.conj(w) * f(*a)))

    def slope(*a: Any) -> Any:
        return sum(np.sum(np.real(np.conj(g) * d)) for g, d in zip(gj.grad(loss, wrt)(*a), t, strict=True))

    def difference(f: Call) -> Any:
        at = [[a + s * h * d for a, d in zip(args, t, strict=True)] for s in (1, -1)]
        return (f(*at[0]) - f(*at[1])) / (2 * h)

    pulled = slope(*args)
    np.testing.assert_allclose(pulled, difference(loss), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(gj.jvp(loss, args, tuple(t))[1], pulled, rtol=1e-8, atol=1e-9)
    if name not in ONCE or name == "det":
        np.testing.assert_allclose(gj.jvp(slope, args, tuple(t))[1], difference(slope), rtol=1e-4, atol=1e-4)


def test_singular_matrices() -> None:
    singular = np.array(Z)
    singular[1] = 0
    with pytest.raises(np.linalg.LinAlgError, match="Singular matrix"):
        gj.jit(lambda a: L.inv(a))(singular)
    gradient = gj.grad(lambda a: L.det(a).real)(singular)
    moved = singular.copy()
    moved[1, 1] += 1e-6
    np.testing.assert_allclose(gradient[1, 1].real, L.det(moved).real / 1e-6, rtol=1e-5, atol=1e-8)


def test_batches_and_loops() -> None:
    many = normal(3, 4, 4)
    np.testing.assert_allclose(gj.vmap(lambda a: L.eigvals(a))(many), L.eigvals(many))
    np.testing.assert_allclose(gj.vmap(lambda a: L.solve(a, B))(many), L.solve(many, B))

    def powers(a: Any, n: int) -> Any:
        total = 0.0
        for _ in range(n):
            a = L.inv(a) + 0.3
            total = total + abs(L.det(a))
        return total

    np.testing.assert_allclose(gj.jit(powers)(Z, 40), powers(Z, 40), rtol=1e-8)
    assert gj.jit(lambda a: L.solve(a, a[0]))(Z.astype(np.complex64)).dtype == np.complex64


def test_what_is_refused() -> None:
    with pytest.raises(gj.UnsupportedError, match=r"scipy.linalg.solveh_banded is not supported: of complex"):
        gj.jit(lambda a: sl.solveh_banded(a, a[0]))(Z)
    with pytest.raises(ValueError, match="the first or the last coefficient of a polynomial is 0"):
        gj.jit(lambda c: np.roots(c))(np.array([1.0, 2.0, 0.0]))
