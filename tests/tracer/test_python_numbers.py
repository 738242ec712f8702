"""What Python's numbers do that NumPy's do otherwise, or have no name for: in loops, as arguments, as sizes."""

from __future__ import annotations

import math

import numpy as np
import pytest

import gradjit as gj

OF_INTS = {
    "negative power": lambda k: k ** -2,
    "power of a negative": lambda k: 2 ** -k,
    "one to a power": lambda k: (k + 1) ** -1,
    "power that may be 0": lambda k: 3 ** (k - 1),
    "to tens": lambda k: round(37 * k, -1),
    "to a decimal": lambda k: round(k * 1.25, 1),
    "to two decimals": lambda k: round(2.675 * k, 2),
    "bit_length": lambda k: (k * k - 5).bit_length(),
    "bit_count": lambda k: (3 - 7 * k).bit_count(),
    "numerator": lambda k: k.numerator / k.denominator,
    "gcd": lambda k: math.gcd(k, 12),
    "gcd of several": lambda k: math.gcd(6 * k, 36, -4 * k),
    "lcm": lambda k: math.lcm(k, -4),
    "isqrt": math.isqrt,
    "isqrt of squares": lambda k: math.isqrt(k * k) + math.isqrt(k * k - 1) + math.isqrt(k * k + 2 * k),
    "in a range": lambda k: 2.5 if k in range(1, 30, 3) else -1.5,
    "in a range that falls": lambda k: 2.5 if k in range(9, -1, -2) else -1.5,
    "of a range": lambda k: range(3, 40, 7)[k % 5],
    "of a range, from its end": lambda k: range(40, 3, -7)[-1 - k % 5],
    "frexp": lambda k: math.frexp(k)[0] + math.frexp(k)[1],
    "ldexp": lambda k: math.ldexp(1.5, 3 - k),
}


@pytest.mark.parametrize("what", OF_INTS)
class TestOfInts:
    def test_in_a_loop(self, what):
        g = OF_INTS[what]

        def f(x, n):
            total = 0.0 * x[0]
            for k in range(1, n):
                total = total + x[k % 3] * g(k)
            return total

        c, x = gj.jit(f), np.array([0.75, 1.5, -2.0])
        np.testing.assert_allclose(c(x, 40), f(x, 40), rtol=1e-14)
        assert "unrolled" not in str(c.stats())

    def test_of_a_size(self, what):
        g = OF_INTS[what]

        def f(x):
            return x[0] * g(len(x))

        c = gj.jit(f)
        for n in (1, 2, 3, 8, 25):
            x = np.linspace(0.5, 2.0, n)
            np.testing.assert_allclose(c(x), f(x), rtol=1e-14)
        assert "cannot be open" not in str(c.stats())


OF_FLOATS = {
    "remainder": lambda v: math.remainder(v, 0.3),
    "modf": lambda v: math.modf(v)[0] - 10 * math.modf(v)[1],
    "frexp": lambda v: math.frexp(v)[0] + math.frexp(v)[1],
    "ldexp": lambda v: math.ldexp(v, -3),
    "nextafter": lambda v: math.nextafter(v, 2) - v,
    "ulp": math.ulp,
    "is_integer": lambda v: (2 * v).is_integer() + 2 * (v * 1e308 * 10).is_integer(),
    "a decimal": lambda v: round(v, 1),
    "three decimals": lambda v: round(v * 1.0005, 3),
    "tens": lambda v: round(v * 12345.0, -1),
}
NUMBERS = np.array([0.0, -0.0, 0.5, -0.5, 0.15, 0.45, -1.05, 2.675, 1.005, 1e-310, -3.7, 12.5, 1e15, 2.0**52 + 0.5])


@pytest.mark.parametrize("what", OF_FLOATS)
def test_of_floats(what):
    g = OF_FLOATS[what]

    def f(x, n):
        found = np.zeros(n)
        for k in range(n):
            found[k] = g(float(x[k]))
        return found

    np.testing.assert_array_equal(gj.jit(f)(NUMBERS, len(NUMBERS)), f(NUMBERS, len(NUMBERS)))
    alone = gj.jit(g)
    np.testing.assert_array_equal([alone(float(v)) for v in NUMBERS], [g(float(v)) for v in NUMBERS])


class TestPowersOfUnknownSign:
    """An int to a power is an int or a float as the power's sign has it."""

    def test_below_zero_says_what_to_write(self):
        def f(x, n):
            total = 0.0 * x
            for k in range(n):
                total = total + x * 2 ** (k - 3)
            return total

        with pytest.raises(ValueError, match=r"write float\(x\) \*\* n"):
            gj.jit(f)(1.5, 40)

    def test_from_zero_on_it_is_an_int(self):
        def f(x, powers):
            total = 0.0 * x
            for p in powers:
                total = total + x * 2 ** int(p)
            return total

        powers = np.array([0.0, 3.0, 1.0])
        assert gj.jit(f)(1.5, powers) == f(1.5, powers)


def test_isqrt_of_a_negative_number():
    def f(x, n):
        total = 0.0 * x
        for k in range(n):
            total = total + x * math.isqrt(k - 3)
        return total

    with pytest.raises(ValueError, match="must be nonnegative"):
        gj.jit(f)(1.5, 40)


def test_range_index_out_of_range():
    def f(x, n):
        total = 0.0 * x
        for k in range(n):
            total = total + x * range(5)[k]
        return total

    with pytest.raises(IndexError, match="out of bounds"):
        gj.jit(f)(1.5, 40)
