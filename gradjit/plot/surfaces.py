"""Functions of two numbers: contour lines with gradients, surfaces with the path of a descent."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from ..api import grad, jit
from .curves import array_of, axes_for

Function = Callable[..., Any]
Limits = tuple[float, float]


def grid(f: Function, xlim: Limits, ylim: Limits, points: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """x, y and f([x, y]) on a grid."""
    compiled = jit(lambda p: f(p))
    x, y = np.meshgrid(np.linspace(*xlim, points), np.linspace(*ylim, points))
    z = np.array([float(compiled(np.array(p))) for p in zip(x.ravel(), y.ravel(), strict=True)])
    return x, y, z.reshape(x.shape)


def contours(f: Function, xlim: Limits, ylim: Limits, at: Iterable[Any] = (), path: Any = None, points: int = 60,
             ax: Any = None) -> Any:
    """Contour lines of f, which takes an array of two numbers; the gradient as an arrow, with its two components, at
    each point of `at`; and the path of a descent."""
    ax = axes_for(ax)
    x, y, z = grid(f, xlim, ylim, points)
    ax.contour(x, y, z, levels=20, cmap="viridis", linewidths=0.8)
    slope = grad(f)
    length = 0.2 * min(xlim[1] - xlim[0], ylim[1] - ylim[0])
    for p in at:
        p = np.asarray(p, float)
        g = np.asarray(slope(p))
        size = float(np.hypot(*g))
        step = g * (length / size) if size else g
        ax.plot(*p, "o", color="tab:red")
        # An arrow may leave the axes; matplotlib would leave it away then.
        ax.annotate("", p + step, p, arrowprops={"arrowstyle": "->", "color": "tab:red"}, annotation_clip=False)
        ax.plot([p[0], p[0] + step[0]], [p[1], p[1]], ":", color="tab:orange", clip_on=False)
        ax.plot([p[0] + step[0]] * 2, [p[1], p[1] + step[1]], ":", color="tab:orange", clip_on=False)
        ax.annotate(f"({g[0]:.3g}, {g[1]:.3g})", p + step, fontsize=8, annotation_clip=False)
    if path is not None:
        xy = array_of(path)
        ax.plot(xy[:, 0], xy[:, 1], ".-", color="tab:red", markersize=4, linewidth=0.8)
    ax.set_xlim(*xlim)
    ax.set_ylim(*ylim)
    ax.set_xlabel("x")
    ax.set_ylabel("y")
    return ax


def surface(f: Function, xlim: Limits, ylim: Limits, points: int = 50, ax: Any = None) -> Any:
    """The surface of f, which takes an array of two numbers."""
    ax = axes_for(ax, three=True)
    ax.plot_surface(*grid(f, xlim, ylim, points), cmap="viridis", alpha=0.6, linewidth=0)
    ax.set_xlabel("x")
    ax.set_ylabel("y")
    return ax


def path_points(f: Function, path: Any, ax: Any) -> Any:
    """The steps of a descent as points in space, from purple to yellow; the first one red, the last green."""
    xy = array_of(path).astype(float)
    compiled = jit(lambda p: f(p))
    z = np.array([float(compiled(np.ascontiguousarray(p))) for p in xy])
    ax.scatter(xy[:, 0], xy[:, 1], z, c=np.arange(len(z)), cmap="viridis", s=12, depthshade=False, zorder=2)
    for k, color, label in ((0, "red", "Initial"), (-1, "green", "Final")):
        ax.scatter(xy[k:k + 1 or None, 0], xy[k:k + 1 or None, 1], z[k:k + 1 or None], color=color, s=36, label=label,
                   depthshade=False, zorder=3)
    ax.legend()
    return ax


def descent(f: Function, path: Any, xlim: Limits | None = None, ylim: Limits | None = None, points: int = 50,
            view: tuple[float, float] = (30, -60), ax: Any = None) -> Any:
    """The path of a descent on the surface of f, coloured from its first step to its last. path: an array with a row
    for each step."""
    xy = array_of(path).astype(float)
    ax = surface(f, xlim or span(xy[:, 0]), ylim or span(xy[:, 1]), points, ax)
    ax.view_init(*view)
    ax.computed_zorder = False  # else the surface is laid over the path, whose colours tell nothing then
    return path_points(f, xy, ax)


def span(xs: np.ndarray) -> Limits:
    """Limits with some room around."""
    low, high = float(xs.min()), float(xs.max())
    room = 0.2 * (high - low or 1.0)
    return low - room, high + room
