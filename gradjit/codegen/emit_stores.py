"""What statements leave behind: elements in memory, values in accumulators."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..ir import OPS, DType
from . import llvm
from .loops import Accumulate, Store
from .lower.combine import combine
from .lower.elementwise import constant, memory_type
from .numbers import identity
from .vecmath.lanes import I32

if TYPE_CHECKING:
    from .emit import Emitter


def store(e: Emitter, s: Store) -> None:
    t = s.buffer.dtype
    wide = e.is_wide(s.address.vars)
    stride = e.stride(s.address) if wide else 0
    if wide and stride != 1:
        return scattered(e, s, e.widened(s.node))
    product = factors(e, s, wide)
    v = product[0] if product else e.widened(s.node) if wide else e.value(s.node)
    p = e.at(s.buffer, e.place(s.address))
    L = e.lanes(e.scope.width if wide else 1)
    if s.combine is not None:
        if wide and e.scope.new_lanes is not None:
            v = e.b.select(e.scope.new_lanes, v, constant(L, t, identity(s.combine, t)))
        like = memory_like(v, t)
        masked = wide and e.scope.mask is not None
        old = e.masked_load(s.buffer, p, like, 1) if masked else e.read(s.buffer, p, like)
        old = e.from_memory(old, t)
        v = L.fma(*product, old) if product else combine(L, s.combine, t, old, v)
    chosen = s.node.kind == "apply" and OPS[s.node.attrs[0]].chooses
    if wide and (chosen or s.combine in ("max", "min")):
        # Where one of two is what stood in memory, LLVM would store the other under a mask, which takes ten times
        # as long on many processors; it does not see through a `freeze`.
        v = e.b.freeze(v)
    write = e.masked_write if wide and e.scope.mask is not None else e.write
    return write(s.buffer, p, v)


def factors(e: Emitter, s: Store | Accumulate, wide: bool) -> tuple[llvm.Value, llvm.Value] | None:
    """The factors of a product that is rounded with the sum. In the last vector of a loop, which overlaps the one
    before, it is not: the lanes that were counted there add 0."""
    if not s.fused or e.scope.new_lanes is not None:
        return None
    x, y = (e.widened(n) if wide else e.value(n) for n in s.node.args)
    return x, y


def memory_like(v: llvm.Value, t: DType) -> llvm.Type:
    m = memory_type(t)
    return llvm.VectorType(m, v.type.count) if isinstance(v.type, llvm.VectorType) else m


def scattered(e: Emitter, s: Store, v: llvm.Value) -> None:
    """A store whose lanes are not neighbours."""
    t = s.buffer.dtype
    index = e.places(s.address)
    for k in range(e.scope.width):
        p = e.at(s.buffer, e.b.extract_element(index, I32(k)))
        lane = e.b.extract_element(v, I32(k))
        if s.combine is not None:
            if e.scope.new_lanes is not None:
                keep = e.b.extract_element(e.scope.new_lanes, I32(k))
                lane = e.b.select(keep, lane, constant(e.lanes(1), t, identity(s.combine, t)))
            old = e.from_memory(e.read(s.buffer, p, memory_type(t)), t)
            lane = combine(e.lanes(1), s.combine, t, old, lane)
        e.write(s.buffer, p, lane)


def accumulate(e: Emitter, s: Accumulate) -> None:
    parts = e.parts[s.acc]
    copy = e.scope.vector.copy if e.scope.vector else 0
    if s.position is not None:
        if e.is_wide(s.position.vars):
            parts.record(e.widened(s.node), e.places(s.position), copy, e.scope.new_lanes)
        else:
            parts.record(e.value(s.node), e.place(s.position), 0, None)
        return
    if product := factors(e, s, e.scope.vector is not None):
        new = parts.add_product(*product, copy)
    else:
        v = e.widened(s.node) if e.scope.vector else e.value(s.node)
        if e.scope.new_lanes is not None and not parts.per_lane:
            L = e.lanes(e.scope.width)
            v = e.b.select(e.scope.new_lanes, v, constant(L, s.acc.dtype, identity(s.acc.op, s.acc.dtype)))
        new = parts.add(v, copy)
    if s.store is not None:
        buffer, address = s.store
        e.write(buffer, e.at(buffer, e.place(address)), new)


__all__ = ["accumulate", "store"]
