"""What may be changed in place: whose memory an array is, and who reads what is overwritten."""

from __future__ import annotations

from collections.abc import Iterable

from ...ir import ArrayType, Block, Value
from ..affine import Affine
from ..elements import row_major
from ..loops import Node, View, in_order
from ..memory import Plan
from ..tasks import CallTask, Task
from .scope import CHANGES


def is_whole(view: View, t: ArrayType) -> bool:
    """Whether a view shows all of its buffer in order."""
    return view.offset == 0 and view.strides == row_major(view.buffer.shape) and len(view.buffer.shape) == t.rank


def root_of(region: Block, v: Value) -> Value | None:
    """The value from outside of a region that a value is, but for elements that are replaced; None for others."""
    inner = dict.fromkeys(region.ops, True)
    while v.op is not None and v.op in inner:
        op = v.op
        if op.name in CHANGES or op.name in ("push", "pop"):
            v = op.operands[0]
        elif op.name == "for":
            v = op.operands[3 + v.index]
        elif op.name == "while":
            v = op.operands[v.index]
        elif op.name == "if":
            roots = {root_of(r, r.results[v.index]) for r in op.regions}
            root = next(iter(roots))
            if len(roots) > 1 or root is None:
                return None
            v = root
        else:
            return None
    return None if v in region.params else v


def conflicts(p: Plan, view: View, value: Value, scalars: Iterable[Node], evaluated: set[Node]) -> bool:
    """Whether a part reads memory that it overwrites, other than each element just before it is replaced.

    What `evaluated` nodes have read they need no more.
    """
    buffer = view.buffer
    for t in p.low.tasks:
        if isinstance(t, CallTask):
            if any(v.buffer is buffer for v in t.call.reads):
                return True
        elif any(b is buffer and not writes and not (t.value is value and safe(t, address))
                 for b, address, writes in t.accesses(evaluated)):
            return True
    seen: set[Node] = set(evaluated)
    for root in scalars:
        for n in in_order(root, seen.__contains__):
            seen.add(n)
            if n.kind == "load" and n.attrs[0] is buffer:
                return True
    return False


def safe(t: Task, address: Affine) -> bool:
    """Whether a task that replaces elements may read this one of them: the very one, or any before a single store."""
    return t.kind in ("map", "window") and (address == t.address or not t.order)
