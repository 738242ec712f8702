"""One element of a value as an expression: how array operations dissolve into the loops that read them.

`Elements.at(value, index)` follows a value to its definition: a pointwise operation becomes a node over its operands'
elements, a slice or transpose changes the index, a value that has memory becomes a load. While the schedule is made
the same walk runs dry, with whole loops as indices, and notes what it read and where loops must be split.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field, replace

import numpy as np

from ..ir import OPS, Op, Value
from ..ir.size_conditions import is_less_where_positive
from ..ir.sizes import is_known, is_open, same
from ..records import dataclass
from .affine import Affine, Var, dot
from .loops import Buffer, Node, Nodes, View
from .symbolic import is_symbolic, upper

Index = tuple[Affine, ...]


def row_major(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Strides, in elements, of a contiguous array."""
    strides, n = [], 1
    for e in reversed(shape):
        strides.append(n)
        n *= upper(e) if is_open(upper(e)) else max(upper(e), 1)
    return tuple(reversed(strides))


def whole(buffer: Buffer, shape: tuple[int, ...] | None = None) -> View:
    """The view of all of a buffer, in its own or another shape of the same size."""
    shape = buffer.shape if shape is None else shape
    return View(buffer, 0, row_major(shape), shape)


def is_between(var: Var, at: int) -> bool:
    """Whether a loop can be cut in two at a place. Where that is open a part may turn out to have no turns."""
    if is_open(at) or is_open(var.lo) or is_open(var.hi):
        return var.lo <= at <= var.hi and not same(at, var.lo) and not same(at, var.hi)
    return var.lo < at < var.hi


@dataclass
class Notes:
    """What a dry walk saw. loops: the variables of loops that may be cut in two; the program's own may not."""

    loops: frozenset[Var] = frozenset()
    reads: list[tuple[Value, Index | None]] = field(default_factory=list)  # index None: anywhere in the value
    visits: list[tuple[Value, Index]] = field(default_factory=list)
    splits: dict[Var, dict[int, set[Value]]] = field(default_factory=dict)
    needs_memory: set[Value] = field(default_factory=set)
    loads: list[Node] = field(default_factory=list)  # of all parts of pads and joins, whichever an element comes from


class Elements:
    """The elements of a function's values, given which values have memory (`views`).

    of_operations: the table `ELEMENT` of codegen/lower, whose rules ask for elements.
    """

    def __init__(self, nodes: Nodes, of_operations: Mapping[str, Callable[[Elements, Op, Index], Node]]):
        self.nodes = nodes
        self.of_operations = of_operations
        self.views: dict[Value, View] = {}
        self.inputs: set[Value] = set()
        self.literals: dict[Value, View] = {}
        self.live: dict[tuple[Value, Index], Node] = {}
        self.only: dict[Value, Node] = {}  # values of one element, held as a node
        self.notes: Notes | None = None
        self.rules: dict[Value, Callable[[Elements, Index], Node]] = {}  # elements that are found in another way
        self.in_parts = False  # whether these are of a part of a program, around which arrays are changed in place
        self.memo: dict[tuple[Value, Index], Node] = {}

    def at(self, value: Value, index: Index) -> Node:
        """The element of `value` at `index`."""
        only = self.only.get(value)
        if only is not None:
            return only
        key = (value, index)
        live = self.live.get(key)
        if live is not None:
            return live
        if value in self.views:
            return self.load(value, index)
        known = self.memo.get(key)
        if known is None:
            if self.notes is not None:
                self.notes.visits.append(key)
            known = self.memo[key] = self.inline(value, index)
        return known

    def load(self, value: Value, index: Index) -> Node:
        if self.notes is not None and value not in self.inputs:
            self.notes.reads.append((value, index))
        return self.fetch(self.views[value], index)

    def fetch(self, view: View, index: Index) -> Node:
        """The element of some memory."""
        node = self.nodes.load(view.buffer, dot(index, view.strides, view.offset), view.version)
        if self.notes is not None:
            self.notes.loads.append(node)
        return node

    def number(self, extent: Value | int) -> Affine:
        """An extent or a place along an axis, known or computed, as part of an address."""
        if isinstance(extent, int):
            return Affine({}, extent)
        node = self.at(extent, ())
        if node.kind == "index":
            return node.attrs
        return Affine({}, int(node.attrs)) if node.kind == "const" else Affine.of(node)

    def inline(self, value: Value, index: Index) -> Node:
        """The element through the operation that defines the value."""
        if value in self.rules:
            return self.rules[value](self, index)
        op = value.op
        assert op is not None
        if OPS[op.name].pointwise:
            args = tuple(self.at(o, index) for o in op.operands)
            return self.apply(op, args)
        return self.of_operations[op.name](self, op, index)

    def apply(self, op: Op, args: tuple[Node, ...]) -> Node:
        """A pointwise operation on elements. What is absent (see `absent`) takes no part in sums."""
        first, *rest = args
        if OPS[op.name].selects:
            return first
        if rest and "absent" in (first.kind, rest[0].kind):
            if op.name == "add":
                return first if rest[0].kind == "absent" else rest[0]
            if op.name == "sub" and rest[0].kind == "absent":
                return first
        elif op.name == "neg" and first.kind == "absent":
            return first
        return self.nodes.apply(op.name, tuple(map(self.shown, args)), op.result.dtype, op.attrs, op.loc)

    def shown(self, node: Node) -> Node:
        """The node, with 0 for what is absent."""
        return self.nodes.const(0, node.dtype) if node.kind == "absent" else node

    def absent(self, value: Value) -> Node:
        """The zero around a padded cotangent: adding it is left out."""
        return self.nodes.make("absent", (), None, value.dtype, frozenset())

    def literal(self, value: Value) -> View:
        """The memory of a constant array."""
        if value not in self.literals:
            data = np.ascontiguousarray(value.op.attrs["value"])  # type: ignore[union-attr]
            buffer = Buffer(f"c{len(self.literals)}", value.dtype, value.type.extents, "literal", data)
            self.literals[value] = whole(buffer)
        return self.literals[value]

    # ranges ---------------------------------------------------------------------------------------------------------
    def side(self, position: Affine, lo: int, hi: int, value: Value) -> int | None:
        """Where `position` lies: -1 below lo, 0 within [lo, hi), 1 from hi on.

        Undecided, a dry walk notes where the loop must be split (or that `value` needs memory, where a split cannot
        decide) and goes on as if within. A wet walk never meets that case.
        """
        span = position.interval()
        if span is not None:
            if is_known(span[0], ">=", lo) and is_known(span[1], "<", hi):
                return 0
            if is_known(span[1], "<", lo):
                return -1
            if is_known(span[0], ">=", hi):
                return 1
        if self.notes is None:
            raise AssertionError(f"undecided position {position!r} in [{lo}, {hi}) of {value!r}")
        self.note_split(position, (lo, hi), value)
        return None

    def note_split(self, position: Affine, bounds: tuple[int, ...], value: Value) -> None:
        assert self.notes is not None
        terms = list(position.terms.items())
        var, weight = terms[0] if len(terms) == 1 else (None, 0)
        if not isinstance(var, Var) or var not in self.notes.loops or abs(weight) != 1 or (
                is_symbolic(var.hi)):  # a computed end has no fixed pieces
            self.notes.needs_memory.add(value)
            return
        for bound in bounds:
            # weight*i + const >= bound changes its truth at this i
            at = bound - position.const if weight == 1 else position.const - bound + 1
            if is_between(var, at):
                self.notes.splits.setdefault(var, {}).setdefault(at, set()).add(value)

    # views ----------------------------------------------------------------------------------------------------------
    def view(self, value: Value) -> View | None:
        """The memory of a value, followed through operations that only move; None where an element is computed."""
        if value in self.views:
            return self.views[value]
        op = value.op
        if op is None:
            return None
        if op.name == "const" and op.attrs["value"].ndim:
            return self.literal(value)
        rule = VIEWS.get(op.name)
        inner = self.view(op.operands[0]) if rule else None
        return rule(self, op, inner) if rule and inner else None

    def base(self, value: Value) -> Value:
        """The value whose memory `view(value)` is."""
        while value not in self.views and value not in self.literals:
            value = value.op.operands[0]  # type: ignore[union-attr]
        return value


def _slice(e: Elements, op: Op, v: View) -> View | None:
    a = op.attrs
    offset = dot(map(e.number, a["starts"]), v.strides, v.offset)
    strides = tuple(s * st for s, st in zip(a["steps"], v.strides, strict=True))
    return replace(v, offset=offset, strides=strides, shape=a["sizes"])


def _transpose(_: Elements, op: Op, v: View) -> View | None:
    perm = op.attrs["perm"]
    return replace(v, strides=tuple(v.strides[p] for p in perm), shape=op.result.type.extents)


def _broadcast(_: Elements, op: Op, v: View) -> View | None:
    strides = [0] * op.result.type.rank
    for k, d in enumerate(op.attrs["dims"]):
        strides[d] = 0 if v.shape[k] == 1 else v.strides[k]
    return replace(v, strides=tuple(strides), shape=op.result.type.extents)


def _reshape(_: Elements, op: Op, v: View) -> View | None:
    strides = reshaped_strides(v.shape, v.strides, op.result.type.extents)
    return None if strides is None else replace(v, strides=strides, shape=op.result.type.extents)


VIEWS = {"slice": _slice, "transpose": _transpose, "broadcast": _broadcast, "reshape": _reshape}


def reshaped_strides(old: tuple[int, ...], strides: tuple[int, ...], new: tuple[int, ...]) -> tuple[int, ...] | None:
    """Strides that show the same elements in another shape without a copy; None where there are none.

    Runs of axes of equal size are matched from the left; within a run the old axes must be contiguous with each other.
    """
    if 0 in old:
        return row_major(new)
    kept = [(e, s) for e, s in zip(old, strides, strict=True) if e != 1]
    out: list[int] = []
    i = 0
    j = 0
    while j < len(new):
        if new[j] == 1:
            out.append(0)
            j += 1
            continue
        lo_i, lo_j = i, j
        have, want = kept[i][0], new[j]
        i, j = i + 1, j + 1
        while have != want:
            if same(have, 1) or (not same(want, 1) and is_less_where_positive(have, want)):
                have *= kept[i][0]
                i += 1
            else:
                want *= new[j]
                j += 1
        if any(kept[k][1] != kept[k + 1][0] * kept[k + 1][1] for k in range(lo_i, i - 1)):
            return None
        run, stride = [], kept[i - 1][1]
        for e in reversed(new[lo_j:j]):
            run.append(stride)
            stride *= e
        out.extend(reversed(run))
    return tuple(out)
