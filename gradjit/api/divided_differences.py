"""Derivatives from first principles: quotients of differences, beside which the exact ones are seen to be right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import ArgumentError

Function = Callable[..., Any]


def forward(f: Function, x: Any, e: Any, h: float) -> Any:
    return (f(x + h * e) - f(x)) / h


def central(f: Function, x: Any, e: Any, h: float) -> Any:
    return (f(x + h * e) - f(x - h * e)) / (2 * h)


def backward(f: Function, x: Any, e: Any, h: float) -> Any:
    return (f(x) - f(x - h * e)) / h


def complex_step(f: Function, x: Any, e: Any, h: float) -> Any:
    return np.imag(f(x + 1j * h * e)) / h


METHODS = {"forward": (forward, 1e-8), "central": (central, 1e-5), "backward": (backward, 1e-8),
           "complex": (complex_step, 1e-20)}
"""The quotients, with a step that suits numbers about 1 in double precision."""


def derivative(f: Function, x: Any, h: float | None = None, method: str = "central") -> Any:
    """The derivative of `f` at `x` by a quotient of differences with step `h`.

        gj.derivative(lambda x: x**2, 2.0, 0.1, "forward")      # 4.1

    x: a number, or an array: then the quotients along each of its elements stand at its places, in front of the axes
        that f's result has. f is called as it is; nothing is traced.
    method: "forward", (f(x+h) - f(x)) / h; "backward"; "central", (f(x+h) - f(x-h)) / 2h; or "complex", the imaginary
        part of f(x + ih) / h, which has no cancellation, for an f that takes complex numbers.

    Raises ArgumentError for another method, or a step of 0.
    """
    if method not in METHODS:
        raise ArgumentError(f"method={method!r}; there are {', '.join(METHODS)}")
    quotient, usual = METHODS[method]
    step = usual if h is None else h
    if not step:
        raise ArgumentError("a step of 0 gives 0/0; take one like 1e-6")
    if np.ndim(x) == 0:
        return quotient(f, x, 1, step)
    at = np.asarray(x, float)
    units = np.eye(at.size).reshape(at.size, *at.shape)
    found = np.array([quotient(f, at, e, step) for e in units])
    return found.reshape(*at.shape, *found.shape[1:])
