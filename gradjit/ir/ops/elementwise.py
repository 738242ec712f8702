"""Operations on corresponding elements. Operands have one shape; broadcasting is written out by `broadcast`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ...errors import DtypeError, ShapeError
from .. import attrs as kinds
from ..types import BOOL, ArrayType, DType
from .spec import Fails, Memory, OpSpec, Sign, Slope, table

NUMERIC, INEXACT, ORDERED, LOGICAL, INTEGRAL, ANY = "biufc", "fc", "biuf", "biu", "iu", "biufc"


def _same(name: str, kinds_allowed: str, types: tuple[ArrayType, ...]) -> ArrayType:
    first = types[0]
    for t in types[1:]:
        if t.shape != first.shape:
            raise ShapeError(f"{name}: operands have shapes {first} and {t}")
        if t.dtype != first.dtype:
            raise DtypeError(f"{name}: operands have dtypes {first} and {t}")
    if first.dtype.kind not in kinds_allowed:
        raise DtypeError(f"{name}: not defined for {first.dtype}")
    return first


def pointwise(name: str, arity: int, fn: Callable[..., Any], fails: Fails, allowed: str, cost: float,
              result: DType | None = None, family: str = "elementwise", **facts: Any) -> OpSpec:
    """An operation whose result has the operands' type, or their shape with the dtype `result`. facts: of `OpSpec`."""

    def infer(*types: ArrayType) -> tuple[ArrayType, ...]:
        t = _same(name, allowed, types)
        return (t if result is None else t.with_dtype(result),)

    return OpSpec(name, family, arity, infer, fn, fails, pointwise=True, memory=Memory.ELEMENT, cost=cost,
                  open_extents=True, **facts)


def _infer_abs(x: ArrayType) -> tuple[ArrayType, ...]:
    t = _same("abs", "iufc", (x,))
    return (t.with_dtype(t.dtype.part),)


def _infer_select(mask: ArrayType, x: ArrayType, y: ArrayType) -> tuple[ArrayType, ...]:
    if not mask.dtype.is_bool or mask.shape != x.shape:
        raise ShapeError(f"select: the mask is {mask}, the values {x}")
    return (_same("select", ANY, (x, y)),)


def _infer_cast(x: ArrayType, dtype: DType) -> tuple[ArrayType, ...]:
    if x.dtype.is_complex and not dtype.is_complex:
        raise DtypeError(f"cast: {x.dtype} to {dtype} would drop the imaginary part; take `real` first")
    return (x.with_dtype(dtype),)


def _infer_bitcast(x: ArrayType, dtype: DType) -> tuple[ArrayType, ...]:
    if x.dtype.itemsize != dtype.itemsize or "b" in (x.dtype.kind, dtype.kind) or "c" in (x.dtype.kind, dtype.kind):
        raise DtypeError(f"bitcast: {x.dtype} as {dtype}: both must be numbers of the same size, not complex or bool")
    return (x.with_dtype(dtype),)


def _cast(x: np.ndarray, dtype: DType) -> np.ndarray:
    return converted(x, dtype.np) if x.dtype.kind == "f" and dtype.is_integer else x.astype(dtype.np)


def converted(x: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Floats as integers, also out of their range, where C leaves open what NumPy gives: as its loops do with the
    vector instructions of x86. Integers of up to 16 bits are the low bits of an int32. An int32 or int64 out of range
    is the least one, and the unsigned ones of 32 and 64 bits are those, from half their range on shifted by that.
    """
    bits = max(8 * dtype.itemsize, 32)
    half = x.dtype.type(2.0 ** (bits - 1))
    if dtype.kind == "i" or dtype.itemsize < 4:
        return _signed(x, bits, half).astype(dtype)
    upper = x >= half
    n = _signed(np.where(upper, x - half, x), bits, half)
    return np.where(upper, n ^ np.iinfo(n.dtype).min, n).view(dtype)


def _signed(x: np.ndarray, bits: int, bound: np.floating) -> np.ndarray:
    return np.where(np.abs(x) < bound, x, -bound).astype(f"i{bits // 8}")


def _pow(x: Any, y: Any) -> Any:
    """C's function. Where the exponent is one for all elements NumPy's has shortcuts (sqrt for 0.5) that differ from it
    for -0.0 and -inf; a copy of a repeated number is no such exponent."""
    y = np.array(y, copy=True)
    return np.power(x, y) if y.ndim else np.power(np.reshape(x, 1), y.reshape(1)).reshape(())


def _fma(x: Any, y: Any, z: Any) -> Any:
    """As a longer float holds it: float32 exactly, but for ties; of float64 some bits of the product are rounded away
    first."""
    long = np.float64 if x.dtype.itemsize == 4 else np.longdouble
    return (x.astype(long) * y.astype(long) + z.astype(long)).astype(x.dtype)


def _squared_hypot(x: Any, y: Any) -> Any:
    return np.where(np.isinf(x) | np.isinf(y), x.dtype.type(np.inf), x * x + y * y)


UNARY_INEXACT: dict[str, Callable[..., Any]] = {
    "exp": np.exp, "exp2": np.exp2, "expm1": np.expm1, "log": np.log, "log2": np.log2, "log10": np.log10,
    "log1p": np.log1p, "sqrt": np.sqrt, "sin": np.sin, "cos": np.cos, "tan": np.tan,
    "arcsin": np.arcsin, "arccos": np.arccos, "arctan": np.arctan, "sinh": np.sinh, "cosh": np.cosh, "tanh": np.tanh,
    "arcsinh": np.arcsinh, "arccosh": np.arccosh, "arctanh": np.arctanh,
}
UNARY_FLOAT: dict[str, Callable[..., Any]] = {
    "squared_root": lambda x: np.square(np.sqrt(x)), "cbrt": np.cbrt, "floor": np.floor, "ceil": np.ceil,
    "trunc": np.trunc, "rint": np.rint,
}
BINARY_FLOAT: dict[str, Callable[..., Any]] = {
    "arctan2": np.arctan2, "logaddexp": np.logaddexp, "logaddexp2": np.logaddexp2, "hypot": np.hypot,
    "copysign": np.copysign, "nextafter": np.nextafter,
}
COMPARISONS: dict[str, Callable[..., Any]] = {
    "eq": np.equal, "ne": np.not_equal, "lt": np.less, "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal,
}

FACTS: dict[str, tuple[float, Sign, Slope]] = {
    "sqrt": (4.0, Sign.ANY, Slope.STEEP),
    "squared_root": (4.0, Sign.POSITIVE, Slope.SINGULAR),  # sqrt(x)^2, which is no number for what is below 0
    "exp": (4.0, Sign.POSITIVE, Slope.OVERFLOWS),
    "exp2": (4.0, Sign.POSITIVE, Slope.OVERFLOWS),
    "expm1": (6.0, Sign.ANY, Slope.OVERFLOWS),
    "log": (5.0, Sign.POSITIVE, Slope.SINGULAR),
    "log2": (6.0, Sign.POSITIVE, Slope.SINGULAR),
    "log10": (6.0, Sign.POSITIVE, Slope.SINGULAR),
    "log1p": (7.0, Sign.ANY, Slope.SINGULAR),
    "sin": (6.0, Sign.ANY, Slope.FINITE),
    "cos": (6.0, Sign.POSITIVE, Slope.FINITE),
    "tan": (10.0, Sign.ANY, Slope.FINITE),
    "arcsin": (8.0, Sign.ANY, Slope.STEEP),
    "arccos": (8.0, Sign.POSITIVE, Slope.STEEP),
    "arctan": (8.0, Sign.ANY, Slope.FINITE),
    "sinh": (8.0, Sign.ANY, Slope.OVERFLOWS),
    "cosh": (8.0, Sign.POSITIVE, Slope.OVERFLOWS),
    "tanh": (8.0, Sign.ANY, Slope.FINITE),
    "arcsinh": (12.0, Sign.ANY, Slope.FINITE),
    "arccosh": (12.0, Sign.POSITIVE, Slope.STEEP),
    "arctanh": (12.0, Sign.ANY, Slope.SINGULAR),
    "cbrt": (10.0, Sign.ANY, Slope.STEEP),
    "floor": (0.15, Sign.ANY, Slope.FINITE),
    "ceil": (0.15, Sign.ANY, Slope.FINITE),
    "trunc": (0.15, Sign.ANY, Slope.FINITE),
    "rint": (0.15, Sign.ANY, Slope.FINITE),
    "arctan2": (12.0, Sign.ANY, Slope.FINITE),
    "logaddexp": (14.0, Sign.POSITIVE, Slope.FINITE),
    "logaddexp2": (14.0, Sign.POSITIVE, Slope.FINITE),
    "hypot": (6.0, Sign.POSITIVE, Slope.FINITE),
    "copysign": (0.15, Sign.ANY, Slope.FINITE),
    "nextafter": (20.0, Sign.ANY, Slope.FINITE),
}
"""Cost, zeros and derivatives of functions of one or two arguments."""

ONE = 0.15
"""The cost of what one instruction does, as an addition."""
CHEAPLY: dict[str, Any] = {"memory": Memory.ELEMENT, "cost": ONE, "open_extents": True}
NEVER = Fails.NEVER


def functions(group: dict[str, Callable[..., Any]], arity: int, allowed: str) -> Iterator[OpSpec]:
    """The operations of a group of functions that all floats may be given to."""
    for name, f in group.items():
        cost, sign, slope = FACTS[name]
        yield pointwise(name, arity, f, NEVER, allowed, cost, sign=sign, slope=slope,
                        commutative=name in ("logaddexp", "logaddexp2", "hypot"))


OPS = table(
    *functions(UNARY_INEXACT, 1, INEXACT), *functions(UNARY_FLOAT, 1, "f"), *functions(BINARY_FLOAT, 2, "f"),
    *(pointwise(n, 2, f, NEVER, ANY, ONE, result=BOOL, commutative=n in ("eq", "ne")) for n, f in COMPARISONS.items()),
    pointwise("neg", 1, np.negative, NEVER, "iufc", ONE, by_planes=True),
    # Of a complex number its length, which is real.
    OpSpec("abs", "elementwise", 1, _infer_abs, np.abs, NEVER, pointwise=True, sign=Sign.POSITIVE, **CHEAPLY),
    pointwise("sign", 1, np.sign, NEVER, "iufc", ONE, sign=Sign.POSITIVE),
    pointwise("add", 2, np.add, NEVER, "iufc", ONE, commutative=True, by_planes=True),
    pointwise("sub", 2, np.subtract, NEVER, "iufc", ONE, by_planes=True),
    pointwise("mul", 2, np.multiply, NEVER, "iufc", ONE, commutative=True),
    # x*y + z, rounded once. No program says it: a pass over loop nests makes it of a product and a sum.
    pointwise("fma", 3, _fma, NEVER, "f", ONE),
    # hypot(x, y)^2 by x^2 + y^2: without the root's rounding, and beyond the floats where that is. An infinite operand
    # makes it infinite though the other is nan, as it makes the hypot.
    pointwise("squared_hypot", 2, _squared_hypot, NEVER, "f", 0.6, commutative=True, sign=Sign.POSITIVE),
    pointwise("div", 2, np.true_divide, NEVER, INEXACT, 2.5, slope=Slope.SINGULAR),
    pointwise("floordiv", 2, np.floor_divide, NEVER, "iuf", 8.0),
    pointwise("mod", 2, np.remainder, NEVER, "iuf", 8.0, slope=Slope.SINGULAR),
    pointwise("fmod", 2, np.fmod, NEVER, "iuf", 20.0, slope=Slope.SINGULAR),
    pointwise("pow", 2, _pow, Fails.INTEGERS, "iufc", 20.0, slope=Slope.STEEP),
    pointwise("maximum", 2, np.maximum, NEVER, "biuf", ONE, commutative=True, chooses=True),
    pointwise("minimum", 2, np.minimum, NEVER, "biuf", ONE, commutative=True, chooses=True),
    pointwise("fmax", 2, np.fmax, NEVER, "biuf", ONE, chooses=True),
    pointwise("fmin", 2, np.fmin, NEVER, "biuf", ONE, chooses=True),
    pointwise("and", 2, np.bitwise_and, NEVER, LOGICAL, ONE, commutative=True),
    pointwise("or", 2, np.bitwise_or, NEVER, LOGICAL, ONE, commutative=True),
    pointwise("xor", 2, np.bitwise_xor, NEVER, LOGICAL, ONE, commutative=True),
    pointwise("not", 1, np.invert, NEVER, LOGICAL, ONE),
    pointwise("shl", 2, np.left_shift, NEVER, INTEGRAL, ONE),
    pointwise("shr", 2, np.right_shift, NEVER, INTEGRAL, ONE),
    pointwise("gcd", 2, np.gcd, NEVER, INTEGRAL, 300.0, commutative=True),
    pointwise("isnan", 1, np.isnan, NEVER, "f", ONE, result=BOOL),
    pointwise("isinf", 1, np.isinf, NEVER, "f", ONE, result=BOOL),
    pointwise("isfinite", 1, np.isfinite, NEVER, "f", ONE, result=BOOL),
    pointwise("signbit", 1, np.signbit, NEVER, "f", ONE, result=BOOL),
    # The identity, through which no derivative flows.
    pointwise("stop_gradient", 1, np.positive, NEVER, "iufc", 0.0, selects=True, by_planes=True),
    # The identity, whose result is never known to be its operand: what is computed from it is computed once more.
    pointwise("barrier", 1, lambda x: x, NEVER, ANY, 0.0, pinned=True, selects=True,
              by_planes=True),
    OpSpec("select", "elementwise", 3, _infer_select, np.where, NEVER, pointwise=True, chooses=True, by_planes=True,
           **CHEAPLY),
    # The same bits as another dtype of the same size.
    OpSpec("bitcast", "elementwise", 1, _infer_bitcast, lambda x, dtype: np.array(x).view(dtype.np), NEVER,
           {"dtype": kinds.DTYPE}, pointwise=True, **CHEAPLY),
    OpSpec("cast", "elementwise", 1, _infer_cast, _cast, NEVER, {"dtype": kinds.DTYPE}, pointwise=True,
           **CHEAPLY),
)
