"""Which extents of a call are left open, and what became of the attempt.

A function is compiled for the sizes that come first. When a call comes that differs from earlier ones in nothing but
extents, these are opened: the compilation that follows takes them as they come. What cannot be open stays known, and
`f.stats()` says why.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any

import numpy as np

from ..errors import GradjitError
from ..ir import Loc
from ..ir.size_conditions import solved
from ..ir.sizes import Dim, MustAgree, NotOpen, Quotient, Size, same, size_of
from ..records import dataclass
from ..runtime.entry_spec import static_key
from ..tracer import trees
from ..tracer.locations import raised_at
from ..tracer.trace import parameter_names
from .canonical_call import CanonicalCall

Axis = tuple[int, int]
"""An axis of a leaf of the arguments."""
Shape = tuple[int, ...] | None
"""Of a leaf that is no array: None."""

MOST = 4
"""So many compilations with the same open extents and other conditions are made of one function at most; then sizes are
known again."""
LETTERS = "nmkpqrstuvw"


@dataclass(frozen=True)
class Closed:
    """An extent that cannot be open: what the user would call it, why, and at which line."""

    extent: str
    reason: str
    loc: Loc | None

    def __str__(self) -> str:
        return f"{self.extent} cannot be open: {self.reason}" + (f" ({self.loc})" if self.loc else "")


@dataclass
class Family:
    """Calls that differ in extents alone: the shapes of their leaves so far."""

    like: Any
    """What the calls share: its text is the same for all processes, where nothing is known by its place in memory."""
    seen: list[tuple[Shape, ...]] = field(default_factory=list)
    opened: dict[Axis, None] = field(default_factory=dict)
    closed: dict[Axis, Closed] = field(default_factory=dict)
    compiled: list[frozenset[Axis]] = field(default_factory=list)
    """The axes that each open compilation has open."""
    names: dict[Axis, str] = field(default_factory=dict)
    """Extents that a signature names."""
    words: dict[Axis, str] = field(default_factory=dict)
    """What the user would call them."""


def kind_of(x: Any) -> Any:
    """What two leaves share that differ in extents alone."""
    if isinstance(x, np.ndarray):
        order = "C" if x.flags.c_contiguous else "F" if x.flags.f_contiguous else x.strides
        return "array", x.dtype.str, x.ndim, order if x.ndim > 1 else "C"
    return ("scalar", x.dtype.str) if isinstance(x, np.generic) else type(x) if type(x) in (
        float, complex) else static_key(x)


class Sizes:
    """The policy of one compiled function, and what it has learnt from its calls."""

    def __init__(self, policy: str, recalled: Mapping[str, Sequence[Axis]] | None = None):
        self.policy = policy
        self.families: dict[Any, Family] = {}
        self.recalled = recalled or {}
        """What another process has learnt."""

    def family(self, call: CanonicalCall) -> Family:
        kinds = tuple(map(kind_of, call.leaves))
        found = self.families.get((call.key, kinds))
        if found is None:
            found = self.families[call.key, kinds] = Family((call.tree, call.key if call.is_packed else None, kinds))
            if self.recalled:
                found.opened = dict.fromkeys(self.recalled.get(str(found.like), ()))
        return found

    def learnt(self) -> dict[str, list[Axis]]:
        """The extents that were opened, for another process."""
        return {str(f.like): list(f.opened) for f in self.families.values() if f.opened and not f.names}

    def note(self, call: CanonicalCall) -> None:
        """A call that is about to be compiled."""
        family, now = self.family(call), shapes(call)
        for before in family.seen if not family.names else ():
            for k, (old, new) in enumerate(zip(before, now, strict=True)):
                family.opened.update({(k, a): None for a, (n, m) in enumerate(zip(old or (), new or (), strict=True))
                                      if n != m})
        if self.policy == "any" and not family.names:
            family.opened.update({(k, a): None for k, s in enumerate(now) for a, n in enumerate(s or ()) if n != 1})
        if now not in family.seen:
            family.seen = [*family.seen[-7:], now]

    def declare(self, call: CanonicalCall, names: dict[Axis, str]) -> None:
        """Extents of calls like this one are open, as a signature says."""
        family = self.family(call)
        family.names = names
        family.opened.update(dict.fromkeys(names))

    def axes(self, call: CanonicalCall) -> list[Axis]:
        """What is to be open in the compilation for a call."""
        family = self.family(call)
        if self.policy == "exact" and not family.names:
            return []
        axes = sorted(set(family.opened) - set(family.closed))
        if axes and family.compiled.count(frozenset(axes)) >= MOST:
            why = Closed(" and ".join(family.words[a] for a in axes), f"{MOST} compilations for other ranges of sizes "
                         f"have been made", None)
            family.closed.update(dict.fromkeys(axes, why))
            return []
        return axes

    def examples(self, call: CanonicalCall, axes: Sequence[Axis]) -> Iterator[tuple[Shape, ...]]:
        """The shapes by which a compilation is reckoned, the best first: that of the largest call, then this one's."""
        family, now = self.family(call), shapes(call)
        if frozenset(axes) not in family.compiled:
            largest = max(family.seen, key=lambda s: sum((s[k] or ())[a] for k, a in axes))
            if all(same_but(largest, now, axes)):
                yield tuple(largest)
        yield now

    def close(self, call: CanonicalCall, axes: Sequence[Axis], why: Closed) -> None:
        """Some extents cannot be open. Where a compilation has them open already it is the sizes of this call that are
        out of the ordinary."""
        family = self.family(call)
        if any(open_axes.issuperset(axes) for open_axes in family.compiled):
            family.compiled.append(frozenset(axes))
        else:
            family.closed.update(dict.fromkeys(axes, why))

    def closed(self) -> list[Closed]:
        """What cannot be open, each once."""
        return list(dict.fromkeys(c for f in self.families.values() for c in f.closed.values()))


def same_but(a: tuple[Shape, ...], b: tuple[Shape, ...], axes: Sequence[Axis]) -> Iterator[bool]:
    """Whether two calls' shapes are the same elsewhere."""
    for k, (s, t) in enumerate(zip(a, b, strict=True)):
        yield from ((k, axis) in axes or n == m for axis, (n, m) in enumerate(zip(s or (), t or (), strict=True)))


def shapes(call: CanonicalCall) -> tuple[Shape, ...]:
    return tuple(x.shape if isinstance(x, np.ndarray) else None for x in call.leaves)


class Attempt:
    """Extents opened for one compilation: the shapes of the leaves, as far as is known what must agree."""

    def __init__(self, like: Any, call: CanonicalCall, axes: Sequence[Axis], example: tuple[Shape, ...],
                 family: Family):
        self.like, self.call, self.example, self.family = like, call, example, family
        self.dims: dict[Dim, Axis] = {}
        names = trees.leaf_names(call.tree, parameter_names(like, len(call.args)))
        self.values: dict[Dim, int] = {}
        first: dict[Any, Dim] = {}  # extents of one name, and of one array that is passed twice, are one
        for number, (k, a) in enumerate(axes):
            words = f"len({names[k]})" if a == 0 else f"{names[k]}.shape[{a}]"
            said = family.names.get((k, a))
            family.words[k, a] = said or words
            d = Dim(said or letter(number), (example[k] or ())[a], said or words)
            self.dims[d] = k, a
            self.values[d] = size_of(first.setdefault(said or (id(call.leaves[k]), a), d))
        self.agreed: list[tuple[str, Loc | None]] = []
        """What had to agree, in the user's words."""

    @property
    def shapes(self) -> dict[int, tuple[int, ...]]:
        """The shapes of the leaves in which an extent is open."""
        found: dict[int, list[int]] = {}
        for d, (k, a) in self.dims.items():
            found.setdefault(k, list(self.example[k] or ()))[a] = self.values[d]
        return {k: tuple(s) for k, s in found.items() if any(type(e) is Size for e in s)}

    def agree(self, e: MustAgree) -> None:
        """One of the two sizes in the place of the other from now on. NotOpen where none can be."""
        if not self.unite(e.left, e.right, raised_at(e)):
            apart = e.left - e.right
            assert type(apart) is Size
            raise NotOpen(apart).with_traceback(e.__traceback__)

    def unite(self, one: int, other: int, loc: Loc | None) -> bool:
        """One size in the place of another, if one of them can be."""
        apart = one - other
        assert type(apart) is Size
        if self.divide(apart, loc):
            return True
        for d in reversed(apart.dims):
            if apart.terms.get((d,)) in (1, -1) and sum(d in [*m, *(x for a in m if not isinstance(a, Dim)
                                                                      for x in a.of.dims)] for m in apart.terms) == 1:
                rest = Size({(d,): 1}) - apart if apart.terms[(d,)] == 1 else Size({(d,): 1}) + apart
                self.put(d, rest)
                both = sorted((one, other), key=lambda x: max((y.serial for y in dims_of(x)), default=1 << 62))
                left, right = (x.words if type(x) is Size else str(x) for x in both)
                self.agreed.append((f"{left} == {right}", loc))
                return True
        return False

    def divide(self, apart: Size, loc: Loc | None) -> bool:
        """A size that leaves a known remainder is k*q + r from now on: `n - k*(n // k) - r` is 0."""
        for m in apart.terms:
            q = m[0] if len(m) == 1 else None
            if not isinstance(q, Quotient) or (alone := q.of.alone) is None:
                continue
            rest = next((r for x in (apart, -apart) if type(r := x - q.of + q.by * Size({m: 1})) is int), None)
            d, k, c = alone
            if rest is None or c or (rest and k != 1) or not 0 <= -rest < q.by:
                continue
            step = q.by // math.gcd(k, q.by)
            part = Dim(f"{d.name}_{step}", (d.example + rest) // step, f"({d.words} // {step})")
            self.put(d, Size({(part,): step}) - rest)
            said = q.of.words if k == 1 else f"({q.of.words})"
            self.agreed.append((f"{said} % {q.by} == {-rest}", loc))
            return True
        return False

    def put(self, d: Dim, x: int) -> None:
        """A size in the place of a dim."""
        self.values = {k: v.at({d: x}) if type(v) is Size else v for k, v in self.values.items()}

    def united(self, e: BaseException) -> Attempt:
        """Another attempt, behind one that has failed: what was the same number in every call so far is one size there.
        So arrays that belong together fit each other where nothing asks whether they do."""
        other = Attempt(self.like, self.call, list(self.dims.values()), self.example, self.family)
        first: dict[Any, Dim] = {}
        for d, (k, a) in other.dims.items():
            numbers = tuple((s[k] or ())[a] for s in self.family.seen)
            like = first.setdefault(numbers, d)
            if not same(other.values[like], other.values[d]):
                other.unite(other.values[like], other.values[d], raised_at(e))
        return other

    def takes(self, conditions: Sequence[Any]) -> bool:
        """Whether the compilation is one for this call."""
        now = shapes(self.call)
        pairs = [(e, n) for k, s in enumerate(self.example) for e, n in
                 zip(self.shapes.get(k, s or ()), now[k] or (), strict=True)]
        dims = solved(pairs)
        return dims is not None and all(c.holds(dims) for c in conditions)

    def refused(self, e: BaseException) -> tuple[list[Axis], Closed]:
        """The axes that an attempt failed for, and what is to be said of them."""
        if isinstance(e, NotOpen):
            wanted = [d for d in self.dims if any(x in e.size.dims for x in dims_of(self.values[d]))]
            return [self.dims[d] for d in wanted], Closed(e.size.words, "it is needed as a number", raised_at(e))
        text = str(e).partition("\n")[0] if isinstance(e, GradjitError) else f"{type(e).__name__}: {e}"
        return list(self.dims.values()), Closed(" and ".join(d.words for d in self.dims), text, raised_at(e))


def dims_of(x: int) -> list[Dim]:
    return x.dims if type(x) is Size else []


def letter(k: int) -> str:
    return LETTERS[k] if k < len(LETTERS) else f"n{k - len(LETTERS) + 1}"
