"""Places that a function names by number, in arrays of open size: where there is no such place it is NumPy's error."""

from __future__ import annotations

import numpy as np
import pytest

import gradjit as gj

PLACES, FAR = np.array([0, 1, 2]), np.array([0, 2, 5])


def stored(a):
    b = a.copy()
    b[[0, 1, 2]] = 7.0
    return np.sum(b)


def added(a):
    b = a.copy()
    b[np.arange(3)] += a[:3] * 2
    return np.sum(b)


def put(a):
    b = a * 1.0
    np.put(b, [0, 3], [1.0, 2.0])
    return np.sum(b)


def added_at(a):
    b = a.copy()
    np.add.at(b, [0, 3], 2.0)
    return np.sum(b)


def in_turns(a):
    total, k = 0.0, 0
    while k < 5:
        total = total + np.sum(a[np.arange(k)])
        k += 1
    return total


CASES = {
    "neighbours": lambda a: np.sum(a[np.arange(3)] ** 2),
    "a list": lambda a: np.sum(a[[0, 1, 2]]),
    "with steps": lambda a: np.sum(a[np.arange(0, 6, 2)]),
    "apart": lambda a: np.sum(a[[0, 2, 5]]),
    "captured": lambda a: np.sum(a[PLACES]),
    "captured, apart": lambda a: np.sum(a[FAR]),
    "from the end": lambda a: np.sum(a[[-1, -2, -3]]),
    "from the end, in order": lambda a: np.sum(a[[-3, -2, -1]]),
    "both ends": lambda a: np.sum(a[[-2, 0, 1, -1]]),
    "one": lambda a: a[3],
    "a list of one": lambda a: np.sum(a[[3]]),
    "take": lambda a: np.sum(np.take(a, [0, 1, 2])),
    "take, wrapped": lambda a: np.sum(np.take(a, [0, 1, 5], mode="wrap")),
    "take, clipped": lambda a: np.sum(np.take(a, [0, 1, 5], mode="clip")),
    "along": lambda a: np.sum(np.take_along_axis(a, np.array([0, 1, 2]), 0)),
    "two axes": lambda a: np.sum(np.outer(a, a)[[0, 1, 2], [2, 1, 0]]),
    "a grid": lambda a: np.sum(np.outer(a, a)[np.ix_([0, 1, 2], [0, 1, 2])]),
    "extracted": lambda a: np.sum(np.extract(np.array([True, False, True]), a)),
    "compressed": lambda a: np.sum(np.compress([True, False, True], a)),
    "partitioned": lambda a: np.sum(np.partition(a, 3)[:2]),
    "a computed extent": lambda a: np.sum(a[a > 0.5][[0, 1, 2]]),
    "a computed extent, from the end": lambda a: np.sum(a[a > 0.5][[-2, -1]]),
    "stored": stored, "added": added, "put": put, "added at": added_at, "in turns": in_turns,
}


def outcome(f, x):
    try:
        return f(x)
    except (IndexError, ValueError) as e:
        return type(e)


@pytest.mark.parametrize("what", CASES)
def test_places_that_are_not_there(what):
    """The derivative reads and writes the same places; values alone: tests/tracer/test_places_out_of_range.py."""
    f = CASES[what]
    c = gj.value_and_grad(f)
    for n in (8, 9, 6, 2, 1, 0, 3, 10, 5, 4):
        x = np.arange(1.0, n + 1)
        expected, found = outcome(f, x), outcome(c, x)
        if isinstance(expected, type):
            assert isinstance(found, type), f"{n} elements: {found}"
            assert issubclass(found, expected)
        else:
            assert not isinstance(found, type), f"{n} elements: {found}"
            np.testing.assert_allclose(found[0], expected, rtol=1e-12)
