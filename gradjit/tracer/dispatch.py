"""NumPy's functions on traced arrays: finds the rule, names what is not supported."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import UnsupportedError
from .array import ARRAY, PYTHON, TracedArray
from .locations import fail
from .operands import name_of, unsupported


def apply(func: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """What `func(*args, **kwargs)` gives when a traced array is among the arguments."""
    from .numpy import RULES
    rule = RULES.get(func)
    if rule is None:
        unsupported(func)
    return leave(run(rule, func, args, kwargs))


def run(rule: Callable[..., Any], func: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """Call the rule; arguments that it does not have are features that are not supported."""
    try:
        return rule(*args, **kwargs)
    except TypeError as e:
        try:
            inspect.signature(rule).bind(*args, **kwargs)
        except TypeError as missing:
            fail(UnsupportedError, f"{name_of(func)}: {missing}")
        raise e


def leave(result: Any) -> Any:
    """A result as the user sees it: known scalars become NumPy's or Python's own, so that they work as everywhere."""
    if isinstance(result, TracedArray):
        if result.kind != ARRAY and (a := result.known) is not None:
            return a.item() if result.kind == PYTHON else a[()]
        return result
    if isinstance(result, (tuple, list)):
        return _rebuilt(result, [leave(r) for r in result])
    return result


def _rebuilt(like: Any, items: list[Any]) -> Any:
    if isinstance(like, list):
        return items
    return type(like)(*items) if hasattr(like, "_fields") else tuple(items)


def numpy_scalar(x: Any) -> bool:
    """Whether x is one of NumPy's scalars, known or traced."""
    return isinstance(x, np.generic) or (isinstance(x, TracedArray) and x.kind == "scalar")
