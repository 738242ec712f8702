"""Where somebody asks a tensor for its array, or its number, whose derivatives would be lost without a word: SciPy;
functions of NumPy's that know nothing of tensors, or get them in a list; elements of arrays that are assigned; `math`.

`np.array([a, b])` and `np.full(3, a)` ask each tensor for its array just as `np.asarray(a)` does, which is the way to
a tensor's numbers, and `math.sin(a)` asks for its number just as `float(a)` does. They differ in who asks: what runs
in the user's code is looked up there, in its text and in what it was compiled to, once for each place; a library that
is Python itself stands on the stack.
"""

from __future__ import annotations

import ast
import cmath
import dis
import functools
import itertools
import linecache
import math
import sysconfig
from types import CodeType, FrameType
from typing import Any, NoReturn

from ..errors import DifferentiationError
from ..tracer.locations import fail
from .tensor_functions import WITHOUT_DERIVATIVES

LIBRARIES = tuple(sysconfig.get_path(name) for name in ("purelib", "platlib", "stdlib"))
"""Where code stands that is not the user's."""
FOR_PLACES = ("argmin", "argmax", "argsort", "argpartition", "sign", "floor", "ceil", "round", "shape", "size", "ndim")
TRUTHS = ("isfinite", "isinf", "isnan", "trunc", "ulp")
PLAIN = frozenset({*(f.__name__ for f in WITHOUT_DERIVATIVES), *FOR_PLACES, *TRUTHS})
"""Functions of NumPy and of `math` whose results have no derivative, by name."""
CONVERSIONS = frozenset({"array", "asarray", "asanyarray", "asarray_chkfinite", "ascontiguousarray", "asfortranarray"})
"""NumPy's functions that are the way to an array, of one tensor."""
INSTEAD = {
    "acos": "np.arccos", "acosh": "np.arccosh", "asin": "np.arcsin", "asinh": "np.arcsinh", "atan": "np.arctan",
    "atan2": "np.arctan2", "atanh": "np.arctanh", "dist": "np.linalg.norm", "erf": "scipy.special.erf",
    "erfc": "scipy.special.erfc", "fsum": "np.sum", "gamma": "scipy.special.gamma", "lgamma": "scipy.special.gammaln",
    "pow": "np.power",
}
"""Functions of `math` by the names of those that take tensors."""
ITEMS = (ast.List, ast.Tuple, ast.ListComp)


def refuse_where_lost(frame: FrameType) -> None:
    """An error where the frame that asks a tensor for its array, or its number, gets it for something that no
    derivative passes."""
    if (name := function_of_scipy(frame)) is not None:
        refuse(f"SciPy ({name}) takes a tensor that requires a gradient for an array",
               "call it in a function under gj.jit, where SciPy's functions have derivatives, or write t.detach()")
    user, within = caller_of_numpy(frame)
    if user is None or (runs := running(user.f_code, user.f_lasti)) is None or not (within or any(runs)):
        return
    is_assignment, written, operands = runs
    if is_assignment:
        refuse("a tensor that requires a gradient is assigned to elements of an array",
               "make a tensor of the array, gj.tensor(array), or write t.detach(), or t.item(), where no derivative "
               "is wanted")
    found = value_of(user, written)
    name = within or (str(getattr(found, "__name__", "")) if written else "")
    if name in PLAIN or name.startswith("assert_"):
        return
    if any(found is getattr(module, name, None) for module in (math, cmath) if found is not None):
        refuse(f"math.{name} takes a tensor that requires a gradient for a number",
               f"write {INSTEAD.get(name, f'np.{name}')}(t), or t.item() where no derivative is wanted")
    if not (within or is_numpys(found) or (operands and not written)):
        return
    shown = f"{written or f'np.{name}'}(...)" if name else "an operator"
    if any(x is None or isinstance(value_of(user, x), (list, tuple)) for x in operands):
        refuse(f"{shown} makes an array of a list of tensors",
               "write np.stack([...]) for the list, which is a tensor, or t.detach() where no derivative is wanted")
    if name and name not in CONVERSIONS:
        refuse(f"{shown} makes an array of a tensor that requires a gradient",
               "call it in a function under gj.jit, or write t.detach() where no derivative is wanted")


def refuse(what: str, instead: str) -> NoReturn:
    fail(DifferentiationError, f"{what}, which no derivative passes; {instead}")


def function_of_scipy(frame: FrameType | None) -> str | None:
    """The function of SciPy that the user has called, where it asks a tensor for its array."""
    name = None
    while frame is not None and (module := str(frame.f_globals.get("__name__"))).startswith(("scipy.", "numpy.")):
        if module.startswith("scipy."):
            name = frame.f_code.co_name
        frame = frame.f_back
    return name


def caller_of_numpy(frame: FrameType | None) -> tuple[FrameType | None, str]:
    """Who has called NumPy, and the function that was called, if that is Python itself."""
    name = ""
    while frame is not None and str(frame.f_globals.get("__name__")).startswith("numpy."):
        name = frame.f_code.co_name
        frame = frame.f_back
    return frame, name


def value_of(frame: FrameType, written: str | None) -> Any:
    """What a name with attributes stands for."""
    if not written:
        return None
    first, *attributes = written.split(".")
    found = frame.f_locals[first] if first in frame.f_locals else frame.f_globals.get(first)
    for name in attributes:
        found = getattr(found, name, None)
    return found


def is_numpys(found: Any) -> bool:
    """Whether a function, or a method, is NumPy's. (Types are not meant: `np.float64(t)` says what it is.)"""
    owner = getattr(found, "__self__", None)
    module = getattr(found, "__module__", None) or type(found if owner is None else owner).__module__
    return found is not None and not isinstance(found, type) and str(module).partition(".")[0] == "numpy"


@functools.lru_cache(1024)
def running(code: CodeType, at: int) -> tuple[bool, str, tuple[str | None, ...]] | None:
    """Of the user's code: whether elements are assigned there; what is called, as it is written, and its operands that
    are names, or None for lists that stand there; of an operator its operands alone. Nothing of conversions, and
    where the text is not known. None of what is a library's."""
    if code.co_filename.startswith(LIBRARIES):
        return None
    if dis.opname[code.co_code[at]] in ("STORE_SUBSCR", "STORE_SLICE"):
        return True, "", ()
    return False, *text_of_call(code, at)


def text_of_call(code: CodeType, at: int) -> tuple[str, tuple[str | None, ...]]:
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
        written, operands = "", [found.left, found.right]
    elif isinstance(found, ast.Call) and (written := ast.unparse(found.func)) not in ("float", "complex"):
        operands = found.args
    elif isinstance(found, ast.Subscript):  # np.r_[...]
        written, operands = ast.unparse(found.value), []
    else:
        return "", ()
    return written, tuple([a.id if isinstance(a, ast.Name) else None for a in operands
                           if isinstance(a, (ast.Name, *ITEMS))])


__all__ = ["refuse_where_lost"]
