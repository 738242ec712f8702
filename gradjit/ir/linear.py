"""Linear forms of i64 scalars: `2*%i - %j + 3`. Extents and starts of windows are compared and computed in them. What
does not depend on a scalar may be a size: `%i + n - 1`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Union

from .core import Value
from .sizes import is_open
from .types import is_integer

DEEP = 200
"""A chain of more additions than this is cut: what stands below counts as unknown."""


class Linear:
    """The sum of `coefficient * atom` over `terms`, plus `const`. Atoms are i64 scalars; no coefficient is 0.

    Two forms are equal where their numbers are, whatever the atoms stand for. Terms keep the order of their first use,
    which does not count in comparisons. (Sums are those of the integers: an index that wraps around at 2**63 is none.)
    """

    __slots__ = ("terms", "const", "_hash")

    def __init__(self, terms: tuple[tuple[Value, int], ...] = (), const: int = 0):
        self.terms = terms
        self.const = const
        self._hash = hash((frozenset(terms), const))

    def __eq__(self, other: object) -> bool:
        return (isinstance(other, Linear) and self._hash == other._hash and self.const == other.const
                and (self.terms == other.terms or frozenset(self.terms) == frozenset(other.terms)))

    def __hash__(self) -> int:
        return self._hash

    @property
    def is_const(self) -> bool:
        return not self.terms

    @property
    def is_number(self) -> bool:
        """Whether it is a known number, and no size."""
        return not self.terms and not is_open(self.const)

    @property
    def atoms(self) -> tuple[Value, ...]:
        return tuple(a for a, _ in self.terms)

    @property
    def atom(self) -> Value | None:
        """The value that this form is, where it is a single one."""
        if len(self.terms) != 1 or self.const:
            return None
        ((a, k),) = self.terms
        return a if k == 1 else None

    def __add__(self, other: Form) -> Linear:
        if isinstance(other, int):
            return Linear(self.terms, self.const + other)
        sums = dict(self.terms)
        for a, k in other.terms:
            sums[a] = sums.get(a, 0) + k
        return Linear(tuple([(a, k) for a, k in sums.items() if is_open(k) or k]), self.const + other.const)

    __radd__ = __add__

    def __mul__(self, k: int) -> Linear:
        return Linear(tuple([(a, k * c) for a, c in self.terms]), k * self.const) if is_open(k) or k else Linear()

    __rmul__ = __mul__

    def __neg__(self) -> Linear:
        return self * -1

    def __sub__(self, other: Form) -> Linear:
        return self + (-other)

    def __rsub__(self, other: Form) -> Linear:
        return -self + other

    def divided(self, k: int) -> Linear | None:
        """This form floor-divided by a positive number, where that is a form: where k divides each coefficient."""
        if any(c % k for _, c in self.terms):
            return None
        return Linear(tuple([(a, c // k) for a, c in self.terms]), self.const // k)

    def __repr__(self) -> str:
        shown = [f"{'' if k == 1 else '-' if k == -1 else f'{k}*'}%{a.name or '?'}" for a, k in self.terms]
        if is_open(self.const) or self.const or not shown:
            shown.append(str(self.const))
        return " + ".join(shown).replace("+ -", "- ")


Form = Union[int, Linear]
"""An integer or a linear form."""


def as_linear(x: Form) -> Linear:
    return x if isinstance(x, Linear) else Linear(const=x)


def atom(v: Value) -> Linear:
    return Linear(((v, 1),))


class Forms:
    """The linear form of each i64 scalar, found from the operations that define it, once."""

    def __init__(self) -> None:
        self.forms: dict[Value, Linear] = {}

    def __call__(self, x: Form | Value, depth: int = 0) -> Linear:
        if not isinstance(x, Value):
            return as_linear(x)
        found = self.forms.get(x)
        if found is None:
            found = self.forms[x] = self._of(x, depth) or atom(x)
        return found

    def _of(self, x: Value, depth: int) -> Linear | None:
        op = x.op
        if op is None or not is_integer(x.type) or depth > DEEP:
            return None
        if op.name == "const":
            return Linear(const=int(op.attrs["value"].flat[0]))
        if op.name == "size":
            return Linear(const=op.attrs["of"][0])
        if op.name not in RULES or not all(is_integer(v.type) for v in op.operands):
            return None
        return RULES[op.name](*(self(v, depth + 1) for v in op.operands))


def _times(x: Linear, y: Linear) -> Linear | None:
    if x.is_const and y.is_const:
        return Linear(const=x.const * y.const)
    return x * y.const if y.is_number else y * x.const if x.is_number else None


def _quotient(x: Linear, y: Linear) -> Linear | None:
    return x.divided(y.const) if y.is_number and y.const > 0 else None


def _shifted(x: Linear, y: Linear) -> Linear | None:
    return x * 2 ** y.const if y.is_number and 0 <= y.const < 63 else None


RULES: dict[str, Callable[..., Linear | None]] = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "neg": lambda x: -x,
    "mul": _times,
    "floordiv": _quotient,
    "shl": _shifted,
    "stop_gradient": lambda x: x,
}
"""How the form of a result follows from those of the operands; None where it is no sum of multiples."""


def constant(v: Value) -> int | None:
    """The number that an i64 scalar is, where it is a literal."""
    op = v.op
    return int(op.attrs["value"].flat[0]) if op is not None and op.name == "const" and is_integer(v.type) else None


def total(forms: Iterable[Linear]) -> Linear:
    """The sum of forms."""
    out = Linear()
    for f in forms:
        out = out + f
    return out
