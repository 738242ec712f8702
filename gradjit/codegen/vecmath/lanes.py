"""Arithmetic on lanes: one vocabulary for scalars and vectors of LLVM values.

Every function of the vector math library is written once against `Lanes` and emitted either as a scalar (width 1,
LLVM type `double`) or as a vector (`<8 x double>`). The code is straight-line; a rare case that cannot be computed
branch-free (the reduction of a huge argument of `sin`) goes through `rarely`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradjit.codegen.vecmath import outlined

from .. import llvm

F32, F64 = llvm.FloatType(), llvm.DoubleType()
I1, I32, I64 = llvm.IntType(1), llvm.IntType(32), llvm.IntType(64)
_SUFFIX = {"float": "f32", "double": "f64", "i1": "i1", "i8": "i8", "i16": "i16", "i32": "i32", "i64": "i64"}


def element_of(t: llvm.Type) -> llvm.Type:
    """The lane type of a scalar or vector type."""
    return t.element if isinstance(t, llvm.VectorType) else t


def width_of(t: llvm.Type) -> int:
    """The number of lanes; 1 for a scalar."""
    return t.count if isinstance(t, llvm.VectorType) else 1


def suffix_of(t: llvm.Type) -> str:
    """The type's name in an overloaded intrinsic: f64, v8f64, v16i32, ..."""
    base = _SUFFIX[str(element_of(t))]
    return f"v{t.count}{base}" if isinstance(t, llvm.VectorType) else base


class Lanes:
    """A builder for values that all have `width` lanes. Float constants take the type of `like`'s lanes."""

    def __init__(self, builder: llvm.IRBuilder, width: int, double: bool):
        self.b = builder
        self.width = width
        self.double = double
        self.float = self.of(F64 if double else F32)
        self.int = self.of(I64 if double else I32)  # the integer as wide as the float
        self.mask = self.of(I1)

    @staticmethod
    def like(builder: llvm.IRBuilder, value: llvm.Value) -> Lanes:
        """The lanes in which `value` (a float scalar or vector) lives."""
        return Lanes(builder, width_of(value.type), element_of(value.type) == F64)

    def of(self, element: llvm.Type) -> llvm.Type:
        return element if self.width == 1 else llvm.VectorType(element, self.width)

    # constants ------------------------------------------------------------------------------------------------------
    def splat(self, t: llvm.Type, value: Any) -> llvm.Constant:
        return llvm.Constant(t, [value] * t.count if isinstance(t, llvm.VectorType) else value)

    def f(self, value: float) -> llvm.Constant:
        """The float constant `value` in every lane (rounded to float32 in float32 lanes)."""
        return self.splat(self.float, float(value) if self.double else float(np.float32(value)))

    def i(self, value: int) -> llvm.Constant:
        """The integer constant `value`, as wide as the float."""
        return self.splat(self.int, value)

    def choose(self, double: Any, single: Any) -> Any:
        """`double` in float64 lanes, `single` in float32 lanes: tables of constants."""
        return double if self.double else single

    @property
    def mantissa_bits(self) -> int:
        """Stored bits of the significand: the exponent field begins here."""
        return 52 if self.double else 23

    # float arithmetic -----------------------------------------------------------------------------------------------
    def add(self, x, y): return self.b.fadd(x, y)
    def sub(self, x, y): return self.b.fsub(x, y)
    def mul(self, x, y): return self.b.fmul(x, y)
    def div(self, x, y): return self.b.fdiv(x, y)
    def neg(self, x): return self.b.fneg(x)

    def fma(self, x, y, z):
        """x*y + z, rounded once."""
        return self.intrinsic("llvm.fma", [x, y, z])

    def abs(self, x): return self.intrinsic("llvm.fabs", [x])
    def sqrt(self, x): return self.intrinsic("llvm.sqrt", [x])
    def copysign(self, x, sign): return self.intrinsic("llvm.copysign", [x, sign])
    def rint(self, x): return self.intrinsic("llvm.rint", [x])
    def floor(self, x): return self.intrinsic("llvm.floor", [x])
    def trunc(self, x): return self.intrinsic("llvm.trunc", [x])
    def ceil(self, x): return self.intrinsic("llvm.ceil", [x])

    def minnum(self, x, y): return self.intrinsic("llvm.minnum", [x, y])
    def maxnum(self, x, y): return self.intrinsic("llvm.maxnum", [x, y])

    def polynomial(self, x, coefficients):
        """c[0] + c[1]*x + c[2]*x**2 + ... by Horner's rule with fused multiply-adds."""
        acc = self.f(coefficients[-1])
        for c in reversed(coefficients[:-1]):
            acc = self.fma(acc, x, self.f(c))
        return acc

    def polynomial_split(self, x, coefficients):
        """As `polynomial`, by two Horner chains in x**2 side by side: half the latency for one multiplication more."""
        square = self.mul(x, x)
        even, odd = self.polynomial(square, coefficients[::2]), self.polynomial(square, coefficients[1::2])
        return self.fma(odd, x, even)

    # comparison and choice ------------------------------------------------------------------------------------------
    def cmp(self, op: str, x, y):
        """Ordered comparison (`==`, `<`, ...): false for nan, except `!=`, which is true for nan."""
        return (self.b.fcmp_unordered if op == "!=" else self.b.fcmp_ordered)(op, x, y)

    def isnan(self, x: llvm.Value) -> llvm.Value: return self.b.fcmp_unordered("uno", x, x)
    def icmp(self, op: str, x, y): return self.b.icmp_signed(op, x, y)
    def select(self, mask, x, y): return self.b.select(mask, x, y)
    def any(self, mask: llvm.Value) -> llvm.Value:
        """One i1: whether any lane of `mask` is set."""
        return mask if self.width == 1 else self.intrinsic("llvm.vector.reduce.or", [mask], result=I1)

    # bits -----------------------------------------------------------------------------------------------------------
    def bits(self, x): return self.b.bitcast(x, self.int)
    def from_bits(self, n): return self.b.bitcast(n, self.float)
    def to_int(self, x): return self.b.fptosi(x, self.int)
    def to_float(self, n): return self.b.sitofp(n, self.float)
    def iadd(self, x, y): return self.b.add(x, y)
    def isub(self, x, y): return self.b.sub(x, y)
    def imul(self, x, y): return self.b.mul(x, y)
    def iand(self, x, y): return self.b.and_(x, y)
    def ior(self, x, y): return self.b.or_(x, y)
    def ixor(self, x, y): return self.b.xor(x, y)
    def shl(self, x, n): return self.b.shl(x, n)
    def lshr(self, x, n): return self.b.lshr(x, n)
    def ashr(self, x, n): return self.b.ashr(x, n)

    # plumbing -------------------------------------------------------------------------------------------------------
    def intrinsic(self, name: str, args, result: llvm.Type | None = None):
        """Call the overloaded intrinsic `name`, mangled with the first argument's type."""
        t = args[0].type
        fn = self.declare(f"{name}.{suffix_of(t)}", result or t, [a.type for a in args])
        return self.b.call(fn, args)

    def declare(self, name: str, result: llvm.Type, args) -> llvm.Function:
        """The declaration of an external function in the module being built."""
        module = self.b.module
        return module.declared(name, llvm.FunctionType(result, args))

    def each(self, fn: Callable[..., llvm.Value], *args):
        """Apply a scalar emitter lane by lane: `fn(scalar, ...) -> scalar`. For calls into libm and SciPy."""
        if self.width == 1:
            return fn(*args)
        out: llvm.Value | None = None
        for k in range(self.width):
            lane = I32(k)
            r = fn(*[self.b.extract_element(a, lane) for a in args])
            before = out if out is not None else llvm.Constant(self.of(r.type), llvm.UNDEFINED)
            out = self.b.insert_element(before, r, lane)
        return out

    def call(self, name: str, *args):
        """The external function `name` of scalars, lane by lane: one that `symbols.resolve` knows."""
        def scalar(*lanes):
            return self.b.call(self.declare(name, lanes[0].type, [a.type for a in lanes]), lanes)
        return self.each(scalar, *args)

    def outlined(self, name: str, fn: Callable[..., llvm.Value], *args):
        """`fn(L, *args)` as a function of its own, which kernels share: see `outlined`."""
        def body(inner: llvm.IRBuilder) -> llvm.Value:
            given = inner.function.args
            return fn(Lanes.like(inner, given[0]), *given)

        types = [a.type for a in args]
        function = outlined.declared(self.b.module, f"{name}.{suffix_of(types[0])}", types[0], types, body)
        return self.b.call(function, args)

    def widened(self, fn: Callable[..., llvm.Value], *args):
        """`fn(L, *args)` computed in float64 lanes, the result rounded to these lanes' type."""
        if self.double:
            return fn(self, *args)
        wide = Lanes(self.b, self.width, True)
        return self.b.fptrunc(fn(wide, *[self.b.fpext(a, wide.float) for a in args]), self.float)

    def rarely(self, condition, usual, remedy: Callable[[], llvm.Value]):
        """`usual`, or `remedy()` computed behind a branch when any lane of `condition` is set (a cold block)."""
        return self.rarely_all(condition, [usual], lambda: [remedy()])[0]

    def rarely_all(self, condition, usual: Sequence[llvm.Value], remedy: Callable[[], Sequence[llvm.Value]]):
        """As `rarely`, for several values that share one branch."""
        before = self.b.block
        with self.b.if_rare(self.any(condition)):
            mended = [self.b.select(condition, m, u) for m, u in zip(remedy(), usual, strict=True)]
            cold = self.b.block
        merged = []
        for u, m in zip(usual, mended, strict=True):
            phi = self.b.phi(u.type)
            phi.add_incoming(u, before)
            phi.add_incoming(m, cold)
            merged.append(phi)
        return merged
