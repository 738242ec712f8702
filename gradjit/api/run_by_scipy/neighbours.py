"""scipy.spatial's trees of points inside traced functions: SciPy finds the neighbours while the program runs, and the
distances to them are computed once more, which gives them derivatives."""

from __future__ import annotations

import importlib
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...errors import UnsupportedError
from ...tracer import libraries
from ...tracer.locations import fail
from ...tracer.opaque import on_data
from ...tracer.operands import as_traced, emit
from ..primitive import primitive


class Tree:
    """What stands for a KDTree of traced points."""

    def __init__(self, data: Any, leafsize: int = 10, compact_nodes: bool = True, copy_data: bool = False,
                 balanced_tree: bool = True, boxsize: Any = None):
        if boxsize is not None:
            fail(UnsupportedError, "scipy.spatial.KDTree of traced points does not take boxsize=; leave it away")
        self.data = as_traced(data) * 1.0
        self.n, self.m = self.data.extents

    def query(self, x: Any, k: Any = 1, eps: float = 0, p: float = 2, distance_upper_bound: float = np.inf,
              workers: int = 1) -> Any:
        return nearest(self.data, x, k, p, eps=eps, distance_upper_bound=distance_upper_bound)

    def query_ball_point(self, *args: Any, **kwargs: Any) -> Any:
        fail(UnsupportedError, "query_ball_point of a KDTree of traced points is not supported: how many there are "
                               "depends on the elements; write query(x, k=..., distance_upper_bound=...)")

    query_pairs = query_ball_tree = query_ball_point


def nearest(data: Any, x: Any, k: Any, p: float, **options: Any) -> Any:
    """Distances to, and positions of, the nearest ones of some points; inf and n where there is none."""
    x = as_traced(x) * 1.0
    ranks = k if isinstance(k, Sequence) else range(1, k + 1)
    n = len(data)
    shape = (*x.extents[:-1], len(ranks))
    tree = importlib.import_module("scipy.spatial").cKDTree

    def run(data: Any, x: Any) -> Any:
        _, found = tree(data).query(x, k=list(ranks), p=p, **options)
        return np.asarray(found, np.int64)

    at = primitive(run, out=lambda *_: np.zeros(shape, np.int64))(*(emit("stop_gradient", as_traced(h))
                                                                    for h in (data, x)))
    is_there = at < n
    apart = x[..., None, :] - as_traced(data)[np.where(is_there, at, 0)]
    distance = np.where(is_there, length(apart, p), np.inf)
    if k == 1:
        return distance[..., 0], at[..., 0]
    return distance, at


def length(v: Any, p: float) -> Any:
    """Minkowski's norm along the last axis."""
    if p == 2:
        return np.sqrt(np.sum(v * v, axis=-1))
    if math.isinf(p):
        return np.max(np.abs(v), axis=-1)
    return np.sum(np.abs(v), axis=-1) if p == 1 else np.sum(np.abs(v) ** p, axis=-1) ** (1 / p)


def query(tree: Any, x: Any, k: Any = 1, eps: float = 0, p: float = 2, distance_upper_bound: float = np.inf,
          workers: int = 1) -> Any:
    """Of a tree from outside, which holds its points."""
    known = on_data(tree.query, (x,), {"k": k, "eps": eps, "p": p, "distance_upper_bound": distance_upper_bound})
    if known is not None:
        return known
    if tree.boxsize is not None:
        fail(UnsupportedError, "query of a KDTree with boxsize= for traced points is not supported; leave it away")
    return nearest(np.asarray(tree.data), x, k, p, eps=eps, distance_upper_bound=distance_upper_bound)


def made(name: str) -> Any:
    def rule(*args: Any, **kwargs: Any) -> Any:
        known = on_data(getattr(importlib.import_module("scipy.spatial"), name), args, kwargs)
        return Tree(*args, **kwargs) if known is None else known

    return rule


RULES: libraries.Rules = {
    ("scipy.spatial._kdtree", "KDTree"): made("KDTree"),
    ("scipy.spatial._ckdtree", "cKDTree"): made("cKDTree"),
    ("scipy.spatial._kdtree", "KDTree.query"): query,
    ("scipy.spatial._ckdtree", "cKDTree.query"): query,
}
