"""Complex numbers are taken apart and put together pointwise."""

from __future__ import annotations

from .driver import Rule
from .elementwise import family

RULES: dict[str, Rule] = family("planes")
