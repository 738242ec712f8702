"""What LLVM is told of the workspace: buffers that may share bytes are never said to be apart."""

from __future__ import annotations

import numpy as np

import gradjit as gj
from gradjit.codegen.alias_scopes import scopes_of
from gradjit.codegen.loopir import parse

TEXT = """\
kernel @f:
  size n: 50 "n"
  input x: f64[n]
  output out0: f64[n]
  workspace w0: f64[4] at 0
  workspace w1: f64[2] at 16
  workspace w2: f64[2] at 32
  workspace w3: f64[n] at 64 moves
  workspace w4: f64[n] at 64*((8*n + 63)//64) + 64 moves
  workspace w5: f64[n] at 128*((8*n + 63)//64) + 64
  workspace w6: f64[n] at {last}
  for i in 0..n:
    w3[i] = x[i]
    w4[i] = x[i]
    w5[i] = x[i]
  exchange w3, w4
  for i in 0..n:
    w6[i] = w3[i]
    out0[i] = (w6[i] + w4[i])
"""


def scopes(last: str) -> dict[str, frozenset[int]]:
    return {b.name: s for b, s in scopes_of(parse(TEXT.format(last=last))).items()}


def test_what_shares_bytes_shares_a_scope():
    found = scopes("128*((8*n + 63)//64) + 64")
    assert found["w0"] & found["w1"]
    assert not found["w0"] & found["w2"]
    assert found["w3"] == found["w4"]  # they change places
    assert found["w5"] == found["w6"]
    assert not found["w3"] & found["w5"]
    assert not (found["w0"] | found["w2"]) & (found["w3"] | found["w5"])


def test_nothing_is_said_where_places_are_not_known_to_be_apart():
    assert scopes("64*((8*n + 63)//64) + 72") == {}


def filtered(a, b, x):
    y = np.zeros(len(x))
    y[0] = b * x[0]
    for k in range(1, len(x)):
        y[k] = a * y[k - 1] + b * x[k]
    return 0.5 * np.mean(y**2)


def test_results_are_those_of_the_interpreter():
    f, want = (gj.value_and_grad(filtered, argnums=(0, 1, 2), **how) for how in (
        {"sizes": "any"}, {"backend": "interpreter"}))
    for n in (50, 7, 1, 2, 3, 128):
        x = np.random.default_rng(n).normal(size=n)
        (value, slopes), (wanted, right) = f(0.9, 0.4, x), want(0.9, 0.4, x)
        assert np.isclose(value, wanted, rtol=1e-13)
        for a, b in zip(slopes, right, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-15)
    assert "noalias !" in f.ir(stage="llvm")
