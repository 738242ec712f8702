"""The notebooks in `examples/notebooks` print what they show."""

from __future__ import annotations

import contextlib
import io
import json
import linecache
from pathlib import Path
from typing import Any

import pytest

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "examples" / "notebooks").glob("*.ipynb"))


def test_there_are_some() -> None:
    assert len(NOTEBOOKS) == 5


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_notebook(path: Path) -> None:
    names: dict[str, Any] = {"__name__": "__main__"}
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] != "code":
            continue
        text, name = "".join(cell["source"]), f"<{path.stem} {cell['id']}>"
        linecache.cache[name] = (len(text), None, text.splitlines(True), name)  # gradjit reads the source of functions
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(text, name, "exec"), names)
        assert printed.getvalue() == "".join(line for out in cell["outputs"] for line in out["text"]), text
