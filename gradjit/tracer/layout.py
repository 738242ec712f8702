"""When NumPy's reshape gives a view: strides of traced arrays, counted in elements."""

from __future__ import annotations

from collections.abc import Sequence

Strides = tuple[int, ...] | None
"""None where the order in memory is not known while tracing (an argument, the result of NumPy's K-ordered loops)."""


def contiguous(shape: Sequence[int]) -> tuple[int, ...]:
    """The strides of a row-major array."""
    out, step = [], 1
    for e in reversed(shape):
        out.append(step)
        step *= max(e, 1)
    return tuple(reversed(out))


def is_contiguous(shape: Sequence[int], strides: Strides) -> bool:
    """Whether the elements stand in row-major order without gaps."""
    if strides is None:
        return False
    return 0 in shape or all(e == 1 or s == c for e, s, c in zip(shape, strides, contiguous(shape), strict=True))


def reshaped(shape: Sequence[int], strides: Sequence[int], new: Sequence[int]) -> tuple[int, ...] | None:
    """Strides of the reshaped view; None where NumPy has to copy.

    Axes are matched in groups of equal element count from the left; a group of old axes must be mergeable, that is,
    each stride must be the next one times the next extent. (The rule of NumPy's `_attempt_nocopy_reshape`.)
    """
    if 0 in shape or 0 in new:
        return contiguous(new)
    old = [(e, s) for e, s in zip(shape, strides, strict=True) if e != 1]
    out: list[int] = []
    i = j = 0
    while i < len(old) and j < len(new):
        first, start = i, j
        have, want = old[i][0], new[j]
        while have != want:
            if want < have:
                j += 1
                want *= new[j]
            else:
                i += 1
                have *= old[i][0]
        if any(old[k][1] != old[k + 1][1] * old[k + 1][0] for k in range(first, i)):
            return None
        step = old[i][1]
        group = []
        for e in reversed(new[start:j + 1]):
            group.append(step)
            step *= e
        out += reversed(group)
        i, j = i + 1, j + 1
    return (*out, *(1 for _ in new[len(out):]))
