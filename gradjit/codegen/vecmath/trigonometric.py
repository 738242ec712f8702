"""Trigonometric functions and their inverses.

sin, cos, tan: Cody and Waite's reduction to [-pi/4, pi/4] in fused multiply-adds, which leaves the argument as a sum
of two floats, then two short polynomials between which the quadrant chooses. Beyond the reach of the reduction a cold
block takes its place: in float64 lanes the exact one of huge.py, for float32 lanes all of the function in float64.

arctan, arcsin, arccos: one polynomial on a part of the domain, to which the rest is mapped by 1/x and by
arcsin x = pi/2 - 2 arcsin sqrt((1-x)/2). What the division or the square root lost in rounding is added at the end.

All coefficients are minimax fits by Lawson's iteration, made by tests/vecmath/minimax.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gradjit.codegen.vecmath.huge import reduced_exactly
from gradjit.codegen.vecmath.lanes import Lanes

from .. import llvm

TWO_OVER_PI = 0.6366197723675814
# pi/2 as a sum of three. The first product with n is exact because |x - n*pi/2| < 1; the second constant has so few
# bits (29, 11) that its product with n is exact too within REACH. Both are positive, which keeps the sign of x = -0.
HALF_PI_PARTS = (
    (1.5707963267948966, 6.12323399409214e-17, 1.6446256936324258e-26),
    (1.570796251296997, 7.549533620476723e-08, 2.5633440682570896e-12),
)
REACH = (25 * 2.0**20, 8192.0)
# pi/2 as an unevaluated sum
HALF_PI = ((1.5707963267948966, 6.123233995736766e-17), (1.5707963705062866, -4.3711390001862426e-08))

# (1 - sin(r)/r) / s in powers of s = r**2 on |r| <= pi/4, error relative to sin(r): 2**-58.0 and 2**-28.0
SIN = (
    (0.16666666666666632, -0.008333333333322493, 0.00019841269829861505, -2.7557313708399583e-06,
     2.5050760464317998e-08, -1.5896922039661926e-10),
    (0.16666655242443085, -0.008332191966474056, 0.00019518790941219777),
)
# (cos(r) - 1 + s/2) / s**2 there: 2**-64.2 and 2**-33.1
COS = (
    (0.0416666666666666, -0.001388888888887448, 2.4801587289677666e-05, -2.755731440311924e-07, 2.08757295883e-09,
     -1.1359950756242738e-11),
    (0.04166664555668831, -0.0013887304812669754, 2.4431428755633533e-05),
)
# (arctan(z)/z - 1) / s in powers of s - ARCTAN_CENTRE, s = z**2, on |z| <= 1, error relative to arctan(z): 2**-60.0 and
# 2**-31.2. In powers of s the rounding errors of all terms would add up near z = 1. The centre is chosen among the
# numbers near 1/2 such that the constant term happens to be a float.
ARCTAN_CENTRE = (0.5011940002441406, 0.49648284912109375)
ARCTAN = (
    (-0.25902826243401267, 0.11068405176601501, -0.05471061410676443, 0.0290587520908198, -0.016117908781340912,
     0.009204543517824041, -0.00536813043328848, 0.0031808859709926457, -0.0019084673642023342, 0.0011565928301772472,
     -0.0007067543524810569, 0.00043488584261674134, -0.00026911800211428915, 0.0001672728719603948,
     -0.00010484032581924731, 6.662266679819411e-05, -4.071264417621383e-05, 2.2553357767915383e-05,
     -1.6821905966660646e-05, 1.705909964835383e-05, -8.612428396330527e-06),
    (-0.25955092906951904, 0.11120148003101349, -0.05512341856956482, 0.029365552589297295, -0.016339875757694244,
     0.00933952908962965, -0.005414909683167934, 0.00335738155990839, -0.0023369595874100924, 0.0011111588682979345),
)
# (arcsin(z)/z - 1) / s in powers of s = z**2 on |z| <= 1/2: 2**-59.8 and 2**-27.6
ARCSIN = (
    (0.16666666666666763, 0.07499999999970168, 0.0446428571751947, 0.03038194268056739, 0.022372215736191744,
     0.017351598865470143, 0.013980974862434204, 0.011397674790581526, 0.01078705681098594, 0.0036811734813705778,
     0.02176778672868552, -0.021083044639192652, 0.0326803156286408),
    (0.16666753590106964, 0.07495252788066864, 0.04547591134905815, 0.024152815341949463, 0.04221051186323166),
)


# sin, cos, tan --------------------------------------------------------------------------------------------------------
def _reduced(L: Lanes, x) -> tuple[llvm.Value, llvm.Value, llvm.Value]:
    """(n, r, t): x = n*pi/2 + r - t with |r| <= pi/4 and |t| about half an ulp of r; n in the lowest bits.

    `t` enters with a minus sign so that every difference formed with it keeps the sign of x = -0.
    """
    first, second, third = L.choose(*HALF_PI_PARTS)
    shift = L.f(1.5 * 2.0**L.mantissa_bits)  # adding this rounds to an integer
    shifted = L.fma(x, L.f(TWO_OVER_PI), shift)
    n = L.sub(shifted, shift)
    coarse = L.fma(n, L.f(-first), x)
    r = L.fma(n, L.f(-second), coarse)
    t = L.fma(n, L.f(third), L.fma(n, L.f(second), L.sub(r, coarse)))
    return L.bits(shifted), r, t


def _sine(L: Lanes, r, t, s) -> tuple[llvm.Value, llvm.Value]:
    """(a, b): sin(r - t) = a - b for a reduced argument, s = r*r."""
    return r, L.fma(L.mul(r, s), L.polynomial(s, L.choose(*SIN)), t)


def _cosine(L: Lanes, r, t, s) -> tuple[llvm.Value, llvm.Value]:
    """(a, b): cos(r - t) = a - b for a reduced argument, s = r*r. `b` holds what rounding 1 - s/2 lost."""
    top = L.fma(s, L.f(-0.5), L.f(1))
    lost = L.fma(s, L.f(0.5), L.sub(top, L.f(1)))
    lost = L.fma(r, L.neg(t), lost)
    return top, L.sub(lost, L.mul(L.mul(s, s), L.polynomial(s, L.choose(*COS))))


Reduction = Callable[[Lanes, llvm.Value], tuple[llvm.Value, llvm.Value, llvm.Value]]


def _parts(L: Lanes, x, reduction: Reduction
           ) -> tuple[llvm.Value, tuple[llvm.Value, llvm.Value], tuple[llvm.Value, llvm.Value]]:
    """The quadrant number, and sine and cosine of the reduced argument as differences."""
    n, r, t = reduction(L, x)
    s = L.mul(r, r)
    return n, _sine(L, r, t, s), _cosine(L, r, t, s)


def _odd(L: Lanes, n):
    return L.icmp("!=", L.iand(n, L.i(1)), L.i(0))


def _signed_by(L: Lanes, n, x):
    """x, negated where bit 1 of the quadrant number is set."""
    return L.from_bits(L.ixor(L.bits(x), L.shl(L.iand(n, L.i(2)), L.i(L.choose(62, 30)))))


def _beyond(L: Lanes, x):
    """The lanes out of the reduction's reach; infinities among them, nan not."""
    return L.cmp(">", L.abs(x), L.f(L.choose(*REACH)))


def _in_reach(L: Lanes, x) -> tuple[llvm.Value, llvm.Value, llvm.Value]:
    """As `_reduced`; lanes of float64 out of its reach by the exact reduction."""
    usual = _reduced(L, x)
    if not L.double:
        return usual
    n, r, t = L.rarely_all(_beyond(L, x), usual, lambda: reduced_exactly(L, x))
    return n, r, t


def _with_remedy(L: Lanes, x, fn: Callable[[Lanes, llvm.Value, Reduction], llvm.Value]):
    """`fn` with the reduction that its lanes take; lanes of float32 out of its reach in float64."""
    found = fn(L, x, _in_reach)
    return found if L.double else L.rarely(_beyond(L, x), found, lambda: _in_float64(L, x, fn))


def _in_float64(L: Lanes, x, fn: Callable[[Lanes, llvm.Value, Reduction], llvm.Value]):
    return L.outlined(f"{fn.__name__}.huge",
                      lambda inner, y: inner.widened(lambda wide, z: fn(wide, z, _in_reach), y), x)


def sincos(L: Lanes, x) -> tuple[llvm.Value, llvm.Value]:
    """(sin x, cos x) with the reduction shared; bit for bit what `sin` and `cos` give."""
    n, sine, cosine = _parts(L, x, _in_reach)
    s, c, odd = L.sub(*sine), L.sub(*cosine), _odd(L, n)
    both = [_signed_by(L, n, L.select(odd, c, s)), _signed_by(L, L.iadd(n, L.i(1)), L.select(odd, s, c))]
    if not L.double:
        both = L.rarely_all(_beyond(L, x), both, lambda: [_in_float64(L, x, _sin), _in_float64(L, x, _cos)])
    return both[0], both[1]


def _sin(L: Lanes, x, reduction: Reduction):
    n, sine, cosine = _parts(L, x, reduction)
    return _signed_by(L, n, L.select(_odd(L, n), L.sub(*cosine), L.sub(*sine)))


def _cos(L: Lanes, x, reduction: Reduction):
    n, sine, cosine = _parts(L, x, reduction)
    return _signed_by(L, L.iadd(n, L.i(1)), L.select(_odd(L, n), L.sub(*sine), L.sub(*cosine)))


def _tan(L: Lanes, x, reduction: Reduction):
    """The quotient of sine and cosine, each a sum of two floats."""
    n, sine, cosine = _parts(L, x, reduction)
    odd = _odd(L, n)
    over = [L.select(odd, c, s) for s, c in zip(sine, cosine, strict=True)]
    under = [L.select(odd, s, c) for s, c in zip(sine, cosine, strict=True)]
    return _signed_by(L, L.shl(n, L.i(1)), _quotient(L, over, under))


def sin(L: Lanes, x):
    """sin x; at most 0.95 ulp."""
    return _with_remedy(L, x, _sin)


def cos(L: Lanes, x):
    """cos x; at most 0.95 ulp."""
    return _with_remedy(L, x, _cos)


def tan(L: Lanes, x):
    """tan x; at most 1.3 ulp."""
    return _with_remedy(L, x, _tan)


def _quotient(L: Lanes, over: Sequence[llvm.Value], under: Sequence[llvm.Value]) -> llvm.Value:
    """(over[0] - over[1]) / (under[0] - under[1]), rounded almost correctly; -0 stays -0."""
    num, num_low = _difference(L, *over)
    den, den_low = _difference(L, *under)
    inverse = L.div(L.f(1), den)
    rough = L.mul(num, inverse)
    excess = L.fma(rough, den_low, L.sub(L.fma(rough, den, L.neg(num)), num_low))
    return L.fma(L.neg(excess), inverse, rough)


def _difference(L: Lanes, a, b) -> tuple[llvm.Value, llvm.Value]:
    """a - b and what rounding it lost, |a| >= |b| (Dekker 1971)."""
    high = L.sub(a, b)
    return high, L.sub(L.sub(a, high), b)


def cot_pi(L: Lanes, x):
    """cos(pi*x) / sin(pi*x) in float64 lanes, without the rounding error of pi*x; inf or -inf for integers."""
    pi, pi_low = [L.f(2 * c) for c in L.choose(*HALF_PI)]
    n = L.rint(L.add(x, x))
    rest = L.fma(n, L.f(-0.5), x)  # exact, as is n/2
    r = L.mul(rest, pi)
    t = L.neg(L.fma(rest, pi_low, L.fma(rest, pi, L.neg(r))))
    s = L.mul(r, r)
    sine, cosine = _sine(L, r, t, s), _cosine(L, r, t, s)
    half = L.mul(n, L.f(0.5))
    odd = L.cmp("!=", L.floor(half), half)
    cotangent = L.select(L.cmp("<", L.abs(r), L.f(2.0**-900)), L.div(L.f(1), r), _quotient(L, cosine, sine))
    return L.select(odd, L.neg(_quotient(L, sine, cosine)), cotangent)


# inverses -------------------------------------------------------------------------------------------------------------
def _from_base(L: Lanes, base, base_low, z, z_low, s, series):
    """(base + base_low) + (z + z_low) * (1 + s*series); `base` is 0 or larger than |z|."""
    high = L.add(base, z)
    low = L.add(L.add(L.sub(base, high), z), L.add(base_low, z_low))
    return L.add(high, L.fma(L.mul(z, s), series, low))


def _arctan_series(L: Lanes, z):
    middle, *rest = L.choose(*ARCTAN)
    u = L.fma(z, z, L.f(-L.choose(*ARCTAN_CENTRE)))
    return L.fma(L.polynomial_split(u, rest), u, L.f(middle))


def arctan(L: Lanes, x):
    """arctan x; at most 1.2 ulp."""
    size = L.abs(x)
    far = L.f(2.0**60)
    size = L.select(L.cmp(">", size, far), far, size)  # arctan has long been pi/2; keeps the infinity out
    steep = L.cmp(">", size, L.f(1))
    under = L.select(steep, size, L.f(1))
    z = L.div(L.select(steep, L.f(1), size), under)
    rest = L.select(steep, L.fma(L.neg(z), under, L.f(1)), L.f(0))
    z = L.select(steep, L.neg(z), z)
    base, base_low = [L.select(steep, L.f(c), L.f(0)) for c in L.choose(*HALF_PI)]
    y = _from_base(L, base, base_low, z, L.mul(rest, z), L.mul(z, z), _arctan_series(L, z))
    return L.copysign(y, x)


def arctan2(L: Lanes, y, x):
    """The angle of the point (x, y) in [-pi, pi], with the signed zeros and infinities of C; at most 1.4 ulp."""
    size_y, size_x, zero, one, inf = L.abs(y), L.abs(x), L.f(0), L.f(1), L.f(float("inf"))
    steep, left = L.cmp(">", size_y, size_x), L.icmp("<", L.bits(x), L.i(0))
    over, under = L.select(steep, size_x, size_y), L.select(steep, size_y, size_x)
    z = L.div(over, under)
    z = L.select(L.cmp("==", over, under), L.select(L.cmp("==", under, zero), zero, one), z)  # 0/0, inf/inf
    finite = L.b.and_(L.cmp(">", under, zero), L.cmp("<", under, inf))
    z_low = L.select(finite, L.div(L.fma(L.neg(z), under, over), under), zero)
    turned = L.b.xor(steep, left)
    z, z_low = [L.select(turned, L.neg(a), a) for a in (z, z_low)]
    base, base_low = [L.select(steep, L.f(c), L.select(left, L.f(2 * c), zero)) for c in L.choose(*HALF_PI)]
    return L.copysign(_from_base(L, base, base_low, z, z_low, L.mul(z, z), _arctan_series(L, z)), y)


def half_over_root(L: Lanes, x):
    """1 / (2 * sqrt(x)) within 4 %, finite for 0: enough to turn x - sqrt(x)**2 into what the root lost in rounding."""
    bias, ulps = L.choose(1023, 127), 1 << L.mantissa_bits
    return L.from_bits(L.isub(L.i(int((1.5 * (bias - 0.045) - 1) * ulps)), L.lshr(L.bits(x), L.i(1))))


def _root(L: Lanes, x) -> tuple[llvm.Value, llvm.Value, llvm.Value, llvm.Value]:
    """(outer, s, t, t_low) with arcsin|x| or arccos|x| = 2 arcsin(t) in the lanes `outer`, where |x| > 1/2.

    s = t**2 in all lanes, t = |x| and t_low = 0 in the inner ones, 2t and 2t_low instead of t and t_low in the outer.
    """
    size = L.abs(x)
    outer = L.cmp(">", size, L.f(0.5))
    s = L.select(outer, L.fma(size, L.f(-0.5), L.f(0.5)), L.mul(size, size))
    root = L.sqrt(s)  # nan for |x| > 1
    root_low = L.mul(L.fma(L.neg(root), root, s), half_over_root(L, s))
    return outer, s, L.select(outer, L.add(root, root), size), L.select(outer, L.add(root_low, root_low), L.f(0))


def arcsin(L: Lanes, x):
    """arcsin x, nan outside [-1, 1]; at most 0.75 ulp."""
    outer, s, t, t_low = _root(L, x)
    base, base_low = [L.select(outer, L.f(c), L.f(0)) for c in L.choose(*HALF_PI)]
    t, t_low = L.select(outer, L.neg(t), t), L.neg(t_low)
    return L.copysign(_from_base(L, base, base_low, t, t_low, s, L.polynomial_split(s, L.choose(*ARCSIN))), x)


def arccos(L: Lanes, x):
    """arccos x, nan outside [-1, 1]; at most 0.75 ulp."""
    outer, s, t, t_low = _root(L, x)
    left = L.cmp("<", x, L.f(0))
    base, base_low = [L.select(outer, L.select(left, L.f(2 * c), L.f(0)), L.f(c)) for c in L.choose(*HALF_PI)]
    turned = L.b.xor(outer, left)  # arccos x = 2 arcsin t,  pi - 2 arcsin t,  or pi/2 - arcsin x
    t, t_low = [L.select(turned, a, L.neg(a)) for a in (t, t_low)]
    return _from_base(L, base, base_low, t, t_low, s, L.polynomial_split(s, L.choose(*ARCSIN)))


FUNCTIONS: dict[str, Callable[..., llvm.Value]] = {
    "sin": sin, "cos": cos, "tan": tan, "arcsin": arcsin, "arccos": arccos, "arctan": arctan,
    "arctan2": arctan2,
}
