"""IR in, IR out: differentiation (reverse and forward), batching, simplification, fusion, memory."""

from __future__ import annotations

from .dump import Dumper
from .pipeline import PASSES, PIPELINE, Pass, optimize

__all__ = ["PASSES", "PIPELINE", "Dumper", "Pass", "optimize"]
