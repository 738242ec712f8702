"""The versions that `make test-lowest` installs are the lowest that pyproject.toml admits."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_they_are_the_bounds_of_what_gradjit_needs() -> None:
    needed = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    bounds = dict(re.fullmatch(r"([\w-]+)>=([\d.]+)", d).groups() for d in needed)  # type: ignore[union-attr]
    lines = [x for x in (ROOT / "tests" / "lowest-versions.txt").read_text().splitlines() if not x.startswith("#")]
    installed = dict(x.split("==") for x in lines)
    assert installed.keys() == bounds.keys()
    for name, version in installed.items():
        assert f"{version}.0".startswith(f"{bounds[name]}."), name
