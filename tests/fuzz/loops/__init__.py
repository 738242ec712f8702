"""Random programs of loops, branches and mutation, as source text: against NumPy, finite differences, and forward mode.

    python -m tests.fuzz.loops --count 1000 --seed 0        grows, checks, and prints what fails, reduced
    python -m tests.fuzz.loops --show 17                    prints a program
"""

from .check import BACKENDS, Failure, check
from .grow import Program, program
from .reduce import reduced

__all__ = ["BACKENDS", "Failure", "Program", "check", "program", "reduced"]
