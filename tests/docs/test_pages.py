"""The documentation runs and prints what it says, and the commands it names exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .pages import FENCE, PAGES, ROOT, blessed, blocks, complaints, lacking, run, same

EACH_PAGE = pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))


@EACH_PAGE
def test_page_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    if (what := lacking(page.read_text())) is not None:
        pytest.skip(f"the page needs {what}, which is not on this machine")
    assert complaints(run(page.read_text(), str(tmp_path / f"{page.stem}.py"))) == []


def test_readme_has_code() -> None:
    assert any(b.language == "python" for b in blocks((ROOT / "README.md").read_text()))


@EACH_PAGE
def test_commands_exist(page: Path) -> None:
    """`make NAME` names a target, `gradjit NAME` a command."""
    from gradjit.cli.main import parser

    code = code_of(page.read_text())
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.M))
    assert set(re.findall(r"^make ([a-z][\w-]*)", code, re.M)) <= targets
    commands = next(a.choices for a in parser()._actions if a.choices)
    assert set(re.findall(r"^(?:\S*/)?gradjit (\w+)", code, re.M)) <= set(commands or ())


def code_of(page: str) -> str:
    """Console blocks and inline code."""
    spans = re.findall(r"`([^`\n]+)`", FENCE.sub("", page))
    return "\n".join([b.text for b in blocks(page) if b.language == "console"] + spans) + "\n"


@EACH_PAGE
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())
    missing = [link for link in links if not (page.parent / link).exists()]
    assert [link for link in missing if link != "benchmarks/RESULTS.md"] == []


def test_every_exception_is_explained() -> None:
    from gradjit import errors

    classes = {n for n, c in vars(errors).items() if isinstance(c, type) and issubclass(c, errors.GradjitError)}
    assert {n for n in classes if f"`{n}`" not in (ROOT / "README.md").read_text()} <= {"GradjitError"}


PAGE = """\
# A page

```python
print(1 + 1)
print('%x = sin  ; page.py:5')
```

```text
{}
%x = sin  ; model.py:3
```
"""


def test_wrong_output_is_seen() -> None:
    assert complaints(run(PAGE.format("2"), "page.py")) == []
    assert complaints(run(PAGE.format("..."), "page.py")) == []
    assert complaints(run(PAGE.format("3"), "page.py"))


def test_the_processors_width_does_not_matter() -> None:
    assert same("for i in 0..9:  lanes=8 unroll=4", "for i in 0..9:  lanes=4 unroll=2")
    assert same("for i in 0..9:  lanes=8 unroll=4", "for i in 0..9:")
    assert not same("for i in 0..9:  lanes=8", "for i in 0..8:  lanes=8")


def test_blessing_writes_what_is_printed() -> None:
    page = PAGE.format("3")
    found = blessed(page, run(page, "page.py"))
    # Line 5 of the page is the second line of its block.
    assert found == PAGE.format("2").replace("model.py:3", "model.py:2")
    assert blessed(found, run(found, "page.py")) == found


def test_output_further_down_is_not_a_blocks_own() -> None:
    page = "```python\nprint(1)\n```\n\nwhich is, among others,\n\n```text\n2\n```\n"
    assert complaints(run(page, "page.py")) == []
