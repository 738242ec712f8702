"""Huge arguments of sin, cos and tan: the exact remainder after division by pi/2.

The method is Payne and Hanek's ("Radian reduction for trigonometric functions", SIGNUM Newsletter 18, 1983). With
|x| = m * 2**e, only a window of the bits of 2/pi counts: those above it make multiples of 4 quadrants, those below are
too small. Of the 190 fraction bits computed, the product's truncation leaves 137 valid; the double closest to a
multiple of pi/2 has some 60 zeros there. The C library is no substitute: glibc 2.36 is wrong by 8 ulp for that double.
"""

from __future__ import annotations

import functools

from gradjit.codegen.vecmath.lanes import F64, I1, I32, I64, Lanes
from gradjit.codegen.vecmath.outlined import declared

from .. import llvm

I8, I192, I256 = llvm.IntType(8), llvm.IntType(192), llvm.IntType(256)
RESULT = llvm.StructType([I64, F64, F64])
FRACTION = 190  # bits of the 192 behind the binary point: the quadrant modulo 4 stands before it
TABLE_BITS = 1216  # of 2/pi: enough for the largest exponent
TABLE_BYTES = TABLE_BITS // 8 + 16  # zeros above, for the loads of the smallest
SMALLEST = -28  # the exponent e of 2**24, below the reach of the usual reduction
HALF_PI, HALF_PI_LOW = 1.5707963267948966, 6.123233995736766e-17


def reduced_exactly(L: Lanes, x: llvm.Value) -> tuple[llvm.Value, llvm.Value, llvm.Value]:
    """(n, r, t): x = n*pi/2 + r - t with |r| <= pi/4, for float64 lanes with |x| >= 2**24.

    In smaller lanes the values mean nothing; of inf and nan, r is nan.
    """
    function = _scalar_reduction(L.b.module)
    if L.width == 1:
        parts = L.b.call(function, [x])
        return tuple(L.b.extract_value(parts, k) for k in range(3))  # type: ignore[return-value]
    vectors: list[llvm.Value] = [llvm.Constant(t, llvm.UNDEFINED) for t in (L.int, L.float, L.float)]
    for lane in range(L.width):
        parts = L.b.call(function, [L.b.extract_element(x, I32(lane))])
        vectors = [L.b.insert_element(v, L.b.extract_value(parts, k), I32(lane)) for k, v in enumerate(vectors)]
    return vectors[0], vectors[1], vectors[2]


def _scalar_reduction(module: llvm.Module) -> llvm.Function:
    """The function double -> {quadrant, r, t}."""
    return declared(module, "remainder", RESULT, [F64], _remainder)


def _remainder(b: llvm.IRBuilder) -> llvm.Value:
    """{quadrant, r, t} of the function's argument."""
    x = b.function.args[0]
    quotient = _quotient(b, b.bitcast(x, I64))
    quadrant = b.lshr(b.add(quotient, I192(1 << (FRACTION - 1))), I192(FRACTION))
    remainder = b.sub(quotient, b.shl(quadrant, I192(FRACTION)))
    r, t = _times_half_pi(b, remainder)
    n, negative = b.trunc(quadrant, I64), b.icmp_signed("<", b.bitcast(x, I64), I64(0))
    invalid = b.fsub(x, x)  # 0, or nan of inf and nan
    values = [b.select(negative, b.neg(n), n), b.fadd(b.select(negative, b.fneg(r), r), invalid),
              b.select(negative, b.fneg(t), t)]
    result: llvm.Value = llvm.Constant(RESULT, llvm.UNDEFINED)
    for k, value in enumerate(values):
        result = b.insert_value(result, value, k)
    return result


def _quotient(b: llvm.IRBuilder, bits: llvm.Value) -> llvm.Value:
    """|x| * 2/pi modulo 4, as an integer in units of 2**-FRACTION."""
    stored = b.and_(b.lshr(bits, I64(52)), I64(0x7FF))
    exponent = b.sub(stored, I64(1075))
    exponent = b.select(b.icmp_signed("<", exponent, I64(SMALLEST)), I64(SMALLEST), exponent)
    mantissa = b.or_(b.and_(bits, I64((1 << 52) - 1)), I64(1 << 52))
    below = b.sub(I64(TABLE_BITS - FRACTION), exponent)  # bits of the table that are too small
    start = b.gep(_two_over_pi(b.module), [b.lshr(below, I64(3))], of=I8)
    window = b.load(start, I256, align=1)
    window = b.trunc(b.lshr(window, b.zext(b.and_(below, I64(7)), I256)), I192)
    return b.mul(window, b.zext(mantissa, I192))


def _times_half_pi(b: llvm.IRBuilder, remainder: llvm.Value) -> tuple[llvm.Value, llvm.Value]:
    """(r, t) with r - t = remainder / 2**FRACTION * pi/2, the remainder's leading 106 bits taken."""
    negative = b.icmp_signed("<", remainder, I192(0))
    size = b.select(negative, b.neg(remainder), remainder)
    ctlz = b.module.declared("llvm.ctlz.i192", llvm.FunctionType(I192, [I192, I1]))
    zeros = b.call(ctlz, [size, I1(False)])
    size, zeros = b.shl(size, zeros), b.trunc(zeros, I64)
    high = b.uitofp(b.trunc(b.lshr(size, I192(192 - 53)), I64), F64)
    low = b.uitofp(b.and_(b.trunc(b.lshr(size, I192(192 - 106)), I64), I64((1 << 53) - 1)), F64)
    # size = (high + low * 2**-53) * 2**(139 - zeros)
    unit = b.bitcast(b.shl(b.sub(I64(1023 + 192 - 53 - FRACTION), zeros), I64(52)), F64)
    unit = b.select(negative, b.fneg(unit), unit)
    high, low = b.fmul(high, unit), b.fmul(b.fmul(low, unit), F64(2.0**-53))
    L = Lanes(b, 1, True)
    product = L.mul(high, L.f(HALF_PI))
    rest = L.fma(high, L.f(HALF_PI_LOW), L.fma(high, L.f(HALF_PI), L.neg(product)))
    rest = L.fma(low, L.f(HALF_PI), rest)
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
