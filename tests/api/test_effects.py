"""Printing and assertions from compiled functions."""

from __future__ import annotations

import numpy as np
import pytest

import gradjit as gj

HERE = r'(.|\n)*File ".*test_effects\.py", line \d+'
BACKENDS = ("native", "interpreter")


def power(x, n):
    for i in range(n):
        gj.debug_print("turn {}: x = {:.3f}", i, x)
        x = x * x
    return x


@pytest.mark.parametrize("backend", BACKENDS)
def test_prints_at_each_iteration(backend, capsys):
    f = gj.jit(power, backend=backend)
    for n in (2, 12):
        power(1.01, n)
        expected = capsys.readouterr().out
        assert expected.count("\n") == n
        for _ in range(2):
            f(1.01, n)
            assert capsys.readouterr().out == expected


def test_derivatives_print_the_primal_once(capsys):
    power(1.001, 12)
    expected = capsys.readouterr().out
    assert gj.value_and_grad(power)(1.001, 12)[1] == pytest.approx(2**12 * 1.001 ** (2**12 - 1))
    assert capsys.readouterr().out == expected


def test_adjoint(capsys):
    def f(x, n):
        for _ in range(n):
            x = gj.debug_print("x = {:.2f}", x, adjoint=True)
            x = x * x
        return x

    for n in (3, 12):
        x = 1.25 if n == 3 else 1.001
        xs = [x ** (2**k) for k in range(n)]
        primal = [f"x = {v:.2f}" for v in xs]
        adjoint = [f"adjoint x = {2.0**(n - k) * x**(2**n - 2**k):.2f}" for k in range(n)][::-1]
        assert gj.grad(f)(x, n) == pytest.approx(2.0**n * x ** (2**n - 1))
        assert capsys.readouterr().out.splitlines() == primal + adjoint
        gj.jit(f)(x, n)
        assert capsys.readouterr().out.splitlines() == primal


def test_branches_print_when_they_are_taken(capsys):
    def f(x):
        if x > 0:
            gj.debug_print("positive {}", x)
            y = np.sqrt(x)
        else:
            gj.debug_print("negative {}", x)
            y = -x
        return y

    g = gj.value_and_grad(f)
    assert g(4.0) == (2.0, 0.25)
    assert g(-4.0) == (4.0, -1.0)
    assert capsys.readouterr().out == "positive 4.0\nnegative -4.0\n"


def test_arrays_and_known_values(capsys):
    def f(x, name):
        gj.debug_print("{0!r} {{}} {1:.1f} {2} {0} {3[1]}", name, x, np.arange(2), {1: "{}"})
        return np.sum(x)

    x = np.array([1.0, 2.5])
    f(x, "s")
    expected = capsys.readouterr().out
    gj.jit(f)(x, "s")
    assert capsys.readouterr().out == expected == "'s' {} [1.0 2.5] [0 1] s {}\n"


def test_what_it_returns():
    assert gj.debug_print("nothing") is None
    assert gj.debug_print("{}", 1.0) == 1.0
    assert gj.debug_print("{} {}", 1, 2) == (1, 2)
    f = gj.jit(lambda x: gj.debug_print("{} {}", x, 3))
    assert f(2.0) == (2.0, 3)


def test_formats_that_do_not_fit():
    for text, values in (("{} {}", (1.0,)), ("{:d}", (1.0,)), ("{", ()), ("{x}", (1.0,)), ("{:q}", (np.ones(2),))):
        with pytest.raises((ValueError, LookupError)):
            gj.debug_print(text, *values)
        with pytest.raises(gj.ArgumentError, match=f"does not fit{HERE}"):
            gj.jit(lambda *v, text=text: gj.debug_print(text, *v))(*values)
    with pytest.raises(TypeError, match="takes a format first"):
        gj.debug_print(3.0)
    with pytest.raises(gj.TraceError, match="integers and booleans have no derivative"):
        gj.jit(lambda i: gj.debug_print("{}", i, adjoint=True))(np.arange(3))


# assertions -----------------------------------------------------------------------------------------------------------
def root(x, n):
    for _ in range(n):
        assert x > 0.5, "too small"
        x = x - 0.1
    return x


@pytest.mark.parametrize("backend", BACKENDS)
def test_assertions_are_carried_out_on_request(backend):
    for transform in (gj.jit, gj.grad, gj.value_and_grad):
        checked = transform(root, backend=backend, check=True)
        checked(2.0, 10)
        for n in (7, 12):
            with pytest.raises(AssertionError, match=f"too small{HERE}" if backend == "native" else "too small"):
                checked(1.0, n)
    assert gj.jit(root, backend=backend)(1.0, 12) == pytest.approx(-0.2)
    assert "assert" not in gj.jit(root, backend=backend).ir(1.0, 12)


def test_the_environment_asks_for_assertions(monkeypatch):
    monkeypatch.setenv("GRADJIT_CHECK", "1")
    with pytest.raises(AssertionError):
        gj.jit(root)(1.0, 12)
    gj.jit(root, check=False)(1.0, 12)


def test_assertions_of_a_function_that_is_called():
    def f(x):
        assert np.all(x > 0)
        return np.sum(np.log(x))

    g = gj.jit(lambda x: gj.grad(f)(x), check=True)
    np.testing.assert_allclose(g(np.ones(3)), 1.0)
    with pytest.raises(AssertionError, match=f"assertion failed{HERE}, in f"):
        g(-np.ones(3))
