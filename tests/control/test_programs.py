"""Textbook programs against NumPy and finite differences, level by level."""

import pytest

from .case import LEVELS, Case
from .programs import PROGRAMS

WAITING: dict[str, str] = {}
"""What is not there yet: a level, or "level: program", and why. Empty when all is done."""

SLOW = ("optimized", "value", "forward", "second", "compiled value", "compiled forward", "compiled second")
"""What every change need not wait for: the levels that are left meet most of what these do."""
SLICE = 3
"""The interpreter's gradient, which machine code's shows right or wrong, is taken of one program in so many."""


def is_slow(level: str, k: int) -> bool:
    return level in SLOW or (level == "gradient" and k % SLICE != 0)


CASES = [pytest.param(level, case, id=f"{level}-{case.name}", marks=[pytest.mark.slow] if is_slow(level, k) else [])
         for level in LEVELS for k, case in enumerate(PROGRAMS)]


@pytest.mark.thinned
@pytest.mark.parametrize("level, case", CASES)
def test_program(level: str, case: Case) -> None:
    reason = WAITING.get(level) or WAITING.get(f"{level}: {case.name}")
    if reason:
        pytest.skip(reason)
    LEVELS[level](case)
