"""Compile, check, train, time: the demo's steps in order."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import field
from pathlib import Path
from typing import Any

import numpy as np
import scipy.optimize

import gradjit as gj

from ..records import dataclass
from . import digits, model, report
from .digits import DigitSet

SEED = 7
ITERATIONS = 150
WANTED_ACCURACY = 0.95
WANTED_AGREEMENT = 1e-6
STEP = 1e-6
"""Of the central differences: their error is near 1e-10 for numbers of this size."""
COORDINATES = 100
"""How many of the gradient's elements are checked."""
STAGES = ("traced", "adjoint", "optimized", "buffers", "loops", "llvm", "asm")


@dataclass
class Curve:
    """What each iteration reached."""

    loss: list[float] = field(default_factory=list)
    held_out_accuracy: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Differences:
    """Central differences of some coordinates.

    worst: largest difference to the gradient, relative to the gradient's largest element.
    seconds: what the whole gradient would take this way, from the time of these coordinates.
    """

    coordinates: int
    worst: float
    seconds: float


def run(output: Path) -> int:
    """All of it; 1 if the gradient is wrong or the accuracy too low."""
    began = time.perf_counter()
    rng = np.random.default_rng(SEED)
    learnt, held = digits.load(rng)
    parameters = model.start(rng)
    arguments = (parameters, learnt.images, learnt.labels)
    report.opening(len(learnt), len(held), model.SIZES, parameters.size)

    value_and_grad = gj.value_and_grad(model.loss)
    first = timed(lambda: value_and_grad(*arguments))
    report.compiled(first, value_and_grad.stats())
    dumps = write_ir(value_and_grad, arguments, output)
    report.before_and_after(dumps["traced"], dumps["adjoint"])

    found = differences(value_and_grad(*arguments)[1], arguments, rng)
    report.checked(found, WANTED_AGREEMENT)
    weights, curve, seconds = train(value_and_grad, learnt, held, parameters)
    reached = model.accuracy(weights, held.images, held.labels)
    report.trained(curve, seconds, model.accuracy(weights, learnt.images, learnt.labels), reached, WANTED_ACCURACY)
    report.timings(
        gradient=least(lambda: value_and_grad(*arguments)), value=least(lambda: model.loss(*arguments)),
        found=found, parameters=parameters.size,
    )
    report.picture(curve, output / "loss.png")
    report.closing(output, sorted(p.name for p in output.iterdir()), time.perf_counter() - began)
    return 0 if reached >= WANTED_ACCURACY and found.worst <= WANTED_AGREEMENT else 1


def timed(call: Callable[[], Any]) -> float:
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def least(call: Callable[[], Any], seconds: float = 0.5) -> float:
    """The least time of one call among those that fit into so many seconds."""
    end = time.perf_counter() + seconds
    best = timed(call)
    while time.perf_counter() < end:
        best = min(best, timed(call))
    return best


def write_ir(function: Any, arguments: tuple[Any, ...], output: Path) -> dict[str, str]:
    """The function at every stage, as numbered files; their texts by stage."""
    output.mkdir(parents=True, exist_ok=True)
    texts = {stage: str(function.ir(*arguments, stage=stage)) for stage in STAGES}
    for number, (stage, text) in enumerate(texts.items(), 1):
        (output / f"{number}-{stage}.{'s' if stage == 'asm' else 'll' if stage == 'llvm' else 'ir'}").write_text(text)
    return texts


def differences(gradient: Any, arguments: tuple[Any, ...], rng: np.random.Generator) -> Differences:
    """Compare some of the gradient's elements with central differences of the plain NumPy function."""
    parameters, *rest = arguments
    chosen = rng.choice(parameters.size, COORDINATES, replace=False)
    begin = time.perf_counter()
    expected = np.empty(COORDINATES)
    for n, k in enumerate(chosen):
        moved = parameters.copy()
        moved[k] = parameters[k] + STEP
        above = model.loss(moved, *rest)
        moved[k] = parameters[k] - STEP
        expected[n] = (above - model.loss(moved, *rest)) / (2 * STEP)
    seconds = (time.perf_counter() - begin) / COORDINATES * parameters.size
    worst = float(np.max(np.abs(gradient[chosen] - expected)) / np.max(np.abs(gradient)))
    return Differences(COORDINATES, worst, seconds)


def train(value_and_grad: Any, learnt: DigitSet, held: DigitSet, parameters: Any) -> tuple[Any, Curve, float]:
    """(weights, curve, seconds): SciPy's L-BFGS on the compiled value and gradient."""
    curve = Curve()
    with report.progress(ITERATIONS) as advance:

        def each(intermediate_result: Any) -> None:
            curve.loss.append(float(intermediate_result.fun))
            curve.held_out_accuracy.append(model.accuracy(intermediate_result.x, held.images, held.labels))
            advance(curve.loss[-1], curve.held_out_accuracy[-1])

        begin = time.perf_counter()
        found = scipy.optimize.minimize(
            lambda p: value_and_grad(p, learnt.images, learnt.labels), parameters, jac=True, method="L-BFGS-B",
            callback=each, options={"maxiter": ITERATIONS},
        )
        seconds = time.perf_counter() - begin
    return found.x, curve, seconds
