"""What NumPy's functions do to traced arrays: one file for each family of operations, joined here.

How to write a family
---------------------
A family file has up to three tables. This file joins them; nothing is registered by being imported. `common.py` has
what the rules of all families use; `refused.py` names what is not supported, and why.

`UFUNCS: dict[np.ufunc, str | Callable | Raw]`
    NumPy itself chooses the loop (`ufunc.resolve_dtypes`), so the central part (`tracer/ufuncs.py`) has done promotion,
    casts and broadcasting, and it does `out=`, `where=`, `dtype=` afterwards. A string names the operation to emit on
    the converted operands; a callable takes them (TracedArrays of one shape, in the loop's dtypes) and returns a
    TracedArray, or a tuple of them. `Raw(rule)` gets the operands as they came (handles, neither promoted nor
    broadcast), as `rule(*operands, dtype=None)`: np.matmul, np.power. `ufuncs.resolve(ufunc, operands)` tells the
    loop's dtypes.

`RULES: dict[function, Callable]`
    Any other NumPy function. The rule has NumPy's parameter names, in NumPy's order, and gets the user's arguments as
    they are: traced arrays, ndarrays, numbers, lists. It leaves out parameters that are not supported: using one is
    then an UnsupportedError that names it. Scalar results come out as handles; `dispatch.leave` makes known ones
    NumPy's own. Methods of arrays (x.sum) call the rule of the function of the same name.

`UFUNC_METHODS: dict[str, Callable]`
    "reduce", "accumulate", "outer", "at", "reduceat": `rule(ufunc, *args, **kwargs)`.

`operands.py` has what rules are made of: `as_traced(x)` (any operand as a handle), `promote(*xs)`, `cast(x, dtype)`,
`broadcast(*xs)`, `broadcast_to(x, shape)`, `emit(op, *xs, **attrs)` (which folds known operands), `known(x)` (an
ndarray or None), `constant(array)`, `static_int`, `static_shape`, `normal_axis`, `normal_axes`, `unsupported(func,
why)`, `as_array(x)` (0-d array instead of a scalar). `shaping.py` has the views: `reshaped`, `regrouped`, `permuted`,
`window`, `read_only`. `locations.fail(ErrorClass, message)` raises with the user's line. `ufuncs.store(func, result,
out, where)` writes a result through `out=`.
A handle's shape is `x.extents`, its dtype `x.dtype` (NumPy's) or `x.ir_dtype`. Rules never change their operands'
handles except through `out.write(new)`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..ufuncs import Raw
from . import (
    at,
    calculus,
    complex_matrices,
    contraction,
    creation,
    elementwise,
    factorisation,
    fourier,
    indexing,
    joining,
    linalg,
    movement,
    reduction,
    refused,
    search,
    sets,
    special,
    statistics,
)

UFUNCS: dict[np.ufunc, str | Callable[..., Any] | Raw] = {
    **elementwise.UFUNCS, **linalg.UFUNCS, **{f: Raw(rule) for f, rule in refused.UFUNC_RULES.items()},
}
RULES: dict[Callable[..., Any], Callable[..., Any]] = {
    **refused.RULES, **elementwise.RULES, **reduction.RULES, **statistics.RULES, **movement.RULES, **joining.RULES,
    **creation.RULES, **indexing.RULES, **search.RULES, **sets.RULES, **calculus.RULES, **contraction.RULES,
    **linalg.RULES, **factorisation.RULES, **fourier.RULES, **complex_matrices.RULES,
}
UFUNC_METHODS: dict[str, Callable[..., Any]] = {**reduction.UFUNC_METHODS, "at": at.at}


def ufunc_rule(ufunc: np.ufunc) -> str | Callable[..., Any] | Raw | None:
    """What a ufunc of NumPy's or of scipy.special's does to traced arrays; None where it is not supported."""
    return UFUNCS.get(ufunc) or special.special_ufunc(ufunc)
