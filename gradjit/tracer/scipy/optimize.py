"""scipy.optimize's functions to try solvers on. Solvers themselves stand in the api: they need derivatives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..operands import as_traced


def rosen(x):
    """Rosenbrock's function."""
    x = as_traced(x)
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2.0) ** 2.0 + (1 - x[:-1]) ** 2.0, axis=0)


def rosen_der(x):
    x = as_traced(x)
    inner = x[1:-1]
    middle = (200 * (inner - x[:-2] ** 2) - 400 * (x[2:] - inner ** 2) * inner - 2 * (1 - inner))
    first = -400 * x[0] * (x[1] - x[0] ** 2) - 2 * (1 - x[0])
    last = 200 * (x[-1] - x[-2] ** 2)
    return np.concatenate([first[None], middle, last[None]])


def rosen_hess(x):
    x = as_traced(x)
    beside = -400 * x[:-1]
    first = 1200 * x[0] ** 2 - 400 * x[1] + 2
    middle = 202 + 1200 * x[1:-1] ** 2 - 400 * x[2:]
    diagonal = np.concatenate([first[None], middle, np.full(1, 200.0)])
    return np.diag(beside, 1) + np.diag(beside, -1) + np.diag(diagonal)


def rosen_hess_prod(x, p):
    return rosen_hess(x) @ p


class Ends:
    """What stands for a Bounds, a LinearConstraint or a NonlinearConstraint of traced numbers."""

    def __init__(self, lb: Any, ub: Any, keep_feasible: Any, **parts: Any):
        self.lb, self.ub, self.keep_feasible = lb, ub, keep_feasible
        self.__dict__.update(parts)


def bounds(lb: Any = -np.inf, ub: Any = np.inf, keep_feasible: Any = False) -> Ends:
    return Ends(lb, ub, keep_feasible)


def linear_constraint(A: Any, lb: Any = -np.inf, ub: Any = np.inf, keep_feasible: Any = False) -> Ends:
    return Ends(lb, ub, keep_feasible, A=A)


def nonlinear_constraint(fun: Any, lb: Any, ub: Any, jac: Any = "2-point", hess: Any = None,
                         keep_feasible: Any = False) -> Ends:
    return Ends(lb, ub, keep_feasible, fun=fun, jac=jac)


RULES: dict[tuple[str, str], Callable[..., Any]] = {
    **{("scipy.optimize._optimize", f.__name__): f for f in (rosen, rosen_der, rosen_hess, rosen_hess_prod)},
    ("scipy.optimize._constraints", "Bounds"): bounds,
    ("scipy.optimize._constraints", "LinearConstraint"): linear_constraint,
    ("scipy.optimize._constraints", "NonlinearConstraint"): nonlinear_constraint,
}
