"""Sparse matrices that are made of traced values: what stands where is known, the values are traced.

They are entries (row, column, value), of which several may name one place, as in SciPy's COO format; a stand-in keeps
the order in which its format has them. Products gather and add up along the known places.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from ..errors import ArgumentError, ShapeError, UnsupportedError
from . import grown, operands as o
from .array import TracedArray
from .known_elements import known_elements
from .locations import fail, with_place
from .sparse import BUILT, Sparse, is_sparse
from .structures import Unroll

Rule = Callable[..., Any]


class BuiltSparse:
    """What stands for a sparse matrix whose values are traced."""

    __array_ufunc__ = None  # an array leaves the operators to it
    ndim = 2

    def __init__(self, cls: type, rows: np.ndarray, columns: np.ndarray, values: Any, shape: tuple[int, int],
                 as_scipy: bool = False):
        self.stands_for, self.rows, self.columns, self.shape = cls, rows, columns, shape
        self.as_scipy = as_scipy  # whether the values stand in the order in which SciPy would have them
        self.values: Any = o.as_traced(values)

    def like(self, values: Any) -> BuiltSparse:
        """The same places with other values."""
        return BuiltSparse(self.stands_for, self.rows, self.columns, values, self.shape, self.as_scipy)

    # what it is -----------------------------------------------------------------------------------------------------
    @property
    def format(self) -> str:
        return str(self.stands_for.__name__)[:3]

    @property
    def dtype(self) -> np.dtype:
        return self.values.dtype

    @property
    def nnz(self) -> int:
        return len(self.rows)

    @property
    def data(self) -> Any:
        if not self.as_scipy:
            refuse(".data of a result, whose order is SciPy's own affair,")
        return self.values

    @property
    def row(self) -> Any:
        return o.constant(self.rows)

    @property
    def col(self) -> Any:
        return o.constant(self.columns)

    @property
    def T(self) -> BuiltSparse:
        cls = TURNED.get(self.stands_for.__name__, self.stands_for.__name__)
        return BuiltSparse(in_scipy(cls), self.columns, self.rows, self.values, self.shape[::-1])

    def transpose(self, axes: Any = None, copy: bool = False) -> BuiltSparse:
        return self.T

    def conj(self, copy: bool = True) -> BuiltSparse:
        return self.like(np.conj(self.values))

    def copy(self) -> BuiltSparse:
        return self.like(self.values.copy())

    # other forms ----------------------------------------------------------------------------------------------------
    def toarray(self, order: Any = None, out: Any = None) -> Any:
        if order not in (None, "C") or out is not None:
            refuse("toarray(order=, out=)")
        y = np.zeros(self.shape, self.dtype)
        flat = o.emit("scatter_add", o.constant(y.reshape(-1)), o.constant(self.rows * self.shape[1] + self.columns),
                      self.values, axes=(0,))
        return np.reshape(flat, self.shape)

    def todense(self) -> Any:
        return self.toarray()

    def tocsr(self, copy: bool = False) -> BuiltSparse:
        return self if self.format == "csr" else summed(self, f"csr{self.kind}", self.rows, self.columns)

    def tocsc(self, copy: bool = False) -> BuiltSparse:
        return self if self.format == "csc" else summed(self, f"csc{self.kind}", self.columns, self.rows)

    def tocoo(self, copy: bool = False) -> BuiltSparse:
        return BuiltSparse(in_scipy(f"coo{self.kind}"), self.rows, self.columns, self.values, self.shape,
                           self.as_scipy and self.format != "csc")

    def asformat(self, format: str | None, copy: bool = False) -> Any:
        return self if format is None else getattr(self, f"to{format}")()

    @property
    def kind(self) -> str:
        """`_matrix` or `_array`, as its class is called."""
        return str(self.stands_for.__name__)[3:]

    def sum_duplicates(self) -> None:
        made = summed(self, self.stands_for.__name__, *((self.rows, self.columns)[::-1 if self.format == "csc" else 1]))
        self.rows, self.columns, self.values = made.rows, made.columns, made.values
        self.as_scipy = self.as_scipy and self.format != "coo"

    # arithmetic -----------------------------------------------------------------------------------------------------
    def dot(self, other: Any) -> Any:
        return self @ other

    def __matmul__(self, other: Any) -> Any:
        if (b := built(other)) is not None:
            return product(self, b)
        x: Any = o.as_traced(other)
        if x.ndim not in (1, 2):
            refuse(f"@ an array of {x.ndim} axes")
        if x.extents[0] != self.shape[1]:
            fail(ShapeError, f"matmul: a sparse matrix of shape {self.shape} and an array of shape {x.extents}")
        values = self.values if x.ndim == 1 else self.values[:, np.newaxis]
        terms = o.as_traced(values * x[self.columns])
        room = o.filled(0, (self.shape[0], *x.extents[1:]), terms.dtype)
        return o.emit("scatter_add", room, o.constant(self.rows), terms, axes=(0,))

    def __rmatmul__(self, other: Any) -> Any:
        if (b := built(other)) is not None:
            return product(b, self)
        x = o.as_traced(other)
        return self.T @ x if x.ndim == 1 else (self.T @ x.T).T

    def multiply(self, other: Any) -> BuiltSparse:
        """By a number, or element by element."""
        if (b := built(other)) is not None:
            return self.like(self.values * b.toarray()[self.rows, self.columns]).pruned(b)
        x: Any = o.as_traced(other)
        return self.like(self.values * (x if not x.ndim else o.broadcast_to(x, self.shape)[self.rows, self.columns]))

    def __mul__(self, other: Any) -> Any:
        if is_number(other):
            return self.like(self.values * other)
        return self @ other if self.kind == "_matrix" else self.multiply(other)

    def __rmul__(self, other: Any) -> Any:
        if is_number(other):
            return self.like(other * self.values)
        return other @ self if self.kind == "_matrix" else self.multiply(other)

    def __truediv__(self, other: Any) -> BuiltSparse:
        return self.like(self.values / other) if is_number(other) else refuse("/ an array")

    def pruned(self, b: BuiltSparse) -> BuiltSparse:
        """Only the places that b has, too."""
        both = np.isin(self.rows * self.shape[1] + self.columns, b.rows * self.shape[1] + b.columns)
        at = np.flatnonzero(both)
        return BuiltSparse(self.stands_for, self.rows[at], self.columns[at], self.values[at], self.shape)

    def power(self, n: Any, dtype: Any = None) -> BuiltSparse:
        """Element by element."""
        return self.once().like(self.once().values ** n)

    def once(self) -> BuiltSparse:
        """With one entry at each place."""
        return self.tocsr() if self.format == "coo" else self

    def __pow__(self, n: Any) -> Any:
        if self.kind == "_array":
            return self.power(n)
        made = self
        for _ in range(o.static_int(n, "the exponent of a sparse matrix") - 1):
            made = made @ self
        return made

    def __abs__(self) -> BuiltSparse:
        return self.once().like(np.abs(self.once().values))

    def maximum(self, other: Any) -> Any:
        return refuse("maximum") if built(other) is not None else np.maximum(self.toarray(), other)

    def max(self, axis: Any = None) -> Any:
        return np.max(self.toarray(), axis)

    def min(self, axis: Any = None) -> Any:
        return np.min(self.toarray(), axis)

    def mean(self, axis: Any = None) -> Any:
        return self.sum(axis) / (self.shape[0] * self.shape[1] if axis is None else self.shape[axis])

    def nonzero(self) -> Any:
        return self.once().row, self.once().col

    def tolil(self, copy: bool = False) -> BuiltSparse:
        return self.tocsr()

    def __neg__(self) -> BuiltSparse:
        return self.like(-self.values)

    def __add__(self, other: Any) -> Any:
        b = built(other)
        if b is None:
            return self.toarray() + other
        if b.shape != self.shape:
            fail(ShapeError, f"inconsistent shapes {self.shape} and {b.shape}")
        both = BuiltSparse(in_scipy(f"coo{self.kind}"), np.concatenate([self.rows, b.rows]),
                           np.concatenate([self.columns, b.columns]), np.concatenate([self.values, b.values]),
                           self.shape)
        return both.tocsc() if self.format == "csc" else both.tocsr()

    def __radd__(self, other: Any) -> Any:
        return self + other

    def __sub__(self, other: Any) -> Any:
        b = built(other)
        return self + (-other if b is None else -b)

    def __rsub__(self, other: Any) -> Any:
        return -self + other

    # reductions -----------------------------------------------------------------------------------------------------
    def sum(self, axis: Any = None) -> Any:
        if axis is None:
            return np.sum(self.values)
        along = axis % 2
        places, n = ((self.columns, self.shape[1]), (self.rows, self.shape[0]))[along]
        found = o.emit("scatter_add", o.filled(0, (n,), self.dtype), o.constant(places), self.values, axes=(0,))
        return np.expand_dims(found, along) if self.kind == "_matrix" else found

    def diagonal(self, k: int = 0) -> Any:
        on = np.flatnonzero(self.columns - self.rows == k)
        n = max(min(self.shape[0] + min(k, 0), self.shape[1] - max(k, 0)), 0)
        places = (self.rows if k >= 0 else self.columns)[on]
        return o.emit("scatter_add", o.filled(0, (n,), self.dtype), o.constant(places), self.values[on], axes=(0,))

    def trace(self, offset: int = 0) -> Any:
        return np.sum(self.diagonal(offset))

    def __getitem__(self, key: Any) -> Any:
        """The rows and columns that slices and indices name, each of which at most once."""
        keys = key if isinstance(key, tuple) else (key, slice(None))
        if len(keys) != 2 or any(isinstance(k, (int, np.integer)) or np.ndim(k) > 1 for k in keys) or all(
                not isinstance(k, slice) for k in keys):
            refuse("indexing but by slices, and by indices of rows or of columns,")
        kept, places, shape = np.ones(self.nnz, bool), [], []
        for k, of, n in zip(keys, (self.rows, self.columns), self.shape, strict=True):
            named = np.arange(n)[k if isinstance(k, slice) else known_key(k)]
            if len(np.unique(named)) != len(named):
                refuse("indexing by indices that come twice")
            place = np.full(n, -1)
            place[named] = np.arange(len(named))
            places.append(place[of])
            kept &= places[-1] >= 0
            shape.append(len(named))
        made = BuiltSparse(self.stands_for, places[0][kept], places[1][kept], self.values[np.flatnonzero(kept)],
                           (shape[0], shape[1]))
        return made if self.format == "coo" else made.asformat(self.format)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        refuse(name)


TURNED = {"csr_matrix": "csc_matrix", "csc_matrix": "csr_matrix", "csr_array": "csc_array", "csc_array": "csr_array"}


def in_scipy(name: str) -> Any:
    import scipy.sparse
    return getattr(scipy.sparse, name)


def refuse(what: str) -> NoReturn:
    fail(UnsupportedError, f"{what} of a sparse matrix with traced values is not supported: products, sums, "
                           f"differences, multiples, .T, .sum, .diagonal, .toarray, scipy.sparse.linalg.spsolve are; "
                           f"write the rest with .toarray()")


def is_number(x: Any) -> bool:
    return isinstance(x, (int, float, complex, np.generic)) or (isinstance(x, TracedArray) and not x.ndim)


def built(x: Any) -> BuiltSparse | None:
    """A sparse matrix with its places known; None for anything else."""
    if isinstance(x, Sparse):
        values, *places = x.entries()
        rows, columns = (known(p, "the places of a sparse matrix") for p in places)
        return BuiltSparse(x.stands_for, rows, columns, values, x.shape)
    if is_sparse(x):  # one that SciPy has made inside, of known values
        m = x.tocoo()
        return BuiltSparse(in_scipy("csr" + type(x).__name__[3:]), m.row.astype(np.int64), m.col.astype(np.int64),
                           o.constant(m.data), m.shape)
    if hasattr(type(x), "as_built"):
        made: BuiltSparse = x.as_built()
        return made
    return x if isinstance(x, BuiltSparse) else None


BUILT.append(built)


def known(x: Any, what: str) -> np.ndarray:
    """Indices, which must be known while tracing."""
    found = known_elements(o.as_traced(x))
    if found is not None:
        return np.asarray(found, np.int64)
    message = f"{what} must be known while the function is traced; they are "
    if grown.is_grown(x) and (loc := next((i.made_at for i in x if type(i) is grown.Tail and i.made_at), None)):
        raise Unroll(with_place(f"{message}those of a list that a loop has made"), loc)  # as Python's they may be
    fail(UnsupportedError, f"{message}{x!r}")


def known_key(x: Any) -> np.ndarray:
    """Indices, or a mask, of rows or columns."""
    found = known_elements(o.as_traced(x))
    if found is None:
        fail(UnsupportedError, f"rows and columns of a sparse matrix must be known while the function is traced; they "
                               f"are {x!r}")
    return np.asarray(found)


def summed(a: BuiltSparse, name: str, first: np.ndarray, second: np.ndarray) -> BuiltSparse:
    """In the order of the first places, then of the second; what names one place is one entry."""
    order = np.lexsort((second, first))
    pairs = np.stack([a.rows, a.columns])[:, order]
    new = np.concatenate([[True], np.any(pairs[:, 1:] != pairs[:, :-1], axis=0)])[:a.nnz]
    values = a.values[order] if np.any(order != np.arange(a.nnz)) else a.values
    if not np.all(new):
        room = o.filled(0, (int(np.sum(new)),), a.dtype)
        values = o.emit("scatter_add", room, o.constant(np.cumsum(new) - 1), values, axes=(0,))
    as_scipy = a.as_scipy and (a.format == "coo" or bool(np.all(new)))
    return BuiltSparse(in_scipy(name), pairs[0][new], pairs[1][new], values, a.shape, as_scipy)


def product(a: BuiltSparse, b: BuiltSparse) -> BuiltSparse:
    """Each entry of a times those of the row of b that its column names."""
    if a.shape[1] != b.shape[0]:
        fail(ShapeError, f"matmul: sparse matrices of shapes {a.shape} and {b.shape}")
    order = np.argsort(b.rows, kind="stable")
    begin, end = (np.searchsorted(b.rows[order], a.columns, side) for side in ("left", "right"))
    counts = end - begin
    left = np.repeat(np.arange(a.nnz), counts)
    right = order[np.repeat(begin - np.concatenate([[0], np.cumsum(counts)[:-1]]), counts) + np.arange(len(left))]
    whole = BuiltSparse(in_scipy(f"coo{a.kind}"), a.rows[left], b.columns[right], a.values[left] * b.values[right],
                        (a.shape[0], b.shape[1]))
    return whole.tocsr()


# making ---------------------------------------------------------------------------------------------------------------
def _of(name: str) -> Rule:
    """csr_matrix, coo_array, ...: of (data, (row, col)), (data, indices, indptr), a sparse matrix or a dense array."""
    form = name[:3]

    def make(arg1: Any, shape: Any = None, dtype: Any = None, copy: bool = False) -> BuiltSparse:
        if (b := built(arg1)) is not None:
            return b.asformat(form)
        if isinstance(arg1, tuple) and len(arg1) == 2:
            rows, columns = (known(p, "the places of a sparse matrix") for p in arg1[1])
            made = BuiltSparse(in_scipy(f"coo{name[3:]}"), rows, columns, arg1[0], extent(shape, rows, columns), True)
            made = made if form == "coo" else made.asformat(form)
        elif isinstance(arg1, tuple) and len(arg1) == 3 and form != "coo":
            minor, begins = (known(p, "the places of a sparse matrix") for p in arg1[1:])
            major = np.repeat(np.arange(len(begins) - 1), np.diff(begins))
            rows, columns = (major, minor) if form == "csr" else (minor, major)
            if shape is None:
                longest = int(minor.max(initial=-1)) + 1
                shape = (len(begins) - 1, longest) if form == "csr" else (longest, len(begins) - 1)
            made = BuiltSparse(in_scipy(name), rows, columns, arg1[0], extent(shape, rows, columns), True)
        else:
            x: Any = o.as_traced(arg1)
            if x.ndim != 2 or not x.type.is_static:
                fail(UnsupportedError, f"a sparse matrix of an array of {x.ndim} axes")
            rows, columns = (i.reshape(-1) for i in np.indices(x.shape))
            made = BuiltSparse(in_scipy(f"csr{name[3:]}"), rows, columns, np.reshape(x, -1), x.shape).asformat(form)
        if made.values.ndim != 1 or made.values.extents[0] != len(made.rows):
            fail(ArgumentError, f"row, column, and data array must all be the same length; there are {len(made.rows)} "
                                f"places and values of shape {made.values.extents}")
        return made if dtype is None else made.like(o.cast(made.values, dtype))

    return make


def extent(shape: Any, rows: np.ndarray, columns: np.ndarray) -> tuple[int, int]:
    if shape is None:
        return int(rows.max(initial=-1)) + 1, int(columns.max(initial=-1)) + 1
    m, n = (o.static_int(e, "a shape") for e in shape)
    if any(len(p) and (p.min() < 0 or p.max() >= e) for p, e in ((rows, m), (columns, n))):
        fail(ArgumentError, f"a place of a sparse matrix is beyond its shape {(m, n)}")
    return m, n


def _diagonals(kind: str) -> Rule:
    """scipy.sparse.diags and diags_array."""

    def make(diagonals: Any, offsets: Any = 0, shape: Any = None, format: Any = None, dtype: Any = None) -> Any:
        lines = list(diagonals) if isinstance(diagonals, (list, tuple)) and np.ndim(offsets) else [diagonals] if (
            not isinstance(diagonals, (list, tuple)) or not hasattr(diagonals[0], "__len__")) else list(diagonals)
        places = np.atleast_1d(known(offsets, "the offsets of diagonals"))
        if len(lines) != len(places):
            fail(ArgumentError, "Different number of diagonals and offsets.")
        parts: list[Any] = [o.as_array(o.as_traced(x)).reshape(-1) for x in lines]
        if shape is None:
            size = parts[0].extents[0] + abs(int(places[0]))
            shape = (size, size)
        m, n = (o.static_int(e, "a shape") for e in shape)
        rows, columns, values = [], [], []
        for k, x in zip(places.tolist(), parts, strict=True):
            length = min(m + k, n - k, m, n)
            if length <= 0 or x.extents[0] not in (1, length):
                fail(ArgumentError, f"Diagonal length (at offset {k}: {x.extents[0]}) does not agree with array size "
                                    f"({m}, {n}).")
            start = np.arange(length)
            rows.append(start + max(-k, 0))
            columns.append(start + max(k, 0))
            values.append(o.broadcast_to(x, (length,)))
        made = BuiltSparse(in_scipy(f"coo{kind}"), np.concatenate(rows), np.concatenate(columns),
                           np.concatenate(values), (m, n))
        made = made if dtype is None else made.like(o.cast(made.values, dtype))
        return made.asformat("csr" if format in (None, "dia") else format)

    return make


def joined(blocks: Any, format: Any = None) -> BuiltSparse:
    """A matrix of blocks, in rows and columns; None for zeros."""
    found = [[built(b) if b is not None and not (o.is_traced(b) and isinstance(b, TracedArray)) else b and _of(
        "csr_matrix")(b) for b in row] for row in blocks]
    heights, widths = np.zeros(len(found), int), np.zeros(len(found[0]), int)
    for i, row in enumerate(found):
        for j, b in enumerate(row):
            if b is not None:
                heights[i], widths[j] = b.shape
    down, across = (np.concatenate([[0], np.cumsum(e)]) for e in (heights, widths))
    parts = [(b, down[i], across[j]) for i, row in enumerate(found) for j, b in enumerate(row) if b is not None]
    for b, i, j in parts:
        if b.shape != (heights[np.searchsorted(down, i, "right") - 1], widths[np.searchsorted(across, j, "right") - 1]):
            fail(ShapeError, f"blocks of a sparse matrix have inconsistent shapes; one is {b.shape}")
    kind = parts[0][0].kind
    whole = BuiltSparse(in_scipy(f"coo{kind}"), np.concatenate([b.rows + i for b, i, _ in parts]),
                        np.concatenate([b.columns + j for b, _, j in parts]),
                        np.concatenate([b.values for b, _, _ in parts]), (int(down[-1]), int(across[-1])))
    return whole.asformat("csr" if format in (None, "lil", "dia") else format)


def kron(A: Any, B: Any, format: Any = None) -> BuiltSparse:
    a, b = (built(x) or _of("csr_matrix")(x) for x in (A, B))
    rows = a.rows[:, np.newaxis] * b.shape[0] + b.rows
    columns = a.columns[:, np.newaxis] * b.shape[1] + b.columns
    made = BuiltSparse(in_scipy(f"coo{a.kind}"), rows.reshape(-1), columns.reshape(-1),
                       np.reshape(a.values[:, np.newaxis] * b.values, -1),
                       (a.shape[0] * b.shape[0], a.shape[1] * b.shape[1]))
    return made.asformat("csr" if format is None else format)


def norm(x: Any, ord: Any = None, axis: Any = None) -> Any:
    """scipy.sparse.linalg.norm."""
    a = (built(x) or refuse("norm of a dense array")).once()
    if ord in (None, "fro") and axis is None:
        return np.sqrt(np.sum(np.abs(a.values) ** 2))
    return np.linalg.norm(a.toarray(), ord, axis)


STACKS: dict[str, Rule] = {
    "vstack": lambda blocks, format=None, dtype=None: joined([[b] for b in blocks], format),
    "hstack": lambda blocks, format=None, dtype=None: joined([list(blocks)], format),
    "bmat": lambda blocks, format=None, dtype=None: joined(blocks, format),
    "block_array": lambda blocks, *, format=None, dtype=None: joined(blocks, format),
    "block_diag": lambda mats, format=None, dtype=None: joined(
        [[b if i == j else None for j in range(len(mats))] for i, b in enumerate(mats)], format),
}
RULES: dict[tuple[str, str], Rule] = {
    **{(f"scipy.sparse._{form}", f"{form}_{kind}"): _of(f"{form}_{kind}")
       for form in ("csr", "csc", "coo") for kind in ("matrix", "array")},
    ("scipy.sparse._construct", "diags"): _diagonals("_matrix"),
    ("scipy.sparse._construct", "diags_array"): _diagonals("_array"),
}
