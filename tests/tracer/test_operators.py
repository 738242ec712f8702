"""Operators: dtypes, kinds of scalars, and values as NumPy has them."""

from __future__ import annotations

import itertools
import operator

import numpy as np
import pytest

import gradjit as gj
from gradjit.errors import ConversionError, DtypeError, ShapeError, TraceError
from gradjit.tracer.trace import trace

from .compare import check

ARITHMETIC = [operator.add, operator.sub, operator.mul]
COMPARE = [operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne]
OPERANDS = {
    "f64 array": np.array([1.5, -2.0, 3.0]),
    "f32 array": np.array([1.5, -2.0, 3.0], np.float32),
    "i64 array": np.array([3, -1, 2]),
    "i32 array": np.array([3, -1, 2], np.int32),
    "u8 array": np.array([3, 1, 2], np.uint8),
    "bool array": np.array([True, False, True]),
    "0-d array": np.array(2.5),
    "f64": np.float64(2.5),
    "f32": np.float32(2.5),
    "i64": np.int64(3),
    "python float": 2.5,
    "python int": 3,
    "python bool": True,
}


def _traced(x: object) -> bool:
    return type(x) not in (int, bool)


@pytest.mark.parametrize("left", OPERANDS)
@pytest.mark.parametrize("right", OPERANDS)
def test_promotion(left, right):
    a, b = OPERANDS[left], OPERANDS[right]
    for op in (*ARITHMETIC, operator.truediv, *COMPARE):
        try:
            with np.errstate(all="ignore"):
                op(a, b)
        except TypeError:
            if _traced(a) or _traced(b):
                with pytest.raises(DtypeError):
                    trace(op, (a, b), {})
            continue
        check(op, a, b)


@pytest.mark.parametrize("name", ["f64 array", "f32 array", "i64 array", "f64", "python float"])
def test_python_numbers_do_not_widen(name):
    x = OPERANDS[name]
    check(lambda x: (x + 1, 1 + x, x * 2.0, 2.0 * x, x - 1, 1.0 - x, x / 2, 3 / x), x)


def test_weak_stays_weak_until_it_meets_an_array():
    check(lambda t, x: (t * 2 + 1) * x, 0.5, np.ones(3, np.float32))
    check(lambda t: t * 2 + 1, 0.5)
    check(lambda t: np.sin(t), 0.5)
    check(lambda t, s: t * s, 0.5, np.float32(2))


STRONG = [  # np.float64 is a Python float as well, and in arrays Python's numbers have dtypes of their own
    lambda x: np.float64(0.5) * x,
    lambda x: x[0] - np.float64(2),
    lambda x: np.array([1.0, 2.0])[0] * x,
    lambda x: np.log(2) + x,
    lambda x: np.where(x > 0, x, np.float64(0)),
    lambda x: np.clip(x, 0, np.float64(2)),
    lambda x: np.maximum(x, np.mean([1.0, 2.0])),
    lambda x: np.array([x[0], 1.0]),
    lambda x: np.array([x[0], 1]),
    lambda x: np.array([[x[0], 2.5], [True, x[1]]]),
    lambda x: np.array([float(x[0]), x[1]]),
    lambda x: x + [1.0, 2.0, 3.0],
]


@pytest.mark.parametrize("k", range(len(STRONG)))
def test_numpys_scalars_and_lists_widen(k):
    check(STRONG[k], np.array([1.5, -2.0, 3.0], np.float32), exact=False)


def test_known_scalars_are_numpys_own():
    def f(x):
        n = np.arange(5)[2]
        assert type(n) is np.int64
        total = 0.0
        for k in range(n):
            total = total + x[k]
        return total

    check(f, np.array([1.0, 2.0, 3.0]))


def test_bool_arithmetic():
    a, b = np.array([True, True, False]), np.array([True, False, False])
    check(lambda a, b: (a + b, a * b), a, b)
    for f in (lambda a: -a, lambda a: a - a):
        with pytest.raises(DtypeError, match="test_operators.py"):
            trace(f, (a,), {})


def test_broadcasting():
    shapes = [(), (1,), (3,), (2, 3), (2, 1), (1, 3), (4, 1, 3), (0, 3)]
    for s, t in itertools.product(shapes, shapes):
        a, b = np.arange(float(np.prod(s))).reshape(s), np.ones(t)
        try:
            a + b
        except ValueError:
            with pytest.raises(ShapeError, match="could not be broadcast"):
                trace(operator.add, (a, b), {})
            continue
        check(operator.add, a, b)


def test_in_place_operators():
    def f(x, y):
        z = x * 1.0
        alias = z
        z += y
        z *= 2
        z -= 1.0
        z /= 4
        return z, alias

    check(f, np.arange(3.0), np.ones(3))


def test_in_place_on_a_scalar_makes_a_new_one():
    def f(x):
        s = np.sum(x)
        t = s
        t += 1
        return s, t

    check(f, np.arange(3.0))


def test_in_place_keeps_the_dtype_or_refuses():
    def f(x):
        y = x * 1
        y += 0.5
        return y

    check(f, np.arange(3, dtype=np.float32))
    with pytest.raises(DtypeError, match="same_kind"):
        trace(f, (np.arange(3),), {})


def test_out_and_where():
    def f(x, y):
        out = x * 0.0
        np.add(x, y, out=out)
        np.multiply(out, 2.0, out=out, where=y > 1)
        return out

    check(f, np.arange(4.0), np.arange(4.0))


def test_out_shape_must_fit():
    def f(x):
        out = x[:2] * 1.0
        np.add(x, 1.0, out=out)
        return out

    with pytest.raises(ShapeError, match="non-broadcastable"):
        trace(f, (np.arange(4.0),), {})


def test_nan_and_inf_travel():
    x = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0])
    check(lambda x: (x + 1, x * 0, 1 / x, x - x, x == x, x < 1), x)


def test_comparison_with_none_and_strings():
    check(lambda x: (x is None, x == None, x != "a", "a" == x), np.ones(2))  # noqa: E711
    check(lambda x: (x[0] == None, x[0] != "a"), np.ones(2))  # noqa: E711


def test_objects_without_array_meaning_are_refused():
    with pytest.raises((TypeError, DtypeError)):
        trace(lambda x: x + {"a": 1}, (np.ones(2),), {})
    with pytest.raises((TypeError, DtypeError)):
        trace(lambda x: x + None, (np.ones(2),), {})


def test_other_classes_may_take_the_operator():
    class Unit:
        __array_ufunc__ = None

        def __rmul__(self, other):
            return "mine"

    unit = Unit()
    t = trace(lambda x: x * unit, (np.ones(2),), {})
    assert t.result[0].value == "mine"


def test_python_lists_as_operands():
    check(lambda x: x + [1.0, 2.0], np.ones(2))
    check(lambda x: [1, 2] * x, np.ones(2))


@pytest.mark.parametrize("convert", [lambda x: {1 for _ in range(2) if x}, lambda x: {x: 1}, hash])
def test_unknown_values_are_refused_with_the_line(convert):
    def f(x):
        return convert(x[0] > 0.5)

    with pytest.raises(TraceError, match=r'test_operators.py", line \d+') as e:
        trace(f, (np.ones(2),), {})
    assert "traced value" in str(e.value)


def test_len_and_iteration():
    check(lambda x: sum(row[0] * k for k, row in enumerate(x)) + len(x), np.arange(6.0).reshape(3, 2))
    check(lambda x: [2 * v for v in x], np.arange(3.0))
    a = trace(lambda x: len(x), (np.ones((4, 2)),), {})
    assert a.result[0].value == 4
    with pytest.raises(TypeError, match="unsized"):
        trace(lambda x: len(x), (np.array(1.0),), {})


def test_attributes():
    def f(x):
        return (x.shape, x.ndim, x.size, x.dtype, x.itemsize, x.nbytes, x.T, x.mT)

    t = trace(lambda x: f(x)[:6], (np.ones((2, 3), np.float32),), {})
    assert [r.value for r in t.result] == [2, 3, 2, 6, np.dtype(np.float32), 4, 24]
    check(lambda x: (x.T, x.mT, x.T.T), np.arange(6.0).reshape(2, 3))


def test_unknown_methods_are_named():
    with pytest.raises(TraceError, match="tobytes.*\n.*test_operators"):
        trace(lambda x: x.tobytes(), (np.ones(2),), {})
    with pytest.raises(AttributeError, match="no attribute 'frobnicate'"):
        trace(lambda x: x.frobnicate(), (np.ones(2),), {})
    with pytest.raises(TraceError, match="setting .shape"):
        trace(lambda x: setattr(x, "shape", (1, 2)), (np.ones(2),), {})


NUMBERS = {"f64": np.array([2.0]), "f32": np.array([2.0], np.float32), "i64": np.array([2]), "bool": np.array([True]),
           "c128": np.array([2.0j])}
SEQUENCES = ([1.0, 2.0], (1.0, 2.0), [True], [[1.0, 2.0], [3.0, 4.0]], [], range(2))
BY_KIND = {"element": lambda x: x[0], "sum": lambda x: x.sum(), "Python's": lambda x: x[0].item()}


@pytest.mark.thinned
@pytest.mark.parametrize("kind", BY_KIND)
@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_beside_sequences(name, kind):
    """Python's numbers know no arithmetic with lists, and NumPy's repeat them: the value, or an error."""
    number = BY_KIND[kind]
    for items, op in itertools.product(SEQUENCES, (*ARITHMETIC, operator.truediv, *COMPARE)):
        for f in (lambda x: op(number(x), items), lambda x: op(items, number(x))):
            try:
                with np.errstate(all="ignore"):
                    want = f(NUMBERS[name])
            except TypeError:
                with pytest.raises(DtypeError):
                    trace(f, (NUMBERS[name],), {})
                continue
            if op is operator.mul and isinstance(want, (list, tuple)):  # repeated
                with pytest.raises(TraceError, match="times an integer"):
                    trace(f, (NUMBERS[name],), {})
            elif isinstance(want, bool):
                assert f(trace(f, (NUMBERS[name],), {}) and NUMBERS[name]) is want
            else:
                check(f, NUMBERS[name])


@pytest.mark.parametrize("name", ["i64 array", "i32 array", "u8 array", "bool array", "i64", "f64 array", "f32 array"])
@pytest.mark.parametrize("n", [2**64, -2**63 - 1, 2**70])
def test_integers_beyond_64_bits(name, n):
    """A float beside floats; no integer beside integers, but for comparisons."""
    x = OPERANDS[name]
    for op in (*ARITHMETIC, operator.truediv, operator.floordiv, operator.mod, operator.pow, *COMPARE):
        for f in (lambda x: op(x, n), lambda x: op(n, x)):
            try:
                with np.errstate(all="ignore"):
                    f(x)
            except OverflowError:
                with pytest.raises(ConversionError, match="64 bits"):
                    trace(f, (x,), {})
            else:
                check(f, x)


def test_the_largest_integers_are_below_those_beyond():
    check(lambda x: (x < 2**64, x == 2**64, 2**64 > x, x >= 2**64), np.array([2**64 - 1, 0], np.uint64))


def test_an_int_of_pythons_does_not_leave_64_bits():
    with pytest.raises(ConversionError):
        trace(lambda x: int(x) + 2**64, (3.0,), {})


@pytest.mark.parametrize("n", [2**53 + 1, 2**53 + 3, -2**53 - 1, 2**70 + 1])
@pytest.mark.parametrize("op", COMPARE)
def test_pythons_floats_are_compared_with_integers_exactly(op, n):
    for x in (float(n), np.nextafter(float(n), np.inf).item(), np.nextafter(float(n), -np.inf).item()):
        assert gj.jit(lambda x: (x * 1.0 if op(x, n) else x * 2.0))(x) == (x if op(x, n) else x * 2.0)
        assert gj.jit(lambda x: (x * 1.0 if op(n, x) else x * 2.0))(x) == (x if op(n, x) else x * 2.0)


def test_the_square_of_booleans():
    b = OPERANDS["bool array"]
    check(lambda b: (b**2, np.power(b, 2), b**3, (b[:1].reshape(()))**2, b[0]**2), b)


def test_what_an_operator_has_against_a_text_names_the_type():
    with pytest.raises(DtypeError, match="'numpy.float64' and 'str'"):
        trace(lambda x: x[0] + "a", (np.ones(2),), {})
    with pytest.raises(DtypeError, match="'<' not supported between instances of 'numpy.float64' and 'str'"):
        trace(lambda x: x[0] < "a", (np.ones(2),), {})
