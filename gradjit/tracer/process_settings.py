"""Settings of the process that a function changes by a call: `np.seterr`, `os.chdir`, `warnings.simplefilter`.

Such a call runs once, while the function is traced. What it has set is guarded like what was read: as long as it
stands, the call would change nothing, and where somebody has set something else since, the function is traced again,
and sets it again. A call that gives the setting before (`old = np.seterr(...)`) has read that, too.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import TraceError
from ..probe import text
from .ambient import decimal_context
from .locations import fail

if TYPE_CHECKING:
    from .outside import Outside

Read = Callable[[], Any]


def filters() -> Any:
    """What `warnings` does about which warnings."""
    return tuple(sys.modules["warnings"].filters)


def lowest_level() -> Any:
    """The level that `logging` passes over."""
    return sys.modules["logging"].root.manager.disable


def error_call() -> Any:
    """What NumPy calls for floating-point errors: one object, whatever it may be."""
    return (id(np.geterrcall()),)


GETTERS: dict[str, Read] = {
    "numpy.seterr": np.geterr, "numpy.seterrcall": error_call, "numpy.setbufsize": np.getbufsize,
    "numpy.set_printoptions": np.get_printoptions, "posix.chdir": os.getcwd, "nt.chdir": os.getcwd,
    "sys.setswitchinterval": sys.getswitchinterval, "gc.set_threshold": gc.get_threshold,
    "warnings.simplefilter": filters, "warnings.filterwarnings": filters, "warnings.resetwarnings": filters,
    "logging.disable": lowest_level, "decimal.setcontext": decimal_context,
}
"""By the function that sets it, how a setting is read."""
GIVING_THE_OLD = frozenset({"numpy.seterr", "numpy.setbufsize", "numpy.seterrcall"})
"""Those that give what was set before."""
UNREADABLE = frozenset({
    "sys.setrecursionlimit", "posix.umask", "posix.nice", "locale.setlocale", "sys.setprofile",
    "sys.settrace", "posix.setpriority", "signal.signal", "threading.stack_size", "thread.stack_size",
    "resource.setrlimit", "gc.enable", "gc.disable", "time.tzset", "atexit.register",
})
"""Those that change what cannot be asked for, or would have to be asked for too dearly."""


def before_call(world: Outside, f: Any) -> None:
    """Note what a library's function is about to set."""
    name = f"{text(f, '__module__').removeprefix('_')}.{text(f, '__name__')}"
    if name in UNREADABLE:
        fail(TraceError, f"{name.replace('posix.', 'os.')} changes a setting of the "
                         f"whole process, which a compiled function would do once, while it is traced; call it outside")
    read = GETTERS.get(name)
    if read is None:
        return
    if name in GIVING_THE_OLD and world.for_effect is not f and read not in world.settings:
        world.repeat(read, (), {}, read(), ("setting before", read))
    world.settings[read] = None


def guard(world: Outside) -> None:
    """At the end of the trace: what was set stands."""
    for read in world.settings:
        world.repeat(read, (), {}, read(), ("setting", read))


__all__ = ["before_call", "guard"]
