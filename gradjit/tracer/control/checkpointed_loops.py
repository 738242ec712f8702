"""Loops whose reverse runs in bounded memory: what a `for` runs over, with what may be kept."""

from __future__ import annotations

from collections.abc import Sequence

from ...errors import TraceError
from ...ir import ArrayType, Value
from .. import extents
from ..locations import fail
from .iterables import IndexedIterable, Same


class Checkpointed(Same):
    """A sequence whose loop keeps `snapshots` states of what it carries, or as many as fit into so many bytes.

    The reverse computes from these what it does not find kept (passes/vjp/checkpoint.py).
    """

    def __init__(self, part: IndexedIterable, snapshots: int | None, nbytes: int | None):
        self.part = part
        self.given = snapshots
        self.nbytes = nbytes

    def snapshots(self, carried: Sequence[ArrayType]) -> int:
        """How many states of these types are kept. TraceError where not even one fits."""
        if self.given is not None:
            return self.given
        assert self.nbytes is not None
        state = sum(t.dtype.itemsize * self.elements(t) for t in carried)
        fitting = int(self.nbytes // max(state, 1))
        if fitting < 2:  # the state that is worked on takes the place of one
            fail(TraceError, f"gj.checkpoint: the loop carries {state} bytes, of which two states do not fit into "
                             f"{self.nbytes} bytes")
        n = self.static
        return max(1, min(fitting - 1, n)) if n is not None else fitting - 1

    def elements(self, t: ArrayType) -> int:
        total = 1
        for e in t.shape:
            bound = extents.upper_bound(e) if isinstance(e, Value) else e
            if bound is None:
                fail(TraceError, f"gj.checkpoint: the loop carries an array of {t}, whose size is only known when the "
                                 f"code runs; give the number of snapshots instead of bytes")
            total *= bound
        return total
