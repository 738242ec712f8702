"""The tape: where a loop leaves, iteration by iteration, what its reverse reads, last in, first out.

`tape` gives an empty one, `push %t, %v...` one with one more record, `pop %t` the one below and the record's values, of
the `types` that were pushed. A tape is used linearly: each of its values has one use on every path, so that one piece
of memory serves them all. It travels through loops and branches as any carried value or result does.
"""

from __future__ import annotations

from typing import Any

from ...errors import BoundsError, DtypeError, ShapeError
from .. import attrs as kinds
from ..core import Op, Value
from ..types import TAPE, ArrayType, type_of
from .spec import STEP, Fails, OpSpec, table

TAPE_TYPE = ArrayType(TAPE, ())

Tape = tuple[Any, ...]
"""In the interpreter: `()`, or `(the tape below, the record's values)`."""


def _infer_tape() -> tuple[ArrayType, ...]:
    return (TAPE_TYPE,)


def _check_tape(name: str, tape: ArrayType, record: tuple[ArrayType, ...]) -> None:
    if tape != TAPE_TYPE:
        raise DtypeError(f"{name}: the first operand is {tape}, expected {TAPE_TYPE}")
    if any(t.dtype is TAPE for t in record):
        raise DtypeError(f"{name}: a tape holds no tapes")


def _infer_push(*operands: ArrayType) -> tuple[ArrayType, ...]:
    if not operands:
        raise DtypeError("push: on which tape?")
    _check_tape("push", operands[0], operands[1:])
    return (TAPE_TYPE,)


def _infer_pop(tape: ArrayType, types: tuple[ArrayType, ...]) -> tuple[ArrayType, ...]:
    _check_tape("pop", tape, types)
    return (TAPE_TYPE, *types)


def _pop(tape: Tape, types: tuple[ArrayType, ...]) -> tuple[Any, ...]:
    if not tape:
        raise BoundsError("pop from an empty tape")
    below, record = tape
    found = [type_of(v) for v in record]
    if found != list(types):
        raise ShapeError(f"pop: a record of {found}, expected {list(types)}")
    return (below, *record)


def record_of(op: Op) -> tuple[Value, ...]:
    """The values that a push takes or a pop gives."""
    return op.operands[1:] if op.name == "push" else op.results[1:]


OPS = table(
    OpSpec("tape", "tape", 0, _infer_tape, lambda: ((),), Fails.NEVER, **STEP),
    OpSpec("push", "tape", None, _infer_push, lambda tape, *record: ((tape, record),), Fails.NEVER, **STEP),
    OpSpec("pop", "tape", 1, _infer_pop, _pop, Fails.SOMETIMES, {"types": kinds.TYPES}, **STEP),
)
"""`evaluate` gives a tuple of results throughout, as a tape is a tuple itself."""
