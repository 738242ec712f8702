"""The machine code of signatures: the walk through the arguments of a call, and the table that it leads to."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from gradjit.codegen import llvm
from gradjit.runtime import cpython, numpy_abi
from gradjit.runtime.c_function import I32, I64, MISS, NULL, CFunction, i32, i64
from gradjit.runtime.signature import (
    DATACLASSES,
    EXTENT,
    EXTENTS,
    HEAD,
    LEAF,
    LEAVES,
    MAX_DEPTH,
    MAX_EXTENTS,
    MAX_LEAVES,
    MAX_WORDS,
    MULTIPLIER,
    STATE_BYTES,
    TABLE,
    WORD,
    WORDS,
)

_FLAGS = numpy_abi.C_CONTIGUOUS | numpy_abi.ALIGNED | numpy_abi.WRITEABLE
_TUPLE_SUBCLASS = 1 << 26  # Py_TPFLAGS_TUPLE_SUBCLASS


# the walk -------------------------------------------------------------------------------------------------------------
def walk(frame: CFunction) -> None:
    """`i32 walk(PyObject *x, int64_t *state, int64_t depth)`: add an argument, or part of one. 1, or 0 if it has no
    signature. The state gets a reference to each leaf."""
    x, state, depth = frame.function.args
    at, no, yes = cpython.layout(), frame.block("no"), frame.block("yes")
    kind = frame.load(x, at.type)
    for types, emit in ((("PyArray_Type",), _array), (("PyFloat_Type",), _plain), (("PyDict_Type",), _dict),
                        (("PyList_Type",), _list), (_STATICS, _static), (_SCALARS, _plain)):
        with case(frame, one_of(frame, kind, types), yes):
            emit(frame, x, state, depth, kind, no)
    flags = frame.load(kind, at.type_flags, I64)
    with case(frame, frame.differs(frame.builder.and_(flags, i64(_TUPLE_SUBCLASS)), i64(0)), yes):
        _tuple(frame, x, state, depth, kind, no)
    with case(frame, frame.same(x, frame.object("_Py_NoneStruct")), yes):
        push(frame, state, kind, no)
    names = frame.call("PyDict_GetItemWithError", frame.object(DATACLASSES), kind)
    with case(frame, frame.differs(names, NULL), yes):
        _dataclass(frame, x, state, depth, kind, names, no)
    frame.go(no)
    frame.enter(yes)
    frame.builder.ret(i32(1))
    frame.enter(no)
    frame.call("PyErr_Clear")
    frame.builder.ret(i32(0))


_STATICS = ("PyLong_Type", "PyBool_Type", "PyUnicode_Type")
_SCALARS = ("PyComplex_Type", *(f"numpy.type.{dtype}" for dtype in numpy_abi.DTYPES))


def one_of(frame: CFunction, kind: llvm.Value, symbols: tuple[str, ...]) -> llvm.Value:
    """Whether a type is one of those behind the symbols."""
    return functools.reduce(frame.builder.or_, [frame.same(kind, frame.object(s)) for s in symbols])


@contextmanager
def case(frame: CFunction, condition: llvm.Value, done: llvm.Block) -> Iterator[None]:
    """What is emitted within runs, and goes to `done`, if `condition`."""
    taken, other = frame.block(), frame.block()
    frame.builder.cbranch(condition, taken, other)
    frame.enter(taken)
    yield
    frame.go(done)
    frame.enter(other)


def append(frame: CFunction, state: llvm.Value, value: llvm.Value, counter: int, start: int, room: int, no: llvm.Block
           ) -> None:
    n = frame.load(state, 8 * counter, I64)
    frame.require(frame.builder.icmp_signed("<", n, i64(room)), no)
    frame.store(value, frame.at(frame.word(state, n), 8 * start))
    frame.store(frame.builder.add(n, i64(1)), state, 8 * counter)


def push(frame: CFunction, state: llvm.Value, value: llvm.Value, no: llvm.Block) -> None:
    """One more word."""
    append(frame, state, value, WORDS, WORD, MAX_WORDS, no)


def leaf(frame: CFunction, state: llvm.Value, x: llvm.Value, no: llvm.Block) -> None:
    append(frame, state, x, LEAVES, LEAF, MAX_LEAVES, no)
    frame.incref(x)


def inside(frame: CFunction, x: llvm.Value, state: llvm.Value, depth: llvm.Value, no: llvm.Block) -> None:
    """A part of a container, to which there is a reference: it is given up here."""
    answer = frame.builder.call(frame.function, [x, state, frame.builder.add(depth, i64(1))])
    frame.decref(x)
    frame.require(frame.differs(answer, i32(0)), no)


def _plain(frame: CFunction, x: llvm.Value, state: llvm.Value, depth: llvm.Value, kind: llvm.Value,
           no: llvm.Block) -> None:
    push(frame, state, kind, no)
    leaf(frame, state, x, no)


def _static(frame: CFunction, x: llvm.Value, state: llvm.Value, depth: llvm.Value, kind: llvm.Value,
            no: llvm.Block) -> None:
    push(frame, state, kind, no)
    push(frame, state, x, no)
    leaf(frame, state, x, no)


def _array(frame: CFunction, x: llvm.Value, state: llvm.Value, depth: llvm.Value, kind: llvm.Value,
           no: llvm.Block) -> None:
    at = numpy_abi.layout()
    flags = frame.builder.and_(frame.load(x, at.flags, I32), i32(_FLAGS))
    rank = frame.builder.zext(frame.load(x, at.ndim, I32), I64)
    both = frame.builder.or_(frame.builder.shl(rank, i64(32)), frame.builder.zext(flags, I64))
    for word in (kind, frame.load(x, at.descr), both):
        push(frame, state, word, no)
    shape = frame.load(x, at.shape)
    with frame.loop(rank) as k:
        append(frame, state, frame.load(frame.word(shape, k), 0, I64), EXTENTS, EXTENT, MAX_EXTENTS, no)
    leaf(frame, state, x, no)


def _container(frame: CFunction, state: llvm.Value, depth: llvm.Value, kind: llvm.Value, size: llvm.Value,
               no: llvm.Block) -> None:
    frame.require(frame.builder.icmp_signed("<", depth, i64(MAX_DEPTH)), no)
    push(frame, state, kind, no)
    push(frame, state, size, no)


def _tuple(frame: CFunction, x: llvm.Value, state: llvm.Value, depth: llvm.Value, kind: llvm.Value,
           no: llvm.Block) -> None:
    at = cpython.layout()
    size = frame.load(x, at.size, I64)
    _container(frame, state, depth, kind, size, no)
    with frame.loop(size) as k:
        item = frame.load(frame.word(frame.at(x, at.tuple_items), k))
        frame.incref(item)
        inside(frame, item, state, depth, no)


def _list(frame: CFunction, x: llvm.Value, state: llvm.Value, depth: llvm.Value, kind: llvm.Value,
          no: llvm.Block) -> None:
    """Its length is asked each time: a field of a dataclass may be a property, which does what it likes."""
    at = cpython.layout()
    size = frame.load(x, at.size, I64)
    _container(frame, state, depth, kind, size, no)
    with frame.loop(size) as k:
        frame.require(frame.builder.icmp_signed("<", k, frame.load(x, at.size, I64)), no)
        item = frame.load(frame.word(frame.load(x, at.list_items), k))
        frame.incref(item)
        inside(frame, item, state, depth, no)


def _dict(frame: CFunction, x: llvm.Value, state: llvm.Value, depth: llvm.Value, kind: llvm.Value,
          no: llvm.Block) -> None:
    """Keys by address: the table holds those that it knows; an equal one elsewhere is another signature."""
    size = frame.call("PyDict_Size", x)
    _container(frame, state, depth, kind, size, no)
    position, key, value = frame.variable(i64(0)), frame.cell(8, 8), frame.cell(8, 8)
    with frame.loop(size):
        more = frame.call("PyDict_Next", x, position, key, value)
        frame.require(frame.differs(more, i32(0)), no)
        frame.require(frame.has_type(frame.load(key), "PyUnicode_Type"), no)
        push(frame, state, frame.load(key), no)
        item = frame.load(value)
        frame.incref(item)
        inside(frame, item, state, depth, no)


def _dataclass(frame: CFunction, x: llvm.Value, state: llvm.Value, depth: llvm.Value, kind: llvm.Value,
               names: llvm.Value, no: llvm.Block) -> None:
    at = cpython.layout()
    size = frame.load(names, at.size, I64)
    _container(frame, state, depth, kind, size, no)
    with frame.loop(size) as k:
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
    frame.store(i64(0), state, 8 * LEAVES)
    frame.store(i64(0), state, 8 * EXTENTS)
    frame.store(i64(1), state, 8 * WORDS)
    frame.store(count, state, 8 * WORD)
    with frame.loop(count) as k:
        answer = frame.call_support("walk", frame.load(frame.word(args, k)), state, i64(0))
        frame.require(frame.differs(answer, i32(0)), no)
    put_extents_behind(frame, state, no)
    frame.builder.ret(i32(1))
    frame.enter(no)
    frame.builder.ret(i32(0))


def put_extents_behind(frame: CFunction, state: llvm.Value, no: llvm.Block) -> None:
    words, extents = (frame.load(state, 8 * counter, I64) for counter in (WORDS, EXTENTS))
    frame.require(frame.builder.icmp_signed("<=", frame.builder.add(words, extents), i64(MAX_WORDS)), no)
    behind = frame.word(frame.at(state, 8 * WORD), words)
    with frame.loop(extents) as k:
        frame.store(frame.load(frame.word(frame.at(state, 8 * EXTENT), k), 0, I64), frame.word(behind, k))


def try_indexed(frame: CFunction) -> None:
    """`PyObject *try_indexed(PyObject *index, PyObject *const *args, int64_t count)`: the result of the entry that the
    signature of the call leads to, or MISS. First what is compiled for these extents, then what serves all."""
    index, args, count = frame.function.args
    missed = frame.block("missed")
    state = frame.cell(STATE_BYTES, 8)
    answer = frame.call_support("signature", args, count, state)
    leaves, found = frame.at(state, 8 * LEAF), frame.load(state, 8 * LEAVES, I64)
    frame.require(frame.differs(answer, i32(0)), missed)
    table, words = frame.load(index, TABLE), frame.at(state, 8 * WORD)
    form, extents = (frame.load(state, 8 * counter, I64) for counter in (WORDS, EXTENTS))
    code = hashed(frame, words, form, i64(0))
    full = hashed(frame, frame.word(words, form), extents, code)
    for total, n in ((full, frame.builder.add(form, extents)), (code, form)):
        onwards = frame.block("onwards")
        owner = find(frame, table, total, words, n, onwards)
        frame.incref(owner)
        result = run(frame, owner, leaves)
        frame.decref(owner)
        frame.unless(frame.same(result, MISS), onwards)
        frame.call_support("release", leaves, found)
        frame.builder.ret(result)
        frame.enter(onwards)
    frame.go(missed)
    frame.enter(missed)
    frame.call_support("release", leaves, found)
    frame.builder.ret(MISS)


def hashed(frame: CFunction, words: llvm.Value, n: llvm.Value, start: llvm.Value) -> llvm.Value:
    """See `hash_of`; `start` is the hash of what stands before."""
    b = frame.builder
    total = frame.variable(start)
    with frame.loop(n) as k:
        h = b.mul(b.xor(frame.load(total, 0, I64), frame.load(frame.word(words, k), 0, I64)), i64(MULTIPLIER))
        frame.store(b.xor(h, b.lshr(h, i64(32))), total)
    return frame.load(total, 0, I64)


def find(frame: CFunction, table: llvm.Value, code: llvm.Value, words: llvm.Value, n: llvm.Value,
         missed: llvm.Block) -> llvm.Value:
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
    theirs = frame.word(frame.at(record, 8 * HEAD), frame.load(record, 8, I64))
    with frame.loop(n) as k:
        pair = [frame.load(frame.word(row, k), 0, I64) for row in (theirs, words)]
        frame.unless(frame.differs(*pair), onwards)
    frame.go(found)
    frame.enter(onwards)
    frame.store(b.and_(b.add(frame.load(index, 0, I64), i64(1)), mask), index)
    frame.go(test)
    frame.enter(found)
    return owner


def run(frame: CFunction, owner: llvm.Value, leaves: llvm.Value) -> llvm.Value:
    """The result of the first entry of a record that takes the leaves, or MISS."""
    b, at = frame.builder, cpython.layout()
    record = frame.at(frame.load(owner, at.tuple_items), at.bytes_data)
    words, count, number = (frame.load(record, 8 * k, I64) for k in range(HEAD))
    places = frame.at(record, 8 * HEAD)
    row = frame.cell(8 * MAX_LEAVES, 8)
    with frame.loop(count) as k:
        frame.store(frame.load(frame.word(leaves, frame.load(frame.word(places, k), 0, I64))), frame.word(row, k))
    cursor = frame.variable(frame.word(frame.word(places, count), words))
    answer, done = frame.variable(MISS), frame.block("answered")
    with frame.loop(number):
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

__all__ = ["EMITTERS"]
