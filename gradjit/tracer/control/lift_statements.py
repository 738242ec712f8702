"""Statements and expressions that choose a way, as calls of the protocol (protocol.py)."""

from __future__ import annotations

import ast
import copy
from collections.abc import Sequence
from typing import Any

from ..syntax import walk
from ..targets import as_list, exchange, starred
from .bound_flags import with_flags
from .definite_assignment import DefiniteAssignment
from .jumps import PREFIX, Jumps, at, beginning, holds, is_plain
from .lazy_operands import as_branches
from .matching import PART, without_matches
from .names import NameLiveness, Site, constant_of
from .raises_behind import behind_loops

LAZY = (ast.NamedExpr, ast.Await, ast.Yield, ast.YieldFrom)
"""Expressions that cannot stand in a function of their own."""
COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Lt: "lt", ast.LtE: "le", ast.Gt: "gt", ast.GtE: "ge", ast.Eq: "eq", ast.NotEq: "ne", ast.Is: "is_",
    ast.IsNot: "is_not",
}
"""By the function of `operator`."""

UNARY: dict[type[ast.unaryop], str] = {ast.USub: "neg", ast.UAdd: "pos", ast.Invert: "invert"}


def prepared(body: list[ast.stmt], bound: Sequence[str], parameters: Sequence[str],
             flagged: frozenset[str] = frozenset()) -> list[ast.stmt]:
    """The body of a function, with its jumps rewritten and its loops and branches annotated.

    Names that the protocol passes along begin as not bound. A function that yields or awaits stays as it is.
    flagged: names for which the running program notes whether they are bound, where the text does not tell.
    """
    if is_plain(body) or not holds(body, (ast.If, ast.For, ast.While, ast.Match, ast.Try)):
        return body
    body = as_branches(behind_loops(without_matches(body), flagged), flagged)
    doubts = DefiniteAssignment(body, parameters, bound)
    body, noted = with_flags(body, doubts, flagged) if flagged else (body, set())
    body = Jumps().function(body)
    made = {n.id for s in body for n in walk(s) if isinstance(n, ast.Name) and n.id.startswith(PREFIX)}
    live = NameLiveness(body, {*bound, *made})
    first = body[0]
    begin = [at(ast.Assign([at(ast.Name(n, ast.Store()), first)], at(ast.Constant(n), first)), first)
             for n in sorted(live.used - set(parameters))]
    for s in begin:
        name = s.targets[0].id
        s.unbound = name in doubts.sure or name.startswith(PART), name in noted
    at_front = 1 if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) else 0
    return [*body[:at_front], *begin, *body[at_front:]]


class Rewrites:
    """Part of lift._Lift."""

    hook: Any
    text: Any
    visit: Any
    made_here: Any
    with_plain_target: Any

    def line(self, node: ast.AST) -> ast.Constant:
        number: ast.Constant = at(ast.Constant(getattr(node, "lineno", 0)), node)
        return number

    def statements(self, stmts: list[ast.stmt]) -> list[ast.stmt]:
        """Rewritten statements; never none at all."""
        out: list[ast.stmt] = []
        rest = list(stmts)
        while rest:
            s = rest.pop(0)
            at_once = exchange(s, rest[0]) if rest else None
            if at_once is None:
                out += as_list(self.visit(s))
                continue
            owner = self.visit(copy.deepcopy(s.targets[0].value))  # type: ignore[attr-defined]  # it is an assignment
            one_by_one = [*as_list(self.visit(s)), *as_list(self.visit(rest.pop(0)))]
            out.append(at(ast.If(self.hook(s, "is_grown", owner), as_list(self.visit(at_once)), one_by_one), s))
        return out

    # statements -----------------------------------------------------------------------------------------------------
    def visit_If(self, node: ast.If) -> Any:
        site: Site | None = getattr(node, "site", None)
        test = self.test(node.test)
        body, other = self.statements(node.body), self.statements(node.orelse)
        if site is None:
            node.test, node.body, node.orelse = self.hook(node.test, "tested", test), body, other
            return node
        p = Passing(self, node, "branch")
        name = at(constant_of(site), node)
        made = p.keep(self.hook(node, "branch", name, test, p.values(site.names)))
        merged = site.names[:site.carried]
        then = at(ast.If(p.call("then"), [p.within([*body, p.leave(merged)])], []), node)
        begin = p.bind(site.names, p.attribute("initial"))
        otherwise = at(ast.If(p.call("otherwise"), [*begin, p.within([*other, p.leave(merged)])], []), node)
        return [made, then, otherwise, *p.bind(merged, p.call("exit", p.values(merged)))]

    def visit_For(self, node: ast.For) -> Any:
        site: Site | None = getattr(node, "site", None)
        iterable = self.visit(node.iter)
        node.target, node.body = self.with_plain_target(node.target, node.body)
        made = self.made_here(node, starred([node.target]))
        target, body = self.visit(node.target), [*made, *self.statements(node.body)]
        if site is None:
            node.iter = self.hook(node, "iterated", iterable)
            node.target, node.body, node.orelse = target, body, self.statements(node.orelse)
            return node
        p = Passing(self, node, "loop")
        name = at(constant_of(site), node)
        made = p.keep(self.hook(node, "for_loop", name, iterable, p.values(site.names), p.values(site.written)))
        carried = site.names[:site.carried]
        item = at(ast.Assign([target], p.call("item")), node)
        begin = p.bind(carried, p.call("enter", p.values(carried)))
        return p.looped(made, [*begin, item, *body, p.leave(site.names)], site)

    def visit_While(self, node: ast.While) -> Any:
        site: Site | None = getattr(node, "site", None)
        if site is None:
            node.test, node.body = self.hook(node.test, "tested", self.test(node.test)), self.statements(node.body)
            node.orelse = self.statements(node.orelse)
            return node
        stop = getattr(node, "stop", None)
        test = node.test
        if stop:
            going = at(ast.UnaryOp(ast.Not(), at(ast.Name(stop, ast.Load()), node)), node)
            always = isinstance(test, ast.Constant) and test.value
            test = going if always else at(ast.BoolOp(ast.And(), [going, test]), node)
        test, body = self.test(test), self.statements(node.body)
        p = Passing(self, node, "loop")
        name = at(constant_of(site), node)
        made = p.keep(self.hook(node, "while_loop", name, p.values(site.names), p.values(site.written)))
        carried = site.names[:site.carried]
        inside = at(ast.If(p.call("test", test), [*body, p.leave(site.names)], []), node)
        return p.looped(made, [*p.bind(carried, p.call("enter", p.values(carried))), inside], site)

    def visit_Try(self, node: Any) -> Any:
        site: Site | None = getattr(node, "site", None)
        if site is None:
            return self.plain_try(node)
        p = Passing(self, node, "try")
        name = at(constant_of(site), node)
        made = p.keep(self.hook(node, "attempt", name, self.line(node), self.caught(node), p.values(site.names)))
        begin = p.bind(site.names, p.call("enter", p.values(site.names)))
        body = [at(ast.Expr(p.call("begin")), node), *self.statements(node.body)]
        for h in node.handlers:
            h.type = h.type and self.visit(h.type)
            h.body = [at(ast.Expr(p.call("unwind")), node), *self.statements(h.body)]
        tried = at(ast.Try([p.within(body)], node.handlers, self.statements(node.orelse), []), node)
        merged = site.names[:site.carried]
        whole = at(ast.With([ast.withitem(p.attribute("statement"), None)], [*begin, tried, p.leave(merged)]), node)
        loop = at(ast.While(p.call("again"), [whole], []), node)
        out = [made, loop, *p.bind(merged, p.call("exit", p.values(merged)))]
        return self.finally_done(node, out) if node.finalbody else out

    def finally_done(self, node: Any, body: list[ast.stmt]) -> Any:
        """`try: body finally: ...`."""
        acting = at(ast.With([ast.withitem(self.hook(node, "acting", self.line(node)), None)], body), node)
        return at(ast.Try([acting], [], [], self.statements(node.finalbody)), node)

    def caught(self, node: Any) -> ast.expr:
        """What the handlers catch, as functions that tell."""
        kinds: list[ast.expr] = [self.thunk(copy.deepcopy(h.type)) if h.type else at(ast.Constant(None), h)
                                 for h in node.handlers]
        made: ast.expr = at(ast.List(kinds, ast.Load()), node)
        return made

    def plain_try(self, node: Any) -> Any:
        """What handlers catch leaves regions under construction open: they are taken back first."""
        if not node.handlers:
            return self.finally_done(node, self.statements(node.body))
        mark = f"{PREFIX}mark{node.lineno}"
        kept = at(ast.Assign([at(ast.Name(mark, ast.Store()), node)], self.hook(node, "mark")), node)

        def unwind() -> ast.stmt:
            back: ast.stmt = at(ast.Expr(self.hook(node, "unwind", at(ast.Name(mark, ast.Load()), node))), node)
            return back

        trying = self.hook(node, "trying", self.line(node), self.caught(node))
        node.body = [at(ast.With([ast.withitem(trying, None)], self.statements(node.body)), node)]
        node.orelse = self.statements(node.orelse)
        for h in node.handlers:
            h.type = h.type and self.visit(h.type)
            h.body = [unwind(), *self.statements(h.body)]
        node.finalbody = self.statements(node.finalbody)
        return [kept, node]

    visit_TryStar = visit_Try

    def visit_Return(self, node: ast.Return) -> Any:
        node.value = node.value and self.visit(node.value)
        if hasattr(node, "is_end") and node.value is not None:
            node.value = self.hook(node, "returned", node.value)
        return node

    def visit_Raise(self, node: ast.Raise) -> Any:
        node.exc = node.exc and self.hook(node, "thrown", self.visit(node.exc))
        node.cause = node.cause and self.visit(node.cause)
        return node

    def visit_Assert(self, node: ast.Assert) -> Any:
        message = node.msg or at(ast.Constant(None), node)
        call = self.hook(node, "assert_", self.thunk(node.test), self.thunk(message))
        return at(ast.Expr(call), node)

    # expressions ----------------------------------------------------------------------------------------------------
    def thunk(self, node: ast.expr) -> ast.expr:
        """A function without parameters that computes the expression, rewritten."""
        none = ast.arguments([], [], None, [], [], None, [])
        made: ast.expr = at(ast.Lambda(none, self.visit(node)), node)
        return made

    def visit_IfExp(self, node: ast.IfExp) -> Any:
        if holds([node.body, node.orelse], LAZY):
            node.test, node.body, node.orelse = self.visit(node.test), self.visit(node.body), self.visit(node.orelse)
            return node
        return self.hook(node, "either", self.line(node), self.test(node.test), self.thunk(node.body),
                         self.thunk(node.orelse))

    def test(self, node: ast.expr) -> Any:
        """An expression of which nothing but the truth is asked, so that its operands may be of different types."""
        if not isinstance(node, ast.BoolOp) or holds(node.values[1:], LAZY):
            return self.visit(node)
        first, *rest = (self.hook(v, "true", self.test(v)) for v in node.values)
        none = ast.arguments([], [], None, [], [], None, [])
        thunks = [at(ast.Lambda(copy.deepcopy(none), r), v) for r, v in zip(rest, node.values[1:], strict=True)]
        name = "all_of" if isinstance(node.op, ast.And) else "any_of"
        return self.hook(node, name, self.line(node), first, *thunks)

    def visit_BoolOp(self, node: ast.BoolOp) -> Any:
        if holds(node.values[1:], LAZY):
            node.values = [self.visit(v) for v in node.values]
            return node
        if isinstance(node.op, ast.Or) and isinstance(
                node.values[0], ast.BoolOp) and isinstance(node.values[0].op, ast.And) and not holds(
                node.values[0].values, LAZY):
            return self.choice(node, node.values[0])
        name = "all_of" if isinstance(node.op, ast.And) else "any_of"
        return self.hook(node, name, self.line(node), self.visit(node.values[0]), *map(self.thunk, node.values[1:]))

    def choice(self, node: ast.BoolOp, first: ast.BoolOp) -> Any:
        """`a and b or c`, which is never a: `(b or c) if a else c`."""
        *tests, last = first.values
        rest = node.values[1:]
        test = tests[0] if len(tests) == 1 else at(ast.BoolOp(ast.And(), tests), node)
        then = at(ast.BoolOp(ast.Or(), [last, *copy.deepcopy(rest)]), node)
        other = rest[0] if len(rest) == 1 else at(ast.BoolOp(ast.Or(), rest), node)
        return self.hook(node, "either", self.line(node), self.visit(test), self.thunk(then), self.thunk(other))

    def visit_UnaryOp(self, node: ast.UnaryOp) -> Any:
        operand = self.visit(node.operand)
        if isinstance(node.op, ast.Not):
            return self.hook(node, "negated", operand)
        return self.hook(node, "unary", self.text(node, UNARY[type(node.op)]), operand)

    def visit_Compare(self, node: ast.Compare) -> Any:
        if len(node.ops) == 1 and isinstance(node.ops[0], (ast.In, ast.NotIn)):
            found = self.hook(node, "contains", self.visit(node.left), self.visit(node.comparators[0]))
            return found if isinstance(node.ops[0], ast.In) else self.hook(node, "negated", found)
        if len(node.ops) == 1 and type(node.ops[0]) in COMPARISONS:
            name = COMPARISONS[type(node.ops[0])]
            return self.hook(node, "compared", self.text(node, name), self.visit(node.left),
                             self.visit(node.comparators[0]))
        if len(node.ops) == 1 or holds(node.comparators, LAZY) or any(type(op) not in COMPARISONS for op in node.ops):
            node.left, node.comparators = self.visit(node.left), [self.visit(c) for c in node.comparators]
            return node
        links = [at(ast.Tuple([self.text(c, COMPARISONS[type(op)]), self.thunk(c)], ast.Load()), c)
                 for op, c in zip(node.ops, node.comparators, strict=True)]
        return self.hook(node, "chain", self.line(node), self.visit(node.left), *links)


class Passing:
    """The variable that holds the protocol's object for one statement, and the code that uses it."""

    def __init__(self, lift: Any, node: ast.stmt, kind: str):
        self.lift, self.node = lift, node
        lift.protocols += 1
        self.name = f"{PREFIX}{kind}_{lift.protocols}"

    def keep(self, made: ast.expr) -> ast.stmt:
        kept: ast.stmt = at(ast.Assign([at(ast.Name(self.name, ast.Store()), self.node)], made), self.node)
        return kept

    def attribute(self, name: str) -> ast.expr:
        held = beginning(ast.Name(self.name, ast.Load()), self.node)
        found: ast.expr = beginning(ast.Attribute(held, name, ast.Load()), self.node)
        return found

    def call(self, name: str, *args: ast.expr) -> ast.expr:
        called: ast.expr = at(ast.Call(self.attribute(name), list(args), []), self.node)
        return called

    def values(self, names: Sequence[str]) -> ast.expr:
        items = [at(ast.Name(n, ast.Load()), self.node) for n in names]
        held: ast.expr = at(ast.Tuple(items, ast.Load()), self.node)
        return held

    def bind(self, names: Sequence[str], value: ast.expr) -> list[ast.stmt]:
        """`(x, y) = value`."""
        if not names:
            return [at(ast.Expr(value), self.node)] if isinstance(value, ast.Call) else []
        items = [at(ast.Name(n, ast.Store()), self.node) for n in names]
        return [at(ast.Assign([at(ast.Tuple(items, ast.Store()), self.node)], value), self.node)]

    def leave(self, names: Sequence[str]) -> ast.stmt:
        left: ast.stmt = at(ast.Expr(self.call("leave", self.values(names))), self.node)
        return left

    def within(self, stmts: list[ast.stmt]) -> ast.stmt:
        """The statements under `with` the protocol's object, which sees their exceptions."""
        held = ast.withitem(at(ast.Name(self.name, ast.Load()), self.node), None)
        entered: ast.stmt = at(ast.With([held], stmts), self.node)
        return entered

    def looped(self, made: ast.stmt, inside: list[ast.stmt], site: Site) -> list[ast.stmt]:
        loop = at(ast.While(self.call("again"), [self.within(inside)], []), self.node)
        return [made, loop, *self.bind(site.names, self.call("exit", self.values(site.names)))]
