"""scipy.special against SciPy."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.special as sp

import gradjit as gj
from tests.tracer.numpy.arrays import IA, NANS, A, F, T, V
from tests.tracer.numpy.harness import Case, by_function, case, check_all

X = np.array([-5.5, -1.0, -0.3, 0.0, 1e-8, 0.3, 0.5, 1.0, 2.5, 30.0, np.inf, -np.inf, np.nan])
P = np.array([0.0, 1e-300, 1e-9, 0.2, 0.29, 0.5, 0.500001, 0.71, 0.999999, 1.0, np.nan, -0.1, 1.1])
POSITIVE = np.array([1e-5, 0.3, 1.0, 1.5, 2.0, 7.25, 170.5])

UFUNCS = [
    *(case(f, x, _tolerance=2e-13) for f in (sp.erf, sp.erfc, sp.expit, sp.log_expit, sp.ndtr, sp.entr, sp.exprel,
                                             sp.exp2, sp.exp10, sp.expm1, sp.cbrt, sp.round, sp.gammasgn,
                                             sp.gammaln) for x in (X, IA, F, 0.5)),
    *(case(f, x, _tolerance=2e-13) for f in (sp.logit, sp.erfinv, sp.log1p) for x in (P, P.astype("f"), 0.3)),
    *(case(f, x, _tolerance=1e-12) for f in (sp.digamma, sp.psi, sp.gammaln) for x in (POSITIVE, POSITIVE.astype("f"))),
    case(sp.cosm1, np.array([0.0, 1e-9, 0.1, 1.0, 3.0]), _tolerance=5e-13),
    *(case(f, x, y, _tolerance=1e-12) for f in (sp.xlogy, sp.xlog1py, sp.rel_entr, sp.kl_div, sp.huber,
                                                sp.pseudo_huber) for x,
                                                y in ((X, X[::-1]), (X, np.ones(13)), (np.zeros(13), X), (F, 2.0),
                                                      (IA, IA.T[:1].T), (np.abs(X), np.abs(X[::-1])))),
    *(case(f, POSITIVE, y, _tolerance=1e-12) for f in (sp.boxcox, sp.boxcox1p) for y in (0.0, 1.0, 0.3, -2.0)),
    *(case(f, np.array([-0.3, 0.0, 0.7, 1.9]), y, _tolerance=1e-12) for f in (sp.inv_boxcox, sp.inv_boxcox1p)
      for y in (0.0, 1.0, 0.3, 2.0)),
    case(sp.expit, np.float32(0.3)),
    *(case(f, x) for f in (sp.gamma, sp.j0, sp.i1e, sp.erfcx, sp.sici, sp.airy) for x in (X, F, IA, 0.5)),
    *(case(f, v, x) for f in (sp.jv, sp.gammainc, sp.kn, sp.eval_legendre) for v in (2, 1.5, IA)
      for x in (A, F, np.float32(0.4))),
    case(sp.bdtr, 2, 5, F[:1]), case(sp.betainc, 2.0, IA[:1], F[:1]), case(sp.eval_hermite, 3, F),
]

ALONG_AXES = [
    *(case(f, x, axis=a) for f in (sp.logsumexp, sp.softmax, sp.log_softmax) for x in (A, T, F, 50 * A)
      for a in (None, 0, -1, (0, 1))), *(case(f, IA) for f in (sp.logsumexp, sp.softmax, sp.log_softmax)),
      *(case(f, NANS, axis=1) for f in (sp.logsumexp, sp.softmax, sp.log_softmax)),
    case(sp.logsumexp, A, axis=1, keepdims=True), case(sp.logsumexp, A, b=np.abs(A)),
    case(sp.logsumexp, A, axis=0, b=A, return_sign=True, _tolerance=1e-12), case(sp.logsumexp, A, b=2.0),
    case(sp.logsumexp, A, axis=0, b=A, _tolerance=1e-12), case(sp.logsumexp, np.array([0.0, -50.0])),
    case(sp.logsumexp, np.array([-np.inf, -np.inf])),
    case(sp.logsumexp, np.array([np.inf, 1.0])), case(sp.logsumexp, V, b=np.zeros(7)),
    case(sp.logsumexp, np.zeros((0, 3)), axis=0),
    case(sp.logsumexp, np.array([1.0, 2.0]), b=np.array([1.0, -1.0]), return_sign=True),
    case(sp.logsumexp, [1.0, 2.0]), case(sp.logsumexp, 1000 + A), case(sp.logsumexp, -1000 + A, axis=0),
    *(case(sp.polygamma, n, POSITIVE, _tolerance=1e-12) for n in (0, 1, 2)), case(sp.multigammaln, 5.5, 3),
    case(sp.multigammaln, np.array([3.5, 9.0]), 2), case(sp.softplus, X),
]


@pytest.mark.parametrize("cases", by_function(UFUNCS))
def test_ufunc(cases: list[Case]) -> None:
    check_all(cases)


@pytest.mark.parametrize("cases", by_function(ALONG_AXES))
def test_along_axes(cases: list[Case]) -> None:
    check_all(cases)


def test_kaisers_window_of_a_traced_shape():
    for n in (0, 1, 5, 6):
        np.testing.assert_allclose(gj.jit(lambda b, n=n: np.kaiser(n, b))(3.2), np.kaiser(n, 3.2), rtol=1e-14)
    h = 1e-6
    difference = np.sum(np.kaiser(5, 3.2 + h) ** 2 - np.kaiser(5, 3.2 - h) ** 2) / (2 * h)
    np.testing.assert_allclose(gj.grad(lambda b: np.sum(np.kaiser(5, b) ** 2))(3.2), difference, rtol=1e-7)
