"""The scripts in `examples/` give the figures that their tutorials print."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import gradjit as gj

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def example(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def digits(values: Any, n: int) -> Any:
    return np.round(np.asarray(values, float), n)


def test_bowl() -> None:
    bowl = example("bowl")
    published = [(5, 0.9830, 1.3107, 2.4576, 3.2768, 4.1943), (10, 0.3221, 0.4295, 0.8053, 1.0737, 0.4504),
                 (15, 0.1056, 0.1407, 0.2639, 0.3518, 0.0484), (20, 0.0346, 0.0461, 0.0865, 0.1153, 0.0052),
                 (25, 0.0113, 0.0151, 0.0283, 0.0378, 0.0006), (30, 0.0037, 0.0050, 0.0093, 0.0124, 0.0001),
                 (35, 0.0012, 0.0016, 0.0030, 0.0041, 0), (40, 0.0004, 0.0005, 0.0010, 0.0013, 0),
                 (45, 0.0001, 0.0002, 0.0003, 0.0004, 0), (50, 0.0000, 0.0001, 0.0001, 0.0001, 0)]
    assert_array_equal(digits(bowl.by_tensors(), 4), published)
    path = bowl.by_functions()
    assert_array_equal(digits(path[50], 6), [0.000043, 0.000057])
    value, gradient = gj.value_and_grad(lambda p: np.sum(p**2))(np.array([3.0, 4.0]))
    assert value == 25 and gradient.tolist() == [6, 8]


def test_quadratic() -> None:
    quadratic = example("quadratic")
    assert gj.grad(quadratic.f)(np.zeros(3)).tolist() == [2, -2, 0]
    at, _ = quadratic.by_tensors(1000)
    assert_array_equal(digits(at, 4), [-1.0006, 0.9993, 0.9997])
    for dtype, steps in ((np.float32, 1642), (np.float64, 1615)):  # the 1,616th gradient is small
        end, taken = quadratic.by_tensors(dtype=dtype)
        assert_array_equal(digits(end, 4), [-1, 1, 1])
        assert taken == steps and round(quadratic.f(end).item(), 4) == 0
    assert_array_equal(digits(quadratic.by_functions(), 4), [-1, 1, 1])
    for p in np.random.default_rng(0).uniform(-3, 3, (5, 3)):
        assert_allclose(gj.grad(quadratic.f)(p), quadratic.by_hand(p), atol=1e-13)
        a = gj.tensor(p, requires_grad=True)
        assert quadratic.f(a).backward() is None
        assert_allclose(a.grad, quadratic.by_hand(p), atol=1e-13)
    assert gj.stack([gj.tensor(1.0, requires_grad=True), gj.tensor(2.0)]).detach().numpy().tolist() == [1, 2]


def test_two_node_graph() -> None:
    graph = example("two_node_graph")
    assert_allclose(graph.by_tensors(), (-3.4, 0.8, 0.8))
    assert_allclose(graph.by_functions(), (-3.4, 0.8, 0.8))


def test_rosenbrock() -> None:
    rosenbrock = example("rosenbrock")
    values = [0.3502924, 0.07398106, 0.02483024, 0.009619333, 0.003990697, 0.001719962, 0.0007584976, 0.0003393509,
              0.0001532408, 6.962555e-05]
    gradients = [(-0.667685, -0.5771312), (-0.1603189, -0.2532476), (-0.07679074, -0.1373911),
                 (-0.04347242, -0.08254051), (-0.02652063, -0.05206227), (-0.01683905, -0.03373682),
                 (-0.01095017, -0.02221584), (-0.007221781, -0.01477957), (-0.004811743, -0.009894371),
                 (-0.003222887, -0.006653666)]
    with gj.config(tier="interpret", interpreted_calls=2000):  # rounds after each operation, as the published run did
        rows, end = rosenbrock.by_tensors()
    assert_allclose([r[1] for r in rows], values, rtol=5e-5)
    assert_allclose([r[2:] for r in rows], gradients, rtol=5e-5)
    assert_array_equal(digits(end, 4), [0.9918, 0.9830])
    gj.tensors.trie.clear()
    rows, end = rosenbrock.by_tensors()  # fuses products with sums, and rounds less
    assert_allclose([r[1] for r in rows], values, rtol=5e-5)
    assert_allclose([r[2:] for r in rows], gradients, rtol=5e-4)
    assert_array_equal(digits(end, 4), [0.9918, 0.9830])
    assert_array_equal(digits(rosenbrock.by_functions()[-1], 4), [0.9918, 0.9830])


def test_line_fit() -> None:
    fit = example("line_fit")
    x, y = fit.data()
    exact = np.polyfit(x, y, 1)[::-1]
    assert_allclose(fit.by_tensors(x, y), exact, atol=1e-6)
    assert_allclose(fit.by_functions(x, y), exact, atol=1e-6)


@pytest.mark.parametrize("style", ["by_tensors", "by_functions"])
def test_one_dimension(style: str) -> None:
    descent = getattr(example("one_dimension"), style)
    rows, end = descent()
    assert_array_equal(digits([*(w for w, _, _ in rows[1:]), end], 4),
                       [0.6, 1.08, 1.4640, 1.7712, 2.0170, 2.2136, 2.3709, 2.4967, 2.5973, 2.6779])
    assert_array_equal(digits([v for _, v, _ in rows], 4),
                       [10, 6.76, 4.6864, 3.3593, 2.5099, 1.9664, 1.6185, 1.3958, 1.2533, 1.1621])
    assert round((end - 3) ** 2 + 1, 4) == 1.1038
    assert_allclose([rows[0][2], rows[1][2]], [-6, -4.8])
    assert round(rows[9][2], 4) == -0.8053
    rows, end = descent(lambda w: w**2, 10.0, 0.3, 10)
    assert_allclose([rows[1][0], rows[2][0], rows[3][0]], [4, 1.6, 0.64])
    assert round(end, 8) == 0.00104858
    for rate in (0.05, 0.5, 0.95, 1.0, 1.05):
        _, end = descent(lambda w: (w - 3) ** 2, 0.0, rate, 400)
        assert (abs(end - 3) < 1e-6) == (rate < 1)


def test_ellipse() -> None:
    ellipse = example("ellipse")
    rows, end = ellipse.by_tensors()
    places = [(3.6, 2.1), (3.24, 1.47), (2.916, 1.029), (2.6244, 0.7203), (2.3620, 0.5042), (2.1258, 0.3529),
              (1.9132, 0.2471), (1.7219, 0.1729)]
    assert_array_equal(digits([*(p for p, _, _ in rows[1:]), end], 4), places)
    assert_array_equal(digits(ellipse.by_functions()[1:], 4), places)
    assert_array_equal(digits([v for _, v, _ in rows], 4),
                       [43, 26.19, 16.9803, 11.6796, 8.4440, 6.3415, 4.8926, 3.8434])
    assert_allclose([np.hypot(*g) for _, _, g in rows[:3]], [19.6977, 14.5117, 10.9477], rtol=5e-4)
    assert rows[0][2] == [8, 18] and round(end[1], 8) == 0.17294403
    assert round(ellipse.ellipse(end), 4) == 3.0546
    value, gradient = gj.value_and_grad(ellipse.ellipse)(np.array([2.0, 1.0]))
    assert (value, gradient.tolist(), round(float(np.hypot(*gradient)), 4)) == (7, [4, 6], 7.2111)
    assert_allclose(gj.derivative(ellipse.ellipse, [2.0, 1.0], 1e-7), [4, 6], rtol=1e-7)
    assert_allclose(ellipse.by_tensors(clear=False)[0][1][2], [15.2, 30.6])
    for found in (ellipse.by_tensors(ellipse.parabola, (2.0, 4.0), 0.1, 10)[1],
                  ellipse.by_functions(ellipse.parabola, (2.0, 4.0), 0.1, 10)[-1]):
        assert_array_equal(digits(found, 8), [0.01209324, 0.00041943])


def test_divided_differences() -> None:
    differences = example("divided_differences")
    rows = np.array(differences.slopes())
    assert_allclose(rows[:, 1], [9, 4.41, 4.0401, 4.004001, 4.00040001])
    assert_allclose(rows[:, 2], [5, 4.1, 4.01, 4.001, 4.0001])
    assert_allclose(rows[:, 3], [1, 0.1, 0.01, 0.001, 0.0001], rtol=1e-6)
    assert [gj.grad(differences.FUNCTIONS[n][0])(2.0) for n in ("x^2", "x^3", "x^4", "x", "1")] == [4, 12, 32, 1, 0]
    for f, by_hand in differences.FUNCTIONS.values():
        assert_allclose(gj.grad(f)(2.0), by_hand(2.0), rtol=1e-15)
        t = gj.tensor(2.0, requires_grad=True)
        if isinstance(y := f(t), gj.Tensor):
            y.backward()
            assert_allclose(t.grad, by_hand(2.0), rtol=1e-15)


def test_tensors_tour() -> None:
    tour = example("tensors_tour")
    assert tour.shared() == (12, 8, 2)
    assert tour.intermediate() == (1, 2, 4)
    assert_array_equal(tour.mixed(), [-4, 16, 0])
    dx, dy = tour.broadcast()
    assert_array_equal(dx, [3, 3, 3, 3, 3])
    assert_array_equal(dy, [[10], [10], [10]])
    assert tour.slope(np.square, 3.0) == 6
    assert tour.slope(lambda x: 2 + 3 * x - 5 * x**2, 2.5) == -22
    assert_allclose(tour.slope(lambda x: np.cos(np.sqrt(x)), 2.5), -0.31621085, rtol=1e-7)
    assert tour.slope(lambda x: x * x, 2.5) == tour.slope(lambda x: x**2, 2.5) == 5
    assert_allclose(tour.slope(lambda x: np.exp(np.log(x)), 2.5), 1)
    assert_allclose(tour.slope(lambda x: (2 * x * x**2) ** 2 - x**2, 2.5), 2338.75)
    xs = np.linspace(-5, 5, 100)
    assert_allclose(tour.slope(np.square, xs), 2 * xs)
    xs = np.linspace(0, 10, 10_000)
    assert_allclose(tour.slope(tour.wave, xs), gj.grad(lambda x: np.sum(tour.wave(x)))(xs), rtol=1e-12, atol=1e-15)
    rows = np.array([[3.0, 4.0], [5.0, 12.0]])
    units, slopes = tour.normalised(rows)
    assert_allclose(units, [[0.6, 0.8], [5 / 13, 12 / 13]])
    assert_allclose(slopes, gj.grad(lambda x: np.sum(x / np.sqrt(np.sum(x**2, axis=1, keepdims=True))))(rows))


@pytest.mark.slow
@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda p: p.stem)
def test_every_script_runs_and_draws(path: Path, tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, str(path)], cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout and list(tmp_path.glob("*.png"))
