"""The tables of docs/derivatives.md, row by row, in both modes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from gradjit.ir import F64, OPS, ArrayType, Builder, Func, Value
from gradjit.ir.builder import build
from gradjit.passes.jvp import jvp
from gradjit.passes.vjp import gradient
from tests.ops.harness import everywhere

PAGE = Path(__file__).parents[2] / "docs" / "derivatives.md"
ROW = re.compile(r"\| `(\w+)\([\w, ]+\)` \| ([^|]+) \| ([^|]+) \|")
VECTOR = re.compile(r"\[([^]]*)\]")


@dataclass(frozen=True)
class Row:
    op: str
    at: tuple[np.ndarray, ...]
    derivatives: tuple[np.ndarray, ...]
    text: str


def numbers(text: str) -> tuple[np.ndarray, ...]:
    """`1, none` or `[1, 2]`; a derivative that there is none of is zero."""
    vectors = VECTOR.findall(text)
    if vectors:
        return tuple(np.array([float(n) for n in v.split(",")]) for v in vectors)
    return tuple(np.array(0.0 if n.strip() == "none" else float(n)) for n in text.split(","))


def rows() -> list[Row]:
    found = [Row(m[1], numbers(m[2]), numbers(m[3]), m[0]) for m in ROW.finditer(PAGE.read_text())]
    assert len(found) > 40
    return found


def attrs(op: str) -> dict[str, object]:
    known: dict[str, object] = {"axes": (0,), "axis": 0, "reverse": False}
    return {name: known[name] for name in OPS[op].attrs}


def scalar_function(row: Row) -> Func:
    """The sum of the operation's result, or a zero beside a result without derivative, so that both modes apply."""
    def body(b: Builder, *params: Value) -> list[Value]:
        r = b.emit(row.op, *params, **attrs(row.op))
        r = b.cast_to(r, F64)
        return [b.sum(r, axes=(0,)) if r.type.rank else r]

    return build(row.op, [ArrayType(F64, a.shape) for a in row.at], body, "xy")


@pytest.mark.parametrize("row", rows(), ids=lambda r: r.text)
def test_gradient(row: Row) -> None:
    assert len(row.at) == len(row.derivatives) == OPS[row.op].arity, row.text
    f = scalar_function(row)
    got = everywhere(gradient(f, range(len(row.at))), row.at)[1:]
    for g, expected in zip(got, row.derivatives, strict=True):
        np.testing.assert_allclose(g, np.broadcast_to(expected, g.shape), rtol=4e-16, atol=0, err_msg=row.text)


@pytest.mark.parametrize("row", rows(), ids=lambda r: r.text)
def test_tangents(row: Row) -> None:
    """Each element's unit tangent; one operand at a time, so that an infinite partial meets no zero tangent."""
    f = scalar_function(row)
    for k, expected in enumerate(row.derivatives):
        for place in np.ndindex(row.at[k].shape):
            unit = np.zeros(row.at[k].shape)
            unit[place] = 1.0
            tangent = everywhere(jvp(f, [k]), [*row.at, unit])[1]
            e = np.broadcast_to(expected, row.at[k].shape)[place]
            np.testing.assert_allclose(tangent, e, rtol=4e-16, atol=0, err_msg=row.text)


@pytest.mark.parametrize("word", ["sign", "floor", "ceil", "trunc", "rint", "isnan", "argmax", "argsort", "any", "all"])
def test_the_page_names_what_has_no_derivative(word: str) -> None:
    assert f"`{word}`" in PAGE.read_text().split("## What has no derivative")[1]
