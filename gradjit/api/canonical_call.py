"""One call of a compiled function, brought into the form that specialisations take: leaves in a usual layout.

Arrays that are not in such a layout are copied. What the function does to a copy is done to the caller's array
afterwards, so that nobody sees the difference.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..errors import ArgumentError
from ..records import dataclass
from ..runtime.call_convention import MISS
from ..runtime.entry_spec import Argument, ArraySpec
from ..tracer import trees
from ..tracer.locations import fail
from ..tracer.trace import Trace, Write, captured_name
from .backends import Executable, TracedProgram


@dataclass(frozen=True)
class CanonicalCall:
    """The arguments, their leaves as they were given, and as they are passed on."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    tree: trees.Tree
    key: Any
    """What a call must share to be taken by the same specialisations: the structure, dicts in the same order, and the
    layouts of arrays that are passed on as copies."""
    given: list[Any]
    leaves: list[Any]

    @classmethod
    def of(cls, args: tuple[Any, ...], kwargs: dict[str, Any]) -> CanonicalCall:
        given, tree, key = trees.flatten_call((args, kwargs))
        leaves = packed(given)
        layouts = tuple((k, x.strides, x.dtype.isnative, x.flags.aligned)
                        for k, (x, y) in enumerate(zip(given, leaves, strict=True))
                        if x is not y and isinstance(x, np.ndarray))
        return cls(args, kwargs, tree, (key, layouts) if layouts else key, given, leaves)

    def as_traced(self) -> list[Any]:
        """The leaves as the function sees them: NumPy copies, or makes a view, by the layout of what the caller has."""
        made: dict[int, Any] = {}
        return [made.setdefault(id(y), stand_in(x, y)) if x is not y and isinstance(x, np.ndarray) else y
                for x, y in zip(self.given, self.leaves, strict=True)]

    @property
    def is_packed(self) -> bool:
        """Whether some array is passed on as a copy."""
        return any(x is not y for x, y in zip(self.given, self.leaves, strict=True))

    def run(self, executable: Executable, p: TracedProgram) -> Any:
        """The result, with everything done to the caller's arrays and containers; MISS for another specialisation."""
        is_packed = self.is_packed
        if is_packed and not may_write(p, self.given):
            return MISS
        result = executable.call(*self.leaves)
        if result is MISS:
            return MISS
        if is_packed:
            for target, _ in p.writes:
                if isinstance(target, Argument) and self.leaves[target.index] is not self.given[target.index]:
                    self.given[target.index][...] = self.leaves[target.index]
            result = self.unpacked(result)
        if p.trace.rebindings:
            result, *values = result
            for place, value in zip(p.trace.rebindings, values, strict=True):
                place.put((self.args, self.kwargs), value)
        return result

    def unpacked(self, result: Any) -> Any:
        """The result with the caller's arrays in the place of their copies."""
        own = {id(y): x for x, y in zip(self.given, self.leaves, strict=True) if x is not y}
        leaves, tree = trees.flatten(result)
        if not any(id(x) in own for x in leaves):
            return result
        return trees.unflatten(tree, [own.get(id(x), x) for x in leaves])


def packed(given: Sequence[Any]) -> list[Any]:
    """The leaves with arrays in a usual layout; what is passed twice is copied once."""
    made = {id(x): usual(x) if isinstance(x, np.ndarray) else usual_scalar(x) for x in given
            if isinstance(x, (np.ndarray, np.generic))}
    return [made.get(id(x), x) for x in given]


def usual(a: np.ndarray) -> np.ndarray:
    """An array as compiled code takes it: row-major or column-major, aligned, of native byte order, no subclass.

    Anything else is copied, to the element; the copy is the argument then.
    """
    flags = a.flags
    if type(a) is np.ndarray and flags.aligned and a.dtype.isnative and (flags.c_contiguous or flags.f_contiguous):
        return a
    if type(a) not in (np.ndarray, np.memmap) or a.dtype.kind not in "biufc":
        return a  # refused with its name when it is traced
    return np.array(a, dtype=a.dtype.newbyteorder("="), order="C", copy=True, subok=False)


def stand_in(given: np.ndarray, packed: np.ndarray) -> np.ndarray:
    """An array of the given one's type and layout, aligned only where that is; its elements are nobody's.

    Steps of no whole number of elements become the next larger ones: there are gaps between the elements.
    """
    size, shift = packed.itemsize, 0 if given.flags.aligned else 1
    steps = [(abs(s) + size - 1) // size * size * (1 if s >= 0 else -1) for s in given.strides]
    spans = [(n - 1) * step for n, step in zip(given.shape, steps, strict=True)] if given.size else []
    low, high = sum(min(s, 0) for s in spans), sum(max(s, 0) for s in spans)
    return np.ndarray(given.shape, given.dtype, np.zeros(high - low + size + shift, np.uint8), shift - low, steps)


def usual_scalar(x: np.generic) -> np.generic:
    """A scalar of the type that stands for its kind and size: an int64 for a longlong."""
    kind = x.dtype.kind
    usual = np.dtype(f"{kind}{x.dtype.itemsize}").type if kind in "iu" else type(x)
    return x if type(x) is not x.dtype.type or usual is type(x) else usual(x)


EFFORT: Any = 100_000
"""How long NumPy looks whether two arrays share elements: the general case is a hard problem."""


# writes -------------------------------------------------------------------------------------------------------------
def may_write(p: TracedProgram, given: Sequence[Any]) -> bool:
    """Whether the arrays that are written to can be, and share no memory with others, as they were given."""
    targets = [target.index for target, _ in p.writes if isinstance(target, Argument)]
    same = {k: leaf.same_as for k, leaf in enumerate(p.trace.leaves) if leaf.same_as is not None}
    apart = [*targets, *(w.argument for w in p.trace.touched if w.argument is not None)]
    return all(given[k].flags.writeable and not repeats_itself(given[k]) for k in targets) and not any(
        share_memory(given[k], x) for k in apart for j, x in enumerate(given)
        if isinstance(x, np.ndarray) and j != k and same.get(j, j) != same.get(k, k))


def check_writes(t: Trace, call: CanonicalCall) -> None:
    """ArgumentError, with the user's line, for writes that cannot be carried out: to an array that is read-only, or
    that shares memory with another one, which the function would have to see changing."""
    others = list(arrays_of(t, call))
    for w in t.writes:
        target, passed = target_of(w, call)
        if not target.flags.writeable:
            fail(ArgumentError, f"assignment destination is read-only: {t.func.name} writes to {w.what}; pass a copy, "
                                f"or let it write into a copy of its own", w.loc)
        if repeats_itself(target):
            fail(ArgumentError, f"{t.func.name} writes to {w.what}, of which several elements are one place in memory; "
                                f"pass a copy", w.loc)
        for origin, what, other, other_passed in others:
            if origin not in (w.argument, w.captured) and (np.may_share_memory(passed, other_passed)
                                                           or share_memory(target, other)):
                fail(ArgumentError, f"{t.func.name} writes to {w.what}, which shares memory with {what}; a compiled "
                                    f"function would not see the one change with the other: pass a copy of one of "
                                    f"them", w.loc)


def check_touched(t: Trace, call: CanonicalCall) -> None:
    """ArgumentError, with the user's line, for an array that a function which is differentiated writes to and that
    shares memory with another one: the derivative with respect to the one alone is no derivative of what NumPy does."""
    others = list(arrays_of(t, call))
    for w in t.touched:
        given, passed = target_of(w, call)
        for origin, what, other, other_passed in others:
            if origin not in (w.argument, w.captured) and (np.may_share_memory(passed, other_passed)
                                                           or share_memory(given, other)):
                fail(ArgumentError, f"{t.func.name} writes to {w.what}, which {shares(given, other)} {what}: what it "
                                    f"computes is no function of the one without the other, and has no derivative "
                                    f"with respect to either; pass a copy of one of them", w.loc)


def shares(x: np.ndarray, y: np.ndarray) -> str:
    return "is the same array as" if x is y else "shares memory with"


def target_of(w: Write, call: CanonicalCall) -> tuple[np.ndarray, np.ndarray]:
    """The array that is written to, as it was given, and as it is passed on."""
    if w.argument is not None:
        return call.given[w.argument], call.leaves[w.argument]
    assert w.captured is not None
    return w.captured.array, w.captured.array


def arrays_of(t: Trace, call: CanonicalCall) -> Iterator[tuple[Any, str, np.ndarray, np.ndarray]]:
    """All arrays that the function gets: where each comes from (as a Write names it), what it is for people, the array
    as it was given, and as it is passed on."""
    for k, (leaf, x, y) in enumerate(zip(t.leaves, call.given, call.leaves, strict=True)):
        if isinstance(x, np.ndarray) and leaf.is_traced:
            yield k, f"the argument {leaf.name}", x, y
    overwritten = [c for c in t.observed if any(w.captured is c for w in t.touched)]
    for c in (*t.captured, *overwritten):
        yield c, captured_name(c), c.array, c.array


def share_memory(x: np.ndarray, y: np.ndarray) -> bool:
    """Whether some element of x and one of y are the same memory; yes where that is hard to tell."""
    try:
        return np.shares_memory(x, y, max_work=EFFORT)
    except np.exceptions.TooHardError:
        return True


def repeats_itself(x: np.ndarray) -> bool:
    """Whether two elements may be the same memory."""
    return ArraySpec(x.dtype.newbyteorder("="), x.shape, x.strides).elements_may_overlap()


def passes_twice(leaves: Sequence[Any]) -> bool:
    """Whether some array is passed twice."""
    arrays = [id(x) for x in leaves if isinstance(x, np.ndarray)]
    return len(set(arrays)) < len(arrays)


__all__ = ["CanonicalCall", "check_touched", "check_writes", "may_write", "passes_twice", "usual"]
