"""Functions that call themselves: until a traced condition ends it, as a loop; else as ordinary Python."""

from __future__ import annotations

import numpy as np
import pytest

import gradjit as gj


def halved(v):
    return v if v < 1 else halved(v / 2) * 1.5


def agm(a, b):
    return a if abs(a - b) < 1e-12 else agm((a + b) / 2, np.sqrt(a * b))


def simpson(f, a, b):
    return (b - a) / 6 * (f(a) + 4 * f((a + b) / 2) + f(b))


def adaptive(f, a, b, eps):
    c = (a + b) / 2
    both = simpson(f, a, c) + simpson(f, c, b)
    if abs(both - simpson(f, a, b)) < 15 * eps:
        return both
    return adaptive(f, a, c, eps / 2) + adaptive(f, c, b, eps=eps / 2)


def quadrature(k):
    return adaptive(lambda x: np.exp(-k * x) * np.sin(5 * x), 0.0, 1.0, 1e-3)


class Bisection:
    def __init__(self, tolerance):
        self.tolerance = tolerance

    def root(self, f, a, b, depth=0):
        middle = 0.5 * (a + b)
        if b - a < self.tolerance:
            return middle, depth
        if f(a) * f(middle) <= 0:
            return self.root(f, a, middle, depth + 1)
        return self.root(f, middle, b, depth + 1)


def vectors(x):
    if np.sum(x * x) < 0.01:
        return x
    return np.sin(vectors(x * 0.5)) + x * 0.1


def parts(x):
    if x < 0.1:
        return {"v": x, "n": 0}, [x, 2 * x]
    d, tail = parts(x * 0.3)
    return {"v": d["v"] + np.sin(x), "n": d["n"] + 1}, [tail[0] * 2, tail[1] + x]


def checked(x):
    if x < 1:
        return x
    y = checked(x / 2)
    if y <= 0:
        raise ValueError(f"{y} is not positive")
    while y < 3:
        y = y * 1.7
    return y * 1.2


def power(x, n):
    if n == 0:
        return 1.0
    half = power(x, n // 2)
    return half * half if n % 2 == 0 else half * half * x


def tree(node, x):
    if node is None:
        return 0.0
    if x[node["axis"]] < node["cut"]:
        return tree(node["low"], x) + node["value"] * x[0]
    return tree(node["high"], x) * x[1] + node["value"]


def grown(depth):
    return None if depth == 0 else {"axis": depth % 2, "cut": 0.1 * depth, "value": 0.3 * depth,
                                    "low": grown(depth - 1), "high": grown(depth - 1)}


def sliced(x):
    return np.sum(x) if np.sum(x) < 1 or len(x) < 2 else 0.9 * sliced(x[1:])


PROGRAMS = {
    "halved": (lambda x: halved(3 * x), 2.7), "agm": (lambda x: agm(x, 2.0), 5.0), "quadrature": (quadrature, 1.3),
    "bisection": (lambda x: Bisection(1e-9).root(lambda t: t * t - 2, 0.0, 2.0)[0] * x, 3.0),
    "vectors": (lambda x: np.sum(vectors(x)), np.array([1.0, 2.0, -0.5])),
    "parts": (lambda x: parts(x)[0]["v"] * parts(x)[1][1] + parts(x)[0]["n"], 3.0),
    "checked": (checked, 5.0), "power": (lambda x: power(x, 13), 1.1),
    "tree": (lambda x: tree(grown(3), x), np.array([0.35, 0.2])), "sliced": (sliced, np.arange(5.0)),
}


@pytest.mark.thinned
@pytest.mark.parametrize("name", PROGRAMS)
def test_value_and_gradient(name):
    f, x = PROGRAMS[name]
    value, gradient = gj.value_and_grad(f, backend="interpreter")(x)
    np.testing.assert_allclose(value, f(x), rtol=1e-13)
    d = np.ones_like(x) * np.array(1.0)
    np.testing.assert_allclose(np.sum(gradient * d), (f(x + 1e-6 * d) - f(x - 1e-6 * d)) / 2e-6, rtol=1e-5)


def test_by_machine_code_and_in_forward_mode():
    g = gj.value_and_grad(quadrature)
    for k in (1.3, 0.4):
        value, slope = g(k)
        np.testing.assert_allclose(value, quadrature(k), rtol=1e-13)
        np.testing.assert_allclose(slope, gj.jvp(quadrature, (k,), (1.0,))[1], rtol=1e-12)


def test_integers():
    def ackermann(m, n):
        if m == 0:
            return n + 1
        return ackermann(m - 1, 1) if n == 0 else ackermann(m - 1, ackermann(m, n - 1))

    def even(n):
        return True if n == 0 else odd(n - 1)

    def odd(n):
        return False if n == 0 else even(n - 1)

    gcd = gj.jit(lambda a, b: greatest(a, b), backend="interpreter")
    greatest = lambda a, b: a if b == 0 else greatest(b, a % b)
    assert gcd(np.int64(84), np.int64(36)) == 12 and gcd(np.int64(7), np.int64(5)) == 1
    assert gj.jit(ackermann, backend="interpreter")(np.int64(1), np.int64(3)) == 5
    for n in (10, 7):
        assert gj.jit(even, backend="interpreter")(np.int64(n)) == (n % 2 == 0)
    root = gj.jit(lambda p: Bisection(1e-9).root(lambda t: t * t - p, 0.0, 2.0), backend="interpreter")(2.0)
    assert root == Bisection(1e-9).root(lambda t: t * t - 2.0, 0.0, 2.0)


def test_it_is_as_deep_as_python():
    def deep(x):
        return deep(x - 1) + 1 if x > 0 else x

    f = gj.jit(deep)
    assert f(900.5) == 900.5
    with pytest.raises(RecursionError, match="maximum recursion depth exceeded"):
        f(5000.5)


def test_exceptions():
    def safe(x):
        if x < 1:
            return x - 0.6
        y = safe(x / 2)
        if y <= 0:
            raise ValueError(f"{y:.2f} is not positive")
        return y * 1.2

    f = gj.jit(safe, backend="interpreter")
    assert f(1.5) == safe(1.5)
    with pytest.raises(ValueError, match="-0.10 is not positive"):
        f(2.0)


def test_a_side_of_an_expression_that_raises():
    def refuse(x):
        raise ValueError(f"{x} is negative")

    for f in (lambda x: refuse(x) if x < 0 else np.sqrt(x), lambda x: np.sqrt(x) if x >= 0 else refuse(x)):
        g = gj.grad(f, backend="interpreter")
        assert g(4.0) == 0.25
        with pytest.raises(ValueError, match="-1.0 is negative"):
            g(-1.0)


def sorting(a, lo, hi):
    if lo < hi:
        a[lo], a[hi] = min(a[lo], a[hi]), max(a[lo], a[hi])
        sorting(a, lo + 1, hi - 1)


def printing(x):
    if x < 1:
        return x
    print(x)
    return printing(x / 2)


def looping(x, n=20):
    if x < 1:
        return x
    total = 0.0
    for k in range(n):
        total += looping(x - k % 2 - 1)
    return total


def endless(x):
    return endless(x + 1) if x < 0 else endless(x - 1)


def counting(x, count):
    count[0] += 1
    return x if x < 1 else counting(x / 2, count)


def storing(x, found):
    if x < 1:
        found["x"] = x
    else:
        storing(x / 2, found)


def swapping(xs, lo, hi):
    if lo < hi:
        middle = lo
        for k in range(lo, hi):
            if xs[k] < xs[hi]:
                xs[middle], xs[k] = xs[k], xs[middle]
                middle += 1
        xs[middle], xs[hi] = xs[hi], xs[middle]
        swapping(xs, lo, middle - 1)
        swapping(xs, middle + 1, hi)


class Adding:
    def __init__(self):
        self.total = 0.0

    def adding(self, x):
        self.total += x
        return x if x < 1 else self.adding(x / 2)


def of_list(f, start):
    def run(x):
        given = start(x)
        f(*given)
        return given[1 if f in (counting, storing) else 0]

    return run


CHANGES = "changes arrays, lists or objects"
REFUSED = {
    "sorting": (lambda: gj.jit(sorting)(np.ones(3), np.int64(0), np.int64(2)), CHANGES),
    "counting": (lambda: gj.jit(of_list(counting, lambda x: (x, [0.0])))(3.0), CHANGES),
    "storing": (lambda: gj.jit(of_list(storing, lambda x: (x, {"x": 0.0})))(3.0), CHANGES),
    "swapping": (lambda: gj.jit(of_list(swapping, lambda x: (list(x), 0, len(x) - 1)))(np.arange(4.0)), CHANGES),
    "adding": (lambda: gj.jit(lambda x: Adding().adding(x))(3.0), CHANGES),
    "printing": (lambda: gj.jit(printing)(3.0), "it prints"),
    "endless": (lambda: gj.jit(endless)(3.0), "whichever way it takes"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    run, why = REFUSED[name]
    with pytest.raises(gj.TraceError, match=rf"(?s){name} calls itself until.*{why}.*write a loop.*line \d+, in"):
        run()


def halves(x):
    return x if x[0] < 1 else halves(x / 2)


def halves_of_list(xs):
    return xs if xs[0] < 1 else halves_of_list([v / 2 for v in xs])


@pytest.mark.parametrize("f, of", [(halves, np.copy), (halves_of_list, list)])
def test_what_it_gives_may_be_what_it_was_given(f, of):
    def written(x):
        y = of(x)
        z = f(y)
        z[0] = 5.0
        return y[0] * z[1]

    def read(x):
        y = of(x)
        z = f(y)
        return y[0] * z[1]

    with pytest.raises(gj.TraceError, match="(?s)(what halves gives may hold|may give what it was given).*in written"):
        gj.grad(written, backend="interpreter")(np.array([0.5, 2.0]))
    for x in (np.array([0.5, 2.0]), np.array([3.0, 2.0])):
        assert gj.jit(read, backend="interpreter")(x) == read(x)


def test_in_a_loop():
    assert gj.jit(looping, backend="interpreter")(2.5) == looping(2.5)
