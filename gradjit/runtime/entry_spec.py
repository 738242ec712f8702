"""What a specialisation's C-level entry accepts, checks, calls and returns: plain data, no machine code.

An `EntrySpec` describes one specialisation completely. `entry.emit_entry` turns it into LLVM IR next to the kernel;
the process-bound objects that it names (dtypes, captured arrays, namespaces) are passed to the code as symbols, in the
order of `EntrySpec.objects()`, so that the same object code can be loaded again by another process.
"""

from __future__ import annotations

import functools
import math
import operator
import struct
import types
from collections.abc import Callable, Iterator
from dataclasses import field
from typing import Any, TypeGuard, get_args

import numpy as np

from gradjit.ir.size_conditions import SizeCondition
from gradjit.ir.sizes import Dim, is_open
from gradjit.records import dataclass
from gradjit.runtime.numpy_abi import DTYPE_META, canonical


class EntryMarker:
    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return self._name


ABSENT = EntryMarker("ABSENT")  # a guard's expectation: no such name, an empty cell
ANY = EntryMarker("ANY")  # a guard's expectation: present, whatever it is


# -- what an argument must be
# --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ArraySpec:
    """An exact `np.ndarray` (no subclass) of native byte order, aligned, with these extents.

    `strides` None asks for C order; otherwise the byte strides must be these, except on axes of extent 1 and in arrays
    without elements, where no stride is ever used. Extents may be open (`ir.sizes`): then the call's are those of the
    array, which is row-major, or column-major if there are strides. `writable` asks for an array that the kernel may
    write to: writeable, and `apart`. `apart` asks for memory that is shared with no other array argument or captured
    array. Raises DtypeError for a dtype that compiled code does not compute with, ValueError for impossible extents or
    strides.
    """

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    strides: tuple[int, ...] | None = None
    writable: bool = False
    apart: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "dtype", canonical(self.dtype))
        object.__setattr__(self, "shape", _extents(self.shape))
        object.__setattr__(self, "apart", self.apart or self.writable)
        if self.strides is None:
            return
        object.__setattr__(self, "strides", tuple(s if is_open(s) else operator.index(s) for s in self.strides))
        if len(self.strides) != len(self.shape):
            raise ValueError(f"{len(self.strides)} strides for rank {len(self.shape)}")
        if self.writable and self.elements_may_overlap():
            raise ValueError("an array whose elements share memory cannot be written to")

    @property
    def is_open(self) -> bool:
        """Whether some extent is whatever the caller's array has; then the array is contiguous."""
        return any(map(is_open, self.shape))

    def elements_may_overlap(self) -> bool:
        """Whether a step along some axis is shorter than what lies within it."""
        if 0 in self.shape or self.is_open:
            return False
        pairs = sorted((abs(step), extent) for step, extent in zip(self.strides or (), self.shape, strict=True))
        within = self.dtype.itemsize
        for step, extent in pairs:
            if extent > 1 and step < within:
                return True
            within += step * (extent - 1)
        return False

    @classmethod
    def of(cls, array: np.ndarray[Any, Any], *, writable: bool = False, apart: bool = False) -> ArraySpec:
        """The spec that `array` itself meets."""
        return cls(array.dtype, array.shape, None if array.flags.c_contiguous else array.strides, writable, apart)

    def byte_range(self) -> tuple[int, int]:
        """The half-open range of bytes, relative to the data pointer, that the array's elements lie in."""
        if 0 in self.shape:
            return 0, 0
        size = self.dtype.itemsize
        if self.strides is None or self.is_open:
            return 0, math.prod(self.shape) * size
        spans = [step * (extent - 1) for step, extent in zip(self.strides, self.shape, strict=True)]
        return sum(min(span, 0) for span in spans), sum(max(span, 0) for span in spans) + size


@dataclass(frozen=True)
class NumpyScalarSpec:
    """A NumPy scalar of exactly this dtype's type (`np.float64`, `np.bool_`, ...)."""

    dtype: np.dtype[Any]

    def __post_init__(self) -> None:
        object.__setattr__(self, "dtype", canonical(self.dtype))


@dataclass(frozen=True)
class FloatSpec:
    """A Python `float`, no subclass: the kernel gets a pointer to its value."""


@dataclass(frozen=True)
class ComplexSpec:
    """A Python `complex`, no subclass: the kernel gets a pointer to its real and imaginary parts."""


@dataclass(frozen=True, eq=False)
class StaticSpec:
    """A Python value that is part of the specialisation; the kernel does not get it. See `same_static`."""

    value: object
    _key: tuple[object, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_key", static_key(self.value))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, StaticSpec) and (self.value is other.value or self._key == other._key)

    def __hash__(self) -> int:
        return hash(self._key)


def _aligned(size: int) -> int:
    return -(-size // 64) * 64


def _extents(shape: tuple[int, ...]) -> tuple[int, ...]:
    given = tuple(e if is_open(e) else operator.index(e) for e in shape)
    if not all(is_open(extent) or 0 <= extent < 1 << 63 for extent in given):
        raise ValueError(f"{given} are no extents")
    return given


@dataclass(frozen=True)
class SameSpec:
    """The very object that is the argument at position `index`, an earlier one; the kernel does not get it again."""

    index: int


ValueSpec = ArraySpec | NumpyScalarSpec | FloatSpec | ComplexSpec
ParameterSpec = ValueSpec | StaticSpec | SameSpec


def is_passed(spec: ParameterSpec) -> TypeGuard[ValueSpec]:
    """Whether the kernel gets a pointer for a parameter."""
    return not isinstance(spec, StaticSpec | SameSpec)


def static_key(value: object) -> tuple[object, ...]:
    """A hashable key that two static values share exactly when they are interchangeable.

    `int`, `str`, `bytes` and dtypes compare by exact type and value, `float` and `complex` by their bits (0.0 is not
    -0.0, a nan is itself), tuples element by element; so 1, True and 1.0 are three keys. Anything else is itself only.
    """
    cls = type(value)
    if cls in (int, str, bytes):
        return cls, value
    if cls is float:
        return cls, struct.pack("d", value)
    if cls is complex:
        return cls, struct.pack("dd", value.real, value.imag)  # type: ignore[attr-defined]
    if cls is tuple:
        return cls, tuple(static_key(item) for item in value)  # type: ignore[attr-defined]
    if type(cls) is DTYPE_META:
        return cls, value
    return object, id(value)


def same_static(left: object, right: object) -> bool:
    """Whether a call with `right` may use the specialisation for `left`: identity, else an equal `static_key`."""
    return left is right or static_key(left) == static_key(right)


# -- where captured values come from, and what must not have changed
# -----------------------------------------------------


@dataclass(frozen=True, eq=False)
class ItemRef:
    """The value under `key` in a dict (a module's globals, say) or at an index of a list, read at each call."""

    container: dict[Any, Any] | list[Any]
    key: Any

    def __post_init__(self) -> None:
        if type(self.container) not in (dict, list):
            raise TypeError(f"cannot read items of a {type(self.container).__name__} at each call")
        if type(self.container) is list and not (type(self.key) is int and self.key >= 0):
            raise TypeError(f"a list is read at non-negative indices, not {self.key!r}")


@dataclass(frozen=True, eq=False)
class CellRef:
    """The content of a closure cell, read at each call."""

    cell: types.CellType


@dataclass(frozen=True, eq=False)
class AttributeRef:
    """An attribute of an object, read at each call as `getattr` would."""

    owner: object
    name: str


Source = ItemRef | CellRef | AttributeRef


@dataclass(frozen=True, eq=False)
class Capture:
    """A hidden input: an array (or another value) that the function captures, checked at each call like an argument.

    `source` is a Source, read anew at each call, or the array object itself.
    """

    source: Source | np.ndarray[Any, Any]
    spec: ValueSpec
    is_passed: bool = True
    """Whether the kernel gets it; else it is only checked."""

    @property
    def holds_memory(self) -> bool:
        """Whether its elements are part of the call: the function reads them, or has written over all of them."""
        return self.is_passed or (isinstance(self.spec, ArraySpec) and self.spec.apart)


@dataclass(frozen=True, eq=False)
class GlobalGuard:
    """`namespace[name]` is still the object `expected` (or ABSENT, or ANY); with `by_value`, the same static value."""

    namespace: dict[Any, Any]
    name: Any
    expected: object
    by_value: bool = False


@dataclass(frozen=True, eq=False)
class CellGuard:
    """The cell still holds `expected` (or is ABSENT: empty); with `by_value`, the same static value."""

    cell: types.CellType
    expected: object
    by_value: bool = False


@dataclass(frozen=True, eq=False)
class AttributeGuard:
    """`getattr(owner, name)` is still `expected` (or ANY); with `by_value`, the same static value."""

    owner: object
    name: str
    expected: object
    by_value: bool = False


@dataclass(frozen=True, eq=False)
class DictGuard:
    """The dict holds exactly these items, in this order: identical keys, identical values (or ANY)."""

    mapping: dict[Any, Any]
    items: tuple[tuple[Any, Any], ...]

    def __post_init__(self) -> None:
        if type(self.mapping) is not dict:
            raise TypeError(f"cannot guard the items of a {type(self.mapping).__name__}")

    @classmethod
    def of(cls, mapping: dict[Any, Any]) -> DictGuard:
        return cls(mapping, tuple(mapping.items()))


@dataclass(frozen=True, eq=False)
class ListGuard:
    """The list holds exactly these items: identical objects (or ANY)."""

    sequence: list[Any]
    items: tuple[Any, ...]

    def __post_init__(self) -> None:
        if type(self.sequence) is not list:
            raise TypeError(f"cannot guard the items of a {type(self.sequence).__name__}")

    @classmethod
    def of(cls, sequence: list[Any]) -> ListGuard:
        return cls(sequence, tuple(sequence))


@dataclass(frozen=True, eq=False)
class FieldGuard:
    """A pointer within an object is still the same: its type, or a function's code or defaults (None: NULL)."""

    owner: object
    field: str
    """Its name in CPythonLayout."""
    expected: object


@dataclass(frozen=True, eq=False)
class MethodGuard:
    """`owner.name(...)` still calls this function, with the owner as its first argument."""

    owner: object
    name: str
    function: types.FunctionType


@dataclass(frozen=True, eq=False)
class OpaqueGuard:
    """`holds()` is true; an exception means that it is not."""

    holds: Callable[[], bool]


Guard = GlobalGuard | CellGuard | AttributeGuard | DictGuard | ListGuard | FieldGuard | MethodGuard | OpaqueGuard


# -- what comes out
# ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class OutputSpec:
    """A result that the kernel writes: a fresh, writeable, C-contiguous array.

    With shape () it is a NumPy scalar, or an array of rank 0 if `form` is "array", or a Python bool, int, float or
    complex if `form` is "python".
    """

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    form: str = "numpy"

    def __post_init__(self) -> None:
        object.__setattr__(self, "dtype", canonical(self.dtype))
        object.__setattr__(self, "shape", _extents(self.shape))
        if self.form not in ("numpy", "array", "python") or (self.form == "python" and self.shape):
            raise ValueError(f"no output of form {self.form!r} and shape {self.shape}")

    @property
    def is_array(self) -> bool:
        return bool(self.shape) or self.form == "array"

    @property
    def nbytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize


@dataclass(frozen=True, eq=False)
class Constant:
    """In a result: this very object."""

    value: object


@dataclass(frozen=True)
class Argument:
    """In a result: the argument at this position, as the caller passed it."""

    index: int


@dataclass(frozen=True)
class CapturedResult:
    """In a result: the captured object at this index of `EntrySpec.captured`."""

    index: int


@dataclass(frozen=True, eq=False)
class Build:
    """In a result: `factory(*parts)`, for containers that machine code does not build (named tuples, dataclasses)."""

    factory: Callable[..., Any]
    parts: tuple[Any, ...]


@dataclass(frozen=True, eq=False)
class EntrySpec:
    """One specialisation: what it takes, what must hold, what the kernel needs, what is returned.

    The kernel is called as `i32 kernel(ptr in..., ptr captured..., ptr out..., ptr workspace)`: a data pointer for
    every parameter that `is_passed`, every captured value and every output; the workspace is 64-byte aligned, null
    if `workspace_bytes` is 0. It returns 0; or 1 + the index in `errors` of the exception to raise: its class, and its
    message or what makes that of the two i64 (an index and an extent) in the last 16 bytes of the workspace; or a
    status of `support` below zero.

    `result` is an index into `outputs`, None, Constant, Argument, CapturedResult, Build, or a tuple, list or dict of
    such. `writes` are pairs of an Argument or CapturedResult, an array, and the output that it is to hold when the
    kernel is done.
    `kept` are objects that the kernel's code names by address. `sizes` are the open extents: the kernel gets a pointer
    to an i64 for each, before all others. Each stands alone in some parameter's or captured array's shape, from where
    it is read. `conditions` are what they must meet. Then `workspace_bytes` may be open, too.
    Raises TypeError or ValueError for a description that cannot be meant.
    """

    parameters: tuple[ParameterSpec, ...]
    outputs: tuple[OutputSpec, ...]
    result: Any
    captured: tuple[Capture, ...] = ()
    guards: tuple[Guard, ...] = ()
    errors: tuple[tuple[type[Exception], str | Callable[[int, int], str]], ...] = ()
    workspace_bytes: int = 0
    release_gil: bool = False
    writes: tuple[tuple[Argument | CapturedResult, int], ...] = ()
    kept: tuple[object, ...] = ()
    sizes: tuple[Dim, ...] = ()
    conditions: tuple[SizeCondition, ...] = ()
    _objects: tuple[object, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not is_open(self.workspace_bytes) and not 0 <= self.workspace_bytes < 1 << 63:
            raise ValueError(f"workspace_bytes is {self.workspace_bytes}")
        for part, kind in self._typed_parts():
            if not isinstance(part, kind):
                raise TypeError(f"{part!r} is no {' or '.join(cls.__name__ for cls in get_args(kind) or (kind,))}")
        for error in self.errors:
            cls: Any = error[0]
            message: Any = error[1]
            if not (isinstance(cls, type) and issubclass(cls, BaseException)
                    and (isinstance(message, str) or callable(message))):
                raise TypeError(f"errors are (exception class, message), not ({cls!r}, {message!r})")
            if callable(message) and not is_open(self.workspace_bytes) and self.workspace_bytes < 16:
                raise ValueError(f"an error is described by the end of a workspace of {self.workspace_bytes} bytes")
        for node in result_nodes(self.result):
            self._check_node(node)
        for target, output in self.writes:
            self._check_node(target)
            self._check_write(target, output)
        object.__setattr__(self, "_objects", tuple({id(x): x for x in self._walk_objects()}.values()))

    def _typed_parts(self) -> Iterator[tuple[Any, Any]]:
        """What the description is made of, with the types that are meant."""
        yield from ((parameter, ParameterSpec) for parameter in self.parameters)
        yield from ((output, OutputSpec) for output in self.outputs)
        yield from ((guard, Guard) for guard in self.guards)
        for capture in self.captured:
            yield capture, Capture
            yield capture.source, Source | np.ndarray
            yield capture.spec, ValueSpec

    def _check_node(self, node: Any) -> None:
        limits = {int: len(self.outputs), Argument: len(self.parameters), CapturedResult: len(self.captured)}
        if type(node) in limits:
            index = node if type(node) is int else node.index
            if not 0 <= index < limits[type(node)]:
                raise ValueError(f"the result names {node!r}, of {limits[type(node)]}")
        elif node is not None and type(node) not in (tuple, list, dict, Constant, Build):
            raise TypeError(f"a result cannot contain {node!r}; use Constant or Build")

    def _check_write(self, target: Argument | CapturedResult, output: int) -> None:
        into, made = self.target(target), self.outputs[output]
        if not (into.writable and made.is_array and (into.dtype, into.shape) == (made.dtype, made.shape)):
            raise ValueError(f"{target!r}, {into!r}, cannot be written from {made!r}")

    @functools.cached_property
    def scratch(self) -> dict[int, int]:
        """Outputs that are nothing but the new contents of row-major arrays, with their places behind the workspace:
        they need no array of their own."""
        returned = {node for node in result_nodes(self.result) if type(node) is int}
        places: dict[int, int] = {}
        if is_open(self.workspace_bytes) or any(map(is_open, (e for o in self.outputs for e in o.shape))):
            return places
        end = _aligned(self.workspace_bytes)
        for target, output in self.writes:
            if output not in returned and self.target(target).strides is None:
                places[output] = end
                end += _aligned(self.outputs[output].nbytes)
        return places

    @property
    def memory_bytes(self) -> int:
        """What a call needs: the workspace, and the scratch outputs behind it."""
        if not self.scratch:
            return self.workspace_bytes
        return max([self.workspace_bytes, *(k + self.outputs[o].nbytes for o, k in self.scratch.items())])

    def target(self, target: Argument | CapturedResult) -> ArraySpec:
        """The spec of an array that is written to."""
        found = self.parameters[target.index] if isinstance(target, Argument) else self.captured[target.index].spec
        if not isinstance(found, ArraySpec):
            raise ValueError(f"{target!r} is no array")
        return found

    def objects(self) -> tuple[object, ...]:
        """The objects that the entry's code names by address, each once, in an order that depends on the spec alone."""
        return self._objects

    def _walk_objects(self) -> Iterator[object]:
        for parameter in self.parameters:
            if isinstance(parameter, StaticSpec):
                yield parameter.value
        for capture in self.captured:
            yield from _source_objects(capture.source)
        for guard in self.guards:
            yield from guard_objects(guard)
        for cls, message in self.errors:
            yield cls
            yield message
        for node in result_nodes(self.result):
            if isinstance(node, dict):
                yield from node
            elif isinstance(node, Constant):
                yield node.value
            elif isinstance(node, Build):
                yield node.factory


def result_parts(node: Any) -> tuple[Any, ...]:
    """The direct parts of a result node."""
    if type(node) in (tuple, list):
        return tuple(node)
    if type(node) is dict:
        return tuple(node.values())
    return node.parts if isinstance(node, Build) else ()


def result_nodes(node: Any) -> Iterator[Any]:
    """A result node and all within it."""
    yield node
    for part in result_parts(node):
        yield from result_nodes(part)


def _source_objects(source: Source | np.ndarray[Any, Any]) -> Iterator[object]:
    if isinstance(source, ItemRef):
        yield source.container
        yield source.key
    elif isinstance(source, CellRef):
        yield source.cell
    elif isinstance(source, AttributeRef):
        yield source.owner
        yield source.name
    else:
        yield source


def guard_objects(guard: Guard) -> Iterator[object]:
    if isinstance(guard, DictGuard):
        yield guard.mapping
        for key, expected in guard.items:
            yield key
            yield expected
    elif isinstance(guard, ListGuard):
        yield guard.sequence
        yield from guard.items
    elif isinstance(guard, OpaqueGuard):
        yield guard.holds
    elif isinstance(guard, FieldGuard):
        yield guard.owner
        yield guard.expected
    elif isinstance(guard, MethodGuard):
        yield from (guard.owner, guard.name, guard.function)
    else:
        yield from _source_objects(guard_source(guard))
        yield guard.expected


def guard_source(guard: GlobalGuard | CellGuard | AttributeGuard) -> Source:
    """Where a guard that watches one value reads it."""
    if isinstance(guard, GlobalGuard):
        return ItemRef(guard.namespace, guard.name)
    if isinstance(guard, CellGuard):
        return CellRef(guard.cell)
    return AttributeRef(guard.owner, guard.name)
