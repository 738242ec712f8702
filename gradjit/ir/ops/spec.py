"""What an operation is: one declaration, read by the builder, verifier, printer, parser and interpreter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..attrs import AttrKind
from ..core import Block
from ..types import ArrayType

Infer = Callable[..., tuple[ArrayType, ...]]
"""`infer(*operand_types, **attrs) -> result types`; raises ShapeError or DtypeError."""


@dataclass(frozen=True)
class OpSpec:
    """The declaration of an operation.

    name: its spelling in the IR.
    arity: the number of operands; None where it varies.
    infer: the type rule. It is also the verifier's rule.
    evaluate: the meaning, in NumPy: `evaluate(*arrays, **attrs)` gives an array, or a tuple for several results. None
        for operations with regions, which the interpreter runs itself.
    attrs: attribute names with their kinds, in printing order.
    defaults: the attributes that an operation may lack, and what stands for them then.
    regions: the number of nested regions.
    check_regions: for operations with regions, `check(operand types, attrs, regions) -> error texts`.
    pointwise: each element of the result depends on the same element of each operand and nothing else.
    commutative: the two operands may be exchanged without changing a bit.
    effect: it is kept though nobody reads it, and in order with the others.
    """

    name: str
    family: str
    arity: int | None
    infer: Infer
    evaluate: Callable[..., Any] | None
    attrs: dict[str, AttrKind] = field(default_factory=dict)
    regions: int = 0
    check_regions: Callable[[Sequence[ArrayType], dict[str, Any], Sequence[Block]], list[str]] | None = None
    pointwise: bool = False
    commutative: bool = False
    effect: bool = False
    defaults: dict[str, Any] = field(default_factory=dict)


def table(*specs: OpSpec) -> dict[str, OpSpec]:
    """A family's operations by name."""
    return {s.name: s for s in specs}
