"""The reverse pass through loops and branches: the derivatives are right, and only what is read is kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from gradjit.ir import Block, Func, interpret, verify, walk
from gradjit.passes import optimize
from gradjit.passes.vjp import gradient, reverse
from gradjit.passes.vjp.tape_report import tape_entries
from gradjit.tracer.trace import trace
from tests.passes.derivatives import func, numeric_gradient, run
from tests.passes.loops import LOOPS, TAPED

RNG = np.random.default_rng(8)
PROGRAMS = {**LOOPS, **TAPED}


def floats(f: Func) -> list[int]:
    return [k for k, p in enumerate(f.params) if p.dtype.is_float]


def weighted(f: Func, args: Sequence[Any], cts: Sequence[Any]) -> Any:
    """The inner product of the inexact results with cotangents, as a function of one argument moved."""
    def at(k: int, x: np.ndarray) -> float:
        moved = [x if j == k else a for j, a in enumerate(args)]
        results = [r for r in interpret(f, moved) if r.dtype.kind == "f"]
        return float(sum(np.sum(c * r) for c, r in zip(cts, results, strict=True)))

    return at


def check(f: Func, args: Sequence[Any], wrt: Sequence[int], tol: float = 1e-6, step: float = 1e-6) -> Func:
    """The reverse, as it comes and optimized, against central differences; the reverse is returned."""
    args = [np.asarray(a, p.dtype.np) for a, p in zip(args, f.params, strict=True)]
    values = interpret(f, args)
    cts = [RNG.standard_normal(v.shape) for v in values if v.dtype.kind == "f"]
    back = reverse(f, wrt)
    at = weighted(f, args, cts)
    for g in (back, optimize(back, verify=True)):
        results = run(g, *args, *cts)
        for a, b in zip(values, results, strict=False):
            np.testing.assert_allclose(b, a, rtol=1e-13)
        for k, found in zip(wrt, results[len(values):], strict=True):
            expected = np.zeros(args[k].shape)
            for place in np.ndindex(expected.shape):
                d = np.zeros(args[k].shape)
                d[place] = step
                expected[place] = (at(k, args[k] + d) - at(k, args[k] - d)) / (2 * step)
            np.testing.assert_allclose(found, expected, rtol=tol, atol=tol)
    return back


def traced(f: Callable[..., Any], *args: Any) -> Func:
    return trace(f, args, {}).func


def derived(f: Callable[..., Any], *args: Any) -> Func:
    """The gradient of a Python function in its floating-point arguments, checked, and optimized."""
    t = traced(f, *args)
    values = [np.asarray(a, p.dtype.np) for a, p in zip(args, t.params, strict=True)]
    wrt = floats(t)
    g = optimize(gradient(t, wrt), verify=True)
    found = run(g, *values)[1:]
    for k, ct in zip(wrt, found, strict=True):
        np.testing.assert_allclose(ct, numeric_gradient(t, values, k), rtol=1e-5, atol=1e-6)
    return g


def loops(f: Func) -> list[Block]:
    """The bodies of the innermost `for` operations, in order."""
    return [op.regions[0] for op in walk(f.body) if op.name == "for"
            and not any(inner.regions for inner in walk(op.regions[0]))]


def names(block: Block) -> Counter[str]:
    return Counter(op.name for op in walk(block) if op.name != "const")


def kept_types(f: Func) -> list[str]:
    return [k.type for k in tape_entries(f)]


# derivatives ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", PROGRAMS)
def test_against_differences(name: str) -> None:
    text, args = PROGRAMS[name]
    f = func(text)
    check(f, args, [0] if name == "newton" else floats(f))


@pytest.mark.thinned
@pytest.mark.parametrize("name", PROGRAMS)
def test_second_derivatives(name: str) -> None:
    """The reverse of the reverse: tapes are differentiated as everything is."""
    text, args = PROGRAMS[name]
    f = func(text)
    wrt = [0] if name == "newton" else floats(f)
    cts = [RNG.standard_normal(v.shape) for v in run(f, *args) if v.dtype.kind == "f"]
    for g in (reverse(f, wrt), optimize(reverse(f, wrt))):
        check(g, [*args, *cts], [*wrt, *range(len(args), len(args) + len(cts))], tol=1e-5)


BOUNDS = """
func @bounds(%lo: i64[], %hi: i64[], %step: i64[], %x: f64[]) -> f64[] {
  %y: f64[] = for %lo, %hi, %step, %x {
    (%i: i64[], %a: f64[])
    %f: f64[] = cast %i dtype=f64
    %b: f64[] = add %a, %f
    %c: f64[] = sin %b
    yield %c
  }
  return %y
}"""


@pytest.mark.parametrize("bounds", [(0, 5, 1), (5, 0, -1), (0, 0, 1), (3, 1, 1), (1, 11, 3), (1, 12, 3), (1, 10, 3),
                                    (10, 0, -3), (9, 0, -3), (0, 10, -3), (4, 5, 7), (5, 4, -7)])
def test_indices_run_backwards(bounds: tuple[int, int, int]) -> None:
    check(func(BOUNDS), [*bounds, 0.3], [3])
    lo, hi, step = bounds
    fixed = BOUNDS.replace("%lo: i64[], %hi: i64[], %step: i64[], ", "").replace(
        "-> f64[] {", f"-> f64[] {{\n %lo: i64[] = const {lo} %hi: i64[] = const {hi} %step: i64[] = const {step}", 1)
    check(func(fixed), [0.3], [0])


def test_a_branch_that_is_not_taken_gives_no_nan() -> None:
    def f(x: Any) -> Any:
        total = 0.0
        for i in range(len(x)):
            if x[i] > 0:
                total += np.sqrt(x[i]) / x[i]
            else:
                total += x[i] * x[i]
        return total

    t = traced(f, np.arange(10.0))
    _, found = run(gradient(t, [0]), np.array([0.0, 1, 4, -2, 0, 9, -1, 1, 1, 0]))
    assert np.all(np.isfinite(found))
    assert found[0] == 0 and found[1] == -0.5 and found[3] == -4


def test_masks_hold_in_loops() -> None:
    """`where` in an iteration: the side that is not taken has an infinite derivative there."""
    def f(x: Any) -> Any:
        total = 0.0
        for i in range(len(x)):
            row = x[i] * np.ones(3)
            total += np.sum(np.where(row > 0, np.log(np.where(row > 0, row, 0.0)), row))
        return total

    _, found = run(gradient(traced(f, np.arange(10.0)), [0]), np.array([0.0, 1, 4, -2, 0, 9, -1, 1, 1, 0]))
    np.testing.assert_allclose(found, [3, 3, 0.75, 3, 3, 1 / 3, 3, 3, 3, 3])


def eliminated(w: Any) -> Any:
    w = w.copy()
    for k in range(len(w) - 1):
        for i in range(k + 1, len(w)):
            w[i, k] /= w[k, k]
            w[i, k + 1:] -= w[i, k] * w[k, k + 1:]
    return np.sum(np.log(np.abs(np.diag(w))))


def factorised(a: Any) -> Any:
    l = np.zeros_like(a)
    for i in range(len(a)):
        for j in range(i):
            l[i, j] = (a[i, j] - l[i, :j] @ l[j, :j]) / l[j, j]
        l[i, i] = np.sqrt(a[i, i] - l[i, :i] @ l[i, :i])
    return np.sum(np.log(np.diag(l)))


@pytest.mark.parametrize("f", [eliminated, factorised])
def test_loops_that_change_parts_of_an_array_do_nothing_with_the_whole(f: Callable[..., Any]) -> None:
    """No mask of it, no sum of it: in each iteration the cost of these would be that of all elements."""
    a = np.random.default_rng(1).normal(size=(12, 12))
    g = optimize(gradient(traced(f, a @ a.T + 12 * np.eye(12)), [0]), verify=True)
    for op in (op for loop in walk(g.body) if loop.name == "for" for op in walk(loop.regions[0])):
        if op.name not in ("for", "update", "const"):
            assert not any(r.type.shape == (12, 12) for r in op.results), op


def test_complex_values_in_a_loop() -> None:
    f = func("""
        func @f(%x: f64[], %c: c128[], %n: i64[]) -> c128[] {
          %one: i64[] = const 1
          %y: c128[] = for %one, %n, %one, %c {
            (%i: i64[], %a: c128[])
            %z: c128[] = cast %x dtype=c128
            %b: c128[] = mul %a, %z ; model.py:12
            yield %b
          }
          return %y
        }""")
    value, ct = run(reverse(f, [0]), 0.7, 1 - 2j, 4, 1 + 1j)
    np.testing.assert_allclose([value, ct], [0.343 * (1 - 2j), 3 * 0.49 * ((1 + 1j) * np.conj(1 - 2j)).real])


# what is kept ---------------------------------------------------------------------------------------------------------
def test_a_linear_loop_keeps_nothing() -> None:
    def heat(u: Any) -> Any:
        for _ in range(20):
            u[1:-1] += 0.2 * (u[2:] - 2 * u[1:-1] + u[:-2])
        return np.sum(u * u)

    def seidel(x: Any, b: Any) -> Any:
        for _ in range(9):
            for i in range(1, 11):
                x[i] = (b[i] - x[i - 1] - x[i + 1]) * 0.25
        return np.sum(x * x)

    for f, args in ((heat, [RNG.random(12)]), (seidel, [RNG.random(12), RNG.random(12)])):
        assert tape_entries(derived(f, *args)) == []


def test_a_product_keeps_its_factors() -> None:
    """x = x*y and y = y*c: two numbers an iteration, by their lines."""
    def f(a: Any, c: Any) -> Any:
        x, y = a, c
        for _ in range(20):
            x = x * y
            y = np.sin(y) * x
        return x

    g = derived(f, 0.9, 0.8)
    found = tape_entries(g)
    assert sum(k.bytes or 0 for k in found) <= 3 * 8
    assert all(k.trip_count == 20 and k.loc is not None for k in found)


def test_one_element_a_step_keeps_an_element() -> None:
    """The array is carried backwards: what a write destroys is kept, never the array."""
    def f(x: Any) -> Any:
        for _ in range(9):
            for i in range(1, 30):
                x[i] = x[i] * x[i - 1] * x[i]
        return np.sum(x)

    g = derived(f, RNG.random(30))
    assert all(k.bytes == 8 for k in tape_entries(g))
    assert len(tape_entries(g)) <= 2


def test_what_is_not_written_again_is_read_from_what_is_left() -> None:
    def recursive(x: Any, a: Any) -> Any:
        y = np.zeros_like(x)
        for n in range(1, len(x)):
            y[n] = a * y[n - 1] + x[n]
        return np.sum(y * y)

    def cholesky(a: Any) -> Any:
        n = len(a)
        c = np.zeros_like(a)
        for i in range(n):
            for j in range(i):
                c[i, j] = (a[i, j] - c[i, :j] @ c[j, :j]) / c[j, j]
            c[i, i] = np.sqrt(a[i, i] - c[i, :i] @ c[i, :i])
        return np.sum(c)

    def lu(a: Any) -> Any:
        for k in range(len(a) - 1):
            a[k + 1:, k] /= a[k, k]
            a[k + 1:, k + 1:] -= np.outer(a[k + 1:, k], a[k, k + 1:])
        return np.sum(a * a)

    def backwards(a: Any, b: Any) -> Any:
        x = np.zeros_like(b)
        for i in range(len(b) - 1, -1, -1):
            x[i] = (b[i] - a[i, i + 1:] @ x[i + 1:]) / a[i, i]
        return np.sum(x * x)

    matrix = 9 * np.eye(10) + RNG.random((10, 10))
    for f, args in ((recursive, [RNG.random(20), 0.7]), (cholesky, [matrix]), (lu, [matrix]),
                    (backwards, [matrix, RNG.random(10)])):
        assert tape_entries(derived(f, *args)) == []


def test_what_is_written_again_is_not_read_from_what_is_left() -> None:
    """Each of these looks like a recurrence, and overwrites in a later iteration, or behind the read, what it has
    read."""
    def ahead(x: Any) -> Any:
        for n in range(1, len(x) - 1):
            x[n + 1] = np.sin(x[n]) * x[n + 1]
            x[n] = x[n] * 0.5
        return np.sum(x)

    def descending(x: Any) -> Any:
        for n in range(len(x) - 1, 0, -1):
            x[n] = np.sin(x[n - 1]) * x[n]
        return np.sum(x)

    def twice(x: Any) -> Any:
        for _ in range(9):
            for n in range(1, len(x)):
                x[n] = np.sin(x[n - 1]) * x[n]
        return np.sum(x)

    def by_index(x: Any, where: Any) -> Any:
        for n in range(1, len(x)):
            x[where[n]] = np.sin(x[n - 1]) * x[where[n]]
        return np.sum(x)

    for f, args in ((ahead, []), (descending, []), (twice, []), (by_index, [RNG.integers(0, 12, 12)])):
        derived(f, RNG.random(12), *args)


def test_a_counter_of_a_while_goes_on() -> None:
    def f(x: Any) -> Any:
        y = np.zeros_like(x)
        n = 1
        while n < len(x) and y[n - 1] < 40:
            y[n] = y[n - 1] * y[n - 1] * 0.3 + x[n]
            n += 1
        return np.sum(y)

    g = derived(f, RNG.random(30))
    assert "f64[]" not in kept_types(g)


def test_counters_are_counted_back() -> None:
    """A carried integer that goes on by the same number is found from the index, or the number of the iteration."""
    def open_loop(x: Any) -> Any:
        n, k, s = 1, 20, 0.0
        while n < 15 and s < 40:
            s = s * np.sin(x[n]) + x[k] * x[n - 1]
            n += 1
            k -= 1
        return s

    def counted_loop(x: Any, first: Any) -> Any:
        k, s = 3, 0.0
        for i in range(first, 1, -2):
            s = s * np.sin(x[k]) + x[i] * x[k - 1]
            k += 4
        return s

    for f, args in ((open_loop, []), (counted_loop, [np.int64(18)])):
        assert "i64[]" not in kept_types(derived(f, RNG.random(40), *args))


def test_extents_are_found_before_what_they_measure() -> None:
    """Slices whose extent is read from an array that goes through the loop."""
    def f(x: Any, sizes: Any) -> Any:
        total = 0.0
        for i in range(len(sizes)):
            k = min(max(sizes[i], 1), 5)
            part = np.exp(-x[:k] * total)
            x[:k] = part / (1 + part)
            total += 0.1 * (part @ part)
        return total

    derived(f, RNG.random(8), RNG.integers(1, 6, 12))


def test_an_old_version_read_behind_an_inner_loop_is_kept() -> None:
    """The reverse comes to the reader before it can have undone the loop between."""
    def f(x: Any) -> Any:
        total = 0.0
        for i in range(10):
            old = x[i]
            for j in range(10):
                x[j] = np.sin(x[j]) * x[i]
            total += np.exp(old * x[i])
        return total

    derived(f, RNG.random(10))


def test_many_old_elements_read_behind_an_inner_loop() -> None:
    def f(x: Any) -> Any:
        total = 0.0
        for _ in range(10):
            old = [x[k] for k in range(12)]
            for j in range(12):
                x[j] = np.sin(x[j]) * x[3]
            for k, value in enumerate(old):
                total += np.sin(value * x[k] * (k + 1))
        return total

    derived(f, RNG.random(12))


def test_a_carried_number_that_an_array_holds_is_read_there() -> None:
    def f(x: Any, s: Any) -> Any:
        for i in range(10):
            x[i] = s
            s = np.exp(s * x[(i + 3) % 10])
            s = s / (1 + s)
        return np.sum(x) * s

    derived(f, RNG.random(10), 0.4)


def test_swaps_and_rotations() -> None:
    def f(a: Any, c: Any, s: Any) -> Any:
        for k in range(9):
            for i in range(10):
                t = a[i, k]
                a[i, k] = c * t - s * a[i, k + 1]
                a[i, k + 1] = s * t + c * a[i, k + 1]
            a[0], a[k] = a[k].copy(), a[0].copy()
        return np.sum(a ** 3)

    derived(f, RNG.random((10, 10)), 0.6, 0.8)


def test_arrays_that_a_branch_changes() -> None:
    def f(x: Any) -> Any:
        for _ in range(12):
            for i in range(1, 9):
                if x[i] > x[i - 1]:
                    x[i] = x[i - 1] * x[i]
                elif x[i + 1] > 0.5:
                    x[i - 1] = np.cos(x[i]) + 0.1 * x[i + 1]
        return np.sum(x * x)

    derived(f, RNG.random(10))


def test_an_array_from_outside_of_a_branch_that_changes_it() -> None:
    """What it was before is at hand, also while the reverse has not come back to it."""
    def f(x: Any, s: Any) -> Any:
        y = x * 2
        if s > 0:
            z = y[1] * s
            old = y.copy()
            for _ in range(1, 20):
                for i in range(1, 10):
                    y[i] = np.sin(y[i - 1]) * y[i]
                y[0] = y[0] * z
            s = s * np.sum(old * np.exp(old * y[4]))
        return np.sum(y) * s

    def nested(x: Any, s: Any) -> Any:
        total = 0.0
        for _ in range(9):
            total += f(x, s)
            x = np.sin(x) + total / (1 + total * total)
            s = -s
        return total

    for s in (0.4, -0.4):
        derived(f, RNG.random(10), s)
        derived(nested, RNG.random(10), s)


def test_an_array_made_in_each_iteration() -> None:
    def f(x: Any) -> Any:
        total = 0.0
        for k in range(10):
            w = np.zeros(12)
            w[0] = x[k]
            for i in range(1, 12):
                w[i] = np.sin(w[i - 1]) * x[i % 10] + w[i]
            total += w[11] * w[5]
        return total

    derived(f, RNG.random(10))


def test_arrays_that_are_replaced_and_written() -> None:
    def f(x: Any) -> Any:
        for k in range(10):
            x[k] = np.sin(x[k])
            x = 0.5 * x * x + 0.1
            x[k] *= 2
        return np.sum(x)

    derived(f, RNG.random(10))


def test_scattered_writes_and_reads() -> None:
    def f(x: Any, where: Any) -> Any:
        for k in range(10):
            x[where[k]] = x[where[k]] * x[where[9 - k]]
            np.add.at(x, where[k], np.sin(x[:3]))
        return np.sum(x * x)

    rng = np.random.default_rng(1)  # of its own: other numbers grow so large that differences are rough
    derived(f, rng.random(10), rng.integers(0, 10, (10, 3)))


# how much work it is --------------------------------------------------------------------------------------------------
def test_cotangents_are_added_to_in_place() -> None:
    """Gauss and Seidel's reverse: three windows of the cotangent, one of the right-hand side; no array is made."""
    def f(x: Any, b: Any) -> Any:
        for _ in range(9):
            for i in range(1, 31):
                x[i] = (b[i] - x[i - 1] - x[i + 1]) * 0.25
        return np.sum(x)

    _, back = loops(derived(f, RNG.random(32), RNG.random(32)))
    assert names(back)["update"] == 4
    assert names(back)["slice"] == 4
    assert not {"pad", "concat", "scatter", "scatter_add", "pop"} & set(names(back))


def test_adding_to_an_element_hands_its_cotangent_on() -> None:
    def f(x: Any, y: Any) -> Any:
        for i in range(1, 31):
            x[i] += y * i
        return np.sum(x * x)

    _, back = loops(derived(f, RNG.random(32), 0.5))
    assert not {"update", "pad", "pop"} & set(names(back))


def test_code_does_not_grow_with_the_iterations() -> None:
    def f(x: Any, n: Any) -> Any:
        for _ in range(n):
            x = np.sin(x) * x
        return x

    sizes = {sum(1 for _ in walk(gradient(traced(lambda x, n=n: f(x, n), 0.5), [0]).body)) for n in (10, 10_000_000)}
    assert len(sizes) == 1


def test_what_is_kept_is_told_with_its_line() -> None:
    def f(x: Any) -> Any:
        for _ in range(50):
            x = np.exp(np.sin(x))
        return np.sum(x)

    found = tape_entries(derived(f, RNG.random(4)))
    lines = {k.loc.line - f.__code__.co_firstlineno for k in found if k.loc is not None}
    assert lines <= {1, 2}
    assert all(k.trip_count == 50 and k.bytes == 32 and k.total == 1600 for k in found)


def test_the_result_verifies_before_it_is_optimized() -> None:
    for text, _ in PROGRAMS.values():
        verify(reverse(func(text), floats(func(text))))
