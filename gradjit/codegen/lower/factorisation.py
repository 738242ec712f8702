"""Factorisations: what they work on is written where the result stands, and LAPACK replaces it there.

LAPACK's matrices stand in columns. A result that has no memory yet gets such memory; where it must stand in rows, it is
copied there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ...ir import BOOL, I32, I64, OPS, Op, Value
from ..elements import Elements, Index, row_major
from ..loops import Buffer, Call, Node, View
from ..numbers import cost_of
from ..symbolic import reckoned
from .linalg import matrices

if TYPE_CHECKING:
    from ..tasks import Lowering

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

    A value that is asked for memory is asked for rows: somebody reads it in another shape. axes: see `OpSpec.matrix`.
    """

    def __init__(self, low: Lowering, axes: int, like: Value, value: Value | None = None):
        self.low, self.value, self.axes = low, value, axes
        free = value is not None and value not in low.elements.views and value not in low.memory
        self.home = value if value is not None and free else Value(like.type, None, 0)
        shape, strides = self.strides(like.type.extents)
        buffer = Buffer(f"w{len(low.workspace)}", like.dtype, shape, "workspace")
        low.workspace.append(buffer)
        self.view = View(buffer, 0, strides, tuple(like.type.extents))
        low.elements.views[self.home] = self.view

    def strides(self, extents: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The shape of the memory, and where the elements of each axis stand in it."""
        stack, (m, n, *parts) = extents[:-self.axes], extents[-self.axes:]
        strides = row_major((*stack, n, m, *parts))
        columns, rows, *inner = strides[len(stack):]
        return (*stack, n, m, *parts), (*strides[:len(stack)], rows, columns, *inner)

    def filled(self, x: Value, compare: str | None = None) -> InColumns:
        """With x's elements, or those of a triangle of it."""
        self.low.task("map", self.home, self.view, x.type.extents, None,
                      whole(x) if compare is None else triangle(compare, x, self.axes - 2))
        return self

    def finish(self) -> None:
        if self.value is not None and self.home is not self.value:
            self.low.copy(self.value, self.home)


class Matrices:
    """What an operation on matrices, real ones or such of pairs, works on."""

    def __init__(self, low: Lowering, op: Op):
        self.low, self.op = low, op
        self.axes = OPS[op.name].matrix
        self.parts = self.axes - 1
        """How many floats a number is."""

    def extents(self, v: Value) -> tuple[int, int]:
        m, n, *_ = v.type.extents[-self.axes:]
        return m, n

    def columns(self, like: Value, value: Value | None = None) -> InColumns:
        return InColumns(self.low, self.axes, like, value)

    def standing(self, a: Value) -> tuple[View, Value]:
        """A matrix whose columns stand along memory."""
        view, n, stack = self.low.need(a), a.type.rank, a.type.rank - self.axes
        rows, columns, *parts = view.strides[stack:]
        m = view.shape[stack]
        if rows == self.parts and parts in ([], [1]) and (columns == m * rows or columns >= m * rows):
            return view, a
        return self.low.pack(a, (*range(stack), stack + 1, stack, *range(stack + 2, n)))

    def space(self, numbers: int) -> View:
        """A routine's own memory."""
        return self.low.scratch(self.op.operands[0].dtype, self.parts * numbers)

    def call(self, reads: Sequence[View], writes: Sequence[View], share: int, **attrs: Any) -> Call:
        """share: how often the work of a solution it takes."""
        return Call(self.op.name, tuple(reads), tuple(writes), {**self.op.attrs, **attrs}, self.op.loc,
                    share * work_of(self.op))


def work_of(op: Op) -> float:
    """So much for each element, of right-hand sides too, and the length of a line."""
    t, axes = op.operands[0].type, OPS[op.name].matrix
    size = max(reckoned(t.size), reckoned(op.result.type.size) if len(op.results) == 1 else 0)
    return cost_of(op.name) * (axes - 1) * size * (1 + reckoned(t.extents[1 - axes]) / 32)


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
    call = Call("cholesky_cotangent", (view, made), (made,), {}, op.loc, 2 * work_of(op))
    low.call(op.result, call, [home])


def _triangular_solve(low: Lowering, op: Op) -> None:
    a, x = op.operands
    view, home = matrix(low, a)
    made = in_rows(low, op.result, whole(x))
    low.call(op.result, Call("triangular_solve", (view, made), (made,), dict(op.attrs), op.loc, work_of(op)), [home])


def _lu(low: Lowering, op: Op) -> None:
    lu, pivots, order = op.results
    matrices = Matrices(low, op)
    made = matrices.columns(lu, lu).filled(op.operands[0])
    writes = (made.view, low.view_of(pivots), *([low.view_of(order)] if is_read(low, order) else []))
    low.call((made.home, pivots, order), matrices.call((made.view,), writes, 1), [])
    made.finish()


def _lu_solve(low: Lowering, op: Op) -> None:
    _, lu, pivots, b = op.operands
    matrices = Matrices(low, op)
    (factors, home), moved = matrices.standing(lu), low.need(pivots)
    made = matrices.columns(op.result, op.result).filled(b)
    low.call(made.home, matrices.call((factors, moved, made.view), (made.view,), 1), [home, pivots])
    made.finish()


def _eigh(low: Lowering, op: Op) -> None:
    w, v = op.results
    matrices, vectors = Matrices(low, op), is_read(low, v)
    n, _ = matrices.extents(v)
    made = matrices.columns(v, v if vectors else None).filled(op.operands[0])
    if matrices.parts == 2:
        spare = [matrices.space(2 * n + n * n if vectors else n + 1 + 64 * n),
                 low.scratch(v.dtype, 1 + 5 * n + 2 * n * n if vectors else n + 1)]
    else:
        spare = [matrices.space(1 + 6 * n + 2 * n * n if vectors else 2 * n + 1 + 64 * n)]
    writes = (made.view, low.view_of(w), *spare, low.scratch(I32, 3 + 5 * n if vectors else 1))
    low.call((made.home, w), matrices.call((made.view,), writes, 8, vectors=vectors), [])
    made.finish()


def _svd(low: Lowering, op: Op) -> None:
    (a,), (u, s, vt) = op.operands, op.results
    matrices, vectors = Matrices(low, op), is_read(low, u) or is_read(low, vt)
    used = matrices.columns(a).filled(a)
    sides = [matrices.columns(v, v) for v in (u, vt)] if vectors else []
    spare = svd_spaces(matrices, *matrices.extents(a), s.shape[-1], vectors)
    writes = (used.view, low.view_of(s), *spare, *(side.view for side in sides))
    call = matrices.call((used.view,), writes, 16, vectors=vectors)
    low.call((used.home, s, *(side.home for side in sides)), call, [])
    for side in sides:
        side.finish()


def svd_spaces(matrices: Matrices, m: int, n: int, k: int, vectors: bool) -> list[View]:
    """What gesdd works with: as LAPACK's documentation asks for, and blocks of 64 columns."""
    low, dtype = matrices.low, matrices.op.operands[0].dtype
    if matrices.parts == 2:
        spaces = [matrices.space((k * k if vectors else 0) + 4 * k + 65 * (m + n) + 1),
                  low.scratch(dtype, (7 * k * k + 2 * (m + n) * k if vectors else 0) + 8 * k + 1)]
    else:
        spaces = [matrices.space((4 * k * k if vectors else 0) + 10 * k + 65 * (m + n) + 1)]
    return [*spaces, low.scratch(I32, 8 * k)]


def _qr(low: Lowering, op: Op) -> None:
    (a,), (q, r) = op.operands, op.results
    matrices = Matrices(low, op)
    (m, n), (_, inner) = matrices.extents(a), matrices.extents(q)
    k = m if op.attrs["wide"] else n
    made, wide = matrices.columns(a).filled(a), matrices.columns(q, q)
    writes = (made.view, wide.view, matrices.space(k + 64 * (n + inner) + 1))
    low.call((made.home, wide.home), matrices.call((made.view,), writes, 4), [])
    low.task("map", r, low.view_of(r), r.type.extents, None, triangle("le", made.home, matrices.axes - 2))
    wide.finish()


def eig(low: Lowering, op: Op) -> None:
    (a,), (*values, v) = op.operands, op.results
    matrices, vectors = Matrices(low, op), is_read(low, v)
    n, _ = matrices.extents(v)
    used, made = matrices.columns(a).filled(a), matrices.columns(v, v) if vectors else None
    spare = [matrices.space(66 * n + 1), *([low.scratch(v.dtype, 2 * n + 1)] if matrices.parts == 2 else [])]
    writes = (used.view, *map(low.view_of, values), *spare, *(() if made is None else (made.view,)))
    call = matrices.call((used.view,), writes, 16)
    low.call((used.home, *values, *(() if made is None else (made.home,))), call, [])
    if made is not None:
        made.finish()


def _sylvester(low: Lowering, op: Op) -> None:
    a, b, q = op.operands
    matrices = Matrices(low, op)
    (m, n), parts = matrices.extents(q), matrices.parts
    both = [matrices.columns(v).filled(v) for v in (a, b)]
    made = matrices.columns(op.result, op.result).filled(q)
    vectors = [matrices.columns(v) for v in (a, b)]
    spare = low.scratch(q.dtype, parts * m * n + (1 + parts) * (m + n) + parts * (6 * (m + n) + 2))
    views = [x.view for x in (*both, *vectors)]
    call = matrices.call((*views[:2], made.view), (made.view, *views, spare), 32)
    low.call((made.home, *(x.home for x in (*both, *vectors))), call, [])
    made.finish()


OF_BOTH = {"lu": _lu, "eigh": _eigh, "svd": _svd, "qr": _qr, "sylvester": _sylvester}
"""Of real matrices and of complex ones."""
TASKS = {"cholesky": _cholesky, "cholesky_cotangent": _cholesky_cotangent, "triangular_solve": _triangular_solve,
         "lu_solve": _lu_solve, **OF_BOTH}


def known(e: Elements, op: Op, index: Index) -> Node:
    """What has been computed already."""
    return e.at(op.operands[0], index)


ELEMENT = dict.fromkeys(("det", "pinv", "sqrtm"), known)
