"""Whatever the number of threads: the same bits, and what the interpreter of the array IR computes."""

from __future__ import annotations

import numpy as np
import pytest

import gradjit as gj
from gradjit.codegen import cores
from tests.parallel.programs import CHUNK, PROGRAMS


def parts(x):
    value, gradient = x
    return [np.asarray(value), np.asarray(gradient)]


@pytest.mark.thinned
@pytest.mark.parametrize("name", PROGRAMS)
def test_the_same_bits_for_any_number_of_threads(name):
    f, arguments = PROGRAMS[name]
    with cores.limits(chunk=CHUNK):
        compiled = gj.value_and_grad(f)
        assert "chunks c1 of" in compiled.ir(*arguments, stage="loops")
        found = []
        for n in (1, 2, 3, 7, 16):
            with gj.threads(n):
                found.append(parts(compiled(*arguments)))
    for other in found[1:]:
        for a, b in zip(found[0], other, strict=True):
            assert a.tobytes() == b.tobytes()
    judge = parts(gj.value_and_grad(f, backend="interpreter")(*arguments))
    for a, b in zip(found[0], judge, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4 if a.dtype == np.float32 else 1e-11, atol=1e-12)


@pytest.mark.filterwarnings("ignore:Mean of empty slice")
@pytest.mark.parametrize("name", ["elementwise", "softmax", "logistic", "columns", "gathers"])
def test_one_compilation_for_all_sizes(name):
    """Extents that are open: how many chunks there are is computed; of few elements there is one, or none."""
    f, arguments = PROGRAMS[name]
    with cores.limits(chunk=CHUNK):
        compiled = gj.value_and_grad(f, sizes="any")
        for n in (400, 100, 17, 16, 5, 2, 1, 0):
            if n == 0 and name == "softmax":
                continue  # NumPy knows no greatest of no numbers
            some = [a[:n] if a.shape and a.shape[0] > 60 else a for a in arguments]
            if name == "gathers":
                some[1] = some[1] % max(n, 1)
            found = []
            for threads in (1, 3):
                with gj.threads(threads):
                    found.append(parts(compiled(*some)))
            assert [a.tobytes() for a in found[0]] == [a.tobytes() for a in found[1]]
            with np.errstate(all="ignore"):
                expected = f(*some)
            np.testing.assert_allclose(found[0][0], expected, rtol=1e-12, atol=1e-14)
    assert len(compiled.stats().specialisations) <= 2  # extents of 1 stay known


def test_an_exact_size_has_the_bits_of_an_open_one():
    f, (x,) = PROGRAMS["elementwise"]
    with cores.limits(chunk=CHUNK), gj.threads(2):
        one, other = gj.value_and_grad(f)(x[:1000]), gj.value_and_grad(f, sizes="any")(x[:1000])
    assert one[0] == other[0] and one[1].tobytes() == other[1].tobytes()


def test_small_sizes_have_code_of_their_own():
    """Of which a large size is none; the code for large sizes takes all that come later."""
    with cores.limits(chunk=CHUNK):
        f = gj.jit(lambda x: np.sum(np.exp(x)), sizes="any")
        for n, count in ((10, 1), (12, 1), (1000, 2), (500, 2), (11, 2)):
            assert f(np.zeros(n)) == n
            assert len(f.stats().specialisations) == count
    assert [bool(s.cores) for s in f.stats().specialisations] == [True, False]
    assert [s.conditions for s in f.stats().specialisations] == [[], []]


def test_small_loops_stay_as_they_are():
    assert "chunks" not in gj.jit(lambda x: np.sum(np.exp(x))).ir(np.ones(2000), stage="loops")
    assert "chunks" in gj.jit(lambda x: np.sum(np.exp(x))).ir(np.ones(200_000), stage="loops")
