"""NumPy's ufuncs on traced arrays: which dtypes the loop has, broadcasting, `out=`, `where=`, `dtype=`, and the
methods.

NumPy itself says which loop runs (`ufunc.resolve_dtypes`), so promotion is NumPy's to the letter. What a ufunc then
does stands in the families' UFUNCS tables.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import numpy as np

from ..errors import DtypeError, ShapeError, UnsupportedDtypeError, UnsupportedError
from ..probe import class_name
from . import operands as o
from .array import ARRAY, PYTHON, SCALAR, TracedArray
from .layout import contiguous, is_contiguous, of_loop
from .locations import fail
from .masked_selection import Selection, holds_selection


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


KEYWORDS = ("subok", "signature", "axes", "axis", "keepdims")
"""Those of ufuncs that are seldom given."""


def call(ufunc: np.ufunc, inputs: tuple[Any, ...], out: Any = None, where: Any = True, dtype: Any = None,
         casting: str = "same_kind", **other: Any) -> Any:
    """A ufunc call, with the keywords that every ufunc has."""
    from .dispatch import leave
    from .overrides import entered
    if (known := entered(inputs)) is not inputs:
        more = {"out": out} | ({} if where is True else {"where": where}) | ({} if dtype is None else {"dtype": dtype})
        return ufunc(*known, **more, **other)
    if holds_selection(inputs):
        return on_selection(ufunc, "__call__", inputs,
                            {"out": None if out is None else (out,), "where": where, "dtype": dtype, **other})
    order = other.pop("order", "K")
    for name in other:
        if name not in KEYWORDS:
            fail(UnsupportedError, f"{o.name_of(ufunc)}: got an unexpected keyword argument {name!r}; it has out=, "
                                   "where=, dtype=, casting=, order=")
        if name != "subok":
            o.unsupported(ufunc, f"the argument {name}=")
    if len(inputs) > ufunc.nin:  # np.exp(x, out)
        if out is not None:
            raise TypeError("cannot specify 'out' as both a positional and keyword argument")
        inputs, out = inputs[:ufunc.nin], (*inputs[ufunc.nin:], *(None,) * (ufunc.nargs - len(inputs)))
    if out is not None and not isinstance(out, tuple) and ufunc.nout > 1:
        fail(DtypeError, f"out= of {o.name_of(ufunc)} must be a tuple of {ufunc.nout} arrays")
    out = out if isinstance(out, tuple) else (out,) * ufunc.nout if out is None else (out,)
    operands = [o.as_traced(x) for x in inputs]
    result = compute(ufunc, operands, dtype, casting)
    if order != "K":
        in_order(result, order, operands)
    if all(target is None for target in out) and where is True:
        return leave(result)
    results = result if isinstance(result, tuple) else (result,)
    stored = tuple(leave(y) if target is None and where is True else store(ufunc, y, target, where, casting)
                   for y, target in zip(results, out, strict=True))
    return stored if len(stored) > 1 else stored[0]


def on_selection(ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    from .numpy.selection import on_ufunc
    return on_ufunc(ufunc, method, inputs, {k: v for k, v in kwargs.items() if v is not None})


def store(ufunc: Callable[..., Any], result: Any, out: Any, where: Any, casting: str = "same_kind") -> Any:
    """Write a result through `out=`, elements chosen by `where=`."""
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


def compute(ufunc: np.ufunc, args: list[TracedArray], dtype: Any = None, casting: str = "same_kind") -> Any:
    """The ufunc on handles: a handle, or a tuple of them."""
    from .numpy import ufunc_rule
    rule = ufunc_rule(ufunc)
    if rule is None:
        o.unsupported(ufunc)
    if isinstance(rule, Raw):
        result = rule.rule(*args, dtype=dtype)
    else:
        loop = resolve(ufunc, args, dtype, casting)
        converted = o.broadcast(*(o.convert(a, t) for a, t in zip(args, loop[:ufunc.nin], strict=True)))
        result = o.emit(rule, *converted) if isinstance(rule, str) else rule(*converted)
    return result if ufunc.signature else as_loop(result, args)


def as_loop(result: Any, args: Sequence[TracedArray]) -> Any:
    """What a rule has made, or several, with the memory order that NumPy's loop over these operands gives them."""
    for y in result if isinstance(result, tuple) else (result,):
        if isinstance(y, TracedArray):
            o.laid(y, of_loop(y.extents, [(a.extents, a.strides_in_elements) for a in args]))
    return result


def in_order(result: Any, order: str, args: Sequence[TracedArray]) -> None:
    """The same where the order is asked for."""
    if order == "A":
        columns = all(is_contiguous(a.extents, a.strides_in_elements, "F") for a in args)
        order = "F" if columns else "C"
    for y in result if isinstance(result, tuple) else (result,):
        o.laid(y, contiguous(y.extents, order))


class Raw:
    """A ufunc's rule that wants the operands as they come: neither promoted nor broadcast. `rule(*args, dtype=)`."""

    def __init__(self, rule: Callable[..., Any]):
        self.rule = rule


def resolve(ufunc: np.ufunc, args: list[TracedArray], dtype: Any = None, casting: str = "same_kind"
            ) -> tuple[np.dtype, ...]:
    """The dtypes of the loop that NumPy would run: inputs, then outputs."""
    signature = None if dtype is None else (*(None,) * ufunc.nin, *(np.dtype(dtype),) * ufunc.nout)
    wanted: dict[str, Any] = {} if signature is None else {"signature": signature, "casting": casting}
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
            fail(UnsupportedDtypeError, f"{o.name_of(ufunc)} on {', '.join(str(a.dtype) for a in args)} works in {t}, "
                                        f"which is not supported; cast the operand, as by x.astype(float)")
    return loop


# operators ----------------------------------------------------------------------------------------------------------
OF_BOOLEANS = frozenset({np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.less, np.less_equal, np.greater,
                         np.greater_equal, np.equal, np.not_equal})
"""Python's operators that give a bool for two; to all others Python's bools are the integers 0 and 1, where NumPy's
have rules of their own: `(a > b) - (a < b)`."""

RAISING: dict[np.ufunc, tuple[type[Exception], ...]] = {
    np.true_divide: (ZeroDivisionError,), np.floor_divide: (ZeroDivisionError,), np.remainder: (ZeroDivisionError,),
    np.power: (ZeroDivisionError, OverflowError),
}
"""What Python's operators raise of floats."""


def operate(ufunc: np.ufunc, *args: Any) -> Any:
    """A Python operator. Python numbers with Python numbers give Python numbers."""
    from . import overrides
    if len(args) == 2:
        x, other = args if isinstance(args[0], TracedArray) else args[::-1]
        if ufunc in (np.equal, np.not_equal) and (other is None or isinstance(other, (str, bytes))):
            return unlike(x, other, ufunc is np.not_equal)
        if is_beside_sequence(ufunc, x, other):
            return beside_sequence(ufunc, x, other)
        if isinstance(other, Selection) or overrides.defers(x, other):
            return NotImplemented
        if overrides.has_ufunc(args):
            return ufunc(*args)
        if ufunc is np.power and x is args[0] and x.kind == ARRAY and x.ir_dtype.is_bool and (
                type(other) is int and other == 2):
            ufunc, args = np.square, args[:1]  # NumPy's own short way, which gives int8
        exact = exactly(ufunc, args) if len(args) == 2 else ufunc
        if isinstance(exact, bool):
            return exact
        ufunc = exact
    handles = [o.as_traced(a) for a in args]
    if is_taken_by_complex(handles):
        handles[1] = o.root(handles[1].content, handles[1].home, PYTHON)
    pythons = all(h.kind == PYTHON or type(a) is bool for h, a in zip(handles, args, strict=True))
    if pythons and any(h.ir_dtype.kind in "bi" for h in handles):
        for h in handles:
            o.refuse_beyond(h, "an int here")
    if pythons and ufunc not in OF_BOOLEANS:
        handles = [o.cast(o.root(h.content, h.home, PYTHON), np.int64) if h.ir_dtype.is_bool else h for h in handles]
    if pythons and ufunc is np.power and is_negative_power(handles):
        handles[0] = o.cast(o.root(handles[0].content, handles[0].home, PYTHON), np.float64)
    result = compute(ufunc, handles)
    if pythons and result.kind == SCALAR:
        result.kind = PYTHON
        if all(h.ir_dtype.is_integer for h in handles):
            from .overflow import check
            check(ufunc, handles, result)
        if ufunc in RAISING:
            from .raising import arithmetic
            arithmetic(handles, result, *RAISING[ufunc])
    from .dispatch import leave
    return leave(result)


def is_negative_power(handles: Sequence[TracedArray]) -> bool:
    """Whether this is a Python integer to a power that is negative, which is a float. Where the sign is not known it is
    taken for an integer, and a run in which it is none ends with an error."""
    if not all(h.ir_dtype.is_integer and not h.ndim for h in handles):
        return False
    from .extents import decided, interval
    exponent, zero = handles[1], o.as_traced(0)
    least, most = interval(exponent)
    if most is not None and most < 0:
        return True
    below = False if least is not None and least >= 0 else decided(compute(np.less, [exponent, zero]))
    if below is None:
        o.require(compute(np.greater_equal, [exponent, zero]),
                  "an int to a power below 0 is a float to Python, and whether it is below was not known while gradjit "
                  "compiled the function; write float(x) ** n")
    return below is True


# beside Python's integers and sequences ------------------------------------------------------------------------------
FLIPPED = {np.less: np.greater, np.greater: np.less, np.less_equal: np.greater_equal, np.greater_equal: np.less_equal,
           np.equal: np.equal, np.not_equal: np.not_equal}
BELOW = {np.less: np.less_equal, np.greater_equal: np.greater}
"""For an integer above the float that stands for it, which no float lies between: x < n where x <= float(n)."""
ABOVE = {np.less_equal: np.less, np.greater: np.greater_equal}


def exactly(ufunc: np.ufunc, args: tuple[Any, ...]) -> np.ufunc | bool:
    """Python compares floats with integers as the numbers that they are: the comparison, or the answer, that is the
    same when the integer has become a float."""
    swapped = isinstance(args[1], TracedArray)
    x, n = args[::-1] if swapped else args
    if ufunc not in FLIPPED or type(n) is not int or not (x.kind == PYTHON and x.ir_dtype.is_float):
        return ufunc
    number = float(n) if abs(n) < 2 ** 1023 else math.copysign(math.inf, n)
    if number == n or math.isinf(number):
        return ufunc
    if ufunc in (np.equal, np.not_equal):
        return ufunc is np.not_equal
    table = BELOW if number < n else ABOVE
    found = FLIPPED[ufunc] if swapped else ufunc
    found = table.get(found, found)
    return FLIPPED[found] if swapped else found


SEQUENCES = (list, tuple, range)


def is_beside_sequence(ufunc: np.ufunc, x: TracedArray, other: Any) -> bool:
    """Whether Python decides about a number and a sequence: NumPy's numbers take them for arrays, but repeat them."""
    if not isinstance(other, SEQUENCES) or x.kind == ARRAY:
        return False
    return x.kind != SCALAR or (ufunc is np.multiply and not isinstance(other, range))


def beside_sequence(ufunc: np.ufunc, x: TracedArray, other: Any) -> Any:
    """`[0.0] * n`, an answer to `==`, a TypeError."""
    name, kind = type(other).__name__, type_name(x)
    if ufunc in (np.equal, np.not_equal):
        return ufunc is np.not_equal
    if ufunc is not np.multiply or isinstance(other, range):
        fail(DtypeError, f"unsupported operand types for {ufunc.__name__}: '{name}' and '{kind}'; write "
                         f"np.array(items) for arithmetic of the elements")
    if not (x.ir_dtype.is_integer or (x.ir_dtype.is_bool and x.kind == PYTHON)):
        fail(DtypeError, f"can't multiply sequence by non-int of type '{kind}'; write np.array(items) * x for a "
                         f"product of each element")
    from . import grown, tables
    if (times := x.known) is not None:
        return grown.copied(other * int(times)) if grown.is_grown(other) else other * int(times)
    if (found := tables.repeated(other, x)) is not None:
        return found
    fail(UnsupportedError, f"a {name} times an integer is the {name} repeated, and how often is not known while "
                           f"gradjit compiles the function; write np.array(items) * n for a product of each element")


def type_name(x: Any) -> str:
    """The type of a value as Python names it in errors."""
    from .builtin_functions import stand_in
    return class_name(stand_in(x))


def not_defined(e: TypeError, *args: Any) -> NoReturn:
    """An operator's error, which names what stands for a traced value, with the name of the type that it has."""
    text = str(e)
    for x in args:
        if isinstance(x, TracedArray):
            text = text.replace(TracedArray.__name__, type_name(x), 1)
    fail(DtypeError, text)


def unlike(x: TracedArray, other: Any, answer: bool) -> Any:
    """No number is None or a text."""
    if x.kind == ARRAY:
        return o.as_array(o.filled(answer, x.extents, np.bool_))
    return np.bool_(answer) if x.kind == SCALAR and other is not None else answer


def is_taken_by_complex(handles: Sequence[TracedArray]) -> bool:
    """Whether Python's complex has the operator, and takes a np.float64 behind it for the float that this is, too."""
    return (len(handles) == 2 and handles[0].kind == PYTHON and handles[0].ir_dtype.is_complex
            and handles[1].kind == SCALAR and handles[1].dtype == np.float64)


def operate_in_place(ufunc: np.ufunc, x: TracedArray, other: Any) -> Any:
    """`x += y`: writes into an array; a scalar, which is immutable, is replaced."""
    from . import overrides
    if isinstance(other, Selection) or overrides.defers(x, other, in_place=True):
        return NotImplemented
    if overrides.has_ufunc((other,)):
        return ufunc(x, other, out=(x,)) if x.kind == ARRAY else ufunc(x, other)
    if x.kind != ARRAY:
        return operate(ufunc, x, other)
    return call(ufunc, (x, other), out=x)
