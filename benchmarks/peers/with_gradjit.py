"""gradjit on the plain NumPy function."""

from __future__ import annotations

from typing import Any

import numpy as np

import gradjit as gj

from ..cases import Case
from . import Contender, call, leaves, written

PLACE = "in_numpy"


def convert(case: Case) -> tuple[Any, ...]:
    return case.arguments()


def start(case: Case, arguments: tuple[Any, ...]) -> Contender:
    return call(gj.value_and_grad(written(case, PLACE), argnums=case.argnums), arguments)


def arrays(result: Any) -> list[Any]:
    return [np.asarray(x) for x in leaves(result)]
