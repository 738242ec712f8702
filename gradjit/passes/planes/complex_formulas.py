"""Functions of complex numbers that are written out: quotients, exponentials and square roots.

    %re = special_call %a, %b, %c, %d function="complex_divide"  -->  the operations of Smith's quotient

They stay calls until derivatives have been taken, which are those of the function and not of its formula. All others
are NumPy's own loops.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from ...ir import Builder, Func, Op, Value, walk
from ..inline import replaced
from .splitter import Pair

Formula = Callable[..., Pair]


def divide(b: Builder, a: Value, c: Value, d: Value, e: Value) -> Pair:
    """(a + ic) / (d + ie) by Smith's method, as NumPy has it: by the larger part of the divisor. By 0 each part is
    divided by 0."""
    larger = b.ge(b.abs(d), b.abs(e))
    big, small = b.select(larger, d, e), b.select(larger, e, d)
    p, q = b.select(larger, a, c), b.select(larger, c, a)
    ratio = b.div(small, big)
    scale = b.div(b.like(1, d), b.add(big, b.mul(small, ratio)))
    re = b.mul(b.add(p, b.mul(q, ratio)), scale)
    turned = b.mul(p, ratio)
    im = b.mul(b.select(larger, b.sub(q, turned), b.sub(turned, q)), scale)
    zero, none = b.and_(b.eq(d, b.like(0, d)), b.eq(e, b.like(0, e))), b.abs(d)
    return b.select(zero, b.div(a, none), re), b.select(zero, b.div(c, none), im)


def reciprocal(b: Builder, d: Value, e: Value) -> Pair:
    """1 / (d + ie); nan for 0, as NumPy's."""
    larger = b.le(b.abs(e), b.abs(d))
    big, small = b.select(larger, d, e), b.select(larger, e, d)
    ratio = b.div(small, big)
    under = b.add(big, b.mul(small, ratio))
    one = b.like(1, d)
    return (b.div(b.select(larger, one, ratio), under), b.div(b.neg(b.select(larger, ratio, one)), under))


FAR = {8: 700.0, 4: 80.0}
"""From here on exp is computed in two factors: it may overflow where its product with a sine does not."""


def exp(b: Builder, x: Value, y: Value) -> Pair:
    """e^x (cos y + i sin y). The imaginary part 0 stays what it is; -inf wins against whatever y."""
    far = FAR[x.dtype.itemsize]
    large = b.gt(x, b.like(far, x))
    size = b.exp(b.select(large, b.sub(x, b.like(far, x)), x))
    rest = b.select(large, b.like(math.exp(far), x), b.like(1, x))
    re, im = (b.mul(b.mul(size, turned), rest) for turned in (b.cos(y), b.sin(y)))
    lost = b.not_(b.isfinite(y))
    zero, infinity = b.like(0, x), b.like(math.inf, x)
    nothing = b.and_(lost, b.eq(x, b.neg(infinity)))
    re = b.select(b.and_(lost, b.eq(x, infinity)), infinity, b.select(nothing, zero, re))
    return re, b.select(b.eq(y, zero), y, b.select(nothing, b.copysign(zero, y), im))


LARGE = {8: (1e300, 1e-290, 2.0 ** 108), 4: (1e36, 1e-30, 2.0 ** 60)}
"""Beyond these a square root is one of scaled parts; and by what small ones are scaled."""


def sqrt(b: Builder, x: Value, y: Value) -> Pair:
    """The root on the right: of the parts the one without cancellation, the other from it."""
    high, low, up = LARGE[x.dtype.itemsize]
    size = b.maximum(b.abs(x), b.abs(y))
    large, small = b.gt(size, b.like(high, x)), b.lt(size, b.like(low, x))
    one = b.like(1, x)
    scale = b.select(large, b.like(0.25, x), b.select(small, b.like(up, x), one))
    back = b.select(large, b.like(2.0, x), b.select(small, b.like(up ** -0.5, x), one))
    xs, ys = b.mul(x, scale), b.mul(y, scale)
    root = b.sqrt(b.mul(b.add(b.abs(xs), b.hypot(xs, ys)), b.like(0.5, x)))
    other = b.div(ys, b.add(root, root))
    zero = b.like(0, x)
    right = b.ge(x, zero)
    re = b.mul(b.select(right, root, b.abs(other)), back)
    im = b.mul(b.select(right, other, b.copysign(root, y)), back)
    none, infinite = b.eq(root, zero), b.isinf(y)
    re = b.select(infinite, b.like(math.inf, x), b.select(none, zero, re))
    return re, b.select(b.or_(none, infinite), y, im)


FORMULAS: dict[str, Formula] = {
    "complex_divide": divide, "complex_reciprocal": reciprocal, "complex_exp": exp, "complex_sqrt": sqrt,
}


def write_out(func: Func) -> Func:
    """The function with formulas for the calls that have one; `func` is not changed."""
    return replaced(func, written_out) if any(map(has_formula, walk(func.body))) else func


def has_formula(op: Op) -> bool:
    return op.name == "special_call" and op.attrs["function"] in FORMULAS


def written_out(b: Builder, op: Op, operands: Sequence[Value]) -> Sequence[Value] | None:
    if not has_formula(op):
        return None
    return (FORMULAS[op.attrs["function"]](b, *operands)[op.attrs.get("result", 0)],)
