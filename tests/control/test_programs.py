"""Textbook programs against NumPy and finite differences, level by level."""

import pytest

from .case import LEVELS, Case
from .programs import PROGRAMS

WAITING: dict[str, str] = {}
"""What is not there yet: a level, or "level: program", and why. Empty when all is done."""

SLOW = ("optimized", "value", "forward", "second", "compiled value", "compiled forward", "compiled second")
"""What every change need not wait for: the levels that are left meet most of what these do."""

CASES = [pytest.param(level, case, id=f"{level}-{case.name}", marks=[pytest.mark.slow] if level in SLOW else [])
         for level in LEVELS for case in PROGRAMS]


@pytest.mark.parametrize("level, case", CASES)
def test_program(level: str, case: Case) -> None:
    reason = WAITING.get(level) or WAITING.get(f"{level}: {case.name}")
    if reason:
        pytest.skip(reason)
    LEVELS[level](case)
