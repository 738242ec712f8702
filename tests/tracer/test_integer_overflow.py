"""Python's integers have no bound: what goes beyond 64 bits in compiled code is right, or an error."""

from __future__ import annotations

import numpy as np
import pytest

import gradjit as gj
from gradjit.errors import ConversionError


def series(x, n):
    total, factorial = 0.0 * x, 1
    for k in range(n):
        if k > 0:
            factorial *= k
        total = total + x**k / factorial
    return total


def fibonacci(x, n):
    a, b = 0, 1
    total = 0.0 * x
    for _ in range(n):
        a, b = b, a + b
        total = total + x / (a + 1)
    return total


def powers(x, n):
    total = 0.0 * x
    for k in range(n):
        total = total + x / 3**k
    return total


def shifts(x, n):
    total = 0.0 * x
    for k in range(n):
        total = total + x / (1 << k)
    return total


def hashes(x, n):
    h, total = 5381, 0.0 * x
    for k in range(n):
        h = (h * 33) ^ k
        total = total + x * (h % 7)
    return total


def binomials(x, n):
    c, total = 1, 0.0 * x
    for k in range(n):
        total = total + c * x
        c = c * (n - k) // (k + 1)
    return total


def doubled(x, n):
    k, total = 1, 0.0 * x
    for _ in range(n):
        k = 2 * k
        total = total + x / k
    return total


def falling(x, n):
    k, total = -1, 0.0 * x
    for _ in range(n):
        k = k - 2**40 * (1 - k)
        total = total + x * (k % 5)
    return total


def under_a_condition(x, n):
    k, total = 1, 0.0 * x
    for _ in range(n):
        if total < 1e9:
            k = k * 10
        total = total + x / k
    return total


def ended_by_a_break(x, n):
    k, total = 1, 0.0 * x
    for _ in range(n):
        k = k * 3
        total = total + x / k
        if x / k < 1e-300:
            break
    return total


GROWING = [series, fibonacci, powers, shifts, hashes, binomials, doubled, falling, under_a_condition, ended_by_a_break]


@pytest.mark.parametrize("f", GROWING)
class TestGrowing:
    def test_short(self, f):
        """A few iterations, in which nothing goes beyond."""
        for n in (1, 2, 3):
            assert gj.jit(f)(1.25, n) == pytest.approx(f(1.25, n), rel=1e-14)

    def test_beyond_in_a_short_loop(self, f):
        n = 40
        try:
            found = gj.jit(f)(1.25, n)
        except ConversionError as e:
            assert f in (under_a_condition, ended_by_a_break)  # loops, however short
            assert "an int goes beyond 64 bits" in str(e)
        else:
            assert found == pytest.approx(f(1.25, n), rel=1e-13)

    def test_beyond_in_a_long_loop(self, f):
        with pytest.raises(OverflowError, match="an int goes beyond 64 bits"):
            gj.jit(f)(1.25, 200)

    def test_derivatives(self, f):
        for n in (3, 12):
            found = gj.grad(f)(1.25, n)
            assert found == pytest.approx((f(1.25 + 1e-6, n) - f(1.25 - 1e-6, n)) / 2e-6, rel=1e-6)


def test_of_a_size():
    def f(x):
        product = 1
        for _ in range(len(x)):
            product *= 7
        return x[0] / product

    c = gj.jit(f)
    for n in (3, 5, 20):
        assert c(np.ones(n)) == f(np.ones(n))
    with pytest.raises(OverflowError, match="an int goes beyond 64 bits"):
        c(np.ones(40))


def test_a_short_loop_that_has_to_be_one():
    def f(x, z):
        v, k = np.ones(10) * z, 0
        for _ in range(0, 1, 2):
            if -0.5 < k * 2 < v[k]:
                for i in range(k, 9):
                    k = i
            if k != 0:
                break
        return k + np.sum(v) * x

    for z in (-1.3, 1.3):
        assert gj.jit(f)(0.5, z) == pytest.approx(f(0.5, z), rel=1e-14)


def of_elements(operation):
    def f(a):
        total = 0.0
        for k in range(len(a)):
            total += operation(int(a[k]), int(a[0])) % 1000
        return total

    return f


@pytest.mark.parametrize("operation", [lambda x, y: x + y, lambda x, y: -x - y, lambda x, y: x * y,
                                       lambda x, y: x * 3 + y * 5], ids=["sum", "difference", "product", "combination"])
def test_of_elements(operation):
    f = of_elements(operation)
    c, some = gj.jit(f), np.arange(7, 60) * 10**6
    assert c(some) == f(some)
    with pytest.raises(OverflowError, match="an int goes beyond 64 bits"):
        c(np.full(53, 2**62 + 5))


class TestWithin:
    """What stays within 64 bits is compiled as a loop, and is right up to the end."""

    @pytest.mark.parametrize(("start", "factor"), [(1, 2), (-1, 2), (3, 3), (-5, 7)])
    def test_products(self, start, factor):
        def f(n):
            k, found = start, np.zeros(n, np.int64)
            for i in range(n):
                found[i] = k
                k = k * factor
            return found

        n = 1
        while abs(start * factor ** n) < 2**62:
            n += 1
        np.testing.assert_array_equal(gj.jit(f)(n - 1), f(n - 1))

    def test_a_generator_of_random_numbers(self):
        def f(x, n):
            seed, total = 12345, 0.0 * x
            for _ in range(n):
                seed = (1103515245 * seed + 12345) % 2**31
                total = total + x * (seed / 2**31)
            return total

        assert gj.jit(f)(1.5, 300) == pytest.approx(f(1.5, 300), rel=1e-13)

    def test_numpys_integers_wrap_around(self):
        def f(n):
            h = np.int64(5381)
            for k in range(n):
                h = h * np.int64(33) + np.int64(k)
            return h

        with np.errstate(over="ignore"):
            assert gj.jit(f)(60) == f(60)

    @pytest.mark.parametrize("wanted", ["counts", "halves", "indices"])
    def test_ordinary_arithmetic_is_not_checked(self, wanted):
        def counts(x, n):
            count = 0
            for i in range(n):
                for j in range(n):
                    if x[i] * j > 1:
                        count += 1
            return count

        def halves(x, n):
            lo, hi = 0, len(x)
            while lo < hi:
                mid = (lo + hi) // 2
                if x[mid] < 0.5:
                    lo = mid + 1
                else:
                    hi = mid
            return lo

        def indices(x, n):
            total = 0.0
            for i in range(n // 2):
                for j in range(2):
                    total += x[2 * i + j] * (n * i + 3 * j)
            return total

        f = {"counts": counts, "halves": halves, "indices": indices}[wanted]
        x, c = np.linspace(0.0, 1.0, 60), gj.jit(f)
        assert c(x, 60) == pytest.approx(f(x, 60), rel=1e-14)
        assert "beyond 64 bits" not in str(c.ir())
