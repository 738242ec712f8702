"""The buffer IR as a language, and its passes: text, rules and meaning on what the code generator's cases and traced
programs become; timed, dumped, verified; what breaks a program is named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import gradjit as gj
from gradjit.codegen import loops_of, lower
from gradjit.codegen.buffers import (
    PIPELINE,
    BufferProgram,
    buffer_errors,
    buffer_pipeline,
    parse_buffers,
    to_buffers,
    verify_buffers,
)
from gradjit.codegen.buffers.buffer_pipeline import BufferPass
from gradjit.codegen.loopir import print_program
from gradjit.codegen.nests import nests
from gradjit.codegen.target import this_machine
from gradjit.errors import IRError
from gradjit.ir import Func, interpret, parse
from gradjit.ir.size_conditions import Opening, opening
from gradjit.runtime.kernel import compile_program
from tests.codegen.cases import CASES
from tests.codegen.test_loopir import TRACED, programs
from tests.filetests.runner import ROOT
from tests.fuzz.inputs import same


def check(func: Func) -> BufferProgram:
    """A program that has been read from its text, which says all of it; it is well formed."""
    p = to_buffers(func)
    text = str(p)
    again = parse_buffers(text)
    assert str(again) == text, "print, parse, print is not the identity"
    verify_buffers(again)
    return again


@pytest.mark.thinned
@pytest.mark.parametrize("made", programs())
def test_text_rules_and_meaning(made: Callable[[], tuple[Func, list[np.ndarray]]]) -> None:
    func, args = made()
    p = check(func)
    assert print_program(nests(parse_buffers(str(p)))) == print_program(nests(to_buffers(func)))
    expected = interpret(func, args)
    assert not same(interpret(p.func, args), expected, exact=True)
    assert not same(compile_program(loops_of(p, this_machine(), {}))(*args), expected, exact=False)


def test_the_stage_is_a_text_that_can_be_read() -> None:
    f, args = TRACED["relax"]
    text = gj.value_and_grad(f).ir(*args, stage="buffers")
    verify_buffers(parse_buffers(text))


@pytest.mark.thinned
@pytest.mark.parametrize("name", TRACED)
def test_open_sizes(name: str) -> None:
    f, args = TRACED[name]
    func = gj.value_and_grad(f, sizes="any").specialisation(args, {}).program.func
    with opening(Opening()):
        check(func)


def test_each_pass_is_timed() -> None:
    assert {p.name for p in PIPELINE} <= set(lower(CASES[0].func()).seconds)


def test_each_pass_has_a_file_test() -> None:
    runs = [path.read_text().partition("\n")[0].split() for path in (ROOT / "buffers_ir").glob("*.buffers")]
    assert not [p.name for p in PIPELINE if not any(p.name in run for run in runs)]


def test_each_pass_is_dumped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADJIT_DUMP", str(tmp_path))
    lower(CASES[0].func())
    found = [path.stem for path in sorted(tmp_path.glob("*.buffers"))]
    assert [name.endswith(p.name.replace("-", "_")) for name, p in zip(found, PIPELINE, strict=True)] == [True] * 4


def forgets(p: BufferProgram) -> None:
    """Gives the first array that has memory that of the last one."""
    first, *_, last = (v for v in p.homes if v.op is not None and v in p.homes)
    p.homes[first] = p.homes[last]


LOOP = """func @f(%x: f64[40], %n: i64[]) -> (f64[40], f64[40]) {
  %0: i64[] = const 0
  %1: i64[] = const 1
  %2: f64[40] = exp %x
  %3: f64[40] = for %0, %n, %1, %x {
    (%k: i64[], %a: f64[40])
    %4: f64[1] = slice %a [39:+1]
    %5: f64[40] = update %a, %4 starts=[%k] steps=[1]
    yield %5
  }
  return %2, %3
}
"""


def test_verify_names_the_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buffer_pipeline, "PIPELINE", (*PIPELINE, BufferPass("vandal", forgets, "")))
    monkeypatch.setenv("GRADJIT_VERIFY", "1")
    with pytest.raises(IRError, match="is read, but @") as e:
        to_buffers(parse(LOOP)["f"])
    assert "after the pass 'vandal'" in e.value.__notes__


def test_an_array_that_a_loop_reads_behind_a_change_is_seen() -> None:
    p = check(parse(LOOP)["f"])
    assert buffer_errors(p) == []
    forgets(p)
    assert any("is read, but @" in text for _, text in buffer_errors(p))


def test_operations_on_memory_are_for_buffers() -> None:
    from gradjit.ir import verify
    text = "func @f(%x: f64[3]) -> f64[3] {\n  %0: f64[3] = copy_to %x\n  return %0\n}\n"
    with pytest.raises(IRError, match="copy_to is for programs whose values stand in memory"):
        verify(parse(text)["f"])
