"""scipy.linalg's Riccati equations inside traced functions: SciPy solves them while the program runs. Newton's steps
from there, each of which solves a Lyapunov equation, give the derivatives."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from ...errors import UnsupportedError
from ...tracer import libraries
from ...tracer.calls import call
from ...tracer.locations import fail
from ...tracer.operands import as_traced
from ..primitive import primitive
from .found_by_elements import without_derivative

STEPS = 2
"""Newton's steps behind the solution (Kleinman, 1968). Each doubles the order up to which derivatives are exact."""


def solved(name: str, given: Any, e: Any, s: Any) -> tuple[Any, Any, Any, Any, Any]:
    """The matrices, and what SciPy finds for them."""
    if e is not None or s is not None:
        fail(UnsupportedError, f"scipy.linalg.{name} of traced matrices does not take e=, s=; multiply them in")
    a, b, q, r = (as_traced(np.atleast_2d(as_traced(m))) * 1.0 for m in given)
    scipy = getattr(importlib.import_module("scipy.linalg"), name)
    x = primitive(lambda *given: scipy(*given), out=lambda a, *_: a)(*without_derivative(a, b, q, r))
    return a, b, q, r, x


def continuous(a: Any, b: Any, q: Any, r: Any, e: Any = None, s: Any = None, balanced: bool = True) -> Any:
    """The X with A^T X + X A - X B R^-1 B^T X + Q = 0."""
    a, b, q, r, x = solved("solve_continuous_are", (a, b, q, r), e, s)
    lyapunov = importlib.import_module("scipy.linalg").solve_continuous_lyapunov
    for _ in range(STEPS):
        k = np.linalg.solve(r, b.T @ x)
        x = call(lyapunov, (a - b @ k).T, -(q + k.T @ r @ k))
    return x


def discrete(a: Any, b: Any, q: Any, r: Any, e: Any = None, s: Any = None, balanced: bool = True) -> Any:
    """The X with X = A^T X A - A^T X B (R + B^T X B)^-1 B^T X A + Q."""
    a, b, q, r, x = solved("solve_discrete_are", (a, b, q, r), e, s)
    lyapunov = importlib.import_module("scipy.linalg").solve_discrete_lyapunov
    for _ in range(STEPS):
        k = np.linalg.solve(r + b.T @ x @ b, b.T @ x @ a)
        x = call(lyapunov, (a - b @ k).T, q + k.T @ r @ k)
    return x


RULES: libraries.Rules = {
    ("scipy.linalg._solvers", "solve_continuous_are"): continuous,
    ("scipy.linalg._solvers", "solve_discrete_are"): discrete,
}
