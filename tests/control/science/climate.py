"""Heat, water, oceans and ice: grids, layers, budgets that are kept in dicts."""

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from ..case import Case


class EnergyBalance:
    def __init__(self, albedo, emissivity):
        self.albedo, self.emissivity = albedo, emissivity
        self.diagnostics = {"in": [], "out": []}

    def absorbed(self, T):
        ice = 0.6 if T < 263.0 else self.albedo
        return 340.0 * (1 - ice)

    def step(self, T, years):
        incoming, outgoing = self.absorbed(T), self.emissivity * 5.67e-8 * T**4
        self.diagnostics["in"].append(incoming)
        self.diagnostics["out"].append(outgoing)
        return T + years * (incoming - outgoing) * 0.3


def planet(albedo, emissivity):
    model, T = EnergyBalance(albedo, emissivity), 280.0
    for _ in range(30):
        T = model.step(T, 0.5)
    imbalance = np.array(model.diagnostics["in"]) - np.array(model.diagnostics["out"])
    return T / 100 + np.sum(imbalance**2) * 1e-4


@dataclass
class Layer:
    thickness: float
    conductivity: float
    temperature: float = 0.0


@dataclass
class Soil:
    layers: list = field(default_factory=list)

    def fluxes(self, surface):
        above = [surface, *(a.temperature for a in self.layers[:-1])]
        return [2 * a.conductivity * (t - a.temperature) / a.thickness for a, t in zip(self.layers, above)]

    def step(self, surface, dt):
        q = [*self.fluxes(surface), 0.0]
        for k, layer in enumerate(self.layers):
            layer.temperature += dt * (q[k] - q[k + 1]) / layer.thickness


def permafrost(conductivity, amplitude):
    soil = Soil([Layer(0.5 + 0.2 * k, c, -1.0) for k, c in enumerate(conductivity)])
    warmest = [-10.0] * 3
    for month in range(24):
        soil.step(amplitude * np.sin(month * np.pi / 6), 0.05)
        warmest = [max(w, layer.temperature) for w, layer in zip(warmest, soil.layers)]
    return sum(warmest) + soil.layers[-1].temperature


class Grid:
    """A field on a ring, with its operators."""

    def __init__(self, values, dx):
        self.values, self.dx = np.asarray(values), dx

    def __add__(self, other):
        return Grid(self.values + getattr(other, "values", other), self.dx)

    def __sub__(self, other):
        return Grid(self.values - getattr(other, "values", other), self.dx)

    def __mul__(self, other):
        return Grid(self.values * getattr(other, "values", other), self.dx)

    __rmul__ = __mul__

    def __getitem__(self, key):
        return self.values[key]

    def gradient(self):
        return Grid((np.roll(self.values, -1) - np.roll(self.values, 1)) / (2 * self.dx), self.dx)

    def laplacian(self):
        return Grid((np.roll(self.values, -1) - 2 * self.values + np.roll(self.values, 1)) / self.dx**2, self.dx)

    def integral(self):
        return np.sum(self.values) * self.dx


def burgers(start, viscosity):
    u = Grid(start, 0.5)
    energy = []
    for _ in range(15):
        u = u - 0.05 * (u * u.gradient()) + 0.05 * viscosity * u.laplacian()
        energy.append((u * u).integral())
    return energy[-1] + u[2] + 0.1 * sum(energy)


def runoff(rain, store):
    """A bucket with a delay line; what leaves each month is routed by a unit hydrograph."""
    capacity, waiting, out = store, deque([0.0, 0.0, 0.0], maxlen=3), []
    content = 0.5 * store
    for r in rain:
        content = content + r
        spill = content - capacity if content > capacity else 0.0
        content = (content - spill) * 0.9
        waiting.append(spill)
        out.append(0.5 * waiting[2] + 0.3 * waiting[1] + 0.2 * waiting[0])
    return sum(o**2 for o in out) + content + max(out)


def glacier(beds, rate):
    """Ice on a slope: a thickness by place, moved by its own gradient, with a front that is looked for."""
    h = np.zeros(8)
    for _ in range(25):
        s = h + beds
        slope = np.diff(s)
        middle = 0.5 * (h[1:] + h[:-1])
        flux = np.concatenate([[0.0], -0.05 * middle**3 * slope * np.abs(slope), [0.0]])
        h = np.maximum(h - np.diff(flux) + rate * (s - 0.8), 0.0)
    front = 8
    for k, bed in enumerate(beds):
        if bed < 0.5:
            front = k
            break
    return np.sum(h**2) + front * h[0]


def carbon(rates, emission):
    boxes = {"air": 600.0, "land": 2000.0, "sea": 900.0}
    flows = [("air", "land", rates[0]), ("land", "air", rates[1]), ("air", "sea", rates[2]), ("sea", "air", rates[3])]
    path = {name: [] for name in boxes}
    for year in range(20):
        change = dict.fromkeys(boxes, 0.0)
        for source, target, rate in flows:
            moved = rate * boxes[source]
            change[source] -= moved
            change[target] += moved
        change["air"] += emission * (1 + 0.02 * year)
        boxes = {name: content + change[name] for name, content in boxes.items()}
        for name, content in boxes.items():
            path[name].append(content)
    return (max(path["air"]) + path["sea"][-1] - np.mean(np.array(path["land"]))) / 100


RAIN = np.random.default_rng(4).uniform(0, 3, 14)
CASES = [
    Case(planet, (0.3, 0.61), (0, 1), second=False),
    Case(permafrost, (np.array([0.8, 0.6, 0.5]), 8.0), (0, 1), second=False),
    Case(burgers, (np.sin(np.arange(8) * 0.8), 0.3), (0, 1)), Case(runoff, (RAIN, 4.0), (0, 1), second=False),
    Case(glacier, (np.linspace(1.45, 0.13, 8), 0.05), (0, 1), second=False),
    Case(carbon, (np.array([0.1, 0.03, 0.12, 0.08]), 5.0), (0, 1), second=False),
]
