"""gradjit turns a plain NumPy function into a compiled function that returns its value and its gradient.

    import numpy as np
    import gradjit as gj

    value_and_grad = gj.value_and_grad(lambda x: np.sum(np.sin(x) * x ** 2))
    value, gradient = value_and_grad(np.linspace(-1, 1, 1000))

What stands here is the public interface. All of gradjit is imported with it, and LLVM loaded, so that the first call
need not wait for that; SciPy is not.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import numpy

from .processes import gate, staying
from .release import VERSION

with staying():  # an import makes objects that stay, which the collector would go through again and again
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
        implicit,
        jacfwd,
        jacobian,
        jacrev,
        jet,
        jit,
        jvp,
        linearize,
        primitive,
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
        LinkError,
        ShapeError,
        TraceError,
        UnsupportedError,
    )
    from .runtime.threads import get_threads, set_threads, threads

if TYPE_CHECKING:
    from .api.export import Routine, export
    from .api.frameworks import to_jax, to_torch
    from .api.load_library import load
    from .api.native_functions import NativeFunction, cfunc, low_level_callable

__version__ = VERSION

_LATER = {
    "api.export": ("Routine", "export"),
    "api.load_library": ("load",),
    "api.native_functions": ("NativeFunction", "cfunc", "low_level_callable"),
    "api.frameworks": ("to_jax", "to_torch"),
    "api.divided_differences": ("derivative",),
    "nn.progress": ("progress",),
    "tensors.graphs": ("graph",),
    "tensors": (
        "Tensor", "arange", "concatenate", "eager", "empty", "enable_grad", "eye", "from_numpy", "full", "full_like",
        "geomspace", "identity", "is_grad_enabled", "linspace", "logspace", "manual_seed", "no_grad", "ones",
        "ones_like", "rand", "randn", "random", "set_grad_enabled", "stack", "tensor", "zeros", "zeros_like",
    ),
}
"""What is imported when it is first asked for, by the packages that it stands in."""


_ROOMS = ("dask", "mygrad", "nn", "parallel", "plot")
"""Packages that are imported when they are first named: `gj.plot`."""


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return importlib.import_module(f"gradjit.{name}")
    package = next((p for p, names in _LATER.items() if name in names), None)
    if package is None:
        from .tensors.tensor_names import IN_PLACE_OF_FUNCTIONS
        hint = (f"; write {IN_PLACE_OF_FUNCTIONS[name]}" if name in IN_PLACE_OF_FUNCTIONS
                else f"; write np.{name}, which takes tensors and traced arrays" if hasattr(numpy, name) else "")
        raise AttributeError(f"module 'gradjit' has no attribute {name!r}{hint}", name=name)
    with gate:
        module = importlib.import_module(f"gradjit.{package}")
    for other in _LATER[package]:
        globals()[other] = getattr(module, other)
    return globals()[name]


def __dir__() -> list[str]:
    return sorted({*globals(), *(name for names in _LATER.values() for name in names)})


__all__ = [
    "ArgumentError", "AxisError", "BoundsError", "DifferentiationError", "DtypeError", "GradjitError", "IRError",
    "LayoutError", "LeakError", "LinkError", "NativeFunction", "Routine", "ShapeError", "TraceError",
    "UnsupportedError", "cfunc", "check_grads", "checkpoint", "cond", "config", "custom_jvp", "custom_vjp",
    "debug_print", "export", "fori_loop", "get_threads", "grad", "hessian", "hvp", "implicit", "jacfwd", "jacobian",
    "jacrev", "jet", "jit", "jvp", "linearize", "load", "low_level_callable", "primitive", "returning", "scan",
    "set_threads", "stop_gradient", "threads", "to_jax", "to_torch", "trace", "value_and_grad", "value_and_jacobian",
    "vjp", "vmap", "while_loop",
]
