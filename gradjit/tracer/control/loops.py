"""`for` and `while` as regions: the body is traced once, for all turns.

    l = for_loop(site, iterable, (x, y), (A,))             l = while_loop(site, (x, y), (A,))
    while l.again():                                       while l.again():
        with l:                                                with l:
            (x,) = l.enter((x,))                                   (x,) = l.enter((x,))
            t = l.item()                                           if l.test(condition):
            body                                                       body
            l.leave((x, y))                                            l.leave((x, y))
    (x, y) = l.exit((x, y))                                (x, y) = l.exit((x, y))

`again` begins an attempt to trace the body as a region, or a turn that runs as ordinary Python. An attempt that fails is
taken back (`Frame.abandon`); the next one knows more, or the turns run one by one where their number is known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Any

import numpy as np

from ...errors import GradjitError, TraceError
from ...ir import Block, Builder, Loc, Value, captures
from ...ir.core import Op
from ...ir.rewrite import Env, copy_op, new_block
from ...ir.types import BOOL, INDEX, ArrayType
from .. import extents, trees
from ..array import ARRAY, PYTHON, TracedArray, root
from ..locations import fail, here, with_place
from ..recorder import Recorder, recorders
from .checkpoints import Checkpointed
from .branches import has_effect, raised_in_branch, truth
from .carried import Again, Learned, Leaf, Mismatch, Slot, Variable
from .frames import BRANCH, LOOP, TRIAL, Frame, Retry, substitute
from .names import VALUE, Site, shown
from .places import Place
from .states import Spec, Undefined, described, numeric, spec_of
from .ties import Ties, lose, may_overlap
from .turns import Turns, turns

SHORT = 8
"""Loops of at most so many turns run as ordinary Python."""
NESTED = 16
"""How many turns such loops may have together, one inside of the other."""
UNROLLED = 2000
"""The longest loop that is unrolled where it cannot be a region."""
ALL_UNROLLED = 20000
"""How many turns are unrolled in one trace."""
ALL_AS_PYTHON = 4000
"""The same where a trace with loops as regions has failed for a number that was not known."""
ATTEMPTS = 40
"""How often a body is traced anew to learn what it carries."""
PEELED = 2
"""How many turns run as ordinary Python before a region, where the first turns have other types."""
TENTATIVE = 16
"""Turns of a `while` on known conditions before it is tried as a region."""


FALSE = np.asarray(False)


def signature(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """The types of what comes in: what was learned of a loop holds for these."""
    def of(x: Any) -> Any:
        h = numeric(x) if isinstance(x, (TracedArray, bool, int, float, complex, np.generic)) else None
        return type(x).__name__ if h is None else (h.kind, h.ir_dtype.name, h.ndim)
    return tuple(map(of, values))


def is_open(h: TracedArray) -> bool:
    """Whether the handle is of use here: a name that is not live may hold one of a region that has ended."""
    return h.made is not None and h.made.open


class Loop:
    """What `for` and `while` share: attempts, their ends, turns as ordinary Python."""

    def __init__(self, site: Site, values: tuple[Any, ...], hints: tuple[Any, ...]):
        self.site, self.values = site, values
        self.hints = [h for h in hints if isinstance(h, TracedArray) and h.kind == ARRAY and is_open(h)]
        self.recorder: Recorder | None = recorders()[-1] if recorders() else None
        self.learned = Learned()
        if self.recorder is not None:
            key = (site, signature(values))
            self.learned = self.recorder.outermost.learned.setdefault(key, self.learned)
        self.loc: Loc | None = here()
        self.around = self.recorder.turns if self.recorder is not None else 1
        """The turns of unrolled loops around this one, multiplied."""
        self.as_region = False
        self.frame: Frame | None = None
        """Of the attempt that is under way."""
        self.trial: Frame | None = None
        self.variables: list[Variable] = []
        self.attempts = 0
        self.turn = 0
        """How many turns have run as ordinary Python."""
        self.peeling = 0
        self.done = False
        self.result: tuple[Any, ...] | None = None
        """What the names hold behind a region."""
        self.flag: str | None = None
        """The name that is false whenever the body of a region begins."""

    # the protocol ---------------------------------------------------------------------------------------------------
    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> bool:
        if error is None:
            return False
        if self.recorder is not None:
            self.recorder.turns = self.around
        frame, self.frame = self.frame, None
        if frame is None:
            return self.native_error(error)
        learned = isinstance(error, Retry) and error.frame is frame
        if learned:
            self.learned.carry.update({k: frame.known_reads[k] for k in frame.carry if k in frame.known_reads})
        inner = frame.recorder.frame.kind
        frame.abandon()
        if learned or isinstance(error, Again):
            self.attempts += 1
            if self.attempts > ATTEMPTS:
                self.give_up(TraceError("the types of its variables do not settle"))
            return True
        if isinstance(error, AsPython):
            self.as_region = False
            return True
        if isinstance(error, Exception):
            if inner == BRANCH and not isinstance(error, GradjitError):
                error = raised_in_branch(error)
            self.give_up(error)
            return True
        return False

    def native_error(self, error: BaseException) -> bool:
        """A turn that ran as ordinary Python has raised."""
        if self.trial is not None:
            self.trial = None
        return False

    def enter(self, values: tuple[Any, ...]) -> tuple[Any, ...]:
        """What the carried names hold at the beginning of a turn."""
        if self.frame is None:
            return values
        frame, learned = self.frame, self.learned
        for p in learned.places:
            frame.before_change(p.owner)
        site = self.site
        given: list[Any] = [(n, shown(n), v, n in site.rebound) for n, v in
                            zip(site.names[:site.carried], self.values, strict=False)]
        given += [((id(p.owner), p.key), p.name, p.get(), True) for p in learned.places]
        self.variables = [Variable(*g, frame, learned) for g in given]
        for p, v in zip(learned.places, self.variables[site.carried:], strict=True):
            p.set(v.inside)
        return tuple(False if v.key == self.flag else v.inside for v in self.variables[:site.carried])

    def exit(self, values: tuple[Any, ...]) -> tuple[Any, ...]:
        """What the names hold behind the loop."""
        if self.recorder is not None:
            self.recorder.turns = self.around
        if self.trial is not None:
            self.trial.commit()
            self.trial = None
        return values if self.result is None else self.result

    # attempts -------------------------------------------------------------------------------------------------------
    def begin(self, *params: Value) -> Frame:
        """Open the frame of an attempt."""
        r = self.recorder
        assert r is not None
        self.frame = frame = r.frame = Frame(LOOP, r, r.frame, self.loc)
        frame.carry.update(self.learned.carry)
        frame.carry.update(id(h.root) for h in self.hints if h.root.is_known)
        return frame

    def give_up(self, error: Exception) -> None:
        """The loop is no region. What is done instead; or raise the error."""
        raise NotImplementedError

    def finish(self, values: tuple[Any, ...]) -> None:
        """The body has been traced: make the operation."""
        assert self.recorder is not None
        Finish(self, values).run()
        self.done = True
        self.recorder.outermost.loops[self.loc] = ""

    def own(self, frame: Frame) -> tuple[Value, ...]:
        """Parameters of the body before those of the carried values."""
        return ()

    def operation(self, block: Block, slots: list[Slot], inits: list[Value]) -> Sequence[Value]:
        """Append the loop to what is now the innermost region; its results for the slots."""
        raise NotImplementedError

    @property
    def may_be_empty(self) -> bool:
        """Whether there may be no turn at all."""
        return True

    @property
    def is_short(self) -> bool:
        """Whether a body that depends on nothing traced may run as ordinary Python."""
        return False


class AsPython(Exception):
    """The body depends on nothing traced, and its turns are few: what it computes is better known."""


class Finish:
    """The end of an attempt: what is carried, the operation, what names and arrays hold behind."""

    def __init__(self, loop: Loop, values: tuple[Any, ...]):
        assert loop.frame is not None
        self.loop, self.frame, self.values = loop, loop.frame, values
        self.recorder = self.frame.recorder
        self.slots: list[Slot] = []
        self.replaced: dict[Value, Callable[[], Value]] = {}
        """Parameters that do not change, with the outer value."""
        self.results: dict[Value, Value] = {}
        self.ends: list[tuple[str, TracedArray]] = []
        """Arrays that variables are bound to at the end of the body."""

    def run(self) -> None:
        loop, frame = self.loop, self.frame
        count = loop.site.carried
        after: list[Callable[[], Any]] = []
        for variable, x in zip(loop.variables[:count], self.values, strict=False):
            if variable.key == loop.flag:
                after.append(self.stop(x))
            elif isinstance(variable.given, Undefined):
                after.append(self.out(variable.key, variable.given, x))
            else:
                after.append(self.variable(variable, x))
        for name, given, x in zip(loop.site.names[count:], loop.values[count:], self.values[count:], strict=True):
            after.append(self.out(name, given, x))
        places = [(p, self.variable(v, p.get())) for p, v in zip(loop.learned.places, loop.variables[count:], strict=True)]
        self.containers()
        ties = self.aliases()
        self.arrays()
        if loop.is_short and self.is_constant():
            raise AsPython
        frame.restore()
        frame.close()
        loop.frame = None
        inits = [s.init() for s in self.slots]
        env = {p: outer() for p, outer in self.replaced.items()}
        frame.block.params = (*loop.own(frame), *(s.param for s in self.slots))
        for k, p in enumerate(frame.block.params):
            p.index = k
        frame.block.results = tuple(s.final for s in self.slots)
        substitute(frame.block, env)
        for s, r in zip(self.slots, loop.operation(frame.block, self.slots, inits), strict=True):
            s.sink(r)
        for p, make in places:
            self.recorder.frame.before_change(p.owner)
            p.set(make())
        loop.result = tuple(make() for make in after)
        for tie in ties:
            tie(loop.result)

    def is_constant(self) -> bool:
        """Whether the loop computes Python's numbers from nothing that is traced."""
        leaves = [leaf for v in self.loop.variables for leaf in v.leaves if leaf.handle is not None]
        if self.frame.imports or any(leaf.handle.kind == ARRAY or not leaf.handle.is_known for leaf in leaves):
            return False
        outer = captures(Op("for", (), {}, (), (self.frame.block,)))
        return all(v.op is not None and v.op.name == "const" for v in outer) and not has_effect(self.frame.block)

    # variables ------------------------------------------------------------------------------------------------------
    def variable(self, variable: Variable, x: Any) -> Callable[[], Any]:
        """Carry a variable; tells what it holds behind."""
        ends = variable.finish(x)
        cells: list[Any] = []
        for k, (leaf, final) in enumerate(ends):
            cells.append(leaf.given)
            if leaf.param is None:
                continue
            if final is None:
                self.replaced[leaf.param] = leaf.init
                continue
            self.carry(leaf.param, leaf.init, final, cells, k, leaf.spec)
        for leaf, y in zip(variable.leaves, [x] if isinstance(x, TracedArray) else trees.flatten(x)[0], strict=False):
            if leaf.param is not None and isinstance(y, TracedArray) and y.kind == ARRAY:
                self.ends.append((variable.name, y))
        return lambda: self.rebuilt(variable.behind(x, cells))

    def stop(self, x: Any) -> Callable[[], Any]:
        """The flag that ends a `for`: false whenever the body begins."""
        t = truth(x)
        if isinstance(t, bool):
            if not t:
                return lambda: False
            if not self.loop.may_be_empty:
                raise Mismatch("it always ends in its first turn")
            t = numeric(np.bool_(True))
        cells: list[Any] = [None]
        false = self.recorder.literal(FALSE)
        self.carry(self.frame.parameter(ArrayType(BOOL), ""), lambda: false, t.value, cells, 0,
                   Spec(PYTHON, BOOL, ()))
        self.slots[-1].is_stop = True
        return lambda: cells[0]

    def rebuilt(self, x: Any) -> Any:
        if not isinstance(x, TracedArray):
            self.recorder.frame.fresh[id(x)] = x
        return x

    def carry(self, param: Value, init: Callable[[], Value], final: Value, cells: list[Any], k: int, spec: Spec
              ) -> None:
        def sink(result: Value) -> None:
            cells[k] = root(result, self.recorder, spec.kind)

        self.slots.append(Slot(param, init, final, sink))

    def out(self, name: str, given: Any, x: Any) -> Callable[[], Any]:
        """A name that the body surely assigns, and that is read only behind the loop."""
        if isinstance(x, Undefined):
            return lambda: x
        found, tree = ([x], None) if isinstance(x, TracedArray) else trees.flatten(x)
        empty = self.loop.may_be_empty and not (isinstance(given, Undefined) and given.harmless)
        if empty and isinstance(given, Undefined):
            return lambda: Undefined(name, f"is assigned inside of the loop in line {self.loop.site.line} only, which may "
                                           f"have no turn at all; assign it before the loop")
        before = [Undefined(name)] * len(found)
        if empty:
            first, shape = ([given], None) if isinstance(given, TracedArray) else trees.flatten(given)
            if len(first) != len(found) or ((tree is None or tree.is_leaf()) != (shape is None or shape.is_leaf())):
                return self.unclear(name, given, x)
            before = first
        cells: list[Any] = []
        for k, (y, old) in enumerate(zip(found, before, strict=True)):
            cells.append(y)
            h = numeric(y)
            if h is None:
                if empty and y is not old:
                    return self.unclear(name, given, x)
                continue
            if not empty and (not isinstance(y, TracedArray) or y.made.depth < self.frame.depth):  # type: ignore[union-attr]
                continue  # it is that very object after each turn
            spec = spec_of(h)
            if not is_outside(spec, self.frame):
                return lambda: Undefined(name, f"has a shape that only the loop in line {self.loop.site.line} knows, and "
                                               f"is used behind it; copy it into an array of full size")
            if empty:
                leaf = Leaf((name, k), shown(name), old, True, True, self.frame, self.loop.learned)
                final = leaf.final(shown(name), y)
                assert leaf.param is not None
                if final is None:
                    self.replaced[leaf.param] = leaf.init
                    cells[k] = old
                else:
                    self.carry(leaf.param, leaf.init, final, cells, k, leaf.spec)
            else:
                self.carry(self.frame.parameter(spec.type, ""), lambda spec=spec: self.blank(spec),  # type: ignore[misc]
                           h.value, cells, k, spec)
            if h.kind == ARRAY:
                self.ends.append((shown(name), h))
        if tree is None or tree.is_leaf():
            return (lambda: cells[0]) if cells else (lambda: x)
        return lambda: self.rebuilt(trees.unflatten(tree, cells))

    def unclear(self, name: str, given: Any, x: Any) -> Callable[[], Any]:
        return lambda: Undefined(name, f"is {described(given)} before the loop in line {self.loop.site.line} and "
                                       f"{described(x)} in it, and the loop may have no turn at all; give it the same type "
                                       f"in both")

    def blank(self, spec: Spec) -> Value:
        return self.recorder.root_builder.const(0, spec.dtype, spec.shape) if all(
            isinstance(e, int) for e in spec.shape) else self.recorder.builder.const(0, spec.dtype, spec.shape)

    # arrays and containers --------------------------------------------------------------------------------------------
    def arrays(self) -> None:
        """Arrays from outside that were taken in: carried where they are written to."""
        for saved, param in self.frame.imports.values():
            h = saved.handle
            if h._content is param:
                self.replaced[param] = lambda h=h: h.value  # type: ignore[misc]
                continue
            final = h.value

            def sink(result: Value, h: TracedArray = h) -> None:
                h.write(root(result, self.recorder, ARRAY))

            self.slots.append(Slot(param, lambda h=h: h.value, final, sink))  # type: ignore[misc]

    def containers(self) -> None:
        """Containers from outside that the body has changed: their items must be carried, or it is no region."""
        places = self.loop.learned.places
        new = []
        for contents, now in self.frame.changed():
            old, owner = contents.items, contents.owner
            what = f"a {type(owner).__name__}"
            if old is None or now is None or isinstance(owner, (set, bytearray)):
                raise Mismatch(f"{what} is changed in the body")
            if list(old) != list(now)[:len(old)] or (len(now) > len(old) and not hasattr(owner, "__dict__")):
                raise Mismatch(f"{what} grows or shrinks with each turn, by append, pop or the like")
            new += [p for k in now if now[k] is not old.get(k, self)
                    for p in [Place(owner, k)] if not any(p.is_same(q) for q in places)]
        if new:
            places += new
            raise Again

    def aliases(self) -> list[Callable[[tuple[Any, ...]], None]]:
        """Variables that are bound to one array at the end of the body, or to one from outside: an error where a turn
        writes to one of them; else what is to be done behind the loop."""
        frame, loop = self.frame, self.loop
        leaves = [leaf for v in loop.variables for leaf in v.leaves if leaf.param is not None]
        written = [leaf for leaf in leaves if leaf.written()]
        lost = {id(r) for leaf in written if leaf.handle is not None for r in leaf.handle.maybe()}
        out: list[Callable[[tuple[Any, ...]], None]] = []
        for name, h in self.ends:
            near = [n for n, other in self.ends if other is not h and may_overlap(h.root, other.root)]
            outside = [r for r in h.maybe() if r.made.depth < frame.depth]  # type: ignore[union-attr]
            changed = [r for r in outside if id(r) in lost or r._content is not self.before(r)]
            if name != shown(VALUE) and (changed or (near and written)):
                raise Mismatch(f"{name} is bound to an array that has another name, too, and one of them is written to in "
                               f"the body; bind a copy, as by {name} = y.copy()")
            if near or outside:
                out.append(lambda result, name=name, near=near, outside=outside:  # type: ignore[misc]
                           self.tie(result, name, near, outside))
        for leaf in written:
            h = leaf.handle
            assert h is not None
            if h.root.ties is not None and not h.root.ties.alone:
                raise Mismatch(f"{leaf.name} is written to in the body, and may be one array or another: {h.root.ties.why}")
            if any(self.is_read(r) for r in h.maybe()):
                raise Mismatch(f"{leaf.name} is written to in the body, and bound anew, while the array that it was bound to "
                               f"before is read in the body under another name; bind a copy before the loop")
            out.append(lambda _, h=h, leaf=leaf: self.move(h, leaf))  # type: ignore[misc]
        for h, _ in frame.lost.values():
            assert h.ties is not None
            if self.is_read(h):
                raise Mismatch(h.ties.why)
            out.append(lambda _, h=h, why=h.ties.why: lose(h, why))  # type: ignore[misc]
        return out

    def is_read(self, h: TracedArray) -> bool:
        return id(h) in self.frame.imports or id(h) in self.frame.known_reads

    def before(self, r: TracedArray) -> Any:
        found = self.frame.imports.get(id(r))
        return found[1] if found else r._content

    def move(self, h: TracedArray, leaf: Leaf) -> None:
        for r in h.maybe():
            lose(r, f"an array that was bound to {leaf.name} before the loop in line {self.loop.site.line}, which binds the "
                    f"name anew, has another name behind the loop")

    def tie(self, result: tuple[Any, ...], name: str, near: list[str], outside: list[TracedArray]) -> None:
        """The variable knows behind the loop what it may share its elements with."""
        arrays = {shown(n): x for n, x in zip(self.loop.site.names, result, strict=True)
                  if isinstance(x, TracedArray) and x.kind == ARRAY}
        x = arrays.get(name)
        if x is None or any(x is r for r in outside):
            return
        others = [*outside, *(arrays[n] for n in near if n in arrays and arrays[n] is not x)]
        x.ties = Ties([(h, h.version) for h in others], f"{name} may be the same array as another variable behind the loop in "
                                                        f"line {self.loop.site.line}", not near, name == shown(VALUE))


def is_outside(spec: Spec, frame: Frame) -> bool:
    """Whether a shape is known outside of the frame."""
    return all(isinstance(e, int) or not defined_in(frame.block, e) for e in spec.shape)


def defined_in(block: Block, v: Value) -> bool:
    return v.owner is block or any(v.owner is op for op in block.ops)


class For(Loop):
    """The protocol of one `for`."""

    def __init__(self, site: Site, iterable: Any, values: tuple[Any, ...], hints: tuple[Any, ...]):
        super().__init__(site, values, hints)
        self.turns: Turns | None = turns(iterable) if self.recorder is not None else None
        self.static = self.turns.static if self.turns is not None else None
        self.iterator: Iterator[Any] | None = None
        self.iterable = iterable
        self.flag = None if site.stop is None else site.names[site.stop]
        self.current: Any = None
        self.mismatch: Mismatch | None = None
        """Why the first turns run as ordinary Python."""
        self.index: Value | None = None
        if self.turns is not None and not self.is_unrolled():
            self.as_region = self.learned.failed is None or self.static is None
        if self.recorder is not None:
            if not self.as_region and self.static:
                self.recorder.turns *= self.static
        if self.may_turn and self.static:
            r = self.recorder
            assert r is not None
            self.trial = r.frame = Frame(TRIAL, r, r.frame, self.loc)

    def is_unrolled(self) -> bool:
        """Whether the loop is so short, with the unrolled loops around it, that it runs as ordinary Python."""
        assert self.recorder is not None
        if isinstance(self.turns, Checkpointed):
            return False
        n, around = self.static, self.recorder.turns
        if n is not None and n <= UNROLLED and self.recorder.outermost.as_python:
            return True
        return n is not None and (n <= 1 or (n <= SHORT and n * around <= NESTED))

    @property
    def may_turn(self) -> bool:
        """Whether turns that run as ordinary Python may show that it must be a region."""
        return (not self.as_region and self.turns is not None and self.site.stop is not None
                and self.learned.failed is None)

    @property
    def remaining(self) -> int:
        return (self.static or 0) - self.turn

    @property
    def may_be_empty(self) -> bool:
        return self.static is None or self.remaining < 1

    @property
    def is_short(self) -> bool:
        return self.static is not None and self.remaining <= UNROLLED

    # turns ----------------------------------------------------------------------------------------------------------
    def again(self) -> bool:
        if self.done:
            return False
        if self.peeling:
            return self.native_turn()
        if not self.as_region:
            return self.native_turn()
        if self.static is not None and self.remaining < 1:
            return False
        frame = self.begin()
        self.index = frame.parameter(INDEX, "i")
        return True

    def native_turn(self) -> bool:
        if self.recorder is not None and (self.learned.failed is not None or self.recorder.outermost.as_python):
            count_unrolled(self.recorder, self)
        if self.iterator is None:
            self.iterator = iter(self.iterable)
        try:
            self.current = next(self.iterator)
        except StopIteration:
            self.done = True
            return False
        return True

    def item(self) -> Any:
        """What the target is bound to."""
        if self.frame is None:
            return self.current
        assert self.index is not None and self.turns is not None
        lo, hi, step = self.bounds()
        extents.declare(self.index, lo, hi, step)
        return self.turns.item(root(self.index, self.recorder, PYTHON))

    def bounds(self) -> tuple[Any, Any, int]:
        assert self.turns is not None
        lo, hi, step = self.turns.bounds
        return (lo + self.turn * step if self.turn else lo), hi, step

    def leave(self, values: tuple[Any, ...]) -> None:
        if self.frame is not None:
            self.finish(values)
            return
        self.turn += 1
        self.values = values
        self.peeling = max(0, self.peeling - 1)
        if self.site.stop is not None:
            stop = truth(values[self.site.stop])
            if isinstance(stop, bool):
                self.done = stop
            else:
                self.stopped()

    def stopped(self) -> None:
        """A turn that ran as ordinary Python may have been the last: the loop must be a region."""
        failed = self.learned.failed or self.mismatch
        if self.trial is None or failed is not None:
            reason = f": {failed}" if failed else (
                f", and it does not run over a range or an array but over a {type(self.iterable).__name__}")
            fail(TraceError, f"the loop in line {self.site.line} ends by a break (or return) on a traced condition, so that "
                             f"it must be compiled as a loop{reason}")
        raise Again

    def native_error(self, error: BaseException) -> bool:
        trial, self.trial = self.trial, None
        if not isinstance(error, Again) or trial is None:
            return False
        if trial.irreversible:
            fail(TraceError, f"the loop in line {self.site.line} ends by a break on a traced condition, and cannot be "
                             f"compiled as a loop: {trial.irreversible}")
        trial.abandon()
        self.turn, self.iterator, self.as_region = 0, None, True
        self.values = self.first
        return True

    def enter(self, values: tuple[Any, ...]) -> tuple[Any, ...]:
        if self.turn == 0 and self.frame is None:
            self.first = self.values
        return super().enter(values) if self.frame is not None else self.values[:self.site.carried]

    # regions --------------------------------------------------------------------------------------------------------
    def give_up(self, error: Exception) -> None:
        if isinstance(error, Mismatch) and self.turn < PEELED and self.static is not None and self.remaining > 1:
            self.peeling, self.mismatch = 1, error
            if self.iterator is None:
                self.iterator = iter(self.iterable)
            return
        self.learned.failed = error
        assert self.recorder is not None
        self.recorder.outermost.loops[self.loc] = str(error).partition("\n")[0]
        if self.is_short and not isinstance(self.turns, Checkpointed):
            self.as_region = False
            if self.iterator is None:
                self.iterator = iter(self.iterable)
            return
        why = f"it has {self.static} turns, too many to unroll" if self.static is not None else (
            "its number of turns is not known while gradjit compiles the function")
        raise explained(error, f"the loop in line {self.site.line} cannot be compiled as a loop, and {why}", self.loc) from error

    def own(self, frame: Frame) -> tuple[Value, ...]:
        assert self.index is not None
        return (self.index,)

    def operation(self, block: Block, slots: list[Slot], inits: list[Value]) -> Sequence[Value]:
        r = self.recorder
        assert r is not None
        lo, hi, step = (extents.value(extents.form(b)) for b in self.bounds())
        builder = r.builder
        builder.loc = self.loc
        flag = next((k for k, s in enumerate(slots) if s.is_stop), None)
        if flag is None:
            return builder.append("for", (lo, hi, step, *inits), self.snapshots(inits), (block,)).results
        if isinstance(self.turns, Checkpointed):
            raise TraceError(with_place("gj.checkpoint: a loop with a break on a traced value cannot be reversed from "
                                        "snapshots", self.loc))
        return until(builder, block, (lo, hi, step), inits, flag, self.bounds()[2] > 0)

    def snapshots(self, inits: list[Value]) -> dict[str, Any]:
        """What is said of them, if the loop is to be reversed from snapshots."""
        return {"snapshots": self.turns.snapshots([v.type for v in inits])} if isinstance(self.turns, Checkpointed) else {}


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


class While(Loop):
    """The protocol of one `while`."""

    def __init__(self, site: Site, values: tuple[Any, ...], hints: tuple[Any, ...]):
        super().__init__(site, values, hints)
        self.begins = False
        """Whether the condition is known to be true at first."""
        self.tested = 0
        """How many operations the condition took."""
        self.condition: Value | None = None

    @property
    def may_be_empty(self) -> bool:
        return not self.begins

    def again(self) -> bool:
        if self.done:
            return False
        if self.as_region:
            self.begin()
        elif self.recorder is not None and self.turn == 0:
            r = self.recorder
            self.trial = r.frame = Frame(TRIAL, r, r.frame, self.loc)
        elif self.recorder is not None and self.learned.failed is not None:
            count_unrolled(self.recorder, self)
        return True

    def enter(self, values: tuple[Any, ...]) -> tuple[Any, ...]:
        if self.frame is None and self.turn == 0:
            return self.values[:self.site.carried]
        return super().enter(values)

    def test(self, condition: Any) -> bool:
        """Whether the body runs: always when it is traced for all turns."""
        t = truth(condition)
        if self.frame is not None:
            if isinstance(t, bool):
                raise Mismatch("its condition does not depend on what the body computes")
            self.condition, self.tested = t.value, len(self.frame.block.ops)
            assert self.recorder is not None
            facts = extents.facts_of(t, True)
            if self.recorder.integers is not None:
                self.recorder.integers.ranges.facts += facts
            return True
        if not isinstance(t, bool):
            if self.learned.failed is not None:
                raise explained(self.learned.failed, f"the loop in line {self.site.line} has a traced condition, and cannot "
                                                     f"be compiled as a loop", self.loc)
            raise Again
        if t and self.turn == 0:
            self.begins = True
        if t and self.turn == TENTATIVE and self.learned.failed is None and self.is_tracing():
            raise Again
        self.done = not t
        return t

    def is_tracing(self) -> bool:
        """Whether the turns so far have recorded operations or written to arrays."""
        f = self.trial
        return f is not None and not f.irreversible and (len(f.block.ops) > f.start or bool(f.log))

    def leave(self, values: tuple[Any, ...]) -> None:
        if self.frame is not None:
            self.finish(values)
        else:
            self.turn += 1

    def native_error(self, error: BaseException) -> bool:
        trial, self.trial = self.trial, None
        if not isinstance(error, Again) or trial is None:
            return False
        if trial.irreversible:
            fail(TraceError, f"the loop in line {self.site.line} has a traced condition, and cannot be compiled as a loop: "
                             f"{trial.irreversible}")
        trial.abandon()
        self.turn, self.as_region = 0, True
        return True

    def give_up(self, error: Exception) -> None:
        if not self.begins:
            raise explained(error, f"the loop in line {self.site.line} has a traced condition, and cannot be compiled as a "
                                   f"loop", self.loc) from error
        self.learned.failed = error
        self.as_region = False

    def operation(self, block: Block, slots: list[Slot], inits: list[Value]) -> Sequence[Value]:
        r = self.recorder
        assert r is not None and self.condition is not None
        env: Env = {}
        cond = new_block(block.params, env)
        b = Builder(cond)
        for op in block.ops[:self.tested]:
            copy_op(b, op, env)
        c = self.condition
        cond.results = (env.get(c, c),)
        block.ops[:self.tested] = [op for op in block.ops[:self.tested] if op.results]  # effects stay in the condition
        builder = r.builder
        builder.loc = self.loc
        return builder.append("while", inits, {}, (cond, block)).results


def count_unrolled(recorder: Recorder, loop: Loop) -> None:
    r = recorder.outermost
    r.unrolled += 1
    if r.unrolled > (ALL_AS_PYTHON if r.as_python else ALL_UNROLLED):
        raise explained(loop.learned.failed or TraceError(""), f"unrolling loops, as that in line {loop.site.line}, has come "
                                                               f"to {ALL_UNROLLED} turns", loop.loc)


def explained(error: BaseException, what: str, loc: Loc | None) -> TraceError:
    """The error of an attempt, as the reason why a loop cannot be compiled."""
    kind = type(error) if isinstance(error, TraceError) and not isinstance(error, Mismatch) else TraceError
    said = str(error) if isinstance(error, GradjitError) else f"{type(error).__name__}: {error}"
    return kind(with_place(f"{what}: {said}", loc))
