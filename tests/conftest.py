"""For all tests: what is compiled is compiled by this very code, not found on
disk, and as for a call that is repeated. (Tests of the cache, and of tiers, name
their own.)

What a test asks of gradjit by the environment holds for that test. LLVM's full effort, which takes four times as long
as the least, is for the rooms whose matter it is, and for one test in eight of the others; with
GRADJIT_TEST_EFFORT=full (`make test-all`) for all.
"""

from __future__ import annotations

import gc
import os
import zlib
from collections import Counter
from pathlib import Path

import pytest

from tests.fuzz.effort import FULL, llvm_effort

os.environ["GRADJIT_CACHE"] = "0"
os.environ.setdefault("GRADJIT_TIER", "compile")

FULL_EFFORT = ("benchmarks", "codegen", "docs", "examples", "library", "parallel", "partitions", "runtime", "vecmath")
"""Rooms that are about machine code, or show it."""


THINNED = 4
"""Of the cases of a test that is marked `thinned`, one in so many runs in `make test`."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of families of dear cases the first, and each fourth behind it, stand for the others, which are slow tests."""
    seen: Counter[str] = Counter()
    for item in items:
        if item.get_closest_marker("thinned") is not None:
            family = item.nodeid.partition("[")[0]
            if seen[family] % THINNED:
                item.add_marker(pytest.mark.slow)
            seen[family] += 1


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


@pytest.fixture(autouse=True)
def _effort_of_llvm(request):
    room = Path(request.node.path).relative_to(Path(__file__).parent).parts[0]
    drawn = zlib.crc32(request.node.nodeid.encode()) % FULL == 0
    with llvm_effort(room in FULL_EFFORT or drawn or os.environ.get("GRADJIT_TEST_EFFORT") == "full"):
        yield
