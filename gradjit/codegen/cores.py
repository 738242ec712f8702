"""Loops whose iterations are independent are cut into chunks, which may run at once.

    start acc                                      chunks c of 1000000 as lo, n:
    for i in 0..1000000:                             start acc.c
      acc sum= x[i]                   -->            for i in lo..lo + n: acc.c sum= x[i]
    finish acc                                       finish acc.c
                                                     partial[c] = acc.c
                                                   start acc
                                                   for k in 0..16: acc sum= partial[k]
                                                   finish acc

A loop of the program that does the same for many members is cut by members (`members`).

How a loop is cut depends on its number of iterations and the work in them, never on the machine: the results have the
same bits for any number of threads. Where that pays is a matter of the work, too; a loop with less is left as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from math import log2

from ..ir import BOOL, I64, DType, Loc
from ..ir.size_conditions import preferred
from ..ir.sizes import Dim, Size, guess, is_known, is_open, size_of
from ..records import dataclass
from .affine import Affine, Var
from .independence import Independent, Uses, examine, why_in_order
from .loop_passes import Swap, nodes_of, statements
from .loops import (
    Accumulate,
    Accumulator,
    Buffer,
    Call,
    Chunks,
    ChunkSizes,
    Finish,
    IfStmt,
    LoopStmt,
    Node,
    Program,
    Repeat,
    Start,
    Stmt,
    Store,
    View,
    WhileStmt,
    inner,
    trips,
)
from .members import Members, examine_members, moves
from .numbers import (
    FIRST_BYTES,
    ITERATION,
    LOAD,
    RESTART,
    SCALAR,
    SHARED_BYTES,
    STORE,
    cost_of,
    identity,
    memory_cost,
)
from .routines import STACKS
from .symbolic import reckoned
from .target import Machine


@dataclass(frozen=True)
class Limits:
    """chunk: the work of a chunk, in tenths of a nanosecond. fewest: so many chunks a loop must have at least, most: at
    most. copies: bytes of all copies of memory that the iterations add to.

    nest: the work of a chunk in each loop over its members at least: what a loop takes to begin is little beside that.
    loss: the part of the work that chunks of members may lose at most, as they do where memory is what bounds it.
    """

    chunk: float = 2e5
    fewest: int = 4
    most: int = 256
    copies: int = 1 << 22
    nest: float = 5e2
    loss: float = 0.1


LIMITS = Limits()
FEW = 64
"""Turns that are few for any loop but one with much work in each."""
FOLD = 32
"""So many times the work of taking up a copy a chunk has at least."""
NEAR = 16
"""So much less it costs to begin elsewhere in arrays that the cache holds which cores share."""
EVEN = 24
"""Up to so many chunks of members their number is a power of two."""


@contextmanager
def limits(**changes: float) -> Iterator[None]:
    """Other limits, for what is compiled within: tests lower them, to see small loops run in chunks."""
    global LIMITS
    before, LIMITS = LIMITS, replace(LIMITS, **changes)  # type: ignore[arg-type]  # each field is a number
    try:
        yield
    finally:
        LIMITS = before


def parallelise(p: Program, machine: Machine) -> None:
    """Cut the outermost loops that are independent and long."""
    p.body = Cutter(p, machine.vector_bytes).block(p.body)


class Cutter:
    """Cuts the loops of one program."""

    def __init__(self, p: Program, width: int):
        self.p, self.width = p, width
        self.uses = Uses(p.body)
        self.count = 0
        self.grown: set[Dim] = set(self.large(p.body))
        """The open sizes that this code is for large numbers of."""

    def large(self, body: list[Stmt]) -> Iterator[Dim]:
        """The open sizes by which some loop is long enough to be cut, as they came."""
        for s in statements(body):
            if isinstance(s, LoopStmt) and isinstance(size := volume(s), Size):
                work = iteration_work(s) * max(s.var.reckoned, 1)
                if guess(size) >= long_from(size, work) and not isinstance(examine(s, self.uses), str):
                    yield from size.dims

    def block(self, body: list[Stmt]) -> list[Stmt]:
        out: list[Stmt] = []
        for s in body:
            if isinstance(s, LoopStmt):
                out += self.loop(s)
                continue
            if isinstance(s, Call):
                out.append(self.call(s))
                continue
            if isinstance(s, Repeat) and self.is_long(s):
                if (cut := self.by_members(s)) is not None:
                    out.append(cut)
                    continue
                s.serial = why_in_order(s)
            if isinstance(s, (Repeat, WhileStmt, IfStmt)):
                for some in inner(s):
                    some[:] = self.block(some)
            out.append(s)
        return out

    def loop(self, s: LoopStmt) -> list[Stmt]:
        """The loop, or what comes in its place; loops in it are looked at where it is not cut itself."""
        iteration, size = iteration_work(s), volume(s)
        work = iteration * max(s.var.reckoned, 1)
        if work < LIMITS.chunk * LIMITS.fewest and not is_open(size):
            return [s]
        found = examine(s, self.uses)
        if self.is_short(s.var, size, work, may_grow=not isinstance(found, str)):
            return [s]
        if not isinstance(found, str):
            sizes = self.sizes(s, iteration, found)
            if not isinstance(sizes, str):
                return self.cut(s, found, sizes)
            found = sizes
        s.serial = found
        if s.lanes == 1:
            s.body = self.block(s.body)
        return [s]

    @staticmethod
    def is_long(s: Repeat) -> bool:
        """Whether a loop of the program has as much work as one that is cut; one of computed length may have."""
        n = trips(s)
        around = LoopStmt(s.var, s.body)
        return n is None or n * (ITERATION + body_work(s.body, around, set())) >= LIMITS.chunk * LIMITS.fewest

    def is_short(self, var: Var, size: int, work: float, may_grow: bool = True) -> bool:
        """Whether a loop of so many elements has too little work for chunks. Where that depends on open sizes, this
        code is for sizes of which it holds, and larger ones get code of their own: one for all loops that grow with
        the same size. may_grow: whether the loop would be cut if it were longer."""
        least = LIMITS.chunk * LIMITS.fewest
        if not is_open(size) or not may_grow:
            return work < least
        if is_known(var.extent, "<=", FEW) and work / max(var.reckoned, 1) * FEW < least:
            return True  # the rows that are left behind strips
        assert isinstance(size, Size)
        if not self.grown.isdisjoint(size.dims):
            return False
        return preferred(size, "<", long_from(size, work))

    def sizes(self, s: LoopStmt, iteration: float, found: Independent) -> ChunkSizes | str:
        """How the loop is cut."""
        unit = s.lanes * s.unroll
        least, most = LIMITS.chunk / iteration, LIMITS.most
        for b in found.sums:
            nbytes = max(reckoned(b.nbytes), 1)
            if nbytes * LIMITS.fewest > LIMITS.copies:
                return f"all iterations add to {b.name}, which is too large for copies"
            most = min(most, LIMITS.copies // nbytes)
            least = max(least, FOLD * reckoned(b.size) * (STORE + memory_cost(nbytes * most)) / iteration)
        trip_count = max(-(-int(least + 1) // unit) * unit, unit)
        sizes = ChunkSizes(trip_count, LIMITS.fewest, most, unit)
        if not is_open(s.var.extent) and sizes.count(s.var.extent) < 2:
            return "there is too little work in it"
        return sizes

    def by_members(self, s: Repeat) -> Chunks | None:
        """The chunks that a loop of the program becomes that does the same for many members; None where it does not,
        or that does not pay."""
        trip_count = trips(s)
        found = examine_members(s, self.uses) if trip_count is not None else ""
        if isinstance(found, str) or trip_count is None:
            return None
        iteration = member_work(s.body, found)
        var = found.loops[0].var
        if self.is_short(var, found.extent, trip_count * iteration * max(var.reckoned, 1)):
            return None
        sizes = member_sizes(found, iteration, trip_count)
        return None if sizes is None else self.cut_members(s, found, sizes)

    # calls ------------------------------------------------------------------------------------------------------------
    def call(self, s: Call) -> Stmt:
        """A routine that does its work for each of many apart, in chunks of those."""
        if s.work < LIMITS.chunk * LIMITS.fewest:
            return s
        found = STACKS[s.routine](s) if s.routine in STACKS else "it does its work in one piece"
        extents = s.reads[0].shape[:found] if not isinstance(found, str) else ()
        axis = max(range(len(extents)), key=lambda a: reckoned(extents[a]), default=None)
        if isinstance(found, str) or axis is None:
            s.serial = found if isinstance(found, str) else "it does its work in one piece"
            return s
        if is_open(extents[axis]):
            s.serial = "how much there is of it is open"
            return s
        sizes = self.call_sizes(s, found, axis)
        if sizes.count(extents[axis]) < 2:
            s.serial = ("it needs too much memory of its own for each chunk" if sizes.most < sizes.fewest
                        else "there is too little work in it")
            return s
        return self.cut_call(s, found, axis, sizes)

    @staticmethod
    def call_sizes(s: Call, stack: int, axis: int) -> ChunkSizes:
        extent = s.reads[0].shape[axis]
        unit = s.attrs.get("together", 1) if axis == stack - 1 else 1
        least = max(LIMITS.chunk * extent / s.work, 1)
        own = sum(reckoned(v.buffer.nbytes) for v in s.writes if is_scratch(v, stack))
        most = min(LIMITS.most, max(LIMITS.copies // own, 1)) if own else LIMITS.most
        return ChunkSizes(-(-int(least + 0.5) // unit) * unit, LIMITS.fewest, most, unit)

    def cut_call(self, s: Call, stack: int, axis: int, sizes: ChunkSizes) -> Chunks:
        """Each chunk has its part of what is read and written, and memory of its own for the routine's use."""
        extent = s.reads[0].shape[axis]
        var, lo, trip_count = self.chunk(extent, sizes)

        def part(v: View) -> View:
            if is_scratch(v, stack):
                n = v.buffer.size
                return View(self.memory(v.buffer.dtype, (var.hi, n)), Affine({var: n}), v.strides, v.shape)
            shape = tuple(size_of(trip_count) if a == axis else n for a, n in enumerate(v.shape))
            return replace(v, offset=v.offset + size_of(lo) * v.strides[axis], shape=shape)

        reads, writes = (tuple(map(part, views)) for views in (s.reads, s.writes))
        within = replace(s, reads=reads, writes=writes, work=s.work / sizes.count(extent))
        return Chunks(var, lo, trip_count, extent, sizes, [within])

    # rewriting ----------------------------------------------------------------------------------------------------
    def cut_members(self, s: Repeat, found: Members, sizes: ChunkSizes) -> Chunks:
        what_moves = moves([s])
        var, lo, trip_count = self.chunk(found.extent, sizes)
        for loop_var in {x.var for x in found.loops}:
            within(loop_var, lo, trip_count)
        for b in found.private:
            b.role = "local"
        return Chunks(var, lo, trip_count, found.extent, sizes, [s], what_moves)

    def chunk(self, extent: int, sizes: ChunkSizes) -> tuple[Var, Dim, Dim]:
        """The number of a chunk, where it begins and how long it is."""
        name = self.fresh("c")
        known = None if is_open(extent) else sizes.count(extent)
        var = Var(name, 0, sizes.most if known is None else known)
        return var, Dim(f"{name}.lo", 0), Dim(f"{name}.n", reckoned(extent))

    def fresh(self, letter: str) -> str:
        self.count += 1
        return f"{letter}{self.count}"

    def cut(self, s: LoopStmt, found: Independent, sizes: ChunkSizes) -> list[Stmt]:
        extent = s.var.extent
        known = None if is_open(extent) else sizes.count(extent)
        var, lo, trip_count = self.chunk(extent, sizes)
        within(s.var, lo, trip_count)
        for b in found.private:
            b.role = "local"
        before: list[Stmt] = []
        after: list[Stmt] = []
        behind: list[Stmt] = []
        for acc in found.running:
            some = self.running(acc, s, var)
            before.append(some[0])
            after += some[1:3]
            behind.append(self.folded(some[3], var, known, extent, sizes))
        for b, how in found.sums.items():
            first, fold = self.copies(b, how, s, var)
            before.append(first)
            behind.append(self.folded(fold, var, known, extent, sizes))
        for x in found.arguments:
            some = self.argument(x, var)
            before += some[:2]
            after += some[2:6]
            behind.append(self.folded(some[6], var, known, extent, sizes))
            s.body.append(some[7])
        for x in found.scans:
            acc, scanned = x.acc, replace(x)
            some = self.running(acc, s, var)
            before.append(some[0])
            after += some[1:3]
            behind += self.taken_up(scanned, some[3], s, var, known, extent, sizes)
        return [Chunks(var, lo, trip_count, extent, sizes, [*before, s, *after]), *behind]

    def argument(self, x: Accumulate, var: Var) -> list[Stmt]:
        """Where each chunk has its greatest or least value, and that value: their starts, their ends, where both go,
        how they are taken up; and the statement that finds the value."""
        nodes, acc, at = self.p.nodes, x.acc, Affine.of(var)
        own = Accumulator(acc.op, acc.dtype, f"{acc.name}.{var.name}")
        best = Accumulator("max" if acc.op == "argmax" else "min", acc.dtype, f"{acc.name}.{var.name}.value")
        x.acc = own
        place, value = (nodes.make("total", (), a, t, var.vars) for a, t in ((own, I64), (best, acc.dtype)))
        places, values = self.memory(I64, (var.hi,)), self.memory(acc.dtype, (var.hi,))
        fold = Accumulate(acc, nodes.load(values, at), Affine.of(nodes.load(places, at)))
        return [Start(own), Start(best), Finish(own, place), Finish(best, value), Store(places, at, place),
                Store(values, at, value), fold, Accumulate(best, x.node)]

    def taken_up(self, x: Accumulate, fold: Stmt, s: LoopStmt, var: Var, known: int | None, extent: int,
                 sizes: ChunkSizes) -> list[Stmt]:
        """What was scanned in chunks, with what came before each: the running values in front of the chunks, and the
        chunks once more."""
        assert x.store is not None and isinstance(fold, Accumulate)
        nodes, acc, (target, address) = self.p.nodes, x.acc, x.store
        fronts = self.memory(acc.dtype, (var.hi + 1,))
        first = Store(fronts, Affine({}), nodes.const(identity(acc.op, acc.dtype), acc.dtype))
        each = replace(fold, store=(fronts, Affine.of(var) + 1))
        again, lo, trip_count = self.chunk(extent, sizes)
        i, here = Var(f"{s.var.name}.{again.name}"), size_of(lo)
        i.lo, i.hi = 0, size_of(trip_count)
        at = Affine.of(i) + here
        if address.terms.get(s.var) == -1:  # from the end of the chunk on, so that it runs along memory
            at = Affine.of(i) * -1 + (here + i.hi - 1)
        place = Swap(nodes, {s.var: at}).affine(address)
        lanes = max(self.width // acc.dtype.itemsize, 1) if place.terms.get(i) == 1 else 1
        body: list[Stmt] = [Store(target, place, nodes.load(fronts, Affine.of(again)), acc.op)]
        return [first, self.folded(each, var, known, extent, sizes),
                Chunks(again, lo, trip_count, extent, sizes, [LoopStmt(i, body, lanes)])]

    def running(self, acc: Accumulator, s: LoopStmt, var: Var) -> list[Stmt]:
        """A running value of each chunk's own: its start, its end, where that goes, and how it is taken up."""
        own = Accumulator(acc.op, acc.dtype, f"{acc.name}.{var.name}")
        for x in statements(s.body):
            if isinstance(x, Accumulate) and x.acc is acc:
                x.acc = own
        total = self.p.nodes.make("total", (), own, own.dtype, var.vars)
        partial = self.memory(acc.dtype, (var.hi,))
        at = Affine.of(var)
        return [Start(own), Finish(own, total), Store(partial, at, total),
                Accumulate(acc, self.p.nodes.load(partial, at))]

    def copies(self, b: Buffer, how: str, s: LoopStmt, var: Var) -> tuple[Stmt, Stmt]:
        """A copy for each chunk of memory that iterations add to: how it begins, and how it is taken up."""
        copy = self.memory(b.dtype, (var.hi, b.size))
        base = Affine({var: b.size})
        for x in statements(s.body):
            if isinstance(x, Store) and x.buffer is b:
                x.buffer, x.address = copy, x.address + base
        return (self.along(b, lambda j: Store(copy, base + j, self.p.nodes.const(identity(how, b.dtype), b.dtype))),
                self.along(b, lambda j: Store(b, j, self.p.nodes.load(copy, base + j), how)))

    def memory(self, dtype: DType, shape: tuple[int, ...]) -> Buffer:
        b = Buffer(self.fresh("p"), dtype, shape, "workspace")
        self.p.workspace.append(b)
        return b

    def along(self, b: Buffer, body: Callable[[Affine], Stmt]) -> LoopStmt:
        """A loop over the elements of a buffer."""
        var = Var(self.fresh("j"), 0, b.size)
        lanes = max(self.width // b.dtype.itemsize, 1)
        while not is_open(b.size) and lanes > max(b.size, 1):
            lanes //= 2
        return LoopStmt(var, [body(Affine.of(var))], lanes)

    def folded(self, fold: Stmt, var: Var, known: int | None, extent: int, sizes: ChunkSizes) -> Stmt:
        """A loop over the chunks that there were, in order."""
        k = Var(self.fresh("k"), 0, var.hi)
        made = Swap(self.p.nodes, {var: Affine.of(k)}).stmt(fold)
        trip_count = None if known is not None else self.number_of_chunks(extent, sizes)
        return LoopStmt(k, [made], trip_count=trip_count)

    def number_of_chunks(self, extent: int, sizes: ChunkSizes) -> Node:
        nodes = self.p.nodes
        n, one = nodes.index(Affine({}, extent), I64), nodes.const(1, I64)
        many = nodes.index(Affine({}, extent // sizes.least), I64)
        count = nodes.apply("minimum", (many, nodes.const(sizes.most, I64)), I64)
        enough = nodes.apply("ge", (count, nodes.const(sizes.fewest, I64)), BOOL)
        return nodes.apply("select", (enough, count, nodes.apply("minimum", (n, one), I64)), I64)


def is_scratch(v: View, stack: int) -> bool:
    """Whether a view is of memory that a routine on a stack has for its own use: what belongs to the stack has its
    axes, and more."""
    return len(v.shape) <= stack


def long_from(size: int, work: float) -> int:
    """From how many elements on a loop has enough work for chunks, that with so many as there are has so much: a power
    of two."""
    bound = int(max(reckoned(size), 1) * LIMITS.chunk * LIMITS.fewest / max(work, 1.0))
    return 1 << max(bound, 1).bit_length() - 1


def within(var: Var, lo: Dim, trip_count: Dim) -> None:
    """Let the variable of a loop run over the part of it that a chunk has."""
    var.lo = var.lo + size_of(lo)
    var.hi = var.lo + size_of(trip_count)


# members --------------------------------------------------------------------------------------------------------------
def member_sizes(found: Members, iteration: float, trip_count: int) -> ChunkSizes | None:
    """How members are cut, given the work of an iteration for one of them: into the smallest chunks that gain about as
    much as can be. None where all lose too much by what lies far apart.

    Few chunks are a power of two, so that cores have equally many.
    """
    extent, unit = reckoned(found.extent), found.unit
    first = int(max(LIMITS.chunk / 2 / (trip_count * iteration), LIMITS.nest * len(found.loops) / iteration)) + 1
    first = max(first, extent // (4 * LIMITS.most))
    gains = {least: gain(found, least) for k in range(5) for least in [-(-first // unit) * unit << k]
             if extent // least >= min(LIMITS.fewest, extent)}
    if not gains:
        return None
    little = LIMITS.loss * iteration
    best = max(gains.values())
    if best < -little:
        return None
    least = next(n for n, gained in gains.items() if gained >= best - little)
    count = 0 if is_open(found.extent) else extent // least
    if 2 < count < EVEN:
        least = max(extent // (1 << round(log2(count))), 1)
    return ChunkSizes(least, LIMITS.fewest, 4 * LIMITS.most, unit)


def gain(found: Members, members: int) -> float:
    """What an iteration gains for a member in chunks of so many, in tenths of a nanosecond: what it has in hand lies
    nearer; but the rows that it goes on to begin elsewhere each time."""
    rows = sum(reckoned(b.nbytes) * times for b, times in found.rows.items())
    restart = RESTART if rows > SHARED_BYTES else RESTART / NEAR
    in_hand = sum(b.dtype.itemsize for b in found.others)
    near, far = (hand_cost(in_hand * n) for n in (members, max(reckoned(found.extent), 1)))
    return found.others.total() * (far - near) - len(found.rows) * restart / members


def hand_cost(nbytes: int) -> float:
    """What it costs to load or store an element of so much memory that is used again and again."""
    return LOAD if nbytes <= FIRST_BYTES else memory_cost(nbytes)


# work -----------------------------------------------------------------------------------------------------------------
def iteration_work(s: LoopStmt) -> float:
    """The work of one iteration of a loop, in tenths of a nanosecond."""
    return body_work(s.body, s, set()) * (SCALAR if s.lanes == 1 and not any(
        isinstance(x, LoopStmt) for x in s.body) else 1.0)


def volume(s: LoopStmt) -> int:
    """How often the innermost statements of a nest run: those that run most often."""
    inside = [volume(x) for x in s.body if isinstance(x, LoopStmt)]
    return s.var.extent * max(inside, key=reckoned, default=1)


def member_work(body: list[Stmt], found: Members) -> float:
    """The work of an iteration of a loop of the program for one member."""
    total = 0.0
    for x in body:
        if isinstance(x, LoopStmt) and x in found.loops:
            total += iteration_work(x)
        elif isinstance(x, (LoopStmt, Repeat, IfStmt)):
            times = max(x.var.reckoned, 1) if isinstance(x, LoopStmt) else trips(x) or 1 if isinstance(x, Repeat) else 1
            total += times * sum(member_work(some, found) for some in inner(x))
    return total


def body_work(body: list[Stmt], around: LoopStmt, seen: set[Node]) -> float:
    total = 0.0
    for x in body:
        if isinstance(x, LoopStmt):
            scalar = x.lanes == 1 and around.lanes == 1 and not any(isinstance(y, LoopStmt) for y in x.body)
            within = around if around.lanes > 1 else x
            trip_count = max(x.var.reckoned, 1)
            total += body_work(x.body, within, seen) * trip_count * (SCALAR if scalar else 1.0)
            continue
        total += sum(price(n, around.var) for n in nodes_of(x, seen=seen))
        total += sum(body_work(some, around, seen) for some in inner(x))
        if isinstance(x, Store):
            total += max(STORE, traffic(x.buffer, x.address, around.var))
    return total


def price(n: Node, var: Var) -> float:
    if n.kind == "apply":
        return cost_of(n.attrs[0])
    return max(LOAD, traffic(n.attrs[0], n.attrs[1], var)) if n.kind == "load" else 0.0


def traffic(b: Buffer, a: Affine, var: Var) -> float:
    """What it costs to bring an element from, or to, where the array stands."""
    return memory_cost(reckoned(b.nbytes)) if var in a.vars else 0.0


# reports --------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class CoresEntry:
    """A long loop: the user's line that it comes from, and what is said of it. is_parallel: whether it runs on all
    cores; else words are the reason."""

    loc: Loc | None
    is_parallel: bool
    words: str

    def __str__(self) -> str:
        return f"{self.loc or 'a loop'} runs on {'all cores' if self.is_parallel else 'one core'}: {self.words}"


def cores_entries(p: Program) -> list[CoresEntry]:
    """What is to be said of the long loops of a program, in order, each line once for each thing to be said."""
    found: dict[CoresEntry, None] = {}
    for s in statements(p.body):
        if isinstance(s, Chunks):
            most = s.sizes.most if is_open(s.extent) else s.sizes.count(s.extent)
            words = f"in {'up to ' if is_open(s.extent) else ''}{most} chunks"
            found[CoresEntry(line_of(s), True, words)] = None
        elif isinstance(s, (LoopStmt, Repeat, Call)) and s.serial:
            found[CoresEntry(line_of(s), False, s.serial)] = None
    return list(found)


def line_of(s: Stmt) -> Loc | None:
    """The user's line that the first operation of a loop comes from."""
    locs = (loc for x in statements([s]) for loc in (*(n.loc for n in nodes_of(x)), *(
        [x.loc] if isinstance(x, (Accumulate, Call)) else [])))
    return next((loc for loc in locs if loc is not None), None)


__all__ = ["CoresEntry", "Limits", "cores_entries", "limits", "parallelise"]
