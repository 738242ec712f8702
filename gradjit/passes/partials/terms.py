"""Formulas as they stand in books: values of one shape with operators, and the functions that derivatives need."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Union

from ...ir import Builder, Value

Number = Union["Term", float, int]


class Term:
    """A value under construction. Numbers beside it are repeated over its shape, in its dtype."""

    __slots__ = ("b", "v")

    def __init__(self, b: Builder, v: Value):
        self.b = b
        self.v = v

    def of(self, x: Number) -> Value:
        """x as a value like this one."""
        return x.v if isinstance(x, Term) else self.b.like(x, self.v)

    def emit(self, name: str, *others: Number, **attrs: Any) -> Term:
        return Term(self.b, self.b.emit(name, self.v, *map(self.of, others), **attrs))  # type: ignore[arg-type]

    def like(self, number: float) -> Term:
        return Term(self.b, self.b.like(number, self.v))

    def cast(self, like: Term) -> Term:
        """The same numbers in the dtype of `like`."""
        return Term(self.b, self.b.cast_to(self.v, like.v.dtype))

    def __add__(self, other: Number) -> Term: return self.emit("add", other)
    def __radd__(self, other: Number) -> Term: return self.emit("add", other)
    def __sub__(self, other: Number) -> Term: return self.emit("sub", other)
    def __rsub__(self, other: Number) -> Term: return Term(self.b, self.of(other)).emit("sub", self)
    def __mul__(self, other: Number) -> Term: return self.emit("mul", other)
    def __rmul__(self, other: Number) -> Term: return self.emit("mul", other)
    def __truediv__(self, other: Number) -> Term: return self.emit("div", other)
    def __rtruediv__(self, other: Number) -> Term: return Term(self.b, self.of(other)).emit("div", self)
    def __pow__(self, other: Number) -> Term: return self.emit("pow", other)
    def __neg__(self) -> Term: return self.emit("neg")
    def __lt__(self, other: Number) -> Term: return self.emit("lt", other)
    def __le__(self, other: Number) -> Term: return self.emit("le", other)
    def __gt__(self, other: Number) -> Term: return self.emit("gt", other)
    def __ge__(self, other: Number) -> Term: return self.emit("ge", other)
    def equals(self, other: Number) -> Term: return self.emit("eq", other)


def _function(name: str) -> Callable[[Term], Term]:
    return lambda x: x.emit(name)


exp, log, log1p = _function("exp"), _function("log"), _function("log1p")
sqrt, absolute, sign = _function("sqrt"), _function("abs"), _function("sign")
sin, cos, sinh, cosh = _function("sin"), _function("cos"), _function("sinh"), _function("cosh")
rint, floor = _function("rint"), _function("floor")
digamma, gammaln, erf = _function("digamma"), _function("gammaln"), _function("erf")


def where(mask: Term, x: Number, y: Number) -> Term:
    """x or y; one of them is a term."""
    like = x if isinstance(x, Term) else y
    assert isinstance(like, Term)
    return Term(mask.b, mask.b.select(mask.v, like.of(x), like.of(y)))


def call(function: str, *args: Number, result: int = 0) -> Term:
    """A function of SciPy's; one of the arguments at least is a term."""
    like = next(a for a in args if isinstance(a, Term) and a.v.dtype.is_float)
    return Term(like.b, like.b.special_call(*map(like.of, args), function=function, result=result))


def xlogy(x: Term, y: Term) -> Term:
    """x log y, and 0 where x is, whatever y."""
    none = x.equals(0)
    return where(none, 0, x * log(where(none, 1, y)))


def xlog1py(x: Term, y: Term) -> Term:
    none = x.equals(0)
    return where(none, 0, x * log1p(where(none, 0, y)))


def polynomial(x: Term, coefficients: list[float]) -> Term:
    """By Horner's rule; the lowest coefficient stands first."""
    y = x.like(coefficients[-1])
    for c in reversed(coefficients[:-1]):
        y = y * x + c
    return y
