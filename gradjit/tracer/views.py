"""Views of traced arrays: how one is read from its parent, and how the parent looks after a write through it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from ..errors import TraceError, UnsupportedError
from .locations import fail

if TYPE_CHECKING:
    from .array import TracedArray


def _emit(name: str, *operands: TracedArray, **attrs: Any) -> TracedArray:
    from .operands import emit  # operands.py needs handles, and handles need this file
    return emit(name, *operands, **attrs)


class View:
    """An invertible way of looking at an array."""

    def get(self, parent: TracedArray) -> TracedArray:
        """What the view shows."""
        raise NotImplementedError

    def put(self, parent: TracedArray, new: TracedArray) -> TracedArray:
        """The parent with what the view shows replaced by `new`."""
        raise NotImplementedError


@dataclass(frozen=True)
class Window(View):
    """Basic slicing: along each axis `sizes` elements from `starts`, `steps` apart."""

    starts: tuple[Any, ...]
    sizes: tuple[Any, ...]
    steps: tuple[int, ...]

    def get(self, parent: TracedArray) -> TracedArray:
        if self.is_all_of(parent):
            return parent
        return _emit("slice", parent, starts=self.starts, sizes=self.sizes, steps=self.steps)

    def put(self, parent: TracedArray, new: TracedArray) -> TracedArray:
        if self.is_all_of(parent):
            return new
        if 0 in self.sizes:
            return parent
        return _emit("update", parent, new, starts=self.starts, steps=self.steps)

    def is_all_of(self, parent: TracedArray) -> bool:
        return self.sizes == parent.extents and all(s == 1 for s in self.steps)


@dataclass(frozen=True, eq=False)
class Picked(View):
    """One place along each of some axes, named by integers that are not known while tracing; those axes are dropped."""

    axes: tuple[int, ...]
    places: tuple[TracedArray, ...]

    def get(self, parent: TracedArray) -> TracedArray:
        return _emit("gather", parent, *self.places, axes=self.axes)

    def put(self, parent: TracedArray, new: TracedArray) -> TracedArray:
        return _emit("scatter", parent, *self.places, new, axes=self.axes)


@dataclass(frozen=True)
class Permuted(View):
    """Transposition."""

    perm: tuple[int, ...]

    def get(self, parent: TracedArray) -> TracedArray:
        return _emit("transpose", parent, perm=self.perm)

    def put(self, parent: TracedArray, new: TracedArray) -> TracedArray:
        inverse = sorted(range(len(self.perm)), key=self.perm.__getitem__)
        return _emit("transpose", new, perm=tuple(inverse))


@dataclass(frozen=True)
class Reshaped(View):
    """The same elements in row-major order in another shape."""

    shape: tuple[Any, ...]

    def get(self, parent: TracedArray) -> TracedArray:
        return _emit("reshape", parent, shape=self.shape)

    def put(self, parent: TracedArray, new: TracedArray) -> TracedArray:
        return _emit("reshape", new, shape=parent.extents)


@dataclass(frozen=True)
class Maybe(View):
    """A reshape that is a view or a copy depending on a memory order which is not known while tracing.

    It may be read until somebody writes to either side: so long both meanings are the same. (`TracedArray.content`
    refuses to read it again after that.)
    """

    inner: View
    name: str

    def get(self, parent: TracedArray) -> TracedArray:
        return self.inner.get(parent)

    def put(self, parent: TracedArray, new: TracedArray) -> TracedArray:
        self.refuse()

    def refuse(self) -> NoReturn:
        fail(UnsupportedError, f"whether {self.name} gave a view or a copy depends on the memory order of an array "
                               f"from "
                               f"outside, so a write here has no fixed meaning; write {self.name}.copy() before, or "
                               f"copy the array first")


@dataclass(frozen=True)
class ReadOnly(View):
    """A view that NumPy does not let one write through (`broadcast_to`, `diagonal`)."""

    read: Callable[[TracedArray], TracedArray]

    def get(self, parent: TracedArray) -> TracedArray:
        return self.read(parent)

    def put(self, parent: TracedArray, new: TracedArray) -> TracedArray:
        fail(TraceError, "assignment destination is read-only: a broadcast or diagonal view; write .copy() first")
