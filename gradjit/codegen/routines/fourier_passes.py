"""The passes of a Fourier transform, on several lines at once: a lane of a vector for each line.

Stockham's algorithm: a transform of n = p * m elements is n / p small ones of p elements each, whose results are
multiplied by roots of unity, and then p transforms of m elements. After a pass the elements stand so that at the end
all are in order. A pass is a function of its own for each p:

    void pass(ptr x, ptr y, i64 m, i64 s, i64 step, ptr roots)

for j < m, q < s: y[q + s*(p*j + r)] = w**(j*r) * (transform of x[q + s*(j + m*k)], k < p)[r],  w = roots[step]

An element is a vector of real parts and one of imaginary parts. roots: exp(-2 pi i k / n) for k < n.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

import numpy as np

from ...ir import DType
from .. import llvm
from ..vecmath.lanes import I32, I64, suffix_of

PTR = llvm.PointerType()
RADICES = (8, 4, 2, 3, 5, 7, 11)
"""The small transforms, the preferred ones first. One of eight elements needs more than the 16 registers that there are
where vectors have less than `WIDE` bytes."""
WIDE = 64
LONGEST = 1 << 12
"""Elements of a line at most: two copies of some lines stay in a core's own cache."""

Part = llvm.Value
Complex = tuple[Part, Part]


def is_made_of_passes(n: int) -> bool:
    """Whether there are passes for lines of n elements."""
    return 1 <= n <= LONGEST and prod(radices_of(n)) == n


def radices_of(n: int, wide: bool = False) -> list[int]:
    """The passes of a transform of n elements, as far as there are some."""
    found, left = [], n
    for p in RADICES if wide else RADICES[1:]:
        while left % p == 0:
            found.append(p)
            left //= p
    if 8 in found and 2 in found:  # 8 * 2 --> 4 * 4
        found[found.index(2)] = found[found.index(8)] = 4
    return found


def roots_of_unity(n: int, dtype: DType) -> np.ndarray:
    """exp(-2 pi i k / n) for k < n, rounded once: as pairs."""
    k = np.arange(n)
    eighth, within = np.divmod(8 * k, n)  # the angle in eighths of a turn, and what is left of it, over n
    angle = np.where(eighth % 2, n - within, within) * (np.pi / 4 / n)
    small, large = np.sin(angle), np.cos(angle)
    is_swapped = np.isin(eighth, (1, 2, 5, 6))
    re = np.where(is_swapped, small, large) * np.where(np.isin(eighth, (2, 3, 4, 5)), -1, 1)
    im = np.where(is_swapped, large, small) * np.where(eighth < 4, -1, 1)
    return np.stack([re, im], -1).astype(dtype.np)


class ComplexLanes:
    """Arithmetic of complex vectors. fuses: the machine multiplies and adds in one go."""

    def __init__(self, b: llvm.IRBuilder, kind: llvm.VectorType, fuses: bool):
        self.b, self.kind, self.fuses = b, kind, fuses

    def constant(self, x: float) -> Part:
        return llvm.Constant(self.kind, [x] * self.kind.count)

    def fma(self, x: Part, y: Part, z: Part) -> Part:
        if not self.fuses:
            return self.b.fadd(self.b.fmul(x, y), z)
        fn = self.b.module.declared(f"llvm.fma.{suffix_of(self.kind)}", llvm.FunctionType(self.kind, [self.kind] * 3))
        return self.b.call(fn, [x, y, z])

    def add(self, x: Complex, y: Complex) -> Complex:
        return self.b.fadd(x[0], y[0]), self.b.fadd(x[1], y[1])

    def sub(self, x: Complex, y: Complex) -> Complex:
        return self.b.fsub(x[0], y[0]), self.b.fsub(x[1], y[1])

    def add_turned(self, x: Complex, y: Complex) -> Complex:
        """x - i y"""
        return self.b.fadd(x[0], y[1]), self.b.fsub(x[1], y[0])

    def sub_turned(self, x: Complex, y: Complex) -> Complex:
        """x + i y"""
        return self.b.fsub(x[0], y[1]), self.b.fadd(x[1], y[0])

    def times(self, x: Complex, w: Complex) -> Complex:
        b = self.b
        return self.fma(x[0], w[0], b.fneg(b.fmul(x[1], w[1]))), self.fma(x[0], w[1], b.fmul(x[1], w[0]))

    def scaled(self, x: Complex, factor: float) -> Complex:
        return self.b.fmul(x[0], self.constant(factor)), self.b.fmul(x[1], self.constant(factor))

    def sum_of(self, first: Part, parts: Sequence[Part], factors: Sequence[float]) -> Part:
        for x, f in zip(parts, factors, strict=True):
            first = self.fma(x, self.constant(f), first)
        return first


def of_two(c: ComplexLanes, x: Sequence[Complex]) -> list[Complex]:
    return [c.add(x[0], x[1]), c.sub(x[0], x[1])]


def of_four(c: ComplexLanes, x: Sequence[Complex]) -> list[Complex]:
    even, odd = of_two(c, (x[0], x[2])), of_two(c, (x[1], x[3]))
    first, third = c.add_turned(even[1], odd[1]), c.sub_turned(even[1], odd[1])
    return [c.add(even[0], odd[0]), first, c.sub(even[0], odd[0]), third]


def of_eight(c: ComplexLanes, x: Sequence[Complex]) -> list[Complex]:
    even, odd = of_four(c, x[::2]), of_four(c, x[1::2])
    half = float(np.sqrt(0.5))
    first = c.scaled((c.b.fadd(*odd[1]), c.b.fsub(odd[1][1], odd[1][0])), half)  # (1 - i) / sqrt(2)
    third = c.scaled((c.b.fsub(odd[3][1], odd[3][0]), c.b.fadd(*odd[3])), half)  # of which the second part is negative
    return [c.add(even[0], odd[0]), c.add(even[1], first), c.add_turned(even[2], odd[2]),
            (c.b.fadd(even[3][0], third[0]), c.b.fsub(even[3][1], third[1])),
            c.sub(even[0], odd[0]), c.sub(even[1], first), c.sub_turned(even[2], odd[2]),
            (c.b.fsub(even[3][0], third[0]), c.b.fadd(even[3][1], third[1]))]


def of_odd(c: ComplexLanes, x: Sequence[Complex]) -> list[Complex]:
    """By the definition, with the elements at k and p - k taken together."""
    p = len(x)
    half = range(1, p // 2 + 1)
    sums, differences = [c.add(x[k], x[p - k]) for k in half], [c.sub(x[k], x[p - k]) for k in half]
    total = x[0]
    for s in sums:
        total = c.add(total, s)
    out: list[Complex] = [total] * p
    for r in half:
        angles = [2 * np.pi * (k * r % p) / p for k in half]
        cosines, sines = [float(np.cos(a)) for a in angles], [float(np.sin(a)) for a in angles]
        even = tuple(c.sum_of(x[0][k], [s[k] for s in sums], cosines) for k in (0, 1))
        first = tuple(c.b.fmul(differences[0][k], c.constant(sines[0])) for k in (0, 1))
        odd = tuple(c.sum_of(first[k], [d[k] for d in differences[1:]], sines[1:]) for k in (0, 1))
        out[r] = c.add_turned((even[0], even[1]), (odd[0], odd[1]))
        out[p - r] = c.sub_turned((even[0], even[1]), (odd[0], odd[1]))
    return out


SMALL: dict[int, Callable[[ComplexLanes, Sequence[Complex]], list[Complex]]] = {
    2: of_two, 4: of_four, 8: of_eight, 3: of_odd, 5: of_odd, 7: of_odd, 11: of_odd}


class _PassEmitter:
    """Emits the pass of one radix."""

    def __init__(self, fn: llvm.Function, p: int, kind: llvm.VectorType, fuses: bool):
        self.p, self.kind = p, kind
        self.x, self.y, self.m, self.s, self.step, self.roots = fn.args
        self.b = llvm.IRBuilder(fn.append_basic_block("entry"))
        self.c = ComplexLanes(self.b, kind, fuses)

    def run(self) -> None:
        b = self.b
        self.for_each(I64(0), self.s, lambda q: self.small(I64(0), q, None))
        more, done = b.append_basic_block("more"), b.append_basic_block("done")
        b.cbranch(b.icmp_signed(">", self.m, I64(1)), more, done)
        b.position_at_end(more)

        def turn(j: llvm.Value) -> None:
            factors = [self.root(b.mul(b.mul(j, I64(r)), self.step)) for r in range(1, self.p)]
            self.for_each(I64(0), self.s, lambda q: self.small(j, q, factors))

        self.for_each(I64(1), self.m, turn)
        b.branch(done)
        b.position_at_end(done)
        b.ret_void()

    def for_each(self, lo: llvm.Value, hi: llvm.Value, body: Callable[[llvm.Value], None]) -> None:
        """A loop of at least one turn."""
        b = self.b
        before, head, done = b.block, b.append_basic_block("loop"), b.append_basic_block("end")
        b.branch(head)
        b.position_at_end(head)
        k = b.phi(I64)
        k.add_incoming(lo, before)
        body(k)
        following = b.add(k, I64(1), flags="nuw nsw")
        k.add_incoming(following, b.block)
        b.cbranch(b.icmp_signed("<", following, hi), head, done)
        b.position_at_end(done)

    def root(self, k: llvm.Value) -> Complex:
        """A root of unity in all lanes."""
        t = self.kind.element
        at = self.b.gep(self.roots, [self.b.shl(k, I64(1))], of=t)
        return (self.spread(self.b.load(at, type=t)),
                self.spread(self.b.load(self.b.gep(at, [I64(1)], of=t), type=t)))

    def spread(self, x: llvm.Value) -> llvm.Value:
        one = self.b.insert_element(llvm.Constant(self.kind, llvm.UNDEFINED), x, I32(0))
        zeros = llvm.Constant(llvm.VectorType(I32, self.kind.count), [0] * self.kind.count)
        return self.b.shuffle_vector(one, llvm.Constant(self.kind, llvm.UNDEFINED), zeros)

    def small(self, j: llvm.Value, q: llvm.Value, factors: Sequence[Complex] | None) -> None:
        """One small transform."""
        b, p = self.b, self.p
        far = b.mul(self.s, self.m)
        first = b.add(q, b.mul(self.s, j))
        x = [self.taken(b.add(first, b.mul(far, I64(k)))) for k in range(p)]
        found = SMALL[p](self.c, x)
        first = b.add(q, b.mul(self.s, b.mul(j, I64(p))))
        for r, z in enumerate(found):
            self.put(b.add(first, b.mul(self.s, I64(r))), self.c.times(z, factors[r - 1]) if factors and r else z)

    def taken(self, k: llvm.Value) -> Complex:
        return (self.b.load(self.part(self.x, k, 0), type=self.kind, align=self.align),
                self.b.load(self.part(self.x, k, 1), type=self.kind, align=self.align))

    def put(self, k: llvm.Value, z: Complex) -> None:
        for which in (0, 1):
            self.b.store(z[which], self.part(self.y, k, which), align=self.align)

    @property
    def align(self) -> int:
        return 8 if isinstance(self.kind.element, llvm.DoubleType) else 4

    def part(self, base: llvm.Value, k: llvm.Value, which: int) -> llvm.Value:
        return self.b.gep(base, [self.b.add(self.b.shl(k, I64(1)), I64(which))], of=self.kind)


def pass_function(module: llvm.Module, p: int, kind: llvm.VectorType, fuses: bool) -> llvm.Function:
    """The pass of a radix, once in a module."""
    name = f"gradjit.fourier.{p}.{suffix_of(kind)}"
    known = module.function(name)
    if known is not None:
        return known
    fn = llvm.Function(module, llvm.FunctionType(llvm.VoidType(), [PTR, PTR, I64, I64, I64, PTR]), name, "internal")
    for attribute in ("nounwind", "noinline"):
        fn.attributes.add(attribute)
    for arg in (fn.args[0], fn.args[1], fn.args[5]):
        arg.attributes.append("noalias")
    _PassEmitter(fn, p, kind, fuses).run()
    return fn


def roots_table(module: llvm.Module, n: int, dtype: DType) -> llvm.Value:
    """The roots of unity, once in a module."""
    name = f"gradjit.fourier.roots.{n}.{dtype}"
    known = module.variable(name)
    if known is not None:
        return known
    raw = roots_of_unity(n, dtype).tobytes()
    data = llvm.Constant(llvm.ArrayType(llvm.IntType(8), len(raw)), raw)
    return llvm.GlobalVariable(module, data.type, name, data, linkage="internal", is_constant=True, align=64)


def transform_lanes(b: llvm.IRBuilder, n: int, dtype: DType, kind: llvm.VectorType, fuses: bool, here: llvm.Value,
                    spare: llvm.Value) -> llvm.Value:
    """Transform the lines that stand in some memory, given as much memory beside it; where they are then."""
    roots, s, left = roots_table(b.module, n, dtype), 1, n
    for p in radices_of(n, kind.count * dtype.itemsize >= WIDE):
        fn = pass_function(b.module, p, kind, fuses)
        b.call(fn, [here, spare, I64(left // p), I64(s), I64(s), roots])
        here, spare, s, left = spare, here, s * p, left // p
    return here


__all__ = ["LONGEST", "is_made_of_passes", "radices_of", "roots_of_unity", "transform_lanes"]
