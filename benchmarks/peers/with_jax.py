"""JAX: jitted, 64-bit types, arguments already on its device, and one wait for the execution's end.

Outputs of one execution become ready together, so waiting for the value is enough and costs least.
"""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from ..cases import Case
from ..functions import in_jax
from . import Contender, call, leaves

jax.config.update("jax_enable_x64", True)


def convert(case: Case) -> tuple[Any, ...]:
    return jax.block_until_ready(jax.tree.map(jax.numpy.asarray, case.arguments()))


def start(case: Case, arguments: tuple[Any, ...]) -> Contender:
    function = jax.jit(jax.value_and_grad(getattr(in_jax, case.function), argnums=case.argnums))
    return call(function, arguments, "[0].block_until_ready()")


def arrays(result: Any) -> list[Any]:
    return [np.asarray(x) for x in leaves(result)]
