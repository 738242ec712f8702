"""Checks that IR is well formed.

Invariants:
1. Every operation is in the table, with the attributes that its declaration names and the right number of operands.
2. Result types are those that the operation's type rule infers.
3. Dominance: a value is used after its definition, in the same block or in a region nested behind it. Index values
   inside attributes and types count as uses.
4. A value is defined once; operations and blocks own the values they define.
5. Regions take and yield the types that their operation's rule asks for.
6. Index values in extents have the type i64[].
7. Operations on memory belong to programs of buffers (`codegen/buffers`), not to functions of arrays.
8. What a `call` gives and gets agrees with the function that it calls, in extents that are parameters of that, too.
   That function has no effects, takes and returns no tapes, and is well formed itself.
9. A tape value has at most one use on every path: the branches of an `if` are paths of their own, and a loop uses none
   from outside other than as an initial value.

Not checked, as it is only known when the program runs: that computed starts, indices and extents are in range and agree
with each other, and that what is popped has been pushed. The interpreter checks it. A trace has proven it, or has put
the check into the program; `guards.guarded` puts it into a program of another origin.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import GradjitError, IRError
from .core import Block, Func, Module, Op, Value, captures, walk
from .ops import OPS, checked_types
from .printer import FunctionPrinter
from .types import TAPE, ArrayType, defect


class _Checker:
    def __init__(self, called: set[Func], memory: bool = False) -> None:
        self.errors: list[tuple[Op | None, str]] = []
        self.called = called
        self.memory = memory

    def fail(self, op: Op | None, message: str) -> None:
        self.errors.append((op, message))

    def block(self, block: Block, scope: set[Value]) -> None:
        scope = set(scope)
        for p in block.params:
            self.define(p, block, scope, None)
        for op in block.ops:
            self.op(op, scope)
        for v in block.results:
            if v not in scope:
                self.fail(None, f"yields {v!r}, which is not defined here")

    def linear(self, block: Block) -> set[Value]:
        """The tapes that a block uses, each of which it may use once. A branch stands for all in the count."""
        used: set[Value] = set()

        def use(values: Iterable[Value], op: Op | None) -> None:
            for v in values:
                if v.dtype is TAPE:
                    if v in used:
                        self.fail(op, f"the tape {v!r} is used twice")
                    used.add(v)

        for op in block.ops:
            use(op.operands, op)
            paths = [self.linear(r) for r in op.regions]
            if op.name == "if":
                use({v for path in paths for v in path if v in set(captures(op))}, op)
            else:
                self.no_tapes(op)
        use(block.results, None)
        return used

    def no_tapes(self, op: Op) -> None:
        if op.regions and any(v.dtype is TAPE for v in captures(op)):
            self.fail(op, "a loop uses a tape from outside in each iteration; it must carry it")

    def define(self, v: Value, owner: Op | Block, scope: set[Value], op: Op | None) -> None:
        self.extents(v.type, scope, op)
        if v in scope:
            self.fail(op, f"{v!r} is defined twice")
        if v.owner is not owner:
            self.fail(op, f"{v!r} has another owner")
        scope.add(v)

    def extents(self, t: ArrayType, scope: set[Value], op: Op | None) -> None:
        for e in t.shape:
            if isinstance(e, Value) and e not in scope:
                self.fail(op, f"the extent {e!r} is no index value defined before")
        if (wrong := defect(t)) is not None:
            self.fail(op, wrong)

    def op(self, op: Op, scope: set[Value]) -> None:
        for v in op.uses():
            if v not in scope:
                self.fail(op, f"uses {v!r}, which is not defined before")
        spec = OPS.get(op.name)
        if spec is None:
            self.fail(op, f"unknown operation {op.name!r}")
        elif spec.family == "homes" and not self.memory:
            self.fail(op, f"{op.name} is for programs whose values stand in memory")
        elif not set(spec.attrs) - set(spec.defaults) <= set(op.attrs) <= set(spec.attrs):
            self.fail(op, f"attributes {sorted(op.attrs)}, expected {sorted(spec.attrs)}")
        elif len(op.regions) != spec.regions or (spec.arity is not None and len(op.operands) != spec.arity):
            self.fail(op, f"{len(op.operands)} operands and {len(op.regions)} regions")
        else:
            self.types(op)
        for r in op.regions:
            self.block(r, scope)
        for v in op.results:
            self.define(v, op, scope, op)

    def types(self, op: Op) -> None:
        spec, types = OPS[op.name], [v.type for v in op.operands]
        declared = tuple(v.type for v in op.results)
        try:
            inferred = checked_types(spec, types, op.attrs, declared)
        except GradjitError as e:
            return self.fail(op, str(e))
        if tuple(inferred) != declared:
            self.fail(op, f"{op.name} gives {list(inferred)}, declared {list(declared)}")
        if spec.check_regions:
            for text in spec.check_regions(types, op.attrs, op.regions):
                self.fail(op, text)
        if op.name == "call":
            self.call(op)
        if op.name == "if" and [v.type for v in op.regions[0].results] != list(declared):
            self.fail(op, f"if: then yields other types than the declared {list(declared)}")
        return None


    def call(self, op: Op) -> None:
        callee: Func = op.attrs["callee"]
        given = dict(zip(callee.params, op.operands, strict=True))
        for inner, outer in (*given.items(), *zip(callee.results, op.results, strict=True)):
            for e, f in zip(inner.shape, outer.shape, strict=True):
                if given.get(e, e) is not f and (isinstance(e, int) or e in given):
                    self.fail(op, f"call: {outer!r} where @{callee.name} has {inner!r}")
        if callee not in self.called:
            self.called.add(callee)
            if any(OPS[inner.name].effect for inner in walk(callee.body) if inner.name in OPS):
                self.fail(op, f"call: @{callee.name} has effects")
            self.errors += [(inner, f"in @{callee.name}: {text}") for inner, text in errors_of(callee, self.called)]


def errors_of(func: Func, called: set[Func] | None = None, memory: bool = False) -> list[tuple[Op | None, str]]:
    """All that is wrong with a function: the operation at fault (None for a block's parameters or end), what it is.

    called: functions that have been checked; those that this one calls are added. memory: whether values may stand in
    memory.
    """
    c = _Checker(set() if called is None else called, memory)
    c.block(func.body, set())
    if any(v.dtype is TAPE for v in (*func.params, *func.results)):
        c.fail(None, "a tape enters or leaves the function")
    if any(op.name == "tape" for op in walk(func.body)):
        c.linear(func.body)
    return c.errors


def verify(what: Func | Module) -> None:
    """Raise IRError that lists every error beside the operation at fault, with the user's file and line."""
    if isinstance(what, Module):
        for f in what.funcs.values():
            verify(f)
        return
    found = errors_of(what)
    if found:
        text = _text(what)
        listed = "\n".join(f"  {_where(op)}{message}" for op, message in found)
        raise IRError(f"@{what.name} is not well formed:\n{listed}\n{text}")


def _text(func: Func) -> str:
    """The function, as far as what is wrong with it lets it be printed."""
    try:
        return FunctionPrinter().func(func)
    except Exception as e:  # an attribute of the wrong kind, an unknown operation
        return f"(it cannot be printed: {type(e).__name__}: {e})"


def _where(op: Op | None) -> str:
    if op is None:
        return "at the parameters or the end of a block: "
    return f"{op.name}" + (f" ({op.loc})" if op.loc else "") + ": "
