"""The way back of an entry: fresh arrays for the kernel to fill, and the Python objects that the caller gets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from gradjit.codegen import llvm
from gradjit.ir.sizes import is_open
from gradjit.runtime import cpython, numpy_abi, support
from gradjit.runtime.c_function import F64, I8, I32, I64, NULL, CFunction, i32, i64
from gradjit.runtime.entry_spec import (
    Argument,
    Build,
    CapturedResult,
    Constant,
    EntrySpec,
    OutputSpec,
    result_nodes,
    result_parts,
)


class Results:
    """Emits the outputs and the result of one entry into `frame`.

    References that the call owns stand in `slots`, of `slot_count`: first the output arrays, then what is made of the
    outputs. The `fail` exit releases them; success moves them into the result.
    """

    def __init__(self, frame: CFunction, spec: EntrySpec, objects: Callable[[object], llvm.Value], fail: llvm.Block
                 ) -> None:
        self.frame = frame
        self.spec = spec
        self.objects = objects
        self.fail = fail
        nodes = list(result_nodes(spec.result))
        self._uses = [sum(type(node) is int and node == k for node in nodes) for k in range(len(spec.outputs))]
        self._arrays = [k for k, output in enumerate(spec.outputs) if output.is_array and k not in spec.scratch]
        self.slot_count = 2 * len(spec.outputs) + len(nodes)
        self.slots = frame.slots(self.slot_count)
        self._used = len(self._arrays)

    def allocate(self, number: Callable[[int], llvm.Value]) -> list[llvm.Value]:
        """Make the output arrays; returns where the kernel writes each output. (Scratch outputs have their place
        elsewhere.) `number` gives the value of an open extent."""
        frame, outputs = self.frame, self.spec.outputs
        if self._arrays:
            words: list[int | llvm.Value] = []
            for k in self._arrays:
                words += [
                    frame.object(f"numpy.descr.{outputs[k].dtype.name}"),
                    len(outputs[k].shape),
                    *(number(e) if is_open(e) else e for e in outputs[k].shape),
                ]
            is_fixed = not any(is_open(e) for k in self._arrays for e in outputs[k].shape)
            records = frame.records("outputs", words) if is_fixed else self._row(words)
            answer = frame.call_support("new_arrays", self.slots, records, i64(len(self._arrays)))
            frame.require(frame.same(answer, support.YES), self.fail)
        self._leaves = {k: frame.at(self.slots, 8 * place) for place, k in enumerate(self._arrays)}
        self._cells = [self._cell(k, output) for k, output in enumerate(outputs)]
        return list(self._cells)

    def _row(self, words: Sequence[int | llvm.Value]) -> llvm.Value:
        """Words on the stack."""
        row = self.frame.cell(8 * len(words), 8)
        for k, word in enumerate(words):
            self.frame.store(i64(word) if isinstance(word, int) else word, row, 8 * k)
        return row

    def _cell(self, k: int, output: OutputSpec) -> llvm.Value:
        if k in self._leaves:
            return self.frame.load(self.frame.load(self._leaves[k]), numpy_abi.layout().data)
        return NULL if output.is_array else self.frame.cell(output.dtype.itemsize, 16)

    def array(self, output: int) -> llvm.Value:
        """The array of an output, borrowed."""
        return self.frame.load(self._leaves[output])

    def build(self, arguments: Sequence[llvm.Value], captured: Sequence[llvm.Value]) -> llvm.Value:
        """The result object, a new reference; called once, after the kernel has written the outputs."""
        self._borrowed = {Argument: arguments, CapturedResult: captured}
        for k, output in enumerate(self.spec.outputs):
            if not output.is_array and self._uses[k]:
                make = self._python_scalar if output.form == "python" else self._numpy_scalar
                self._leaves[k] = self._own(make(self._cells[k], output))
        unused = [self._leaves[k] for k in self._arrays if not self._uses[k]]
        result = self.frame.take(self._node(self.spec.result))
        for slot in unused:
            self.frame.decref(self.frame.take(slot))
        return result

    def _own(self, value: llvm.Value) -> llvm.Value:
        """Put a new reference into a slot; NULL leaves to `fail`."""
        self.frame.require(self.frame.differs(value, NULL), self.fail)
        slot = self.frame.at(self.slots, 8 * self._used)
        self._used += 1
        self.frame.store(value, slot)
        return slot

    def _share(self, value: llvm.Value) -> llvm.Value:
        """Put one more reference to a borrowed object into a slot."""
        self.frame.incref(value)
        return self._own(value)

    # -- leaves

    def _numpy_scalar(self, cell: llvm.Value, output: OutputSpec) -> llvm.Value:
        frame, dtype = self.frame, output.dtype
        if dtype.kind == "b":  # NumPy has one True and one False
            truth = frame.differs(frame.load(cell, 0, I8), llvm.Constant(I8, 0))
            value = frame.builder.select(truth, frame.object("numpy.true"), frame.object("numpy.false"))
            frame.incref(value)
            return value
        scalar = frame.call_alloc(dtype.name)
        frame.require(frame.differs(scalar, NULL), self.fail)
        size = min(dtype.itemsize, 8)
        for offset in range(0, dtype.itemsize, size):
            bits = frame.load(cell, offset, llvm.IntType(8 * size))
            frame.store(bits, scalar, numpy_abi.layout().scalar_value[dtype.name] + offset)
        return scalar

    def _python_scalar(self, cell: llvm.Value, output: OutputSpec) -> llvm.Value:
        frame, kind, size = self.frame, output.dtype.kind, output.dtype.itemsize
        if kind == "c":
            parts = [self._as_double(cell, offset, size // 2) for offset in (0, size // 2)]
            return frame.call("PyComplex_FromDoubles", *parts)
        if kind == "f" and size == 2:  # the conversion would need a library function where the processor has none
            half = self._own(self._numpy_scalar(cell, output))
            value = frame.call("PyNumber_Float", frame.load(half))
            frame.decref(frame.take(half))
            return value
        if kind == "f":
            return frame.call("PyFloat_FromDouble", self._as_double(cell, 0, size))
        bits = frame.load(cell, 0, llvm.IntType(8 * size))
        if kind == "b":
            width = I64 if cpython.SIGNATURES["PyBool_FromLong"][1] == "n" else I32
            return frame.call("PyBool_FromLong", frame.builder.zext(frame.differs(bits, llvm.Constant(I8, 0)), width))
        if kind == "u":
            return frame.call("PyLong_FromUnsignedLongLong", frame.builder.zext(bits, I64) if size < 8 else bits)
        return frame.call("PyLong_FromLongLong", frame.builder.sext(bits, I64) if size < 8 else bits)

    def _as_double(self, cell: llvm.Value, offset: int, size: int) -> llvm.Value:
        value = self.frame.load(cell, offset, {4: llvm.FloatType(), 8: F64}[size])
        return value if size == 8 else self.frame.builder.fpext(value, F64)

    # -- containers: the parts first, so that no container is ever seen half filled

    def _node(self, node: Any) -> llvm.Value:
        """A slot that owns the object for a result node."""
        if type(node) is int:
            return self._leaf(node)
        if node is None:
            return self._share(self.frame.object("_Py_NoneStruct"))
        if isinstance(node, Constant):
            return self._share(self.objects(node.value))
        if isinstance(node, Argument | CapturedResult):
            return self._share(self._borrowed[type(node)][node.index])
        parts = [self._node(part) for part in result_parts(node)]
        return _CONTAINERS[type(node)](self, node, parts)

    def _leaf(self, index: int) -> llvm.Value:
        self._uses[index] -= 1
        if self._uses[index]:
            return self._share(self.frame.load(self._leaves[index]))
        return self._leaves[index]

    def _tuple(self, node: Any, parts: list[llvm.Value]) -> llvm.Value:
        slot = self._own(self.frame.call("PyTuple_New", i64(len(parts))))
        self._fill(self.frame.at(self.frame.load(slot), cpython.layout().tuple_items), parts)
        return slot

    def _list(self, node: Any, parts: list[llvm.Value]) -> llvm.Value:
        slot = self._own(self.frame.call("PyList_New", i64(len(parts))))
        if parts:
            self._fill(self.frame.load(self.frame.load(slot), cpython.layout().list_items), parts)
        return slot

    def _fill(self, items: llvm.Value, parts: list[llvm.Value]) -> None:
        for k, part in enumerate(parts):
            self.frame.store(self.frame.take(part), items, 8 * k)

    def _dict(self, node: Any, parts: list[llvm.Value]) -> llvm.Value:
        frame = self.frame
        slot = self._own(frame.call("PyDict_New"))
        for key, part in zip(node, parts, strict=True):
            status = frame.call("PyDict_SetItem", frame.load(slot), self.objects(key), frame.load(part))
            frame.require(frame.same(status, i32(0)), self.fail)
            frame.decref(frame.take(part))
        return slot

    def _built(self, node: Any, parts: list[llvm.Value]) -> llvm.Value:
        frame = self.frame
        row = frame.cell(8 * max(len(parts), 1), 8)
        for k, part in enumerate(parts):
            frame.store(frame.load(part), row, 8 * k)
        made = frame.call_support("call_python", self.objects(node.factory), row, i64(len(parts)), NULL)
        slot = self._own(made)
        for part in parts:
            frame.decref(frame.take(part))
        return slot


_CONTAINERS: dict[type, Callable[[Results, Any, list[llvm.Value]], llvm.Value]] = {
    tuple: Results._tuple,
    list: Results._list,
    dict: Results._dict,
    Build: Results._built,
}
