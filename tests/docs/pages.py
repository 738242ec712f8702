"""The documentation, run: every `python` block of a page, in order.

The blocks of a page share their names, as if typed one after the other. A `text` block right behind a `python` block is
what that one prints; `...` in it stands for any text. `python -m tests.docs --bless` writes what is printed into the
pages.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import linecache
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
LOCATION = re.compile(r"; (\w+)\.(?:py|md):(\d+)")
WIDTH = re.compile(r" +(?:lanes|unroll)=\d+")


@dataclass(frozen=True)
class Block:
    """line: the number of its first line in the page. start, end: where its text stands."""

    language: str
    text: str
    line: int
    start: int
    end: int


@dataclass(frozen=True)
class Printed:
    """A `python` block, what it printed, and the `text` block behind it, if there is one."""

    code: Block
    got: str
    expected: Block | None

    @property
    def right(self) -> bool:
        return self.expected is None or same(self.expected.text, self.got)


def blocks(page: str) -> list[Block]:
    return [Block(m[1], m[2], page.count("\n", 0, m.start(2)) + 1, m.start(2), m.end(2)) for m in FENCE.finditer(page)]


NEEDS = {"a compiler of C": lambda: shutil.which("cc") is not None}
"""What a page may say that it needs to run (`<!-- needs: a compiler of C -->`), and whether it is there."""


def lacking(page: str) -> str | None:
    """What a page needs and this machine lacks."""
    return next((what for what in re.findall(r"<!-- needs: (.*?) -->", page) if not NEEDS[what]()), None)


def run(page: str, filename: str) -> list[Printed]:
    """Run a page's code under the page's own line numbers; what each block printed."""
    found = blocks(page)
    show_to_tracebacks(page, found, filename)
    names: dict[str, Any] = {"__name__": "__main__", "__file__": filename}
    printed = []
    for b in (b for b in found if b.language == "python"):
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(compile("\n" * (b.line - 1) + b.text, filename, "exec"), names)
        printed.append(Printed(b, out.getvalue(), following(page, found, b)))
    return printed


def show_to_tracebacks(page: str, found: list[Block], filename: str) -> None:
    """Have `linecache`, and so `inspect` and the tracer, find the code of the page in `filename`."""
    padded = [""] * (page.count("\n") + 1)
    for b in found:
        if b.language == "python":
            padded[b.line - 1 : b.line - 1 + b.text.count("\n")] = b.text.splitlines()
    lines = [line + "\n" for line in padded]
    linecache.cache[filename] = (sum(map(len, lines)), None, lines, filename)


def following(page: str, found: list[Block], b: Block) -> Block | None:
    """The `text` block behind a block, if nothing but empty lines stands between."""
    after = [other for other in found if other.start > b.start]
    if not after or after[0].language != "text":
        return None
    between = page[b.end + len("```") : after[0].start - len("```text\n")]
    return None if between.strip() else after[0]


def same(expected: str, got: str) -> bool:
    """Equal but for white space, what `...` stands for, what depends on the processor (how many elements at once), and
    IR's locations: a page shows those of a user's file."""
    expected, got = (WIDTH.sub("", LOCATION.sub("; file:line", text)) for text in (expected, got))
    return doctest.OutputChecker().check_output(expected, got, doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)


def complaints(printed: list[Printed]) -> list[str]:
    """What is wrong, and the command that accepts it."""
    return [f"line {p.code.line} printed\n{p.got}instead of\n{p.expected.text}(accept with `make bless`)"
            for p in printed if p.expected is not None and not p.right]


def blessed(page: str, printed: list[Printed]) -> str:
    """The page with the outputs that are wrong replaced by what was printed."""
    for p in reversed(printed):
        if p.expected is not None and not p.right:
            page = page[: p.expected.start] + as_users_file(p, [q.code for q in printed]) + page[p.expected.end :]
    return page


def as_users_file(p: Printed, code: list[Block]) -> str:
    """What was printed, with IR's locations in the file that the page names, counted from their block's first line."""
    assert p.expected is not None
    named = LOCATION.search(p.expected.text)
    file = named[1] if named else "model"
    lines = [line.rstrip() for line in p.got.rstrip().splitlines()]
    text = "\n".join(lines) + "\n"

    def counted(m: re.Match[str]) -> str:
        line = int(m[2])
        before = next((b.line - 1 for b in code if b.line <= line < b.line + b.text.count("\n")), 0)
        return f"; {file}.py:{line - before}"

    return LOCATION.sub(counted, text)
