"""A compiled function called inside another one: as if the plain function stood there, with all that it reads."""

from __future__ import annotations

import functools
import types
from typing import Any

import numpy as np
import pytest

import gradjit as gj

X = np.array([0.7, 1.3, 0.4])
GLOBAL = 1.5


def plainly(f=None, **_):
    """In the place of gj.jit: the function itself."""
    return f if f is not None else plainly


# programs: each takes what compiles its inner functions and gives a function of X -----------------------------------
def branch(jit):
    inner = jit(lambda x: x * 2.0 if x[0] > 0.5 else -x)
    return lambda x: inner(x) + inner(x - 1.0)


def loop(jit):
    @jit
    def inner(x, n):
        for _ in range(n):
            x = x + 0.1 * np.sin(x)
        return x

    return lambda x: inner(x, 20) * inner(x, n=3)


def until(jit):
    @jit
    def inner(x):
        while np.sum(x * x) < 100.0:
            x = x * 1.5
        return x

    return lambda x: inner(x) - 1.0


def early(jit):
    @jit
    def inner(x):
        for k in range(20):
            if np.sum(x) > 3.0 + k:
                return x * 3.0
        return -x

    return lambda x: inner(x) + inner(x * 40.0)


def writes(jit):
    @jit
    def inner(u, k):
        u[1:] += k * u[:-1]
        u[0] = 7.0

    def f(x):
        u = x.copy()
        inner(u, 0.5)
        inner(u[::-1], k=2.0)
        return u

    return f


def writes_to_containers(jit):
    @jit
    def inner(state):
        state["v"] = state["v"] * 0.9
        state["x"] += state["v"]

    def f(x):
        state = {"x": x.copy(), "v": x * 2.0}
        for _ in range(12):
            inner(state)
        return state["x"] * state["v"]

    return f


def gives_its_argument(jit):
    inner = jit(lambda x, y: (x, {"sum": x + y, "n": 3}))

    def f(x):
        u = x * 1.0
        v, rest = inner(u, x)
        v[0] = 10.0
        return u * rest["sum"] * rest["n"]

    return f


def in_a_loop(jit):
    inner = jit(lambda x, i: x * 0.9 if x[0] > 0.1 * i else x + 0.3)

    def f(x):
        for i in range(15):
            x = inner(x, i)
        return x

    return f


def in_a_branch(jit):
    a, b = jit(lambda x: np.exp(x)), jit(lambda x: x if x[1] > 0 else -x)

    def f(x):
        if x[0] > 0.5:
            y = a(x)
        else:
            y = b(x)
        return y * 2.0

    return f


def three_levels(jit):
    a = jit(lambda x: x * 2.0 if x[0] > 0.5 else x)
    b = jit(lambda x: a(x) * x)
    c = jit(lambda x: b(x) - a(x))
    return lambda x: c(x) + b(x)


def made_inside(jit):
    def f(x):
        inner = jit(lambda y: y * x if y[0] > 0.5 else y)
        return inner(x) + inner(x * 2.0)

    return f


def method(jit):
    class Net:
        def __init__(self):
            self.k, self.w = 2.0, np.array([1.0, 2.0, 3.0])
            self.run = jit(self.step)

        def step(self, x):
            if x[0] > 0.5:
                x = x * self.k
            return x * self.w

        decorated = jit(step)

        @jit
        def __call__(self, x):
            return self.run(x) + self.decorated(x)

        @staticmethod
        @jit
        def fixed(x):
            return x if x[0] > 0.5 else -x

        @property
        @jit
        def doubled(self):
            return self.w * 2.0 if self.w[0] > 0.5 else self.w

    net = Net()
    step = net.decorated
    return lambda x: net(x) + net.run(x) + step(x) + net.fixed(x) + Net.decorated(net, x) + net.doubled


def containers(jit):
    def g(x, k, *, b=1.0):
        return x * k + b if x[0] > 0.5 else x - b

    table = {"f": jit(g), "fs": [jit(lambda x: x + 1.0), jit(functools.partial(g, k=3.0))]}
    space = types.SimpleNamespace(f=functools.partial(jit(g), k=4.0, b=2.0))
    return lambda x: table["f"](x, 2.0, b=3.0) + table["fs"][0](x) * table["fs"][1](x) + space.f(x)


def called_back(jit):
    inner = jit(lambda x: x * 2.0 if x[0] > 0.5 else -x)
    add = jit(lambda a, b: a + b if a[0] > 0.5 else a - b)

    class Net:
        k = 3.0

        def step(self, x):
            return x * self.k if x[0] > 0.5 else x

    net = Net()
    return lambda x: functools.reduce(add, map(inner, [x, x + 1.0, x * 0.1])) + sum(map(net.step, [x, x * 0.1]))


def default_argument(jit):
    inner = jit(lambda x: x * 2.0 if x[0] > 0.5 else -x)

    def f(x, step=inner):
        return step(x) + inner(-x)

    return f


def recursive(jit):
    @jit
    def power(x, n):
        return x if n == 0 else power(x, n - 1) * (x if x[0] > 0.5 else x * 0.5)

    return lambda x: power(x, 4)


def numbers_and_integers(jit):
    inner = jit(lambda x, n, m, flag: x[n] * m if flag else x[m] * float(n))
    return lambda x: x * inner(x, 1, 2, True) + inner(x, n=1, m=2, flag=False)


def by_structured(jit):
    inner = jit(lambda x: x * 1.1 if x[0] > 0.5 else x + 0.2)

    def f(x):
        x = gj.cond(x[0] > 0.6, inner, jit(lambda x: x * 3.0), x)
        x = gj.fori_loop(0, 12, jit(lambda i, x: inner(x)), x)
        x = gj.while_loop(jit(lambda x: np.sum(x * x) < 50.0), inner, x)
        carry, ys = gj.scan(jit(lambda c, y: (c * 0.5, inner(c) * y)), x, np.ones((12, 1)))
        return carry + ys[-1]

    return f


def checkpointed(jit):
    inner = gj.checkpoint(jit(lambda x: np.sin(x) if x[0] > 0.5 else x))
    outer = jit(gj.checkpoint(lambda x: inner(x) * x if x[1] > 0.5 else x))
    return lambda x: outer(x) + inner(x)


def returned_from_an_argument(jit):
    @jit
    def fill(x, out):
        for i in range(len(x)):
            out[i] = x[i] if x[i] > 0.5 else 0.0

    fill_returned = gj.returning(fill, "out")
    return lambda x: fill_returned(x, np.zeros(3)) * x


PROGRAMS = [branch, loop, until, early, writes, writes_to_containers, gives_its_argument, in_a_loop, in_a_branch,
            three_levels, made_inside, method, containers, called_back, default_argument, recursive,
            numbers_and_integers, by_structured, checkpointed, returned_from_an_argument]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.__name__)
def test_as_if_the_plain_function_stood_there(program):
    plain, compiled = program(plainly), gj.jit(program(gj.jit))
    for x in (X, -X, X):
        np.testing.assert_allclose(compiled(x), plain(x), rtol=1e-12)


@pytest.mark.thinned
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.__name__)
def test_derivatives_through_it(program):
    plain, nested = program(plainly), program(gj.jit)
    gradient = gj.grad(lambda x: np.sum(np.sin(nested(x))))(X)
    expected = gj.grad(lambda x: np.sum(np.sin(plain(x))))(X)
    np.testing.assert_allclose(gradient, expected, rtol=1e-12)
    h = 1e-6
    differences = [np.sum(np.sin(plain(X + h * e)) - np.sin(plain(X - h * e))) / (2 * h) for e in np.eye(3)]
    np.testing.assert_allclose(gradient, differences, rtol=1e-4, atol=1e-4)
    tangent = gj.jvp(nested, (X,), (np.ones(3),))[1]
    np.testing.assert_allclose(tangent, (plain(X + h) - plain(X - h)) / (2 * h), rtol=1e-4, atol=1e-4)


# every transformation of a compiled function, inside and outside of another one ---------------------------------------
def cubic(x, k=1.0):
    if x[0] > 0.5:
        x = x * 2.0
    for _ in range(12):
        x = x * 1.05
    return k * np.sum(x**3)


TRANSFORMED = {
    "jit": lambda f: gj.jit(f),
    "jit of jit": lambda f: gj.jit(gj.jit(f)),
    "grad": lambda f: gj.grad(f),
    "grad of jit": lambda f: gj.grad(gj.jit(f)),
    "jit of grad of jit": lambda f: gj.jit(gj.grad(gj.jit(f))),
    "value_and_grad": lambda f: lambda x, **k: gj.value_and_grad(gj.jit(f))(x, **k)[1],
    "has_aux": lambda f: lambda x: gj.grad(gj.jit(lambda x: (f(x), {"aux": x})), has_aux=True)(x)[0],
    "argnums": lambda f: gj.grad(gj.jit(lambda n, x: f(x) * n), argnums=1).__call__,
    "grad of sum of grad": lambda f: gj.grad(gj.jit(lambda x: np.sum(gj.grad(gj.jit(f))(x)))),
    "hessian": lambda f: gj.hessian(gj.jit(f)),
    "jacobian": lambda f: gj.jacobian(gj.jit(lambda x: f(x) * x)),
    "hvp": lambda f: lambda x: gj.hvp(gj.jit(f))(x, x),
    "jvp": lambda f: lambda x: gj.jvp(gj.jit(f), (x,), (x,))[1],
    "vjp": lambda f: lambda x: gj.vjp(gj.jit(f), x)[1](2.0)[0],
    "checkpoint": lambda f: gj.grad(gj.jit(gj.checkpoint(gj.jit(f)))),
    "stop_gradient": lambda f: gj.grad(gj.jit(lambda x: f(x) * f(gj.stop_gradient(x)))),
}


@pytest.mark.thinned
@pytest.mark.parametrize("name", TRANSFORMED)
def test_transformations_nest(name):
    transform = TRANSFORMED[name]
    args = (2.0, X) if name == "argnums" else (X,)
    alone = transform(cubic)
    inside = gj.jit(lambda *args: alone(*args) * 1.0)
    nested = transform(gj.jit(cubic))
    for g in (inside, nested, gj.jit(lambda *args: nested(*args) * 1.0)):
        np.testing.assert_allclose(g(*args), alone(*args), rtol=1e-12)


def test_options_of_the_inner_one_hold():
    with_aux = gj.value_and_grad(lambda n, x: (np.sum(x**2) * n, [x, n]), argnums=(1,), has_aux=True)

    @gj.jit
    def f(x):
        (value, (same, n)), (gradient,) = with_aux(x=x, n=3.0)
        return value, same * n, gradient

    value, scaled, gradient = f(X)
    np.testing.assert_allclose(value, 3 * np.sum(X**2))
    np.testing.assert_allclose(scaled, 3 * X)
    np.testing.assert_allclose(gradient, 6 * X)


def positive(x):
    assert x[0] > 0, "must be positive"
    return x * 1.0


@pytest.mark.parametrize("inner, outer, raises", [
    (None, None, False), (True, None, True), (True, False, True), (None, True, True), (False, True, False),
])
@pytest.mark.parametrize("way", [gj.jit, gj.grad])
def test_check_is_the_inner_ones_where_it_says_so(inner, outer, raises, way):
    checked = gj.jit(positive, check=inner)
    f = way(lambda x: np.sum(checked(x)), check=outer)
    f(X)
    if raises:
        with pytest.raises(AssertionError, match="must be positive"):
            f(-X)
    else:
        f(-X)


def test_a_check_ends_with_the_inner_function():
    checked = gj.jit(positive, check=True)
    f = gj.jit(lambda x, y: checked(x) + positive(y))
    np.testing.assert_array_equal(f(X, -X), 0 * X)
    with pytest.raises(AssertionError, match="must be positive"):
        f(-X, X)


# captured by the inner one, changed between calls of the outer one ----------------------------------------------------
def cell_number():
    c = 1.0

    def inner(x):
        return x * c

    def change():
        nonlocal c
        c = 5.0

    return inner, change


def global_number():
    globals()["GLOBAL"] = 1.5
    return lambda x: x * GLOBAL, lambda: globals().update(GLOBAL=5.0)


def list_item():
    k = [2.0]
    return lambda x: x * k[0], lambda: k.__setitem__(0, 5.0)


def list_grows():
    layers = [2.0]

    def inner(x):
        for k in layers:
            x = x * k
        return x

    return inner, lambda: layers.append(3.0)


def dict_of_dicts():
    d = {"a": {"k": 2.0}}
    return lambda x: x * d["a"]["k"], lambda: d["a"].update(k=5.0)


def array_in_place():
    w = np.ones(3)
    return lambda x: x * w, lambda: w.fill(5.0)


def array_rebound():
    o = types.SimpleNamespace(w=np.ones(3))
    return lambda x: x * o.w, lambda: setattr(o, "w", np.full(3, 5.0))


def attribute():
    o = types.SimpleNamespace(inner=types.SimpleNamespace(k=2.0))
    return lambda x: x * o.inner.k, lambda: setattr(o.inner, "k", 5.0)


def bound_method():
    class Net:
        k = 2.0

        def step(self, x):
            return x * self.k

    net = Net()
    return net.step, lambda: setattr(net, "k", 5.0)


def callable_object():
    class Net:
        k = 2.0

        def __call__(self, x):
            return x * self.k

    net = Net()
    return net, lambda: setattr(net, "k", 5.0)


def partial_of_a_list():
    k = [2.0]
    return functools.partial(lambda k, x: x * k[0], k), lambda: k.__setitem__(0, 5.0)


def helper_rebound():
    o = types.SimpleNamespace(helper=lambda x: x * 2.0)
    return lambda x: o.helper(x), lambda: setattr(o, "helper", lambda x: x * 5.0)


def branch_on_a_flag():
    flags = {"fast": True}
    return lambda x: x * 2.0 if flags["fast"] else x * 5.0, lambda: flags.update(fast=False)


CAPTURED = [cell_number, global_number, list_item, list_grows, dict_of_dicts, array_in_place, array_rebound, attribute,
            bound_method, callable_object, partial_of_a_list, helper_rebound, branch_on_a_flag]

def let(value, f):
    return f(value)


NESTINGS = {
    "jit in jit": lambda f: let(gj.jit(f), lambda s: gj.jit(lambda x: s(x) + 1.0)),
    "jit of jit": lambda f: gj.jit(gj.jit(f)),
    "jit in grad": lambda f: let(gj.jit(f), lambda s: gj.grad(lambda x: np.sum(s(x) ** 2))),
    "grad in jit": lambda f: let(gj.grad(lambda x: np.sum(f(x) ** 2)), lambda g: gj.jit(lambda x: g(x))),
    "grad of jit in jit": lambda f: let(gj.grad(gj.jit(lambda x: np.sum(f(x) ** 2))), lambda g: gj.jit(lambda x: g(x))),
    "in a loop": lambda f: gj.jit(functools.partial(looped, gj.jit(f))),
    "hessian": lambda f: gj.hessian(gj.jit(lambda x: np.sum(f(x) ** 2))),
    "jvp": lambda f: lambda x: gj.jvp(gj.jit(f), (x,), (x,))[1],
    "vjp": lambda f: lambda x: gj.vjp(gj.jit(f), x)[1](x)[0],
    "cond": lambda f: let(gj.jit(f), lambda s: gj.jit(lambda x: gj.cond(x[0] > 0.5, s, s, x))),
    "fori_loop": lambda f: let(gj.jit(f), lambda s: gj.jit(lambda x: gj.fori_loop(0, 12, lambda i, x: 0.5 * s(x), x))),
    "checkpoint": lambda f: let(gj.checkpoint(gj.jit(f)), lambda s: gj.grad(lambda x: np.sum(s(x) ** 2))),
    "two levels": lambda f: let(gj.jit(f), lambda s: let(gj.jit(lambda x: s(x) - 1.0),
                                                         lambda t: gj.jit(lambda x: t(x)))),
    "called back": lambda f: let(gj.jit(f), lambda s: gj.jit(lambda x: functools.reduce(np.add, map(s, [x, x])))),
    "in a dict": lambda f: let({"s": gj.jit(f)}, lambda d: gj.jit(lambda x: d["s"](x))),
}


def looped(s, x):
    for _ in range(12):
        x = s(x) * 0.5
    return x


PAIRS = [(name, captured) for name in NESTINGS for captured in CAPTURED
         if name in ("jit in jit", "grad of jit in jit") or captured in (cell_number, bound_method, array_rebound)]


@pytest.mark.thinned
@pytest.mark.parametrize("name, captured", PAIRS, ids=lambda x: getattr(x, "__name__", x))
def test_what_the_inner_one_reads_is_watched(name, captured):
    inner, change = captured()
    compiled, x = NESTINGS[name](inner), np.array([0.7, 1.3, 0.4])
    before = [compiled(x), compiled(x)]
    np.testing.assert_array_equal(before[0], before[1])
    change()
    after = compiled(x)
    assert not np.allclose(after, before[0])
    fresh_inner, fresh_change = captured()
    fresh_change()
    np.testing.assert_allclose(after, NESTINGS[name](fresh_inner)(x), rtol=1e-13)
    np.testing.assert_array_equal(compiled(x), after)


def test_called_by_a_function_without_source():
    """Known arguments, too, go through the trace: what machine code gave on the side would never be seen to change."""
    k = [2.0]
    space = {"s": gj.jit(lambda x: x * k[0])}
    space["s"](3.0)
    space["s"](np.ones(3))
    exec("def helper(x): return x * s(3.0) + s(W)\nimport numpy as np\nW = np.ones(3)", space)
    f = gj.jit(lambda x: space["helper"](x))
    np.testing.assert_array_equal(f(X), X * 6.0 + 2.0)
    k[0] = 5.0
    np.testing.assert_array_equal(f(X), X * 15.0 + 5.0)


def test_errors_name_the_inner_function_s_line():
    @gj.jit
    def inner(x):
        return np.packbits(x)

    with pytest.raises(gj.UnsupportedError, match=r"np.packbits(.|\n)*test_nested.py\", line \d+, in inner"):
        gj.jit(lambda x: inner(x))(X)


def shown_again(y: Any) -> tuple[Any, Any]:
    """An array, and a view of it that was changed through another one: it is read anew."""
    first = y[0:1]
    other = first[::1]
    other **= 2
    return y, first


@pytest.mark.parametrize("of_row", [
    lambda first: lambda t: first if np.sum(t) > 0.2 else first * 2,
    lambda first: lambda t: np.sum(first) if np.sum(t) > 0.2 else -np.sum(first),
    lambda first: lambda t: sum((np.sum(first) * k if k else 0.0 * np.sum(first)) for k in range(3)),
    lambda first: lambda t: np.sum(t * (first if np.max(t) > 1.2 else first - 1.0)),
    lambda first: lambda t: summed(first, t),
], ids=["branch", "numbers", "unrolled", "within", "loop"])
def test_a_view_from_around_is_read_in_each_region(of_row: Any) -> None:
    """What a region of an inner function has computed for it does not exist outside of that region."""
    def mapped(y: Any) -> Any:
        y, first = shown_again(y)
        return gj.vmap(of_row(first))(y)

    def differentiated(y: Any) -> Any:
        y, first = shown_again(y)
        return gj.grad(lambda t: np.sum(of_row(first)(t)) * np.sum(t))(y)

    y = np.linspace(0.3, 1.5, 12).reshape(2, 2, 3)
    rows, first = shown_again(y.copy())
    np.testing.assert_allclose(gj.jit(mapped)(y.copy()), np.stack([of_row(first)(row) for row in rows]), rtol=1e-14)
    whole, first = shown_again(y.copy())
    np.testing.assert_allclose(gj.jit(differentiated)(y.copy()),
                               gj.grad(lambda t: np.sum(of_row(first)(t)) * np.sum(t))(whole), rtol=1e-13)


def summed(first: Any, t: Any) -> Any:
    total = np.sum(t) * 0.0
    for k in range(4):
        if np.sum(t) > k:
            total = total + np.sum(first)
        total = total + np.sum(first) * k
    return total


def checkpointed(x: Any) -> Any:
    return sum(gj.checkpoint(lambda t: t * x[i])(2.0) for i in range(3))


def in_a_loop(x: Any) -> Any:
    total = 0.0
    for i in range(3):
        total = total + gj.checkpoint(lambda t: t * x[i])(2.0)
    return total


def chosen(x: Any) -> Any:
    total = x[0]
    for i in range(3):
        total -= 0.2 if gj.checkpoint(lambda t: x[2 - i] + t)(1.0) <= 1.5 else 0.1
    return total


def with_a_rule(x: Any) -> Any:
    total = 0.0
    for i in range(3):
        @gj.custom_vjp
        def scaled(t: Any) -> Any:
            return t * i

        scaled.defvjp(lambda t: (t * i, i), lambda r, ct: (ct * r,))
        total = total + scaled(x[1])
    return total


def opaque(x: Any) -> Any:
    total = 0.0
    for i in range(3):
        power = gj.primitive(lambda t: t ** i, out=lambda t: 0.0, vjp="numeric")
        total = total + power(x[1])
    return total


@pytest.mark.parametrize(("f", "plain"), [
    (checkpointed, lambda x: 2 * np.sum(x[:3])), (in_a_loop, lambda x: 2 * np.sum(x[:3])),
    (chosen, lambda x: x[0] - sum(0.2 if v + 1 <= 1.5 else 0.1 for v in x[:3])),
    (with_a_rule, lambda x: 3 * x[1]), (opaque, lambda x: 1 + x[1] + x[1] ** 2),
], ids=lambda f: f.__name__)
def test_a_function_within_reads_what_the_function_around_changes(f: Any, plain: Any) -> None:
    """The variable of a loop that runs as Python is no state from outside, whatever is called with it."""
    x = np.array([0.2, 0.7, 1.1])
    np.testing.assert_allclose(gj.jit(f)(x), plain(x), rtol=1e-14)
    np.testing.assert_allclose(gj.grad(f)(x), gj.grad(plain)(x), rtol=1e-8)


def test_a_primitive_does_not_read_what_is_computed() -> None:
    def f(x: Any) -> Any:
        y = x * 2.0
        return np.sum(gj.primitive(lambda t: t * y, out=lambda t: np.empty_like(t), vjp="numeric")(x))

    with pytest.raises(gj.ArgumentError, match="reads y, which is computed .* pass y as an argument"):
        gj.jit(f)(np.ones(3))

    def g(x: Any) -> Any:
        seen: list[float] = []
        p = gj.primitive(lambda t: t * len(seen), out=lambda t: 0.0)
        first = p(x[0])
        seen.append(1.0)
        return first + p(x[0])

    with pytest.raises(gj.ArgumentError, match="reads seen, which is made .* pass seen as an argument"):
        gj.jit(g)(np.ones(3))


def test_nor_does_a_function_that_it_calls() -> None:
    def f(x: Any) -> Any:
        seen: list[float] = []

        def count(t: float) -> float:
            return t * len(seen)

        p = gj.primitive(lambda t: count(t), out=lambda t: 0.0)
        first = p(x[0])
        seen.append(1.0)
        return first + p(x[0])

    with pytest.raises(gj.ArgumentError, match="reads seen, which is made .* pass seen as an argument"):
        gj.jit(f)(np.ones(3))


def test_functions_that_a_primitive_calls_stand_still_with_it() -> None:
    def f(x: Any) -> Any:
        total = 0.0
        for i in range(3):
            def power(t: float) -> float:
                return t ** i

            def twice(t: float, n: int = 2) -> float:
                return power(t) if n == 0 else twice(t, n - 1)

            total = total + gj.primitive(lambda t: twice(t), out=lambda t: 0.0)(x[1])
        return total

    x = np.array([0.2, 0.7])
    np.testing.assert_allclose(gj.jit(f)(x), 1 + 0.7 + 0.49, rtol=1e-14)
