"""The text of the IR as a hostile input: mutants of good programs, parsed, verified, and run by both backends.

    python -m tests.fuzz.text --count 20000 --seed 0       makes mutants, and prints what they find, reduced
    python -m tests.fuzz.text --show 17                    prints a mutant

A mutant may be refused, by the parser, the verifier, code generation or when it runs, but only with a GradjitError
(or for want of memory); what both backends compute must agree. Everything else is a finding: a crash, a hang, another
exception, another result.
"""

from __future__ import annotations

import time
from dataclasses import replace

from tests.fuzz.failure import Failure, Refused, Rough

from .check import check
from .corpus import corpus
from .mutate import Mutant, mutant

__all__ = ["Mutant", "check", "program", "reduced"]


def program(seed: int) -> Mutant:
    return Mutant(seed, mutant(corpus(), seed))


def reduced(m: Mutant, seconds: float = 30.0) -> Mutant:
    """The mutant with as few lines as are needed to fail alike."""
    wanted, end = failure(m), time.process_time() + seconds
    width = 16
    while width and wanted is not None:
        lines = m.text.split("\n")
        for k in range(0, len(lines), width):
            smaller = replace(m, text="\n".join(lines[:k] + lines[k + width:]))
            found = failure(smaller) if time.process_time() < end else None
            if found is not None and found.signature == wanted.signature:
                m = smaller
                break
        else:
            width //= 2
    return m


def failure(m: Mutant) -> Failure | None:
    try:
        return check(m)
    except (Refused, Rough):
        return None
