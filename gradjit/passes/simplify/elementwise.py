"""Rules for operations on corresponding elements.

Notation: c is a repeated constant, m a mask. `x * 0` is not 0 (x may be nan or infinite), `x - x` neither, and
`x + 0.0` is x only where x cannot be -0.0; of integers all three hold.
"""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from ...ir import BOOL, OPS, U32, Value
from ..cse import COMMUTATIVE
from ..fold import splat_of
from ..patterns import (
    is_all_ones,
    is_negative_zero,
    is_one,
    is_positive_zero,
    made_by,
    never_negative_zero,
    preserves,
    unit_move,
)
from ..rewriter import Args, Attrs, Rewriter, Rule


def constant_last(name: str, other: str) -> Rule:
    """The rule name(c, x) --> other(x, c)."""
    def constant_last(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
        x, y = args
        return rw.make(other, y, x) if splat_of(x) is not None and splat_of(y) is None else None
    return constant_last


def idempotent(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """f(x, x) --> x"""
    return args[0] if args[0] is args[1] else None


def twice(name: str) -> Rule:
    """The rule name(name(x)) --> name(x)."""
    def twice(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
        return args[0] if made_by(args[0], name) else None
    return twice


# sums and products ----------------------------------------------------------------------------------------------------
def add_zero(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """x + -0.0 --> x;  x + 0 --> x of integers;  x + 0.0 --> x where x is never -0.0"""
    x, c = args[0], splat_of(args[1])
    if c is not None and (is_negative_zero(c) or (is_positive_zero(c) and never_negative_zero(x))):
        return x
    return None


def add_negated(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """x + -y --> x - y;  -x + y --> y - x"""
    x, y = args
    if negated := made_by(y, "neg"):
        return rw.make("sub", x, negated.operands[0])
    if negated := made_by(x, "neg"):
        return rw.make("sub", y, negated.operands[0])
    return None


def add_itself(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """x + x --> x * 2, which meets other constants and fuses with a further sum"""
    x, y = args
    return rw.make("mul", x, rw.full(2, x.type)) if x is y and x.dtype.kind != "c" else None


def sub_zero(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """x - 0 --> x;  -0.0 - x --> -x;  0 - x --> -x of integers"""
    x, y = args
    if is_positive_zero(splat_of(y)):
        return x
    if is_negative_zero(splat_of(x)) and y.dtype.kind != "c":
        return rw.make("neg", y)
    return None


def sub_negated(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """x - -y --> x + y"""
    negated = made_by(args[1], "neg")
    return rw.make("add", args[0], negated.operands[0]) if negated else None


def sub_itself(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """x - x --> 0 of integers;  x ^ x --> 0"""
    x, y = args
    return rw.full(0, x.type) if x is y and x.dtype.kind in "iub" else None


def constants_meet(name: str) -> Rule:
    """The rule (x + c) + d --> x + (c + d) of integers, whose arithmetic is exact modulo 2^n.

    Likewise for products, and there for floats too where c or d is a power of two: see `is_scaling`.
    """
    def constants_meet(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
        x, d = args
        inner = made_by(x, name) if splat_of(d) is not None else None
        if inner is None or splat_of(inner.operands[1]) is None:
            return None
        y, c = inner.operands
        if x.dtype.kind not in "iu" and not (name == "mul" and is_scaling(splat_of(c), splat_of(d))):
            return None
        return rw.make(name, y, rw.make(name, c, d))
    return constants_meet


def is_power_of_two(c: Any) -> bool:
    """Of either sign."""
    return abs(math.frexp(c)[0]) == 0.5


def is_normal(c: Any) -> bool:
    return bool(np.finfo(c.dtype).tiny <= abs(c) < math.inf)


def is_scaling(c: Any, d: Any) -> bool:
    """Whether (x * c) * d is x * (c * d) for floats: one of them a power of two, and x * c overflows only where the
    whole product does. Where x * c would be subnormal its rounding is left out, as a fused operation leaves it out."""
    if c.dtype.kind != "f" or not (is_power_of_two(c) or is_power_of_two(d)):
        return False
    return is_normal(c * d) and not (abs(c) > 1 and abs(d) < 1)


def sub_constant(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """x - c --> x + -c of integers"""
    x, c = args
    return rw.make("add", x, rw.make("neg", c)) if x.dtype.kind in "iu" and splat_of(c) is not None else None


def mul_constant(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """x * 1 --> x;  x * -1 --> -x;  x * 0 --> 0 of integers"""
    x, c = args[0], splat_of(args[1])
    if c is None or c.dtype.kind == "c":
        return None
    if c == 1:
        return x
    if c == -1 and c.dtype.kind in "if":
        return rw.make("neg", x)
    return args[1] if c == 0 and c.dtype.kind in "iu" else None


def mul_negated(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """-x * -y --> x * y;  -x * c --> x * -c;  -x * y --> -(x * y);  x * -y --> -(x * y)"""
    x, y = args
    if x.dtype.kind == "c":
        return None
    a, b = made_by(x, "neg"), made_by(y, "neg")
    if a and b:
        return rw.make("mul", a.operands[0], b.operands[0])
    if a and splat_of(y) is not None:
        return rw.make("mul", a.operands[0], rw.make("neg", y))
    if a or b:
        return rw.make("neg", rw.make("mul", a.operands[0] if a else x, b.operands[0] if b else y))
    return None


# quotients and powers -------------------------------------------------------------------------------------------------
def div_constant(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """x / 1 --> x;  x / -1 --> -x;  x / 2^k --> x * 2^-k where 2^-k is a normal number"""
    x, c = args[0], splat_of(args[1])
    if c is None or c.dtype.kind != "f":
        return None
    if c == 1:
        return x
    if is_power_of_two(c) and is_normal(c) and is_normal(1 / c):
        return rw.make("mul", x, rw.full(1 / c, x.type))
    return None


def div_negated(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """-x / -y --> x / y;  -x / y --> -(x / y);  x / -y --> -(x / y)"""
    x, y = args
    if x.dtype.kind == "c":
        return None
    a, b = made_by(x, "neg"), made_by(y, "neg")
    if not (a or b):
        return None
    quotient = rw.make("div", a.operands[0] if a else x, b.operands[0] if b else y)
    return quotient if a and b else rw.make("neg", quotient)


def floordiv_constant(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """x // 1 --> x of integers"""
    x, c = args[0], splat_of(args[1])
    return x if is_one(c) and x.dtype.kind in "iu" else None


def mod_constant(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """x % 1 --> 0 of integers"""
    x, c = args[0], splat_of(args[1])
    return rw.full(0, x.type) if is_one(c) and x.dtype.kind in "iu" else None


def power(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """x^0 --> 1;  x^1 --> x;  x^2 --> x*x;  x^3 --> x*x*x;  x^4 --> (x*x)*(x*x);  x^-1 --> 1/x

    The products are within two units in the last place. (x^0.5 is not sqrt x, which differs at -0.0 and -inf.)
    """
    x, c = args[0], splat_of(args[1])
    if c is None or x.dtype.kind == "c" or c not in (-1, 0, 1, 2, 3, 4):
        return None
    if c == 0:
        return rw.full(1, x.type)
    if c == -1:
        return rw.make("div", rw.full(1, x.type), x) if x.dtype.kind == "f" else None
    if c == 1:
        return x
    square = rw.make("mul", x, x)
    return square if c == 2 else rw.make("mul", square, x if c == 3 else square)


# signs and rounding ---------------------------------------------------------------------------------------------------
def neg_neg(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """-(-x) --> x"""
    inner = made_by(args[0], "neg")
    return inner.operands[0] if inner else None


def neg_sub(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """-(x - y) --> y - x of integers  (of floats the zero of x - x would change its sign)"""
    inner = made_by(args[0], "sub") if args[0].dtype.kind in "iu" else None
    return rw.make("sub", inner.operands[1], inner.operands[0]) if inner else None


def neg_product(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """-(x * c) --> x * -c;  -(x / c) --> x / -c, where nothing else reads the product"""
    x = args[0]
    inner = (made_by(x, "mul") or made_by(x, "div")) if x.dtype.kind != "c" and rw.is_used_once(x) else None
    if inner and splat_of(inner.operands[1]) is not None:
        return rw.make(inner.name, inner.operands[0], rw.make("neg", inner.operands[1]))
    return None


def abs_signed(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """abs(-x) --> abs x;  abs x --> x of unsigned x"""
    if args[0].dtype.kind == "u":
        return args[0]
    inner = made_by(args[0], "neg")
    return rw.make("abs", inner.operands[0]) if inner else None


ROUNDINGS = ("floor", "ceil", "trunc", "rint")


def round_whole(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """floor(ceil x) --> ceil x, all pairs of roundings;  floor(cast n) --> cast n of integers n"""
    op = args[0].op
    if op is None:
        return None
    whole = op.name in ROUNDINGS or (op.name == "cast" and op.operands[0].dtype.kind in "iub")
    return args[0] if whole else None


def finite_integer(answer: bool) -> Rule:
    """The rule isnan(cast n) --> false of integers n (isfinite: true)."""
    def finite_integer(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
        op = made_by(args[0], "cast")
        whole = op and op.operands[0].dtype.kind in "iub"
        return rw.const(answer, BOOL, args[0].shape) if whole else None
    return finite_integer


def cast_chain(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """cast x --> x to its own dtype;  cast(cast x) --> cast x where the inner cast keeps every value

    But u32 through a float to a narrower integer is no wrapping: a float beyond the range of an i32 is out of range.
    """
    x, to = args[0], attrs["dtype"]
    if x.dtype == to:
        return x
    inner = made_by(x, "cast")
    if inner and preserves(start := inner.operands[0].dtype, x.dtype) and not (
            start == U32 and x.dtype.is_float and to.is_integer and to.itemsize <= 4):
        return rw.make("cast", inner.operands[0], dtype=to)
    return None


def bitcast_chain(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """bitcast x --> x to its own dtype;  bitcast(bitcast x) --> bitcast x"""
    x, to = args[0], attrs["dtype"]
    inner = made_by(x, "bitcast")
    if inner and x.dtype != to:
        return rw.make("bitcast", inner.operands[0], dtype=to)
    return x if x.dtype == to else None


# comparisons and logic ------------------------------------------------------------------------------------------------
def compare_itself(answer: bool) -> Rule:
    """The rule x == x --> true of integers (<=, >= likewise; !=, <, > are false)."""
    def compare_itself(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
        x, y = args
        return rw.const(answer, BOOL, x.shape) if x is y and x.dtype.kind in "iub" else None
    return compare_itself


def ne_itself(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """x != x --> isnan x"""
    x, y = args
    return rw.make("isnan", x) if x is y and x.dtype.kind == "f" else None


def compare_truth(same: bool) -> Rule:
    """The rule m == true --> m;  m == false --> not m  (!= the other way round)."""
    def compare_truth(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
        m, c = args[0], splat_of(args[1])
        if c is None or not m.dtype.is_bool:
            return None
        return m if bool(c) == same else rw.make("not", m)
    return compare_truth


def and_constant(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """x & true --> x;  x & false --> false  (-1 and 0 of integers)"""
    c = splat_of(args[1])
    if c is None:
        return None
    return args[0] if is_all_ones(c) else args[1] if c == 0 else None


def or_constant(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """x | false --> x;  x | true --> true  (0 and -1 of integers)"""
    c = splat_of(args[1])
    if c is None:
        return None
    return args[0] if c == 0 else args[1] if is_all_ones(c) else None


def xor_constant(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """x ^ 0 --> x;  x ^ true --> not x"""
    c = splat_of(args[1])
    if c is None:
        return None
    return args[0] if c == 0 else rw.make("not", args[0]) if is_all_ones(c) else None


def not_not(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """not not x --> x"""
    inner = made_by(args[0], "not")
    return inner.operands[0] if inner else None


OPPOSITE = {"eq": "ne", "ne": "eq"}
def with_opposite(answer: bool) -> Rule:
    """The rule x | not x --> true;  (x == y) | (x != y) --> true  (with &: false)"""
    def with_opposite(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
        x, y = args
        return rw.const(answer, BOOL, x.shape) if x.dtype.is_bool and (opposed(x, y) or opposed(y, x)) else None
    return with_opposite


def opposed(x: Value, y: Value) -> bool:
    """Whether a truth is seen to be the opposite of another."""
    if x.op is None:
        return False
    if x.op.name == "not":
        return x.op.operands[0] is y
    other = OPPOSITE.get(x.op.name)
    return y.op is not None and y.op.name == other and all(map(operator.is_, x.op.operands, y.op.operands))


OPPOSITE_ORDERED = {"lt": "ge", "ge": "lt", "le": "gt", "gt": "le"}


def not_compare(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """not (x == y) --> x != y, and back;  not (x < y) --> x >= y of integers  (nan is neither)"""
    op = args[0].op
    if op is None or not args[0].dtype.is_bool:
        return None
    other = OPPOSITE.get(op.name)
    if other is None and op.operands and op.operands[0].dtype.kind in "iub":
        other = OPPOSITE_ORDERED.get(op.name)
    return rw.make(other, *op.operands) if other else None


def shift_zero(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """x << 0 --> x"""
    c = splat_of(args[1])
    return args[0] if c is not None and c == 0 else None


# select ---------------------------------------------------------------------------------------------------------------
def select_known(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """select(true, x, y) --> x;  select(false, x, y) --> y;  select(m, x, x) --> x"""
    m, x, y = args
    c = splat_of(m)
    if c is not None:
        return x if c else y
    return x if x is y else None


def select_not(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """select(not m, x, y) --> select(m, y, x)"""
    m, x, y = args
    inner = made_by(m, "not")
    return rw.make("select", inner.operands[0], y, x) if inner else None


def select_nested(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """select(m, select(m, x, _), y) --> select(m, x, y);  select(m, x, select(m, _, y)) --> select(m, x, y)"""
    m, x, y = args
    a, b = made_by(x, "select"), made_by(y, "select")
    if a and a.operands[0] is m:
        return rw.make("select", m, a.operands[1], y)
    if b and b.operands[0] is m:
        return rw.make("select", m, x, b.operands[2])
    return None


def select_truth(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """select(m, true, p) --> m | p;  select(m, p, false) --> m & p;  select(m, false, p) --> not m & p"""
    m, x, y = args
    if not x.dtype.is_bool:
        return None
    c, d = splat_of(x), splat_of(y)
    if c is not None:
        return rw.make("or", m, y) if c else rw.make("and", rw.make("not", m), y)
    if d is not None:
        return rw.make("or", rw.make("not", m), x) if d else rw.make("and", m, x)
    return None


# computing small, moving large ----------------------------------------------------------------------------------------
def narrow(name: str) -> Rule:
    """The rules that compute a pointwise operation on what its operands repeat or rearrange."""

    def of_broadcasts(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
        """f(broadcast x, broadcast y, c) --> broadcast(f(x, y, c)), over the axes that any operand varies along"""
        axes: set[int] = set()
        for a in args:
            if op := made_by(a, "broadcast"):
                axes.update(op.attrs["dims"])
            elif splat_of(a) is None:
                return None
        shape = args[0].shape
        if len(axes) == len(shape):
            return None
        kept = tuple(sorted(axes))
        small = tuple([shape[k] for k in kept])
        inner = [_within(rw, a, small, kept) for a in args]
        return rw.broadcast(rw.make(name, *inner, **attrs), shape, kept)

    def of_moves(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
        """f(move x, move y, c) --> move(f(x, y, c)) for one transpose, or one reshape of unit axes, of all operands"""
        first = next((a.op for a in args if splat_of(a) is None), None)
        if first is None or not (first.name == "transpose" or _is_unit_reshape(first)):
            return None
        shape = first.operands[0].shape
        inner = []
        for a in args:
            if splat_of(a) is not None:
                inner.append(rw.splat(a, shape))
                continue
            op = a.op
            if op is None or op.name != first.name or op.attrs != first.attrs or op.operands[0].shape != shape:
                return None
            inner.append(op.operands[0])
        return rw.make(first.name, rw.make(name, *inner, **attrs), **first.attrs)

    def rule(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
        owner = getattr(args[0].owner, "name", None)
        if owner == "const":
            owner = getattr(args[-1].owner, "name", None)
        if owner == "broadcast" or owner == "const":
            return of_broadcasts(rw, args, attrs)
        return of_moves(rw, args, attrs) if owner in ("transpose", "reshape") else None

    return rule


def _within(rw: Rewriter, a: Value, small: tuple[Any, ...], kept: tuple[int, ...]) -> Value:
    """A broadcast (or repeated constant) as a value over the kept axes only."""
    if splat_of(a) is not None:
        return rw.splat(a, small)
    op = a.op
    assert op is not None
    dims = tuple(kept.index(d) for d in op.attrs["dims"])
    return rw.broadcast(op.operands[0], small, dims)


def _is_unit_reshape(op: Any) -> bool:
    return op.name == "reshape" and unit_move(op.operands[0].shape, op.attrs["shape"]) is not None


SPECIFIC: dict[str, tuple[Rule, ...]] = {
    "add": (add_zero, add_itself, add_negated, constants_meet("add")),
    "sub": (sub_zero, sub_itself, sub_negated, sub_constant),
    "mul": (mul_constant, mul_negated, constants_meet("mul")),
    "div": (div_constant, div_negated),
    "floordiv": (floordiv_constant,),
    "mod": (mod_constant,),
    "pow": (power,),
    "neg": (neg_neg, neg_sub, neg_product),
    "abs": (abs_signed, twice("abs")),
    "sign": (twice("sign"),),
    **dict.fromkeys(ROUNDINGS, (round_whole,)),
    "cast": (cast_chain,), "bitcast": (bitcast_chain,),
    "isnan": (finite_integer(False),),
    "isinf": (finite_integer(False),),
    "isfinite": (finite_integer(True),),
    "maximum": (idempotent,), "minimum": (idempotent,), "fmax": (idempotent,), "fmin": (idempotent,),
    "eq": (compare_itself(True), compare_truth(True)),
    "ne": (compare_itself(False), ne_itself, compare_truth(False)),
    "lt": (constant_last("lt", "gt"), compare_itself(False)),
    "gt": (constant_last("gt", "lt"), compare_itself(False)),
    "le": (constant_last("le", "ge"), compare_itself(True)),
    "ge": (constant_last("ge", "le"), compare_itself(True)),
    "and": (idempotent, and_constant, with_opposite(False)),
    "or": (idempotent, or_constant, with_opposite(True)),
    "xor": (sub_itself, xor_constant),
    "not": (not_not, not_compare),
    "shl": (shift_zero,), "shr": (shift_zero,),
    "stop_gradient": (twice("stop_gradient"),),
    "select": (select_known, select_not, select_nested, select_truth),
}


def _rules(name: str) -> tuple[Rule, ...]:
    first = (constant_last(name, name),) if name in COMMUTATIVE else ()
    return (*first, *SPECIFIC.get(name, ()), narrow(name))


RULES: dict[str, tuple[Rule, ...]] = {name: _rules(name) for name, spec in OPS.items() if spec.pointwise}
