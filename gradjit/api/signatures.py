"""Calls with keywords, brought into one form."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Sequence
from typing import Any

from ..probe import parameters_of
from ..records import dataclass


class Signature:
    """The parameters of a function that can be given by position."""

    def __init__(self, f: Callable[..., Any]):
        parameters = parameters_of(f) or []
        kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        self.parameters = [p for p in parameters if p.kind in kinds]
        self.plans: dict[tuple[Any, ...], KeywordPlan] = {}

    def positional(self, args: Sequence[Any], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The call with its keywords turned into positional arguments, gaps filled with defaults; the keywords left.

        A call that does not fit is returned as it is: the function itself raises Python's TypeError.
        """
        key = (len(args), *kwargs)
        plan = self.plans.get(key)
        if plan is None:
            plan = self.plans[key] = self.plan(len(args), kwargs)
        more = [kwargs[name] if name in kwargs else default for name, default in plan.more]
        return (*args, *more), {name: kwargs[name] for name in plan.rest}

    def plan(self, given: int, names: Collection[str]) -> KeywordPlan:
        """For a call with so many positional arguments and these keywords."""
        rest, more = list(names), []
        for p in self.parameters[given:]:
            if not rest:
                break
            if p.name in rest and p.kind is not p.POSITIONAL_ONLY:
                rest.remove(p.name)
            elif p.default is p.empty or not any(q.name in rest for q in self.parameters):
                break
            more.append((p.name, p.default))
        return KeywordPlan(tuple(more), tuple(rest))


@dataclass(frozen=True)
class KeywordPlan:
    """How a call with certain keywords is brought into its one form."""

    more: tuple[tuple[str, Any], ...]
    """Parameters that follow the positional arguments, with their defaults."""
    rest: tuple[str, ...]
    """Keywords that stay keywords."""


def positional(f: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any]
               ) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """`Signature(f).positional(args, kwargs)`, looking at the function only where there are keywords."""
    return Signature(f).positional(args, kwargs) if kwargs else (tuple(args), kwargs)
