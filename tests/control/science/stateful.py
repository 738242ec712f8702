"""State that outlives a call: filters in cascades, accounts, searches that end by an exception, streams, registers."""

import functools
import itertools
import math
from collections import UserList
from dataclasses import dataclass, field

import numpy as np

from ..case import Case


class Biquad:
    def __init__(self, b, a):
        self.b, self.a, self.state = b, a, [0.0, 0.0]

    def send(self, x):
        y = self.b[0] * x + self.state[0]
        self.state[0] = self.b[1] * x - self.a[0] * y + self.state[1]
        self.state[1] = self.b[2] * x - self.a[1] * y
        return y

    def __rshift__(self, other):
        return Cascade([self, other])


class Cascade(UserList):
    def send(self, x):
        return functools.reduce(lambda v, f: f.send(v), self, x)

    def __rshift__(self, other):
        return Cascade([*self, other])


def equaliser(p):
    chain = Biquad(p[:3], p[3:]) >> Biquad([1.0, 0.1, 0.0], [0.2, 0.1]) >> Biquad(list(p[:3]), [0.0, 0.1])
    ys = [chain.send(math.sin(0.3 * n) + (n % 5 == 0)) for n in range(50)]
    power = math.sqrt(math.fsum(y * y for y in ys) / len(ys))
    return 20 * math.log10(power) + len(chain)


@dataclass
class Account:
    balance: float
    history: list = field(default_factory=list)
    limits: dict = field(default_factory=lambda: {"min": 0.0})

    def __post_init__(self):
        self.history.append(self.balance)

    def __iadd__(self, amount):
        self.balance = self.balance + amount
        self.history.append(self.balance)
        return self

    def withdraw(self, amount):
        if self.balance - amount < self.limits["min"]:
            raise ValueError(f"only {self.balance:.2f}")
        self += -amount


def bank(p):
    a, b, failures = Account(p[0]), Account(5.0), 0
    for _ in range(8):
        try:
            a.withdraw(p[1])
        except ValueError:
            failures += 1
            a += 2.0
        else:
            b += p[1] * 0.5
        finally:
            a.balance *= p[2]
    return a.balance + 2 * b.balance + failures + sum(a.history) * 0.01 + len(b.history)


class Found(Exception):
    def __init__(self, x, steps):
        super().__init__(f"{x} after {steps}")
        self.x, self.steps = x, steps


def golden_section(p):
    def f(t):
        return (t - p[0]) ** 2 + p[1] * math.cosh(t * 0.5)

    def search(lo, hi):
        phi = (math.sqrt(5) - 1) / 2
        a, b = hi - phi * (hi - lo), lo + phi * (hi - lo)
        for steps in itertools.count():
            if hi - lo < 1e-3:
                raise Found((lo + hi) / 2, steps)
            if f(a) < f(b):
                hi, b, a = b, a, b - phi * (b - lo)
            else:
                lo, a, b = a, b, a + phi * (hi - a)

    try:
        search(-3.0, 3.0)
    except Found as e:
        x, steps = e.x, e.steps
    for _ in range(4):
        x = x - (2 * (x - p[0]) + 0.5 * p[1] * math.sinh(0.5 * x)) / (2 + 0.25 * p[1] * math.cosh(0.5 * x))
    return f(x) + steps * 0.01


def streams(p):
    def source(n):
        x = p[0]
        for k in range(n):
            x = 0.9 * x + p[1]
            got = yield x, k
            if got is not None:
                x = x + got

    def scaled(items, f):
        for v, k in items:
            yield v * f(k)

    def both(n):
        yield from scaled(source(n), lambda k: 1 / (k + 1))
        return p[2]

    def run():
        last = yield from both(6)
        yield last * 100

    first = source(4)
    total = next(first)[0] + first.send(0.5)[0] + sum(v for v, _ in first)
    sums = list(itertools.accumulate(run(), lambda a, b: a * 0.5 + b))
    return total + sum(a * b for a, b in itertools.zip_longest(sums, sums[1:], fillvalue=1.0))


class Registers:
    def __init__(self):
        self._held = {}

    def __getattr__(self, name):
        if name.startswith("gain_"):
            return self._held.setdefault(name, float(len(name)))
        raise AttributeError(name)

    def __setitem__(self, k, v):
        self._held[k] = v

    def __getitem__(self, k):
        return self._held[k]

    def __contains__(self, k):
        return k in self._held

    def __bool__(self):
        return bool(self._held)

    def __enter__(self):
        self["depth"] = self._held.get("depth", 0) + 1
        return self

    def __exit__(self, *error):
        self["depth"] -= 1
        return error[0] is KeyError


def registers(p):
    r, out = Registers(), 0.0
    with r as s:
        s["x"] = p[0] * s.gain_a
        with r:
            s["y"] = p[1] * s["depth"]
            r["nothing"]
            out = 1e9
        out += s["depth"]
    if r and "x" in r:
        out += r["x"] * r["y"]
    return out + p[0] * r["depth"]


def nodes(f, a, b, tolerance):
    """Where a function is bent: pieces of an interval that are nearly straight."""
    m = 0.5 * (a + b)
    if abs(f(m) - 0.5 * (f(a) + f(b))) < tolerance:
        return [(a, f(a))]
    return nodes(f, a, m, tolerance) + nodes(f, m, b, tolerance)


def adaptive_trapezoids(p):
    def f(t):
        return np.exp(-p[0] * t) * np.sin(p[1] * t)

    found = nodes(f, 0.0, 2.0, 1e-2) + [(2.0, f(2.0))]
    return sum((b[0] - a[0]) * (a[1] + b[1]) / 2 for a, b in zip(found, found[1:], strict=False))


CASES = [
    Case(equaliser, (np.array([0.2, 0.4, 0.2, -0.5, 0.2]),)), Case(bank, (np.array([10.0, 3.1, 1.02]),)),
    Case(golden_section, (np.array([2.0, 3.0]),), second=False), Case(streams, (np.array([2.0, 0.7, 0.1]),)),
    Case(registers, (np.array([0.7, -0.4]),)), Case(adaptive_trapezoids, (np.array([0.7, 6.0]),), second=False),
]
