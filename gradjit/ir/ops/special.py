"""Special functions, pointwise. Their meaning is SciPy's."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from ...errors import DtypeError, ShapeError
from ...processes import gate
from .. import attrs as kinds
from ..types import ArrayType
from .elementwise import pointwise
from .spec import Fails, Memory, OpSpec, Sign, Slope, table
from .special_functions import evaluate, signature


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
    return pointwise("polygamma", 1, _polygamma, Fails.NEVER, "f", 0.0).infer(x)


def _infer_special_call(*types: ArrayType, function: str, result: int = 0) -> tuple[ArrayType, ...]:
    """The operands have one shape; they are floats of one dtype, and int64 where the function has such a loop."""
    s = signature(function)
    if len(types) != len(s.operands) or not 0 <= result < len(s.results):
        raise DtypeError(f"special_call: {function} takes {len(s.operands)} operands, not {len(types)}, and gives "
                         f"{len(s.results)} results")
    if any(t.shape != types[0].shape for t in types):
        raise ShapeError(f"special_call: operands have shapes {', '.join(map(str, types))}")
    floats = {t.dtype for t in types if t.dtype.is_float}
    if len(floats) != 1 or any(t.dtype.name != "i64" for t in types if not t.dtype.is_float):
        raise DtypeError(f"special_call: {function} of {', '.join(map(str, types))}")
    return (types[0].with_dtype(floats.pop()),)


FUNCTIONS = (
    ("erf", 10.0, Sign.ANY, Slope.FINITE), ("erfc", 12.0, Sign.POSITIVE, Slope.FINITE),
    ("erfinv", 100.0, Sign.ANY, Slope.SINGULAR), ("expit", 7.0, Sign.POSITIVE, Slope.FINITE),
    ("gammaln", 200.0, Sign.ANY, Slope.SINGULAR), ("digamma", 200.0, Sign.ANY, Slope.SINGULAR),
)
"""Name, cost, and what is known of zeros and of derivatives."""

OPS = table(
    *(pointwise(n, 1, _scipy(n), Fails.NEVER, "f", cost, family="special", sign=sign, slope=slope)
      for n, cost, sign, slope in FUNCTIONS),
    # The derivative of digamma of the given order >= 1.
    OpSpec("polygamma", "special", 1, _infer_polygamma, _polygamma, Fails.NEVER, {"order": kinds.INT},
           pointwise=True, memory=Memory.ELEMENT, cost=500.0, open_extents=True, slope=Slope.SINGULAR),
    # One of the functions of `special_functions`, by SciPy's loop over a few elements. All are alike in their facts:
    # dear, defined everywhere (by nan, if by nothing else), and with infinite derivatives somewhere.
    OpSpec("special_call", "special", None, _infer_special_call, evaluate, Fails.NEVER,
           {"function": kinds.STR, "result": kinds.INT}, pointwise=True, memory=Memory.ELEMENT, cost=1000.0,
           open_extents=True, defaults={"result": 0}, slope=Slope.SINGULAR),
)
