"""In which order loops are nested, told from the text of the loops."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import gradjit as gj


def matrix(*shape: int, order: Any = "C") -> np.ndarray:
    return np.asarray(np.random.default_rng(3).uniform(0.5, 1.5, shape), order=order)


def steps(text: str, name: str) -> set[int]:
    """How far an array's elements lie apart along the loops that run side by side."""
    found = set()
    for loop, body in re.findall(r"for (\w+) in \S+  lanes=\d+.*\n((?: +[^f ].*\n)+)", text):
        for address in re.findall(rf"\b{name}\[([^\]]*)\]", body):
            weights = [int(w or 1) for w, v in re.findall(r"(?:(\d+)\*)?(\w+)", address) if v == loop]
            found.add(weights[0] if weights else 0)
    return found


def softmax(a):
    e = np.exp(a - np.max(a, axis=1)[:, None])
    return e / np.sum(e, axis=1)[:, None]


def logsumexp(a):
    m = np.max(a, axis=1)
    return np.sum(m + np.log(np.sum(np.exp(a - m[:, None]), axis=1)))


ROWS = {
    "scaled": lambda a: np.sum(a * a[:, 0][:, None], axis=1),
    "moved": lambda a: np.sum(a - np.sum(a, axis=1)[:, None], axis=1),
    "squares": lambda a: np.sum((a - a[:, 0][:, None]) ** 2, axis=1),
    "equals": lambda a: np.sum(np.where(a == np.max(a, axis=1)[:, None], 1.0, 0.0), axis=1),
    "softmax": softmax,
    "log-sum-exp": logsumexp,
    "gradient of log-sum-exp": gj.grad(logsumexp),
    "gradient of minima": gj.grad(lambda a: np.sum(np.min(a, axis=1))),
    "gradient of maxima": gj.grad(lambda a: np.sum(np.max(a, axis=1) ** 2)),
    "gradient of softmax": gj.grad(lambda a: np.sum(softmax(a) ** 2)),
}


@pytest.mark.thinned
@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("layout", ["C", "F"])
def test_work_on_rows_runs_along_memory(name: str, layout: str) -> None:
    a = matrix(300, 200, order=layout)
    f = gj.jit(ROWS[name])
    np.testing.assert_allclose(f(a), gj.jit(ROWS[name], backend="interpreter")(a), rtol=1e-11, atol=1e-14)
    text = f.ir(a, stage="loops")
    # Of an array by columns a result by rows is the transpose, and one of the two must be jumped through.
    assert 1 in steps(text, "a") and (layout == "F" or not steps(text, "a") - {0, 1})


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("layout", ["C", "F"])
@pytest.mark.parametrize("shape", [(5, 7, 9), (40, 30, 60), (90, 80, 70)])
@pytest.mark.parametrize("how", ["sum", "max"])
def test_reductions_of_any_axis(axis: int, layout: str, shape: tuple[int, ...], how: str) -> None:
    a = matrix(*shape, order=layout)
    f = lambda a, b: getattr(np, how)(a * np.expand_dims(b, axis), axis=axis)
    b = matrix(*(n for k, n in enumerate(shape) if k != axis))
    np.testing.assert_allclose(gj.jit(f)(a, b), f(a, b), rtol=1e-12)


def test_a_large_array_is_read_from_its_beginning_to_its_end() -> None:
    """Where the running values fit into the cache: short pieces of it, far from each other, are not fetched ahead."""
    text = gj.jit(lambda a: np.sum(a, axis=0)).ir(matrix(800, 30, 100), stage="loops")
    loops = r"for (\w+) in \S+\.\.\S+ \+ \S+:\n +for (\w+) in 0\.\.3000:.*\n"
    assert re.search(loops + r" +p\d\[\2 \+ 3000\*c1\] sum= a\[3000\*\1 \+ \2\]", text)


def test_few_columns_are_added_up_side_by_side() -> None:
    text = gj.jit(lambda a: np.sum(a, axis=0)).ir(matrix(1000, 16), stage="loops")
    assert steps(text, "a") == {1}


@pytest.mark.parametrize("how, other", [("max", np.nan), ("min", np.nan), ("max", -np.inf), ("min", np.inf)])
def test_maxima_of_columns(how: str, other: float) -> None:
    a = matrix(40, 50)
    a[3, 7] = a[5] = other
    f = getattr(np, how)
    np.testing.assert_array_equal(gj.jit(lambda a: f(a, axis=0))(a), f(a, axis=0))


def test_a_running_maximum_is_stored_whole() -> None:
    """LLVM would make a store under a mask of it, which is slow."""
    text = gj.jit(lambda a: np.max(a, axis=0)).ir(matrix(200, 100), stage="llvm")
    assert re.search(r"freeze <\d+ x double>", text)
