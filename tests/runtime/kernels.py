"""Small hand-written kernels, and entries around them, for the tests of the runtime."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from gradjit.codegen import llvm
from gradjit.runtime.entry import Entry, build_entry, kernel_arguments
from gradjit.runtime.entry_spec import ArraySpec, Capture, EntrySpec, FloatSpec, OutputSpec

PTR, I8, I32, I64, F64 = llvm.PointerType(), llvm.IntType(8), llvm.IntType(32), llvm.IntType(64), llvm.DoubleType()
f8 = np.dtype("f8")
Body = Callable[[llvm.IRBuilder, Sequence[llvm.Value]], Any]


def kernel(pointers: int, body: Body, name: str = "kernel") -> tuple[llvm.Module, llvm.Function]:
    """A kernel of `pointers` pointers; `body` emits it, and returns the status (0 if it returns None)."""
    module = llvm.Module("test")
    function = llvm.Function(module, llvm.FunctionType(I32, [PTR] * pointers), name)
    builder = llvm.IRBuilder(function.append_basic_block())
    status = body(builder, function.args)
    builder.ret(llvm.Constant(I32, 0) if status is None else status)
    return module, function


def entry(spec: EntrySpec, body: Body, pipeline: str = "light") -> Entry:
    module, function = kernel(kernel_arguments(spec), body)
    return build_entry(module, function, spec, pipeline=pipeline)


@contextmanager
def loop(builder: llvm.IRBuilder, count: int):
    """Emit a loop; yields the index."""
    head, inside, done = (builder.append_basic_block() for _ in range(3))
    before = builder.block
    builder.branch(head)
    builder.position_at_end(head)
    index = builder.phi(I64)
    index.add_incoming(llvm.Constant(I64, 0), before)
    builder.cbranch(builder.icmp_signed("<", index, llvm.Constant(I64, count)), inside, done)
    builder.position_at_end(inside)
    yield index
    index.add_incoming(builder.add(index, llvm.Constant(I64, 1)), builder.block)
    builder.branch(head)
    builder.position_at_end(done)


def element(builder: llvm.IRBuilder, base: llvm.Value, index: llvm.Value, kind: llvm.Type = F64) -> llvm.Value:
    return builder.gep(base, [index], of=kind)


def square_and_slope(builder: llvm.IRBuilder, args: Sequence[llvm.Value]) -> None:
    """x, value, gradient: value = x², gradient = 2x"""
    x = builder.load(args[0], type=F64)
    builder.store(builder.fmul(x, x), args[1])
    builder.store(builder.fadd(x, x), args[2])


def sum_of_squares(count: int) -> Body:
    """x[count], value, gradient[count]: value = Σ x², gradient = 2x"""

    def body(builder: llvm.IRBuilder, args: Sequence[llvm.Value]) -> None:
        builder.store(llvm.Constant(F64, 0.0), args[1])
        with loop(builder, count) as k:
            x = builder.load(element(builder, args[0], k), type=F64)
            total = builder.fadd(builder.load(args[1], type=F64), builder.fmul(x, x))
            builder.store(total, args[1])
            builder.store(builder.fadd(x, x), element(builder, args[2], k))

    return body


def copy(bytes_: int) -> Body:
    """input, output: copies bytes"""

    def body(builder: llvm.IRBuilder, args: Sequence[llvm.Value]) -> None:
        with loop(builder, bytes_) as k:
            builder.store(builder.load(element(builder, args[0], k, I8), type=I8), element(builder, args[1], k, I8))

    return body


def do_nothing(builder: llvm.IRBuilder, args: Sequence[llvm.Value]) -> None:
    pass


def scalar_entry() -> Entry:
    """`x: float -> (x², 2x)`"""
    return entry(EntrySpec((FloatSpec(),), (OutputSpec(f8, ()),) * 2, (0, 1)), square_and_slope)


def array_entry(count: int = 3, **more: Any) -> Entry:
    """`x: f64[count] -> (Σ x², 2x)`"""
    outputs = (OutputSpec(f8, ()), OutputSpec(f8, (count,)))
    return entry(EntrySpec((ArraySpec(f8, (count,)),), outputs, (0, 1), **more), sum_of_squares(count))


def accepts(*parameters: Any, captured: tuple[Capture, ...] = (), guards: tuple[Any, ...] = ()) -> Entry:
    """An entry that returns None for every call that its checks let through."""
    return entry(EntrySpec(parameters, (), None, captured=captured, guards=guards), do_nothing)
