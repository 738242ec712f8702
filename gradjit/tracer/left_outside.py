"""What a function has left outside when it has been traced: no traced value may be among that, and the rest, which
compiled code does not put there again, is guarded."""

from __future__ import annotations

import functools
import types
from collections.abc import Iterator
from typing import Any

from ..errors import LeakError, TraceError
from ..ir import Loc
from .array import TracedArray
from .guards import ANY, Guard, HeldItems, Repeated, Snapshot, Source, is_plain
from .locations import fail, with_place
from .outside import Outside, described
from .parts import is_iterator, parts
from .perhaps import Undecided
from .recorder import Recorder
from .state import Kept, change_back, is_carried

INSTEAD = "outside of the function: a compiled function cannot do that at each call; return the value instead"


def check(r: Recorder, loc: Loc | None) -> None:
    """At the end of the trace. LeakError where something outside holds a traced value now; `loc`: the function."""
    for state, *_, written_at in r.written:
        if state.appends or is_carried(state):
            continue
        now = state.read()
        if isinstance(now, TracedArray):  # a number that both sides of a branch have left there
            raise Kept(with_place(f"the function gives a traced value to {state.place}, {INSTEAD}", written_at), state)
        held = list(reachable(now, r.world))
        if (bad := next(filter(is_leak, held), None)) is not None:
            what = "an iterator" if is_iterator(bad) else "a traced value"
            fail(LeakError, f"the function gives {described(now)} that holds {what} to {state.place}, {INSTEAD}",
                 written_at)
        if (source := state.source) is not None:
            r.world.guards["written", source] = Guard(source, now, is_plain(now), is_written=True)
        for x in held:
            if r.world.is_fresh(x) and (items := parts(x)) is not None:
                r.world.guards["written", id(x)] = Snapshot(x, items)
    for container in cleared(r.world):
        fail(LeakError, f"the function gives a traced value to an item of a {type(container).__name__}, {INSTEAD}", loc)


def take_back(r: Recorder) -> None:
    """The trace has failed: what it has put outside is taken back."""
    change_back(r.written)
    cleared(r.world)


def cleared(world: Outside) -> list[Any]:
    """The lists and dicts from outside that have got traced values; they hold what they held before."""
    found = []
    for g in [g for g in world.guards.values() if isinstance(g, HeldItems) and not g.holds()]:
        now = list(g.container.values()) if isinstance(g.container, dict) else list(g.container)
        if any(is_leak(x) for item in now for x in reachable(item, world)):
            refill(g, world)
            found.append(g.container)
    return found


def is_leak(x: Any) -> bool:
    """Whether it stands for what only the compiled code has, or is used up by the first call."""
    return isinstance(x, (TracedArray, Undecided)) or is_iterator(x)


def reachable(x: Any, world: Outside) -> Iterator[Any]:
    """What an object holds, as far as the traced function has made that. Its iterators are among it."""
    seen: dict[int, Any] = {}
    todo = [x]
    while todo:
        x = todo.pop()
        if is_plain(x) or id(x) in seen:
            continue
        seen[id(x)] = x
        if not is_iterator(x) or world.is_fresh(x) or isinstance(x, types.GeneratorType):
            yield x
        if isinstance(x, types.BuiltinMethodType):
            todo.append(x.__self__)
        elif isinstance(x, TRANSPARENT) or world.is_fresh(x):
            todo += parts(x) or ()


TRANSPARENT = (tuple, types.FunctionType, types.MethodType, functools.partial)
"""What nobody notes when it is made."""


def refill(g: HeldItems, world: Outside) -> None:
    """A list or dict from outside holds what it held before."""
    arrays = {source: array for array, source in world.places.values()}

    def before(key: Any, value: Any) -> Any:
        return arrays.get(Source("item", g.container, key)) if value is ANY else value

    if isinstance(g.container, dict):
        old = {key: before(key, value) for key, value in g.items}
        g.container.clear()
        g.container.update(old)
    else:
        g.container[:] = [before(k, value) for k, value in enumerate(g.items)]


# effects --------------------------------------------------------------------------------------------------------------
NOT_ENTERED = (types.FunctionType, types.ModuleType, type)


def check_effects(world: Outside) -> None:
    """At the end of the trace: nothing has been read of what is called for its effect when the compiled function
    runs."""
    if not world.effects:
        return
    read = {id(o): o for o in owners(world)}
    for owner, method, loc in world.effects.values():
        if any(id(x) in read for x in held(owner)):
            fail(TraceError, f"the function calls the method {method} with {described(owner)}, which stands outside, "
                             f"and reads what that holds, too; the compiled function does so with what it held while "
                             f"it was traced; pass what is read as an argument, or call the method outside", loc)


def owners(world: Outside) -> Iterator[Any]:
    """The objects that guards are about, but for those of which a method or the class was asked for."""
    for g in world.guards.values():
        if isinstance(g, (HeldItems, Snapshot)):
            yield g.container if isinstance(g, HeldItems) else g.owner
        elif isinstance(g, Repeated):
            yield g.function
        elif isinstance(source := getattr(g, "source", None), Source) and source.kind in ("item", "attribute", "plain"):
            yield source.owner


def held(owner: Any) -> Iterator[Any]:
    """An object with all that can be reached from it, but functions, classes and modules."""
    todo, seen = [owner], set[int]()
    while todo:
        x = todo.pop()
        if id(x) not in seen and not is_plain(x) and not isinstance(x, NOT_ENTERED):
            seen.add(id(x))
            yield x
            todo += parts(x) or ()


__all__ = ["check", "check_effects", "reachable", "take_back"]
