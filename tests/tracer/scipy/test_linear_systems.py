"""scipy.signal's linear systems: values against SciPy, derivatives against differences and each other."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.signal as sg

import gradjit as gj

T = np.linspace(0, 3, 31)
U, W = np.sin(2 * T), np.arange(31.0)
A, B, C, D = np.array([[0, 1.0], [-2, -0.5]]), np.array([[0], [1.0]]), np.array([[1.0, 0.5]]), np.array([[0.2]])
OUTSIDE = sg.lti([1.0, 0.3], [1.0, 0.4, 2.0])
CASES = {
    "lsim": lambda s: sg.lsim(([1.0, s], [1.0, s, 2.0]), U, T)[1] @ W,
    "lsim, first order": lambda s: sg.lsim(([2.0], [s, 1.0]), U, T)[1] @ W,
    "lsim, states": lambda s: sg.lsim((A * s, B, C, D), U * s, T, X0=[s, 1.0])[1] @ W,
    "lsim, held": lambda s: np.sum(sg.lsim((A * s, B, C, D), U, T, interp=False)[2]),
    "lsim, from outside": lambda s: sg.lsim(OUTSIDE, U * s, T)[1] @ W,
    "step": lambda s: sg.step(([1.0], [1.0, 0.4 * s, 2.0]), T=T)[1] @ W,
    "step of data": lambda s: sg.step(([1.0], [1.0, 0.4, 2.0]), T=T)[1] @ W * s,
    "impulse": lambda s: sg.impulse(([1.0], [1.0, 0.4 * s, 2.0]), T=T)[1] @ W,
    "sampled": lambda s: sum(np.sum(m) for m in sg.cont2discrete((A * s, B, C, D), 0.1)[:4]),
    "sampled, bilinear": lambda s: sum(np.sum(m) for m in sg.cont2discrete((A, B, C, D), 0.1 * s, "bilinear")[:4]),
    "dlsim": lambda s: sg.dlsim((np.eye(2) + 0.1 * A * s, B, C, D, 0.1), U)[1][:, 0] @ W,
    "freqs": lambda s: np.sum(np.abs(sg.freqs([1.0, s], [1.0, s, 2.0], worN=[0.5, 1.0, 2.0])[1])),
}


@pytest.mark.thinned
@pytest.mark.parametrize("name", CASES)
def test_case(name):
    f, h = CASES[name], 1e-6
    value, slope = gj.value_and_grad(f)(0.83)
    assert value == pytest.approx(f(0.83))
    assert slope == pytest.approx((f(0.83 + h) - f(0.83 - h)) / (2 * h), rel=1e-6)
    assert gj.jvp(f, (0.83,), (1.0,))[1] == pytest.approx(slope, rel=1e-9)


def test_what_is_refused():
    with pytest.raises(gj.UnsupportedError, match="step of a traced system wants T=: SciPy chooses times by the poles"):
        gj.jit(lambda s: sg.step(([1.0], [s, 1.0]))[1])(1.0)
