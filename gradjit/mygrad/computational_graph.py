"""MyGrad's picture of a graph."""

from __future__ import annotations

from typing import Any

from ..tensors.graphs import GraphPicture, graph_of


def build_graph(fin: Any, names: Any = None, *, render: bool = True, **options: Any) -> GraphPicture:
    """The graph behind a tensor; `.svg()` and `.save(path)` draw it."""
    return graph_of(fin)


__all__ = ["build_graph"]
