"""Whether operations may write into memory that is still read: an analysis of what each element is computed from."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from ...ir import OPS, Func, Memory, Op, Value
from ..affine import Affine
from ..elements import whole
from ..loops import Buffer, Node, View, in_order
from ..memory import surveyed
from ..part import Part, Whereabouts
from ..tasks import CallTask, Lowering, Surroundings, Task, only
from .language import BufferProgram, is_single


def overwritten_too_early(known: Whereabouts, ops: Iterable[Op], kept: Iterable[Value], given: dict[Value, View],
                          in_place: Op | None = None) -> set[Value]:
    """Those of the `given` values whose memory the part would read after it has been overwritten.

    kept: the other values that the part computes. given: values with the memory that they are to fill. in_place: the
    last of the operations changes that memory.
    """
    part = Part(known, in_place)
    for op in ops:
        part.op(op)
    for v in given:
        part.value(v)
    read = {home.buffer for home in part.homes.values() if isinstance(home, View)}
    asked = {v: view for v, view in given.items() if view.buffer in read}
    if not asked:
        return set()
    low, singles = surveyed_part(part, kept, given, in_place)
    return {v for v, view in asked.items() if conflicts(low, view.buffer, part.now[v], singles, part.apart)}


def reads_across(p: BufferProgram, v: Value, buffer: Buffer) -> bool:
    """Whether elements of a value are surely, or perhaps, computed from other elements of what a piece of memory holds:
    on a way there something else than a pointwise operation stands. This is quickly seen, and most often so."""
    todo, seen = [(v, True)], {v}
    while todo:
        x, along = todo.pop()
        if x.op is None or OPS[x.op.name].memory is Memory.STEP:
            continue
        along = along and OPS[x.op.name].pointwise
        for o in x.op.operands:
            if o in p.homes:
                if p.homes[o].buffer is buffer and not along:
                    return True
            elif o not in seen:
                seen.add(o)
                todo.append((o, along))
    return False


def surveyed_part(part: Part, kept: Iterable[Value], given: dict[Value, View], in_place: Op | None
                  ) -> tuple[Lowering, list[Node]]:
    """The tasks of a part, walked dry, and the nodes of its single elements. Nothing has been given to loops yet."""
    kept = list(kept)
    singles = [part.now[v] for v in kept if is_single(v.type)]
    views = {part.now[v]: replace(view, shape=part.now[v].type.extents) for v, view in given.items()}
    for v in kept:
        if not is_single(v.type):
            t = part.now[v].type
            views[part.now[v]] = whole(Buffer("", v.dtype, t.extents, "workspace"), t.extents)
    part.block.results = tuple(part.now[v] for v in (*given, *kept))
    changed = {part.now[in_place.result]} if in_place else set()
    frame = Surroundings(part.known.nodes, part.homes, views, singles, changed)
    low = surveyed(Func("", part.block), frame)
    e = low.elements
    e.memo.clear()
    return low, [e.shown(e.at(v, only(v))) for v in singles]


def conflicts(low: Lowering, buffer: Buffer, value: Value, singles: Iterable[Node], apart: Node) -> bool:
    """Whether a part reads memory that `value` overwrites, other than each element just before it is replaced.

    Loads of the state `apart` read other elements. A task's notes tell what it loads in any of the pieces that it may
    be cut into.
    """
    def meets(n: Node) -> bool:
        return n.attrs[0] is buffer and apart not in n.args

    fresh = True  # nothing has been overwritten yet
    for t in low.tasks:
        if isinstance(t, CallTask):
            if any(v.buffer is buffer and v.version is not apart for v in t.call.reads):
                return True
            continue
        own = fresh and t.value is value
        if any(meets(n) and not (own and safe(t, n.attrs[1])) for n in t.notes.loads):
            return True
        fresh = fresh and t.value is not value
    seen: set[Node] = set()
    return any(n.kind == "load" and meets(n) for root in singles for n in unseen(root, seen))


def unseen(root: Node, seen: set[Node]) -> Iterable[Node]:
    for n in in_order(root, seen.__contains__):
        seen.add(n)
        yield n


def safe(t: Task, address: Affine) -> bool:
    """Whether a task that replaces elements may read this one of them: the very one, or any before a single store."""
    return t.kind in ("map", "window") and (address == t.address or not t.order)


def dissolved_into(func: Func, overwritten: Collection[Value]) -> set[Value]:
    """The values of a part that are computed from memory that it overwrites: they must stay where they are read. Given
    memory of their own they would be computed in loops of their own, which may stand behind the change."""
    found = set(overwritten)
    for op in func.ops:
        if not OPS[op.name].has_nest and not found.isdisjoint(op.operands):
            found.update(op.results)
    return found - set(overwritten)
