"""log, log2, log10, log1p and what is made of them: inverse hyperbolic functions, logaddexp, softplus.

The argument is written as 2**k * (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)). With s = f / (2 + f),

    log(1 + f) = f + s * (s**2 * P(s**2) - f),

where s * s**2 * P(s**2) is 2*atanh(s) - 2*s (the form of fdlibm's e_log.c, which subtracts f**2/2 apart; here one fused
multiply-add does). k*ln2 + f is kept as an unevaluated sum, so that about one rounding remains. Arguments that are
themselves sums (1 + x, x + sqrt(x**2 + 1)) enter as a pair of numbers.

All coefficients are minimax fits by Lawson's iteration, made by tests/vecmath/minimax.py.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from typing import NamedTuple

from gradjit.codegen.vecmath.exponential import LN2_HIGH, LN2_LOW, at_least, exp, exp_of_fall
from gradjit.codegen.vecmath.lanes import Lanes

from .. import llvm

# (2*atanh(s) / s - 2) / s**2 in powers of s**2 on |s| <= (sqrt(2) - 1)**2, error relative to atanh(s) / s**3:
# 2**-59.4 and 2**-30.1
ATANH = (
    (0.6666666666666734, 0.39999999999416624, 0.2857142874204066, 0.2222219860278619, 0.18183563019439547,
     0.15314079316691323, 0.14795700177942075),
    (0.6666677594184875, 0.39977583289146423, 0.29870808124542236),
)
# 1/ln2, 1/ln10 and log10(2) as unevaluated sums, for float64 and float32
LOG2_E = ((1.4426950408889634, 2.0355273740931033e-17), (1.4426950216293335, 1.925963033500011e-08))
LOG10_E = ((0.4342944819032518, 1.098319650216765e-17), (0.4342944920063019, -1.0103049952192578e-08))
LOG10_2 = ((0.3010299956639812, -2.8037281277851704e-18), (0.3010300099849701, -1.432098883924482e-08))


# building blocks ------------------------------------------------------------------------------------------------------
class Split(NamedTuple):
    """x = 2**k * (1 + f), k as a float; `field` is k + bias in the exponent field, over other bits."""

    k: llvm.Value
    f: llvm.Value
    field: llvm.Value


class Sum(NamedTuple):
    """An unevaluated sum of a number and a much smaller one."""

    high: llvm.Value
    low: llvm.Value


def split(L: Lanes, x, subnormal: bool = True, more=None) -> Split:
    """Split a positive finite x, whose exponent then counts `more` (a float) in addition.

    The exponent becomes a float by way of the bits of 2**52 + exponent: below AVX-512 there is no vector conversion.
    """
    stored, bias, lift = L.mantissa_bits, L.choose(1023, 127), L.choose(54, 25)
    origin = L.f(2.0**stored + bias)
    if subnormal:
        tiny = L.cmp("<", x, L.f(2.0 ** (1 - bias)))
        x = L.select(tiny, L.mul(x, L.f(2.0**lift)), x)
        origin = L.select(tiny, L.f(2.0**stored + bias + lift), origin)
    if more is not None:
        origin = L.sub(origin, more)
    least = _bits_of(L, math.sqrt(0.5))
    field = L.iadd(L.bits(x), L.i((bias << stored) - least))
    significand = L.from_bits(L.iadd(L.iand(field, L.i((1 << stored) - 1)), L.i(least)))
    k = L.from_bits(L.ior(L.lshr(field, L.i(stored)), L.i(_bits_of(L, 2.0**stored))))
    return Split(L.sub(k, origin), L.sub(significand, L.f(1)), field)


def _bits_of(L: Lanes, value: float) -> int:
    """The bits of a positive float constant as an integer."""
    real, integer = L.choose(("<d", "<q"), ("<f", "<i"))
    return struct.unpack(integer, struct.pack(real, value))[0]


def less_f(L: Lanes, f, plus):
    """log(1 + f) - f + plus."""
    s = L.div(f, L.add(f, L.f(2)))
    square = L.mul(s, s)
    series = L.polynomial_split(square, L.choose(*ATANH))
    return L.fma(s, L.fma(square, series, L.neg(f)), plus)


def natural(L: Lanes, k, f, f_low=None) -> Sum:
    """k*ln2 + log(1 + f + f_low)."""
    ln2, ln2_low = L.f(L.choose(*LN2_HIGH)), L.f(L.choose(*LN2_LOW))
    high = L.fma(k, ln2, f)
    low = L.fma(k, ln2_low, L.add(L.fma(k, ln2, L.neg(high)), f))
    if f_low is not None:
        low = L.add(low, L.fma(L.neg(f), f_low, f_low))
    return Sum(high, less_f(L, f, low))


def in_base(L: Lanes, k, f, f_low, unit, unit_of_two) -> Sum:
    """The logarithm to a base b of 2**k * (1 + f + f_low); `unit` is log_b(e), `unit_of_two` log_b(2), as sums."""
    (unit, unit_low), (two, two_low) = L.choose(*unit), unit_of_two
    rest = less_f(L, f, L.f(0) if f_low is None else L.fma(L.neg(f), f_low, f_low))
    product = L.mul(f, L.f(unit))
    low = L.fma(f, L.f(unit_low), L.fma(f, L.f(unit), L.neg(product)))
    low = L.fma(rest, L.f(unit), low)
    high = L.fma(k, L.f(two), product)
    lost = L.add(L.fma(k, L.f(two), L.neg(high)), product)
    if two_low:
        lost = L.fma(k, L.f(two_low), lost)
    return Sum(high, L.add(low, lost))


def total(L: Lanes, pair: Sum):
    return L.add(pair.high, pair.low)


def two_sum(L: Lanes, x, y) -> Sum:
    """x + y exactly, whichever is larger (Knuth)."""
    high = L.add(x, y)
    of_y = L.sub(high, x)
    return Sum(high, L.add(L.sub(x, L.sub(high, of_y)), L.sub(y, of_y)))


def fast_two_sum(L: Lanes, x, y) -> Sum:
    """x + y exactly where |x| >= |y| (Dekker)."""
    high = L.add(x, y)
    return Sum(high, L.add(L.sub(x, high), y))


def split_pair(L: Lanes, x: Sum, more=None) -> tuple[llvm.Value, llvm.Value, llvm.Value]:
    """k, f and f_low with x.high + x.low = 2**k * (1 + f + f_low), for x.high normal, positive and finite.

    x.low must be 0 where x.high > 2**1000 (2**120).
    """
    parts = split(L, x.high, subnormal=False, more=more)
    stored, bias = L.mantissa_bits, L.choose(1023, 127)
    exponent = L.iand(parts.field, L.i(-1 << stored))
    shrink = L.from_bits(L.isub(L.i(2 * bias << stored), exponent))  # 2**-k
    low = L.select(L.cmp("==", x.low, L.f(0)), x.low, L.mul(x.low, shrink))
    f = fast_two_sum(L, parts.f, low)
    return parts.k, f.high, f.low


def log_of_sum(L: Lanes, x: Sum, more=None) -> Sum:
    """log(x.high + x.low) + more*ln2."""
    return natural(L, *split_pair(L, x, more))


def one_plus(L: Lanes, x, low=None) -> Sum:
    """1 + x + low; the low part is dropped where it no longer counts."""
    pair = two_sum(L, L.f(1), x)
    rest = pair.low if low is None else L.add(pair.low, low)
    return Sum(pair.high, L.select(L.cmp("<", x, L.f(2.0**60)), rest, L.f(0)))


def at_ends(L: Lanes, x, low: float, y):
    """y for low < x < inf; -inf at low, nan below, inf at inf."""
    y = L.select(L.cmp("<", x, L.f(math.inf)), y, x)
    y = L.select(L.cmp("<", x, L.f(low)), L.f(math.nan), y)
    return L.select(L.cmp("==", x, L.f(low)), L.f(-math.inf), y)


# logarithms -----------------------------------------------------------------------------------------------------------
def log(L: Lanes, x):
    """The natural logarithm; at most 1 ulp."""
    k, f, _ = split(L, x)
    return at_ends(L, x, 0.0, total(L, natural(L, k, f)))


def log2(L: Lanes, x):
    """The logarithm to base 2, exact for powers of 2; at most 1.3 ulp."""
    k, f, _ = split(L, x)
    return at_ends(L, x, 0.0, total(L, in_base(L, k, f, None, LOG2_E, (1.0, 0.0))))


def log10(L: Lanes, x):
    """The logarithm to base 10, exact for powers of 10; at most 1.2 ulp."""
    k, f, _ = split(L, x)
    return at_ends(L, x, 0.0, total(L, in_base(L, k, f, None, LOG10_E, L.choose(*LOG10_2))))


def log1p(L: Lanes, x):
    """log(1 + x), accurate near 0; at most 1 ulp."""
    y = total(L, log_of_sum(L, one_plus(L, x)))
    return L.copysign(at_ends(L, x, -1.0, y), x)


# inverse hyperbolic functions -----------------------------------------------------------------------------------------
def _or_twice(L: Lanes, size, x: Sum) -> tuple[Sum, llvm.Value]:
    """x, or size itself with one more power of 2 where it is so large that x is 2*size."""
    large = L.cmp(">", size, L.f(L.choose(2.0**30, 2.0**14)))
    x = Sum(L.select(large, size, x.high), L.select(large, L.f(0), x.low))
    return x, L.select(large, L.f(1), L.f(0))


def arcsinh(L: Lanes, x):
    """log(x + sqrt(x**2 + 1)), as log(1 + x + x**2 / (1 + sqrt(1 + x**2))); at most 1.2 ulp."""
    size = L.abs(x)
    square = L.mul(size, size)
    small = L.div(square, L.add(L.f(1), L.sqrt(L.fma(size, size, L.f(1)))))
    argument = fast_two_sum(L, size, small)
    y = total(L, log_of_sum(L, *_or_twice(L, size, one_plus(L, *argument))))
    return L.copysign(L.select(L.cmp("<", size, L.f(math.inf)), y, size), x)


def arccosh(L: Lanes, x):
    """log(x + sqrt(x**2 - 1)) for x >= 1; at most 2 ulp."""
    root = L.sqrt(L.fma(x, x, L.f(-1)))
    y = total(L, log_of_sum(L, *_or_twice(L, x, fast_two_sum(L, x, root))))
    y = L.select(L.cmp("<", x, L.f(math.inf)), y, x)
    return L.select(L.cmp("<", x, L.f(1)), L.f(math.nan), y)


def arctanh(L: Lanes, x):
    """log((1 + x) / (1 - x)) / 2, as log(1 + 2*x / (1 - x)) / 2; at most 1 ulp."""
    size = L.abs(x)
    below = fast_two_sum(L, L.f(1), L.neg(size))
    inverse = L.div(L.f(1), below.high)
    twice = L.add(size, size)
    ratio = L.mul(twice, inverse)
    left = L.fma(L.neg(ratio), below.low, L.fma(L.neg(ratio), below.high, twice))
    y = L.mul(total(L, log_of_sum(L, one_plus(L, ratio, L.mul(left, inverse)))), L.f(0.5))
    y = L.select(L.cmp("<", size, L.f(1)), y, L.select(L.cmp("==", size, L.f(1)), L.f(math.inf), L.f(math.nan)))
    return L.copysign(y, x)


# sums of exponentials -------------------------------------------------------------------------------------------------
def _halved(L: Lanes, x) -> tuple[llvm.Value, llvm.Value]:
    """k and f with 1 + x = 2**k * (1 + f), for 0 <= x <= 1."""
    large = L.cmp(">", x, L.f(math.sqrt(2) - 1))
    return L.select(large, L.f(1), L.f(0)), L.select(large, L.fma(x, L.f(0.5), L.f(-0.5)), x)


def _log_one_plus(L: Lanes, x) -> Sum:
    """log(1 + x) for 0 <= x <= 1."""
    return natural(L, *_halved(L, x))


def _log2_one_plus(L: Lanes, x) -> Sum:
    """log2(1 + x) for 0 <= x <= 1."""
    return in_base(L, *_halved(L, x), None, LOG2_E, (1.0, 0.0))


def softplus(L: Lanes, x):
    """log(1 + e**x), as max(x, 0) + log(1 + e**-|x|); at most 2 ulp."""
    above = L.select(L.cmp("<", x, L.f(0)), L.f(0), x)
    return L.add(above, total(L, _log_one_plus(L, exp(L, L.neg(L.abs(x))))))


def log_expit(L: Lanes, x):
    """log(1 / (1 + e**-x)) = -softplus(-x); at most 2 ulp."""
    return L.neg(softplus(L, L.neg(x)))


def _log_add(L: Lanes, x, y, power, logarithm):
    """log(b**x + b**y) = larger + log(1 + b**-|x - y|) with the functions of base b."""
    above = L.cmp(">", x, y)
    larger, smaller = L.select(above, x, y), L.select(above, y, x)
    apart = two_sum(L, smaller, L.neg(larger))
    gap = L.select(L.cmp("==", x, y), L.f(0), apart.high)  # also for two equal infinities
    slip = L.select(L.cmp(">", gap, L.f(-2000)), apart.low, L.f(0))  # it is nan beside infinities
    share = logarithm(L, power(L, gap, slip))
    whole = two_sum(L, larger, share.high)
    result = L.add(whole.high, L.add(whole.low, share.low))
    return L.select(L.cmp("<", L.abs(larger), L.f(math.inf)), result, L.sub(larger, gap))


def _exp2_of_fall(L: Lanes, x, low):
    """2**(x + low) for x <= 0 and a much smaller low."""
    ln2, ln2_low = L.f(L.choose(*LN2_HIGH)), L.f(L.choose(*LN2_LOW))
    x = at_least(L, x, -1200.0)
    product = L.mul(x, ln2)
    rest = L.fma(x, ln2_low, L.fma(x, ln2, L.neg(product)))
    return exp_of_fall(L, product, L.fma(low, ln2, rest))


def logaddexp(L: Lanes, x, y):
    """log(e**x + e**y); at most 2 ulp of the largest of |x|, |y| and |result|.

    (Where e**x + e**y is close to 1 the result is the small difference of larger numbers.)
    """
    return _log_add(L, x, y, exp_of_fall, _log_one_plus)


def logaddexp2(L: Lanes, x, y):
    """log2(2**x + 2**y); the error is bounded as that of logaddexp."""
    return _log_add(L, x, y, _exp2_of_fall, _log2_one_plus)


FUNCTIONS: dict[str, Callable[..., llvm.Value]] = {
    "log": log, "log2": log2, "log10": log10, "log1p": log1p,
    "arcsinh": arcsinh, "arccosh": arccosh, "arctanh": arctanh,
    "softplus": softplus, "log_expit": log_expit, "logaddexp": logaddexp, "logaddexp2": logaddexp2,
}
