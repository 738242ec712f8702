"""Where somebody asks a tensor for its array whose derivatives would be lost without a word: SciPy, and NumPy when it
makes an array of a list of tensors.

`np.array([a, b])` asks each tensor in the list for its array, just as `np.asarray(a)` does, which is the way to a
tensor's numbers. The two differ in the user's text: what is running is looked up there, once for each place.
"""

from __future__ import annotations

import ast
import functools
import itertools
import linecache
import sysconfig
from types import CodeType, FrameType

import numpy as np

from ..errors import DifferentiationError
from ..tracer.locations import fail
from .tensor_functions import WITHOUT_DERIVATIVES

LIBRARIES = tuple(sysconfig.get_path(name) for name in ("purelib", "platlib", "stdlib"))
"""Where code stands that is not the user's."""
FOR_PLACES = ("argmin", "argmax", "argsort", "argpartition", "sign", "floor", "ceil", "round", "shape", "size", "ndim")
PLAIN = frozenset({*(f.__name__ for f in WITHOUT_DERIVATIVES), *FOR_PLACES})
"""NumPy's functions whose results have no derivative, by name."""
ITEMS = (ast.List, ast.Tuple, ast.ListComp)


def refuse_where_lost(frame: FrameType) -> None:
    """An error where the frame that asks a tensor for its array gets it for SciPy, or for an array of several."""
    name = function_of_scipy(frame)
    if name is not None:
        fail(DifferentiationError, f"SciPy ({name}) takes a tensor that requires a gradient for an array, which no "
                                   f"derivative passes; call it in a function under gj.jit, where SciPy's functions "
                                   f"have derivatives, or write t.detach()")
    user = caller_of_numpy(frame)
    if user is None or user.f_code.co_filename.startswith(LIBRARIES):
        return
    name, arguments = call_at(user.f_code, user.f_lasti)
    if name and any(a is None or isinstance(bound(user, a), (list, tuple)) for a in arguments):
        fail(DifferentiationError, f"{name} makes an array of a list of tensors, which no derivative passes; write "
                                   f"np.stack([...]) for the list, which is a tensor, or t.detach() where no "
                                   f"derivative is wanted")


def function_of_scipy(frame: FrameType | None) -> str | None:
    """The function of SciPy that the user has called, where it asks a tensor for its array."""
    name = None
    while frame is not None and (module := str(frame.f_globals.get("__name__"))).startswith(("scipy.", "numpy.")):
        if module.startswith("scipy."):
            name = frame.f_code.co_name
        frame = frame.f_back
    return name


def caller_of_numpy(frame: FrameType | None) -> FrameType | None:
    while frame is not None and str(frame.f_globals.get("__name__")).startswith("numpy."):
        frame = frame.f_back
    return frame


def bound(frame: FrameType, name: str) -> object:
    return frame.f_locals[name] if name in frame.f_locals else frame.f_globals.get(name)


@functools.lru_cache(1024)
def call_at(code: CodeType, at: int) -> tuple[str, tuple[str | None, ...]]:
    """What is running, where it is a call of NumPy's or an operator, and its result would have a derivative: what to
    say of it, and its operands that are names, or None for lists that stand there. Nothing to say of other calls, and
    where the text is not known."""
    first, last, begin, end = next(itertools.islice(code.co_positions(), at // 2, None))
    if first is None or last is None:
        return "", ()
    lines = [linecache.getline(code.co_filename, n).encode() for n in range(first, last + 1)]
    lines[-1] = lines[-1][:end]
    lines[0] = lines[0][begin:]
    try:
        found = ast.parse(b"".join(lines).decode().strip(), mode="eval").body
    except (SyntaxError, ValueError):
        return "", ()
    if isinstance(found, ast.BinOp):
        name, operands = "an operator", [found.left, found.right]
    elif isinstance(found, ast.Call):
        name, operands = f"{ast.unparse(found.func)}(...)", found.args
        last_name = ast.unparse(found.func).rpartition(".")[2]
        if last_name in PLAIN or not any(hasattr(room, last_name) for room in (np, np.linalg, np.fft)):
            return "", ()
    else:
        return "", ()
    return name, tuple([a.id if isinstance(a, ast.Name) else None for a in operands
                        if isinstance(a, (ast.Name, *ITEMS))])


__all__ = ["refuse_where_lost"]
