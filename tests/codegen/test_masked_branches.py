"""Masks whose parts are shared many times over."""

from __future__ import annotations

from gradjit.codegen.affine import Affine
from gradjit.codegen.loops import Buffer, Nodes
from gradjit.codegen.masked_branches import reads
from gradjit.ir.types import F64


def test_what_is_shared_is_looked_at_once() -> None:
    """As a tree this node has 2**200 leaves."""
    nodes, x = Nodes(), Buffer("x", F64, (1,), "input")
    n = nodes.load(x, Affine({}))
    for _ in range(200):
        n = nodes.apply("add", (n, n), F64)
    assert reads(n) == {x}
