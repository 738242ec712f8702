"""autograd on the same source: the NumPy functions, loaded once more with autograd.numpy under the name `np`."""

from __future__ import annotations

import importlib.util
from types import ModuleType
from typing import Any

import autograd
import autograd.numpy as anp
import numpy as np

from ..cases import Case
from ..functions import in_numpy
from . import Contender, call, leaves

PLACE = "in_numpy"


def _rebound() -> ModuleType:
    spec = importlib.util.spec_from_file_location("benchmarks.functions.in_autograd", in_numpy.__file__)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.np = anp  # type: ignore[attr-defined]
    return module


FUNCTIONS = _rebound()


def convert(case: Case) -> tuple[Any, ...]:
    return case.arguments()


def start(case: Case, arguments: tuple[Any, ...]) -> Contender:
    return call(autograd.value_and_grad(getattr(FUNCTIONS, case.function), case.argnums), arguments)


def arrays(result: Any) -> list[Any]:
    return [np.asarray(x) for x in leaves(result)]
