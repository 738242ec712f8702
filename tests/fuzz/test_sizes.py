"""Random programs through one compilation for all sizes."""

import pytest

from .sizes import run


@pytest.mark.thinned
@pytest.mark.parametrize("seed", range(5))
def test_programs_over_open_sizes(seed: int) -> None:
    run(seed)


@pytest.mark.slow
@pytest.mark.parametrize("block", range(20))
def test_many_programs_over_open_sizes(block: int) -> None:
    for seed in range(100 + 100 * block, 200 + 100 * block):
        run(seed)
