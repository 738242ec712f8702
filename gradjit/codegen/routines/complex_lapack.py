"""LAPACK's routines for complex matrices, and for the eigenvalues of real ones that are not symmetric."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ...errors import LinAlgError
from ...ir.ops.factorisation import SINGULAR
from .. import llvm
from ..emit_control import when
from ..failures import Check, note
from ..loops import Call, View
from ..vecmath.lanes import I64
from .blas import line, matrix, over
from .lapack import Routines, each

if TYPE_CHECKING:
    from ..emit import Emitter

COMPLEX = {"d": "z", "s": "c"}
NOT_FOUND = "Eigenvalues did not converge"


class ComplexRoutines(Routines):
    """Those for pairs of the element type."""

    def __init__(self, e: Emitter, call: Call):
        super().__init__(e, call)
        self.prefix = COMPLEX[self.prefix]

    def leading(self, v: View) -> llvm.Value:
        return self.line(line(v.strides[-2] // 2, v.shape[-3]))

    def nonzero_diagonal(self, v: View, first: llvm.Value) -> None:
        e, count = self.e, self.e.number(v.shape[-2])
        step, zero = e.number(v.strides[-2] + v.strides[-3]), self.element(0.0)

        def check(k: llvm.Value) -> None:
            at = e.b.mul(k, step)
            re, im = (e.b.load(e.b.gep(first, [place], of=self.element), type=self.element)
                      for place in (at, e.b.add(at, I64(1))))
            both = e.b.and_(e.b.fcmp_ordered("==", re, zero), e.b.fcmp_ordered("==", im, zero))
            note(e, Check(None, self.call.loc, SINGULAR, LinAlgError), both)

        with when(e, e.b.icmp_signed(">", count, I64(0))):
            e.iterate(I64(0), count, check)


def each_complex(e: Emitter, call: Call, body: Callable[[list[llvm.Value]], None]) -> None:
    """`body(index)` for each matrix of the stack."""
    over(e, call.writes[0].shape[:-3], body, call.work)


def lu(e: Emitter, call: Call) -> None:
    """A matrix replaced by its factors; the pivots."""
    (out, pivots), run = call.writes, ComplexRoutines(e, call)
    n = run.integer(out.shape[-2])

    def one(index: list[llvm.Value]) -> None:
        run("lapack", "getrf", n, n, matrix(e, out, index), run.leading(out), matrix(e, pivots, index), run.info())

    each_complex(e, call, one)


def solve(e: Emitter, call: Call) -> None:
    (lu, pivots, _), (x,), run = call.reads, call.writes, ComplexRoutines(e, call)
    n, m = map(run.integer, x.shape[-3:-1])

    def one(index: list[llvm.Value]) -> None:
        factors = matrix(e, lu, index)
        if call.attrs["checked"]:
            run.nonzero_diagonal(lu, factors)
        run("lapack", "getrs", "C" if call.attrs["adjoint"] else "N", n, m, factors, run.leading(lu),
            matrix(e, pivots, index), matrix(e, x, index), run.leading(x), run.info())

    each_complex(e, call, one)


def eigh(e: Emitter, call: Call) -> None:
    """A matrix replaced by its eigenvectors, if they are wanted."""
    (out, w, work, rwork, iwork), run = call.writes, ComplexRoutines(e, call)
    n = run.integer(out.shape[-2])

    def one(index: list[llvm.Value]) -> None:
        info = run.info()
        run("lapack", "heevd", "V" if call.attrs["vectors"] else "N", "L" if call.attrs["lower"] else "U", n,
            matrix(e, out, index), run.leading(out), matrix(e, w, index), run.scratch(work),
            run.integer(work.shape[0] // 2), run.scratch(rwork), run.integer(rwork.shape[0]), run.scratch(iwork),
            run.integer(iwork.shape[0]), info)
        run.check(info, NOT_FOUND)

    each_complex(e, call, one)


def complex_eig(e: Emitter, call: Call) -> None:
    """Eigenvalues, and eigenvectors if they are wanted. The matrix is used up."""
    (a, w, work, rwork, *vectors), run = call.writes, ComplexRoutines(e, call)
    n = run.integer(a.shape[-2])

    def one(index: list[llvm.Value]) -> None:
        info, at, far = run.info(), matrix(e, a, index), run.leading(a)
        right = matrix(e, vectors[0], index) if vectors else at
        run("lapack", "geev", "N", "V" if vectors else "N", n, at, far, matrix(e, w, index), at, far, right,
            run.leading(vectors[0]) if vectors else far, run.scratch(work), run.integer(work.shape[0] // 2),
            run.scratch(rwork), info)
        run.check(info, NOT_FOUND)

    each_complex(e, call, one)


def eig(e: Emitter, call: Call) -> None:
    (a, re, im, work, *vectors), run = call.writes, Routines(e, call)
    n = run.integer(a.shape[-1])

    def one(index: list[llvm.Value]) -> None:
        info, at, far = run.info(), matrix(e, a, index), run.leading(a)
        right = matrix(e, vectors[0], index) if vectors else at
        run("lapack", "geev", "N", "V" if vectors else "N", n, at, far, matrix(e, re, index), matrix(e, im, index), at,
            far, right, run.leading(vectors[0]) if vectors else far, run.scratch(work), run.integer(work.shape[0]),
            info)
        run.check(info, NOT_FOUND)

    each(e, call, one)


ROUTINES: dict[str, Callable[[Emitter, Call], None]] = {
    "complex_lu": lu, "complex_solve": solve, "complex_eigh": eigh, "complex_eig": complex_eig, "eig": eig,
}
SYMBOLS = {
    **{f"gradjit.lapack.{p}{n}": ("scipy.linalg.cython_lapack", f"{p}{n}") for p in COMPLEX.values()
       for n in ("getrf", "getrs", "heevd", "geev")},
    **{f"gradjit.lapack.{p}geev": ("scipy.linalg.cython_lapack", f"{p}geev") for p in COMPLEX},
}
"""Where the routines are found."""
