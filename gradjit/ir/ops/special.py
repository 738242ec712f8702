"""Special functions, pointwise. Their meaning is SciPy's."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from ...processes import gate
from .. import attrs as kinds
from ..types import ArrayType
from .elementwise import pointwise
from .spec import Fails, Memory, OpSpec, Sign, table


def _scipy(name: str) -> Callable[..., Any]:
    """scipy.special's function, imported at its first use: the import takes longer than all of gradjit's."""

    def call(*args: Any) -> Any:
        with gate:
            found = getattr(importlib.import_module("scipy.special"), name)
        return found(*args)

    return call


def _polygamma(x: Any, order: int) -> Any:
    return _scipy("polygamma")(order, x).astype(x.dtype)


def _infer_polygamma(x: ArrayType, order: int) -> tuple[ArrayType, ...]:
    return pointwise("polygamma", 1, _polygamma, Fails.NEVER, "f").infer(x)


FUNCTIONS = (
    ("erf", 10.0, Sign.ANY), ("erfc", 12.0, Sign.POSITIVE), ("erfinv", 100.0, Sign.ANY), ("expit", 7.0, Sign.POSITIVE),
    ("gammaln", 200.0, Sign.ANY), ("digamma", 200.0, Sign.ANY),
)
"""Name, cost, and what is known of zeros."""

OPS = table(
    *(pointwise(n, 1, _scipy(n), Fails.NEVER, "f", family="special", cost=cost, sign=sign)
      for n, cost, sign in FUNCTIONS),
    # The derivative of digamma of the given order >= 1.
    OpSpec("polygamma", "special", 1, _infer_polygamma, _polygamma, Fails.NEVER, {"order": kinds.INT},
           pointwise=True, memory=Memory.ELEMENT, cost=500.0, open_extents=True),
)
