"""What is None or a value, as the running program decides: both sides of a branch, or the iterations of a loop, have
left the one or the other."""

from __future__ import annotations

from typing import Any, NoReturn

from ..errors import TraceError
from .locations import fail


class Perhaps:
    """A value beside the traced condition that it is there; where it is not, something of its types stands for it.

    It is handed on as it is: bound to names, put into containers, given to the user's functions and returned by them.
    What asks whether it is None gets the condition; what uses it, the value (control/states.py).
    """

    __slots__ = ("is_there", "value", "why", "read_at")

    def __init__(self, is_there: Any, value: Any, why: str):
        self.is_there, self.value, self.why = is_there, value, why
        """why: what a use says that cannot be compiled."""
        self.read_at: Any = None
        """Where the program has read it last."""

    def __repr__(self) -> str:
        return f"<None or {type(self.value).__name__}>"

    def refuse(self, *_: Any, **__: Any) -> NoReturn:
        fail(TraceError, self.why, self.read_at)

    __iter__ = __len__ = __float__ = __int__ = __bool__ = __array__ = __index__ = __getitem__ = __call__ = refuse
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = __pow__ = refuse
    __rpow__ = __neg__ = __abs__ = __lt__ = __gt__ = __le__ = __ge__ = __matmul__ = __rmatmul__ = refuse


class Unset(Perhaps):
    """The value of an attribute that an object may not have."""

    __slots__ = ()
