"""Functions that are not looked into: `primitive`."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Sequence
from itertools import zip_longest
from types import FunctionType
from typing import Any
from weakref import WeakValueDictionary

import numpy as np

from ..errors import ArgumentError, DtypeError, ShapeError
from ..ir import ArrayType, dtype_of
from ..ir.ops.custom import OpaqueFunction, fitted
from ..probe import named_like
from ..tracer import trees
from ..tracer.array import ARRAY, PYTHON, SCALAR, TracedArray, root
from ..tracer.calls import call
from ..tracer.locations import fail
from ..tracer.operands import as_traced, is_traced
from ..tracer.recorder import current, repeated, running_recorders
from ..tracer.trace import name_of
from .closures import as_it_stands, is_made_here, variables_of
from .custom import Ruled, Written, by_both, by_cotangents, by_tangents
from .declared import Array, DeclaredSignature
from .recording_arguments import recorded_or_run
from .signatures import positional
from .structured import fori_loop

Function = Callable[..., Any]
NUMERIC = "numeric"
STEP = float(np.cbrt(np.finfo(np.float64).eps))
"""Of central differences, relative to the size of a number: where rounding and curvature cost about the same."""


def primitive(f: Function | None = None, *, out: Any, vjp: Any = None, jvp: Any = None) -> Any:
    """A function that gradjit does not look into: any Python code, a library's routine, a `ctypes` function.

        bessel = gj.primitive(library.bessel, out="f64[n]")

        @gj.primitive(out="f64[n,n], f64[n] -> f64[n]", vjp=pull)
        def solve(A, b): ...

    Compiled code calls it, with the GIL, with arrays as NumPy would give them (its own copies). What it gives are new
    row-major arrays, and numbers, of the declared types, outside of compiled code, too. It must give the same for the
    same arguments, and change nothing: calls with equal arguments are made once, and those whose result nobody
    reads not at all. An exception that it raises ends the compiled function, and is raised there.

    out: the type of what it returns, which is checked at each call (f64[n]: dtype and extents; float: a Python number).
        Names stand for the extents of the first array among the arguments; write an arrow and the types of all the
        arguments in front where that does not say it: "f64[n,m], f64[m] -> f64[n]". Or a function of the arguments,
        which returns anything of the right structure, shapes and dtypes: `out=lambda A, b: np.empty_like(b)`.
    vjp: vjp(cotangent, result, *args) -> a cotangent for each argument, None for zero. Plain NumPy that is compiled
        with the rest, or calls of primitives.
    jvp: jvp(primals, tangents) -> the tangent of the result; both are tuples. One of the two is enough for both modes.
    Either may be "numeric", which then holds for both modes: central differences, one or two calls of f for each
        element that is differentiated in reverse mode, two in all in forward mode; good to some eight digits.

    Derivatives of higher order differentiate vjp and jvp. Without them a derivative through f is an error.
    """
    for name, rule in (("vjp", vjp), ("jvp", jvp)):
        if not (rule is None or rule == NUMERIC or callable(rule)):
            raise TypeError(f"gj.primitive: {name}={rule!r}; it is a function, or \"numeric\"")
    declared = out if callable(out) else Declared(out)

    def make(f: Function) -> Any:
        if not callable(f):
            raise TypeError(f"gj.primitive takes a function, got {type(f).__name__}")
        return _primitive(f, declared, vjp, jvp)

    return make if f is None else make(f)


def _primitive(f: Function, out: Function, vjp: Any, jvp: Any, is_fixed: bool = False) -> Any:
    """is_fixed: whether what `f` reads from around it stays what it is."""
    name = name_of(f)
    forms = CallForms()

    def bare(*args: Any) -> Any:
        return PrimitiveCall(f, name, forms, args).results(out)

    named_like(bare, f)
    rule = written(bare, vjp, jvp)

    def opaque(*args: Any, **kwargs: Any) -> Any:
        if not running_recorders():
            return recorded_or_run(opaque, functools.partial(as_declared, f, name, out), args, kwargs)
        if not is_fixed and is_made_here(f):
            fixed = _primitive(checked_variables(f, name), out, as_it_stands(vjp), as_it_stands(jvp), is_fixed=True)
            return fixed(*args, **kwargs)
        args, kwargs = positional(f, args, kwargs)
        if kwargs:
            fail(ArgumentError, f"{name} is a gj.primitive and is called with the keyword-only argument "
                                f"{next(iter(kwargs))}; wrap it in a function that gives it")
        return bare(*args) if rule is None else Ruled(bare, "primitive", rule, (), args, {}).result

    made = named_like(opaque, f)
    if getattr(sys.modules.get(f.__module__ or ""), made.__name__, None) is f:
        made.__module__ = __name__  # under that name f itself is found
    return made


def checked_variables(f: Any, name: str) -> Function:
    """The function as it stands. ArgumentError where it reads what the program computes, or may change: it runs as
    Python, when the program does."""
    world = current().outermost.world
    for variable, held in variables_of(f):
        is_computed = any(isinstance(x, TracedArray) for x in trees.flatten(held)[0])
        if is_computed or (world.is_fresh(held) and not isinstance(held, FunctionType)):
            fail(ArgumentError, f"the gj.primitive {name} reads {variable}, which is "
                                f"{'computed' if is_computed else 'made'} by the function around it: it runs as Python "
                                f"and knows arguments alone; pass {variable} as an argument")
    now: Function = as_it_stands(f)
    return now


def as_declared(f: Function, name: str, out: Function, *args: Any, **kwargs: Any) -> Any:
    """What the function gives outside of compiled code: as there, new row-major arrays and numbers of the declared
    kinds."""
    found, tree = trees.flatten(f(*args, **kwargs))
    declared, wanted = trees.flatten(out.result if isinstance(out, Declared) else out(*positional(f, args, kwargs)[0]))
    if tree != wanted:
        raise structure_error(name, tree, wanted)
    return trees.unflatten(tree, [of_kind(name, x, k, d) for k, (x, d) in enumerate(zip(found, declared, strict=True))])


def of_kind(name: str, x: Any, k: int, declared: Any) -> Any:
    """Result k as `declared`: an Array of the text, an array, a NumPy scalar or a Python number."""
    if isinstance(declared, Array):
        shape = tuple(n if isinstance(e, str) else e for e, n in zip_longest(declared.shape, np.shape(x)))
        a = fitted(name, x, k, declared.dtype, shape)
        return a if declared.shape else a[()]
    a = fitted(name, x, k, np.asarray(declared).dtype, np.shape(declared))
    return a if isinstance(declared, np.ndarray) else a[()] if isinstance(declared, np.generic) else a.item()


def structure_error(name: str, found: trees.Tree, declared: trees.Tree) -> ShapeError:
    return ShapeError(f"{name} returned {found}, and out= of its gj.primitive declares {declared}")


class CallForms(WeakValueDictionary[Any, OpaqueFunction]):
    """The operations that calls of one primitive have become, by what tells them apart; an equal call is the same
    operation, and done once. It grows while a program is traced, and is no state of the program's: a copy in another
    process begins with none."""

    def __reduce__(self) -> tuple[Any, ...]:
        return CallForms, ()


# the call -------------------------------------------------------------------------------------------------------------
class PrimitiveCall:
    """A call while something is traced. Arrays and floats are operands; what else there is goes along as it is."""

    def __init__(self, f: Function, name: str, forms: CallForms, args: Sequence[Any]):
        self.f, self.name, self.forms, self.args = f, name, forms, args
        self.leaves, self.tree = trees.flatten(tuple(args))
        self.moving = {k: as_traced(x) for k, x in enumerate(self.leaves) if is_operand(x)}

    def results(self, out: Function) -> Any:
        """What the function makes of the arguments, as handles."""
        leaves, tree = trees.flatten(out.of(self) if isinstance(out, Declared) else call(out, *self.args))
        if not leaves:
            fail(ArgumentError, f"out= of the gj.primitive {self.name} declares no result")
        found = [x if isinstance(x, TracedArray) else as_traced(x) for x in leaves]
        types = tuple(ArrayType(dtype_of(h.dtype), tuple(h.type.shape)) for h in found)
        r = current()
        values = r.append("opaque", tuple(h.value for h in self.moving.values()),
                          {"function": self.operation(tree), "types": types})
        return trees.unflatten(tree, [root(v, r, h.kind) for v, h in zip(values, found, strict=True)])

    def operation(self, declared: trees.Tree) -> OpaqueFunction:
        form = self.tree, declared, *((k, h.kind) for k, h in self.moving.items()), *(
            (type(x), x) for k, x in enumerate(self.leaves) if k not in self.moving)
        try:
            known = self.forms.get(form)
        except TypeError:  # something that has no hash
            return OpaqueFunction(self.name, self.function(declared))
        if known is None:
            known = self.forms[form] = OpaqueFunction(self.name, self.function(declared))
        return known

    def function(self, declared: trees.Tree) -> Callable[..., list[Any]]:
        """The function as one of its operands alone."""
        f, name, own = self.f, self.name, self.tree
        kinds = {k: h.kind for k, h in self.moving.items()}
        leaves = [None if k in kinds else x for k, x in enumerate(self.leaves)]

        def run(*operands: np.ndarray) -> list[Any]:
            given = list(leaves)
            for (k, kind), a in zip(kinds.items(), operands, strict=True):
                given[k] = a if kind == ARRAY else a[()] if kind == SCALAR else a.item()
            found, tree = trees.flatten(f(*trees.unflatten(own, given)))
            if tree != declared:
                raise structure_error(name, tree, declared)
            return list(found)

        return run


def is_operand(x: Any) -> bool:
    return is_traced(x) or isinstance(x, (np.ndarray, np.generic, float, complex))


class Declared:
    """Result types as a text: `f64[n]`, or `f64[n,m], f64[m] -> f64[n]`."""

    def __init__(self, text: Any):
        if not isinstance(text, str):
            raise TypeError(f"gj.primitive: out={text!r}; it is a text such as 'f64[n]', or a function of the "
                            f"arguments")
        before, arrow, behind = text.rpartition("->")
        self.text = text
        self.arguments = DeclaredSignature(before).arguments if arrow else None
        results = DeclaredSignature(behind).arguments
        if not results:
            raise ArgumentError(f"gj.primitive: out={text!r} declares no result")
        self.result = results if len(results) > 1 else results[0]

    def __call__(self, *args: Any) -> Any:
        raise AssertionError("see `of`")

    def of(self, made: PrimitiveCall) -> Any:
        """Stand-ins of the results' types."""
        extents = self.first(made) if self.arguments is None else self.matched(made)
        leaves, tree = trees.flatten(self.result)
        return trees.unflatten(tree, [self.stand_in(x, extents, made) for x in leaves])

    def stand_in(self, x: Any, extents: dict[str, Any], made: PrimitiveCall) -> TracedArray:
        if not isinstance(x, Array):
            return root(np.asarray(x), None, PYTHON)
        unknown = [e for e in x.shape if isinstance(e, str) and e not in extents]
        if unknown:
            fail(ArgumentError, f"out={self.text!r} of the gj.primitive {made.name}: {unknown[0]} is no extent of the "
                                f"first array among the arguments, which has {len(extents)}; write the types of the "
                                f"arguments and an arrow in front, as in 'f64[n], f64[n,m] -> f64[m]'")
        shape = tuple(extents.get(e, e) if isinstance(e, str) else e for e in x.shape)
        return root(repeated(0, shape, x.dtype), None, ARRAY if shape else SCALAR)

    def first(self, made: PrimitiveCall) -> dict[str, Any]:
        """The names, in order, stand for the extents of the first array."""
        arrays = [x for x in trees.flatten(self.result)[0] if isinstance(x, Array)]
        names = [e for x in arrays for e in x.shape if isinstance(e, str)]
        array = next((h for h in made.moving.values() if h.ndim), None)
        return dict(zip(dict.fromkeys(names), () if array is None else array.extents, strict=False))

    def matched(self, made: PrimitiveCall) -> dict[str, Any]:
        """What the names in front of the arrow stand for."""
        declared, tree = trees.flatten(self.arguments)
        if tree != made.tree:
            fail(ArgumentError, f"{made.name} is a gj.primitive with out={self.text!r}, and is called with "
                                f"{len(made.leaves)} arguments in other containers, or another number of them")
        extents: dict[str, Any] = {}
        for k, x in enumerate(declared):
            h = made.moving.get(k)
            if not isinstance(x, Array) or h is None:
                continue
            if h.ndim != len(x.shape):
                fail(ShapeError, f"{made.name} is a gj.primitive with out={self.text!r}: argument {k} is {h.type}, "
                                 f"expected {x}")
            if h.dtype != x.dtype:
                fail(DtypeError, f"{made.name} is a gj.primitive with out={self.text!r}: argument {k} is {h.type}, "
                                 f"expected {x}")
            for axis, (e, n) in enumerate(zip(x.shape, h.extents, strict=True)):
                known = extents.setdefault(e, n) if isinstance(e, str) else e
                if known is not n and not bool(known == n):
                    fail(ShapeError, f"{made.name} is a gj.primitive with out={self.text!r}: axis {axis} of argument "
                                     f"{k} has {n} elements, expected {e} = {known}")
        return extents


# derivatives ----------------------------------------------------------------------------------------------------------
def written(f: Function, vjp: Any, jvp: Any) -> Written | None:
    """The rule that the user has given."""
    pull = pull_by_differences(f) if vjp == NUMERIC or (jvp == NUMERIC and vjp is None) else vjp
    push = push_by_differences(f) if jvp == NUMERIC or (vjp == NUMERIC and jvp is None) else jvp
    if push is None and pull is None:
        return None

    def forward(*args: Any) -> Any:
        result = f(*args)
        return result, (result, args)

    def backward(residuals: Any, cotangent: Any) -> Any:
        result, args = residuals
        found = call(pull, cotangent, result, *args)
        return found if isinstance(found, tuple) else (found,)

    def tangent(primals: Any, tangents: Any) -> Any:
        return f(*primals), call(push, primals, tangents)

    named_like(backward, pull)
    named_like(tangent, push)
    if push is None:
        return by_cotangents(forward, backward)
    return by_tangents(tangent) if pull is None else by_both(forward, backward, tangent)


def pull_by_differences(f: Function) -> Function:
    def numeric(cotangent: Any, result: Any, *args: Any) -> Any:
        """The cotangents by central differences, element by element."""
        leaves, tree = trees.flatten(args)
        found = [slope(f, leaves, tree, k, cotangent) if is_inexact(x) else None for k, x in enumerate(leaves)]
        return tuple(by_argument(args, found))

    return numeric


def by_argument(args: tuple[Any, ...], leaves: Sequence[Any]) -> list[Any]:
    """Cotangents of leaves in the containers of the arguments; None for zeros."""
    rest, out = iter(leaves), []
    for x in args:
        parts, tree = trees.flatten(x)
        own = [next(rest) for _ in parts]
        out.append(None if all(g is None for g in own) else trees.unflatten(
            tree, [np.zeros(np.shape(p)) if g is None else g for p, g in zip(parts, own, strict=True)]))
    return out


def slope(f: Function, leaves: Sequence[Any], tree: trees.Tree, k: int, cotangent: Any) -> Any:
    """The cotangent of a leaf: for each of its elements how f changes, times the cotangent of the result."""
    x = as_traced(leaves[k])

    def at(moved: Any) -> Any:
        given = list(leaves)
        given[k] = moved
        return f(*trees.unflatten(tree, given))

    def change(there: Any, width: Any) -> Any:
        """Of the two ends of a step, which are f's results."""
        ahead, behind = there
        pairs = zip(trees.flatten(ahead)[0], trees.flatten(behind)[0], trees.flatten(cotangent)[0], strict=True)
        return sum(np.sum(c * (a - b)) for a, b, c in pairs if is_inexact(a)) / width

    if not x.ndim:
        h = STEP * np.maximum(1.0, np.abs(x))
        return change((at(x + h), at(x - h)), 2 * h)

    def one(i: Any, made: Any) -> Any:
        h = STEP * np.maximum(1.0, np.abs(flat[i]))
        ends = []
        for sign in (1, -1):
            moved = flat.copy()
            moved[i] += sign * h
            ends.append(at(np.reshape(moved, x.shape)))
        made[i] = change(ends, 2 * h)
        return made

    flat = np.reshape(x, -1).copy()
    return np.reshape(fori_loop(0, flat.size, one, np.zeros_like(flat)), x.shape)


def push_by_differences(f: Function) -> Function:
    def numeric(primals: Any, tangents: Any) -> Any:
        """The tangent by a central difference along the tangents of the arguments."""
        leaves, tree = trees.flatten(primals)
        along = trees.flatten(tangents)[0]
        moving = [k for k, x in enumerate(leaves) if is_inexact(x)]
        length = np.sqrt(sum(np.sum(along[k] ** 2) for k in moving))
        size = np.sqrt(sum(np.sum(leaves[k] ** 2) for k in moving))
        h = STEP * np.maximum(1.0, size) / np.where(length > 0, length, 1.0)

        def at(step: Any) -> Any:
            moved = [x + step * along[k] if k in moving else x for k, x in enumerate(leaves)]
            return f(*trees.unflatten(tree, moved))

        ahead, behind = trees.flatten(at(h)), trees.flatten(at(-h))
        return trees.unflatten(ahead[1], [(a - b) / (2 * h) for a, b in zip(ahead[0], behind[0], strict=True)])

    return numeric


def is_inexact(x: Any) -> bool:
    return is_operand(x) and as_traced(x).ir_dtype.is_inexact


__all__ = ["primitive"]
