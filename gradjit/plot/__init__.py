"""Pictures of functions and their derivatives (`gj.plot`), by matplotlib, which comes with the extra `demo`.

Each function draws into `ax`, or into new axes, and gives the axes back:
`gj.plot.descent(f, path).figure.savefig("path.png")`.
"""

from __future__ import annotations

from .curves import function_and_derivatives, learning_rates, loss_curve, secants
from .surfaces import contours, descent, path_points, surface

__all__ = [
    "contours", "descent", "function_and_derivatives", "learning_rates", "loss_curve", "path_points", "secants",
    "surface",
]
