"""Complex numbers: their parts, lengths and angles; and what functions of real numbers are for complex ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import operands as o
from ..array import ARRAY, PYTHON, SCALAR, view
from ..operands import TracedArray, as_traced, emit
from ..ufuncs import compute, operate
from ..views import PartView
from .common import array, call, full_like

Rule = Callable[..., Any]


# parts --------------------------------------------------------------------------------------------------------------
def real(x: TracedArray) -> TracedArray:
    """`z.real`: of an array a view, which can be written to. A real array is its own real part."""
    return part(x, "real") if x.ir_dtype.is_complex else x


def imag(x: TracedArray) -> TracedArray:
    """`z.imag`: of a complex array a view; of a real one zeros."""
    if x.ir_dtype.is_complex:
        return part(x, "imag")
    zeros = full_like(0, x)
    return o.root(zeros.content, zeros.home, x.kind)


def part(x: TracedArray, name: str) -> TracedArray:
    if x.kind != ARRAY:
        return emit(name, x, kind=x.kind)
    s = x.strides_in_elements
    return view(x, PartView(name), None if s is None else tuple(2 * k for k in s))


def values(x: TracedArray) -> tuple[TracedArray, TracedArray]:
    """The real and imaginary parts, not as views."""
    return emit("real", x), emit("imag", x)


def joined(re: TracedArray, im: TracedArray) -> TracedArray:
    """The complex array of two real ones of one shape and dtype."""
    return emit("complex", re, im)


def conjugate(x: TracedArray) -> TracedArray:
    re, im = values(x)
    return joined(re, emit("neg", im))


def squared_length(x: TracedArray) -> TracedArray:
    """|z|² (x² of a real number)."""
    if not x.ir_dtype.is_complex:
        return emit("mul", x, x)
    re, im = values(x)
    return emit("add", emit("mul", re, re), emit("mul", im, im))


def angle(z, deg=False):
    """The argument of a complex number; 0 or π (180 degrees) by the sign of a real one."""
    x = as_traced(z)
    if not x.ir_dtype.is_complex:
        a = call(np.arctan2, 0, x)
    else:
        re, im = values(x)
        a = emit("arctan2", im, re)
    return call(np.multiply, a, 180 / np.pi) if deg else a


def real_if_close(a, tol=100):
    x = array(a)
    if not x.ir_dtype.is_complex:
        return x
    re, im = values(x)
    nearest = tol * float(np.finfo(re.dtype).eps) if tol > 1 else tol
    o.require(call(np.less, call(np.abs, im), nearest),
              "np.real_if_close of numbers that are not real is complex; leave it out, or write z.real")
    return re


def isreal(x):
    h = as_traced(x)
    if h.kind == PYTHON:
        return operate(np.equal, o.root(imag(h).content, imag(h).home, PYTHON), 0)
    return call(np.equal, imag(h), 0)


def iscomplex(x):
    h = as_traced(x)
    return call(np.not_equal, imag(h), 0)


# functions of real numbers ------------------------------------------------------------------------------------------
def test(op: str, x: TracedArray) -> TracedArray:
    """isnan and isinf of either part, isfinite of both."""
    re, im = values(x)
    return emit("and" if op == "isfinite" else "or", emit(op, re), emit(op, im))


def by_parts(rule: Rule, x: TracedArray, *args: Any) -> TracedArray:
    """What a rule makes of the two parts."""
    re, im = values(x)
    return joined(rule(re, *args), rule(im, *args))


def extreme(op: str, skips_nan: bool) -> Rule:
    """The larger or smaller of two numbers in NumPy's order. A nan wins, or never does."""
    def rule(x: TracedArray, y: TracedArray) -> TracedArray:
        stays = emit("or", test("isnan", y if skips_nan else x), emit(op, x, y))
        return emit("select", stays, x, y)

    return rule


MOST = 100
"""Below this size an exponent that is a whole number means multiplications, as in NumPy."""


def whole_power(x: TracedArray, n: int) -> TracedArray:
    """x**n as NumPy multiplies: by the binary digits of n, and the reciprocal of that for a negative one."""
    product: TracedArray | None = None
    square, k = x, abs(n)
    if k == 3:
        product, k = emit("mul", x, emit("mul", x, x)), 0
    while k:
        if k & 1:
            product = square if product is None else emit("mul", product, square)
        k >>= 1
        square = emit("mul", square, square) if k else square
    assert product is not None
    if n > 0:
        return product
    zero = emit("eq", x, full_like(0, x))
    return emit("select", zero, full_like(complex(np.nan, np.nan), x), emit("div", full_like(1, x), product))


def reciprocal(x: TracedArray) -> TracedArray:
    planes = values(x)
    return joined(*(emit("special_call", *planes, function="complex_reciprocal", result=k) for k in range(2)))


# np.emath -----------------------------------------------------------------------------------------------------------
def _emath(name: str, rule: Rule, inside: Callable[..., TracedArray]) -> Rule:
    """Of complex numbers the plain function; of real ones too, where its result is real: whether it is the running
    program finds out. inside: where the arguments give a real result, a nan included."""
    def checked(*args: Any) -> Any:
        handles = [as_traced(a) for a in args]
        handles = [o.root(h.content, h.home, SCALAR) if h.kind == PYTHON else h for h in handles]  # (it makes arrays)
        if not any(h.ir_dtype.is_complex for h in handles):
            o.require(inside(*handles), f"np.emath.{name} of these real numbers is complex; write "
                                         f"np.emath.{name}(x.astype(complex))")
        return rule(*handles)

    return checked


def _plain(ufunc: np.ufunc) -> Rule:
    return lambda *xs: compute(ufunc, list(xs))


def not_negative(*xs: TracedArray) -> TracedArray:
    negative = [call(np.less, x, 0) for x in xs]
    return call(np.logical_not, negative[0] if len(xs) == 1 else call(np.logical_or, *negative))


def within_one(x: TracedArray) -> TracedArray:
    return call(np.logical_not, call(np.greater, call(np.abs, x), 1))


def not_negative_powers(x: TracedArray, p: TracedArray) -> TracedArray:
    """A negative number has complex powers, and negative powers of integers are floats."""
    return not_negative(x, p) if x.ir_dtype.is_integer and p.ir_dtype.is_integer else not_negative(x)


RULES: dict[Callable[..., Any], Rule] = {
    np.real: lambda val: real(as_traced(val)), np.imag: lambda val: imag(as_traced(val)), np.angle: angle,
    np.real_if_close: real_if_close, np.isreal: isreal, np.iscomplex: iscomplex,
    np.isrealobj: lambda x: not as_traced(x).ir_dtype.is_complex,
    np.iscomplexobj: lambda x: as_traced(x).ir_dtype.is_complex,
    **{f: _emath(f.__name__, _plain(getattr(np, f.__name__)), inside)
       for inside, functions in ((not_negative, (np.emath.sqrt, np.emath.log, np.emath.log2, np.emath.log10)),
                                 (within_one, (np.emath.arccos, np.emath.arcsin, np.emath.arctanh)),
                                 (not_negative_powers, (np.emath.power,))) for f in functions},
    np.emath.logn: _emath("logn", lambda n, x: call(np.true_divide, call(np.log, x), call(np.log, n)), not_negative),
}

__all__ = ["RULES", "angle", "by_parts", "conjugate", "extreme", "imag", "joined", "part", "real", "reciprocal",
           "squared_length", "test", "values", "whole_power"]
