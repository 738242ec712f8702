"""Operations that move elements."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gradjit.ir import OPS
from tests.ops.harness import Case, check

RNG = np.random.default_rng(8)


def draw(*shape: int) -> np.ndarray:
    return np.asarray(RNG.standard_normal(shape))


def broadcast(x: np.ndarray, shape: tuple[int, ...], dims: tuple[int, ...]) -> Case:
    def reference(x: np.ndarray) -> np.ndarray:
        return np.broadcast_to(np.expand_dims(x, tuple(k for k in range(len(shape)) if k not in dims)), shape)

    return Case("broadcast", (x,), {"shape": shape, "dims": dims}, reference, note=f"to{shape}{dims}")


def slices(x: np.ndarray, *windows: slice) -> Case:
    ranges = [range(e)[w] for e, w in zip(x.shape, windows, strict=True)]
    attrs = {"starts": tuple(r.start for r in ranges), "sizes": tuple(len(r) for r in ranges),
             "steps": tuple(r.step for r in ranges)}
    return Case("slice", (x,), attrs, lambda x: x[windows], note=str(windows))


def update(x: np.ndarray, *windows: slice) -> Case:
    def reference(x: np.ndarray, v: np.ndarray) -> np.ndarray:
        out = x.copy()
        out[windows] = v
        return out

    ranges = [range(e)[w] for e, w in zip(x.shape, windows, strict=True)]
    attrs = {"starts": tuple(r.start for r in ranges), "steps": tuple(r.step for r in ranges)}
    return Case("update", (x, draw(*map(len, ranges))), attrs, reference, note=str(windows))


def pad(x: np.ndarray, *around: tuple[int, int, int]) -> Case:
    lows, highs, interiors = (tuple(a[k] for a in around) for k in range(3))

    def reference(x: np.ndarray, value: np.ndarray) -> np.ndarray:
        gap = [range(max(e - 1, 0) * (i + 1) + min(e, 1)) for e, i in zip(x.shape, interiors, strict=True)]
        out = np.full(tuple(map(len, gap)), value)
        out[tuple(slice(None, None, i + 1) for i in interiors)] = x
        return np.pad(out, list(zip(lows, highs, strict=True)), constant_values=value)

    attrs: dict[str, Any] = {"lows": lows, "highs": highs, "interiors": interiors}
    return Case("pad", (x, np.array(0.7)), attrs, reference, note=str(around))


def concat(axis: int, *shapes: tuple[int, ...]) -> Case:
    return Case("concat", tuple(draw(*s) for s in shapes), {"axis": axis}, lambda *xs: np.concatenate(xs, axis),
                note=f"axis{axis}")


V, M = draw(7), draw(3, 4)
A = slice(None)

CASES = [
    broadcast(np.array(1.5), (), ()), broadcast(np.array(1.5), (3,), ()), broadcast(draw(3), (2, 3), (1,)),
    broadcast(draw(2), (2, 3), (0,)), broadcast(draw(2, 1), (2, 3), (0, 1)), broadcast(draw(1, 3), (4, 2, 3), (1, 2)),
    broadcast(draw(1), (1,), (0,)), broadcast(draw(1), (1, 5), (0,)), broadcast(draw(2), (2, 0), (0,)),
    *(Case("reshape", (M,), {"shape": s}, lambda x, s=s: x.reshape(s), note=str(s))
      for s in ((12,), (2, 6), (4, 1, 3))),
    Case("reshape", (draw(1, 1),), {"shape": ()}, lambda x: x.reshape(())),
    *(Case("transpose", (draw(2, 3, 4),), {"perm": p}, lambda x, p=p: x.transpose(p), note=str(p))
      for p in ((0, 1, 2), (2, 0, 1), (1, 0, 2), (2, 1, 0))),
    slices(V, slice(1, None)), slices(V, slice(None, -2)), slices(V, slice(1, 6, 2)), slices(V, slice(None, None, -1)),
    slices(V, slice(5, 0, -2)), slices(V, slice(3, 3)), slices(V, slice(4, 5)), slices(V, slice(6, 0, -4)),
    slices(M, slice(1, None), slice(None, None, -2)), slices(M, A, slice(2, 3)), slices(M, slice(0, 0), A),
    update(V, slice(1, 4)), update(V, slice(None, None, 3)), update(V, slice(5, 0, -2)), update(V, slice(2, 2)),
    update(M, slice(1, None), slice(None, None, -2)), update(M, A, A),
    pad(V, (0, 0, 0)), pad(V, (2, 0, 0)), pad(V, (0, 3, 0)), pad(V, (1, 2, 1)), pad(M, (1, 0, 2), (0, 1, 0)),
    pad(draw(0), (1, 1, 1)), pad(draw(1), (0, 0, 3)),
    concat(0, (3,), (4,)), concat(1, (2, 3), (2, 1), (2, 2)), concat(0, (2, 3), (0, 3), (1, 3)), concat(0, (3,)),
    Case("concat", (M,), {}, lambda x: np.concatenate([x, x]), lambda b, x: b.concat(x, x, axis=0), note="twice"),
    Case("slice", (np.arange(6),), {"starts": (1,), "sizes": (2,), "steps": (2,)}, lambda x: x[1:5:2], note="int"),
]


@pytest.mark.thinned
@pytest.mark.parametrize("case", CASES, ids=lambda c: c.id)
def test_operation(case: Case) -> None:
    check(case)


def test_every_movement_has_a_case() -> None:
    assert {name for name, s in OPS.items() if s.family == "movement"} == {c.op for c in CASES}
