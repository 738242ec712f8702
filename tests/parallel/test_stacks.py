"""Routines on stacks run in chunks of them: products, factorisations, sorting and transforms of many small arrays."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg

import gradjit as gj
from gradjit.codegen import cores, loopir
from gradjit.errors import LinAlgError
from tests.parallel.programs import CHUNK

rng = np.random.default_rng(3)
MANY = 40


def normal(*shape):
    return rng.normal(size=shape)


def positive(*shape):
    a = normal(*shape, shape[-1])
    return a @ np.swapaxes(a, -1, -2) + shape[-1] * np.eye(shape[-1])


def products(x, y):
    return x @ y


def cholesky(a):
    return np.linalg.cholesky(a)


def solve(a, b):
    return np.linalg.solve(a, b)


def inverse(a):
    return np.linalg.inv(a)


def triangular(a, b):
    return scipy.linalg.solve_triangular(a, b, lower=True)


def log_determinant(a):
    return np.linalg.slogdet(a)[1]


def eigenvalues(a):
    w, v = np.linalg.eigh(a)
    return w, np.abs(v)


def singular_values(a):
    return np.linalg.svd(a, compute_uv=False)


def orthogonal(a):
    q, r = np.linalg.qr(a)
    return q @ r


def any_eigenvalues(a):
    return np.sum(np.linalg.eigvals(a), axis=-1).real


def complex_solve(a, b):
    return np.linalg.solve(a + 1j, b)


def ordered(x):
    return np.sort(x, axis=-1), np.argsort(x, axis=-1)


def real_lines(x):
    return np.fft.irfft(np.fft.rfft(x) * 2, 26)


def prime_lines(x):
    return np.fft.fft(x, axis=1).real


CASES = {
    products: (normal(MANY, 24, 20), normal(MANY, 20, 17)), cholesky: (positive(MANY, 12),),
    solve: (positive(MANY, 9), normal(MANY, 9, 3)), inverse: (positive(MANY, 8),),
    log_determinant: (positive(MANY, 10),), eigenvalues: (positive(MANY, 6),), singular_values: (normal(MANY, 7, 5),),
    orthogonal: (normal(MANY, 7, 5),), any_eigenvalues: (positive(MANY, 6),),
    complex_solve: (positive(MANY, 8), normal(MANY, 8, 2)), ordered: (normal(MANY, 50),),
    real_lines: (normal(MANY, 26),), prime_lines: (normal(MANY, 13, 3),),
}


def in_bytes(result):
    return [np.asarray(r).tobytes() for r in (result if isinstance(result, tuple) else (result,))]


@pytest.mark.parametrize("f", CASES)
def test_values(f):
    arguments = CASES[f]
    with cores.limits(chunk=CHUNK):
        compiled = gj.jit(f)
        lines = compiled.ir(*arguments, stage="loops").splitlines()
        assert any("chunks" in a and "call" in b for a, b in zip(lines, lines[1:], strict=False))
        found = []
        for n in (1, 2, 3, 7, 16):
            with gj.threads(n):
                found.append(compiled(*arguments))
    assert all(in_bytes(other) == in_bytes(found[0]) for other in found)
    expected = f(*arguments)
    for a, b in zip(*(r if isinstance(r, tuple) else (r,) for r in (expected, found[0])), strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("f", [products, cholesky, solve, log_determinant, eigenvalues, real_lines])
def test_gradients(f):
    arguments = CASES[f]

    def loss(*a):
        found = f(*a)
        return np.sum(np.sin(found[0] if isinstance(found, tuple) else found))

    with cores.limits(chunk=CHUNK):
        compiled = gj.value_and_grad(loss)
        found = []
        for n in (1, 2, 3, 7, 16):
            with gj.threads(n):
                found.append(compiled(*arguments))
        assert "chunks" in compiled.ir(*arguments, stage="loops")
    assert all(in_bytes(other) == in_bytes(found[0]) for other in found)
    judge = gj.value_and_grad(loss, backend="interpreter")(*arguments)
    np.testing.assert_allclose(found[0][1], judge[1], rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("f", [products, cholesky, solve, ordered, prime_lines])
def test_the_text_is_what_runs(f):
    """It can be read again; its chunks may come in any order."""
    arguments = CASES[f]
    with cores.limits(chunk=CHUNK):
        text = gj.jit(f).ir(*arguments, stage="loops")
        expected = gj.jit(f)(*arguments)
    kernel = loopir.parse(text)
    loopir.verify(kernel)
    assert loopir.print_program(kernel) == text
    for backwards in (False, True):
        found = loopir.interpret(kernel, arguments, backwards=backwards)
        first = expected[0] if isinstance(expected, tuple) else expected
        np.testing.assert_allclose(found[0], first, rtol=1e-10, atol=1e-12)


def test_two_axes_of_a_stack():
    """The longer one is cut."""
    x, y = normal(3, MANY, 16, 16), normal(3, MANY, 16, 16)
    with cores.limits(chunk=CHUNK):
        f = gj.jit(products)
        assert f"chunks c1 of {MANY}" in f.ir(x, y, stage="loops")
        np.testing.assert_allclose(f(x, y), x @ y, rtol=1e-12, atol=1e-12)


def test_the_first_error_in_order():
    a = positive(MANY, 12)
    a[[7, 30]] *= -1

    def factors(a):
        return np.linalg.cholesky(a)

    with cores.limits(chunk=CHUNK):
        f = gj.jit(factors)
        for n in (1, 2, 7):
            with gj.threads(n), pytest.raises(LinAlgError, match="not positive definite") as e:
                f(a)
            assert "in factors" in str(e.value) or "test_stacks.py" in str(e.value)
        assert np.isfinite(f(np.abs(a) * 0 + np.eye(12))).all()


def large(a):
    return np.linalg.inv(a)


def one_product(x, y):
    return x @ y


REASONS = [
    (large, (positive(4, 80),), "BLAS has threads of its own for matrices of that size"),
    (one_product, (normal(90, 90), normal(90, 90)), "BLAS has threads of its own for products of that size"),
    (cholesky, (positive(40),), "it does its work in one piece"),
    (np.sort, (normal(3000),), "it does its work in one piece"),
    (np.sort, (normal(8, 100_000),), "it needs too much memory of its own for each chunk"),
]


@pytest.mark.parametrize("f, arguments, reason", REASONS)
def test_reasons(f, arguments, reason):
    with cores.limits(chunk=CHUNK):
        compiled = gj.jit(lambda *a: f(*a))
        compiled(*arguments)
    (s,) = compiled.stats().specialisations
    assert any(not c.is_parallel and c.words == reason and c.loc is not None for c in s.cores), s.cores
