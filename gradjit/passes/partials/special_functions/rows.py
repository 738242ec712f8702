"""What a row is made of."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Union

from ..terms import Term


class Steps(Enum):
    """In the place of a formula: the result is constant in the argument, but for steps."""

    STEPS = "steps"


STEPS = Steps.STEPS

Formula = Callable[..., Term]
"""`formula(result, *arguments)`: the partial derivative."""
Row = tuple[Union[Formula, Steps, str], ...]
Rows = dict[str, Union[Row, list[Row]]]
"""A row for each function, or a list of them, one for each result."""

ORDER = "no closed form is known for the derivative with regard to the order"
PARAMETER = "no closed form is known for the derivative with regard to this parameter"
INVERSE = "SciPy finds it by searching, and no closed form is known for its derivative"
DEGREES = 0.017453292519943295
