"""Names of one array that are bound anew: in loops, branches and lists, by swaps and by conditional expressions."""

from __future__ import annotations

from collections.abc import Callable

from .names import Float, Vec
from .statements import Statements

CONTAINERS = (("[{}, {}]", "[0]", "[1]"), ("({}, {})", "[0]", "[-1]"), ("{{'l': {}, 'r': {}}}", "['l']", "['r']"))
"""Of two views, and where they stand there."""
VIEWS = (("{}[2:]", 2, "{}[::-1]"), ("{}[:-1]", 1, "{}[::-1]"), ("{}", 0, "{}[::-1]"), ("{}[::-1]", 0, "{}[:]"),
         ("{}[1:]", 1, "{1}[:-1]"), ("{}[:-1]", 1, "{1}[1:]"))
"""Of a vector `{1}`: the first that a name `{0}` is bound to, by how much it is shorter, and the next."""


def pair(g: Statements) -> tuple[str, str, int] | None:
    """Two vectors of one extent, or one twice."""
    a = g.name(lambda t: isinstance(t, Vec))
    if a is None:
        return None
    t = g.scope[a]
    assert isinstance(t, Vec)
    return a, g.pick(g.scope.names(lambda u: u == t)), t.n


def rebind(g: Statements, depth: int = 0) -> None:
    """A name for another array, another part, or the same one backwards; a write through one of the names."""
    found = pair(g)
    if found is None:
        return g.set_scalar()
    a, b, n = found
    if "[" in a or "." in a:  # a binding in a container
        return g.emit(f"{a} = {b}[::-1]")
    g.emit(g.pick((f"{a} = {a}[::-1]", f"{a} = {b}", f"{a}, {b} = {b}, {a}", f"{a} = {b}[::-1]",
                   f"{a} = {a} if {g.condition()} else {b}", f"{a} = {b} if {g.condition(0)} else {b}.copy()",
                   f"{a} = np.asarray({b})", f"{a} = {b}.reshape(-1)", f"{a} = {b}[:]")))
    if g.chance(0.6):
        g.emit(f"{g.pick((a, b))}[{g.index(n)}] {g.pick(('=', '+=', '*='))} {g.scalar(0)}")


def listed(g: Statements, depth: int = 0) -> None:
    """A list, tuple or dict of views, written through."""
    found = pair(g)
    if found is None:
        return g.set_scalar()
    a, b, n = found
    p = g.fresh("p")
    make, one, two = g.pick(CONTAINERS)
    g.emit(f"{p} = {make.format(*(g.pick((v, f'{v}[::-1]', f'{v}[:]')) for v in (a, b)))}")
    if "(" not in make and g.chance(0.4):
        g.emit(g.pick((f"{p}{one}, {p}{two} = {p}{two}, {p}{one}", f"{p}{one} = {p}{two}",
                       f"{p}{one} = {p}{one}[::-1]")))
    g.emit(f"{p}{g.pick((one, two))}[{g.index(n)}] {g.pick(('=', '+='))} {g.scalar(0)}")
    s = g.name(lambda t: isinstance(t, Float))
    if s and g.chance(0.5):
        g.emit(f"{s} = 0.3 * {p}{g.pick((one, two))}[{g.index(n)}] + 0.1 * {g.pick((a, b))}[{g.index(n)}]")


def turning(g: Statements, depth: int) -> None:
    """A loop that binds a view anew in every iteration, with writes through the view and through its base."""
    base = g.name(lambda t: isinstance(t, Vec) and t.n >= 4)
    if base is None or g.trip_count > 40:
        return g.set_scalar()
    t = g.scope[base]
    assert isinstance(t, Vec)
    w = g.fresh("w")
    first, less, again = g.pick(VIEWS)
    n = t.n - less
    g.emit(f"{w} = {first.format(base)}")
    if g.chance(0.3):
        c = g.fresh("c")
        g.emit(f"{c} = 0")
        g.emit(f"while {c} < {g.pick((0, 3, 9, 10))}:")
        head = f"{c} += 1"
        trips = 10
    else:
        trips = g.pick((0, 2, 3, 9, 10))
        head = ""
        g.emit(f"for {g.fresh('i')} in range({trips}):")
    with g.turning(max(trips, 1), True):
        if head:
            g.emit(head)
        bound = f"{w} = {again.format(w, base)}"
        if g.chance(0.3):
            g.emit(f"if {g.condition()}:")
            bound = "    " + bound
        g.emit(bound)
        g.emit(f"{g.pick((w, base))}[{g.index(n)}] {g.pick(('= 0.5 *', '+= 0.1 *', '= np.tanh'))} ({g.scalar(1)})")
        if g.chance(0.5):
            g.statements(1, depth)
    g.scope.bind(w, Vec(n))


ALIASES: dict[Callable[..., None], int] = {rebind: 4, listed: 2}
LOOPS: dict[Callable[..., None], int] = {turning: 4}
"""Statements, simple and compound, and how often they come in programs of aliases."""
