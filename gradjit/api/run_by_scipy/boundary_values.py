"""scipy.integrate.solve_bvp inside traced functions: SciPy finds the mesh and the solution while the program runs.

Between two nodes the solution is a cubic that meets the equations at both ends and in the middle (Kierzenka and
Shampine, A BVP solver based on residual control and the MATLAB PSE, 2001). Those equations, and the boundary
conditions, are what holds: two steps of Newton's method with the matrix held, which change nothing in the values, have
their derivatives of first and second order. Arrays have room for the largest mesh; behind its end the nodes repeat the
last one, so that the intervals between them are empty, and what holds there is that nothing changes.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

from ...errors import ShapeError, UnsupportedError
from ...tracer import libraries
from ...tracer.built_sparse import BuiltSparse
from ...tracer.calls import as_it_is, call
from ...tracer.locations import fail
from ...tracer.operands import as_traced, emit, is_traced
from ..functions import jit, jvp
from ..implicit import Equation
from ..primitive import primitive
from .found_by_elements import without_derivative
from .solvers import Solution
from .sparse_solvers import SquarePlaces, directly, solved

Function = Callable[..., Any]
STEPS = 2


def solve_bvp(fun: Function, bc: Function, x: Any, y: Any, p: Any = None, S: Any = None, fun_jac: Any = None,
              bc_jac: Any = None, tol: float = 1e-3, max_nodes: int = 1000, verbose: int = 0, bc_tol: Any = None,
              ) -> Any:
    start = [as_traced(v) * 1.0 for v in (x, y, np.zeros(0) if p is None else p)]
    if start[0].ndim != 1 or start[1].ndim != 2 or start[1].extents[1:] != start[0].extents:
        fail(ShapeError, f"scipy.integrate.solve_bvp: x of shape {start[0].shape} and y of shape {start[1].shape}; "
                         f"expected m nodes and an array of n rows with m columns")
    room = max(max_nodes, start[0].extents[0])
    problem = BoundaryValueProblem(fun, bc, start[1].extents[0], start[2].extents[0], room)
    if problem.is_closed and not is_traced((x, y, p)):
        return as_it_is(importlib.import_module("scipy.integrate").solve_bvp, (fun, bc, x, y, p), {
            "S": S, "fun_jac": fun_jac, "bc_jac": bc_jac, "tol": tol, "max_nodes": max_nodes, "verbose": verbose,
            "bc_tol": bc_tol})
    if S is not None or start[1].ir_dtype.is_complex:
        fail(UnsupportedError, "scipy.integrate.solve_bvp of traced functions does not take S= and complex values; "
                               "write the limit at the singular point into fun, and real and imaginary parts as rows")
    return problem.solved(start, {"tol": tol, "max_nodes": max_nodes, "verbose": verbose, "bc_tol": bc_tol})


class BoundaryValueProblem:
    """Equations for n functions with k parameters, on a mesh of `room` nodes at most."""

    def __init__(self, fun: Function, bc: Function, n: int, k: int, room: int):
        self.n, self.k, self.room = n, k, room

        def slopes(u: Any) -> Any:
            found = call(fun, u[0], u[1], *u[2:])
            rows = found if is_traced(found) and not isinstance(found, (list, tuple)) else np.stack(
                [np.broadcast_to(as_traced(row) * 1.0, (room,)) for row in found])
            return rows * 1.0

        def ends(u: Any) -> Any:
            found = call(bc, *u)
            return found if is_traced(found) and not isinstance(found, (list, tuple)) else np.stack(found)

        more = [np.zeros(k)] if k else []
        self.slopes = Equation(slopes, [np.zeros(room), np.zeros((n, room)), *more], is_square=False)
        self.ends = Equation(ends, [np.zeros(n), np.zeros(n), *more], is_square=False)

    @property
    def is_closed(self) -> bool:
        return self.slopes.is_closed and self.ends.is_closed

    def fun(self, x: Any, y: Any, p: Any, others: Any) -> Any:
        return self.slopes.values(x, y, *([p] if self.k else []), *others)[0]

    def bc(self, ya: Any, yb: Any, p: Any, others: Any) -> Any:
        return self.ends.values(ya, yb, *([p] if self.k else []), *others)[0]

    # the solution -----------------------------------------------------------------------------------------------------
    def solved(self, start: list[Any], options: dict[str, Any]) -> Any:
        n, k, room = self.n, self.k, self.room
        others, of_ends = self.slopes.others, self.ends.others
        count_others = len(others)
        fun = jit(lambda x, y, p, *others: self.fun(x, y, p, others))
        bc = jit(lambda ya, yb, p, *others: self.bc(ya, yb, p, others))

        def run(x: Any, y: Any, p: Any, *given: Any) -> Any:
            of_fun, of_bc = given[:count_others], given[count_others:]

            def slopes(x: Any, y: Any, p: Any = None) -> Any:
                m = x.shape[0]
                wide, high = padded(x, room), padded(y, room)
                return fun(wide, high, np.zeros(0) if p is None else np.array(p, float), *of_fun)[:, :m]

            def ends(ya: Any, yb: Any, p: Any = None) -> Any:
                return bc(np.array(ya), np.array(yb), np.zeros(0) if p is None else np.array(p, float), *of_bc)

            found = importlib.import_module("scipy.integrate").solve_bvp(slopes, ends, x, y.copy(), p if k else None,
                                                                         **options)
            errors = np.append(found.rms_residuals, np.zeros(room - len(found.rms_residuals)))
            return (padded(found.x, room), padded(found.y, room), np.zeros(0) if found.p is None else found.p, errors,
                    np.int64(len(found.x)), np.int64(found.status), np.int64(found.niter))

        like = (np.zeros(room), np.zeros((n, room)), np.zeros(k), np.zeros(room), np.int64(0), np.int64(0), np.int64(0))
        nodes, y, p, errors, count, status, niter = primitive(run, out=lambda *_: like)(
            *without_derivative(*start, *others, *of_ends))
        places = (nodes - nodes[0]) / (nodes[-1] - nodes[0])
        x = start[0][0] + places * (start[0][-1] - start[0][0])
        x = np.where(places == 1.0, start[0][-1], x) if not start[0].is_known else nodes
        y, p = self.with_derivatives(x, y, p)
        curve = MeshCurve(x, y, self.fun(x, y, p, others), count)
        found = Solution("scipy.integrate.solve_bvp", {
            "sol": curve, "p": p if k else None, "success": status == 0, "status": status, "niter": niter})
        found.later.update(x=lambda: x[:count], y=lambda: y[:, :count], yp=lambda: curve.slopes[:, :count],
                           rms_residuals=lambda: errors[:count - 1])
        return found

    def residual(self, x: Any, y: Any, p: Any) -> Any:
        f = self.fun(x, y, p, self.slopes.others)
        return np.concatenate([np.ravel(self.between(x, y[:, :-1], y[:, 1:], f[:, :-1], f[:, 1:], p).T),
                               self.bc(y[:, 0], y[:, -1], p, self.ends.others)])

    def between(self, x: Any, left: Any, right: Any, f_left: Any, f_right: Any, p: Any) -> Any:
        """What is zero in each interval."""
        h = x[1:] - x[:-1]
        middle = 0.5 * (right + left) - 0.125 * h * (f_right - f_left)
        f = self.wide(x[:-1] + 0.5 * h, middle, p)
        return right - left - h / 6 * (f_left + f_right + 4 * f)

    def wide(self, x: Any, y: Any, p: Any) -> Any:
        """The slopes at one node less than there is room for."""
        x, y = np.concatenate([x, x[-1:]]), np.concatenate([y, y[:, -1:]], axis=1)
        return self.fun(x, y, p, self.slopes.others)[:, :-1]

    def with_derivatives(self, x: Any, y: Any, p: Any) -> tuple[Any, Any]:
        n, room = self.n, self.room
        matrix = self.matrix(*(emit("stop_gradient", as_traced(v)) for v in (x, y, p)))
        run = directly(SquarePlaces(matrix.rows, matrix.columns, matrix.shape[0]), is_strict=True)
        still = emit("stop_gradient", as_traced(self.residual(x, y, p)))
        for _ in range(STEPS):
            step, _ = solved(matrix, self.residual(x, y, p) - still, run)
            y, p = y - np.reshape(step[:n * room], (room, n)).T, p - step[n * room:]
        return y, p

    def matrix(self, x: Any, y: Any, p: Any) -> BuiltSparse:
        """The derivative of the residual, whose blocks stand at known places."""
        n, k, room = self.n, self.k, self.room
        left, right = y[:, :-1], y[:, 1:]

        def between(left: Any, right: Any, p: Any) -> Any:
            return self.between(x, left, right, self.wide(x[:-1], left, p), self.wide(x[1:], right, p), p)

        def bc(ya: Any, yb: Any, p: Any) -> Any:
            return self.bc(ya, yb, p, self.ends.others)

        values, rows, columns = [], [], []
        inner, edge = np.arange((room - 1) * n).reshape(room - 1, n), (room - 1) * n + np.arange(n + k)
        for which, count in enumerate((n, n, k)):
            for j in range(count):
                unit = [np.zeros((n, room - 1)), np.zeros((n, room - 1)), np.zeros(k)]
                unit[which][j] = 1.0
                values.append(np.ravel(jvp(between, (left, right, p), tuple(unit))[1].T))
                rows.append(inner.ravel())
                at = np.arange(room - 1) + which if which < 2 else np.full(room - 1, room)
                columns.append(np.repeat(n * at + j, n))
                unit = [np.zeros(n), np.zeros(n), np.zeros(k)]
                unit[which][j] = 1.0
                values.append(jvp(bc, (y[:, 0], y[:, -1], p), tuple(unit))[1])
                rows.append(edge)
                columns.append(np.full(n + k, (0, (room - 1) * n, room * n)[which] + j))
        held = emit("stop_gradient", as_traced(np.concatenate(values)))
        size = n * room + k
        cls = importlib.import_module("scipy.sparse").csc_matrix
        return BuiltSparse(cls, np.concatenate(rows), np.concatenate(columns), held, (size, size))


def padded(x: np.ndarray, room: int) -> np.ndarray:
    """With the last node as often as there is room for."""
    more = room - x.shape[-1]
    return np.concatenate([x, np.repeat(x[..., -1:], more, axis=-1)], axis=-1)


class MeshCurve:
    """What stands for the spline of a solution: y of any places, or its slope (nu = 1)."""

    def __init__(self, x: Any, y: Any, slopes: Any, count: Any):
        self.x, self.y, self.slopes, self.count = x, y, slopes, count

    def __call__(self, x: Any, nu: int = 0, extrapolate: Any = None) -> Any:
        if nu not in (0, 1) or extrapolate not in (None, True):
            fail(UnsupportedError, "the solution of scipy.integrate.solve_bvp takes nu=0 and nu=1")
        at = as_traced(as_traced(x) * 1.0)
        flat: Any = np.reshape(at, -1)
        i = np.clip(np.searchsorted(self.x, flat, "right") - 1, 0, self.count - 2)
        h = self.x[i + 1] - self.x[i]
        s, low, f = flat - self.x[i], self.y[:, i], self.slopes[:, i]
        slope = (self.y[:, i + 1] - low) / h
        t = (f + self.slopes[:, i + 1] - 2 * slope) / h
        cubic, square = t / h, (slope - f) / h - t
        found = low + s * (f + s * (square + s * cubic)) if nu == 0 else f + s * (2 * square + 3 * s * cubic)
        return np.reshape(found, (self.y.shape[0], *at.extents))


libraries.SOLVERS.update({("scipy.integrate._bvp", "solve_bvp"): solve_bvp})
