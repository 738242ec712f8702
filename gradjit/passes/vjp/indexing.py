"""Pullbacks of gathers, scatters and sorting."""

from __future__ import annotations

from ...ir import Builder, Op, Value
from ..masks import Flow, Masked
from ..partials.indexing import all_axes, along, are_distinct, last_writers
from .driver import Contribution, Rule
from .window_cotangents import ScatterCotangent

Needs = tuple[bool, ...]


def _gather(b: Builder, op: Op, needs: Needs, g: Value) -> list[Contribution | None]:
    x, *indices = op.operands
    return [ScatterCotangent(g, x.type, tuple(indices), op.attrs["axes"]), *(None for _ in indices)]


def _scatter(b: Builder, op: Op, needs: Needs, g: Value, nothing: float = 0) -> list[Flow | None]:
    """Like update: read and clear. Of several writes to one element only the last gets the cotangent."""
    x, *indices, v = op.operands
    axes = op.attrs["axes"]
    cleared = b.scatter(g, *indices, b.const(nothing, g.dtype, v.shape), axes=axes) if needs[0] else None
    read: Flow | None = b.gather(g, *indices, axes=axes) if needs[-1] else None
    if isinstance(read, Value) and not are_distinct(indices):
        last = last_writers(b, tuple(x.shape[a] for a in axes), indices)
        read = Masked(read, last if last.shape == v.shape else b.broadcast(last, shape=v.shape, dims=all_axes(last)))
    return [cleared, *(None for _ in indices), read]


def _scatter_add(b: Builder, op: Op, needs: Needs, g: Value) -> list[Flow | None]:
    indices = op.operands[1:-1]
    read = b.gather(g, *indices, axes=op.attrs["axes"]) if needs[-1] else None
    return [g if needs[0] else None, *(None for _ in indices), read]


def _sort(b: Builder, op: Op, needs: Needs, g: Value) -> list[Flow | None]:
    """Each element's cotangent goes back to where it came from: a scatter without duplicates."""
    x, axis = op.operands[0], op.attrs["axis"]
    origin = b.argsort(x, axis=axis)
    return [b.scatter(b.zeros(x.type.with_dtype(g.dtype)), *along(b, origin, axis), g, axes=all_axes(x))]


RULES: dict[str, Rule] = {
    "gather": _gather,
    "scatter": _scatter,
    "scatter_add": _scatter_add,
    "sort": _sort,
}

CONSTANT = {"argsort": "the result is an index", "bounded": "the result is an index"}

MOVES_MASKS = frozenset({"sort"})

JOINS_MASKS = {"gather": _gather}

CLEARS: dict[str, Rule] = {"scatter": _scatter}

PARTS = frozenset({"gather", "scatter"})
