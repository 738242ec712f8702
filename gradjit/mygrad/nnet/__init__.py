"""MyGrad's parts of neural networks."""

from __future__ import annotations

from . import activations, initializers, layers, losses

__all__ = ["activations", "initializers", "layers", "losses"]
