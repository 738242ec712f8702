"""The forward pass over a function: tangents from the parameters on to the results."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ...ir import Builder, Func, Op, Value
from ...ir.rewrite import Env, copy_op, new_block
from ..activity import inputs, useful
from ..checks import append_parameter, check_operation, check_parameters

Rule = Callable[..., Sequence["Value | None"]]
"""`rule(b, op, *tangents of inputs(op)) -> one tangent, or None, for each result`"""


@dataclass(frozen=True)
class Tables:
    """What the package's tables say about each operation; see there."""

    rules: Mapping[str, Rule]
    constant: Mapping[str, str]
    unsupported: Mapping[str, str]


Tangents = dict[Value, Value]
"""Tangents by primal value, both of the function being built. What is missing has a structural zero."""


def push(b: Builder, op: Op, tables: Tables, tangents: Tangents) -> None:
    """Emit the tangents of an operation's results, if its inputs have any."""
    given = [tangents.get(v) for v in inputs(op)]
    active = any(r.dtype.is_inexact for r in op.results) and any(t is not None for t in given)
    if not active or op.name in tables.constant:
        return
    check_operation(op, tables.unsupported)
    for r, t in zip(op.results, tables.rules[op.name](b, op, *given), strict=True):
        if t is not None:
            assert t.type == r.type, f"tangent {t.type} of a {r.type}"
            tangents[r] = t


def pushforward(func: Func, wrt: Sequence[int], tables: Tables) -> Func:
    """See `jvp` in the package."""
    check_parameters(func, wrt)
    env: Env = {}
    block = new_block(func.params, env)
    b = Builder(block)
    tangents: Tangents = {}
    for k in wrt:
        p = block.params[k]
        tangents[p] = append_parameter(block, p, f"t_{p.name}" if p.name else "t")
    wanted = useful(func.ops, func.results, tables.constant)
    for op in func.ops:
        copy = copy_op(b, op, env)
        if any(r in wanted for r in op.results):
            push(b, copy, tables, tangents)
    results = [env[r] for r in func.results]
    block.results = (*results, *(tangents.get(r) or b.zeros(r.type) for r in results if r.dtype.is_inexact))
    return Func(func.name + ".jvp", block)
