"""`with`, and stacks of context managers by contextlib.ExitStack."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import gradjit as gj

from .compare import check

X = np.array([1.0, 2.0, 3.0])


@contextlib.contextmanager
def doubled(v: Any) -> Iterator[Any]:
    yield v * 2


class Manager:
    def __init__(self, v: Any) -> None:
        self.v = v

    def __enter__(self) -> Any:
        if self.v[0] > 0:
            return self.v * 3
        return self.v

    def __exit__(self, *_: object) -> None:
        self.v = self.v + 1 if self.v[1] > 0 else self.v


def chosen(out: list[Any], x: Any) -> None:
    if x[0] > 0:
        out.append(x * 2)
    else:
        out.append(x)


def generators(x: Any) -> Any:
    total = x * 0
    with contextlib.ExitStack() as stack:
        for k in range(3):
            total = total + stack.enter_context(doubled(x * k))
    return total


def objects(x: Any) -> Any:
    m = Manager(x)
    with contextlib.ExitStack() as stack:
        y = stack.enter_context(m)
    return y * m.v


def pushed(x: Any) -> Any:
    m = Manager(x)
    with contextlib.ExitStack() as stack:
        stack.push(m)
        y = x * 2
    return y + m.v


def called_back(x: Any) -> Any:
    out: list[Any] = []
    with contextlib.ExitStack() as stack:
        stack.callback(chosen, out, x)
        stack.callback(out.append, x * 5)
    return out[0] + out[1] * 10


def closed(x: Any) -> Any:
    stack = contextlib.ExitStack()
    m = Manager(x)
    y = stack.enter_context(m)
    stack.close()
    return y + m.v


def settings(x: Any) -> Any:
    with contextlib.ExitStack() as stack:
        stack.enter_context(np.errstate(all="ignore"))
        return np.log(x - 2)


@pytest.mark.parametrize("f", [generators, objects, pushed, called_back, closed, settings], ids=lambda f: f.__name__)
def test_stacks(f):
    for x in (X, -X):
        check(f, x)


def swallowed(x: Any) -> Any:
    with contextlib.ExitStack() as stack:
        stack.enter_context(contextlib.suppress(KeyError))
        x = x * {}["missing"]
    return x


def test_exceptions_that_a_stack_swallows():
    np.testing.assert_array_equal(gj.jit(swallowed)(X), X)


def test_print_options_that_end_inside(capsys):
    def early(x: Any) -> Any:
        with np.printoptions(precision=2):
            print(x / 3)
        return x

    def numbers(x: Any) -> Any:
        with np.printoptions(precision=2):
            print("a text", f"{x[0] / 3:.3f}", x[1] / 3)
        return x

    with pytest.raises(gj.TraceError, match=r"an array is printed while np.printoptions stand[^$]*f\"{x\[0\]:.3f}\""):
        gj.jit(early)(X)
    gj.jit(numbers)(X)
    assert capsys.readouterr().out == f"a text 0.333 {2 / 3}\n"


# functions by contextlib.contextmanager ------------------------------------------------------------------------------
class Positive:
    """A descriptor."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = "_" + name

    def __get__(self, obj: Any, kind: type | None = None) -> Any:
        return getattr(obj, self.name)

    def __set__(self, obj: Any, v: Any) -> None:
        if v <= 0:
            raise ValueError(f"{self.name[1:]} = {v}")
        setattr(obj, self.name, v)


class Spring:
    stiffness = Positive()

    def __init__(self, stiffness: Any) -> None:
        self.stiffness = stiffness

    @contextlib.contextmanager
    def scaled(self, name: str, factor: Any) -> Iterator[Any]:
        before = getattr(self, name)
        setattr(self, name, before * math.exp(factor))
        try:
            yield self
        finally:
            setattr(self, name, before)


@contextlib.contextmanager
def root(x: float) -> Iterator[float]:
    yield math.sqrt(float(x))


def calls_within(x: Any) -> Any:
    spring = Spring(x[0] ** 2)
    with spring.scaled("stiffness", x[1]) as stiff, root(x[2]) as y:
        total = stiff.stiffness * y
    return total + 2 * spring.stiffness


def test_what_runs_within_is_traced():
    check(calls_within, np.array([1.5, 0.4, 2.0]))
    with pytest.raises(ValueError, match=r"stiffness = 0\.0"):
        gj.jit(calls_within)(np.array([0.0, 0.4, 2.0]))
