"""Shapes, axes, order, joining, splitting, padding and creation against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

import gradjit as gj
from tests.tracer.numpy.arrays import EMPTY, IA, IV, SMALL, ZERO_D, A, B, F, M, S, T, V
from tests.tracer.numpy.harness import Case, Outer, by_function, case, check_all

SHAPES = [
    *(case(np.reshape, T, s) for s in ((4, 6), (-1,), 24, (2, -1, 2), (1, 24, 1), [3, 8], (5, 5), (-1, -1), (-1, 5),
                                       (-2, 12))),
    *(case(np.reshape, T, s, order="F") for s in ((4, 6), (-1,), (2, -1, 2))), case(np.reshape, ZERO_D, (1, 1)),
    case(np.reshape, T, (24,), copy=True), case(np.reshape, EMPTY, (3, -1)), case(np.reshape, EMPTY, (0, 7)),
    case(np.reshape, np.ones(1), ()), case(np.reshape, T, (4, 6), order="A"),
    *(case(np.ravel, x, order=o) for x in (A, T, ZERO_D) for o in "CFAK"),
    case(np.ravel, [V, V]), case(np.ravel, V, "K"),
    *(case(np.squeeze, np.ones((1, 3, 1)), a) for a in (None, 0, -1, (0, 2), 1, 5)), case(np.squeeze, ZERO_D),
    *(case(np.expand_dims, A, a) for a in (0, 1, -1, (0, 3), (1, 1), 4)), case(np.expand_dims, 2.5, 0),
    *(case(f, x) for f in (np.atleast_1d, np.atleast_2d, np.atleast_3d) for x in (ZERO_D, V, A, T, 2.5)),
    *(case(f, V, ZERO_D) for f in (np.atleast_1d, np.atleast_2d, np.atleast_3d)),
    *(case(f, T) for f in (np.shape, np.ndim, np.size)), case(np.size, T, 1), case(np.size, T, (0, 2)),
    case(np.shape, [[V[0], 1]]), case(np.reshape, T, range(2, 5)), case(np.tile, A, range(1, 3)),
]

AXES = [
    case(np.transpose, T), case(np.transpose, T, (1, 2, 0)), case(np.transpose, T, (-1, 0, 1)),
    case(np.transpose, T, (0, 1)), case(np.transpose, T, range(2, -1, -1)), case(np.moveaxis, T, range(2), [1, 0]),
    case(np.transpose, T, (0, 0, 1)), case(np.transpose, T, (0, 1, 3)), case(np.transpose, V),
    case(np.permute_dims, T, (2, 0, 1)),
    case(np.matrix_transpose, T), case(np.matrix_transpose, V), case(np.linalg.matrix_transpose, T),
    *(case(np.swapaxes, T, i, j) for i, j in ((0, 1), (-1, 0), (1, 1), (0, 3))),
    *(case(np.moveaxis, T, s, d) for s, d in ((0, -1), (-1, 0), ([0, 1], [-1, 0]), ((0, 1, 2), (2, 0, 1)),
                                              ([0, 0], [1, 2]), (0, 3), ([0, 1], 2))),
    *(case(np.rollaxis, T, a, s) for a in (0, 1, 2, -1) for s in (0, 1, 2, 3)), case(np.rollaxis, T, 0, 4),
    case(np.rollaxis, T, 0, -1),
    *(case(np.flip, T, a) for a in (None, 0, -1, (0, 2), 3)), case(np.flip, EMPTY), case(np.fliplr, A),
    case(np.fliplr, V), case(np.flipud, V),
    case(np.flipud, ZERO_D), *(case(np.rot90, T, k) for k in (0, 1, 2, 3, 4, -1)), case(np.rot90, T, 1, (1, 2)),
    case(np.rot90, T, 1, (0, 0)),
    case(np.rot90, V), *(case(np.roll, T, s, a) for s,
                         a in ((1, None), (-2, 0), (5, 2), ((1, 2), (0, 2)), (1, (0, 1)), ((1, 2), 0), (0, 1), (1, 3))),
    case(np.roll, EMPTY, 2, 0), case(np.roll, V, np.int64(3)), case(np.roll, A, np.array(-1), axis=1),
    case(np.roll, V, 30), case(np.roll, V, (1,), ()), case(np.roll, A, np.array([1, -1]), (0, 1)),
    *(case(f, ZERO_D, n, axis=a) for f, n in ((np.repeat, 2), (np.take, [0, 0])) for a in (0, -1, 1)),
    *(case(np.compress, [True], ZERO_D, axis=a) for a in (0, -1, 1)),
    *(case(f, x, a) for f in (np.fft.fftshift, np.fft.ifftshift) for x in (V, T) for a in (None, 0, (0,), -1)),
    case(np.unstack, T, axis=1), case(np.unstack, ZERO_D),
]

REPETITION = [
    *(case(np.broadcast_to, x, s) for x,
      s in ((V, (2, 7)), (V, (7,)), (ZERO_D, (2, 2)), (A[:, :1], (3, 4)), (A, (3,)), (V, (7, 2)), (2.5, (3,)))),
    case(np.broadcast_to, V, 7), case(np.broadcast_arrays, V, A[:, :1]), case(np.broadcast_arrays, ZERO_D, 2.0, A),
    case(np.broadcast_arrays, V, A),
    *(case(np.tile, x, r) for x in (V, A, ZERO_D, 2.5) for r in (2, (2,), (2, 1), (1, 1), (2, 2, 2), (), 0, (0, 2))),
    case(np.tile, V, -1),
    *(case(np.repeat, x, r, axis=a) for x in (A, T) for r in (2, 0, 1, [2], Outer(3)) for a in (None, 0, -1)),
    case(np.repeat, A, [1, 0, 2], axis=0),
    case(np.repeat, A, [1, 2], axis=0), case(np.repeat, V, -1), case(np.repeat, V, Outer(np.arange(7))),
    case(np.repeat, 2.5, 3),
    *(case(np.resize, A, s) for s in ((2, 2), (5, 5), 3, (0,), (12,))), case(np.resize, EMPTY, (2, 2)),
]

PARTS = [
    *(case(np.diagonal, S, k) for k in (0, 1, -2, 4, 7)), *(case(np.diagonal, A, k) for k in (0, 1, -1, 3, -2)),
    case(np.diagonal, T, 0, 0, 2),
    case(np.diagonal, T, 1, axis1=2, axis2=1), case(np.diagonal, V), case(np.diagonal, T, 0, 1, 1),
    case(np.linalg.diagonal, T, offset=1),
    *(case(np.diag, x, k) for x in (V, S, A) for k in (0, 2, -1)), case(np.diag, T), case(np.diag, np.zeros(0), 1),
    case(np.diag, [1.0, V[0]]),
    *(case(np.diagflat, x, k) for x in (V, A, ZERO_D) for k in (0, -2)),
    *(case(f, x, k) for f in (np.tril, np.triu) for x in (A, T, V, IA, M) for k in (0, 1, -2, 9)),
    case(np.tril, np.ones((40, 40)), 3), case(np.triu, ZERO_D),
    *(case(np.trace, x, k) for x in (A, IA, T, SMALL) for k in (0, 1)), case(np.trace, T, 0, 1, 2),
    case(np.trace, F, dtype=float), case(np.trace, V),
    case(np.linalg.trace, T, offset=-1), case(np.apply_along_axis, np.cumsum, 1, T),
    case(np.apply_along_axis, np.sum, 0, T),
    case(np.apply_along_axis, np.outer, 1, A, V[:2]), case(np.apply_over_axes, np.sum, T, (0, 2)),
    case(np.apply_over_axes, np.max, T, 1),
]

JOINING = [
    *(case(f, [A]) for f in (np.concatenate, np.hstack, np.vstack, np.stack, np.dstack, np.column_stack)),
    case(np.concatenate, [V], None), case(np.append, V, []), case(np.tile, V, 1), case(np.repeat, V, 1),
    case(np.resize, V, 7), case(np.delete, V, []), case(np.insert, V, [], []), case(np.pad, V, 0),
    *(case(np.concatenate, xs, a) for xs in ([A, A], (A, A[:, :2]), [A, B], [V, V], [A, T])
      for a in (0, 1, -1, None, 2)),
    case(np.concatenate, [IA, A]), case(np.concatenate, [SMALL, M]), case(np.concatenate, [V, 2.0]),
    case(np.concatenate, []), case(np.concatenate, T, 1),
    case(np.concatenate, [IA, F]), case(np.concatenate, [V, [1, 2]]), case(np.concatenate, [A, A], dtype="f"),
    case(np.concatenate, [A, A], dtype=int),
    case(np.concatenate, [A, A], dtype=int, casting="unsafe"), case(np.concat, [A, A], axis=1),
    case(np.concatenate, [EMPTY, A[:, :3]]),
    *(case(np.stack, xs, a) for xs in ([A, A], [V, 2 * V, V], (1.5, ZERO_D), [A, B]) for a in (0, 1, -1, 5)),
    case(np.stack, T), case(np.stack, []), case(np.stack, [IA, F]),
    *(case(f, xs) for f in (np.vstack, np.hstack, np.dstack, np.column_stack)
      for xs in ([A, A], [V, V], (1.0, ZERO_D), [V, IV], T)),
    case(np.column_stack, (V, np.ones((7, 2)))), case(np.vstack, [A, B]), case(np.hstack, [A, A[:, :1]]),
    case(np.vstack, [A, A], dtype="f"), case(np.hstack, []),
    *(case(np.append, A, v, axis=a) for v, a in ((A, None), (A, 0), (A[:, :1], 1), (2.0, None), (V, 0))),
    case(np.block, [[A, A], [A, A]]), case(np.block, [[A, np.zeros((3, 1))], [np.zeros((1, 4)), 1.0]]),
    case(np.block, [V, V]), case(np.block, [[V], [V]]), case(np.block, A),
    case(np.block, [[[T, T]]]), case(np.block, [[V], V]), case(np.block, []), case(np.block, [1.0, ZERO_D]),
    *(case(np.split, T, s, a) for s in (2, 3, [1], [1, 2], [5], [-1], -1) for a in (0, 1)),
    *(case(np.array_split, V, s) for s in (3, 7, 9, [2, 4], [4, 2], (1,), -1)),
    *(case(f, T, 2) for f in (np.hsplit, np.vsplit, np.dsplit)), case(np.hsplit, T, [1]), case(np.hsplit, V, 7),
    case(np.vsplit, V, 1), case(np.dsplit, A, 1), case(np.split, V, 2),
    case(np.hsplit, ZERO_D, 1),
]

PADDING = [
    *(case(np.pad, A, w) for w in (1, (1, 2), ((1, 2), (0, 3)), ((1,), (2,)), 0, -1, ((1, 2, 3),))),
    case(np.pad, A, {0: 1, -1: (2, 3)}), case(np.pad, ZERO_D, ()),
    case(np.pad, A, 2, constant_values=1.5), case(np.pad, A, 1, constant_values=((1, 2), (3, 4))),
    case(np.pad, IA, 1, constant_values=2.7), case(np.pad, A, 1, constant_values=V[:2]),
    *(case(np.pad, A, w, mode=m) for m in ("edge", "reflect", "symmetric", "wrap", "linear_ramp", "maximum", "minimum",
                                           "mean") for w in (1, ((2, 1), (0, 3)), 5)),
    *(case(np.pad, IA, ((2, 1), (3, 0)), mode=m) for m in ("edge", "linear_ramp", "maximum", "minimum", "mean",
                                                              "median")),
    case(np.pad, V, 20, mode="wrap"), case(np.pad, V, 20, mode="reflect"),
    case(np.pad, A, 2, mode="linear_ramp", end_values=((1, 2), (3, 4))),
    *(case(np.pad, A, 2, mode=m, stat_length=2) for m in ("maximum", "mean")),
    case(np.pad, V, (0, 0), mode="wrap"), case(np.pad, EMPTY, 1, mode="reflect"), case(np.pad, EMPTY, 1),
    case(np.pad, A, 1, mode="median", stat_length=2),
    case(np.pad, V, 2, mode="reflect", reflect_type="odd", _refused="odd"), case(np.pad, V, (3, 2), "edge"),
    case(np.pad, np.ones(1), 3, mode="symmetric"), case(np.pad, M, 1),
    *(case(np.delete, V, i) for i in (0, -1, 2, [1, 3], slice(1, 5, 2), [], 9)), case(np.delete, A, 1, axis=1),
    case(np.delete, A, [0, 0, 2], axis=0), case(np.delete, A, 3),
    case(np.delete, V, Outer([True, False] * 3 + [True])),
    *(case(np.insert, V, i, v) for i, v in ((0, 2.0), (-1, 5), (7, 1.5), ([1, 3], [8.0, 9.0]), ([1, 1], 4.0),
                                            (2, [1.0, 2.0, 3.0]), (slice(0, 3), 0.0), (9, 1.0))),
    case(np.insert, A, 1, 2.5, axis=1), case(np.insert, A, 1, V[:3], axis=1), case(np.insert, A, 1, V[:4], axis=0),
    case(np.insert, A, [0, 2], A[:, :2], axis=1), case(np.insert, A, 3, 1.0),
    case(np.insert, IA, 1, 2.7, axis=0), case(np.insert, V, 3, np.array(2.0)),
]


def fill_diagonal(x, v, wrap=False):  # type: ignore[no-untyped-def]
    x = x.copy()
    np.fill_diagonal(x, v, wrap)
    return x


ONE, TWO = np.array(1.0), np.array([2.0, 5.0])
CREATION = [
    *(case(f, x) for f in (np.zeros_like, np.ones_like, np.copy, np.asarray, np.array, np.ascontiguousarray,
                           np.asanyarray) for x in (A, IA, ZERO_D, M, [V, V], 2.5)),
    *(case(np.full_like, x, v) for x in (A, IA, F, M) for v in (2, 2.5, True, ZERO_D)), case(np.full_like, A, V[:4]),
    case(np.full_like, A, V), case(np.full_like, A, 1, shape=(2, 2), dtype=int),
    case(np.zeros_like, A, dtype="f"), case(np.zeros_like, A, shape=(3,)), case(np.ones_like, IA, dtype=bool),
    case(np.full, (2, 3), ZERO_D), case(np.full, 3, V[:3], dtype="f"),
    case(np.full, (2, 2), np.float32(3)), case(np.array, A, dtype="f"), case(np.array, V, ndmin=3),
    case(np.array, [[1, V[0]], [2.0, V[1]]]), case(np.array, [V, A]), case(np.asarray, V, dtype=int),
    case(np.array, [ZERO_D, 1, 2]), case(np.array, [V[:3], [1, 2, 3]]), case(np.astype, A, "f"),
    case(np.astype, IA, bool),
    *(case(np.linspace, 0, 1, n, endpoint=e, _floats=True) for n in (0, 1, 2, 7) for e in (True, False)),
    *(case(np.linspace, a, b, 5) for a, b in ((ONE, 3.0), (TWO, 7.0), (TWO, ONE), (np.float32(1), 3))),
    case(np.linspace, TWO, 7.0, 4, axis=1), case(np.linspace, ONE, 9, 5, dtype=int),
    case(np.linspace, ONE, 9.0, 5, retstep=True), case(np.linspace, ONE, 2, -1), case(np.linspace, ONE, 2, 3000),
    case(np.linspace, np.array([1.0], "f"), np.array([2.0], "f"), 3), case(np.logspace, ONE, 3.0, 5),
    case(np.logspace, ONE, 3.0, 5, base=2), case(np.logspace, TWO, 3.0, 4, endpoint=False),
    case(np.geomspace, ONE, 1000.0, 7), case(np.geomspace, -ONE, -1000.0, 7), case(np.geomspace, TWO, 100.0, 4),
    case(np.geomspace, ONE, 9.0, 4, endpoint=False), case(np.geomspace, ONE, 8.0, 1),
    *(case(np.meshgrid, V, A[0], sparse=s, indexing=i) for s in (True, False) for i in ("xy", "ij")),
    case(np.meshgrid, V[:2], V[:3], V[:4]), case(np.meshgrid, V, indexing="xx"), case(np.meshgrid, V),
    *(case(np.vander, x, *n, increasing=i) for x in (V, IV) for n in ((), (3,), (0,), (1,)) for i in (True, False)),
    case(np.vander, A), case(np.ix_, np.array([0, 2]), np.array([1, 3])), case(np.ix_, A),
    case(np.tril_indices_from, S), case(np.triu_indices_from, A, 1), case(np.diag_indices_from, S),
    case(np.diag_indices_from, A), case(np.tril_indices_from, V),
    case(np.result_type, F, 2.0), case(np.result_type, IA, F), case(np.result_type, SMALL, np.int16),
    case(np.common_type, F, IA), case(np.can_cast, F.dtype, "d"),
    *(case(fill_diagonal, x, v) for x in (S, A, A.T.copy(), IA, np.ones((3, 3, 3))) for v in (5, V[:2], ZERO_D)),
    *(case(fill_diagonal, np.ones(s), v, True) for s in ((7, 2), (6, 2), (2, 6), (3, 3, 3)) for v in (5, V[:2])),
    case(fill_diagonal, V, 1), case(fill_diagonal, T, 1),
]


@pytest.mark.parametrize("cases", by_function(SHAPES))
def test_shapes(cases: list[Case]) -> None:
    check_all(cases)


@pytest.mark.parametrize("cases", by_function(AXES))
def test_axes(cases: list[Case]) -> None:
    check_all(cases)


@pytest.mark.parametrize("cases", by_function(REPETITION))
def test_repetition(cases: list[Case]) -> None:
    check_all(cases)


@pytest.mark.parametrize("cases", by_function(PARTS))
def test_parts(cases: list[Case]) -> None:
    check_all(cases)


@pytest.mark.parametrize("cases", by_function(JOINING))
def test_joining(cases: list[Case]) -> None:
    check_all(cases)


@pytest.mark.parametrize("cases", by_function(PADDING))
def test_padding(cases: list[Case]) -> None:
    check_all(cases)


@pytest.mark.parametrize("cases", by_function(CREATION))
def test_creation(cases: list[Case]) -> None:
    check_all(cases)


AXES = np.array([1, 2, 0])


def test_axes_in_an_array() -> None:
    cube = np.arange(24.0).reshape(2, 3, 4)
    f = lambda x: [np.transpose(x, AXES), x.transpose(AXES), np.moveaxis(x, AXES[:2], np.array([0, 2]))]
    for got, wanted in zip(gj.jit(f)(cube), f(cube), strict=True):
        np.testing.assert_array_equal(got, wanted)
