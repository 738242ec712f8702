"""`raise` in a loop, inside of a `try`: written as a break, with the `raise` behind the loop.

    try:                                        raised = False
        for t in it:                            try:
            if c: raise E(t)        -->             for t in it:
    except E: H                                         if c: raised = True; break
                                                    if raised: raise E(t)
                                                except E: H

A compiled loop cannot be left for a handler, but for what follows it. The exception is made behind the loop, of names
that hold there what they held where it was raised. What would see the difference (`with`, another `try`, `finally`)
must not stand between the `raise` and the loop. Only a `raise` that turned out to need it (`states.NeedsFlag`) is
written so: where a loop runs as ordinary Python, a branch on a traced condition may end by a `raise`, not by a break.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable

from .jumps import DEFINITIONS, LOOPS, PREFIX, assign, at, is_endless, last_line

BEHIND = "raise in line "
"""How the name of such a flag begins; the line follows."""


class RaisesBehind:
    """Rewrites the body of one function."""

    def __init__(self, lines: set[int]):
        self.lines, self.count = lines, 0

    def block(self, stmts: list[ast.stmt]) -> list[ast.stmt]:
        """Statements outside of the loops that are left."""
        out: list[ast.stmt] = []
        for s in stmts:
            if not isinstance(s, LOOPS):
                if not isinstance(s, DEFINITIONS):
                    self.parts(s)
                out.append(s)
                continue
            endless = is_endless(s)
            raised = self.loop(s)
            s.orelse = self.block(s.orelse)
            behind: list[ast.stmt] = [at(ast.If(flag_of(f, r), [r], []), r) for f, r in raised]
            if endless and behind:
                behind[-1] = raised[-1][1]
            out += [*(assign(f, False, s) for f, _ in raised), s, *behind]
        return out

    def parts(self, s: ast.AST) -> None:
        """The blocks of a compound statement."""
        for name in ("body", "orelse", "finalbody"):
            stmts = getattr(s, name, None)
            if isinstance(stmts, list):
                setattr(s, name, self.block(stmts))
        for handler in getattr(s, "handlers", ()):
            self.parts(handler)

    def loop(self, loop: ast.For | ast.While) -> list[tuple[str, ast.Raise]]:
        """Rewrite a loop; gives what is to be raised behind it, with its flags."""
        found: list[tuple[str, ast.Raise]] = []
        loop.body = self.inside(loop.body, found)
        return found

    def inside(self, stmts: list[ast.stmt], found: list[tuple[str, ast.Raise]]) -> list[ast.stmt]:
        out: list[ast.stmt] = []
        for s in stmts:
            if isinstance(s, ast.Raise) and s.exc is not None and not self.lines.isdisjoint(
                    range(s.lineno, last_line(s) + 1)):
                self.count += 1
                flag = f"{PREFIX}raised{self.count}"
                found.append((flag, s))
                return [*out, assign(flag, True, s), at(ast.Break(), s)]
            out.append(s)
            if isinstance(s, ast.If):
                s.body, s.orelse = self.inside(s.body, found), self.inside(s.orelse, found)
            elif not isinstance(s, (*LOOPS, *DEFINITIONS)):
                self.parts(s)
            elif isinstance(s, LOOPS):
                within = self.loop(s)
                s.orelse = self.inside(s.orelse, found)
                out += [at(ast.If(flag_of(f, r), [at(ast.Break(), r)], []), r) for f, r in within]
                found += within
        return out


def flag_of(name: str, place: ast.AST) -> ast.expr:
    flag: ast.expr = at(ast.Name(name, ast.Load()), place)
    return flag


def behind_loops(body: list[ast.stmt], flagged: Iterable[str]) -> list[ast.stmt]:
    """The body of a function, with each `raise` behind its loops that is among the flags."""
    lines = {int(name.removeprefix(BEHIND)) for name in flagged if name.startswith(BEHIND)}
    return RaisesBehind(lines).block(body) if lines else body
