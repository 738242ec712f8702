"""Reading and writing by index: every kind of key, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import gradjit as gj
from gradjit.errors import BoundsError, TraceError
from gradjit.tracer.trace import trace

from .compare import check

X = np.arange(120.0).reshape(2, 3, 4, 5)

KEYS = [
    0, -1, (1, 2), (0, 1, 2, 3), (), ..., None, (..., 1), (1, ..., 0), (None, 1, None), slice(None), slice(1, None),
    slice(None, None, -1), (slice(None), slice(2, 0, -1)), (slice(0, 0),), (slice(5, 2),), (slice(-2, None), -1),
    (..., None), (0, ..., None, slice(None, None, 2)),
    [0, 1, 1], ([0, 1], [1, 2]), ([[0], [1]], [0, 2]), (slice(None), [0, 2]), ([1, 0], slice(None), [0, 1]),
    (0, [0, 1]), (0, slice(None), [0, 1]), ([0, 1], 0, slice(None), [1, 2]), (slice(None), [0, 1], [1, 2]),
    (slice(None), [0, 1], None, [1, 2]), (..., [0, 1]), ([-1, -2],), np.array([1, 0]), np.array(1), np.int64(1),
    (np.array([[0, 1], [1, 0]]), slice(1, 3)), np.zeros((0,), int), ([True, False],), np.array([True, False]),
    (slice(None), np.array([True, False, True])), np.ones((2, 3), bool), X > 50,
    (np.array([0, 1]), ..., np.array([2, 3])),
    np.array([0, 1], np.uint8), (slice(None), np.array([True, False, True]), [0, 1]),
]


@pytest.mark.parametrize("key", KEYS, ids=lambda k: repr(k)[:60])
def test_getitem(key):
    check(lambda x: x[key], X)


@pytest.mark.parametrize("key", KEYS, ids=lambda k: repr(k)[:60])
def test_setitem(key):
    def number(x):
        y = x * 1.0
        y[key] = -1.0
        return y

    def values(x):
        y = x * 1.0
        y[key] = x[key] * 2.0
        return y

    def added(x):
        y = x * 1.0
        y[key] += 3.0
        return y

    for f in (number, values, added):
        check(f, X)


_axis = st.one_of(
    st.integers(-3, 2), st.builds(slice, *[st.one_of(st.none(), st.integers(-4, 4))] * 2,
                                  st.sampled_from([None, 1, 2, -1, -2])),
    st.just(...), st.none(), st.lists(st.integers(-3, 2), min_size=1, max_size=3),
    st.lists(st.booleans(), min_size=3, max_size=3),
)


@settings(max_examples=250, deadline=None)
@given(st.lists(_axis, max_size=5))
def test_random_keys(items):
    key = tuple(items)
    x = np.arange(27.0).reshape(3, 3, 3)
    try:
        x[key]
    except IndexError:
        with pytest.raises(IndexError):
            trace(lambda x: x[key], (x,), {})
        return
    check(lambda x: x[key], x)

    def write(x):
        y = x * 1.0
        y[key] = y[key] + 1.0
        return y

    check(write, x)


def test_traced_index_arrays():
    x, i = np.arange(6.0).reshape(3, 2), np.array([2, -1, 0, -3])
    check(lambda x, i: x[i], x, i)
    check(lambda x, i: x[i, 1], x, i)
    check(lambda x, i: x[i[:2], np.array([0, 1])], x, i)
    check(lambda x, i: x[:, i[2]], x, i)
    check(lambda x, i: x[i[0]], x, i)
    check(lambda x, i: x[np.int64(1)] * i[0], x, i)

    def write(x, i):
        y = x * 1.0
        y[i[0]] = 7.0
        y[i] += 1.0
        y[i[0], 1] = x[0, 0]
        return y

    check(write, x, i)


def test_last_write_wins():
    def f(x):
        y = np.zeros(3)
        y[[0, 0, 1]] = x
        y[[2, 2]] += 1.0
        return y

    check(f, np.array([1.0, 2.0, 3.0]))


def test_unknown_masks():
    check(lambda x: _masked(x, x > 2), np.arange(5.0))
    check(lambda x: x[x > 0], np.array([1.0, -1.0, 2.0]))
    check(_masked_values, np.arange(4.0))
    with pytest.raises(ValueError, match="cannot assign"):
        gj.jit(_masked_values)(np.arange(5.0))


def _masked(x, mask):
    y = x * 1.0
    y[mask] = 0.0
    y[~mask] += 1.0
    return y


def _masked_values(x):
    y = x * 1.0
    y[x > 1] = np.array([1.0, 2.0])
    return y


@pytest.mark.parametrize("key", [3, -4, (0, 5), [0, 3], (slice(None), [0, -4])], ids=repr)
def test_constant_indices_out_of_range(key):
    x = np.ones((3, 3))
    with pytest.raises(BoundsError, match=r"is out of bounds for axis [01] with size 3\n.*test_subscripts"):
        trace(lambda x: x[key], (x,), {})

    def write(x):
        y = x * 1.0
        y[key] = 0.0
        return y

    with pytest.raises(BoundsError, match="out of bounds"):
        trace(write, (x,), {})


@pytest.mark.parametrize("key", [(0, 0, 0), (..., ...), 1.5, "a", ([0, 1], [0, 1, 2]), np.array([1.5])], ids=repr)
def test_keys_that_numpy_refuses(key):
    x = np.ones((3, 3))
    with pytest.raises(IndexError):
        x[key]
    with pytest.raises((IndexError, TraceError)):
        trace(lambda x: x[key], (x,), {})


def test_scalars_take_no_index():
    check(lambda x: (x.sum()[()], x.sum()[...], x.sum()[None]), np.ones(3))
    with pytest.raises((IndexError, TraceError)):
        trace(lambda x: x.sum()[0], (np.ones(3),), {})
