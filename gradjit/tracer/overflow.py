"""Python's integers have no bound, those of compiled code have 64 bits: what may go beyond is checked when it runs.

    f *= k   -->   %f2 = mul %f, %k;  assert |float(%f) * float(%k)| < 2**63

What surely does not (`ir/widths.py`) is not checked: counters, extents and what is computed of them by ordinary
arithmetic. A short loop of known length runs iteration by iteration instead, where its integers are numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ..ir import Op, Value
from ..ir.sizes import is_open
from ..ir.types import I64
from ..ir.widths import CARRIED, INT, Width, added, shifted
from . import extents as ext, operands as o
from .array import PYTHON, TracedArray, root
from .recorder import current
from .structures import unrolled_for
from .ufuncs import compute

MESSAGE = ("an int goes beyond 64 bits, which bound the integers of compiled code; compute with floats here: 3.0 ** n, "
           "or a product that begins with 1.0")
TURNS = 40
"""A loop of at most so many iterations is unrolled for integers that it counts or carries."""
LIMIT = 9.2e18
"""A little below 2**63: products of floats are rounded."""


def check(ufunc: np.ufunc, operands: Sequence[TracedArray], result: TracedArray) -> None:
    """Behind an operation on Python's integers that gives one."""
    rule = RULES.get(ufunc)
    if rule is None or result.is_known or result.ndim or result.ir_dtype != I64:
        return
    may_take, holds = rule
    if may_take(*operands) <= INT or is_proven(result):
        return
    unrolled_for([x.value for x in operands if not x.is_known], MESSAGE, TURNS)
    o.require(holds(*operands, result), MESSAGE, "ConversionError")


def check_carried(final: Value) -> None:
    """In front of the end of a loop's body, which carries this into the next iteration."""
    end = root(final, current(), PYTHON)
    if end.ndim or end.ir_dtype != I64 or width(end) <= CARRIED or is_proven(end):
        return
    unrolled_for(current().builder.block.params, MESSAGE, TURNS)
    o.require(_both(_is("greater", end, -2**CARRIED), _is("less", end, 2**CARRIED)), MESSAGE, "ConversionError")


def is_check(op: Op) -> bool:
    """Whether an operation is one of these checks."""
    return op.attrs.get("message") == MESSAGE


def is_proven(x: TracedArray) -> bool:
    """Whether x surely stays within 64 bits: then what is known of it is noted as its width, too."""
    least, most = ext.interval(x)
    if least is None or most is None or least <= -2**INT or most >= 2**INT:
        return False
    if not is_open(least) and not is_open(most):  # (of which the number of bits is not known)
        ext.integers().widths.known[x.value] = max(least.bit_length(), most.bit_length())
    return True


def width(x: TracedArray) -> Width:
    """The bits that it may take."""
    return int(x.known).bit_length() if x.known is not None else ext.integers().widths.of(x.value)


# what each operation may give, and whether it is that ----------------------------------------------------------------
def _is(comparison: str, x: TracedArray, n: int) -> TracedArray:
    return compute(getattr(np, comparison), [x, o.as_traced(n)])


def _both(a: TracedArray, b: TracedArray) -> TracedArray:
    return o.emit("and", a, b)


def _sum_holds(x: TracedArray, y: TracedArray, total: TracedArray) -> TracedArray:
    """Two of one sign have no sum of the other."""
    return _is("greater_equal", o.emit("and", o.emit("xor", x, total), o.emit("xor", y, total)), 0)


def _difference_holds(x: TracedArray, y: TracedArray, left: TracedArray) -> TracedArray:
    return _is("greater_equal", o.emit("and", o.emit("xor", x, y), o.emit("xor", x, left)), 0)


def _by_floats(operation: str) -> Callable[..., TracedArray]:
    def holds(x: TracedArray, y: TracedArray, _: TracedArray) -> TracedArray:
        size = o.emit("abs", o.emit(operation, o.cast(x, np.float64), o.cast(y, np.float64)))
        return compute(np.less, [size, o.as_traced(LIMIT)])

    return holds


def _shift_holds(x: TracedArray, count: TracedArray, shifted: TracedArray) -> TracedArray:
    """What is shifted back is there again."""
    back = compute(np.equal, [o.emit("shr", shifted, count), x])
    return _both(back, _is("less", count, 64))


def _sum_width(x: TracedArray, y: TracedArray) -> Width:
    return added(width(x), width(y))


def _shift_width(x: TracedArray, count: TracedArray) -> Width:
    return shifted(width(x), None if count.known is None else int(count.known))


def _power_width(x: TracedArray, n: TracedArray) -> Width:
    most = int(n.known) if n.known is not None else ext.interval(n)[1]
    if x.known is not None and abs(int(x.known)) <= 1:
        return 1
    return width(x) * (2**INT if most is None else max(most, 1))


RULES: dict[np.ufunc, tuple[Callable[..., Width], Callable[..., TracedArray]]] = {
    np.add: (_sum_width, _sum_holds), np.subtract: (_sum_width, _difference_holds),
    np.multiply: (lambda x, y: width(x) + width(y), _by_floats("mul")),
    np.power: (_power_width, _by_floats("pow")), np.left_shift: (_shift_width, _shift_holds),
}
"""By operation on integers: the bits that a result may take, and the condition that it is right."""
