"""scipy.ndimage's measurements of the elements that have a label; the labels may be traced, their list is known."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...numpy.common import array, static
from ...operands import broadcast_to, cast, unsupported
from ..written_loops import Rule, doubles, invalid, zeros

LABEL_LIMIT = 64
"""Extremes are taken label by label, for at most so many."""


class LabelledElements:
    """The elements of an array by their labels."""

    def __init__(self, input: Any, labels: Any, index: Any):
        self.x = array(input)
        if labels is None:
            if index is not None:
                invalid("index without defined labels")
            self.single, self.count = True, 1
            self.values: Any = np.ravel(doubles(self.x))
            self.where: Any = zeros(self.values.shape[0], np.int64)
            self.there = np.ones(self.values.shape[0], bool)
            return
        marks: Any = array(labels)
        if tuple(marks.shape) != tuple(self.x.shape):
            marks = broadcast_to(marks, self.x.shape)
        marks = np.ravel(marks)
        self.values = np.ravel(doubles(self.x))
        if index is None:
            self.single, self.count = True, 1
            self.there = marks > 0
            self.where = zeros(self.values.shape[0], np.int64)
            return
        known = static(index, "index")
        self.single = not known.ndim
        flat, self.shape = np.atleast_1d(known).ravel(), known.shape
        self.count = len(flat)
        wanted, self.expand = np.unique(flat, return_inverse=True)
        self.where = np.clip(np.searchsorted(wanted, marks), 0, len(wanted) - 1)
        self.there = array(wanted)[self.where] == marks
        self.count = len(wanted)

    def sums(self, values: Any) -> Any:
        """One sum for each distinct label."""
        total = zeros(self.count)
        np.add.at(total, self.where, np.where(self.there, values, 0.0))
        return total

    def extremes(self, reduction: Any, otherwise: float) -> Any:
        if self.count > LABEL_LIMIT:
            unsupported("scipy.ndimage's extremes by labels", f"of more than {LABEL_LIMIT} labels")
        return np.stack([reduction(np.where(self.there & (self.where == k), self.values, otherwise))
                         for k in range(self.count)])

    def result(self, found: Any) -> Any:
        """One for each label that was asked for."""
        return found[0] if self.single else np.reshape(found[self.expand], self.shape)


def sum_labels(input, labels=None, index=None):
    g = LabelledElements(input, labels, index)
    return g.result(g.sums(g.values))


def _mean(g: LabelledElements) -> tuple[Any, Any]:
    count = g.sums(np.ones(g.values.shape[0]))
    return g.sums(g.values) / count, count


def mean(input, labels=None, index=None):
    g = LabelledElements(input, labels, index)
    return g.result(_mean(g)[0])


def _variance(g: LabelledElements) -> Any:
    average, count = _mean(g)
    return g.sums(np.square(g.values - average[g.where])) / count


def variance(input, labels=None, index=None):
    g = LabelledElements(input, labels, index)
    return g.result(_variance(g))


def standard_deviation(input, labels=None, index=None):
    g = LabelledElements(input, labels, index)
    return g.result(np.sqrt(_variance(g)))


def _extreme(reduction: Any, otherwise: float) -> Rule:
    def rule(input, labels=None, index=None):
        g = LabelledElements(input, labels, index)
        return cast(array(g.result(g.extremes(reduction, otherwise))), g.x.dtype)[()]

    return rule


def center_of_mass(input, labels=None, index=None):
    x = array(input)
    g = LabelledElements(x, labels, index)
    mass = g.sums(g.values)
    found = []
    for axis, n in enumerate(x.shape):
        places = np.broadcast_to(np.arange(n, dtype=float).reshape([n if k == axis else 1 for k in range(x.ndim)]),
                                 tuple(x.shape))
        found.append(g.result(g.sums(g.values * np.ravel(places)) / mass))
    if g.single:
        return tuple(found)
    return [tuple([f[k] for f in found]) for k in range(found[0].shape[0])]


_FILE = "scipy.ndimage._measurements"
RULES: dict[tuple[str, str], Rule] = {
    **{(_FILE, f.__name__): f for f in (sum_labels, mean, variance, standard_deviation, center_of_mass)},
    (_FILE, "sum"): sum_labels, (_FILE, "maximum"): _extreme(np.max, -np.inf), (_FILE, "minimum"): _extreme(np.min,
                                                                                                            np.inf),
}
