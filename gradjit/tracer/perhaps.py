"""What is one thing or another, as the running program decides: both sides of a branch, or the iterations of a loop,
have left the one or the other. None or a value; this name or that one."""

from __future__ import annotations

from typing import Any, NoReturn

from ..errors import TraceError
from .locations import fail


class Fixed:
    """Something made of traced values that never changes."""

    __slots__ = ()

    def refuse(self, what: str) -> NoReturn:
        """The error for a use that asks what it is."""
        raise NotImplementedError


class Undecided(Fixed):
    """Something that ordinary code cannot look into."""

    __slots__ = ("why", "read_at")

    def __init__(self, why: str):
        self.why = why
        """What a use says that cannot be compiled."""
        self.read_at: Any = None
        """Where the program has read it last."""

    def refuse(self, *_: Any, **__: Any) -> NoReturn:
        fail(TraceError, self.why, self.read_at)

    __iter__ = __len__ = __float__ = __int__ = __bool__ = __array__ = __index__ = __getitem__ = __call__ = refuse
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = __pow__ = refuse
    __hash__ = object.__hash__

    def __eq__(self, other: object) -> Any:
        """Lifted code asks the hooks; what else compares would take it for one thing that differs from all others."""
        return self is other or self.refuse()

    __rpow__ = __neg__ = __abs__ = __lt__ = __gt__ = __le__ = __ge__ = __matmul__ = __rmatmul__ = __format__ = refuse


class Perhaps(Undecided):
    """A value beside the traced condition that it is there; where it is not, something of its types stands for it.

    It is handed on as it is: bound to names, put into containers, given to the user's functions and returned by them.
    What asks whether it is None gets the condition; what uses it, the value (control/states.py).
    """

    __slots__ = ("is_there", "value")

    def __init__(self, is_there: Any, value: Any, why: str):
        super().__init__(why)
        self.is_there, self.value = is_there, value

    def __repr__(self) -> str:
        return f"<None or {type(self.value).__name__}>"


class Unset(Perhaps):
    """The value of an attribute that an object may not have."""

    __slots__ = ()


class OneOf(Undecided):
    """One of a few strings or members of an enumeration, by a traced number (`control/states.py`).

    It is handed on, too. What is done with it is done with each of them, under the condition that it is that one.
    """

    __slots__ = ("number", "options")

    def __init__(self, number: Any, options: tuple[Any, ...], why: str):
        super().__init__(why)
        self.number, self.options = number, options
        """The number among all options of the program, and which it may be."""

    def __repr__(self) -> str:
        return f"<one of {', '.join(map(repr, self.options))}>"


class EitherText(Undecided):
    """One text or another one, of other pieces, by a traced condition: it is handed on, and returned."""

    __slots__ = ("is_first", "first", "second")

    def __init__(self, is_first: Any, first: Any, second: Any, why: str):
        super().__init__(why)
        self.is_first, self.first, self.second = is_first, first, second

    def __repr__(self) -> str:
        return f"<{self.first!r} or {self.second!r}>"
