"""The interpreter with its questions asked ahead: for straight programs that run often, and are too young to compile.

`prepared(func)(args)` gives what `interpret(func, args)` gives. What needs more than NumPy on arrays of known shapes
(regions, index values, tapes) is left to the interpreter itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .core import Func, Op, Value
from .interpreter import evaluate, interpret
from .ops import OPS
from .types import TAPE, ArrayType


def prepared(func: Func) -> Callable[[Sequence[Any]], list[np.ndarray]]:
    """The function as one of arrays (or numbers) of its parameters' types. It does not check those."""
    if any(is_special(op) for op in func.ops):
        return lambda args: [np.array(a, order="C") for a in interpret(func, args)]
    place: dict[Value, int] = {p: k for k, p in enumerate(func.params)}
    steps: list[tuple[Any, Any, tuple[int, ...], dict[str, Any], int, Any, Op, list[int]]] = []
    known: dict[int, np.ndarray] = {}
    count = len(place)
    computed: dict[Any, int] = {}
    for op in func.ops:
        (r,) = op.results
        operands = tuple([place[v] for v in op.operands])
        if is_same(op):
            place[r] = operands[0]
            continue
        place[r] = computed.setdefault((op.name, operands), count) if is_plain(op) else count
        if place[r] != count:
            continue
        if operands:
            steps.append((OPS[op.name].evaluate, r.dtype.np, operands, op.attrs, count, r.shape, op, []))
        else:
            known[count] = evaluate(op, [], {})[0]
        count += 1
    dtypes = [p.dtype.np for p in func.params]
    results = [place[r] for r in func.results]
    kept = {*results, *known}
    for step in reversed(steps):  # what nobody reads any more is let go
        step[-1].extend({*step[2], step[4]} - kept)
        kept.update(step[-1])

    def run(args: Sequence[Any]) -> list[np.ndarray]:
        env: list[Any] = [None] * count
        for k, (a, dtype) in enumerate(zip(args, dtypes, strict=True)):
            env[k] = a if type(a) is np.ndarray else np.asarray(a, dtype)
        for k, a in known.items():
            env[k] = a
        with np.errstate(all="ignore"):
            for function, dtype, operands, attrs, at, shape, op, dead in steps:
                try:
                    out = function(*[env[k] for k in operands], **attrs)
                except Exception:
                    out = evaluate(op, [env[k] for k in operands], {})[0]  # the same, with the error that names it
                if type(out) is not np.ndarray or out.dtype != dtype:
                    out = np.asarray(out, dtype)
                assert out.shape == shape, f"{op!r} gives the shape {out.shape}"
                env[at] = out
                for k in dead:
                    env[k] = None
        return [np.array(env[k], order="C") for k in results]

    return run


def is_same(op: Op) -> bool:
    """Whether a result is its operand, to the bit, and only derivatives know of the operation."""
    spec = OPS[op.name]
    return spec.pointwise and spec.selects and spec.arity == 1 and not spec.pinned


def is_plain(op: Op) -> bool:
    """Whether another operation of this name on the same operands gives the same, and may be left away."""
    spec = OPS[op.name]
    return spec.pointwise and not op.attrs and not spec.pinned and not spec.calls_user


def is_special(op: Op) -> bool:
    """Whether an operation is the interpreter's own affair."""
    return (bool(op.regions) or len(op.results) != 1 or op.results[0].dtype is TAPE or OPS[op.name].effect
            or any(isinstance(v, (Value, ArrayType)) for a in op.attrs.values() if type(a) is tuple for v in a)
            or not op.results[0].type.is_static or OPS[op.name].evaluate is None)
