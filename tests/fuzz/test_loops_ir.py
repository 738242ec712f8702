"""Random loops of the IR: passes keep their meaning, both modes of differentiation agree, machine code agrees."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, note, settings, strategies as st

from gradjit.errors import UnsupportedError
from gradjit.ir import Func, interpret, parse, print_func, verify
from gradjit.passes import PASSES, optimize
from gradjit.passes.batching import batch
from gradjit.passes.jvp import jvp
from gradjit.passes.vjp import reverse

from .inputs import arguments, same
from .loops_ir import loop_functions
from .native import native

SLICE = settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
LONG = settings(max_examples=1500, deadline=None, suppress_health_check=list(HealthCheck))
SEEDS = st.integers(0, 99)
FLAGS = st.lists(st.booleans(), min_size=6, max_size=6)
Arrays = Sequence[np.ndarray]


LARGEST = 1e4


def run(f: Func, args: Arrays) -> list[np.ndarray]:
    """The results of a function that verifies and survives its text form."""
    verify(f)
    text = print_func(f)
    assert print_func(parse(text)[f.name]) == text
    return interpret(f, args)


def first(f: Func, args: Arrays) -> list[np.ndarray]:
    """The results of a program as it came. One whose numbers grow out of bounds is left out."""
    found = run(f, args)
    assume(all(np.all(np.abs(a) < LARGEST) for a in found))
    return found


def agree(a: Arrays, b: Arrays, what: str) -> None:
    wrong = same(a, b, exact=False, rtol=1e-8)
    assert not wrong, f"{what}: {wrong}"


def check_passes(f: Func, seed: int) -> None:
    note(print_func(f))
    args = arguments(f, np.random.default_rng(seed), special=False)
    expected = first(f, args)
    for p in PASSES.values():
        agree(run(p.run(f), args), expected, p.name)
    agree(run(optimize(f, verify=True), args), expected, "optimize")


def inner(xs: Arrays, ys: Arrays) -> tuple[float, float]:
    terms = [np.ravel(x * y) for x, y in zip(xs, ys, strict=True)]
    return float(sum(t.sum() for t in terms)), 1.0 + float(sum(np.abs(t).sum() for t in terms))


def check_derivatives(f: Func, seed: int) -> None:
    """<u, J v> is <Jᵀ u, v>; the tangent is that of finite differences where these are smooth; nothing is refused."""
    note(print_func(f))
    rng = np.random.default_rng(seed)
    wrt = [k for k, p in enumerate(f.params) if p.dtype.is_float]
    args = arguments(f, rng, special=False)
    value = first(f, args)
    u, v = ([rng.normal(size=a.shape) for a in arrays] for arrays in (value, [args[k] for k in wrt]))
    back = reverse(f, wrt)
    gradients = run(back, [*args, *u])[len(value):]
    tangents = run(jvp(f, wrt), [*args, *v])[len(value):]
    a, size = inner(u, tangents)
    b, other = inner(gradients, v)
    assert abs(a - b) <= 1e-9 * max(size, other), f"{a} by jvp, {b} by vjp"
    agree(run(optimize(back, verify=True), [*args, *u])[len(value):], gradients, "optimize")
    h = 1e-6
    moved = [run(f, [x + s * h * v[wrt.index(k)] if k in wrt else x for k, x in enumerate(args)]) for s in (1, -1)]
    difference = inner(u, [(p - q) / (2 * h) for p, q in zip(*moved, strict=True)])[0]
    if abs(difference) < 1e3 * size:  # else a jump lies within reach
        assert abs(a - difference) <= 1e-5 * size, f"{a} by jvp, {difference} by differences"


def check_second(f: Func, seed: int) -> None:
    """Reverse mode of reverse mode, against forward mode of reverse mode."""
    note(print_func(f))
    rng = np.random.default_rng(seed)
    wrt = [k for k, p in enumerate(f.params) if p.dtype.is_float]
    args = arguments(f, rng, special=False)
    u = [rng.normal(size=a.shape) for a in first(f, args)]
    back = reverse(f, wrt)
    count = len(run(back, [*args, *u]))
    w = [rng.normal(size=r.type.extents) for r in back.results]
    v = [rng.normal(size=args[k].shape) for k in wrt]
    gradients = run(reverse(back, wrt), [*args, *u, *w])[count:]
    tangents = run(jvp(back, wrt), [*args, *u, *v])[count:]
    a, size = inner(w, tangents)
    b, other = inner(gradients, v)
    assert abs(a - b) <= 1e-9 * max(size, other), f"{a} by jvp, {b} by vjp"


def check_batch(f: Func, flags: list[bool], seed: int, size: int = 3) -> None:
    """Each example's results are those of the function on it alone. One refusal is documented: extents that differ."""
    note(print_func(f))
    flags = [*flags[:len(f.params) - 1], flags[-1]]
    rng = np.random.default_rng(seed)
    shared = arguments(f, rng, special=False)
    examples = [[a if flag else s for a, s, flag in zip(arguments(f, rng, special=False), shared, flags, strict=True)]
                for _ in range(size)]
    expected = [first(f, e) for e in examples]
    try:
        batched = batch(f, flags, size)
    except UnsupportedError as e:
        assume("arrays of different sizes" not in str(e))
        raise
    args = [np.stack([e[k] for e in examples]) if flag else shared[k] for k, flag in enumerate(flags)]
    got = run(batched, args)
    agree(got, [np.stack([e[k] for e in expected]) for k in range(len(got))], f"batched {flags}")
    agree(run(optimize(batched, verify=True), args), got, "optimize")


def check_compiled(f: Func, seed: int) -> None:
    note(print_func(f))
    rng = np.random.default_rng(seed)
    args = arguments(f, rng, special=False)
    value = first(f, args)
    agree(native(f, args), value, "compiled")
    back = reverse(f, [k for k, p in enumerate(f.params) if p.dtype.is_float])
    full = [*args, *(rng.normal(size=a.shape) for a in value)]
    agree(native(back, full), run(back, full), "compiled reverse")


@SLICE
@given(loop_functions(), SEEDS)
def test_passes(f: Func, seed: int) -> None:
    check_passes(f, seed)


@SLICE
@given(loop_functions(), SEEDS)
def test_derivatives(f: Func, seed: int) -> None:
    check_derivatives(f, seed)


@SLICE
@given(loop_functions(), SEEDS)
def test_second_derivatives(f: Func, seed: int) -> None:
    check_second(f, seed)


@SLICE
@given(loop_functions(), FLAGS, SEEDS)
def test_batches(f: Func, flags: list[bool], seed: int) -> None:
    check_batch(f, flags, seed)


@settings(SLICE, max_examples=15)
@given(loop_functions(), SEEDS)
def test_compiled(f: Func, seed: int) -> None:
    check_compiled(f, seed)


@pytest.mark.slow
@LONG
@given(loop_functions(most=10), FLAGS, SEEDS)
def test_many(f: Func, flags: list[bool], seed: int) -> None:
    check_passes(f, seed)
    check_batch(f, flags, seed)
    check_derivatives(f, seed)
    check_second(f, seed)


@pytest.mark.slow
@settings(LONG, max_examples=300)
@given(loop_functions(most=10), SEEDS)
def test_many_compiled(f: Func, seed: int) -> None:
    check_compiled(f, seed)
