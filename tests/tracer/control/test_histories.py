"""Lists that loops append to: values, derivatives and results as Python's, compiled as loops."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import gradjit as gj
from gradjit.tracer.trace import trace
from tests.tracer.compare import check


def scalars(x):
    path = []
    for _ in range(40):
        x = x + 0.1 * np.sin(x)
        path.append(x)
    return np.mean(np.array(path)[::3] ** 2) + path[-1] * path[4] + sum(path) + len(path)


def from_the_last(x):
    ys, ts = [x], [0.0]
    for _ in range(30):
        ys.append(ys[-1] + 0.1 * np.cos(ys[-1]) * ts[-1])
        ts.append(ts[-1] + 0.1)
    return np.trapezoid(np.array(ys), np.array(ts)) + ys[-1] - ys[0] if hasattr(np, "trapezoid") else sum(ys) * ts[-2]


def two_back(x):
    f = [x, x * 1.5]
    for k in range(2, 30):
        f.append(0.5 * f[k - 1] + 0.4 * f[k - 2] + 0.1 * f[-1] * f[0])
    return f[-1] + f[13]


def tuples(x):
    path = []
    for k in range(30):
        x = x * 0.9 + 0.1
        path.append((k * 0.1, x, x * x))
    total = 0.0
    for t, a, b in path:
        total = total + t * a * b
    times, values, _ = zip(*path, strict=True)
    rows = np.array(path)
    return total + np.sum(rows[:, 1] * rows[:, 2]) + sum(values) + times[3]


def dicts_of_lists(x):
    log = {"x": [], "v": [1.0]}
    v = 1.0
    for _ in range(25):
        v = v - 0.1 * x
        x = x + 0.1 * v
        log["x"].append(x)
        log["v"].append(v)
    return np.dot(log["x"], log["v"][1:]) + max(log["x"]) - min(log["v"])


def arrays(x):
    path = [np.array([x, 2 * x])]
    for _ in range(30):
        p = path[-1]
        path.append(p + 0.1 * np.array([p[1], -p[0]]))
    return (np.array(path)[:, 0].sum() + np.stack(path, axis=1)[1].mean() + np.concatenate(path).max()
            + np.vstack(path)[3, 0] + np.hstack(path)[7] + np.column_stack(path)[1, 5] + path[7][1])


def states(x):
    state = np.array([x, 1.0])
    out = []
    for _ in range(20):
        state = state + 0.1 * np.array([state[1], -state[0]])
        out.append(state)
    return np.array(out)[:, 0] @ np.arange(20.0) + out[-1][1] + state[0]


def copies(x):
    state = np.array([x, 1.0])
    out = []
    for _ in range(20):
        state[0] += 0.1 * state[1]
        state[1] -= 0.1 * state[0]
        out.append(state.copy())
    return np.sum(np.array(out) ** 2)


def under_a_condition(x):
    ups, downs = [], [0.5]
    for _ in range(40):
        x = 2.9 * x * (1 - x)
        if x > 0.65:
            ups.append(x)
        else:
            downs.append(-x)
    return sum(ups) + len(ups) * x + downs[-1] + np.sum(np.array(downs) ** 2) + (ups[-1] if ups else 0.0)


def several(x):
    out = []
    for k in range(15):
        x = x * 0.95 + 0.1
        out.append(x)
        out += [x * 2, x * k]
        out.extend((k * 1.0, x))
    return np.sum(np.array(out) * np.arange(75.0)) / 100


def nested(x):
    out = []
    for _ in range(12):
        for j in range(15):
            x = x * 0.9 + 0.01 * j
            out.append(x)
        out.append(-x)
    return np.sum(np.array(out) ** 2)


def rows_within(x):
    table = []
    for i in range(12):
        row = []
        for j in range(10):
            x = x * 0.95 + 0.01 * j
            row.append(x * i)
        table.append(row)
    return np.sum(np.array(table) @ np.arange(10.0)) * 0.1


def until(x):
    out = []
    for _ in range(100):
        x = x * 1.2
        out.append(x)
        if x > 5:
            break
    return sum(out) * out[-1] + len(out)


def in_a_while(x):
    ts, ys = [0.0], []
    t = 0.0
    while t < 2.0:
        t = t + 0.1 * (1 + x * x)
        x = x + 0.1 * np.cos(x) * ts[-1]
        ts.append(t)
        ys.append((t, x))
    rows = np.array(ys)
    return np.sum(np.array(ts) ** 2) * x + rows[:, 1].sum() + len(ts) + ys[-1][1] + ys[0][0] + sum(ts)


def until_convergence(x):
    errors = []
    y = x + 1.0
    while abs(y * y - x) > 1e-10:
        y = 0.5 * (y + x / y)
        errors.append(abs(y * y - x))
    return y + np.max(np.array(errors)) + errors[0]


def twice(x):
    path = []
    for _ in range(10):
        x = x * 1.1
        path.append(x)
    middle = len(path)
    path.append(0.5)
    for _ in range(12):
        x = x * 0.9
        path.append(x)
    return np.sum(np.array(path) * np.arange(23.0)) + path[middle] + sum(path[8:14]) + np.sum(path[::2])


def iterated(x):
    path = []
    for _ in range(20):
        x = x * 0.95 + 0.1
        path.append(x)
    total = 0.0
    for k, (a, b) in enumerate(zip(path, reversed(path), strict=True)):
        total = total + k * a * b
    for a, b in itertools.pairwise(path):
        total = total + abs(a - b)
    return total + sum(p * p for p in path[:5]) + [2 * p for p in path][3]


def popped(x):
    stack = [x]
    for _ in range(12):
        stack.append(stack[-1] * 0.9)
        stack.append(x)
        x = stack.pop() * 1.01
    last = stack.pop()
    return last + stack[-1] + len(stack) + np.sum(np.array(stack))


def booleans_and_ints(x):
    flags, counts = [], []
    n = 0
    for k in range(20):
        x = x * 0.9 + 0.1 * (k % 3)
        flags.append(x > 0.5)
        n = n + (3 if x > 0.5 else 1)
        counts.append(n)
    return np.mean(flags) + np.sum(np.array(counts)) * x


class Particle:
    def __init__(self, x):
        self.x, self.history = x, [x]

    def step(self, dt):
        self.x = self.x + dt * np.sin(self.x)
        self.history.append(self.x)


def in_an_object(x):
    p = Particle(x)
    for _ in range(20):
        p.step(0.1)
    return np.sum(np.diff(p.history)) + p.history[10]


DIFFERENTIABLE = [scalars, from_the_last, two_back, tuples, dicts_of_lists, arrays, states, copies, under_a_condition,
                  several, nested, rows_within, until, in_a_while, until_convergence, twice, iterated, popped,
                  booleans_and_ints, in_an_object]


@pytest.mark.thinned
@pytest.mark.parametrize("f", DIFFERENTIABLE, ids=lambda f: f.__name__)
def test_values_and_derivatives(f):
    t = check(f, 0.3, exact=False)
    assert t.loops and set(t.loops.values()) == {""}, t.loops
    g = gj.value_and_grad(f)
    for x in (0.3, 0.7):
        value, slope = g(x)
        step = 1e-5
        by_differences = (f(x - 2 * step) - 8 * f(x - step) + 8 * f(x + step) - f(x + 2 * step)) / (12 * step)
        assert np.isclose(value, f(x), rtol=1e-12)
        assert np.isclose(slope, by_differences, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("f", [under_a_condition, in_a_while, nested], ids=lambda f: f.__name__)
def test_forward_mode(f):
    value, slope = gj.value_and_grad(f)(0.3)
    assert np.allclose(gj.jvp(f, (0.3,), (1.0,)), (value, slope), rtol=1e-9)


@pytest.mark.parametrize("f", [from_the_last, in_a_while], ids=lambda f: f.__name__)
def test_second_derivatives(f):
    step = 1e-5
    g = gj.grad(f)
    want = (g(0.3 - 2 * step) - 8 * g(0.3 - step) + 8 * g(0.3 + step) - g(0.3 + 2 * step)) / (12 * step)
    assert np.isclose(gj.grad(g)(0.3), want, rtol=1e-6, atol=1e-6)


def results(x, n):
    log = {"x": [], "pairs": [(0, x)], "kept": [1.0]}
    ups = []
    for i in range(n):
        x = x * 1.1
        log["x"].append(x)
        log["pairs"].append((i, x))
        log.setdefault("arrays", []) if i < 0 else None
        if x > 2:
            ups.append(x)
    return log, ups, [np.float64(1.0)]


def test_lists_are_results():
    for n in (3, 40):
        got, want = gj.jit(results)(1.0, n), results(1.0, n)
        assert got[0]["pairs"] == want[0]["pairs"] and got[0]["x"] == want[0]["x"] and got[1] == want[1]
        assert type(got[0]["x"]) is list


def test_traced_numbers_of_iterations():
    def f(x, n):
        path = []
        for k in range(n):
            x = x * 0.9 + 0.01 / (k + 1)
            path.append(x)
        return np.sum(np.array(path) ** 2) + len(path)

    g = gj.value_and_grad(f)
    for n in (0, 1, 17, 2000):
        value, slope = g(0.4, np.int64(n))
        assert np.isclose(value, f(0.4, n))
        assert np.isclose(slope, (f(0.4 + 1e-6, n) - f(0.4 - 1e-6, n)) / 2e-6, atol=1e-6)
    with pytest.raises(ValueError, match=r"the loop in line .* has more than 1000000 iterations.*the list path"):
        g(0.4, np.int64(3_000_000))


def test_out_of_range():
    def f(x):
        out = []
        while x > 1:
            x = x * 0.5
            out.append(x)
        return out[2]

    g = gj.jit(f)
    assert g(9.0) == f(9.0)
    with pytest.raises(IndexError, match="list index out of range"):
        g(2.5)


# items that are arrays with other names -------------------------------------------------------------------------------
def one_array(x):
    state = np.array([x, 1.0])
    out = []
    for _ in range(20):
        state[0] += 0.1 * state[1]
        out.append(state)
    return np.sum(np.array(out))


def changed_behind(x):
    state = np.array([x, 1.0])
    out = []
    for _ in range(20):
        state = state * 0.9
        out.append(state)
    state[0] = 100.0
    return np.sum(np.array(out))


def changed_after(x):
    out = []
    for _ in range(20):
        state = np.array([x, 1.0])
        out.append(state)
        state[1] = x * 3
        x = x * 0.9
    return np.sum(np.array(out))


def items_are_changed(x):
    out = []
    for _ in range(20):
        x = x * 0.9
        out.append(np.array([x, 1.0]))
    out[3][0] = 5.0
    out[4] = np.array([7.0, x])
    return np.sum(np.array(out)) + out[3][0]


@pytest.mark.parametrize("f", [one_array, changed_behind, changed_after, items_are_changed], ids=lambda f: f.__name__)
def test_arrays_with_other_names(f):
    """As Python does, or refused."""
    try:
        got = gj.jit(f)(0.4)
    except gj.TraceError as e:
        assert f is changed_behind and "copy" in str(e)
    else:
        assert np.isclose(got, f(0.4))


# at the front ---------------------------------------------------------------------------------------------------------
def in_front(p):
    out = [p[0]]
    for i in range(20):
        out.insert(0, out[0] * p[1] + i)
    return out[0] * 1e-3 + out[-1] + sum(out) * p[2] + out[3] + len(out)


def two_in_front(p):
    out = []
    for i in range(20):
        out.insert(0, p[0] * i)
        out.insert(0, p[1] * i)
    return sum(k * v for k, v in enumerate(out)) + np.array(out)[3] * p[2]


def pairs_in_front(p):
    out = [(p[0], 1.0)]
    for i in range(20):
        a, b = out[0]
        out.insert(0, (a * p[1], b + p[2] * i))
    xs = [a for a, _ in out]
    return sum(xs) + out[2][1] + out[-2][0]


def in_the_middle(p):
    out = [p[0], p[1]]
    for i in range(12):
        out.insert(1, p[2] * i)
    return sum(k * v for k, v in enumerate(out))


@pytest.mark.parametrize("f", [in_front, two_in_front, pairs_in_front, in_the_middle], ids=lambda f: f.__name__)
def test_in_front(f):
    p = np.array([0.7, 0.3, 0.9])
    value, gradient = gj.value_and_grad(f)(p)
    np.testing.assert_allclose(value, f(p), rtol=1e-12)
    for k, h in enumerate(1e-6 * np.eye(3)):
        np.testing.assert_allclose(gradient[k], (f(p + h) - f(p - h)) / 2e-6, rtol=1e-6, atol=1e-6)
    if f is not in_the_middle:
        assert set(trace(f, (p,), {}).loops.values()) == {""}


# what is no history ---------------------------------------------------------------------------------------------------
def of_kinds(x):
    out = []
    for k in range(10):
        x = x * 0.9
        out.append(x if k % 2 else "no number")
    return sum(v for v in out if not isinstance(v, str))


def of_shapes(x):
    out = []
    for k in range(10):
        out.append(x * np.ones(k))
    return sum(np.sum(v) for v in out)


def at_the_front(x):
    out = []
    for _ in range(10):
        x = x * 0.9
        out.insert(0, x)
    return out[0] - out[-1]


@pytest.mark.parametrize("f", [of_kinds, of_shapes, at_the_front], ids=lambda f: f.__name__)
def test_run_as_python(f):
    check(f, 0.4, exact=False)


def grows_in_a_traced_loop(x):
    out = []
    while x > 0.1:
        x = x * 0.5
        out.append(x)
        out.append(np.ones(2))
    return x


def returned_from_a_while(x):
    out = []
    while x > 0.1:
        x = x * 0.5
        out.append(x)
    return out


def in_front_in_a_while(x):
    out = [x]
    while x > 0.1:
        x = x * 0.5
        out.insert(0, x)
    return x


@pytest.mark.parametrize("f, words", [
    (grows_in_a_traced_loop, "the list out gets items of the types .* which are no rows"),
    (in_front_in_a_while, "a list grows or shrinks"),
    (returned_from_a_while, "returns a list .*whose length depends on traced values.* return what is needed of it"),
], ids=lambda x: getattr(x, "__name__", None))
def test_refused(f, words):
    with pytest.raises(gj.TraceError, match=words):
        gj.jit(f)(np.float64(4.0))


def test_the_loops_are_compiled():
    assert set(trace(nested, (0.3,), {}).loops.values()) == {""}


# lists in branches ---------------------------------------------------------------------------------------------------
def copied_on_one_side(x):
    items = [x * k for k in range(50)]
    if x > 1:
        items = items.copy()
    return np.mean(items)


def made_anew_on_one_side(x):
    items = [(x * k, k) for k in range(50)]
    if x > 1:
        items = [(a * 2, b) for a, b in items]
    return sum(a * b for a, b in items) + items[3][0]


def made_on_both_sides(x):
    held = {"items": []}
    for k in range(50):
        held["items"].append(x * k)
    if x > 1:
        held = {"items": [v + 1 for v in held["items"]]}
    else:
        held = {"items": held["items"][::-1]}
    return np.mean(held["items"]) + held["items"][0]


def within_a_loop(x):
    total, items = 0.0, [x * k for k in range(50)]
    for k in range(30):
        if total < 5:
            items = [v * 1.1 for v in items]
        total = total + items[k] * 0.1
    return total


@pytest.mark.parametrize("f", [copied_on_one_side, made_anew_on_one_side, made_on_both_sides, within_a_loop],
                         ids=lambda f: f.__name__)
def test_one_list_or_another_of_the_same_length(f):
    for x in 0.9, 1.9:
        assert np.isclose(gj.jit(f)(x), f(x))
        gj.check_grads(f, x)


# lists of which parts are no rows -------------------------------------------------------------------------------------
def another_shape_first(x):
    items = [x] + [x[:3] * i for i in range(40)]
    later = items[1:]
    pairs = sum(np.sum(a) * np.sum(b) for a, b in zip(items, later, strict=False))
    return pairs + np.sum(np.concatenate(items)) + np.sum(items[0]) * items[7][1] + sum(np.sum(v) for v in items[::3])


def nothing_first(x):
    items = [None] + [v * 2 for v in np.tile(x, 10)]
    return sum(i * v for i, v in enumerate(items) if v is not None)


def other_labels(x):
    items = [("a", x[0])] + [("b", v) for v in np.tile(x, 10)] + [("c", x[1])]
    total = 0.0
    for name, v in items:
        total = total + v * {"a": 2.0, "b": 3.0, "c": 5.0}[name]
    return total


@pytest.mark.parametrize("f", [another_shape_first, nothing_first, other_labels], ids=lambda f: f.__name__)
def test_parts_that_are_no_rows(f):
    x = np.linspace(0.5, 2.0, 6)
    assert np.isclose(gj.jit(f)(x), f(x))
    gj.check_grads(f, x)


def test_a_traced_index_needs_rows():
    def f(x, k):
        items = [x] + [x[:3] * i for i in range(40)]
        return np.sum(items[k])

    with pytest.raises(gj.TraceError, match=r"the list items, .* holds items of the shapes \(3,\) and \(6,\), .*keep"):
        gj.jit(f)(np.ones(6), np.int64(3))


def grown_within_a_branch(x, k):
    items = [0.5]
    for e in x:
        if k < 1:
            e = e + 0.1 * items[-1]
            turns = 0
            while turns < 3 and k % 2 == 0:
                items.append(e)
                turns += 1
    return np.mean(items)


def test_a_list_grows_in_a_loop_within_a_branch():
    x, value = np.linspace(0.5, 2.0, 5), gj.value_and_grad(grown_within_a_branch)
    for k in (0, 1, -1, -2):
        found, slope = value(x, np.int64(k))
        assert np.isclose(found, grown_within_a_branch(x, k))
        ends = [[grown_within_a_branch(x + h, k) for h in sign * 1e-6 * np.eye(5)] for sign in (1, -1)]
        difference = np.subtract(*ends) / 2e-6
        np.testing.assert_allclose(slope, difference, atol=1e-8)
    with pytest.raises(gj.TraceError, match="too many to unroll: the list items grows in a loop within, under a cond"):
        gj.jit(grown_within_a_branch)(np.ones(3000), np.int64(0))
