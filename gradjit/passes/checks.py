"""What derivatives may be asked for, and additional parameters for tangents and cotangents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..errors import DifferentiationError, UnsupportedError
from ..ir import Block, Func, Op, Value
from ..tracer.locations import fail


def check_parameters(func: Func, wrt: Sequence[int]) -> None:
    """DifferentiationError unless `wrt` are indices of floating-point parameters."""
    for k in wrt:
        if not 0 <= k < len(func.params):
            raise DifferentiationError(f"@{func.name} has {len(func.params)} parameters, none with the index {k}")
        t = func.params[k].type
        if t.dtype.is_complex:
            raise DifferentiationError(f"derivatives for complex arguments are not supported yet; argument {k} of "
                                       f"@{func.name} is {t}")
        if not t.dtype.is_float:
            raise DifferentiationError(f"derivatives are defined for floating-point arguments; argument {k} of "
                                       f"@{func.name} is {t}")


def check_operation(op: Op, unsupported: Mapping[str, str]) -> None:
    """An error that names the user's line where a derivative should pass through `op` and cannot."""
    if op.name in unsupported:
        fail(UnsupportedError, f"the derivative of {op.name!r}: {unsupported[op.name]}", op.loc)
    if any(r.dtype.is_complex for r in op.results):
        fail(DifferentiationError, f"derivatives of complex values are not supported yet: {op.name} gives "
                                   f"{op.results[0].type}", op.loc)


def append_parameter(block: Block, like: Value, name: str) -> Value:
    """One more parameter of a block, of another value's type."""
    if any(isinstance(e, Value) and e not in block.params for e in like.shape):
        raise UnsupportedError(f"a result of type {like.type}, whose extent is computed, cannot be differentiated yet")
    p = Value(like.type, block, len(block.params), name)
    block.params = (*block.params, p)
    return p
