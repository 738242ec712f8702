"""`for` and `while` as regions: the body is traced once, for all iterations.

    l = for_loop(site, iterable, (x, y), (A,))             l = while_loop(site, (x, y), (A,))
    while l.again():                                       while l.again():
        with l:                                                with l:
            (x,) = l.enter((x,))                                   (x,) = l.enter((x,))
            t = l.item()                                           if l.test(condition):
            body                                                       body
            l.leave((x, y))                                            l.leave((x, y))
    (x, y) = l.exit((x, y))                                (x, y) = l.exit((x, y))

`again` begins an attempt to trace the body as a region, or an iteration that runs as ordinary Python. An attempt that
fails is taken back (`Frame.abandon`); the next one knows more, or the iterations run one by one where their number is
known.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Any

import numpy as np

from ...errors import GradjitError, TraceError
from ...ir import Block, Loc, Value
from .. import structures, tables
from ..array import ARRAY, TracedArray
from ..locations import fail, here, with_place
from ..recorder import Recorder, recorders
from ..state import Kept
from .branches import raised_in_branch
from .frames import BRANCH, LOOP, Again, Frame, Retry
from .histories import Grows, Growth
from .loop_results import LoopResults
from .loop_variables import CarriedValue, Changes, Learned, LoopVariable, Mismatch, NotBound, RunAsPython
from .may_alias import refresh_all
from .names import Site, shown
from .states import numeric
from .taped import Taped

SHORT_NEST = 4
"""The same for loops with loops inside."""
NESTED = 16
"""How many iterations such loops may have together, one inside of the other."""
UNROLLED = 2000
"""The longest loop that is unrolled where it cannot be a region."""
ALL_UNROLLED = 20000
"""How many iterations are unrolled in one trace."""
ALL_AS_PYTHON = 4000
"""The same where a trace with loops as regions has failed for a number that was not known."""
ATTEMPTS = 40
"""How often a body is traced anew to learn what it carries."""
PEELED = 2
"""How many iterations run as ordinary Python before a region, where the first iterations have other types."""
FILLING = 32
"""The same, where a deque fills up."""
TENTATIVE = 16
"""Iterations of a `while` on known conditions before it is tried as a region."""
MUCH = 400
"""A quarter of them is enough where they have recorded so many operations."""


def signature(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """The types of what comes in: what was learned of a loop holds for these."""
    def of(x: Any) -> Any:
        h = numeric(x) if isinstance(x, (TracedArray, bool, int, float, complex, np.generic)) else None
        return type(x).__name__ if h is None else (h.kind, h.ir_dtype.name, h.ndim)
    return tuple(map(of, values))


def is_alive(x: Any) -> bool:
    """Whether what a place holds belongs to no attempt that was taken back."""
    return all(is_open(h) for h in structures.flatten(x)[0] if isinstance(h, TracedArray))


def is_open(h: TracedArray) -> bool:
    """Whether the handle is of use here: a name that is not live may hold one of a region that has ended."""
    return h.made is not None and h.made.open


class LoopStatement:
    """What `for` and `while` share: attempts, their ends, iterations as ordinary Python."""

    why_region: str
    """What keeps the loop from running as ordinary Python, where its first iterations did."""

    def __init__(self, site: Site, values: tuple[Any, ...], hints: tuple[Any, ...]):
        self.site, self.values = site, values
        self.hints = [h for h in hints if isinstance(h, TracedArray) and h.kind == ARRAY and is_open(h)]
        self.recorder: Recorder | None = recorders()[-1] if recorders() else None
        self.learned = Learned()
        if self.recorder is not None:
            key = (site, signature(values))
            self.learned = self.recorder.outermost.learned.setdefault(key, self.learned)
        self.loc: Loc | None = here()
        self.around = self.recorder.iterations_around if self.recorder is not None else 1
        """The iterations of unrolled loops around this one, multiplied."""
        self.as_region = False
        self.frame: Frame | None = None
        """Of the attempt that is under way."""
        self.trial: Frame | None = None
        self.variables: list[LoopVariable] = []
        self.histories: dict[int, Growth] = {}
        """Lists that it makes longer, by id."""
        self.tables: list[tables.Tabulate] = []
        """Lists that become tables before the next attempt."""
        self.tabulated: list[tables.Tabulate] = []
        """Those that have."""
        self.attempts = 0
        self.iteration = 0
        """How many iterations have run as ordinary Python."""
        self.peeling = 0
        self.done = False
        self.result: tuple[Any, ...] | None = None
        """What the names hold behind a region."""
        self.flag: str | None = None
        """The name that is false whenever the body of a region begins."""

    @property
    def word(self) -> str:
        """The loop as errors name it: one of a library's has no line of the user's."""
        is_users = self.loc is None or self.loc.line == self.site.line
        return f"the loop in line {self.site.line}" if is_users else "a loop of the library"

    # the protocol ---------------------------------------------------------------------------------------------------
    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> bool:
        if error is None:
            return False
        if self.recorder is not None:
            self.recorder.iterations_around = self.around
        frame, self.frame = self.frame, None
        if frame is None:
            return self.native_error(error)
        learned = isinstance(error, Retry) and error.frame is frame
        if learned:
            self.learned.carry.update({k: frame.known_reads[k] for k in frame.carry if k in frame.known_reads})
        inner = frame.recorder.frame.kind
        if isinstance(error, Grows) and not frame.is_fresh(error.owner):
            try:
                self.histories[id(error.owner)] = self.growth(error.owner, error.items, eager=True)
            except Mismatch as e:
                error = e
        elif isinstance(error, Grows):
            error = error.refused
        elif isinstance(error, tables.Tabulate):
            if tables.home_of(error.items)[1] is not frame:  # a loop around this one is told
                frame.abandon()
                return False
            self.tables.append(error)
        elif isinstance(error, NotBound) and not self.may_peel:
            self.learned.begins[error.key] = error.blank
            error = Again()
        elif isinstance(error, Changes) and not self.may_peel:
            self.learned.options[error.key] = error.options
            error = Again()
        frame.abandon()
        if learned or isinstance(error, Again):
            self.attempts += 1
            if self.attempts > ATTEMPTS:
                self.give_up(error.refused if isinstance(error, Grows) else TraceError(
                    "the types and lengths of its variables change from attempt to attempt; let each be of one type "
                    "and shape from the first iteration on"))
            return True
        if isinstance(error, RunAsPython):
            self.as_region = False
            return True
        if isinstance(error, Exception) and not isinstance(error, (RecursionError, Exhausted, Kept, structures.Unroll)):
            if inner == BRANCH and not isinstance(error, GradjitError):
                error = raised_in_branch(error)
            self.give_up(error)
            return True
        return False

    def native_error(self, error: BaseException) -> bool:
        """An iteration that ran as ordinary Python has raised; `Again` takes all iterations back, for the loop to be a
        region."""
        trial, self.trial = self.trial, None
        if not isinstance(error, Again) or trial is None:
            return False
        if trial.irreversible:
            fail(TraceError, f"{self.word} {self.why_region}, and cannot be compiled as a loop: "
                             f"{trial.irreversible}")
        trial.abandon()
        self.iteration, self.as_region = 0, True
        self.begin_again()
        return True

    def begin_again(self) -> None:
        """What else is to be set back when iterations are taken back."""

    def enter(self, values: tuple[Any, ...]) -> tuple[Any, ...]:
        """What the carried names hold at the beginning of an iteration."""
        if self.frame is None:
            return values
        frame, learned = self.frame, self.learned
        learned.places = [p for p in learned.places if is_alive(p.get())]
        for p in learned.places:
            frame.before_change(p.owner)
        site = self.site
        names = zip(site.names[:site.carried], self.values, strict=False)
        self.variables = [LoopVariable(n, shown(n), v, n in site.rebound, frame, learned) for n, v in names]
        self.variables += [LoopVariable((id(p.owner), p.key), p.name, p.get(), True, frame, learned)
                           for p in learned.places]
        for p, v in zip(learned.places, self.variables[site.carried:], strict=True):
            p.set(v.inside)
        for g in self.histories.values():
            g.enter(frame, self.iteration_number())
        return tuple(False if v.key == self.flag else v.inside for v in self.variables[:site.carried])

    def exit(self, values: tuple[Any, ...]) -> tuple[Any, ...]:
        """What the names hold behind the loop."""
        if self.recorder is not None:
            self.recorder.iterations_around = self.around
        if self.trial is not None:
            self.trial.commit()
            self.trial = None
        return values if self.result is None else self.result

    def iteration_number(self) -> Any:
        """How many turns a region has had before this one; of no use where items are counted."""
        return 0

    def trip_count_at_most(self) -> Any:
        """How many turns a region has at most: an int or a form; None where that is not known."""
        return None

    def growth(self, owner: list[Any], items: list[Any], eager: bool) -> Growth:
        """A list that grows by these items in an iteration."""
        return Taped.of(owner, items, eager)

    # attempts -------------------------------------------------------------------------------------------------------
    def begin(self, *params: Value) -> Frame:
        """Open the frame of an attempt."""
        r = self.recorder
        assert r is not None
        refresh_all(r)
        while self.tables:
            self.tabulated.append(self.tables.pop())
            self.tabulated[-1].carry_out()
        for g in self.histories.values():
            while True:
                try:
                    g.open(self)
                    break
                except Again:
                    continue
        self.frame = frame = r.frame = Frame(LOOP, r, r.frame, self.loc)
        frame.names = self.site.names
        frame.carry.update(self.learned.carry)
        frame.carry.update(id(h.root) for h in self.hints)
        return frame

    def give_up(self, error: Exception) -> None:
        """The loop is no region. What is done instead; or raise the error."""
        raise NotImplementedError

    def take_back(self) -> None:
        """What was done before attempts for them alone."""
        while self.tabulated:
            self.tabulated.pop().take_back()

    def finish(self, values: tuple[Any, ...]) -> None:
        """The body has been traced: make the operation."""
        assert self.recorder is not None
        LoopResults(self, values).run()
        self.done = True
        self.recorder.outermost.loops[self.loc] = ""

    def own(self, frame: Frame) -> tuple[Value, ...]:
        """Parameters of the body before those of the carried values."""
        return ()

    def operation(self, block: Block, slots: list[CarriedValue], inits: list[Value]) -> Sequence[Value]:
        """Append the loop to what is now the innermost region; its results for the slots."""
        raise NotImplementedError

    def last(self, h: TracedArray) -> int | None:
        """What a value computed in the body is after the last iteration, where that is known: the index of a `for`."""
        return None

    @property
    def may_be_empty(self) -> bool:
        """Whether there may be no iteration at all."""
        return True

    def is_empty(self, recorder: Recorder) -> Value:
        """Whether there has been no iteration; asked for behind the loop."""
        raise NotImplementedError

    def check(self) -> None:
        """At the end of the body: Mismatch where it is no loop."""

    @property
    def may_peel(self) -> bool:
        """Whether its first iterations may run as ordinary Python."""
        return False

    @property
    def is_short(self) -> bool:
        """Whether a body that depends on nothing traced may run as ordinary Python."""
        return False


class Exhausted(TraceError):
    """Unrolling has come to its end; to unroll another loop does not help."""


def count_unrolled(recorder: Recorder, loop: LoopStatement) -> None:
    """One more iteration that runs as ordinary Python for want of a region."""
    r = recorder.outermost
    r.unrolled += 1
    limit = ALL_AS_PYTHON if r.as_python else ALL_UNROLLED
    if r.unrolled > limit:
        what = f"unrolling loops, as that in line {loop.site.line}, has come to {limit} iterations"
        reason = explained(loop.learned.failed or TraceError(""), what, loop.loc)
        raise Exhausted(str(reason))


def explained(error: BaseException, what: str, loc: Loc | None) -> TraceError:
    """The error of an attempt, as the reason why a loop cannot be compiled."""
    kind = type(error) if isinstance(error, TraceError) and not isinstance(error, Mismatch) else TraceError
    said = str(error) if isinstance(error, GradjitError) else f"{type(error).__name__}: {error}"
    return kind(with_place(f"{what}: {said}", loc))
