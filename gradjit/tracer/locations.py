"""The user's line: the innermost frame outside gradjit and the libraries that it drives."""

from __future__ import annotations

import functools
import os
import sys
import sysconfig
from bisect import bisect_right
from traceback import walk_tb
from types import CodeType, FrameType, FunctionType
from typing import Any, NoReturn

from ..bounded import Bounded
from ..errors import GradjitError
from ..ir import Loc

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_USERS = os.path.join(_PACKAGE, "demo", "")
"""The demo's model stands for a user's file: its lines are shown, and it is lifted."""
_STDLIB = (sysconfig.get_paths()["stdlib"] + os.sep, sysconfig.get_paths()["platstdlib"] + os.sep)
_LIBRARIES = tuple(f"{os.sep}site-packages{os.sep}{name}{os.sep}" for name in ("numpy", "scipy", "optree", "autograd"))
_NO_FILE = ("<frozen", "<__array_function__")

@functools.lru_cache(1 << 12)
def is_internal(filename: str) -> bool:
    """Whether a file belongs to gradjit, NumPy, SciPy or the standard library. (Files are few; frames, each of which is
    asked for its file, are many.)"""
    found = (filename.startswith((_PACKAGE, *_NO_FILE)) or any(part in filename for part in _LIBRARIES)
             or (filename.startswith(_STDLIB) and f"{os.sep}site-packages{os.sep}" not in filename))
    return found and not filename.startswith(_USERS)


def is_own(f: Any) -> bool:
    """Whether a function is gradjit's; it may bear the name and module of one that it stands for."""
    filename = f.__code__.co_filename if isinstance(f, FunctionType) else ""
    return filename.startswith(_PACKAGE) and not filename.startswith(_USERS)


def user_frame() -> FrameType | None:
    """The innermost frame of user code; None where there is none."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and is_internal(frame.f_code.co_filename):
        frame = frame.f_back
    return frame


@functools.lru_cache(1 << 14)
def _loc(file: str, line: int, function: str) -> Loc:
    return Loc(file, line, function)


def here() -> Loc | None:
    """The user's line that is running. Equal places give the same object."""
    frame = user_frame()
    if frame is None:
        return None
    return _loc(frame.f_code.co_filename, running_line(frame), frame.f_code.co_name)


_lines: Bounded[int, tuple[CodeType, list[int], list[int | None]]] = Bounded(1 << 10)
"""Of code objects, by their identity: where each run of instructions of one line begins, and these lines."""


def running_line(frame: FrameType) -> int:
    """`frame.f_lineno`, which goes through the code's table from its start: each time, for each operation of a long
    function."""
    code = frame.f_code
    known = _lines.get(id(code))
    if known is None or known[0] is not code:
        runs = list(code.co_lines())
        known = _lines.put(id(code), (code, [start for start, _, _ in runs], [line for _, _, line in runs]))
    line = known[2][bisect_right(known[1], frame.f_lasti) - 1]
    return frame.f_lineno if line is None else line


def raised_at(error: BaseException) -> Loc | None:
    """The user's line that raised an exception."""
    frames = [(tb.f_code, line) for tb, line in walk_tb(error.__traceback__) if not is_internal(tb.f_code.co_filename)]
    return Loc(frames[-1][0].co_filename, frames[-1][1], frames[-1][0].co_name) if frames else None


def with_place(message: str, loc: Loc | None = None) -> str:
    """The message with the user's line behind it, as tracebacks show it."""
    loc = loc or here()
    return f"{message}\n  {loc.full}" if loc and loc.full not in message else message


def fail(kind: type[GradjitError], message: str, loc: Loc | None = None) -> NoReturn:
    """Raise the error with the user's line."""
    raise kind(with_place(message, loc)) from None
