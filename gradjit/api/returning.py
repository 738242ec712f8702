"""Functions that leave their result in an argument, as functions that return it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import ArgumentError
from ..probe import named_like, text
from ..tracer import trees
from ..tracer.array import ARRAY, TracedArray
from ..tracer.calls import call
from ..tracer.locations import fail


def returning(f: Callable[..., Any], *names: str) -> Callable[..., Any]:
    """A function that calls `f` on copies of its arguments and returns what the named ones hold then.

    For a function that writes its result into an argument, so that it can be differentiated:

        def step(u, out):
            out[1:-1] = u[1:-1] + 0.1 * (u[2:] - 2 * u[1:-1] + u[:-2])

        gj.jacobian(gj.returning(step, "out"))(u, np.zeros_like(u))

    One name gives what that argument holds (an array, or a container of arrays), several a tuple. If `f` itself
    returns something, the result is `(what f returns, what the arguments hold)`. The caller's arguments are not
    changed. Raises ArgumentError for a name that f has no parameter of, or an argument that holds no array.
    """
    signature = inspect.signature(f)
    if not names or not all(isinstance(n, str) for n in names):
        raise TypeError('gj.returning(f, "out", ...) takes the names of the arguments that f writes its results into')
    for n in names:
        if n not in signature.parameters:
            raise ArgumentError(f"{text(f, '__name__', type(f).__name__)} has no parameter {n!r}; it has "
                                f"{', '.join(signature.parameters) or 'none'}")

    def changed(*args: Any, **kwargs: Any) -> Any:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        for n, x in bound.arguments.items():
            leaves, tree = trees.flatten(x)
            if n in names and not any(map(is_array, leaves)):
                fail(ArgumentError, f"the argument {n} holds no array ({x!r:.60}), so that nothing can be written into "
                                    f"it; pass an array, as np.zeros(shape)")
            bound.arguments[n] = trees.unflatten(tree, [copied(leaf) for leaf in leaves])
        result = call(f, *bound.args, **bound.kwargs)
        holds = tuple(bound.arguments[n] for n in names)
        held = holds[0] if len(holds) == 1 else holds
        return held if result is None else (result, held)

    return named_like(changed, f)


def is_array(x: Any) -> bool:
    return isinstance(x, np.ndarray) or (isinstance(x, TracedArray) and x.kind == ARRAY)


def copied(x: Any) -> Any:
    return x.copy() if is_array(x) else x
