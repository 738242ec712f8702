"""The reverse pass over a block: cotangents from the results back to what they were computed from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

from ...ir import OPS, Block, Builder, Func, Op, Value
from ...ir.rewrite import Env, copy_op, new_block
from ..activity import inputs, varied
from ..checks import check_operation, check_parameters
from ..partials import Flow, Masked, settle

Rule = Callable[..., Sequence["Flow | None"]]
"""`rule(b, op, needs, *cts) -> one cotangent, or None, for each of inputs(op)`"""


@dataclass(frozen=True)
class Tables:
    """What the package's tables say about each operation; see there."""

    rules: Mapping[str, Rule]
    constant: Mapping[str, str]
    unsupported: Mapping[str, str]
    moves_masks: frozenset[str]


class Reverser:
    """Cotangents of the values of one block. `varied` are the values that want one."""

    def __init__(self, b: Builder, tables: Tables, varied: set[Value]):
        self.b = b
        self.tables = tables
        self.varied = varied
        self.arrived: dict[Value, list[Flow]] = {}

    def add(self, v: Value, ct: Flow | None) -> None:
        """Another contribution to the cotangent of v. None is a structural zero."""
        if ct is None or v not in self.varied:
            return
        value = ct.value if isinstance(ct, Masked) else ct
        assert value.type == v.type, f"cotangent {value.type} of a {v.type}"
        self.arrived.setdefault(v, []).append(ct)

    def take(self, v: Value) -> Flow | None:
        """The sum of the contributions to v's cotangent; None where none arrived. A mask common to all stays."""
        totals: dict[Value | None, Value] = {}
        for part in self.arrived.pop(v, ()):
            mask, value = (part.mask, part.value) if isinstance(part, Masked) else (None, part)
            totals[mask] = self.b.add(totals[mask], value) if mask in totals else value
        flows = [value if mask is None else Masked(value, mask) for mask, value in totals.items()]
        if len(flows) <= 1:
            return flows[0] if flows else None
        return reduce(self.b.add, (settle(self.b, f) for f in flows))

    def taken(self, v: Value) -> Value | None:
        """The same as one value, without a mask."""
        ct = self.take(v)
        return None if ct is None else settle(self.b, ct)

    def run(self, ops: Sequence[Op]) -> None:
        """Pull cotangents back through operations that stand in the function being built, last first."""
        for op in reversed(ops):
            if any(r in self.arrived for r in op.results):
                self.b.loc = op.loc
                self.pull(op)

    def pull(self, op: Op) -> None:
        check_operation(op, self.tables.unsupported)
        rule, sources = self.tables.rules[op.name], inputs(op)
        needs = tuple(v in self.varied for v in sources)
        for v, ct in zip(sources, self.apply(rule, op, needs), strict=True):
            self.add(v, ct)

    def apply(self, rule: Rule, op: Op, needs: tuple[bool, ...]) -> Sequence[Flow | None]:
        """The rule on the cotangents, with their mask carried along where that can be."""
        b = self.b
        ct = self.take(op.results[0]) if len(op.results) == 1 else None
        if isinstance(ct, Masked) and OPS[op.name].pointwise:
            return [masked(b, part, ct.mask) for part in rule(b, op, needs, ct.value)]
        if isinstance(ct, Masked) and op.name in self.tables.moves_masks:
            values, masks = rule(b, op, needs, ct.value), rule(b, op, needs, ct.mask)
            return [Masked(v, m) if isinstance(v, Value) and isinstance(m, Value) else None
                    for v, m in zip(values, masks, strict=True)]
        if ct is not None:
            return rule(b, op, needs, settle(b, ct))
        return rule(b, op, needs, *(self.taken(r) for r in op.results))


def masked(b: Builder, flow: Flow | None, mask: Value) -> Flow | None:
    """The flow with one more mask."""
    if isinstance(flow, Masked):
        return Masked(flow.value, b.and_(mask, flow.mask))
    return None if flow is None else Masked(flow, mask)


# whole functions ----------------------------------------------------------------------------------------------------
def pullback(func: Func, wrt: Sequence[int], tables: Tables, suffix: str,
             seeds: Callable[[Builder, Block, Env], Iterable[Value | None]]) -> Func:
    """`func` with the gradients for the parameters `wrt` behind its results.

    `seeds(builder, block, env)` gives a cotangent for each result; it may append parameters to the block.
    """
    check_parameters(func, wrt)
    env: Env = {}
    block = new_block(func.params, env)
    b = Builder(block)
    ops = [copy_op(b, op, env) for op in func.ops]
    results = [env[r] for r in func.results]
    wanted = [env[func.params[k]] for k in wrt]
    b.loc = None
    reverser = Reverser(b, tables, varied(ops, wanted, tables.constant))
    for r, ct in zip(results, seeds(b, block, env), strict=True):
        reverser.add(r, ct)
    reverser.run(ops)
    block.results = (*results, *gradients(reverser, wanted))
    return Func(func.name + suffix, block)


def gradients(reverser: Reverser, wanted: Sequence[Value]) -> list[Value]:
    """The cotangents of the parameters; zeros, written out only now, where none arrived."""
    found = {v: reverser.taken(v) for v in dict.fromkeys(wanted)}
    for v in wanted:
        if found[v] is None:
            found[v] = reverser.b.zeros(v.type)
    return [found[v] for v in wanted]  # type: ignore[misc]
