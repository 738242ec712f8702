"""The C-level entry: which calls it takes, what it returns, and that no call, however strange, harms the process."""

from __future__ import annotations

import ctypes
import enum
import gc
import math
import pickle
import signal
import sys
import threading
import time
import types
import weakref
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pytest

from gradjit.codegen import llvm
from gradjit.errors import DtypeError
from gradjit.runtime import externals
from gradjit.runtime.entry import CACHED_WORKSPACE, MISS, STACK_WORKSPACE, build_entry, emit_entry, load_entry
from gradjit.runtime.entry_spec import (
    ABSENT,
    ANY,
    Argument,
    ArraySpec,
    AttributeGuard,
    AttributeRef,
    Build,
    Capture,
    CapturedResult,
    CellGuard,
    CellRef,
    ComplexSpec,
    Constant,
    DictGuard,
    EntrySpec,
    FloatSpec,
    GlobalGuard,
    ItemRef,
    ListGuard,
    NumpyScalarSpec,
    OutputSpec,
    SameSpec,
    StaticSpec,
    same_static,
)
from gradjit.runtime.jit import emit_object
from gradjit.runtime.numpy_abi import DTYPES
from tests.runtime.kernels import (
    F64,
    I8,
    I32,
    I64,
    PTR,
    accepts,
    array_entry,
    copy,
    do_nothing,
    element,
    entry,
    f8,
    kernel,
    loop,
    scalar_entry,
)


class Float(float):
    pass


class Array(np.ndarray):
    pass


def takes(tested: Any, *args: Any) -> bool:
    return tested.call(*args) is not MISS


# -- floats and NumPy scalars


@pytest.mark.parametrize("value", [0.0, -0.0, 1.5, math.inf, -math.inf, math.nan, 5e-324])
def test_float_goes_in_and_numpy_scalars_come_out(value):
    square, slope = scalar_entry().call(value)
    assert type(square) is np.float64 and type(slope) is np.float64
    np.testing.assert_equal((square, slope), (value * value, value + value))


@pytest.mark.parametrize(
    "value", [1, True, None, "1.5", 1.5j, Float(1.5), np.float64(1.5), np.float32(1.5), np.ones(()), [1.5]]
)
def test_float_parameter_takes_nothing_but_floats(value):
    assert not takes(scalar_entry(), value)


def test_number_of_arguments():
    tested = scalar_entry()
    assert not takes(tested)
    assert not takes(tested, 1.5, 2.5)
    none = entry(EntrySpec((), (), None), do_nothing)
    assert none.call() is None
    assert not takes(none, 1.5)


def test_float_subclass_by_numpy_is_not_a_float_and_the_reverse():
    assert takes(accepts(NumpyScalarSpec(f8)), np.float64(1))
    for other in (1.0, np.float32(1), np.int64(1), np.True_, Float(1), np.ones(())):
        assert not takes(accepts(NumpyScalarSpec(f8)), other)


def test_subclass_of_a_numpy_scalar_is_not_one():
    class Mine(np.float64):
        pass

    assert not takes(accepts(NumpyScalarSpec(f8)), Mine(1))
    assert not takes(accepts(FloatSpec()), Mine(1))


def test_extents_may_be_numpy_integers():
    spec = ArraySpec(f8, (np.int64(2), np.uint8(3)), (np.int32(24), np.int64(8)))
    assert all(type(n) is int for n in (*spec.shape, *spec.strides))
    tested = entry(EntrySpec((spec,), (OutputSpec(f8, tuple(np.array([1, 2]))),), 0), copy(16))
    assert tested.call(np.arange(6.0).reshape(2, 3)).tolist() == [[0, 1]]


def test_complex_argument():
    tested = entry(EntrySpec((ComplexSpec(),), (OutputSpec("c16", ()),), 0), copy(16))
    assert tested.call(1.5 - 2.5j) == 1.5 - 2.5j
    assert not takes(tested, 1.5)
    assert not takes(tested, np.complex128(1))


@pytest.mark.parametrize("name", DTYPES)
def test_every_dtype_as_scalar_and_as_array(name):
    dtype = DTYPES[name]
    values = np.array([0, 1, 0, 1], dtype) if name == "bool" else (np.arange(4) * 3 + 1).astype(dtype)
    if dtype.kind in "iu":
        values[-1] = np.iinfo(dtype).max
    scalar = entry(EntrySpec((NumpyScalarSpec(dtype),), (OutputSpec(dtype, ()),), 0), copy(dtype.itemsize))
    rank0 = entry(EntrySpec((ArraySpec(dtype, ()),), (OutputSpec(dtype, (), "array"),), 0), copy(dtype.itemsize))
    python = entry(EntrySpec((NumpyScalarSpec(dtype),), (OutputSpec(dtype, (), "python"),), 0), copy(dtype.itemsize))
    whole = entry(EntrySpec((ArraySpec(dtype, (2, 2)),), (OutputSpec(dtype, (2, 2)),), 0), copy(4 * dtype.itemsize))
    for value in values:
        got = scalar.call(value)
        assert type(got) is dtype.type
        assert got == value
        got = rank0.call(np.array(value))
        assert type(got) is np.ndarray and got.shape == () and got.dtype is dtype and got == value
        got = python.call(value)
        assert type(got) is type(value.item())
        assert got == value.item()
    got = whole.call(values.reshape(2, 2))
    assert got.dtype is dtype and got.flags.c_contiguous and got.flags.writeable and got.flags.owndata
    np.testing.assert_array_equal(got, values.reshape(2, 2))
    for other in DTYPES.values():
        if other != dtype:
            assert not takes(whole, np.ones((2, 2), other))
            assert not takes(scalar, np.ones((), other)[()])


def test_bool_scalars_are_numpys_own():
    tested = entry(EntrySpec((NumpyScalarSpec("?"),), (OutputSpec("?", ()),), 0), copy(1))
    assert tested.call(np.True_) is np.True_
    assert tested.call(np.False_) is np.False_


@pytest.mark.parametrize("dtype", ["O", "S3", "U1", "M8[s]", "V4", "g", ">f8", "f8,i4", [("a", "f8")]])
def test_dtypes_that_are_not_computed_with(dtype):
    for spec in (NumpyScalarSpec, lambda d: ArraySpec(d, (2,)), lambda d: OutputSpec(d, (2,))):
        with pytest.raises(DtypeError):
            spec(np.dtype(dtype))


# -- arrays


def unaligned(count: int = 3) -> np.ndarray:
    return np.zeros(8 * count + 1, np.uint8)[1:].view(f8)


def frozen(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array


GOOD_ARRAYS = {
    "plain": np.arange(3.0),
    "read-only": frozen(np.arange(3.0)),
    "view": np.arange(9.0)[3:6],
    "unpickled dtype": pickle.loads(pickle.dumps(np.arange(3.0))),
    "dtype with metadata": np.arange(3.0).astype(np.dtype("f8", metadata={"unit": "m"})),
    "base is bytes": np.frombuffer(bytes(24), f8),
    "row of Fortran order": np.asfortranarray(np.ones((1, 3)))[0],
}

BAD_ARRAYS = {
    "float32": np.ones(3, "f4"),
    "int64": np.ones(3, "i8"),
    "complex": np.ones(3, "c16"),
    "object": np.ones(3, "O"),
    "byte-swapped": np.ones(3, ">f8"),
    "datetime": np.ones(3, "M8[s]"),
    "structured": np.ones(3, [("a", "f8")]),
    "rank 0": np.ones(()),
    "rank 2": np.ones((3, 1)),
    "rank 2, same size": np.ones((1, 3)),
    "shorter": np.ones(2),
    "longer": np.ones(4),
    "empty": np.ones(0),
    "negative stride": np.ones(3)[::-1],
    "stride 2": np.ones(6)[::2],
    "stride 0": np.broadcast_to(1.0, (3,)),
    "unaligned": unaligned(),
    "subclass": np.ones(3).view(Array),
    "masked": np.ma.ones(3),
    "matrix": np.ones(3).view(np.matrix) if hasattr(np, "matrix") else None,
    "recarray": np.rec.array([(1.0,)] * 3, dtype=[("a", "f8")]),
    "memmap-like subclass": np.ones(3).view(np.memmap),
    "list": [1.0, 2.0, 3.0],
    "tuple": (1.0, 2.0, 3.0),
    "memoryview": memoryview(np.ones(3)),
    "float": 1.0,
    "scalar": np.float64(1),
    "None": None,
    "the class": np.ndarray,
    "a dtype": f8,
}


@pytest.mark.parametrize("array", GOOD_ARRAYS.values(), ids=GOOD_ARRAYS)
def test_arrays_that_mean_f64_3(array):
    value, gradient = array_entry().call(array)
    assert value == np.sum(array * array)
    np.testing.assert_array_equal(gradient, 2 * array)


@pytest.mark.parametrize("array", BAD_ARRAYS.values(), ids=BAD_ARRAYS)
def test_arrays_that_do_not(array):
    tested = array_entry()
    assert not takes(tested, array)
    assert tested.hits == 0


def test_long_and_long_long_are_both_int64():
    for code in "lq":
        if np.dtype(code).itemsize == 8:
            assert takes(accepts(ArraySpec("i8", (2,))), np.ones(2, code))
            assert takes(accepts(ArraySpec(np.dtype(code), (2,))), np.ones(2, "i8"))
    assert not takes(accepts(ArraySpec("i8", (2,))), np.ones(2, "u8"))


@pytest.mark.parametrize("shape", [(), (0,), (5,), (1, 1), (2, 3), (3, 0, 2), (1,) * 30, (2, 1, 2, 1, 2)])
def test_extents_of_every_axis_count(shape):
    tested = accepts(ArraySpec(f8, shape))
    assert takes(tested, np.ones(shape))
    for axis in range(len(shape)):
        for extent in {shape[axis] + 1, max(shape[axis] - 1, 0)} - {shape[axis]}:
            assert not takes(tested, np.ones(shape[:axis] + (extent,) + shape[axis + 1 :]))
    assert not takes(tested, np.ones((*shape, 1)))


def random_array(random: np.random.Generator) -> np.ndarray:
    """An array of random dtype, rank, layout, alignment and writability, near what the specs below ask for."""
    dtype = np.dtype(random.choice(["f8", "f8", "f8", ">f8", "f4", "i8", "c16"]))
    shape = tuple(int(n) for n in random.choice([0, 1, 2, 3], size=random.integers(0, 4), p=[0.1, 0.3, 0.3, 0.3]))
    steps = tuple(int(k) for k in random.choice([1, 1, 2, -1], size=len(shape)))
    order = random.permutation(len(shape)) if random.random() < 0.4 else np.arange(len(shape))
    base = tuple(shape[axis] * abs(steps[axis]) for axis in order)
    size = math.prod(base) * dtype.itemsize
    raw = np.zeros(size + 1, np.uint8)[int(random.random() < 0.2) :][:size]
    array = raw.view(dtype).reshape(base).transpose(np.argsort(order))[(..., *(slice(None, None, k) for k in steps))]
    if random.random() < 0.2:
        array.flags.writeable = False
    return array.view(Array) if random.random() < 0.1 else array


def meets(array: np.ndarray, spec: ArraySpec) -> bool:
    """What an ArraySpec says, in NumPy's words."""
    used = [axis for axis, extent in enumerate(array.shape) if extent > 1 and array.size]
    return (
        type(array) is np.ndarray
        and array.dtype == spec.dtype
        and array.dtype.isnative
        and array.shape == spec.shape
        and array.flags.aligned
        and (
            array.flags.c_contiguous if spec.strides is None else all(array.strides[k] == spec.strides[k] for k in used)
        )
        and (array.flags.writeable or not spec.writable)
    )


def test_random_arrays_are_judged_as_numpy_would():
    random = np.random.default_rng(7)
    arrays = [random_array(random) for _ in range(3000)]
    chosen = [array for array in arrays if array.dtype == f8 and type(array) is np.ndarray][:60]
    specs = {ArraySpec.of(a, writable=bool(k % 3 == 0 and a.flags.writeable)) for k, a in enumerate(chosen)}
    answers = set()
    for spec in specs:
        tested = accepts(spec)
        for array in arrays:
            expected = meets(array, spec)
            assert takes(tested, array) == expected, (spec, array.__array_interface__, array.flags)
            answers.add((expected, spec.strides is None, spec.writable))
    assert len(answers) == 8  # the arrays put every kind of spec to the test, both ways


def test_empty_arrays_and_outputs():
    tested = entry(EntrySpec((ArraySpec(f8, (0, 4)),), (OutputSpec(f8, (0, 4)),), 0), do_nothing)
    got = tested.call(np.ones((0, 4)))
    assert got.shape == (0, 4) and got.dtype == f8
    assert takes(tested, np.ones((8, 4))[8:])


def test_strides():
    base = np.arange(24.0).reshape(4, 6)
    view = base[::-2, 1::2]
    spec = ArraySpec.of(view)
    assert spec.strides == (-96, 16)
    tested = entry(EntrySpec((spec,), (OutputSpec(f8, ()),), 0), copy(8))
    assert tested.call(view) == view[0, 0]
    assert tested.call(base[::-2, ::2]) == base[3, 0]  # elsewhere, laid out alike
    for other in (view.copy(), base[::2, 1::2], view.T, base[:2, :3], np.asfortranarray(view)):
        assert not takes(tested, other)
    for swapped in (view.astype(">f8"), view.astype("f4")):
        assert not takes(tested, swapped)


def test_strides_that_are_never_used_do_not_count():
    tested = accepts(ArraySpec(f8, (1, 3), (8, 16)))
    lone = np.ones((2, 6))[:1, ::2]
    assert lone.strides != (8, 16)
    assert takes(tested, lone)
    hollow = accepts(ArraySpec(f8, (0, 3), (8, 16)))
    assert takes(hollow, np.ones((0, 3)))


def test_strided_arrays_must_be_aligned():
    raw = np.zeros(8 * 6 + 1, np.uint8)[1:].view(f8)[::2]
    assert not raw.flags.aligned
    assert not takes(accepts(ArraySpec(f8, (3,), (16,))), raw)


def test_impossible_specs():
    for extents in ((-1,), (1 << 63,)):
        for spec in (ArraySpec, OutputSpec):
            with pytest.raises(ValueError, match="no extents"):
                spec(f8, extents)
    with pytest.raises(ValueError, match="strides for rank"):
        ArraySpec(f8, (2, 2), (8,))
    for extents, strides in (((2,), (0,)), ((2, 2), (8, 8)), ((3, 2), (8, 16)), ((2,), (-4,))):
        with pytest.raises(ValueError, match="share memory"):
            ArraySpec(f8, extents, strides, writable=True)
    for extents, strides in (((2, 2), (8, 16)), ((2, 3), (-24, 8)), ((1, 3), (0, 8)), ((2, 2), (16, -8))):
        assert ArraySpec(f8, extents, strides, writable=True).strides == strides
    for wrong in (
        lambda: EntrySpec((f8,), (), None),
        lambda: EntrySpec((float,), (), None),
        lambda: EntrySpec((), (f8,), None),
        lambda: EntrySpec((), (), None, captured=((np.ones(3), ArraySpec(f8, (3,))),)),
        lambda: EntrySpec((), (), None, captured=(Capture(1.5, FloatSpec()),)),
        lambda: EntrySpec((), (), None, captured=(Capture(np.ones(3), StaticSpec(1)),)),
        lambda: EntrySpec((), (), None, guards=(FloatSpec(),)),
    ):
        with pytest.raises(TypeError, match="is no"):
            wrong()
    with pytest.raises(ValueError, match="workspace"):
        EntrySpec((), (), None, workspace_bytes=-1)
    with pytest.raises(TypeError, match="errors are"):
        EntrySpec((), (), None, errors=((int, "not an exception"),))
    for result in (0, Argument(0), CapturedResult(0), (None, [0])):
        with pytest.raises(ValueError, match="result names"):
            EntrySpec((), (), result)
    for result in ("text", 1.5, {1, 2}, True):
        with pytest.raises(TypeError, match="result cannot contain"):
            EntrySpec((), (), result)


def test_signature_of_the_kernel_is_checked():
    spec = EntrySpec((FloatSpec(),), (OutputSpec(f8, ()),), 0)
    for pointers in (0, 2, 4):
        with pytest.raises(ValueError, match="needs one that takes 3 pointers"):
            build_entry(*kernel(pointers, do_nothing), spec)
    module = llvm.Module()
    void = llvm.Function(module, llvm.FunctionType(llvm.VoidType(), [llvm.PointerType()] * 3), "kernel")
    with pytest.raises(ValueError, match="returns i32"):
        build_entry(module, void, spec)


# -- arrays that the kernel writes to


def increment(count: int):
    def body(builder, args):
        with loop(builder, count) as k:
            place = element(builder, args[0], k)
            builder.store(builder.fadd(builder.load(place, type=F64), llvm.Constant(F64, 1.0)), place)

    return body


def test_writable_argument_is_changed_in_place():
    tested = entry(EntrySpec((ArraySpec(f8, (3,), writable=True),), (), Argument(0)), increment(3))
    array = np.zeros(3)
    assert tested.call(array) is array
    assert array.tolist() == [1, 1, 1]
    assert not takes(tested, frozen(np.zeros(3)))
    assert not takes(tested, np.broadcast_to(0.0, (3,)))


def test_array_that_warns_on_writing_is_not_written_to():
    lent = np.broadcast_arrays(np.zeros(3), np.zeros((1, 3)))[0]
    assert lent.shape == (1, 3) and lent.flags.c_contiguous
    reads, writes = accepts(ArraySpec(f8, (1, 3))), accepts(ArraySpec(f8, (1, 3), writable=True))
    assert takes(reads, lent) and not takes(writes, lent)
    with pytest.warns(DeprecationWarning, match="writing"):
        lent[0] = 1  # NumPy warns once
    assert takes(writes, lent)


def test_writable_arguments_must_not_overlap():
    writes = ArraySpec(f8, (4,), writable=True)
    reads = ArraySpec(f8, (4,))
    base = np.zeros(16)
    for pair, specs in ((base[0:4], base[4:8]), (writes, reads)), ((base[4:8], base[0:4]), (writes, writes)):
        assert takes(accepts(*specs), *pair)
    for other in (base[4:8], base[3:7], base[5:9], base[7:11]):
        assert not takes(accepts(writes, reads), base[4:8], other)
        assert not takes(accepts(reads, writes), base[4:8], other)
        assert not takes(accepts(writes, writes), base[4:8], other)
        assert takes(accepts(reads, reads), base[4:8], other)
        assert not takes(accepts(writes, captured=(Capture(other, reads),)), base[4:8])


def test_overlap_of_strided_arrays_is_seen_from_both_ends():
    base = np.zeros(32)
    back = base[11:3:-2]
    spec = ArraySpec.of(back, writable=True)
    assert spec.byte_range() == (-48, 8)
    tested = accepts(spec, ArraySpec(f8, (2,)))
    for start, apart in ((3, True), (4, False), (5, False), (10, False), (11, False), (12, True)):
        assert takes(tested, back, base[start : start + 2]) == apart, start


def test_empty_writable_arrays_overlap_nothing():
    base = np.zeros(4)
    assert takes(accepts(ArraySpec(f8, (0,), writable=True), ArraySpec(f8, (4,))), base[2:2], base)


# -- static arguments


class Colour(enum.IntEnum):
    RED = 1


class Text(str):
    pass


big = 10**30
STATICS = [
    *(0, 1, -1, 257, big, True, False, None, ..., NotImplemented),
    *(0.0, -0.0, 1.0, math.nan, math.inf, 0j, -0j, complex(0.0, -0.0), 1 + 0j),
    *("", "a", "mean", "µ", b"", b"a", (), (1,), (True,), (1.0,), (1, "a"), (1, ("a", None)), ((),)),
    *(f8, np.dtype("f4"), np.dtype(">f8"), np.dtype([("a", "f8")]), np.float64, float, int, len, np.sum),
    *(Colour.RED, np.int64(1), np.float64(1), Text("a"), slice(1, 2), range(3), frozenset({1})),
]


def rebuilt(value: Any) -> Any:
    """An equal object of the same type, another one where Python allows."""
    if type(value) is tuple:
        return tuple([rebuilt(item) for item in value])
    if type(value) in (str, bytes):
        return value[:0].join([value[:1], value[1:]])
    if type(value) is int:
        return int(str(value))
    if type(value) in (float, complex):
        return pickle.loads(pickle.dumps(value))
    return pickle.loads(pickle.dumps(value)) if isinstance(value, np.dtype) else value


@pytest.mark.parametrize("k", range(len(STATICS)), ids=lambda k: f"{k}-{type(STATICS[k]).__name__}")
def test_static_value_matches_itself_and_nothing_else(k):
    tested = accepts(StaticSpec(STATICS[k]))
    for j, other in enumerate(STATICS):
        assert takes(tested, other) == (j == k), other
        assert same_static(STATICS[k], other) == (j == k), other
        assert (StaticSpec(STATICS[k]) == StaticSpec(other)) == (j == k)
    again = rebuilt(STATICS[k])
    assert takes(tested, again)
    assert hash(StaticSpec(again)) == hash(StaticSpec(STATICS[k]))


def test_static_object_of_a_class_with_equality_matches_by_identity_only():
    class Equal:
        def __eq__(self, other):
            raise AssertionError("no code of the user's runs in a check")

        __hash__ = None

    one = Equal()
    assert takes(accepts(StaticSpec(one)), one)
    assert not takes(accepts(StaticSpec(one)), Equal())
    for plain in (1, "a", f8, (1, 2), 1.5):
        assert not takes(accepts(StaticSpec(plain)), one)


def test_static_arguments_are_not_passed_to_the_kernel():
    tested = entry(EntrySpec((StaticSpec("mode"), FloatSpec(), StaticSpec(3)), (OutputSpec(f8, ()),), 0), copy(8))
    assert tested.call("mode", 2.5, 3) == 2.5
    assert not takes(tested, "mode", 2.5, True)
    assert not takes(tested, "mode", 2.5, Colour.RED)


# -- captured values


def summing(builder, args):
    """a[3], out: the sum"""
    total = llvm.Constant(F64, 0.0)
    for k in range(3):
        total = builder.fadd(total, builder.load(element(builder, args[0], llvm.Constant(I64, k)), type=F64))
    builder.store(total, args[1])


def sum_of(source: Any) -> Any:
    return entry(EntrySpec((), (OutputSpec(f8, ()),), 0, captured=(Capture(source, ArraySpec(f8, (3,))),)), summing)


def test_captured_array_is_read_at_each_call():
    array = np.arange(3.0)
    tested = sum_of(array)
    assert tested.call() == 3
    array += 1
    assert tested.call() == 6


def test_captured_array_whose_layout_changes_is_a_miss():
    array = np.arange(3.0)
    tested = sum_of(array)
    array.resize(2000, refcheck=False)
    assert tested.call() is MISS
    array.resize(2, refcheck=False)
    assert tested.call() is MISS
    array.resize(3, refcheck=False)
    array[:] = 2
    assert tested.call() == 6
    array.shape = (3, 1)
    assert tested.call() is MISS
    array.shape = (3,)
    array.dtype = np.int64
    assert tested.call() is MISS


def test_captured_array_lives_as_long_as_the_entry():
    array = np.full(3, 2.0)
    alive = weakref.ref(array)
    tested = sum_of(array)
    del array
    gc.collect()
    assert alive() is not None
    assert tested.call() == 6
    del tested
    gc.collect()
    assert alive() is None


SOURCES = {
    "global": (lambda box: ItemRef(box, "w"), dict.__setitem__, lambda box: box.pop("w")),
    "list item": (lambda box: ItemRef(box, 0), lambda box, _, value: box.__setitem__(0, value), list.pop),
    "cell": (
        CellRef,
        lambda cell, _, value: setattr(cell, "cell_contents", value),
        lambda cell: delattr(cell, "cell_contents"),
    ),
    "attribute": (lambda box: AttributeRef(box, "w"), setattr, lambda box: delattr(box, "w")),
}
BOXES = {
    "global": lambda v: {"w": v, "other": 1},
    "list item": lambda v: [v],
    "cell": types.CellType,
    "attribute": lambda v: types.SimpleNamespace(w=v),
}


@pytest.mark.parametrize("kind", SOURCES)
def test_captured_name_can_be_rebound(kind):
    refer, rebind, remove = SOURCES[kind]
    box = BOXES[kind](np.arange(3.0))
    tested = sum_of(refer(box))
    assert tested.call() == 3
    for value in range(5):
        rebind(box, "w", np.full(3, float(value)))
        gc.collect()
        assert tested.call() == 3 * value
    for other in (np.ones(4), np.ones(3, "f4"), 1.0, None, np.ones(3).view(Array)):
        rebind(box, "w", other)
        assert tested.call() is MISS
        assert tested.call() is MISS
    rebind(box, "w", np.ones(3))
    assert tested.call() == 3
    remove(box)
    assert tested.call() is MISS


@pytest.mark.parametrize("kind", SOURCES)
def test_captured_name_keeps_reference_counts(kind):
    refer, rebind, _ = SOURCES[kind]
    array = np.arange(3.0)
    box = BOXES[kind](array)
    tested = sum_of(refer(box))
    before = sys.getrefcount(array)
    for _ in range(10_000):
        tested.call()
    assert sys.getrefcount(array) == before
    rebind(box, "w", array[:2])
    for _ in range(10_000):
        tested.call()
    assert sys.getrefcount(array) == before


def test_captured_float():
    namespace = {"rate": 0.5}
    spec = EntrySpec((), (OutputSpec(f8, ()),), 0, captured=(Capture(ItemRef(namespace, "rate"), FloatSpec()),))
    tested = entry(spec, copy(8))
    assert tested.call() == 0.5
    namespace["rate"] = 0.25
    assert tested.call() == 0.25
    namespace["rate"] = 1
    assert tested.call() is MISS


def test_captured_object_can_be_returned():
    namespace = {"w": np.arange(3.0)}
    spec = EntrySpec((), (), [CapturedResult(0)], captured=(Capture(ItemRef(namespace, "w"), ArraySpec(f8, (3,))),))
    got = entry(spec, do_nothing).call()
    assert got[0] is namespace["w"]


def test_sources_are_validated():
    for container, key in (("text", 0), ([1], -1), ([1], "a"), ([1], True), (types.MappingProxyType({}), "a")):
        with pytest.raises(TypeError):
            ItemRef(container, key)


# -- guards


def test_global_guard():
    namespace: dict[Any, Any] = {"f": len, "n": 1000}
    by_identity = accepts(guards=(GlobalGuard(namespace, "f", len),))
    by_value = accepts(guards=(GlobalGuard(namespace, "n", 1000, by_value=True),))
    absent = accepts(guards=(GlobalGuard(namespace, "len", ABSENT),))
    present = accepts(guards=(GlobalGuard(namespace, "f", ANY),))
    every = (by_identity, by_value, absent, present)
    assert [takes(g) for g in every] == [True] * 4
    namespace["unrelated"] = 1
    assert [takes(g) for g in every] == [True] * 4
    namespace["f"] = max
    assert [takes(g) for g in every] == [False, True, True, True]
    namespace["f"] = len
    assert [takes(g) for g in every] == [True] * 4
    namespace["n"] = int("1000")
    assert [takes(g) for g in every] == [True] * 4
    namespace["n"] = 1000.0
    assert [takes(g) for g in every] == [True, False, True, True]
    namespace["len"] = None
    assert [takes(g) for g in every] == [True, False, False, True]
    namespace.clear()
    assert [takes(g) for g in every] == [False, False, True, False]


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.update(a=2),
        lambda d: d.__ior__({"a": 2}),
        lambda d: d.pop("a"),
        lambda d: d.clear(),
        lambda d: d.__setitem__("a", 2),
        lambda d: d.__delitem__("a"),
        lambda d: [d.popitem() for _ in range(2)],
        lambda d: exec("a = 2", d),
        lambda d: exec("global a\ndel a", d),
        lambda d: types.FunctionType(compile("def g():\n global a\n a = 2", "", "exec").co_consts[0], d)(),
    ],
)
def test_every_way_to_change_a_namespace_is_noticed(change):
    namespace = {"a": 1, "b": 2}
    tested = accepts(guards=(GlobalGuard(namespace, "a", 1),))
    assert takes(tested)
    assert takes(tested)
    change(namespace)
    assert not takes(tested)


def test_module_attributes_and_instance_dicts_are_noticed():
    module = types.ModuleType("m")
    module.scale = 3
    holder = types.SimpleNamespace(scale=3)

    class Plain:
        pass

    instance = Plain()
    instance.scale = 3
    for owner in (module, holder, instance):
        tested = accepts(guards=(GlobalGuard(vars(owner), "scale", 3, by_value=True),))
        assert takes(tested)
        for value, same in ((4, False), (3, True), (5, False), (3, True)):
            owner.scale = value
            assert takes(tested) == same
        del owner.scale
        assert not takes(tested)


def test_changes_by_specialised_instructions_are_noticed():
    """The interpreter rewrites instructions that store to the same place often; they must not go unseen."""

    class Plain:
        pass

    class WithDict:
        def __init__(self):
            self.__dict__["scale"] = 0

    namespace = {"scale": 0}
    exec("def setter(value):\n    global scale\n    scale = value", namespace)
    watched = [(namespace, namespace["setter"])]
    for owner in (Plain(), WithDict(), types.ModuleType("m")):
        owner.scale = 0

        def store(value, owner=owner):
            owner.scale = value

        watched.append((vars(owner), store))
    for mapping, store in watched:
        tested = accepts(guards=(GlobalGuard(mapping, "scale", 1),))
        for k in range(300):
            store(k % 3)
            assert takes(tested) == (k % 3 == 1), (mapping.keys(), k)


def test_guards_over_one_namespace_and_captured_values_from_it():
    namespace = {"a": 1, "w": np.ones(3), "v": np.zeros(3)}
    spec = EntrySpec(
        (),
        (OutputSpec(f8, ()),),
        (0, CapturedResult(1)),
        captured=(
            Capture(ItemRef(namespace, "w"), ArraySpec(f8, (3,))),
            Capture(ItemRef(namespace, "v"), ArraySpec(f8, (3,))),
        ),
        guards=(GlobalGuard(namespace, "a", 1), GlobalGuard(namespace, "b", ABSENT)),
    )
    tested = entry(spec, lambda builder, args: summing(builder, (args[0], args[2])))
    for _ in range(2):
        total, v = tested.call()
        assert total == 3 and v is namespace["v"]
    namespace["w"] = np.full(3, 2.0)
    assert tested.call()[0] == 6
    namespace["b"] = 1
    assert tested.call() is MISS
    del namespace["b"]
    namespace["v"] = np.full(3, 5.0)
    total, v = tested.call()
    assert total == 6 and v is namespace["v"]


def test_cell_guard():
    cell = types.CellType(len)
    tested = accepts(guards=(CellGuard(cell, len),))
    empty = accepts(guards=(CellGuard(cell, ABSENT),))
    assert takes(tested) and not takes(empty)
    cell.cell_contents = max
    assert not takes(tested)
    del cell.cell_contents
    assert not takes(tested) and takes(empty)


def test_attribute_guard():
    holder = types.SimpleNamespace(n=7)
    tested = accepts(guards=(AttributeGuard(holder, "n", 7, by_value=True),))
    assert takes(tested)
    holder.n = 7.0
    assert not takes(tested)
    del holder.n
    assert not takes(tested)


def test_attribute_that_raises_is_the_callers_error():
    class Holder:
        @property
        def n(self):
            raise ZeroDivisionError("in the property")

    tested = accepts(guards=(AttributeGuard(Holder(), "n", 7),))
    with pytest.raises(ZeroDivisionError, match="in the property"):
        tested.call()


def test_list_guard():
    a, b = object(), object()
    row = [a, b]
    tested = accepts(guards=(ListGuard.of(row),))
    loose = accepts(guards=(ListGuard(row, (ANY, b)),))
    assert takes(tested) and takes(loose)
    row[0] = b
    assert not takes(tested) and takes(loose)
    for other in ([], [a], [b, a], [a, b, a]):
        row[:] = other
        assert not takes(tested), other
    row[:] = [a, b]
    assert takes(tested)
    empty: list[Any] = []
    tested = accepts(guards=(ListGuard.of(empty),))
    assert takes(tested)
    empty.append(1)
    assert not takes(tested)


def test_dict_guard():
    a, b = object(), object()
    mapping = {"x": a, "y": b}
    tested = accepts(guards=(DictGuard.of(mapping),))
    loose = accepts(guards=(DictGuard(mapping, (("x", ANY), ("y", b))),))
    assert takes(tested) and takes(loose)
    mapping["x"] = b
    assert not takes(tested) and takes(loose)
    for items in ({}, {"x": a}, {"y": b, "x": a}, {"x": a, "y": b, "z": a}, {"x": a, "z": b}):
        mapping.clear()
        mapping.update(items)
        assert not takes(tested), items
    mapping.clear()
    mapping.update({"x": a, "y": b})
    assert takes(tested)
    with pytest.raises(TypeError):
        DictGuard.of(types.MappingProxyType({}))
    with pytest.raises(TypeError):
        ListGuard.of((1, 2))


class Vandal:
    """A key whose comparison runs `act`."""

    def __init__(self, text, act):
        self.text, self.act = text, act

    def __hash__(self):
        return hash(self.text)

    def __eq__(self, other):
        self.act()
        return False


def test_namespace_whose_keys_run_code_that_changes_it():
    """The lookup of "w" meets a key of equal hash first, whose comparison rebinds, and so frees, what is captured."""
    namespace: dict[Any, Any] = {}
    state = {"armed": False, "count": 0}

    def act():
        if state["armed"]:
            state["armed"] = False
            state["count"] += 1
            namespace["w"] = np.full(3, float(state["count"]))
            np.full(3, -1.0)  # takes the memory that was freed

    namespace[Vandal("w", act)] = 0
    namespace["w"] = np.zeros(3)
    tested = sum_of(ItemRef(namespace, "w"))
    answers = set()
    for k in range(100):
        namespace["unrelated"] = k
        state["armed"] = k % 3 != 2
        answer = tested.call()
        assert answer is MISS or answer in (3.0 * state["count"], 3.0 * state["count"] - 3)
        answers.add(answer is MISS)
    assert state["count"] > 10 and False in answers


def test_namespace_whose_keys_raise():
    def act():
        raise ZeroDivisionError("in the key")

    namespace: dict[Any, Any] = {Vandal("w", act): 0}
    with pytest.raises(ZeroDivisionError, match="in the key"):
        sum_of(ItemRef(namespace, "w")).call()


def test_property_that_reshapes_an_argument_during_the_checks():
    array = np.ones(3)

    class Holder:
        @property
        def n(self):
            array.resize(1, refcheck=False)
            return 7

    spec = EntrySpec(
        (ArraySpec(f8, (3,)),), (OutputSpec(f8, ()),), 0, guards=(AttributeGuard(Holder(), "n", 7, by_value=True),)
    )
    tested = entry(spec, summing)
    assert tested.call(array) is MISS
    assert array.shape == (1,)


def test_property_that_frees_a_captured_value():
    box = [np.ones(3)]

    class Holder:
        @property
        def n(self):
            box[0] = np.full(3, 5.0)
            gc.collect()
            return 7

    spec = EntrySpec(
        (),
        (OutputSpec(f8, ()),),
        0,
        captured=(Capture(ItemRef(box, 0), ArraySpec(f8, (3,))),),
        guards=(AttributeGuard(Holder(), "n", 7, by_value=True),),
    )
    assert entry(spec, summing).call() in (3.0, 15.0)


# -- results


class Point(NamedTuple):
    x: Any
    y: Any


def three_numbers(builder, args):
    for k, place in enumerate(args[:3]):
        builder.store(llvm.Constant(F64, float(k)), place)


def test_nested_results():
    shared = object()
    result = (0, [1, (), [None, 2]], {"a": 0, "b": (1, Constant(shared))}, Build(Point, (2, [0])))
    tested = entry(EntrySpec((), (OutputSpec(f8, ()),) * 3, result), three_numbers)
    got = tested.call()
    assert got == (0.0, [1.0, (), [None, 2.0]], {"a": 0.0, "b": (1.0, shared)}, Point(2.0, [0.0]))
    assert type(got[1]) is list and type(got[3]) is Point and list(got[2]) == ["a", "b"]
    assert got[0] is got[2]["a"] is got[3].y[0]
    assert got[2]["b"][1] is shared
    assert tested.call()[1] is not got[1]


@pytest.mark.parametrize("result", [(), [], {}, None, Constant("x"), Build(Point, (None, None)), Build(dict, ())])
def test_results_without_outputs(result):
    tested = entry(EntrySpec((), (OutputSpec(f8, ()),) * 3, result), three_numbers)
    expected = {Constant: lambda: "x", Build: lambda: result.factory(*result.parts)}.get(type(result), lambda: result)()
    assert tested.call() == expected


def test_unused_outputs_are_released():
    spec = EntrySpec((), (OutputSpec(f8, (1000, 1000)), OutputSpec(f8, ())), 1)
    tested = entry(spec, lambda builder, args: copy(8)(builder, (args[0], args[1])))
    grown = memory_growth(tested.call, 200)
    assert grown < 4e6


def test_arguments_pass_through():
    array = np.ones(3)
    tested = accepts(ArraySpec(f8, (3,)), StaticSpec("a"))
    spec = EntrySpec(tested.spec.parameters, (), {"same": Argument(0), 7: Argument(1)})
    got = entry(spec, do_nothing).call(array, "a")
    assert got["same"] is array and got[7] == "a"


def test_factory_that_raises_leaks_nothing():
    seen = []

    def factory(*parts):
        seen.append(parts)
        raise ZeroDivisionError("in the factory")

    outputs = (OutputSpec(f8, (3,)), OutputSpec(f8, ()))
    spec = EntrySpec((ArraySpec(f8, (3,)),), outputs, (0, [1, Build(factory, (0, Argument(0)))]))
    tested = entry(spec, lambda builder, args: copy(24)(builder, args))
    array = np.ones(3)
    before = sys.getrefcount(array)
    for _ in range(1000):
        with pytest.raises(ZeroDivisionError):
            tested.call(array)
    parts = seen.pop()
    seen.clear()
    counts = sys.getrefcount(array) - before, sys.getrefcount(parts[0])
    assert counts == (1, 2)  # one in `parts`; and the one that getrefcount takes


def test_unhashable_key_of_a_result():
    class Key:
        hashable = True

        def __hash__(self):
            if not self.hashable:
                raise TypeError("unhashable now")
            return 1

    key = Key()
    tested = entry(EntrySpec((), (), {key: None}), do_nothing)
    assert tested.call() == {key: None}
    key.hashable = False
    with pytest.raises(TypeError, match="unhashable now"):
        tested.call()


# -- status


def failing(builder, args):
    """x: the status is the integer part of x"""
    return builder.fptosi(builder.load(args[0], type=F64), I32)


class Refused(ValueError):
    pass


def test_status_becomes_an_exception():
    errors = (
        (IndexError, "index 5 is out of bounds"),
        (Refused, "no"),
        (KeyError, "k"),
        (FloatingPointError, "µ-limit"),
    )
    outputs = (OutputSpec(f8, (100,)), OutputSpec(f8, ()))
    tested = entry(EntrySpec((FloatSpec(),), outputs, (0, 1), errors=errors, workspace_bytes=10_000), failing)
    assert takes(tested, 0.0)
    for status, (cls, message) in enumerate(errors, 1):
        for _ in range(2):
            with pytest.raises(cls) as caught:
                tested.call(float(status))
            assert type(caught.value) is cls and caught.value.args == (message,)
    for status in (5.0, -1.0, 2e9):
        with pytest.raises(RuntimeError, match="unknown status"):
            tested.call(status)
    assert takes(tested, 0.0)

    def fail():
        with pytest.raises(Refused):
            tested.call(2.0)

    assert memory_growth(fail, 2000) < 2e6


# -- workspace


def through_workspace(size: int):
    """x, out, workspace: writes x to both ends of the workspace, reads it back; the status says if it is aligned"""

    def body(builder, args):
        x = builder.load(args[0], type=F64)
        last = builder.gep(args[2], [llvm.Constant(I64, size - 8)], of=I8)
        builder.store(x, args[2])
        builder.store(x, last)
        first, second = (builder.load(place, type=F64) for place in (args[2], last))
        for value in (first, second):
            value.set_metadata("noalias", builder.module.metadata())
        builder.store(builder.fadd(first, second), args[1])
        low = builder.and_(builder.ptrtoint(args[2], I64), llvm.Constant(I64, 63))
        return builder.zext(builder.icmp_unsigned("!=", low, llvm.Constant(I64, 0)), I32)

    return body


@pytest.mark.parametrize("size", [8, 64, STACK_WORKSPACE, STACK_WORKSPACE + 8, 1 << 20, CACHED_WORKSPACE + 8])
@pytest.mark.parametrize("pipeline", ["light", "none"])
def test_workspace(size, pipeline):
    spec = EntrySpec((FloatSpec(),), (OutputSpec(f8, ()),), 0, workspace_bytes=size)
    tested = entry(spec, through_workspace(size), pipeline)
    for value in range(5):
        assert tested.call(float(value)) == 2 * value
    assert memory_growth(lambda: tested.call(1.0), 50) < 2e6


def test_no_workspace_is_null():
    tested = entry(
        EntrySpec((), (), None, errors=((ValueError, "not null"),)),
        lambda builder, args: builder.zext(builder.icmp_unsigned("!=", args[0], args[0].type(None)), I32),
    )
    assert tested.call() is None


def test_workspace_that_cannot_be_had():
    tested = entry(EntrySpec((), (OutputSpec(f8, (3,)),), 0, workspace_bytes=1 << 62), do_nothing)
    for _ in range(3):
        with pytest.raises(MemoryError):
            tested.call()


def test_output_that_cannot_be_had():
    tested = entry(EntrySpec((), (OutputSpec(f8, (3,)), OutputSpec(f8, (1 << 57,))), (0, 1)), do_nothing)
    for _ in range(3):
        with pytest.raises(MemoryError):
            tested.call()


def test_output_too_large_for_numpy():
    tested = entry(EntrySpec((), (OutputSpec(f8, (1 << 40, 1 << 40)),), 0), do_nothing)
    with pytest.raises(ValueError, match=r"too big|too large"):
        tested.call()


def test_workspace_is_freed_with_the_entry():
    def once():
        spec = EntrySpec((FloatSpec(),), (OutputSpec(f8, ()),), 0, workspace_bytes=4 << 20)
        entry(spec, through_workspace(4 << 20)).call(1.0)

    assert memory_growth(once, 20) < 10e6


# -- threads


def spin(builder, args):
    """flags[2]: sets flags[0], then waits until flags[1] is set; the status is 1 if that never happens"""
    one, ready = llvm.Constant(I64, 1), llvm.Constant(I64, 0)
    builder.atomic_rmw("xchg", args[0], one, "seq_cst")
    head, done, late = (builder.append_basic_block() for _ in range(3))
    before = builder.block
    builder.branch(head)
    builder.position_at_end(head)
    tries = builder.phi(I64)
    tries.add_incoming(ready, before)
    seen = builder.load_atomic(element(builder, args[0], one, I64), "seq_cst", 8, type=I64)
    more = builder.add(tries, one)
    tries.add_incoming(more, head)
    stop = builder.or_(
        builder.icmp_unsigned("==", seen, one), builder.icmp_unsigned(">", more, llvm.Constant(I64, 20_000_000_000))
    )
    builder.cbranch(stop, done, head)
    builder.position_at_end(done)
    status = builder.zext(builder.icmp_unsigned("!=", seen, one), I32)
    builder.branch(late)
    builder.position_at_end(late)
    return status


def spinning() -> Any:
    spec = EntrySpec(
        (ArraySpec("i8", (2,)),), (), Argument(0), errors=((TimeoutError, "never released"),), release_gil=True
    )
    return entry(spec, spin)


def start_spinning(tested: Any) -> tuple[np.ndarray, threading.Thread, list[Any]]:
    """A thread that is inside the kernel; let it go by setting flags[1]."""
    flags, results = np.zeros(2, "i8"), []
    thread = threading.Thread(target=lambda: results.append(tested(flags)))
    thread.start()
    while not flags[0]:
        time.sleep(0.001)
    return flags, thread, results


def test_kernel_without_the_gil():
    flags, thread, results = start_spinning(spinning().call)
    assert thread.is_alive()  # and this thread runs Python
    flags[1] = 1
    thread.join(10)
    assert results[0] is flags


def test_everything_is_dropped_while_the_kernel_runs():
    """The entry and its machine code are referenced by nothing but the call itself."""
    flags, thread, results = start_spinning(spinning().call)
    gc.collect()
    for _ in range(20):  # memory that was freed too early would be used again
        spinning()
    flags[1] = 1
    thread.join(10)
    assert results[0] is flags


def test_arguments_are_held_while_the_kernel_runs():
    """By the entry itself, whatever its caller does."""
    tested = spinning()
    run = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.c_ssize_t)(tested.address)
    flags = np.zeros(2, "i8")
    row = (ctypes.c_void_p * 1)(id(flags))
    results: list[Any] = []
    before = sys.getrefcount(flags)
    thread = threading.Thread(target=lambda: results.append(run(row, 1)))
    thread.start()
    while not flags[0]:
        time.sleep(0.001)
    during = sys.getrefcount(flags)
    flags[1] = 1
    thread.join(10)
    assert during == before + 1
    assert results.pop() is flags
    assert sys.getrefcount(flags) == before


def test_workspaces_of_calls_at_the_same_time_are_apart():
    size = 1 << 16

    def body(builder, args):
        through_workspace(size)(builder, args)
        with loop(builder, 2000) as k:
            x = builder.load(args[0], type=F64)
            builder.store(x, element(builder, args[2], k))
        builder.store(llvm.Constant(F64, 0.0), args[1])
        with loop(builder, 2000) as k:
            back = builder.load(element(builder, args[2], k), type=F64)
            builder.store(builder.fadd(builder.load(args[1], type=F64), back), args[1])

    spec = EntrySpec((FloatSpec(),), (OutputSpec(f8, ()),), 0, workspace_bytes=size, release_gil=True)
    tested = entry(spec, body)
    wrong = []

    def work(value):
        wrong.extend(value for _ in range(2000) if tested.call(value) != 2000 * value)

    threads = [threading.Thread(target=work, args=(float(k),)) for k in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert memory_growth(lambda: tested.call(1.0), 500) < 2e6


# -- leaks


def resident() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096


def memory_growth(action: Any, times: int) -> int:
    """Bytes that the process grows by in `times` repetitions, once warm; the least of three rounds.

    What leaks grows in every round; the allocator's arenas and other tests' threads only in some.
    """
    if not sys.platform.startswith("linux"):
        pytest.skip("reads /proc")
    for _ in range(max(3, times // 2)):
        action()

    def growth() -> int:
        gc.collect()
        before = resident()
        for _ in range(times):
            action()
        gc.collect()
        return resident() - before

    return min(growth() for _ in range(3))


def test_reference_counts_after_many_calls():
    array, static, key = np.ones(3), "a static string", "a key"
    constant = object()
    result = (0, [1, Argument(0)], {key: Constant(constant)}, None)
    outputs = (OutputSpec(f8, ()), OutputSpec(f8, (3,)))
    tested = entry(EntrySpec((ArraySpec(f8, (3,)), StaticSpec(static)), outputs, result), lambda b, a: copy(8)(b, a))
    watched = (array, static, key, constant, f8, np.float64, np.ndarray, None, MISS)
    before = [sys.getrefcount(x) for x in watched]
    for _ in range(100_000):
        tested.call(array, static)
        tested.call(array, None)
    after = [sys.getrefcount(x) for x in watched]
    assert all(abs(b - a) < 50 for a, b in zip(before, after, strict=True)), (before, after)


def test_memory_does_not_grow_with_calls():
    tested = array_entry(3)
    array = np.ones(3)
    assert memory_growth(lambda: tested.call(array), 100_000) < 1e6


def test_entries_are_freed():
    def once():
        tested = array_entry(3)
        assert takes(tested, np.ones(3))

    assert memory_growth(once, 100) < 100 * 10_000


def test_entry_keeps_its_objects_and_lets_them_go():
    class Marker:
        pass

    marker = Marker()
    alive = weakref.ref(marker)
    tested = accepts(StaticSpec(marker), guards=(ListGuard.of([marker]),))
    call = tested.call
    del tested
    assert call(marker) is None
    del marker
    gc.collect()
    assert alive() is not None
    del call
    gc.collect()
    assert alive() is None


def test_kernel_may_call_what_the_caller_names():
    def body(builder, args):
        kind = llvm.FunctionType(F64, [F64])
        outside = llvm.Function(builder.module, kind, "outside")
        builder.store(builder.call(outside, [builder.load(args[0], type=F64)]), args[1])

    times_ten = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double)(lambda x: 10 * x)
    address = ctypes.cast(times_ten, ctypes.c_void_p).value
    spec = EntrySpec((FloatSpec(),), (OutputSpec(f8, ()),), 0)
    tested = build_entry(*kernel(3, body), spec, symbols={"outside": address})
    assert tested.call(1.5) == 15
    with pytest.raises(RuntimeError):
        build_entry(*kernel(3, body), spec)


def test_object_code_can_be_loaded_again_for_other_objects():
    """As a cache does: the code names objects by their place in the spec."""

    def spec(array, tag):
        return EntrySpec((), (OutputSpec(f8, ()),), (0, Constant(tag)), captured=(Capture(array, ArraySpec(f8, (3,))),))

    module, function = kernel(3, summing)
    compiled = emit_object(module), emit_entry(function.name, spec(np.ones(3), "first"))
    for k, tag in enumerate(("second", "third")):
        again = pickle.loads(pickle.dumps(compiled))
        assert load_entry(*again, spec(np.full(3, float(k)), tag)).call() == (3 * k, tag)


def test_kernel_is_exported_beside_the_entry():
    code = scalar_entry().code
    assert set(code.addresses) == {"gradjit.entry", "kernel"}
    double = ctypes.POINTER(ctypes.c_double)
    function = ctypes.CFUNCTYPE(ctypes.c_int, double, double, double, ctypes.c_void_p)(code.addresses["kernel"])
    x, square, slope = ctypes.c_double(3.0), ctypes.c_double(), ctypes.c_double()
    assert function(x, square, slope, None) == 0
    assert (square.value, slope.value) == (9.0, 6.0)


# -- statuses, and what a kernel can ask for


def _status(value: int) -> Any:
    return lambda builder, args: llvm.Constant(I32, value)


@pytest.mark.parametrize("status, error", [(-2, MemoryError), (-3, KeyboardInterrupt), (77, RuntimeError)])
def test_statuses_that_every_kernel_may_return(status: int, error: type[BaseException]) -> None:
    call = entry(EntrySpec((), (), None), _status(status)).call
    with pytest.raises(error):
        call()


def test_an_error_is_described_by_what_the_kernel_leaves_in_its_workspace() -> None:
    def body(builder: llvm.IRBuilder, args: Any) -> Any:
        for k, number in enumerate((-7, 1 << 40)):
            builder.store(llvm.Constant(I64, number), element(builder, args[-1], llvm.Constant(I64, 2 + k), I64))
        return llvm.Constant(I32, 1)

    errors = ((IndexError, lambda index, extent: f"{index} of {extent}"),)
    for size in (32, STACK_WORKSPACE + 16, CACHED_WORKSPACE + 16):
        spec = EntrySpec((), (), None, errors=errors, workspace_bytes=size)

        def at_the_end(builder: llvm.IRBuilder, args: Any, size: int = size) -> Any:
            return body(builder, [builder.gep(args[-1], [llvm.Constant(I64, size - 32)], of=I8)])

        with pytest.raises(IndexError, match=f"^-7 of {1 << 40}$"):
            entry(spec, at_the_end).call()


def test_what_fails_to_describe_an_error_is_the_error() -> None:
    def describe(index: int, extent: int) -> str:
        raise LookupError("no words")

    spec = EntrySpec((), (), None, errors=((IndexError, describe),), workspace_bytes=16)
    with pytest.raises(LookupError, match="no words"):
        entry(spec, _status(1)).call()
    with pytest.raises(ValueError, match="described by the end of a workspace"):
        EntrySpec((), (), None, errors=((IndexError, describe),))


@pytest.fixture
def _signals() -> Iterator[None]:
    """SIGINT as Python has it, also where the tests run in the background of a shell, which has it ignored."""
    before = {number: signal.signal(number, signal.default_int_handler) for number in (signal.SIGINT, signal.SIGALRM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("_signals")
@pytest.mark.parametrize("release", [False, True])
def test_ctrl_c_reaches_a_kernel_that_loops_for_ever(release: bool) -> None:
    def body(builder: llvm.IRBuilder, args: Any) -> Any:
        asked = llvm.Function(builder.module, llvm.FunctionType(I32, []), "gradjit_interrupted")
        head, out = builder.append_basic_block(), builder.append_basic_block()
        builder.branch(head)
        builder.position_at_end(head)
        answer = builder.call(asked, [])
        builder.cbranch(builder.icmp_signed("==", answer, llvm.Constant(I32, 0)), head, out)
        builder.position_at_end(out)
        return llvm.Constant(I32, -3)

    module, function = kernel(1, body)
    symbols = externals.addresses(["gradjit_interrupted"])
    call = build_entry(module, function, EntrySpec((), (), None, release_gil=release), symbols=symbols).call
    alarm = threading.Timer(0.2, signal.raise_signal, (signal.SIGINT,))
    if not release:  # nobody else runs: the signal comes from outside
        alarm = threading.Timer(0.0, lambda: None)
        signal.setitimer(signal.ITIMER_REAL, 0.2)
    alarm.start()
    with pytest.raises(KeyboardInterrupt):
        call()
    alarm.join()


@pytest.mark.parametrize("release", [False, True])
def test_a_kernel_calls_python_with_the_address_of_its_words(release: bool) -> None:
    seen: list[tuple[int, int]] = []

    def printer(address: int) -> None:
        seen.append(tuple((ctypes.c_int64 * 2).from_address(address)))
        if len(seen) == 2:
            raise ValueError("enough")

    def body(builder: llvm.IRBuilder, args: Any) -> Any:
        told = llvm.Function(builder.module, llvm.FunctionType(I32, [PTR, PTR]), "gradjit_print")
        target = llvm.GlobalVariable(builder.module, I8, "gradjit_object_0")
        words = llvm.GlobalVariable(builder.module, llvm.ArrayType(I64, 2), "words")
        words.initializer, words.linkage = llvm.Constant(llvm.ArrayType(I64, 2), [5, -6]), "internal"
        target.type = words.type = PTR
        return builder.call(told, [target, words])

    module, function = kernel(1, body)
    symbols = externals.addresses(["gradjit_print", "gradjit_object_0"], [printer])
    call = build_entry(module, function, EntrySpec((), (), None, release_gil=release), symbols=symbols).call
    call()
    assert seen == [(5, -6)]
    with pytest.raises(ValueError, match="enough"):
        call()


def test_a_symbol_that_nobody_provides_is_named() -> None:
    with pytest.raises(LookupError, match="gradjit_nothing"):
        externals.resolve("gradjit_nothing")
    assert all(map(externals.resolve, ("malloc", "realloc", "calloc", "free", "memcpy", "memmove", "memset")))


# -- outputs that are the new contents of arguments


def _written(shape: tuple[int, ...], strides: tuple[int, ...] | None, status: int = 0, **options: Any) -> Any:
    """x -> x + 1, through a copy."""
    spec = ArraySpec(f8, shape, strides, writable=True)
    made = EntrySpec((spec,), (OutputSpec(f8, shape, "array"),), Argument(0), writes=((Argument(0), 0),),
                     errors=((ValueError, "no"),), **options)

    def body(builder: llvm.IRBuilder, args: Any) -> Any:
        with loop(builder, math.prod(shape)) as k:
            x = builder.load(element(builder, args[0], k), type=F64)
            builder.store(builder.fadd(x, llvm.Constant(F64, 1.0)), element(builder, args[1], k))
        return llvm.Constant(I32, status)

    return entry(made, body)


@pytest.mark.parametrize("size", [3, 5000])
@pytest.mark.parametrize("options", [{}, {"workspace_bytes": 70}, {"release_gil": True}])
def test_contents_of_row_major_arguments_need_no_arrays(size: int, options: dict[str, Any]) -> None:
    tested = _written((size,), None, **options)
    assert tested.spec.scratch and tested.spec.memory_bytes >= 8 * size
    x = np.arange(float(size))
    for k in range(1, 4):
        assert tested.call(x) is x
        np.testing.assert_array_equal(x, np.arange(float(size)) + k)


def test_contents_of_other_arguments_are_copied_by_numpy() -> None:
    x = np.zeros((3, 4)).T
    tested = _written((4, 3), x.strides)
    assert not tested.spec.scratch
    assert tested.call(x) is x
    np.testing.assert_array_equal(x, 1)


@pytest.mark.parametrize("strides", [None, (16,)])
def test_nothing_is_written_when_the_kernel_fails(strides: tuple[int, ...] | None) -> None:
    tested = _written((3,), strides, status=1)
    x = np.zeros(3 if strides is None else 6)[:: 1 if strides is None else 2]
    with pytest.raises(ValueError, match="^no$"):
        tested.call(x)
    np.testing.assert_array_equal(x, 0)


def test_writes_that_cannot_be_meant() -> None:
    spec, output = ArraySpec(f8, (3,), writable=True), OutputSpec(f8, (3,))
    for bad in (ArraySpec(f8, (3,)), ArraySpec(f8, (4,), writable=True), FloatSpec()):
        with pytest.raises(ValueError):
            EntrySpec((bad,), (output,), None, writes=((Argument(0), 0),))
    with pytest.raises(ValueError, match="of 1"):
        EntrySpec((spec,), (output,), None, writes=((Argument(1), 0),))


def test_the_same_argument_twice() -> None:
    tested = entry(EntrySpec((ArraySpec(f8, (3,)), SameSpec(0)), (), Argument(1)), do_nothing)
    x = np.zeros(3)
    assert tested.call(x, x) is x
    assert not takes(tested, x, x.copy())
