"""Random NumPy functions: gradjit's value against NumPy's, its gradient against finite differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, note, settings, strategies as st

import gradjit as gj

from .numpy_programs import Program, programs

SLICE = settings(max_examples=250, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
LONG = settings(max_examples=1500, deadline=None, suppress_health_check=list(HealthCheck))
BACKENDS = st.sampled_from(["interpreter", "native"])


def answered(f: Any, p: Program) -> Any:
    """The result of a call. One refusal is documented: a write into what may be a view or a copy."""
    try:
        return f(*p.arguments)
    except gj.UnsupportedError as e:
        assume("view or a copy" not in str(e))
        raise


def check_values(p: Program, backend: str) -> None:
    """Values, dtypes, shapes, and whether results are arrays or scalars."""
    note(str(p))
    f = p.compiled()
    with np.errstate(all="ignore"):
        expected = f(*p.arguments)
        got = answered(gj.jit(f, backend=backend), p)
    expected, got = (r if isinstance(r, tuple) else (r,) for r in (expected, got))
    assert len(got) == len(expected)
    for a, b in zip(got, expected, strict=True):
        assert isinstance(a, np.ndarray) == isinstance(b, np.ndarray), (type(a), type(b))
        assert np.asarray(a).dtype == np.asarray(b).dtype
        close(a, b, 1e-11)


def check_gradient(p: Program, backend: str) -> None:
    """The gradient along a random direction against a central difference; the arguments are left alone."""
    note(str(p))
    f = p.compiled()
    before = [a.copy() for a in p.arguments]
    every = tuple(range(len(p.arguments)))
    with np.errstate(all="ignore"):
        value, gradients = answered(gj.value_and_grad(f, argnums=every, backend=backend), p)
        close(value, f(*before), 1e-11)
        for a, b, g in zip(p.arguments, before, gradients, strict=True):
            assert np.array_equal(a, b)
            assert np.shape(g) == a.shape
            assert np.asarray(g).dtype == a.dtype
        direction = [np.random.default_rng(k).normal(size=a.shape) for k, a in enumerate(before)]
        slope = sum(np.sum(d * g) for d, g in zip(direction, gradients, strict=True))
        coarse, fine = (difference(f, before, direction, h) for h in (1e-4, 1e-6))
    scale = 1 + abs(fine) + sum(np.sum(np.abs(d * g)) for d, g in zip(direction, gradients, strict=True))
    assume(abs(coarse - fine) <= 1e-5 * scale)  # else a kink lies within reach, or the value is rough
    assert abs(slope - fine) <= 1e-4 * scale, f"{slope} by gradjit, {fine} by differences"


def difference(f: Any, at: list[np.ndarray], along: list[np.ndarray], h: float) -> float:
    high, low = (f(*(a + sign * h * d for a, d in zip(at, along, strict=True))) for sign in (1, -1))
    return (high - low) / (2 * h)


def close(a: Any, b: Any, rtol: float) -> None:
    np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol * (1 + np.max(np.abs(b), initial=0)))


@SLICE
@given(programs(scalar=False))
def test_values(p: Program) -> None:
    check_values(p, "interpreter")


@SLICE
@given(programs())
def test_gradients(p: Program) -> None:
    check_gradient(p, "interpreter")


@settings(SLICE, max_examples=40)
@given(programs(most=14))
def test_machine_code(p: Program) -> None:
    check_gradient(p, "native")


@pytest.mark.slow
@settings(LONG, max_examples=800)
@given(programs(most=16), BACKENDS)
def test_many_gradients(p: Program, backend: str) -> None:
    check_gradient(p, backend)


@pytest.mark.slow
@settings(LONG, max_examples=800)
@given(programs(most=16, scalar=False), BACKENDS)
def test_many_values(p: Program, backend: str) -> None:
    check_values(p, backend)
