"""What an operation is: one declaration, read by the builder, verifier, printer, parser and interpreter."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field
from enum import Enum
from typing import Any

from ...records import dataclass
from ..attrs import AttrKind
from ..core import Block, Value
from ..types import ArrayType

Infer = Callable[..., tuple[ArrayType, ...]]
"""`infer(*operand_types, **attrs) -> result types`; raises ShapeError or DtypeError."""


class Fails(Enum):
    """When an operation can end the program with an error. What can must not run where the program would not run it:
    not in front of a loop that may not run, nor beside a branch that is not taken."""

    NEVER = "defined for all operands of its types"
    SOMETIMES = "some operands are an error: an index out of range, a condition that does not hold"
    INTEGERS = "some integers are an error; defined for all floats"
    COMPUTED = "an extent or a bound that is computed may be out of range; those that are known have been checked"
    INSIDE = "as what stands in its regions"


class Memory(Enum):
    """How a result becomes memory, or why it needs none."""

    SOURCE = "made where it is read: a literal, a counter"
    VIEW = "elements of the operand at other places: found where they are read"
    ELEMENT = "computed element by element where it is read, or stored by a loop where that would be done too often"
    COPY = "elements of its operands, found where they are read, or put together in memory"
    WINDOW = "the first operand with a window replaced: in place where nobody reads what it was, else as a copy"
    SCATTER = "the first operand with elements at computed places replaced: in place or into a copy, always in memory"
    NEST = "loops of its own, or a routine"
    STEP = "no part of straight code: it has regions, moves records of a tape, or has an effect"


class Sign(Enum):
    """What is known of zeros in a float result."""

    ANY = "it may be -0.0"
    POSITIVE = "it is never -0.0"
    KEPT = "it is -0.0 only where an element of the operand is"


class Slope(Enum):
    """What is known of derivatives at finite operands. Where one is not finite a cotangent of zero is worse than an
    absent one."""

    FINITE = "they are finite, or left out by convention"
    OVERFLOWS = "they are infinite only where the result overflows, too"
    SINGULAR = "some are infinite, or undefined, somewhere"
    STEEP = "some are so where the result is finite"

    @property
    def is_singular(self) -> bool:
        return self in (Slope.SINGULAR, Slope.STEEP)


CHEAP = 1.0
"""What costs less is done again rather than kept, or branched around."""


@dataclass(frozen=True)
class OpSpec:
    """The declaration of an operation.

    name: its spelling in the IR.
    arity: the number of operands; None where it varies.
    infer: the type rule. It is also the verifier's rule.
    evaluate: the meaning, in NumPy: `evaluate(*arrays, **attrs)` gives an array, or a tuple for several results. None
        for operations with regions, which the interpreter runs itself.
    fails: when it can end the program. No default: who forgets it would have it moved to where it must not run.
    memory: how its result becomes memory. No default: a wrong one gives a wrong or a slow program.
    cost: tenths of a nanosecond for an element of the result (of the operand, for a reduction; for a step, a sort's
        comparison, a product's multiplication), as vectors of eight doubles take on a current core. The one scale on
        which everything is weighed that is computed twice, kept or moved. No default: what seems to cost nothing is
        done again and again.
    open_extents: whether there is code for it on arrays whose extents are computed. (Pointwise operations all have.)
    attrs: attribute names with their kinds, in printing order.
    defaults: the attributes that an operation may lack, and what stands for them then.
    regions: the number of nested regions.
    check_regions: for operations with regions, `check(operand types, attrs, regions) -> error texts`.
    pointwise: each element of the result depends on the same element of each operand and nothing else.
    commutative: the two operands may be exchanged without changing a bit.
    effect: it is kept though nobody reads it, and in order with the others.
    ends: the program ends with it.
    states_results: its result types are part of it, as an `if`'s are: `infer(..., results=...)` checks them.
    selects: each element of its result is one of the first operand's.
    chooses: each element of its result is that of one of its operands.
    by_planes: of complex numbers it does the same to the real parts and to the imaginary parts.
    sign: what is known of zeros in its result.
    slope: what is known of its derivatives at finite operands.
    matrix: how many of the last axes a matrix has where the operation works on each matrix of a stack by itself: 2, or
        3 where the last holds the parts of complex numbers; 0 for all other operations.
    pinned: it is not shared with an equal one, and stays in its block.
    calls_user: its meaning is a function of the user's, which does not run while code is made.
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
    ends: bool = False
    states_results: bool = False
    selects: bool = False
    chooses: bool = False
    by_planes: bool = False
    sign: Sign = Sign.ANY
    slope: Slope = Slope.FINITE
    matrix: int = 0
    pinned: bool = False
    calls_user: bool = False
    defaults: dict[str, Any] = field(default_factory=dict)
    memory: Memory = field(kw_only=True)
    cost: float = field(kw_only=True)
    open_extents: bool = field(kw_only=True)

    @property
    def is_free(self) -> bool:
        """Whether it computes nothing: code generation dissolves it into what reads it."""
        return self.memory in (Memory.SOURCE, Memory.VIEW) or (self.memory is Memory.ELEMENT and not self.cost)

    @property
    def is_cheap(self) -> bool:
        """Whether it takes a cycle or a few for an element."""
        return self.memory is Memory.ELEMENT and 0 < self.cost < CHEAP

    @property
    def is_dear(self) -> bool:
        """Whether its result is worth an array in memory where that saves a repetition: functions, quotients,
        reductions, products, sorting."""
        return self.memory is Memory.NEST or (self.memory is Memory.ELEMENT and self.cost >= CHEAP)

    @property
    def is_pinned(self) -> bool:
        """Whether it is not shared, and stays where it is."""
        return self.pinned or self.memory is Memory.STEP

    @property
    def writes(self) -> bool:
        """Whether it gives its first operand with some elements replaced."""
        return self.memory in (Memory.WINDOW, Memory.SCATTER)

    @property
    def has_nest(self) -> bool:
        """Whether it always has loops of its own, or a routine."""
        return self.memory in (Memory.NEST, Memory.SCATTER)

    @property
    def moves_record(self) -> bool:
        """Whether it moves a record of a tape: `push` or `pop`."""
        return self.family == "tape" and self.arity != 0

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


STEP: dict[str, Any] = {"memory": Memory.STEP, "cost": 0.0, "open_extents": True}
"""The facts of operations that are no part of straight code: what they cost is what stands in them."""


def table(*specs: OpSpec) -> dict[str, OpSpec]:
    """A family's operations by name."""
    return {s.name: s for s in specs}
