"""How reductions combine: two partial results, and the lanes of a vector."""

from __future__ import annotations

from collections.abc import Callable

from ...ir import DType
from .. import llvm
from ..vecmath.lanes import Lanes, element_of, suffix_of, width_of
from .elementwise import EMIT

# Reduction -> the operation on two values, the intrinsic over a vector's lanes (f, signed, unsigned or bool).
TABLE: dict[str, tuple[str, dict[str, str]]] = {
    "sum": ("add", {"f": "fadd", "i": "add", "u": "add"}),
    "cumsum": ("add", {"f": "fadd", "i": "add", "u": "add"}),
    "prod": ("mul", {"f": "fmul", "i": "mul", "u": "mul"}),
    "max": ("maximum", {"f": "", "i": "smax", "u": "umax", "b": "or"}),
    "min": ("minimum", {"f": "", "i": "smin", "u": "umin", "b": "and"}),
    "any": ("or", {"b": "or"}),
    "all": ("and", {"b": "and"}),
}


def combine(L: Lanes, how: str, t: DType, x: llvm.Value, y: llvm.Value) -> llvm.Value:
    """Two partial results as one. The order inside a reduction is ours to choose, and LLVM keeps it."""
    return EMIT[TABLE[how][0]](L, t, x, y)


def across(L: Lanes, how: str, t: DType, v: llvm.Value) -> llvm.Value:
    """The lanes of a vector combined, by halves."""
    name = TABLE[how][1][t.kind]
    if not name or name.startswith("f"):
        return _by_halves(L, how, t, v)
    fn = L.declare(f"llvm.vector.reduce.{name}.{suffix_of(v.type)}", element_of(v.type), [v.type])
    return L.b.call(fn, [v])


def _by_halves(L: Lanes, how: str, t: DType, v: llvm.Value) -> llvm.Value:
    """((a+e)+(c+g)) + ((b+f)+(d+h)): log2(width) steps, and nan travels as it does between two values."""
    n = width_of(v.type)
    while n > 1:
        n //= 2
        undefined = llvm.Constant(v.type, llvm.UNDEFINED)

        def half(first: int, n: int = n, v: llvm.Value = v, undefined: llvm.Constant = undefined) -> llvm.Value:
            mask = llvm.Constant(llvm.VectorType(llvm.IntType(32), n), list(range(first, first + n)))
            return L.b.shuffle_vector(v, undefined, mask)

        if n == 1:
            i = llvm.IntType(32)
            return combine(L, how, t, L.b.extract_element(v, i(0)), L.b.extract_element(v, i(1)))
        v = combine(L, how, t, half(0), half(n))
    return v


Combine = Callable[[Lanes, str, DType, llvm.Value, llvm.Value], llvm.Value]
