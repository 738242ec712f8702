"""Elementary functions as straight-line LLVM IR, for scalars and for vectors of any width.

`FUNCTIONS` maps a name to an emitter `fn(L: Lanes, x, ...) -> llvm.Value`; `emit` calls one on LLVM values. The emitted
code is IEEE arithmetic with explicit fused multiply-adds: it must not be compiled with fast-math flags. A value is
computed with the same bits in every lane, width and position. Special values are those of NumPy. Error bounds stand in
each function's docstring, in ulps of the result's binade, and are measured in tests/vecmath.
"""

from __future__ import annotations

from collections.abc import Callable

from gradjit.codegen.vecmath import exponential, logarithm, power, special, trigonometric
from gradjit.codegen.vecmath.lanes import Lanes

from .. import llvm

FUNCTIONS: dict[str, Callable[..., llvm.Value]] = {
    **exponential.FUNCTIONS,
    **logarithm.FUNCTIONS,
    **power.FUNCTIONS,
    **trigonometric.FUNCTIONS,
    **special.FUNCTIONS,
}


def emit(name: str, builder: llvm.IRBuilder, *args: llvm.Value) -> llvm.Value:
    """Emit the function `name` of `args` (float or double scalars or vectors, all of one type) at the builder.

    Raises KeyError if there is no such function and ValueError if the types differ.
    """
    if len({str(a.type) for a in args}) != 1:
        raise ValueError(f"{name}: operands of different types: {', '.join(str(a.type) for a in args)}")
    return FUNCTIONS[name](Lanes.like(builder, args[0]), *args)


__all__ = ["FUNCTIONS", "Lanes", "emit"]
