"""A derivative that does not flow is absent, not zero: behind branches that are not taken, loops that do not run.

At each of these points an infinite derivative stands in front of what was not taken. The gradient by both modes is the
one of the way that the program takes; the second derivatives, in three mixtures of modes, are finite and agree.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import gradjit as gj
from gradjit.ir import Func, interpret, verify
from gradjit.passes.jvp import jvp
from gradjit.passes.pipeline import optimize
from gradjit.passes.vjp import gradient, reverse
from gradjit.tracer.trace import trace

CASES: list[Case] = []


@dataclass(frozen=True)
class Case:
    f: Callable[..., Any]
    args: tuple[Any, ...]
    want: np.ndarray
    second: bool


def at(*args: Any, want: Any, second: bool = True) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def put(f: Callable[..., Any]) -> Callable[..., Any]:
        CASES.append(Case(f, args, np.asarray(want, float), second))
        return f

    return put


ZEROS, ROWS = np.zeros(3), np.zeros((3, 3))
SOME = np.array([4.0] * 9 + [0.0] + [4.0] * 5)
BEFORE = np.array([1 / 8] * 9 + [0.0] * 6)


# what is overwritten, or left out -------------------------------------------------------------------------------------
OVERFLOW, ROOT = np.array([0.0, 900.0, -1.0]), np.array([0.0, 4.0, 9.0])
LOGISTIC = np.array([0.5, 0.0, 1 / (1 + np.e)])


@at(OVERFLOW, want=LOGISTIC)
def overwritten_element(x):
    y = np.log1p(np.exp(x))
    y[1] = 900.0
    return np.sum(y)


@at(OVERFLOW, want=LOGISTIC)
def overwritten_by_indices(x):
    y = np.log1p(np.exp(x))
    y[np.array([1, 1])] = 900.0
    return np.sum(y)


@at(OVERFLOW, want=LOGISTIC + [0, 1, 0])
def overwritten_where_it_is_large(x):
    y = np.log1p(np.exp(x))
    y[x > 700] = x[x > 700]
    return np.sum(y)


@at(OVERFLOW, want=[np.log(2.0), 0, 0])
def overwritten_twice_in_another_shape(x):
    y = np.log1p(np.exp(x)).reshape(1, 3)
    y[0, 1] = 900.0
    y[0, 2] = 3.0
    return np.sum(y * y)


@at(OVERFLOW, want=6 * LOGISTIC)
def overwritten_in_a_loop(x):
    total = 0.0
    for k in range(4):
        y = np.log1p(np.exp(x))
        y[1] = 900.0
        total += np.sum(y * k)
    return total


@at(ROOT, want=[0, 3 / 4, 2 / 6])
def left_out_by_slices(x):
    y = np.sqrt(x)
    return y[1] * y[2]


@at(ROOT, want=[0, 1 / 4, 1 / 9])
def left_out_by_a_slice(x):
    return np.sum(np.log(x)[1:])


# branches -------------------------------------------------------------------------------------------------------------
@at(ZEROS, want=ZEROS)
def returned_early(x):
    n = np.sqrt(np.sum(x * x))
    if n > 0:
        return np.cos(n)
    return 1.0 + 0 * x[0]


@at(ZEROS, want=ZEROS)
def chosen_by_an_expression(x):
    n = np.sqrt(np.sum(x * x))
    return np.cos(n) if n > 0 else 1.0


@at(0.0, want=1.0)
def more_than_a_select(x):
    n = np.sqrt(x)
    if n > 0:
        y = np.sin(n) / n + np.exp(n) * np.cos(n)
    else:
        y = x * 1.0
    return y


@at(ZEROS, want=ZEROS)
def branch_in_a_branch(x):
    n, s = np.sqrt(np.sum(x * x)), 0.0
    if n >= 0:
        m = np.log(n)
        if m > -1:
            s = m * np.sin(m)
        if m > -2:
            s += n * np.exp(m) * np.cos(s)
    return s


@at(ZEROS, want=ZEROS)
def where_of_one_truth(x):
    n = np.sqrt(np.sum(x * x))
    return np.sum(np.where(n > 0, np.cos(n) * x / n, x * x))


@at(ZEROS, want=[1, 1, 1])
def where_behind_a_product(x):
    return np.sum(np.where(x[0] > 0, np.sqrt(x) @ np.ones((3, 3)), x))


@at(1.0, want=1000.0)
def overflow_that_is_not_used(x):
    t = np.exp(x * 1000)
    if t < 1e300:
        return np.log1p(t)
    return x * 1000


@at(ZEROS, want=[2.0, -4.0, 2.0])
def rotation_by_a_small_angle(w):
    angle = np.sqrt(np.sum(w * w))
    k = np.array([[0, -w[2], w[1]], [w[2], 0, -w[0]], [-w[1], w[0], 0]])
    if angle < 1e-8:
        r = np.eye(3) + k
    else:
        r = np.eye(3) + np.sin(angle) / angle * k + (1 - np.cos(angle)) / angle**2 * (k @ k)
    return np.sum(r * np.arange(9.0).reshape(3, 3))


@at(ZEROS, want=ZEROS)
def helper_with_two_returns(x):
    def unit(v):
        n = np.sqrt(np.sum(v * v))
        if n == 0:
            return v * 0
        return v / n

    return np.sum(unit(x) * x)


@at(0.3, want=0.0)
def constant_side(x):
    if x > 1:
        v = np.sin(np.exp(x * x) * x) * 2
    else:
        v = 0.0
    return np.sqrt(v)


@at(0.3, want=0.0)
def constant_side_of_where(x):
    return np.sqrt(np.where(x > 1, x * x, 0.0))


# loops ----------------------------------------------------------------------------------------------------------------
@at(np.tile([0.0, 1.0, 4.0], 5), want=np.tile([0.0, 0.5, 0.25], 5))
def continued(x):
    s = 0.0
    for i in range(len(x)):
        n = np.sqrt(x[i])
        if n == 0:
            continue
        s += n
    return s


@at(SOME, want=BEFORE)
def broken_off(x):
    s = 0.0
    for i in range(len(x)):
        n = np.sqrt(x[i])
        if n == 0:
            break
        s += np.log(n)
    return s


@at(SOME, want=BEFORE)
def returned_from_a_loop(x):
    s = 0.0
    for i in range(len(x)):
        n = np.sqrt(x[i])
        if n == 0:
            return s
        s += np.log(n)
    return s * 3


@at(0.0, np.int64(0), want=0.0)
def loop_without_iterations(x, n):
    r, s = np.sqrt(x), 0.0
    for i in range(n):
        s += r * np.sin(s + i)
    return s


@at(0.0, np.int64(0), want=0.0)
def while_without_iterations(x, n):
    r, s, i = np.sqrt(x), 0.0, 0
    while i < n:
        s += r * np.sin(s + i)
        i += 1
    return s


@at(0.0, np.int64(3), want=0.0)
def replaced_in_a_loop(x, n):
    r = np.sqrt(x)
    for i in range(n):
        r = np.sin(1.0 * i)
    return r


@at(0.0, np.int64(0), want=np.inf, second=False)
def not_replaced_in_a_loop(x, n):
    r = np.sqrt(x)
    for i in range(n):
        r = np.sin(1.0 * i)
    return r


@at(0.0, want=1.0)
def newton_that_is_there_at_once(a):
    x = a
    while abs(x * x - a) > 1e-9:
        x = 0.5 * (x + a / x)
    return x


POINTS = np.tile([[0.0, 0], [0, 0], [1, 0], [1, 1]], (3, 1))


def forces(x):
    g = np.zeros_like(x)
    for i in range(len(x)):
        for j in range(len(x)):
            d = x[i] - x[j]
            r = np.sqrt(d @ d)
            if r > 0:
                g[i] -= d / r**3
                g[j] += d / r**3
    return g


@at(POINTS, want=forces(POINTS))
def pairs_but_those_at_one_place(x):
    e = 0.0
    for i in range(len(x)):
        for j in range(len(x)):
            d = x[i] - x[j]
            r = np.sqrt(np.sum(d * d))
            if r == 0:
                continue
            e += 1 / r
    return e


@at(np.zeros((12, 3)), want=np.zeros((12, 3)))
def rows_but_empty_ones(x):
    s = 0.0
    for r in x:
        n = np.sqrt(r @ r)
        if n > 1e-9:
            s += np.sum(np.abs(r)) / n
    return s


@at(0.0, want=1.0)
def carried_and_not_used(x):
    n = x
    for _ in range(12):
        n = np.sqrt(n)
    if n > 0:
        return n
    return x


@at(0.0, want=0.0)
def used_in_some_iterations(x):
    n, s = x, 0.0
    for _ in range(12):
        n = np.sqrt(n)
        if n > 0.5:
            s += np.sin(n)
    return s


@at(0.0, want=0.0)
def replaced_in_one_iteration(x):
    n = x
    for i in range(12):
        t = np.sqrt(n)
        if i == 5:
            n = 0.3
        else:
            n = t
    return n


@at(np.ones(12), want=[0.5 ** (11 - i) for i in range(12)])
def constant_that_is_carried(x):
    r = 0.0
    for i in range(12):
        r = np.sqrt(r) + (x[i] if i == 0 else x[i] - 1)
    return r


@at(np.zeros(12), want=np.ones(12))
def checkpointed(x):
    n, y = np.sqrt(np.sum(x)), x * 1.0
    for _ in gj.checkpoint(range(12), 3):
        if n > 0:
            y = y * np.sin(n)
    return np.sum(y)


@at(0.0, want=1.0)
def checkpointed_and_not_used(x):
    n = x
    for _ in gj.checkpoint(range(12), 3):
        n = np.sqrt(n)
    if n > 0:
        return n
    return x


@at(ROWS, want=ROWS)
def checkpointed_function(x):
    @gj.checkpoint
    def size(v):
        n = np.sqrt(np.sum(v * v))
        return n, np.exp(n)

    n, e = size(x)
    if n > 0:
        return e * n
    return np.sum(x * x)


# checks ---------------------------------------------------------------------------------------------------------------
def last(func: Func, args: list[Any]) -> np.ndarray:
    verify(func)
    with np.errstate(all="ignore"):
        plain, best = (interpret(f, [np.asarray(a) for a in args])[-1] for f in (func, optimize(func, verify=True)))
    np.testing.assert_allclose(best, plain, rtol=1e-12)
    return plain


@pytest.mark.thinned
@pytest.mark.parametrize("case", CASES, ids=lambda c: c.f.__name__)
def test_both_modes(case: Case) -> None:
    t = trace(case.f, case.args, {})
    func, args = t.func, [case.args[k] for k in t.traced] + [c.array for c in t.captured]
    np.testing.assert_allclose(last(gradient(func, [0]), args), case.want, rtol=1e-9, atol=1e-12)
    pushed = jvp(func, [0])
    for place in np.ndindex(case.want.shape):
        unit = np.zeros(case.want.shape)
        unit[place] = 1.0
        np.testing.assert_allclose(last(pushed, [*args, unit]), case.want[place], rtol=1e-9, atol=1e-12)


@pytest.mark.thinned
@pytest.mark.parametrize("case", [c for c in CASES if c.second], ids=lambda c: c.f.__name__)
def test_second_order(case: Case) -> None:
    t = trace(case.f, case.args, {})
    func, args = t.func, [case.args[k] for k in t.traced] + [c.array for c in t.captured]
    direction = np.cos(np.arange(case.want.size)).reshape(case.want.shape)
    slope = gradient(func, [0])
    forward_of_reverse = last(jvp(slope, [0]), [*args, direction])
    reverse_of_reverse = last(reverse(slope, [0]), [*args, np.zeros(()), direction])
    # The tangent along the direction is a function, whose gradient is the same product.
    pushed = jvp(func, [0])
    reverse_of_forward = last(gradient(pushed, [0], of=len(pushed.results) - 1), [*args, direction])
    assert np.all(np.isfinite(forward_of_reverse))
    for other in (reverse_of_reverse, reverse_of_forward):
        np.testing.assert_allclose(other, forward_of_reverse, rtol=1e-9, atol=1e-9)


COMPILED = [pairs_but_those_at_one_place, broken_off, replaced_in_one_iteration, rotation_by_a_small_angle,
            checkpointed]


@pytest.mark.parametrize("f", COMPILED, ids=lambda f: f.__name__)
def test_compiled(f: Callable[..., Any]) -> None:
    (case,) = (c for c in CASES if c.f is f)
    np.testing.assert_allclose(gj.grad(f)(*case.args), case.want, rtol=1e-9, atol=1e-12)
    assert np.all(np.isfinite(gj.hessian(f)(*case.args)))
