"""What a program says while it runs: `print`, `logging`, `warnings.warn`. In a compiled function they do so when it
runs, in their order, wherever they stand; in what computes derivatives while it computes the value."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

from ..ir.ops.effects import RECEIVERS
from ..probe import peek, text
from .ambient import note_told
from .comparison import line
from .control.protocol import Control
from .control.states import by_option
from .locations import here
from .outside import outside
from .perhaps import OneOf, Perhaps
from .recorder import current
from .texts import Text, is_text, joined, percent, shown

Rule = Callable[..., Any]
LEVELS = frozenset({"debug", "info", "warning", "warn", "error", "critical", "exception", "fatal", "log"})


def tell(said: Any, to: str = "") -> None:
    """Give the text to a receiver when the compiled function runs."""
    t = said if isinstance(said, Text) else Text([said])
    for k, piece in enumerate(t.pieces):
        if isinstance(piece, OneOf):
            by_option(piece, functools.partial(_tell_option, t, k, to))
            return
        if isinstance(piece, Perhaps):
            there, missing = (functools.partial(tell, Text([*t.pieces[:k], p, *t.pieces[k + 1:]]), to)
                              for p in (shown(piece.value, "s"), "None"))
            Control.either(line(), piece.is_there, there, missing)
            return
    if any(v.ndim for v in t.values):
        note_told(outside(current()), here())
    attrs = {"format": t.form, **({"to": to} if to else {})}
    current().append("debug_print", tuple(v.value for v in t.values), attrs)


def _tell_option(t: Text, k: int, to: str, option: str) -> None:
    tell(Text([*t.pieces[:k], option, *t.pieces[k + 1:]]), to)


_names: dict[Any, str] = {}


def receiver(what: str, key: Any, take: Callable[[str], Any]) -> str:
    """The name of what takes a text; that of an equal one, if there is one."""
    name = _names.get((what, key))
    if name is None:
        name = _names[what, key] = f"{what}#{len(RECEIVERS)}"
        RECEIVERS[name] = take
    return name


def printed(*args: Any, sep: Any = " ", end: Any = "\n", file: Any = None, flush: Any = False) -> None:
    """print(...)."""
    said = joined(" " if sep is None else sep, [shown(x, "s") for x in args])
    if end in (None, "\n") and file is None and not flush:
        tell(said)
        return
    last = "\n" if end is None else end
    tell(said + (last if is_text(last) else str(last)),
         receiver("print", (file, bool(flush)), lambda t: print(t, end="", file=file, flush=flush)))


def of_library(f: Any) -> Rule | None:
    """The rule of a function of `logging` or `warnings`, or of a logger's method."""
    module = text(f, "__module__")
    if module == "logging" and text(f, "__name__") in LEVELS:
        owner = peek(f, "__self__")
        logging: Any = sys.modules["logging"]
        if owner is None or isinstance(owner, (logging.Logger, logging.LoggerAdapter)):
            return lambda *args, **kwargs: logged(f, *args, **kwargs)
    if text(f, "__name__") == "warn" and f is peek(sys.modules.get("warnings"), "warn"):
        return warned
    return None


def logged(f: Any, *args: Any, **kwargs: Any) -> None:
    """logging.info("%.3f", x), log.warning(...), log.log(level, ...)."""
    first = args[:1] if f.__name__ == "log" else ()
    form, *values = args[len(first):]
    if values:
        given: Any = values[0] if len(values) == 1 and isinstance(values[0], dict) else tuple(values)
        form = percent(form, given)
    said = form if is_text(form) else shown(form, "s")
    key = (f.__name__, peek(f, "__self__"), first, tuple(sorted(kwargs.items())))
    name = receiver("log", key, lambda t: f(*first, t, **kwargs))
    tell(said, name)


def warned(message: Any, category: Any = None, stacklevel: int = 1, source: Any = None, **_: Any) -> None:
    """warnings.warn(...): at the user's line, as often as the filters say."""
    import warnings
    if isinstance(message, Warning):
        category, message = type(message), message.args[0] if message.args else ""
    kind = category or UserWarning
    loc = here()
    file, line = (loc.file, loc.line) if loc is not None else ("<compiled>", 0)
    registry: dict[Any, Any] = {}
    tell(shown(message, "s"), receiver("warning", (kind, file, line), lambda t: warnings.warn_explicit(
        t, kind, file, line, registry=registry)))
