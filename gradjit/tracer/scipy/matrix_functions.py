"""scipy.linalg's functions of matrices, and equations whose unknown is a matrix."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...errors import ArgumentError, LinAlgError
from ...ir import Builder, Value, interleaved as c, matrices as m
from .. import operands as o
from ..array import TracedArray
from ..built_sparse import built
from ..calls import as_user
from ..locations import fail
from ..numpy import complex_matrices, factorisation as nf
from ..numpy.common import array
from ..operands import cast, emit
from ..repeated_region import repeated
from .factorisation import name, squares

Rule = Callable[..., Any]


def stacked(*rows: tuple[Any, ...]) -> Any:
    """A matrix of matrices."""
    return np.concatenate([np.concatenate(r, axis=-1) for r in rows], axis=-2)


# the exponential ------------------------------------------------------------------------------------------------------
PADE = tuple(float(n) / 64764752532480000 for n in (
    64764752532480000, 32382376266240000, 7771770303897600, 1187353796428800, 129060195264000, 10559470521600,
    670442572800, 33522128640, 1323241920, 40840800, 960960, 16380, 182, 1))
"""Of the numerator of degree 13 (Higham, The Scaling and Squaring Method for the Matrix Exponential Revisited)."""
RADIUS = 5.371920351148152
"""The norm up to which it is exact to rounding."""


def exponential(a: Any) -> Any:
    """Halved until it is small, by Padé's quotient, and squared as often."""
    size = np.max(np.sum(np.abs(a), axis=-2), axis=-1, initial=0)
    halvings: Any = np.ceil(np.log2(np.maximum(size / RADIUS, 1)))
    halvings = np.where(np.isfinite(halvings), halvings, 0)
    small = (a * np.reshape(np.exp2(-halvings), (*a.extents[:-2], 1, 1))).astype(a.dtype)
    eye = nf.identity_like(a)
    square = small @ small
    fourth = square @ square
    sixth = fourth @ square
    k = PADE

    def series(first: int) -> Any:
        high = sixth @ (k[first + 12] * sixth + k[first + 10] * fourth + k[first + 8] * square)
        return high + k[first + 6] * sixth + k[first + 4] * fourth + k[first + 2] * square + k[first] * eye

    odd, even = small @ series(1), series(0)
    whole = nf.solved(even - odd, even + odd, checked=False)
    counts = cast(halvings, np.int64)
    if a.ndim == 2:
        return repeated(counts, whole, lambda b, i, x: m.product(b, x, x))

    def body(b: Builder, i: Value, x: Value) -> Value:
        more = b.lt(b.broadcast(i, shape=counts.value.shape, dims=()), counts.value)
        return b.select(m.of_stack(b, more, x), m.product(b, x, x), x)

    return repeated(np.max(counts, initial=0), whole, body)


def expm(A):
    x = nf.squares(A, name("expm"), complex_too=True)
    return x if nf.is_empty(x) else exponential(x)


def expm_multiply(A, B):
    """Of a matrix, taken as a dense one: its exponential, times B."""
    b = built(A)
    return expm(A if b is None else b.toarray()) @ array(B)


def expm_frechet(A, E, method=None, compute_expm=True, check_finite=True):
    """Of a block matrix, which holds the derivative in a corner."""
    x, e = squares(A, "expm_frechet", check_finite), squares(E, "expm_frechet", check_finite)
    n = x.extents[-1]
    both = exponential(stacked((x, e), (x * 0, x)))
    corner = both[..., :n, n:]
    return (both[..., :n, :n], corner) if compute_expm else corner


def _turning(A: Any, function: str) -> tuple[Any, Any]:
    """cosine and sine, of the exponential of a turn."""
    x = squares(A, function)
    n = x.extents[-1]
    both = exponential(stacked((x * 0, -x), (x, x * 0)))
    return both[..., :n, :n], both[..., n:, :n]


def cosm(A):
    return _turning(A, "cosm")[0]


def sinm(A):
    return _turning(A, "sinm")[1]


def tanm(A):
    cosine, sine = _turning(A, "tanm")
    return nf.solved(cosine, sine)


def coshm(A):
    x = squares(A, "coshm")
    return 0.5 * (exponential(x) + exponential(-x))


def sinhm(A):
    x = squares(A, "sinhm")
    return 0.5 * (exponential(x) - exponential(-x))


def tanhm(A):
    x = squares(A, "tanhm")
    up, down = exponential(x), exponential(-x)
    return nf.solved(up + down, up - down)


# the square root ------------------------------------------------------------------------------------------------------
ROUNDS = 24
"""Steps of Denman and Beavers', which double the digits once they have one."""


def square_root(a: Any) -> Any:
    """The root whose eigenvalues have positive real parts; LinAlgError where there is none that is real.

    By the product form of Denman and Beavers' iteration, scaled by determinants, and two steps of Newton's, which take
    back what it has rounded (Higham, Functions of Matrices, 6.3).
    """
    n = a.extents[-1]
    still = emit("stop_gradient", a)

    def step(b: Builder, _: Value, both: Value) -> Value:
        rank = both.type.rank
        power, x = (m.window(b, both, -2, k * n, n) for k in (0, 1))
        d, inverse = _inverted(b, power)
        scale = b.exp(b.mul(b.sum(b.log(d), axes=(rank - 2,)), b.const(-0.5 / n, d.dtype, d.shape[:-1])))
        factor = m.of_stack(b, scale, b.real(power) if power.dtype.is_complex else power)
        factor = b.complex(factor, b.zeros(factor.type)) if power.dtype.is_complex else factor
        eye = m.identity_like(b, power)
        squared = b.mul(factor, factor)
        inverse = b.div(inverse, squared)
        half, quarter = b.like(0.5, power), b.like(0.25, power)
        x = b.mul(b.mul(half, factor), m.product(b, x, b.add(eye, inverse)))
        power = b.add(b.mul(half, eye), b.mul(quarter, b.add(b.mul(squared, power), inverse)))
        return b.concat(power, x, axis=rank - 2)

    both = repeated(ROUNDS, stacked((still,), (still,)), step)
    s = both[..., n:, :]
    for _ in range(2):
        s = s + solution(s, s, still - s @ s)
    error, size = (np.max(np.abs(x), initial=0) for x in (s @ s - still, still))
    o.require(error <= 1e-3 * np.sqrt(np.finfo(a.dtype).eps) * size * n,
              f"scipy.linalg.sqrtm: {'' if a.ir_dtype.is_complex else 'there is no real square root, or '}the "
              f"matrix is singular", "LinAlgError")
    return whose_root(emit("stop_gradient", s), a)


def _inverted(b: Builder, power: Value) -> tuple[Value, Value]:
    """The magnitudes of what the determinants are the products of, and the inverses."""
    if not power.dtype.is_complex:
        lu, pivots, _ = b.append("lu", (power,), {}).results
        eye = m.identity_like(b, power)
        return b.abs(m.diagonal(b, lu)), b.lu_solve(power, lu, pivots, eye, trans=False, checked=False)
    matrix = c.joined(b, (b.real(power), b.imag(power)))
    lu, pivots, _ = b.append("complex_lu", (matrix,), {}).results
    eye = c.identity_like(b, matrix)
    inverse = c.parts(b, b.complex_solve(matrix, lu, pivots, eye, adjoint=False, checked=False))
    return b.hypot(*c.diagonal(b, c.parts(b, lu))), b.complex(*inverse)


def whose_root(s: Any, a: Any) -> Any:
    """s, which has been made from a: its square root."""
    return complex_matrices.whose_root(s, a) if a.ir_dtype.is_complex else emit("sqrtm", s, a)


def solution(a: Any, b: Any, q: Any) -> Any:
    """Of Sylvester's equation."""
    return complex_matrices.sylvester(a, b, q) if q.ir_dtype.is_complex else emit("sylvester", a, b, q)


def sqrtm(A, disp=None, blocksize=None):
    x = nf.squares(A, name("sqrtm"), complex_too=True)
    return x if nf.is_empty(x) else square_root(x)


def signm(A, disp=None):
    """a over the root of its square."""
    x = squares(A, "signm")
    return nf.turned(nf.solved(square_root(x @ x), nf.turned(x), trans=True))


def polar(a, side="right"):
    if side not in ("right", "left"):
        fail(ArgumentError, "`side` must be either 'right' or 'left'")
    x = nf.stack(a, name("polar"), complex_too=True)
    if x.ndim != 2:
        fail(ArgumentError, "`a` must be a 2-D array.")
    right = side == "right"
    u, s, vt = (emit("stop_gradient", y) for y in nf.singular(x, False, name("polar")))
    if (x.extents[0] < x.extents[1]) == right and x.extents[0] != x.extents[1]:
        o.unsupported(name("polar"), f"of a matrix of shape {x.shape} with side={side!r}, whose symmetric factor is "
                                     f"singular; take the other side")
    v: Any = nf.adjoint(vt) if right else u
    p = whose_root((v * s) @ nf.adjoint(v), nf.adjoint(x) @ x if right else x @ nf.adjoint(x))
    return (nf.adjoint(nf.solved(p, nf.adjoint(x))) if right else nf.solved(p, x)), p


# powers and logarithms ------------------------------------------------------------------------------------------------
ROOTS = 7
NODES, WEIGHTS = np.polynomial.legendre.leggauss(9)


def logarithm(a: Any) -> Any:
    """Of a root of so high a degree that it is near 1: there by Gauss's rule for an integral of inverses."""
    x, eye = a, nf.identity_like(a)
    for _ in range(ROOTS):
        x = square_root(x)
    off, total = x - eye, 0.0
    for node, weight in zip(NODES, WEIGHTS, strict=True):
        total = total + 0.5 * weight * nf.solved(eye + 0.5 * (1 + node) * off, off)
    return 2.0**ROOTS * total


def logm(A, disp=None):
    x = nf.squares(A, name("logm"), complex_too=True)
    return x if nf.is_empty(x) else logarithm(x)


def fractional_matrix_power(A, t):
    x = squares(A, "fractional_matrix_power")
    whole = not isinstance(t, TracedArray) and float(t).is_integer()
    return np.linalg.matrix_power(x, int(t)) if whole else exponential(t * logarithm(x))


# any function ---------------------------------------------------------------------------------------------------------
def funm(A, func, disp=None):
    """By the eigenvectors, which must be well apart: LinAlgError where they are not, and where a real matrix has a
    complex result."""
    x = nf.squares(A, name("funm"), complex_too=True)
    values, vectors = np.linalg.eig(x if x.ir_dtype.is_complex else x + 0j)
    inverse = np.linalg.inv(vectors)
    found = (vectors * as_user(func)(values)) @ inverse
    precise = float(np.finfo(x.dtype).eps)
    both = np.sqrt(np.sum(np.abs(vectors) ** 2) * np.sum(np.abs(inverse) ** 2))
    o.require(both <= precise**-0.5, "scipy.linalg.funm: the matrix is, or nearly is, one without a base of "
                                     "eigenvectors; its function cannot be compiled", "LinAlgError")
    if x.ir_dtype.is_complex:
        return found
    size = np.max(np.abs(found), initial=0)
    o.require(np.max(np.abs(np.imag(found)), initial=0) <= 1e3 * precise * both * size,
              "scipy.linalg.funm: the function of a real matrix is complex; give it as a complex one", "LinAlgError")
    return np.real(found)


# equations ------------------------------------------------------------------------------------------------------------
def solve_sylvester(a, b, q):
    return _sylvester(squares(a, "solve_sylvester"), squares(b, "solve_sylvester"), array(q))


def _sylvester(x: Any, y: Any, q: Any) -> Any:
    dtype = np.result_type(x.dtype, y.dtype, q.dtype, np.float32)
    if q.ndim != 2 or not (o.may_agree(q.extents[0], x.extents[0]) and o.may_agree(q.extents[1], y.extents[0])):
        fail(LinAlgError, f"matrices of shapes {o.shown(x.extents)}, {o.shown(y.extents)} and {o.shown(q.extents)} do "
                          f"not fit together")
    return solution(*(cast(v, dtype) for v in (x, y, q)))


def solve_continuous_lyapunov(a, q):
    x = squares(a, "solve_continuous_lyapunov")
    return _sylvester(x, nf.adjoint(x), array(q))


def solve_discrete_lyapunov(a, q, method=None):
    """By Kronecker's products where it is small, else by a continuous one (as SciPy does)."""
    x, y = squares(a, "solve_discrete_lyapunov"), squares(q, "solve_discrete_lyapunov")
    n = x.extents[-1]
    chosen = ("bilinear" if n >= 10 else "direct") if method is None else str(method).lower()
    if chosen == "direct":
        whole = np.eye(n * n) - np.kron(x, np.conj(x))
        return np.reshape(nf.solve(whole, np.ravel(y)), (n, n))
    if chosen != "bilinear":
        fail(ArgumentError, f"Unknown solver {method}")
    eye = nf.identity_like(x)
    more = x + eye
    b = nf.adjoint(nf.solved(more, x - eye))
    right = 2 * nf.adjoint(nf.solved(more, nf.adjoint(nf.solved(more, y))))
    return _sylvester(nf.adjoint(b), b, -right)


def _names(module: str, *rules: Rule) -> dict[tuple[str, str], Rule]:
    return {(f"scipy.linalg.{module}", f.__name__): f for f in rules}


RULES: dict[tuple[str, str], Rule] = {
    **_names("_matfuncs", expm, cosm, sinm, tanm, coshm, sinhm, tanhm, sqrtm, signm, logm, fractional_matrix_power,
             funm),
    ("scipy.sparse.linalg._matfuncs", "expm"): expm,
    ("scipy.sparse.linalg._expm_multiply", "expm_multiply"): expm_multiply,
    **_names("_expm_frechet", expm_frechet), **_names("_decomp_polar", polar),
    **_names("_solvers", solve_sylvester, solve_continuous_lyapunov, solve_discrete_lyapunov),
}
