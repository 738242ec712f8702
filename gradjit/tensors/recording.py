"""A recording: the steps that tensors have taken since the last one was computed, and the arrays that came in.

It is open until somebody looks at a value, or asks for derivatives. Then all tensors of it that are alive get their
arrays at once, and a new recording begins. A closed recording is a node in the graph of what derivatives are pulled
back through: it knows what its inputs came from.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from itertools import compress
from sys import getrefcount
from typing import TYPE_CHECKING, Any, NoReturn
from weakref import ref

import numpy as np

from ..errors import DtypeError, TraceError, UnsupportedError
from ..tracer.guards import all_hold
from ..tracer.locations import fail
from ..tracer.recorder import running_recorders
from ..tracer.trace import captured_name, is_changed
from . import kernels
from .open_trace import OpenTrace, TensorSlot, watched
from .tensor_types import CONSTANT, DERIVED, LEAF
from .trie import MAX_STEPS, Enter, EnterNumber, SetMode, Step, TensorCall, TrieNode, beginning, leaves_of, modes

if TYPE_CHECKING:
    from .tensor import Tensor
    from .tensor_gradients import GradientHooks

_numbers = itertools.count()
FLOAT = "float"
GRAD_ON, GRAD_OFF = "derivatives on", "derivatives off"


NO_INPUTS: list[Any] = []
NO_TENSORS: dict[int, Tensor] = {}
NO_SOURCES: dict[int, Upstream] = {}
"""What a recording has that has ended."""


def _counts(tensors: dict[int, Any]) -> Iterator[int]:
    return map(getrefcount, tensors.values())


_is_held = next(_counts({0: object()})).__lt__
"""Of a tensor's references, so counted: whether they are more than where nobody but its recording holds it."""


def held(tensors: dict[int, Tensor]) -> tuple[int, ...]:
    """The slots of those that somebody else holds."""
    return tuple(compress(tensors, map(_is_held, _counts(tensors))))


class Upstream:
    """What the cotangent of a recording's input goes to: a leaf, or the output of an earlier recording.

    leaf: a weak reference to it; it receives nothing once its `_source` is another one: it is another variable then.
    hooks: the leaf's; they see its cotangent even if the leaf itself is no more.
    """

    __slots__ = ("leaf", "hooks", "recording", "slot")

    def __init__(self, leaf: Tensor | None, recording: Any = None, slot: int = 0):
        self.leaf = None if leaf is None else ref(leaf)
        self.hooks: GradientHooks | None = None if leaf is None else leaf._hooks
        self.recording = recording
        self.slot = slot


class Past:
    """A recording that was computed, as a node in the graph that derivatives are pulled back through."""

    __slots__ = ("number", "node", "inputs", "sources", "tensors", "carried", "hooks", "freed", "rule", "is_lasting")

    rule: Callable[[np.ndarray], dict[int, np.ndarray]] | None
    """What pulls back in the place of the recorded steps: a rule of the user's, from the only output to the sources."""

    def __init__(self, r: Recording):
        self.rule = None
        self.is_lasting = False
        """Whether cotangents may come through it again, as through a view: no elements were kept for them."""
        self.number = next(_numbers)  # what it was computed from has a lower one
        self.node, self.sources = r.node, r.sources
        self.tensors = {slot: ref(r.tensors[slot]) for slot in held(r.tensors)}
        self.carried = r.carried
        self.inputs = [*r.inputs, *r.hidden] if r.hidden else r.inputs
        self.hooks: dict[int, GradientHooks] = {}
        """Functions that the user has registered, by slot."""
        self.freed: list[tuple[frozenset[int], Any]] = []
        """slots whose graph was used up, with the line of the user's that did it."""


class Recording:
    """The steps of this thread's tensors since the last look at one."""

    is_open = True
    trace: tuple[TrieNode, OpenTrace] | None = None
    """Where it was traced last, and the trace, which is its own until it ends."""
    cleared: tuple[TrieNode, Tensor, Any] | None = None
    """The tensor that lost its gradient last, as it came in, and where."""
    past: Past | None = None
    """What it will be in the graph, if that is known before it ends."""
    hidden: Sequence[np.ndarray] = ()
    """Copies of the arrays that functions called on tensors have read from outside."""
    carried: frozenset[int] = frozenset()
    """Derived tensors that came in and were written to unseen: as variables they are still what came in."""
    is_observed = False
    """Whether some tensor of it keeps its gradient."""
    is_deep = False
    """Whether it has inputs that earlier recordings have given."""

    def __init__(self) -> None:
        self.node: TrieNode = beginning(modes.grad_enabled)
        self.inputs: list[Any] = []
        self.tensors: dict[int, Tensor] = {}
        """By slot: those that own their elements, and were made here, written to, or keep their gradients. Whether
        somebody else still holds one is asked for at the end (`held`): weak references would cost more."""
        self.sources: dict[int, Upstream] = {}

    # steps ----------------------------------------------------------------------------------------------------------
    def extend(self, key: Any, step: Step) -> TrieNode:
        """The node behind a step that nobody has taken here."""
        if running_recorders():
            fail(TraceError, "a tensor is used in a function while gradjit traces it, which would make its value part "
                             "of the compiled program; pass it as an argument, or its array, t.numpy()")
        t, self.trace = self.open_trace() or self.node.continued() or self.node.opened(), None
        found = self.node.extended(key, t, step)
        self.trace = found, t
        return found

    def open_trace(self) -> OpenTrace | None:
        """The open trace that stands where the recording stands, if there is one."""
        return self.trace[1] if self.trace is not None and self.trace[0] is self.node else None

    def extend_call(self, key: Any, step: TensorCall, operands: Sequence[Any]) -> TrieNode | None:
        """The same for an operator; None where the tracer has no rule and no operand wants derivatives."""
        try:
            return self.extend(key, step)
        except (UnsupportedError, DtypeError):
            if modes.grad_enabled and any(type(t) not in (int, float) and t.requires_grad for t in operands):
                raise
            return None

    @staticmethod
    def slot_elsewhere() -> NoReturn:
        fail(TraceError, "a tensor is used whose value another thread is still recording; have that thread look at it "
                         "first, as by t.numpy()")

    def slot(self, t: Tensor) -> int:
        """The slot of a tensor, which comes in now if it is not of this recording."""
        array, other = t._array, t._recording
        if array is None or t._exposed or t._base is not None or (other is not None and other.is_open):
            del array  # so that only the tensor holds it
            return self.slot_of_any(t)
        type = t._type
        node = self.node.next.get(type)
        if node is None:
            node = self.extend(type, Enter(type))
        self.node = node
        self.inputs.append(array)
        t._recording = self
        t._slot = slot = node.slot
        if type.role:
            if type.role == LEAF and t._source is not None:
                self.sources[slot] = t._source
            else:
                self.note_source(t, slot)
        if t._keeps_grad:
            self.note_keeping(t, slot)
        return slot

    def slot_of_any(self, t: Tensor) -> int:
        """The slot of a tensor that may be a view, be held by somebody else, or have none yet."""
        slot = t._slot  # before the recording is asked for: another thread may have it enter its own meanwhile
        other = t._recording
        if other is self:
            return slot
        if t._base is not None:
            return t._enter_view(self)
        if other is not None and other.is_open and (t._array is None or slot in other.node.changed):
            self.slot_elsewhere()
        array = t._own_array()
        type = t._type
        self.node = node = self.node.next.get(type) or self.extend(type, Enter(type))
        self.inputs.append(array)
        t._recording = None if t._exposed else self
        t._slot = slot = node.slot
        if type.role:
            self.note_source(t, slot)
        if t._keeps_grad:
            self.note_keeping(t, slot)
        return slot

    def note_source(self, t: Tensor, slot: int) -> None:
        """Note where cotangents of an input go to."""
        source = t._source
        if t._type.role == DERIVED:
            self.is_deep = True
        elif source is None:
            source = t._source = Upstream(t)
        if source is not None:
            self.sources[slot] = source

    def note_keeping(self, t: Tensor, slot: int) -> None:
        """Note an input that keeps its gradient."""
        self.is_observed = True
        self.tensors[slot] = t
        if t.clears_gradients and t._grad is not None:
            if self.node.grad_enabled:
                self.cleared = self.node, t, t._grad
                t._grad = None
            else:  # nothing is computed from it that has derivatives
                t._is_stale = True

    def watched(self, view: Tensor, seen: int) -> int:
        """The slot of a view with a source of its own, to which its cotangent goes. seen: the slot without that."""
        owner = view._owner
        if owner._recording is self and owner._slot in self.node.changed and self.node.has_written(owner._slot):
            return seen  # it is another variable now
        type = view._type.with_role(DERIVED)
        unread = np.zeros(type.shape, type.dtype)
        self.node = self.node.next.get(type) or self.extend(type, Enter(type))
        self.inputs.append(unread)
        slot = self.node.slot
        self.sources[slot] = view._source
        self.is_deep = True
        key = watched, seen, slot
        self.node = self.node.next.get(key) or self.extend(key, TensorCall(watched, key[1:], watched))
        return self.node.slot

    def uses(self, slot: int) -> bool:
        """Whether derivatives pass from a result of a step to the tensor of this slot."""
        node: TrieNode | None = self.node
        while node is not None:
            if isinstance(node.step, TensorCall) and slot in node.step.operands and node.has_derivatives:
                return True
            node = node.parent
        return False

    def float_slot(self, x: float) -> int:
        """The slot of a Python float, an input of its own."""
        self.node = node = self.node.next.get(FLOAT) or self.extend(FLOAT, EnterNumber())
        self.inputs.append(x)
        return node.slot

    def call(self, run: Callable[[list[Any]], Any], struct: Any, tensors: Sequence[Any], cls: type[Tensor],
             kind: type[TensorCall] = TensorCall, is_whole: bool = True) -> Any:
        """The result of a call on operands: tensors, and floats that are inputs. `struct` is all the rest of it.
        is_whole: whether it is what the user wrote, and not a part of that; then it may be computed at once."""
        slots = [self.float_slot(t) if type(t) is float else self.slot(t) for t in tensors]
        key = (struct, *slots)
        node = self.node.next.get(key)
        if node is not None and node.guards and not all_hold(node.guards):
            del self.node.next[key]
            node = None
        if node is None:
            node = self.extend(key, kind(run, slots, struct))
        if node.hidden:
            self.hidden = [*self.hidden, *(read(c) for c in node.hidden)]
        self.node = node
        found = self.tensor(cls, node) if node.single else self.results(node, tensors, cls, is_whole)
        if node.hidden:  # somebody may write to what was read
            self.compute()
        return found

    def results(self, node: TrieNode, tensors: Sequence[Any], cls: type[Tensor], is_whole: bool = True) -> Any:
        """The tensors that a step gives."""
        is_shared = self.take_effects(node, tensors) if node.effects else False
        made: dict[int, Tensor] = {}
        for m in node.made:
            t = made[m.slot] = cls.__new__(cls)
            t._recording, t._slot, t._type = self, m.slot, m.type
            if m.base is None:
                self.tensors[m.slot] = t
            else:
                t._base, t._is_detached = tensors[m.base], m.is_detached
                owner = t._owner
                owner._has_views = True
                if self.cleared is not None and self.cleared[0] is node.parent and self.cleared[1] is owner:
                    owner._grad, owner._is_stale = self.cleared[2], True  # a view is no use of it
                if owner._exposed:
                    t._recording = None
                t._how = node.step, tensors, node.places[m.slot]
        step: Any = node.step
        found = self.structure(node.result, made, lambda slot: tensors[step.operands.index(slot)])
        if is_shared or (node.is_eager and is_whole):
            self.compute()
        return found

    def take_effects(self, node: TrieNode, tensors: Sequence[Any]) -> bool:
        """What a step does to its operands. Whether somebody else has the memory of one, and sees it at once."""
        is_shared = False
        for e in node.effects:
            owner = tensors[e.operand]
            if owner._base is not None:
                owner = owner._owner
            owner._type = e.type
            slot = e.slot
            self.tensors[slot] = owner
            is_shared = is_shared or owner._exposed
            if e.joins:
                owner._was_leaf = owner._keeps_grad = self.is_observed = True
            if e.is_new_variable:
                owner._source = None
                if not e.joins:
                    self.sources[slot] = owner._source = Upstream(owner)
            if e.type.role == DERIVED and slot in self.sources:
                self.sources[~slot] = self.sources.pop(slot)
                self.carried |= {slot}
            if e.is_recorded and slot in self.carried:  # what came in is another variable than what is there
                self.carried -= {slot}
                let_go(self.sources[~slot])
        return is_shared

    def tensor(self, cls: type[Tensor], node: TrieNode) -> Tensor:
        """The one new tensor that a step gives."""
        t = cls.__new__(cls)
        t._recording = self
        t._slot = slot = node.slot
        t._type = node.type
        self.tensors[slot] = t
        return t

    def structure(self, x: Any, made: dict[int, Tensor], operand: Callable[[int], Any]) -> Any:
        if type(x) is TensorSlot:
            return made[x.index] if x.index in made else operand(x.index)
        if isinstance(x, list | tuple):
            items = [self.structure(i, made, operand) for i in x]
            return type(x)(*items) if hasattr(x, "_fields") else type(x)(items)
        if isinstance(x, dict):
            return {k: self.structure(v, made, operand) for k, v in x.items()}
        return x

    def set_mode(self, enabled: bool) -> None:
        """Derivatives are recorded from here on, where they were not, or not."""
        key = GRAD_ON if enabled else GRAD_OFF
        self.node = self.node.next.get(key) or self.extend(key, SetMode(enabled))

    # the end --------------------------------------------------------------------------------------------------------
    def wanted(self) -> tuple[tuple[int, ...], list[Tensor]]:
        """The slots whose tensors are alive and have no array of what they hold now, and these tensors."""
        tensors, changed = self.tensors, self.node.changed
        slots = held(tensors)
        found = [tensors[slot] for slot in slots]
        for slot, t in zip(slots, found, strict=True):
            if t._array is not None and slot not in changed:
                slots = tuple([s for s in slots if s in changed or tensors[s]._array is None])
                return slots, [tensors[s] for s in slots]
        return slots, found

    def compute(self) -> None:
        """Give every tensor of this recording its array."""
        if not self.is_open:
            return
        wanted, tensors = self.wanted()
        outs: Sequence[np.ndarray] = ()
        if wanted:
            try:
                outs = kernels.values(self.node, wanted, self).run([*self.inputs, *self.hidden])
            except Exception as e:
                self.salvage(wanted, tensors, e)
                raise
        self.close(wanted, tensors, outs)

    def compute_new(self) -> None:
        """The same where there are new tensors, and not merely writes."""
        if self.is_open and any(self.tensors[slot]._array is None for slot in held(self.tensors)):
            self.compute()

    def salvage(self, wanted: Sequence[int], tensors: Sequence[Tensor], error: Exception) -> None:
        """A value cannot be computed: an index is out of range, say. End the recording with those that can; the others
        give the error to whoever looks at them."""
        inputs = [*self.inputs, *self.hidden]
        found: dict[int, tuple[Tensor, np.ndarray]] = {}
        for slot, t in zip(wanted, tensors, strict=True):
            try:
                (a,) = kernels.value_alone(self.node, slot).run(inputs)
                found[slot] = t, a
            except Exception as e:
                t._failure = e
        if len(found) == len(wanted):  # a check that belongs to no tensor that is alive
            self.is_open, local.recording = False, None
        self.close(tuple(found), [t for t, _ in found.values()], [a for _, a in found.values()])

    def close(self, wanted: Sequence[int], tensors: Sequence[Tensor], outs: Sequence[np.ndarray],
              cone: frozenset[int] = frozenset(), freed: Any = None) -> None:
        """The recording has ended, with these arrays for the tensors of these slots. What it was is kept by the tensors
        whose derivatives need it; those in the `cone` have lost their graph."""
        past = self.past
        self.is_open = False
        for slot, t, a in zip(wanted, tensors, outs, strict=True):
            if modes.makes_variables and t._array is None and t._type.role == CONSTANT and a.dtype.kind == "f":
                t._type = t._type.with_role(LEAF)
            if t._exposed:
                t._put(a)
            else:
                t._array = a
            if t._type.role == DERIVED:
                if slot in cone and freed is not None:
                    t._forget_graph(freed)
                else:
                    if past is None:
                        past = Past(self)
                        if freed is not None:
                            past.freed.append((cone, freed))
                    t._source = Upstream(None, past, slot)
        if local.recording is self:
            local.recording = None
        if self.trace is not None:
            (node, trace), self.trace = self.trace, None
            node.leave(trace)
        self.inputs, self.tensors, self.sources = NO_INPUTS, NO_TENSORS, NO_SOURCES


def read(c: Any) -> np.ndarray:
    """What a captured array holds now."""
    found = c.array if c.source is None else c.source.read()
    if is_changed(c.handle):
        fail(UnsupportedError, f"a function that is called on tensors writes to {captured_name(c)}; return the new "
                               f"array instead")
    if found.dtype != c.array.dtype or found.shape != c.array.shape:
        fail(UnsupportedError, f"{captured_name(c)} has become another array, of {found.dtype} and shape "
                               f"{found.shape}; pass it as an argument")
    return np.array(found, order="C")


def let_go(source: Any) -> None:
    """The tensor that was the output at which a cotangent arrives is another variable now."""
    while (past := source.recording) is not None:
        past.tensors.pop(source.slot, None)
        if source.slot not in past.carried:
            break
        source = past.sources[~source.slot]


def custom_past(sources: dict[int, Upstream], rule: Callable[[np.ndarray], dict[int, np.ndarray]]) -> Past:
    """A node of the graph whose derivative a rule of the user's computes."""
    past = Past(Recording())
    past.sources, past.rule = sources, rule
    return past


class _Local(threading.local):
    recording: Recording | None = None


local = _Local()


def current() -> Recording:
    """The open recording of this thread."""
    found = local.recording
    if found is not None and found.is_open:
        if found.node.length < MAX_STEPS:
            return found
        found.compute()
    found = local.recording = Recording()
    return found


__all__ = ["Past", "Recording", "Upstream", "current", "leaves_of", "local"]
