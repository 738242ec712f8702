"""Views and writes: as NumPy's, for arrays made inside of the function."""

from __future__ import annotations

import numpy as np
import pytest

from gradjit.errors import DtypeError, ShapeError, TraceError, UnsupportedError
from gradjit.tracer import layout
from gradjit.tracer.trace import trace

from .compare import check

X = np.arange(24.0).reshape(2, 3, 4)


def test_write_through_a_slice_reaches_the_base():
    def f(x):
        y = x * 1.0
        y[1:][::2] *= 2
        return y

    check(f, np.arange(7.0))


def test_base_written_after_the_view_was_made():
    def f(x):
        y = x * 1.0
        v = y[1:4]
        w = v[::-1]
        y[2] = 100.0
        w[0] = -1.0
        return y, v, w

    check(f, np.arange(6.0))


def test_two_views_that_overlap():
    def f(x):
        y = x * 1.0
        a, b = y[:4], y[2:]
        a[:] = b
        b += a
        return y, a, b

    check(f, np.arange(6.0))


def test_transposed_and_squeezed_views():
    def f(x):
        y = x * 1.0
        t = y.T
        t[1] = 7.0
        y[None, 0][0][1] = 5.0
        t[0, 0] += y[1, 1]
        return y, t

    check(f, np.arange(6.0).reshape(2, 3))


def test_scalars_are_no_views():
    def f(x):
        y = x * 1.0
        s = y[0]
        y[0] = 9.0
        return s, y, y[0]

    check(f, np.arange(3.0))


def test_zero_d_views_by_ellipsis():
    def f(x):
        y = x * 1.0
        v = y[0, ...]
        v += 5.0
        v[...] = v * 2
        return y, v

    check(f, np.arange(3.0))


def test_copies_share_nothing():
    def f(x):
        y = x * 1.0
        a, b, c = y.copy(), y[1:].copy(), y.astype(float)
        y[:] = 0.0
        a[0] = 50.0
        return y, a, b, c

    check(f, np.arange(4.0))


def test_fill_and_known_arrays():
    def f(x):
        y = np.zeros(4)
        z = np.ones((2, 2))
        y[1:3] = x
        z.fill(3.0)
        z[0] += x
        return y, z

    check(f, np.arange(2.0) + 1)


def test_known_stays_known_until_a_traced_value_is_written():
    def f(x):
        table = np.arange(4)
        table[2] = 7
        assert int(table[2]) == 7
        assert [int(k) for k in table] == [0, 1, 7, 3]
        w = np.zeros(3)
        w[0] = x[0]
        return w, table

    check(f, np.ones(2))


def test_a_views_known_elements_follow_the_base():
    def f(x):
        a = np.zeros(3)
        v = a[1:]
        a[2] = 5.0
        n = int(v[1])
        return x[:n]

    check(f, np.arange(8.0))


def test_swaps_and_chained_assignment():
    def f(x):
        y = x * 1.0
        y[0], y[1] = y[1], y[0]
        a = b = y
        a += 1
        return y, b

    check(f, np.arange(4.0))


def test_written_values_broadcast_and_cast():
    def f(x):
        y = np.zeros((2, 3))
        y[:] = x
        y[:, 1] = 7
        y[0] = [1, 2, 3]
        z = np.zeros(3, np.int64)
        z[:] = 2.9
        z[1] = x[0]
        return y, z

    check(f, np.arange(3.0) + 0.5)


def test_leading_ones_of_a_value_are_dropped():
    def f(x):
        y = np.zeros(3)
        y[:] = x[None]
        return y

    check(f, np.arange(3.0))


def test_shapes_that_do_not_fit():
    def f(x):
        y = np.zeros(4)
        y[:3] = x
        return y

    with pytest.raises(ShapeError, match=r"from shape \(2,\) into shape \(3,\)[^$]*test_views"):
        trace(f, (np.ones(2),), {})


def test_scalars_cannot_be_written_to():
    def f(x):
        s = x.sum()
        s[()] = 1.0
        return s

    with pytest.raises(TraceError, match="does not support item assignment"):
        trace(f, (np.ones(2),), {})


def test_complex_number_into_real_array_is_refused():
    def f(x, z):
        y = x * 1.0
        y[0] = z
        return y

    with pytest.raises(DtypeError, match="cannot be written"):
        trace(f, (np.ones(2), 1j), {})


@pytest.mark.parametrize("shape", [(24,), (6, 4), (2, 12), (4, 6), (3, 8), (2, 3, 2, 2), (24, 1), (1, 24), (2, 1, 12)])
def test_reshape_of_contiguous_arrays_is_a_view(shape):
    def f(x):
        y = x * 0.0 + np.arange(24.0).reshape(2, 3, 4)
        v = y.reshape(shape)
        v += 1.0
        v[0] = 5.0
        return y, v

    check(f, np.zeros((2, 3, 4)))


def test_reshape_that_must_copy_copies():
    def f(x):
        y = np.zeros((4, 6))
        y[:] = x
        v = y[:, ::2].reshape(12)
        w = y.T.reshape(-1)
        u = y[::2].reshape(12)
        v[0] = w[0] = u[0] = 99.0
        return y, v, w, u

    check(f, np.arange(24.0).reshape(4, 6))


@pytest.mark.parametrize("order", ["C", "F"])
def test_reshape_of_an_argument_follows_its_memory_order(order):
    def f(x):
        v = x.reshape(6)
        w = x.T.reshape(6)
        v[0] = 10.0
        w[1] = 20.0
        return x, v, w

    check(f, np.asarray(np.arange(6.0).reshape(2, 3), order=order))


def test_order_of_results():
    def f(x):
        y = x[:, ::-1] * 2.0
        v = y.reshape(-1)
        v[0] = 7.0
        z = np.add(x, x)[:, 1:] + 1.0
        w = z.reshape(-1)
        w[1] = 8.0
        return y, v, z, w

    check(f, np.arange(12.0).reshape(3, 4))


def test_reshape_of_unknown_order_may_be_read_but_not_written():
    check(lambda x: np.cumsum(x.T, axis=0).reshape(6) * 2, np.arange(6.0).reshape(2, 3))

    def writes(x):
        y = np.cumsum(x.T, axis=0)
        y.reshape(6)[0] = 1.0
        return y

    def reads_after(x):
        y = np.cumsum(x.T, axis=0)
        v = y.reshape(6)
        y[0] = 1.0
        return v.sum()

    for f in (writes, reads_after):
        with pytest.raises(UnsupportedError, match="copy"):
            trace(f, (np.arange(6.0).reshape(2, 3),), {})


def test_strides_of_reshapes_against_numpy():
    rng = np.random.default_rng(0)
    base = np.empty((4, 6, 5))
    views = [base, base[::2], base[:, ::2], base[:, :, ::-1], base.T, base[1], base[:, 2], base[:, None], base[0:0],
             base[:2, :3].transpose(1, 0, 2), base[:, :, 1:2], base.reshape(24, 5)[::3]]
    compared = 0
    for v in views:
        for _ in range(40):
            factors = [1]
            rest = v.size
            while rest > 1:
                d = rng.choice([k for k in range(2, rest + 1) if rest % k == 0])
                factors.append(int(d))
                rest //= int(d)
            shape = tuple(rng.permutation(factors + [1] * int(rng.integers(0, 2)))) if v.size else (0, 3)
            strides = layout.reshaped(v.shape, [s // 8 for s in v.strides], shape)
            try:
                expected = np.reshape(v, shape, copy=False)
            except ValueError:
                assert strides is None, (v.shape, v.strides, shape)
                continue
            assert strides is not None
            if v.size:
                kept = [(a, b // 8) for a, b, e in zip(strides, expected.strides, shape, strict=True) if e > 1]
                assert all(a == b for a, b in kept)
            compared += 1
    assert compared > 100


@pytest.mark.parametrize("seed", range(60))
def test_random_programs_of_overlapping_views(seed):
    """Straight-line programs of views, views of views, and writes through them, against NumPy itself."""
    plan = np.random.default_rng(seed).integers(0, 1 << 30, size=400).tolist()

    def program(x):
        numbers = iter(plan)

        def draw(n):
            return next(numbers) % n

        def some_key(shape):
            key = []
            for e in shape:
                kind = draw(5)
                if kind == 0 and e > 0:
                    key.append(draw(2 * e) - e)
                elif kind == 1:
                    key.append(slice(draw(e + 1), None))
                elif kind == 2:
                    key.append(slice(None, None, -1))
                elif kind == 3:
                    key.append(slice(draw(e + 1), draw(e + 1), 1 + draw(2)))
                else:
                    key.append(slice(None))
            if draw(4) == 0:
                key.insert(draw(len(key) + 1), None)
            return tuple(key[:draw(len(key) + 1)])

        arrays = [x * 1.0, np.zeros((3, 4))]
        for _ in range(14):
            a = arrays[draw(len(arrays))]
            action = draw(6)
            if action == 0 and a.ndim:
                v = a[some_key(a.shape)]
                if isinstance(v, np.ndarray):
                    arrays.append(v)
            elif action == 1:
                arrays.append(a.T)
            elif action == 2:
                a += 1.0
            elif action == 3 and a.ndim:
                key = some_key(a.shape)
                a[key] = a[key] * 2.0 + draw(5)
            elif action == 4:
                a *= a * 0.5
            else:
                b = arrays[draw(len(arrays))]
                if a.shape == b.shape:
                    a[...] = b
        return arrays

    check(program, np.random.default_rng(seed).standard_normal((3, 4)), exact=False)


def test_arguments_written_are_noted_not_changed():
    def f(x):
        x[0] = 5.0
        return x.sum()

    x = np.arange(3.0)
    t = trace(f, (x,), {})
    assert [w.what for w in t.writes] == ["the argument x"]
    assert t.writes[0].loc is not None and t.writes[0].loc.file == __file__
    np.testing.assert_array_equal(x, np.arange(3.0))
    check(f, x)
