"""Arrays to run a function on: special values among ordinary ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gradjit.ir import ArrayType, Func, Value

SPECIAL = (0.0, -0.0, 1.0, -1.0, np.nan, np.inf, -np.inf, 1e-300, 2.0, 0.5, -3.0, 1e300)
"""No subnormal numbers: a rule may leave out the rounding to one (see gradjit.passes.simplify)."""


def array(t: ArrayType, shape: tuple[int, ...], rng: np.random.Generator, special: bool = True) -> np.ndarray:
    """An array of a type. Integers are small: they serve as indices and extents too."""
    kind = t.dtype.kind
    if kind == "b":
        return rng.integers(0, 2, shape).astype(bool)
    if kind in "iu":
        return rng.integers(0 if kind == "u" else -2, 4, shape).astype(t.dtype.np)
    a = rng.normal(size=shape)
    if special:
        a = np.where(rng.random(shape) < 0.3, rng.choice(SPECIAL, size=shape), a)
    if kind == "c":
        a = a + 1j * rng.normal(size=shape)
    return np.asarray(a).astype(t.dtype.np)


def arguments(func: Func, rng: np.random.Generator, special: bool = True) -> list[np.ndarray]:
    """Arguments for a function. A parameter that is an extent of others gets a small size."""
    extents = {e for p in func.params for e in p.shape if isinstance(e, Value)}
    sizes: dict[Value, int] = {}
    args = []
    for p in func.params:
        if p in extents:
            sizes[p] = int(rng.integers(1, 5))
            args.append(np.asarray(sizes[p], p.dtype.np))
            continue
        shape = tuple(e if isinstance(e, int) else sizes[e] for e in p.shape)
        with np.errstate(all="ignore"):
            args.append(array(p.type, shape, rng, special))
    return args


def same(found: Sequence[np.ndarray], expected: Sequence[np.ndarray], exact: bool, rtol: float = 1e-9) -> str:
    """What differs, or an empty text. Exact means bit by bit, any nan being equal to any other."""
    for k, (a, b) in enumerate(zip(found, expected, strict=True)):
        a, b = np.asarray(a), np.asarray(b)
        if a.dtype != b.dtype or a.shape != b.shape:
            return f"result {k}: {a.dtype}{a.shape} for {b.dtype}{b.shape}"
        if not (_bitwise(a, b) if exact else _close(a, b, rtol)):
            return f"result {k}:\n{a!r}\nfor\n{b!r}"
    return ""


def _bitwise(a: np.ndarray, b: np.ndarray) -> bool:
    if a.dtype.kind == "c":
        return _bitwise(a.real, b.real) and _bitwise(a.imag, b.imag)
    equal = np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
    return equal and (a.dtype.kind != "f" or np.array_equal(np.signbit(a) | np.isnan(a), np.signbit(b) | np.isnan(b)))


def _close(a: np.ndarray, b: np.ndarray, rtol: float) -> bool:
    if a.dtype.kind not in "fc":
        return np.array_equal(a, b)
    rtol = max(rtol, 1e4 * np.finfo(a.dtype).eps)
    scale = max([1.0, *np.abs(b[np.isfinite(b)]).ravel()])
    return np.allclose(a, b, rtol=rtol, atol=rtol * min(scale, 1e30), equal_nan=True)
