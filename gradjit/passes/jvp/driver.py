"""The forward pass over a function: tangents from the parameters on to the results."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ...ir import Builder, Func, Op, Value
from ...ir.rewrite import Env, copy_op, new_block
from .. import flow
from ..checks import append_parameter, check_operation, check_parameters
from ..inline import inline_calls

Rule = Callable[..., Sequence["Value | None"]]
"""`rule(b, op, *tangents of op.operands) -> one tangent, or None, for each result`; `op` stands in the new function"""
Walk = Callable[["Pusher", Builder, Op], None]
"""`rule(pusher, b, op)` rebuilds an operation of the old function that has regions or moves records of a tape."""


@dataclass(frozen=True)
class Tables:
    """What the package's tables say about each operation; see there."""

    rules: Mapping[str, Rule]
    walks: Mapping[str, Walk]
    constant: Mapping[str, str]
    unsupported: Mapping[str, str]


class Pusher:
    """Rebuilds a function with tangents.

    active: the old values (and slots of tapes) that lie on a way from a parameter to a result; only these get tangents.
    env: what each old value has become.
    tangents: by primal value of the new function. What is missing has a structural zero.
    """

    def __init__(self, func: Func, wrt: Sequence[int], tables: Tables):
        self.tables = tables
        self.tapes = flow.Tapes(func.body)
        self.active = flow.between(flow.edges(func, self.tapes, self.reads), inexact(func.params[k] for k in wrt),
                                   inexact(func.results))
        self.env: Env = {}
        self.tangents: dict[Value, Value] = {}

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
        for r, t in zip(op.results, self.tables.rules[op.name](b, op, *given), strict=True):
            if t is not None:
                self.bind(r, t)

    def bind(self, v: Value, tangent: Value) -> None:
        assert tangent.type == v.type, f"tangent {tangent.type} of a {v.type}"
        self.tangents[v] = tangent

    def look(self, v: Value) -> Value:
        """What an old value has become."""
        return self.env.get(v, v)

    def tangent(self, b: Builder, old: Value) -> Value:
        """The tangent of what an old value has become; zeros, written out only now, where it has none."""
        new = self.look(old)
        return self.tangents.get(new) or b.zeros(new.type)


def inexact(values: Iterable[Value]) -> list[Value]:
    return [v for v in values if v.dtype.is_inexact]


def pushforward(func: Func, wrt: Sequence[int], tables: Tables) -> Func:
    """See `jvp` in the package."""
    check_parameters(func, wrt)
    func = inline_calls(func, isolated=False)
    pusher = Pusher(func, wrt, tables)
    block = new_block(func.params, pusher.env)
    b = Builder(block)
    for k in wrt:
        p = block.params[k]
        pusher.tangents[p] = append_parameter(block, p, f"t_{p.name}" if p.name else "t")
    pusher.run(b, func.ops)
    results = [pusher.look(r) for r in func.results]
    b.loc = None
    block.results = (*results, *(pusher.tangent(b, r) for r in inexact(func.results)))
    return Func(func.name + ".jvp", block)
