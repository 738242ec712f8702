"""What a function gives that is traced inside of another one and called there, as a plain call of it gives that: arrays
that it was given, or reads from outside, under their own names, views of them, and new arrays in the layout that the
function gives them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..ir import Value
from ..tracer import trees
from ..tracer.array import ARRAY, TracedArray, root, view
from ..tracer.control.histories import be_near
from ..tracer.control.may_alias import Alias, Aliases, always, bind, may_share
from ..tracer.operands import as_traced, laid
from ..tracer.recorder import current, recorders
from ..tracer.views import Maybe, Reshaped, WindowView

if TYPE_CHECKING:
    from .differentiate import Traced


def called_result(t: Traced, given: Sequence[Any], outs: Sequence[Value], is_ruled: bool = False) -> Any:
    """The result as a pytree of handles. given: the leaves of the arguments. outs: what the function's IR has given.

    is_ruled: the values have a derivative of their own, which those of the arguments have not: an array that is the
    argument's, too, is another name of it.
    """
    found = CalledResults(t, given, outs, is_ruled)
    views_last = sorted(range(len(t.trace.result)), key=lambda k: is_view(t.trace.returned[k]))
    leaves = {k: found.leaf(k) for k in views_last}
    return trees.unflatten(t.trace.result_tree, [leaves[k] for k in range(len(leaves))])


def is_view(x: TracedArray | None) -> bool:
    return x is not None and x.parent is not None


class CalledResults:
    """The leaves of such a result."""

    def __init__(self, t: Traced, given: Sequence[Any], outs: Sequence[Value], is_ruled: bool):
        self.trace, self.given, self.outs, self.is_ruled = t.trace, given, outs, is_ruled
        self.made: dict[int, tuple[TracedArray, TracedArray]] = {}
        """By their places among the IR's results, what the function has made and returned, and what stands for it."""

    def leaf(self, k: int) -> Any:
        r, own = self.trace.result[k], self.trace.returned[k]
        if r.index is None or own is None:
            return r.value
        if r.kind != ARRAY:
            return root(self.outs[r.index], current(), r.kind)
        there = self.outer(own)
        if there is not None and not self.is_ruled:
            return there
        if r.index not in self.made:
            new = laid(root(self.outs[r.index], current(), ARRAY), own.strides_in_elements)
            self.tie(new, own, there)
            self.made[r.index] = own, new
        return self.made[r.index][1]

    def outer(self, own: TracedArray) -> TracedArray | None:
        """The array of the caller's, or the view of one, that an array in the function surely is."""
        if own.parent is None:
            return self.base(own) if own.aliases is None else None
        parent = self.outer(own.parent) if is_repeatable(own) else None
        return None if parent is None else view(parent, own._view, own.strides_in_elements)  # type: ignore[arg-type]

    def base(self, own: TracedArray) -> TracedArray | None:
        """The array of the caller's that a root in the function is, or what stands for one that the function has made
        and returned; else None."""
        for inner, outer in zip(self.trace.arguments, self.given, strict=True):
            if inner is own:
                return as_traced(outer)
        for inner, new in self.made.values():
            if inner is own:
                return new
        if own.owner is None or any(own.owner is r for r in recorders()):
            return own if own.owner is not None else None
        return next((outer for outer, inner in own.owner.scratch.values() if inner is own), None)

    def tie(self, new: TracedArray, own: TracedArray, there: TracedArray | None) -> None:
        """Let a new handle know which arrays it is another name of, or may be."""
        name = self.trace.func.name
        if there is not None:
            bind(new, Aliases((Alias.of(there, always),), f"what {name} returns is an array that has another name, too",
                              is_complete=True))
            return
        bases = [b for b in map(self.base, own.maybe()) if b is not None]
        near = [other for inner, other in self.made.values() if may_share(own, inner)]
        if bases:
            why = f"what {name} returns may be an array that has another name, too"
            bind(new, Aliases(tuple(map(Alias.of, bases)), why, alone=False))
        for other in near:
            be_near(new, other, f"{name} returns arrays that may share their elements")


def is_repeatable(h: TracedArray) -> bool:
    """Whether its view may be taken of the parent's counterpart in the trace around: at places that are known there."""
    how = h._view.inner if isinstance(h._view, Maybe) else h._view
    if how is None or isinstance(how, (WindowView, Reshaped)):
        return how is not None and how.is_static
    return h.type.is_static


__all__ = ["called_result"]
