"""What gradjit refuses is refused, whoever catches it: a handler of the function's own does not make another number of
it. And what stands for an object of another type passes for one."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest

import gradjit as gj

X = np.array([0.5, -2.0, 3.0])


def hashed(x):
    try:
        return len(set(x)) * np.sum(x)
    except TypeError:
        return -1.0


def number_of_a_text(x):
    try:
        return float(f"{x[0]:.3f}")
    except (TypeError, ValueError):
        return -1.0


def suppressed(x):
    with contextlib.suppress(TypeError):
        return {x[0]: 2.0}[x[0]]
    return -1.0


def unsupported(x):
    try:
        return np.sum(np.packbits(x))
    except NotImplementedError:
        return -1.0


def dtype(x):
    try:
        return np.sum(x.astype(np.float16))
    except Exception:
        return -1.0


def random(x):
    try:
        return np.sum(np.random.permutation(x))
    except Exception:
        return -1.0


def key(x):
    try:
        return sorted(x, key=lambda v: hash(v))[0]
    except Exception:
        return -1.0


def in_a_loop(x):
    s = 0.0
    for k in range(20):
        try:
            s += len({x[0], 1.0}) * k
        except TypeError:
            s -= 1.0
    return s


@pytest.mark.parametrize("f", [hashed, number_of_a_text, suppressed, unsupported, dtype, random, key,
                               in_a_loop], ids=lambda f: f.__name__)
def test_a_refusal_is_no_answer(f):
    for transform in (gj.jit, gj.grad):
        with pytest.raises((gj.TraceError, gj.DtypeError), match=r"test_swallowed.py\", line \d+"):
            transform(f)(X.copy())


class Keeps:
    """Swallows whatever comes."""

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return True


def kept_by_a_manager(x):
    with Keeps():
        return np.sum(np.packbits(x))
    return -1.0


def raised_in_a_loop(x):
    s = 0.0
    with Keeps():
        for i in range(int(x[2])):
            s += x[i]
            if s > 0.2:
                raise ValueError
    return s


@pytest.mark.parametrize("f", [kept_by_a_manager, raised_in_a_loop], ids=lambda f: f.__name__)
def test_nor_for_a_manager_of_the_users_own(f):
    with pytest.raises(gj.TraceError, match=r"packbits|the Keeps of the with statement in line \d+ may swallow it"):
        gj.jit(f)(X)


def everything(kind):
    """A loop that is traced several times, until its types are known, within handlers that catch all."""
    def in_try(x, k):
        t, found = 0, [x[0]]
        for i in range(k[0]):
            try:
                if x[i] > 0:
                    found.append(1.0)
                t = t * x[i] + 1.0
            except:  # noqa: E722
                t = -100.0
        return t * len(found)

    def in_with(x, k):
        t, found = 0, [x[0]]
        for i in range(k[0]):
            with contextlib.suppress(BaseException), Keeps():
                if x[i] > 0:
                    found.append(1.0)
                t = t * x[i] + 1.0
        return t * len(found)

    def recursion(x, k):
        def down(t):
            try:
                return 1.0 if t < 1.0 else t * down(t - 1.0)
            except:  # noqa: E722
                return -5.0

        return down(x[2])

    return {"try": in_try, "with": in_with, "recursion": recursion}[kind]


@pytest.mark.parametrize("kind", ["try", "with", "recursion"])
def test_what_the_tracer_raises_for_itself_passes_by(kind):
    f, k = everything(kind), np.array([3])
    assert gj.jit(f, backend="interpreter")(X, k) == f(X, k)


def test_nor_without_source():
    space = {}
    exec("def f(x):\n    try:\n        return len(set(x)) * x[0]\n    except TypeError:\n        return -1.0\n", space)
    with pytest.raises(gj.TraceError, match="hash"):
        gj.jit(space["f"])(X)


def test_a_function_without_source_is_not_traced_for_ever(monkeypatch):
    from gradjit.tracer import recorder
    monkeypatch.setattr(recorder, "MOST_OPERATIONS", 500)
    space = {"np": np}
    exec("def f(x, n):\n    for _ in range(n):\n        x = np.sin(x)\n    return x\n", space)
    with pytest.raises(gj.TraceError, match="500 operations in a row.*source is not known"):
        gj.jit(space["f"])(X, 10**6)


def test_errors_of_numpy_are_answers():
    """They come whoever runs the function."""
    def f(x):
        found = 0.0
        for go in (lambda: iter(x[0]), lambda: len(x[0]), lambda: x[0][0], lambda: hash(x), lambda: float(x),
                   lambda: x.reshape(7), lambda: np.sum(x, axis=3), lambda: x[9], lambda: x << 2):
            try:
                go()
            except (TypeError, ValueError, IndexError):
                found += 1
        return found * x[0]

    assert gj.jit(f)(X) == f(X) == 4.5


def masked(x):
    m = np.ma.masked_array(x, x > 1)
    return [isinstance(m, np.ma.MaskedArray), isinstance(m, np.ndarray), type(m) is np.ma.MaskedArray]


def structured(x):
    s = np.zeros(3, [("a", float), ("b", float)])
    s["a"] = x
    return [isinstance(s, np.ndarray), isinstance(s[0], np.void), isinstance(s[0], np.ndarray), type(s) is np.ndarray]


def text(x):
    t = f"{x[0]:.1f}"
    return [isinstance(t, str), isinstance(t, (int, float)), type(t) is str]


def history(x):
    path = []
    for k in range(30):
        path.append(x[0] * k)
    return [isinstance(path, list), type(path) is list, isinstance(path[0], float)]


@pytest.mark.parametrize("f", [masked, structured, text, history], ids=lambda f: f.__name__)
def test_types(f):
    found = gj.jit(lambda x: [1.0 if t else 2.0 for t in f(x)])(X)
    assert found == [1.0 if t else 2.0 for t in f(X)]
