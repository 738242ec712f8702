"""How an iteration hands arrays to the next one, and a branch to what stands behind it."""

from __future__ import annotations

from collections.abc import Sequence

from ...ir import Block, Loop, Op, Value, is_loop
from ...ir.core import walk
from ...records import dataclass
from ..loops import View
from .language import BufferProgram, fence, is_whole, without_idle_fences


def double_buffer(p: BufferProgram) -> None:
    """What a region yields is brought to where it is carried: new arrays change places with the old ones, or are
    copied, all at once, as the old ones may be among the new."""
    for op in list(walk(p.func.body)):
        if is_loop(op):
            hand_over(p, Loop.of(op).body, [p.homes.get(v) for v in Loop.of(op).params])
        elif op.regions:
            for region in op.regions:
                hand_over(p, region, [p.homes.get(r) for r in op.results])


@dataclass
class Move:
    """The value that a block yields at `position`, and where it is to go."""

    position: int
    value: Value
    home: View


def hand_over(p: BufferProgram, block: Block, homes: Sequence[View | None]) -> None:
    """Bring what a block yields to `homes`."""
    moves = [Move(j, v, home) for j, (v, home) in enumerate(zip(block.results, homes, strict=True))
             if home is not None and not stands_at(p, v, home)]
    traded = exchanged(p, block, moves)
    results = list(block.results)
    for m in in_turn(p, block, [m for m in moves if m not in traded]):
        results[m.position] = append(block, p.copied(m.value, m.home))
    for m in traded:
        op = Op("trade", (m.value,), {}, (m.value.type,))
        p.homes[op.result] = m.home
        block.ops.append(op)
        results[m.position] = op.result
    block.results = tuple(results)


def append(block: Block, op: Op) -> Value:
    """A part of its own at the end of a block."""
    block.ops = without_idle_fences([*block.ops, fence(), op])
    return op.result


def stands_at(p: BufferProgram, v: Value, home: View) -> bool:
    return v in p.homes and p.homes[v].buffer is home.buffer and is_whole(p.homes[v], v.type)


def exchanged(p: BufferProgram, block: Block, moves: Sequence[Move]) -> list[Move]:
    """New arrays that have memory of their own from this iteration: it changes places with that of the old ones.

    Nothing else may stand in either: what is yielded twice, or shown by another of the arrays, is copied.
    """
    found = []
    seen = [b for m in moves for b in p.shown(m.value)]
    for m in moves:
        home = p.homes.get(m.value)
        if home is None or p.births.get(home.buffer) is not block or not is_whole(home, m.value.type):
            continue
        lone = seen.count(home.buffer) == 1 and m.home.buffer not in seen
        if lone and home.buffer.role == m.home.buffer.role == "workspace":
            home.buffer.moves = m.home.buffer.moves = True
            found.append(m)
    return found


def in_turn(p: BufferProgram, block: Block, moves: Sequence[Move]) -> list[Move]:
    """The moves in an order in which no copy overwrites what another reads; through copies where there is none."""
    done: list[Move] = []
    left = list(moves)
    while left:
        free = next((m for m in left if not any(m.home.buffer in p.shown(o.value) for o in left
                                                if o is not m or o.value not in p.homes)), None)
        if free is None:
            first = left[0]
            aside = p.memory(first.value.type.with_shape(first.home.buffer.shape), block)
            left[0] = Move(first.position, append(block, p.copied(first.value, aside)), first.home)
            continue
        left.remove(free)
        done.append(free)
    return done
