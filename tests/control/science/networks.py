"""Circuits, graphs, queues, images: nodes and edges, shortest ways, flows that settle."""

import heapq
import math
from collections import OrderedDict, defaultdict, namedtuple

import numpy as np

from ..case import Case

Edge = namedtuple("Edge", "a b weight")


class Graph:
    def __init__(self):
        self.edges = defaultdict(list)

    def add(self, a, b, weight):
        self.edges[a].append(Edge(a, b, weight))
        self.edges[b].append(Edge(b, a, weight))
        return self

    def __iter__(self):
        return iter(sorted(self.edges))

    def __len__(self):
        return len(self.edges)

    def laplacian(self):
        index = {n: k for k, n in enumerate(self)}
        L = np.zeros((len(self), len(self)))
        for n in self:
            for e in self.edges[n]:
                L[index[n], index[n]] += e.weight
                L[index[n], index[e.b]] -= e.weight
        return L


def resistors(conductances, current):
    g = Graph()
    for (a, b), c in zip([("a", "b"), ("b", "c"), ("c", "d"), ("a", "d"), ("b", "d")], conductances):
        g.add(a, b, c)
    v = np.linalg.solve(g.laplacian()[1:, 1:], np.array([0.0, current, -0.4 * current]))
    power = sum(e.weight * (v[1] - v[0]) ** 2 for e in g.edges["b"])
    return v @ v + power


def relaxed_paths(weights, sharpness):
    """Soft shortest ways from one node, by Bellman and Ford."""
    edges = [(0, 1), (0, 2), (1, 2), (1, 3), (2, 3), (3, 4)]
    far = {n: 0.0 if n == 0 else 10.0 for n in range(5)}
    for _ in range(5):
        for (a, b), w in zip(edges, weights):
            x, y = -sharpness * far[b], -sharpness * (far[a] + w)
            top = max(x, y)
            far[b] = -(top + math.log(math.exp(x - top) + math.exp(y - top))) / sharpness
    return far[4] + 0.1 * far[2]


def nearest_way(weights, toll):
    """Dijkstra's way is found on numbers that are known, its length on those that vary."""
    known = [1.0, 4.0, 1.5, 5.0, 1.0, 2.0]
    edges = [(0, 1), (0, 2), (1, 2), (1, 3), (2, 3), (3, 4)]
    heap, done, before = [(0.0, 0, None)], set(), {}
    while heap:
        d, n, last = heapq.heappop(heap)
        if n in done:
            continue
        done.add(n)
        before[n] = last
        for k, (a, b) in enumerate(edges):
            if a == n:
                heapq.heappush(heap, (d + known[k], b, k))
    n, length, stops = 4, 0.0, []
    while before[n] is not None:
        length += weights[before[n]] * (1 + toll * len(stops))
        stops.append(n)
        n = edges[before[n]][0]
    return length**2 + len(stops)


def pagerank(damping, links):
    pages = OrderedDict(a=["b", "c"], b=["c"], c=["a"], d=["a", "c"])
    rank = dict.fromkeys(pages, 0.25)
    for _ in range(30):
        new = dict.fromkeys(pages, (1 - damping) / 4)
        for page, out in pages.items():
            for k, target in enumerate(out):
                share = links if k == 0 and len(out) > 1 else 1 - links if len(out) > 1 else 1.0
                new[target] = new[target] + damping * rank[page] * share
        moved = sum(abs(new[p] - rank[p]) for p in pages)
        rank = new
        if moved < 1e-11:
            break
    return rank["a"] * 2 + rank["c"] ** 2


class Server:
    def __init__(self, rate):
        self.rate, self.free, self.waited, self.customers = rate, 0.0, 0.0, 0

    def serve(self, arrival, work):
        start = max(arrival, self.free)
        self.waited += (start - arrival) ** 2
        self.customers += 1
        self.free = start + work / self.rate
        return self.free


def queue(rate, load):
    servers = [Server(rate), Server(0.7 * rate)]
    t, leaving = 0.0, []
    for k, work in enumerate([1.0, 2.0, 0.5, 1.5, 3.0, 0.7, 1.1]):
        t += 0.4 / load
        if k % 3 and servers[1].free < servers[0].free:
            leaving.append(servers[1].serve(t, work * load))
        else:
            leaving.append(servers[0].serve(t, work * load))
    return max(leaving) + sum(s.waited for s in servers) + 0.1 * leaving[2] + servers[1].customers


def denoised(image, strength):
    """Diffusion that stops at edges, then a kernel whose taps are in a dict."""
    u = image
    for _ in range(10):
        moves = [np.roll(u, s, axis) - u for axis in (0, 1) for s in (1, -1)]
        u = u + 0.1 * sum(np.exp(-((m / strength) ** 2)) * m for m in moves)
    kernel = {(0, 0): 0.5, (0, 1): 0.2, (1, 0): 0.2, (1, 1): 0.1}
    out = sum(w * u[i:i + 4, j:j + 4] for (i, j), w in kernel.items())
    gx, gy = np.gradient(out)
    return np.sum(np.sqrt(gx**2 + gy**2 + 0.01)) + np.sum((out - image[:4, :4]) ** 2)


IMAGE = np.random.default_rng(6).uniform(0, 1, (5, 5))
CASES = [
    Case(resistors, (np.array([1.0, 2.0, 0.5, 1.5, 0.8]), 1.2), (0, 1)),
    Case(relaxed_paths, (np.array([1.0, 4.0, 1.5, 5.0, 1.0, 2.0]), 2.0), (0, 1), second=False),
    Case(nearest_way, (np.array([1.0, 4.0, 1.5, 5.0, 1.0, 2.0]), 0.1), (0, 1)),
    Case(pagerank, (0.85, 0.4), (0, 1), second=False), Case(queue, (1.1, 0.9), (0, 1), second=False),
    Case(denoised, (IMAGE, 0.4), (0, 1)),
]
