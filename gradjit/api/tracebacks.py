"""Tracebacks that show the user's lines: frames of the tracer between them are left out."""

from __future__ import annotations

import itertools
from types import TracebackType

from ..errors import GradjitError, TraceError
from ..tracer.lift import is_product
from ..tracer.locations import is_internal, with_place


def looked_up(frames: list[TracebackType]) -> TracebackType | None:
    """The frame of a look-up of attributes by the user's own code that gradjit, and not the user's program, has asked
    for: it has not been lifted."""
    for before, f in itertools.pairwise(frames):
        code = f.tb_frame.f_code
        if code.co_name in ("__getattribute__", "__getattr__") and not is_product(code) and not is_internal(
                code.co_filename) and is_internal(before.tb_frame.f_code.co_filename):
            return f
    return None


def trimmed(e: Exception) -> Exception:
    """The exception, without gradjit's frames in its traceback.

    Only for errors that are about the user's program: gradjit's own exceptions, and those raised in the user's code. A
    bug of gradjit's keeps its traceback whole.
    """
    frames = []
    tb = e.__traceback__
    while tb is not None:
        frames.append(tb)
        tb = tb.tb_next
    users = [f for f in frames if not is_internal(f.tb_frame.f_code.co_filename)]
    if (asked := looked_up(frames)) is not None and not isinstance(e, (GradjitError, AttributeError)):
        name = f"{type(asked.tb_frame.f_locals.get(asked.tb_frame.f_code.co_varnames[0])).__name__}"
        return TraceError(with_place(
            f"{name}.{asked.tb_frame.f_code.co_name} raised {type(e).__name__}: {e}, where Python expects an "
            f"AttributeError of names that an object has not; such an object cannot be used in a compiled function: "
            f"let it raise AttributeError for them, and find __class__ and __dict__ by object.__getattribute__"))
    if not users or not (isinstance(e, GradjitError) or users[-1] is frames[-1]):
        return e
    shown: TracebackType | None = None
    for f in reversed(users):
        shown = TracebackType(shown, f.tb_frame, f.tb_lasti, f.tb_lineno)
    return e.with_traceback(shown)
