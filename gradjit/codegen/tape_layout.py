"""How the records of tapes lie in memory: no further apart than elements must be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import inf

from ..ir import I64
from .affine import Affine
from .loop_passes import statements
from .loops import Buffer, Node, Nodes, Pop, Program, Push, Repeat, Rewind, Stmt, Tape, WhileStmt, inner, trips
from .target import Machine

AT_ONCE = 1 << 32
"""Bytes up to which a tape is allocated at once."""

Entries = Sequence[tuple[Buffer, Node]]


def pack_tapes(p: Program, machine: Machine) -> None:
    """Large elements come first in a record, and all records of a tape are multiples of its largest elements, so that
    each stands where it may be loaded from. A tape of truths takes a byte for each."""
    records = [s for s in statements(p.body) if isinstance(s, (Push, Pop))]
    widest: dict[Tape, int] = {}
    for s in records:
        widest[s.tape] = max([widest.get(s.tape, 1), *(b.dtype.itemsize for b, _ in s.entries)])
    for s in records:
        s.entries = tuple(packed(p.nodes, s.entries, widest[s.tape]))
    reserve(p.body)


def packed(nodes: Nodes, entries: Entries, align: int) -> Entries:
    """The entries of a record, in order and with their bytes: in all a multiple of `align`."""
    out = sorted(entries, key=lambda entry: -entry[0].dtype.itemsize)
    known, last = 0, None
    for k, (b, n) in enumerate(out):
        if n.kind == "const":
            known, last = known + int(n.attrs), k
        elif b.dtype.itemsize < align:
            out[k] = b, rounded(nodes, n, align)
    if last is not None and known % align:
        b, n = out[last]
        out[last] = b, nodes.const(int(n.attrs) + -known % align, I64)
    return out


def rounded(nodes: Nodes, n: Node, align: int) -> Node:
    """A computed number of bytes, rounded up."""
    if n.kind == "index" and not n.attrs.terms:
        return nodes.index(Affine({}, (n.attrs.const + (align - 1)) // align * align), I64)
    a, one_less = nodes.const(align, I64), nodes.const(align - 1, I64)
    whole = nodes.apply("floordiv", (nodes.apply("add", (n, one_less), I64), a), I64)
    return nodes.apply("mul", (whole, a), I64)


def reserve(body: list[Stmt]) -> None:
    """Tell tapes at their start how much they will hold, where that is known, so that they are allocated once."""
    needed: dict[Tape, float] = {}
    for s in body:
        for p, trip_count in pushes(s, 1.0):
            size = sum(float(n.attrs) if n.kind == "const" else inf for _, n in p.entries)
            needed[p.tape] = needed.get(p.tape, 0.0) + size * trip_count
    for s in body:
        if isinstance(s, Rewind) and needed.get(s.tape, inf) <= AT_ONCE:
            s.nbytes = int(needed[s.tape])


def pushes(s: Stmt, trip_count: float) -> Iterator[tuple[Push, float]]:
    """Every push with the number of times that it runs at most; infinite where that is not known."""
    if isinstance(s, Push):
        yield s, trip_count
    if isinstance(s, Repeat):
        n = trips(s)
        trip_count *= inf if n is None else n
    elif isinstance(s, WhileStmt):
        trip_count = inf
    for block in inner(s):
        for x in block:
            yield from pushes(x, trip_count)
