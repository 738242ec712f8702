"""The benchmark of tensors: its programs compute what they should, and its table says what was reached."""

from __future__ import annotations

import numpy as np
from numpy.testing import assert_allclose

from benchmarks import tensors


def test_programs_compute_what_they_should() -> None:
    s = tensors.Style("gradjit")
    rows = tensors.bowl(s)
    assert len(rows) == 10
    assert_allclose(rows[0], (0.98304, 1.31072, 4.194304))
    assert_allclose(tensors.quadratic(s, 400).numpy(), [-1, 1, 1], atol=0.1)
    assert tensors.mlp(s, 3).item() < tensors.mlp(s, 1).item()
    assert np.all(tensors.rosenbrock(s, 50).numpy() < 1)
    assert tensors.operation(s, 10) > 0 and tensors.backward(s, 2) > 0


def test_the_table() -> None:
    text = tensors.report({"bowl": {"gradjit": 1e-3, "torch": 1e-2}, "operation": {"gradjit": 5e-7, "torch": 4e-6}})
    assert "0.10 of torch (wanted 0.20)" in text and "0.50 µs (wanted 1)" in text
