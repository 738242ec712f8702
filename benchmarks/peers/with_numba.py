"""Value and gradient by hand, compiled by Numba."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..cases import Case
from . import Contender, call, leaves, written

PLACE = "in_numba"


def convert(case: Case) -> tuple[Any, ...]:
    return case.arguments()


def start(case: Case, arguments: tuple[Any, ...]) -> Contender:
    return call(written(case, PLACE), arguments)


def arrays(result: Any) -> list[Any]:
    return [np.asarray(x) for x in leaves(result)]
