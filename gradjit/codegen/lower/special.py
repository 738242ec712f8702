"""The machine code of special functions."""

from __future__ import annotations

from ...ir import DType
from ...ir.ops.special_functions import UfuncLoop, found, loop_of
from .. import llvm
from ..vecmath.lanes import F32, F64, I64, Lanes, element_of, suffix_of
from .elementwise import Rule, vector_math

BYTE = llvm.IntType(8)
PTR = llvm.PointerType()


def _polygamma(L: Lanes, t: DType, x: llvm.Value, order: int) -> llvm.Value:
    from ..vecmath import special
    return special.polygamma(L, x, order)


# SciPy's loops --------------------------------------------------------------------------------------------------------
def _special_call(L: Lanes, t: DType, *args: llvm.Value, function: str, result: int = 0) -> llvm.Value:
    """A function of SciPy's: its own loop over the lanes. One function of the module for each width and result."""
    symbol = f"gradjit.{function}.{result}.{'.'.join(suffix_of(a.type) for a in args)}"
    fn = L.b.module.function(symbol)
    if fn is None:
        floating = next(a.type for a in args if element_of(a.type) in (F32, F64))
        kind = llvm.FunctionType(floating, [a.type for a in args])
        fn = llvm.Function(L.b.module, kind, symbol, "internal", ("noinline", "nounwind"))
        _fill(fn, function, result, L.width)
    return L.b.call(fn, args)


def _fill(fn: llvm.Function, function: str, result: int, width: int) -> None:
    """The body: the lanes go into memory, the loop runs over them, the result's lanes are read."""
    codes = [{F32: "f", F64: "d", I64: "l"}[element_of(a.type)] for a in fn.args]
    loop = loop_of(found(function), codes)
    b = llvm.IRBuilder(fn.append_basic_block("entry"))
    real = element_of(fn.function_type.result)
    planes: list[tuple[llvm.Value, int]] = []  # where a result's lanes begin, and how far apart they stand
    pointers: list[llvm.Value] = []
    steps: list[int] = []
    left = list(fn.args)
    for code in loop.inputs + loop.outputs:
        parts = 2 if code in "FD" else 1
        is_input = len(pointers) < len(loop.inputs)
        values = [left.pop(0) for _ in range(parts)] if is_input else []
        t = element_of(values[0].type) if values else real
        memory = b.alloca(t, size=parts * width)
        for k, v in enumerate(values):
            _spread(b, memory, v, k, parts, width)
        if not is_input:
            planes += [(b.gep(memory, [I64(k)], of=t), parts) for k in range(parts)]
        pointers.append(memory)
        steps.append(parts * (4 if t == F32 else 8))
    _run(b, function, loop, pointers, steps, width)
    place, step = planes[result]
    b.ret(_gathered(b, place, real, step, width))


def _spread(b: llvm.IRBuilder, memory: llvm.Value, v: llvm.Value, first: int, step: int, width: int) -> None:
    for lane in range(width):
        one = v if width == 1 else b.extract_element(v, llvm.IntType(32)(lane))
        b.store(one, b.gep(memory, [I64(first + lane * step)], of=one.type))


def _gathered(b: llvm.IRBuilder, place: llvm.Value, t: llvm.Type, step: int, width: int) -> llvm.Value:
    lanes = [b.load(b.gep(place, [I64(k * step)], of=t), t) for k in range(width)]
    if width == 1:
        return lanes[0]
    out: llvm.Value = llvm.Constant(llvm.VectorType(t, width), llvm.UNDEFINED)
    for k, v in enumerate(lanes):
        out = b.insert_element(out, v, llvm.IntType(32)(k))
    return out


def _run(b: llvm.IRBuilder, function: str, loop: UfuncLoop, pointers: list[llvm.Value], steps: list[int], width: int
         ) -> None:
    """`loop(args, &count, steps, data)`, as NumPy calls it."""
    args = b.alloca(PTR, size=len(pointers))
    strides = b.alloca(I64, size=len(steps))
    count = b.alloca(I64)
    for k, (p, s) in enumerate(zip(pointers, steps, strict=True)):
        b.store(p, b.gep(args, [I64(k)], of=PTR))
        b.store(I64(s), b.gep(strides, [I64(k)], of=I64))
    b.store(I64(width), count)
    name = loop.symbol(function)
    callee = b.module.declared(name, llvm.FunctionType(llvm.VoidType(), [PTR] * 4))
    data = b.module.variable(name + ".data") or llvm.GlobalVariable(b.module, BYTE, name + ".data")
    b.call(callee, [args, count, strides, data])


EMIT: dict[str, Rule] = {
    **{n: vector_math(n) for n in ("erf", "erfc", "erfinv", "expit", "gammaln", "digamma")},
    "polygamma": _polygamma,
    "special_call": _special_call,
}
