"""The syntax tree of a function: found in the text of its file, and proven (proof.py) to be that of the code that runs.

A file may have been edited since it was imported, a cell run again, a name and a line be those of another lambda. What
the text seems to define, and does not compile to the very code, counts as no source.
"""

from __future__ import annotations

import ast
import copy
import inspect
import linecache
from collections.abc import Sequence
from types import CodeType
from typing import Any

from ..bounded import Bounded
from .proof import Definition, is_that_of, nested_codes
from .syntax import placed, walk

_files: Bounded[str, tuple[list[str], dict[int, list[Definition]]]] = Bounded(64)
"""Of parsed files the definitions (never changed) by their first lines, with the lines that they were parsed from."""
_refuted: Bounded[tuple[str, CodeType], list[str]] = Bounded(4096)
"""The lines that were found not to define a code object."""


def definition(code: CodeType) -> Definition | None:
    """The node that `code` was compiled from, with the file's line numbers and columns; None where there is no source.

    It has neither decorators nor defaults nor annotations, which are no part of the code, and begins where the code
    does. It may be changed.
    """
    key = code.co_filename, code
    lines = linecache.getlines(code.co_filename)
    for _ in range(2):
        if lines and _refuted.get(key) is not lines:
            found = _from_lines(code, lines) or _from_file(code, lines)
            if found is not None:
                _refuted.drop(key)
                return found
            _refuted.put(key, lines)
        linecache.checkcache(code.co_filename)  # it may have kept the text from before a reload
        lines = linecache.getlines(code.co_filename)
    return None


def is_changed(code: CodeType) -> bool:
    """Whether there is a text, which is not the code's."""
    return (code.co_filename, code) in _refuted and bool(linecache.getlines(code.co_filename))


# the search -----------------------------------------------------------------------------------------------------------
def last_line(code: CodeType) -> int:
    """The last line that any instruction of the function (or one nested in it) stands for."""
    ends = (end for c in nested_codes(code) for _, end, _, _ in c.co_positions() if end is not None)
    return max(ends, default=code.co_firstlineno)


def _from_lines(code: CodeType, lines: list[str]) -> Definition | None:
    """Parse only the function's own lines, indented as they stand, so that lines and columns stay the file's."""
    first = code.co_firstlineno
    if code.co_name == "<lambda>" or first > len(lines):
        return None
    text = "".join(lines[first - 1:last_line(code)])
    indented = text[:1] in " \t\f"
    begin = "\n" * (first - 2) + "if 1:\n" if indented else "\n" * (first - 1)  # the lines are counted by the parser
    tree = _parsed(begin + text)
    if tree is None or not tree.body:
        return None
    node: Any = tree.body[0]
    node = node.body[0] if indented else node
    return _proven(node, code, lines) if isinstance(node, Definition) else None


def _from_file(code: CodeType, lines: list[str]) -> Definition | None:
    kept = _files.get(code.co_filename)
    if kept is None or kept[0] is not lines:
        found: dict[int, list[Definition]] = {}
        for n in walk(_parsed("".join(lines)) or ast.Module([], [])):
            if isinstance(n, Definition):
                found.setdefault(_first_line(n), []).append(n)
        kept = _files.put(code.co_filename, (lines, found))
    proven = (_proven(copy.deepcopy(n), code, lines) for n in kept[1].get(code.co_firstlineno, ()))
    return next((n for n in proven if n is not None), None)


def _parsed(text: str) -> ast.Module | None:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return None


def _proven(n: Definition, code: CodeType, lines: Sequence[str]) -> Definition | None:
    """The definition, without what does not belong to the code, if that is what it compiles to."""
    if not _fits(n, code):
        return None
    n.args = _bare(n.args)
    if not isinstance(n, ast.Lambda):
        n.lineno = _first_line(n)  # the compiler takes the first line of the code from the first decorator
        n.decorator_list, n.returns = [], None
        if hasattr(n, "type_params"):
            n.type_params = []
    return n if is_that_of(n, code, lines) else None


def _bare(args: ast.arguments) -> ast.arguments:
    """The parameters without annotations, and with None for a default (the function object keeps those)."""
    def bare(a: ast.arg) -> ast.arg:
        return placed(ast.arg(a.arg), a)

    def each(found: list[ast.arg]) -> list[ast.arg]:
        return [bare(a) for a in found]

    def none(d: ast.expr) -> ast.expr:
        return placed(ast.Constant(None), d)

    return ast.arguments(each(args.posonlyargs), each(args.args), args.vararg and bare(args.vararg),
                         each(args.kwonlyargs), [d and none(d) for d in args.kw_defaults],
                         args.kwarg and bare(args.kwarg), [none(d) for d in args.defaults])


def _fits(node: Definition, code: CodeType) -> bool:
    """Whether its name and its parameters are the code's, so that it is worth compiling."""
    name = "<lambda>" if isinstance(node, ast.Lambda) else node.name
    return name == code.co_name and len(parameter_names(node.args)) == _parameter_count(code)


def _first_line(node: Definition) -> int:
    return min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))])


def _parameter_count(code: CodeType) -> int:
    star = bool(code.co_flags & inspect.CO_VARARGS) + bool(code.co_flags & inspect.CO_VARKEYWORDS)
    return code.co_argcount + code.co_kwonlyargcount + star


def parameter_names(a: ast.arguments) -> list[str]:
    """Names in the order of `co_varnames`."""
    names = [x.arg for x in (*a.posonlyargs, *a.args, *a.kwonlyargs)]
    return names + [x.arg for x in (a.vararg, a.kwarg) if x]
