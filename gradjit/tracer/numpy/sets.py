"""Sets: sorted vectors whose lengths depend on the elements."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from ...errors import ArgumentError
from .. import operands as o
from ..locations import fail
from ..operands import TracedArray, as_traced, cast, constant, emit, promote
from .common import array, call, concat, elements_if_known, expand, fixed, flatten, full, full_like, reshape, static
from .computed_extents import places
from .reduction import cumsum, is_empty
from .search import argsort, sort

Rule = Callable[..., Any]


def selected(x: TracedArray, mask: TracedArray) -> TracedArray:
    """The elements of a vector under a mask, side by side."""
    return x[places(mask)[0]]


def is_member(element, test_elements, assume_unique=False, invert=False, *, kind=None):
    """Whether each element is among the test elements."""
    x, tests = array(element), flatten(array(test_elements))
    if is_empty(tests, (0,)):
        return full(bool(invert), x.extents, np.bool_)
    if np.result_type(x.dtype, tests.dtype).kind == "f" and x.ir_dtype.is_integer and tests.ir_dtype.is_integer:
        _few(x, tests)
    found = emit("any", call(np.equal, expand(x, (x.ndim,)), tests), axes=(x.ndim,))
    return o.as_array(emit("not", found) if invert else found)


def _few(x: TracedArray, tests: TracedArray) -> None:
    """Of int64 and uint64, NumPy compares few test elements one by one, which is exact; more of them as floats, or as
    integers, as it finds their range."""
    n, m = (prod(fixed(v, np.isin)) for v in (x, tests))
    if m >= 10 * n ** 0.145:
        o.unsupported(np.isin, f"of {x.dtype} and {tests.dtype} with so many test elements it depends on them whether "
                               f"NumPy compares floats or integers; cast both to one dtype")


def differs_from_next(s: TracedArray, equal_nan: bool = True) -> TracedArray:
    """Of each element of a sorted vector but the last, whether the next one is another."""
    near, far = s[:-1], s[1:]
    differ = call(np.not_equal, near, far)
    if not equal_nan or not s.ir_dtype.is_inexact:
        return differ
    return call(np.logical_and, differ, call(np.logical_not, call(np.logical_and, call(np.isnan, near),
                                                                  call(np.isnan, far))))


def begins(s: TracedArray, equal_nan: bool = True) -> TracedArray:
    """Where a sorted vector has another element than before."""
    if s.extents == (0,):
        return full(True, (0,), np.bool_)
    return concat([full(True, (1,), np.bool_), differs_from_next(s, equal_nan)], 0)[:length(s)]


def length(x: TracedArray) -> Any:
    """The number of elements of a vector, traced where it is computed."""
    return x.shape[0]


def unique(ar, return_index=False, return_inverse=False, return_counts=False, axis=None, *, equal_nan=True,
           sorted=True):
    """The elements in order, each once; on request where each is first, which each of ar's is, and how often it is."""
    x = array(ar)
    if axis is not None and x.ndim != 1:
        o.unsupported(np.unique, "axis= of traced values; compute it outside")
    flat = flatten(x)
    if not (return_index or return_inverse or return_counts):
        s = sort(flat)
        return selected(s, begins(s, equal_nan))
    order = argsort(flat)
    s = flat[order]
    new = begins(s, equal_nan)
    found = [selected(s, new)]
    first = places(new)[0]
    if return_index:
        found.append(order[first])
    if return_inverse:
        rank = call(np.subtract, cumsum(cast(new, np.int64)), 1)
        found.append(reshape(emit("scatter", full_like(0, rank), order, rank, axes=(0,)), x.extents))
    if return_counts:
        ends = concat([first[1:], reshape(cast(as_traced(length(flat)), np.int64), (1,))], 0)
        found.append(call(np.subtract, ends[:length(first)], first))
    return tuple(found)


def unique_values(x):
    return unique(x, equal_nan=False)


def unique_counts(x):
    return type_of(np.unique_counts)(*unique(x, return_counts=True, equal_nan=False))


def unique_inverse(x):
    return type_of(np.unique_inverse)(*unique(x, return_inverse=True, equal_nan=False))


def unique_all(x):
    return type_of(np.unique_all)(*unique(x, True, True, True, equal_nan=False))


def type_of(func: Rule) -> Any:
    """The named tuple that NumPy's function gives."""
    return type(func(np.zeros(1)))


def union1d(ar1, ar2):
    return unique(concat(list(promote(flatten(array(ar1)), flatten(array(ar2)))), 0))


def intersect1d(ar1, ar2, assume_unique=False, return_indices=False):
    if return_indices:
        o.unsupported(np.intersect1d, "return_indices= of traced values")
    parts = [flatten(array(a)) if assume_unique else unique(a) for a in (ar1, ar2)]
    s = sort(concat(list(promote(*parts)), 0))
    return selected(s[:-1], call(np.logical_not, differs_from_next(s, equal_nan=False)))


def setdiff1d(ar1, ar2, assume_unique=False):
    x = flatten(array(ar1)) if assume_unique else unique(ar1)
    return selected(x, is_member(x, ar2, invert=True))


def setxor1d(ar1, ar2, assume_unique=False):
    parts = [flatten(array(a)) if assume_unique else unique(a) for a in (ar1, ar2)]
    s = sort(concat(list(promote(*parts)), 0))
    new = concat([begins(s, equal_nan=False), full(True, (1,), np.bool_)], 0)
    return selected(s, call(np.logical_and, new[1:], new[:-1]))


def trim_zeros(filt, trim="fb", axis=None):
    """A vector without zeros at its ends."""
    x = array(filt)
    if x.ndim != 1:
        o.unsupported(np.trim_zeros, "of traced arrays of several axes; cut them with slices")
    if trim.lower() not in ("f", "b", "fb", "bf"):
        fail(ArgumentError, f"unexpected character(s) in `trim`: {trim!r}")
    mask = cast(x, np.bool_)
    first = outside(mask) if "f" in trim.lower() else 0
    last = length(x) - (outside(mask[::-1]) if "b" in trim.lower() else 0)
    return x[first:last]


def outside(mask: TracedArray) -> TracedArray:
    """How many elements stand before the first one that is true."""
    return emit("sum", cast(call(np.equal, cumsum(cast(mask, np.int64)), 0), np.int64), axes=(0,))


def _of(func: Rule, computed: Rule) -> Rule:
    """NumPy's own result where all elements are known, else one of computed length."""

    def rule(*args, **kwargs):
        plain = [elements_if_known(a) if isinstance(a, (TracedArray, np.ndarray, list, tuple)) else a for a in args]
        if any(p is None and a is not None for p, a in zip(plain, args, strict=True)):
            return computed(*args, **{k: static(v, k)[()] if isinstance(v, TracedArray) else v
                                      for k, v in kwargs.items()})
        result = func(*plain, **{k: static(v, k) if isinstance(v, TracedArray) else v for k, v in kwargs.items()})
        if isinstance(result, tuple):
            return type(result)(*map(constant, result)) if hasattr(result, "_fields") else tuple(map(constant, result))
        return constant(result)

    return rule


RULES: dict[Callable[..., Any], Rule] = {
    np.isin: is_member,
    **{func: _of(func, rule) for func, rule in (
        (np.unique, unique), (np.unique_all, unique_all), (np.unique_counts, unique_counts),
        (np.unique_inverse, unique_inverse), (np.unique_values, unique_values), (np.intersect1d, intersect1d),
        (np.union1d, union1d), (np.setdiff1d, setdiff1d), (np.setxor1d, setxor1d), (np.trim_zeros, trim_zeros))},
}
