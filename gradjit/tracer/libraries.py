"""The rules of functions that other libraries have written in Python, by the module and the name that these are defined
under.

They stand in modules of their own, which are imported when such a function is first met. So SciPy's rules cost nothing
who does not use SciPy; and they may use all of the tracer, which knows none of them.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from typing import Any

Rules = dict[tuple[str, str], Callable[..., Any]]
OF_KNOWN = "numpy", "poly1d of known coefficients"
"""The rule that makes what stands for one."""

RULES_IN = {"scipy": "gradjit.tracer.scipy", "numpy": "gradjit.tracer.numpy.polynomials"}
"""For each library the module whose `RULES` are those of its functions."""

MORE_RULES_IN: dict[str, list[str]] = {"scipy": []}
"""Modules with more of them, behind the tracer: rules that take functions which are not looked into, or derivatives."""

SOLVERS: Rules = {}
"""Rules of functions that take functions, which may read traced values: they are asked for whatever the arguments
are."""
SOLVERS_IN = ["gradjit.tracer.scipy"]
"""The modules that fill in `SOLVERS`."""


@functools.cache
def rules(library: str) -> Rules:
    """The rules of a library's functions."""
    found: Rules = importlib.import_module(RULES_IN[library]).RULES
    for module in MORE_RULES_IN.get(library, ()):
        found.update(importlib.import_module(module).RULES)
    return found


@functools.cache
def solvers() -> Rules:
    for module in SOLVERS_IN:
        importlib.import_module(module)
    return SOLVERS
