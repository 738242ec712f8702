"""Options, bonds, portfolios, time series."""

import bisect
import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from ..case import Case


class Payoff(ABC):
    def __init__(self, strike):
        self.strike = strike

    @abstractmethod
    def __call__(self, spot):
        ...


class Call(Payoff):
    def __call__(self, spot):
        return max(spot - self.strike, 0.0)


class Put(Payoff):
    def __call__(self, spot):
        return max(self.strike - spot, 0.0)


class Tree:
    def __init__(self, spot, volatility, rate, steps):
        self.up = math.exp(volatility * math.sqrt(1 / steps))
        self.steps, self.spot = steps, spot
        self.discount = math.exp(-rate / steps)
        self.p = (math.exp(rate / steps) - 1 / self.up) / (self.up - 1 / self.up)

    def price(self, payoff, american=False):
        values = [payoff(self.spot * self.up ** (2 * j - self.steps)) for j in range(self.steps + 1)]
        for n in range(self.steps, 0, -1):
            values = [self.discount * (self.p * b + (1 - self.p) * a) for a, b in zip(values, values[1:])]
            if american:
                values = [max(v, payoff(self.spot * self.up ** (2 * j - n + 1))) for j, v in enumerate(values)]
        return values[0]


def options_on_a_tree(spot, volatility):
    tree = Tree(spot, volatility, 0.03, 5)
    book = {"call": (Call(98.0), False), "put": (Put(103.0), True)}
    return sum(tree.price(p, american=a) for p, a in book.values())


def norm_cdf(x):
    return 0.5 * (1 + math.erf(x / math.sqrt(2)))


def black_scholes(S, K, T, r, sigma):
    d1 = (math.log(S / K) + (r + sigma**2 / 2) * T) / (sigma * math.sqrt(T))
    return S * norm_cdf(d1) - K * math.exp(-r * T) * norm_cdf(d1 - sigma * math.sqrt(T))


def implied_volatility(price, spot):
    """By Newton's method; quotes in a list of tuples."""
    quotes = [(95.0, 0.5, 1.1), (100.0, 0.5, 1.0), (105.0, 1.0, 1.2)]
    found = []
    for strike, maturity, scale in quotes:
        sigma = 0.3
        for _ in range(20):
            error = black_scholes(spot, strike, maturity, 0.01, sigma) - price * scale
            d1 = (math.log(spot / strike) + (0.01 + sigma**2 / 2) * maturity) / (sigma * math.sqrt(maturity))
            vega = spot * math.sqrt(maturity) * math.exp(-(d1**2) / 2) / math.sqrt(2 * math.pi)
            sigma = sigma - error / vega
        found.append(sigma)
    return found[0] + 2 * found[1] - found[2]


class Curve:
    """Discount factors by interpolation between nodes."""

    def __init__(self, nodes, rates):
        self.nodes, self.rates = nodes, rates

    def rate(self, t):
        i = min(max(bisect.bisect_right(self.nodes, t) - 1, 0), len(self.nodes) - 2)
        w = (t - self.nodes[i]) / (self.nodes[i + 1] - self.nodes[i])
        return (1 - w) * self.rates[i] + w * self.rates[i + 1]

    def __call__(self, t):
        return math.exp(-self.rate(t) * t)


@dataclass
class Bond:
    coupon: float
    maturity: int
    face: float = 100.0

    def flows(self):
        for year in range(1, self.maturity + 1):
            yield year, self.coupon + (self.face if year == self.maturity else 0.0)

    def price(self, curve):
        return sum(amount * curve(t) for t, amount in self.flows())

    def duration(self, curve):
        return sum(t * amount * curve(t) for t, amount in self.flows()) / self.price(curve)


def bonds(rates, coupon):
    curve = Curve([0.5, 2.0, 5.0, 10.0], rates)
    book = [Bond(coupon, 3), Bond(2.0, 6), Bond(0.0, 8)]
    return sum(b.price(curve) for b in book) / 100 + max(b.duration(curve) for b in book)


def portfolio(weights, risk_aversion):
    names = ["a", "b", "c"]
    returns = {"a": [0.01, 0.03, -0.02, 0.04], "b": [0.02, -0.01, 0.01, 0.0], "c": [-0.01, 0.05, 0.02, -0.03]}
    w = dict(zip(names, np.exp(weights) / np.sum(np.exp(weights))))
    series = [sum(w[n] * returns[n][t] for n in names) for t in range(4)]
    mean = sum(series) / len(series)
    variance = sum((s - mean) ** 2 for s in series) / (len(series) - 1)
    drawdown, peak, wealth = 0.0, 1.0, 1.0
    for s in series:
        wealth *= 1 + s
        peak = max(peak, wealth)
        drawdown = max(drawdown, 1 - wealth / peak)
    return mean - risk_aversion * variance - 0.1 * drawdown


class Garch:
    def __init__(self, omega, alpha, beta):
        self.omega, self.alpha, self.beta = omega, alpha, beta
        self.variance = omega / (1 - alpha - beta)

    def update(self, r):
        ll = -0.5 * (math.log(2 * math.pi * self.variance) + r * r / self.variance)
        self.variance = self.omega + self.alpha * r * r + self.beta * self.variance
        return ll


def garch(parameters):
    model, total = Garch(*parameters), 0.0
    for r in SERIES:
        total += model.update(r)
    return total / len(SERIES) + model.variance


def annuity(rate, payment):
    """A plan that is paid back month by month; the last payment is what is left."""
    balance, interest, log = 1000.0, 0.0, []
    while balance > 1.0:
        charge = balance * rate / 12
        paid = payment if payment < balance + charge else balance + charge
        interest += charge
        balance = balance + charge - paid
        log.append(charge)
    return interest + log[-1] + log[0] + len(log)


SERIES = np.random.default_rng(2).normal(size=15) * 0.3
CASES = [
    Case(options_on_a_tree, (100.0, 0.25), (0, 1), second=False),
    Case(implied_volatility, (8.0, 100.0), (0, 1), rtol=1e-6),
    Case(bonds, (np.array([0.01, 0.02, 0.025, 0.03]), 3.0), (0, 1), second=False),
    Case(portfolio, (np.array([0.1, -0.3, 0.4]), 2.0), (0, 1), second=False),
    Case(garch, (np.array([0.02, 0.1, 0.7]),)), Case(annuity, (0.05, 93.0), (0, 1), second=False),
]
