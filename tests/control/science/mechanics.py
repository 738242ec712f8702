"""Springs, pendulums, beams, rigid bodies, contacts: objects that are stepped, histories in lists."""

import math
from dataclasses import dataclass, field

import numpy as np

from ..case import Case


class Particle:
    def __init__(self, position, velocity, mass=1.0):
        self.position = np.array(position, dtype=float)
        self.velocity = np.array(velocity, dtype=float)
        self.mass = mass
        self.force = np.zeros(2)

    def advance(self, dt):
        self.velocity = self.velocity + dt * self.force / self.mass
        self.position = self.position + dt * self.velocity
        self.force = np.zeros(2)

    @property
    def kinetic(self):
        return 0.5 * self.mass * np.dot(self.velocity, self.velocity)


class Spring:
    def __init__(self, a, b, stiffness, length):
        self.a, self.b, self.stiffness, self.length = a, b, stiffness, length

    def extension(self):
        d = self.b.position - self.a.position
        return d, np.sqrt(d @ d) - self.length

    def apply(self):
        d, stretch = self.extension()
        pull = self.stiffness * stretch * d / (stretch + self.length)
        self.a.force = self.a.force + pull
        self.b.force = self.b.force - pull

    def energy(self):
        return 0.5 * self.stiffness * self.extension()[1] ** 2


def cloth(stiffness, start):
    """A chain of particles on springs, the first one held."""
    chain = [Particle((0.5 * i, start[i]), (0.0, 0.1 * i)) for i in range(4)]
    springs = [Spring(a, b, stiffness, 0.4) for a, b in zip(chain, chain[1:])]
    energies = []
    for _ in range(12):
        for s in springs:
            s.apply()
        for p in chain[1:]:
            p.force = p.force + np.array([0.0, -0.3]) - 0.1 * p.velocity
            p.advance(0.05)
        energies.append(sum(s.energy() for s in springs) + sum(p.kinetic for p in chain))
    return energies[-1] + np.mean(energies)


@dataclass
class Pendulum:
    length: float
    damping: float = 0.1
    trace: list = field(default_factory=list)

    def rhs(self, state):
        angle, speed = state
        return speed, -9.81 / self.length * math.sin(angle) - self.damping * speed

    def heun(self, state, h):
        k1 = self.rhs(state)
        k2 = self.rhs([s + h * k for s, k in zip(state, k1)])
        return [s + 0.5 * h * (a + b) for s, a, b in zip(state, k1, k2)]

    def run(self, state, steps, h):
        for _ in range(steps):
            state = self.heun(state, h)
            self.trace.append(state[0])
        return state


def pendulum_swing(length, angle):
    p = Pendulum(length, damping=0.2)
    end = p.run([angle, 0.0], 40, 0.02)
    return np.max(np.array(p.trace)) + end[0] ** 2 + 0.1 * end[1] + p.trace[5]


class Beam:
    """A clamped beam of finite elements, assembled from a list of dicts."""

    shape = np.array([[12.0, 6.0, -12.0, 6.0], [6.0, 4.0, -6.0, 2.0], [-12.0, -6.0, 12.0, -6.0], [6.0, 2.0, -6.0, 4.0]])

    def __init__(self, elements):
        self.elements = elements
        self.size = 2 * (len(elements) + 1)

    def stiffness(self):
        K = np.zeros((self.size, self.size))
        for n, e in enumerate(self.elements):
            scale = np.array([1.0, e["length"], 1.0, e["length"]])
            K[2 * n:2 * n + 4, 2 * n:2 * n + 4] += e["EI"] / e["length"] ** 3 * self.shape * np.outer(scale, scale)
        return K

    def deflection(self, loads):
        f = np.zeros(self.size)
        for node, value in loads.items():
            f[2 * node] += value
        u = np.linalg.solve(self.stiffness()[2:, 2:], f[2:])
        return u[::2], u[1::2]


def cantilever(rigidity, load):
    beam = Beam([{"EI": rigidity[k], "length": 0.5} for k in range(3)])
    w, slope = beam.deflection({1: 0.5 * load, 3: -load})
    return w[-1] * 10 + np.sum(slope**2) * 100


class RigidBody:
    def __init__(self, inertia, omega):
        self.inertia = inertia
        self.omega = omega
        self.attitude = np.array([1.0, 0.0, 0.0, 0.0])

    @staticmethod
    def product(p, q):
        return np.array([p[0] * q[0] - p[1:] @ q[1:], *(p[0] * q[1:] + q[0] * p[1:] + np.cross(p[1:], q[1:]))])

    def step(self, torque, h):
        rate = (torque - np.cross(self.omega, self.inertia * self.omega)) / self.inertia
        self.omega = self.omega + h * rate
        self.attitude = self.attitude + 0.5 * h * self.product(self.attitude, np.array([0.0, *self.omega]))
        self.attitude = self.attitude / np.linalg.norm(self.attitude)

    def __repr__(self):
        return f"RigidBody({self.omega})"


def tumbling(omega, inertia):
    body = RigidBody(inertia, omega)
    for k in range(15):
        body.step(np.array([0.1, 0.0, 0.05 * k]), 0.05)
    return body.omega @ (inertia * body.omega) + body.attitude[3]


def bouncing(height, restitution):
    """A ball, with the contacts counted and what each of them took."""
    y, v, losses = height, 0.0, []
    bounces = 0
    for _ in range(60):
        v -= 9.81 * 0.02
        y += 0.02 * v
        if y < 0.1 and v < 0:
            losses.append(0.5 * v**2 * (1 - restitution**2))
            v = -restitution * v
            bounces += 1
    return y + 0.1 * v + sum(losses) + bounces


def three_bar_truss(areas, force):
    nodes = {"a": (0.0, 1.0), "b": (1.0, 1.0), "c": (2.0, 1.0), "p": (1.0, 0.0)}
    bars = [("a", "p"), ("b", "p"), ("c", "p")]
    K, directions = np.zeros((2, 2)), {}
    for area, (i, j) in zip(areas, bars):
        d = np.subtract(nodes[j], nodes[i])
        length = math.hypot(*d)
        c = d / length
        directions[i] = (area, length, c)
        K += area / length * np.outer(c, c)
    u = np.linalg.solve(K, force)
    stress = {name: (c @ u) / length for name, (area, length, c) in directions.items()}
    return u @ force + max(abs(s) for s in stress.values()) + 0.1 * stress["b"]


CASES = [
    Case(cloth, (3.0, np.array([0.0, 0.1, -0.2, 0.05])), (0, 1)), Case(pendulum_swing, (1.2, 0.5), (0, 1)),
    Case(cantilever, (np.array([2.0, 1.5, 1.0]), 0.7), (0, 1)),
    Case(tumbling, (np.array([0.3, 1.1, -0.4]), np.array([1.0, 2.0, 3.5])), (0, 1)),
    Case(bouncing, (1.0, 0.8), (0, 1), second=False),
    Case(three_bar_truss, (np.array([1.0, 2.0, 1.5]), np.array([0.3, -1.0])), (0, 1)),
]
