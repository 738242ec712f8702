"""Which names a loop carries and a branch merges: liveness on the syntax tree, after jumps are gone.

    for t in it: body       carried: assigned in the body and read there before they surely are, in this iteration or
                            the next out:     assigned in the body and read only behind the loop
    if c: A else: B         merged:  assigned in A or B and read behind

Names that a nested function or lambda reads are live everywhere, and those that it rebinds (nonlocal) are assigned by
every call.
"""

from __future__ import annotations

import ast
import itertools
import weakref
from collections.abc import Iterable, Sequence
from typing import Any

from ...records import dataclass
from ..syntax import children, walk
from .jumps import DEFINITIONS, LOOPS, PREFIX

Names = frozenset[str]
NONE: Names = frozenset()


@dataclass(frozen=True, eq=False)
class Site:
    """A loop or branch in the user's text, as far as tracing asks for it. Its fields are plain data."""

    line: int
    names: tuple[str, ...]
    """What the protocol passes along. Of a loop: first those carried in, then those only read behind. Of a branch:
    first those merged, then those that the second side reads as they were before the first. Of a `try`: first those
    merged, then those that its handlers read."""
    carried: int
    """How many of them are carried in, or merged."""
    rebound: Names
    """Names that a plain assignment binds anew; the others are only changed in place (`x += v`)."""
    written: tuple[str, ...]
    """Names whose items are assigned, or that are changed in place."""
    stop: int | None
    """Which of the names is the flag that ends the loop."""
    is_nest: bool = False
    """Whether the loop has loops inside."""

    def __deepcopy__(self, memo: object) -> Site:
        """A copy of the syntax tree names the same site."""
        return self

    @property
    def word(self) -> str:
        return f"line {self.line}"


SITES: weakref.WeakValueDictionary[str, Site] = weakref.WeakValueDictionary()
"""Loops and branches of all lifted code, which names them and holds them (`lift.Product`)."""
_numbers = itertools.count()


def named(site: Site) -> str:
    """A name for a site that no other has in this process, nor anything in a user's text."""
    name = f"\0{PREFIX}site{next(_numbers)}"
    SITES[name] = site
    return name


def constant_of(site: Site) -> ast.Constant:
    """The name of a new site, in a syntax tree, which holds the site."""
    node = ast.Constant(named(site))
    vars(node)["site"] = site
    return node


def sites_in(tree: ast.AST) -> dict[str, Site]:
    """The sites whose names stand in a syntax tree, by those."""
    constants: list[Any] = [n for n in walk(tree) if isinstance(n, ast.Constant)]
    return {n.value: n.site for n in constants if hasattr(n, "site")}


VALUE = PREFIX + "value"


def shown(name: str) -> str:
    """A name as the user knows it."""
    return "the returned value" if name == VALUE else name


def stored(nodes: Sequence[ast.AST]) -> set[str]:
    """Names that the statements bind."""
    found: set[str] = set()
    for n in _all(nodes):
        if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load):
            found.add(n.id)
        elif isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found.add(n.name)
        elif isinstance(n, (ast.Import, ast.ImportFrom)):
            found.update((a.asname or a.name).partition(".")[0] for a in n.names)
        elif isinstance(n, (ast.MatchAs, ast.MatchStar)) and n.name:
            found.add(n.name)
        elif isinstance(n, ast.MatchMapping) and n.rest:
            found.add(n.rest)
    return found


def _all(nodes: Sequence[ast.AST]) -> Iterable[ast.AST]:
    """The nodes and all below in the same scope; targets of comprehensions are another scope's."""
    left = list(nodes)[::-1]
    while left:
        n = left.pop()
        yield n
        if isinstance(n, ast.comprehension):
            left += [child for child in children(n)[::-1] if child is not n.target]
        elif not isinstance(n, DEFINITIONS):
            left += children(n)[::-1]


def read(node: ast.AST | None) -> set[str]:
    """Names that an expression may read, those of functions defined in it included."""
    if node is None:
        return set()
    return {n.id for n in walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}


def base(target: ast.AST) -> str | None:
    """The name that `name[..].attr[..]` begins with."""
    while isinstance(target, (ast.Subscript, ast.Attribute, ast.Starred)):
        target = target.value
    return target.id if isinstance(target, ast.Name) else None


def written(nodes: Sequence[ast.AST]) -> set[str]:
    """Names whose items the statements assign, or that they change in place."""
    found: set[str | None] = set()
    for n in _all(nodes):
        if isinstance(n, ast.Subscript) and isinstance(n.ctx, ast.Store):
            found.add(base(n))
        elif isinstance(n, ast.AugAssign):
            found.add(base(n.target))
        elif isinstance(n, ast.keyword) and n.arg == "out":
            found.add(base(n.value))
    return {n for n in found if n}


def plainly(nodes: Sequence[ast.AST]) -> set[str]:
    """Names bound other than by `name op= value`."""
    augmented = {id(n.target) for n in _all(nodes) if isinstance(n, ast.AugAssign)}
    return {n.id for n in _all(nodes) if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)
            and id(n) not in augmented}


class NameLiveness:
    """Of one function: annotates its loops and branches with a `site`."""

    def __init__(self, body: list[ast.stmt], bound: Iterable[str]):
        self.bound = frozenset(bound)
        nested = [n for n in _all(body) if isinstance(n, DEFINITIONS)]
        self.shared = frozenset(name for d in nested for n in walk(d) if isinstance(n, ast.Nonlocal)
                                for name in n.names) & self.bound
        outer = {name for n in _all(body) if isinstance(n, ast.Nonlocal) for name in n.names}
        self.always_live: Names = (frozenset().union(*map(read, nested)) | self.shared | outer) & self.bound
        self.handled = frozenset(n.name for n in _all(body) if isinstance(n, ast.ExceptHandler) and n.name)
        self.used: set[str] = set()
        """Names that some protocol passes along."""
        self.block(body, NONE)

    def assigned(self, nodes: Sequence[ast.AST]) -> set[str]:
        found = stored(nodes)
        if any(isinstance(n, ast.Call) for n in _all(nodes)):
            found |= self.shared
        return (found & self.bound) - self.handled

    def block(self, stmts: Sequence[ast.stmt], after: Names) -> Names:
        for s in reversed(stmts):
            after = self.statement(s, after | self.always_live) | self.always_live
        return after

    def statement(self, s: ast.stmt, after: Names) -> Names:
        if isinstance(s, ast.If):
            return self.branch(s, after)
        if isinstance(s, LOOPS):
            return self.loop(s, after)
        if isinstance(s, (ast.With, ast.AsyncWith)):
            kills = stored([i.optional_vars for i in s.items if i.optional_vars])
            return ((self.block(s.body, after) | after) - kills) | frozenset().union(*(read(i) for i in s.items))
        if isinstance(s, (ast.Try, ast.TryStar)):
            return self.attempt(s, after)
        if isinstance(s, ast.Match):
            cases = [self.block(c.body, after) | read(c.guard) | read(c.pattern) for c in s.cases]
            return after.union(read(s.subject), *cases)
        if isinstance(s, (ast.Return, ast.Raise)):
            return self.always_live | read(s)
        if isinstance(s, ast.Delete):
            return after | read(s) | stored([s])
        again = {s.target.id} if isinstance(s, ast.AugAssign) and isinstance(s.target, ast.Name) else set()
        walrus = {n.target.id for n in _all([s]) if isinstance(n, ast.NamedExpr)}
        return (after - (stored([s]) - walrus)) | read(s) | again

    def branch(self, s: ast.If, after: Names) -> Names:
        merged = sorted(self.assigned([*s.body, *s.orelse]) & after)
        other = self.block(s.orelse, after)
        self.note(s, merged, sorted((self.assigned(s.body) & other) - set(merged)), None)
        return self.block(s.body, after) | other | read(s.test)

    def loop(self, s: ast.For | ast.While, after: Names) -> Names:
        test = frozenset(read(s.test)) if isinstance(s, ast.While) else NONE
        targets = stored([s.target]) if isinstance(s, ast.For) else set()
        inside = NONE
        flag: str | None = getattr(s, "stop", None)
        stop = NONE if flag is None else frozenset({flag})
        while True:  # until the next iteration asks for nothing new
            again = self.block(s.body, after | inside | test | stop) - targets | test | stop
            if again == inside:
                break
            inside = again
        nodes: list[ast.AST] = [*s.body, *([s.target] if isinstance(s, ast.For) else [s.test])]
        assigned = self.assigned(nodes)
        carried = sorted(assigned & inside)
        self.note(s, carried, sorted((assigned & after) - inside), getattr(s, "stop", None))
        return after | inside | (read(s.iter) if isinstance(s, ast.For) else test)

    def attempt(self, s: ast.Try | ast.TryStar, after: Names) -> Names:
        """Any statement of the body may be the last before a handler."""
        final = self.block(s.finalbody, after) | after
        handlers = final.union(*(self.block(h.body, final) | read(h.type) for h in s.handlers))
        if s.handlers and isinstance(s, ast.Try):
            merged = sorted(self.assigned([*s.body, *s.orelse, *s.handlers]) & final)
            read_there = sorted((self.assigned(s.body) & handlers) - set(merged))
            s.site = Site(s.lineno, (*merged, *read_there), len(merged), NONE, (), None)  # type: ignore[attr-defined]
            self.used |= {*merged, *read_there}
        kept, self.always_live = self.always_live, self.always_live | handlers
        before = self.block(s.body, self.block(s.orelse, final))
        self.always_live = kept
        return before | handlers

    def note(self, s: Any, carried: list[str], out: list[str], stop: str | None) -> None:
        nodes = [*s.body, *s.orelse]
        names = (*carried, *out)
        changed = tuple(sorted((written(nodes) & self.bound) - self.handled)) if isinstance(s, LOOPS) else ()
        s.site = Site(s.lineno, names, len(carried), frozenset(plainly([*nodes, *([s.target] if isinstance(s, ast.For)
                      else [])])), changed, names.index(stop) if stop in names else None,
                      any(isinstance(n, LOOPS) for n in _all(s.body)))
        self.used |= {*names, *changed}
