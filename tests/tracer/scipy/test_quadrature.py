"""scipy.integrate's adaptive integrals: values against SciPy's, gradients by what is read and by the limits."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.integrate as sq

import gradjit as gj
from tests.tracer.scipy.calls import Call, check_gradients

INTEGRALS: dict[str, Call] = {
    "peak": lambda s: sq.quad(lambda t: 1 / ((t - 0.3) ** 2 + 0.01 * s), 0.0, s)[0],
    "branch": lambda s: sq.quad(lambda t: t * s if t < 0.5 else s * s, 0, 1)[0],
    "both ends far": lambda s: sq.quad(lambda t: np.exp(-s * t * t + 0.3 * t), -np.inf, np.inf)[0],
    "from far": lambda s: sq.quad(lambda t, k: np.exp(k * t), -np.inf, s, args=(s,))[0],
    "to far": lambda s: sq.quad(lambda t: np.exp(-s * t * t), 0, np.inf)[0],
    "backwards": lambda s: sq.quad(lambda t: np.exp(-s * t * t), np.inf, s)[0],
    "root": lambda s: sq.quad(lambda t: np.sqrt(t) * s, 0.0, 1.0, epsabs=1e-12)[0],
    "kinks": lambda s: sq.quad(lambda t: np.abs(t - 0.3) * np.abs(t - 0.6) * s, 1.0, 0.0, points=[0.6, 0.3, 4.0])[0],
    "weighed": lambda s: sq.quad(lambda t: np.exp(-s * t), 0, s, weight="cos", wvar=5.0 * s)[0],
    "complex": lambda s: np.abs(sq.quad(lambda t: np.exp(1j * s * t), 0, 1, complex_func=True)[0]),
    "vector": lambda s: np.sum(sq.quad_vec(lambda t: np.exp(-s * t * np.array([[1.0, 2.0], [0.3, s]])), 0.0, s)[0]),
    "plane": lambda s: sq.dblquad(lambda y, x: np.exp(-s * x * y), 0, s, lambda x: x, lambda x: 2 * x)[0],
    "box": lambda s: sq.nquad(lambda x, y, k: np.exp(-k * x) * y, [(0, s), (0, 1)], args=(s,))[0],
}


QUICK = ("peak", "both ends far", "vector")


@pytest.mark.parametrize("name", [pytest.param(n, marks=[] if n in QUICK else [pytest.mark.slow]) for n in INTEGRALS])
def test_integrals(name: str) -> None:
    f = INTEGRALS[name]
    value, slope = gj.value_and_grad(f)(1.3)
    np.testing.assert_allclose(value, f(1.3), rtol=1e-10)
    h = 1e-5
    np.testing.assert_allclose(slope, (f(1.3 + h) - f(1.3 - h)) / (2 * h), rtol=1e-6, atol=1e-7)


def test_the_error_is_an_estimate_and_forward_mode_agrees() -> None:
    value, error = gj.jit(lambda s: sq.quad(lambda t: np.cos(s * t), 0, 1))(2.0)
    assert abs(value - np.sin(2.0) / 2) <= error < 1e-10
    check_gradients([lambda s: sq.quad(lambda t: np.cos(s * t), 0, 1)[0]], [2.0])


def test_what_is_refused() -> None:
    with pytest.raises(gj.UnsupportedError, match=r"scipy.integrate.quad is not supported: with weight='alg'"):
        gj.jit(lambda s: sq.quad(lambda t: s * t, 0, 1, weight="alg", wvar=(0.5, 0.5))[0])(1.0)
