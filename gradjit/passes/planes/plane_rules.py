"""What operations on complex numbers are on their planes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...errors import ShapeError, UnsupportedError
from ...ir import Builder, DType, Func, Op, Value
from ...ir.ops.custom import OpaqueFunction, Rule as Custom
from ...ir.ops.effects import MAKERS, by_parts
from ...ir.ops.elementwise import UNARY_INEXACT
from ...ir.ops.planes import joined
from ...tracer.locations import fail
from ..along_axis import loop, number, taken, written
from .splitter import Pair, Parts, Splitter, groups, parts_of, split

Rule = Callable[..., Parts]


# arithmetic ---------------------------------------------------------------------------------------------------------
def multiply(b: Builder, x: Pair, y: Pair) -> Pair:
    (a, c), (d, e) = x, y
    return b.sub(b.mul(a, d), b.mul(c, e)), b.add(b.mul(a, e), b.mul(c, d))


def by_numpy(name: str) -> Rule:
    """A function of `special_call`: NumPy's values, derivatives from its row."""
    def rule(b: Builder, *operands: Pair) -> Pair:
        planes = [p for x in operands for p in x]
        return (b.special_call(*planes, function=name, result=0), b.special_call(*planes, function=name, result=1))
    return rule


def length(b: Builder, x: Pair) -> Value:
    return b.hypot(*x)


def direction(b: Builder, x: Pair) -> Pair:
    """z / |z|. NumPy's: 0 of 0; of one infinite part that part's sign; nan where both are, and where |z| is nan."""
    size = b.hypot(*x)
    zero, infinite = b.like(0, size), b.isinf(size)
    bad = b.or_(b.isnan(size), b.and_(b.isinf(x[0]), b.isinf(x[1])))
    under = b.select(b.or_(b.eq(size, zero), infinite), b.like(1, size), size)

    def part(p: Value) -> Value:
        far = b.select(b.isinf(p), b.sign(p), zero)
        near = b.select(b.eq(size, zero), zero, b.div(p, under))
        return b.select(bad, b.like(np.nan, p), b.select(infinite, far, near))

    return part(x[0]), part(x[1])


# comparisons ----------------------------------------------------------------------------------------------------------
def equal(b: Builder, x: Pair, y: Pair) -> Value:
    return b.and_(b.eq(x[0], y[0]), b.eq(x[1], y[1]))


def unequal(b: Builder, x: Pair, y: Pair) -> Value:
    return b.or_(b.ne(x[0], y[0]), b.ne(x[1], y[1]))


def ordered(strict: str, name: str) -> Rule:
    """By the real parts, and where those are equal by the imaginary ones, as NumPy orders complex numbers."""
    def rule(b: Builder, x: Pair, y: Pair) -> Value:
        known = b.not_(b.or_(b.isnan(x[1]), b.isnan(y[1])))
        first = b.and_(b.emit(strict, x[0], y[0]), known)
        return b.or_(first, b.and_(b.eq(x[0], y[0]), b.emit(name, x[1], y[1])))
    return rule


# conversions ----------------------------------------------------------------------------------------------------------
def cast(b: Builder, x: Parts, dtype: DType) -> Pair:
    if isinstance(x, Value):
        re = b.cast_to(x, dtype.part)
        return re, b.like(0, re)
    return b.cast_to(x[0], dtype.part), b.cast_to(x[1], dtype.part)


def const(b: Builder, value: np.ndarray, shape: tuple[Any, ...]) -> Pair:
    return b.const(value.real.copy(), shape=shape), b.const(value.imag.copy(), shape=shape)


def iota(b: Builder, shape: tuple[Any, ...], axis: int, dtype: DType) -> Pair:
    real = b.iota(shape=shape, axis=axis, dtype=dtype.part)
    return real, b.like(0, real)


# products -------------------------------------------------------------------------------------------------------------
def contract(b: Builder, x: Pair, y: Pair, **axes: Any) -> Pair:
    def product(p: Value, q: Value) -> Value:
        return b.contract(p, q, **axes)

    return (b.sub(product(x[0], y[0]), product(x[1], y[1])), b.add(product(x[0], y[1]), product(x[1], y[0])))


UNROLLED = 16
"""Products of so many factors are written out."""


def prod(b: Builder, x: Pair, axes: tuple[int, ...]) -> Pair:
    """One factor after the other, over one axis after the other."""
    for axis in reversed(axes):
        x = _prod(b, x, axis)
    return x


def _prod(b: Builder, x: Pair, axis: int) -> Pair:
    shape = x[0].shape
    rest = (*shape[:axis], *shape[axis + 1:])
    one = b.const(1, x[0].dtype, rest), b.const(0, x[0].dtype, rest)
    if type(shape[axis]) is int and shape[axis] <= UNROLLED:
        if not shape[axis]:
            return one
        result = _factor(b, x, axis, 0)
        for k in range(1, shape[axis]):
            result = multiply(b, result, _factor(b, x, axis, k))
        return result

    def iteration(inner: Builder, i: Value, state: Sequence[Value]) -> Sequence[Value]:
        return multiply(inner, (state[0], state[1]), _factor(inner, x, axis, i))

    re, im = loop(b, shape[axis], one, iteration)
    return re, im


def cumprod(b: Builder, x: Pair, axis: int, reverse: bool) -> Pair:
    shape = x[0].shape
    rest = (*shape[:axis], *shape[axis + 1:])
    one = b.const(1, x[0].dtype, rest), b.const(0, x[0].dtype, rest)
    empty = b.zeros(x[0].type)
    last = b.sub(number(b, shape[axis]), b.const(1)) if reverse else None

    def iteration(inner: Builder, i: Value, state: Sequence[Value]) -> Sequence[Value]:
        at = i if last is None else inner.sub(last, i)
        product = multiply(inner, (state[0], state[1]), _factor(inner, x, axis, at))
        return (*product, *(written(inner, whole, p, axis, at) for whole, p in zip(state[2:], product, strict=True)))

    found = loop(b, shape[axis], (*one, empty, empty), iteration)
    return found[2], found[3]


def _factor(b: Builder, x: Pair, axis: int, i: Any) -> Pair:
    return taken(b, x[0], axis, i), taken(b, x[1], axis, i)


RULES: dict[str, Rule] = {
    "real": lambda b, x: x[0], "imag": lambda b, x: x[1], "complex": lambda b, re, im: (re, im),
    "const": const, "iota": iota, "cast": cast,
    "mul": multiply, "div": by_numpy("complex_divide"), "pow": by_numpy("complex_power"),
    **{name: by_numpy(f"complex_{name}") for name in UNARY_INEXACT},
    "abs": length, "sign": direction,
    "eq": equal, "ne": unequal, "lt": ordered("lt", "lt"), "le": ordered("lt", "le"), "gt": ordered("gt", "gt"),
    "ge": ordered("gt", "ge"),
    "prod": prod, "cumprod": cumprod, "contract": contract,
}


# what is no part of straight code -------------------------------------------------------------------------------------
class InPlanes(Custom):
    """A rule of complex values, for their planes."""

    def __init__(self, rule: Custom, operands: Sequence[Value]):
        positions = groups(operands)
        super().__init__(rule.name.partition("#")[0],
                         {plane: why for k, why in rule.refused.items() for plane in positions[k]})
        self.rule = rule

    def push(self) -> Func | None:
        func = self.rule.push()
        return None if func is None else split(func).func

    def pull(self) -> Func | None:
        func = self.rule.pull()
        return None if func is None else split(func).func


def _text(name: str) -> Callable[[Splitter, Op, dict[str, Any]], dict[str, Any]]:
    """What prints, or raises, puts the parts together again."""
    def step(s: Splitter, op: Op, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs.get("error") in MAKERS:
            fail(UnsupportedError, "an exception of the program's own that is made of complex numbers; make it of "
                                   "their parts", op.loc)
        return {**attrs, name: by_parts(attrs[name], groups(op.operands))}

    return step


def _opaque(s: Splitter, op: Op, attrs: dict[str, Any]) -> dict[str, Any]:
    """A function that is not looked into gets complex arrays, and gives them."""
    function, own = op.attrs["function"], op.attrs["types"]
    taken, given = groups(op.operands), [t.dtype for t in own]

    def by_planes(*planes: Any) -> list[Any]:
        found = function.function(*(joined(*(planes[k] for k in g)) if len(g) > 1 else planes[g[0]] for g in taken))
        if len(found) != len(given):
            raise ShapeError(f"{function.title} returned {len(found)} arrays, and {len(given)} are declared")
        return [p for x, t in zip(found, given, strict=True)
                for p in ((np.real(x), np.imag(x)) if t.is_complex else (x,))]

    return {**attrs, "function": OpaqueFunction(function.title, by_planes), "types": s.types(own)}


def _call(s: Splitter, op: Op, attrs: dict[str, Any]) -> dict[str, Any]:
    return {**attrs, "callee": s.callee(attrs["callee"])}


def _custom(s: Splitter, op: Op, attrs: dict[str, Any]) -> dict[str, Any]:
    count = attrs["results"]
    if not any(v.dtype.is_complex for v in op.operands):
        return attrs
    return {**attrs, "results": sum(len(parts_of(v.type)) for v in op.operands[:count]),
            "rule": InPlanes(attrs["rule"], op.operands[count:])}


def _pop(s: Splitter, op: Op, attrs: dict[str, Any]) -> dict[str, Any]:
    return {**attrs, "types": s.types(op.attrs["types"])}


STEPS: dict[str, Callable[[Splitter, Op, dict[str, Any]], dict[str, Any]]] = {
    "call": _call, "custom": _custom, "pop": _pop, "opaque": _opaque, "debug_print": _text("format"),
    "raise": _text("message"),
}
