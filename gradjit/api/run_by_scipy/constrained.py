"""scipy.optimize.minimize under constraints, inside traced functions.

SciPy finds x; what holds there are the conditions of Karush, Kuhn and Tucker: the gradient of the function is a sum of
the gradients of the constraints that are active, each times its multiplier, and those constraints are zero. (Nocedal
and Wright, Numerical Optimization, 2nd edition, section 12.3; Fiacco, 1983, for their derivatives.) The unknowns of
that equation are x and the multipliers. Which constraints are active is decided while the program runs, at the
solution.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...errors import ArgumentError, UnsupportedError
from ...records import dataclass
from ...tracer import libraries
from ...tracer.array import TracedArray
from ...tracer.locations import fail
from ...tracer.operands import as_traced, is_traced
from ..functions import grad, jacobian, jit
from ..implicit import Equation, joined
from ..primitive import primitive
from .called_by_solvers import watched
from .solvers import (
    FILES,
    MINIMISERS,
    PRODUCT,
    TOLD,
    Given,
    Solver,
    box,
    for_bounds,
    on,
    registered,
    repeat,
    single,
    stationary,
    with_bounds,
)

Function = Callable[..., Any]
ACTIVE = 1e-5
"""How close to zero, relative to its gradient, a constraint is active, if its multiplier has the right sign."""


@dataclass(frozen=True, eq=False)
class Constraint:
    """lower <= function(x) <= upper, of a vector; other: the operands of function besides x. is_of: how SciPy gets it:
    "eq" and "ineq" are dictionaries, "between" an object. jac: whether SciPy gets the derivative, too."""

    function: Equation
    lower: Any
    upper: Any
    is_of: str
    jac: bool

    @property
    def size(self) -> int:
        """How many numbers it bounds."""
        f = self.function
        return sum(1 if r.index is None else f.func.results[r.index].type.size for r in f.result)

    def vector(self, x: Any, others: Sequence[Any]) -> Any:
        return self.function.vector(x, *others)


def constraints_of(given: Any, unknown: TracedArray) -> list[Constraint]:
    """What the user passes as constraints=: one, or a list of them."""
    if isinstance(given, dict) or hasattr(given, "lb"):
        given = [given]
    return [from_dict(c, unknown) if isinstance(c, dict) else from_object(c, unknown) for c in given]


def from_dict(c: dict[str, Any], unknown: TracedArray) -> Constraint:
    if "fun" not in c or str(c.get("type")).lower() not in ("eq", "ineq"):
        fail(ArgumentError, f"a constraint of scipy.optimize.minimize is {{'type': 'eq' or 'ineq', 'fun': function}}, "
                            f"got a dictionary with {', '.join(map(repr, c)) or 'nothing'}")
    args = c.get("args", ())
    function = Equation(c["fun"], unknown, args if isinstance(args, tuple) else (args,), is_square=False)
    kind = c["type"].lower()
    return Constraint(function, 0.0, 0.0 if kind == "eq" else np.inf, kind, callable(c.get("jac")))


def from_object(c: Any, unknown: TracedArray) -> Constraint:
    """Of a LinearConstraint, a NonlinearConstraint."""
    if not hasattr(c, "A"):
        return Constraint(Equation(c.fun, unknown, (), is_square=False), c.lb, c.ub, "between", callable(c.jac))
    matrix = c.A.toarray() if hasattr(c.A, "toarray") else c.A
    linear = Equation(lambda x, a: np.atleast_2d(a) @ x, unknown, (as_traced(matrix) * 1.0,), is_square=False)
    return Constraint(linear, c.lb, c.ub, "between", True)


@dataclass(frozen=True)
class Minimise(Solver):
    """scipy.optimize.minimize."""

    def is_plain(self, function: Equation, given: Given) -> bool:
        cs = constraints_of(given.get("constraints") or (), self.unknown(given))
        about = all(c.function.is_closed and not is_traced((c.lower, c.upper)) for c in cs)
        return about and super().is_plain(function, {k: v for k, v in given.items() if k != "constraints"})

    def solved(self, function: Equation, unknown: TracedArray, given: Given) -> Any:
        constraints = constraints_of(given.pop("constraints", None) or (), unknown)
        if not constraints:
            return super().solved(function, unknown, given)
        bounds = box(given.get("bounds"), unknown)
        p = Problem(self, function, unknown, constraints, bounds)
        return self.result(*p.solved(given), function, given)


@dataclass(frozen=True, eq=False)
class Problem:
    """A function, and what x must fulfil. The operands of all of them stand in one row: of the function, and for each
    constraint its own, its lower and upper bound."""

    solver: Minimise
    function: Equation
    unknown: TracedArray
    constraints: Sequence[Constraint]
    bounds: tuple[Any, Any] | None

    @functools.cached_property
    def operands(self) -> list[Any]:
        rows = [[*c.function.others, as_traced(c.lower) * 1.0, as_traced(c.upper) * 1.0] for c in self.constraints]
        return [*self.function.others, *(x for row in rows for x in row)]

    def of_function(self, operands: Sequence[Any]) -> Sequence[Any]:
        return operands[:len(self.function.others)]

    def of_constraint(self, k: int, operands: Sequence[Any]) -> Sequence[Any]:
        at = len(self.function.others) + sum(len(c.function.others) + 2 for c in self.constraints[:k])
        return operands[at:at + len(self.constraints[k].function.others) + 2]

    def value(self, x: Any, operands: Sequence[Any]) -> Any:
        return np.reshape(single(self.function, x, *self.of_function(operands)), ())

    def ends(self, x: Any, operands: Sequence[Any]) -> tuple[Any, Any]:
        """By how much x is above the lower, and below the upper end of each constraint. Infinite ends are never met."""
        low, high = [], []
        for k, c in enumerate(self.constraints):
            *others, lower, upper = self.of_constraint(k, operands)
            v = c.vector(x, others)
            low.append(v - lower)
            high.append(upper - v)
        return joined(low), joined(high)

    # the solution -----------------------------------------------------------------------------------------------------
    def solved(self, given: Given) -> tuple[Any, Given]:
        told = {name: TOLD[name] for name in self.solver.told}
        operands = self.operands
        count = sum(c.size for c in self.constraints)
        n = self.unknown.extents[0]
        bounds = self.bounds or (np.full(n, -np.inf), np.full(n, np.inf))
        declared = repeat(self.unknown), np.zeros(count), np.zeros(count, np.int64), told
        run = primitive(watched(given, self.run()), out=lambda *_: declared)
        x, multipliers, side, told = run(for_bounds(given), bounds, *operands)
        ends = [np.where(np.isfinite(b), b, 0.0) for b in bounds]
        equation = Equation(self.conditions, [repeat(self.unknown), repeat(multipliers)],
                            (side, on(x, bounds[0]), on(x, bounds[1]), *ends, *operands))
        return equation.solved([as_traced(x), as_traced(multipliers)])[0], told

    def conditions(self, unknowns: Any, side: Any, at_low: Any, at_high: Any, lower: Any, upper: Any, *operands: Any,
                   ) -> list[Any]:
        """What is zero at the solution. side: 1 where the lower end of a constraint is active, -1 where the upper one
        is, 0 where neither is, and the multiplier is zero."""
        x, multipliers = unknowns

        def active(x: Any) -> Any:
            low, high = self.ends(x, operands)
            return np.where(side > 0, low, np.where(side < 0, high, 0.0))

        def lagrangian(x: Any) -> Any:
            return self.value(x, operands) - np.sum(multipliers * active(x))

        slope = stationary(lagrangian)(x)
        at_bounds = np.where(at_low, x - lower, np.where(at_high, x - upper, slope))
        return [at_bounds, np.where(side == 0, multipliers, active(x))]

    def run(self) -> Function:
        """SciPy's minimize on compiled functions, and which constraints are active where it ends."""
        value = jit(lambda x, *operands: self.value(x, operands))
        slope = jit(grad(lambda x, *operands: self.value(x, operands)))
        second = jit(jacobian(grad(lambda x, *operands: self.value(x, operands))))
        low, high = (jit(lambda x, *operands, k=k: self.ends(x, operands)[k]) for k in (0, 1))
        slopes = jit(jacobian(lambda x, *operands: self.ends(x, operands)[0]))
        each = [jit(lambda x, *others, c=c: c.vector(x, others)) for c in self.constraints]
        each_slope = [jit(jacobian(lambda x, *others, c=c: c.vector(x, others))) for c in self.constraints]
        derivatives = {"jac": slope, "hess": second}

        def run(options: Given, bounds: Any, *operands: Any) -> Any:
            options = with_bounds(options)
            for name, f in derivatives.items():
                if callable(options.get(name)) or options.get(name) is True:
                    options[name] = at(f, operands)
            found = self.solver.scipy(at(value, operands), **options, constraints=[
                for_scipy(c, at(each[k], others := self.of_constraint(k, operands)[:-2]), at(each_slope[k], others),
                          *self.of_constraint(k, operands)[-2:]) for k, c in enumerate(self.constraints)])
            x = np.array(found.x, float)
            is_free = ~(on(x, bounds[0]) | on(x, bounds[1]))
            multipliers, side = active_ones(slope(x, *operands), slopes(x, *operands), low(x, *operands),
                                            high(x, *operands), is_free)
            told = {name: TOLD[name].dtype.type(found.get(key, 0)) for name, key in self.solver.told.items()}
            return x, multipliers, side.astype(np.int64), told

        return run


def at(f: Function, operands: Sequence[Any]) -> Function:
    return lambda x, *_: f(np.array(x, float), *operands)


def for_scipy(c: Constraint, f: Function, slope: Function, lower: Any, upper: Any) -> Any:
    """A constraint as SciPy takes it, of compiled functions."""
    if c.is_of == "between":
        kind = importlib.import_module("scipy.optimize").NonlinearConstraint
        return kind(f, lower, upper, **({"jac": slope} if c.jac else {}))
    return {"type": c.is_of, "fun": f, **({"jac": slope} if c.jac else {})}


def active_ones(slope: np.ndarray, slopes: np.ndarray, low: np.ndarray, high: np.ndarray, is_free: np.ndarray,
                ) -> tuple[np.ndarray, np.ndarray]:
    """The multipliers at a solution, and at which end a constraint is active (1: lower, -1: upper, 0: at neither).

    slope: of the function; slopes: of low, a row a constraint; is_free: which unknowns are not held by bounds. Of
    constraints that say the same the first ones are taken. What has a multiplier of the wrong sign holds nothing back.
    """
    size = ACTIVE * np.maximum(1.0, np.linalg.norm(slopes, axis=1))
    is_equal = np.isfinite(low) & np.isfinite(high) & (np.abs(low + high) <= 1e-12 * np.maximum(1.0, np.abs(low)))
    side = np.where(is_equal | (np.abs(low) <= size), 1.0, np.where(np.abs(high) <= size, -1.0, 0.0))
    while True:
        chosen = independent(slopes[:, is_free], np.flatnonzero(side))
        multipliers = np.zeros(len(side))
        if len(chosen):
            rows = side[chosen, None] * slopes[np.ix_(chosen, np.flatnonzero(is_free))]
            multipliers[chosen] = np.linalg.lstsq(rows.T, slope[is_free], rcond=None)[0]
        wrong = ~is_equal & (multipliers < -1e-9 * max(1.0, np.max(np.abs(multipliers), initial=0.0)))
        if not np.any(wrong):
            side[np.setdiff1d(np.flatnonzero(side), chosen)] = 0.0
            return multipliers, side
        side[np.argmin(np.where(wrong, multipliers, 0.0))] = 0.0


def independent(rows: np.ndarray, among: np.ndarray) -> np.ndarray:
    """Of some rows as many of the first ones as are linearly independent."""
    chosen: list[int] = []
    for k in among:
        if np.linalg.matrix_rank(rows[[*chosen, k]], tol=1e-9) > len(chosen):
            chosen.append(int(k))
    return np.array(chosen, int)


# the older function ---------------------------------------------------------------------------------------------------
def fmin_slsqp(func: Any, x0: Any, eqcons: Any = (), f_eqcons: Any = None, ieqcons: Any = (), f_ieqcons: Any = None,
               bounds: Any = (), fprime: Any = None, fprime_eqcons: Any = None, fprime_ieqcons: Any = None,
               args: Any = (), iter: int = 100, acc: float = 1e-6, iprint: int = 1, disp: Any = None,
               full_output: Any = 0, epsilon: Any = None, callback: Any = None) -> Any:
    """By minimize(method="SLSQP"), as SciPy does."""
    if full_output:
        fail(UnsupportedError, "scipy.optimize.fmin_slsqp of a traced function does not take full_output=; write "
                               "scipy.optimize.minimize(method='SLSQP')")
    made = [{"type": kind, "fun": f, "args": args} for kind, each, all_ in (
        ("eq", eqcons, f_eqcons), ("ineq", ieqcons, f_ieqcons)) for f in (*each, *([all_] if all_ else []))]
    options = {"maxiter": iter, "ftol": acc, "disp": bool(iprint) if disp is None else bool(disp)}
    return MINIMISE(func, x0, args=args, method="SLSQP", jac=fprime, bounds=bounds or None, constraints=made,
                    options=options, callback=callback).x


MINIMISE = Minimise("minimize", stationary, "x0", "x", {"jac": 1, "hess": 2, "hessp": PRODUCT},
                    told=MINIMISERS, is_flat=True)
FILES["minimize"] = "_minimize"
libraries.SOLVERS.update({
    registered(MINIMISE): MINIMISE,
    ("scipy.optimize._slsqp_py", "fmin_slsqp"): fmin_slsqp,
})
