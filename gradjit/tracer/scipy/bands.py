"""Linear equations whose matrix has a few diagonals: elimination row after row, with pivots, in a window of rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import ShapeError
from ...ir.ops.factorisation import SINGULAR
from .. import operands as o
from ..locations import fail
from ..numpy import factorisation as nf
from ..numpy.common import array
from ..operands import cast, emit
from .factorisation import by_cholesky, finite, flag
from .written_loops import Rule, floats, invalid, looped, zeros

SMALL = 64
"""Up to so many rows a whole matrix is solved by LAPACK: that is less code, and about as quick."""


def banded(rows: Any, below: int, above: int, right: Any, positive: bool = False) -> Any:
    """The solution. `rows[i, c]` stands in column `i - below + c`; right has two axes.

    positive: the matrix is symmetric and positive definite. LinAlgError where it is not, or where one is singular.
    """
    if rows.shape[0] <= SMALL:
        a, b = whole(rows, below, above), cast(array(right), np.result_type(rows.dtype, right.dtype))
        if positive:
            return by_cholesky(emit("cholesky", cast(a, b.dtype)), b, True)
        return nf.solved(cast(a, b.dtype), b)
    x, divisors = by_elimination(rows, below, above, right, pivots=not positive)
    if positive:
        o.require(array(divisors > 0), "Matrix is not positive definite", "LinAlgError")
    else:
        o.require(array(divisors != 0), SINGULAR, "LinAlgError")
    return x


def whole(rows: Any, below: int, above: int) -> Any:
    """The matrix with all of its zeros."""
    n = rows.shape[0]
    row, column = np.arange(n)[:, np.newaxis], np.arange(n)
    place = column - row + below
    inside = (place >= 0) & (place < below + above + 1)
    return array(np.where(inside, rows[row, np.clip(place, 0, below + above)], 0.0))


def by_elimination(rows: Any, below: int, above: int, right: Any, pivots: bool) -> tuple[Any, Any]:
    """The solution, and what was divided by."""
    n, width = rows.shape[0], below + above + 1
    wide = below + width  # pivoting moves rows up: their last elements stand so much further on the right
    dtype = np.result_type(rows.dtype, right.dtype)
    start = [np.concatenate([rows[r, below - r:], np.zeros(wide - width + below - r)]) for r in range(below + 1)]
    window = np.stack([array(s).astype(dtype) for s in start])
    later = np.pad(rows[below + 1:], ((0, below + 1), (0, wide - width))).astype(dtype)
    sides = np.pad(right, ((0, below + 1), (0, 0))).astype(dtype)
    return _solved(window, later, sides, n, below, wide, pivots)


def _solved(window: Any, later: Any, sides: Any, n: int, below: int, wide: int, pivots: bool) -> tuple[Any, Any]:
    upper, reduced = zeros((n, wide), window.dtype), zeros((n, sides.shape[1]), window.dtype)
    looped(_eliminate)(o.as_array(array(window)), o.as_array(array(sides[:below + 1])), later, sides[below + 1:], upper,
                       reduced, n, below, pivots)
    x = zeros((n + wide, sides.shape[1]), window.dtype)
    looped(_substitute)(upper, reduced, x, n, wide)
    return x[:n], upper[:, 0]


def _eliminate(window: Any, side: Any, later: Any, sides: Any, upper: Any, reduced: Any, n: Any, below: Any,
               pivots: Any) -> None:
    """One column after the other; the window moves down by a row and to the right by a column."""
    wide = upper.shape[1]
    for i in range(n):
        if pivots and below:
            p = np.argmax(np.abs(window[:, 0]))
            first, first_side = window[0].copy(), side[0].copy()
            window[0], side[0] = window[p], side[p]
            window[p], side[p] = first, first_side
        upper[i], reduced[i] = window[0], side[0]
        factor = window[1:, 0] / window[0, 0]
        rest = window[1:] - factor[:, np.newaxis] * window[0]
        rest_side = side[1:] - factor[:, np.newaxis] * side[0]
        window[:below, :wide - 1] = rest[:, 1:]
        window[:below, wide - 1] = 0.0
        window[below] = later[i]
        side[:below] = rest_side
        side[below] = sides[i]


def _substitute(upper: Any, reduced: Any, x: Any, n: Any, wide: Any) -> None:
    for i in range(n - 1, -1, -1):
        x[i] = (reduced[i] - upper[i, 1:] @ x[i + 1:i + wide]) / upper[i, 0]


# scipy.linalg ---------------------------------------------------------------------------------------------------------
def _system(ab: Any, b: Any, count: int, check_finite: Any, function: str) -> tuple[Any, Any, bool]:
    bands, right = floats(ab), floats(b)
    finite(bands, right, check=check_finite)
    if bands.ndim != 2 or bands.shape[0] != count:
        fail(ShapeError, f"scipy.linalg.{function}: bands of shape {bands.shape}, of which there should be {count}")
    if right.ndim not in (1, 2) or right.shape[0] != bands.shape[1]:
        fail(ShapeError, f"scipy.linalg.{function}: shapes of ab {bands.shape} and b {right.shape} are not compatible.")
    vector = right.ndim == 1
    return bands, right[:, np.newaxis] if vector else right, vector


def by_rows(bands: Any, below: int, above: int) -> Any:
    """Bands as `solve_banded` takes them, row by row; what stands outside of the matrix is 0."""
    n = bands.shape[1]
    rows, c = np.arange(n)[:, np.newaxis], np.arange(below + above + 1)
    column = rows - below + c
    inside = (column >= 0) & (column < n)
    return np.where(inside, bands[below + above - c, np.clip(column, 0, n - 1)], 0.0)


def solve_banded(l_and_u, ab, b, overwrite_ab=False, overwrite_b=False, check_finite=True):
    below, above = (o.static_int(k, "l_and_u") for k in l_and_u)
    if below < 0 or above < 0:
        invalid("the numbers of diagonals must not be negative")
    bands, right, vector = _system(ab, b, below + above + 1, check_finite, "solve_banded")
    x = banded(by_rows(bands, below, above), below, above, right)
    return x[:, 0] if vector else x


def solveh_banded(ab, b, overwrite_ab=False, overwrite_b=False, lower=False, check_finite=True):
    """Of a positive definite matrix: without pivots."""
    count = floats(ab).shape[0]
    bands, right, vector = _system(ab, b, count, check_finite, "solveh_banded")
    if np.iscomplexobj(bands):
        o.unsupported("scipy.linalg.solveh_banded", "of complex numbers")
    n, k = bands.shape[1], count - 1
    if flag(lower, "lower"):
        upper = [bands[0]] + [np.concatenate([np.zeros(min(j, n)), bands[j][:n - j]]) for j in range(1, count)]
    else:
        upper = [bands[k - j] for j in range(count)]
    below = [np.concatenate([upper[j][j:], np.zeros(min(j, n))]) for j in range(1, count)]
    x = banded(by_rows(np.stack([*upper[::-1], *below]), k, k), k, k, right, positive=True)
    return x[:, 0] if vector else x


RULES: dict[tuple[str, str], Rule] = {
    ("scipy.linalg._basic", f.__name__): f for f in (solve_banded, solveh_banded)}
