"""`FILE.py:FUNCTION` to the function."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from . import console
from .usage import UsageError


def function(target: str) -> Any:
    """The function that `FILE.py:FUNCTION` names; FUNCTION may be dotted. Raises UsageError if there is none."""
    file, colon, name = target.rpartition(":")
    if not colon or not name or not file:
        raise UsageError(f"{target!r} does not name a function; write FILE.py:FUNCTION")
    found: Any = module(Path(file))
    for part in name.split("."):
        try:
            found = getattr(found, part)
        except Exception as e:  # of a property, say
            raise UsageError(f"{file} has no function {name!r}{_there_are(found)}") from e
    if not callable(found):
        raise UsageError(f"{name!r} in {file} is no function but {type(found).__name__}")
    return found


def module(path: Path) -> ModuleType:
    """The file run as a module, with its directory importable as if it were run by Python itself."""
    try:
        is_file = path.is_file()
    except OSError:  # a name that is too long
        is_file = False
    if not is_file:
        raise UsageError(f"there is no file {path!s:.200}")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise UsageError(f"{path} is no Python file")
    loaded = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(path.stem, loaded)
    sys.path.insert(0, str(path.parent.resolve()))
    try:
        spec.loader.exec_module(loaded)
    except (Exception, SystemExit) as e:
        raise UsageError(f"{path} cannot be imported: {type(e).__name__}: {console.one_line(e)}") from e
    return loaded


def arity(f: Any, given: Sequence[Any]) -> None:
    """Raise UsageError if `f` cannot be called with so many positional arguments."""
    try:
        signature = inspect.signature(f)
    except (TypeError, ValueError):
        return
    try:
        signature.bind(*given)
    except TypeError as e:
        name = getattr(f, "__name__", "the function")
        raise UsageError(f"{name}{signature}: {e}; give one --arg for each, for example --arg 'f64[1000]'") from e


def _there_are(holder: Any) -> str:
    """The names to choose from, imported ones left out."""
    if not isinstance(holder, ModuleType | type):
        return ""
    own = holder.__name__
    names = [n for n, v in vars(holder).items()
             if callable(v) and not n.startswith("_") and getattr(v, "__module__", None) == own]
    return f"; it has {', '.join(names)}" if names else ""
