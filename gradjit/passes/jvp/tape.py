"""Pushforwards through tapes: a record is followed by the tangents of its active entries.

Which are active is asked of slots (passes/flow.py), so that what was pushed is what is popped.
"""

from __future__ import annotations

from ...ir import Builder, Op
from ...ir.core import map_type
from ...ir.rewrite import copy_op
from .. import flow
from .control import chosen, tangent_name
from .driver import Pusher, Walk


def active(pusher: Pusher, op: Op) -> list[int]:
    """The positions in the record of what has a tangent."""
    return [k for k, slot in enumerate(pusher.tapes.slots(op)) if slot in pusher.active]


def _tape(pusher: Pusher, b: Builder, op: Op) -> None:
    copy_op(b, op, pusher.env)


def _push(pusher: Pusher, b: Builder, op: Op) -> None:
    tangents = [pusher.tangent(b, v) for v in chosen(flow.record(op), active(pusher, op))]
    copy_op(b, op, pusher.env, operands=[*map(pusher.look, op.operands), *tangents])


def _pop(pusher: Pusher, b: Builder, op: Op) -> None:
    positions = active(pusher, op)
    types = [map_type(v.type, pusher.look) for v in flow.record(op)]
    types += chosen(types, positions)
    new = b.append("pop", [pusher.look(op.operands[0])], {"types": tuple(types)})
    for old, fresh in zip(op.results, new.results, strict=False):
        fresh.name = old.name
        pusher.env[old] = fresh
    for k, t in zip(positions, new.results[len(op.results):], strict=True):
        t.name = tangent_name(new.results[1 + k])
        pusher.bind(new.results[1 + k], t)


RULES: dict[str, Walk] = {"tape": _tape, "push": _push, "pop": _pop}
