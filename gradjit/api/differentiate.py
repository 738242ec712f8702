"""What `grad`, `jvp`, `hessian` and the others do with a function: trace it, transform it, inline the result.

Each function here runs while something is being traced: a call of `gj.grad(f)(x)` is compiled by tracing the call of
`value_and_gradient(f, ...)`, and the same call inside another traced function simply runs there: nesting
is no more than that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import DifferentiationError, TraceError
from ..ir import OPS, ArrayType, Func, Loc, Value, walk
from ..ir.core import map_type
from ..ir.sizes import is_known
from ..tracer import trees
from ..tracer.array import ARRAY, PYTHON, SCALAR, TracedArray, root
from ..tracer.control.may_alias import are_one, may_share
from ..tracer.hooks import Hooks
from ..tracer.locations import fail
from ..tracer.operands import as_traced, cast, constant, emit, filled, require
from ..tracer.recorder import current, repeated
from ..tracer.trace import ArgumentLeaf, ResultLeaf, Trace, Write, trace
from .called_results import called_result
from .computed_results import in_full_size
from .signatures import positional
from .wrt import Wrt, check_differentiable, require_derivatives, require_some

Function = Callable[..., Any]


NO_TRACE = ("which is differentiated: that leaves no trace outside of it; return what else is wanted, with "
            "has_aux=True")


class Traced:
    """A user function traced inside the open trace: its IR, and its operands in the trace around it.

    differentiated: whether it is the function that a derivative was asked of, and not one that it calls.
    verb: what is done with it, for errors. called_by: see `Recorder.called_by`.
    """

    def __init__(self, f: Function, args: Sequence[Any], kwargs: dict[str, Any], differentiated: bool = True,
                 verb: str = "differentiated", called_by: str = ""):
        called_by = called_by or (NO_TRACE if differentiated and current().runs_user_code else "")
        self.trace: Trace = trace(f, args, kwargs, sharing=not differentiated, writing=not differentiated,
                                  called_by=called_by)
        found, _ = trees.flatten((tuple(args), dict(kwargs)))
        self.handles = [as_traced(found[i]) for i in self.trace.traced]
        self.parameter = {leaf: k for k, leaf in enumerate(self.trace.traced)}
        """The parameter that a leaf of the arguments is, by the leaf's position."""
        if differentiated:
            current().outermost.stages.setdefault("traced", self.trace.func)
        for w in self.trace.writes:
            if w.captured is not None:
                fail(TraceError, f"{w.what} is written to by a function that is {verb}; copy it first", w.loc)
        for w in (*self.trace.writes, *self.trace.touched):
            if w.argument is not None:
                self.check_apart(w, found)
                if differentiated or w in self.trace.touched:
                    touch(as_traced(found[w.argument]), w.loc)

    def check_apart(self, w: Write, found: Sequence[Any]) -> None:
        """DifferentiationError where what an argument holds is written to, and is seen under another name, too."""
        assert w.argument is not None
        x, own = as_traced(found[w.argument]), self.trace.leaves[w.argument]
        others = [(f"the argument {leaf.name}", as_traced(y)) for leaf, y in zip(self.trace.leaves, found, strict=True)
                  if leaf.kind == ARRAY and leaf is not own and leaf.same_as != w.argument and not are_one(x, y)]
        others += [("an array that it reads from outside", h) for h in self.trace.outer_reads]
        for what, y in others:
            if may_share(x, y):
                fail(DifferentiationError, f"{self.trace.func.name} writes to {w.what}, which may share its elements "
                                           f"with {what}: what it computes is no function of the one without the "
                                           f"other, and has no derivative with respect to either; pass a copy of one "
                                           f"of them", w.loc)

    def apply(self, func: Func, extra: Sequence[TracedArray] = ()) -> list[Value]:
        """Inline a function whose parameters are those of the traced function and `extra` ones behind; its results."""
        operands = [h.value for h in self.handles] + self.trace.adopted + [e.value for e in extra]
        return self.moved_on(list(current().inline(func, operands)))

    def moved_on(self, outs: list[Value]) -> list[Value]:
        """The results, of which the first are those of the traced function: random generators are where it left
        them."""
        for state, k in self.trace.moved:
            if k >= len(outs) or outs[k].type != self.trace.func.results[k].type:
                self.refuse_draws()
            Hooks.set_attr(handle(outs[k]), state.owner, state.key)
        return outs

    def refuse_draws(self) -> None:
        """DifferentiationError where numbers are drawn that another call of the function would have to draw again."""
        if self.trace.moved:
            fail(DifferentiationError, f"{self.trace.func.name} draws random numbers from a generator from outside; "
                                       f"value_and_grad, grad and jvp can be taken of that, for others draw them "
                                       f"outside and pass them as an argument", self.trace.loc)

    def call(self, isolated: bool) -> list[Value]:
        """A call of the traced function; its results, then what it has written into its arguments."""
        func = self.trace.func
        func.body.results = (*func.results, *(w.value for w in self.trace.writes if w.value is not None))
        operands = [h.value for h in self.handles] + self.trace.adopted
        if any(OPS[op.name].effect for op in walk(func.body)):  # which stay in the order of the program
            return self.moved_on(list(current().inline(func, operands)))
        given = dict(zip(func.params, operands, strict=True))
        types = [map_type(r.type, lambda v: given.get(v, v)) for r in func.results]
        attrs = {"callee": func, "isolated": isolated}
        return self.moved_on(list(current().append("call", tuple(operands), attrs, types)))

    def wrt(self, positions: Sequence[int]) -> list[list[int]]:
        """For each argument at these positions its leaves. DifferentiationError for leaves that have no derivative."""
        paths = self.trace.tree.paths()
        chosen = [[k for k, p in enumerate(paths) if p[:2] == (0, a)] for a in positions]
        for k in (k for leaves in chosen for k in leaves):
            check_differentiable(self.trace.leaves[k])
        return chosen

    def parameters(self, chosen: Sequence[Sequence[int]]) -> list[int]:
        """The parameters of those leaves, each once, in order."""
        leaves = {k: None for group in chosen for k in group if k in self.parameter}
        return [self.parameter[k] for k in leaves]

    def structure(self, position: int) -> trees.Tree:
        """The pytree of the positional argument."""
        return self.trace.tree.child(0).child(position)

    # results ----------------------------------------------------------------------------------------------------------
    def result(self, outs: Sequence[Value], scalars: bool = False) -> Any:
        """The result of the function as a pytree of handles, from the values that its IR gives."""
        leaves = [self.result_leaf(r, outs, scalars) for r in self.trace.result]
        return trees.unflatten(self.trace.result_tree, leaves)

    def result_leaf(self, r: ResultLeaf, outs: Sequence[Value], scalars: bool) -> Any:
        if r.index is None:
            return np.float64(r.value) if scalars and type(r.value) is float else r.value
        return handle(outs[r.index], SCALAR if scalars and not outs[r.index].shape else r.kind)


def touch(h: TracedArray, loc: Loc | None) -> None:
    """A function that is differentiated writes to what stands for this array, which keeps its elements."""
    for r in h.maybe():
        if r.owner is not None:
            r.owner.touched[id(r)] = r, loc


def handle(v: Value, kind: str | None = None) -> TracedArray:
    """A handle of a value of the open trace. A Python number leaves as a NumPy scalar."""
    return root(v, current(), SCALAR if kind == PYTHON else kind)


def as_argument(v: Value, leaf: ArgumentLeaf) -> TracedArray:
    """A handle of something that has an argument's type and kind."""
    assert leaf.type is not None and v.shape == leaf.type.shape, f"a derivative {v.type} for {leaf.name}: {leaf.type}"
    return handle(v, leaf.kind)


# the function itself --------------------------------------------------------------------------------------------------
def value(f: Function, args: Sequence[Any]) -> Any:
    """What f gives, while tracing. The arguments are not changed."""
    t = Traced(f, args, {})
    return t.result(t.apply(t.trace.func))


def isolated(f: Function, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """What f gives, while tracing; of its computation the reverse pass keeps nothing, but runs it again."""
    t = Traced(f, args, kwargs, differentiated=False)
    outs = t.call(isolated=True)
    found, _ = trees.flatten((tuple(args), dict(kwargs)))
    for w, new in zip(t.trace.writes, outs[len(outs) - len(t.trace.writes):], strict=True):
        assert w.argument is not None
        as_traced(found[w.argument])[...] = handle(new)
    return called_result(t, found, outs)


# gradient -----------------------------------------------------------------------------------------------------------
def value_and_gradient(f: Function, wrt: Wrt, has_aux: bool, args: Sequence[Any], kwargs: dict[str, Any],
                       holomorphic: bool = False) -> Any:
    """`(value, gradient)` or `((value, aux), gradient)` of f, while tracing; the complex derivative of a holomorphic
    one."""
    from ..passes.vjp import gradient
    args, kwargs = positional(f, args, kwargs)
    positions = wrt.positions(len(args))
    require_derivatives(f, args, positions)
    t = Traced(f, args, kwargs)
    chosen = t.wrt(positions)
    value = value_leaf(t.trace, has_aux, holomorphic)
    if value.index is None:  # a constant
        outs = t.apply(t.trace.func)
        grads: dict[int, Any] = {}
    else:
        parameters = t.parameters(chosen)
        if holomorphic:
            check_complex(t, parameters)
            outs = complex_derivative(t, parameters, value.index)
        else:
            outs = t.apply(gradient(t.trace.func, parameters, value.index))
        behind = outs[len(t.trace.func.results):]
        grads = dict(zip(parameters, behind, strict=True))
    return t.result(outs, scalars=True), gathered(t, wrt, positions, chosen, grads)


def complex_derivative(t: Traced, parameters: Sequence[int], of: int) -> list[Value]:
    """The results of the function, and the derivatives f' of the one that is meant. The cotangent of f is that of its
    real part, whose gradient is the conjugate of f'."""
    from ..passes.vjp import reverse
    results = t.trace.func.results
    seeds = [constant(repeated(int(k == of), v.shape, v.dtype.np)) for k, v in enumerate(results)
             if v.type.dtype.is_inexact]
    outs = t.apply(reverse(t.trace.func, parameters), seeds)
    return [*outs[:len(results)], *(conjugated(handle(v)).value for v in outs[len(results):])]


def conjugated(z: TracedArray) -> TracedArray:
    return emit("complex", emit("real", z), emit("neg", emit("imag", z)))


def check_complex(t: Traced, parameters: Sequence[int]) -> None:
    """DifferentiationError for a real argument of a holomorphic function."""
    for p in parameters:
        if not t.trace.func.params[p].dtype.is_complex:
            leaf = next(leaf for leaf, k in t.parameter.items() if k == p)
            fail(DifferentiationError, f"holomorphic=True, and the argument {t.trace.leaves[leaf].name} is "
                                       f"{t.trace.func.params[p].type}: the complex derivative is one by complex "
                                       f"numbers; pass it as one", t.trace.loc)


def gathered(t: Traced, wrt: Wrt, positions: Sequence[int], chosen: Sequence[Sequence[int]],
             grads: dict[int, Value]) -> Any:
    """The gradients in the structure of the arguments. Leaves without a derivative (strings, None) give None."""
    def one(k: int) -> Any:
        leaf = t.trace.leaves[k]
        if leaf.type is None:
            return None
        v = grads.get(t.parameter[k])
        return as_argument(v, leaf) if v is not None else zeros(leaf)

    return wrt.gather([trees.unflatten(t.structure(p), [one(k) for k in group])
                       for p, group in zip(positions, chosen, strict=True)])


def zeros(leaf: ArgumentLeaf) -> TracedArray:
    assert leaf.type is not None
    return root(repeated(0, leaf.type.extents, leaf.type.dtype.np), None, SCALAR if leaf.kind == PYTHON else leaf.kind)


def value_leaf(t: Trace, has_aux: bool, holomorphic: bool = False) -> ResultLeaf:
    """The result that is differentiated: one real scalar; a complex one of a holomorphic function. Errors say what came
    instead and where it was made."""
    name = t.func.name
    if has_aux:
        count = t.result_tree.num_children if t.result_tree.type is tuple else 0
        if count != 2:
            fail(DifferentiationError, f"with has_aux=True, {name} must return a tuple (value, aux)", t.loc)
        leaves = t.result[:t.result_tree.child(0).num_leaves]
        tree = t.result_tree.child(0)
    else:
        leaves, tree = t.result, t.result_tree
    if not leaves:
        fail(DifferentiationError, f"{name} returns {'None' if tree.type is type(None) else 'nothing'}, and a gradient "
                                   f"is of "
                                   f"a number; is a `return` missing?", t.loc)
    if leaves[0].decides:
        fail(TraceError, leaves[0].decides, t.loc)
    if len(leaves) > 1 or tree.num_nodes > 1:
        fail(DifferentiationError, f"{name} returns a {tree.type.__name__ if tree.type else 'container'}, and a "
                                   f"gradient is "
                                   f"of one number; return that, or (value, aux) with has_aux=True", t.loc)
    (leaf,) = leaves
    if leaf.index is None:
        if not isinstance(leaf.value, (complex, np.complexfloating) if holomorphic else (float, np.floating)):
            fail(DifferentiationError, f"{name} returns {leaf.value!r:.60} (a {type(leaf.value).__name__}), and a "
                                       f"gradient "
                                       f"is of a floating-point number", t.loc)
        return leaf
    v = t.func.results[leaf.index]
    loc = v.op.loc if v.op else t.loc
    if v.type.rank:
        fail(DifferentiationError, f"{name} returns an array, {v.type}, and a gradient is of one number; reduce it "
                                   f"(np.sum, "
                                   f"np.mean), or use gj.jacobian", loc)
    if holomorphic:
        if not v.type.dtype.is_complex:
            fail(DifferentiationError, f"holomorphic=True, and {name} returns a {v.type.dtype.np}: no holomorphic "
                                       f"function is real, unless it is constant", loc)
    elif not v.type.dtype.is_float:
        remedy = ("take its real part or np.abs, or say holomorphic=True" if v.type.dtype.is_complex
                  else "it has no derivative")
        fail(DifferentiationError, f"{name} returns a {v.type.dtype.np}, and a gradient is of a real floating-point "
                                   f"number; "
                                   f"{remedy}", loc)
    return leaf


# forward and reverse products -----------------------------------------------------------------------------------------
def push(f: Function, primals: Sequence[Any], tangents: Sequence[Any], again: bool = False) -> Any:
    """`(result, tangent of the result)`, while tracing. again: the value has been computed before."""
    from ..passes.jvp import jvp
    require_some(f, primals)
    t = Traced(f, primals, {})
    if again:
        t.refuse_draws()
    chosen = t.wrt(range(len(primals)))
    moving = tangent_operands(t, tangents)
    parameters = t.parameters(chosen)
    outs = t.apply(jvp(t.trace.func, parameters), moving)
    plain = len(t.trace.func.results)
    return t.result(outs[:plain]), result_tangents(t, outs[plain:], outs)


def tangent_operands(t: Traced, tangents: Sequence[Any]) -> list[TracedArray]:
    """The tangents of the traced leaves, in order, of their types."""
    found, tree = trees.flatten((tuple(tangents), {}))
    if tree != t.trace.tree:
        fail(DifferentiationError, f"the tangents have the structure {tree}, the arguments {t.trace.tree}")
    return [fitted(found[i], t.trace.leaves[i], "the tangent") for i in t.trace.traced]


def fitted(x: Any, leaf: ArgumentLeaf, what: str) -> TracedArray:
    """A tangent or vector for a leaf: of its shape, cast to its dtype."""
    assert leaf.type is not None
    h = as_traced(x)
    if h.extents != leaf.type.shape or (h.ir_dtype.is_complex and not leaf.type.dtype.is_complex):
        fail(DifferentiationError, f"{what} of {leaf.name} is {h.type}, the argument {leaf.type}")
    return cast(h, leaf.type.dtype)


def result_tangents(t: Traced, tangents: Sequence[Value], outs: Sequence[Value]) -> Any:
    """The tangents in the structure of the result `outs`; zero for leaves that have none."""
    floats = [k for k, v in enumerate(t.trace.func.results) if v.type.dtype.is_inexact]
    by_index = dict(zip(floats, tangents, strict=True))

    def one(r: ResultLeaf) -> Any:
        if r.decides and r.index is not None:
            return handle(outs[r.index], r.kind)
        if r.index is not None and r.index in by_index:
            return handle(by_index[r.index], r.kind)
        if r.index is None:
            return 0.0 if isinstance(r.value, (int, float, np.generic)) else None
        return filled(0.0, handle(outs[r.index], ARRAY).extents, np.float64)

    return trees.unflatten(t.trace.result_tree, [one(r) for r in t.trace.result])


def pull(f: Function, primals: Sequence[Any], cotangent: Any) -> Any:
    """The cotangents of the primals for a cotangent of the result, as a tuple, while tracing."""
    from ..passes.vjp import reverse
    require_some(f, primals)
    t = Traced(f, primals, {})
    t.refuse_draws()
    positions = list(range(len(primals)))
    chosen = t.wrt(positions)
    func = t.trace.func
    types = [v.type for v in func.results]
    wide, computed = in_full_size(func, func.results)
    func.body.results = (*wide, *(e for extents in computed for _, e in extents))
    seeds, given = cotangent_operands(t, cotangent, types)
    parameters = t.parameters(chosen)
    outs = t.apply(reverse(func, parameters), seeds)
    check_counts(t, [(k, axis) for k, extents in enumerate(computed) for axis, _ in extents], given, outs[len(wide):])
    grads = dict(zip(parameters, outs[len(func.results):], strict=True))
    return gathered(t, Wrt(tuple(positions)), positions, chosen, grads)


def check_counts(t: Traced, places: Sequence[tuple[int, int]], given: dict[int, TracedArray], counts: Sequence[Value]
                 ) -> None:
    """A run checks that cotangents are as long as results whose extents are computed: by result and axis."""
    for (k, axis), count in zip(places, counts, strict=False):
        if k in given:
            require(as_traced(handle(count) == given[k].shape[axis]),
                    f"a cotangent has another shape than the result of {t.trace.func.name}")


def cotangent_operands(t: Traced, cotangent: Any, types: Sequence[ArrayType]
                       ) -> tuple[list[TracedArray], dict[int, TracedArray]]:
    """A cotangent for each inexact result of the IR, in order, of the results' types but for computed extents, where
    it is 0 behind its end; and those that were given. A result that is returned twice gets the sum."""
    found, tree = trees.flatten(cotangent)
    if tree != t.trace.result_tree:
        fail(DifferentiationError, f"the cotangent has the structure {tree}, the result {t.trace.result_tree}")
    seeds: dict[int, TracedArray] = {}
    given: dict[int, TracedArray] = {}
    for x, r in zip(found, t.trace.result, strict=True):
        if r.index is None or not (v := t.trace.func.results[r.index]).type.dtype.is_inexact:
            continue
        if not types[r.index].is_static:
            given[r.index] = x = as_traced(x)
            x = in_front(x, v.type)
        ct = fitted(x, ArgumentLeaf("the result", r.kind, v.type), "the cotangent")
        seeds[r.index] = emit("add", seeds[r.index], ct) if r.index in seeds else ct
    return [seeds[k] for k, v in enumerate(t.trace.func.results) if v.type.dtype.is_inexact], given


def in_front(x: TracedArray, t: ArrayType) -> TracedArray:
    """A cotangent of computed extents in front of an array of zeros in full size."""
    if x.ndim != t.rank or any(isinstance(e, int) and not is_known(e, "<=", n) for e, n in zip(x.extents, t.extents,
                                                                                         strict=False)):
        fail(DifferentiationError, f"the cotangent of the result is {x.type}, the result at most {t}")
    room = root(repeated(0, t.extents, x.dtype), None, None)
    return emit("update", room, x, starts=(0,) * x.ndim, steps=(1,) * x.ndim)


# second order and whole matrices --------------------------------------------------------------------------------------
def push_curves(f: Function, primals: Sequence[Any], series: Sequence[Sequence[Any]]) -> Any:
    """`(result, its derivatives along the curve)`, while tracing. series: for each argument its derivatives."""
    from ..passes.taylor import taylor
    require_some(f, primals)
    t = Traced(f, primals, {})
    chosen = t.wrt(range(len(primals)))
    order = len(series[0])
    orders = [tangent_operands(t, [s[n] for s in series]) for n in range(order)]
    parameters = t.parameters(chosen)
    given = [orders[n][k] for k in range(len(parameters)) for n in range(order)]
    outs = t.apply(taylor(t.trace.func, parameters, order), given)
    plain = len(t.trace.func.results)
    return t.result(outs[:plain]), [result_tangents(t, outs[plain + n::order], outs) for n in range(order)]
