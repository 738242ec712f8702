"""Random NumPy functions: a few at each run, twenty thousand when asked for."""

from __future__ import annotations

import pytest

from tests.fuzz.failure import Failure, Refused, outcome_of
from tests.fuzz.numpy import check, program, reduced
from tests.fuzz.numpy.__main__ import outcomes

CHUNKS = 200
"""Of a hundred programs each."""


@pytest.mark.parametrize("start", range(0, 32, 16))
def test_programs(start: int) -> None:
    check_seeds(range(start, start + 16))


def test_interpreter() -> None:
    for seed in range(24):
        outcome = outcome_of(lambda seed=seed: check(program(seed), "interpreter"))
        assert not isinstance(outcome, Failure), f"{outcome}\n{program(seed)}"


@pytest.mark.slow
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_twenty_thousand(chunk: int) -> None:
    check_seeds(range(100 * chunk + 1000, 100 * chunk + 1100))


def check_seeds(seeds: range) -> None:
    """No program fails, and most are compared in full."""
    refused = 0
    for item in outcomes(seeds):
        if isinstance(item, int):
            continue
        seed, outcome = item
        assert not isinstance(outcome, Failure), f"{outcome}\n{reduced(program(seed))}"
        refused += isinstance(outcome, Refused)
    assert refused <= len(seeds) // 3


def test_programs_are_the_same_in_every_run() -> None:
    """And use all that they are there to test."""
    assert program(5).source == program(5).source
    everything = "".join(str(program(seed)) for seed in range(800))
    for text in ("np.add.at", ".sort()", "out=", "order='F'", "astype(", "axis=", "[::-1] +=", "np.asfortranarray",
                 "*= 2", "by steps of (-", "uint8", "* 1e20).astype", "np.copyto", "@ ", ".T", "where=",
                 "gj.vmap(lambda t, u", "gj.primitive(", "gj.vmap(gj.primitive", "1j *", "np.linalg."):
        assert text in everything, text
