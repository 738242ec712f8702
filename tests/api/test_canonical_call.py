"""Specialisation, the cache, layouts of arguments, threads, and what `ir` and `stats` tell."""

from __future__ import annotations

import functools
import gc
import os
import subprocess
import sys
import threading
import weakref

import numpy as np
import pytest

import gradjit as gj
from gradjit.ir import parse

X = np.arange(6.0)
BACKENDS = ["native", "interpreter"]


def weighted(x, w):
    return np.sum(x * x * w)


def specialisations(f):
    return len(f.stats().specialisations)


def test_one_specialisation_for_each_dtype_shape_and_static_value():
    f = gj.jit(lambda x, n=1: x * n)
    calls = [(X,), (X + 1,), (X[:3],), (X.astype(np.float32),), (X.reshape(2, 3),), (1.5,), (np.float64(1.5),), (X, 2),
             (X, 2), (X, True), (X, "a" * 0 or 3)]
    for args in calls:
        np.testing.assert_array_equal(f(*args), args[0] * (args[1] if len(args) > 1 else 1))
    assert specialisations(f) == 9


def test_static_values_are_told_apart_by_type():
    f = gj.jit(lambda x, n: (type(n).__name__, x * n))
    assert [f(2.0, n) for n in (1, True, 1)] == [("int", 2.0), ("bool", 2.0), ("int", 2.0)]
    assert f(2.0, 1.0)[0] == "float"
    assert specialisations(f) == 3


def test_hits_run_no_python(monkeypatch):
    f = gj.value_and_grad(weighted)
    f(X, X)

    def refuse(*args, **kwargs):
        raise AssertionError("Python was run")

    monkeypatch.setattr(f, "miss", refuse)
    for _ in range(3):
        np.testing.assert_array_equal(f(X, X + 1)[1], 2 * X * (X + 1))
    with pytest.raises(AssertionError, match="Python was run"):
        f(X[:2], X[:2])


@pytest.mark.parametrize("backend", BACKENDS)
def test_layouts(backend):
    f = gj.value_and_grad(weighted, (0, 1), backend=backend)
    big = np.arange(48.0).reshape(4, 12)
    raw = np.zeros(6 * 8 + 1, np.uint8)
    unaligned = raw[1:].view(np.float64)
    unaligned[:] = X
    read_only = X.copy()
    read_only.setflags(write=False)
    arrays = [
        X, X[::-1], big[:, ::2], big.T, np.asfortranarray(big), big[::2, 1:7], X.astype(">f8"), unaligned, read_only,
        np.broadcast_to(X, (3, 6)), np.zeros(0), np.zeros((3, 0)), big[:0], big[1], np.array(2.0),
        big.reshape(2, 2, 12).T,
    ]
    for a in arrays:
        w = np.asarray(np.sin(np.arange(a.size)).reshape(a.shape))
        value, (ga, gw) = f(a, w)
        np.testing.assert_allclose(value, weighted(np.array(a, float), w), rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(ga, 2 * np.asarray(a) * w)
        np.testing.assert_allclose(gw, np.asarray(a) ** 2)
        assert ga.flags.writeable
        assert ga.dtype == np.float64
    np.testing.assert_array_equal(read_only, X)


def test_subclass_free_results_for_memmaps(tmp_path):
    m = np.memmap(tmp_path / "m", dtype=np.float64, mode="w+", shape=(6,))
    m[:] = X
    assert gj.jit(np.sum)(m) == 15.0
    assert gj.jit(lambda x: np.sum(x * m))(X) == np.sum(X * X)


def test_numpy_functions_themselves():
    np.testing.assert_array_equal(gj.jit(np.sin)(np.zeros(3)), np.zeros(3))
    np.testing.assert_array_equal(gj.grad(np.sum)(X), np.ones(6))
    assert gj.grad(functools.partial(weighted, w=2.0))(3.0) == 12.0


class Model:
    def __init__(self, w):
        self.w = w
        self.power = 2

    def loss(self, x):
        return np.sum(x ** self.power * self.w)

    @gj.jit
    def scaled(self, x):
        return x * self.w

    def __call__(self, x):
        return self.loss(x)


@pytest.mark.parametrize("backend", BACKENDS)
def test_methods_and_their_state(backend):
    m = Model(np.ones(6))
    f = gj.grad(m.loss, backend=backend)
    np.testing.assert_array_equal(f(X), 2 * X)
    m.w[:] = 2.0
    np.testing.assert_array_equal(f(X), 4 * X)
    m.w = np.full(6, 3.0)
    np.testing.assert_array_equal(f(X), 6 * X)
    assert specialisations(f) == 1
    m.power = 3
    np.testing.assert_array_equal(f(X), 9 * X * X)
    m.w = np.float32(1.0) * np.ones(6, np.float32)
    np.testing.assert_array_equal(f(X), 3 * X * X)
    assert specialisations(f) == 3
    np.testing.assert_array_equal(gj.grad(m)(X), 3 * X * X)


def test_complex_numbers():
    z = np.array([1 + 2j, 3 - 1j])
    np.testing.assert_array_equal(gj.jit(lambda z: z * z)(z), z * z)
    np.testing.assert_array_equal(gj.jit(lambda z: z * z + 1j, backend="interpreter")(z), z * z + 1j)


def test_compiled_methods_bind():
    a, b = Model(np.ones(6)), Model(np.full(6, 2.0))
    np.testing.assert_array_equal(a.scaled(X), X)
    np.testing.assert_array_equal(b.scaled(X), 2 * X)
    a.w = np.zeros(6)
    np.testing.assert_array_equal(a.scaled(X), 0 * X)


@pytest.mark.parametrize("backend", BACKENDS)
def test_globals_are_read_at_each_call(backend):
    space = {"np": np, "w": np.ones(6), "rate": 2.0, "layers": [np.ones(6), np.ones(6)], "d": {"k": np.ones(6), "n": 1}}
    exec("def helper(x): return x * rate\n"
         "def f(x):\n    for v in layers:\n        x = x * v\n"
         "    return np.sum(helper(x) * w * d['k']) * d['n']", space)
    f = gj.jit(space["f"], backend=backend)

    def expect(value):
        assert f(X) == value * X.sum()

    expect(2)
    space["w"][:] = 3.0
    expect(6)
    space["w"] = np.ones(6)
    expect(2)
    space["layers"][1] = np.full(6, 5.0)
    expect(10)
    space["d"]["k"] = np.full(6, 2.0)
    expect(20)
    assert specialisations(f) == 1
    space["rate"] = 1.0
    expect(10)
    space["d"]["n"] = 2
    expect(20)
    space["layers"].append(np.full(6, 2.0))
    expect(40)
    space["helper"] = lambda x: -x
    expect(-40)
    before = specialisations(f)
    space["w"] = np.ones(6, np.float32)
    expect(-40)
    assert specialisations(f) == before + 1


@pytest.mark.parametrize("size", [10, 4000])
def test_containers_of_any_size_are_watched(size):
    numbers = [float(k) for k in range(size)]
    rows = [[1.0 * k, 2.0 * k] for k in range(size)]
    f = gj.jit(lambda x: x * (sum(numbers) + np.array(rows).sum()))

    def expected():
        return 2.0 * (sum(numbers) + np.array(rows).sum())

    assert f(2.0) == expected()
    assert f(2.0) == expected()
    numbers[3] = 50.0
    assert f(2.0) == expected()
    rows[-1][1] = -1.0
    assert f(2.0) == expected()
    assert specialisations(f) == 3
    assert f.stats().compile_seconds < 30


def test_a_number_that_changes_at_every_call_does_not_fill_the_cache(monkeypatch):
    from gradjit.api import compiled
    monkeypatch.setattr(compiled, "MAX_SPECIALISATIONS", 4)
    space = {"np": np, "k": 0}
    exec("def f(x): return x * k", space)
    f = gj.jit(space["f"])
    for k in range(9):
        space["k"] = k
        assert f(2.0) == 2.0 * k
    assert specialisations(f) <= 4


def test_more_specialisations_than_machine_code_tries():
    f = gj.jit(lambda x: np.sum(x), sizes="exact")
    for _ in range(2):
        for n in range(1, 14):
            assert f(np.ones(n)) == n
    assert specialisations(f) == 13


def test_containers_go_through_python_and_are_compiled_once():
    f = gj.grad(lambda p: np.sum(p["a"] * p["b"][0]))
    for k in range(3):
        g = f({"a": X, "b": [X + k]})
        np.testing.assert_array_equal(g["a"], X + k)
    assert specialisations(f) == 1
    f({"a": X, "b": [X, X]})
    assert specialisations(f) == 2


def test_results_that_are_arguments_or_captured():
    w = np.ones(6)
    f = gj.jit(lambda x, n: (x, w, n, x[1:], x * 1))
    x, kept, n, tail, fresh = f(X, 3)
    assert x is X
    assert kept is w
    assert n == 3
    assert not np.shares_memory(tail, X)
    assert not np.shares_memory(fresh, X)
    v, g = gj.value_and_grad(lambda x: x)(1.5)
    assert (v, g) == (1.5, 1.0)
    a, b = gj.jit(lambda x: (y := x * 2, y))(X)
    assert a is b


def test_a_function_may_be_garbage_collected():
    f = gj.grad(lambda x: np.sum(x * X))
    f(X)
    ref = weakref.ref(f)
    del f
    gc.collect()
    assert ref() is None


def test_clear_cache():
    f = gj.jit(lambda x: x * 2)
    f(X)
    f.clear_cache()
    assert specialisations(f) == 0
    np.testing.assert_array_equal(f(X), X * 2)


def test_threads():
    f = gj.value_and_grad(lambda x, n: np.sum(x ** 2) * n, sizes="exact")
    shapes = list(range(1, 9))
    failures = []

    def work(seed):
        try:
            for n in np.random.default_rng(seed).permutation(shapes * 3):
                x = np.arange(float(n))
                v, g = f(x, int(n) % 3)
                np.testing.assert_allclose(v, np.sum(x ** 2) * (n % 3))
                np.testing.assert_allclose(g, 2 * x * (n % 3))
        except Exception as e:
            failures.append(e)

    threads = [threading.Thread(target=work, args=(s,)) for s in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not failures
    assert specialisations(f) == 8


def test_tracing_in_two_threads_does_not_mix():
    barrier = threading.Barrier(2)
    results = {}

    def make(k):
        def f(x):
            y = x * k
            barrier.wait(timeout=20)
            y = y + k
            barrier.wait(timeout=20)
            return np.sum(y)

        results[k] = gj.jit(f)(X)

    threads = [threading.Thread(target=make, args=(k,)) for k in (2.0, 3.0)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert results == {k: np.sum(X * k + k) for k in (2.0, 3.0)}


# looking inside -----------------------------------------------------------------------------------------------------
def test_ir_at_each_stage():
    f = gj.value_and_grad(weighted, sizes="exact")
    f(X, X)
    for stage in ("traced", "adjoint", "optimized"):
        text = f.ir(stage=stage)
        assert text == f.ir(X, X, stage=stage)
        (func,) = parse(text).funcs.values()
        assert func.name == "weighted" or func.name.startswith("weighted")
        assert [p.name for p in func.params] == ["x", "w"]
        assert "test_canonical_call.py:" in text
    assert len(parse(f.ir(stage="traced")).funcs) == 1
    assert f.ir(stage="traced").count("sum") == 1
    assert "define" in f.ir(stage="llvm")
    assert "for " in f.ir(stage="loops") or "loop" in f.ir(stage="loops")
    assert "ret" in f.ir(stage="asm")
    assert specialisations(f) == 1
    assert "f64[3]" in f.ir(X[:3], X[:3], stage="adjoint")
    assert specialisations(f) == 2


def test_names_of_parameters():
    f = gj.grad(lambda params, x, *rest, flag=True: np.sum(params["w1"] * x) + params["layers"][1]["b"] + sum(rest))
    f({"w1": X, "layers": [{"b": 1.0}, {"b": 2.0}]}, X, 3.0)
    (func,) = parse(f.ir(stage="adjoint")).funcs.values()
    assert [p.name for p in func.params] == ["params.layers_0.b", "params.layers_1.b", "params.w1", "x", "rest_0"]


def test_stats():
    f = gj.value_and_grad(weighted)
    assert f.stats().specialisations == []
    for _ in range(4):
        f(X, X)
    f(x=X, w=X)
    s = f.stats()
    assert s.hits == 5
    assert s.misses == 2
    (one,) = s.specialisations
    assert one.arguments == "x: f64[6], w: f64[6]"
    assert one.workspace_bytes >= 0
    assert {"trace", "passes", "lower", "llvm"} <= set(one.seconds)
    assert one.traced_operations < one.adjoint_operations
    assert 0 < one.compile_seconds < 60
    assert "weighted" in str(s)
    assert "f64[6]" in str(s)


def test_dump_and_verify(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADJIT_DUMP", str(tmp_path))
    monkeypatch.setenv("GRADJIT_VERIFY", "1")
    gj.value_and_grad(weighted)(X, X)
    names = sorted(p.name for p in tmp_path.iterdir())
    assert [n[:3] for n in names] == [f"{k:03d}" for k in range(len(names))]
    for part in ("traced", "adjoint", "simplify", "dce", "loops", "llvm"):
        assert any(part in n and "weighted" in n for n in names), part


def test_importing_loads_what_a_first_call_needs_and_no_scipy():
    program = ("import sys, gradjit;"
               "print(*[m for m in ('scipy', 'numba', 'llvmlite.binding', 'gradjit.codegen') if m in sys.modules])")
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True,
                         env={**os.environ, "PYTHONPATH": os.getcwd()})
    assert run.stdout.split() == ["llvmlite.binding", "gradjit.codegen"]


def test_public_names():
    assert set(gj.__all__) <= set(dir(gj))
    for name in gj.__all__:
        assert getattr(gj, name).__doc__
    with pytest.raises(AttributeError):
        gj.nonsense  # noqa: B018
