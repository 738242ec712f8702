"""MyGrad's layers."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import nn
from ...errors import ArgumentError
from ..tensor_base import composed, operand_of


def optional(x: Any) -> Any:
    return None if x is None else operand_of(x)


@composed
def batchnorm(x: Any, *, gamma: Any = None, beta: Any = None, eps: float) -> Any:
    return nn.batchnorm(operand_of(x), optional(gamma), optional(beta), eps=float(eps))


@composed
def conv_nd(x: Any, filter_bank: Any, *, stride: Any, padding: Any = 0, dilation: Any = 1) -> Any:
    return nn.conv_nd(operand_of(x), operand_of(filter_bank), stride=stride, padding=padding, dilation=dilation)


@composed
def max_pool(x: Any, pool: Any, stride: Any) -> Any:
    return nn.max_pool(operand_of(x), tuple(pool), stride)


@composed
def gru(X: Any, Uz: Any, Wz: Any, bz: Any, Ur: Any, Wr: Any, br: Any, Uh: Any, Wh: Any, bh: Any, s0: Any = None,
        bp_lim: int | None = None, dropout: float = 0.0) -> Any:
    """All hidden states, the first one in front: (time + 1, batch, d)."""
    if dropout or bp_lim is not None:
        raise NotImplementedError("gru with dropout or with a limit to backpropagation")
    if not (s0 is None or isinstance(s0, np.ndarray) or (hasattr(s0, "constant") and s0.constant)):
        raise ArgumentError("gru with a variable as first state, `s0`: it is an array or a constant")
    x = operand_of(X)
    z, r, h = [(operand_of(u), operand_of(w), operand_of(b))
               for u, w, b in ((Uz, Wz, bz), (Ur, Wr, br), (Uh, Wh, bh))]
    start = operand_of(np.zeros((x.shape[1], z[1].shape[0]), x.dtype) if s0 is None else s0)
    states = nn.gru(x, *z, *r, *h, start)
    return np.concatenate([start[None], states])


__all__ = ["batchnorm", "conv_nd", "gru", "max_pool"]
