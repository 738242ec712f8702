"""What is checked of every function of the vector math library, driven by a table of `Case`s per family."""

from __future__ import annotations

import functools
import platform
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import llvmlite.binding as llvm
import numpy as np
import pytest

from tests.vecmath.harness import (
    WIDE,
    Elementwise,
    assert_same_bits,
    compile_elementwise,
    near,
    per_binade,
    random_bits,
    specials,
    ulp_error,
    ulp_error_wide,
)

DTYPES = [np.float64, np.float32]
X86 = platform.machine() in ("x86_64", "AMD64")


@dataclass(frozen=True)
class Case:
    """One function. Bounds in ulps for float64 and float32; `ranges` and `turns` are where to look closely."""

    name: str
    exact: Callable[..., Any]  # of mpmath numbers
    wide: Callable[..., Any]  # of NumPy arrays of a wider dtype
    bounds: tuple[float, float]
    ranges: Sequence[tuple[float, float]] = ()
    turns: Sequence[float] = ()
    binades: tuple[int, int] = (-30, 12)
    numpy: Callable[..., Any] | None = None  # whose special values hold
    arity: int = 1
    pairs: Callable[[Any, int], tuple[np.ndarray, np.ndarray]] | None = None  # arguments if arity is 2

    def bound(self, dtype: Any) -> float:
        return self.bounds[DTYPES.index(dtype)]

    def points(self, dtype: Any, count: int) -> list[np.ndarray]:
        """Some multiple of `count` arguments: bit patterns, binades, ranges, the neighbours of the turning points."""
        if self.pairs:
            return list(self.pairs(dtype, count))
        rng = np.random.default_rng(7)
        low, high = self.binades
        each = max(1, count // (high - low))
        with np.errstate(over="ignore"):
            found = [random_bits(dtype, count), per_binade(dtype, low, high, each), specials(dtype)]
            found += [rng.uniform(*r, count).astype(dtype) for r in self.ranges]
            found += [near(dtype, self.turns, min(count, 300) // 20 + 1)] if len(self.turns) else []
        return [np.concatenate(found)]


@functools.cache
def compiled(name: str, arity: int, dtype: Any, width: int | None = None, features: str | None = None) -> Elementwise:
    return compile_elementwise(name, arity, dtype, width or WIDE[np.dtype(dtype)], features)


def by_case(cases: Sequence[Case]) -> Any:
    """Parametrize a test by case and dtype."""
    return pytest.mark.parametrize(
        "case, dtype", [(c, d) for c in cases for d in DTYPES],
        ids=[f"{c.name}-{np.dtype(d).name}" for c in cases for d in DTYPES])


def check_against_mpmath(case: Case, dtype: Any, count: int) -> None:
    points = case.points(dtype, count)
    got = compiled(case.name, case.arity, dtype)(*points)
    _within(case, dtype, points, got, ulp_error(got, case.exact, *points))


def check_densely(case: Case, dtype: Any, count: int) -> float:
    """The largest error against the wider dtype, which must have some ten bits more. Ulps."""
    wide = np.longdouble if dtype == np.float64 else np.float64
    if np.finfo(wide).nmant < np.finfo(dtype).nmant + 10:
        pytest.skip("no wider floating-point type on this machine")
    worst = 0.0
    for points in _chunks(case, dtype, count):
        with np.errstate(all="ignore"):
            exact = case.wide(*[p.astype(wide) for p in points])
        got = compiled(case.name, case.arity, dtype)(*points)
        error = ulp_error_wide(got, exact.astype(wide))
        _within(case, dtype, points, got, error)
        worst = max(worst, float(error.max()))
    return worst


def _chunks(case: Case, dtype: Any, count: int) -> Any:
    """Points of the case; for float32 functions of one argument also every 61st of all bit patterns."""
    yield case.points(dtype, count)
    if dtype == np.float32 and case.arity == 1:
        patterns = np.arange(0, 2**32, 61, dtype=np.uint32)
        for chunk in np.array_split(patterns, 40):
            yield [chunk.view(np.float32)]


def _within(case: Case, dtype: Any, points: list[np.ndarray], got: np.ndarray, error: np.ndarray) -> None:
    worst = int(np.argmax(error))
    where = ", ".join(float(p[worst]).hex() for p in points)
    assert error[worst] <= case.bound(dtype), f"{case.name}({where}) = {got[worst]!r}: {error[worst]} ulp"


INFINITE = (np.isnan, np.isposinf, np.isneginf)
ZERO = (lambda v: (v == 0) & ~np.signbit(v), lambda v: (v == 0) & np.signbit(v))


def check_special_values(case: Case, dtype: Any, kinds: Sequence[Callable[[Any], Any]] = (*INFINITE, *ZERO)) -> None:
    """nan, infinities and zeros (with their signs) exactly where NumPy has them."""
    values = np.concatenate([specials(dtype), np.array([2.5, -2.5, 7, -7, 2**23 + 1, -(2.0**100), 1e30], dtype)])
    points = [values] if case.arity == 1 else [np.repeat(values, values.size), np.tile(values, values.size)]
    assert case.numpy is not None
    with np.errstate(all="ignore"):
        want = case.numpy(*points)
    got = compiled(case.name, case.arity, dtype)(*points)
    assert want.dtype == got.dtype
    for kind in kinds:
        wrong = np.flatnonzero(kind(want) != kind(got))
        assert wrong.size == 0, [(*[p[w] for p in points], got[w], want[w]) for w in wrong[:5]]


def check_any_nan(case: Case, dtype: Any) -> None:
    """nan of every payload and sign, signalling ones too, gives nan: exponents are taken from bits."""
    unsigned = np.uint64 if dtype == np.float64 else np.uint32
    stored = np.finfo(dtype).nmant
    payload = np.random.default_rng(3).integers(1, 2**stored, 2000, dtype=unsigned)
    payload[:12] = [1, 2, 3, 4095, 4096, 2**stored - 1, 2 ** (stored - 1), 2 ** (stored - 1) + 1, 2 ** (stored - 1) - 1,
                    2 ** (stored - 1) + 1023, 2 ** (stored - 1) + 2047, 511]
    exponent = unsigned(np.array(np.inf, dtype).view(unsigned))
    nans = (payload | exponent).view(dtype)
    both = np.concatenate([nans, -nans])
    others = [np.full(both.size, 0.75, dtype)] * (case.arity - 1)
    fn = compiled(case.name, case.arity, dtype)
    assert np.isnan(fn(both, *others)).all()
    assert np.isnan(fn(*others, both)).all()


def check_widths(case: Case, dtype: Any, count: int, widths: Sequence[int]) -> None:
    """Scalars and vectors of any width give the same bits."""
    points = case.points(dtype, count)
    wide = compiled(case.name, case.arity, dtype)(*points)
    for width in widths:
        assert_same_bits(wide, compiled(case.name, case.arity, dtype, width)(*points))


def check_lesser_machines(case: Case, dtype: Any, count: int) -> None:
    """AVX2 code gives the bits of AVX-512 code, and so does the baseline, where fma is a call."""
    host = llvm.get_host_cpu_features()
    points = case.points(dtype, count)
    best = compiled(case.name, case.arity, dtype)(*points)
    for features in ("+avx2,+fma", ""):
        if all(host.get(f[1:], False) for f in features.split(",") if f):
            assert_same_bits(best, compiled(case.name, case.arity, dtype, 4, features)(*points))


SCALAR_CODE = re.compile(r"^\t(?:call\w*|v?(?:add|sub|mul|div|sqrt|cvt\w*|fn?m(?:add|sub)\d+)s[sd])\s.*$", re.M)


def check_stays_vector(case: Case, dtype: Any, width: int, features: str | None) -> None:
    """No call and no scalar arithmetic in the loop of vectors."""
    assembly = compiled(case.name, case.arity, dtype, width, features).assembly
    kernel = assembly[assembly.index("kernel:"):assembly.index("repeated:")]
    assert SCALAR_CODE.findall(kernel) == []
