"""State of the process that computations depend on without naming it: the context of decimals, NumPy's print options.

Whoever asks for such a state by a function (`np.geterr()`) has that function repeated as a guard (`opaque.REPEATED`).
Here is what the results of other calls depend on, silently.
"""

from __future__ import annotations

import sys
import types
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import TraceError
from ..probe import text
from .locations import with_place

if TYPE_CHECKING:
    from ..ir import Loc
    from .outside import Outside


def decimal_context() -> Any:
    """What decides about the digits of decimals. (Flags are results.)"""
    c = sys.modules["decimal"].getcontext()
    return c.prec, c.rounding, c.Emin, c.Emax, c.capitals, c.clamp, tuple(c.traps.values())


PRINTING = frozenset({np.array2string, np.array_repr, np.array_str, np.savetxt})
"""NumPy's functions that print as the options say; `repr` of its numbers does, too."""


def note_decimals(world: Outside, x: Any) -> None:
    """A decimal, or what makes them, has come in."""
    is_one = x.__name__ == "decimal" if isinstance(x, types.ModuleType) else (
        "decimal" in (text(type(x), "__module__"), text(x, "__module__") if isinstance(x, type) else ""))
    if is_one and "decimals" not in world.guards:
        world.repeat(decimal_context, (), {}, decimal_context(), "decimals")


def note_printing(world: Outside, f: Any, args: tuple[Any, ...]) -> None:
    """Something is printed into a text."""
    if (f in PRINTING or (f is repr and isinstance(args[0], np.generic))) and "printing" not in world.guards:
        world.repeat(np.get_printoptions, (), {}, np.get_printoptions(), "printing")


def note_told(world: Outside, loc: Loc | None) -> None:
    """An array is printed when the compiled function runs, as the options say that stand then."""
    world.prints.append((dict(np.get_printoptions()), loc))


def check_told(world: Outside) -> None:
    """At the end of the trace: TraceError where one was printed while other options stood than now."""
    now = np.get_printoptions()
    for then, loc in world.prints:
        if then != now:
            raise TraceError(with_place("an array is printed while np.printoptions stand that end inside of the "
                                        "compiled function, which prints when it runs, without them; print its "
                                        "elements, as f\"{x[0]:.3f}\", or set the options outside", loc))


__all__ = ["check_told", "note_decimals", "note_printing", "note_told"]
