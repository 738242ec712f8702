"""The checks of an entry: is this call the one that the kernel was compiled for?

Everything is read from object headers; no check converts or copies. A failing check leaves to the frame's `miss` exit;
code of the user's that a check has to run (a property, `__eq__` of a dict's key) and that raises, to its `fail` exit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradjit.codegen import llvm
from gradjit.codegen.sizes import emitted
from gradjit.ir.sizes import Dim, is_open
from gradjit.runtime import cpython, numpy_abi, support
from gradjit.runtime.c_function import I32, I64, NULL, CFunction, i32, i64
from gradjit.runtime.entry_spec import (
    ABSENT,
    ANY,
    ArraySpec,
    AttributeGuard,
    AttributeRef,
    Capture,
    CellGuard,
    CellRef,
    ComplexSpec,
    DictGuard,
    EntrySpec,
    FieldGuard,
    FloatSpec,
    GlobalGuard,
    Guard,
    ItemRef,
    ListGuard,
    MethodGuard,
    NumpyScalarSpec,
    OpaqueGuard,
    ParameterSpec,
    SameSpec,
    Source,
    StaticSpec,
    ValueSpec,
    guard_objects,
    guard_source,
)

FIRST_FREE_WORD = 2  # of an entry's state; see entry.EntryState

Reader = Guard | int  # who gets a value that is read: the guard that watches it, or the captured value of this index


class Checks:
    """Emits the checks of one entry into `frame`.

    `objects` maps an object of `EntrySpec.objects()` to its address in the code. `slots`, of `slot_count`, holds the
    references that the checks take, to be released when the call ends; `state_words` counts the words of state that
    the entry needs.
    """

    def __init__(
        self,
        frame: CFunction,
        spec: EntrySpec,
        objects: Callable[[object], llvm.Value],
        state: llvm.Value,
        exits: tuple[llvm.Block, llvm.Block],
    ) -> None:
        self.frame = frame
        self.spec = spec
        self.objects = objects
        self.state = state
        self.miss, self.fail = exits
        self.state_words = FIRST_FREE_WORD
        self.slot_count = len(spec.captured) + (len(spec.parameters) if spec.release_gil else 0)
        self.slot_count += sum(isinstance(guard, AttributeGuard) for guard in spec.guards)
        self.slots = frame.slots(self.slot_count) if self.slot_count else NULL
        self._used = 0
        self.dims: dict[Dim, llvm.Value] = {}
        self._kept: dict[int, llvm.Value] = {}  # the slots of captured values
        self.looked_up: llvm.Value | None = None  # it is noted here that a version had changed: foreign code may run

    # -- values

    def values(self, row: llvm.Value, specs: Sequence[ParameterSpec]) -> list[llvm.Value]:
        """Check the objects in a row; returns them."""
        objects = [self.frame.load(row, 8 * k) for k in range(len(specs))]
        for value, spec in zip(objects, specs, strict=True):
            if isinstance(spec, StaticSpec):
                self._same_static(value, spec.value)
            elif isinstance(spec, SameSpec):
                self.frame.require(self.frame.same(value, objects[spec.index]), self.miss)
            elif not isinstance(spec, ArraySpec):
                self.frame.require(self.frame.has_type(value, _scalar_type(spec)), self.miss)
        self.arrays(row, specs)
        return objects

    def arrays(self, row: llvm.Value, specs: Sequence[ParameterSpec]) -> None:
        """Check the arrays in a row of objects."""
        arrays = [(k, spec) for k, spec in enumerate(specs) if isinstance(spec, ArraySpec)]
        if arrays:
            words = [word for k, spec in arrays for word in self._array_record(k, spec)]
            records = self.frame.records("arrays", words)
            answer = self.frame.call_support("check_arrays", row, records, i64(len(arrays)))
            self.frame.require(self.frame.same(answer, support.YES), self.miss)

    def _array_record(self, index: int, spec: ArraySpec) -> list[int | llvm.Value]:
        """See `support._check_arrays`."""
        needed = numpy_abi.ALIGNED | (numpy_abi.C_CONTIGUOUS if spec.strides is None else
                                      numpy_abi.F_CONTIGUOUS if spec.is_open else 0)
        forbidden = 0
        if spec.writable:
            needed |= numpy_abi.WRITEABLE
            forbidden = numpy_abi.WARN_ON_WRITE
        numbers = sum(1 << number for number in numpy_abi.layout().type_nums[spec.dtype.name])
        strides = spec.strides if spec.strides is not None and 0 not in spec.shape and not spec.is_open else ()
        pairs = [(axis, step) for axis, step in enumerate(strides) if spec.shape[axis] > 1]
        return [
            *(index, self.frame.object(f"numpy.descr.{spec.dtype.name}"), needed | forbidden, needed, numbers),
            *(len(spec.shape), len(pairs), *(support.OPEN if is_open(e) else e for e in spec.shape)),
            *(word for pair in pairs for word in pair),
        ]

    def _same_static(self, value: llvm.Value, expected: object) -> None:
        frame = self.frame
        wanted = self.objects(expected)
        compare = frame.block("compare")
        onwards = frame.branch(frame.same(value, wanted), compare)
        frame.enter(compare)
        frame.decide(frame.call_support("same_static", value, wanted), self.miss, self.fail)
        frame.go(onwards)
        frame.enter(onwards)

    def data_pointer(self, value: llvm.Value, spec: ValueSpec) -> llvm.Value:
        """Where a checked value's data lies."""
        if isinstance(spec, ArraySpec):
            return self.frame.load(value, numpy_abi.layout().data)
        if isinstance(spec, NumpyScalarSpec):
            return self.frame.at(value, numpy_abi.layout().scalar_value[spec.dtype.name])
        at = cpython.layout()
        return self.frame.at(value, at.float_value if isinstance(spec, FloatSpec) else at.complex_value)

    def keep(self, values: Sequence[llvm.Value]) -> None:
        """Hold the arguments to the end of the call: without the GIL, other threads may change what holds them."""
        for value in values:
            self.frame.incref(value)
            self.frame.store(value, self.frame.at(self.slots, 8 * self._used))
            self._used += 1

    # -- guards and captured values

    def environment(self) -> llvm.Value:
        """Check the guards and read the captured values; returns the row of those, kept alive to the end of the call.

        The values themselves are not checked yet: reading a later one may run code of the user's.
        """
        watched: list[tuple[Source, Reader]] = []
        by_class: dict[int, list[AttributeGuard]] = {}
        self._fields([guard for guard in self.spec.guards if isinstance(guard, FieldGuard)])
        for guard in self.spec.guards:
            if isinstance(guard, DictGuard):
                self._dict_guard(guard)
            elif isinstance(guard, ListGuard):
                self._list_guard(guard)
            elif isinstance(guard, MethodGuard):
                answer = self.frame.call_support("check_method", *map(self.objects, guard_objects(guard)))
                self.frame.decide(answer, self.miss, self.fail)
            elif isinstance(guard, AttributeGuard) and has_version(guard.owner):
                by_class.setdefault(id(guard.owner), []).append(guard)
            elif isinstance(guard, GlobalGuard | CellGuard | AttributeGuard):
                watched.append((guard_source(guard), guard))
        for guards in by_class.values():
            self._class_guards(guards)
        fixed: dict[int, llvm.Value] = {}
        for index, capture in enumerate(self.spec.captured):
            if isinstance(capture.source, np.ndarray):
                fixed[index] = self.objects(capture.source)
            else:
                watched.append((capture.source, index))
        self._read(watched)
        for guard in self.spec.guards:
            if isinstance(guard, OpaqueGuard):
                self._opaque_guard(guard)
        row = self.frame.cell(8 * max(len(self.spec.captured), 1), 8)
        for index in range(len(self.spec.captured)):
            value = fixed[index] if index in fixed else self.frame.load(self._kept[index])
            self.frame.store(value, row, 8 * index)
        return row

    def _fields(self, guards: list[FieldGuard]) -> None:
        """Look at pointers within objects."""
        frame, at = self.frame, cpython.layout()
        pairs = [(guard, frame.load(self.objects(guard.owner), getattr(at, guard.field))) for guard in guards]
        if pairs:
            frame.require(frame.all_of([
                frame.same(word, NULL if guard.expected is None else self.objects(guard.expected))
                for guard, word in pairs
            ]), self.miss)

    def _class_guards(self, guards: list[AttributeGuard]) -> None:
        """Attributes of a class: as long as it has the version that it had when they were found, they are there."""
        frame, offset = self.frame, cpython.layout().type_version
        assert offset is not None
        state = self.state_words
        self.state_words += 1
        version = frame.load(self.objects(guards[0].owner), offset, I32)
        marked = frame.builder.or_(frame.builder.zext(version, I64), i64(1 << 32))
        other = frame.block("other_version")
        onwards = frame.branch(frame.same(marked, frame.load(self.state, 8 * state, I64)), other)
        frame.enter(other)
        self._note_look_up()
        for guard in guards:
            self._attribute(AttributeRef(guard.owner, guard.name), guard)
        known = frame.builder.select(frame.same(version, i32(0)), i64(0), marked)
        frame.store(known, self.state, 8 * state)
        frame.go(onwards)
        frame.enter(onwards)

    def _note_look_up(self) -> None:
        if self.looked_up is None:
            self.looked_up = self.frame.cell(8, 8)
            self.frame.at_start(i64(0), self.looked_up)
        self.frame.store(i64(1), self.looked_up)

    def arrays_once_more(self, row: llvm.Value, specs: Sequence[ParameterSpec]) -> None:
        """Check the arrays again if code of the user's may have run, which may have reshaped one."""
        if runs_foreign_code(self.spec.guards, self.spec.captured):
            self.arrays(row, specs)
        elif self.looked_up is not None:
            again = self.frame.block("again")
            onwards = self.frame.branch(self.frame.same(self.frame.load(self.looked_up, 0, I64), i64(0)), again)
            self.frame.enter(again)
            self.arrays(row, specs)
            self.frame.go(onwards)
            self.frame.enter(onwards)

    def _slot(self, reader: Reader) -> llvm.Value:
        """A slot for the value that `reader` gets."""
        slot = self.frame.at(self.slots, 8 * self._used)
        self._used += 1
        if isinstance(reader, int):
            self._kept[reader] = slot
        return slot

    def _read(self, watched: list[tuple[Source, Reader]]) -> None:
        """Read each source, and give what it holds to its reader."""
        by_dict: dict[int, list[tuple[ItemRef, Reader]]] = {}
        for source, reader in watched:
            if isinstance(source, ItemRef) and type(source.container) is dict:
                by_dict.setdefault(id(source.container), []).append((source, reader))
            elif isinstance(source, ItemRef):
                self._accept(self._list_item(source), reader)
            elif isinstance(source, CellRef):
                cell = self.objects(source.cell)
                self._accept(self.frame.load(cell, cpython.layout().cell_contents), reader)
            else:
                self._attribute(source, reader)
        for readers in by_dict.values():
            self._dict_items(readers)

    def _accept(self, value: llvm.Value, reader: Reader) -> None:
        """Give a borrowed reference, or NULL, to its reader."""
        frame = self.frame
        if isinstance(reader, int):
            frame.require(frame.differs(value, NULL), self.miss)
            frame.incref(value)
            frame.store(value, self._slot(reader))
            return
        how, expected = _watch(reader)
        if how == support.ABSENT:
            frame.require(frame.same(value, NULL), self.miss)
        elif how == support.IDENTICAL:
            frame.require(frame.same(value, self.objects(expected)), self.miss)
        else:
            frame.require(frame.differs(value, NULL), self.miss)
            if how == support.SAME_STATIC:
                self._same_static(value, expected)

    def _dict_items(self, readers: list[tuple[ItemRef, Reader]]) -> None:
        """One look at a dict for all of its items that matter; see `support._check_items`."""
        captures = [(source.key, reader) for source, reader in readers if isinstance(reader, int)]
        offset = cpython.layout().dict_version
        onwards = None
        if offset is not None and not captures:
            version = self.frame.load(self.objects(readers[0][0].container), offset, I64)
            other = self.frame.block("other_version")
            seen = self.frame.load(self.state, 8 * self.state_words, I64)
            onwards = self.frame.branch(self.frame.same(version, seen), other)
            self.frame.enter(other)
            self._note_look_up()
        guards = [(source.key, _watch(reader)) for source, reader in readers if not isinstance(reader, int)]
        words: list[int | llvm.Value] = []
        for key, _ in captures:
            words += [self.objects(key), support.CAPTURED, 0]
        for key, (how, expected) in guards:
            named = how in (support.IDENTICAL, support.SAME_STATIC)
            words += [self.objects(key), how, self.objects(expected) if named else 0]
        state = self.frame.at(self.state, 8 * self.state_words)
        self.state_words += 1 + len(captures)
        slots = [self._slot(reader) for _, reader in captures] or [NULL]
        mapping = self.objects(readers[0][0].container)
        counts = i64(len(captures)), i64(len(readers))
        records = self.frame.records("items", words)
        answer = self.frame.call_support("check_items", mapping, records, *counts, state, slots[0])
        self.frame.decide(answer, self.miss, self.fail)
        if onwards is not None:
            self.frame.go(onwards)
            self.frame.enter(onwards)

    def _list_item(self, source: ItemRef) -> llvm.Value:
        frame, at = self.frame, cpython.layout()
        sequence = self.objects(source.container)
        size = frame.load(sequence, at.size, I64)
        frame.require(frame.builder.icmp_signed(">", size, i64(source.key)), self.miss)
        return frame.load(frame.load(sequence, at.list_items), 8 * source.key)

    def _attribute(self, source: AttributeRef, reader: Reader) -> None:
        frame = self.frame
        value = frame.call_support("get_attribute", self.objects(source.owner), self.objects(source.name))
        failed = frame.block("no_attribute")
        onwards = frame.branch(frame.differs(value, NULL), failed)
        frame.enter(failed)
        known = frame.call("PyErr_ExceptionMatches", frame.object("PyExc_AttributeError"))
        frame.require(frame.differs(known, i32(0)), self.fail)
        frame.call("PyErr_Clear")
        frame.go(self.miss)
        frame.enter(onwards)
        frame.store(value, self._slot(reader))
        if not isinstance(reader, int):
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

    def _opaque_guard(self, guard: OpaqueGuard) -> None:
        """Ask a Python callable."""
        frame = self.frame
        answer = frame.call_support("call_python", self.objects(guard.holds), NULL, i64(0), NULL)
        frame.require(frame.differs(answer, NULL), self.fail)
        frame.decref(answer)  # a bool, which others hold, too
        frame.require(frame.same(answer, frame.object("_Py_TrueStruct")), self.miss)

    # -- open extents

    def sizes(self, arrays: Sequence[tuple[llvm.Value, ArraySpec]]) -> None:
        """Read the open extents from checked arrays, and see that all of them agree and meet the conditions."""
        frame, at = self.frame, numpy_abi.layout()
        found: list[tuple[int, llvm.Value]] = []
        for array, spec in arrays:
            if spec.is_open:
                shape = frame.load(array, at.shape)
                found += [(e, frame.load(shape, 8 * axis, I64)) for axis, e in enumerate(spec.shape) if is_open(e)]
        others: list[tuple[int, llvm.Value]] = []
        for e, value in found:
            d, k, c = e.alone or (None, 1, 0)  # type: ignore[attr-defined]
            if d is not None and d not in self.dims:
                less = frame.builder.sub(value, i64(c)) if c else value
                self.dims[d] = frame.builder.sdiv(less, i64(k)) if k != 1 else less
                if (k, c) == (1, 0):
                    continue
            others.append((e, value))
        tests = [frame.same(self.number(e), value) for e, value in others]
        tests += [frame.builder.icmp_signed(c.op, self.number(c.left), self.number(c.right))
                  for c in self.spec.conditions]
        if tests:
            frame.require(frame.all_of(tests), self.miss)

    def number(self, n: int) -> llvm.Value:
        """A number, or an open one computed from what this call has."""
        return emitted(self.frame.builder, n, self.dims.__getitem__)

    # -- memory

    def apart(self, arrays: Sequence[tuple[llvm.Value, ArraySpec]]) -> None:
        """Leave to `miss` if an array that must not shares memory with another one."""
        for k, (array, spec) in enumerate(arrays):
            for j, (other, other_spec) in enumerate(arrays):
                if spec.apart and k != j and not (other_spec.apart and j < k):
                    self._disjoint(array, spec, other, other_spec)

    def _disjoint(self, left: llvm.Value, left_spec: ArraySpec, right: llvm.Value, right_spec: ArraySpec) -> None:
        frame, at = self.frame, numpy_abi.layout()
        ranges = (left_spec.byte_range(), right_spec.byte_range())
        if any(start == stop for start, stop in ranges):
            return
        data = [frame.builder.ptrtoint(frame.load(array, at.data), I64) for array in (left, right)]
        (low, high), (other_low, other_high) = (
            [frame.builder.add(base, self.number(offset)) for offset in pair]
            for base, pair in zip(data, ranges, strict=True)
        )
        before = frame.builder.icmp_unsigned("<=", high, other_low)
        after = frame.builder.icmp_unsigned("<=", other_high, low)
        frame.require(frame.builder.or_(before, after), self.miss)


def has_version(owner: object) -> bool:
    """Whether it is a class whose version tells when an attribute of it, or of one it inherits from, changes."""
    return type(owner) is type and cpython.layout().type_version is not None


def _watch(guard: Any) -> tuple[int, object]:
    """How a guard watches its value (a constant of `support`), and what it expects."""
    if guard.expected is ABSENT:
        return support.ABSENT, None
    if guard.expected is ANY:
        return support.PRESENT, None
    return (support.SAME_STATIC if guard.by_value else support.IDENTICAL), guard.expected


def _scalar_type(spec: ValueSpec) -> str:
    if isinstance(spec, NumpyScalarSpec):
        return f"numpy.type.{spec.dtype.name}"
    return "PyComplex_Type" if isinstance(spec, ComplexSpec) else "PyFloat_Type"


def runs_foreign_code(guards: tuple[Guard, ...], captured: tuple[Capture, ...]) -> bool:
    """Whether checking guards and reading captured values may run Python code (`__eq__` of keys, properties), even
    where the dicts and classes that are watched have not changed."""
    if any(isinstance(guard, OpaqueGuard | MethodGuard) for guard in guards):
        return True
    if any(isinstance(guard, AttributeGuard) and not has_version(guard.owner) for guard in guards):
        return True
    captured_dicts = {id(c.source.container) for c in captured if isinstance(c.source, ItemRef)}
    versions = cpython.layout().dict_version is not None
    sources: list[Any] = [guard_source(g) for g in guards if isinstance(g, GlobalGuard)
                          and not (versions and id(g.namespace) not in captured_dicts)]
    sources += [capture.source for capture in captured if not isinstance(capture.source, np.ndarray)]
    return any(isinstance(s, AttributeRef) or (isinstance(s, ItemRef) and type(s.container) is dict) for s in sources)
