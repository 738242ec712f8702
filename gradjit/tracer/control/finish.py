"""The end of an attempt at a loop: what is carried, the operation, what names, arrays and containers hold behind."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ...ir import Block, Value, captures
from ...ir.core import Op
from ...ir.types import BOOL, ArrayType
from ...probe import has_dict
from .. import trees
from ..array import ARRAY, PYTHON, TracedArray, root
from .branches import has_effect, truth
from .carried import Again, AsPython, Leaf, Mismatch, Slot, Variable, same_tree
from .frames import Frame, substitute
from .names import VALUE, shown
from .places import Place
from .states import Spec, Undefined, described, numeric, spec_of
from .ties import Ties, lose, may_overlap

if TYPE_CHECKING:
    from .loops import Loop

FALSE = np.asarray(False)


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
        self.ends: list[tuple[str, TracedArray, Leaf | None]] = []
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
        changed = zip(loop.learned.places, loop.variables[count:], strict=True)
        places = [(p, self.variable(v, p.get())) for p, v in changed]
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
        for place, make in places:
            self.recorder.frame.before_change(place.owner)
            place.set(make())
        loop.result = tuple(make() for make in after)
        for tie in ties:
            tie(loop.result)

    def is_constant(self) -> bool:
        """Whether the loop computes Python's numbers from nothing that is traced."""
        handles = [leaf.handle for v in self.loop.variables for leaf in v.leaves if leaf.handle is not None]
        if self.frame.imports or any(h.kind == ARRAY or not h.is_known for h in handles):
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
                self.ends.append((variable.name, y, leaf))
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
        found, tree = parts(x)
        harmless = isinstance(given, Undefined) and given.harmless
        before: list[Any] | None = None  # what stands there if there is no turn; None: nobody asks
        if self.loop.may_be_empty and not harmless:
            if isinstance(given, Undefined):
                return lambda: Undefined(name, f"is assigned inside of the loop in line {self.loop.site.line} only, "
                                               f"which may have no turn at all; assign it before the loop")
            before, shape = parts(given)
            if len(before) != len(found) or not same_tree(tree, shape):
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
                self.ends.append((shown(name), h, None))
        if tree is None or tree.is_leaf():
            return (lambda: cells[0]) if cells else (lambda: x)
        return lambda: self.rebuilt(trees.unflatten(tree, cells))

    def out_surely(self, y: Any, h: TracedArray, cells: list[Any], k: int) -> bool:
        """A leaf that the last turn gives. Tells whether it is carried."""
        if not isinstance(y, TracedArray) or y.made.depth < self.frame.depth:
            return False  # it is that very object after each turn
        if (last := self.loop.last(h)) is not None:
            cells[k] = last
            return False
        spec = spec_of(h)
        self.carry(self.frame.parameter(spec.type, ""), lambda: self.blank(spec), h.value, cells, k, spec)
        return True

    def out_or(self, name: str, k: int, old: Any, y: Any, cells: list[Any]) -> bool:
        """A leaf that the last turn gives, or what was there before the loop. Tells whether it is carried."""
        leaf = Leaf((name, k), shown(name), old, True, True, self.frame, self.loop.learned)
        final = leaf.final(shown(name), y)
        assert leaf.param is not None
        if final is None:
            self.replaced[leaf.param] = leaf.init
            cells[k] = old
            return False
        self.carry(leaf.param, leaf.init, final, cells, k, leaf.spec)
        return True

    def unclear(self, name: str, given: Any, x: Any) -> Callable[[], Any]:
        return lambda: Undefined(name, f"is {described(given)} before the loop in line {self.loop.site.line} and "
                                       f"{described(x)} in it, and the loop may have no turn at all; give it the "
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
            if list(old) != list(now)[:len(old)] or (len(now) > len(old) and not has_dict(owner)):
                raise Mismatch(f"{what} grows or shrinks with each turn, by append, pop or the like")
            new += [p for k in now if now[k] is not old.get(k, self)
                    for p in [Place(owner, k)] if not any(p.is_same(q) for q in places)]
        if new:
            places += new
            raise Again

    def aliases(self) -> list[Callable[[tuple[Any, ...]], None]]:
        """Variables that are bound to one array at the end of the body, or to one from outside: an error where a turn
        writes to one of them; else what is to be done behind the loop."""
        frame = self.frame
        self.others_write()
        written = self.written()
        lost = {id(r) for leaf in written for r in leaf.origins()}
        out: list[Callable[[tuple[Any, ...]], None]] = []
        for name, h, leaf in self.ends:
            near = [n for n, other, _ in self.ends if other is not h and may_overlap(h.root, other.root)
                    and (n != shown(VALUE) or n == name)]  # what is being returned is no other variable's concern
            outside = [r for r in h.maybe() if r.made.depth < frame.depth]
            changed = [r for r in outside if id(r) in lost or r._content is not self.before(r)]
            if name != shown(VALUE) and (changed or (near and written) or (outside and leaf in written)):
                raise Mismatch(f"{name} is bound to an array that has another name, too, and one of them is written "
                               f"to in the body; bind a copy, as by {name} = y.copy()")
            if near or outside:
                out.append(lambda result, name=name, near=near, outside=outside:  # type: ignore[misc]
                           self.tie(result, name, near, outside))
        for leaf in written:
            self.may_write(leaf)
            out.append(lambda _, leaf=leaf: self.move(leaf))  # type: ignore[misc]
        for h, _ in frame.lost.values():
            assert h.ties is not None
            if self.is_read(h):
                raise Mismatch(h.ties.why)
            out.append(lambda _, h=h, why=h.ties.why: lose(h, why))  # type: ignore[misc]
        return out

    def others_write(self) -> None:
        """Mismatch where the array that a rebound variable is bound to before is written to under another name."""
        for leaf in (x for v in self.loop.variables for x in v.leaves if x.param is not None):
            if not any(self.is_changed(r) for r in leaf.origins()):
                continue
            if any(to is leaf and h is leaf.stand_in for _, h, to in self.ends):
                leaf.learn(self.loop.learned.same, True)
            raise Mismatch(f"{leaf.name} is bound anew in the body, while the array that it was bound to before is "
                           f"written to under another name; bind a copy before the loop")

    def is_changed(self, h: TracedArray) -> bool:
        """Whether the body writes to an array from outside."""
        found = self.frame.imports.get(id(h))
        return id(h) in self.frame.lost or (found is not None and h._content is not found[1])

    def written(self) -> list[Leaf]:
        """The variables whose array at the beginning is written to, in this turn or, after swaps, in a later one."""
        leaves = [leaf for v in self.loop.variables for leaf in v.leaves if leaf.param is not None]
        found = [leaf for leaf in leaves if leaf.written()]
        for leaf in found:  # grows
            after = [h for _, h, to in self.ends if to is leaf]
            found += [x for x in leaves if x not in found and any(x.stand_in is r for h in after for r in h.maybe())]
        return found

    def may_write(self, leaf: Leaf) -> None:
        """Mismatch where the array that a variable is bound to before the loop may be seen under another name."""
        assert leaf.handle is not None
        ties = leaf.handle.root.ties
        if ties is not None and not ties.alone:
            raise Mismatch(f"{leaf.name} is written to in the body, and may be one array or another: {ties.why}")
        others = [x for v in self.loop.variables for x in v.leaves if x is not leaf and x.param is not None]
        if any(self.is_read(r) for r in leaf.origins()) or any(
                x.handle is not None and may_overlap(x.handle.root, leaf.handle.root) for x in others if x.origins()):
            raise Mismatch(f"{leaf.name} is written to in the body, and bound anew, while the array that it was bound "
                           f"to before has another name in the body; bind a copy before the loop")

    def is_read(self, h: TracedArray) -> bool:
        return id(h) in self.frame.imports or id(h) in self.frame.known_reads

    def before(self, r: TracedArray) -> Any:
        found = self.frame.imports.get(id(r))
        return found[1] if found else r._content

    def move(self, leaf: Leaf) -> None:
        for r in leaf.origins():
            lose(r, f"an array that was bound to {leaf.name} before the loop in line {self.loop.site.line}, which "
                    f"binds the name anew, has another name behind the loop")

    def tie(self, result: tuple[Any, ...], name: str, near: list[str], outside: list[TracedArray]) -> None:
        """The variable knows behind the loop what it may share its elements with."""
        arrays = {shown(n): x for n, x in zip(self.loop.site.names, result, strict=True)
                  if isinstance(x, TracedArray) and x.kind == ARRAY}
        x = arrays.get(name)
        if x is None or any(x is r for r in outside):
            return
        others = [*outside, *(arrays[n] for n in near if n in arrays and arrays[n] is not x)]
        x.ties = Ties([(h, h.version) for h in others], f"{name} may be the same array as another variable behind "
                                                        f"the loop in line {self.loop.site.line}", not near,
                      name == shown(VALUE))


def parts(x: Any) -> tuple[list[Any], trees.Tree | None]:
    """The leaves of a variable, and its structure; None for an array or number by itself."""
    return ([x], None) if isinstance(x, TracedArray) else trees.flatten(x)


def is_outside(spec: Spec, frame: Frame) -> bool:
    """Whether a shape is known outside of the frame."""
    return all(isinstance(e, int) or not defined_in(frame.block, e) for e in spec.shape)


def defined_in(block: Block, v: Value) -> bool:
    return v.owner is block or any(v.owner is op for op in block.ops)
