"""scipy.optimize's solvers inside traced functions: SciPy solves, the equation that is solved gives the derivative.

The user's function is traced as a function of the unknowns and of all that it reads besides. SciPy calls what is
compiled of it while the program runs (`gj.primitive`); what it has found is differentiated as `gj.implicit` does.
Derivatives that the user passes (fprime=, jac=, hess=, hessp=) are compiled from the function itself, which is what
they are. Where nothing is traced SciPy is called as it is.
"""

from __future__ import annotations

import functools
import importlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Any

import numpy as np

from ...errors import ArgumentError, UnsupportedError
from ...records import dataclass
from ...tracer import libraries, trees
from ...tracer.array import SCALAR, TracedArray
from ...tracer.calls import as_it_is, call
from ...tracer.locations import fail
from ...tracer.operands import as_traced, is_traced
from ..custom import stand_in
from ..differentiate import value_and_gradient
from ..functions import grad, hvp, jacobian, jit
from ..implicit import Equation, joined, like
from ..primitive import primitive
from ..wrt import Wrt
from .called_by_solvers import as_functions, has_callbacks, watched, with_callbacks

Function = Callable[..., Any]
NEAR = 1e-9
"""How close to a bound, relative to its size, an unknown is taken to stand on it."""


# equations ------------------------------------------------------------------------------------------------------------
def zero_of(f: Function) -> Function:
    return f


def fixed_point_of(f: Function) -> Function:
    return lambda x, *others: x - f(x, *others)


def stationary(f: Function) -> Function:
    """The gradient of a function of one number as result."""
    return lambda x, *others: value_and_gradient(f, Wrt(0), False, (x, *others), {})[1]


# solvers --------------------------------------------------------------------------------------------------------------
Given = dict[str, Any]
"""The arguments of a call, by their names."""


@dataclass(frozen=True)
class Solver:
    """A function of scipy.optimize.

    equation: what holds at the solution, made of the user's function. start: the parameter that tells the unknowns'
    shape; None for one number. is_flat: whether SciPy makes a vector of a start that is a number. counted: the
    parameter that has an item for each unknown, where there is no start. found: the attribute of SciPy's result; None
    where that is the solution itself. derivatives: parameters that take functions, with the order of the derivative
    that they want. refused: parameters that must have these values. told: what else the result tells, with the names
    that it has there. behind: makes of solution, value there and what is told what the function returns.
    """

    name: str
    equation: Callable[[Function], Function]
    start: str | None = None
    found: str | None = None
    derivatives: Mapping[str, int] = field(default_factory=dict)
    refused: Mapping[str, Any] = field(default_factory=dict)
    told: Mapping[str, str] = field(default_factory=dict)
    is_flat: bool = False
    counted: str | None = None
    behind: Callable[..., Any] | None = None

    @property
    def scipy(self) -> Function:
        f: Function = getattr(importlib.import_module("scipy.optimize"), self.name)
        return f

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        given = self.bound(args, kwargs)
        function, unknown, given = self.prepared(given)
        if self.is_plain(function, given):
            return as_it_is(self.scipy, args, kwargs)
        self.refuse(given)
        return self.solved(function, unknown, with_callbacks(self.name, given))

    def is_plain(self, function: Equation, given: Given) -> bool:
        """Whether nothing is traced, and SciPy calls nothing else."""
        is_traced_one = any(map(is_traced, trees.flatten(list(given.values()))[0]))
        return function.is_closed and not is_traced_one and not has_callbacks(given)

    def bound(self, args: tuple[Any, ...], kwargs: Given) -> Given:
        """The arguments by their names."""
        return bound(self.scipy, args, kwargs)

    def prepared(self, given: Given) -> tuple[Equation, TracedArray, Given]:
        """The user's function, what it is a function of, and the other arguments."""
        f, *_ = given
        given = dict(given)
        fun, extra = given.pop(f), given.pop("args", ())
        extra = extra if isinstance(extra, tuple) else (extra,)
        if any(given.get(name) is True for name in self.derivatives):
            fun = first_of(fun)
        if kwargs := given.pop("kwargs", None):
            fun = functools.partial(with_keywords, fun, kwargs)
        unknown = self.unknown(given)
        return Equation(fun, unknown, extra, is_square=False), unknown, given

    def unknown(self, given: Given) -> TracedArray:
        if self.counted is not None and given.get(self.start or "") is None:
            items = given[self.counted]
            return like(np.zeros(len(items.lb) if hasattr(items, "lb") else len(items)))
        if self.start is None:
            return stand_in((), np.dtype(np.float64), SCALAR)
        start = given[self.start]
        start = start if is_traced(start) else np.asarray(start, float)
        return like(np.reshape(start, 1) if self.is_flat and not np.ndim(start) else start)

    def refuse(self, given: Given) -> None:
        for name, value in given.items():
            if name in self.refused and not (value is self.refused[name] or value == self.refused[name]):
                fail(UnsupportedError, f"scipy.optimize.{self.name} of a traced function does not take {name}=; "
                                       f"call it as a gj.primitive with a vjp of your own, or leave {name}= away")

    def solved(self, function: Equation, unknown: TracedArray, given: Given) -> Any:
        bounds = box(given.get("bounds"), unknown)
        x, told = self.by_scipy(function, unknown, given)
        x = self.equation_of(function, unknown, bounds, x).solved([as_traced(x)])[0]
        return self.result(x, told, function, given)

    def by_scipy(self, function: Equation, unknown: TracedArray, given: Given) -> tuple[Any, Given]:
        """What SciPy finds while the program runs, and what it tells besides."""
        told: Given = {name: TOLD[name] for name in self.told}
        run = primitive(watched(given, self.run(function)), out=lambda *_: (repeat(unknown), told))
        return run(for_bounds(given), *function.others)

    def result(self, x: Any, told: Given, function: Equation, given: Given) -> Any:
        """What stands for SciPy's result."""
        values = function.values(x, *function.others) if self.found or self.behind else []
        value = values[0] if len(values) == 1 else joined(values) if values else None
        if self.behind is not None:
            return self.behind(x, value, told, given)
        if self.found is None:
            return x
        found = Solution(f"scipy.optimize.{self.name}", {**told, "fun": value, self.found: x})
        if self.equation is stationary and np.ndim(x):
            found.later["jac"] = lambda: stationary(functools.partial(single, function))(x, *function.others)
        return found

    def equation_of(self, function: Equation, unknown: TracedArray, bounds: tuple[Any, Any] | None, x: Any) -> Equation:
        """What holds at the solution x. On a bound an unknown is the bound."""
        f = self.equation(functools.partial(single, function))
        if bounds is None:
            return Equation(f, unknown, function.others)
        lower, upper = bounds
        low, high = (on(x, b) for b in bounds)
        count = len(function.others)

        def on_bounds(v: Any, *all_: Any) -> Any:
            others, (low, high, lower, upper) = all_[:count], all_[count:]
            return np.where(low, v - lower, np.where(high, v - upper, f(v, *others)))

        return Equation(on_bounds, unknown, (*function.others, low, high, lower, upper))

    def run(self, function: Equation) -> Function:
        """SciPy's solver on the compiled function, as it is called while the program runs."""
        value = jit(functools.partial(single, function))
        orders: dict[int, Function] = {}

        def derivative(order: int) -> Function:
            if order not in orders:
                of = functools.partial(single, function)
                first = grad(of) if self.equation is stationary or self.start is None else jacobian(of)
                orders[order] = jit(hvp(of) if order == PRODUCT else first if order == 1 else jacobian(first))
            return orders[order]

        def run(options: Given, *others: Any) -> Any:
            def of(f: Function, operands: int = 1) -> Function:
                return lambda *x: f(*(np.array(v, float) if np.ndim(v) else float(v) for v in x[:operands]), *others)

            options = with_bounds(options)
            for name, order in self.derivatives.items():
                if callable(options.get(name)) or options.get(name) is True:
                    options[name] = of(derivative(order), 2 if order == PRODUCT else 1)
            return self.picked(self.scipy(of(value), **options))

        return run

    def picked(self, result: Any) -> tuple[Any, Given]:
        """The solution, and what is told besides, of SciPy's result."""
        if self.found is None:
            return result[0] if isinstance(result, tuple) else result, {
                name: TOLD[name].dtype.type(part_of(result, key)) for name, key in self.told.items()}
        return result[self.found], {name: TOLD[name].dtype.type(result.get(key, 0)) for name, key in self.told.items()}


def bound(f: Function, args: tuple[Any, ...], kwargs: Given) -> Given:
    """The arguments of a function of scipy.optimize by their names."""
    signature = inspect.signature(f)
    try:
        given = dict(signature.bind(*args, **kwargs).arguments)
    except TypeError as e:
        fail(ArgumentError, f"scipy.optimize.{f.__name__}: {e}")
    for p in signature.parameters.values():
        if p.kind == p.VAR_KEYWORD:
            given.update(given.pop(p.name, {}))
    return given


def part_of(result: Any, key: str) -> Any:
    """A part of a tuple, by a path of positions and names: `1.nfev`."""
    for part in key.split("."):
        result = result[int(part)] if part.isdigit() else result[part]
    return result


PRODUCT = 3
"""In the place of an order: the product of the second derivative with a vector."""
TOLD = {name: np.bool_(False) for name in ("success", "converged")} | {
    name: np.int64(0) for name in ("nfev", "nit", "njev", "nhev", "status", "iterations", "function_calls", "ier")}
"""What SciPy's results tell besides the solution: no derivative flows through it."""
NEVER = ("message", "flag", "mesg")
"""Texts that are known when the program runs, and are no values of a compiled function."""


class Solution(dict[str, Any]):
    """What stands for an OptimizeResult: as there, items are attributes."""

    def __init__(self, name: str, items: Given):
        super().__init__(items)
        self.__dict__.update(name=name, later={})

    def __getattr__(self, key: str) -> Any:
        if key in self.__dict__["later"] and key not in self:
            self[key] = self.__dict__["later"][key]()
        if key in self:
            return self[key]
        if key.startswith("__"):
            raise AttributeError(key)
        has = ", ".join(sorted([*self, *self.__dict__["later"]]))
        fail(UnsupportedError, f".{key} of the result of {self.__dict__['name']} in a compiled function is not "
                               f"supported; it has {has}. What else SciPy tells is known outside: call it there")

    def __setattr__(self, key: str, value: Any) -> None:
        self[key] = value


def with_keywords(f: Function, kwargs: Given, *args: Any) -> Any:
    return call(f, *args, **kwargs)


def first_of(f: Function) -> Function:
    """Of a function that gives its derivative beside its value the value."""
    return lambda *args: call(f, *args)[0]


def single(function: Equation, *operands: Any) -> Any:
    """The value of the user's function: its array, or several numbers as one."""
    values = function.values(*operands)
    return values[0] if len(values) == 1 else joined(values)


def repeat(like: TracedArray) -> TracedArray:
    return stand_in(like.extents, like.dtype, like.kind)


def box(bounds: Any, unknown: TracedArray) -> tuple[Any, Any] | None:
    """Lower and upper bounds as arrays."""
    if bounds is None:
        return None
    if hasattr(bounds, "lb"):
        lower, upper = bounds.lb, bounds.ub
    elif len(bounds) == 2 and not (isinstance(bounds, list) and isinstance(bounds[0], tuple)) and not (
            unknown.extents == (2,) and np.ndim(bounds[0]) == 1 and isinstance(bounds[0], tuple)):
        lower, upper = bounds  # least_squares
        if not is_traced((lower, upper)) and not np.any(np.isfinite(lower)) and not np.any(np.isfinite(upper)):
            return None
    else:
        lower = np.stack([as_bound(b[0], -np.inf) for b in bounds])
        upper = np.stack([as_bound(b[1], np.inf) for b in bounds])
    return tuple(np.broadcast_to(b, unknown.extents) * 1.0 for b in (lower, upper))  # type: ignore[return-value]


def for_bounds(given: Given) -> Given:
    """The arguments of a call with what stands for a Bounds as its parts, which may be traced."""
    bounds = given.get("bounds")
    if bounds is None or not hasattr(bounds, "lb"):
        return dict(given)
    return {**given, "bounds": {"lb": bounds.lb, "ub": bounds.ub}}


def with_bounds(options: Given) -> Given:
    """The same as SciPy gets them, with a Bounds and callbacks again."""
    options, bounds = as_functions(options), options.get("bounds")
    if not isinstance(bounds, dict):
        return options
    return {**options, "bounds": importlib.import_module("scipy.optimize").Bounds(**bounds)}


def as_bound(b: Any, default: float) -> Any:
    return np.float64(default) if b is None else b if is_traced(b) else np.float64(b)


def on(x: Any, bound: Any) -> Any:
    """Where x stands on a bound."""
    return np.isfinite(bound) & (np.abs(x - bound) <= NEAR * np.maximum(1.0, np.abs(bound)))


# what the older functions return --------------------------------------------------------------------------------------
TEXT = "what SciPy says is not known in compiled code"


def with_report(x: Any, fun: Any, told: Given, given: Given) -> Any:
    """(x, a report), of a root in one dimension, where it is asked for."""
    if not given.get("full_output"):
        return x
    return x, Solution("scipy.optimize", {**told, "root": x})


def with_infodict(x: Any, fun: Any, told: Given, given: Given) -> Any:
    """fsolve's results."""
    return (x, {"fvec": fun, "nfev": told["nfev"]}, told["ier"], TEXT) if given.get("full_output") else x


REPORT = {"iterations": "1.iterations", "function_calls": "1.function_calls", "converged": "1.converged"}
QUIET = {"full_output": 0, "retall": 0}
MINIMISERS = {"success": "success", "nfev": "nfev", "nit": "nit", "njev": "njev", "nhev": "nhev", "status": "status"}
OF_ROOTS = {"converged": "converged", "iterations": "iterations", "function_calls": "function_calls"}
SOME = {name: name for name in ("success", "nfev", "status")}
ALL = {name: name for name in ("success", "nfev", "nit")}


def with_value(x: Any, fun: Any, told: Given, given: Given) -> Any:
    """fmin_l_bfgs_b's results."""
    return x, fun, {"funcalls": told["nfev"], "nit": told["nit"], "warnflag": told["status"], "task": TEXT}


def with_counts(x: Any, fun: Any, told: Given, given: Given) -> Any:
    """fmin_tnc's results."""
    return x, told["nfev"], told["status"]


@dataclass(frozen=True)
class GivingBoth(Solver):
    """A minimiser whose function gives its gradient beside its value, where it is not told otherwise."""

    def prepared(self, given: Given) -> tuple[Equation, TracedArray, Given]:
        if given.get("fprime") is None and not given.get("approx_grad"):
            given = {**given, "fprime": True}
        return super().prepared(given)


@dataclass(frozen=True)
class Reporting(Solver):
    """A solver that is asked for its report, whether the user wants it or not."""

    asked: str = "full_output"

    def by_scipy(self, function: Equation, unknown: TracedArray, given: Given) -> tuple[Any, Given]:
        return super().by_scipy(function, unknown, {**given, self.asked: True})


BRACKETED = ("brentq", "bisect", "ridder", "brenth", "toms748")
IN_ARRAYS = ("newton_krylov", "broyden1", "broyden2", "anderson", "linearmixing", "diagbroyden", "excitingmixing")
SOLVERS: list[Solver] = [
    *(Reporting(name, zero_of, told=REPORT, behind=with_report) for name in BRACKETED),
    Solver("newton", zero_of, "x0", derivatives={"fprime": 1, "fprime2": 2}, refused={"full_output": False}),
    Solver("root_scalar", zero_of, None, "root", {"fprime": 1, "fprime2": 2}, told=OF_ROOTS),
    Solver("root", zero_of, "x0", "x", {"jac": 1}, {}, SOME, is_flat=True),
    Reporting("fsolve", zero_of, "x0", derivatives={"fprime": 1}, refused={"col_deriv": 0}, is_flat=True,
              told={"nfev": "1.nfev", "ier": "2"}, behind=with_infodict),
    *(Solver(name, zero_of, "xin") for name in IN_ARRAYS),
    Solver("fixed_point", fixed_point_of, "x0"),
    Solver("minimize_scalar", stationary, None, "x", told=ALL),
    *(Solver(name, stationary, refused={"full_output": 0}) for name in ("fminbound", "brent", "golden")),
    *(Solver(name, stationary, "x0", derivatives={"fprime": 1}, refused=QUIET, is_flat=True)
      for name in ("fmin_bfgs", "fmin_cg")),
    Solver("fmin_ncg", stationary, "x0", None, {"fprime": 1, "fhess": 2, "fhess_p": PRODUCT}, QUIET, is_flat=True),
    *(Solver(name, stationary, "x0", refused=QUIET, is_flat=True) for name in ("fmin", "fmin_powell")),
    GivingBoth("fmin_l_bfgs_b", stationary, "x0", None, {"fprime": 1}, is_flat=True,
               told={"nfev": "2.funcalls", "nit": "2.nit", "status": "2.warnflag"}, behind=with_value),
    GivingBoth("fmin_tnc", stationary, "x0", None, {"fprime": 1}, is_flat=True,
               told={"nfev": "1", "status": "2"}, behind=with_counts),
    Solver("basinhopping", stationary, "x0", "x", told=ALL, is_flat=True),
    *(Solver(name, stationary, None, "x", {}, {"constraints": ()}, told=ALL, counted="bounds")
      for name in ("dual_annealing", "shgo")),
    Solver("differential_evolution", stationary, None, "x", {}, {
        "constraints": (), "polish": True, "integrality": None, "vectorized": False}, ALL, counted="bounds"),
    Solver("brute", stationary, refused={"full_output": 0, "finish": "fmin"}, counted="ranges"),
]


# registration ---------------------------------------------------------------------------------------------------------
FILES = {"root_scalar": "_root_scalar", "root": "_root", "fsolve": "_minpack_py", "fixed_point": "_minpack_py",
         "minimize_scalar": "_minimize", "fmin_l_bfgs_b": "_lbfgsb_py", "fmin_tnc": "_tnc",
         "basinhopping": "_basinhopping", "differential_evolution": "_differentialevolution",
         "dual_annealing": "_dual_annealing", "shgo": "_shgo",
         **dict.fromkeys(IN_ARRAYS, "_nonlin"),
         **dict.fromkeys(("fmin_bfgs", "fmin_cg", "fmin_ncg", "fmin", "fmin_powell", "fminbound", "brent", "golden",
                          "brute"), "_optimize")}


def registered(solver: Solver) -> tuple[str, str]:
    """The module and the name that a solver is defined under."""
    return f"scipy.optimize.{FILES.get(solver.name, '_zeros_py')}", solver.name


libraries.SOLVERS.update({registered(s): s for s in SOLVERS})
