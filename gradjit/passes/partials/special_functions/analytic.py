"""NumPy's functions of complex numbers, by their real and imaginary parts.

For a complex derivative f' = p + iq the Cauchy-Riemann equations give the four real ones: the real part changes by p
with the real part of the argument and by -q with its imaginary part, the imaginary part by q and p.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Union

from ..terms import Term, call, where
from .rows import Row, Rows

Number = Union["Z", float]


class Z:
    """A complex number under construction."""

    __slots__ = ("re", "im")

    def __init__(self, re: Term, im: Term):
        self.re = re
        self.im = im

    def __neg__(self) -> Z:
        return Z(-self.re, -self.im)

    def __add__(self, other: float) -> Z:
        return Z(self.re + other, self.im)

    def __rsub__(self, other: float) -> Z:
        return Z(other - self.re, -self.im)

    def __sub__(self, other: float) -> Z:
        return Z(self.re - other, self.im)

    def __mul__(self, other: Number) -> Z:
        if not isinstance(other, Z):
            return Z(self.re * other, self.im * other)
        return Z(self.re * other.re - self.im * other.im, self.re * other.im + self.im * other.re)

    def __truediv__(self, other: Z) -> Z:
        return _call("divide", self, other)

    @property
    def turned(self) -> Z:
        """i z."""
        return Z(-self.im, self.re)

    def is_zero(self) -> Term:
        return where(self.re.equals(0), self.im.equals(0), _never(self.re))


def _never(x: Term) -> Term:
    return Term(x.b, x.b.const(False, shape=x.v.shape))


def _call(name: str, *args: Z) -> Z:
    planes = [p for z in args for p in (z.re, z.im)]
    return Z(call(f"complex_{name}", *planes, result=0), call(f"complex_{name}", *planes, result=1))


def _choose(mask: Term, x: Z | float, y: Z) -> Z:
    if not isinstance(x, Z):
        return Z(where(mask, x, y.re), where(mask, 0, y.im))
    return Z(where(mask, x.re, y.re), where(mask, x.im, y.im))


def _inverse(z: Z) -> Z:
    return _call("reciprocal", z)


def _roots(x: Z, y: Z) -> Z:
    """1 / sqrt(x y), on the branch that a product of roots is on."""
    return _inverse(_call("sqrt", x) * _call("sqrt", y))


Derivative = Callable[..., Z]


def _rows(*derivatives: Derivative) -> list[Row]:
    """The rows of the two parts, from the derivatives by each argument."""
    def numbers(planes: tuple[Term, ...]) -> list[Z]:
        return [Z(planes[k], planes[k + 1]) for k in range(0, len(planes), 2)]

    def real(d: Derivative) -> Callable[..., Term]:
        return lambda r, *planes: d(*numbers(planes)).re

    def imag(d: Derivative) -> Callable[..., Term]:
        return lambda r, *planes: d(*numbers(planes)).im

    def minus(d: Derivative) -> Callable[..., Term]:
        return lambda r, *planes: -d(*numbers(planes)).im

    return [tuple(f for d in derivatives for f in (real(d), minus(d))),
            tuple(f for d in derivatives for f in (imag(d), real(d)))]


def _power_base(z: Z, p: Z) -> Z:
    """p z^(p-1); nothing for p = 0."""
    return _choose(p.is_zero(), 0.0, p * _call("power", z, p - 1))


def _power_exponent(z: Z, p: Z) -> Z:
    """z^p log z; nothing for z = 0, where the power is 0 or 1."""
    zero = z.is_zero()
    return _choose(zero, 0.0, _call("power", z, p) * _call("log", _choose(zero, 1.0, z)))


def _arcsin(z: Z) -> Z:
    return _roots(1 - z, z + 1)


ROWS: Rows = {f"complex_{name}": rows for name, rows in {
    "divide": _rows(lambda x, y: _inverse(y), lambda x, y: -(_call("divide", x, y) / y)),
    "reciprocal": _rows(lambda z: -(_inverse(z) * _inverse(z))),
    "power": _rows(_power_base, _power_exponent),
    "exp": _rows(lambda z: _call("exp", z)),
    "exp2": _rows(lambda z: _call("exp2", z) * math.log(2)),
    "expm1": _rows(lambda z: _call("exp", z)),
    "log": _rows(_inverse),
    "log2": _rows(lambda z: _inverse(z * math.log(2))),
    "log10": _rows(lambda z: _inverse(z * math.log(10))),
    "log1p": _rows(lambda z: _inverse(z + 1)),
    "sqrt": _rows(lambda z: _inverse(_call("sqrt", z) * 2.0)),
    "sin": _rows(lambda z: _call("cos", z)),
    "cos": _rows(lambda z: -_call("sin", z)),
    "tan": _rows(lambda z: _call("tan", z) * _call("tan", z) + 1),
    "arcsin": _rows(_arcsin),
    "arccos": _rows(lambda z: -_arcsin(z)),
    "arctan": _rows(lambda z: _inverse(z * z + 1)),
    "sinh": _rows(lambda z: _call("cosh", z)),
    "cosh": _rows(lambda z: _call("sinh", z)),
    "tanh": _rows(lambda z: 1 - _call("tanh", z) * _call("tanh", z)),
    "arcsinh": _rows(lambda z: _roots(z.turned + 1, 1 - z.turned)),
    "arccosh": _rows(lambda z: _roots(z - 1, z + 1)),
    "arctanh": _rows(lambda z: _inverse((1 - z) * (z + 1))),
}.items()}
