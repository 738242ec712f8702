"""Epidemics, populations, neurons, sequences, trees."""

import math
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from ..case import Case


class Compartments(NamedTuple):
    s: float
    e: float
    i: float
    r: float

    def flow(self, beta, sigma, gamma):
        infected, ill, healed = beta * self.s * self.i, sigma * self.e, gamma * self.i
        return Compartments(-infected, infected - ill, ill - healed, healed)

    def moved(self, rate, h):
        return Compartments(*(x + h * d for x, d in zip(self, rate)))


def epidemic(beta, gamma):
    state = Compartments(0.99, 0.0, 0.01, 0.0)
    peak, infected = 0.0, []
    for day in range(40):
        b = beta * 0.5 if day > 20 else beta
        state = state.moved(state.flow(b, 0.4, gamma), 0.5)
        infected.append(state.i)
        peak = max(peak, state.i)
    return peak + state.r + np.sum(np.array(infected)) * 0.1


class Neuron:
    """Hodgkin and Huxley's, with its gates in a dict."""

    def __init__(self, g):
        self.v = -65.0
        self.g = g
        self.gates = {"m": 0.05, "h": 0.6, "n": 0.32}

    def rates(self):
        v = self.v
        return {
            "m": (0.1 * (v + 40.01) / (1 - math.exp(-(v + 40.01) / 10)), 4 * math.exp(-(v + 65) / 18)),
            "h": (0.07 * math.exp(-(v + 65) / 20), 1 / (1 + math.exp(-(v + 35) / 10))),
            "n": (0.01 * (v + 55.01) / (1 - math.exp(-(v + 55.01) / 10)), 0.125 * math.exp(-(v + 65) / 80)),
        }

    def step(self, current, dt):
        for name, (alpha, beta) in self.rates().items():
            self.gates[name] += dt * (alpha * (1 - self.gates[name]) - beta * self.gates[name])
        m, h, n = (self.gates[k] for k in "mhn")
        leak = self.g[0] * m**3 * h * (self.v - 50) + self.g[1] * n**4 * (self.v + 77) + self.g[2] * (self.v + 54.4)
        self.v += dt * (current - leak)
        return self.v


def hodgkin_huxley(g, current):
    cell = Neuron(g)
    trace = [cell.step(current, 0.02) for _ in range(60)]
    return np.mean(np.array(trace)) * 0.1 + cell.v * 0.1 + cell.gates["n"]


class Population:
    def __init__(self, ages, births, survival):
        self.ages, self.births, self.survival = ages, births, survival

    def __iter__(self):
        return iter(self.ages)

    def year(self):
        young = sum(b * n for b, n in zip(self.births, self))
        self.ages = [young, *(s * n for s, n in zip(self.survival, self.ages))]
        return self

    def __len__(self):
        return len(self.ages)


def leslie(births, survival):
    p = Population([1.0, 1.0, 1.0], births, survival)
    totals = []
    for _ in range(10):
        totals.append(sum(p.year()))
    return math.log(totals[-1] / totals[-2]) + p.ages[0] / sum(p) + len(p)


def alignment(match, gap):
    """The smooth score of two sequences by dynamic programming, in a dict of places."""
    a, b = "GATTA", "GCATG"
    score = defaultdict(float)
    for i in range(1, len(a) + 1):
        score[i, 0] = -gap * i
    for j in range(1, len(b) + 1):
        score[0, j] = -gap * j
    for i, x in enumerate(a, 1):
        for j, y in enumerate(b, 1):
            options = [score[i - 1, j - 1] + (match if x == y else -0.5 * match), score[i - 1, j] - gap,
                       score[i, j - 1] - gap]
            top = max(options)
            score[i, j] = top + math.log(sum(math.exp(o - top) for o in options))
    return score[len(a), len(b)]


class Node:
    def __init__(self, length=0.0, children=(), base=None):
        self.length, self.children, self.base = length, list(children), base

    def likelihood(self, rate):
        if self.base is not None:
            return np.array([1.0 if b == self.base else 0.0 for b in "ACGT"])
        found = np.ones(4)
        for child in self.children:
            same = 0.25 + 0.75 * np.exp(-4 / 3 * rate * child.length)
            P = np.full((4, 4), 0.0) + (1 - same) / 3
            P[np.diag_indices(4)] = same
            found = found * (P @ child.likelihood(rate))
        return found


def phylogeny(lengths, rate):
    total = 0.0
    for site in ("ACCA", "GGGT", "TTAA"):
        leaves = [Node(lengths[k], base=s) for k, s in enumerate(site)]
        root = Node(children=[Node(lengths[4], leaves[:2]), Node(lengths[5], leaves[2:])])
        total += np.log(root.likelihood(rate) @ np.full(4, 0.25))
    return -total


@dataclass(frozen=True)
class Dose:
    time: float
    amount: float
    depot: float = 0.0


def pharmacokinetics(ka, ke):
    doses = [Dose(0.0, 10.0), Dose(4.0, 5.0), replace(Dose(8.0, 10.0), depot=1.0)]
    gut, blood, samples, t = 0.0, 0.0, {}, 0.0
    for step in range(24):
        for d in doses:
            if abs(d.time - t) < 1e-9:
                gut += d.amount + d.depot
        gut, blood = gut - 0.5 * ka * gut, blood + 0.5 * (ka * gut - ke * blood)
        t += 0.5
        if step % 6 == 5:
            samples[t] = blood
    return sum((v - 3.0) ** 2 for v in samples.values()) / len(samples)


CASES = [
    Case(epidemic, (0.9, 0.2), (0, 1), second=False), Case(hodgkin_huxley, (np.array([120.0, 36.0, 0.3]), 5.0), (0, 1)),
    Case(leslie, (np.array([0.2, 1.1, 0.8]), np.array([0.7, 0.5])), (0, 1)), Case(alignment, (1.3, 0.6), (0, 1)),
    Case(phylogeny, (np.array([0.1, 0.3, 0.2, 0.15, 0.25, 0.4]), 1.2), (0, 1)),
    Case(pharmacokinetics, (0.9, 0.3), (0, 1)),
]
