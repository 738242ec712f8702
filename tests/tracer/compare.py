"""A traced function, interpreted, against the same function run by NumPy."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

from gradjit.ir import Func, interpret, parse, print_func, verify
from gradjit.tracer import trees
from gradjit.tracer.trace import Trace, trace


def run(f: Callable[..., Any], *args: Any, **kwargs: Any) -> tuple[Trace, Any]:
    """The trace of a call, and the result that its IR gives."""
    t = trace(f, args, kwargs)
    verify(t.func)
    assert_round_trip(t.func)
    leaves, _ = trees.flatten((args, kwargs))
    operands = [leaves[i] for i in t.traced] + [c.array for c in t.captured]
    outs = interpret(t.func, operands)
    values = [r.value if r.index is None else shown(outs[r.index], r.kind) for r in t.result]
    return t, trees.unflatten(t.result_tree, values)


def shown(a: np.ndarray, kind: str) -> Any:
    """A result of the interpreter as what the traced function says it is."""
    return np.array(a) if kind == "array" else a.item() if kind == "python number" else a[()]


def assert_round_trip(func: Func) -> None:
    """Print, parse and print again gives the same text."""
    text = print_func(func)
    (again,) = parse(text).funcs.values()
    assert print_func(again) == text


def check(f: Callable[..., Any], *args: Any, exact: bool = True, **kwargs: Any) -> Trace:
    """Trace `f`, interpret, and compare with NumPy: values, dtypes, shapes, and whether results are arrays or scalars.

    The arguments must not change while tracing; NumPy gets copies.
    """
    before = copy.deepcopy((args, kwargs))
    with np.errstate(all="ignore"):
        t, got = run(f, *args, **kwargs)
        assert_same((args, kwargs), before)
        expected = f(*before[0], **before[1])
    assert_same(got, expected, exact)
    return t


def alike(f: Callable[..., Any], *args: Any) -> Trace:
    """The same for functions whose way decides whether a number is Python's or NumPy's: equal numbers and dtypes."""
    expected = f(*copy.deepcopy(args))
    t, got = run(f, *args)
    a, tree = trees.flatten(got)
    b, wanted = trees.flatten(expected)
    assert tree == wanted
    for x, y in zip(a, b, strict=True):
        assert np.asarray(x).dtype == np.asarray(y).dtype
        np.testing.assert_allclose(x, y, rtol=1e-12)
    return t


def assert_same(got: Any, expected: Any, exact: bool = True) -> None:
    """Equal structure, types, dtypes, shapes and elements."""
    a, tree = trees.flatten(got)
    b, wanted = trees.flatten(expected)
    assert tree == wanted
    for x, y in zip(a, b, strict=True):
        assert isinstance(x, np.ndarray) == isinstance(y, np.ndarray), (x, y)
        if isinstance(y, (np.ndarray, np.generic)):
            assert isinstance(x, (np.ndarray, np.generic)), (type(x), type(y))
            assert x.dtype == y.dtype, (x.dtype, y.dtype)
            assert x.shape == y.shape, (x.shape, y.shape)
            if exact:
                np.testing.assert_array_equal(x, y)
            else:
                np.testing.assert_allclose(x, y, rtol=1e-12, atol=1e-12)
        elif isinstance(y, float):
            assert type(x) is type(y), (x, y)
            np.testing.assert_allclose(x, y, rtol=1e-14)
        else:
            assert type(x) is type(y), (type(x), type(y))
            assert x == y, (x, y)
