"""Places that an array does not have: of sizes that come later, of windows that a run computes, of repeated numbers."""

from __future__ import annotations

import numpy as np
import pytest

import gradjit as gj


def written(write):
    def f(x):
        x = x.copy()
        write(x)
        return x

    return f


OF_ANY_SIZE = {
    "x[[2, 0]]": lambda x: x[[2, 0]], "x[[-3, 0]]": lambda x: x[[-3, 0]], "x[2]": lambda x: x[2],
    "x[-3]": lambda x: x[-3], "x[mask]": lambda x: x[np.array([True, False, True])], "x[1:][[1]]": lambda x: x[1:][[1]],
    "a run": lambda x: x[[0, 1, 2]], "by steps": lambda x: x[[0, 2, 4]], "backwards": lambda x: x[[2, 1, 0]],
    "many": lambda x: x[[0, 2, 1, 2, 0, 2, 1, 0, 2, 2, 1, 1, 0, 0, 2, 1, 0, 2]], "flat": lambda x: x.flat[[0, 2]],
    "np.take": lambda x: np.take(x, [2, 0]), "np.extract": lambda x: np.extract([1, 0, 1], x),
    "np.compress": lambda x: np.compress([False, False, True], x), "np.delete": lambda x: np.delete(x, 2),
    "np.partition": lambda x: np.sort(np.partition(x, 2)), "np.argpartition": lambda x: np.argpartition(x, 2).shape,
    "rows": lambda x: np.outer(x, x)[[2, 0]], "columns": lambda x: np.outer(x, x)[:, [2]],
    "pairs": lambda x: np.outer(x, x)[[2], [0]], "triangle": lambda x: np.outer(x, x)[np.triu_indices(3)],
    "np.ix_": lambda x: np.outer(x, x)[np.ix_([0, 2], [0])], "nonzero": lambda x: x[np.nonzero([1, 0, 1])],
    "take_along_axis": lambda x: np.take_along_axis(x, np.array([2]), 0),
    "x[[0, 2]] = 5": written(lambda x: x.__setitem__([0, 2], 5.0)), "np.put": written(lambda x: np.put(x, [0, 2], 5.0)),
    "np.add.at": written(lambda x: np.add.at(x, [0, 2], 5.0)), "x[2] = 5": written(lambda x: x.__setitem__(2, 5.0)),
    "a view": written(lambda x: x[1:].__setitem__([1], 5.0)),
    "x.partition": written(lambda x: x.partition(2) or x.sort()),
    "put_along_axis": written(lambda x: np.put_along_axis(x, np.array([2]), 1.0, 0)),
}


def outcome(f, *args):
    """What it gives, or that it raises what NumPy raises there."""
    try:
        return np.asarray(f(*args))
    except (IndexError, ValueError):
        return None


def same(f, g, *args):
    expected, got = outcome(f, *args), outcome(g, *args)
    assert (expected is None) == (got is None), f"{got} for {expected}"
    if expected is not None:
        np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("tier", ["interpret", "compile"])
@pytest.mark.parametrize("name", OF_ANY_SIZE)
def test_sizes_that_come_later(name, tier):
    f = OF_ANY_SIZE[name]
    compiled = gj.jit(f, tier=tier)
    for n in (6, 9, 6, 3, 2, 1, 0, 4):
        same(f, compiled, np.arange(n) + 0.5)


OF_A_WINDOW = {
    "x[:k][[1, 0]]": lambda x, k: x[:k][[1, 0]], "x[k:][[0, 2]]": lambda x, k: x[k:][[0, 2]],
    "extract": lambda x, k: np.extract([0, 1], x[:k]),
    "rows": lambda x, k: np.outer(x, x)[:k][:, [1]].sum() + np.outer(x, x)[:k][[1]].sum(),
    "partition": lambda x, k: np.partition(x[:k], 1)[:1],
}


@pytest.mark.parametrize("tier", ["interpret", "compile"])
@pytest.mark.parametrize("name", OF_A_WINDOW)
def test_windows_that_a_run_computes(name, tier):
    f = OF_A_WINDOW[name]
    compiled = gj.jit(f, tier=tier)
    for k in (3, 2, 1, 4):
        same(f, compiled, np.arange(4.0) + 1, np.int64(k))


OF_ONE_NUMBER = {
    "np.ones": lambda x, k: np.ones(4)[k] * x[0], "of x's size": lambda x, k: np.ones_like(x)[k],
    "a view": lambda x, k: np.zeros_like(x)[1:][k], "a row": lambda x, k: np.ones((4, 4))[k, 0] + x[0],
    "a column": lambda x, k: np.ones((2, 4)).T[k].sum(), "a list": lambda x, k: [1.0, 1.0, 1.0, 1.0][k] + x[0],
    "np.full": lambda x, k: np.full(4, x[0])[k], "np.repeat": lambda x, k: np.repeat(x[:1], 4)[k],
    "a sum": lambda x, k: (np.zeros(4) + x[0])[k], "broadcast": lambda x, k: np.broadcast_to(x[0], (4,))[k],
    "a product": lambda x, k: np.outer(x, np.ones(4))[0][k], "indices": lambda x, k: np.full(4, x[0])[[k, 0]],
    "take": lambda x, k: np.full(4, x[0]).take(k), "choose": lambda x, k: np.choose(k, [x[0]] * 4),
}


@pytest.mark.parametrize("tier", ["interpret", "compile"])
@pytest.mark.parametrize("name", OF_ONE_NUMBER)
def test_of_arrays_of_one_number(name, tier):
    f = OF_ONE_NUMBER[name]
    compiled = gj.jit(f, tier=tier)
    for n in (4, 6):
        for k in (1, 9, -1, -9, 0):
            same(f, compiled, np.arange(n) * 1.0 + 2, np.int64(k))
