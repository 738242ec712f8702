"""The signature of a call: its containers and what its arguments are, as a row of words, found in machine code.

A function with many specialisations, or one whose arguments stand in lists, tuples and dicts, finds the entry for a
call by its signature: a hash of these words leads to a record in a table, which must have the very same words. The walk
through the arguments gives the leaves on the way. An entry still checks every leaf: the table only says which one to
ask, and what it must be sure of is the structure, whose words are compared in full.

The extents of all arrays stand behind the other words. What is compiled for some sizes is found by all words; what
serves every size, by those in front of the extents.

    call        number of arguments, then the words of each
    tuple, list, named tuple    type, length, then the words of each item
    dict        type, length, then for each item in order: the key (a str, by its address), the words of the value
    dataclass   type, number of fields, then the words of each field
    None        its type
    array       type, dtype object, flags and rank; its extents come behind all words
    float, complex, NumPy scalar    type
    int, bool, str              type, address

Whatever else comes (or more of it than there is room for) has no signature: Python handles the call.
The machine code is emitted by `emit_signature`; here is what it reads, and what Python asks of it.
"""

from __future__ import annotations

import ctypes
import functools
import struct
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from gradjit.runtime import cpython

if TYPE_CHECKING:
    from gradjit.runtime.entry import Entry

MAX_LEAVES, MAX_WORDS, MAX_DEPTH = 64, 512, 8

# The state of a walk, in words: how many leaves, how many words, how many extents, the leaves, the words, and behind
# them the extents: while the walk goes on in a row of their own.
LEAVES, WORDS, EXTENTS = 0, 1, 2
LEAF, WORD, EXTENT = 3, 3 + MAX_LEAVES, 3 + MAX_LEAVES + MAX_WORDS
MAX_EXTENTS = 256
STATE_BYTES = 8 * (EXTENT + MAX_EXTENTS)

# A record: how many words, leaves and entries; where in the walk each leaf of the entries is; the words; function and
# counter of hits of each entry.
HEAD = 3
MAX_ENTRIES = 4
"""Entries of one signature: they differ in guards, or in static values."""

MULTIPLIER = 0x9E3779B97F4A7C15
DATACLASSES = "gradjit.dataclasses"
"""The symbol of `dataclasses`."""
dataclasses: dict[type, tuple[str, ...]] = {}
"""The names of the fields of each dataclass that may be taken apart. Whoever finds one puts it here."""
TABLE = object.__basicsize__
"""Where in an index machine code finds the address of the table."""


# from Python ----------------------------------------------------------------------------------------------------------
def hash_of(words: Sequence[int]) -> int:
    """The hash of words, by which the table finds a record."""
    h, limit = 0, (1 << 64) - 1
    for w in words:
        h = ((h ^ w) * MULTIPLIER) & limit
        h ^= h >> 32
    return h


def named_by(x: Any) -> list[Any]:
    """The objects within a container whose addresses stand for the structure: keys, types."""
    if type(x) is dict:
        return [*x, *(o for v in x.values() for o in named_by(v))]
    if isinstance(x, (tuple, list)):
        return [*([] if type(x) in (tuple, list) else [type(x)]), *(o for v in x for o in named_by(v))]
    if type(x) in dataclasses:
        return [type(x), *(o for name in dataclasses[type(x)] for o in named_by(getattr(x, name)))]
    return []


def has_words(owner: int, words: tuple[int, ...]) -> bool:
    """Whether the owner of a record at an address has these words."""
    found: Any = ctypes.cast(owner, ctypes.py_object).value
    return bool(found[-1] == words)


class CallSignature(NamedTuple):
    """A call as it is found: its words without extents, the extents, and the addresses of its leaves in the order of
    the walk."""

    form: tuple[int, ...]
    extents: tuple[int, ...]
    leaves: list[int]


def signature_of(args: tuple[Any, ...]) -> CallSignature | None:
    """The signature of a call; None where it has none."""
    state = (ctypes.c_uint64 * (STATE_BYTES // 8))()
    row = (ctypes.c_void_p * max(len(args), 1))(*map(id, args))
    answer = _function()(row, len(args), state)
    found: list[int] = state[LEAF:LEAF + state[LEAVES]]
    for address in found:  # the state holds references
        ctypes.pythonapi.Py_DecRef(ctypes.c_void_p(address))
    if not answer:
        return None
    middle = WORD + state[WORDS]
    return CallSignature(tuple(state[WORD:middle]), tuple(state[middle:middle + state[EXTENTS]]), found)


@functools.cache
def _function() -> Callable[..., int]:
    from gradjit.runtime import support

    kind = ctypes.PYFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p)
    return kind(support.addresses()["gradjit.signature"])


MAX_RECORDS = 1024
"""Beyond that a table begins anew: calls whose keys or static values are fresh objects each time fill it."""


_Base: Any = cpython.raw_type("gradjit.runtime.signature._Base", {"table": cpython.T_ULONGLONG})

class Index(_Base):
    """The entries of one function by the signatures of calls.

    Machine code, which holds the GIL, reads it while other threads may be about to change it (under a lock of the
    caller's): so each change is one store of a word. The table: the number of slots less one, and from the third word
    on the slots, each a hash and the address of a record's owner.
    """

    __slots__ = ("records", "_memory")

    def __init__(self) -> None:
        self.records: dict[tuple[int, ...], _Record] = {}
        self._fill(())

    def add(self, words: tuple[int, ...], places: Sequence[int], entry: Entry, kept: object) -> None:
        """Have `entry` asked first for calls of this signature: `places` says where in the walk its leaves are. `kept`
        are the objects that the words name."""
        known = self.records.get(words)
        others = [e for e in known.entries if e is not entry][:MAX_ENTRIES - 1] if known is not None else []
        record = _Record(words, places, (entry, *others), kept)
        if known is None and len(self.records) >= MAX_RECORDS:
            self._fill([record])
        elif 2 * len(self.records) >= len(self._memory) // 2 - 1:
            self._fill([*(r for r in self.records.values() if r is not known), record])
        else:
            self._put(self._memory, record)
            self.records[words] = record

    def remove(self, entry: Entry) -> None:
        """Forget an entry."""
        left = []
        for r in self.records.values():
            entries = tuple(e for e in r.entries if e is not entry)
            if entries:
                left.append(r if len(entries) == len(r.entries) else _Record(r.words, r.places, entries, r.kept))
        self._fill(left)

    def clear(self) -> None:
        self._fill(())

    def _fill(self, records: Sequence[_Record]) -> None:
        """Have these records and no others."""
        size = max(16, 1 << (2 * len(records) + 1).bit_length())
        table = (ctypes.c_uint64 * (2 + 2 * size))(size - 1)
        for r in records:
            self._put(table, r)
        before = self.records, getattr(self, "_memory", None)  # dropped when all is in its place
        ctypes.c_uint64.from_address(id(self) + TABLE).value = ctypes.addressof(table)
        self._memory, self.records = table, {r.words: r for r in records}
        del before

    @staticmethod
    def _put(table: Any, record: _Record) -> None:
        """Into an empty slot, or that of the record that had these words."""
        mask = table[0]
        k = record.hash & mask
        while (owner := table[3 + 2 * k]) and not (table[2 + 2 * k] == record.hash and has_words(owner, record.words)):
            k = (k + 1) & mask
        table[2 + 2 * k] = record.hash
        table[3 + 2 * k] = record.address


class _Record:
    """One signature: its words, where the leaves of its entries are, and the entries. `address` is that of its owner, a
    tuple that machine code reads and holds."""

    __slots__ = ("words", "places", "entries", "kept", "hash", "owner")

    def __init__(self, words: tuple[int, ...], places: Sequence[int], entries: tuple[Entry, ...], kept: object) -> None:
        self.words, self.places, self.entries, self.kept = words, places, entries, kept
        self.hash = hash_of(words)
        row = (len(words), len(places), len(entries), *places, *words)
        self.owner = (struct.pack(f"{len(row)}Q", *row) + b"".join(e.packed() for e in entries), entries, kept, words)

    @property
    def address(self) -> int:
        return id(self.owner)


__all__ = ["DATACLASSES", "MAX_RECORDS", "CallSignature", "Index", "dataclasses", "hash_of", "named_by", "signature_of"]
