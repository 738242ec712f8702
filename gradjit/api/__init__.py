"""The public functions."""

from __future__ import annotations

from . import warm
from .checking import check_grads
from .effects import debug_print
from .functions import (
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
from .written import returning

__all__ = [
    "check_grads", "debug_print", "grad", "hessian", "hvp", "jacobian", "jit", "jvp", "returning", "stop_gradient", "trace",
    "value_and_grad", "vjp", "warm",
]
