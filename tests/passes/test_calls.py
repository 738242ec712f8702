"""Calls of functions of a module: text, verifier, meaning, both derivatives, batching, inlining."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import gradjit as gj
from gradjit.errors import IRError
from gradjit.ir import Func, interpret, parse, print_module, verify, walk
from gradjit.passes import optimize
from gradjit.passes.batching import batch
from gradjit.passes.inline import inline_calls
from gradjit.passes.jvp import jvp
from gradjit.passes.vjp import gradient

HELPER = """func @h(%a: f64[], %b: f64[]) -> (f64[], f64[]) {
  %0: f64[] = mul %a, %b
  %1: f64[] = cos %0
  return %0, %1
}

"""
BODY = """  %1: f64[@] = mul %x, %0
  %2: f64[@] = sin %1
  %3: f64[] = sum %2 axes=[0]
  %4: f64[] = mul %3, %s
  return %2, %4
}

"""
KNOWN = """func @g(%x: f64[3], %s: f64[]) -> (f64[3], f64[]) {
  %0: f64[3] = broadcast %s shape=[3] dims=[]
""" + BODY.replace("@", "3")
OPEN = """func @g(%n: i64[], %x: f64[%n], %s: f64[]) -> (f64[%n], f64[]) {
  %0: f64[%n] = broadcast %s shape=[%n] dims=[]
""" + BODY.replace("@", "%n")
PROGRAM = HELPER + KNOWN + """func @f(%x: f64[3], %s: f64[]) -> f64[] {
  %0: f64[3], %1: f64[] = call %x, %s callee=@g isolated=true
  %lo: i64[] = const 0
  %hi: i64[] = const 3
  %step: i64[] = const 1
  %2: f64[] = for %lo, %hi, %step, %1 {
    (%i: i64[], %t: f64[])
    %3: f64[], %4: f64[] = call %t, %s callee=@h isolated=true
    %5: f64[] = add %3, %4
    yield %5
  }
  %6: f64[] = sum %0 axes=[0]
  %7: f64[] = mul %6, %2
  return %7
}
"""
X, S = np.array([0.3, -0.2, 0.9]), 0.7


def program(isolated: bool = True) -> Func:
    m = parse(PROGRAM if isolated else PROGRAM.replace(" isolated=true", ""))
    verify(m)
    return m["f"]


def plain(x: np.ndarray, s: float) -> float:
    y = np.sin(x * s)
    t = np.sum(y) * s
    for _ in range(3):
        t = t * s + np.cos(t * s)
    return float(np.sum(y) * t)


def slopes(x: np.ndarray, s: float, h: float = 1e-6) -> list[float]:
    moves = [(h * e, 0.0) for e in np.eye(3)] + [(np.zeros(3), h)]
    return [(plain(x + dx, s + ds) - plain(x - dx, s - ds)) / (2 * h) for dx, ds in moves]


def test_text_is_read_back() -> None:
    assert print_module(parse(PROGRAM)) == PROGRAM
    alone = str(program())
    assert print_module(parse(alone)) == alone


def test_open_extents_are_those_of_the_operands() -> None:
    m = parse(OPEN + """func @f(%n: i64[], %x: f64[%n], %s: f64[]) -> f64[] {
  %0: f64[%n], %1: f64[] = call %n, %x, %s callee=@g
  return %1
}
""")
    verify(m)
    expected = np.sum(np.sin(X * S)) * S
    np.testing.assert_allclose(interpret(m["f"], [3, X, S])[0], expected)
    np.testing.assert_allclose(interpret(inline_calls(m["f"]), [3, X, S])[0], expected)


@pytest.mark.parametrize("isolated", [True, False])
def test_meaning_and_derivatives(isolated: bool) -> None:
    f = program(isolated)
    np.testing.assert_allclose(interpret(f, [X, S])[0], plain(X, S))
    g = gradient(f, [0, 1])
    verify(g)
    for compiled in (g, optimize(g)):
        _, dx, ds = interpret(compiled, [X, S])
        np.testing.assert_allclose([*dx, ds], slopes(X, S), rtol=1e-7)
    pushed = jvp(f, [0, 1])
    verify(pushed)
    np.testing.assert_allclose(interpret(pushed, [X, S, np.ones(3), 2.0])[1], np.dot([1, 1, 1, 2], slopes(X, S)),
                               rtol=1e-7)


@pytest.mark.parametrize("isolated", [True, False])
def test_second_order_and_batching(isolated: bool) -> None:
    hessians = [interpret(optimize(batch(jvp(gradient(program(k), [0, 1]), [0, 1]), [False, False, True, True], 4)),
                          [X, S, np.eye(4)[:, :3], np.eye(4)[:, 3]]) for k in (isolated, False)]
    for mine, inlined in zip(*hessians, strict=True):
        np.testing.assert_allclose(mine, inlined, rtol=1e-12)
    stacked = batch(program(isolated), [True, False], 2)
    verify(stacked)
    np.testing.assert_allclose(interpret(stacked, [np.stack([X, 2 * X]), S])[0], [plain(X, S), plain(2 * X, S)])


@pytest.mark.parametrize("isolated", [True, False])
def test_nothing_of_an_isolated_call_is_kept(isolated: bool) -> None:
    ops = [op.name for op in walk(gradient(program(isolated), [0, 1]).body)]
    assert ("call" in ops) == isolated
    assert isolated == ("barrier" in ops)
    assert "call" not in [op.name for op in walk(optimize(gradient(program(isolated), [0, 1])).body)]


WRONG: dict[str, Callable[[str], str]] = {
    "not defined before": lambda t: t.replace("callee=@h", "callee=@k"),
    "takes 2 and gives 2": lambda t: t.replace("call %t, %s", "call %t"),
    r"call: f64\[\] where @g": lambda t: t.replace("call %x, %s", "call %s, %s"),
    "has effects": lambda t: t.replace("  return %0, %1\n", "  debug_print %1 format=\"\"\n  return %0, %1\n"),
}


@pytest.mark.parametrize("message", WRONG)
def test_calls_that_do_not_fit(message: str) -> None:
    with pytest.raises(IRError, match=message):
        verify(parse(WRONG[message](PROGRAM)))


def test_extents_that_do_not_fit() -> None:
    with pytest.raises(IRError, match="where @g has"):
        verify(parse(OPEN + """func @f(%n: i64[], %k: i64[], %x: f64[%n], %s: f64[]) -> f64[] {
  %0: f64[%k], %1: f64[] = call %k, %x, %s callee=@g
  return %1
}
"""))


# what gj.checkpoint makes of them -------------------------------------------------------------------------------------
def test_a_checkpointed_function_is_traced_once() -> None:
    seen = []

    def layer(x, w):
        seen.append(1)
        return np.tanh(w @ x)

    def f(x, w):
        return np.sum(gj.checkpoint(layer)(x, w) ** 2)

    w = np.cos(np.arange(9.0)).reshape(3, 3)
    assert "isolated=true" in str(gj.trace(f, X, w))
    assert len(seen) == 1


def test_what_a_checkpointed_function_writes_and_prints(capsys) -> None:
    def doubled(a):
        a[0] = a[1] * 2.0
        gj.debug_print("{}", a[0])
        return np.sum(a * a)

    def f(x):
        y = x * 1.0
        return gj.checkpoint(doubled)(y) + np.sum(y**3)

    expected = np.array([-0.4, -0.2, 0.9])
    value, slope = gj.value_and_grad(f)(X)
    assert capsys.readouterr().out == "-0.4\n"
    np.testing.assert_allclose(value, np.sum(expected**2) + np.sum(expected**3))
    np.testing.assert_allclose(slope, [0, 10 * X[1] + 27 * X[1] ** 2, 2 * X[2] + 3 * X[2] ** 2])
