"""`match`, written as branches: what its cases compare may be traced values, or strings that traced conditions choose.

    match s, p:                     subject = s, p
        case "up", (x, y):   -->    match subject:
            A                           case (p1, (p2, p3)): fits = True
        case _:                         case _: fits = False
            B                       if fits and p1 == "up": x = p2; y = p3; A
                                    else: B

Sequences, mappings and classes are Python's to take apart; the values in their places are compared by branches. A
pattern with alternatives that are taken apart differently stays as it is.
"""

from __future__ import annotations

import ast
from typing import Any

from ..syntax import Transformer
from .jumps import DEFINITIONS, PREFIX, at, holds

PART = PREFIX + "part"
"""Names of parts begin with this: they are bound wherever they are read."""


class StaysAsItIs(Exception):
    """A pattern that stays as it is."""


class Pattern:
    """A pattern in two parts: what Python takes apart, and what is asked of the parts."""

    def __init__(self, pattern: ast.pattern, subject: str, number: int):
        self.subject, self.first, self.count = subject, f"{PART}{number}_", 0
        self.tests: list[ast.expr] = []
        self.bound: dict[str, str] = {}
        """Names that it binds, by what they are bound to."""
        self.skeleton = self.whole(pattern)

    def whole(self, p: ast.pattern) -> ast.pattern | None:
        """The structure of the pattern for the subject; None where it has none."""
        if isinstance(p, ast.MatchAs):
            inner = None if p.pattern is None else self.whole(p.pattern)
            if p.name:
                self.bound[p.name] = self.subject
            return inner
        test = compared(p, self.subject)
        if test is None:
            return self.part(p)
        self.tests.append(test)
        return None

    def part(self, p: ast.pattern) -> ast.pattern:
        """The pattern with names of our own in the places of those that it binds, and of values."""
        if isinstance(p, ast.MatchAs):
            if p.pattern is None and p.name is None:
                return p
            name = self.name()
            inner = None if p.pattern is None else self.part(p.pattern)
            if p.name:
                self.bound[p.name] = name
            return at(ast.MatchAs(inner, name), p)
        if isinstance(p, ast.MatchStar):
            if p.name is None:
                return p
            self.bound[p.name] = name = self.name()
            return at(ast.MatchStar(name), p)
        if (test := compared(p, name := self.name())) is not None:
            self.tests.append(test)
            return at(ast.MatchAs(None, name), p)
        if isinstance(p, ast.MatchSequence):
            return at(ast.MatchSequence(list(map(self.part, p.patterns))), p)
        if isinstance(p, ast.MatchClass):
            return at(ast.MatchClass(p.cls, list(map(self.part, p.patterns)), p.kwd_attrs,
                                     list(map(self.part, p.kwd_patterns))), p)
        if isinstance(p, ast.MatchMapping):
            rest = p.rest and self.name()
            if p.rest and rest:
                self.bound[p.rest] = rest
            return at(ast.MatchMapping(p.keys, list(map(self.part, p.patterns)), rest), p)
        raise StaysAsItIs

    def name(self) -> str:
        self.count += 1
        return f"{self.first}{self.count}"


def compared(p: ast.pattern, name: str) -> ast.expr | None:
    """The comparison that a pattern of values is; None for any other."""
    x = at(ast.Name(name, ast.Load()), p)
    if isinstance(p, ast.MatchValue):
        return at(ast.Compare(x, [ast.Eq()], [p.value]), p)
    if isinstance(p, ast.MatchSingleton):
        return at(ast.Compare(x, [ast.Is()], [at(ast.Constant(p.value), p)]), p)
    if isinstance(p, ast.MatchOr):
        either = [q for q in (compared(q, name) for q in p.patterns) if q is not None]
        return at(ast.BoolOp(ast.Or(), either), p) if len(either) == len(p.patterns) else None
    return None


class Matches(Transformer):
    """Rewrites the `match` statements of one function."""

    def __init__(self) -> None:
        self.statements = self.cases = 0

    def visit(self, node: ast.AST) -> Any:
        return node if isinstance(node, (*DEFINITIONS, ast.expr)) else super().visit(node)

    def visit_Match(self, node: ast.Match) -> Any:
        self.generic_visit(node)
        self.statements += 1
        subject = f"{PREFIX}subject{self.statements}"
        try:
            rest: list[ast.stmt] = []
            for case in reversed(node.cases):
                rest = self.case(case, subject, rest)
        except StaysAsItIs:
            return node
        return [bind(subject, node.subject, node), *rest]

    def case(self, case: ast.match_case, subject: str, rest: list[ast.stmt]) -> list[ast.stmt]:
        """The statements of a case, with those of the cases behind it."""
        self.cases += 1
        pattern = Pattern(case.pattern, subject, self.cases)
        tests, out = list(pattern.tests), list[ast.stmt]()
        begin = [bind(n, at(ast.Name(x, ast.Load()), case.pattern), case.pattern) for n, x in pattern.bound.items()]
        if pattern.skeleton is not None:
            fits = f"{PREFIX}fits{self.cases}"
            out.append(taken_apart(pattern.skeleton, subject, fits))
            tests.insert(0, at(ast.Name(fits, ast.Load()), case.pattern))
        if case.guard is not None and begin:  # it may read the names, which stay bound where it is false
            hit = f"{PREFIX}hit{self.cases}"
            out += [bind(hit, every(tests, case.pattern), case.pattern), *under(
                at(ast.Name(hit, ast.Load()), case.pattern), begin, [], always=not tests)]
            tests, begin = [at(ast.Name(hit, ast.Load()), case.pattern)] if tests else [], []
        if case.guard is not None:
            tests.append(case.guard)
        return out + under(every(tests, case.pattern), [*begin, *case.body], rest, always=not tests)


def under(test: ast.expr, body: list[ast.stmt], other: list[ast.stmt], always: bool) -> list[ast.stmt]:
    return body if always else [at(ast.If(test, body, other), test)]


def every(tests: list[ast.expr], place: ast.AST) -> ast.expr:
    """All of the tests."""
    if len(tests) == 1:
        return tests[0]
    made: ast.expr = at(ast.BoolOp(ast.And(), list(tests)) if tests else ast.Constant(True), place)
    return made


def bind(name: str, value: ast.expr, place: ast.AST) -> ast.stmt:
    made: ast.stmt = at(ast.Assign([at(ast.Name(name, ast.Store()), place)], value), place)
    return made


def taken_apart(skeleton: ast.pattern, subject: str, fits: str) -> ast.stmt:
    """Python's `match` that binds the parts, and tells whether the structure fits."""
    cases = [at(ast.match_case(p, None, [bind(fits, at(ast.Constant(answer), skeleton), skeleton)]), skeleton)
             for p, answer in ((skeleton, True), (at(ast.MatchAs(None, None), skeleton), False))]
    made: ast.stmt = at(ast.Match(at(ast.Name(subject, ast.Load()), skeleton), cases), skeleton)
    return made


def without_matches(body: list[ast.stmt]) -> list[ast.stmt]:
    """The body of a function without its `match` statements."""
    if not holds(body, ast.Match):
        return body
    rewritten = Matches()
    out: list[ast.stmt] = []
    for s in body:
        new = rewritten.visit(s)
        out += new if isinstance(new, list) else [new]
    return out
