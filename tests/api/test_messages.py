"""What an error says: the name of the function as the user wrote it, the user's line, what came, what to write."""

from __future__ import annotations

import array
import ctypes
import functools
import linecache
import mmap
from collections import deque

import numpy as np
import pytest

import gradjit as gj

X = np.arange(1.0, 4.0)
LOG: list = []
TABLE: dict = {}


def place(f, marker="here"):
    """The line of a function's file that ends in a comment."""
    first = f.__code__.co_firstlineno
    lines = linecache.getlines(__file__)[first - 1:]
    line = next(k for k, s in enumerate(lines, first) if s.rstrip().endswith("# " + marker))
    return f'File "{__file__}", line {line}'


# arguments ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("x", [array.array("d", [1.0, 2.0]), memoryview(X), (ctypes.c_double * 3)(1, 2, 3),
                               bytearray(8), mmap.mmap(-1, 8), ctypes.c_double(3.0)], ids=lambda x: type(x).__name__)
@pytest.mark.parametrize("way", [gj.jit, gj.grad])
def test_buffers_are_refused_by_name(x, way):
    with pytest.raises(gj.DtypeError, match=rf"argument w is a .*{type(x).__name__}.*np.asarray"):
        way(lambda w: w[0] * 2.0)(x)
    with pytest.raises(gj.DtypeError, match=r"argument w.a is a .*np.asarray"):
        way(lambda w: w["a"][0] * 2.0)({"a": x})


def test_bytes_and_strings_are_static():
    assert gj.jit(lambda x, b, s: x * len(b) * len(s))(2.0, b"abc", "ab") == 12.0


# values that are not known --------------------------------------------------------------------------------------------
FORMATS = {
    "f-string": lambda y: f"{y:.3f}",
    "format method": lambda y: "{:.3f}".format(y),  # noqa: UP032
    "format": lambda y: format(y, ".3f"),
    "percent g": lambda y: "%g" % y,  # noqa: UP031
    "percent d": lambda y: "%d" % y,  # noqa: UP031
    "percent with a tuple": lambda y: "%s %8.3e" % ("y", y),  # noqa: UP031
    "nested f-string": lambda y: f"{y:{'.3f'}}",
}


@pytest.mark.parametrize("name", FORMATS)
def test_letters_of_texts_are_not_known(name):
    with pytest.raises(gj.TraceError, match=r"the length of the text .*print it .*, log it or raise it") as caught:
        gj.jit(lambda x: np.sum(x) * len(FORMATS[name](np.sum(x))))(X)
    assert f'File "{__file__}", line ' in str(caught.value)
    assert gj.jit(lambda x: (x, FORMATS[name](np.sum(x))))(X)[1] == FORMATS[name](np.sum(X))


# values that are kept outside -----------------------------------------------------------------------------------------
def inserted(x):
    y = np.sum(x)
    LOG.insert(  # here
        0,
        y)
    return y


def make_deque():
    history = deque(maxlen=3)

    def in_a_deque(x):
        history.append(x * 2.0)  # here
        return np.sum(x)

    return in_a_deque


KEPT = [inserted, make_deque()]


@pytest.mark.parametrize("f", KEPT, ids=lambda f: f.__name__)
@pytest.mark.parametrize("way", [gj.jit, gj.grad, lambda f: gj.jit(lambda x: gj.jit(f)(x))],
                         ids=["jit", "grad", "nested"])
def test_traced_values_are_not_kept_outside(f, way):
    with pytest.raises(gj.TraceError, match=r"outside of the function.*return the new value") as caught:
        way(f)(X)
    assert f"{place(f)}, in {f.__name__}" in str(caught.value)
    assert LOG == [] and TABLE == {}


def test_containers_of_the_function_s_own_keep_them():
    def f(x):
        own, table = [], {}
        own.append(x)
        own.extend([x * 2.0])
        table.update(a=x)
        table.setdefault("b", []).append(x * 3.0)
        return own[0] + own[1] + table["a"] + table["b"][0]

    np.testing.assert_allclose(gj.jit(f)(X), 7 * X)


# writes ---------------------------------------------------------------------------------------------------------------
def test_read_only_arrays():
    frozen = X.copy()
    frozen.flags.writeable = False

    def writes(x):
        x[0] = 5.0  # here
        return x

    def writes_captured(x):
        frozen[0] = x[0]  # here
        return x

    def writes_in_a_dict(d):
        d["a"][1:] += 1.0  # here

    for f, x, what in ((writes, frozen, "the argument x"), (writes_captured, X, "the captured array frozen"),
                       (writes_in_a_dict, {"a": frozen}, "the argument d.a"), (writes, np.broadcast_to(2.0, 3), "x")):
        with pytest.raises(gj.ArgumentError, match=f"read-only.*{f.__name__}.*{what}.*copy") as caught:
            gj.jit(f)(x)
        assert place(f) in str(caught.value)


# names ----------------------------------------------------------------------------------------------------------------
class Net:
    def gives_a_vector(self, x):
        return x * 2.0

    def __call__(self, x):
        return x * 2.0

    @staticmethod
    def gives_a_static_vector(x):
        return x * 2.0


def gives_a_vector(x):
    return x * 2.0


@gj.jit
def gives_a_compiled_vector(x):
    return x * 2.0


@functools.wraps(gives_a_vector)
def wrapper(x):
    return gives_a_vector(x)


NAMED = {
    "gives_a_vector": [gives_a_vector, gj.jit(gives_a_vector), gj.jit(gj.jit(gives_a_vector)), Net().gives_a_vector,
                       functools.partial(gives_a_vector), gj.jit(functools.partial(gives_a_vector)), wrapper,
                       gj.checkpoint(gives_a_vector), gj.jit(Net().gives_a_vector)],
    "gives_a_static_vector": [Net.gives_a_static_vector],
    "gives_a_compiled_vector": [gives_a_compiled_vector],
    "Net": [Net(), gj.jit(Net())],
    "<lambda>": [lambda x: x * 2.0],
}


@pytest.mark.parametrize("name, f", [(name, f) for name, fs in NAMED.items() for f in fs])
@pytest.mark.parametrize("way", [gj.grad, gj.hessian, gj.value_and_grad, lambda f: gj.jit(lambda x: gj.grad(f)(x))])
def test_the_function_is_called_what_the_user_called_it(name, f, way):
    with pytest.raises(gj.DifferentiationError, match=rf"^{name} returns an array(.|\n)*{__file__}\", line"):
        way(f)(X)


def test_a_number_where_a_scalar_of_numpys_is_declared():
    f = gj.jit(lambda x, k: x * k, signature="f64[n], i64[]")
    assert f(np.ones(2), np.int64(3)).tolist() == [3.0, 3.0]
    with pytest.raises(gj.ArgumentError, match=r"k is 3, expected i64\[\], a NumPy scalar; write np\.int64\(3\)"):
        f(np.ones(2), 3)


def test_what_is_exported_is_a_function():
    with pytest.raises(gj.ArgumentError, match=r"takes a function and its signature, or a list of gj\.Routine"):
        gj.export(3, "f64[n]")
