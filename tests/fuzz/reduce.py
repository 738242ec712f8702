"""A failing program made small: statements are dropped and expressions simplified while it still fails alike."""

from __future__ import annotations

import ast
import copy
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from .failure import Endless, Failure, Refused, Rough, Signature, limited
from .source import Program

Edit = Callable[[], None]
Check = Callable[[Program], Failure | None]
Runs = Callable[[Program], bool]


def reduced(p: Program, check: Check, runs: Runs, seconds: float = 60.0) -> Program:
    """The smallest program found, within so much of a core's time, that NumPy runs, and that fails as `p` does."""
    wanted = signature(p, check)
    if wanted is None:  # fails among others, or now and then
        return p
    end = time.process_time() + seconds
    smaller = True
    while smaller and time.process_time() < end:
        smaller = False
        count = sum(1 for _ in edits(ast.parse(p.source)))
        k = 0
        while k < count and time.process_time() < end:
            q = edited(p, k)
            if q is not None and len(q.source) < len(p.source) and ends(q, runs) and signature(q, check) == wanted:
                p, smaller = q, True
                count = sum(1 for _ in edits(ast.parse(p.source)))
            else:
                k += 1
    return p


def ends(p: Program, runs: Runs) -> bool:
    """Whether NumPy runs a program: an edit may have taken the end of a loop."""
    try:
        with limited(2):
            return runs(p)
    except Endless:
        return False


def signature(p: Program, check: Check) -> Signature | None:
    try:
        failure = check(p)
    except (Refused, Rough):
        return None
    return failure.signature if failure else None


def edited(p: Program, k: int) -> Program | None:
    """The program with its k-th edit; None where that gives no program."""
    tree = ast.parse(p.source)
    for n, edit in enumerate(edits(tree)):
        if n == k:
            edit()
            break
    try:
        q = replace(p, source=ast.unparse(ast.fix_missing_locations(tree)) + "\n")
        q.world()
    except Exception:  # an edit may do anything
        return None
    return q


def edits(tree: ast.Module) -> Iterator[Edit]:
    """All edits of a program, those that remove most first. Each, when called, changes the tree."""
    lists = [body for node in ast.walk(tree) for body in bodies(node)]
    lists.sort(key=lambda body: -sum(1 for s in body for _ in ast.walk(s)))
    for body in lists:
        for size in (8, 4, 2, 1):
            for start in range(0, len(body) - size + 1, size):
                yield lambda body=body, start=start, size=size: cut(body, start, size)
    for body in lists:
        for k, statement in enumerate(body):
            for inner in bodies(statement):
                if inner and not isinstance(statement, ast.FunctionDef | ast.ClassDef):
                    yield lambda body=body, k=k, inner=inner: body.__setitem__(slice(k, k + 1), inner)
    for node in list(ast.walk(tree)):
        yield from simpler(node)


def bodies(node: ast.AST) -> list[list[ast.stmt]]:
    found = (getattr(node, field, None) for field in ("body", "orelse"))
    return [b for b in found if isinstance(b, list) and b and isinstance(b[0], ast.stmt)]


def cut(body: list[ast.stmt], start: int, size: int) -> None:
    del body[start:start + size]
    if not body:
        body.append(ast.Pass())


def simpler(node: ast.AST) -> Iterator[Edit]:
    """Each expression below a node replaced by one of its own parts or by a number; tuples made shorter."""
    for field, value in ast.iter_fields(node):
        if isinstance(value, ast.expr) and not isinstance(getattr(value, "ctx", None), ast.Store):
            for smaller in replacements(value):
                yield lambda field=field, smaller=smaller: setattr(node, field, smaller)
        if isinstance(value, list) and len(value) > 1 and isinstance(node, ast.Tuple | ast.List):
            for k in range(len(value)):
                yield lambda value=value, k=k: value.__delitem__(k)
        elif isinstance(value, list):
            for k, item in enumerate(value):
                if isinstance(item, ast.expr) and not isinstance(getattr(item, "ctx", None), ast.Store):
                    for smaller in replacements(item):
                        yield lambda value=value, k=k, smaller=smaller: value.__setitem__(k, smaller)


def replacements(e: ast.expr) -> list[ast.expr]:
    parts: list[ast.expr] = []
    if isinstance(e, ast.BinOp):
        parts = [e.left, e.right]
    elif isinstance(e, ast.UnaryOp):
        parts = [e.operand]
    elif isinstance(e, ast.BoolOp):
        parts = list(e.values)
    elif isinstance(e, ast.IfExp):
        parts = [e.body, e.orelse]
    elif isinstance(e, ast.Call):
        parts = list(e.args) + ([e.func.value] if isinstance(e.func, ast.Attribute) else [])
    elif isinstance(e, ast.Compare):
        parts = [ast.Constant(True), ast.Constant(False)]
    parts = copy.deepcopy(parts)
    if isinstance(e, ast.Call | ast.BinOp | ast.IfExp | ast.Subscript):
        parts += [ast.Constant(1.0), ast.Constant(1)]
    return parts
