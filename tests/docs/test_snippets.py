"""The documentation runs: every `python` block of the README and of docs/, in order, file by file.

The blocks of a file share their names, as if typed one after the other. A `text` block right behind a `python` block is
what that one prints; `...` in it stands for any text.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import linecache
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)


@dataclass(frozen=True)
class Block:
    """line: the number of its first line in the page."""

    language: str
    text: str
    line: int
    end: int


def blocks(page: str) -> list[Block]:
    return [Block(m[1], m[2], page.count("\n", 0, m.start(2)) + 1, m.end()) for m in FENCE.finditer(page)]


def run(page: str, filename: str) -> list[str]:
    """Run a page's code under the page's own line numbers; what was wrong with its output."""
    found = blocks(page)
    code = [b for b in found if b.language == "python"]
    padded = [""] * page.count("\n")
    for b in code:
        padded[b.line - 1 : b.line - 1 + b.text.count("\n")] = b.text.splitlines()
    lines = [line + "\n" for line in padded]
    linecache.cache[filename] = (sum(map(len, lines)), None, lines, filename)
    names: dict[str, Any] = {"__name__": "__main__", "__file__": filename}
    wrong = []
    for b in code:
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(compile("\n" * (b.line - 1) + b.text, filename, "exec"), names)
        expected = following(page, found, b)
        if expected is not None and not same(expected, out.getvalue()):
            wrong.append(f"line {b.line}: printed\n{out.getvalue()}instead of\n{expected}")
    return wrong


def following(page: str, found: list[Block], b: Block) -> str | None:
    """The `text` block behind a block, if nothing but empty lines stands between."""
    after = [other for other in found if other.line > b.line]
    if after and after[0].language == "text" and not page[b.end : page.index("```text", b.end)].strip():
        return after[0].text
    return None


LOCATION = re.compile(r"; \w+\.(?:py|md):\d+")


def same(expected: str, got: str) -> bool:
    """Equal but for white space, what `...` stands for, and IR's locations: a page shows a user's file."""
    expected, got = (LOCATION.sub("; file:line", text) for text in (expected, got))
    return doctest.OutputChecker().check_output(expected, got, doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_page_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(page.read_text(), str(tmp_path / f"{page.stem}.py")) == []


def test_readme_has_code() -> None:
    assert any(b.language == "python" for b in blocks((ROOT / "README.md").read_text()))


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_commands_exist(page: Path) -> None:
    """`make NAME` names a target, `gradjit NAME` a command."""
    from gradjit.cli.main import parser

    text = page.read_text()
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.M))
    assert set(re.findall(r"\bmake ([a-z][\w-]*)\b(?=[`\n ]| +#)", code_of(text))) <= targets
    commands = next(a.choices for a in parser()._actions if a.dest == "command" or a.choices)
    assert set(re.findall(r"\bgradjit (\w+)", code_of(text))) <= set(commands or ())


def code_of(page: str) -> str:
    """Console blocks and inline code."""
    spans = re.findall(r"`([^`\n]+)`", FENCE.sub("", page))
    return "\n".join([b.text for b in blocks(page) if b.language == "console"] + spans) + "\n"


def test_wrong_output_is_seen() -> None:
    page = "```python\nprint(1 + 1)\n```\n\n```text\n{}\n```\n"
    assert run(page.format("2"), "<right>") == []
    assert run(page.format("3"), "<wrong>") != []
    assert run(page.format("..."), "<any>") == []


def test_every_exception_is_explained() -> None:
    from gradjit import errors

    classes = {n for n, c in vars(errors).items() if isinstance(c, type) and issubclass(c, errors.GradjitError)}
    assert {n for n in classes if f"`{n}`" not in (ROOT / "README.md").read_text()} <= {"GradjitError"}
