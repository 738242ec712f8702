"""What `f.stats()` tells of loops."""

from __future__ import annotations

import numpy as np

import gradjit as gj


def linear(x, n):
    for _ in range(n):
        x = 2.0 * x
    return x


def squared(x, n):
    for _ in range(n):
        x = x * x
    for _ in range(3):
        x = x + 1.0
    return x


def named(x):
    total = 0.0
    for k in range(20):
        total = total + x * {19: 2.0}.get(k, 1.0)
    return total


def first(f):
    (s,) = f.stats().specialisations
    return s


def test_bytes_kept_by_line():
    f = gj.grad(linear)
    f(1.0, 100)
    assert first(f).kept == [] and first(f).kept_bytes == 0
    g = gj.grad(squared)
    g(1.0, 100)
    (k,) = first(g).kept
    assert (k.bytes, k.trip_count, first(g).kept_bytes) == (8, 100, 800)
    assert k.loc is not None and k.loc.file == __file__
    assert f"keeps {k.type}, 8 bytes an iteration, 100 iterations" in str(g.stats())
    jitted = gj.jit(squared)
    jitted(1.0, 100)
    assert first(jitted).kept == []


def test_loops_of_unknown_length():
    g = gj.grad(lambda x, n: squared(x, n))
    g(1.0, np.int64(5))
    assert first(g).kept_bytes is None
    assert "keeps f64[], 8 bytes an iteration\n" in str(g.stats()) + "\n"


def test_how_loops_were_compiled():
    g = gj.jit(squared)
    g(1.0, 100)
    ((loc, why),) = first(g).loops.items()
    assert loc.line - squared.__code__.co_firstlineno in (1, 2) and why == ""
    assert f"{loc}: a loop" in str(g.stats())
    h = gj.jit(named)
    assert h(2.0) == named(2.0)
    ((loc, why),) = first(h).loops.items()
    assert loc.line - named.__code__.co_firstlineno in (2, 3) and why
    assert f"{loc}: unrolled: {why}" in str(h.stats())
