"""scipy.ndimage's interpolation: the elements at places between the elements, by splines of order 0 to 5."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from ....records import dataclass
from ...numpy.common import array, static
from ...operands import cast, is_traced, unsupported
from ..written_loops import Rule, along, axis_of, doubles, invalid, sequence
from .boundaries import inside, output_dtype, stored
from .splines import RULES as FILTERS, basis, checked_order, filtered

MODES = ("reflect", "grid-mirror", "constant", "grid-constant", "nearest", "mirror", "wrap", "grid-wrap")
PADDED = ("nearest", "grid-constant")
"""Modes without a filter of their own: the samples are continued for some elements first."""
MARGIN = 12


BEYOND = {"constant": "mirror", "wrap": "mirror", "grid-wrap": "wrap", "grid-mirror": "reflect"}
"""How coefficients go on beyond the edges, where it is not by the mode itself."""


@dataclass(frozen=True)
class AxisSamples:
    """What is read along one axis: for each of the samples that a place needs its index and weight."""

    indices: list[Any]
    weights: list[Any]
    there: Any
    """Where the place lies within the array; None if it counts wherever it lies."""


def samples(place: Any, n: int, order: int, mode: str) -> AxisSamples:
    """Of places along an axis of n coefficients."""
    there = None
    c = place
    if mode == "constant":
        there = (c >= 0) & (c <= n - 1)
        c = np.where(there, c, 0.0)
    elif mode == "nearest":
        c = np.clip(c, 0.0, n - 1.0)
    elif mode != "grid-constant":
        c = folded(c, n, mode)
    first = np.floor(c) if order % 2 else np.floor(c + 0.5)
    weights = basis(c - first, order)
    start = first.astype(np.int64) - order // 2
    indices = [start + k for k in range(order + 1)]
    if mode == "grid-constant":
        weights = [np.where((k >= 0) & (k < n), w, 0.0) for k, w in zip(indices, weights, strict=True)]
        return AxisSamples([np.clip(k, 0, n - 1) for k in indices], weights, None)
    beyond = BEYOND.get(mode, mode)
    return AxisSamples([inside(k, n, beyond) for k in indices], weights, there)


def folded(c: Any, n: int, mode: str) -> Any:
    """Places outside, mapped to where the array repeats itself."""
    if n == 1:
        return c * 0.0
    if mode == "wrap":
        return np.where((c >= 0) & (c <= n - 1), c, c % (n - 1))
    if mode == "grid-wrap":
        return c % n
    period = 2 * n - 2 if mode == "mirror" else 2 * n
    u = c % period
    return np.where(u >= n, period - u - (0 if mode == "mirror" else 1), u)


class SplineImage:
    """The coefficients of an array, with what its function needs to be read between the elements."""

    def __init__(self, name: str, input: Any, output: Any, order: Any, mode: Any, cval: Any, prefilter: bool):
        x = array(input)
        if not x.ndim:
            invalid("input and output rank must be > 0")
        if mode not in MODES:
            invalid(f"boundary mode {mode!r} not supported; the modes are {', '.join(map(repr, MODES))}")
        self.dtype = output_dtype(name, output, x)
        self.shape = tuple(x.shape)
        self.order, self.mode, self.cval = checked_order(order), mode, cval
        self.margin = MARGIN if prefilter and self.order > 1 and mode in PADDED else 0
        y: Any = doubles(x)
        if mode == "grid-constant":
            y = y - cval
        if self.margin:
            y = np.pad(y, self.margin, mode="edge" if mode == "nearest" else "constant")
        if prefilter and self.order > 1:
            for axis in range(x.ndim):
                y = filtered(y, self.order, axis, mode)
        self.coefficients = y

    def along(self, axis: int, places: Any) -> AxisSamples:
        return samples(places + self.margin, self.coefficients.shape[axis], self.order, self.mode)

    def at(self, places: Any) -> Any:
        """The values at places that are given by one array for each axis."""
        axes = [self.along(k, p) for k, p in enumerate(places)]
        total = 0.0
        for corner in itertools.product(range(self.order + 1), repeat=len(axes)):
            weight: Any = 1.0
            for a, k in zip(axes, corner, strict=True):
                weight = weight * a.weights[k]
            total = total + weight * self.coefficients[tuple([a.indices[k] for a, k in zip(axes, corner, strict=True)])]
        there = None
        for a in axes:
            there = a.there if there is None else there & a.there
        return self.finished(total, there)

    def on_grid(self, places: Any) -> Any:
        """The values where the places of each axis cross: one axis after the other."""
        y, rank = self.coefficients, len(places)
        there = None
        for axis, p in enumerate(places):
            a = self.along(axis, p)
            own = [1] * rank
            own[axis] = -1
            y = sum(np.reshape(w, own) * y[along(axis, rank, k)] for k, w in zip(a.indices, a.weights, strict=True))
            if a.there is not None:
                mask = np.reshape(a.there, own)
                there = mask if there is None else there & mask
        return self.finished(y, there)

    def finished(self, y: Any, there: Any) -> Any:
        if self.mode == "grid-constant":
            y = y + self.cval
        return stored(rounded(y if there is None else np.where(there, y, self.cval), self.dtype), self.dtype)


def rounded(y: Any, dtype: np.dtype) -> Any:
    """What is stored as integers is rounded, halves away from 0, and what is unsigned stays within its range."""
    if dtype.kind == "i":
        return y + np.copysign(0.5, y)
    if dtype.kind == "u":
        return np.clip(np.where(y > 0, y + 0.5, 0.0), 0.0, float(np.iinfo(dtype).max))
    return y


def map_coordinates(input, coordinates, output=None, order=3, mode="constant", cval=0.0, prefilter=True):
    places = doubles(coordinates)
    image = SplineImage("map_coordinates", input, output, order, mode, cval, prefilter)
    if places.ndim < 2:
        invalid("input and output rank must be > 0")
    if places.shape[0] != len(image.shape):
        invalid(f"invalid shape for coordinate array: {tuple(places.shape)}; its first axis has one row for each of "
                f"the {len(image.shape)} axes of the input")
    return image.at([places[k] for k in range(len(image.shape))])


def zoom(input, zoom, output=None, order=3, mode="constant", cval=0.0, prefilter=True, *, grid_mode=False):
    x = array(input)
    if is_traced(zoom) and array(zoom).known is None:
        zoom = static(zoom, "zoom, on which the shape of the result depends,").tolist()
    factors = sequence(zoom, x.ndim, "zoom")
    shape = [round(n * z) for n, z in zip(x.shape, factors, strict=True)]
    if all(z == 1 for z in factors) and prefilter:
        return stored(x, output_dtype("zoom", output, x)).copy()
    image = SplineImage("zoom", x, output, order, mode, cval, prefilter)
    less = 0 if grid_mode else 1
    places = []
    for n, m in zip(x.shape, shape, strict=True):
        scale = (n - less) / (m - less) if m != less else 1.0
        k = np.arange(m, dtype=float)
        places.append((k + 0.5) * scale - 0.5 if grid_mode else k * scale)
    return image.on_grid(places)


def shift(input, shift, output=None, order=3, mode="constant", cval=0.0, prefilter=True):
    image = SplineImage("shift", input, output, order, mode, cval, prefilter)
    by = doubles(shift)
    moved = [by[k] for k in range(by.shape[0])] if by.ndim else [by] * len(image.shape)
    if len(moved) != len(image.shape):
        invalid(f"shift must have a length of {len(image.shape)}, one for each axis; it has {len(moved)}")
    return image.on_grid([np.arange(n, dtype=float) - s for n, s in zip(image.shape, moved, strict=True)])


def affine_transform(input, matrix, offset=0.0, output_shape=None, output=None, order=3, mode="constant", cval=0.0,
                     prefilter=True):
    image = SplineImage("affine_transform", input, output, order, mode, cval, prefilter)
    rank = len(image.shape)
    shape = image.shape if output_shape is None else tuple(int(n) for n in output_shape)
    m: Any = doubles(matrix)
    by: Any = doubles(offset)
    if m.ndim not in (1, 2) or m.shape[0] < 1:
        invalid("no proper affine matrix provided")
    if m.ndim == 2 and m.shape[1] == rank + 1 and m.shape[0] in (rank, rank + 1):
        m, by = m[:rank, :rank], m[:rank, rank]
    if m.shape[0] != rank:
        invalid("affine matrix has wrong number of rows")
    if m.ndim == 2 and m.shape[1] != len(shape):
        invalid("affine matrix has wrong number of columns")
    by = np.broadcast_to(by, (rank,))
    if m.ndim == 1:
        return image.on_grid([(np.arange(n, dtype=float) + by[k] / m[k]) * m[k] for k, n in enumerate(shape)])
    grid = [np.arange(n, dtype=float).reshape([n if j == k else 1 for j in range(len(shape))])
            for k, n in enumerate(shape)]
    return image.at([sum(m[r, k] * g for k, g in enumerate(grid)) + by[r] for r in range(rank)])


def rotate(input, angle, axes=(1, 0), reshape=True, output=None, order=3, mode="constant", cval=0.0, prefilter=True):
    x = array(input)
    if x.ndim < 2:
        invalid("input array should be at least 2D")
    if len(axes) != 2:
        invalid("axes should contain exactly two values")
    plane = sorted(axis_of(a, x.ndim) for a in axes)
    if plane[0] == plane[1]:
        invalid("axes should contain two different axes")
    cosine, sine = turned(angle)
    size = np.array([x.shape[k] for k in plane])
    turned_size = size
    if reshape:
        if is_traced(cosine):
            unsupported("scipy.ndimage.rotate", "by a traced angle with reshape=True, as the shape of the result "
                                                "depends on it; write reshape=False")
        corners = np.array([[cosine, sine], [-sine, cosine]]) @ [[0, 0, size[0], size[0]], [0, size[1], 0, size[1]]]
        turned_size = (np.ptp(corners, axis=1) + 0.5).astype(int)
    move: Rule = np.moveaxis
    moved = move(x, plane, (0, 1))
    rest = tuple(moved.shape[2:])
    planes = np.reshape(moved, (*moved.shape[:2], int(np.prod(rest, dtype=np.int64))))
    middle = (turned_size - 1) / 2
    offset = [(size[0] - 1) / 2 - (cosine * middle[0] + sine * middle[1]),
              (size[1] - 1) / 2 - (cosine * middle[1] - sine * middle[0])]
    i, j = np.arange(turned_size[0], dtype=float)[:, np.newaxis], np.arange(turned_size[1], dtype=float)
    places = [cosine * i + sine * j + offset[0], cosine * j - sine * i + offset[1]]
    done = [SplineImage("rotate", planes[:, :, k], output, order, mode, cval, prefilter).at(places)
            for k in range(planes.shape[2])]
    y = np.reshape(np.stack(done, axis=-1), (*(int(n) for n in turned_size), *rest))
    return move(y, (0, 1), plane)


def turned(angle: Any) -> tuple[Any, Any]:
    """Cosine and sine of an angle in degrees."""
    import scipy.special as sp
    if is_traced(angle) and (known := array(angle).known) is not None:
        angle = float(known)
    if not is_traced(angle):
        return float(sp.cosdg(angle)), float(sp.sindg(angle))
    radians = cast(array(angle), np.float64) * (np.pi / 180.0)
    return np.cos(radians), np.sin(radians)


_FILE = "scipy.ndimage._interpolation"
RULES: dict[tuple[str, str], Rule] = {
    **FILTERS, **{(_FILE, f.__name__): f for f in (map_coordinates, zoom, shift, affine_transform, rotate)}}
