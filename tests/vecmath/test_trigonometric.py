"""sin, cos, tan and their inverses against mpmath; the reduction near multiples of pi/2 and of huge arguments."""

from __future__ import annotations

import functools
import re
from typing import Any

import mpmath
import numpy as np
import pytest

from gradjit.codegen.target import this_machine
from gradjit.codegen.vecmath import trigonometric
from tests.vecmath import accuracy
from tests.vecmath.accuracy import DTYPES, WIDE, Case, by_case, compiled
from tests.vecmath.harness import (
    Elementwise,
    assert_same_bits,
    compile_elementwise,
    near,
    per_binade,
    random_bits,
    specials,
    ulp_error,
)

CIRCULAR = ["sin", "cos", "tan"]


def quarter_turns(dtype: Any, multiples: Any) -> np.ndarray:
    """The numbers nearest to k*pi/2 and their two neighbours."""
    with mpmath.workprec(1200):
        nearest = np.array([float(mpmath.mpf(int(k)) * mpmath.pi / 2) for k in multiples]).astype(dtype)
    return near(dtype, nearest, 1)


def hard(dtype: Any, count: int) -> np.ndarray:
    """Where sin or cos almost vanishes: small multiples, up to the reduction's reach, beyond it."""
    rng = np.random.default_rng(3)
    reach = int(trigonometric.REACH[DTYPES.index(dtype)] / 1.58)
    small, last = np.arange(1, count), np.arange(reach - 3, reach + 60)
    within, beyond = rng.integers(1, reach, count), rng.integers(reach, 100 * reach, count)
    # of all doubles, the one closest to a multiple of pi/2 (Muller, "Elementary Functions", chapter 11)
    closest = [6381956970095103 * 2.0**797] if dtype == np.float64 else [16367173 * 2.0**72]
    turns = np.concatenate([small, last, within, beyond])
    return np.concatenate([quarter_turns(dtype, turns), near(dtype, closest, 3)])


def points_of_plane(dtype: Any, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Operands of arctan2: all around, of very different size, of nearly one size, bit patterns."""
    rng = np.random.default_rng(11)
    info, around = np.finfo(dtype), rng.normal(size=(2, count))
    apart = rng.normal(size=(2, count)) * np.exp(rng.normal(size=(2, count)) * 5)
    base = np.ldexp(rng.uniform(0.5, 1, count), rng.integers(info.minexp - info.nmant, info.maxexp, count))
    other = base / 4 * np.ldexp(rng.uniform(-1, 1, count), rng.integers(-3, 3, count))
    y, x = [np.concatenate([around[k], apart[k], [base, other][k]]).astype(dtype) for k in (0, 1)]
    y, x = np.concatenate([y, random_bits(dtype, count, 1)]), np.concatenate([x, random_bits(dtype, count, 2)])
    keep = np.isfinite(x) & np.isfinite(y) & (y != 0)  # mpmath has no signed zero
    return y[keep], x[keep]


CASES = [
    Case("sin", mpmath.sin, np.sin, (0.9, 0.95), [(-0.8, 0.8), (-4, 4), (-1e4, 1e4), (-3e7, 3e7)],
         [0, 8192, 25 * 2.0**20], (-30, 40), numpy=np.sin),
    Case("cos", mpmath.cos, np.cos, (0.9, 0.95), [(-0.8, 0.8), (-4, 4), (-1e4, 1e4), (-3e7, 3e7)],
         [0, 8192, 25 * 2.0**20], (-30, 40), numpy=np.cos),
    Case("tan", mpmath.tan, np.tan, (1.1, 1.3), [(-0.8, 0.8), (-4, 4), (-1e4, 1e4), (-3e7, 3e7)],
         [0, 8192, 25 * 2.0**20], (-30, 40), numpy=np.tan),
    Case("arcsin", mpmath.asin, np.arcsin, (0.7, 0.75), [(-1, 1), (0.4, 0.6), (-1, -0.99), (0.999, 1)],
         [-1, -0.5, 0, 0.5, 1], (-40, 1), numpy=np.arcsin),
    Case("arccos", mpmath.acos, np.arccos, (0.7, 0.75), [(-1, 1), (0.4, 0.6), (-1, -0.99), (0.999, 1)],
         [-1, -0.5, 0, 0.5, 1], (-40, 1), numpy=np.arccos),
    Case("arctan", mpmath.atan, np.arctan, (1.2, 1.2), [(-1, 1), (-4, 4), (0.9, 1.1), (-100, 100)],
         [-1, 0, 1, 2.0**60], (-40, 70), numpy=np.arctan),
    Case("arctan2", mpmath.atan2, np.arctan2, (1.4, 1.4), arity=2, pairs=points_of_plane, numpy=np.arctan2),
]


@pytest.mark.thinned
@by_case(CASES)
def test_accuracy(case: Case, dtype: Any) -> None:
    accuracy.check_against_mpmath(case, dtype, 300)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", CIRCULAR)
def test_near_multiples_of_a_quarter_turn(name: str, dtype: Any) -> None:
    _check_hard(name, dtype, 150)


def _check_hard(name: str, dtype: Any, count: int) -> None:
    x = hard(dtype, count)
    error = ulp_error(compiled(name, 1, dtype)(x), getattr(mpmath, name), x, precision=400)
    assert error.max() <= next(case.bound(dtype) for case in CASES if case.name == name), x[error.argmax()]


@by_case(CASES)
def test_special_values(case: Case, dtype: Any) -> None:
    accuracy.check_special_values(case, dtype)
    accuracy.check_any_nan(case, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_special_angles(dtype: Any) -> None:
    """arctan2 of zeros and infinities in all directions, inverses at their ends: multiples of pi/4, rounded once."""
    values = np.array([0.0, -0.0, 1.0, -1.0, np.inf, -np.inf], dtype)
    y, x = np.repeat(values, values.size), np.tile(values, values.size)
    assert_same_bits(compiled("arctan2", 2, dtype)(y, x), np.arctan2(y.astype(float), x.astype(float)).astype(dtype))
    ends = np.array([-1, 0, 1], dtype)
    for name in ("arccos", "arcsin", "arctan"):
        assert_same_bits(compiled(name, 1, dtype)(ends), getattr(np, name)(ends.astype(float)).astype(dtype))


@by_case(CASES)
def test_scalar_and_vector_give_the_same_bits(case: Case, dtype: Any) -> None:
    accuracy.check_widths(case, dtype, 1500, [1])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", CIRCULAR)
def test_huge_lanes_leave_their_neighbours_alone(name: str, dtype: Any) -> None:
    """A vector with one argument beyond the reach gives the bits that its lanes give among their like."""
    width = WIDE[np.dtype(dtype)]
    small = np.random.default_rng(5).uniform(-100, 100, 64 * width).astype(dtype)
    huge = random_bits(dtype, small.size, 6)
    mixed = np.where(np.arange(small.size) % width == np.arange(small.size) // width % width, huge, small)
    fn = compiled(name, 1, dtype)
    assert_same_bits(fn(mixed), np.where(mixed == small, fn(small), fn(huge)))


@functools.cache
def both(which: int, dtype: Any) -> Elementwise:
    return compile_elementwise(lambda L, x: trigonometric.sincos(L, x)[which], 1, dtype, WIDE[np.dtype(dtype)])


@pytest.mark.parametrize("dtype", DTYPES)
def test_sincos_is_sin_and_cos(dtype: Any) -> None:
    x = np.concatenate([random_bits(dtype, 4000), per_binade(dtype, -30, 40, 20), specials(dtype), hard(dtype, 50)])
    assert_same_bits(both(0, dtype)(x), compiled("sin", 1, dtype)(x))
    assert_same_bits(both(1, dtype)(x), compiled("cos", 1, dtype)(x))


@pytest.mark.parametrize("dtype", DTYPES)
def test_symmetry(dtype: Any) -> None:
    x = np.concatenate([random_bits(dtype, 3000), np.linspace(-2, 2, 3000, dtype=dtype), hard(dtype, 30)])
    for name in ("sin", "tan", "arcsin", "arctan"):
        assert_same_bits(compiled(name, 1, dtype)(-x), -compiled(name, 1, dtype)(x))
    assert_same_bits(compiled("cos", 1, dtype)(-x), compiled("cos", 1, dtype)(x))


def _kernel(case: Case, dtype: Any) -> str:
    """The machine code for vectors of the width that this machine has."""
    width = this_machine().vector_bytes // np.dtype(dtype).itemsize
    assembly = compiled(case.name, case.arity, dtype, width).assembly
    return assembly[assembly.index("kernel:"):assembly.index(".Lfunc_end0:")]


def _hot_loop(kernel: str) -> str:
    """The straight code with most arithmetic: the loop from its label to the branch into the cold block or back."""
    blocks = re.split(r"^\.LBB\w+:.*$|^\tj(?!mp)\w+\s.*$", kernel, flags=re.M)
    return max(blocks, key=lambda block: len(re.findall(r"^\tv?(?:fn?m|add|mul|sub)\w*p[sd]\s", block, re.M)))


@pytest.mark.skipif(not accuracy.X86, reason="reads x86 assembly")
@by_case(CASES)
def test_vectors_stay_vectors(case: Case, dtype: Any) -> None:
    """No scalar arithmetic, no spills; one call, to the function of the huge arguments, outside of the hot loop."""
    kernel = _kernel(case, dtype)
    found = accuracy.SCALAR_CODE.findall(kernel)
    calls = [line for line in found if line.startswith("\tcall")]
    assert found == calls
    assert len(calls) == (case.name in CIRCULAR)
    assert "call" not in _hot_loop(kernel)
    if this_machine().vector_bytes == 64:  # AVX-512 has 32 registers; with 16 the constants alone fill them
        assert not re.search(r"^\tv?mov\S*\s+%[xyz]mm\d+, -?\d*\(%rsp\)$", _hot_loop(kernel), re.M)


@pytest.mark.slow
@by_case(CASES)
def test_dense(case: Case, dtype: Any) -> None:
    accuracy.check_against_mpmath(case, dtype, 4000)
    accuracy.check_densely(case, dtype, 400_000)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", CIRCULAR)
def test_near_multiples_of_a_quarter_turn_densely(name: str, dtype: Any) -> None:
    _check_hard(name, dtype, 5000)


@pytest.mark.slow
@by_case(CASES)
def test_other_widths_and_machines(case: Case, dtype: Any) -> None:
    accuracy.check_widths(case, dtype, 2000, [2, 3, 4, 16])
    if accuracy.X86:
        accuracy.check_lesser_machines(case, dtype, 2000)
