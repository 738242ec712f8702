"""Functions that write into their arguments: the caller's arrays change as NumPy would change them, or not at all."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import gradjit as gj

HERE = r'\n  File ".*test_writes\.py", line \d+'
BACKENDS = ("native", "interpreter")


def both(f: Any, *args: Any, backend: str = "native", calls: int = 2) -> None:
    """f compiled and f itself do the same to equal arguments, and give the same: the first call and the later ones."""
    compiled = gj.jit(f, backend=backend)
    for _ in range(calls):
        ours, theirs = copy.deepcopy(args), copy.deepcopy(args)
        same(compiled(*ours), f(*theirs))
        same(ours, theirs)


def same(x: Any, y: Any) -> None:
    if isinstance(y, (tuple, list)):
        assert type(x) is type(y) and len(x) == len(y)
        for a, b in zip(x, y, strict=True):
            same(a, b)
    elif isinstance(y, dict):
        assert list(x) == list(y)
        same(list(x.values()), list(y.values()))
    elif isinstance(y, np.ndarray):
        assert isinstance(x, np.ndarray) and x.dtype == y.dtype
        np.testing.assert_allclose(x, y, rtol=1e-14)
    elif hasattr(y, "__dict__"):
        same(vars(x), vars(y))
    else:
        assert x == y


def heat(u):
    u[1:-1] += 0.1 * (u[2:] - 2 * u[1:-1] + u[:-2])


def scaled(a, x, out):
    np.multiply(a, x, out=out)
    return out


def swapped(x, y):
    t = x.copy()
    x[:] = y
    y[:] = t


def through_views(a):
    row = a[1]
    row[::2] = 7.0
    a.T[0] -= 1.0
    a.reshape(-1)[-1] = 5.0
    return a[0]


def filled(a):
    a.fill(2.0)
    a[a > 1] = 3.0
    a.sort()


def state(s):
    s["u"][1:] += s["v"][:-1]
    s["parts"][0][...] = 4.0
    return s


U = np.linspace(0.0, 1.0, 7) ** 2


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("f, args", [
    (heat, (U,)),
    (heat, (U.astype(np.float32),)),
    (scaled, (2.0, U, np.zeros(7))),
    (swapped, (U, U[::-1].copy())),
    (through_views, (np.arange(12.0).reshape(3, 4),)),
    (through_views, (np.asfortranarray(np.arange(12.0).reshape(3, 4)),)),
    (filled, (np.arange(5.0),)),
    (state, ({"u": U, "v": U + 1, "parts": [np.ones((2, 2)), 3]},)),
    (lambda n: n.__iadd__(1), (np.arange(4),)),
    (lambda x: x.fill(1), (np.zeros((0, 3)),)),
    (lambda x: x.__setitem__(..., 5.0), (np.array(2.0),)),
    (lambda b: b.__setitem__(slice(1, 3), True), (np.zeros(5, bool),)),
], ids=lambda x: getattr(x, "__name__", "args"))
def test_arguments_change_as_in_numpy(f, args, backend):
    both(f, *args, backend=backend)


@pytest.mark.parametrize("backend", BACKENDS)
def test_arrays_in_any_layout(backend):
    f = gj.jit(heat, backend=backend)
    for make in (lambda a: a[::2], lambda a: a[::-1], lambda a: a.reshape(2, 7).T[:, 1], lambda a: a[3:11]):
        ours, theirs = np.arange(14.0) ** 2, np.arange(14.0) ** 2
        for _ in range(2):
            assert f(make(ours)) is None
            heat(make(theirs))
            np.testing.assert_allclose(ours, theirs, rtol=1e-14)


def test_nothing_is_written_but_what_the_function_writes():
    def f(x, y):
        y[2] = x[0]

    x, y = np.arange(3.0), np.full(5, np.nan)
    y[2] = 9.0
    x.flags.writeable = False
    gj.jit(f)(x, y)
    np.testing.assert_array_equal(y, [np.nan, np.nan, 0, np.nan, np.nan])


@pytest.mark.parametrize("make", [lambda: np.zeros(4), lambda: np.zeros(8)[::2]])
def test_the_written_argument_is_returned_as_itself(make):
    def f(x, y):
        x += y
        return x, y, {"x": x}, x[1:]

    compiled = gj.jit(f)
    for k in range(2):
        x, y = make(), np.arange(4.0)
        a, b, c, d = compiled(x, y)
        assert a is x and b is y and c["x"] is x, k
        assert not np.shares_memory(d, x)
        np.testing.assert_array_equal(x, y)


def test_fast_calls_write_too():
    f = gj.jit(heat)
    u = U.copy()
    f(u)
    misses = f.misses
    for _ in range(5):
        f(u)
    assert f.misses == misses
    v = U.copy()
    for _ in range(6):
        heat(v)
    np.testing.assert_allclose(u, v, rtol=1e-13)


# what cannot be written ---------------------------------------------------------------------------------------------
def test_read_only_arguments_are_refused_before_anything_changes():
    def f(x, y):
        x[0] = 1.0
        y[0] = 1.0

    compiled = gj.jit(f)
    x, y = np.zeros(3), np.zeros(3)
    compiled(x, y)
    for frozen in (np.zeros(3), np.zeros(6)[::2], np.broadcast_to(0.0, (3,))):
        frozen.flags.writeable = False
        x[:] = 0
        with pytest.raises(ValueError, match=f"destination is read-only.*argument y; pass a copy.*{HERE}, in f"):
            compiled(x, frozen)
        np.testing.assert_array_equal(x, 0)


def test_an_error_leaves_everything_as_it_was():
    def f(x, i):
        x[0] = 5.0
        return x[i]

    x = np.zeros(3)
    with pytest.raises(IndexError):
        gj.jit(f)(x, np.array([3]))
    np.testing.assert_array_equal(x, 0)


def shifted(x, y):
    x[1:] += y[:-1]
    y *= 2


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("make", [lambda: np.arange(6.0), lambda: np.arange(12.0)[::2]])
def test_one_array_passed_twice(make, backend):
    f = gj.jit(shifted, backend=backend)
    for _ in range(2):
        ours, theirs = make(), make()
        f(ours, ours)
        shifted(theirs, theirs)
        np.testing.assert_array_equal(ours, theirs)
        a, b = make(), make() + 1
        c, d = a.copy(), b.copy()
        f(a, b)
        shifted(c, d)
        np.testing.assert_array_equal(a, c)
        np.testing.assert_array_equal(b, d)


def test_arguments_that_overlap():
    f = gj.jit(shifted)
    for order in (1, -1):
        base = np.arange(10.0)
        f(base[:5], base[5:])  # apart
        before = base.copy()
        for x, y in ((base[:6], base[2:8]), (base[::2], base[::2][::-1]), (base[:5], base[1::2])):
            with pytest.raises(ValueError, match=f"shares memory with the argument .*pass a copy.*{HERE}, in shifted"):
                f(*(x, y)[::order])
        np.testing.assert_array_equal(base, before)
    base = np.arange(10.0)
    f(base[::2], base[1::2])  # interleaved, but no element is shared
    other = np.arange(10.0)
    shifted(other[::2], other[1::2])
    np.testing.assert_array_equal(base, other)


def test_functions_that_only_read_may_get_what_overlaps():
    x = np.arange(5.0)
    np.testing.assert_array_equal(gj.jit(lambda x, y: x[1:] * y)(x, x[1:]), x[1:] ** 2)


def test_an_array_whose_elements_are_one():
    x = np.lib.stride_tricks.as_strided(np.zeros(1), (3,), (0,))
    with pytest.raises(ValueError, match="several elements are one place in memory"):
        gj.jit(heat)(x)


# arrays from outside ------------------------------------------------------------------------------------------------
LOG = np.zeros(3)


@pytest.mark.parametrize("backend", BACKENDS)
def test_captured_arrays_are_written(backend):
    memo = np.zeros(2)

    class Filter:
        def __init__(self):
            self.last = np.zeros(3)

        def step(self, x):
            self.last *= 0.5
            self.last += x
            LOG[0] += 1.0
            memo[1] = x[0]
            return self.last

    ours, theirs = Filter(), Filter()
    step = gj.jit(ours.step, backend=backend)
    LOG[:] = 0
    for k in range(4):
        got = step(np.full(3, float(k)))
        assert got is ours.last
        np.testing.assert_array_equal(got, theirs.step(np.full(3, float(k))))
        assert memo[1] == k
    assert LOG[0] == 8.0


def test_captured_arrays_that_cannot_be_written():
    base = np.zeros(4)
    part, frozen = base[1:], np.zeros(2)
    frozen.flags.writeable = False

    def f(x):
        base[0] = x[0]
        return part * 2

    with pytest.raises(ValueError, match=f"array base, which shares memory with the captured array part.*{HERE}"):
        gj.jit(f)(np.ones(1))

    def g(x):
        base[0] = x[0]

    with pytest.raises(ValueError, match=f"captured array base, which shares memory with the argument x.*{HERE}"):
        gj.jit(lambda x: (g(x), x[1])[1])(base)

    def h(x):
        frozen[0] = x

    with pytest.raises(ValueError, match=f"read-only.*the captured array frozen; pass a copy.*{HERE}"):
        gj.jit(h)(1.0)


# containers ---------------------------------------------------------------------------------------------------------
@dataclass
class Particle:
    x: Any
    v: Any
    mass: float = 1.0


def rebound(p, s, xs):
    p.x = p.x + 0.1 * p.v
    s["u"] = s["u"] * 2
    s["new"] = {"sum": np.sum(s["u"]), "name": "u"}
    xs[0], xs[1] = xs[1], xs[0]
    xs[2]["deep"][0] = 3.0


@pytest.mark.parametrize("backend", BACKENDS)
def test_items_and_fields_that_are_given_new_values(backend):
    args = (Particle(np.zeros(2), np.ones(2)), {"u": U.copy()}, [U + 1, U + 2, {"deep": np.zeros(1)}])
    both(rebound, *args, backend=backend)


def test_the_caller_s_containers_hold_the_caller_s_arrays():
    xs = [np.zeros(2), np.ones(2)]
    a, b = xs

    def f(xs):
        xs[0], xs[1] = xs[1], xs[0]
        xs[0][0] = 5.0

    gj.jit(f)(xs)
    assert xs[0] is b and xs[1] is a
    np.testing.assert_array_equal(b, [5, 1])


@pytest.mark.parametrize("change, what", [
    (lambda s: s["xs"].append(s["u"]), r"lengthens the list args\[0\]\['xs'\]"),
    (lambda s: s.pop("u"), r"takes args\[0\]\['u'\] out of its container"),
])
def test_containers_that_grow_or_shrink(change, what):
    def f(s):
        change(s)

    s = {"u": U.copy(), "xs": [U.copy()]}
    with pytest.raises(gj.TraceError, match=what):
        gj.jit(f)(s)
    assert list(s) == ["u", "xs"] and len(s["xs"]) == 1


# derivatives --------------------------------------------------------------------------------------------------------
def energy(u, out):
    out[1:] = u[1:] ** 2 - u[:-1]
    u *= 3
    return np.sum(out * u)


def test_gradient_functions_change_nothing():
    u, out = U.copy(), np.zeros(7)
    v = np.ones(7)
    for call in (lambda: gj.value_and_grad(energy)(u, out), lambda: gj.grad(energy, argnums=(0, 1))(u, out),
                 lambda: gj.hessian(energy)(u, out), lambda: gj.hvp(energy)(u, v, out),
                 lambda: gj.jvp(energy, (u, out), (v, v)), lambda: gj.vjp(energy, u, out)[1](1.0),
                 lambda: gj.jit(lambda u: gj.vjp(energy, u, 1.0 * u)[0])(u)):
        call()
        np.testing.assert_array_equal(u, U)
        np.testing.assert_array_equal(out, 0)
    expected = energy(U.copy(), np.zeros(7))
    assert gj.value_and_grad(energy)(u, out)[0] == pytest.approx(expected)
    assert gj.vjp(energy, u, out)[0] == pytest.approx(expected)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("other", [lambda a: a, lambda a: a[::-1], lambda a: a[:]])
@pytest.mark.parametrize("passed", [False, True])
def test_gradients_where_what_is_written_all_over_is_shared_later(backend, other, passed):
    held = {"to": np.arange(3.0), "from": np.arange(3.0)}

    def f(x, y):
        held["to"][:] = x
        return np.sum((held["from"] + x + y + held["to"]) ** 2)

    x, g = np.array([0.5, -1.2, 2.0]), gj.grad(f, backend=backend)
    for _ in range(2):
        np.testing.assert_allclose(g(x, np.zeros(3)), 4 * (np.arange(3.0) + 2 * x))
    shared = other(held["to"])
    held["from"] = held["from"] if passed else shared
    if shared is held["to"] and not passed:  # then it is one array
        np.testing.assert_allclose(g(x, np.zeros(3)), 18 * x)
        return
    with pytest.raises(gj.GradjitError, match="what it computes is no function of the one without the other"):
        g(x, shared if passed else np.zeros(3))


def test_returning_what_is_written():
    def f(x, out, n=2):
        out[:] = x ** n

    g = gj.returning(f, "out")
    x, out = np.arange(1.0, 4.0), np.zeros(3)
    np.testing.assert_array_equal(g(x, out), x ** 2)  # plain Python
    np.testing.assert_array_equal(gj.jit(g)(x, out), x ** 2)
    np.testing.assert_allclose(gj.jacobian(g)(x, out, n=3), np.diag(3 * x ** 2))
    np.testing.assert_allclose(gj.jacobian(g, argnums=1)(x, out), np.zeros((3, 3)))
    value, gradient = gj.value_and_grad(lambda x, out: np.sum(g(x, out)))(x, out)
    assert value == 14.0
    np.testing.assert_allclose(gradient, 2 * x)
    np.testing.assert_array_equal(out, 0)


def test_returning_several_and_the_result():
    def f(s, y):
        s["a"] += y
        y[0] = 0.0
        return np.sum(y)

    s, y = {"a": np.ones(2)}, np.array([3.0, 4.0])
    for g in (gj.returning(f, "s", "y"), gj.jit(gj.returning(f, "s", "y"))):
        total, (held, z) = g(s, y=y)
        assert total == 4.0
        np.testing.assert_array_equal(held["a"], [4, 5])
        np.testing.assert_array_equal(z, [0, 4])
    np.testing.assert_array_equal(s["a"], 1)
    np.testing.assert_array_equal(y, [3, 4])


def test_returning_what_is_not_there():
    with pytest.raises(gj.ArgumentError, match="has no parameter 'out'; it has u"):
        gj.returning(heat, "out")
    with pytest.raises(TypeError, match="names of the arguments"):
        gj.returning(heat)
    with pytest.raises(gj.ArgumentError, match="the argument u holds no array"):
        gj.returning(heat, "u")(3.0)
