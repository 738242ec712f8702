"""SciPy's functions that have no rule, called with data from outside: they run while the function is compiled, and the
data is watched."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.ndimage as sn
import scipy.spatial as sp
from scipy.cluster import vq
from scipy.optimize import approx_fprime
from scipy.sparse import csgraph

import gradjit as gj

P = np.random.default_rng(0).random((20, 2))
Q = np.array([[0.1, 0.2], [0.8, 0.8]])
TREE = sp.cKDTree(P)
PICTURE = np.random.default_rng(1).random((8, 8))
HEIGHTS = P[:, 0] + P[:, 1]


def islands(s):
    labels, count = sn.label(PICTURE > 0.6)
    return sum(np.sum(PICTURE[labels == k] * s) ** 2 for k in range(1, count + 1))


def in_a_loop(s):
    corners, total = sp.ConvexHull(P).vertices, 0.0
    for i in range(20):
        total = total + s * i * np.sum(P[corners])
    return total


CASES = {
    "tree from outside": lambda s: np.sum((HEIGHTS * s)[TREE.query(Q, k=3)[1]]),
    "tree made inside": lambda s: np.sum((HEIGHTS * s)[sp.KDTree(P).query(Q)[1]]),
    "pairs": lambda s: sum(np.sum(((P[i] - P[j]) * s) ** 2) for i, j in sorted(TREE.query_pairs(0.2))),
    "triangles": lambda s: np.sum((HEIGHTS * s)[sp.Delaunay(P).simplices]),
    "hull": in_a_loop,
    "islands": islands,
    "distances": lambda s: np.sum(sn.distance_transform_edt(PICTURE > 0.3)) * s,
    "paths": lambda s: np.sum(csgraph.shortest_path(PICTURE)) * s,
    "clusters": lambda s: np.sum(vq.kmeans2(P, 3, seed=0, minit="points")[0]) * s,
}


@pytest.mark.thinned
@pytest.mark.parametrize("name", CASES)
def test_of_data(name):
    f = CASES[name]
    value, slope = gj.value_and_grad(f)(0.8)
    assert value == pytest.approx(f(0.8))
    assert slope == pytest.approx((f(0.81) - f(0.79)) / 0.02)


def test_data_is_watched():
    points = P.copy()
    f = gj.jit(lambda s: s * np.sum(sp.KDTree(points).query(Q)[0]))
    assert f(1.0) == pytest.approx(np.sum(sp.KDTree(points).query(Q)[0]))
    points *= 0.5
    assert f(1.0) == pytest.approx(np.sum(sp.KDTree(points).query(Q)[0]))


def test_a_function_that_reads_traced_values_is_not_taken_for_data():
    with pytest.raises(gj.UnsupportedError, match="approx_fprime wants the elements of a traced array"):
        gj.jit(lambda s: np.sum(approx_fprime(P[0], lambda t: s * np.sum(t * t))))(1.0)


def test_of_arguments_it_is_refused():
    with pytest.raises(gj.UnsupportedError, match="scipy.spatial.ConvexHull wants the elements of a traced array"):
        gj.jit(lambda p: sp.ConvexHull(p).volume)(P)
