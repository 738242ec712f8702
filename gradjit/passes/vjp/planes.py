"""Complex numbers are written as planes before derivatives are taken (`passes/planes`)."""

from __future__ import annotations

from ..partials.planes import UNSUPPORTED

RULES: dict[str, object] = {}

__all__ = ["RULES", "UNSUPPORTED"]
