"""One forward walk that rebuilds a function: folds constants, applies rewrite rules, shares what is computed twice.

Each operation is rebuilt from operands that have been rebuilt before it. `make` is the smart constructor that does it,
and rules build their replacements through it too, so that these are folded, rewritten and shared in turn: what a
pattern over producers and consumers can find, one walk finds. (Hash-consing in place of a worklist over a graph with
use lists: nothing is revisited.) Dead operations are skipped; loops and branches are rebuilt with their live values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..ir import OPS, ArrayType, Block, DType, Func, Loc, Op, Value
from ..ir.attrs import EXTENTS, frozen
from ..ir.clone import Env, new_block
from ..ir.core import map_attr, map_type
from ..ir.ranges import Ranges, range_length
from ..ir.sizes import is_open
from . import live_records, regions
from .cse import COMMUTATIVE, key_of
from .fold import fold, splat_of
from .hoist import Hoist, OpenBlock, worth_moving
from .liveness import Liveness

Attrs = dict[str, Any]
Args = tuple[Value, ...]
Types = tuple[ArrayType, ...]
Rule = Callable[["Rewriter", Args, Attrs], "Value | None"]
"""What an operation on rebuilt operands can become; None where the pattern does not fit."""
RegionRule = Callable[["Rewriter", Op, Env], bool]
"""Rebuilds an operation with regions (or on a tape) in another way and binds its results in `env`; False where it does
not fit."""

_WITH_EXTENTS = {name: tuple(a for a, kind in spec.attrs.items() if kind is EXTENTS) for name, spec in OPS.items()}
REBUILD = {**regions.REBUILD, **live_records.REBUILD}
"""How operations are rebuilt that have regions, or work on tapes."""


class Rewriter:
    """Rebuilds a function. `again` becomes true where another walk may find more."""

    def __init__(self, rules: Mapping[str, Sequence[Rule]] | None = None,
                 region_rules: Mapping[str, Sequence[RegionRule]] | None = None, *, fold: bool = True,
                 share: bool = True, hoist: bool = False):
        self.rules = rules or {}
        self.region_rules = region_rules or {}
        self.folding = fold
        self.sharing = share
        self.hoist = Hoist(self) if hoist else None
        self.again = False
        self.loc: Loc | None = None
        self.known: dict[Any, Sequence[Value]] = {}
        self.frames: list[OpenBlock] = []
        self.levels: dict[Block, int] = {}
        self.uses: dict[Value, int] = {}
        self.passed: set[Value] = set()
        self.home: dict[Value, Block] = {}
        self.ranges = Ranges()
        self.begun: dict[tuple[Op, Value], Value] = {}
        """Tapes that stand before a branch, by the branch and their root."""
        self.begin: dict[Block, Callable[[], None]] = {}
        """What rules leave to be done where the rebuilding of a region begins."""

    @property
    def block(self) -> Block:
        """The block under construction."""
        return self.frames[-1].block

    def level_of(self, v: Value) -> int:
        """How deep the block is nested that defines v."""
        return self.levels[v.owner if type(v.owner) is Block else self.home[v]]

    # the walk ---------------------------------------------------------------------------------------------------------
    def run(self, func: Func) -> Func:
        self.live = Liveness(func)
        env: Env = {}
        with np.errstate(all="ignore"):
            return Func(func.name, self.region(func.body, env))

    def region(self, old: Block, env: Env, keep: Sequence[int] | None = None, branch: Op | None = None) -> Block:
        """A rebuilt block with all parameters and the results at `keep` (all without it)."""
        return self.fill(new_block(old.params, env), old, env, keep, branch=branch)

    def fill(self, fresh: Block, old: Block, env: Env, keep: Sequence[int] | None = None, turning: bool = False,
             sure: bool = False, branch: Op | None = None) -> Block:
        """Rebuild the operations of `old` into `fresh`. What is shared inside is forgotten behind it.

        turning, sure: whether it is a region of a loop, and of one that surely runs. branch: the `if` it is a side of.
        """
        frame = OpenBlock(fresh, turning, sure, branch)
        self.levels[fresh] = len(self.frames)
        self.frames.append(frame)
        if old in self.begin:
            self.begin.pop(old)()
        self.inline(old, env)
        fresh.results = tuple([env[v] for v in (old.results if keep is None else [old.results[k] for k in keep])])
        self.frames.pop()
        for key in frame.added:
            self.known.pop(key, None)
        return fresh

    def inline(self, old: Block, env: Env) -> None:
        """Rebuild the operations of a block into the current one."""
        counted = self.live.counted
        for op in old.ops:
            if op in counted:
                self.op(op, env)

    def op(self, op: Op, env: Env) -> None:
        self.loc = op.loc
        if any(rule(self, op, env) for rule in self.region_rules.get(op.name, ())):
            return
        rebuild = REBUILD.get(op.name)
        if rebuild is not None:
            rebuild(self, op, env)
            return
        attrs = op.attrs
        for a in _WITH_EXTENTS[op.name]:
            changed = map_attr(attrs[a], env.__getitem__)
            if changed is not attrs[a]:
                attrs = {**attrs, a: changed}
        args = tuple([env[v] for v in op.operands])
        if OPS[op.name].is_pinned:
            self.once(op, args, attrs, op.results, env)
            return
        if len(op.results) != 1:
            self.several(op, args, attrs, env)
            return
        old = op.results[0]
        new = self.build(op.name, args, attrs, map_type(old.type, env.__getitem__))
        self.bind(old, new, env)

    def several(self, op: Op, args: Args, attrs: Attrs, env: Env) -> None:
        """Rebuild an operation of several results: shared and moved as others are, neither folded nor rewritten."""
        types = tuple([map_type(r.type, env.__getitem__) for r in op.results])
        for old, new in zip(op.results, self.emit_all(op.name, args, attrs, types), strict=True):
            self.bind(old, new, env)

    def once(self, op: Op, args: Args, attrs: Attrs, results: Sequence[Value], env: Env) -> None:
        """Emit an operation that is neither folded nor shared with another, and bind the given results of `op`."""
        types = tuple([map_type(r.type, env.__getitem__) for r in results])
        new = Op(op.name, args, attrs, types, (), op.loc)
        self.place(new)
        for r, fresh in zip(results, new.results, strict=True):
            self.bind(r, fresh, env)

    def bind(self, old: Value, new: Value, env: Env) -> None:
        """`old` has become `new`."""
        env[old] = new
        if old.name and not new.name:
            new.name = old.name
        self.uses[new] = self.uses.get(new, 0) + self.live.uses.get(old, 0)

    # numbers of iterations --------------------------------------------------------------------------------------------
    def declare(self, i: Value, lo: Value, hi: Value, step: Value) -> None:
        """i is the index of a loop with these bounds."""
        by = self.ranges.linear(step)
        if by.is_const and by.const:
            self.ranges.declare(i, lo, hi, by.const)

    def trip_count(self, lo: Value, hi: Value, step: Value) -> int | None:
        """How often a loop runs, where that is known."""
        by, count = self.ranges.linear(step), self.ranges.difference(hi, lo)
        known = count is not None and not is_open(count) and by.is_number and by.const
        return range_length(0, count, by.const) if known and count is not None else None

    def runs(self, lo: Value, hi: Value, step: Value) -> bool:
        """Whether a loop surely runs."""
        by = self.ranges.linear(step)
        if not by.is_const or not by.const:
            return False
        return self.ranges.is_less(lo, hi) if by.const > 0 else self.ranges.is_less(hi, lo)

    def is_used_once(self, v: Value) -> bool:
        """Whether, as far as known, v has one reader, and v is computed in the same block.

        A rule that drops v, or repeats its work in place of it, asks this: for a second reader, or in a loop behind v,
        it would lose. Where rules have led other readers past v another walk will count again.
        """
        if self.home.get(v) is not self.block:
            return False
        once = self.uses.get(v, 0) <= 1
        self.again = self.again or (not once and v in self.passed)
        return once

    def passes(self, v: Value) -> None:
        """A reader of v has been led to something else, which v was made of."""
        self.passed.add(v)

    # construction -----------------------------------------------------------------------------------------------------
    def make(self, name: str, *args: Value, **attrs: Any) -> Value:
        """The result of an operation in its simplest form."""
        (t,) = OPS[name].infer(*[a.type for a in args], **attrs)
        return self.build(name, args, attrs, t)

    def build(self, name: str, args: Args, attrs: Attrs, t: ArrayType) -> Value:
        """`make` where the type is known."""
        if self.folding:
            found = fold(name, args, attrs, t)
            if found is not None:
                name, args, attrs = "const", (), {"value": frozen(found), "shape": t.shape}
        for rule in self.rules.get(name, ()):
            new = rule(self, args, attrs)
            if new is not None:
                assert new.type == t, f"{rule.__name__}: {new.type} for {t}"
                return new
        return self.emit(name, args, attrs, t)

    def emit(self, name: str, args: Args, attrs: Attrs, t: ArrayType) -> Value:
        """The operation as it stands, shared with an equal one in scope."""
        return self.emit_all(name, args, attrs, (t,))[0]

    def emit_all(self, name: str, args: Args, attrs: Attrs, types: Types) -> Sequence[Value]:
        """The same for any number of results."""
        if not self.sharing:
            return self.append(name, args, attrs, types)
        key = key_of(name, args, attrs)
        found = self.known.get(key)
        if found is None and name in COMMUTATIVE:
            found = self.known.get((name, args[::-1]))
        if found is not None:
            return found
        if self.hoist is not None and self.frames[-1].turning and worth_moving(name, types[0]):
            level = self.hoist.level(name, args, attrs)
            if level < len(self.frames) - 1:
                return self.hoist.emit(name, args, attrs, types, level)
        return self.emit_at(-1, name, args, attrs, types)

    def emit_at(self, level: int, name: str, args: Args, attrs: Attrs, types: Types) -> Sequence[Value]:
        """The operation in a block around, known from there on."""
        frame, key = self.frames[level], key_of(name, args, attrs)
        found = self.known.get(key)
        if found is not None and self.level_of(found[0]) <= self.levels[frame.block]:
            return found
        new = self.append(name, args, attrs, types, frame.block)
        self.known[key] = new
        frame.added.append(key)
        return new

    def append(self, name: str, args: Args, attrs: Attrs, types: Types, block: Block | None = None
               ) -> Sequence[Value]:
        op = Op(name, args, attrs, types, (), self.loc)
        self.place(op, block)
        return op.results

    def place(self, op: Op, block: Block | None = None) -> None:
        """Put a finished operation at the end of a block, the innermost if not said otherwise."""
        block = block or self.block
        block.ops.append(op)
        for r in op.results:
            self.home[r] = block

    # the operations that rules ask for most, themselves where nothing changes -----------------------------------------
    def const(self, value: Any, dtype: DType, shape: tuple[Any, ...] = ()) -> Value:
        """A number repeated over `shape`, or an array of that shape."""
        a = np.asarray(value, dtype.np)
        return self.build("const", (), {"value": frozen(np.array(a)), "shape": shape}, ArrayType(dtype, shape))

    def full(self, value: Any, t: ArrayType) -> Value:
        return self.const(value, t.dtype, t.shape)

    def splat(self, v: Value, shape: tuple[Any, ...]) -> Value:
        """The repeated constant v in another shape."""
        return self.const(splat_of(v), v.dtype, shape)

    def broadcast(self, x: Value, shape: tuple[Any, ...], dims: tuple[int, ...]) -> Value:
        return self.make("broadcast", x, shape=shape, dims=dims)

    def reshape(self, x: Value, shape: tuple[Any, ...]) -> Value:
        return x if x.type.shape == shape else self.make("reshape", x, shape=shape)

    def transpose(self, x: Value, perm: tuple[int, ...]) -> Value:
        return x if perm == tuple(range(len(perm))) else self.make("transpose", x, perm=perm)

    def slice(self, x: Value, starts: tuple[Any, ...], sizes: tuple[Any, ...], steps: tuple[int, ...]) -> Value:
        return self.make("slice", x, starts=starts, sizes=sizes, steps=steps)
