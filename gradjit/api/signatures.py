"""Calls with keywords, brought into one form."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any


class Signature:
    """The parameters of a function that can be given by position."""

    def __init__(self, f: Callable[..., Any]):
        try:
            parameters = list(inspect.signature(f).parameters.values())
        except (TypeError, ValueError):  # builtins tell nothing
            parameters = []
        kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        self.parameters = [p for p in parameters if p.kind in kinds]

    def positional(self, args: Sequence[Any], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The call with its keywords turned into positional arguments, gaps filled with defaults; the keywords left.

        A call that does not fit is returned as it is: the function itself raises Python's TypeError.
        """
        rest, more = dict(kwargs), []
        for p in self.parameters[len(args):]:
            if not rest:
                break
            if p.name in rest and p.kind is not p.POSITIONAL_ONLY:
                more.append(rest.pop(p.name))
            elif p.default is not p.empty and any(q.name in rest for q in self.parameters):
                more.append(p.default)
            else:
                break
        return (*args, *more), rest


def positional(f: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any]
               ) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """`Signature(f).positional(args, kwargs)`, looking at the function only where there are keywords."""
    return Signature(f).positional(args, kwargs) if kwargs else (tuple(args), kwargs)
