"""The same on Dask: its schedulers in this process, and a cluster of two worker processes."""

from __future__ import annotations

import logging
import os
import time

import numpy as np
import pytest

import gradjit as gj
from gradjit.errors import ArgumentError, DtypeError
from tests.partitions.models import ROWS, W, X, Y, mean_loss, penalised, sum_loss

dask = pytest.importorskip("dask")
distributed = pytest.importorskip("distributed")
arrays = pytest.importorskip("dask.array")

CUTS = [slice(k, k + ROWS) for k in range(0, len(X), ROWS)]


@pytest.fixture(scope="module")
def expected():
    return {f: gj.parallel.value_and_grad(f, chunked=(1, 2), rows=ROWS)(W, X, Y) for f in (mean_loss, sum_loss)}


@pytest.fixture(scope="module")
def client():
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, memory_limit=0) as cluster:
        with distributed.Client(cluster) as made:
            yield made


def same(a, b):
    return a[0] == b[0] and (a[1] == b[1]).all()


def test_in_this_process(expected):
    x, y = arrays.from_array(X, chunks=(ROWS, 2)), arrays.from_array(Y, chunks=ROWS)
    for f, result in expected.items():
        assert same(gj.dask.value_and_grad(f, chunked=("x", "y"))(W, x, y), result)
    blocks = [dask.delayed(X[c]) for c in CUTS], [Y[c] for c in CUTS]
    assert same(gj.dask.value_and_grad(sum_loss, chunked=("x", "y"))(W, *blocks), expected[sum_loss])
    product = gj.dask.hvp(sum_loss, chunked=("x", "y"))(W, W, x, y)
    np.testing.assert_allclose(product, gj.hvp(sum_loss)(W, W, X, Y), rtol=1e-12)


def test_bad_data():
    step = gj.dask.value_and_grad(sum_loss, chunked=("x", "y"))
    with pytest.raises(ArgumentError, match="x is a ndarray; it must be a Dask array, or a list"):
        step(W, X, Y)
    with pytest.raises(ArgumentError, match="x, y have 2, 1 partitions"):
        step(W, [X, X], [Y])
    with pytest.raises(ArgumentError, match="have no rows"):
        step(W, [X[:0]], [Y[:0]])
    with pytest.raises(DtypeError, match="x has a partition of float32"):
        step(W, [X, X.astype("f4")], [Y, Y])
    with pytest.raises(ArgumentError, match="penalised is no sum and no mean"):
        gj.dask.value_and_grad(penalised, chunked=("x", "y"))(W, [X], [Y])


def held_up(k, a, killed):
    """A partition: number 3 takes its worker down the first time, number 5 is slow."""
    if k == 3 and not os.path.exists(killed):
        with open(killed, "w"):
            os._exit(1)
    if k == 5:
        time.sleep(0.2)
    return a


@pytest.mark.slow
def test_a_lost_worker_and_a_slow_one_change_nothing(client, expected, tmp_path):
    step = gj.dask.value_and_grad(mean_loss, chunked=("x", "y"))
    x, y = arrays.from_array(X, chunks=(ROWS, 5)), arrays.from_array(Y, chunks=ROWS)
    assert same(step(W, x, y), expected[mean_loss])
    assert set(client.run(gj.get_threads).values()) == {1}
    killed = str(tmp_path / "killed")
    xs = [dask.delayed(held_up, pure=False)(k, X[c], killed) for k, c in enumerate(CUTS)]
    assert same(step(W, xs, [Y[c] for c in CUTS]), expected[mean_loss])
    assert os.path.exists(killed)
