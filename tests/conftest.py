"""For all tests: what is compiled is compiled by this very code, not found on
disk. (Tests of the cache name their own.)

What a test asks of gradjit by the environment holds for that test.
"""

from __future__ import annotations

import gc
import os

import pytest

os.environ["GRADJIT_CACHE"] = "0"


def pytest_collection_finish() -> None:
    """Thousands of collected tests stay to the end: collections of garbage, which many tests ask for, pass them by."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _own_environment():
    before = {name: value for name, value in os.environ.items() if name.startswith("GRADJIT_")}
    yield
    for name in [name for name in os.environ if name.startswith("GRADJIT_") and name not in before]:
        del os.environ[name]
    os.environ.update(before)
