"""What loops and branches carry: where it stands, how it gets there, and how an iteration hands it to the next."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ...ir import OPS, Op, Value
from ..loops import Assign, Buffer, Cell, Exchange, Let, Node, Stmt, Tape, View
from .block_state import BlockState, Home
from .hazards import is_single, is_whole

if TYPE_CHECKING:
    from .lowering import Regions

Place = Home | Cell
"""Where a carried value is: a scalar in a cell, an array in its memory, a tape as it is."""


def carry(low: Regions, scope: BlockState, k: int, op: Op, init: Value, out: list[Stmt]) -> Place:
    """Where a loop keeps a value that it carries, with its initial value there."""
    if init.dtype.kind == "O":
        return low.tape(scope, init)
    if is_single(init.type):
        cell = Cell(f"v{low.serial()}", init.dtype)
        out.append(Assign((cell,), (low.scalar(scope, init),)))
        return cell
    if low.is_free(scope, k, op, init):
        home = scope.home(init)
        assert isinstance(home, View)
    else:
        home = low.buffer(scope, low.static(scope, init.type), init.name)
        out += low.put(scope, init, home)
    low.changing.add(home.buffer)
    return home


def enter(low: Regions, inner: BlockState, params: Iterable[Value], places: Iterable[Place], body: list[Stmt]) -> None:
    """Bind what a region carries to where it is."""
    for p, place in zip(params, places, strict=True):
        if isinstance(place, Cell):
            inner.homes[p] = node = read(low, place)
            body.append(Let(node))
        elif isinstance(place, View):
            inner.owned.add(place.buffer)
            inner.homes[p] = replace(place, version=low.version())
        else:
            inner.homes[p] = place


def read(low: Regions, cell: Cell) -> Node:
    """What the cell holds now."""
    return low.nodes.make("cell", (), (cell, next(low.versions)), cell.dtype, frozenset())


def leave(low: Regions, scope: BlockState, results: Iterable[Value], places: Iterable[Place], out: list[Stmt]) -> None:
    """Bind the results of a loop or branch to where it has left them."""
    for r, place in zip(results, places, strict=True):
        if isinstance(place, Cell):
            scope.homes[r] = node = read(low, place)
            out.append(Let(node))
        elif isinstance(place, View):
            scope.homes[r] = replace(place, version=low.version())
        else:
            scope.homes[r] = place


def give(low: Regions, inner: BlockState, results: Sequence[Value], places: Sequence[Place]) -> list[Stmt]:
    """Bring what a region yields to where it is carried: all at once, as the old values may be among the new."""
    pairs = list(zip(results, places, strict=True))
    scalars = [(v, c) for v, c in pairs if isinstance(c, Cell)]
    out: list[Stmt] = []
    for v, place in pairs:
        assert not isinstance(place, Tape) or low.tape(inner, v) is place, "a tape leaves a region as another one"
    arrays = [(v, p) for v, p in pairs if isinstance(p, View) and not stands_at(low, inner, v, p)]
    exchanged = exchanges(low, inner, arrays)
    for v, view in in_turn(low, inner, [a for a in arrays if a[0] not in exchanged], out):
        out += low.put(inner, v, replace(view, version=None))
    out += exchanged.values()
    changed = [(c, low.scalar(inner, v)) for v, c in scalars]
    changed = [(c, n) for c, n in changed if not (n.kind == "cell" and n.attrs[0] is c)]
    if changed:
        cells, nodes = zip(*changed, strict=True)
        out.append(Assign(cells, nodes))
    return out


def straight(low: Regions, scope: BlockState, ops: Sequence[Op], yields: Sequence[tuple[Value, Place]]
             ) -> dict[Value, View]:
    """The memory of carried arrays that the last operations of a block may fill themselves, if they read it rightly."""
    made = {r: op for op in ops for r in op.results}
    found = {}
    for v, place in yields:
        others = [u for u, _ in yields if u is not v]
        if (isinstance(place, View) and v in made and not OPS[made[v].name].is_free and v not in others
                and not any(place.buffer in shown(low, scope, u) for u in others if u not in made)
                and not any(OPS[made[u].name].is_free for u in others if u in made)):
            found[v] = replace(place, version=None)
    return found


def exchanges(low: Regions, scope: BlockState, arrays: list[tuple[Value, View]]) -> dict[Value, Exchange]:
    """New arrays that have memory of their own from this iteration: it changes places with that of the old ones.

    Nothing else may stand in either: what is yielded twice, or shown by another of the arrays, is copied.
    """
    found: dict[Value, Exchange] = {}
    seen = [b for v, _ in arrays for b in shown(low, scope, v)]
    for v, place in arrays:
        home = scope.home(v)
        if not isinstance(home, View) or home.buffer not in scope.own or not is_whole(home, v.type):
            continue
        lone = seen.count(home.buffer) == 1 and place.buffer not in seen
        if lone and home.buffer.role == place.buffer.role == "workspace":
            home.buffer.moves = place.buffer.moves = True
            low.changing.add(home.buffer)
            found[v] = Exchange(place.buffer, home.buffer)
    return found


def stands_at(low: Regions, scope: BlockState, v: Value, place: View) -> bool:
    home = scope.home(v)
    return isinstance(home, View) and home.buffer is place.buffer and is_whole(home, v.type)


def in_turn(low: Regions, scope: BlockState, arrays: list[tuple[Value, View]], out: list[Stmt]
            ) -> list[tuple[Value, View]]:
    """The arrays in an order in which no copy overwrites what another reads; through copies where there is none."""
    done: list[tuple[Value, View]] = []
    left = list(arrays)
    while left:
        free = next((x for x in left if not any(x[1].buffer in shown(low, scope, v) for v, p in left
                                                if p is not x[1] or scope.rule(v) is not None)), None)
        if free is None:
            v, view = left[0]
            copy = Value(v.type, None, 0, v.name)
            home = low.buffer(scope, low.static(scope, v.type), v.name)
            out += low.put(scope, v, home)
            scope.homes[copy] = home
            left[0] = (copy, view)
            continue
        left.remove(free)
        done.append(free)
    return done


def shown(low: Regions, scope: BlockState, v: Value) -> set[Buffer]:
    """The memory that a value is read from."""
    home, rule = scope.home(v), scope.rule(v)
    if isinstance(home, View):
        return {home.buffer}
    return {b for o in rule.operands for b in shown(low, scope, o)} if rule else set()
