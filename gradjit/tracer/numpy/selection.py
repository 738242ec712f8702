"""NumPy's functions on selections: `x[mask]` with a mask that is not known while tracing (masked_selection.py)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import operands as o, ufuncs
from ..dispatch import apply, leave
from ..masked_selection import Selection, holds_selection, refuse, together
from ..operands import as_traced, cast
from . import elementwise, reduction as r, statistics as st
from .common import full, given, reshape

Rule = Callable[..., Any]


# ufuncs -------------------------------------------------------------------------------------------------------------
REDUCTIONS_OF: dict[np.ufunc, Rule] = {
    np.add: np.sum, np.multiply: np.prod, np.maximum: np.max, np.minimum: np.min, np.logical_and: np.all,
    np.logical_or: np.any,
}


def on_ufunc(ufunc: np.ufunc, method: str, inputs: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """A ufunc on selections: on all elements; its reduction: of the selected ones."""
    if method == "reduce" and ufunc in REDUCTIONS_OF and len(inputs) == 1:
        return on_function(REDUCTIONS_OF[ufunc], inputs, {"axis": 0, **kwargs})
    if method != "__call__" or kwargs.get("where", True) is not True:
        refuse(f"{o.name_of(ufunc)} with where= or as .{method}")
    if ufunc is np.matmul:
        return dot(*inputs)
    (target,) = kwargs.pop("out", None) or (None,)
    fulls, mask = together(inputs)
    result = ufuncs.call(ufunc, tuple(fulls), **kwargs)
    if target is not None:
        return into(target, Selection(as_traced(result), mask), ufunc)
    if isinstance(result, tuple):
        return tuple(Selection(v, mask) for v in result)
    return Selection(as_traced(result), mask)


def into(target: Any, new: Selection, ufunc: np.ufunc) -> Selection:
    """`selection += v`: the selection, which is a copy of its own, gets new elements."""
    if not isinstance(target, Selection) or new.full.extents != target.full.extents:
        refuse(f"{o.name_of(ufunc)} with out=")
    target.full = o.root(cast(new.full, target.dtype).content, new.full.home, o.ARRAY)
    return target


# functions ----------------------------------------------------------------------------------------------------------
def on_function(func: Rule, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """One of NumPy's functions with a selection among its arguments."""
    if func in REDUCED and isinstance(args[0], Selection):
        return reduce(func, *args, **kwargs)
    if func in FUNCTIONS:
        return FUNCTIONS[func](*args, **kwargs)
    if func not in elementwise.RULES or func in NOT_ELEMENTWISE or not holds_selection(args):
        refuse(f"{o.name_of(func)} of it")
    fulls, mask = together(args)
    return Selection(as_traced(apply(func, fulls, kwargs)), mask)


NOT_ELEMENTWISE = frozenset({np.select, np.piecewise, np.allclose, np.array_equal, np.array_equiv, np.isrealobj,
                             np.iscomplexobj})
"""Functions of that family that do not work element by element, or take their arrays in lists."""


def _extreme(rule: Rule, neutral: Callable[[np.dtype[Any]], Any]) -> Rule:
    """The maximum or minimum; an error where no element is left."""
    def extreme(x, axis, *args, where, **kwargs):
        if not given(kwargs.get("initial")):
            o.require(r.any_(where), "zero-size array to reduction operation maximum or minimum, which has no identity")
        return rule(r.chosen(x, where, neutral(x.dtype)), axis, *args, **kwargs)

    return extreme


REDUCED: dict[Rule, Rule] = {
    np.sum: r.sum_, np.prod: r.prod, np.any: r.any_, np.all: r.all_, np.mean: st.mean, np.var: st.var, np.std: st.std,
    np.nansum: r.RULES[np.nansum], np.nanprod: r.RULES[np.nanprod], np.nanmean: st.nanmean, np.nanvar: st.nanvar,
    np.nanstd: st.nanstd, np.max: _extreme(r.max_, r.least), np.min: _extreme(r.min_, r.greatest),
    np.amax: _extreme(r.max_, r.least), np.amin: _extreme(r.min_, r.greatest),
}
"""Reductions, with the rules that take a mask."""


def reduce(func: Rule, s: Selection, axis: Any = None, *args: Any, **kwargs: Any) -> Any:
    """Over all axes or the first one: of the elements under the mask. Over the others: a selection of results."""
    if kwargs.get("where", True) is not True or kwargs.get("keepdims", False) is True or kwargs.get("out") is not None:
        refuse(f"{o.name_of(func)} with where=, out= or keepdims=")
    axes = o.normal_axes(axis, s.ndim)
    rank = s.mask.ndim
    inner = tuple(k - 1 + rank for k in axes if k)
    mask = reshape(s.mask, (*s.mask.extents, *(1 for _ in s.rest)))
    if 0 not in axes:
        anything = full(True, (), np.bool_)
        return Selection(as_traced(REDUCED[func](s.full, inner, *args, where=anything, **kwargs)), s.mask)
    return leave(REDUCED[func](s.full, (*range(rank), *inner), *args, where=mask, **kwargs))


def dot(a: Any, b: Any, out: Any = None) -> Any:
    """The inner product of two vectors under one mask."""
    if not (isinstance(a, Selection) and isinstance(b, Selection) and a.ndim == b.ndim == 1) or out is not None:
        refuse("a matrix product with it")
    return np.sum(a * b)


def norm(x: Selection, ord: Any = None, axis: Any = None) -> Any:
    """The Euclidean norm."""
    if ord not in (None, 2) or (x.ndim != 1 and axis is None):
        refuse("np.linalg.norm with ord=, or of several axes at once")
    return np.sqrt(np.sum(x * x, axis=axis))


def ptp(s: Selection, axis: Any = None) -> Any:
    return np.max(s, axis=axis) - np.min(s, axis=axis)


def average(a: Selection, axis: Any = None, weights: Any = None) -> Any:
    if weights is None:
        return np.mean(a, axis=axis)
    total = np.sum(weights, axis=axis)
    o.require(as_traced(total != 0), "Weights sum to zero, can't be normalized", "DivisionError")
    return np.sum(a * weights, axis=axis) / total


def count_nonzero(s: Selection, axis: Any = None) -> Any:
    return np.sum(s != 0, axis=axis, dtype=np.int64)


def _like(number: Any) -> Rule:
    return lambda s, dtype=None: Selection(full(number, s.full.extents, dtype or s.dtype), s.mask)


def copy(s: Selection, order: str = "C") -> Selection:
    return Selection(s.full, s.mask)


def flat(s: Selection, order: str = "C") -> Selection:
    """One axis, which a selection under a mask over all of x has already."""
    return copy(s) if s.ndim == 1 else refuse("flattening it")


FUNCTIONS: dict[Rule, Rule] = {
    np.dot: dot, np.inner: dot, np.vdot: dot, np.linalg.norm: norm, np.ptp: ptp, np.average: average,
    np.count_nonzero: count_nonzero, np.size: lambda s: s.size, np.ndim: lambda s: s.ndim, np.shape: lambda s: s.shape,
    np.zeros_like: _like(0), np.ones_like: _like(1), np.empty_like: _like(0), np.copy: copy, np.ravel: flat,
}

METHODS: dict[str, Rule] = {
    **{name: getattr(np, name) for name in ("sum", "prod", "max", "min", "mean", "var", "std", "any", "all", "ptp",
                                            "dot", "clip", "round")},
    "astype": lambda s, dtype: Selection(cast(s.full, dtype), s.mask), "copy": copy, "ravel": flat, "flatten": flat,
}

