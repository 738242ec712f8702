"""Operations that stand for their effect: text form, meaning, what keeps them, derivatives and stacks."""

from __future__ import annotations

import numpy as np
import pytest

from gradjit.errors import GradjitError
from gradjit.ir import interpret, parse, verify
from gradjit.passes import optimize
from gradjit.passes.batching import batch
from gradjit.passes.jvp import jvp
from gradjit.passes.vjp import gradient

LOOP = r"""
func @f(%x: f64[], %n: i64[]) -> f64[] {
  %0: i64[] = const 0
  %1: i64[] = const 1
  %z: f64[] = const 0.0
  %ok: bool[] = gt %x, %z
  assert %ok message="x is \"positive\" {}\n"  ; model.py:3
  %s: f64[] = for %0, %n, %1, %x {
    (%i: i64[], %a: f64[])
    debug_print %i, %a format="turn {}: {:.2f}"  ; model.py:5
    debug_print format="again"
    %p: f64[] = probe %a format="adjoint {}"
    %b: f64[] = mul %p, %p
    yield %b
  }
  return %s
}
"""
PRINTED = "turn 0: 1.50\nagain\nturn 1: 2.25\nagain\n"


def program():
    module = parse(LOOP)
    verify(module)
    return module["f"]


def test_text_form():
    text = str(parse(LOOP))
    assert r'assert %ok message="x is \"positive\" {}\n"  ; model.py:3' in text
    assert '    debug_print format="again"\n' in text
    assert str(parse(text)) == text


@pytest.mark.parametrize("text, error", [
    ('assert %x message="m"', r"the condition is f64\[\]"),
    ('debug_print %x format=7', "expected a text in double quotes"),
    (r'debug_print %x format="\q"', "is no text in double quotes"),
    ('%r: f64[] = debug_print %x format=""', "debug_print gives"),
    ('%t: tape[] = tape\n debug_print %t format="{}"', "debug_print: not defined for a tape"),
    ('%i: i64[] = const 1\n %r: i64[] = probe %i format="{}"', "has no cotangent"),
])
def test_what_is_not_well_formed(text, error):
    with pytest.raises(GradjitError, match=error):
        parse(f"func @f(%x: f64[]) -> f64[] {{\n {text}\n return %x\n}}")


def test_meaning(capsys):
    assert interpret(program(), [1.5, 2]) == [1.5 ** 4]
    assert capsys.readouterr().out == PRINTED
    with pytest.raises(AssertionError, match='x is "positive" {}'):
        interpret(program(), [-1.0, 2])


def test_passes_keep_effects_in_order_and_once(capsys):
    f = optimize(program())
    assert str(f).count("debug_print") == 2 and str(f).count("assert") == 1
    assert interpret(f, [1.5, 2]) == [1.5 ** 4]
    assert capsys.readouterr().out == PRINTED


def test_unread_loops_and_branches_with_effects_stay(capsys):
    f = optimize(parse("""
    func @f(%c: bool[], %x: f64[]) -> f64[] {
      %0: i64[] = const 0
      %2: i64[] = const 2
      %1: i64[] = const 1
      %s: f64[] = for %0, %2, %1, %x {
        (%i: i64[], %a: f64[])
        %b: f64[] = add %a, %a
        %r: f64[] = if %c {
          ()
          debug_print %a format="a={}"
          yield %b
        } {
          ()
          yield %b
        }
        yield %r
      }
      return %x
    }""")["f"])
    assert interpret(f, [True, 1.0]) == [1.0]
    assert capsys.readouterr().out == "a=1.0\na=2.0\n"
    assert interpret(f, [False, 1.0]) == [1.0]
    assert capsys.readouterr().out == ""


def test_reverse_prints_once_forward_and_cotangents_backward(capsys):
    g = optimize(gradient(program(), (0,)))
    value, slope = interpret(g, [1.5, 2])
    assert (value, slope) == (1.5 ** 4, 4 * 1.5 ** 3)
    assert capsys.readouterr().out == PRINTED + "adjoint 4.5\nadjoint 13.5\n"


def test_forward_mode_prints_primals_only(capsys):
    value, tangent = interpret(optimize(jvp(program(), (0,))), [1.5, 2, 1.0])
    assert (value, tangent) == (1.5 ** 4, 4 * 1.5 ** 3)
    assert capsys.readouterr().out == PRINTED


def test_stacks(capsys):
    f = batch(program(), (True, False), 2)
    np.testing.assert_allclose(interpret(f, [np.array([1.0, 2.0]), 1])[0], [1.0, 4.0])
    with pytest.raises(AssertionError):
        interpret(f, [np.array([1.0, -2.0]), 1])
    only = parse("""
    func @f(%x: f64[]) -> f64[] {
      %z: f64[] = const 0.0
      %c: bool[] = gt %x, %z
      %r: f64[] = if %c {
        ()
        %one: f64[] = const 1.0
        %small: bool[] = lt %x, %one
        assert %small message="below one"
        debug_print %x format="{}"
        yield %x
      } {
        ()
        yield %z
      }
      return %r
    }""")["f"]
    stacked = batch(only, (True,), 2)
    np.testing.assert_allclose(interpret(stacked, [np.array([0.5, -2.0])])[0], [0.5, 0.0])
    with pytest.raises(AssertionError, match="below one"):
        interpret(stacked, [np.array([0.5, 2.0])])
