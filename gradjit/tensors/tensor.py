"""`gj.Tensor`: an array that records what is done with it.

A tensor owns its elements, or is a view of one that does. What it holds is computed when somebody looks; until then it
is a slot of an open recording. All that NumPy's functions, operators and methods do with it is the tracer's doing.
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from types import SimpleNamespace
from typing import Any

import numpy as np

from ..errors import DifferentiationError, DtypeError, GradjitError, UnsupportedError
from ..tracer.array import TracedArray
from ..tracer.locations import fail
from .lost_derivatives import refuse_where_lost
from .open_trace import detached
from .recording import Recording, Upstream, current, leaves_of, local
from .tensor_arguments import Taker, filled
from .tensor_data import copied
from .tensor_functions import OF_VALUES, WITHOUT_DERIVATIVES, writes_to_arrays
from .tensor_gradients import TensorGradients
from .tensor_keys import check_key, plain_key
from .tensor_names import missing_attribute
from .tensor_operators import step_of_one, step_of_two
from .tensor_types import CONSTANT, DERIVED, LEAF, TensorType, type_of_array
from .traced_calls import TracedCall
from .trie import MAX_STEPS, TensorCall, modes

GETITEM = "item"


def _holders(t: Any) -> tuple[int, int]:
    """Counts that grow with those who hold a tensor's array, and the array that it is a view of."""
    a = t._array
    return sys.getrefcount(a), sys.getrefcount(a.base)


_ALONE = _holders(SimpleNamespace(_array=np.empty(1)[:]))
"""What they are where only the tensor does."""


def is_held(t: Any) -> bool:
    """Whether somebody else holds a tensor's memory."""
    count, base = _holders(t)
    return count > _ALONE[0] or (t._array.base is not None and base > _ALONE[1])


def _detach(x: Any) -> Any:
    return detached(x) if isinstance(x, TracedArray) else x.view()


class Tensor(TensorGradients):
    """An array with derivatives, as `gj.tensor` makes them. `.backward()` computes gradients, `.grad` holds them."""

    family: type[Tensor]
    """The class whose kin may be operands together."""

    _array: np.ndarray | None = None
    """The elements, where they are known; row-major; never written to while a recording holds it."""
    _recording: Recording | None = None
    _slot = 0
    _type: TensorType
    _base: Tensor | None = None
    """Of a view: the tensor that it looks at."""
    _how: Any = None
    """Of a view: the step that gives it, that step's operands, and which leaf of the result it is."""
    _seen: Any = None
    _has_views = False
    _is_detached = False
    _failure: Exception | None = None
    """Why its elements could not be computed."""
    _exposed = False
    """Whether somebody else may hold the array and write to it. Then it is read anew at each use (no recording knows
    its slot), and what is written to it is computed at once."""

    __array_priority__ = 2000.0

    def __init__(self, data: Any, requires_grad: bool = False, dtype: Any = None):
        self._set(copied(data, dtype), requires_grad)

    def _set(self, a: np.ndarray, requires_grad: bool) -> None:
        if requires_grad and a.dtype == np.float16:
            fail(DtypeError, "derivatives are computed in single and double precision; write dtype=np.float32")
        if requires_grad and a.dtype.kind not in "fc":
            fail(DtypeError, f"derivatives are of floating-point numbers, and these are {a.dtype}; write "
                             f"dtype=float, or floats as 1.0")
        self._array = a
        self._type = type_of_array(a, LEAF if requires_grad else CONSTANT)

    @classmethod
    def _made_of(cls, a: np.ndarray) -> Any:
        """A constant tensor that owns this array."""
        t = cls.__new__(cls)
        t._array = a
        t._type = type_of_array(a)
        return t

    @classmethod
    def constant_of(cls, x: Any) -> Any:
        """A constant tensor with a copy of an array that somebody else may write to."""
        return cls._made_of(copied(x))

    # what it holds ----------------------------------------------------------------------------------------------------
    @property
    def _owner(self) -> Tensor:
        t = self
        while t._base is not None:
            t = t._base
        return t

    def _value(self) -> np.ndarray:
        """The elements now. Not to be written to, nor handed out."""
        if self._base is not None:
            return self._look()
        r = self._recording
        if r is not None and r.is_open and (self._array is None or self._slot in r.node.changed):
            if r is not local.recording:
                r.slot_elsewhere()
            r.compute()
        if self._failure is not None:
            raise self._failure
        if self._array is None:
            fail(UnsupportedError, "the computation of this tensor was interrupted; compute it anew")
        return self._array

    def _look(self) -> np.ndarray:
        step, operands, place = self._how
        arrays = [x if type(x) is float else x._value() for x in operands]
        if self._array is None or self._seen is not self._owner._array:
            self._array = leaves_of(step.run(arrays))[place]
            self._seen = self._owner._array
        return self._array

    def _own_array(self) -> np.ndarray:
        """The elements as an input of a recording: nobody will change this array."""
        self._value()
        if self._exposed and is_held(self):
            return np.array(self._array, order="C")
        if self._exposed:
            self._exposed = False
            self._array = np.asarray(self._array, order="C")
        return self._array  # type: ignore[return-value]

    def _enter_view(self, r: Recording) -> int:
        step, operands, place = self._how
        enabled, passes = r.node.grad_enabled, not self._is_detached
        if enabled is not passes:  # it is what it was made as
            r.set_mode(passes)
        again = r.call(step.run, step.key, operands, type(self), is_whole=False)
        slot = leaves_of(again)[place]._slot
        if self._source is not None and self._looked_at is self._owner._source:
            slot = r.watched(self, slot)
        if enabled is not passes:
            r.set_mode(enabled)
        before = self._recording
        self._was_used = self._was_used or before is None or before.uses(self._slot)
        self._recording = None if self._owner._exposed else r
        self._slot = slot
        return slot

    def _own_elements(self) -> None:
        """Of a view without derivatives: become a tensor of its own on the same elements."""
        self._array = self._expose()
        self._base, self._how, self._seen, self._recording = None, None, None, None
        self._is_detached, self._exposed = False, True

    def _put(self, a: np.ndarray) -> None:
        """The elements that a recording has computed."""
        if self._exposed and self._array is not None:
            np.copyto(self._array, a)
        else:
            self._array = a

    def _expose(self) -> np.ndarray:
        """The elements, to be handed out: whoever gets them may write to them."""
        owner = self._owner
        owner._end_recording()
        self._value()
        if not owner._exposed:
            if is_held(owner):
                owner._array = owner._array.copy()  # type: ignore[union-attr]
            owner._exposed = True
            owner._recording = None
        return owner._array if self is owner else self._look()  # type: ignore[return-value]

    # calls ----------------------------------------------------------------------------------------------------------
    def _apply(self, func: Callable[..., Any], args: Any, kwargs: Any, floats: bool = False,
               kind: type[TensorCall] = TensorCall) -> Any:
        """What a function of NumPy's kind gives on these arguments, tensors among them."""
        for x in args:
            if isinstance(x, TracedArray):
                fail(UnsupportedError, "a tensor meets an array that gradjit traces; pass the tensor as an argument of "
                                       "the function, or its array, t.numpy()")
        if (kwargs or isinstance(args[0], np.ndarray)) and writes_to_arrays(func, args, kwargs):
            return self._write_arrays(func, args, kwargs)
        taker = Taker(type(self), floats)
        try:
            template, key = taker.take(args)
            named, named_key = taker.take(kwargs) if kwargs else ({}, None)
        except TypeError as e:
            if isinstance(e, GradjitError):
                raise
            if kind is TracedCall:
                fail(UnsupportedError, f"a compiled function is called on tensors and on {e}; pass lists, tuples, "
                                       f"dicts, arrays and numbers beside them")
            return self._eager(func, args, kwargs)

        def run(handles: Sequence[Any]) -> Any:
            return func(*filled(template, handles), **filled(named, handles))

        try:
            return current().call(run, (func, key, named_key), taker.operands, type(self), kind)
        except (UnsupportedError, DtypeError) as e:
            if kind is TracedCall:
                raise
            if not (any(isinstance(x, Tensor) and x.requires_grad for x in taker.operands) and modes.grad_enabled):
                return self._eager(func, args, kwargs)
            if func in WITHOUT_DERIVATIVES:
                return self._eager(func, args, kwargs)
            raise e

    def _eager(self, func: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """NumPy itself, on the values, where no derivatives are asked for and the tracer has no rule."""
        def plain(x: Any) -> Any:
            if isinstance(x, Tensor):
                return x._value()
            if type(x) in (list, tuple):
                return type(x)(map(plain, x))
            return {k: plain(v) for k, v in x.items()} if type(x) is dict else x

        return self._wrapped(func(*plain(args), **plain(kwargs)))

    def _write_arrays(self, func: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """NumPy itself, which writes to arrays of the user's: what no derivative may ask for."""
        given = [*args, *kwargs.values()]
        if modes.grad_enabled and any(isinstance(x, Tensor) and x.requires_grad for x in given):
            fail(DifferentiationError, f"{getattr(func, '__name__', func)} writes a tensor that requires a gradient to "
                                       f"an array, which has none; write t.numpy() or t.detach() in its place, or "
                                       f"make a tensor of the array")
        return func(*(x._value() if isinstance(x, Tensor) else x for x in args),
                    **{k: x._value() if isinstance(x, Tensor) else x for k, x in kwargs.items()})

    def _wrapped(self, x: Any) -> Any:
        if isinstance(x, np.ndarray | np.generic) and x.dtype.kind in "biufc":
            return self._made_of(copied(x))
        if isinstance(x, list | tuple):
            items = [self._wrapped(i) for i in x]
            return type(x)(*items) if hasattr(x, "_fields") else type(x)(items)
        return x

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method == "__call__" and not kwargs:
            x, *others = inputs
            if not others:
                return step_of_one(ufunc)(x)
            if len(others) == 1 and x is self and (
                    type(y := others[0]) is type(x) or (type(y) is float and ufunc is not np.power)):
                return step_of_two(ufunc)(x, y)
        return self._apply_ufunc(ufunc, method, inputs, kwargs)

    def _apply_ufunc(self, ufunc: np.ufunc, method: str, inputs: Any, kwargs: Any) -> Any:
        return self._apply(ufunc if method == "__call__" else getattr(ufunc, method), inputs, kwargs,
                           floats=ufunc is not np.power)

    def __array_function__(self, func: Callable[..., Any], types: Any, args: Any, kwargs: Any) -> Any:
        if not kwargs and len(args) == 1 and type(args[0]) is type(self) and func not in WITHOUT_DERIVATIVES:
            return step_of_one(func)(self)
        if func in OF_VALUES:
            return self._eager(func, args, kwargs)
        return self._apply(func, args, kwargs)

    def __gradjit_record__(self, func: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """A call of a compiled function on tensors: it is traced into the recording."""
        return self._apply(func, args, kwargs, floats=True, kind=TracedCall)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if modes.grad_enabled and self.requires_grad:
            refuse_where_lost(sys._getframe(1))
        a = self._value() if copy else self._expose()
        return np.array(a, dtype, copy=copy)

    def __getitem__(self, key: Any) -> Any:
        if type(key) is int:
            rec = local.recording or current()
            a = self._slot
            if self._recording is not rec:
                a = rec.slot(self)
            node = rec.node.next.get((GETITEM, a, key))
            if node is None and self._type.shape and not (self._type.shape[1:] or rec.node.has_room(GETITEM, a, key)):
                return self._item_at(key)
            if node is None:
                if rec.node.length >= MAX_STEPS:
                    rec.compute()
                    return self[key]
                step = TensorCall(lambda h: h[0][key], (a,), (operator.getitem, key))
                node = rec.extend((GETITEM, a, key), step)
            if node.single:
                rec.node = node
                t = object.__new__(type(self))  # what Recording.tensor does
                t._recording, t._type = rec, node.type
                t._slot = slot = node.slot
                rec.tensors[slot] = t
                return t
        return self._apply(operator.getitem, (self, plain_key(self, key)), {})

    def _item_at(self, key: int) -> Any:
        """An element of a vector, where the place is a number that comes in, and no part of the program."""
        check_key(self, key)
        at = self._made_of(np.array(key % self._type.shape[0]))
        return current().call(lambda h: h[0][h[1]], operator.getitem, (self, at), type(self))

    def __setitem__(self, key: Any, value: Any) -> None:
        self._apply(operator.setitem, (self, plain_key(self, key), value), {})

    # Python's protocols ---------------------------------------------------------------------------------------------
    def __bool__(self) -> bool:
        return bool(self._value())

    def __float__(self) -> float:
        if modes.grad_enabled and self.requires_grad:
            refuse_where_lost(sys._getframe(1))
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __complex__(self) -> complex:
        if modes.grad_enabled and self.requires_grad:
            refuse_where_lost(sys._getframe(1))
        return complex(self.item())

    def __index__(self) -> int:
        return self._value().__index__()

    def __len__(self) -> int:
        if not self._type.shape:
            raise TypeError("len() of a 0-d tensor")
        return self._type.shape[0]

    def __iter__(self) -> Iterator[Any]:
        if not self._type.shape:
            raise TypeError("iteration over a 0-d tensor")
        return (self[k] for k in range(self._type.shape[0]))

    def __contains__(self, x: Any) -> bool:
        return bool(np.any(self._value() == (x._value() if isinstance(x, Tensor) else x)))

    def __round__(self, digits: int | None = None) -> Any:
        return self.round(digits or 0) if digits is not None or self._type.shape else round(self.item())

    def __repr__(self) -> str:
        text = repr(self._value()).replace("array(", "Tensor(", 1).replace("\n", "\n ")
        return f"{text[:-1]}, requires_grad=True)" if self.requires_grad else text

    def __str__(self) -> str:
        return str(self._value()[()])

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec else str(self)

    def __reduce__(self) -> Any:
        names = {k: v for k, v in vars(self).items() if not k.startswith("_")}  # the user's own
        return rebuilt, (type(self), np.array(self._value()), self._type.role != CONSTANT and self.is_leaf,
                         None if self._grad is None else np.array(self._grad)), names or None

    def __copy__(self) -> Any:
        return self.clone()

    def __deepcopy__(self, memo: Any) -> Any:
        if not self.is_leaf:
            fail(DifferentiationError, "a deep copy is of tensors that the user has made; write t.detach().clone(), "
                                       "or t.clone() for one that derivatives pass through")
        function, args, names = self.__reduce__()
        t = memo[id(self)] = function(*args)
        vars(t).update(deepcopy(names or {}, memo))
        return t

    def __getattr__(self, name: str) -> Any:
        missing_attribute(self, name)

    # facts ----------------------------------------------------------------------------------------------------------
    @property
    def shape(self) -> tuple[int, ...]:
        return self._type.shape

    @shape.setter
    def shape(self, shape: Any) -> None:
        if self._base is not None or self._has_views:
            fail(UnsupportedError, "the shape is set of tensors that are no views and have none; write "
                                   "t = t.reshape(shape)")
        old, new = self._value(), self._value().reshape(shape)
        self._end_recording()
        self._array, self._type, self._recording = new, type_of_array(new, self._type.role), None
        self._set_shape_of_gradients(old.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        return self._type.dtype

    @property
    def ndim(self) -> int:
        return len(self._type.shape)

    @property
    def size(self) -> int:
        n = 1
        for e in self._type.shape:
            n *= e
        return n

    @property
    def itemsize(self) -> int:
        return self._type.dtype.itemsize

    @property
    def nbytes(self) -> int:
        return self.size * self.itemsize

    @property
    def role(self) -> int:
        return CONSTANT if self._is_detached else self._owner._type.role

    @property
    def requires_grad(self) -> bool:
        """Whether derivatives with respect to it, or through it, are wanted."""
        if self._is_detached or not self._type.is_inexact:
            return False
        t = self
        while t._base is not None:
            t = t._base
        return t._type.role != CONSTANT

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        self.requires_grad_(value)

    def requires_grad_(self, value: bool = True) -> Any:
        """Ask for derivatives with respect to this tensor, or not; the tensor itself."""
        if bool(value) == self.requires_grad:
            return self
        if self.requires_grad and (self._base is not None or self.role == DERIVED):
            fail(DifferentiationError, "only a leaf can change whether it requires a gradient; write t.detach()")
        if value and self.dtype.kind not in "fc":
            fail(DtypeError, f"derivatives are of floating-point numbers, and these are {self.dtype}; write "
                             f"t.astype(float)")
        self._value()
        self._end_recording()
        if self._base is not None:
            self._own_elements()
        self._type = self._type.with_role(LEAF if value else CONSTANT)
        return self

    def _end_recording(self) -> None:
        """End the recording that it is part of."""
        r = self._recording
        if r is not None and r.is_open and r is local.recording:
            r.compute()

    @property
    def is_leaf(self) -> bool:
        """Whether gradients are collected in it, or it is a constant."""
        return self.role != DERIVED and (self._base is None or self.role == CONSTANT)

    @property
    def flat(self) -> Any:
        return iter(self.ravel())

    @property
    def base(self) -> Any:
        """Of a view: the tensor that owns the elements."""
        return None if self._base is None else self._owner

    @property
    def creator(self) -> str | None:
        """The name of the function that made it; None of a leaf."""
        r = self._recording
        if self._base is not None:
            return name_of(self._how[0])
        source = self._source
        if r is not None and r.is_open and self._array is None:
            node = r.node
        elif isinstance(source, Upstream) and source.recording is not None:
            node, r = source.recording.node, None
        else:
            return None
        while node.parent is not None and not any(m.slot == self._slot for m in node.made):
            node = node.parent
        return name_of(node.step) if node.step is not None else None

    def graph(self) -> Any:
        """The graph that it was computed by, as a picture: `.save("graph.svg")`."""
        from .graphs import graph_of
        return graph_of(self)

    def numel(self) -> int:
        """The number of elements."""
        return self.size

    def dim(self) -> int:
        """The number of axes."""
        return self.ndim

    def unsqueeze(self, axis: int) -> Any:
        """With one more axis, of extent 1."""
        return np.expand_dims(self, axis)

    # looking --------------------------------------------------------------------------------------------------------
    def item(self, *index: Any) -> Any:
        """The only element, as a Python number."""
        return self._value().item(*index)

    def tolist(self) -> Any:
        return self._value().tolist()

    def numpy(self) -> np.ndarray:
        """The elements as an ndarray that shares memory with the tensor, as far as nothing that is still to be
        computed needs what it holds now."""
        return self._expose()

    @property
    def data(self) -> Any:
        """The same elements, without derivatives: `t.data -= rate * t.grad` changes t, and is not recorded."""
        return step_of_one(_detach)(self)

    @data.setter
    def data(self, value: Any) -> None:
        if isinstance(value, Tensor) and value._base is not None and value._base is self:
            return
        new = value._value() if isinstance(value, Tensor) else np.asarray(value)
        new = np.array(new, self.dtype if np.result_type(new) == self.dtype else None, order="C")
        if self._base is not None:
            self.detach()[...] = new
            return
        self._value()
        self._end_recording()
        self._array, self._exposed, self._type = new, False, type_of_array(new, self._type.role)

    def detach(self) -> Any:
        """A tensor on the same elements that derivatives do not pass."""
        return step_of_one(_detach)(self)

    def zero_(self) -> Any:
        """Fill it with zeros; the tensor itself."""
        return self.fill_(0)

    def fill_(self, value: Any) -> Any:
        """Fill it with a number; the tensor itself."""
        self[...] = value
        return self

    def copy_(self, other: Any) -> Any:
        """Write other elements into it; the tensor itself."""
        self[...] = other
        return self

    def clone(self) -> Any:
        """A copy that derivatives pass through."""
        return self.copy()


Tensor.family = Tensor


def name_of(step: Any) -> str | None:
    if not isinstance(step, TensorCall):
        return None
    key = step.key
    func = key[0] if isinstance(key, tuple) else key
    return getattr(func, "__name__", str(func))


def rebuilt(cls: type[Tensor], a: np.ndarray, requires_grad: bool, grad: np.ndarray | None) -> Tensor:
    """A tensor that was pickled."""
    t = cls.__new__(cls)
    t._set(a, requires_grad)
    t._grad = None if grad is None else cls._made_of(grad)
    return t


__all__ = ["Tensor"]
