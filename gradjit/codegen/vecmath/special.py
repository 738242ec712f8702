"""Special functions: erf, erfc.

All coefficients are minimax fits by Lawson's iteration, made by tests/vecmath/minimax.py.
"""

from __future__ import annotations

from llvmlite import ir

from gradjit.codegen.vecmath.exponential import at_most, exponent_field, reduce, reduce_exactly, scale, tail
from gradjit.codegen.vecmath.exponential import TAIL as EXP_TAIL
from gradjit.codegen.vecmath.lanes import Lanes

# erf(x)/x - 1 in powers of x**2 on |x| <= 1.1875: 2**-56.0 and 2**-30.1 relative to erf(x)/x
ERF = (
    (0.12837916709551256, -0.3761263890318346, 0.11283791670944261, -0.0268661706434985, 0.005223977612524359,
     -0.0008548326410349798, 0.00012055314190128652, -1.492526223850457e-05, 1.6456593165566673e-06,
     -1.6311469570480293e-07, 1.4440821641449362e-08, -1.065759052387972e-09, 4.9257185919714745e-11),
    (0.12837916612625122, -0.37612631916999817, 0.11283699423074722, -0.02686135284602642, 0.005211329087615013,
     -0.000836399442050606, 0.00010520380601519719, -7.828348316252232e-06),
)
# erfc(x) * e**(x**2) * (x + 3) in powers of 1/(x + 3) - 0.1875 for x >= 1.1875, error relative to 1 after
# multiplication by e**(-x**2): 2**-56.4 and 2**-29.7
ERF_REST = (
    (1.1942899073675344, 6.278825694705739, 25.861566217409262, 80.8593342957179, 175.9903070357814, 193.40196727219177,
     -189.25569357082526, -953.0918916415413, -299.3868263873916, 4119.2984410436575, -820.7972663930042),
    (1.194290041923523, 6.278592586517334, 25.889875411987305, 79.5905532836914, 200.96438598632812),
)
# erfc(x) * e**(x**2) * (x + 2) in powers of 1/(x + 2) - ERFC_CENTRE for x >= 3/4, relative error 2**-56.8 and 2**-29.3.
# The centre is chosen such that the constant term happens to be a float.
ERFC_CENTRE = (0.2044525146484375, 0.20471954345703125)
ERFC = (
    (0.9054228304776117, 2.357746996289437, 4.091336603084429, 3.1765374236711157, -3.6597673092533753,
     -9.2794621484017, 5.978744495469984, 27.031334241743384, -24.430478061232506, -83.55044643806177,
     145.75338409856843, 211.42474745548344, -834.3837085677575, 54.52395217127106, 3832.43242854427,
     -6069.163601347744, -10215.765626067589, 51652.29245148825, -17319.86632821546, -271002.39652468223,
     231508.12781356252, 834896.2781128036),
    (0.9060527086257935, 2.3599326610565186, 4.093879222869873, 3.172609329223633, -3.67185378074646,
     -9.263630867004395, 5.972575664520264, 26.26397705078125, -20.02383804321289, -55.88605880737305),
)


# error functions ------------------------------------------------------------------------------------------------------
def erf(L: Lanes, x):
    """2/sqrt(pi) times the integral of e**(-t**2) from 0 to x; at most 1 ulp."""
    size = L.abs(x)
    square = L.mul(size, size)
    near = L.fma(size, L.polynomial(square, L.choose(*ERF)), size)
    size = at_most(L, size, L.choose(6.0, 4.0))  # 1 - erf is below the rounding errors of 1
    reduced = reduce(L, L.neg(L.mul(size, size)))
    r = reduced.r
    power = L.fma(L.fma(L.polynomial_split(r, L.choose(*EXP_TAIL)), r, L.f(1)), r, L.f(1))
    power = L.from_bits(L.iadd(L.bits(power), exponent_field(L, reduced.shifted)))
    inverse = L.div(L.f(1), L.add(size, L.f(3)))
    series = L.polynomial_split(L.sub(inverse, L.f(0.1875)), L.choose(*ERF_REST))
    far = L.fma(L.mul(L.neg(power), inverse), series, L.f(1))
    return L.copysign(L.select(L.cmp(">", size, L.f(1.1875)), far, near), x)


def erfc(L: Lanes, x):
    """1 - erf(x), without cancellation; at most 2 ulp, subnormal results included."""
    size = L.abs(x)
    near = _erfc_near(L, x, size)
    far = _erfc_far(L, at_most(L, size, L.choose(27.3, 10.2)))
    far = L.select(L.cmp("<", x, L.f(0)), L.sub(L.f(2), far), far)
    return L.select(L.cmp("<", size, L.f(0.75)), near, far)


def _erfc_near(L: Lanes, x, size):
    """1 - x - x*p(x**2)."""
    whole = L.sub(L.f(1), x)
    lost = L.sub(L.sub(L.f(1), whole), x)
    return L.add(whole, L.fma(L.neg(x), L.polynomial(L.mul(size, size), L.choose(*ERF)), lost))


def _erfc_far(L: Lanes, size):
    """e**(-x**2) * p(u) * u, u = 1/(x + 2); rounding errors of x**2, x + 2 and u are carried as a correction."""
    under = L.add(size, L.f(2))
    u = L.div(L.f(1), under)
    under_low = L.sub(size, L.sub(under, L.f(2)))
    u_low = L.fma(L.neg(u), under_low, L.fma(L.neg(u), under, L.f(1)))  # relative to u
    first, *rest = L.choose(*ERFC)
    v = L.sub(u, L.f(L.choose(*ERFC_CENTRE)))
    factor = L.mul(u, L.fma(L.polynomial_split(v, rest), v, L.f(first)))
    square = L.mul(size, size)
    reduced = reduce_exactly(L, L.neg(square), L.fma(L.neg(size), size, square))
    w = L.add(reduced.r, tail(L, reduced))  # e**(-x**2) = 2**n (1 + w)
    y = L.fma(factor, L.add(w, L.fma(w, u_low, u_low)), factor)
    return scale(L, y, exponent_field(L, reduced.shifted), L.cmp(">", size, L.f(L.choose(26.5, 9.0))))


FUNCTIONS = {"erf": erf, "erfc": erfc}
