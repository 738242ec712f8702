"""Pullbacks of Fourier transforms."""

from __future__ import annotations

from ...ir import Builder, Op, Value
from ..partials.fourier import transposed
from .driver import Rule


def _pulled(b: Builder, op: Op, needs: tuple[bool, ...], g: Value) -> list[Value | None]:
    return [transposed(b, op, g)]


RULES: dict[str, Rule] = dict.fromkeys(("fft", "rfft", "irfft"), _pulled)
CONSTANT: dict[str, str] = {}
