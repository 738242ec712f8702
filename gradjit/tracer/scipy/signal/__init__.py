"""scipy.signal: convolutions, filters, smoothing, resampling. Its loops over samples are loops of the program."""

from __future__ import annotations

from ..loops import Rule
from . import convolution, filters, resampling, smoothing

RULES: dict[tuple[str, str], Rule] = {**convolution.RULES, **filters.RULES, **smoothing.RULES, **resampling.RULES}
