"""Methods of a library's objects that stand outside, called for their effect: each time that the compiled function
runs, where and as often as the text says."""

from __future__ import annotations

import collections
import csv
import functools
import io
import itertools
import queue
import threading

import numpy as np
import pytest

import gradjit as gj

X = np.array([1.0, 2.0, 3.0])


def put(q, x):
    q.put(1.0)
    return np.sum(x * 2)


def put_under_a_condition(q, x):
    if x[0] > 0:
        q.put("positive")
    else:
        q.put("negative")
    return np.sum(x * 2)


def put_in_a_loop(q, x):
    for k in range(3):
        if x[k] > 1.5:
            q.put(k)
    return np.sum(x * 2)


def put_in_a_long_loop(q, x):
    t = abs(x[0])
    while t < 20.0:
        t *= 2.0
        q.put((1, "turn"))
    return t


@pytest.mark.parametrize("f", [put, put_under_a_condition, put_in_a_loop, put_in_a_long_loop],
                         ids=lambda f: f.__name__)
@pytest.mark.parametrize("tier", ["interpret", "quick", "compile"])
def test_at_each_call(f, tier):
    q, plain = queue.Queue(), queue.Queue()
    compiled = gj.jit(lambda x: f(q, x), tier=tier)
    for k in range(6):
        x = X * (-1) ** k
        assert compiled(x) == f(plain, x)
    assert list(q.queue) == list(plain.queue)


def test_where_derivatives_are_computed():
    q = queue.Queue()
    gradient = gj.grad(lambda x: put_in_a_long_loop(q, x))
    for _ in range(2):
        np.testing.assert_array_equal(gradient(X), [32.0, 0, 0])
    assert q.qsize() == 10


@functools.lru_cache
def cached():
    return 2.0


def written(o, x):
    o.write("a")
    return x * 2


def appended(o, x):
    o.append(1)
    return x * 2


def released(o, x):
    o.release()
    return x * 2


@pytest.mark.parametrize("make, f, look", [
    (io.StringIO, written, lambda o: o.getvalue()), (collections.UserList, appended, list),
    (lambda: threading.Semaphore(9), released, lambda o: o._value),
], ids=["StringIO", "UserList", "Semaphore"])
def test_of_many_kinds(make, f, look):
    ours, plain = make(), make()
    g = gj.jit(lambda x: f(ours, x))
    for _ in range(3):
        np.testing.assert_array_equal(g(X), f(plain, X))
    assert look(ours) == look(plain)


def test_texts_and_rows():
    out, rows = io.StringIO(), io.StringIO()
    writer = csv.writer(rows)

    def f(x):
        out.write("a")
        writer.writerow((1, "b"))
        return x * 2

    g = gj.jit(f)
    for _ in range(5):
        g(X)
    assert out.getvalue() == "aaaaa"
    assert rows.getvalue() == "1,b\r\n" * 5


def test_what_it_raises_is_raised():
    q = queue.Queue(maxsize=2)

    def f(x):
        q.put_nowait(1.0)
        return x * 2

    g = gj.jit(f)
    g(X)
    g(X)
    for _ in range(3):
        with pytest.raises(queue.Full):
            g(X)


def read_behind(x):
    ROWS.append(1.0)
    return x * len(ROWS)


def read_before(x):
    y = x * ROWS.data[0]
    ROWS.append(1.0)
    return y


def in_a_handler(x):
    try:
        Q.put_nowait(1.0)
    except queue.Full:
        x = x * 2
    return x


def a_new_list(x):
    Q.put([1.0])
    return x


def moved_on(x):
    next(NUMBERS)
    return x


def cleared(x):
    cached.cache_clear()
    return x * cached()


ROWS, Q, NUMBERS = collections.UserList([1.0]), queue.Queue(), itertools.count()


@pytest.mark.parametrize("f, words", [
    (read_behind, "and reads what that holds, too"), (read_before, "and reads what that holds, too"),
    (in_a_handler, "the try in line .* would catch it"), (a_new_list, "would not make anew at each call"),
    (moved_on, "moves on"), (cleared, "reads what that holds, too"),
], ids=lambda x: getattr(x, "__name__", None))
def test_refused(f, words):
    with pytest.raises(gj.TraceError, match=rf"(?s){words}.*test_calls_for_effect.py"):
        gj.jit(f)(X)
    assert len(ROWS) == 1 and Q.empty()
