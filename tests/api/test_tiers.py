"""Quick code for the first calls: the same bits, and all of LLVM's effort for who calls more often."""

from __future__ import annotations

import pickle
import threading
import time
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import gradjit as gj
from gradjit.api import tiers
from gradjit.runtime import artefact, jit

X, W = np.linspace(-2.0, 3.0, 37), np.linspace(0.1, 1.1, 12).reshape(3, 4)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setenv("GRADJIT_TIER", "quick")
    monkeypatch.setattr(tiers, "QUICK_SECONDS", 60.0)  # by count alone


@pytest.fixture
def pipelines(monkeypatch):
    """The pipelines that kernels have gone through, in order."""
    seen: list[str] = []
    emit, improve = artefact.emit_object, artefact.improve

    def emitted(module, **settings):
        seen.append(settings.get("pipeline", "light"))
        return emit(module, **settings)

    def improved(code, pipeline):
        seen.append(f"then {pipeline}")
        return improve(code, pipeline)

    monkeypatch.setattr(artefact, "emit_object", emitted)
    monkeypatch.setattr(artefact, "improve", improved)
    monkeypatch.setattr(jit, "_recent", jit.Recent(16 << 20))
    monkeypatch.setattr(artefact, "_received", OrderedDict())
    return seen


def loss(x):
    return np.sum(np.tanh(x) * np.sin(x) + np.log1p(np.exp(-x * x)))


def layer(w, x):
    h = np.maximum(x @ w, 0.0)
    return np.mean(h * h) + np.max(w)


def orbit(x):
    p, v = x[0], x[1]
    for _ in range(40):
        v = v - 0.01 * p / (1.0 + p * p)
        p = p + 0.01 * v
    return p * v


def unknown(x):
    while x * x > 1.0:
        x = x * 0.5
    return x


PROGRAMS = [(loss, X), (layer, W, np.ones((5, 3))), (orbit, np.array([1.0, 0.5])), (loss, X.astype(np.float32))]


@pytest.mark.parametrize(("f", "args"), [(f, args) for f, *args in PROGRAMS])
def test_the_same_bits_before_and_after(f, args, pipelines) -> None:
    g = gj.value_and_grad(f)
    answers = [g(*args) for _ in range(6)]
    assert pipelines == ["quick", f"then {pipelines[1].removeprefix('then ')}"]
    for value, gradient in answers[1:]:
        assert np.float64(value).tobytes() == np.float64(answers[0][0]).tobytes()
        assert gradient.tobytes() == answers[0][1].tobytes()
    assert g.stats().hits == 6


def test_three_calls_then_all_effort(pipelines) -> None:
    g = gj.grad(loss)
    for calls in range(1, 7):
        g(X)
        assert pipelines == (["quick"] if calls <= 3 else ["quick", "then light"])
        assert len(g.entries) == (0 if calls <= 3 else 1)
    assert g.stats().specialisations[0].hits == 6


def test_by_what_the_calls_have_taken(pipelines, monkeypatch) -> None:
    monkeypatch.setattr(tiers, "QUICK_SECONDS", 1e-9)
    g = gj.grad(loss)
    g(X)
    assert pipelines == ["quick"]
    g(X)
    assert pipelines == ["quick", "then light"]


@pytest.mark.parametrize("make", [
    lambda: (gj.grad(loss, tier="compile"), X),
    lambda: (gj.grad(unknown), 3.0),  # nobody knows how long
    lambda: (gj.grad(loss), np.ones(10**6)),
])
def test_all_effort_at_once(make, pipelines) -> None:
    g, x = make()
    g(x)
    assert set(pipelines) <= {"light", "loops"} and len(g.entries) == 1


def test_calls_of_a_library_do_not_count(pipelines) -> None:
    """A long product takes as long whatever LLVM does."""
    gj.grad(layer)(np.ones((300, 200)) / 1e3, np.ones((400, 300)))
    assert pipelines == ["quick"]


def test_a_large_kernel_is_never_quick(pipelines, monkeypatch) -> None:
    monkeypatch.setattr(artefact, "QUICK_TEXT", 1000)
    gj.grad(loss)(X)
    assert pipelines == ["light"]


def test_declared_types_are_compiled_ahead(pipelines) -> None:
    g = gj.grad(loss).compile("f64[37]")
    assert pipelines == ["quick", "then light"] and len(g.entries) == 1
    g(X)
    assert g.stats().hits == 1


def test_assembly_is_that_of_all_effort() -> None:
    g, h = gj.grad(loss), gj.grad(loss, tier="compile")
    g(X)
    h(X)
    assert g.ir(stage="asm") == h.ir(stage="asm")
    assert g.ir(stage="llvm") == h.ir(stage="llvm")


def test_errors_are_the_same() -> None:
    def pick(x, k):
        return x[k] * 2.0

    g = gj.jit(pick)
    for _ in range(6):
        with pytest.raises(IndexError, match=r"index 40 .*37"):
            g(X, np.int64(40))
        assert g(X, np.int64(36)) == 6.0


def test_what_is_captured_is_watched() -> None:
    scale = [1.0]

    def scaled(x):
        return np.sum(x) * scale[0]

    g = gj.jit(scaled)
    for k in range(8):
        scale[0] = float(k)
        assert g(np.ones(3)) == 3.0 * k


def test_writes_in_every_tier() -> None:
    def double(x):
        x *= 2.0

    g, x = gj.jit(double), np.ones(3)
    for k in range(1, 7):
        g(x)
        np.testing.assert_array_equal(x, 2.0**k)


def test_threads_that_call_at_once() -> None:
    g = gj.grad(loss)
    expected = gj.grad(loss, tier="compile")(X).tobytes()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: g(X).tobytes(), range(64)))
    assert set(answers) == {expected} and g.stats().hits == 64


def test_sizes_that_open(pipelines) -> None:
    g = gj.grad(loss)
    for n in range(2, 12):
        x = np.linspace(0, 1, n)
        assert g(x).tobytes() == gj.grad(loss, tier="compile", sizes="exact")(x).tobytes()
    assert len(g.stats().specialisations) <= 3


# what Python hands over ----------------------------------------------------------------------------------------------
WIDE = np.arange(24.0).reshape(4, 6)
Z = np.array([1 + 2j, -0.5j, 3.0])
ANSWERS = {
    "a scalar": (lambda x: np.sum(x), X),
    "a number": (lambda t: t * 2.0, 1.5),
    "an integer": (lambda n: n // 2, np.int32(7)),
    "truth": (lambda x: (x > 0.0, np.all(x < 9.0)), X),
    "rank 0": (lambda x: np.asarray(np.sum(x)) * np.ones(()), X),
    "complex": (lambda z: (z * z, np.abs(z), z.conj().sum()), Z),
    "containers": (lambda p: {"w": p["w"] * 2.0, "rest": [p["b"], (1, None)]}, {"w": W, "b": X}),
    "its argument": (lambda x: (x, x + 1.0), X),
    "columns first": (lambda a: a @ a.T, np.asfortranarray(WIDE)),
    "every second": (lambda a: a * 2.0, WIDE[::2, ::3]),
    "backwards": (lambda a: np.cumsum(a), X[::-1]),
    "nothing": (lambda a: (a * 2.0, np.sum(a)), np.zeros((0, 3))),
    "captured columns": (lambda x: WIDE.T[1:5] @ x, np.ones(4)),
    "a routine": (lambda a: np.linalg.solve(a @ a.T + np.eye(4), a), WIDE / 24.0),
    "a transform": (lambda x: np.fft.rfft(x), X),
}


def leaves(x):
    if isinstance(x, dict):
        return [y for k in sorted(x) for y in (k, *leaves(x[k]))]
    if isinstance(x, (list, tuple)):
        return [type(x), *(y for e in x for y in leaves(e))]
    if isinstance(x, (np.ndarray, np.generic)):
        return [type(x), x.dtype, x.shape, x.tobytes()]
    return [type(x), x]


@pytest.mark.parametrize("name", ANSWERS)
def test_the_same_answer_from_each_tier(name: str, pipelines) -> None:
    f, x = ANSWERS[name]
    g = gj.jit(f)
    answers = [g(x) for _ in range(5)]
    assert all(leaves(a) == leaves(answers[0]) for a in answers)
    assert leaves(gj.jit(f, tier="compile")(x)) == leaves(answers[0])
    assert pipelines[0] == "quick"


def test_results_are_apart() -> None:
    g = gj.jit(lambda x: (x * 2.0, x))
    first, same = g(X)
    second, _ = g(X)
    assert same is X and not np.may_share_memory(first, second) and first.flags.writeable


def test_arrays_that_share_memory_are_told_apart() -> None:
    def swap(a, b):
        a[0], b[0] = b[0], a[0] + 1.0
        return np.sum(a) + np.sum(b)

    g = gj.jit(swap)
    for _ in range(6):
        x, y = np.ones(3), np.zeros(3)
        p, q = np.ones(3), np.zeros(3)
        assert g(x, y) == swap(p, q)
        np.testing.assert_array_equal((x, y), (p, q))
        x, p = np.arange(3.0), np.arange(3.0)
        assert g(x, x) == swap(p, p)
        np.testing.assert_array_equal(x, p)


def test_other_threads_run_beside_quick_code(pipelines, monkeypatch) -> None:
    """While the kernel multiplies for some tenths of a second, another thread counts as it does while this one sleeps;
    with the GIL held it gets a few milliseconds at most, before the kernel begins."""
    a = np.random.default_rng(0).normal(size=(1000, 1000)) / 30
    g = gj.jit(lambda a: a @ a @ a @ a @ a @ a, sizes="exact")
    g(a)
    (s,) = g.found[next(iter(g.found))]
    bound, counts, ended, rates = s.executable.first.kernel, [0], threading.Event(), []

    def rate(f, *args):
        before, begin = counts[0], time.perf_counter()
        result = f(*args)
        rates.append((counts[0] - before) / (time.perf_counter() - begin))
        return result

    def count() -> None:
        while not ended.is_set():
            counts[0] += 1

    run = bound._run
    monkeypatch.setattr(bound, "_run", lambda *args: rate(run, *args))
    other = threading.Thread(target=count)
    other.start()
    try:
        g(a)
        rate(time.sleep, 0.1)
    finally:
        ended.set()
        other.join()
    assert pipelines == ["quick"] and rates[0] > 0.15 * rates[1]


def test_what_is_captured_is_read_once(monkeypatch) -> None:
    """Another thread's doing: what has been looked at is what is passed on."""
    weights = np.ones(1000)
    g = gj.jit(lambda x: np.sum(x * weights))
    g(np.ones(1000))
    (s,) = next(iter(g.found.values()))
    reads: list[int] = []
    real = type(s.program).captured_now

    def read(self):
        reads.append(1)
        return real(self) if len(reads) == 1 else [np.ones(3)]

    monkeypatch.setattr(type(s.program), "captured_now", read)
    assert g(np.ones(1000)) == 1000.0 and len(reads) == 1


# what is kept ---------------------------------------------------------------------------------------------------------
@pytest.fixture
def cache(monkeypatch, tmp_path):
    monkeypatch.setenv("GRADJIT_CACHE", "1")
    monkeypatch.setenv("GRADJIT_CACHE_DIR", str(tmp_path))


def test_quick_code_is_kept_until_there_is_better(cache, pipelines) -> None:
    g = gj.grad(loss)
    g(X)
    assert pipelines == ["quick"]
    again = gj.grad(loss)
    answers = [again(X).tobytes() for _ in range(4)]
    assert pipelines == ["quick", "then light"] and set(answers) == {g(X).tobytes()}
    third = gj.grad(loss)
    third(X)
    assert [f.stats().specialisations[0].origin for f in (g, again, third)] == ["compiled", "disk", "disk"]
    assert pipelines == ["quick", "then light"] and len(third.entries) == 1


def test_who_wants_all_effort_finds_quick_code(cache, pipelines) -> None:
    gj.grad(loss)(X)
    g = gj.grad(loss, tier="compile")
    g(X)
    assert pipelines == ["quick", "then light"] and len(g.entries) == 1
    other = gj.grad(loss)
    other(X)
    assert pipelines == ["quick", "then light"] and len(other.entries) == 1


def test_quick_code_is_sent(pipelines) -> None:
    g = gj.grad(loss)
    expected = g(X)
    sent = pickle.dumps(g)
    copy = pickle.loads(sent)
    for _ in range(5):
        np.testing.assert_array_equal(copy(X), expected)
    assert copy.stats().specialisations[0].origin == "pickle" and pipelines == ["quick", "then light"]


def test_an_artefact_of_an_unknown_pipeline_is_none() -> None:
    with pytest.raises(ValueError, match="no pipeline 'other'"):
        artefact.pipeline_named("other")


def test_from_the_interpreter_by_quick_code_to_all_effort(pipelines) -> None:
    g = gj.grad(loss, tier="interpret")
    answers = [g(X) for _ in range(7)]
    assert pipelines == ["quick", "then light"] and len(g.entries) == 1 and g.stats().hits == 7
    np.testing.assert_allclose(answers[0], answers[6], rtol=1e-14)
    assert len({a.tobytes() for a in answers[2:]}) == 1
