"""What it costs to keep a value, and to compute it once more: the scales on which residuals are weighed.

One unit is one cheap operation on one element. Keeping a number costs its bytes: it is written, lies in memory that
other work could use, and is read. So up to eight additions are rather done again than a double kept; an `exp` is kept.
"""

from __future__ import annotations

from math import prod
from typing import Any

from ...ir import OPS, ArrayType, For, Op, walk
from ..fold import splat_of

UNKNOWN_EXTENT = 32
"""What an extent is taken for that is known only when the program runs."""
UNKNOWN_TURNS = 64

QUOTIENT, DEAR, SEARCH = 4, 24, 64
BY_NAME: dict[str, int] = {
    **dict.fromkeys(("broadcast", "reshape", "transpose", "const", "iota"), 0),
    **dict.fromkeys(("div", "sqrt", "mod", "fmod", "floordiv", "hypot"), QUOTIENT),
    **dict.fromkeys(("exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "pow", "cbrt", "sin", "cos", "tan",
                     "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh", "arcsinh", "arccosh", "arctanh", "arctan2",
                     "logaddexp", "logaddexp2"), DEAR),
    **dict.fromkeys(("sort", "argsort"), SEARCH),
}
"""The work for an element of the result, where it is not that of an addition."""


def elements(t: ArrayType) -> int:
    return prod(e if isinstance(e, int) else UNKNOWN_EXTENT for e in t.shape)


def size(t: ArrayType) -> int:
    """About how many bytes a value of this type has."""
    return elements(t) * t.dtype.itemsize


def work(op: Op) -> int:
    """About how much it takes to do an operation without regions again."""
    if op.name == "call":
        return sum(work(inner) for inner in walk(op.attrs["callee"].body) if not inner.regions)
    each = BY_NAME.get(op.name, DEAR if OPS[op.name].family == "special" else 1)
    count = elements(op.results[0].type)
    if op.name == "contract":
        x = op.operands[0].type
        return 2 * count * prod(elements(ArrayType(x.dtype, (x.shape[a],))) for a in op.attrs["xsum"])
    if OPS[op.name].family == "reduction":
        count = elements(op.operands[0].type)
    return each * count


def turns(op: Op) -> int:
    """About how often the regions of an operation run."""
    if op.name == "if":
        return 1
    bounds: list[Any] = [splat_of(v) for v in For(op).bounds] if op.name == "for" else [None]
    if any(n is None for n in bounds) or bounds[2] == 0:
        return UNKNOWN_TURNS
    return len(range(*map(int, bounds)))
