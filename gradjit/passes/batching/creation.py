"""Values out of nothing are the same for the whole stack."""

from __future__ import annotations

from .driver import Rule

RULES: dict[str, Rule] = {}
UNBATCHED = dict.fromkeys(("const", "iota", "size"), "it has no operands")
