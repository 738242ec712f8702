"""What a run records: events, accepted steps, series by generators, parts that are computed once, units in force."""

import math
from collections import namedtuple
from contextlib import contextmanager
from itertools import count, islice

import numpy as np

from ..case import Case

Event = namedtuple("Event", "time height")


class Collision(RuntimeError):
    pass


def crossings(y0, mu):
    y, t, h, events = y0.copy(), 0.0, 0.02, []

    def pull(p):
        return -mu * p / np.linalg.norm(p) ** 3

    while t < 9.0:
        p, v = y[:2], y[2:]
        if np.linalg.norm(p) < 0.05:
            raise Collision(f"at t = {t}")
        half = v + 0.5 * h * pull(p)
        moved = p + h * half
        if p[1] > 0 >= moved[1]:
            part = p[1] / (p[1] - moved[1])
            events.append(Event(t + part * h, p[0] + part * (moved[0] - p[0])))
        y = np.concatenate([moved, half + 0.5 * h * pull(moved)])
        t += h
    return y[0] + events[-1].time + sum(e.height for e in events) + 0.1 * len(events)


class StepTooSmall(ArithmeticError):
    pass


def adaptive(f, y, end, tolerance):
    t, h, stats = 0.0, 0.1, {"accepted": 0, "rejected": 0}
    times, states = [t], [y]
    while t < end:
        h = min(h, end - t)
        k1 = f(y)
        k2 = f(y + h * k1)
        high = y + h / 2 * (k1 + k2)
        error = np.max(np.abs(high - y - h * k1)) / tolerance
        if error <= 1:
            t, y = t + h, high
            times.append(t)
            states.append(y)
            stats["accepted"] += 1
        else:
            stats["rejected"] += 1
        h = h * min(2.0, max(0.3, 0.9 / math.sqrt(error + 1e-12)))
        if h < 1e-9:
            raise StepTooSmall(t)
    return np.array(times), np.array(states), stats


def predators(rates):
    def flow(y):
        return np.array([rates[0] * y[0] - rates[1] * y[0] * y[1], -rates[2] * y[1] + rates[3] * y[0] * y[1]])

    times, states, stats = adaptive(flow, np.array([1.0, 0.7]), 2.0, 1e-3)
    return np.trapezoid(states[:, 0] ** 2, times) + states[-1] @ np.array([1.0, 2.0]) + 0.01 * stats["accepted"]


def legendre(x):
    a, b = np.ones_like(x), x
    for n in count(1):
        yield a
        a, b = b, ((2 * n + 1) * x * b - n * a) / (n + 1)


def series(c, x):
    rest = sum(k * p for k, p in zip(c, legendre(x), strict=False)) - np.exp(x)
    return rest @ rest + next(islice(legendre(x), 3, None)).sum()


class Node:
    __slots__ = ("kids", "op", "value")

    def __init__(self, op, *kids, value=None):
        self.op, self.kids, self.value = op, kids, value

    def __add__(self, other):
        return Node("+", self, other)

    def __mul__(self, other):
        return Node("*", self, other)


OPERATORS = {"+": lambda a, b: a + b, "*": lambda a, b: a * b, "sin": np.sin}


def evaluate(node, known):
    if id(node) not in known:
        parts = [evaluate(k, known) for k in node.kids]
        known[id(node)] = node.value if node.op == "leaf" else OPERATORS[node.op](*parts)
    return known[id(node)]


def expression(x):
    a, b = (Node("leaf", value=v) for v in x)
    s = a + b
    for _ in range(4):
        s = s * Node("sin", s) + a
    return evaluate(s, {})


def basis(x, k, i, knots):
    if k == 0:
        return np.where((knots[i] <= x) & (x < knots[i + 1]), 1.0, 0.0)
    left = (x - knots[i]) / (knots[i + k] - knots[i])
    right = (knots[i + k + 1] - x) / (knots[i + k + 1] - knots[i + 1])
    return left * basis(x, k - 1, i, knots) + right * basis(x, k - 1, i + 1, knots)


def spline_by_recursion(c, x):
    knots = np.linspace(-0.5, 1.5, len(c) + 4)
    return np.sum(sum(w * basis(x, 3, i, knots) for i, w in enumerate(c)) ** 2)


class Units:
    stack = [1.0]

    def __init__(self, factor):
        self.factor = factor

    def __enter__(self):
        Units.stack.append(Units.stack[-1] * self.factor)
        return Units.stack[-1]

    def __exit__(self, *_):
        Units.stack.pop()
        return False


@contextmanager
def scaled(x, s):
    yield x * s


def in_units(x):
    total = 0.0
    with Units(10.0) as u, scaled(x, 2.0) as y:
        with Units(0.5) as w:
            total += np.sum(y) * w
        total += u * y[0] ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where(x > 0, np.log(np.abs(x)), 0.0)
    return total + z.sum()


CASES = [
    Case(crossings, (np.array([1.0, 0.3, 0.1, 1.1]), 1.0), (0, 1), step=1e-5, rtol=1e-6, second=False),
    Case(predators, (np.array([1.1, 0.4, 0.4, 0.1]),), second=False),
    Case(series, (np.array([0.5, 0.2, 0.1, 0.05]), np.linspace(-1, 1, 9))), Case(expression, (np.array([0.3, 0.4]),)),
    Case(spline_by_recursion, (np.array([0.3, -0.4, 0.9, 0.2, 0.1]), np.linspace(0.05, 0.9, 6)), (0, 1)),
    Case(in_units, (np.array([1.0, -2.0, 0.5]),)),
]
