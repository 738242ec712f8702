"""Complex matrices: as real ones, with pairs for numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...ir import Op
from . import factorisation
from .factorisation import Matrices, known

if TYPE_CHECKING:
    from ..tasks import Lowering


def _cholesky(low: Lowering, op: Op) -> None:
    matrices = Matrices(low, op)
    made = matrices.columns(op.result, op.result).filled(op.operands[0], "ge")
    low.call(made.home, matrices.call((made.view,), (made.view,), 1), [])
    made.finish()


def _triangular_solve(low: Lowering, op: Op) -> None:
    a, x = op.operands
    matrices = Matrices(low, op)
    factor, home = matrices.standing(a)
    made = matrices.columns(op.result, op.result).filled(x)
    low.call(made.home, matrices.call((factor, made.view), (made.view,), 1), [home])
    made.finish()


TASKS = {
    "complex_cholesky": _cholesky, "complex_triangular_solve": _triangular_solve,
    "complex_solve": factorisation.TASKS["lu_solve"], "complex_eig": factorisation.eig, "eig": factorisation.eig,
    **{f"complex_{name}": task for name, task in factorisation.OF_BOTH.items()},
}
ELEMENT = dict.fromkeys(("complex_det", "complex_pinv", "complex_sqrtm", "eigenvalues", "eigenvectors"), known)
