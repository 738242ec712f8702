"""gradjit's compiled value alone."""

from __future__ import annotations

from typing import Any

import numpy as np

import gradjit as gj

from ..cases import Case
from ..functions import in_numpy
from . import Contender, call


def convert(case: Case) -> tuple[Any, ...]:
    return case.arguments()


def start(case: Case, arguments: tuple[Any, ...]) -> Contender:
    return call(gj.jit(getattr(in_numpy, case.function)), arguments)


def arrays(result: Any) -> list[Any]:
    return [np.asarray(result)]
