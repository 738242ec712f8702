"""Fourier transforms by the loops of NumPy's own ufuncs, `numpy.fft._pocketfft_umath`: C functions on lines.

They need no Python: they run without the GIL when NumPy calls them, keep their plans behind a lock, and take the GIL by
themselves only to report that there is no memory left.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import TYPE_CHECKING

from ...ir.sizes import is_open
from .. import llvm
from ..emit_control import when
from ..loops import Call, View
from ..vecmath.lanes import I64
from .blas import PTR, matrix, number, over

if TYPE_CHECKING:
    from ..emit import Emitter

LOOPS = "numpy.fft."
"""What the symbol of a loop begins with; then the ufunc's name and NumPy's character of the complex numbers."""


def loop_types(name: str, code: str) -> str:
    """The types of a loop, as NumPy writes them: lines, a factor, lines."""
    real = code.lower()
    first = real if name.startswith("rfft") else code
    return f"{first}{real}->{real if name == 'irfft' else code}"


def ufunc_names(call: Call) -> tuple[str, ...]:
    """The name of the ufunc; for an open length those for odd and even ones."""
    if call.routine == "fft":
        return ("ifft" if call.attrs["inverse"] else "fft",)
    if call.routine == "irfft":
        return ("irfft",)
    n = call.reads[0].shape[-1]
    both = "rfft_n_odd", "rfft_n_even"
    return both if is_open(n) else both[:1] if n % 2 else both[1:]


def transform(e: Emitter, call: Call) -> None:
    """`loop(args, dimensions, steps, data)` for all lines along the last axis of the stack."""
    (x,), (out,) = call.reads, call.writes
    size = out.buffer.dtype.itemsize
    code = {8: "D", 4: "F"}[size]
    inner, result = line_of(x, call.routine == "rfft"), line_of(out, call.routine == "irfft")
    stack = x.shape[:inner[0]]
    if 0 in x.shape or 0 in out.shape:
        return
    found = [loop_of(e, f"{LOOPS}{name}.{code}") for name in ufunc_names(call)]
    factor = number(e, llvm.DoubleType() if size == 8 else llvm.FloatType(), 1.0)
    count = stack[-1] if stack else 1
    apart = [v.strides[len(stack) - 1] * size if stack else 0 for v in (x, out)]
    dimensions = row(e, [e.number(count), e.number(inner[1]), e.number(result[1])])
    steps = row(e, [e.number(apart[0]), I64(0), e.number(apart[1]), e.number(inner[2] * size),
                    e.number(result[2] * size)])

    def lines(index: list[llvm.Value]) -> None:
        args = row(e, [e.b.ptrtoint(p, I64) for p in (matrix(e, x, index), factor, matrix(e, out, index))])
        for (loop, data), is_meant in zip(found, (is_odd, e.b.not_(is_odd)), strict=False):
            with when(e, is_meant) if len(found) > 1 else nullcontext():
                e.b.call(loop, [args, dimensions, steps, data])

    is_odd = e.b.trunc(e.number(inner[1]), llvm.IntType(1))
    over(e, stack[:-1], lines, call.work)


def loop_of(e: Emitter, symbol: str) -> tuple[llvm.Function, llvm.Value]:
    """A loop, and the data that it is called with."""
    fn = e.lanes(1).declare(symbol, llvm.VoidType(), [PTR] * 4)
    data = e.module.variable(symbol + ".data") or llvm.GlobalVariable(e.module, llvm.IntType(8), symbol + ".data")
    return fn, data


def line_of(v: View, is_real: bool) -> tuple[int, int, int]:
    """Which axis the lines run along, how long they are, and how far their elements are apart."""
    axis = len(v.shape) - (1 if is_real else 2)
    return axis, v.shape[axis], v.strides[axis]


def row(e: Emitter, words: list[llvm.Value]) -> llvm.Value:
    """Words side by side on the stack."""
    first = e.cell(llvm.ArrayType(I64, len(words)))
    for k, word in enumerate(words):
        e.b.store(word, e.b.gep(first, [I64(k)], of=I64))
    return first


ROUTINES: dict[str, Callable[[Emitter, Call], None]] = {"fft": transform, "rfft": transform, "irfft": transform}
STACKS: dict[str, Callable[[Call], int | str]] = {
    "fft": lambda call: len(call.reads[0].shape) - 2, "rfft": lambda call: len(call.reads[0].shape) - 1,
    "irfft": lambda call: len(call.writes[0].shape) - 1}

