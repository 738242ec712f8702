"""How functions are run beside the interpreter. Each entry takes a function and arguments and gives the results."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from gradjit.ir import Func
from gradjit.runtime.kernel import compile_func

Backend = Callable[[Func, Sequence[np.ndarray]], Sequence[np.ndarray]]

COMPILED: dict[str, Backend] = {"compiled": lambda func, args: compile_func(func)(*args)}
