"""Loops over lists and tuples of items that are alike, and over itertools: compiled by index, from columns."""

from __future__ import annotations

import dataclasses
import itertools
from typing import NamedTuple

import numpy as np
import pytest

import gradjit as gj
from gradjit.tracer.trace import trace
from tests.tracer.compare import check

X = np.random.default_rng(5).normal(size=12)
PAIRS = [(i, j) for i in range(12) for j in range(i)][:30]
TABLE = [{"at": i, "weight": 0.1 * i + 0.3, "kind": "harmonic", "shift": (float(j), True)} for i, j in PAIRS]
NODES, WEIGHTS = [0.1 * k for k in range(10)], tuple(1.0 / (k + 1) for k in range(10))
ARRAYS = [np.full(3, 0.1 * k) for k in range(11)]
SCALARS = [np.float32(0.1 * k) for k in range(10)]


class Spring(NamedTuple):
    i: int
    j: int
    k: float



SPRINGS = [Spring(i, j, 0.5 + i) for i, j in PAIRS]


@dataclasses.dataclass
class Mass:
    place: int
    mass: float
    name: str = "mass"

    def energy(self, x):
        return self.mass * x[self.place] ** 2


MASSES = [Mass(k, 1.0 + k) for k in range(12)]


def tuples(x):
    total = 0.0
    for i, j in PAIRS:
        total += (x[i] - x[j]) ** 2 * (i + 1)
    return total


def dicts(x):
    total = 0.0
    for n, row in enumerate(TABLE, 2):
        if row["kind"] == "harmonic":
            total += row["weight"] * x[row["at"]] ** 2 + n * row["shift"][0]
    return total


def namedtuples(x):
    total = 0.0
    for spring in SPRINGS:
        total = total + spring.k * np.sin(x[spring.i] - x[spring.j])
    return total


def dataclass_records(x):
    total = 0.0
    for m in MASSES:
        total += m.energy(x)
    return total


def zipped(x):
    total = 0.0
    for w, n in zip(WEIGHTS, NODES, strict=True):
        total += w * np.sin(n * x[0])
    for k, (w, n) in enumerate(zip(WEIGHTS, reversed(NODES), strict=False)):
        total += w * np.cos(n * x[k])
    return total


def of_arrays(x):
    total = np.zeros(3)
    for a in ARRAYS:
        total = total + a * x[:3]
    return total


def of_traced_arrays(x):
    total = 0.0
    for a in [x * k for k in range(10)]:
        total = total + np.sum(a * a)
    return total


def of_scalars(x):
    total = np.float32(0.0)
    for s in SCALARS:
        total = total + s * s
    return total * x


def of_items(x):
    total = 0.0
    found = {k: 0.5 * k for k in range(10)}
    for k, v in found.items():
        total += x[k] * v
    for v in found.values():
        total += v * x[0]
    return total


def negative_indices(x):
    total = 0.0
    for k in [-1, -2, -12, 3, 0, 11, 5, -3, 2]:
        total += x[k] * k
    return total


def early_end(x):
    total = 0.0
    for k, w in enumerate(WEIGHTS):
        total += w * x[k] ** 2
        if total > 0.7:
            break
    else:
        total = -1.0
    return total


def short_ones_within(x):
    total = x[0]
    while total < 40:
        for k, c in enumerate([1.0, 2.0]):
            total = total + c * k + 1.0 + abs(x[1])
        for w, n in zip([0.5, 1.0, 0.25], [0.1, 0.5, 0.9], strict=True):
            total = total + w * np.sin(n * total)
    return total


def combined(x):
    total = 0.0
    for a, b in itertools.combinations(x, 2):
        total += (a - b) ** 2
    for i, j, k in itertools.combinations(range(12), 3):
        total += x[i] * x[j] * x[k]
    for i, w in itertools.product(range(12), WEIGHTS):
        total += w * x[i] ** 2
    for a, b in itertools.pairwise(x):
        total += a * b
    for a in itertools.islice(NODES, 1, None):
        total += a * x[1]
    for k in itertools.chain(range(6), [3, 2, 1, 9]):
        total += k * x[k]
    for a, b in itertools.permutations(NODES[:5], 2):
        total += a * x[2] - b
    return total


def places(x):
    y = x.reshape(3, 4)
    total = 0.0
    for (i, j), v in np.ndenumerate(y):
        total += v * (i + 10 * j)
    for i, j in np.ndindex(3, 4):
        total += y[i, j] ** 2 * (i - j)
    for v in np.nditer(y):
        total += v**3
    return total


ALL = [tuples, dicts, namedtuples, dataclass_records, zipped, of_arrays, of_traced_arrays, of_scalars, of_items,
       negative_indices, early_end, short_ones_within, combined, places]


@pytest.mark.parametrize("f", ALL, ids=lambda f: f.__name__)
def test_compiled_as_loops(f):
    check(f, X)
    loops = trace(f, (X,), {}).loops
    assert (loops or f is of_scalars) and set(loops.values()) <= {""}  # what is computed from numbers alone is known


@pytest.mark.thinned
@pytest.mark.parametrize("f", [f for f in ALL if f is not of_scalars], ids=lambda f: f.__name__)
def test_derivatives(f):
    gj.check_grads(lambda x: np.sum(f(x)), X)


# what is not alike, or changed in the body ----------------------------------------------------------------------------
def of_kinds(x):
    total = 0.0
    for i, kind in [(k, "square" if k % 2 else "sine") for k in range(10)]:
        total += x[i] ** 2 if kind == "square" else np.sin(x[i])
    return total


def of_shapes(x):
    total = 0.0
    for a in [x[:k] for k in range(1, 11)]:
        total += np.sum(a**2)
    return total


def as_keys(x):
    names = {k: k + 0.5 for k in range(10)}
    total = 0.0
    for k in [3, 1, 4, 1, 5, 9, 2, 6, 5]:
        total += names[k] * x[k]
    return total


def items_change(x):
    rows = [{"value": v, "sum": 0.0} for v in (0.5, 1.5, 2.5, 0.5, 1.5, 2.5, 0.5, 1.5, 2.5)]
    for k, row in enumerate(rows):
        row["sum"] = row["sum"] + row["value"] * x[k]
    return sum(row["sum"] for row in rows)


def an_item_is_kept(x):
    rows = [[float(k)] for k in range(10)]
    best = rows[0]
    for row in rows:
        if row[0] > 6:
            best = row
    best[0] = 100.0
    return rows[9][0] * x


def arrays_change(x):
    rows = [x * k for k in range(10)]
    for row in rows:
        row[0] = 1.0
    return rows[3] + rows[9]


def the_list_grows(x):
    queue = list(range(9))
    total = 0.0
    for k in queue:
        total += k * x[0]
        if k < 3:
            queue.append(k + 7)
    return total


@pytest.mark.parametrize("f", [of_kinds, of_shapes, as_keys, items_change, an_item_is_kept, arrays_change,
                               the_list_grows], ids=lambda f: f.__name__)
def test_run_as_python(f):
    check(f, X)


# progress bars --------------------------------------------------------------------------------------------------------
def test_progress_bars_are_passed_through():
    class tqdm:
        def __init__(self, iterable=None, desc=""):
            self.iterable = iterable

        def __iter__(self):
            return iter(self.iterable)

    tqdm.__module__ = "tqdm.std"
    def f(x):
        total = 0.0
        bar = tqdm(range(100), desc="steps")
        for k in bar:
            total = total + x[0] * k
            bar.set_postfix(total=total)
        for w in tqdm(WEIGHTS):
            total = total + w
        return total

    t = trace(f, (X,), {})
    assert set(t.loops.values()) == {""}
    assert np.isclose(gj.jit(f)(X), 4950 * X[0] + sum(WEIGHTS))


def test_changes_of_long_lists_are_seen():
    table = [(k, 0.5) for k in range(50)]
    rows = [{"k": k, "w": 0.5} for k in range(50)]

    def f(x):
        total = 0.0
        for k, w in table:
            total += x[k % 12] * w
        for row in rows:
            total += row["w"] * x[0]
        return total

    g = gj.jit(f)
    for change in (lambda: None, lambda: table.__setitem__(7, (7, 2.0)), lambda: table.append((3, 1.0)),
                   lambda: rows[30].update(w=3.0), lambda: rows[30].update(w=3.0), lambda: rows.pop()):
        change()
        assert np.isclose(g(X), f(X))
        assert np.isclose(g(X), f(X))
