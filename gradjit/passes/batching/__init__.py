"""Batching: a function of single examples becomes one of a stack of them.

RULES: for each operation `rule(b, op, operands, batched, size)`, called when some operand is batched; its results all
    carry the batch axis first. `op` is the original operation (attributes, types without the axis), `operands` the
    values that its operands have become, `batched` which of them carry the axis, `size` its extent.
UNBATCHED: operations that have no operands to be batched, with the reason.
UNSUPPORTED: operations that cannot be batched yet, with the reason.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...ir import Func
from . import control, creation, elementwise, indexing, linalg, movement, reduction, special
from .driver import Rule, Tables, batched_function

RULES: dict[str, Rule] = {
    **creation.RULES, **elementwise.RULES, **special.RULES, **reduction.RULES, **movement.RULES, **indexing.RULES,
    **linalg.RULES, **control.RULES,
}
UNBATCHED: dict[str, str] = creation.UNBATCHED
UNSUPPORTED: dict[str, str] = control.UNSUPPORTED

TABLES = Tables(RULES, UNSUPPORTED)


def batch(func: Func, batched: Sequence[bool], size: int) -> Func:
    """`func` over a stack: the flagged parameters and all results have one more axis, the first, of extent `size`.

    A parameter that is not flagged is the same for the whole stack; what depends on such parameters only is computed
    once. Raises UnsupportedError, with the user's line, for an operation that cannot be batched yet.
    """
    return batched_function(func, batched, size, TABLES)
