"""Which tangents and cotangents are there in every iteration of a loop, and which only in some.

What is known before a loop's derivative is written: one that is always there, or never, needs no flag that goes along
from iteration to iteration. Found by a walk over the body that writes nothing, again for what an iteration hands to the
next one, until nothing changes: twice, nearly always, as there are three answers.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Container, Iterable
from enum import Enum
from typing import Generic, TypeVar

from ..ir import OPS, Block, Loop, Op, Value, captures, is_loop
from ..ir.ops.tape import record_of
from . import dependence
from .activity import Activity, inexact


class Presence(Enum):
    """Whether a derivative flows."""

    NEVER = 0
    MAYBE = 1
    ALWAYS = 2


NEVER, MAYBE, ALWAYS = Presence.NEVER, Presence.MAYBE, Presence.ALWAYS
State = dict[Value, Presence]
T = TypeVar("T")


def joined(x: Presence, y: Presence) -> Presence:
    """That of a sum."""
    return x if x.value >= y.value else y


def agreed(x: Presence, y: Presence) -> Presence:
    """That of one or the other."""
    return x if x is y else MAYBE


class Walk(Generic[T]):
    """A walk backwards over blocks of a function, for what is known of cotangents: one of a few answers for each value,
    with what `active` says.

    nothing: the answer where no cotangent arrives.
    """

    nothing: T

    def __init__(self, active: Activity):
        self.active = active

    @abstractmethod
    def joined(self, x: T, y: T) -> T:
        """That of a sum."""

    @abstractmethod
    def agreed(self, x: T, y: T) -> T:
        """That of one or the other."""

    @abstractmethod
    def straight(self, op: Op, state: dict[Value, T]) -> None:
        """An operation without regions: what its operands get."""

    def block(self, block: Block, state: dict[Value, T]) -> None:
        for op in reversed(block.ops):
            if op.name == "if":
                self.branch(op, state)
            elif op.regions:
                self.loop(Loop.of(op), state)
            else:
                self.straight(op, state)

    def add(self, state: dict[Value, T], v: Value, p: T) -> None:
        if p is not self.nothing and v in self.active:
            state[v] = self.joined(p, state.get(v, self.nothing))

    def branch(self, op: Op, state: dict[Value, T]) -> None:
        came = [state.pop(r, self.nothing) for r in op.results]
        sides = []
        for region in op.regions:
            side = dict(state)
            for v, p in zip(region.results, came, strict=True):
                self.add(side, v, p)
            self.block(region, side)
            sides.append(side)
        for v in dict.fromkeys(v for side in sides for v in side):
            state[v] = self.agreed(*(side.get(v, self.nothing) for side in sides))

    def loop(self, loop: Loop, state: dict[Value, T]) -> None:
        came = [state.pop(r, self.nothing) for r in loop.results]
        taken = self.taken(loop)
        begun, ended = self.iterations(loop, came, [state.get(v, self.nothing) for v in taken], taken)
        known = [self.agreed(b, e) for b, e in zip(begun, ended, strict=True)]
        for v, p in zip(taken, known[len(came):], strict=True):
            state[v] = p
        for v, p in zip(loop.inits, known, strict=False):
            self.add(state, v, p)

    def taken(self, loop: Loop) -> list[Value]:
        return [v for v in captures(loop.op) if v in self.active]

    def iterations(self, loop: Loop, came: Iterable[T], there: Iterable[T], taken: Iterable[Value]
              ) -> tuple[list[T], list[T]]:
        """For each carried value, and then for what the loop takes from outside: what comes into any iteration, and
        what goes out of it. `came` and `there` is what comes in from behind."""
        taken, begun = list(taken), [*came, *there]
        while True:
            inner: dict[Value, T] = {}
            for v, p in zip((*loop.yields, *taken), begun, strict=True):
                self.add(inner, v, p)
            self.block(loop.body, inner)
            ended = [inner.get(v, self.nothing) for v in (*loop.params, *taken)]
            found = [self.agreed(b, e) for b, e in zip(begun, ended, strict=True)]
            if found == begun:
                return begun, ended
            begun = found


class Backwards(Walk[Presence]):
    """Which cotangents are there.

    met: whether one that is there only sometimes meets a derivative that may be infinite.
    """

    nothing = NEVER

    def __init__(self, active: Activity):
        super().__init__(active)
        self.met = False

    def joined(self, x: Presence, y: Presence) -> Presence:
        return joined(x, y)

    def agreed(self, x: Presence, y: Presence) -> Presence:
        return agreed(x, y)

    def straight(self, op: Op, state: State) -> None:
        """Every operand gets a cotangent where a result has one; of a select one of both, of a record what was pushed.
        """
        if OPS[op.name].moves_record:
            for v in op.operands:
                self.add(state, v, MAYBE)
            return
        found = max((state.pop(r, NEVER) for r in op.results), key=lambda p: p.value, default=NEVER)
        self.met = self.met or (found is MAYBE and OPS[op.name].slope.is_singular)
        found = MAYBE if found is ALWAYS and op.name == "select" else found
        for v in op.operands:
            self.add(state, v, found)


class Forwards:
    """The walk for tangents over a whole function. `states` tells about the values in `active`, and slots of tapes.

    sources: the parameters that have tangents. constant: the operations that give none.
    met: what is read where a tangent that is there only sometimes meets a derivative that may be infinite.
    """

    def __init__(self, body: Block, tapes: dependence.TapeRoots, active: set[dependence.Node], sources: Iterable[Value],
                 constant: Container[str]):
        self.tapes = tapes
        self.active = active
        self.constant = constant
        self.states: dict[dependence.Node, Presence] = dict.fromkeys(sources, ALWAYS)
        self.met: set[Value] = set()
        self.block(body)

    def of(self, node: dependence.Node) -> Presence:
        return self.states.get(node, NEVER)

    def set(self, node: dependence.Node, p: Presence) -> None:
        if node in self.active:
            self.states[node] = p

    def block(self, block: Block) -> None:
        for op in block.ops:
            if op.name == "if":
                for region in op.regions:
                    self.block(region)
                for r, *sides in zip(op.results, *(region.results for region in op.regions), strict=True):
                    self.set(r, agreed(*map(self.of, sides)))
            elif is_loop(op):
                self.loop(Loop.of(op))
            else:
                self.straight(op)

    def straight(self, op: Op) -> None:
        if op.name == "push":
            for v, slot in zip(record_of(op), self.tapes.slots(op), strict=True):
                self.set(slot, agreed(self.states.get(slot, self.of(v)), self.of(v)))
            return
        if op.name == "pop":
            for v, slot in zip(record_of(op), self.tapes.slots(op), strict=True):
                self.set(v, self.of(slot))
            return
        if op.name in self.constant:
            return
        given = [self.of(v) for v in inexact(op.operands)]
        if OPS[op.name].slope.is_singular:
            self.met.update(v for v in op.operands if self.of(v) is MAYBE)
        found = max(given, key=lambda p: p.value, default=NEVER)
        if op.name == "select":
            found = agreed(*given) if len(given) == 2 else found
        for r in op.results:
            self.set(r, found)

    def loop(self, loop: Loop) -> None:
        begun = [self.of(v) for v in loop.inits]
        while True:
            for p, state in zip(loop.params, begun, strict=True):
                self.set(p, state)
            self.block(loop.body)
            ended = [self.of(v) for v in loop.yields]
            found = [agreed(x, y) for x, y in zip(begun, ended, strict=True)]
            if found == begun:
                break
            begun = found
        for r, state in zip(loop.results, begun, strict=True):
            self.set(r, state)
