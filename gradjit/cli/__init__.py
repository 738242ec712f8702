"""The command line: `gradjit demo | ir | check | run | cache | version`."""

from __future__ import annotations

from .main import main

__all__ = ["main"]
