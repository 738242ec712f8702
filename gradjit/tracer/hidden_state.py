"""Random numbers, clocks and the like: a compiled function would repeat what they gave while it was traced.

Generators that the function makes itself, from a seed, give the same at each call, and may be used.
"""

from __future__ import annotations

import types
from typing import Any

from ..errors import TraceError
from ..probe import peek, text
from .locations import fail

RANDOM_MODULES = ("numpy.random", "random")
STATEFUL = frozenset({
    *(f"time.{clock}{unit}" for clock in ("time", "perf_counter", "monotonic", "process_time", "thread_time")
      for unit in ("", "_ns")),
    "time.localtime", "time.gmtime", "time.ctime", "time.asctime",
    "datetime.now", "datetime.today", "datetime.utcnow", "date.today", "uuid.uuid1", "uuid.uuid4", "posix.urandom",
    "secrets.choice", "secrets.randbelow", "secrets.randbits", "secrets.token_bytes", "secrets.token_hex",
    "secrets.token_urlsafe",
    "gc.isenabled", "gc.get_count", "gc.get_stats", "gc.get_objects", "sys.getrefcount", "sys.getallocatedblocks",
    "sys._getframe", "inspect.currentframe", "sys._current_frames", "os.times", "posix.times", "posix.getloadavg",
})
"""Functions without randomness in their name that give another result at each call."""


def of_random(module: str) -> bool:
    return any(module == m or module.startswith(m + ".") for m in RANDOM_MODULES)


def refuse(f: Any, args: Any, kwargs: Any, seeded: dict[int, Any]) -> bool:
    """Raise TraceError if `f` gives another result at each call. Tells whether it is a seeded generator of the traced
    function's own, which are given by their ids, or makes one."""
    owner = peek(f, "__self__")
    if owner is not None and not isinstance(owner, (type, types.ModuleType)):
        if not of_random(text(type(owner), "__module__")):
            return False
        if id(owner) not in seeded:
            refused(f, f"{type(owner).__module__}.{text(f, '__name__', type(f).__name__)}")
        return True
    if isinstance(owner, type):
        name = f"{owner.__name__}.{text(f, '__name__')}"
    else:
        module = text(f, "__module__")
        name = f"{module}.{text(f, '__name__')}"
        if of_random(module) and text(f, "__name__") != "default_rng" and not isinstance(f, type):
            refused(f, name)
        if of_random(module):
            if all(a is None for a in (*args, *kwargs.values())):
                refused(f, name, "give it a seed, or ")
            return True
    if name in STATEFUL:
        refused(f, name)
    return False


def is_generator(made: Any) -> bool:
    """Whether a seed makes such a thing."""
    return of_random(text(type(made), "__module__"))


def refused(f: Any, name: str, or_else: str = "") -> None:
    if name.startswith("numpy.random.mtrand."):
        name = name.replace("numpy.random.mtrand", "np.random")
        or_else = "make a generator, rng = np.random.default_rng(seed), that draws by rng's methods, or "
    fail(TraceError, f"{name} gives another result at each call, and the compiled function would repeat the first; "
                     f"{or_else}call it outside and pass the result as an argument")
