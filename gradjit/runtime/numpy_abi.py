"""The memory layout and the C functions of the running NumPy: array headers, dtypes and scalars.

As in `cpython`, every offset is compared with live objects before the first use and a NumPy that differs is refused
with `LayoutError`. The offsets are those of NumPy's public headers (`ndarraytypes.h`, `arrayscalars.h`) of the 2.x
series.
"""

from __future__ import annotations

import ctypes
import functools
import importlib
import sys
from typing import Any

import numpy as np

from gradjit.errors import DtypeError, LayoutError
from gradjit.records import dataclass
from gradjit.runtime import cpython
from gradjit.runtime.cpython import WORD, word_at

# NumPy's C functions that emitted code calls: name -> (index in the API table, result, parameters), the latter as in
# cpython.SIGNATURES.
FUNCTIONS: dict[str, tuple[int, str, str]] = {
    "PyArray_CopyInto": (50, "i", "pp"),
    "PyArray_NewFromDescr": (94, "p", "ppipppip"),
}
_INDEX_ABI_VERSION, _INDEX_ARRAY_TYPE = 0, 2
_ABI_VERSION = 0x02000000

C_CONTIGUOUS, F_CONTIGUOUS, ALIGNED, WRITEABLE, WARN_ON_WRITE = 0x0001, 0x0002, 0x0100, 0x0400, 1 << 31

# The dtypes that compiled code computes with, by name.
DTYPES: dict[str, np.dtype[Any]] = {
    str(np.dtype(code)): np.dtype(code) for code in "? i1 i2 i4 i8 u1 u2 u4 u8 f2 f4 f8 c8 c16".split()
}

_KINDS = "biufc"
_FIRST_PAGE = 4096

# The class of NumPy's own dtype classes: instances of its instances compare without running Python code.
DTYPE_META: type = type(type(np.dtype("f8")))


@dataclass(frozen=True)
class NumPyLayout:
    """Byte offsets into ndarray and dtype objects, and of the value in each scalar type, verified on this process.

    `type_nums` lists the type numbers that mean each dtype.
    """

    data: int
    ndim: int
    shape: int
    strides: int
    base: int
    descr: int
    flags: int
    descr_byteorder: int
    descr_type_num: int
    scalar_value: dict[str, int]
    type_nums: dict[str, tuple[int, ...]]


NATIVE_ORDERS = b"=|" + (b"<" if sys.byteorder == "little" else b">")
"""What a dtype of native byte order says of it: that it is native, that it has none, or which it is (arrays of ctypes,
of shared memory, of `newbyteorder`)."""


def canonical(dtype: Any) -> np.dtype[Any]:
    """The one dtype object that stands for `dtype`: native, no metadata, `int64` for every 64-bit integer.

    Raises DtypeError for dtypes that compiled code does not compute with (byte-swapped, object, structured,
    longdouble, ...).
    """
    given = np.dtype(dtype)
    found = DTYPES.get(given.name) if given.kind in _KINDS and given.isnative else None
    if found is None or found != given:
        raise DtypeError(f"compiled code does not compute with dtype {given!r}")
    return found


@functools.cache
def layout() -> NumPyLayout:
    """The verified layout of this process; raises `LayoutError` if it is not the one that emitted code needs."""
    cpython.layout()
    first = object.__basicsize__
    found = NumPyLayout(
        data=first,
        ndim=first + WORD,
        shape=first + 2 * WORD,
        strides=first + 3 * WORD,
        base=first + 4 * WORD,
        descr=first + 5 * WORD,
        flags=first + 6 * WORD,
        descr_byteorder=first + WORD + 2,
        descr_type_num=first + WORD + 4,
        scalar_value={name: _scalar_value_offset(name) for name in DTYPES},
        type_nums=_equivalent_type_nums(),
    )
    _probe_api()
    _probe_headers(found)
    _probe_dtypes(found)
    return found


def _require(condition: bool, what: str) -> None:
    if not condition:
        raise LayoutError(f"this build of NumPy ({np.__version__}) does not lay out {what} as gradjit expects")


def _scalar_value_offset(name: str) -> int:
    """Scalars hold their value right after the object header, at its natural alignment."""
    dtype = DTYPES[name]
    cls = dtype.type
    offset = object.__basicsize__
    value = np.frombuffer(bytes(range(1, 1 + dtype.itemsize)), dtype)[0] if name != "bool" else np.True_
    _require(cls.__basicsize__ >= offset + dtype.itemsize, f"{name} scalars")
    _require(type(value) is cls, f"{name} scalars")
    _require(ctypes.string_at(id(value) + offset, dtype.itemsize) == value.tobytes(), f"{name} scalars")
    return offset


def _equivalent_type_nums() -> dict[str, tuple[int, ...]]:
    """The type numbers that mean each dtype: 64-bit integers, for one, are both `long` and `long long` on Linux."""
    numbers: dict[str, list[int]] = {name: [] for name in DTYPES}
    for code in "?bhilqpnBHILQPNefdFD":
        dtype = np.dtype(code)
        if dtype.num not in numbers[dtype.name]:
            numbers[dtype.name].append(dtype.num)
    for name, dtype in DTYPES.items():
        _require(dtype.num in numbers[name], f"dtype {name}")
    return {name: tuple(sorted(nums)) for name, nums in numbers.items()}


@functools.cache
def _api() -> ctypes.Array[ctypes.c_void_p]:
    core: Any = importlib.import_module("numpy._core._multiarray_umath")
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    size = 1 + max(index for index, *_ in FUNCTIONS.values())
    return (ctypes.c_void_p * size).from_address(pointer(core._ARRAY_API, None))


def _probe_api() -> None:
    version = ctypes.CFUNCTYPE(ctypes.c_uint)(_api()[_INDEX_ABI_VERSION] or 0)()
    _require(version == _ABI_VERSION, "its C interface")
    _require(_api()[_INDEX_ARRAY_TYPE] == id(np.ndarray), "its C interface")


def _probe_headers(at: NumPyLayout) -> None:
    _require(np.ndarray.__basicsize__ >= at.flags + WORD, "ndarray")
    base = np.arange(2 * 3 * 10, dtype=np.int16).reshape(2, 3, 10)
    frozen = np.zeros((4, 1), np.float32)
    frozen.flags.writeable = False
    unaligned = np.zeros(17, np.uint8)[1:].view(np.float64)
    for array in (base, base[:, ::2, ::-1], base.T, frozen, unaligned, np.zeros(()), np.zeros((0, 5))):
        _probe_header(at, array)


def _probe_header(at: NumPyLayout, array: np.ndarray[Any, Any]) -> None:
    here, rank = id(array), array.ndim
    _require(ctypes.c_int.from_address(here + at.ndim).value == rank, "the rank of an array")
    _require(word_at(here + at.data) == array.__array_interface__["data"][0], "the data pointer of an array")
    _require(word_at(here + at.descr) == id(array.dtype), "the dtype of an array")
    _require(word_at(here + at.base) == (0 if array.base is None else id(array.base)), "the base of an array")
    shape, strides = word_at(here + at.shape), word_at(here + at.strides)
    if rank:  # NumPy allocates both as one block; only if they look like it are the pointers followed
        _require(shape > _FIRST_PAGE and strides - shape == WORD * rank, "the extents of an array")
        extents = (ctypes.c_ssize_t * rank).from_address(shape)
        steps = (ctypes.c_ssize_t * rank).from_address(strides)
        _require(tuple(extents) == array.shape and tuple(steps) == array.strides, "the extents of an array")
    flags = ctypes.c_int.from_address(here + at.flags).value
    stated = (
        (C_CONTIGUOUS, array.flags.c_contiguous),
        (F_CONTIGUOUS, array.flags.f_contiguous),
        (ALIGNED, array.flags.aligned),
        (WRITEABLE, array.flags.writeable),
    )
    _require(all(bool(flags & bit) == value for bit, value in stated), "the flags of an array")


def _probe_dtypes(at: NumPyLayout) -> None:
    natives = tuple(DTYPES.values())
    swapped = tuple(dtype.newbyteorder() for dtype in natives if dtype.itemsize > 1)
    stated = tuple(dtype.newbyteorder() for dtype in swapped)
    for dtype in natives + swapped + stated:
        order = ctypes.c_char.from_address(id(dtype) + at.descr_byteorder).value
        _require(order == dtype.byteorder.encode() and (order in NATIVE_ORDERS) == dtype.isnative, "dtypes")
        _require(ctypes.c_int.from_address(id(dtype) + at.descr_type_num).value == dtype.num, "dtypes")


def function_address(name: str) -> int:
    """The address of a function of `FUNCTIONS`."""
    _probe_api()
    return _api()[FUNCTIONS[name][0]] or 0


def symbol_address(name: str) -> int:
    """The address behind a symbol of emitted code.

    `PyArray_Type`; a function of `FUNCTIONS`; `numpy.type.<dtype>` (the scalar type), `numpy.alloc.<dtype>` (the C
    function that allocates one), `numpy.descr.<dtype>` (the dtype object); `numpy.true`, `numpy.false`,
    `numpy.dtype_meta`. Raises KeyError otherwise.
    """
    if name in FUNCTIONS:
        return function_address(name)
    if name in _OBJECTS:
        return id(_OBJECTS[name])
    prefix, _, dtype = name.rpartition(".")
    return {
        "numpy.type": lambda: id(DTYPES[dtype].type),
        "numpy.alloc": lambda: cpython.type_slot(DTYPES[dtype].type, cpython.PY_TP_ALLOC),
        "numpy.descr": lambda: id(DTYPES[dtype]),
    }[prefix]()


_OBJECTS: dict[str, object] = {
    "PyArray_Type": np.ndarray,
    "numpy.true": np.True_,
    "numpy.false": np.False_,
    "numpy.dtype_meta": DTYPE_META,
}
