"""What `f.stats()` says of long loops: which run on all cores, and for the others the line, and why."""

from __future__ import annotations

import re

import numpy as np
import pytest

import gradjit as gj
from gradjit.codegen import cores
from tests.parallel.programs import CHUNK

x = np.linspace(0, 1, 2000)


def running(x):
    return np.cumprod(x)


def least(x):
    return np.argmin(x > 0.5)


REASONS = [
    (running, (x,), "each iteration needs the running value of the one before"),
    (least, (x,), "the first of equal elements counts"),
]


@pytest.mark.parametrize("f, arguments, reason", REASONS)
def test_reasons(f, arguments, reason):
    with cores.limits(chunk=CHUNK):
        compiled = gj.jit(f)
        compiled(*arguments)
        assert f"serial=\"{reason}\"" in compiled.ir(*arguments, stage="loops")
    (s,) = compiled.stats().specialisations
    line = f.__code__.co_firstlineno + 1
    assert any(not c.is_parallel and c.words == reason and c.loc.line == line for c in s.cores), s.cores
    assert f"test_reasons.py:{line} runs on one core: {reason}" in str(compiled.stats())


def recurrence(x):
    u = np.zeros(2000)
    for i in range(1, 2000):
        u[i] = 0.5 * u[i - 1] + np.exp(x[i])
    return u


def test_what_an_iteration_reads_of_the_one_before():
    with cores.limits(chunk=CHUNK):
        f = gj.jit(recurrence)
        f(x)
    told = [c.words for c in f.stats().specialisations[0].cores]
    words = r"\w+\[\w+ - 1\], which it reads, is written in an iteration before"
    assert any(re.fullmatch(words, w) for w in told), told


def test_a_loop_on_all_cores():
    with cores.limits(chunk=CHUNK):
        f = gj.jit(lambda x: np.sum(np.exp(x)))
        f(x)
    assert re.search(r"test_reasons.py:\d+ runs on all cores: in \d+ chunks", str(f.stats()))


def test_it_is_told_of_code_from_disk(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADJIT_CACHE", "1")
    monkeypatch.setenv("GRADJIT_CACHE_DIR", str(tmp_path))
    with cores.limits(chunk=CHUNK):
        told = []
        for _ in range(2):
            f = gj.jit(running)
            f(x)
            told.append(f.stats().specialisations[0])
    assert [s.origin for s in told] == ["compiled", "disk"]
    assert told[0].cores == told[1].cores and len(told[0].cores) == 1


def steps(x, n):
    for _ in range(n):
        x = np.sin(x[::-1]) + x
    return np.sum(x)


def counted(total, n):
    for i in range(n):
        total = np.sin(total) + i
    return total


@pytest.mark.parametrize("f, arguments, reason", [
    (steps, (x, 50), "it makes an array anew from the one of the iteration before"),
    (counted, (1.0, 1000), "it carries a number from iteration to iteration"),
])
def test_loops_of_the_program(f, arguments, reason):
    with cores.limits(chunk=CHUNK):
        compiled = gj.jit(f)
        compiled(*arguments)
    (s,) = compiled.stats().specialisations
    assert any(not c.is_parallel and c.words == reason for c in s.cores), s.cores
