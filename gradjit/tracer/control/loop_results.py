"""The end of an attempt at a loop: what is carried, the operation, what names, arrays and containers hold behind."""

from __future__ import annotations

import functools
from collections import Counter, deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import TraceError
from ...ir import Block, Value, captures
from ...ir.core import Op
from ...ir.types import BOOL, ArrayType
from ...probe import has_dict
from ...records import dataclass
from .. import overflow, structures
from ..array import ARRAY, PYTHON, TracedArray, root
from ..grown import Tail
from ..layout import Strides
from ..structures import Structure
from .branch_results import has_effect
from .branches import truth
from .frames import OF_BYTES, Again, Frame, substitute
from .histories import alias
from .loop_variables import (
    Blank,
    CarriedLeaf,
    CarriedValue,
    Fills,
    ItemTarget,
    LoopVariable,
    Mismatch,
    RunAsPython,
    learning_all,
)
from .may_alias import Alias, Aliases, When, bind, make_unreadable, overlap, refresh, set_alias_writes, taken_out
from .names import VALUE, shown
from .states import Spec, Undefined, described, join, numeric, spec_of

if TYPE_CHECKING:
    from .loop_regions import LoopStatement

FALSE = np.asarray(False)
RESIZED = (" grows or shrinks with each iteration, by append, pop or the like; keep the items in an array of full "
           "size, and their number in a variable")


@dataclass
class AliasAtEnd:
    """An array that a variable is bound to at the end of the body, and behind the loop."""

    name: str
    array: TracedArray
    leaf: CarriedLeaf | None
    """What is carried in, if anything is."""
    before: TracedArray | None
    """What the variable is bound to if there is no iteration; None where there surely is one, or nobody asks."""
    cells: list[Any]
    k: int
    """Where the array behind the loop stands."""


class LoopResults:
    """The end of an attempt: what is carried, the operation, what names and arrays hold behind."""

    def __init__(self, loop: LoopStatement, values: tuple[Any, ...]):
        assert loop.frame is not None
        self.loop, self.frame, self.values = loop, loop.frame, values
        self.recorder = self.frame.recorder
        self.slots: list[CarriedValue] = []
        self.replaced: dict[Value, Callable[[], Value]] = {}
        """Parameters that do not change, with the outer value."""
        self.results: dict[Value, Value] = {}
        self.ends: list[AliasAtEnd] = []
        self.whole: dict[int, Any] = {}
        """Lists, dicts and objects behind the loop, by the ids of those at the end of the body."""
        self.shared: dict[int, str] = {}
        """Those that may not be changed, with the reason."""

    def run(self) -> None:
        loop, frame = self.loop, self.frame
        histories = list(loop.histories.values())
        learning_all(functools.partial(g.leave, self) for g in histories)
        self.take_alias_writes_in()
        count = loop.site.carried
        steps = [functools.partial(self.of_name, v, x) for v, x in zip(loop.variables[:count], self.values,
                                                                       strict=False)]
        names = zip(loop.site.names[count:], loop.values[count:], self.values[count:], strict=True)
        steps += [functools.partial(self.out, *name) for name in names]
        changed = zip(loop.learned.places, loop.variables[count:], strict=True)
        steps += [functools.partial(self.variable, v, p.get()) for p, v in changed]
        way = loop.learned.way()
        try:
            after = learning_all(steps)
        except Again:
            if loop.learned.way() == way:  # types alone have been learned: the next attempt takes the same way
                self.containers()
            raise
        places = [(p, after.pop()) for p in reversed(loop.learned.places)][::-1]
        self.containers()
        self.find_shared()
        loop.check()
        aliases = self.aliases()
        shared = [(g, *found) for g, all_found in zip(histories, learning_all(
            functools.partial(g.shared, self) for g in histories), strict=True) for found in all_found]
        self.arrays()
        if loop.is_short and self.is_constant():
            raise RunAsPython
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
        for fastened in aliases:
            fastened()
        loop.result = tuple(make() for make in after)
        for place, make in places:
            self.recorder.frame.before_change(place.owner)
            place.set(make())
        for g in histories:
            g.close(self.recorder.frame, loop)
        for g in histories:
            g.share_twins()
        for g, row, end in shared:
            alias(row, end, g.name)

    def is_constant(self) -> bool:
        """Whether the loop computes Python's numbers from nothing that is traced."""
        handles = [leaf.handle for v in self.loop.variables for leaf in v.leaves if leaf.handle is not None]
        rows = {id(r.array) for g in self.loop.histories.values() if g.tail is not None for r in g.tail.rows}
        if self.frame.imports.keys() - rows or any(h.kind == ARRAY or not h.is_known for h in handles):
            return False
        outer = captures(Op("for", (), {}, (), (self.frame.block,)))
        return all(v.op is not None and v.op.name == "const" for v in outer) and not has_effect(
            self.frame.block, overflow.is_check)

    def is_named(self, h: TracedArray) -> bool:
        """Whether a variable that is bound anew may be bound to an array, as far as an attempt can tell that must be
        repeated: `ends` may lack some."""
        entered = [v.inside for v in self.loop.variables[:self.loop.site.carried]]
        bound = [x for k, x in enumerate(self.values) if k >= len(entered) or x is not entered[k]]
        handles = [y for x in bound for y in structures.flatten(x)[0] if isinstance(y, TracedArray) and y.kind == ARRAY]
        roots = h.maybe()
        return any(a is b for y in handles for a in y.maybe() for b in roots)

    # variables ------------------------------------------------------------------------------------------------------
    def of_name(self, variable: LoopVariable, x: Any) -> Callable[[], Any]:
        """A name that is carried in; tells what it holds behind."""
        if variable.key == self.loop.flag:
            return self.stop(x)
        if isinstance(variable.given, Undefined):
            if variable.given.is_noted and not isinstance(x, Undefined) and self.is_known_outside(x):
                self.loop.learned.begins[variable.key] = Blank(x)
                raise Again
            return self.out(variable.key, variable.given, x)
        return self.variable(variable, x)

    def is_known_outside(self, x: Any) -> bool:
        """Whether the shapes of all that it holds are."""
        return all(is_outside(spec_of(h), self.frame) for h in structures.flatten(x)[0] if isinstance(h, TracedArray))

    def variable(self, variable: LoopVariable, x: Any) -> Callable[[], Any]:
        """Carry a variable; tells what it holds behind."""
        left, x = x, variable.fitted(x)
        ends = variable.finish(x)
        cells: list[Any] = []
        for k, (leaf, final) in enumerate(ends):
            cells.append(leaf.given)
            if leaf.param is None:
                continue
            if final is None:
                self.replaced[leaf.param] = leaf.init
                continue
            if leaf.spec.kind == PYTHON:
                overflow.check_carried(final)
            self.carry(leaf.param, leaf.init, final, cells, k, leaf.spec, leaf.strides, leaf.behind)
        found = structures.flatten(x, variable.key in self.loop.learned.closed)[0]
        for k, (leaf, y) in enumerate(zip(variable.leaves, found, strict=False)):
            h = numeric(y)
            if leaf.param is not None and h is not None and h.kind == ARRAY and variable.packing is None:
                before = leaf.handle if self.loop.may_be_empty else None
                self.ends.append(AliasAtEnd(variable.name, h, leaf, before, cells, k))
        if x is left or type(left) is not list:
            return lambda: variable.behind(x, cells, self.rebuilt)
        return lambda: self.remade(variable, left, x, cells)

    def remade(self, variable: LoopVariable, left: list[Any], x: Any, cells: list[Any]) -> Any:
        """A list that is carried as something else, behind the loop: one list under all its names."""
        if variable.packing is not None and left is variable.inside:
            return variable.original
        if id(left) not in self.whole:
            self.whole[id(left)] = made = variable.behind(x, cells, self.rebuilt)
            if variable.packing is not None and self.loop.may_be_empty:
                for n in (made, variable.original):
                    structures.freeze(n, f"it may be one of two behind the loop in line {self.loop.site.line}")
        return self.whole[id(left)]

    def stop(self, x: Any) -> Callable[[], Any]:
        """The flag that ends a `for`: false whenever the body begins."""
        t = truth(x)
        if isinstance(t, bool):
            if not t:
                return lambda: False
            if not self.loop.may_be_empty:
                raise Mismatch("it always ends in its first iteration")
            t = numeric(np.bool_(True))
        cells: list[Any] = [None]
        false = self.recorder.literal(FALSE)
        self.carry(self.frame.parameter(ArrayType(BOOL), ""), lambda: false, t.value, cells, 0,
                   Spec(PYTHON, BOOL, ()))
        self.slots[-1].is_stop = True
        return lambda: cells[0]

    def rebuilt(self, given: Structure | None, now: Structure, children: list[Any]) -> Any:
        """A list, dict or object behind the loop: what is one under two names at the end of the body is one behind.
        What was there before may still be it, where no iteration or not each one binds another: it may not change."""
        one_or_another = self.frame.frozen.get(id(now.given))
        if one_or_another is not None:
            self.shared.setdefault(id(now.given), one_or_another[1])
        if given is not None and (one_or_another is not None or self.loop.may_be_empty):
            structures.freeze(given.given, f"it may be one of two behind the loop in line {self.loop.site.line}")
        if id(now.given) not in self.whole:
            self.whole[id(now.given)] = made = now.remade(children)
            if id(now.given) in self.shared:
                structures.stand_in(made)
                for x in (made, now.given):
                    structures.freeze(x, self.shared[id(now.given)], self.loop.loc if self.loop.is_short else None)
        return self.whole[id(now.given)]

    def find_shared(self) -> None:
        """What is from before the loop at the end of the body, or has a name that is carried and another one: no
        iteration
        may change it."""
        learned = self.loop.learned
        variables = list(zip(self.loop.variables, [*self.values[:self.loop.site.carried],
                                                   *(p.get() for p in learned.places)], strict=False))
        inside = {id(n.given) for v, _ in variables if v.leaves for n in v.tree_inside.nodes()}
        ends = [(v, n) for v, x in variables for n in v.parts_at_end(x)]
        held = [x for g in self.loop.histories.values() for x in g.held]
        changed = {id(contents.owner) for contents, _ in self.frame.changed()}
        if any(id(x) in changed for x in held):
            raise Mismatch("what is appended to a list is changed in place in the body, so that the item changes, too; "
                           "append a copy, as by append(copy.copy(x))")
        count = Counter([*(id(n.given) for _, n in ends), *map(id, held)])
        for v, _ in variables:
            if v.leaves and v.key not in learned.shared and not set(map(id, held)).isdisjoint(
                    id(n.given) for n in v.tree_inside.nodes()):
                learned.shared.add(v.key)
                raise Again
        for v, n in ends:
            if isinstance(n.given, structures.UNCHANGING):
                continue
            old = not self.frame.is_fresh(n.given) and id(n.given) not in inside
            if old or count[id(n.given)] > 1:
                self.shared[id(n.given)] = f"{v.name} is one or another behind the loop in line {self.loop.site.line}"
                if v.key not in learned.shared:
                    learned.shared.add(v.key)
                    raise Again

    def carry(self, param: Value, init: Callable[[], Value], final: Value, cells: list[Any], k: int, spec: Spec,
              strides: Strides = None, behind: Callable[[TracedArray], TracedArray] = lambda h: h) -> None:
        def sink(result: Value) -> None:
            cells[k] = h = behind(root(result, self.recorder, spec.kind))
            h.strides_in_elements = strides

        self.slots.append(CarriedValue(param, init, final, sink))

    def out(self, name: str, given: Any, x: Any) -> Callable[[], Any]:
        """A name that the body surely assigns, and that is read only behind the loop."""
        if isinstance(x, Undefined):
            return lambda: x
        found, tree = structures.flatten(x)
        harmless = isinstance(given, Undefined) and given.harmless
        before: list[Any] | None = None  # what stands there if there is no iteration; None: nobody asks
        if self.loop.may_be_empty and not harmless:
            if isinstance(given, Undefined):
                return lambda: Undefined(name, f"is assigned inside of the loop in line {self.loop.site.line} only, "
                                               f"which may have no iteration at all; assign it before the loop",
                                         by_way=True)
            before, shape = structures.flatten(given)
            if shape != tree:
                return self.unclear(name, given, x)
        cells = list(found)
        for k, y in enumerate(found):
            h = numeric(y)
            if h is None:
                if before is not None and y is not before[k]:
                    return self.unclear(name, given, x)
            elif not is_outside(spec_of(h), self.frame):
                return lambda: Undefined(name, f"has a shape that only the loop in line {self.loop.site.line} knows, "
                                               f"and is used behind it; copy it into an array of full size")
            elif (self.out_surely(y, h, cells, k) if before is None else
                  self.out_or(name, k, before[k], y, cells)) and h.kind == ARRAY:
                given = None if before is None else numeric(before[k])
                self.ends.append(AliasAtEnd(shown(name), h, None, given, cells, k))
        return lambda: self.again(tree, iter(cells))

    def again(self, now: Structure, cells: Iterator[Any]) -> Any:
        """What only the body gives, behind the loop."""
        if now.is_leaf():
            return next(cells)
        if not isinstance(now.given, structures.UNCHANGING) and not self.frame.is_fresh(now.given):
            now.skip(cells)
            return now.given
        return self.rebuilt(None, now, [self.again(c, cells) for c in now.children])

    def out_surely(self, y: Any, h: TracedArray, cells: list[Any], k: int) -> bool:
        """A leaf that the last iteration gives. Tells whether it is carried."""
        if not isinstance(y, TracedArray) or y.made.depth < self.frame.depth:
            return False  # it is that very object after each iteration
        if (last := self.loop.last(h)) is not None:
            cells[k] = last
            return False
        spec = spec_of(h)
        self.carry(self.frame.parameter(spec.type, ""), lambda: self.blank(spec), h.value, cells, k, spec,
                   h.strides_in_elements)
        return True

    def out_or(self, name: str, k: int, old: Any, y: Any, cells: list[Any]) -> bool:
        """A leaf that the last iteration gives, or what was there before the loop. Tells whether it is carried."""
        key, first, last = (name, k), numeric(old), numeric(y)
        both = join(spec_of(first), spec_of(last)) if first is not None and last is not None else None
        if both is not None:
            self.loop.learned.specs.setdefault(key, both)  # the body does not read it
        leaf = CarriedLeaf(key, shown(name), old, True, True, self.frame, self.loop.learned)
        final = leaf.final(shown(name), y)
        assert leaf.param is not None
        if final is None:
            self.replaced[leaf.param] = leaf.init
            cells[k] = old
            return False
        self.carry(leaf.param, leaf.init, final, cells, k, leaf.spec, leaf.strides, leaf.behind)
        return True

    def unclear(self, name: str, given: Any, x: Any) -> Callable[[], Any]:
        return lambda: Undefined(name, f"is {described(given)} before the loop in line {self.loop.site.line} and "
                                       f"{described(x)} in it, and the loop may have no iteration at all; give it the "
                                       f"same type in both")

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
                h.assign(root(result, self.recorder, ARRAY))

            self.slots.append(CarriedValue(param, lambda h=h: h.value, final, sink))  # type: ignore[misc]

    def containers(self) -> None:
        """Containers from outside that the body has changed: their items must be carried, or it is no region."""
        places = self.loop.learned.places
        new: list[ItemTarget] = []
        growing: list[Callable[[], None]] = []
        for contents, now in self.frame.changed():
            old, owner = contents.items, contents.owner
            if id(owner) in self.loop.histories:
                continue
            what = f"a {type(owner).__name__}"
            if old is None or now is None or isinstance(owner, (set, *OF_BYTES)):
                raise Mismatch(f"{what} is changed in the body")
            if isinstance(owner, list) and type(owner) is not list and len(now) != len(old):
                raise Mismatch(f"a list of the class {type(owner).__name__}{RESIZED}, or derive the class from "
                               f"collections.UserList")
            if isinstance(owner, list) and len(now) > len(old) and all(now[k] is old[k] for k in old):
                growing.append(functools.partial(self.grows, owner, list(owner)[len(old):]))
                continue
            more = len(now) - len(old)
            if isinstance(owner, list) and more > 0 and all(now[k + more] is old[k] for k in old):
                growing.append(functools.partial(self.grows, owner, owner[:more][::-1], is_backwards=True))
                continue
            if isinstance(owner, deque) and owner.maxlen is not None and len(now) > len(old):
                missing = owner.maxlen - len(old)
                raise Fills(f"{what} grows until it is full; keep the items in an array of full size, and their "
                            f"number in a variable", -(-missing // (len(now) - len(old))))
            if list(old) != list(now)[:len(old)] or (len(now) > len(old) and not has_dict(owner)):
                raise Mismatch(what + RESIZED)
            new += [p for k in now if now[k] is not old.get(k, self)
                    for p in [ItemTarget(owner, k)] if not any(p.is_same(q) for q in places)]
        places += new
        learning_all(growing)
        if new:
            raise Again

    def grows(self, owner: list[Any], items: list[Any], is_backwards: bool = False) -> None:
        """A list gets longer in each iteration: by items at its end, or at its front, the last of which comes first."""
        for i in owner:
            if type(i) is Tail and i.frame is not None:
                i.growth.ask_eager(i)
        growth = self.loop.growth(owner, items, eager=False)
        if is_backwards and not growth.may_be_backwards:
            raise Mismatch("a list" + RESIZED)
        growth.is_backwards = is_backwards
        growth.note_shared(items, self)
        self.loop.histories[id(owner)] = growth
        raise Again

    # what may be what -----------------------------------------------------------------------------------------------
    def take_alias_writes_in(self) -> None:
        """What the body reads must be the same at the beginning of each iteration: arrays that have been changed under
        another name take that in at the end of this one."""
        frame = self.frame
        done: set[int] = set()
        for h, _ in list(frame.alias_writes.values()):
            if h.aliases is not None and any(n.source is not None and n.source.made.depth >= frame.depth
                                          for n in h.aliases.alias_writes) and not h.aliases.is_lost:
                refresh(h)
        while new := [h for h in self.read() if id(h) not in done]:
            for h in new:
                done.add(id(h))
                if h.aliases is not None:
                    try:
                        refresh(h)
                    except TraceError as e:
                        raise Mismatch(str(e)) from e

    def read(self) -> list[TracedArray]:
        """Arrays from outside that the body has touched."""
        return [*(saved.handle for saved, _ in self.frame.imports.values()), *self.frame.known_reads.values()]

    def aliases(self) -> list[Callable[[], None]]:
        """Variables that are bound to one array at the end of the body, or to one from outside: an error where an
        iteration writes to one of them; else what is to be done behind the loop."""
        self.others_write()
        written = self.written()
        moved = {id(r): r for leaf in written for r in leaf.origins()}
        reached = self.reached()
        out: list[Callable[[], None]] = []
        for end in self.ends:
            near = [e for e in self.ends if e is not end and self.is_near(end, e)]
            outside = [r for r in reached[id(end)] if r.made.depth < self.frame.depth]
            changed = [r for r in self.outside(end.array) if id(r) in moved or self.is_changed(r)]
            if end.name != shown(VALUE) and (changed or (near and written) or (
                    end.leaf in written and self.outside(end.array))):
                raise Mismatch(f"{end.name} is bound to an array that has another name, too, and one of them is "
                               f"written to in the body; bind a copy, as by {end.name} = y.copy()")
            left = [r for r in outside if id(r) not in moved]
            if near or left or end.before is not None:
                shared = near or any(not set(map(id, left)).isdisjoint(map(id, reached[id(e)]))
                                     for e in self.ends if e is not end and not self.are_apart(end, e))
                out.append(functools.partial(self.alias, end, near, left, moved, None if shared else self))
        for leaf in written:
            self.may_write(leaf)
            out.append(functools.partial(self.move, leaf))
        for h, _ in self.frame.alias_writes.values():
            if h.aliases is None or not h.aliases.alias_writes:
                continue
            if self.is_read(h):
                raise Mismatch(h.aliases.alias_writes[0].why)
            out.append(functools.partial(set_alias_writes, h, h.aliases.alias_writes))
        return out

    def outside(self, h: TracedArray) -> list[TracedArray]:
        """The roots from outside that an array at the end of this iteration may be, other than by what is carried
        in."""
        return [r for r in h.maybe() if r.made.depth < self.frame.depth]

    def carried(self, h: TracedArray) -> list[CarriedLeaf]:
        """The leaves that an array may be what is carried in for."""
        roots = h.maybe()
        return [x for x in self.leaves() if any(x.stand_in is r for r in roots)]

    def leaves(self) -> list[CarriedLeaf]:
        """What is carried from iteration to iteration under a name that is bound anew."""
        return [leaf for v in self.loop.variables for leaf in v.leaves if leaf.param is not None]

    def reached(self) -> dict[int, list[TracedArray]]:
        """For each end the arrays from outside that it may be after any number of iterations."""
        ends = {id(e): e for e in self.ends}
        found = {key: [*self.outside(e.array)] for key, e in ends.items()}
        steps = {key: self.carried(e.array) for key, e in ends.items()}
        grows = True
        while grows:
            grows = False
            for key, e in ends.items():
                more = [r for leaf in steps[key] for r in leaf.origins()]
                more += [r for leaf in steps[key] for j, f in ends.items() if f.leaf is leaf for r in found[j]]
                if e.before is not None:
                    more += e.before.maybe()
                for r in more:
                    if not any(r is other for other in found[key]):
                        found[key].append(r)
                        grows = True
        return found

    def is_near(self, a: AliasAtEnd, b: AliasAtEnd) -> bool:
        """Whether two variables may be bound to one array that an iteration has made, or carried in under one name.
        (What is
        being returned is no other variable's concern.)"""
        if b.name == shown(VALUE) != a.name or a.array is b.array:
            return False
        inside = [r for r in a.array.maybe() if r.made.depth >= self.frame.depth]
        return any(x is y for x in inside for y in b.array.maybe())

    def are_apart(self, a: AliasAtEnd, b: AliasAtEnd) -> bool:
        """Whether two variables are bound to two arrays surely, whatever these have been before."""
        if b.name == shown(VALUE) != a.name:
            return True
        handles = [x.handle for x in self.leaves() if x.handle is not None and x.handle.kind == ARRAY]
        return not any(overlap(x.root, y.root) for k, x in enumerate(handles) for y in handles[:k]) and not (
            self.outside(a.array) or self.outside(b.array) or self.is_near(a, b))

    def others_write(self) -> None:
        """Mismatch where the array that a rebound variable is bound to before is written to under another name."""
        for leaf in self.leaves():
            if not any(self.is_changed(r) for r in leaf.origins()):
                continue
            if any(e.leaf is leaf and leaf.is_unchanged(e.array) for e in self.ends):
                leaf.learn(self.loop.learned.same, True)
            raise Mismatch(f"{leaf.name} is bound anew in the body, while the array that it was bound to before is "
                           f"written to under another name; bind a copy before the loop")

    def is_changed(self, h: TracedArray) -> bool:
        """Whether the body writes to an array from outside."""
        found = self.frame.imports.get(id(h))
        told = id(h) in self.frame.alias_writes and h.aliases is not None and bool(h.aliases.alias_writes)
        return told or (found is not None and h._content is not found[1])

    def written(self) -> list[CarriedLeaf]:
        """The variables whose array at the beginning is written to, in this iteration or, after swaps, in a later
        one."""
        leaves = self.leaves()
        found = [leaf for leaf in leaves if leaf.written()]
        for leaf in found:  # grows
            after = [e.array for e in self.ends if e.leaf is leaf]
            found += [x for x in leaves if x not in found and any(x.stand_in is r for h in after for r in h.maybe())]
        return found

    def may_write(self, leaf: CarriedLeaf) -> None:
        """Mismatch where the array that a variable is bound to before the loop may be seen under another name."""
        assert leaf.handle is not None
        aliases = leaf.handle.root.aliases
        if aliases is not None and (aliases.near or not aliases.alone):
            raise Mismatch(f"{leaf.name} is written to in the body, and may be one array or another: {aliases.why}")
        origins = leaf.origins()
        others = [x for x in self.leaves() if x is not leaf and x.origins()]
        if any(r is s for h in self.read() for s in h.maybe() for r in origins) or any(
                x.handle is not None and overlap(x.handle.root, leaf.handle.root) for x in others):
            raise Mismatch(f"{leaf.name} is written to in the body, and bound anew, while the array that it was bound "
                           f"to before has another name in the body; bind a copy before the loop")

    def is_read(self, h: TracedArray) -> bool:
        return id(h) in self.frame.imports or id(h) in self.frame.known_reads

    def move(self, leaf: CarriedLeaf) -> None:
        for r in leaf.origins():
            make_unreadable(r, f"an array that was bound to {leaf.name} before the loop in line "
                               f"{self.loop.site.line}, which binds the name anew, has another name behind the "
                               f"loop", self)

    def alias(self, end: AliasAtEnd, near: list[AliasAtEnd], left: list[TracedArray], moved: dict[int, TracedArray],
            group: object) -> None:
        """The variable knows behind the loop what it may share its elements with."""
        x = end.cells[end.k]
        if not isinstance(x, TracedArray) or (end.leaf is not None and x is end.leaf.given):
            return
        close = tuple(Alias.of(e.cells[e.k]) for e in near if isinstance(e.cells[e.k], TracedArray))
        others = []
        same = taken_out(end.array, self.frame.depth)
        if same is not None and end.before is None:
            end.cells[end.k] = same
            return
        before = [] if end.before is None or any(id(r) in moved for r in end.before.maybe()) else [end.before]
        if same is not None or not (self.outside(end.array) or self.carried(end.array)):
            others += [Alias.of(h, self.loop.is_empty) for h in before]
            others += [] if same is None else [Alias.of(same, negated(self.loop.is_empty))]
        else:
            others += [Alias.of(r) for r in left]
        if others or close:
            bind(x, Aliases(tuple(others), f"{end.name} may be the same array as another variable behind the loop "
                                           f"in line {self.loop.site.line}", close,
                            loose=end.name == shown(VALUE), group=group))


def negated(when: When) -> When:
    return lambda recorder: recorder.builder.not_(when(recorder))


def is_outside(spec: Spec, frame: Frame) -> bool:
    """Whether a shape is known outside of the frame."""
    return all(isinstance(e, int) or not defined_in(frame.block, e) for e in spec.shape)


def defined_in(block: Block, v: Value) -> bool:
    return v.owner is block or any(v.owner is op for op in block.ops)
