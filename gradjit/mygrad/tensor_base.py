"""MyGrad's Tensor: `gj.Tensor` with that library's habits.

A tensor of floats is a variable unless it is `constant`; each tensor that is alive at `backward` gets its gradient, an
ndarray; using a tensor in a new expression clears it; `backward` ends the graph, and what was in it are leaves again.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ..tensors import Tensor as Base, no_grad
from ..tensors.tensor import copied
from ..tensors.tensor_types import CONSTANT, LEAF, type_of_array
from ..tensors.trie import TensorCall

PLAIN = {
    np.all, np.allclose, np.any, np.argmax, np.argmin, np.bincount, np.ceil, np.equal, np.floor, np.floor_divide,
    np.fmod,
    np.greater, np.greater_equal, np.isclose, np.isfinite, np.isinf, np.isnan, np.isnat, np.less, np.less_equal,
    np.logical_and, np.logical_not, np.logical_or, np.logical_xor, np.mod, np.not_equal, np.remainder, np.rint,
    np.shares_memory, np.may_share_memory, np.sign, np.signbit, np.trunc, np.can_cast, np.result_type,
    np.min_scalar_type, np.shape, np.size, np.ndim, np.copyto,
}
"""Functions that give arrays and numbers, and no tensors."""


def _plain(x: Any) -> Any:
    if isinstance(x, Base):
        return x._value()
    if isinstance(x, list | tuple):
        return type(x)(map(_plain, x))
    return {k: _plain(v) for k, v in x.items()} if isinstance(x, dict) else x


def _comparison(name: str) -> Any:
    def compare(self: Any, other: Any) -> Any:
        return getattr(self._value(), name)(_plain(other))

    return compare


def _of_values(name: str) -> Any:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return getattr(self._value(), name)(*args, **kwargs)

    return method


class MyGradTensor(Base):
    """MyGrad's Tensor: an array that is a variable unless it is `constant`."""

    clears_gradients = True
    keeps_gradients = True
    _keeps_grad = True

    def __init__(self, x: Any, *, dtype: Any = None, constant: bool | None = None, copy: bool = True, ndmin: int = 0):
        if isinstance(x, Base) and dtype is None:
            a = x._value()
            constant = x.constant if constant is None and isinstance(x, Tensor) else constant
        else:
            try:
                a = np.asarray(_plain(x), dtype)
            except ValueError as e:
                raise TypeError(str(e)) from None
        if a.dtype.kind not in "biuf":
            raise TypeError(f"Tensor data must be of an floating type, integer type, or boolean type, received "
                            f"{a.dtype.type}")
        shared = not copy and a.flags.c_contiguous and a.flags.writeable
        self._array = a if shared else copied(a)
        self._exposed = shared
        if self._array.ndim < ndmin:
            self._array = self._array.reshape((1,) * (ndmin - self._array.ndim) + self._array.shape)
        self._declare(constant)

    def _declare(self, constant: bool | None) -> None:
        assert self._array is not None
        is_float = self._array.dtype.kind == "f"
        if constant is False and not is_float:
            raise ValueError("Integer-valued tensors must be treated as constants.")
        self._type = type_of_array(self._array, CONSTANT if constant or not is_float else LEAF)

    def _apply(self, func: Callable[..., Any], args: Any, kwargs: Any, floats: bool = False, kind: Any = TensorCall
               ) -> Any:
        if func in PLAIN:
            kwargs.pop("constant", None)
            return func(*_plain(args), **_plain(kwargs))
        if "constant" not in kwargs:
            return super()._apply(func, args, kwargs, floats, kind)
        kwargs = dict(kwargs)
        constant = kwargs.pop("constant")
        if constant:
            with no_grad():
                return super()._apply(func, args, kwargs, floats, kind)
        result = super()._apply(func, args, kwargs, floats, kind)
        if constant is False and isinstance(result, Tensor) and result.constant:
            if result.dtype.kind != "f":
                raise ValueError("Integer-valued tensors must be treated as constants.")
            result.requires_grad_(True)
        return result

    def _forget_graph(self, freed: Any) -> None:
        self._source = None
        self._type = self._type.with_role(LEAF)

    # what MyGrad has under other names --------------------------------------------------------------------------------
    @property
    def constant(self) -> bool:
        """Whether no gradient is computed for it, nor through it."""
        return not self.requires_grad

    @property
    def data(self) -> Any:
        """The elements as an ndarray."""
        return self._expose()

    @data.setter
    def data(self, value: Any) -> None:
        if value is not self._array:
            Base.data.__set__(self, value)  # type: ignore[attr-defined]

    @property
    def grad(self) -> Any:
        """The gradient that the last `backward` has found, an ndarray; None where there is none."""
        if self._base is None:
            return self._grad
        whole = self._base.grad
        if whole is None:
            return None
        step, operands, place = self._how
        from ..tensors.recording import leaves_of
        return leaves_of(step.run([whole if t is self._base else t._value() for t in operands]))[place]

    @grad.setter
    def grad(self, value: Any) -> None:
        self._grad = None if value is None else np.asarray(_plain(value))

    def _receive(self, g: np.ndarray) -> None:
        self._grad = g if self._grad is None else self._grad + g

    def backward(self, grad: Any = None) -> None:  # type: ignore[override] # MyGrad's own arguments
        """Compute the gradients of all tensors that this one, or the sum of its elements, was computed from."""
        if not self.constant:
            super().backward(grad)

    def null_grad(self, *, _clear_view_info: bool = False) -> Any:
        """Forget the gradient; the tensor itself."""
        self._grad = None
        return self

    def null_gradients(self, clear_graph: bool = True) -> None:
        """Forget the gradient; the graph behind it, too, if asked for."""
        self._grad = None
        if clear_graph:
            self.clear_graph()

    def clear_graph(self) -> None:
        """Make this tensor a leaf."""
        if not self.constant and self._base is None:
            self._value()
            self._settle()
            self._forget_graph(None)

    def moveaxis(self, source: Any, destination: Any, *, constant: bool | None = None) -> Any:
        return self._apply(np.moveaxis, (self, source, destination), asked(constant))

    @property
    def shape(self) -> tuple[int, ...]:
        return self._type.shape

    @shape.setter
    def shape(self, shape: Any) -> None:
        new = self._value().reshape(shape)
        if self._base is not None or not self.is_leaf:
            raise AttributeError("setting the shape is for tensors that own their elements and have no graph; write "
                                 "t = t.reshape(shape)")
        self._settle()
        self._array, self._type = new.copy(), type_of_array(new, self._type.role)

    def __repr__(self) -> str:
        return repr(self._value()).replace("array(", "Tensor(", 1).replace("\n", "\n ")

    any, argmax, argmin = map(_of_values, ("any", "argmax", "argmin"))
    __lt__, __le__, __gt__, __ge__ = map(_comparison, ("__lt__", "__le__", "__gt__", "__ge__"))
    __eq__, __ne__ = map(_comparison, ("__eq__", "__ne__"))
    __hash__ = None  # type: ignore[assignment] # as of an ndarray


Tensor = MyGradTensor
Tensor.__name__ = Tensor.__qualname__ = "Tensor"


def asked(constant: bool | None) -> dict[str, Any]:
    return {} if constant is None else {"constant": constant}


def operand_of(x: Any) -> Any:
    """An operand as a tensor: arrays and numbers are constants."""
    return x if isinstance(x, Tensor) else Tensor(x, constant=True)


def function(func: Callable[..., Any], sequence: bool = False) -> Callable[..., Any]:
    """A function of NumPy's as MyGrad has it: it gives tensors, and takes `constant=`. sequence: whether its first
    argument is a sequence of operands."""
    @functools.wraps(func)
    def call(*args: Any, constant: bool | None = None, **kwargs: Any) -> Any:
        first, *others = args
        if sequence:
            first = [operand_of(x) for x in first]
            of = next((x for x in first if isinstance(x, Tensor)), None)
            if of is None:
                return func(*args, **kwargs)
        else:
            known = next((x for x in args if isinstance(x, Tensor)), None)
            if known is None:
                first = operand_of(first)
            of = first if known is None else known
        return of._apply(func, (first, *others), {**kwargs, **asked(constant)})

    call.__module__ = "gradjit.mygrad"
    return call


def composed(func: Callable[..., Any]) -> Callable[..., Any]:
    """A function that is written in tensors, with `constant=`."""
    @functools.wraps(func)
    def call(*args: Any, constant: bool | None = None, **kwargs: Any) -> Any:
        if constant:
            with no_grad():
                return func(*args, **kwargs)
        result = func(*args, **kwargs)
        if constant is False and result.constant:
            result.requires_grad_(True)
        return result

    return call


__all__ = ["PLAIN", "Tensor", "asked", "composed", "function", "operand_of"]
