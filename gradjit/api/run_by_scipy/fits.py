"""scipy.optimize's least squares and fits inside traced functions: SciPy solves, the equation of the solution gives the
derivative. See solvers.py."""

from __future__ import annotations

import functools
import importlib
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from ...errors import UnsupportedError
from ...records import dataclass
from ...tracer import libraries
from ...tracer.calls import as_it_is, call
from ...tracer.locations import fail
from ...tracer.operands import as_traced, emit, is_traced
from ..functions import jacobian
from ..implicit import Equation, like
from ..primitive import primitive
from .solvers import FILES, TEXT, Given, Solution, Solver, bound, box, registered, single, stationary

Function = Callable[..., Any]
EPS = float(np.finfo(np.float64).eps)


# losses ---------------------------------------------------------------------------------------------------------------
def huber(z: Any) -> Any:
    is_small = z <= 1
    root = np.sqrt(np.where(is_small, 1.0, z))
    return [np.where(is_small, z, 2 * root - 1), np.where(is_small, 1.0, 1 / root),
            np.where(is_small, 0.0, -0.5 / root**3)]


def soft_l1(z: Any) -> Any:
    t = 1 + z
    return [2 * (np.sqrt(t) - 1), t**-0.5, -0.5 * t**-1.5]


def cauchy(z: Any) -> Any:
    t = 1 + z
    return [np.log1p(z), 1 / t, -1 / t**2]


def arctan(z: Any) -> Any:
    t = 1 + z**2
    return [np.arctan(z), 1 / t, -2 * z / t**2]


LOSSES: dict[str, Function] = {"linear": lambda z: [z, z**0, 0 * z], "huber": huber, "soft_l1": soft_l1,
                               "cauchy": cauchy, "arctan": arctan}
"""rho and its first two derivatives (scipy.optimize._lsq.least_squares)."""


def cost_of(residuals: Function, loss: Any, scale: Any) -> Function:
    """What least_squares minimises, as a function of the unknowns and of all else."""
    rho = LOSSES[loss] if isinstance(loss, str) else functools.partial(call, loss)

    def cost(*args: Any) -> Any:
        f = residuals(*args)
        return 0.5 * np.sum(f**2) if loss == "linear" else 0.5 * scale**2 * np.sum(rho((f / scale) ** 2)[0])

    return cost


def as_matrix(residuals: Function, x: Any, others: Any) -> Any:
    """The Jacobian of a vector of residuals."""
    return call(jacobian(lambda x, *others: np.reshape(residuals(x, *others), -1)), x, *others)


@dataclass(frozen=True)
class LeastSquares(Solver):
    """scipy.optimize.least_squares."""

    def solved(self, function: Equation, unknown: Any, given: Given) -> Any:
        loss, scale = given.get("loss", "linear"), given.get("f_scale", 1.0)
        if not (callable(loss) or loss in LOSSES):
            return as_it_is(self.scipy, (), given)  # SciPy's error
        residuals = functools.partial(single, function)
        cost = cost_of(residuals, loss, scale)
        bounds = box(given.get("bounds"), unknown)
        x, told = self.by_scipy(function, unknown, given)
        at_solution = Solver(self.name, lambda _: stationary(cost)).equation_of(function, unknown, bounds, x)
        x = at_solution.solved([as_traced(x)])[0]
        others = function.others
        found = Solution("scipy.optimize.least_squares", {**told, "x": x, "fun": np.reshape(residuals(x, *others), -1)})
        found.later.update(cost=lambda: cost(x, *others), grad=lambda: stationary(cost)(x, *others),
                           jac=lambda: self.matrix(residuals, x, others, loss, scale),
                           optimality=lambda: np.max(np.abs(stationary(cost)(x, *others))))
        return found

    def matrix(self, residuals: Function, x: Any, others: Any, loss: Any, scale: Any) -> Any:
        """The Jacobian, scaled where residuals weigh less (scale_for_robust_loss_function of SciPy's)."""
        matrix = as_matrix(residuals, x, others)
        if loss == "linear":
            return matrix
        f = np.reshape(residuals(x, *others), -1) / scale
        _, first, second = (LOSSES[loss] if isinstance(loss, str) else loss)(f**2)
        return np.sqrt(np.maximum(first + 2 * second * f**2, EPS))[:, None] * matrix


LEAST_SQUARES = LeastSquares(
    "least_squares", lambda f: f, "x0", "x", {"jac": 1}, is_flat=True,
    told={name: name for name in ("success", "nfev", "status")})


def leastsq(*args: Any, **kwargs: Any) -> Any:
    """scipy.optimize.leastsq: the solution and a status, or with the covariance where full_output= is asked for."""
    scipy = importlib.import_module("scipy.optimize").leastsq
    given = bound(scipy, args, kwargs)
    fun, x0, extra = given["func"], given["x0"], given.get("args", ())
    extra = extra if isinstance(extra, tuple) else (extra,)
    x0 = np.atleast_1d(x0 if is_traced(x0) else np.asarray(x0, float))
    if not is_traced((x0, extra)) and Equation(fun, like(x0), extra, is_square=False).is_closed:
        return as_it_is(scipy, args, kwargs)
    options = {new: given[old] for old, new in (("ftol", "ftol"), ("xtol", "xtol"), ("gtol", "gtol")) if old in given}
    options |= {"gtol": 1e-15} if not given.get("gtol") else {}
    if given.get("maxfev"):
        options["max_nfev"] = given["maxfev"]
    if callable(given.get("Dfun")):
        options["jac"] = given["Dfun"]
    found = LEAST_SQUARES(fun, x0, args=extra, method="lm", **{"ftol": 1.49012e-8, "xtol": 1.49012e-8, **options})
    status = np.where(found.success, 1, 5)
    if not given.get("full_output"):
        return found.x, status
    matrix = found.jac
    return (found.x, np.linalg.inv(np.transpose(matrix) @ matrix), {"fvec": found.fun, "nfev": found.nfev}, TEXT,
            status)


# fits -----------------------------------------------------------------------------------------------------------------
def weighted(r: Any, sigma: Any) -> Any:
    """Residuals by their errors: of each, or by their covariance."""
    if sigma is None:
        return r
    if np.ndim(sigma) == 2:
        return call(importlib.import_module("scipy.linalg").solve_triangular, np.linalg.cholesky(sigma), r, lower=True)
    return r / sigma


def first_guess(f: Function, p0: Any, bounds: Any) -> Any:
    """Where SciPy begins."""
    if p0 is not None:
        return np.atleast_1d(p0 if is_traced(p0) else np.asarray(p0, float))
    count = len(inspect.signature(f).parameters) - 1
    lower, upper = (np.broadcast_to(b, count) for b in bounds)
    has_lower, has_upper = np.isfinite(lower), np.isfinite(upper)
    finite = [np.where(has, b, 0.0) for has, b in ((has_lower, lower), (has_upper, upper))]
    return np.where(has_lower & has_upper, 0.5 * (finite[0] + finite[1]),
                    np.where(has_lower, finite[0] + 1, np.where(has_upper, finite[1] - 1, 1.0)))


def as_array(x: Any) -> Any:
    """Data in lists as arrays, as SciPy takes them."""
    if type(x) not in (list, tuple):
        return x
    return np.stack([as_array(i) for i in x]) if is_traced(x) else np.asarray(x, float)


def curve_fit(f: Function, xdata: Any, ydata: Any, p0: Any = None, sigma: Any = None, absolute_sigma: bool = False,
              check_finite: Any = None, bounds: Any = (-np.inf, np.inf), method: Any = None, jac: Any = None, *,
              full_output: bool = False, nan_policy: Any = None, **options: Any) -> Any:
    """The parameters of a curve, and their covariance; None where nothing is traced."""
    ends = (bounds.lb, bounds.ub) if hasattr(bounds, "lb") else tuple(bounds)
    is_bounded = is_traced(ends) or any(np.any(np.isfinite(b)) for b in ends)
    p0 = first_guess(f, p0, ends)
    count = np.shape(p0)[0]
    data = [as_array(x) for x in (xdata, ydata, sigma) if x is not None]

    def residuals(p: Any, x: Any, y: Any, error: Any = None) -> Any:
        return weighted(call(f, x, *(p[k] for k in range(count))) - y, error)

    if not is_traced((p0, *data, *ends)) and Equation(residuals, like(p0), tuple(data), is_square=False).is_closed:
        return None
    if nan_policy is not None:
        fail(UnsupportedError, "scipy.optimize.curve_fit of a traced curve does not take nan_policy=; leave the nans "
                               "away outside")
    method = method or ("trf" if is_bounded else "lm")
    if "maxfev" in options:
        options["max_nfev"] = options.pop("maxfev")
    tight = {"ftol": 1.49012e-8, "xtol": 1.49012e-8} if method == "lm" else {}
    more = {"jac": "3-point"} if isinstance(jac, str) or jac is None else {"jac": jac}
    found = LEAST_SQUARES(residuals, p0, method=method, args=tuple(data),
                          **({} if method == "lm" else {"bounds": ends}), **{**tight, **more, **options})
    matrix = found.jac
    covariance = np.linalg.inv(np.transpose(matrix) @ matrix)
    if not absolute_sigma:
        m, n = np.shape(matrix)
        covariance = covariance * (2 * found.cost / (m - n))
    if not full_output:
        return found.x, covariance
    return found.x, covariance, {"fvec": found.fun, "nfev": found.nfev}, TEXT, np.where(found.success, 1, 5)


def curve(f: Function, *args: Any, **kwargs: Any) -> Any:
    """scipy.optimize.curve_fit, where its data or what the curve reads are traced."""
    found = curve_fit(f, *args, **kwargs)
    return as_it_is(importlib.import_module("scipy.optimize").curve_fit, (f, *args), kwargs) if found is None else found


# linear ---------------------------------------------------------------------------------------------------------------
def held(A: Any, b: Any, x: Any, at_low: Any, at_high: Any, lower: Any, upper: Any) -> Any:
    """Linear least squares, where some unknowns stand on bounds: the others solve an equation."""
    free = 1.0 - (at_low | at_high)
    fixed = np.where(at_low, lower, np.where(at_high, upper, 0.0))
    matrix = free[:, None] * (np.transpose(A) @ A) * free + np.diag(1.0 - free)
    return np.linalg.solve(matrix, free * (np.transpose(A) @ (b - A @ fixed)) + fixed)


def nnls(A: Any, b: Any, **options: Any) -> Any:
    """Least squares with unknowns that are not negative: those that are zero stay so, the others solve an equation."""
    scipy_nnls = importlib.import_module("scipy.optimize").nnls
    if not is_traced((A, b)):
        return as_it_is(scipy_nnls, (A, b), options)
    x, _ = primitive(scipy_nnls, out=lambda A, b, **_: (0.0 * A[0], np.float64(0.0)))(A, b, **options)
    zeros = np.zeros(np.shape(x))
    x = held(A, b, x, x <= 0, zeros > 0, zeros, zeros)
    return x, np.sqrt(np.sum((A @ x - b) ** 2))


def lsq_linear(A: Any, b: Any, bounds: Any = (-np.inf, np.inf), **options: Any) -> Any:
    """The same between any bounds."""
    scipy = importlib.import_module("scipy.optimize").lsq_linear
    ends = (bounds.lb, bounds.ub) if hasattr(bounds, "lb") else tuple(bounds)
    if not is_traced((A, b, ends)):
        return as_it_is(scipy, (A, b, bounds), options)
    A, b = as_traced(A) * 1.0, as_traced(b) * 1.0
    lower, upper = (np.broadcast_to(e, A.extents[1]) * 1.0 for e in ends)

    def run(A: Any, b: Any, lower: Any, upper: Any) -> Any:
        found = scipy(A, b, (lower, upper), **options)
        return found.active_mask.astype(np.int64), np.bool_(found.success)

    given = [emit("stop_gradient", h) for h in (A, b, as_traced(lower), as_traced(upper))]
    side, success = primitive(run, out=f"i64[{A.extents[1]}], bool[]")(*given)
    finite = [np.where(np.isfinite(e), e, 0.0) for e in (lower, upper)]
    x = held(A, b, side, side < 0, side > 0, *finite)
    found = Solution("scipy.optimize.lsq_linear", {"x": x, "success": success, "active_mask": side})
    found.later.update(fun=lambda: A @ x - b, cost=lambda: 0.5 * np.sum((A @ x - b) ** 2))
    return found


def linear_sum_assignment(cost_matrix: Any, maximize: bool = False) -> Any:
    """Which rows go with which columns: indices, without derivative."""
    assign = importlib.import_module("scipy.optimize").linear_sum_assignment
    if not is_traced(cost_matrix):
        return as_it_is(assign, (cost_matrix, maximize), {})
    count = min(cost_matrix.shape)
    found = primitive(lambda c: assign(c, maximize), out=f"i64[{count}], i64[{count}]")
    return found(emit("stop_gradient", as_traced(cost_matrix)))


def isotonic_regression(y: Any, *, weights: Any = None, increasing: bool = True) -> Any:
    """The nearest monotonic values: means over blocks, which are found while the program runs."""
    scipy = importlib.import_module("scipy.optimize").isotonic_regression
    if not is_traced((y, weights)):
        return as_it_is(scipy, (y,), {"weights": weights, "increasing": increasing})
    y = as_traced(y) * 1.0
    n = y.extents[0]
    w = np.ones(n) if weights is None else as_traced(weights) * 1.0

    def run(y: Any, w: Any) -> Any:
        found = scipy(y, weights=w, increasing=increasing)
        return np.repeat(np.arange(len(found.blocks) - 1), np.diff(found.blocks))

    block = primitive(run, out=f"i64[{n}]")(emit("stop_gradient", y), emit("stop_gradient", as_traced(w)))
    members = (block[:, None] == np.arange(n)).astype(np.float64)
    x = ((w * y) @ members / np.maximum(w @ members, np.finfo(float).tiny))[block]
    return Solution("scipy.optimize.isotonic_regression", {"x": x})


FILES["least_squares"] = "_lsq.least_squares"
libraries.SOLVERS.update({
    registered(LEAST_SQUARES): LEAST_SQUARES,
    ("scipy.optimize._minpack_py", "leastsq"): leastsq,
    ("scipy.optimize._minpack_py", "curve_fit"): curve,
    ("scipy.optimize._nnls", "nnls"): nnls,
    ("scipy.optimize._lsq.lsq_linear", "lsq_linear"): lsq_linear,
    ("scipy.optimize._lsap", "linear_sum_assignment"): linear_sum_assignment,
    ("scipy.optimize._isotonic", "isotonic_regression"): isotonic_regression,
})
