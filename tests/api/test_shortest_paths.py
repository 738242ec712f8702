"""scipy.sparse.csgraph inside compiled functions: distances as SciPy's, with gradients through the paths."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as ss
import scipy.sparse.csgraph as cg

import gradjit as gj

RNG = np.random.default_rng(0)
N = 6
W = np.where(RNG.random((N, N)) < 0.4, RNG.uniform(0.5, 2, (N, N)), 0.0) * (1 - np.eye(N))
ROWS, COLUMNS = np.nonzero(W)
V = W[ROWS, COLUMNS]


def weighed(distances):
    return np.sum(np.where(np.isfinite(distances), distances, 0.0) * np.arange(distances.size).reshape(distances.shape))


CASES = {
    "shortest_path": lambda w: weighed(cg.shortest_path(w)),
    "dijkstra": lambda w: weighed(cg.dijkstra(w, indices=[0, 2])), "of one": lambda w: cg.dijkstra(w, indices=0)[3],
    "undirected": lambda w: weighed(cg.dijkstra(w, directed=False)),
    "limit": lambda w: weighed(cg.dijkstra(w, limit=1.5)),
    "floyd_warshall": lambda w: weighed(cg.floyd_warshall(w)), "johnson": lambda w: weighed(cg.johnson(w)),
    "bellman_ford": lambda w: weighed(cg.bellman_ford(w, True, 1)),
    "unweighted": lambda w: weighed(cg.shortest_path(w, unweighted=True)) + w.sum(),
    "predecessors": lambda w: weighed(cg.dijkstra(w, return_predecessors=True)[0]),
}


def differences(f, x):
    found = np.zeros(x.shape)
    for k in zip(*np.nonzero(x), strict=True):
        step = np.zeros(x.shape)
        step[k] = 1e-6
        found[k] = (f(x + step) - f(x - step)) / 2e-6
    return found


@pytest.mark.parametrize("name", CASES)
def test_distances_and_gradients(name):
    f = CASES[name]
    value, gradient = gj.value_and_grad(f)(W)
    assert value == pytest.approx(f(W), rel=1e-12)
    np.testing.assert_allclose(np.where(W > 0, gradient, 0.0), differences(f, W), atol=1e-6)


@pytest.mark.parametrize("name", ["shortest_path", "undirected"])
def test_sparse_graphs(name):
    f = lambda v: CASES[name](ss.csr_matrix((v, (ROWS, COLUMNS)), shape=(N, N)))
    np.testing.assert_allclose(gj.grad(f)(V), differences(f, V), atol=1e-6)
    doubled = lambda v: CASES[name](ss.coo_matrix((np.concatenate([v, 2 * v]), (np.tile(ROWS, 2), np.tile(COLUMNS, 2))),
                                                  shape=(N, N)).tocsr())
    np.testing.assert_allclose(gj.grad(doubled)(V), differences(doubled, V), atol=1e-6)


def test_forward_batches_and_components():
    f = CASES["shortest_path"]
    assert gj.jvp(f, (W,), (W,))[1] == pytest.approx(f(W), rel=1e-12)
    batch = gj.vmap(lambda s: cg.dijkstra(W * s, indices=0))(np.array([1.0, 2.0]))
    np.testing.assert_allclose(batch, [cg.dijkstra(W, indices=0), 2 * cg.dijkstra(W, indices=0)])
    count, labels = gj.jit(lambda w: cg.connected_components(w))(W)
    assert count == cg.connected_components(W)[0]
    np.testing.assert_array_equal(labels, cg.connected_components(W)[1])
    with pytest.raises(gj.UnsupportedError, match="does not take min_only="):
        gj.jit(lambda w: cg.dijkstra(w, indices=[0, 1], min_only=True))(W)


@pytest.mark.parametrize("options", [{}, {"normed": True}, {"use_out_degree": True, "return_diag": True},
                                     {"symmetrized": True, "normed": True, "return_diag": True}])
def test_laplacians(options):
    def f(w):
        found = cg.laplacian(w, **options)
        return found if isinstance(found, tuple) else (found,)

    for got, wanted in zip(gj.jit(f)(W), f(W), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-12, atol=1e-15)
    total = lambda w: weighed(f(w)[0]) + np.sum(f(w)[-1] ** 2)
    np.testing.assert_allclose(np.where(W > 0, gj.grad(total)(W), 0.0), differences(total, W), atol=1e-5)
    whole = np.array([[0, 2], [3, 0]])
    for got, wanted in zip(gj.jit(f)(whole), f(whole), strict=True):
        assert got.dtype == wanted.dtype
