"""Casts between all dtypes, out of range too: NumPy is the judge, of the interpreter and of machine code."""

import itertools

import numpy as np
import pytest

import gradjit as gj
from gradjit.ir import DTYPES, OPS, dtype_of

REAL = [t.np for t in DTYPES.values() if t.kind in "biuf"]
INTEGERS = [t for t in REAL if t.kind in "iu"]
EDGES = [sign * (2.0 ** bits + off) for bits in (7, 8, 15, 16, 31, 32, 33, 53, 63, 64, 70)
         for off in (-1, -0.5, 0, 1, 7) for sign in (1, -1)]
NUMBERS = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 0.7, -0.7, -1.5, 300.7, 1e10, 3e9, -3e9, 1e19, -1e19, 3e300,
                    *EDGES])


def numbers(dtype: np.dtype) -> np.ndarray:
    """Values of the dtype, with the ends of its range and of all others; as many as NumPy's vectors take."""
    if dtype.kind == "f":
        values = NUMBERS.astype(dtype)
    elif dtype.kind == "b":
        values = np.array([True, False] * 4)
    else:
        info = np.iinfo(dtype)
        ends = [info.max, info.min, info.max - 1, info.min + 1, info.max // 2]
        values = np.array([0, 1, 2, 5, 77, 100, 127, *ends], dtype)
    return np.resize(values, -(-len(values) // 8) * 8)


@pytest.mark.parametrize(("start", "to"), [*itertools.product(REAL, REAL)], ids=str)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_casts(start: np.dtype, to: np.dtype) -> None:
    x = numbers(start)
    expected = x.astype(to)
    meaning = OPS["cast"].evaluate(x, dtype=dtype_of(to))  # type: ignore[misc]
    compiled = gj.jit(lambda x: x.astype(to))(x)
    for got in (meaning, compiled):
        assert got.dtype == to
        np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize(("start", "to"), [*itertools.product((np.float64, np.float32), INTEGERS)], ids=str)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_casts_of_scalars_and_short_arrays(start: type, to: np.dtype) -> None:
    """The scalar code path: uint32 goes by way of int64 there, in NumPy as here."""
    cast = gj.jit(lambda x: x.astype(to))
    for number in numbers(np.dtype(start)):
        assert cast(number) == number.astype(to)
        np.testing.assert_array_equal(cast(np.array([number])), np.array([number]).astype(to))


@pytest.mark.parametrize("start", (np.float64, np.float32))
@pytest.mark.parametrize("length", (3, 4, 7, 9, 18))
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_uint32_of_any_length(start: type, length: int) -> None:
    """NumPy converts four at a time, and the rest one by one, which differs out of range."""
    for number in (np.nan, -3e9, 1e10):
        x = np.full(length, number, start)
        np.testing.assert_array_equal(gj.jit(lambda x: x.astype("u4"))(x), x.astype("u4"))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_chain_of_casts() -> None:
    x = np.array([3_000_000_000, 7, 4_294_967_295, 1], np.uint32)
    for middle, to in itertools.product(("f8", "i8", "u8"), INTEGERS):
        np.testing.assert_array_equal(gj.jit(lambda x: x.astype(middle).astype(to))(x), x.astype(middle).astype(to))
