"""What may be changed in place: whose memory an array is, and who reads what is overwritten."""

from __future__ import annotations

from collections.abc import Iterable

from ...ir import OPS, ArrayType, Block, Loop, Value, is_loop
from ..affine import Affine
from ..elements import row_major
from ..loops import Node, View, in_order
from ..memory import MemoryPlan
from ..tasks import CallTask, Task


def is_whole(view: View, t: ArrayType) -> bool:
    """Whether a view shows all of its buffer in order."""
    return view.offset == 0 and view.strides == row_major(view.buffer.shape) and len(view.buffer.shape) == t.rank


def is_single(t: ArrayType) -> bool:
    """Whether there is one element, which is held as a node whatever the rank."""
    return t.is_static and t.size == 1


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


def conflicts(p: MemoryPlan, view: View, value: Value, singles: Iterable[Node], evaluated: set[Node], apart: Node
              ) -> bool:
    """Whether a part reads memory that it overwrites, other than each element just before it is replaced.

    What `evaluated` nodes have read they need no more; loads of the version `apart` read other elements. A task's notes
    tell what it loads in any of the pieces that it may be cut into.
    """
    def meets(n: Node) -> bool:
        return n.attrs[0] is view.buffer and apart not in n.args

    fresh = True  # nothing has been overwritten yet
    for t in p.low.tasks:
        if isinstance(t, CallTask):
            if any(v.buffer is view.buffer and v.version is not apart for v in t.call.reads):
                return True
            continue
        own = fresh and t.value is value
        if any(meets(n) and not (own and safe(t, n.attrs[1])) for n in t.notes.loads):
            return True
        fresh = fresh and t.value is not value
    seen: set[Node] = set(evaluated)
    for root in singles:
        for n in in_order(root, seen.__contains__):
            seen.add(n)
            if n.kind == "load" and meets(n):
                return True
    return False


def safe(t: Task, address: Affine) -> bool:
    """Whether a task that replaces elements may read this one of them: the very one, or any before a single store."""
    return t.kind in ("map", "window") and (address == t.address or not t.order)
