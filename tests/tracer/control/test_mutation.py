"""Arrays, containers and objects that loops and branches change."""

from __future__ import annotations

import numpy as np
import pytest

from gradjit.errors import TraceError
from gradjit.ir import walk
from gradjit.tracer.trace import trace
from tests.tracer.compare import alike, check

X = np.linspace(0.1, 2, 20)
M = np.linspace(-1, 2, 60).reshape(20, 3)


def carried(f, *args):
    """How many values the loops of the trace carry."""
    t = check(f, *args, exact=False)
    return [len(op.operands) - 3 for op in walk(t.func.body) if op.name == "for"]


def test_only_what_is_written_to_is_carried():
    def f(x, m):
        a, b, table = np.zeros(20), np.ones(3), np.arange(20) * 2
        for i in range(20):
            a[i] = x[i] * b[0] + table[i] + m[i].sum()
        return a, b

    assert carried(f, X, M) == [1]


def test_overlapping_views():
    def f(x):
        a = x.copy()
        b, c = a[::2], a[1:]
        for i in range(10):
            b[i] += c[i]
            c *= 0.9
            row = c[2:][::-1]
            row[i] -= 1
        return a, b, c

    assert carried(f, X) == [1]


def test_a_view_made_inside_and_outside():
    def f(m):
        a = m.copy()
        column = a[:, 1]
        for i in range(20):
            row = a[i]
            row[2] += column[i]
            column[i] = row.sum()
        column += 1
        return a, column

    check(f, M, exact=False)


def test_reading_before_writing_in_an_iteration():
    def f(x):
        a = np.zeros(20)
        for i in range(1, 20):
            s = a[i - 1] + a.sum()
            a[i] = s + x[i]
        return a

    check(f, X, exact=False)


def test_swapped_buffers():
    def f(x):
        u, w = x.copy(), np.empty_like(x)
        for _ in range(31):
            w[1:-1] = 0.5 * (u[2:] + u[:-2])
            w[0] = w[-1] = 0
            u, w = w, u
        w[3] = 7
        return u, w

    assert carried(f, X) == [2]


def test_in_place_operators_keep_the_object():
    def f(x):
        y = x.copy()
        z = y
        for i in range(20):
            y += 1
            y[i] *= 2
        return z

    check(f, X, exact=False)


def test_other_writers():
    def f(x):
        a = x.copy()
        for i in range(20):
            np.add.at(a, [i, 0, 0], a[i])
            np.multiply(a, 0.9, out=a)
            a[a > 1.5] = 1.0
            np.add(a, i, out=a, where=a > 0.5)
        a.sort()
        return a

    check(f, X, exact=False)


def scaled(a, k):
    a[k] *= 2
    return a


def test_helpers_that_write_and_return_their_argument():
    def f(x):
        a = x.copy()
        for i in range(20):
            b = scaled(a, i)
            b[0] += 1
        b[1] = 5
        return a, b

    assert carried(f, X) == [1]


class Particle:
    def __init__(self, x):
        self.x, self.v, self.t, self.log = x, np.zeros_like(x), 0.0, []

    def step(self, h):
        self.v = self.v - h * self.x
        self.x += h * self.v
        self.t += h


def test_attributes():
    def f(x):
        p = Particle(x.copy())
        for _ in range(40):
            p.step(0.01)
        if p.x[0] > 0.05:
            p.t = -p.t
            p.v[0] = 3
        p.log.append(p.t)
        return p.x, p.v, p.t, p.log

    check(f, X, exact=False)


def test_new_attributes():
    def f(x):
        p = Particle(x.copy())
        for i in range(12):
            p.last = x[i]
        return p.last

    check(f, X)


def test_items():
    def f(x):
        state = {"a": x, "b": 0.0, "list": [x * 2, 1.0]}
        for i in range(20):
            state["a"] = state["a"] * 1.1
            state["b"] += state["a"][i]
            state["list"][1] = state["list"][1] * 0.9
            state["list"][0][i] = state["b"]
        return state

    check(f, X, exact=False)


def test_swapped_places():
    def f(x):
        state, v = {"v": x + 1}, x * 2
        for e in reversed(x):
            v, state["v"] = state["v"], v
            v[0] += e
        return v, state["v"]

    check(f, X, exact=False)


def test_targets_from_left_to_right():
    def f(x):
        a, i = x.copy(), 3
        a[i], i, a[i] = 1.0, 5, 2.0
        (a[0], b), [c, a[1]] = (a[1], a[2]), (a[3], a[4])
        d = a[7] = 9.0
        return a, i, b, c, d

    check(f, X)


@pytest.mark.parametrize("sign", [-1, 1])
class TestBranches:
    def test_arrays(self, sign):
        def f(x):
            a, b = x.copy(), x * 2
            view = a[1:]
            if x[0] > 0:
                a[1:3] = 7
                view += b[1:]
                new = np.zeros(20)
                new[2] = a[2]
            else:
                b *= 3
                view[0] = 1
                new = x * 4
            new += 1
            return a, b, view, new

        alike(f, X * sign)

    def test_containers_and_objects(self, sign):
        def f(x):
            items, box, table = [x[0]], Particle(x.copy()), {"k": 1, "v": x}
            if x[0] > 0:
                items.append(x[1])
                box.t = x[2]
                table["v"] = x * 2
            else:
                items.append(x[2] * 2)
                box.x[0] = 4
                table["k"] = 5
            return items, box.x, box.t, table

        alike(f, X * sign)

    def test_one_array_under_two_names(self, sign):
        def f(x):
            if x[0] > 0:
                a = b = x * 2
            else:
                a, b = x * 3, x * 4
            return a, b

        alike(f, X * sign)

    def test_swapped_arrays(self, sign):
        def f(x):
            a, b = x.copy(), x * 2
            if x[0] > 0:
                a, b = b, a
            a[0] = 5
            b[1:] += a[1:]
            if x[1] > 0:
                a, b = b, a
            a *= 2
            return a, b

        alike(f, X * sign)

    def test_bound_in_one_branch_and_written_in_the_other(self, sign):
        def f(x):
            parts = [x * 1.0]
            if x[0] > 0:
                parts[0] = x[::-1]
            else:
                parts[0] += 0.1
            return parts[0]

        alike(f, X * sign)

    def test_the_other_branch_sees_nothing_of_the_first(self, sign):
        def f(x):
            a, k, s = x.copy(), 0, [1.0, 2.0]
            if x[0] > 0:
                a[0], k, s[0] = 9, k + 1, 5.0
                a = a * 2
            else:
                a[1] += a[0]
                k -= 1
                s[1] = s[0] * x[0]
            return a, k, s

        alike(f, X * sign)


def refused(f, *args, match):
    with pytest.raises(TraceError, match=f"(?s){match}.*test_mutation.py\", line \\d+"):
        trace(f, args, {})


@pytest.mark.parametrize("sign", [-1, 1])
def test_an_array_that_may_be_another_follows_it(sign):
    def f(x):
        a, b = x.copy(), x * 2
        y = a if x[0] > 0 else b
        a[0] = 1
        return y

    alike(f, X * sign)

    def g(x):
        a, b = x.copy(), x * 2
        y = a if x[0] > 0 else b
        y[0] = 1
        return a

    alike(g, X * sign)


def test_an_array_that_may_be_another_is_not_written_to_unseen():
    def two(x):
        if x[0] > 0:
            a = b = x * 2
        else:
            a, b = x * 3, x * 4
        a[0] = 1
        return b

    refused(two, X, match="a may be one array or another")


def test_a_view_bound_anew_and_written_to():
    def f(x):
        a = x.copy()
        v = a[1:]
        for _ in range(12):
            v *= 1.1
            if a[2] > 2.0:
                v = a[:-1]
        return a

    alike(f, X)

    def traced(x, n):
        a = x.copy()
        v = a[1:]
        for _ in range(n):
            v *= 1.1
            if a[2] > 2.0:
                v = a[:-1]
        return a

    refused(traced, X, np.int64(12), match="copy")


def test_an_array_that_a_loop_has_passed_on():
    def f(x, n):
        u, w = x.copy(), x * 2
        first = u
        for _ in range(n):
            w[1:] = u[:-1]
            u, w = w, u
        return first

    alike(f, X, 30)
    refused(f, X, np.int64(30), match="an array that was bound to [uw] before the loop.*another name behind the loop")


def test_a_name_bound_anew_whose_array_has_another_name():
    def f(m):
        a = m.copy()
        w = a.T
        s = 0.0
        for i in range(12):
            w[1] -= 0.2
            s += a[3, 1]
            if s < -2.0:
                a = np.cos(a) * i
        return a, w, s

    alike(f, M)

    def traced(m, n):
        a = m.copy()
        w = a.T
        s = 0.0
        for i in range(n):
            w[1] -= 0.2
            s += a[3, 1]
            if s < -2.0:
                a = np.cos(a) * i
        return a, w, s

    refused(traced, M, np.int64(12), match="a .*copy")

    def g(m):
        a = m.copy()
        w = a.T
        s = 0.0
        for i in range(12):
            w[1] -= 0.2
            s += a[3, 1]
            if i < 0:
                a = None
        return a, w, s

    alike(g, M)

    def by_turns(m):
        a, b = m.copy(), m[::-1] * 2
        first = a
        for i in range(12):
            first[0] = i
            a, b = b, a
        return a, b

    alike(by_turns, M)  # iteration by iteration: names are known then

    def many_iterations(m):
        a, b = m.copy(), m[::-1] * 2
        first = a
        for i in range(9000):
            first[0] = i
            a, b = b, a
        return a, b

    refused(many_iterations, M,
            match="a is bound anew in the body, while the array that it was bound to before is written")


def test_sizes_that_depend_on_traced_values():
    def f(x):
        out = {}
        if x[0] > 0:
            out["x"] = x[1]
        return out

    refused(f, X, match="the dict out gets other keys.*under a condition on traced values")

    def g(x):
        out = []
        if x[0] > 0:
            out.append(x[1])
        return out, len(out)

    for sign in (-1, 1):
        alike(g, X * sign)

