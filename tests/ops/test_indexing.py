"""Gathers, scatters and sorting."""

from __future__ import annotations

import numpy as np
import pytest

from gradjit.ir import OPS
from tests.ops.harness import Case, check

RNG = np.random.default_rng(9)


def draw(*shape: int) -> np.ndarray:
    return np.asarray(RNG.standard_normal(shape))


def front(rank: int, axes: tuple[int, ...]) -> tuple[int, ...]:
    """The permutation that puts the indexed axes first, as the table's operations see the array."""
    return axes + tuple(k for k in range(rank) if k not in axes)


def gather(x: np.ndarray, axes: tuple[int, ...], *indices: np.ndarray) -> Case:
    def reference(x: np.ndarray, *indices: np.ndarray) -> np.ndarray:
        return x.transpose(front(x.ndim, axes))[indices]

    return Case("gather", (x, *indices), {"axes": axes}, reference, note=f"axes{axes}")


def scatter(op: str, x: np.ndarray, axes: tuple[int, ...], *indices: np.ndarray, note: str = "") -> Case:
    def reference(x: np.ndarray, *rest: np.ndarray) -> np.ndarray:
        *indices, v = rest
        out = x.copy()
        view = out.transpose(front(x.ndim, axes))
        for place in np.ndindex(indices[0].shape):
            spot = tuple(i[place] for i in indices)
            view[spot] = view[spot] + v[place] if op == "scatter_add" else v[place]
        return out

    rest = tuple(e for k, e in enumerate(x.shape) if k not in axes)
    v = draw(*indices[0].shape, *rest)
    return Case(op, (x, *indices, v), {"axes": axes}, reference, note=f"axes{axes}{note}")


def constant(case: Case, *indices: np.ndarray) -> Case:
    """The same with the indices written into the program."""
    def body(b, x, v):
        return b.emit(case.op, x, *(b.const(i) for i in indices), v, **case.attrs)

    reference = case.reference
    return Case(case.op, (case.inputs[0], case.inputs[-1]), case.attrs,
                lambda x, v: reference(x, *indices, v), body, note=case.note + "const")  # type: ignore[misc]


V, M, T = draw(5), draw(3, 4), draw(2, 3, 4)
I, DUPLICATES, TABLE = np.array([2, 0, 4]), np.array([1, 3, 1, 1, 0]), np.array([[0, 2], [2, 1]])
ROWS, COLUMNS = np.array([0, 2, 0, 1]), np.array([3, 1, 3, 0])

SCATTERS = [
    (V, (0,), (I,)), (V, (0,), (DUPLICATES,)), (M, (0,), (TABLE,)), (M, (1,), (TABLE,)), (M, (0, 1), (ROWS, COLUMNS)),
    (M, (1, 0), (COLUMNS, ROWS)), (T, (1,), (np.array(1),)), (T, (0, 2), (TABLE // 2, TABLE)),
    (V, (0,), (np.zeros(0, np.int64),)),
]

CASES = [
    *(Case("bounded", (i,), {"extent": (5,)}, lambda i: i, smooth=False) for i in (np.array(0), np.array(4), I)),
    *(gather(x, axes, *indices) for x, axes, indices in SCATTERS),
    *(scatter(op, x, axes, *indices) for op in ("scatter", "scatter_add") for x, axes, indices in SCATTERS),
    *(constant(scatter("scatter", V, (0,), i, note=n), i) for i, n in ((I, "distinct"), (DUPLICATES, "duplicates"))),
    *(Case(op, (x,), {"axis": axis}, lambda x, f=f, axis=axis: f(x, axis=axis, kind="stable"), smooth=op == "sort")
      for op, f in (("sort", np.sort), ("argsort", np.argsort)) for x, axis in ((V, 0), (M, 0), (M, 1), (T, 1))),
]


@pytest.mark.thinned
@pytest.mark.parametrize("case", CASES, ids=lambda c: c.id)
def test_operation(case: Case) -> None:
    check(case)


def test_every_indexing_operation_has_a_case() -> None:
    assert {name for name, s in OPS.items() if s.family == "indexing"} == {c.op for c in CASES}
