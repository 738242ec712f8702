"""The passes over loop nests: timed, dumped, verified; what breaks a kernel is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import gradjit as gj
from gradjit.codegen import buffers, loop_pipeline, lower
from gradjit.codegen.loop_pipeline import PIPELINE, LoopPass
from gradjit.codegen.loops import Program
from gradjit.errors import IRError
from tests.codegen.cases import CASES
from tests.filetests.runner import ROOT


def test_each_pass_is_timed() -> None:
    names = set(lower(CASES[0].func()).seconds)
    assert names == {"nests", "emit", *(p.name for p in PIPELINE), *(p.name for p in buffers.PIPELINE)}
    f = gj.jit(lambda x: np.sum(np.exp(x) * x))
    f(np.ones(3))
    assert {f"pass {n}" for n in names} <= set(f.stats().specialisations[0].seconds)


def test_each_pass_has_a_file_test() -> None:
    runs = [path.read_text().partition("\n")[0] for path in (ROOT / "loops_ir").glob("*.loops")]
    assert not [p.name for p in PIPELINE if not any(p.name in run.split() for run in runs)]


def test_each_pass_is_dumped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADJIT_DUMP", str(tmp_path))
    lower(CASES[0].func())
    found = [path.stem for path in sorted(tmp_path.glob("*.loops"))]
    assert [name.endswith(p.replace("-", "_")) for name, p in
            zip(found, ["nests", *(p.name for p in PIPELINE)], strict=True)] == [True] * len(found)


def forgets(p: Program, width: int) -> None:
    """Leaves an output undeclared."""
    p.outputs.clear()


def test_verify_names_the_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop_pipeline, "PIPELINE", (LoopPass("vandal", forgets, ""),))
    monkeypatch.setenv("GRADJIT_VERIFY", "1")
    with pytest.raises(IRError, match="no buffer of this kernel") as e:
        lower(CASES[0].func())
    assert "after the pass 'vandal'" in e.value.__notes__
