"""An open trace: the tracer's recorder and its handles while a recording goes through steps that nobody took before.

It exists only then: a recording that follows known steps needs no tracer. Each tensor, and each Python number that is
an operand, has a *slot*, its place among the handles.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import DifferentiationError, UnsupportedError
from ..ir import F64, ArrayType, Block, Func, Value, captures, dtype_of
from ..ir.ops.custom import Rule
from ..records import dataclass
from ..tracer.array import ARRAY, PYTHON, TracedArray, root, view
from ..tracer.custom import ruled
from ..tracer.locations import fail
from ..tracer.operands import emit
from ..tracer.recorder import Recorder
from ..tracer.views import ArrayView
from .tensor_types import CONSTANT, DERIVED, LEAF, TensorType, tensor_type


@dataclass(frozen=True)
class Detached(ArrayView):
    """The parent itself, of which derivatives know nothing: neither of reading nor of writing."""

    def get(self, parent: TracedArray) -> TracedArray:
        return stopped(parent)

    def put(self, parent: TracedArray, new: TracedArray) -> TracedArray:
        return stopped(new)


def looked_at_anew(h: TracedArray | None) -> None:
    """Have a view read its root again: what was written through it is the root's, and so are derivatives."""
    while h is not None and h.parent is not None:
        h._seen = -1
        h = h.parent


def stopped(h: TracedArray) -> TracedArray:
    return emit("stop_gradient", h, kind=ARRAY) if h.dtype.kind in "fc" and not h.is_known else h


def differentiable_ancestors(values: Sequence[Value]) -> set[Value]:
    """What derivatives of values pass back to, the values included."""
    found: set[Value] = set()
    todo = list(values)
    while todo:
        v = todo.pop()
        if v in found or not v.dtype.is_inexact:
            continue
        found.add(v)
        if v.op is not None and v.op.name != "stop_gradient":
            todo += [*v.op.uses(), *captures(v.op)]
    return found


def detached(h: TracedArray) -> TracedArray:
    """A look at an array that no derivative passes."""
    return view(h, Detached(), h.strides_in_elements)


class StraightThrough(Rule):
    """A derivative that passes the cotangent on as it is, to elements of the same type, whatever the values are."""

    def __init__(self, type: ArrayType):
        super().__init__("straight_through", {})
        self.type = type

    def pull(self) -> Func:
        block = Block((self.type, self.type))
        block.results = (block.params[1],)
        return Func(self.name, block)


@dataclass(eq=False)
class Watched(ArrayView):
    """The parent itself, whose cotangent goes to another array of its shape, until derivatives know of a write to its
    root. version: that of the root."""

    other: TracedArray
    version: int

    def get(self, parent: TracedArray) -> TracedArray:
        if parent.root.version != self.version:
            return parent
        (passing,) = ruled([parent.value], [self.other.value], StraightThrough(parent.type))
        return root(passing, self.other.home, ARRAY)

    def put(self, parent: TracedArray, new: TracedArray) -> TracedArray:
        return new


def watched(h: Sequence[TracedArray]) -> TracedArray:
    """A look at a view whose cotangent goes to the other array."""
    return view(h[0], Watched(h[1], h[0].root.version), h[0].strides_in_elements)


@dataclass(frozen=True)
class TensorSlot:
    """In the result of a step: the tensor of this slot."""

    index: int


@dataclass
class MadeTensor:
    """A tensor that a step gives. `base`: which operand it is a view of."""

    slot: int
    type: TensorType
    base: int | None = None
    is_detached: bool = False


@dataclass
class Effect:
    """What a step does to an operand: its root has this type behind it. `slot`: that of the root. `is_recorded`:
    derivatives know of it. `is_new_variable`: those with respect to it are from now on those with respect to what it
    holds now. `joins`: it was a leaf, and holds what comes from other variables now."""

    operand: int
    slot: int
    type: TensorType
    is_recorded: bool
    is_new_variable: bool
    joins: bool


@dataclass
class Outcome:
    """What a step has given: a structure with slots, the tensors made, the operands changed."""

    result: Any
    made: list[MadeTensor]
    effects: list[Effect]


class OpenTrace:
    """The handles by slot, with what is known of each."""

    def __init__(self) -> None:
        self.recorder = Recorder("tensors")
        self.handles: list[TracedArray] = []
        self.roots: list[int] = []
        """The slot of the array that owns the elements."""
        self.roles: list[int] = []
        """Of roots."""
        self.is_detached: list[bool] = []
        self.inputs: list[Value] = []
        self.number_inputs: set[Value] = set()
        """Those that are Python floats."""
        self.entered: dict[int, Value] = {}
        """What came in, by slot."""
        self.sites: dict[int, list[Value]] = {}
        """The values that a leaf has stood for as one variable."""
        self.variables: set[Value] = set()
        """The values that variables have stood for."""
        self.grad_enabled = True
        self.at: Any = None
        """The node of the trie where its recording has left it."""
        self.recorder.alive = True

    def __enter__(self) -> None:
        """For the lines within, the tracer records here."""
        self.recorder.__enter__()

    def __exit__(self, *_: object) -> None:
        self.recorder.end()
        self.recorder.alive = True

    # steps ----------------------------------------------------------------------------------------------------------
    def add(self, h: TracedArray, base: int | None, role: int, is_detached: bool = False) -> int:
        self.handles.append(h)
        self.roots.append(len(self.roots) if base is None else base)
        self.roles.append(role)
        self.is_detached.append(is_detached)
        return len(self.handles) - 1

    def enter(self, t: TensorType) -> int:
        """An array comes in."""
        with self:
            v = self.recorder.parameter(ArrayType(dtype_of(t.dtype), t.shape))
            slot = self.add(root(v, self.recorder, ARRAY, "argument"), None, t.role)
        self.inputs.append(v)
        self.variables.add(v)
        self.entered[slot] = v
        if t.role == LEAF:
            self.sites[slot] = [v]
        return slot

    def number(self) -> int:
        """A Python float comes in."""
        with self:
            v = self.recorder.parameter(ArrayType(F64, ()))
            slot = self.add(root(v, self.recorder, PYTHON), None, CONSTANT)
        self.inputs.append(v)
        self.number_inputs.add(v)
        return slot

    def values(self, slots: Sequence[int]) -> list[Value]:
        """What the arrays of these slots hold now."""
        with self:
            return [self.handles[k].value for k in slots]

    def site_values(self, slot: int) -> list[Value]:
        """The values whose cotangents together are the one of a tensor; of ~slot, what it held when it came in."""
        if slot < 0:
            return [self.entered[~slot]]
        if slot in self.sites:
            return list(dict.fromkeys(self.sites[slot]))
        return self.values([slot])

    def watches(self, slot: int) -> bool:
        """Whether an input only takes the cotangent of a view."""
        return any(isinstance(h._view, Watched) and h._view.other is self.handles[slot] for h in self.handles)

    def comes_from_others(self, slot: int) -> bool:
        """Whether derivatives pass from what a leaf holds to other variables."""
        others = {v for k in self.entered if k != slot and self.roles[k] != CONSTANT
                  for v in self.sites.get(k, [self.entered[k]])}
        return not others.isdisjoint(differentiable_ancestors([self.handles[slot].value]))

    def role(self, slot: int) -> int:
        return CONSTANT if self.is_detached[slot] else self.roles[self.roots[slot]]

    def call(self, operands: Sequence[int], run: Callable[[list[TracedArray]], Any]) -> Outcome:
        """A call of a function on tensors."""
        handles = [self.handles[k] for k in operands]
        owners = [h.root for h in handles]
        before = [h.version for h in owners]
        differentiable = self.grad_enabled and any(self.role(k) != CONSTANT for k in operands)
        with self:
            old_values = {self.roots[k]: self.handles[self.roots[k]].value for k in operands
                          if self.roles[self.roots[k]] == DERIVED and (not self.grad_enabled or self.is_detached[k])}
            result = run(handles)
            effects = [self.changed(k, operands, differentiable, old_values)
                       for k, (h, old) in enumerate(zip(owners, before, strict=True))
                       if h.version != old and not any(h is o for o in owners[:k])]
            for h, old in zip(handles, before, strict=True):
                if h.root.version != old:
                    looked_at_anew(h)
            made: list[MadeTensor] = []
            return Outcome(self.received(result, operands, differentiable, made), made, effects)

    def changed(self, k: int, operands: Sequence[int], differentiable: bool, old_values: dict[int, Value]) -> Effect:
        """An operand's elements were written to."""
        slot = self.roots[operands[k]]
        h, role = self.handles[slot], self.roles[slot]
        unseen = not self.grad_enabled or all(self.is_detached[j] for j in self.written_through(h, operands))
        if unseen and self.grad_enabled and differentiable:
            fail(DifferentiationError, "what is written into t.detach(), or t.data, requires a gradient, and no "
                                       "derivative passes there; write it into t, or into t.detach().clone(), or "
                                       "under gj.no_grad()")
        if not unseen and role == DERIVED:
            self.sites.pop(slot, None)
        if role == LEAF and h.is_known:  # a variable, although its elements are known
            h.assign(root(h.value, self.recorder, ARRAY))
        if unseen and role != DERIVED and (role == LEAF or any(self.role(j) != CONSTANT for j in operands)):
            h.assign(root(stopped(h).content, h.home, ARRAY))  # a constant stays one, whatever is written into it
        elif unseen and role == DERIVED:
            self.sites.setdefault(slot, [old_values[slot]])
            self.pass_on(h, old_values[slot])  # as PyTorch has it
        if unseen:
            for other in self.handles:
                if isinstance(other._view, Watched) and other.root is h:
                    other._view.version = h.version
        if role != CONSTANT or differentiable:
            self.make_distinct(h)
        joins = role == LEAF and differentiable and not unseen and self.comes_from_others(slot)
        is_new_variable = role == LEAF and not unseen
        if joins:
            del self.sites[slot]
            self.roles[slot] = role = DERIVED
        elif role == LEAF:
            self.sites[slot] = [*([] if is_new_variable else self.sites[slot]), h.value]
        elif differentiable and not unseen and h.dtype.kind in "fc":
            self.roles[slot] = role = DERIVED
        return Effect(k, slot, tensor_type(h.dtype, h.shape, role), not unseen, is_new_variable, joins)

    def pass_on(self, h: TracedArray, v: Value) -> None:
        """Have the cotangent of an array go on to v, and nowhere else."""
        (passing,) = ruled([h.value], [v], StraightThrough(h.type))
        h.assign(root(passing, self.recorder, ARRAY))

    def make_distinct(self, h: TracedArray) -> None:
        """Have a variable be no other's value: its cotangent is its own, that of a copy, too."""
        if h.dtype.kind in "fc" and not h.is_known:
            if h.value in self.variables:
                self.pass_on(h, h.value)
            self.variables.add(h.value)

    def written_through(self, owner: TracedArray, operands: Sequence[int]) -> list[int]:
        """The operands that a write to what they look at went through: views that have seen what it holds now, or else
        the owner itself."""
        own = [k for k in operands if self.handles[k].root is owner]
        views = [k for k in own if self.handles[k].parent is not None and self.handles[k]._seen == owner.version]
        return views or [k for k in own if self.handles[k] is owner] or own

    def received(self, x: Any, operands: Sequence[int], differentiable: bool, made: list[MadeTensor]) -> Any:
        """The result of a step with slots in the place of arrays."""
        if isinstance(x, np.generic | np.ndarray):
            x = root(np.asarray(x), None, ARRAY)
        if isinstance(x, TracedArray):
            known = next((k for k, h in enumerate(self.handles) if h is x), None)
            return TensorSlot(self.new(x, operands, differentiable, made) if known is None else known)
        if isinstance(x, list | tuple):
            items = [self.received(i, operands, differentiable, made) for i in x]
            return type(x)(*items) if hasattr(x, "_fields") else type(x)(items)
        if isinstance(x, dict):
            return {k: self.received(v, operands, differentiable, made) for k, v in x.items()}
        return x

    def new(self, h: TracedArray, operands: Sequence[int], differentiable: bool, made: list[MadeTensor]) -> int:
        """An array that a step has made, or a view of an operand."""
        if not h.type.is_static:
            fail(UnsupportedError, "the shape of the result depends on the elements, and tensors have shapes that are "
                                   "known beforehand; call it in a function under gj.jit, or on t.detach()")
        base = next((k for k, slot in enumerate(operands) if self.handles[self.roots[slot]] is h.root), None)
        if h.parent is not None and base is not None:
            is_detached = self.is_detached[operands[base]] or isinstance(h._view, Detached) or not self.grad_enabled
            if is_detached and not isinstance(h._view, Detached) and not self.is_detached[operands[base]]:
                h = detached(h)
            owner = self.roots[operands[base]]
            role = CONSTANT if is_detached else self.roles[owner]
            slot = self.add(h, owner, role, is_detached)
            made.append(MadeTensor(slot, tensor_type(h.dtype, h.shape, role), base, is_detached))
            return slot
        role = DERIVED if differentiable and h.dtype.kind in "fc" else CONSTANT
        if h.parent is not None or h.kind != ARRAY or not self.grad_enabled:
            content = h if self.grad_enabled or h.is_known else stopped(h)
            h = root(content.content, content.home, ARRAY)
        if role == DERIVED:
            self.make_distinct(h)
        slot = self.add(h, None, role)
        made.append(MadeTensor(slot, tensor_type(h.dtype, h.shape, role)))
        return slot
