"""Control flow: whether a branch is taken and how long a loop runs differs along the batch."""

from __future__ import annotations

from .driver import Rule

RULES: dict[str, Rule] = {}

UNSUPPORTED = dict.fromkeys(("if", "for", "while"), "control flow on traced values is not batched yet")
