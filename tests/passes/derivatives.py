"""Small tools for tests of differentiation: functions from text, finite differences, counts of operations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradjit.errors import UnsupportedError
from gradjit.ir import F64, ArrayType, Builder, Func, Value, interpret, parse, verify, walk
from gradjit.ir.builder import build
from tests.fuzz.effort import llvm_effort


def func(text: str) -> Func:
    """The only function of a module in text form."""
    (f,) = parse(text).funcs.values()
    verify(f)
    return f


def function(body: Callable[..., Any], *shapes: tuple[int, ...]) -> Func:
    """A function of f64 arrays of the given shapes; `body(b, *params)` gives its result or results."""
    def results(b: Builder, *params: Value) -> Sequence[Value]:
        made = body(b, *params)
        return made if isinstance(made, (tuple, list)) else (made,)

    f = build("f", [ArrayType(F64, s) for s in shapes], results, "xyzuvw"[:len(shapes)])
    verify(f)
    return f


def counts(f: Func) -> Counter[str]:
    """How often each operation stands in a function, without literals."""
    return Counter(op.name for op in walk(f.body) if op.name != "const")


def added(derived: Func, f: Func) -> Counter[str]:
    """What a derived function has beyond the original."""
    return counts(derived) - counts(f)


def run(f: Func, *args: Any) -> list[np.ndarray]:
    """The results of a function that must verify."""
    verify(f)
    return interpret(f, [np.asarray(a) for a in args])


def evaluator(f: Func, args: Sequence[Any], count: int) -> Callable[[Sequence[Any]], np.ndarray]:
    """The first result of a function: by the interpreter, or by machine code, which gives the same for `args`, where
    a function with loops is to be evaluated many times."""
    if count < 16 or not any(op.regions for op in f.body.ops):
        return lambda a: interpret(f, a)[0]
    from gradjit.runtime.kernel import compile_func
    try:
        with llvm_effort(False):
            kernel = compile_func(f)
    except UnsupportedError:  # extents that are not known
        return lambda a: interpret(f, a)[0]
    np.testing.assert_allclose(kernel(*args)[0], interpret(f, args)[0], rtol=1e-12)
    return lambda a: kernel(*a)[0]


def numeric_gradient(f: Func, args: Sequence[Any], k: int, step: float = 1e-6) -> np.ndarray:
    """The gradient of the first result, a scalar, with regard to argument k by central differences."""
    args = [np.array(a) for a in args]
    g = np.zeros(args[k].shape)
    value = evaluator(f, args, 2 * g.size)
    for place in np.ndindex(g.shape):
        ends = []
        for sign in (1, -1):
            moved = [np.array(a) for a in args]
            moved[k][place] += sign * step
            ends.append(value(moved))
        g[place] = (ends[0] - ends[1]) / (2 * step)
    return g


def total(b: Builder, x: Value) -> Value:
    """The sum of all elements."""
    return b.sum(x, axes=tuple(range(x.type.rank)))
