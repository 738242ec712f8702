"""scipy.sparse.linalg.LinearOperator inside traced functions: a product that is a function of the user's.

SciPy's iterative solvers run on the compiled function. Of the solution the derivative is that of A x = b: one more
solution by the same method, in reverse with the transposed product, which is the derivative of the function (the
product is linear), so that no matrix is ever formed.
"""

from __future__ import annotations

import functools
import importlib
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from ...errors import ShapeError, UnsupportedError
from ...probe import peek
from ...tracer import libraries
from ...tracer.calls import as_it_is, call
from ...tracer.locations import fail
from ...tracer.numpy.common import static
from ...tracer.operands import as_traced, is_traced
from ..functions import grad, jit, vjp
from ..implicit import Equation, like
from ..primitive import primitive

Function = Callable[..., Any]


def scipys() -> Any:
    return importlib.import_module("scipy.sparse.linalg")


class Operator:
    """What stands for a LinearOperator."""

    __array_ufunc__ = None  # an array leaves the product to it

    def __init__(self, shape: Any, product: Function, transposed: Function | None = None, dtype: Any = None):
        self.shape, self.product, self.transposed = tuple(shape), product, transposed
        self.dtype = np.dtype(float if dtype is None else dtype)
        self.ndim = 2

    def matvec(self, x: Any) -> Any:
        return self.of_column(self.product, as_traced(x), self.shape[1])

    def rmatvec(self, x: Any) -> Any:
        return self.of_column(self.turned, as_traced(x), self.shape[0])

    @staticmethod
    def of_column(f: Function, x: Any, count: int) -> Any:
        if x.extents not in ((count,), (count, 1)):
            fail(ShapeError, f"the product of a LinearOperator of {count} columns with an array of shape {x.shape}")
        found = as_traced(call(f, np.reshape(x, count)))
        return np.reshape(found, (-1, 1)) if x.ndim == 2 else np.reshape(found, -1)

    def turned(self, x: Any) -> Any:
        """The product with the adjoint matrix: the user's, or by the derivative of the product."""
        if self.transposed is not None:
            return call(self.transposed, x)
        return call(vjp, functools.partial(call, self.product), np.zeros(self.shape[1]))[1](x)[0]

    def matmat(self, x: Any) -> Any:
        x = as_traced(x)
        return np.stack([self.matvec(x[:, k]) for k in range(x.extents[1])], axis=1)

    def __matmul__(self, x: Any) -> Any:
        if isinstance(x, Operator):
            return Operator((self.shape[0], x.shape[1]), lambda v: self.matvec(x.matvec(v)),
                            lambda v: x.rmatvec(self.rmatvec(v)))
        x = as_traced(x)
        return self.matvec(x) if x.ndim == 1 else self.matmat(x)

    dot = __call__ = __matmul__

    def __add__(self, other: Any) -> Operator:
        return Operator(self.shape, lambda v: self.matvec(v) + other.matvec(v),
                        lambda v: self.rmatvec(v) + other.rmatvec(v))

    def __mul__(self, factor: Any) -> Any:
        if isinstance(factor, Operator) or np.ndim(factor):
            return self @ factor
        return Operator(self.shape, lambda v: factor * self.matvec(v), lambda v: factor * self.rmatvec(v))

    __rmul__ = __mul__

    def adjoint(self) -> Operator:
        return Operator(self.shape[::-1], self.turned, self.product)

    @property
    def T(self) -> Operator:
        return self.adjoint()

    H = T
    transpose = adjoint


def operator_of(A: Any) -> Operator | None:
    """An operator that is, or stands for, SciPy's; None for anything else."""
    if isinstance(A, Operator):
        return A
    if type(A).__name__ != "_CustomLinearOperator":
        return None
    return Operator(A.shape, peek(A, "_CustomLinearOperator__matvec_impl"),
                    peek(A, "_CustomLinearOperator__rmatvec_impl"), A.dtype)


def made(shape: Any, matvec: Function, rmatvec: Any = None, matmat: Any = None, dtype: Any = None, rmatmat: Any = None,
         ) -> Operator:
    if dtype is not None and np.issubdtype(dtype, np.complexfloating):
        fail(UnsupportedError, "scipy.sparse.linalg.LinearOperator of complex numbers is not supported in a compiled "
                               "function; write its real and imaginary parts as one vector")
    return Operator(shape, matvec, rmatvec, dtype)


def as_operator(A: Any) -> Any:
    """aslinearoperator."""
    if not is_traced(A):
        return operator_of(A) or as_it_is(scipys().aslinearoperator, (A,), {})
    a: Any = as_traced(A)
    return Operator(a.extents, lambda v: a @ v, lambda v: np.transpose(a) @ v)


class OperatorSystem:
    """A system of equations whose matrix is an operator, and the method that solves it."""

    def __init__(self, name: str, a: Operator, b: Any, options: dict[str, Any]):
        self.name, self.options = name, options
        self.method = getattr(scipys(), name)
        self.product = Equation(a.product, like(b))
        self.size = a.shape[0]
        self.plain = jit(self.times)
        self.back = jit(self.times_transposed)

    def times(self, v: Any, *others: Any) -> Any:
        return np.reshape(self.product.values(v, *others)[0], -1)

    def times_transposed(self, v: Any, *others: Any) -> Any:
        return vjp(lambda x: self.times(x, *others), np.zeros(self.size))[1](v)[0]

    def run(self, adjoint: bool, b: np.ndarray, *others: Any) -> tuple[np.ndarray, np.int64]:
        f, g = (self.back, self.plain) if adjoint else (self.plain, self.back)
        operator = scipys().LinearOperator((self.size, self.size), dtype=float,
                                           matvec=lambda v: f(np.array(v, float).reshape(-1), *others),
                                           rmatvec=lambda v: g(np.array(v, float).reshape(-1), *others))
        is_same = not adjoint or self.name in ("cg", "minres")  # a preconditioner is that of the matrix itself
        options = {k: v for k, v in self.options.items() if is_same or k not in ("M", "M1", "M2")}
        if adjoint:
            options.pop("x0", None)
        x, info = self.method(operator, b, **options)
        if info and adjoint:
            warnings.warn(f"scipy.sparse.linalg.{self.name} has not converged for a derivative ({info=})",
                          RuntimeWarning, stacklevel=2)
        return np.asarray(x, float), np.int64(info)

    @functools.cache  # noqa: B019 (it lives as long as the program that is traced)
    def system(self, adjoint: bool) -> Function:
        def pull(cotangent: Any, result: Any, b: Any, *others: Any) -> Any:
            x, _ = self.system(adjoint)(b, *others)  # the result itself, with its derivative
            s, _ = self.system(not adjoint)(cotangent[0], *others)
            left, right = (x, s) if adjoint else (s, x)
            moving = [k for k, h in enumerate(others) if as_traced(h).ir_dtype.is_inexact]
            slopes: list[Any] = [None] * len(others)

            def along(*moved: Any) -> Any:
                given = list(others)
                for k, x in zip(moving, moved, strict=True):
                    given[k] = x
                return -np.sum(left * self.times(right, *given))

            if moving:
                found = grad(along, tuple(range(len(moving))))(*(others[k] for k in moving))
                for k, slope in zip(moving, found, strict=True):
                    slopes[k] = slope
            return (s, *slopes)

        return primitive(functools.partial(self.run, adjoint), vjp=pull,
                         out=lambda b, *_: (np.zeros(self.size), np.int64(0)))


def solved_by_operator(name: str, A: Any, b: Any, x0: Any, options: dict[str, Any]) -> Any:
    """The solution, and what the method tells; None where A is no operator."""
    a = operator_of(A)
    if a is None:
        return None
    right: Any = as_traced(b) * 1.0
    if a.shape != (right.extents[0],) * 2 or right.ndim > 2 or right.extents[1:] not in ((), (1,)):
        fail(ShapeError, f"scipy.sparse.linalg.{name}: an operator of shape {a.shape} and a right-hand side of shape "
                         f"{right.shape}")
    options = {k: static(x, f"{k}=") if is_traced(x) else x for k, x in {"x0": x0, **options}.items()}
    if any(isinstance(x, Operator) for x in options.values()):
        fail(UnsupportedError, f"scipy.sparse.linalg.{name} with a preconditioner that is a LinearOperator made "
                               f"here; the solution does not depend on it: make it outside")
    system = OperatorSystem(name, a, np.zeros(a.shape[0]), options)
    return system.system(False)(np.reshape(right, -1), *system.product.others)


FILE = "scipy.sparse.linalg._interface"
libraries.SOLVERS.update({(FILE, "LinearOperator"): made, (FILE, "aslinearoperator"): as_operator})
