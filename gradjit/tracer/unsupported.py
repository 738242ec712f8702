"""What is not supported: the error names the function as the user wrote it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from ..errors import UnsupportedError
from ..probe import text
from .locations import fail


def unsupported(func: Callable[..., Any] | str, why: str = "") -> NoReturn:
    """Raise UnsupportedError that names the function, the reason or remedy, and the user's line."""
    name = name_of(func)
    fail(UnsupportedError, f"{name} is not supported{': ' + why if why else '; ' + as_primitive(name)}")


def as_primitive(name: str) -> str:
    """How compiled code can have what is not supported."""
    return (f"compiled code can call it as it is: {name.rpartition('.')[2]} = gj.primitive({name}, out=\"f64[n]\", "
            f"vjp=\"numeric\")")


def name_of(func: Callable[..., Any] | str) -> str:
    """A function as the user wrote it: np.sin, np.linalg.svd, math.exp."""
    if isinstance(func, str):
        return func
    if isinstance(func, np.ufunc):
        if "(vectorized)" in func.__name__:  # one that it has made
            return "np.frompyfunc"
        is_numpys = func.__name__ in np.__dict__
        return f"np.{func.__name__}" if is_numpys else f"scipy.special.{func.__name__}"
    module = text(func, "__module__").replace("numpy", "np", 1)
    if module.startswith("scipy."):  # what begins with an underscore is a file of SciPy's, not a name of the user's
        module = ".".join(part for part in module.split(".") if not part.startswith("_"))
    return f"{module}.{text(func, '__name__', type(func).__name__)}".lstrip(".")
