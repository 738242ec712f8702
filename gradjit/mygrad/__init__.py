"""MyGrad's interface on gradjit's engine: `import gradjit.mygrad as mg` in the place of `import mygrad as mg`.

What differs: memory is versioned instead of guarded, so that writing to a tensor's data while a graph needs it is no
error, and the gradient is that of the values that were used. `creator` is a name.
"""

from __future__ import annotations

from . import errors, linalg, nnet, operation_base, random
from .computational_graph import build_graph
from .functions_table import FUNCTIONS
from .makers import (
    arange,
    asarray,
    astensor,
    empty,
    empty_like,
    eye,
    full,
    full_like,
    geomspace,
    identity,
    linspace,
    load,
    logspace,
    mem_guard_active,
    mem_guard_off,
    mem_guard_on,
    no_autodiff,
    ones,
    ones_like,
    save,
    sliding_window_view,
    tensor,
    turn_memory_guarding_off,
    turn_memory_guarding_on,
    zeros,
    zeros_like,
)
from .operation_base import execute_op
from .tensor_base import Tensor

globals().update(FUNCTIONS)  # some of them have the names of Python's own, so that nothing else stands in this file

__all__ = [
    "Tensor", "arange", "asarray", "astensor", "build_graph", "empty", "empty_like", "errors", "execute_op", "eye",
    "full", "full_like", "geomspace", "identity", "linalg", "linspace", "load", "logspace", "mem_guard_active",
    "mem_guard_off", "mem_guard_on", "nnet", "no_autodiff", "ones", "ones_like", "operation_base", "random", "save",
    "sliding_window_view", "tensor", "turn_memory_guarding_off", "turn_memory_guarding_on", "zeros", "zeros_like",
    *FUNCTIONS,
]
