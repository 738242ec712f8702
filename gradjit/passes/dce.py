"""Dead code: operations that no result depends on, unread results of branches, values carried for nothing."""

from __future__ import annotations

from ..ir import Func
from .rewriter import Rewriter


def dce(func: Func) -> Func:
    """The function without its dead parts. Parameters stay. `func` is not changed."""
    return Rewriter(fold=False, share=False).run(func)
