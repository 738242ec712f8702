"""exp, exp2, expm1 and what is made of them: sinh, cosh, tanh, expit.

The argument is reduced to x = n*ln2 + r with |r| <= ln2/2 (Cody and Waite, "Software Manual for the Elementary
Functions", 1980, with fused multiply-adds), e**r is a polynomial, and 2**n goes into the exponent bits. Where the
result is a difference or a quotient of such terms, the rounding errors of the large terms are carried along
("fast two-sum", Dekker 1971), so that about one rounding remains.

All coefficients are minimax fits by Lawson's iteration, made by tests/vecmath/minimax.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from gradjit.codegen.vecmath.lanes import Lanes

from .. import llvm

LOG2_E = 1.4426950408889634
# ln2 as an unevaluated sum. The product n*LN2_HIGH need not be exact: it is subtracted in a fused multiply-add.
LN2_HIGH, LN2_LOW = (0.6931471805599453, 0.6931471824645996), (2.3190468138462996e-17, -1.9046542121259336e-09)

# (e**r - 1 - r) / r**2 on |r| <= ln2/2, error relative to e**r - 1: 2**-55.5 and 2**-26.1
TAIL = (
    (0.5000000000000006, 0.16666666666666619, 0.0416666666665741, 0.008333333333370595, 0.0013888888932186332,
     0.00019841269760395, 2.4801504686199795e-05, 2.7557370367099417e-06, 2.762623200054522e-07, 2.506558566749787e-08),
    (0.4999999701976776, 0.1666654497385025, 0.04166749119758606, 0.008366391994059086, 0.0013865530490875244),
)
# the same, one term more: 2**-61.6 and 2**-31.0
TAIL_LONG = (
    (0.5, 0.16666666666666677, 0.04166666666666667, 0.008333333333321678, 0.0013888888888895672,
     0.000198412698857365, 2.480158728316702e-05, 2.7557244730647005e-06, 2.755732107670088e-07,
     2.5108832596174283e-08, 2.089758383336792e-09),
    (0.5, 0.1666666567325592, 0.04166648909449577, 0.008333542384207249, 0.001393267186358571, 0.00019764972967095673),
)
# (2**r - 1) / r on |r| <= 1/2, error relative to 2**r: 2**-57.7 and 2**-28.2
EXP2 = (
    (0.6931471805599453, 0.2402265069591011, 0.055504108664821715, 0.009618129107600579, 0.001333355814654394,
     0.00015403530450224242, 1.525273363955168e-05, 1.3215438289056948e-06, 1.0178156714062631e-07,
     7.073320375586103e-09, 4.4394748663078e-10),
    (0.6931471824645996, 0.24022647738456726, 0.055503588169813156, 0.009618493728339672, 0.0013391305692493916,
     0.00015331868780776858),
)
# (cosh(r) - 1) / r**2 in powers of r**2 on |r| <= ln2/2: 2**-57.9 and 2**-33.1
COSH = (
    (0.5000000000000013, 0.04166666666651148, 0.0013888888947899032, 2.480148913409774e-05, 2.763154054656216e-07),
    (0.5, 0.04166645556688309, 0.0013935761526226997),
)
# (sinh(r) - r) / r**3 in powers of r**2 on |r| <= ln2/2: 2**-61.6 and 2**-26.1
SINH = (
    (0.16666666666666677, 0.008333333333321449, 0.00019841269886535905, 2.755724383525441e-06, 2.5109156824372586e-08),
    (0.1666654348373413, 0.008366537280380726),
)


# building blocks ------------------------------------------------------------------------------------------------------
class Reduced(NamedTuple):
    """x = n*ln2 + r + low. `shifted` is n + 1.5 * 2**mantissa_bits: its lowest bits are n as an integer."""

    shifted: llvm.Value
    n: llvm.Value
    r: llvm.Value
    low: llvm.Value | None


def at_least(L: Lanes, x, bound: float):
    """max(x, bound), where nan stays nan (one instruction, unlike llvm.maximum and llvm.maxnum)."""
    return L.select(L.cmp(">", L.f(bound), x), L.f(bound), x)


def at_most(L: Lanes, x, bound: float):
    """min(x, bound), where nan stays nan."""
    return L.select(L.cmp("<", L.f(bound), x), L.f(bound), x)


def shift(L: Lanes) -> llvm.Constant:
    """Adding this number rounds to an integer and leaves it in the lowest bits."""
    return L.f(1.5 * 2.0**L.mantissa_bits)


def reduce(L: Lanes, x) -> Reduced:
    """n and r, r rounded once."""
    shifted = L.fma(x, L.f(LOG2_E), shift(L))
    n = L.sub(shifted, shift(L))
    near = L.fma(n, L.f(-L.choose(*LN2_HIGH)), x)  # exact
    return Reduced(shifted, n, L.fma(n, L.f(-L.choose(*LN2_LOW)), near), None)


def reduce_exactly(L: Lanes, x, low=None, doubled: bool = False) -> Reduced:
    """n, r and what r lost in rounding; the argument is x + low, or 2*x."""
    shifted = L.fma(x, L.f(2 * LOG2_E if doubled else LOG2_E), shift(L))
    n = L.sub(shifted, shift(L))
    near = L.fma(n, L.f(-L.choose(*LN2_HIGH)), L.add(x, x) if doubled else x)
    minor = L.f(-L.choose(*LN2_LOW))
    minor = L.mul(n, minor) if low is None else L.fma(n, minor, low)
    r = L.add(near, minor)
    return Reduced(shifted, n, r, L.add(L.sub(near, r), minor))


def tail(L: Lanes, reduced: Reduced):
    """e**(r + low) - 1 - r, to working precision relative to 1."""
    r = reduced.r
    half, *rest = L.choose(*TAIL_LONG)
    series = L.fma(L.polynomial_split(r, rest), r, L.f(half))
    return L.fma(L.mul(r, r), series, reduced.low)


def power_of_two(L: Lanes, shifted, bias: int = 0, negated: bool = False):
    """2**(n + bias), or 2**(bias - n), for exponents in the normal range."""
    one = L.choose(1023, 127)
    field = L.shl(shifted if shifted.type == L.int else L.bits(shifted), L.i(L.mantissa_bits))
    origin = L.i(one + bias << L.mantissa_bits)
    return L.from_bits(L.isub(origin, field) if negated else L.iadd(field, origin))


def scale(L: Lanes, y, exponent, tiny):
    """y * 2**n where `exponent` is n in the exponent field. In the lanes `tiny` the result may be subnormal.

    Those pass through 2**64 times the result, and one multiplication rounds it. y must be at least 1/4.
    """
    moved = L.iadd(L.bits(y), exponent)
    lifted = L.select(tiny, L.iadd(moved, L.i(64 << L.mantissa_bits)), moved)
    result = L.from_bits(lifted)
    return L.select(tiny, L.mul(result, L.f(2.0**-64)), result)


def exponent_field(L: Lanes, shifted):
    """n, shifted into the exponent field."""
    return L.shl(L.bits(shifted), L.i(L.mantissa_bits))


def overflowing(L: Lanes, x, limit: float, y):
    """y, or inf where x > limit, or nan where x is nan."""
    beyond = L.b.fcmp_unordered(">", x, L.f(limit))
    return L.select(beyond, L.mul(x, L.f(L.choose(1.7976931348623157e308, 3.4028234663852886e38))), y)


def significand_of_exp(L: Lanes, reduced: Reduced) -> tuple[llvm.Value, llvm.Value]:
    """e**(r + low) as a rounded number and what it lost."""
    high = L.add(L.f(1), reduced.r)
    rest = L.add(L.add(L.sub(L.f(1), high), reduced.r), tail(L, reduced))
    y = L.add(high, rest)
    return y, L.add(L.sub(high, y), rest)


def exp_of_fall(L: Lanes, x, low=None):
    """e**(x + low) for x <= 0 and a much smaller low; at most 0.6 ulp."""
    reduced = reduce_exactly(L, at_least(L, x, L.choose(-746.0, -104.0)), low)
    y, _ = significand_of_exp(L, reduced)
    y = scale(L, y, exponent_field(L, reduced.shifted), L.cmp("<", x, L.f(L.choose(-707.0, -86.5))))
    return L.select(L.isnan(x), x, y)


# exponentials ---------------------------------------------------------------------------------------------------------
def exp(L: Lanes, x):
    """e**x; at most 1 ulp. Subnormal results are rounded like all others."""
    reduced = reduce(L, at_least(L, x, L.choose(-746.0, -104.0)))
    r = reduced.r
    y = L.fma(L.fma(L.polynomial_split(r, L.choose(*TAIL)), r, L.f(1)), r, L.f(1))
    y = scale(L, y, exponent_field(L, reduced.shifted), L.cmp("<", x, L.f(L.choose(-707.0, -86.5))))
    return overflowing(L, x, L.choose(709.782712893384, 88.72283172607422), y)


def exp2(L: Lanes, x):
    """2**x, exact for integers; at most 0.9 ulp."""
    clamped = at_least(L, x, L.choose(-1077.0, -152.0))
    shifted = L.add(clamped, shift(L))
    r = L.sub(clamped, L.sub(shifted, shift(L)))
    ln2, *rest = L.choose(*EXP2)
    y = L.fma(L.fma(L.polynomial_split(r, rest), r, L.f(ln2)), r, L.f(1))
    y = scale(L, y, exponent_field(L, shifted), L.cmp("<", x, L.f(L.choose(-1020.0, -124.0))))
    return overflowing(L, x, L.choose(1023.9999999999999, 127.99999237060547), y)


def expm1(L: Lanes, x):
    """e**x - 1, accurate near 0; at most 1.2 ulp."""
    clamped = at_most(L, at_least(L, x, L.choose(-40.0, -20.0)), L.choose(709.9, 88.8))
    reduced = reduce_exactly(L, clamped)
    huge = L.cmp(">", x, L.f(L.choose(709.0, 88.0)))  # 2**n itself may overflow: halve, double at the end
    power = power_of_two(L, _lowered(L, reduced.shifted, huge))
    whole = L.sub(power, L.f(1))
    part = L.mul(power, reduced.r)  # exact: 2**n (1 + r + tail) - 1 = whole + part + 2**n tail
    high = L.add(whole, part)
    low = L.add(L.sub(whole, high), part)
    y = L.add(high, L.fma(power, tail(L, reduced), low))
    y = L.select(huge, L.add(y, y), y)
    return L.copysign(y, x)


def _lowered(L: Lanes, shifted, mask):
    """n - 1 in the lanes `mask`, n elsewhere (an integer in the lowest bits)."""
    n = L.bits(shifted)
    return L.select(mask, L.isub(n, L.i(1)), n)


# hyperbolic functions -------------------------------------------------------------------------------------------------
class Hyperbolic(NamedTuple):
    """Of |x| = n*ln2 + r: cosh and sinh of n*ln2 and of r. Halved in the lanes `huge`, which may overflow.

    cosh(n*ln2) = cosh_n + lost, sinh(n*ln2) = sinh_n - lost.
    """

    cosh_n: llvm.Value
    sinh_n: llvm.Value
    lost: llvm.Value
    cosh_r_less_1: llvm.Value
    r: llvm.Value
    sinh_r_less_r: llvm.Value
    huge: llvm.Value


def _hyperbolic(L: Lanes, size) -> Hyperbolic:
    reduced = reduce_exactly(L, at_most(L, size, L.choose(710.6, 89.5)))
    huge = L.cmp(">", size, L.f(L.choose(709.0, 88.0)))
    grown = power_of_two(L, _lowered(L, reduced.shifted, huge), bias=-1)
    shrunk = power_of_two(L, reduced.shifted, bias=-1, negated=True)
    shrunk = L.select(L.cmp("<", size, L.f(40.0)), shrunk, L.f(0))  # beyond any rounding
    r, square = reduced.r, L.mul(reduced.r, reduced.r)
    cosh_r = L.mul(L.polynomial(square, L.choose(*COSH)), square)
    sinh_r = L.fma(L.mul(square, r), L.polynomial(square, L.choose(*SINH)), reduced.low)
    cosh_n, sinh_n = L.add(grown, shrunk), L.sub(grown, shrunk)
    lost = L.sub(shrunk, L.sub(cosh_n, grown))
    return Hyperbolic(cosh_n, sinh_n, lost, cosh_r, r, sinh_r, huge)


def _plus(L: Lanes, whole, factor, r, rest):
    """whole + factor*r + rest with one rounding that counts."""
    part = L.mul(factor, r)
    high = L.add(whole, part)
    low = L.add(L.sub(whole, high), part)
    return L.add(high, L.add(rest, low))


def sinh(L: Lanes, x):
    """(e**x - e**-x) / 2; at most 1.6 ulp."""
    h = _hyperbolic(L, L.abs(x))
    rest = L.fma(h.sinh_n, h.cosh_r_less_1, L.mul(h.cosh_n, h.sinh_r_less_r))
    y = _plus(L, h.sinh_n, h.cosh_n, h.r, L.sub(rest, h.lost))
    return L.copysign(L.select(h.huge, L.add(y, y), y), x)


def cosh(L: Lanes, x):
    """(e**x + e**-x) / 2; at most 1 ulp."""
    h = _hyperbolic(L, L.abs(x))
    rest = L.fma(h.cosh_n, h.cosh_r_less_1, L.mul(h.sinh_n, h.sinh_r_less_r))
    y = _plus(L, h.cosh_n, h.sinh_n, h.r, L.add(rest, h.lost))
    return L.select(h.huge, L.add(y, y), y)


def quotient(L: Lanes, num, num_low, den, den_low, inverse):
    """(num + num_low) / (den + den_low), rounded almost correctly, given 1/den."""
    rough = L.mul(num, inverse)
    left = L.add(L.fma(L.neg(rough), den, num), L.fma(L.neg(rough), den_low, num_low))
    return L.fma(left, inverse, rough)


def tanh(L: Lanes, x):
    """tanh(|x|) = (e**2|x| - 1) / (e**2|x| + 1), both divided by 2**n; at most 0.9 ulp."""
    size = L.abs(x)
    reduced = reduce_exactly(L, at_most(L, size, L.choose(22.0, 10.0)), doubled=True)
    shrunk = power_of_two(L, reduced.shifted, negated=True)
    twice = power_of_two(L, reduced.shifted, bias=1, negated=True)
    whole = L.sub(L.f(1), shrunk)
    high = L.add(whole, reduced.r)
    low = L.add(L.add(L.sub(whole, high), reduced.r), tail(L, reduced))
    num = L.add(high, low)
    num_low = L.add(L.sub(high, num), low)
    den = L.add(num, twice)
    den_low = L.add(L.sub(num, L.sub(den, twice)), num_low)
    inverse = L.div(L.f(1), den)
    y = quotient(L, num, num_low, den, den_low, inverse)
    # where 1 - tanh is below the rounding errors of `whole`: the same quotient, written 1 - 2/(e**2|x| + 1)
    far = L.cmp(">", size, L.f(L.choose(15.0, 7.0)))
    return L.copysign(L.select(far, L.fma(L.neg(twice), inverse, L.f(1)), y), x)


def expit(L: Lanes, x):
    """The logistic function 1 / (1 + e**-x); at most 0.8 ulp, subnormal results included."""
    negative = L.cmp("<", x, L.f(0))
    down = at_least(L, L.neg(L.abs(x)), L.choose(-746.0, -104.0))
    reduced = reduce_exactly(L, down)
    grown, grown_low = significand_of_exp(L, reduced)  # e**-|x| is 2**n times this
    field = exponent_field(L, reduced.shifted)
    power = L.from_bits(L.iadd(field, L.i(L.choose(1023, 127) << L.mantissa_bits)))
    power = L.select(L.cmp(">", down, L.f(L.choose(-50.0, -25.0))), power, L.f(0))  # beyond any rounding
    part = L.mul(power, grown)
    den = L.add(L.f(1), part)
    den_low = L.fma(power, grown_low, L.add(L.sub(L.f(1), den), part))
    num, num_low = L.select(negative, grown, L.f(1)), L.select(negative, grown_low, L.f(0))
    y = quotient(L, num, num_low, den, den_low, L.div(L.f(1), den))
    tiny = L.cmp("<", x, L.f(L.choose(-707.0, -86.5)))
    return scale(L, y, L.select(negative, field, L.i(0)), tiny)


FUNCTIONS: dict[str, Callable[..., llvm.Value]] = {
    "exp": exp, "exp2": exp2, "expm1": expm1, "sinh": sinh, "cosh": cosh, "tanh": tanh, "expit": expit,
}
