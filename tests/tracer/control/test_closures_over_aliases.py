"""Functions that are transformed where they are defined read names that branches and loops have bound, behind writes to
what these may stand for."""

from __future__ import annotations

import numpy as np
import pytest

import gradjit as gj


def ruled(g):
    f = gj.custom_vjp(g)
    f.defvjp(lambda t: (g(t), t), lambda t, c: (gj.grad(g)(t) * c,))
    return f


TRANSFORMED = {
    "checkpoint": lambda g, t: gj.checkpoint(g)(t), "grad": lambda g, t: gj.grad(g)(t),
    "vmap": lambda g, t: np.sum(gj.vmap(g)(np.array([t, 2.0 * t]))), "jvp": lambda g, t: gj.jvp(g, (t,), (t,))[1],
    "gradient of a gradient": lambda g, t: gj.grad(gj.grad(g))(t), "hvp": lambda g, t: gj.hvp(g)(t, 1.0),
    "custom_vjp": lambda g, t: ruled(g)(t), "fori_loop": lambda g, t: gj.fori_loop(0, 3, lambda i, c: g(c), t),
}


def of_squares(w):
    """What those make of c * t * t, for c = w[0] + w[1]."""
    c = w[0] + w[1]
    return {
        "checkpoint": lambda t: c * t * t, "grad": lambda t: 2 * c * t, "vmap": lambda t: 5 * c * t * t,
        "jvp": lambda t: 2 * c * t * t, "gradient of a gradient": lambda t: 2 * c, "hvp": lambda t: 2 * c,
        "custom_vjp": lambda t: c * t * t, "fori_loop": lambda t: c**7 * t**8,
    }


def view_behind_a_branch(x, n):
    w = x[1:]
    if x[0] > 0:
        w = x[:-1]
    x[0] += 1.0
    return w


def array_behind_a_branch(x, n):
    y = x * 2.0
    w = y
    if x[0] > 0:
        w = x
    x[0] += 1.0
    y[1] -= 2.0
    return w


def view_behind_a_loop(x, n):
    w = x[1:]
    for _ in range(n):
        w = x[:-1]
    x[0] += 1.0
    return w


@pytest.mark.parametrize("where", ["behind", "in a branch", "in a loop"])
@pytest.mark.parametrize("name", TRANSFORMED)
@pytest.mark.parametrize("bound", [view_behind_a_branch, array_behind_a_branch, view_behind_a_loop],
                         ids=lambda f: f.__name__)
def test_reads_what_has_been_written(bound, name, where):
    transformed = TRANSFORMED[name]

    def f(x, n):
        w = bound(x, n)
        s = 0.5
        if where == "behind":
            s = transformed(lambda t: (w[0] + w[1]) * t * t, x[2])
        elif where == "in a branch":
            if x[2] < 5.0:
                s = transformed(lambda t: (w[0] + w[1]) * t * t, x[2])
        else:
            for _ in range(n):
                s = s + transformed(lambda t: (w[0] + w[1]) * t * t, x[2])
        return s

    for x, n in (np.array([0.7, 0.9, -0.4]), 2), (np.array([-0.7, 0.9, 0.3]), 0):
        plain = x.copy()
        value = of_squares(bound(plain, n))[name](plain[2])
        expected = 0.5 + n * value if where == "in a loop" else value
        np.testing.assert_allclose(gj.jit(f)(x.copy(), np.int64(n)), expected, rtol=1e-12)


@pytest.mark.parametrize("f", [lambda x: f"{x[0]}" * x[0], lambda x: -f"{x[0]}", lambda x: abs(f"{x[0]}"),
                               lambda x: f"{x[0]}" - 1, lambda x: divmod(f"{x[0]}", 2)])
def test_python_s_errors_name_types_as_it_does(f):
    with pytest.raises(TypeError, match="'str'"):
        gj.jit(f)(np.ones(2))
