"""Derivatives by whole matrices: Jacobians, Hessians, and products of a Hessian with a vector."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from ..errors import DifferentiationError
from ..ir import Block, Builder, Func
from ..ir.clone import inline
from ..tracer import trees
from ..tracer.array import ARRAY, TracedArray, root
from ..tracer.layout import contiguous
from ..tracer.locations import fail
from ..tracer.operands import cast, constant, emit, laid
from ..tracer.recorder import repeated
from ..tracer.trace import ResultLeaf
from .differentiate import Function, Traced, check_complex, conjugated, fitted, gathered, handle, value_leaf, zeros
from .signatures import positional
from .wrt import Wrt, require_derivatives


def hessian_product(f: Function, wrt: Wrt, args: Sequence[Any], kwargs: dict[str, Any], vector: Any) -> Any:
    """The Hessian times a vector: the gradient, pushed forward along it."""
    from ..passes.jvp import jvp
    t, positions, chosen, func = gradient_function(f, wrt, args, kwargs)
    found, tree = trees.flatten(wrt.gather([vector]) if not isinstance(wrt.argnums, tuple) else tuple(vector))
    leaves = [k for group in chosen for k in group]
    if len(found) != len(leaves):
        fail(DifferentiationError, f"the vector has the structure {tree}, which is not that of the differentiated "
                                   f"arguments")
    parameters = t.parameters(chosen)
    by_parameter = {t.parameter[k]: fitted(x, t.trace.leaves[k], "the vector")
                    for k, x in zip(leaves, found, strict=True) if k in t.parameter}
    outs = t.apply(jvp(func, parameters), [by_parameter[p] for p in parameters])
    return gathered(t, wrt, positions, chosen, dict(zip(parameters, outs[-len(parameters):], strict=True)))


def gradient_function(f: Function, wrt: Wrt, args: Sequence[Any], kwargs: dict[str, Any]
                      ) -> tuple[Traced, list[int], list[list[int]], Func]:
    """f traced, and the IR whose only results are the gradients with respect to `wrt`."""
    from ..passes.vjp import gradient
    args, kwargs = positional(f, args, kwargs)
    positions = wrt.positions(len(args))
    require_derivatives(f, args, positions)
    t = Traced(f, args, kwargs)
    chosen = t.wrt(positions)
    of = value_leaf(t.trace, False).index
    plain = t.trace.func
    if of is None:  # a constant: that is a result of the program, too
        of, plain = len(plain.results), with_constant(plain)
    func = gradient(plain, t.parameters(chosen), of)
    func.body.results = func.body.results[len(plain.results):]
    return t, positions, chosen, func


def with_constant(func: Func) -> Func:
    """The function with the number 0 behind its results."""
    block = Block(tuple(p.type for p in func.params), tuple(p.name for p in func.params))
    b = Builder(block)
    block.results = (*inline(b, func, block.params), b.const(0.0))
    return Func(func.name, block)


def hessian_matrix(f: Function, wrt: Wrt, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """All second derivatives: the gradient, pushed forward along every basis vector at once."""
    t, positions, chosen, func = gradient_function(f, wrt, args, kwargs)
    parameters = t.parameters(chosen)
    if any(t.trace.func.params[p].dtype.is_complex for p in parameters):
        fail(DifferentiationError, f"the second derivatives of {t.trace.func.name} by a complex argument are no single "
                                   f"matrix; take its real and imaginary parts as arguments, or gj.hvp along a "
                                   f"direction", t.trace.loc)
    columns = {p: dict(zip(parameters, pushed_basis(t, func, p), strict=True)) for p in parameters}
    return nested(t, wrt, positions, chosen, lambda k, j: columns[t.parameter[j]][t.parameter[k]])


def jacobian_matrix(f: Function, wrt: Wrt, args: Sequence[Any], kwargs: dict[str, Any], mode: str | None = None,
                    valued: bool = False, holomorphic: bool = False) -> Any:
    """All derivatives of all results, in the mode "forward" or "reverse", or the one that needs fewer passes.

    valued: `(value, derivatives)`. holomorphic: the complex derivatives.
    """
    args, kwargs = positional(f, args, kwargs)
    positions = wrt.positions(len(args))
    require_derivatives(f, args, positions)
    t = Traced(f, args, kwargs)
    chosen = t.wrt(positions)
    parameters = t.parameters(chosen)
    floats = [k for k, v in enumerate(t.trace.func.results) if v.type.dtype.is_inexact]
    for v in (t.trace.func.results[k] for k in floats):
        if not v.type.is_static:
            fail(DifferentiationError, f"{t.trace.func.name} returns an array of computed extent, so that nothing "
                                       f"says how large its Jacobian is; return it written into an array of known "
                                       f"shape, as out[:n] = result, or take gj.jvp or gj.vjp", v.op.loc if v.op else
                 t.trace.loc)
    sizes = [t.trace.func.params[p].type.size for p in parameters], [t.trace.func.results[k].type.size for k in floats]
    entries: dict[tuple[int, int], TracedArray] = {}
    mode = mode_of(t, parameters, floats, mode, holomorphic)
    if mode == "forward" or (mode is None and sum(sizes[0]) <= sum(sizes[1])):
        for p in parameters:
            entries.update({(k, p): x for k, x in zip(floats, pushed_basis(t, t.trace.func, p, floats), strict=True)})
    else:
        for k in floats:
            pulled = pulled_basis(t, k, floats, parameters)
            entries.update({(k, p): conjugated(x) if holomorphic else x
                            for p, x in zip(parameters, pulled, strict=True)})

    def block(r: ResultLeaf, leaf: int) -> Any:
        if r.index is None:
            return zeros(t.trace.leaves[leaf]) if isinstance(r.value, (float, complex, np.inexact)) else None
        return None if r.decides else entries.get((r.index, t.parameter[leaf]))

    rows = [wrt.gather([trees.unflatten(t.structure(p), [block(r, k) if k in t.parameter else None for k in group])
                        for p, group in zip(positions, chosen, strict=True)]) for r in t.trace.result]
    derivatives = trees.unflatten(t.trace.result_tree, rows)
    return (t.result(t.apply(t.trace.func), scalars=True), derivatives) if valued else derivatives


def mode_of(t: Traced, parameters: Sequence[int], results: Sequence[int], mode: str | None, holomorphic: bool
            ) -> str | None:
    """The mode in which complex numbers have a derivative that is one array. DifferentiationError where there is none.

    By complex arguments a real result has a gradient; a complex one by real arguments has the derivatives of its parts.
    """
    func = t.trace.func
    taken = {func.params[p].dtype.is_complex for p in parameters}
    given = {func.results[k].dtype.is_complex for k in results}
    if holomorphic:
        check_complex(t, parameters)
        if False in given:
            fail(DifferentiationError, f"holomorphic=True, and {func.name} gives real numbers", t.trace.loc)
        return mode
    if True in taken and True in given:
        fail(DifferentiationError, f"{func.name} gives complex numbers of complex ones: its derivative is one array if "
                                   f"it is holomorphic, which holomorphic=True says; else take real and imaginary "
                                   f"parts", t.trace.loc)
    only = "reverse" if True in taken else "forward" if True in given else mode
    if mode not in (None, only):
        fail(DifferentiationError, f"{mode} mode gives half of the derivatives of {func.name}, which "
                                   f"{'takes' if True in taken else 'gives'} complex numbers; use gj.jacobian",
             t.trace.loc)
    return only


def pushed_basis(t: Traced, func: Func, p: int, kept: Sequence[int] | None = None) -> list[TracedArray]:
    """The tangents of all results for every basis vector of parameter `p`: arrays of shape result + parameter."""
    from ..passes.batching import batch
    from ..passes.jvp import jvp
    pushed = jvp(func, [p], along_basis=func.params[p].type.rank > 0)
    wanted = len(func.results) if kept is None else len(kept)
    pushed.body.results = pushed.body.results[len(func.results):]
    assert len(pushed.results) == wanted
    x = func.params[p].type
    if x.size == 0:
        return [root(repeated(0, (*v.type.extents, *x.extents), v.dtype.np), None, ARRAY) for v in pushed.results]
    many = batch(pushed, [False] * len(func.params) + [True], x.size)
    outs = t.apply(many, [basis(x.extents, x.dtype.np)])
    return [basis_last(handle(v, ARRAY), x.extents) for v in outs]


def pulled_basis(t: Traced, k: int, floats: Sequence[int], parameters: Sequence[int]) -> list[TracedArray]:
    """The gradients of every element of result `k`: arrays of shape result + parameter."""
    from ..passes.batching import batch
    from ..passes.vjp import reverse
    func = t.trace.func
    y = func.results[k].type
    pulled = reverse(func, parameters, along_basis=y.rank > 0)
    pulled.body.results = pulled.body.results[len(func.results):]
    if y.size == 0:
        return [root(repeated(0, (*y.extents, *v.type.extents), v.dtype.np), None, ARRAY) for v in pulled.results]
    many = batch(pulled, [False] * len(func.params) + [j == k for j in floats], y.size)
    seeds = [basis(y.extents, y.dtype.np) if j == k
             else constant(repeated(0, func.results[j].shape, func.results[j].dtype.np)) for j in floats]
    outs = [handle(v, ARRAY) for v in t.apply(many, seeds)]
    return [emit("reshape", o, shape=(*y.extents, *o.extents[1:]), kind=ARRAY) for o in outs]


def basis(shape: tuple[int, ...], dtype: Any) -> TracedArray:
    """The basis vectors of arrays of a shape, one after the other along a new first axis."""
    from ..ir import I64
    n = prod(shape)
    rows = emit("iota", shape=(n, n), axis=0, dtype=I64)
    columns = emit("iota", shape=(n, n), axis=1, dtype=I64)
    return emit("reshape", cast(emit("eq", rows, columns), dtype), shape=(n, *shape), kind=ARRAY)


def basis_last(x: TracedArray, shape: tuple[int, ...]) -> TracedArray:
    """The first axis, which counts basis vectors of `shape`, moved to the end and given that shape."""
    moved = emit("transpose", x, perm=(*range(1, x.ndim), 0), kind=ARRAY) if x.ndim > 1 else x
    new = emit("reshape", moved, shape=(*moved.extents[:-1], *shape), kind=ARRAY)
    return laid(new, contiguous(new.extents))


def nested(t: Traced, wrt: Wrt, positions: Sequence[int], chosen: Sequence[Sequence[int]],
           block: Callable[[int, int], Any]) -> Any:
    """Blocks for every pair of leaves: the structure of the arguments, with that structure in each leaf."""
    def inner(k: int) -> Any:
        return wrt.gather([trees.unflatten(t.structure(p), [block(k, j) if j in t.parameter else None for j in group])
                           for p, group in zip(positions, chosen, strict=True)])

    return wrt.gather([trees.unflatten(t.structure(p), [inner(k) if k in t.parameter else None for k in group])
                       for p, group in zip(positions, chosen, strict=True)])
