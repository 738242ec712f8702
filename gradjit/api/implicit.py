"""Values that an equation defines: `implicit`.

Where F(x, a) = 0, the derivative of x is that of the equation: dF/dx * dx + dF/da * da = 0, whatever has found x. (The
implicit function theorem; Griewank and Walther, Evaluating Derivatives, 2nd edition, section 15.1.)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from ..errors import DifferentiationError, ShapeError, UnsupportedError
from ..ir import Block, Builder, Func
from ..ir.clone import inline
from ..ir.ops.custom import Rule
from ..probe import named_like
from ..tracer import trees
from ..tracer.array import ARRAY, NUMBERS, SCALAR, TracedArray, root
from ..tracer.calls import call
from ..tracer.control.may_alias import Alias, Aliases, always, bind
from ..tracer.custom import ruled
from ..tracer.locations import fail
from ..tracer.operands import as_traced, emit, laid
from ..tracer.recorder import current, running_recorders
from ..tracer.trace import definition_of, name_of, trace
from .custom import stand_in
from .derivative_matrices import jacobian_matrix
from .differentiate import Traced, push
from .recording_arguments import recorded_or_run
from .signatures import positional
from .wrt import Wrt

Function = Callable[..., Any]


def implicit(residual: Function, solve: Function | None = None) -> Any:
    """A solver whose derivative is that of the equation that it solves.

        @gj.implicit(lambda x, a: x**2 - a)
        def root(a): ...                     # any algorithm

        fixed = gj.implicit(lambda x, p: x - step(x, p), find_fixed_point)

    residual(x, *args): what is zero for x = solve(*args); it has as many numbers as x. x is an array, a number, or a
        container of them. The derivative with respect to the arguments, and to what the residual reads from outside,
        takes one linear system of dF/dx; `solve` itself is not differentiated.
    solve(*args): plain NumPy that is compiled with the rest, or a `gj.primitive`.

    Both modes and higher orders follow. Where dF/dx is singular LinAlgError is raised when the derivative is computed.
    Outside of compiled code `solve` runs as it stands.
    """
    if not callable(residual):
        raise TypeError(f"gj.implicit takes a residual, residual(x, *args), got {type(residual).__name__}")

    def make(solve: Function) -> Any:
        if not callable(solve):
            raise TypeError(f"gj.implicit takes a function that solves, got {type(solve).__name__}")

        def solved(*args: Any, **kwargs: Any) -> Any:
            if not running_recorders():
                return recorded_or_run(solved, solve, args, kwargs)
            args, kwargs = positional(solve, args, kwargs)
            before = next(NUMBERS)
            found = call(solve, *args, **kwargs)
            leaves, tree = trees.flatten(found)
            unknowns = [as_traced(x) for x in leaves]
            for h in unknowns:
                if not h.ir_dtype.is_float:
                    fail(DifferentiationError, f"{name_of(solve)} is a gj.implicit and gives {h.type}; what an "
                                               f"equation defines are real numbers", definition_of(solve))
            given = trees.unflatten(tree, [stand_in(h.extents, h.dtype, h.kind) for h in unknowns])
            equation = Equation(residual, given, args, kwargs)
            return trees.unflatten(tree, [named(x, h, before) for x, h in zip(equation.solved(unknowns), unknowns,
                                                                              strict=True)])

        return named_like(solved, solve) or solved

    return make if solve is None else make(solve)


def named(x: TracedArray, found: TracedArray, before: int) -> TracedArray:
    """A handle with the equation's derivative for what the solver has found: in its layout, and another name of it
    where that is an array from before the call, with a number below."""
    if x.kind == ARRAY and found.root.number < before:
        bind(x, Aliases((Alias.of(found, always),), "what a gj.implicit returns is an array that has another name, too",
                        is_complete=True))
    return laid(x, found.strides_in_elements)


AS_IT_LIKES = ("which a solver calls as often as it likes when the program runs, and gradjit once while it compiles; "
               "take what the solver's result tells of its calls (nfev), or call it outside of compiled functions")


class Equation:
    """A residual, as a function of the unknowns and of all else that it reads.

    unknown: stand-ins for x. others: the operands besides, in the trace that is open: arguments, and values from
        outside.
    """

    def __init__(self, residual: Function, unknown: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None,
                 is_square: bool = True):
        self.name = name_of(residual)
        self.loc = definition_of(residual)
        self.types = [as_traced(x) for x in trees.flatten(unknown)[0]]
        t = Traced(residual, (unknown, *args), dict(kwargs or {}), differentiated=False, verb="an equation",
                   called_by=AS_IT_LIKES)
        for w in (*t.trace.writes, *t.trace.touched):
            fail(UnsupportedError, f"{self.name} writes to {w.what}; write to a copy", w.loc)
        self.func = t.trace.func
        self.others = [*t.handles[len(self.types):], *(root(v, current(), None) for v in t.trace.adopted)]
        self.result = t.trace.result
        if not all(v.type.is_static for v in (*self.func.params, *self.func.results)):
            fail(UnsupportedError, f"{self.name} has arrays whose extents are only known when the code runs; an "
                                   f"equation has a known number of unknowns", self.loc)
        self.size = sum(prod(h.extents) for h in self.types)
        values = sum(1 if r.index is None else self.func.results[r.index].type.size for r in self.result)
        if is_square and values != self.size:
            fail(ShapeError, f"{self.name} gives {values} numbers for {self.size} unknowns; an equation has as many as "
                             f"there are", self.loc)

    @property
    def is_closed(self) -> bool:
        """Whether it reads nothing that is traced, besides the unknowns."""
        return not self.others

    def values(self, *operands: Any) -> list[Any]:
        """The residual of the unknowns and the others, while tracing."""
        outs = current().inline(self.func, [as_traced(x).value for x in operands])
        return [r.value if r.index is None else root(outs[r.index], current(), r.kind) for r in self.result]

    def vector(self, *operands: Any) -> Any:
        """The same as one vector."""
        return joined(self.values(*operands))

    def split(self, v: Any) -> list[Any]:
        """A vector as the unknowns."""
        parts, at = [], 0
        for h in self.types:
            n = prod(h.extents)
            parts.append(np.reshape(v[at:at + n], h.extents).astype(h.dtype) if h.extents else v[at].astype(h.dtype))
            at += n
        return parts

    def solved(self, found: Sequence[TracedArray]) -> list[TracedArray]:
        """The values of the unknowns, with the derivative that the equation gives them."""
        values = [emit("stop_gradient", h).value for h in found]
        outs = ruled(values, [*values, *(h.value for h in self.others)], ImplicitRule(self))
        return [root(v, current(), h.kind) for v, h in zip(outs, found, strict=True)]


def joined(leaves: Sequence[Any]) -> Any:
    return np.concatenate([np.reshape(x, -1) for x in leaves])


class ImplicitRule(Rule):
    """The tangents of what an equation defines. The operands are the unknowns as they were found, and the others."""

    def __init__(self, equation: Equation):
        super().__init__(equation.name, {})
        self.equation = equation
        self.found = [(h.extents, h.dtype, h.kind) for h in equation.types]
        self.operands = [*self.found, *((h.extents, h.dtype, h.kind) for h in equation.others)]

    def push(self) -> Func:
        operands = [stand_in(*t) for t in self.operands]
        tangents = [h for h in (stand_in(*t) for t in self.operands) if h.ir_dtype.is_inexact]
        t = trace(self.tangents, (operands, tangents), {}, like=self.tangents)
        block = Block(tuple(h.type for h in (*operands, *tangents)))
        b = Builder(block)
        outs = inline(b, t.func, block.params)
        kept = [b.zeros(h.type) if r.index is None else outs[r.index]
                for r, h in zip(t.result, operands, strict=False)]
        block.results = tuple(kept)
        return Func(self.name, block)

    def tangents(self, operands: list[Any], given: list[Any]) -> list[Any]:
        e, n = self.equation, len(self.found)
        outs = ruled([x.value for x in operands[:n]], [x.value for x in operands], self)  # with a derivative of its own
        unknowns = [root(v, current(), kind) for v, (_, _, kind) in zip(outs, self.found, strict=True)]
        others = operands[n:]
        moving = [k for k, h in enumerate(others) if h.ir_dtype.is_inexact]

        def of_others(*moved: Any) -> Any:
            operands = list(others)
            for k, x in zip(moving, moved, strict=True):
                operands[k] = x
            return e.vector(*unknowns, *operands)

        def of_unknowns(v: Any) -> Any:
            return e.vector(*e.split(v), *others)

        if not moving:
            return [np.zeros(h.extents, h.dtype) for h in unknowns]
        _, right = push(of_others, [others[k] for k in moving], given[n:])
        matrix = jacobian_matrix(of_unknowns, Wrt(0), (joined(unknowns),), {})
        step = right / matrix[0] if e.size == 1 else np.linalg.solve(matrix, right)
        return e.split(-step)


def like(x: Any) -> TracedArray:
    """A stand-in for an unknown that begins as x: an array, or a Python number."""
    h = as_traced(x)
    dtype = h.dtype if h.ir_dtype.is_float else np.dtype(np.float64)
    return stand_in(h.extents, dtype, ARRAY if h.ndim else SCALAR)


__all__ = ["implicit"]
