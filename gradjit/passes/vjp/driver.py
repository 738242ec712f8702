"""The reverse pass over a block: cotangents from the results back to what they were computed from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Union

from ...ir import OPS, TAPE, Block, Builder, Func, Op, Value
from ...ir.rewrite import Env, copy_op, new_block
from ..activity import Activity
from ..checks import check_operation, check_parameters
from ..inline import inline_calls
from ..partials import Flow, Masked, settle, united
from ..simplify import simplify
from .places import Scattered, Window, accumulated, filled, total
from .rebuild import keep
from .twins import Twin

Contribution = Union[Flow, Window, Scattered]
"""What a rule gives for an operand: a cotangent, or a part of one that is put in place when all have arrived."""

Rule = Callable[..., Sequence["Contribution | None"]]
"""`rule(b, op, needs, *cts) -> one cotangent, or None, for each operand`"""

Walk = Callable[["Reverser", Op], None]
"""`walk(reverser, op)` takes the cotangents of the results of an operation that has regions or moves records of a tape,
and adds those of what it reads."""


@dataclass(frozen=True)
class Tables:
    """What the package's tables say about each operation; see there."""

    rules: Mapping[str, Rule]
    walks: Mapping[str, Walk]
    constant: Mapping[str, str]
    unsupported: Mapping[str, str]
    moves_masks: frozenset[str]


class Reverser:
    """Cotangents of the values of one block.

    active: which values want one.
    source: the block whose operations are reversed.
    inside: whether that is a region. Cotangents of arrays, which go from turn to turn there, are added to in place,
        window by window.
    twins: the operations with regions that were reversed, with their reverses.
    """

    def __init__(self, b: Builder, tables: Tables, active: Activity, source: Block, inside: bool = False):
        self.b = b
        self.tables = tables
        self.active = active
        self.source = source
        self.inside = inside
        self.arrived: dict[Value, list[Contribution]] = {}
        self.settled: dict[Masked, Value] = {}
        self.twins: list[Twin] = []
        self.own = set(source.ops) if inside else set()

    def within(self, block: Block, region: Block) -> Reverser:
        """The reverser of a region, which emits into `block`."""
        return Reverser(Builder(block), self.tables, self.active, region, inside=True)

    def wants(self, v: Value) -> bool:
        """Whether v gets a cotangent."""
        return v in self.active

    def add(self, v: Value, ct: Contribution | None) -> None:
        """Another contribution to the cotangent of v. None is a structural zero."""
        if ct is None or not self.wants(v):
            return
        t = ct.type if isinstance(ct, (Value, Window, Scattered)) else ct.value.type
        assert t == v.type, f"cotangent {t} of a {v.type}"
        self.arrived.setdefault(v, []).append(ct)

    def take(self, v: Value) -> Flow | None:
        """The sum of the contributions to v's cotangent; None where none arrived. What all mask stays masked."""
        parts = self.arrived.pop(v, [])
        flows = self.by_mask(parts)
        windows = [p for p in parts if isinstance(p, Window)]
        scattered = [p for p in parts if isinstance(p, Scattered)]
        if flows and not windows and not scattered:
            if len(flows) == 1:
                return flows[0]
            masked = [f for f in flows if isinstance(f, Masked)]
            if len(masked) == len(flows):
                return united(self.b, masked)
        put = accumulated if self.inside else total
        return put(self.b, [self.settle(f) for f in flows], windows, scattered)

    def settle(self, flow: Flow) -> Value:
        """The flow with its mask applied. Both operands of an addition get one masked flow: it is settled once."""
        if isinstance(flow, Value):
            return flow
        if flow not in self.settled:
            self.settled[flow] = settle(self.b, flow)
        return self.settled[flow]

    def by_mask(self, parts: Sequence[Contribution]) -> list[Flow]:
        """The whole arrays among the parts, those of one mask added."""
        plain: Value | None = None
        sums: dict[Value, Masked] = {}
        for p in parts:
            if isinstance(p, Value):
                plain = p if plain is None else self.b.add(plain, p)
            elif isinstance(p, Masked):
                known = sums.get(p.mask)
                sums[p.mask] = p if known is None else Masked(self.b.add(known.value, p.value), p.mask,
                                                              known.clean and p.clean)
        return [*sums.values()] if plain is None else [plain, *sums.values()]

    def taken(self, v: Value) -> Value | None:
        """The same as one value, without a mask."""
        ct = self.take(v)
        return None if ct is None else self.settle(ct)

    def run(self) -> None:
        """Pull cotangents back through the operations that stand in the source now, last first."""
        for op in reversed(tuple(self.source.ops)):
            if any(r in self.arrived for r in op.results) or op in self.active.pops:
                self.b.loc = op.loc
                walk = self.tables.walks.get(op.name)
                if walk is None:
                    self.pull(op)
                else:
                    walk(self, op)

    def pull(self, op: Op) -> None:
        check_operation(op, self.tables.unsupported)
        rule, sources = self.tables.rules[op.name], op.operands
        needs = tuple(map(self.wants, sources))
        cts = self.apply(rule, op, needs)
        if len(sources) == 2 and sources[0] is sources[1] and all(isinstance(ct, Value) for ct in cts):
            # x * x: both halves are equal, so that adding them first leaves one multiple (and one fused operation).
            sources, cts = sources[:1], [self.b.add(*cts)]
        for v, ct in zip(sources, cts, strict=True):
            self.add(v, ct)

    def is_lasting(self, op: Op) -> bool:
        """Whether a window is taken from an array that is not computed in this turn, but goes from turn to turn: a mask
        would cost the whole array, and could not go with it."""
        if not self.inside or op.name != "slice":
            return False
        source = op.operands[0].op
        return source is None or OPS[source.name].writes or bool(source.regions) or source not in self.own

    def zero(self, like: Value) -> Value:
        """The cotangent of `like` where none arrived and one must be written out: zeros, or an empty tape."""
        return self.b.tape() if like.dtype is TAPE else self.b.zeros(like.type)

    def apply(self, rule: Rule, op: Op, needs: tuple[bool, ...]) -> Sequence[Contribution | None]:
        """The rule on the cotangents, with their mask carried along where that can be."""
        b = self.b
        ct = self.take(op.results[0]) if len(op.results) == 1 else None
        if isinstance(ct, Masked) and OPS[op.name].pointwise:
            return [masked(b, part, ct.mask) for part in rule(b, op, needs, ct.value)]
        if isinstance(ct, Masked) and op.name in self.tables.moves_masks and not self.is_lasting(op):
            values, masks = rule(b, op, needs, ct.value), rule(b, op, needs, ct.mask)
            return [None if v is None or m is None else Masked(whole(b, v), whole(b, m))
                    for v, m in zip(values, masks, strict=True)]
        if ct is not None:
            return rule(b, op, needs, self.settle(ct))
        return rule(b, op, needs, *(self.taken(r) for r in op.results))


def masked(b: Builder, ct: Contribution | None, mask: Value) -> Flow | None:
    """The contribution of a pointwise operation with one more mask."""
    if isinstance(ct, Masked):
        return Masked(ct.value, b.and_(mask, ct.mask))
    assert ct is None or isinstance(ct, Value)
    return None if ct is None else Masked(ct, mask)


def whole(b: Builder, ct: Contribution) -> Value:
    """The contribution as one array."""
    if isinstance(ct, Window):
        return filled(b, ct)
    assert isinstance(ct, Value)
    return ct


# whole functions ----------------------------------------------------------------------------------------------------
def pullback(func: Func, wrt: Sequence[int], tables: Tables, suffix: str,
             seeds: Callable[[Builder, Block, Env], Iterable[Value | None]]) -> Func:
    """`func` with the gradients for the parameters `wrt` behind its results.

    `seeds(builder, block, env)` gives a cotangent for each result; it may append parameters to the block.
    """
    check_parameters(func, wrt)
    func = inline_calls(func, isolated=False)
    # What is computed, or read, twice in a turn would be kept twice.
    simple = simplify(func) if any(op.regions for op in func.ops) else func
    env: Env = {}
    block = new_block(simple.params, env)
    b = Builder(block)
    for op in simple.ops:
        copy_op(b, op, env)
    results = [env[r] for r in simple.results]
    wanted = [block.params[k] for k in wrt]
    env.update(zip(func.results, results, strict=True))
    b.loc = None
    cts = list(seeds(b, block, env))
    seeded = [r for r, ct in zip(results, cts, strict=True) if ct is not None]
    reverser = Reverser(b, tables, Activity(block, wanted, seeded, tables.constant), block)
    for r, ct in zip(results, cts, strict=True):
        reverser.add(r, ct)
    reverser.run()
    block.results = (*results, *gradients(reverser, wanted))
    keep(block, reverser.twins)
    return Func(func.name + suffix, block)


def gradients(reverser: Reverser, wanted: Sequence[Value]) -> list[Value]:
    """The cotangents of the parameters, each once; zeros, written out only now, where none arrived."""
    found = {p: reverser.taken(p) for p in dict.fromkeys(wanted)}
    return [named(reverser.b, p, found[p]) for p in wanted]


def named(b: Builder, p: Value, g: Value | None) -> Value:
    """The gradient for a parameter, called after it."""
    g = b.zeros(p.type) if g is None else g
    g.name = g.name or (f"d_{p.name}" if p.name else "")
    return g
