"""Loops and branches as functions: `fori_loop`, `while_loop`, `scan`, `cond`.

They are ordinary Python, and run as that outside of a trace. While something is traced, the functions below whose names
begin with an underscore are lifted as the user's are, so that their loops and branches become regions like any other.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import ArgumentError, TraceError
from ..tracer import operands, trees
from ..tracer.array import ARRAY, PYTHON, TracedArray, root
from ..tracer.calls import call
from ..tracer.hooks import Hooks
from ..tracer.lift import lifted
from ..tracer.locations import fail
from ..tracer.outside import is_data_array
from ..tracer.recorder import running_recorders
from ..tracer.trace import trace
from .checkpointing import checkpoint as checkpointed
from .recording_arguments import is_recording

Body = Callable[..., Any]


def fori_loop(lower: Any, upper: Any, body: Body, init: Any, *, checkpoint: int | str | None = None) -> Any:
    """`carry = init; for i in range(lower, upper): carry = body(i, carry)`; the last carry.

    The carry is any pytree of arrays and numbers. It keeps its structure, shapes and dtypes from iteration to iteration
    (TraceError otherwise, with the leaf and both types); a Python number may become a NumPy one. `init` is not changed,
    even where the body writes into the carry. checkpoint: see `gj.checkpoint`.
    """
    callables("fori_loop", body=body)
    return run(_fori, lower, upper, steady("fori_loop", body), copied(init), checkpoint)


def _fori(lower: Any, upper: Any, body: Body, carry: Any, checkpoint: Any) -> Any:
    indices = range(lower, upper)
    if checkpoint is not None:
        indices = checkpointed(indices, checkpoint)
    for i in indices:
        carry = body(i, carry)
    return carry


def while_loop(cond: Body, body: Body, init: Any) -> Any:
    """`carry = init; while cond(carry): carry = body(carry)`; the last carry, which is as in `fori_loop`."""
    callables("while_loop", cond=cond, body=body)
    return run(_while, cond, steady("while_loop", body), copied(init))


def _while(cond: Body, body: Body, carry: Any) -> Any:
    while cond(carry):
        carry = body(carry)
    return carry


def cond(pred: Any, true_fun: Body, false_fun: Body, *operands: Any) -> Any:
    """`true_fun(*operands) if pred else false_fun(*operands)`. Only the one that is chosen runs, in derivatives, too.

    Both must give results of the same structure, shapes and dtypes where `pred` is a traced value.
    """
    callables("cond", true_fun=true_fun, false_fun=false_fun)
    return run(_cond, pred, true_fun, false_fun, operands)


def _cond(pred: Any, true_fun: Body, false_fun: Body, operands: Any) -> Any:
    if pred:
        result = true_fun(*operands)
    else:
        result = false_fun(*operands)
    return result


def scan(f: Body, init: Any, xs: Any = None, length: int | None = None, reverse: bool = False, *,
         checkpoint: int | str | None = None) -> tuple[Any, Any]:
    """`carry, y = f(carry, x)` for each x along the first axis of the arrays `xs`: the last carry, and the ys stacked.

    xs: a pytree of arrays of equal length, or None with `length`; x is None then.
    reverse: from the last x to the first; the ys stand where their xs do.
    The carry is as in `fori_loop`. The ys are any pytree, None for none.
    """
    callables("scan", f=f)
    columns, tree = trees.flatten(xs)
    count = scan_length(columns, length)
    is_traced = bool(running_recorders())
    columns = [operands.as_traced(c) if is_traced else c if is_recording(c) else np.asarray(c) for c in columns]
    carry = copied(init)
    if count == 0 and not running_recorders():
        raise ArgumentError("gj.scan over nothing outside of a compiled function: what f would give is not known")
    rows = PytreeSlices(columns, tree)
    step = steady("scan", f, pair=True)
    if not running_recorders():
        return _plain_scan(step, carry, rows, count, reverse)
    carry, ys, shape = stacks(step, carry, rows, count)
    indices = range(count - 1, -1, -1) if reverse else range(count)
    carry = run(_scan, indices if checkpoint is None else checkpointed(indices, checkpoint), step, carry, rows, ys)
    return carry, trees.unflatten(shape, ys)


def _scan(indices: Any, step: Body, carry: Any, rows: Any, ys: Any) -> Any:
    for i in indices:
        carry, y = step(carry, rows.at(i))
        rows.put(ys, i, y)
    return carry


def _plain_scan(step: Body, carry: Any, rows: PytreeSlices, count: int, reverse: bool) -> tuple[Any, Any]:
    found = []
    for i in range(count)[::-1 if reverse else 1]:
        carry, y = step(carry, rows.at(i))
        found.append(trees.flatten(y))
    shape = found[0][1]
    columns = zip(*(leaves for leaves, _ in (found[::-1] if reverse else found)), strict=True)
    return carry, trees.unflatten(shape, [np.stack(c) for c in columns])


class PytreeSlices:
    """The slices of a pytree of arrays along their first axes."""

    def __init__(self, columns: list[Any], tree: trees.Tree):
        self.columns = columns
        self.tree = tree

    def at(self, i: Any) -> Any:
        return trees.unflatten(self.tree, [c[i] for c in self.columns])

    @staticmethod
    def put(ys: list[TracedArray], i: Any, y: Any) -> None:
        """Store an iteration's results."""
        for column, leaf in zip(ys, trees.flatten(y)[0], strict=True):
            column[i] = leaf


def scan_length(columns: list[Any], length: int | None) -> int:
    found: set[Any] = {c.shape[0] if getattr(c, "shape", ()) else None for c in columns}
    if None in found:
        raise ArgumentError("gj.scan runs along the first axis of the arrays in xs, and one of them has none")
    if length is not None:
        found.add(operator.index(length))
    if len(found) != 1:
        raise ArgumentError("gj.scan needs xs, or length=" if not found else
                            f"gj.scan over arrays of different lengths: {', '.join(map(str, sorted(found)))}")
    (count,) = found
    if not isinstance(count, int):
        fail(TraceError, "gj.scan over an array whose extent is only known when the code runs; write a for loop")
    return count


def stacks(step: Body, carry: Any, rows: PytreeSlices, count: int) -> tuple[Any, list[TracedArray], trees.Tree]:
    """The carry, with Python numbers that the step widens as such already; arrays for the ys, and their structure.

    The step is traced on the side to see what it gives.
    """
    first = trees.unflatten(rows.tree, [root(np.zeros(c.extents[1:], c.dtype), None, None) for c in rows.columns])
    while True:
        t = trace(lambda carry, x: call(step, carry, x), (carry, first), {})
        given, tree = trees.flatten(carry)
        made = [widened(x, t, r) for x, r in zip(given, t.result, strict=False)]
        changed = any(x is not y for x, y in zip(made, given, strict=True))
        carry = trees.unflatten(tree, made)
        if not changed:
            break
    ys = []
    for r in t.result[len(given):]:
        dtype, shape = type_of(t, r)
        ys.append(root(np.zeros((count, *shape), dtype), None, ARRAY))
    return carry, ys, t.result_tree.child(1)


def type_of(t: Any, r: Any) -> tuple[np.dtype, tuple[Any, ...]]:
    """The dtype and shape of a leaf of a traced result."""
    if r.index is not None:
        v = t.func.results[r.index]
        return v.dtype.np, v.type.shape
    if not isinstance(r.value, (bool, int, float, complex, np.generic)):
        fail(TraceError, f"gj.scan stacks arrays and numbers; f gives {r.value!r:.60}, a {type(r.value).__name__}")
    return np.asarray(r.value).dtype, ()


def widened(x: Any, t: Any, r: Any) -> Any:
    """A carried Python number in the dtype that the step gives it."""
    h = operands.as_traced(x) if isinstance(x, (bool, int, float, complex, TracedArray)) else None
    if h is None or h.kind != PYTHON:
        return x
    dtype, _ = type_of(t, r)
    joined = np.result_type(h.dtype, dtype)
    return x if joined == h.dtype else operands.cast(h, joined)


# the carry ------------------------------------------------------------------------------------------------------------
def steady(name: str, body: Body, pair: bool = False) -> Body:
    """The body, with its carry checked: the last argument in (the first of a pair), the result out."""
    def step(*args: Any) -> Any:
        before = args[0] if pair else args[-1]
        described = describe(before)  # now: the body may write into it
        out = call(body, *args)
        if pair and not (type(out) is tuple and len(out) == 2):
            fail(TraceError, f"the function of gj.{name} must return a pair (carry, y), and returned {shown(out)}")
        check_carry(name, described, describe(out[0] if pair else out))
        return out

    return step


def describe(carry: Any) -> tuple[trees.Tree, list[tuple[str, Any, Any, bool]]]:
    """The structure of a carry; for each leaf its place, shape and dtype, and whether it is a Python number."""
    leaves, tree = trees.flatten(carry)
    paths = ["carry" + "".join(f"[{k!r}]" for k in p) for p in tree.paths()]
    found: list[tuple[str, Any, Any, bool]] = []
    for path, x in zip(paths, leaves, strict=True):
        weak = isinstance(x, (bool, int, float, complex)) and not isinstance(x, np.generic)
        if isinstance(x, TracedArray):
            found.append((path, x.extents, x.dtype, x.kind == PYTHON))
        elif isinstance(x, (np.ndarray, np.generic)):
            found.append((path, x.shape, x.dtype, False))
        else:
            found.append((path, () if weak else None, np.asarray(x).dtype if weak else type(x), True))
    return tree, found


def check_carry(name: str, before: Any, after: Any) -> None:
    """TraceError where an iteration changes the structure of the carry, or the shape or dtype of a leaf."""
    (old_tree, old), (new_tree, new) = before, after
    if old_tree != new_tree:
        fail(TraceError, f"gj.{name}: the carry comes in as {spelled(old_tree)} and goes out as {spelled(new_tree)}; "
                         f"the function must return what it is given, in the same structure")
    for (path, shape, dtype, weak), (_, new_shape, new_dtype, new_weak) in zip(old, new, strict=True):
        if shape != new_shape or (dtype != new_dtype and not weak and not new_weak):
            fail(TraceError, f"gj.{name}: {path} comes in as {typed(shape, dtype)} and goes out as "
                             f"{typed(new_shape, new_dtype)}; start with {path} of the type that it is to have, or "
                             f"convert it in the function")


def typed(shape: Any, dtype: Any) -> str:
    if shape is None:
        return f"a {dtype.__name__}"
    return f"{dtype}{[n if isinstance(n, int) else 'n' for n in shape]}".replace(" ", "")


def spelled(tree: trees.Tree) -> str:
    text = str(tree).removeprefix("PyTreeSpec(")
    return text.partition(", NoneIsLeaf")[0].partition(", namespace")[0].removesuffix(")")


def shown(x: Any) -> str:
    return f"a {type(x).__name__}" + (f" of {len(x)}" if isinstance(x, (tuple, list)) else "")


def copied(carry: Any) -> Any:
    """The carry with arrays of its own, so that a body that writes into it does not change the caller's."""
    leaves, tree = trees.flatten(carry)
    return trees.unflatten(tree, [x.copy() if is_array(x) else +x if is_recording(x) else x for x in leaves])


def is_array(x: Any) -> bool:
    return x.kind == ARRAY if isinstance(x, TracedArray) else isinstance(x, np.ndarray)


# running --------------------------------------------------------------------------------------------------------------
def run(f: Any, *args: Any) -> Any:
    """One of the functions above: lifted while something is traced, else as it is."""
    if not running_recorders():
        return f(*args)
    return lifted(f, Hooks)(*[operands.captured(a) if is_data_array(a) else a for a in args])


def callables(name: str, **functions: Any) -> None:
    for parameter, f in functions.items():
        if not callable(f):
            raise TypeError(f"gj.{name}: {parameter} must be a function, got {type(f).__name__}")
