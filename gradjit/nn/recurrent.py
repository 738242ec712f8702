"""Recurrent layers over a sequence x of shape (time, batch, features). Each gives all hidden states, (time, batch, d),
in front of which the first stands where `with_start` says so."""

from __future__ import annotations

from typing import Any

import numpy as np

from .activations import sigmoid


def start(x: Any, s0: Any, width: int) -> Any:
    return np.zeros((np.shape(x)[1], width), x.dtype) if s0 is None else s0


def simple_rnn(x: Any, u: Any, w: Any, bias: Any = None, s0: Any = None) -> Any:
    """s[t] = tanh(x[t] @ u + s[t-1] @ w + bias)."""
    s = start(x, s0, np.shape(w)[0])
    states = []
    for t in range(np.shape(x)[0]):
        into = x[t] @ u + s @ w
        s = np.tanh(into if bias is None else into + bias)
        states.append(s)
    return np.stack(states)


def gru(x: Any, uz: Any, wz: Any, bz: Any, ur: Any, wr: Any, br: Any, uh: Any, wh: Any, bh: Any, s0: Any = None) -> Any:
    """A gated unit: z and r are gates, h what is new, and s[t] = (1 - z) h + z s[t-1]."""
    s = start(x, s0, np.shape(wz)[0])
    states = []
    for t in range(np.shape(x)[0]):
        z = sigmoid(x[t] @ uz + s @ wz + bz)
        r = sigmoid(x[t] @ ur + s @ wr + br)
        h = np.tanh(x[t] @ uh + (r * s) @ wh + bh)
        s = (1.0 - z) * h + z * s
        states.append(s)
    return np.stack(states)


def lstm(x: Any, u: Any, w: Any, bias: Any, s0: Any = None, c0: Any = None) -> Any:
    """Long short-term memory: u (features, 4d) and w (d, 4d) hold the input, forget, cell and output parts side by
    side, in this order."""
    d = np.shape(w)[0]
    s, c = start(x, s0, d), start(x, c0, d)
    states = []
    for t in range(np.shape(x)[0]):
        parts = x[t] @ u + s @ w + bias
        i, f, o = (sigmoid(parts[:, k * d:(k + 1) * d]) for k in (0, 1, 3))
        c = f * c + i * np.tanh(parts[:, 2 * d:3 * d])
        s = o * np.tanh(c)
        states.append(s)
    return np.stack(states)
