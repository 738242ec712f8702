"""Operands that are computed on some ways only, and bind names, or read names of which nobody knows whether they are
bound: written as branches, in which names are seen where they are.

    if a and b: S              if a:                  while a and b: S              while True:
                     -->           if b: S                               -->            if not a: break
                                                                                        if not b: break
                                                                                        S

    if a or b: S               t = False
    else: E                    if a: t = True                           y = a if c else b
                     -->       elif b: t = True                                          -->    if c: y = a
                               if t: S                                                          else: y = b
                               else: E

Elsewhere such an operand stays as it is: one that binds a name cannot stand in a function of its own, and what is
asked of a name stands in front of the statement.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterable
from typing import Any

from ..syntax import Transformer
from .jumps import DEFINITIONS, PREFIX, assign, at, holds
from .names import read


class LazyOperands(Transformer):
    """Rewrites the body of one function. doubtful: names of which only the running program knows if they are bound."""

    def __init__(self, doubtful: frozenset[str]):
        self.doubtful, self.count = doubtful, 0

    def generic_visit(self, node: ast.AST) -> Any:
        return node if isinstance(node, (ast.expr, *DEFINITIONS)) else super().generic_visit(node)

    def is_lazy(self, *operands: ast.expr) -> bool:
        """Whether what the operands do to names is to be seen."""
        return holds(operands, ast.NamedExpr) or any(read(x) & self.doubtful for x in operands)

    def operands(self, test: ast.expr, kind: type[ast.boolop]) -> list[ast.expr]:
        """The operands of an `and` or `or` that is to be branches."""
        if isinstance(test, ast.BoolOp) and isinstance(test.op, kind) and self.is_lazy(*test.values[1:]):
            return test.values
        return []

    def visit_If(self, s: ast.If) -> Any:
        if ways := self.operands(s.test, ast.Or):
            return self.either(s, ways)
        if not (ways := self.operands(s.test, ast.And)):
            return self.generic_visit(s)
        return self.all_of(s, ways)

    def all_of(self, s: ast.If, tests: list[ast.expr]) -> list[ast.stmt]:
        name = self.flag() if s.orelse else ""
        inner: list[ast.stmt] = [*([assign(name, False, s)] if name else ()), *s.body]
        for test in reversed(tests):
            inner = asked(test, inner, [])
        made = self.transformed(inner)
        if not name:
            return made
        other = at(ast.If(at(ast.Name(name, ast.Load()), s), self.transformed(s.orelse), []), s.orelse[0])
        return [assign(name, True, s), *made, other]

    def either(self, s: ast.If, tests: list[ast.expr]) -> list[ast.stmt]:
        name = self.flag()
        choice: list[ast.stmt] = []
        for test in reversed(tests):
            choice = asked(test, [assign(name, True, test)], choice)
        s.test = at(ast.Name(name, ast.Load()), s.test)
        return [assign(name, False, s), *self.transformed(choice), self.generic_visit(s)]

    def visit_While(self, s: ast.While) -> Any:
        tests = self.operands(s.test, ast.And)
        if tests and not s.orelse:
            leave = [asked(at(ast.UnaryOp(ast.Not(), t), t), [at(ast.Break(), t)], []) for t in tests]
            s.test, s.body = at(ast.Constant(True), s), [*(new for news in leave for new in news), *s.body]
        return self.generic_visit(s)

    def visit_Assign(self, s: ast.Assign) -> Any:
        return self.chosen(s)

    def visit_Return(self, s: ast.Return) -> Any:
        return self.chosen(s)

    def chosen(self, s: Any) -> Any:
        """A statement with a conditional expression for its value, as a branch."""
        value = s.value
        if not (isinstance(value, ast.IfExp) and self.is_lazy(value.body, value.orelse)):
            return s
        ways = [copy.copy(s), copy.copy(s)]
        for way, x in zip(ways, (value.body, value.orelse), strict=True):
            way.value = x
        return self.visit(at(ast.If(value.test, [ways[0]], [ways[1]]), s))

    def flag(self) -> str:
        self.count += 1
        return f"{PREFIX}way{self.count}"


def asked(test: ast.expr, then: list[ast.stmt], other: list[ast.stmt]) -> list[ast.stmt]:
    """A branch. A name that its test binds before all else is bound by a statement in front of it."""
    before, test = opened(test)
    return [*before, at(ast.If(test, then, other), test)]


def opened(test: ast.expr) -> tuple[list[ast.stmt], ast.expr]:
    """An expression, with the name that it binds first bound before it."""
    if isinstance(test, ast.NamedExpr):
        bound = at(ast.Assign([test.target], test.value), test)
        return [bound], at(ast.Name(test.target.id, ast.Load()), test)
    for part, kind in (("left", ast.Compare), ("left", ast.BinOp), ("operand", ast.UnaryOp)):
        if isinstance(test, kind):
            before, first = opened(getattr(test, part))
            setattr(test, part, first)
            return before, test
    return [], test


def as_branches(body: list[ast.stmt], doubtful: Iterable[str]) -> list[ast.stmt]:
    """The body of a function with such operands as branches."""
    names = frozenset(doubtful)
    if not names and not holds(body, ast.NamedExpr):
        return body
    found: list[ast.stmt] = LazyOperands(names).transformed(body)
    return found


__all__ = ["as_branches"]
