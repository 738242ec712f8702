"""A compiled function as a plain callable on arrays: for tests, `gradjit run`, wherever a call may cost microseconds.

What users call goes through the C-level entry instead (`entry`, `support`).
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gradjit.codegen import Check, Lowered, Program, assemble, lower
from gradjit.errors import ArgumentError, DtypeError, ShapeError, UnsupportedError
from gradjit.ir import Func
from gradjit.ir.insert_checks import insert_checks
from gradjit.ir.size_conditions import Opening, opening, solved
from gradjit.ir.sizes import Dim, Size
from gradjit.runtime import externals, support
from gradjit.runtime.jit import MachineCode, compile_module

ALIGN = 64


class BoundKernel:
    """A kernel that is linked into this process, called with arrays that have been looked at already."""

    def __init__(self, symbol: str, code: MachineCode, takes: int, checks: Sequence[Check],
                 workspace_bytes: int, alone: bool = False) -> None:
        """takes: how many sizes, inputs and outputs. alone: the kernel runs without the GIL; it must not call what
        raises Python's exceptions."""
        self.code = code
        self.checks = checks
        self.workspace_bytes = workspace_bytes
        kind = ctypes.CFUNCTYPE if alone else ctypes.PYFUNCTYPE  # through the second, exceptions pass
        self._run = kind(ctypes.c_int32, *[ctypes.c_void_p] * (takes + 1))(code.addresses[symbol])

    def run(self, dims: Mapping[Dim, int], sizes: Sequence[Dim], inputs: Sequence[np.ndarray],
            outputs: Sequence[np.ndarray]) -> None:
        """Fill the outputs. Raises the error of a check that fails, MemoryError, KeyboardInterrupt."""
        open_ = [np.array(dims[d], np.int64) for d in sizes]
        (workspace_bytes,) = at((self.workspace_bytes,), dims)
        workspace = np.empty(workspace_bytes + ALIGN, np.uint8)
        aligned = -(-workspace.ctypes.data // ALIGN) * ALIGN
        status = self._run(*(a.ctypes.data for a in (*open_, *inputs, *outputs)), aligned)
        if status == support.OUT_OF_MEMORY:
            raise MemoryError(support.NO_ROOM)
        if status == support.INTERRUPTED:
            raise KeyboardInterrupt
        if status > 0:
            check = self.checks[status - 1]
            end = aligned + workspace_bytes
            index, extent = (ctypes.c_int64 * 2).from_address(end - 16) if check.is_described else (0, 0)
            raise check.error(check.describe(index, extent))


class Kernel:
    """A kernel compiled for this machine. Calling it with one array for each input gives the list of results."""

    def __init__(self, lowered: Lowered) -> None:
        self.lowered = lowered
        symbols = externals.addresses(self.lowered.externals, self.lowered.objects)
        self.code = compile_module(self.lowered.module, symbols, pipeline=self.lowered.pipeline,
                                   outlined=self.lowered.outlined)
        p = self.lowered.program
        takes = len(p.sizes) + len(p.inputs) + len(p.outputs)
        self.bound = BoundKernel(lowered.kernel.name, self.code, takes, lowered.checks, lowered.workspace_bytes)

    def __call__(self, *args: Any) -> list[np.ndarray]:
        """The results as fresh arrays.

        Raises DtypeError or ShapeError for arguments of other types than the parameters', the error of a check that
        fails (BoundsError for a computed index out of range), MemoryError.
        """
        p = self.lowered.program
        if len(args) != len(p.inputs):
            raise ArgumentError(f"@{p.name} takes {len(p.inputs)} arguments, got {len(args)}")
        dims = self.sizes(args)
        inputs = [_input(a, at(b.shape, dims), b.dtype.np) for a, b in zip(args, p.inputs, strict=True)]
        outputs = [np.empty(at(b.shape, dims), b.dtype.np) for b in p.outputs]
        self.bound.run(dims, p.sizes, inputs, outputs)
        return outputs

    def sizes(self, args: Sequence[Any]) -> dict[Dim, int]:
        """The open extents that the arguments have, which must meet what was concluded of them."""
        p = self.lowered.program
        if not p.sizes:
            return {}
        shapes = [np.shape(a) for a in args]
        wanted = [b.shape for b in p.inputs]
        if any(len(s) != len(t) for s, t in zip(shapes, wanted, strict=True)):
            raise ShapeError(f"@{p.name} takes arrays of other ranks than {shapes}")
        dims = solved((e, n) for s, t in zip(shapes, wanted, strict=True) for e, n in zip(t, s, strict=True))
        if dims is None or set(p.sizes) - set(dims):
            raise ShapeError(f"the shapes {shapes} are none that @{p.name} takes: {wanted}")
        for c in p.conditions:
            if not c.holds(dims) and not c.is_preference:
                raise ShapeError(f"@{p.name} was compiled for {c.words}")
        return dims


def at(extents: Sequence[int], dims: Mapping[Dim, int]) -> tuple[int, ...]:
    """Extents with numbers for the dims."""
    return tuple(e.at(dims) if type(e) is Size else e for e in extents)


def _input(a: Any, shape: Sequence[int], dtype: np.dtype) -> np.ndarray:
    array = np.asarray(a)
    if array.dtype != dtype:
        raise DtypeError(f"expected an array of dtype {dtype}, got {array.dtype}")
    if array.shape != tuple(shape):
        raise ShapeError(f"expected an array of shape {tuple(shape)}, got {array.shape}")
    return np.require(array, requirements=["C", "A"])


def compile_func(func: Func) -> Kernel:
    """Compile a verified function of the array IR as it stands: no pass runs over it. What it does at computed places
    is not taken on trust, as it may come from text: what is not proven is checked when it runs."""
    if not all(v.type.is_static for v in (*func.params, *func.results)):
        raise UnsupportedError(f"@{func.name} takes or gives arrays whose extents are not known; the interpreter "
                               f"runs it")
    with opening(Opening()) as concluded:
        lowered = lower(insert_checks(func))
    lowered.program.conditions = list(concluded.conditions)
    return Kernel(lowered)


def compile_program(program: Program) -> Kernel:
    """Compile loop nests, with inputs in row-major order, as they stand. What comes from text is verified, and has run
    in the interpreter, which looks at each address, before it is called."""
    return Kernel(assemble(program))
