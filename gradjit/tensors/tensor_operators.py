"""Operators and methods of tensors: each is a step of the recording, found by a look-up where it was taken before.

What stands here runs for every operation of a user's program: an operator costs a microsecond.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import DtypeError
from .recording import FLOAT, current, local
from .tensor_names import check_keywords
from .trie import MAX_STEPS, NumberCall, TensorCall

if TYPE_CHECKING:
    from .recording import Recording

new = object.__new__
INT = "int"
"""In a key: what follows is a Python int, and no slot."""


def is_float_like(t: Any, x: int) -> bool:
    """Whether an int beside a tensor is the same as the float of its value."""
    return t._type.is_inexact and -2**53 <= x <= 2**53


def _operator(name: str, static_floats: bool = False) -> Callable[..., Any]:
    return step_of_two(getattr(operator, name), static_floats)


@functools.lru_cache(1 << 10)
def step_of_two(func: Callable[[Any, Any], Any], static_floats: bool = False) -> Callable[..., Any]:
    """The step that a function of a tensor and something else is. static_floats: whether a float is part of the
    program, and no input."""
    def both(h: Sequence[Any]) -> Any:
        return func(h[0], h[1])

    def forward(self: Any, other: Any) -> Any:
        rec = local.recording or current()
        own, cls = type(self), type(other)
        try:
            a = self._slot  # before the recording is asked for: see `Recording.slot_of_any`
            if self._recording is not rec:
                a = rec.slot(self)
            if cls is own:
                b = other._slot
                if other._recording is not rec:
                    b = rec.slot(other)
                key: Any = (func, a, b)
            elif cls is int:
                key = (func, a, INT, other)
            elif cls is float and not static_floats:
                key = (func, a, FLOAT)
            else:
                key = None
        except DtypeError:  # float16
            return self._eager(func, (self, other), {})
        if key is None:
            return self._apply(func, (self, other), {}, floats=not static_floats)
        node = rec.node.next.get(key)
        if node is None:
            if rec.node.length >= MAX_STEPS:
                rec.compute()
                return forward(self, other)
            if cls is int:
                if is_float_like(self, other) and not static_floats and not rec.node.has_room(func, a, other):
                    return forward(self, float(other))
                step = TensorCall(lambda h: func(h[0], other), (a,), (func, INT, other))
            elif cls is float:
                step = NumberCall(both, (a, rec.node.slots), func)
            else:
                step = TensorCall(both, key[1:], func)
            node = rec.extend_call(key, step, (self, other))
            if node is None:
                return self._eager(func, (self, other), {})
        rec.node = node
        if cls is float:
            rec.inputs.append(other)
        if not node.single:
            return rec.results(node, (self, other), own)
        t = new(own)  # what Recording.tensor does
        t._recording, t._type = rec, node.type
        t._slot = slot = node.slot
        rec.tensors[slot] = t
        return t

    return forward


def _reflected(name: str) -> Callable[..., Any]:
    func: Callable[[Any, Any], Any] = getattr(operator, name)

    def both(h: Sequence[Any]) -> Any:
        return func(h[0], h[1])

    def reflected(self: Any, other: Any) -> Any:
        cls = type(other)
        if cls is not float and cls is not int:
            return self._apply(func, (other, self), {}, floats=True)
        rec = local.recording or current()
        try:
            b = self._slot
            if self._recording is not rec:
                b = rec.slot(self)
        except DtypeError:
            return self._eager(func, (other, self), {})
        key: Any = (func, FLOAT, b) if cls is float else (func, INT, other, b)
        node = rec.node.next.get(key)
        if node is None:
            if rec.node.length >= MAX_STEPS:
                rec.compute()
                return reflected(self, other)
            if cls is int:
                if is_float_like(self, other) and not rec.node.has_room((INT, func), b, other):
                    return reflected(self, float(other))
                step = TensorCall(lambda h: func(other, h[0]), (b,), (func, INT, other))
            else:
                step = NumberCall(both, (rec.node.slots, b), func)
            node = rec.extend_call(key, step, (other, self))
            if node is None:
                return self._eager(func, (other, self), {})
        rec.node = node
        if cls is float:
            rec.inputs.append(other)
        if not node.single:
            return rec.results(node, (other, self), type(self))
        t = new(type(self))  # what Recording.tensor does
        t._recording, t._type = rec, node.type
        t._slot = slot = node.slot
        rec.tensors[slot] = t
        return t

    return reflected


def _in_place(name: str, static_ints: bool = False) -> Callable[..., Any]:
    """The operator that writes to its left side, which stays the same tensor, whatever stands in it. static_ints:
    whether an int is part of the program, and no input."""
    func: Callable[[Any, Any], Any] = getattr(operator, name)

    def both(h: Sequence[Any]) -> Any:
        return func(h[0], h[1])

    def in_place(self: Any, other: Any) -> Any:
        cls = type(other)
        if cls is int and not static_ints and is_float_like(self, other):
            other, cls = float(other), float
        if cls is not float and cls is not type(self):
            self._apply(func, (self, other), {}, floats=True)
            return self
        rec: Recording = local.recording or current()
        a = self._slot
        if self._recording is not rec:
            a = rec.slot(self)
        if cls is float:
            key: Any = (func, a, FLOAT)
        else:
            b = other._slot
            key = (func, a, b if other._recording is rec else rec.slot(other))
        node = rec.node.next.get(key)
        if node is None:
            if rec.node.length >= MAX_STEPS:
                rec.compute()
                return in_place(self, other)
            step = NumberCall(both, (a, rec.node.slots), func) if cls is float else TensorCall(both, key[1:], func)
            node = rec.extend(key, step)
        rec.node = node
        is_update = node.update is not None and self._base is None
        if is_update:
            rec.tensors[a] = self
        if cls is float:  # Ctrl-C may end it behind this call, and not before
            rec.inputs.append(other)
        if is_update:
            if self._exposed:
                rec.compute()
        elif rec.take_effects(node, (self, other)) or node.is_eager:
            rec.compute()
        return self

    return in_place


def _unary(name: str) -> Callable[..., Any]:
    return step_of_one(getattr(operator, name))


@functools.lru_cache(1 << 10)
def step_of_one(func: Callable[[Any], Any]) -> Callable[..., Any]:
    """The step that a function of one operand is."""
    def one(h: Sequence[Any]) -> Any:
        return func(h[0])

    def unary(self: Any) -> Any:
        rec = local.recording or current()
        try:
            a = self._slot
            if self._recording is not rec:
                a = rec.slot(self)
        except DtypeError:
            return self._eager(func, (self,), {})
        key = (func, a)
        node = rec.node.next.get(key)
        if node is None:
            if rec.node.length >= MAX_STEPS:
                rec.compute()
                return unary(self)
            node = rec.extend_call(key, TensorCall(one, (a,), func), (self,))
            if node is None:
                return self._eager(func, (self,), {})
        rec.node = node
        if not node.single:
            return rec.results(node, (self,), type(self))
        t = new(type(self))  # what Recording.tensor does
        t._recording, t._type = rec, node.type
        t._slot = slot = node.slot
        rec.tensors[slot] = t
        return t

    return unary


class ArrayMethod:
    """`x.name(...)` as a function, of the tracer's arrays and NumPy's alike."""

    def __init__(self, name: str):
        self.__name__ = name

    def __call__(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        return getattr(x, self.__name__)(*args, **kwargs)


class ArrayAttribute(ArrayMethod):
    """`x.name`."""

    def __call__(self, x: Any) -> Any:
        return getattr(x, self.__name__)


def _method(name: str) -> Any:
    method = ArrayMethod(name)
    plain = step_of_one(method)

    def call(self: Any, /, *args: Any, **kwargs: Any) -> Any:
        if not args and not kwargs:
            return plain(self)
        check_keywords(name, kwargs)
        return self._apply(method, (self, *args), kwargs)

    call.__name__ = name
    return call


def _view(self: Any, *args: Any, **kwargs: Any) -> Any:
    """The same memory as another dtype, as NumPy has it, or in another shape, as PyTorch has it."""
    shape = args[0] if len(args) == 1 and isinstance(args[0], tuple) else args
    if shape and not kwargs and all(type(n) is int for n in shape):
        return self._apply(np.reshape, (self, shape), {})
    return self._apply(ArrayMethod("view"), (self, *args), kwargs)


def _numpys(func: Callable[..., Any]) -> Any:
    """A function of NumPy's as a method, as PyTorch has it."""
    return step_of_one(func)


def _writer(name: str, static_ints: bool = False) -> Any:
    """An operator that writes in place as a method: `x.add_(y)`."""
    operator_in_place = _in_place(name, static_ints)

    def write(self: Any, other: Any) -> Any:
        return operator_in_place(self, other)

    return write


def _attribute(name: str) -> Any:
    return property(step_of_one(ArrayAttribute(name)))


class TensorOperators:
    """The operators, methods and attributes of ndarrays that tensors have by the tracer's."""

    if TYPE_CHECKING:  # of the class itself
        def _value(self) -> np.ndarray: ...
        def __index__(self) -> int: ...
        @property
        def shape(self) -> tuple[int, ...]: ...
        @property
        def dtype(self) -> np.dtype[Any]: ...

    __add__, __radd__, __iadd__ = _operator("add"), _reflected("add"), _in_place("iadd")
    __sub__, __rsub__, __isub__ = _operator("sub"), _reflected("sub"), _in_place("isub")
    __mul__, __rmul__, __imul__ = _operator("mul"), _reflected("mul"), _in_place("imul")
    __truediv__, __rtruediv__, __itruediv__ = _operator("truediv"), _reflected("truediv"), _in_place("itruediv")
    __floordiv__, __rfloordiv__, __ifloordiv__ = _operator("floordiv"), _reflected("floordiv"), _in_place("ifloordiv")
    __mod__, __rmod__, __imod__ = _operator("mod"), _reflected("mod"), _in_place("imod")
    __pow__, __rpow__, __ipow__ = _operator("pow", static_floats=True), _reflected("pow"), _in_place("ipow", True)
    __matmul__, __rmatmul__, __imatmul__ = _operator("matmul"), _reflected("matmul"), _in_place("imatmul")
    __and__, __rand__, __iand__ = _operator("and_"), _reflected("and_"), _in_place("iand")
    __or__, __ror__, __ior__ = _operator("or_"), _reflected("or_"), _in_place("ior")
    __xor__, __rxor__, __ixor__ = _operator("xor"), _reflected("xor"), _in_place("ixor")
    __lshift__, __rlshift__, __ilshift__ = _operator("lshift"), _reflected("lshift"), _in_place("ilshift")
    __rshift__, __rrshift__, __irshift__ = _operator("rshift"), _reflected("rshift"), _in_place("irshift")
    __lt__, __le__, __gt__, __ge__ = map(_operator, ("lt", "le", "gt", "ge"))
    __neg__, __pos__, __abs__, __invert__ = map(_unary, ("neg", "pos", "abs", "invert"))
    _equal, _unequal = _operator("eq"), _operator("ne")

    def __eq__(self, other: object) -> Any:
        return NotImplemented if other is None or isinstance(other, str) else self._equal(other)

    def __ne__(self, other: object) -> Any:
        return NotImplemented if other is None or isinstance(other, str) else self._unequal(other)

    def __hash__(self) -> int:
        return id(self)

    def nonzero(self) -> Any:
        return np.nonzero(self)  # type: ignore[arg-type]

    def __divmod__(self, other: Any) -> Any:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> Any:
        return other // self, other % self

    T, mT, real, imag = map(_attribute, ("T", "mT", "real", "imag"))

    all, any, argmax, argmin, argpartition, argsort, astype, choose, clip, compress, conj, conjugate, copy = map(
        _method, ("all", "any", "argmax", "argmin", "argpartition", "argsort", "astype", "choose", "clip", "compress",
                  "conj", "conjugate", "copy"))
    cumprod, cumsum, diagonal, dot, fill, flatten, max, mean, min, partition, prod, put, ravel, repeat = map(
        _method, ("cumprod", "cumsum", "diagonal", "dot", "fill", "flatten", "max", "mean", "min",
                  "partition", "prod", "put", "ravel", "repeat"))
    reshape, round, searchsorted, sort, squeeze, std, sum, swapaxes, take, trace, transpose, var = map(
        _method, ("reshape", "round", "searchsorted", "sort", "squeeze", "std", "sum", "swapaxes", "take", "trace",
                  "transpose", "var"))
    view = _view

    # PyTorch's names
    exp, log, sqrt, sin, cos, tan, tanh, abs, square = map(
        _numpys, (np.exp, np.log, np.sqrt, np.sin, np.cos, np.tan, np.tanh, np.abs, np.square))
    add_, sub_, mul_, div_ = map(_writer, ("iadd", "isub", "imul", "itruediv"))
    pow_ = _writer("ipow", True)
