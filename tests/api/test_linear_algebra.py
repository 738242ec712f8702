"""Linear algebra as users write it: loops, branches, stacks, layouts, sizes, points without derivative, errors."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.linalg as sl

import gradjit as gj
from gradjit.errors import LinAlgError

RNG = np.random.default_rng(15)
A = RNG.normal(size=(4, 4)) + 3 * np.eye(4)
STACK = RNG.normal(size=(3, 4, 4)) + 3 * np.eye(4)
EYE = np.eye(3)


def differences(f: Callable[..., Any], a: np.ndarray, step: float = 1e-6) -> np.ndarray:
    """The gradient by central differences."""
    found = np.zeros_like(a)
    for at in np.ndindex(*a.shape):
        d = np.zeros_like(a)
        d[at] = step
        found[at] = (f(a + d) - f(a - d)) / (2 * step)
    return found


# programs -------------------------------------------------------------------------------------------------------------
def gaussian_process(theta, x, y):
    variance, length, noise = np.exp(theta)
    d = x[:, None] - x[None, :]
    k = variance * np.exp(-0.5 * (d / length)**2) + noise**2 * np.eye(len(x))
    factor = sl.cho_factor(k, lower=True)
    return 0.5 * y @ sl.cho_solve(factor, y) + np.sum(np.log(np.diag(factor[0])))


def kalman(f, n):
    x, p, total = np.ones(4), np.eye(4), 0.0
    for _ in range(n):
        p = 0.05 * f @ p @ f.T + np.eye(4)
        gain = np.linalg.solve(p + np.eye(4), p).T
        x = x - 0.1 * gain @ x
        total += np.sum(x**2) + np.linalg.slogdet(p)[1] + np.linalg.inv(p)[0, 1]
    return total


def test_gaussian_process() -> None:
    x = np.linspace(0, 5, 12)
    theta, y = np.array([0.1, -0.2, -1.0]), np.sin(x)
    value, gradient = gj.value_and_grad(gaussian_process)(theta, x, y)
    np.testing.assert_allclose(value, gaussian_process(theta, x, y), rtol=1e-12)
    np.testing.assert_allclose(gradient, differences(lambda t: gaussian_process(t, x, y), theta), rtol=1e-7)


def test_a_loop_of_solutions() -> None:
    value, gradient = gj.value_and_grad(kalman)(A, 10)
    np.testing.assert_allclose(value, kalman(A, 10), rtol=1e-12)
    np.testing.assert_allclose(gradient, differences(lambda a: kalman(a, 10), A), rtol=1e-6, atol=1e-7)


def test_a_matrix_is_factorised_once() -> None:
    def refined(a, x, n):
        for _ in range(n):
            x = np.linalg.solve(a, x) + np.linalg.inv(a) @ x
        return np.sum(x)

    f = gj.value_and_grad(refined)
    value, _ = f(A, np.ones(4), 30)
    np.testing.assert_allclose(value, refined(A, np.ones(4), 30), rtol=1e-9)
    loops = f.ir(A, np.ones(4), 30, stage="loops")
    assert loops.count("call lu(") == 1 and loops.index("call lu(") < loops.index("repeat")


def test_a_loop_that_does_not_run_raises_nothing() -> None:
    def summed(a, n):
        total = 0.0
        for k in range(n):
            total += np.sum(np.linalg.cholesky(a)) + np.sum(np.linalg.inv(a * 0)) + k
        return total

    f = gj.value_and_grad(summed)
    assert f(-np.eye(2), 0)[0] == 0.0
    with pytest.raises(np.linalg.LinAlgError, match="not positive definite"):
        f(-np.eye(2), 1)


def test_lanes_that_do_not_take_part_raise_nothing() -> None:
    def rooted(a):
        return np.sum(np.linalg.cholesky(a)) if a[0, 0] > 0 else np.sum(a)

    stack = np.stack([-np.eye(3), 4 * np.eye(3)])
    np.testing.assert_allclose(gj.vmap(rooted)(stack), [rooted(a) for a in stack])
    with pytest.raises(LinAlgError):
        gj.vmap(lambda a: np.sum(np.linalg.cholesky(a)))(stack)


def test_stacks_by_vmap() -> None:
    b = RNG.normal(size=(3, 4))
    np.testing.assert_allclose(gj.vmap(np.linalg.solve)(STACK, b), np.linalg.solve(STACK, b[..., None])[..., 0])
    np.testing.assert_allclose(gj.vmap(np.linalg.solve, in_axes=(None, 0))(A, b), np.linalg.solve(A, b.T).T)
    one = gj.grad(lambda a: np.sum(sl.expm(a)**2))
    np.testing.assert_allclose(gj.vmap(one)(STACK / 3), np.stack([one(a / 3) for a in STACK]), rtol=1e-10)


def everything(a):
    n = a.shape[0]
    factor = np.linalg.cholesky(a @ a.T + np.eye(n))
    return (np.sum(np.log(np.diag(factor))) + np.linalg.slogdet(a)[1] + np.linalg.norm(a, "nuc")
            + np.sum(np.linalg.solve(a, a.T)))


def test_sizes_and_layouts() -> None:
    f = gj.value_and_grad(everything)
    for a in (A, A[:3, :3], np.kron(A, np.ones((2, 3)))[::2, ::-3], A[:1, :1]):
        value, gradient = f(a)
        np.testing.assert_allclose(value, everything(a), rtol=1e-10)
        np.testing.assert_allclose(gradient, differences(everything, a), rtol=1e-4, atol=1e-6)


def test_float32() -> None:
    a = A.astype(np.float32)
    value, gradient = gj.value_and_grad(lambda a: np.sum(np.linalg.inv(a)) + np.linalg.slogdet(a)[1])(a)
    assert (value.dtype, gradient.dtype) == (np.float32, np.float32)
    inverse = np.linalg.inv(A)
    expected = inverse.T - np.outer(inverse.sum(0), inverse.sum(1))
    np.testing.assert_allclose(gradient, expected, rtol=1e-3, atol=1e-3)


def test_second_order() -> None:
    h = gj.hessian(lambda a: np.linalg.slogdet(a)[1])(A)
    inverse = np.linalg.inv(A)
    np.testing.assert_allclose(h, -np.einsum("li,jk->ijkl", inverse, inverse), atol=1e-12)


def test_pickles_and_the_cache(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("GRADJIT_CACHE_DIR", str(tmp_path))
    f = gj.value_and_grad(everything)
    expected = f(A)
    again = pickle.loads(pickle.dumps(f))
    np.testing.assert_array_equal(again(A)[1], expected[1])
    with pytest.raises(LinAlgError, match="Singular"):
        again(np.zeros((4, 4)) + np.diag([1.0, 1.0, 1.0, 0.0]))


# points without derivative: what is told in docs/linear-algebra.md ----------------------------------------------------
def cofactors(a: np.ndarray) -> np.ndarray:
    n = len(a)
    return np.array([[(-1)**(i + j) * np.linalg.det(np.delete(np.delete(a, i, 0), j, 1)) for j in range(n)]
                     for i in range(n)])


RANK3 = np.array([[2.0, 1, 0, 3], [1, 0, 2, 1], [0, 4, 1, 1], [0, 4, 1, 1]])
POINTS: list[tuple[Callable[..., Any], np.ndarray, np.ndarray]] = [
    (lambda a: np.sum(np.linalg.eigvalsh(a)**2), EYE, 2 * EYE),
    (lambda a: np.sum(np.linalg.eigh(a)[1]), EYE, 0 * EYE),
    (lambda a: np.linalg.norm(a, "nuc"), EYE, EYE), (lambda a: np.linalg.norm(a, "nuc"), 0 * EYE, 0 * EYE),
    (lambda a: np.linalg.norm(a, 2), EYE, EYE / 3), (lambda a: np.linalg.norm(a, 2), 0 * EYE, 0 * EYE),
    (np.linalg.det, RANK3, cofactors(RANK3)), (np.linalg.det, np.zeros((4, 4)), np.zeros((4, 4))),
    (np.linalg.det, np.diag([1.0, 2.0, 0.0, 0.0]), np.zeros((4, 4))),
    (lambda a: np.where(np.linalg.slogdet(a)[0] > 0, np.linalg.slogdet(a)[1], 5.0), np.ones((2, 2)), np.zeros((2, 2))),
    (lambda a: np.sum(sl.sqrtm(a)), EYE, np.full((3, 3), 0.5)),
    (lambda a: np.sum(sl.expm(a)), 0 * EYE, np.ones((3, 3))),
    (lambda a: np.sum(np.linalg.pinv(a)[0]), EYE, np.array([[-1.0, -1, -1], [0, 0, 0], [0, 0, 0]])),
]


@pytest.mark.parametrize("k", range(len(POINTS)))
def test_points_without_derivative(k: int) -> None:
    f, a, expected = POINTS[k]
    np.testing.assert_allclose(gj.grad(f)(a), expected, atol=1e-12)


def test_masks_of_a_stack() -> None:
    def logarithms(a):
        sign, value = np.linalg.slogdet(a)
        return np.sum(np.where(sign > 0, value, 0.0))

    stack = np.stack([np.ones((2, 2)), 2 * np.eye(2)])
    np.testing.assert_allclose(gj.grad(logarithms)(stack), np.stack([np.zeros((2, 2)), 0.5 * np.eye(2)]))


def test_a_derivative_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(LinAlgError, match="Singular"):
        gj.grad(lambda a: np.sum(np.linalg.qr(a)[1]))(np.zeros((3, 3)))


ERRORS: list[tuple[Callable[..., Any], tuple[Any, ...], str]] = [
    (np.linalg.inv, (np.ones((2, 3)),), "square"), (np.linalg.inv, (np.ones(3),), "two-dimensional"),
    (np.linalg.inv, (np.zeros((2, 2)),), "Singular matrix"), (np.linalg.solve, (np.zeros((2, 2)),
    np.ones(2)), "Singular"),
    (np.linalg.cholesky, (-EYE,), "not positive definite"), (np.linalg.svd, (np.full((3, 3),
    np.nan),), "did not converge"),
    (np.linalg.eigh, (np.full((3, 3), np.nan),), "did not converge"), (np.linalg.cond, (np.zeros((0, 0)),), "empty"),
]


@pytest.mark.parametrize("k", range(len(ERRORS)))
def test_errors(k: int) -> None:
    f, args, words = ERRORS[k]
    with pytest.raises(np.linalg.LinAlgError, match=words) as caught:
        gj.jit(lambda *a: f(*a))(*args)
    assert "test_linear_algebra.py" in str(caught.value) and isinstance(caught.value, LinAlgError)


def test_a_constant_that_fails_in_a_branch_fails_there() -> None:
    def f(x):
        return x * np.sum(np.linalg.cholesky(np.array([[1.0, 2.0], [2.0, 1.0]]))) if x > 0 else x

    g = gj.jit(f)
    assert g(-1.0) == -1.0
    with pytest.raises(np.linalg.LinAlgError):
        g(1.0)
