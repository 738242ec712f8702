"""Types of the array IR: `dtype[extents]`, where an extent is an int, a size (`sizes.Size`, which stands for an int),
or an SSA index value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Union

import numpy as np

from ..errors import UnsupportedDtypeError
from ..records import dataclass
from .sizes import is_open

if TYPE_CHECKING:
    from .core import Value

Extent = Union[int, "Value"]


@dataclass(frozen=True, eq=False)
class DType:
    """An element type. `name` is its spelling in the IR, `np` NumPy's dtype for it.

    There is one object for each, compared by identity: passes compare and hash dtypes at every step.
    """

    name: str
    np: np.dtype

    def __reduce__(self) -> tuple[Any, ...]:
        return _named, (self.name,)

    def __str__(self) -> str:
        return self.name

    __repr__ = __str__

    @property
    def kind(self) -> str:
        """NumPy's kind letter: b(ool), i(nt), u(nsigned), f(loat), c(omplex); O for a tape."""
        return self.np.kind

    @property
    def is_float(self) -> bool:
        return self.np.kind == "f"

    @property
    def is_complex(self) -> bool:
        return self.np.kind == "c"

    @property
    def part(self) -> DType:
        """The dtype of a complex number's real and imaginary part; a real dtype itself."""
        return _PARTS.get(self, self)

    @property
    def is_inexact(self) -> bool:
        return self.np.kind in "fc"

    @property
    def is_integer(self) -> bool:
        return self.np.kind in "iu"

    @property
    def is_bool(self) -> bool:
        return self.np.kind == "b"

    @property
    def itemsize(self) -> int:
        return self.np.itemsize


BOOL = DType("bool", np.dtype(np.bool_))
I8, I16, I32, I64 = (DType(f"i{n}", np.dtype(f"int{n}")) for n in (8, 16, 32, 64))
U8, U16, U32, U64 = (DType(f"u{n}", np.dtype(f"uint{n}")) for n in (8, 16, 32, 64))
F32, F64 = DType("f32", np.dtype(np.float32)), DType("f64", np.dtype(np.float64))
C64, C128 = DType("c64", np.dtype(np.complex64)), DType("c128", np.dtype(np.complex128))
_PARTS = {C64: F32, C128: F64}
COMPLEX_OF = {part: whole for whole, part in _PARTS.items()}
"""The complex dtype whose parts are of a real one."""
TAPE = DType("tape", np.dtype(object))
"""What a loop keeps for its reverse (see ops/tape.py): no element type of arrays, but values have the type `tape[]`."""

ELEMENTS = (BOOL, I8, I16, I32, I64, U8, U16, U32, U64, F32, F64, C64, C128)
DTYPES: dict[str, DType] = {t.name: t for t in (*ELEMENTS, TAPE)}


def _named(name: str) -> DType:
    return DTYPES[name]


_FROM_NUMPY = {t.np: t for t in ELEMENTS}


def dtype_of(dtype: object) -> DType:
    """The IR's element type for a NumPy dtype (byte order is dropped). Raises DtypeError for one without."""
    d = np.dtype(dtype).newbyteorder("=")  # type: ignore[call-overload]
    # On some platforms `long` and `long long` are distinct dtypes of the same size; both are i64.
    found = _FROM_NUMPY.get(d) or (_FROM_NUMPY.get(np.dtype(f"{d.kind}{d.itemsize}")) if d.kind in "iufc" else None)
    if found is None:
        raise UnsupportedDtypeError(f"arrays of dtype {np.dtype(dtype)} cannot be compiled; "  # type: ignore[call-overload]
                                    f"supported are bool, integers, float32/64 and complex64/128")
    return found


@dataclass(frozen=True)
class ArrayType:
    """The type of every value: element type and shape. `f64[]` is a scalar."""

    dtype: DType
    shape: tuple[Extent, ...] = ()

    @property
    def rank(self) -> int:
        return len(self.shape)

    @property
    def is_static(self) -> bool:
        """Whether every extent is an int or a size: no index value that is computed."""
        for e in self.shape:
            if not isinstance(e, int):
                return False
        return True

    @property
    def extents(self) -> tuple[int, ...]:
        """The shape as ints; an error if an extent is symbolic."""
        if not self.is_static:
            raise ValueError(f"{self} has symbolic extents")
        return self.shape  # type: ignore[return-value]

    @property
    def size(self) -> int:
        n = 1
        for e in self.extents:
            n *= e
        return n

    def with_dtype(self, dtype: DType) -> ArrayType:
        return ArrayType(dtype, self.shape)

    def with_shape(self, shape: tuple[Extent, ...]) -> ArrayType:
        return ArrayType(self.dtype, tuple(shape))

    def __str__(self) -> str:
        return f"{self.dtype}[{','.join(format_extent(e) for e in self.shape)}]"

    __repr__ = __str__


def format_extent(e: Extent) -> str:
    return str(e) if isinstance(e, int) else f"%{e.name or '?'}"


INDEX = ArrayType(I64, ())

MOST_BYTES = 1 << 47
"""What a process can address: no array is larger, and no computation with strides comes near the end of i64."""


def defect(t: ArrayType) -> str | None:
    """What is wrong with a type by itself, whatever it is the type of; None for a good one."""
    if t.dtype is TAPE and t.shape:
        return f"{t}: a tape has no extents"
    nbytes = t.dtype.itemsize
    for e in t.shape:
        if not isinstance(e, int):
            if e.type != INDEX:
                return f"the extent {e!r} of {t} is no {INDEX}"
        elif is_open(e):
            continue
        elif e < 0:
            return f"negative extent in {t}"
        else:
            nbytes *= max(e, 1)
    return f"{t} has more bytes than there are addresses" if nbytes > MOST_BYTES else None


def is_integer(t: ArrayType) -> bool:
    """Whether a type is that of one i64 number, whatever its rank: simplification moves reshapes about."""
    return t.dtype is I64 and all(e == 1 for e in t.shape)


def type_of(array: object) -> ArrayType:
    """The IR type of a concrete NumPy array or scalar."""
    a = np.asarray(array)
    return ArrayType(dtype_of(a.dtype), a.shape)
