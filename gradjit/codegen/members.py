"""Loops of the program that do the same for each of many members, and for none what another one does: ensembles of
simulations, parameter sets, images point by point. They run member by member, in chunks.

    repeat t in range(0, T):                     chunks c of n as lo, m:
      for i in 0..n: y[i] = f(x[i])                repeat t in range(0, T):
      push tape: r; for i in 0..n: r[i] = x[i]       for i in lo..lo + m: y[i] = f(x[i])
      exchange x, y                        -->       push tape: r; for i in lo..lo + m: r[i] = x[i]
                                                     exchange x, y
                                                 moves:
                                                   repeat t in range(0, T): push tape: r; exchange x, y

All elements of memory that the loop writes belong to a member: with w elements of a member side by side, that is the
address modulo n*w, divided by w. A chunk begins with memory that moves, tapes and cells as they were before the loop,
and has its own of all three; the kernel itself does `moves`, so that they stand as behind the loop. This is the
interchange of a loop with those inside of it (Allen and Kennedy, Optimizing Compilers for Modern Architectures, 5.2),
for the cores and for the caches: what a chunk has in hand is small.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import field, replace

from ..ir.sizes import Size, is_known, is_open, same
from ..records import dataclass
from .affine import Affine, Var
from .independence import Access, Uses, accesses, is_private
from .loop_passes import nodes_of, statements
from .loops import (
    Accumulate,
    Assign,
    Buffer,
    Exchange,
    Finish,
    IfStmt,
    Let,
    LoopStmt,
    Node,
    Pop,
    Push,
    Repeat,
    Start,
    Stmt,
    Store,
    trips,
)

FOR_ALL = "what it computes for all members together stands in the order of its iterations"
FLOW = (Repeat, IfStmt, Let, Assign, Exchange, Push, Pop)
"""What may stand around the loops over members."""


@dataclass
class Members:
    """The members of a loop of the program. loops: those over the members, in it. within: by statement the loop over
    members that it stands in."""

    extent: int
    loops: list[LoopStmt] = field(default_factory=list)
    within: dict[Stmt, LoopStmt] = field(default_factory=dict)
    private: list[Buffer] = field(default_factory=list)
    """Memory that holds what is computed for one member, and for the next one after that."""
    rows: dict[Buffer, int] = field(default_factory=dict)
    """The arrays in which an iteration goes on to another row: parts of tapes, with how many rows there are of each,
    and those that are read or written by the number of the iteration."""
    others: Counter[Buffer] = field(default_factory=Counter)
    """The arrays that all iterations have to do with, and how many loads and stores each makes of them."""

    @property
    def unit(self) -> int:
        """So many members run side by side."""
        return max(s.lanes * s.unroll for s in self.loops)


def examine_members(s: Repeat, uses: Uses) -> Members | str:
    """The members of a loop, or why it has none."""
    every = list(statements(s.body))
    for x in every:
        if any(n.kind == "check" for n in nodes_of(x)):
            return "an index in it is checked, and the first error counts"
    reason: str | None = None
    for extent in extents(every):
        found = Members(extent)
        reason = unfit(s.body, None, found, uses) or memory(s, every, found, uses)
        if reason is None:
            found.rows = dict(rows(s, every))
            found.others = Counter(a.buffer for x in every for a in accesses(x)
                                   if a.buffer not in found.rows and a.buffer not in found.private)
            return found
    return reason or "no loops over elements stand in it"


def extents(every: list[Stmt]) -> list[int]:
    """The extents of loops over elements, the largest first: those may be over members."""
    found: list[int] = []
    for x in every:
        if isinstance(x, LoopStmt) and x.trip_count is None and not any(same(x.var.extent, e) for e in found):
            found.append(x.var.extent)
    return sorted(found, key=lambda e: -(e.example if isinstance(e, Size) else e))


def unfit(body: list[Stmt], member: LoopStmt | None, found: Members, uses: Uses) -> str | None:
    """Why statements are not those of members; else notes the loops over members among them."""
    for x in body:
        reason: str | None = None
        if isinstance(x, LoopStmt):
            if x.trip_count is not None:
                return "the number of iterations of a loop in it is computed"
            inside = member
            if member is None and same(x.var.extent, found.extent):
                if x.written_out or is_open(x.var.lo) or x.var.lo or uses.loops[x.var] > 1:
                    return "a loop in it is a part of another"
                inside = x
                found.loops.append(x)
            reason = unfit(x.body, inside, found, uses)
        elif member is None and isinstance(x, (Store, Accumulate, Start, Finish)):
            if not is_kept_once(x):
                return FOR_ALL
        elif member is None and isinstance(x, FLOW):
            reason = next((r for some in parts(x) if (r := unfit(some, None, found, uses))), None)
        elif member is not None and isinstance(x, (Store, Accumulate, Start, Finish, Let, IfStmt)):
            found.within[x] = member
            reason = next((r for some in parts(x) if (r := unfit(some, member, found, uses))), None)
        else:
            return f"there is a {type(x).__name__.removesuffix('Stmt').lower()} in it"
        if reason:
            return reason
    return None


def is_kept_once(x: Stmt) -> bool:
    """Whether a statement puts a number on a tape that is the same for all members. Each chunk puts it there: it reads
    what stands on the tape by itself."""
    return isinstance(x, Store) and x.buffer.role == "tape" and x.combine is None


def parts(x: Stmt) -> tuple[list[Stmt], ...]:
    if isinstance(x, Repeat):
        return (x.body,)
    return (x.then, x.other) if isinstance(x, IfStmt) else ()


# memory ---------------------------------------------------------------------------------------------------------------
def memory(s: Repeat, every: list[Stmt], found: Members, uses: Uses) -> str | None:
    """Why two members may have to do with one element; None where none have. Notes what is private."""
    group = groups(every)
    touching: dict[Buffer, list[tuple[Access, LoopStmt | None]]] = {}
    for x in every:
        for a in accesses(x):
            touching.setdefault(group.get(a.buffer, a.buffer), []).append((a, found.within.get(x)))
    for b, some in touching.items():
        if not any(a.is_store for a, _ in some):
            continue
        if b.role == "tape" and all(loop is None for a, loop in some if a.is_store) and goes_one_way(every):
            continue  # the same for all
        loops = Counter(loop for _, loop in some)
        only = next(iter(loops)) if len(loops) == 1 else None
        if only is not None and b not in group and (b.role == "local" or is_private(b, only, uses)):
            if sum(b in {a.buffer for a in accesses(x)} for x in every) == uses.buffers[b]:
                found.private.append(b)
                continue
        widths = [None if loop is None else width(a.address, loop.var, found.extent) for a, loop in some]
        if any(w is None or not same(w, widths[0]) for w in widths):
            return f"an iteration reads or writes what another member writes to {b.name}"
    return None


def rows(s: Repeat, every: list[Stmt]) -> Iterator[tuple[Buffer, int]]:
    """See `Members.rows`."""
    counts = {x.var for x in (s, *every) if isinstance(x, Repeat)}
    for x in every:
        for a in accesses(x):
            if a.buffer.role == "tape":
                yield a.buffer, trips(s) or 1
            elif a.address.vars & counts:
                yield a.buffer, 1


def goes_one_way(every: list[Stmt]) -> bool:
    """Whether each iteration has a record of its own on the tapes: none is written where another one was."""
    tapes = {kind: {x.tape for x in every if isinstance(x, kind)} for kind in (Push, Pop)}
    return tapes[Push].isdisjoint(tapes[Pop])


def groups(every: list[Stmt]) -> dict[Buffer, Buffer]:
    """For memory that changes places, one of all that it changes places with."""
    found: dict[Buffer, Buffer] = {}
    for x in every:
        if isinstance(x, Exchange):
            one, other = found.setdefault(x.one, x.one), found.setdefault(x.other, x.other)
            found.update({b: one for b, g in found.items() if g is other})
    return found


def width(a: Affine, var: Var, extent: int) -> int | None:
    """How many elements of a member stand side by side, where an address is one of the member `var`; None where it may
    be one of another."""
    w = a.terms.get(var, 0)
    if not is_known(w, ">", 0):
        return None
    row = extent * w
    rest = {atom: k for atom, k in a.terms.items() if atom is not var and not is_multiple(k, row)}
    if any(isinstance(atom, Node) for atom in rest) or any(var in atom.vars for atom in a.terms if atom is not var):
        return None
    const = remainder(a.const, row)
    span = None if const is None else Affine(rest, const).interval()
    return w if span is not None and is_known(span[0], ">=", 0) and is_known(span[1], "<", w) else None


def is_multiple(k: int, row: int) -> bool:
    """Whether k is a multiple of a row surely."""
    return remainder(k, row) == 0


def remainder(k: int, row: int) -> int | None:
    """k without the multiples of a row in it, as a number; None where it cannot be told."""
    if not is_open(row):
        return None if is_open(k) else k % row if row else None
    assert isinstance(row, Size)
    if len(row.terms) != 1:
        return k if not is_open(k) else 0 if same(k, row) else None
    ((dims, by),) = row.terms.items()
    left = 0
    for some, count in (k.terms if isinstance(k, Size) else {(): k}).items():
        if count % by == 0 and not Counter(dims) - Counter(some):
            continue
        if some:
            return None
        left = count
    return left


# rewriting ------------------------------------------------------------------------------------------------------------
def moves(body: list[Stmt]) -> list[Stmt]:
    """What statements do to memory that moves, to tapes and cells, without their loops over members."""
    out: list[Stmt] = []
    for x in body:
        if isinstance(x, (Assign, Exchange, Push, Pop, Let, Store)):
            out.append(replace(x))
        elif isinstance(x, Repeat) and does(some := moves(x.body)):
            out.append(replace(x, body=some))
        elif isinstance(x, IfStmt) and (does(then := moves(x.then)) | does(other := moves(x.other))):
            out.append(replace(x, then=then, other=other))
    return out


def does(body: list[Stmt]) -> bool:
    """Whether statements do anything that is seen behind them."""
    return any(not isinstance(x, Let) for x in body)


__all__ = ["Members", "examine_members", "moves"]
