"""scipy.spatial.transform of traced numbers: values against SciPy, derivatives against differences and each other."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation, Slerp

import gradjit as gj

V = np.random.default_rng(0).normal(size=(5, 3))
AXIS, FIXED = np.array([0.1, 0.2, 0.3]), Rotation.from_rotvec([0.3, 0.1, -0.2])
NINE, THREE = np.arange(9.0).reshape(3, 3), np.array([1.0, 2.0, 4.0])
ORDERS = ("xyz", "XYZ", "zyx", "ZYX", "zxz", "YXY")


def integrated(s):
    r, total = Rotation.identity(), 0.0
    for k in range(30):
        r = r * Rotation.from_rotvec(AXIS * s * k * 0.01)
        total = total + r.apply([1.0, 0, 0])[1]
    return total


CASES = {
    **{f"from {seq}": lambda s, seq=seq: np.sum(Rotation.from_euler(seq, [0.1 * s, 0.4, 0.3 * s]).as_matrix() * NINE)
       for seq in ORDERS},
    **{f"as {seq}": lambda s, seq=seq: np.sum(Rotation.from_rotvec(V * s * 1.5).as_euler(seq, degrees=True) * V)
       for seq in ORDERS},
    "one axis": lambda s: Rotation.from_euler("x", s).as_matrix()[1, 2],
    "rotation vector": lambda s: Rotation.from_rotvec(AXIS * s).apply([1.0, 2, 3]) @ THREE,
    "small angles": lambda s: Rotation.from_rotvec(AXIS * s * 1e-4).as_rotvec() @ THREE * 1e4,
    "many": lambda s: np.sum(Rotation.from_rotvec(V * s).apply(V) * V),
    "many vectors": lambda s: np.sum(Rotation.from_rotvec(V * s * 2).as_rotvec()),
    "products": lambda s: (Rotation.from_rotvec(AXIS * s) * Rotation.from_euler("z", 30, degrees=True) * FIXED
                           ).as_rotvec() @ THREE,
    "from the left": lambda s: (FIXED * Rotation.from_rotvec(AXIS * s)).inv().as_quat() @ np.arange(4.0),
    "matrices": lambda s: np.sum(Rotation.from_matrix(Rotation.from_rotvec(V * s * 2).as_matrix()
                                                      ).as_quat(canonical=True)),
    "from outside": lambda s: FIXED.apply(AXIS * s) @ THREE,
    "power": lambda s: (Rotation.from_rotvec(AXIS * s) ** 0.5).magnitude(),
    "between": lambda s: np.sum(Slerp([0, 1.0, 2], Rotation.from_rotvec(NINE * s))([0.2, 1.5]).as_matrix() * NINE),
    "at a time": lambda s: np.sum(Slerp([0, 1.0, 2], Rotation.from_rotvec(NINE))(1.5 * s).as_rotvec()),
    "mean": lambda s: np.sum(Rotation.from_rotvec(V * s * 0.3).mean().as_matrix() * NINE),
    "modified Rodrigues": lambda s: Rotation.from_mrp(AXIS * s).as_mrp() @ THREE,
    "scalar first": lambda s: Rotation.from_quat([1, 0.2 * s, 0.3, 0.4], scalar_first=True).as_quat(
        scalar_first=True) @ np.arange(4.0),
    "in a loop": integrated,
}


@pytest.mark.thinned
@pytest.mark.parametrize("name", CASES)
def test_case(name):
    f, h = CASES[name], 1e-6
    value, slope = gj.value_and_grad(f)(0.83)
    assert value == pytest.approx(f(0.83), rel=1e-10)
    assert slope == pytest.approx((f(0.83 + h) - f(0.83 - h)) / (2 * h), rel=1e-5, abs=1e-7)
    assert gj.jvp(f, (0.83,), (1.0,))[1] == pytest.approx(slope, rel=1e-9, abs=1e-12)


def test_rotations_come_out_as_scipys():
    made = gj.jit(lambda v: Rotation.from_rotvec(v))(AXIS)
    assert isinstance(made, Rotation)
    np.testing.assert_allclose(made.as_rotvec(), AXIS)


def test_the_unit_has_a_derivative():
    np.testing.assert_allclose(gj.jacobian(lambda v: Rotation.from_rotvec(v).as_rotvec())(np.zeros(3)), np.eye(3))


def test_what_is_refused():
    with pytest.raises(gj.UnsupportedError, match="Rotation.as_davenport of traced numbers is not supported; as_quat"):
        gj.jit(lambda v: Rotation.from_rotvec(v).as_davenport([1, 0, 0], "extrinsic"))(AXIS)
    with pytest.raises(ValueError, match="Expected consecutive axes to be different"):
        gj.jit(lambda v: Rotation.from_euler("xx", v).as_quat())(AXIS[:2])
