"""What a function reads from outside of it, if its text does nothing but compute.

A text that computes has no statement that does something elsewhere, or that something elsewhere may change between two
calls: no attribute is set, no name of another function bound, nothing imported, yielded or waited for. What it calls is
looked at when it is called (repeated_calls.py).
"""

from __future__ import annotations

import ast
import inspect
from types import CodeType
from typing import Any

from .bound_names import BoundNames
from .proof import Definition
from .source import parameter_names
from .syntax import Visitor, walk

Place = tuple[str, int, tuple[str, ...]]
"""Of a definition: its name, first line and parameters."""
Chain = tuple[str, ...]
"""A name from outside, and the attributes behind it: `np.linalg.det`."""
Reads = frozenset[Chain]

ELSEWHERE = (ast.Global, ast.Nonlocal, ast.Yield, ast.YieldFrom, ast.Await, ast.AsyncFunctionDef, ast.AsyncFor,
             ast.AsyncWith, ast.ClassDef, ast.Import, ast.ImportFrom, ast.Try, ast.TryStar, ast.With, ast.Match)
FILES = frozenset({"tofile", "dump", "setfield", "setflags"})
"""Methods of arrays that do something other than compute, or write."""
NESTED = (ast.FunctionDef, ast.Lambda)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def reads_in(node: Definition) -> dict[Place, Reads | None]:
    """For a definition and those nested in it: what each reads; None for one that does something else, or that cannot
    be told from another."""
    found: dict[Place, Reads | None] = {}
    for n in walk(node):
        if isinstance(n, NESTED):
            key = place_of(n)
            found[key] = None if key in found else reads_of(n)
    return found


def place_of(node: Any) -> Place:
    lines = [node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))]
    return getattr(node, "name", "<lambda>"), min(lines), tuple(parameter_names(node.args))


def place_of_code(code: CodeType) -> Place:
    count = code.co_argcount + code.co_kwonlyargcount + sum(
        bool(code.co_flags & flag) for flag in (inspect.CO_VARARGS, inspect.CO_VARKEYWORDS))
    return code.co_name, code.co_firstlineno, code.co_varnames[:count]


def reads_of(node: Definition) -> Reads | None:
    body = [node.body] if isinstance(node, ast.Lambda) else node.body
    if any(map(is_elsewhere, (n for part in body for n in walk(part)))):
        return None
    free = _Free()
    free.function(node)
    return frozenset(free.chains)


def is_elsewhere(n: ast.AST) -> bool:
    if isinstance(n, ast.Attribute):
        return not isinstance(n.ctx, ast.Load) or n.attr in FILES
    return isinstance(n, ELSEWHERE)


class _Free(Visitor):
    """Collects the names that a function does not bind itself."""

    def __init__(self) -> None:
        self.scopes: list[set[str]] = []
        self.chains: set[Chain] = set()

    def function(self, node: Any) -> None:
        body = [node.body] if isinstance(node, ast.Lambda) else node.body
        self.scopes.append(BoundNames(node.args, body).bound)
        for part in body:
            self.visit(part)
        self.scopes.pop()

    def visit_FunctionDef(self, node: Any) -> None:
        for d in (*node.args.defaults, *(d for d in node.args.kw_defaults if d), *getattr(node, "decorator_list", ())):
            self.visit(d)
        self.function(node)

    visit_Lambda = visit_FunctionDef

    def generic_visit(self, node: ast.AST) -> None:
        if isinstance(node, COMPREHENSIONS):
            self.scopes.append(BoundNames(None, [g.target for g in node.generators]).bound)
            super().generic_visit(node)
            self.scopes.pop()
        else:
            super().generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self.visit(node.target)
        if node.value is not None:
            self.visit(node.value)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        chain = chain_of(node)
        if chain and self.is_free(chain[0]):
            self.chains.add(chain)
        else:
            self.visit(node.value)

    def visit_Name(self, node: ast.Name) -> None:
        if self.is_free(node.id):
            self.chains.add((node.id,))

    def is_free(self, name: str) -> bool:
        return not any(name in s for s in self.scopes)


def chain_of(node: ast.expr) -> Chain:
    """A name with attributes; () for attributes of something else."""
    if isinstance(node, ast.Name):
        return (node.id,)
    if isinstance(node, ast.Attribute):
        found = chain_of(node.value)
        return (*found, node.attr) if found else ()
    return ()
