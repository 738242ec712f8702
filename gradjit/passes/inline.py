"""Calls become the bodies of the functions that they call.

    %y = call %x callee=@f                       -->  the operations of @f on %x
    %z = custom %y, %x results=1 rule="..."      -->  %y

Derivatives inline all calls but isolated ones first, code generation the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..ir import Block, Builder, Func, Op, Value, walk
from ..ir.clone import Env, copy_op, inline, new_block
from ..ir.core import map_attr, map_type


def inline_calls(func: Func, isolated: bool = True) -> Func:
    """The function without calls; with isolated=False those stay whose reverse runs them again. `func` is not changed.
    """
    if not any(is_inlined(op, isolated) for op in walk(func.body)):
        return func

    def body(b: Builder, op: Op, operands: Sequence[Value]) -> Sequence[Value] | None:
        if isolated and is_ruled(op):
            return operands[:len(op.results)]
        if is_inlined(op, isolated):
            return inline(b, inline_calls(op.attrs["callee"], isolated), operands)
        return None

    return replaced(func, body)


def is_inlined(op: Op, isolated: bool) -> bool:
    return (op.name == "call" and (isolated or not op.attrs.get("isolated"))) or (isolated and is_ruled(op))


def is_ruled(op: Op) -> bool:
    """Whether it only says what the derivative is: it has done its work when derivatives have been taken."""
    return op.name == "custom"


Replacement = Callable[[Builder, Op, Sequence[Value]], "Sequence[Value] | None"]
"""What stands for an operation on new operands; None where it stays."""


def replaced(func: Func, replacement: Replacement) -> Func:
    """The function with some operations replaced, in its regions, too."""
    return Func(func.name, _block(func.body, {}, replacement))


def _block(old: Block, outer: Env, replacement: Replacement) -> Block:
    env = dict(outer)
    fresh = new_block(old.params, env)
    b = Builder(fresh)
    for op in old.ops:
        b.loc = op.loc
        found = replacement(b, op, [env.get(v, v) for v in op.operands])
        if found is None:
            _kept(b, op, env, replacement)
        else:
            env.update(zip(op.results, found, strict=True))
    fresh.results = tuple(env.get(v, v) for v in old.results)
    return fresh


def _kept(b: Builder, op: Op, env: Env, replacement: Replacement) -> None:
    def look(v: Value) -> Value:
        return env.get(v, v)

    if not op.regions:
        copy_op(b, op, env)
        return
    regions = tuple(_block(r, env, replacement) for r in op.regions)
    attrs = {k: map_attr(a, look) for k, a in op.attrs.items()}
    new = Op(op.name, tuple(map(look, op.operands)), attrs, tuple(map_type(r.type, look) for r in op.results),
             regions, op.loc)
    b.block.ops.append(new)
    for r, fresh in zip(op.results, new.results, strict=True):
        fresh.name = r.name
        env[r] = fresh
