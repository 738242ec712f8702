"""Pullbacks by rules that somebody has written; a rule for tangents is transposed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from ...errors import DifferentiationError
from ...ir import Block, Builder, Func, Op, Value
from ...ir.clone import inline
from ...ir.ops.custom import Rule as Custom
from ...tracer.locations import fail
from ..dce import dce
from .driver import Rule


def pulled(b: Builder, op: Op, needs: tuple[bool, ...], *cts: Value | None) -> Sequence[Value | None]:
    rule, n = op.attrs["rule"], op.attrs["results"]
    operands = op.operands[n:]
    for k, v in enumerate(operands):
        if v.dtype.is_inexact and needs[n + k]:
            check_wanted(rule, k, op)
    seeds = [b.zeros(r.type) if ct is None else ct for r, ct in zip(op.results, cts, strict=True)
             if r.dtype.is_inexact]
    found = iter(inline(b, pull_of(rule, len(operands)), (*operands, *seeds)))
    given = [next(found) if v.dtype.is_inexact else None for v in operands]
    return [*[None] * n, *(ct if need else None for ct, need in zip(given, needs[n:], strict=True))]


def check_wanted(rule: Custom, k: int, op: Op) -> None:
    """DifferentiationError for an operand that the rule does not differentiate."""
    if k in rule.refused:
        fail(DifferentiationError, rule.refused[k], op.loc)


def pull_of(rule: Custom, operands: int) -> Func:
    found = rule.pull()
    if found is None:
        found = rule.push()
        assert found is not None
        found = transposed(found, operands)
    return found


def transposed(func: Func, fixed: int) -> Func:
    """Of a function that is linear in the parameters behind the first `fixed` ones, the transposed one."""
    from . import reverse
    linear = func.params[fixed:]
    back = reverse(func, range(fixed, len(func.params)))
    seeds = back.params[len(func.params):]
    block = Block(tuple(p.type for p in (*func.params[:fixed], *seeds)))
    b = Builder(block)
    given = (*block.params[:fixed], *(b.zeros(p.type) for p in linear), *block.params[fixed:])
    block.results = inline(b, back, given)[len(func.results):]
    return dce(Func(func.name + ".transposed", block))


def opaque(b: Builder, op: Op, needs: tuple[bool, ...], *cts: Value | None) -> Sequence[Value | None]:
    refuse(op)


def refuse(op: Op) -> NoReturn:
    title = op.attrs["function"].title
    fail(DifferentiationError, f"{title} is a gj.primitive without a derivative, and one is wanted; give it vjp= or "
                               f"jvp=, or \"numeric\" for differences: gj.primitive({title}, out=..., vjp=\"numeric\")",
         op.loc)


RULES: dict[str, Rule] = {"custom": pulled, "opaque": opaque}
CONSTANT: dict[str, str] = {}
