"""Control flow. Its reverse needs the values that each region kept (tapes), which are not planned yet."""

from __future__ import annotations

from .driver import Rule

RULES: dict[str, Rule] = {}
CONSTANT: dict[str, str] = {}

UNSUPPORTED: dict[str, str] = dict.fromkeys(
    ("if", "for", "while", "tape", "push", "pop"),
    "control flow on traced values is not differentiated yet; write np.where for a branch, "
    "and for a loop one over a Python sequence, which is unrolled")
