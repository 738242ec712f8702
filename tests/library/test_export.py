"""Functions of a library, called as C calls them, and from Python again."""

from __future__ import annotations

import copy
import ctypes
import multiprocessing
import pickle
import subprocess
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import gradjit as gj
from gradjit.errors import ArgumentError, UnsupportedError

from . import models as m

pytestmark = pytest.mark.skipif(not m.HAS_LINKER, reason="there is no linker (cc, clang, ld) on this machine")

n64, p64, f64 = ctypes.c_int64, ctypes.c_void_p, ctypes.c_double


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    routines = [
        gj.Routine(m.rosenbrock, "f64[n]", "value_and_grad", name="rosenbrock"),
        gj.Routine(m.loss, "f64[k], f64[n,k], f64[n]", "value_and_grad", (0, 1)),
        gj.Routine(m.picked, "f64[n], i64[m]"),
        gj.Routine(m.relaxed, "f64[n], float"),
        gj.Routine(m.shifted, "f64[3], float"),
        gj.Routine(m.product, "f64[m,k], f64[k,p]"),
        gj.Routine(m.layered, '{"w": f64[n,m], "b": f64[m]}, f64[n]', "grad"),
        gj.Routine(m.chosen, "f32[n], bool[n], i64[n]"),
        gj.Routine(m.recurrence, "f64[3], 20000", "value_and_grad", name="recurrence"),
    ]
    return gj.export(routines, name="models", output=tmp_path_factory.mktemp("läufe und wege"))


@pytest.fixture(scope="module")
def library(files):
    return gj.load(files.shared)


# in Python ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("n", [0, 1, 2, 3, 4, 7, 16, 1000])
def test_every_size_gives_what_the_compiled_function_gives(library, n):
    x = np.linspace(-1, 1.5, n)
    value, gradient = library.rosenbrock(x)
    expected, slope = gj.value_and_grad(m.rosenbrock)(x)
    assert type(value) is type(expected)
    np.testing.assert_allclose(value, expected, rtol=1e-14)
    np.testing.assert_allclose(gradient, slope, rtol=1e-14)


@pytest.mark.parametrize("n, k", [(0, 3), (1, 1), (5, 3), (40, 70), (300, 2)])
def test_two_open_sizes(library, n, k):
    rng = np.random.default_rng(0)
    w, x, y = rng.normal(size=k), rng.normal(size=(n, k)), rng.normal(size=n)
    with np.errstate(all="ignore"):
        value, gradients = library.loss_value_and_grad(w, x, y)
        expected, slopes = gj.value_and_grad(m.loss, (0, 1))(w, x, y)
    np.testing.assert_allclose(value, expected, rtol=1e-13)
    for g, s in zip(gradients, slopes, strict=True):
        np.testing.assert_allclose(g, s, rtol=1e-12, atol=1e-15)


def test_layouts_keywords_containers_and_dtypes(library):
    rng = np.random.default_rng(1)
    w, x, y = rng.normal(size=3), rng.normal(size=(8, 3)), rng.normal(size=8)
    plain = library.loss_value_and_grad(w, x, y)
    for other in (np.asfortranarray(x), np.repeat(x, 2, axis=0)[::2], x.astype(">f8")):
        assert library.loss_value_and_grad(w, other, y=y)[0] == plain[0]
    p = {"w": rng.normal(size=(4, 2)), "b": rng.normal(size=2)}
    for _ in range(2):
        got, expected = library.layered_grad(p, np.ones(4)), gj.grad(m.layered)(p, np.ones(4))
        assert got.keys() == expected.keys()
        np.testing.assert_allclose(got["w"], expected["w"], rtol=1e-14)
    values, total = library.chosen(np.ones(3, "f4"), np.array([True, False, True]), np.arange(3))
    assert values.tolist() == [1, 0, 1] and total == 3 and values.dtype == np.float32
    got = library.shifted(np.zeros(3), 2.0)
    assert got["sum"].tolist() == [2, 4, 8] and got["scale"] == 3 and got["both"] == [0.0, 4.0]


def test_a_large_product_calls_blas(library):
    a, b = np.random.default_rng(0).normal(size=(2, 90, 90))
    np.testing.assert_allclose(library.product(a, b), a @ b, rtol=1e-12)


def test_what_is_written_to_arguments(library):
    for u in (np.arange(6.0) ** 2, np.arange(12.0)[::2] ** 2):
        expected = u.copy()
        total = m.relaxed(expected, 0.1)
        assert library.relaxed(u, 0.1) == pytest.approx(total)
        np.testing.assert_allclose(u, expected)
    frozen = np.arange(5.0)
    frozen.flags.writeable = False
    with pytest.raises(ArgumentError, match="writes to u, which is read-only"):
        library.relaxed(frozen, 0.1)


def test_errors_are_those_of_the_compiled_function(library):
    x = np.arange(3.0)
    assert library.picked(x, np.array([2, -3])).tolist() == [4, 0]
    for bad in (np.array([0, 3]), np.array([-4])):
        with pytest.raises(IndexError) as compiled:
            gj.jit(m.picked, sizes="any")(x, bad)
        with pytest.raises(IndexError) as loaded:
            library.picked(x, bad)
        assert str(loaded.value) == str(compiled.value)


@pytest.mark.parametrize("arguments, words", [
    ((np.ones(2), np.ones((3, 2)), np.ones(4)), "the argument y is an array of float64 and shape (4,), whose axis 0 "
                                                "should have n = 3"),
    ((np.ones(2, "f4"), np.ones((3, 2)), np.ones(3)), "the argument w is an array of float32"),
    ((np.ones(2), np.ones((3, 2)), 1.0), "the argument y is 1.0, expected f64[n]"),
    ((np.ones(2), np.ones((3, 2))), "is called with 2 arguments"),
])
def test_wrong_arguments(library, arguments, words):
    with pytest.raises(ArgumentError) as e:
        library.loss_value_and_grad(*arguments)
    assert words in str(e.value)


# as C calls -----------------------------------------------------------------------------------------------------------
def test_plain_calls(library):
    x, value, gradient = np.linspace(0, 1, 9), np.zeros(()), np.zeros(9)
    f = m.c_function(library.rosenbrock.address, n64, p64, p64, p64, p64)
    assert f(9, *m.pointers(x, value, gradient), None) == 0
    expected = gj.value_and_grad(m.rosenbrock)(x)
    np.testing.assert_allclose(value, expected[0], rtol=1e-14)
    np.testing.assert_allclose(gradient, expected[1], rtol=1e-14)


@pytest.fixture(scope="module")
def dll(files):
    return ctypes.CDLL(str(files.shared))


def error_kind(code: int) -> tuple[int, int]:
    return divmod(-code, 1000)


def test_hostile_plain_calls_give_codes(dll):
    f = dll.loss_value_and_grad
    f.argtypes = [n64, n64, *[p64] * 7]
    w, x, y, value, gw, gx = np.ones(3), np.ones((4, 3)), np.ones(4), np.ones(1), np.ones(3), np.ones((4, 3))
    good = [3, 4, *m.pointers(w, x, y, value, gw, gx), None]
    assert f(*good) == 0
    address = [None if a is None or isinstance(a, int) else a.value for a in good]
    for number in range(3, 9):
        for replaced, kind in ((None, 1), (address[number - 1] + 4, 2)):
            bad = [*good]
            bad[number - 1] = replaced
            assert error_kind(f(*bad)) == (kind, number)
    for n in (-1, -2**63, 2**62, 2**63 - 1, 2**47 + 1):
        assert error_kind(f(n, 4, *good[2:])) == (3, 1)
        assert error_kind(f(3, n, *good[2:])) == (3, 2)
    assert error_kind(f(2**30, 2**30, *good[2:]))[0] == 3
    for number in (6, 7, 8):  # results that share memory with arguments, or with each other
        for other in (3, 4, 5, 6, 7, 8):
            if other != number:
                bad = [*good]
                bad[number - 1] = address[other - 1]
                assert error_kind(f(*bad))[0] == 5
    bad = [*good]
    bad[6] = address[3] + 8 * 10
    assert error_kind(f(*bad)) == (5, 7)
    same = [*good]
    same[4] = good[3]  # two arguments that are only read may be one memory
    assert f(*same) == 0
    bad = [*good]
    bad[8] = address[2] + 8
    assert error_kind(f(*bad)) in ((2, 9), (5, 9), (0, 0))
    assert f(3, 0, None, None, None, good[5], good[6], None, None) < 0
    assert f(3, 0, good[2], None, None, good[5], good[6], None, None) == 0


def test_every_code_has_a_text(dll):
    text = dll.picked_error
    text.restype = ctypes.c_char_p
    assert text(0) == b"ok"
    assert b"index is out of bounds" in text(1) and b"models.py" in text(1)
    assert text(-1003) == b"x is a null pointer"
    assert text(12345) == b"no code of this function"
    f = dll.picked
    f.argtypes = [n64, n64, p64, p64, p64, p64]
    x, i, out = np.ones(3), np.array([5]), np.ones(1)
    assert f(3, 1, *m.pointers(x, i, out), None) > 0


def test_workspace(dll):
    size = dll.relaxed_workspace
    size.restype, size.argtypes = n64, [n64]
    f = dll.relaxed
    f.argtypes = [n64, p64, f64, p64, p64]
    nbytes = size(100)
    assert nbytes >= 800 and size(-1) < 0 and size(2**62) < 0
    memory = np.zeros(nbytes + 64, np.uint8)
    start = -(-memory.ctypes.data // 64) * 64
    total = np.zeros(1)
    for workspace in (None, start):
        u = np.arange(100.0) ** 2
        expected = u.copy()
        m.relaxed(expected, 0.1)
        assert f(100, *m.pointers(u, 0.1, total), workspace) == 0
        np.testing.assert_allclose(u, expected)
    assert error_kind(f(100, *m.pointers(u, 0.1, total), start + 8)) == (2, 5)
    assert error_kind(f(100, start, 0.1, total.ctypes.data, start)) == (5, 5)


def strided(*arrays) -> ctypes.Array:
    """A structure of arguments as the header declares it: arrays, and floats."""
    words = []
    for a in arrays:
        if isinstance(a, float):
            words.append(np.float64(a).view(np.int64))
        else:
            words += [a.ctypes.data, *(() if not a.ndim else (*a.shape, *a.strides))]
    return (ctypes.c_int64 * len(words))(*words)


def test_strided_calls(dll):
    rng = np.random.default_rng(2)
    w, y, value = rng.normal(size=3), rng.normal(size=4), np.zeros(())
    big = rng.normal(size=(8, 6))
    expected = None
    for x in (big[::2, ::2].copy(), big[::2, ::2], big[::2, ::2].copy(order="F"), big[::2, ::2][::-1][::-1]):
        for gw, gx in ((np.zeros(3), np.zeros((4, 3))), (np.zeros(6)[::-2], np.zeros((3, 8))[:, ::2].T)):
            assert dll.loss_value_and_grad_strided(strided(w, x, y, value, gw, gx), None) == 0
            got = value[()], gw.copy(), gx.copy()
            expected = expected or got
            for a, b in zip(got, expected, strict=True):
                np.testing.assert_array_equal(a, b)
    u, total = np.arange(12.0)[::2] ** 2, np.zeros(())
    v = u.copy()
    m.relaxed(v, 0.1)
    assert dll.relaxed_strided(strided(u, 0.1, total), None) == 0
    np.testing.assert_allclose(u, v)


def test_hostile_strided_calls_give_codes(dll):
    f = dll.loss_value_and_grad_strided
    w, x, y, value, gw, gx = np.ones(3), np.ones((4, 3)), np.ones(4), np.ones(()), np.ones(3), np.ones((4, 3))
    assert f(None, None) == -1000
    assert f(strided(w, x, y, value, gw, gx), None) == 0
    assert error_kind(f(strided(w, x, np.ones(5), value, gw, gx), None)) == (11, 5)
    assert error_kind(f(strided(w, x, y, value, np.ones(2), gx), None)) == (11, 7)
    assert f(strided(w, np.broadcast_to(np.ones(3), (4, 3)), y, value, gw, gx), None) == 0
    overlapping = np.lib.stride_tricks.as_strided(np.ones(6), (4, 3), (8, 8))
    assert error_kind(f(strided(w, x, y, value, gw, overlapping), None)) == (4, 8)
    assert error_kind(f(strided(w, x, y, value, gw, x), None)) == (5, 8)
    assert error_kind(f(strided(w, gx[:, ::-1], y, value, gw, gx), None)) == (5, 8)
    words = strided(w, x, y, value, gw, gx)
    for at, number, kind in ((0, 3, 1), (3, 4, 1), (8, 5, 1), (11, 6, 1), (12, 7, 1), (15, 8, 1)):
        bad = type(words)(*words)
        bad[at] = 0
        assert error_kind(f(bad, None)) == (kind, number)
        bad[at] = words[at] + 4
        assert error_kind(f(bad, None)) == (2, number)
    for at, value_, kind in ((1, -1, 3), (1, 2**62, 3), (4, -5, 3), (6, 2**60, 4), (6, -2**63, 4), (7, 4, 4)):
        bad = type(words)(*words)
        bad[at] = value_
        assert error_kind(f(bad, None))[0] == kind


def test_a_routine_that_is_not_linked_gives_a_code(files, tmp_path):
    """In a process of its own: nobody has told the library where BLAS is."""
    code = f"""
import ctypes
dll = ctypes.CDLL({str(files.shared)!r})
buffer = (ctypes.c_double * 300)()
p = ctypes.addressof(buffer)
dll.product.argtypes = [ctypes.c_int64] * 3 + [ctypes.c_void_p] * 4
print(dll.product(2, 2, 2, p, p + 800, p + 1600, None))
print(dll.models_set_routine(b"dgemm", None), dll.models_set_routine(b"sgemm", None))
"""
    import sys
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["-10000", "0", "-1"]


def test_an_interrupt_function_ends_a_long_call(files, tmp_path):
    path = tmp_path / "copy.so"  # a library of its own: the function is the library's
    path.write_bytes(files.shared.read_bytes())
    dll = ctypes.CDLL(str(path))
    asked = []
    ask = ctypes.CFUNCTYPE(ctypes.c_int)(lambda: asked.append(1) or 1)
    dll.models_set_interrupt(ask)
    f = dll.recurrence
    f.argtypes = [p64] * 4
    x, value, gradient = np.full(3, 0.3), np.zeros(1), np.zeros(3)
    codes = {f(*m.pointers(x, value, gradient), None) for _ in range(3)}
    assert codes == ({-8000} if asked else {0})


# what cannot be -------------------------------------------------------------------------------------------------------
def refused(f, signature, **keywords):
    with pytest.raises((ArgumentError, UnsupportedError)) as e:
        gj.export(f, signature, output="/nowhere/at/all", **keywords)
    return str(e.value)


def test_signatures_that_do_not_fit():
    assert "declares nothing for x, y" in refused(m.loss, "f64[n]")
    assert "declares 4 arguments" in refused(m.loss, "f64[n], f64[n], f64[n], f64[n]")
    assert "unknown dtype" in refused(m.rosenbrock, "f65[n]")
    assert "needs the types" in refused(m.rosenbrock, None)
    assert "derivative='slope'" in refused(m.rosenbrock, "f64[n]", derivative="slope")
    assert "no target 'z80'" in refused(m.rosenbrock, "f64[n]", targets="z80")
    assert "one in C" in refused(m.rosenbrock, "f64[n]", name="a b")


STATE = np.zeros(3)


def writes_outside(x):
    STATE[:] = x
    return x * 2


def bessel(x):
    from scipy.special import j0

    return np.sum(j0(x))


def unopened(x):
    return np.sum(x * np.asarray([1.0 / (k + 1) for k in range(len(x).__index__())]))


def printing(x):
    gj.debug_print("x = {}", x)
    return x * 2


def test_what_needs_python_is_refused():
    assert "scipy.special.j0" in refused(bessel, "f64[n]")
    assert "writes to" in refused(writes_outside, "f64[3]")
    assert "len(x) cannot be open" in refused(unopened, "f64[n]") or "n cannot be open" in refused(unopened, "f64[n]")
    assert "debug_print" in refused(printing, "f64[3]")
    assert "complex" in refused(m.rosenbrock, "c128[n]")


class NoRoot(ArithmeticError):
    pass


def root(a):
    x, n = 1.0, 0
    while abs(x * x - a) > 1e-12:
        x, n = 0.5 * (x + a / x), n + 1
        if n > 50:
            raise ValueError(f"no root after {n} steps: {{x}} = {x:.3f}")
    return x


def roots(x):
    s = 0.0
    for v in x:
        if v < 0:
            raise NoRoot("negative", v)
        s += np.sqrt(v)
    return s


def pairs(x):
    return np.sum(x.reshape(-1, 2)[:, 0] ** 2)


def signal(x):
    return np.sum(np.sqrt(x))


def test_what_the_program_raises_is_an_error_code(tmp_path):
    made = gj.export([gj.Routine(root, "float", "value_and_grad", name="root"), gj.Routine(roots, "f64[n]")],
                     name="raising", output=tmp_path)
    library = gj.load(made.shared)
    assert library.root(2.0) == pytest.approx((2**0.5, 0.5 / 2**0.5))
    with pytest.raises(ValueError, match=r"no root after \.\.\. steps: \{x\} = \.\.\. .*test_export.py"):
        library.root(-2.0)
    assert library.roots(np.full(4, 4.0)) == 8.0
    with pytest.raises(ArithmeticError, match=r"NoRoot: negative, \.\.\. "):
        library.roots(np.array([1.0, -1.0]))
    assert "ValueError: no root after ... steps" in made.header.read_text()


@pytest.mark.parametrize("derivative", [None, "value_and_grad"])
def test_sizes_that_must_be_even(tmp_path, derivative):
    options = {} if derivative is None else {"derivative": derivative}
    library = gj.load(gj.export(pairs, "f64[n]", output=tmp_path, name="pairs", **options).shared)
    (f,) = (getattr(library, name) for name in library.functions)
    want = gj.jit(pairs) if derivative is None else gj.value_and_grad(pairs)
    for n in (2, 6, 20):
        x = np.arange(n) * 1.0
        for a, b in zip(np.atleast_1d(f(x)), np.atleast_1d(want(x)), strict=True) if derivative is None else (
                zip(f(x), want(x), strict=True)):
            np.testing.assert_array_equal(a, b)
    with pytest.raises(gj.ArgumentError, match=r"2\*\(n // 2\) == n"):
        f(np.ones(7))


def test_names_that_c_has_itself(tmp_path):
    """The C library's `signal` would be called in the place of the user's."""
    made = gj.export(signal, "f64[n]", output=tmp_path, name="own")
    library = gj.load(made.shared)
    assert list(library.functions) == ["signal_"] and library.signal_(np.full(3, 4.0)) == 6.0
    for name in ("exp", "main", "Py_None", "args", "a_x"):
        with pytest.raises(gj.ArgumentError, match="take another, such as"):
            gj.export([gj.Routine(signal, "f64[n]", name=name)], output=tmp_path / "other", name="other")


# files that are no libraries ------------------------------------------------------------------------------------------
def test_files_that_are_cut_off_changed_or_foreign(files, tmp_path):
    data = files.shared.read_bytes()
    path = tmp_path / "bad.so"
    rng = np.random.default_rng(0)
    cut = [data[:n] for n in (0, 1, 63, 64, 1000, len(data) // 2, len(data) - 1)]
    flipped = []
    for at in rng.integers(0, len(data), 200):
        changed = bytearray(data)
        changed[at] ^= 1 << int(rng.integers(8))
        flipped.append(bytes(changed))
    for bad in (*cut, *flipped, data + b"x", b"not a library", files.object.read_bytes()):
        path.write_bytes(bad)
        with pytest.raises(ArgumentError, match="cannot be loaded"):
            gj.load(path)
    with pytest.raises(ArgumentError, match="cannot be read"):
        gj.load(tmp_path / "none.so")
    with pytest.raises(ArgumentError, match="holds .*; name one file"):
        gj.load(path.parent / "..")


def test_a_directory_with_one_library_is_that(files):
    if files.shared is None:
        pytest.skip("there is no linker")
    x = np.linspace(-1, 1.5, 4)
    assert gj.load(files.shared.parent).rosenbrock(x)[0] == gj.load(files.shared).rosenbrock(x)[0]


def test_a_library_for_another_machine_is_refused(tmp_path):
    made = gj.export(m.rosenbrock, "f64[n]", targets="aarch64-linux-gnu" if not is_arm() else "x86-64-v3",
                     output=tmp_path)
    assert made.object.stat().st_size > 1000
    if made.shared is None:
        assert "was not made" in made.messages[0]
        return
    with pytest.raises(ArgumentError, match="was built for"):
        gj.load(made.shared)


def is_arm() -> bool:
    import platform

    return platform.machine() in ("aarch64", "arm64")


def test_the_object_file_stands_where_there_is_no_linker(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    made = gj.export(m.rosenbrock, "f64[n]", output=tmp_path / "out")
    if made.shared is None:  # the ziglang package is not installed
        assert "no linker was found" in made.messages[0]
    assert made.object.exists() and made.static.exists()


def test_a_file_of_the_users_is_not_overwritten(tmp_path):
    own = Path(tmp_path, "main.c")
    own.write_text("int main(void) { return 7; }\n")
    gj.export(m.rosenbrock, "f64[n]", output=tmp_path)
    assert "return 7" in own.read_text()


def test_transforms_of_our_own(tmp_path):
    """Fourier transforms of known lengths need no NumPy: those of many lines are as always, others are written out."""
    files = gj.export([gj.Routine(m.spectrum, "f64[64,32]", "value_and_grad")], name="spectra", output=tmp_path)
    x = np.random.default_rng(0).normal(size=(64, 32))
    value, gradient = gj.load(files.shared).spectrum_value_and_grad(x)
    expected, slope = gj.value_and_grad(m.spectrum)(x)
    assert value == expected and gradient.tobytes() == slope.tobytes()
    few = [gj.Routine(m.spectrum, "f64[4,31]", name="few"), gj.Routine(m.filtered, "f64[45], f64[45]", "jacobian")]
    loaded = gj.load(gj.export(few, name="few", output=tmp_path).shared)
    assert loaded.few(x[:4, :31]) == pytest.approx(m.spectrum(x[:4, :31]))
    x, y = x.ravel()[:45], x.ravel()[-45:]
    np.testing.assert_allclose(loaded.filtered_jacobian(x, y), gj.jacobian(m.filtered)(x, y), atol=1e-13)
    with pytest.raises(UnsupportedError, match=r"numpy\.fft for lines whose length or number is open"):
        gj.export([gj.Routine(m.spectrum, "f64[n,32]")], name="open", output=tmp_path)


def test_libraries_go_to_other_processes(tmp_path):
    files = gj.export(m.rosenbrock, "f64[n]", output=tmp_path)
    f, x = gj.load(files.shared).rosenbrock, np.linspace(0, 1, 5)
    data = pickle.dumps(f)
    for other in (copy.copy(f), copy.deepcopy([f])[0], pickle.loads(data)):
        assert other(x) == f(x)
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        assert pool.submit(f, x).result() == f(x)
    gj.export(lambda x: np.sum(x), "f64[n]", output=tmp_path, name="rosenbrock")
    with pytest.raises(ArgumentError, match="is another one than that which was pickled"):
        pickle.loads(data)


def test_a_library_that_is_built_anew_under_its_name(tmp_path):
    """While the one of before is in the process, and its functions in use."""
    loaded = []
    for k, n in enumerate((3, 2000, 4)):
        files = gj.export(lambda x, k=k: x + k, f"f64[{n}]", name="shifted", output=tmp_path)
        loaded += [(k, n, gj.load(files.shared)), (k, n, gj.load(files.shared))]
    for k, n, library in loaded:
        np.testing.assert_array_equal(library.f(np.ones(n)), np.full(n, 1.0 + k))
