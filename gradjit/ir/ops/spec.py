"""What an operation is: one declaration, read by the builder, verifier, printer, parser and interpreter."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from ..attrs import AttrKind
from ..core import Block, Value
from ..types import ArrayType

Infer = Callable[..., tuple[ArrayType, ...]]
"""`infer(*operand_types, **attrs) -> result types`; raises ShapeError or DtypeError."""


class Fails(Enum):
    """When an operation can end the program with an error. What can must not run where the program would not run it:
    not in front of a loop that may not turn, nor beside a branch that is not taken."""

    NEVER = "defined for all operands of its types"
    SOMETIMES = "some operands are an error: an index out of range, a condition that does not hold"
    INTEGERS = "some integers are an error; defined for all floats"
    COMPUTED = "an extent or a bound that is computed may be out of range; those that are known have been checked"
    INSIDE = "as what stands in its regions"


@dataclass(frozen=True)
class OpSpec:
    """The declaration of an operation.

    name: its spelling in the IR.
    arity: the number of operands; None where it varies.
    infer: the type rule. It is also the verifier's rule.
    evaluate: the meaning, in NumPy: `evaluate(*arrays, **attrs)` gives an array, or a tuple for several results. None
        for operations with regions, which the interpreter runs itself.
    fails: when it can end the program. No default: who forgets it would have it moved to where it must not run.
    attrs: attribute names with their kinds, in printing order.
    defaults: the attributes that an operation may lack, and what stands for them then.
    regions: the number of nested regions.
    check_regions: for operations with regions, `check(operand types, attrs, regions) -> error texts`.
    pointwise: each element of the result depends on the same element of each operand and nothing else.
    commutative: the two operands may be exchanged without changing a bit.
    effect: it is kept though nobody reads it, and in order with the others.
    states_results: its result types are part of it, as an `if`'s are: `infer(..., results=...)` checks them.
    pinned: it is not shared with an equal one, and stays in its block.
    """

    name: str
    family: str
    arity: int | None
    infer: Infer
    evaluate: Callable[..., Any] | None
    fails: Fails
    attrs: dict[str, AttrKind] = field(default_factory=dict)
    regions: int = 0
    check_regions: Callable[[Sequence[ArrayType], dict[str, Any], Sequence[Block]], list[str]] | None = None
    pointwise: bool = False
    commutative: bool = False
    effect: bool = False
    states_results: bool = False
    pinned: bool = False
    defaults: dict[str, Any] = field(default_factory=dict)

    def can_fail(self, operands: Sequence[ArrayType], attrs: dict[str, Any]) -> bool:
        """Whether the operation on operands of these types can end the program."""
        if self.fails is Fails.INTEGERS:
            return any(t.dtype.is_integer for t in operands)
        if self.fails is Fails.COMPUTED:
            named = (a for kind in attrs.values() if type(kind) is tuple for a in kind)
            return any(type(e) is Value for e in (*named, *(e for t in operands for e in t.shape)))
        return self.fails is not Fails.NEVER

    def result_types(self, types: Iterable[ArrayType], attrs: Mapping[str, Any], stated: Sequence[ArrayType]
                     ) -> tuple[ArrayType, ...]:
        """The types of the results; `stated` are those that the program gives. Raises ShapeError or DtypeError."""
        if self.regions:
            return self.infer(*types, results=stated)
        return self.infer(*types, results=stated, **attrs) if self.states_results else self.infer(*types, **attrs)


def table(*specs: OpSpec) -> dict[str, OpSpec]:
    """A family's operations by name."""
    return {s.name: s for s in specs}
