"""Printing from compiled code."""

from __future__ import annotations

from typing import Any

from ..ir.ops.effects import formatted
from ..tracer import effects
from ..tracer.recorder import running_recorders


def debug_print(form: str, *xs: Any, adjoint: bool = False) -> Any:
    """Print `form.format(*xs)` when the compiled function runs, wherever it stands: in loops at each iteration, in
    branches that are taken. (Python's `print` runs while the function is traced and shows types.)

    Format specifications hold for each element of an array: `gj.debug_print("iteration {}: x = {:.3f}", i, x)`.

    Returns what it is given: nothing, one value, or a tuple. With `adjoint`, go on with that: where a gradient is
    computed the cotangents that arrive at the values are printed, too, as "adjoint x = ...":

        x = gj.debug_print("x = {:.3f}", x, adjoint=True)

    The numbers that are computed stay the same. Raises ArgumentError, with the user's line, for a format that does not
    fit; what the format raises at run time ends the call.
    """
    if not isinstance(form, str):
        raise TypeError(f"gj.debug_print takes a format first, got {type(form).__name__}; write "
                        f"gj.debug_print(\"{{}}\", x)")
    if running_recorders():
        given = effects.debug_print(form, xs, adjoint)
    else:
        print(formatted(form, xs))
        given = list(xs)
    return given[0] if len(given) == 1 else tuple(given) or None
