"""Compiled functions inside of PyTorch and JAX: as functions that these differentiate.

Both see a function of tensors with a derivative of its own, which is gradjit's pullback; the derivative of that is made
in the same way, so that there are second and further ones. What is computed is computed by gradjit, on the CPU: memory
of tensors is passed to machine code as it is. Neither library is imported before it is asked for.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import ArgumentError
from ..probe import text
from ..runtime.entry_spec import Argument, CapturedResult
from ..tracer import trees
from . import functions
from .compiled import Compiled

Leaves = Sequence[Any]


def library(name: str) -> Any:
    return importlib.import_module(name)


class LeafFunction:
    """A function of leaves, which gives a tuple of leaves, and its pullback, of the same kind.

    tensors: which of the leaves are tensors; the others (numbers, texts) stand at their places in `template`.
    """

    def __init__(self, body: Callable[..., Any], differentiable: tuple[int, ...]) -> None:
        self.body = body
        self.compiled = functions.jit(body)
        self.differentiable = differentiable
        self._pullback: LeafFunction | None = None

    def __call__(self, leaves: Leaves) -> tuple[Any, ...]:
        """The results, as arrays."""
        return tuple(np.asarray(x) for x in self.compiled(*leaves))

    def pullback(self, leaves: int) -> LeafFunction:
        """The function `(leaves..., cotangents...)` that gives the cotangents of the differentiable leaves."""
        if self._pullback is None:
            body, wanted = self.body, self.differentiable

            def pulled(*given: Any) -> Any:
                at, cotangents = given[:leaves], given[leaves:]

                def of_wanted(*chosen: Any) -> Any:
                    every = list(at)
                    for k, x in zip(wanted, chosen, strict=True):
                        every[k] = x
                    return body(*every)

                _, pull = functions.vjp(of_wanted, *(at[k] for k in wanted))
                return tuple(pull(tuple(cotangents)))

            self._pullback = LeafFunction(pulled, ())
        return self._pullback


def flat_body(f: Callable[..., Any], tree: Any, fixed: dict[int, Any], found: dict[str, Any]) -> Callable[..., Any]:
    """`f` as a function of those leaves of its arguments that are tensors, which gives a tuple of leaves; the structure
    of the result is put into `found` when it is traced."""
    def body(*tensors: Any) -> Any:
        given = iter(tensors)
        leaves = [fixed[k] if k in fixed else next(given) for k in range(tree.num_leaves)]
        args, kwargs = trees.unflatten(tree, leaves)
        parts, found["tree"] = trees.flatten(f(*args, **kwargs))
        return tuple(parts)

    return body


def plain(f: Callable[..., Any], name: str) -> Callable[..., Any]:
    if not callable(f):
        raise TypeError(f"gj.{name} takes a function, got {type(f).__name__}")
    return f


# PyTorch --------------------------------------------------------------------------------------------------------------
def to_torch(f: Callable[..., Any]) -> Callable[..., Any]:
    """A function of PyTorch's tensors that computes what `f`, a function of NumPy's arrays, does, and its derivatives.

    It takes tensors on the CPU, numbers, and containers of them, and gives tensors; memory is shared where tensors are
    contiguous. Derivatives are gradjit's, of any order (`create_graph=True`, `torch.autograd.gradgradcheck`).
    `torch.compile` leaves it alone. Raises ArgumentError for a tensor on another device, ImportError without PyTorch.
    """
    torch = library("torch")
    plain(f, "to_torch")
    made: dict[Any, tuple[LeafFunction, dict[str, Any]]] = {}

    def called(*args: Any, **kwargs: Any) -> Any:
        leaves, tree, key = trees.flatten_call((args, kwargs))
        fixed = {k: x for k, x in enumerate(leaves) if not isinstance(x, torch.Tensor)}
        tensors = [x for x in leaves if isinstance(x, torch.Tensor)]
        for x in tensors:
            if x.device.type != "cpu":
                raise ArgumentError(f"{text(f, '__name__', 'f')} is computed on the CPU, and a tensor is on "
                                    f"{x.device}; pass x.cpu()")
        floating = tuple(k for k, x in enumerate(tensors) if x.dtype.is_floating_point)
        known = key, floating, tuple((k, type(x), as_key(x)) for k, x in fixed.items())
        if known not in made:
            found: dict[str, Any] = {}
            made[known] = LeafFunction(flat_body(f, tree, fixed, found), floating), found
        own, found = made[known]
        results = torch_function(torch).apply(own, *tensors)
        return trees.unflatten(found["tree"], results)

    called = torch.compiler.disable(called) if hasattr(torch, "compiler") else called
    return functools.wraps(f)(called) if hasattr(f, "__name__") else called


def as_key(x: Any) -> Any:
    try:
        hash(x)
    except TypeError:
        return id(x)
    return x


@functools.cache
def torch_function(torch: Any) -> Any:
    """The class by which PyTorch's autograd knows of a LeafFunction."""

    class GradjitCall(torch.autograd.Function):  # type: ignore[misc]  # a module that has no types here
        @staticmethod
        def forward(ctx: Any, own: LeafFunction, *tensors: Any) -> Any:
            ctx.own = own
            ctx.save_for_backward(*tensors)
            with torch.no_grad():
                results = own([as_array(x) for x in tensors])
            made = tuple(torch.from_numpy(np.array(x) if not x.flags.writeable else x) for x in results)
            ctx.mark_non_differentiable(*(x for x in made if not x.dtype.is_floating_point))
            ctx.shapes = [(x.shape, x.dtype) for x in made]
            return made

        @staticmethod
        def backward(ctx: Any, *cotangents: Any) -> Any:
            own: LeafFunction = ctx.own
            tensors = ctx.saved_tensors
            given = [torch.zeros(shape, dtype=dtype) if c is None else c
                     for c, (shape, dtype) in zip(cotangents, ctx.shapes, strict=True)]
            pull = own.pullback(len(tensors))
            pull.differentiable = (*own.differentiable, *(len(tensors) + k for k, c in enumerate(given)
                                                          if c.dtype.is_floating_point))
            gradients = GradjitCall.apply(pull, *tensors, *given)
            every: list[Any] = [None] * (1 + len(tensors))
            for k, g in zip(own.differentiable, gradients, strict=True):
                every[1 + k] = g
            return tuple(every)

    def as_array(x: Any) -> Any:
        array = x.detach().numpy()
        return array if array.ndim else array[()]

    return GradjitCall


# JAX ------------------------------------------------------------------------------------------------------------------
def to_jax(f: Callable[..., Any]) -> Callable[..., Any]:
    """A function of JAX's arrays that computes what `f`, a function of NumPy's arrays, does, and its derivatives.

    It may be called within `jax.jit`, `jax.grad` and `jax.vmap` (which calls it for one example after the other). JAX
    calls back from its own code, with arrays on the CPU. Numbers of Python's are static. Derivatives are gradjit's, in
    reverse mode, of any order. Raises ImportError without JAX.
    """
    jax = library("jax")
    plain(f, "to_jax")
    made: dict[Any, Any] = {}

    def called(*args: Any, **kwargs: Any) -> Any:
        leaves, tree, key = trees.flatten_call((args, kwargs))
        fixed = {k: x for k, x in enumerate(leaves) if not isinstance(x, (jax.Array, np.ndarray, np.generic))}
        tensors = [jax.numpy.asarray(x) for k, x in enumerate(leaves) if k not in fixed]
        floating = tuple(k for k, x in enumerate(tensors) if jax.numpy.issubdtype(x.dtype, np.floating))
        known = key, floating, tuple((k, type(x), as_key(x)) for k, x in fixed.items())
        if known not in made:
            found: dict[str, Any] = {}
            own = LeafFunction(flat_body(f, tree, fixed, found), floating)
            made[known] = jax_function(jax, own), found
        function, found = made[known]
        results = function(*tensors)
        return trees.unflatten(found["tree"], results)

    return functools.wraps(f)(called) if hasattr(f, "__name__") else called


def jax_function(jax: Any, own: LeafFunction) -> Callable[..., Any]:
    """What JAX traces for a LeafFunction: a call back, and its derivative."""
    def primal(*tensors: Any) -> Any:
        types = result_types(jax, own, tensors)

        def computed(*xs: Any) -> Any:
            return tuple(np.asarray(r, t.dtype) for r, t in zip(own([host(x) for x in xs]), types, strict=True))

        return jax.pure_callback(computed, types, *tensors, vmap_method="sequential")

    function = jax.custom_vjp(primal)

    def forward(*tensors: Any) -> Any:
        return function(*tensors), tensors

    def backward(tensors: Any, cotangents: Any) -> Any:
        pull = own.pullback(len(tensors))
        pull.differentiable = (*own.differentiable, *range(len(tensors), len(tensors) + len(cotangents)))
        given = [np.zeros(c.shape, t.dtype) if c.dtype == jax.dtypes.float0 else c
                 for c, t in zip(cotangents, result_types(jax, own, tensors), strict=True)]
        gradients = iter(jax_function(jax, pull)(*tensors, *given))
        return tuple(next(gradients) if k in own.differentiable else np.zeros(x.shape, jax.dtypes.float0)
                     for k, x in enumerate(tensors))

    function.defvjp(forward, backward)
    made: Callable[..., Any] = function
    return made


def host(x: Any) -> Any:
    """A NumPy array of JAX's memory; a scalar for one without axes."""
    array = np.asarray(x)
    return array if array.ndim else array[()]


def result_types(jax: Any, own: LeafFunction, tensors: Leaves) -> tuple[Any, ...]:
    """The types of the results, found by tracing for arrays of these types. (Where JAX has no numbers of 64 bits, those
    of 32.)"""
    samples = [np.zeros(x.shape, x.dtype) for x in tensors]
    compiled: Compiled = own.compiled
    s = compiled.specialisation(tuple(x if x.ndim else x[()] for x in samples), {})
    return tuple(jax.ShapeDtypeStruct(o.shape, jax.dtypes.canonicalize_dtype(o.dtype)) for o in outputs_of(s.program))


def outputs_of(program: Any) -> list[Any]:
    """The type of each part of a result, which is a tuple of leaves."""
    return [program.outputs[node] if type(node) is int else np.asarray(value_of(program, node))
            for node in program.result]


def value_of(program: Any, node: Any) -> Any:
    """Something of the type of a part of the result that is no output of the kernel."""
    if isinstance(node, Argument):
        t = program.trace.leaves[node.index].type
        return np.zeros(t.extents, t.dtype.np)
    return program.trace.captured[node.index].array if isinstance(node, CapturedResult) else node.value


__all__ = ["to_jax", "to_torch"]
