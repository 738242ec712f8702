"""Partial derivatives of scipy.special's functions, by formula: one row each, in the file of its kind.

A row gives for each argument what the derivative of the result is, as `formula(result, *arguments)`; a function with
several results has one row for each of them. In the place of a formula stands `STEPS`, where the result does not change
with the argument but by steps (its derivative is zero), or a text: why no derivative is known. DLMF is NIST's
Digital Library of Mathematical Functions, https://dlmf.nist.gov.
"""

from __future__ import annotations

import functools

from . import analytic, bessel, distributions, elliptic, exponential, gamma, hypergeometric, waves
from .rows import STEPS, Row, Rows

ROWS: Rows = {**gamma.ROWS, **exponential.ROWS, **bessel.ROWS, **elliptic.ROWS, **hypergeometric.ROWS,
              **distributions.ROWS, **waves.ROWS, **analytic.ROWS}


@functools.cache
def row(function: str, result: int) -> Row:
    """The row of one of a function's results."""
    found = ROWS[function]
    return found[result] if isinstance(found, list) else found


__all__ = ["ROWS", "STEPS", "row"]
