"""Filters, observers and controllers: objects whose methods change their state."""

import functools
import math
from contextlib import contextmanager

import numpy as np

from ..case import Case


class Kalman:
    def __init__(self, F, H, Q, R):
        self.F, self.H, self.Q, self.R = F, H, Q, R
        self.x, self.P = np.zeros(2), np.eye(2)
        self.loglik = 0.0
        self.innovations = []

    def predict(self):
        self.x = self.F @ self.x
        self.P = self.F @ self.P @ self.F.T + self.Q
        return self

    def update(self, z):
        y = z - self.H @ self.x
        S = self.H @ self.P @ self.H + self.R
        K = self.P @ self.H / S
        self.x = self.x + K * y
        self.P = self.P - np.outer(K, self.H @ self.P)
        self.loglik -= 0.5 * (np.log(2 * np.pi * S) + y**2 / S)
        self.innovations.append(y)


def tracking(noise, spread):
    kf = Kalman(np.array([[1.0, 0.1], [0.0, 1.0]]), np.array([1.0, 0.0]), noise * np.eye(2), spread)
    for z in MEASURED:
        kf.predict().update(z)
    return -kf.loglik + 0.1 * np.var(np.array(kf.innovations)) + kf.x[1]


class PID:
    def __init__(self, kp, ki, kd, limit=2.0):
        self.kp, self.ki, self.kd, self.limit = kp, ki, kd, limit
        self.total, self.last = 0.0, None

    def __call__(self, error, dt):
        self.total += error * dt
        slope = 0.0 if self.last is None else (error - self.last) / dt
        self.last = error
        u = self.kp * error + self.ki * self.total + self.kd * slope
        if u > self.limit:
            self.total -= error * dt
            return self.limit
        return u


def thermostat(gains):
    pid = PID(*gains)
    T, cost = 0.0, 0.0
    u = pid(1.0 - T, 0.1)
    for _ in range(30):
        T += 0.1 * (u - 0.5 * T)
        u = pid(1.0 - T, 0.1)
        cost += (1.0 - T) ** 2 + 0.01 * u**2
    return cost + T


class Biquad:
    def __init__(self, b, a):
        self.b, self.a = b, a
        self.z = [0.0, 0.0]

    @classmethod
    def lowpass(cls, cutoff, q):
        w = 2 * math.pi * cutoff
        alpha = math.sin(w) / (2 * q)
        norm = 1 + alpha
        c = (1 - math.cos(w)) / norm
        return cls((c / 2, c, c / 2), (-2 * math.cos(w) / norm, (1 - alpha) / norm))

    def __call__(self, x):
        y = self.b[0] * x + self.z[0]
        self.z[0] = self.b[1] * x - self.a[0] * y + self.z[1]
        self.z[1] = self.b[2] * x - self.a[1] * y
        return y


def compose(*stages):
    return functools.reduce(lambda f, g: lambda x: g(f(x)), stages)


def filter_bank(cutoff, q):
    chain = compose(Biquad.lowpass(cutoff, q), abs, Biquad.lowpass(0.5 * cutoff, 0.7))
    out = [chain(math.sin(0.7 * k) + 0.3) for k in range(25)]
    return sum(v * v for v in out) + out[-1]


class Mode:
    name = "idle"

    def torque(self, speed, target):
        return 0.0 * speed


class Accelerate(Mode):
    name = "accelerate"

    def torque(self, speed, target):
        return 2.0 * (target - speed)


class Brake(Mode):
    name = "brake"

    def torque(self, speed, target):
        return super().torque(speed, target) - 1.5 * speed


def vehicle(mass, drag):
    modes = {m.name: m() for m in (Mode, Accelerate, Brake)}
    plan = ["accelerate"] * 6 + ["idle"] * 4 + ["brake"] * 5
    speed, distance, used = 0.0, 0.0, {}
    for name in plan:
        force = modes[name].torque(speed, 3.0)
        speed += 0.2 * (force - drag * speed**2) / mass
        distance += 0.2 * speed
        used[name] = used.get(name, 0.0) + abs(force) * 0.2
    return distance + used["brake"] - 0.1 * used["accelerate"] + speed


@contextmanager
def saved(state):
    before = dict(state)
    try:
        yield state
    finally:
        state.update(before)


def predictive(weights, start):
    """The cost of a plan, rolled out on a state that is put back behind."""
    state = {"x": start, "v": 0.0}
    best = []
    for gain in (0.5, 1.0, 1.5):
        with saved(state) as s:
            cost = 0.0
            for _ in range(10):
                u = -gain * (weights[0] * s["x"] + weights[1] * s["v"])
                s["v"] = s["v"] + 0.1 * u
                s["x"] = s["x"] + 0.1 * s["v"]
                cost = cost + s["x"] ** 2 + 0.1 * u**2
        best.append(cost)
    return min(best) + 0.1 * sum(best) + state["x"]


def riccati(q, r):
    """A gain by iteration until it stands still, then the closed loop."""
    A, B = np.array([[1.0, 0.2], [-0.1, 0.9]]), np.array([[0.0], [0.2]])
    Q, P = np.diag(q), np.diag(q)
    for iteration in range(100):
        K = np.linalg.solve(r + B.T @ P @ B, B.T @ P @ A)
        new = Q + A.T @ P @ (A - B @ K)
        if np.max(np.abs(new - P)) < 1e-11:
            break
        P = new
    return np.trace(P) + np.sum(K**2)


MEASURED = np.random.default_rng(9).normal(size=12).cumsum() * 0.2
CASES = [
    Case(tracking, (0.05, 0.2), (0, 1)), Case(thermostat, (np.array([1.5, 0.4, 0.05]),), second=False),
    Case(filter_bank, (0.1, 0.8), (0, 1), second=False), Case(vehicle, (1.2, 0.3), (0, 1)),
    Case(predictive, (np.array([1.0, 1.4]), 0.8), (0, 1), second=False),
    Case(riccati, (np.array([1.0, 0.5]), 0.3), (0, 1), rtol=1e-6, second=False),
]
