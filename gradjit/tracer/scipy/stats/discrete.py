"""Formulas of discrete distributions, where SciPy's own cannot be traced or have no right derivative."""

from __future__ import annotations

from typing import Any

from .formulas import Formulas


def poisson_mean(mu: Any) -> Any:
    return mu


FORMULAS: dict[str, Formulas] = {"poisson_gen": {"mean": poisson_mean, "var": poisson_mean}}
"""By the name of the distribution's class."""
