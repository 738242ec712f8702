"""Heaps, sorted lists, and items at traced places: as Python leaves them."""

from __future__ import annotations

import bisect
import heapq

import numpy as np
import pytest

import gradjit as gj

X = np.array([3.0, 1.0, 2.0, 1.7])


def sorted_list(x):
    out = []
    for v in x:
        bisect.insort(out, v)
    return out


def sorted_by_hand(x):
    out = []
    for v in x:
        k = 0
        while k < len(out) and out[k] < v:
            k += 1
        out.insert(k, v)
    return out


def sorted_long(x):
    out = []
    for k in range(30):
        bisect.insort(out, np.sin(x[0] * k) + x[1])
    return [*out, bisect.bisect_left(out, x[1])]


def sorted_some(x):
    out = []
    for v in x:
        if v > 1.5:
            bisect.insort(out, v)
    return [sum((k + 1) * v for k, v in enumerate(out)), len(out)]


def pushed(x):
    h = []
    for v in x:
        heapq.heappush(h, v)
    return h + [heapq.heappop(h), heapq.heappop(h)] + h


def in_pairs(x):
    h = []
    for k, v in enumerate(x):
        heapq.heappush(h, (v, k))
    found = [heapq.heappop(h), heapq.heapreplace(h, (x[0] + 10, 9)), heapq.heappushpop(h, (x[1] - 5, 7))]
    return [n for pair in found + h for n in pair]


def made_a_heap(x):
    h = [v * w for v in x for w in (1.0, -0.5, 2.0)]
    heapq.heapify(h)
    return h


def emptied(x):
    h = [np.sin(x[0] * k) for k in range(20)]
    heapq.heapify(h)
    return [heapq.heappop(h) for _ in range(20)]


def taken_at(x):
    s = list(x)
    return [s.pop(int(np.argmin(x))), *s]


def put_at(x):
    s = [x[0], x[1], x[2]]
    s.insert(int(x[3]) - 3, 9.0 * x[0])
    return s


def least_removed(x):
    s, out = list(x), []
    while s:
        m = min(s)
        s.remove(m)
        out.append(m)
    return out


@pytest.mark.parametrize("f", [sorted_list, sorted_by_hand, sorted_long, sorted_some, pushed, in_pairs, made_a_heap,
                               emptied, taken_at, put_at, least_removed], ids=lambda f: f.__name__)
@pytest.mark.parametrize("x", [X, X[::-1].copy(), np.array([1.5, 1.5, 0.2, 5.9])], ids=["a", "b", "ties"])
def test_as_python(f, x):
    np.testing.assert_allclose(np.array(gj.jit(f)(x), float), np.array(f(x), float), rtol=1e-12, atol=1e-12)


def test_a_gradient():
    gradient = gj.grad(lambda x: sum((k + 1) * v for k, v in enumerate(sorted_list(x))))(X)
    np.testing.assert_allclose(gradient, [4.0, 1.0, 3.0, 2.0])


def test_a_list_that_a_loop_has_filled_is_changed_in_place():
    def f(x):
        h = []
        for k in range(12):
            h.append(x * k % 7)
        heapq.heapify(h)
        return h

    assert gj.jit(f)(3.5) == f(3.5)


def shortest_way(w):
    dist, queue = {0: 0.0, 1: np.inf, 2: np.inf}, [(0.0, 0)]
    while queue:
        d, u = heapq.heappop(queue)
        for v, e in {0: [(1, 0), (2, 1)], 1: [(2, 2)], 2: []}[u]:
            if d + w[e] < dist[v]:
                dist[v] = d + w[e]
                heapq.heappush(queue, (dist[v], v))
    return dist[2]


def test_a_heap_of_traced_length_is_refused():
    words = r"heapq.heappush of a list whose length depends.*\(the list queue\).*edges"
    with pytest.raises(gj.TraceError, match=words):
        gj.jit(shortest_way)(X)
