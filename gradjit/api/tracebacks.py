"""Tracebacks that show the user's lines: frames of the tracer between them are left out."""

from __future__ import annotations

from types import TracebackType

from ..errors import GradjitError
from ..tracer.locations import is_internal


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
    if not users or not (isinstance(e, GradjitError) or users[-1] is frames[-1]):
        return e
    shown: TracebackType | None = None
    for f in reversed(users):
        shown = TracebackType(shown, f.tb_frame, f.tb_lasti, f.tb_lineno)
    return e.with_traceback(shown)
