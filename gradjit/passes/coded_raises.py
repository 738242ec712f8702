"""Raised exceptions as checks, for code that has no Python to raise them: a library gives the number of the check.

    raise %n error="ValueError" message="no root after {0} steps"

    %0: bool[] = const false
    assert %0 message="no root after ... steps" error="ValueError"

What the numbers were is not told.
"""

from __future__ import annotations

from collections.abc import Callable

from ..ir import Block, Builder, Func, Op, walk
from ..ir.clone import copy_block
from ..ir.ops.effects import described


def coded_raises(func: Func) -> Func:
    """The function with checks in the place of what it raises; itself where it raises nothing."""
    if not any(op.name in CODED for op in walk(func.body)):
        return func
    body = copy_block(func.body, {})
    _code(body)
    return Func(func.name, body)


def _code(block: Block) -> None:
    old, block.ops = block.ops, []
    b = Builder(block)
    for op in old:
        if (rule := CODED.get(op.name)) is not None:
            b.loc = op.loc
            rule(b, op)
            continue
        block.ops.append(op)
        for region in op.regions:
            _code(region)


def _check(b: Builder, op: Op) -> None:
    error, message = described(op.attrs["error"], op.attrs["message"])
    b.append("assert", (b.const(False),), {"message": message, "error": error})


CODED: dict[str, Callable[[Builder, Op], None]] = {"raise": _check}
