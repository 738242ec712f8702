"""LLVM IR as text: modules, functions, blocks, instructions, and a builder that appends them.

An instruction is written out when it is made, and a module is the join of its lines: nothing here looks at operands
again, and with objects that keep them to be printed at the end, building takes three times as long. Types are
interned, so that equal types are one object, and those of operands are compared when an instruction is made. All else
is said by LLVM's own parser and verifier, which read the text.

The names are LLVM's. Where gradjit has the same word for its own, the class is called `LLVM...`, and exported as LLVM
has it: users write `llvm.Value`.
"""

from __future__ import annotations

from .instruction_builder import CallInstruction, FunctionPointer, IRBuilder, Phi, StackCell, Switch
from .modules import Function, GlobalVariable, LLVMBlock as Block, LLVMModule as Module
from .value_types import (
    DoubleType,
    FloatType,
    FunctionType,
    HalfType,
    IntType,
    LLVMArrayType as ArrayType,
    OpaqueType,
    PointerType,
    StructType,
    VectorType,
    VoidType,
)
from .values import UNDEFINED, Instruction, LLVMConstant as Constant, LLVMType as Type, LLVMValue as Value

__all__ = ["UNDEFINED", "ArrayType", "Block", "CallInstruction", "Constant", "DoubleType", "FloatType", "Function",
           "FunctionPointer", "FunctionType", "GlobalVariable", "HalfType", "IRBuilder", "Instruction", "IntType",
           "Module", "OpaqueType", "Phi", "PointerType", "StackCell", "StructType", "Switch", "Type", "Value",
           "VectorType", "VoidType"]
