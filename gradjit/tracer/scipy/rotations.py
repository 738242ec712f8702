"""scipy.spatial.transform.Rotation of traced numbers: a unit quaternion, scalar last, and SciPy's formulas."""

from __future__ import annotations

import importlib
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import optree

from ...errors import UnsupportedError
from ...records import dataclass
from .. import trees
from ..locations import fail
from ..operands import as_traced
from ..outside import outside
from ..recorder import current, recorders
from .written_loops import doubles, invalid

Rule = Callable[..., Any]
SMALL = 1e-3
"""Angles below which quotients are taken from their series."""


@dataclass(eq=False)
class TracedRotation:
    """What stands for a Rotation, or several of them: quaternions along the last axis. Loops and branches carry it."""

    quat: Any

    @property
    def stands_for(self) -> Any:
        return importlib.import_module("scipy.spatial.transform").Rotation

    @property
    def single(self) -> bool:
        return bool(self.quat.ndim == 1)

    def __len__(self) -> int:
        if self.single:
            raise TypeError("Single rotation has no len().")
        return int(self.quat.shape[0])

    def __getitem__(self, key: Any) -> TracedRotation:
        return TracedRotation(self.quat[key])

    # forms ------------------------------------------------------------------------------------------------------------
    def as_quat(self, canonical: bool = False, *, scalar_first: bool = False) -> Any:
        q = self.quat
        if canonical:
            w = q[..., 3:]
            first = [np.sign(np.where(q[..., k:k + 1] == 0, 0.0, q[..., k:k + 1])) for k in range(3)]
            tie = np.where(first[0] != 0, first[0], np.where(first[1] != 0, first[1], first[2]))
            sign = np.where(w == 0, np.where(tie == 0, 1.0, tie), np.sign(w))
            q = q * sign
        return np.concatenate([q[..., 3:], q[..., :3]], axis=-1) if scalar_first else q

    def as_matrix(self) -> Any:
        x, y, z, w = (self.quat[..., k] for k in range(4))
        rows = [[x * x - y * y - z * z + w * w, 2 * (x * y - z * w), 2 * (x * z + y * w)],
                [2 * (x * y + z * w), -x * x + y * y - z * z + w * w, 2 * (y * z - x * w)],
                [2 * (x * z - y * w), 2 * (y * z + x * w), -x * x - y * y + z * z + w * w]]
        return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)

    def as_rotvec(self, degrees: bool = False) -> Any:
        q = np.where(self.quat[..., 3:] < 0, -self.quat, self.quat)
        square = np.sum(q[..., :3] ** 2, axis=-1)
        is_small = square < (SMALL / 2) ** 2
        length = np.sqrt(np.where(is_small, 1.0, square))
        angle = 2 * np.arctan2(length, q[..., 3])
        w = q[..., 3]
        series = 2 / w - 2 * square / (3 * np.where(w == 0, 1.0, w) ** 3) + 0.4 * square**2 / w**5
        vector = np.where(is_small, series, angle / length)[..., np.newaxis] * q[..., :3]
        return np.rad2deg(vector) if degrees else vector

    def magnitude(self) -> Any:
        return 2 * np.arctan2(np.sqrt(np.sum(self.quat[..., :3] ** 2, axis=-1)), np.abs(self.quat[..., 3]))

    def as_mrp(self) -> Any:
        q = np.where(self.quat[..., 3:] < 0, -self.quat, self.quat)
        return q[..., :3] / (1 + q[..., 3:])

    def as_euler(self, seq: str, degrees: bool = False, **options: Any) -> Any:
        """Of axes that are all different, or the first of which is the last; by the elements of the matrix."""
        axes, extrinsic = axes_of(seq)
        if len(axes) != 3:
            invalid(f"Expected `seq` to be a string of 3 characters, got {seq}")
        i, j, k = axes if extrinsic else axes[::-1]
        symmetric = i == k
        k = 3 - i - j if symmetric else k
        sign = (i - j) * (j - k) * (k - i) // 2
        x = [self.quat[..., n] for n in range(4)]
        a, b, c, d = (x[3], x[i], x[j], x[k] * sign) if symmetric else (
            x[3] - x[j], x[i] + x[k] * sign, x[j] + x[3], x[k] * sign - x[i])
        second = 2 * np.arctan2(np.hypot(c, d), np.hypot(a, b))
        half_sum, half_difference = np.arctan2(b, a), np.arctan2(d, c)
        first, third = half_sum - half_difference, half_sum + half_difference
        if not symmetric:
            third, second = third * sign, second - np.pi / 2
        angles = [first, second, third] if extrinsic else [third, second, first]
        made = np.stack([(v + np.pi) % (2 * np.pi) - np.pi if n != 1 else v for n, v in enumerate(angles)], axis=-1)
        return np.rad2deg(made) if degrees else made

    # arithmetic -------------------------------------------------------------------------------------------------------
    def __mul__(self, other: Any) -> TracedRotation:
        b = rotation(other)
        return TracedRotation(unit(product(self.quat, b.quat)))

    def __rmul__(self, other: Any) -> TracedRotation:
        return TracedRotation(unit(product(rotation(other).quat, self.quat)))

    def __pow__(self, n: Any, modulus: None = None) -> TracedRotation:
        return from_rotvec(n * self.as_rotvec())

    def inv(self) -> TracedRotation:
        return TracedRotation(self.quat * np.array([-1.0, -1.0, -1.0, 1.0]))

    def apply(self, vectors: Any, inverse: bool = False) -> Any:
        v: Any = doubles(vectors)
        matrix = self.as_matrix()
        matrix = np.swapaxes(matrix, -1, -2) if inverse else matrix
        return np.sum(matrix * v[..., np.newaxis, :], axis=-1)

    def mean(self, weights: Any = None) -> TracedRotation:
        w = np.ones(self.quat.shape[:1]) if weights is None else doubles(weights)
        _, v = np.linalg.eigh((w[:, np.newaxis] * self.quat).T @ self.quat)
        return TracedRotation(v[:, -1])

    def approx_equal(self, other: Any, atol: Any = 1e-8, degrees: bool = False) -> Any:
        return (self.inv() * rotation(other)).magnitude() < (np.deg2rad(atol) if degrees else atol)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        fail(UnsupportedError, f"scipy.spatial.transform.Rotation.{name} of traced numbers is not supported; as_quat, "
                               f"as_matrix, as_rotvec, as_euler, as_mrp, apply, inv, *, **, mean and magnitude are")


def _again(_: Any, children: Any) -> Any:
    """With another quaternion; what a compiled function returns is SciPy's own."""
    quat, = children
    made = TracedRotation(quat)
    return made if recorders() or not isinstance(quat, np.ndarray) else made.stands_for.from_quat(quat)


def _parts(r: Any) -> Any:
    return (r.quat,), None, ("quat",)


optree.register_pytree_node(TracedRotation, _parts, _again, namespace=trees.NAMESPACE)


def product(a: Any, b: Any) -> Any:
    """Of quaternions."""
    v, w = a[..., :3], a[..., 3:]
    u, s = b[..., :3], b[..., 3:]
    cross = np.stack([v[..., 1] * u[..., 2] - v[..., 2] * u[..., 1], v[..., 2] * u[..., 0] - v[..., 0] * u[..., 2],
                      v[..., 0] * u[..., 1] - v[..., 1] * u[..., 0]], axis=-1)
    return np.concatenate([w * u + s * v + cross, w * s - np.sum(v * u, axis=-1, keepdims=True)], axis=-1)


def unit(q: Any) -> Any:
    return q / np.sqrt(np.sum(q * q, axis=-1, keepdims=True))


def rotation(x: Any) -> TracedRotation:
    """A rotation, of traced numbers or from outside."""
    if isinstance(x, TracedRotation):
        return x
    outside(current()).watch(x, "a Rotation")
    return TracedRotation(as_traced(x.as_quat()))


# from -----------------------------------------------------------------------------------------------------------------
def from_quat(quat: Any, *, scalar_first: bool = False) -> TracedRotation:
    q: Any = doubles(quat)
    return TracedRotation(unit(np.concatenate([q[..., 1:], q[..., :1]], axis=-1) if scalar_first else q))


def from_rotvec(rotvec: Any, degrees: bool = False) -> TracedRotation:
    v: Any = doubles(rotvec)
    v = np.deg2rad(v) if degrees else v
    square = np.sum(v * v, axis=-1, keepdims=True)
    is_small = square < SMALL**2
    angle = np.sqrt(np.where(is_small, 1.0, square))
    scale = np.where(is_small, 0.5 - square / 48 + square**2 / 3840, np.sin(angle / 2) / angle)
    cosine = np.where(is_small, 1 - square / 8 + square**2 / 384 - square**3 / 46080, np.cos(angle / 2))
    return TracedRotation(np.concatenate([scale * v, cosine], axis=-1))


def from_matrix(matrix: Any, *, assume_valid: bool = False) -> TracedRotation:
    """Of an orthogonal matrix; by its largest element."""
    m: Any = doubles(matrix)
    if m.shape[-2:] != (3, 3):
        invalid(f"Expected `matrix` to have shape (..., 3, 3), got {m.shape}.")
    d = [m[..., k, k] for k in range(3)]
    total = d[0] + d[1] + d[2]
    options = [np.stack([m[..., 2, 1] - m[..., 1, 2], m[..., 0, 2] - m[..., 2, 0], m[..., 1, 0] - m[..., 0, 1],
                         1 + total], axis=-1)]
    for i in range(3):
        j, k = (i + 1) % 3, (i + 2) % 3
        parts = {i: 1 - total + 2 * d[i], j: m[..., j, i] + m[..., i, j], k: m[..., k, i] + m[..., i, k],
                 3: m[..., k, j] - m[..., j, k]}
        options.append(np.stack([parts[n] for n in range(4)], axis=-1))
    largest = np.argmax(np.stack([*d, total], axis=-1), axis=-1)[..., np.newaxis]
    q = np.where(largest == 3, options[0], np.where(largest == 0, options[1], np.where(largest == 1, options[2],
                                                                                         options[3])))
    return TracedRotation(unit(q))


def axes_of(seq: str) -> tuple[list[int], bool]:
    """The axes, and whether they are those of the space."""
    if not 1 <= len(seq) <= 3 or not (set(seq) <= set("xyz") or set(seq) <= set("XYZ")):
        invalid(f"Expected axes from `seq` to be from ['x', 'y', 'z'] or ['X', 'Y', 'Z'], got {seq}")
    if any(a == b for a, b in itertools.pairwise(seq)):
        invalid(f"Expected consecutive axes to be different, got {seq}")
    return ["xyz".index(c) for c in seq.lower()], seq.islower()


def from_euler(seq: str, angles: Any, degrees: bool = False) -> TracedRotation:
    axes, extrinsic = axes_of(seq)
    given: Any = doubles(angles)
    given = np.deg2rad(given) if degrees else given
    if len(axes) == 1 and (given.ndim == 0 or given.shape[-1:] != (1,)):
        given = given[..., np.newaxis]
    whole: Any = None
    for n, axis in enumerate(axes):
        half = given[..., n] / 2
        zero = 0.0 * half
        parts = [zero, zero, zero, np.cos(half)]
        parts[axis] = np.sin(half)
        q = np.stack(parts, axis=-1)
        whole = q if whole is None else product(q, whole) if extrinsic else product(whole, q)
    return TracedRotation(whole)


def from_mrp(mrp: Any) -> TracedRotation:
    p: Any = doubles(mrp)
    square = 1 + np.sum(p * p, axis=-1, keepdims=True)
    return TracedRotation(np.concatenate([2 * p / square, (2 - square) / square], axis=-1))


class TracedSlerp:
    """What stands for a Slerp: between rotations at given times, at a constant speed."""

    def __init__(self, times: Any, rotations: Any):
        self.times: Any = doubles(times)
        self.rotations = rotation(rotations)
        self.rotvecs = (self.rotations[:-1].inv() * self.rotations[1:]).as_rotvec()

    def __call__(self, times: Any) -> TracedRotation:
        t: Any = doubles(times)
        i = np.clip(np.searchsorted(self.times, t, "right") - 1, 0, self.times.shape[0] - 2)
        share = (t - self.times[i]) / (self.times[i + 1] - self.times[i])
        return self.rotations[i] * from_rotvec((share[:, np.newaxis] if t.ndim else share) * self.rotvecs[i])


def slerp_called(made: Any, times: Any) -> TracedRotation:
    return TracedSlerp(made.times, made.rotations)(times)


def identity(num: Any = None, *, shape: Any = None) -> TracedRotation:
    one = np.array([0.0, 0.0, 0.0, 1.0])
    shape = () if num is None and shape is None else (num,) if shape is None else shape
    return TracedRotation(as_traced(np.broadcast_to(one, (*shape, 4)).copy()))


def of_outside(name: str) -> Rule:
    """A method of a rotation from outside, with traced arguments."""
    return lambda made, *args, **kwargs: getattr(rotation(made), name)(*args, **kwargs)


_FILE = "scipy.spatial.transform._rotation"
FROM: dict[str, Rule] = {"from_quat": from_quat, "from_rotvec": from_rotvec, "from_matrix": from_matrix,
                         "from_euler": from_euler, "from_mrp": from_mrp, "identity": identity}
RULES: dict[tuple[str, str], Rule] = {
    **{(_FILE, f"Rotation.{name}"): of_outside(name) for name in ("apply", "__mul__", "__pow__")},
    (_FILE, "Slerp.__call__"): slerp_called,
}
MAKING: dict[tuple[str, str], Rule] = {
    **{(_FILE, f"Rotation.{name}"): rule for name, rule in FROM.items()}, (_FILE, "Slerp"): TracedSlerp}
"""What makes rotations, of known numbers, too: a loop that goes on from there carries what stands for one."""
