"""What is known of NumPy's functions beside the tracer's rules: which write to arrays, and which have no derivative."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def writes_to_arrays(func: Callable[..., Any], args: Any, kwargs: Any) -> bool:
    """Whether a call writes to an array of the user's: `out=`, or the first argument of some functions."""
    if kwargs and (out := kwargs.get("out")) is not None:
        return any(isinstance(x, np.ndarray) for x in (out if isinstance(out, tuple) else (out,)))
    return bool(args) and isinstance(args[0], np.ndarray) and (func in WRITERS or getattr(func, "__name__", "") == "at")


WRITERS = frozenset({np.copyto, np.put, np.place, np.putmask, np.put_along_axis, np.fill_diagonal})
"""Functions that write to their first argument."""
WITHOUT_DERIVATIVES = frozenset({
    np.nonzero, np.flatnonzero, np.argwhere, np.count_nonzero, np.lexsort, np.digitize, np.save, np.savez,
    np.savez_compressed, np.savetxt, np.array2string, np.array_repr, np.array_str, np.shares_memory,
    np.may_share_memory, np.isin, np.array_equal, np.array_equiv, np.allclose, np.isclose, np.iscomplexobj,
    np.isrealobj, np.histogram, np.bincount,
})
"""Functions whose results have no derivative, whatever they are of."""
OF_VALUES = frozenset({np.array2string, np.array_repr, np.array_str})
"""Functions of what the elements are now: they make texts."""
