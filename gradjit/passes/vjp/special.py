"""Pullbacks of special functions: from the table of partial derivatives."""

from __future__ import annotations

from ..partials import special
from .driver import Rule
from .elementwise import from_partials

RULES: dict[str, Rule] = {name: from_partials(p) for name, p in special.PARTIALS.items()}
CONSTANT: dict[str, str] = {}
