"""Python's `math` and `cmath` on traced scalars: NumPy's functions on float64 and complex128, with results that are
Python numbers."""

from __future__ import annotations

import cmath
import functools
import math
import operator
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..errors import DtypeError, TraceError, UnsupportedError
from . import operands as o
from .array import PYTHON, TracedArray
from .conversion import whole
from .dispatch import leave
from .locations import fail
from .numpy.common import magnitude
from .special_methods import binary
from .ufuncs import compute, type_name

Rule = Callable[..., Any]


def scalar(x: Any, name: str) -> TracedArray:
    """An argument of math: one real number, as float64."""
    h = o.as_traced(x)
    if not o.is_single(h) or h.ir_dtype.is_complex:
        fail(TraceError, f"math.{name} takes one real number, got {h.type}; write np.{name} for arrays")
    if h.ndim:
        h = o.emit("reshape", h, shape=())
    return o.cast(o.root(h.content, h.home, PYTHON), np.float64)


def python(result: TracedArray) -> Any:
    """The result as a Python number."""
    return leave(o.root(result.content, result.home, PYTHON))


def _ufunc(name: str, ufunc: np.ufunc) -> Rule:
    return lambda *args: python(compute(ufunc, [scalar(a, name) for a in args]))


def _whole(name: str, ufunc: np.ufunc) -> Rule:
    """floor, ceil and trunc of math give ints."""
    return lambda x: python(whole(compute(ufunc, [scalar(x, name)])))


def _log(x: Any, base: Any = None) -> Any:
    y = compute(np.log, [scalar(x, "log")])
    return python(y if base is None else compute(np.true_divide, [y, compute(np.log, [scalar(base, "log")])]))


def _hypot(*args: Any) -> Any:
    if len(args) == 2:
        return python(compute(np.hypot, [scalar(a, "hypot") for a in args]))
    squares = (compute(np.square, [scalar(a, "hypot")]) for a in args)
    return python(magnitude(functools.reduce(lambda a, b: compute(np.add, [a, b]), squares)))


def _dist(p: Any, q: Any) -> Any:
    return _hypot(*(a - b for a, b in zip(p, q, strict=True)))


def _fsum(items: Any) -> Any:
    return python(functools.reduce(lambda a, b: compute(np.add, [a, b]), (scalar(i, "fsum") for i in items),
                                   scalar(0.0, "fsum")))


def _prod(items: Any, *, start: Any = 1) -> Any:
    """What `*` makes of them, whatever they are."""
    return functools.reduce(functools.partial(binary, "mul"), items, start)


def _special(name: str, scipy_name: str) -> Rule:
    def rule(x: Any) -> Any:
        return python(o.emit(scipy_name, scalar(x, name)))

    return rule


def _gamma(x: Any) -> Any:
    """The absolute value is exp(lgamma); the sign alternates between negative integers."""
    h = scalar(x, "gamma")
    size = compute(np.exp, [o.emit("gammaln", h)])
    half = compute(np.floor, [compute(np.multiply, [h, o.as_traced(0.5)])])
    odd = compute(np.not_equal, [compute(np.multiply, [half, o.as_traced(2.0)]), compute(np.floor, [h])])
    negative = compute(np.logical_and, [odd, compute(np.less, [h, o.as_traced(0.0)])])
    return python(o.emit("select", negative, o.emit("neg", size), size))


def _isclose(a: Any, b: Any, *, rel_tol: float = 1e-9, abs_tol: float = 0.0) -> Any:
    x, y = scalar(a, "isclose"), scalar(b, "isclose")
    size, other, apart = (o.emit("abs", v) for v in (x, y, compute(np.subtract, [x, y])))
    width = compute(np.multiply, [o.as_traced(rel_tol), compute(np.maximum, [size, other])])
    near = compute(np.less_equal, [apart, compute(np.maximum, [width, o.as_traced(abs_tol)])])
    return python(compute(np.logical_or, [near, compute(np.equal, [x, y])]))


def _degrees(x: Any) -> Any:
    return python(compute(np.multiply, [scalar(x, "degrees"), o.as_traced(180.0 / math.pi)]))


def _radians(x: Any) -> Any:
    return python(compute(np.multiply, [scalar(x, "radians"), o.as_traced(math.pi / 180.0)]))


def _remainder(x: Any, y: Any) -> Any:
    """IEEE's: x less the multiple of y that is nearest, of two the even one. All steps are exact, as CPython's are."""
    a, b = scalar(x, "remainder"), scalar(y, "remainder")
    size, step = o.emit("abs", a), o.emit("abs", b)
    left = compute(np.fmod, [size, step])
    right = compute(np.subtract, [step, left])
    multiple = compute(np.subtract, [size, left])
    odd = compute(np.fmod, [compute(np.multiply, [o.as_traced(0.5), multiple]), step])
    tie = compute(np.subtract, [left, compute(np.multiply, [o.as_traced(2.0), odd])])
    nearest = o.emit("select", o.emit("lt", left, right), left,
                     o.emit("select", o.emit("gt", left, right), o.emit("neg", right), tie))
    return python(compute(np.multiply, [o.emit("copysign", o.filled(1.0, (), a.dtype), a), nearest]))


def _modf(x: Any) -> Any:
    return tuple(map(python, compute(np.modf, [scalar(x, "modf")])))


def _frexp(x: Any) -> Any:
    mantissa, exponent = compute(np.frexp, [scalar(x, "frexp")])
    return python(mantissa), python(o.cast(exponent, np.int64))


def _ldexp(x: Any, i: Any) -> Any:
    return python(compute(np.ldexp, [scalar(x, "ldexp"), integer(i)]))


def _ulp(x: Any) -> Any:
    size = o.emit("abs", scalar(x, "ulp"))
    return python(o.emit("select", compute(np.isinf, [size]), size, compute(np.spacing, [size])))


def integer(x: Any) -> TracedArray:
    """An argument of math that is an int, as int64."""
    h = o.as_traced(x)
    if not o.is_single(h) or h.ir_dtype.kind not in "biu":
        fail(DtypeError, f"{type_name(h)!r} object cannot be interpreted as an integer; write int(x)")
    return o.cast(o.root(h.content, h.home, PYTHON), np.int64)


def _of_divisors(ufunc: np.ufunc, none: int) -> Rule:
    """gcd and lcm of any number of ints. none: that of no numbers."""
    return lambda *args: python(functools.reduce(lambda a, b: compute(ufunc, [a, b]), map(integer, args),
                                                 o.as_traced(none)))


def _isqrt(n: Any) -> Any:
    """The whole part of the root: of the rounded one, which may be off by one."""
    h = integer(n)
    o.require(compute(np.greater_equal, [h, o.as_traced(0)]), "isqrt() argument must be nonnegative")
    root = o.cast(compute(np.floor, [compute(np.sqrt, [o.cast(h, np.float64)])]), np.int64)

    def less(k: TracedArray, test: TracedArray) -> TracedArray:
        return compute(np.subtract, [k, o.cast(test, np.int64)])

    root = less(root, compute(np.greater, [compute(np.multiply, [root, root]), h]))
    above = compute(np.add, [root, o.as_traced(1)])
    return python(less(above, compute(np.greater, [compute(np.multiply, [above, above]), h])))


_UFUNCS: dict[Callable[..., Any], np.ufunc] = {
    math.sin: np.sin, math.cos: np.cos, math.tan: np.tan, math.asin: np.arcsin, math.acos: np.arccos,
    math.atan: np.arctan, math.sinh: np.sinh, math.cosh: np.cosh, math.tanh: np.tanh, math.asinh: np.arcsinh,
    math.acosh: np.arccosh, math.atanh: np.arctanh, math.exp: np.exp, math.exp2: np.exp2, math.expm1: np.expm1,
    math.log2: np.log2, math.log10: np.log10, math.log1p: np.log1p, math.sqrt: np.sqrt, math.cbrt: np.cbrt,
    math.pow: np.power, math.atan2: np.arctan2, math.fmod: np.fmod, math.fabs: np.fabs, math.copysign: np.copysign,
    math.isnan: np.isnan, math.isinf: np.isinf, math.isfinite: np.isfinite, math.nextafter: np.nextafter,
}

_TRACED: dict[Callable[..., Any], Rule] = {
    **{f: _ufunc(f.__name__, u) for f, u in _UFUNCS.items()},
    math.floor: _whole("floor", np.floor), math.ceil: _whole("ceil", np.ceil), math.trunc: _whole("trunc", np.trunc),
    math.log: _log, math.hypot: _hypot, math.dist: _dist, math.fsum: _fsum,
    math.prod: _prod, math.erf: _special("erf", "erf"), math.erfc: _special("erfc", "erfc"),
    math.lgamma: _special("lgamma", "gammaln"), math.gamma: _gamma, math.isclose: _isclose,
    math.degrees: _degrees, math.radians: _radians, math.remainder: _remainder, math.modf: _modf, math.frexp: _frexp,
    math.ldexp: _ldexp, math.ulp: _ulp, math.gcd: _of_divisors(np.gcd, 0), math.lcm: _of_divisors(np.lcm, 1),
    math.isqrt: _isqrt,
}
"""What each function does when an argument is traced."""


# complex numbers ------------------------------------------------------------------------------------------------------
def _complex(x: Any, name: str) -> TracedArray:
    """An argument of cmath: one number, as complex128."""
    h = o.as_traced(x)
    if not o.is_single(h):
        fail(TraceError, f"cmath.{name} takes one number, got {h.type}; write np.{name} for arrays")
    if h.ndim:
        h = o.emit("reshape", h, shape=())
    return o.cast(o.root(h.content, h.home, PYTHON), np.complex128)


def _complex_ufunc(name: str, ufunc: np.ufunc) -> Rule:
    return lambda x: python(compute(ufunc, [_complex(x, name)]))


def _complex_log(x: Any, base: Any = None) -> Any:
    y = compute(np.log, [_complex(x, "log")])
    return python(y if base is None else compute(np.true_divide, [y, compute(np.log, [_complex(base, "log")])]))


def _phase(z: Any) -> Any:
    z = _complex(z, "phase")
    return python(o.emit("arctan2", o.emit("imag", z), o.emit("real", z)))


def _polar(z: Any) -> Any:
    return python(o.emit("abs", _complex(z, "polar"))), _phase(z)


def _rect(r: Any, phi: Any) -> Any:
    r, phi = scalar(r, "rect"), scalar(phi, "rect")
    return python(o.emit("complex", *(o.emit("mul", r, o.emit(f, phi)) for f in ("cos", "sin"))))


_COMPLEX: dict[Callable[..., Any], Rule] = {
    **{getattr(cmath, name): _complex_ufunc(name, ufunc) for name, ufunc in (
        ("exp", np.exp), ("sqrt", np.sqrt), ("log10", np.log10), ("sin", np.sin), ("cos", np.cos), ("tan", np.tan),
        ("sinh", np.sinh), ("cosh", np.cosh), ("tanh", np.tanh), ("asin", np.arcsin), ("acos", np.arccos),
        ("atan", np.arctan), ("asinh", np.arcsinh), ("acosh", np.arccosh), ("atanh", np.arctanh), ("isnan", np.isnan),
        ("isinf", np.isinf), ("isfinite", np.isfinite))},
    cmath.log: _complex_log, cmath.phase: _phase, cmath.polar: _polar, cmath.rect: _rect,
}


OF_ITEMS = frozenset({math.fsum, math.prod})
OF_INTEGERS = frozenset({math.comb, math.perm, math.factorial, math.gcd, math.lcm, math.isqrt})


def as_number(x: Any, is_integer: bool = False) -> Any:
    """An object of the user's own that says what number it is, as that."""
    if isinstance(x, (TracedArray, int, float, complex, list, tuple)):
        return x
    from .calls import call
    from .special_methods import special
    method, kind = ("__index__", operator.index) if is_integer else ("__float__", float)
    return call(kind, x) if special(x, method) is not None else x


def _rule(f: Callable[..., Any], module: str = "math") -> Rule:
    """Python's own function on ordinary numbers; on traced ones the rule, or an error that names the function."""
    traced = _TRACED.get(f) or _COMPLEX.get(f)

    def rule(*args: Any, **kwargs: Any) -> Any:
        if f in OF_ITEMS and args and isinstance(args[0], Iterator):
            args = list(args[0]), *args[1:]
        args = tuple(as_number(x, f in OF_INTEGERS) for x in args)
        if not o.is_traced(args):
            return f(*args, **kwargs)
        if traced is None:
            fail(UnsupportedError, f"{module}.{f.__name__} of a traced number is not supported")
        result = traced(*args, **kwargs)
        if isinstance(result, TracedArray):
            from .raising import arithmetic
            arithmetic([h for h in map(o.as_traced, args) if not h.ndim], result, ValueError, OverflowError)
        return result

    return rule


RULES: dict[Any, Rule] = {f: _rule(f, m.__name__) for m in (math, cmath) for f in vars(m).values() if callable(f)}
