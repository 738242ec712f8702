"""The signature of a call: its containers and what its arguments are, as a row of words, found in machine code.

A function with many specialisations, or one whose arguments stand in lists, tuples and dicts, finds the entry for a
call by its signature: a hash of these words leads to a record in a table, which must have the very same words. The walk
through the arguments gives the leaves on the way. An entry still checks every leaf: the table only says which one to
ask, and what it must be sure of is the structure, whose words are compared in full.

    call        number of arguments, then the words of each
    tuple, list, named tuple    type, length, then the words of each item
    dict        type, length, then for each item in order: the key (a str, by its address), the words of the value
    dataclass   type, number of fields, then the words of each field
    None        its type
    array       type, dtype object, flags and rank, extents
    float, complex, NumPy scalar    type
    int, bool, str              type, address

Whatever else comes (or more of it than there is room for) has no signature: Python handles the call.
"""

from __future__ import annotations

import ctypes
import functools
import struct
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from llvmlite import ir

from gradjit.runtime import cpython, numpy_abi
from gradjit.runtime.c_function import I32, I64, MISS, NULL, CFunction, i32, i64

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gradjit.runtime.entry import Entry

MAX_LEAVES, MAX_WORDS, MAX_DEPTH = 64, 512, 8

# The state of a walk, in words: how many leaves, how many words, the leaves, the words.
_LEAVES, _WORDS = 0, 1
_LEAF, _WORD = 2, 2 + MAX_LEAVES
STATE_BYTES = 8 * (_WORD + MAX_WORDS)

# A record: how many words, leaves and entries; where in the walk each leaf of the entries is; the words; function and
# counter of hits of each entry.
_HEAD = 3
MAX_ENTRIES = 4
"""Entries of one signature: they differ in guards, or in static values."""

_MULTIPLIER = 0x9E3779B97F4A7C15
DATACLASSES = "gradjit.dataclasses"
"""The symbol of `dataclasses`."""
dataclasses: dict[type, tuple[str, ...]] = {}
"""The names of the fields of each dataclass that may be taken apart. Whoever finds one puts it here."""
_FLAGS = numpy_abi.C_CONTIGUOUS | numpy_abi.ALIGNED | numpy_abi.WRITEABLE
_TUPLE_SUBCLASS = 1 << 26  # Py_TPFLAGS_TUPLE_SUBCLASS


# the walk -------------------------------------------------------------------------------------------------------------
def walk(frame: CFunction) -> None:
    """`i32 walk(PyObject *x, int64_t *state, int64_t depth)`: add an argument, or part of one. 1, or 0 if it has no
    signature. The state gets a reference to each leaf."""
    x, state, depth = frame.function.args
    at, no, yes = cpython.layout(), frame.block("no"), frame.block("yes")
    kind = frame.load(x, at.type)
    for name, emit in (("PyArray_Type", _array), ("PyFloat_Type", _plain), ("PyDict_Type", _dict),
                       ("PyList_Type", _list), ("PyTuple_Type", _tuple), ("PyLong_Type", _static),
                       ("PyBool_Type", _static), ("PyUnicode_Type", _static), ("PyComplex_Type", _plain)):
        with case(frame, frame.same(kind, frame.object(name)), yes):
            emit(frame, x, state, depth, kind, no)
    with case(frame, frame.same(x, frame.object("_Py_NoneStruct")), yes):
        push(frame, state, kind, no)
    for dtype in numpy_abi.DTYPES:
        with case(frame, frame.same(kind, frame.object(f"numpy.type.{dtype}")), yes):
            _plain(frame, x, state, depth, kind, no)
    flags = frame.load(kind, at.type_flags, I64)
    with case(frame, frame.differs(frame.builder.and_(flags, i64(_TUPLE_SUBCLASS)), i64(0)), yes):
        _tuple(frame, x, state, depth, kind, no)
    names = frame.call("PyDict_GetItemWithError", frame.object(DATACLASSES), kind)
    with case(frame, frame.differs(names, NULL), yes):
        _dataclass(frame, x, state, depth, kind, names, no)
    frame.go(no)
    frame.enter(yes)
    frame.builder.ret(i32(1))
    frame.enter(no)
    frame.call("PyErr_Clear")
    frame.builder.ret(i32(0))


@contextmanager
def case(frame: CFunction, condition: ir.Value, done: ir.Block) -> Iterator[None]:
    """What is emitted within runs, and goes to `done`, if `condition`."""
    taken, other = frame.block(), frame.block()
    frame.builder.cbranch(condition, taken, other)
    frame.enter(taken)
    yield
    frame.go(done)
    frame.enter(other)


@contextmanager
def counted(frame: CFunction, count: ir.Value) -> Iterator[ir.Value]:
    """Emit a loop over 0 ... count - 1; yields the index."""
    test, body, done = frame.block(), frame.block(), frame.block()
    index = frame.variable(i64(0))
    frame.go(test)
    frame.enter(test)
    k = frame.load(index, 0, I64)
    frame.builder.cbranch(frame.builder.icmp_signed("<", k, count), body, done)
    frame.enter(body)
    yield k
    frame.store(frame.builder.add(k, i64(1)), index)
    frame.go(test)
    frame.enter(done)


def append(frame: CFunction, state: ir.Value, value: ir.Value, counter: int, start: int, room: int, no: ir.Block
           ) -> None:
    n = frame.load(state, 8 * counter, I64)
    frame.require(frame.builder.icmp_signed("<", n, i64(room)), no)
    frame.store(value, frame.at(frame.word(state, n), 8 * start))
    frame.store(frame.builder.add(n, i64(1)), state, 8 * counter)


def push(frame: CFunction, state: ir.Value, value: ir.Value, no: ir.Block) -> None:
    """One more word."""
    append(frame, state, value, _WORDS, _WORD, MAX_WORDS, no)


def leaf(frame: CFunction, state: ir.Value, x: ir.Value, no: ir.Block) -> None:
    append(frame, state, x, _LEAVES, _LEAF, MAX_LEAVES, no)
    frame.incref(x)


def inside(frame: CFunction, x: ir.Value, state: ir.Value, depth: ir.Value, no: ir.Block) -> None:
    """A part of a container, to which there is a reference: it is given up here."""
    answer = frame.builder.call(frame.function, [x, state, frame.builder.add(depth, i64(1))])
    frame.decref(x)
    frame.require(frame.differs(answer, i32(0)), no)


def _plain(frame: CFunction, x: ir.Value, state: ir.Value, depth: ir.Value, kind: ir.Value, no: ir.Block) -> None:
    push(frame, state, kind, no)
    leaf(frame, state, x, no)


def _static(frame: CFunction, x: ir.Value, state: ir.Value, depth: ir.Value, kind: ir.Value, no: ir.Block) -> None:
    push(frame, state, kind, no)
    push(frame, state, x, no)
    leaf(frame, state, x, no)


def _array(frame: CFunction, x: ir.Value, state: ir.Value, depth: ir.Value, kind: ir.Value, no: ir.Block) -> None:
    at = numpy_abi.layout()
    flags = frame.builder.and_(frame.load(x, at.flags, I32), i32(_FLAGS))
    rank = frame.builder.zext(frame.load(x, at.ndim, I32), I64)
    both = frame.builder.or_(frame.builder.shl(rank, i64(32)), frame.builder.zext(flags, I64))
    for word in (kind, frame.load(x, at.descr), both):
        push(frame, state, word, no)
    shape = frame.load(x, at.shape)
    with counted(frame, rank) as k:
        push(frame, state, frame.load(frame.word(shape, k), 0, I64), no)
    leaf(frame, state, x, no)


def _container(frame: CFunction, state: ir.Value, depth: ir.Value, kind: ir.Value, size: ir.Value, no: ir.Block
               ) -> None:
    frame.require(frame.builder.icmp_signed("<", depth, i64(MAX_DEPTH)), no)
    push(frame, state, kind, no)
    push(frame, state, size, no)


def _tuple(frame: CFunction, x: ir.Value, state: ir.Value, depth: ir.Value, kind: ir.Value, no: ir.Block) -> None:
    at = cpython.layout()
    size = frame.load(x, at.size, I64)
    _container(frame, state, depth, kind, size, no)
    with counted(frame, size) as k:
        item = frame.load(frame.word(frame.at(x, at.tuple_items), k))
        frame.incref(item)
        inside(frame, item, state, depth, no)


def _list(frame: CFunction, x: ir.Value, state: ir.Value, depth: ir.Value, kind: ir.Value, no: ir.Block) -> None:
    """Its length is asked each time: a field of a dataclass may be a property, which does what it likes."""
    at = cpython.layout()
    size = frame.load(x, at.size, I64)
    _container(frame, state, depth, kind, size, no)
    with counted(frame, size) as k:
        frame.require(frame.builder.icmp_signed("<", k, frame.load(x, at.size, I64)), no)
        item = frame.load(frame.word(frame.load(x, at.list_items), k))
        frame.incref(item)
        inside(frame, item, state, depth, no)


def _dict(frame: CFunction, x: ir.Value, state: ir.Value, depth: ir.Value, kind: ir.Value, no: ir.Block) -> None:
    """Keys by address: the table holds those that it knows; an equal one elsewhere is another signature."""
    size = frame.call("PyDict_Size", x)
    _container(frame, state, depth, kind, size, no)
    position, key, value = frame.variable(i64(0)), frame.cell(8, 8), frame.cell(8, 8)
    with counted(frame, size):
        more = frame.call("PyDict_Next", x, position, key, value)
        frame.require(frame.differs(more, i32(0)), no)
        frame.require(frame.has_type(frame.load(key), "PyUnicode_Type"), no)
        push(frame, state, frame.load(key), no)
        item = frame.load(value)
        frame.incref(item)
        inside(frame, item, state, depth, no)


def _dataclass(frame: CFunction, x: ir.Value, state: ir.Value, depth: ir.Value, kind: ir.Value, names: ir.Value,
               no: ir.Block) -> None:
    at = cpython.layout()
    size = frame.load(names, at.size, I64)
    _container(frame, state, depth, kind, size, no)
    with counted(frame, size) as k:
        name = frame.load(frame.word(frame.at(names, at.tuple_items), k))
        item = frame.call_support("get_attribute", x, name)
        frame.require(frame.differs(item, NULL), no)
        inside(frame, item, state, depth, no)


# the table ------------------------------------------------------------------------------------------------------------
def signature(frame: CFunction) -> None:
    """`i32 signature(PyObject *const *args, int64_t count, int64_t *state)`: walk through all arguments. 1, or 0 where
    there is no signature. The state holds references to the leaves that were found, in both cases."""
    args, count, state = frame.function.args
    no = frame.block("no")
    frame.store(i64(0), state, 8 * _LEAVES)
    frame.store(i64(1), state, 8 * _WORDS)
    frame.store(count, state, 8 * _WORD)
    with counted(frame, count) as k:
        answer = frame.call_support("walk", frame.load(frame.word(args, k)), state, i64(0))
        frame.require(frame.differs(answer, i32(0)), no)
    frame.builder.ret(i32(1))
    frame.enter(no)
    frame.builder.ret(i32(0))


def try_indexed(frame: CFunction) -> None:
    """`PyObject *try_indexed(PyObject *index, PyObject *const *args, int64_t count)`: the result of the entry that the
    signature of the call leads to, or MISS."""
    index, args, count = frame.function.args
    missed = frame.block("missed")
    state = frame.cell(STATE_BYTES, 8)
    answer = frame.call_support("signature", args, count, state)
    leaves, found = frame.at(state, 8 * _LEAF), frame.load(state, 8 * _LEAVES, I64)
    frame.require(frame.differs(answer, i32(0)), missed)
    n, words = frame.load(state, 8 * _WORDS, I64), frame.at(state, 8 * _WORD)
    code = hashed(frame, words, n)
    owner = find(frame, frame.load(index, TABLE), code, words, n, missed)
    frame.incref(owner)
    result = run(frame, owner, leaves)
    frame.decref(owner)
    frame.call_support("release", leaves, found)
    frame.builder.ret(result)
    frame.enter(missed)
    frame.call_support("release", leaves, found)
    frame.builder.ret(MISS)


def hashed(frame: CFunction, words: ir.Value, n: ir.Value) -> ir.Value:
    """See `hash_of`."""
    b = frame.builder
    total = frame.variable(i64(0))
    with counted(frame, n) as k:
        h = b.mul(b.xor(frame.load(total, 0, I64), frame.load(frame.word(words, k), 0, I64)), i64(_MULTIPLIER))
        frame.store(b.xor(h, b.lshr(h, i64(32))), total)
    return frame.load(total, 0, I64)


def find(frame: CFunction, table: ir.Value, code: ir.Value, words: ir.Value, n: ir.Value, missed: ir.Block) -> ir.Value:
    """The owner of the record that has these words."""
    b, at = frame.builder, cpython.layout()
    slots, mask = frame.at(table, 16), frame.load(table, 0, I64)
    index = frame.variable(b.and_(code, mask))
    test, same, onwards, found = (frame.block(label) for label in ("probe", "same", "onwards", "found"))
    frame.go(test)
    frame.enter(test)
    slot = frame.at(slots, b.mul(frame.load(index, 0, I64), i64(16)))
    owner = frame.load(slot, 8)
    frame.unless(frame.same(owner, NULL), missed)
    b.cbranch(frame.same(frame.load(slot, 0, I64), code), same, onwards)
    frame.enter(same)
    record = frame.at(frame.load(owner, at.tuple_items), at.bytes_data)
    frame.unless(frame.differs(frame.load(record, 0, I64), n), onwards)
    theirs = frame.word(frame.at(record, 8 * _HEAD), frame.load(record, 8, I64))
    with counted(frame, n) as k:
        pair = [frame.load(frame.word(row, k), 0, I64) for row in (theirs, words)]
        frame.unless(frame.differs(*pair), onwards)
    frame.go(found)
    frame.enter(onwards)
    frame.store(b.and_(b.add(frame.load(index, 0, I64), i64(1)), mask), index)
    frame.go(test)
    frame.enter(found)
    return owner


def run(frame: CFunction, owner: ir.Value, leaves: ir.Value) -> ir.Value:
    """The result of the first entry of a record that takes the leaves, or MISS."""
    b, at = frame.builder, cpython.layout()
    record = frame.at(frame.load(owner, at.tuple_items), at.bytes_data)
    words, count, number = (frame.load(record, 8 * k, I64) for k in range(_HEAD))
    places = frame.at(record, 8 * _HEAD)
    row = frame.cell(8 * MAX_LEAVES, 8)
    with counted(frame, count) as k:
        frame.store(frame.load(frame.word(leaves, frame.load(frame.word(places, k), 0, I64))), frame.word(row, k))
    cursor = frame.variable(frame.word(frame.word(places, count), words))
    answer, done = frame.variable(MISS), frame.block("answered")
    with counted(frame, number):
        entry = frame.load(cursor)
        result = frame.call_pointer(frame.load(entry), MISS.type, row, count)
        hit, missed = frame.block("hit"), frame.block("next")
        b.cbranch(frame.same(result, MISS), missed, hit)
        frame.enter(hit)
        counter = frame.load(entry, 8)
        frame.store(b.add(frame.load(counter, 0, I64), i64(1)), counter)
        frame.store(result, answer)
        frame.go(done)
        frame.enter(missed)
        frame.store(frame.at(entry, 16), cursor)
    frame.go(done)
    frame.enter(done)
    return frame.load(answer)


EMITTERS: dict[str, Callable[[CFunction], None]] = {"walk": walk, "signature": signature, "try_indexed": try_indexed}


# from Python ----------------------------------------------------------------------------------------------------------
def hash_of(words: Sequence[int]) -> int:
    """The hash of words, by which the table finds a record."""
    h, limit = 0, (1 << 64) - 1
    for w in words:
        h = ((h ^ w) * _MULTIPLIER) & limit
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


def signature_of(args: tuple[Any, ...]) -> tuple[tuple[int, ...], list[int]] | None:
    """The words of a call and the addresses of its leaves, in the order of the walk; None where it has no signature."""
    state = (ctypes.c_uint64 * (STATE_BYTES // 8))()
    row = (ctypes.c_void_p * max(len(args), 1))(*map(id, args))
    answer = _function()(row, len(args), state)
    found: list[int] = state[_LEAF:_LEAF + state[_LEAVES]]
    for address in found:  # the state holds references
        ctypes.pythonapi.Py_DecRef(ctypes.c_void_p(address))
    return (tuple(state[_WORD:_WORD + state[_WORDS]]), found) if answer else None


@functools.cache
def _function() -> Callable[..., int]:
    from gradjit.runtime import support

    kind = ctypes.PYFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p)
    return kind(support.addresses()["gradjit.signature"])


MAX_RECORDS = 1024
"""Beyond that a table begins anew: calls whose keys or static values are fresh objects each time fill it."""


_Base: Any = cpython.raw_type("gradjit.runtime.signature._Base", {"table": cpython.T_ULONGLONG})
TABLE = object.__basicsize__
"""Where in an index machine code finds the address of the table."""


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


__all__ = ["DATACLASSES", "EMITTERS", "MAX_RECORDS", "Index", "dataclasses", "hash_of", "named_by", "signature_of"]
