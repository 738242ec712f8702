"""Functions that are made anew, compiled and dropped: none is held, and what tracing remembers is bounded."""

from __future__ import annotations

import copy
import functools
import gc
import linecache
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gradjit as gj
from gradjit.api import functions
from gradjit.api.made_once import made_once
from gradjit.bounded import Bounded
from gradjit.codegen import Lowered
from gradjit.tracer import extents, lift, locations, source
from gradjit.tracer.control import names
from tests.fuzz.effort import llvm_effort


def closure(k: int) -> Callable[..., Any]:
    """One code object, with captured values of its own."""
    a = np.array([0.5, k])
    return lambda x: np.sum(x * a) + len(a)


def generated(k: int) -> Callable[..., Any]:
    """A text, a file and a code object of its own, with a loop."""
    text = f"def f(x):\n    for i in range(50):\n        x = x * 0.5 + {k}\n    return x\n"
    linecache.cache["<generated>"] = len(text), None, text.splitlines(True), "<generated>"
    namespace: dict[str, Any] = {}
    exec(compile(text, "<generated>", "exec"), namespace)
    f: Callable[..., Any] = namespace["f"]
    return f


def used(make: Callable[[int], Callable[..., Any]], numbers: range, **settings: Any) -> list[weakref.ref[Any]]:
    """References to so many functions, and what compiled them, all of which were called once and dropped."""
    found: list[weakref.ref[Any]] = []
    for k in numbers:
        f = make(k)
        compiled = gj.value_and_grad(f, **settings)
        assert np.isfinite(compiled(np.ones(2) if make is closure else 1.0)[0])
        found += weakref.ref(f), weakref.ref(compiled)
        del f, compiled
    gc.collect()
    return found


def alive(refs: list[weakref.ref[Any]]) -> int:
    return sum(r() is not None for r in refs)


@pytest.mark.parametrize("make, count", [
    (closure, 100), (generated, 50), *(pytest.param(m, 1000, marks=pytest.mark.slow) for m in (closure, generated))])
def test_fresh_functions_are_not_held(make: Callable[[int], Callable[..., Any]], count: int, monkeypatch: Any) -> None:
    monkeypatch.setattr(lift, "_lifted", Bounded(50))
    monkeypatch.setattr(source, "_refuted", Bounded(50))
    monkeypatch.setattr(locations, "_lines", Bounded(50))
    counts = []
    for start in range(0, 3 * count, count):
        assert alive(used(make, range(start, start + count), backend="interpreter")) == 0
        counts.append(len(gc.get_objects()))
    assert counts[2] - counts[1] < count / 5
    assert len(lift._lifted) <= 50 and len(names.SITES) <= 10_000
    tables = lift._lifted, source._files, source._refuted, extents._NUMBERS, locations._lines
    assert all(len(t) <= t.room for t in tables)
    assert all(f.cache_info().maxsize for f in (locations._loc, locations.is_internal))


@pytest.mark.slow
def test_fresh_functions_that_are_compiled_are_not_held() -> None:
    with llvm_effort(False):
        assert alive(used(closure, range(60))) == 0
        before = len(gc.get_objects())
        assert alive(used(closure, range(60, 120))) == 0
        assert len(gc.get_objects()) - before < 30


PRODUCTS = {
    "jvp": lambda f, x: gj.jvp(f, (x,), (x,)),
    "vjp": lambda f, x: gj.vjp(f, x)[1](1.0),
    "linearize": lambda f, x: gj.linearize(f, x)[1](x),
    "jet": lambda f, x: gj.jet(f, (x,), ((x,),)),
}


@pytest.mark.thinned
@pytest.mark.parametrize("product", PRODUCTS)
def test_what_products_compile_goes_with_the_function(product: str) -> None:
    refs = []
    for k in range(3):
        f = closure(k)
        PRODUCTS[product](f, np.ones(2))
        refs.append(weakref.ref(f))
        del f
    gc.collect()
    assert alive(refs) == 0


def test_what_was_compiled_stays_with_its_own_function() -> None:
    """`functools.wraps` gives a function what stands on another one; copies and pickles leave it behind."""
    f = closure(3)

    @functools.wraps(f)
    def twice(x: Any) -> Any:
        return 2 * f(x)

    x = np.ones(2)
    first = gj.jvp(f, (x,), (x,))[1]
    functools.update_wrapper(twice, f)
    assert gj.jvp(twice, (x,), (x,))[1] == 2 * first
    held = vars(f)["__gradjit_made__"]
    assert held.made and not copy.deepcopy(held).made


class Quadratic:
    def __init__(self, scale: float) -> None:
        self.scale = scale

    def value(self, x: Any) -> Any:
        return np.sum(self.scale * x * x)


def test_methods_are_compiled_once() -> None:
    """A method is a new object each time it is looked up."""
    first, second = Quadratic(1.0), Quadratic(2.0)
    x = np.ones(2)
    assert gj.jvp(first.value, (x,), (x,))[1] == 4.0
    assert made_once(first.value, functions._push) is made_once(first.value, functions._push)
    assert gj.jvp(second.value, (x,), (x,))[1] == 8.0


def test_a_compiled_function_does_not_keep_what_it_was_lowered_to() -> None:
    def held() -> int:
        gc.collect()
        return sum(type(x) is Lowered for x in gc.get_objects())

    before = held()
    compiled = gj.grad(lambda x: np.sum(x * x))
    compiled(np.ones(2))
    assert held() == before
    assert "kernel" in compiled.ir(stage="loops")


def test_what_was_used_lately_is_remembered() -> None:
    table: Bounded[int, str] = Bounded(3)
    for k in range(3):
        table.put(k, str(k))
    assert table.get(0) == "0"
    table.put(3, "3")
    assert [k in table for k in range(4)] == [True, False, True, True] and len(table) == 3
    table.drop(0)
    assert table.get(0) is None and table.get(7) is None


def test_code_that_is_lifted_again_finds_its_loops() -> None:
    """What was forgotten is made again; what is running keeps what it needs."""
    def f(x: float) -> float:
        for i in range(60):
            x = x * 0.5 + i
        return x

    first = gj.jit(f, backend="interpreter")(1.0)
    lift._lifted._items.clear()
    gc.collect()
    assert gj.jit(f, backend="interpreter")(1.0) == first == pytest.approx(f(1.0))
