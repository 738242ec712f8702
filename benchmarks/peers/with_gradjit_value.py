"""gradjit's compiled value alone."""

from __future__ import annotations

from typing import Any

import numpy as np

import gradjit as gj

from ..cases import Case
from . import Contender, call, written

PLACE = "in_numpy"


def convert(case: Case) -> tuple[Any, ...]:
    return case.arguments()


def start(case: Case, arguments: tuple[Any, ...]) -> Contender:
    return call(gj.jit(written(case, PLACE)), arguments)


def arrays(result: Any) -> list[Any]:
    return [np.asarray(result)]
