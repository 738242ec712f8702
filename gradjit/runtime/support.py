"""The process-wide machine code around the entries: what leads to them, and what they call.

It is compiled once, when the first entry is loaded, and never freed. What entries have in common stands here, driven
by tables, so that an entry itself is small and quick to compile: checks of array headers, comparison of static values,
watched namespaces, fresh arrays, release of references. The way to the entries stands here too, so that one may be
dropped while it runs (by itself, by another thread): the code that it returns to still exists, and holds a reference
to the entry until it has returned.
"""

from __future__ import annotations

import ctypes
import functools
import os
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any

from gradjit.codegen import llvm
from gradjit.runtime import cpython, disk_cache, emit_signature, jit, numpy_abi, signature
from gradjit.runtime.c_function import (
    CLOCK,
    I8,
    I32,
    I64,
    MISS as MISS_POINTER,
    NULL,
    PTR,
    SUPPORT,
    CFunction,
    i32,
    i64,
)
from gradjit.runtime.call_convention import ENTRY_BYTES, HANDLER, INDEX, MISS, MISSES, TABLE
from gradjit.runtime.packed_code import joined, parted
from gradjit.tracer.recorder import tracing

# Answers of a check. An error has set an exception.
YES, NO, ERROR = i32(1), i32(0), i32(-1)

# In the place of an extent: any will do.
OPEN = -1

# How an item of a namespace is watched.
IDENTICAL, SAME_STATIC, ABSENT, PRESENT, CAPTURED = range(5)

# What a kernel returns besides 0 and the numbers of its checks: an exception is set already (by Python code that it
# has called); a tape found no memory; a signal's handler has raised.
RAISED, OUT_OF_MEMORY, INTERRUPTED = -1, -2, -3
NO_ROOM = ("there is no memory for what loops keep from iteration to iteration; stats() of the function tells by line "
           "how much that is, and gj.checkpoint has them keep less")

_MISS_SYMBOL = "gradjit.miss"
_SIGNALS_SYMBOL = "gradjit.signals"
_TRACING_SYMBOL = "gradjit.tracing"


def _check_arrays(frame: CFunction) -> None:
    """`i32 check_arrays(PyObject *const *objects, const int64_t *records, int64_t count)`: are they exact, aligned
    ndarrays?

    A record: index of the object, dtype object, mask of flags, flags under the mask, set of type numbers that mean the
    dtype, rank, number of strides that count, extents (OPEN for any), pairs of axis and stride. (`array_record` makes
    one.)
    """
    objects, records, count = frame.function.args
    at, no = numpy_abi.layout(), frame.block("no")
    cursor = frame.variable(records)
    with frame.loop(count):
        record = frame.load(cursor)
        array = frame.load(frame.word(objects, frame.load(record, 0, I64)))
        frame.require(frame.has_type(array, "PyArray_Type"), no)
        flags = frame.builder.zext(frame.load(array, at.flags, I32), I64)
        wanted = frame.builder.and_(flags, frame.load(record, 16, I64))
        frame.require(frame.same(wanted, frame.load(record, 24, I64)), no)
        rank = frame.builder.zext(frame.load(array, at.ndim, I32), I64)
        frame.require(frame.same(rank, frame.load(record, 40, I64)), no)
        _check_dtype(frame, frame.load(array, at.descr), record, no)
        extents = frame.at(record, 56)
        shape = frame.load(array, at.shape)
        with frame.loop(rank) as axis:
            given, wanted = [frame.load(frame.word(base, axis), 0, I64) for base in (shape, extents)]
            frame.require(frame.builder.or_(frame.same(given, wanted), frame.same(wanted, i64(OPEN))), no)
        steps = frame.word(extents, rank)
        strides = frame.load(array, at.strides)
        number = frame.load(record, 48, I64)
        with frame.loop(number) as k:
            step = frame.word(steps, frame.builder.mul(k, i64(2)))
            stride = frame.load(frame.word(strides, frame.load(step, 0, I64)), 0, I64)
            frame.require(frame.same(stride, frame.load(step, 8, I64)), no)
        frame.store(frame.word(steps, frame.builder.mul(number, i64(2))), cursor)
    frame.builder.ret(YES)
    frame.enter(no)
    frame.builder.ret(NO)


def _check_dtype(frame: CFunction, descr: llvm.Value, record: llvm.Value, no: llvm.Block) -> None:
    """Nearly always NumPy's own dtype object; else (unpickled arrays, `long long`, metadata) an equal one."""
    at, other = numpy_abi.layout(), frame.block("other_dtype")
    onwards = frame.branch(frame.same(descr, frame.load(record, 8)), other)
    frame.enter(other)
    order = frame.load(descr, at.descr_byteorder, I8)
    native = (frame.same(order, llvm.Constant(I8, mark)) for mark in numpy_abi.NATIVE_ORDERS)
    frame.require(functools.reduce(frame.builder.or_, native), no)
    number = frame.builder.zext(frame.load(descr, at.descr_type_num, I32), I64)
    frame.require(frame.builder.icmp_unsigned("<", number, i64(64)), no)
    member = frame.builder.and_(frame.builder.lshr(frame.load(record, 32, I64), number), i64(1))
    frame.require(frame.differs(member, i64(0)), no)
    frame.go(onwards)
    frame.enter(onwards)


def _new_arrays(frame: CFunction) -> None:
    """`i32 new_arrays(PyObject **slots, const int64_t *records, int64_t count)`: fresh arrays into the slots.

    A record: dtype object, rank, extents. Answers YES, or ERROR with the later slots untouched.
    """
    slots, records, count = frame.function.args
    failed = frame.block("failed")
    cursor = frame.variable(records)
    with frame.loop(count) as k:
        record = frame.load(cursor)
        descr, rank = frame.load(record), frame.load(record, 8, I64)
        frame.incref(descr)  # the call takes a reference away, even when it fails
        narrow = frame.builder.trunc(rank, I32)
        kind, shape = frame.object("PyArray_Type"), frame.at(record, 16)
        array = frame.call("PyArray_NewFromDescr", kind, descr, narrow, shape, NULL, NULL, i32(0), NULL)
        frame.require(frame.differs(array, NULL), failed)
        frame.store(array, frame.word(slots, k))
        frame.store(frame.word(shape, rank), cursor)
    frame.builder.ret(YES)
    frame.enter(failed)
    frame.builder.ret(ERROR)


def _release(frame: CFunction) -> None:
    """`void release(PyObject **slots, int64_t count)`: let go of what the slots hold."""
    slots, count = frame.function.args
    with frame.loop(count) as k:
        held, onwards = frame.block(), frame.block()
        value = frame.load(frame.word(slots, k))
        frame.builder.cbranch(frame.differs(value, NULL), held, onwards)
        frame.enter(held)
        frame.decref(value)
        frame.go(onwards)
        frame.enter(onwards)
    frame.builder.ret_void()


def _same_static(frame: CFunction) -> None:
    """`i32 same_static(PyObject *value, PyObject *expected)`: the rule of `spec.static_key`, in machine code."""
    value, expected = frame.function.args
    at = cpython.layout()
    yes, no, error, compare = (frame.block(label) for label in ("yes", "no", "error", "compare"))
    frame.unless(frame.same(value, expected), yes)
    kind = frame.load(value, at.type)
    frame.require(frame.same(kind, frame.load(expected, at.type)), no)
    for symbol in ("PyLong_Type", "PyUnicode_Type", "PyBytes_Type"):
        frame.unless(frame.same(kind, frame.object(symbol)), compare)
    frame.unless(frame.same(frame.load(kind, at.type), frame.object("numpy.dtype_meta")), compare)
    for symbol, offsets in (
        ("PyFloat_Type", (at.float_value,)),
        ("PyComplex_Type", (at.complex_value, at.complex_value + 8)),
    ):
        bits, other = frame.block("bits"), frame.block("other")
        frame.builder.cbranch(frame.same(kind, frame.object(symbol)), bits, other)
        frame.enter(bits)
        pairs = [(frame.load(value, offset, I64), frame.load(expected, offset, I64)) for offset in offsets]
        frame.builder.cbranch(frame.all_of([frame.same(a, b) for a, b in pairs]), yes, no)
        frame.enter(other)
    frame.require(frame.same(kind, frame.object("PyTuple_Type")), no)
    size = frame.load(value, at.size, I64)
    frame.require(frame.same(size, frame.load(expected, at.size, I64)), no)
    with frame.loop(size) as k:
        items = [frame.load(frame.word(frame.at(row, at.tuple_items), k)) for row in (value, expected)]
        answer = frame.builder.call(frame.function, items)
        frame.decide(answer, no, error)
    frame.go(yes)
    frame.enter(compare)
    frame.decide(frame.call("PyObject_RichCompareBool", value, expected, i32(cpython.PY_EQ)), no, error)
    frame.go(yes)
    for block, answer in ((yes, YES), (no, NO), (error, ERROR)):
        frame.enter(block)
        frame.builder.ret(answer)


def _check_items(frame: CFunction) -> None:
    """`i32 check_items(PyObject *mapping, PyObject **records, int64_t captured, int64_t count, int64_t *state,
    PyObject **slots)`

    Are a dict's items as expected? A record: key, how it is watched, what is expected. The first `captured` records
    are of CAPTURED items, whose values go to the slots, one reference each.

    The state keeps the dict's version at the last time that the answer was YES and, borrowed, the values captured
    then: while the dict has that version it still holds them, and nothing needs to be looked up. A comparison of keys
    may run code of the user's that modifies the dict, hence the second look at the version.
    """
    mapping, records, captured, count, state, slots = frame.function.args
    offset = cpython.layout().dict_version
    no, error, known = (frame.block(label) for label in ("no", "error", "known"))
    version = None
    if offset is not None:
        version = frame.load(mapping, offset, I64)
        frame.unless(frame.same(version, frame.load(state, 0, I64)), known)
    with frame.loop(count) as k:
        record = frame.at(records, frame.builder.mul(k, i64(24)))
        value = frame.call_support("look_up", mapping, frame.load(record))
        missing = frame.block("missing")
        found = frame.branch(frame.differs(value, NULL), missing)
        frame.enter(missing)
        frame.require(frame.same(frame.call("PyErr_Occurred"), NULL), error)
        frame.go(found)
        frame.enter(found)
        _check_item(frame, value, record, no, error)
        keep, onwards = frame.block("keep"), frame.block()
        frame.builder.cbranch(frame.builder.icmp_signed("<", k, captured), keep, onwards)
        frame.enter(keep)
        if version is None:
            frame.incref(value)
            frame.store(value, frame.word(slots, k))
        else:
            frame.store(value, frame.word(state, k), 8)
        frame.go(onwards)
        frame.enter(onwards)
    if version is not None and offset is not None:
        frame.require(frame.same(version, frame.load(mapping, offset, I64)), no)
        frame.store(version, state)
        frame.go(known)
        frame.enter(known)
        with frame.loop(captured) as k:
            value = frame.load(frame.word(state, k), 8)
            frame.incref(value)
            frame.store(value, frame.word(slots, k))
    frame.builder.ret(YES)
    for block, answer in ((no, NO), (error, ERROR), *(((known, YES),) if version is None else ())):
        frame.enter(block)
        frame.builder.ret(answer)


def _check_item(frame: CFunction, value: llvm.Value, record: llvm.Value, no: llvm.Block, error: llvm.Block) -> None:
    """Hold a value, or NULL, against its record."""
    how, expected = frame.load(record, 8, I64), frame.load(record, 16)
    fine, absent, present, by_value, identical = (frame.block() for _ in range(5))
    frame.builder.cbranch(frame.same(value, NULL), absent, present)
    frame.enter(absent)
    frame.builder.cbranch(frame.same(how, i64(ABSENT)), fine, no)
    frame.enter(present)
    choice = frame.builder.switch(how, no)
    for case, target in ((IDENTICAL, identical), (SAME_STATIC, by_value), (PRESENT, fine), (CAPTURED, fine)):
        choice.add_case(i64(case), target)
    frame.enter(identical)
    frame.builder.cbranch(frame.same(value, expected), fine, no)
    frame.enter(by_value)
    frame.decide(frame.call_support("same_static", value, expected), no, error)
    frame.go(fine)
    frame.enter(fine)


def _dispatch(frame: CFunction) -> None:
    """`PyObject *dispatch(PyObject *self, PyObject *const *args, size_t nargsf, PyObject *kwnames)`: the vectorcall
    function.

    The instance's table is NULL or a tuple whose first item is a bytes object of packed entries; its other items keep
    those alive. The entries are tried in order, then those that the signature of the call leads to (`signature`). When
    none takes the call, or it has keywords, the handler gets it; also while a trace is open, of which the call may be a
    part.
    """
    self, args, flagged, keywords = frame.function.args
    missed, unset = frame.block("missed"), frame.block("unset")
    frame.require(frame.same(keywords, NULL), missed)
    frame.require(frame.same(frame.load(frame.object(_TRACING_SYMBOL), 0, I64), i64(0)), missed)
    count = frame.builder.and_(flagged, i64((1 << 63) - 1))
    table, chain, indexed = frame.load(self, TABLE), frame.block("chain"), frame.block("indexed")
    frame.builder.cbranch(frame.differs(table, NULL), chain, indexed)
    frame.enter(chain)
    frame.incref(table)
    _try_chain(frame, table, args, count)
    frame.decref(table)
    frame.go(indexed)
    frame.enter(indexed)
    index = frame.load(self, INDEX)
    frame.require(frame.differs(index, NULL), missed)
    found = frame.call_support("try_indexed", index, args, count)
    answered = frame.block("answered")
    frame.builder.cbranch(frame.same(found, MISS_POINTER), missed, answered)
    frame.enter(answered)
    frame.builder.ret(found)
    frame.enter(missed)
    frame.store(frame.builder.add(frame.load(self, MISSES, I64), i64(1)), self, MISSES)
    handler = frame.load(self, HANDLER)
    frame.require(frame.differs(handler, NULL), unset)
    frame.incref(handler)
    result = frame.call_support("call_python", handler, args, flagged, keywords)
    frame.decref(handler)
    frame.builder.ret(result)
    frame.enter(unset)
    text = frame.text("this function was not initialised: it has no miss handler")
    frame.call("PyErr_SetString", frame.object("PyExc_TypeError"), text)
    frame.builder.ret(NULL)


def _call_entry(frame: CFunction) -> None:
    """`PyObject *call(PyObject *self, PyObject *const *args, Py_ssize_t nargs)`; `self` is (packed entry, owners)."""
    self, args, count = frame.function.args
    frame.incref(self)
    _try_chain(frame, self, args, count)
    frame.decref(self)
    miss = frame.object(_MISS_SYMBOL)
    frame.incref(miss)
    frame.builder.ret(miss)


def _try_chain(frame: CFunction, owner: llvm.Value, args: llvm.Value, count: llvm.Value) -> None:
    """Try the packed entries of `owner`, a tuple on which a reference is held.

    Returns the result of the first that takes the call; goes on if none does.
    """
    at = cpython.layout()
    packed = frame.load(owner, at.tuple_items)
    first = frame.at(packed, at.bytes_data)
    last = frame.at(first, frame.load(packed, at.size, I64))
    cursor = frame.variable(first)
    test, attempt, missed, hit, exhausted = (
        frame.block(label) for label in ("test", "attempt", "next", "hit", "exhausted")
    )
    frame.go(test)
    frame.enter(test)
    position = frame.load(cursor)
    frame.builder.cbranch(frame.differs(position, last), attempt, exhausted)
    frame.enter(attempt)
    result = frame.call_pointer(frame.load(position), PTR, args, count)
    frame.builder.cbranch(frame.same(result, MISS_POINTER), missed, hit)
    frame.enter(missed)
    frame.store(frame.at(position, ENTRY_BYTES), cursor)
    frame.go(test)
    frame.enter(hit)
    counter = frame.load(position, 8)
    frame.store(frame.builder.add(frame.load(counter, 0, I64), i64(1)), counter)
    frame.decref(owner)
    frame.builder.ret(result)
    frame.enter(exhausted)


# -- what kernels call, whether their thread holds the GIL or not


def _interrupted(frame: CFunction) -> None:
    """`i32 interrupted()`: has the handler of a signal raised an exception, as that of Ctrl-C does?

    Handlers run on the main thread. It looks at most once a second, for another thread may have the GIL, and
    getting it takes as long as that works.
    """
    signals, no = frame.object(_SIGNALS_SYMBOL), frame.block("no")
    frame.require(frame.same(frame.call("PyThread_get_thread_ident"), frame.load(signals, 0, I64)), no)
    now = frame.call_clock()
    frame.require(frame.differs(now, frame.load(signals, 8, I64)), no)
    frame.store(now, signals, 8)
    state = frame.call("PyGILState_Ensure")
    answer = frame.call("PyErr_CheckSignals")
    frame.call("PyGILState_Release", state)
    frame.builder.ret(answer)
    frame.enter(no)
    frame.builder.ret(i32(0))


def _print(frame: CFunction) -> None:
    """`i32 print(PyObject *printer, const int64_t *words)`: call a Python object with the address of the words.

    Answers 0, or -1 with an exception set.
    """
    printer, words = frame.function.args
    failed = frame.block("failed")
    state = frame.call("PyGILState_Ensure")
    row = frame.cell(8, 8)
    address = frame.call("PyLong_FromUnsignedLongLong", frame.builder.ptrtoint(words, I64))
    frame.require(frame.differs(address, NULL), failed)
    frame.store(address, row)
    result = frame.call_support("call_python", printer, row, i64(1), NULL)
    frame.decref(address)
    frame.require(frame.differs(result, NULL), failed)
    frame.decref(result)
    frame.call("PyGILState_Release", state)
    frame.builder.ret(i32(0))
    frame.enter(failed)
    frame.call("PyGILState_Release", state)
    frame.builder.ret(i32(-1))


def _fail(frame: CFunction) -> None:
    """`void fail(int status)`: set the exception that a status below zero stands for, unless one is set already."""
    (status,) = frame.function.args
    raised, none, memory, interrupt, unknown = (frame.block() for _ in range(5))
    frame.builder.cbranch(frame.same(frame.call("PyErr_Occurred"), NULL), none, raised)
    frame.enter(none)
    choice = frame.builder.switch(status, unknown)
    choice.add_case(i32(OUT_OF_MEMORY), memory)
    choice.add_case(i32(INTERRUPTED), interrupt)
    for block, cls, text in (
        (memory, "PyExc_MemoryError", NO_ROOM),
        (interrupt, "PyExc_KeyboardInterrupt", ""),
        (unknown, "PyExc_RuntimeError", "the compiled kernel returned an unknown status"),
    ):
        frame.enter(block)
        frame.call("PyErr_SetString", frame.object(cls), frame.text(text))
        frame.go(raised)
    frame.enter(raised)
    frame.builder.ret_void()


def _check_method(frame: CFunction) -> None:
    """`i32 check_method(PyObject *owner, PyObject *name, PyObject *function)`: does `owner.name(...)` call it?"""
    owner, name, function = frame.function.args
    no, error = frame.block("no"), frame.block("error")
    entered = frame.call("Py_EnterRecursiveCall", frame.text(" in a compiled function"))
    frame.require(frame.same(entered, i32(0)), error)
    found = frame.cell(8, 8)
    frame.store(NULL, found)
    unbound = frame.call("_PyObject_GetMethod", owner, name, found)
    frame.call("Py_LeaveRecursiveCall")
    value = frame.load(found)
    frame.require(frame.differs(value, NULL), error)
    frame.decref(value)
    frame.require(frame.same(unbound, i32(1)), no)
    frame.require(frame.same(value, function), no)
    frame.builder.ret(YES)
    frame.enter(no)
    frame.builder.ret(NO)
    frame.enter(error)
    known = frame.call("PyErr_ExceptionMatches", frame.object("PyExc_AttributeError"))
    raised = frame.block("raised")
    frame.require(frame.differs(known, i32(0)), raised)
    frame.call("PyErr_Clear")
    frame.builder.ret(NO)
    frame.enter(raised)
    frame.builder.ret(ERROR)


def _guarded(function: str) -> Callable[[CFunction], None]:
    """A C function that may run Python code, with Python's check that calls do not nest too deep for the stack.

    Without it a function that is its own miss handler, say, would never meet the interpreter that checks.
    """

    def emit(frame: CFunction) -> None:
        too_deep = frame.block("too_deep")
        entered = frame.call("Py_EnterRecursiveCall", frame.text(" in a compiled function"))
        frame.require(frame.same(entered, i32(0)), too_deep)
        result = frame.call(function, *frame.function.args)
        frame.call("Py_LeaveRecursiveCall")
        frame.builder.ret(result)
        frame.enter(too_deep)
        frame.builder.ret(NULL)

    return emit


EMITTERS: dict[str, Callable[[CFunction], None]] = {
    "check_arrays": _check_arrays,
    "new_arrays": _new_arrays,
    "release": _release,
    "same_static": _same_static,
    "look_up": _guarded("PyDict_GetItemWithError"),
    "get_attribute": _guarded("PyObject_GetAttr"),
    "check_method": _check_method,
    "call_python": _guarded("PyObject_Vectorcall"),
    "check_items": _check_items,
    **emit_signature.EMITTERS,
    "fail": _fail,
    "interrupted": _interrupted,
    "print": _print,
    "dispatch": _dispatch,
    "call_entry": _call_entry,
}
_ENTRY_POINTS = {
    "dispatch": ("p", "ppnp"),
    "call_entry": ("p", "ppn"),
    "interrupted": ("i", ""),
    "print": ("i", "pp"),
}


@functools.cache
def addresses() -> dict[str, int]:
    """The addresses of the support functions, by their names `gradjit.<name>`.

    Raises LayoutError if this build of Python or NumPy is not laid out as the code needs.
    """
    numpy_abi.layout()
    symbols, code = kept_code() or compiled_code()
    loaded = jit.load_objects([code], {symbol: symbol_address(symbol) for symbol in symbols})
    _kept.append(loaded)
    return loaded.addresses


def kept_code() -> tuple[Sequence[str], jit.ObjectCode] | None:
    """The symbols that the support functions name, and their code, from disk: every import of gradjit needs them."""
    store = disk_cache.current()
    data = store.get(disk_cache.key_of("support")) if store is not None else None
    if data is None:
        return None
    try:
        head, (code,) = parted(data)
        return list(head["symbols"]), code
    except (ValueError, KeyError, TypeError):
        return None


def compiled_code() -> tuple[Sequence[str], jit.ObjectCode]:
    """The same, made now."""
    module = llvm.Module("gradjit.support")
    symbols: set[str] = set()
    for name, emit in EMITTERS.items():
        frame = CFunction(module, f"gradjit.{name}", *(SUPPORT | _ENTRY_POINTS)[name])
        emit(frame)
        frame.finish()
        symbols |= frame.symbols
    code = jit.emit_object(module, pipeline="glue", exports=tuple(f"gradjit.{name}" for name in EMITTERS))
    if (store := disk_cache.current()) is not None:
        store.put(disk_cache.key_of("support"), joined({"symbols": sorted(symbols)}, [code]))
    return sorted(symbols), code


_kept: list[object] = []  # never freed


def symbol_address(symbol: str) -> int:
    """The address behind a symbol of emitted code: of this module, of CPython, of NumPy."""
    if symbol == _MISS_SYMBOL:
        return id(MISS)
    if symbol == _SIGNALS_SYMBOL:
        return ctypes.addressof(_signals)
    if symbol == _TRACING_SYMBOL:
        return ctypes.addressof(tracing)
    if symbol == signature.DATACLASSES:
        return id(signature.dataclasses)
    if symbol == CLOCK[0]:
        return _clock_address()
    if symbol.startswith("gradjit."):
        return addresses()[symbol]
    return cpython.address(symbol) if symbol in cpython.NAMES else numpy_abi.symbol_address(symbol)


_signals = (ctypes.c_uint64 * 2)()  # the main thread; the second in which it last looked for signals


def _this_is_main() -> None:
    """The thread that survives a fork is the main thread of the child."""
    _signals[0] = threading.main_thread().ident or 0


_this_is_main()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_this_is_main)


def _clock_address() -> int:
    library = ctypes.CDLL("ucrtbase" if sys.platform == "win32" else None)
    clock = library["_time64" if sys.platform == "win32" else CLOCK[0]]
    return ctypes.cast(clock, ctypes.c_void_p).value or 0


@functools.cache
def _entry_method() -> ctypes.Structure:
    function = addresses()["gradjit.call_entry"]
    return cpython.method_def("call", function, cpython.METH_FASTCALL, "Run the specialisation, or return MISS.")


def entry_builtin(packed: bytes, owners: object) -> Callable[..., Any]:
    """A builtin that runs the packed entry; it keeps `owners` alive."""
    return cpython.builtin(_entry_method(), (packed, owners))
