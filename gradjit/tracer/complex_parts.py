"""Complex results of real arguments: their real and imaginary parts."""

from __future__ import annotations

from typing import Any, NoReturn

from .array import TracedArray
from .operands import unsupported


class ComplexParts:
    """What stands for a complex array that a function of SciPy's gives: `.real` and `.imag` are known of it."""

    __slots__ = ("_function", "real", "imag")

    def __init__(self, function: str, real: TracedArray, imag: TracedArray):
        self._function = function
        self.real = real
        self.imag = imag

    def refuse(self, *others: Any) -> NoReturn:
        unsupported(self._function, "but for the real and the imaginary part of its result: write .real or .imag")

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = __pow__ = refuse
    __neg__ = __abs__ = __getitem__ = __array__ = __complex__ = __float__ = __len__ = __iter__ = refuse

    def __getattr__(self, name: str) -> Any:
        self.refuse()
