"""Ordinary Python over arrays whose length is open: histories, iterators, builtins. Two compilations for all sizes."""

import functools
import itertools
import math

import numpy as np
import pytest
import scipy.ndimage

import gradjit as gj

SIZES = (6, 9, 5, 12, 30)


# histories ------------------------------------------------------------------------------------------------------------
def history(x, y):
    path, m = [], 0.0
    for k in range(len(x)):
        m = 0.5 * m + x[k]
        path.append(m)
    return np.sum(np.array(path) ** 2) + path[-1]


def with_a_beginning(x, y):
    path = [0.0]
    for v in x:
        path.append(path[-1] * 0.5 + v)
    return np.diff(np.array(path)), np.mean(path[1:]), path[-3:], len(path[1:]) + 0 * x[0]


def of_tuples(x, y):
    rows = []
    for i, (a, b) in enumerate(zip(x, y, strict=True)):
        rows.append((a, b * i))
    return sum(p * q for p, q in rows)


def of_arrays(x, y):
    states, s = [], np.zeros(2)
    for v in x:
        s = np.array([s[1] + v, s[0] * 0.9])
        states.append(s)
    return np.stack(states), np.array(states)[:, 0] @ y


def in_a_dict(x, y):
    out = {"t": [], "x": []}
    for a, b in zip(x, y, strict=True):
        out["t"].append(a)
        out["x"].append(np.sin(b))
    return np.trapezoid(out["x"], np.cumsum(out["t"]))


def under_a_condition(x, y):
    found = [v for v in x if v > 1]
    return np.sum(np.array(found)) + len(found)


def two_at_once(x, y):
    out = []
    for a in x:
        out.extend([a, a * a])
    return np.array(out), max(out), out[3]


def returned(x, y):
    path = []
    for v in x:
        path.append(v * 2)
    return path


def gone_through_again(x, y):
    path = []
    for v in x:
        path.append(v * 2)
    s = 0.0
    for k, v in enumerate(path):
        s = s * 0.5 + k * v
    return s + sum(a * b for a, b in zip(path, y, strict=True))


def of_lists_by_index(x, y):
    best = [0.0] * len(x)
    for i in range(1, len(x)):
        best[i] = max(best[i - 1], x[i] * y[i])
    return best[-1], sum(best)


def popped(x, y):
    rest = [v for v in x]
    while len(rest) > 1:
        rest.pop()
    return rest[0]


# what goes through sequences ------------------------------------------------------------------------------------------
def pairs(x, y):
    return sum((a - b) ** 2 for a, b in itertools.combinations(x, 2))


def neighbours(x, y):
    return sum((b - a) ** 2 for a, b in itertools.pairwise(x)), all(b > 0 for a, b in itertools.pairwise(x))


def products(x, y):
    return sum(a * b for a, b in itertools.product(x, y)), [a for a, b in itertools.product(x, y, repeat=1)][-1]


def reduced(x, y):
    return functools.reduce(lambda a, b: a * 0.5 + b, x), functools.reduce(max, y, 0.1)


def accumulated(x, y):
    return (np.array(list(itertools.accumulate(x))), list(itertools.accumulate(x, lambda a, b: a * 0.5 + b))[-1],
            list(itertools.accumulate(y, initial=1.0)))


def mapped(x, y):
    s = 0.0
    for v in map(lambda a, b: a * b, x, y):
        s = s * 0.5 + v
    return s + sum(map(math.sin, x)), np.array(list(map(math.exp, y)))


def filtered(x, y):
    return sum(filter(lambda v: v > 1, x)), sum(v * v for v in filter(lambda v: v < 1, y))


def sliced(x, y):
    return sum(itertools.islice(x, 2)), [v for v in itertools.islice(x, 1, None, 2)], sum(itertools.islice(y, 1, 4))


def chained(x, y):
    s = 0.0
    for v in itertools.chain(x, y, [1.0]):
        s = s * 0.5 + v
    return s


def in_order(x, y):
    ranks = [i for i, _ in sorted(enumerate(x), key=lambda t: t[1])]
    rows = [(a, b) for a, b in zip(x, y, strict=True)]
    rows.sort(key=lambda t: -t[1])
    return sorted(x), sorted(y, reverse=True)[:2], sorted(x, key=lambda v: -v * v), ranks, rows[0][0]


def extremes(x, y):
    return max(x), min(v * v for v in y), max(x, key=lambda v: -v), min(zip(x, y, strict=True), key=lambda t: t[1])


def listed(x, y):
    return list(x), list(reversed(y)), list(zip(x, y, strict=True))[2], list(enumerate(x))[-1]


def totals(x, y):
    return math.fsum(x), math.prod(y), any(v > 1.9 for v in x), any(map(lambda v: v > 1.9, x))


def places(x, y):
    s = 0.0
    for i, j in np.ndindex(len(x), len(y)):
        s += x[i] * y[j] * j
    for (i, j), v in np.ndenumerate(np.outer(x, y)):
        s += v * i + j
    return s


def next_one(x, y):
    it = iter(x)
    first = next(it)
    return sum(v * first for v in it)


# what NumPy makes for a size ------------------------------------------------------------------------------------------
def windows(x, y):
    return np.hanning(len(x)), np.hamming(len(x)), np.blackman(len(y)), np.bartlett(len(y))


def frequencies(x, y):
    return np.fft.fftfreq(len(x), 0.1), np.fft.rfftfreq(len(x)), np.fft.fftfreq(len(x) + 1)


def triangles(x, y):
    i, j = np.triu_indices(len(x), 1)
    a = np.outer(x, y)
    return (np.sum((x[i] - x[j]) ** 2), np.tril_indices(len(x)), np.diag_indices(len(x)), np.indices((len(x), 2)),
            a[np.triu_indices_from(a)], a[np.diag_indices_from(a)], a[np.tril_indices_from(a, -1)])


def scans(x, y):
    return (np.maximum.accumulate(x), np.logaddexp.reduce(y), np.logaddexp.accumulate(x), np.cumprod(y),
            np.hypot.reduce(x), np.array_split(x, 3)[1], np.split(x, [2, -1])[1])


def columns(x, y):
    return np.vstack([x, y]).T @ np.array([1.0, 2.0]), np.corrcoef(x, y), np.average(x, weights=y)


PROGRAMS = [
    history, with_a_beginning, of_tuples, of_arrays, in_a_dict, under_a_condition, two_at_once, returned,
    gone_through_again, of_lists_by_index, popped, pairs, neighbours, products, reduced, accumulated, mapped, filtered,
    sliced, chained, in_order, extremes, listed, totals, places, next_one, windows, frequencies, triangles, scans,
    columns,
]


def leaves(x):
    return [v for i in x for v in leaves(i)] if isinstance(x, (list, tuple)) else [np.asarray(x)]


def arguments(n):
    rng = np.random.default_rng(n)
    return rng.random(n) * 2 + 0.1, rng.random(n) + 0.2


def same(got, want):
    for a, b in zip(leaves(got), leaves(want), strict=True):
        assert a.shape == b.shape and a.dtype == b.dtype
        np.testing.assert_allclose(a, b, 1e-12, 1e-14)


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_two_compilations_for_all_sizes(f):
    g = gj.jit(f, sizes="auto")
    for n in SIZES:
        same(g(*arguments(n)), f(*arguments(n)))
    assert not g.stats().closed, g.stats().closed
    assert len(g.stats().specialisations) == 2, g.stats()


@pytest.mark.parametrize("f", [
    lambda x, y: np.sum(np.searchsorted(np.sort(x), y) * x), lambda x, y: np.sum(np.digitize(y, np.sort(x)) * y),
    lambda x, y: np.sum(np.interp(np.sort(y), np.sort(x), y)),
], ids=["searchsorted", "digitize", "interp"])
def test_a_search_in_a_table_of_open_length(f):
    """One compilation serves tables that are some powers of two longer; one without elements has its own."""
    g = gj.value_and_grad(f, (0, 1), sizes="auto")
    for n in (13, 12, 20, 7, 31, 3, 64, 1000):
        x, y = (np.random.default_rng(n + k).normal(size=n) for k in (0, 1))
        value, _ = g(x, y)
        assert np.isclose(value, f(x, y))
    assert not g.stats().closed and len(g.stats().specialisations) == 2


@pytest.mark.parametrize("mode", ["reflect", "nearest", "mirror", "wrap", "constant"])
def test_a_filter_over_an_open_length(mode):
    def f(x, y):
        return np.sum(scipy.ndimage.correlate1d(x, [1.0, -2.0, 0.5], mode=mode) * y)

    g = gj.value_and_grad(f, sizes="auto")
    for n in SIZES:
        assert np.isclose(g(*arguments(n))[0], f(*arguments(n)))
    assert not g.stats().closed and len(g.stats().specialisations) == 2


@pytest.mark.parametrize("f", [history, of_tuples, under_a_condition, gone_through_again, pairs, places, chained],
                         ids=lambda f: f.__name__)
def test_derivatives_with_open_sizes(f):
    g, exact = gj.value_and_grad(f, (0, 1), sizes="auto"), gj.value_and_grad(f, (0, 1), sizes="exact")
    for n in SIZES:
        same(g(*arguments(n)), exact(*arguments(n)))
    assert len(g.stats().specialisations) == 2


def test_iterators_that_are_used_twice_are_empty_then():
    def f(x):
        it = map(math.sin, x)
        chosen = filter(lambda v: v > 1, x)
        return sum(it) + sum(it), sum(chosen) + sum(chosen)

    g = gj.jit(f, sizes="auto")
    for n in SIZES:
        x, _ = arguments(n)
        same(g(x), f(x))


def test_iterators_over_nothing():
    def f(x):
        return (sum(filter(lambda v: v > 0, x)) + sum(itertools.accumulate(x)) + sum(itertools.chain(x, x))
                + sum(map(math.sin, x)) + len(list(itertools.pairwise(x))))

    def g(x):
        rows = [(a, b * 0.5) for a, b in zip(np.ones(len(x)), x, strict=True)]
        rows.sort(key=lambda t: t[1])
        return sum(p * q for p, q in rows)

    for program in (f, g):
        made = gj.jit(program, sizes="auto")
        for n in (0, 1, 12, 5, 1, 0):
            x = np.arange(n) * 0.5 + 1
            assert made(x) == pytest.approx(program(x), rel=1e-13)


def test_any_and_all_go_no_further_than_python_does():
    def f(x):
        asked = []

        def large(v):
            asked.append(v)
            return v > 0.4

        return all(map(large, x)), len(asked), any(map(lambda v: v > 1.0, x))

    for n in (40, 100):
        x = np.random.default_rng(n).random(n) + 0.1
        assert tuple(map(float, gj.jit(f)(x))) == tuple(map(float, f(x)))


def test_extremes_by_a_key_of_nothing():
    def f(x):
        return max(x, key=lambda v: -v)

    def g(x):
        return min(x, key=lambda v: -v, default=7.0)

    first, second = gj.jit(f, sizes="auto"), gj.jit(g, sizes="auto")
    for n in (40, 50, 9):
        x, _ = arguments(n)
        assert (first(x), second(x)) == (f(x), g(x))
    assert second(np.ones(0)) == 7.0
    with pytest.raises(ValueError, match="empty"):
        first(np.ones(0))


def test_sums_of_arrays_are_no_lists():
    """An array needs no loop that fills a list first."""
    f = gj.jit(lambda x: (sum(x), min(x), max(x), any(x > 1), all(x > 0)))
    f(np.ones(100))
    assert " = for " not in str(f.ir()) and "max %" in str(f.ir())


def test_functions_of_an_iterator_are_called_when_its_items_are_taken():
    def f(x):
        limit = 1.0
        chosen, scaled = filter(lambda v: v > limit, x), map(lambda v: v * limit, x)
        limit = 0.5
        return sum(chosen), sum(scaled)

    g = gj.jit(f, sizes="auto")
    for n in SIZES:
        x, _ = arguments(n)
        same(g(x), f(x))


def test_a_history_beside_a_number():
    """A list is repeated, or has no such operator: it is no array."""
    def repeated(x, n):
        path = []
        for k in range(20):
            path.append(x * k)
        return np.sum(np.array(path * n))

    def operated(x, n):
        path = []
        for k in range(20):
            path.append(x * k)
        return path + n

    assert gj.jit(repeated)(1.5, 3) == repeated(1.5, 3)
    with pytest.raises(TypeError):
        gj.jit(operated)(1.5, np.float64(2.0).item())


def test_extents_that_were_the_same_in_all_calls_are_one_where_they_have_to_be():
    g = gj.jit(columns, sizes="auto")
    for n in SIZES:
        g(*arguments(n))
    (conditions,) = [s.conditions for s in g.stats().specialisations if s.conditions]
    assert "len(x) == len(y)" in conditions
    with pytest.raises(ValueError):
        g(arguments(8)[0], arguments(7)[1])


@pytest.mark.parametrize(("f", "by"), [
    (lambda x: np.sum(x.reshape(-1, 2) ** 2), 2), (lambda x: np.sum(np.cumprod(x.reshape(-1, 3), axis=0)), 3),
    (lambda x: np.sum(x.reshape(len(x) // 2, 2)[0] ** 2), 2),
    (lambda x: np.sum(x.reshape(4, -1) @ np.ones(len(x) // 4)), 4),
    (lambda x: np.sum(x.reshape(-1, 2) @ np.ones(2)) + np.sum(x.reshape(-1, 6)[:, 1] ** 2), 6),
], ids=["-1, 2", "-1, 3", "half, 2", "4, -1", "2 and 6"])
def test_a_size_that_must_be_a_multiple(f, by):
    g, exact = gj.value_and_grad(f, sizes="auto"), gj.value_and_grad(f, sizes="exact")
    for n in (2, 4, 3, 7):
        x, _ = arguments(by * n)
        same(g(x), exact(x))
    assert len(g.stats().specialisations) == 2, g.stats()
    assert any("%" in c for s in g.stats().specialisations for c in s.conditions)
    with pytest.raises(ValueError, match="reshape"):
        g(np.ones(by * 3 + 1))
