"""Linear algebra."""

from __future__ import annotations

import numpy as np
import pytest

from gradjit.ir import OPS
from tests.ops.harness import Case, check

RNG = np.random.default_rng(10)


def contract(equation: str, *extents: dict[str, int] | str) -> Case:
    """A contraction from its einsum; result axes in the table's order."""
    sizes = {"a": 2, "b": 3, "i": 2, "j": 3, "k": 4, "l": 2, "m": 3}
    left, out = equation.split("->")
    xs, ys = left.split(",")
    shared = [c for c in xs if c in ys and c in out]
    summed = [c for c in xs if c in ys and c not in out][::-1]  # an order that is neither operand's
    attrs = {"xbatch": tuple(xs.index(c) for c in shared), "ybatch": tuple(ys.index(c) for c in shared),
             "xsum": tuple(xs.index(c) for c in summed), "ysum": tuple(ys.index(c) for c in summed)}
    x, y = (np.asarray(RNG.standard_normal([sizes[c] for c in labels])) for labels in (xs, ys))
    return Case("contract", (x, y), attrs, lambda x, y: np.einsum(equation, x, y), note=equation)


CASES = [contract(e) for e in (
    "i,j->ij", "i,i->", "ij,j->i", "ij,i->j", "ij,jk->ik", "ji,jk->ik", "ij,kj->ik", "ji,kj->ik", "aij,ajk->aik",
    "ija,jak->aik", "ijk,jkl->il", "ijk,kjl->il", "jik,lkj->il", "abij,abjk->abik", "aibj,kbja->abik", "ij,kl->ijkl",
    "a,a->a", "ai,aj->aij", ",i->i", ",->",
)]
CASES += [
    Case("contract", (np.zeros((2, 0)), np.zeros((0, 3))), {"xbatch": (), "ybatch": (), "xsum": (1,), "ysum": (0,)},
         np.matmul, note="empty"),
    Case("contract", (RNG.standard_normal((3, 3)),), {},
         lambda x: x @ x.T, lambda b, x: b.contract(x, x, xbatch=(), ybatch=(), xsum=(1,), ysum=(1,)), note="itself"),
    Case("contract", (np.arange(6).reshape(2, 3), np.arange(12).reshape(3, 4)),
         {"xbatch": (), "ybatch": (), "xsum": (1,), "ysum": (0,)}, np.matmul, note="int"),
]


@pytest.mark.thinned
@pytest.mark.parametrize("case", CASES, ids=lambda c: c.id)
def test_operation(case: Case) -> None:
    check(case)


def test_every_linalg_operation_has_a_case() -> None:
    assert {name for name, s in OPS.items() if s.family == "linalg"} == {c.op for c in CASES}
