"""The names that the parts of a text bind."""

from __future__ import annotations

import ast
from typing import Any

from .source import parameter_names
from .syntax import Visitor, walk


class BoundNames(Visitor):
    """The names that a function (or lambda, or comprehension) binds, and those it declares global or nonlocal."""

    def __init__(self, args: ast.arguments | None, body: list[ast.AST]):
        self.bound = set(parameter_names(args)) if args else set()
        self.declared_global: set[str] = set()
        self.declared_nonlocal: set[str] = set()
        self.is_class = False
        self.made_in = ""
        """Of a function whose names nested ones rebind: the variable that holds the region in which it was called."""
        self.starred: set[str] = set()
        """Of a comprehension: the names of `*rest` among its targets."""
        for n in body:
            self.visit(n)
        self.bound -= self.declared_global | self.declared_nonlocal

    def rebound_within(self, body: list[Any]) -> set[str]:
        """Its names that functions nested in it rebind."""
        inside = [n for b in body for n in walk(b) if isinstance(n, ast.Nonlocal)]
        return {name for n in inside for name in n.names} & self.bound

    def visit_Name(self, node: ast.Name) -> None:
        if not isinstance(node.ctx, ast.Load):
            self.bound.add(node.id)

    def visit_Global(self, node: ast.Global) -> None:
        self.declared_global.update(node.names)

    def visit_Nonlocal(self, node: ast.Nonlocal) -> None:
        self.declared_nonlocal.update(node.names)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> None:
        self.bound.add(node.name)

    visit_AsyncFunctionDef = visit_ClassDef = visit_FunctionDef

    def visit_Lambda(self, node: ast.Lambda) -> None:
        pass

    def visit_comprehension_scope(self, node: Any) -> None:
        """A comprehension binds its targets for itself; only `:=` inside reaches out."""
        for n in walk(node):
            if isinstance(n, ast.NamedExpr):
                self.visit(n.target)

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = visit_comprehension_scope

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        if node.name:
            self.bound.add(node.name)
        self.generic_visit(node)

    def visit_Import(self, node: ast.Import | ast.ImportFrom) -> None:
        self.bound.update((a.asname or a.name).partition(".")[0] for a in node.names)

    visit_ImportFrom = visit_Import

    def visit_MatchAs(self, node: Any) -> None:
        if getattr(node, "name", None):
            self.bound.add(node.name)
        self.generic_visit(node)

    visit_MatchStar = visit_MatchAs

    def visit_MatchMapping(self, node: ast.MatchMapping) -> None:
        if node.rest:
            self.bound.add(node.rest)
        self.generic_visit(node)
