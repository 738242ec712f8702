"""`x[mask]` with a mask that is not known while tracing: how many elements it has is a matter of run time.

A Selection holds all of x and the mask. What is done to its elements is done to all of x; a reduction takes only those
under the mask, and `y[mask] = selection` writes only those. So the usual idioms work without arrays of unknown length:
`np.sum(x[x > 0])`, `x[m].mean()`, `np.log(y[m]) @ w[m]`, `y[m] = np.sqrt(y[m])`, `x[m] *= 2`. What needs the elements
side by side (sorting, stacking, indexing further) is an UnsupportedError that says what to write.

Two selections go together when their masks are the same computation on the same values.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import numpy as np

from ..errors import ShapeError, UnsupportedError
from ..ir import Loc, Value
from . import operands as o
from .array import ARRAY, PYTHON, TracedArray, root
from .extents import handle, product
from .locations import fail
from .views import forms

REMEDY = ("the number of elements of x[mask] is not known while tracing; elementwise functions, reductions over all "
          "selected elements and y[mask] = ... work, for the rest write np.where(mask, x, 0) (or another neutral "
          "number)")


class Selection(np.lib.mixins.NDArrayOperatorsMixin):
    """The elements of `full` under `mask`, which covers its leading axes."""

    __slots__ = ("full", "mask")
    __array_priority__ = 2000.0

    def __init__(self, full: TracedArray, mask: TracedArray):
        self.full = root(full.content, full.home, ARRAY)  # a copy: later writes to x do not change x[mask]
        self.mask = root(mask.content, mask.home, ARRAY)

    # attributes -----------------------------------------------------------------------------------------------------
    @property
    def size(self) -> Any:
        """The number of selected elements, as a traced Python int."""
        return self.count * handle(product(forms(self.rest)))

    @property
    def count(self) -> TracedArray:
        """How often the mask is true."""
        total = o.emit("sum", o.cast(self.mask, np.int64), axes=tuple(range(self.mask.ndim)))
        return root(total.content, total.home, PYTHON)

    @property
    def rest(self) -> tuple[Any, ...]:
        """The extents of the axes that the mask does not cover."""
        return self.full.extents[self.mask.ndim:]

    @property
    def shape(self) -> tuple[Any, ...]:
        return (self.count, *self.rest)

    @property
    def ndim(self) -> int:
        return 1 + len(self.rest)

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.full.dtype

    @property
    def T(self) -> Selection:
        return self if self.ndim == 1 else refuse("its .T")

    def __getattr__(self, name: str) -> Any:
        from .numpy.selection import METHODS
        if name.startswith("__"):
            raise AttributeError(name)
        if name in METHODS:
            return functools.partial(METHODS[name], self)
        refuse(f"its .{name}")

    # protocols ------------------------------------------------------------------------------------------------------
    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        from .numpy.selection import on_ufunc
        return on_ufunc(ufunc, method, inputs, kwargs)

    def __array_function__(self, func: Callable[..., Any], types: Any, args: Any, kwargs: Any) -> Any:
        from .numpy.selection import on_function
        return on_function(func, args, kwargs)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        refuse("this use")

    def __len__(self) -> int:
        refuse("len()")

    def __iter__(self) -> NoReturn:
        refuse("iterating over it")

    def __getitem__(self, key: Any) -> Any:
        if key is Ellipsis or (isinstance(key, tuple) and not key) or (isinstance(key, slice) and key == slice(None)):
            return Selection(self.full, self.mask)
        refuse("indexing it")

    def __setitem__(self, key: Any, value: Any) -> None:
        refuse("writing into it (x[mask] is a copy)")

    def __bool__(self) -> bool:
        refuse("the truth of it")

    def __repr__(self) -> str:
        return f"Traced({self.full.dtype} elements of {self.full.type} under a mask)"


def refuse(what: str, loc: Loc | None = None) -> NoReturn:
    fail(UnsupportedError, f"{what} is not supported: {REMEDY}", loc)


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


def together(args: Sequence[Any]) -> tuple[list[Any], TracedArray]:
    """The whole arrays behind the selections among the arguments, and their common mask."""
    mask = next(a for a in args if isinstance(a, Selection)).mask
    out = []
    for a in args:
        if isinstance(a, Selection):
            if not same_mask(a.mask, mask):
                fail(UnsupportedError, f"two selections by different masks in one operation: {REMEDY}")
            out.append(a.full)
        else:
            out.append(beside(a, next(s for s in args if isinstance(s, Selection))))
    return out, mask


def beside(a: Any, s: Selection) -> Any:
    """An operand that is no selection: it may span the axes that the mask does not cover, but not the selected ones."""
    rank = o.as_traced(a).ndim
    if rank > len(s.rest):
        fail(UnsupportedError, f"an array of {rank} axes together with x[mask] of {s.ndim}: {REMEDY}")
    return a


# writing ------------------------------------------------------------------------------------------------------------
def write(x: TracedArray, mask: TracedArray, s: Selection) -> None:
    """`x[mask] = s`, where both masks are the same."""
    if not same_mask(mask, s.mask):
        fail(UnsupportedError, f"x[mask] = y[other] with another mask: {REMEDY}")
    rank = mask.ndim
    rest = x.extents[rank:]
    if len(s.rest) != len(rest) or not o.fits(s.rest, rest):
        fail(ShapeError, f"could not broadcast selected elements of shape (n, {s.rest}) into (n, {rest})")
    wide = o.emit("broadcast", mask, shape=x.extents, dims=tuple(range(rank))) if rest else mask
    x.write(o.emit("select", wide, o.broadcast_to(o.cast(s.full, x.dtype), x.extents), x))
