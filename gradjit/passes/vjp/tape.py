"""Pullbacks of tapes: the cotangent of a tape is a tape, on which the reverse of a pop leaves what the reverse of its
push takes. A record's cotangent holds those of its active places."""

from __future__ import annotations

from ...ir import Op
from .driver import Reverser, Walk


def _tape(reverser: Reverser, op: Op) -> None:
    """Everything that was pushed has been taken from the cotangent by now."""
    reverser.take(op.result)


def _push(reverser: Reverser, op: Op) -> None:
    below, record, places = op.operands[0], op.operands[1:], reverser.active.places(op)
    ct = reverser.taken(op.result)
    if ct is not None and places:
        types = tuple(record[k].type for k in places)
        ct, *cts = reverser.b.append("pop", (ct,), {"types": types}).results
        for k, g in zip(places, cts, strict=True):
            reverser.add(record[k], g)
    reverser.add(below, ct)


def _pop(reverser: Reverser, op: Op) -> None:
    below, record, places = op.results[0], op.results[1:], reverser.active.places(op)
    ct = reverser.taken(below) or reverser.zero(below)
    cts = [reverser.taken(record[k]) or reverser.zero(record[k]) for k in places]
    reverser.add(op.operands[0], reverser.b.push(ct, *cts) if cts else ct)


RULES: dict[str, Walk] = {"tape": _tape, "push": _push, "pop": _pop}
