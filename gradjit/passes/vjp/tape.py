"""Pullbacks of tapes: the cotangent of a tape is a tape, on which the reverse of a pop leaves what the reverse of its
push takes. A record's cotangent holds those of its active places."""

from __future__ import annotations

from collections.abc import Sequence

from ...ir import Op
from ...ir.ops.tape import record_of
from ..masks import TRUTH, Masked, truth_of, written
from .driver import Reverser, Walk


def _tape(reverser: Reverser, op: Op) -> None:
    """Everything that was pushed has been taken from the cotangent by now."""
    reverser.take(op.result)


def flagged(reverser: Reverser, op: Op, places: Sequence[int]) -> list[int]:
    """The places of a record whose cotangents are followed by a flag that says whether they flow."""
    slots = reverser.active.tapes.slots(op)
    return [k for k in places if slots[k] in reverser.active.singular]


def _push(reverser: Reverser, op: Op) -> None:
    below, record, places = op.operands[0], record_of(op), reverser.active.places(op)
    ct = reverser.taken(op.result)
    if ct is not None and places:
        unsure = flagged(reverser, op, places)
        types = (*(record[k].type for k in places), *(TRUTH for _ in unsure))
        ct, *cts = reverser.b.append("pop", (ct,), {"types": types}).results
        flags = dict(zip(unsure, cts[len(places):], strict=True))
        for k, g in zip(places, cts, strict=False):
            reverser.add(record[k], Masked(g, flags[k], clean=True) if k in flags else g)
    reverser.add(below, ct)


def _pop(reverser: Reverser, op: Op) -> None:
    below, record, places = op.results[0], record_of(op), reverser.active.places(op)
    ct = reverser.taken(below) or reverser.zero(below)
    flows = {k: reverser.calm(record[k]) for k in places}
    cts = [reverser.zero(record[k]) if f is None else reverser.unmasked(f) for k, f in flows.items()]
    cts += [written(reverser.b, truth_of(flows[k])) for k in flagged(reverser, op, places)]
    reverser.add(op.operands[0], reverser.b.push(ct, *cts) if cts else ct)


RULES: dict[str, Walk] = {"tape": _tape, "push": _push, "pop": _pop}
