"""Output: coloured by rich on a terminal where rich is installed, plain otherwise, so that pipes get plain text."""

from __future__ import annotations

import sys
from collections.abc import Iterable


def say(text: str = "") -> None:
    print(text)


def error(text: str) -> None:
    print(f"gradjit: {text}", file=sys.stderr)


def code(text: str, language: str) -> None:
    """Source text, coloured on a terminal. `language` is a name that Pygments knows."""
    if sys.stdout.isatty():
        try:
            from rich.console import Console
            from rich.syntax import Syntax
        except ImportError:
            pass
        else:
            Console().print(Syntax(text, language, background_color="default"))
            return
    print(text, end="" if text.endswith("\n") else "\n")


def listing(pairs: Iterable[tuple[str, str]]) -> None:
    """Two columns."""
    rows = list(pairs)
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        print(f"{name:{width}}  {value}")
