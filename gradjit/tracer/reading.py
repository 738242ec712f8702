"""Files, directories and processes that a library reads from while a function is traced: the compiled function would
repeat what it found there. Python tells of each (`sys.addaudithook`), whichever library opens it and in which language.
"""

from __future__ import annotations

import functools
import os
import sys
import sysconfig
import threading
import types
from collections.abc import Callable
from typing import Any

EVENTS = {
    "open": "reads a file", "os.listdir": "lists a directory", "os.scandir": "lists a directory",
    "subprocess.Popen": "runs a program", "os.system": "runs a program", "os.posix_spawn": "runs a program",
    "socket.connect": "asks another computer", "sqlite3.connect": "reads a database",
}
UNCHANGING = tuple({os.path.join(sysconfig.get_path(p), "") for p in ("stdlib", "platstdlib", "purelib", "platlib")}
                   | {"/dev/"})
"""Where data of installed packages stand."""
OF_PYTHON = ("<frozen ", "linecache.py", "tokenize.py")
"""Code that opens source text, for imports, warnings and tracebacks."""


class _Listening(threading.local):
    found: list[str] | None = None


_listening = _Listening()


def listened(f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, str]:
    """`f(*args, **kwargs)`, a call of a library's function, and what it has read in words; "" for nothing."""
    _install()
    outer, _listening.found = _listening.found, []
    try:
        return f(*args, **kwargs), next(iter(_listening.found), "")
    finally:
        _listening.found = outer


@functools.cache
def _install() -> None:
    sys.addaudithook(_told)


def _told(event: str, args: tuple[Any, ...]) -> None:
    if event in EVENTS and _listening.found is not None and (event != "open" or is_read(*args)) and is_of_program():
        _listening.found.append(EVENTS[event])


def is_read(path: Any, mode: Any, flags: Any) -> bool:
    """Whether a file that changes is opened to read it."""
    if isinstance(path, int) or os.fsdecode(path).startswith(UNCHANGING):
        return False
    if mode is None:
        return isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR) == 0
    return "r" in str(mode)


def is_of_program() -> bool:
    """Whether it is the library that asks, and neither Python for its sources nor gradjit for its cache."""
    frame: types.FrameType | None = sys._getframe(2)
    while frame is not None and frame.f_code is not listened.__code__:
        if frame.f_code.co_filename.startswith("<frozen ") or frame.f_code.co_filename.endswith(OF_PYTHON) or (
                str(frame.f_globals.get("__name__", "")).startswith(__package__.partition(".")[0] + ".")):
            return False
        frame = frame.f_back
    return True
