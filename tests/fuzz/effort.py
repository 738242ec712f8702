"""LLVM at its least effort. It takes a quarter of the time, and is given the very text that users' programs are.

A fault of gradjit's shows at any effort, but for one: a promise to LLVM that does not hold (of aliases, alignment,
overflow), which only an optimisation takes up. So a part of all random programs gets the effort that users get.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from gradjit.runtime import jit

FULL = 8
"""One program, or batch of programs, of so many is compiled with LLVM's full effort."""


@contextmanager
def llvm_effort(full: bool) -> Iterator[None]:
    """Compile as users do, or in the least time: without functions that must be inlined the text is no program."""
    before = dict(jit.PIPELINES)
    if not full:
        jit.PIPELINES.update(dict.fromkeys(("light", "loops"), (jit.only_inline, 0)))
    try:
        yield
    finally:
        jit.PIPELINES.update(before)
