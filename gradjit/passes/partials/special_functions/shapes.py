"""Incomplete gamma and beta functions by their shape parameters: integrals over the tail that is the smaller one.

Both are integrals of a density times a logarithm. In s, the logarithm (or logit) of the variable beside that of the
bound, the density falls off monotonously from the bound on, in all cases at least as fast as exponentially, and is
smooth on two scales: that of its own width, and that of s where the variable is beside 1. Gauss's rule over the part
where it is above exp(-40) of its value at the bound, in two panels, is exact to some ulp. The rule is one more axis,
over which is summed; higher derivatives are those of the sum.
"""

from __future__ import annotations

import functools

import numpy as np

from ..terms import Term, absolute, call, digamma, exp, gammaln, log, log1p, sqrt, where

NODES = 32
"""In each of the two panels."""
NEAR = 16.0
"""The length of the first panel, where the whole is longer."""
DEPTH = 40.0
"""The logarithm of what is left away."""


class GaussRule:
    """Gauss's rule on [0, extent] as one more axis behind those of `extent`, in two panels."""

    def __init__(self, extent: Term):
        self.extent = extent
        self.shape = (*extent.v.shape, 2 * NODES)
        self.rank = extent.v.type.rank
        near = extent.emit("minimum", NEAR)
        first, position, weight = (self._along(a) for a in _gauss())
        split, rest = self.spread(near), self.spread(extent - near)
        is_first = first > 0.5
        length = where(is_first, split, rest)
        self.nodes = where(is_first, 0, split) + length * position
        self.weights = length * weight

    def _along(self, a: np.ndarray) -> Term:
        b, dtype = self.extent.b, self.extent.v.dtype
        return Term(b, b.broadcast(b.const(a.astype(dtype.np)), shape=self.shape, dims=(self.rank,)))

    def spread(self, x: Term) -> Term:
        """Repeated along the rule's axis."""
        return Term(x.b, x.b.broadcast(x.v, shape=self.shape, dims=tuple(range(self.rank))))

    def sum(self, f: Term) -> Term:
        """The integral of a function that is given at the nodes."""
        return Term(f.b, f.b.sum((f * self.weights).v, axes=(self.rank,)))


@functools.cache
def _gauss() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For both panels: 1 in the first one, places in [0, 1], weights."""
    x, w = np.polynomial.legendre.leggauss(NODES)
    return np.repeat([1.0, 0.0], NODES), np.tile((x + 1) / 2, 2), np.tile(w / 2, 2)


def constant(x: Term) -> Term:
    return x.emit("stop_gradient")


# gamma ----------------------------------------------------------------------------------------------------------------
def gamma_shape(a: Term, x: Term) -> Term:
    """dP(a, x)/da, the integral of t**(a-1) exp(-t) (log t - psi(a)) / Gamma(a) over t < x, or minus that over t > x;
    0 at x = 0 and at infinity."""
    inside = (x > 0).emit("and", x < float("inf"))
    x = where(inside, x, a)
    lower = x <= a
    side = where(lower, a.like(-1), 1)
    rule = GaussRule(constant(_gamma_extent(a, x, lower)))
    s = rule.spread(side) * rule.nodes
    wide_a, wide_x = rule.spread(a), rule.spread(x)
    density = exp(wide_a * s - wide_x * s.emit("expm1"))
    total = rule.sum(density * (s + rule.spread(log(x) - digamma(a))))
    at_bound = exp(a * log(x) - x - gammaln(a))
    return where(inside, -side * at_bound * total, 0)


def _gamma_extent(a: Term, x: Term, lower: Term) -> Term:
    """How far s goes: where a s - x (exp(s) - 1) is -DEPTH, or a little farther."""
    gap = absolute(a - x)
    below = 2 * DEPTH / (gap + sqrt(gap * gap + 4 * DEPTH * 0.367 * x))  # exp(s) - 1 - s > 0.367 s² for -1 < s < 0
    below = where(below < 1, below, (DEPTH + x) / a)
    above = 2 * DEPTH / (gap + sqrt(gap * gap + 2 * DEPTH * x))  # exp(s) - 1 - s > s²/2 for s > 0
    for _ in range(4):  # comes down to the root, as the logarithm is concave
        above = log1p((DEPTH + a * above) / x)
    return where(lower, below, above)


# beta -----------------------------------------------------------------------------------------------------------------
def _softplus(x: Term) -> Term:
    return x.emit("logaddexp", 0)


def beta_shapes(a: Term, b: Term, x: Term, first: bool) -> Term:
    """dI_x(a, b)/da, or by b: the integral of the density times log t - psi(a) + psi(a + b) over t < x, or minus that
    over t > x, where 1 - t takes the place of t and b that of a."""
    inside = (x > 0).emit("and", x < 1)
    x = where(inside, x, a / (a + b))
    lower = x <= a / (a + b)
    p, q = where(lower, a, b), where(lower, b, a)
    logit = log(x) - log1p(-x)
    bound = where(lower, logit, -logit)
    rule = GaussRule(constant(_beta_extent(p, q, bound)))
    place = rule.spread(bound) - rule.nodes
    log_t, log_rest = -_softplus(-place), -_softplus(place)  # of the tail's own variable
    start_t, start_rest = -_softplus(-bound), -_softplus(bound)
    start = p * start_t + q * start_rest
    density = exp(rule.spread(p) * log_t + rule.spread(q) * log_rest - rule.spread(start))
    mine = where(rule.spread(lower), log_t, log_rest) if first else where(rule.spread(lower), log_rest, log_t)
    total = rule.sum(density * (mine + rule.spread(digamma(a + b) - digamma(a if first else b))))
    at_bound = exp(start - call("betaln", a, b))
    return where(inside, where(lower, a.like(1), -1) * at_bound * total, 0)


def _beta_extent(p: Term, q: Term, bound: Term) -> Term:
    """How far s goes: where p log(t/x) + q log((1 - t)/(1 - x)) is -DEPTH, by Newton's method, which comes from
    beyond as the function is concave."""
    x = bound.emit("expit")
    gap, bend = p - (p + q) * x, (p + q) * x * (1 - x)
    gap = gap.emit("maximum", 0)
    extent = 2 * DEPTH / (gap + sqrt(gap * gap + 2 * DEPTH * bend))
    start = -p * _softplus(-bound) - q * _softplus(bound)
    for _ in range(6):
        place = bound - extent
        height = -p * _softplus(-place) - q * _softplus(place) - start
        slope = p - (p + q) * place.emit("expit")
        extent = extent + (height + DEPTH) / slope
    return extent
