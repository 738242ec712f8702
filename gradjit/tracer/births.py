"""Which arrays were born in the trace: in calls that the tracer does not see, as by np.mgrid[0:3] or copy.copy(a).

Such an array is the function's own, a new one at each call; any other that turns up (in a captured object, a
container) is a hidden input. NumPy itself knows: each block of elements remembers which allocator it is from (NEP 49).
While a trace is open, this thread's allocator is one of that trace's own, which does what the usual one does under a
name of its own.
"""

from __future__ import annotations

import ctypes
import functools
import itertools
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


_handlers: list[tuple[_Handler, Any]] = []
"""All that were made, with those that they are copies of: arrays that outlive their trace go back through them."""
_numbers = itertools.count()


class Births:
    """The arrays that are born between `open` and `close`."""

    def __init__(self) -> None:
        self.name = ""
        self.usual: Any = None

    def open(self) -> None:
        """From now on every block of elements that this thread allocates is marked."""
        get, put, make, opened = _functions()
        self.usual = get()
        handler = _Handler.from_buffer_copy(ctypes.string_at(opened(self.usual, _CAPSULE), ctypes.sizeof(_Handler)))
        self.name = f"gradjit trace {next(_numbers)}"
        handler.name = self.name.encode()
        _handlers.append((handler, self.usual))
        put(make(ctypes.addressof(handler), _CAPSULE, None))

    def close(self) -> None:
        _functions()[1](self.usual)

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
