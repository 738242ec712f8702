"""Orbits, light curves, distances."""

import math
from functools import cached_property

import numpy as np

from ..case import Case


class Vector:
    def __init__(self, x, y, z):
        self.x, self.y, self.z = x, y, z

    def __add__(self, o):
        return Vector(self.x + o.x, self.y + o.y, self.z + o.z)

    def __sub__(self, o):
        return Vector(self.x - o.x, self.y - o.y, self.z - o.z)

    def __mul__(self, k):
        return Vector(self.x * k, self.y * k, self.z * k)

    __rmul__ = __mul__

    def __neg__(self):
        return -1.0 * self

    def __abs__(self):
        return math.sqrt(self.dot(self))

    def dot(self, o):
        return self.x * o.x + self.y * o.y + self.z * o.z

    def cross(self, o):
        return Vector(self.y * o.z - self.z * o.y, self.z * o.x - self.x * o.z, self.x * o.y - self.y * o.x)


class Body:
    def __init__(self, mass, position, velocity):
        self.mass, self.position, self.velocity = mass, position, velocity


class System:
    def __init__(self, bodies):
        self.bodies = bodies

    def acceleration(self, body):
        total = Vector(0.0, 0.0, 0.0)
        for other in self.bodies:
            if other is not body:
                d = other.position - body.position
                total = total + d * (other.mass / (abs(d) ** 2 + 0.01) ** 1.5)
        return total

    def leapfrog(self, dt):
        for b in self.bodies:
            b.velocity = b.velocity + self.acceleration(b) * (0.5 * dt)
        for b in self.bodies:
            b.position = b.position + b.velocity * dt
        for b in self.bodies:
            b.velocity = b.velocity + self.acceleration(b) * (0.5 * dt)

    @property
    def energy(self):
        kinetic = sum(0.5 * b.mass * b.velocity.dot(b.velocity) for b in self.bodies)
        pairs = [(a, b) for i, a in enumerate(self.bodies) for b in self.bodies[:i]]
        return kinetic - sum(a.mass * b.mass / abs(a.position - b.position) for a, b in pairs)


def two_planets(masses, speed):
    s = System([Body(1.0, Vector(0.0, 0.0, 0.0), Vector(0.0, 0.0, 0.0)),
                Body(masses[0], Vector(1.0, 0.0, 0.1), Vector(0.0, speed, 0.0)),
                Body(masses[1], Vector(-1.5, 0.0, 0.0), Vector(0.0, -0.8 * speed, 0.1))])
    for _ in range(12):
        s.leapfrog(0.05)
    return s.energy + abs(s.bodies[1].position.cross(s.bodies[1].velocity))


def kepler(M, e):
    E = M
    for _ in range(50):
        step = (E - e * math.sin(E) - M) / (1 - e * math.cos(E))
        E -= step
        if abs(step) < 1e-13:
            break
    else:
        raise ArithmeticError(f"no convergence for M = {M}")
    return E


def radial_velocities(period, eccentricity, amplitude):
    times = [0.3, 1.1, 2.0, 3.4]
    model = []
    for t in times:
        E = kepler(2 * math.pi * t / period, eccentricity)
        true = 2 * math.atan(math.sqrt((1 + eccentricity) / (1 - eccentricity)) * math.tan(E / 2))
        model.append(amplitude * (math.cos(true + 0.4) + eccentricity * math.cos(0.4)))
    return sum((m - v) ** 2 for m, v in zip(model, (1.0, -0.4, 0.2, 0.9)))


class Cosmology:
    def __init__(self, H0, matter):
        self.H0, self.matter = H0, matter

    def E(self, z):
        return np.sqrt(self.matter * (1 + z) ** 3 + 1 - self.matter)

    @cached_property
    def hubble_distance(self):
        return 2997.92458 / self.H0

    def luminosity_distance(self, z, n=16):
        grid = np.linspace(0.0, z, n + 1)
        return (1 + z) * self.hubble_distance * np.trapezoid(1 / self.E(grid), grid)

    def modulus(self, z):
        return 5 * np.log10(self.luminosity_distance(z)) + 25


def supernovae(h, matter):
    data = {0.1: 38.3, 0.5: 42.2, 0.9: 43.8}
    model = Cosmology(h, matter)
    return sum((model.modulus(z) - mu) ** 2 for z, mu in data.items()) + model.hubble_distance / 1000


def transit(depth, duration):
    """A light curve with ingress and egress, and its likelihood under correlated noise."""
    times = np.linspace(-1.0, 1.0, 15)
    flux = []
    for t in times:
        u = abs(t) / duration
        if u < 0.8:
            flux.append(1 - depth)
        elif u < 1.2:
            flux.append(1 - depth * (1.2 - u) / 0.4)
        else:
            flux.append(1.0 + 0.0 * u)
    r = np.array(flux) - (1 - 0.05 * np.exp(-times**2 * 4))
    K = 0.01 * np.exp(-np.abs(times[:, None] - times) / 0.3) + 0.02 * np.eye(15)
    L = np.linalg.cholesky(K)
    z = np.linalg.solve(L, r)
    return z @ z * 10 + 2 * np.sum(np.log(np.diag(L)))


def stellar_structure(index, step):
    """Lane and Emden's equation, by Runge and Kutta, until the surface or for some steps."""
    def rhs(x, y):
        return (y[1], -max(y[0], 0.0) ** index - 2 * y[1] / x)

    x, y, profile = 0.1, (1 - 0.1**2 / 6, -0.1 / 3), []
    for _ in range(25):
        k1 = rhs(x, y)
        k2 = rhs(x + step / 2, tuple(a + step / 2 * b for a, b in zip(y, k1)))
        k3 = rhs(x + step / 2, tuple(a + step / 2 * b for a, b in zip(y, k2)))
        k4 = rhs(x + step, tuple(a + step * b for a, b in zip(y, k3)))
        y = tuple(a + step / 6 * (p + 2 * q + 2 * r + s) for a, p, q, r, s in zip(y, k1, k2, k3, k4))
        x += step
        profile.append(y[0])
    return profile[-1] + 0.1 * sum(profile) + y[1]


def photometry(counts, background):
    stars = [{"name": "a", "at": (1, 1), "filter": "V"}, {"name": "b", "at": (3, 2), "filter": "B"},
             {"name": "c", "at": (2, 4), "filter": "V"}]
    zero = {"V": 25.0, "B": 24.3}
    magnitudes = {}
    for star in stars:
        i, j = star["at"]
        box = counts[i - 1:i + 2, j - 1:j + 2]
        flux = np.sum(box - background)
        magnitudes.setdefault(star["filter"], []).append(zero[star["filter"]] - 2.5 * np.log10(flux))
    colours = [b - v for b in magnitudes["B"] for v in magnitudes["V"]]
    return sum(colours) + np.std(magnitudes["V"])


IMAGE = np.random.default_rng(5).uniform(5, 9, (6, 6))
CASES = [
    Case(two_planets, (np.array([0.1, 0.2]), 0.9), (0, 1)), Case(radial_velocities, (3.3, 0.3, 1.1), (0, 1, 2)),
    Case(supernovae, (0.7, 0.3), (0, 1)), Case(transit, (0.04, 0.37), (0, 1), second=False),
    Case(stellar_structure, (1.5, 0.1), (0, 1), second=False), Case(photometry, (IMAGE, 2.0), (0, 1)),
]
