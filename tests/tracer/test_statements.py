"""Ordinary statements and builtins of Python and NumPy on traced values."""
# ruff: noqa: B905, F841 (programs as people write them)

from __future__ import annotations

import bisect
import collections
import functools
import heapq
import itertools
import math
import statistics

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

import gradjit as gj

X = np.array([0.5, 1.5, 2.5])
M = np.arange(12.0).reshape(3, 4) / 7 + 0.1


def case_any():
    def f(x):
        r = 0.0
        if any(v > 2 for v in x):
            r += 1
        if all(v > 0 for v in x):
            r += x[0]
        return r + sum(v * v for v in x if v > 1)

    return f, (X,)


def case_minkey():
    return (
        lambda x: (
            min([3, 1, 2], key=lambda k: (x[k - 1] - 1.4) ** 2) * x[0]
            + max((x[i], i) for i in range(3))[0]
            + min([], default=4.0)
            + max(x.tolist(), default=0)
            + min(enumerate(x), key=lambda p: p[1])[1]
        )
    ), (X,)


def case_sort():
    def f(x):
        l = list(x[::-1])
        l.sort()
        m = sorted(l, reverse=True)
        l.sort(key=lambda v: -v)
        d = sorted([(x[0], 1.0), (x[2], 2.0)], key=lambda t: t[0], reverse=True)
        pairs = sorted(zip(x, [3, 1, 2]))
        pairs2 = sorted([(x[1], 2.0), (x[0], 1.0)], key=lambda p: p[0])
        return l[0] * 2 + m[1] + d[0][1] + pairs[0][1] * x[0] + pairs2[0][1]

    return f, (X,)


def case_bisect():
    def f(x):
        t = [0.0, 1.0, 2.0, 3.0]
        i = bisect.bisect_right(t, x[1]) - 1
        w = (x[1] - t[i]) / (t[i + 1] - t[i])
        j = bisect.bisect([0.0, 1.0, 2.0], 1.5)
        return w * t[i] + j * x[0]

    return f, (X,)


def case_round():
    return (
        lambda x: (
            round(x[0] * 3.3, 1)
            + round(x[1])
            + divmod(x[2] * 3, 2)[1]
            + divmod(7, 3)[0]
            + pow(3, 5, 7) * x[0]
            + pow(x[0], 2)
            + x[1] // 1
            + x[2] % 1
            + int(x[2])
            + float(x[1])
        )
    ), (X,)


def case_types():
    def f(x, y):
        r = 0.0
        if isinstance(y, float):
            r += 1
        if type(y) is float:
            r += 2
        if isinstance(x, np.ndarray):
            r += 3
        if isinstance(y, (int, float)):
            r += 4
        if np.isscalar(y):
            r += 5
        if type(x[0]) is np.float64:
            r += 7
        if isinstance(x[0], float):
            r += 11
        if y.is_integer():
            r += 13
        return r * y + x.sum()

    return f, (X, 2.0)


def case_stats():
    return (
        lambda x: statistics.pstdev(x) + statistics.stdev(list(x)) + statistics.variance(x) + statistics.median(x)
    ), (X,)


def case_range():
    def f(m):
        y = [0, 2, 1]
        p = m / m.sum(1, keepdims=True)
        return (
            -np.log(p[range(3), y]).mean()
            + np.sum(m[0, :3] * range(3))
            + np.sum(m[range(0, 3, 2)])
            + (np.array(range(3)) @ m).sum()
            + m[list(range(2)), 0].sum()
        )

    return f, (M,)


def case_ndenum():
    def f(m):
        s = 0.0
        for (i, j), v in np.ndenumerate(m):
            s += v * i * j
        for v in np.nditer(m):
            s += v**2
        with np.nditer(m) as it:
            for v in it:
                s = s + v
        for i, j in np.ndindex(*m.shape):
            s += m[i, j] * (i - j)
        return s

    return f, (M,)


def case_fromiter():
    return (
        lambda x: np.fromiter((v * v for v in x), float).sum() + np.fromiter(map(math.sin, x), dtype=float, count=3)[1]
    ), (X,)


def case_vectorize():
    def f(x):
        g = np.vectorize(lambda a, b: a * b if a > 1 else b)

        @np.vectorize
        def h(a):
            return math.sqrt(a)

        k = np.vectorize(lambda a, p: a**p, excluded=["p"])
        return g(x, 2.0).sum() + h(x)[1] + np.vectorize(math.exp, otypes=[float])(x).sum() + k(x, p=2).sum()

    return f, (X,)


def case_slide():
    return (
        lambda m: (
            (sliding_window_view(m[0], 2).mean(-1) ** 2).sum()
            + sliding_window_view(m, (2, 2)).max((2, 3)).sum()
            + sliding_window_view(np.concatenate([m.ravel()] * 4), 40).mean()
            + sliding_window_view(m, 3, axis=1)[1, 0, 2]
        )
    ), (M,)


def case_where0():
    def f(x):
        i = np.where(x > 1)[0]
        s = x[i].sum() + len(i)
        j = np.flatnonzero(x > 1)
        k = np.argwhere(x > 1)
        return s + (x[j] ** 2).sum() + np.nonzero(x > 1)[0].size

    return f, (X,)


def case_where_first():
    def f(x):
        i = np.where(x > 1)[0][0]
        j = np.flatnonzero(x > 1)[-1]
        k = np.argmax(x > 1)
        return x[i] * x[j] + x[k]

    return f, (X,)


def case_shape():
    def f(x):
        y = x * 2
        y.shape = (3, 1)
        z = np.arange(6.0)
        z.shape = 2, 3
        return (
            (y * z.T).sum()
            + (1.0 if x.flags.c_contiguous else 0.0)
            + x.strides[0]
            + x.itemsize
            + x.nbytes
            + x.ndim
            + y.T.shape[1]
        )

    return f, (X,)


def case_lists():
    def f(x):
        l = [v for v in x]
        l.insert(0, x[1] * 2)
        l.reverse()
        p = l.pop()
        l.extend([p, p])
        q = l.index(p)
        l += [x[0]]
        del l[0]
        m = l * 2
        d = collections.deque(maxlen=2)
        for v in l:
            d.append(v)
        dd = collections.defaultdict(float)
        for k, v in zip("aab", x):
            dd[k] += v
        c = {**dd, "z": x[0]}
        c.setdefault("y", x[1])
        c.update(w=1.0)
        o = collections.OrderedDict(c)
        o.move_to_end("z")
        return sum(m) + d[0] + dd["a"] * dd["b"] + sum(c.values()) + len(o) + l.count(p) * 0 + list(o)[-1].count("z")

    return f, (X,)


def case_heap():
    def f(x):
        h = []
        for i in range(3):
            heapq.heappush(h, (i, x[i]))
        return heapq.heappop(h)[1] + sum(v for _, v in heapq.nsmallest(2, h))

    return f, (X,)


def case_itertools():
    def f(x):
        s = 0.0
        for a, b in itertools.combinations(x, 2):
            s += a * b
        for a, b in itertools.product(x, repeat=2):
            s += a - b**2
        for a, b in zip(x, itertools.islice(x, 1, None)):
            s += a * b
        s += list(itertools.accumulate(x, lambda a, b: a * b))[-1]
        for k, g in itertools.groupby([1, 1, 2]):
            s += k * x[0] * len(list(g))
        for i, v in enumerate(itertools.chain(x, [1.0]), start=1):
            s += i * v
        s += functools.reduce(lambda a, b: a * b + 1, x, 1.0)
        s += sum(map(lambda a, b: a * b, x, x[::-1])) + sum(filter(lambda v: v is not None, [x[0], None]))
        for w in itertools.takewhile(lambda v: v < 3, [1, 2, 3]):
            s += w * x[1]
        return s

    return f, (X,)


def case_strings():
    def f(x):
        d = {f"k{i}": x[i] for i in range(3)}
        s = 0.0
        for k, v in d.items():
            if k.endswith("1"):
                s += v * 2
            elif k in {"k0"}:
                s += v
        match d:
            case {"k2": v}:
                s += v * 3
        a, *b = x
        (c, d1), e = (x[0], x[1]), x[2]
        return s + a * sum(b) + c * d1 * e

    return f, (X,)


def case_walrus():
    def f(x):
        if (n := len(x)) > 2 and (y := x[0] * n) > 0:
            return y * 2
        return x[1]

    return f, (X,)


def case_gen():
    def g(x):
        t = 0.0
        for v in x:
            t = t + v
            yield t

    def f(x):
        return sum(g(x)) + list(g(x))[-1] + max(g(x)) + next(g(x))

    return f, (X,)


def case_tryexc():
    def f(x):
        try:
            y = x[5]
        except IndexError:
            y = x[0]
        try:
            z = {}["a"]
        except KeyError:
            z = x[1]
        else:
            z = 0.0
        finally:
            w = 2.0
        return y * z * w

    return f, (X,)


def case_global():
    return glob_f, (1.5,)


CNT = 0


def glob_f(x):
    global CNT
    CNT = CNT + 1
    return x * x


def case_npmisc():
    def f(m):
        a = np.apply_along_axis(lambda r: r.sum() * r[0], 1, m)
        b = np.array([np.dot(r, r) for r in m])
        c = np.asarray([[1, 2], [3, 4]]) @ m[:2, :2]
        d = np.einsum("ij,ij->i", m, m)
        e = np.r_[m[0], 1.0]
        g = np.c_[m[0], m[1]]
        h = np.ix_([0, 2], [1, 3])
        k = np.mgrid[0:3, 0:4][1]
        u = np.add.reduce(m, axis=0)
        v = np.outer(m[0], m[1])
        n = np.linalg.norm(m, axis=1)
        return (
            a.sum()
            + b @ d[:3]
            + c.sum()
            + e[-1] * e[0]
            + g[1, 1]
            + m[h].sum()
            + (m * k).sum()
            + u[0]
            + np.trace(v)
            + n[0]
            + m.item(3)
            + m.flat[5]
            + m[-1, ..., None].sum()
            + m.ravel(order="F")[1]
            + np.s_[1:3].start * m[0, 0]
        )

    return f, (M,)


def case_setitem():
    def f(x):
        y = np.zeros((3, 3))
        y[np.diag_indices(3)] = x
        y[0, 1:] += x[1:]
        y[y == 0] = 0.5
        y[[0, 1]] = y[[1, 0]]
        y[:, 0] *= 2
        np.fill_diagonal(y, y.diagonal() + 1)
        y[1] = y[1][::-1]
        y[np.triu_indices(3, 1)] *= 3
        return np.linalg.det(y) + y.sum()

    return f, (X,)


def case_masked():
    def f(x):
        m = np.ma.masked_where(x < 1, x)
        n = np.ma.array(x, mask=[0, 1, 0])
        q = np.ma.masked_invalid(np.log(x - 0.4))
        found = m.mean() + (m * 2 + 1).sum() + n.sum() + m.filled(0.0)[0] + m.count() + q.sum() + np.ma.sum(n)
        return found + np.ma.masked_less(x, 1.0).max()

    return f, (X,)


def case_masked_by_domain():
    def f(m):
        a = np.ma.masked_greater(m, 1.0)
        b = np.ma.log(a - 0.5)
        c = 1 / (a - M[0, 1])
        d = a.mean(axis=0)
        e = np.ma.masked_array(m, mask=m < 0.3)
        a[0, 0] = np.ma.masked
        a += 1.0
        found = b.sum() + c.sum() + d.sum() + e.std() + np.mean(a) + a.min() + (a * e).var(ddof=1) + e[1:].T.max()
        return found + np.sqrt(e).sum(axis=1).filled(0)[1] + np.ma.masked_inside(m, 0.2, 0.5).prod()

    return f, (M[:, ::-1] ** 1.5,)


def case_statistics():
    return (lambda x: statistics.geometric_mean(x) + statistics.harmonic_mean(list(x)) + statistics.stdev(x, 2.0)), (X,)


PROGRAMS = {name.removeprefix("case_"): case for name, case in list(globals().items()) if name.startswith("case_")}


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name):
    f, args = PROGRAMS[name]()
    first, *rest = args
    want = f(*args)
    value, gradient = gj.value_and_grad(f, backend="interpreter")(*args)
    np.testing.assert_allclose(value, want, rtol=1e-12)
    if name in ("round", "types"):
        return
    d = np.cos(np.arange(np.size(first)).reshape(np.shape(first)) + 0.3)
    slope = (f(first + 1e-6 * d, *rest) - f(first - 1e-6 * d, *rest)) / 2e-6
    np.testing.assert_allclose(np.sum(gradient * d), slope, rtol=1e-5, atol=1e-7)
