"""gradjit turns a plain NumPy function into a compiled function that returns its value and its gradient.

    import numpy as np
    import gradjit as gj

    value_and_grad = gj.value_and_grad(lambda x: np.sum(np.sin(x) * x ** 2))
    value, gradient = value_and_grad(np.linspace(-1, 1, 1000))

What stands here is the public interface. All of gradjit is imported with it, and LLVM loaded, so that the first call
need not wait for that; SciPy is not.
"""

from __future__ import annotations

from .api import (
    check_grads,
    checkpoint,
    cond,
    config,
    custom_jvp,
    custom_vjp,
    debug_print,
    fori_loop,
    grad,
    hessian,
    hvp,
    jacfwd,
    jacobian,
    jacrev,
    jit,
    jvp,
    linearize,
    returning,
    scan,
    stop_gradient,
    trace,
    value_and_grad,
    value_and_jacobian,
    vjp,
    vmap,
    while_loop,
)
from .errors import (
    ArgumentError,
    AxisError,
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

__version__ = "0.1.0"

__all__ = [
    "ArgumentError", "AxisError", "BoundsError", "DifferentiationError", "DtypeError", "GradjitError", "IRError",
    "LayoutError", "LeakError", "ShapeError", "TraceError", "UnsupportedError", "check_grads", "checkpoint", "cond",
    "config", "custom_jvp", "custom_vjp", "debug_print", "fori_loop", "grad", "hessian", "hvp", "jacfwd", "jacobian",
    "jacrev", "jit", "jvp", "linearize", "returning", "scan", "stop_gradient", "trace", "value_and_grad",
    "value_and_jacobian", "vjp", "vmap", "while_loop",
]
