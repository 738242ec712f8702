"""Python as people write it: objects, closures, defaults, containers, views, helpers that change their arguments."""

import functools
from collections import namedtuple
from dataclasses import dataclass

import numpy as np

from ..case import Case

RNG = np.random.default_rng(8)
GAIN = 0.7
TABLE = np.linspace(0.5, 1.5, 12)


class Oscillator:
    """State in attributes, changed by methods, a property read in between."""

    def __init__(self, x, v, k):
        self.x, self.v, self.k = x, v, k
        self.history = np.zeros(20)
        self.count = 0

    @property
    def energy(self):
        return 0.5 * self.v ** 2 + 0.5 * self.k * self.x ** 2

    def step(self, h=0.1):
        self.v -= h * self.k * self.x
        self.x += h * self.v
        self.history[self.count] = self.energy
        self.count += 1


def object_with_state(x, k):
    o = Oscillator(x, 0.1, k)
    for _ in range(20):
        o.step()
    return np.sum(o.history) + o.x * o.count


@dataclass
class State:
    pos: np.ndarray
    vel: np.ndarray
    time: float = 0.0


def dataclass_state(start, drag):
    s = State(start.copy(), np.zeros_like(start))
    for _ in range(15):
        s.vel += 0.1 * (-s.pos - drag * s.vel)
        s.pos += 0.1 * s.vel
        s.time += 0.1
    return np.sum(s.pos ** 2) + s.time * s.vel[0]


Point = namedtuple("Point", "x y")


def namedtuple_carried(x, y):
    p = Point(x, y)
    for _ in range(12):
        p = Point(p.x * 0.9 + 0.1 * p.y, p.y * 0.8 + 0.1 * np.sin(p.x))
    return p.x * p.y


def dictionary_of_parameters(params, xs):
    """A dict of arrays, changed by augmented items."""
    state = {"w": params["w"].copy(), "b": params["b"]}
    for x in xs:
        err = np.tanh(state["w"] @ x + state["b"])
        state["w"] -= 0.1 * err * x
        state["b"] -= 0.1 * err
    return np.sum(state["w"] ** 2) + state["b"] ** 2


def list_of_layers(w1, w2, w3, x):
    """The list is plain Python; the rows within are a loop."""
    layers = [(w1, np.tanh), (w2, np.sin), (w3, lambda z: z / (1 + z ** 2))]
    for w, activation in layers:
        out = np.zeros(w.shape[0])
        for i in range(w.shape[0]):
            out[i] = activation(w[i] @ x)
        x = out
    return x.sum()


def closures_and_defaults(x, shift=0.3):
    scale = 1.5

    def make(power):
        def term(v, offset=shift):
            return scale * (v + offset) ** power * GAIN
        return term

    terms = [make(p) for p in (1, 2, 3)]
    total = 0.0
    for i in range(len(x)):
        for t in terms:
            total += t(x[i]) * TABLE[i]
    return total


def nonlocal_accumulator(x):
    total = 0.0
    count = 0

    def add(v):
        nonlocal total, count
        total += np.sin(v) * (1 + total / 10)
        count += 1

    for v in x:
        add(v)
    return total * count


def helpers_that_mutate(x, y):
    def axpy(a, x, y):
        for i in range(len(x)):
            y[i] += a * x[i]

    def scale(x, s):
        x *= s

    def swap(a, i, j):
        a[i], a[j] = a[j], a[i]

    u, v = x.copy(), y.copy()
    for k in range(10):
        axpy(0.1 * k, u, v)
        scale(u[::2], 0.9)
        swap(v, k, 9 - k)
    return u @ v


def overlapping_views(x):
    """Two views of one array that overlap, written and read in iterations."""
    a = x.copy()
    left, right = a[:-1], a[1:]
    for _ in range(10):
        left += 0.1 * right
        right *= 0.95
        a[3] += left[3] * right[3]
    return np.sum(a ** 2)


def rows_by_reference(m, weights):
    """`for row in m` gives views: writing to a row changes the matrix."""
    m = m.copy()
    for w, row in zip(weights, m):
        row -= row.mean()
        row *= w
        row[0] = w
    return np.sum(m ** 3)


def view_of_view_elements(m):
    a = m.copy()
    for i in range(a.shape[0]):
        row = a[i]
        part = row[1:-1]
        for j in range(part.shape[0]):
            part[j] = part[j] * row[j] + row[j + 2]
    return np.sum(a)


def transposed_writes(m):
    a = m.copy()
    t = a.T
    n = len(a)
    for i in range(n):
        t[i, :i] += a[i, :i] * 0.5
        t[::-1][i, i] = np.sin(a[i, i])
    return np.sum(a * np.arange(n * n).reshape(n, n))


def swaps_of_whole_arrays(x, y):
    a, b = x.copy(), y.copy()
    for k in range(11):
        a, b = b, a + 0.1 * b * b
        a[k % 3] *= 1.1
    return a @ b


def masks_and_fancy_writes(x, idx):
    """Last write wins; add.at counts each."""
    y, z = x.copy(), np.zeros_like(x)
    for k in range(10):
        y[y > 1.0] *= 0.5
        y[idx] += 0.1 * k
        np.add.at(z, idx, y[idx])
        np.multiply(y, 1.01, out=y)
    return y @ z


def chained_conditions(x, lo, hi):
    total = 0.0
    for v in x:
        if lo < v < hi and not v == 0.0:
            total += v ** 2
        elif v <= lo or v >= 2 * hi:
            total += lo * v
        else:
            total += (hi if v > 1.5 * hi else lo + v) * v
    return total


def early_returns(x, limit):
    total = 0.0
    for i, v in enumerate(x):
        total += v * v
        if total > limit:
            return total * v
        for j in range(i):
            if x[j] * v > 2.0:
                return total + x[j]
    return -total


def search(x, target):
    """for/else: the index found, or else another way."""
    for i in range(len(x)):
        if x[i] > target:
            found = x[i] * i
            break
    else:
        found = x.sum()
    return found


def comprehension_inside_loop(x, w):
    total = 0.0
    for i in range(10):
        terms = [w[k] * x[i] ** k for k in range(4)]
        total += sum(terms) + max(t for t in terms) + np.array(terms[::-1]) @ w
    return total


def triangular_pairs(x):
    """Distances of all pairs, the counter of the flat result carried along."""
    n = len(x)
    d = np.zeros(n * (n - 1) // 2)
    k = 0
    for i in range(n):
        for j in range(i + 1, n):
            d[k] = np.sqrt(np.sum((x[i] - x[j]) ** 2))
            k += 1
    return np.sum(np.log(d) * np.arange(len(d))) * k


@functools.lru_cache
def binomials(n):
    """Plain Python, known while tracing."""
    row = [1]
    for k in range(n):
        row.append(row[-1] * (n - k) // (k + 1))
    return tuple(row)


def bernstein(points, t):
    n = len(points) - 1
    weights = binomials(n)
    p = np.zeros(points.shape[1])
    for k in range(n + 1):
        p += weights[k] * t ** k * (1 - t) ** (n - k) * points[k]
    return p @ p


def de_casteljau(points, t):
    p = points.copy()
    n = len(p)
    for r in range(1, n):
        for i in range(n - r):
            p[i] = (1 - t) * p[i] + t * p[i + 1]
    return np.sum(p[0] ** 2)


def ackermann_like_recursion(x, depth):
    """Loops within recursion within a loop."""
    def go(v, level):
        if level == 0:
            return np.sin(v)
        total = 0.0
        for k in range(9):
            total += 0.1 * k * v
        return go(v * 0.9, level - 1) + 0.01 * total

    out = 0.0
    for v in x:
        out += go(v, depth)
    return out


def while_true_with_two_exits(x):
    i, total = 0, 0.0
    while True:
        if i >= len(x):
            break
        total += x[i] * (i + 1)
        if total > 6.0:
            total *= 2
            break
        i += 1
    return total + i


def flag_driven(x):
    """A boolean that is carried, negated, and decides."""
    up, level, total = True, 0.0, 0.0
    for v in x:
        level += abs(v) if up else -0.5 * abs(v)
        if level > 2.0 or level < 0.0:
            up = not up
        total += level ** 2
    return total


def integers_carried(x, order):
    """Linked list by indices, with a count of visits kept in an integer array."""
    visits = np.zeros(len(x), dtype=int)
    at, total = 0, 0.0
    for step in range(20):
        visits[at] += 1
        total += x[at] / visits[at] + 0.01 * step * x[at] ** 2
        at = order[at]
    return total + visits.max()


def enumerate_reversed_zip(x, y):
    total = 0.0
    for k, (a, b) in enumerate(zip(reversed(x), y[::-1]), start=2):
        total += a * b / k
    for k in range(len(x) - 1, -1, -2):
        total -= x[k] * y[-k - 1]
    return total


def slots_by_negative_index(x):
    """A ring of the last values, and reads from the end."""
    ring = np.zeros(4)
    total = 0.0
    for k in range(len(x)):
        ring[k % 4] = x[k]
        total += ring[-1] * ring[(k - 1) % 4] + x[-k]
    return total


def walrus_and_conditional_expressions(x):
    total = 0.0
    for v in x:
        if (s := np.sin(3 * v)) > 0.1:
            total += s * v
        total += (v if v > 0 else -2 * v) * (1.0 if s > -0.5 else 0.25)
    return total


def polynomial_by_objects(coefficients, x):
    """Operators of a class of dual numbers: forward mode by hand, itself differentiated."""
    class Dual:
        def __init__(self, a, b):
            self.a, self.b = a, b

        def __add__(self, other):
            return Dual(self.a + other.a, self.b + other.b)

        def __mul__(self, other):
            return Dual(self.a * other.a, self.a * other.b + self.b * other.a)

    r = Dual(0.0, 0.0)
    for c in coefficients:
        r = r * Dual(x, 1.0) + Dual(c, 0.0)
    return r.a + r.b ** 2


W = [RNG.normal(size=s) / 2 for s in ((10, 4), (9, 10), (11, 9))]
CASES = (
    Case(object_with_state, (1.0, 2.0), (0, 1)),
    Case(dataclass_state, (RNG.normal(size=3), 0.2), (0, 1)),
    Case(namedtuple_carried, (0.5, 1.2), (0, 1)),
    Case(dictionary_of_parameters, ({"w": RNG.normal(size=3), "b": 0.1}, RNG.normal(size=(11, 3))), (0, 1)),
    Case(list_of_layers, (*W, RNG.normal(size=4)), (0, 1, 2, 3)),
    Case(closures_and_defaults, (RNG.normal(size=12),)),
    Case(nonlocal_accumulator, (RNG.normal(size=12),)),
    Case(helpers_that_mutate, (RNG.normal(size=10), RNG.normal(size=10)), (0, 1)),
    Case(overlapping_views, (RNG.normal(size=9) / 2,)),
    Case(rows_by_reference, (RNG.normal(size=(10, 4)), RNG.normal(size=10)), (0, 1)),
    Case(view_of_view_elements, (RNG.normal(size=(10, 12)),)),
    Case(transposed_writes, (RNG.normal(size=(10, 10)),)),
    Case(swaps_of_whole_arrays, (RNG.normal(size=4) / 2, RNG.normal(size=4) / 2), (0, 1)),
    Case(masks_and_fancy_writes, (RNG.normal(size=8), np.array([1, 3, 3, 6]))),
    Case(chained_conditions, (RNG.normal(size=20), -0.4, 0.6), (0, 1, 2)),
    Case(early_returns, (RNG.normal(size=15), 12.0)),
    Case(early_returns, (np.full(15, 1.5), 1e3)),
    Case(early_returns, (RNG.normal(size=15) / 4, 1e3)),
    Case(search, (np.sort(RNG.normal(size=12)), 0.5)),
    Case(search, (np.sort(RNG.normal(size=12)), 50.0)),
    Case(comprehension_inside_loop, (RNG.uniform(0.5, 0.9, 10), np.array([0.3, 2.0, 0.7, 0.9])), (0, 1)),
    Case(triangular_pairs, (RNG.normal(size=(10, 3)),)),
    Case(bernstein, (RNG.normal(size=(10, 2)), 0.3), (0, 1)),
    Case(de_casteljau, (RNG.normal(size=(10, 2)), 0.3), (0, 1)),
    Case(ackermann_like_recursion, (RNG.normal(size=10), 3)),
    Case(while_true_with_two_exits, (RNG.uniform(0, 0.5, 12),)),
    Case(while_true_with_two_exits, (RNG.uniform(0, 0.01, 12),)),
    Case(flag_driven, (RNG.normal(size=20),)),
    Case(integers_carried, (RNG.normal(size=10), RNG.permutation(10))),
    Case(enumerate_reversed_zip, (RNG.normal(size=11), RNG.normal(size=11)), (0, 1)),
    Case(slots_by_negative_index, (RNG.normal(size=12),)),
    Case(walrus_and_conditional_expressions, (RNG.normal(size=12),)),
    Case(polynomial_by_objects, (RNG.normal(size=11), 0.6), (0, 1)),
)
