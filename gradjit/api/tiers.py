"""What answers the first calls of a specialisation, while nobody knows whether there will be many."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from math import inf
from typing import Any

from ..codegen import CoresEntry
from ..processes import Lock
from ..runtime.artefact import MadeKernel
from ..runtime.call_convention import MISS
from ..runtime.entry import Entry
from .backends import Direct, Interpreted, Native, TracedProgram, code_of, direct, native, would_take

QUICK_CALLS = 3
"""Calls that quick code answers: more are those of a loop, whose calls shall cost as little as they can."""
QUICK_SECONDS = 0.02
"""So long they may take together: LLVM's effort on a kernel that takes long pays at once."""


class Tiered:
    """Has the first calls answered by something that is there sooner (the interpreter, quick code), and the best
    machine code made for the one behind them."""

    def __init__(self, program: TracedProgram, first: Interpreted | Direct, make: Callable[[], Native | Tiered],
                 calls: int, seconds: float = inf) -> None:
        """calls, seconds: so many calls, and calls that have taken so long, are answered by `first`."""
        self.program = program
        self.first = first
        self.make = make
        self.calls = calls
        self.seconds = seconds
        self.native: Native | Tiered | None = None
        self.lock = Lock()

    @classmethod
    def interpreted(cls, program: TracedProgram, resume: Callable[[], Callable[[str], None]], calls: int,
                    threads: int | None) -> Tiered:
        """The interpreter first, then quick code. resume: what gives a `note` for steps that are done later."""
        def compiled() -> Native | Tiered:
            note = resume()
            made = code_of(program, note, quick=True)
            if made.kernel.unfinished:
                return cls.quick(program, made, resume, threads)
            best = native(program, made, threads)
            note("entry")
            return best

        return cls(program, Interpreted(program), compiled, calls)

    @classmethod
    def quick(cls, program: TracedProgram, made: MadeKernel, resume: Callable[[], Callable[[str], None]],
              threads: int | None) -> Tiered:
        """Quick code first."""
        def finished() -> Native:
            note = resume()
            kernel = made.finish()
            note("llvm")
            best = native(program, replace(made, kernel=kernel, finish=lambda: kernel), threads)
            note("entry")
            return best

        return cls(program, direct(program, made, threads), finished, QUICK_CALLS, QUICK_SECONDS)

    def next(self) -> Native | Tiered:
        """What answers behind the first calls, made now if that has not been done."""
        with self.lock:
            if self.native is None:
                self.native = self.make()
            return self.native

    def best(self) -> Native:
        """The best machine code, made now if there is none."""
        found = self.next()
        return found.best() if isinstance(found, Tiered) else found

    def call(self, *leaves: Any) -> Any:
        if self.native is None and self.first.hits < self.calls and self.seconds > 0:
            begin = time.perf_counter()
            result = self.first.call(*leaves)
            self.seconds -= time.perf_counter() - begin
            return result
        return self.next().call(*leaves) if self.native or would_take(self.program, leaves) else MISS

    @property
    def latest(self) -> Interpreted | Direct | Native | Tiered:
        return self.native or self.first

    @property
    def entry(self) -> Entry | None:
        return self.native.entry if self.native else None

    @property
    def origin(self) -> str:
        return self.latest.origin

    @property
    def hits(self) -> int:
        return self.first.hits + (self.native.hits if self.native else 0)

    @property
    def workspace_bytes(self) -> int:
        return self.latest.workspace_bytes

    @property
    def cores(self) -> tuple[CoresEntry, ...]:
        return self.latest.cores

    def text(self, stage: str) -> str:
        return self.best().text(stage)

    def portable(self, p: TracedProgram) -> tuple[str, bytes] | None:
        return self.latest.portable(p)


__all__ = ["Tiered"]
