"""scipy.optimize's solvers inside traced functions: SciPy solves, the equation that is solved gives the derivative.

The user's function is traced as a function of the unknowns and of all that it reads besides. SciPy calls what is
compiled of it while the program runs (`gj.primitive`); what it has found is differentiated as `gj.implicit` does.
Derivatives that the user passes (fprime=, jac=, hess=) are compiled from the function itself, which is what they are.
Where nothing is traced SciPy is called as it is.
"""

from __future__ import annotations

import functools
import importlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Any

import numpy as np

from ..errors import ArgumentError, UnsupportedError
from ..records import dataclass
from ..tracer import libraries, trees
from ..tracer.array import SCALAR, TracedArray
from ..tracer.calls import as_it_is, call
from ..tracer.locations import fail
from ..tracer.operands import as_traced, emit, is_traced
from .custom import stand_in
from .differentiate import value_and_gradient
from .functions import grad, jacobian, jit
from .implicit import Equation, joined, like
from .primitive import primitive
from .wrt import Wrt

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


def half_square(f: Function) -> Function:
    return lambda *args: 0.5 * np.sum(f(*args) ** 2)


def least_square(f: Function) -> Function:
    return stationary(half_square(f))


# solvers --------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Solver:
    """A function of scipy.optimize.

    equation: what holds at the solution, made of the user's function. start: the parameter that tells the unknowns'
    shape; None for one number. found: the attribute of SciPy's result; None where that is the solution itself.
    derivatives: parameters that take functions, with the order of the derivative that they want. refused: parameters
    that must have these values.
    """

    name: str
    equation: Callable[[Function], Function]
    start: str | None = None
    found: str | None = None
    derivatives: Mapping[str, int] = field(default_factory=dict)
    refused: Mapping[str, Any] = field(default_factory=dict)

    @property
    def scipy(self) -> Function:
        f: Function = getattr(importlib.import_module("scipy.optimize"), self.name)
        return f

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        given = self.bound(args, kwargs)
        f, *_ = given
        fun = given.pop(f)
        extra = given.pop("args", ())
        if any(given.get(name) is True for name in self.derivatives):
            fun = first_of(fun)
        start = None if self.start is None else given[self.start]
        unknown = stand_in((), np.dtype(np.float64), SCALAR) if start is None else like(
            np.asarray(start, float) if not is_traced(start) else start)
        function = Equation(fun, unknown, extra if isinstance(extra, tuple) else (extra,), is_square=False)
        if function.is_closed and not any(map(is_traced, trees.flatten(list(given.values()))[0])):
            return as_it_is(self.scipy, args, kwargs)
        self.refuse(given)
        return self.solved(function, unknown, given)

    def bound(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """The arguments by their names."""
        try:
            return dict(inspect.signature(self.scipy).bind(*args, **kwargs).arguments)
        except TypeError as e:
            fail(ArgumentError, f"scipy.optimize.{self.name}: {e}")

    def refuse(self, given: Mapping[str, Any]) -> None:
        for name, value in given.items():
            if name in self.refused and not (value is self.refused[name] or value == self.refused[name]):
                fail(UnsupportedError, f"scipy.optimize.{self.name} of a traced function does not take {name}=; "
                                       f"call it as a gj.primitive with a vjp of your own, or leave {name}= away")

    def solved(self, function: Equation, unknown: TracedArray, given: dict[str, Any]) -> Any:
        bounds = box(given.get("bounds"), unknown)
        run = self.run(function)
        about = {"success": np.bool_(True), "nfev": np.int64(0)} if self.found else {}
        solve = primitive(run, out=lambda *_: (repeat(unknown), about))
        x, about = solve(dict(given), *function.others)
        x = self.equation_of(function, unknown, bounds, x).solved([as_traced(x)])[0]
        if self.found is None:
            return x
        values = function.values(x, *function.others)
        result = importlib.import_module("scipy.optimize").OptimizeResult(
            **about, fun=values[0] if len(values) == 1 else joined(values))
        result[self.found] = x
        if self.found == "root":
            result["converged"] = about["success"]
        return result

    def equation_of(self, function: Equation, unknown: TracedArray, bounds: tuple[Any, Any] | None, x: Any) -> Equation:
        """What holds at the solution x. On a bound an unknown is the bound."""
        f = self.equation(functools.partial(single, function))
        if bounds is None:
            return Equation(f, unknown, function.others)
        lower, upper = bounds
        low, high = (np.isfinite(b) & (np.abs(x - b) <= NEAR * np.maximum(1.0, np.abs(b))) for b in bounds)
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
                orders[order] = jit(first if order == 1 else jacobian(first))
            return orders[order]

        def run(options: dict[str, Any], *others: Any) -> Any:
            def of(f: Function) -> Function:
                return lambda x, *_: f(np.array(x, float) if np.ndim(x) else float(x), *others)

            options = dict(options)
            for name, order in self.derivatives.items():
                if callable(options.get(name)) or options.get(name) is True:
                    options[name] = of(derivative(order))
            result = self.scipy(of(value), **options)
            if self.found is None:
                return result, {}
            success = result.converged if self.found == "root" else result.success
            nfev = result.function_calls if self.found == "root" else result.nfev
            return result[self.found], {"success": np.bool_(success), "nfev": np.int64(nfev)}

        return run


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
    elif len(bounds) == 2 and not (isinstance(bounds, list) and isinstance(bounds[0], tuple)):
        lower, upper = bounds  # least_squares
        if not is_traced((lower, upper)) and not np.any(np.isfinite(lower)) and not np.any(np.isfinite(upper)):
            return None
    else:
        lower = np.stack([as_bound(b[0], -np.inf) for b in bounds])
        upper = np.stack([as_bound(b[1], np.inf) for b in bounds])
    return tuple(np.broadcast_to(b, unknown.extents) * 1.0 for b in (lower, upper))  # type: ignore[return-value]


def as_bound(b: Any, default: float) -> Any:
    return np.float64(default) if b is None else b if is_traced(b) else np.float64(b)


BRACKETED = ("brentq", "bisect", "ridder", "brenth", "toms748")
SOLVERS = [
    *(Solver(name, zero_of, refused={"full_output": False}) for name in BRACKETED),
    Solver("newton", zero_of, "x0", derivatives={"fprime": 1, "fprime2": 2}, refused={"full_output": False}),
    Solver("root_scalar", zero_of, None, "root", {"fprime": 1, "fprime2": 2}),
    Solver("root", zero_of, "x0", "x", {"jac": 1}, {"callback": None}),
    Solver("fsolve", zero_of, "x0", derivatives={"fprime": 1}, refused={"full_output": 0, "col_deriv": 0}),
    Solver("fixed_point", fixed_point_of, "x0"),
    Solver("minimize", stationary, "x0", "x", {"jac": 1, "hess": 2},
           {"constraints": (), "callback": None, "hessp": None}),
    Solver("minimize_scalar", stationary, None, "x"),
    Solver("least_squares", least_square, "x0", "x", {"jac": 1}, {"loss": "linear", "kwargs": None}),
    *(Solver(name, stationary, "x0", derivatives={"fprime": 1}, refused={"full_output": 0, "callback": None,
                                                                         "retall": 0})
      for name in ("fmin_bfgs", "fmin_cg")),
    *(Solver(name, stationary, "x0", refused={"full_output": 0, "callback": None, "retall": 0})
      for name in ("fmin", "fmin_powell")),
]


# fits -----------------------------------------------------------------------------------------------------------------
def curve_fit(f: Function, xdata: Any, ydata: Any, p0: Any = None, sigma: Any = None, absolute_sigma: bool = False,
              **options: Any) -> Any:
    """The parameters of a curve, and their covariance."""
    if p0 is None:
        p0 = np.ones(len(inspect.signature(f).parameters) - 1)

    def residuals(p: Any, x: Any, y: Any, *error: Any) -> Any:
        parameters = [p[k] for k in range(np.shape(p0)[0])]
        r = call(f, x, *parameters) - y
        return r / error[0] if error else r

    data = (xdata, ydata) if sigma is None else (xdata, ydata, sigma)
    if not any(map(is_traced, (p0, *data))) and Equation(residuals, like(np.asarray(p0, float)), data,
                                                         is_square=False).is_closed:
        return None
    if options:
        fail(UnsupportedError, f"scipy.optimize.curve_fit of traced data does not take {next(iter(options))}=; write "
                               f"it with scipy.optimize.least_squares")
    p = LEAST_SQUARES(residuals, p0, method="lm", args=data).x
    matrix = call(jacobian(residuals), p, *data)
    covariance = np.linalg.inv(np.transpose(matrix) @ matrix)
    if not absolute_sigma:
        m, n = np.shape(matrix)
        covariance = covariance * (np.sum(residuals(p, *data) ** 2) / (m - n))
    return p, covariance


LEAST_SQUARES = next(s for s in SOLVERS if s.name == "least_squares")


# registration ---------------------------------------------------------------------------------------------------------
FILES = {"root_scalar": "_root_scalar", "root": "_root", "fsolve": "_minpack_py", "fixed_point": "_minpack_py",
         "minimize": "_minimize", "minimize_scalar": "_minimize", "least_squares": "_lsq.least_squares",
         **dict.fromkeys(("fmin_bfgs", "fmin_cg", "fmin", "fmin_powell"), "_optimize")}
libraries.SOLVERS.update({(f"scipy.optimize.{FILES.get(s.name, '_zeros_py')}", s.name): s for s in SOLVERS})


# by rules of their own ------------------------------------------------------------------------------------------------
def curve(f: Function, *args: Any, **kwargs: Any) -> Any:
    """scipy.optimize.curve_fit, where its data or what the curve reads are traced."""
    found = curve_fit(f, *args, **kwargs)
    return as_it_is(importlib.import_module("scipy.optimize").curve_fit, (f, *args), kwargs) if found is None else found


def nnls(A: Any, b: Any, **options: Any) -> Any:
    """Least squares with unknowns that are not negative: those that are zero stay so, the others solve an equation."""
    scipy_nnls = importlib.import_module("scipy.optimize").nnls
    if not is_traced((A, b)):
        return as_it_is(scipy_nnls, (A, b), options)
    x, _ = primitive(scipy_nnls, out=lambda A, b, **_: (0.0 * A[0], np.float64(0.0)))(A, b, **options)
    free = (x > 0).astype(np.float64)
    matrix = free[:, None] * (np.transpose(A) @ A) * free + np.diag(1.0 - free)
    x = np.linalg.solve(matrix, free * (np.transpose(A) @ b))
    return x, np.sqrt(np.sum((A @ x - b) ** 2))


def linear_sum_assignment(cost_matrix: Any, maximize: bool = False) -> Any:
    """Which rows go with which columns: indices, without derivative."""
    assign = importlib.import_module("scipy.optimize").linear_sum_assignment
    if not is_traced(cost_matrix):
        return as_it_is(assign, (cost_matrix, maximize), {})
    count = min(cost_matrix.shape)
    found = primitive(lambda c: assign(c, maximize), out=f"i64[{count}], i64[{count}]")
    return found(emit("stop_gradient", as_traced(cost_matrix)))


libraries.SOLVERS.update({
    ("scipy.optimize._minpack_py", "curve_fit"): curve,
    ("scipy.optimize._nnls", "nnls"): nnls,
    ("scipy.optimize._lsap", "linear_sum_assignment"): linear_sum_assignment,
})
