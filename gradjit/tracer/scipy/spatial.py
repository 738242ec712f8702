"""scipy.spatial.distance: distances of vectors, and of all pairs of rows."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ...errors import ArgumentError, DtypeError, ShapeError
from ...ir.sizes import agree
from ...probe import text
from ..array import TracedArray
from ..calls import call
from ..locations import fail
from ..numpy.common import array, magnitude, stored
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
    if known(p):
        if p <= 0:
            fail(ArgumentError, "p must be greater than 0")
        if p == np.inf:
            return chebyshev(u, v, w)
        if p == 2:
            return euclidean(u, v, w)
    powers = np.sum(_weighted(np.abs(u - v) ** p, w), axis=-1)
    none = powers == 0
    return np.where(none, 0.0, np.where(none, 1.0, powers) ** (1.0 / p))


def known(p: Any) -> bool:
    return not isinstance(p, TracedArray)


def _mean(x: Any, w: Any) -> Any:
    return np.mean(x, axis=-1) if w is None else np.sum(w * x, axis=-1) / np.sum(w)


def cosine(u: Any, v: Any, w: Any = None) -> Any:
    if u.extents[-1] != v.extents[-1]:
        fail(ShapeError, f"vectors of one length are wanted, not of {u.extents[-1]} and {v.extents[-1]} elements")
    return 1.0 - np.clip(_mean(u * v, w) / np.sqrt(_mean(u * u, w) * _mean(v * v, w)), -1.0, 1.0)


def correlation(u: Any, v: Any, w: Any = None) -> Any:
    return cosine(u - np.expand_dims(_mean(u, w), -1), v - np.expand_dims(_mean(v, w), -1), w)


def canberra(u: Any, v: Any, w: Any = None) -> Any:
    under = np.abs(u) + np.abs(v)
    none = under == 0
    return np.sum(_weighted(np.where(none, 0.0, np.abs(u - v) / np.where(none, 1.0, under)), w), axis=-1)


def braycurtis(u: Any, v: Any, w: Any = None) -> Any:
    return np.sum(_weighted(np.abs(u - v), w), axis=-1) / np.sum(_weighted(np.abs(u + v), w), axis=-1)


def hamming(u: Any, v: Any, w: Any = None) -> Any:
    if u.extents[-1] != v.extents[-1]:
        fail(ShapeError, "The 1d arrays must have equal lengths.")
    return _mean((u != v) * 1.0, w)


def seuclidean(u: Any, v: Any, V: Any) -> Any:
    return euclidean(u, v, 1.0 / floats(V))


def mahalanobis(u: Any, v: Any, VI: Any) -> Any:
    d = u - v
    return magnitude(np.sum((d @ floats(VI)) * d, axis=-1))


def jensenshannon(u: Any, v: Any, base: Any = None) -> Any:
    from scipy.special import rel_entr
    p, q = (x / np.sum(x, axis=-1, keepdims=True) for x in (u, v))
    middle = (p + q) / 2.0
    entropy = np.sum(rel_entr(p, middle), axis=-1) + np.sum(rel_entr(q, middle), axis=-1)
    return magnitude((entropy if base is None else entropy / np.log(base)) / 2.0)


METRICS: dict[str, Rule] = {f.__name__: f for f in (
    euclidean, sqeuclidean, cityblock, chebyshev, minkowski, cosine, correlation, canberra, braycurtis, hamming,
    seuclidean, mahalanobis, jensenshannon)}
MOST_CALLS = 1024
"""So many pairs of rows a metric of the program's own is called for."""


def spread(rows: Any) -> dict[str, Any]:
    """What metrics measure with that is not given: how the rows themselves are spread."""
    return {"V": np.var(rows, axis=0, ddof=1), "VI": np.linalg.inv(np.atleast_2d(np.cov(rows, rowvar=False))).T}


DEFAULTS = {"seuclidean": "V", "mahalanobis": "VI"}


def of_rows(metric: Any, kwargs: dict[str, Any], u: Any, v: Any, rows: Callable[[], Any]) -> Any:
    """The distances of the rows of u and v, which are broadcast. rows: all of them, as one matrix."""
    from scipy.spatial import distance
    name = metric.lower() if isinstance(metric, str) else text(metric, "__name__")
    alias = distance._METRIC_ALIAS.get(name)
    name = alias.canonical_name if alias else name
    if not isinstance(metric, str) and getattr(distance, name, None) is not metric:
        return called_for_each(metric, kwargs, u, v)
    found = METRICS.get(name)
    if found is None and alias is None:
        fail(ArgumentError, f"Unknown Distance Metric: {name}")
    if found is None:
        unsupported(f"scipy.spatial.distance with metric={metric!r}", f"the metrics {', '.join(METRICS)} are, and a "
                                                                       f"function of two vectors is")
    missing = DEFAULTS.get(name)
    if missing and kwargs.get(missing) is None:
        kwargs = {**kwargs, missing: spread(rows())[missing]}
    return found(u, v, **kwargs)


def called_for_each(metric: Any, kwargs: dict[str, Any], u: Any, v: Any) -> Any:
    """A metric of the program's own, for one pair of rows after the other."""
    first, second = np.broadcast_arrays(u, v)
    *shape, n = first.shape
    if math.prod(shape) > MOST_CALLS:
        unsupported("scipy.spatial.distance", f"with a function as metric, of more than {MOST_CALLS} pairs: write it "
                                              "for all pairs at once, as of x[:, None] and y[None, :]")
    if not math.prod(shape):
        return np.zeros(shape)
    pairs = zip(np.reshape(first, (-1, n)), np.reshape(second, (-1, n)), strict=True)
    return np.reshape(np.stack([array(call(metric, a, b, **kwargs)).astype(float) for a, b in pairs]), shape)


def matrix(x: Any, message: str) -> Any:
    """The rows, in double precision."""
    v = array(x)
    if v.ndim != 2:
        fail(ShapeError, message + f" (Shape was {v.shape}).")
    if v.ir_dtype.is_complex:
        fail(DtypeError, "distances are of real numbers; write np.abs(x), or join x.real and x.imag")
    return cast(v, np.float64)


def cdist(XA, XB, metric="euclidean", *, out=None, **kwargs):
    """The distances of each row of the one from each row of the other."""
    x, y = (matrix(x, f"{name} must be a 2-dimensional array.") for x, name in ((XA, "XA"), (XB, "XB")))
    if not agree(x.extents[1], y.extents[1]):
        fail(ShapeError, f"XA and XB must have the same number of columns (i.e. feature dimension.), not "
                         f"{x.extents[1]} and {y.extents[1]}")
    found = of_rows(metric, kwargs, x[:, np.newaxis, :], y[np.newaxis, :, :], lambda: np.concatenate([x, y]))
    return stored("scipy.spatial.distance.cdist", found, out)


def pdist(X, metric="euclidean", *, out=None, **kwargs):
    """Those of all pairs of rows, each once."""
    x = matrix(X, "A 2-dimensional array must be passed.")
    first, second = triu_indices(x.shape[0], 1)
    return stored("scipy.spatial.distance.pdist", of_rows(metric, kwargs, x[first], x[second], lambda: x), out)


def squareform(X, force="no", checks=True):
    """The distances of pairs as a symmetric matrix, or back."""
    x = array(X)
    wanted = {"tomatrix": 1, "tovector": 2}.get(force.lower(), x.ndim)
    if x.ndim not in (1, 2) or x.ndim != wanted:
        fail(ShapeError, f"{'one or two' if wanted == x.ndim else wanted} dimensions are wanted, not {x.ndim}")
    if x.ndim == 2:
        return _of_square(x, checks)
    n = int(np.ceil(np.sqrt(x.shape[0] * 2))) or 1
    if n * (n - 1) // 2 != x.shape[0]:
        fail(ArgumentError, f"Incompatible vector size {x.shape[0]}. It must be a binomial coefficient n choose 2 for "
                            "some integer n >= 2.")
    if n == 1:
        return np.zeros((1, 1), x.dtype)
    places = np.zeros((n, n), np.int64)
    first, second = np.triu_indices(n, 1)
    places[first, second] = places[second, first] = np.arange(x.shape[0])
    return np.where(np.eye(n, dtype=bool), 0, x[places]).astype(x.dtype)


def _of_square(x: Any, checks: bool) -> Any:
    if not agree(*x.extents):
        fail(ShapeError, f"The matrix argument must be square, not of shape {x.shape}")
    if checks:
        require(array(np.all(x == x.T)), "Distance matrix 'X' must be symmetric.")
        require(array(np.all(np.diagonal(x) == 0)), "Distance matrix 'X' diagonal must be zero.")
    return x[triu_indices(x.shape[0], 1)]


def distance_matrix(x, y, p=2, threshold=1000000):
    return cdist(x, y, "minkowski", p=p)


def vector(x: Any) -> Any:
    v = array(x)
    if v.ndim != 1:
        fail(ShapeError, f"Input vector should be 1-D, not of shape {v.shape}")
    return v


KEEP_INTEGERS = (cityblock, chebyshev)


def _of_vectors(f: Rule) -> Rule:
    """A metric with SciPy's arguments, on two vectors."""
    def rule(u, v, *args, **kwargs):
        pair = (vector(u), vector(v))
        return f(*(pair if f in KEEP_INTEGERS else map(floats, pair)), *args, **kwargs)

    return rule


def jensenshannon_along(p, q, base=None, *, axis=0, keepdims=False):
    found = jensenshannon(np.moveaxis(floats(p), axis, -1), np.moveaxis(floats(q), axis, -1), base)
    return np.expand_dims(found, axis) if keepdims else found


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
    ("scipy.spatial._kdtree", "distance_matrix"): distance_matrix,
    ("scipy.spatial._procrustes", "procrustes"): procrustes,
    **{(_FILE, name): _of_vectors(f) for name, f in METRICS.items()},
    (_FILE, "jensenshannon"): jensenshannon_along,
}
