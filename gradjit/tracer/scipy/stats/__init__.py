"""scipy.stats: distributions and statistics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import methods, multivariate, statistics

RULES: dict[tuple[str, str], Callable[..., Any]] = {**methods.rules(), **multivariate.RULES, **statistics.RULES}
