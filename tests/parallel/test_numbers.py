"""How many threads there are: what is said, and by whom."""

from __future__ import annotations

import os

import numpy as np
import pytest

import gradjit as gj
from gradjit.runtime import threads
from tests.parallel.test_pool import run

TELL = "print(gj.get_threads())"


@pytest.fixture(autouse=True)
def own_settings():
    with gj.threads(None):
        yield


def test_settings_nest():
    gj.set_threads(3)
    with gj.threads(5):
        assert gj.get_threads() == 5
        with gj.threads(None):
            assert gj.get_threads() == threads.usual()
        assert gj.get_threads() == 5
    assert gj.get_threads() == 3


def test_settings_of_several_python_threads_overlap():
    gj.set_threads(3)
    first, second = gj.threads(5), gj.threads(7)
    first.__enter__()
    second.__enter__()
    assert gj.get_threads() == 7
    first.__exit__(None, None, None)
    assert gj.get_threads() == 7
    second.__exit__(None, None, None)
    assert gj.get_threads() == 3
    with gj.threads(5):
        gj.set_threads(2)
        assert gj.get_threads() == 2
    assert gj.get_threads() == 3


@pytest.mark.parametrize("n", [0, -1, 10**6])
def test_numbers_out_of_range(n):
    words = rf"={n}; it must be 1 to 1024, or None for as many threads as the process has cores \(\d+\)"
    with pytest.raises(ValueError, match="n" + words):
        gj.set_threads(n)
    with pytest.raises(ValueError, match="n" + words), gj.threads(n):
        pass
    with pytest.raises(ValueError, match="threads" + words):
        gj.value_and_grad(np.sum, threads=n)


@pytest.mark.parametrize("n", [2.0, "2", True, np.array([2])])
def test_what_is_no_number(n):
    with pytest.raises(TypeError, match="it must be an int, or None"):
        gj.set_threads(n)
    with pytest.raises(TypeError, match="it must be an int, or None"):
        gj.jit(np.sum, threads=n)


def test_an_option_of_a_function():
    x = np.linspace(0, 1, 200_000)
    f = lambda x: np.sum(np.exp(x))
    with gj.threads(1):
        assert gj.jit(f, threads=2)(x) == gj.jit(f)(x) == gj.jit(f, threads=np.int64(16))(x)


@pytest.mark.parametrize("variables, expected", [
    ({"GRADJIT_NUM_THREADS": "3"}, 3), ({"OMP_NUM_THREADS": "2,1"}, 2),
    ({"GRADJIT_NUM_THREADS": "5", "OMP_NUM_THREADS": "2"}, 5), ({"PYTEST_XDIST_WORKER": "gw0"}, 1),
])
def test_the_environment(monkeypatch, variables, expected):
    for name in ("GRADJIT_NUM_THREADS", "OMP_NUM_THREADS", "PYTEST_XDIST_WORKER"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert threads.usual() == expected


@pytest.mark.parametrize("text", ["0", "-1", "many"])
def test_an_environment_that_makes_no_sense(monkeypatch, text):
    monkeypatch.setenv("GRADJIT_NUM_THREADS", text)
    monkeypatch.setattr("gradjit.environment._said", set())
    with pytest.warns(RuntimeWarning, match="GRADJIT_NUM_THREADS"):
        assert threads.usual() >= 1


def test_quotas_of_control_groups(monkeypatch, tmp_path):
    monkeypatch.setattr(threads, "CGROUP", tmp_path)
    monkeypatch.setattr(threads, "read", lambda p: "0::/a/b\n" if p.name == "cgroup" else (
        p.read_text() if p.exists() else ""))
    (tmp_path / "a" / "b").mkdir(parents=True)
    assert threads.quota() == 1024
    (tmp_path / "a" / "b" / "cpu.max").write_text("max 100000\n")
    (tmp_path / "a" / "cpu.max").write_text("250000 100000\n")
    assert threads.quota() == 3
    (tmp_path / "cpu.max").write_text("50000 100000\n")
    assert threads.quota() == 1 == threads.cores()


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinity masks")
def test_affinity_masks_and_worker_processes():
    found = run(f"""
        os.sched_setaffinity(0, [sorted(os.sched_getaffinity(0))[0]])
        {TELL}
        import multiprocessing
        def work(context):
            with context.Pool(1) as pool: return pool.apply(gj.get_threads)
        gj.set_threads(None)
        from gradjit.runtime import pool
        pool.allow(7)   # as if there were more cores
        print([work(multiprocessing.get_context(how)) for how in ("fork", "spawn")])
        """)
    assert found.stdout == "1\n[1, 1]\n", found.stderr
