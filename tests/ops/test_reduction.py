"""Reductions and scans."""

from __future__ import annotations

import numpy as np
import pytest

import gradjit as gj
from gradjit.ir import OPS
from tests.ops.harness import Case, check

RNG = np.random.default_rng(7)
V, M, T = RNG.uniform(-2, 2, 5), RNG.uniform(-2, 2, (3, 4)), RNG.uniform(-2, 2, (2, 3, 4))
ZEROS = np.array([[1.5, 0.0, -2.0, 0.5], [0.0, 1.1, 0.0, 2.0], [0.7, -1.0, 2.0, 0.3]])
AXES = ((V, (0,)), (M, (0,)), (M, (1,)), (M, (0, 1)), (T, (1,)), (T, (0, 2)), (T, ()), (np.array(1.5), ()))
REDUCED = {"sum": np.sum, "prod": np.prod, "max": np.max, "min": np.min}
SCANNED = {"cumsum": np.cumsum, "cumprod": np.cumprod}


def reduced(op: str, x: np.ndarray, axes: tuple[int, ...], **known: object) -> Case:
    return Case(op, (x,), {"axes": axes}, lambda x: np.asarray(REDUCED[op](x, axis=axes)), note=f"axes{axes}", **known)


def scanned(op: str, x: np.ndarray, axis: int, reverse: bool) -> Case:
    def reference(x: np.ndarray) -> np.ndarray:
        return np.flip(SCANNED[op](np.flip(x, axis), axis=axis), axis) if reverse else SCANNED[op](x, axis=axis)

    return Case(op, (x,), {"axis": axis, "reverse": reverse}, reference, note=f"axis{axis}{'reverse' * reverse}")


CASES = [
    *(reduced(op, x, axes) for op in REDUCED for x, axes in AXES),
    # Zeros among the factors: none, one and two of them in a row. No finite difference hides them.
    *(reduced("prod", ZEROS, axes) for axes in ((0,), (1,), (0, 1))),
    reduced("sum", np.zeros((3, 0)), (1,)), reduced("prod", np.zeros((0, 2)), (0,)),
    *(scanned(op, x, axis, reverse) for op in SCANNED for x, axis in ((V, 0), (M, 1), (T, 1), (T[:, :1], 1))
      for reverse in (False, True)),
    *(scanned("cumprod", ZEROS, axis, reverse) for axis in (0, 1) for reverse in (False, True)),
    scanned("cumprod", RNG.uniform(0.5, 1.5, 9), 0, False), scanned("cumsum", np.zeros((0, 2)), 0, True),
    *(Case(op, (M,), {"axis": axis}, lambda x, f=f, axis=axis: f(x, axis=axis), smooth=False)
      for op, f in (("argmax", np.argmax), ("argmin", np.argmin)) for axis in (0, 1)),
    *(Case(op, (M > t,), {"axes": axes}, lambda x, f=f, axes=axes: np.asarray(f(x, axis=axes)), note=f"{axes}")
      for op, f in (("any", np.any), ("all", np.all)) for axes in ((0,), (1,), (0, 1)) for t in (-1.9,)),
    Case("sum", (np.arange(6).reshape(2, 3),), {"axes": (1,)}, lambda x: x.sum(axis=1), note="int"),
]


@pytest.mark.thinned
@pytest.mark.parametrize("case", CASES, ids=lambda c: c.id)
def test_operation(case: Case) -> None:
    check(case)


def test_every_reduction_has_a_case() -> None:
    assert {name for name, s in OPS.items() if s.family == "reduction"} == {c.op for c in CASES}


SIGNED_ZEROS = [np.array([-0.0, -0.0, 1.0, -1.0, -0.0]), np.array([[-0.0, 1.0], [-0.0, -1.0]]), np.full(300_000, -0.0)]


@pytest.mark.parametrize("x", SIGNED_ZEROS, ids=lambda x: str(x.shape))
@pytest.mark.parametrize("axis", [0, -1])
def test_scans_keep_the_sign_of_a_first_zero(x: np.ndarray, axis: int) -> None:
    """As NumPy's, in chunks too; a sum begins at 0."""
    for scan in (np.cumsum, np.add.accumulate, np.nancumsum):
        expected = scan(x, axis=axis)
        np.testing.assert_array_equal(np.signbit(gj.jit(lambda v, scan=scan: scan(v, axis=axis))(x)),
                                      np.signbit(expected))
    assert np.array_equal(np.signbit(gj.jit(lambda v: np.sum(v, axis=axis))(x)), np.signbit(np.sum(x, axis=axis)))
