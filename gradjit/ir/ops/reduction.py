"""Reductions over axes and scans along one. `axes` are sorted, distinct and non-negative; reduced axes are dropped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...errors import DtypeError, ShapeError
from .. import attrs as kinds
from ..size_conditions import holds
from ..types import I64, ArrayType
from .spec import Fails, Memory, OpSpec, Sign, table

NONEMPTY = Fails.COMPUTED
"""An extreme of no elements is an error."""

NEST: dict[str, Any] = {"memory": Memory.NEST, "cost": 0.15, "open_extents": True}


def dropped(t: ArrayType, axes: tuple[int, ...]) -> tuple[Any, ...]:
    """The shape without the given axes."""
    return tuple(e for k, e in enumerate(t.shape) if k not in axes)


def is_empty(extent: Any) -> bool:
    return isinstance(extent, int) and not holds(extent, ">", 0)


def _check(name: str, t: ArrayType, axes: tuple[int, ...], allowed: str) -> None:
    if t.dtype.kind not in allowed:
        raise DtypeError(f"{name}: not defined for {t.dtype}")
    if list(axes) != sorted(set(axes)) or any(not 0 <= a < t.rank for a in axes):
        raise ShapeError(f"{name}: axes {axes} of {t}")


def reduction(name: str, fn: Callable[..., Any], allowed: str, identity: bool, **facts: Any) -> OpSpec:
    """A reduction that keeps the dtype; without an identity it needs at least one element. facts: of `OpSpec`."""
    fails = Fails.NEVER if identity else NONEMPTY

    def infer(x: ArrayType, axes: tuple[int, ...]) -> tuple[ArrayType, ...]:
        _check(name, x, axes, allowed)
        if not identity and any(is_empty(x.shape[a]) for a in axes):
            raise ShapeError(f"{name}: no elements along the axes {axes} of {x}")
        return (x.with_shape(dropped(x, axes)),)

    def evaluate(x: np.ndarray, axes: tuple[int, ...]) -> Any:
        return fn(x, axis=axes)

    return OpSpec(name, "reduction", 1, infer, evaluate, fails, {"axes": kinds.INTS}, **facts, **NEST)


def _arg(name: str, fn: Callable[..., Any]) -> OpSpec:
    def infer(x: ArrayType, axis: int) -> tuple[ArrayType, ...]:
        _check(name, x, (axis,), "biuf")
        if is_empty(x.shape[axis]):
            raise ShapeError(f"{name}: no elements along axis {axis} of {x}")
        return (ArrayType(I64, dropped(x, (axis,))),)

    return OpSpec(name, "reduction", 1, infer, lambda x, axis: np.asarray(fn(x, axis=axis), np.int64),
                  NONEMPTY, {"axis": kinds.INT}, **NEST)


def _scan(name: str, fn: Callable[..., Any], **facts: Any) -> OpSpec:
    def infer(x: ArrayType, axis: int, reverse: bool) -> tuple[ArrayType, ...]:
        _check(name, x, (axis,), "iufc")
        return (x,)

    def evaluate(x: np.ndarray, axis: int, reverse: bool) -> Any:
        step = (slice(None),) * axis + (slice(None, None, -1 if reverse else 1),)
        return fn(x[step], axis=axis, dtype=x.dtype)[step]

    return OpSpec(name, "reduction", 1, infer, evaluate, Fails.NEVER, {"axis": kinds.INT, "reverse": kinds.BOOL},
                  **facts, **NEST)


def _typed(fn: Callable[..., Any]) -> Callable[..., Any]:
    """The dtype of the operand is kept; NumPy's promotion of small integers is written out as a cast."""
    return lambda x, axis: fn(x, axis=axis, dtype=x.dtype)


OPS = table(
    reduction("sum", _typed(np.sum), "iufc", identity=True, sign=Sign.KEPT, by_planes=True),
    reduction("prod", _typed(np.prod), "iufc", identity=True),
    reduction("max", np.max, "biuf", identity=False, sign=Sign.KEPT, selects=True),
    reduction("min", np.min, "biuf", identity=False, sign=Sign.KEPT, selects=True),
    reduction("any", np.any, "b", identity=True),
    reduction("all", np.all, "b", identity=True),
    # The first index of the extreme; a nan counts as extreme.
    _arg("argmax", np.argmax),
    _arg("argmin", np.argmin),
    _scan("cumsum", np.cumsum, sign=Sign.KEPT, by_planes=True),
    _scan("cumprod", np.cumprod),
)
