"""Which values derivatives pass through: what depends on parameters, and what results depend on."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence

from ..ir import Op, Value, captures


def inputs(op: Op) -> tuple[Value, ...]:
    """What an operation reads: its operands, then what its regions capture."""
    return (*op.operands, *captures(op)) if op.regions else op.operands


def varied(ops: Iterable[Op], sources: Iterable[Value], constant: Container[str]) -> set[Value]:
    """The inexact sources and what depends on them; results of `constant` operations do not, nor do integers.

    An operation with regions counts as a whole: if it reads a varied value, all its inexact results are varied.
    """
    found = {v for v in sources if v.dtype.is_inexact}
    for op in ops:
        if op.name not in constant and any(v in found for v in inputs(op)):
            found.update(r for r in op.results if r.dtype.is_inexact)
    return found


def useful(ops: Sequence[Op], results: Iterable[Value], constant: Container[str]) -> set[Value]:
    """The inexact results and what they depend on, other than through `constant` operations."""
    found = {v for v in results if v.dtype.is_inexact}
    for op in reversed(ops):
        if op.name not in constant and any(r in found for r in op.results):
            found.update(v for v in inputs(op) if v.dtype.is_inexact)
    return found
