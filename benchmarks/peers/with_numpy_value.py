"""The plain NumPy function: the value alone, nothing compiled."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..cases import Case
from . import Contender, call, written

PLACE = "in_numpy"


def convert(case: Case) -> tuple[Any, ...]:
    return case.arguments()


def start(case: Case, arguments: tuple[Any, ...]) -> Contender:
    return call(written(case, PLACE), arguments)


def arrays(result: Any) -> list[Any]:
    return [np.asarray(result)]
