"""With respect to what a derivative is taken: which arguments, and whether they have one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..errors import DifferentiationError, DtypeError
from ..probe import text
from ..records import dataclass
from ..tracer import trees
from ..tracer.locations import fail
from ..tracer.trace import STATIC, ArgumentLeaf, definition_of, leaf_of, name_of, parameter_names

Function = Callable[..., Any]


@dataclass(frozen=True)
class Wrt:
    """What to differentiate with respect to: an argument or several (then the gradient is a tuple)."""

    argnums: int | tuple[int, ...] = 0

    def positions(self, count: int) -> list[int]:
        """The positions among `count` positional arguments."""
        asked = self.argnums if isinstance(self.argnums, tuple) else (self.argnums,)
        for a in asked:
            if not -count <= a < count:
                fail(DifferentiationError, f"argnums={self.argnums}, but the function is called with {count} "
                                           f"positional argument{'s' if count != 1 else ''}")
        return [a % count for a in asked]

    def gather(self, each: Sequence[Any]) -> Any:
        """One gradient, or a tuple."""
        return tuple(each) if isinstance(self.argnums, tuple) else each[0]


def require_derivatives(f: Function, args: Sequence[Any], positions: Sequence[int]) -> None:
    """DifferentiationError for an argument that holds nothing that has a derivative: there would be no gradient."""
    if not any(is_bare(args[p]) for p in positions):
        return
    names = parameter_names(f, len(args)) or [f"argument {k}" for k in range(len(args))]
    p = next(p for p in positions if is_bare(args[p]))
    others = [f"argnums={k} ({names[k]})" for k in range(len(args)) if not is_bare(args[k])]
    remedy = f"say which argument is meant, by {' or '.join(others[:3])}" if others else (
        "pass what it depends on as an argument, an array or a float, and name that by argnums=")
    fail(DifferentiationError, f"the derivative of {name_of(f)} was asked for with respect to {names[p]} (argnums={p}"
                               f"), which is {shown(args[p])}: only floating-point numbers, arrays, and containers of "
                               f"them (dict, list, tuple, dataclass) have one; {remedy}", definition_of(f))


def require_some(f: Function, args: Sequence[Any]) -> None:
    """The same where derivatives are taken with respect to all arguments: one of them must have one."""
    if args and all(map(is_bare, args)):
        require_derivatives(f, args, (0,))


def is_bare(argument: Any) -> bool:
    """Whether an argument holds values, but none that has a derivative, integers left to `check_differentiable`."""
    leaves = trees.flatten(argument)[0]
    return (bool(leaves) or argument is None) and all(map(is_static, leaves))


def is_static(x: Any) -> bool:
    try:
        return leaf_of(x, "").kind == STATIC and not isinstance(x, int)
    except DtypeError:  # which it is refused with, by its name, when it is traced
        return False


def shown(x: Any) -> str:
    """An argument for people: its type, and what it is where that is short."""
    if x is None or isinstance(x, (str, bytes)):
        return f"{x!r:.40}"
    if isinstance(x, (dict, list, tuple)):
        return f"a {type(x).__name__} without any"
    kind = text(type(x), "__name__", "object")
    return f"the function {text(x, '__name__', kind)}" if callable(x) and hasattr(x, "__name__") else f"a {kind}"


def check_differentiable(leaf: ArgumentLeaf) -> None:
    """DifferentiationError for integers and booleans; strings and other objects in containers have no derivative."""
    if leaf.kind == STATIC:
        if isinstance(leaf.value, (bool, int)):
            fail(DifferentiationError, f"the argument {leaf.name} is the {type(leaf.value).__name__} {leaf.value!r}, "
                                       f"and only floating-point arguments can be differentiated; pass "
                                       f"float({leaf.name})")
        return
    assert leaf.type is not None
    if not leaf.type.dtype.is_inexact:
        fail(DifferentiationError, f"the argument {leaf.name} is an array of {leaf.type.dtype.np}, and only "
                                   f"floating-point arguments can be differentiated; pass {leaf.name}.astype(float)")
