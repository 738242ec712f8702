"""Python and the machine-code entry agree on which arrays they take: whatever NumPy computes with is taken."""

from __future__ import annotations

import ctypes
import mmap
import pickle
import sys
import types
from multiprocessing import RawArray, shared_memory

import numpy as np
import pytest

import gradjit as gj

LITTLE = "<" if sys.byteorder == "little" else ">"
BIG = ">" if sys.byteorder == "little" else "<"
KEPT = []


def kept(x):
    KEPT.append(x)
    return x


def filled(array):
    array[...] = np.arange(1, array.size + 1).reshape(array.shape)
    return array


def of_ctypes(kind, *extents):
    for n in reversed(extents):
        kind = kind * n
    return filled(np.ctypeslib.as_array(kind()))


def in_a_record(**options):
    """A field of structures: its elements are apart from each other, aligned or not."""
    return filled(np.zeros(3, np.dtype([("flag", "i1"), ("x", np.dtype("f8").newbyteorder(LITTLE))], **options))["x"])


def shared():
    memory = kept(shared_memory.SharedMemory(create=True, size=24))
    memory.unlink()
    return filled(np.ndarray((3,), np.dtype("f8").newbyteorder(LITTLE), memory.buf))


def read_only(array):
    array.flags.writeable = False
    return array


DIRECT = {
    "ordinary": lambda: filled(np.zeros(3)),
    "ctypes double": lambda: of_ctypes(ctypes.c_double, 3),
    "ctypes float": lambda: of_ctypes(ctypes.c_float, 3),
    "ctypes matrix": lambda: of_ctypes(ctypes.c_double, 2, 3),
    "ctypes column-major": lambda: of_ctypes(ctypes.c_double, 3, 2).T,
    "RawArray": lambda: filled(np.ctypeslib.as_array(kept(RawArray("d", 3)))),
    "shared memory": shared,
    "says its byte order": lambda: filled(np.zeros(3, np.dtype("f8").newbyteorder(LITTLE))),
    "says it twice": lambda: filled(np.zeros(3, np.dtype(BIG + "f8").newbyteorder(LITTLE))),
    "packed field copied": lambda: in_a_record().copy(),
    "metadata": lambda: filled(np.zeros(3, np.dtype("f8", metadata={"unit": "m"}))),
    "pickled": lambda: pickle.loads(pickle.dumps(np.arange(1.0, 4.0))),
    "0-d": lambda: filled(np.zeros(())),
    "0-d that says it": lambda: filled(np.zeros((), np.dtype("f8").newbyteorder(LITTLE))),
    "no elements": lambda: np.zeros((0, 3), np.dtype("f8").newbyteorder(LITTLE)),
    "read-only": lambda: read_only(filled(np.zeros(3))),
    "memory map": lambda: filled(np.frombuffer(kept(mmap.mmap(-1, 24)), dtype="f8")),
    "contiguous slice": lambda: filled(np.zeros(9))[3:6],
    "one row of two": lambda: filled(np.zeros((2, 3)))[1:],
    "int64 of ctypes": lambda: of_ctypes(ctypes.c_int64, 3),
    "int32 of ctypes": lambda: of_ctypes(ctypes.c_int32, 3),
    "int16 of ctypes": lambda: of_ctypes(ctypes.c_int16, 3),
    "uint8 of ctypes": lambda: of_ctypes(ctypes.c_uint8, 3),
    "long": lambda: filled(np.zeros(3, np.dtype("l"))),
    "long long": lambda: filled(np.zeros(3, np.dtype("q"))),
    "long long that says it": lambda: filled(np.zeros(3, np.dtype("q").newbyteorder(LITTLE))),
    "unsigned long long": lambda: filled(np.zeros(3, np.dtype("Q"))),
    "intc": lambda: filled(np.zeros(3, np.intc)),
    "bool": lambda: np.array([True, False, True]),
}
"""Taken as they are: the second call is machine code's."""

PACKED = {
    "big-endian": lambda: filled(np.zeros(3, BIG + "f8")),
    "big-endian int": lambda: filled(np.zeros(3, BIG + "i4")),
    "big-endian 0-d": lambda: filled(np.zeros((), BIG + "f8")),
    "field of aligned structures": lambda: in_a_record(align=True),
    "field of packed structures": in_a_record,
    "misaligned": lambda: filled(np.frombuffer(bytearray(25), dtype="f8", count=3, offset=1)),
    "negative strides": lambda: filled(np.zeros(3))[::-1],
    "negative strides of a matrix": lambda: filled(np.zeros((3, 3)))[::-1, ::-2],
    "every other": lambda: filled(np.zeros(6))[::2],
    "zero strides": lambda: np.broadcast_to(np.float64(2.0), 3),
    "zero strides of rows": lambda: np.broadcast_to(np.arange(1.0, 4.0), (2, 3)),
    "transposed 3-d": lambda: filled(np.zeros((2, 3, 4))).transpose(1, 0, 2),
    "diagonal": lambda: np.diagonal(filled(np.zeros((3, 3)))),
    "real parts": lambda: filled(np.zeros(3, complex)).real,
    "sliding windows": lambda: np.lib.stride_tricks.sliding_window_view(np.arange(5.0), 3),
}
"""Copied into an ordinary array first."""

MADE = {**DIRECT, **PACKED}


def f(x):
    return np.sum(x * x + x) + x


@pytest.mark.parametrize("name", MADE)
def test_taken_as_numpy_takes_it(name):
    x, g = MADE[name](), gj.jit(f)
    for _ in range(3):
        y = g(x)
        assert np.asarray(y).dtype == np.asarray(f(x)).dtype
        np.testing.assert_allclose(y, f(x), rtol=1e-6)
    assert len(g.stats().specialisations) == 1
    assert (g.misses == 1) == (name in DIRECT)
    if x.dtype.kind == "f":
        g = gj.grad(lambda x: np.sum(x * x * x))
        for _ in range(2):
            np.testing.assert_allclose(g(x), 3 * np.asarray(x) ** 2, rtol=1e-6)
        assert g(x).dtype == x.dtype.newbyteorder("=")


@pytest.mark.parametrize("name", DIRECT)
def test_one_specialisation_for_what_differs_in_its_dtype_object_only(name):
    x, g = DIRECT[name](), gj.jit(f)
    plain = np.array(x, f"{x.dtype.kind}{x.dtype.itemsize}", order="K")
    for y in (x, plain, x, plain):
        np.testing.assert_allclose(g(y), f(y), rtol=1e-6)
    assert len(g.stats().specialisations) == 1
    assert g.misses == 1


@pytest.mark.parametrize("name", MADE)
def test_written_to_and_returned(name):
    def writes(x):
        x[...] = x + x
        return x

    x, y, g = MADE[name](), MADE[name](), gj.jit(writes)
    if not x.flags.writeable:
        with pytest.raises(gj.ArgumentError, match=r"read-only(.|\n)*test_acceptance.py\", line"):
            g(x)
        return
    if x.dtype.kind == "b":
        return
    for _ in range(2):
        assert g(x) is x
        writes(y)
        np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize("name, where", [
    *((name, "cell") for name in MADE),
    *((name, where) for name in ("shared memory", "big-endian", "every other") for where in ("attribute", "list")),
])
def test_captured(name, where):
    w, x = MADE[name](), np.float64(2.0)
    o, items = types.SimpleNamespace(w=w), [w]
    plain = {"cell": lambda x: x * w, "attribute": lambda x: x * o.w, "list": lambda x: x * items[0]}[where]
    g = gj.jit(plain)
    if not (w.flags.aligned and w.dtype.isnative):
        with pytest.raises(gj.UnsupportedError, match=r"not aligned, or not of native byte order.*copy it"):
            g(x)
        return
    for _ in range(2):
        np.testing.assert_allclose(g(x), plain(x), rtol=1e-6)
    if w.flags.writeable and w.size:
        w[...] = w[...] == 0
        np.testing.assert_allclose(g(x), plain(x), rtol=1e-6)


@pytest.mark.parametrize("first", ["ordinary", "ctypes double", "big-endian", "negative strides"])
@pytest.mark.parametrize("second", ["ordinary", "ctypes double", "big-endian", "negative strides"])
def test_mixed(first, second):
    g = gj.jit(lambda x, y: x - y * 2.0)
    for a, b in ((first, second), (second, first), (first, second)):
        x, y = MADE[a](), MADE[b]()
        np.testing.assert_array_equal(g(x, y), x - y * 2.0)
        np.testing.assert_array_equal(g(x, x), x - x * 2.0)


@pytest.mark.parametrize("x", [np.True_, np.longlong(3), np.intc(3), np.float32(3), np.ulonglong(3), np.int8(3)],
                         ids=lambda x: type(x).__name__)
def test_scalars(x):
    g = gj.jit(f)
    for _ in range(2):
        assert g(x) == f(x)
        assert np.asarray(g(x)).dtype == np.asarray(f(x)).dtype


class Sub(np.ndarray):
    pass


class Own(np.float64):
    """A scalar that may have arithmetic of its own."""


@pytest.mark.parametrize("x", [np.ones(3).view(Sub), np.ma.ones(3), np.ones(3).view(np.recarray),
                               np.matrix([[1.0]]), Own(3.0)], ids=lambda x: type(x).__name__)
def test_subclasses_are_refused_by_name(x):
    remedy = "pass its data and its mask" if isinstance(x, np.ma.MaskedArray) else "pass np.asarray"
    with pytest.raises(gj.DtypeError, match=rf"argument x is a .*{type(x).__name__}; {remedy}"):
        gj.jit(f)(x)


@pytest.mark.parametrize("dtype", [np.longdouble, object, "U3", "S3", "M8[s]", "m8[s]", [("a", "f8")], np.float16])
def test_dtypes_that_are_not_compiled_are_refused_by_name(dtype):
    with pytest.raises(gj.DtypeError, match="argument x: arrays of dtype"):
        gj.jit(lambda x: x[0])(np.zeros(3, dtype))
