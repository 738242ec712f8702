"""Complex matrices over stacks: one more axis of the stack that they have."""

from __future__ import annotations

from ...ir import Builder, Op, interleaved as c, matrices as m
from .driver import Batcher, Rule, Walk
from .factorisation import safe_with, stacked


def _safe(batcher: Batcher, b: Builder, op: Op) -> None:
    safe_with(batcher, b, op, c.identity_like)


def _safe_of_real(batcher: Batcher, b: Builder, op: Op) -> None:
    safe_with(batcher, b, op, m.identity_like)


LOCAL: dict[str, Rule] = dict.fromkeys(("complex_lu", "complex_det", "complex_qr", "complex_pinv", "complex_sqrtm",
                                        "eigenvalues", "eigenvectors"), stacked)
WALKS: dict[str, Walk] = {**dict.fromkeys(("complex_cholesky", "complex_triangular_solve", "complex_solve",
                                           "complex_eigh", "complex_svd", "complex_eig", "complex_sylvester"), _safe),
                          "eig": _safe_of_real}
RULES: dict[str, Rule | Walk] = {**LOCAL, **WALKS}
