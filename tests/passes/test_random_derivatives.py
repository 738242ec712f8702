"""Random functions of the IR: both modes of differentiation agree, apply to their own results, and batch as a loop."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import HealthCheck, given, note, settings, strategies as st

from gradjit.errors import DifferentiationError, UnsupportedError
from gradjit.ir import Func, interpret, parse, print_func, verify
from gradjit.passes.batching import batch
from gradjit.passes.jvp import jvp
from gradjit.passes.vjp import reverse
from tests.fuzz.inputs import arguments
from tests.fuzz.ir_programs import functions

SLICE = settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
LONG = settings(max_examples=3000, deadline=None, suppress_health_check=list(HealthCheck))
REFUSALS = (UnsupportedError, DifferentiationError)
SEEDS = st.integers(0, 99)

Arrays = Sequence[np.ndarray]


def results(f: Func, args: Arrays) -> list[np.ndarray] | None:
    """The results of a function that must verify; None where NumPy refuses the arguments (an index out of range)."""
    verify(f)
    try:
        return interpret(f, args)
    except (IndexError, OverflowError, ValueError):
        return None


def floats(arrays: Arrays) -> list[np.ndarray]:
    return [a for a in arrays if a.dtype.kind == "f"]


def usable(arrays: Arrays) -> bool:
    """Whether numbers can be compared: finite, and far enough from overflow."""
    return all(np.all(np.abs(a) < 1e12) for a in floats(arrays))


def check_modes(f: Func, seed: int) -> None:
    """<u, J v> is <Jᵀ u, v> in each precision's reach, and both modes apply to both modes' results."""
    note(print_func(f))
    rng = np.random.default_rng(seed)
    wrt = [k for k, p in enumerate(f.params) if p.dtype.is_float]
    try:
        back, forward = reverse(f, wrt), jvp(f, wrt)
        for derived in (back, forward):
            for again in (reverse(derived, wrt), jvp(derived, wrt)):
                verify(again)
                assert print_func(parse(print_func(again))[again.name]) == print_func(again)
    except REFUSALS:
        return
    args = arguments(f, rng, special=False)
    value = results(f, args)
    if value is None or not wrt or any(r.dtype.is_complex for r in f.results):
        return
    u, v = ([rng.normal(size=a.shape).astype(a.dtype) for a in arrays]
            for arrays in (floats(value), [args[k] for k in wrt]))
    pulled, pushed = results(back, [*args, *u]), results(forward, [*args, *v])
    assert pulled is not None
    assert pushed is not None
    gradients, tangents = pulled[len(value):], pushed[len(value):]
    if usable([*value, *gradients, *tangents]):
        agree(dots(u, tangents), dots(gradients, v), any(a.dtype == np.float32 for a in floats(value)))


def dots(xs: Arrays, ys: Arrays) -> np.ndarray:
    """All products of elements; their sum is the inner product, their magnitudes its condition."""
    return np.concatenate([np.zeros(1), *(np.ravel(x * y).astype(float) for x, y in zip(xs, ys, strict=True))])


def agree(a: np.ndarray, b: np.ndarray, single: bool) -> None:
    bound = (1e-3 if single else 1e-7) * max(1.0, np.abs(a).sum(), np.abs(b).sum())
    assert abs(a.sum() - b.sum()) <= bound, f"{a.sum()} by jvp, {b.sum()} by vjp"


def check_batch(f: Func, flags: Sequence[bool], seed: int, size: int = 2) -> None:
    """Each example's results are those of the function on it alone."""
    note(print_func(f))
    flags = [flag and p.type.is_static for flag, p in zip(flags, f.params, strict=False)]
    flags += [False] * (len(f.params) - len(flags))
    extents = {e for p in f.params for e in p.shape}
    flags = [flag and p not in extents for flag, p in zip(flags, f.params, strict=True)]
    try:
        batched = batch(f, flags, size)
    except REFUSALS:
        return
    rng = np.random.default_rng(seed)
    shared = arguments(f, rng, special=False)
    examples = [[a if flag else s for a, s, flag in zip(arguments(f, rng, special=False), shared, flags, strict=True)]
                for _ in range(size)]
    args = [np.stack([e[k] for e in examples]) if flag else shared[k] for k, flag in enumerate(flags)]
    expected = [results(f, e) for e in examples]
    got = results(batched, args)
    if got is None or any(e is None for e in expected):
        return
    for k, g in enumerate(got):
        np.testing.assert_allclose(g, np.stack([e[k] for e in expected if e is not None]), rtol=1e-4, atol=1e-6)


def once(check: Callable[..., None]) -> Callable[..., None]:
    """The check with NumPy's floating-point warnings off."""
    def quiet(*args: object) -> None:
        with np.errstate(all="ignore"):
            check(*args)

    return quiet


FLAGS = st.lists(st.booleans(), min_size=4, max_size=8)


@SLICE
@given(functions(), SEEDS)
def test_modes_agree(f: Func, seed: int) -> None:
    once(check_modes)(f, seed)


@SLICE
@given(functions(), FLAGS, SEEDS)
def test_batches_are_loops(f: Func, flags: list[bool], seed: int) -> None:
    once(check_batch)(f, flags, seed)


@pytest.mark.slow
@LONG
@given(functions(), SEEDS)
def test_modes_agree_at_length(f: Func, seed: int) -> None:
    once(check_modes)(f, seed)


@pytest.mark.slow
@LONG
@given(functions(), FLAGS, SEEDS)
def test_batches_are_loops_at_length(f: Func, flags: list[bool], seed: int) -> None:
    once(check_batch)(f, flags, seed)
