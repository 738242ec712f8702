"""Views of traced arrays: how one is read from its parent, and how the parent looks after a write through it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from ..errors import TraceError, UnsupportedError
from ..ir.sizes import same
from ..records import dataclass
from .locations import fail

if TYPE_CHECKING:
    from ..ir import DType, Value
    from ..ir.linear import Form
    from .array import TracedArray


def _emit(name: str, *operands: TracedArray, **attrs: Any) -> TracedArray:
    from .operands import emit  # operands.py needs handles, and handles need this file
    return emit(name, *operands, **attrs)


def extents(shape: Iterable[Form]) -> tuple[int | Value, ...]:
    """Sizes or starts as the IR has them: ints and values of the current scope."""
    from .extents import extent  # extents.py needs handles
    return tuple(e if isinstance(e, int) else extent(e) for e in shape)


def forms(shape: Iterable[int | Value]) -> tuple[Form, ...]:
    """The IR's extents as ints and linear forms, which are equal where the numbers surely are."""
    from .extents import form
    return tuple(e if isinstance(e, int) else form(e) for e in shape)


def plain(x: Form) -> Form:
    """The form; an int where it is one."""
    return x if isinstance(x, int) or x.terms else x.const


class ArrayView:
    """An invertible way of looking at an array."""

    def get(self, parent: TracedArray) -> TracedArray:
        """What the view shows."""
        raise NotImplementedError

    def put(self, parent: TracedArray, new: TracedArray) -> TracedArray:
        """The parent with what the view shows replaced by `new`."""
        raise NotImplementedError

    @property
    def is_static(self) -> bool:
        """Whether it is the same view wherever it is taken, and equal to another where that is the same one."""
        return False

    def shows_all(self, parent: TracedArray) -> bool:
        """Whether it shows the parent just as it is."""
        return False

    def is_apart(self, other: ArrayView) -> bool:
        """Whether two views of one array surely have no element in common."""
        return False


@dataclass(frozen=True)
class WindowView(ArrayView):
    """Basic indexing and transposition: a window of the parent with its axes in any order, some dropped, some new.

    Along each axis of the parent there are `sizes` elements from `starts`, `steps` apart. Axis k of the view runs along
    the parent's axis `axes[k]`; where that is None it is new and has extent 1. The parent's axes along which no axis of
    the view runs have size 1. A window with no elements along an axis may start anywhere.
    """

    starts: tuple[Form, ...]
    sizes: tuple[Form, ...]
    steps: tuple[int, ...]
    axes: tuple[int | None, ...]

    @staticmethod
    def whole(x: TracedArray, axes: Sequence[int | None] | None = None) -> WindowView:
        """All of x, its axes in the order `axes`."""
        rank = x.ndim
        return WindowView((0,) * rank, forms(x.extents), (1,) * rank, tuple(range(rank) if axes is None else axes))

    @property
    def shape(self) -> tuple[Form, ...]:
        return tuple(1 if a is None else self.sizes[a] for a in self.axes)

    @property
    def is_static(self) -> bool:
        return all(isinstance(e, int) for e in (*self.starts, *self.sizes))

    def shows_all(self, parent: TracedArray) -> bool:
        return self.axes == tuple(range(parent.ndim)) and self.is_all_of(parent)

    @property
    def kept(self) -> tuple[int, ...]:
        """The parent's axes that the view has, in the view's order."""
        return tuple(a for a in self.axes if a is not None)

    def get(self, parent: TracedArray) -> TracedArray:
        kept, x = self.kept, parent
        if not self.is_all_of(parent):
            x = _emit("slice", x, starts=extents(self.starts), sizes=extents(self.sizes), steps=self.steps)
        if kept != tuple(sorted(kept)):
            order = sorted(kept)
            x = _reshaped(x, tuple(self.sizes[a] for a in order))
            x = _emit("transpose", x, perm=tuple(order.index(a) for a in kept))
        return _reshaped(x, self.shape)

    def put(self, parent: TracedArray, new: TracedArray) -> TracedArray:
        if any(same(n, 0) for n in self.sizes):
            return parent
        kept = self.kept
        if kept != tuple(sorted(kept)):
            new = _reshaped(new, tuple(self.sizes[a] for a in kept))
            new = _emit("transpose", new, perm=tuple(sorted(range(len(kept)), key=kept.__getitem__)))
        new = _reshaped(new, self.sizes)
        if self.is_all_of(parent):
            return new
        return _emit("update", parent, new, starts=extents(self.starts), steps=self.steps)

    def is_apart(self, other: ArrayView) -> bool:
        if not (isinstance(other, WindowView) and self.is_static and other.is_static):
            return False
        return any(set(a).isdisjoint(b) for a, b in zip(self.ranges(), other.ranges(), strict=True))

    def ranges(self) -> list[range]:
        """The indices along each axis of the parent; of a window that is static."""
        return [range(a, a + n * s, s) for a, n, s in zip(self.starts, self.sizes, self.steps, strict=True)
                if isinstance(a, int) and isinstance(n, int)]

    def is_all_of(self, parent: TracedArray) -> bool:
        """Whether the window leaves nothing out and iterations nothing round."""
        return same(self.sizes, forms(parent.extents)) and all(s == 1 for s in self.steps)

    def within(self, outer: WindowView) -> WindowView | None:
        """This window of what `outer` shows, as a window of outer's parent; None if it empties an axis that is new."""
        starts, sizes, steps = list(outer.starts), list(outer.sizes), list(outer.steps)
        for k, a in enumerate(outer.axes):
            if a is not None:
                starts[a] = plain(outer.starts[a] + self.starts[k] * outer.steps[a])
                sizes[a] = self.sizes[k]
                steps[a] = 1 if same(sizes[a], 1) else outer.steps[a] * self.steps[k]
            elif not same(self.sizes[k], 1):
                return None
        axes = tuple(None if k is None else outer.axes[k] for k in self.axes)
        return WindowView(tuple(starts), tuple(sizes), tuple(steps), axes)


def _reshaped(x: TracedArray, shape: tuple[Form, ...]) -> TracedArray:
    """x with axes of extent 1 dropped and added."""
    return x if same(forms(x.extents), shape) else _emit("reshape", x, shape=extents(shape))


@dataclass(frozen=True)
class Reshaped(ArrayView):
    """The same elements in row-major order in another shape."""

    shape: tuple[Form, ...]

    @property
    def is_static(self) -> bool:
        return all(isinstance(e, int) for e in self.shape)

    def get(self, parent: TracedArray) -> TracedArray:
        return _emit("reshape", parent, shape=extents(self.shape))

    def put(self, parent: TracedArray, new: TracedArray) -> TracedArray:
        return _emit("reshape", new, shape=parent.extents)


@dataclass(frozen=True)
class Maybe(ArrayView):
    """What is a view or a copy depending on a memory order, or on `what` else, which is not known while tracing.

    It may be read until somebody writes to either side: so long both meanings are the same. (`TracedArray.content`
    refuses to read it again after that.)
    """

    inner: ArrayView
    name: str
    what: str = "memory order"

    def get(self, parent: TracedArray) -> TracedArray:
        return self.inner.get(parent)

    def put(self, parent: TracedArray, new: TracedArray) -> TracedArray:
        self.refuse()

    def refuse(self) -> NoReturn:
        fail(UnsupportedError, f"whether {self.name} gave a view or a copy depends on the {self.what} of an array "
                               f"from outside, so a write here has no fixed meaning; write {self.name}.copy() before, "
                               f"or copy the array first")


@dataclass(frozen=True)
class Broadcast(ArrayView):
    """The parent repeated to a shape: many elements of the view are one of the parent."""

    shape: tuple[int | Value, ...]

    def get(self, parent: TracedArray) -> TracedArray:
        from .operands import broadcast_to
        return broadcast_to(parent, self.shape)

    def put(self, parent: TracedArray, new: TracedArray) -> TracedArray:
        self.refuse()

    def through(self, parent: TracedArray, window: WindowView, v: TracedArray) -> TracedArray:
        """The parent with v written to a window of the view, where it has one value for each element of the parent."""
        if 0 in window.sizes:
            return parent
        lead = len(self.shape) - parent.ndim
        repeated = [a < lead or (parent.extents[a - lead] == 1 and e != 1) for a, e in enumerate(self.shape)]
        single = (1,) * (len(window.axes) - v.ndim) + v.extents
        axes: list[int | None] = []
        for a, size, e in zip(window.axes, window.shape, single, strict=True):
            if a is not None and repeated[a] and e != 1 and size != 1:
                self.refuse()
            axes.append(None if a is None or repeated[a] else a - lead)
        own = range(lead, len(self.shape))
        inner = WindowView(tuple(0 if repeated[a] else window.starts[a] for a in own),
                       tuple(1 if repeated[a] else window.sizes[a] for a in own),
                       tuple(1 if repeated[a] else window.steps[a] for a in own), tuple(axes))
        from .operands import broadcast_to
        return inner.put(parent, broadcast_to(v, extents(inner.shape)))

    def refuse(self) -> NoReturn:
        fail(UnsupportedError, "several values are written to one element through a view of np.broadcast_arrays or "
                               "np.meshgrid(copy=False), so that the order of the writes would decide; write .copy() "
                               "first")


@dataclass(frozen=True)
class Bits(ArrayView):
    """The same bits as another dtype of the same size."""

    dtype: DType

    def get(self, parent: TracedArray) -> TracedArray:
        return _emit("bitcast", parent, dtype=self.dtype)

    def put(self, parent: TracedArray, new: TracedArray) -> TracedArray:
        return _emit("bitcast", new, dtype=parent.ir_dtype)


@dataclass(frozen=True)
class PartView(ArrayView):
    """The real or the imaginary parts of complex numbers."""

    name: str

    @property
    def is_static(self) -> bool:
        return True

    def get(self, parent: TracedArray) -> TracedArray:
        return _emit(self.name, parent)

    def put(self, parent: TracedArray, new: TracedArray) -> TracedArray:
        if self.name == "real":
            return _emit("complex", new, _emit("imag", parent))
        return _emit("complex", _emit("real", parent), new)

    def is_apart(self, other: ArrayView) -> bool:
        return isinstance(other, PartView) and other.name != self.name


@dataclass(frozen=True)
class PairsView(ArrayView):
    """The parts of complex numbers as pairs along the last axis, as they stand in memory; or pairs as numbers.

    of_complex: which of the two.
    """

    of_complex: bool

    @property
    def is_static(self) -> bool:
        return True

    def get(self, parent: TracedArray) -> TracedArray:
        return paired(parent) if self.of_complex else of_pairs(parent)

    def put(self, parent: TracedArray, new: TracedArray) -> TracedArray:
        return of_pairs(new) if self.of_complex else paired(new)


def paired(x: TracedArray) -> TracedArray:
    """Complex numbers (..., n) as real ones (..., 2n)."""
    from .numpy.common import concat, reshape
    parts = [reshape(_emit(name, x), (*x.extents, 1)) for name in ("real", "imag")]
    return reshape(concat(parts, x.ndim), (*x.extents[:-1], x.extents[-1] * 2))


def of_pairs(x: TracedArray) -> TracedArray:
    """Real numbers (..., 2n) as complex ones (..., n)."""
    from .numpy.common import pick, reshape
    pairs = reshape(x, (*x.extents[:-1], x.extents[-1] // 2, 2))
    return _emit("complex", *(pick(pairs, x.ndim, k) for k in range(2)))


@dataclass(frozen=True)
class Diagonals(ArrayView):
    """Axes of the parent that run together: axis k of the parent runs along axis `axes[k]` of the view."""

    axes: tuple[int, ...]
    read: Callable[[TracedArray], TracedArray]

    def get(self, parent: TracedArray) -> TracedArray:
        return self.read(parent)

    def put(self, parent: TracedArray, new: TracedArray) -> TracedArray:
        from .numpy.common import iota
        places = [iota(new.extents, a) for a in self.axes]
        return _emit("scatter", parent, *places, new, axes=tuple(range(parent.ndim)))


@dataclass(frozen=True)
class ReadOnly(ArrayView):
    """A view that NumPy does not let one write through (`broadcast_to`, `diagonal`)."""

    read: Callable[[TracedArray], TracedArray]

    def get(self, parent: TracedArray) -> TracedArray:
        return self.read(parent)

    def put(self, parent: TracedArray, new: TracedArray) -> TracedArray:
        fail(TraceError, "assignment destination is read-only: a broadcast or diagonal view; write .copy() first")
