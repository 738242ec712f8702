"""Cholesky's factorisation of matrices of some rows, and its reverse, in panels of few columns that stay in registers.

LAPACK's routines need some microseconds for such matrices before they begin. Both are functions of their own, once in a
module and for each dtype; L is the factor, whose rows stand along memory:

    i32 factor(ptr a, i64 a_row, i64 n)                  the lower triangle replaced by L; 1 if a pivot is not positive
    void reverse(ptr l, i64 l_row, ptr g, i64 g_row, i64 n)  the cotangent of L replaced by that of the matrix

A panel is as wide as some vectors. What stands below its square is worked on in tiles of rows; where the last tile has
too many, its last row is computed several times, to the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .. import llvm
from ..vecmath.lanes import I32, I64, suffix_of
from .shuffles import across, chosen

PTR = llvm.PointerType()
BYTES = 32
"""Of a vector; where the machine's are shorter, LLVM takes several."""
MOST = 128
"""Rows of a matrix: so many fit into the memory of `factor`."""

Rows = list[list[llvm.Value]]
"""For each row its vectors."""


class PanelFunction:
    """Emits one of the functions. element: the type of a number."""

    def __init__(self, fn: llvm.Function, element: llvm.Type):
        self.fn, self.element = fn, element
        self.b = llvm.IRBuilder(fn.append_basic_block("entry"))
        self.itemsize = 8 if isinstance(element, llvm.DoubleType) else 4
        self.lanes = BYTES // self.itemsize
        self.width = max(self.lanes, 8)
        """Columns of a panel; rows of a tile are as many as lanes."""
        self.kind = llvm.VectorType(element, self.lanes)
        self.vectors = range(0, self.width, self.lanes)
        """Where the vectors of a panel's row begin."""
        self.square, self.other, self.inverses = (
            self.b.alloca(llvm.ArrayType(element, size), align=BYTES)
            for size in (self.width**2, self.width**2, self.width))

    def run(self) -> None:
        raise NotImplementedError

    # control ----------------------------------------------------------------------------------------------------------
    def loop(self, lo: llvm.Value, hi: llvm.Value, body: Callable[..., Rows | None], state: Rows | None = None,
             step: int = 1) -> Rows:
        """`body(k, state)` for k from lo to hi; what it gives is the next one's state, and in the end the result."""
        b, state = self.b, state or []
        before, head, inside, done = b.block, *(b.append_basic_block(name) for name in ("head", "inside", "done"))
        b.branch(head)
        b.position_at_end(head)
        k = b.phi(I64)
        carried = [[b.phi(v.type) for v in row] for row in state]
        b.cbranch(b.icmp_signed("<", k, hi), inside, done)
        b.position_at_end(inside)
        following = body(k, carried) if state else body(k)
        k.add_incoming(lo, before)
        k.add_incoming(b.add(k, I64(step)), b.block)
        for phis, first, later in zip(carried, state, following or [], strict=True):
            for phi, v, w in zip(phis, first, later, strict=True):
                phi.add_incoming(v, before)
                phi.add_incoming(w, b.block)
        b.branch(head)
        b.position_at_end(done)
        return [list(row) for row in carried]

    def least(self, x: llvm.Value, y: llvm.Value) -> llvm.Value:
        return self.b.select(self.b.icmp_signed("<", x, y), x, y)

    # memory -----------------------------------------------------------------------------------------------------------
    def at(self, m: llvm.Value, far: llvm.Value, row: llvm.Value, column: llvm.Value) -> llvm.Value:
        return self.b.gep(m, [self.b.add(self.b.mul(row, far), column)], of=self.element)

    def behind(self, p: llvm.Value, k: llvm.Value | int) -> llvm.Value:
        return self.b.gep(p, [I64(k) if isinstance(k, int) else k], of=self.element)

    def number(self, p: llvm.Value) -> llvm.Value:
        return self.b.load(p, type=self.element, align=self.itemsize)

    def put(self, x: llvm.Value, p: llvm.Value) -> None:
        self.b.store(x, p, align=self.itemsize)

    def vector(self, p: llvm.Value) -> llvm.Value:
        return self.b.load(p, type=self.kind, align=self.itemsize)

    def row(self, p: llvm.Value) -> list[llvm.Value]:
        """A panel's row."""
        return [self.vector(self.behind(p, v)) for v in self.vectors]

    def put_row(self, row: Sequence[llvm.Value], p: llvm.Value) -> None:
        for v, x in zip(self.vectors, row, strict=True):
            self.put(x, self.behind(p, v))

    def everywhere(self, p: llvm.Value) -> llvm.Value:
        """A number from memory in all lanes."""
        undefined = llvm.Constant(self.kind, llvm.UNDEFINED)
        return chosen(self.b, self.b.insert_element(undefined, self.number(p), I32(0)), undefined, [0] * self.lanes)

    def tile(self, m: llvm.Value, far: llvm.Value, first: llvm.Value, end: llvm.Value,
             column: llvm.Value) -> list[llvm.Value]:
        """The places of some rows of a matrix, of which none is behind the last one before `end`."""
        last = self.b.sub(end, I64(1))
        return [self.at(m, far, self.least(self.b.add(first, I64(r)), last), column) for r in range(self.lanes)]

    # arithmetic -------------------------------------------------------------------------------------------------------
    def lane(self, row: Sequence[llvm.Value], k: int) -> llvm.Value:
        """A row's number in all lanes."""
        v = row[k // self.lanes]
        return chosen(self.b, v, v, [k % self.lanes] * self.lanes)

    def less(self, x: llvm.Value, y: llvm.Value, z: llvm.Value) -> llvm.Value:
        """x - y z, rounded once where the machine can."""
        name = f"llvm.fmuladd.{suffix_of(x.type)}"
        fn = self.b.module.declared(name, llvm.FunctionType(x.type, [x.type] * 3))
        return self.b.call(fn, [self.b.fneg(y), z, x])

    def less_product(self, rows: Rows, factors: Sequence[llvm.Value], by: Sequence[llvm.Value]) -> Rows:
        """rows - factors by'"""
        return [[self.less(x, f, y) for x, y in zip(row, by, strict=True)]
                for row, f in zip(rows, factors, strict=True)]

    def columns(self, rows: Rows) -> list[llvm.Value]:
        """The columns of a tile."""
        return [c for vectors in zip(*rows, strict=True) for c in across(self.b, vectors)]

    def rows_of(self, columns: Sequence[llvm.Value]) -> Rows:
        squares = [across(self.b, columns[v:v + self.lanes]) for v in self.vectors]
        return [list(row) for row in zip(*squares, strict=True)]

    def in_square(self, row: int, column: int) -> llvm.Value:
        return self.behind(self.square, row * self.width + column)

    def divided(self, places: Sequence[llvm.Value], rows: Rows, order: Sequence[int],
                weight: Callable[[int, int], llvm.Value]) -> None:
        """Rows x with x t = rows, for a triangle t whose elements stand at `weight(row, column)`, stored. order: in
        which the columns are found."""
        columns = self.columns(rows)
        for k, c in enumerate(order):
            for d in order[:k]:
                columns[c] = self.less(columns[c], columns[d], self.everywhere(weight(d, c)))
            columns[c] = self.b.fmul(columns[c], self.everywhere(self.behind(self.inverses, c)))
        for p, row in zip(places, self.rows_of(columns), strict=True):
            self.put_row(row, p)

    def unit_behind(self, size: llvm.Value) -> None:
        """The square's rows and columns from `size` on as those of a unit matrix."""
        def pad(r: llvm.Value) -> None:
            def element(c: llvm.Value) -> None:
                for row, column in ((r, c), (c, r)):
                    self.put(self.element(0.0), self.at(self.square, I64(self.width), row, column))

            self.loop(I64(0), I64(self.width), element)
            self.put(self.element(1.0), self.at(self.square, I64(self.width), r, r))

        self.loop(size, I64(self.width), pad)

    def below_diagonal(self, size: llvm.Value, body: Callable[[llvm.Value, llvm.Value], None]) -> None:
        """`body(row, column)` of the lower triangle of a square."""
        self.loop(I64(0), size, lambda r: self.loop(
            I64(0), self.b.add(r, I64(1)), lambda c: body(r, c)) and None)


class Factor(PanelFunction):
    """The square of a panel is factorised as the upper triangle U = L', in whose rows vectors run."""

    def run(self) -> None:
        b = self.b
        self.a, self.far, self.n = self.fn.args
        self.packed = b.alloca(llvm.ArrayType(self.element, MOST * self.width), align=BYTES)
        self.loop(I64(0), self.n, self.panel, step=self.width)
        self.b.ret(I32(0))

    def panel(self, j: llvm.Value) -> None:
        b = self.b
        size = self.least(I64(self.width), b.sub(self.n, j))
        self.loop(I64(0), j, lambda k: self.pack(j, k), step=self.lanes)
        corner = self.at(self.a, self.far, j, j)

        def take(r: llvm.Value, c: llvm.Value) -> None:
            x = self.number(self.at(corner, self.far, r, c))
            self.put(x, self.at(self.square, I64(self.width), c, r))

        self.below_diagonal(size, take)
        for first in self.vectors:
            rows = self.tile(self.a, self.far, b.add(j, I64(first)), self.n, I64(0))
            places = [self.in_square(first + r, 0) for r in range(self.lanes)]
            for p, row in zip(places, self.without_known([self.row(p) for p in places], rows, j), strict=True):
                self.put_row(row, p)
        self.unit_behind(size)
        self.factorise()

        def give(r: llvm.Value, c: llvm.Value) -> None:
            x = self.number(self.at(self.square, I64(self.width), c, r))
            self.put(x, self.at(corner, self.far, r, c))

        self.below_diagonal(size, give)
        self.loop(self.b.add(j, I64(self.width)), self.n, lambda i: self.below(i, j), step=self.lanes)

    def pack(self, j: llvm.Value, k: llvm.Value) -> None:
        """The known elements of the panel's rows, of each column side by side."""
        for first in self.vectors:
            places = self.tile(self.a, self.far, self.b.add(j, I64(first)), self.n, k)
            for c, v in enumerate(across(self.b, [self.vector(p) for p in places])):
                self.put(v, self.at(self.packed, I64(self.width), self.b.add(k, I64(c)), I64(first)))

    def without_known(self, tile: Rows, rows: Sequence[llvm.Value], j: llvm.Value) -> Rows:
        """The tile without the products of what is known of its rows and of the panel's. rows: where they begin."""
        def body(k: llvm.Value, tile: Rows) -> Rows:
            by = self.row(self.at(self.packed, I64(self.width), k, I64(0)))
            return self.less_product(tile, [self.everywhere(self.behind(p, k)) for p in rows], by)

        return self.loop(I64(0), j, body, tile)

    def factorise(self) -> None:
        b = self.b
        root = b.module.declared(f"llvm.sqrt.{suffix_of(self.element)}",
                                 llvm.FunctionType(self.element, [self.element]))
        rows = [self.row(self.in_square(r, 0)) for r in range(self.width)]
        for c in range(self.width):
            pivot = b.extract_element(rows[c][c // self.lanes], I32(c % self.lanes))
            with b.if_rare(b.fcmp_ordered("<=", pivot, self.element(0.0))):  # nan goes on, as in LAPACK
                b.ret(I32(1))
            inverse = b.fdiv(self.element(1.0), b.call(root, [pivot]))
            self.put(inverse, self.behind(self.inverses, c))
            by = self.everywhere(self.behind(self.inverses, c))
            rows[c] = [b.fmul(x, by) for x in rows[c]]
            self.put_row(rows[c], self.in_square(c, 0))
            for r in range(c + 1, self.width):
                rows[r:r + 1] = self.less_product([rows[r]], [self.lane(rows[c], r)], rows[c])

    def below(self, i: llvm.Value, j: llvm.Value) -> None:
        rows, places = (self.tile(self.a, self.far, i, self.n, column) for column in (I64(0), j))
        tile = self.without_known([self.row(p) for p in places], rows, j)
        self.divided(places, tile, range(self.width), self.in_square)


class Reverse(PanelFunction):
    """With blocks of rows R D of the factor and B C below them, and cotangents of each:

        C' := C' D^-1;  B' -= C' R;  D' -= C'^T C;  D' := reverse of D alone;  R' -= C'^T B + (D' + D'^T) R

    for panel after panel from the last (I. Murray, Differentiation of the Cholesky decomposition, 2016).
    """

    def run(self) -> None:
        b = self.b
        self.l, self.l_far, self.g, self.g_far, self.n = self.fn.args
        count = b.udiv(b.add(self.n, I64(self.width - 1)), I64(self.width))
        self.loop(I64(0), count, lambda q: self.panel(
            self.b.mul(self.b.sub(self.b.sub(count, I64(1)), q), I64(self.width))))
        self.b.ret_void()

    def panel(self, j: llvm.Value) -> None:
        size = self.least(I64(self.width), self.b.sub(self.n, j))
        end = self.b.add(j, size)
        corner, wide = self.at(self.g, self.g_far, j, j), I64(self.width)
        for k in range(0, self.width**2, self.lanes):
            for m in (self.square, self.other):
                self.put(llvm.Constant(self.kind, None), self.behind(m, k))

        def take(r: llvm.Value, c: llvm.Value) -> None:
            known = self.at(self.at(self.l, self.l_far, j, j), self.l_far, r, c)
            self.put(self.number(known), self.at(self.square, wide, r, c))
            self.put(self.number(self.at(corner, self.g_far, r, c)), self.at(self.other, wide, r, c))

        self.below_diagonal(size, take)
        self.unit_behind(size)
        for c in range(self.width):
            inverse = self.b.fdiv(self.element(1.0), self.number(self.in_square(c, c)))
            self.put(inverse, self.behind(self.inverses, c))
        self.loop(end, self.n, lambda i: self.below(i, j), step=self.lanes)
        for first in self.vectors:
            self.of_square(first, j, end)
        self.alone()

        def give(r: llvm.Value) -> None:
            def element(c: llvm.Value) -> None:
                self.put(self.number(self.at(self.other, wide, r, c)), self.at(corner, self.g_far, r, c))

            after = self.b.add(r, I64(1))
            self.loop(I64(0), after, element)
            self.loop(after, self.b.sub(self.n, j),
                      lambda c: self.put(self.element(0.0), self.at(corner, self.g_far, r, c)))

        self.loop(I64(0), size, give)
        self.mirror()
        self.loop(I64(0), j, lambda c: self.loop(
            I64(0), size, lambda r: self.left(j, size, r, c), step=self.lanes) and None, step=self.width)

    def below(self, i: llvm.Value, j: llvm.Value) -> None:
        """C' and B' of some rows."""
        places = self.tile(self.g, self.g_far, i, self.n, j)
        self.divided(places, [self.row(p) for p in places], range(self.width - 1, -1, -1), self.in_square)
        lines = self.tile(self.g, self.g_far, i, self.n, I64(0))

        def part(c: llvm.Value) -> None:
            tile = [self.row(self.behind(p, c)) for p in lines]
            for k in range(self.width):
                by = self.row(self.at(self.l, self.l_far, self.b.add(j, I64(k)), c))
                tile = self.less_product(tile, [self.everywhere(self.behind(p, k)) for p in places], by)
            for p, row in zip(lines, tile, strict=True):
                self.put_row(row, self.behind(p, c))

        self.loop(I64(0), j, part, step=self.width)

    def of_square(self, first: int, j: llvm.Value, end: llvm.Value) -> None:
        """Some rows of D'."""
        places = [self.behind(self.other, (first + r) * self.width) for r in range(self.lanes)]

        def body(i: llvm.Value, tile: Rows) -> Rows:
            known, mine = (self.at(m, far, i, j) for m, far in ((self.l, self.l_far), (self.g, self.g_far)))
            factors = [self.everywhere(self.behind(mine, first + r)) for r in range(self.lanes)]
            return self.less_product(tile, factors, self.row(known))

        for p, row in zip(places, self.loop(end, self.n, body, [self.row(p) for p in places]), strict=True):
            self.put_row(row, p)

    def alone(self) -> None:
        """D' where only D is looked at: row by row from the last, with the column below each."""
        b, width = self.b, self.width
        known = [self.row(self.in_square(r, 0)) for r in range(width)]
        own = [self.row(self.behind(self.other, r * width)) for r in range(width)]
        for p in range(width - 1, -1, -1):
            inverse = self.everywhere(self.behind(self.inverses, p))
            factors = [b.fmul(self.lane(own[r], p), inverse) for r in range(p + 1, width)]
            total, row = self.lane(own[p], p), own[p]
            for r, f in zip(range(p + 1, width), factors, strict=True):
                total = self.less(total, self.everywhere(self.in_square(r, p)), f)
                row = [self.less(x, f, y) for x, y in zip(row, known[r], strict=True)]
                own[r] = self.joined(p, [self.less(x, f, y) for x, y in zip(own[r], known[p], strict=True)], f, own[r])
            total = b.fmul(total, inverse)
            row = [self.less(x, total, y) for x, y in zip(row, known[p], strict=True)]
            half, zeros = llvm.Constant(self.kind, [0.5] * self.lanes), llvm.Constant(self.kind, None)
            own[p] = self.joined(p, row, b.fmul(total, half), [zeros] * len(row))
        for r, row in enumerate(own):
            self.put_row(row, self.behind(self.other, r * width))

    def joined(self, p: int, before: Sequence[llvm.Value], there: llvm.Value,
               behind: Sequence[llvm.Value]) -> list[llvm.Value]:
        """A row that is one before column p, another one behind it."""
        made = []
        for first, x, y in zip(self.vectors, before, behind, strict=True):
            v = chosen(self.b, x, y, [k if first + k < p else self.lanes + k for k in range(self.lanes)])
            at = [self.lanes + k if first + k == p else k for k in range(self.lanes)]
            made.append(chosen(self.b, v, there, at) if first <= p < first + self.lanes else v)
        return made

    def mirror(self) -> None:
        """The square as D' + D'^T."""
        rows = [self.row(self.behind(self.other, r * self.width)) for r in range(self.width)]
        for first in self.vectors:
            for c, v in enumerate(self.columns(rows[first:first + self.lanes])):
                row = rows[c][first // self.lanes]
                self.put(self.b.fadd(row, v), self.in_square(c, first))

    def left(self, j: llvm.Value, size: llvm.Value, r: llvm.Value, c: llvm.Value) -> None:
        """Some rows and columns of R'."""
        b, last = self.b, self.b.sub(size, I64(1))
        rows = [self.least(b.add(r, I64(k)), last) for k in range(self.lanes)]
        places = [self.at(self.g, self.g_far, b.add(j, k), c) for k in rows]

        def by_below(i: llvm.Value, tile: Rows) -> Rows:
            mine = self.at(self.g, self.g_far, i, j)
            return self.less_product(tile, [self.everywhere(self.behind(mine, k)) for k in rows],
                                     self.row(self.at(self.l, self.l_far, i, c)))

        def by_square(k: llvm.Value, tile: Rows) -> Rows:
            factors = [self.everywhere(self.at(self.square, I64(self.width), row, k)) for row in rows]
            return self.less_product(tile, factors, self.row(self.at(self.l, self.l_far, self.b.add(j, k), c)))

        tile = self.loop(b.add(j, size), self.n, by_below, [self.row(p) for p in places])
        for p, row in zip(places, self.loop(I64(0), size, by_square, tile), strict=True):
            self.put_row(row, p)


FACTOR, REVERSE = [PTR, I64, I64], [PTR, I64, PTR, I64, I64]


def panel_function(module: llvm.Module, emitter: type[PanelFunction], element: llvm.Type) -> llvm.Function:
    """The function of an emitter, once in a module."""
    name = f"gradjit.cholesky.{emitter.__name__.lower()}.{suffix_of(element)}"
    known = module.function(name)
    if known is not None:
        return known
    is_factor = emitter is Factor
    kind = llvm.FunctionType(I32 if is_factor else llvm.VoidType(), FACTOR if is_factor else REVERSE)
    fn = llvm.Function(module, kind, name, "internal", ("noinline", "nounwind"))
    for arg in fn.args:
        if arg.type is PTR:
            arg.attributes.append("noalias")
    emitter(fn, element).run()
    return fn
