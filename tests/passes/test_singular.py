"""Which derivatives may be infinite: where a zero is not as good as an absent cotangent (passes/activity.py)."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from gradjit.ir import F64, OPS, ArrayType, Builder, Value, interpret
from gradjit.ir.builder import build
from gradjit.passes.activity import OVERFLOWING, SINGULAR
from gradjit.passes.partials import elementwise, factorisation, special
from gradjit.passes.vjp import gradient

POINTS = (0.0, 1.0, -1.0, 2.0, -3.0, 0.5, 1e4, -1e4)
SMOOTH = sorted(set(elementwise.PARTIALS) | set(special.PARTIALS))


def slopes(op: str) -> list[float]:
    """The derivatives at finite points, with regard to each operand."""
    spec = OPS[op]
    attrs = {"order": 1} if op == "polygamma" else {}
    assert spec.arity is not None

    def body(b: Builder, *params: Value) -> list[Value]:
        return [b.emit(op, *params, **attrs)]  # type: ignore[list-item]

    f = gradient(build(op, [ArrayType(F64)] * spec.arity, body), range(spec.arity))
    with np.errstate(all="ignore"):
        return [float(g) for at in itertools.product(POINTS, repeat=spec.arity)
                for g in interpret(f, [np.asarray(v) for v in at])[1:]]


@pytest.mark.parametrize("op", SMOOTH)
def test_the_table_says_which(op: str) -> None:
    is_infinite = not np.all(np.isfinite(slopes(op)))
    assert is_infinite == (op in SINGULAR | OVERFLOWING)


def test_the_tables_are_apart() -> None:
    assert not SINGULAR & OVERFLOWING
    apart = {"special_call"} | factorisation.SINGULAR  # of whose functions each has its own domain; of matrices
    assert set(SMOOTH) >= (SINGULAR | OVERFLOWING) - apart
