"""JAX: jitted, 64-bit types, arguments already on its device, and one wait for the execution's end.

Outputs of one execution become ready together, so waiting for the value is enough and costs least. Counts (ints) are
static, as reverse mode needs them.
"""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from ..cases import Case
from . import Contender, call, leaves, written

PLACE = "in_jax"
jax.config.update("jax_enable_x64", True)


def convert(case: Case) -> tuple[Any, ...]:
    return jax.block_until_ready(jax.tree.map(lambda x: x if isinstance(x, int) else jax.numpy.asarray(x),
                                              case.arguments()))


def start(case: Case, arguments: tuple[Any, ...]) -> Contender:
    counts = tuple(k for k, a in enumerate(arguments) if isinstance(a, int))
    function = jax.jit(jax.value_and_grad(written(case, PLACE), argnums=case.argnums), static_argnums=counts)
    return call(function, arguments, "[0].block_until_ready()")


def arrays(result: Any) -> list[Any]:
    return [np.asarray(x) for x in leaves(result)]
