"""Derivatives that the user writes: `custom_vjp`, `custom_jvp`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from ..errors import ArgumentError, DifferentiationError, UnsupportedError
from ..ir import Block, Builder, Func, Value
from ..ir.clone import inline
from ..ir.ops.custom import Rule
from ..probe import named_like
from ..records import dataclass
from ..tracer import trees
from ..tracer.array import PYTHON, TracedArray, root
from ..tracer.calls import call
from ..tracer.custom import ruled
from ..tracer.locations import fail
from ..tracer.operands import as_traced, cast, constant
from ..tracer.recorder import repeated, running_recorders
from ..tracer.trace import ArgumentLeaf, Trace, definition_of, name_of, trace
from .called_results import called_result
from .closures import as_it_stands
from .differentiate import Traced
from .recording_arguments import recorded_or_run
from .signatures import positional

Function = Callable[..., Any]


def custom_vjp(f: Function | None = None, *, fwd: Function | None = None, bwd: Function | None = None,
               nondiff_argnums: Sequence[int] = ()) -> Any:
    """A function whose derivative in reverse mode is a rule of yours.

        @gj.custom_vjp
        def f(x, y): ...

        f.defvjp(fwd, bwd)                  # or gj.custom_vjp(f, fwd=fwd, bwd=bwd)

    fwd(*args) -> (result, residuals): the result as `f` gives it, and whatever `bwd` needs, in any container.
    bwd(residuals, cotangent) -> a tuple with the cotangent of each argument, or None for zero.
    nondiff_argnums: positions of arguments that have no cotangent: `bwd` gets them before the residuals.

    The rule is plain NumPy and is compiled with the rest: in loops, under `gj.vmap`, and in derivatives of higher
    order, which differentiate it; forward mode transposes it. It reads no arrays from outside: those are arguments.
    What it returns is checked for structure, shapes and dtypes. Calls of `f` without a derivative do not run it. `f`
    must not write to its arguments.
    """
    if (fwd is None) != (bwd is None):
        raise TypeError("gj.custom_vjp takes fwd and bwd together")
    return _decorated(f, "custom_vjp", "defvjp", None if fwd is None else (fwd, bwd), ("fwd", "bwd"), nondiff_argnums)


def custom_jvp(f: Function | None = None, *, rule: Function | None = None, nondiff_argnums: Sequence[int] = ()) -> Any:
    """A function whose derivative in forward mode is a rule of yours; reverse mode transposes it.

        @gj.custom_jvp
        def f(x, y): ...

        @f.defjvp                           # or gj.custom_jvp(f, rule=rule)
        def rule(primals, tangents): ...

    rule(primals, tangents) -> (result, tangent of the result): both arguments are tuples. It must be linear in the
    tangents. nondiff_argnums: positions of arguments that have no tangent: the rule gets them first. See `custom_vjp`
    for where such a function may be used.
    """
    return _decorated(f, "custom_jvp", "defjvp", None if rule is None else (rule,), ("rule",), nondiff_argnums)


def _decorated(f: Function | None, kind: str, define: str, given: tuple[Any, ...] | None, parts: tuple[str, ...],
               nondiff: Sequence[int]) -> Any:
    fixed = (nondiff,) if isinstance(nondiff, int) else tuple(nondiff)
    if not all(type(k) is int and k >= 0 for k in fixed):
        raise TypeError(f"nondiff_argnums={nondiff!r}; it must be positions of arguments")

    def make(f: Function) -> Any:
        if not callable(f):
            raise TypeError(f"gj.{kind} takes a function, got {type(f).__name__}")
        return _custom(f, kind, define, given, parts, fixed)

    return make if f is None else make(f)


def _custom(f: Function, kind: str, define: str, given: tuple[Any, ...] | None, parts: tuple[str, ...],
            fixed: tuple[int, ...]) -> Any:
    rules: list[tuple[Any, ...]] = [] if given is None else [given]
    names: list[Function] = []

    def custom(*args: Any, **kwargs: Any) -> Any:
        if not running_recorders():
            return recorded_or_run(names[-1], f, args, kwargs)
        if not rules:
            fail(DifferentiationError, f"{name_of(f)} is a gj.{kind} without a rule; define it by "
                                       f"{name_of(f)}.{define}({', '.join(parts)})", definition_of(f))
        return Ruled(f, kind, RULES[kind](*map(as_it_stands, rules[0])), fixed, *positional(f, args, kwargs)).result

    def defined(*functions: Any) -> Any:
        if len(functions) != len(parts) or not all(map(callable, functions)):
            raise TypeError(f"{name_of(f)}.{define} takes {' and '.join(parts)}")
        rules[:] = [functions]
        names[:] = [partial(custom)]
        return functions[0] if len(functions) == 1 else None

    names.append(partial(custom))  # what recordings know it by: another one for each rule
    made: Any = named_like(custom, f) or custom
    setattr(made, define, defined)
    return made


# a call ---------------------------------------------------------------------------------------------------------------
class Ruled:
    """A call of such a function, while something is traced."""

    def __init__(self, f: Function, kind: str, written: Written, fixed: tuple[int, ...], args: tuple[Any, ...],
                 kwargs: dict[str, Any]):
        self.name = name_of(f)
        if kwargs:
            fail(ArgumentError, f"{self.name} is a gj.{kind} and is called with the keyword-only argument "
                                f"{next(iter(kwargs))}; pass what a rule differentiates by position")
        self.fixed = [k for k in fixed if k < len(args)]
        self.t = Traced(f, args, {}, differentiated=False, verb=f"a gj.{kind}")
        self.args = args
        self.leaves, self.tree = trees.flatten((tuple(args), {}))
        for w in (*self.t.trace.writes, *self.t.trace.touched):
            fail(UnsupportedError, f"{self.name} is a gj.{kind} and writes to {w.what}; write to a copy", w.loc)
        self.func = self.t.trace.func
        self.operands = [h.value for h in self.t.handles] + self.t.trace.adopted
        if not all(v.type.is_static for v in self.operands):
            fail(UnsupportedError, f"{self.name} is a gj.{kind} and is called with an array whose extent is only known "
                                   f"when the code runs; pass an array of the full size")
        self.rule = written.functions[-1]
        self.rule_name = name_of(self.rule)
        outs = self.t.apply(self.func)
        if outs:
            outs = list(ruled(outs, self.operands, written.rule(self)))
        self.result = called_result(self.t, self.leaves, outs, is_ruled=True)

    def refused(self) -> dict[int, str]:
        """Operands that the rule does not differentiate, with the reason."""
        paths = self.t.trace.tree.paths()
        found = {}
        for k, leaf in enumerate(self.t.trace.traced):
            if paths[leaf][1] in self.fixed:
                found[k] = (f"the derivative of {self.name} with respect to {self.t.trace.leaves[leaf].name} is "
                            f"wanted, which nondiff_argnums excludes")
        for k in range(len(self.t.handles), len(self.operands)):
            found[k] = (f"{self.name} reads from outside a value that the derivative is taken with respect to, and its "
                        f"rule {self.rule_name} says nothing of it; pass it as an argument")
        return found

    # stand-ins --------------------------------------------------------------------------------------------------------
    def given(self) -> list[Any]:
        """Stand-ins for the leaves of the arguments."""
        handles = [as_traced(x) if leaf.kind != "static" else None
                   for x, leaf in zip(self.leaves, self.t.trace.leaves, strict=True)]
        return [x if h is None else stand_in(h.extents, h.dtype, h.kind)
                for x, h in zip(self.leaves, handles, strict=True)]

    def tangents(self) -> list[Any]:
        """Stand-ins for their tangents; zeros for integers, None for what is no number."""
        return [None if (t := leaf.type) is None else stand_in(t.extents, tangent_dtype(t.dtype.np), leaf.kind)
                for leaf in self.t.trace.leaves]

    def cotangents(self) -> list[Any]:
        """Stand-ins for the cotangents of the leaves of the result."""
        return [np.float64(0.0) if r.index is None else
                stand_in(self.func.results[r.index].type.extents,
                         tangent_dtype(self.func.results[r.index].dtype.np), r.kind) for r in self.t.trace.result]

    def arguments(self, leaves: Sequence[Any]) -> tuple[Any, ...]:
        found: tuple[Any, ...] = trees.unflatten(self.tree, leaves)[0]
        return found

    def split(self, args: Sequence[Any]) -> tuple[list[Any], tuple[Any, ...]]:
        """The arguments that the rule does not differentiate, and the others."""
        return [args[k] for k in self.fixed], tuple(x for k, x in enumerate(args) if k not in self.fixed)

    # errors -----------------------------------------------------------------------------------------------------------
    def wrong(self, what: str) -> None:
        fail(DifferentiationError, f"{self.rule_name}, the rule of {self.name}, {what}", definition_of(self.rule))


def stand_in(extents: Any, dtype: Any, kind: str | None) -> TracedArray:
    return root(repeated(0, extents, dtype), None, kind)


def tangent_dtype(dtype: np.dtype) -> np.dtype:
    return dtype if dtype.kind in "fc" else np.dtype(np.float64)


def fitted(of: Ruled, x: Any, leaf: ArgumentLeaf, what: str) -> TracedArray:
    """What a rule returned for a leaf, of its type. None is zero."""
    assert leaf.type is not None
    wanted = leaf.type
    if x is None:
        return constant(np.zeros(wanted.extents, wanted.dtype.np))
    h = as_traced(x)
    if h.extents != wanted.extents and not (h.kind == PYTHON and h.is_known and not h.known.any()):  # type: ignore[union-attr]
        of.wrong(f"returned {h.type} as {what} of {leaf.name}, which is {wanted}")
    if h.dtype != wanted.dtype.np and h.kind != PYTHON:
        of.wrong(f"returned {h.type} as {what} of {leaf.name}, which is {wanted}; convert it by .astype(np."
                 f"{wanted.dtype.np})")
    if h.extents != wanted.extents:
        return constant(np.zeros(wanted.extents, wanted.dtype.np))
    return cast(h, wanted.dtype)


# rules as IR ----------------------------------------------------------------------------------------------------------
class ByCotangents(Rule):
    """`bwd` of what `fwd` leaves."""

    def __init__(self, of: Ruled, fwd: Function, bwd: Function):
        super().__init__(of.rule_name, of.refused())
        self.of, self.fwd, self.bwd = of, fwd, bwd

    def pull(self) -> Func:
        of = self.of
        wanted = [k for k, leaf in enumerate(of.t.trace.leaves) if leaf.type and leaf.type.dtype.is_inexact]
        fwd, bwd = self.fwd, self.bwd

        def run(args: Any, cotangents: Any) -> Any:
            pair = call(fwd, *args)
            if not (isinstance(pair, tuple) and len(pair) == 2):
                fail(DifferentiationError, f"{name_of(fwd)} of {of.name} must return (result, residuals)",
                     definition_of(fwd))
            self.check_result(pair[0])
            fixed, _ = of.split(args)
            cotangent = trees.unflatten(of.t.trace.result_tree, cotangents)
            return self.leaves_of(call(bwd, *fixed, pair[1], cotangent), wanted)

        t = trace(run, (of.arguments(of.given()), of.cotangents()), {}, like=bwd)
        return assembled(of, t, [r.index for r in of.t.trace.result], len(of.func.results))

    def check_result(self, result: Any) -> None:
        of = self.of
        leaves, tree = trees.flatten(result)
        if tree != of.t.trace.result_tree:
            fail(DifferentiationError, f"{name_of(self.fwd)} of {of.name} gives a result of the structure {tree}, "
                                       f"{of.name} one of {of.t.trace.result_tree}", definition_of(self.fwd))
        for x, r in zip(leaves, of.t.trace.result, strict=True):
            if r.index is not None and as_traced(x).extents != of.func.results[r.index].type.extents:
                fail(DifferentiationError, f"{name_of(self.fwd)} of {of.name} gives {as_traced(x).type} as result, "
                                           f"{of.name} gives {of.func.results[r.index].type}",
                     definition_of(self.fwd))

    def leaves_of(self, found: Any, wanted: Sequence[int]) -> list[TracedArray]:
        """The cotangents of the inexact leaves."""
        of = self.of
        _, moving = of.split(of.args)
        if not isinstance(found, tuple) and len(moving) == 1:
            found = (found,)
        if not isinstance(found, (tuple, list)) or len(found) != len(moving):
            count = len(found) if isinstance(found, (tuple, list)) else "no tuple"
            of.wrong(f"must return a tuple with a cotangent for each of {len(moving)} arguments, and returned {count}")
        each = iter(found)
        names = [None if k in of.fixed else next(each) for k in range(len(of.args))]
        leaves: list[Any] = []
        for k, (x, tree) in enumerate(zip(names, of.tree.child(0).children(), strict=True)):
            if x is None:
                leaves += [None] * tree.num_leaves
                continue
            parts, own = trees.flatten(x)
            if own != tree:
                of.wrong(f"returned a cotangent of the structure {own} for argument {k}, which has {tree}")
            leaves += parts
        return [fitted(of, leaves[k], of.t.trace.leaves[k], "the cotangent") for k in wanted]


class ByTangents(Rule):
    """A rule of primals and tangents."""

    def __init__(self, of: Ruled, rule: Function):
        super().__init__(of.rule_name, of.refused())
        self.of, self.rule = of, rule

    def push(self) -> Func:
        of, rule = self.of, self.rule

        def run(args: Any, tangents: Any) -> Any:
            fixed, primals = of.split(args)
            _, moving = of.split(of.arguments(tangents))
            pair = call(rule, *fixed, primals, moving)
            if not (isinstance(pair, tuple) and len(pair) == 2):
                of.wrong("must return (result, tangent of the result)")
            leaves, tree = trees.flatten(pair[1])
            if tree != of.t.trace.result_tree:
                of.wrong(f"returned a tangent of the structure {tree}; the result has {of.t.trace.result_tree}")
            found: dict[int, TracedArray] = {}
            for x, r in zip(leaves, of.t.trace.result, strict=True):
                if r.index is not None and (v := of.func.results[r.index]).dtype.is_inexact:
                    found[r.index] = fitted(of, x, ArgumentLeaf("the result", r.kind, v.type), "the tangent")
            return [found[k] for k in sorted(found)]

        t = trace(run, (of.arguments(of.given()), of.tangents()), {}, like=rule)
        numbers = {leaf: k for k, leaf in enumerate(of.t.trace.traced)}
        return assembled(of, t, [numbers.get(k) for k in range(len(of.leaves))], None)


class ByBoth(Rule):
    """One of each."""

    def __init__(self, of: Ruled, pull: ByCotangents, push: ByTangents):
        super().__init__(of.rule_name, of.refused())
        self.pull, self.push = pull.pull, push.push  # type: ignore[method-assign]


@dataclass(frozen=True)
class Written:
    """The functions that make up a rule; the last gives it its name."""

    functions: tuple[Function, ...]
    rule: Callable[[Ruled], Rule]


def by_cotangents(fwd: Function, bwd: Function) -> Written:
    return Written((fwd, bwd), lambda of: ByCotangents(of, fwd, bwd))


def by_tangents(rule: Function) -> Written:
    return Written((rule,), lambda of: ByTangents(of, rule))


def by_both(fwd: Function, bwd: Function, rule: Function) -> Written:
    return Written((rule, bwd), lambda of: ByBoth(of, ByCotangents(of, fwd, bwd), ByTangents(of, rule)))


RULES: dict[str, Callable[..., Written]] = {"custom_vjp": by_cotangents, "custom_jvp": by_tangents}


def assembled(of: Ruled, t: Trace, stands_for: Sequence[int | None], results: int | None) -> Func:
    """A traced rule as a function of the operands, and of tangents (results=None) or cotangents.

    stands_for: for each leaf of the rule's second argument which operand or result it belongs to.
    """
    values = of.operands if results is None else list(of.func.results)
    moving = [k for k, v in enumerate(values) if v.dtype.is_inexact]
    block = Block((*(v.type for v in of.operands), *(values[k].type for k in moving)))
    b = Builder(block, definition_of(of.rule))
    operands, behind = block.params[:len(of.operands)], block.params[len(of.operands):]
    linear = dict(zip(moving, behind, strict=True))
    first = {leaf: k for k, leaf in enumerate(of.t.trace.traced)}
    count = len(of.leaves)
    used: set[int] = set()
    given: list[Value] = []
    for leaf in t.traced:
        if leaf < count:
            given.append(operands[first[leaf]])
            continue
        k = stands_for[leaf - count]
        if k is not None and k in linear and k not in used:  # what is returned twice has its cotangent once
            used.add(k)
            given.append(linear[k])
        else:
            v = t.func.params[len(given)]
            given.append(b.zeros(v.type))
    if t.adopted:
        fail(UnsupportedError, f"{of.rule_name}, the rule of {of.name}, reads an array from outside, "
                               f"{t.adopted[0].name or 'a traced value'}, which rules cannot yet; make it an argument "
                               f"of {of.name}, named by nondiff_argnums", definition_of(of.rule))
    outs = inline(b, t.func, given)
    leaves = [outs[r.index] if r.index is not None else b.const(r.value, values[0].dtype) for r in t.result]
    if results is None:
        block.results = tuple(leaves)
    else:
        found = iter(leaves)
        own = [leaf for leaf in of.t.trace.leaves if leaf.is_traced]
        block.results = (*(next(found) for leaf in own if leaf.type and leaf.type.dtype.is_inexact),
                         *(b.zeros(v.type) for v in of.operands[len(own):] if v.dtype.is_inexact))
    return Func(of.rule_name, block)


__all__ = ["custom_jvp", "custom_vjp"]
