"""LAPACK's routines for complex matrices, so far as they are not those for real ones with other letters."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from .. import llvm
from ..loops import Call
from . import lapack
from .blas import matrix
from .lapack import COMPLEX, LAPACK, NOT_POSITIVE, UNITARY, Routines

if TYPE_CHECKING:
    from ..emit import Emitter


def cholesky(e: Emitter, call: Call) -> None:
    """The lower triangle of a matrix replaced by its factor."""
    (out,), run = call.writes, Routines(e, call)
    n = run.integer(run.extents(out)[0])

    def one(index: list[llvm.Value]) -> None:
        info = run.info()
        run("lapack", "potrf", "L", n, matrix(e, out, index), run.leading(out), info)
        run.check(info, NOT_POSITIVE)

    run.each(one)


def triangular_solve(e: Emitter, call: Call) -> None:
    """x replaced by the solution."""
    (a, _), (x,), run, attrs = call.reads, call.writes, Routines(e, call), call.attrs
    n, m = map(run.integer, run.extents(x))
    uplo, trans, unit = "L" if attrs["lower"] else "U", "C" if attrs["adjoint"] else "N", "U" if attrs["unit"] else "N"

    def one(index: list[llvm.Value]) -> None:
        factor = matrix(e, a, index)
        if attrs["checked"] and not attrs["unit"]:
            run.nonzero_diagonal(a, factor)
        run("blas", "trsm", "L", uplo, trans, unit, n, m, run.number(1.0), factor, run.leading(a),
            matrix(e, x, index), run.leading(x))

    run.each(one)


ROUTINES: dict[str, Callable[[Emitter, Call], None]] = {
    "complex_cholesky": cholesky, "complex_triangular_solve": triangular_solve, "complex_solve": lapack.lu_solve,
    "complex_eig": lapack.eig, **{f"complex_{name}": routine for name, routine in lapack.OF_BOTH.items()},
}
STACKS = {**dict.fromkeys(ROUTINES, lapack.stack_of_matrices), "complex_triangular_solve": lapack.stack_of_solves,
          "complex_solve": lapack.stack_of_solves}
SYMBOLS = {
    **{f"gradjit.lapack.{p}{n}": ("scipy.linalg.cython_lapack", f"{p}{n}") for p in COMPLEX.values()
       for n in (UNITARY.get(name, name) for name in LAPACK)},
    **{f"gradjit.blas.{p}{n}": ("scipy.linalg.cython_blas", f"{p}{n}") for p in COMPLEX.values()
       for n in ("trsm", "gemm")},
}
"""Where the routines are found."""
