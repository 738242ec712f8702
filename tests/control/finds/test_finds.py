"""Programs that the random generator found to be wrong, reduced, each with what was at fault."""

from __future__ import annotations

import numpy as np
import pytest

from tests.control.case import LEVELS, Case

RNG = np.random.default_rng(11)
V, W, M = RNG.normal(size=5), RNG.normal(size=9), RNG.normal(size=(4, 5))
INDICES = np.array([1, 2, 0, 1])


class Box:
    def __init__(self, s, v):
        self.s, self.v = s, v


def state_read_by_a_closure_only(z):
    """A name that only an inner function reads was taken for a temporary of the loop."""
    s = z

    def half():
        return 0.5 * s

    for _ in range(9):
        s = half()
    return s


def changed_before_an_early_return(x):
    """The assignment in the branch that returns leaked behind it."""
    s = x[0]
    if x[1] < 10.0:
        s *= 0.9
        return s * x[2]
    return s + 1.0


def structure_returned_from_a_loop(x):
    def first(limit):
        k = 0
        while True:
            if x[k % 5] < limit:
                return x[k % 5], (2.0 * x[0], k)
            k += 1

    a, (b, k) = first(0.5)
    return a * b + k


def swap_with_an_attribute(x):
    box, s = Box(x[0], x.copy()), x[1]
    for _ in range(11):
        s, box.s = box.s, 0.9 * s
    return s + 2.0 * box.s


def swap_of_arrays_with_an_attribute(x):
    box, v = Box(x[0], x * 2.0), x.copy()
    for _ in range(11):
        box.v, v = v, box.v
        v[0] *= 1.1
    return np.sum(np.sin(v)) + box.v[0]


def view_bound_anew_in_a_branch(x):
    """After the branch the name is another part of the same array; it is written through."""
    a = x.copy()
    v = a[:2] if x[0] < 10.0 else a[1:3]
    v *= 1.1
    return np.sum(a * np.arange(5))


def item_bound_anew_or_written(y, z):
    """One branch binds the place to another row, the other writes into the row that it holds."""
    parts = [y[0] * 1.0]
    if z < -10.0:
        for i in range(1):
            parts[0] = y[i] * 2.0
    else:
        parts[0] += 0.1 * z
    return np.sum(np.sin(parts[0]))


def break_out_of_reversed(x):
    total = 0.0
    for i in reversed(range(12)):
        if i * x[0] < -100.0:
            break
        total += x[i % 5] * i
    return total


def repeated_indices_in_place(x, z):
    """Elements are read before they are written: an index that comes twice adds once."""
    v, s = x * z, 0.5
    while True:
        if v[1] < 20.0:
            break
        s -= 0.1
    v[[0, 2, 0]] += z
    return np.sum(np.sin(v)) + s


def strided_window_of_symbolic_extent(x, z, idx):
    v, w = x * 1.0, np.ones(9) * z
    for _ in range(idx[0], 3):
        np.multiply(w, 0.9, out=w)
        v[:] += w
        v[:idx[0] + 3:2] = w[:idx[0] + 3:2]
    return np.sum(v ** 2)


def window_read_beside_its_update(x, z):
    """The reverse of this reads a window of the cotangent and clears it: the read was put off until it was cleared."""
    v, w = x * 1.0, np.ones(9) * z
    for _ in range(11):
        w *= 0.9
        v += w
        v[:4:2] = w[:4:2]
    return np.sum(v ** 2)


def gradient_through_a_masked_read(y, idx):
    """The mask of an untaken side was filled into an array of floats."""
    return max(-10.0, y[idx[2]][1]) + max(10.0, y[idx[1]][0])


def bounds_read_twice(x, idx):
    """Equal texts give equal extents."""
    v = x.copy()
    v[:idx[0]] += 0.5 * v[:idx[0]][::-1]
    return v[1:idx[1]] @ x[1:idx[1]] + np.sum(v)


def window_up_to_a_traced_bound(x, idx):
    v = x.copy()
    for k in range(12):
        v[idx[k % 4]:] *= 0.9
        v[1:idx[1]] = 0.1 * k * x[0]
    return np.sum(np.sin(v))


def long_chain_of_updates(x):
    """Each read looked through every write before it, one frame of Python a step."""
    v = x.copy()
    for _ in range(8):
        for _ in range(8):
            for i in range(4):
                v[i] = np.sin(v[i])
    return v[4] + v[0]


def found_or_else(x):
    for i in range(len(x)):
        if x[i] > 100.0:
            found = x[i] * i
            break
    else:
        found = x.sum()
    return found


def argument_written_and_its_name_bound_anew(x, z):
    """The first turn writes into the caller's array, later ones do not."""
    for _ in range(30):
        x[1] -= 0.2 * z
        x = x * 1.0
    return np.sum(x ** 2)


def sums_of_one_number(m, indices):
    """Sums of several reads of one index were told apart by which reads they hold, not by how many."""
    out = np.zeros_like(m)
    for i in range(indices[0] + indices[0] - 2, indices[0] + indices[0] + 1):
        if m[i, (i + indices[0]) % 3] < 5.0:
            out[i, i % 3] = m[i, i] ** 2
    return np.sum(out * np.arange(5.0))


def condition_computed_in_a_branch(x, indices):
    """What a condition was computed from inside of a branch was taken for a value that stands behind it."""
    out = x.copy()
    for _ in range(4):
        if indices[1] < 0.2:
            pass
        elif indices[1] < 4:
            for k in range(indices[1]):
                out[k] *= 1.5
        else:
            continue
        out[3] += 1.0
    return np.sum(out**2)


def window_of_joined_arrays(x, indices):
    """What is cut into pieces at fixed places, in a loop up to a computed one, had no machine code."""
    out = np.concatenate([x[:3], np.sin(x[3:])])
    out[:indices[1]] *= 1.5
    rows = np.stack([x, out])
    return np.sum(rows[:, indices[2]:] ** 2) + out[1:indices[0] + 1] @ np.pad(x, 1)[:indices[0]]


def window_whose_size_is_kept(m, indices):
    """What pushed the window and what popped it knew different bounds of its size, and so of its bytes: a crash."""
    m = m.copy()
    for i in range(6):
        k = int(indices[i % 4]) % 4
        c = 0
        while c < 3:
            c += 1
            m[1][:k * 2:2] *= np.cos(m[1][:k * 2:2])
            if m[1, 0] > 0.9:
                break
        m[0, k] = np.sin(m[0, k])
    return np.sum(m ** 2)


def window_as_long_as_what_was_written(x, a, idx):
    count, places = np.ones(10, np.uint8), np.full(10, idx[0])
    count[places[0]] = 3
    v = x * a
    v[:count[1]] = 1.0
    return np.sum(v[:count[0]] ** 2) + v[count[2]]


CASES = (
    Case(state_read_by_a_closure_only, (0.7,)),
    Case(changed_before_an_early_return, (V,)),
    Case(structure_returned_from_a_loop, (V,)),
    Case(swap_with_an_attribute, (V,)),
    Case(swap_of_arrays_with_an_attribute, (V,)),
    Case(view_bound_anew_in_a_branch, (V,)),
    Case(item_bound_anew_or_written, (M, 0.7), (0, 1)),
    Case(break_out_of_reversed, (V,)),
    Case(repeated_indices_in_place, (V, 0.7), (0, 1)),
    Case(strided_window_of_symbolic_extent, (W, 0.7, INDICES), (0, 1)),
    Case(window_read_beside_its_update, (W, 0.7), (0, 1)),
    Case(gradient_through_a_masked_read, (M, INDICES)),
    Case(bounds_read_twice, (V, INDICES)),
    Case(window_up_to_a_traced_bound, (V, INDICES)),
    Case(long_chain_of_updates, (V,)),
    Case(found_or_else, (V,)),
    Case(argument_written_and_its_name_bound_anew, (V, 0.7), (0, 1)),
    Case(sums_of_one_number, (M, INDICES)),
    Case(condition_computed_in_a_branch, (V, INDICES)),
    Case(window_of_joined_arrays, (V, INDICES)),
    Case(window_whose_size_is_kept, (M, INDICES)),
    Case(window_as_long_as_what_was_written, (V, 0.7, INDICES), (0, 1)),
)


@pytest.mark.thinned
@pytest.mark.parametrize("level", ["traced", "gradient", "compiled value", "compiled gradient"])
@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_find(level: str, case: Case) -> None:
    LEVELS[level](case)
