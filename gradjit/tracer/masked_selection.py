"""`x[mask]` with a mask that is not known while tracing: how many elements it has is a matter of run time.

A Selection holds all of x and the mask. What is done to its elements is done to all of x; a reduction takes only those
under the mask, and `y[mask] = selection` writes only those. So the usual idioms fuse, with no array of computed length:
`np.sum(x[x > 0])`, `x[m].mean()`, `np.log(y[m]) @ w[m]`, `y[m] = np.sqrt(y[m])`, `x[m] *= 2`. What needs the elements
side by side (sorting, joining, indexing, returning them) takes `elements`, an array with a computed extent; where
nobody does, nothing is left of that.

Two selections go together when their masks are the same computation on the same values.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ..errors import ShapeError
from ..ir import Value
from . import operands as o
from .array import ARRAY, TracedArray, root
from .extents import handle, product
from .locations import fail
from .views import forms


class Selection(np.lib.mixins.NDArrayOperatorsMixin):
    """The elements of `full` under `mask`, which covers its leading axes."""

    __slots__ = ("full", "mask", "places", "elements", "made")
    __array_priority__ = 2000.0

    def __init__(self, full: TracedArray, mask: TracedArray, places: tuple[TracedArray, ...] | None = None):
        from .numpy.computed_extents import places as where_true
        self.full = root(full.content, full.home, ARRAY)  # a copy: later writes to x do not change x[mask]
        self.mask = root(mask.content, mask.home, ARRAY)
        self.places = places or where_true(self.mask)
        self.elements = o.emit("gather", self.full, *self.places, axes=tuple(range(self.mask.ndim)))
        self.made = self.elements.version

    def like(self, full: Any) -> Selection:
        """What has been computed of the whole array, under the same mask."""
        return Selection(o.as_traced(full), self.mask, self.places)

    @property
    def is_whole(self) -> bool:
        """Whether all of x stands for the elements: nobody has written to these."""
        return self.elements.version == self.made

    # attributes -----------------------------------------------------------------------------------------------------
    @property
    def size(self) -> Any:
        """The number of selected elements, as a traced Python int."""
        return self.elements.shape[0] * handle(product(forms(self.rest)))

    @property
    def rest(self) -> tuple[Any, ...]:
        """The extents of the axes that the mask does not cover."""
        return self.full.extents[self.mask.ndim:]

    @property
    def shape(self) -> tuple[Any, ...]:
        return self.elements.shape

    @property
    def ndim(self) -> int:
        return 1 + len(self.rest)

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.full.dtype

    @property
    def T(self) -> Any:
        return self if self.ndim == 1 else self.elements.T

    def __getattr__(self, name: str) -> Any:
        from .numpy.selection import method
        if name.startswith("__"):
            raise AttributeError(name)
        return method(self, name)

    # protocols ------------------------------------------------------------------------------------------------------
    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        from .numpy.selection import on_ufunc
        return on_ufunc(ufunc, method, inputs, kwargs)

    def __array_function__(self, func: Callable[..., Any], types: Any, args: Any, kwargs: Any) -> Any:
        from .numpy.selection import on_function
        return on_function(func, args, kwargs)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self.elements.__array__(dtype, copy)

    def __len__(self) -> int:
        return len(self.elements)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.elements)

    def __getitem__(self, key: Any) -> Any:
        if key is Ellipsis or (isinstance(key, tuple) and not key) or (isinstance(key, slice) and key == slice(None)):
            return self.like(self.full) if self.is_whole else self.elements[key]
        if isinstance(key, Selection) and key.dtype == bool and key.ndim == 1 and self.is_whole and key.is_whole and (
                same_mask(self.mask, key.mask)):
            return Selection(self.full, o.emit("and", self.mask, key.full))
        return self.elements[elements_of(key)]

    def __setitem__(self, key: Any, value: Any) -> None:
        self.elements[elements_of(key)] = elements_of(value)

    def __bool__(self) -> bool:
        return bool(self.elements)

    def __repr__(self) -> str:
        return f"Traced({self.full.dtype} elements of {self.full.type} under a mask)"


Selection.__name__ = "numpy.ndarray"  # as Python calls it where it refuses an operator or a call


def elements_of(x: Any) -> Any:
    """An argument with the elements side by side for each selection in it. What holds none is the very same."""
    if isinstance(x, Selection):
        return x.elements
    if type(x) in (list, tuple) and any(isinstance(i, (Selection, list, tuple)) for i in x):
        found = type(x)(map(elements_of, x))
        return x if all(map(operator.is_, found, x)) else found
    return x


def holds_selection(args: Sequence[Any]) -> bool:
    return any(isinstance(a, Selection) for a in args)


# the same mask ------------------------------------------------------------------------------------------------------
def same_mask(a: TracedArray, b: TracedArray) -> bool:
    """Whether two masks are the same computation on the same values."""
    if a.extents != b.extents:
        return False
    if a.known is not None or b.known is not None:
        return a.known is not None and b.known is not None and np.array_equal(a.known, b.known)
    return a.value is b.value or same_value(a.value, b.value)


STEPS_LIMIT = 1000
"""How many operations are compared before two masks count as different."""


def same_value(a: Value, b: Value) -> bool:
    """Whether two values are computed alike: equal operations with equal attributes on the same operands."""
    todo, seen = [(a, b)], set[tuple[int, int]]()
    while todo:
        v, w = todo.pop()
        if v is w or (id(v), id(w)) in seen:
            continue
        seen.add((id(v), id(w)))
        p, q = v.op, w.op
        if p is None or q is None or len(seen) > STEPS_LIMIT or p.regions or p.name != q.name or v.index != w.index:
            return False
        if v.type != w.type or len(p.operands) != len(q.operands) or not same_attrs(p.attrs, q.attrs):
            return False
        todo += zip(p.operands, q.operands, strict=True)
    return True


def same_attrs(a: dict[str, Any], b: dict[str, Any]) -> bool:
    def same(x: Any, y: Any) -> bool:
        return np.array_equal(x, y, equal_nan=x.dtype.kind in "fc") if isinstance(x, np.ndarray) else x == y

    return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)


def together(args: Sequence[Any]) -> list[Any] | None:
    """The whole arrays behind the selections among the arguments; None where these have several masks, or something
    stands beside them that spans the selected axis."""
    first = next(a for a in args if isinstance(a, Selection))
    out: list[Any] = []
    for a in args:
        if isinstance(a, Selection):
            if not a.is_whole or not same_mask(a.mask, first.mask):
                return None
            out.append(a.full)
        elif o.as_traced(a).ndim > len(first.rest):
            return None
        else:
            out.append(a)
    return out


# writing ------------------------------------------------------------------------------------------------------------
def write(x: TracedArray, mask: TracedArray, value: Any) -> None:
    """`x[mask] = value`, one element or row for each place where the mask is true."""
    from .numpy.computed_extents import places
    rank = mask.ndim
    rest = x.extents[rank:]
    if isinstance(value, Selection) and value.is_whole and same_mask(mask, value.mask):
        if len(value.rest) != len(rest) or not o.fits(value.rest, rest):
            fail(ShapeError, f"could not broadcast selected elements of shape (n, {value.rest}) into (n, {rest})")
        wide = o.emit("broadcast", mask, shape=x.extents, dims=tuple(range(rank))) if rest else mask
        return x.write(o.emit("select", wide, o.broadcast_to(o.cast(value.full, x.dtype), x.extents), x))
    where = places(mask)
    v = o.cast(o.as_traced(elements_of(value)), x.dtype)
    if v.ndim == 1 + len(rest) and v.extents[0] != 1 and v.extents[0] != where[0].extents[0]:
        o.require(o.as_traced(where[0].shape[0] == v.shape[0]), "NumPy boolean array indexing assignment cannot assign "
                  "as many input values to as many output values as there are where the mask is true")
    v = o.broadcast_to(v, (*where[0].extents, *rest))
    return x.write(o.emit("scatter", x, *where, v, axes=tuple(range(rank))))
