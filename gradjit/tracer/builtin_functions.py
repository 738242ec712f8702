"""Python's builtins on traced values."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from ..errors import TraceError
from . import extents, grown, operands as o, texts
from .array import ARRAY, PYTHON, SCALAR, TracedArray
from .control import iterators, turns
from .control.branches import truth
from .dispatch import apply, leave
from .locations import fail
from .selection import Selection
from .sparse import Sparse
from .ufuncs import compute

Rule = Callable[..., Any]


def stand_in(x: TracedArray) -> type:
    """The type that the value has when the function runs as ordinary NumPy."""
    if x.kind == ARRAY:
        return np.ndarray
    if x.kind == SCALAR:
        return x.dtype.type
    return {"b": bool, "i": int, "u": int, "f": float, "c": complex}[x.ir_dtype.kind]


def _type(*args: Any, **kwargs: Any) -> Any:
    return stand_in(args[0]) if len(args) == 1 and isinstance(args[0], TracedArray) else type(*args, **kwargs)


def _isinstance(x: Any, classes: Any) -> bool:
    if isinstance(x, TracedArray):
        return issubclass(stand_in(x), classes)
    return isinstance(x._matrix if type(x) is Sparse else x, classes)


# conversions --------------------------------------------------------------------------------------------------------
def _number(x: TracedArray, dtype: type) -> Any:
    if not o.is_single(x):
        raise TypeError("only 0-dimensional arrays can be converted to Python scalars")
    y = o.emit("reshape", x, shape=()) if x.ndim else x
    return leave(o.cast(o.root(y.content, y.home, PYTHON), dtype))


def _float(*args: Any) -> Any:
    return _number(args[0], np.float64) if args and isinstance(args[0], TracedArray) else float(*args)


def _int(*args: Any, **kwargs: Any) -> Any:
    return _number(args[0], np.int64) if args and isinstance(args[0], TracedArray) else int(*args, **kwargs)


def _bool(*args: Any) -> Any:
    return leave(truth(args[0])) if len(args) == 1 and isinstance(args[0], TracedArray) else bool(*args)


def _complex(*args: Any, **kwargs: Any) -> Any:
    if len(args) == 1 and isinstance(args[0], TracedArray):
        return _number(args[0], np.complex128)
    if o.is_traced(args):
        real, imag = args
        return real + imag * 1j
    return complex(*args, **kwargs)


def _scalar_type(cls: type) -> Rule:
    """np.float32(x), np.int64(x), ...: a cast; a 0-d result is a NumPy scalar."""
    def rule(*args: Any, **kwargs: Any) -> Any:
        if not args or not o.is_traced(args[0]):
            return cls(*args, **kwargs)
        y = o.cast(o.as_traced(args[0]), cls)
        return leave(o.root(y.content, y.home, SCALAR if not y.ndim else ARRAY))

    return rule


def _round(x: Any, ndigits: Any = None) -> Any:
    return rounded(x, ndigits) if isinstance(x, TracedArray) else round(x, ndigits)


def rounded(x: TracedArray, ndigits: Any = None) -> Any:
    """`round(x)` of a scalar gives an int, `round(x, n)` a number of x's kind."""
    if x.kind == ARRAY:
        raise TypeError("type numpy.ndarray doesn't define __round__ method")
    y = compute(np.rint, [x]) if ndigits is None else o.as_traced(apply(np.round, (x, ndigits), {}))
    y = o.root(y.content, y.home, x.kind if ndigits is not None else PYTHON)
    return leave(y if ndigits is not None else o.cast(y, np.int64))


# over several values ------------------------------------------------------------------------------------------------
def _extreme(name: str, builtin: Rule, compare: str, whole: Rule) -> Rule:
    """min and max: `b if b < a else a`, one after the other, as Python does; of a traced vector NumPy's."""

    def rule(*args: Any, **kwargs: Any) -> Any:
        if len(args) == 1 and isinstance(args[0], TracedArray) and args[0].ndim == 1 and not kwargs:
            return apply(whole, (args[0],), {})
        if len(args) == 1 and grown.is_grown(args[0]) and not kwargs:
            return leave(grown.folded(args[0], grown.item(args[0], 0), lambda a, b: chosen(o.as_traced(a),
                                                                                          o.as_traced(b))))
        items = list(args[0]) if len(args) == 1 else list(args)
        if not o.is_traced(items):
            return builtin(*([items] if len(args) == 1 else items), **kwargs)
        if kwargs:
            fail(TraceError, f"{name}(key=, default=) of traced values is not supported")
        return leave(functools.reduce(chosen, map(o.as_traced, items)))

    def chosen(a: TracedArray, b: TracedArray) -> TracedArray:
        if a.ndim or b.ndim:
            fail(TraceError, f"{name}() of several arrays has no single answer; write np.{name}imum(a, b)")
        kind = PYTHON if a.kind == b.kind == PYTHON else SCALAR
        x, y = o.promote(a, b)
        return o.emit("select", o.emit(compare, y, x), y, x, kind=kind)

    return rule


def _sum(items: Any, /, start: Any = 0) -> Any:
    if grown.is_grown(items):
        return grown.total(items, start)
    if isinstance(items, TracedArray) and items.ndim:
        total = apply(np.sum, (items,), {"axis": 0})
        return total if isinstance(start, int) and start == 0 else start + total
    return sum(items, start)


def _truth(builtin: Rule, whole: Rule) -> Rule:
    """any and all; of a traced vector a traced bool."""
    def rule(items: Iterable[Any], /) -> Any:
        if not (isinstance(items, TracedArray) and items.ndim == 1):
            return builtin(items)
        y = o.as_traced(apply(whole, (items,), {}))
        return leave(o.root(y.content, y.home, PYTHON))

    return rule


def _len(x: Any) -> Any:
    """The length; of x[mask] with a traced mask a traced one."""
    if isinstance(x, TracedArray) and x.ndim:
        return x.shape[0]
    if grown.is_grown(x):
        return grown.length(x)
    if isinstance(x, turns.Turns):
        return extents.handle(x.count())
    return leave(x.count) if isinstance(x, Selection) else len(x)


def _calls_back(builtin: Rule) -> Rule:
    """A builtin that calls its first argument, or its `key`: the user's functions are lifted first."""
    def rule(*args: Any, **kwargs: Any) -> Any:
        from . import opaque
        from .calls import as_user, call
        from .special_methods import OF_BUILTINS as ASKING
        first = (as_user(args[0]), *args[1:]) if args else ()
        if first and opaque.among(first[0], ASKING):
            first = (functools.partial(call, first[0]), *first[1:])
        return builtin(*first, **{k: as_user(v) for k, v in kwargs.items()})

    return rule


def _text(builtin: Rule, conversion: str) -> Rule:
    """str and repr: of what is traced a text that is filled in when it is told."""
    def rule(*args: Any, **kwargs: Any) -> Any:
        if len(args) == 1 and not kwargs and (isinstance(args[0], texts.Text) or texts.holds([args[0]])):
            return texts.shown(args[0], conversion)
        return builtin(*args, **kwargs)

    return rule


def _format(x: Any, spec: Any = "") -> Any:
    return texts.shown(x, "", spec) if isinstance(x, (TracedArray, texts.Text)) else format(x, spec)


def _print(*args: Any, **kwargs: Any) -> None:
    from .telling import printed
    printed(*args, **kwargs)


def _refused(name: str) -> Rule:
    def rule(*args: Any, **kwargs: Any) -> Any:
        fail(TraceError, f"{name}() inside a compiled function would run once, while tracing, and its result be "
                         f"repeated; "
                         f"call it outside and pass the result as an argument")

    return rule


RULES: dict[Any, Rule] = {
    type: _type, isinstance: _isinstance, float: _float, int: _int, bool: _bool, complex: _complex, round: _round,
    min: _extreme("min", min, "lt", np.min), max: _extreme("max", max, "gt", np.max), sum: _sum,
    len: _len, any: _truth(any, np.any), all: _truth(all, np.all),
    map: _calls_back(map), filter: _calls_back(filter), sorted: _calls_back(sorted),
    functools.reduce: _calls_back(functools.reduce),
    **turns.RULES,
    **iterators.RULES,
    print: _print, str: _text(str, "s"), repr: _text(repr, "r"), format: _format,
    input: _refused("input"), open: _refused("open"),
    **{t: _scalar_type(t) for t in (np.bool_, np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32,
                                    np.uint64, np.float32, np.float64, np.complex64, np.complex128)},
}
