"""Calls of compiled functions on tensors: `gj.jit(f)(t)`, `gj.grad(f)(t)`.

Such a call is traced once into the recording. What it read from outside is watched, as at every call of a compiled
function; its steps are kept as IR, so that a recording that is replayed later does not look at the world again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NoReturn

import numpy as np

from ..errors import GradjitError
from ..ir import OPS, Builder, Func, Op, Value, captures
from ..ir.clone import Env, copy_op, new_block
from ..ir.ops.custom import Rule
from ..tracer.array import ARRAY, TracedArray, root
from ..tracer.recorder import HiddenInput, current
from .open_trace import TensorSlot
from .trie import TensorCall


class TracedCall(TensorCall):
    """The step of such a call."""

    func: Func | None = None
    """What was traced: of the operands and of what is read from outside; the results, then the operands written to."""
    hidden: Sequence[HiddenInput] = ()
    result: Any = None
    writes: Sequence[int] = ()

    def __init__(self, call: Callable[[Sequence[Any]], Any], operands: Sequence[int], key: Any):
        super().__init__(self.step, operands, key)
        self.traced = call

    def note_line(self) -> None:
        """Its operations know their own lines."""

    def step(self, handles: list[Any]) -> Any:
        return self.first(handles) if self.func is None else self.again(handles, self.func)

    def first(self, handles: list[Any]) -> Any:
        """Trace the function."""
        recorder = current()
        known, start = len(recorder.captured), len(recorder.block.ops)
        before = [h.value for h in handles]
        versions = [h.version for h in handles]
        result = mapped(self.traced(handles), lambda h: root(h.content, h.home, ARRAY))  # a copy, as of compiled code
        make_rules(recorder.block.ops[start:])
        arrays: list[TracedArray] = []
        self.result = mapped(result, lambda h: placed(h, arrays))
        self.writes = [k for k, h in enumerate(handles) if h.version != versions[k]]
        self.hidden = list(recorder.captured.values())[known:]
        outs = [h.value for h in (*arrays, *(handles[k] for k in self.writes))]
        self.func = sliced([*before, *(c.value for c in self.hidden)], outs, recorder.block.ops, start)
        return result

    def again(self, handles: list[Any], func: Func) -> Any:
        """The same steps, from IR."""
        recorder = current()
        values = [h.value for h in handles]
        for c in self.hidden:
            made = recorder.capture(c.array, c.source)
            made.handle = c.handle
            values.append(made.value)
        outs = [root(v, recorder, ARRAY) for v in recorder.inline(func, values)]
        for k, new in zip(self.writes, outs[len(outs) - len(self.writes):], strict=True):
            handles[k].write(new)
        return filled_places(self.result, outs)


class MadeRule(Rule):
    """A derivative that the user has written, as IR already: what makes it is at home in the trace of the call."""

    def __init__(self, rule: Rule):
        super().__init__(rule.name.partition("#")[0], rule.refused)
        self.pull, self.push = made_now(rule.pull), made_now(rule.push)  # type: ignore[method-assign]


def made_now(make: Callable[[], Func | None]) -> Callable[[], Func | None]:
    """What gives the function again that is made now, or raises the error then that making it raised."""
    try:
        made = make()
    except GradjitError as e:
        error = e

        def refuse() -> NoReturn:
            raise error

        return refuse
    return lambda: made


def make_rules(ops: Iterable[Op]) -> None:
    for op in ops:
        if op.name == "custom" and not isinstance(op.attrs["rule"], MadeRule):
            op.attrs["rule"] = MadeRule(op.attrs["rule"])
        for region in op.regions:
            make_rules(region.ops)
        if isinstance(callee := op.attrs.get("callee"), Func):
            make_rules(callee.body.ops)


def placed(h: TracedArray, arrays: list[TracedArray]) -> TensorSlot:
    """The place of an array, which is the next one."""
    arrays.append(h)
    return TensorSlot(len(arrays) - 1)


def mapped(x: Any, f: Callable[[TracedArray], Any]) -> Any:
    """A result with something else in the place of each array."""
    if isinstance(x, np.generic | np.ndarray):
        x = root(np.asarray(x), None, ARRAY)
    if isinstance(x, TracedArray):
        return f(x)
    if isinstance(x, list | tuple):
        items = [mapped(i, f) for i in x]
        return type(x)(*items) if hasattr(x, "_fields") else type(x)(items)
    return {k: mapped(v, f) for k, v in x.items()} if isinstance(x, dict) else x


def filled_places(x: Any, arrays: Sequence[Any]) -> Any:
    """A result with these arrays in their places."""
    if isinstance(x, TensorSlot):
        return arrays[x.index]
    if isinstance(x, list | tuple):
        items = [filled_places(i, arrays) for i in x]
        return type(x)(*items) if hasattr(x, "_fields") else type(x)(items)
    return {k: filled_places(v, arrays) for k, v in x.items()} if isinstance(x, dict) else x


def sliced(params: Sequence[Value], results: Sequence[Value], ops: Sequence[Op], start: int) -> Func:
    """The operations that results are computed by from params, and those from `start` on that have an effect, as a
    function of its own."""
    given = set(params)
    needed: set[Op] = set()
    todo = [*results, *(v for op in ops[start:] if OPS[op.name].effect for v in read_by(op))]
    needed.update(op for op in ops[start:] if OPS[op.name].effect)
    while todo:
        v = todo.pop()
        if v not in given and v.op is not None and v.op not in needed:
            needed.add(v.op)
            todo += read_by(v.op)
    env: Env = {}
    block = new_block(params, env)
    b = Builder(block)
    for op in ops:
        if op in needed:
            copy_op(b, op, env)
    block.results = tuple(env[v] for v in results)
    return Func("called", block)


def read_by(op: Op) -> list[Value]:
    return [*op.uses(), *captures(op)]


__all__ = ["TracedCall"]
