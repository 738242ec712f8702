"""Products of vectors in the iterations of a loop become one product of matrices, before the loop or behind it.

    for t: W = W + outer(u_t, v_t)  -->  for t: U[t] = u_t; V[t] = v_t    and then    W + Uᵀ V
    for t: y = A @ X[t]             -->  Y = X @ Aᵀ    and then    for t: y = Y[t]

The reverse of a recurrent network's step adds such a product to the cotangent of each weight matrix. One by one they
read and write the matrix in each iteration; together they are one product of two tall matrices, which BLAS does at full
speed. The same holds for products that sum over axes of their own, as in a step over a batch.

What is kept for the first: `u` and `v` of each iteration, `trip_count * (len(u) + len(v))` numbers; nothing for a
factor that is a row of an array from outside. Done where that is at most LARGEST bytes, for a known number of
iterations, and where the factors are at most 1/SMALLER of the matrix. A loop that adds up is a reduction: the order of
its terms may change.

The second is for rows that are there before the loop, and a matrix of LEAST elements or more; it keeps at most LARGEST
bytes, too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ..ir import Block, Builder, For, Func, Op, Value, walk
from ..ir.clone import Env, copy_op, new_block
from ..ir.core import map_attr, map_type
from ..ir.linear import Forms, atom, constant
from ..ir.ranges import range_length
from ..records import dataclass
from .fold import splat_of
from .vjp.adjoint_pairs import carry, complete, insert, result
from .vjp.linalg import ordered

LARGEST = 64 << 20
SMALLER = 4
LEAST = 256

Axes = tuple[int, ...]


@dataclass(frozen=True)
class OuterProduct:
    """A term of a sum: u and v contracted over `usum` and `vsum`; the axes that this leaves are the sum's `axes`."""

    u: Value
    v: Value
    usum: Axes
    vsum: Axes
    axes: Axes
    negative: bool


@dataclass(frozen=True)
class KnownTripCount:
    """A loop of a known number of iterations. Iteration number `k` has the index `least + k * stride`, in some
    order."""

    op: Op
    count: int
    least: int
    stride: int


def collect_outer_products(func: Func) -> Func:
    """The function with products added up in loops collected. `func` is not changed; itself where there are none."""
    if not any(op.name == "for" and known_trip_count(op) for op in walk(func.body)):
        return func
    env: Env = {}
    return Func(func.name, _block(func.body, env))


def _block(old: Block, env: Env) -> Block:
    fresh = new_block(old.params, env)
    b = Builder(fresh)
    for op in old.ops:
        if op.regions:
            _regions(b, op, env)
        else:
            copy_op(b, op, env)
    fresh.results = tuple(env.get(v, v) for v in old.results)
    return fresh


def _regions(b: Builder, op: Op, env: Env) -> None:
    """Copy an operation with regions, inner loops first."""
    def look(v: Value) -> Value:
        return env.get(v, v)

    regions = tuple(_block(r, dict(env)) for r in op.regions)
    attrs = {k: map_attr(a, look) for k, a in op.attrs.items()}
    new = Op(op.name, tuple(map(look, op.operands)), attrs, tuple(map_type(r.type, look) for r in op.results), regions,
             op.loc)
    b.block.ops.append(new)
    b.loc = op.loc
    env.update(zip(op.results, new.results, strict=True))
    for old, fresh in zip(op.results, new.results, strict=True):
        fresh.name = old.name
    counted = known_trip_count(new)
    if counted is not None:
        _ahead(b, counted)
        for k, total in _collect(b, counted).items():
            env[op.results[k]] = total
            total.name = total.name or op.results[k].name


def known_trip_count(op: Op) -> KnownTripCount | None:
    """What is known about a `for` that runs a known number of times, more than once."""
    if op.name != "for":
        return None
    lo, hi, step = map(constant, For(op).bounds)
    if lo is None or hi is None or not step:
        return None
    indices, count = range(lo, hi, step), range_length(lo, hi, step)
    return KnownTripCount(op, count, min(indices[0], indices[-1]), abs(step)) if count > 1 else None


# products that wait for nothing ---------------------------------------------------------------------------------------
def _ahead(b: Builder, counted: KnownTripCount) -> None:
    """Multiply all rows of an array before a loop, in place of one in each iteration."""
    (body,) = counted.op.regions
    rows = StackedIterations(counted, _defined(body))
    for op in [op for op in body.ops if op.name == "contract" and not op.attrs["xbatch"]]:
        row = _row_factor(rows, op)
        if row is None or op.result.type.size * op.result.dtype.itemsize * counted.count > LARGEST:
            continue
        before = Builder(Block(), op.loc)
        table = _multiplied(before, rows, op, row)
        insert(b.block, counted.op, before.block.ops)
        here = Builder(Block(), op.loc)
        shape = op.result.shape
        read = here.slice(table, starts=(rows.number(here), *(0 for _ in shape)), sizes=(1, *shape),
                          steps=(1,) * (1 + len(shape)))
        insert(body, op, here.block.ops)
        op.name, op.operands, op.attrs = "reshape", (read,), {"shape": shape}


def _row_factor(rows: StackedIterations, op: Op) -> int | None:
    """Which operand is the row of the iteration, the other being the same in all iterations. A row on the right is
    used up."""
    for k, v in enumerate(op.operands):
        other = op.operands[1 - k]
        is_used_up = k == 0 or len(op.attrs["ysum"]) == v.type.rank
        is_fixed = other not in rows.defined and other.type.is_static and other.type.size >= LEAST
        if is_fixed and is_used_up and v in rows.defined and rows.window(v) is not None:
            return k
    return None


def _multiplied(b: Builder, rows: StackedIterations, op: Op, row: int) -> Value:
    """The products of all rows, an iteration a row."""
    every, other = rows.of(b, op.operands[row]), op.operands[1 - row]
    own, others = (op.attrs["xsum"], op.attrs["ysum"])[::-1 if row else 1]
    return b.contract(every, other, xbatch=(), ybatch=(), xsum=tuple(a + 1 for a in own), ysum=others)


# what can be collected ------------------------------------------------------------------------------------------------
def _collect(b: Builder, counted: KnownTripCount) -> dict[int, Value]:
    """Take the products out of a loop; by position the results with them."""
    op = counted.op
    (body,) = op.regions
    uses = Counter(v for inner in walk(body) for v in (*inner.uses(), *_yields(inner)))
    uses.update(body.results)
    rows = StackedIterations(counted, _defined(body))
    found: dict[int, list[OuterProduct]] = {}
    for k, p in enumerate(For(op).params):
        terms = _terms(body.results[k], p, uses)
        products = [t for t in map(_product, terms) if isinstance(t, OuterProduct) and rows.may_take(t, p)]
        if products:
            found[k] = products
            _keep_rest(body, op, k, [t for t in terms if _product(t) not in products])
    return {k: _total(b, behind(op, k), products, rows) for k, products in found.items()}


def behind(op: Op, k: int) -> Value | None:
    """What a loop adds to besides; None where that is nothing, to zeros."""
    loop = For(op)
    is_unchanged = loop.yields[k] is loop.params[k]
    return None if is_unchanged and splat_of(loop.inits[k]) == 0 else op.results[k]


def _defined(body: Block) -> set[Value]:
    return {*body.params, *(r for inner in body.ops for r in inner.results)}


def _yields(op: Op) -> Iterator[Value]:
    for region in op.regions:
        yield from region.results


Term = tuple[Value, bool]
"""A value that is added, or subtracted."""


def _terms(total: Value, start: Value, uses: Counter[Value]) -> list[Term]:
    """What is added to `start` to get `total`, which nobody else reads on the way; nothing where that is not so."""
    found: list[Term] = []
    at = total
    while at is not start:
        op = at.op
        if op is None or uses[at] != 1 or op.name not in ("add", "sub"):
            return []
        x, y = op.operands
        if op.name == "add" and _leads(y, start):
            x, y = y, x
        found.append((y, op.name == "sub"))
        at = x
    return found if uses[start] == 1 else []


def _leads(v: Value, start: Value) -> bool:
    """Whether v is `start` with terms added to it."""
    while v is not start:
        if v.op is None or v.op.name not in ("add", "sub"):
            return False
        x, y = v.op.operands
        v = y if v.op.name == "add" and _leads(y, start) else x
    return True


def _product(term: Term) -> OuterProduct | None:
    """A term as a product, if it is one: a contraction, or an outer product written with broadcasts."""
    v, negative = term
    op = v.op
    while op is not None and op.name == "neg":
        v, negative = op.operands[0], not negative
        op = v.op
    if op is None:
        return None
    if op.name == "transpose":
        inner = _product((op.operands[0], negative))
        return None if inner is None else replace(inner, axes=tuple(map(op.attrs["perm"].index, inner.axes)))
    if op.name == "contract" and not op.attrs["xbatch"]:
        u, v = op.operands
        return OuterProduct(u, v, op.attrs["xsum"], op.attrs["ysum"], tuple(range(op.result.type.rank)), negative)
    if op.name != "mul":
        return None
    (x, xdims), (y, ydims) = map(_stretched, op.operands)
    if not xdims or not ydims or sorted((*xdims, *ydims)) != list(range(v.type.rank)):
        return None
    return OuterProduct(x, y, (), (), (*xdims, *ydims), negative)


def _stretched(v: Value) -> tuple[Value, Axes]:
    """A broadcast value before it was repeated, and its axes now; no axes where that is not so."""
    op = v.op
    if op is None or op.name != "broadcast":
        return v, ()
    x, dims = op.operands[0], op.attrs["dims"]
    return x, dims if all(x.shape[k] == v.shape[d] for k, d in enumerate(dims)) else ()


def _keep_rest(body: Block, op: Op, k: int, terms: Sequence[Term]) -> None:
    """The iteration adds only what is left."""
    b = Builder(body, op.loc)
    rest = For(op).params[k]
    for v, negative in reversed(terms):
        rest = b.sub(rest, v) if negative else b.add(rest, v)
    body.results = (*body.results[:k], rest, *body.results[k + 1:])


# the iterations' factors as rows --------------------------------------------------------------------------------------
class StackedIterations:
    """Arrays that hold a value of each iteration, an iteration a row. `defined` are the values of the body itself."""

    def __init__(self, counted: KnownTripCount, defined: set[Value]):
        self.counted = counted
        self.defined = defined
        self.forms = Forms()
        self.found: dict[Value, Value] = {}

    def may_take(self, product: OuterProduct, total: Value) -> bool:
        """Whether the rule at the top of this file says so."""
        factors = (product.u, product.v)
        if not (total.type.is_static and all(v.type.is_static for v in factors)):
            return False
        kept = sum(v.type.size * v.dtype.itemsize for v in factors if self.window(v) is None)
        small = SMALLER * sum(v.type.size for v in factors) <= total.type.size
        return small and kept * self.counted.count <= LARGEST and any(v in self.defined for v in factors)

    def of(self, b: Builder, v: Value) -> Value:
        """The rows, behind the loop."""
        if v not in self.found:
            self.found[v] = self.outside(b, v) or self.kept(b, v)
        return self.found[v]

    def window(self, v: Value) -> Op | None:
        """The slice that v is, if it is the row of an array from outside that belongs to the iteration."""
        index = For(self.counted.op).index
        op = v.op
        if op is not None and op.name == "reshape":
            op = op.operands[0].op
        if op is None or op.name != "slice" or op.operands[0] in self.defined:
            return None
        first, *rest = op.attrs["starts"]
        place = self.forms(first) - atom(index)
        whole = op.attrs["sizes"][1:] == op.operands[0].shape[1:] and all(isinstance(s, int) and s == 0 for s in rest)
        is_row = op.attrs["sizes"][0] == 1 and v.shape == op.operands[0].shape[1:] and set(op.attrs["steps"][1:]) <= {1}
        return op if place.is_const and whole and is_row else None

    def outside(self, b: Builder, v: Value) -> Value | None:
        """Rows that are there: those of the array that v is a row of; or one value that is the same in all
        iterations."""
        op = self.window(v)
        if op is None:
            return None
        x = op.operands[0]
        place = (self.forms(op.attrs["starts"][0]) - atom(For(self.counted.op).index)).const
        start, stride, count = self.counted.least + place, self.counted.stride, self.counted.count
        return b.slice(x, starts=(start, *(0 for _ in x.shape[1:])), sizes=(count, *x.shape[1:]),
                       steps=(stride, *(1 for _ in x.shape[1:])))

    def kept(self, outer: Builder, v: Value) -> Value:
        """Rows that the loop writes, one in each iteration."""
        op, (body,) = self.counted.op, self.counted.op.regions
        before = Builder(Block(), op.loc)
        init = before.const(0, v.dtype, (self.counted.count, *v.shape))
        insert(outer.block, op, before.block.ops)
        array = carry(op, init)
        b = Builder(body, op.loc)
        row = b.reshape(v, shape=(1, *v.shape))
        starts = (self.number(b), *(0 for _ in v.shape))
        complete(op, b.update(array, row, starts=starts, steps=(1,) * (1 + v.type.rank)))
        return result(op, init.type)

    def number(self, b: Builder) -> Value:
        """The number of the iteration whose row is written."""
        index = For(self.counted.op).index
        at = b.sub(index, b.index(self.counted.least)) if self.counted.least else index
        return at if self.counted.stride == 1 else b.floordiv(at, b.index(self.counted.stride))


def _total(b: Builder, rest: Value | None, products: Sequence[OuterProduct], rows: StackedIterations) -> Value:
    """The result of the loop with the products added."""
    total = rest
    for p in products:
        u, v = rows.of(b, p.u), rows.of(b, p.v)
        usum, vsum = ((0, *(a + 1 for a in axes)) for axes in (p.usum, p.vsum))
        x = ordered(b, b.contract(u, v, xbatch=(), ybatch=(), xsum=usum, ysum=vsum), p.axes)
        if total is None:
            total = b.neg(x) if p.negative else x
        else:
            total = b.sub(total, x) if p.negative else b.add(total, x)
    assert total is not None
    return total
