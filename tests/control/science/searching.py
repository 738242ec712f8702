"""Searches that may find nothing, modes with names, windows of the last values: arms, rays, machines, filters."""

import itertools
import math
from collections import deque

import numpy as np

from ..case import Case


class Joint:
    __slots__ = ("length", "twist", "angle")

    def __init__(self, length, twist=0.0, angle=0.0):
        self.length, self.twist, self.angle = length, twist, angle

    @property
    def frame(self):
        c, s, ca, sa = np.cos(self.angle), np.sin(self.angle), np.cos(self.twist), np.sin(self.twist)
        return np.array([[c, -s * ca, s * sa, self.length * c], [s, c * ca, -c * sa, self.length * s],
                         [0.0, sa, ca, 0.0], [0.0, 0.0, 0.0, 1.0]])


class Arm:
    def __init__(self, joints):
        self.joints = joints

    @classmethod
    def planar(cls, lengths):
        return cls([Joint(length) for length in lengths])

    def __len__(self):
        return len(self.joints)

    def frames(self, angles):
        found = [np.eye(4)]
        for joint, joint.angle in zip(self.joints, angles, strict=True):
            found.append(found[-1] @ joint.frame)
        return found

    def jacobian(self, frames):
        tip, jacobian = frames[-1][:3, 3], np.zeros((3, len(self)))
        for k, f in enumerate(frames[:-1]):
            jacobian[:, k] = np.cross(f[:3, 2], tip - f[:3, 3])
        return jacobian


def reach(lengths, goal):
    """Damped least squares; how far the arm is from a stretched one is read of the last Jacobian."""
    arm = Arm.planar(lengths)
    angles = 0.3 * np.ones(len(arm))
    for _ in range(60):
        frames = arm.frames(angles)
        error = goal - frames[-1][:3, 3]
        if np.linalg.norm(error) < 1e-10:
            break
        jacobian = arm.jacobian(frames)
        angles = angles + jacobian.T @ np.linalg.solve(jacobian @ jacobian.T + 0.01 * np.eye(3), error)
    flat = jacobian[:2]
    return np.sum(angles**2) + np.sqrt(np.linalg.det(flat @ flat.T))


class Shape:
    def __or__(self, other):
        return Union(self, other)

    def __sub__(self, other):
        return Difference(self, other)

    def normal(self, p, step=1e-4):
        return np.array([(self(p + step * e) - self(p - step * e)) / (2 * step) for e in np.eye(3)])


class Ball(Shape):
    def __init__(self, center, radius):
        self.center, self.radius = np.asarray(center), radius

    def __call__(self, p):
        return np.linalg.norm(p - self.center) - self.radius


class Floor(Shape):
    def __init__(self, height):
        self.height = height

    def __call__(self, p):
        return p[1] - self.height


class Union(Shape):
    def __init__(self, *parts):
        self.parts = parts

    def __call__(self, p):
        return min(part(p) for part in self.parts)


class Difference(Union):
    def __call__(self, p):
        first, second = self.parts
        return max(first(p), -second(p))


def march(scene, direction, furthest=20.0):
    t = 0.0
    for _ in range(96):
        p = t * direction
        distance = scene(p)
        if distance < 1e-9:
            return t, p
        t += distance
        if t > furthest:
            return None
    return None


def picture(center, radius):
    scene = (Ball(center, radius) - Ball(center + np.array([0.5, 0.5, -0.5]), 0.6)) | Floor(-1.0)
    light = np.array([1.0, 2.0, -1.0]) / np.sqrt(6.0)
    image = np.zeros((3, 4))
    for i, j in itertools.product(range(3), range(4)):
        d = np.array([(j - 1.3) / 3, (1.2 - i) / 3, 1.0])
        hit = march(scene, d / np.linalg.norm(d))
        if hit is None:
            continue
        t, p = hit
        image[i, j] = max(0.0, scene.normal(p) @ light) + 0.1 * np.exp(-0.1 * t)
    return image.sum()


class Estimator:
    """Attributes of what was found end with an underscore, and come with the fit."""

    def __init__(self, most=40, tolerance=1e-9):
        self.most, self.tolerance = most, tolerance

    def fit(self, x):
        self.center_, before = np.median(x), np.inf
        self.history_ = []
        for self.steps_ in range(self.most):  # noqa: B020
            weights = 1 / (1 + (x - self.center_) ** 2)
            self.center_ = np.sum(weights * x) / np.sum(weights)
            self.history_.append(np.sum(np.log1p((x - self.center_) ** 2)))
            if abs(self.history_[-1] - before) < self.tolerance:
                self.converged_ = True
                break
            before = self.history_[-1]
        else:
            self.converged_ = False
        return self


def location(x):
    model = Estimator().fit(x)
    assert all(b <= a + 1e-9 for a, b in zip(model.history_, model.history_[1:], strict=False))
    return model.center_ + (0.1 if model.converged_ else 0.2) * model.history_[-1]


def branching(angle, shrink):
    text = "F"
    for _ in range(2):
        text = "".join({"F": "F[+F]F[-F]"}.get(letter, letter) for letter in text)
    x, y, heading, length = 0.0, 0.0, math.pi / 2, 1.0
    stack, tips = [], []
    for letter in text:
        match letter:
            case "F":
                x += length * math.cos(heading)
                y += length * math.sin(heading)
            case "+":
                heading += angle
            case "-":
                heading -= angle
            case "[":
                stack.append((x, y, heading, length))
                length *= shrink
            case "]":
                tips.append((x, y))
                x, y, heading, length = stack.pop()
    tips = np.array(tips)
    return np.ptp(tips[:, 0]) + tips[:, 1].max() + tips.std()


class Pump:
    """Starts and stops by the level, and notes what it has done."""

    power = {"off": 0.0, "slow": 0.4, "fast": 1.1}

    def __init__(self, level):
        self.level, self.mode = level, "off"
        self.last = deque(maxlen=5)
        self.time_in = dict.fromkeys(self.power, 0)

    def step(self, inflow):
        if self.level > 4.0:
            self.mode = "fast"
        elif self.mode == "fast" and self.level < 3.0:
            self.mode = "slow"
        elif self.mode == "slow" and self.level < 2.0:
            self.mode = "off"
        self.time_in[self.mode] += 1
        self.level += 0.2 * (inflow - self.power[self.mode] * math.sqrt(self.level))
        self.last.append(self.level)


def pumped(level, inflow):
    pump = Pump(level)
    for k in range(60):
        pump.step(inflow * (1 + 0.5 * math.sin(0.2 * k)))
    print(f"{pump.mode}: {pump.time_in['fast']} of 60 hours at full power")
    return np.mean(pump.last) + 0.01 * pump.time_in["fast"] + (1.0 if pump.mode in ("slow", "off") else 0.0) * level


CASES = [
    Case(reach, (np.array([1.0, 0.8, 0.5]), np.array([1.2, 0.9, 0.0])), (0, 1), rtol=1e-6),
    Case(picture, (np.array([0.0, 0.2, 3.0]), 1.0), (0, 1), rtol=1e-4, step=1e-5, second=False),
    Case(location, (np.array([0.3, 1.1, 0.9, 4.0, 0.7, -2.0]),), rtol=1e-5, second=False),
    Case(branching, (0.4, 0.8), (0, 1)), Case(pumped, (3.9, 0.7), (0, 1)),
]
