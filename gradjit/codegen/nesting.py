"""In which order the loops of a task are nested: the cheapest by what its elements load, compute and store.

An access costs by how far it moves with the innermost loop that it moves with at all: little along memory, more where
it soon starts anew elsewhere, and much where every element is on another line of the cache, which has to last until the
next loop around comes by. Loops inside of that one share its cost, as they do that of what is computed outside of
them: so around a short loop the next one counts, too. The costs stand in `numbers`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import prod

from ..ir.sizes import is_open
from .affine import Affine, Var
from .loops import Buffer, Node, in_order
from .numbers import (
    ACROSS,
    CACHE_BYTES,
    CHEAPER,
    GATHER,
    JUMP,
    LINE_BYTES,
    LOAD,
    PAGE_BYTES,
    REFILL,
    RESTART,
    SHARED_BYTES,
    STORE,
    cost_of,
    memory_cost,
)
from .symbolic import reckoned
from .tasks import Task
from .vectorise import SHORT

Order = tuple[int, ...]


def orders(t: Task) -> list[Order]:
    """Orders in which the task's loops may be nested, the best on its own first.

    With a reduced axis innermost the running value stays in registers; with a kept one it is added up in memory. Short
    axes may also go inside the one that runs along memory, which then runs side by side around them: so running values
    stay in registers, too, and neighbours that have that axis outside can share it.
    """
    kept, reduced = [a for a in t.order if a not in t.reduced], [a for a in t.order if a in t.reduced]
    axes = kept + reduced
    if t.kind == "scatter" or len(axes) < 2:
        return [t.order]
    if t.kind in ("scan", "arg"):
        return [tuple([a for a in axes if a not in t.serial] + [a for a in axes if a in t.serial])]
    if 0 in map(reckoned, t.domain):
        return [tuple(axes)]
    best = cheapest(t, kept, reduced)
    inner = best[-1]
    # An array beyond the cache is best gone through line by line, as the hardware's prefetching expects.
    if inner in t.reduced or prod(map(reckoned, t.domain)) * t.value.dtype.itemsize > CACHE_BYTES:
        return [best]
    kept.remove(inner)
    around = [(*kept[:k], inner, *kept[k:], *reduced) for k in range(len(kept), -1, -1)
              if (kept[k:] or reduced) and is_short(t.domain[a] for a in (*kept[k:], *reduced))]
    return [*around, best] if reduced else [best, *around]


def is_short(extents: Iterable[int]) -> bool:
    """Whether loops have so few iterations in all that others may go around them."""
    trip_count = prod(extents)
    return not is_open(trip_count) and trip_count <= SHORT


def cheapest(t: Task, kept: list[int], reduced: list[int]) -> Order:
    """The order in which an element costs least. Of about equal ones that with the last axis innermost, then the one
    that leaves the others as they are."""
    costs = Costs(t)
    found = {order: costs.element(order) for order in nestings(kept, reduced)}
    limit = CHEAPER * min(found.values())
    return next(order for order, cost in found.items() if cost <= limit)


def nestings(kept: list[int], reduced: list[int]) -> Iterator[Order]:
    """Each axis innermost, the last one first, and around it each of the others. Outside of these they stay in order,
    reduced ones after kept ones; or before some of them, where running values are in memory anyway: those of one
    member of a batch stay near while the loop over members is outermost."""
    for inner in (*reversed(reduced), *reversed(kept)):
        outer = [[a for a in axes if a != inner] for axes in (kept, reduced)]
        yield (*outer[0], *outer[1], inner)
        if inner in kept and reduced:
            yield from ((*outer[0][:k], *reduced, *outer[0][k:], inner) for k in reversed(range(len(outer[0]))))
        for k, axes in enumerate(outer):
            for a in axes[:-1]:
                moved = [*(b for b in axes if b != a), a]
                yield (*moved, *outer[1], inner) if k == 0 else (*outer[0], *moved, inner)


class Costs:
    """What an element of a task costs, by the order of its loops."""

    def __init__(self, t: Task):
        self.t = t
        self.loads = [n.attrs for n in t.loads()]
        self.work: dict[frozenset[Var], float] = {}
        seen: set[Node] = set()
        for n in in_order(t.node, seen.__contains__) if t.node else ():
            seen.add(n)
            if n.kind == "apply":
                self.work[n.vars] = self.work.get(n.vars, 0.0) + cost_of(n.attrs[0])

    def element(self, order: Order) -> float:
        t, inner = self.t, self.t.vars[order[-1]]
        total = sum(cost / self.shared(vars, order)[1] for vars, cost in self.work.items())
        total += sum(LOAD * self.distance(b, a, order) for b, a in self.loads)
        store = STORE * self.distance(t.target.buffer, t.address, order)
        if t.kind != "reduce":
            return total + store
        if order[-1] in t.reduced:  # in registers: the lanes are combined at the end
            return total + ACROSS / max(inner.reckoned, 1)
        # In memory: loaded and stored for each element, from where it has been since the last one.
        return total + (1 + LOAD / STORE) * store * memory_cost(self.touched(order)) / memory_cost(0)

    def shared(self, vars: frozenset[Var], order: Order) -> tuple[Order, int]:
        """The loops down to the innermost one that is among these, and how many turns the others inside of it have."""
        trip_count = 1
        for k in range(len(order), 0, -1):
            v = self.t.vars[order[k - 1]]
            if v in vars:
                return order[:k], trip_count
            trip_count *= max(v.reckoned, 1)
        return (), trip_count

    def distance(self, buffer: Buffer, address: Affine, order: Order) -> float:
        """How much dearer an access is than one that runs along memory. Loops in which it stands still share it."""
        moving, trip_count = self.shared(address.vars, order)
        return self.moved(buffer, address, moving) / trip_count if moving else 0.0

    def moved(self, buffer: Buffer, address: Affine, order: Order) -> float:
        """The same for an access that moves with the innermost loop."""
        inner = self.t.vars[order[-1]]
        if any(inner in atom.vars for atom in address.terms if atom is not inner):
            return GATHER / LOAD
        stride, size = abs(reckoned(address.terms.get(inner, 0))), buffer.dtype.itemsize
        cost = float(stride) if stride < 2 else JUMP + REFILL * memory_cost(self.footprint(address, order, size))
        if not stride or reckoned(buffer.nbytes) <= SHARED_BYTES:
            return cost
        run = LINE_BYTES // size if stride > 1 else self.run(address, order)
        return cost + (RESTART / run if run * size < PAGE_BYTES else 0.0)

    def run(self, address: Affine, order: Order) -> int:
        """How many elements follow one another in memory until the access goes on elsewhere."""
        size = 1
        for a in reversed(order):
            v = self.t.vars[a]
            if reckoned(address.terms.get(v, 0)) != size:
                break
            size *= v.reckoned
        return size

    def footprint(self, address: Affine, order: Order, itemsize: int) -> int:
        """The bytes of all lines that are touched before one of them is touched again."""
        size = LINE_BYTES
        for a in reversed(order):
            v = self.t.vars[a]
            stride = abs(reckoned(address.terms.get(v, 0)))
            if stride and stride * itemsize < LINE_BYTES:
                return size
            size *= v.reckoned if stride else 1
        return size

    def touched(self, order: Order) -> int:
        """The bytes of all running values that are touched before one of them is touched again."""
        size = self.t.value.dtype.itemsize
        for a in reversed(order):
            if a in self.t.reduced:
                break
            size *= self.t.vars[a].reckoned
        return size
