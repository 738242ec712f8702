"""`backward` and what it leaves: the part of a tensor that has to do with gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import ref

import numpy as np

from ..errors import ArgumentError, DifferentiationError, DtypeError, UnsupportedError
from ..tracer.locations import fail
from . import pullback_graph
from .recording import Past, Upstream, current, custom_past, local
from .tensor_operators import TensorOperators
from .tensor_types import CONSTANT, DERIVED, LEAF


class GradientHooks(list[Callable[[Any], Any]]):
    """What is called with a tensor's gradient, and the class of tensors that it is given as."""

    def __init__(self, cls: Any):
        super().__init__()
        self.cls = cls


class HookHandle:
    """`remove()` takes a hook away; so does a call of the handle itself."""

    def __init__(self, hooks: GradientHooks, hook: Callable[[Any], Any]):
        self.hooks, self.hook = hooks, hook

    def remove(self) -> None:
        if self.hook in self.hooks:
            self.hooks.remove(self.hook)

    __call__ = remove


class TensorGradients(TensorOperators):
    """The methods and attributes of tensors about gradients."""

    clears_gradients = False
    """Whether using a tensor forgets its gradient."""
    keeps_gradients = False
    """Whether every tensor that is alive gets its gradient, and not only leaves."""
    _is_stale = False
    """Whether the next gradient takes the place of the one that is there, where uses forget gradients."""
    _keeps_grad = False
    _hooks: GradientHooks | None = None
    """Of a leaf. Those of a derived tensor are with the recording that made it."""
    _grad: Any = None
    _source: Any = None
    """What its cotangent goes to: of a leaf, itself as the variable that it is. A recorded write in place makes it
    another one."""
    _has_new_shape = False
    """Whether its shape was set: what was computed before pulls back cotangents of another one."""
    _looked_at: Any = None
    """Of a view with a source of its own: the source of the tensor that it looks at, as it was then."""
    _was_used = False
    """Of a view: whether something that is computed already comes from it."""
    _was_leaf = False
    """Of a derived tensor: whether it was a leaf until other variables were written into it."""

    def backward(self: Any, gradient: Any = None, retain_graph: bool = False, create_graph: bool = False) -> None:
        """Compute the gradients of this tensor, of the sum of its elements where it has several, and add them to
        `.grad` of the leaves that it was computed from.

        gradient: the cotangent to begin with, of this tensor's shape. retain_graph: whether the graph may be walked
        again; else a second `backward` through it is an error. Nothing happens from a constant. create_graph: gradients
        have no graph of their own; UnsupportedError.
        """
        if create_graph:
            fail(UnsupportedError, "gradients that backward leaves are constants; write what is differentiated as a "
                                   "function: gj.grad(gj.grad(f)), gj.hessian(f), which take tensors, too")
        t = self._type
        if not t.is_inexact:
            fail(DifferentiationError, f"backward from a tensor of {self.dtype}: derivatives are of floating-point "
                                       f"numbers")
        if t.role == CONSTANT if self._base is None else not self.requires_grad:
            return
        pullback_graph.backward(self, None if gradient is None else self._cotangent(gradient), retain_graph)

    def _cotangent(self: Any, x: Any) -> np.ndarray:
        a = x._value() if isinstance(x, TensorOperators) else np.asarray(x)
        try:
            return np.array(np.broadcast_to(a, self.shape), self.dtype, order="C")
        except ValueError:
            fail(ArgumentError, f"backward with a cotangent of shape {a.shape} from a tensor of shape {self.shape}")

    def _receive(self: Any, g: np.ndarray) -> None:
        """The gradient that a backward has found, if one is wanted still."""
        if self._base is None and self._type.role == CONSTANT:
            return
        if self._has_new_shape:
            g = g.reshape(self.shape)
        if isinstance(self._grad, TensorGradients):  # else None, or 0
            self._grad._put_sum(g)
            return
        t = self._grad = object.__new__(type(self))
        t._array, t._type = g, self._type._constant or self._type.constant

    def _set_shape_of_gradients(self: Any, old: tuple[int, ...]) -> None:
        """The shape was set: gradients have the new one from now on, and cotangents go on in the old one."""
        self._has_new_shape = True
        if isinstance(self._grad, TensorGradients):
            self._grad = self._made_of(self._grad._value().reshape(self.shape))
        elif isinstance(self._grad, np.ndarray):  # MyGrad's
            self._grad = self._grad.reshape(self.shape)
        if isinstance(self._source, Upstream) and self._source.leaf is None:
            back = custom_past({0: self._source}, lambda ct: {0: ct.reshape(old)})
            self._source = Upstream(None, back, 0)

    def _put_sum(self: Any, g: np.ndarray) -> None:
        a = self._value()
        self._end_recording()
        self._put(np.asarray(np.add(a, g, dtype=a.dtype)))

    @property
    def grad(self) -> Any:
        """The gradient that `backward` has collected: a tensor, or None."""
        return self._grad

    @grad.setter
    def grad(self: Any, value: Any) -> None:
        """A tensor or an array, None, or 0, to which the next gradients are added."""
        if value is not None:
            value = 0 if isinstance(value, int | float) and value == 0 else self._given_gradient(value)
        self._grad = value

    def _given_gradient(self: Any, value: Any) -> Any:
        """A gradient that the user sets, as a tensor of this one's shape and dtype."""
        if not isinstance(value, TensorGradients | np.ndarray):
            fail(ArgumentError, f"a gradient is a tensor or an array of shape {self.shape}, None, or 0; this is "
                                f"{value!r}")
        if value.shape != self.shape:
            fail(ArgumentError, f"a gradient of shape {value.shape} for a tensor of shape {self.shape}")
        if isinstance(value, TensorGradients) and value.dtype == self.dtype:
            return value
        if not np.can_cast(value.dtype, self.dtype, "same_kind"):
            fail(DtypeError, f"a gradient of {value.dtype} for a tensor of {self.dtype}")
        a: np.ndarray = value._value() if isinstance(value, TensorGradients) else value
        return self._made_of(np.array(a, self.dtype, order="C"))

    def zero_grad(self: Any, set_to_none: bool = True) -> Any:
        """Forget the gradient, or fill it with zeros; the tensor itself."""
        self._grad = None if set_to_none or self._grad is None else self._made_of(np.zeros(self.shape, self.dtype))
        return self

    def null_grad(self) -> Any:
        """Forget the gradient; the tensor itself."""
        self._grad = None
        return self

    def retain_grad(self: Any) -> None:
        """Have `backward` leave a gradient here, too, although it is no leaf."""
        self._check_observable("retain_grad")
        self._keeps_grad = True
        if self._base is None:
            self._observe()
        elif not self.keeps_gradients:
            source = self._source_of_its_own("retain_grad")
            source.recording.tensors[source.slot] = ref(self)

    @property
    def retains_grad(self: Any) -> bool:
        """Whether `backward` leaves a gradient here although it is no leaf."""
        return self._keeps_grad and not self.is_leaf

    def register_hook(self: Any, hook: Callable[[Any], Any]) -> HookHandle:
        """Have `hook(gradient)` called when the gradient of this tensor is computed; what it returns, if anything,
        takes its place. The handle's `remove()` takes the hook away.

        The gradient of a view is that of what is computed from the view; it is part of that of the tensor looked at.
        """
        self._check_observable("register_hook")
        hooks = GradientHooks(type(self))
        if self._base is not None:
            source = self._source_of_its_own("register_hook")
        else:
            self._value()
            self._end_recording()  # so that the hook belongs to what it holds now, whatever is written to it later
            source = self._source
        if self._base is None and self.role == LEAF:
            hooks = self._hooks = self._hooks or hooks
            if source is not None:
                source.hooks = hooks
        elif isinstance(source, Upstream):
            hooks = source.recording.hooks.setdefault(source.slot, hooks)
        else:
            source.refuse()
        hooks.append(hook)
        return HookHandle(hooks, hook)

    def _check_observable(self: Any, method: str) -> None:
        if not self.requires_grad:
            fail(DifferentiationError, f"{method} of a tensor that does not require a gradient")

    def _source_of_its_own(self: Any, method: str) -> Upstream:
        """Of a view: the place in the graph where its cotangent arrives before it goes on to the tensor looked at."""
        owner = self._owner
        if isinstance(self._source, Upstream) and self._looked_at is owner._source:
            return self._source
        r = self._recording
        is_used = r is not None and r.uses(self._slot)
        if self._was_used or (is_used and not r.is_open):
            fail(DifferentiationError, f"{method} of a view that was used in what is computed already; write it right "
                                       f"behind the line that makes the view")
        if not is_used:  # a recording of the view alone
            if local.recording is not None:
                local.recording.compute()
            r = current()
            r.slot(self)
        past = r.past = Past(r)
        past.is_lasting = not is_used
        slot = self._slot
        r.compute()
        self._looked_at, self._was_used = owner._source, is_used
        self._source = Upstream(None, past, slot)
        return self._source

    def _observe(self: Any) -> None:
        r = self._recording
        if r is not None and r.is_open:
            r.is_observed = True
            r.tensors[self._slot] = self

    def _become_derived(self: Any, past: Any) -> None:
        """Its cotangent goes through this node of the graph."""
        self._type = self._type.with_role(DERIVED)
        self._source = Upstream(None, past, 0)

    def _forget_graph(self: Any, freed: Any) -> None:
        if self._was_leaf:
            self._source, self._type = None, self._type.with_role(LEAF)
            self._was_leaf = self._keeps_grad = False
        else:
            self._source = freed


__all__ = ["TensorGradients"]
