"""Batching: a function of single examples becomes one of a stack of them.

RULES: for each operation `rule(b, op, operands, batched, size)`, called when some operand is batched; its results all
    carry the batch axis first. `op` is the original operation (attributes, types without the axis), `operands` the
    values that its operands have become, `batched` which of them carry the axis, `size` its extent. An operation that
    has regions or moves records of a tape has in place of it a `walk(batcher, b, op)`, which rebuilds it.
WINDOWS: walks of operations whose bounds differ along the batch.
UNBATCHED: operations that have no operands to be batched, with the reason.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...ir import Func
from ...ir.sizes import deciding
from . import (
    complex_matrices,
    control,
    creation,
    custom,
    effects,
    elementwise,
    factorisation,
    fourier,
    indexing,
    linalg,
    movement,
    planes,
    reduction,
    special,
    tape,
)
from .driver import Batcher, BatchingTables, Rule, Walk, batched_function, prepared

LOCAL: dict[str, Rule] = {
    **creation.RULES, **elementwise.RULES, **special.RULES, **reduction.RULES, **movement.RULES, **indexing.RULES,
    **linalg.RULES, **factorisation.LOCAL, **complex_matrices.LOCAL, **effects.LOCAL, **custom.LOCAL,
    **planes.RULES,
    **fourier.RULES,
}
WALKS: dict[str, Walk] = {**control.RULES, **tape.RULES, **factorisation.WALKS, **complex_matrices.WALKS,
                          **effects.WALKS,
                          **custom.WALKS}
RULES: dict[str, Rule | Walk] = {**LOCAL, **WALKS}
UNBATCHED: dict[str, str] = creation.UNBATCHED

TABLES = BatchingTables(LOCAL, WALKS, movement.WINDOWS, indexing.INDICES)


@deciding(False)
def batch(func: Func, batched: Sequence[bool], size: int, stacked: Sequence[bool] | None = None) -> Func:
    """`func` over a stack: the flagged parameters and results have one more axis, the first, of extent `size`.

    A parameter that is not flagged is the same for the whole stack; what depends on such parameters only is computed
    once. stacked: the flags of the results, all by default; a result that is `varying` must be flagged. Raises
    UnsupportedError, with the user's line, for what cannot be batched yet.
    """
    return batched_function(func, batched, size, TABLES, stacked=stacked)


def varying(func: Func, batched: Sequence[bool]) -> list[bool]:
    """Which results differ along the stack."""
    func = prepared(func)
    batcher = Batcher(func, batched, 1, TABLES)
    return [batcher.has(r) for r in func.results]
