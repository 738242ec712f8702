"""`for` and `while`: which become regions, and that they mean what Python's do."""

from __future__ import annotations

import numpy as np
import pytest

from gradjit.errors import TraceError
from gradjit.ir import walk
from gradjit.tracer.control import loop_regions
from gradjit.tracer.trace import Trace, trace
from tests.tracer.compare import check

X = np.linspace(0.1, 2, 20)
M = np.linspace(-1, 2, 60).reshape(20, 3)
N = np.int64(13)


def names(t: Trace) -> list[str]:
    return [op.name for op in walk(t.func.body)]


def sizes(f, *lengths):
    """How many operations the traces of f take, for inputs of several lengths."""
    return [len(names(trace(f, (np.linspace(0.1, 1, n),), {}))) for n in lengths]


def test_range_of_known_length():
    def f(x):
        s = 0.0
        for i in range(20):
            s += x[i] * i
        return s

    assert names(check(f, X, exact=False)).count("for") == 1


def test_length_does_not_matter():
    def f(x):
        y = np.zeros(len(x))
        for i in range(1, len(x)):
            y[i] = 0.5 * y[i - 1] + x[i]
        return y

    small, large = sizes(f, 30, 3000)
    assert small == large


@pytest.mark.parametrize("start, stop, step", [(0, 20, 1), (3, 17, 4), (19, -1, -1), (18, 2, -3), (0, 0, 1),
                                               (5, 20, 6)])
def test_bounds_and_steps(start, stop, step):
    def f(x):
        s, last = x[0], -1
        for i in range(start, stop, step):
            s = s * 0.5 + x[i] * i
            last = i
        return s, last

    check(f, X)


@pytest.mark.parametrize("n", [0, 1, 13])
def test_traced_bounds(n):
    def f(x, n):
        s, t = 0.0, 1.0
        for i in range(n):
            s += x[i]
        for i in range(n, 20, 2):
            s -= x[i] * i
        for i in range(n + 3, n - 4, -2):
            t = t * 0.9 + i
        return s, t, len(range(2, n, 3))

    check(f, X, np.int64(n), exact=False)


def test_triangular_loops():
    def f(x):
        s = 0.0
        for i in range(20):
            for j in range(i + 1, 20):
                for k in range(j, i, -2):
                    s += x[i] * x[j] - k
        return s

    t = check(f, X, exact=False)
    assert names(t).count("for") == 3


def test_rows_enumerate_zip_reversed():
    def f(x, m):
        s = np.zeros(3)
        for row in m:
            s = s + row
        for k, (a, row) in enumerate(zip(x, m, strict=True), 2):
            s += k * a * row
        for v, i in zip(reversed(x), range(5, 100, 2), strict=False):
            s[1] += v * i
        for i in reversed(range(3, 18)):
            s = s * 0.9 + i
        for i, row in reversed(tuple(enumerate(m[:3]))):
            s -= row * i
        return s

    assert names(check(f, X, M, exact=False)).count("for") == 4


def test_rows_are_views():
    def f(m):
        a = m.copy()
        for row in a:
            row *= 2
            row[1:] -= 1
        for i, v in enumerate(a[:, 0]):
            a[i, 2] = v
        return a

    check(f, M)


def test_pure_python_loops_stay_python():
    def f(x):
        sizes = []
        for k in range(30):
            if k % 7 == 3:
                sizes.append(k)
        n = 1
        while n < 1000:
            n *= 2
        total = 0
        for i in range(50):
            total += i
        return x[: len(sizes)] * n, np.zeros(total)[:2], n, total

    t = check(f, X)
    assert "for" not in names(t)


def test_a_python_loop_over_objects():
    layers = [lambda v, k=k: v * k + 1 for k in range(12)]

    def f(x):
        for layer in layers:
            x = layer(x)
        for name, scale in {"a": 2.0, "b": 3.0}.items():
            x = x * scale + len(name)
        return x

    check(f, X)


def test_lists_that_grow_are_rows():
    def f(x):
        history = [x[0]]
        for i in range(1, 15):
            history.append(history[-1] * 0.5 + x[i])
        return np.array(history), len(history)

    t = check(f, X, exact=False)
    assert names(t).count("for") == 1


def test_a_list_in_the_body_is_no_state():
    def f(x):
        s = 0.0
        for i in range(15):
            terms = []
            for k in range(3):
                terms.append(x[i] ** k)
            stack = [x[i]]
            while stack:
                s += stack.pop() * terms[2]
            s += sum(terms)
        return s

    assert names(check(f, X, exact=False)).count("for") == 1


def test_while_on_traced_conditions():
    def f(a, n):
        x, count = 1.0, 0
        while abs(x * x - a) > 1e-12 and count < 50:
            x = 0.5 * (x + a / x)
            count += 1
        k, digits = n, 0
        while k:
            digits += 1
            k = k // 10
        return x, count, digits

    t = check(f, 7.0, np.int64(12345), exact=False)
    assert names(t).count("while") == 2


def test_while_that_is_static_at_first():
    def f(x):
        k, s = 0, 0.0
        while k < 40:
            s += x[k % 20] * k
            k += 1
        return s, k

    t = check(f, X, exact=False)
    assert names(t).count("while") == 1


def test_while_that_ends_at_once_or_runs_a_little():
    def f(x, n):
        k = 3
        while k < 3:
            k += 1
        while k < 9:
            x = x + k
            k += 1
        while n < 0:
            x = x * 0
            n += 1
        return x, k, n

    check(f, X, N)


def test_walrus_in_the_condition():
    def f(x):
        y, n = x, 0
        while (d := y * 0.5) > 0.01:
            y, n = d, n + 1
        return y, n

    check(f, 3.0)


def test_scalars_change_their_kind():
    def f(x, x32):
        n, s, t, u = 0, 0, 0.0, 1
        for i in range(20):
            n = n + 0.5
            s = s + x[i]
            t = t + x32[i]
            u = u * 2
        return n, s, t, u

    check(f, X, X.astype(np.float32), exact=False)


def test_first_iterations_of_another_type():
    def f(x, m):
        total, best, previous = 0, None, None
        for row in m:
            total = total + row
            if best is None or row[0] > best:
                best = row[0]
            previous = (row, row.sum())
        return total, best, previous

    check(f, X, M, exact=False)


def test_target_and_temporaries_behind_the_loop():
    def f(x):
        for i in range(12):
            y = x * i
            a, (b, c) = y[0], (y[1], i)
        return i, y, a, b, c

    check(f, X)


def test_nested_containers_are_carried():
    def f(x):
        state = {"x": x, "v": (x * 0, [1.0, 2])}
        for _ in range(25):
            v, (s, n) = state["v"]
            state = {"x": state["x"] + v * 0.1, "v": (v - state["x"] * 0.1, [s * 0.9, n])}
        return state

    check(f, X, exact=False)


def test_helpers_methods_and_closures():
    def step(y, h, rate=0.5):
        return y - h * rate * y

    def f(x):
        h = 0.01

        def advance(y):
            for _ in range(3):
                y = step(y, h)
            return y

        for _ in range(40):
            x = advance(x)
        return x

    check(f, X, exact=False)


def test_nonlocal_names_are_carried():
    def f(x):
        total, calls = 0.0, 0

        def add(v):
            nonlocal total, calls
            total += v
            calls += 1

        for i in range(20):
            add(x[i])
        return total, calls

    check(f, X, exact=False)


def test_names_that_only_closures_read():
    def f(z):
        s = z

        def half():
            return 0.5 * s

        for _ in range(9):
            s = half()
        return s, [(lambda: s)() for _ in range(2)]

    check(f, 3.0)


def test_recursion_of_static_depth():
    def determinant(a):
        n = a.shape[0]
        if n == 1:
            return a[0, 0]
        total = 0.0
        for j in range(n):
            minor = np.delete(a[1:], j, axis=1)
            total += (-1) ** j * a[0, j] * determinant(minor)
        return total

    check(determinant, np.linspace(1, 3, 16).reshape(4, 4) ** 2, exact=False)


def test_nested_loops_are_traced_in_few_attempts(monkeypatch):
    begun = []
    begin = loop_regions.LoopStatement.begin
    monkeypatch.setattr(loop_regions.LoopStatement, "begin",
                        lambda self, *params: begun.append(self.site.line) or begin(self, *params))

    def f(x):
        s, y = 0, np.zeros(20)
        for _ in range(9):
            for _ in range(10):
                for i in range(11):
                    for _ in range(12):
                        y[i] += s
                        s = s + x
        return s, y

    trace(f, (1.0,), {})
    assert len(begun) <= 20


def test_short_loops_in_nests_are_regions():
    def f(x):
        for _ in range(6):
            for i in range(6):
                for j in range(6):
                    x[i] = x[j] * 0.5 + x[i]
        return x

    def g(x):
        return f(x.copy())

    t = check(g, X, exact=False)
    assert len(names(t)) < 200


def test_generators_made_inside_are_not_baked_in():
    def f(x):
        rng = np.random.default_rng(3)
        s = 0.0
        for i in range(12):
            s += rng.normal() * x[i]
        return s

    check(f, X, exact=False)


def test_iterators():
    def f(x):
        it = iter(range(40))
        s = 0.0
        for i in range(15):
            s += x[i] * next(it)
        pairs = zip(x, range(20), strict=True)
        a, k = next(pairs)
        return s + a * k, list(enumerate(x[:2]))

    check(f, X, exact=False)


def test_unrolling_has_an_end():
    def f(x):
        out = []
        for i in range(5000):
            out.insert(1, x * i)
        return out

    with pytest.raises(TraceError, match=r"(?s)5000 iterations, too many to unroll.*insert.*test_loops.py\", line \d+"):
        trace(f, (1.0,), {})


def test_an_integer_that_must_be_known_unrolls():
    def f(x):
        out = x[:0]
        for i in range(1, 12):
            out = np.concatenate([out, np.ones(i) * x[i]])
        return out

    check(f, X)


def test_inner_gradients():
    import gradjit as gj

    def f(x):
        for _ in range(12):
            x = x - 0.1 * gj.grad(lambda v: np.sum(v ** 2 * X))(x)
        return x

    def plain(x):
        for _ in range(12):
            x = x - 0.1 * (2 * x * X)
        return x

    from tests.tracer.compare import assert_same, run
    _, got = run(f, X)
    assert_same(got, plain(X), exact=False)


def test_iterators_made_outside_go_on():
    def f(x):
        it = iter([1.0, 2.0, 3.0] * 20)
        pairs = ((a, b) for a in range(3) for b in range(20))
        s = 0.0
        for i in range(12):
            for v in it:
                s += v * x[i]
                if v == 3.0:
                    break
            a, b = next(pairs)
            s += b + a
        return s

    check(f, X, exact=False)


def test_methods_that_are_passed_on():
    def f(x):
        out, seen = [], set()
        for i in range(12):
            list(map(out.append, [x[i], i]))
            seen.add(i % 5)
        return out, len(seen)

    check(f, X)


def test_the_last_index_is_known():
    def f(x):
        for i in range(3, 20, 4):
            x = x + i
        for k, v in enumerate(x):
            x = x * 0.9 + v * k
        return np.zeros(i), np.ones(k) * x[0]

    check(f, X, exact=False)
