"""pow, cbrt, hypot.

pow in float64 takes the logarithm as an unevaluated sum of two numbers, good to 2**-65 of its value, because the
exponential turns the absolute error of y*log(x), which may be 700, into a relative one. In float32 it computes in
float64 lanes, where one number is enough.

All coefficients are minimax fits by Lawson's iteration, made by tests/vecmath/minimax.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from gradjit.codegen.vecmath.exponential import (
    LN2_HIGH,
    LN2_LOW,
    at_least,
    at_most,
    exponent_field,
    overflowing,
    reduce_exactly,
    scale,
    shift,
    significand_of_exp,
)
from gradjit.codegen.vecmath.lanes import Lanes
from gradjit.codegen.vecmath.logarithm import Sum, fast_two_sum, split

from .. import llvm

# log(1 + f) = 2*s + s**3 * (2/3 + s**2 * Q(s**2)) for s = f / (2 + f), f in [sqrt(1/2) - 1, sqrt(2) - 1]: Q, 2**-73.4
TWO_THIRDS, TWO_THIRDS_LOW = 0.6666666666666666, 3.700743415417188e-17
ATANH_FROM_5TH = (
    0.3999999999999998, 0.2857142857144384, 0.22222222217789658, 0.18181818844015366, 0.1538455842612707,
    0.1333626462446801, 0.11675777541476735, 0.11981784642735231,
)
# log2(1 + f) / s in powers of s**2, for float32: 2**-37.7
LOG2_SINGLE = (2.8853900817900864, 0.9617966733417036, 0.5770835849703702, 0.4116727190753982, 0.34073010101763385)
# 2**r on |r| <= 1/2, for float32: 2**-28.9
EXP2_SINGLE = (
    1.0000000005631005, 0.6931472060372376, 0.24022646844649076, 0.05550328123740819, 0.009618491860508338,
    0.0013400195498711098, 0.00015345575760143432,
)
# (1 + f)**(-1/3) on [sqrt(1/2) - 1, sqrt(2) - 1]: 2**-14.6 and 2**-11.9
INVERSE_CBRT = (
    (0.9999765797567054, -0.3329016262857931, 0.2243629382743831, -0.18890843222851544, 0.12836716849343996),
    (0.9997786283493042, -0.33467015624046326, 0.23772110044956207, -0.15853776037693024),
)


# pow ------------------------------------------------------------------------------------------------------------------
def _precise_log(L: Lanes, x) -> Sum:
    """The natural logarithm of a positive finite x as a sum, float64, relative error about 2**-65."""
    k, f, _ = split(L, x)
    bottom = fast_two_sum(L, L.f(2), f)
    inverse = L.div(L.f(1), bottom.high)
    s = L.mul(f, inverse)
    left = L.fma(L.neg(s), bottom.low, L.fma(L.neg(s), bottom.high, f))
    s_low = L.mul(left, inverse)
    square = L.mul(s, s)
    twice = L.add(s, s)
    square_low = L.fma(twice, s_low, L.fma(s, s, L.neg(square)))
    fifth, *higher = ATANH_FROM_5TH
    series = L.fma(L.polynomial_split(square, higher), square, L.f(fifth))
    series = L.fma(series, square, L.f(TWO_THIRDS_LOW))
    factor = fast_two_sum(L, L.f(TWO_THIRDS), series)
    cube = _product(L, square, square_low, *factor)
    rest = _product(L, s, s_low, *cube)  # log(1 + f) = 2*s + rest
    ln2, ln2_low = L.f(LN2_HIGH[0]), L.f(LN2_LOW[0])
    whole = L.fma(k, ln2, twice)
    lost = L.add(L.fma(k, ln2, L.neg(whole)), twice)
    high = fast_two_sum(L, whole, rest.high)
    low = L.fma(L.f(2), s_low, L.fma(k, ln2_low, rest.low))
    return Sum(high.high, L.add(L.add(lost, high.low), low))


def _product(L: Lanes, x, x_low, y, y_low) -> Sum:
    """(x + x_low) * (y + y_low), not normalised."""
    high = L.mul(x, y)
    return Sum(high, L.fma(x, y_low, L.fma(x_low, y, L.fma(x, y, L.neg(high)))))


def _magnitude(L: Lanes, size, y):
    """size**y for finite positive size and |y| <= 2**65, float64."""
    log = _precise_log(L, size)
    exponent = L.mul(y, log.high)
    low = L.fma(y, log.low, L.fma(y, log.high, L.neg(exponent)))
    reduced = reduce_exactly(L, exponent, low)
    power, _ = significand_of_exp(L, reduced)
    huge = L.cmp(">", exponent, L.f(709.0))  # may overflow: halve, double at the end
    field = exponent_field(L, reduced.shifted)
    field = L.select(huge, L.isub(field, L.i(1 << L.mantissa_bits)), field)
    power = scale(L, power, field, L.cmp("<", exponent, L.f(-707.0)))
    power = overflowing(L, exponent, 710.0, L.select(huge, L.add(power, power), power))
    return L.select(L.cmp("<", exponent, L.f(-746.0)), L.f(0), power)


def _magnitude_single(L: Lanes, size, y):
    """size**y for finite positive size, for float32 in float64 lanes: rounding then makes subnormals and infinities."""
    k, f, _ = split(L, size, subnormal=False)
    s = L.div(f, L.add(f, L.f(2)))
    log = L.fma(s, L.polynomial_split(L.mul(s, s), LOG2_SINGLE), k)
    exponent = at_most(L, at_least(L, L.mul(y, log), -200.0), 200.0)
    shifted = L.add(exponent, shift(L))
    power = L.polynomial_split(L.sub(exponent, L.sub(shifted, shift(L))), EXP2_SINGLE)
    return L.from_bits(L.iadd(L.bits(power), exponent_field(L, shifted)))


def pow(L: Lanes, x, y):
    """x**y with the special values of IEEE 754 and C; at most 1.1 ulp (float32: 0.6).

    x**0 and 1**y are 1 even for nan, a negative base takes an integral exponent, and its sign if that is odd.
    """
    size = L.abs(x)
    bounded = at_most(L, at_least(L, y, -(2.0**65)), 2.0**65)  # enough for any base but 1 to overflow or vanish
    result = _magnitude(L, size, bounded) if L.double else L.widened(_magnitude_single, size, bounded)

    # 0, inf and nan as base: y*log(base) is -inf (power 0), inf (power inf) or nan
    infinity = (1 << (11 if L.double else 8)) - 1 << L.mantissa_bits
    usual = L.b.icmp_unsigned("<", L.isub(L.bits(size), L.i(1)), L.i(infinity - 1))
    extreme = L.mul(y, L.select(L.cmp("==", size, L.f(0)), L.f(-math.inf), size))
    result = L.select(usual, result, at_least(L, extreme, 0.0))

    half = L.mul(y, L.f(0.5))
    integral = L.cmp("==", L.trunc(y), y)
    odd = L.b.and_(integral, L.cmp("!=", L.trunc(half), half))
    result = L.select(odd, L.copysign(result, x), result)
    undefined = L.b.and_(L.b.and_(usual, L.cmp("<", x, L.f(0))), L.b.not_(integral))
    result = L.select(undefined, L.f(math.nan), result)
    return L.select(L.b.or_(L.cmp("==", y, L.f(0)), L.cmp("==", x, L.f(1))), L.f(1), result)


# roots ----------------------------------------------------------------------------------------------------------------
def cbrt(L: Lanes, x):
    """The cube root, sign of x; at most 0.8 ulp.

    x = 8**q * 2**j * (1 + f), j in -1, 0, 1. The reciprocal root of the rest starts from a polynomial and takes a step
    of fourth (float32: third) order; the root itself takes one Newton step.
    """
    size = L.abs(x)
    k, f, _ = split(L, size)
    shifted = L.fma(k, L.f(1 / 3), shift(L))
    j = L.fma(L.sub(shifted, shift(L)), L.f(-3), k)
    up, down = L.cmp(">", j, L.f(0)), L.cmp("<", j, L.f(0))

    def by_j(less: float, equal: float, greater: float):
        return L.select(up, L.f(greater), L.select(down, L.f(less), L.f(equal)))

    factor = by_j(0.5, 1.0, 2.0)
    rest = L.fma(f, factor, factor)
    start = L.mul(L.polynomial(f, L.choose(*INVERSE_CBRT)), by_j(2 ** (1 / 3), 1.0, 2 ** (-1 / 3)))
    error = L.fma(L.neg(L.mul(rest, start)), L.mul(start, start), L.f(1))
    # (1 - e)**(-1/3) = 1 + e/3 + 2/9 e**2 + 14/81 e**3
    step = L.polynomial(error, L.choose((1 / 3, 2 / 9, 14 / 81), (1 / 3, 2 / 9)))
    inverse = L.fma(L.mul(start, error), step, start)
    square = L.mul(inverse, inverse)
    root = L.mul(rest, square)
    residual = L.fma(L.neg(L.mul(root, root)), root, rest)
    root = L.fma(L.mul(residual, square), L.f(1 / 3), root)
    root = L.from_bits(L.iadd(L.bits(root), exponent_field(L, shifted)))
    usual = L.b.and_(L.cmp(">", size, L.f(0)), L.cmp("<", size, L.f(math.inf)))
    return L.copysign(L.select(usual, root, size), x)


def hypot(L: Lanes, x, y):
    """sqrt(x**2 + y**2) without overflow or underflow on the way; at most 1 ulp. inf beside nan gives inf."""
    x, y = L.abs(x), L.abs(y)
    above = L.cmp(">", x, y)
    larger, smaller = L.select(above, x, y), L.select(above, y, x)
    big, small = L.choose((2.0**511, 2.0**-459), (2.0**63, 2.0**-50))
    shrink, grow = L.choose((2.0**-600, 2.0**600), (2.0**-100, 2.0**100))
    huge, tiny = L.cmp(">", larger, L.f(big)), L.cmp("<", larger, L.f(small))

    def chosen(if_huge: float, if_tiny: float):
        return L.select(huge, L.f(if_huge), L.select(tiny, L.f(if_tiny), L.f(1)))

    there, back = chosen(shrink, grow), chosen(grow, shrink)
    larger, smaller = L.mul(larger, there), L.mul(smaller, there)
    root = L.mul(L.sqrt(L.fma(larger, larger, L.mul(smaller, smaller))), back)
    infinite = L.b.or_(L.cmp("==", x, L.f(math.inf)), L.cmp("==", y, L.f(math.inf)))
    return L.select(infinite, L.f(math.inf), root)


FUNCTIONS: dict[str, Callable[..., llvm.Value]] = {"pow": pow, "cbrt": cbrt, "hypot": hypot}
