"""scipy.optimize.linprog and milp inside traced functions.

A linear program ends in a corner: as many constraints as there are unknowns hold with equality. SciPy says which, while
the program runs; the corner is the solution of their equations, and the multipliers that of the transposed ones, so
that derivatives flow from matrices, right-hand sides, bounds and costs. Unknowns that are whole numbers stay what they
are; the others are the corner of the program that is left.
"""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from ...errors import UnsupportedError
from ...tracer import libraries, trees
from ...tracer.calls import as_it_is
from ...tracer.locations import fail
from ...tracer.numpy.common import static
from ...tracer.operands import as_traced, emit, is_traced
from ..primitive import primitive
from .constrained import independent
from .solvers import Solution, as_bound

NEAR = 1e-9
"""How close to its bound, relative to its size, a constraint holds with equality."""

SEMICONTINUOUS = 2
"""In integrality=: what is 0 or stands between its bounds."""


def linprog(c: Any, A_ub: Any = None, b_ub: Any = None, A_eq: Any = None, b_eq: Any = None, bounds: Any = (0, None),
            method: str = "highs", callback: Any = None, options: Any = None, x0: Any = None,
            integrality: Any = None) -> Any:
    scipy = importlib.import_module("scipy.optimize").linprog
    given = (c, A_ub, b_ub, A_eq, b_eq, bounds)
    if not any(map(is_traced, trees.flatten(list(given))[0])):
        return as_it_is(scipy, given, {"method": method, "callback": callback, "options": options, "x0": x0,
                                       "integrality": integrality})
    if callback is not None:
        fail(UnsupportedError, "scipy.optimize.linprog of traced numbers does not take callback=; leave it away, or "
                               "call it as a gj.primitive")
    c = as_traced(c) * 1.0
    n = c.extents[0]
    ub, eq = rows(A_ub, b_ub, n), rows(A_eq, b_eq, n)
    return Corner(c, ub, eq, ends(bounds, n), {"method": method, "options": options}, integrality).solution("linprog")


class Corner:
    """Where a linear program ends: c @ x is least, with rows and right-hand sides of inequalities and of equations."""

    def __init__(self, c: Any, ub: tuple[Any, Any], eq: tuple[Any, Any], bounds: tuple[Any, Any], options: Any,
                 integrality: Any):
        self.c, self.ub, self.eq, self.bounds, self.options = c, ub, eq, bounds, options
        self.kinds = None if integrality is None else np.broadcast_to(static(integrality, "integrality="), c.extents[0])

    def solved(self, *given: Any) -> Any:
        """What SciPy finds while the program runs, and the bounds that it is the solution between."""
        c, A_ub, b_ub, A_eq, b_eq, lower, upper = given
        finite = np.isfinite(b_ub)
        scipy = importlib.import_module("scipy.optimize").linprog

        def least(lower: Any, upper: Any, **more: Any) -> Any:
            return scipy(c, A_ub[finite], b_ub[finite], A_eq, b_eq, np.stack([lower, upper], axis=1), **self.options,
                         **more)

        if self.kinds is None:
            return least(lower, upper), lower, upper, finite
        found = least(lower, upper, integrality=self.kinds)
        if found.x is not None:  # once more, with whole numbers where they were found
            is_held = np.where(self.kinds == SEMICONTINUOUS, np.abs(found.x) < NEAR, self.kinds > 0)
            held = np.where(self.kinds == SEMICONTINUOUS, 0.0, np.round(found.x))
            lower, upper = np.where(is_held, held, lower), np.where(is_held, held, upper)
            found = least(lower, upper)
        return found, lower, upper, finite

    def solution(self, name: str) -> Solution:
        c, (A_ub, b_ub), (A_eq, b_eq) = self.c, self.ub, self.eq
        lower, upper = (as_traced(b) for b in self.bounds)
        operands = [c, A_ub, b_ub, A_eq, b_eq, lower, upper]
        n, n_ub, n_eq = c.extents[0], b_ub.extents[0], b_eq.extents[0]
        run = primitive(self.run, out=f"i64[{n}], bool[], i64[], i64[], f64[{n}], bool[{n}]")
        chosen, success, status, nit, held, is_held = run(*(emit("stop_gradient", h) for h in operands))
        between = [np.where(is_held, held, e) for e in (lower, upper)]
        matrix = np.concatenate([A_eq, A_ub, np.eye(n), np.eye(n)])
        at_ends = np.concatenate([np.where(np.isfinite(e), e, 0.0) for e in (b_eq, b_ub, *between)])
        is_corner = chosen[0] >= 0
        corner = np.where(is_corner, matrix[np.maximum(chosen, 0)], np.eye(n))
        x = np.where(is_corner, np.linalg.solve(corner, at_ends[np.maximum(chosen, 0)]), np.nan)
        found = Solution(f"scipy.optimize.{name}", {"x": x, "fun": c @ x, "success": success, "status": status,
                                                    "nit": nit})
        if self.kinds is None:
            self.tell(found, x, corner, chosen, is_corner, (n_eq, n_ub, n))
        return found

    def run(self, *given: Any) -> Any:
        c, A_ub, b_ub, A_eq, b_eq, *_ = given
        n, n_eq = len(c), len(b_eq)
        found, lower, upper, finite = self.solved(*given)
        is_held = np.zeros(n, bool) if self.kinds is None else lower == upper
        if found.x is None:
            return (np.full(n, -1), np.bool_(False), np.int64(found.status), np.int64(found.nit), np.zeros(n),
                    np.zeros(n, bool))
        matrix = np.concatenate([A_eq, A_ub, np.eye(n), np.eye(n)])
        ends = np.concatenate([b_eq, b_ub, lower, upper])
        size = NEAR * np.maximum(1.0, np.abs(np.where(np.isfinite(ends), ends, 0.0)))
        is_met = np.abs(matrix @ found.x - ends) <= size
        is_met[:n_eq] = True
        of_rows = np.zeros(len(b_ub))
        of_rows[finite] = found.ineqlin.marginals
        dual = np.abs(np.concatenate([found.eqlin.marginals, of_rows, found.lower.marginals, found.upper.marginals]))
        order = np.lexsort([-dual, np.arange(len(ends)) >= n_eq])  # equations, then what holds back most
        chosen = independent(matrix, order[is_met[order]])
        return (chosen if len(chosen) == n else np.full(n, -1), np.bool_(True), np.int64(0), np.int64(found.nit),
                np.where(is_held, lower, 0.0), is_held)

    def tell(self, found: Solution, x: Any, corner: Any, chosen: Any, is_corner: Any, counts: tuple[int, int, int],
             ) -> None:
        """What the result tells besides, when it is asked for."""
        ub, eq, (lower, upper), (n_eq, n_ub, n) = self.ub, self.eq, self.bounds, counts

        def marginals() -> Any:
            multipliers = np.linalg.solve(np.transpose(corner), self.c)
            places = np.arange(n_eq + n_ub + 2 * n)
            of_all = multipliers @ (np.maximum(chosen, 0)[:, None] == places).astype(np.float64)
            return np.where(is_corner, of_all, np.nan)

        def part(residual: Any, start: int, count: int) -> Any:
            return lambda: Solution("scipy.optimize.linprog", {"residual": residual(),
                                                             "marginals": marginals()[start:start + count]})

        found.later.update(
            slack=lambda: ub[1] - ub[0] @ x, con=lambda: eq[1] - eq[0] @ x,
            eqlin=part(lambda: eq[1] - eq[0] @ x, 0, n_eq), ineqlin=part(lambda: ub[1] - ub[0] @ x, n_eq, n_ub),
            lower=part(lambda: x - lower, n_eq + n_ub, n), upper=part(lambda: upper - x, n_eq + n_ub + n, n))


def milp(c: Any, *, integrality: Any = None, bounds: Any = None, constraints: Any = None, options: Any = None) -> Any:
    """By the inequalities that its constraints are, of both ends."""
    given = [] if constraints is None else [constraints] if hasattr(constraints, "A") or (
        isinstance(constraints, tuple) and not any(hasattr(k, "A") for k in constraints)) else list(constraints)
    parts = [(k.A, k.lb, k.ub) if hasattr(k, "A") else tuple(k) for k in given]
    sides = [bounds.lb, bounds.ub] if hasattr(bounds, "lb") else bounds
    if not any(map(is_traced, trees.flatten([c, parts, sides])[0])):
        return as_it_is(importlib.import_module("scipy.optimize").milp, (c,), {
            "integrality": integrality, "bounds": bounds, "constraints": constraints, "options": options})
    c = as_traced(c) * 1.0
    n = c.extents[0]
    some = [(rows(A, np.zeros(0), n)[0], low, high) for A, low, high in (
        (*k, *(-np.inf, np.inf)[len(k) - 1:]) for k in parts)]
    tall = [(a, *(as_traced(np.broadcast_to(e, a.extents[:1]) * 1.0) for e in sides)) for a, *sides in some]
    ub = rows(None, None, n)
    if tall:
        ub = (as_traced(np.concatenate([a for a, _, _ in tall] + [-a for a, _, _ in tall])),
              as_traced(np.concatenate([high for *_, high in tall] + [-low for _, low, _ in tall])))
    low, high = (0.0, np.inf) if sides is None else sides
    between = np.broadcast_to(low, n) * 1.0, np.broadcast_to(high, n) * 1.0
    return Corner(c, ub, rows(None, None, n), between, {"options": options}, integrality).solution("milp")


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


libraries.SOLVERS.update({
    ("scipy.optimize._linprog", "linprog"): linprog, ("scipy.optimize._milp", "milp"): milp})
