"""Walks over syntax trees find what those of the standard library find."""

from __future__ import annotations

import ast

import pytest

from gradjit.tracer import syntax
from tests.sources import FILES

TREES = [ast.parse(path.read_text(encoding="utf-8")) for path in FILES[::9]]
TEXT = """
match point:
    case {"x": [first, *rest], **others} if first: pass
    case Point(x=0) | None as q: del rest[0]
async def f(a, *b, c: int = 1, **d):
    async for x in y: await x
    with open(a) as h, z: yield
    try: raise E from None
    except* (A, B) as e: pass
    finally: global g
    return lambda p, /: {k: v async for k, v in d if (w := k)}, f"{a!r:>{b}}", a[1:2, ...], -1 if a < b <= c else not d
class C(B, metaclass=M): x: int; y: int = 2
import a.b as c
for _ in (): nonlocal_ = 1
else: x += 1
"""
CONTEXTS = (ast.expr_context, ast.alias)


@pytest.mark.parametrize("tree", [*TREES[:20], ast.parse(TEXT)])
def test_every_node_is_found(tree: ast.Module) -> None:
    expected = [n for n in ast.walk(tree) if not isinstance(n, CONTEXTS)]
    found = syntax.walk(tree)
    assert len(found) == len(expected) and set(map(id, found)) == set(map(id, expected))
    for n in expected:
        below = [c for c in ast.iter_child_nodes(n) if not isinstance(c, CONTEXTS)]
        assert [id(c) for c in syntax.children(n)] == [id(c) for c in below]


class Names(syntax.Visitor):
    def __init__(self) -> None:
        self.found: list[str] = []

    def visit_Name(self, node: ast.Name) -> None:
        self.found.append(node.id)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self.found.append("lambda")


def test_visitors_go_where_they_are_sent() -> None:
    names = Names()
    names.visit(ast.parse("a = b[c](lambda d: e) + f.g"))
    assert names.found == ["a", "b", "c", "lambda", "f"]


class Doubled(syntax.Transformer):
    """Each `pass` becomes two, each `del` none, each 1 a 2."""

    def visit_Pass(self, node: ast.Pass) -> list[ast.AST]:
        return [node, ast.Pass()]

    def visit_Delete(self, node: ast.Delete) -> None:
        return None

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        return ast.Constant(2) if node.value == 1 else node


def test_transformers_put_in_what_they_are_given() -> None:
    tree = Doubled().visit(ast.parse("if x:\n    pass\n    del y\n    z = [1, None, 3]"))
    assert ast.unparse(tree) == "if x:\n    pass\n    pass\n    z = [2, None, 3]"


def test_what_is_placed_stands_where_the_other_does() -> None:
    (like,) = ast.parse("\n\n  \nabc.d").body
    new = syntax.placed(ast.Name("x", ast.Load()), like)
    assert (new.lineno, new.col_offset, new.end_lineno, new.end_col_offset) == (4, 0, 4, 5)
