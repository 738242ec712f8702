"""Common subexpressions: an operation that repeats one in scope becomes its result.

Two constants are one when they agree in every bit (0.0 and -0.0 do not), two operations when names, operands and
attributes agree; the operands of commutative operations in either order.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np

from ..ir import OPS, Func, Value

_ATTRS = {name: tuple((a, spec.defaults.get(a)) for a in spec.attrs) for name, spec in OPS.items()}
COMMUTATIVE = frozenset(name for name, spec in OPS.items() if spec.commutative)


def literal_key(value: np.ndarray) -> Hashable:
    """Equal for literals that are equal bit by bit."""
    return value.dtype, value.shape, value.tobytes()


def key_of(name: str, args: tuple[Value, ...], attrs: dict[str, Any]) -> Hashable:
    """Equal for operations without regions that compute the same."""
    if not attrs:
        return name, args
    if name == "const":
        return name, literal_key(attrs["value"]), attrs["shape"]
    return name, args, *[attrs.get(a, otherwise) for a, otherwise in _ATTRS[name]]


def cse(func: Func) -> Func:
    """The function with each value computed once in any scope. `func` is not changed."""
    from .rewriter import Rewriter
    return Rewriter(fold=False, share=True).run(func)
