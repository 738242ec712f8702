"""Huge arguments of sin, cos and tan: the exact remainder after division by pi/2.

The method is Payne and Hanek's ("Radian reduction for trigonometric functions", SIGNUM Newsletter 18, 1983). With
|x| = m * 2**e, only a window of the bits of 2/pi counts: those above it make multiples of 4 quadrants, those below are
too small. Of the 190 fraction bits computed, the product's truncation leaves 137 valid; the double closest to a
multiple of pi/2 has some 60 zeros there. The C library is no substitute: glibc 2.36 is wrong by 8 ulp for that double.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence

from gradjit.codegen.vecmath.lanes import F64, I1, I32, I64, Lanes, suffix_of
from gradjit.codegen.vecmath.outlined import declared

from .. import llvm

I8, I128 = llvm.IntType(8), llvm.IntType(128)
FRACTION = 190  # bits of the 192 behind the binary point: the quadrant modulo 4 stands before it
TABLE_BITS = 1216  # of 2/pi: enough for the largest exponent
TABLE_BYTES = TABLE_BITS // 8 + 16  # zeros above, for the loads of the smallest
SMALLEST = -28  # the exponent e of 2**24, below the reach of the usual reduction
HALF_PI, HALF_PI_LOW = 1.5707963267948966, 6.123233995736766e-17

Words = tuple[llvm.Value, llvm.Value, llvm.Value]
"""An integer of 192 bits, the least significant 64 first. (LLVM takes integers of that width as well, and three times
as long to compile.)"""


def reduced_exactly(L: Lanes, x: llvm.Value) -> tuple[llvm.Value, llvm.Value, llvm.Value]:
    """(n, r, t): x = n*pi/2 + r - t with |r| <= pi/4, for float64 lanes with |x| >= 2**24.

    In smaller lanes the values mean nothing; of inf and nan, r is nan.
    """
    result = llvm.StructType([L.int, L.float, L.float])
    body = _remainder if L.width == 1 else functools.partial(_remainders, L.width)
    parts = L.b.call(declared(L.b.module, f"remainder.{suffix_of(x.type)}", result, [x.type], body), [x])
    return tuple(L.b.extract_value(parts, k) for k in range(3))  # type: ignore[return-value]


def _remainders(width: int, b: llvm.IRBuilder) -> llvm.Value:
    """{quadrants, r, t} of the lanes of the function's argument, one by one."""
    L = Lanes(b, width, True)
    x, scalar = b.function.args[0], Lanes(b, 1, True)
    vectors: list[llvm.Value] = [llvm.Constant(t, llvm.UNDEFINED) for t in (L.int, L.float, L.float)]
    for lane in map(I32, range(width)):
        parts = reduced_exactly(scalar, b.extract_element(x, lane))
        vectors = [b.insert_element(v, part, lane) for v, part in zip(vectors, parts, strict=True)]
    return _struct(b, vectors)


def _remainder(b: llvm.IRBuilder) -> llvm.Value:
    """{quadrant, r, t} of the function's argument."""
    x = b.function.args[0]
    low, middle, high = _quotient(b, b.bitcast(x, I64))
    n = b.lshr(b.add(high, I64(1 << (FRACTION - 1 - 128))), I64(FRACTION - 128))
    r, t = _times_half_pi(b, (low, middle, b.sub(high, b.shl(n, I64(FRACTION - 128)))))
    negative = b.icmp_signed("<", b.bitcast(x, I64), I64(0))
    invalid = b.fsub(x, x)  # 0, or nan of inf and nan
    return _struct(b, [b.select(negative, b.neg(n), n), b.fadd(b.select(negative, b.fneg(r), r), invalid),
                       b.select(negative, b.fneg(t), t)])


def _struct(b: llvm.IRBuilder, values: Sequence[llvm.Value]) -> llvm.Value:
    result: llvm.Value = llvm.Constant(llvm.StructType([v.type for v in values]), llvm.UNDEFINED)
    for k, value in enumerate(values):
        result = b.insert_value(result, value, k)
    return result


def _quotient(b: llvm.IRBuilder, bits: llvm.Value) -> Words:
    """|x| * 2/pi modulo 4, as an integer in units of 2**-FRACTION."""
    stored = b.and_(b.lshr(bits, I64(52)), I64(0x7FF))
    exponent = b.sub(stored, I64(1075))
    exponent = b.select(b.icmp_signed("<", exponent, I64(SMALLEST)), I64(SMALLEST), exponent)
    mantissa = b.or_(b.and_(bits, I64((1 << 52) - 1)), I64(1 << 52))
    below = b.sub(I64(TABLE_BITS - FRACTION), exponent)  # bits of the table that are too small
    start = b.gep(_two_over_pi(b.module), [b.lshr(below, I64(3))], of=I8)
    table = [b.load(b.gep(start, [I64(8 * k)], of=I8), I64, align=1) for k in range(4)]
    apart = b.and_(below, I64(7))
    window = [_funnel(b, "fshr", above, word, apart) for word, above in itertools.pairwise(table)]
    low, carry = _product(b, window[0], mantissa, None)
    middle, carry = _product(b, window[1], mantissa, carry)
    return low, middle, b.add(b.mul(window[2], mantissa), carry)


def _product(b: llvm.IRBuilder, x: llvm.Value, y: llvm.Value, carry: llvm.Value | None
             ) -> tuple[llvm.Value, llvm.Value]:
    """The two words of x * y + carry."""
    wide = b.mul(b.zext(x, I128), b.zext(y, I128))
    return _parted(b, wide if carry is None else b.add(wide, b.zext(carry, I128)))


def _parted(b: llvm.IRBuilder, wide: llvm.Value) -> tuple[llvm.Value, llvm.Value]:
    return b.trunc(wide, I64), b.trunc(b.lshr(wide, I128(64)), I64)


def _funnel(b: llvm.IRBuilder, which: str, high: llvm.Value, low: llvm.Value, by: llvm.Value) -> llvm.Value:
    """The upper word of high:low shifted to the left (`fshl`), the lower one shifted to the right (`fshr`)."""
    return b.call(b.module.declared(f"llvm.{which}.i64", llvm.FunctionType(I64, [I64, I64, I64])), [high, low, by])


def _size(b: llvm.IRBuilder, words: Words) -> tuple[llvm.Value, Words]:
    """Whether a number of two's complement is negative, and how large it is."""
    signs = b.ashr(words[2], I64(63))
    carry, out = b.and_(signs, I64(1)), []
    for word in words[:2]:
        word, carry = _parted(b, b.add(b.zext(b.xor(word, signs), I128), b.zext(carry, I128)))
        out.append(word)
    return b.icmp_signed("<", words[2], I64(0)), (out[0], out[1], b.add(b.xor(words[2], signs), carry))


def _times_half_pi(b: llvm.IRBuilder, remainder: Words) -> tuple[llvm.Value, llvm.Value]:
    """(r, t) with r - t = remainder / 2**FRACTION * pi/2, the remainder's leading 106 bits taken."""
    negative, (low, middle, high) = _size(b, remainder)
    small = b.icmp_signed("==", high, I64(0))
    high, middle, low = b.select(small, middle, high), b.select(small, low, middle), b.select(small, I64(0), low)
    ctlz = b.module.declared("llvm.ctlz.i64", llvm.FunctionType(I64, [I64, I1]))
    shift = b.call(ctlz, [high, I1(False)])
    zeros = b.add(shift, b.select(small, I64(64), I64(0)))
    high, middle = _funnel(b, "fshl", high, middle, shift), _funnel(b, "fshl", middle, low, shift)
    first = b.sitofp(b.lshr(high, I64(11)), F64)
    second = b.sitofp(b.or_(b.shl(b.and_(high, I64((1 << 11) - 1)), I64(42)), b.lshr(middle, I64(22))), F64)
    # the size is (first + second * 2**-53) * 2**(139 - zeros)
    unit = b.bitcast(b.shl(b.sub(I64(1023 + 192 - 53 - FRACTION), zeros), I64(52)), F64)
    unit = b.select(negative, b.fneg(unit), unit)
    first, second = b.fmul(first, unit), b.fmul(b.fmul(second, unit), F64(2.0**-53))
    L = Lanes(b, 1, True)
    product = L.mul(first, L.f(HALF_PI))
    rest = L.fma(first, L.f(HALF_PI_LOW), L.fma(first, L.f(HALF_PI), L.neg(product)))
    rest = L.fma(second, L.f(HALF_PI), rest)
    r = L.add(product, rest)
    return r, L.sub(L.sub(r, product), rest)


def _two_over_pi(module: llvm.Module) -> llvm.GlobalVariable:
    """The table of the bits, least significant byte first as the machine's integers are."""
    name = "gradjit.two_over_pi"
    known = module.variable(name)
    if known is not None:
        return known
    table = llvm.ArrayType(I8, TABLE_BYTES)
    bits = table(two_over_pi_bits().to_bytes(TABLE_BYTES, "little"))
    return llvm.GlobalVariable(module, table, name, bits, linkage="internal", is_constant=True)


@functools.cache
def two_over_pi_bits() -> int:
    """floor(2/pi * 2**TABLE_BITS), from Machin's formula pi/4 = 4*arctan(1/5) - arctan(1/239)."""
    scale = TABLE_BITS + 64

    def arctan_of_inverse(k: int) -> int:
        total, power, odd = 0, (1 << scale) // k, 1
        while power:
            total += (power if odd % 4 == 1 else -power) // odd
            power, odd = power // (k * k), odd + 2
        return total

    half_pi = 2 * (4 * arctan_of_inverse(5) - arctan_of_inverse(239))
    return (1 << (scale + TABLE_BITS)) // half_pi
