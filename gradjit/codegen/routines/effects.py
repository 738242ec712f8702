"""What compiled code does through Python: printing, exceptions, functions that are not looked into; and assertions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ...ir import DType
from ...ir.ops.custom import FUNCTIONS
from ...ir.ops.effects import asserted
from .. import llvm
from ..emit_control import stop_if
from ..failures import Check, note
from ..loops import Call, View
from ..lower.elementwise import memory_type
from ..printing import Apply, Print, Raise, Telling
from ..vecmath.lanes import I32, I64

if TYPE_CHECKING:
    from ..emit import Emitter

PTR = llvm.PointerType()
RAISED = -1
"""What the kernel returns when Python code that it has called has raised an exception."""


def debug_print(e: Emitter, call: Call) -> None:
    """Print arrays through `format`."""
    told(e, call, lambda operands: Print(operands, call.attrs["format"], call.attrs.get("to", "")))


def raising(e: Emitter, call: Call) -> None:
    """End the program with an exception."""
    told(e, call, lambda operands: Raise(operands, call.attrs["error"], call.attrs["message"], call.loc))


def opaque(e: Emitter, call: Call) -> None:
    """What a Python function makes of arrays. Where it raises, the kernel ends."""
    views = (*call.reads, *call.writes)
    apply = Apply(tuple((v.buffer.dtype, len(v.shape)) for v in views), FUNCTIONS[call.attrs["function"]],
                  len(call.writes))
    hand_over(e, apply, [w for v in views for w in words_of(e, v, [e.number(n) for n in v.shape])])


def told(e: Emitter, call: Call, teller: Callable[[tuple[tuple[DType, int], ...]], Telling]) -> None:
    """Hand arrays to Python; where that raises, the kernel ends.

    `reads` are the arrays, then extents that are computed. `extents` are those of each array: a number, or
    ("computed", the position among the latter).
    """
    extents = call.attrs["extents"]
    arrays, computed = call.reads[:len(extents)], [loaded(e, v) for v in call.reads[len(extents):]]
    printer = teller(tuple((v.buffer.dtype, len(v.shape)) for v in arrays))
    shapes = [[I64(n) if isinstance(n, int) else computed[n[1]] for n in shape] for shape in extents]
    hand_over(e, printer, [w for v, shape in zip(arrays, shapes, strict=True) for w in words_of(e, v, shape)])


def hand_over(e: Emitter, to: Telling, found: list[llvm.Value]) -> None:
    """Call a Python object with the address of words."""
    words = e.cell(llvm.ArrayType(I64, max(len(found), 1)))
    for k, word in enumerate(found):
        e.b.store(word, e.b.gep(words, [I64(k)], of=I64))
    show = e.lanes(1).declare("gradjit_print", I32, [PTR, PTR])
    answer = e.b.call(show, [e.python_object(to), words])
    stop_if(e, e.b.icmp_signed("!=", answer, I32(0)), RAISED)


def loaded(e: Emitter, v: View) -> llvm.Value:
    """The scalar that a view shows."""
    t = v.buffer.dtype
    return e.from_memory(e.b.load(e.at(v.buffer, e.place(v.offset)), type=memory_type(t)), t)


def words_of(e: Emitter, v: View, extents: list[llvm.Value]) -> list[llvm.Value]:
    """The address of a view's first element, then extent and stride of each axis."""
    words = [e.b.ptrtoint(e.at(v.buffer, e.place(v.offset)), I64)]
    for extent, stride in zip(extents, v.strides, strict=True):
        words += [extent, e.number(stride)]
    return words


def assertion(e: Emitter, call: Call) -> None:
    """Where the condition is false the program ends with the error of the assertion."""
    (cond,) = call.reads
    holds = loaded(e, cond)
    error = asserted(call.attrs.get("error", "AssertionError"))
    check = Check(None, call.loc, call.attrs["message"], error)
    note(e, check, e.b.not_(holds))


ROUTINES: dict[str, Callable[[Emitter, Call], None]] = {
    "debug_print": debug_print, "raise": raising, "assert": assertion, "opaque": opaque,
}
