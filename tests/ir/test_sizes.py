"""Open extents: the algebra, what is decided of them, and their text."""

import numpy as np
import pytest

from gradjit.errors import GradjitError, ShapeError
from gradjit.ir import interpret, parse, verify
from gradjit.ir.clone import dims_of
from gradjit.ir.size_conditions import Opening, opening, solved
from gradjit.ir.sizes import Dim, MustAgree, NotOpen, agree, guess, is_known, is_open, size_of
from gradjit.runtime.kernel import compile_func


@pytest.fixture
def nm():
    return size_of(Dim("n", 100, "len(x)")), size_of(Dim("m", 50, "x.shape[1]"))


def test_arithmetic(nm):
    n, m = nm
    assert isinstance(n, int) and is_open(n) and not is_open((n + 1) - n)
    assert (n + 1) - n == 1 and n * m - m * n == 0 and (2 * n + 4) // 2 == n + 2 and (n * m * 4) // (2 * n) == 2 * m
    assert n == n + 0 and n != m and n != 100 and hash(n + m) == hash(m + n)
    assert guess(2 * n * m - 3) == 9997 and (n - 2 * m + 5).at({n.dim: 7, m.dim: 3}) == 6
    for k in range(20):
        assert ((3 * n + 1) // 4).at({n.dim: k}) == (3 * k + 1) // 4 and (n % 3).at({n.dim: k}) == k % 3
        assert (n // 2 - n // 3 * 2).at({n.dim: k}) == k // 2 - k // 3 * 2
    assert str(n * m * 2 - 1) == "2*n*m - 1" and (n - 1).words == "len(x) - 1"


def test_what_needs_a_number_finds_none(nm):
    n, _ = nm
    for use in (range, int, float, np.zeros, lambda n: [0] * n, lambda n: 1 / n, lambda n: n * 0.5):
        with pytest.raises((NotOpen, TypeError)):
            use(n)


def test_an_order_is_proven_or_becomes_a_condition(nm):
    n, m = nm
    assert is_known(n, ">=", 0) and is_known(n * m, ">", -1) and is_known(n - 1, "<", n)
    assert is_known(n, ">", 3) is None and is_known(n, "==", n + 1) is False and is_known(n, "==", m) is None
    with opening(Opening()) as o:
        assert n > 3 and n - 4 >= 0 and n >= 2 and not m > n and n // 4 * 4 <= n
    assert [c.words for c in o.conditions] == ["len(x) > 3", "x.shape[1] <= len(x)"]
    assert all(c.holds({n.dim: 9, m.dim: 8}) for c in o.conditions)
    assert not all(c.holds({n.dim: 3, m.dim: 2}) for c in o.conditions)
    with pytest.raises(GradjitError, match="depends on sizes"):
        bool(n > 3)


def test_sizes_that_are_equal_by_chance_must_agree(nm):
    n, m = nm
    with opening(Opening()) as o:
        assert agree(n, n) and not agree(n, m) and not agree(n, n + 1)
        with pytest.raises(MustAgree):
            agree(n, 2 * m)
        with pytest.raises(MustAgree):
            agree(n, 100)
    assert [c.words for c in o.conditions] == ["len(x) != x.shape[1]"]


def test_two_halves_make_up_a_whole(nm):
    n, m = nm
    assert (n + 1) // 2 + n // 2 == n and (n + m + 1) // 2 == n + m - (n + m) // 2
    for k in range(7):
        assert ((3 * n + 1) // 2).at({n.dim: k}) == (3 * k + 1) // 2


def test_extents_that_come(nm):
    n, m = nm
    assert solved([(2 * n, 6), (m, 2)]) == {n.dim: 3, m.dim: 2} and solved([(2 * n + 1, 7)]) == {n.dim: 3}
    assert solved([(2 * n, 7)]) is None and solved([(2 * n + 1, 0)]) is None
    assert solved([(n, 4), (n - 1, 3), (m, 2), (8, 8)]) == {n.dim: 4, m.dim: 2}
    assert solved([(n, 4), (n - 1, 4)]) is None and solved([(n, 4), (5, 6)]) is None


TEXT = """func @f(%x: f64[n,3], %y: f64[n - 1]) -> (f64[n - 1,3], f64[], i64[], f64[n]) {
  %0: f64[n - 1,3] = slice %x [1:+n - 1, 0:+3]
  %1: f64[n - 1,3] = broadcast %y shape=[n - 1,3] dims=[0]
  %2: f64[n - 1,3] = mul %0, %1
  %3: f64[] = sum %2 axes=[0,1]
  %4: i64[] = size of=[2*n + ((n + 2)//3) - 2]
  %5: f64[] = const 0.5
  %6: f64[n] = pad %y, %5 lows=[1] highs=[0] interiors=[0]
  return %2, %3, %4, %6
}
"""


def test_text_verifier_interpreter_and_machine_code():
    m = parse(TEXT)
    assert str(m) == TEXT and str(parse(str(m))) == TEXT
    verify(m)
    f = m["f"]
    assert [d.name for d in dims_of(f)] == ["n"]
    kernel = compile_func(f)
    for n in (2, 3, 5, 8, 17, 100):
        x, y = np.random.rand(n, 3), np.random.rand(n - 1)
        want = x[1:] * y[:, None], np.sum(x[1:] * y[:, None]), 2 * n + (n + 2) // 3 - 2, np.r_[0.5, y]
        for got in (interpret(f, [x, y]), kernel(x, y)):
            for a, b in zip(got, want, strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-13)
    for run in (lambda *a: interpret(f, a), kernel):
        with pytest.raises(ShapeError):
            run(np.zeros((4, 3)), np.zeros(4))


@pytest.mark.parametrize("line, message", [
    ("%0: f64[n] = slice %x [1:+n - 1]", "declared"),
    ("%0: f64[n + 1] = exp %x", "declared"),
    ("%0: f64[n + 1] = slice %x [n:+n + 1]", "elements n to"),
    ("%0: f64[m] = reshape %x shape=[n + 1]", "has n elements"),
])
def test_wrong_sizes_are_found(line, message):
    from gradjit.errors import IRError
    with pytest.raises(IRError, match=message):
        parse(f"func @f(%x: f64[n]) -> f64[n] {{\n  {line}\n  return %x\n}}\n")
