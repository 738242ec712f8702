"""Loops that do not end can be interrupted, and other threads run beside them."""

from __future__ import annotations

import signal
import sys
import threading
import time

import numpy as np
import pytest

import gradjit as gj

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no timers that send signals")


def forever(x):
    while x > 0:
        x = x + 1.0
    return x


def long(x, n):
    for i in range(n):
        for _ in range(100):
            x = np.sin(x) + 1e-9 * i
    return x


def pairs(y):
    return np.sum(np.sin(y[:, None] * y[None, :]) ** np.exp(y), axis=1)


def sorts(x, n):
    for _ in range(n):
        x = np.sort(x) * 1.0000001
    return x


def products(a, n):
    for _ in range(n):
        a = a @ a * 1e-3
    return a


def interrupted(call):
    """The seconds until the call was interrupted; asked for after half a second."""
    old = signal.signal(signal.SIGALRM, signal.default_int_handler)
    start = time.perf_counter()
    signal.setitimer(signal.ITIMER_REAL, 0.5)
    try:
        with pytest.raises(KeyboardInterrupt):
            call()
        return time.perf_counter() - start
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)


@pytest.mark.parametrize("f, args, again", [
    (forever, (1.0,), (-1.0,)), (long, (1.0, np.int64(10**9)), (1.0, np.int64(3))),
    (sorts, (np.ones(1000), np.int64(10**6)), (np.ones(1000), np.int64(1))),
    (products, (np.ones((200, 200)), np.int64(10**5)), (np.ones((200, 200)), np.int64(1))),
], ids=["while", "for", "calls for sorting", "products"])
def test_interrupts(f, args, again):
    g = gj.jit(f)
    expected = g(*again)  # compiled before the clock runs
    assert interrupted(lambda: g(*args)) < 5
    assert np.array_equal(g(*again), expected)


def test_a_loop_over_elements():
    g = gj.jit(pairs)
    assert interrupted(lambda: g(np.ones(100_000))) < 5
    np.testing.assert_allclose(g(np.ones(3)), pairs(np.ones(3)))


def test_other_threads_run_meanwhile():
    g = gj.jit(long)
    g(1.0, np.int64(1))
    seen = []
    stop = threading.Event()

    def count():
        while not stop.wait(0.01):
            seen.append(time.perf_counter())

    thread = threading.Thread(target=count)
    thread.start()
    interrupted(lambda: g(1.0, np.int64(10**9)))
    stop.set()
    thread.join()
    assert len(seen) > 10
