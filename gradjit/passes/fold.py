"""Constant folding, through the reference meaning of each operation and never through a second one."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..ir import OPS, ArrayType, Func, Memory, Op, Value
from ..ir.sizes import is_open

LARGEST_FREE = 16
"""A folded array may have this many elements, or as many as the literals that it is made of: code does not grow."""
LARGEST_READ = 4096
"""An operation that reads more elements than this is left to the compiled code."""

"""What these make of a repeated number is that number in another shape, known or symbolic."""


def literal_of(v: Value) -> np.ndarray | None:
    """The literal of a constant: 0-d where one number is repeated over the shape."""
    op = v.owner
    return op.attrs["value"] if type(op) is Op and op.name == "const" else None


def splat_of(v: Value) -> Any:
    """The number that a constant repeats over its shape; None for every other value."""
    op = v.owner
    if type(op) is Op and op.name == "const":
        value = op.attrs["value"]
        return None if value.ndim else value[()]
    return None


def compact(a: np.ndarray) -> np.ndarray:
    """0-d where all elements agree in every bit."""
    if a.ndim and a.size:
        first = a.ravel()[:1]
        if a.tobytes() == first.tobytes() * a.size:
            return first.reshape(())
    return a


def fold(name: str, args: tuple[Value, ...], attrs: dict[str, Any], t: ArrayType) -> np.ndarray | None:
    """The literal that an operation on constants gives, in its compact form; None where it is not folded.

    An operation whose meaning raises (a constant index out of range) is left to run time.
    """
    if name == "const":
        return None
    if 0 in t.shape:
        return np.zeros((), t.dtype.np)
    literals = []
    for a in args:
        op = a.owner
        if type(op) is not Op or op.name != "const":
            return None
        literals.append(op.attrs["value"])
    if OPS[name].is_pinned or OPS[name].calls_user or OPS[name].memory is Memory.SOURCE:
        return None
    if OPS[name].memory is Memory.VIEW and not literals[0].ndim:
        return literals[0]
    if any(type(v) is Value for a in attrs.values() if type(a) is tuple for v in a):
        return None
    if not OPS[name].pointwise or any(x.ndim for x in literals):
        if not small_enough(args, literals, t):
            return None
        literals = [np.broadcast_to(x, a.type.extents) for x, a in zip(literals, args, strict=True)]
    meaning = OPS[name].evaluate
    assert meaning is not None
    try:
        return compact(np.asarray(meaning(*literals, **attrs), t.dtype.np))
    except (ArithmeticError, ValueError, IndexError):
        return None


def small_enough(args: tuple[Value, ...], literals: list[np.ndarray], t: ArrayType) -> bool:
    """Whether operands and result have known extents and few enough elements."""
    if any(is_open(e) or not isinstance(e, int) for x in (t, *(a.type for a in args)) for e in x.shape):
        return False
    grows = t.size > max(LARGEST_FREE, sum(x.size for x in literals if x.ndim))
    return not grows and all(a.type.size <= LARGEST_READ for a in args)


def fold_constants(func: Func) -> Func:
    """The function with operations on constants replaced by their results. `func` is not changed."""
    from .rewriter import Rewriter
    return Rewriter(fold=True, share=False).run(func)
