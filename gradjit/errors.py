"""The exceptions that gradjit raises. Each message names the user's line, what came, and what to write instead."""

from __future__ import annotations

import numpy as np


class GradjitError(Exception):
    """Base of all of gradjit's own exceptions."""


class TraceError(GradjitError, TypeError):
    """The function does something that cannot be compiled: an unsupported call, a leak of a traced value."""


class UnsupportedError(TraceError, NotImplementedError):
    """A NumPy feature that gradjit knows of and does not compile yet."""


class DtypeError(GradjitError, TypeError):
    """An argument or operand of a dtype that the operation does not take."""


class UnsupportedDtypeError(DtypeError, UnsupportedError):
    """NumPy has the dtype, or the conversion, and gradjit has not."""


class ShapeError(GradjitError, ValueError):
    """Operands whose shapes do not fit together."""


class BoundsError(GradjitError, IndexError):
    """A constant index outside the extent of its axis."""


class AxisError(BoundsError, ValueError):
    """An axis that the array does not have. (NumPy's AxisError, too, is both an IndexError and a ValueError.)"""


class ArgumentError(GradjitError, ValueError):
    """An argument of the right type whose value the function does not take."""


class ConversionError(ArgumentError, OverflowError):
    """A number that is no integer of the type. (Python has a ValueError for nan, an OverflowError for the others.)"""


class LinAlgError(ArgumentError, np.linalg.LinAlgError):
    """A matrix that has not what was asked for: it is singular, not positive definite, not square."""


class DivisionError(GradjitError, ZeroDivisionError):
    """A quotient that is not defined."""


class DifferentiationError(GradjitError, TypeError):
    """A derivative was asked for where none is defined: integer arguments, a result that is no scalar."""


class LeakError(GradjitError, RuntimeError):
    """A traced value was used after the trace that made it had ended."""


class IRError(GradjitError, ValueError):
    """IR that does not parse or verify."""


class LinkError(GradjitError, RuntimeError):
    """The linker, or compiler, that a library needs failed."""


class LayoutError(GradjitError, RuntimeError):
    """This build of CPython or NumPy does not have the memory layout that the C-level entry needs."""


class Signal(BaseException):
    """No error: what the tracer raises for itself, through the program that it traces, on its way to who waits for it
    further out, where a trace or the tracing of a region begins anew. No handler and no context manager of the
    program's keeps it."""
