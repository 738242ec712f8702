"""Arrays that the cases of all families use."""

from __future__ import annotations

import numpy as np

_rng = np.random.default_rng(7)

V = _rng.normal(size=7)
W = _rng.normal(size=5)
A = _rng.normal(size=(3, 4))
B = _rng.normal(size=(4, 5))
S = _rng.normal(size=(4, 4))
T = _rng.normal(size=(2, 3, 4))
F = A.astype("f")
IV = np.array([3, -1, 4, 1, -5, 9, 2])
IA = _rng.integers(-9, 9, size=(3, 4))
SMALL = IA.astype("b")
UNSIGNED = np.abs(IA).astype("B")
M = A > 0
NANS = np.array([[1.0, np.nan, 3.0, -2.0], [np.nan, np.nan, np.nan, np.nan], [0.5, -7.0, np.inf, 2.0]])
SOME_NANS = np.array([[1.0, np.nan, 3.0, -2.0], [4.0, np.nan, 0.25, 8.0], [0.5, -7.0, 6.0, 2.0]])
EMPTY = np.zeros((0, 3))
ZERO_D = np.array(2.5)
TIES = np.array([[1.0, 3.0, 3.0], [2.0, 2.0, 1.0]])
C = A + 1j * _rng.normal(size=(3, 4))
