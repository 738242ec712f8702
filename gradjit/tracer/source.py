"""The syntax tree of a function: from the lines that its code object names, or from the whole file for a lambda."""

from __future__ import annotations

import ast
import linecache
from collections.abc import Iterator
from types import CodeType

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda

_files: dict[str, tuple[list[str], ast.Module | None]] = {}
"""Parsed files, with the lines that they were parsed from."""


def definition(code: CodeType) -> Definition | None:
    """The node that `code` was compiled from, with the file's line numbers and columns; None where there is no source.

    Source that no longer fits the code (an edited file) counts as none.
    """
    lines = linecache.getlines(code.co_filename)
    if not lines or code.co_firstlineno > len(lines):
        return None
    found = _from_lines(code, lines) if code.co_name != "<lambda>" else None
    return found or _from_file(code, lines)


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for c in code.co_consts:
        if isinstance(c, CodeType):
            yield from _codes(c)


def last_line(code: CodeType) -> int:
    """The last line that any instruction of the function (or one nested in it) stands for."""
    ends = (end for c in _codes(code) for _, end, _, _ in c.co_positions() if end is not None)
    return max(ends, default=code.co_firstlineno)


def _from_lines(code: CodeType, lines: list[str]) -> Definition | None:
    """Parse only the function's own lines, indented as they stand, so that lines and columns stay the file's."""
    first = code.co_firstlineno
    text = "".join(lines[first - 1:last_line(code)])
    indented = text[:1] in " \t"
    try:
        tree = ast.parse(("if 1:\n" if indented else "") + text)
    except SyntaxError:
        return None
    ast.increment_lineno(tree, first - (2 if indented else 1))
    return _matching(tree, code)


def _from_file(code: CodeType, lines: list[str]) -> Definition | None:
    kept = _files.get(code.co_filename)
    if kept is None or kept[0] is not lines:
        try:
            tree: ast.Module | None = ast.parse("".join(lines))
        except SyntaxError:
            tree = None
        kept = _files[code.co_filename] = (lines, tree)
    return _matching(kept[1], code) if kept[1] is not None else None


def _matching(tree: ast.AST, code: CodeType) -> Definition | None:
    """The definition that begins where the code does, has its name and parameters, and (several on a line) its body."""
    found = [n for n in ast.walk(tree) if isinstance(n, Definition) and _fits(n, code)]
    if len(found) > 1:
        found = [n for n in found if _covers(n, code)] or found
    return found[0] if found else None


def _fits(node: Definition, code: CodeType) -> bool:
    if isinstance(node, ast.Lambda):
        if code.co_name != "<lambda>" or node.lineno != code.co_firstlineno:
            return False
    elif node.name != code.co_name or _first_line(node) != code.co_firstlineno:
        return False
    return parameter_names(node.args) == list(code.co_varnames[:_parameter_count(code)])


def _first_line(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return min([node.lineno, *(d.lineno for d in node.decorator_list)])


def _parameter_count(code: CodeType) -> int:
    star = bool(code.co_flags & 0x04) + bool(code.co_flags & 0x08)
    return code.co_argcount + code.co_kwonlyargcount + star


def parameter_names(a: ast.arguments) -> list[str]:
    """Names in the order of `co_varnames`."""
    names = [x.arg for x in (*a.posonlyargs, *a.args, *a.kwonlyargs)]
    return names + [x.arg for x in (a.vararg, a.kwarg) if x]


def _covers(node: Definition, code: CodeType) -> bool:
    """Whether the code's instructions stand within the node's body, to the column."""
    where = [p for p in code.co_positions() if None not in p and p[2] != p[3]]
    body = node.body if isinstance(node, ast.Lambda) else node
    begin, end = (body.lineno, body.col_offset), (body.end_lineno, body.end_col_offset)
    spots = [((line, col), (to, end_col)) for line, to, col, end_col in where]
    return bool(spots) and all(begin <= a and b <= end for a, b in spots)
