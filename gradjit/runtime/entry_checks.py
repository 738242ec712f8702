"""The checks of an entry: is this call the one that the kernel was compiled for?

Everything is read from object headers; no check converts, copies or raises. A failing check leaves to the frame's
`miss` exit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir

from gradjit.runtime import cpython, numpy_abi
from gradjit.runtime.frame import I8, I32, I64, NULL, Frame, i32, i64
from gradjit.runtime.spec import (
    ABSENT,
    ANY,
    ArraySpec,
    AttributeRef,
    Capture,
    CellRef,
    ComplexSpec,
    DictGuard,
    EntrySpec,
    FloatSpec,
    Guard,
    ItemRef,
    ListGuard,
    NumpyScalarSpec,
    Source,
    StaticSpec,
    ValueSpec,
    guard_source,
)

FIRST_FREE_WORD = 2  # of an entry's state; see entry.State


class Checks:
    """Emits the checks of one entry into `frame`.

    `objects` maps an object of `EntrySpec.objects()` to its address in the code. `slots` collects the references that
    the checks take (captured values read at this call), to be released when the call ends; `state_words` counts the
    words of state that the entry needs. `miss` and `fail` are the exits.
    """

    def __init__(
        self,
        frame: Frame,
        objects: Callable[[object], ir.Value],
        state: ir.Value,
        miss: ir.Block,
        fail: ir.Block,
    ) -> None:
        self.frame = frame
        self.objects = objects
        self.state = state
        self.miss = miss
        self.fail = fail
        self.slots: list[ir.Value] = []
        self.state_words = FIRST_FREE_WORD

    # -- arguments

    def argument(self, obj: ir.Value, spec: ValueSpec | StaticSpec) -> None:
        """Leave to `miss` unless `obj` meets `spec`."""
        if isinstance(spec, StaticSpec):
            self.static(obj, spec.value)
        elif isinstance(spec, ArraySpec):
            self.frame.require(self.frame.has_type(obj, "PyArray_Type"), self.miss)
            self.array_header(obj, spec)
        else:
            self.frame.require(self.frame.has_type(obj, _scalar_type(spec)), self.miss)

    def array_header(self, array: ir.Value, spec: ArraySpec) -> None:
        """Leave to `miss` unless the ndarray's dtype, rank, flags, extents and strides are those of `spec`."""
        frame, at = self.frame, numpy_abi.layout()
        needed, forbidden = numpy_abi.ALIGNED, 0
        if spec.strides is None:
            needed |= numpy_abi.C_CONTIGUOUS
        if spec.writable:
            needed |= numpy_abi.WRITEABLE
            forbidden = numpy_abi.WARN_ON_WRITE
        flags = frame.builder.and_(frame.load(array, at.flags, I32), i32(needed | forbidden))
        rank = frame.load(array, at.ndim, I32)
        frame.require(frame.all_of([frame.same(flags, i32(needed)), frame.same(rank, i32(len(spec.shape)))]), self.miss)
        self._dtype(frame.load(array, at.descr), spec.dtype)
        if spec.shape:
            self._words(frame.load(array, at.shape), dict(enumerate(spec.shape)))
        if spec.strides is not None and 0 not in spec.shape:
            used = {axis: step for axis, step in enumerate(spec.strides) if spec.shape[axis] > 1}
            self._words(frame.load(array, at.strides), used)

    def _words(self, base: ir.Value, expected: dict[int, int]) -> None:
        frame = self.frame
        if expected:
            pairs = [(frame.load(base, 8 * k, I64), i64(value)) for k, value in expected.items()]
            frame.require(frame.all_of([frame.same(a, b) for a, b in pairs]), self.miss)

    def _dtype(self, descr: ir.Value, dtype: np.dtype[Any]) -> None:
        """Nearly always NumPy's own dtype object; else (unpickled arrays, `long long`, metadata) an equal one."""
        frame, at = self.frame, numpy_abi.layout()
        other = frame.block("other_dtype")
        onwards = frame.branch(frame.same(descr, frame.object(f"numpy.descr.{dtype.name}")), other)
        frame.enter(other)
        order = frame.load(descr, at.descr_byteorder, I8)
        equal, none = (frame.same(order, ir.Constant(I8, ord(mark))) for mark in "=|")
        frame.require(frame.builder.or_(equal, none), self.miss)
        choice = frame.builder.switch(frame.load(descr, at.descr_type_num, I32), self.miss)
        for number in at.type_nums[dtype.name]:
            choice.add_case(i32(number), onwards)
        frame.enter(onwards)

    def static(self, obj: ir.Value, value: object) -> None:
        """Leave to `miss` unless `obj` is the static `value`, by the rule of `spec.static_key`."""
        frame = self.frame
        expected = self.objects(value)
        rule = _STATIC_RULES.get(np.dtype if isinstance(value, np.dtype) else type(value))
        if rule is None:
            frame.require(frame.same(obj, expected), self.miss)
            return
        compare = frame.block("compare")
        onwards = frame.branch(frame.same(obj, expected), compare)
        frame.enter(compare)
        kind = cpython.layout().type
        frame.require(frame.same(frame.load(obj, kind), frame.load(expected, kind)), self.miss)
        rule(self, obj, expected, value)
        frame.go(onwards)
        frame.enter(onwards)

    def _equal(self, obj: ir.Value, expected: ir.Value, value: object) -> None:
        frame = self.frame
        answer = frame.call("PyObject_RichCompareBool", obj, expected, i32(cpython.PY_EQ))
        frame.require(frame.builder.icmp_signed(">=", answer, i32(0)), self.fail)
        frame.require(frame.differs(answer, i32(0)), self.miss)

    def _same_bits(self, obj: ir.Value, expected: ir.Value, value: object) -> None:
        frame, at = self.frame, cpython.layout()
        offsets = [at.float_value] if type(value) is float else [at.complex_value, at.complex_value + 8]
        pairs = [(frame.load(obj, offset, I64), frame.load(expected, offset, I64)) for offset in offsets]
        frame.require(frame.all_of([frame.same(a, b) for a, b in pairs]), self.miss)

    def _same_items(self, obj: ir.Value, expected: ir.Value, value: Any) -> None:
        frame, at = self.frame, cpython.layout()
        frame.require(frame.same(frame.load(obj, at.size, I64), i64(len(value))), self.miss)
        for k, item in enumerate(value):
            self.static(frame.load(obj, at.tuple_items + 8 * k), item)

    # -- guards and captured values

    def environment(self, spec: EntrySpec) -> list[ir.Value]:
        """Check the guards and read the captured values; returns those, kept alive to the end of the call.

        The values themselves are not checked yet: reading a later one may run code of the user's.
        """
        watched: list[tuple[Source, object]] = []
        for guard in spec.guards:
            if isinstance(guard, DictGuard):
                self._dict_guard(guard)
            elif isinstance(guard, ListGuard):
                self._list_guard(guard)
            else:
                watched.append((guard_source(guard), guard))
        slots: dict[int, ir.Value] = {}
        for index, capture in enumerate(spec.captured):
            if not isinstance(capture.source, np.ndarray):
                slots[index] = self.frame.slot()
                watched.append((capture.source, slots[index]))
        self.slots.extend(slots.values())
        self._read(watched)
        return [
            self.frame.load(slots[index]) if index in slots else self.objects(capture.source)
            for index, capture in enumerate(spec.captured)
        ]

    def _read(self, watched: list[tuple[Source, Any]]) -> None:
        """Read each source, and check it against its guard or move it to its slot."""
        by_dict: dict[int, list[tuple[ItemRef, Any]]] = {}
        for source, reader in watched:
            if isinstance(source, ItemRef) and type(source.container) is dict:
                by_dict.setdefault(id(source.container), []).append((source, reader))
            elif isinstance(source, ItemRef):
                self._accept(self._list_item(source), reader)
            elif isinstance(source, CellRef):
                self._accept(self.frame.load(self.objects(source.cell), cpython.layout().cell_contents), reader)
            else:
                self._attribute(source, reader)
        for readers in by_dict.values():
            version = cpython.layout().dict_version
            if version is None:
                self._dict_items(readers)
            else:
                self._dict_items_by_version(readers, version)

    def _accept(self, value: ir.Value, reader: Any) -> None:
        """Give a borrowed reference, or NULL, to its reader: keep it in a slot, or hold it against a guard."""
        frame = self.frame
        if isinstance(reader, ir.Value):
            frame.require(frame.differs(value, NULL), self.miss)
            frame.incref(value)
            frame.store(value, reader)
        elif reader.expected is ABSENT:
            frame.require(frame.same(value, NULL), self.miss)
        elif reader.expected is ANY:
            frame.require(frame.differs(value, NULL), self.miss)
        elif reader.by_value:
            frame.require(frame.differs(value, NULL), self.miss)
            self.static(value, reader.expected)
        else:
            frame.require(frame.same(value, self.objects(reader.expected)), self.miss)

    def _lookup(self, source: ItemRef) -> ir.Value:
        """The item of a dict, borrowed, or NULL. A failing comparison of keys is the caller's error."""
        frame = self.frame
        value = frame.call("PyDict_GetItemWithError", self.objects(source.container), self.objects(source.key))
        missing = frame.block("missing")
        onwards = frame.branch(frame.differs(value, NULL), missing)
        frame.enter(missing)
        frame.require(frame.same(frame.call("PyErr_Occurred"), NULL), self.fail)
        frame.go(onwards)
        frame.enter(onwards)
        return value

    def _dict_items(self, readers: list[tuple[ItemRef, Any]]) -> None:
        for source, reader in readers:
            self._accept(self._lookup(source), reader)

    def _dict_items_by_version(self, readers: list[tuple[ItemRef, Any]], offset: int) -> None:
        """Look items up only when the dict was modified since the last time that all of them were as expected.

        The state keeps the dict's version and, borrowed, the captured values found then: a dict that has the same
        version still holds them. Key comparisons may run user code that modifies the dict, hence the second look at
        the version.
        """
        frame = self.frame
        mapping = self.objects(readers[0][0].container)
        remembered = self._state_word()
        found = [(self._state_word(), slot) for _, slot in readers if isinstance(slot, ir.Value)]
        changed = frame.block("changed")
        version = frame.load(mapping, offset, I64)
        onwards = frame.branch(frame.same(version, frame.load(self.state, remembered, I64)), changed)
        frame.enter(changed)
        words = iter(found)
        for source, reader in readers:
            value = self._lookup(source)
            if isinstance(reader, ir.Value):
                frame.require(frame.differs(value, NULL), self.miss)
                frame.store(value, self.state, next(words)[0])
            else:
                self._accept(value, reader)
        frame.require(frame.same(version, frame.load(mapping, offset, I64)), self.miss)
        frame.store(version, self.state, remembered)
        frame.go(onwards)
        frame.enter(onwards)
        for word, slot in found:
            self._accept(frame.load(self.state, word), slot)

    def _state_word(self) -> int:
        self.state_words += 1
        return 8 * (self.state_words - 1)

    def _list_item(self, source: ItemRef) -> ir.Value:
        frame, at = self.frame, cpython.layout()
        sequence = self.objects(source.container)
        size = frame.load(sequence, at.size, I64)
        frame.require(frame.builder.icmp_signed(">", size, i64(source.key)), self.miss)
        return frame.load(frame.load(sequence, at.list_items), 8 * source.key)

    def _attribute(self, source: AttributeRef, reader: Any) -> None:
        frame = self.frame
        value = frame.call("PyObject_GetAttr", self.objects(source.owner), self.objects(source.name))
        failed = frame.block("no_attribute")
        onwards = frame.branch(frame.differs(value, NULL), failed)
        frame.enter(failed)
        known = frame.call("PyErr_ExceptionMatches", frame.object("PyExc_AttributeError"))
        frame.require(frame.differs(known, i32(0)), self.fail)
        frame.call("PyErr_Clear")
        frame.go(self.miss)
        frame.enter(onwards)
        slot = frame.slot()  # owned from here on, released at the end of the call
        self.slots.append(slot)
        frame.store(value, slot)
        self._accept(value, reader)

    def _list_guard(self, guard: ListGuard) -> None:
        frame, at = self.frame, cpython.layout()
        sequence = self.objects(guard.sequence)
        frame.require(frame.same(frame.load(sequence, at.size, I64), i64(len(guard.items))), self.miss)
        expected = {k: item for k, item in enumerate(guard.items) if item is not ANY}
        if expected:
            items = frame.load(sequence, at.list_items)
            pairs = [(frame.load(items, 8 * k), self.objects(item)) for k, item in expected.items()]
            frame.require(frame.all_of([frame.same(a, b) for a, b in pairs]), self.miss)

    def _dict_guard(self, guard: DictGuard) -> None:
        """Walk the dict once: its items in order, and then no more."""
        frame = self.frame
        mapping = self.objects(guard.mapping)
        position, key, value = (frame.cell(8, 8) for _ in range(3))
        frame.store(i64(0), position)
        for expected_key, expected in guard.items:
            more = frame.call("PyDict_Next", mapping, position, key, value)
            frame.require(frame.differs(more, i32(0)), self.miss)
            frame.require(frame.same(frame.load(key), self.objects(expected_key)), self.miss)
            if expected is not ANY:
                frame.require(frame.same(frame.load(value), self.objects(expected)), self.miss)
        more = frame.call("PyDict_Next", mapping, position, key, value)
        frame.require(frame.same(more, i32(0)), self.miss)

    # -- memory

    def apart(self, arrays: list[tuple[ir.Value, ArraySpec]]) -> None:
        """Leave to `miss` if an array that will be written to shares memory with another one."""
        for k, (array, spec) in enumerate(arrays):
            for j, (other, other_spec) in enumerate(arrays):
                if spec.writable and k != j and not (other_spec.writable and j < k):
                    self._disjoint(array, spec, other, other_spec)

    def _disjoint(self, left: ir.Value, left_spec: ArraySpec, right: ir.Value, right_spec: ArraySpec) -> None:
        frame, at = self.frame, numpy_abi.layout()
        ranges = (left_spec.byte_range(), right_spec.byte_range())
        if any(start == stop for start, stop in ranges):
            return
        data = [frame.builder.ptrtoint(frame.load(array, at.data), I64) for array in (left, right)]
        (low, high), (other_low, other_high) = (
            [frame.builder.add(base, i64(offset)) for offset in pair] for base, pair in zip(data, ranges, strict=True)
        )
        before = frame.builder.icmp_unsigned("<=", high, other_low)
        after = frame.builder.icmp_unsigned("<=", other_high, low)
        frame.require(frame.builder.or_(before, after), self.miss)

    def data_pointer(self, obj: ir.Value, spec: ValueSpec) -> ir.Value:
        """Where a checked value's data lies."""
        if isinstance(spec, ArraySpec):
            return self.frame.load(obj, numpy_abi.layout().data)
        if isinstance(spec, NumpyScalarSpec):
            return self.frame.at(obj, numpy_abi.layout().scalar_value[spec.dtype.name])
        at = cpython.layout()
        return self.frame.at(obj, at.float_value if isinstance(spec, FloatSpec) else at.complex_value)


_STATIC_RULES: dict[type, Callable[[Checks, ir.Value, ir.Value, Any], None]] = {
    int: Checks._equal,
    str: Checks._equal,
    bytes: Checks._equal,
    np.dtype: Checks._equal,
    float: Checks._same_bits,
    complex: Checks._same_bits,
    tuple: Checks._same_items,
}


def _scalar_type(spec: ValueSpec) -> str:
    if isinstance(spec, NumpyScalarSpec):
        return f"numpy.type.{spec.dtype.name}"
    return "PyComplex_Type" if isinstance(spec, ComplexSpec) else "PyFloat_Type"


def runs_foreign_code(guards: tuple[Guard, ...], captured: tuple[Capture, ...]) -> bool:
    """Whether checking guards and reading captured values may run Python code (`__eq__` of keys, properties)."""
    sources = [guard_source(guard) for guard in guards if not isinstance(guard, DictGuard | ListGuard)]
    sources += [capture.source for capture in captured if not isinstance(capture.source, np.ndarray)]
    return any(isinstance(s, AttributeRef) or (isinstance(s, ItemRef) and type(s.container) is dict) for s in sources)
