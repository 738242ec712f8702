"""Machine code for a function of the IR, as a test calls it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gradjit.ir import Func
from gradjit.passes import optimize
from gradjit.runtime.kernel import compile_func


def native(func: Func, args: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The results of the optimised function, compiled."""
    return list(compile_func(optimize(func))(*args))
