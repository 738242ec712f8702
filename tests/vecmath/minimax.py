"""Where the polynomial coefficients of gradjit.codegen.vecmath come from.

`python -m tests.vecmath.minimax [NAME ...]` prints the tables as they stand in the source.

The method is Lawson's: a weighted least-squares fit on a Chebyshev grid in high precision, whose weights are multiplied
by the error found, again and again, tends to `min max |weight * (f - p)|`. It needs no alternation (Remez' exchange
does, and loses it when the fitted powers all vanish at 0). Coefficients are rounded to the working precision one after
the other, lowest first; each time the rest is fitted anew, so that later coefficients make up for the rounding.
"""

from __future__ import annotations

import sys
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


# the tables -----------------------------------------------------------------------------------------------------------
def _series(term: Callable[[int], Any], terms: int = 70) -> Callable[[Any], Any]:
    """The power series with the coefficients term(0), term(1), ..."""
    with mpmath.workprec(PRECISION):
        coefficients = [term(k) for k in range(terms)][::-1]
    return lambda x: mpmath.polyval(coefficients, x)


def _both(f: Callable[[Any], Any], weight: Callable[[Any], Any], low: Any, high: Any, terms: tuple[int, int]
          ) -> dict[int, Fit]:
    """The fits for float64 and float32, by the bits of their significands."""
    return {bits: Fit(f, weight, low, high, count, bits) for bits, count in zip((53, 24), terms, strict=True)}


with mpmath.workprec(PRECISION):
    _LN2 = mpmath.log(2)
    _HALF_LN2 = _LN2 / 2 * mpf("1.0001")  # rounding to the nearest multiple may miss by as much
    _ROOT = mpmath.sqrt(2)
    _S_SQUARE = (_ROOT - 1) ** 4 * mpf("1.0001")

_EXP_TAIL = _series(lambda k: 1 / mpmath.factorial(k + 2))
_EXP2 = _series(lambda k: _LN2 ** (k + 1) / mpmath.factorial(k + 1))
_LOG2 = _series(lambda k: 2 / ((2 * k + 1) * _LN2))

# name in gradjit.codegen.vecmath -> fits; what is approximated stands beside each table in the source
TABLES: dict[str, dict[int, Fit]] = {
    "exponential.TAIL": _both(_EXP_TAIL, lambda r: r * r / abs(mpmath.expm1(r)), -_HALF_LN2, _HALF_LN2, (10, 5)),
    "exponential.TAIL_LONG": _both(_EXP_TAIL, lambda r: r * r / abs(mpmath.expm1(r)), -_HALF_LN2, _HALF_LN2, (11, 6)),
    "exponential.EXP2": _both(_EXP2, lambda r: abs(r) / 2**r, -mpf(0.5), mpf(0.5), (11, 6)),
    "exponential.COSH": _both(
        _series(lambda k: 1 / mpmath.factorial(2 * k + 2)), lambda z: z, 0, _HALF_LN2**2, (5, 3)),
    "exponential.SINH": _both(
        _series(lambda k: 1 / mpmath.factorial(2 * k + 3)), lambda z: z, 0, _HALF_LN2**2, (5, 2)),
    "logarithm.ATANH": _both(_series(lambda k: mpf(2) / (2 * k + 3)), lambda z: z / 2, 0, _S_SQUARE, (7, 3)),
    "power.ATANH_FROM_5TH": {53: Fit(_series(lambda k: mpf(2) / (2 * k + 5)), lambda z: z * z / 2, 0, _S_SQUARE, 8)},
    "power.LOG2_SINGLE": {53: Fit(_LOG2, lambda z: 1 / _LOG2(z), 0, _S_SQUARE, 5)},
    "power.EXP2_SINGLE": {53: Fit(lambda r: mpf(2) ** r, lambda r: mpf(2) ** -r, -mpf("0.501"), mpf("0.501"), 7)},
    "power.INVERSE_CBRT": _both(lambda f: mpmath.cbrt(1 / (1 + f)), lambda f: mpmath.cbrt(1 + f),
                                1 / _ROOT - 1, _ROOT - 1, (5, 4)),
}


def main(names: list[str]) -> None:
    for name in names or TABLES:
        for bits, task in TABLES[name].items():
            coefficients, error = fit(task)
            print(f"{name}, {bits} bits: error 2**{mpmath.nstr(mpmath.log(error, 2), 4)}")
            print("    " + ", ".join(repr(float(c)) for c in coefficients))


if __name__ == "__main__":
    main(sys.argv[1:])
