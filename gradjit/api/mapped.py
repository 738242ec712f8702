"""What `vmap` does with a function: trace it for one example, batch it, inline the result.

As in `differentiate`, what stands here runs while something is being traced.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import optree

from ..errors import ArgumentError, AxisError, ShapeError, TraceError, UnsupportedError
from ..passes.batching import batch, varying
from ..records import dataclass
from ..tracer import trees
from ..tracer.array import ARRAY, TracedArray, root
from ..tracer.control.may_alias import may_share
from ..tracer.layout import contiguous
from ..tracer.locations import fail
from ..tracer.operands import as_traced, emit, laid
from ..tracer.recorder import repeated
from ..tracer.trace import name_of, parameter_names
from .differentiate import Traced, handle, touch
from .signatures import positional

Function = Callable[..., Any]
Axis = int | None


@dataclass
class Example:
    """A leaf of the arguments. `stack` holds the examples along its first axis; None for what is the same for all."""

    name: str
    given: Any
    axis: Axis
    stack: TracedArray | None = None

    @property
    def one(self) -> Any:
        """What the function gets: a stand-in of an example's type and layout, or the argument itself."""
        if self.stack is None or self.axis is None:
            return self.given
        one = root(repeated(0, self.stack.extents[1:], self.stack.dtype), None)
        steps = as_traced(self.given).strides_in_elements
        return laid(one, None if steps is None else steps[:self.axis] + steps[self.axis + 1:])


def mapped(f: Function, in_axes: Any, out_axes: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """f of each example, the results stacked, while tracing."""
    args, kwargs = positional(f, args, kwargs)
    name = name_of(f)
    examples, tree = examples_of(f, name, in_axes, args, kwargs)
    size = common_size(name, examples)
    one_args, one_kwargs = trees.unflatten(tree, [e.one for e in examples])
    t = Traced(f, one_args, one_kwargs, differentiated=False, verb="mapped by gj.vmap",
               called_by="which gj.vmap runs for all examples at once; return what is wanted of each")
    own = [examples[i] for i in t.trace.traced]
    t.handles = [as_traced(e.given) if e.stack is None else e.stack for e in own]
    check_writes(t, name, examples)
    func = t.trace.func
    plain = len(func.results)
    func.body.results = (*func.results, *(w.value for w in t.trace.writes if w.value is not None))
    flags = [e.stack is not None for e in own] + [False] * (len(func.params) - len(own))
    axes = [a for a, _ in axes_of(out_axes, t.trace.result_tree, "out_axes", "result")]
    stacked = stacked_results(t, name, axes, varying(func, flags) if None in axes else [])
    outs = t.apply(batch(func, flags, size, stacked))
    for w, new in zip(t.trace.writes, outs[plain:], strict=True):
        assert w.argument is not None
        e = examples[w.argument]
        assert e.axis is not None
        as_traced(e.given)[...] = moved(handle(new, ARRAY), 0, e.axis)
    leaves = [result_leaf(r, a, outs, size, stacked) for r, a in zip(t.trace.result, axes, strict=True)]
    return trees.unflatten(t.trace.result_tree, leaves)


# arguments ------------------------------------------------------------------------------------------------------------
def examples_of(f: Function, name: str, in_axes: Any, args: Sequence[Any], kwargs: dict[str, Any]
                ) -> tuple[list[Example], trees.Tree]:
    """The leaves of the arguments, and their structure."""
    found, tree = trees.flatten((tuple(args), dict(kwargs)))
    parameters = parameter_names(f, len(args))
    names = trees.leaf_names(tree, parameters)
    positions, keywords = tree.children()
    tops = top_axes(name, in_axes, parameters, len(args), keywords.entries())
    parts = [*zip(tops, (*positions.children(), *keywords.children()),
                  (*parameters, *(f"arg{k}" for k in range(len(parameters), len(args))), *keywords.entries()),
                  strict=True)]
    asked = [a for top, part, what in parts for a in axes_of(top, part, "in_axes", str(what))]
    return [example(name, x, n, axis, stated) for x, n, (axis, stated) in zip(found, names, asked, strict=True)], tree


def top_axes(name: str, in_axes: Any, parameters: Sequence[str], count: int, keywords: Sequence[Any]) -> list[Any]:
    """The entry of `in_axes` for each positional argument, then for each keyword."""
    if is_axis(in_axes):
        return [in_axes] * (count + len(keywords))
    if isinstance(in_axes, (tuple, list)):
        if len(in_axes) != count:
            fail(ArgumentError, f"gj.vmap of {name}: in_axes has {len(in_axes)} entries, and {name} is called with "
                                f"{count} positional argument{'s' * (count != 1)}")
        return [*in_axes, *[0] * len(keywords)]
    names = [*parameters[:count], *map(str, keywords)]
    for key in in_axes:
        if key not in names:
            fail(ArgumentError, f"gj.vmap of {name}: in_axes names {key!r}, which is no argument of this call; there "
                                f"are {', '.join(names)}")
    return [in_axes.get(n) for n in names]


def is_axis(x: Any) -> bool:
    return x is None or (isinstance(x, int) and not isinstance(x, bool))


def axes_of(entry: Any, tree: trees.Tree, option: str, what: str) -> list[tuple[Axis, bool]]:
    """The axis for each leaf of a structure, and whether it was stated for this very leaf: an entry holds for all that
    stands in its place."""
    if is_axis(entry):
        return [(entry, tree.is_leaf())] * tree.num_leaves
    parts, keys = parts_of(entry)
    if parts is None:
        fail(ArgumentError, f"gj.vmap: {option} has {entry!r:.60} for {what}; it must be an int, None, or a container "
                            f"of these")
    if tree.is_leaf() or list(keys) != list(tree.entries()):
        fail(ArgumentError, f"gj.vmap: {option} has {entry!r:.60} for {what}, which has another structure: "
                            f"{'a leaf' if tree.is_leaf() else str(tree)}")
    return [a for k, part, inner in zip(keys, parts, tree.children(), strict=True)
            for a in axes_of(part, inner, option, f"{what}[{k!r}]")]


def parts_of(entry: Any) -> tuple[Any, Any]:
    """The children of a container and their keys; None where it is none."""
    try:
        trees.flatten(entry)  # a dataclass is a container from now on
        children, _, keys, _ = optree.tree_flatten_one_level(entry, none_is_leaf=True, namespace=trees.NAMESPACE)
    except ValueError:
        return None, None
    return children, keys


def example(f: str, x: Any, name: str, axis: Axis, stated: bool) -> Example:
    """The leaf with its examples along the first axis."""
    if axis is None:
        return Example(name, x, None)
    if not isinstance(x, (TracedArray, np.ndarray)):
        if not isinstance(x, (bool, int, float, complex, np.generic)) and not stated:
            return Example(name, x, None)
        fail(AxisError, f"gj.vmap of {f}: {name} is {x!r:.60}, which has no axis of examples; what is the same for all "
                        f"of them has None in in_axes")
    h = as_traced(x)
    if not -h.ndim <= axis < h.ndim:
        fail(AxisError, f"gj.vmap of {f}: in_axes has {axis} for {name}, which is {h.type} and has "
                        f"{h.ndim or 'no'} ax{'i' if h.ndim == 1 else 'e'}s; what is the same for all examples has "
                        f"None in in_axes")
    axis %= h.ndim
    if not isinstance(h.extents[axis], int):
        fail(UnsupportedError, f"gj.vmap of {f}: the number of examples in {name} is only known when the code runs; "
                               f"map over an array of the full size")
    return Example(name, x, axis, moved(h, axis, 0))


def moved(x: TracedArray, source: int, to: int) -> TracedArray:
    """x with one of its axes elsewhere."""
    if source == to:
        return x
    order = [k for k in range(x.ndim) if k != source]
    order.insert(to, source)
    new = emit("transpose", x, perm=tuple(order), kind=ARRAY)
    return laid(new, contiguous(new.extents))


def common_size(name: str, examples: Sequence[Example]) -> int:
    """How many examples there are."""
    sizes = {e.name: (e.stack.extents[0], e) for e in examples if e.stack is not None}
    if not sizes:
        fail(ArgumentError, f"gj.vmap of {name}: in_axes maps none of its arguments")
    if len({n for n, _ in sizes.values()}) > 1:
        told = [f"{k} has {n} (axis {e.axis} of {as_traced(e.given).type})" for k, (n, e) in sizes.items()]
        fail(ShapeError, f"gj.vmap of {name}: the arguments have different numbers of examples: {', '.join(told)}; "
                         f"what is the same for all examples has None in in_axes")
    (size, _), *_ = sizes.values()
    assert isinstance(size, int)
    return size


def check_writes(t: Traced, name: str, examples: Sequence[Example]) -> None:
    """TraceError where what the function writes to is not each example's own."""
    for w in (*t.trace.writes, *t.trace.touched):
        assert w.argument is not None
        e = examples[w.argument]
        if e.stack is None:
            fail(TraceError, f"{name} writes to {w.what}, which all examples of gj.vmap share; copy it first", w.loc)
        others = [o for o in examples if o is not e and isinstance(o.given, (TracedArray, np.ndarray))]
        for o in others:
            if may_share(as_traced(e.given), as_traced(o.given)):
                fail(TraceError, f"{name} writes to {w.what}, which may share its elements with the argument {o.name}, "
                                 f"so that its examples are not independent; pass a copy of one of them", w.loc)
    for w in t.trace.touched:
        assert w.argument is not None
        touch(as_traced(examples[w.argument].given), w.loc)


# results --------------------------------------------------------------------------------------------------------------
def stacked_results(t: Traced, name: str, axes: Sequence[Axis], differs: Sequence[bool]) -> list[bool]:
    """Which results of the IR get an axis of examples: those that ask for it, and what is written."""
    stacked = [False] * (len(t.trace.func.results) - len(t.trace.writes)) + [True] * len(t.trace.writes)
    paths = t.trace.result_tree.paths()
    for path, r, axis in zip(paths, t.trace.result, axes, strict=True):
        if r.index is None:
            continue
        if axis is None and differs[r.index]:
            what = "the result" + "".join(f"[{k!r}]" for k in path)
            fail(ArgumentError, f"gj.vmap of {name}: out_axes has None for {what}, which differs from example to "
                                f"example", t.trace.loc)
        stacked[r.index] |= axis is not None
    return stacked


def result_leaf(r: Any, axis: Axis, outs: Sequence[Any], size: int, stacked: Sequence[bool]) -> Any:
    """A leaf of the result. Numbers are repeated as results are; other objects are what they are."""
    if r.index is None:
        is_number = isinstance(r.value, (bool, int, float, complex, np.generic))
        return root(repeated(r.value, (size,), np.asarray(r.value).dtype), None) if is_number and axis is not None \
            else r.value
    h = handle(outs[r.index], ARRAY if stacked[r.index] else r.kind)
    if axis is None:
        return h[0] if stacked[r.index] else h
    if not -h.ndim <= axis < h.ndim:
        fail(AxisError, f"gj.vmap: out_axes has {axis} for a result that is {h.type} with the axis of the examples")
    return moved(h, 0, axis % h.ndim)
