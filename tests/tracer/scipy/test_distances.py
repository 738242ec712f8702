"""Distances of rows as scipy.spatial.distance measures them: dtypes, metrics by every name, what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.integrate as sq
import scipy.spatial.distance as sd

import gradjit as gj
from tests.tracer.scipy.calls import check_gradients, check_values

rng = np.random.default_rng(0)
A, B = rng.normal(size=(4, 3)), rng.normal(size=(2, 3))
P, Q = rng.uniform(0.1, 1.0, (4, 3)), rng.uniform(0.1, 1.0, (2, 3))
METRICS = ["euclidean", "sqeuclidean", "cityblock", "chebyshev", "minkowski", "cosine", "correlation", "canberra",
           "braycurtis", "seuclidean", "mahalanobis", "hamming"]


@pytest.mark.parametrize("dtype", [np.float32, np.int64, np.float64])
def test_distances_are_of_double_precision(dtype: Any) -> None:
    a, b = (3 * A).astype(dtype), 2 * B
    check_values([*(lambda a, b, m=m: sd.cdist(a, b, m) for m in METRICS),
                  *(lambda a, b, m=m: sd.pdist(a, m) for m in METRICS)], [a, b], 1e-10)


def test_derivatives_of_metrics_of_all_rows() -> None:
    calls = [lambda a, b, p, q: sd.cdist(a, b, "seuclidean"), lambda a, b, p, q: sd.pdist(a, "mahalanobis"),
             lambda a, b, p, q: sd.cdist(p, q, "jensenshannon"), lambda a, b, p, q: sd.jensenshannon(p, p[::-1], 2.0),
             lambda a, b, p, q: sd.jensenshannon(p, p[::-1], axis=1, keepdims=True),
             lambda a, b, p, q: sd.cdist(a, b, "seuclidean", V=p[0]),
             lambda a, b, p, q: sd.cdist(a, b, "mahalanobis", VI=p[:3] @ p[:3].T),
             lambda a, b, p, q: sd.cdist(a, b, "minkowski", p=np.inf),
             lambda a, b, p, q: sd.minkowski(a[0], b[0], np.inf),
             lambda a, b, p, q: sd.cdist(a, b, lambda u, v: np.sum(np.abs(u - v) ** 1.5)),
             lambda a, b, p, q: sd.cdist(a, b, sd.cosine), lambda a, b, p, q: sd.cdist(a, b, "CB")]
    check_values(calls, [A, B, P, Q])
    check_gradients(calls, [A, B, P, Q])


def test_a_function_with_the_name_of_a_metric_is_itself() -> None:
    def cosine(u, v):
        return u @ v

    np.testing.assert_allclose(gj.jit(lambda a, b: sd.cdist(a, b, cosine))(A, B), A @ B.T)


def test_integers_keep_their_dtype_in_sums() -> None:
    u, v = np.array([1, 5, 2]), np.array([4, 4, 4])
    check_values([*(lambda u, v, f=f: f(u, v) for f in (sd.cityblock, sd.chebyshev, sd.hamming))], [u, v])


@pytest.mark.parametrize(("f", "message"), [
    (lambda a, b: sd.cdist(a, b[:, :1]), "same number of columns"),
    (lambda a, b: sd.cdist(a[0], b), "XA must be a 2-dimensional"),
    (lambda a, b: sd.pdist(a[0]), "2-dimensional array must be passed"),
    (lambda a, b: sd.euclidean(a[:2], b), "Input vector should be 1-D"),
    (lambda a, b: sd.cosine(a[0], b[0, :1]), "of one length"),
    (lambda a, b: sd.minkowski(a[0], b[0], p=0), "p must be greater than 0"),
    (lambda a, b: sd.cdist(a, b, "euclidian"), "Unknown Distance Metric: euclidian"),
    (lambda a, b: sd.squareform(a), "must be square"),
    (lambda a, b: sd.squareform(a[:3]), "must be symmetric"),
    (lambda a, b: sd.squareform(np.concatenate([a[0], b[0, :1]])), "Incompatible vector size"),
    (lambda a, b: sd.squareform(a[0], force="tovector"), "2 dimensions are wanted"),
])
def test_what_scipy_refuses_is_refused(f: Any, message: str) -> None:
    with pytest.raises(ValueError):
        f(A, B)
    with pytest.raises(ValueError, match=message):
        gj.jit(f)(A, B)


def test_no_pairs() -> None:
    check_values([lambda a: sd.pdist(a[:1]), lambda a: sd.squareform(a[0, :0]),
                  lambda a: sd.squareform(a[:1, :1] * 0)], [A])


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 6])
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_simpson_keeps_the_precision_that_scipy_keeps(n: int, dtype: str) -> None:
    samples = rng.normal(size=(3, n)).astype(dtype)
    check_values([lambda y: sq.simpson(y), lambda y: sq.simpson(y[0]), lambda y: sq.simpson(y, dx=0.3),
                  lambda y: sq.simpson(y[1], x=np.arange(n) ** 1.5)], [samples], 1e-5)


def test_simpson_where_places_coincide() -> None:
    for x in (np.array([0.0, 1, 1, 2, 2, 3, 3]), np.array([0.0, 0, 0, 2, 2, 2, 3])):
        for n in (3, 4, 5, 6, 7):
            check_values([lambda y, x=x, n=n: sq.simpson(y, x=x[:n])], [np.sin(1.0 + np.arange(n))])
