"""Results that are no arrays made by the last operation: arguments, literals, one value twice, views."""

from __future__ import annotations

import numpy as np
import pytest

from gradjit.codegen import lower
from gradjit.ir import Func, interpret, parse
from gradjit.runtime.kernel import compile_func

LOOP = """\
  %lo: i64[] = const 0
  %hi: i64[] = const 3
  %one: i64[] = const 1
  %carried: f64[4] = for %lo, %hi, %one, %x {
    (%k: i64[], %c: f64[4])
    %half: f64[4] = const 0.5
    %next: f64[4] = mul %c, %half
    yield %next
  }
"""
RESULTS = {
    "argument": ("", "%x"),
    "twice": ("  %y: f64[4] = exp %x\n", "%y, %y"),
    "literal": ("  %y: f64[2] = const {1.0,2.0}\n  %z: f64[3] = const 4.0\n", "%y, %z"),
    "reshaped": ("  %e: f64[4] = exp %x\n  %y: f64[2,2] = reshape %e shape=[2,2]\n  %s: f64[] = sum %y axes=[0,1]\n",
                 "%y, %e, %s"),
    "slice": ("  %e: f64[4] = exp %x\n  %y: f64[2] = slice %e [1:+2]\n", "%y, %e"),
    "slice of an argument": ("  %y: f64[2] = slice %x [1:+2]\n", "%y, %x"),
    "scalar that others read": ("  %s: f64[] = sum %x axes=[0]\n  %b: f64[4] = broadcast %s shape=[4] dims=[]\n"
                                "  %y: f64[4] = div %x, %b\n", "%s, %y, %s"),
    "one element": ("  %y: f64[1] = slice %x [2:+1]\n  %z: f64[1,1] = reshape %y shape=[1,1]\n", "%y, %z"),
    "empty": ("  %y: f64[0] = slice %x [2:+0]\n  %z: f64[0] = exp %y\n", "%y, %z"),
    "updated": ("  %v: f64[1] = const 7.0\n  %y: f64[4] = update %x, %v starts=[1] steps=[1]\n", "%y, %x"),
}
TYPES = {"%x": "f64[4]", "%e": "f64[4]", "%s": "f64[]", "%carried": "f64[4]"}


def func(name: str, loop: bool) -> Func:
    """The program, as it stands or with a loop in front whose result it starts from, or beside it."""
    body, results = RESULTS[name]
    text = (LOOP if loop else "") + (body.replace("%x", "%carried") if loop else body)
    names = results.split(", ") + (["%carried"] if loop else [])
    types = {**TYPES, **{line.split(":")[0].strip(): line.split(":", 1)[1].split("=")[0].strip()
                         for line in body.splitlines()}}
    arrow = ", ".join(types[n] for n in names)
    arrow = f"({arrow})" if len(names) > 1 else arrow
    return parse(f"func @f(%x: f64[4]) -> {arrow} {{\n{text}  return {', '.join(names)}\n}}\n")["f"]


@pytest.mark.parametrize("loop", [False, True])
@pytest.mark.parametrize("name", RESULTS)
def test_results(name: str, loop: bool) -> None:
    f = func(name, loop)
    x = np.array([0.5, -1.0, 2.0, 3.0])
    for got, expected in zip(compile_func(f)(x), interpret(f, [x]), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-15)


def test_a_result_behind_a_loop_is_written_once() -> None:
    text = lower(func("reshaped", True)).loops
    assert text.count("exp(") == 1
    assert "workspace w1" not in text and "local w1" not in text, text
