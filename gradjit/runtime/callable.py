"""`FastCallable`: the type of the objects that users call.

A call goes through CPython's vectorcall protocol straight to machine code (`support._dispatch`). That beats the
other way without C source, a class per function whose `__call__` is a builtin: there CPython first packs the arguments
into a tuple, for some 0.04 µs a call. The vectorcall function stands in a machine word that a base type made by
`PyType_FromSpec` provides; all the rest (attributes, weak references, garbage collection) is an ordinary Python class.
"""

from __future__ import annotations

import ctypes
import functools
import types
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from gradjit.errors import LayoutError
from gradjit.processes import Lock
from gradjit.runtime import call_convention, cpython
from gradjit.runtime.signature import Index, named_by, signature_of

if TYPE_CHECKING:
    from gradjit.runtime.entry import Entry

MAX_CHAIN = 8
"""How many specialisations are tried in machine code."""

_WORDS = {"__vectorcalloffset__": cpython.T_PYSSIZET, "misses": cpython.T_ULONGLONG}
_Base: Any = cpython.raw_type("gradjit.runtime.callable._Base", _WORDS)


class FastCallable(_Base):
    """A callable whose calls are answered by machine code, or else by `miss(*args, **kwargs)`.

    `miss` handles every call that no installed entry takes: with keywords, of other types or shapes, or when a guard
    fails. It may install entries, from any thread, and returns the result of the call; it must also cope with calls
    that an installed entry would have taken (another thread may have installed it meanwhile). `misses` counts the
    calls it got.

    Instances have a `__dict__` (for `functools.update_wrapper`), can be weakly referenced, take part in garbage
    collection and, as class attributes, bind like functions. Subclasses stay as fast unless they define `__call__`.
    """

    __slots__ = ("miss", "_table", "_index", "__dict__", "__weakref__")

    miss: Callable[..., Any]
    misses: int

    def __init__(self, miss: Callable[..., Any]) -> None:
        self.miss = miss

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        _set_flags(cls)

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        """Called only before the first `install`, or explicitly as `f.__call__(...)`."""
        ctypes.c_uint64.from_address(id(self) + call_convention.MISSES).value += 1
        return self.miss(*args, **kwargs)

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        return self if instance is None else types.MethodType(self, instance)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The installed entries, in the order in which they are tried; not those that are found by signatures."""
        return _entries(self)

    @property
    def hits(self) -> int:
        """How many calls the installed entries have answered."""
        with _lock:
            records = list(_index_of(self).records.values())
        every = {id(e): e for r in records for e in r.entries} | {id(e): e for e in _entries(self)}
        return sum(entry.hits for entry in every.values())

    def install(self, entry: Entry) -> None:
        """Have `entry` tried first, for calls on any thread; of more than MAX_CHAIN entries the oldest is dropped.

        Raises LayoutError if this build of Python or NumPy cannot be called into by machine code.
        """
        vectorcall = _machine_code()
        _replace(self, lambda entries: (entry, *(e for e in entries if e is not entry))[:MAX_CHAIN])
        ctypes.c_void_p.from_address(id(self) + call_convention.VECTORCALL).value = vectorcall

    def install_indexed(self, entry: Entry, args: tuple[Any, ...], leaves: Sequence[Any], places: Sequence[int],
                        any_size: bool = False) -> None:
        """Have `entry` found by the signature of the call with `args`, where its leaves are `leaves` in the order of
        the walk through the containers; `places` are those of the entry's parameters among them. Nothing is done for a
        call that has no signature, or another walk. any_size: arrays of other extents lead there, too.
        """
        found = signature_of(args)
        if found is None or found.leaves != [id(x) for x in leaves]:
            return
        vectorcall = _machine_code()
        with _lock:
            words = found.form if any_size else found.form + found.extents
            _index_of(self).add(words, places, entry, named_by(args))
        ctypes.c_void_p.from_address(id(self) + call_convention.VECTORCALL).value = vectorcall

    def uninstall(self, entry: Entry) -> None:
        """Drop an entry; calls that are running in it finish first. An entry that is not installed is let pass."""
        _replace(self, lambda entries: tuple(e for e in entries if e is not entry))
        with _lock:
            _index_of(self).remove(entry)

    def clear(self) -> None:
        """Drop all entries."""
        _replace(self, lambda entries: ())
        with _lock:
            _index_of(self).clear()


# The table of entries, which machine code trusts to be well formed, is reached through this descriptor only.
_table: Any = FastCallable.__dict__["_table"]
del FastCallable._table

_index: Any = FastCallable.__dict__["_index"]
del FastCallable._index

_lock = Lock()


def _index_of(function: FastCallable) -> Index:
    """The index of a function, which machine code finds in a slot of the instance."""
    try:
        found: Index = _index.__get__(function)
    except AttributeError:
        found = Index()
        _index.__set__(function, found)
    return found


def _entries(function: FastCallable) -> tuple[Any, ...]:
    try:
        return _table.__get__(function)[1:]
    except AttributeError:
        return ()


def _replace(function: FastCallable, change: Callable[[tuple[Any, ...]], tuple[Any, ...]]) -> None:
    """Put another table in the place of a function's, in one step for callers on any thread."""
    with _lock:
        old = _entries(function)  # dropped only when the lock is released: freeing entries runs finalisers
        entries = change(old)
        _table.__set__(function, (b"".join(entry.packed() for entry in entries), *entries))


@functools.cache
def _machine_code() -> int:
    """The address of the vectorcall function; instances are laid out as it expects."""
    cpython.layout()
    for descriptor, offset in ((_index, call_convention.INDEX), (_table, call_convention.TABLE),
                               (FastCallable.__dict__["miss"], call_convention.HANDLER)):
        probe, mark = FastCallable(print), object()
        descriptor.__set__(probe, mark)
        cpython.require(FastCallable.__basicsize__ > offset, "the slots of a class")
        cpython.require(cpython.word_at(id(probe) + offset) == id(mark), "the slots of a class")
    from gradjit.runtime import support

    return support.addresses()["gradjit.dispatch"]


def _set_flags(cls: type) -> None:
    """Let CPython call instances without packing the arguments, and call methods without binding them."""
    flags = 0
    if cls.__call__ is FastCallable.__call__:
        flags |= cpython.TPFLAGS_HAVE_VECTORCALL
    if cls.__get__ is FastCallable.__get__:  # type: ignore[attr-defined]
        flags |= cpython.TPFLAGS_METHOD_DESCRIPTOR
    try:
        at = cpython.layout()
    except LayoutError:  # then `install` raises, and calls go through `__call__`
        return
    offset = cpython.word_at(id(cls) + at.type_vectorcall_offset)
    cpython.require(offset == call_convention.VECTORCALL, "callable types")
    cpython.enable_type_flags(cls, flags)


_set_flags(FastCallable)
