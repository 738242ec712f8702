"""GRADJIT_* variables with silly values: one warning, and the program's own answer."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = "import numpy as np, gradjit as gj\nfor k in (2, 3): print(gj.jit(lambda x: x + 1.0)(np.ones(k))[0])\n"


@pytest.mark.thinned
@pytest.mark.parametrize("name, value, warned", [
    ("GRADJIT_DUMP", "{file}", True), ("GRADJIT_DUMP", "/proc/1/nothing/here", True),
    ("GRADJIT_DUMP", "a" * 5000, True), ("GRADJIT_VERIFY", "yes", True), ("GRADJIT_CHECK", "-3", True),
    ("GRADJIT_VERIFY", "0", False), ("GRADJIT_NUM_THREADS", "-3", False),
])
def test_silly_values(name: str, value: str, warned: bool, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    environment = {**os.environ, name: value.replace("{file}", str(file))}
    r = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, env=environment, timeout=60)
    assert (r.returncode, r.stdout) == (0, "2.0\n2.0\n")
    assert r.stderr.count(f"gradjit: {name}") == warned
    assert "Traceback" not in r.stderr


def test_threads_by_a_silly_number() -> None:
    environment = {**os.environ, "GRADJIT_NUM_THREADS": "²"}
    r = subprocess.run([sys.executable, "-m", "gradjit", "version"], capture_output=True, text=True, env=environment,
                       timeout=60)
    assert r.returncode == 0
    assert "is no positive number" in r.stderr
