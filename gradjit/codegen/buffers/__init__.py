"""Where arrays stand: from the array IR to the buffer IR, in which memory is explicit.

The buffer IR is the array IR with a home beside each array that has memory: `%3: f64[100] @w1`. What replaces elements
of an array may have the array's own memory; then it is done in place. `copy_to` gives a value other memory, `trade`
exchanges memory for that of what was there before, `fence` parts what may share loops. Values without a home are
computed where they are read; whether one of them gets memory for a while is a question of shared loops (`memory`).
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from .buffer_pipeline import PIPELINE, to_buffers
from .language import BufferProgram

if TYPE_CHECKING:
    from .parser import parse_buffers
    from .printer import print_buffers
    from .verifier import buffer_errors, verify_buffers

_HOMES = {"parse_buffers": "parser", "print_buffers": "printer", "buffer_errors": "verifier",
          "verify_buffers": "verifier"}


def __getattr__(name: str) -> Any:
    """Text and rules are imported at their first use: a compilation needs none of them."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)


__all__ = ["PIPELINE", "BufferProgram", "buffer_errors", "parse_buffers", "print_buffers", "to_buffers",
           "verify_buffers"]
