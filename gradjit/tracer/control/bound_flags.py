"""Names of which only the running program knows whether they are bound, with flags beside them:

    while c: x = f()                 has_x = False
    return x                 -->     while c: x = f(); has_x = True
                                     if not has_x: raise UnboundLocalError(...)
                                     return x

The flags are ordinary names, which loops carry and branches merge: where it is known that x is bound, they cost
nothing. They are put in for names that turned out to need them (`states.NeedsFlag`).
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence

from ..syntax import walk
from .definite_assignment import DefiniteAssignment
from .jumps import DEFINITIONS, PREFIX, at
from .names import stored

UNBOUND = "cannot access local variable '{}' where it is not associated with a value"
"""What Python says of a name that is read and not bound."""
_ELSEWHERE = (*DEFINITIONS, ast.GeneratorExp)
"""What may read a name later than where it stands."""


def with_flags(body: list[ast.stmt], doubts: DefiniteAssignment, wanted: Iterable[str]
               ) -> tuple[list[ast.stmt], set[str]]:
    """The body with flags for those of the names that can have one, and these names."""
    names = {n for n in wanted if n in doubts.doubtful - doubts.tests} - out_of_reach(body)
    if not names:
        return body, names
    new = _Flags(names, doubts).block(body)
    return [*(flag(n, False, body[0]) for n in sorted(names)), *new], names


def out_of_reach(body: Sequence[ast.stmt]) -> set[str]:
    """Names that are bound or read where no statement can stand beside: in expressions, handlers, functions within."""
    found: set[str] = set()
    for n in (n for s in body for n in walk(s)):
        if isinstance(n, _ELSEWHERE):
            found |= {m.id for m in walk(n) if isinstance(m, ast.Name)}
        elif isinstance(n, (ast.NamedExpr, ast.comprehension)):
            found |= {m.id for m in walk(n.target) if isinstance(m, ast.Name)}
        elif isinstance(n, ast.ExceptHandler) and n.name:
            found.add(n.name)
        elif isinstance(n, (ast.Global, ast.Nonlocal)):
            found |= set(n.names)
    return found


def flag_of(name: str) -> str:
    return f"{PREFIX}has_{name}"


def flag(name: str, value: bool, place: ast.AST) -> ast.stmt:
    made: ast.stmt = at(ast.Assign([at(ast.Name(flag_of(name), ast.Store()), place)],
                                   at(ast.Constant(value), place)), place)
    return made


def check(name: str, place: ast.AST) -> ast.stmt:
    """`if not has_x: raise UnboundLocalError(...)`."""
    error = at(ast.Call(at(ast.Name("UnboundLocalError", ast.Load()), place),
                        [at(ast.Constant(UNBOUND.format(name)), place)], []), place)
    test = at(ast.UnaryOp(ast.Not(), at(ast.Name(flag_of(name), ast.Load()), place)), place)
    made: ast.stmt = at(ast.If(test, [at(ast.Raise(error, None), place)], []), place)
    return made


class _Flags:
    """Puts in what tells the flags, and what asks them."""

    def __init__(self, names: set[str], doubts: DefiniteAssignment):
        self.names, self.doubts = names, doubts

    def block(self, stmts: Iterable[ast.stmt]) -> list[ast.stmt]:
        return [new for s in stmts for new in self.statement(s)]

    def told(self, nodes: Iterable[ast.AST], place: ast.AST) -> list[ast.stmt]:
        """The flags of names that the nodes bind are set."""
        return [flag(n, True, place) for n in sorted(stored(list(nodes)) & self.names)]

    def statement(self, s: ast.stmt) -> list[ast.stmt]:
        asked = [check(n, s) for n in sorted(self.doubts.doubts_of(s) & self.names)]
        if isinstance(s, ast.Delete):
            gone = sorted(stored([s]) & self.names)
            s.targets = [t for t in s.targets if not (isinstance(t, ast.Name) and t.id in gone)]
            return [*asked, *([s] if s.targets else []), *(flag(n, False, s) for n in gone)]
        if isinstance(s, (ast.For, ast.AsyncFor)):
            begin = self.told([s.target], s)
        elif isinstance(s, (ast.With, ast.AsyncWith)):
            begin = self.told([i.optional_vars for i in s.items if i.optional_vars], s)
        else:
            begin = []
        if isinstance(s, ast.Match):
            for case in s.cases:
                case.body = [*self.told([case.pattern], case.body[0]), *self.block(case.body)]
            return [*asked, s]
        if not hasattr(s, "body"):
            return [*asked, s, *self.told([s], s)]
        if isinstance(s, DEFINITIONS):
            return [*asked, s]
        for part in ("body", "orelse", "finalbody"):
            if stmts := getattr(s, part, None):
                setattr(s, part, [*(begin if part == "body" else ()), *self.block(stmts)])
        for handler in getattr(s, "handlers", ()):
            handler.body = self.block(handler.body)
        return [*asked, s]


__all__ = ["UNBOUND", "with_flags"]
