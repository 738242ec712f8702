"""scipy.stats: distributions and statistics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import (
    distribution_methods,
    elliptical,
    multivariate,
    normality,
    robust_lines,
    sample_moments,
    sample_statistics,
    sample_tests,
    variates,
)

RULES: dict[tuple[str, str], Callable[..., Any]] = {
    **distribution_methods.rules(), **elliptical.rules(), **multivariate.RULES, **variates.RULES,
    **sample_statistics.RULES, **sample_moments.RULES, **sample_tests.RULES, **robust_lines.RULES,
    **normality.RULES}
