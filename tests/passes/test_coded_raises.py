"""Exceptions as checks."""

import pytest

from gradjit.ir import interpret, parse, verify
from gradjit.passes.coded_raises import coded_raises

TEXT = """func @f(%x: f64[]) -> f64[] {
  %0: f64[] = const 0
  %1: bool[] = lt %x, %0
  %2: f64[] = if %1 {
    ()
    raise %x error="ValueError" message="{0:.2f} is {{negative}}"
    %3: f64[] = neg %x
    yield %3
  } {
    ()
    %4: f64[] = sqrt %x
    yield %4
  }
  return %2
}
"""


def test_raises_become_checks():
    before = parse(TEXT)["f"]
    text, after = str(before), coded_raises(before)
    verify(after)
    assert 'assert %' in str(after) and "raise" not in str(after) and str(before) == text
    assert interpret(after, [4.0])[0] == interpret(before, [4.0])[0] == 2.0
    with pytest.raises(ValueError, match="-1.00 is {negative}"):
        interpret(before, [-1.0])
    with pytest.raises(ValueError, match=r"\.\.\. is {negative}"):
        interpret(after, [-1.0])
    assert coded_raises(after) is after
