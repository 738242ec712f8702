"""Commands that make no sense: exit status 2 and one line, whatever was typed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gradjit.cli import main

MODEL = """\
import numpy as np

class Strange(dict):
    __getattr__ = dict.__getitem__

    @property
    def p(self):
        raise KeyError("p")

strange, N = Strange(), 3

def loss(x):
    return np.sum(np.sin(x))

def keyword(*, k):
    return k

def raises(x):
    raise OSError("not\\nmine")
"""

IR = "func @f(%x: f64[3]) -> f64[3] {\n  return %x\n}\n"
EXTENT = "func @f(%n: i64[], %x: f64[%n]) -> f64[%n] {\n  return %x\n}\n"

ARGUMENTS = [
    "", " ", "f64", "f64[", "f64[-1]", "f64[1000000000000]", "f64[99999999999999999999999]", f"f64[{'9' * 5000}]",
    "9" * 5000, "tape[3]", "tape[]", "f64[3](1)", "f64[3](1,2,3)", "f64[3]('a','b')", "f64[3](1j,2)", "i8[3](0,1000)",
    "i64[3](5,5)", "f64[3](inf,nan)", f"f64[{','.join(['1'] * 100)}]", "(" * 5000, "[" * 300 + "]" * 300,
    "-" * 5000 + "1", "lambda: 0", "__import__('os')", "x", "f64[x]", "f64[1.5]", "f64[True]", "'a'+1j", "None+1j",
    "{**a}", "{[1]: 2}", "{f64[3]: 1}", "*a", "...", "b'x'", "1 2", "1;2", "nofile.npy", "empty.npy", "text.npy",
    "several.npy", "objects.npy", "folder.npy", ".npy", "\0", "\0.npy", "u64[2](-1,3)", f"i64[](0,{'9' * 400})",
]

COMMANDS = [
    [], ["nonsense"], ["ir"], ["ir", "model.py"], ["ir", ":"], ["ir", "model.py:"], ["ir", ":loss"], ["ir", "no.py:f"],
    ["ir", "broken.py:f"], ["ir", "exits.py:f"], ["ir", "model.py:N"], ["ir", "model.py:strange.p"],
    ["ir", "model.py:strange.x"], ["ir", "model.py:loss.x.y"], ["ir", "model.py:loss.."], ["ir", "model.py:loss"],
    ["ir", "a" * 5000 + ".py:f"], ["ir", "mod\0el.py:loss"], ["ir", "model.py:loss\0"], ["ir", "/:f"],
    ["ir", "model.py:keyword", "--arg", "f64[3]"], ["ir", "model.py:loss", "--arg", "f64[3]", "--argnums", "a"],
    ["ir", "model.py:loss", "--arg", "f64[3]", "--argnums", ""], ["ir", "model.py:loss", "--seed", "-1"],
    ["ir", "model.py:loss", "--arg", "f64[3]", "--argnums", "9" * 5000], ["ir", "model.py:loss", "--seed", "x"],
    ["ir", "model.py:loss", "--stage", "x"], ["ir", "model.py:loss", "--of", "x"],
    ["ir", "model.py:loss", "--arg", "f64[3]", "--arg", "f64[3]"],
    ["run"], ["run", "no.ir"], ["run", "folder.npy"], ["run", "bytes.ir"], ["run", "nothing.ir"],
    ["run", "a.ir", "--func", "g"], ["run", "a.ir", "--func", ""], ["run", "a.ir", "--arg", "f64[4]"],
    ["run", "a.ir", "--arg", "'a'"], ["run", "a.ir", "--arg", "None"], ["run", "a.ir", "--arg", "[f64[2], f64[3]]"],
    ["run", "a.ir", "--arg", "f64[3]", "--arg", "f64[3]"], ["run", "extent.ir", "--arg", "-3"],
    ["run", "extent.ir", "--arg", "1000000000000"], ["run", "extent.ir", "--arg", "2.5"],
    ["run", "extent.ir", "--compiled"], ["run", "a" * 5000], ["run", "a\0"], ["run", "a.ir", "--seed", "-5"],
    ["version", "x"], ["demo", "x"],
]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in {"model.py": MODEL, "broken.py": "def f(:\n", "exits.py": "import sys\nsys.exit(3)\n", "a.ir": IR,
                       "extent.ir": EXTENT, "nothing.ir": "", "text.npy": "hello", "empty.npy": ""}.items():
        Path(name).write_text(text)
    Path("bytes.ir").write_bytes(bytes(range(256)))
    Path("folder.npy").mkdir()
    np.savez("several.npz", np.ones(3))
    Path("several.npz").rename("several.npy")
    np.save("objects.npy", np.array([{}], dtype=object), allow_pickle=True)


def status(command: list[str]) -> int:
    try:
        return main(command)
    except SystemExit as e:
        return int(e.code or 0)


@pytest.mark.parametrize("command", [*COMMANDS, *(["ir", "model.py:loss", "--arg", a] for a in ARGUMENTS)],
                         ids=lambda c: " ".join(c)[-30:].encode("ascii", "replace").decode().replace("\0", "?"))
def test_one_line(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert status(command) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert len(said.err) < 700


@pytest.mark.parametrize("command", [
    ["ir", "model.py:loss", "--arg", "f64[3]", "--argnums", "7"], ["check", "model.py:loss", "--arg", "i64[3]"],
    ["check", "model.py:loss", "--arg", "'a'"], ["ir", "model.py:raises", "--arg", "2.0"],
])
def test_bad_news(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert status(command) == 1
    assert capsys.readouterr().err.count("\n") <= 2  # the second is the line, where it is the user's
