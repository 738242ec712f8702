"""gradjit on the plain NumPy function."""

from __future__ import annotations

from typing import Any

import numpy as np

import gradjit as gj

from ..cases import Case
from ..functions import in_numpy
from . import Contender, call, leaves


def convert(case: Case) -> tuple[Any, ...]:
    return case.arguments()


def start(case: Case, arguments: tuple[Any, ...]) -> Contender:
    return call(gj.value_and_grad(getattr(in_numpy, case.function), argnums=case.argnums), arguments)


def arrays(result: Any) -> list[Any]:
    return [np.asarray(x) for x in leaves(result)]
