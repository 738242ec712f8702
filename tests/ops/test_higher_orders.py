"""Derivatives to third order where a rule chooses: at ties, zeros, infinities and kinks, and near them.

Every mixture of modes must give the value that calculus gives, as mpmath computes it; or, at a point where there is
none, the one in the table, which docs/derivatives.md explains.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import mpmath as mp
import numpy as np
import pytest
import scipy.special as sp

from gradjit.ir import Func, interpret
from gradjit.passes.jvp import jvp
from gradjit.passes.simplify import simplify
from gradjit.passes.vjp import gradient
from gradjit.tracer.trace import trace

INF, NAN = np.inf, np.nan
Point = tuple[float, ...]
Jet = dict[tuple[int, ...], float]
"""Derivatives by how often each argument is differentiated; what is missing is 0."""


@dataclass(frozen=True)
class Function:
    """call: in NumPy. exact: in mpmath. smooth: points where calculus has an answer. special: where it has none, or
    where mpmath has none: the derivatives by convention, or as limits. orders: how far they are checked there."""

    name: str
    call: Callable[..., Any]
    exact: Callable[..., Any]
    smooth: tuple[Point, ...]
    special: dict[Point, Jet] = field(default_factory=dict)
    orders: int = 3
    rtol: float = 1e-9


def logaddexp(x: Any, y: Any) -> Any:
    return mp.log(mp.exp(x) + mp.exp(y))


def mean_norm(*x: Any) -> Any:
    return mp.sqrt(sum(v * v for v in x))


def deviation(x: Any, y: Any) -> Any:
    return mp.sqrt((x - y) ** 2 / 4)


def steps(values: dict[float, float]) -> dict[Point, Jet]:
    """A function of one argument whose higher derivatives are 0: the first at each point."""
    return {(x,): {(1,): d} for x, d in values.items()}


def pairs(values: dict[Point, tuple[float, float]]) -> dict[Point, Jet]:
    """The same for two arguments."""
    return {at: {(1, 0): dx, (0, 1): dy} for at, (dx, dy) in values.items()}


HALVES, FIRST, SECOND = (0.5, 0.5), (1.0, 0.0), (0.0, 1.0)
EXTREME = {(2.0, 2.0): HALVES, (0.0, -0.0): HALVES, (INF, INF): HALVES}

FUNCTIONS = (
    Function("logaddexp", np.logaddexp, logaddexp,
             ((0.0, 0.0), (3.0, 3.0), (-700.0, -700.0), (1e-9, 0.0), (0.0, 1e-9), (2.0, -1.0), (1000.0, 1000.0)),
             {**pairs({(-INF, 1.0): SECOND, (INF, 1.0): FIRST, (-INF, -INF): (0, 0), (INF, INF): HALVES})}),
    Function("logaddexp2", np.logaddexp2, lambda x, y: mp.log(2**x + 2**y, 2), ((0.0, 0.0), (5.0, 5.0), (1.0, -2.0)),
             pairs({(-INF, 1.0): SECOND, (-INF, -INF): (0, 0), (INF, INF): HALVES})),
    Function("logaddexp.reduce", lambda x, y: np.logaddexp.reduce(np.stack([x, y, x * y])),
             lambda x, y: mp.log(mp.exp(x) + mp.exp(y) + mp.exp(x * y)), ((0.0, 0.0), (1.0, 1.0), (2.0, 2.0))),
    Function("logsumexp", lambda x, y: sp.logsumexp(np.stack([x, y])), logaddexp, ((0.0, 0.0), (3.0, 3.0), (1.0, 2.0)),
             pairs({(-INF, 1.0): SECOND})),
    Function("softplus", lambda x: np.logaddexp(0.0, x), lambda x: mp.log1p(mp.exp(x)), ((0.0,), (1e-12,), (-2.0,)),
             steps({-INF: 0.0, INF: 1.0})),
    Function("logistic loss", lambda w: np.log1p(np.exp(-w)), lambda w: mp.log1p(mp.exp(-w)), ((0.0,), (1.0,))),
    Function("log_expit", sp.log_expit, lambda x: -mp.log1p(mp.exp(-x)), ((0.0,), (1e-12,), (-3.0,), (3.0,)),
             steps({-INF: 1.0, INF: 0.0})),
    Function("maximum", np.maximum, max, ((3.0, 2.0), (2.0, 3.0)),
             pairs({**EXTREME, (-INF, 1.0): SECOND, (1.0, INF): SECOND})),
    Function("minimum", np.minimum, min, ((3.0, 2.0), (2.0, 3.0)), pairs({**EXTREME, (-INF, 1.0): FIRST})),
    Function("fmax", np.fmax, max, ((3.0, 2.0),), pairs({(2.0, 2.0): HALVES, (NAN, 2.0): SECOND, (2.0, NAN): FIRST})),
    Function("fmin", np.fmin, min, ((3.0, 2.0),), pairs({(2.0, 2.0): HALVES, (NAN, 2.0): SECOND})),
    Function("square of maximum", lambda x, y: np.maximum(x, y) ** 2 * x, lambda x, y: max(x, y) ** 2 * x,
             ((3.0, 2.0), (2.0, 3.0))),
    Function("clip", lambda x: np.clip(x, -1.0, 2.0) * x, lambda x: min(max(x, -1), 2) * x,
             ((0.5,), (-3.0,), (4.0,)), {(2.0,): {(1,): 3.0, (2,): 1.0}, (-1.0,): {(1,): -1.5, (2,): 1.0}}),
    Function("relu", lambda x: np.maximum(x, 0.0), lambda x: max(x, 0), ((1e-300,), (-1e-300,)), steps({0.0: 0.5})),
    Function("abs", np.abs, abs, ((1e-300,), (-2.0,)), steps({0.0: 0.0, INF: 1.0, -INF: -1.0})),
    Function("cube of abs", lambda x: np.abs(x) ** 3, lambda x: abs(x) ** 3, ((0.5,), (-0.5,)), {(0.0,): {}}),
    Function("hypot", np.hypot, mp.hypot, ((3.0, -4.0), (3.0, 0.0), (0.0, -2.0), (1e-9, 0.0), (1e-100, 1e-100)),
             {(0.0, 0.0): {}, **pairs({(INF, 1.0): FIRST, (1.0, -INF): (0, -1)})}),
    Function("arctan2", np.arctan2, mp.atan2,
             ((0.0, 1.0), (1.0, 0.0), (-2.0, 0.5), (1e-9, 1e-9), (1e-100, 1e-100), (3.0, -1e-9)),
             {(0.0, -1.0): {(1, 0): -1.0, (1, 1): -1.0, (3, 0): 2.0, (1, 2): -2.0},
              (0.0, 0.0): {}, (1.0, INF): {}, (INF, 1.0): {}, (INF, INF): {}}),
    Function("pow", np.power, lambda x, y: mp.power(x, y),
             ((3.0, 0.0), (3.0, 1.0), (3.0, 2.0), (2.0, -1.0), (0.5, 3.5), (1.0, 0.0), (1e-9, 2.0)),
             {(0.0, 2.0): {(2, 0): 2.0, (2, 1): 3.0}, (0.0, 3.0): {(3, 0): 6.0}, (0.0, 4.0): {}}, rtol=1e-8),
    Function("squared", lambda x: x**2, lambda x: x**2, ((0.0,), (-3.0,))),
    Function("cubed", lambda x: x**3, lambda x: x**3, ((0.0,), (-3.0,))),
    Function("fifth power", lambda x: x**5, lambda x: x**5, ((0.0,), (-3.0,))),
    Function("root of cube", lambda x: x**1.5, lambda x: x**1.5, ((4.0,),), {(0.0,): {(2,): INF}}, orders=2),
    Function("inverse", lambda x: x**-1, lambda x: 1 / x, ((-2.0,), (1e-9,))),
    Function("sqrt", np.sqrt, mp.sqrt, ((4.0,), (1e-9,)), {(0.0,): {(1,): INF, (2,): -INF, (3,): INF}}),
    Function("cbrt", np.cbrt, mp.cbrt, ((8.0,), (1e-9,)), {(0.0,): {(1,): INF}}, orders=1),
    Function("xlogy", sp.xlogy, lambda x, y: x * mp.log(y) if x else mp.mpf(0) * y, ((2.0, 3.0), (1e-9, 2.0)),
             {(0.0, 2.0): {(1, 0): np.log(2.0), (1, 1): 0.5, (1, 2): -0.25}, (0.0, 0.0): {}}),
    Function("xlog1py", sp.xlog1py, lambda x, y: x * mp.log1p(y), ((2.0, 3.0),),
             {(0.0, 2.0): {(1, 0): np.log(3.0), (1, 1): 1 / 3, (1, 2): -1 / 9},
              (0.0, 0.0): {(1, 1): 1.0, (1, 2): -1.0}}),
    Function("entr", sp.entr, lambda x: -x * mp.log(x), ((0.5,), (1.0,), (1e-9,))),
    Function("kl_div", sp.kl_div, lambda x, y: x * mp.log(x / y) - x + y, ((1.0, 1.0), (0.5, 2.0)),
             {(0.0, 2.0): {(0, 1): 1.0}}),
    Function("huber", lambda r: sp.huber(1.5, r), lambda r: r * r / 2 if abs(r) < 1.5 else 1.5 * (abs(r) - 0.75),
             ((0.0,), (1.0,), (2.0,), (-3.0,))),
    Function("pseudo_huber", lambda r: sp.pseudo_huber(1.5, r), lambda r: 2.25 * (mp.sqrt(1 + (r / 1.5) ** 2) - 1),
             ((0.0,), (1e-9,), (2.0,))),
    Function("logit", sp.logit, lambda p: mp.log(p / (1 - p)), ((0.5,), (0.3,), (0.1,), (0.7,), (1e-9,))),
    Function("exprel", sp.exprel, lambda x: mp.expm1(x) / x if x else mp.mpf(1), ((1e-9,), (0.19,), (0.21,), (-2.0,)),
             {(0.0,): {(1,): 1 / 2, (2,): 1 / 3, (3,): 1 / 4}}),
    Function("boxcox", sp.boxcox, lambda x, p: (x**p - 1) / p if p else mp.log(x),
             ((2.0, 0.5), (2.0, 1e-6)), rtol=1e-7),
    Function("inv_boxcox", lambda y: sp.inv_boxcox(y, 0.0), mp.exp, ((0.0,), (1.5,))),
    Function("sinc", np.sinc, mp.sincpi, ((1e-9,), (0.03,), (0.04,), (1.0,), (-2.5,)),
             {(0.0,): {(2,): -np.pi**2 / 3}}),
    Function("cosm1", sp.cosm1, lambda x: mp.cos(x) - 1, ((0.0,), (1e-9,))),
    Function("expit", sp.expit, lambda x: 1 / (1 + mp.exp(-x)), ((0.0,), (2.0,)), steps({INF: 0.0, -INF: 0.0})),
    Function("tanh", np.tanh, mp.tanh, ((0.0,), (0.5,)), steps({INF: 0.0})),
    Function("where", lambda x: np.where(x > 0, np.sin(x) * x, x**3), lambda x: mp.sin(x) * x if x > 0 else x**3,
             ((1e-9,), (-1.0,)), {(0.0,): {(3,): 6.0}}),
    Function("guarded root", lambda x: np.where(x > 0, np.sqrt(x), 0.0), lambda x: mp.sqrt(x), ((4.0,),),
             {(0.0,): {}, (-1.0,): {}}),
    Function("guarded logarithm", lambda x: np.log(np.where(x > 0, x, 1.0)), mp.log, ((4.0,),),
             {(0.0,): {}, (-1.0,): {}}),
    Function("root of a chosen constant", lambda x: np.sqrt(np.where(x > 1, x * x, 0.0)), lambda x: x, ((2.0,),),
             {(0.5,): {}}),
    Function("root of positive part", lambda x: np.sqrt(np.maximum(x, 0.0)), mp.sqrt, ((4.0,),), {(-1.0,): {}}),
    Function("copysign", lambda x: np.copysign(x, -1.0) * x, lambda x: -abs(x) * x, ((2.0,), (-2.0,))),
    Function("mod", lambda x, y: np.mod(x, y) * x, lambda x, y: (x - y * mp.floor(x / y)) * x,
             ((7.5, 2.0), (-1.0, 3.0))),
    Function("norm", lambda x, y: np.linalg.norm(np.stack([x, y])), mean_norm,
             ((3.0, 4.0), (1.0, 0.0), (1e-9, 1e-9)), {(0.0, 0.0): {}}),
    Function("norm of order 3", lambda x, y: np.linalg.norm(np.stack([x, y]), 3),
             lambda x, y: (abs(x) ** 3 + abs(y) ** 3) ** (mp.mpf(1) / 3), ((3.0, 4.0), (1.0, -2.0)), {(0.0, 0.0): {}}),
    Function("norm of order 1", lambda x, y: np.linalg.norm(np.stack([x, y]), 1), lambda x, y: abs(x) + abs(y),
             ((3.0, -4.0),), pairs({(0.0, 0.0): (0, 0), (1.0, 0.0): FIRST})),
    Function("largest size", lambda x, y: np.linalg.norm(np.stack([x, y]), np.inf), lambda x, y: max(abs(x), abs(y)),
             ((3.0, -4.0),), pairs({(0.0, 0.0): (0, 0), (1.0, -1.0): (0.5, -0.5)})),
    Function("square of norm", lambda x, y: np.linalg.norm(np.stack([x, y])) ** 2, lambda x, y: x * x + y * y,
             ((3.0, 4.0), (1.0, 0.0)), {(0.0, 0.0): {(2, 0): 2, (0, 2): 2}}),
    Function("deviation", lambda x, y: np.std(np.stack([x, y])), deviation, ((3.0, 4.0), (2.0, -1.0)),
             {(2.0, 2.0): {}}),
    Function("product", lambda x, y: np.prod(np.stack([x, y, x + y])), lambda x, y: x * y * (x + y),
             ((0.0, 0.0), (0.0, 2.0), (1.0, -1.0), (2.0, 3.0))),
    Function("running product", lambda x, y: np.sum(np.cumprod(np.stack([x, y, x + y]))),
             lambda x, y: x + x * y + x * y * (x + y), ((0.0, 0.0), (0.0, 2.0), (2.0, 3.0))),
    Function("max", lambda x, y: np.max(np.stack([x, y, 1.0])) * x, lambda x, y: max(x, y, 1) * x,
             ((3.0, 2.0), (0.0, 2.0), (0.0, 0.0)), {(2.0, 2.0): {(1, 0): 3.0, (0, 1): 1.0, (2, 0): 1.0, (1, 1): 0.5}}),
    Function("smooth maximum", lambda x, y: sp.softmax(np.stack([x, y])) @ np.stack([x, y]),
             lambda x, y: (x * mp.exp(x) + y * mp.exp(y)) / (mp.exp(x) + mp.exp(y)),
             ((0.0, 0.0), (2.0, 2.0), (1.0, 3.0))),
)


# what is compared -----------------------------------------------------------------------------------------------------
def traced(f: Function, arity: int) -> Func:
    return trace(f.call, tuple(map(float, range(1, arity + 1))), {}).func


def derived(func: Func, ways: tuple[tuple[str, int], ...]) -> Func:
    """The function with a last result that is its derivative: by each mode in turn, for one parameter."""
    for mode, k in ways:
        last = len(func.results) - 1
        func = gradient(func, [k], last) if mode == "reverse" else jvp(func, [k])
    return simplify(func)


def mixtures(arity: int, orders: int) -> Iterator[tuple[tuple[str, int], ...]]:
    """All modes and all orders of arguments up to the second; of the third order each derivative once in two ways."""
    for n in range(1, min(orders, 2) + 1):
        for modes in itertools.product(("reverse", "forward"), repeat=n):
            for where in itertools.product(range(arity), repeat=n):
                yield tuple(zip(modes, where, strict=True))
    if orders > 2:
        for text in ("rrr", "frf"):
            for where in itertools.combinations_with_replacement(range(arity), 3):
                yield tuple(("reverse" if c == "r" else "forward", k) for c, k in zip(text, where, strict=True))


@cache
def by_calculus(f: Function, point: Point, order: tuple[int, ...]) -> float:
    with mp.workdps(80):
        place = tuple(map(mp.mpf, point))
        return float(mp.diff(f.exact, place if len(place) > 1 else place[0], order if len(order) > 1 else order[0],
                             h=mp.mpf(10) ** -20 * (1 if not any(point) else min(1, *(abs(p) for p in place if p)))))


def expected(f: Function, point: Point, order: tuple[int, ...]) -> float:
    return f.special[point].get(order, 0.0) if point in f.special else by_calculus(f, point, order)


@cache
def size(f: Function, point: Point, order: int) -> float:
    """Of the largest derivative up to an order: what rounding is measured by."""
    jets = itertools.product(range(order + 1), repeat=len(point))
    found = [abs(expected(f, point, jet)) for jet in jets if 0 < sum(jet) <= order]
    return max([1e-9, *(v for v in found if v < INF)])


Function.__hash__ = lambda self: hash(self.name)  # type: ignore[method-assign, assignment]


@pytest.mark.thinned
@pytest.mark.parametrize("f", FUNCTIONS, ids=lambda f: f.name)
def test_to_third_order(f: Function) -> None:
    points = [*f.smooth, *f.special]
    arity = len(points[0])
    func = traced(f, arity)
    wrong = []
    for ways in mixtures(arity, f.orders):
        made = derived(func, ways)
        order = tuple(sum(k == j for _, k in ways) for j in range(arity))
        for point in points:
            tangents = [1.0] * (len(made.params) - arity)
            with np.errstate(all="ignore"):
                got = float(interpret(made, [np.asarray(float(v)) for v in (*point, *tangents)])[-1])
            want = expected(f, point, order)
            scale = size(f, point, sum(order))
            if not (got == want or abs(got - want) <= f.rtol * scale or (np.isnan(got) and np.isnan(want))):
                wrong.append(f"{'-'.join(m for m, _ in ways)} {order} at {point}: {got}, expected {want}")
    assert not wrong, "\n".join(wrong)
