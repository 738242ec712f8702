"""Taking, putting, sorting, searching and counting against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from tests.tracer.numpy.arrays import EMPTY, IA, IV, NANS, SMALL, TIES, UNSIGNED, ZERO_D, A, C, F, M, T, V
from tests.tracer.numpy.harness import Case, Outer, by_function, case, check_all

I2 = np.array([[0, -1], [2, 1]])
ROWS = np.array([0, 2, 1, 1])
MASK = np.array([True, False, True])

TAKE = [
    case(np.take, V, np.arange(7)), case(np.take, V, list(range(7))), case(np.take, A, [0, 1, 2], axis=0),
    case(np.compress, [True] * 7, V), case(np.extract, [True] * 7, V), case(np.take, ZERO_D, [0]),
    *(case(np.take, x, i, axis=a) for x in (A, T) for i in (0, -1, [0, 2], I2, Outer(I2), [], [[1]])
      for a in (None, 0, 1, -1)),
    *(case(np.take, V, i, mode=m) for i in ([0, 9, -9], np.array([3, 8, -2]), 100) for m in ("clip", "wrap")),
    case(np.take, V, 7), case(np.take, V, [-8]),
    case(np.take, V, np.array([7])), case(np.take, V, [0], mode="none"), case(np.take, EMPTY, [0], axis=0),
    case(np.take, EMPTY, [], axis=0), case(np.take, A, [0], axis=2), case(np.take, IV, IV % 7),
    case(np.take, V, np.array(2)), case(np.take, [1, 2, 3], np.array([0, 1])), case(np.take, V, np.array([1, 2], "B")),
    case(np.take, V, np.array([-1, 2], "b")), case(np.take, ZERO_D, 0),
    *(case(np.take_along_axis, A, np.argsort(A, axis=a), a) for a in (0, 1)),
    case(np.take_along_axis, A, np.array([[0], [1], [-1]]), 1), case(np.take_along_axis, V, np.array([0, 3]), 0),
    case(np.take_along_axis, A, np.array([[2, 0, 1, 1]]), 0), case(np.take_along_axis, V, np.array([0, 3]), None),
    case(np.take_along_axis, A, np.array([0]), 0), case(np.take_along_axis, A, np.array([[9]]), 0),
    case(np.take_along_axis, np.ones((1, 3)), np.array([[0], [1]]), 1),
    case(np.take_along_axis, T, np.array([[[0], [1], [1]]]), 2), case(np.take_along_axis, A, np.array([[0.0]]), 0),
    case(np.choose, ROWS % 3, [V[:4], V[1:5], 7.5]), case(np.choose, I2 % 2, [1, 2]),
    case(np.choose, np.array([0, 3]), [V[:2], V[1:3]], mode="clip"),
    case(np.choose, np.array([0, -1]), [V[:2], V[1:3]], mode="wrap"),
    case(np.choose, 1, [V, -V]), case(np.choose, Outer([0, 5]), [V[:2], V[1:3]], _raises=IndexError),
    case(np.choose, ROWS % 3, A),
    case(np.compress, Outer(MASK), A, axis=0), case(np.compress, [True, False, True, False], A, axis=1),
    case(np.compress, Outer(MASK), A), case(np.compress, Outer([True] * 9), V), case(np.compress, [[True]], V),
    case(np.extract, Outer(M), A), case(np.extract, [True, False], V),
    case(np.compress, MASK, A, axis=0), case(np.extract, M, A),
    case(np.compress, V > 0, V), case(np.compress, V[:3] > 0, V), case(np.repeat, V, V > 0),
    case(np.repeat, V, IV, _refused="np.repeat"),
    *(case(np.ravel_multi_index, (ROWS, ROWS[::-1]), (3, 4), order=o) for o in "CF"),
    case(np.ravel_multi_index, (ROWS, 9), (3, 4), mode="clip"),
    case(np.ravel_multi_index, (ROWS, 9), (3, 4), mode=("raise", "wrap")),
    case(np.ravel_multi_index, (Outer([0, 3]), 1), (3, 4), _raises=(IndexError, ValueError)),
    case(np.ravel_multi_index, (ROWS,), (3, 4)), *(case(np.unravel_index, ROWS * 3, (2, 3, 2), order=o) for o in "CF"),
    case(np.unravel_index, Outer([12]), (2, 3, 2), _raises=(IndexError, ValueError)),
    case(np.unravel_index, 5, (2, 3)), case(np.unravel_index, np.int64(5), (2, 3)), case(np.unravel_index, V, (2, 3)),
]


def changed(f, x, *args, **kwargs):  # type: ignore[no-untyped-def]
    """What a function that changes its first argument makes of it."""
    y = x.copy()
    f(y, *args, **kwargs)
    return y


def add_at(x, i, v):  # type: ignore[no-untyped-def]
    np.add.at(x, i, v)


def subtract_at(x, i, v):  # type: ignore[no-untyped-def]
    np.subtract.at(x, i, v)


UP_TO_THE_END = np.array([0, 1, 2**64 - 1, 5], np.uint64)
WRITES = [
    *(case(changed, f, x, i, v) for f in (add_at, subtract_at) for x in (UP_TO_THE_END, UP_TO_THE_END.astype(np.uint32))
      for i in (0, [1, 1, 3]) for v in (3, -3, 2.5, np.uint8(200), np.array([1, -1, 2])[:3 if i else 1])),
    case(changed, add_at, V, np.array([[0, 1], [1, 3]]), np.array([[1.0, 2.0], [3.0, 4.0]])),
    *(case(changed, np.put, x, i, v) for x in (V, A, IA) for i,
      v in (([0, 2], [8.0, 9.0]), (-1, 5), ([1, 1, 3], 2.5), ([0, 1, 2], [1, 2]), (np.array([0, 4]), V[:2]), ([], 1.0),
            ([99], 1.0))),
    case(changed, np.put, V, [9, -9], 1.0, mode="clip"), case(changed, np.put, V, [9, -9], [1.0, 2.0], mode="wrap"),
    case(changed, np.put_along_axis, A, np.array([[0], [1], [2]]), 9.0, 1),
    case(changed, np.put_along_axis, A, np.array([[0, 1, 2, 0]]), A[:1] * 2, 0),
    case(changed, np.put_along_axis, A, np.array([0, 5]), [7.0, 8.0], None),
    case(changed, np.put_along_axis, IA, np.array([[0], [1], [2]]), 9.7, 1),
    *(case(changed, np.putmask, A, m, v) for m in (M, Outer(M), A > 1) for v in (5, V[:4], A * 2, [1, 2])),
    case(changed, np.putmask, A, MASK, 1), case(changed, np.putmask, A, M, []),
    *(case(changed, np.place, A, Outer(M), v) for v in (5.0, V[:2], [1, 2, 3])), case(changed, np.place, A, M, [2.0]),
    case(changed, np.place, A, Outer(M), []), case(changed, np.place, A, M, V),
    case(changed, np.copyto, A, 2), case(changed, np.copyto, A, V[:4]), case(changed, np.copyto, A, IA, where=M),
    case(changed, np.copyto, IA, A), case(changed, np.copyto, IA, A, casting="unsafe"), case(changed, np.copyto, A, V),
    case(changed, np.copyto, IA, 2.5), case(changed, np.copyto, SMALL, 3),
    *(case(changed, f, x, i, v) for f in (add_at, subtract_at) for x in (V, IV) for i,
      v in (([0, 0, 2], 1), (np.array([1, 1, 1]), np.array([1, 2, 3])), (slice(0, 3), 2), (3, 4),
            (Outer([0, -1, 0]), 1), ([], 1))),
    case(changed, add_at, A, (np.array([0, 0]), np.array([1, 1])), V[:2]),
    case(changed, add_at, A, np.array([0, 0, 2]), A), case(changed, add_at, IV, 0, 1.5),
    case(changed, add_at, V, [99], 1.0),
]

SORTING = [
    *(case(np.sort, x, a) for x in (A, IA, T, M, UNSIGNED, NANS, F, TIES) for a in (0, -1, None)),
    *(case(np.argsort, x, a, kind="stable") for x in (A, IA, T, M, UNSIGNED, NANS, F, TIES) for a in (0, -1, None)),
    case(np.sort, A, 2), case(np.sort, ZERO_D), case(np.sort, EMPTY, 0), case(np.sort, V, kind="heapsort"),
    case(np.sort, V, stable=True), case(np.argsort, TIES, kind="stable"), case(np.sort, C),
    case(np.lexsort, (IA[0], A[0])), case(np.lexsort, np.array([[1, 2, 1, 2], [3, 3, 1, 1]])),
    case(np.lexsort, (A, IA), axis=0), case(np.lexsort, ()),
    *(case(np.searchsorted, np.sort(x), v, side=s) for x in (V, IV, np.round(np.linspace(-3, 3, 41)))
      for v in (0.5, V, A, IA, np.array([np.nan, np.inf, -np.inf])) for s in ("left", "right")),
    *(case(np.searchsorted, np.array([1.0, 2.0, np.inf, np.nan, np.nan]), np.array([np.nan, np.inf, 2.0]), side=s)
      for s in ("left", "right")), case(np.searchsorted, np.zeros(0), V), case(np.searchsorted, A, V),
      case(np.searchsorted, V, 1, side="x"),
    *(case(np.searchsorted, np.repeat(np.arange(30.0), 3), np.arange(-1, 31.0, 0.5), side=s)
      for s in ("left", "right")), case(np.searchsorted, V, A, sorter=np.argsort(V)),
      case(np.searchsorted, np.arange(5), 2.5), case(np.searchsorted, np.arange(5), np.float32(3)),
    *(case(np.digitize, V, Outer(b), right=r) for b in ([-1.0, 0.0, 1.0], [1.0, 0.0, -1.0], np.linspace(-2, 2, 30))
      for r in (False, True)), case(np.digitize, V, Outer([1.0, 0.0, 2.0])),
      *(case(np.digitize, V, e, right=r) for e in (np.sort(A[0]), -np.sort(A[0]), V[:1]) for r in (False, True)),
      case(np.digitize, V, np.array([1.0, 0.0, 2.0])),
    case(np.isin, IA, [1, 2, -3]), case(np.isin, IA, IV, invert=True), case(np.isin, A, []), case(np.isin, 3, IV),
    case(np.isin, [1, 2], np.array([[2, 3]])), case(np.isin, V, V[::2]),
    *(case(f, Outer(x)) for f in (np.nonzero, np.argwhere, np.flatnonzero) for x in (M, IA, V)),
    case(np.nonzero, A), case(np.where, M), case(np.where, Outer(M)),
    case(np.argwhere, V), case(np.argwhere, A),
    *(case(f, Outer(IA)) for f in (np.unique, np.unique_values, np.unique_counts, np.unique_inverse)),
    case(np.unique, Outer(IA), return_counts=True), case(np.union1d, Outer(IV), [3, 99]),
    case(np.unique, A), case(np.unique, V, True, True, True),
    case(np.unique, A, axis=0, _refused="axis="), case(np.unique, A, return_counts=True),
    case(np.union1d, V, A), case(np.intersect1d, V, V[::-1]), case(np.intersect1d, V, A), case(np.setdiff1d, V, V[:2]),
    case(np.setxor1d, V, A[0]), case(np.trim_zeros, V), case(np.trim_zeros, np.array([0.0, 2, 0, 1, 0, 0])),
    case(np.trim_zeros, np.array([0.0, 2, 0]), "f"), case(np.trim_zeros, np.zeros(3)),
    case(np.trim_zeros, np.array([0.0, 2, 0]), "b"), case(np.unique_counts, V), case(np.unique_all, V),
    case(np.unique, np.array([1.0, np.nan, np.nan, 0.0])), case(np.unique_values, np.array([1.0, np.nan, np.nan])),
    case(np.trim_zeros, Outer([0, 0, 1, 0])),
]

COUNTING = [
    case(np.bincount, Outer([0, 1, 1, 3])), case(np.bincount, Outer([0, 1, 1, 3]), weights=V[:4]),
    case(np.bincount, Outer([0, 1, 1, 3]), minlength=6, weights=[1, 2, 3, 4]),
    case(np.bincount, Outer([0, 1]), weights=V), case(np.bincount, ROWS, _refused="np.bincount"),
    *(case(np.histogram, x, bins=b, _tolerance=1e-12) for x in (V, A, IA)
      for b in (3, 10, [-1.0, 0.0, 1.0], np.linspace(-9, 9, 25))), case(np.histogram, V, 4, (-1.0, 1.0)),
      case(np.histogram, V, 4, weights=V), case(np.histogram, V, 4, density=True),
    case(np.histogram, V, bins=[0.0, 1.0], density=True), case(np.histogram, np.full(4, 2.0), 3),
    case(np.histogram, V, 0), case(np.histogram, V, 3, (1.0, -1.0)),
    case(np.histogram, V, "auto", _refused="np.histogram"), case(np.histogram, V, 3, weights=V[:2]),
    case(np.histogram2d, V, V[::-1], 3), case(np.histogram2d, V, V * V, [3, 2], weights=V),
    case(np.histogram2d, V, V[::-1], [np.array([-1.0, 0.5, 1.0]), 4], density=True), case(np.histogram2d, V, V[1:]),
    case(np.histogram2d, V, V * V, np.array([-1.0, 0.0, 1.0])), case(np.histogramdd, A, 2),
    case(np.histogramdd, A[:, :2], bins=(3, 2), range=[(-1, 1), (0, 1)]), case(np.histogramdd, A, (2, 3)),
    case(np.histogram_bin_edges, V, 5), case(np.histogram_bin_edges, V, 5, (0, 1)),
    case(np.histogram, np.array([1.0, 2.0, 2.0, 3.0]), [1.0, 2.0, 3.0]),
]


def chained(x, i, v):  # type: ignore[no-untyped-def]
    """Writes through the view that an integer index gives."""
    y = x.copy()
    row = y[i]
    row[0] = v
    row += 1.0
    y[i][1] *= 2.0
    y[:, i, ...][0] = v
    y[i, 1, ...] = 7.0
    return y, row


def index(x, key):  # type: ignore[no-untyped-def]
    return x[key]


def assign(x, key, v):  # type: ignore[no-untyped-def]
    y = x.copy()
    y[key] = v
    return y


S = slice
KEYS = [
    0, -1, 1, S(None), S(1, None), S(None, None, -1), S(2, 0, -1), S(5, 9), S(-2, None), S(1, 1), S(None, None, 2),
    Ellipsis, None, (), (0, 1), (0, -1, 2), (S(None), 1), (Ellipsis, 0), (0, Ellipsis, 1), (None, 0, None),
    (S(None), None, S(1, 3)), (S(None, None, -1), S(None, None, -2)), [0, 1], [[0], [1]], ([0, 1], [1, 0]),
    ([0, 1], S(None), [1, 0]), (0, S(None), [1, 0]), (S(None), 0, [1, 0]), (S(None), [0, 1], [1, 0]), ([0, 1], 0),
    ([[0], [1]], [0, 1, 2]),
    (S(None), [0, 2], S(0, 2)), (None, [0, 1], S(None)), ([0, 1], None, S(None)), ([0, 1], Ellipsis, [0, 1]),
    (S(None, None, -1), [1, 0, 0]), [], ([], S(None)), np.int64(1), np.array(1), (np.array(0), S(None), np.array(1)),
    [-1, -2], ([0, -1], -1),
]
BAD_KEYS = [5, -3, (0, 0, 0, 0), (Ellipsis, Ellipsis), [0, 2], [-3], 1.5, [0.5], "a", ([0, 1], [0, 1, 2]),
            S(None, None, 0), (0, 9), (S(None), [3])]
INDEXING = [
    *(case(chained, T, i, 3.5) for i in (np.int64(1), np.int64(-1), np.array(0), 1)),
    case(index, T, (np.int64(1), Ellipsis, np.int64(0))), case(index, V, (np.int64(1), Ellipsis)),
    *(case(index, T, k) for k in KEYS), *(case(index, T, k) for k in BAD_KEYS), case(index, V, (3,)),
    case(index, V, S(5, 1, -2)), case(index, ZERO_D, ()), case(index, ZERO_D, Ellipsis), case(index, ZERO_D, None),
    case(index, ZERO_D, 0), case(index, EMPTY, S(0, 2)), case(index, EMPTY, 0),
    *(case(index, T, k) for k in (I2 % 2, (I2 % 2, I2), (S(None), I2 % 3), (I2 % 2, S(None), 0), np.array([1, 0]),
                                  np.array([-1]), np.array([5]), Outer([5]))),
                                  case(index, V, np.array([[1, -2]], "b")), case(index, V, np.array([1], "B")),
                                  case(index, V, np.int32(-2)),
    *(case(index, T, Outer(k)) for k in (T > 0, T[:, :, 0] > 0, np.array([True, False]))),
    case(index, T, (S(None), Outer(MASK))), case(index, T, (Outer([True, False]), 0)),
    case(index, T, (0, Outer(MASK), S(1, 3))), case(index, V, Outer([True, False])),
    case(index, A, [True, False, True]), case(index, A, ([True, False, True], [0, 1])),
    case(index, A, M),
    *(case(assign, T, k, 7.5) for k in KEYS), *(case(assign, T, k, 1.0) for k in BAD_KEYS),
    *(case(assign, T, k, v) for k, v in ((0, A), (S(None), A), ((S(None), 1), V[:4]), ((0, 1, 2), ZERO_D),
                                         (Ellipsis, T * 2), ([0, 0], T * 3), ((S(None), [0, 0]), 1.0), (0, V),
                                         (([0, 1], [1, 0]), A[:2]))),
    *(case(assign, A, k, v) for k, v in ((M, 2.0), (Outer(M), 2.0), (M, ZERO_D), (A > 9, 1.0), (Outer(MASK), 3.0),
                                         (Outer(MASK), A[:2]), ((Outer(MASK), 1), 5.0))), case(assign, IA, 0, 2.7),
                                         case(assign, SMALL, 0, 300), case(assign, A, M, V),
                                         case(assign, A, M, np.arange(int(np.sum(M)))),
    *(case(assign, V, k, v) for k, v in ((np.array([0, 0, 1]), np.array([1.0, 2.0, 3.0])), (np.array([0, 0, 1]), 5.0),
                                         (np.int64(3), 2.0), (np.array([9]), 1.0))), case(assign, ZERO_D, (), 3.0),
                                         case(assign, ZERO_D, Ellipsis, 3.0),
]


@pytest.mark.parametrize("cases", by_function(TAKE))
def test_take(cases: list[Case]) -> None:
    check_all(cases)


@pytest.mark.parametrize("cases", by_function(WRITES))
def test_write(cases: list[Case]) -> None:
    check_all(cases)


@pytest.mark.thinned
@pytest.mark.parametrize("cases", by_function(SORTING))
def test_sorting(cases: list[Case]) -> None:
    check_all(cases)


@pytest.mark.parametrize("cases", by_function(COUNTING))
def test_counting(cases: list[Case]) -> None:
    check_all(cases)


@pytest.mark.parametrize("cases", by_function(INDEXING))
def test_indexing(cases: list[Case]) -> None:
    check_all(cases)
