"""Iterators are consumed: what one reader has taken, no other one finds, whether Python takes or a compiled loop."""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import gradjit as gj

from ..compare import check

X = np.arange(1.0, 21.0)


def folded(items: Any) -> Any:
    """A number to which each item adds in its own way."""
    s = 0.0
    for v in items:
        s = 0.75 * s + v
    return s


def numbered(x: Any) -> Any:
    e = enumerate(x)
    first = next(e)
    return folded(v * i for i, v in e) + 1000 * first[1] + len(list(e))


def pairs_of_one(x: Any) -> Any:
    it, s = iter(x), 0.0
    for a, b in zip(it, it, strict=True):
        s = 0.75 * s + a * b
    return s


def pairs_by_next(x: Any) -> Any:
    it, s = iter(x), 0.0
    for a in it:
        s = 0.75 * s + a * next(it)
    return s


def enumerated_with_itself(x: Any) -> Any:
    e, s = enumerate(x), 0.0
    for (_, a), (i, b) in zip(e, e, strict=True):
        s = 0.75 * s + a * b * i
    return s


def two_loops(x: Any) -> Any:
    z, s, count = zip(x, x[::-1], strict=True), 0.0, 0.0
    for a, b in z:
        s = 0.75 * s + a * b
    for _ in z:
        count += 1
    return s + count


def zip_takes_one_more(x: Any) -> Any:
    it, s = iter(x), 0.0
    for a, k in zip(it, range(10), strict=False):
        s = 0.75 * s + a * k
    return s + 1000 * next(it)


def zip_ends_first(x: Any) -> Any:
    it, s = iter(x), 0.0
    for k, a in zip(range(10), it, strict=False):
        s = 0.75 * s + a * k
    return s + 1000 * next(it) + folded(it)


def sliced(x: Any) -> Any:
    it = iter(x)
    return folded(itertools.islice(it, 10)) + 1000 * folded(itertools.islice(it, 1, None, 2)) + len(list(it))


def sliced_by_loops(x: Any) -> Any:
    it, s = iter(x), 0.0
    for v in itertools.islice(it, 12):
        s = 0.75 * s + v
    return s + 1000 * next(it)


def backwards(x: Any) -> Any:
    r = reversed(x)
    next(r)
    return folded(r) + len(list(r))


def indices(x: Any) -> Any:
    r, s = reversed(range(len(x))), 0.0
    for i in r:
        s = 0.75 * s + x[i]
    return s + len(list(r))


def unpacked(x: Any) -> Any:
    it = iter(x)
    a, b, *more = it
    return a + 10 * b + folded(more) + len(list(it))


def starred(x: Any) -> Any:
    z = zip(x, x, strict=True)
    next(z)
    return folded([a * b for a, b in [*z]]) + len([*z])


def all_at_once(x: Any) -> Any:
    e = enumerate(x[:12])
    next(e)
    return folded(a[1] * b[1] for a, b in itertools.combinations(e, 2)) + len(list(e))


def products(x: Any) -> Any:
    it = iter(x[:12])
    return len(list(itertools.product(it, it))) + folded(a * b for a, b in itertools.product(x[:4], iter(x[:3]))) + len(
        list(it))


def last_one(x: Any) -> Any:
    it = iter(x)
    for _ in range(19):
        next(it)
    return next(it) + next(it, -1.0)


def comprehended(x: Any) -> Any:
    it = iter(x)
    next(it)
    squares = [v * v for v in it]
    return folded(squares) + len(squares) + len([v for v in it])


def minima(x: Any) -> Any:
    it = iter(x)
    next(it)
    return min(it) + len(list(it))


def by_a_list(x: Any) -> Any:
    it = iter([x[k] for k in range(12)])
    a, b = next(it), next(it)
    return folded(it) + 100 * a * b


def growing(x: Any) -> Any:
    items = [x[0], x[1]]
    it = iter(items)
    next(it)
    items.append(x[2])
    return folded(it)


CONSUMED = [numbered, pairs_of_one, pairs_by_next, enumerated_with_itself, two_loops, zip_takes_one_more,
            zip_ends_first, sliced, sliced_by_loops, backwards, indices, unpacked, starred, all_at_once, products,
            last_one, comprehended, minima, by_a_list, growing]


@pytest.mark.parametrize("f", CONSUMED, ids=lambda f: f.__name__)
def test_consumed(f):
    check(f, X, exact=False)
    assert f(X) == pytest.approx(gj.jit(f)(X))


def found(x: Any) -> Iterator[Any]:
    yield from x


def any_then_next(x: Any) -> Any:
    it = iter([x[0], x[1], x[2]])
    any(it)
    return next(it)


def all_then_list(x: Any) -> Any:
    it = iter([x[0] > 0, x[1] < 0, x[2] > 0])
    all(it)
    return len(list(it))


def any_of_a_map(x: Any) -> Any:
    m = map(lambda v: v > 2.5, x[:5])
    any(m)
    return sum(m)


def any_of_pairs(x: Any) -> Any:
    z = zip([x[0] > 2, x[1] > 2], [x[1], x[2]], strict=True)
    any(map(lambda p: p[0], z))
    return next(z)[1]


def any_of_a_generator(x: Any) -> Any:
    g = (v > 2.5 for v in x[:5])
    any(g)
    return sum(g)


def any_of_the_users(x: Any) -> Any:
    g = found([x[0] > 2, x[1] > 2])
    any(g)
    for v in g:
        x = x + v
    return x


def break_then_next(x: Any) -> Any:
    it = iter(x)
    for v in it:
        if v > 4:
            break
    return next(it)


def break_then_loop(x: Any) -> Any:
    e, s = enumerate(x), 0.0
    for _, v in e:
        s += v
        if s > 4:
            break
    for _, v in e:
        s = 0.75 * s + v
    return s


def break_from_zip(x: Any) -> Any:
    it = iter(x)
    for v, w in zip(it, x, strict=True):
        if v * w > 4:
            break
    return next(it)


def through_chain(x: Any) -> Any:
    it = iter([x[0] > 2, x[1] > 2, x[2] > 2])
    any(itertools.chain([x[0] > 5], it))
    return next(it)


@pytest.mark.parametrize("f", [any_then_next, all_then_list, any_of_a_map, any_of_a_generator, any_of_the_users,
                               break_then_next, break_then_loop, break_from_zip], ids=lambda f: f.__name__)
def test_nobody_knows_what_comes_next(f: Callable[..., Any]):
    with pytest.raises(gj.TraceError, match=r"nobody knows which item of .* comes next[^$]*test_iterators"):
        gj.jit(f)(X)


@pytest.mark.parametrize("f", [through_chain, any_of_pairs], ids=lambda f: f.__name__)
def test_an_iterator_that_others_have(f: Callable[..., Any]):
    with pytest.raises(gj.TraceError, match="iterator that others have"):
        gj.jit(f)(X)


def test_what_is_not_read_again_is_no_matter():
    def f(x: Any) -> Any:
        it = iter(x)
        for v in it:
            if v > 4:
                break
        return v + any(iter([x[0] > 3, x[1] > 1])) + any(map(lambda w: w > 2, x))

    assert gj.jit(f)(X) == f(X)


def test_an_iterator_in_a_compiled_loop():
    def outside(x: Any, n: int) -> Any:
        it, s = iter(x), 0.0
        for _ in range(n):
            for v in it:
                s += v
        return s

    def inside(x: Any, n: int) -> Any:
        s = 0.0
        for _ in range(n):
            it = iter(x)
            s += next(it)
            for v in it:
                s = 0.75 * s + v
        return s

    check(inside, X, 40, exact=False)
    check(outside, X, 3000, exact=False)  # behind the first iteration nothing is computed


def test_what_iterators_have_not():
    with pytest.raises(TypeError, match="len"):
        gj.jit(lambda x: len(zip(x, x, strict=True)))(X)
    with pytest.raises(TypeError, match="not reversible"):
        gj.jit(lambda x: list(reversed(enumerate(x))))(X)


# iterators from outside of a region, which moves them on -------------------------------------------------------------
def running(s: Any) -> Iterator[Any]:
    while True:
        v = yield s
        s = 0.5 * s + v


def sent(x: Any) -> Any:
    c, r = running(0.0), 0.0
    next(c)
    for v in x:
        r = c.send(v)
    return r


def by_its_method(x: Any) -> Any:
    it, s = iter([x[k] for k in range(12)]), 0.0
    for _ in range(12):
        s = 0.5 * s + it.__next__()
    return s


def by_slices(x: Any) -> Any:
    it, s = iter(x), 0.0
    for _ in range(12):
        s = 0.5 * s + sum(itertools.islice(it, 1))
    return s


def all_of_it(x: Any) -> Any:
    g, s = (2.0 * v for v in x), 0.0
    for v in x:
        s = 0.5 * s + len(list(g)) * v
    return s


def summed(x: Any) -> Any:
    it, s = iter(x), 0.0
    for v in x:
        s = 0.5 * s + sum(w for w in it) + v
    return s


def looked_through(x: Any) -> Any:
    it, s = iter(range(100)), 0.0
    for v in x:
        s = 0.5 * s + v * (3 in it)
    return s


def into_dicts(x: Any) -> Any:
    it, s = itertools.count(), 0.0
    for v in x:
        s = 0.5 * s + v * dict(zip("ab", it, strict=False))["b"]
    return s


def starred_in(x: Any) -> Any:
    it, s = iter(range(100)), 0.0
    for v in x:
        s = 0.5 * s + v * [*itertools.islice(it, 2)][1]
    return s


def largest(x: Any) -> Any:
    it, s = iter(range(100)), 0.0
    for v in x:
        s = 0.5 * s + v * max(itertools.islice(it, 3))
    return s


def of_a_set(x: Any) -> Any:
    numbers, s = set(range(1, 13)), 0.0
    for v in x:
        s = 0.5 * s + v * numbers.pop()
    return s


def read_by_numpy(x: Any) -> Any:
    it, s = iter(range(100)), 0.0
    for v in x:
        s = 0.5 * s + v * np.fromiter(itertools.islice(it, 2), float).sum()
    return s


MOVED = [sent, by_its_method, by_slices, all_of_it, summed, looked_through, into_dicts, starred_in, largest, of_a_set,
         read_by_numpy]


@pytest.mark.parametrize("f", MOVED, ids=lambda f: f.__name__)
def test_what_a_loop_moves_on(f: Callable[..., Any]):
    """It runs as ordinary Python."""
    x = np.linspace(0.5, 3.0, 12)
    np.testing.assert_allclose(gj.jit(f)(x), f(x), rtol=1e-12)


def test_what_a_branch_moves_on():
    def f(x: Any) -> Any:
        c = running(1.0)
        next(c)
        if x[0] < 0:
            c.send(5.0)
        return x * c.send(2.0)

    with pytest.raises(gj.TraceError, match=r"send\(\) may change where the generator stands[^$]*test_it"):
        gj.jit(f)(X)


# without end ----------------------------------------------------------------------------------------------------------
def series(x):
    total, term = 0.0, 1.0
    for n in itertools.count(1):
        total += term
        term *= x / n
        if abs(term) < 1e-9:
            return total


def newton_path(x):
    path = []
    for k in itertools.count():
        x = 0.5 * (x + 2 / x)
        path.append(x * k)
        if abs(x * x - 2) < 1e-6:
            break
    return sum(path) + len(path)


def numbered(x):
    names, found = "abcd", {}
    for k in itertools.count():
        if k == 4:
            break
        found[names[k]] = x * k
    return sum(found.values())


def drawn(x):
    ids = itertools.count(10, 2)
    return x * next(ids) + next(ids)


def beside(x):
    return sum(v * k for k, v in zip(itertools.count(1), [x * i for i in range(50)], strict=False))


def caught(x):
    def grown(x):
        for n in itertools.count():
            if x > 100:
                raise ValueError(n)
            x = x * 1.5
            if n > 50:
                break
        return x

    try:
        return grown(x)
    except ValueError:
        return 3 * x


def until_a_million(x):
    found = []
    for _ in range(10**12):
        x = 0.5 * (x + 2 / x)
        found.append(x)
        if abs(x * x - 2) < 1e-6:
            break
    return sum(found)


@pytest.mark.parametrize("f", [series, newton_path, numbered, drawn, beside, caught, until_a_million])
def test_counts_without_end(f):
    g = gj.value_and_grad(f)
    for x in 3.0, 5.0:
        value, slope = g(x)
        np.testing.assert_allclose(value, f(x), rtol=1e-12)
        np.testing.assert_allclose(slope, (f(x + 1e-6) - f(x - 1e-6)) / 2e-6, rtol=1e-5, atol=1e-6)


def test_a_count_behind_its_loop():
    def after(x):
        numbers = itertools.count()
        for _ in numbers:
            x = x / 2
            if x < 1:
                break
        return x * next(numbers)

    with pytest.raises(gj.TraceError, match="nobody knows which item of the iterator comes next"):
        gj.grad(after)(5.0)


@pytest.mark.parametrize("f", [
    lambda x: math.fsum(v * v for v in [x * k for k in range(50)]),
    lambda x: math.prod(v + 1 for v in [x * k for k in range(40)]),
    lambda x: statistics.fmean(v * v for v in [x * k for k in range(50)]),
    lambda x: statistics.stdev(iter([x, 2 * x, x * x])),
])
def test_numbers_of_generators(f):
    value, slope = gj.value_and_grad(f)(0.3)
    np.testing.assert_allclose(value, f(0.3), rtol=1e-12)
    np.testing.assert_allclose(slope, (f(0.3 + 1e-7) - f(0.3 - 1e-7)) / 2e-7, rtol=1e-5)


# taken one by one in compiled loops and branches ---------------------------------------------------------------
def until_enough(x):
    it = iter(x)
    s = next(it)
    while s < 5:
        s = s + next(it) ** 2
    return s + next(it)


def under_conditions(x):
    signs, first = itertools.cycle((0.5, -0.25, 2.0)), 0.0
    first = next(signs)
    s = 0.0
    for v in x:
        if v > 1:
            s = s + v * next(signs)
        elif v > 0.8:
            s = s + next(signs) + next(signs) * v
    return s + next(signs) * x[0] + first


def with_a_default(x):
    it = iter([1.0, 2.0, 3.0])
    s = 0.0
    for v in x:
        if v > 1:
            s = s + v * next(it, 0.1)
    return s


def cycles(x):
    total, n, halves = 10.0, 0, itertools.cycle([0.5, 0.25])
    while total > 1e-3:
        total, n = total * next(halves) * x[0], n + 1
    for v, c in zip(x, itertools.cycle((1.0, -2.0))):
        total = total + v * c
    for c in itertools.cycle([1.0, 2.0]):
        total = total + c * x[1]
        if total > 31.0:
            break
    return total + n + sum(next(halves) * v for v in x)


@pytest.mark.parametrize("f", [until_enough, under_conditions, with_a_default, cycles], ids=lambda f: f.__name__)
def test_taken_one_by_one(f):
    x = np.linspace(0.531, 2.0, 50)
    assert np.isclose(gj.jit(f)(x), f(x))
    gj.check_grads(f, x)


def test_taken_past_the_end():
    def too_far(x):
        it = iter([1.0, 2.0, 3.0])
        s = 0.0
        for v in x:
            if v > 1:
                s = s + v * next(it)
        return s

    f = gj.jit(too_far)
    with pytest.raises(StopIteration):
        f(np.linspace(0.5, 2.0, 50))
    assert f(np.linspace(0.5, 1.001, 50)) == too_far(np.linspace(0.5, 1.001, 50))


def test_a_loop_over_what_is_left():
    def rest(x):
        it = iter(x)
        s = next(it)
        while s < 5:
            s = s + next(it)
        return s + sum(it)

    with pytest.raises(gj.TraceError, match="items have been taken .* depends on traced values, .*; take them by next"):
        gj.jit(rest)(np.linspace(0.5, 2.0, 50))


def loops_and_next(x):
    it, s = iter([1.0, 2.0, 3.0] * 20), 0.0
    for k in range(12):
        for v in it:
            s = s + v * x[k]
            if v == 3.0:
                break
        s = s + (next(it) if x[k] > 0.6 else 2 * next(it))
    return s


def a_loop_and_next(x):
    turns, s = itertools.cycle([1.0, 2.0, 3.0]), 0.0
    for v in turns:
        s = s + v * x[0]
        if v == 3.0:
            break
    for v in x:
        if v > 1:
            s = s + next(turns) * v
    return s + next(turns)


@pytest.mark.parametrize("f", [loops_and_next, a_loop_and_next], ids=lambda f: f.__name__)
def test_loops_of_python_and_next(f):
    check(f, np.linspace(0.531, 2.0, 50), exact=False)
