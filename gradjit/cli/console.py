"""Output: coloured by rich on a terminal where rich is installed, plain otherwise, so that pipes get plain text."""

from __future__ import annotations

import sys
from collections.abc import Iterable

# For array IR and loops. LLVM IR and assembly have lexers in Pygments.
STYLES = {
    r"(?P<type>\b(?:bool|index|[iuf](?:8|16|32|64)|c(?:64|128))\[[^\]]*\])": "green",
    r"(?P<value>%[\w.]+)": "cyan",
    r"(?P<word>\b(?:func|return|yield|kernel|buffer|for|in)\b)": "bold",
    r"(?P<place>;.*)": "dim",
}


def say(text: str = "") -> None:
    print(text)


def error(text: str) -> None:
    print(f"gradjit: {text}", file=sys.stderr)


def one_line(e: BaseException) -> str:
    """What an exception says, without its line breaks."""
    return f"{' '.join(str(e).split()) or type(e).__name__:.300}"


def code(text: str, language: str | None = None) -> None:
    """Source text, coloured on a terminal. `language`: a name that Pygments knows; None for gradjit's own."""
    if sys.stdout.isatty():
        try:
            from rich.console import Console
        except ImportError:
            pass
        else:
            Console().print(coloured(text, language), soft_wrap=True)
            return
    print(text, end="" if text.endswith("\n") else "\n")


def coloured(text: str, language: str | None) -> object:
    """As rich's Text, of the same characters."""
    from rich.syntax import Syntax
    from rich.text import Text

    if language is not None:
        return Syntax("", language, background_color="default").highlight(text)
    found = Text(text)
    for pattern, style in STYLES.items():
        found.highlight_regex(pattern, style)
    return found


def listing(pairs: Iterable[tuple[str, str]]) -> None:
    """Two columns."""
    rows = list(pairs)
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        print(f"{name:{width}}  {value}")
