"""Targets: what statements bind. Names that Python itself binds to new lists and dicts (`*rest` of targets and
patterns, `**kw` of a function), and targets that are more than names of the function."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterable, Sequence
from typing import Any

from .bound_names import BoundNames
from .control.jumps import PREFIX
from .syntax import Transformer, placed, walk


def starred(targets: Iterable[ast.expr | None]) -> list[str]:
    """The names of `*rest` among the targets of an assignment, a loop or a `with`."""
    return [n.value.id for t in targets if t is not None for n in walk(t)
            if isinstance(n, ast.Starred) and isinstance(n.ctx, ast.Store) and isinstance(n.value, ast.Name)]


def in_pattern(pattern: ast.pattern) -> list[str]:
    """The names of `*rest` and `**rest` in the pattern of a case."""
    found: list[str] = []
    for n in walk(pattern):
        name = n.name if isinstance(n, ast.MatchStar) else n.rest if isinstance(n, ast.MatchMapping) else None
        if name:
            found.append(name)
    return found


def of_function(args: ast.arguments) -> list[str]:
    """The name of `**kw`, if the function has it. (That of `*args` is bound to a tuple, which nobody changes.)"""
    return [args.kwarg.arg] if args.kwarg else []


def behind_docstring(body: Sequence[ast.stmt], new: Sequence[ast.stmt]) -> list[ast.stmt]:
    """The body of a function that begins with new statements."""
    first = body[0]
    at = 1 if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) else 0
    return [*body[:at], *new, *body[at:]]


OPERATORS: dict[type[ast.operator], str] = {
    ast.Add: "iadd", ast.Sub: "isub", ast.Mult: "imul", ast.Div: "itruediv", ast.FloorDiv: "ifloordiv", ast.Mod: "imod",
    ast.Pow: "ipow", ast.MatMult: "imatmul", ast.BitAnd: "iand", ast.BitOr: "ior", ast.BitXor: "ixor",
    ast.LShift: "ilshift", ast.RShift: "irshift",
}
"""Augmented assignments by their function in `operator`."""


def is_more_than_names(targets: Iterable[ast.expr]) -> bool:
    """Whether items or attributes are among the targets."""
    return any(isinstance(n, (ast.Subscript, ast.Attribute)) and isinstance(n.ctx, ast.Store)
               for t in targets for n in walk(t))


def stored_names(targets: Iterable[ast.expr]) -> list[str]:
    return [n.id for t in targets for n in walk(t) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]


def is_plain(node: ast.expr) -> bool:
    """Whether it is made of names, attributes and arithmetic: what an assignment to an item does not change."""
    plain = (ast.Name, ast.Constant, ast.Attribute, ast.BinOp, ast.UnaryOp, ast.operator, ast.unaryop, ast.expr_context)
    parts = (node.value, node.slice) if isinstance(node, ast.Subscript) else (node,)
    return all(isinstance(n, plain) for part in parts for n in walk(part))


def exchange(first: ast.stmt, second: ast.stmt | None) -> ast.Assign | None:
    """`a[i] = a[j]; a[j] = held` as the one assignment that it is: `a[i], a[j] = a[j], held`. None for others."""
    if not (is_item_of_item(first) and is_completed(first, second)):
        return None
    both: list[Any] = [copy.deepcopy(first), copy.deepcopy(second)]
    targets, values = [n.targets[0] for n in both], [n.value for n in both]
    return placed(ast.Assign([placed(ast.Tuple(targets, ast.Store()), first)],
                             placed(ast.Tuple(values, ast.Load()), first)), first)


def is_item_of_item(node: ast.stmt | None) -> bool:
    """Whether it is `a[i] = a[j]`."""
    return is_item_assigned(node) and isinstance(node.value, ast.Subscript) and is_plain(node.value) and (  # type: ignore[union-attr]
        ast.dump(node.value.value) == ast.dump(node.targets[0].value))  # type: ignore[union-attr]


def is_item_assigned(node: ast.stmt | None) -> bool:
    return isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(
        t := node.targets[0], ast.Subscript) and is_plain(t)


def is_completed(before: Any, node: Any) -> bool:
    """Whether behind `a[i] = a[j]` stands `a[j] = held`."""
    if not is_item_assigned(node) or not isinstance(node.value, ast.Name):
        return False
    taken, place = before.value, node.targets[0]
    return ast.dump(taken.value) == ast.dump(place.value) and ast.dump(taken.slice) == ast.dump(place.slice)


def as_list(x: Any) -> list[Any]:
    return x if isinstance(x, list) else [x]


class Assignments:
    """Part of lift._Lift: statements that bind names, items and attributes."""

    hook: Any
    text: Any
    visit: Any
    mangled: Any
    visit_Name: Any
    scopes: list[BoundNames]
    free: set[str]
    protocols: int

    def fresh_name(self) -> str:
        """A name that the user's text has not."""
        self.protocols += 1
        return f"{PREFIX}target{self.protocols}"

    def made_here(self, at: ast.AST, names: Iterable[str]) -> list[ast.stmt]:
        """Statements that tell of names to which Python has just bound new lists and dicts."""
        loads = [placed(ast.Name(n, ast.Load()), at) for n in names]
        return [placed(ast.Expr(self.hook(at, "made", load)), at) for load in loads]

    def visit_Assign(self, node: ast.Assign) -> ast.AST | list[ast.AST]:
        target = node.targets[0]
        if hasattr(node, "unbound"):
            facts = [placed(ast.Constant(fact), node) for fact in node.unbound]
            node.value = self.hook(node, "undefined", node.value, *facts)
            return node
        if self.is_spread(node):
            return self.apart(node)
        value = self.visit(node.value)
        if len(node.targets) == 1 and isinstance(target, ast.Subscript):
            call = self.hook(node, "set_item", value, self.visit(target.value), self.visit(target.slice))
            return placed(ast.Expr(call), node)
        if len(node.targets) == 1 and isinstance(target, ast.Attribute):
            name = self.text(node, self.mangled(target.attr))
            call = self.hook(node, "set_attr", value, self.visit(target.value), name)
            return placed(ast.Expr(call), node)
        if all(isinstance(t, (ast.Tuple, ast.List)) for t in node.targets):
            value = self.hook(node, "iterated", value)
        for name in self.rebound_outside(node.targets):
            value = self.hook(node, "rebound", value, self.text(node, name))
        for name in stored_names(node.targets):
            value = self.told_of(name, value)
        made = self.made_here(node, starred(node.targets))
        node.targets = [self.visit(t) for t in node.targets]
        node.value = value
        return [node, *made]

    def is_spread(self, node: ast.Assign) -> bool:
        """Whether items or attributes stand among several targets, as in `a[i], a[j] = a[j], a[i]`."""
        is_several = len(node.targets) > 1 or isinstance(node.targets[0], (ast.Tuple, ast.List))
        return is_several and is_more_than_names(node.targets)

    def apart(self, node: ast.Assign) -> list[ast.AST]:
        """Such an assignment as one to names, then one for each target, from left to right."""
        later: list[ast.Assign] = []
        lift = self

        class Names(Transformer):
            def visit_Name(self, n: ast.Name) -> ast.AST:
                name = lift.fresh_name()
                later.append(placed(ast.Assign([n], placed(ast.Name(name, ast.Load()), n)), n))
                return placed(ast.Name(name, ast.Store()), n)

            visit_Subscript = visit_Attribute = visit_Name

        first = placed(ast.Assign([Names().visit(t) for t in node.targets], self.visit(node.value)), node)
        held = {n.id for t in first.targets for n in walk(t) if isinstance(n, ast.Name)}
        self.scopes[-1].bound |= held
        made = self.made_here(node, starred(first.targets))
        places = [n.targets[0] for n in later]
        if len(node.targets) == 1 and all(isinstance(t, ast.Subscript) and is_plain(t) for t in places):
            owners = [self.visit(part) for t in places for part in (t.value, t.slice)]  # type: ignore[attr-defined]
            values = placed(ast.Tuple([n.value for n in later], ast.Load()), node)
            return [first, *made, placed(ast.Expr(self.hook(node, "set_items", values, *owners)), node)]
        return [first, *made, *(s for n in later for s in as_list(self.visit(n)))]

    def rebound_outside(self, targets: list[ast.expr]) -> list[str]:
        """Names among the targets that live outside of the outermost function."""
        return [n for n in stored_names(targets) if self.is_outside(n)]

    def region_here(self, node: ast.AST, is_shared: bool) -> list[ast.stmt]:
        """Of a function whose names nested ones rebind: a statement that keeps in which region it runs."""
        if not is_shared:
            return []
        scope = self.scopes[-1]
        scope.made_in = f"{PREFIX}region{len(self.scopes)}"
        scope.bound.add(scope.made_in)
        store = placed(ast.Name(scope.made_in, ast.Store()), node)
        return [placed(ast.Assign([store], self.hook(node, "region")), node)]

    def told_of(self, name: str, value: ast.expr) -> ast.expr:
        """A value that is given to a name of a function around, which is told of."""
        is_declared = False
        for s in reversed(self.scopes):
            if name in s.bound:
                if not is_declared or not s.made_in:
                    break
                return self.hook(value, "rebound_within", value, self.text(value, name),
                                 placed(ast.Name(s.made_in, ast.Load()), value))
            is_declared |= name in s.declared_nonlocal
        return value

    def is_outside(self, name: str) -> bool:
        """Whether a name is declared global, or nonlocal up to the original function's own closure."""
        for s in reversed(self.scopes):
            if name in s.declared_global:
                return True
            if name in s.bound:
                return False
        return name in self.free and any(name in s.declared_nonlocal for s in self.scopes)

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST | list[ast.AST]:
        op, target = OPERATORS[type(node.op)], node.target
        value = self.visit(node.value)
        if isinstance(target, ast.Attribute):
            owner, name = self.visit(target.value), self.text(node, self.mangled(target.attr))
            call = self.hook(node, "aug_attr", owner, name, self.text(node, op), value)
            return placed(ast.Expr(call), node)
        if isinstance(target, ast.Subscript):
            owner, key = self.visit(target.value), self.visit(target.slice)
            call = self.hook(node, "aug_item", owner, key, self.text(node, op), value)
            return placed(ast.Expr(call), node)
        node.value = value
        load: Any = self.visit_Name(placed(ast.Name(target.id, ast.Load()), target))
        store = placed(ast.Name(target.id, ast.Store()), target)
        if self.is_outside(target.id):
            changed = self.hook(node, "rebound", self.hook(node, "aug", load, self.text(node, op), value),
                                self.text(node, target.id))
            return placed(ast.Assign([store], changed), node)
        changed = self.told_of(target.id, self.hook(node, "aug", load, self.text(node, op), value))
        return placed(ast.Assign([store], changed), node)

    def visit_Delete(self, node: ast.Delete) -> ast.AST | list[ast.AST]:
        """A name that is deleted holds what stands for no value."""
        out: list[ast.AST] = []
        for t in node.targets:
            if isinstance(t, ast.Name) and any(t.id in s.bound for s in self.scopes[-1:]):
                held: Any = self.visit_Name(placed(ast.Name(t.id, ast.Load()), t))
                name = placed(ast.Name(t.id, ast.Store()), t)
                made = self.hook(node, "undefined", self.text(node, t.id))
                out += [placed(ast.Expr(held), t), placed(ast.Assign([name], made), node)]
            elif isinstance(t, ast.Subscript):
                found = self.hook(node, "del_item", self.visit(t.value), self.visit(t.slice))
                out.append(placed(ast.Expr(found), node))
            elif isinstance(t, ast.Attribute):
                found = self.hook(node, "del_attr", self.visit(t.value), self.text(node, self.mangled(t.attr)))
                out.append(placed(ast.Expr(found), node))
            else:
                out.append(placed(ast.Delete([self.visit(t)]), node))
        return out

    def visit_AnnAssign(self, node: ast.AnnAssign) -> Any:
        if node.value is not None and not isinstance(node.target, ast.Name):
            return self.visit(placed(ast.Assign([node.target], node.value), node))
        node.target, node.value = self.visit(node.target), node.value and self.visit(node.value)
        return node

    def visit_NamedExpr(self, node: ast.NamedExpr) -> ast.AST:
        node.value = self.visit(node.value)
        if self.is_outside(node.target.id):
            node.value = self.hook(node, "rebound", node.value, self.text(node, node.target.id))
        node.value = self.told_of(node.target.id, node.value)
        return node

    def rebinding(self, node: ast.stmt, name: str) -> list[ast.stmt]:
        """What stands before a definition that binds a name outside."""
        if not self.is_outside(name):
            return []
        return [placed(ast.Expr(self.hook(node, "rebinding", self.text(node, name))), node)]

    def with_plain_target(self, target: ast.expr, body: list[ast.stmt]) -> tuple[ast.expr, list[ast.stmt]]:
        """The target of a loop or a `with`, and what runs behind it: items, attributes and names outside are assigned
        there, from a name of the function."""
        if not self.rebound_outside([target]) and not is_more_than_names([target]):
            return target, body
        name = self.fresh_name()
        self.scopes[-1].bound.add(name)
        given = placed(ast.Name(name, ast.Load()), target)
        assign = placed(ast.Assign([target], given), target)
        return placed(ast.Name(name, ast.Store()), target), [assign, *body]
