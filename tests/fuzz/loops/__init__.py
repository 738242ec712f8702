"""Random programs of loops, branches and mutation, as source text: against NumPy, finite differences, and forward mode.

    python -m tests.fuzz.loops --count 1000 --seed 0        grows, checks, and prints what fails, reduced
    python -m tests.fuzz.loops --show 17                    prints a program
"""

from __future__ import annotations

from tests.fuzz.reduce import reduced as _reduced
from tests.fuzz.source import Program

from .check import BACKENDS, check
from .grow import program, runs

__all__ = ["BACKENDS", "Program", "check", "program", "reduced", "runs"]


def reduced(p: Program, backend: str = "native", seconds: float = 60.0) -> Program:
    """The smallest program found within the time that fails as `p` does."""
    return _reduced(p, lambda q: check(q, backend), runs, seconds)
