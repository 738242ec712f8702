"""The table of two threads over one."""

from __future__ import annotations

import numpy as np

from benchmarks.threads import COPY, REQUIRED, Threaded, ThreadsRow, figures, measured, threads_table


def test_rows_and_figures() -> None:
    small = Threaded("small", lambda x: np.sum(np.exp(x)), lambda: (np.ones(200_000),))
    row = measured(small, (1, 2), rounds=1)
    assert (row.parallel, row.serial) == (1, 0) and row.gain > 0
    copied = ThreadsRow(COPY, (2.0, 1.25), 1, 0)
    table = threads_table([copied, row], (1, 2))
    assert "| a copy of 160 MB " in table and "| 2000.00 ms | 1250.00 ms | 1.60 × " in table and "1 of 1" in table
    bounded = Threaded("bounded", np.sum, tuple, "memory")
    found = figures([ThreadsRow(small, (1.0, 0.5), 1, 0), ThreadsRow(bounded, (1.0, 0.7), 1, 0)], copied)
    assert [(f.required, f.met) for f in found] == [(f"≥ {REQUIRED:.2f}", True), ("≥ 1.44", False)]
