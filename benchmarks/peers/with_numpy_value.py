"""The plain NumPy function: the value alone, nothing compiled."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..cases import Case
from ..functions import in_numpy
from . import Contender, call


def convert(case: Case) -> tuple[Any, ...]:
    return case.arguments()


def start(case: Case, arguments: tuple[Any, ...]) -> Contender:
    return call(getattr(in_numpy, case.function), arguments)


def arrays(result: Any) -> list[Any]:
    return [np.asarray(result)]
