"""Programs as people write them, level by level: machine code once, the interpreter for the rest."""

import pytest

from .case import LEVELS, Case
from .science import SCIENCE

QUICK = ("traced", "compiled gradient")
"""What every change waits for; these levels meet most of what the others do."""

CASES = [pytest.param(level, case, id=f"{level}-{case.name}", marks=[] if level in QUICK else [pytest.mark.slow])
         for level in LEVELS for case in SCIENCE]


@pytest.mark.thinned
@pytest.mark.parametrize("level, case", CASES)
def test_program(level: str, case: Case) -> None:
    LEVELS[level](case)
