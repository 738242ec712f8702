"""Indices, bounds of slices and extents that are not known while tracing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import gradjit as gj
from gradjit.errors import BoundsError, ShapeError, TraceError, UnsupportedError
from gradjit.ir import interpret, walk
from gradjit.tracer import extents
from gradjit.tracer.trace import trace

from .compare import assert_same, check

X = np.linspace(0.5, 3.0, 9)
A = np.random.default_rng(0).standard_normal((6, 7))
N = np.int64


def ranging(i: Any, lo: Any, hi: Any, step: int = 1) -> Any:
    """i itself; while tracing it is known to run through range(lo, hi, step), as the index of a loop is."""
    if hasattr(i, "is_known"):  # isinstance answers as NumPy would
        extents.declare(i, lo, hi, step)
    return i


def ops(f: Any, *args: Any) -> list[str]:
    return [op.name for op in walk(trace(f, args, {}).func.body)]


# one element, one row -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("i", [0, 3, 8, -1, -9])
def test_an_element_is_a_window(i):
    def f(x, i):
        y = x * 1.0
        y[i] = y[i] * 10.0
        y[i] += 1.0
        return x[i], y

    t = check(f, X, N(i))
    names = [op.name for op in walk(t.func.body)]
    assert "gather" not in names and "scatter" not in names
    assert names.count("update") == 2 and names.count("bounded") == 1


def test_nothing_is_checked_that_is_proven():
    def f(x, i):
        i = ranging(i, 1, 8)
        return x[i] + x[i - 1] + x[i + 1] + x[-i] + x[8 - i] + x[-1 - i]

    assert set(ops(f, X, N(2))) <= {"slice", "reshape", "add", "sub", "neg", "const"}
    check(f, X, N(3))


def test_one_check_serves_all_uses():
    def f(x, i):
        return x[i] * x[i] + x[i]

    assert ops(f, X, N(2)).count("bounded") == 1


@pytest.mark.parametrize("i", [9, -10, 100])
def test_out_of_range_is_found_at_run_time(i):
    t = trace(lambda x, i: x[i], (X, N(0)), {})
    with pytest.raises(IndexError, match="out of bounds"):
        interpret(t.func, [X, N(i)])


def test_rows_columns_and_elements_of_rows():
    def f(a, i, j):
        b = a * 1.0
        row = b[i]
        row[j] = 5.0
        row[1:3] += 1.0
        b[:, j] *= 2.0
        b.T[j][i] -= 3.0
        b[i, j] += b[j, i]
        return b, row, b[i] @ b[j], b[:, i].sum(), b[i, :j].sum(), b[j:, i].sum()

    for i, j in ((0, 1), (3, 2), (-1, -2)):
        check(f, A, N(i), N(j), exact=False)


def test_a_write_through_views_updates_what_is_named_and_no_more():
    def f(a, i, j):
        i, j = ranging(i, 0, 6), ranging(j, 0, 7)
        b = a * 1.0
        row = b[i]
        row[j] = 5.0
        b.T[j][i] = 6.0
        b[i][:j] = 0.0
        b[None, i, :, None][0, j:, 0] = 1.0
        return b

    t = check(f, A, N(2), N(3))
    sizes = [op.operands[1].shape for op in walk(t.func.body) if op.name == "update"]
    assert sizes[:2] == [(1, 1), (1, 1)] and sizes[2][0] == sizes[3][0] == 1


def test_augmented_windows_are_written_once():
    def f(a, i, j):
        i, j = ranging(i, 0, 6), ranging(j, 0, 7)
        b = a * 1.0
        b[i, :j] -= 1.0
        b[j:, i] /= 2.0
        b[i] *= 3.0
        return b

    assert ops(f, A, N(2), N(3)).count("update") == 3
    check(f, A, N(2), N(3))


def test_unsigned_and_small_integers():
    def f(x, i):
        return x[i] + x[i + i]

    for dtype in (np.uint8, np.int16, np.uint64):
        check(f, X, dtype(3))


def test_zero_d_arrays_give_copies():
    def f(a, i):
        b = a * 1.0
        row = b[i]
        row[0] = 100.0
        b[i] += 1.0
        return b, row, b[i, 0]

    check(f, A, np.array(2))
    check(lambda x, i: x[i], X, np.array(2))


def test_computed_places():
    check(lambda x: x[np.argmax(x)] + x[np.argmin(x) - 1], X)
    check(lambda x, p: x[p[2]] + x[p[p[1]]], X, np.array([3, 0, 5]))


def test_among_index_arrays_an_integer_is_one():
    keys = (lambda i: (i, [0, 1]), lambda i: ([0, 1], i), lambda i: (slice(i), [1, 2]), lambda i: ([1, 2], slice(i)))
    for key in keys:
        def f(a, i, key=key):
            b = a * 1.0
            b[key(i)] += 1.0
            return np.sum(a[key(i)]), b

        check(f, A, N(3), exact=False)


# slices -------------------------------------------------------------------------------------------------------------
BOUNDS = [
    lambda i, j: slice(i, None), lambda i, j: slice(None, i), lambda i, j: slice(i, j), lambda i, j: slice(-i, None),
    lambda i, j: slice(None, -i), lambda i, j: slice(i + 1, None), lambda i, j: slice(i, i + 3),
    lambda i, j: slice(i, None, 2), lambda i, j: slice(None, i, 3), lambda i, j: slice(i, None, -1),
    lambda i, j: slice(None, i, -1), lambda i, j: slice(i, j, -2), lambda i, j: slice(j - i, i + j),
    lambda i, j: slice(1, i), lambda i, j: slice(-2, i), lambda i, j: slice(i, -1), lambda i, j: slice(5, i, -1),
]


@pytest.mark.thinned
@pytest.mark.parametrize("k", range(len(BOUNDS)))
def test_bounds_mean_what_they_mean_in_numpy(k):
    make = BOUNDS[k]

    def f(x, i, j):
        y = x * 1.0
        y[make(i, j)] += 10.0
        y[make(i, j)] *= y[make(i, j)]
        part = x[make(i, j)]
        return y, np.sum(part), part.shape[0], np.sum(part[::-1] * np.arange(part.shape[0]))

    t = trace(f, (X, N(0), N(0)), {})
    for i in range(-11, 12):
        for j in (-4, 0, 3, 10):
            results = interpret(t.func, [X, N(i), N(j)])
            for got, expected in zip(results, f(X, N(i), N(j)), strict=True):
                np.testing.assert_allclose(got, expected, rtol=1e-13)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_views_of_views(data):
    """Chains of random keys with traced bounds, read and written through, against NumPy."""
    number = st.sampled_from(["i", "j", "0", "1", "-1", "i+1", "j-i", "2", ""])
    keys = []
    for _ in range(data.draw(st.integers(1, 3))):
        lo, hi, step = data.draw(number), data.draw(number), data.draw(st.sampled_from(["", "1", "2", "-1"]))
        keys.append(data.draw(st.sampled_from([f"[{lo}:{hi}:{step}]", f"[:, {lo}:{hi}]", ".T", "[None][0]", "[::-1]"])))
    chain = "".join(keys)
    code = f"lambda b, i, j: b{chain}"
    view = eval(code)

    def f(a, i, j):
        b = a * 1.0
        v = view(b, i, j)
        v += 1.0
        v[...] = v * 2.0
        b[0] += 1.0
        return b, np.sum(v)

    i, j = data.draw(st.integers(-7, 7)), data.draw(st.integers(-7, 7))
    t = trace(f, (A, N(1), N(2)), {})
    for got, expected in zip(interpret(t.func, [A, N(i), N(j)]), f(A, N(i), N(j)), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-12)


def test_extents_that_are_known_are_ints():
    def f(x, i):
        i = ranging(i, 1, 7)
        a, b, c = x[i:i + 3], x[i - 1:i + 1], x[i:][:2]
        assert a.shape == (3,) and len(b) == 2 and c.size == 2
        assert isinstance(a.size, int)
        return a.sum() + b.sum() + c.sum() + a @ x[:3]

    check(f, X, N(4), exact=False)


def test_equal_extents_are_one_value():
    def f(x, i):
        i = ranging(i, 0, 9)
        return x[i:] @ x[:9 - i] + x[i + 1:] @ x[:8 - i] + np.sum(x[1:i + 1] * x[:i]) + x[:i] @ x[9 - i:]

    for i in range(9):
        check(f, X, N(i), exact=False)


def test_what_is_computed_alike_from_the_same_is_equal():
    def f(x, idx, k):
        v = x * 1.0
        v[:idx[0]] += v[:idx[0]][::1]
        v[idx[0]:idx[1]] *= x[idx[0]:idx[1]]
        m = min(k, 4)
        return (v, v[:k // 2] @ x[:k // 2], v[:k * 3 % 9] @ x[:k * 3 % 9], v[-k - 1:] @ x[-k - 1:],
                v[:m] @ x[:min(k, 4)])

    check(f, X, np.array([3, 5]), N(4), exact=False)

    def written(x, idx):
        idx = idx * 1
        a = x[:idx[0]]
        idx[0] = 1
        return a.sum() + x[:idx[0]].sum() + np.sum(x[:idx[0]] * x[:idx[0]])

    check(written, X, np.array([3, 5]), exact=False)


def test_blocks_of_a_loop_with_a_step():
    def f(x, i):
        i = ranging(i, 0, 9, 3)
        assert x[i:i + 3].shape == (3,)
        return x[i:i + 3].sum()

    check(f, X, N(6))


def test_the_bounds_of_an_inner_loop_depend_on_the_outer_index():
    def f(a, i, j):
        i = ranging(i, 0, 6)
        j = ranging(j, i + 1, 7)
        return a[i, j] + a[i, i + 1:j + 1].sum() + a[i, j - i] + a[:i, :i].sum() + a[i, i - j]

    assert not {"select", "bounded", "minimum", "maximum"} & set(ops(f, A, N(1), N(3)))
    check(f, A, N(2), N(4), exact=False)


FACTS = [
    (lambda i: i > 0, lambda x, i: x[i - 1]), (lambda i: i >= 2, lambda x, i: x[i - 2]),
    (lambda i: 0 != i, lambda x, i: x[i - 1]), (lambda i: i < 8, lambda x, i: x[i + 1]),
    (lambda i: np.logical_not(i == 8), lambda x, i: x[i + 1]), (lambda i: i == 3, lambda x, i: x[i + 5] + x[i - 3]),
    (lambda i: (i > 0) & (i < 8), lambda x, i: x[i - 1] + x[i + 1]),
]


@pytest.mark.parametrize("k", range(len(FACTS)))
def test_conditions_are_facts(k):
    condition, read = FACTS[k]

    def f(x, i):
        i = ranging(i, 0, 9)
        with extents.assuming(condition(i), True):
            y = read(x, i)
        with extents.assuming(np.logical_not(condition(i)), False):
            y = y + read(x, i)
        return y

    def without(x, i):
        return read(x, ranging(i, 0, 9))

    assert not {"bounded", "select"} & set(ops(f, X, N(3)))
    assert "bounded" in ops(without, X, N(3)) or "select" in ops(without, X, N(3))


# what is computed with them -----------------------------------------------------------------------------------------
def shifted(x, n, m):
    y = x * 1.0
    y[n + 1:] -= y[n:-1]
    y[:n] = x[1:m]
    return y, x[:n] @ x[1:m], np.sum(x[:n] * x[1:m] + x[:m - 1]), np.outer(x[:n], x[1:m] + x[:n])[:, 0].sum()


def test_extents_that_a_run_has_to_compare():
    t = check(shifted, X, N(3), N(4), exact=False)
    assert any(op.name == "assert" for op in walk(t.func.body))
    for n, m in ((1, 2), (8, 9)):
        for got, expected in zip(interpret(t.func, [X, N(n), N(m)]), shifted(X, N(n), N(m)), strict=True):
            np.testing.assert_allclose(got, expected, rtol=1e-13)
    for n, m in ((3, 5), (1, 9), (9, 3)):
        with pytest.raises(gj.ShapeError, match="two extents that are computed while the function runs differ"):
            interpret(t.func, [X, N(n), N(m)])


def test_shapes_are_traced_integers():
    def f(x, n):
        v = x[:n]
        return v.shape[0] * 2, v.size + 1, len(v), np.size(v), v[:, None].shape[0], float(v.shape[0])

    check(f, X, N(4))


VECTORS = [
    lambda v, w, s: v + 1, lambda v, w, s: v * w - s, lambda v, w, s: np.exp(v) / w,
    lambda v, w, s: np.where(v > w, v, 0),
    lambda v, w, s: v.sum(), lambda v, w, s: v.max() - w.min(), lambda v, w, s: v.mean(), lambda v, w, s: np.std(v),
    lambda v, w, s: v @ w, lambda v, w, s: np.dot(v, w), lambda v, w, s: np.linalg.norm(v),
    lambda v, w, s: np.cumsum(v),
    lambda v, w, s: np.argmax(w), lambda v, w, s: v[::-1], lambda v, w, s: v[1:] - v[:-1], lambda v, w, s: np.diff(v),
    lambda v, w, s: v[0] + v[-1], lambda v, w, s: np.zeros_like(v) + s, lambda v, w, s: np.ones(v.shape) * s,
    lambda v, w, s: np.full(len(v), s), lambda v, w, s: np.empty(v.shape[0]) * 0.0, lambda v, w, s: v[:, None] * w,
    lambda v, w, s: np.outer(v, w), lambda v, w, s: v.reshape(-1, 1), lambda v, w, s: v.copy(),
    lambda v, w, s: np.arange(len(v)) * v,
    lambda v, w, s: np.arange(1, v.size + 1, 2), lambda v, w, s: np.clip(v, 0.7, w), lambda v, w, s: np.any(v > 1),
    lambda v, w, s: np.count_nonzero(v > 1), lambda v, w, s: np.sort(v), lambda v, w, s: np.einsum("i,j->ij", v, w),
    lambda v, w, s: np.broadcast_to(s, v.shape), lambda v, w, s: np.sum(v, where=v > 1), lambda v, w, s: v[v > 1].sum(),
    lambda v, w, s: np.flip(v), lambda v, w, s: np.round(v), lambda v, w, s: np.average(v, weights=w),
    lambda v, w, s: np.ptp(v),
    lambda v, w, s: np.trapezoid(v), lambda v, w, s: v.astype(int), lambda v, w, s: np.prod(v),
    lambda v, w, s: np.tril(v[:, None] * w),
]
MATRICES = [
    lambda m, y, z: m @ y, lambda m, y, z: z @ m, lambda m, y, z: m.T @ z, lambda m, y, z: m @ m.T,
    lambda m, y, z: m.sum(axis=0),
    lambda m, y, z: m.max(axis=1), lambda m, y, z: m - m.mean(axis=0), lambda m, y, z: m / m.sum(axis=1, keepdims=True),
    lambda m, y, z: np.linalg.norm(m), lambda m, y, z: m[1:, 1:], lambda m, y, z: m[:, 0],
    lambda m, y, z: m - np.outer(z, y),
    lambda m, y, z: z[:, None] * m * y, lambda m, y, z: np.einsum("ij,j->i", m, y), lambda m, y, z: np.triu(m),
    lambda m, y, z: np.argmax(m, axis=1), lambda m, y, z: m[::-1, ::2], lambda m, y, z: np.zeros(m.shape) + m,
    lambda m, y, z: np.cumsum(m, axis=0), lambda m, y, z: np.sum((m[:, None, :] - m[None, :, :]) ** 2, axis=-1),
    lambda m, y, z: m.ravel().sum(), lambda m, y, z: m.reshape(-1) @ m.flatten(), lambda m, y, z: m.size,
]


def padded(r: Any, rank: int, space: Any) -> Any:
    """A result in an array of known shape: one of traced shape cannot be returned."""
    if rank == 0:
        return r
    out = (space[0] if rank == 1 else space) * np.zeros((), r.dtype)
    if rank == 1:
        out[:r.shape[0]] = r
    else:
        out[:r.shape[0], :r.shape[1]] = r
    return out


SPACE = np.ones((12, 12))


@pytest.mark.parametrize("k", range(len(VECTORS)))
def test_functions_of_vectors(k):
    f = VECTORS[k]
    rank = np.ndim(f(X[:4], X[5:], 1.3))

    def g(x, n, s, space):
        n = ranging(n, 1, 10)
        return padded(f(x[:n], x[9 - n:], s), rank, space)

    for n in (1, 4, 9):
        check(g, X, N(n), 1.3, SPACE, exact=False)


@pytest.mark.parametrize("k", range(len(MATRICES)))
def test_functions_of_matrices(k):
    f = MATRICES[k]
    rank = np.ndim(f(A[:4, :3], X[:3], X[:4]))

    def g(a, x, n, m, space):
        n, m = ranging(n, 1, 7), ranging(m, 1, 8)
        return padded(f(a[:n, :m], x[:m], x[:n]), rank, space)

    for n, m in ((1, 1), (4, 3), (6, 7)):
        check(g, A, X, N(n), N(m), SPACE, exact=False)


def test_arrays_of_traced_shape_are_written_to():
    def f(x, n):
        n = ranging(n, 1, 10)
        v = np.zeros(n)
        v[0] = 1.0
        v[1:] = x[1:n]
        v[::2] *= 2.0
        m = np.empty((n, 2))
        m[:, 0] = v
        m[:, 1] = m[:, 0] + 1.0
        return v.sum(), m.sum(), m[-1, 1]

    for n in (1, 5, 9):
        check(f, X, N(n), exact=False)


# what is refused ----------------------------------------------------------------------------------------------------
def refuses(error: type[Exception], text: str, f: Any, *args: Any) -> None:
    with pytest.raises(error, match=text):
        trace(f, args, {})


def test_shapes_without_bound():
    refuses(TraceError, r"a shape is a traced value, and nothing says how large.*buffer\[:n\]", np.zeros, N(3))
    refuses(TraceError, "nothing says how large", lambda n: np.arange(n).sum(), N(3))
    refuses(TraceError, "nothing says how large", np.zeros, np.int32(3))  # no array is as long as its type allows


def put_far(x, k):
    c = x * 1.0
    if k > 0:
        c[2:k + 2] = x[1]
        c[2:k + 2] *= x[3]
    return c.sum()


@pytest.mark.parametrize("f", [
    lambda x, k: x[3:k + 3].sum() if k > 0 else x[0],
    lambda x, k: x[k + 1:].sum() + x[:k + 2].sum() if k >= 0 else x[0],
    lambda x, k: x[k - 30:].sum() + x[:k - 30].sum() if k < 3 else x[0],
    lambda x, k: sum(x[i:i + k].sum() * x[i + k:].sum() for i in range(3)) if k >= 0 else x[1],
    lambda x, k: x[k:k + k // 2].sum() + x[k // 2:k // 2 + 3].sum() if k >= 0 else x[0],
    lambda x, k: x[k - 2:].sum() + x[:k - 12].sum() + x[2 - k:].sum() if k < 0 else x[k // 3:].sum(),
    put_far,
])
def test_bounds_of_windows_do_not_wrap(f):
    """A number that is far out is far out, whatever is added to it."""
    compiled = gj.jit(f)
    far = [n + d for n in (2**62, 2**63 - 4, -2**62, -2**63) for d in range(4)]
    for k in (*range(-13, 14), 31, *far):
        np.testing.assert_allclose(compiled(X, np.array(k)), f(X, k), rtol=1e-12)


def up(x, k):
    s = x[0]
    if k >= 0:
        for i in range(k + 1, 5):
            s = s + x[i] * i
    return s


def down(x, k):
    s = x[0]
    if k <= 9:
        for i in range(k - 1, -1, -1):
            s = s + x[i] * i
    return s


def until_large(x, k):
    s = x[0]
    if k >= 0:
        for i in range(k + 3, 9, 2):
            s = s + x[i] * i
            if s > 20.0:
                break
    return s


def listed(x, k):
    s = x[0]
    if k >= 0:
        found = [x[i] * i for i in range(k + 1, 8)]
        s = s + sum(v * v for v in found)
    return s


@pytest.mark.parametrize("f", [up, down, until_large, listed])
def test_beginnings_of_ranges_do_not_wrap(f):
    compiled = gj.jit(f)
    far = [n + d for n in (2**62, 2**63 - 4, -2**62, -2**63) for d in range(4)]
    for k in (*range(-5, 13), *far):
        np.testing.assert_allclose(compiled(X, np.array(k)), f(X, k), rtol=1e-12)


@pytest.mark.parametrize("make", [np.zeros, np.ones, lambda n: np.full((2, n), 1.0), np.eye])
def test_negative_dimensions_are_numpys_error(make):
    def f(x, k):
        n = 5 - k
        return make(n).sum() * x + n if n < 30 else x

    compiled = gj.jit(f)
    for k in (0, 5, 3, -25, -100, 6, 100):
        try:
            expected = f(2.0, k)
        except ValueError as e:
            with pytest.raises(ValueError, match=str(e)):
                compiled(2.0, np.array(k))
        else:
            assert compiled(2.0, np.array(k)) == expected


def test_shapes_that_cannot_agree():
    def f(x, n):
        n = ranging(n, 1, 5)
        return np.sum(x[:n] * x[:n + 1])

    def g(x, n):
        n = ranging(n, 1, 5)
        return x[:n] @ x[:7]

    refuses(ShapeError, r"could not be broadcast together with shapes \(n,\) \(n \+ 1,\)", f, X, N(3))
    refuses(ShapeError, r"size 7 is different from n", g, X, N(3))


def test_results_of_traced_shape():
    for n in (0, 3, -2, 20):
        check(lambda x, n: (x[:n], x[n:], np.ones((np.argmax(x) + 1, 2))), X, N(n))


def test_shapes_are_told_in_words():
    shapes = {
        r"\(min\(max\(n, 0\), 9\),\)": lambda x, n: x[:n],
        r"\(9 - min\(max\(n, 0\), 9\),\)": lambda x, n: x[n:],
        r"\(argmax\(\.\.\.\) \+ 1,\)": lambda x, n: np.ones(np.argmax(x) + 1),
    }
    for text, f in shapes.items():
        refuses(UnsupportedError, "is not supported: of an array of shape " + text,
                lambda x, n, f=f: np.convolve(f(x, n), x), X, N(3))


def test_functions_that_need_the_shape():
    refuses(UnsupportedError, r"np\.convolve is not supported: of an array of shape",
            lambda x, n: np.convolve(x[:n], x), X, N(3))


def test_functions_that_work_in_full_size():
    def f(x, n):
        y = x[:n]
        return (np.concatenate([y, x]), np.median(y), np.sort(-y), np.cumsum(y), np.roll(y, 2), np.pad(y, 1),
                np.stack([y, y]), np.tile(y, 2), np.repeat(y, 2), np.prod(y), np.unique(y))

    for n in (1, 3, 9):
        check(f, X, N(n))


def test_keys_that_are_no_integers():
    refuses(BoundsError, "only integers", lambda x, i: x[i], X, np.float64(1.0))
    refuses(TraceError, "slice indices must be integers", lambda x, i: x[i:], X, np.float64(1.0))
    refuses(TraceError, "step of a slice must be known", lambda x, i: x[::i], X, N(2))


def test_an_error_is_numpys_where_it_is_known():
    refuses(BoundsError, "index 9 is out of bounds for axis 0 with size 9", lambda x: x[9], X)


def test_captured_zero_d_arrays_are_read_at_each_call():
    k = np.array(2)
    t = trace(lambda x: x[k], (X,), {})
    (c,) = t.captured
    assert c.array is k
    assert_same(interpret(t.func, [X, np.array(5)])[0], np.asarray(X[5]))


# lists --------------------------------------------------------------------------------------------------------------
def test_lists_of_numbers_and_arrays():
    def f(x, i):
        weights, scaled = [0.5, 2.0, 3.5], [x[1], x[2] * 2.0, x[0]]
        rows = [x * 1.0, x * 2.0, x[::-1]]
        counts, flags = (1, 2, 3), [True, False, True]
        return weights[i], scaled[i], rows[i], (3.0, 4.0, 5.0)[i], counts[i] * 2, np.where(flags[i], x, 0.0), rows[i][i]

    for i in (0, 1, 2, -1):
        check(f, X, N(i))


def test_lists_in_loops():
    def f(x, layers):
        h = x
        for k in range(12):
            h = np.tanh(layers[k] @ h) + [1.0, 2.0][k % 2]
        return h

    rng = np.random.default_rng(1)
    check(f, X[:3], [rng.standard_normal((3, 3)) for _ in range(12)], exact=False)


def test_lists_that_cannot_be_stacked():
    refuses(UnsupportedError, r"shapes \(4,\), \(9,\).*np.stack", lambda x, i: [x, x[:4]][i], X, N(0))
    refuses(UnsupportedError, "it holds a str", lambda x, i: [x, "a"][i], X, N(0))
    refuses(UnsupportedError, "different kinds", lambda x, i: [x[0], np.array(1.0)][i], X, N(0))

    def written(x, i):
        items = [0.0, 1.0]
        items[i] = x[0]
        return items

    def grown(x, i):
        items = [0.0, 1.0]
        items[i] += x[0]
        return items

    def unlike(x, i):
        items = [0.0, x]
        items[i] = x[0]
        return items

    for f in (written, grown):
        for i in (N(0), N(-1)):
            assert gj.jit(f, backend="interpreter")(X, i) == f(X, i)
        with pytest.raises(IndexError, match="out of (range|bounds)"):
            gj.jit(f, backend="interpreter")(X, N(2))
    refuses(UnsupportedError, r"written to at a place that is not known.*not alike.*np\.array", unlike, X, N(0))

    def aliased(x, i):
        rows = [x * 1.0, x * 2.0]
        row = rows[i]
        rows[0][1] = 7.0
        return row

    def through(x, i):
        rows = [x * 1.0, x * 2.0]
        rows[i][0] = 7.0
        return rows[0]

    for f in (aliased, through):
        refuses(TraceError, "may be any of the list's, and one of them is written to", f, X, N(0))


def test_a_place_that_a_branch_has_computed_is_not_known_behind_it():
    def f(x):
        s, v = x[0], np.zeros(9)
        for i in range(0, 10, 2):
            for j in range(8):
                if s <= s:
                    if j + i > j:
                        s = np.sin(np.sum(v[i + 3::2]))
                        continue
                s = 0.8
        return s

    x = np.linspace(0.1, 1, 9)
    assert gj.jit(f)(x) == f(x)
