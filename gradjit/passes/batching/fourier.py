"""Fourier transforms of stacks: they are of lines, whatever stands before."""

from __future__ import annotations

from collections.abc import Sequence

from ...ir import Builder, Op, Value
from .driver import Rule


def _stacked(b: Builder, op: Op, operands: Sequence[Value], batched: Sequence[bool], size: int) -> Sequence[Value]:
    return b.append(op.name, operands, op.attrs).results


RULES: dict[str, Rule] = dict.fromkeys(("fft", "rfft", "irfft"), _stacked)
