"""scipy.optimize.linprog inside traced functions.

A linear program ends in a corner: as many constraints as there are unknowns hold with equality. SciPy says which, while
the program runs; the corner is the solution of their equations, and the multipliers that of the transposed ones, so
that derivatives flow from matrices, right-hand sides, bounds and costs.
"""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from ...errors import UnsupportedError
from ...tracer import libraries, trees
from ...tracer.calls import as_it_is
from ...tracer.locations import fail
from ...tracer.operands import as_traced, emit, is_traced
from ..primitive import primitive
from .constrained import independent
from .solvers import Solution, as_bound

NEAR = 1e-9
"""How close to its bound, relative to its size, a constraint holds with equality."""


def linprog(c: Any, A_ub: Any = None, b_ub: Any = None, A_eq: Any = None, b_eq: Any = None, bounds: Any = (0, None),
            method: str = "highs", callback: Any = None, options: Any = None, x0: Any = None,
            integrality: Any = None) -> Any:
    scipy = importlib.import_module("scipy.optimize").linprog
    given = (c, A_ub, b_ub, A_eq, b_eq, bounds)
    if not any(map(is_traced, trees.flatten(list(given))[0])):
        return as_it_is(scipy, given, {"method": method, "callback": callback, "options": options, "x0": x0,
                                       "integrality": integrality})
    if callback is not None or integrality is not None:
        fail(UnsupportedError, "scipy.optimize.linprog of traced numbers does not take callback=, integrality=; leave "
                               "them away, or call it as a gj.primitive")
    c = as_traced(c) * 1.0
    n = c.extents[0]
    lower, upper = ends(bounds, n)
    ub, eq = rows(A_ub, b_ub, n), rows(A_eq, b_eq, n)
    n_ub, n_eq = ub[1].extents[0], eq[1].extents[0]

    def run(c: Any, A_ub: Any, b_ub: Any, A_eq: Any, b_eq: Any, lower: Any, upper: Any) -> Any:
        found = scipy(c, A_ub, b_ub, A_eq, b_eq, np.stack([lower, upper], axis=1), method, options=options)
        if found.x is None:
            return np.full(n, -1), np.bool_(False), np.int64(found.status), np.int64(found.nit)
        matrix = np.concatenate([A_eq, A_ub, np.eye(n), np.eye(n)])
        ends = np.concatenate([b_eq, b_ub, lower, upper])
        size = NEAR * np.maximum(1.0, np.abs(np.where(np.isfinite(ends), ends, 0.0)))
        is_met = np.abs(matrix @ found.x - ends) <= size
        is_met[:n_eq] = True
        dual = np.abs(np.concatenate([found.eqlin.marginals, found.ineqlin.marginals, found.lower.marginals,
                                      found.upper.marginals]))
        order = np.lexsort([-dual, np.arange(len(ends)) >= n_eq])  # equations, then what holds back most
        chosen = independent(matrix, order[is_met[order]])
        return (chosen if len(chosen) == n else np.full(n, -1)), np.bool_(True), np.int64(0), np.int64(found.nit)

    operands = [c, *ub, *eq, as_traced(lower), as_traced(upper)]
    chosen, success, status, nit = primitive(run, out=f"i64[{n}], bool[], i64[], i64[]")(
        *(emit("stop_gradient", h) for h in operands))
    matrix = np.concatenate([eq[0], ub[0], np.eye(n), np.eye(n)])
    at_ends = np.concatenate([eq[1], ub[1], *(np.where(np.isfinite(e), e, 0.0) for e in (lower, upper))])
    is_corner = chosen[0] >= 0
    corner = np.where(is_corner, matrix[np.maximum(chosen, 0)], np.eye(n))
    x = np.where(is_corner, np.linalg.solve(corner, at_ends[np.maximum(chosen, 0)]), np.nan)
    found = Solution("scipy.optimize.linprog", {"x": x, "fun": c @ x, "success": success, "status": status, "nit": nit})

    def marginals() -> Any:
        multipliers = np.linalg.solve(np.transpose(corner), c)
        of_all = multipliers @ (np.maximum(chosen, 0)[:, None] == np.arange(matrix.shape[0])).astype(np.float64)
        return np.where(is_corner, of_all, np.nan)

    def part(residual: Any, start: int, count: int) -> Any:
        return lambda: Solution("scipy.optimize.linprog", {"residual": residual(),
                                                         "marginals": marginals()[start:start + count]})

    found.later.update(
        slack=lambda: ub[1] - ub[0] @ x, con=lambda: eq[1] - eq[0] @ x,
        eqlin=part(lambda: eq[1] - eq[0] @ x, 0, n_eq), ineqlin=part(lambda: ub[1] - ub[0] @ x, n_eq, n_ub),
        lower=part(lambda: x - lower, n_eq + n_ub, n), upper=part(lambda: upper - x, n_eq + n_ub + n, n))
    return found


def ends(bounds: Any, n: int) -> tuple[Any, Any]:
    """Lower and upper bounds, as vectors."""
    if bounds is None:
        bounds = (0, None)
    if hasattr(bounds, "lb"):
        return tuple(np.broadcast_to(b, n) * 1.0 for b in (bounds.lb, bounds.ub))  # type: ignore[return-value]
    if len(bounds) == 2 and not isinstance(bounds[0], (list, tuple)) and np.ndim(bounds) < 2:
        bounds = [bounds] * n
    elif len(bounds) == 1:
        bounds = [bounds[0]] * n
    lower, upper = (np.stack([as_bound(b[k], end) for b in bounds]) for k, end in ((0, -np.inf), (1, np.inf)))
    return lower, upper


def rows(matrix: Any, right: Any, n: int) -> tuple[Any, Any]:
    """A system of equations or inequalities, of no rows where there is none."""
    if matrix is None:
        return as_traced(np.zeros((0, n))), as_traced(np.zeros(0))
    if hasattr(matrix, "toarray"):
        matrix = matrix.toarray()
    a, b = as_traced(matrix) * 1.0, as_traced(right) * 1.0
    return np.reshape(a, (-1, n)), np.reshape(b, -1)


libraries.SOLVERS.update({("scipy.optimize._linprog", "linprog"): linprog})
