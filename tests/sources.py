"""What gradjit's own files say, for the tests that read them: each is parsed and walked once for all of these."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1] / "gradjit"
FILES = sorted(p for p in PACKAGE.rglob("*.py") if "__pycache__" not in p.parts)


@dataclass(frozen=True)
class Import:
    """`from ..base import name` has two levels; `import base` has none, and no name."""

    line: int
    levels: int
    base: str
    name: str | None

    def target(self, module: str, is_package: bool) -> str:
        """The absolute name of what is imported by a module."""
        here = module.split(".") if is_package else module.split(".")[:-1]
        parents = here[:len(here) - self.levels + 1] if self.levels else []
        return ".".join([*parents, *([self.base] if self.base else []), *([self.name] if self.name else [])])


@dataclass(frozen=True)
class Contents:
    """imports: everywhere, those for type checkers left out. words: texts, and names of attributes. collections: the
    texts in literal sets, tuples and lists, with the line. names: the texts that a `.name` is compared with, likewise.
    cuts: the fields of operations that are cut at a literal place beyond the first, as `operands[3:]`."""

    imports: tuple[Import, ...]
    classes: tuple[str, ...]
    words: frozenset[str]
    collections: tuple[tuple[int, tuple[str, ...]], ...]
    names: tuple[tuple[int, tuple[str, ...]], ...]
    cuts: tuple[tuple[int, str], ...]


@functools.cache
def contents(path: Path) -> Contents:
    return contents_of(path.read_text(encoding="utf-8"))


def contents_of(source: str) -> Contents:
    nodes = list(_walked(ast.parse(source)))
    imports = [i for n in nodes if isinstance(n, ast.Import | ast.ImportFrom) for i in _imports(n)]
    texts = {n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)}
    literals = [(n.lineno, tuple(e.value for e in n.elts if isinstance(e, ast.Constant) and isinstance(e.value, str)))
                for n in nodes if isinstance(n, ast.Set | ast.Tuple | ast.List)]
    return Contents(tuple(imports), tuple(n.name for n in nodes if isinstance(n, ast.ClassDef)),
                    frozenset(texts | {n.attr for n in nodes if isinstance(n, ast.Attribute)}),
                    tuple((line, found) for line, found in literals if found),
                    tuple((n.lineno, found) for n in nodes if isinstance(n, ast.Compare) and (found := _names(n))),
                    tuple((n.lineno, ast.unparse(n)) for n in nodes if isinstance(n, ast.Subscript) and _is_cut(n)))


def _names(node: ast.Compare) -> tuple[str, ...]:
    """The texts beside a `.name`."""
    sides = [node.left, *node.comparators]
    if not any(isinstance(s, ast.Attribute) and s.attr == "name" for s in sides):
        return ()
    found = (c.value for s in sides for c in ast.walk(s) if isinstance(c, ast.Constant))
    return tuple(text for text in found if isinstance(text, str))


def _is_cut(node: ast.Subscript) -> bool:
    if not isinstance(node.value, ast.Attribute) or not isinstance(node.slice, ast.Slice):
        return False
    if node.value.attr not in ("operands", "results", "params", "regions"):
        return False
    ends = (node.slice.lower, node.slice.upper)
    return any(isinstance(e, ast.Constant) and isinstance(e.value, int) and e.value > 1 for e in ends)


def _imports(node: ast.Import | ast.ImportFrom) -> Iterator[Import]:
    for a in node.names:
        if isinstance(node, ast.Import):
            yield Import(node.lineno, 0, a.name, None)
        else:
            yield Import(node.lineno, node.level, node.module or "", a.name)


def _walked(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a file, but of what is for type checkers only."""
    todo = [node]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            todo += node.orelse
            continue
        yield node
        todo += ast.iter_child_nodes(node)
