"""LLVM IR as our builder writes it: LLVM reads it, and it means what the builder says."""

from __future__ import annotations

import ctypes
import threading

import numpy as np
import pytest

from gradjit.codegen import llvm
from gradjit.runtime.jit import compile_module

I1, I8, I32, I64 = (llvm.IntType(n) for n in (1, 8, 32, 64))
F16, F32, F64, PTR, VOID = (t() for t in (llvm.HalfType, llvm.FloatType, llvm.DoubleType, llvm.PointerType,
                                          llvm.VoidType))
C_TYPES = {I64: ctypes.c_int64, I32: ctypes.c_int32, F64: ctypes.c_double, PTR: ctypes.c_void_p, VOID: None}


def run(result, parameters, body, *args):
    """What a function gives that `body(builder, *its arguments)` emits."""
    module = llvm.Module("test")
    f = llvm.Function(module, llvm.FunctionType(result, parameters), "f")
    body(llvm.IRBuilder(f.append_basic_block("entry")), *f.args)
    code = compile_module(module, {})
    called = ctypes.CFUNCTYPE(C_TYPES[result], *[C_TYPES[t] for t in parameters])(code.addresses["f"])
    return called(*args)


# types and constants --------------------------------------------------------------------------------------------------
def test_equal_types_are_one_object() -> None:
    assert llvm.IntType(64) is I64 and llvm.VectorType(F64, 8) is llvm.VectorType(F64, 8)
    assert llvm.StructType([I64, F64]) is llvm.StructType((I64, F64)) is not llvm.StructType([F64, I64])
    assert llvm.FunctionType(I32, [PTR]) is llvm.FunctionType(I32, (PTR,)) is not llvm.FunctionType(I32, [])


def test_types_made_by_threads_at_once_are_one_object() -> None:
    found: list[llvm.Type] = []
    threads = [threading.Thread(target=lambda: found.append(llvm.VectorType(llvm.IntType(51), 77))) for _ in range(9)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(found) == 9 and len(set(map(id, found))) == 1


@pytest.mark.parametrize("x", [0.0, -0.0, 1.0, 0.1, -1e308, 5e-324, np.inf, -np.inf, np.nan, np.pi])
def test_real_constants(x: float) -> None:
    got = run(F64, [], lambda b: b.ret(F64(x)))
    assert np.float64(got).tobytes() == np.float64(x).tobytes()
    with np.errstate(over="ignore"):
        single = float(np.float32(x))
    assert np.array_equal(run(F64, [], lambda b: b.ret(b.fpext(F32(single), F64))), single, equal_nan=True)


def test_half_constants_are_rounded() -> None:
    assert run(F64, [], lambda b: b.ret(b.fpext(F16(0.1), F64))) == float(np.float16(0.1))


@pytest.mark.parametrize("n", [0, 1, -1, 2**63 - 1, -2**63, True])
def test_integer_constants(n: int) -> None:
    assert run(I64, [], lambda b: b.ret(I64(n))) == int(n)


def test_constants_of_zero_bits() -> None:
    assert [t(None).ref for t in (I64, F64, PTR, llvm.VectorType(F64, 2))] == ["0", "0.0", "null", "zeroinitializer"]
    assert I64(llvm.UNDEFINED).ref == "undef" and llvm.Constant(I64, 3) == I64(3) != I32(3)


def test_constant_data() -> None:
    """Bytes of every value, in an array that is read back."""
    every = bytes(range(256))

    def body(b: llvm.IRBuilder, k: llvm.Value) -> None:
        kind = llvm.ArrayType(I8, 256)
        table = llvm.GlobalVariable(b.module, kind, "table with \"odd\" name \\", kind(every), linkage="internal",
                                    is_constant=True, align=64)
        b.ret(b.zext(b.load(b.gep(table, [k], of=I8), I8), I64))

    assert [run(I64, [I64], body, k) for k in (0, 34, 92, 127, 255)] == [0, 34, 92, 127, 255]


@pytest.mark.parametrize("make", [
    lambda: llvm.VectorType(F64, 2)([1.0]), lambda: llvm.StructType([I64])([1, 2]),
    lambda: llvm.ArrayType(I64, 1)([F64(1.0)]), lambda: VOID(1),
])
def test_constants_that_do_not_fit(make) -> None:
    with pytest.raises((ValueError, TypeError)):
        make()


# instructions ---------------------------------------------------------------------------------------------------------
BINARY = {"add": 17, "sub": 7, "mul": 60, "udiv": 2, "sdiv": 2, "urem": 2, "srem": 2, "shl": 12 << 5, "lshr": 0,
          "ashr": 0, "and_": 4, "or_": 13, "xor": 9}


@pytest.mark.parametrize("name", BINARY)
def test_integer_arithmetic(name: str) -> None:
    assert run(I64, [I64, I64], lambda b, x, y: b.ret(getattr(b, name)(x, y)), 12, 5) == BINARY[name]


@pytest.mark.parametrize(("name", "want"), [("fadd", 9.5), ("fsub", 4.5), ("fmul", 17.5), ("fdiv", 2.8), ("frem", 2.0)])
def test_real_arithmetic(name: str, want: float) -> None:
    assert run(F64, [F64, F64], lambda b, x, y: b.ret(getattr(b, name)(x, y)), 7.0, 2.5) == want


@pytest.mark.parametrize("op", ["==", "!=", "<", "<=", ">", ">="])
@pytest.mark.parametrize(("x", "y"), [(1, 2), (2, 1), (1, 1), (-1, 1)])
def test_comparisons(op: str, x: int, y: int) -> None:
    def whether(compare, t):
        def body(b, p, q):
            b.ret(b.zext(getattr(b, compare)(op, p, q), I64))

        return run(I64, [t, t], body, x, y)

    want = eval(f"{x} {op} {y}")
    assert whether("icmp_signed", I64) == want == whether("fcmp_ordered", F64) == whether("fcmp_unordered", F64)
    assert whether("icmp_unsigned", I64) == eval(f"{x % 2**64} {op} {y % 2**64}")


def test_comparisons_with_nan() -> None:
    def ordered(b, x):
        b.ret(b.zext(b.fcmp_ordered("==", x, x), I64))

    def unordered(b, x):
        b.ret(b.zext(b.fcmp_unordered("!=", x, x), I64))

    assert run(I64, [F64], ordered, np.nan) == 0 and run(I64, [F64], unordered, np.nan) == 1


def test_vectors() -> None:
    """The sum of x * [1, 2, 3, 4], the last lane negated, reversed, by lanes."""
    def body(b: llvm.IRBuilder, x: llvm.Value) -> None:
        four = llvm.VectorType(F64, 4)
        one = b.insert_element(four(llvm.UNDEFINED), x, I32(0))
        all_ = b.shuffle_vector(one, four(llvm.UNDEFINED), llvm.VectorType(I32, 4)([0] * 4))
        v = b.fmul(all_, four([1.0, 2.0, 3.0, F64(4.0)]))
        last = b.icmp_signed("==", llvm.VectorType(I64, 4)([0, 1, 2, 3]), llvm.VectorType(I64, 4)([3] * 4))
        v = b.select(b.not_(b.not_(last)), b.fneg(v), v)
        total: llvm.Value = F64(0.0)
        for k in (3, 2, 1, 0):
            total = b.fadd(total, b.extract_element(b.freeze(v), I32(k)))
        b.ret(total)

    assert run(F64, [F64], body, 10.0) == 10 * (1 + 2 + 3 - 4)


def test_memory_and_atomics() -> None:
    def body(b: llvm.IRBuilder, n: llvm.Value) -> None:
        row = b.alloca(I64, size=3, align=16)
        b.store(n, row, align=16)
        second = b.gep(row, [I64(1)], of=I64, inbounds=True)
        b.store_atomic(b.load(row, I64), second, "seq_cst", 8)
        before = b.atomic_rmw("add", second, I64(5), "seq_cst")
        swapped = b.cmpxchg(second, b.add(before, I64(5)), I64(100), "seq_cst")
        known = b.load_atomic(second, "seq_cst", 8, I64)
        b.ret(b.add(known, b.add(b.extract_value(swapped, 0), b.zext(b.extract_value(swapped, 1), I64))))

    assert run(I64, [I64], body, 7) == 100 + 12 + 1


def test_loops_switches_and_rare_blocks() -> None:
    """The sum of 0 ... n - 1, of which 3 counts tenfold and 5 nothing."""
    def body(b: llvm.IRBuilder, n: llvm.Value) -> None:
        entry, loop, ten, none, on, done = (b.block, *(b.append_basic_block("loop") for _ in range(5)))
        total = b.alloca(I64)
        b.store(I64(0), total)
        b.branch(loop)
        b.position_at_end(loop)
        k = b.phi(I64)
        k.add_incoming(I64(0), entry)
        choice = b.switch(k, on)
        choice.add_case(I64(3), ten)
        choice.add_case(I64(5), none)
        b.position_at_end(ten)
        b.branch(on)
        b.position_at_end(none)
        b.branch(on)
        b.position_at_end(on)
        factor = b.phi(I64)
        for value, block in ((1, loop), (10, ten), (0, none)):
            factor.add_incoming(I64(value), block)
        with b.if_rare(b.icmp_signed("!=", factor, I64(0))):
            b.store(b.add(b.load(total, I64), b.mul(k, factor, "nsw")), total)
        following = b.add(k, I64(1), flags="nuw nsw")
        k.add_incoming(following, b.block)
        b.cbranch(b.icmp_signed("<", following, n), loop, done, (9, 1))
        b.position_at_end(done)
        b.ret(b.load(total, I64))

    assert run(I64, [I64], body, 8) == sum(range(8)) + 27 - 5


def test_calls() -> None:
    """A function of the module, an intrinsic, a computed address, code of several parts."""
    def body(b: llvm.IRBuilder, x: llvm.Value) -> None:
        kind = llvm.FunctionType(llvm.StructType([F64, I64]), [F64])
        own = llvm.Function(b.module, kind, "own", "internal", ("noinline", "nounwind"))
        inner = llvm.IRBuilder(own.append_basic_block())
        both = inner.insert_value(kind.result(llvm.UNDEFINED), own.args[0], 0)
        inner.ret(inner.insert_value(both, I64(2), 1))
        root = b.module.declared("llvm.sqrt.f64", llvm.FunctionType(F64, [F64]))
        assert b.module.declared("llvm.sqrt.f64", llvm.FunctionType(F64, [F64])) is root
        parts = b.call(llvm.FunctionPointer(own.ref, kind), [b.call(root, [x])])
        b.ret(b.fmul(b.extract_value(parts, 0), b.sitofp(b.extract_value(parts, 1), F64)))

    assert run(F64, [F64], body, 9.0) == 6.0


@pytest.mark.parametrize("wrong", [
    lambda b, n, x: b.add(n, x), lambda b, n, x: b.fmul(x, n), lambda b, n, x: b.icmp_signed("<", n, x),
    lambda b, n, x: b.select(I1(1), n, x), lambda b, n, x: b.load(n, I64), lambda b, n, x: b.store(x, n),
    lambda b, n, x: b.call(b.module.declared("g", llvm.FunctionType(VOID, [I64])), [x]),
    lambda b, n, x: b.call(b.module.declared("g", llvm.FunctionType(VOID, [I64])), []),
    lambda b, n, x: b.phi(I64).add_incoming(x, b.block),
    lambda b, n, x: b.insert_value(llvm.StructType([I64])(llvm.UNDEFINED), x, 0),
])
def test_operands_of_other_types(wrong) -> None:
    with pytest.raises(TypeError):
        run(I64, [I64, F64], wrong, 1, 1.0)


def test_blocks_end_once() -> None:
    def body(b: llvm.IRBuilder) -> None:
        b.ret_void()
        b.ret_void()

    with pytest.raises(AssertionError, match="gone on from entry already"):
        run(VOID, [], body)


def test_names_are_made_unique() -> None:
    module = llvm.Module()
    for want in ("table", "table.1", "table.2"):
        assert module.unused("table") == want
        llvm.GlobalVariable(module, I64, want)
    assert module.variable("table.1") is not None and module.function("other") is None
    assert str(module) == str(module)
