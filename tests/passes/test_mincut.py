"""The minimum cut against all cuts."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from gradjit.passes.vjp.mincut import INFINITE, Network


@pytest.mark.parametrize("seed", range(40))
def test_no_cut_is_cheaper(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = 7
    net = Network()
    nodes = [net.source, *(net.node(k) for k in range(n - 2)), net.sink]
    edges = [(a, b, int(rng.integers(1, 9)))
             for a, b in product(nodes, nodes) if a != b and rng.random() < 0.4]
    for e in edges:
        net.edge(*e)

    def cost(side: set[int]) -> int:
        return sum(c for a, b, c in edges if a not in side and b in side)

    inner = nodes[1:-1]
    sides = [{net.sink, *(v for v, there in zip(inner, chosen, strict=True) if there)}
             for chosen in product([False, True], repeat=n - 2)]
    least = min(map(cost, sides))
    found = net.cut()
    assert cost(found) == least
    assert len(found) == min(len(s) for s in sides if cost(s) == least)  # the one nearest to the sink


def test_what_is_infinite_is_not_cut() -> None:
    net = Network()
    a, b = net.node("a"), net.node("b")
    net.edge(net.source, a, 5)
    net.edge(a, b, INFINITE)
    net.edge(b, net.sink, 7)
    assert net.cut() == {a, b, net.sink}


def test_a_sink_that_nothing_reaches_stands_alone() -> None:
    net = Network()
    net.edge(net.source, net.node("a"), 3)
    assert net.cut() == {net.sink}
