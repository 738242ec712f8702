"""Complex matrices: LAPACK replaces what is written into memory where columns of pairs stand one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...ir import I32, Op, Value
from ..elements import Elements, Index, row_major
from ..loops import Call, Node, View
from .factorisation import InColumns, is_read, triangle, work_of

if TYPE_CHECKING:
    from ..tasks import Lowering


class PairsInColumns(InColumns):
    """Memory for a complex matrix that stands in columns."""

    behind = 1

    def strides(self, extents: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
        *stack, m, n, two = extents
        strides = row_major((*stack, n, m, two))
        return (*stack, n, m, two), (*strides[:-3], strides[-2], strides[-3], strides[-1])


def work(op: Op) -> float:
    return 4 * work_of(op)


def _cholesky(low: Lowering, op: Op) -> None:
    made = PairsInColumns(low, op.result, op.result)
    made.filled(op.operands[0], "ge")
    low.call(made.home, Call("complex_cholesky", (made.view,), (made.view,), {}, op.loc, work(op)), [])
    made.finish()


def _triangular_solve(low: Lowering, op: Op) -> None:
    a, x = op.operands
    factor, home = pairs_in_columns(low, a)
    made = PairsInColumns(low, op.result, op.result).filled(x)
    call = Call("complex_triangular_solve", (factor, made.view), (made.view,), dict(op.attrs), op.loc, work(op))
    low.call(made.home, call, [home])
    made.finish()


def _qr(low: Lowering, op: Op) -> None:
    (a,), (q, r) = op.operands, op.results
    m, n, inner = a.shape[-3], a.shape[-2], q.shape[-2]
    k = m if op.attrs["wide"] else n
    made, wide = PairsInColumns(low, a).filled(a), PairsInColumns(low, q, q)
    spare = low.scratch(a.dtype, 2 * (k + 64 * (n + inner) + 1))
    call = Call("complex_qr", (made.view,), (made.view, wide.view, spare), dict(op.attrs), op.loc, 4 * work(op))
    low.call((made.home, wide.home), call, [])
    low.task("map", r, low.view_of(r), r.type.extents, None, triangle("le", made.home, 1))
    wide.finish()


def _svd(low: Lowering, op: Op) -> None:
    (a,), (u, s, vt) = op.operands, op.results
    m, n, k = a.shape[-3], a.shape[-2], s.shape[-1]
    vectors = is_read(low, u) or is_read(low, vt)
    used = PairsInColumns(low, a).filled(a)
    sides = [PairsInColumns(low, v, v) for v in (u, vt)] if vectors else []
    spare = (low.scratch(a.dtype, 2 * ((k * k if vectors else 0) + 4 * k + 65 * (m + n) + 1)),
             low.scratch(a.dtype, (7 * k * k + 2 * (m + n) * k if vectors else 0) + 8 * k + 1), low.scratch(I32, 8 * k))
    writes = (used.view, low.view_of(s), *spare, *(side.view for side in sides))
    call = Call("complex_svd", (used.view,), writes, {**op.attrs, "vectors": vectors}, op.loc, 16 * work(op))
    low.call((used.home, s, *(side.home for side in sides)), call, [])
    for side in sides:
        side.finish()


def _lu(low: Lowering, op: Op) -> None:
    lu, pivots, order = op.results
    made = PairsInColumns(low, lu, lu).filled(op.operands[0])
    writes = (made.view, low.view_of(pivots), *([low.view_of(order)] if is_read(low, order) else []))
    low.call((made.home, pivots, order), Call("complex_lu", (made.view,), writes, {}, op.loc, work(op)), [])
    made.finish()


def pairs_in_columns(low: Lowering, a: Value) -> tuple[View, Value]:
    """A complex matrix whose columns stand along memory."""
    view, n = low.need(a), a.type.rank
    if view.strides[-1] == 1 and view.strides[-3] == 2 and view.strides[-2] >= 2 * max(view.shape[-3], 1):
        return view, a
    return low.pack(a, (*range(n - 3), n - 2, n - 3, n - 1))


def _solve(low: Lowering, op: Op) -> None:
    _, lu, pivots, b = op.operands
    (factors, home), moved = pairs_in_columns(low, lu), low.need(pivots)
    made = PairsInColumns(low, op.result, op.result).filled(b)
    call = Call("complex_solve", (factors, moved, made.view), (made.view,), dict(op.attrs), op.loc, work(op))
    low.call(made.home, call, [home, pivots])
    made.finish()


def _eigh(low: Lowering, op: Op) -> None:
    w, v = op.results
    n, dtype, vectors = v.shape[-2], v.dtype, is_read(low, v)
    made = PairsInColumns(low, v, v if vectors else None).filled(op.operands[0])
    spare = (low.scratch(dtype, 2 * (2 * n + n * n if vectors else n + 1 + 64 * n)),
             low.scratch(dtype, 1 + 5 * n + 2 * n * n if vectors else n + 1),
             low.scratch(I32, 3 + 5 * n if vectors else 1))
    call = Call("complex_eigh", (made.view,), (made.view, low.view_of(w), *spare), {**op.attrs, "vectors": vectors},
                op.loc, 8 * work(op))
    low.call((made.home, w), call, [])
    made.finish()


def _complex_eig(low: Lowering, op: Op) -> None:
    (a,), (w, v) = op.operands, op.results
    n, vectors = v.shape[-2], is_read(low, v)
    used = PairsInColumns(low, a).filled(a)
    made = PairsInColumns(low, v, v) if vectors else None
    spare = low.scratch(v.dtype, 2 * 66 * n + 2), low.scratch(v.dtype, 2 * n + 1)
    writes = (used.view, low.view_of(w), *spare, *(() if made is None else (made.view,)))
    call = Call("complex_eig", (used.view,), writes, {}, op.loc, 16 * work(op))
    low.call((used.home, w, *(() if made is None else (made.home,))), call, [])
    if made is not None:
        made.finish()


def _eig(low: Lowering, op: Op) -> None:
    (a,), (re, im, v) = op.operands, op.results
    vectors = is_read(low, v)
    used = InColumns(low, a).filled(a)
    made = InColumns(low, v, v) if vectors else None
    spare = low.scratch(v.dtype, 66 * v.shape[-1] + 1)
    writes = (used.view, low.view_of(re), low.view_of(im), spare, *(() if made is None else (made.view,)))
    call = Call("eig", (used.view,), writes, {}, op.loc, 16 * work_of(op))
    low.call((used.home, re, im, *(() if made is None else (made.home,))), call, [])
    if made is not None:
        made.finish()


def _sylvester(low: Lowering, op: Op) -> None:
    a, b, q = op.operands
    m, n = q.shape[-3:-1]
    both = [PairsInColumns(low, v).filled(v) for v in (a, b)]
    made = PairsInColumns(low, op.result, op.result).filled(q)
    vectors = [PairsInColumns(low, v) for v in (a, b)]
    spare = (low.scratch(q.dtype, 2 * m * n + 15 * (m + n) + 4),)
    views = [x.view for x in (*both, *vectors)]
    call = Call("complex_sylvester", (*views[:2], made.view), (made.view, *views, *spare), {}, op.loc, 32 * work(op))
    low.call((made.home, *(x.home for x in (*both, *vectors))), call, [])
    made.finish()


TASKS = {"complex_sylvester": _sylvester,
         "complex_cholesky": _cholesky, "complex_triangular_solve": _triangular_solve, "complex_qr": _qr,
         "complex_svd": _svd, "complex_lu": _lu, "complex_solve": _solve, "complex_eigh": _eigh,
         "complex_eig": _complex_eig, "eig": _eig}


def _known(e: Elements, op: Op, index: Index) -> Node:
    """What has been computed already."""
    return e.at(op.operands[0], index)


ELEMENT = dict.fromkeys(("complex_det", "complex_pinv", "complex_sqrtm", "eigenvalues", "eigenvectors"), _known)
