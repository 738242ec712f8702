"""What computes a recording: its values, or cotangents of them pulled back to its inputs.

A kernel belongs to a node of the trie and to what is wanted there. Its first runs are interpreted; the one behind them
is compiled. How many depends on the program alone, never on the clock, so that two runs of a script give the same
numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from ..api import backends, config
from ..errors import UnsupportedError
from ..ir import OPS, Block, Builder, Func, Op, Value
from ..ir.prepared import prepared
from ..ir.sizes import deciding
from ..passes import optimize
from ..passes.dce import dce
from ..passes.vjp import cotangents
from ..processes import Lock, uncollected
from ..runtime import artefact
from ..runtime.call_convention import MISS
from ..runtime.entry_spec import ArraySpec, EntrySpec, FloatSpec, OutputSpec
from .tensor_types import CONSTANT
from .traced_calls import sliced
from .trie import TensorCall, TracedForm, TrieNode, is_table

if TYPE_CHECKING:
    from .open_trace import OpenTrace
    from .recording import Recording

INTERPRETED_RUNS = 64
"""So many runs of a small program are interpreted: some 4 ms, where a compilation takes 30."""
ELEMENTS = 20_000
"""A program on so many elements counts as half that many runs; on more, as fewer."""

OPERATIONS = 32
"""So many operations are another run that is interpreted, at the least: they take 100 ms to compile, and half a
millisecond to interpret."""

_lock = Lock()


class TensorKernel:
    """A function of a recording's inputs, and of what is given besides."""

    def __init__(self, func: Func, numbers: Sequence[bool], captured: Sequence[np.ndarray]):
        self.func = func
        self.numbers = numbers
        self.captured = tuple(captured)
        self.runs = 0
        self.limit = runs_interpreted(func)
        self.interpreted: Callable[[Sequence[Any]], Sequence[np.ndarray]] | None = None
        self.compiled: Callable[..., Any] | None = None
        self.entry: Any = None
        self.refused = False
        """Whether there is no machine code for it (yet)."""

    def run(self, inputs: Sequence[Any]) -> Sequence[np.ndarray]:
        """The results, as fresh arrays."""
        if self.compiled is not None:
            found = self.compiled(*inputs, *self.captured)
            if found is not MISS:
                return found
        return self.run_slowly(inputs)

    def run_slowly(self, inputs: Sequence[Any]) -> Sequence[np.ndarray]:
        self.runs += 1
        if self.runs > self.limit and self.compiled is None and not self.refused:
            with _lock:
                if self.compiled is None:
                    self.compile()
            return self.run(inputs)
        if self.interpreted is None:
            self.interpreted = prepared(self.func)
        return self.interpreted([*inputs, *self.captured])

    def compile(self) -> None:
        with uncollected():
            func = optimize(self.func)
            try:
                self.entry = entry_of(self.func, func, self.numbers)
            except UnsupportedError:
                self.refused = True
                return
        self.compiled = self.entry.call
        self.interpreted = None


def runs_interpreted(func: Func) -> int:
    """How many runs of a program are interpreted before it is compiled. gj.config can ask for more."""
    size = sum(r.type.size if r.type.is_static else 0 for op in func.ops for r in op.results)
    asked = config.interpreted_calls if config.tier == "interpret" else 0
    return max(2, len(func.ops) // OPERATIONS, INTERPRETED_RUNS * ELEMENTS // (ELEMENTS + size), asked)


def entry_of(interface: Func, func: Func, numbers: Sequence[bool]) -> Any:
    """A function's machine code, which takes arrays in row-major order, and floats where it says so.

    interface: the function as it was recorded, which says what is taken and given. func: what is compiled.
    """
    parameters = tuple(FloatSpec() if is_number else ArraySpec(p.dtype.np, p.type.extents)
                       for p, is_number in zip(interface.params, numbers, strict=True))
    outputs = tuple(OutputSpec(r.dtype.np, r.type.extents, "array") for r in interface.results)
    made = artefact.kernel_of(func, [None] * len(parameters), lambda name: None)
    kernel = made.kernel
    errors = tuple((c.error, c.describe if c.is_described else c.describe(0, 0)) for c in kernel.checks)
    spec = EntrySpec(parameters, outputs, tuple(range(len(outputs))), errors=errors,
                     workspace_bytes=kernel.workspace_bytes, release_gil=kernel.work > backends.GIL_WORK,
                     kept=made.objects)
    return artefact.loaded(kernel, spec, made.objects)


# made from a node -----------------------------------------------------------------------------------------------------
def function_of(t: OpenTrace, results: Sequence[Value]) -> tuple[Func, list[bool], list[np.ndarray]]:
    """What was recorded, as a function of the inputs, of what was read from outside, and then of tables of its own;
    which inputs are numbers."""
    hidden = list(t.recorder.captured.values())
    if not hidden:
        return straight(t.inputs, t.recorder.block.ops, results), [v in t.number_inputs for v in t.inputs], []
    read, tables = [c for c in hidden if not is_table(c)], [c for c in hidden if is_table(c)]
    func = straight((*t.inputs, *(c.value for c in (*read, *tables))), t.recorder.block.ops, results)
    numbers = [v in t.number_inputs for v in t.inputs] + [False] * len(hidden)
    return func, numbers, [c.array for c in tables]


def function_until(traced: TracedForm, results: Sequence[Value]) -> tuple[Func, list[bool], list[np.ndarray]]:
    """The same of what a trace had recorded when it came by."""
    t = traced.trace()
    assert t is not None
    inputs = t.inputs[:traced.inputs]
    return straight(inputs, t.recorder.block.ops[:traced.ops], results), [v in t.number_inputs for v in inputs], []


def straight(inputs: Sequence[Value], ops: Sequence[Op], results: Sequence[Value]) -> Func:
    block = Block()
    block.params, block.ops, block.results = tuple(inputs), list(ops), tuple(results)
    return Func("tensors", block)


def live(func: Func) -> Func:
    """The function without what no result depends on. A straight program shares its operations with what is given."""
    if any(op.regions or OPS[op.name].moves_record for op in func.ops):
        return dce(func)
    needed = set(func.results)
    kept: list[Op] = []
    for op in reversed(func.ops):
        if OPS[op.name].effect or not needed.isdisjoint(op.results):
            kept.append(op)
            needed.update(op.uses())
    func.body.ops = kept[::-1]
    return func


def values(node: TrieNode, wanted: tuple[int, ...], recording: Recording) -> TensorKernel:
    """The kernel that computes the tensors of these slots."""
    found = node.kernels.get(wanted)
    if found is None:
        with deciding(False):
            known = node.traced_values(wanted) if recording.open_trace() is None else None
            if known is None:
                with trace_at(node, recording) as t:
                    func, numbers, captured = function_of(t, t.values(wanted))
            else:
                func, numbers, captured = function_until(*known)
            found = node.kernels[wanted] = TensorKernel(live(func), numbers, captured)
    return found


@contextmanager
def trace_at(node: TrieNode, recording: Recording | None = None) -> Iterator[OpenTrace]:
    """The trace that stands at a node: the recording's own, one that was left there, or a new one."""
    own = None if recording is None else recording.open_trace()
    t = own or node.continued() or node.opened()
    yield t
    if own is None:
        node.leave(t)


def value_alone(node: TrieNode, slot: int) -> TensorKernel:
    """The kernel that computes one tensor and nothing besides: no check that belongs to another."""
    key = "alone", slot
    found = node.kernels.get(key)
    if found is None:
        with deciding(False):
            with trace_at(node) as t:
                func, numbers, captured = function_of(t, t.values([slot]))
            alone = sliced(func.params, func.results, func.ops, len(func.ops))
            found = node.kernels[key] = TensorKernel(alone, numbers, captured)
    return found


class PullKernel:
    """Values, and cotangents of inputs.

    reached: the positions in `sites` of those that have a cotangent; the kernel gives them behind the values.
    cone: the slots that the targets depend on.
    """

    def __init__(self, kernel: TensorKernel, reached: tuple[int, ...], cone: frozenset[int]):
        self.kernel = kernel
        self.reached = reached
        self.cone = cone


def pull(node: TrieNode, wanted: tuple[int, ...], targets: tuple[int, ...], sites: tuple[int, ...],
         ends: tuple[int, ...], given: bool, recording: Recording | None = None) -> PullKernel:
    """The kernel that computes the tensors `wanted`, and pulls cotangents of `targets` back to `sites`."""
    key = wanted, targets, sites, ends, given
    found = node.kernels.get(key)
    if found is None:
        with trace_at(node, recording) as t:
            found = node.kernels[key] = pull_kernel(node, t, *key)
    return found


def pull_kernel(node: TrieNode, t: OpenTrace, wanted: tuple[int, ...], targets: tuple[int, ...], sites: tuple[int, ...],
                ends: tuple[int, ...], given: bool) -> PullKernel:
    with deciding(False):
        # what came in and was written to unseen has the cotangent of an end at which it waits, and goes on from there
        waiting = {v for slot in ends if slot not in targets for v in t.site_values(slot)}
        own = [(slot, v) for slot in sites for v in t.site_values(slot) if slot >= 0 or v not in waiting]
        results = [*t.values(wanted), *t.values(targets), *(v for _, v in own)]
        func, numbers, captured = function_of(t, results)
        first = len(wanted) + len(targets)
        at_ends = [first + k for k, (slot, _) in enumerate(own) if slot in ends and slot not in targets]
        cone = ancestors(t, results[len(wanted):first])
        used = used_for(node, t, targets)
        func, arrived = cotangents(func, range(len(wanted), first), range(first, len(results)), at_ends, given=given)
        behind = func.results[len(results):]
        summed: dict[int, Value] = {}
        b = Builder(func.body)
        for k, ct in zip(arrived, behind, strict=True):
            slot = own[k - first][0]
            summed[slot] = b.add(summed[slot], ct) if slot in summed else ct
        for slot, v in own:  # a variable that was used, if only by what has no slope
            if slot not in summed and (slot if slot >= 0 else ~slot) in used and not t.watches(slot):
                summed[slot] = b.zeros(v.type)
        func.body.results = (*func.results[:len(wanted)], *summed.values())
        inputs = len(numbers) - len(captured)
        if given:  # cotangents stand behind the tables there, and before them here
            cts = func.params[len(numbers):]
            func.body.params = (*func.params[:inputs], *cts, *func.params[inputs:len(numbers)])
            for k, p in enumerate(func.body.params):
                p.index = k
            numbers = [*numbers[:inputs], *[False] * len(cts), *numbers[inputs:]]
        kernel = TensorKernel(live(func), numbers, captured)
    return PullKernel(kernel, tuple(sites.index(slot) for slot in summed), cone)


def used_for(node: TrieNode, t: OpenTrace, targets: Sequence[int]) -> set[int]:
    """The roots of the tensors that steps with derivatives lead from to the targets, whatever their slopes are."""
    found = {t.roots[k] for k in targets}
    others: set[int] = set()
    """Those that were other variables then."""
    at: TrieNode | None = node
    while at is not None:
        step = at.step
        if isinstance(step, TensorCall) and at.grad_enabled:
            given = [m.slot for m in at.made if m.type.role != CONSTANT and not m.is_detached]
            given += [step.operands[e.operand] for e in at.effects if e.type.role != CONSTANT]
            if any(t.roots[k] in found for k in given):
                found.update(t.roots[k] for k in step.operands if t.role(k) != CONSTANT and t.roots[k] not in others)
            others.update(t.roots[step.operands[e.operand]] for e in at.effects if e.is_new_variable)
        at = at.parent
    return found


def behind(values: Sequence[Value]) -> set[Value]:
    """The values that values depend on, these included."""
    found: set[Value] = set()
    todo = list(values)
    while todo:
        v = todo.pop()
        if v not in found:
            found.add(v)
            if v.op is not None:
                todo += v.op.operands
    return found


def last_made(node: TrieNode, slots: Sequence[int]) -> int:
    """The slot of a variable that none of the others comes from. (A variable may come from one of a higher slot, which
    was written into it.)"""
    key = "last", tuple(slots)
    found = node.kernels.get(key)
    if found is None:
        with trace_at(node) as t:
            sites = {s: t.site_values(s) for s in slots}
        sources = {s: behind(sites[s]) for s in slots}
        found = node.kernels[key] = next(
            s for s in slots if all(o == s or sources[o].isdisjoint(sites[s]) for o in slots))
    return int(found)


def ancestors(t: OpenTrace, values: Sequence[Value]) -> frozenset[int]:
    """The slots of the tensors that values depend on, theirs included."""
    found = behind(values)
    return frozenset(k for k, h in enumerate(t.handles)
                     if isinstance(h._content, Value) and h._content in found)


__all__ = ["PullKernel", "TensorKernel", "pull", "values"]
