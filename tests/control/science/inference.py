"""Likelihoods, mixtures, chains, survival: distributions as classes, samples in lists."""

import itertools
import math
import statistics
from functools import singledispatch

import numpy as np

from ..case import Case


class Distribution:
    def logpdf(self, x):
        raise NotImplementedError

    def __add__(self, other):
        return Mixture([self, other], [0.5, 0.5])


class Normal(Distribution):
    def __init__(self, mean, sd):
        self.mean, self.sd = mean, sd

    def logpdf(self, x):
        return -0.5 * ((x - self.mean) / self.sd) ** 2 - math.log(self.sd) - 0.5 * math.log(2 * math.pi)


class Laplace(Distribution):
    def __init__(self, mean, scale):
        self.mean, self.scale = mean, scale

    def logpdf(self, x):
        return -abs(x - self.mean) / self.scale - math.log(2 * self.scale)


class Mixture(Distribution):
    def __init__(self, parts, weights):
        self.parts, self.weights = parts, weights

    def logpdf(self, x):
        terms = [math.log(w) + p.logpdf(x) for p, w in zip(self.parts, self.weights)]
        top = max(terms)
        return top + math.log(sum(math.exp(t - top) for t in terms))


def mixture(means, scales):
    model = Normal(means[0], scales[0]) + Laplace(means[1], scales[1])
    return -sum(model.logpdf(x) for x in SAMPLE)


def expectation_maximisation(start, spread):
    means, weights = [start, start + 1.5], [0.5, 0.5]
    for _ in range(10):
        resp = []
        for x in SAMPLE[:6]:
            p = [w * math.exp(-((x - m) ** 2) / (2 * spread)) for m, w in zip(means, weights)]
            resp.append([v / sum(p) for v in p])
        totals = [sum(r[k] for r in resp) for k in range(2)]
        means = [sum(r[k] * x for r, x in zip(resp, SAMPLE)) / totals[k] for k in range(2)]
        weights = [t / sum(totals) for t in totals]
    return means[0] * 2 + means[1] * weights[0]


class HMM:
    def __init__(self, transition, emission):
        self.transition, self.emission = transition, emission

    def forward(self, observed):
        alpha = np.array([0.6, 0.4])
        loglik = 0.0
        for o in observed:
            alpha = (alpha @ self.transition) * self.emission[:, o]
            scale = alpha.sum()
            loglik += math.log(scale)
            alpha = alpha / scale
        return loglik, alpha

    def viterbi(self, observed):
        score = {0: math.log(0.6), 1: math.log(0.4)}
        for o in observed:
            score = {j: max(score[i] + math.log(self.transition[i, j]) for i in score) + math.log(self.emission[j, o])
                     for j in (0, 1)}
        return max(score.values())


def hidden_states(stay, emission):
    T = np.array([[stay, 1 - stay], [1 - stay, stay]])
    E = np.exp(emission) / np.sum(np.exp(emission), axis=1, keepdims=True)
    model, seen = HMM(T, E), [0, 1, 1, 2, 0, 2, 2, 1]
    loglik, last = model.forward(seen)
    return -loglik + last[0] - 0.1 * model.viterbi(seen)


@singledispatch
def penalty(x):
    raise TypeError(f"no penalty for {type(x).__name__}")


@penalty.register
def _(x: float):
    return 0.5 * x**2


@penalty.register(np.ndarray)
def _(x):
    return np.sum(np.abs(x)) + penalty(float(x[0]))


@penalty.register(dict)
def _(x):
    return sum(penalty(v) for v in x.values())


def hierarchical(effects, scale):
    groups = {"a": SAMPLE[:4], "b": SAMPLE[4:8], "c": SAMPLE[8:]}
    parameters = {"effects": effects, "scale": scale}
    loss = penalty(parameters)
    for e, (_name, xs) in zip(effects, sorted(groups.items())):
        loss += sum((x - e) ** 2 for x in xs) / scale + len(xs) * math.log(scale)
    centres = [statistics.mean(g) * e for g, e in zip(groups.values(), effects)]
    return loss + statistics.pvariance(centres)


def survival(hazard, shape):
    """A Weibull model with censored times; the estimate of Kaplan and Meier goes beside it."""
    records = [(1.2, True), (0.4, True), (2.5, False), (0.9, True), (3.0, False)]
    loglik, alive, curve = 0.0, len(records), 1.0
    for time, died in sorted(records):
        cumulative = (time / hazard) ** shape
        loglik -= cumulative
        if died:
            loglik += math.log(shape / hazard) + (shape - 1) * math.log(time / hazard)
            curve *= 1 - 1 / alive
            loglik -= 0.1 * (math.exp(-cumulative) - curve) ** 2
        alive -= 1
    return -loglik


def hamiltonian(position, step):
    """A trajectory of leapfrog steps, the acceptances of which are smooth."""
    energy = lambda q, p: 0.5 * p @ p + 0.25 * np.sum(q**4) + 0.1 * q[0] * q[1]
    force = lambda q: -(q**3) - 0.1 * q[::-1]
    q, chain = position, []
    for p0 in ((0.3, -0.5), (-0.2, 0.8)):
        p = np.array(p0)
        start = energy(q, p)
        for _ in range(12):
            p = p + 0.5 * step * force(q)
            q = q + step * p
            p = p + 0.5 * step * force(q)
        chain.append((q, math.exp(start - energy(q, p))))
    lag = sum(a[0] @ b[0] for a, b in itertools.pairwise(chain))
    return sum(w * np.sum(x**2) for x, w in chain) + lag


SAMPLE = [0.3, -1.1, 0.8, 1.9, 0.1, -0.4, 1.2, 2.2, 0.7, -0.2]
CASES = [
    Case(mixture, (np.array([0.2, 1.5]), np.array([0.8, 0.5])), (0, 1), second=False),
    Case(expectation_maximisation, (-0.5, 0.4), (0, 1)),
    Case(hidden_states, (0.8, np.array([[0.5, 0.1, -0.4], [-0.3, 0.2, 0.6]])), (0, 1), second=False),
    Case(hierarchical, (np.array([0.4, 0.9, 0.5]), 0.7), (0, 1), second=False), Case(survival, (1.5, 1.3), (0, 1)),
    Case(hamiltonian, (np.array([0.7, -0.4]), 0.1), (0, 1)),
]
