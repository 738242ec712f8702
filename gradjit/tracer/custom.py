"""Values with a derivative of the user's own, as they are traced."""

from __future__ import annotations

from collections.abc import Sequence

from ..ir import Value
from ..ir.ops.custom import Rule
from .recorder import current


def ruled(results: Sequence[Value], operands: Sequence[Value], rule: Rule) -> tuple[Value, ...]:
    """The results, whose derivative with respect to the operands is the rule's."""
    r = current()
    still = [r.append("stop_gradient", (v,), {})[0] if v.dtype.is_inexact else v for v in results]
    return r.append("custom", (*still, *operands), {"results": len(results), "rule": rule})
