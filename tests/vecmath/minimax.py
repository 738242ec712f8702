"""The method by which the polynomial coefficients of gradjit.codegen.vecmath are found; fits.py says which there are.

The method is Lawson's: a weighted least-squares fit on a Chebyshev grid in high precision, whose weights are multiplied
by the error found, again and again, tends to `min max |weight * (f - p)|`. It needs no alternation (Remez' exchange
does, and loses it when the fitted powers all vanish at 0). Coefficients are rounded to the working precision one after
the other, lowest first; each time the rest is fitted anew, so that later coefficients make up for the rounding.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import mpmath
from mpmath import mpf

PRECISION = 240  # bits of every computation here
GRID = 160  # points of the fit
CHECKED = 1000  # points where the final error is measured


@dataclass(frozen=True)
class Fit:
    """Approximate `f` on [low, high] by `terms` coefficients of `bits` bits; the error counts times `weight`."""

    f: Callable[[Any], Any]
    weight: Callable[[Any], Any]
    low: Any
    high: Any
    terms: int
    bits: int = 53


def fit(task: Fit) -> tuple[list[Any], Any]:
    """The rounded coefficients, lowest power first, and the largest weighted error with them."""
    with mpmath.workprec(PRECISION):
        points = _chebyshev(task, GRID)
        weights = [task.weight(x) for x in points]
        rest = [task.f(x) for x in points]
        emphasis = [mpf(1)] * GRID
        chosen: list[Any] = []
        while len(chosen) < task.terms:
            coefficients, emphasis = _lawson(points, rest, weights, emphasis, len(chosen), task.terms,
                                             steps=12 if chosen else 40)
            chosen.append(rounded(coefficients[0], task.bits))
            rest = [r - chosen[-1] * x ** (len(chosen) - 1) for r, x in zip(rest, points, strict=True)]
        error = max(task.weight(x) * abs(task.f(x) - mpmath.polyval(chosen[::-1], x))
                    for x in _chebyshev(task, CHECKED))
        return chosen, error


def rounded(value: Any, bits: int) -> Any:
    """`value` to the nearest number of `bits` bits."""
    with mpmath.workprec(bits):
        return +mpf(value)


def _chebyshev(task: Fit, count: int) -> list[Any]:
    middle, half = (mpf(task.high) + task.low) / 2, (mpf(task.high) - task.low) / 2
    return [middle - half * mpmath.cos(mpmath.pi * (k + mpf(1) / 2) / count) for k in range(count)]


def _lawson(points: list[Any], rest: list[Any], weights: list[Any], emphasis: list[Any], start: int, stop: int,
            steps: int) -> tuple[list[Any], list[Any]]:
    """Coefficients of the powers start..stop-1 for the values `rest`, and the emphasis of each point so far."""
    basis = [[w * x**power for x, w in zip(points, weights, strict=True)] for power in range(start, stop)]
    target = [w * r for w, r in zip(weights, rest, strict=True)]
    best: tuple[Any, list[Any]] | None = None
    for _ in range(steps):
        scaled = [[e * b for e, b in zip(emphasis, row, strict=True)] for row in basis]
        gram = mpmath.matrix([[mpmath.fdot(s, b) for b in basis] for s in scaled])
        solution = list(mpmath.lu_solve(gram, mpmath.matrix([mpmath.fdot(s, target) for s in scaled])))
        columns = zip(*basis, strict=True)
        error = [abs(t - mpmath.fdot(solution, column)) for t, column in zip(target, columns, strict=True)]
        if best is None or max(error) < best[0]:
            best = max(error), solution
        emphasis = [e * r for e, r in zip(emphasis, error, strict=True)]
        total = mpmath.fsum(emphasis)
        emphasis = [e / total + mpf(2) ** -60 for e in emphasis]
    assert best is not None
    return best[1], emphasis
