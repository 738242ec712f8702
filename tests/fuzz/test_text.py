"""Mutants of the IR's text: a few at each run, twenty thousand when asked for."""

from __future__ import annotations

import pytest

from tests.fuzz.failure import Failure, outcome_of
from tests.fuzz.text import Mutant, check, program, reduced

CHUNKS = 100
"""Of two hundred mutants each."""


def check_seeds(seeds: range) -> None:
    compared = 0
    for seed in seeds:
        m = program(seed)
        outcome = outcome_of(lambda m=m: check(m))
        assert not isinstance(outcome, Failure), f"{outcome}\n{reduced(m)}"
        compared += outcome is None
    assert compared > len(seeds) // 5


def test_mutants() -> None:
    check_seeds(range(30))


def test_complex_results_are_compared() -> None:
    """Optimised programs give both parts side by side, and `iota` makes complex numbers, too."""
    text = """func @f(%x: f64[3], %y: f64[3]) -> (c128[3], c64[3]) {
  %a: c128[3] = complex %y, %x
  %b: c64[3] = iota shape=[3] axis=0 dtype=c64
  return %a, %b
}
"""
    assert check(Mutant(5, text)) is None


@pytest.mark.slow
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_twenty_thousand(chunk: int) -> None:
    check_seeds(range(200 * chunk + 1000, 200 * chunk + 1200))


def test_mutants_are_the_same_in_every_run() -> None:
    assert program(5) == program(5)
    assert len({program(seed).text for seed in range(50)}) > 45
