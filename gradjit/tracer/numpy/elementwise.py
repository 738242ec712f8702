"""Elementwise functions: NumPy's ufuncs, and what is composed of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np

from ...errors import ArgumentError, DtypeError, ShapeError, UnsupportedError
from ...ir import I64
from .. import operands as o, overrides
from ..array import PYTHON
from ..conversion import check, clipped, strong
from ..locations import fail
from ..operands import TracedArray, as_traced, broadcast, cast, emit, weak_kind
from ..ufuncs import KEYWORDS, Raw, as_loop, compute, resolve
from . import complex_numbers
from .common import array, call, full_like, given, stored, truth, where
from .search import nonzero

Rule = Callable[..., Any]


# arithmetic ---------------------------------------------------------------------------------------------------------
def _boolean(op: str, logical: str) -> Rule:
    """Arithmetic that on booleans means a logical operation."""
    return lambda x, y: emit(logical if x.ir_dtype.is_bool else op, x, y)


def _float(*xs: TracedArray) -> list[TracedArray]:
    """Integer operands of a loop that gives floats."""
    return [cast(x, np.float64) if x.ir_dtype.kind in "biu" else x for x in xs]


def true_divide(x: TracedArray, y: TracedArray) -> TracedArray:
    return emit("div", *_float(x, y))


def power(x: TracedArray, y: TracedArray, dtype: Any = None) -> TracedArray:
    """x**y. The exponents for which NumPy leaves `pow` aside do so here too: -1, 0, 0.5, 1, 2."""
    loop = resolve(np.power, [x, y], dtype)
    exponent = _one_number(y)
    if np.dtype(loop[0]).kind in "iu":
        if y.ir_dtype.kind == "i":
            o.require(emit("ge", y, full_like(0, y)), "Integers to negative integer powers are not allowed.")
        shortcut = {1: "positive", 2: "square"}.get(exponent)
    else:
        shortcut = {-1: "reciprocal", 0.5: "sqrt", 1: "positive", 2: "square"}.get(exponent)
    base = o.convert(x, loop[0])
    if (shortcut or base.ir_dtype.is_complex) and o.broadcast_shape(x.extents, y.extents) == x.extents:
        if shortcut:
            return compute(getattr(np, shortcut), [base])
        if _is_whole(exponent) and 0 < abs(exponent.real) < complex_numbers.MOST:
            return complex_numbers.whole_power(base, int(exponent.real))
    return emit("pow", *broadcast(base, o.convert(y, loop[1])))


def _is_whole(exponent: Any) -> bool:
    return exponent is not None and exponent == int(exponent.real) if exponent is not None and np.isfinite(
        exponent) else False


def _one_number(y: TracedArray) -> Any:
    """The number of a known operand that holds a single one."""
    a = y.known
    return a.item() if a is not None and a.size == 1 else None


def float_power(x: TracedArray, y: TracedArray) -> TracedArray:
    return power(x, y)


def square(x: TracedArray) -> TracedArray:
    return emit("mul", x, x)


def reciprocal(x: TracedArray) -> TracedArray:
    """1/x; of an integer NumPy's truncated quotient, which is 0 but for ±1."""
    if x.ir_dtype.is_integer:
        quotient = emit("div", *_float(full_like(1, x), x))
        return cast(emit("trunc", quotient), x.dtype)
    if x.ir_dtype.is_complex:
        return complex_numbers.reciprocal(x)
    return emit("div", full_like(1, x), x)


def absolute(x: TracedArray) -> TracedArray:
    return positive(x) if x.ir_dtype.kind in "bu" else emit("abs", x)


def positive(x: TracedArray) -> TracedArray:
    """The same elements as a result of its own."""
    return as_loop(o.root(x.content, x.home), [x])


def _rounding(op: str) -> Rule:
    """Rounding to whole numbers, which leaves integers alone."""
    return lambda x: emit(op, x) if x.ir_dtype.is_float else positive(x)


def _scaled(factor: float) -> Rule:
    return lambda x: emit("mul", x, full_like(factor, x))


def heaviside(x: TracedArray, at_zero: TracedArray) -> TracedArray:
    """0, `at_zero` or 1 as x is negative, zero or positive; nan where x is nan."""
    zero = full_like(0, x)
    step = cast(emit("gt", x, zero), x.dtype)
    step = emit("select", emit("eq", x, zero), at_zero, step)
    return emit("select", emit("isnan", x), x, step)


def ldexp(x: TracedArray, n: TracedArray, dtype: Any = None) -> TracedArray:
    """x * 2**n, in three factors, each of which is a normal number: right also where 2**n alone would overflow. The
    last is as large, or small, as can be, so that no product before it is rounded, unless it ends as 0."""
    loop = resolve(np.ldexp, [x, n], dtype)
    x, n = broadcast(o.convert(x, loop[0]), cast(o.convert(n, loop[1]), np.int64))
    limits = np.finfo(x.dtype)
    factors = []
    for _ in range(3):
        exponent = emit("minimum", emit("maximum", n, full_like(limits.minexp, n)), full_like(limits.maxexp - 1, n))
        factors.append(emit("exp2", cast(exponent, x.dtype)))
        n = emit("sub", n, exponent)
    return reduce(lambda x, factor: emit("mul", x, factor), reversed(factors), x)


def frexp(x: TracedArray) -> tuple[TracedArray, TracedArray]:
    """x = m 2**e with 1/2 <= |m| < 1; 0, inf and nan are their own m, with e = 0. What is subnormal is made larger
    first, so that the exponent stands in the bits."""
    bits, mantissa, bias = (64, 52, 1022) if x.dtype == np.float64 else (32, 23, 126)
    integer = np.dtype(f"i{bits // 8}")
    scale = 2.0 ** (mantissa + 2)
    size = emit("abs", x)
    tiny = emit("lt", size, full_like(float(np.finfo(x.dtype).tiny), x))
    larger = emit("select", tiny, emit("mul", x, full_like(scale, x)), x)
    pattern = emit("bitcast", emit("abs", larger), dtype=o.ir_dtype(integer))
    field = emit("shr", pattern, full_like(mantissa, pattern))
    exponent = emit("sub", field, full_like(bias, field))
    exponent = emit("select", tiny, emit("sub", exponent, full_like(mantissa + 2, exponent)), exponent)
    plain = emit("and", emit("ne", x, full_like(0, x)), emit("isfinite", x))
    exponent = cast(emit("select", plain, exponent, full_like(0, exponent)), np.int32)
    return ldexp(x, emit("neg", exponent)), exponent


def lcm(x: TracedArray, y: TracedArray) -> TracedArray:
    """|x| / gcd |y|, 0 where both are."""
    divisor = emit("gcd", x, y)
    none = emit("eq", divisor, full_like(0, x))
    x, y = (v if v.ir_dtype.kind == "u" else emit("abs", v) for v in (x, y))
    return emit("mul", emit("floordiv", x, emit("select", none, full_like(1, x), divisor)), y)


def i0(x):
    """The modified Bessel function of order 0, in floats."""
    v = as_traced(x)
    v = v if v.ir_dtype.is_float else cast(v, np.float64)
    return emit("special_call", v, function="i0", result=0)


def modf(x: TracedArray) -> tuple[TracedArray, TracedArray]:
    """Fractional and whole part, both with the sign of x."""
    whole = emit("trunc", x)
    fraction = emit("select", emit("isinf", x), full_like(0, x), emit("sub", x, whole))
    return emit("copysign", fraction, x), whole


def spacing(x: TracedArray) -> TracedArray:
    """The distance to the next number away from zero, with the sign of x; nan where x is not finite."""
    size = emit("abs", x)
    step = emit("sub", emit("nextafter", size, full_like(np.inf, x)), size)
    step = emit("select", emit("isinf", x), full_like(np.nan, x), step)
    return emit("copysign", step, x)


def bitwise_count(x: TracedArray) -> TracedArray:
    """The number of ones in |x|: neighbouring counts are added in 1, 2, 4, ... bits, all in parallel."""
    bits = emit("abs", x) if x.ir_dtype.kind == "i" else x
    n = cast(cast(bits, np.dtype(f"u{x.ir_dtype.itemsize}")), np.uint64)

    def masked(v: TracedArray, shift: int, mask: int) -> TracedArray:
        return emit("and", emit("shr", v, full_like(shift, v)), full_like(mask, v))

    for shift, mask in ((1, 0x5555555555555555), (2, 0x3333333333333333), (4, 0x0F0F0F0F0F0F0F0F),
                        (8, 0x00FF00FF00FF00FF), (16, 0x0000FFFF0000FFFF), (32, 0xFFFFFFFF)):
        n = emit("add", masked(n, 0, mask), masked(n, shift, mask))
    return cast(n, np.uint8)


# comparisons and logic ----------------------------------------------------------------------------------------------
def _comparison(ufunc: np.ufunc, op: str) -> Raw:
    """A comparison: exact between signed and unsigned 64-bit integers and Python ints of any size, as in NumPy."""

    def rule(x: TracedArray, y: TracedArray, dtype: Any = None) -> TracedArray:
        if (answer := _beyond_range(ufunc, x, y)) is not None:
            return _all_the_same(answer, x if x.ndim else y)
        x, y = strong(x, y), strong(y, x)
        loop = resolve(ufunc, [x, y], dtype)
        x, y = broadcast(o.convert(x, loop[0]), o.convert(y, loop[1]))
        return emit(op, x, y) if x.dtype == y.dtype else _mixed(op, x, y)

    return Raw(rule)


def _beyond_range(ufunc: np.ufunc, x: TracedArray, y: TracedArray) -> bool | None:
    """For an integer array and a Python int that its dtype cannot hold: the answer, the same for all elements."""
    for a, b in ((x, y), (y, x)):
        if b.weak and b.known is not None and a.ir_dtype.is_integer and weak_kind(b) in "iu":
            limits, number = np.iinfo(a.dtype), int(b.known)
            if o.is_beyond(b) or not limits.min <= number <= limits.max:
                far = -1 if number < 0 else 1
                return bool(ufunc(0, far) if b is y else ufunc(far, 0))
    return None


def _mixed(op: str, x: TracedArray, y: TracedArray) -> TracedArray:
    """int64 with uint64: a negative number is less than all; the others compare as unsigned."""
    flipped = {"lt": "gt", "gt": "lt", "le": "ge", "ge": "le"}
    if x.ir_dtype.kind == "u":
        return _mixed(flipped.get(op, op), y, x)
    negative = emit("lt", x, full_like(0, x))
    unsigned = emit(op, cast(x, np.uint64), y)
    if op in ("lt", "le", "ne"):
        return emit("or", negative, unsigned)
    return emit("and", emit("not", negative), unsigned)


def _logical(ufunc: np.ufunc, op: str) -> Raw:
    """A logical ufunc on operands of any dtype. NumPy takes Python integers for int64."""

    def rule(*xs: TracedArray, dtype: Any = None) -> TracedArray:
        resolve(ufunc, list(xs), dtype)
        for x in xs:
            o.refuse_beyond(x, "int64")
            if x.weak and x.known is not None and weak_kind(x) in "iu":
                check(x, I64)
        return emit(op, *broadcast(*map(truth, xs)))

    return Raw(rule)


def _float_test(op: str, otherwise: bool) -> Rule:
    """A test of floats; for integers its answer is always the same."""

    def rule(x: TracedArray) -> TracedArray:
        if x.ir_dtype.is_complex:
            return complex_numbers.test(op, x)
        return emit(op, x) if x.ir_dtype.is_float else _all_the_same(otherwise, x)

    return rule


def _all_the_same(answer: bool, x: TracedArray) -> TracedArray:
    return o.filled(answer, x.extents, np.bool_)


def conjugate(x: TracedArray) -> TracedArray:
    return complex_numbers.conjugate(x) if x.ir_dtype.is_complex else positive(x)


def _extreme(op: str, wins: str, skips_nan: bool) -> Rule:
    """maximum and its kin; complex numbers have NumPy's order."""
    by_order = complex_numbers.extreme(wins, skips_nan)
    return lambda x, y: by_order(x, y) if x.ir_dtype.is_complex else emit(op, x, y)


UFUNCS: dict[np.ufunc, str | Rule | Raw] = {
    # arithmetic
    np.add: _boolean("add", "or"), np.multiply: _boolean("mul", "and"), np.subtract: "sub",
    np.true_divide: true_divide, np.floor_divide: "floordiv", np.remainder: "mod", np.fmod: "fmod",
    np.divmod: lambda x, y: (emit("floordiv", x, y), emit("mod", x, y)),
    np.power: Raw(power), np.float_power: float_power,
    np.negative: "neg", np.positive: positive, np.absolute: absolute, np.fabs: "abs", np.sign: "sign",
    np.square: square, np.reciprocal: reciprocal, np.conjugate: conjugate,
    # rounding and parts
    np.rint: "rint", np.floor: _rounding("floor"), np.ceil: _rounding("ceil"), np.trunc: _rounding("trunc"),
    np.frexp: frexp, np.gcd: "gcd", np.lcm: lcm,
    np.modf: modf, np.ldexp: Raw(ldexp), np.spacing: spacing,
    np.copysign: "copysign", np.nextafter: "nextafter", np.heaviside: heaviside,
    # exponentials, logarithms, roots
    np.exp: "exp", np.exp2: "exp2", np.expm1: "expm1", np.log: "log", np.log2: "log2", np.log10: "log10",
    np.log1p: "log1p", np.logaddexp: "logaddexp", np.logaddexp2: "logaddexp2", np.sqrt: "sqrt", np.cbrt: "cbrt",
    # trigonometry
    np.sin: "sin", np.cos: "cos", np.tan: "tan", np.arcsin: "arcsin", np.arccos: "arccos", np.arctan: "arctan",
    np.sinh: "sinh", np.cosh: "cosh", np.tanh: "tanh", np.arcsinh: "arcsinh", np.arccosh: "arccosh",
    np.arctanh: "arctanh", np.arctan2: "arctan2", np.hypot: "hypot",
    np.deg2rad: _scaled(np.pi / 180), np.radians: _scaled(np.pi / 180),
    np.rad2deg: _scaled(180 / np.pi), np.degrees: _scaled(180 / np.pi),
    # extremes
    np.maximum: _extreme("maximum", "ge", False), np.minimum: _extreme("minimum", "le", False),
    np.fmax: _extreme("fmax", "ge", True), np.fmin: _extreme("fmin", "le", True),
    # comparisons
    np.less: _comparison(np.less, "lt"), np.less_equal: _comparison(np.less_equal, "le"),
    np.greater: _comparison(np.greater, "gt"), np.greater_equal: _comparison(np.greater_equal, "ge"),
    np.equal: _comparison(np.equal, "eq"), np.not_equal: _comparison(np.not_equal, "ne"),
    # logic and bits
    np.logical_and: _logical(np.logical_and, "and"), np.logical_or: _logical(np.logical_or, "or"),
    np.logical_xor: _logical(np.logical_xor, "xor"), np.logical_not: _logical(np.logical_not, "not"),
    np.bitwise_and: "and", np.bitwise_or: "or", np.bitwise_xor: "xor", np.invert: "not",
    np.left_shift: "shl", np.right_shift: "shr", np.bitwise_count: bitwise_count,
    # tests
    np.isnan: _float_test("isnan", False), np.isinf: _float_test("isinf", False),
    np.isfinite: _float_test("isfinite", True), np.signbit: "signbit",
}


# functions ----------------------------------------------------------------------------------------------------------
def where_(condition, x=None, y=None, /):
    """np.where; of a condition alone its known indices."""
    if x is None and y is None:
        return nonzero(condition)
    if x is None or y is None:
        fail(ArgumentError, "either both or neither of x and y should be given")
    operands = [as_traced(v) for v in (condition, x, y)]
    return as_loop(array(where(truth(operands[0]), *operands[1:])), operands)


def clip(a, a_min=np._NoValue, a_max=np._NoValue, out=None, *, min=np._NoValue, max=np._NoValue, **kwargs):
    """minimum(maximum(a, lower), upper): the upper bound wins, a nan bound gives nan, as NumPy's own."""
    lower, upper = (new if new is not np._NoValue else old for new, old in ((min, a_min), (max, a_max)))
    if overrides.has_ufunc((a, lower, upper)):
        o.unsupported(np.clip, "with a bound that has ufuncs of its own (__array_ufunc__), or forbids them")
    x = as_traced(a)
    if x.ir_dtype.is_integer:  # a Python int beyond the dtype's range is no bound
        limits = np.iinfo(x.dtype)
        lower = None if type(lower) is int and lower <= limits.min else lower
        upper = None if type(upper) is int and upper >= limits.max else upper
        lower, upper = clipped(lower, x.dtype, False), clipped(upper, x.dtype, True)
    bounds = [as_traced(b) for b in (lower, upper) if given(b)]
    dtype = kwargs.pop("dtype", None) or o.result_type(x, *bounds)
    for name in kwargs:
        if name not in (*KEYWORDS, "where", "casting", "order"):
            fail(UnsupportedError, f"np.clip: got an unexpected keyword argument {name!r}; it has min= and max=")
        o.unsupported(np.clip, f"the argument {name}=")
    operands = (x, *bounds)
    y, *bounds = broadcast(*(o.convert(v, dtype) for v in operands))
    if given(lower):
        y = larger(np.maximum, y, bounds[0])
    if given(upper):
        y = larger(np.minimum, y, bounds[-1])
    return stored(np.clip, as_loop(y, operands) if bounds else positive(y), out)


def round_(a, decimals=0, out=None):
    """Rounding half to even at a decimal place, by NumPy's own steps: scale, rint, scale back."""
    x, decimals = as_traced(a), o.static_int(decimals, "decimals")
    if x.ir_dtype.is_complex:
        return stored(np.round, as_loop(complex_numbers.by_parts(round_, x, decimals), [x]), out)
    if x.ir_dtype.is_bool and decimals == 0:
        o.unsupported(np.round, "of booleans it gives float16; write x.astype(int)")
    if x.ir_dtype.is_bool:
        fail(DtypeError, "np.round of booleans to decimals: the product is float64, no bool; write x.astype(int)")
    if x.ir_dtype.is_integer and decimals >= 0:
        return stored(np.round, positive(x), out)
    y = cast(x, np.float64) if x.ir_dtype.kind in "biu" else x
    scale = full_like(10.0 ** abs(decimals), y)
    if decimals == 0:
        y = emit("rint", y)
    else:
        there, back = ("mul", "div") if decimals > 0 else ("div", "mul")
        y = emit(back, emit("rint", emit(there, y, scale)), scale)
    y = cast(y, x.dtype) if x.ir_dtype.is_integer else y
    return stored(np.round, as_loop(y, [x]), out)


def fix(x, out=None):
    return stored(np.fix, call(np.trunc, x), out)


def nan_to_num(x, copy=True, nan=0.0, posinf=None, neginf=None):
    """nan and the infinities replaced by numbers; by default the largest finite ones of the dtype."""
    h = as_traced(x)
    if h.ir_dtype.is_complex:
        y = complex_numbers.by_parts(_numbers, h, nan, posinf, neginf)
    else:
        y = _numbers(h, nan, posinf, neginf) if h.ir_dtype.is_float else positive(h)
    if copy or not isinstance(x, TracedArray) or x.kind != o.ARRAY:
        return y
    x.write(y)
    return x


def _numbers(x: TracedArray, nan: Any, posinf: Any, neginf: Any) -> TracedArray:
    limits = np.finfo(x.dtype)
    infinite, positive_ = emit("isinf", x), emit("gt", x, full_like(0, x))
    high, low = (limits.max if posinf is None else posinf), (limits.min if neginf is None else neginf)

    def filled(number: Any) -> TracedArray:
        return o.broadcast_to(cast(as_traced(number), x.dtype), x.extents)

    y = emit("select", emit("isnan", x), filled(nan), x)
    y = emit("select", emit("and", infinite, positive_), filled(high), y)
    return emit("select", emit("and", infinite, emit("not", positive_)), filled(low), y)


def larger(ufunc: np.ufunc, x: TracedArray, y: TracedArray) -> TracedArray:
    """np.maximum or np.minimum of numbers of one dtype and shape: complex ones by NumPy's order."""
    return compute(ufunc, [x, y]) if x.ir_dtype.is_complex else emit(ufunc.__name__, x, y)


def sinc(x):
    """sin(πx)/(πx); near 0 its power series, whose derivatives of every order are right at 0, too."""
    x = as_traced(x)
    if x.ir_dtype.is_complex:  # as NumPy does: 0 is taken for a number that is tiny
        x = call(np.multiply, np.pi, where(call(np.equal, x, 0), 1e-20, x))
        return call(np.divide, call(np.sin, x), x)
    if x.ir_dtype.kind in "biu":
        x = cast(x, np.float64)
    y = emit("mul", x, full_like(np.pi, x))
    near = emit("lt", emit("abs", y), full_like(0.1, y))
    square_ = emit("mul", y, y)
    square_ = emit("select", near, square_, full_like(0, y))
    series = full_like(1, y)
    for k in (110, 72, 42, 20, 6):
        series = emit("sub", full_like(1, y), emit("div", emit("mul", square_, series), full_like(k, y)))
    safe = emit("select", near, full_like(1, y), y)
    return emit("select", near, series, emit("div", emit("sin", safe), safe))


def select(condlist, choicelist, default=0):
    """The first choice whose condition holds."""
    if len(condlist) != len(choicelist):
        fail(ShapeError, "list of cases must be same length as list of conditions")
    if not len(condlist):
        fail(ShapeError, "select with an empty condition list is not possible")
    masks = [as_traced(c) for c in condlist]
    for k, m in enumerate(masks):
        if not m.ir_dtype.is_bool:
            fail(DtypeError, f"invalid entry {k} in condlist: should be boolean ndarray")
    given_ = [as_traced(c) for c in (*choicelist, default)]
    *choices, result = (cast(c, o.result_type(*given_)) for c in given_)  # Python's integers wrap around
    parts = broadcast(*masks, *choices, result)
    masks, choices, result = parts[:len(masks)], parts[len(masks):-1], parts[-1]
    for m, c in reversed(list(zip(masks, choices, strict=True))):
        result = emit("select", m, c, result)
    return array(result)


def piecewise(x, condlist, funclist, *args, **kw):
    """Each function is evaluated on all of x; where its condition does not hold its value is not used.

    Later conditions win, as in NumPy. The result has x's dtype.
    """
    x = as_traced(x)
    single = not isinstance(condlist, (list, tuple)) or (condlist and not _is_array_like(condlist[0]) and x.ndim > 0)
    masks = [truth(o.broadcast_to(as_traced(c), x.extents)) for c in ([condlist] if single else condlist)]
    functions = list(funclist)
    if len(functions) == len(masks) + 1:
        some = masks[0]
        for m in masks[1:]:
            some = emit("or", some, m)
        masks.append(emit("not", some))
    elif len(functions) != len(masks):
        n = len(masks)
        fail(ShapeError, f"with {n} condition(s), either {n} or {n + 1} functions are expected")
    y = full_like(0, x)
    for m, f in zip(masks, functions, strict=True):
        value = as_traced(f(x, *args, **kw) if callable(f) else f)
        y = emit("select", m, o.broadcast_to(cast(value, x.dtype), x.extents), y)
    return array(y)


def _is_array_like(c: Any) -> bool:
    return isinstance(c, (list, tuple, np.ndarray)) or (isinstance(c, TracedArray) and c.ndim > 0)


# closeness ----------------------------------------------------------------------------------------------------------
def isclose(a, b, rtol=1e-05, atol=1e-08, equal_nan=False):
    """|a - b| <= atol + rtol |b| where b is finite, a == b elsewhere."""
    x, y = as_traced(a), as_traced(b)
    if y.ir_dtype.kind in "biu":
        y = cast(y, np.result_type(y.dtype, np.float64))
    near = call(np.less_equal, call(np.absolute, call(np.subtract, x, y)),
                call(np.add, atol, call(np.multiply, rtol, call(np.absolute, y))))
    close = call(np.logical_or, call(np.logical_and, near, call(np.isfinite, y)), call(np.equal, x, y))
    if equal_nan:
        close = call(np.logical_or, close, call(np.logical_and, call(np.isnan, x), call(np.isnan, y)))
    return close


def allclose(a, b, rtol=1e-05, atol=1e-08, equal_nan=False):
    return _every(isclose(a, b, rtol, atol, equal_nan))


def _every(x: TracedArray) -> TracedArray:
    """Whether all are true, as a bool of Python's."""
    return emit("all", x, axes=tuple(range(x.ndim)), kind=PYTHON)


def array_equal(a1, a2, equal_nan=False):
    x, y = as_traced(a1), as_traced(a2)
    if x.extents != y.extents:
        return False
    same = call(np.equal, x, y)
    if equal_nan:
        same = call(np.logical_or, same, call(np.logical_and, call(np.isnan, x), call(np.isnan, y)))
    return _every(same)


def array_equiv(a1, a2):
    x, y = as_traced(a1), as_traced(a2)
    try:
        o.broadcast_shape(x.extents, y.extents)
    except ShapeError:
        return False
    return _every(call(np.equal, x, y))


def _signed_infinity(func: Rule, negative: bool) -> Rule:
    def rule(x, out=None):
        h = as_traced(x)
        infinite = call(np.isinf, h)
        if h.ir_dtype.is_float:
            sign_ = emit("signbit", h)
            infinite = emit("and", infinite, sign_ if negative else emit("not", sign_))
        return stored(func, infinite, out)

    return rule


RULES: dict[Callable[..., Any], Rule] = {
    np.where: where_, np.clip: clip, np.round: round_, np.around: round_, np.fix: fix, np.nan_to_num: nan_to_num,
    np.sinc: sinc, np.i0: i0, np.select: select, np.piecewise: piecewise,
    np.isclose: isclose, np.allclose: allclose, np.array_equal: array_equal, np.array_equiv: array_equiv,
    np.isposinf: _signed_infinity(np.isposinf, False), np.isneginf: _signed_infinity(np.isneginf, True),
    **complex_numbers.RULES,
}
