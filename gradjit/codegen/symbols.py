"""Where the functions live that compiled code calls: SciPy's Cython modules and the C library.

Addresses are looked up when a module that needs them is linked: importing SciPy takes longer than all of gradjit's import.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import functools
import importlib
import sys

from .routines import blas

# symbol -> (Cython module, the name that it exports)
CYTHON: dict[str, tuple[str, str]] = {**blas.SYMBOLS}


def resolve(name: str) -> int:
    """The address of an external symbol. Raises LookupError for one that nobody provides."""
    if name in CYTHON:
        return _cython(*CYTHON[name])
    found = _libm(name)
    if found is None:
        raise LookupError(f"compiled code calls {name!r}, which neither SciPy nor the C library provides")
    return found


@functools.cache
def _cython(module: str, name: str) -> int:
    """The C function that a Cython module exports (`__pyx_capi__` holds it in a capsule named by its signature)."""
    capsule = importlib.import_module(module).__pyx_capi__[name]
    api = ctypes.pythonapi
    api.PyCapsule_GetName.restype, api.PyCapsule_GetName.argtypes = ctypes.c_char_p, [ctypes.py_object]
    api.PyCapsule_GetPointer.restype = ctypes.c_void_p
    api.PyCapsule_GetPointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
    address = api.PyCapsule_GetPointer(capsule, api.PyCapsule_GetName(capsule))
    assert address
    return int(address)


@functools.cache
def _libm(name: str) -> int | None:
    """A function of the C library."""
    for library in _libraries():
        function = getattr(library, name, None)
        if function is not None:
            return ctypes.cast(function, ctypes.c_void_p).value
    return None


@functools.cache
def _libraries() -> tuple[ctypes.CDLL, ...]:
    names = ["ucrtbase", "msvcrt"] if sys.platform == "win32" else [None, ctypes.util.find_library("m")]
    return tuple(ctypes.CDLL(n) for n in names if n or n is None)
