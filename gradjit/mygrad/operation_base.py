"""MyGrad's operations that a user writes: `__call__` computes on tensors' data, `backward_var` pulls back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..tensors.recording import Upstream, custom_past
from .tensor_base import Tensor, operand_of


class Operation:
    """Base of them. `__call__(*tensors, **options)` sets `self.variables` and gives an array; `backward_var(grad,
    index)` gives the cotangent of the variable of that number."""

    variables: tuple[Tensor, ...] = ()
    where: Any = True

    def __call__(self, *input_vars: Tensor, **options: Any) -> Any:
        raise NotImplementedError

    def backward_var(self, grad: np.ndarray, index: int, **options: Any) -> Any:
        raise NotImplementedError


class UnaryUfunc(Operation):
    """An operation of one operand, element by element."""


class BinaryUfunc(Operation):
    """An operation of two operands, element by element."""


def execute_op(Op: type[Operation], *input_vars: Any, op_args: Sequence[Any] | None = None,
               op_kwargs: dict[str, Any] | None = None, constant: bool | None = None, out: Any = None) -> Any:
    """The result of an operation of a class that the user wrote; derivatives pass through it by its `backward_var`."""
    op = Op()
    inputs = [operand_of(x) for x in input_vars]
    values = [x._value() for x in inputs]
    for x in inputs:
        x._end_recording()
    result = Tensor(op(*inputs, *(op_args or ()), **(op_kwargs or {})), constant=True)
    if out is not None:
        out[...] = result
    if constant or all(x.constant for x in inputs) or result.dtype.kind != "f":
        return result
    sources = {k: upstream(x) for k, x in enumerate(inputs) if not x.constant}

    def pull(ct: np.ndarray) -> dict[int, np.ndarray]:
        found = {k: np.asarray(op.backward_var(ct, k)) for k in sources}
        return {k: reduced_to(g, values[k]) for k, g in found.items()}

    result._become_derived(custom_past(sources, pull))
    for x in inputs:
        x._grad = None
    return result


def upstream(x: Any) -> Any:
    """What the cotangent of an operand goes to."""
    if x._base is not None:
        raise NotImplementedError("execute_op of a view; write x.copy()")
    if x._source is None:
        x._source = Upstream(x)
    return x._source


def reduced_to(g: np.ndarray, like: np.ndarray) -> np.ndarray:
    """A cotangent summed over the axes along which its operand was broadcast."""
    extra = g.ndim - like.ndim
    if extra > 0:
        g = g.sum(axis=tuple(range(extra)))
    axes = tuple(k for k, (n, m) in enumerate(zip(g.shape, like.shape, strict=True)) if m == 1 != n)
    if axes:
        g = g.sum(axis=axes, keepdims=True)
    return np.array(np.broadcast_to(g, like.shape), like.dtype)


__all__ = ["BinaryUfunc", "Operation", "UnaryUfunc", "execute_op"]
