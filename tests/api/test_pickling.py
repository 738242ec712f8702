"""Compiled functions go to other processes: by name, or as their function with the code that they have."""

from __future__ import annotations

import copy
import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest

import gradjit as gj
from gradjit.runtime import artefact

X = np.linspace(0.5, 1.5, 4)


def loss(x, n=2):
    return np.sum(np.sin(x) ** n)


@gj.grad
def decorated(x):
    return np.sum(x**3)


grad_of_loss = gj.grad(loss)


class Model:
    @staticmethod
    @gj.jit
    def twice(x):
        return 2 * x


def origin(f):
    return f.stats().specialisations[0].origin


def test_what_has_a_name_is_found_by_it():
    assert pickle.loads(pickle.dumps(decorated)) is decorated
    assert pickle.loads(pickle.dumps(Model.twice)) is Model.twice


@pytest.mark.parametrize("make, keywords", [
    (gj.jit, {}), (gj.grad, {"argnums": (0,)}), (gj.value_and_grad, {"check": True}), (gj.hessian, {}),
    (gj.jacobian, {"argnums": 0}), (gj.grad, {"has_aux": True, "tier": "interpret"}),
    (gj.jit, {"backend": "interpreter"}),
])
def test_others_are_made_anew(make, keywords):
    f = make(loss, **keywords)
    g = pickle.loads(pickle.dumps(f))
    assert g is not f
    assert (g.kind, g.like, g.options, g.recipe) == (f.kind, f.like, f.options, f.recipe)


def test_products_with_the_hessian():
    f = pickle.loads(pickle.dumps(gj.hvp(loss)))
    assert np.array_equal(f(X, np.ones(4)), gj.hvp(loss)(X, np.ones(4)))


@pytest.fixture
def _nothing_received():
    artefact._received.clear()
    yield
    artefact._received.clear()


@pytest.mark.usefixtures("_nothing_received")
def test_code_comes_along():
    f = gj.value_and_grad(loss, sizes="exact")
    expected = f(X)
    g = pickle.loads(pickle.dumps(f))
    value, gradient = g(X)
    assert origin(g) == "pickle"
    assert value == expected[0] and np.array_equal(gradient, expected[1])
    g(X[:3])
    assert origin(g) == "compiled"


@pytest.mark.usefixtures("_nothing_received")
def test_code_for_open_sizes_comes_along():
    f = gj.value_and_grad(loss, sizes="auto")
    for n in (3, 4):
        f(X[:n])
    g = pickle.loads(pickle.dumps(f))
    value, gradient = g(X[:2])
    assert origin(g) == "pickle" and g.stats().specialisations[0].arguments == "x: f64[n]"
    assert (value, *gradient) == (f(X[:2])[0], *f(X[:2])[1])
    h = pickle.loads(pickle.dumps(g))  # by another road, the same
    h(X)
    assert origin(h) == "pickle" and h.stats().misses == 1


@pytest.mark.usefixtures("_nothing_received")
def test_lambdas_by_cloudpickle():
    cloudpickle = pytest.importorskip("cloudpickle")
    c = 3.0
    f = gj.grad(lambda x: np.sum(x**2) * c)
    f(X)
    g = cloudpickle.loads(cloudpickle.dumps(f))
    assert np.array_equal(g(X), 6 * X)
    assert origin(g) == "pickle"
    with pytest.raises((pickle.PicklingError, AttributeError), match="lambda"):
        pickle.dumps(f)


def test_primitives_by_cloudpickle():
    cloudpickle = pytest.importorskip("cloudpickle")
    twice = gj.primitive(lambda x: 2 * x, out="f64[n]", vjp=lambda c, result, x: 2 * c)
    f = gj.grad(lambda x: np.sum(twice(x) * x))
    f(X)
    assert np.array_equal(cloudpickle.loads(cloudpickle.dumps(f))(X), 4 * X)


@pytest.mark.usefixtures("_nothing_received")
def test_what_was_not_made_for_the_program_is_not_used():
    f = gj.jit(loss)
    f(X)
    ((key, data),) = f.portable()
    artefact.receive([(key, data[:-1]), ("00" * 32, data)])
    g = gj.jit(loss)
    assert g(X) == f(X) and origin(g) == "compiled"


def test_what_belongs_to_a_call():
    _, pull = gj.vjp(loss, X)
    compiled = pull.__closure__
    inner = next(c.cell_contents for c in compiled if isinstance(c.cell_contents, type(decorated)))
    with pytest.raises(TypeError, match=r"cannot be pickled: it belongs to a call of gj\.vjp; pickle the function"):
        pickle.dumps(inner)


def test_copies_are_the_function_itself():
    assert copy.copy(decorated) is decorated and copy.deepcopy([grad_of_loss])[0] is grad_of_loss


def work(job):
    f, x = job
    return f(x), f.stats().specialisations[0].origin


@pytest.mark.slow
@pytest.mark.parametrize("method", ["spawn", "fork", "forkserver"])
def test_worker_processes(method):
    f = gj.value_and_grad(loss)
    expected = f(X)
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context(method)) as pool:
        for (value, gradient), came in pool.map(work, [(f, X)] * 4):
            assert value == expected[0] and np.array_equal(gradient, expected[1])
            assert came == "pickle" or method != "spawn"


def test_joblib():
    joblib = pytest.importorskip("joblib")
    f = gj.grad(lambda x: np.sum(x**2))
    f(X)
    found = joblib.Parallel(2)(joblib.delayed(work)((f, X)) for _ in range(3))
    assert all(np.array_equal(g, 2 * X) and came == "pickle" for g, came in found)
