"""Derivatives of functions with complex numbers: of their planes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ...ir import Builder, Func, Value
from ...ir.core import map_type
from ..checks import append_parameter
from .splitter import Planes, block_like, inlined, split

Transform = Callable[[Planes], Func]


def derived(func: Func, transform: Transform, given: Callable[[Func], Sequence[Value]],
            made: Callable[[Func], Sequence[Value]]) -> Func:
    """What a transformation makes of a function's planes, as a function of complex numbers again.

    given, made: the values of the function whose tangents or cotangents are further parameters, and further results.
    """
    planes = split(func)
    real = transform(planes)
    block, env = block_like(func.params)
    own = block.params
    more = [append_parameter(block, _shaped(v, env), f"d_{v.name}" if v.name else "d") for v in given(func)]
    b = Builder(block)
    results = [v.type for v in (*func.results, *made(func))]
    block.results = tuple(inlined(b, real, (*own, *more), results))
    return Func(real.name, block)


def _shaped(v: Value, env: dict[Value, Value]) -> Value:
    """A value like another one, with the extents that stand in the new block."""
    return Value(map_type(v.type, lambda e: env.get(e, e)), None, 0, v.name)
