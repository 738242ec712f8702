"""What can become of a random program: right, refused by design, too rough to be compared in full, or a finding."""

from __future__ import annotations

import re
import signal
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradjit as gj

SECONDS = 60
"""More than any step of any program takes, by far."""

REFUSED = (
    r"the program raises \w+: .* under a condition on traced values",  # Python's error, in a branch that no run takes
    r"is assigned in the loop that makes it longer|are assigned, or read all at once, in the loop that appends to it",
    r"object does not support item assignment",  # Python's error in a loop of a branch that no run takes
    r"returns an array, .* and a gradient is of one number",  # a number that a program has added an array to
    r"give it the same type in both|or let both be as long|choose a number, as an index",
    r"copy the array when you (assign it|put it into)|bind a copy",  # two names of one array, perhaps, and a write
    r"Cannot cast np\.\w+ output",  # NumPy's own error, in a branch that a run does not take
    r"whose equality does not follow",  # extents that are equal by the data only
    r"view or a copy",  # a write into what NumPy makes a view of or a copy, by the layout
    r"is not supported",  # a function, method or keyword of NumPy's that gradjit does not have
    r"a shape that depends on its elements",
    r"write \.copy\(\) first",  # into repeated or read-only elements
    r"a list grows or shrinks with each iteration|other than by append|an item is taken out of|gets (all )?items of|"
    r"grows in a loop within, whose number of iterations is not known",
    # lists that more is done to than append items of one kind, in a loop of unknown length
    r"(grows, shrinks or )?gets other (keys|members)( \(.*\))? under a condition|is changed that may have another name",
    r"is changed in place in the body, and bound anew",
    r"changes from an? [\w ]+ to an? [\w ]+, which hold other things|changes from \w+\[[\d,]*\] \(an array\) to \w+\[",
    r"does not run over a range or an array but over a list",  # and ends by a break on a traced condition
    r"write what the handler does into the branch",  # it would catch what is raised at run time
)
"""What is refused by design: patterns of the messages. Such programs count apart."""

ANY = re.compile(r"<program \w+>|\b[a-z]\d+\b|\d+(\.\d+)?(e[-+]\d+)?|'[^']*'|\b[a-z_]+\d*\b(?=\[| =)")
"""What differs between failures that are alike."""

Signature = tuple[str, str, str]


@dataclass(frozen=True)
class Failure:
    """What went wrong with a program: at which step, and how."""

    step: str
    kind: str
    """The class of the exception."""
    message: str

    @property
    def signature(self) -> Signature:
        """Alike for programs that fail alike: names, numbers and what follows the first line are left out."""
        lines = self.message.strip().splitlines() or [""]
        return self.step, self.kind, ANY.sub("_", lines[0])[:300]

    def __str__(self) -> str:
        return f"{self.step}: {self.kind}: {self.message}"


class Refused(Exception):
    """The program is one of those that are refused by design; the reason."""

    @property
    def reason(self) -> str:
        """Alike for programs that are refused alike."""
        return ANY.sub("_", str(self).splitlines()[0])[:200]


class Rough(Exception):
    """Finite differences of two widths disagree: a kink or a jump within reach. All else has been compared."""


class Endless(BaseException):
    """The program took too long. No handler of exceptions on the way is meant to catch it."""


def attempt(name: str, step: Callable[[], None]) -> Failure | None:
    """How a step fails, if it does: whatever comes is a finding. Raises Refused, Rough and KeyboardInterrupt."""
    try:
        with limited(SECONDS):
            step()
    except (Refused, Rough, KeyboardInterrupt):
        raise
    except BaseException as e:
        if isinstance(e, gj.GradjitError) and any(re.search(r, str(e)) for r in REFUSED):
            raise Refused(str(e)) from e
        return Failure(name, type(e).__name__, str(e) or place_of(e))
    return None


def outcome_of(check: Callable[[], Failure | None]) -> Failure | Refused | Rough | None:
    """What a check finds, or what it could not compare."""
    try:
        return check()
    except (Refused, Rough) as e:
        return e


def place_of(e: BaseException) -> str:
    """Where an exception without a text was raised."""
    frame = traceback.extract_tb(e.__traceback__)[-1]
    return f"{Path(frame.filename).name}, {frame.name}: {frame.line}"


@contextmanager
def limited(seconds: int) -> Iterator[None]:
    """Raise Endless in what takes longer, by the time that this process has had of a core."""
    def over(*_: Any) -> None:
        raise Endless(f"more than {seconds} s")

    before = signal.signal(signal.SIGVTALRM, over)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds, 1.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
