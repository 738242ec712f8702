"""Networks, trees, embeddings, boosting: layers in lists, parameters in dicts."""

import math
from abc import ABC, abstractmethod
from typing import NamedTuple

import numpy as np

from ..case import Case

RNG = np.random.default_rng(3)


class Module(ABC):
    @abstractmethod
    def forward(self, x):
        ...

    def __call__(self, x):
        return self.forward(x)

    def __rshift__(self, other):
        return Chain([*getattr(self, "parts", [self]), *getattr(other, "parts", [other])])


class Chain(Module):
    def __init__(self, parts):
        self.parts = parts

    def forward(self, x):
        for part in self.parts:
            x = part(x)
        return x


class Dense(Module):
    def __init__(self, weights, bias):
        self.weights, self.bias = weights, bias

    def forward(self, x):
        return x @ self.weights + self.bias


class Activation(Module):
    functions = {"tanh": np.tanh, "relu": lambda x: np.maximum(x, 0), "gelu": lambda x: 0.5 * x * (1 + np.tanh(x))}

    def __init__(self, name):
        self.function = self.functions[name]

    def forward(self, x):
        return self.function(x)


def perceptron(parameters):
    net = Dense(parameters["w1"], parameters["b1"]) >> Activation("gelu") >> Dense(parameters["w2"], 0.1)
    logits = net(X) - np.max(net(X), axis=1, keepdims=True)
    p = np.exp(logits) / np.sum(np.exp(logits), axis=1, keepdims=True)
    return -np.mean(np.log(p[range(len(Y)), Y])) + 0.01 * sum(np.sum(v**2) for v in parameters.values())


class GRU:
    def __init__(self, p):
        self.p = p

    def gate(self, name, x, h):
        return 1 / (1 + np.exp(-(x @ self.p["x" + name] + h @ self.p["h" + name])))

    def scan(self, xs):
        h, states = np.zeros(2), []
        for x in xs:
            z, r = self.gate("z", x, h), self.gate("r", x, h)
            new = np.tanh(x @ self.p["xn"] + (r * h) @ self.p["hn"])
            h = (1 - z) * new + z * h
            states.append(h)
        return states


def recurrent(p):
    states = GRU(p).scan(X)
    return np.sum(np.stack(states) ** 2) + states[-1][0]


class Split(NamedTuple):
    feature: int
    threshold: float
    low: object
    high: object

    def soft(self, x, sharpness):
        g = 1 / (1 + np.exp(-sharpness * (x[self.feature] - self.threshold)))
        sides = [s.soft(x, sharpness) if isinstance(s, Split) else s for s in (self.low, self.high)]
        return (1 - g) * sides[0] + g * sides[1]


def soft_tree(thresholds, leaves):
    tree = Split(0, thresholds[0], Split(1, thresholds[1], leaves[0], leaves[1]), Split(2, 0.1, leaves[2], leaves[3]))
    return sum((tree.soft(x, 3.0) - y) ** 2 for x, y in zip(X, Y)) / len(X)


def attention(W, temperature):
    heads = []
    for name in ("a", "b"):
        q, k = X @ W[name], X @ W[name].T
        s = q @ k.T / temperature
        s = np.where(np.tril(np.ones_like(s)) > 0, s, -np.inf)
        w = np.exp(s - s.max(axis=1, keepdims=True))
        heads.append((w / w.sum(axis=1, keepdims=True)) @ X)
    out = np.concatenate(heads, axis=1)
    mean, std = out.mean(axis=1, keepdims=True), out.std(axis=1, keepdims=True)
    return np.sum(((out - mean) / (std + 0.1)) ** 3)


class Adam:
    def __init__(self, rate, betas=(0.9, 0.99)):
        self.rate, self.betas, self.t = rate, betas, 0
        self.m, self.v = {}, {}

    def step(self, params, grads):
        self.t += 1
        new = {}
        for k, g in grads.items():
            self.m[k] = self.betas[0] * self.m.get(k, 0.0) + (1 - self.betas[0]) * g
            self.v[k] = self.betas[1] * self.v.get(k, 0.0) + (1 - self.betas[1]) * g**2
            m, v = self.m[k] / (1 - self.betas[0] ** self.t), self.v[k] / (1 - self.betas[1] ** self.t)
            new[k] = params[k] - self.rate * m / (np.sqrt(v) + 1e-3)
        return new


def tuned_training(rate, decay):
    """A regression trained by Adam; what the learning rate does to the loss at the end."""
    params, opt = {"w": np.zeros(3), "b": 0.5}, Adam(rate)
    for _ in range(6):
        error = X @ params["w"] + params["b"] - Y
        grads = {"w": X.T @ error / len(Y) + decay * params["w"], "b": np.mean(error)}
        params = opt.step(params, grads)
    return np.mean((X @ params["w"] + params["b"] - Y) ** 2) + opt.t * 0.01


def boosting(shrinkage, sharpness):
    stumps = [(0, 0.0), (1, 0.3), (2, -0.2), (0, 0.5)]
    F = [0.0 for _ in Y]
    importance = {}
    for feature, cut in stumps:
        side = [1 / (1 + math.exp(-sharpness * (x[feature] - cut))) for x in X]
        residual = [y - f for y, f in zip(Y, F)]
        value = sum(s * r for s, r in zip(side, residual)) / sum(side)
        F = [f + shrinkage * value * s for f, s in zip(F, side)]
        importance[feature] = importance.get(feature, 0.0) + value**2
    return sum((y - f) ** 2 for y, f in zip(Y, F)) / len(F) + 0.1 * max(importance.values())


X = RNG.normal(size=(6, 3))
Y = np.array([0, 1, 1, 0, 1, 0])
GATES = {n: 0.5 * RNG.normal(size=(3 if n[0] == "x" else 2, 2)) for n in ("xz", "hz", "xr", "hr", "xn", "hn")}
LAYERS = {"w1": RNG.normal(size=(3, 4)), "b1": RNG.normal(size=4), "w2": RNG.normal(size=(4, 2))}
CASES = [
    Case(perceptron, (LAYERS,)), Case(recurrent, (GATES,)),
    Case(soft_tree, (np.array([0.2, -0.3]), np.array([0.1, 0.9, 0.4, 0.7])), (0, 1)),
    Case(attention, ({"a": RNG.normal(size=(3, 3)), "b": RNG.normal(size=(3, 3))}, 1.3), (0, 1), rtol=1e-6),
    Case(tuned_training, (0.1, 0.05), (0, 1)), Case(boosting, (0.4, 2.0), (0, 1), second=False),
]
