"""Names that Python itself binds to new lists and dicts: `*rest` of targets and patterns, `**kw` of a function."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence


def starred(targets: Iterable[ast.expr | None]) -> list[str]:
    """The names of `*rest` among the targets of an assignment, a loop or a `with`."""
    return [n.value.id for t in targets if t is not None for n in ast.walk(t)
            if isinstance(n, ast.Starred) and isinstance(n.ctx, ast.Store) and isinstance(n.value, ast.Name)]


def in_pattern(pattern: ast.pattern) -> list[str]:
    """The names of `*rest` and `**rest` in the pattern of a case."""
    found: list[str] = []
    for n in ast.walk(pattern):
        name = n.name if isinstance(n, ast.MatchStar) else n.rest if isinstance(n, ast.MatchMapping) else None
        if name:
            found.append(name)
    return found


def of_function(args: ast.arguments) -> list[str]:
    """The name of `**kw`, if the function has it. (That of `*args` is bound to a tuple, which nobody changes.)"""
    return [args.kwarg.arg] if args.kwarg else []


def behind_docstring(body: Sequence[ast.stmt], new: Sequence[ast.stmt]) -> list[ast.stmt]:
    """The body of a function that begins with new statements."""
    first = body[0]
    at = 1 if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) else 0
    return [*body[:at], *new, *body[at:]]
