"""Code that asks the processor which it is, and chooses among kernels by that."""

from __future__ import annotations

from collections.abc import Sequence

from gradjit.codegen import llvm
from gradjit.runtime.c_function import I32, I64, CFunction, i32
from gradjit.runtime.library.processors import CPUID, Processor

LEVEL = "gradjit.level"
REGISTERS = ("eax", "ebx", "ecx", "edx")
EXTENDED = 0x80000000
OSXSAVE = 27


def emit_level(module: llvm.Module, processors: Sequence[Processor]) -> None:
    """`int32_t level(void)`: 1 + the position of the best processor that this one is, or 0. It is asked once; threads
    that ask at the same time find the same."""
    frame = CFunction(module, LEVEL, "i", "")
    b = frame.builder
    if not any(p.needs for p in processors):
        b.ret(i32(len(processors)))
        frame.finish()
        return
    known = llvm.GlobalVariable(module, I32, f"{LEVEL}.known")
    known.initializer, known.linkage = llvm.Constant(I32, -1), "internal"
    found = b.load_atomic(known, "monotonic", 4, type=I32)
    ask, answer = frame.block("ask"), frame.block("answer")
    b.cbranch(b.icmp_signed(">=", found, i32(0)), answer, ask, (4000, 1))
    frame.enter(answer)
    b.ret(found)
    frame.enter(ask)
    best = _asked(frame, processors)
    b.store_atomic(best, known, "monotonic", 4)
    b.ret(best)
    frame.finish()


def _asked(frame: CFunction, processors: Sequence[Processor]) -> llvm.Value:
    b = frame.builder
    leaves = sorted({CPUID[f][0] for p in processors for f in p.needs} | {1})
    answers: dict[tuple[int, str], llvm.Value] = {}
    for leaf in leaves:
        most = b.extract_value(_cpuid(b, leaf & EXTENDED), 0)
        there = b.icmp_unsigned(">=", most, i32(leaf))
        given = _cpuid(b, leaf)
        for k, register in enumerate(REGISTERS):
            answers[leaf, register] = b.select(there, b.extract_value(given, k), i32(0))
    saved = frame.variable(llvm.Constant(I64, 0))
    look, on = frame.block("saved"), frame.block("known")
    has = b.and_(answers[1, "ecx"], i32(1 << OSXSAVE))
    b.cbranch(frame.differs(has, i32(0)), look, on)
    frame.enter(look)
    pair = b.asm(llvm.FunctionType(llvm.StructType([I32, I32]), [I32]), "xgetbv", "={ax},={dx},{cx}", [i32(0)])
    frame.store(b.zext(b.extract_value(pair, 0), I64), saved)
    frame.go(on)
    frame.enter(on)
    registers = b.trunc(frame.load(saved, 0, I64), I32)
    best: llvm.Value = i32(0)
    for k, p in enumerate(processors):
        tests = [_has(frame, registers, p.saved)] if p.saved else []
        for leaf, register in sorted({CPUID[f][:2] for f in p.needs}):
            mask = sum(1 << CPUID[f][2] for f in p.needs if CPUID[f][:2] == (leaf, register))
            tests.append(_has(frame, answers[leaf, register], mask))
        best = b.select(frame.all_of(tests), i32(k + 1), best) if tests else i32(k + 1)
    return best


def _has(frame: CFunction, word: llvm.Value, mask: int) -> llvm.Value:
    return frame.same(frame.builder.and_(word, i32(mask)), i32(mask))


def _cpuid(b: llvm.IRBuilder, leaf: int) -> llvm.Value:
    kind = llvm.FunctionType(llvm.StructType([I32] * 4), [I32, I32])
    return b.asm(kind, "cpuid", "={ax},={bx},={cx},={dx},{ax},{cx}", [i32(leaf), i32(0)])


__all__ = ["LEVEL", "emit_level"]
