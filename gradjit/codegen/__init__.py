"""IR in, machine code out: loop nests, LLVM emission, vector math, BLAS calls.

`lower(func)` takes an optimised function of the array IR to an LLVM module with one kernel. On the way: `buffers`
(which arrays stand in memory, and where), `nests` (the program's parts as loops; for each part `tasks`, what gets
memory for a while, and the nest or call that fills it, `schedule`, which tasks share loops, `memory`, what is kept,
what is computed twice, and `generate`). Then the passes of `loop_pipeline`, and `emit` (LLVM).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import field

from ..ir import OPS, Func
from ..ir.clone import dims_of
from ..records import dataclass
from . import llvm
from .buffers import BufferProgram, to_buffers
from .cores import CoresEntry, cores_entries
from .emit import Emitted, emit
from .failures import RECORD_BYTES, Check, record_offset
from .loop_passes import statements
from .loop_pipeline import run_loop_passes
from .loops import Chunks, Program, Repeat, Store, inner
from .nests import nests
from .symbolic import reckoned
from .target import Machine, this_machine
from .vecmath.outlined import needed, undefined

Layouts = Sequence[tuple[int, ...] | None]


@dataclass
class Lowered:
    """A function as LLVM IR. `kernel` is `i32 name(ptr input..., ptr output..., ptr workspace)`."""

    program: Program
    module: llvm.Module
    kernel: llvm.Function
    checks: tuple[Check, ...]
    workspace_bytes: int
    work: float  # a rough count of element operations: what a call costs
    externals: tuple[str, ...] = field(default=())  # symbols that the JIT must resolve
    outlined: tuple[str, ...] = field(default=())  # modules that are linked to this one, as text
    pipeline: str = "light"  # how LLVM is to optimise it
    objects: tuple[object, ...] = field(default=())  # Python objects among the symbols, by position
    seconds: dict[str, float] = field(default_factory=dict)  # of each step, by name
    cores: tuple[CoresEntry, ...] = ()  # which long loops run on all cores
    buffers: BufferProgram | None = None  # on the way: the arrays and where they stand

    @property
    def loops(self) -> str:
        """The loop nests as text."""
        return str(self.program)


def lower(func: Func, layouts: Layouts = ()) -> Lowered:
    """Loop nests and LLVM IR for a function whose extents are known or open: the kernel takes those that
    are open by pointers before the others, in the order of `program.sizes`.

    layouts: for each parameter its strides in elements (negative and zero ones, too), or None for row-major order.
    """
    seconds: dict[str, float] = {}
    buffers = to_buffers(func, layouts, seconds)
    program = loops_of(buffers, this_machine(), seconds)
    chunks = any(isinstance(s, Chunks) for s in statements(program.body))
    lowered = assemble(program, LOOPS if chunks else work_of(func), seconds)
    lowered.buffers = buffers
    return lowered


def lower_loops(func: Func, layouts: Layouts = (), machine: Machine | None = None,
                seconds: dict[str, float] | None = None) -> Program:
    """The loop nests that compute `func`, for a machine (this one).

    layouts: for each parameter its strides in elements, or None (and for those left out) for row-major order.
    seconds: the time of each step is added here by name.
    """
    seconds = {} if seconds is None else seconds
    return loops_of(to_buffers(func, layouts, seconds), machine or this_machine(), seconds)


def loops_of(buffers: BufferProgram, machine: Machine, seconds: dict[str, float]) -> Program:
    """The loop nests of a program whose arrays stand in memory."""
    start = time.perf_counter()
    program = nests(buffers)
    program.sizes = dims_of(buffers.func)
    seconds["nests"] = time.perf_counter() - start
    return run_loop_passes(program, machine, seconds)


def assemble(program: Program, work: float = 0.0, seconds: dict[str, float] | None = None) -> Lowered:
    """LLVM IR for loop nests; `work` is a rough count of element operations."""
    start = time.perf_counter()
    emitted = emit(program)
    seconds = {**(seconds or {}), "emit": time.perf_counter() - start}
    outlined, functions = needed(undefined(emitted.module))
    return Lowered(program, emitted.module, emitted.kernel, emitted.checks, workspace_of(emitted), work,
                   (*functions, *named_objects(emitted.module)), tuple(o.text for o in outlined), pipeline_for(program),
                   emitted.objects, seconds, tuple(cores_entries(program)))


def pipeline_for(program: Program) -> str:
    """LLVM's vectoriser of loops is for innermost loops of the program itself that store along memory."""
    for s in statements(program.body):
        if isinstance(s, Repeat) and not any(inner(x) for x in s.body):
            if any(isinstance(x, Store) and s.var in x.address.vars for x in s.body):
                return "loops"
    return "light"


def workspace_of(emitted: Emitted) -> int:
    """The bytes of the workspace; the record of a failure stands in the last of them."""
    size = emitted.program.workspace_bytes
    return record_offset(size) + RECORD_BYTES if any(c.is_described for c in emitted.checks) else size


LOOPS = 1e9
"""The work of a program with loops, whose trip counts are often not known."""


def work_of(func: Func) -> float:
    """Elements computed by all operations, products counted by their multiplications. Loops count as long."""
    if any(op.regions or OPS[op.name].family in ("tape", "effects") or not all(r.type.is_static for r in op.results)
           for op in func.ops):
        return LOOPS
    total = 0.0
    for op in func.ops:
        size = float(max((reckoned(r.type.size) for r in op.results), default=0))
        if op.name == "contract":
            x = op.operands[0].type
            for a in op.attrs["xsum"]:
                size *= reckoned(x.extents[a])
        elif op.operands:
            size = max(size, *(float(reckoned(o.type.size)) for o in op.operands))
        total += size
    return total


def named_objects(module: llvm.Module) -> tuple[str, ...]:
    """The Python objects that the module names."""
    variables = (g for g in module.globals.values() if isinstance(g, llvm.GlobalVariable))
    return tuple(g.name for g in variables if g.initializer is None)


__all__ = ["BufferProgram", "Check", "CoresEntry", "Emitted", "Lowered", "Program", "assemble", "loops_of", "lower",
           "lower_loops"]
