"""The benchmarks measure what they claim: functions, ratios, and what the report says of a figure that is missed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks import cold_starts, report, threads
from benchmarks.cases import CASES, Case, mixture_data
from benchmarks.first_call import First
from benchmarks.functions import in_numpy
from benchmarks.loops.cases import LOOPS, PAIRS
from benchmarks.measure import Effort, Times, disagreements, distance, rounds
from benchmarks.peers import Contender

CASE = Case("one", "Case one", "rosenbrock", lambda: (np.ones(3),), required=1 / 5, small=True, over_value=3)


def test_names_are_unique_and_functions_exist() -> None:
    assert len({c.name for c in CASES}) == len(CASES)
    assert all(callable(getattr(in_numpy, c.function)) for c in CASES)


@pytest.mark.parametrize("d, k", [(2, 3), (5, 2), (1, 2)])
def test_both_formulations_of_the_mixture_agree(d: int, k: int) -> None:
    arguments = mixture_data(d, k, n=7)
    assert np.isclose(in_numpy.mixture(*arguments), in_numpy.mixture_broadcast(*arguments), rtol=1e-12)


def test_the_mixture_is_the_one_of_its_definition() -> None:
    alphas, means, factors, points = mixture_data(3, 2, n=4)
    n, d = points.shape
    total = 0.0
    for x in points:
        terms = []
        for a, mean, row in zip(alphas, means, factors, strict=True):
            q = np.diag(np.exp(row[:d]))
            q[1, 0], q[2, 0], q[2, 1] = row[d:]
            terms.append(a + row[:d].sum() - 0.5 * np.sum((q @ (x - mean)) ** 2))
        total += np.logaddexp.reduce(terms)
    total -= n * np.logaddexp.reduce(alphas) + 0.5 * n * d * np.log(2 * np.pi)
    total += 0.5 * (np.sum(np.exp(factors[:, :d]) ** 2) + np.sum(factors[:, d:] ** 2))
    total -= len(alphas) * in_numpy.wishart_constant(d)
    assert np.isclose(in_numpy.mixture(alphas, means, factors, points), total, rtol=1e-12)


def test_log_sum_exp_and_mlp_against_scipy() -> None:
    from scipy.special import log_softmax, logsumexp

    x = np.linspace(-700, 700, 50)
    assert np.isclose(in_numpy.log_sum_exp(x), logsumexp(x))
    layers, images, labels = next(c for c in CASES if c.name == "mlp-f64").arguments()
    hidden = images
    for w, b in layers[:-1]:
        hidden = np.maximum(hidden @ w + b, 0)
    expected = -np.mean(log_softmax(hidden @ layers[-1][0] + layers[-1][1], axis=1)[np.arange(len(labels)), labels])
    assert np.isclose(in_numpy.mlp(layers, images, labels), expected)


def test_the_least_time_is_kept() -> None:
    found = rounds({"short": Contender("sum(x)", {"x": range(10)}), "long": Contender("sum(x)", {"x": range(10000)})},
                   Effort(rounds=2, turn=0.005, settle=0.0))
    assert 0 < found["short"] < found["long"]


def test_disagreement_is_found() -> None:
    right = [np.array(1.0), np.array([1.0, 2.0])]
    wrong = [np.array(1.0), np.array([1.0, 2.1])]
    assert disagreements(CASE, {"jax": right, "gradjit": right, "numpy-value": right[:1]}) == []
    assert "gradjit differs from jax" in disagreements(CASE, {"jax": right, "gradjit": wrong})[0]
    assert distance(np.zeros(2), np.zeros(3)) == np.inf
    assert disagreements(CASE, {"jax": right, "gradjit": [np.array(np.nan), right[1]]})


def test_cold_starts_have_bounds_of_their_own() -> None:
    cases = {c.name: c for c in (*CASES, *LOOPS)}
    assert cold_starts.BOUNDS.keys() <= cases.keys()
    found = [cold_starts.ColdStart(cases["float"], {"cold": 9e-3, "disk": 7e-3, "interpreter": 3e-3}),
             cold_starts.ColdStart(cases["volterra"], {"cold": 50e-3, "disk": 20e-3})]
    assert [(f.key, f.met) for f in cold_starts.figures(found)] == [
        ("cold-start-cold float", True), ("cold-start-disk float", False), ("cold-start-interpreter float", True),
        ("cold-start-cold volterra", False), ("cold-start-disk volterra", True)]
    first, second = cold_starts.cold_starts_table(found).splitlines()[2:]
    assert "9.00 ms" in first and "≤ 6.00 ms: MISSED" in first and second.count("–") == 2


@pytest.mark.parametrize("seconds, text", [
    (2.5e-8, "25.0 ns"), (1.5e-7, "150 ns"), (4.26e-6, "4.26 µs"), (9.996e-4, "1000 µs"),
    (1.2e-3, "1.20 ms"), (3.0, "3.00 s"), (None, "–"),
])
def test_times_have_three_digits(seconds: float | None, text: str) -> None:
    assert report.show(seconds) == text


def test_figures_and_their_explanations(tmp_path: Path) -> None:
    met = Times(CASE, {"gradjit": 1.0, "jax": 6.0, "gradjit-value": 0.5})
    missed = Times(CASE, {"gradjit": 1.0, "jax": 4.0, "gradjit-value": 0.2})
    good, bad = report.speed(met), report.speed(missed)
    assert good is not None
    assert bad is not None
    assert (good.met, good.reached, good.required) == (True, "1/6.0", "≤ 1/5")
    assert (bad.met, bad.reached) == (False, "1/4.0")
    value = report.over_value(missed)
    assert value is not None
    assert not value.met
    first = report.first(CASE, First(0.1, 0.2), First(0.1, 0.3))
    assert [f.met for f in first] == [True, False]

    path = tmp_path / "explanations.md"
    path.write_text("# Reasons\n\n## speed one, over-value one\n\nMemory bound: 12 GB/s.\n")
    text = report.explained([good, bad, value, *first], report.explanations(path))
    assert text.count("Memory bound: 12 GB/s.") == 1
    assert "Not explained yet (`first-small one`)" in text
    assert "1/6.0" not in text
    assert report.explained([good], {}) == "Every required figure was reached.\n"


def test_every_explanation_belongs_to_a_figure() -> None:
    known = report.explanations(Path(report.__file__).with_name("explanations.md"))
    kinds = ("speed", "over-value", "over-numba", "runs", "first", "first-small")
    of_cases = {f"{kind} {c.name}" for kind in kinds for c in (*CASES, *LOOPS)}
    cold = {f"cold-start-{kind} {name}" for kind in cold_starts.KINDS for name in cold_starts.BOUNDS}
    others = {f"growth {p.few.function}" for p in PAIRS} | {f"threads {c.key}" for c in threads.CASES}
    sizes = {f"sizes {what}" for what in ("compilations", "mean", "worst", "jax")}
    assert set(known) <= of_cases | cold | others | sizes | {"import"}
