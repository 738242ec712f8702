"""PyTorch, eager: the forward pass, then `torch.autograd.grad`."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from ..cases import Case
from . import Contender, call, leaves, written

PLACE = "in_torch"


def convert(case: Case) -> tuple[Any, ...]:
    return tuple(_tensors(a) for a in case.arguments())


def _tensors(tree: Any) -> Any:
    if isinstance(tree, list | tuple):
        return type(tree)(_tensors(x) for x in tree)
    return torch.as_tensor(tree, dtype=torch.float64 if isinstance(tree, float) else None)


def start(case: Case, arguments: tuple[Any, ...]) -> Contender:
    wanted = (case.argnums,) if isinstance(case.argnums, int) else case.argnums
    variables = [x.requires_grad_() for k in wanted for x in leaves(arguments[k])]
    function = written(case, PLACE)

    def value_and_grad(*args: Any) -> Any:
        value = function(*args)
        return value.detach(), torch.autograd.grad(value, variables)

    return call(value_and_grad, arguments)


def arrays(result: Any) -> list[Any]:
    return [np.asarray(x) for x in leaves(result)]
