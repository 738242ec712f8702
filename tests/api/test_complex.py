"""Complex numbers: values are NumPy's, derivatives those of the two planes, whatever the layout."""

from __future__ import annotations

import cmath
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gradjit as gj
from gradjit.errors import DifferentiationError, DtypeError, UnsupportedError

RNG = np.random.default_rng(7)
Z = RNG.normal(size=(3, 4)) + 1j * RNG.normal(size=(3, 4))
W = RNG.normal(size=(3, 4)) + 1j * RNG.normal(size=(3, 4))
X = RNG.normal(size=(3, 4))
MASK = X > 0


def write_parts(z: Any, w: Any, x: Any) -> Any:
    z.real = x
    z.imag[1:] *= 2
    re = z.real
    z[0] = w[0]
    return z * re


def write_window(z: Any, w: Any, x: Any) -> Any:
    out = np.zeros((3, 4), complex)
    out[:, ::2] = w[:, ::2]
    out[1] += x[1]
    out *= z
    return out


def iterate(z: Any, w: Any, x: Any) -> Any:
    """State in a loop, with a branch."""
    s = z.copy()
    for k in range(6):
        if k % 2:
            s = s * w / (1 + np.abs(s))
        else:
            s = s + 0.1 * x * np.exp(1j * s)
    return s


def newton(z: Any, w: Any, x: Any) -> Any:
    """A while loop of scalar complex state: a root of s³ = w."""
    s, n = z[0, 0], 0
    while abs(s * s * s - w[0, 0]) > 1e-12 and n < 60:
        s = s - (s ** 3 - w[0, 0]) / (3 * s * s)
        n += 1
    return s * x


def branch(z: Any, w: Any, x: Any) -> Any:
    if z[0, 0].real > 0:
        return z * w
    return z - w


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "arithmetic": lambda z, w, x: z * w + z / w - x * w + (2 - 1j) * x,
    "powers": lambda z, w, x: z ** 2 + z ** 3 + z ** -2 + z ** 0.5 + w ** 1.5 + z ** (1 + 1j) + 1 / z + np.square(w),
    "power of both": lambda z, w, x: z ** w + np.power(2.0, w) + z ** x,
    "exponentials": lambda z, w, x: np.exp(z) + np.exp2(w) + np.expm1(z) + np.log(w) + np.log2(z) + np.log10(w),
    "log1p": lambda z, w, x: np.log1p(z) + np.sqrt(w) + np.reciprocal(z),
    "trigonometric": lambda z, w, x: np.sin(z) + np.cos(w) + np.tan(z) + np.sinh(w) * np.cosh(z) + np.tanh(w),
    "inverse": lambda z, w, x: (np.arcsin(z) + np.arccos(w) + np.arctan(z) + np.arcsinh(w) + np.arccosh(z)
                                + np.arctanh(w)),
    "parts": lambda z, w, x: z.real * w.imag + np.real(w) * np.imag(z) + np.angle(z) + np.abs(w) + abs(z) ** 2,
    "conjugates": lambda z, w, x: z.conj() * w + np.conjugate(w) + z.conjugate().T.conj().T,
    "directions": lambda z, w, x: np.sign(z) * w,
    "reductions": lambda z, w, x: z.sum(0) + np.prod(w, 0) + z.mean(0) + np.var(w) + np.std(z, 0) + np.cumsum(w, 1)[0],
    "long products": lambda z, w, x: np.prod(np.tile(z, 3)) + np.cumprod(w, 1) + np.cumprod(z)[-1],
    "matrices": lambda z, w, x: z @ w.T + np.einsum("ij,kj->ik", z, w.conj()) + np.dot(w, z.T) + np.kron(z, w)[:3, :3],
    "products": lambda z, w, x: np.vdot(z, w) + np.tensordot(z, w, 2) + np.vecdot(z, w) * 2 + z.dot(x.T)[0, 0],
    "norms": lambda z, w, x: np.linalg.norm(z) + np.linalg.norm(w, 1) + np.linalg.norm(z, axis=0) + np.linalg.norm(
        w, 3, axis=1).sum(),
    "chosen": lambda z, w, x: np.where(MASK, z, w) + np.maximum(z, w) - np.minimum(z, w) + np.sort(z, 1),
    "moved": lambda z, w, x: np.concatenate([z, w])[1:4].T[::-1].reshape(3, 4) + np.stack([z, w])[1] + np.roll(w, 1),
    "gathered": lambda z, w, x: z[[2, 0, 0]] + w[:, [3, 1, 1, 0]] + np.take(z, 2) + z[..., None][:, :, 0],
    "made": lambda z, w, x: np.full((3, 4), 2j) * z + np.ones(4, complex) * w + np.linspace(0, 1j, 4) + np.arange(4),
    "cast": lambda z, w, x: x.astype(complex) * z + complex(1.0, 2.0) * x,
    "joined": lambda z, w, x: x + 1j * x * w.real + np.add(x, x, dtype=np.complex128),
    "differences": lambda z, w, x: np.diff(z) + np.convolve(z[0], w[1])[:3] + np.correlate(z[0], w[1], "same")[:3],
    "polynomials": lambda z, w, x: np.polyval([1j, 2.0, 1 - 1j], z) + np.interp(x, [-1, 0, 1], [1j, 2, 3 - 1j]),
    "rounded": lambda z, w, x: z + np.round(w, 1).real * 0 + np.nan_to_num(w),
    "scipy's": lambda z, w, x: np.emath.sqrt(z) + np.emath.log(w),
    "written": write_parts, "windows": write_window, "loop": iterate, "while": newton, "branch": branch,
}
ROUGH = {"rounded"}


def weighted(f: Callable[..., Any]) -> Callable[..., Any]:
    """A real number of a function's result, that depends on all of it."""
    def loss(z: Any, w: Any, x: Any) -> Any:
        r = f(z, w, x)
        size = np.cos(np.arange(r.size)).reshape(r.shape)
        return np.sum(size * np.real(r) + (1 - size) * np.imag(r) ** 2)

    return loss


def slope(f: Callable[..., Any], args: tuple[Any, ...], direction: tuple[Any, ...]) -> float:
    def at(h: float) -> Any:
        return f(*(a + h * d for a, d in zip(args, direction, strict=True)))

    h = 1e-5
    return float((8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h))


@pytest.mark.thinned
@pytest.mark.parametrize("name", FUNCTIONS)
def test_value_and_derivatives(name: str) -> None:
    f = FUNCTIONS[name]
    expected = f(Z.copy(), W.copy(), X.copy())
    got = gj.jit(f)(Z.copy(), W.copy(), X.copy())
    assert np.asarray(got).dtype == np.asarray(expected).dtype
    np.testing.assert_allclose(got, expected, rtol=1e-11)
    loss = weighted(lambda z, w, x: f(z.copy(), w.copy(), x.copy()))
    directions = tuple(RNG.normal(size=a.shape) + (1j * RNG.normal(size=a.shape) if a.dtype.kind == "c" else 0)
                       for a in (Z, W, X))
    value, gradient = gj.value_and_grad(loss, argnums=(0, 1, 2))(Z, W, X)
    np.testing.assert_allclose(value, loss(Z, W, X), rtol=1e-11)
    assert [g.dtype for g in gradient] == [Z.dtype, W.dtype, X.dtype]
    along = sum(float(np.sum((np.conj(g) * d).real)) for g, d in zip(gradient, directions, strict=True))
    if name not in ROUGH:
        np.testing.assert_allclose(along, slope(loss, (Z, W, X), directions), rtol=1e-6, atol=1e-7)
    _, pushed = gj.jvp(loss, (Z, W, X), directions)
    np.testing.assert_allclose(pushed, along, rtol=1e-9, atol=1e-10)


@pytest.mark.thinned
@pytest.mark.parametrize("name", ["arithmetic", "powers", "inverse", "matrices", "parts", "loop"])
def test_second_order(name: str) -> None:
    loss = weighted(FUNCTIONS[name])
    d = RNG.normal(size=Z.shape) + 1j * RNG.normal(size=Z.shape)

    def along(z: Any, w: Any, x: Any) -> Any:
        return np.sum(np.real(np.conj(gj.grad(loss)(z, w, x)) * d))

    found = gj.grad(along)(Z, W, X)
    np.testing.assert_allclose(np.sum((np.conj(found) * d).real), slope(along, (Z, W, X), (d, 0 * W, 0 * X)), rtol=1e-5)


@pytest.mark.thinned
@pytest.mark.parametrize("name", ["arithmetic", "reductions", "matrices", "written", "loop", "branch"])
def test_layouts_dtypes_and_backends(name: str) -> None:
    """Every layout, complex64, and the interpreter, on which one compiled function is called in turn."""
    f = FUNCTIONS[name]
    compiled, interpreted = gj.jit(f), gj.jit(f, backend="interpreter")
    big = RNG.normal(size=(9, 12)) + 1j * RNG.normal(size=(9, 12))
    for z in (Z.copy(), np.asfortranarray(Z), big[::3, ::3].copy()[::-1], big[::3, 1::3], Z.T.copy().T[:, ::-1],
              Z.astype(np.complex64)):
        for w in (W.copy(), np.asfortranarray(W), W.astype(np.complex64)):
            expected = f(z.copy(), w.copy(), X)
            tolerance = 2e-5 if expected.dtype == np.complex64 or z.itemsize < 16 or w.itemsize < 16 else 1e-12
            for run in (compiled, interpreted):
                got = run(z.copy("K"), w, X)
                assert got.dtype == expected.dtype
                np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance)


def test_scalars() -> None:
    def f(z: complex, x: float) -> Any:
        return z * x + cmath.exp(z) + cmath.sqrt(complex(x, z.imag)) + cmath.rect(*cmath.polar(z)) - z ** 2

    got = gj.jit(f)(1 + 2j, 0.5)
    np.testing.assert_allclose(got, f(1 + 2j, 0.5), rtol=1e-14)
    assert gj.jit(lambda z: z.real + z.imag)(np.complex64(1 + 2j)).dtype == np.float32
    assert gj.jit(lambda x: x * 2j)(np.float32(1)).dtype == np.complex64
    assert isinstance(gj.jit(lambda z: z * z)(1j), complex)
    np.testing.assert_allclose(gj.grad(lambda z: abs(z) ** 2)(3 + 4j), 6 + 8j)


def test_writes_into_arguments() -> None:
    z, w = Z.copy(), Z.copy()

    def f(z: Any) -> Any:
        z.imag[0] = 1.0
        z[1:] *= 1j
        return z.real.sum()

    np.testing.assert_allclose(gj.jit(f)(z), f(w))
    np.testing.assert_array_equal(z, w)


def test_sizes() -> None:
    """The third size is computed by the code for all."""
    f = gj.jit(lambda z: np.cumsum(z * np.exp(1j * np.arange(len(z)))) / np.abs(z).sum())
    for n in (3, 7, 8, 100, 1):
        z = RNG.normal(size=n) + 1j * RNG.normal(size=n)
        np.testing.assert_allclose(f(z), f.__wrapped__(z) if hasattr(f, "__wrapped__") else
                                   np.cumsum(z * np.exp(1j * np.arange(n))) / np.abs(z).sum(), rtol=1e-12)


def test_vmap() -> None:
    def f(z: Any, w: Any) -> Any:
        s = z
        for _ in range(3):
            s = s * w + np.conj(z)
        return np.abs(s).sum(), s

    values, states = gj.vmap(f, in_axes=(0, None))(Z, W[0])
    for k in range(3):
        value, state = f(Z[k], W[0])
        np.testing.assert_allclose(values[k], value)
        np.testing.assert_allclose(states[k], state)
    one = gj.grad(lambda z: f(z, W[0])[0])
    np.testing.assert_allclose(gj.vmap(one)(Z), [one(z) for z in Z])


def test_products_with_vectors() -> None:
    """The cotangent of a complex result is applied conjugated: that of L = |f(z)|² / 2 is f(z)."""
    def f(z: Any) -> Any:
        return z ** 2 * W

    value, pull = gj.vjp(f, Z)
    np.testing.assert_allclose(value, f(Z))
    (ct,) = pull(f(Z))
    np.testing.assert_allclose(ct, gj.grad(lambda z: np.sum(np.abs(f(z)) ** 2) / 2)(Z))
    _, tangent = gj.jvp(f, (Z,), (W,))
    np.testing.assert_allclose(tangent, 2 * Z * W * W)


HOSTILE = [0.0, -0.0, 1.0, -1.0, 1e308, -1e308, 1e-308, np.inf, -np.inf, np.nan, 5e-324]
EDGES = np.array([complex(a, b) for a in HOSTILE for b in HOSTILE])
ON_EDGES: dict[str, Callable[..., Any]] = {
    "div": lambda z, w: z / w, "mul": lambda z, w: z * w, "add": lambda z, w: z + w, "abs": lambda z, w: np.abs(z),
    "sqrt": lambda z, w: np.sqrt(z), "exp": lambda z, w: np.exp(z), "log": lambda z, w: np.log(z),
    "angle": lambda z, w: np.angle(z), "power": lambda z, w: z ** w, "cube": lambda z, w: z ** 3,
    "inverse": lambda z, w: z ** -1, "minus two": lambda z, w: z ** -2, "sin": lambda z, w: np.sin(z),
    "cos": lambda z, w: np.cos(z), "sinh": lambda z, w: np.sinh(z), "cosh": lambda z, w: np.cosh(z),
    "tanh": lambda z, w: np.tanh(z), "arcsin": lambda z, w: np.arcsin(z), "arccosh": lambda z, w: np.arccosh(z),
    "arctanh": lambda z, w: np.arctanh(z), "log1p": lambda z, w: np.log1p(z), "sign": lambda z, w: np.sign(z),
    "equal": lambda z, w: z == w, "less": lambda z, w: z < w, "less or equal": lambda z, w: z <= w,
    "greater": lambda z, w: z > w, "maximum": lambda z, w: np.maximum(z, w), "fmin": lambda z, w: np.fmin(z, w),
    "isnan": lambda z, w: np.isnan(z), "isinf": lambda z, w: np.isinf(z), "isfinite": lambda z, w: np.isfinite(z),
    "sort": lambda z, w: np.sort(z), "isreal": lambda z, w: np.isreal(z), "truth": lambda z, w: z.astype(bool),
    "reciprocal": lambda z, w: np.reciprocal(z), "real times": lambda z, w: z * w.real,
}


FUSED = {"cube", "minus two"}
"""What NumPy rounds between a product and a sum, so that it overflows and underflows there, and we do not."""
UNSTABLE = {"sort"}
"""Which of two equal zeros comes first is nobody's business."""


@pytest.mark.parametrize("name", ON_EDGES)
def test_overflow_signed_zeros_branch_cuts_and_infinities(name: str) -> None:
    """NumPy is the judge. Where it gives a nan or zero, or an infinity, so do we, with its sign."""
    f = ON_EDGES[name]
    compiled = gj.jit(f)
    z = EDGES[(np.abs(EDGES.real) != 1e308) & (np.abs(EDGES.imag) != 1e308)] if name in FUSED else EDGES
    with np.errstate(all="ignore"):
        for w in (np.roll(z, 7), np.roll(z, 60), z[::-1].copy()):
            expected, got = f(z, w), compiled(z, w)
            assert got.dtype == expected.dtype
            for part in (np.real, np.imag) if got.dtype.kind == "c" else (np.asarray,):
                e, g = part(expected), part(got)
                np.testing.assert_allclose(g, e, rtol=4e-15, atol=0)
                if e.dtype.kind == "f" and name not in FUSED | UNSTABLE:
                    zero = e == 0
                    np.testing.assert_array_equal(np.signbit(g[zero]), np.signbit(e[zero]))


def test_kinks() -> None:
    """At zero |z| and sign(z) have no direction to grow in."""
    np.testing.assert_array_equal(gj.grad(lambda z: np.abs(z).sum())(np.array([0j, 3 + 4j])), [0, 0.6 + 0.8j])
    np.testing.assert_array_equal(gj.grad(lambda z: np.linalg.norm(z))(np.zeros(2, complex)), [0, 0])


def test_casting_to_real_warns_as_numpy_does() -> None:
    with pytest.warns(np.exceptions.ComplexWarning):
        got = gj.jit(lambda z: z.astype(float))(Z)
    np.testing.assert_array_equal(got, Z.real)

    def store(z: Any) -> Any:
        x = np.zeros((3, 4))
        x[...] = z
        return x

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        got = gj.jit(store)(Z)
    np.testing.assert_array_equal(got, Z.real)
    assert [t.category for t in told] == [np.exceptions.ComplexWarning] and told[0].filename == __file__


@pytest.mark.parametrize("f,error,words", [
    (lambda z: np.max(z, where=z != 0, initial=0), UnsupportedError, "np.max"),
    (lambda z: float(z[0, 0]), TypeError, "complex"),
    (lambda z: np.arctan2(z, 1.0), DtypeError, "arctan2"),
    (lambda z: z % 2, DtypeError, "remainder"),
    (lambda z: np.floor(z), DtypeError, "floor"),
    (lambda z: z & 1, DtypeError, "bitwise_and"),
    (lambda z: np.emath.sqrt(-np.abs(z)), ValueError, r"np\.emath\.sqrt of .*is complex; write np\.emath\.sqrt\(x\.as"),
    (lambda z: np.emath.arccos(np.abs(z) + 1), ValueError, r"np\.emath\.arccos of .*is complex"),
    (lambda z: np.emath.power(-1, z.real), ValueError, r"np\.emath\.power of .*is complex"),
    (lambda z: np.real_if_close(z), ValueError, r"np\.real_if_close of .* is complex; leave it out"),
    (lambda z: np.percentile(z, 50), DtypeError, "real numbers"),
])
def test_what_is_not_defined_is_refused(f: Callable[..., Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        gj.jit(f)(Z)


def test_a_gradient_is_of_a_real_number() -> None:
    with pytest.raises(DifferentiationError, match="real part"):
        gj.grad(lambda z: np.sum(z))(Z)


def test_tensors() -> None:
    """The style that records: interpreted at first, then compiled."""
    w = gj.tensor(W)
    for _ in range(60):
        z = gj.tensor(Z, requires_grad=True)
        loss = (abs(z * z * w + 1j) ** 2).sum()
        loss.backward()
        np.testing.assert_allclose(z.grad.numpy(), gj.grad(lambda z: (abs(z * z * W + 1j) ** 2).sum())(Z))


def test_holomorphic_derivatives() -> None:
    z = Z[0]
    found = gj.grad(lambda z: np.sum(np.exp(z) * z ** 2), holomorphic=True)(z)
    np.testing.assert_allclose(found, np.exp(z) * (z ** 2 + 2 * z))
    value, found = gj.value_and_grad(lambda z: z ** 3 / (1 + z), holomorphic=True)(0.3 + 1j)
    np.testing.assert_allclose([value, found], [(0.3 + 1j) ** 3 / (1.3 + 1j), (
        3 * (0.3 + 1j) ** 2 * (1.3 + 1j) - (0.3 + 1j) ** 3) / (1.3 + 1j) ** 2])
    def f(z: Any) -> Any:
        return np.sin(z)[:, None] * W[:2, :2].sum() + np.stack([z, z * z]).T

    expected = np.zeros((4, 2, 4), complex)
    for k in range(4):
        expected[k, 0, k] = np.cos(z[k]) * W[:2, :2].sum() + 1
        expected[k, 1, k] = np.cos(z[k]) * W[:2, :2].sum() + 2 * z[k]
    for jacobian in (gj.jacobian, gj.jacfwd, gj.jacrev):
        np.testing.assert_allclose(jacobian(f, holomorphic=True)(z), expected)


def test_jacobians() -> None:
    """Rows of a real result are its gradients; a complex result of real arguments has complex derivatives."""
    z, x = Z[0], X[0]
    rows = gj.jacobian(lambda z: np.abs(z) ** 2 + z.real[::-1])(z)
    np.testing.assert_allclose(rows, 2 * np.diag(z) + np.eye(4)[::-1])
    np.testing.assert_allclose(gj.jacobian(lambda x: np.exp(1j * x))(x), np.diag(1j * np.exp(1j * x)))
    np.testing.assert_allclose(gj.hvp(lambda z: np.sum(np.abs(z) ** 4))(z, W[0]),
                               8 * z * (np.conj(z) * W[0]).real + 4 * np.abs(z) ** 2 * W[0])


@pytest.mark.parametrize("f,words", [
    (lambda z: gj.jacobian(lambda z: z * z)(z), "holomorphic"),
    (lambda z: gj.jacfwd(lambda z: np.abs(z))(z), "gj.jacobian"),
    (lambda z: gj.hessian(lambda z: np.sum(np.abs(z)))(z), "gj.hvp"),
    (lambda z: gj.grad(lambda z: np.abs(z).sum(), holomorphic=True)(z), "float64"),
    (lambda z: gj.grad(lambda x: np.exp(1j * x).sum(), holomorphic=True)(z.real), "complex"),
    (lambda z: gj.grad(lambda z: z.sum())(z), "holomorphic=True"),
])
def test_derivatives_that_are_no_array(f: Callable[..., Any], words: str) -> None:
    with pytest.raises(DifferentiationError, match=words):
        f(Z[0])


def test_rules_of_ones_own_and_what_is_not_looked_into() -> None:
    z = Z[0]
    square = gj.custom_vjp(lambda z: z * z, fwd=lambda z: (z * z, z), bwd=lambda z, ct: (np.conj(2 * z) * ct,))
    again = gj.checkpoint(lambda z: np.sin(z) * z)
    opaque = gj.primitive(lambda z: z * np.conj(z) * 1j, out="c128[4]")
    np.testing.assert_allclose(gj.jit(lambda z: opaque(z) + 1)(z), 1j * np.abs(z) ** 2 + 1)
    for f, plain in ((square, lambda z: z * z), (again, lambda z: np.sin(z) * z)):
        def loss(z: Any, f: Any = f) -> Any:
            return np.sum(np.abs(f(z) + 1) ** 2)

        np.testing.assert_allclose(gj.grad(loss)(z), gj.grad(lambda z: np.sum(np.abs(plain(z) + 1) ** 2))(z))


def test_printing(capfd: pytest.CaptureFixture[str]) -> None:
    def f(z: Any, x: Any) -> Any:
        gj.debug_print("{1:.1f} of {0} {{}} {0[1]:.2f}", z, x)
        return z * x

    gj.jit(f)(np.array([1 + 2j, 3 - 1j]), 0.5)
    assert capfd.readouterr().out == "0.5 of [1.+2.j 3.-1.j] {} 3.00-1.00j\n"


def test_the_square_of_a_length_takes_no_root() -> None:
    """Its value is NumPy's, also of infinite parts and where it overflows; its gradient is smooth at 0."""
    def f(z: Any) -> Any:
        return np.abs(z) ** 2

    with np.errstate(all="ignore"):
        compiled = gj.jit(f)
        np.testing.assert_allclose(compiled(EDGES), f(EDGES), rtol=1e-15)
        np.testing.assert_allclose(compiled(Z), f(Z), rtol=1e-15)
    assert " hypot" not in compiled.ir(stage="optimized")
    np.testing.assert_array_equal(gj.grad(lambda z: np.sum(f(z)))(np.array([0j, 3 - 4j])), [0j, 6 - 8j])


@pytest.mark.parametrize("x", [np.array([0.5, 2.0, 0.0]), np.array([0.5, np.nan, 1.0]), np.array([1, 4, 9]),
                               np.zeros(0), np.array([0.3, 0.7], np.float32), np.array([0.5 + 1j, -2]), 2.5], ids=str)
@pytest.mark.filterwarnings("ignore")
def test_functions_that_are_real_or_complex_as_the_elements_are(x: Any) -> None:
    e = np.emath
    calls = [e.sqrt, e.log, e.log2, e.log10, lambda x: e.power(x, 0.5), lambda x: e.power(x, 2), lambda x: e.logn(2, x),
             lambda x: e.logn(x, 3.0), lambda x: e.arccos(x / 10), lambda x: e.arcsin(x / 10),
             lambda x: e.arctanh(x / 10), lambda x: np.real_if_close(x + 1e-17j) if np.isrealobj(x) else x]
    for k, f in enumerate(calls):
        got, expected = gj.jit(lambda x, f=f: f(x))(x), f(x)
        assert (np.asarray(got).dtype, np.shape(got)) == (np.asarray(expected).dtype, np.shape(expected)), k
        np.testing.assert_allclose(got, expected, rtol=1e-6 if np.asarray(x).dtype == np.float32 else 1e-14)


def test_derivatives_of_functions_that_are_real() -> None:
    x = np.array([0.3, 0.7])
    gradient = gj.grad(lambda x: np.sum(np.emath.sqrt(x) + np.emath.arcsin(x / 5)))(x)
    np.testing.assert_allclose(gradient, 0.5 / np.sqrt(x) + 0.2 / np.sqrt(1 - (x / 5) ** 2))
