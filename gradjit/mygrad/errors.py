"""MyGrad's exceptions beside gradjit's own."""

from __future__ import annotations

from ..errors import (
    ArgumentError,
    AxisError,
    BoundsError,
    DifferentiationError,
    DtypeError,
    GradjitError,
    ShapeError,
    TraceError,
    UnsupportedError,
)


class MyGradException(Exception):
    """Parent of MyGrad's exceptions."""


class InvalidGradient(MyGradException, TypeError):
    """A gradient that is no array of numbers, from a user or from an operation of a user's."""


class InvalidBackprop(MyGradException):
    """Of MyGrad's, when a part of a graph was cleared before: those are leaves here, and nothing raises it."""


class DisconnectedView(MyGradException):
    """Of MyGrad's, for views whose graph was cleared: they stay views here, and nothing raises it."""


__all__ = ["ArgumentError", "AxisError", "BoundsError", "DifferentiationError", "DisconnectedView", "DtypeError",
           "GradjitError", "InvalidBackprop", "InvalidGradient", "MyGradException", "ShapeError", "TraceError",
           "UnsupportedError"]
