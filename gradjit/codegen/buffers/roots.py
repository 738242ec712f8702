"""What an array is, but for elements that have been replaced."""

from __future__ import annotations

from ...ir import OPS, Block, Loop, Value, is_loop


def root_of(region: Block, v: Value) -> Value | None:
    """The value from outside of a region that a value is, but for elements that are replaced; None for others."""
    v = begin_of(region, v)
    return None if v in region.params or (v.op is not None and v.op in region.ops) else v


def begin_of(region: Block, v: Value) -> Value:
    """The value that a value is, but for elements that are replaced (or records pushed and popped), as far back as the
    region knows.
    """
    inner = dict.fromkeys(region.ops, True)
    while v.op is not None and v.op in inner:
        op = v.op
        if OPS[op.name].writes or OPS[op.name].moves_record:
            v = op.operands[0]
        elif is_loop(op):
            v = Loop.of(op).inits[v.index]
        elif op.name == "if":
            roots = {root_of(r, r.results[v.index]) for r in op.regions}
            root = next(iter(roots))
            if len(roots) > 1 or root is None:
                break
            v = root
        else:
            break
    return v
