"""Special functions: erf, erfc and erfinv here, gammaln and its derivatives in gamma.py.

All coefficients are minimax fits by Lawson's iteration, made by tests/vecmath/minimax.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from gradjit.codegen.vecmath import gamma
from gradjit.codegen.vecmath.exponential import (
    TAIL as EXP_TAIL,
    at_most,
    exponent_field,
    reduce,
    reduce_exactly,
    scale,
    tail,
)
from gradjit.codegen.vecmath.gamma import around, polygamma
from gradjit.codegen.vecmath.lanes import Lanes
from gradjit.codegen.vecmath.logarithm import natural, split, total
from gradjit.codegen.vecmath.trigonometric import half_over_root

from .. import llvm

__all__ = ["FUNCTIONS", "erf", "erfc", "erfinv", "polygamma"]

# erf(x)/x - 1 in powers of x**2 - ERF_CENTRE on |x| <= 1.1875: 2**-56.4 and 2**-29.5 relative to erf(x)/x. Centres here
# are chosen such that the constant term happens to be a float.
ERF_CENTRE = (0.5511615753173829, 0.5438475608825684)
ERF = (
    (-0.0487059254086294, -0.27308842739050493, 0.07665760406366307, -0.01758614093958624, 0.0033397473819803468,
     -0.000537675480960399, 7.492919726646414e-05, -9.193228544303833e-06, 1.0067504122510586e-06,
     -9.951449380553204e-08, 8.966919434380916e-09, -7.400878217783677e-10, 4.932559821378727e-11),
    (-0.04670444503426552, -0.2742125988006592, 0.0770445466041565, -0.017684131860733032, 0.0033595433924347162,
     -0.0005413914332166314, 7.550633745267987e-05, -8.131095455610193e-06),
)
# erfc(x) * e**(x**2) * (x + 3) in powers of 1/(x + 3) - 0.1875 for x >= 1.1875, error relative to 1 after
# multiplication by e**(-x**2): 2**-56.4 and 2**-29.7
ERF_REST = (
    (1.1942899073675344, 6.278825694705739, 25.861566217409262, 80.8593342957179, 175.9903070357814, 193.40196727219177,
     -189.25569357082526, -953.0918916415413, -299.3868263873916, 4119.2984410436575, -820.7972663930042),
    (1.194290041923523, 6.278592586517334, 25.889875411987305, 79.5905532836914, 200.96438598632812),
)
# erfc(x) * e**(x**2) * (x + 1/2), which varies little, in powers of 1/(x + 2) - ERFC_CENTRE for x >= 3/4:
# relative error 2**-59.4 and 2**-28.6
ERFC_CENTRE = (0.19848175048828126, 0.19619321823120117)
ERFC = (
    (0.6260735757341972, 0.28448638611861443, -0.6310910706417893, -3.760658188075751, -7.264436546485112,
     -1.5831480217222904, 17.598965389350145, 12.486004431493056, -55.97643236085243, -34.896380792395384,
     228.92763407002838, -4.502818817783599, -986.2388541890483, 1036.6029129245185, 3457.16521912107,
     -9879.993078391619, -3138.2382263740174, 59431.96276739441, -80719.53769628046, -224329.43430718462,
     736482.3898822903, 374630.08804024756, -2659373.1653794856),
    (0.6254192590713501, 0.28731629252433777, -0.6055001020431519, -3.6943233013153076, -7.2447190284729,
     -1.8063632249832153, 17.325420379638672, 12.089986801147461, -48.605491638183594),
)
# erfinv(x) / x in powers of x**2 - ERFINV_CENTRE on |x| <= 3/4: 2**-58.3
ERFINV_CENTRE = 0.3107337951660156
ERFINV = (
    0.9740425329971034, 0.3476412755663999, 0.2708324589037798, 0.26346027635904107, 0.28487135987932577,
    0.3276453658395138, 0.39239684839295585, 0.48354136042187384, 0.6086117544431101, 0.7786546906222466,
    1.0092266462490729, 1.322005407704459, 1.747242517515929, 2.325476325256338, 3.106943317968945, 4.19145010571182,
    5.827145132221864, 7.922773487150511, 9.03927432391866, 11.221652396482918, 26.919711103340752, 50.41950573427679,
    37.05008029246265,
)
# erfinv(x) / t with t = sqrt(-log(1 - x)) in powers of 1/(t + 2) - ERFINV_TAIL_CENTRE for x >= 3/4: 2**-59.1
ERFINV_TAIL_CENTRE = 0.19855422973632814
ERFINV_TAIL = (
    0.9065586186861846, -1.12606998617939, -4.886525007940167, -11.054139896179823, -15.149459893772953,
    19.471222407509224, 190.73625263354145, 731.5185418110403, 1626.9405850839814, 1459.031915408075,
    -9498.914654108565, -55423.5362367262, -198814.07554370817, -364714.78348292527, -106418.2596898765,
    4429094.427391254, 17680740.385993782, 61290382.05034217, 143742641.5376171, 168113027.3310967,
    -5885841868.631935, 888081233.8986441,
)


# error functions ------------------------------------------------------------------------------------------------------
def erf(L: Lanes, x):
    """2/sqrt(pi) times the integral of e**(-t**2) from 0 to x; at most 1.1 ulp."""
    size = L.abs(x)
    near = L.fma(size, _erf_series(L, size), size)
    size = at_most(L, size, L.choose(6.0, 4.0))  # 1 - erf is below the rounding errors of 1
    reduced = reduce(L, L.neg(L.mul(size, size)))
    r = reduced.r
    power = L.fma(L.fma(L.polynomial_split(r, L.choose(*EXP_TAIL)), r, L.f(1)), r, L.f(1))
    power = L.from_bits(L.iadd(L.bits(power), exponent_field(L, reduced.shifted)))
    inverse = L.div(L.f(1), L.add(size, L.f(3)))
    series = L.polynomial_split(L.sub(inverse, L.f(0.1875)), L.choose(*ERF_REST))
    far = L.fma(L.mul(L.neg(power), inverse), series, L.f(1))
    return L.copysign(L.select(L.cmp(">", size, L.f(1.1875)), far, near), x)


def _erf_series(L: Lanes, size):
    """erf(x)/x - 1 for |x| <= 1.1875."""
    v = L.fma(size, size, L.f(-L.choose(*ERF_CENTRE)))
    first, *rest = L.choose(*ERF)
    return L.fma(L.polynomial_split(v, rest), v, L.f(first))


def erfc(L: Lanes, x):
    """1 - erf(x), without cancellation; at most 1.4 ulp, subnormal results included."""
    size = L.abs(x)
    near = _erfc_near(L, x, size)
    far = _erfc_far(L, at_most(L, size, L.choose(27.3, 10.2)))
    far = L.select(L.cmp("<", x, L.f(0)), L.sub(L.f(2), far), far)
    return L.select(L.cmp(">=", size, L.f(0.75)), far, near)


def _erfc_near(L: Lanes, x, size):
    """1 - x - x*p(x**2)."""
    whole = L.sub(L.f(1), x)
    lost = L.sub(L.sub(L.f(1), whole), x)
    return L.add(whole, L.fma(L.neg(x), _erf_series(L, size), lost))


def _erfc_far(L: Lanes, size):
    """e**(-x**2) * p(u) / (x + 1/2) with u = 1/(x + 2). What each factor loses in rounding is carried along."""
    under = L.add(size, L.f(0.5))
    inverse = L.div(L.f(1), under)
    under_low = L.sub(size, L.sub(under, L.f(0.5)))
    inverse_low = L.fma(L.neg(inverse), under_low, L.fma(L.neg(inverse), under, L.f(1)))  # relative
    v = L.sub(L.div(L.f(1), L.add(size, L.f(2))), L.f(L.choose(*ERFC_CENTRE)))
    series = around(L, v, L.choose(*ERFC))
    factor = L.mul(inverse, series.high)
    factor_low = L.fma(inverse, series.low, L.fma(inverse, series.high, L.neg(factor)))
    factor_low = L.fma(factor, inverse_low, factor_low)
    square = L.mul(size, size)
    reduced = reduce_exactly(L, L.neg(square), L.fma(L.neg(size), size, square))
    w = L.add(reduced.r, tail(L, reduced))  # e**(-x**2) = 2**n (1 + w)
    y = L.add(factor, L.fma(factor, w, L.fma(factor_low, w, factor_low)))
    return scale(L, y, exponent_field(L, reduced.shifted), L.cmp(">", size, L.f(L.choose(26.5, 9.0))))


def erfinv(L: Lanes, x):
    """The inverse of erf, nan outside [-1, 1]; at most 1.6 ulp. Computed in float64 lanes."""
    return L.widened(_erfinv, x)


def _erfinv(L: Lanes, x):
    size = L.abs(x)
    near = L.mul(size, total(L, around(L, L.sub(L.mul(size, size), L.f(ERFINV_CENTRE)), ERFINV)))
    far = _erfinv_far(L, L.sub(L.f(1), size))  # exact where it is used
    far = L.select(L.cmp("<", size, L.f(1)), far, L.select(L.cmp("==", size, L.f(1)), L.f(math.inf), L.f(math.nan)))
    return L.copysign(L.select(L.cmp("<=", size, L.f(0.75)), near, far), x)


def _erfinv_far(L: Lanes, beside):
    """t * p(1/(t + 2)) with t = sqrt(-log(beside)). p is steep, so that the rounding errors of t and t + 2 count."""
    k, f, _ = split(L, beside, subnormal=False)
    logarithm = natural(L, k, f)
    minus_log = L.neg(total(L, logarithm))
    minus_log_low = L.neg(L.add(L.add(logarithm.high, minus_log), logarithm.low))
    t = L.sqrt(minus_log)
    t_low = L.mul(L.add(L.fma(L.neg(t), t, minus_log), minus_log_low), half_over_root(L, minus_log))
    under = L.add(t, L.f(2))
    under_low = L.add(L.sub(t, L.sub(under, L.f(2))), t_low)
    u = L.div(L.f(1), under)
    u_low = L.fma(L.neg(u), under_low, L.fma(L.neg(u), under, L.f(1)))  # relative
    v = L.fma(u, u_low, L.sub(u, L.f(ERFINV_TAIL_CENTRE)))
    series = around(L, v, ERFINV_TAIL)
    return L.fma(t, series.high, L.fma(t, series.low, L.mul(t_low, series.high)))


FUNCTIONS: dict[str, Callable[..., llvm.Value]] = {
    "erf": erf, "erfc": erfc, "erfinv": erfinv, **gamma.FUNCTIONS,
}
