"""Functions of one number, and what happens step by step."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from ..api import grad, jit
from ..errors import ArgumentError, UnsupportedError
from ..tensors import Tensor

Function = Callable[..., Any]


def axes_for(ax: Any, three: bool = False) -> Any:
    """The axes to draw into: the given ones, or new ones of a figure that no window shows."""
    if ax is not None:
        return ax
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise UnsupportedError("gj.plot draws with matplotlib, which is not installed; pip install 'gradjit[demo]'"
                               ) from None
    figure = Figure(figsize=(6.4, 4.4), layout="constrained")
    return figure.add_subplot(projection="3d" if three else None)


def array_of(x: Any) -> np.ndarray:
    return x.numpy() if isinstance(x, Tensor) else np.asarray(x)


def values(f: Function, xs: np.ndarray) -> np.ndarray:
    """f of one number, at each of xs."""
    compiled = jit(lambda x: f(x))
    return np.array([float(compiled(float(x))) for x in xs])


def function_and_derivatives(f: Function, low: float, high: float, orders: int = 1, points: int = 400,
                             ax: Any = None) -> Any:
    """A function of one number and its first derivatives on [low, high], in one picture."""
    ax = axes_for(ax)
    xs = np.linspace(low, high, points)
    current = f
    for order in range(orders + 1):
        name = "f" + "'" * order if order < 4 else f"f^({order})"
        ax.plot(xs, values(current, xs), label=f"{name}(x)")
        current = grad(current)
    ax.axhline(0, color="0.8", linewidth=0.8, zorder=0)
    ax.set_xlabel("x")
    ax.legend()
    return ax


def secants(f: Function, x: float, steps: Iterable[float] = (1.0, 0.5, 0.1), low: float | None = None,
            high: float | None = None, ax: Any = None) -> Any:
    """Secants through (x, f(x)) and (x + h, f(x + h)) that turn into the tangent as h shrinks."""
    ax = axes_for(ax)
    steps = list(steps)
    if not steps or 0 in steps:
        raise ArgumentError(f"steps={steps}; a secant goes through two points")
    reach = max(map(abs, steps))
    xs = np.linspace(x - 1.5 * reach if low is None else low, x + 1.5 * reach if high is None else high, 300)
    ax.plot(xs, values(f, xs), color="black", label="f(x)")
    at = float(values(f, np.array([x]))[0])
    for k, h in enumerate(steps):
        slope = (float(values(f, np.array([x + h]))[0]) - at) / h
        color = f"{0.8 - 0.5 * k / max(len(steps) - 1, 1):.2f}"
        ax.plot(xs, at + slope * (xs - x), color=color, linewidth=1, label=f"h = {h:g}: slope {slope:.4g}")
    slope = float(grad(f)(float(x)))
    ax.plot(xs, at + slope * (xs - x), color="tab:red", label=f"tangent: slope {slope:.4g}")
    ax.plot([x], [at], "o", color="tab:red")
    ax.set_ylim(*padded(values(f, xs)))
    ax.set_xlabel("x")
    ax.legend()
    return ax


def padded(ys: np.ndarray) -> tuple[float, float]:
    room = 0.15 * (float(ys.max() - ys.min()) or 1.0)
    return float(ys.min()) - room, float(ys.max()) + room


def loss_curve(losses: Sequence[float], log: bool = True, label: str | None = None, ax: Any = None) -> Any:
    """The loss by step. log: a logarithmic scale where all losses are positive."""
    ax = axes_for(ax)
    ys = array_of(losses)
    ax.plot(np.arange(1, len(ys) + 1), ys, label=label)
    if log and len(ys) and np.all(ys > 0):
        ax.set_yscale("log")
    ax.set_xlabel("step")
    ax.set_ylabel("loss")
    if label:
        ax.legend()
    return ax


def learning_rates(f: Function, start: Any, rates: Iterable[float], steps: int = 30, ax: Any = None) -> Any:
    """The effect of the learning rate: f along gradient descent from `start`, for each rate."""
    ax = axes_for(ax)
    value, slope = jit(lambda x: f(x)), grad(f)
    for rate in rates:
        x: Any = array_of(start).astype(float)[()]
        found = [float(value(x))]
        for _ in range(steps):
            x = x - rate * slope(x)
            found.append(float(value(x)))
            if not np.isfinite(found[-1]):
                break
        ax.plot(found, label=f"rate {rate:g}", marker=".", markersize=3)
    ax.set_yscale("symlog")
    ax.set_xlabel("step")
    ax.set_ylabel("f")
    ax.legend()
    return ax
