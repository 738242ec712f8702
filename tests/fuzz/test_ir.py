"""Random functions of the IR: text and back, and passes that keep the meaning."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, note, settings, strategies as st

from gradjit.ir import BOOL, F32, F64, I64, Func, interpret, parse, print_func, verify, walk
from gradjit.passes import PASSES, optimize
from gradjit.passes.planes import has_complex

from .inputs import arguments, same
from .ir_programs import STRAIGHT, functions
from .native import native

SLICE = settings(max_examples=120, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
LONG = settings(max_examples=2000, deadline=None, suppress_health_check=list(HealthCheck))

INEXACT = {"sum", "prod", "contract", "pow", "cumsum", "cumprod", "scatter_add"}
"""Operations whose terms a pass may reorder, and powers that become products."""


def is_exact(func: Func) -> bool:
    return not any(op.name in INEXACT for op in walk(func.body))


def check_text(func: Func) -> None:
    verify(func)
    text = print_func(func)
    again = print_func(parse(text)[func.name])
    assert again == text


def check_meaning(before: Func, after: Func, seed: int) -> None:
    """Both functions agree on special and ordinary arguments: bit by bit where nothing may be reordered. Complex
    arrays may have become pairs of their parts."""
    exact = is_exact(before) and not has_complex(before)
    for special in (True, False) if exact else (False,):
        args = arguments(before, np.random.default_rng(seed), special)
        try:
            expected = interpret(before, args)
        except (OverflowError, ValueError):  # an integer power or cast that NumPy itself refuses
            continue
        args, expected = ([a if v.dtype.is_complex else in_pairs(a) for a, v in zip(arrays, values, strict=True)]
                          for arrays, values in ((args, after.params), (expected, after.results)))
        wrong = same(interpret(after, args), expected, exact)
        assert not wrong, f"{wrong}\n{before}\nbecame\n{after}"


def in_pairs(a: np.ndarray) -> np.ndarray:
    """Complex numbers as their real and imaginary parts, side by side."""
    return a.reshape(*a.shape, 1).view(a.real.dtype) if a.dtype.kind == "c" else a


def check_passes(func: Func, seed: int) -> None:
    text = print_func(func)
    note(text)
    for p in PASSES.values():
        after = p.run(func)
        verify(after)
        check_meaning(func, after, seed)
    check_meaning(func, optimize(func, verify=True), seed)
    assert print_func(func) == text, "a pass changed its argument"


@SLICE
@given(functions())
def test_text(func: Func) -> None:
    check_text(func)


@SLICE
@given(functions(), st.integers(0, 99))
def test_passes(func: Func, seed: int) -> None:
    check_passes(func, seed)


@pytest.mark.slow
@LONG
@given(functions(most=30), st.integers(0, 9999))
def test_many(func: Func, seed: int) -> None:
    check_text(func)
    check_passes(func, seed)


def check_compiled(func: Func, seed: int) -> None:
    """Machine code, from the optimised function, against the interpreter."""
    note(print_func(func))
    args = arguments(func, np.random.default_rng(seed), special=is_exact(func))
    try:
        expected = interpret(func, args)
    except (OverflowError, ValueError):
        return
    wrong = same(native(func, args), expected, exact=False)
    assert not wrong, wrong


@pytest.mark.slow
@settings(LONG, max_examples=400)
@given(functions(makers=STRAIGHT, dtypes=(F64, F64, I64, BOOL, F32), symbolic=False), st.integers(0, 9999))
def test_compiled(func: Func, seed: int) -> None:
    check_compiled(func, seed)
