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
from ..ir.attrs import EXTENTS, TYPES, frozen
from ..ir.core import map_attr, map_type
from ..ir.rewrite import Env, new_block
from . import regions
from .cse import COMMUTATIVE, key_of
from .fold import fold, splat_of
from .liveness import Liveness

Attrs = dict[str, Any]
Args = tuple[Value, ...]
Rule = Callable[["Rewriter", Args, Attrs], "Value | None"]
"""What an operation on rebuilt operands can become; None where the pattern does not fit."""
RegionRule = Callable[["Rewriter", Op, Env], bool]
"""Rebuilds an operation with regions in another way and binds its results in `env`; False where it does not fit."""

LINEAR = frozenset({"tape", "push", "pop"})
"""What works on a tape, which is used linearly."""
_WITH_EXTENTS = {name: tuple(a for a, kind in spec.attrs.items() if kind in (EXTENTS, TYPES))
                 for name, spec in OPS.items()}


class Rewriter:
    """Rebuilds a function. `again` becomes true where another walk may find more."""

    def __init__(self, rules: Mapping[str, Sequence[Rule]] | None = None,
                 region_rules: Mapping[str, Sequence[RegionRule]] | None = None, *, fold: bool = True,
                 share: bool = True):
        self.rules = rules or {}
        self.region_rules = region_rules or {}
        self.folding = fold
        self.sharing = share
        self.again = False
        self.block = Block()
        self.loc: Loc | None = None
        self.known: dict[Any, Value] = {}
        self.added: list[Any] = []
        self.uses: dict[Value, int] = {}
        self.home: dict[Value, Block] = {}

    # the walk ---------------------------------------------------------------------------------------------------------
    def run(self, func: Func) -> Func:
        self.live = Liveness(func)
        env: Env = {}
        with np.errstate(all="ignore"):
            return Func(func.name, self.region(func.body, env))

    def region(self, old: Block, env: Env, keep: Sequence[int] | None = None) -> Block:
        """A rebuilt block with all parameters and the results at `keep` (all without it)."""
        return self.fill(new_block(old.params, env), old, env, keep)

    def fill(self, fresh: Block, old: Block, env: Env, keep: Sequence[int] | None = None) -> Block:
        """Rebuild the operations of `old` into `fresh`. What is shared inside is forgotten behind it."""
        outer, mark, self.block = self.block, len(self.added), fresh
        self.inline(old, env)
        fresh.results = tuple([env[v] for v in (old.results if keep is None else [old.results[k] for k in keep])])
        self.block = outer
        for key in self.added[mark:]:
            del self.known[key]
        del self.added[mark:]
        return fresh

    def inline(self, old: Block, env: Env) -> None:
        """Rebuild the operations of a block into the current one."""
        counted = self.live.counted
        for op in old.ops:
            if op in counted:
                self.op(op, env)

    def op(self, op: Op, env: Env) -> None:
        self.loc = op.loc
        if op.regions:
            if not any(rule(self, op, env) for rule in self.region_rules.get(op.name, ())):
                regions.REBUILD[op.name](self, op, env)
            return
        attrs = op.attrs
        for a in _WITH_EXTENTS[op.name]:
            changed = map_attr(attrs[a], env.__getitem__)
            if changed is not attrs[a]:
                attrs = {**attrs, a: changed}
        if op.name in LINEAR:
            self.once(op, attrs, env)
            return
        old = op.results[0]
        new = self.build(op.name, tuple([env[v] for v in op.operands]), attrs, map_type(old.type, env.__getitem__))
        self.bind(old, new, env)

    def once(self, op: Op, attrs: Attrs, env: Env) -> None:
        """Rebuild an operation that is neither folded nor shared with another."""
        types = tuple([map_type(r.type, env.__getitem__) for r in op.results])
        new = Op(op.name, tuple([env[v] for v in op.operands]), attrs, types, (), op.loc)
        self.block.ops.append(new)
        for r, fresh in zip(op.results, new.results, strict=True):
            self.home[fresh] = self.block
            self.bind(r, fresh, env)

    def bind(self, old: Value, new: Value, env: Env) -> None:
        """`old` has become `new`."""
        env[old] = new
        if old.name and not new.name:
            new.name = old.name
        self.uses[new] = self.uses.get(new, 0) + self.live.uses.get(old, 0)

    def is_used_once(self, v: Value) -> bool:
        """Whether, as far as known, v has one reader, and v is computed in the same block.

        A rule that repeats v's work in place of v asks this: for a second reader, or in a loop behind v, it would lose.
        """
        return self.uses.get(v, 0) <= 1 and self.home.get(v) is self.block

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
        if not self.sharing:
            return self.append(name, args, attrs, t)
        key = key_of(name, args, attrs)
        found = self.known.get(key)
        if found is None and name in COMMUTATIVE:
            found = self.known.get((name, args[::-1]))
        if found is None:
            found = self.known[key] = self.append(name, args, attrs, t)
            self.added.append(key)
        return found

    def append(self, name: str, args: Args, attrs: Attrs, t: ArrayType) -> Value:
        op = Op(name, args, attrs, (t,), (), self.loc)
        self.block.ops.append(op)
        self.home[op.results[0]] = self.block
        return op.results[0]

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
