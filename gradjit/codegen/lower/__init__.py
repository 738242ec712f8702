"""What each operation becomes, by family.

ELEMENT: pointwise operations aside, how one element of the result is found: `rule(elements, op, index) -> Node`.
EMIT: the machine code of a pointwise operation: `rule(lanes, dtype, *args, **attrs) -> LLVM value`.
TASKS: operations that need loops or calls of their own: `rule(lowering, op) -> None`, which appends tasks.
"""

from __future__ import annotations

from . import (
    complex_matrices,
    creation,
    custom,
    effects,
    elementwise,
    factorisation,
    fourier,
    indexing,
    linalg,
    movement,
    reduction,
    special,
)
from .linalg import dissolve, is_thin

ELEMENT = {**creation.ELEMENT, **movement.ELEMENT, **indexing.ELEMENT, **effects.ELEMENT,
           **factorisation.ELEMENT, **complex_matrices.ELEMENT}
EMIT = {**elementwise.EMIT, **special.EMIT}
TASKS = {**reduction.TASKS, **movement.TASKS, **indexing.TASKS, **linalg.TASKS, **factorisation.TASKS,
         **custom.TASKS, **fourier.TASKS, **complex_matrices.TASKS}

UNLOWERED = dict.fromkeys(("if", "for", "while", "tape", "push", "pop", "debug_print", "raise", "assert", "show",
                           "trade", "fence"), "lowered by `nests`, a block at a time")
UNLOWERED["call"] = "inlined before code is generated"
UNLOWERED["custom"] = "its operands, when derivatives have been taken (passes/inline.py)"
"""Operations that are no part of a straight program."""

__all__ = ["ELEMENT", "EMIT", "TASKS", "UNLOWERED", "dissolve", "is_thin"]
