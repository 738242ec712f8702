"""Where the functions live that compiled code calls: SciPy's Cython modules and ufuncs, the C library.

Addresses are looked up when a module that needs them is linked: importing SciPy takes longer than importing gradjit.
"""

from __future__ import annotations

import ctypes
import functools
import importlib
import importlib.util
import sys
from collections.abc import Iterator
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import LayoutError
from ..ir.ops import special_functions
from ..processes import gate
from .routines import blas, complex_lapack, lapack, pocketfft

# symbol -> (Cython module, the name that it exports)
CYTHON: dict[str, tuple[str, str]] = {**blas.SYMBOLS, **lapack.SYMBOLS, **complex_lapack.SYMBOLS}


def resolve(name: str) -> int:
    """The address of an external symbol. Raises LookupError for one that nobody provides."""
    if name in CYTHON:
        return _cython(*CYTHON[name])
    if name.startswith((special_functions.LOOPS, pocketfft.LOOPS)):
        return _loop(name.removesuffix(".data"))[name.endswith(".data")]
    found = _libm(name)
    if found is None:
        raise LookupError(f"compiled code calls {name!r}, which neither SciPy nor the C library provides")
    return found


class _Ufunc(ctypes.Structure):
    """The beginning of NumPy's PyUFuncObject, behind the head that all objects have (numpy/ufuncobject.h)."""

    _fields_ = [*((n, ctypes.c_int) for n in ("nin", "nout", "nargs", "identity")),
                ("functions", ctypes.POINTER(ctypes.c_void_p)), ("data", ctypes.POINTER(ctypes.c_void_p)),
                ("ntypes", ctypes.c_int)]


@functools.cache
def _loop(symbol: str) -> tuple[int, int]:
    """A ufunc's loop, and the data that it is called with."""
    if symbol.startswith(pocketfft.LOOPS):
        ufunc, number = _fourier_ufunc(symbol)
    else:
        ufunc, loop = special_functions.loop_named(symbol)
        number = loop.number
    raw = _Ufunc.from_address(id(ufunc) + object.__basicsize__)
    if (raw.nin, raw.nout, raw.nargs, raw.ntypes) != (ufunc.nin, ufunc.nout, ufunc.nargs, ufunc.ntypes):
        raise LayoutError(f"NumPy {np.__version__} lays out ufuncs in a way that gradjit does not know")
    return raw.functions[number] or 0, (raw.data[number] or 0) if raw.data else 0


def _fourier_ufunc(symbol: str) -> tuple[np.ufunc, int]:
    """NumPy's ufunc for Fourier transforms, and the number of its loop."""
    name, code = symbol.removeprefix(pocketfft.LOOPS).split(".")
    with gate:
        module = importlib.import_module("numpy.fft._pocketfft_umath")
    ufunc, types = getattr(module, name, None), pocketfft.loop_types(name, code)
    if not isinstance(ufunc, np.ufunc) or types not in ufunc.types or ufunc.nin != 2:
        raise LayoutError(f"NumPy {np.__version__} has no loop {types} of numpy.fft._pocketfft_umath.{name}, by which "
                          f"gradjit computes Fourier transforms")
    return ufunc, ufunc.types.index(types)


@functools.cache
def _cython(module: str, name: str) -> int:
    """The C function that a Cython module exports (`__pyx_capi__` holds it in a capsule named by its signature)."""
    with gate:
        capsule = _extension(module).__pyx_capi__[name]
    api = ctypes.pythonapi
    api.PyCapsule_GetName.restype, api.PyCapsule_GetName.argtypes = ctypes.c_char_p, [ctypes.py_object]
    api.PyCapsule_GetPointer.restype = ctypes.c_void_p
    api.PyCapsule_GetPointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
    address = api.PyCapsule_GetPointer(capsule, api.PyCapsule_GetName(capsule))
    assert address
    return int(address)


@functools.cache
def _extension(name: str) -> Any:
    """A Cython module, without the package around it where that is possible.

    `import scipy.linalg` takes 160 ms, its `cython_blas` alone 20: a first call would wait for the difference. The
    module is taken out of `sys.modules` again, so that a later import finds the package as it expects to.
    """
    if name in sys.modules:
        return sys.modules[name]
    package, _, leaf = name.rpartition(".")
    outer = importlib.import_module(package.partition(".")[0])
    folder = Path(*outer.__path__, *package.split(".")[1:])
    found = [p for suffix in EXTENSION_SUFFIXES for p in folder.glob(leaf + suffix)]
    if not found:  # an installation that is laid out otherwise
        return importlib.import_module(name)
    spec = importlib.util.spec_from_file_location(name, found[0])
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except ImportError:  # it needs its package
        return importlib.import_module(name)
    sys.modules.pop(name, None)
    return module


@functools.cache
def _libm(name: str) -> int | None:
    """A function of the C library."""
    for library in _libraries():
        function = getattr(library, name, None)
        if function is not None:
            return ctypes.cast(function, ctypes.c_void_p).value
    return None


def _libraries() -> Iterator[ctypes.CDLL]:
    """The C libraries of this process, the one that is loaded anyway first: looking for others starts processes."""
    if sys.platform == "win32":
        yield from map(ctypes.CDLL, ("ucrtbase", "msvcrt"))
        return
    yield ctypes.CDLL(None)
    from ctypes.util import find_library  # which imports what starts processes, and is seldom needed
    found = find_library("m")
    if found:
        yield ctypes.CDLL(found)
