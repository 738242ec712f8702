"""Circles of imports: modules that need each other, imports inside functions counted.

There is a direction between the rooms (tests/test_rooms.py). Within a room modules may need each other; here is how
many do, and why. A number may only go down.
"""

from __future__ import annotations

from tests.sources import FILES, contents
from tests.test_rooms import module_of

KNOWN: dict[str, tuple[int, str]] = {
    "tracer": (88, "NumPy's functions take arrays apart by slicing, and slicing is one of NumPy's functions: handles, "
                    "tables and control flow call each other, as operators do in Python"),
    "ir": (24, "an operation's declaration names its type rule, which builds types; an operation prints itself"),
    "codegen": (2, "a statement prints itself"),
    "passes": (4, "the rewriter folds, and goes into regions with a rewriter for each"),
    "runtime": (3, "the index of signatures is emitted by the machinery that it serves"),
    "tensors": (2, "an operation on tensors makes tensors, a tensor's methods are operations"),
    "api": (6, "a compiled function makes its derivatives, which are compiled functions"),
}
"""For each room: the number of modules in its largest circle, and the reason."""


def needs() -> dict[str, set[str]]:
    """For each module the modules that it imports, anywhere."""
    modules = {module_of(p): p for p in FILES}
    found: dict[str, set[str]] = {}
    for module, path in modules.items():
        found[module] = set()
        for target in (i.target(module, path.stem == "__init__") for i in contents(path).imports):
            while target and target not in modules:
                target = target.rpartition(".")[0]
            if target not in ("", "gradjit", module):
                found[module].add(target)
    return found


def reached(graph: dict[str, set[str]], start: str) -> frozenset[str]:
    seen: set[str] = set()
    todo = [start]
    while todo:
        new = graph[todo.pop()] - seen
        seen |= new
        todo += new
    return frozenset(seen)


def circles(graph: dict[str, set[str]]) -> set[frozenset[str]]:
    """The sets of modules that need each other."""
    beyond = {m: reached(graph, m) for m in graph}
    return {frozenset(o for o in beyond[m] if m in beyond[o]) for m in graph if m in beyond[m]}


def test_circles_do_not_grow() -> None:
    largest: dict[str, int] = {}
    for circle in circles(needs()):
        rooms = {m.split(".")[1] for m in circle}
        assert len(rooms) == 1, f"a circle goes through several rooms: {sorted(circle)}"
        (room,) = rooms
        largest[room] = max(largest.get(room, 0), len(circle))
    assert largest.keys() <= KNOWN.keys()
    assert {room: n for room, n in largest.items() if n > KNOWN[room][0]} == {}


def test_a_circle_is_found() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": set()}) == {frozenset({"b", "c"})}
