"""`if` on a traced condition: both sides are traced, one after the other, and what they leave is merged.

    b = branch(site, test, (x, y))
    if b.then():
        with b: A; b.leave((x, y))
    if b.otherwise():
        (x, y) = b.initial
        with b: B; b.leave((x, y))
    (x, y) = b.exit((x, y))

A condition that is an ordinary value runs one side as ordinary Python. A side that ends by a `raise` leaves nothing
behind but that: the function goes on with what the other side leaves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any

import numpy as np

from ...errors import IRError, ShapeError, TraceError
from ...ir import ArrayType, Block, Value
from .. import extents, operands as o
from ..array import PYTHON, TracedArray, root
from ..grown import is_grown, length
from ..locations import here, raised_at, with_place
from ..perhaps import OneOf, Perhaps
from ..raising import catching, is_refusal, is_thrown, record
from ..recorder import Recorder, current, recorders
from .branch_results import Left, Merge, Side
from .frames import BRANCH, LOOP, TRIAL, Frame
from .names import Site
from .states import Undefined, is_any, is_there_and, note_side, presence


def truth(test: Any, decide: bool = True) -> Any:
    """The truth of a condition: a bool, or a traced one as a 0-d handle. One on open extents is decided, or else is a
    bool only where it is the same for all."""
    if type(test) is bool:
        return test
    if isinstance(test, Undefined):
        test.fail()
    if isinstance(test, Perhaps):
        return truth_of(test, decide)
    if isinstance(test, OneOf):
        test = is_any(test, bool)
    if is_grown(test):
        test = length(test) > 0
    if not isinstance(test, TracedArray) and recorders():
        from ..special_methods import truth_value
        test = truth_value(test)
    if not isinstance(test, TracedArray):
        return bool(test)
    if (known := test.known) is not None:
        return bool(known)
    if (found := extents.decided(test, decide)) is not None:
        return found
    if not o.is_single(test):
        return bool(test)  # the error that NumPy and the tracer have for it
    h = test if not test.ndim else o.emit("reshape", test, shape=())
    h = o.cast(h, np.bool_)
    return root(h.content, h.home, PYTHON)


def truth_of(x: Perhaps, decide: bool) -> Any:
    """None is false, and what is there as true as it is."""
    known = presence(x)
    if known is not None:
        return known and truth(x.value, decide)
    inner = truth(x.value, decide)
    if isinstance(inner, bool):
        return truth(x.is_there, decide) if inner else False
    return is_there_and(x, inner)


def raised_in_branch(error: BaseException) -> TraceError:
    """The error for an exception of the user's own on one side of a branch, which both are traced."""
    return TraceError(with_place(f"the program raises {type(error).__name__}: {error} under a condition on traced "
                                 f"values, which a compiled function cannot decide while it is traced; write np.where, "
                                 f"or assert (checked with check=True), or test the arguments outside",
                                 raised_at(error)))


FAILURES = (LookupError, ArithmeticError, ValueError)
"""What NumPy, Python and we raise for values that an operation does not take."""


def surely_fails(error: Exception, frame: Frame) -> bool:
    """Whether an operation on a side of a branch fails in each run that takes this side. In a loop that is a region it
    may have been tried on more than it will be given, and the loop is tried in another way."""
    if is_refusal(error) or isinstance(error, (ShapeError, IRError)):  # shapes that never fit are told at once
        return False
    around: Frame | None = frame
    while around is not None:
        if around.kind == LOOP:
            return False
        around = around.parent
    return isinstance(error, FAILURES)


class Branch:
    """The protocol of one `if`."""

    def __init__(self, site: Site, test: Any, values: tuple[Any, ...]):
        self.site = site
        self.test = truth(test)
        self.is_static = isinstance(self.test, bool)
        self.initial = values
        self.recorder: Recorder | None = None if self.is_static else current()
        self.sides: list[Side] = []
        self.frame: Frame | None = None
        self.raising: Frame | None = None
        """A side that ends by a `raise`, if one does."""
        self.raised: list[dict[Any, Any]] = []
        """By side what a `try` around catches of what is raised within."""
        self.aside: Any = None
        """The same where a `try` around catches what is raised (attempts.py)."""

    # the protocol ---------------------------------------------------------------------------------------------------
    def then(self) -> bool:
        return bool(self.test) if self.is_static else self.open(True)

    def otherwise(self) -> bool:
        return not self.test if self.is_static else self.open(False)

    def open(self, side: bool) -> bool:
        r = self.recorder
        assert r is not None
        facts = extents.facts_of(self.test, side)
        if self.aside is not None:
            self.aside.follow(r)
        elif self.raising is not None:  # the other side runs as what follows
            self.append(self.raising.block, Block())
            note_side(r.frame, self.test, side)
        else:
            self.frame = r.frame = Frame(BRANCH, r, r.frame, here())
            self.frame.names = self.site.names
            self.frame.changed_before = frozenset(key for s in self.sides for key in s.containers)
            note_side(self.frame, self.test, side)
        if r.integers is not None:
            r.integers.ranges.facts += facts
        return True

    def leave(self, values: tuple[Any, ...]) -> None:
        if self.frame is not None:
            assert self.recorder is not None
            surfaced: dict[Any, Any] = {}
            while self.recorder.frame is not self.frame and self.recorder.frame.follows is not None:
                values, surfaced = self.recorder.frame.follows.surface(values, surfaced)
            self.raised.append(surfaced)
            self.sides.append(Side(self.frame, (*values, *surfaced.values())))
            self.frame.close()
            self.frame = None

    def exit(self, values: tuple[Any, ...]) -> tuple[Any, ...]:
        """What the names hold behind."""
        if not self.sides:
            return values
        count = len(self.sides[0].names) - len(self.raised[0])
        raised = self.raised_on_any_side()
        out = Merge(self).run()
        if self.aside is not None:
            self.aside.follow(self.recorder)
        for way, what in zip(raised, out[count:], strict=True):
            way.raise_behind(what)
        return out[:count]

    def raised_on_any_side(self) -> list[Any]:
        """What a `try` around catches of what the sides raise: results of the branch, None on the other side."""
        ways = list(dict.fromkeys(way for surfaced in self.raised for way in surfaced))
        if ways:
            for side, surfaced in zip(self.sides, self.raised, strict=True):
                count = len(side.names) - len(surfaced)
                held = dict(zip(surfaced, side.names[count:], strict=True))
                side.names[count:] = [held.get(way) or Left.of(None) for way in ways]
            carried = self.site.names[:len(self.sides[0].names) - len(ways)]
            self.site = replace(self.site, names=(*carried, *("what is raised" for _ in ways)))
        return ways

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> bool:
        """A side has raised: where the program says so, the compiled function raises it when it takes that side."""
        frame, self.frame = self.frame, None
        if frame is None or not isinstance(error, Exception) or not (is_thrown(error) or surely_fails(error, frame)):
            return False
        r = self.recorder
        assert r is not None
        around = catching(error)
        while r.frame is not frame:  # iterations that ran as ordinary Python
            if around is not None and r.frame.follows is around:
                self.raises_anyway(frame, around, error)
                return True
            if r.frame.kind != TRIAL:
                return False
            r.frame.commit()
        if around is not None and around.takes(frame):
            self.aside = around.put_aside(frame, error, self.test, not self.sides)  # type: ignore[attr-defined]
            if self.sides:
                self.raising = r.frame = Frame(BRANCH, r, r.frame, here())  # nothing is done there before what follows
                self.raising.close()
            return True
        record(error)
        frame.restore()
        frame.close()
        self.raising = frame
        return True

    def raises_anyway(self, frame: Frame, around: Any, error: Exception) -> None:
        """A side has raised behind a branch within it of which a side was put aside: all ways through it end by what
        the `try` around catches."""
        r = self.recorder
        assert r is not None
        last = around.put_aside(r.frame, error, self.test, not self.sides)
        last.resume()
        nothing = tuple(Undefined(n, harmless=True) for n in self.site.names)
        surfaced = {last: last.what()}
        while r.frame is not frame:
            nothing, surfaced = around.surface(nothing, surfaced)
        self.raised.append(surfaced)
        self.sides.append(Side(frame, (*nothing, *surfaced.values())))
        frame.close()

    def append(self, then: Block, other: Block, types: Sequence[ArrayType] = ()) -> Sequence[Value]:
        assert self.recorder is not None
        builder = self.recorder.builder
        builder.loc = here()
        return builder.append("if", (self.test.value,), {}, (then, other), types).results
