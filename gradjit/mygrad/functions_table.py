"""MyGrad's functions: NumPy's under their own names, and some that NumPy has not."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np

from ..errors import ArgumentError, ShapeError
from .tensor_base import PLAIN, asked, composed, function, operand_of, plain_call
from .ufuncs import ufunc, ufunc_of

DIFFERENTIABLE = (
    "add", "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctan2", "arctanh",
    "broadcast_to", "cbrt", "clip", "cos", "cosh", "cumprod", "cumsum", "divide", "exp", "exp2", "expand_dims", "expm1",
    "log", "log10", "log1p", "log2", "logaddexp", "logaddexp2", "matmul", "max", "maximum", "mean", "min", "minimum",
    "moveaxis", "multiply", "negative", "positive", "power", "prod", "ravel", "reciprocal", "repeat", "reshape", "roll",
    "sin", "sinc", "sinh", "sqrt", "square", "squeeze", "std", "subtract", "sum", "swapaxes", "tan", "tanh",
    "var", "where",
)
SEVERAL = ("atleast_1d", "atleast_2d", "atleast_3d")
"""Those of several arrays, one behind the other: a list of results, or the only one."""
OF_VALUES = (
    "any", "argmax", "argmin",
)
NUMPYS = (
    "allclose", "bincount", "can_cast", "ceil", "copyto", "divmod", "equal", "floor", "floor_divide", "fmod", "greater",
    "greater_equal", "isclose", "isfinite", "isinf", "isnan", "isnat", "less", "less_equal", "logical_and",
    "logical_not", "logical_or", "logical_xor", "may_share_memory", "min_scalar_type", "mod", "not_equal", "remainder",
    "result_type", "rint", "shape", "shares_memory", "sign", "signbit", "trunc",
)
"""Those that are NumPy's own functions, which take tensors."""
CONSTANTS = (
    "bool_", "double", "e", "euler_gamma", "float16", "float32", "float64", "half", "inf", "int16", "int32", "int64",
    "int8", "intp", "longdouble", "nan", "newaxis", "pi", "single", "uint16", "uint32", "uint64", "uint8",
    "uintp",
)


def _of_several(name: str) -> Callable[..., Any]:
    one = function(getattr(np, name))

    def call(*tensors: Any, constant: bool | None = None) -> Any:
        found = [one(t, constant=constant) for t in tensors]
        return found[0] if len(found) == 1 else found

    call.__name__ = name
    return call


def _of_values(name: str) -> Callable[..., Any]:
    func = getattr(np, name)

    def call(*args: Any, **kwargs: Any) -> Any:
        return plain_call(func, args, kwargs)

    call.__name__ = name
    return call


# what NumPy has not ---------------------------------------------------------------------------------------------------
def transpose(a: Any, *axes: Any, constant: bool | None = None) -> Any:
    """The axes in another order, reversed unless it is given."""
    order = axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes or None
    return function(np.transpose)(operand_of(a), order, constant=constant)


def concatenate(tensors: Any, axis: Any = 0, out: Any = None, dtype: Any = None, *, constant: bool | None = None
                ) -> Any:
    """Arrays one behind the other along an axis."""
    options = {k: v for k, v in (("out", out), ("dtype", dtype)) if v is not None}
    return function(np.concatenate, sequence=True)(tensors, axis, constant=constant, **options)


def stack(tensors: Any, axis: int = 0, out: Any = None, *, constant: bool | None = None) -> Any:
    """Arrays of one shape along a new axis."""
    return function(np.stack, sequence=True)(tensors, axis, constant=constant)


def einsum(*operands: Any, optimize: Any = False, out: Any = None, constant: bool | None = None) -> Any:
    """Einstein's summation, written as in NumPy."""
    if isinstance(operands[0], str):
        equation, *rest = operands
        first = operand_of(rest[0])
        return first._apply(np.einsum, (equation, first, *rest[1:]), {} if constant is None else {"constant": constant})
    first = operand_of(operands[0])
    return first._apply(np.einsum, (first, *operands[1:]), {} if constant is None else {"constant": constant})


@composed
def add_sequence(*variables: Any) -> Any:
    """The sum of several operands."""
    return reduce(lambda x, y: x + y, map(operand_of, variables))


@composed
def multiply_sequence(*variables: Any) -> Any:
    """The product of several operands."""
    return reduce(lambda x, y: x * y, map(operand_of, variables))


@composed
def multi_matmul(tensors: Any) -> Any:
    """The product of several matrices, in the order that costs least."""
    operands = [operand_of(t) for t in tensors]
    if len(operands) < 2:
        raise ArgumentError("multi_matmul of fewer than two arrays")
    if (odd := next((t.ndim for t in operands if not 1 <= t.ndim <= 2), None)) is not None:
        raise ShapeError(f"multi_matmul of an array of {odd} dimensions; they have one or two")
    return operands[0]._apply(np.linalg.multi_dot, (operands,), {})


def absolute(x: Any, *args: Any, nan_to_num: bool = True, constant: bool | None = None, **options: Any) -> Any:
    """|x|; where x is 0 its derivative is 0 with nan_to_num, and else nan."""
    t = operand_of(x)
    found = t._apply(np.absolute, (t, *args), {**options, **asked(constant)})
    if nan_to_num or t.constant or constant or not np.any(t._value() == 0):
        return found
    return found + np.where(t._value() == 0, np.nan, 0.0) * np.where(t._value() == 0, t - t.detach(), 0.0)


@composed
def sec(x: Any) -> Any:
    return 1.0 / np.cos(operand_of(x))


@composed
def csc(x: Any) -> Any:
    return 1.0 / np.sin(operand_of(x))


@composed
def cot(x: Any) -> Any:
    return 1.0 / np.tan(operand_of(x))


@composed
def sech(x: Any) -> Any:
    return 1.0 / np.cosh(operand_of(x))


@composed
def csch(x: Any) -> Any:
    return 1.0 / np.sinh(operand_of(x))


@composed
def coth(x: Any) -> Any:
    return 1.0 / np.tanh(operand_of(x))


@composed
def arcsec(x: Any) -> Any:
    return np.arccos(1.0 / operand_of(x))


@composed
def arccsc(x: Any) -> Any:
    return np.arcsin(1.0 / operand_of(x))


@composed
def arccot(x: Any) -> Any:
    return np.pi / 2 - np.arctan(operand_of(x))


@composed
def arccsch(x: Any) -> Any:
    return np.arcsinh(1.0 / operand_of(x))


@composed
def arccoth(x: Any) -> Any:
    return np.arctanh(1.0 / operand_of(x))


OWN = {f.__name__: f for f in (
    add_sequence, arccot, arccoth, arccsc, arccsch, arcsec, concatenate, cot, coth, csc, csch, einsum, multi_matmul,
    multiply_sequence, sec, sech, stack, transpose)}

FUNCTIONS: dict[str, Any] = {
    **{name: ufunc_of(f, name) if isinstance(f := getattr(np, name), np.ufunc) else function(f)
       for name in DIFFERENTIABLE},
    "abs": ufunc_of(np.absolute, "absolute", absolute),
    **{name: _of_several(name) for name in SEVERAL},
    **{name: _of_values(name) for name in OF_VALUES},
    **{name: getattr(np, name) for name in (*NUMPYS, *CONSTANTS)},
    **OWN, "ufunc": ufunc,
}
FUNCTIONS |= {"absolute": FUNCTIONS["abs"], "amax": FUNCTIONS["max"], "amin": FUNCTIONS["min"],
              "true_divide": FUNCTIONS["divide"]}
"""By MyGrad's names."""

__all__ = ["FUNCTIONS", "PLAIN"]
