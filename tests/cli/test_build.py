"""`gradjit build`: files that need no Python."""

from __future__ import annotations

import pytest

from gradjit.cli import main

MODEL = """\
import numpy as np

def loss(w, x):
    return np.sum(np.tanh(x @ w) ** 2)
"""


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "modèle α.py"
    path.write_text(MODEL)
    return path


def run(*argv: object) -> int:
    return main([*map(str, argv)])


def test_several_functions_in_one_library(model, tmp_path, capsys):
    out = tmp_path / "ein Ort"
    status = run("build", f"{model}:loss", "--signature", "f64[k], f64[n,k]", "--derivative", "value_and_grad",
                 "--and", f"{model}:loss", "--signature", "f32[k], f32[n,k]", "--as", "loss_f32", "--name", "both",
                 "--output", out)
    assert status == 0
    assert str(out / "both.h") in capsys.readouterr().out
    header = (out / "both.h").read_text()
    assert "int32_t loss_value_and_grad(int64_t k, int64_t n, const double *w, const double *x, double *value, " \
           "double *grad_w, void *workspace);" in header
    assert "int32_t loss_f32(int64_t k, int64_t n, const float *w, const float *x, float *result, void *workspace);" \
        in header


@pytest.mark.parametrize("options, status, words", [
    ((), 2, "has no --signature"),
    (("--signature", "f64[n]"), 1, "declares nothing for x"),
    (("--signature", "f64[k], f64[n,k]", "--target", "pdp11"), 1, "no target 'pdp11'"),
    (("--signature", "f64[k], f64[n,k]", "--target", "v3,aarch64-linux-gnu"), 1, "several in one library"),
    (("--signature", "f64[k], f64[n,k]", "--output", "/proc/nowhere"), 2, "cannot write to /proc/nowhere"),
])
def test_what_is_not_understood(model, capsys, options, status, words):
    assert run("build", f"{model}:loss", *options) == status
    assert words in capsys.readouterr().err
