"""scipy.sparse.csgraph's shortest paths inside traced functions: SciPy finds the paths while the program runs; a
distance is the sum of the weights of its edges, with derivatives: of several shortest paths, those of the one found.
"""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from ...errors import ShapeError, UnsupportedError
from ...tracer import libraries
from ...tracer.built_sparse import BuiltSparse, built
from ...tracer.calls import as_it_is
from ...tracer.locations import fail
from ...tracer.operands import as_traced, is_traced
from ...tracer.scipy.written_loops import looped
from ..primitive import primitive
from .found_by_elements import without_derivative


def is_weighed(graph: Any) -> bool:
    """Whether a graph has traced weights."""
    return isinstance(graph, BuiltSparse) or hasattr(type(graph), "as_built") or is_traced(graph)


class Edges:
    """The weights of a graph as a vector, and where they stand in its matrix. Of a dense matrix zeros are no edges."""

    def __init__(self, graph: Any, name: str):
        a = built(graph)
        if a is None:
            dense: Any = as_traced(graph) * 1.0
            if dense.ndim != 2 or dense.extents[0] != dense.extents[1]:
                fail(ShapeError, f"scipy.sparse.csgraph.{name}: expected a square matrix, got {dense.type}")
            self.weights, self.count = np.reshape(dense, -1), dense.extents[0]
            self.rows, self.columns = (i.reshape(-1) for i in np.indices((self.count, self.count)))
        else:
            self.count = a.shape[0]
            places, of_entry = np.unique(a.rows * self.count + a.columns, return_inverse=True)
            self.weights = np.bincount(of_entry, a.values * 1.0, len(places))  # of entries at one place their sum
            self.rows, self.columns = places // self.count, places % self.count
        self.is_dense = a is None

    def matrix(self, weights: np.ndarray) -> Any:
        if self.is_dense:
            return weights.reshape(self.count, self.count)
        sparse = importlib.import_module("scipy.sparse")
        return sparse.csr_matrix((weights, (self.rows, self.columns)), shape=(self.count, self.count))

    def chosen(self, weights: np.ndarray, before: np.ndarray, directed: bool) -> np.ndarray:
        """The last edge on the path to each node, by the node before it; -1 for none."""
        at = np.full((self.count, self.count), -1)
        costs = np.full((self.count, self.count), np.inf)
        is_edge = weights != 0 if self.is_dense else np.ones(len(weights), bool)
        for rows, columns in ((self.rows, self.columns), *(() if directed else ((self.columns, self.rows),))):
            r, c, edge = rows[is_edge], columns[is_edge], np.flatnonzero(is_edge)
            better = weights[edge] < costs[r, c]
            at[r[better], c[better]], costs[r[better], c[better]] = edge[better], weights[edge][better]
        to = np.broadcast_to(np.arange(self.count), before.shape)
        return np.where(before >= 0, at[np.maximum(before, 0), to], -1)


def along_paths(weights: Any, edges: Any, before: Any, total: Any) -> Any:
    """The sum of the weights on each path, from its end."""
    rows = np.arange(len(edges))[:, None]
    at = np.arange(edges.shape[1]) + 0 * before
    edge = edges
    while np.any(edge >= 0):
        total = total + np.where(edge >= 0, weights[np.maximum(edge, 0)], 0.0)
        at = np.where(edge >= 0, before[rows, at], at)
        edge = np.where(edge >= 0, edges[rows, at], -1)
    return total


summed = looped(along_paths)


def rule(name: str, *more: str) -> Any:
    """The rule of a function. more: its parameters besides those that all have, in order."""

    def found(csgraph: Any, *args: Any, **options: Any) -> Any:
        function = getattr(importlib.import_module("scipy.sparse.csgraph"), name)
        options = {**dict(zip(more, args, strict=False)), **options}
        if not is_weighed(csgraph):
            return as_it_is(function, (csgraph,), options)
        if options.get("min_only") or is_traced(list(options.values())):
            fail(UnsupportedError, f"scipy.sparse.csgraph.{name} of traced weights does not take min_only=, and no "
                                   f"other traced arguments; write np.min of the distances of all sources")
        wants_before = options.pop("return_predecessors", False)
        e, indices = Edges(csgraph, name), options.get("indices")
        sources = e.count if indices is None else np.size(indices)
        directed = options.get("directed", True)

        def run(weights: Any) -> Any:
            graph = e.matrix(weights)
            distances, before = function(graph, return_predecessors=True, **options)
            distances, before = (np.reshape(x, (sources, e.count)) for x in (distances, before))
            return distances, before.astype(np.int32), e.chosen(weights, before, directed)

        shape = sources, e.count
        distances, before, edges = primitive(run, out=lambda *_: (
            np.zeros(shape), np.zeros(shape, np.int32), np.zeros(shape, np.int64)))(*without_derivative(e.weights))
        if not options.get("unweighted"):
            total: Any = as_traced(summed(e.weights, edges, before, np.zeros(shape) * distances[0, 0]))
            moved = total - without_derivative(total)[0]
            distances = np.where(edges >= 0, distances + moved, distances)
        if indices is not None and np.ndim(indices) == 0:
            distances, before = distances[0], before[0]
        return (distances, before) if wants_before else distances

    return found


def connected_components(csgraph: Any, *args: Any, **options: Any) -> Any:
    """How many there are, and in which one each node is."""
    function = importlib.import_module("scipy.sparse.csgraph").connected_components
    if not is_weighed(csgraph):
        return as_it_is(function, (csgraph, *args), options)
    e = Edges(csgraph, "connected_components")
    asked = dict(zip(("directed", "connection", "return_labels"), args, strict=False)) | options
    wants_labels = asked.pop("return_labels", True)

    def run(weights: Any) -> Any:
        count, labels = function(e.matrix(weights), **asked)
        return np.int64(count), labels.astype(np.int32)

    count, labels = primitive(run, out=lambda *_: (np.int64(0), np.zeros(e.count, np.int32)))(
        *without_derivative(e.weights))
    return (count, labels) if wants_labels else count


def laplacian(csgraph: Any, normed: bool = False, return_diag: bool = False, use_out_degree: bool = False, *,
              copy: bool = True, form: str = "array", dtype: Any = None, symmetrized: bool = False) -> Any:
    """Of a dense matrix: the degrees of the nodes less the weights between them."""
    function = importlib.import_module("scipy.sparse.csgraph").laplacian
    if not is_weighed(csgraph):
        return as_it_is(function, (csgraph, normed, return_diag, use_out_degree), {
            "copy": copy, "form": form, "dtype": dtype, "symmetrized": symmetrized})
    if not is_traced(csgraph) or form != "array" or not copy:
        fail(UnsupportedError, "scipy.sparse.csgraph.laplacian of traced weights takes a dense matrix, neither form= "
                               "nor copy=False; write .toarray()")
    m: Any = as_traced(csgraph)
    if m.ndim != 2 or m.extents[0] != m.extents[1]:
        fail(ShapeError, f"csgraph must be a square matrix or array, got {m.type}")
    m = m * 1.0 if normed and not m.ir_dtype.is_inexact else m
    own = np.eye(m.extents[0], dtype=bool)
    m = np.where(own, 0, m + np.conj(m.T) if symmetrized else m)
    degrees = np.sum(m, axis=1 if use_out_degree else 0)
    diagonal = degrees
    if normed:
        is_alone = degrees == 0
        degrees = np.where(is_alone, 1, np.sqrt(np.where(is_alone, 1, degrees)))
        m, diagonal = m / degrees / degrees[:, np.newaxis], np.where(is_alone, 0.0, 1.0)
    found = np.where(own, diagonal, -m).astype(m.dtype if dtype is None else dtype)
    return (found, degrees.astype(found.dtype)) if return_diag else found


FILE = "scipy.sparse.csgraph._shortest_path"
libraries.SOLVERS.update({
    (FILE, "shortest_path"): rule("shortest_path", "method", "directed", "return_predecessors", "unweighted",
                                  "overwrite", "indices"),
    (FILE, "dijkstra"): rule("dijkstra", "directed", "indices", "return_predecessors", "unweighted", "limit",
                             "min_only"),
    (FILE, "floyd_warshall"): rule("floyd_warshall", "directed", "return_predecessors", "unweighted", "overwrite"),
    (FILE, "bellman_ford"): rule("bellman_ford", "directed", "indices", "return_predecessors", "unweighted"),
    (FILE, "johnson"): rule("johnson", "directed", "indices", "return_predecessors", "unweighted"),
    ("scipy.sparse.csgraph._traversal", "connected_components"): connected_components,
    ("scipy.sparse.csgraph._laplacian", "laplacian"): laplacian,
})
