"""The loop IR's text, rules and meaning: printer, parser, verifier and interpreter of `codegen.loops`.

A kernel is a list of buffers and statements. An expression is evaluated at its first need, in the scope of the loop
that binds its variables; what a `for` does not change is evaluated before it. `%3 = tanh(acc4)` abbreviates an
expression and does nothing by itself; `let %3` evaluates it now. Memory that changes while the program runs is read in
one of its states: `w0#3[i]`.
"""

from __future__ import annotations

from .interpreter import interpret
from .parser import parse
from .printer import print_program
from .verifier import errors_of, verify

__all__ = ["errors_of", "interpret", "parse", "print_program", "verify"]
