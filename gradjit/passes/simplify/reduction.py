"""Rules for reductions and scans.

Reductions move towards what is reduced: through broadcasts (repeated terms become a product with their count),
transposes, padding and reshapes, so that less is read.
"""

from __future__ import annotations

from math import prod

import numpy as np

from ...ir import I64, Value
from ..fold import splat_of
from ..patterns import Ints, is_zero, made_by, static_ints, unit_move, without
from ..rewriter import Args, Attrs, Rewriter, Rule

REDUCTIONS = ("sum", "prod", "max", "min", "any", "all")
REPEATABLE = ("max", "min", "any", "all")
"""Reductions for which a repeated element counts once."""


def of_units(name: str) -> Rule:
    """The rule sum x --> sum(reshape x) without the unit axes among the reduced;  sum x --> x over no axes.

    A reduction over all axes stays as it is: `of_reshape` would take the reshape away again.
    """
    def of_units(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
        x, axes = args[0], attrs["axes"]
        if not axes:
            return x
        units = tuple(a for a in axes if type(x.shape[a]) is int and x.shape[a] == 1)
        if not units or len(units) < len(axes) == len(x.shape):
            return None
        left = tuple(k for k in range(len(x.shape)) if k not in units)
        return rw.make(name, rw.reshape(x, tuple(x.shape[k] for k in left)),
                       axes=tuple(left.index(a) for a in axes if a not in units))
    return of_units


def of_reduction(name: str) -> Rule:
    """The rule sum(sum x) --> sum x over both sets of axes."""
    def of_reduction(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
        inner = made_by(args[0], name)
        if not inner or not rw.is_used_once(args[0]):
            return None
        x, first = inner.operands[0], inner.attrs["axes"]
        left = [k for k in range(len(x.shape)) if k not in first]
        return rw.make(name, x, axes=tuple(sorted((*first, *(left[a] for a in attrs["axes"])))))
    return of_reduction


def of_broadcast(name: str) -> Rule:
    """The rule max(broadcast x) --> broadcast(max x)."""
    def of_broadcast(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
        inner = made_by(args[0], "broadcast")
        if not inner:
            return None
        small = rw.make(name, inner.operands[0], axes=_own(inner.attrs["dims"], attrs["axes"]))
        return _spread(rw, small, attrs["axes"], inner.attrs)
    return of_broadcast


def _own(dims: Ints, axes: Ints) -> Ints:
    """The axes of what was broadcast that are among the reduced."""
    return tuple(k for k, d in enumerate(dims) if d in axes)


def _spread(rw: Rewriter, small: Value, axes: Ints, spread: Attrs) -> Value:
    """What was reduced before it was broadcast, repeated over the axes that are left."""
    shape, dims = spread["shape"], spread["dims"]
    left = [k for k in range(len(shape)) if k not in axes]
    return rw.broadcast(small, without(shape, axes), tuple(left.index(d) for d in dims if d not in axes))


def sum_broadcast(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """sum(broadcast x) --> broadcast(sum(x) * count);  sum c --> c * count

    Not of complex numbers: their product with a count has a nan part where one part is infinite.
    """
    x, axes = args[0], attrs["axes"]
    inner = made_by(x, "broadcast")
    if inner is None and (splat_of(x) is None or not static_ints(x.shape)):
        return None
    source = inner.operands[0] if inner else rw.splat(x, ())
    spread = inner.attrs if inner else {"shape": x.shape, "dims": ()}
    repeated = [spread["shape"][a] for a in axes if a not in spread["dims"]]
    if x.dtype.kind == "c" or not static_ints(tuple(repeated)):
        return None
    small = rw.make("sum", source, axes=_own(spread["dims"], axes))
    if repeated:
        small = rw.make("mul", small, rw.full(np.asarray(prod(repeated)).astype(x.dtype.np), small.type))
    return _spread(rw, small, axes, spread)


def of_transpose(name: str) -> Rule:
    """The rule sum(transpose x) --> transpose(sum x)."""
    def of_transpose(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
        inner = made_by(args[0], "transpose")
        if not inner:
            return None
        perm = inner.attrs["perm"]
        axes = tuple(sorted(perm[a] for a in attrs["axes"]))
        order = [perm[k] for k in range(len(perm)) if k not in attrs["axes"]]
        return rw.transpose(rw.make(name, inner.operands[0], axes=axes), tuple(sorted(order).index(p) for p in order))
    return of_transpose


def of_reshape(name: str) -> Rule:
    """The rule sum(reshape x) --> sum x over everything;  --> reshape(sum x) where the reshape only moves unit axes."""
    def of_reshape(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
        inner, axes = made_by(args[0], "reshape"), attrs["axes"]
        if not inner:
            return None
        x, shape = inner.operands[0], args[0].shape
        if len(axes) == len(shape):
            return rw.make(name, x, axes=tuple(range(len(x.shape))))
        moved = unit_move(x.shape, shape)
        if moved is None or any(a not in moved.values() for a in axes):
            return None
        reduced = tuple(k for k, to in moved.items() if to in axes)
        return rw.reshape(rw.make(name, x, axes=reduced), without(shape, axes))
    return of_reshape


def sum_pad(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """sum(pad(x, 0)) --> pad(sum x, 0), with the padding of the axes that are left"""
    inner, axes = made_by(args[0], "pad"), attrs["axes"]
    if not inner or not is_zero(splat_of(inner.operands[1])):
        return None
    x, zero = inner.operands
    small = rw.make("sum", x, axes=axes)
    return rw.make("pad", small, zero, **{a: without(amounts, axes) for a, amounts in inner.attrs.items()})


def of_constant(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """max c --> c"""
    x = args[0]
    if splat_of(x) is None or not all(type(x.shape[a]) is int and x.shape[a] for a in attrs["axes"]):
        return None
    return rw.splat(x, without(x.shape, attrs["axes"]))


def scan_one(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """cumsum x --> x along an axis of one element"""
    return args[0] if args[0].shape[attrs["axis"]] == 1 else None


def arg_one(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """argmax x --> 0 along an axis of one element"""
    x, axis = args[0], attrs["axis"]
    return rw.const(0, I64, without(x.shape, (axis,))) if x.shape[axis] == 1 else None


def _rules(name: str) -> tuple[Rule, ...]:
    general = (of_units(name), of_reduction(name), of_transpose(name), of_reshape(name))
    if name == "sum":
        return (*general, sum_broadcast, sum_pad)
    return (*general, of_constant, of_broadcast(name)) if name in REPEATABLE else general


RULES: dict[str, tuple[Rule, ...]] = {
    **{name: _rules(name) for name in REDUCTIONS},
    "cumsum": (scan_one,), "cumprod": (scan_one,),
    "argmax": (arg_one,), "argmin": (arg_one,),
}
