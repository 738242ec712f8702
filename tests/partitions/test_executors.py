"""Value and gradient of losses over rows, from partitions: in this thread, in threads, in processes."""

from __future__ import annotations

import pickle
from concurrent.futures import CancelledError, Future, ProcessPoolExecutor, ThreadPoolExecutor

import joblib
import numpy as np
import pytest

import gradjit as gj
from gradjit.errors import ArgumentError, DtypeError, LinkError, ShapeError
from gradjit.partitions.blocks import added
from gradjit.partitions.payload import Payload
from tests.partitions.models import ROWS, W, X, Y, containers, kernel_loss, mean_loss, penalised, sum_loss


def front(f, executor=None, **more):
    return gj.parallel.value_and_grad(f, chunked=("x", "y"), executor=executor, **{"rows": ROWS, **more})


def same(a, b):
    return a[0] == b[0] and (a[1] == b[1]).all()


@pytest.fixture(scope="module")
def expected():
    return {f: front(f)(W, X, Y) for f in (mean_loss, sum_loss)}


@pytest.mark.parametrize("f", [mean_loss, sum_loss])
def test_it_is_the_gradient(f, expected):
    value, gradient = gj.value_and_grad(f)(W, X, Y)
    np.testing.assert_allclose(expected[f][0], value, rtol=1e-13)
    np.testing.assert_allclose(expected[f][1], gradient, rtol=1e-12)


def test_the_same_bits_whoever_computes_them(expected):
    with ThreadPoolExecutor(3) as threads, ProcessPoolExecutor(2) as processes:
        for executor in (threads, processes, joblib.Parallel(2, backend="threading")):
            for f in expected:
                step = front(f, executor)
                assert same(step(W, X, Y), expected[f]) and same(step(W, X, Y), expected[f])


@pytest.mark.parametrize("f", [mean_loss, kernel_loss])
def test_the_same_bits_whatever_came_before(f):
    """Few rows alone would have code of their own, which adds in another order than that for many."""
    rng = np.random.default_rng(1)
    xs, ys = ([rng.normal(size=(n, *rest)) for n in (300, 60_001, 17)] for rest in ((5,), ()))
    found = []
    for first in (None, slice(2, 3), slice(1, 2)):
        step = front(f, over="sum")
        if first is not None:
            step(W, xs[first], ys[first])
        found += [step(W, xs, ys), step(W, xs, ys)]
    assert all(same(x, found[0]) for x in found)


def test_containers_and_hessians():
    p = {"w": W, "b": np.array([0.5])}
    value, gradient = front(containers)(p, X, Y)
    v, g = gj.value_and_grad(containers)(p, X, Y)
    assert value == pytest.approx(v, rel=1e-13) and gradient.keys() == g.keys()
    np.testing.assert_allclose(gradient["w"], g["w"], rtol=1e-12)
    product = gj.parallel.hvp(mean_loss, chunked=(1, 2), rows=ROWS)(W, W[::-1].copy(), X, Y)
    np.testing.assert_allclose(product, gj.hvp(mean_loss)(W, W[::-1].copy(), X, Y), rtol=1e-12)


def test_partitions_that_are_loaded_where_they_are_used(expected):
    """Functions that give one; those without rows say nothing."""
    cuts = [slice(k, k + ROWS) for k in range(0, len(X), ROWS)]
    loads = []

    def load(a, rows):
        return lambda: (loads.append(rows), a[rows])[1]

    xs = [X[:0], *(load(X, c) for c in cuts), X[:0]]
    ys = [Y[:0], *(load(Y, c) for c in cuts), Y[:0]]
    step = front(mean_loss)
    assert same(step(W, xs, ys), expected[mean_loss])
    loads.clear()
    step(W, xs, ys)
    assert len(loads) <= 2 * len(cuts) + 2


def test_a_loss_that_is_no_sum():
    words = (r"penalised is no sum and no mean over rows.*for the 30 rows of the first one it gives .*, for its halves "
             r".* and .*; value or gradient differ from those of a sum by .*, of a mean by .*added outside")
    with pytest.raises(ArgumentError, match=words):
        front(penalised)(W, X, Y)
    assert front(penalised, over="sum")(W, X, Y)[0] > 0  # who says so is believed


@pytest.mark.parametrize("arguments, error, words", [
    ((W, X, Y[:-1]), ArgumentError, "x, y have 203, 202 rows"),
    ((W, [X, X], [Y]), ArgumentError, "x, y have 2, 1 partitions"),
    ((W, [X], Y), ArgumentError, "some are lists of partitions, and some are not"),
    ((W, X[:0], Y[:0]), ArgumentError, "x, y have no rows"),
    ((W, X, 1.0), ArgumentError, "y is a number"),
    ((W, [X, X.astype("f4")], [Y, Y]), DtypeError, "x has a partition of float32, and the first one is float64"),
    ((W, [X, X[:, :3]], [Y, Y]), ShapeError, r"x has a partition of shape \(203, 3\)"),
    ((W, [X, X], [Y, Y[:-1]]), ArgumentError, "different numbers of rows in one partition: x 203, y 202"),
    ((W, X[:1], Y[:1]), ArgumentError, "has one row, so nobody can tell"),
    ((W, X.tolist(), Y.tolist()), ArgumentError, "y has a partition that is a number; partitions are arrays with rows"),
    ((W, iter([X]), [Y]), ArgumentError, "x is a list_iterator, which gives its partitions only once; pass a list of"),
    ((W, X * np.nan, Y), ArgumentError, "both the loss and its gradient are not finite, so nobody can tell"),
    ((W * 0, X, Y * 0), ArgumentError, "both the loss and its gradient are 0, so nobody can tell"),
    ((W, X), ArgumentError, "sum_loss takes w, x, y; y is missing"),
])
def test_bad_data(arguments, error, words):
    with pytest.raises(error, match=words):
        front(sum_loss)(*arguments)


def test_arguments_by_name(expected):
    assert same(front(mean_loss, rows=np.int64(ROWS))(W, y=Y, x=X), expected[mean_loss])
    with pytest.raises(ArgumentError, match="mean_loss takes w, x, y; there is no place for rate"):
        front(mean_loss)(W, X, Y, rate=1)


def test_bad_requests():
    with pytest.raises(ValueError, match=r"chunked=1.0; the arguments are w, x, y"):
        gj.parallel.value_and_grad(sum_loss, chunked=(1.0, 2))
    with pytest.raises(ArgumentError, match="w is cut into partitions, so its gradient is no sum"):
        gj.parallel.value_and_grad(sum_loss, chunked=0)
    with pytest.raises(ValueError, match="chunked='z'; the arguments are w, x, y"):
        gj.parallel.value_and_grad(sum_loss, chunked="z")
    with pytest.raises(ValueError, match="over='rows'; there are sum, mean"):
        front(sum_loss, over="rows")
    with pytest.raises(ValueError, match="rows=0"):
        front(sum_loss, rows=0)
    with pytest.raises(TypeError, match="executor=3; it must be an executor of concurrent.futures"):
        front(sum_loss, 3)


class Cancelling(ThreadPoolExecutor):
    """Cancels the third partition."""

    count = 0

    def submit(self, *args, **kwargs):
        self.count += 1
        if self.count == 3:
            cancelled: Future = Future()
            cancelled.cancel()
            return cancelled
        return super().submit(*args, **kwargs)


def test_a_cancelled_partition_is_told():
    with Cancelling(2) as executor, pytest.raises(CancelledError) as e:
        front(sum_loss, executor)(W, X, Y)
    assert e.value.__notes__ == ["in partition 2"]


def test_a_worker_of_another_kind():
    sent = pickle.dumps(Payload(gj.value_and_grad(sum_loss)))
    received = pickle.loads(sent)
    received.maker = "gradjit 0.0 on another machine"
    with pytest.raises(LinkError, match=r"the worker .* has gradjit .*; the function comes from gradjit 0.0 on an"):
        received.load()


@pytest.mark.parametrize("n", [1, 2, 3, 5, 8, 13])
def test_the_tree_has_every_part_once(n):
    assert sorted(added([[k] for k in range(n)], lambda a, b: a + b)) == list(range(n))
