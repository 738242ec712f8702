"""The cheapest set of edges that parts a sink from a source (Dinic's algorithm)."""

from __future__ import annotations

from collections.abc import Hashable

INFINITE = 1 << 80
"""More than any sum of capacities that can be cut."""


class Network:
    """A directed graph with capacities. `source` and `sink` are nodes of it."""

    def __init__(self) -> None:
        self.ids: dict[Hashable, int] = {}
        self.edges: list[list[int]] = []
        self.to: list[int] = []
        self.room: list[int] = []
        self.source, self.sink = self.node("source"), self.node("sink")

    def node(self, key: Hashable) -> int:
        found = self.ids.get(key)
        if found is None:
            found = self.ids[key] = len(self.edges)
            self.edges.append([])
        return found

    def edge(self, a: int, b: int, capacity: int) -> None:
        """An edge from a to b; its reverse stands at the next place."""
        for x, y, c in ((a, b, capacity), (b, a, 0)):
            self.edges[x].append(len(self.to))
            self.to.append(y)
            self.room.append(c)

    def cut(self) -> set[int]:
        """The nodes on the sink's side of the cheapest cut; among equals the one nearest to the sink."""
        while (level := self._levels()) is not None:
            begun = [0] * len(self.edges)
            while self._augment(level, begun):
                pass
        side, todo = {self.sink}, [self.sink]
        while todo:
            for e in self.edges[todo.pop()]:
                if self.room[e ^ 1] and self.to[e] not in side:
                    side.add(self.to[e])
                    todo.append(self.to[e])
        return side

    def _levels(self) -> list[int] | None:
        """Each node's distance from the source along edges with room; None if the sink is out of reach."""
        level = [-1] * len(self.edges)
        level[self.source] = 0
        todo = [self.source]
        for a in todo:
            for e in self.edges[a]:
                b = self.to[e]
                if self.room[e] and level[b] < 0:
                    level[b] = level[a] + 1
                    todo.append(b)
        return level if level[self.sink] >= 0 else None

    def _augment(self, level: list[int], begun: list[int]) -> bool:
        """Send what one more path along rising levels takes; whether there was one."""
        chain: list[int] = []
        at = self.source
        while at != self.sink:
            e = self._next(at, level, begun)
            if e is not None:
                chain.append(e)
                at = self.to[e]
            elif chain:
                at = self.to[chain.pop() ^ 1]
                begun[at] += 1
            else:
                return False
        amount = min(self.room[e] for e in chain)
        for e in chain:
            self.room[e] -= amount
            self.room[e ^ 1] += amount
        return True

    def _next(self, at: int, level: list[int], begun: list[int]) -> int | None:
        """The first edge that leads on from a node; those before it lead nowhere."""
        edges = self.edges[at]
        while begun[at] < len(edges):
            e = edges[begun[at]]
            if self.room[e] and level[self.to[e]] == level[at] + 1:
                return e
            begun[at] += 1
        return None
