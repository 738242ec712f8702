"""The pipeline: what surrounds the passes, and how much work they do."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from gradjit.errors import BoundsError, IRError
from gradjit.ir import F64, ArrayType, Builder, Func, Op, Value, interpret, parse, print_func, verify
from gradjit.ir.builder import build
from gradjit.passes import PASSES, PIPELINE, Dumper, Pass, optimize, pipeline
from gradjit.passes.cse import cse
from gradjit.passes.dce import dce
from gradjit.passes.fold import fold_constants
from gradjit.passes.simplify import RULES, simplify

VECTOR = ArrayType(F64, (50,))


def chain(count: int) -> Func:
    """A function of `count` operations or a few more, with something for every pass to do."""
    def body(b: Builder, x: Value) -> list[Value]:
        v = x
        while len(b.block.ops) < count:
            scaled = b.mul(v, b.like(1.5, v))
            same = b.mul(b.like(1.5, v), v)
            shifted = b.sub(b.sin(b.add(scaled, b.neg(x))), b.like(0.0, v))
            b.exp(same)  # dead
            total = b.broadcast(b.sum(shifted, axes=(0,)), shape=(50,), dims=())
            v = b.add(b.mul(total, b.like(1.0, v)), b.add(scaled, same))
        return [v]
    return build("chain", [VECTOR], body)


def test_optimize_leaves_its_argument_alone() -> None:
    f = chain(40)
    before = print_func(f)
    optimize(f)
    assert print_func(f) == before


def test_optimize_keeps_parameters_and_names() -> None:
    f = parse("func @f(%unused: f64[], %x: f64[]) -> f64[] {\n  %wanted: f64[] = exp %x\n  return %wanted\n}\n")["f"]
    after = optimize(f)
    assert [p.name for p in after.params] == ["unused", "x"]
    assert after.results[0].name == "wanted"
    assert after.name == "f"


def test_optimize_finds_all_in_one_go() -> None:
    once = optimize(chain(40))
    assert print_func(optimize(once)) == print_func(once)
    assert len(once.ops) < 30


@pytest.mark.parametrize("name", list(PASSES))
def test_every_pass_keeps_the_meaning(name: str) -> None:
    f = chain(40)
    after = PASSES[name].run(f)
    verify(after)
    x = np.linspace(-1, 1, 50)
    np.testing.assert_allclose(interpret(after, [x])[0], interpret(f, [x])[0], rtol=1e-12)


@pytest.mark.parametrize("run, gone", [(fold_constants, "sqrt"), (cse, "cos"), (dce, "exp"), (simplify, "neg")])
def test_each_pass_does_its_own_work(run, gone: str) -> None:
    f = parse("""
func @f(%x: f64[]) -> f64[] {
  %c: f64[] = const 4.0
  %r: f64[] = sqrt %c
  %dead: f64[] = exp %x
  %a: f64[] = cos %x
  %b: f64[] = cos %x
  %m: f64[] = neg %a
  %n: f64[] = neg %m
  %s: f64[] = add %n, %b
  %t: f64[] = mul %s, %r
  return %t
}
""")["f"]
    count = sum(op.name == gone for op in run(f).ops)
    assert count < sum(op.name == gone for op in f.ops)


def test_timings_add_up_by_name() -> None:
    timings: dict[str, float] = {}
    optimize(chain(20), timings=timings)
    first = dict(timings)
    optimize(chain(20), timings=timings)
    assert set(timings) == {p.name for p in PIPELINE}
    assert all(timings[name] > first[name] > 0 for name in timings)


def test_dump_writes_numbered_files(tmp_path: Path) -> None:
    f = chain(10)
    dump = Dumper(tmp_path / "new")
    dump("traced", f)
    after = optimize(f, dump=dump)
    names = sorted(p.name for p in dump.directory.iterdir())
    assert names == ["000-chain-traced.ir", *(f"{k:03d}-chain-{p.name}.ir" for k, p in enumerate(PIPELINE, 1))]
    assert parse((dump.directory / names[0]).read_text())
    assert (dump.directory / names[-1]).read_text() == print_func(after)


def test_dump_by_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADJIT_DUMP", str(tmp_path))
    optimize(chain(10))
    optimize(chain(10))
    assert len(list(tmp_path.iterdir())) == 2 * len(PIPELINE)
    monkeypatch.setenv("GRADJIT_DUMP", "")
    assert Dumper.from_environment() is None


@pytest.mark.parametrize("name", ["<lambda>", "f.<locals>.g", "a/b:c"])
def test_dump_of_functions_with_odd_names(tmp_path: Path, name: str) -> None:
    path = Dumper(tmp_path).text("llvm", name, "text", "ll")
    assert path.parent == tmp_path
    assert path.read_text() == "text"


def broken(f: Func) -> Func:
    """Uses a value that nothing defines."""
    stray = Op("exp", (f.params[0],), {}, (f.params[0].type,))
    f = dce(f)
    f.body.results = stray.results
    return f


def test_verify_names_the_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "PIPELINE", (*PIPELINE, Pass("vandal", broken, "")))
    f = chain(10)
    optimize(f)
    for options in ({"verify": True}, {}):
        monkeypatch.setenv("GRADJIT_VERIFY", "1")
        with pytest.raises(IRError) as e:
            optimize(f, **options)
        assert "after the pass 'vandal'" in e.value.__notes__
    monkeypatch.setenv("GRADJIT_VERIFY", "0")
    optimize(f)


def test_rules_are_documented_and_for_known_operations() -> None:
    """A factory's rules state themselves in the factory's docstring."""
    import gradjit.passes.simplify as package
    from gradjit.ir import OPS
    assert set(RULES) <= set(OPS)
    modules = [package.elementwise, package.movement, package.reduction, package.indexing, package.linalg]
    for name, rules in RULES.items():
        for rule in rules:
            makers = [m for module in modules for m in vars(module).values()
                      if callable(m) and getattr(m, "__name__", "") == rule.__qualname__.partition(".")[0]]
            assert any("-->" in (m.__doc__ or "") for m in makers) or rule.__name__ == "rule", (name, rule.__qualname__)


def test_work_of_the_passes_is_linear() -> None:
    """The first call waits for the passes. Calls are counted, as a clock would count other people's work, too."""
    few, many = (calls_of(partial(optimize, chain(count))) for count in (200, 800))
    assert many < 4.4 * few


def calls_of(run: Callable[[], object]) -> int:
    """How many Python functions are called."""
    calls = 0

    def note(_: object, event: str, __: object) -> None:
        nonlocal calls
        calls += event == "call"

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        run()
    finally:
        sys.setprofile(before)
    return calls


def test_ranges_of_more_numbers_than_len_can_tell() -> None:
    """A loop over them is compiled like any other; it stops where the first index is out of bounds."""
    least = -2 ** 63
    (f,) = parse(f"""func @f(%x: f64[10]) -> f64[] {{
  %lo: i64[] = const {least}
  %hi: i64[] = const 10
  %one: i64[] = const 1
  %s: f64[] = const 0.0
  %a: f64[] = for %lo, %hi, %one, %s {{
    (%i: i64[], %p: f64[])
    %e: f64[] = gather %x, %i axes=[0]
    %q: f64[] = add %p, %e
    yield %q
  }}
  return %a
}}
""").funcs.values()
    with pytest.raises(BoundsError):
        interpret(optimize(f), [np.ones(10)])
