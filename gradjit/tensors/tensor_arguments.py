"""The arguments of a call on tensors, taken apart: the tensors, a template for all the rest, and a key for that.

Arrays are copied: the recording computes with them later, or again for derivatives, and their owner may write to them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from .tensor import Tensor


class Operand:
    """In a template and its key: the operand of this number. Equals are one object."""

    __slots__ = ("index",)

    def __init__(self, index: int):
        self.index = index


OPERANDS = [Operand(k) for k in range(100)]


def operand_of_number(k: int) -> Operand:
    while k >= len(OPERANDS):
        OPERANDS.append(Operand(len(OPERANDS)))
    return OPERANDS[k]


ATOMS = frozenset({int, bool, str, bytes, complex, np.bool_})
"""What is part of the program as it stands, beside floats and NumPy's integers."""


class Taker:
    """Takes arguments apart. floats: whether Python floats are operands, and no part of the key."""

    def __init__(self, cls: type[Tensor], floats: bool):
        self.cls = cls
        self.floats = floats
        self.operands: list[Any] = []

    def take(self, x: Any) -> tuple[Any, Any]:
        """The template and the key of an argument."""
        if x is None:
            return None, None
        cls = type(x)
        if cls in ATOMS:
            return x, (cls, x)
        if isinstance(x, self.cls.family):
            return self.operand(x)
        if cls is float:
            return self.operand(x) if self.floats else (x, (cls, x.hex()))
        if cls is tuple or cls is list:
            parts = [self.take(i) for i in x]
            return cls([t for t, _ in parts]), (cls, *(k for _, k in parts))
        if isinstance(x, np.integer):
            return x, (cls, x)
        if isinstance(x, np.ndarray | np.generic):
            return self.operand(self.cls.constant_of(x))
        if cls is slice:
            parts = [self.take(i) for i in (x.start, x.stop, x.step)]
            return slice(*(t for t, _ in parts)), (slice, *(k for _, k in parts))
        if cls is dict:
            found = {name: self.take(i) for name, i in x.items()}
            return {n: t for n, (t, _) in found.items()}, (dict, *((n, k) for n, (_, k) in found.items()))
        if isinstance(x, tuple):  # named ones
            parts = [self.take(i) for i in x]
            return tuple(t for t, _ in parts), (cls, *(k for _, k in parts))
        hash(x)
        return x, x

    def operand(self, x: Any) -> tuple[Any, Any]:
        operands = self.operands
        for k, known in enumerate(operands):
            if known is x and type(x) is not float:
                return OPERANDS[k], OPERANDS[k]
        found = operand_of_number(len(operands))
        operands.append(x)
        return found, found


def filled(template: Any, operands: Sequence[Any]) -> Any:
    """The arguments with these operands."""
    cls = type(template)
    if cls is Operand:
        return operands[template.index]
    if cls is tuple or cls is list:
        return cls([filled(i, operands) for i in template])
    if cls is dict:
        return {k: filled(v, operands) for k, v in template.items()}
    if cls is slice:
        return slice(filled(template.start, operands), filled(template.stop, operands), filled(template.step, operands))
    return template
