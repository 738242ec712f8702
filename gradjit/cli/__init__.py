"""The command line: `gradjit demo | ir | check | run | version`."""

from __future__ import annotations

from .main import main

__all__ = ["main"]
