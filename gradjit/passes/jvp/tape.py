"""Pushforwards through tapes: a record is followed by the tangents of its active entries.

Which are active is asked of slots (passes/dependence.py), so that what was pushed is what is popped.
"""

from __future__ import annotations

from ...ir import Builder, Op
from ...ir.clone import copy_op
from ...ir.core import map_type
from ...ir.ops.tape import record_of
from ..masks import TRUTH, Masked, truth_of, written
from .control import chosen, tangent_name
from .driver import Pusher, Walk


def active(pusher: Pusher, op: Op) -> list[int]:
    """The positions in the record of what has a tangent."""
    return [k for k, slot in enumerate(pusher.tapes.slots(op)) if slot in pusher.active]


def _tape(pusher: Pusher, b: Builder, op: Op) -> None:
    copy_op(b, op, pusher.env)


def flagged(pusher: Pusher, op: Op) -> list[int]:
    """Those that are followed by a flag that says whether they flow."""
    return [k for k, slot in enumerate(pusher.tapes.slots(op)) if slot in pusher.active and pusher.is_flagged(slot)]


def _push(pusher: Pusher, b: Builder, op: Op) -> None:
    record = record_of(op)
    flows = {k: pusher.flow(b, record[k]) for k in active(pusher, op)}
    tangents = [pusher.dense(b, record[k], f) for k, f in flows.items()]
    flags = [written(b, truth_of(flows[k])) for k in flagged(pusher, op)]
    copy_op(b, op, pusher.env, operands=[*map(pusher.look, op.operands), *tangents, *flags])


def _pop(pusher: Pusher, b: Builder, op: Op) -> None:
    positions, unsure = active(pusher, op), flagged(pusher, op)
    types = [map_type(v.type, pusher.look) for v in record_of(op)]
    types += [*chosen(types, positions), *(TRUTH for _ in unsure)]
    new = b.append("pop", [pusher.look(op.operands[0])], {"types": tuple(types)})
    for old, fresh in zip(op.results, new.results, strict=False):
        fresh.name = old.name
        pusher.env[old] = fresh
    found = new.results[len(op.results):]
    flags = dict(zip(unsure, found[len(positions):], strict=True))
    for k, t in zip(positions, found, strict=False):
        t.name = tangent_name(new.results[1 + k])
        pusher.bind(new.results[1 + k], Masked(t, flags[k], clean=True) if k in flags else t)


RULES: dict[str, Walk] = {"tape": _tape, "push": _push, "pop": _pop}
