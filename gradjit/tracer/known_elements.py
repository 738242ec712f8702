"""Elements that must be known although they come from outside: shapes that depend on them.

`x[mask]` with a mask computed from captured arrays alone (`y[~np.isnan(data)]`) has a shape that is known as long as
those arrays keep their elements. Such a value is computed while tracing, by the reference meaning of the operations
that lead to it, and a guard is left behind: when the arrays' elements change, the function is traced anew.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..ir import Op, Value
from ..ir.interpreter import evaluate
from ..ir.sizes import is_open
from ..records import dataclass
from .array import ARRAY, PYTHON, TracedArray
from .dispatch import arrays_in
from .guards import Source
from .outside import outside
from .recorder import HiddenInput, Recorder, current


@dataclass(frozen=True, eq=False)
class KnownElements:
    """An array from outside still has these elements, to the bit."""

    array: np.ndarray
    source: Source | None
    expected: np.ndarray

    def holds(self) -> bool:
        now: Any = self.array if self.source is None else self.source.read()
        return (isinstance(now, np.ndarray) and now.dtype == self.expected.dtype and now.shape == self.expected.shape
                and now.tobytes() == self.expected.tobytes())


def known_elements(x: TracedArray) -> np.ndarray | None:
    """The elements, where they depend on nothing but constants and captured arrays, which are then guarded."""
    if (known := x.known) is not None:
        return known
    recorder = current()
    used: dict[Any, HiddenInput] = {}
    found = _elements(x.value, recorder, used)
    if found is not None:
        for key, c in used.items():
            guard = KnownElements(c.array, c.source, np.array(c.array))
            outside(recorder).guards.setdefault(("elements", key), guard)
    return found


def known_copies(x: Any) -> Any:
    """An argument (list, tuple, dict of them) with copies of their elements in the place of handles; None if those of
    one are not known. All are looked at before any is watched."""
    return None if any(elements_if_known(h) is None for h in arrays_in(x)) else _copied(x)


def elements_if_known(h: TracedArray) -> np.ndarray | None:
    """The elements; nothing is watched."""
    return h.known if h.known is not None else _elements(h.value, current(), {})


def _copied(x: Any) -> Any:
    if isinstance(x, TracedArray):
        found = known_elements(x)
        assert found is not None
        return found.copy() if x.kind == ARRAY else found.item() if x.kind == PYTHON else found[()]
    if type(x) in (list, tuple):
        return type(x)(map(_copied, x))
    return {k: _copied(v) for k, v in x.items()} if type(x) is dict else x


def _elements(wanted: Value, recorder: Recorder, used: dict[Any, HiddenInput]) -> np.ndarray | None:
    """The value's elements; None where they depend on an argument. `used` collects the captured arrays."""
    env: dict[Value, np.ndarray] = {}
    todo = [wanted]
    while todo:
        v = todo[-1]
        if v in env:
            todo.pop()
            continue
        op = v.op
        if op is None:
            elements = _parameter(v, recorder, used)
            if elements is None:
                return None
            env[v] = elements
        elif op.regions or op.name == "size" or is_sized(op):
            return None
        elif missing := [u for u in op.uses() if u not in env]:
            todo += missing
        else:
            with np.errstate(all="ignore"):
                env.update(zip(op.results, evaluate(op, [env[u] for u in op.operands], env), strict=True))
    return env[wanted]


def is_sized(op: Op) -> bool:
    """Whether open extents take part in it."""
    named = (e for a in op.attrs.values() if isinstance(a, tuple) for e in a)
    return any(map(is_open, (*named, *(e for r in op.results for e in r.shape))))


def _parameter(v: Value, recorder: Recorder, used: dict[Any, HiddenInput]) -> np.ndarray | None:
    """A captured array's elements, also through traces that adopted it."""
    for key, c in recorder.captured.items():
        if c.value is v:
            used[key] = c
            return c.array
    outer = next((o for o, inner in recorder.adopted.items() if inner is v), None)
    return None if outer is None or recorder.outer is None else _elements(outer, recorder.outer, used)
