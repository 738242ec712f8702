"""TracedArray: what the user's function computes with instead of an ndarray.

A traced array is a handle on a current SSA value. A *root* holds a value (or a known array); writing to it gives it
another value and a new version. A *view* holds its parent and the way of looking at it; it reads the parent again when
the root's version has changed, and a write through it writes the parent. That is all there is to mutation: the IR knows
none of it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from math import prod
from typing import Any, NoReturn

import numpy as np

from ..errors import LeakError, TraceError, UnsupportedError
from ..ir import ArrayType, DType, Loc, Value, dtype_of
from ..ir.sizes import is_open
from ..probe import is_of_package
from . import layout, views
from .control.frames import leaked, versions
from .control.may_alias import Aliases, after_write, before_write, rebased, refresh
from .lift import is_product, is_user_code
from .locations import fail, here, user_frame, with_place
from .recorder import Content, Recorder, current, recorders
from .source import is_changed
from .views import ArrayView, Maybe

FLAT = "flat iterator"
"""The origin of what `x.flat` gives."""
BORROWED = "memory of another object"
"""The origin of an array that another one shows in another way, which gradjit does not follow."""
ARRAY, SCALAR, PYTHON = "array", "scalar", "python number"
"""The kinds of handles: an ndarray, a NumPy scalar (0-d, immutable), a Python number (weak in promotion, immutable)."""


def _operators(ufunc: np.ufunc) -> tuple[Callable[..., Any], Callable[..., Any], Callable[..., Any]]:
    """The binary operator of a ufunc: forward, reflected, in place."""

    def forward(self: TracedArray, other: Any) -> Any:
        from .ufuncs import operate
        return operate(ufunc, self, other)

    def reflected(self: TracedArray, other: Any) -> Any:
        from .ufuncs import operate
        return operate(ufunc, other, self)

    def in_place(self: TracedArray, other: Any) -> Any:
        from .ufuncs import operate_in_place
        return operate_in_place(ufunc, self, other)

    return forward, reflected, in_place


def _unary(ufunc: np.ufunc) -> Callable[..., Any]:
    def operator(self: TracedArray) -> Any:
        from .ufuncs import operate
        return operate(ufunc, self)

    return operator


class TracedArray:
    """An array whose elements are not known while tracing, or known ones that must behave like it.

    Built by `root` and `view`, never by the user.
    """

    __slots__ = ("_dtype", "_shape", "kind", "home", "owner", "made", "where", "_content", "version", "parent", "_view",
                 "_seen", "strides_in_elements", "origin", "written_at", "aliases", "viewed", "same_arrays",
                 "number", "__weakref__")
    __array_priority__ = 1000.0

    _dtype: DType
    _shape: tuple[Any, ...]
    kind: str
    home: Recorder | None
    """Whose function the value belongs to; None for known arrays."""
    owner: Recorder | None
    """The recorder under which the array was made: only that may write to it."""
    number: int
    made: Any  # a Frame; None where nothing is traced
    """The region that was under construction when the handle was made; it is of no use when that has ended."""
    where: Any  # a Frame
    """The region that the content was computed in; of a view the frame."""
    _content: Content
    version: int
    parent: TracedArray | None
    _view: ArrayView | None
    _seen: int
    strides_in_elements: layout.Strides
    origin: str
    written_at: Loc | None
    viewed: bool
    """Whether a view of it has been made."""
    aliases: Aliases | None
    """Arrays that may be this very one, depending on which way the program took."""
    same_arrays: tuple[TracedArray, ...]
    """Of a root: other arguments of a function that is differentiated which are the very array. What is written to the
    one is written to the other; what is read before that is the argument's own."""

    # the current value ----------------------------------------------------------------------------------------------
    @property
    def root(self) -> TracedArray:
        """The handle that owns the elements."""
        h = self
        while h.parent is not None:
            h = h.parent
        return h

    def maybe(self) -> list[TracedArray]:
        """The roots that this array's elements may belong to: its own, and those that it is tied to."""
        found = [self.root]
        for r in found:  # grows
            found += [h for h in (t.array.root for t in (r.aliases.every if r.aliases is not None else ()))
                      if not any(h is other for other in found)]
        return found

    @property
    def content(self) -> Content:
        """The current value: a known array (not to be written to), or a value of the recorder `home`."""
        if self.made is not None and not self.made.open:
            leaked(self)
        if self.parent is not None:
            root = self.root
            root.reach()
            stale = self._seen != root.version
            if stale or not self.is_seen_here(root):
                if stale and isinstance(self._view, Maybe):
                    self._view.refuse()
                self._take(self._view.get(self.parent))  # type: ignore[union-attr]
                self._seen = root.version
        else:
            self.reach()
        if self.home is not None and not self.home.alive:
            fail(LeakError, f"{self!r} is used after the function that made it has been traced: it stands for no "
                            f"number. "
                            f"Return it from the function instead of keeping it in a global, an attribute or a "
                            f"container")
        return self._content

    def _take(self, source: TracedArray) -> None:
        self._content = source.content
        self.home = source.home
        if self.owner is None:
            return
        if self.parent is None:
            self.where = self.owner.frame.region
        else:  # a view's is computed where it is read, maybe by a function that is traced within its own: it is gone
            self.where = (self.home or self.owner).frame  # with that region, and with iterations that are taken back

    def is_seen_here(self, root: TracedArray) -> bool:
        """Whether what a view has taken from its root is a value that may be used here, and no older than the loop
        that the root was taken into. Known elements are those of a root whose elements are known."""
        if self.home is None:
            return root.home is None
        assert self.where is not None and root.where is not None
        return self.home.alive and self.where.open and self.where.depth >= root.where.depth

    def enter(self) -> None:
        """Within a loop, an array from outside of it is what the iteration before has left."""
        if self.owner is not None and self.where is not self.owner.frame.region and self.kind == ARRAY:
            self.owner.frame.reach(self)

    def reach(self) -> None:
        """Before a root is read."""
        if self.owner is not None and self.kind == ARRAY:
            for r in reversed(recorders()):
                if r is self.owner:
                    break
                r.outer_reads[id(self)] = self
        self.enter()
        if self.aliases is not None:
            refresh(self)

    @property
    def value(self) -> Value:
        """The current value in the function that is being traced."""
        recorder, c = current(), self.content
        if isinstance(c, np.ndarray):
            return recorder.literal(c)
        assert self.home is not None
        return recorder.adopt(c, self.home)

    @property
    def known(self) -> np.ndarray | None:
        """The elements, where they are known while tracing; not to be written to."""
        c = self.content
        return c if isinstance(c, np.ndarray) else None

    @property
    def is_known(self) -> bool:
        return isinstance(self.content, np.ndarray)

    def write(self, new: TracedArray) -> None:
        """Replace all elements. `new` has this handle's dtype and shape."""
        if self.kind != ARRAY:
            fail(TraceError, f"'{self.kind}' object does not support item assignment")
        base = self.root
        if base.origin == BORROWED:
            fail(UnsupportedError, "a traced function writes to an array whose elements another one shows in another "
                                   "way, which gradjit does not follow; copy the array before")
        if base.aliases is not None:
            base.reach()
            before_write(base)
        new = root(new.content, new.home, ARRAY)  # new may be a view of what is about to change
        if base.owner is not current():
            what = "a captured array" if base.origin == "captured array" else "an array of the function around it"
            fail(TraceError, f"a function that is being differentiated writes to {what}, which a derivative cannot "
                             f"carry out; return the new array instead, or copy it first")
        self.assign(new)
        for other in base.same_arrays:
            rebased(self, other).assign(new)
        if base.aliases is not None:
            after_write(base)

    def assign(self, new: TracedArray) -> None:
        """Let it hold other elements, whatever other name it may have."""
        if self.parent is not None:
            if isinstance(repeated := self.parent._view, views.Broadcast) and isinstance(self._view, views.WindowView):
                base = self.parent.parent
                base.assign(repeated.through(base, self._view, new))  # type: ignore[union-attr, arg-type]
            else:
                self.parent.assign(self._view.put(self.parent, new))  # type: ignore[union-attr]
            self._seen = self.root.version
        else:
            self.owner.frame.before_write(self)  # type: ignore[union-attr]
            self.version = next(versions)
            self.written_at = here()
        self._take(new)

    # attributes -----------------------------------------------------------------------------------------------------
    @property
    def type(self) -> ArrayType:
        """The type in the IR."""
        return ArrayType(self._dtype, self._shape)

    @property
    def ir_dtype(self) -> DType:
        return self._dtype

    @property
    def extents(self) -> tuple[Any, ...]:
        """The shape as the IR has it: ints and index values of the function that is being traced."""
        return self._shape if self._is_static else views.extents(views.forms(self._shape))

    @property
    def _is_static(self) -> bool:
        return all(isinstance(e, int) for e in self._shape)

    @property
    def dtype(self) -> np.dtype:
        return self._dtype.np

    @dtype.setter
    def dtype(self, _: Any) -> NoReturn:
        fail(UnsupportedError, "setting .dtype of a traced array is not supported; write x = x.astype(dtype)")

    @property
    def shape(self) -> tuple[Any, ...]:
        """The shape as the user sees it: ints and traced integers."""
        return tuple(map(_length, self._shape))

    @shape.setter
    def shape(self, shape: Any) -> None:
        from .inplace import set_shape
        set_shape(self, shape)

    @property
    def flat(self) -> TracedArray:
        """What stands for NumPy's iterator over the elements: reading from it gives copies, writing to it writes."""
        from .operands import elements
        from .shaping import regrouped
        h = regrouped(self, (elements(self),))
        h.origin = FLAT
        return h

    @flat.setter
    def flat(self, value: Any) -> None:
        from .numpy.indexing import put_all
        put_all(self, value)

    @property
    def real(self) -> Any:
        """The real parts: a view of a complex array."""
        from .dispatch import apply
        return apply(np.real, (self,), {})

    @real.setter
    def real(self, value: Any) -> None:
        self.real[...] = value

    @property
    def imag(self) -> Any:
        """The imaginary parts: a view of a complex array; zeros of a real one."""
        from .dispatch import apply
        return apply(np.imag, (self,), {})

    @imag.setter
    def imag(self, value: Any) -> None:
        if not self._dtype.is_complex:
            raise TypeError("array does not have imaginary part to set")
        self.imag[...] = value

    @property
    def ndim(self) -> int:
        return len(self._shape)

    @property
    def size(self) -> Any:
        """The number of elements, as the user sees it."""
        if self._is_static:
            return _length(prod(self._shape))
        from .extents import handle, product
        return handle(product(views.forms(self._shape)))

    @property
    def itemsize(self) -> int:
        return self._dtype.itemsize

    @property
    def nbytes(self) -> Any:
        return self.size * self.itemsize

    @property
    def weak(self) -> bool:
        """Whether it is a Python number, which does not widen the dtype of arrays (NEP 50)."""
        return self.kind == PYTHON

    def __getattr__(self, name: str) -> Any:
        from .methods import attribute
        return attribute(self, name)

    # NumPy's protocols ----------------------------------------------------------------------------------------------
    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        from .overrides import has_ufunc
        from .ufuncs import apply
        if has_ufunc((*inputs, *kwargs.get("out", ()))):
            return NotImplemented
        return apply(ufunc, method, inputs, kwargs)

    def __array_function__(self, func: Callable[..., Any], types: Any, args: Any, kwargs: Any) -> Any:
        from .dispatch import apply
        if not all(issubclass(t, (TracedArray, np.ndarray)) or is_of_package(t, "gradjit") for t in types):
            return NotImplemented
        return apply(func, args, kwargs)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self._known_or_fail("converting it to an ndarray (np.asarray or a library that is not traced)",
                                            "pass it to NumPy functions directly, or return it"), dtype=dtype)

    # Python's protocols ---------------------------------------------------------------------------------------------
    def _known_or_fail(self, what: str, remedy: str) -> np.ndarray:
        if (known := self.known) is None:
            leak(self, what, remedy)
        return known

    def __bool__(self) -> bool:
        from .extents import decided
        if (found := decided(self)) is not None:
            return found
        try:
            return bool(self._known_or_fail("the truth of it (if, while, and, or, not, assert)",
                                            "write np.where(condition, a, b), np.logical_and, np.logical_not, or an if "
                                            "statement outside of generators, comprehensions, library functions, and "
                                            "functions with a break, continue or return inside of finally"))
        except TraceError as e:  # NumPy would have answered: what a function does that catches this is not its result
            if recorders():
                recorders()[-1].outermost.unanswered = e
            raise

    def __float__(self) -> float:
        return float(self._known_or_fail("float()", "use it as it is, or write x.astype(float); for \"%g\" % x write "
                                                    "gj.debug_print"))

    def __int__(self) -> int:
        return int(self._known_or_fail("int()", "write x.astype(int), or pass the number as an int argument, which is "
                                                "static; for \"%d\" % x write gj.debug_print"))

    def __complex__(self) -> complex:
        return complex(self._known_or_fail("complex()", "write x.astype(complex)"))

    def __index__(self) -> int:
        from .extents import size
        if is_open(n := size(self)):
            return n.__index__()
        known = self._known_or_fail("its use as a shape, a range or an index of a Python sequence",
                                    "pass the number as an int argument, which is static")
        return known.__index__()

    def __len__(self) -> int:
        if not self._shape:
            raise TypeError("len() of unsized object")
        n = self.extents[0]
        if not isinstance(n, int):
            leak(self, "len() of it", "write x.shape[0], which stands for the traced length")
        return n.__index__()

    def __iter__(self) -> Iterator[Any]:
        if not self._shape:
            raise TypeError("iteration over a 0-d array")
        return (self[i] for i in range(len(self)))

    def __contains__(self, item: Any) -> bool:
        return bool(np.any(self == item))

    def __hash__(self) -> int:
        if self.kind == ARRAY:
            raise TypeError("unhashable type: 'numpy.ndarray'")
        leak(self, "hash(), as for the key of a dict or a member of a set",
             "use a Python number, which is static, or an array in the place of the dict or set, as by "
             "seen = np.zeros(n, bool) and seen[k] = True")

    def __getitem__(self, key: Any) -> Any:
        from .subscripts import getitem
        return getitem(self, key)

    def __setitem__(self, key: Any, value: Any) -> None:
        from .subscripts import setitem
        setitem(self, key, value)

    def __copy__(self) -> TracedArray:
        return self.copy() if self.kind == ARRAY else self

    def __deepcopy__(self, _: Any) -> TracedArray:
        return self.__copy__()

    def __reduce_ex__(self, _: Any) -> NoReturn:
        leak(self, "pickling", "return it from the function first")

    def __repr__(self) -> str:
        c = self._content
        if isinstance(c, np.ndarray):
            return f"Traced({self.type} = {np.array2string(c, threshold=8)})"
        return f"Traced({self.type}{' %' + c.name if c.name else ''})"

    def __format__(self, spec: str) -> str:
        if not spec:
            return str(self)
        remedy = "print it by gj.debug_print, or without a format, which shows its type, or return it"
        return format(self._known_or_fail("formatting", remedy)[()], spec)

    def __round__(self, ndigits: int | None = None) -> Any:
        from .builtin_functions import rounded
        return rounded(self, ndigits)

    # operators ------------------------------------------------------------------------------------------------------
    __add__, __radd__, __iadd__ = _operators(np.add)
    __sub__, __rsub__, __isub__ = _operators(np.subtract)
    __mul__, __rmul__, __imul__ = _operators(np.multiply)
    __truediv__, __rtruediv__, __itruediv__ = _operators(np.true_divide)
    __floordiv__, __rfloordiv__, __ifloordiv__ = _operators(np.floor_divide)
    __mod__, __rmod__, __imod__ = _operators(np.remainder)
    __pow__, __rpow__, __ipow__ = _operators(np.power)
    __matmul__, __rmatmul__, __imatmul__ = _operators(np.matmul)
    __and__, __rand__, __iand__ = _operators(np.bitwise_and)
    __or__, __ror__, __ior__ = _operators(np.bitwise_or)
    __xor__, __rxor__, __ixor__ = _operators(np.bitwise_xor)
    __lshift__, __rlshift__, __ilshift__ = _operators(np.left_shift)
    __rshift__, __rrshift__, __irshift__ = _operators(np.right_shift)
    __lt__, __le__ = _operators(np.less)[0], _operators(np.less_equal)[0]
    __gt__, __ge__ = _operators(np.greater)[0], _operators(np.greater_equal)[0]
    __eq__ = _operators(np.equal)[0]
    __ne__ = _operators(np.not_equal)[0]
    __neg__, __pos__ = _unary(np.negative), _unary(np.positive)
    __abs__, __invert__ = _unary(np.absolute), _unary(np.invert)

    def __divmod__(self, other: Any) -> Any:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> Any:
        return other // self, other % self


def leak(x: TracedArray, what: str, remedy: str) -> NoReturn:
    """The value is not known while tracing, and Python asks for it."""
    if recorders():
        recorders()[-1].outermost.is_needed = True
    error = TraceError(with_place(f"{x!r} is a traced value, not known while gradjit compiles the function, so {what} "
                                  f"cannot be answered; {remedy}{without_source()}"))
    if recorders():
        recorders()[-1].outermost.asked = error, here()
        if without_source():  # its handlers do not tell what they catch
            recorders()[-1].outermost.unanswered = error
    raise error from None


def without_source() -> str:
    """A hint where the code that runs could not be lifted."""
    frame = user_frame()
    if frame is None or is_product(frame.f_code) or not is_user_code(frame.f_code):
        return ""
    name = frame.f_code.co_name
    if is_changed(frame.f_code):
        return (f" (the text of {frame.f_code.co_filename} is not that of the code that runs: it was changed since it "
                f"was imported, so that loops, branches and calls in {name} cannot be compiled; import it again, as by "
                f"importlib.reload)")
    return (f" (there is no source for {name}, so that calls like np.array([x, y]), math.exp(x) or float(x) in it are "
            f"not carried through; define it in a file)")


def _length(extent: Any) -> Any:
    """An extent as the user sees it."""
    from .extents import handle
    return extent if isinstance(extent, int) and not is_open(extent) else handle(extent)


# handles ------------------------------------------------------------------------------------------------------------
NUMBERS = itertools.count()
"""Handles are numbered in the order in which they are made."""


def root(content: Content, home: Recorder | None, kind: str | None = None, origin: str = "",
         row_major: bool = True) -> TracedArray:
    """A handle of its own. Without a kind, 0-d is a NumPy scalar, as results of NumPy's functions are.

    row_major: whether NumPy's array would surely be contiguous in row-major order.
    """
    h = object.__new__(TracedArray)
    known = isinstance(content, np.ndarray)
    h._dtype = dtype_of(content.dtype) if isinstance(content, np.ndarray) else content.dtype
    h._shape = content.shape
    h.kind = kind or (ARRAY if h._shape else SCALAR)
    h.home = None if known else home
    h.owner = recorders()[-1] if recorders() else None
    h.made = h.where = None if h.owner is None else h.owner.frame.region
    h._content, h.number = content, next(NUMBERS)
    h.version = h._seen = 0
    h.parent = h._view = h.written_at = h.aliases = None
    h.origin, h.viewed, h.same_arrays = origin, False, ()
    h.strides_in_elements = layout.contiguous(h._shape) if row_major else None
    return h


def view(parent: TracedArray, how: ArrayView, strides: layout.Strides) -> TracedArray:
    """A view of `parent`; its kind is an array's, even where it is 0-d."""
    first = how.get(parent)
    h = root(first.content, first.home, ARRAY)
    parent.viewed = True
    h.parent, h._view, h._seen = parent, how, parent.root.version
    h.where = None if h.owner is None else h.owner.frame
    h.strides_in_elements = strides
    return h
