"""Random programs of loops: a few at each run, ten thousand when asked for."""

from __future__ import annotations

import pytest

from .loops import Failure, check, program, reduced
from .loops.check import Refused, Rough

CHUNKS = 200
"""Of fifty programs each."""


def fails(seed: int, backend: str) -> Failure | None:
    try:
        return check(program(seed), backend)
    except (Refused, Rough):
        return None


def check_seeds(seeds: range, backend: str) -> None:
    for seed in seeds:
        failure = fails(seed, backend)
        if failure:
            small = reduced(program(seed), backend)
            pytest.fail(f"{failure}\n{small}")


@pytest.mark.skip(reason="control flow is being built")
@pytest.mark.parametrize("backend", ["interpreter", "native"])
@pytest.mark.parametrize("start", [0, 20])
def test_programs(start: int, backend: str) -> None:
    check_seeds(range(start, start + 20), backend)


@pytest.mark.slow
@pytest.mark.skip(reason="control flow is being built")
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_ten_thousand(chunk: int) -> None:
    check_seeds(range(50 * chunk + 1000, 50 * chunk + 1050), "native")


def test_programs_are_the_same_in_every_run() -> None:
    """And use all that they are there to test."""
    assert program(5).source == program(5).source
    everything = "".join(program(seed).source for seed in range(300))
    for text in ("while ", "elif ", "break", "continue", "nonlocal", "enumerate", "zip(", "reversed(",
                 "return np.tanh", "box.push", "np.add.at", "[::-1]", "+ 1:]", "else:"):
        assert text in everything, text
