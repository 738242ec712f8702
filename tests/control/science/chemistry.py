"""Reactions, equations of state, molecules: dicts of species, lists of bonds, iterations to convergence."""

import functools
import math
from collections import namedtuple

import numpy as np

from ..case import Case

Reaction = namedtuple("Reaction", "reactants products rate")


class Network:
    def __init__(self, *reactions):
        self.reactions = list(reactions)
        self.species = sorted({s for r in reactions for s in (*r.reactants, *r.products)})

    def rates(self, c):
        change = dict.fromkeys(self.species, 0.0)
        for r in self.reactions:
            flux = functools.reduce(lambda a, s: a * c[s] ** r.reactants[s], r.reactants, r.rate)
            for s, n in r.reactants.items():
                change[s] -= n * flux
            for s, n in r.products.items():
                change[s] += n * flux
        return change

    def step(self, c, h):
        k1 = self.rates(c)
        k2 = self.rates({s: v + 0.5 * h * k1[s] for s, v in c.items()})
        return {s: v + h * k2[s] for s, v in c.items()}


def kinetics(k, start):
    net = Network(Reaction({"A": 1, "B": 1}, {"C": 1}, k[0]), Reaction({"C": 1}, {"A": 1, "B": 1}, k[1]),
                  Reaction({"C": 2}, {"D": 1}, k[2]))
    c = {"A": start, "B": 0.8, "C": 0.0, "D": 0.0}
    history = {s: [v] for s, v in c.items()}
    for _ in range(20):
        c = net.step(c, 0.1)
        for s in c:
            history[s].append(c[s])
    return c["D"] * 5 + np.trapezoid(np.array(history["C"]), dx=0.1) + max(history["C"])


class Arrhenius:
    R = 8.314e-3

    def __init__(self, A, Ea):
        self.A, self.Ea = A, Ea

    def __call__(self, T):
        return self.A * np.exp(-self.Ea / (self.R * T))

    def __mul__(self, other):
        return Arrhenius(self.A * other.A, self.Ea + other.Ea)


def reactor(parameters, heating):
    k = Arrhenius(parameters[0] * 1e4, parameters[1]) * Arrhenius(2.0, 1.0)
    T, x = 300.0, 0.0
    temperatures = [T]
    while x < 0.5 and len(temperatures) < 60:
        rate = k(temperatures[-1]) * (1 - x)
        x = x + 0.2 * rate
        temperatures.append(temperatures[-1] + 0.2 * (heating + 20 * rate))
    return x + np.mean(np.array(temperatures)) / 300 + temperatures[-1] / 300


def van_der_waals(a, b):
    """The volume at a pressure by Newton's method, then the work along a list of volumes."""
    def pressure(v):
        return 1.2 / (v - b) - a / v**2

    v = 1.5
    for _ in range(30):
        slope = -1.2 / (v - b) ** 2 + 2 * a / v**3
        new = v - (pressure(v) - 0.6) / slope
        if abs(new - v) < 1e-12:
            break
        v = new
    steps = [v * (1 + 0.1 * k) for k in range(5)]
    work = sum((q - p) * 0.5 * (pressure(p) + pressure(q)) for p, q in zip(steps, steps[1:]))
    return work + v


class Molecule:
    def __init__(self, positions, bonds, charges):
        self.positions, self.bonds, self.charges = positions, bonds, charges

    def distance(self, i, j):
        return np.linalg.norm(self.positions[i] - self.positions[j])

    def terms(self):
        for i, j, k, length in self.bonds:
            yield 0.5 * k * (self.distance(i, j) - length) ** 2
        bonded = {(i, j) for i, j, *_ in self.bonds}
        for i in range(len(self.positions)):
            for j in range(i):
                if (j, i) not in bonded:
                    r = self.distance(i, j)
                    yield 0.1 * ((1 / r) ** 12 - (1 / r) ** 6) + self.charges[i] * self.charges[j] / r

    def energy(self):
        return sum(self.terms())


def force_field(positions, stiffness):
    bonds = [(0, 1, stiffness, 1.0), (1, 2, stiffness, 1.1), (2, 3, 0.5 * stiffness, 0.9)]
    return Molecule(positions, bonds, [0.2, -0.1, -0.2, 0.1]).energy()


def titration(pKa, volumes):
    """pH by bisection at each volume, made better by a step of Newton's; the curve is compared with one."""
    Ka, curve = 10.0 ** -pKa, []

    def excess(h, base, total):
        return h + base - 1e-14 / h - total * Ka / (Ka + h)

    for v in volumes:
        lo, hi = 0.0, 14.0
        base, total = 0.1 * v / (50 + v), 0.1 * 50 / (50 + v)
        for _ in range(45):
            mid = 0.5 * (lo + hi)
            if excess(10.0 ** -mid, base, total) > 0:
                lo = mid
            else:
                hi = mid
        h = 10.0 ** -(0.5 * (lo + hi))
        h = h - excess(h, base, total) / (1 + 1e-14 / h**2 + total * Ka / (Ka + h) ** 2)
        curve.append(-math.log10(h))
    return sum((p - 5.0) ** 2 for p in curve) * pKa


Level = namedtuple("Level", ["energy", "degeneracy"])


def partition(levels, temperature):
    states = [Level(e, 2 * j + 1) for j, e in enumerate(levels)]
    beta = 1 / temperature
    weights = {n: s.degeneracy * math.exp(-beta * s.energy) for n, s in enumerate(states)}
    Z = sum(weights.values())
    mean = sum(w * states[n].energy for n, w in weights.items()) / Z
    square = sum(w * states[n].energy ** 2 for n, w in weights.items()) / Z
    likeliest = max(weights, key=lambda n: states[n].degeneracy)
    return mean + beta**2 * (square - mean**2) + math.log(Z) + weights[likeliest] / Z


CASES = [
    Case(kinetics, (np.array([1.0, 0.2, 0.7]), 1.0), (0, 1), second=False),
    Case(reactor, (np.array([0.9, 12.0]), 1.5), (0, 1), second=False),
    Case(van_der_waals, (0.4, 0.1), (0, 1), rtol=1e-6),
    Case(force_field, (np.array([[0.0, 0.0, 0.1], [1.0, 0.1, 0.0], [1.6, 1.0, 0.2], [2.5, 1.2, 0.4]]), 2.0), (0, 1)),
    Case(titration, (4.7, [5.0, 20.0, 35.0]), (0,), second=False, rtol=1e-6),
    Case(partition, (np.array([0.0, 0.4, 1.1, 2.0]), 0.8), (0, 1)),
]
