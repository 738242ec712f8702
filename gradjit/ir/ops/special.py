"""Special functions, pointwise. Their meaning is SciPy's."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from ...processes import gate
from .. import attrs as kinds
from ..types import ArrayType
from .elementwise import pointwise
from .spec import Fails, OpSpec, table


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


OPS = table(
    *(pointwise(n, 1, _scipy(n), Fails.NEVER, "f", family="special")
      for n in ("erf", "erfc", "erfinv", "expit", "gammaln", "digamma")),
    # The derivative of digamma of the given order >= 1.
    OpSpec("polygamma", "special", 1, _infer_polygamma, _polygamma, Fails.NEVER, {"order": kinds.INT},
           pointwise=True),
)
