"""if, conditional expressions, and, or, not, chains, in: on traced values."""

from __future__ import annotations

import numpy as np
import pytest

import gradjit as gj
from gradjit.errors import TraceError
from gradjit.ir import interpret, walk
from gradjit.tracer.trace import trace
from tests.tracer.compare import alike, check

X = np.linspace(-1, 2, 7)


def names(t):
    return [op.name for op in walk(t.func.body)]


@pytest.mark.parametrize("a", [-1.0, 0.5, 1.5, 3.0])
class TestScalars:
    def test_chain_of_elifs(self, a):
        def f(a):
            if a < 0:
                y = -a
            elif a < 1:
                y = a * a
            elif a < 2:
                y = np.sqrt(a)
            else:
                y = 2.0
                a = a + 1
            return y, a

        alike(f, a)

    def test_nested(self, a):
        def f(a):
            y = 0.0
            if a > 0:
                if a > 1:
                    y += 1
                    if a > 2:
                        y *= 5
                z = y + 1
            else:
                z = a
            return y, z

        alike(f, a)

    def test_conditional_expressions_are_lazy(self, a):
        def f(a):
            return (np.log(a) if a > 0 else 0.0), (1 if a > 1 else 2), ((a, 1) if a > 0.7 else (2.0, 3))

        alike(f, a)

    def test_and_or_not(self, a):
        def f(a):
            p = a > 0 and a < 1
            q = a < 0 or a > 2
            r = not a > 1
            return p, q, r, not p, (a > 0 and a < 1) or q, 0 < a < 1 < 2, 0 < a <= 1 != 3

        alike(f, a)

    def test_the_value_of_and_and_or(self, a):
        def f(a):
            return (a and 2.0), (a or 5.0), (a * 0 or a), ("" or a), (0 and a)

        alike(f, a)

    def test_guards_protect(self, a):
        def f(a):
            i = int(a * 3)
            if 0 <= i < 7 and X[i] > -5:
                return X[i]
            return a

        alike(f, a)

    def test_membership(self, a):
        def f(a, x):
            return a in (0.5, 3.0), a not in [1.5, a * 2], a in x, 2.0 in x, "k" in {"k": a}

        alike(f, a, np.array([0.5, 1.5]))

    def test_truth_of_numbers(self, a):
        def f(a):
            n = int(a)
            if n:
                return 1.0, bool(n)
            return 2.0, bool(a)

        alike(f, a)


def test_static_conditions_stay_python():
    def f(x, flag, mode=None):
        if flag and mode is None:
            y = x * 2
        elif len(x) > 100 or flag:
            y = undefined  # noqa: F821
        if not flag:
            y = x
        return y if 0 < len(x) < 10 else None

    for flag in (True, False):
        assert "if" not in names(check(f, X, flag))


def test_simple_choices_are_selects():
    t = check(lambda x, a: (a if a > x[1] else a * 2, 0 < a < 1), X, 3.0)
    assert "if" not in names(t)
    assert "select" in names(t)


def test_dear_sides_are_branches():
    t = check(lambda x: np.sin(x).sum() if x[0] > 0 else np.exp(x).sum(), X)
    assert names(t).count("if") == 1


def test_kinds_of_numbers_join():
    def f(x, x32):
        y = 1 if x[0] > 0 else 2.5
        z = x32[0] if x[0] > 0 else 1.0
        w = np.float64(3) if x[0] > 0 else 2
        return y * 1.0, z * x32, w * 2.0

    alike(f, X, X.astype(np.float32))


def test_none_and_strings_that_agree():
    def f(x):
        if x[0] > 0:
            a, b, c = None, "k", {"x": x}
        else:
            a, b, c = None, "k", {"x": x * 2}
        return c["x"] if a is None and b == "k" else None

    check(f, X)


def test_debugging_names_and_lines():
    def f(x):
        if x[0] > 0:
            y = x[:3] + x  # the shapes differ
        else:
            y = x
        return y

    with pytest.raises(ValueError, match=r'(?s)shapes.*test_branches.py", line \d+'):
        trace(f, (X,), {})


def refused(f, *args, match, kind=TraceError):
    with pytest.raises(kind, match=f"(?s){match}.*test_branches.py\", line \\d+"):
        trace(f, args, {})


def test_bound_in_one_branch_only():
    def f(x):
        for k in range(20):
            if x[0] > k:
                y = x * k
        return y

    check(f, X + 4)
    with pytest.raises(UnboundLocalError, match="local variable 'y'"):
        gj.jit(f)(-np.abs(X))


def test_other_types():
    def shapes(x):
        y = x if x[0] > 0 else x[:2]
        return y

    refused(shapes, X, match="f64.7. .* in one branch and f64.2. .* in the other")

    def structures(x):
        if x[0] > 0:
            y = x
        else:
            y = None
        return np.clip(x, None, y)

    refused(structures, X, match="y is f64.7. .an array. in one branch and None in the other")

    def truths(x):
        return 1.0 if x[0] > 0 else True

    refused(truths, X, match="in one branch and True in the other")


def test_what_raises():
    def f(x):
        if x[0] > 0:
            raise ValueError("positive")
        return x

    func = trace(f, (X,), {}).func
    with pytest.raises(ValueError, match="^positive$"):
        interpret(func, [np.abs(X) + 1.0])
    np.testing.assert_array_equal(interpret(func, [-np.abs(X)])[0], -np.abs(X))


def test_what_raises_and_is_caught():
    def f(x):
        try:
            if x[0] > 0:
                raise ValueError("positive")
        except ValueError:
            x = x * 2
        return x

    func = trace(f, (X,), {}).func
    for x in X, np.abs(X) + 1.0:
        np.testing.assert_array_equal(interpret(func, [x])[0], f(x))


def test_globals_are_not_bound_anew():
    def f(x):
        global COUNT
        if x[0] > 0:
            COUNT = 1
        return x

    refused(f, X, match="binds the name COUNT anew")


def test_assert():
    def f(x):
        assert len(x) == 7, "length"
        assert x[0] < 100, "range"
        return x

    check(f, X)
    with pytest.raises(AssertionError, match="length"):
        trace(f, (X[:3],), {})


def test_unlifted_code_says_so():
    f = eval("lambda x: 1.0 if x[0] > 0 else 2.0")
    with pytest.raises(TraceError, match="no source"):
        trace(f, (X,), {})


def test_generators_and_comprehensions():
    refused(lambda x: {k: v for k, v in enumerate(x) if v > 0}, X, match="traced value.*np.where")
    refused(lambda x: [v for v in (1, "a", x[0]) if x[0] > 0], X, match="several kinds.*np.where")

    def some(x):
        found = [v * v for v in x if v > 0]
        return len(found) * found[0] + sum(found)

    assert gj.jit(some, backend="interpreter")(X) == some(X)
    assert gj.jit(lambda x: [v for v in x if v > 0], backend="interpreter")(X) == [0.5, 1.0, 1.5, 2.0]


def halved(x):
    if x > 1:
        return halved(x / 2)
    return x


def expression_halved(x):
    return expression_halved(x / 2) if x > 1 else x


def loop_halved(x):
    for i in range(20):
        x = loop_halved(x * 0.5) + i
    return x


def power(x, n):
    return 1.0 if n == 0 else x * power(x, n - 1)


def test_recursion_without_end():
    with pytest.raises(TraceError, match="(?s)loop_halved calls itself without end.*test_branches.py"):
        trace(loop_halved, (3.0,), {})


def test_recursion_until_a_traced_condition():
    for f in (halved, expression_halved):
        check(f, 3.0)


def test_recursion_of_global_functions():
    check(power, 3.0, 5)


class Held:
    def __init__(self, a):
        self.a = a


def item_of_dict(x):
    held = {"a": [x, 2.0]}
    row = held["a"]
    if x > 1:
        row[0] += 5 * x
    else:
        held["a"] = [3.0 * x, x]
    return sum(held["a"])


def list_of_object(x):
    held = Held([x, 1.0])
    row = held.a
    if x > 1:
        row[1] = x * x
    else:
        held.a = [x, 5.0]
    return held.a[0] + 3 * held.a[1]


def object_of_object(x):
    held = Held(Held(x))
    inner = held.a
    if x > 1:
        inner.a = x * x
    else:
        held.a = Held(7.0 * x)
    return held.a.a


def rows_of_list(x):
    rows = [[x, 1.0], [2.0, 3.0]]
    a, b = rows
    if x > 1:
        a[0] = 4 * x
        b[1] = x
    else:
        rows[0] = [x, x]
        a[0] = 9 * x
    return rows[0][0] + 2 * rows[0][1] + 3 * rows[1][1] + 5 * a[0]


def rows_exchanged(x):
    rows = [[x, 1.0], [2.0, 3.0]]
    a = rows[0]
    if x > 1:
        a[0] = 4 * x
    else:
        rows[0], rows[1] = rows[1], rows[0]
    return rows[0][0] + 2 * rows[0][1] + 5 * a[0] + 7 * rows[1][0]


BOUND_ANEW = [item_of_dict, list_of_object, object_of_object, rows_of_list, rows_exchanged]


@pytest.mark.parametrize("x", [0.7, 1.3])
@pytest.mark.parametrize("f", BOUND_ANEW, ids=lambda f: f.__name__)
def test_one_side_changes_what_the_other_binds_anew(f, x):
    """In the one the container changes, in the other what holds it."""
    alike(f, x)
    slope = gj.grad(f)(x)
    np.testing.assert_allclose(slope, (f(x + 1e-6) - f(x - 1e-6)) / 2e-6, rtol=1e-7)
