"""Sparse matrices of SciPy from outside: their products with traced vectors and matrices.

A stand-in has the matrix's arrays (values and structure) as hidden inputs, which are read at each call; what it
computes is plain loops, which are lifted like the user's own. For all else its places are looked at while tracing, and
watched (built_sparse.py).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from ..errors import ShapeError, UnsupportedError
from ..probe import text
from . import libraries, operands as o
from .array import TracedArray
from .guards import Source
from .known_elements import known_elements
from .lift import lifted
from .locations import fail
from .outside import outside
from .recorder import current

ARRAYS = {"csr": ("data", "indices", "indptr"), "csc": ("data", "indices", "indptr"), "coo": ("data", "row", "col")}
"""The formats whose arrays are hidden inputs, with the attributes that hold them."""
DIAGONALS = ("data", "offsets")
"""The same of the format dia, whose elements are taken one by one."""
TRANSPOSED = {"csr": "csc", "csc": "csr", "coo": "coo"}


BUILT: list[Callable[[Any], Any]] = []
"""What makes a matrix with known places of any sparse one: `built_sparse.built`, which stands here itself."""


def with_places(x: Any) -> Any:
    libraries.rules("scipy")  # which bring it
    return BUILT[0](x)


def is_sparse(x: Any) -> bool:
    """Whether it is one of SciPy's sparse matrices or arrays."""
    cls: Any = type(x)
    return _is_sparse_class(cls)


@functools.lru_cache(maxsize=1024)
def _is_sparse_class(cls: Any) -> bool:
    return text(cls, "__module__").startswith("scipy.sparse") and hasattr(cls, "tocsr")


class Sparse:
    """What stands for a sparse matrix in lifted code. Known are products, transposition, and the dense array."""

    __array_ufunc__ = None  # an array leaves the operators to it

    def __init__(self, matrix: Any, form: str, arrays: tuple[TracedArray, ...], shape: tuple[int, int]):
        self._matrix, self._form, self._arrays, self.shape = matrix, form, arrays, shape

    @property
    def stands_for(self) -> type:
        return type(self._matrix)

    @property
    def ndim(self) -> int:
        return 2

    @property
    def dtype(self) -> np.dtype:
        return self._arrays[0].dtype

    @property
    def nnz(self) -> Any:
        return self._arrays[0].shape[0]

    @property
    def T(self) -> Sparse:
        arrays = (self._arrays[0], *self._arrays[:0:-1]) if self._form == "coo" else self._arrays
        return Sparse(self._matrix, TRANSPOSED[self._form], arrays, self.shape[::-1])

    def transpose(self, axes: Any = None) -> Sparse:
        return self.T

    def dot(self, other: Any) -> Any:
        return self @ other

    def toarray(self, order: Any = None, out: Any = None) -> Any:
        if order not in (None, "C") or out is not None:
            return self._built.toarray(order, out)
        return self @ o.constant(np.eye(self.shape[1], dtype=self.dtype))

    def entries(self) -> tuple[Any, Any, Any]:
        """Values, rows and columns."""
        values, first, second = self._arrays
        if self._form == "coo":
            return values, first, second
        begins = known_elements(second)
        assert begins is not None
        major = o.constant(np.repeat(np.arange(len(begins) - 1), np.diff(begins)))
        return (values, major, first) if self._form == "csr" else (values, first, major)

    def __matmul__(self, other: Any) -> Any:
        if hasattr(other, "stands_for") and not isinstance(other, Sparse):
            return other.__rmatmul__(self)
        x = o.as_traced(other)
        if x.ndim not in (1, 2) or not isinstance(other, (TracedArray, np.ndarray, list, tuple)):
            return self._built @ other
        if x.extents[0] != self.shape[1]:
            fail(ShapeError, f"matmul: a sparse matrix of shape {self.shape} and an array of shape {x.extents}")
        return product(self._form, self._arrays, self.shape, x)

    def __rmatmul__(self, other: Any) -> Any:
        x = o.as_traced(other)
        return self.T @ x if x.ndim == 1 else (self.T @ x.T).T

    def __mul__(self, other: Any) -> Any:
        if isinstance(other, TracedArray) and other.ndim and self._is_matrix:
            return self @ other
        return self._built * other

    def __rmul__(self, other: Any) -> Any:
        if isinstance(other, TracedArray) and other.ndim and self._is_matrix:
            return other @ self
        return other * self._built

    def __truediv__(self, other: Any) -> Any:
        return self._built / other

    def __neg__(self) -> Any:
        return -self._built

    def __add__(self, other: Any) -> Any:
        return self._built + other

    def __radd__(self, other: Any) -> Any:
        return other + self._built

    def __sub__(self, other: Any) -> Any:
        return self._built - other

    def __rsub__(self, other: Any) -> Any:
        return other - self._built

    def __pow__(self, other: Any) -> Any:
        return self._built ** other

    def __abs__(self) -> Any:
        return abs(self._built)

    def __getitem__(self, key: Any) -> Any:
        return self._built[key]

    @property
    def _built(self) -> Any:
        """The same with its places known."""
        return with_places(self)

    @property
    def _is_matrix(self) -> bool:
        """Whether `*` is the product of matrices."""
        return type(self._matrix).__name__.endswith("_matrix")

    def __getattr__(self, name: str) -> Any:
        if name in ARRAYS[self._form] and self._form == getattr(self._matrix, "format", ""):
            return self._arrays[ARRAYS[self._form].index(name)]
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        return getattr(self._built, name)


def refuse(matrix: Any, what: str, instead: str) -> NoReturn:
    fail(UnsupportedError, f"{what} a {type(matrix).__name__} from outside is not supported; {instead}")


def stand_in(matrix: Any) -> Sparse:
    """The stand-in of a matrix from outside: one for each."""
    world = outside(current())
    entry = world.sparse.get(id(matrix))
    if entry is None:
        if len(matrix.shape) != 2:
            refuse(matrix, "a single axis of", "make it an array outside, by A.toarray()")
        world.enter(matrix.shape, Source("attribute", matrix, "shape"))
        form = matrix.format
        make = with_arrays if form in ARRAYS else with_diagonals if form == "dia" else converted
        found = make(matrix)
        entry = world.sparse[id(matrix)] = matrix, found
    return entry[1]


def with_arrays(matrix: Any) -> Sparse:
    arrays = tuple(o.captured(getattr(matrix, name), Source("attribute", matrix, name))
                   for name in ARRAYS[matrix.format])
    return Sparse(matrix, matrix.format, arrays, matrix.shape)


def with_diagonals(matrix: Any) -> Sparse:
    data, offsets = (o.captured(getattr(matrix, name), Source("attribute", matrix, name)) for name in DIAGONALS)
    return Sparse(matrix, "coo", from_diagonals(data, offsets, matrix.shape), matrix.shape)


def from_diagonals(data: TracedArray, offsets: TracedArray, shape: tuple[int, int]) -> tuple[TracedArray, ...]:
    """Values, rows and columns of what stands on diagonals; `data` has a row for each, by the columns."""
    places = known_elements(offsets)
    assert places is not None
    m, n = shape
    column = np.tile(np.arange(min(n, data.shape[1])), (len(places), 1))
    row = column - places[:, np.newaxis]
    diagonal, at = np.nonzero((row >= 0) & (row < m))
    values: Any = data[diagonal, column[diagonal, at]]
    return values, o.constant(row[diagonal, at]), o.constant(column[diagonal, at])


def converted(matrix: Any) -> Sparse:
    """One of another format (lil, dok, bsr), as the rows that it has while tracing: each call looks whether it
    still has them."""
    rows = matrix.tocsr()
    outside(current()).repeat(matrix.tocsr, (), {}, rows)
    return Sparse(rows, rows.format, tuple(o.captured(getattr(rows, name)) for name in ARRAYS[rows.format]), rows.shape)


def matrix_of(x: Any) -> Any:
    """For a library that runs as it is: the matrix itself, whose elements are then guarded."""
    if type(x) is not Sparse:
        return x
    if x._form != x._matrix.format:
        refuse(x._matrix, "passing to a library the transpose, or the diagonals, of",
               "write it as rows outside, by A.tocsr() or A.T.tocsr()")
    for a in x._arrays:
        known_elements(a)
    return x._matrix


def product(form: str, arrays: tuple[TracedArray, ...], shape: tuple[int, int], x: TracedArray) -> Any:
    """The matrix times x, a vector or a matrix."""
    from .hooks import Hooks
    dtype = np.result_type(arrays[0].dtype, x.dtype)
    y = o.as_array(o.filled(0, (shape[0], *x.extents[1:]), dtype))
    loops: Any = lifted({"csr": _rows, "csc": _columns, "coo": _entries}[form], Hooks)  # type: ignore[arg-type]
    loops(*arrays, x, y)
    return y


def _rows(data: Any, indices: Any, indptr: Any, x: Any, y: Any) -> None:
    for i in range(len(indptr) - 1):
        for k in range(indptr[i], indptr[i + 1]):
            y[i] += data[k] * x[indices[k]]


def _columns(data: Any, indices: Any, indptr: Any, x: Any, y: Any) -> None:
    for j in range(len(indptr) - 1):
        for k in range(indptr[j], indptr[j + 1]):
            y[indices[k]] += data[k] * x[j]


def _entries(data: Any, row: Any, col: Any, x: Any, y: Any) -> None:
    for k in range(len(data)):
        y[row[k]] += data[k] * x[col[k]]
