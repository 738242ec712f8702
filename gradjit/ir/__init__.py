"""What a program is: types, operations, builder, printer, parser, verifier, interpreter. Knows no LLVM."""

from __future__ import annotations

from .builder import Builder
from .core import Block, Func, Loc, Module, Op, Value, called, captures, walk
from .interpreter import interpret
from .ops import OPS, Fails, Memory, OpSpec, Sign, Slope, can_fail
from .ops.control import For, If, Loop, While, is_loop
from .parser import parse
from .printer import print_func, print_module
from .types import (
    BOOL,
    C64,
    C128,
    DTYPES,
    F32,
    F64,
    I8,
    I16,
    I32,
    I64,
    INDEX,
    TAPE,
    U8,
    U16,
    U32,
    U64,
    ArrayType,
    DType,
    dtype_of,
    type_of,
)
from .verifier import verify

__all__ = [
    "ArrayType", "BOOL", "Block", "Builder", "C128", "C64", "DTYPES", "DType", "F32", "F64", "Fails", "For", "Func",
    "I16", "I32", "I64", "I8", "INDEX", "If", "Loc", "Loop", "Memory", "Module", "OPS", "Op", "OpSpec", "Sign", "Slope",
    "TAPE", "U16", "U32", "U64", "U8", "Value", "While", "called", "can_fail", "captures", "dtype_of", "interpret",
    "is_loop", "parse", "print_func", "print_module", "type_of", "verify", "walk",
]
