"""Dynamic programmes: tables filled row by row, with max, min and branches."""

import math

import numpy as np

from ..case import Case

RNG = np.random.default_rng(4)


def edit_distance(sub, gap, a, b):
    """Costs of substitution by letters (given as numbers), the least cost of an alignment."""
    n, m = len(a), len(b)
    d = np.zeros((n + 1, m + 1))
    for i in range(1, n + 1):
        d[i, 0] = i * gap
    for j in range(1, m + 1):
        d[0, j] = j * gap
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            d[i, j] = min(d[i - 1, j] + gap, d[i, j - 1] + gap, d[i - 1, j - 1] + sub[a[i - 1], b[j - 1]])
    return d[n, m]


def viterbi(trans, emit, obs):
    """The best path's score, and its states by following the pointers back."""
    n, k = len(obs), trans.shape[0]
    score = np.zeros((n, k))
    back = np.zeros((n, k), dtype=int)
    score[0] = emit[:, obs[0]]
    for t in range(1, n):
        for s in range(k):
            best = -np.inf
            for r in range(k):
                v = score[t - 1, r] + trans[r, s]
                if v > best:
                    best = v
                    back[t, s] = r
            score[t, s] = best + emit[s, obs[t]]
    state = np.argmax(score[n - 1])
    total = score[n - 1, state]
    for t in range(n - 1, 0, -1):
        state = back[t, state]
        total += 0.1 * t * emit[state, obs[t]]
    return total


def soft_dtw(x, y, gamma):
    """Dynamic time warping with a soft minimum; the border is infinite."""
    n, m = len(x), len(y)
    r = np.full((n + 1, m + 1), np.inf)
    r[0, 0] = 0.0
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            cost = (x[i - 1] - y[j - 1]) ** 2
            a, b, c = r[i - 1, j], r[i, j - 1], r[i - 1, j - 1]
            low = min(a, b, c)
            total = math.exp(-(a - low) / gamma) + math.exp(-(b - low) / gamma) + math.exp(-(c - low) / gamma)
            r[i, j] = cost + low - gamma * math.log(total)
    return r[n, m]


def smith_waterman(scores, gap):
    """Local alignment: the best cell anywhere, nothing below zero."""
    n, m = scores.shape
    h = np.zeros((n + 1, m + 1))
    best = 0.0
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            h[i, j] = max(0.0, h[i - 1, j - 1] + scores[i - 1, j - 1], h[i - 1, j] - gap, h[i, j - 1] - gap)
            if h[i, j] > best:
                best = h[i, j]
    return best


def matrix_chain(dims):
    """The least cost of multiplying a chain, over interval lengths: bounds depend on each other."""
    n = len(dims) - 1
    cost = np.zeros((n, n))
    for length in range(2, n + 1):
        for i in range(n - length + 1):
            j = i + length - 1
            cost[i, j] = np.inf
            for k in range(i, j):
                c = cost[i, k] + cost[k + 1, j] + dims[i] * dims[k + 1] * dims[j + 1]
                if c < cost[i, j]:
                    cost[i, j] = c
    return cost[0, n - 1]


def shortest_paths(w):
    """Floyd and Warshall."""
    d = w.copy()
    n = len(d)
    for k in range(n):
        for i in range(n):
            for j in range(n):
                if d[i, k] + d[k, j] < d[i, j]:
                    d[i, j] = d[i, k] + d[k, j]
    return np.sum(d)


def knapsack(values, weights, capacity):
    """One row, filled from its end, so that each item is taken once."""
    best = np.zeros(capacity + 1)
    for i in range(len(values)):
        w = weights[i]
        for c in range(capacity, w - 1, -1):
            best[c] = max(best[c], best[c - w] + values[i])
    return best[capacity]


def value_iteration(rewards, gamma, steps=30):
    """A corridor: stay, left or right, walls at the ends."""
    v = np.zeros(len(rewards))
    n = len(v)
    for _ in range(steps):
        new = np.empty(n)
        for s in range(n):
            left, right = v[max(s - 1, 0)], v[min(s + 1, n - 1)]
            new[s] = rewards[s] + gamma * max(v[s], left, right)
        v = new
    return v @ np.linspace(1, 2, n)


def ctc_forward(logits, labels):
    """The forward variables of connectionist temporal classification, blanks between the labels."""
    probs = np.exp(logits) / np.sum(np.exp(logits), axis=1, keepdims=True)
    steps, extended = len(probs), 2 * len(labels) + 1
    alpha = np.zeros((steps, extended))
    alpha[0, 0] = probs[0, 0]
    alpha[0, 1] = probs[0, labels[0]]
    for t in range(1, steps):
        for s in range(extended):
            label = 0 if s % 2 == 0 else labels[s // 2]
            a = alpha[t - 1, s]
            if s > 0:
                a += alpha[t - 1, s - 1]
            if s > 1 and label != 0 and label != labels[s // 2 - 1]:
                a += alpha[t - 1, s - 2]
            alpha[t, s] = a * probs[t, label]
    return -math.log(alpha[-1, -1] + alpha[-1, -2])


def inside_algorithm(rule, lexical, words):
    """A context-free grammar's inside probabilities: spans, splits, and a contraction in each."""
    n, k = len(words), lexical.shape[0]
    chart = np.zeros((n, n, k))
    for i in range(n):
        chart[i, i] = lexical[:, words[i]]
    for span in range(1, n):
        for i in range(n - span):
            for split in range(i, i + span):
                left, right = chart[i, split], chart[split + 1, i + span]
                chart[i, i + span] += (rule @ right) @ left
    return np.log(chart[0, n - 1, 0])


def binomial_tree(s0, sigma, strike=1.0, steps=20):
    """An American put: the tree shrinks by one at each step back."""
    dt = 1.0 / steps
    up = math.exp(sigma * math.sqrt(dt))
    p = (math.exp(0.03 * dt) - 1 / up) / (up - 1 / up)
    v = np.zeros(steps + 1)
    for k in range(steps + 1):
        v[k] = max(strike - s0 * up ** (2 * k - steps), 0.0)
    for n in range(steps - 1, -1, -1):
        for k in range(n + 1):
            held = math.exp(-0.03 * dt) * (p * v[k + 1] + (1 - p) * v[k])
            v[k] = max(held, strike - s0 * up ** (2 * k - n))
    return v[0]


def longest_rising(x):
    """The heaviest increasing subsequence, by a while loop backwards over what came before."""
    n = len(x)
    best = np.zeros(n)
    for i in range(n):
        best[i] = x[i]
        j = i - 1
        while j >= 0:
            if x[j] < x[i] and best[j] + x[i] > best[i]:
                best[i] = best[j] + x[i]
            j -= 1
    return np.max(best)


def prefix_products(x):
    """Everything but itself, from the left and from the right."""
    n = len(x)
    out = np.ones(n)
    left = 1.0
    for i in range(n):
        out[i] *= left
        left *= x[i]
    right = 1.0
    for i in reversed(range(n)):
        out[i] *= right
        right *= x[i]
    return np.sum(np.log(out) * np.arange(n))


def columns_of_nothing(x):
    """Windows that have at most one row, or none."""
    m = x.copy()
    for i in range(9):
        m[i + 1 : i, 1] += x[2][0]
        m[i : i + 1, 1] += x[2][0] * x[i : i + 1, 1]
        m[i : min(i + 1, 2), 0] *= x[i : min(i + 1, 2), 2]
        m[i + 1 : i] = 3.0
    return np.sum(m ** 2)


def tails_in_another_shape(x):
    s = 0.0
    for i in range(9):
        s = s + np.sum(x[i:2, 0] ** 2) + np.sum(x[i:2, None] ** 3)
    return s


CASES = (
    Case(columns_of_nothing, (RNG.normal(size=(3, 3)),)),
    Case(tails_in_another_shape, (RNG.normal(size=(3, 4)),)),
    Case(edit_distance, (RNG.uniform(0.2, 1.5, (5, 5)), 0.7, RNG.integers(0, 5, 11), RNG.integers(0, 5, 13)), (0, 1)),
    Case(viterbi, (RNG.normal(size=(4, 4)), RNG.normal(size=(4, 3)), RNG.integers(0, 3, 12)), (0, 1)),
    Case(soft_dtw, (RNG.normal(size=10), RNG.normal(size=12), 0.8), (0, 1)),
    Case(smith_waterman, (RNG.normal(size=(10, 12)), 0.4), (0, 1)),
    Case(matrix_chain, (RNG.uniform(1, 5, 11),)),
    Case(shortest_paths, (RNG.uniform(0.1, 3, (10, 10)),)),
    Case(knapsack, (RNG.uniform(1, 3, 10), RNG.integers(1, 7, 10), 20)),
    Case(value_iteration, (RNG.normal(size=10), 0.9), (0, 1)),
    Case(ctc_forward, (RNG.normal(size=(12, 5)), np.array([1, 3, 3, 2]))),
    Case(inside_algorithm, (RNG.uniform(0.1, 1, (3, 3, 3)), RNG.uniform(0.1, 1, (3, 4)), RNG.integers(0, 4, 9)),
         (0, 1)),
    Case(binomial_tree, (0.95, 0.3), (0, 1)),
    Case(longest_rising, (RNG.uniform(0.5, 3.0, 14),)),
    Case(prefix_products, (RNG.uniform(0.5, 1.5, 11),)),
)
