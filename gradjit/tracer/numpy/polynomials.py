"""numpy.polynomial and np.poly1d on traced arrays: NumPy's own formulas, run with the tracer's arrays.

The functions are plain Python over NumPy's arrays. Their copies here see other things under some names: what makes an
array of a traced one, and what trims zeros. How many coefficients a polynomial has is part of its shape: the last one
of a traced polynomial is taken to be other than 0, and it is an error where it is not.
"""

from __future__ import annotations

import functools
import importlib
import types
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...errors import ArgumentError
from .. import operands as o
from ..array import TracedArray
from ..calls import KINDS as KINDS_OF_ARRAYS
from ..guards import Source
from ..libraries import OF_KNOWN
from ..locations import fail
from ..operands import as_traced, captured, cast, is_traced
from ..outside import outside
from ..recorder import current
from .calculus import fitted
from .common import array

Rule = Callable[..., Any]
KINDS = {"polynomial": ("poly", "Polynomial"), "chebyshev": ("cheb", "Chebyshev"), "legendre": ("leg", "Legendre"),
         "hermite": ("herm", "Hermite"), "hermite_e": ("herme", "HermiteE"), "laguerre": ("lag", "Laguerre")}
"""For each module of numpy.polynomial what its functions' names begin with, and its class."""
FUNCTIONS = ("val val2d val3d grid2d grid3d vander vander2d vander3d der int add sub mul mulx pow fromroots "
             "valfromroots companion roots").split()


# what copies of NumPy's functions see ---------------------------------------------------------------------------------
def made(x: Any, dtype: Any = None, copy: Any = None, ndmin: int = 0) -> Any:
    """np.array of traced numbers, or of a list that holds some."""
    if not is_traced(x) and not (isinstance(x, (list, tuple)) and any(map(is_traced, x))):
        return np.array(x, dtype=dtype, copy=copy, ndmin=ndmin)
    y: Any = array(x)
    y = cast(y, dtype) if dtype is not None else y
    y = o.as_array(y) if copy else y
    return np.reshape(y, (1,) * (ndmin - y.ndim) + y.shape) if y.ndim < ndmin else y


def as_array(x: Any, dtype: Any = None) -> Any:
    return made(x, dtype)


def empty(shape: Any, dtype: Any = float) -> Any:
    return o.as_array(o.filled(0, (shape,) if isinstance(shape, int) else tuple(shape), dtype))


def trimmed(c: Any) -> Any:
    """Without zeros at the end; a traced one has none."""
    if not isinstance(c, TracedArray) or c.is_known:
        from numpy.polynomial import polyutils
        return polyutils.trimseq(np.asarray(c.known) if isinstance(c, TracedArray) else c)
    if c.shape[0] > 1:
        o.require(array(c[-1] != 0), "the last coefficient of a polynomial is 0: how many coefficients there are would "
                                     "depend on the elements; leave it out")
    return c


def as_series(alist: Sequence[Any], trim: bool = True) -> list[Any]:
    arrays = [made(a, ndmin=1) for a in alist]
    for a in arrays:
        if a.ndim != 1 or a.shape[0] == 0:
            fail(ArgumentError, "Coefficient array is not 1-d" if a.ndim != 1 else "Coefficient array is empty")
    dtype = np.result_type(*(a.dtype for a in arrays), *(() if any(a.dtype.kind in "fc" for a in arrays) else (float,)))
    return [made(trimmed(a) if trim else a, dtype, True) for a in arrays]


class NumpyWithTraced:
    """The module np, with arrays that may be written to and of which traced ones are some."""

    array = staticmethod(made)
    asarray = asanyarray = staticmethod(as_array)
    empty = zeros = staticmethod(empty)
    ndarray = (np.ndarray, TracedArray)

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)


@functools.cache
def space(module: str) -> dict[str, Any]:
    """The names that copies of a module's functions see."""
    found: dict[str, Any] = dict(vars(importlib.import_module(f"numpy.polynomial.{module}")))
    found["np"] = NumpyWithTraced()
    if module == "polyutils":
        found.update(as_series=as_series, trimseq=trimmed)
    else:
        found["pu"] = types.SimpleNamespace(**space("polyutils"))
    for name, value in list(found.items()):
        plain = getattr(value, "_implementation", value)
        if isinstance(plain, types.FunctionType) and plain.__module__ == f"numpy.polynomial.{module}":
            copy = types.FunctionType(plain.__code__, found, plain.__name__, plain.__defaults__, plain.__closure__)
            copy.__kwdefaults__ = plain.__kwdefaults__
            found[name] = copy
    return found


def copied(module: str, name: str) -> Rule:
    """One of NumPy's functions, which is looked for when it is first called."""
    return lambda *args, **kwargs: space(module)[name](*args, **kwargs)


# fits -----------------------------------------------------------------------------------------------------------------
def fit_of(module: str) -> Rule:
    def fit(x, y, deg, rcond=None, full=False, w=None):
        degrees = np.sort(np.atleast_1d(deg)) if np.ndim(deg) else None
        top = int(degrees[-1]) if degrees is not None else int(deg)
        rows = space(module)[f"{KINDS[module][0]}vander"](made(x) + 0.0, top)
        if degrees is None:
            return fitted(rows, made(y), rcond, None if w is None else made(w), full)
        found = fitted(rows[:, degrees], made(y), rcond, None if w is None else made(w), full)
        c = found[0] if full else found
        whole = empty((top + 1, *c.shape[1:]), c.dtype)
        whole[degrees] = c
        return (whole, found[1]) if full else whole

    return fit


# classes --------------------------------------------------------------------------------------------------------------
class Series:
    """What stands for one of numpy.polynomial's classes with traced coefficients."""

    __array_ufunc__ = None

    def __init__(self, kind: str, coef: Any, domain: Any, window: Any):
        self.kind, self.coef, self.domain, self.window = kind, coef, domain, window

    def _named(self, name: str) -> Rule:
        f: Rule = space(self.kind)[KINDS[self.kind][0] + name]
        return f

    def _like(self, coef: Any) -> Series:
        return Series(self.kind, coef, self.domain, self.window)

    def __call__(self, arg: Any) -> Any:
        at = arg if isinstance(arg, (int, float, complex, np.generic)) else made(arg)
        off, scale = self.mapparms()
        return self._named("val")(off + scale * at, self.coef)

    def mapparms(self) -> Any:
        return space("polyutils")["mapparms"](self.domain, self.window)

    def degree(self) -> int:
        return int(self.coef.shape[0]) - 1

    def deriv(self, m: int = 1) -> Series:
        return self._like(self._named("der")(self.coef, m, self.mapparms()[1]))

    def integ(self, m: int = 1, k: Any = (), lbnd: Any = None) -> Series:
        off, scale = self.mapparms()
        start = 0 if lbnd is None else off + scale * lbnd
        return self._like(self._named("int")(self.coef, m, k if np.ndim(k) == 0 else list(k), start, 1.0 / scale))

    def roots(self) -> Any:
        return space("polyutils")["mapdomain"](self._named("roots")(self.coef), self.window, self.domain)

    def _with(self, name: str, other: Any, first: bool = True) -> Any:
        if isinstance(other, Series) and (other.kind != self.kind or any(
                not np.array_equal(a, b) for a, b in ((self.domain, other.domain), (self.window, other.window)))):
            fail(ArgumentError, "Polynomial types, domains or windows differ")
        pair = [self.coef, other.coef if isinstance(other, Series) else other]
        return self._like(self._named(name)(*(pair if first else pair[::-1])))

    def __add__(self, other: Any) -> Any:
        return self._with("add", other)

    def __radd__(self, other: Any) -> Any:
        return self._with("add", other, False)

    def __sub__(self, other: Any) -> Any:
        return self._with("sub", other)

    def __rsub__(self, other: Any) -> Any:
        return self._with("sub", other, False)

    def __mul__(self, other: Any) -> Any:
        return self._with("mul", other)

    def __rmul__(self, other: Any) -> Any:
        return self._with("mul", other, False)

    def __truediv__(self, number: Any) -> Any:
        return self._like(self.coef / number)

    def __pow__(self, power: int) -> Any:
        return self._like(self._named("pow")(self.coef, power))

    def __neg__(self) -> Any:
        return self._like(-self.coef)


class Poly1d:
    """What stands for an np.poly1d with traced coefficients, the highest power first."""

    __array_ufunc__ = None

    def __init__(self, c: Any):
        self.coef = self.coeffs = self.c = as_traced(c)
        self.order = self.o = int(c.shape[0]) - 1

    @property
    def stands_for(self) -> type:
        return np.poly1d

    def __len__(self) -> int:
        return self.order

    def __iter__(self) -> Any:
        return iter(self.c)

    def __truediv__(self, other: Any) -> Poly1d:
        return Poly1d(self.c / other)

    def __pow__(self, n: int) -> Poly1d:
        made = Poly1d(np.ones(1))
        for _ in range(n):
            made = made * self
        return made

    @property
    def roots(self) -> Any:
        return np.roots(self.c)

    r = roots

    def __call__(self, val: Any) -> Any:
        return np.polyval(self.c, val.c) if isinstance(val, Poly1d) else np.polyval(self.c, val)

    def __getitem__(self, power: int) -> Any:
        return self.c[self.order - power] if 0 <= power <= self.order else 0

    def deriv(self, m: int = 1) -> Poly1d:
        return Poly1d(np.polyder(self.c, m))

    def integ(self, m: int = 1, k: Any = 0) -> Poly1d:
        return Poly1d(np.polyint(self.c, m, k))

    def _with(self, f: Rule, other: Any, first: bool = True) -> Poly1d:
        pair = [self.c, other.c if isinstance(other, (Poly1d, np.poly1d)) else np.atleast_1d(as_traced(other))]
        return Poly1d(f(*(pair if first else pair[::-1])))

    def __add__(self, other: Any) -> Any:
        return self._with(np.polyadd, other)

    def __sub__(self, other: Any) -> Any:
        return self._with(np.polysub, other)

    def __rsub__(self, other: Any) -> Any:
        return self._with(np.polysub, other, False)

    def __mul__(self, other: Any) -> Any:
        return self._with(np.polymul, other)

    __radd__, __rmul__ = __add__, __mul__

    def __neg__(self) -> Any:
        return Poly1d(-self.c)


def series_of(kind: str) -> Rule:
    def construct(coef, domain=None, window=None, symbol="x"):
        cls = getattr(importlib.import_module(f"numpy.polynomial.{kind}"), KINDS[kind][1])
        (c,) = as_series([coef], trim=False)
        return Series(kind, c, cls.domain if domain is None else made(domain), cls.window if window is None else
                      made(window))

    return construct


def poly1d(c_or_r, r=False, variable=None):
    given = c_or_r.c if isinstance(c_or_r, (Poly1d, np.poly1d)) else as_traced(c_or_r)
    c = np.poly(given) if r else np.atleast_1d(given)
    if len(c.shape) > 1:
        fail(ArgumentError, "Polynomial must be 1d only.")
    o.require(array(c[0] != 0), "the first coefficient of np.poly1d is 0: how many coefficients there are would depend "
                                "on the elements; leave it out")
    return Poly1d(c)


def held(p: Any, name: str) -> Any:
    """An array of a polynomial from outside, which is read at each call."""
    found = getattr(p, name)
    return as_traced(found) if is_traced(found) else captured(found, Source("attribute", p, name))


def called(p: Any, arg: Any) -> Any:
    """A polynomial from outside at traced points."""
    domain, window = (outside(current()).watch_attribute(p, name, f"{type(p).__name__}()")
                      for name in ("domain", "window"))
    return Series(type(p).__module__.rpartition(".")[2], held(p, "coef"), domain, window)(arg)


def poly1d_called(p: Any, val: Any) -> Any:
    return Poly1d(held(p, "_coeffs"))(val)


RULES: dict[tuple[str, str], Rule] = {
    **{(f"numpy.polynomial.{module}", prefix + name): copied(module, prefix + name)
       for module, (prefix, _) in KINDS.items() for name in FUNCTIONS},
    **{(f"numpy.polynomial.{module}", f"{prefix}fit"): fit_of(module) for module, (prefix, _) in KINDS.items()},
    **{(f"numpy.polynomial.{module}", cls): series_of(module) for module, (_, cls) in KINDS.items()},
    ("numpy.polynomial._polybase", "ABCPolyBase.__call__"): called,
    ("numpy", "poly1d"): poly1d, OF_KNOWN: lambda p: Poly1d(held(p, "_coeffs")),
    ("numpy.lib._polynomial_impl", "poly1d.__call__"): poly1d_called,
}


OF_POLY1D: dict[Any, Rule] = {np.polyval: lambda p, x: p(x), np.roots: lambda p: p.roots,
                              np.polyder: lambda p, m=1: p.deriv(m),
                              np.polyint: lambda p, m=1, k=None: p.integ(m, k or 0)}


def of_poly1d(f: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Rule | None:
    """The rule of one of NumPy's functions of polynomials for what stands for an np.poly1d."""
    is_one = bool(args) and isinstance(args[0], Poly1d) and callable(f) and isinstance(f, type(np.sum))
    return OF_POLY1D.get(f) if is_one else None


KINDS_OF_ARRAYS.append(of_poly1d)
