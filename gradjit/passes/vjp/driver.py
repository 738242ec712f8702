"""The reverse pass over a block: cotangents from the results back to what they were computed from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial, reduce
from math import prod
from typing import Union

from ...ir import BOOL, I64, OPS, TAPE, Block, Builder, Func, Op, Value
from ...ir.clone import Env, copy_op, new_block
from ...ir.sizes import reckoned
from ...records import dataclass
from ..activity import Activity
from ..checks import check_operation, check_parameters
from ..inline import inline_calls
from ..masks import (
    Cotangent,
    Flow,
    Masked,
    Signed,
    absent,
    along_axes,
    both,
    calm,
    either,
    masked,
    of_matrices,
    of_stack,
    read,
    regular,
    summed,
    united,
    unmasked,
)
from ..partials import keeps_zeros
from ..partials.elementwise import squares_of_lengths
from ..simplify import simplify
from .adjoint_pairs import OpPair
from .coverage import ALIKE, NONE, PARTIAL, WHOLE, Coverage, is_one_element
from .rebuild import keep
from .window_cotangents import (
    ScatterCotangent,
    WindowCotangent,
    accumulated,
    filled,
    outside_absent,
    sum_signed,
    total,
)

SMALL = 64
"""Elements of an array whose mask costs little beside what a loop costs in each iteration."""

Contribution = Union[Cotangent, WindowCotangent, ScatterCotangent]
"""What a rule gives for an operand: a cotangent, or a part of one that is put in place when all have arrived."""

Rule = Callable[..., Sequence["Contribution | None"]]
"""`rule(b, op, needs, *cts) -> one cotangent, or None, for each operand`"""

Walk = Callable[["Reverser", Op], None]
"""`walk(reverser, op)` takes the cotangents of the results of an operation that has regions or moves records of a tape,
and adds those of what it reads."""


@dataclass(frozen=True)
class VjpTables:
    """What the package's tables say about each operation; see there."""

    rules: Mapping[str, Rule]
    walks: Mapping[str, Walk]
    constant: Mapping[str, str]
    unsupported: Mapping[str, str]
    moves_masks: frozenset[str]
    joins_masks: Mapping[str, Rule]
    clears: Mapping[str, Rule]
    parts: frozenset[str]


class Reverser:
    """Cotangents of the values of one block.

    active: which values want one.
    source: the block whose operations are reversed.
    inside: whether that is a region. Cotangents of arrays, which go from iteration to iteration there, are added to in
    place,
        window by window.
    op_pairs: the operations with regions that were reversed, with their reverses.
    """

    def __init__(self, b: Builder, tables: VjpTables, active: Activity, source: Block, inside: bool = False):
        self.b = b
        self.tables = tables
        self.active = active
        self.source = source
        self.inside = inside
        self.arrived: dict[Value, list[Contribution]] = {}
        self.unmasked_values: dict[Masked, Value] = {}
        self.op_pairs: list[OpPair] = []
        self.watched: dict[Value, Value | None] = {}
        """Values whose cotangents are asked for, with what had arrived when the walk came to them."""
        self.ends: set[Value] = set()
        """Those of them that no cotangent passes."""
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
        t = ct.type if isinstance(ct, (Value, WindowCotangent, ScatterCotangent)) else ct.value.type
        assert t == v.type, f"cotangent {t} of a {v.type}"
        self.arrived.setdefault(v, []).append(ct)

    def take(self, v: Value, as_signed: bool = False) -> Cotangent | None:
        """The sum of the contributions to v's cotangent; None where none arrived. What all mask stays masked."""
        parts = self.arrived.pop(v, [])
        flows = summed(self.b, [p for p in parts if isinstance(p, (Value, Masked))])
        windows = [p for p in parts if isinstance(p, WindowCotangent)]
        scattered = [p for p in parts if isinstance(p, ScatterCotangent)]
        whole_signed = [p for p in parts if isinstance(p, Signed)]
        if whole_signed or (as_signed and parts):
            return sum_signed(self.b, [*whole_signed, *flows], windows, scattered)
        if self.meets_infinity(v) and are_alone(flows, windows, scattered, masked=not (self.inside or regions_of(v))):
            flows, windows, scattered = [*flows, outside_absent(self.b, windows, scattered)], [], []
        if flows and not windows and not scattered:
            if len(flows) == 1:
                return flows[0]
            all_masked = [f for f in flows if isinstance(f, Masked)]
            if len(all_masked) == len(flows):
                return united(self.b, all_masked)
        put = accumulated if self.inside else total
        found = put(self.b, [self.unmasked(f) for f in flows], windows, scattered)
        masks = [p.mask for p in (*flows, *windows, *scattered) if not isinstance(p, Value) and p.mask is not None]
        if found is None or len(masks) < len(flows) + len(windows) + len(scattered) or any(m.type.rank for m in masks):
            return found
        return Masked(found, reduce(partial(either, self.b), masks), clean=True)

    def unmasked(self, flow: Cotangent) -> Value:
        """The flow with its mask applied. Both operands of an addition get one masked flow: that is done once."""
        if not isinstance(flow, Masked):
            return unmasked(self.b, flow)
        if flow not in self.unmasked_values:
            self.unmasked_values[flow] = unmasked(self.b, flow)
        return self.unmasked_values[flow]

    def taken(self, v: Value) -> Value | None:
        """The same as one value, without a mask."""
        ct = self.take(v)
        return None if ct is None else self.unmasked(ct)

    def calm(self, v: Value, as_signed: bool = False) -> Cotangent | None:
        """The same as it goes in or out of a region."""
        flow = self.take(v, as_signed)
        return flow if as_signed else calm(self.b, flow)

    def begin(self, values: Sequence[Value], cts: Sequence[Contribution | None]) -> None:
        """Run a region's reverse from what arrives for its results, and for what it reads from outside."""
        for v, ct in zip(values, cts, strict=True):
            self.add(v, ct)
        self.run()
        self.b.loc = None

    def run(self) -> None:
        """Pull cotangents back through the operations that stand in the source now, last first."""
        for op in reversed(tuple(self.source.ops)):
            for r in op.results:
                if r in self.watched:
                    self.look_at(r)
            if any(r in self.arrived for r in op.results) or op in self.active.pops:
                self.b.loc = op.loc
                walk = self.tables.walks.get(op.name)
                if walk is None:
                    self.pull(op)
                else:
                    walk(self, op)

    def look_at(self, v: Value) -> None:
        """All of v's cotangent has arrived: keep it."""
        self.watched[v] = ct = self.taken(v)
        if v not in self.ends and v.op is not None and v.op.name not in self.tables.constant:
            self.add(v, ct)

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

    def is_of_carried_array(self, op: Op) -> bool:
        """Whether a window is taken from an array that is not computed in this iteration, but goes from iteration to
        iteration: a mask would cost the whole array, and could not go with it."""
        if not self.inside or op.name != "slice":
            return False
        source = op.operands[0].op
        return source is None or OPS[source.name].writes or bool(source.regions) or source not in self.own

    def meets_infinity(self, v: Value) -> bool:
        """Whether elements of v's cotangent that do not flow need a mask: the cotangent goes on through a derivative
        that may be infinite, and v is computed here. In a loop the mask of an array of which an iteration changes a
        small part would cost more than all that the iteration does: there is none."""
        if v not in self.active.singular or v.op is None:
            return False
        if not self.inside:
            return True
        is_changed = OPS[v.op.name].writes or bool(v.op.regions)
        return v.op in self.own and (not is_changed or elements(v) <= self.work)

    @cached_property
    def work(self) -> int:
        """The elements of the largest array that an iteration computes as a whole, or so few that masks cost little."""
        computed = (r for op in self.own if OPS[op.name].pointwise for r in op.results)
        return max((elements(r) for r in computed), default=0) + SMALL

    def meets_infinity_in_parts(self, v: Value, is_changed: bool) -> bool:
        """Whether v is an array whose cotangent, of which elements may be absent, goes on through a derivative that may
        be infinite.

        is_changed: iterations change it as a whole. Then elements that do not flow are few and soon gone, and masks of
        it cost more than they bring, unless what is infinite is steep: nobody sees it in the values.
        """
        met = self.active.steep if is_changed else self.active.singular
        return v.dtype.is_float and not is_one_element(v) and v in met

    def is_changed(self, v: Value) -> bool:
        """Whether it is an array that a region with large arrays changes."""
        return self.inside and self.work > 2 * SMALL and (v.op is None or OPS[v.op.name].writes or bool(v.op.regions))

    def has_signed(self, v: Value) -> bool:
        """Whether an array has arrived with its mask in its signs."""
        return any(isinstance(part, Signed) for part in self.arrived.get(v, ()))

    def coverage(self, v: Value) -> Coverage:
        """Of which elements of v's cotangent something has arrived."""
        def one(part: Contribution) -> Coverage:
            if isinstance(part, Value):
                return WHOLE
            return ALIKE if isinstance(part, Masked) and part.is_single else PARTIAL

        return max(map(one, self.arrived.get(v, ())), key=lambda c: c.value, default=NONE)

    def zero(self, like: Value, as_signed: bool = False) -> Value:
        """The cotangent of `like` where none arrived and one must be written out: zeros, or an empty tape."""
        if as_signed:
            return absent(self.b, like.type)
        return self.b.tape() if like.dtype is TAPE else self.b.zeros(like.type)

    def apply(self, rule: Rule, op: Op, needs: tuple[bool, ...]) -> Sequence[Contribution | None]:
        """The rule on the cotangents, with their mask carried along where that can be."""
        b = self.b
        if OPS[op.name].matrix:
            return self.apply_to_matrices(rule, op, needs)
        ct = self.take(op.results[0]) if len(op.results) == 1 else None
        if op.name in self.tables.clears and (isinstance(ct, Signed) or (isinstance(ct, Masked) and ct.signed)):
            first, *others = self.tables.clears[op.name](b, op, needs, ct.value, -0.0)
            return [signs(first), *(read_part(b, v) for v in others)]
        ct = read(b, ct) if isinstance(ct, Signed) else ct
        if isinstance(ct, Value) and op.name in self.tables.clears and self.meets_infinity(op.operands[0]):
            return cleared(b, rule, op, needs, ct)
        if isinstance(ct, Masked) and (OPS[op.name].pointwise or (ct.is_single and op.name == "broadcast")):
            return [with_own(b, part, ct, keeps_zeros(op)) for part in rule(b, op, needs, ct.value)]
        if isinstance(ct, Masked) and ct.is_single:
            return [with_mask(b, part, ct.mask) for part in rule(b, op, needs, self.unmasked(ct))]
        if isinstance(ct, Masked) and self.is_of_carried_array(op) and self.has_signed(op.operands[0]):
            parts = rule(b, op, needs, self.unmasked(ct))
            return [replace(part, signed=True) if ct.signed and isinstance(part, WindowCotangent)
                    else with_mask(b, part, ct.mask) for part in parts]
        if isinstance(ct, Masked) and op.name in self.tables.moves_masks and not self.is_of_carried_array(op):
            values, masks = rule(b, op, needs, ct.value), rule(b, op, needs, ct.mask)
            return [None if v is None or m is None else moved(b, ct, v, m) for v, m in zip(values, masks, strict=True)]
        if isinstance(ct, Masked) and op.name in self.tables.joins_masks and any(map(self.meets_infinity, op.operands)):
            counts = self.tables.joins_masks[op.name](b, op, needs, b.cast_to(ct.mask, I64))
            return [with_counts(b, v, n) for v, n in zip(rule(b, op, needs, self.unmasked(ct)), counts, strict=True)]
        if ct is not None:
            return rule(b, op, needs, self.unmasked(ct))
        return rule(b, op, needs, *(self.taken(r) for r in op.results))

    def apply_to_matrices(self, rule: Rule, op: Op, needs: Sequence[bool]) -> Sequence[Contribution | None]:
        """Where nothing flows into any element of a matrix nothing flows out: its derivative may be infinite."""
        flows = [read(self.b, f) if isinstance(f, Signed) else f for f in map(self.take, op.results)]
        cts = [None if f is None else self.unmasked(f) for f in flows]
        masks = [f.mask for f in flows if isinstance(f, Masked)]
        if not masks or any(isinstance(f, Value) for f in flows):
            return rule(self.b, op, needs, *cts)
        mask = of_matrices(self.b, op, masks)
        parts = rule(self.b, regular(self.b, op, mask), needs, *cts)
        return [Masked(part, of_stack(self.b, mask, part.shape)) if isinstance(part, Value) else part for part in parts]


def elements(v: Value) -> int:
    """How many there are, to reckon with; extents that are computed count as one."""
    return prod(reckoned(e) for e in v.shape if not isinstance(e, Value))


def regions_of(v: Value) -> Sequence[Block]:
    """Those of the operation that computes it."""
    return v.op.regions if v.op is not None else ()


def are_alone(flows: Sequence[Flow], windows: Sequence[WindowCotangent], scattered: Sequence[ScatterCotangent],
              masked: bool) -> bool:
    """Whether there are parts, and nothing else that covers the whole array. `masked`: some parts may not flow. (Into
    a loop and out of a region their single truths go, and a mask of elements does not.)"""
    parts: list[WindowCotangent | ScatterCotangent] = [*windows, *scattered]
    return (bool(parts) and (masked or all(p.mask is None for p in parts))
            and all(isinstance(f, Masked) for f in flows))


def with_own(b: Builder, part: Contribution | None, ct: Masked, keeps_zeros: bool) -> Flow | None:
    """What a pointwise operation gives for a masked cotangent."""
    assert not isinstance(part, (Signed, WindowCotangent, ScatterCotangent))
    return None if part is None else masked(b, part, ct, keeps_zeros)


def signs(array: Contribution | None) -> Signed | None:
    """An array of which it is known that the mask is in its signs."""
    return Signed(array) if isinstance(array, Value) else None


def read_part(b: Builder, part: Contribution | None) -> Masked | None:
    """What has been read from an array that has its mask in its signs, perhaps with a mask besides."""
    if part is None:
        return None
    assert isinstance(part, (Value, Masked))
    found = read(b, Signed(part if isinstance(part, Value) else part.value))
    return found if isinstance(part, Value) else Masked(found.value, both(b, found.mask, part.mask))


def moved(b: Builder, before: Masked, value: Contribution, mask: Contribution) -> Masked:
    """A masked cotangent whose elements have been moved. (Zeros around a window are not signed.)"""
    if isinstance(value, Value) and isinstance(mask, Value):
        return replace(before, value=value, mask=mask)
    return Masked(whole(b, value), whole(b, mask))


def with_counts(b: Builder, ct: Contribution | None, counts: Contribution | None) -> Contribution | None:
    """A contribution into each element of which so many flow."""
    if ct is None or counts is None:
        return ct
    if isinstance(ct, ScatterCotangent):
        assert isinstance(counts, ScatterCotangent)
        return replace(ct, counts=counts.value)
    n = whole(b, counts)
    mask = b.ne(n, b.like(0, n))
    if isinstance(ct, Masked):
        return Masked(ct.value, both(b, mask, ct.mask))
    return Masked(whole(b, ct), mask, clean=True)


def with_mask(b: Builder, ct: Contribution | None, mask: Value) -> Contribution | None:
    """What an operation gives for a cotangent with its zeros in place, which flows where `mask` holds."""
    if isinstance(ct, Masked):
        return Masked(ct.value, both(b, mask, ct.mask), ct.clean)
    if isinstance(ct, (WindowCotangent, ScatterCotangent)):
        return replace(ct, mask=mask)
    return Masked(ct, mask, clean=True) if isinstance(ct, Value) else None


def cleared(b: Builder, rule: Rule, op: Op, needs: tuple[bool, ...], ct: Value) -> Sequence[Contribution | None]:
    """The same for an operation that overwrites a part of its first operand: of what stood there none flows."""
    first, *others = rule(b, op, needs, ct)
    assert isinstance(first, Value)
    mask = rule(b, op, (True, *(False for _ in others)), b.const(True, BOOL, ct.shape))[0]
    assert isinstance(mask, Value)
    return [Masked(first, mask, clean=True), *others]


def whole(b: Builder, ct: Contribution) -> Value:
    """The contribution as one array."""
    if isinstance(ct, WindowCotangent):
        return filled(b, ct)
    assert isinstance(ct, Value)
    return ct


# whole functions ----------------------------------------------------------------------------------------------------
Seeds = Callable[[Builder, Block, Env], Iterable["Flow | None"]]
"""`seeds(builder, block, env)` gives a cotangent for each result; it may append parameters to the block."""


def seeded_copy(func: Func, seeds: Seeds, sites: Sequence[int] = ()
                ) -> tuple[Block, list[Value], list[Flow | None]]:
    """A copy of a function's body, its results and their cotangents. sites: results whose own cotangents are asked for,
    so that nothing may be computed past those that operations have made."""
    whole = inline_calls(func, isolated=False)
    made = {whole.results[k] for k in sites if whole.results[k].op is not None}
    whole = squares_of_lengths(whole, made)
    # What is computed, or read, twice in an iteration would be kept twice.
    simple = simplify(whole) if not made and any(op.regions for op in whole.ops) else whole
    env: Env = {}
    block = new_block(simple.params, env)
    b = Builder(block)
    for op in simple.ops:
        copy_op(b, op, env)
    results = [env[r] for r in simple.results]
    env.update(zip(func.results, results, strict=True))
    b.loc = None
    return block, results, list(seeds(b, block, env))


def begun(block: Block, results: Sequence[Value], cts: Sequence[Flow | None], wanted: Sequence[Value],
          tables: VjpTables, along_basis: bool = False) -> Reverser:
    """The walk backwards to the values `wanted`, before its first step."""
    seeded = [r for r, ct in zip(results, cts, strict=True) if ct is not None]
    reverser = Reverser(Builder(block), tables, Activity(block, wanted, seeded, tables.constant), block)
    for r, ct in zip(results, cts, strict=True):
        is_masked = along_basis and isinstance(ct, Value) and r in reverser.active.steep
        reverser.add(r, along_axes(reverser.b, ct) if is_masked and isinstance(ct, Value) else ct)
    return reverser


def pullback(func: Func, wrt: Sequence[int], tables: VjpTables, suffix: str, seeds: Seeds,
             along_basis: bool = False) -> Func:
    """`func` with the gradients for the parameters `wrt` behind its results."""
    check_parameters(func, wrt)
    block, results, cts = seeded_copy(func, seeds)
    wanted = [block.params[k] for k in wrt]
    reverser = begun(block, results, cts, wanted, tables, along_basis)
    reverser.run()
    block.results = (*results, *gradients(reverser, wanted))
    keep(block, reverser.op_pairs)
    return Func(func.name + suffix, block)


def cotangents_at(func: Func, sites: Sequence[int], ends: Sequence[int], tables: VjpTables, seeds: Seeds
                  ) -> tuple[Func, list[int]]:
    """`func` with the cotangents of some of its results behind them, as they are pulled back from others; and which of
    `sites` have one. Results at `ends` hand nothing on to what they were computed from."""
    block, results, cts = seeded_copy(func, seeds, sites)
    wanted = [results[k] for k in sites]
    reverser = begun(block, results, cts, wanted, tables)
    reverser.watched = dict.fromkeys(wanted)
    reverser.ends = {results[k] for k in ends}
    reverser.run()
    for v in reverser.watched:
        if v.op is None:
            reverser.look_at(v)
    found = [(k, reverser.watched[v]) for k, v in zip(sites, wanted, strict=True)]
    arrived = [(k, ct) for k, ct in found if ct is not None]
    block.results = (*results, *(ct for _, ct in arrived))
    keep(block, reverser.op_pairs)
    return Func(f"{func.name}.pull", block), [k for k, _ in arrived]


def gradients(reverser: Reverser, wanted: Sequence[Value]) -> list[Value]:
    """The cotangents of the parameters, each once; zeros, written out only now, where none arrived."""
    found = {p: reverser.taken(p) for p in dict.fromkeys(wanted)}
    return [named(reverser.b, p, found[p]) for p in wanted]


def named(b: Builder, p: Value, g: Value | None) -> Value:
    """The gradient for a parameter, called after it."""
    g = b.zeros(p.type) if g is None else g
    g.name = g.name or (f"d_{p.name}" if p.name else "")
    return g
