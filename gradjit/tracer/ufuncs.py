"""NumPy's ufuncs on traced arrays: which dtypes the loop has, broadcasting, `out=`, `where=`, `dtype=`, and the
methods.

NumPy itself says which loop runs (`ufunc.resolve_dtypes`), so promotion is NumPy's to the letter. What a ufunc then
does stands in the families' UFUNCS tables.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import DtypeError, ShapeError
from ..probe import is_array_like
from . import operands as o
from .array import ARRAY, PYTHON, SCALAR, TracedArray
from .locations import fail
from .selection import Selection, holds_selection


def apply(ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What `ufunc.method(*inputs, **kwargs)` gives on traced arrays."""
    if holds_selection(inputs):
        return on_selection(ufunc, method, inputs, kwargs)
    if method == "__call__":
        return call(ufunc, inputs, **kwargs)
    from .dispatch import known_shapes, leave
    from .numpy import UFUNC_METHODS
    rule = UFUNC_METHODS.get(method)
    if rule is None:
        o.unsupported(f"{o.name_of(ufunc)}.{method}")
    with known_shapes(ufunc, inputs, kwargs):
        return leave(rule(ufunc, *inputs, **kwargs))


def call(ufunc: np.ufunc, inputs: tuple[Any, ...], out: Any = None, where: Any = True, dtype: Any = None,
         casting: str = "same_kind", **other: Any) -> Any:
    """A ufunc call, with the keywords that every ufunc has."""
    from .dispatch import leave
    if holds_selection(inputs):
        return on_selection(ufunc, "__call__", inputs,
                            {"out": None if out is None else (out,), "where": where, "dtype": dtype, **other})
    for name in other:
        if name not in ("order", "subok"):
            o.unsupported(ufunc, f"the argument {name}=")
    out = out[0] if isinstance(out, tuple) and len(out) == 1 else out
    if isinstance(out, tuple):
        o.unsupported(ufunc, "out= for several results")
    result = compute(ufunc, [o.as_traced(x) for x in inputs], dtype)
    if out is None and where is True:
        return leave(result)
    return store(ufunc, result, out, where, casting)


def on_selection(ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    from .numpy.selection import on_ufunc
    return on_ufunc(ufunc, method, inputs, {k: v for k, v in kwargs.items() if v is not None})


def store(ufunc: Callable[..., Any], result: Any, out: Any, where: Any, casting: str = "same_kind") -> Any:
    """Write a result through `out=`, elements chosen by `where=`."""
    if isinstance(result, tuple):
        o.unsupported(ufunc, "out= for several results")
    if out is None:
        o.unsupported(ufunc, "where= without out=: the other elements would be undefined; write np.where")
    if not isinstance(out, TracedArray):
        fail(DtypeError, f"out= of {o.name_of(ufunc)} is an array from outside of the traced function; "
                         f"make it inside, as by np.empty_like")
    if not np.can_cast(result.dtype, out.dtype, casting):  # type: ignore[arg-type]
        fail(DtypeError, f"Cannot cast {o.name_of(ufunc)} output from {result.dtype!r} to {out.dtype!r} "
                         f"with casting rule {casting!r}")
    if not o.fits(result.extents, out.extents):
        fail(ShapeError, f"non-broadcastable output operand with shape {o.shown(out.extents)} doesn't match the "
                         f"broadcast shape {o.shown(result.extents)}")
    new = o.broadcast_to(o.cast(result, out.dtype), out.extents)
    if where is not True:
        mask = o.broadcast_to(o.as_traced(where), out.extents)
        new = o.emit("select", mask, new, out)
    out.write(new)
    return out


def compute(ufunc: np.ufunc, args: list[TracedArray], dtype: Any = None) -> Any:
    """The ufunc on handles: a handle, or a tuple of them."""
    from .numpy import ufunc_rule
    rule = ufunc_rule(ufunc)
    if rule is None:
        o.unsupported(ufunc)
    if isinstance(rule, Raw):
        return rule.rule(*args, dtype=dtype)
    loop = resolve(ufunc, args, dtype)
    converted = o.broadcast(*(o.convert(a, t) for a, t in zip(args, loop[:ufunc.nin], strict=True)))
    return o.emit(rule, *converted) if isinstance(rule, str) else rule(*converted)


class Raw:
    """A ufunc's rule that wants the operands as they come: neither promoted nor broadcast. `rule(*args, dtype=)`."""

    def __init__(self, rule: Callable[..., Any]):
        self.rule = rule


def resolve(ufunc: np.ufunc, args: list[TracedArray], dtype: Any = None) -> tuple[np.dtype, ...]:
    """The dtypes of the loop that NumPy would run: inputs, then outputs."""
    signature = None if dtype is None else (*(None,) * ufunc.nin, *(np.dtype(dtype),) * ufunc.nout)
    wanted: dict[str, Any] = {} if signature is None else {"signature": signature}
    weak = all(a.weak for a in args)  # Python ints alone would be compared as objects
    operands = [a.dtype if weak else o.dtype_for_ufunc(a) for a in args]
    try:
        loop = ufunc.resolve_dtypes((*operands, *(None,) * ufunc.nout), **wanted)
    except TypeError as e:
        fail(DtypeError, str(e) or f"{o.name_of(ufunc)} is not defined for {', '.join(str(a.dtype) for a in args)}")
    if np.float16 not in loop[ufunc.nin:]:  # a question put to small integers, which float32 answers as well
        loop = tuple(np.dtype(np.float32) if t == np.float16 else t for t in loop)
    for t in loop:
        if t.kind not in "biufc" or t == np.float16:
            fail(DtypeError, f"{o.name_of(ufunc)} on {', '.join(str(a.dtype) for a in args)} works in {t}, which is "
                             f"not supported; cast the operand, as by x.astype(float)")
    return loop


# operators ----------------------------------------------------------------------------------------------------------
def operate(ufunc: np.ufunc, *args: Any) -> Any:
    """A Python operator. Python numbers with Python numbers give Python numbers."""
    if any(not _is_operand(a) for a in args):
        return NotImplemented
    handles = [o.as_traced(a) for a in args]
    result = compute(ufunc, handles)
    pythons = all(h.kind == PYTHON or type(a) is bool for h, a in zip(handles, args, strict=True))
    if pythons and result.kind == SCALAR:
        result.kind = PYTHON
    from .dispatch import leave
    return leave(result)


def operate_in_place(ufunc: np.ufunc, x: TracedArray, other: Any) -> Any:
    """`x += y`: writes into an array; a scalar, which is immutable, is replaced."""
    if not _is_operand(other):
        return NotImplemented
    if x.kind != ARRAY:
        return operate(ufunc, x, other)
    return call(ufunc, (x, other), out=x)


def _is_operand(x: Any) -> bool:
    """Whether NumPy would take x itself rather than ask it for its reflected operator."""
    if isinstance(x, (TracedArray, np.ndarray, np.generic, *o.Scalar, list, tuple)):
        return True
    if isinstance(x, Selection):
        return False
    return is_array_like(x) and getattr(type(x), "__array_ufunc__", True) is not None
