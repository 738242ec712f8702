"""Whether the iterations of a loop are independent of each other, and if not, why, in words.

They are where each writes elements of its own: every access to memory that the loop writes is `w*i + rest`, and what
`rest` runs through, in all of them together, is shorter than the step w from iteration to iteration. Memory that an
iteration fills before it reads it, and that nothing else uses, may be each thread's own (*private*). Memory that all
iterations add to, and none reads, may be added to in copies (*shared sums*).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import field

from ..ir.sizes import is_known, is_nonnegative, is_open
from ..records import dataclass
from .affine import Affine, Var
from .loop_passes import Loads, nodes_of, statements
from .loops import (
    Accumulate,
    Accumulator,
    Assign,
    Buffer,
    Call,
    Cell,
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
)

PRIVATE_BYTES = 1 << 13
"""So large is memory at most that each chunk has of its own, on the stack of its thread."""
KINDS = (LoopStmt, IfStmt, Store, Start, Accumulate, Finish, Let)
"""What may stand in a loop that is cut into chunks."""


@dataclass(frozen=True)
class Access:
    """An element that a statement loads or stores. vars: the loops in which it is done. combine: how it is combined
    with what is there, if it is."""

    buffer: Buffer
    address: Affine
    vars: frozenset[Var]
    is_store: bool
    combine: str | None = None


def accesses(s: Stmt) -> Iterator[Access]:
    """What a statement itself loads, then what it stores."""
    for n in nodes_of(s):
        if n.kind == "load":
            yield Access(n.attrs[0], n.attrs[1], n.vars, False)
    if isinstance(s, Store):
        yield Access(s.buffer, s.address, s.address.vars, True, s.combine)
    elif isinstance(s, Accumulate) and s.store is not None:
        yield Access(*s.store, s.store[1].vars, True)


def touched(s: Stmt, loads: Loads | None = None) -> set[Buffer]:
    """The memory that a statement itself has to do with."""
    if isinstance(s, Call):
        return {v.buffer for v in (*s.reads, *s.writes)}
    if isinstance(s, Exchange):
        return {s.one, s.other}
    found = (loads or Loads()).of(s)
    if isinstance(s, Store):
        found.add(s.buffer)
    elif isinstance(s, Accumulate) and s.store is not None:
        found.add(s.store[0])
    return found


class Uses:
    """How many statements of a program have to do with each buffer, and how many loops run over each variable."""

    def __init__(self, body: list[Stmt]):
        every, loads = list(statements(body)), Loads()
        self.buffers = Counter(b for s in every for b in touched(s, loads))
        self.loops = Counter(s.var for s in every if isinstance(s, LoopStmt))


@dataclass
class Independent:
    """A loop whose iterations are independent, but for what is to be done with some memory and running values."""

    private: list[Buffer] = field(default_factory=list)
    sums: dict[Buffer, str] = field(default_factory=dict)
    """Memory that all iterations add to, and how they combine."""
    running: list[Accumulator] = field(default_factory=list)
    """Running values that start before the loop."""
    scans: list[Accumulate] = field(default_factory=list)
    """Statements that store each of their running values, which start before the loop."""
    arguments: list[Accumulate] = field(default_factory=list)
    """Those that look for where the greatest or least value is."""


def examine(s: LoopStmt, uses: Uses) -> Independent | str:
    """What must be done so that the iterations are independent; a reason where that is not known."""
    every = list(statements(s.body))
    reason = unfit(s, every, uses)
    if reason is not None:
        return reason
    found = Independent()
    own = {x.acc for x in every if isinstance(x, Start)}
    for x in every:
        if isinstance(x, Accumulate) and x.acc not in own:
            reason = carried(x, s, every, found)
            if reason is not None:
                return reason
    return memory(s, every, uses, found)


def carried(x: Accumulate, s: LoopStmt, every: list[Stmt], found: Independent) -> str | None:
    """Note what is to be done about a running value that goes from iteration to iteration; or why nothing can be."""
    if x.store is not None:
        if not is_cut_scan(x, s, every):
            return "each iteration needs the running value of the one before"
        found.scans.append(x)
    elif x.position is not None:
        if x not in s.body or x.position != Affine.of(s.var) or x.acc.dtype.is_bool:
            return "the first of equal elements counts"
        found.arguments.append(x)
    elif x.acc not in found.running:
        found.running.append(x.acc)
    return None


def is_cut_scan(x: Accumulate, s: LoopStmt, every: list[Stmt]) -> bool:
    """Whether chunks may scan for themselves, and take up later what came before: sums, or what is exact. (A part of a
    product may overflow where the whole does not.) Nobody else has to do with what is stored in the loop."""
    assert x.store is not None
    if x not in s.body or (x.acc.op == "prod" and x.acc.dtype.is_float):
        return False
    target = x.store[0]
    for y in every:
        stores = [a for a in accesses(y) if a.buffer is target and a.is_store]
        loads = [a for a in accesses(y) if a.buffer is target and not a.is_store]
        if (loads and y is not x) or (stores and y is not x) or any(a.address != x.store[1] for a in loads):
            return False
    return True


def unfit(s: LoopStmt, every: list[Stmt], uses: Uses) -> str | None:
    """Why a loop cannot be cut, whatever it does to memory."""
    if s.trip_count is not None:
        return "the number of its iterations is computed"
    for x in every:
        if isinstance(x, Call):
            return f"it calls {x.routine}"
        if not isinstance(x, KINDS):
            return "there is control flow in it"
        if any(n.kind == "cell" for n in nodes_of(x)):
            return "it reads a variable that loops change"
    if uses.loops[s.var] > 1 or s.written_out:
        return "it is a part of another"
    return None


def memory(s: LoopStmt, every: list[Stmt], uses: Uses, found: Independent) -> Independent | str:
    """What becomes of the memory that the loop writes."""
    by_buffer: dict[Buffer, list[Access]] = {}
    inner = {x.var for x in every if isinstance(x, LoopStmt)}
    for x in every:
        for a in accesses(x):
            if a.is_store or a.vars & (inner | s.var.vars):  # the rest is read before the loop begins
                by_buffer.setdefault(a.buffer, []).append(a)
    for b, some in by_buffer.items():
        if not any(a.is_store for a in some) or apart([a.address for a in some], s.var, inner):
            continue
        hows = {a.combine for a in some}
        if is_private(b, s, uses):
            found.private.append(b)
        elif len(hows) == 1 and None not in hows and all(a.is_store for a in some):
            found.sums[b] = next(iter(hows)) or ""
        else:
            return clash(b, some, s.var)
    return found


def clash(b: Buffer, some: list[Access], var: Var) -> str:
    """What stands in the way, in words."""
    if any(isinstance(atom, Node) for a in some if a.is_store for atom in a.address.terms):
        return f"it writes to {b.name} at computed places, which two iterations may share"
    written = [a for a in some if a.is_store]
    for a in some:
        for w in written if not a.is_store else ():
            read, to = written_out(a.address), written_out(w.address)
            behind = to + read * -1
            if not behind.terms and not is_open(behind.const) and behind.const:
                when = "before" if behind.const * to.terms.get(var, 0) > 0 else "behind it"
                return f"{b.name}[{read!r}], which it reads, is written in an iteration {when}"
    return f"what an iteration writes to {b.name}, another one reads or writes"


def written_out(a: Affine) -> Affine:
    """An address with the terms of the sums that are computed in it. For words: such a sum may overflow."""
    return sum((summands(atom) * w for atom, w in a.terms.items()), Affine({}, a.const))


def summands(atom: Var | Node) -> Affine:
    if not isinstance(atom, Node):
        return Affine.of(atom)
    if atom.kind in ("const", "index"):
        return written_out(atom.attrs) if atom.kind == "index" else Affine({}, int(atom.attrs))
    if atom.kind == "apply" and atom.attrs[0] == "add":
        return sum(map(summands, atom.args), Affine({}))
    return Affine.of(atom)


def why_in_order(s: Repeat) -> str:
    """Why the iterations of a loop of the program run one after the other."""
    every = list(statements(s.body))
    if any(isinstance(x, Exchange) for x in every):
        return "it makes an array anew from the one of the iteration before"
    set_: set[Cell] = set()
    changed = {c for x in every if isinstance(x, Assign) for c in x.cells}
    for x in every:
        for n in nodes_of(x):
            if n.kind == "cell" and n.attrs[0] in changed - set_:
                return "it carries a number from iteration to iteration"
        set_ |= set(x.cells) if isinstance(x, Assign) else set()
    inner = {x.var for x in every if isinstance(x, (LoopStmt, Repeat))}
    by_buffer: dict[Buffer, list[Access]] = {}
    for x in every:
        for a in accesses(x):
            by_buffer.setdefault(a.buffer, []).append(a)
    for b, some in by_buffer.items():
        if b.role != "tape" and any(a.is_store for a in some) and not apart([a.address for a in some], s.var, inner):
            if all(a.combine for a in some if a.is_store) or any(not a.is_store for a in some):
                return clash(b, some, s.var)
    if any(isinstance(x, (Push, Pop)) for x in every):
        return "what it keeps stands in the order of its iterations"
    return "loops of the program itself do, so far"


# elements of its own --------------------------------------------------------------------------------------------------
def apart(addresses: list[Affine], var: Var, inner: set[Var]) -> bool:
    """Whether no two iterations of the loop over `var` have to do with one element; `inner` are the loops in it."""
    step = addresses[0].terms.get(var, 0)
    if not is_open(step) and step == 0:
        return False
    length = step if is_nonnegative(step) else -step
    spans = []
    for a in addresses:
        if a.terms.get(var, 0) != step or any(v is not var and isinstance(v, Node) for v in a.terms):
            return False
        span = Affine({v: w for v, w in a.terms.items() if v in inner}, a.const).interval()
        around = {v: w for v, w in a.terms.items() if v not in inner}
        if span is None or around != {v: w for v, w in addresses[0].terms.items() if v not in inner}:
            return False
        spans.append(span)
    return all(is_known(high - low, "<", length) for low, _ in set(spans) for _, high in set(spans))


# memory of its own ----------------------------------------------------------------------------------------------------
def is_private(b: Buffer, s: LoopStmt, uses: Uses) -> bool:
    """Whether each iteration fills the memory before it reads it, and nothing else uses it."""
    if b.role not in ("workspace", "local") or b.moves or is_open(b.nbytes) or b.nbytes > PRIVATE_BYTES:
        return False
    if sum(b in touched(x) for x in statements(s.body)) != uses.buffers[b]:
        return False
    first = next(x for x in s.body if any(b in touched(y) for y in statements([x])))
    return fills(first, b)


def fills(s: Stmt, b: Buffer) -> bool:
    """Whether a statement stores to every element of a buffer, and loads none before that."""
    loops: list[LoopStmt] = []
    while isinstance(s, LoopStmt):
        inside = [x for x in s.body if any(b in touched(y) for y in statements([x]))]
        loops.append(s)
        if any(b in touched(y) and any(a.buffer is b and not a.is_store for a in accesses(y))
               for x in inside for y in statements([x])) and len(inside) < 2:
            return False
        s = inside[0]
    if not isinstance(s, Store) or s.combine is not None or any(a.buffer is b for a in accesses(s) if not a.is_store):
        return False
    return covers(s.address, {x.var: x for x in loops}, b.size)


def covers(a: Affine, loops: dict[Var, LoopStmt], size: int) -> bool:
    """Whether an address runs through all of 0, ..., size - 1 with the loops around it."""
    if any(v not in loops or loops[v].trip_count is not None or is_open(v.extent) for v in a.terms):
        return False
    done, start = 1, a.const
    for v, w in sorted(a.terms.items(), key=lambda t: abs(t[1])):
        if w != done:
            return False
        done *= v.extent
        start = start + v.lo * w
    return bool(not is_open(start) and start == 0 and done == size)
