"""break, continue, return, else."""

from __future__ import annotations

import numpy as np
import pytest

from tests.tracer.compare import alike, check

X = np.linspace(0.1, 2, 20)


@pytest.mark.parametrize("limit", [-1.0, 0.5, 1.0, 9.0])
class TestLimits:
    def test_break(self, limit):
        def f(x, limit):
            s, n = 0.0, 0
            for v in x:
                if v > limit:
                    break
                s += v
                n += 1
            return s, n

        alike(f, X, limit)

    def test_break_in_the_middle(self, limit):
        def f(x, limit):
            s = 0.0
            for i in range(20):
                s += 1
                if x[i] > limit:
                    s += x[i]
                    if i > 10:
                        break
                    s -= 0.5
                s *= 0.9
            return s, i

        alike(f, X, limit)

    def test_continue(self, limit):
        def f(x, limit):
            s = 0.0
            for i, v in enumerate(x):
                if v > limit:
                    if i % 2:
                        continue
                    s -= v
                s = s + 1
            return s

        alike(f, X, limit)

    def test_both_and_nested(self, limit):
        def f(x, limit):
            s = 0.0
            for i in range(20):
                if x[i] < limit / 2:
                    continue
                for j in range(i, 20):
                    if x[j] > limit:
                        break
                    if j == i + 1:
                        continue
                    s += x[i] * x[j]
                else:
                    s += 100
                if s > 200:
                    break
            return s

        alike(f, X, limit)

    def test_return_from_a_loop(self, limit):
        def f(x, limit):
            for i in range(20):
                for j in range(i):
                    if x[i] * x[j] > limit:
                        return i, x[j]
            return -1, 0.0

        alike(f, X, limit)

    def test_returns_of_structures(self, limit):
        def g(x, limit):
            k = 0
            while True:
                if x[k] > limit:
                    return {"k": k, "v": (x[k], x * k)}
                k += 1
                if k >= 19:
                    return {"k": -k, "v": (0.0, x)}

        alike(lambda x, limit: g(x, limit), X, limit)

    def test_early_returns(self, limit):
        def f(x, limit):
            if limit < 0:
                return x * 2
            y = x + 1
            if limit > 5:
                y *= 3
                return y
            elif limit > 0.7:
                return y - limit
            y[0] = 5
            return y

        alike(f, X, limit)

    def test_search_with_else(self, limit):
        def f(x, limit):
            for i in range(20):
                if x[i] > limit:
                    found = x[i] * i
                    break
            else:
                found = x.sum()
            return found

        alike(f, X, limit)

    def test_while_with_everything(self, limit):
        def f(x, limit):
            i, s = 0, 0.0
            while i < 19:
                i += 1
                if x[i] < 0.3:
                    continue
                if x[i] > limit:
                    break
                s += x[i]
            else:
                s += 1000
            return i, s

        alike(f, X, limit)


def test_a_name_changed_in_a_branch_that_returns():
    def f(x):
        s = x[0]
        if x[1] > 1.0:
            s *= 0.9
            return s
        return s + 1.0

    check(f, X)
    check(f, X + 3)


def test_jumps_of_static_conditions_stay_python():
    def f(x, n):
        out = []
        for name in ["a", "b", "c", "d"]:
            if name == "c":
                break
            if name == "a":
                continue
            out.append(name)
        for k in range(100):
            if k == n:
                return x * k, out
        return x

    t = check(f, X, 7)
    assert not t.func.ops or {op.name for op in t.func.ops} <= {"mul", "const"}


def test_jumps_in_with_and_try():
    import contextlib

    def f(x):
        for i in range(5):
            with contextlib.nullcontext(i) as k:
                if k == 3:
                    break
                x = x + k
        try:
            if len(x) > 3:
                return x * 2
        except ValueError:
            return x
        else:
            x = x * 5
        finally:
            x = x * 7
        return x

    check(f, X)


def test_while_true_over_containers():
    def f(x):
        stack, seen = [(0, 3)], 0.0
        while True:
            if not stack:
                break
            depth, k = stack.pop()
            seen += x[depth] * k
            if depth < 2:
                stack.append((depth + 1, k - 1))
        return seen

    check(f, X, exact=False)


def test_match_statements():
    def f(x, kind):
        for k in range(3):
            match kind, k:
                case "a", 1:
                    x = x * 2
                case "a", n:
                    x = x + n
                case _:
                    return x
        return x

    check(f, X, "a")
    check(f, X, "b")


def test_generators_and_their_jumps():
    def pairs(x):
        for i in range(20):
            if i == 5:
                return
            if i % 2:
                continue
            yield x[i]

    def f(x):
        return sum(pairs(x)), [v for v in pairs(x * 2)]

    check(f, X, exact=False)
