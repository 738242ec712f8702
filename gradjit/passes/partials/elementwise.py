"""Partial derivatives of elementwise arithmetic. Conventions at kinks stand in docs/derivatives.md."""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Iterator, Sequence

from ...ir import Builder, Func, Op, Value, walk
from ..inline import replaced
from ..masks import Flow, Masked
from . import MINUS_ONE, ONE, ZERO, Partial, constant_of


def times(b: Builder, t: Value, number: float) -> Value:
    return b.mul(t, b.like(number, t))


def _near_one(b: Builder, x: Value) -> Value:
    """(1 - x)(1 + x): unlike 1 - x*x it keeps its digits near x = 1."""
    one = b.like(1, x)
    return b.mul(b.sub(one, x), b.add(one, x))


def _arcsin(b: Builder, t: Value, r: Value, x: Value) -> Value:
    return b.div(t, b.sqrt(_near_one(b, x)))


def _arccosh(b: Builder, t: Value, r: Value, x: Value) -> Value:
    one = b.like(1, x)
    return b.div(t, b.sqrt(b.mul(b.sub(x, one), b.add(x, one))))


def _one_plus_square(b: Builder, x: Value) -> Value:
    return b.add(b.like(1, x), b.mul(x, x))


# powers -------------------------------------------------------------------------------------------------------------
def _pow_base(b: Builder, t: Value, r: Value, x: Value, y: Value) -> Flow | None:
    """t * y * x**(y - 1); zero for the exponent 0 also where x**-1 is infinite.

    The mask takes the base 0 alone: for any other one the derivative with regard to y goes on, at the exponent 0, too.
    """
    known = constant_of(y)
    if known is not None:
        return _pow_known(b, t, r, x, known)
    lower = b.pow(x, b.sub(y, b.like(1, y)))
    zero = b.like(0, y)
    return Masked(b.mul(t, b.mul(y, lower)), b.or_(b.ne(y, zero), b.ne(x, zero)))


def _pow_known(b: Builder, t: Value, r: Value, x: Value, n: float) -> Flow | None:
    """t * n * x**(n - 1) in its cheapest exact form."""
    if n == 0:
        return None
    if n == 1:
        return t
    if n == 0.5:
        return b.div(times(b, t, 0.5), r)
    lower = {2.0: lambda: x, 3.0: lambda: b.mul(x, x), 1.5: lambda: b.sqrt(x), -1.0: lambda: b.mul(r, r)}.get(n)
    return b.mul(times(b, t, n), lower() if lower else b.pow(x, b.like(n - 1, x)))


def _pow_exponent(b: Builder, t: Value, r: Value, x: Value, y: Value) -> Flow:
    """t * x**y * log(x); zero for the base 0, unless the exponent is negative."""
    known = constant_of(x)
    if known is not None and known > 0:
        return b.mul(t, times(b, r, math.log(known)))
    zero = b.like(0, x)
    return Masked(b.mul(t, b.mul(r, b.log(x))), b.or_(b.ne(x, zero), b.lt(y, zero)))


# remainders ---------------------------------------------------------------------------------------------------------
def _fmod_divisor(b: Builder, t: Value, r: Value, x: Value, y: Value) -> Value:
    """-t * trunc(x / y). (x - r) / y is that integer up to rounding, also where x / y rounds up to the next one."""
    return b.neg(b.mul(t, b.rint(b.div(b.sub(x, r), y))))


def _copysign(b: Builder, t: Value, r: Value, x: Value, y: Value) -> Value:
    return b.mul(t, b.mul(b.sign(x), b.copysign(b.like(1, y), y)))


# extremes -----------------------------------------------------------------------------------------------------------
def _halved_at_ties(b: Builder, t: Value, x: Value, y: Value) -> Value:
    return b.select(b.eq(x, y), times(b, t, 0.5), t)


def _extreme(wins: str, first: bool) -> Partial:
    """For the first or second operand of maximum (`wins` is "ge") or minimum ("le"): the larger takes all, ties share.

    A nan is neither larger nor equal: it passes its tangent on, as the operation passes it on.
    """
    loses = {"ge": "lt", "le": "gt"}[wins]

    def partial(b: Builder, t: Value, r: Value, x: Value, y: Value) -> Flow:
        mine, other = (x, y) if first else (y, x)
        return Masked(_halved_at_ties(b, t, x, y), b.not_(getattr(b, loses)(mine, other)))

    return partial


def _extreme_skipping_nan(wins: str, first: bool) -> Partial:
    """For fmax and fmin, which pass over a nan: an operand also wins against a nan, and a nan never wins."""
    def partial(b: Builder, t: Value, r: Value, x: Value, y: Value) -> Flow:
        mine, other = (x, y) if first else (y, x)
        won = b.or_(getattr(b, wins)(mine, other), b.isnan(other))
        return Masked(_halved_at_ties(b, t, x, y), won)

    return partial


# lengths, angles, sums of exponentials ------------------------------------------------------------------------------
def _hypot(first: bool) -> Partial:
    """t*x / r; zero at the origin. An infinite operand is all of the length, the other nothing."""
    def partial(b: Builder, t: Value, r: Value, x: Value, y: Value) -> Flow:
        mine = x if first else y
        share = b.select(b.isinf(mine), b.sign(mine), b.div(mine, r))
        return Masked(b.mul(t, share), b.ne(r, b.like(0, r)))

    return partial


def _arctan2(first: bool) -> Partial:
    """t*x / r² and -t*y / r² for arctan2(y, x), r their hypot; zero at the origin and at infinity.

    Not with x*x + y*y, which is 0 for small numbers, where the derivative is large.
    """
    def partial(b: Builder, t: Value, angle: Value, y: Value, x: Value) -> Flow:
        r = b.hypot(x, y)
        scaled = b.mul(b.div(t, r), b.div(x if first else y, r))
        there = b.and_(b.ne(r, b.like(0, r)), b.ne(r, b.like(math.inf, r)))
        return Masked(scaled if first else b.neg(scaled), there)

    return partial


def _logaddexp(scale: float, first: bool) -> Partial:
    """t * expit(x - y), the share of the operand in the sum; a summand of weight zero (-inf) takes nothing.

    Not exp(x - r): the result's rounding error is one of the share's digits where x is large. The difference of two
    equal infinities is 0; that of two equal finite numbers is 0, too, but no constant.
    """
    def partial(b: Builder, t: Value, r: Value, x: Value, y: Value) -> Flow:
        mine, other = (x, y) if first else (y, x)
        lead = b.select(b.and_(b.eq(x, y), b.isinf(x)), b.like(0, r), b.sub(mine, other))
        lead = lead if scale == 1 else times(b, lead, scale)
        return Masked(b.mul(t, b.expit(lead)), b.ne(mine, b.like(-math.inf, mine)))

    return partial


LN2, LN10 = math.log(2), math.log(10)

PARTIALS: dict[str, tuple[Partial, ...]] = {
    "add": (ONE, ONE),
    "sub": (ONE, MINUS_ONE),
    "neg": (MINUS_ONE,),
    "mul": (lambda b, t, r, x, y: b.mul(t, y), lambda b, t, r, x, y: b.mul(t, x)),
    "fma": (lambda b, t, r, x, y, z: b.mul(t, y), lambda b, t, r, x, y, z: b.mul(t, x), ONE),
    "div": (lambda b, t, r, x, y: b.div(t, y), lambda b, t, r, x, y: b.neg(b.mul(b.div(t, y), r))),
    "mod": (ONE, lambda b, t, r, x, y: b.neg(b.mul(t, b.floordiv(x, y)))),
    "fmod": (ONE, _fmod_divisor),
    "pow": (_pow_base, _pow_exponent),
    "abs": (lambda b, t, r, x: b.mul(t, b.sign(x)),),
    "exp": (lambda b, t, r, x: b.mul(t, r),),
    "exp2": (lambda b, t, r, x: b.mul(t, times(b, r, LN2)),),
    # Not t * (r + 1): far left of zero that sum has no digits left.
    "expm1": (lambda b, t, r, x: b.mul(t, b.exp(x)),),
    "log": (lambda b, t, r, x: b.div(t, x),),
    "log2": (lambda b, t, r, x: b.div(t, times(b, x, LN2)),),
    "log10": (lambda b, t, r, x: b.div(t, times(b, x, LN10)),),
    "log1p": (lambda b, t, r, x: b.div(t, b.add(b.like(1, x), x)),),
    "sqrt": (lambda b, t, r, x: b.div(times(b, t, 0.5), r),),
    "squared_root": (lambda b, t, r, x: b.select(b.lt(x, b.like(0, x)), b.like(math.nan, x), t),),
    "cbrt": (lambda b, t, r, x: b.div(times(b, t, 1 / 3), b.mul(r, r)),),
    "sin": (lambda b, t, r, x: b.mul(t, b.cos(x)),),
    "cos": (lambda b, t, r, x: b.neg(b.mul(t, b.sin(x))),),
    "tan": (lambda b, t, r, x: b.mul(t, _one_plus_square(b, r)),),
    "arcsin": (_arcsin,),
    "arccos": (lambda b, t, r, x: b.neg(_arcsin(b, t, r, x)),),
    "arctan": (lambda b, t, r, x: b.div(t, _one_plus_square(b, x)),),
    "sinh": (lambda b, t, r, x: b.mul(t, b.cosh(x)),),
    "cosh": (lambda b, t, r, x: b.mul(t, b.sinh(x)),),
    "tanh": (lambda b, t, r, x: b.mul(t, b.sub(b.like(1, r), b.mul(r, r))),),
    "arcsinh": (lambda b, t, r, x: b.div(t, b.sqrt(_one_plus_square(b, x))),),
    "arccosh": (_arccosh,),
    "arctanh": (lambda b, t, r, x: b.div(t, _near_one(b, x)),),
    "arctan2": (_arctan2(True), _arctan2(False)),
    "hypot": (_hypot(True), _hypot(False)),
    "squared_hypot": (lambda b, t, r, x, y: b.mul(t, times(b, x, 2.0)),
                      lambda b, t, r, x, y: b.mul(t, times(b, y, 2.0))),
    "logaddexp": (_logaddexp(1, True), _logaddexp(1, False)),
    "logaddexp2": (_logaddexp(LN2, True), _logaddexp(LN2, False)),
    "maximum": (_extreme("ge", True), _extreme("ge", False)),
    "minimum": (_extreme("le", True), _extreme("le", False)),
    "fmax": (_extreme_skipping_nan("ge", True), _extreme_skipping_nan("ge", False)),
    "fmin": (_extreme_skipping_nan("le", True), _extreme_skipping_nan("le", False)),
    "copysign": (_copysign, ZERO),
    # One step in the last place away from x: x, as far as rounding can tell.
    "nextafter": (ONE, ZERO),
    "barrier": (ONE,),
}

_STEPS = "piecewise constant: its derivative is zero"
_LOGIC = "the result is a truth value or an integer"
_INTEGERS = "defined for integers only"

CONSTANT: dict[str, str] = {
    **dict.fromkeys(("floor", "ceil", "trunc", "rint", "sign", "floordiv"), _STEPS),
    **dict.fromkeys(("eq", "ne", "lt", "le", "gt", "ge", "isnan", "isinf", "isfinite", "signbit"), _LOGIC),
    **dict.fromkeys(("and", "or", "xor", "not", "shl", "shr", "gcd"), _INTEGERS),
    "bitcast": "the bits of a number are an integer, whose derivative is zero",
    "stop_gradient": "that no derivative passes is its meaning",
}
"""Operations whose derivative is zero wherever it is defined, with the reason."""


# squares of lengths -------------------------------------------------------------------------------------------------
def squares_of_lengths(func: Func, asked: Container[Value] = ()) -> Func:
    """The function before derivatives are taken of it: squares of lengths are those of what the root is taken of.

        mul(abs(x), abs(x))            -->  mul(x, x)
        mul(sqrt(s), sqrt(s))          -->  squared_root(s)
        mul(hypot(x, y), hypot(x, y))  -->  squared_hypot(x, y)

    By the chain rule the second derivative of `norm(x)**2` at 0 would be that of the convention for the length.
    asked: values whose own cotangents somebody wants; one that is squared must be there for that.
    """
    def square(b: Builder, op: Op, operands: Sequence[Value]) -> Sequence[Value] | None:
        return None if any(v in asked for o in op.operands for v in _shown_by(o)) else _square(b, op, operands)

    return replaced(func, square) if any(is_square(op, op.operands) for op in walk(func.body)) else func


def _shown_by(v: Value) -> Iterator[Value]:
    """A value, and those whose elements it shows in other shapes."""
    yield v
    while v.op is not None and v.op.name in SHAPED:
        v = v.op.operands[0]
        yield v


def is_square(op: Op, operands: Sequence[Value]) -> bool:
    """Whether it multiplies a float with itself, which may have been computed twice, or has the exponent 2."""
    if op.name not in ("mul", "pow") or not op.result.dtype.is_float:
        return False
    x, y = operands
    if op.name == "pow":
        return bool(constant_of(y) == 2)
    return x is y or (x.op is not None and y.op is not None and x.op.name in LENGTHS and x.op.name == y.op.name and
                      x.op.operands == y.op.operands and x.op.attrs == y.op.attrs)


def _square(b: Builder, op: Op, operands: Sequence[Value]) -> Sequence[Value] | None:
    found = _squared(b, operands[0]) if is_square(op, operands) else None
    return None if found is None else (found,)


def _squared(b: Builder, v: Value) -> Value | None:
    """The square of a length; None for anything else."""
    op = v.op
    return LENGTHS[op.name](b, op) if op is not None and op.name in LENGTHS else None


def _square_of_abs(b: Builder, op: Op) -> Value | None:
    (x,) = op.operands
    return b.mul(x, x) if x.dtype.is_float else None


def _square_of_choice(b: Builder, op: Op) -> Value | None:
    """A root that has a zero put in, as the tracer makes it: select(eq(s, 0), 0, sqrt(s))."""
    test, zero, root = op.operands
    if test.op is None or root.op is None or (test.op.name, root.op.name) != ("eq", "sqrt"):
        return None
    s, nothing = test.op.operands
    fits = s is root.op.operands[0] and constant_of(nothing) == 0 and constant_of(zero) == 0
    return b.squared_root(s) if fits else None


def _square_in_another_shape(b: Builder, op: Op) -> Value | None:
    x, *others = op.operands
    found = _squared(b, x)
    return None if found is None else b.append(op.name, (found, *others), op.attrs).result


SHAPED = ("reshape", "broadcast", "transpose")
LENGTHS: dict[str, Callable[[Builder, Op], Value | None]] = {
    "abs": _square_of_abs,
    "sqrt": lambda b, op: b.squared_root(op.operands[0]),
    "hypot": lambda b, op: b.squared_hypot(*op.operands),
    "select": _square_of_choice,
    **dict.fromkeys(SHAPED, _square_in_another_shape),
}
"""Operations that make a length, with its square."""
