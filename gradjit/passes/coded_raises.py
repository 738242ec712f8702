"""Raised exceptions as checks, for code that has no Python to raise them: a library gives the number of the check.

    raise %n error="ValueError" message="no root after {0} steps"

    %0: bool[] = const false
    assert %0 message="no root after ... steps" error="ValueError"

What the numbers were is not told.
"""

from __future__ import annotations

from ..ir import Block, Builder, Func, walk
from ..ir.clone import copy_block
from ..ir.ops.effects import described


def coded_raises(func: Func) -> Func:
    """The function with checks in the place of what it raises; itself where it raises nothing."""
    if not any(op.name == "raise" for op in walk(func.body)):
        return func
    body = copy_block(func.body, {})
    _code(body)
    return Func(func.name, body)


def _code(block: Block) -> None:
    old, block.ops = block.ops, []
    b = Builder(block)
    for op in old:
        if op.name == "raise":
            b.loc = op.loc
            error, message = described(op.attrs["error"], op.attrs["message"])
            b.append("assert", (b.const(False),), {"message": message, "error": error})
            continue
        block.ops.append(op)
        for region in op.regions:
            _code(region)
