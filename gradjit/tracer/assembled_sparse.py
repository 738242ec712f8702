"""Sparse matrices that are assembled entry by entry (`lil_matrix`, `dok_matrix`), and SciPy's functions of sparse
matrices that do not dispatch."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import UnsupportedError
from . import libraries, operands as o
from .built_sparse import STACKS, BuiltSparse, built, kron, norm
from .calls import as_it_is
from .locations import fail
from .sparse import Sparse

Rule = Callable[..., Any]
MOST = 1 << 20
"""Elements of a matrix that is assembled as a dense one. Its zeros are left away when a system is solved."""


class AssembledSparse:
    """What stands for a lil_matrix: a dense array that is written to, and becomes a sparse matrix of all its places."""

    __array_ufunc__ = None
    ndim = 2

    def __init__(self, cls: type, dense: Any):
        self.stands_for, self.dense = cls, dense
        self.shape = dense.extents

    @property
    def kind(self) -> str:
        return str(self.stands_for.__name__)[3:]

    @property
    def format(self) -> str:
        return str(self.stands_for.__name__)[:3]

    @property
    def dtype(self) -> Any:
        return self.dense.dtype

    @property
    def T(self) -> AssembledSparse:
        return AssembledSparse(self.stands_for, self.dense.T.copy())

    def transpose(self) -> AssembledSparse:
        return self.T

    def __getitem__(self, key: Any) -> Any:
        found = self.dense[key]
        return AssembledSparse(self.stands_for, o.as_traced(found).copy()) if np.ndim(found) == 2 else found

    def __setitem__(self, key: Any, value: Any) -> None:
        b = built(value) if not isinstance(value, AssembledSparse) else None
        self.dense[key] = value.dense if isinstance(value, AssembledSparse) else value if b is None else b.toarray()

    def setdiag(self, values: Any, k: int = 0) -> None:
        n = min(self.shape[0] + min(k, 0), self.shape[1] - max(k, 0))
        at = np.arange(n)
        self.dense[at + max(-k, 0), at + max(k, 0)] = values

    def toarray(self, order: Any = None, out: Any = None) -> Any:
        return self.dense.copy()

    todense = toarray

    def copy(self) -> AssembledSparse:
        return AssembledSparse(self.stands_for, self.dense.copy())

    def tocsr(self, copy: bool = False) -> BuiltSparse:
        rows, columns = (i.reshape(-1) for i in np.indices(self.shape))
        cls = getattr(importlib.import_module("scipy.sparse"), f"csr{self.kind}")
        return BuiltSparse(cls, rows, columns, np.reshape(self.dense, -1), self.shape)

    def as_built(self) -> BuiltSparse:
        return self.tocsr()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        return getattr(self.tocsr(), name)


def _forwarded(name: str) -> Any:
    def method(self: AssembledSparse, *args: Any) -> Any:
        return getattr(self.tocsr(), name)(*args)

    return method


for _name in ("matmul", "rmatmul", "mul", "rmul", "truediv", "neg", "add", "radd", "sub", "rsub", "pow", "abs"):
    setattr(AssembledSparse, f"__{_name}__", _forwarded(f"__{_name}__"))


def assembled(name: str) -> Rule:
    """lil_matrix, dok_matrix and the arrays of these names: of a shape, a matrix or a dense array."""

    def make(arg1: Any, shape: Any = None, dtype: Any = None, copy: bool = False) -> AssembledSparse:
        cls = getattr(importlib.import_module("scipy.sparse"), name)
        if isinstance(arg1, tuple) and len(arg1) == 2 and not any(map(o.is_traced, arg1)):
            dense: Any = np.zeros(arg1, np.float64 if dtype is None else dtype)
        else:
            b = arg1.tocsr() if isinstance(arg1, AssembledSparse) else built(arg1)
            dense = arg1 if b is None else b.toarray()
        h = o.as_traced(dense)
        if h.size > MOST:
            fail(UnsupportedError, f"{name} of shape {tuple(h.extents)} is assembled as a dense array, which would be "
                                   f"too large; collect rows, columns and values, and write coo_matrix((values, (rows, "
                                   f"columns)), shape=...)")
        return AssembledSparse(cls, h.copy() if dtype is None else h.astype(dtype))

    return make


# functions of sparse matrices -----------------------------------------------------------------------------------------
def holds_sparse(x: Any) -> bool:
    if isinstance(x, (list, tuple)):
        return any(map(holds_sparse, x))
    return isinstance(x, (Sparse, BuiltSparse, AssembledSparse))


def of_sparse(name: str, rule: Rule, module: str = "scipy.sparse") -> Rule:
    """A function of a module, by its rule where a stand-in is among the arguments."""

    def function(*args: Any, **kwargs: Any) -> Any:
        if not any(holds_sparse(x) or o.is_traced(x) for x in (*args, *kwargs.values())):
            return as_it_is(getattr(importlib.import_module(module), name), args, kwargs)
        return rule(*map(plain, args), **kwargs)

    return function


def plain(x: Any) -> Any:
    if isinstance(x, (list, tuple)):
        return type(x)(map(plain, x))
    return x.tocsr() if isinstance(x, AssembledSparse) else x


ORDERS: dict[str, Callable[[Any], Any]] = {"LM": lambda w: -np.abs(w), "SM": np.abs, "LA": lambda w: -w,
                                           "SA": lambda w: w}
"""By which numbers the first eigenvalues are wanted."""
MOST_ROWS = 2000


def dense_of(a: Any, name: str) -> Any:
    b = built(a)
    h = o.as_traced(a) if b is None else b.toarray()
    if h.shape[0] > MOST_ROWS or h.shape[1] > MOST_ROWS:
        fail(UnsupportedError, f"scipy.sparse.linalg.{name} of a traced matrix of more than {MOST_ROWS} rows is not "
                               f"supported: derivatives are those of the dense one")
    return h


def eigsh(A: Any, k: int = 6, M: Any = None, sigma: Any = None, which: str = "LM", v0: Any = None, ncv: Any = None,
          maxiter: Any = None, tol: Any = 0, return_eigenvectors: bool = True, Minv: Any = None, OPinv: Any = None,
          mode: str = "normal", rng: Any = None) -> Any:
    """The first eigenvalues of a symmetric matrix in some order, from the smallest on, by the dense factorisation."""
    if M is not None or mode != "normal" or which not in ORDERS:
        fail(UnsupportedError, f"scipy.sparse.linalg.eigsh of a traced matrix: M=, mode=, which={which!r} are not "
                               f"supported; write scipy.linalg.eigh of A.toarray()")
    w, v = np.linalg.eigh(dense_of(A, "eigsh"))
    key = ORDERS[which](w if sigma is None else 1 / (w - sigma))
    first = np.sort(np.argsort(key)[:k])
    return (w[first], v[:, first]) if return_eigenvectors else w[first]


def svds(A: Any, k: int = 6, ncv: Any = None, tol: Any = 0, which: str = "LM", v0: Any = None, maxiter: Any = None,
         return_singular_vectors: Any = True, solver: str = "arpack", rng: Any = None, options: Any = None) -> Any:
    """The largest singular values, or the smallest ones, in ascending order, by the dense factorisation."""
    u, s, vt = np.linalg.svd(dense_of(A, "svds"), full_matrices=False)
    n = s.shape[0]
    at = np.arange(k - 1, -1, -1) if which == "LM" else np.arange(n - 1, n - 1 - k, -1)
    return (u[:, at], s[at], vt[at]) if return_singular_vectors else s[at]


def solvers() -> libraries.Rules:
    """The rules, which are asked for whatever the arguments are: stand-ins are no traced arrays."""
    made = {("scipy.sparse._construct", name): of_sparse(name, rule) for name, rule in {**STACKS, "kron": kron}.items()}
    for module, name, rule in (("_norm", "norm", norm), ("_eigen.arpack.arpack", "eigsh", eigsh),
                               ("_eigen._svds", "svds", svds)):
        made[f"scipy.sparse.linalg.{module}", name] = of_sparse(name, rule, "scipy.sparse.linalg")
    for form in ("lil", "dok"):
        for kind in ("matrix", "array"):
            made[f"scipy.sparse._{form}", f"{form}_{kind}"] = assembled(f"{form}_{kind}")
    return made


RULES = solvers()
