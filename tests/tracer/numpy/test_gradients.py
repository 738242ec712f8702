"""Derivatives of NumPy's functions, composed of operations, against finite differences.

Not the operations' rules are tested here (tests/ops does that), but the compositions: that no side which is not taken
gives nan, that nothing is cut off from its argument,
that what is smooth is smooth at the places where its formula is not.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest
import scipy.special as sp

from gradjit.ir import Func, interpret
from gradjit.passes.jvp import jvp
from gradjit.passes.vjp import reverse
from gradjit.tracer.trace import trace

_rng = np.random.default_rng(3)


def r(*shape: int) -> np.ndarray:
    return _rng.normal(size=shape)


def p(*shape: int) -> np.ndarray:
    return _rng.uniform(0.3, 2.0, size=shape)


V, W, A, B, S, T = r(7), r(5), r(3, 4), r(4, 5), r(4, 4), r(2, 3, 4)
P, PA, W4, MASK = p(7), p(3, 4), p(4), A > 0
N = A.copy()
N[0, 1] = N[2, 3] = np.nan

CASES: list[tuple[Any, ...]] = [
    (lambda x: np.power(x, 3), P), (lambda x: np.power(x, 2.5), P), (lambda x, y: x**y, P, p(7)),
    (lambda x, y: np.float_power(x, y), P, p(7)),
    (lambda x: x/2-x%0.7, P), (lambda x: np.fmod(x, 0.7), P), (lambda x, y: np.hypot(x, y), V, r(7)),
    (lambda x, y: np.arctan2(x, y), V, r(7)), (lambda x, y: np.logaddexp(x, y), V, r(7)),
    (lambda x, y: np.logaddexp2(x, y), V, r(7)),
    (np.sinc, V), (np.sinc, np.array([0.0, 1e-9, 0.01, 0.03, 0.5])), (lambda x: np.heaviside(x, 0.5), V),
    (lambda x: np.ldexp(x, 3), V), (lambda x: np.modf(x), V), (np.spacing, V), (np.deg2rad, V),
    (lambda x: np.copysign(x, -1), V), (np.reciprocal, P), (np.square, V), (np.cbrt, P),
    (lambda x: np.clip(x, -.5, .5), V), (lambda x: np.round(x, 1)*x, V), (lambda x: np.nan_to_num(x/1.0), V),
    (lambda x: np.select([x<0, x>1], [x*x, np.sqrt(np.abs(x))], x), V),
    (lambda x: np.piecewise(x, [x<0, x>0], [lambda t: t*t, lambda t: np.log(t)]), V),
    (lambda x: np.where(x>0, np.log(x), x), V), (lambda x: np.maximum(x, 0)*x, V), (lambda x: np.fmax(x, 0.1), V),
    (lambda x: np.sum(x, axis=(0, 2)), T), (lambda x: np.prod(x, axis=1), T),
    (lambda x: np.mean(x, 1, keepdims=True), T), (lambda x: np.var(x, ddof=1), A), (lambda x: np.std(x, axis=0), A),
    (lambda x: np.max(x, 1), A), (lambda x: np.min(x, initial=0.), A), (lambda x: np.ptp(x, 0), A),
    (lambda x: np.cumsum(x), A), (lambda x: np.cumprod(x, axis=1), PA),
    (lambda x: np.cumulative_sum(x, axis=0, include_initial=True), A),
    (lambda x: np.sum(x, where=MASK, initial=3.), A), (lambda x: np.var(x, where=MASK), A),
    (lambda x: np.average(x, axis=1, weights=PA), A), (lambda w: np.average(A, weights=w), PA), (np.median, A),
    (lambda x: np.median(x, 0), A), (lambda x: np.percentile(x, [10, 33, 80], axis=1), A),
    (lambda x, q: np.quantile(x, q), V, np.array([.21, .77])),
    (np.nansum, N), (lambda x: np.nanmean(x, 1), N), (lambda x: np.nanvar(x, 1), N), (lambda x: np.nanstd(x), N),
    (lambda x: np.nanmax(x, 0), N), (lambda x: np.nanmedian(x, 1), N), (lambda x: np.nanpercentile(x, 40), N),
    (np.cov, A), (np.corrcoef, A), (lambda x: np.cov(x, aweights=W4), A),
    (lambda x: np.logaddexp.reduce(x, axis=1), A), (lambda x: np.hypot.reduce(x), A),
    (lambda x: np.maximum.accumulate(x, axis=1), A), (lambda x: np.logaddexp.accumulate(x), V),
    (lambda x: np.subtract.reduce(x), A), (lambda x: np.divide.reduce(x), PA), (lambda x: np.multiply.outer(x, x), V),
    (lambda x: np.add.reduceat(x, [0, 3, 1]), V), (lambda x: np.subtract.accumulate(x), A), (np.power.reduce, PA[0]),
    (lambda y: np.polyfit(W, y, 1), W ** 2), (lambda w: np.histogram2d(V, V, 2, weights=w)[0], V),
    (lambda x: np.reshape(x, (4, 6), order='F'), T), (lambda x: np.rot90(x, 3), A),
    (lambda x: np.roll(x, (1, 2), (0, 1)), A), (lambda x: np.tile(x, (2, 2)), A),
    (lambda x: np.repeat(x, [1, 0, 2], axis=0), A), (lambda x: np.resize(x, (5, 5)), A), (lambda x: np.diag(x, 1), V),
    (lambda x: np.diag(x, -1), S), (np.diagflat, A), (lambda x: np.tril(x, -1), T), (lambda x: np.trace(x, 1), A),
    (lambda x: np.moveaxis(x, 0, 2), T), (lambda x: np.apply_along_axis(np.cumsum, 1, x), A),
    (lambda x, y: np.concatenate([x, y, x]), V, W), (lambda x, y: np.block([[x, y], [y, x]]), A, r(3, 4)),
    (lambda x: np.split(x, [2, 3]), V),
    *[(lambda x, m=m: np.pad(x, ((2, 1), (1, 3)), mode=m), A)
      for m in ("constant", "edge", "reflect", "symmetric", "wrap", "linear_ramp", "maximum", "mean", "median")],
      (lambda x, c: np.pad(x, 1, constant_values=c), A, np.array(2.)), (lambda x: np.delete(x, [1, 3]), V),
      (lambda x, v: np.insert(x, [1, 3], v), V, r(2)),
    (lambda a, b: np.linspace(a, b, 7), np.array([1., 2.]), np.array([3., 5.])),
    (lambda a, b: np.logspace(a, b, 5), np.array(.1), np.array(.7)),
    (lambda a, b: np.geomspace(a, b, 5), np.array(.1), np.array(.7)), (lambda x: np.vander(x, 4), V),
    (lambda x, y: np.meshgrid(x, y), V, W), (lambda v: np.full((2, 3), v), np.array(2.)),
    (lambda x: np.take(x, np.array([[0, 3], [3, 1]])), V), (lambda x: np.take_along_axis(x, np.argsort(x, 1), 1), A),
    (lambda x: np.choose(np.array([0, 1, 0, 1]), [x[0], x[1]]), A),
    (lambda x: np.compress([True, False, True], x, axis=0), A), (lambda x: x[::-1, [0, 0, 2]], A),
    (lambda x: x[MASK], A), (lambda x: np.sort(x, 0), A), (lambda x: np.partition(x, 2), V),
    (lambda w: np.bincount(np.array([0, 1, 1, 3]), weights=w), r(4)),
    (lambda w: np.histogram(V, 4, (-1, 1), weights=w)[0], r(7)),
    (lambda x: np.diff(x, 2, axis=1, prepend=0), A), (lambda x: np.ediff1d(x, to_end=3.), V),
    (lambda x, s: np.gradient(x, s), V, np.array(.5)), (lambda x, s: np.gradient(x, np.cumsum(s), edge_order=2), V, P),
    (lambda d: np.fft.fftfreq(5, d[0]) * np.fft.rfftfreq(8, d=d[1]), P),
    (lambda x: np.gradient(x), A), (lambda y, x: np.trapezoid(y, np.cumsum(x)), V, P), (np.unwrap, 3*V),
    (lambda x, xp, fp: np.interp(x, np.cumsum(xp), fp), np.array([.5, 1.2, 2.2, 9.]), P, V),
    (lambda x, fp: np.interp(x, np.arange(40.), fp), np.array([.5, 1.2, 20.2, 39.9, 50]), r(40)),
    (lambda x, y: np.convolve(x, y), V, W), (lambda x, y: np.convolve(x, y, 'same'), r(40), r(20)),
    (lambda x, y: np.correlate(x, y, 'full'), V, W), (lambda c, x: np.polyval(c, x), V, W), (np.poly, V),
    (lambda c: np.polyint(c, 2), V), (lambda a, b: np.polymul(a, b), V, W),
    (lambda x, y: x@y, A, B), (lambda x, y: x@y, r(2, 3, 4), r(4, 5)), (lambda x, y: x@y, r(5, 1, 3, 4), r(2, 4, 5)),
    (lambda x, y: x@y, V, r(7, 3)), (lambda x, y: np.dot(x, y), T, r(5, 4, 2)),
    (lambda x, y: np.inner(x, y), A, r(2, 4)), (lambda x, y: np.tensordot(x, y, ([1, 2], [1, 0])), T, r(4, 3)),
    (lambda x, y: np.kron(x, y), A, B), (lambda x, y: np.cross(x, y), r(4, 3), r(3)),
    (lambda x: np.linalg.matrix_power(x, 5), S), (lambda a, b, c: np.linalg.multi_dot([a, b, c]), A, B, r(5, 2)),
    (lambda x: np.linalg.norm(x), A), (lambda x: np.linalg.norm(x, 3, axis=0), A), (lambda x: np.linalg.norm(x, 1), A),
    (lambda x: np.linalg.norm(x, np.inf), V),
    *[(lambda *xs, s=s: np.einsum(s, *xs), *xs) for s,
      xs in (("ij,jk->ki", (A, B)), ("ii->i", (S,)), ("ij,ij->j", (A, A*2)), ("i,ij,j", (r(3), A, r(4))),
             ("bij,bjk->ik", (r(2, 3, 4), r(2, 4, 5))), ("...ij,...jk", (r(5, 1, 3, 4), r(2, 4, 5))),
             ("aab,bc->ac", (r(3, 3, 2), r(2, 4))), ("ij,jk,kl,lm->im", (A, B, r(5, 4), r(4, 5))),
             ("ab,cd->abcd", (A, B)), ("ij,jk->ik", (r(3, 1), r(4, 2))))],
    (sp.erf, V), (sp.erfc, V), (sp.erfinv, np.tanh(V)), (sp.expit, V), (sp.log_expit, V), (sp.logit, sp.expit(V)),
    (sp.gammaln, P), (sp.digamma, P), (lambda x: sp.polygamma(1, x), P), (sp.ndtr, V), (sp.entr, P),
    (sp.xlogy, P, p(7)), (lambda x: sp.xlogy(x, 2.), np.array([0., .5])), (sp.xlog1py, P, p(7)),
    (sp.rel_entr, P, p(7)), (sp.kl_div, P, p(7)), (sp.huber, p(7)*.5, V), (sp.pseudo_huber, p(7), V),
    (lambda r_: sp.pseudo_huber(1., r_), np.array([0., 1e-8, .1])), (sp.boxcox, P, V),
    (lambda x, l: sp.boxcox(x, l), P, np.zeros(7)),
    (lambda x, l: sp.inv_boxcox(x, l), P, np.array([0., 1e-9, .01, .03, .1, .5, 1])), (sp.inv_boxcox1p, P, p(7)),
    (sp.boxcox1p, P, V), (sp.exprel, np.array([0., 1e-9, .1, .2, .5, -1.])), (sp.exp10, V), (sp.cosm1, V),
    (sp.logsumexp, A), (lambda x: sp.logsumexp(x, axis=1, b=PA), A), (lambda x, b: sp.logsumexp(x, b=b), A, PA),
    (lambda x: sp.softmax(x, axis=0), A), (lambda x: sp.log_softmax(x, axis=1), A),
    (lambda x: sp.multigammaln(x+3, 3), P),
    (lambda x: np.sum(np.log(x[x>0])), V), (lambda x: x[x>0].std(), V), (lambda x: np.max(x[x<0]), V),
]

def name_of(case: tuple[Any, ...]) -> str:
    code = getattr(case[0], "__code__", None)
    return "-".join(code.co_names) if code else case[0].__name__


def moved(f: Func, values: list[np.ndarray], direction: list[np.ndarray], step: float) -> list[np.ndarray]:
    """The results with the leading arguments moved along a direction."""
    ends = [v + step * d for v, d in zip(values, direction, strict=False)] + values[len(direction):]
    return [np.asarray(o, float) for o in interpret(f, ends)]


def quotients(f: Func, values: list[np.ndarray], direction: list[np.ndarray], step: float = 1e-5) -> list[np.ndarray]:
    """Central differences along a direction, of fourth order."""
    far, near = (
        [(a - b) / (2 * h) for a, b in zip(moved(f, values, direction, h), moved(f, values, direction, -h),
                                           strict=True)]
        for h in (2 * step, step))
    return [(4 * b - a) / 3 for a, b in zip(far, near, strict=True)]


def close(got: list[np.ndarray], expected: list[np.ndarray], what: str) -> None:
    for g, e in zip(got, expected, strict=True):
        np.testing.assert_allclose(g, e, rtol=2e-5, atol=2e-6, err_msg=what)


@pytest.mark.parametrize("case", [pytest.param(c, id=f"{k}-{name_of(c)}") for k, c in enumerate(CASES)])
def test_derivatives(case: tuple[Any, ...]) -> None:
    """Along a random direction: forward mode, reverse mode against a random cotangent, and forward over reverse."""
    f, *args = case
    t = trace(functools.partial(f), args, {})
    values = [np.asarray(a) for a in (*args, *(c.array for c in t.captured))]
    wrt = list(range(len(args)))
    rng = np.random.default_rng(5)
    direction = [np.asarray(rng.normal(size=values[k].shape)) for k in wrt]
    quotient = quotients(t.func, values, direction)
    count = len(quotient)
    close(interpret(jvp(t.func, wrt), [*values, *direction])[count:], quotient, "forward mode")
    cotangents = [np.asarray(rng.normal(size=q.shape)) for q in quotient]
    back = reverse(t.func, wrt)
    gradients = interpret(back, [*values, *cotangents])[count:]
    pulled = sum(np.sum(g * d) for g, d in zip(gradients, direction, strict=True))
    pushed = sum(np.sum(c * q) for c, q in zip(cotangents, quotient, strict=True))
    close([np.asarray(pulled)], [np.asarray(pushed)], "reverse mode")
    second = interpret(jvp(back, wrt), [*values, *cotangents, *direction])[2 * count + len(wrt):]
    close(second, quotients(back, [*values, *cotangents], direction)[count:], "second order")
