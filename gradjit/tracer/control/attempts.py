"""`try` around what raises under traced conditions: the handler is one side of a branch, what follows the `raise` the
other.

    t = attempt(site, line, kinds, (x, y))
    while t.again():
        with t:
            (x, y) = t.enter((x, y))            try: A; if c: raise E; B         A
            try:                                except E: H             -->      if c { H } else { B; C }
                with t: t.begin(); body         else: C
            except E: t.unwind(mark); H
            else: C
            t.leave((x, y))
    (x, y) = t.exit((x, y))

The statement runs once for all that is not raised under a traced condition. A branch that ends by a `raise` which this
`try` catches is put aside, and what follows is traced as its other side, to the end of the statement. Then the
statement runs once more for each such branch, innermost first: the exception is raised at its beginning, with the names
as they were, and the handlers do what they do.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import FrameType, TracebackType
from typing import Any

from ...errors import Signal, TraceError
from .. import operands as o
from ..array import PYTHON, TracedArray, root
from ..locations import fail, here, raised_at, with_place
from ..raising import Trying, caught, is_thrown, record
from ..recorder import Recorder, recorders
from .branch_results import Merge, Side
from .branches import Branch
from .frames import BRANCH, ContentsBefore, Frame, Saved, items_of, refill
from .names import Site
from .states import Undefined, note_side

MOST = 16
"""So many branches are put aside at once: each stands inside of what follows the one before."""


class PutAside:
    """A side of a branch that has ended by a `raise`: what it has changed, to go on with later."""

    def __init__(self, attempt: TryStatement, frame: Frame, error: Exception, test: TracedArray, side: bool,
                 names: tuple[Any, ...]):
        self.frame, self.error, self.test, self.side, self.names = frame, error, test, side, names
        self.arrays = [Saved(s.handle) for s in frame.log.values()]
        self.contents = [(c.owner, items_of(c.owner)) for c in frame.containers.values()]
        self.attempt = attempt
        self.rest: Frame | None = None
        """Of what follows the branch, where nothing was raised."""
        frame.restore()
        frame.close()

    def follow(self, recorder: Recorder) -> None:
        """What follows begins."""
        self.rest = recorder.frame = Frame(BRANCH, recorder, recorder.frame, here())
        self.rest.names, self.rest.follows = self.frame.names, self.attempt
        note_side(self.rest, self.test, not self.side)
        self.attempt.aside.append(self)

    def what(self) -> tuple[Any, ...]:
        """What the handler needs to know, as a value."""
        return self.names, self.error.args, dict(self.error.__dict__)

    def raise_behind(self, what: Any) -> None:
        """The same behind a branch that the exception has come out of. what: as `what`, or None."""
        if what is None:
            return
        r = self.attempt.recorder
        assert r is not None
        frame = r.frame = Frame(BRANCH, r, r.frame, here())
        frame.names = self.frame.names
        names, self.error.args, attributes = what.value
        self.error.__dict__.update(attributes)
        PutAside(self.attempt, frame, self.error, what.is_there, True, names).follow(r)

    def resume(self) -> None:
        """The side goes on where it has ended."""
        frame = self.frame
        frame.log = {id(s.handle): Saved(s.handle) for s in self.arrays}
        frame.containers = {id(owner): ContentsBefore(owner) for owner, _ in self.contents}
        frame.open, frame.follows, frame.recorder.frame = True, self.attempt, frame
        for s in self.arrays:
            s.restore()
        for owner, items in self.contents:
            refill(owner, items)


def negated(test: TracedArray) -> TracedArray:
    found = o.emit("not", test)
    return root(found.content, found.home, PYTHON)


class TryStatement(Trying):
    """The protocol of one `try` with handlers."""

    def __init__(self, site: Site, line: int, kinds: Sequence[Callable[[], Any] | None], values: tuple[Any, ...]):
        super().__init__(line, kinds)
        self.site, self.values = site, values
        self.recorder: Recorder | None = recorders()[-1] if recorders() else None
        self.level = self.recorder.frame if self.recorder is not None else None
        """The region in which a branch must stand that is put aside."""
        self.aside: list[PutAside] = []
        self.resumed: PutAside | None = None
        self.left: Side | None = None
        """The other side of the branch that is resumed; None where it has raised what nobody here catches."""
        self.dead: Frame | None = None
        self.done = False
        self.caller: FrameType | None = None

    # the protocol ---------------------------------------------------------------------------------------------------
    def again(self) -> bool:
        return not self.done

    def enter(self, values: tuple[Any, ...]) -> tuple[Any, ...]:
        """What the names hold at the beginning, or where the exception was raised."""
        if self.resumed is not None:
            return self.resumed.names
        self.caller = sys._getframe(1)  # of the user's function: it knows what its names hold wherever this is raised
        return values

    def begin(self) -> None:
        if self.resumed is not None:
            raise self.resumed.error

    def leave(self, values: tuple[Any, ...]) -> None:
        """The statement has run to its end."""
        self.values = values
        if self.resumed is not None:
            assert self.recorder is not None
            self.join(Side(self.recorder.frame, values))
        self.next()

    def next(self) -> None:
        """What was put aside last goes on."""
        if not self.aside:
            self.done, self.caller = True, None
            return
        assert self.recorder is not None
        self.resumed = self.aside.pop()
        rest = self.resumed.rest
        assert rest is not None and self.recorder.frame is rest
        self.left = Side(rest, self.values) if self.dead is not rest else None
        rest.close()
        self.resumed.resume()

    def join(self, side: Side | None) -> None:
        """The branch: what follows where nothing is raised on the one side, the handler on the other. None: it raises,
        too."""
        resumed, r = self.resumed, self.recorder
        assert resumed is not None and r is not None
        self.resumed = None
        frame, rest = resumed.frame, resumed.rest
        assert rest is not None
        frame.close()
        if side is None and self.left is None:
            fail(TraceError, f"the try in line {self.line} raises an exception whichever way it takes")
        first = side or self.left
        assert first is not None
        is_raised = side is not None
        branch = Branch(self.site, resumed.test if is_raised == resumed.side else negated(resumed.test), self.values)
        branch.sides = [first] if side is None or self.left is None else [side, self.left]
        branch.raising = frame if side is None else rest if self.left is None else None
        self.values = Merge(branch).run()
        self.dead = None

    def exit(self, values: tuple[Any, ...]) -> tuple[Any, ...]:
        return self.values if self.recorder is not None else values

    def __enter__(self) -> None:
        """Of the body alone: it is what handlers are for."""
        super().__enter__()

    # exceptions -----------------------------------------------------------------------------------------------------
    def takes(self, frame: Frame) -> bool:
        """Whether a side of a branch that has ended by a `raise` can be put aside: it stands in no other region, and
        nothing between would have to be done before the handler."""
        r = self.recorder
        assert r is not None
        around = r.outermost.trying
        between = around[around.index(self) + 1:]
        around_it = frame.parent
        while around_it is not None and around_it is not self.innermost and around_it.kind == BRANCH and (
                around_it.follows is None):
            around_it = around_it.parent
        return (recorders()[-1] is r and around_it is self.innermost and self.resumed is None
                and len(self.aside) < MOST and not frame.alias_writes and not any(t.acts for t in between))

    @property
    def innermost(self) -> Frame | None:
        """The region that the statement has come to."""
        if self.resumed is not None:
            return self.resumed.frame
        return self.aside[-1].rest if self.aside else self.level

    def put_aside(self, frame: Frame, e: Exception, test: TracedArray, side: bool) -> PutAside:
        assert self.caller is not None
        held = self.caller.f_locals
        return PutAside(self, frame, e, test, side, tuple(held[n] for n in self.site.names))

    def surface(self, values: tuple[Any, ...], raised: dict[Any, Any]) -> tuple[tuple[Any, ...], dict[Any, Any]]:
        """A side of a branch ends in which something was put aside: what was raised comes out as one more result.
        values: what names hold where nothing was; raised: what has come out before."""
        way, r = self.aside.pop(), self.recorder
        assert r is not None and way.rest is not None
        rest = Side(way.rest, (*values, *raised.values(), None))
        way.rest.close()
        way.resume()
        nothing = [v if isinstance(v, Undefined) else Undefined("it", harmless=True) for v in values]
        side = Side(way.frame, (*nothing, *(None for _ in raised), way.what()))
        way.frame.close()
        names = (*map(str, range(len(values))), *("what is raised" for _ in range(len(raised) + 1)))
        branch = Branch(replace(self.site, names=names), way.test if way.side else negated(way.test), ())
        branch.sides = [side, rest]
        out = Merge(branch).run()
        return out[:len(values)], dict(zip((*raised, way), out[len(values):], strict=True))

    def unwind(self) -> None:
        """A handler has caught something: as `Control.unwind`, but for what was put aside here."""
        error = sys.exc_info()[1]
        if isinstance(error, Signal):
            raise error
        if self.recorder is None or error is None or not recorders():
            return
        r = recorders()[-1]
        level = self.innermost
        assert level is not None
        if self.came_through_branch(r.frame):
            r.outermost.unanswered = r.outermost.unanswered or (
                error if isinstance(error, TraceError) else self.behind_branch(error))
        else:
            caught(error)
        unanswered = r.outermost.unanswered
        while r.frame.depth > level.depth:
            r.frame.abandon()
        r.outermost.unanswered = unanswered

    def came_through_branch(self, frame: Frame | None) -> bool:
        """Whether what was raised in a frame has left a region on its way, which is now without an end: a branch on a
        traced condition, also one that ends by an early return, so that what follows stands in it."""
        while frame is not None and frame is not self.level:
            if frame.follows is not self and frame is not (self.resumed.frame if self.resumed is not None else None):
                return True
            frame = frame.parent
        return False

    def behind_branch(self, error: BaseException) -> TraceError:
        """The error for an exception of Python's own that only some runs come to, and the statement would catch."""
        return TraceError(with_place(
            f"the program raises {type(error).__name__}: {error} under a condition on traced values, or behind a "
            f"return or break under one, and {self.name}, which a compiled function cannot do; test for it before (as "
            f"by `key in d`, isinstance or len), or write a try of its own around the line alone", raised_at(error)))

    @property
    def statement(self) -> Statement:
        return Statement(self)


class Statement:
    """The whole statement under `with`: what it raises that its handlers do not catch."""

    def __init__(self, attempt: TryStatement):
        self.attempt = attempt

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, e: BaseException | None, _: TracebackType | None) -> bool:
        """Where it was raised in a region of the statement's own, the compiled function raises it there."""
        a = self.attempt
        if e is None or a.recorder is None or not isinstance(e, Exception) or not is_thrown(e):
            return False
        frame = a.innermost
        if frame is None or frame is a.level or a.recorder.frame is not frame:
            return False
        record(e)
        frame.restore()
        if a.resumed is not None:
            a.join(None)
        else:
            a.dead = frame
        a.next()
        return True
