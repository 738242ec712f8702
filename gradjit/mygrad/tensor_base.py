"""MyGrad's Tensor: `gj.Tensor` with that library's habits.

A tensor of floats is a variable unless it is `constant`; each tensor that is alive at `backward` gets its gradient, an
ndarray; using a tensor in a new expression clears it; `backward` ends the graph, and what was in it are leaves again.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import ArgumentError
from ..tensors import Tensor as Base, is_grad_enabled, no_grad
from ..tensors.tensor_data import copied
from ..tensors.tensor_types import CONSTANT, LEAF, type_of_array
from ..tensors.trie import TensorCall, modes
from .errors import InvalidGradient

PLAIN = {
    np.all, np.allclose, np.any, np.argmax, np.argmin, np.bincount, np.ceil, np.equal, np.floor, np.floor_divide,
    np.fmod,
    np.greater, np.greater_equal, np.isclose, np.isfinite, np.isinf, np.isnan, np.isnat, np.less, np.less_equal,
    np.logical_and, np.logical_not, np.logical_or, np.logical_xor, np.mod, np.not_equal, np.remainder, np.rint,
    np.shares_memory, np.may_share_memory, np.sign, np.signbit, np.trunc, np.can_cast, np.result_type,
    np.min_scalar_type, np.shape, np.size, np.ndim, np.copyto, np.divmod,
}
"""Functions that give arrays and numbers, and no tensors."""
LIKE = {np.zeros_like, np.ones_like, np.full_like, np.empty_like}
"""Functions of a tensor's shape and dtype alone."""
OF_CONSTANTS = {np.floor_divide, np.remainder, np.mod, np.fmod, np.divmod, np.rint, np.sign, np.floor, np.ceil,
                np.trunc}
"""Those that one may take for differentiable: they are not called with variables."""
OF_MEMORY = {np.shares_memory, np.may_share_memory, np.copyto}
"""Those that look at the memory itself."""


def _plain(x: Any) -> Any:
    if isinstance(x, Base):
        return x._value()
    if isinstance(x, list | tuple):
        return type(x)(map(_plain, x))
    return {k: _plain(v) for k, v in x.items()} if isinstance(x, dict) else x


def plain_call(func: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """A function that gives no tensors, on the elements."""
    if func in OF_CONSTANTS and any(isinstance(x, Tensor) and not x.constant for x in args):
        raise ArgumentError(f"np.{func.__name__} of a variable: it has no derivative; write constant=True where the "
                            f"tensor is made, or x.data")
    if func in OF_MEMORY:
        args = [x._expose() if isinstance(x, Base) else x for x in args]
    kwargs = {k: v for k, v in kwargs.items() if k != "constant"}
    out = kwargs.get("out")
    if isinstance(out, tuple):
        out = kwargs["out"] = out[0]
    if isinstance(out, Base):
        out[...] = func(*_plain(args), **_plain({**kwargs, "out": None}))
        return out._value()
    return func(*_plain(args), **_plain(kwargs))


def _comparison(name: str) -> Any:
    def compare(self: Any, other: Any) -> Any:
        return getattr(self._value(), name)(_plain(other))

    return compare


def _of_values(name: str) -> Any:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return getattr(self._value(), name)(*args, **kwargs)

    return method


def _in_place(name: str) -> Any:
    def write(self: Any, other: Any) -> Any:
        return self._writing(lambda: getattr(Base, name)(self, other))

    return write


def _of_constants(func: np.ufunc, is_reflected: bool = False) -> Any:
    def operator_of(self: Any, other: Any) -> Any:
        return plain_call(func, (other, self) if is_reflected else (self, other), {})

    return operator_of


class MyGradTensor(Base):
    """MyGrad's Tensor: an array that is a variable unless it is `constant`."""

    clears_gradients = True
    keeps_gradients = True
    _keeps_grad = True
    _is_cleared = False
    """Of a view: whether `backward` began here."""

    def __init__(self, x: Any, *, dtype: Any = None, constant: bool | None = None, copy: bool = True, ndmin: int = 0):
        checked(constant)
        if isinstance(x, Base) and dtype is None:
            a = x._value() if copy else x._expose()
        else:
            try:
                a = np.asarray(_plain(x), dtype)
            except ValueError as e:
                raise TypeError(str(e)) from None
        if a.dtype.kind not in ("biuf" if is_grad_enabled() else "biufc"):
            raise TypeError(f"Tensor data must be of an floating type, integer type, or boolean type, received "
                            f"{a.dtype.type}")
        shared = not copy and a.flags.c_contiguous and a.flags.writeable and a.dtype.isnative
        ndmin = operator.index(ndmin)
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
        kwargs = dict(kwargs)
        if isinstance(func, np.ufunc) and len(args) > func.nin:
            args, kwargs["out"] = args[:func.nin], args[func.nin]
        if func in PLAIN:
            return plain_call(func, args, kwargs)
        if func in LIKE:
            return like(func, *args, **kwargs)
        constant = checked(kwargs.pop("constant", None))
        out = kwargs.get("out")
        out = out[0] if isinstance(out, tuple) else out
        if out is None:
            kwargs.pop("out", None)
            if isinstance(func, np.ufunc) and kwargs.get("where", True) is not True:
                kwargs["out"] = nothing_yet(func, args, kwargs)
        elif isinstance(out, Tensor):
            constant = constant or out.constant  # what is written to says whether derivatives pass
        else:
            del kwargs["out"]
            return self._into(out, func, args, kwargs, constant)
        if constant:
            for x in args:
                if isinstance(x, Tensor):
                    x._grad = None
            with no_grad():
                return super()._apply(func, args, kwargs, floats, kind)
        result = super()._apply(func, args, kwargs, floats, kind)
        return as_variable(result) if constant is False else result

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return self._apply_ufunc(ufunc, method, inputs, kwargs)

    def __array_function__(self, func: Callable[..., Any], types: Any, args: Any, kwargs: Any) -> Any:
        return self._apply(func, args, kwargs)

    def _into(self, out: np.ndarray, func: Any, args: Any, kwargs: Any, constant: bool | None) -> Any:
        """The result of a call, which is written to an array of the user's, and shares it from then on."""
        where = kwargs.get("where", True)
        if where is not True:
            are_constants = not any(isinstance(x, Tensor) and not x.constant for x in args)
            kwargs["out"] = Tensor(out, constant=are_constants if constant is None else constant)
        t = self._apply(func, args, {**kwargs, **asked(constant)})
        np.copyto(out, t._value(), casting="same_kind")
        if out.dtype != t.dtype:
            t = t.astype(out.dtype)
        t._value()
        if out.flags.c_contiguous and out.dtype.isnative:
            t._end_recording()
            t._array, t._exposed = out, True
        return t

    def _writing(self, write: Callable[[], Any]) -> Any:
        """A write in place: into a constant no derivative passes."""
        if not self.constant:
            return write()
        with no_grad():
            return write()

    def __setitem__(self, key: Any, value: Any) -> None:
        self._writing(lambda: Base.__setitem__(self, key, value))

    def _forget_graph(self, freed: Any) -> None:
        if self._type.role != LEAF:
            self._source = None
            self._type = self._type.with_role(LEAF)

    # what MyGrad has under other names --------------------------------------------------------------------------------
    @property
    def constant(self) -> bool:
        """Whether no gradient is computed for it, nor through it."""
        if modes.makes_variables and self._array is None and self._base is None:
            return self.dtype.kind != "f"  # a variable as soon as it is computed
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
        if self._has_new_shape:
            g = g.reshape(self.shape)
        self._grad = g if self._grad is None or self._is_stale else self._grad + g
        self._is_stale = False

    def backward(self, grad: Any = None) -> None:  # type: ignore[override] # MyGrad's own arguments
        """Compute the gradients of all tensors that this one, or the sum of its elements, was computed from."""
        if self.constant or not is_grad_enabled():
            return
        if grad is not None and np.asarray(_plain(grad)).dtype.kind not in "biuf":
            raise InvalidGradient(f"a gradient is an array of real numbers, not {grad!r}")
        super().backward(grad)
        self._is_cleared = self._base is not None

    @property
    def creator(self) -> str | None:
        """The name of the function that made it; None of a leaf, and behind `backward`."""
        return None if self._is_cleared else super().creator

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
            self._end_recording()
            self._forget_graph(None)

    def moveaxis(self, source: Any, destination: Any, *, constant: bool | None = None) -> Any:
        return self._apply(np.moveaxis, (self, source, destination), asked(constant))

    def __repr__(self) -> str:
        return repr(self._value()).replace("array(", "Tensor(", 1).replace("\n", "\n ")

    __str__ = __repr__

    def astype(self, dtype: Any, casting: Any = "unsafe", copy: bool = True, *, constant: bool | None = None) -> Any:
        """A copy of another dtype, which no derivative passes, as MyGrad has it."""
        a = self._value().astype(dtype, casting=casting)
        if not copy and a.dtype == self.dtype and constant in (None, self.constant):
            return self
        return type(self)(a, constant=constant)

    def copy(self, *, constant: bool | None = None) -> Any:
        """A copy of the elements, and of the gradient; no derivative passes it."""
        t = type(self)(self._value(), constant=self.constant if constant is None else constant)
        t._grad = None if self.grad is None else np.array(self.grad)
        return t

    __iadd__, __isub__, __imul__, __itruediv__, __ipow__, __imatmul__ = map(_in_place, (
        "__iadd__", "__isub__", "__imul__", "__itruediv__", "__ipow__", "__imatmul__"))
    __floordiv__, __mod__, __divmod__ = (_of_constants(f) for f in (np.floor_divide, np.remainder, np.divmod))
    __rfloordiv__, __rmod__, __rdivmod__ = (_of_constants(f, True) for f in (np.floor_divide, np.remainder, np.divmod))
    any, argmax, argmin = map(_of_values, ("any", "argmax", "argmin"))
    __lt__, __le__, __gt__, __ge__ = map(_comparison, ("__lt__", "__le__", "__gt__", "__ge__"))
    __eq__, __ne__ = map(_comparison, ("__eq__", "__ne__"))
    __hash__ = None  # type: ignore[assignment] # as of an ndarray


Tensor = MyGradTensor
Tensor.__name__ = Tensor.__qualname__ = "Tensor"


def checked(constant: Any) -> bool | None:
    """What was said of being constant: True, False, or nothing."""
    if constant is not None and not isinstance(constant, bool):
        raise TypeError(f"`constant` must be a boolean value, got: {constant}")
    return constant


def as_variable(x: Any) -> Any:
    """A tensor that has a gradient: where it is a view of a constant, with elements of its own."""
    if not isinstance(x, Tensor) or not x.constant:
        return x
    if x.dtype.kind != "f":
        raise ValueError("Integer-valued tensors must be treated as constants.")
    return x.requires_grad_(True) if x._base is None else type(x)(x._value(), constant=False)


def nothing_yet(func: np.ufunc, args: Any, kwargs: Any) -> Any:
    """What a ufunc with `where` writes to if the user names nothing: NumPy leaves its other elements undefined."""
    given = [x if isinstance(x, Base | np.ndarray | np.generic | int | float) else np.asarray(x) for x in args]
    shape = np.broadcast_shapes(*(np.shape(x) for x in given), np.shape(kwargs["where"]))
    dtype = kwargs.get("dtype")
    if dtype is None:
        dtypes = [type(x) if isinstance(x, int | float) and not isinstance(x, bool | np.generic) else x.dtype
                  if not isinstance(x, bool) else np.dtype(bool) for x in given]
        dtype = func.resolve_dtypes((*dtypes, None))[-1]
    return Tensor(np.zeros(shape, dtype), constant=True)


def like(func: Callable[..., Any], other: Any, *args: Any, constant: bool | None = None, **kwargs: Any) -> Tensor:
    """An array of another's shape and dtype, which looks at no element: a constant as that is."""
    if checked(constant) is None:
        constant = not isinstance(other, Tensor) or other.constant or None
    return Tensor(func(_plain(other), *_plain(args), **_plain(kwargs)), constant=constant, copy=False)


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
        if checked(constant):
            with no_grad():
                return func(*args, **kwargs)
        result = func(*args, **kwargs)
        return as_variable(result) if constant is False else result

    return call


__all__ = ["PLAIN", "Tensor", "asked", "checked", "composed", "function", "like", "operand_of", "plain_call"]
