"""The logarithm of the gamma function and its derivatives, in float64 lanes (float32 arguments are widened).

Positive arguments, branch-free: from a bound on the asymptotic series; below it the recurrence moves the argument into
one interval of length 1 (gammaln, digamma), where the zeros of the function are factors of the fitted polynomial, or
up to where the series holds (polygamma). Negative arguments go through a cold block: libm's lgamma, or the reflection
formulas of Abramowitz and Stegun (6.3.7, 6.4.7). The series are theirs too (6.1.40, 6.3.18, 6.4.11).

All fitted coefficients are minimax fits by Lawson's iteration, made by tests/vecmath/minimax.py.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from fractions import Fraction

from gradjit.codegen.vecmath.lanes import Lanes
from gradjit.codegen.vecmath.logarithm import Sum, fast_two_sum, natural, split, two_sum
from gradjit.codegen.vecmath.trigonometric import cot_pi

from .. import llvm

# gammaln(x) / ((x - 2) * (x - 1)) in powers of x - LOG_GAMMA_CENTRE on [5/4, 9/4]: 2**-61.6. The centre is chosen such
# that the constant term happens to be a float, as is DIGAMMA_CENTRE.
LOG_GAMMA_CENTRE = 1.7494163513183594
LOG_GAMMA = (
    0.45020906254926235, -0.11953357470480289, 0.04455382759682021, -0.019074461503050675, 0.008788714203307133,
    -0.004233540052229373, 0.002099872068169662, -0.0010631137833501212, 0.0005463868179752614,
    -0.00028405881164629765, 0.0001490215042683441, -7.875576369780035e-05, 4.187456142777198e-05,
    -2.2368281803084713e-05, 1.2005859648671413e-05, -6.526868909435252e-06, 3.533197330613357e-06,
    -1.7311420396893251e-06, 9.331626915199663e-07, -8.404307492005611e-07, 4.655219876555676e-07,
)
# x * (gammaln(x) - (x - 1/2) * (log(x) - 1) - STIRLING_REST) in powers of 1/x**2 for x >= 25/4: 2**-64.3 absolute
STIRLING_BOUND = 6.25
STIRLING_REST = 0.4189385332046727  # (log(2*pi) - 1) / 2
STIRLING = (
    0.08333333333333333, -0.002777777777769396, 0.0007936507891259504, -0.0005952369828826029, 0.0008416038524199861,
    -0.0019063052496065243, 0.00590607790705181, -0.016564337137649078,
)
# The positive zero of digamma as an unevaluated sum; digamma(x) / (x - zero) in powers of x - DIGAMMA_CENTRE on [1, 2]:
# 2**-58.5
DIGAMMA_ZERO = (1.4616321449683622, 9.549995429965697e-17)
DIGAMMA_CENTRE = 1.4989395141601562
DIGAMMA = (
    0.9515053976119335, -0.42413810623382603, 0.24101526990160205, -0.1488085572112783, 0.09531775092102703,
    -0.06218212929039772, 0.04096165118403365, -0.027128202986495622, 0.018021306938915217, -0.011992612581377906,
    0.007988877571266434, -0.005324914225900682, 0.003550584669912169, -0.002368831319771994, 0.001580087002881103,
    -0.0010482412227211498, 0.0006990851364678574, -0.0004922151128239684, 0.0003288613588627324,
    -0.00014679628064157127, 9.722383178497518e-05, -0.00018107124812301084, 0.00012122480172186692,
)
# x**2 * (log(x) - 1/(2*x) - digamma(x)) in powers of 1/x**2 for x >= 6: 2**-67.7 absolute
DIGAMMA_BOUND = 6
DIGAMMA_FAR = (
    0.08333333333333331, -0.008333333333305762, 0.003968253954129752, -0.004166663109744714, 0.007575247417759105,
    -0.021048033926649425, 0.08085416999178738, -0.35622886277331506, 1.1430037195847265,
)
HIGHEST_ORDER = 64  # of polygamma: its code grows with the order


def around(L: Lanes, v, coefficients) -> Sum:
    """The polynomial in v, and what adding its constant term, the largest, has lost."""
    first, *rest = coefficients
    return fast_two_sum(L, L.f(first), L.mul(L.polynomial_split(v, rest), v))


def _product(L: Lanes, a: Sum, b: Sum) -> Sum:
    high = L.mul(a.high, b.high)
    low = L.fma(a.high, b.high, L.neg(high))
    return Sum(high, L.fma(a.high, b.low, L.fma(a.low, b.high, low)))


def _sum(L: Lanes, a: Sum, b: Sum):
    """a + b with one rounding that counts, whichever is larger."""
    whole = two_sum(L, a.high, b.high)
    return L.add(whole.high, L.add(whole.low, L.add(a.low, b.low)))


def _where_finite(L: Lanes, x, y):
    """y, or x where it is inf or nan."""
    return L.select(L.cmp("<", x, L.f(math.inf)), y, x)


def _nonpositive(L: Lanes, x):
    return L.cmp("<=", x, L.f(0))


# gammaln --------------------------------------------------------------------------------------------------------------
def gammaln(L: Lanes, x):
    """log|gamma(x)|; at most 1.3 ulp for positive x, libm's lgamma (some ulps, near the zeros too) for negative."""
    return L.widened(_gammaln, x)


def _gammaln(L: Lanes, x):
    return L.rarely(_nonpositive(L, x), _gammaln_positive(L, x),
                    lambda: L.outlined("gammaln.nonpositive", _gammaln_nonpositive, x))


def _gammaln_nonpositive(L: Lanes, x):
    """SciPy has -inf at -inf, where C has inf."""
    return L.select(L.cmp("==", x, L.f(-math.inf)), x, L.call("lgamma", x))


def _gammaln_positive(L: Lanes, x):
    far = L.cmp(">=", x, L.f(STIRLING_BOUND))
    argument, argument_low = _moving_product(L, x)
    argument = L.select(far, x, argument)
    inverse = L.div(L.f(1), argument)
    k, f, _ = split(L, argument)
    logarithm = natural(L, k, f)
    relative = L.select(L.cmp(">", x, L.f(2.0**-60)), L.mul(argument_low, inverse), L.f(0))
    near = _gammaln_near(L, x, Sum(logarithm.high, L.add(logarithm.low, relative)))
    return _where_finite(L, x, L.select(far, _stirling(L, x, inverse, logarithm), near))


def _moving_product(L: Lanes, x) -> Sum:
    """gamma(x) / gamma(x0), or its inverse for x < 5/4, where x0 in [5/4, 9/4) differs from x by an integer."""
    below = L.fma(x, x, x)
    lost = L.fma(x, x, L.sub(x, below))
    tiny = L.cmp("<", x, L.f(0.25))
    product = L.select(L.cmp("<", x, L.f(1.25)), L.select(tiny, below, x), L.f(1))
    for step in (1, 2, 3, 4):
        above = L.cmp(">=", x, L.f(step + 1.25))
        product = L.select(above, L.mul(product, L.sub(x, L.f(step))), product)
    return Sum(product, L.select(tiny, lost, L.f(0)))


def _gammaln_near(L: Lanes, x, logarithm: Sum):
    """gammaln(x0) plus or minus the logarithm of the product, for x below STIRLING_BOUND.

    On [5/4, 9/4] the sum of the two is at least some two fifths of either; a bound of 1 or 3/2 would lose more.
    """
    d = L.sub(x, L.add(L.floor(L.sub(x, L.f(0.25))), L.f(1)))  # x0 - 2, exact
    zeros = _product(L, Sum(d, L.f(0)), fast_two_sum(L, L.f(1), d))
    at_x0 = _product(L, zeros, around(L, L.sub(d, L.f(LOG_GAMMA_CENTRE - 2)), LOG_GAMMA))
    inverted = L.cmp("<", x, L.f(1.25))
    return _sum(L, Sum(*[L.select(inverted, L.neg(part), part) for part in logarithm]), at_x0)


def _stirling(L: Lanes, x, inverse, logarithm: Sum):
    """(x - 1/2) * (log(x) - 1) + (log(2*pi) - 1)/2 + 1/(12*x) - ..."""
    factor = L.sub(x, L.f(0.5))
    less_1 = L.sub(logarithm.high, L.f(1))  # exact
    product = L.mul(factor, less_1)
    lost = L.fma(factor, logarithm.low, L.fma(factor, less_1, L.neg(product)))
    series = L.polynomial_split(L.mul(inverse, inverse), STIRLING)
    y = L.add(product, L.add(lost, L.fma(series, inverse, L.f(STIRLING_REST))))
    return L.select(L.cmp("<", product, L.f(math.inf)), y, product)


# digamma --------------------------------------------------------------------------------------------------------------
def digamma(L: Lanes, x):
    """The derivative of gammaln; at most 2.5 ulp for positive x, near the zero too.

    For negative x, where it is digamma(1 - x) - pi*cot(pi*x), the error is bounded relative to the larger term.
    """
    return L.widened(_digamma, x)


def _digamma(L: Lanes, x):
    return L.rarely(_nonpositive(L, x), _digamma_positive(L, x),
                    lambda: L.outlined("digamma.nonpositive", _digamma_nonpositive, x))


def _digamma_nonpositive(L: Lanes, x):
    """The reflection; -inf at 0, inf at -0, nan at negative integers."""
    y = L.fma(L.f(-math.pi), cot_pi(L, x), _digamma_positive(L, L.sub(L.f(1), x)))
    y = L.select(L.cmp("==", L.floor(x), x), L.f(math.nan), y)
    return L.select(L.cmp("==", x, L.f(0)), L.neg(L.copysign(L.f(math.inf), x)), y)


def _digamma_positive(L: Lanes, x):
    far = L.cmp(">=", x, L.f(DIGAMMA_BOUND))
    inverses = _sum_of_inverses(L, x, far)
    k, f, _ = split(L, x)
    logarithm = natural(L, k, f)
    square = L.mul(inverses.high, inverses.high)  # 1/(4*x**2)
    square = L.mul(square, L.f(4))
    series = L.mul(square, L.polynomial_split(square, DIGAMMA_FAR))
    near = _digamma_near(L, x)
    base = Sum(L.select(far, logarithm.high, near.high), L.select(far, L.sub(logarithm.low, series), near.low))
    y = L.select(L.cmp(">", inverses.high, L.f(-math.inf)), _sum(L, base, inverses), inverses.high)
    return _where_finite(L, x, y)


def _digamma_near(L: Lanes, x) -> Sum:
    """digamma(x0) for the x0 in [1, 2) that differs from x by an integer (x < 1: by 1)."""
    offset = L.sub(L.floor(x), L.f(1))
    x0 = L.sub(x, offset)
    x0_low = L.sub(x, L.add(x0, offset))
    zero, zero_low = DIGAMMA_ZERO
    distance = fast_two_sum(L, L.sub(x0, L.f(zero)), L.f(-zero_low))
    distance = Sum(distance.high, L.add(distance.low, x0_low))
    return _product(L, distance, around(L, L.sub(x0, L.f(DIGAMMA_CENTRE)), DIGAMMA))


def _sum_of_inverses(L: Lanes, x, far) -> Sum:
    """digamma(x) - digamma(x0): -1/x for x < 1, or 1/(x - 1) + 1/(x - 2) + ...; -1/(2*x) in the lanes `far`."""
    over, under = L.f(0), L.f(1)
    for step in range(1, DIGAMMA_BOUND - 1):
        above, term = L.cmp(">=", x, L.f(step + 1)), L.sub(x, L.f(step))
        over = L.select(above, L.fma(over, term, under), over)
        under = L.select(above, L.mul(under, term), under)
    down = L.b.or_(far, L.cmp("<", x, L.f(1)))
    over = L.select(far, L.f(-0.5), L.select(down, L.f(-1), over))
    under = L.select(down, x, under)
    inverse = L.div(L.f(1), under)
    quotient = L.mul(over, inverse)
    return Sum(quotient, L.mul(L.fma(L.neg(quotient), under, over), inverse))


# polygamma ------------------------------------------------------------------------------------------------------------
def polygamma(L: Lanes, x, order: int):
    """The derivative of digamma of a fixed order; at most 1.2*order + 2.5 ulp for positive x (3 for order 1).

    For negative x the error is bounded relative to the larger term of the reflection formula.
    Raises ValueError for an order below 0 or above HIGHEST_ORDER.
    """
    if not 0 <= order <= HIGHEST_ORDER:
        raise ValueError(f"polygamma of order {order}: the order must be from 0 to {HIGHEST_ORDER}")
    if order == 0:
        return digamma(L, x)
    return L.widened(functools.partial(_polygamma, order=order), x)


def trigamma(L: Lanes, x):
    """The derivative of digamma."""
    return polygamma(L, x, 1)


def _polygamma(L: Lanes, x, order: int):
    def remedy(inner: Lanes, y):
        return _polygamma_nonpositive(inner, y, order)
    return L.rarely(_nonpositive(L, x), _polygamma_positive(L, x, order),
                    lambda: L.outlined(f"polygamma{order}.nonpositive", remedy, x))


def _polygamma_nonpositive(L: Lanes, x, order: int):
    """(-1)**n polygamma_n(1 - x) - pi**(n+1) P_n(cot(pi*x)); an infinity of SciPy's sign at the poles."""
    reflected = _polygamma_positive(L, L.sub(L.f(1), x), order)
    if order % 2:
        reflected = L.neg(reflected)
    derivative = [-(math.pi ** (order + 1)) * c for c in _cot_derivative(order)]
    y = L.add(L.polynomial(cot_pi(L, x), derivative), reflected)
    return L.select(L.cmp("==", L.floor(x), x), L.f(math.inf if order % 2 else -math.inf), y)


@functools.cache
def _cot_derivative(order: int) -> tuple[int, ...]:
    """P_n, lowest power first: the n-th derivative of cot(pi*x) is pi**n P_n(cot(pi*x))."""
    if order == 0:
        return (0, 1)
    slopes = [power * c for power, c in enumerate(_cot_derivative(order - 1))][1:]
    return tuple(-(a + b) for a, b in zip([*slopes, 0, 0], [0, 0, *slopes], strict=True))


def _polygamma_positive(L: Lanes, x, order: int):
    bound, series = _asymptotics(order)
    far = L.cmp(">=", x, L.f(bound))
    moved = L.add(x, L.f(bound))
    z, z_low = L.select(far, x, moved), L.select(far, L.f(0), L.sub(x, L.sub(moved, L.f(bound))))
    steps = L.f(0)
    for step in reversed(range(bound)):
        steps = L.add(steps, _factorial_power(L, L.div(L.f(1), L.add(x, L.f(step))), order))
    y = L.add(_asymptotic(L, z, z_low, order, series), L.select(far, L.f(0), steps))
    return y if order % 2 else L.neg(y)


def _asymptotic(L: Lanes, z, z_low, order: int, series):
    """(n-1)!/z**n * (1 + n/(2*z) + series[0]/z**2 + series[1]/z**4 + ...) at z + z_low."""
    inverse = L.div(L.f(1), z)
    square = L.mul(inverse, inverse)
    rest = L.fma(L.mul(z_low, inverse), L.f(-order), L.mul(square, L.polynomial_split(square, series)))
    leading = _factorial_power(L, inverse, order - 1)
    return L.fma(leading, L.fma(inverse, L.f(order / 2), rest), leading)


def _factorial_power(L: Lanes, inverse, order: int):
    """order! * inverse**(order + 1), without overflow or underflow on the way."""
    product = inverse
    for factor in range(1, order + 1):
        product = L.mul(product, L.mul(inverse, L.f(factor)))
    return product


@functools.cache
def _asymptotics(order: int) -> tuple[int, tuple[float, ...]]:
    """(bound, coefficients) of the series in 1/z**2 that reaches 2**-58 for z >= bound with the fewest steps."""
    for bound in range(6, 1000):
        terms: list[float] = []
        for k in range(1, 15):
            ratio = Fraction(math.factorial(2 * k + order - 1), math.factorial(2 * k) * math.factorial(order - 1))
            terms.append(float(_bernoulli(2 * k) * ratio))
            if abs(terms[-1]) / float(bound) ** (2 * k) < 2.0**-58:
                return bound, tuple(terms[:-1])
    raise AssertionError(order)


@functools.cache
def _bernoulli(n: int) -> Fraction:
    """The Bernoulli number B_n, by its recurrence."""
    if n == 0:
        return Fraction(1)
    return -sum((math.comb(n + 1, k) * _bernoulli(k) for k in range(n)), Fraction(0)) / (n + 1)


FUNCTIONS: dict[str, Callable[..., llvm.Value]] = {"gammaln": gammaln, "digamma": digamma, "trigamma": trigamma}
