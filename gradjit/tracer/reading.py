"""Files, directories and processes that a library reads from, or changes, while a function is traced: the compiled
function would repeat what it found there, and change nothing. Python tells of each (`sys.addaudithook`), whichever
library opens it and in which language.
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

REPEATED = "and the compiled function would repeat what it found while it was traced"
ONCE = "which the compiled function would do once, while it is traced"
READS = {
    "open": "reads a file", "os.listdir": "lists a directory", "os.scandir": "lists a directory",
    "subprocess.Popen": "runs a program", "os.system": "runs a program", "os.posix_spawn": "runs a program",
    "socket.connect": "asks another computer", "sqlite3.connect": "reads a database",
}
CHANGES = {
    "os.mkdir": "makes a directory", "os.putenv": "changes the environment", "os.unsetenv": "changes the environment",
    **dict.fromkeys(("os.remove", "os.rmdir", "os.rename", "os.truncate", "os.link", "os.symlink", "os.chmod",
                     "os.chown", "os.utime"), "changes files"),
}
EVENTS = {**{k: f"{v}, {REPEATED}" for k, v in READS.items()}, **{k: f"{v}, {ONCE}" for k, v in CHANGES.items()}}
UNCHANGING = tuple({os.path.join(sysconfig.get_path(p), "") for p in ("stdlib", "platstdlib", "purelib", "platlib")}
                   | {"/dev/"})
"""Where data of installed packages stand."""
OF_PYTHON = ("<frozen ", "linecache.py", "tokenize.py")
"""Code that opens source text, for imports, warnings and tracebacks."""


class _Listening(threading.local):
    found: list[str] | None = None


_listening = _Listening()


def listened(f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, str]:
    """`f(*args, **kwargs)`, a call of a library's function, and what it has read or changed; "" for nothing."""
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
    if event in EVENTS and _listening.found is not None:
        told = of_file(*args) if event == "open" else EVENTS[event]
        if told and is_of_program():
            _listening.found.append(told)


def of_file(path: Any, mode: Any, flags: Any) -> str:
    """What the opening of a file means, if that is one that changes."""
    if isinstance(path, int) or os.fsdecode(path).startswith(UNCHANGING):
        return ""
    reads = "r" in mode if mode is not None else isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR) == 0
    return EVENTS["open"] if reads else f"writes a file, {ONCE}"


def is_of_program() -> bool:
    """Whether it is the library that asks, and neither Python for its sources nor gradjit for its cache."""
    frame: types.FrameType | None = sys._getframe(2)
    while frame is not None and frame.f_code is not listened.__code__:
        if frame.f_code.co_filename.startswith("<frozen ") or frame.f_code.co_filename.endswith(OF_PYTHON) or (
                str(frame.f_globals.get("__name__", "")).startswith(__package__.partition(".")[0] + ".")):
            return False
        frame = frame.f_back
    return True
