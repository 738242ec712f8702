"""Pushforwards of Fourier transforms: those of the tangents."""

from __future__ import annotations

from .driver import Rule
from .movement import linear

RULES: dict[str, Rule] = dict.fromkeys(("fft", "rfft", "irfft"), linear)
CONSTANT: dict[str, str] = {}
