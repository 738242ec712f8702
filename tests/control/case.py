"""A program with its arguments, and what is checked of it, level by level.

The levels follow the way through the house, so that the first one that fails says whose the fault is: what is traced,
what the passes make of it, what machine code makes of that.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import gradjit as gj
from gradjit.ir import Func, interpret, parse, print_func, verify
from gradjit.passes import optimize
from gradjit.tracer import trees
from gradjit.tracer.trace import Trace, trace


@dataclass(frozen=True)
class Case:
    """A function of a scalar result, its positional arguments, and which of them are differentiated."""

    f: Callable[..., Any]
    args: tuple[Any, ...]
    wrt: tuple[int, ...] = (0,)
    rtol: float = 1e-7
    """Of derivatives, relative to the greatest term that they are made of."""
    step: float = 1e-4
    """Of finite differences."""
    second: bool = True
    """Whether the gradient is smooth. It is not where values only decide when to stop, as in a bisection."""

    @property
    def name(self) -> str:
        return self.f.__name__

    def copied(self) -> tuple[Any, ...]:
        return copy.deepcopy(self.args)

    def plain(self, args: Sequence[Any] | None = None) -> Any:
        """What NumPy says. The arguments are copied first."""
        with np.errstate(all="ignore"):
            return self.f(*copy.deepcopy(self.args if args is None else tuple(args)))

    def moved(self, direction: Sequence[Any], h: float) -> list[Any]:
        """The arguments, those of `wrt` moved by h along the direction."""
        args = list(self.args)
        for k, d in zip(self.wrt, direction, strict=True):
            args[k] = along(args[k], d, h)
        return args

    def directions(self, count: int = 3) -> list[tuple[Any, ...]]:
        rng = np.random.default_rng(len(self.name))
        return [tuple(random_like(self.args[k], rng) for k in self.wrt) for _ in range(count)]


# trees of floats ------------------------------------------------------------------------------------------------------
def mapped(fn: Callable[..., Any], tree: Any, *others: Any) -> Any:
    leaves, spec = trees.flatten(tree)
    rest = [trees.flatten(o)[0] for o in others]
    return trees.unflatten(spec, [fn(*row) for row in zip(leaves, *rest, strict=True)])


def along(x: Any, d: Any, h: float) -> Any:
    return mapped(lambda a, v: a + h * v, x, d)


def random_like(tree: Any, rng: np.random.Generator) -> Any:
    def one(x: Any) -> Any:
        return float(rng.normal()) if isinstance(x, float) else rng.normal(size=np.shape(x))

    return mapped(one, tree)


def dot(a: Any, b: Any) -> tuple[float, float]:
    """The inner product of two trees, and the sum of its terms' magnitudes."""
    pairs = list(zip(trees.flatten(a)[0], trees.flatten(b)[0], strict=True))
    return (float(sum(np.sum(np.multiply(x, y)) for x, y in pairs)),
            float(sum(np.sum(np.abs(np.multiply(x, y))) for x, y in pairs)))


def quotient(f: Callable[[float], Any], h: float) -> Any:
    """The derivative at 0 by central differences of fourth order."""
    points = [f(k * h) for k in (-2, -1, 1, 2)]
    return mapped(lambda a, b, c, d: (8 * (c - b) - (d - a)) / (12 * h), *points)


# comparisons ----------------------------------------------------------------------------------------------------------
def same(got: Any, expected: Any, rtol: float = 1e-12) -> None:
    """Equal structure, dtypes, shapes, and numbers up to rounding. Python's numbers and NumPy's scalars are alike."""
    a, tree = trees.flatten(got)
    b, wanted = trees.flatten(expected)
    assert tree == wanted, f"structure {tree} for {wanted}"
    for x, y in zip(a, b, strict=True):
        if isinstance(y, (np.ndarray, np.generic, int, float)):
            x, y = np.asarray(x), np.asarray(y)
            assert x.dtype == y.dtype, f"{x.dtype} for {y.dtype}"
            assert x.shape == y.shape, f"shape {x.shape} for {y.shape}"
            scale = np.max(np.abs(y[np.isfinite(y)]), initial=1.0) if y.dtype.kind == "f" else 0
            np.testing.assert_allclose(x, y, rtol=rtol, atol=rtol * scale)
        else:
            assert x == y, f"{x!r} for {y!r}"


def check_slope(got: float, expected: float, size: float, rtol: float) -> None:
    """A directional derivative, `size` being the magnitude of what it was added up from."""
    scale = max(abs(expected), size, 1e-3)
    assert abs(got - expected) <= rtol * scale, f"{got:.12g} by gradjit, {expected:.12g} by differences"


# levels ---------------------------------------------------------------------------------------------------------------
def traced(case: Case) -> Trace:
    args = case.copied()
    t = trace(case.f, args, {})
    same(args, case.args, 0.0)
    return t


def interpreted(t: Trace, func: Func, args: Sequence[Any]) -> Any:
    """What the IR of a trace gives."""
    leaves, _ = trees.flatten((tuple(args), {}))
    outs = interpret(func, [leaves[i] for i in t.traced] + [c.array for c in t.captured])
    return trees.unflatten(t.result_tree, [r.value if r.index is None else outs[r.index][()] for r in t.result])


def check_traced(case: Case) -> None:
    """The IR as it is traced is valid, survives its text form, and means what NumPy does."""
    t = traced(case)
    verify(t.func)
    text = print_func(t.func)
    (again,) = parse(text).funcs.values()
    assert print_func(again) == text
    same(interpreted(t, t.func, case.copied()), case.plain())


def check_optimized(case: Case) -> None:
    """The passes keep that meaning."""
    t = traced(case)
    same(interpreted(t, optimize(t.func, verify=True), case.copied()), case.plain())


def check_value(case: Case, backend: str) -> None:
    """`gj.jit` gives NumPy's value and leaves the arguments as NumPy does."""
    args, plain_args = case.copied(), case.copied()
    f = gj.jit(case.f, backend=backend)
    with np.errstate(all="ignore"):
        expected = case.f(*plain_args)
    same(f(*args), expected)
    same(args, plain_args)


def check_gradient(case: Case, backend: str) -> None:
    """The gradient against differences of NumPy's own values; the arguments stay as they are."""
    args = case.copied()
    value, gradient = gj.value_and_grad(case.f, argnums=case.wrt, backend=backend)(*args)
    same(args, case.args, 0.0)
    same(value, case.plain())
    for k, g in zip(case.wrt, gradient, strict=True):
        same(mapped(np.zeros_like, g), mapped(np.zeros_like, case.args[k]))
    for d in case.directions():
        got, size = dot(gradient, d)
        check_slope(got, quotient(lambda h, d=d: case.plain(case.moved(d, h)), case.step), size, case.rtol)


def pushed(case: Case, backend: str) -> Callable[..., Any]:
    """`g(primals, tangents)` in forward mode."""
    def at(*varied: Any) -> Any:
        args = list(case.args)
        for k, x in zip(case.wrt, varied, strict=True):
            args[k] = x
        return case.f(*args)

    return gj.jit(lambda primals, tangents: gj.jvp(at, primals, tangents), backend=backend)


def check_forward(case: Case, backend: str) -> None:
    """Forward mode against the same differences."""
    args = case.copied()
    primals = tuple(args[k] for k in case.wrt)
    g = pushed(case, backend)
    for d in case.directions(2):
        value, tangent = g(primals, d)
        same(value, case.plain())
        expected = quotient(lambda h, d=d: case.plain(case.moved(d, h)), case.step)
        check_slope(float(tangent), float(expected), 0.0, 10 * case.rtol)


def check_second(case: Case, backend: str) -> None:
    """The derivative of the gradient along a direction, by reverse over reverse, against differences of it."""
    if not case.second:
        return
    gradient = gj.grad(case.f, argnums=case.wrt, backend=backend)
    d, w = case.directions(2)

    def slope(*args: Any) -> Any:
        g = gj.grad(case.f, argnums=case.wrt)(*args)
        return sum(np.sum(a * b) for a, b in zip(trees.flatten(g)[0], trees.flatten(d)[0], strict=True))

    second = gj.grad(slope, argnums=case.wrt, backend=backend)(*case.copied())
    got, size = dot(second, w)
    expected = quotient(lambda h: dot(gradient(*case.moved(w, h)), d)[0], case.step)
    check_slope(got, expected, size, 10 * case.rtol)


LEVELS: dict[str, Callable[[Case], None]] = {
    "traced": check_traced,
    "optimized": check_optimized,
    "value": lambda case: check_value(case, "interpreter"),
    "gradient": lambda case: check_gradient(case, "interpreter"),
    "forward": lambda case: check_forward(case, "interpreter"),
    "second": lambda case: check_second(case, "interpreter"),
    "compiled value": lambda case: check_value(case, "native"),
    "compiled gradient": lambda case: check_gradient(case, "native"),
    "compiled forward": lambda case: check_forward(case, "native"),
    "compiled second": lambda case: check_second(case, "native"),
}
"""What is checked of each program, in the order of the way through the house."""
