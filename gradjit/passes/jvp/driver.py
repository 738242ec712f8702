"""The forward pass over a function: tangents from the parameters on to the results."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, partial, reduce

from ...ir import BOOL, OPS, Builder, Func, Op, Value, walk
from ...ir.clone import Env, copy_op, new_block
from ...records import dataclass
from .. import dependence
from ..checks import append_parameter, check_operation, check_parameters
from ..inline import inline_calls
from ..masks import (
    Flow,
    Masked,
    along_axes,
    calm,
    either,
    is_steep,
    masked,
    of_matrices,
    of_stack,
    regular,
    repeated,
    summed,
    united,
    unmasked,
)
from ..partials import keeps_zeros
from ..partials.elementwise import squares_of_lengths
from ..presence import MAYBE, Forwards

Rule = Callable[..., Sequence["Flow | None"]]
"""`rule(b, op, *tangents of op.operands) -> one tangent, or None, for each result`; `op` stands in the new function"""
Walk = Callable[["Pusher", Builder, Op], None]
"""`rule(pusher, b, op)` rebuilds an operation of the old function that has regions or moves records of a tape."""


@dataclass(frozen=True)
class JvpTables:
    """What the package's tables say about each operation; see there."""

    rules: Mapping[str, Rule]
    walks: Mapping[str, Walk]
    constant: Mapping[str, str]
    unsupported: Mapping[str, str]
    masks: Mapping[str, Rule]


class Pusher:
    """Rebuilds a function with tangents.

    active: the old values (and slots of tapes) that lie on a way from a parameter to a result; only these get tangents.
    env: what each old value has become.
    tangents: by primal value of the new function. What is missing has a structural zero; masks go along as in reverse
        mode (passes/masks.py).
    states: whether a tangent is there in every iteration of a loop.
    singular: the old values whose tangents go on, while they are there only sometimes, through a derivative that may be
        infinite.
    """

    def __init__(self, func: Func, wrt: Sequence[int], tables: JvpTables):
        self.tables = tables
        self.tapes = dependence.TapeRoots(func.body)
        self.graph = dependence.edges(func, self.tapes, self.reads)
        self.func = func
        self.sources = inexact(func.params[k] for k in wrt)
        self.active = dependence.between(self.graph, self.sources, inexact(func.results))
        self.env: Env = {}
        self.tangents: dict[Value, Flow] = {}

    @cached_property
    def singular(self) -> set[dependence.Node]:
        return dependence.reached(dependence.reversed_edges(self.graph), self.states.met)

    @cached_property
    def states(self) -> Forwards:
        return Forwards(self.func.body, self.tapes, self.active, self.sources, self.tables.constant)

    @cached_property
    def steep(self) -> set[dependence.Node]:
        """The old values whose tangents go on through a derivative that may be infinite where the result is finite."""
        return dependence.reached(dependence.reversed_edges(self.graph), (
            v for op in walk(self.func.body) if is_steep(op) for v in inexact(op.operands) if v in self.active))

    def is_flagged(self, node: dependence.Node) -> bool:
        """Whether the tangent of an old value, or of what is in a slot, goes with a flag that says whether it flows."""
        return node in self.singular and self.states.of(node) is MAYBE

    def reads(self, op: Op) -> Iterator[tuple[Value, Value]]:
        """The ways of tangents through an operation."""
        if not op.regions and op.name not in self.tables.constant:
            for v in inexact(op.operands):
                for r in inexact(op.results):
                    yield v, r

    def run(self, b: Builder, ops: Sequence[Op]) -> None:
        for op in ops:
            walk = self.tables.walks.get(op.name)
            if walk is not None:
                b.loc = op.loc
                walk(self, b, op)
            else:
                self.push(b, op, copy_op(b, op, self.env))

    def push(self, b: Builder, old: Op, op: Op) -> None:
        """Emit the tangents of an operation's results, if its operands have any."""
        given = [self.tangents.get(v) for v in op.operands]
        if not any(r in self.active for r in old.results) or all(t is None for t in given):
            return
        if op.name in self.tables.constant:
            return
        check_operation(op, self.tables.unsupported)
        for r, t in zip(op.results, apply(b, self.tables, op, given), strict=True):
            if t is not None:
                self.bind(r, t)

    def bind(self, v: Value, tangent: Flow) -> None:
        t = tangent.value.type if isinstance(tangent, Masked) else tangent.type
        assert t == v.type, f"tangent {t} of a {v.type}"
        self.tangents[v] = tangent

    def look(self, v: Value) -> Value:
        """What an old value has become."""
        return self.env.get(v, v)

    def tangent(self, b: Builder, old: Value) -> Value:
        """The tangent of what an old value has become; zeros, written out only now, where it has none."""
        return self.dense(b, old, self.tangents.get(self.look(old)))

    def dense(self, b: Builder, old: Value, flow: Flow | None) -> Value:
        """A tangent of what an old value has become, written out."""
        return b.zeros(self.look(old).type) if flow is None else unmasked(b, flow)

    def flow(self, b: Builder, old: Value) -> Flow | None:
        """The same as it goes in or out of a region."""
        return calm(b, self.tangents.get(self.look(old)))


def apply(b: Builder, tables: JvpTables, op: Op, given: Sequence[Flow | None]) -> Sequence[Flow | None]:
    """The rule on the tangents, with their masks carried along where that can be."""
    rule = tables.rules[op.name]
    there = [t for t in given if t is not None]
    if all(isinstance(t, Value) for t in there):
        return rule(b, op, *given)
    marked = [t for t in there if isinstance(t, Masked)]
    spec = OPS[op.name]
    if spec.pointwise or (op.name == "broadcast" and marked[0].is_single):
        return [together(b, pushed(b, rule, op, given))]
    if op.name in tables.masks and not all(t.is_single for t in marked):
        return [with_masks(b, tables, op, given)]
    dense = [None if t is None else unmasked(b, t) for t in given]
    clean = not spec.slope.is_singular
    if spec.matrix and len(marked) == len(there):
        mask = of_matrices(b, op, [t.mask for t in marked])
        found = [None if r is None else unmasked(b, r) for r in rule(b, regular(b, op, mask), *dense)]
        return [None if r is None else Masked(r, of_stack(b, mask, r.shape), clean) for r in found]
    results = rule(b, op, *dense)
    if len(marked) < len(there) or not all(t.is_single for t in marked):
        return results
    mask = reduce(partial(either, b), [t.mask for t in marked])
    return [None if r is None else Masked(unmasked(b, r), mask, clean) for r in results]


def with_masks(b: Builder, tables: JvpTables, op: Op, given: Sequence[Flow | None]) -> Flow | None:
    """What an operation that moves or adds elements gives for tangents, some of which have masks of elements."""
    dense = [None if t is None else unmasked(b, t) for t in given]
    masks = [repeated(b, t.mask, t.value.shape) if isinstance(t, Masked)
             else None if t is None else b.const(True, BOOL, t.shape) for t in given]
    (value,), (mask,) = tables.rules[op.name](b, op, *dense), tables.masks[op.name](b, op, *masks)
    return Masked(unmasked(b, value), unmasked(b, mask), clean=True) if value is not None and mask is not None else None


def pushed(b: Builder, rule: Rule, op: Op, given: Sequence[Flow | None]) -> Iterator[Flow]:
    """What a pointwise operation gives for the tangents of each mask."""
    def mask_of(t: Flow | None) -> Value | None:
        return t.mask if isinstance(t, Masked) else None

    for mask in dict.fromkeys(mask_of(t) for t in given if t is not None):
        chosen = [None if t is None or mask_of(t) is not mask else t for t in given]
        (found,) = rule(b, op, *(t.value if isinstance(t, Masked) else t for t in chosen))
        if found is not None and mask is not None:
            clean = all(t.clean for t in chosen if isinstance(t, Masked))
            found = masked(b, found, Masked(mask, mask, clean), keeps_zeros(op))
        if found is not None:
            yield found


def together(b: Builder, parts: Iterable[Flow]) -> Flow | None:
    """The sum of tangents."""
    flows = summed(b, list(parts))
    if len(flows) <= 1:
        return flows[0] if flows else None
    marked = [f for f in flows if isinstance(f, Masked)]
    return united(b, marked) if len(marked) == len(flows) else reduce(b.add, [unmasked(b, f) for f in flows])


def inexact(values: Iterable[Value]) -> list[Value]:
    return [v for v in values if v.dtype.is_inexact]


def pushforward(func: Func, wrt: Sequence[int], tables: JvpTables, along_basis: bool = False) -> Func:
    """See `jvp` in the package."""
    check_parameters(func, wrt)
    func = squares_of_lengths(inline_calls(func, isolated=False))
    pusher = Pusher(func, wrt, tables)
    block = new_block(func.params, pusher.env)
    b = Builder(block)
    for k in wrt:
        p = block.params[k]
        t = append_parameter(block, p, f"t_{p.name}" if p.name else "t")
        pusher.tangents[p] = along_axes(b, t) if along_basis and func.params[k] in pusher.steep else t
    pusher.run(b, func.ops)
    results = [pusher.look(r) for r in func.results]
    b.loc = None
    block.results = (*results, *(pusher.tangent(b, r) for r in inexact(func.results)))
    return Func(func.name + ".jvp", block)
