"""The demo does what it says."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest

from gradjit import demo
from gradjit.cli import main


def test_demo(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--output", str(tmp_path)]) == 0
    out = capfd.readouterr().out
    reached = re.search(r"ok: ([\d.]+)% of the held-out", out)
    assert reached is not None
    assert float(reached[1]) >= 95
    assert "150/150" in out
    assert {p.name for p in tmp_path.iterdir()} == {
        "1-traced.ir", "2-adjoint.ir", "3-optimized.ir", "4-buffers.ir", "5-loops.ir", "6-llvm.ll", "7-asm.s",
        "loss.png",
    }
    assert (tmp_path / "loss.png").read_bytes()[:4] == b"\x89PNG"
    assert re.search(r"; model\.py:\d+", (tmp_path / "1-traced.ir").read_text())


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    found = importlib.util.find_spec

    def without_sklearn(name: str, *rest: Any) -> Any:
        return None if name == "sklearn" else found(name, *rest)

    monkeypatch.setattr(importlib.util, "find_spec", without_sklearn)
    with pytest.raises(demo.MissingPackage, match="scikit-learn"):
        demo.main()
    assert main(["demo"]) == 2
    assert "pip install 'gradjit[demo]'" in capsys.readouterr().err
