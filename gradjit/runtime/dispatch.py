"""The process-wide machine code between Python and the entries: the vectorcall of `FastCallable`, and `Entry.call`.

It is compiled once, at first use, and never freed, so that an entry may be dropped while it runs (by itself, by another
thread): the code that an entry returns to still exists, and holds a reference to the entry until it has returned.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from gradjit.runtime import cpython


class _Miss:
    def __repr__(self) -> str:
        return "MISS"


MISS = _Miss()
"""What `Entry.call` returns for arguments that its specialisation was not compiled for."""

ENTRY_BYTES = 16  # a packed entry: address of the function, address of its counter of hits


@functools.cache
def dispatcher(table: int, miss: int, misses: int) -> int:
    """The vectorcall function for objects with these offsets of the table, the miss handler, and the counter of misses.

    The table is NULL or a tuple whose first item is a bytes object of packed entries; its other items keep those
    alive. The entries are tried in order. When none takes the call, or it has keywords, the miss handler is called
    with the same arguments.
    """
    return _load(_emit_dispatch, "gradjit.dispatch", table, miss, misses)


@functools.cache
def _entry_method() -> Any:
    function = _load(_emit_entry_call, "gradjit.entry_call")
    return cpython.method_def("call", function, cpython.METH_FASTCALL, "Run the specialisation, or return MISS.")


def entry_builtin(packed: bytes, owners: object) -> Callable[..., Any]:
    """A builtin that runs the packed entry; it keeps `owners` alive."""
    return cpython.builtin(_entry_method(), (packed, owners))


_kept: list[object] = []  # never freed


def _load(emit: Callable[..., Any], name: str, *arguments: int) -> int:
    from llvmlite import ir

    from gradjit.runtime import jit

    module = ir.Module(name)
    frame = emit(module, name, *arguments)
    symbols = {symbol: id(MISS) if symbol == _MISS else cpython.address(symbol) for symbol in frame.symbols}
    code = jit.compile_module(module, symbols, exports=(name,))
    _kept.append(code)
    return code.addresses[name]


_MISS = "gradjit.miss"


def _emit_dispatch(module: Any, name: str, table: int, miss: int, misses: int) -> Any:
    """`PyObject *dispatch(PyObject *self, PyObject *const *args, size_t nargsf, PyObject *kwnames)`"""
    from gradjit.runtime.frame import I64, NULL, PTR, Frame, i64

    frame = Frame(module, name, PTR, [PTR, PTR, I64, PTR])
    self, args, flagged, keywords = frame.function.args
    missed = frame.block("missed")
    frame.require(frame.same(keywords, NULL), missed)
    entries = frame.load(self, table)
    frame.require(frame.differs(entries, NULL), missed)
    count = frame.builder.and_(flagged, i64((1 << 63) - 1))
    frame.incref(entries)
    _emit_chain(frame, entries, args, count)
    frame.decref(entries)
    frame.go(missed)
    frame.enter(missed)
    frame.store(frame.builder.add(frame.load(self, misses, I64), i64(1)), self, misses)
    handler = frame.load(self, miss)
    unset = frame.block("unset")
    frame.require(frame.differs(handler, NULL), unset)
    frame.incref(handler)
    result = frame.call("PyObject_Vectorcall", handler, args, flagged, keywords)
    frame.decref(handler)
    frame.builder.ret(result)
    frame.enter(unset)
    text = frame.text("this function was not initialised: it has no miss handler")
    frame.call("PyErr_SetString", frame.object("PyExc_TypeError"), text)
    frame.builder.ret(NULL)
    frame.finish()
    return frame


def _emit_entry_call(module: Any, name: str) -> Any:
    """`PyObject *call(PyObject *self, PyObject *const *args, Py_ssize_t nargs)`; `self` is (packed entry, owners)"""
    from gradjit.runtime.frame import I64, PTR, Frame

    frame = Frame(module, name, PTR, [PTR, PTR, I64])
    self, args, count = frame.function.args
    frame.incref(self)
    _emit_chain(frame, self, args, count)
    frame.decref(self)
    miss = frame.object(_MISS)
    frame.incref(miss)
    frame.builder.ret(miss)
    frame.finish()
    return frame


def _emit_chain(frame: Any, owner: Any, args: Any, count: Any) -> None:
    """Try the packed entries of `owner`, a tuple on which a reference is held.

    Returns the result of the first that takes the call; goes on if none does.
    """
    from gradjit.runtime.frame import I64, MISS, PTR, i64

    at = cpython.layout()
    builder = frame.builder
    packed = frame.load(owner, at.tuple_items)
    first = frame.at(packed, at.bytes_data)
    last = frame.at(first, frame.load(packed, at.size, I64))
    before = builder.block
    loop, attempt, hit, exhausted = (frame.block(label) for label in ("loop", "attempt", "hit", "exhausted"))
    frame.go(loop)
    frame.enter(loop)
    position = builder.phi(PTR)
    position.add_incoming(first, before)
    builder.cbranch(frame.differs(position, last), attempt, exhausted)
    frame.enter(attempt)
    result = frame.call_pointer(frame.load(position), PTR, args, count)
    position.add_incoming(frame.at(position, ENTRY_BYTES), builder.block)
    builder.cbranch(frame.same(result, MISS), loop, hit)
    frame.enter(hit)
    counter = frame.load(position, 8)
    frame.store(builder.add(frame.load(counter, 0, I64), i64(1)), counter)
    frame.decref(owner)
    builder.ret(result)
    frame.enter(exhausted)
