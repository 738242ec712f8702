"""Random programs of loops: a few at each run, ten thousand when asked for."""

from __future__ import annotations

import pytest

from tests.fuzz.failure import Failure, Refused, Rough, outcome_of
from tests.fuzz.loops import check, program, reduced

CHUNKS = 200
"""Of fifty programs each."""


def check_seeds(seeds: range, backend: str) -> None:
    """No program fails, and nearly all are compared in full."""
    partly: list[str] = []
    for seed in seeds:
        outcome = outcome_of(lambda seed=seed: check(program(seed), backend))
        if isinstance(outcome, Failure):
            pytest.fail(f"{outcome}\n{reduced(program(seed), backend)}")
        if isinstance(outcome, Refused | Rough):
            partly.append(f"seed {seed}: {type(outcome).__name__}: {outcome}")
    assert len(partly) <= len(seeds) // 4, "\n".join(partly)


@pytest.mark.parametrize("start, stop, backend", [(0, 12, "interpreter"), (32, 39, "native")])
def test_programs(start: int, stop: int, backend: str) -> None:
    check_seeds(range(start, stop), backend)


@pytest.mark.slow
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_ten_thousand(chunk: int) -> None:
    check_seeds(range(50 * chunk + 1000, 50 * chunk + 1050), "native")


def test_programs_are_the_same_in_every_run() -> None:
    """And use all that they are there to test."""
    assert program(5).source == program(5).source
    everything = "".join(program(seed).source for seed in range(400))
    for text in ("while ", "elif ", "break", "continue", "nonlocal", "enumerate", "zip(", "reversed(",
                 "return np.tanh", "box.push", "np.add.at", "[::-1]", "+ 1:]", "else:",
                 "def change():", "global ", "def make():", "__slots__", "gj.jit", "gj.grad(", "np.uint8", ">>= 1",
                 "['l']", " = np.asarray(v", "= pure0(", "except ", "finally:", ".append(", " = Body(",
                 "with doubled(", "gj.vmap(lambda t", "gj.checkpoint(", "gj.grad(lambda"):
        assert text in everything, text
