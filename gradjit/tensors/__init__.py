"""The tensor style: `x = gj.tensor(3.0, requires_grad=True)`, an expression, `.backward()`, `x.grad`.

It is the tracer with a recording that stays open. `tensor.py` is what users hold; `recording.py` the steps since
somebody last looked; `trie.py` finds a program of the same steps that was met before; `open_trace.py` is the tracer's
part, where none was; `kernels.py` computes values and cotangents; `pullback_graph.py` walks from recording to
recording.
"""

from __future__ import annotations

from .modes import eager, enable_grad, is_grad_enabled, no_grad, set_grad_enabled
from .tensor import Tensor
from .tensor_creation import (
    arange,
    concatenate,
    empty,
    eye,
    from_numpy,
    full,
    full_like,
    geomspace,
    identity,
    linspace,
    logspace,
    manual_seed,
    ones,
    ones_like,
    rand,
    randn,
    random,
    stack,
    tensor,
    zeros,
    zeros_like,
)

__all__ = [
    "Tensor", "arange", "concatenate", "eager", "empty", "enable_grad", "eye", "from_numpy", "full", "full_like",
    "geomspace", "identity", "is_grad_enabled", "linspace", "logspace", "manual_seed", "no_grad", "ones", "ones_like",
    "rand", "randn", "random", "set_grad_enabled", "stack", "tensor", "zeros", "zeros_like",
]
