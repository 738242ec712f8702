"""What is concluded of open sizes while a program is compiled, and must hold of every call of what was compiled."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import field
from typing import Any

from ..records import dataclass
from .sizes import (
    ABOVE,
    COMPARE,
    OPPOSITE,
    TURNED,
    Dim,
    Size,
    compiling,
    decided,
    follows,
    guess,
    is_known,
    is_nonnegative,
    size_of,
    written,
)


@dataclass(frozen=True)
class SizeCondition:
    """`left op right`, which a call must meet: what was concluded while compiling holds for such sizes only.

    is_preference: the code is right for other sizes, too, but made for these. Nothing is concluded from it.
    """

    left: int
    op: str
    right: int
    is_preference: bool = False

    @property
    def words(self) -> str:
        """As the user would write it: numbers on the right, nothing negative."""
        apart = self.left - self.right
        if type(apart) is not Size:
            return f"{self.left} {self.op} {self.right}"
        number = apart.terms.get((), 0)
        left = {m: k for m, k in apart.terms.items() if m and k > 0}
        right = {m: -k for m, k in apart.terms.items() if m and k < 0}
        op = self.op
        if not left:
            left, right, op, number = right, left, TURNED[op], -number
        strict = {("<", -1): "<=", (">", 1): ">="}.get((op, number)) if right else None  # a < b + 1: a <= b
        if strict is not None:
            op, number = strict, 0
        (right if number < 0 or not right else left)[()] = -number if number < 0 or not right else number
        return f"{written(left, lambda a: a.words)} {op} {written(right, lambda a: a.words)}"

    def holds(self, dims: Mapping[Dim, int]) -> bool:
        """Whether it does for these dims."""
        left, right = (x.at(dims) if type(x) is Size else x for x in (self.left, self.right))
        return COMPARE[self.op](left, right)

    def facts(self) -> Iterator[Any]:
        """Polynomials that are not negative where it holds."""
        if self.op in ABOVE:
            yield ABOVE[self.op](self.left, self.right)
        elif self.op == "==":
            yield self.left - self.right
            yield self.right - self.left


@dataclass
class Opening:
    """A compilation with open sizes: what has been concluded from the example."""

    conditions: dict[SizeCondition, None] = field(default_factory=dict)
    facts: list[int] = field(default_factory=list)

    def add(self, c: SizeCondition) -> None:
        if c not in self.conditions:
            self.conditions[c] = None
            self.facts += () if c.is_preference else c.facts()

    def needed(self) -> list[SizeCondition]:
        """The conditions without those that follow from others."""
        left = list(self.conditions)
        for c in list(left):
            others = [f for o in left if o is not c and (c.is_preference or not o.is_preference) for f in o.facts()]
            if c.op in ABOVE and follows(ABOVE[c.op](c.left, c.right), others, 2):
                left.remove(c)
        return left

    def decide(self, left: int, op: str, right: int) -> bool:
        """Whether a comparison that depends holds for the example, and then for all calls of this compilation."""
        truth = COMPARE[op](guess(left), guess(right))
        held = op if truth else OPPOSITE[op]
        if held == "!=":  # of numbers that differ, the one that cannot be less is greater
            held = ">" if is_nonnegative(left - right) else "<" if is_nonnegative(right - left) else held
        self.add(SizeCondition(left, held, right))
        return truth


@contextmanager
def opening(o: Opening) -> Iterator[Opening]:
    """Within, what is concluded from the example becomes a condition of `o`."""
    token = compiling.set(o)
    try:
        yield o
    finally:
        compiling.reset(token)


# questions ------------------------------------------------------------------------------------------------------------
def holds(left: int, op: str, right: int) -> bool:
    """The same; where nothing is being compiled a comparison that depends is taken to hold."""
    return is_known(left, op, right) is not False if compiling.get() is None else decided(left, op, right)


def presumed(left: int, op: str, right: int) -> bool:
    """Whether the comparison holds for all sizes, or does for the example and then for all calls of this compilation.
    Where it does not, nothing is concluded: for code that is right in either case."""
    known = is_known(left, op, right)
    return COMPARE[op](guess(left), guess(right)) and holds(left, op, right) if known is None else known


def preferred(left: int, op: str, right: int) -> bool:
    """Whether the comparison holds for all sizes, or does for the example: then calls of other sizes get code of their
    own. For code that is right in either case, and quick in one."""
    known = is_known(left, op, right)
    if known is None:
        known = COMPARE[op](guess(left), guess(right))
        if known and isinstance(o := compiling.get(), Opening):
            o.add(SizeCondition(left, op, right, True))
    return known


def is_less_where_positive(left: int, right: int) -> bool:
    """Whether left < right where no dim is 0: in arrays without elements nothing is ever looked up."""
    apart = right - left
    if type(apart) is Size:
        beyond = apart.at({d: size_of(d) + 1 for d in apart.dims})
        if is_nonnegative(beyond - 1):
            return True
        if is_nonnegative(-beyond):
            return False
    return left < right


def is_no_less_where_positive(left: int, right: int) -> bool:
    """Whether left >= right where no dim is 0, as for strides: arrays without elements have none that count."""
    apart = left - right
    if type(apart) is Size:
        beyond = apart.at({d: size_of(d) + 1 for d in apart.dims})
        if is_nonnegative(beyond):
            return True
    return apart >= 0


# shapes that come -----------------------------------------------------------------------------------------------------
def solved(wanted: Iterable[tuple[int, int]]) -> dict[Dim, int] | None:
    """What the dims are where extents `(as the type has it, as it came)` agree; None where they do not. Each dim must
    stand alone in one of the extents, as k*d + c."""
    pairs = list(wanted)
    found: dict[Dim, int] = {}
    for e, n in pairs:
        if type(e) is Size and (alone := e.alone) is not None:
            d, k, c = alone
            found.setdefault(d, (n - c) // k)
    return found if all((e.at(found) if type(e) is Size else e) == n for e, n in pairs) else None
