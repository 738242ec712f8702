"""Which factorisations have a derivative that may be infinite, or nan, where the operands are finite."""

from __future__ import annotations

SINGULAR = frozenset({"cholesky_cotangent", "triangular_solve", "lu", "lu_solve", "det", "qr"})
"""They divide by what may be zero."""
