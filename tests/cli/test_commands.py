"""The command line as a user meets it: output, exit status, and the text of errors."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from gradjit.cli import console, main

MODEL = """\
import numpy as np

import helper

SCALE = 3.0


def loss(x, y):
    return np.sum(helper.square(x - y)) * SCALE


def whole(n):
    return np.zeros(n)


class Model:
    @staticmethod
    def loss(x):
        return np.sum(np.sin(x))


def rounds(x):
    return np.sum(np.floor(x) * x)


def unsupported(x):
    return np.sum(np.packbits(x))
"""

IR = """\
func @double(%x: f64[3]) -> f64[3] {
  %0: f64[3] = add %x, %x
  return %0
}

func @total(%n: i64[], %x: f64[%n]) -> f64[] {
  %0: f64[] = sum %x axes=[0]
  return %0
}
"""


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (tmp_path / "model.py").write_text(MODEL)
    (tmp_path / "helper.py").write_text("def square(x):\n    return x**2\n")
    (tmp_path / "program.ir").write_text(IR)
    (tmp_path / "broken.py").write_text("import no_such_module_anywhere\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield tmp_path
    # What a command imported is forgotten, so that each test meets its own files.
    for name in ("model", "helper", "wrong", "broken"):
        sys.modules.pop(name, None)


def run(*argv: str) -> int:
    """The exit status, also that of argparse."""
    try:
        return main(argv)
    except SystemExit as e:
        return int(e.code or 0)


# ir -------------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("stage, shown", [
    ("traced", "func @"), ("adjoint", "func @"), ("optimized", "func @"), ("loops", "for "), ("llvm", "define "),
    ("asm", "ret"),
])
def test_ir_shows_each_stage(files: Path, capsys: pytest.CaptureFixture[str], stage: str, shown: str) -> None:
    assert run("ir", "model.py:loss", "--arg", "f64[100]", "--arg", "f64[100]", "--stage", stage) == 0
    assert shown in capsys.readouterr().out


def test_ir_names_the_users_lines(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("ir", "model.py:loss", "--arg", "f64[100]", "--arg", "f64[100]", "--stage", "traced") == 0
    out = capsys.readouterr().out
    assert "; model.py:9" in out
    assert "; helper.py:2" in out


def test_ir_is_parsed_again_by_run(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("ir", "model.py:loss", "--arg", "f64[4]", "--arg", "f64[4]", "--of", "jit", "--stage", "traced") == 0
    text = capsys.readouterr().out
    (files / "again.ir").write_text(text)
    np.save("x.npy", np.arange(4.0))
    np.save("y.npy", np.ones(4))
    assert run("run", "again.ir", "--arg", "x.npy", "--arg", "y.npy") == 0
    assert "18.0" in capsys.readouterr().out


def test_static_arguments_and_methods(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("ir", "model.py:whole", "--arg", "7", "--of", "jit", "--stage", "traced") == 0
    assert "f64[7]" in capsys.readouterr().out
    assert run("ir", "model.py:Model.loss", "--arg", "f64[5]") == 0
    assert "cos" in capsys.readouterr().out


# check ----------------------------------------------------------------------------------------------------------------

def test_check_of_a_right_gradient(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("check", "model.py:loss", "--arg", "f64[10]", "--arg", "f64[10]", "--argnums", "0,1") == 0
    out = capsys.readouterr().out
    assert "agree" in out
    assert "gradient 1" in out


def test_check_of_a_wrong_gradient(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (files / "wrong.py").write_text(
        "import numpy as np\nimport gradjit as gj\n\n\n"
        "def f(x):\n    return np.sum(gj.stop_gradient(np.sin(x)) * x)\n"
    )
    assert run("check", "wrong.py:f", "--arg", "f64[10]") == 1
    assert "do not agree" in capsys.readouterr().err


# run ------------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("how", [[], ["--compiled"]])
def test_run(files: Path, capsys: pytest.CaptureFixture[str], how: list[str]) -> None:
    np.save("x.npy", np.array([1.0, 2.0, 4.0]))
    assert run("run", "program.ir", "--arg", "x.npy", *how) == 0
    assert capsys.readouterr().out == "result 0: f64[3]\n[2. 4. 8.]\n"


def test_run_fills_in_sample_data_of_the_parameters_types(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("run", "program.ir", "--func", "total", "--arg", "4") == 0
    expected = np.sum(np.random.default_rng(0).standard_normal(4))
    assert capsys.readouterr().out == f"result 0: f64[]\n{expected}\n"


KERNEL = """\
kernel @scaled:
  input x: f64[3]
  output out0: f64[3]
  for i in 0..3:
    out0[i] = (x[i] * 2.0)
"""


@pytest.mark.parametrize("how", [(), ("--compiled",)])
def test_run_a_kernel(files: Path, capsys: pytest.CaptureFixture[str], how: tuple[str, ...]) -> None:
    (files / "kernel.loops").write_text(KERNEL)
    assert run("run", "kernel.loops", "--arg", "[1.0, 2.0, 4.0]", *how) == 0
    assert capsys.readouterr().out == "result 0: f64[3]\n[2. 4. 8.]\n"


@pytest.mark.parametrize(("old", "new", "message"), [
    ("x[i]", "y[i]", "y is no buffer"), ("0..3", "0..4", "out0[i] is 0..3, outside of its 3 elements"),
    ("x[i]", "x[{cast(1e9, dtype=i64)}]", "address 1000000000 is outside of memory"),
    ("(x[i] * 2.0)", "(x[i]", "expected an operator")])
def test_run_refuses_a_wrong_kernel(files: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, message: str
                                    ) -> None:
    (files / "kernel.loops").write_text(KERNEL.replace(old, new))
    assert run("run", "kernel.loops", "--compiled") == 1
    err = capsys.readouterr().err
    assert "IRError" in err
    assert message in err


def test_run_shows_what_does_not_parse(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (files / "wrong.ir").write_text("func @f(%x: f64[3]) -> f64[3] {\n  %0: f64[3] = sine %x\n  return %0\n}\n")
    assert run("run", "wrong.ir") == 1
    err = capsys.readouterr().err
    assert "wrong.ir:2" in err
    assert "sine" in err


# version --------------------------------------------------------------------------------------------------------------

def test_version(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("GRADJIT_NUM_THREADS", "3")
    assert run("version") == 0
    shown = dict(line.split(None, 1) for line in capsys.readouterr().out.splitlines() if line[:1].isalpha())
    assert {"gradjit", "llvm", "numpy", "llvmlite", "processor", "features"} <= set(shown)
    assert shown["numpy"] == np.__version__
    assert shown["threads"] == "3"


# errors ---------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("argv, said", [
    (["ir", "none.py:f"], "there is no file none.py"),
    (["ir", "model.py"], "write FILE.py:FUNCTION"),
    (["ir", "model.py:nothing"], "no function 'nothing'; it has loss, whole"),
    (["ir", "model.py:SCALE"], "no function but float"),
    (["ir", "broken.py:f"], "no_such_module_anywhere"),
    (["ir", "model.py:loss", "--arg", "f64[3"], "cannot read the argument"),
    (["ir", "model.py:loss", "--arg", "f64[3]"], "missing a required argument: 'y'"),
    (["check", "model.py:Model.loss", "--arg", "2.0", "--arg", "2.0"], "too many positional arguments"),
    (["run", "none.ir"], "cannot read none.ir"),
    (["run", "program.ir", "--func", "f"], "it has @double, @total"),
    (["run", "program.ir", "--arg", "f64[4]"], "argument 0 of @double is f64[3], given was f64[4]"),
    (["run", "program.ir", "--arg", "c128[3]"], "argument 0 of @double is f64[3], given was c128[3]"),
    (["run", "program.ir", "--arg", "f64[3]", "--arg", "2"], "takes 1 arguments, 2 were given"),
    (["ir", "model.py:loss", "--stage", "assembly"], "invalid choice"),
    (["frobnicate"], "invalid choice"),
    ([], "required"),
])
def test_commands_not_understood(files: Path, capsys: pytest.CaptureFixture[str], argv: list[str], said: str) -> None:
    assert run(*argv) == 2
    assert said in capsys.readouterr().err


def test_what_cannot_be_compiled_names_the_users_line(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("ir", "model.py:unsupported", "--arg", "f64[3]") == 1
    err = capsys.readouterr().err
    assert "packbits" in err
    assert "model.py" in err
    assert "line 27" in err
    assert "Traceback" not in err


def test_the_commands_own_line_is_not_shown(files: Path) -> None:
    script = files / "bin" / "gradjit"  # as pip writes it
    script.parent.mkdir()
    script.write_text("import sys\nfrom gradjit.cli import main\nsys.exit(main())\n")
    done = subprocess.run([sys.executable, "bin/gradjit", "check", "model.py:whole", "--arg", "3"],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "DifferentiationError" in done.stderr
    assert "File" not in done.stderr


@pytest.mark.parametrize("language", [None, "llvm", "gas"])
def test_colours_change_no_character(language: str | None) -> None:
    from rich.text import Text

    text = "func @f(%x: f64[3,4]) -> f64[] {\n  %0: f64[] = sum %x axes=[0,1]  ; model.py:9\n  return %0\n}\n"
    shown = console.coloured(text, language)
    assert isinstance(shown, Text)
    assert shown.plain == text
    assert shown.spans


def test_a_reader_that_stops_early_is_no_error(files: Path) -> None:
    command = f"{shlex.quote(sys.executable)} -m gradjit run program.ir --func total --arg 4 | true"
    done = subprocess.run(["bash", "-c", f"set -o pipefail; {command}"], capture_output=True, text=True, check=False)
    assert done.stderr == ""
