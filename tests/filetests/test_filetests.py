"""Every `.ir` file, and the runner itself: that it sees what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.filetests import runner
from tests.filetests.runner import ROOT, bless, check, paths, read


@pytest.mark.thinned
@pytest.mark.parametrize("path", paths(), ids=lambda p: str(p.relative_to(ROOT)))
def test_file(path: Path) -> None:
    check(read(path))


GOOD = """\
; run: dce
func @f(%x: f64[2]) -> f64[2] {
  %dead: f64[2] = exp %x
  %y: f64[2] = sin %x
  return %y
}
; expect:
func @f(%x: f64[2]) -> f64[2] {
  %y: f64[2] = sin %x
  return %y
}
"""

INVALID = """\
; run: verify
func @f(%x: f64[2], %y: f64[3]) -> f64[2] {
  %z: f64[2] = add %x, %y  ; error: add: operands have shapes f64[2] and f64[3]
  return %z
}
"""


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(runner, "ROOT", tmp_path)

    def write(text: str) -> Path:
        path = tmp_path / "case.ir"
        path.write_text(text)
        return path
    return write


@pytest.mark.parametrize("text", [GOOD, INVALID])
def test_a_right_file_passes(written, text: str) -> None:
    check(read(written(text)))


@pytest.mark.parametrize("text", [GOOD.replace("= sin %x\n  return", "= cos %x\n  return", 1),
                                  INVALID.replace("shapes f64[2]", "shapes f64[9]"),
                                  INVALID.replace("%y: f64[3]", "%y: f64[2]")])
def test_a_wrong_file_fails_with_a_diff_and_the_command(written, text: str) -> None:
    path = written(text)
    with pytest.raises(AssertionError, match=r"--bless case\.ir") as e:
        check(read(path))
    assert "\n-" in str(e.value)
    assert "\n+" in str(e.value)


@pytest.mark.parametrize("text", [GOOD, INVALID])
def test_bless_restores_the_expected_text(written, text: str) -> None:
    path = written(text.partition("; expect:\n")[0].replace("f64[2] and f64[3]", "f64[2] and nothing"))
    assert bless(read(path))
    assert path.read_text() == text
    assert not bless(read(path))


def test_a_pass_that_changes_the_meaning_is_noticed(written, monkeypatch: pytest.MonkeyPatch) -> None:
    from gradjit.ir import parse
    from gradjit.passes import PASSES, Pass
    wrong = parse("func @f(%x: f64[2]) -> f64[2] {\n  %y: f64[2] = cos %x\n  return %y\n}\n")["f"]
    monkeypatch.setitem(PASSES, "dce", Pass("dce", lambda f: wrong, "breaks everything"))
    with pytest.raises(AssertionError, match="changed the meaning"):
        check(read(written(GOOD)))


def test_a_file_without_a_run_line(written) -> None:
    with pytest.raises(ValueError, match="0 run lines"):
        read(written("func @f() -> f64[] {\n}\n"))
