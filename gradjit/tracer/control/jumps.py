"""break, continue and return, written as flags and branches.

    if c: A; return v           if c: A; value = v          for t in it:           stop = False
    R                     -->   else: R; ...                    if c: break  -->   for t in it:    (while not stop)
                                return value                    R                      if c: stop = True
                                                                                       else: R

A branch that surely jumps takes what follows into its other side, so no flag is read. Otherwise what follows stands
under `if not flag`. A loop reads its `stop` flag before each iteration (`node.stop` names it); a return sets those of
all loops around it. The flags are ordinary names: where conditions are ordinary Python values, so are they.

Functions with `yield` or `await`, and jumps inside of `finally`, stay as they are.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from typing import Any

from ...records import dataclass
from ..syntax import Transformer, children, placed

PREFIX = "_gradjit_"
"""Names that lifting makes begin with this."""
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
LOOPS = (ast.For, ast.While)


@dataclass
class _Loop:
    stop: str
    skip: str


def inner(node: ast.AST) -> Iterable[ast.AST]:
    """The nodes below, without those of functions and classes defined inside."""
    left = children(node)[::-1]
    while left:
        n = left.pop()
        yield n
        if not isinstance(n, DEFINITIONS):
            left += children(n)[::-1]


def holds(nodes: Sequence[ast.AST], kinds: Any) -> bool:
    """Whether a node of these kinds is among the nodes, or below them in the same function."""
    return any(isinstance(n, kinds) or (not isinstance(n, DEFINITIONS) and any(isinstance(m, kinds) for m in inner(n)))
               for n in nodes)


def is_plain(body: Sequence[ast.stmt]) -> bool:
    """Whether a function's control flow is left to Python."""
    if holds(body, (ast.Yield, ast.YieldFrom, ast.Await, ast.AsyncFor, ast.AsyncWith)):
        return True
    tries = [n for s in body for n in (s, *inner(s)) if isinstance(n, (ast.Try, ast.TryStar))
             and not isinstance(s, DEFINITIONS)]
    return any(leaves(t.finalbody) for t in tries)


def leaves(stmts: Sequence[ast.stmt], in_loop: bool = False) -> bool:
    """Whether a jump out of these statements is among them. `in_loop`: break and continue stay inside."""
    return any(_leaves(s, in_loop) for s in stmts)


def _leaves(s: ast.AST, in_loop: bool) -> bool:
    if isinstance(s, (ast.Break, ast.Continue)):
        return not in_loop
    if isinstance(s, ast.Return):
        return True
    if isinstance(s, LOOPS):
        return leaves(s.body, True) or leaves(s.orelse, in_loop)
    if isinstance(s, (*DEFINITIONS, ast.expr)):
        return False
    return any(_leaves(n, in_loop) for n in children(s))


def surely_leaves(stmts: Sequence[ast.stmt]) -> bool:
    """Whether the end of these statements is never reached."""
    return any(isinstance(s, (ast.Return, ast.Break, ast.Continue, ast.Raise))
               or (isinstance(s, ast.If) and surely_leaves(s.body) and surely_leaves(s.orelse))
               or (isinstance(s, ast.With) and surely_leaves(s.body)) or is_endless(s) for s in stmts)


def is_endless(s: ast.stmt) -> bool:
    """`while True` without a break: only a return leads out."""
    return isinstance(s, ast.While) and isinstance(s.test, ast.Constant) and bool(s.test.value) and not breaks(s.body)


def breaks(stmts: Sequence[ast.AST]) -> bool:
    """Whether a break of the loop around these statements is among them."""
    return any(isinstance(s, ast.Break) or (not isinstance(s, (*LOOPS, *DEFINITIONS)) and breaks(
        list(children(s)))) or (isinstance(s, LOOPS) and breaks(s.orelse)) for s in stmts)


class Jumps:
    """Rewrites the body of one function."""

    def __init__(self) -> None:
        self.count = 0
        self.returns = False
        """Whether returns are written as assignments: some stand inside of branches or loops."""
        self.value, self.done = PREFIX + "value", PREFIX + "done"

    def function(self, body: list[ast.stmt]) -> list[ast.stmt]:
        """The body with its jumps rewritten: at most one return, at the end."""
        nested = any(_leaves(s, False) for s in body if not isinstance(s, ast.Return))
        if not nested:
            return self.block(body, ())
        self.returns = True
        if not surely_leaves(body):
            body = [*body, at(ast.Return(at(ast.Constant(None), body[-1])), body[-1])]
        end = ast.Return(at(ast.Name(self.value, ast.Load()), body[-1]))
        end.lineno = end.end_lineno = last_line(body[-1])
        end.col_offset = end.end_col_offset = 0
        end.is_end = True  # type: ignore[attr-defined]
        return [assign(self.done, False, body[0]), *self.block(body, ()), end]

    def block(self, stmts: list[ast.stmt], loops: tuple[_Loop, ...]) -> list[ast.stmt]:
        out: list[ast.stmt] = []
        for k, s in enumerate(stmts):
            rest = stmts[k + 1:]
            if isinstance(s, ast.Return):
                return out + (self.returned(s, loops) if self.returns else [s])
            if isinstance(s, ast.Break):
                return [*out, assign(loops[-1].stop, True, s)]
            if isinstance(s, ast.Continue):
                return [*out, assign(loops[-1].skip, True, s)]
            if isinstance(s, LOOPS):
                return out + self.loop(s, rest, loops)
            if not _leaves(s, False):
                out.append(self.inside(s, loops))
                continue
            if isinstance(s, ast.If):
                if surely_leaves(s.body):
                    s.orelse, rest = s.orelse + rest, []
                elif s.orelse and surely_leaves(s.orelse):
                    s.body, rest = s.body + rest, []
            return [*out, self.inside(s, loops), *self.guarded([s], rest, loops)]
        return out

    def inside(self, s: ast.stmt, loops: tuple[_Loop, ...]) -> ast.stmt:
        """A compound statement with its blocks rewritten."""
        if isinstance(s, DEFINITIONS):
            return s
        may_leave = isinstance(s, (ast.Try, ast.TryStar)) and leaves(s.body)
        for name in ("body", "orelse", "finalbody"):
            stmts = getattr(s, name, None)
            if isinstance(stmts, list):
                setattr(s, name, self.block(stmts, loops))
        for part in (*getattr(s, "handlers", ()), *getattr(s, "cases", ())):
            part.body = self.block(part.body, loops)
        if may_leave and isinstance(s, (ast.Try, ast.TryStar)) and s.orelse:
            s.orelse = [at(ast.If(self.clear(s, loops), s.orelse, []), s)]
        return s

    def guarded(self, left: list[ast.stmt], rest: list[ast.stmt], loops: tuple[_Loop, ...]) -> list[ast.stmt]:
        """What follows a statement that may have jumped."""
        if not rest:
            return []
        return [at(ast.If(self.clear(left[0], loops), self.block(rest, loops), []), rest[0])]

    def clear(self, place: ast.AST, loops: tuple[_Loop, ...]) -> ast.expr:
        """The condition that no jump has happened."""
        flags = [loops[-1].stop, loops[-1].skip] if loops else [self.done]
        names: list[ast.expr] = [at(ast.Name(n, ast.Load()), place) for n in flags]
        some = names[0] if len(names) == 1 else at(ast.BoolOp(ast.Or(), names), place)
        return at(ast.UnaryOp(ast.Not(), some), place)

    def returned(self, s: ast.Return, loops: tuple[_Loop, ...]) -> list[ast.stmt]:
        value = s.value or at(ast.Constant(None), s)
        kept = at(ast.Assign([at(ast.Name(self.value, ast.Store()), s)], value), s)
        return [kept, assign(self.done, True, s), *(assign(loop.stop, True, s) for loop in loops)]

    def loop(self, s: ast.For | ast.While, rest: list[ast.stmt], loops: tuple[_Loop, ...]) -> list[ast.stmt]:
        """A loop, its else, and what follows."""
        self.count += 1
        names = _Loop(f"{PREFIX}stop{self.count}", f"{PREFIX}skip{self.count}")
        returns = holds(s.body, ast.Return)
        if isinstance(s, ast.While) and not s.orelse and holds([s.test], ast.NamedExpr):
            leave = at(ast.If(at(ast.UnaryOp(ast.Not(), s.test), s), [at(ast.Break(), s)], []), s)
            s.test, s.body = at(ast.Constant(True), s), [leave, *s.body]
        jumps, is_left_by_returns = leaves(s.body), returns and isinstance(s, ast.For) and not breaks(s.body)
        skips = holds(s.body, ast.Continue)
        s.body = self.block(s.body, (*loops, names))
        if skips:
            s.body = [assign(names.skip, False, s), *s.body]
        elif jumps:
            forget(s.body, names.skip)
        s.stop = names.stop if jumps and mentions(s.body, names.stop) else None  # type: ignore[union-attr]
        if s.orelse:
            under: list[ast.stmt] = s.orelse
            if s.stop:  # type: ignore[union-attr]
                test = at(ast.UnaryOp(ast.Not(), at(ast.Name(names.stop, ast.Load()), s)), s.orelse[0])
                under = [at(ast.If(test, s.orelse, []), s.orelse[0])]
            s.orelse, rest = [], under + rest
        out: list[ast.stmt] = [assign(names.stop, False, s), s] if s.stop else [s]  # type: ignore[union-attr]
        if is_left_by_returns and s.stop:  # type: ignore[union-attr]
            done = at(ast.Name(self.done, ast.Store()), s)  # both say so, and of a loop without end the one is known
            out.append(at(ast.Assign([done], at(ast.Name(names.stop, ast.Load()), s)), s))
        return out + (self.guarded([s], rest, loops) if returns else self.block(rest, loops))


def mentions(stmts: Sequence[ast.AST], name: str) -> bool:
    return any(isinstance(n, ast.Name) and n.id == name for s in stmts for n in (s, *inner(s)))


def forget(stmts: list[ast.stmt], skip: str) -> None:
    """A loop without continue: its guards need not ask for it."""
    class Without(Transformer):
        def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
            self.generic_visit(node)
            node.values = [v for v in node.values if not (isinstance(v, ast.Name) and v.id == skip)]
            return node.values[0] if len(node.values) == 1 else node

    for s in stmts:
        Without().visit(s)


def at(node: Any, place: ast.AST) -> Any:
    """The new node, where the old one stands."""
    return placed(node, place)


def beginning(node: Any, place: ast.AST) -> Any:
    """The new node, an attribute or what it is of, where the old one begins.

    The compiler takes the last line of an attribute for that of the call, so an attribute of ours has only one.
    """
    at(node, place)
    node.end_lineno, node.end_col_offset = node.lineno, node.col_offset
    return node


def assign(name: str, value: bool, place: ast.AST) -> ast.stmt:
    made: ast.stmt = at(ast.Assign([at(ast.Name(name, ast.Store()), place)], at(ast.Constant(value), place)), place)
    return made


def last_line(s: ast.stmt) -> int:
    return s.end_lineno or s.lineno
