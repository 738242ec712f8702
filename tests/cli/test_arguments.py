"""Arguments of the command line: text to data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gradjit.cli.arguments import describe, read
from gradjit.cli.usage import UsageError


def reading(text: str) -> Any:
    return read(text, np.random.default_rng(0))


@pytest.mark.parametrize("text, dtype, shape", [
    ("f64[1000]", np.float64, (1000,)),
    ("f32[3,4]", np.float32, (3, 4)),
    ("f64[ 2 , 3, ]", np.float64, (2, 3)),
    ("f64[0,5]", np.float64, (0, 5)),
    ("i64[10]", np.int64, (10,)),
    ("u8[4](0, 256)", np.uint8, (4,)),
    ("bool[6]", np.bool_, (6,)),
    ("c128[2,2]", np.complex128, (2, 2)),
])
def test_arrays(text: str, dtype: type, shape: tuple[int, ...]) -> None:
    a = reading(text)
    assert isinstance(a, np.ndarray)
    assert (a.dtype, a.shape) == (np.dtype(dtype), shape)


def test_an_empty_shape_is_a_numpy_scalar() -> None:
    assert isinstance(reading("f32[]"), np.float32)
    assert isinstance(reading("i64[](3, 4)"), np.int64)
    assert reading("i64[](3, 4)") == 3


@pytest.mark.parametrize("text, value", [
    ("2.0", 2.0), ("-3", -3), ("True", True), ("None", None), ("'axis'", "axis"), ("1+2j", 1 + 2j), ("-inf", -np.inf),
    ("1e-3", 1e-3),
])
def test_literals_keep_their_python_type(text: str, value: Any) -> None:
    assert reading(text) == value
    assert type(reading(text)) is type(value)


def test_containers() -> None:
    layers = reading("[(f64[3,4], f64[4]), (f64[4,2], f64[2])]")
    assert [tuple(a.shape for a in layer) for layer in layers] == [((3, 4), (4,)), ((4, 2), (2,))]
    assert describe(layers) == "[(f64[3,4], f64[4]), (f64[4,2], f64[2])]"
    assert describe(reading("{'w': f32[2], 'on': True}")) == "{'w': f32[2], 'on': True}"


def test_bounds() -> None:
    a = reading("f64[1000](0.5, 2)")
    assert 0.5 <= a.min() < 0.6
    assert 1.9 < a.max() <= 2
    assert set(reading("i64[200](0, 3)")) == {0, 1, 2}


def test_a_seed_gives_the_same_data() -> None:
    assert np.array_equal(reading("f64[5]"), reading("f64[5]"))
    assert not np.array_equal(reading("f64[5]"), read("f64[5]", np.random.default_rng(1)))


def test_a_file(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.arange(3.0))
    assert np.array_equal(reading(str(tmp_path / "a.npy")), np.arange(3.0))


@pytest.mark.parametrize("text", [
    "", "f65[3]", "f64[", "f64[-1]", "f64[n]", "f64[1.5]", "f64[2][3]", "f64[3](2)", "f64[3](1, 2, 3)", "i64[3](5, 5)",
    "f64[3](2, 1)", "u8[3](0, 300)", "__import__('os')", "a.b", "1 + 2", "none.npy", "{**f64[2]}", "[*f64[2]]",
    "f64[2:3]", "-'a'", "f64[True]",
])
def test_what_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"cannot (read|draw)"):
        reading(text)
