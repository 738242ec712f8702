"""Arrays that may be one another.

Behind `if c: y = a else: y = b` the name y stands for a or for b, which only a run can tell. All three have the right
elements until somebody writes. A write to a or b makes y unreadable. A write to y makes a and b so, where no other name
may stand for one of them as well; otherwise it is an error. What is unreadable says to copy.
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
    alone: bool = False
    """Whether no other variable may stand for one of the others in its turn."""
    loose: bool = False
    """Of a value that is being returned: nothing is written to on the way that returns it."""
    lost: bool = False
    """Whether one that this may be has been written to."""
    group: object = None
    """Variables of one group that are `alone` are different arrays, though they may be the same others."""

    def before_read(self) -> None:
        if self.lost or (not self.loose and any(h.version != version for h, version in self.others)):
            self.refuse()

    def before_write(self) -> None:
        if self.lost or not self.alone:
            self.refuse()
        for h, _ in self.others:
            lose(h, self.why)

    def fasten(self) -> None:
        """The value has been returned: from now on writes count."""
        self.others = [(h, h.version) for h, _ in self.others]
        self.loose = False

    def refuse(self) -> NoReturn:
        fail(TraceError, f"{self.why}, and one of them is written to: which one has changed is not known while gradjit "
                         f"compiles the function; copy the array when you assign it, as by x = y.copy()")


def lose(h: TracedArray, why: str) -> None:
    """The array may have changed, in a way that only a run can tell."""
    assert h.owner is not None
    h.owner.frame.before_loss(h)
    h.ties = Ties([], why, lost=True)


def may_overlap(a: TracedArray, b: TracedArray) -> bool:
    """Whether two roots may be one array."""
    if a is b:
        return True
    s, t = a.ties, b.ties
    if s is not None and t is not None and s.group is t.group is not None and s.alone and t.alone:
        return False
    return any(x is y for x in a.maybe() for y in b.maybe())
