"""Factorisations: what they work on is written where the result stands, and LAPACK replaces it there.

LAPACK's matrices stand in columns. A result that has no memory yet gets such memory; where it must stand in rows, it is
copied there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ...ir import BOOL, I32, I64, Op, Value
from ..elements import Elements, Index, row_major
from ..loops import Buffer, Call, Node, View
from ..numbers import cost_of
from ..symbolic import reckoned
from .linalg import matrices

if TYPE_CHECKING:
    from ..tasks import Lowering

BLOCK = 64
"""The most rows of a block of `cholesky_cotangent`."""
Found = Callable[[Elements, Index], Node]


# what LAPACK works on -------------------------------------------------------------------------------------------------
def whole(x: Value) -> Found:
    return lambda e, i: e.at(x, i)


def triangle(compare: str, x: Value, behind: int = 0) -> Found:
    """x's element where `compare(row, column)` holds, and 0 elsewhere. behind: how many axes follow the matrix's."""
    def rule(e: Elements, i: Index) -> Node:
        row, column = (e.nodes.index(a, I64) for a in i[len(i) - behind - 2:len(i) - behind])
        inside = e.nodes.apply(compare, (row, column), BOOL)
        return e.nodes.apply("select", (inside, e.shown(e.at(x, i)), e.nodes.const(0, x.dtype)), x.dtype)

    return rule


class InColumns:
    """Memory for a matrix that stands in columns: that of `value`, or another that is copied there in the end.

    A value that is asked for memory is asked for rows: somebody reads it in another shape.
    """

    behind = 0
    """How many axes follow those of a matrix."""

    def __init__(self, low: Lowering, like: Value, value: Value | None = None):
        self.low, self.value = low, value
        free = value is not None and value not in low.elements.views and value not in low.memory
        self.home = value if value is not None and free else Value(like.type, None, 0)
        shape, strides = self.strides(like.type.extents)
        buffer = Buffer(f"w{len(low.workspace)}", like.dtype, shape, "workspace")
        low.workspace.append(buffer)
        self.view = View(buffer, 0, strides, tuple(like.type.extents))
        low.elements.views[self.home] = self.view

    def strides(self, extents: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The shape of the memory, and where the elements of each axis stand in it."""
        *stack, m, n = extents
        strides = row_major((*stack, n, m))
        return (*stack, n, m), (*strides[:-2], strides[-1], strides[-2])

    def filled(self, x: Value, compare: str | None = None) -> InColumns:
        """With x's elements, or those of a triangle of it."""
        self.low.task("map", self.home, self.view, x.type.extents, None,
                      whole(x) if compare is None else triangle(compare, x, self.behind))
        return self

    def finish(self) -> None:
        if self.value is not None and self.home is not self.value:
            self.low.copy(self.value, self.home)


def work_of(op: Op) -> float:
    """So much for each element and the length of a line."""
    t = op.operands[0].type
    return cost_of(op.name) * reckoned(t.size) * (1 + reckoned(t.extents[-1]) / 32)


def in_rows(low: Lowering, value: Value, found: Found) -> View:
    """The memory of a result that stands in rows, with elements for BLAS to work on."""
    target = low.view_of(value)
    low.task("map", value, target, value.type.extents, None, found)
    assert target.strides[-1] == 1 or target.shape[-1] == 1, "BLAS takes the lines of a result one after the other"
    return target


def matrix(low: Lowering, a: Value) -> tuple[View, Value]:
    """A stack of matrices with rows or columns along memory, and the value whose memory it is."""
    n = a.type.rank
    return matrices(low, a, tuple(range(n - 2)), (n - 2,), (n - 1,))


def matrix_in_rows(low: Lowering, a: Value) -> tuple[View, Value]:
    """One whose rows stand along memory."""
    view = low.need(a)
    if view.strides[-1] == 1 and (view.strides[-2] == view.shape[-1] or view.strides[-2] >= view.shape[-1]):
        return view, a
    return low.pack(a, tuple(range(a.type.rank)))


def matrix_in_columns(low: Lowering, a: Value) -> tuple[View, Value]:
    """One whose columns stand along memory."""
    view = low.need(a)
    if view.strides[-2] == 1 and (view.strides[-1] == view.shape[-2] or view.strides[-1] >= view.shape[-2]):
        return view, a
    n = a.type.rank
    return low.pack(a, (*range(n - 2), n - 1, n - 2))


def is_read(low: Lowering, v: Value) -> bool:
    """Whether anybody reads a result."""
    return v in low.func.results or any(v in op.operands for op in low.func.ops)


# the operations -------------------------------------------------------------------------------------------------------
def _cholesky(low: Lowering, op: Op) -> None:
    made = in_rows(low, op.result, triangle("ge", op.operands[0]))
    low.call(op.result, Call("cholesky", (made,), (made,), {}, op.loc, work_of(op)), [])


def _cholesky_cotangent(low: Lowering, op: Op) -> None:
    factor, g = op.operands
    view, home = matrix_in_rows(low, factor)
    made = in_rows(low, op.result, triangle("ge", g))
    call = Call("cholesky_cotangent", (view, made), (made, low.scratch(factor.dtype, BLOCK * BLOCK)), {}, op.loc,
                2 * work_of(op))
    low.call(op.result, call, [home])


def _triangular_solve(low: Lowering, op: Op) -> None:
    a, x = op.operands
    view, home = matrix(low, a)
    made = in_rows(low, op.result, whole(x))
    low.call(op.result, Call("triangular_solve", (view, made), (made,), dict(op.attrs), op.loc, work_of(op)), [home])


def _lu(low: Lowering, op: Op) -> None:
    lu, pivots, order = op.results
    made = InColumns(low, lu, lu).filled(op.operands[0])
    writes = (made.view, low.view_of(pivots), *([low.view_of(order)] if is_read(low, order) else []))
    low.call((made.home, pivots, order), Call("lu", (made.view,), writes, {}, op.loc, work_of(op)), [])
    made.finish()


def _lu_solve(low: Lowering, op: Op) -> None:
    _, lu, pivots, b = op.operands
    (factors, home), moved = matrix_in_columns(low, lu), low.need(pivots)
    made = InColumns(low, op.result, op.result).filled(b)
    call = Call("lu_solve", (factors, moved, made.view), (made.view,), dict(op.attrs), op.loc, work_of(op))
    low.call(made.home, call, [home, pivots])
    made.finish()


def _eigh(low: Lowering, op: Op) -> None:
    w, v = op.results
    n, dtype = v.shape[-1], v.dtype
    vectors = is_read(low, v)
    made = InColumns(low, v, v if vectors else None).filled(op.operands[0], "ge" if op.attrs["lower"] else "le")
    spare = (low.scratch(dtype, 1 + 6 * n + 2 * n * n if vectors else 2 * n + 1 + 64 * n),
             low.scratch(I32, 3 + 5 * n if vectors else 1))
    call = Call("eigh", (made.view,), (made.view, low.view_of(w), *spare), {**op.attrs, "vectors": vectors}, op.loc,
                8 * work_of(op))
    low.call((made.home, w), call, [])
    made.finish()


def _svd(low: Lowering, op: Op) -> None:
    (a,), (u, s, vt) = op.operands, op.results
    m, n, k = a.shape[-2], a.shape[-1], s.shape[-1]
    vectors = is_read(low, u) or is_read(low, vt)
    work = InColumns(low, a).filled(a)
    sides = [InColumns(low, v, v) for v in (u, vt)] if vectors else []
    spare = (low.scratch(a.dtype, svd_space(m, n, k, vectors)), low.scratch(I32, 8 * k))
    writes = (work.view, low.view_of(s), *spare, *(side.view for side in sides))
    call = Call("svd", (work.view,), writes, {**op.attrs, "vectors": vectors}, op.loc, 16 * work_of(op))
    low.call((work.home, s, *(side.home for side in sides)), call, [])
    for side in sides:
        side.finish()


def svd_space(m: int, n: int, k: int, vectors: bool) -> int:
    """Numbers that gesdd works with: what LAPACK's documentation asks for, and blocks of 64 columns."""
    return (4 * k * k if vectors else 0) + 10 * k + 65 * (m + n) + 1


def _qr(low: Lowering, op: Op) -> None:
    (a,), (q, r) = op.operands, op.results
    m, n, inner = a.shape[-2], a.shape[-1], q.shape[-1]
    k = m if op.attrs["wide"] else n
    made, wide = InColumns(low, a).filled(a), InColumns(low, q, q)
    spare = low.scratch(a.dtype, k + 64 * (n + inner) + 1)
    call = Call("qr", (made.view,), (made.view, wide.view, spare), dict(op.attrs), op.loc, 4 * work_of(op))
    low.call((made.home, wide.home), call, [])
    low.task("map", r, low.view_of(r), r.type.extents, None, triangle("le", made.home))
    wide.finish()


def _sylvester(low: Lowering, op: Op) -> None:
    a, b, q = op.operands
    m, n = q.shape[-2:]
    both = [InColumns(low, v).filled(v) for v in (a, b)]
    made = InColumns(low, op.result, op.result).filled(q)
    vectors = [InColumns(low, v) for v in (a, b)]
    spare = (low.scratch(q.dtype, 8 * (m + n) + m * n + 2),)
    views = [x.view for x in (*both, *vectors)]
    call = Call("sylvester", (*views[:2], made.view), (made.view, *views, *spare), {}, op.loc, 32 * work_of(op))
    low.call((made.home, *(x.home for x in (*both, *vectors))), call, [])
    made.finish()


TASKS = {"cholesky": _cholesky, "cholesky_cotangent": _cholesky_cotangent,
         "triangular_solve": _triangular_solve, "lu": _lu, "lu_solve": _lu_solve,
         "eigh": _eigh, "svd": _svd, "qr": _qr, "sylvester": _sylvester}


def _known(e: Elements, op: Op, index: Index) -> Node:
    """What has been computed already."""
    return e.at(op.operands[0], index)


ELEMENT = dict.fromkeys(("det", "pinv", "sqrtm"), _known)
