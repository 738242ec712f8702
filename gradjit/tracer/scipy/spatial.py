"""scipy.spatial.distance: distances of vectors, and of all pairs of rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...errors import ShapeError
from ..locations import fail
from ..numpy.common import array, magnitude
from ..numpy.creation import triu_indices
from ..operands import cast, require, unsupported
from .factorisation import orthogonal_procrustes

Rule = Callable[..., Any]


def floats(x: Any) -> Any:
    v = array(x)
    return v if v.ir_dtype.is_inexact else cast(v, np.float64)


def _weighted(d: Any, w: Any) -> Any:
    return d if w is None else w * d


def sqeuclidean(u: Any, v: Any, w: Any = None) -> Any:
    d = u - v
    return np.sum(_weighted(d * d, w), axis=-1)


def euclidean(u: Any, v: Any, w: Any = None) -> Any:
    return magnitude(sqeuclidean(u, v, w))


def cityblock(u: Any, v: Any, w: Any = None) -> Any:
    return np.sum(_weighted(np.abs(u - v), w), axis=-1)


def chebyshev(u: Any, v: Any, w: Any = None) -> Any:
    d = np.abs(u - v)
    return np.max(d if w is None else np.where(np.asarray(w) > 0, d, 0.0), axis=-1)


def minkowski(u: Any, v: Any, p: Any = 2, w: Any = None) -> Any:
    if p == 2:
        return euclidean(u, v, w)
    powers = np.sum(_weighted(np.abs(u - v) ** p, w), axis=-1)
    none = powers == 0
    return np.where(none, 0.0, np.where(none, 1.0, powers) ** (1.0 / p))


def _mean(x: Any, w: Any) -> Any:
    return np.mean(x, axis=-1) if w is None else np.sum(w * x, axis=-1) / np.sum(w)


def cosine(u: Any, v: Any, w: Any = None) -> Any:
    return 1.0 - np.clip(_mean(u * v, w) / np.sqrt(_mean(u * u, w) * _mean(v * v, w)), -1.0, 1.0)


def correlation(u: Any, v: Any, w: Any = None) -> Any:
    return cosine(u - np.expand_dims(_mean(u, w), -1), v - np.expand_dims(_mean(v, w), -1), w)


def canberra(u: Any, v: Any, w: Any = None) -> Any:
    under = np.abs(u) + np.abs(v)
    none = under == 0
    return np.sum(_weighted(np.where(none, 0.0, np.abs(u - v) / np.where(none, 1.0, under)), w), axis=-1)


def braycurtis(u: Any, v: Any, w: Any = None) -> Any:
    return np.sum(_weighted(np.abs(u - v), w), axis=-1) / np.sum(_weighted(np.abs(u + v), w), axis=-1)


METRICS: dict[str, Rule] = {
    "euclidean": euclidean, "sqeuclidean": sqeuclidean, "cityblock": cityblock, "chebyshev": chebyshev,
    "minkowski": minkowski, "cosine": cosine, "correlation": correlation, "canberra": canberra,
    "braycurtis": braycurtis,
}
NAMES = {"manhattan": "cityblock", "l1": "cityblock", "l2": "euclidean", "euc": "euclidean", "cos": "cosine"}


def metric_of(metric: Any, kwargs: dict[str, Any]) -> Rule:
    name = metric if isinstance(metric, str) else getattr(metric, "__name__", "")
    found = METRICS.get(NAMES.get(name, name))
    if found is None:
        unsupported(f"scipy.spatial.distance with metric={metric!r}", f"the metrics {', '.join(METRICS)} are")
    return lambda u, v: found(u, v, **kwargs)


def cdist(XA, XB, metric="euclidean", **kwargs):
    """The distances of each row of the one from each row of the other."""
    x, y = floats(XA), floats(XB)
    return metric_of(metric, kwargs)(x[:, np.newaxis, :], y[np.newaxis, :, :])


def pdist(X, metric="euclidean", **kwargs):
    """Those of all pairs of rows, each once."""
    x = floats(X)
    first, second = triu_indices(x.shape[0], 1)
    return metric_of(metric, kwargs)(x[first], x[second])


def squareform(X, force="no", checks=True):
    """The distances of pairs as a symmetric matrix, or back."""
    x = array(X)
    if x.ndim == 2:
        first, second = triu_indices(x.shape[0], 1)
        return x[first, second]
    n = int(np.ceil(np.sqrt(x.shape[0] * 2)))
    if n * (n - 1) // 2 != x.shape[0]:
        unsupported("scipy.spatial.distance.squareform", f"of {x.shape[0]} distances: they are no pairs")
    places = np.zeros((n, n), np.int64)
    first, second = np.triu_indices(n, 1)
    places[first, second] = places[second, first] = np.arange(x.shape[0])
    return np.where(np.eye(n, dtype=bool), 0, x[places]).astype(x.dtype)


def distance_matrix(x, y, p=2, threshold=1000000):
    return cdist(x, y, "minkowski", p=p)


def mahalanobis(u, v, VI):
    d: Any = floats(u) - floats(v)
    return np.sqrt(d @ floats(VI) @ d)


def _of_vectors(f: Rule) -> Rule:
    """A metric with SciPy's arguments, on two vectors."""
    def rule(u, v, *args, **kwargs):
        return f(floats(u), floats(v), *args, **kwargs)

    return rule


_FILE = "scipy.spatial.distance"
def procrustes(data1, data2):
    """Both sets of points, centred and of one size, the second turned and scaled to the first; and what is left."""
    both = [cast(array(x), np.float64) for x in (data1, data2)]
    if both[0].ndim != 2 or both[1].ndim != 2 or both[0].shape != both[1].shape:
        fail(ShapeError, f"two matrices of one shape are wanted, not {both[0].shape} and {both[1].shape}")
    centred: list[Any] = [x - np.mean(x, axis=0) for x in both]
    sizes = [np.linalg.norm(x) for x in centred]
    require(array((sizes[0] > 0) & (sizes[1] > 0)), "Input matrices must contain >1 unique points")
    first, second = (x / size for x, size in zip(centred, sizes, strict=True))
    turn, scale = orthogonal_procrustes(first, second)
    second = (second @ turn.T) * scale
    return first, second, np.sum((first - second) ** 2)


RULES: dict[tuple[str, str], Rule] = {
    (_FILE, "cdist"): cdist, (_FILE, "pdist"): pdist, (_FILE, "squareform"): squareform,
    (_FILE, "mahalanobis"): mahalanobis, ("scipy.spatial._kdtree", "distance_matrix"): distance_matrix,
    ("scipy.spatial._procrustes", "procrustes"): procrustes,
    **{(_FILE, name): _of_vectors(f) for name, f in METRICS.items()},
}
