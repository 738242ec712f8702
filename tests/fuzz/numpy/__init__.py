"""Random NumPy functions as source text: values, dtypes and written arguments against NumPy's, gradients against finite
differences.

    python -m tests.fuzz.numpy --count 20000 --seed 0      grows, checks, and prints what fails, reduced
    python -m tests.fuzz.numpy --show 17                   prints a program

Eight programs, by their seeds, give arrays of any dtype; the next eight give a number each, and are differentiated.
"""

from __future__ import annotations

from tests.fuzz.reduce import reduced as _reduced
from tests.fuzz.source import Program

from .check import check
from .grow import program, runs

__all__ = ["Program", "check", "program", "reduced", "runs"]


def reduced(p: Program, backend: str = "native", seconds: float = 60.0) -> Program:
    """The smallest program found within the time that fails as `p` does."""
    return _reduced(p, lambda q: check(q, backend), runs, seconds)
