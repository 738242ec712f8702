"""Extents that are left open: polynomials of the extents of a function's parameters.

`f64[n,3]` is an array whose first extent is whatever the caller's has; a slice of it may be `f64[n - 1,3]`. A `Dim` is
such an extent by its name, a `Size` a polynomial of them that is no known number. A size is computed with as the int
that it stands for, so that rules on extents need not know of it:

- sums, differences and products are sizes, or ints where the dims cancel out; quotients are atoms of their own;
- two sizes are equal only where they are the same number for all dims; so two that differ may yet be the same in a
  call. With a number a size is compared alike: IR means the same for all sizes, so nothing is concluded from it that
  they are not equal. But while a function is traced, which may do one thing or another, such a comparison is decided:
- an order, or whether it is 0, that holds for all dims (which are not negative) is answered so. Otherwise it is
  answered as it is for the sizes that came first, the *example*, and what was said becomes a condition of the
  compilation (`Opening`, in size_conditions.py);
- what needs the number itself (a `range` of Python's, an array of NumPy's) finds that it cannot have it: `NotOpen`.

So whatever is computed with sizes is right for all calls that meet the conditions, and nothing for a single one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import count
from operator import index
from typing import TYPE_CHECKING, Any, Protocol, TypeGuard, Union

from ..errors import GradjitError, Signal
from ..records import dataclass

_serial = count()


class Dim:
    """An open extent. Compared by identity.

    example: the number that it was when it was opened, by which costs are reckoned. words: what the user would write
    for it, `len(x)` or `x.shape[1]`.
    """

    __slots__ = ("name", "example", "words", "serial")

    def __init__(self, name: str, example: int = 256, words: str = ""):
        self.name = name
        self.example = example
        self.words = words or name
        self.serial = next(_serial)

    def __repr__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Quotient:
    """`floor(of / by)` for a positive number `by`, where that is no polynomial."""

    of: Size
    by: int

    @property
    def example(self) -> int:
        return self.of.example // self.by

    @property
    def words(self) -> str:
        return f"({_factor(self.of.words)} // {self.by})"

    @property
    def serial(self) -> int:
        return max(a.serial for a in self.of.atoms)

    @property
    def name(self) -> str:
        return f"({_factor(self.of.text)}//{self.by})"


Atom = Union[Dim, Quotient]
Monomial = tuple[Atom, ...]
"""A product of atoms, sorted; () is 1."""
Terms = Mapping[Monomial, int]

if TYPE_CHECKING:
    class _Number(int):
        """What a size stands for, to those who compute with it."""
else:
    _Number = object


class NotOpen(Signal):
    """A size was needed as a number."""

    def __init__(self, size: Size):
        super().__init__(f"{size.words} is needed as a number")
        self.size = size


class Size(_Number):
    """The sum of `coefficient * monomial` over `terms`; never a known number (`total` gives an int instead)."""

    __slots__ = ("terms", "_hash")
    terms: dict[Monomial, int]
    _hash: int

    def __new__(cls, terms: Terms) -> Size:
        made: Size = object.__new__(cls)
        made.terms = dict(terms)
        made._hash = hash(frozenset(made.terms.items()))
        return made

    if not TYPE_CHECKING:
        __class__ = int  # so that isinstance(size, int) holds. `type(size) is Size` tells it from a number.

    @property
    def atoms(self) -> list[Atom]:
        return sorted({a for m in self.terms for a in m}, key=_order)

    @property
    def dims(self) -> list[Dim]:
        found: dict[Dim, None] = {}
        for a in self.atoms:
            found.update(dict.fromkeys([a] if isinstance(a, Dim) else a.of.dims))
        return list(found)

    @property
    def alone(self) -> tuple[Dim, int, int] | None:
        """(d, k, c) where this is k*d + c, with k > 0: the dim can be told from it."""
        found = [(m, k) for m, k in self.terms.items() if m]
        m, k = found[0]
        if len(found) > 1 or k < 0 or len(m) > 1 or not isinstance(m[0], Dim):
            return None
        return m[0], k, self.terms.get((), 0)

    @property
    def dim(self) -> Dim | None:
        """The dim that this is, where it is nothing else."""
        found = self.alone
        return found[0] if found is not None and found[1:] == (1, 0) else None

    @property
    def example(self) -> int:
        """The number for the sizes that came first."""
        return self.evaluate(lambda a: a.example)

    def evaluate(self, f: Callable[[Atom], Any], constant: Callable[[int], Any] = lambda k: k) -> Any:
        """The polynomial with `f(atom)` for its atoms."""
        out: Any = None
        for m, k in self.terms.items():
            part: Any = None
            for a in m:
                part = f(a) if part is None else part * f(a)
            part = constant(k) if part is None else part if k == 1 else part * constant(k)
            out = part if out is None else out + part
        return out

    def at(self, dims: Mapping[Dim, int]) -> int:
        """The polynomial with numbers, or other sizes, for some dims."""
        found: int = self.evaluate(lambda a: (_at(dims, a) if isinstance(a, Dim) else
                                              a.of.at(dims) // a.by))
        return found

    # arithmetic -------------------------------------------------------------------------------------------------------
    def __add__(self, other: Any) -> Any:
        if not _is_number(other):
            return NotImplemented
        sums = dict(self.terms)
        for m, k in _terms(other).items():
            sums[m] = sums.get(m, 0) + k
        return total(sums)

    __radd__ = __add__

    def __neg__(self) -> Any:
        return total({m: -k for m, k in self.terms.items()})

    def __pos__(self) -> Any:
        return self

    def __sub__(self, other: Any) -> Any:
        return self + (-other) if _is_number(other) else NotImplemented

    def __rsub__(self, other: Any) -> Any:
        return -self + other if _is_number(other) else NotImplemented

    def __mul__(self, other: Any) -> Any:
        if isinstance(other, float):
            raise NotOpen(self)
        if not _is_number(other):
            return NotImplemented
        products: dict[Monomial, int] = {}
        for m, k in self.terms.items():
            for n, j in _terms(other).items():
                both = tuple(sorted((*m, *n), key=_order))
                products[both] = products.get(both, 0) + k * j
        return total(products)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> float:
        raise NotOpen(self)

    __rtruediv__ = __truediv__

    def __floordiv__(self, other: Any) -> Any:
        if type(other) is Size:
            return self._by_size(other)
        if other <= 0:
            return -(self // -other) if other and all(k % other == 0 for k in self.terms.values()) else NotImplemented
        whole = {m: k // other for m, k in self.terms.items()}
        rest = total({m: k % other for m, k in self.terms.items()})
        exact = total(whole)
        if not is_open(rest):
            return exact
        if other == 2 and rest.terms.get(()) == 1:  # one form for halves that make up a whole: ceil(x/2) = x - x // 2
            return exact + (rest - 1) - (rest - 1) // 2
        return exact + total({(Quotient(rest, other),): 1})

    def _by_size(self, other: Size) -> Any:
        """The quotient by a polynomial of one term that divides each of this one's."""
        if len(other.terms) == 1:
            ((n, j),) = other.terms.items()
            out: dict[Monomial, int] = {}
            for m, k in self.terms.items():
                left = list(m)
                if k % j or any(left.count(a) < n.count(a) for a in n):
                    break
                for a in n:
                    left.remove(a)
                out[tuple(left)] = k // j
            else:
                return total(out)
        raise NotOpen(other)

    def __rfloordiv__(self, other: Any) -> Any:
        raise NotOpen(self)

    def __mod__(self, other: Any) -> Any:
        return self - self // other * other

    def __rmod__(self, other: Any) -> Any:
        raise NotOpen(self)

    def __divmod__(self, other: Any) -> Any:
        return self // other, self % other

    def __abs__(self) -> Any:
        return self if self >= 0 else -self

    # comparisons ------------------------------------------------------------------------------------------------------
    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if type(other) is Size:
            return self._hash == other._hash and self.terms == other.terms
        return _deciding.get() and hasattr(other, "__index__") and agree(self, index(other))

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return self._hash

    def __bool__(self) -> bool:
        return decided(self, "!=", 0)

    def __ge__(self, other: Any) -> bool:
        return decided(self, ">=", other)

    def __gt__(self, other: Any) -> bool:
        return decided(self, ">", other)

    def __le__(self, other: Any) -> bool:
        return decided(self, "<=", other)

    def __lt__(self, other: Any) -> bool:
        return decided(self, "<", other)

    # as a number ------------------------------------------------------------------------------------------------------
    def __index__(self) -> int:
        raise NotOpen(self)

    __int__ = __index__

    def __float__(self) -> float:
        raise NotOpen(self)

    def bit_length(self) -> int:
        raise NotOpen(self)

    def __reduce__(self) -> Any:
        return Size, (self.terms,)

    # as text ----------------------------------------------------------------------------------------------------------
    @property
    def text(self) -> str:
        """As the IR has it."""
        return written(self.terms, lambda a: a.name)

    @property
    def words(self) -> str:
        """As the user would write it."""
        return written(self.terms, lambda a: a.words)

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__

    def __format__(self, spec: str) -> str:
        return format(self.text, spec) if not spec else format(self.example, spec)


def _factor(text: str) -> str:
    return f"({text})" if " " in text or "*" in text else text


def _order(a: Atom) -> tuple[int, bool]:
    return a.serial, isinstance(a, Quotient)


def _at(dims: Mapping[Dim, int], d: Dim) -> int:
    found = dims.get(d)
    return size_of(d) if found is None else found


def _is_number(x: object) -> bool:
    return isinstance(x, int)


def _terms(x: int) -> Terms:
    return x.terms if type(x) is Size else {(): x} if x else {}


def total(terms: Terms) -> int:
    """The size, or the number where no dim is left."""
    left = {m: k for m, k in terms.items() if k}
    return Size(left) if any(left) else left.get((), 0)


def size_of(d: Dim) -> Size:
    """A dim as a size."""
    return Size({(d,): 1})


def is_open(x: object) -> TypeGuard[Size]:
    """Whether an extent, or whatever it is, is a size and no known number."""
    return type(x) is Size


def guess(x: Any) -> Any:
    """A number to reckon costs with: of a size what it was for the sizes that came first. Nothing may be concluded
    from it."""
    return x.example if type(x) is Size else x


USUAL = 256
"""Costs are reckoned for dims of at least so many: those of a small first call will grow."""


def reckoned(x: Any) -> Any:
    """A number to reckon costs with, where the sizes to come count more than those that came first."""
    return x.at({d: max(d.example, USUAL) for d in x.dims}) if type(x) is Size else x


def dims_in(shapes: Iterable[Any]) -> list[Dim]:
    """The dims of some extents, in the order in which they were opened."""
    found = {d for e in shapes if type(e) is Size for d in e.dims}
    return sorted(found, key=_order)


def written(terms: Terms, name: Callable[[Atom], str]) -> str:
    """`2*n - 1`: the term without dims last."""
    terms = {m: k for m, k in terms.items() if k} or {(): 0}
    parts = sorted(terms.items(), key=lambda t: (not t[0], t[1] < 0))
    out = ""
    for m, k in parts:
        factors = ([str(abs(k))] if abs(k) != 1 or not m else []) + [name(a) for a in m]
        sign = ("-" if k < 0 else "") if not out else (" - " if k < 0 else " + ")
        out += sign + "*".join(factors)
    return out


# conditions -----------------------------------------------------------------------------------------------------------


# comparisons ----------------------------------------------------------------------------------------------------------
COMPARE: dict[str, Callable[[int, int], bool]] = {
    "<": lambda a, b: a < b, "<=": lambda a, b: a <= b, ">": lambda a, b: a > b, ">=": lambda a, b: a >= b,
    "==": lambda a, b: a == b, "!=": lambda a, b: a != b,
}
TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
OPPOSITE = {"<": ">=", ">=": "<", ">": "<=", "<=": ">", "==": "!=", "!=": "=="}
ABOVE: dict[str, Callable[[int, int], int]] = {
    "<": lambda a, b: b - a - 1, "<=": lambda a, b: b - a, ">": lambda a, b: a - b - 1, ">=": lambda a, b: a - b,
}
"""What is not negative where a comparison holds."""


class MustAgree(Signal):
    """Two sizes must be the same number from the beginning: the trace starts anew with one of them in the other's
    place."""

    def __init__(self, left: int, right: int):
        super().__init__(left, right)
        self.left, self.right = left, right


class Concluding(Protocol):
    """What is compiled with open sizes: what is known of them there, and where more is concluded."""

    facts: list[int]
    """Polynomials that are not negative."""

    def decide(self, left: int, op: str, right: int) -> bool:
        """Whether a comparison that depends holds, from now on."""


compiling: ContextVar[Concluding | None] = ContextVar("compiling", default=None)
"""What is being compiled (see size_conditions.py)."""
_deciding: ContextVar[bool] = ContextVar("deciding", default=False)


@contextmanager
def deciding(whether: bool) -> Iterator[None]:
    """Within, what a program does may depend on whether a size is some number: where one is compared with it that is
    decided, as an order is. (Not so in passes, which work on IR.)"""
    token = _deciding.set(whether and compiling.get() is not None)
    try:
        yield
    finally:
        _deciding.reset(token)


def is_deciding() -> bool:
    return _deciding.get()


def same(left: Any, right: Any) -> bool:
    """Whether two extents or shapes are the same for all sizes: for code that does right whether or not they are the
    same in a call."""
    if type(left) is int and type(right) is int:
        return bool(left == right)
    if isinstance(left, tuple) and isinstance(right, tuple):
        return len(left) == len(right) and all(map(same, left, right))
    if type(left) is Size or type(right) is Size:
        return type(left) is type(right) and left == right
    return bool(left == right)


FAR = 1 << 60
"""No size of an array is near this number."""


def is_known(left: int, op: str, right: int) -> bool | None:
    """Whether a comparison is true, or false, for all sizes that meet the conditions so far; None where it depends."""
    if type(left) is int and type(right) is int:
        return bool(COMPARE[op](left, right))
    for x, y, how in ((left, right, op), (right, left, TURNED[op])):
        if type(x) is Size and type(y) is not Size and abs(y) >= FAR:
            return COMPARE[how](0, y)
    if op in ("==", "!="):
        if same(left, right):
            return op == "=="
        apart = is_nonnegative(left - right - 1) or is_nonnegative(right - left - 1)
        return op == "!=" if apart else None
    if is_nonnegative(ABOVE[op](left, right)):
        return True
    return False if is_nonnegative(ABOVE[OPPOSITE[op]](left, right)) else None


def decided(left: int, op: str, right: int) -> bool:
    """Whether the comparison holds: for all sizes, or for the example and then for all calls of this compilation."""
    if not (_is_number(left) and _is_number(right)):
        raise NotOpen(left if is_open(left) else right)  # type: ignore[arg-type]  # one of the two is
    known = is_known(left, op, right)
    if known is not None:
        return known
    compilation = compiling.get()
    if compilation is None:
        raise GradjitError(f"whether {left} {op} {right} depends on sizes that are open")
    return compilation.decide(left, op, right)


def agree(left: int, right: int) -> bool:
    """Whether two extents are the same number. Where they are so by chance, they must be so from the beginning."""
    if same(left, right) or not (type(left) is Size or type(right) is Size):
        return same(left, right)
    known = is_known(left, "==", right)
    if known is not None:
        return known
    if guess(left) == guess(right):
        raise MustAgree(left, right)
    return decided(left, "==", right)


def is_nonnegative(p: int) -> bool:
    """Whether p >= 0 follows from the conditions so far. (Yes is certain, no is not.)"""
    if type(p) is not Size:
        return p >= 0
    compilation = compiling.get()
    return follows(p, [] if compilation is None else compilation.facts, 2)


def follows(p: int, facts: list[int], depth: int) -> bool:
    """Whether p >= 0 follows from polynomials that are not negative, so many of them at the most."""
    if type(p) is not Size:
        return p >= 0
    if all(k >= 0 for k in p.terms.values()) and all(_is_natural(a) for a in p.atoms):
        return True
    if depth == 0:
        return False
    known = [f for f in (*facts, *_of_quotients(p)) if type(f) is Size and any(m in p.terms for m in f.terms if m)]
    return any(follows(p - f, facts, depth - 1) for f in known)  # p >= 0 where f >= 0 and p - f >= 0


def _of_quotients(p: Size) -> Iterator[int]:
    """`by*q <= x < by*q + by` for the quotients q in a polynomial."""
    for a in p.atoms:
        if isinstance(a, Quotient):
            rest = a.of - Size({(a,): a.by})
            yield rest
            yield a.by - 1 - rest


def _is_natural(a: Atom) -> bool:
    return isinstance(a, Dim) or all(k >= 0 for k in a.of.terms.values())
