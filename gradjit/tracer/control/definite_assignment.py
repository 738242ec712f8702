"""Which names are surely bound wherever they are read, as the text alone can tell.

Such a name may be missing on one side of a branch, or before a loop, without harm: whatever stands for it there is
never read. For the others a read behind a branch that binds them on one side only is an error.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence

from .jumps import DEFINITIONS
from .names import read, stored

Bound = frozenset[str] | None
"""The names that are surely bound here; None where the program does not come."""


def both(a: Bound, b: Bound) -> Bound:
    return b if a is None else a if b is None else a & b


class DefiniteAssignment:
    """Walks a function as it was written, before its jumps are rewritten."""

    def __init__(self, body: Sequence[ast.stmt], parameters: Iterable[str], names: Iterable[str]):
        self.names = frozenset(names)
        self.doubtful: set[str] = set()
        """Names with a read that is not surely behind an assignment."""
        self.places: dict[int, frozenset[str]] = {}
        """Such names by the statements or expressions in which they are read, which `kept` keeps alive."""
        self.kept: list[ast.AST] = []
        self.tests: set[str] = set()
        """Such names in tests of `while`, which are read before each iteration."""
        self.breaks: list[Bound] = []
        self.block(body, frozenset(parameters))

    @property
    def sure(self) -> frozenset[str]:
        return self.names - self.doubtful

    def use(self, node: ast.AST | None, now: Bound) -> None:
        if now is not None and node is not None:
            self.doubt(node, (read(node) & self.names) - now)

    def doubt(self, node: ast.AST, names: frozenset[str] | set[str]) -> None:
        if names:
            self.doubtful |= names
            self.places[id(node)] = self.places.get(id(node), frozenset()) | names
            self.kept.append(node)

    def doubts_of(self, s: ast.stmt) -> frozenset[str]:
        """The names that the statement reads, before any statement within, and that may not be bound then."""
        parts = [s, getattr(s, "iter", None), getattr(s, "subject", None), getattr(s, "test", None),
                 *(i.context_expr for i in getattr(s, "items", ()))]
        return frozenset().union(*(self.places.get(id(p), frozenset()) for p in parts))

    def block(self, stmts: Sequence[ast.stmt], now: Bound) -> Bound:
        for s in stmts:
            now = self.statement(s, now)
        return now

    def statement(self, s: ast.stmt, now: Bound) -> Bound:
        if now is None:
            return None
        if isinstance(s, ast.If):
            self.use(s.test, now)
            return both(self.block(s.body, now), self.block(s.orelse, now))
        if isinstance(s, (ast.For, ast.AsyncFor)):
            self.use(s.iter, now)
            return self.loop(s, now, now | stored([s.target]), now)
        if isinstance(s, ast.While):
            self.use(s.test, now)
            self.tests |= self.places.get(id(s.test), frozenset())
            endless = isinstance(s.test, ast.Constant) and s.test.value
            return self.loop(s, now, now, None if endless else now)
        if isinstance(s, (ast.With, ast.AsyncWith)):
            for item in s.items:
                self.use(item.context_expr, now)
            self.block(s.body, now | stored([i.optional_vars for i in s.items if i.optional_vars]))
            return now  # what it manages may swallow exceptions
        if isinstance(s, (ast.Try, ast.TryStar)):
            ways = [self.block(s.orelse, self.block(s.body, now)), *(self.block(h.body, now) for h in s.handlers)]
            end: Bound = None
            for way in ways:
                end = both(end, way)
            last = self.block(s.finalbody, now)
            return None if end is None or last is None else end | last
        if isinstance(s, ast.Match):
            self.use(s.subject, now)
            for case in s.cases:
                self.block(case.body, now | stored([case.pattern]))
            return now
        if isinstance(s, (ast.Return, ast.Raise)):
            self.use(s, now)
            return None
        if isinstance(s, (ast.Break, ast.Continue)):
            if isinstance(s, ast.Break):
                self.breaks[-1] = both(self.breaks[-1], now)
            return None
        self.use(s, now)
        if isinstance(s, ast.AugAssign) and isinstance(s.target, ast.Name) and s.target.id not in now:
            self.doubt(s, {s.target.id} & self.names)
        if isinstance(s, ast.Delete):
            return now - stored([s])
        return now | (stored([s]) if not isinstance(s, DEFINITIONS) else {s.name} if hasattr(s, "name") else set())

    def loop(self, s: ast.For | ast.AsyncFor | ast.While, now: Bound, inside: Bound, end: Bound) -> Bound:
        """`end`: what is bound where the loop ends by itself."""
        self.breaks.append(None)
        self.block(s.body, inside)
        broken = self.breaks.pop()
        return both(self.block(s.orelse, end), broken)
