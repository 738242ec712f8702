"""Bad input: an exception of a documented class, with the user's line and a remedy, that leaves later calls intact."""

from __future__ import annotations

import linecache
import traceback

import numpy as np
import pytest

import gradjit as gj

X = np.arange(3.0) + 1
HERE = r'(.|\n)*File ".*test_errors\.py", line \d+'


def vector(x):
    return x * 2


def nothing(x):
    np.sum(x)


def pair(x):
    return np.sum(x), np.sum(x)


def count(x):
    return np.argmax(x)


def square(x):
    return np.sum(x * x)


def phase(x):
    return np.sum(x * 1j)


def converted(x):
    return np.sum(np.linalg.eigvals(x))


def shapes(x):
    return np.sum(x[:2] + x)


def index(x):
    return x[3]


def table(x):
    return {x[0]: 1}


def caught(x):
    try:
        return len(set(x)) * np.sum(x)
    except TypeError:  # as a function may that tries something else
        return np.sum(x * 3)


def lazily(x):
    return (v * 2 for v in x)


def mapped(x):
    return np.sum(x), map(np.sin, x)


CASES = [
    (vector, (X,), gj.DifferentiationError, r"returns an array, f64\[3\].*np\.sum.*gj\.jacobian"),
    (nothing, (X,), gj.DifferentiationError, "returns None.*return"),
    (pair, (X,), gj.DifferentiationError, "returns a tuple.*has_aux"),
    (count, (X,), gj.DifferentiationError, "returns a int64"),
    (square, (np.arange(3),), gj.DifferentiationError, r"array of int64.*x\.astype\(float\)"),
    (square, (X > 1,), gj.DifferentiationError, r"array of bool.*x\.astype\(float\)"),
    (square, (3,), gj.DifferentiationError, r"the int 3.*float\(x\)"),
    (square, (np.array([1, None], dtype=object),), gj.DtypeError, "argument x.*object"),
    (square, (np.array(["a", "b"]),), gj.DtypeError, "argument x.*<U1"),
    (square, (np.array([1.5], np.float16),), gj.DtypeError, "argument x.*float16"),
    (square, (np.ma.masked_array(X),), gj.DtypeError, r"MaskedArray.*make np\.ma\.array"),
    (square, (np.asmatrix(X),), gj.DtypeError, r"matrix.*np\.asarray"),
    (phase, (X,), gj.DifferentiationError, ""),
    (shapes, (X,), gj.ShapeError, r"could not be broadcast together with shapes \(2,\) \(3,\)"),
    (index, (X,), gj.BoundsError, "index 3 is out of bounds for axis 0 with size 3"),
    (table, (X,), gj.TraceError, "hash"),
    (caught, (X,), gj.TraceError, "hash"),
    (lazily, (X,), gj.TraceError, "returns a generator.*return a list"),
    (mapped, (X,), gj.TraceError, "returns a map.*return a list"),
]


@pytest.mark.parametrize("f, args, error, message", CASES, ids=lambda c: getattr(c, "__name__", None))
def test_bad_input(f, args, error, message):
    g = gj.grad(f)
    for _ in range(2):  # the second time as the first
        with pytest.raises(error, match=f"(?s).*{message}{HERE}"):
            g(*args)
    assert not g.stats().specialisations
    compiled = gj.grad(square)
    np.testing.assert_array_equal(compiled(X), 2 * X)


def test_a_failed_trace_leaves_the_cache_intact():
    g = gj.grad(square)
    np.testing.assert_array_equal(g(X), 2 * X)
    with pytest.raises(gj.DifferentiationError):
        g(np.arange(3))
    with pytest.raises(gj.DtypeError):
        g(np.array(["a"]))
    np.testing.assert_array_equal(g(X), 2 * X)
    assert len(g.stats().specialisations) == 1


def test_errors_of_the_function_itself_pass_through():
    class Mine(Exception):
        pass

    def f(x):
        if len(x) == 2:
            raise Mine("two")
        return np.sum(x)

    g = gj.jit(f)
    with pytest.raises(Mine, match="two"):
        g(X[:2])
    assert g(X) == 6.0


def test_tracebacks_lead_to_the_users_lines():
    def helper(y):
        return y[7]

    def f(x):
        return helper(x * 2)

    with pytest.raises(gj.BoundsError) as e:
        gj.grad(f)(X)
    lines = [linecache.getline(s.filename, s.lineno).strip() for s in traceback.extract_tb(e.value.__traceback__)]
    assert lines[-2:] == ["return helper(x * 2)", "return y[7]"]
    assert len(lines) <= 6


def test_wrong_number_of_arguments():
    with pytest.raises(TypeError, match="square"):
        gj.grad(square)(X, X)
    with pytest.raises(TypeError, match="missing"):
        gj.jit(square)()
    with pytest.raises(gj.DifferentiationError, match="argnums=2.*1 positional"):
        gj.grad(square, 2)(X)


def test_arguments_of_the_transformations():
    with pytest.raises(TypeError, match=r"gj\.grad\(f\)\(x\)"):
        gj.grad(3.0)
    with pytest.raises(TypeError, match="argnums"):
        gj.grad(square, "x")
    with pytest.raises(TypeError, match="argnums"):
        gj.value_and_grad(square, ())
    with pytest.raises(ValueError, match="backend"):
        gj.jit(square, backend="gpu")


def test_has_aux_needs_a_pair():
    for f in (square, lambda x: (np.sum(x), 1, 2), lambda x: None):
        with pytest.raises(gj.DifferentiationError, match="has_aux.*tuple"):
            gj.grad(f, has_aux=True)(X)


def test_values_kept_in_a_global_and_used_later():
    kept = []

    def f(x):
        kept.append(x * 2)
        return np.sum(x)

    with pytest.raises(gj.TraceError, match="appends a traced value to the list kept.*leaves no trace"):
        gj.grad(f)(X)
    assert kept == []

    def g(x):
        error = KeyError("carries it out")
        error.value = x * 2
        raise error

    with pytest.raises(KeyError) as raised:
        gj.grad(g)(X)
    kept = [raised.value.value]
    with pytest.raises(gj.LeakError, match="has been traced.*Return it"):
        gj.jit(lambda x: x + kept[0])(X)
    with pytest.raises(gj.LeakError):
        kept[0] + 1
    with pytest.raises(gj.LeakError):
        float(kept[0][0])


def test_recursion_without_end():
    def f(x):
        return f(x * 2)

    for _ in range(2):
        with pytest.raises(gj.TraceError, match=f"f calls itself without end{HERE}, in f"):
            gj.jit(f)(X)


def test_what_is_differentiated_changes_no_captured_array():
    w = np.ones(3)

    def g(x):
        w[0] = x[0]
        return x * w[0]

    np.testing.assert_array_equal(gj.grad(lambda x: np.sum(g(x)))(np.ones(3)), [4.0, 1.0, 1.0])
    np.testing.assert_array_equal(w, np.ones(3))


def test_nan_and_inf_travel():
    x = np.array([np.nan, np.inf, 1.0])
    v, g = gj.value_and_grad(square)(x)
    assert np.isnan(v)
    np.testing.assert_array_equal(g, 2 * x)


def test_computed_indices_out_of_range():
    f = gj.jit(lambda x, i: x[i])
    assert f(X, np.array([2]))[0] == 3.0
    for k in (3, -4, 2**40):
        with pytest.raises(gj.BoundsError, match=f"index {k} is out of bounds for an axis with size 3{HERE}"):
            f(X, np.array([0, k, 7]))
    assert f(X, np.array([0]))[0] == 1.0


def test_array_likes_of_other_libraries():
    class Like:
        def __array__(self, dtype=None, copy=None):
            return np.ones(3)

    with pytest.raises(gj.DtypeError, match=r"np\.asarray"):
        gj.jit(square)(Like())


def test_ir_and_stages():
    f = gj.jit(square)
    with pytest.raises(gj.TraceError, match="pass arguments"):
        f.ir()
    with pytest.raises(ValueError, match="traced, adjoint"):
        f.ir(X, stage="nonsense")


def test_counters_outside_count_and_memos_are_filled():
    class Counted:
        calls = 0

        def __call__(self, x):
            self.calls += 1
            return np.sum(x) * self.calls

    counted = Counted()
    g = gj.jit(counted)
    assert [g(X) / np.sum(X) for _ in range(3)] == [1.0, 2.0, 3.0] and counted.calls == 3

    memo = {}

    def table(n):
        if n not in memo:
            memo[n] = [k * k for k in range(n)]
        return memo[n]

    f = gj.jit(lambda x: np.sum(x) * sum(table(len(x))))
    assert f(X) == 6.0 * 5
    assert f(X) == 6.0 * 5
    assert f.stats().misses == 1


def test_arrays_from_outside_that_machine_code_cannot_read():
    swapped = np.ones(3).astype(">f8")
    for w in (swapped, np.zeros(25, np.uint8)[1:].view(np.float64)):
        with pytest.raises(gj.UnsupportedError, match=f"native byte order{HERE}"):
            gj.jit(lambda x, w=w: x * w)(X)


def test_long_lists_of_numbers():
    def f(x):
        return sum(x)

    with pytest.raises(gj.TraceError, match=r"f is called with 5000 Python numbers.*x_0.*np\.array"):
        gj.grad(f)([1.0] * 5000)


class ByName:
    """An object whose attributes are looked up in a dictionary, which raises KeyError."""

    def __init__(self):
        object.__setattr__(self, "table", {"a": 2.0})

    def __getattribute__(self, name):
        return object.__getattribute__(self, "table")[name]


BY_NAME = ByName()


@pytest.mark.parametrize("call", [
    lambda: gj.jit(lambda x: x * BY_NAME.a)(1.0), lambda: gj.grad(lambda x, o: x)(1.0, BY_NAME)])
def test_look_ups_of_attributes_that_raise_nonsense(call):
    with pytest.raises(gj.TraceError, match="ByName.__getattribute__ raised KeyError.*AttributeError"):
        call()
