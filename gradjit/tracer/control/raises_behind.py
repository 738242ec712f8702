"""`raise` in a loop, inside of a `try`: written as a break, with the `raise` behind the loop.

    try:                                        raised = False
        for t in it:                            try:
            if c: raise E(t)        -->             for t in it:
    except E: H                                         if c: raised = True; break
                                                    if raised: raise E(t)
                                                except E: H

A compiled loop cannot be left for a handler, but for what follows it. The exception is made behind the loop, of names
that hold there what they held where it was raised. What would see the difference (`with`, another `try`, `finally`)
must not stand between the `raise` and the loop.
"""

from __future__ import annotations

import ast

from ..syntax import Transformer
from .jumps import DEFINITIONS, LOOPS, PREFIX, assign, at, is_endless

BEHIND = "raise"
"""Among the flags that a program turned out to need (`states.NeedsFlag`): in all functions each loop is written so, as
the `try` may stand in a function that calls this one."""


class RaisesBehind(Transformer):
    """Rewrites the body of one function."""

    def __init__(self) -> None:
        self.count = 0

    def generic_visit(self, node: ast.AST) -> ast.AST:
        if isinstance(node, (*DEFINITIONS, ast.expr)):
            return node
        super().generic_visit(node)
        return node

    def visit_Try(self, node: ast.Try) -> ast.AST:
        self.generic_visit(node)
        if node.handlers:
            node.body = self.tried(node.body)
        return node

    def tried(self, stmts: list[ast.stmt]) -> list[ast.stmt]:
        """Statements in a `try`, outside of its loops."""
        out: list[ast.stmt] = []
        for s in stmts:
            if isinstance(s, ast.If):
                s.body, s.orelse = self.tried(s.body), self.tried(s.orelse)
            if not isinstance(s, LOOPS):
                out.append(s)
                continue
            endless = is_endless(s)
            raised = self.loop(s)
            s.orelse = self.tried(s.orelse)
            behind: list[ast.stmt] = [at(ast.If(flag_of(f, r), [r], []), r) for f, r in raised]
            if endless and behind:
                behind[-1] = raised[-1][1]
            out += [*(assign(f, False, s) for f, _ in raised), s, *behind]
        return out

    def loop(self, loop: ast.For | ast.While) -> list[tuple[str, ast.Raise]]:
        """Rewrite a loop; gives what is to be raised behind it, with its flags."""
        found: list[tuple[str, ast.Raise]] = []
        loop.body = self.inside(loop.body, found)
        return found

    def inside(self, stmts: list[ast.stmt], found: list[tuple[str, ast.Raise]]) -> list[ast.stmt]:
        out: list[ast.stmt] = []
        for s in stmts:
            if isinstance(s, ast.Raise) and s.exc is not None:
                self.count += 1
                flag = f"{PREFIX}raised{self.count}"
                found.append((flag, s))
                return [*out, assign(flag, True, s), at(ast.Break(), s)]
            out.append(s)
            if isinstance(s, ast.If):
                s.body, s.orelse = self.inside(s.body, found), self.inside(s.orelse, found)
            elif isinstance(s, LOOPS):
                within = self.loop(s)
                s.orelse = self.inside(s.orelse, found)
                out += [at(ast.If(flag_of(f, r), [at(ast.Break(), r)], []), r) for f, r in within]
                found += within
        return out


def flag_of(name: str, place: ast.AST) -> ast.expr:
    flag: ast.expr = at(ast.Name(name, ast.Load()), place)
    return flag


def behind_loops(body: list[ast.stmt], everywhere: bool) -> list[ast.stmt]:
    """The body of a function with each `raise` that a `try` outside of its loop may catch behind that loop.
    everywhere: not only where such a `try` stands in this function."""
    rewriter = RaisesBehind()
    body = [rewriter.visit(s) for s in body]
    return rewriter.tried(body) if everywhere else body
