"""Fourier transforms that NumPy's C loops compute, written out as transforms of many lines, which are code of our own:
for libraries, where there is no NumPy.

    a line of a * c elements  -->  c lines of a elements, times roots of unity, a lines of c elements (Cooley, Tukey)
    any other length          -->  a convolution by transforms of a power of two (Bluestein)
    few lines                 -->  lines of zeros beside them

Lengths are known numbers, up to `LONGEST`, as their roots of unity are constants of the program. Results agree with
NumPy's to some units of the last place of the largest element.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isqrt, prod

import numpy as np

from ..ir import BOOL, F64, Builder, Func, Op, Value, walk
from ..ir.sizes import is_open
from ..passes.inline import replaced
from .lower.fourier import runs_side_by_side, together
from .routines.fourier_passes import is_made_of_passes, roots_of_unity

LONGEST = 1 << 16
"""Elements of a line at most that is written out."""


def written_transforms(func: Func) -> Func:
    """The function without transforms that only NumPy's loops compute, but for those that are too long, or open."""
    return replaced(func, _written) if any(op.name in RULES for op in walk(func.body)) else func


def _written(b: Builder, op: Op, args: Sequence[Value]) -> list[Value] | None:
    if op.name not in RULES:
        return None
    (x,) = args
    n = op.attrs.get("n", x.type.extents[-2 if op.name == "fft" else -1])
    if any(map(is_open, x.type.extents)) or is_open(n) or 0 in x.shape or max(x.shape) > LONGEST or n > LONGEST:
        return None
    found = RULES[op.name](b, x, op)
    return None if found is None else [found]


# what is asked for ----------------------------------------------------------------------------------------------------
def _complex(b: Builder, x: Value, op: Op) -> Value | None:
    rank, behind = x.type.rank, op.attrs.get("behind", 0)
    axis = rank - 2 - behind
    if runs_side_by_side(x, axis):
        return None
    perm = (*(a for a in range(rank - 1) if a != axis), axis, rank - 1)
    moved = b.transpose(x, perm=perm)
    lines = b.reshape_to(moved, (prod(moved.shape[:-2]), *moved.shape[-2:]))
    done = b.reshape_to(transform(b, lines, op.attrs["inverse"]), moved.shape)
    return b.transpose(done, perm=tuple(perm.index(a) for a in range(rank)))


def _of_reals(b: Builder, x: Value, op: Op) -> Value:
    """rfft: the first half of a complex transform."""
    n = x.shape[-1]
    re = b.reshape_to(x, (prod(x.shape[:-1]), n, 1))
    done = transform(b, b.concat(re, b.zeros(re.type), axis=2), inverse=False)
    return b.reshape_to(part(b, done, 1, 0, n // 2 + 1), (*x.shape[:-1], n // 2 + 1, 2))


def _to_reals(b: Builder, x: Value, op: Op) -> Value:
    """irfft: the real parts of a complex transform of this half and its conjugates."""
    n, half = int(op.attrs["n"]), x.shape[-2]
    lines = b.reshape_to(x, (prod(x.shape[:-2]), half, 2))
    unread = np.zeros((half, 2), bool)  # the imaginary parts of the ends
    unread[[0, -1] if n % 2 == 0 else [0], 1] = True
    lines = b.select(b.broadcast(b.const(unread, BOOL), shape=lines.shape, dims=(1, 2)), b.zeros(lines.type), lines)
    if n - half:
        others = b.slice(lines, starts=(0, n - half, 0), sizes=(lines.shape[0], n - half, 2), steps=(1, -1, 1))
        re, im = planes(b, others)
        lines = b.concat(lines, b.concat(re, b.neg(im), axis=2), axis=1)
    return b.reshape_to(part(b, transform(b, lines, inverse=True), 2, 0, 1), (*x.shape[:-2], n))


RULES: dict[str, Callable[[Builder, Value, Op], Value | None]] = {
    "fft": _complex, "rfft": _of_reals, "irfft": _to_reals}


# transforms of lines, (lines, elements, 2) ----------------------------------------------------------------------------
def transform(b: Builder, x: Value, inverse: bool) -> Value:
    if inverse:  # the transform with the parts exchanged, there and back
        return exchanged(b, transform(b, exchanged(b, x), inverse=False))
    count, n, least = x.shape[0], x.shape[1], together(x)
    if n == 1:
        return x
    split = factors(n, least)
    if is_made_of_passes(n) and (count >= least or split is None):
        return of_few(b, x, least)
    return in_two_steps(b, x, *split) if split is not None else by_convolution(b, x)


def factors(n: int, least: int) -> tuple[int, int] | None:
    """Two factors of n, as alike as can be, of each of which there are transforms, and as many as are made at once."""
    for a in range(isqrt(n), least - 1, -1):
        if n % a == 0 and is_made_of_passes(a) and is_made_of_passes(n // a):
            return a, n // a
    return None


def of_few(b: Builder, x: Value, least: int) -> Value:
    """Lines of zeros beside those that there are."""
    count, n, _ = x.shape
    if count >= least:
        return b.fft(x, inverse=False, behind=0)
    zeros = b.const(0, x.dtype, (least - count, n, 2))
    return part(b, b.fft(b.concat(x, zeros, axis=0), inverse=False, behind=0), 0, 0, count)


def in_two_steps(b: Builder, x: Value, a: int, c: int) -> Value:
    """With j = j1 + c*j2 and k = k2 + a*k1: transforms over j2, roots of unity to the power j1*k2, transforms over
    j1."""
    count, n, _ = x.shape
    grid = b.fft(b.reshape_to(x, (count, a, c, 2)), inverse=False, behind=1)
    power = np.outer(np.arange(a), np.arange(c)) % n
    grid = times(b, grid, roots_of_unity(n, x.dtype)[power])
    grid = b.transpose(b.fft(grid, inverse=False, behind=0), perm=(0, 2, 1, 3))
    return b.reshape_to(grid, (count, n, 2))


def by_convolution(b: Builder, x: Value) -> Value:
    """j*k = (j² + k² - (k - j)²) / 2: what is summed is a convolution with roots of unity."""
    count, n, _ = x.shape
    size = 1 << (2 * n - 2).bit_length()
    chirp = roots_of_unity(2 * n, F64)[np.arange(n) ** 2 % (2 * n)]
    z = chirp[:, 0] - 1j * chirp[:, 1]
    kernel = np.zeros(size, complex)
    kernel[:n] = z
    kernel[size - n + 1:] = z[:0:-1]
    filtered = np.fft.fft(kernel) / size
    near = times(b, x, chirp)
    zeros = b.const(0, x.dtype, (count, size - n, 2))
    found = times(b, transform(b, b.concat(near, zeros, axis=1), inverse=False),
                  np.stack([filtered.real, filtered.imag], -1))
    return times(b, part(b, transform(b, found, inverse=True), 1, 0, n), chirp)


# complex numbers ------------------------------------------------------------------------------------------------------
def part(b: Builder, x: Value, axis: int, start: int, count: int) -> Value:
    """Some elements along an axis."""
    starts, sizes = [0] * x.type.rank, list(x.shape)
    starts[axis], sizes[axis] = start, count
    return b.slice(x, starts=tuple(starts), sizes=tuple(sizes), steps=(1,) * x.type.rank)


def planes(b: Builder, x: Value) -> tuple[Value, Value]:
    """Real and imaginary parts, with the last axis."""
    last = x.type.rank - 1
    return part(b, x, last, 0, 1), part(b, x, last, 1, 1)


def exchanged(b: Builder, x: Value) -> Value:
    return b.concat(*reversed(planes(b, x)), axis=x.type.rank - 1)


def times(b: Builder, x: Value, numbers: np.ndarray) -> Value:
    """x times complex constants for all axes but the first."""
    re, im = planes(b, x)
    dims = tuple(range(1, x.type.rank))
    c, d = (b.broadcast(b.const(numbers[..., k:k + 1].astype(x.dtype.np)), shape=re.shape, dims=dims) for k in (0, 1))
    return b.concat(b.sub(b.mul(re, c), b.mul(im, d)), b.add(b.mul(re, d), b.mul(im, c)), axis=x.type.rank - 1)


__all__ = ["written_transforms"]
