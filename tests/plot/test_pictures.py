"""Pictures hold the numbers that they are of."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose

import gradjit as gj
from gradjit import errors

pytest.importorskip("matplotlib")


def test_a_function_and_its_derivatives() -> None:
    ax = gj.plot.function_and_derivatives(lambda x: x**3, -1, 2, orders=2, points=7)
    xs = np.linspace(-1, 2, 7)
    for line, ys in zip(ax.lines, (xs**3, 3 * xs**2, 6 * xs), strict=False):
        assert_allclose(line.get_ydata(), ys, atol=1e-12)
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["f(x)", "f'(x)", "f''(x)"]


def test_secants_turn_into_the_tangent() -> None:
    ax = gj.plot.secants(lambda x: x**2, 2.0, [1.0, 0.1])
    texts = [t.get_text() for t in ax.get_legend().get_texts()]
    assert texts == ["f(x)", "h = 1: slope 5", "h = 0.1: slope 4.1", "tangent: slope 4"]
    for steps in ((), (1.0, 0)):
        with pytest.raises(errors.ArgumentError, match="a secant goes through two points"):
            gj.plot.secants(np.sin, 1.0, steps)


def test_contours_and_descent() -> None:
    def f(p):
        return p[0] ** 2 + 3 * p[1] ** 2

    path = np.array([(4 * 0.9**k, 3 * 0.7**k) for k in range(5)])
    ax = gj.plot.contours(f, (-5, 5), (-4, 4), at=[(2, 1), (4, 3)], path=gj.tensor(path), points=8)
    assert [t.get_text() for t in ax.texts] == ["", "(4, 6)", "", "(8, 18)"]
    ax.figure.draw_without_rendering()
    assert all(t.get_window_extent().width > 1 for t in ax.texts)  # drawn, too, where an arrow leaves the axes
    assert_allclose(ax.lines[-1].get_xdata(), path[:, 0])
    ax = gj.plot.descent(f, path, points=6)
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["Initial", "Final"]
    over, *on_it = ax.collections
    assert not ax.computed_zorder and all(c.get_zorder() > over.get_zorder() for c in on_it)


def test_rates_and_losses() -> None:
    ax = gj.plot.learning_rates(lambda w: w**2, 10.0, [0.3], steps=2)
    assert_allclose(ax.lines[0].get_ydata(), [100, 16, 2.56])
    assert_allclose(gj.plot.loss_curve(gj.tensor([3.0, 2.0])).lines[0].get_ydata(), [3, 2])


def test_derivatives_from_first_principles() -> None:
    for method, expected in (("forward", 4.1), ("central", 4.0), ("backward", 3.9), ("complex", 4.0)):
        assert_allclose(gj.derivative(lambda x: x**2, 2.0, 0.1, method), expected)
        exact = gj.derivative(np.exp, np.array([0.0, 1.0]), method=method)
        assert_allclose(np.diag(exact), np.exp([0, 1]), rtol=1e-6)
    with pytest.raises(errors.ArgumentError, match="there are forward"):
        gj.derivative(np.sin, 1.0, method="five points")
    with pytest.raises(errors.ArgumentError, match="0/0"):
        gj.derivative(np.sin, 1.0, 0)


def test_what_is_not_asked_for_is_not_imported() -> None:
    code = ("import sys, gradjit as gj; print([m for m in sys.modules if m.startswith(('gradjit.tensors', "
            "'gradjit.plot', 'gradjit.nn', 'gradjit.mygrad', 'matplotlib'))])")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
