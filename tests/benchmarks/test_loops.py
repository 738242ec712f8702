"""The programs of loops compute what their names say, and what they are measured against is right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import linalg, signal

from benchmarks import report
from benchmarks.cases import CASES, Case
from benchmarks.first_call import First
from benchmarks.loops import cases as data, in_numpy
from benchmarks.loops.cases import LOOPS, PAIRS
from benchmarks.measure import Effort, Times, measure, slopes
from benchmarks.peers import LEFT_OUT

SMALL: dict[str, Callable[[], tuple[Any, ...]]] = {
    "lotka_volterra": lambda: data.volterra_data(7),
    "lotka_volterra_scalars": lambda: data.volterra_data(7),
    "gauss_seidel": lambda: data.source_data(6, 3),
    "gauss_seidel_rows": lambda: data.source_data(6, 3),
    "heat": lambda: data.rod_data(8, 9),
    "lstm": lambda: data.sequence_data(5, 3, 2),
    "recursive_filter": lambda: data.signal_data(9),
    "recursive_filter_unrolled": lambda: data.signal_data(9),
    "cholesky": lambda: data.positive_data(5),
    "lu": lambda: data.dominant_data(5),
    "triangular_solve": lambda: data.triangle_data(5),
    "bodies": lambda: data.body_data(4, 3),
    "bodies_by_pairs": lambda: data.body_data(4, 3),
    "wave": lambda: data.medium_data(9, 25),
    "kepler": lambda: data.anomaly_data(5),
    "bisection": lambda: data.cubic_data(5),
    "escape": lambda: data.point_data(12),
    "kalman_filter": lambda: data.track_data(6),
    "look_up": lambda: data.table_data(6, 20),
    "determinant": lambda: data.square_data(4),
}
"""Each program's data in a size for tests."""


def argnums(function: str) -> tuple[int, ...]:
    found = next(c.argnums for c in LOOPS if c.function == function)
    return (found,) if isinstance(found, int) else found


def numerical(function: Callable[..., Any], arguments: tuple[Any, ...], k: int) -> np.ndarray[Any, Any]:
    """Central differences in every element of one argument."""
    x = np.asarray(arguments[k])
    found = np.zeros(x.shape)
    for place in np.ndindex(x.shape):
        step = np.zeros(x.shape)
        step[place] = 1e-6
        above, below = (function(*arguments[:k], arguments[k] + h, *arguments[k + 1:]) for h in (step, -step))
        found[place] = (above - below) / 2e-6
    return found


def check(found: Any, function: str, arguments: tuple[Any, ...]) -> None:
    """Value and gradient against the plain program."""
    program = getattr(in_numpy, function)
    value, gradient = found
    assert np.isclose(value, program(*arguments), rtol=1e-12)
    wanted = argnums(function)
    for k, g in zip(wanted, gradient if isinstance(gradient, tuple) else (gradient,), strict=True):
        expected = numerical(program, arguments, k)
        assert np.allclose(g, expected, rtol=1e-6, atol=1e-7 * np.max(np.abs(expected)))


def test_every_program_is_tested_here() -> None:
    assert set(SMALL) == {c.function for c in LOOPS} >= {c.function for p in PAIRS for c in (p.few, p.many)}
    names = [c.name for c in (*CASES, *LOOPS, *(c for p in PAIRS for c in (p.few, p.many)))]
    assert len(set(names)) == len(names)


@pytest.mark.thinned
@pytest.mark.parametrize("function", [f for f in SMALL if f not in LEFT_OUT["numba"]])
def test_the_adjoint_by_hand(function: str) -> None:
    in_numba = pytest.importorskip("benchmarks.loops.in_numba")
    arguments = SMALL[function]()
    check(getattr(in_numba, function)(*arguments), function, arguments)


@pytest.mark.slow
@pytest.mark.parametrize("function", SMALL)
def test_the_formulation_in_jax(function: str) -> None:
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    from benchmarks.loops import in_jax

    arguments = SMALL[function]()
    counts = tuple(k for k, a in enumerate(arguments) if isinstance(a, int))
    differentiated = jax.value_and_grad(getattr(in_jax, function), argnums=argnums(function))
    check(jax.jit(differentiated, static_argnums=counts)(*arguments), function, arguments)


def test_the_programs_leave_their_arguments_alone() -> None:
    for function, make in SMALL.items():
        arguments, before = make(), make()
        getattr(in_numpy, function)(*arguments)
        assert all(np.array_equal(a, b) for a, b in zip(arguments, before, strict=True)), function


# against other ways to the same number -------------------------------------------------------------------------------

def test_two_ways_of_writing_agree() -> None:
    for one, other in (("lotka_volterra", "lotka_volterra_scalars"), ("bodies", "bodies_by_pairs")):
        arguments = SMALL[one]()
        assert np.isclose(getattr(in_numpy, one)(*arguments), getattr(in_numpy, other)(*arguments), rtol=1e-12)


def test_lotka_volterra_against_scipy() -> None:
    from scipy.integrate import solve_ivp

    (birth, hunt, feed, death), steps = data.volterra_data(200)

    def change(_: float, u: Any) -> Any:
        return [birth * u[0] - hunt * u[0] * u[1], feed * u[0] * u[1] - death * u[1]]

    end = solve_ivp(change, (0, steps * in_numpy.TIME_STEP), in_numpy.START, rtol=1e-10, atol=1e-10).y[:, -1]
    expected = np.sum((end - np.array(in_numpy.OBSERVED)) ** 2)
    assert np.isclose(in_numpy.lotka_volterra(np.array([birth, hunt, feed, death]), steps), expected, rtol=1e-7)


def test_gauss_seidel_converges_to_the_solution() -> None:
    source, _ = data.source_data(7, 0)
    n = 5
    second = 2 * np.eye(n) - np.eye(n, k=1) - np.eye(n, k=-1)
    operator = np.kron(second, np.eye(n)) + np.kron(np.eye(n), second)
    solution = np.linalg.solve(operator, source[1:-1, 1:-1].ravel())
    assert np.isclose(in_numpy.gauss_seidel(source, 200), np.sum(solution**2), rtol=1e-10)


def test_heat_is_its_matrix() -> None:
    initial, steps = data.rod_data(8, 9)
    step = np.eye(8)
    for i in range(1, 7):
        step[i, i - 1:i + 2] += in_numpy.DIFFUSION * np.array([1, -2, 1])
    end = np.linalg.matrix_power(step, steps) @ initial
    assert np.isclose(in_numpy.heat(initial, steps), np.sum(end**2), rtol=1e-12)


def test_filter_against_scipy() -> None:
    a, b, x = data.signal_data(30)
    assert np.isclose(in_numpy.recursive_filter(a, b, x), 0.5 * np.mean(signal.lfilter([b], [1, -a], x) ** 2))


def test_factorisations_against_lapack() -> None:
    A, = data.positive_data(9)
    assert np.isclose(in_numpy.cholesky(A), np.linalg.slogdet(A)[1], rtol=1e-12)
    A, = data.dominant_data(9)
    assert np.isclose(in_numpy.lu(A), np.linalg.slogdet(A)[1], rtol=1e-12)
    A, = data.square_data(5)
    assert np.isclose(in_numpy.determinant(A), np.linalg.det(A), rtol=1e-10)
    L, b = data.triangle_data(9)
    assert np.isclose(in_numpy.triangular_solve(L, b), np.sum(linalg.solve_triangular(L, b, lower=True) ** 2))


def test_roots() -> None:
    p, q = data.cubic_data(4)
    real = [next(r.real for r in np.roots([1, 0, a, -b]) if abs(r.imag) < 1e-9) for a, b in zip(p, q, strict=True)]
    assert np.isclose(in_numpy.bisection(p, q), np.sum(real), rtol=1e-10)
    eccentricity, mean = data.anomaly_data(1)
    angle = np.arccos(in_numpy.kepler(eccentricity, mean))
    angle = angle if mean[0] < np.pi else 2 * np.pi - angle
    assert np.isclose(angle - eccentricity * np.sin(angle), mean[0], rtol=1e-9)


def test_table_against_interp() -> None:
    places, values, x = data.table_data(6, 50)
    assert np.isclose(in_numpy.look_up(places, values, x), np.sum(np.interp(x, places, values) ** 2), rtol=1e-12)
    assert np.any(x < places[0])
    assert np.any(x > places[-1])


def test_points_inside_never_escape() -> None:
    assert in_numpy.escape(np.zeros(1), np.zeros(1)) == 0
    assert 0 < in_numpy.escape(np.array([0.3]), np.array([0.6])) < in_numpy.LIMIT


# what the report says ------------------------------------------------------------------------------------------------

CASE = Case("one", "Case one", "heat", lambda: data.rod_data(8, 9), programs="loops", required=1 / 25, over_numba=1.5)
RUNS = Case("two", "Case two", "heat", lambda: data.rod_data(8, 9), programs="loops", runs=True)


def test_a_wrong_slope_is_found() -> None:
    value = np.asarray(in_numpy.heat(*CASE.arguments()))
    right = numerical(in_numpy.heat, CASE.arguments(), 0)
    wrong = right.copy()
    wrong[3] += 0.01 * np.max(np.abs(right))
    assert slopes(CASE, {"jax": [value, right]}) == []
    assert "argument 0" in slopes(CASE, {"jax": [value, wrong]})[0]


def test_what_fails_is_said_in_its_cell() -> None:
    times = measure(CASE, ["gradjit", "numpy-value"], Effort(1, 0.001, 0.0), {"gradjit": "TracingError: no | loops"})
    text = report.times_table([times], ["gradjit", "jax", "numba", "numpy-value"])
    assert "does not run yet: TracingError: no / loops" in text
    assert "numpy-value" in times.seconds
    assert "gradjit failed: TracingError: no | loops" in times.problems
    figure = report.runs(times)
    assert figure is not None
    assert not figure.met


def test_figures_of_loops() -> None:
    times = Times(CASE, {"gradjit": 1.0, "jax": 30.0, "numba": 0.5})
    found = report.over_numba(times)
    assert found is not None
    assert (found.reached, found.required, found.met) == ("2.00", "≤ 3/2", False)
    assert report.runs(times) is None
    right, wrong = Times(RUNS, {"gradjit": 1.0}), Times(RUNS, {"gradjit": 1.0}, problems=["gradjit differs"])
    assert [f.met for t in (right, wrong) if (f := report.runs(t))] == [True, False]
    head, _, row = report.times_table([times], ["gradjit", "jax", "numba"]).splitlines()
    assert head.count("required") == 2
    assert "≤ 1/25: met" in row
    assert "≤ 3/2: MISSED" in row


def test_growth_leaves_the_run_out() -> None:
    few, many = First(0.1, 0.11, 0.01), First(0.1, 5.12, 5.0)
    figure = report.growth(PAIRS[0], few, many)
    assert figure is not None
    assert (figure.reached, figure.met) == ("1.20", True)
    assert report.growth(PAIRS[0], few, None) is None
    assert "–" in report.growth_table([(PAIRS[0], few, None)])
