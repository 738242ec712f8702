"""The loop IR's text, rules and meaning: printer, parser, verifier and interpreter of `codegen.loops`.

A kernel is a list of buffers and statements. An expression is evaluated at its first need, in the scope of the loop
that binds its variables; what a `for` does not change is evaluated before it. `%3 = tanh(acc4)` abbreviates an
expression and does nothing by itself; `let %3` evaluates it now. Memory that changes while the program runs is read in
one of its states: `w0#3[i]`.

Each part is imported at its first use: a compilation needs none of them.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .interpreter import interpret
    from .parser import parse
    from .printer import print_program
    from .verifier import errors_of, verify

_HOMES = {"interpret": "interpreter", "parse": "parser", "print_program": "printer", "errors_of": "verifier",
          "verify": "verifier"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)


__all__ = ["errors_of", "interpret", "parse", "print_program", "verify"]
