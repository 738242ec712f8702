"""Values out of nothing depend on nothing."""

from __future__ import annotations

from .driver import Rule

RULES: dict[str, Rule] = {}
CONSTANT = dict.fromkeys(("const", "iota", "size"), "it has no operands")
