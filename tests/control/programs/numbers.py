"""Numbers: series, continued fractions, means, quadrature, parsers of digits, machines."""

import math

import numpy as np

from ..case import Case

RNG = np.random.default_rng(6)


def horner(coefficients, x):
    r = 0.0
    for c in coefficients[::-1]:
        r = r * x + c
    return r


def horner_with_derivatives(coefficients, x):
    """All Taylor coefficients at x by repeated synthetic division, in place, over a shrinking triangle."""
    c = coefficients.copy()
    n = len(c)
    for i in range(n):
        for j in range(n - 2, i - 1, -1):
            c[j] += x * c[j + 1]
    return np.sum(c * np.arange(1, n + 1))


def continued_fraction(terms):
    """From the innermost outwards."""
    r = terms[-1]
    for k in range(len(terms) - 2, -1, -1):
        r = terms[k] + 1.0 / r
    return r


def lentz_arctan(x):
    """Lentz's method: a continued fraction from the front, to tolerance."""
    tiny = 1e-30
    f = c = tiny
    d = 0.0
    n = 0
    while n < 200:
        n += 1
        a = x if n == 1 else ((n - 1) * x) ** 2
        b = 2.0 * n - 1.0
        d = 1.0 / (b + a * d)
        c = b + a / c
        delta = c * d
        f *= delta
        if abs(delta - 1.0) < 1e-15:
            break
    return f


def arithmetic_geometric_mean(a, b):
    while abs(a - b) > 1e-15 * a:
        a, b = (a + b) / 2, math.sqrt(a * b)
    return a


def bessel_series(x):
    """J0 by its series, as long as the terms count."""
    term, total, k = 1.0, 1.0, 0
    while abs(term) > 1e-17:
        k += 1
        term *= -(x / 2) ** 2 / (k * k)
        total += term
    return total


def mandelbrot_escape(cr, ci, limit=60):
    """Smooth escape: the count is an integer, the radius carries the derivative."""
    zr = zi = 0.0
    for n in range(limit):
        zr, zi = zr * zr - zi * zi + cr, 2 * zr * zi + ci
        if zr * zr + zi * zi > 1e4:
            break
    else:
        return 0.0
    return n + 1 - math.log(0.5 * math.log(zr * zr + zi * zi)) / math.log(2)


def escape_picture(centre, size, n=9, limit=15):
    """The same over a grid, `while` within two `for`."""
    total = 0.0
    for i in range(n):
        for j in range(n):
            c = (centre[0] + size * (i - 4), centre[1] + size * (j - 4))
            z, k = (0.0, 0.0), 0
            while z[0] ** 2 + z[1] ** 2 < 16 and k < limit:
                z = (z[0] ** 2 - z[1] ** 2 + c[0], 2 * z[0] * z[1] + c[1])
                k += 1
            if k < limit:
                total += 1 / (z[0] ** 2 + z[1] ** 2)
    return total


def romberg(a, order=10):
    """Extrapolation in a triangular table; the grid is refined in each row."""
    def f(x):
        return math.exp(-a * x * x) * math.cos(x)

    table = np.zeros((order, order))
    h = 1.0
    table[0, 0] = 0.5 * h * (f(0.0) + f(1.0))
    points = 1
    for i in range(1, order):
        h /= 2
        total = 0.0
        for k in range(points):
            total += f((2 * k + 1) * h)
        points *= 2
        table[i, 0] = 0.5 * table[i - 1, 0] + h * total
        for j in range(1, i + 1):
            table[i, j] = table[i, j - 1] + (table[i, j - 1] - table[i - 1, j - 1]) / (4 ** j - 1)
    return table[order - 1, order - 1]


def adaptive_simpson(a, depth=5):
    """Recursion of known depth; both halves."""
    def f(x):
        return np.exp(np.sin(a * x))

    def area(lo, hi, level):
        mid = (lo + hi) / 2
        if level == 0:
            return (hi - lo) / 6 * (f(lo) + 4 * f(mid) + f(hi))
        return area(lo, mid, level - 1) + area(mid, hi, level - 1)

    return area(0.0, 2.0, depth)


def parse_decimal(scale, text):
    """A number from codes of characters: sign, digits, point, digits, exponent."""
    minus, point = 45, 46
    sign, value, place, seen_point = 1.0, 0.0, 1.0, False
    exponent, exponent_sign, in_exponent = 0, 1, False
    for ch in text:
        if ch == minus:
            if in_exponent:
                exponent_sign = -1
            else:
                sign = -1.0
        elif ch == point:
            seen_point = True
        elif ch == 101:
            in_exponent = True
        elif in_exponent:
            exponent = 10 * exponent + (ch - 48)
        else:
            digit = ch - 48
            if seen_point:
                place /= 10
                value += digit * place
            else:
                value = 10 * value + digit
    return scale * sign * value * 10.0 ** (exponent_sign * exponent)


def tokens_and_sums(weights, text):
    """Words of digits, parted by blanks, are read one after another; `continue` and a while within a while."""
    i, n = 0, len(text)
    total, word = 0.0, 0
    while i < n:
        if text[i] == 32:
            i += 1
            continue
        number = 0
        while i < n and text[i] != 32:
            number = number * 10 + (text[i] - 48)
            i += 1
        total += weights[word] * number
        word += 1
    return total


def stack_machine(constants, program):
    """Postfix arithmetic on a stack of fixed height."""
    stack = np.zeros(8)
    top = 0
    for op in program:
        if op < 10:
            stack[top] = constants[op]
            top += 1
        elif op == 10:
            stack[top - 2] = stack[top - 2] + stack[top - 1]
            top -= 1
        elif op == 11:
            stack[top - 2] = stack[top - 2] * stack[top - 1]
            top -= 1
        else:
            stack[top - 1] = math.sin(stack[top - 1])
    return stack[0]


def vending_machine(prices, coins):
    """A state machine: idle, paying, giving change."""
    idle, paying, change = 0, 1, 2
    state, money, earned = idle, 0.0, 0.0
    for c in coins:
        if state == idle:
            if c > 0:
                money = float(c)
                state = paying
        elif state == paying:
            money += c
            if money >= 5:
                earned += prices[0] * money
                state = change
        else:
            earned -= prices[1] * (money - 5)
            money = 0.0
            state = idle
    return earned + prices[2] * money


def collatz_weights(decay, start):
    """The trip count is known to nobody beforehand."""
    n, total, w = start, 0.0, 1.0
    while n != 1:
        total += w * n
        n = n // 2 if n % 2 == 0 else 3 * n + 1
        w *= decay
    return total


def table_lookup(knots, values, xs):
    """Piecewise linear: the interval is found by walking, by halving, and used in a branch."""
    total = 0.0
    n = len(knots)
    for x in xs:
        if x <= knots[0]:
            total += values[0]
        elif x >= knots[n - 1]:
            total += values[n - 1]
        else:
            lo, hi = 0, n - 1
            while hi - lo > 1:
                mid = (lo + hi) // 2
                if knots[mid] <= x:
                    lo = mid
                else:
                    hi = mid
            t = (x - knots[lo]) / (knots[hi] - knots[lo])
            total += (1 - t) * values[lo] + t * values[hi]
    return total


def chebyshev_clenshaw(c, x):
    b1 = b2 = 0.0
    for k in range(len(c) - 1, 0, -1):
        b1, b2 = 2 * x * b1 - b2 + c[k], b1
    return x * b1 - b2 + c[0]


def euclid_on_floats(a, b):
    """Remainders until nothing is left worth dividing."""
    steps = 0
    while b > 0.05 and steps < 30:
        a, b = b, a % b
        steps += 1
    return a + 0.5 * b


def neville(xs, ys, x):
    p = ys.copy()
    n = len(xs)
    for k in range(1, n):
        for i in range(n - k):
            p[i] = ((x - xs[i + k]) * p[i] + (xs[i] - x) * p[i + 1]) / (xs[i] - xs[i + k])
    return p[0]


def kahan_sum(x):
    total = compensation = 0.0
    for v in x:
        y = v * v - compensation
        t = total + y
        compensation = (t - total) - y
        total = t
    return total


def bits_of_integer(weights, number):
    """An unknown int argument made of bits: `while`, shifts and masks."""
    total, k = 0.0, 0
    while number:
        if number & 1:
            total += weights[k]
        number >>= 1
        k += 1
    return total


CASES = (
    Case(horner, (RNG.normal(size=12), 0.7), (0, 1)),
    Case(horner_with_derivatives, (RNG.normal(size=10), 0.6), (0, 1)),
    Case(continued_fraction, (RNG.uniform(1, 3, 14),)),
    Case(lentz_arctan, (0.8,)),
    Case(arithmetic_geometric_mean, (1.0, 2.5), (0, 1)),
    Case(bessel_series, (2.3,)),
    Case(mandelbrot_escape, (0.36, 0.42), (0, 1), step=1e-7, rtol=1e-4),
    Case(escape_picture, (np.array([-0.5, 0.1]), 0.22), (0, 1), step=1e-6, rtol=1e-6),
    Case(romberg, (1.4,)),
    Case(adaptive_simpson, (1.7,)),
    Case(parse_decimal, (1.5, np.frombuffer(b"-3.14159e-2", np.uint8).astype(np.int64))),
    Case(tokens_and_sums, (RNG.normal(size=6), np.frombuffer(b" 12 7  405 31", np.uint8).astype(np.int64))),
    Case(stack_machine, (RNG.normal(size=10), np.array([0, 3, 10, 5, 12, 11, 2, 12, 10, 7, 11, 12]))),
    Case(vending_machine, (RNG.normal(size=3), np.array([0, 2, 1, 3, 2, 0, 0, 5, 1, 2, 1]))),
    Case(collatz_weights, (0.9, 27)),
    Case(table_lookup, (np.arange(12.0), RNG.normal(size=12), RNG.uniform(-2, 13, 10)), (0, 1, 2)),
    Case(chebyshev_clenshaw, (RNG.normal(size=12), 0.4), (0, 1)),
    Case(euclid_on_floats, (7.3, 2.1), (0, 1)),
    Case(neville, (np.arange(10.0), RNG.normal(size=10), 4.3), (0, 1, 2)),
    Case(kahan_sum, (RNG.normal(size=15),)),
    Case(bits_of_integer, (RNG.normal(size=16), 0b1011001110)),
)
