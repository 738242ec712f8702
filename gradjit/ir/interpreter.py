"""Runs IR with NumPy, one operation at a time. This is the meaning of the IR."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import ArgumentError, BoundsError, DtypeError, GradjitError, LinAlgError, ShapeError
from .clone import dims_of, with_sizes
from .core import Block, Func, Op, Value, map_attr
from .ops import OPS
from .size_conditions import solved
from .types import TAPE, ArrayType

Env = dict[Value, np.ndarray]


def interpret(func: Func, args: Sequence[Any]) -> list[np.ndarray]:
    """The results of `func` on arrays (or numbers) of its parameters' types. The arguments are not changed.

    What the program does wrong is a GradjitError: an index out of range, extents that do not agree. (An `assert` that
    does not hold is an AssertionError.)
    """
    if len(args) != len(func.params):
        raise TypeError(f"@{func.name} takes {len(func.params)} arguments, got {len(args)}")
    env: Env = {}
    with np.errstate(all="ignore"):
        given = [np.asarray(a, p.dtype.np) for a, p in zip(args, func.params, strict=True)]
        func = of_sizes(func, given)
        env.update(zip(func.params, given, strict=True))
        for p, a in zip(func.params, given, strict=True):
            agree(p, a, env)
        return run_block(func.body, given, env)


def of_sizes(func: Func, args: Sequence[np.ndarray]) -> Func:
    """The function for the sizes that the arguments have. ShapeError where they do not agree."""
    if not dims_of(func):
        return func
    extents = [(e, n) for p, a in zip(func.params, args, strict=True) for e, n in zip(p.shape, a.shape, strict=False)]
    dims = solved(extents)
    if dims is None or any(len(p.shape) != a.ndim for p, a in zip(func.params, args, strict=True)):
        raise ShapeError(f"arrays of shapes {', '.join(str(a.shape) for a in args)} for "
                         f"{', '.join(map(repr, func.params))}")
    return with_sizes(func, dims)


def run_block(block: Block, args: Sequence[np.ndarray], env: Env) -> list[np.ndarray]:
    """Bind the parameters, run the operations, return what the block yields."""
    for p, a in zip(block.params, args, strict=True):
        env[p] = a
    for op in block.ops:
        for r, a in zip(op.results, run_op(op, env), strict=True):
            env[r] = a
    return [env[v] for v in block.results]


def run_op(op: Op, env: Env) -> Sequence[np.ndarray]:
    """The results of one operation, with the dtypes that the IR states."""
    args = [env[v] for v in op.operands]
    if op.regions:
        return CONTROL[op.name](op, args, env)
    return evaluate(op, args, env)


def evaluate(op: Op, args: Sequence[np.ndarray], env: Env) -> list[np.ndarray]:
    """An operation without regions, through its reference meaning."""
    attrs = op.attrs
    if attrs and reads_values(attrs):
        attrs = {k: map_attr(a, lambda v: int(env[v])) for k, a in attrs.items()}  # type: ignore[arg-type, return-value]
    try:
        out = OPS[op.name].evaluate(*args, **attrs)  # type: ignore[misc]
    except tuple(kind for kind, _ in WHAT_NUMPY_RAISES) as e:
        if OPS[op.name].effect and not isinstance(e, GradjitError):  # somebody else's: of the stream that is printed to
            raise
        raise failed(op, e) from e
    made = []
    for o, r in zip(out if isinstance(out, tuple) else (out,), op.results, strict=True):
        dtype, shape = r.type.dtype, r.type.shape
        if dtype is not TAPE:
            o = np.asarray(o, dtype.np)
            if o.shape != shape:
                agree(r, o, env)
        made.append(o)
    return made


def reads_values(attrs: dict[str, Any]) -> bool:
    """Whether the attributes hold index values."""
    for a in attrs.values():
        if type(a) is tuple:
            for v in a:
                if isinstance(v, Value) or (isinstance(v, ArrayType) and not v.is_static):
                    return True
    return False


def agree(v: Value, a: np.ndarray, env: Env) -> None:
    """ShapeError where an array has not the shape that the type states."""
    if a.shape != v.shape and a.shape != tuple(e if isinstance(e, int) else int(env[e]) for e in v.shape):
        raise ShapeError(f"an array of shape {a.shape} for {v!r}")


WHAT_NUMPY_RAISES: tuple[tuple[type[Exception], type[GradjitError]], ...] = (
    (np.linalg.LinAlgError, LinAlgError), (IndexError, BoundsError), (TypeError, DtypeError),
    (ValueError, ArgumentError), (ArithmeticError, ArgumentError),
)
"""The errors of operations' meanings, and what they are called here."""


def failed(op: Op, e: Exception) -> Exception:
    """The error of an operation with its line."""
    where = f"\n  {op.loc.full}" if op.loc else ""
    own = next((own for kind, own in WHAT_NUMPY_RAISES if isinstance(e, kind)), type(e))
    if isinstance(e, GradjitError):
        return type(e)(f"{e}{where}") if where else e
    return own(f"{op.name}: {e}{where}")


def _if(op: Op, args: list[np.ndarray], env: Env) -> list[np.ndarray]:
    return run_block(op.regions[0 if args[0] else 1], [], env)


def _for(op: Op, args: list[np.ndarray], env: Env) -> list[np.ndarray]:
    lo, hi, step, *carried = args
    if not step:
        raise failed(op, ArgumentError("for: a step of 0"))
    for i in range(int(lo), int(hi), int(step)):
        carried = run_block(op.regions[0], [np.asarray(i, np.int64), *carried], env)
    return carried


def _while(op: Op, args: list[np.ndarray], env: Env) -> list[np.ndarray]:
    cond, body = op.regions
    carried = args
    while run_block(cond, carried, env)[0]:
        carried = run_block(body, carried, env)
    return carried


CONTROL: dict[str, Callable[[Op, list[np.ndarray], Env], list[np.ndarray]]] = {"if": _if, "for": _for, "while": _while}
