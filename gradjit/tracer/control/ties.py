"""Arrays that may be one another.

Behind `if c: y = a else: y = b` the name y stands for a or for b, which only a run can tell. y has the right elements as
long as nobody writes to any of the three: reading is fine until then, and writing is an error that says to copy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from ...errors import TraceError
from ..locations import fail

if TYPE_CHECKING:
    from ..array import TracedArray


@dataclass
class Ties:
    """What an array may share its elements with, and the versions that these had."""

    others: list[tuple[TracedArray, int]]
    why: str
    """Begins with the name of the variable."""

    def check(self) -> None:
        """Before a read."""
        if any(h.version != version for h, version in self.others):
            self.refuse()

    def refuse(self) -> NoReturn:
        """At a write to one of them, or a read behind such a write."""
        fail(TraceError, f"{self.why}, and one of them is written to: which one has changed is not known while gradjit "
                         f"compiles the function; copy the array when you assign it, as by x = y.copy()")


@dataclass
class Moved(Ties):
    """An array that a loop has passed on under changing names."""

    def check(self) -> None:
        self.refuse()

    def refuse(self) -> NoReturn:
        fail(TraceError, f"{self.why}; use the loop's variable, or copy the array before the loop")
