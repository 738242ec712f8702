"""Runs the loop IR in Python, one element at a time. Slow: the judge of its passes and of machine code.

An expression is evaluated at its first need, in the scope of the loop that binds its variables, and what a `for` does
not change in front of it, as the emitter does; lanes, unrolling and the like change nothing here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...errors import ArgumentError, BoundsError, IRError
from ...ir import OPS
from ...ir.ops.custom import FUNCTIONS
from ...ir.ops.effects import asserted, exception, tell
from ...ir.sizes import Dim, Size, is_open
from ..affine import Affine, Var
from ..loops import (
    Accumulate,
    Accumulator,
    Assign,
    Buffer,
    Call,
    Cell,
    Chunks,
    Exchange,
    Finish,
    IfStmt,
    Let,
    LoopStmt,
    Node,
    Pop,
    Program,
    Push,
    Repeat,
    Rewind,
    Start,
    Stmt,
    Store,
    Tape,
    View,
    WhileStmt,
    in_order,
    inner,
)
from ..numbers import identity
from . import lapack_meaning

COMBINE: dict[str, Callable[[Any, Any], Any]] = {
    "sum": np.add, "cumsum": np.add, "prod": np.multiply, "max": np.maximum, "min": np.minimum, "any": np.logical_or,
    "all": np.logical_and,
}


class BufferMemory:
    """The elements of a buffer; address 0 stands at `origin` (strides may be negative)."""

    def __init__(self, b: Buffer, given: np.ndarray | None = None):
        shape = b.shape
        strides = b.strides or row_major(shape)
        reach = [(n - 1) * s for n, s in zip(shape, strides, strict=True)] if 0 not in shape else []
        self.origin = -sum(min(r, 0) for r in reach)
        size = self.origin + sum(max(r, 0) for r in reach) + 1
        self.flat = np.zeros(max(size, b.size), b.dtype.np)
        if given is not None and given.size:
            self.window(0, shape, strides)[...] = given

    def window(self, offset: int, shape: Sequence[int], strides: Sequence[int]) -> np.ndarray:
        """A view of elements."""
        if 0 in shape:
            return np.zeros(shape, self.flat.dtype)
        step = self.flat.dtype.itemsize
        return np.lib.stride_tricks.as_strided(self.flat[self.place(offset):], shape, [s * step for s in strides])

    def place(self, address: int) -> int:
        at = self.origin + address
        if not 0 <= at < len(self.flat):
            raise IRError(f"address {address} is outside of memory of {len(self.flat)} elements")
        return at


def row_major(shape: Sequence[int]) -> tuple[int, ...]:
    strides, n = [], 1
    for e in reversed(shape):
        strides.append(n)
        n *= max(e, 1)
    return tuple(reversed(strides))


class Scope:
    """The values known in a loop body, and around it."""

    def __init__(self, outer: Scope | None, var: Var | None = None, at: int = 0):
        self.outer = outer
        self.var, self.at = var, at
        self.values: dict[Node, Any] = {}

    def find(self, n: Node) -> Any:
        scope: Scope | None = self
        while scope is not None:
            if n in scope.values:
                return scope.values[n]
            scope = scope.outer
        return None

    def position(self, var: Var) -> int:
        scope: Scope | None = self
        while scope is not None:
            if scope.var is var:
                return scope.at
            scope = scope.outer
        raise IRError(f"{var!r} is not in scope")

    def vars(self) -> set[Var | None]:
        scope, found = self, {self.var}
        while scope.outer is not None:
            scope = scope.outer
            found.add(scope.var)
        return found


class Interpreter:
    """One run of a kernel."""

    def __init__(self, p: Program, args: Sequence[Any], backwards: bool = False):
        if len(args) != len(p.inputs):
            raise TypeError(f"@{p.name} takes {len(p.inputs)} arguments, got {len(args)}")
        self.p = p
        self.memory: dict[Buffer, BufferMemory] = {}
        for b, a in zip(p.inputs, args, strict=True):
            self.memory[b] = BufferMemory(b, np.asarray(a, b.dtype.np))
        for b in (*p.outputs, *p.workspace):
            self.memory[b] = BufferMemory(b)
        for b in p.literals:
            self.memory[b] = BufferMemory(b, b.data)
        self.scope = Scope(None)
        self.accumulators: dict[Accumulator, Any] = {}
        self.positions: dict[Accumulator, int] = {}
        self.cells: dict[Cell, Any] = {}
        self.tapes: dict[Tape, list[list[BufferMemory]]] = {}
        self.used: dict[Tape, int] = {}
        """How many records of a tape there are: those behind them are memory that the next ones get."""
        self.dims: dict[Dim, int] = {}
        self.backwards = backwards

    def run(self) -> list[np.ndarray]:
        with np.errstate(all="ignore"):
            self.block(self.p.body)
        return [self.memory[b].window(0, b.shape, row_major(b.shape)).copy() for b in self.p.outputs]

    # values -----------------------------------------------------------------------------------------------------------
    def value(self, n: Node) -> Any:
        if n.kind == "const":
            return n.attrs
        found = self.scope.find(n)
        if found is not None:
            return found
        for x in in_order(n, lambda x: x.kind == "const" or self.scope.find(x) is not None):
            self.scope.values[x] = x.dtype.np.type(EVALUATE[x.kind](self, x)) if x.kind != "version" else 0
        return self.scope.values[n]

    def number(self, n: int) -> int:
        """A number; a size is one of the chunk that runs."""
        return n.at(self.dims) if type(n) is Size else n

    def address(self, a: Affine | int) -> int:
        if isinstance(a, int):
            return self.number(a)
        at = (w * (self.scope.position(atom) if isinstance(atom, Var) else int(self.value(atom)))
              for atom, w in a.terms.items())
        return self.number(a.const) + sum(at)

    def load(self, n: Node) -> Any:
        memory = self.memory[n.attrs[0]]
        return memory.flat[memory.place(self.address(n.attrs[1]))]

    def apply(self, n: Node) -> Any:
        op, attrs = n.attrs
        return OPS[op].evaluate(*(np.asarray(self.value(a)) for a in n.args), **dict(attrs))  # type: ignore[misc]

    def check(self, n: Node) -> Any:
        index, *extent = (int(self.value(a)) for a in n.args)
        limit = extent[0] if extent else n.attrs
        if not 0 <= index < limit:
            where = f" ({n.loc.full})" if n.loc else ""
            given = index if index >= 0 else index - limit
            raise BoundsError(f"index {given} is out of bounds for an axis with size {limit}{where}")
        return index

    def total(self, n: Node) -> Any:
        raise IRError(f"{n.attrs.name} is read before its loops end")

    # statements -------------------------------------------------------------------------------------------------------
    def block(self, body: Sequence[Stmt]) -> None:
        for s in body:
            STATEMENTS[type(s)](self, s)

    def inside(self, body: Sequence[Stmt], var: Var | None = None, at: int = 0) -> None:
        self.scope = Scope(self.scope, var, at)
        self.block(body)
        assert self.scope.outer is not None
        self.scope = self.scope.outer

    def loop(self, s: LoopStmt) -> None:
        n = self.number(s.var.extent) if s.trip_count is None else int(self.value(s.trip_count))
        if n <= 0:
            return
        outside = self.scope.vars()
        for x in nested(s):
            for root in (x.node,) if isinstance(x, (Store, Accumulate)) else ():
                for node in in_order(root, lambda _: False):
                    if node.vars <= outside and node.kind in ("load", "apply"):
                        self.value(node)
        for k in range(n):
            self.inside(s.body, s.var, self.number(s.var.lo) + k)

    def chunks(self, s: Chunks) -> None:
        every = list(enumerate(s.sizes.bounds(s.extent)))
        before = self.memory, self.cells, self.used
        for k, (lo, trip_count) in reversed(every) if self.backwards else every:
            self.dims.update({s.lo: lo, s.trip_count: trip_count})
            self.memory, self.cells, self.used = (dict(x) for x in before)  # type: ignore[assignment]
            self.inside(s.body, s.var, k)
        self.memory, self.cells, self.used = before
        self.inside(s.moves)

    def store(self, s: Store) -> None:
        v, memory = self.value(s.node), self.memory[s.buffer]
        at = memory.place(self.address(s.address))
        memory.flat[at] = self.combined(s, s.combine, memory.flat[at]) if s.combine else v

    def combined(self, s: Store | Accumulate, how: str, old: Any) -> Any:
        """A value and that of a statement as one."""
        if s.fused:
            return OPS["fma"].evaluate(*(np.asarray(self.value(x)) for x in s.node.args), old)  # type: ignore[misc]
        return COMBINE[how](old, self.value(s.node))

    def start(self, s: Start) -> None:
        op = {"argmax": "max", "argmin": "min"}.get(s.acc.op, s.acc.op)
        self.accumulators[s.acc] = s.acc.dtype.np.type(identity(op, s.acc.dtype))
        self.positions[s.acc] = 0

    def accumulate(self, s: Accumulate) -> None:
        v, old = self.value(s.node), self.accumulators[s.acc]
        if s.position is not None:
            better = v > old if s.acc.op == "argmax" else v < old
            if better or (v != v and old == old):
                self.accumulators[s.acc], self.positions[s.acc] = v, self.address(s.position)
            return
        new = self.accumulators[s.acc] = s.acc.dtype.np.type(self.combined(s, s.acc.op, old))
        if s.store is not None:
            memory = self.memory[s.store[0]]
            memory.flat[memory.place(self.address(s.store[1]))] = new

    def finish(self, s: Finish) -> None:
        is_arg = s.acc.op in ("argmax", "argmin")
        self.scope.values[s.total] = np.int64(self.positions[s.acc]) if is_arg else self.accumulators[s.acc]

    def let(self, s: Let) -> None:
        self.value(s.node)

    def assign(self, s: Assign) -> None:
        values = [self.value(n) for n in s.nodes]
        self.cells.update(zip(s.cells, values, strict=True))

    def repeat(self, s: Repeat) -> None:
        for k in range(*(int(self.value(n)) for n in (s.lo, s.hi, s.step))):
            self.inside(s.body, s.var, k)

    def while_(self, s: WhileStmt) -> None:
        k, goes_on = 0, True
        while goes_on:
            self.scope = Scope(self.scope, s.var, k)
            self.block(s.head)
            goes_on = bool(self.value(s.cond))
            if goes_on:
                self.block(s.body)
            assert self.scope.outer is not None
            self.scope = self.scope.outer
            k += 1

    def if_(self, s: IfStmt) -> None:
        self.inside(s.then if self.value(s.cond) else s.other)

    def exchange(self, s: Exchange) -> None:
        self.memory[s.one], self.memory[s.other] = self.memory[s.other], self.memory[s.one]

    def rewind(self, s: Rewind) -> None:
        self.tapes[s.tape], self.used[s.tape] = [], 0

    def push(self, s: Push) -> None:
        records, at = self.tapes.setdefault(s.tape, []), self.used.get(s.tape, 0)
        wanted = [BufferMemory(b) for b, _ in s.entries]
        if at == len(records) or [len(m.flat) for m in records[at]] != [len(m.flat) for m in wanted]:
            records[at:] = [wanted]
        self.used[s.tape] = at + 1
        self.memory.update((b, m) for (b, _), m in zip(s.entries, records[at], strict=True))

    def pop(self, s: Pop) -> None:
        self.used[s.tape] -= 1
        record = self.tapes[s.tape][self.used[s.tape]]
        self.memory.update((b, record[k]) for k, (b, _) in enumerate(s.entries))

    def call(self, s: Call) -> None:
        reads, writes = ([self.window(v) for v in views] for views in (s.reads, s.writes))
        ROUTINES[s.routine](s, reads, writes)

    def window(self, v: View) -> np.ndarray:
        return self.memory[v.buffer].window(self.address(v.offset), [self.number(n) for n in v.shape], v.strides)


def nested(s: Stmt) -> list[Stmt]:
    return [s, *(y for block in inner(s) for x in block for y in nested(x))]


def cell_value(run: Interpreter, n: Node) -> Any:
    return run.cells[n.attrs[0]]


# routines -------------------------------------------------------------------------------------------------------------
def _gemm(s: Call, reads: list[np.ndarray], writes: list[np.ndarray]) -> None:
    writes[0][...] = np.matmul(*reads)


def _sort(s: Call, reads: list[np.ndarray], writes: list[np.ndarray]) -> None:
    writes[0][...] = np.sort(reads[0], axis=s.attrs["axis"])


def _argsort(s: Call, reads: list[np.ndarray], writes: list[np.ndarray]) -> None:
    writes[0][...] = np.argsort(reads[0], axis=s.attrs["axis"], kind="stable")


def _shown(s: Call, reads: list[np.ndarray]) -> list[np.ndarray]:
    """The arrays of an effect, as large as their computed extents are."""
    extents = s.attrs["extents"]
    arrays, computed = reads[:len(extents)], reads[len(extents):]
    return [a[tuple(slice(n if isinstance(n, int) else int(computed[n[1]])) for n in shape)].copy()
            for a, shape in zip(arrays, extents, strict=True)]


def _debug_print(s: Call, reads: list[np.ndarray], writes: list[np.ndarray]) -> None:
    tell(s.attrs["format"], _shown(s, reads), s.attrs.get("to", ""))


def _raise(s: Call, reads: list[np.ndarray], writes: list[np.ndarray]) -> None:
    raise exception(s.attrs["error"], s.attrs["message"], _shown(s, reads))


def _assert(s: Call, reads: list[np.ndarray], writes: list[np.ndarray]) -> None:
    if not reads[0]:
        where = f" ({s.loc.full})" if s.loc else ""
        raise asserted(s.attrs.get("error", "AssertionError"))(f"{s.attrs['message']}{where}")


def _opaque(s: Call, reads: list[np.ndarray], writes: list[np.ndarray]) -> None:
    made = FUNCTIONS[s.attrs["function"]]([a.copy() for a in reads], [(a.dtype, a.shape) for a in writes])
    for a, x in zip(writes, made, strict=True):
        a[...] = x


ROUTINES: dict[str, Callable[[Call, list[np.ndarray], list[np.ndarray]], None]] = {
    "gemm": _gemm, "sort": _sort, "argsort": _argsort, "debug_print": _debug_print, "raise": _raise,
    "assert": _assert, "opaque": _opaque, **lapack_meaning.ROUTINES,
}

EVALUATE: dict[str, Callable[[Interpreter, Node], Any]] = {
    "index": lambda run, n: run.address(n.attrs), "load": Interpreter.load, "apply": Interpreter.apply,
    "check": Interpreter.check, "total": Interpreter.total, "cell": cell_value,
}

STATEMENTS: dict[type[Stmt], Callable[[Interpreter, Any], None]] = {
    LoopStmt: Interpreter.loop, Store: Interpreter.store, Start: Interpreter.start, Accumulate: Interpreter.accumulate,
    Finish: Interpreter.finish, Let: Interpreter.let, Assign: Interpreter.assign, Repeat: Interpreter.repeat,
    WhileStmt: Interpreter.while_, IfStmt: Interpreter.if_, Exchange: Interpreter.exchange, Rewind: Interpreter.rewind,
    Chunks: Interpreter.chunks, Push: Interpreter.push, Pop: Interpreter.pop, Call: Interpreter.call,
}


def interpret(p: Program, args: Sequence[Any], backwards: bool = False) -> list[np.ndarray]:
    """The results of a kernel on arrays of its inputs' types; the arguments are not changed. Open sizes are those that
    the arrays have. backwards: run the last chunk of a loop first.

    Raises the error of a check that fails. An address outside of memory is an IRError: the kernel is wrong.
    """
    if p.sizes:
        from .parser import at_sizes
        found = {alone[0].name: (n - alone[2]) // alone[1] for b, a in zip(p.inputs, args, strict=True)
                 for e, n in zip(b.shape, np.shape(a), strict=True)
                 if is_open(e) and (alone := e.alone) is not None}
        p = at_sizes(p, found)
        if p.sizes:
            raise ArgumentError(f"no argument of @{p.name} tells {', '.join(d.name for d in p.sizes)}")
    return Interpreter(p, args, backwards).run()


__all__ = ["interpret"]
