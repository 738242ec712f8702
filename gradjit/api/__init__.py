"""The public functions."""

from __future__ import annotations

from ..tracer import libraries
from . import warm
from .checking import check_grads
from .checkpointing import checkpoint
from .custom import custom_jvp, custom_vjp
from .effects import debug_print
from .functions import (
    grad,
    hessian,
    hvp,
    jacfwd,
    jacobian,
    jacrev,
    jet,
    jit,
    jvp,
    linearize,
    stop_gradient,
    trace,
    value_and_grad,
    value_and_jacobian,
    vjp,
    vmap,
)
from .implicit import implicit
from .options import config
from .primitive import primitive
from .returning import returning
from .structured import cond, fori_loop, scan, while_loop

__all__ = [
    "check_grads", "checkpoint", "cond", "config", "custom_jvp", "custom_vjp", "debug_print", "fori_loop", "grad",
    "hessian", "hvp", "implicit", "jacfwd", "jacobian", "jacrev", "jet", "jit", "jvp", "linearize", "primitive",
    "returning", "scan", "stop_gradient", "trace", "value_and_grad", "value_and_jacobian", "vjp", "vmap", "warm",
    "while_loop",
]

libraries.SOLVERS_IN += [f"{__name__}.run_by_scipy.{name}" for name in (
    "solvers", "constrained", "fits", "linear_programs", "sparse_solvers",
    "boundary_values", "paths", "linear_operators", "called_on_elements")]
libraries.MORE_RULES_IN["scipy"] += [f"{__name__}.run_by_scipy.{name}" for name in (
    "neighbours", "found_by_elements", "linear_systems", "peaks", "quantiles", "reductions", "riccati", "triangles",
    "clough_tocher")]
