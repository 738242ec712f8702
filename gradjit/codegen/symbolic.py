"""Extents that are known only when the code runs: `A[i, :j]` has `j` columns."""

from __future__ import annotations

from typing import Any, NoReturn

from ..errors import UnsupportedError
from ..ir import Value, sizes
from ..ir.sizes import guess


class Extent(int):
    """An extent that is computed at run time, by the index value `value`.

    As an int it is its upper bound: what costs are reckoned with, and for how much there is memory. It equals only
    itself. Strides are made of upper bounds, so that they are plain ints; sums and differences are not defined, so that
    no code comes to stand on a bound where it means the extent.
    """

    value: Value
    bound: int

    def __new__(cls, bound: int, value: Value) -> Extent:
        made = super().__new__(cls, guess(bound))
        made.value = value
        made.bound = bound
        return made

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Extent) and other.value is self.value

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self.value)

    def _refuse(self, other: Any) -> NoReturn:
        raise UnsupportedError("an operation on an array whose extent changes between iterations of a loop has no "
                               "compiled form; write it as a loop over the elements")

    __add__ = __radd__ = __sub__ = __rsub__ = __floordiv__ = __neg__ = _refuse  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"{self.value.name or 'n'}<={int(self)}"

    __str__ = __repr__


def is_symbolic(e: int) -> bool:
    return isinstance(e, Extent)


def upper(e: int) -> int:
    """The greatest number that an extent can be: a number, or an open size."""
    return e.bound if type(e) is Extent else e


def reckoned(e: int) -> int:
    """An extent, a stride or a size as costs are reckoned: nothing may be concluded from it."""
    return e if type(e) is int else int(sizes.reckoned(upper(e)))
