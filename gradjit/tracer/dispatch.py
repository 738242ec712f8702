"""NumPy's functions on traced arrays: finds the rule, names what is not supported."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..errors import GradjitError, UnsupportedError
from .array import ARRAY, PYTHON, TracedArray
from .locations import fail
from .masked_selection import holds_selection
from .operands import name_of, refuse_shape, unsupported


def apply(func: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """What `func(*args, **kwargs)` gives when a traced array is among the arguments."""
    from .numpy import RULES, refused, selection
    if holds_selection(args):
        return selection.on_function(func, args, kwargs)
    rule = RULES.get(func)
    if rule is None or func in refused.RULES:
        plain = concrete((args, kwargs))
        if plain is not None:
            return on_known(func, *plain)
    if rule is None:
        unsupported(func)
    return leave(run(rule, func, args, kwargs))


def concrete(x: Any) -> Any:
    """An argument (list, tuple, dict of them) with handles replaced by their known elements; None if one is not known.

    The arrays are read-only: what would write to them is told so by NumPy.
    """
    if isinstance(x, TracedArray):
        return None if (a := x.known) is None else frozen(a)
    if type(x) in (list, tuple):
        items = [concrete(i) for i in x]
        return None if any(i is None and j is not None for i, j in zip(items, x, strict=True)) else type(x)(items)
    if type(x) is dict:
        items = concrete(list(x.values()))
        return None if items is None else dict(zip(x, items, strict=True))
    return x


def frozen(a: np.ndarray) -> np.ndarray:
    view = a.view()
    view.setflags(write=False)
    return view


def on_known(func: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """NumPy itself on known elements: the result is known, too."""
    from .calls import as_known
    from .opaque import heard
    return as_known(heard(name_of(func), func, args, kwargs))


def run(rule: Callable[..., Any], func: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """Call the rule; arguments that it does not have are features that are not supported."""
    try:
        with known_shapes(func, args, kwargs):
            return rule(*args, **kwargs)
    except TypeError as e:
        try:
            inspect.signature(rule).bind(*args, **kwargs)
        except TypeError as missing:
            fail(UnsupportedError, f"{name_of(func)}: {missing}{hint(func, args, kwargs)}")
        raise e


def hint(func: Callable[..., Any], args: Any, kwargs: Any) -> str:
    """Of arguments that a rule does not have: whether the function has them."""
    try:
        signature = inspect.signature(func)
    except (TypeError, ValueError):  # (some of NumPy's functions in C have none)
        return ""
    try:
        signature.bind(*args, **kwargs)
    except TypeError:
        names = [p.name for p in signature.parameters.values() if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
        return f"; its arguments are {', '.join(names)}"
    return ": this argument is not supported; leave it out"


def leave(result: Any) -> Any:
    """A result as the user sees it: known scalars become NumPy's or Python's own, so that they work as everywhere."""
    if isinstance(result, TracedArray):
        if result.kind != ARRAY and (a := result.known) is not None:
            return a.item() if result.kind == PYTHON else a[()]
        return result
    if isinstance(result, (tuple, list)):
        return _rebuilt(result, [leave(r) for r in result])
    return result


@contextmanager
def known_shapes(func: Callable[..., Any], args: Any, kwargs: Any) -> Iterator[None]:
    """Around a rule: where it computes with extents as numbers, and those of an operand are not known, it says so."""
    try:
        yield
    except GradjitError:
        raise
    except (TypeError, ValueError, AttributeError):
        x = next((x for x in arrays_in((args, kwargs)) if not x.type.is_static), None)
        if x is None:
            raise
        refuse_shape(func, x)


def arrays_in(x: Any) -> Iterator[TracedArray]:
    """The traced arrays among arguments, in lists, tuples and dicts too."""
    if isinstance(x, TracedArray):
        yield x
    elif isinstance(x, (list, tuple)):
        for item in x:
            yield from arrays_in(item)
    elif isinstance(x, dict):
        yield from arrays_in(list(x.values()))


def _rebuilt(like: Any, items: list[Any]) -> Any:
    if isinstance(like, list):
        return items
    return type(like)(*items) if hasattr(like, "_fields") else tuple(items)
