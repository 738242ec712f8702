"""Complex matrices over stacks: one more axis of the stack that they have."""

from __future__ import annotations

from ...ir import interleaved as c, matrices as m
from .driver import Rule, Walk
from .factorisation import safe, stacked

LOCAL: dict[str, Rule] = dict.fromkeys(("complex_lu", "complex_det", "complex_qr", "complex_pinv", "complex_sqrtm",
                                        "eigenvalues", "eigenvectors"), stacked)
WALKS: dict[str, Walk] = {
    **dict.fromkeys(("complex_cholesky", "complex_triangular_solve", "complex_eigh", "complex_svd", "complex_eig"),
                    safe(c.identity_like, 0)),
    "complex_solve": safe(c.identity_like, 1), "complex_sylvester": safe(c.identity_like, 0, 1),
    "eig": safe(m.identity_like, 0),
}
RULES: dict[str, Rule | Walk] = {**LOCAL, **WALKS}
