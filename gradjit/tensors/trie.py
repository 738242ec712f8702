"""Programs of tensors by their form: a trie of steps. Two recordings that take the same steps stand at one node.

A step is named by a key: the function, the slots of its operands, and all that is no tensor and no float of an
arithmetic operator (ints, shapes, axes, flags). A node holds what the tracer has told about the step when it was first
taken, and the kernels that compute what is wanted of the program that ends there.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any
from weakref import ref

from ..ir import Loc, Value
from ..processes import Lock
from ..tracer.locations import here
from .open_trace import Effect, MadeTensor, OpenTrace, TensorSlot
from .tensor_types import CONSTANT, DERIVED, TensorType

MAX_NODES = 20_000
"""So many nodes are kept: programs that never repeat themselves begin anew then."""
MAX_INTS = 16
"""So many different ints are part of programs as operands of one operation on a line of the user's; any further one is
a number that comes in, as a float is."""
TRACES = 8
"""So many traces are kept."""
MAX_STEPS = 500
"""A recording of so many steps is computed, and the next one begins."""


class Step:
    """What leads from one node to the next."""

    loc: Loc | None = None
    """The user's line that took it first."""

    def replay(self, t: OpenTrace) -> None:
        raise NotImplementedError


class Enter(Step):
    """An array that exists comes in."""

    def __init__(self, type: TensorType):
        self.type = type

    def replay(self, t: OpenTrace) -> None:
        t.enter(self.type)


class EnterNumber(Step):
    def replay(self, t: OpenTrace) -> None:
        t.number()


class SetMode(Step):
    """Derivatives are recorded from here on, or not."""

    def __init__(self, enabled: bool):
        self.enabled = enabled

    def replay(self, t: OpenTrace) -> None:
        t.grad_enabled = self.enabled


class TensorCall(Step):
    """A function is called: `run(arrays)`, with the arrays of the operands, the tracer's or NumPy's."""

    def __init__(self, run: Callable[[list[Any]], Any], operands: Sequence[int], key: Any):
        self.run = run
        self.operands = tuple(operands)
        self.key = key

    def replay(self, t: OpenTrace) -> None:
        t.call(self.operands, self.run)

    def note_line(self) -> None:
        self.loc = here()


class NumberCall(TensorCall):
    """A function is called on a Python float that comes in with the call, as the last slot before it."""

    def replay(self, t: OpenTrace) -> None:
        t.number()
        t.call(self.operands, self.run)


class TracedForm:
    """How far a trace had come behind a step: what it had recorded, and the values that the step gave to slots.

    A trace goes on behind it, and is not kept for long (`_Trie.traces`).
    """

    __slots__ = ("trace", "ops", "inputs", "values")

    def __init__(self, t: OpenTrace, node: TrieNode):
        self.trace = ref(t)
        self.ops = len(t.recorder.block.ops)
        self.inputs = len(t.inputs)
        given = [m.slot for m in node.made if m.base is None] + [e.slot for e in node.effects]
        self.values = {s: t.handles[s]._content for s in given}


class TrieNode:
    """The program up to here."""

    __slots__ = ("parent", "step", "next", "slots", "length", "result", "made", "effects", "changed", "single",
                 "update", "kernels", "grad_enabled", "is_eager", "slot", "type", "places", "guards", "hidden",
                 "crowded", "traced")

    def __init__(self, parent: TrieNode | None, step: Step | None):
        self.parent = parent
        self.step = step
        self.next: dict[Any, TrieNode] = {}
        self.slots: int = 0 if parent is None else parent.slots
        self.length: int = 0 if parent is None else parent.length + 1
        self.grad_enabled: bool = True if parent is None else parent.grad_enabled
        self.is_eager: bool = parent is not None and parent.is_eager
        """Whether each step is computed at once."""
        self.changed: frozenset[int] = frozenset() if parent is None else parent.changed
        """slots of roots that were written to."""
        self.result: Any = None
        self.made: Sequence[MadeTensor] = ()
        self.effects: Sequence[Effect] = ()
        self.places: dict[int, int] = {}
        """Of the tensors made, by slot: which leaf of the result they are."""
        self.single = False
        """Whether the step gives one new array that owns its elements, and changes nothing."""
        self.update: Effect | None = None
        """What it does, if it changes the elements of one operand and nothing besides: no tensor, no new variable."""
        self.slot = self.slots
        self.type: TensorType = None  # type: ignore[assignment]
        """Of a single result."""
        self.kernels: dict[Any, Any] = {}
        self.guards: Sequence[Any] = ()
        """Of a call of a traced function: what must hold outside, so that it is the same call."""
        self.hidden: Sequence[Any] = ()
        """The arrays from outside that it reads."""
        self.crowded: frozenset[Any] = frozenset()
        """The operations, with their tensor, that have taken too many ints as the other operand."""
        self.traced: TracedForm | None = None
        """What the tracer stood at behind the step."""

    def has_room(self, operation: Any, slot: int, x: int) -> bool:
        """Whether an int becomes part of the program here, as the other operand of an operation."""
        if (operation, slot) in self.crowded:
            return False
        known = _trie.ints.setdefault((operation, here()), set())
        if x in known or len(known) < MAX_INTS:
            known.add(x)
            return True
        self.crowded |= {(operation, slot)}
        return False

    def path(self) -> list[Step]:
        """The steps from the beginning."""
        found: list[Step] = []
        node: TrieNode | None = self
        while node is not None and node.step is not None:
            found.append(node.step)
            node = node.parent
        return found[::-1]

    @property
    def has_derivatives(self) -> bool:
        """Whether derivatives pass the step."""
        return (any(m.type.role != CONSTANT and not m.is_detached for m in self.made)
                or any(e.type.role != CONSTANT and e.is_recorded for e in self.effects))

    def has_written(self, slot: int) -> bool:
        """Whether derivatives know of a write to a root."""
        node: TrieNode | None = self
        while node is not None:
            if any(e.slot == slot and e.is_recorded for e in node.effects):
                return True
            node = node.parent
        return False

    def traced_values(self, slots: Sequence[int]) -> tuple[TracedForm, list[Value]] | None:
        """What the owners of these slots hold here, as the trace knows that came by; None where that is no more."""
        traced = self.traced
        if traced is None or (t := traced.trace()) is None:
            return None
        found: dict[int, Any] = {}
        node: TrieNode | None = self
        while node is not None and node.traced is not None and node.traced.trace() is t:
            found = node.traced.values | found
            node = node.parent
        values = [found.get(s) for s in slots]
        return (traced, values) if all(isinstance(v, Value) for v in values) else None  # type: ignore[return-value]

    def continued(self) -> OpenTrace | None:
        """The trace that an ended recording has left here, for one recording to go on with."""
        t = None if self.traced is None else self.traced.trace()
        with _trie.lock:
            if t is None or t.at is not self:
                return None
            t.at = None
        return t

    def leave(self, t: OpenTrace) -> None:
        """Leave a trace that stands here to others."""
        if t.recorder.captured:
            return
        if self.traced is None or self.traced.trace() is not t:
            self.traced = TracedForm(t, self)
        if all(t is not known for known in tuple(_trie.traces)):
            _trie.traces.append(t)
        t.at = self

    def opened(self) -> OpenTrace:
        """An open trace that has taken these steps."""
        t = OpenTrace()
        for step in self.path():
            start = len(t.recorder.block.ops)
            step.replay(t)
            if step.loc is not None:
                for op in t.recorder.block.ops[start:]:
                    op.loc = step.loc
        return t

    def extended(self, key: Any, t: OpenTrace, step: Step) -> TrieNode:
        """The node behind one more step, which `t`, that stands here, takes now."""
        node = TrieNode(self, step)
        if isinstance(step, Enter):
            node.slot, node.type = t.enter(step.type), step.type
        elif isinstance(step, EnterNumber):
            node.slot = t.number()
        elif isinstance(step, SetMode):
            step.replay(t)
            node.grad_enabled = step.enabled
        else:
            assert isinstance(step, TensorCall)
            step.note_line()
            known, captured = len(t.recorder.world.guards), len(t.recorder.captured)
            if isinstance(step, NumberCall):
                t.number()
            outcome = t.call(step.operands, step.run)
            node.guards = list(t.recorder.world.guards.values())[known:]
            node.hidden = [c for c in list(t.recorder.captured.values())[captured:] if not is_table(c)]
            node.result, node.made, node.effects = outcome.result, outcome.made, outcome.effects
            node.changed = self.changed | {t.roots[step.operands[e.operand]] for e in outcome.effects}
            node.single = (len(node.made) == 1 and not node.is_eager and not node.effects and node.made[0].base is None
                           and node.result == TensorSlot(node.made[0].slot))
            node.update = the_only_update(node)
            leaves = leaves_of(node.result)
            node.places = {m.slot: leaves.index(TensorSlot(m.slot)) for m in node.made}
            if node.made:
                node.slot, node.type = node.made[0].slot, node.made[0].type
        node.slots = len(t.handles)
        if not t.recorder.captured:
            node.traced = TracedForm(t, node)
            if self.traced is None or self.traced.trace() is not t:
                _trie.traces.append(t)
        _trie.count(self, key, node)
        return node


def the_only_update(node: TrieNode) -> Effect | None:
    if len(node.effects) != 1 or node.made or node.is_eager:
        return None
    (e,) = node.effects
    return None if e.is_new_variable or e.type.role == DERIVED else e


def is_table(c: Any) -> bool:
    """Whether a hidden input is an array of the program's own, and not one from outside."""
    return c.source is None and c.handle is None


def leaves_of(x: Any) -> list[Any]:
    """What stands in a structure of lists, tuples and dicts, in order."""
    if isinstance(x, dict):
        x = list(x.values())
    return [leaf for item in x for leaf in leaves_of(item)] if isinstance(x, list | tuple) else [x]


class _Trie:
    """The roots of all programs: with derivatives and without, computed later or at once."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.clear()

    def clear(self) -> None:
        self.nodes = 0
        self.traces: deque[OpenTrace] = deque(maxlen=TRACES)
        """The latest: other recordings on the same way may want kernels of them."""
        self.ints: dict[Any, set[int]] = {}
        """By operation and line: the ints that are part of programs."""
        self.roots: dict[tuple[bool, bool], TrieNode] = {}
        for is_eager in (False, True):
            root = self.roots[True, is_eager] = TrieNode(None, None)
            root.is_eager = is_eager
            constant = self.roots[False, is_eager] = TrieNode(root, SetMode(False))
            constant.grad_enabled = False

    def count(self, parent: TrieNode, key: Any, node: TrieNode) -> None:
        with self.lock:
            self.nodes += 1
            if self.nodes > MAX_NODES:
                self.clear()
            parent.next.setdefault(key, node)


_trie = _Trie()


def beginning(grad_enabled: bool) -> TrieNode:
    """Where a recording begins."""
    return _trie.roots[grad_enabled, modes.is_eager]


def clear() -> None:
    """Forget all programs."""
    with _trie.lock:
        _trie.clear()


class _Modes(threading.local):
    grad_enabled = True
    is_eager = False
    makes_variables = False
    """Whether what is computed without derivatives is a variable from then on, as MyGrad has it."""


modes = _Modes()
"""Of this thread."""
