"""gradjit turns a plain NumPy function into a compiled function that returns its value and its gradient.

    import numpy as np
    import gradjit as gj

    value_and_grad = gj.value_and_grad(lambda x: np.sum(np.sin(x) * x ** 2))
    value, gradient = value_and_grad(np.linspace(-1, 1, 1000))

What stands here is the public interface; it is imported when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from .errors import (
    BoundsError,
    DifferentiationError,
    DtypeError,
    GradjitError,
    IRError,
    LayoutError,
    LeakError,
    ShapeError,
    TraceError,
    UnsupportedError,
)

if TYPE_CHECKING:
    from .api import (
        check_grads,
        grad,
        hessian,
        hvp,
        jacobian,
        jit,
        jvp,
        stop_gradient,
        trace,
        value_and_grad,
        vjp,
    )

__version__ = "0.1.0"

_API = ("check_grads", "grad", "hessian", "hvp", "jacobian", "jit", "jvp", "stop_gradient", "trace", "value_and_grad",
        "vjp")

__all__ = [
    "BoundsError", "DifferentiationError", "DtypeError", "GradjitError", "IRError", "LayoutError", "LeakError",
    "ShapeError", "TraceError", "UnsupportedError", "check_grads", "grad", "hessian", "hvp", "jacobian", "jit", "jvp",
    "stop_gradient", "trace", "value_and_grad", "vjp",
]


def __getattr__(name: str) -> Any:
    if name in _API:
        value = getattr(importlib.import_module(".api", __name__), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_API})
