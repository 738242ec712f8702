"""NumPy's functions on selections: `x[mask]` with a mask that is not known while tracing (masked_selection.py)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import operands as o, ufuncs
from ..dispatch import apply, leave
from ..masked_selection import Selection, elements_of, holds_selection, same_mask, together
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
    if ufunc is np.matmul and method == "__call__" and not kwargs and is_inner_product(*inputs):
        return dot(*inputs)
    (target,) = kwargs.get("out") or (None,)
    fulls = together(inputs) if method == "__call__" and kwargs.get("where", True) is True and (
        ufunc is not np.matmul) else None
    if fulls is None or not (target is None or (isinstance(target, Selection) and target.is_whole)):
        found = getattr(ufunc, method)(*elements_of(inputs), **{k: elements_of(v) for k, v in kwargs.items()})
        return found if target is None else target
    kwargs.pop("out", None)
    like = next(s for s in inputs if isinstance(s, Selection))
    result = ufuncs.call(ufunc, tuple(fulls), **kwargs)
    if target is not None:
        return into(target, like.like(result))
    return tuple(map(like.like, result)) if isinstance(result, tuple) else like.like(result)


def into(target: Selection, new: Selection) -> Selection:
    """`selection += v`: the selection, which is a copy of its own, gets new elements."""
    made = new.like(cast(new.full, target.dtype))
    target.full, target.elements, target.made = made.full, made.elements, made.made
    return target


# functions ----------------------------------------------------------------------------------------------------------
class NotAsWhole(Exception):
    """What is asked of a selection needs its elements side by side."""


def on_function(func: Rule, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """One of NumPy's functions with a selection among its arguments."""
    try:
        return of_whole(func, args, kwargs)
    except NotAsWhole:
        return apply(func, elements_of(tuple(args)), {k: elements_of(v) for k, v in kwargs.items()})


def of_whole(func: Rule, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """The function by whole arrays and masks, or NotAsWhole."""
    selections = [a for a in (*args, *kwargs.values()) if isinstance(a, Selection)]
    if not selections or not all(s.is_whole for s in selections):
        raise NotAsWhole
    if func in REDUCED and isinstance(args[0], Selection):
        return reduce(func, *args, **kwargs)
    if func in FUNCTIONS:
        return FUNCTIONS[func](*args, **kwargs)
    if func not in elementwise.RULES or func in NOT_ELEMENTWISE or not holds_selection(args) or holds_selection(
            list(kwargs.values())):
        raise NotAsWhole
    fulls = together(args)
    if fulls is None:
        raise NotAsWhole
    return selections[0].like(apply(func, fulls, kwargs))


def method(s: Selection, name: str) -> Any:
    """An attribute of the array that the selected elements are."""
    if name not in METHODS or not s.is_whole:
        return getattr(s.elements, name)

    def bound(*args: Any, **kwargs: Any) -> Any:
        try:
            return METHODS[name](s, *args, **kwargs)
        except NotAsWhole:
            return getattr(s.elements, name)(*elements_of(args), **{k: elements_of(v) for k, v in kwargs.items()})

    return bound


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
        raise NotAsWhole
    axes = o.normal_axes(axis, s.ndim)
    rank = s.mask.ndim
    inner = tuple(k - 1 + rank for k in axes if k)
    mask = reshape(s.mask, (*s.mask.extents, *(1 for _ in s.rest)))
    if 0 not in axes:
        anything = full(True, (), np.bool_)
        return s.like(REDUCED[func](s.full, inner, *args, where=anything, **kwargs))
    return leave(REDUCED[func](s.full, (*range(rank), *inner), *args, where=mask, **kwargs))


def dot(a: Any, b: Any, out: Any = None) -> Any:
    """The inner product of two vectors under one mask."""
    if out is not None or not is_inner_product(a, b):
        raise NotAsWhole
    return np.sum(a * b)


def is_inner_product(a: Any, b: Any) -> bool:
    """Whether both are vectors under one mask."""
    return isinstance(a, Selection) and isinstance(b, Selection) and a.ndim == b.ndim == 1 and (
        a.is_whole and b.is_whole and same_mask(a.mask, b.mask))


def norm(x: Selection, ord: Any = None, axis: Any = None) -> Any:
    """The Euclidean norm."""
    if ord not in (None, 2) or (x.ndim != 1 and axis is None):
        raise NotAsWhole
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
    return lambda s, dtype=None: s.like(full(number, s.full.extents, dtype or s.dtype))


def copy(s: Selection, order: str = "C") -> Selection:
    return s.like(s.full)


def flat(s: Selection, order: str = "C") -> Selection:
    """One axis, which a selection under a mask over all of x has already."""
    if s.ndim != 1:
        raise NotAsWhole
    return copy(s)


FUNCTIONS: dict[Rule, Rule] = {
    np.dot: dot, np.inner: dot, np.vdot: dot, np.linalg.norm: norm, np.ptp: ptp, np.average: average,
    np.count_nonzero: count_nonzero, np.size: lambda s: s.size, np.ndim: lambda s: s.ndim, np.shape: lambda s: s.shape,
    np.zeros_like: _like(0), np.ones_like: _like(1), np.empty_like: _like(0), np.copy: copy, np.ravel: flat,
}

METHODS: dict[str, Rule] = {
    **{name: getattr(np, name) for name in ("sum", "prod", "max", "min", "mean", "var", "std", "any", "all", "ptp",
                                            "dot", "clip", "round")},
    "astype": lambda s, dtype: s.like(cast(s.full, dtype)), "copy": copy, "ravel": flat, "flatten": flat,
}

