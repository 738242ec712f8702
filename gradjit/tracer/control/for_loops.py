"""`for`: over ranges, rows of arrays and the like as a region, over other iterables as ordinary Python."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

from ...errors import TraceError
from ...ir import Block, Builder, Op, Value
from ...ir.types import INDEX
from .. import extents, patience
from ..array import PYTHON, TracedArray, root
from ..grown import Unlike, expanded, is_grown
from ..locations import fail, with_place
from ..outside import outside
from ..recorder import Recorder
from ..special_methods import iterated, unwrapped
from .branches import truth
from .frames import TRIAL, Again, Frame
from .histories import MOST_ITERATIONS, Growth
from .iterables import SHORT, Checkpointed, IndexedIterable, Taking, go_back, indexed_iterable, is_endless, positions
from .loop_regions import FILLING, NESTED, PEELED, SHORT_NEST, UNROLLED, LoopStatement, count_unrolled, explained
from .loop_variables import CarriedValue, Fills, Mismatch
from .names import Site
from .taped import Taped


class ForStatement(LoopStatement):
    """The protocol of one `for`."""

    why_region = "ends by a break on a traced condition"

    def __init__(self, site: Site, iterable: Any, values: tuple[Any, ...], hints: tuple[Any, ...]):
        super().__init__(site, values, hints)
        iterable = unwrapped(iterable) if self.recorder is not None else iterable
        iterable = iterable if is_grown(iterable) else iterated(iterable)
        self.indexed: IndexedIterable | None = indexed_iterable(iterable) if self.recorder is not None else None
        self.static = self.indexed.static if self.indexed is not None else None
        self.iterator: Iterator[Any] | None = None
        self.iterable = iterable
        self.flag = None if site.stop is None else site.names[site.stop]
        self.current: Any = None
        self.mismatch: Mismatch | None = None
        """Why the first iterations run as ordinary Python."""
        self.is_plain = False
        """Whether it is no region, and too long to be written out."""
        self.recorded = patience.recorded()
        """How many operations there were, those of attempts among them, when iterations began to run as Python."""
        self.before = 0
        """How many operations there were before the first iteration."""
        self.index: Value | None = None
        self.interval: tuple[Value, Value] | None = None
        """Where a region begins and ends."""
        self.positions = positions(iterable if isinstance(iterable, Taking) and iterable.is_plain else self.indexed)
        """Where the iterators stand that it runs over."""
        self.take_from_own()
        if self.indexed is not None and not self.is_unrolled():
            self.as_region = self.learned.failed is None or self.static is None
        if self.recorder is not None:
            if not self.as_region and self.static and not is_endless(self.indexed):
                self.recorder.iterations_around *= self.static
        if self.may_iterate and self.static:
            r = self.recorder
            assert r is not None
            self.trial = r.frame = Frame(TRIAL, r, r.frame, self.loc)
            self.trial.names = self.site.names

    def is_unrolled(self) -> bool:
        """Whether the loop is so short, with the unrolled loops around it, that it runs as ordinary Python."""
        assert self.recorder is not None
        if isinstance(self.indexed, Checkpointed):
            return False
        n = self.static
        if n is None:
            return False
        if is_endless(self.indexed):
            return True
        if n <= UNROLLED and (self.recorder.outermost.as_python or self.loc in self.recorder.outermost.unrolled_at):
            return True
        short = SHORT_NEST if self.site.is_nest else SHORT
        return n <= 1 or (n <= short and n * self.recorder.iterations_around <= NESTED)

    @property
    def may_iterate(self) -> bool:
        """Whether iterations that run as ordinary Python may show that it must be a region."""
        return (not self.as_region and self.indexed is not None and self.site.stop is not None
                and self.learned.failed is None)

    @property
    def remaining(self) -> int:
        return (self.static or 0) - self.iteration

    @property
    def may_be_empty(self) -> bool:
        return self.static is None or self.remaining < 1

    @property
    def is_short(self) -> bool:
        return self.static is not None and self.remaining <= UNROLLED

    def last(self, h: TracedArray) -> int | None:
        if self.static is None or self.flag is not None or h._content is not self.index:
            return None
        lo, _, step = self.bounds()
        return lo + (self.remaining - 1) * step if isinstance(lo, int) else None

    def take_from_own(self) -> None:
        """Iterators move on, which a region around the loop, in which they were not made, may not repeat."""
        if self.recorder is None:
            return
        world, frame = outside(self.recorder), self.recorder.frame
        if any(world.is_fresh(i) and not frame.is_fresh(i) for i, _ in self.positions):
            frame.refuse("a for statement runs over an iterator that was made outside")

    # iterations -------------------------------------------------------------------------------------------------------
    def again(self) -> bool:
        if self.done:
            return False
        if self.peeling:
            return self.native_iteration()
        if not self.as_region:
            return self.native_iteration()
        if self.static is not None and self.remaining < 1:
            return False
        assert self.indexed is not None
        try:
            self.indexed.prepare(self.iteration)
            frame = self.begin()
        except (Mismatch, Unlike) as e:
            self.give_up(e if isinstance(e, Mismatch) else Mismatch(str(e).partition("\n")[0]))
            return self.again()
        frame.runs_over = [iterator for iterator, _ in self.positions]
        frame.trip_count = None if self.static is None else self.remaining
        self.index = frame.parameter(INDEX, "i")
        extents.declare(self.index, *self.bounds())
        if self.flag is None:
            frame.turn = self.iteration_number
        return True

    def native_iteration(self) -> bool:
        if self.recorder is not None and (self.learned.failed is not None or self.recorder.outermost.as_python
                                          or self.loc in self.recorder.outermost.unrolled_at):
            if self.is_plain:
                self.check_plain()
            else:
                count_unrolled(self.recorder, self)
        if self.iterator is None:
            self.iterator = self.started()
        if self.iteration == 0 and self.recorder is not None:
            self.before = len(self.recorder.frame.block.ops)
        patience.look()
        try:
            self.current = next(self.iterator)
        except StopIteration:
            self.done = True
            return False
        return True

    def started(self) -> Iterator[Any]:
        """The iterator of iterations that run as ordinary Python. One that was there before goes on: in an attempt,
        which may be taken back or stand for many iterations, that is refused."""
        if is_grown(self.iterable):
            return iter(expanded(self.iterable, "a loop over the items"))
        iterator = iter(self.iterable)
        if iterator is self.iterable and self.recorder is not None and not isinstance(iterator, IndexedIterable):
            frame = self.recorder.frame
            if not frame.is_fresh(iterator):
                frame.refuse("a for statement runs over an iterator that was made outside")
        return iterator

    def item(self) -> Any:
        """What the target is bound to."""
        if self.frame is None:
            return self.current
        assert self.index is not None and self.indexed is not None
        return self.indexed.item(root(self.index, self.recorder, PYTHON))

    def bounds(self) -> tuple[Any, Any, int]:
        assert self.indexed is not None
        lo, hi, step = self.indexed.bounds
        return (lo + self.iteration * step if self.iteration else lo), hi, step

    def iteration_number(self) -> Any:
        lo, _, step = self.bounds()
        assert self.index is not None
        i = root(self.index, self.recorder, PYTHON)
        gone = i - lo if not isinstance(lo, int) or lo else i
        return gone if step == 1 else -gone if step == -1 else gone // step

    def trip_count_at_most(self) -> Any:
        if self.static is not None:
            return self.remaining
        assert self.indexed is not None
        return extents.form(self.indexed.count())

    def growth(self, owner: list[Any], items: list[Any], eager: bool) -> Growth:
        assert self.indexed is not None
        if any(x is owner for x in self.indexed.sources()):
            raise Mismatch("the list that it runs over is made longer in the body")
        eager = eager or self.flag is not None
        if self.static is not None and self.remaining > MOST_ITERATIONS:
            return Taped.of(owner, items, eager)
        return Growth.of(owner, items, eager)

    def leave(self, values: tuple[Any, ...]) -> None:
        if self.frame is not None:
            assert self.indexed is not None
            self.indexed.check(self.site.names, values)
            self.finish(values)
            if self.flag is None:
                self.indexed.spend()
            else:
                self.indexed.lose(f"{self.word} may have ended at any item")
            return
        self.iteration += 1
        self.values = values
        self.peeling = max(0, self.peeling - 1)
        if self.iteration == 1 and not self.as_region and self.is_much():
            self.as_region = True
        if self.site.stop is not None:
            stop = truth(values[self.site.stop])
            if isinstance(stop, bool):
                self.done = stop
            else:
                self.stopped()

    def is_much(self) -> bool:
        """Whether the first iteration of a short loop has recorded so much that the others are tried as a region."""
        r = self.recorder
        if r is None or self.indexed is None or self.static is None or self.remaining < 2 or self.site.stop is not None:
            return False
        if self.learned.failed is not None or r.outermost.as_python or self.loc in r.outermost.unrolled_at:
            return False
        return sum(map(operations, r.frame.block.ops[self.before:])) > MUCH_IN_ONE

    def stopped(self) -> None:
        """An iteration that ran as ordinary Python may have been the last: the loop must be a region."""
        failed = self.learned.failed or self.mismatch
        if self.trial is None or failed is not None:
            reason = f": {failed}" if failed else (
                f", and it does not run over a range or an array but over a {type(self.iterable).__name__}")
            fail(TraceError, f"{self.word} ends by a break (or return) on a traced condition, "
                             f"so that it must be compiled as a loop{reason}")
        raise Again

    def begin_again(self) -> None:
        self.iterator, self.values = None, self.first
        go_back(self.positions)

    def enter(self, values: tuple[Any, ...]) -> tuple[Any, ...]:
        if self.iteration == 0 and self.frame is None:
            self.first = self.values
        return super().enter(values) if self.frame is not None else self.values[:self.site.carried]

    def exit(self, values: tuple[Any, ...]) -> tuple[Any, ...]:
        found = super().exit(values)
        if self.result is None or self.site.stop is None or not is_endless(self.indexed):
            return found
        return *found[:self.site.stop], True, *found[self.site.stop + 1:]  # nothing else has ended it

    # regions --------------------------------------------------------------------------------------------------------
    @property
    def may_peel(self) -> bool:
        return self.static is not None and self.flag is None

    def give_up(self, error: Exception) -> None:
        self.take_back()
        if isinstance(error, Fills) and error.iterations <= min(FILLING, self.remaining) and self.static is not None:
            self.peeling, self.mismatch = error.iterations, error
            self.iterator = self.iterator or self.started()
            return
        if isinstance(error, Mismatch) and self.iteration < PEELED and self.static is not None and self.remaining > 1:
            self.peeling, self.mismatch = 1, error
            self.iterator = self.iterator or self.started()
            return
        self.learned.failed = error
        assert self.recorder is not None
        self.recorder.outermost.loops[self.loc] = str(error).partition("\n")[0]
        if self.static is not None and not isinstance(self.indexed, Checkpointed):
            self.as_region, self.is_plain, self.recorded = False, not self.is_short, patience.recorded()
            self.iterator = self.iterator or self.started()
            return
        self.refuse(error)

    def refuse(self, error: Exception) -> NoReturn:
        why = f"it has {self.static} iterations, too many to unroll" if self.static is not None else (
            "its number of iterations is not known while gradjit compiles the function")
        what = f"{self.word} cannot be compiled as a loop, and {why}"
        raise explained(error, what, self.loc) from error

    def check_plain(self) -> None:
        """Before an iteration of a loop that is too long to be written out: it may run if it computes nothing with
        traced values, but fills a dictionary, say."""
        assert self.learned.failed is not None
        if self.is_plain and patience.recorded() - self.recorded > PLAIN:
            self.refuse(self.learned.failed)

    def own(self, frame: Frame) -> tuple[Value, ...]:
        assert self.index is not None
        return (self.index,)

    def operation(self, block: Block, slots: list[CarriedValue], inits: list[Value]) -> Sequence[Value]:
        r = self.recorder
        assert r is not None
        begin, end, by = map(extents.form, self.bounds())
        lo, hi, step = map(extents.value, (extents.begin_of_range(begin, end, self.bounds()[2]), end, by))
        self.interval = lo, hi
        builder = r.builder
        builder.loc = self.loc
        flag = next((k for k, s in enumerate(slots) if s.is_stop), None)
        if flag is None:
            return builder.append("for", (lo, hi, step, *inits), self.snapshots(inits), (block,)).results
        if isinstance(self.indexed, Checkpointed):
            raise TraceError(with_place("gj.checkpoint: a loop with a break on a traced value cannot be reversed from "
                                        "snapshots", self.loc))
        return until(builder, block, (lo, hi, step), inits, flag, self.bounds()[2] > 0)

    def is_empty(self, recorder: Recorder) -> Value:
        assert self.interval is not None
        return (recorder.builder.ge if self.bounds()[2] > 0 else recorder.builder.le)(*self.interval)

    def snapshots(self, inits: list[Value]) -> dict[str, Any]:
        """What is said of them, if the loop is to be reversed from snapshots."""
        if not isinstance(self.indexed, Checkpointed):
            return {}
        return {"snapshots": self.indexed.snapshots([v.type for v in inits])}


MUCH_IN_ONE = 500
PLAIN = 64
"""So many operations a loop may record that is too long to be written out: before its first iterations are done it may
have begun with something traced."""


def operations(op: Op) -> int:
    """An operation and those within it."""
    return 1 + sum(operations(inner) for region in op.regions for inner in region.ops)


def until(builder: Builder, block: Block, bounds: tuple[Value, Value, Value], inits: list[Value], flag: int, up: bool
          ) -> Sequence[Value]:
    """A `for` that may stop early, as a `while` that carries the index: its results without that."""
    lo, hi, step = bounds
    index = block.params[0]
    cond = Block(tuple(p.type for p in block.params), tuple(p.name for p in block.params))
    b = Builder(cond, builder.loc)
    inside = b.lt(cond.params[0], hi) if up else b.gt(cond.params[0], hi)
    cond.results = (b.and_(inside, b.not_(cond.params[1 + flag])),)
    following = Builder(block, builder.loc).add(index, step)
    block.results = (following, *block.results)
    return builder.append("while", (lo, *inits), {}, (cond, block)).results[1:]
