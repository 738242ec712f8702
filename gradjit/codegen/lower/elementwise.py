"""The machine code of elementwise operations, for scalars and vectors alike.

A rule takes the lanes (builder, width), the operands' dtype and the operands. No instruction carries flags that
let LLVM round otherwise than is written: what is fused was decided before (`multiply_add`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ...ir import DType
from .. import llvm
from ..vecmath.lanes import I1, Lanes, suffix_of

Rule = Callable[..., llvm.Value]


def llvm_type(t: DType) -> llvm.Type:
    """A value of the dtype in a register; bool is i1."""
    if t.is_bool:
        return I1
    if t.is_float:
        return llvm.DoubleType() if t.itemsize == 8 else llvm.FloatType()
    return llvm.IntType(8 * t.itemsize)


def memory_type(t: DType) -> llvm.Type:
    """An element in memory; bool is a byte."""
    return llvm.IntType(8) if t.is_bool else llvm_type(t)


def constant(L: Lanes, t: DType, value: Any) -> llvm.Constant:
    """The number in every lane."""
    number = float(value) if t.is_float else int(value)
    return L.splat(L.of(llvm_type(t)), number)


def by_kind(floating: Rule | None = None, signed: Rule | None = None, unsigned: Rule | None = None,
            boolean: Rule | None = None) -> Rule:
    """A rule chosen by the operands' dtype. Unsigned defaults to signed."""
    table = {"f": floating, "i": signed, "u": unsigned or signed, "b": boolean}

    def rule(L: Lanes, t: DType, *args: llvm.Value) -> llvm.Value:
        chosen = table[t.kind]
        assert chosen is not None, f"no rule for {t}"
        return chosen(L, t, *args)

    return rule


def compare(op: str) -> Rule:
    def rule(L: Lanes, t: DType, x: llvm.Value, y: llvm.Value) -> llvm.Value:
        if t.is_float:
            return L.cmp(op, x, y)
        return (L.b.icmp_signed if t.kind == "i" else L.b.icmp_unsigned)(op, x, y)

    return rule


def intrinsic(name: str) -> Rule:
    return lambda L, t, *args: L.intrinsic(name, list(args))


# extremes -------------------------------------------------------------------------------------------------------------
def _extreme(op: str) -> Rule:
    """maximum (">") and minimum ("<"): nan if either is nan; the first operand of equals, as NumPy's."""
    def floating(L: Lanes, t: DType, x: llvm.Value, y: llvm.Value) -> llvm.Value:
        keep = L.b.or_(L.cmp(op + "=", x, y), L.isnan(x))
        return L.select(keep, x, y)

    def integral(L: Lanes, t: DType, x: llvm.Value, y: llvm.Value) -> llvm.Value:
        return L.select(compare(op)(L, t, x, y), x, y)

    boolean: Rule = lambda L, t, x, y: (L.b.or_ if op == ">" else L.b.and_)(x, y)  # noqa: E731
    return by_kind(floating, integral, None, boolean)


def _fextreme(op: str) -> Rule:
    """fmax and fmin: the other operand where one is nan."""
    def floating(L: Lanes, t: DType, x: llvm.Value, y: llvm.Value) -> llvm.Value:
        keep = L.b.or_(L.cmp(op + "=", x, y), L.isnan(y))
        return L.select(keep, x, y)

    plain = _extreme(op)
    return by_kind(floating, plain, plain, plain)


# signs ----------------------------------------------------------------------------------------------------------------
def _iabs(L: Lanes, t: DType, x: llvm.Value) -> llvm.Value:
    return x if t.kind == "u" else L.select(L.b.icmp_signed("<", x, constant(L, t, 0)), L.b.neg(x), x)


def _fsign(L: Lanes, t: DType, x: llvm.Value) -> llvm.Value:
    """-1, 0 or 1; nan stays, and sign(-0.0) is 0.0 as NumPy's."""
    one = L.copysign(constant(L, t, 1), x)
    nonzero = L.select(L.cmp("==", x, constant(L, t, 0)), constant(L, t, 0), one)
    return L.select(L.isnan(x), x, nonzero)


def _isign(L: Lanes, t: DType, x: llvm.Value) -> llvm.Value:
    zero, one = constant(L, t, 0), constant(L, t, 1)
    up = L.select(compare(">")(L, t, x, zero), one, zero)
    return up if t.kind == "u" else L.select(compare("<")(L, t, x, zero), constant(L, t, -1), up)


def _signbit(L: Lanes, t: DType, x: llvm.Value) -> llvm.Value:
    bits = L.of(llvm.IntType(8 * t.itemsize))
    return L.b.icmp_signed("<", L.b.bitcast(x, bits), L.splat(bits, 0))


# division -------------------------------------------------------------------------------------------------------------
def _guarded(L: Lanes, t: DType, y: llvm.Value) -> tuple[llvm.Value, llvm.Value]:
    """Whether the divisor is zero, and a divisor with which the machine does not trap."""
    zero = L.b.icmp_signed("==", y, constant(L, t, 0))
    return zero, L.select(zero, constant(L, t, 1), y)


def _signed_divisor(L: Lanes, t: DType, x: llvm.Value, y: llvm.Value) -> tuple[llvm.Value, llvm.Value, llvm.Value]:
    """As `_guarded`; for the one quotient that overflows, min / -1, the divisor 1 (whose quotient wraps alike)."""
    zero, safe = _guarded(L, t, y)
    least = constant(L, t, -(1 << (8 * t.itemsize - 1)))
    overflow = L.b.and_(L.b.icmp_signed("==", x, least), L.b.icmp_signed("==", y, constant(L, t, -1)))
    return zero, L.select(overflow, constant(L, t, 1), safe), overflow


def _ifloordiv(L: Lanes, t: DType, x: llvm.Value, y: llvm.Value) -> llvm.Value:
    """Rounds down; x // 0 is 0, as in NumPy."""
    zero, safe, _ = _signed_divisor(L, t, x, y)
    q, r = L.b.sdiv(x, safe), L.b.srem(x, safe)
    down = _adjusts(L, t, r, safe)
    floored = L.b.sub(q, L.b.zext(down, q.type))
    return L.select(zero, constant(L, t, 0), floored)


def _adjusts(L: Lanes, t: DType, r: llvm.Value, y: llvm.Value) -> llvm.Value:
    """Whether a truncated division rounded to the wrong side: its remainder's sign is not the divisor's."""
    differs = L.b.icmp_signed("<", L.b.xor(r, y), constant(L, t, 0))
    return L.b.and_(L.b.icmp_signed("!=", r, constant(L, t, 0)), differs)


def _imod(L: Lanes, t: DType, x: llvm.Value, y: llvm.Value) -> llvm.Value:
    zero, safe, overflow = _signed_divisor(L, t, x, y)
    r = L.b.srem(x, safe)
    r = L.select(_adjusts(L, t, r, safe), L.b.add(r, safe), r)
    return L.select(L.b.or_(zero, overflow), constant(L, t, 0), r)


def _ifmod(L: Lanes, t: DType, x: llvm.Value, y: llvm.Value) -> llvm.Value:
    zero, safe, overflow = _signed_divisor(L, t, x, y)
    return L.select(L.b.or_(zero, overflow), constant(L, t, 0), L.b.srem(x, safe))


def _unsigned(which: str) -> Rule:
    def rule(L: Lanes, t: DType, x: llvm.Value, y: llvm.Value) -> llvm.Value:
        zero, safe = _guarded(L, t, y)
        return L.select(zero, constant(L, t, 0), getattr(L.b, which)(x, safe))

    return rule


def _ffmod(L: Lanes, t: DType, x: llvm.Value, y: llvm.Value) -> llvm.Value:
    """C's fmod, which LLVM's frem is; lane by lane, as it calls libm."""
    return L.each(lambda a, b: L.b.frem(a, b), x, y)


def _fmod_floored(L: Lanes, t: DType, x: llvm.Value, y: llvm.Value) -> llvm.Value:
    """The remainder with the divisor's sign; zero takes it, too (NumPy's npy_divmod)."""
    r = _ffmod(L, t, x, y)
    zero = constant(L, t, 0)
    wrong = L.b.xor(L.cmp("<", r, zero), L.cmp("<", y, zero))
    r_nonzero = L.select(wrong, L.add(r, y), r)
    return L.select(L.cmp("==", r, zero), L.copysign(zero, y), r_nonzero)


def _ffloordiv(L: Lanes, t: DType, x: llvm.Value, y: llvm.Value) -> llvm.Value:
    """floor(x / y) from the exact remainder, so that it agrees with mod (NumPy's npy_divmod)."""
    zero, one = constant(L, t, 0), constant(L, t, 1)
    r = _ffmod(L, t, x, y)
    div = L.div(L.sub(x, r), y)
    wrong = L.b.and_(L.cmp("!=", r, zero), L.b.xor(L.cmp("<", r, zero), L.cmp("<", y, zero)))
    div = L.select(wrong, L.sub(div, one), div)
    down = L.floor(div)
    down = L.select(L.cmp(">", L.sub(div, down), constant(L, t, 0.5)), L.add(down, one), down)
    signed_zero = L.copysign(zero, L.div(x, y))
    result = L.select(L.cmp("!=", div, zero), down, signed_zero)
    return L.select(L.cmp("==", y, zero), L.div(x, y), result)


# powers, shifts, casts ------------------------------------------------------------------------------------------------
def _ipow(L: Lanes, t: DType, x: llvm.Value, y: llvm.Value) -> llvm.Value:
    """Integer powers by repeated squaring, wrapping; the exponent is not negative (the tracer sees to it)."""
    return L.each(lambda a, n: _scalar_ipow(L, t, a, n), x, y)


def _scalar_ipow(L: Lanes, t: DType, x: llvm.Value, n: llvm.Value) -> llvm.Value:
    b = L.b
    before = b.block
    head, body, done = (b.append_basic_block(f"pow.{k}") for k in ("head", "body", "done"))
    b.branch(head)
    b.position_at_end(head)
    acc, base, left = b.phi(x.type), b.phi(x.type), b.phi(n.type)
    b.cbranch(b.icmp_signed("==", left, n.type(0)), done, body)
    b.position_at_end(body)
    odd = b.trunc(left, I1) if n.type != I1 else left
    next_acc = b.select(odd, b.mul(acc, base), acc)
    square, half = b.mul(base, base), b.lshr(left, n.type(1))
    b.branch(head)
    for phi, first, following in ((acc, x.type(1), next_acc), (base, x, square), (left, n, half)):
        phi.add_incoming(first, before)
        phi.add_incoming(following, body)
    b.position_at_end(done)
    return acc


def _gcd(L: Lanes, t: DType, x: llvm.Value, y: llvm.Value) -> llvm.Value:
    """Euclid's algorithm on absolute values."""
    x, y = (v if t.kind == "u" else _iabs(L, t, v) for v in (x, y))
    return L.each(lambda a, n: _scalar_gcd(L, a, n), x, y)


def _scalar_gcd(L: Lanes, x: llvm.Value, y: llvm.Value) -> llvm.Value:
    b = L.b
    before = b.block
    head, body, done = (b.append_basic_block(f"gcd.{k}") for k in ("head", "body", "done"))
    b.branch(head)
    b.position_at_end(head)
    larger, smaller = b.phi(x.type), b.phi(x.type)
    b.cbranch(b.icmp_unsigned("==", smaller, x.type(0)), done, body)
    b.position_at_end(body)
    rest = b.urem(larger, smaller)
    b.branch(head)
    for phi, first, following in ((larger, x, smaller), (smaller, y, rest)):
        phi.add_incoming(first, before)
        phi.add_incoming(following, body)
    b.position_at_end(done)
    return larger


def _shift(which: str) -> Rule:
    """Shifts by the width or more give what an endless register would, as NumPy's do."""
    def rule(L: Lanes, t: DType, x: llvm.Value, n: llvm.Value) -> llvm.Value:
        bits = 8 * t.itemsize
        over = L.b.icmp_unsigned(">=", n, constant(L, t, bits))
        if which == "ashr":
            return L.b.ashr(x, L.select(over, constant(L, t, bits - 1), n))
        safe = L.select(over, constant(L, t, 0), n)
        return L.select(over, constant(L, t, 0), getattr(L.b, which)(x, safe))

    return rule


def _cast(L: Lanes, t: DType, x: llvm.Value, dtype: DType) -> llvm.Value:
    to = L.of(llvm_type(dtype))
    if t == dtype:
        return x
    if dtype.is_bool:
        return compare("!=")(L, t, x, constant(L, t, 0))
    if t.is_float and dtype.is_float:
        return (L.b.fpext if dtype.itemsize > t.itemsize else L.b.fptrunc)(x, to)
    if t.is_float:
        return _float_to_int(L, x, dtype, to)
    if dtype.is_float:
        return (L.b.sitofp if t.kind == "i" else L.b.uitofp)(x, to)
    if dtype.itemsize > t.itemsize or t.is_bool:
        return (L.b.sext if t.kind == "i" else L.b.zext)(x, to)
    return L.b.trunc(x, to) if dtype.itemsize < t.itemsize else x


def _float_to_int(L: Lanes, x: llvm.Value, dtype: DType, to: llvm.Type) -> llvm.Value:
    """Towards zero, and out of range what `converted` of the interpreter gives: the machine's answer, where C and LLVM
    leave it undefined. Narrow integers are the low bits of an i32, and unsigned ones of 32 and 64 bits the signed ones
    of as many bits, from half their range on shifted by that."""
    bits = max(8 * dtype.itemsize, 32)
    integer = L.of(llvm.IntType(bits))
    half = L.splat(x.type, 2.0 ** (bits - 1))
    if dtype.kind == "i" or dtype.itemsize < 4:
        n = _signed(L, x, integer, half)
        return L.b.trunc(n, to) if to != integer else n
    upper = L.cmp(">=", x, half)
    n = _signed(L, L.select(upper, L.sub(x, half), x), integer, half)
    return L.b.xor(n, L.select(upper, L.splat(integer, -1 << (bits - 1)), L.splat(integer, 0)))


def _signed(L: Lanes, x: llvm.Value, to: llvm.Type, bound: llvm.Constant) -> llvm.Value:
    """The integer; the least one for nan and for what is out of range."""
    return L.b.fptosi(L.select(L.cmp("<", L.abs(x), bound), x, L.neg(bound)), to)


def _nextafter(L: Lanes, t: DType, x: llvm.Value, y: llvm.Value) -> llvm.Value:
    """Step the bit pattern: up for a number moving away from zero, down towards it."""
    bits = L.of(llvm.IntType(8 * t.itemsize))
    n = L.b.bitcast(x, bits)
    away = L.b.xor(L.cmp("<", x, y), L.cmp("<", x, constant(L, t, 0)))
    moved = L.b.bitcast(L.select(away, L.b.add(n, L.splat(bits, 1)), L.b.sub(n, L.splat(bits, 1))), x.type)
    tiny = L.copysign(L.b.bitcast(L.splat(bits, 1), x.type), y)
    moved = L.select(L.cmp("==", x, constant(L, t, 0)), tiny, moved)
    moved = L.select(L.cmp("==", x, y), y, moved)
    return L.select(L.b.or_(L.isnan(x), L.isnan(y)), L.add(x, y), moved)


def vector_math(name: str) -> Rule:
    """A function of the vector math library, one private LLVM function for each width that a module uses."""
    def rule(L: Lanes, t: DType, *args: llvm.Value) -> llvm.Value:
        from .. import vecmath
        return private(L, name, vecmath.FUNCTIONS[name], args)

    return rule


def private(L: Lanes, name: str, body: Callable[..., Any], args: Sequence[llvm.Value],
            results: int = 1) -> llvm.Value:
    """A call of the module's own function of that name, made at its first use; several results come as a structure."""
    symbol = f"gradjit.{name}.{suffix_of(args[0].type)}"
    fn = L.b.module.function(symbol)
    if fn is None:
        one = args[0].type
        returned = one if results == 1 else llvm.StructType([one] * results)
        kind = llvm.FunctionType(returned, [a.type for a in args])
        fn = llvm.Function(L.b.module, kind, symbol, "internal", ("alwaysinline", "nounwind"))
        inner = llvm.IRBuilder(fn.append_basic_block("entry"))
        out = body(Lanes.like(inner, fn.args[0]), *fn.args)
        if results > 1:
            parts, out = out, llvm.Constant(returned, llvm.UNDEFINED)
            for k in range(results):
                out = inner.insert_value(out, parts[k], k)
        inner.ret(out)
    return L.b.call(fn, args)


def sine_and_cosine(L: Lanes, x: llvm.Value) -> tuple[llvm.Value, llvm.Value]:
    """Both, of which the reduction is shared."""
    from ..vecmath.trigonometric import sincos
    both = private(L, "sincos", sincos, [x], results=2)
    return L.b.extract_value(both, 0), L.b.extract_value(both, 1)


def _squared_hypot(L: Lanes, t: DType, x: llvm.Value, y: llvm.Value) -> llvm.Value:
    infinity = constant(L, t, float("inf"))
    either = L.b.or_(L.cmp("==", L.abs(x), infinity), L.cmp("==", L.abs(y), infinity))
    return L.select(either, infinity, L.fma(x, x, L.b.fmul(y, y)))


def _squared_root(L: Lanes, t: DType, x: llvm.Value) -> llvm.Value:
    root = EMIT["sqrt"](L, t, x)
    return L.b.fmul(root, root)


VECTOR_MATH = ("exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "cbrt", "sin", "cos", "tan", "arcsin", "arccos",
               "arctan", "sinh", "cosh", "tanh", "arcsinh", "arccosh", "arctanh", "arctan2", "logaddexp", "logaddexp2",
               "hypot")

EMIT: dict[str, Rule] = {
    **{n: vector_math(n) for n in VECTOR_MATH},
    "sqrt": intrinsic("llvm.sqrt"), "squared_root": _squared_root,
    "floor": intrinsic("llvm.floor"), "ceil": intrinsic("llvm.ceil"),
    "trunc": intrinsic("llvm.trunc"), "rint": intrinsic("llvm.rint"), "copysign": intrinsic("llvm.copysign"),
    "neg": by_kind(lambda L, t, x: L.b.fneg(x), lambda L, t, x: L.b.neg(x)),
    "abs": by_kind(intrinsic("llvm.fabs"), _iabs),
    "sign": by_kind(_fsign, _isign),
    "add": by_kind(lambda L, t, x, y: L.b.fadd(x, y), lambda L, t, x, y: L.b.add(x, y)),
    "sub": by_kind(lambda L, t, x, y: L.b.fsub(x, y), lambda L, t, x, y: L.b.sub(x, y)),
    "mul": by_kind(lambda L, t, x, y: L.b.fmul(x, y), lambda L, t, x, y: L.b.mul(x, y)),
    "fma": lambda L, t, x, y, z: L.fma(x, y, z),
    "squared_hypot": _squared_hypot,
    "div": by_kind(lambda L, t, x, y: L.b.fdiv(x, y)),
    "floordiv": by_kind(_ffloordiv, _ifloordiv, _unsigned("udiv")),
    "mod": by_kind(_fmod_floored, _imod, _unsigned("urem")),
    "fmod": by_kind(_ffmod, _ifmod, _unsigned("urem")),
    "pow": by_kind(vector_math("pow"), _ipow),
    "maximum": _extreme(">"), "minimum": _extreme("<"), "fmax": _fextreme(">"), "fmin": _fextreme("<"),
    **{n: compare(op) for n, op in
       {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}.items()},
    "and": lambda L, t, x, y: L.b.and_(x, y),
    "or": lambda L, t, x, y: L.b.or_(x, y),
    "xor": lambda L, t, x, y: L.b.xor(x, y),
    "not": lambda L, t, x: L.b.not_(x),
    "gcd": _gcd,
    "shl": _shift("shl"),
    "shr": by_kind(None, _shift("ashr"), _shift("lshr")),
    "isnan": lambda L, t, x: L.isnan(x),
    "isinf": lambda L, t, x: L.cmp("==", L.abs(x), constant(L, t, float("inf"))),
    "isfinite": lambda L, t, x: L.cmp("<", L.abs(x), constant(L, t, float("inf"))),
    "signbit": _signbit,
    "nextafter": _nextafter,
    "select": lambda L, t, m, x, y: L.select(m, x, y),
    "cast": _cast,
    "bitcast": lambda L, t, x, dtype: L.b.bitcast(x, L.of(llvm_type(dtype))),
}
# `stop_gradient`, `barrier` and `copy_to` are the identity and dissolve before code is emitted (Elements.apply).
