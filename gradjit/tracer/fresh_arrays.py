"""Which arrays were born in the trace: in calls that the tracer does not see, as by np.mgrid[0:3] or copy.copy(a).

Such an array is the function's own, a new one at each call; any other that turns up (in a captured object, a
container) is a hidden input. NumPy itself knows: each block of elements remembers which allocator it is from (NEP 49).
While a trace is open, this thread's allocator is one of that trace's own, which does what the usual one does under a
name of its own.
"""

from __future__ import annotations

import collections
import ctypes
import functools
import itertools
import sys
from typing import Any

import numpy as np
from numpy._core.multiarray import get_handler_name

_SET_HANDLER, _GET_HANDLER = 304, 305
"""The places of PyDataMem_SetHandler and PyDataMem_GetHandler in NumPy's table of C functions."""
_CAPSULE = b"mem_handler"


class _Handler(ctypes.Structure):
    """NumPy's PyDataMem_Handler: a name, the version of the structure, a context and four functions."""

    _fields_ = [("name", ctypes.c_char * 127), ("version", ctypes.c_uint8), ("functions", ctypes.c_void_p * 5)]


@functools.cache
def _functions() -> tuple[Any, Any, Any, Any]:
    """Get and set the handler, and make and open a capsule."""
    pythonapi = ctypes.pythonapi
    opened = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
        ("PyCapsule_GetPointer", pythonapi))
    make = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)(
        ("PyCapsule_New", pythonapi))
    table = ctypes.cast(opened(np._core._multiarray_umath._ARRAY_API, None),  # type: ignore[attr-defined]
                        ctypes.POINTER(ctypes.c_void_p))
    get = ctypes.PYFUNCTYPE(ctypes.py_object)(table[_GET_HANDLER])
    put = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.py_object)(table[_SET_HANDLER])
    return get, put, make, opened


class _Allocator:
    """A handler of a trace's own, and the capsule by which NumPy's arrays hold it: those that outlive the trace go back
    through it, and through the one that it is a copy of."""

    def __init__(self, usual: Any) -> None:
        self.name = f"gradjit trace {next(_numbers)}"
        self.handler = _Handler()
        self.capsule = _functions()[2](ctypes.addressof(self.handler), _CAPSULE, None)
        self.copy(usual)

    def copy(self, usual: Any) -> None:
        """Do what the usual one does."""
        self.usual = usual
        address = _functions()[3](usual, _CAPSULE)
        ctypes.memmove(ctypes.addressof(self.handler), address, ctypes.sizeof(_Handler))
        self.handler.name = self.name.encode()

    @property
    def is_free(self) -> bool:
        """Whether no array and no context holds it any more."""
        return sys.getrefcount(self.capsule) <= 2  # this object's, and the argument


_numbers = itertools.count()
_closed: collections.deque[_Allocator] = collections.deque()
"""The allocators of traces that have ended. They live for ever, and serve other traces when their arrays are gone."""
LOOKED_AT = 8
"""So many of them a new trace looks at."""


def _allocator(usual: Any) -> _Allocator:
    for _ in range(min(LOOKED_AT, len(_closed))):
        try:
            known = _closed.popleft()
        except IndexError:  # other threads took them
            break
        if known.is_free:
            known.copy(usual)
            return known
        _closed.append(known)
    return _Allocator(usual)


class FreshArrays:
    """The arrays that are born between `open` and `close`."""

    def __init__(self) -> None:
        self.name = ""
        self.allocator: _Allocator | None = None

    def open(self) -> None:
        """From now on every block of elements that this thread allocates is marked."""
        get, put, _, _ = _functions()
        self.allocator = _allocator(get())
        self.name = self.allocator.name
        put(self.allocator.capsule)

    def close(self) -> None:
        if self.allocator is not None:
            _functions()[1](self.allocator.usual)
            _closed.append(self.allocator)
            self.allocator = None

    def has(self, array: np.ndarray) -> bool:
        """Whether the array's elements were allocated here."""
        owner = owner_of(array)
        return isinstance(owner, np.ndarray) and get_handler_name(owner) == self.name


def owner_of(array: np.ndarray) -> Any:
    """The object that owns an array's elements: an ndarray, or what lends its memory to one."""
    owner: Any = array
    while isinstance(owner, np.ndarray) and not owner.flags.owndata:
        if owner.base is None:
            return None
        owner = owner.base
    return owner.obj if isinstance(owner, memoryview) else owner
