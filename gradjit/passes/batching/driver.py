"""The walk over a function that gives values a batch axis where they need one.

An example of the stack is called a lane. Where lanes part (a branch that only some take, a loop that some have left),
all of them run through the code, and `Batcher.mask` says which take part: the others' values are thrown away behind it,
and their indices are replaced by 0 so that they cannot be out of range.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from ...errors import UnsupportedError
from ...ir import BOOL, ArrayType, Block, Builder, Func, Loop, Op, Value, is_loop
from ...ir.clone import Env, copy_op
from ...ir.core import map_attr, map_type
from ...records import dataclass
from ...tracer.locations import fail
from .. import dependence
from ..dce import dce
from ..inline import inline_calls

Rule = Callable[..., Sequence[Value]]
"""`rule(b, op, operands, batched, size) -> results, all batched`"""
Walk = Callable[["Batcher", Builder, Op], None]
"""`rule(batcher, b, op)` rebuilds an operation that has regions, moves records of a tape or has effects."""


OTHER_SIZES = ("the examples get arrays of different sizes here, as their elements decide (x[mask], np.nonzero, "
               "np.unique, x[:n], a list that is appended to), and the arrays of a batch have one size; write "
               "np.where(mask, x, 0.0), or fill an array of the full size, or take the examples one by one: "
               "[f(x) for x in xs]")


@dataclass(frozen=True)
class BatchingTables:
    """What the package's tables say about each operation; see there."""

    rules: Mapping[str, Rule]
    walks: Mapping[str, Walk]
    windows: Mapping[str, Walk]
    indices: Mapping[str, slice]


def raised(t: ArrayType, size: int) -> ArrayType:
    """The type with the batch axis in front."""
    return t.with_shape((size, *t.shape))


def spread(b: Builder, v: Value, size: int) -> Value:
    """An unbatched value repeated along a batch axis."""
    return b.restore_axes(v, (size, *v.shape), (0,))


def all_spread(b: Builder, operands: Sequence[Value], batched: Sequence[bool], size: int) -> list[Value]:
    """The operands with a batch axis each."""
    return [v if has else spread(b, v, size) for v, has in zip(operands, batched, strict=True)]


def chosen(b: Builder, mask: Value, new: Value, old: Value) -> Value:
    """Lane by lane: the new value where the mask is true."""
    return b.select(b.broadcast(mask, shape=new.shape, dims=(0,)) if new.type.rank > 1 else mask, new, old)


def reads(op: Op) -> Iterator[tuple[Value, Value]]:
    """Through what an operation becomes batched, besides what it hands on."""
    if not op.regions:
        for v in op.uses():
            for r in op.results:
                yield v, r
        return
    deciding, carried = op.operands, []
    if is_loop(op):
        loop = Loop.of(op)
        deciding, carried = loop.decides, [p for region in op.regions for p in loop.params_of(region)]
    for v in deciding:
        for r in (*carried, *op.results):
            if not dependence.is_tape(r):
                yield v, r


class Batcher:
    """Rebuilds a function over a stack.

    batched: the old values (and slots of tapes) that get the batch axis.
    env: what each old value has become.
    mask: bool[size], which lanes take part in what is being built; None for all.
    backwards: of tapes, by root, whether branches that differ push in their second side first.
    started: tapes, by root, that the first side of such a branch has begun, and the second goes on with.
    """

    def __init__(self, func: Func, flags: Sequence[bool], size: int, tables: BatchingTables):
        self.size = size
        self.tables = tables
        self.tapes = dependence.TapeRoots(func.body)
        sources = [p for p, flag in zip(func.params, flags, strict=True) if flag]
        self.batched = dependence.reached(dependence.edges(func, self.tapes, reads), sources)
        self.env: Env = {}
        self.mask: Value | None = None
        self.backwards: dict[Value, bool] = {}
        self.started: dict[Value, Value] = {}

    # values -----------------------------------------------------------------------------------------------------------
    def look(self, v: Value) -> Value:
        """What an old value has become."""
        return self.env.get(v, v)

    def has(self, v: Value) -> bool:
        """Whether an old value gets the batch axis."""
        return v in self.batched

    def spread(self, b: Builder, v: Value, flag: bool = True) -> Value:
        """What an old value has become, with the batch axis if `flag` says so."""
        return spread(b, self.look(v), self.size) if flag and not self.has(v) else self.look(v)

    def type(self, v: Value, flag: bool) -> ArrayType:
        t = map_type(v.type, self.look)
        return raised(t, self.size) if flag else t

    def bind(self, old: Value, new: Value) -> None:
        new.name = new.name or old.name
        self.env[old] = new

    # lanes that take part ---------------------------------------------------------------------------------------------
    @contextmanager
    def masked(self, mask: Value) -> Iterator[None]:
        outer, self.mask = self.mask, mask
        try:
            yield
        finally:
            self.mask = outer

    def both(self, b: Builder, mask: Value) -> Value:
        """The lanes of a mask that take part here."""
        return mask if self.mask is None else b.and_(self.mask, mask)

    def index(self, b: Builder, new: Value, safe: int = 0) -> Value:
        """A batched index, `safe` in lanes that do not take part."""
        return new if self.mask is None else chosen(b, self.mask, new, b.like(safe, new))

    # blocks and operations --------------------------------------------------------------------------------------------
    def params(self, old: Block) -> Block:
        """An empty block with the parameters of `old`."""
        block = Block(tuple(p.type for p in old.params), tuple(p.name for p in old.params))
        for p, new in zip(old.params, block.params, strict=True):
            self.env[p] = new
            new.type = self.type(p, self.has(p))
        return block

    def fill(self, block: Block, old: Block, flags: Sequence[bool]) -> Block:
        """A block with the operations of `old`, which yields what `old` does, batched as the flags say."""
        b = Builder(block)
        self.run(b, old.ops)
        block.results = tuple(self.spread(b, v, flag) for v, flag in zip(old.results, flags, strict=True))
        return block

    def run(self, b: Builder, ops: Sequence[Op]) -> None:
        for op in ops:
            b.loc = op.loc
            self.op(b, op)

    def op(self, b: Builder, op: Op) -> None:
        """Emit the operation: as it is where nothing that it reads is batched, else by its rule."""
        walk = self.tables.walks.get(op.name)
        if walk is not None:
            walk(self, b, op)
        elif not any(self.has(v) for v in op.uses()):
            copy_op(b, op, self.env)
        elif any(self.has(v) for a in op.attrs.values() if isinstance(a, tuple) for v in a):
            self.window(b, op)
        else:
            operands = [self.look(v) for v in op.operands]
            flags = [self.has(v) for v in op.operands]
            for k in range(len(operands))[self.tables.indices.get(op.name, slice(0))]:
                operands[k] = self.index(b, operands[k]) if flags[k] else operands[k]
            results = self.tables.rules[op.name](b, self.looked_up(op), operands, flags, self.size)
            for old, new in zip(op.results, results, strict=True):
                self.bind(old, new)

    def window(self, b: Builder, op: Op) -> None:
        """An operation with bounds that differ from lane to lane."""
        sizes = {v for r in op.results for v in r.shape} | {v for x in op.operands for v in x.shape}
        if op.name not in self.tables.windows or any(self.has(v) for v in sizes if isinstance(v, Value)):
            fail(UnsupportedError, OTHER_SIZES, op.loc)
        self.tables.windows[op.name](self, b, op)

    def looked_up(self, op: Op) -> Op:
        """The operation with the extents and bounds that it names replaced by what they have become."""
        attrs = {k: map_attr(a, self.look) for k, a in op.attrs.items()}
        return Op(op.name, op.operands, attrs, tuple(map_type(r.type, self.look) for r in op.results), op.regions,
                  op.loc)


def prepared(func: Func) -> Func:
    """The function as it is batched: with the bodies of what it calls in place, and without what nobody reads, which
    might have other sizes in each lane."""
    return dce(inline_calls(func, isolated=False))


def batched_function(func: Func, batched: Sequence[bool], size: int, tables: BatchingTables, masked: bool = False,
                     stacked: Sequence[bool] | None = None) -> Func:
    """See `batch` in the package. masked: one more parameter, the last, says which lanes take part."""
    func = prepared(func)
    if len(batched) != len(func.params):
        raise ValueError(f"{len(batched)} flags for the {len(func.params)} parameters of @{func.name}")
    batcher = Batcher(func, batched, size, tables)
    block = batcher.params(func.body)
    if masked:
        batcher.mask = Value(ArrayType(BOOL, (size,)), block, len(block.params), "lanes")
        block.params = (*block.params, batcher.mask)
    batcher.fill(block, func.body, [True] * len(func.results) if stacked is None else stacked)
    return Func(func.name + ".batch", block)
