"""What reductions start from, and rough costs of operations."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..ir import OPS, DType

ADDING = ("sum", "cumsum")
"""Reductions that add: a sum begins at 0, as NumPy's, and the sums of a scan at -0.0, so that the first is the first
element with its sign."""


def identity(combine: str, dtype: DType) -> Any:
    """The value that changes nothing when combined with."""
    if combine == "cumsum" and dtype.is_float:
        return -0.0
    if combine in (*ADDING, "any"):
        return 0
    if combine in ("prod", "all"):
        return 1
    low, high = (-np.inf, np.inf) if dtype.is_float else (0, 1) if dtype.is_bool else (
        np.iinfo(dtype.np).min, np.iinfo(dtype.np).max)
    return low if combine in ("max", "argmax") else high


LOAD, GATHER = 0.3, OPS["gather"].cost
"""A load that runs along with arithmetic, and one from a computed place."""

BLOCK = 256
"""Vectors that one running sum takes up before it is added to the total: bounds the growth of rounding errors."""

FIRST_BYTES = 1 << 15
"""So much stays in a core's first cache, from which a load costs no more than `LOAD`."""

CACHE_BYTES = 1 << 19
"""Arrays up to this size stay in a core's own cache."""

SHARED_BYTES = 1 << 24
"""Arrays up to this size stay in the cache that cores share."""

MEMORY = ((CACHE_BYTES, 0.8), (SHARED_BYTES, 1.2), (1 << 62, 6.0))
"""Tenths of a nanosecond to store or load an element of an array of up to so many bytes: in a core's own cache, in the
shared one, in memory."""

STORE = 0.45
"""A store that runs along memory."""

JUMP, LINE_BYTES, REFILL = 12.0, 64, 8.0
"""An access that jumps from line to line of the cache, in accesses that run along memory; how long lines are; and how
often as dear it is to fetch a line as it is to fetch an element of it."""

PAGE_BYTES, RESTART = 1 << 12, 1000.0
"""What follows one another for less than a page is not fetched ahead in time: what it costs to begin elsewhere in an
array beyond all caches, in accesses that run along memory."""

ACROSS = 5.0
"""Combining the lanes of a vector when a running value in registers comes to its end."""

CHEAPER = 1.02
"""Orders of loops whose costs differ by less are as good as each other."""

SCALAR = 8.0
"""How much longer work takes without vectors."""

ITERATION = 20.0
"""An iteration of a loop of the program, whatever it does: a branch that waits, a counter."""

MISPREDICTED = 100.0
"""A branch that the processor expects to go the other way, in simple operations of vectors."""

LONG = 1e7
"""Work (a millisecond) from which on a loop asks whether the user wants to interrupt, and that goes by between two
questions. An estimate: the true time may well be ten times that."""

STRIP = 1e6
"""Work of a strip of such a loop: behind each it looks whether it is time to ask."""


def cost_of(name: str) -> float:
    return OPS[name].cost


def memory_cost(nbytes: int) -> float:
    return next(cost for limit, cost in MEMORY if nbytes <= limit)
